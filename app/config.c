/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The configuration file (rte_cfgfile): section [chimney] holds our options by
 * their names, a list option once for each element; section [eal] holds EAL's,
 * by their names without dashes; each section [flow-set] or [flow-set NAME] is
 * a flow set. '#' begins a comment.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cfgfile.h>

#include "options.h"

/* Without its comment and the spaces around it. */
static char *
strip(char *line)
{
	size_t n;

	line[strcspn(line, "#\n")] = '\0';
	line += strspn(line, " \t\r");
	n = strlen(line);
	while (n > 0 && isspace((unsigned char)line[n - 1]))
		line[--n] = '\0';
	return line;
}

/* rte_cfgfile passes over a line without '=': is each one a section, or a setting in one? */
static int
check_lines(const char *path, FILE *f, char *why)
{
	char text[512];
	bool has_section = false;

	for (int nb = 1; fgets(text, sizeof(text), f) != NULL; nb++) {
		const char *wrong = NULL;
		char *line = strip(text);
		size_t n = strlen(line);

		if (n >= sizeof(text) - 2)
			wrong = "is too long";
		else if (line[0] == '[' && line[n - 1] != ']')
			wrong = "has no ']'";
		else if (line[0] == '[')
			has_section = true;
		else if (n > 0 && strchr(line, '=') == NULL)
			wrong = "is not NAME = VALUE";
		else if (n > 0 && !has_section)
			wrong = "comes before a section, [chimney] or [eal]";
		if (wrong == NULL)
			continue;
		snprintf(why, APP_WHY, "%.60s:%d: '%.80s' %s", path, nb, line, wrong);
		return -EINVAL;
	}
	return 0;
}

/* The line of a file that sets a name in a section, for the person who has to mend it. */
static int
find_line(const char *path, const char *section, const struct rte_cfgfile_entry *e)
{
	char text[512], now[64] = "", name[64], value[256];
	FILE *f = fopen(path, "re");
	int nb = 0;

	while (f != NULL && fgets(text, sizeof(text), f) != NULL) {
		const char *line = strip(text);

		nb++;
		value[0] = '\0';
		if (sscanf(line, "[%63[^]]", now) == 1)
			continue;
		if (sscanf(line, "%63[^= \t] = %255[^\n]", name, value) < 1)
			continue;
		if (strcmp(now, section) == 0 && strcmp(name, e->name) == 0 &&
			strcmp(value, e->value) == 0)
			break;
	}
	if (f != NULL)
		fclose(f);
	return nb;
}

/* One line of [eal]: "lcores = 0-1" has a long name, "l = 0-1" a short one. */
static int
add_eal(struct app_options *o, const struct rte_cfgfile_entry *e, char *why)
{
	char *out = o->eal[o->nb_eal];
	bool is_flag = e->value[0] == '\0' || strcmp(e->value, "yes") == 0;
	int n;

	if (o->nb_eal + 2 > APP_MAX_EAL_ARGS) {
		snprintf(why, APP_WHY, "too many EAL arguments");
		return -EINVAL;
	}
	if (e->name[1] == '\0') {
		snprintf(out, sizeof(o->eal[0]), "-%s", e->name);
		o->nb_eal++;
		if (is_flag)
			return 0;
		out = o->eal[o->nb_eal];
		n = snprintf(out, sizeof(o->eal[0]), "%s", e->value);
	} else if (is_flag) {
		n = snprintf(out, sizeof(o->eal[0]), "--%s", e->name);
	} else {
		n = snprintf(out, sizeof(o->eal[0]), "--%s=%s", e->name, e->value);
	}
	if (n >= (int)sizeof(o->eal[0])) {
		snprintf(why, APP_WHY, "'%.100s' is too long", e->value);
		return -EINVAL;
	}
	o->nb_eal++;
	return 0;
}

static bool
is_flow_set(const char *section)
{
	return strcmp(section, "flow-set") == 0 || strncmp(section, "flow-set ", 9) == 0;
}

/* Its keys come next. */
static int
begin_flow_set(struct app_options *o, const char *section, char *why)
{
	if (o->nb_flow_sets == APP_MAX_FLOW_SETS) {
		snprintf(why, APP_WHY, "[%s]: at most %u flow sets", section, APP_MAX_FLOW_SETS);
		return -EINVAL;
	}
	app_flow_set_init(&o->flow_set[o->nb_flow_sets++], section);
	return 0;
}

static int
take_entry(struct app_options *o, const char *section, const struct rte_cfgfile_entry *e, char *why)
{
	const char *meant;

	if (strcmp(section, "eal") == 0 && app_eal_name_check(e->name, &meant))
		return add_eal(o, e, why);
	if (strcmp(section, "eal") == 0) {
		snprintf(why, APP_WHY, "EAL has no option '%s'; is it '%s'?", e->name, meant);
		return -EINVAL;
	}
	if (is_flow_set(section))
		return app_flow_set_key(&o->flow_set[o->nb_flow_sets - 1], e->name, e->value, why);
	if (strcmp(section, "chimney") != 0) {
		snprintf(why, APP_WHY, "section [%s] is none of [chimney], [eal], [flow-set]",
			section);
		return -EINVAL;
	}
	if (strcmp(e->name, "config") == 0) {
		snprintf(why, APP_WHY, "a file cannot name another one");
		return -EINVAL;
	}
	return app_option_set(o, e->name, e->value, why);
}

static int
take_section(
	struct app_options *o, struct rte_cfgfile *file, int index, const char *path, char *why)
{
	int nb = rte_cfgfile_section_num_entries_by_index(file, (char[CFG_NAME_LEN]){ 0 }, index);
	struct rte_cfgfile_entry *entries;
	char section[CFG_NAME_LEN] = "";
	int rc = 0;

	if (nb <= 0)
		return 0;
	entries = calloc((size_t)nb, sizeof(*entries));
	if (entries == NULL) {
		snprintf(why, APP_WHY, "out of memory");
		return -ENOMEM;
	}
	nb = rte_cfgfile_section_entries_by_index(file, index, section, entries, nb);
	if (is_flow_set(section))
		rc = begin_flow_set(o, section, why);
	for (int i = 0; i < nb && rc == 0; i++) {
		char detail[APP_WHY] = "";

		rc = take_entry(o, section, &entries[i], detail);
		if (rc != 0)
			snprintf(why, APP_WHY, "%.60s:%d: %.180s", path,
				find_line(path, section, &entries[i]), detail);
	}
	free(entries);
	if (rc == 0 && is_flow_set(section))
		rc = app_flow_set_check(&o->flow_set[o->nb_flow_sets - 1], why);
	return rc;
}

int
app_config_load(struct app_options *o, const char *path, char *why)
{
	struct rte_cfgfile_parameters params = { .comment_character = '#' };
	struct rte_cfgfile *file;
	FILE *f = fopen(path, "re");
	int rc = 0;

	if (f == NULL) {
		snprintf(why, APP_WHY, "%.150s: %s", path, strerror(errno));
		return -ENOENT;
	}
	rc = check_lines(path, f, why);
	fclose(f);
	if (rc != 0)
		return rc;
	file = rte_cfgfile_load_with_params(path, CFG_FLAG_EMPTY_VALUES, &params);
	if (file == NULL) {
		snprintf(why, APP_WHY,
			"%.150s: not well formed: [chimney] or [eal], then NAME = VALUE lines",
			path);
		return -EINVAL;
	}
	for (int i = 0; i < rte_cfgfile_num_sections(file, NULL, 0) && rc == 0; i++)
		rc = take_section(o, file, i, path, why);
	rte_cfgfile_close(file);
	return rc;
}
