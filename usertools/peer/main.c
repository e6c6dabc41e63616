/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * chimney-peer's command line. Exit status: 0 every connection ended with
 * every byte right, 1 one did not, 2 the command line is wrong.
 */
#include <getopt.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

static const char help[] =
	"usage: chimney-peer connect ADDRESS PORT [options]   exchange bytes with a service\n"
	"       chimney-peer serve ADDRESS PORT               be an echo service\n"
	"\n"
	"Sends a pattern to an echo service and compares each byte that comes back.\n"
	"  --mbytes N, --bytes N   each way and connection (64 MB)\n"
	"  --until-usr1            go on after that, until SIGUSR1; the next one closes\n"
	"  --hold                  the same, but rest instead of going on\n"
	"  --ahead KB              send at most so much more than has come back (no limit)\n"
	"  --connections N         in all (1)\n"
	"  --parallel N            at once (1)\n"
	"  --reset                 end with a reset when everything has come back\n"
	"  --source                the service is \"source\" of --bytes: only receive\n"
	"  --seed N                of the pattern (1)\n"
	"  --from ADDRESS          local address\n"
	"  --cc NAME               congestion control (cubic)\n"
	"  --stall SECONDS         fail when nothing moves for so long (30)\n"
	"  --progress MS           a line that often\n"
	"  --gaps FILE             write the pauses seen: \"when for\", in microseconds\n"
	"  --json                  lines are JSON objects\n";

static int
usage(const char *why, const char *word)
{
	fprintf(stderr, "chimney-peer: %s%s%s; see --help\n", why, word != NULL ? ": " : "",
		word != NULL ? word : "");
	return 2;
}

static int
resolve(const char *address, const char *port, struct sockaddr_storage *out, socklen_t *len)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found;

	if (getaddrinfo(address, port, &hints, &found) != 0)
		return -1;
	memcpy(out, found->ai_addr, found->ai_addrlen);
	*len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static bool
read_number(const char *text, uint64_t least, uint64_t *out)
{
	char *end;

	*out = strtoull(text, &end, 10);
	return end != text && *end == '\0' && *out >= least;
}

enum {
	OPT_MBYTES = 1,
	OPT_BYTES,
	OPT_AHEAD,
	OPT_CONNECTIONS,
	OPT_PARALLEL,
	OPT_SEED,
	OPT_STALL,
	OPT_PROGRESS,
	OPT_USR1,
	OPT_HOLD,
	OPT_RESET,
	OPT_SOURCE,
	OPT_FROM,
	OPT_CC,
	OPT_GAPS,
	OPT_JSON,
	OPT_HELP
};

static const struct option options[] = {
	{ "mbytes", required_argument, NULL, OPT_MBYTES },
	{ "bytes", required_argument, NULL, OPT_BYTES },
	{ "ahead", required_argument, NULL, OPT_AHEAD },
	{ "connections", required_argument, NULL, OPT_CONNECTIONS },
	{ "parallel", required_argument, NULL, OPT_PARALLEL },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "stall", required_argument, NULL, OPT_STALL },
	{ "progress", required_argument, NULL, OPT_PROGRESS },
	{ "until-usr1", no_argument, NULL, OPT_USR1 },
	{ "hold", no_argument, NULL, OPT_HOLD },
	{ "reset", no_argument, NULL, OPT_RESET },
	{ "source", no_argument, NULL, OPT_SOURCE },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "cc", required_argument, NULL, OPT_CC },
	{ "gaps", required_argument, NULL, OPT_GAPS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

static bool
take_number(struct peer_options *opt, int which, const char *text)
{
	uint64_t n;

	if (!read_number(text, which == OPT_SEED ? 0 : 1, &n) || n > UINT64_MAX / 1000000)
		return false;
	if (which == OPT_MBYTES)
		opt->bytes = n * 1000000;
	else if (which == OPT_BYTES)
		opt->bytes = n;
	else if (which == OPT_AHEAD)
		opt->ahead = n * 1000;
	else if (which == OPT_CONNECTIONS)
		opt->connections = n;
	else if (which == OPT_PARALLEL)
		opt->parallel = n;
	else if (which == OPT_SEED)
		opt->seed = n;
	else if (which == OPT_STALL)
		opt->stall_s = n;
	else
		opt->progress_ms = n;
	return true;
}

/* 0 go on, else the exit status plus one. */
static int
take_option(struct peer_options *opt, int which, const char *text)
{
	socklen_t len;

	switch (which) {
	case OPT_HELP:
		fputs(help, stdout);
		return 1;
	case OPT_HOLD:
		opt->is_resting = true;
		opt->until_usr1 = true;
		return 0;
	case OPT_USR1:
		opt->until_usr1 = true;
		return 0;
	case OPT_RESET:
		opt->is_reset = true;
		return 0;
	case OPT_SOURCE:
		opt->is_source = true;
		return 0;
	case OPT_JSON:
		opt->json = true;
		return 0;
	case OPT_CC:
		opt->cc = text;
		return 0;
	case OPT_GAPS:
		opt->gaps = text;
		return 0;
	case OPT_FROM:
		return resolve(text, "0", &opt->from, &len) == 0 ? 0
								 : usage("bad address", text) + 1;
	case '?':
		return usage("unknown option or missing value", NULL) + 1;
	default:
		return take_number(opt, which, text) ? 0 : usage("bad number", text) + 1;
	}
}

int
main(int argc, char **argv)
{
	struct peer_options opt = { .bytes = 64000000,
		.seed = 1,
		.connections = 1,
		.parallel = 1,
		.stall_s = 30,
		.cc = "cubic" };
	int which, rc;

	while ((which = getopt_long(argc, argv, "", options, NULL)) != -1) {
		rc = take_option(&opt, which, optarg);
		if (rc != 0)
			return rc - 1;
	}
	if (argc - optind != 3)
		return usage("expected: connect or serve, ADDRESS, PORT", NULL);
	if (resolve(argv[optind + 1], argv[optind + 2], &opt.to, &opt.addr_len) < 0)
		return usage("bad address or port", argv[optind + 1]);
	if (opt.until_usr1 && opt.is_source)
		return usage("--until-usr1 needs an echo service", NULL);
	if (strcmp(argv[optind], "serve") == 0)
		return peer_serve(&opt);
	if (strcmp(argv[optind], "connect") == 0)
		return peer_client(&opt);
	return usage("neither connect nor serve", argv[optind]);
}
