/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Values of options, see value.h. A refusal says what the value was and what
 * would be right: the person reads it beside the option's name.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_string_fns.h>

#include "chim_serve.h"
#include "options.h"
#include "value.h"

#define SERVICE_LEN 16u
#define ARG_LEN	    200u

int
app_value_refuse(char *why, const char *fmt, const char *value)
{
	snprintf(why, APP_WHY, fmt, value);
	return -EINVAL;
}

int
app_value_number(uint32_t *out, const char *value, uint64_t least, uint64_t most, char *why)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || value[0] == '-' || n < least ||
		n > most) {
		snprintf(why, APP_WHY, "'%s' is not a number from %" PRIu64 " to %" PRIu64, value,
			least, most);
		return -EINVAL;
	}
	*out = (uint32_t)n;
	return 0;
}

int
app_value_text(char *out, size_t size, const char *value, char *why)
{
	if (value[0] == '\0')
		return app_value_refuse(why, "it needs a value%s", "");
	if (strlcpy(out, value, size) >= size)
		return app_value_refuse(why, "'%s' is too long", value);
	return 0;
}

int
app_value_one_of(uint32_t *out, const char *value, const char *const *names, char *why)
{
	char list[128] = "";

	for (uint32_t i = 0; names[i] != NULL; i++) {
		if (strcmp(names[i], value) == 0) {
			*out = i;
			return 0;
		}
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
			i == 0 ? "" : ", ", names[i]);
	}
	snprintf(why, APP_WHY, "'%s' is none of %s", value, list);
	return -EINVAL;
}

int
app_value_service(char *service, char *arg, const char *value, char *why)
{
	const char *equals = strchr(value, '=');
	size_t len = equals != NULL ? (size_t)(equals - value) : strlen(value);
	const struct chim_service *svc;

	if (len >= SERVICE_LEN)
		return app_value_refuse(why, "'%s' is too long", value);
	snprintf(service, SERVICE_LEN, "%.*s", (int)len, value);
	arg[0] = '\0';
	if (equals != NULL && strlcpy(arg, equals + 1, ARG_LEN) >= ARG_LEN)
		return app_value_refuse(why, "'%s' is too long", equals + 1);
	svc = chim_service_find(service);
	if (svc == NULL)
		return app_value_refuse(
			why, "service '%s' is none of echo, discard, source, http, park", service);
	return chim_service_check(svc, equals != NULL ? arg : NULL, why, APP_WHY);
}
