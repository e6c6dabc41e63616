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

/* Take the option at argv[*at], and its value. @return 0; -EINVAL with why. */
static int
next_option(int argc, char **argv, int *at, const char **value, char *name, char *why)
{
	const char *arg = argv[*at];
	const char *equals = strchr(arg, '=');
	size_t len = equals == NULL ? strlen(arg) : (size_t)(equals - arg);

	if (strcmp(arg, "-h") == 0)
		arg = "--help", len = 6;
	if (strncmp(arg, "--", 2) != 0 || len - 2 >= 64 || len <= 2) {
		snprintf(why, APP_WHY,
			"'%.100s' is not an option (those of EAL go before \"--\"); see --help",
			arg);
		return -EINVAL;
	}
	memcpy(name, arg + 2, len - 2);
	name[len - 2] = '\0';
	*value = equals == NULL ? NULL : equals + 1;
	if (equals == NULL && app_option_has_value(name) && *at + 1 < argc)
		*value = argv[++*at];
	++*at;
	return 0;
}

/* One pass over the arguments. The first looks for the configuration file alone. */
static int
walk(struct app_options *o, int argc, char **argv, bool config_only, char *why)
{
	int at = 0;

	while (at < argc) {
		const char *value;
		char name[64];
		int rc = next_option(argc, argv, &at, &value, name, why);

		if (rc == 0 && (strcmp(name, "config") == 0) == config_only)
			rc = app_option_set(o, name, value, why);
		if (rc != 0)
			return -EINVAL;
	}
	return 0;
}

int
app_args_parse(struct app_options *o, int argc, char **argv, char *why)
{
	if (walk(o, argc, argv, true, why) != 0)
		return -EINVAL;
	if (o->config[0] != '\0' && app_config_load(o, o->config, why) != 0)
		return -EINVAL;
	return walk(o, argc, argv, false, why);
}
