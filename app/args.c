/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The command line: EAL's part, "--", ours. A configuration file is read
 * first, so that an option beside it wins (lists add up).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_string_fns.h>

#include "options.h"

int
app_args_split(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i + 1;
	}
	return 1;
}

/* Where a walk over the arguments is, and the option it has found last. */
struct walk {
	int argc;
	char **argv;
	int at;
	char name[64];
	const char *value; /* NULL: none was given */
};

/* Take the next option and its value. @return 0; -EINVAL with why. */
static int
next_option(struct walk *w, char *why)
{
	const char *arg = w->argv[w->at++];
	const char *equals;
	size_t len;

	if (strcmp(arg, "-h") == 0)
		arg = "--help";
	equals = strchr(arg, '=');
	len = equals == NULL ? strlen(arg) : (size_t)(equals - arg);
	if (strncmp(arg, "--", 2) != 0 || len <= 2 || len - 2 >= sizeof(w->name)) {
		snprintf(why, APP_WHY,
			"'%.100s' is not an option (those of EAL go before \"--\"); see --help",
			arg);
		return -EINVAL;
	}
	memcpy(w->name, arg + 2, len - 2);
	w->name[len - 2] = '\0';
	w->value = equals == NULL ? NULL : equals + 1;
	if (equals == NULL && app_option_has_value(w->name) && w->at < w->argc)
		w->value = w->argv[w->at++];
	return 0;
}

/* One pass over the arguments. The first looks for the configuration file alone. */
static int
walk_options(struct app_options *o, struct walk w, bool config_only, char *why)
{
	while (w.at < w.argc) {
		int rc = next_option(&w, why);

		if (rc == 0 && (strcmp(w.name, "config") == 0) == config_only)
			rc = app_option_set(o, w.name, w.value, why);
		if (rc != 0)
			return -EINVAL;
	}
	return 0;
}

int
app_args_parse(struct app_options *o, int argc, char **argv, char *why)
{
	struct walk start = { .argc = argc, .argv = argv };

	if (walk_options(o, start, true, why) != 0)
		return -EINVAL;
	if (o->config[0] != '\0' && app_config_load(o, o->config, why) != 0)
		return -EINVAL;
	return walk_options(o, start, false, why);
}
