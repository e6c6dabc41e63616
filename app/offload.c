/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The words of --offload: never, accept, or thresholds joined by '+', all of
 * which a connection must reach. policy.c applies what is understood here.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_string_fns.h>

#include "chim_base.h"
#include "options.h"

/* The thresholds of the automatic mode of Windows' chimney: 130 KB moved, a round trip below 20 ms
 * (its third, a 10 Gbit/s port, is not one of a connection). */
#define AUTO_BYTES  (130u * 1024u)
#define AUTO_RTT_MS 20u

static int
refuse(char *why, const char *word)
{
	snprintf(why, APP_WHY,
		"'%.60s' is none of accept, never, auto, bytes:N, rate:N, age:MILLISECONDS, "
		"rtt:MILLISECONDS",
		word);
	return -EINVAL;
}

static int
parse_threshold(struct app_policy *p, const char *word, char *why)
{
	const struct {
		const char *name;
		uint64_t *value;
	} row[] = {
		{ "bytes:", &p->bytes },
		{ "rate:", &p->rate },
		{ "age:", &p->age_ms },
		{ "rtt:", &p->rtt_ms },
	};

	if (strcmp(word, "auto") == 0) {
		p->bytes = AUTO_BYTES;
		p->rtt_ms = AUTO_RTT_MS;
		return 0;
	}
	for (size_t i = 0; i < CHIM_DIM(row); i++) {
		size_t n = strlen(row[i].name);

		if (strncmp(word, row[i].name, n) != 0)
			continue;
		errno = 0;
		*row[i].value = word[n] == '-' ? 0 : rte_str_to_size(word + n);
		if (errno == 0 && *row[i].value != 0)
			return 0;
		snprintf(
			why, APP_WHY, "'%.60s': the number after ':' is not one (64K, 1000)", word);
		return -EINVAL;
	}
	return refuse(why, word);
}

int
app_policy_parse(struct app_policy *p, const char *value, char *why)
{
	char text[128];
	char *rest = text, *word;

	memset(p, 0, sizeof(*p));
	if (strcmp(value, "never") == 0)
		return 0;
	if (strcmp(value, "accept") == 0) {
		p->kind = APP_POLICY_ACCEPT;
		return 0;
	}
	p->kind = APP_POLICY_WORTH;
	if (strlcpy(text, value, sizeof(text)) >= sizeof(text))
		return refuse(why, value);
	while ((word = strsep(&rest, "+")) != NULL) {
		if (parse_threshold(p, word, why) != 0)
			return -EINVAL;
	}
	return 0;
}
