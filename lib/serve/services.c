/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The list of built-in services, and how one is found by the name a person
 * writes in a listener's configuration.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "serve_stream.h"

static const struct chim_service *const services[] = {
	&serve_echo,
	&serve_discard,
	&serve_source,
	&serve_http,
	&serve_park,
	NULL,
};

const struct chim_service *const *
chim_service_list(void)
{
	return services;
}

const struct chim_service *
chim_service_find(const char *name)
{
	for (size_t i = 0; services[i] != NULL; i++) {
		if (strcmp(services[i]->name, name) == 0)
			return services[i];
	}
	return NULL;
}

int
chim_service_check(const struct chim_service *svc, const char *arg, char *why, size_t why_len)
{
	if (svc->check != NULL)
		return svc->check(arg, why, why_len);
	if (arg == NULL)
		return 0;
	snprintf(why, why_len, "service %s takes no argument", svc->name);
	return -EINVAL;
}
