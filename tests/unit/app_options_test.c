/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Options by command line and by file: what is understood, and that what is
 * not names the option, or the line, and what would be right. Covers
 * options.c, offload.c, args.c, config.c and eal_names.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chim_dp.h"
#include "options.h"
#include "test.h"

static struct app_options o;
static char why[APP_WHY];

static int
parse(const char *line)
{
	static char text[1024];
	char *argv[32];
	int argc = 0;

	app_options_init(&o);
	why[0] = '\0';
	strcpy(text, line);
	for (char *w = strtok(text, " "); w != NULL; w = strtok(NULL, " "))
		argv[argc++] = w;
	return app_args_parse(&o, argc, argv, why);
}

static void
refused(const char *line, const char *named, const char *remedy)
{
	assert_int_equal(parse(line), -EINVAL);
	assert_non_null(strstr(why, named));
	assert_non_null(strstr(why, remedy));
}

static void
every_kind_of_option_is_understood(void **state)
{
	const struct sockaddr_in *in;
	const struct sockaddr_in6 *in6;

	(void)state;
	assert_int_equal(
		parse("--port=net_af_packet0,net_tap0 --port net_af_packet1,u0,chim1 "
		      "--listen=7000,echo --listen=[::1]:80,http=/tmp,offload=bytes:64K "
		      "--listen=10.0.0.1:9,source=2M,offload=age:1500 --offload=accept "
		      "--workers=1-2 --idle=sleep --no-hold --drain 7 --congestion=newreno"),
		0);
	assert_int_equal(o.nb_ports, 2);
	assert_string_equal(o.port[0].wire, "net_af_packet0");
	assert_string_equal(o.port[0].ifname, "");
	assert_string_equal(o.port[1].ifname, "chim1");
	assert_int_equal(o.nb_listeners, 3);
	in = (const struct sockaddr_in *)&o.listener[0].addr;
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(ntohs(in->sin_port), 7000);
	assert_false(o.listener[0].has_policy);
	in6 = (const struct sockaddr_in6 *)&o.listener[1].addr;
	assert_int_equal(in6->sin6_family, AF_INET6);
	assert_int_equal(ntohs(in6->sin6_port), 80);
	assert_true(IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr));
	assert_string_equal(o.listener[1].arg, "/tmp");
	assert_int_equal(o.listener[1].policy.kind, APP_POLICY_WORTH);
	assert_int_equal(o.listener[1].policy.bytes, 65536);
	assert_int_equal(o.listener[1].policy.age_ms, 0);
	assert_int_equal(o.listener[2].policy.age_ms, 1500);
	assert_int_equal(o.policy.kind, APP_POLICY_ACCEPT);
	assert_string_equal(o.workers, "1-2");
	assert_int_equal(o.idle, CHIM_IDLE_SLEEP);
	assert_int_equal(o.congestion, CHIM_CC_NEWRENO);
	assert_int_equal(o.drain_s, 7);
	assert_true(o.no_hold);
	assert_int_equal(app_options_check(&o, why), 0);
}

static void
thresholds_of_offload_add_up(void **state)
{
	(void)state;
	assert_int_equal(parse("--offload=never"), 0);
	assert_int_equal(o.policy.kind, APP_POLICY_NEVER);
	assert_int_equal(parse("--offload=rate:2M+rtt:5+bytes:1K+age:7"), 0);
	assert_int_equal(o.policy.kind, APP_POLICY_WORTH);
	assert_int_equal(o.policy.rate, 2 << 20);
	assert_int_equal(o.policy.rtt_ms, 5);
	assert_int_equal(o.policy.bytes, 1024);
	assert_int_equal(o.policy.age_ms, 7);
	assert_int_equal(parse("--offload=auto"), 0);
	assert_int_equal(o.policy.kind, APP_POLICY_WORTH);
	assert_int_equal(o.policy.bytes, 130 << 10);
	assert_int_equal(o.policy.rtt_ms, 20);
	assert_int_equal(o.policy.rate, 0);
	assert_int_equal(parse("--offload=auto+age:5"), 0);
	assert_int_equal(o.policy.rtt_ms, 20);
	assert_int_equal(o.policy.age_ms, 5);
}

static void
what_is_wrong_is_named_with_what_would_be_right(void **state)
{
	(void)state;
	refused("--prot=a,b", "'prot'", "'port'");
	refused("--upload-idel=3", "'upload-idel'", "'upload-idle'");
	refused("-l 0", "'-l'", "before \"--\"");
	refused("--mbuf-size=1500", "'1500'", "2048");
	refused("--port=only", "'only'", "net_af_packet0,net_tap0");
	refused("--port", "'port'", "needs a value");
	refused("--drain=soon", "'soon'", "86400");
	refused("--drain=-1", "'-1'", "number");
	refused("--offload=always", "'always'", "accept, never");
	refused("--group=nosuch", "'nosuch'", "group");
	refused("--offload=bytes:", "bytes:", "64K");
	refused("--offload=bytes:64K+speed:3", "'speed:3'", "rate:N");
	refused("--offload=rtt:-1", "rtt:-1", "64K");
	refused("--offload=bytes:64K+", "''", "bytes:N");
	refused("--idle=nap", "'nap'", "spin, pause, sleep, interrupt");
	refused("--listen=80", "'80'", "[ADDR:]PORT,SERVICE");
	refused("--listen=99999,echo", "'99999'", "65535");
	refused("--listen=::1:80,echo", "'::1'", "brackets");
	refused("--listen=80,ftp", "'ftp'", "echo, discard, source, http, park");
	refused("--listen=80,http=/nowhere", "/nowhere", "directory");
	refused("--listen=80,source", "source", "source=100M");
	refused("--no-hold=maybe", "'no-hold'", "no value");
	refused("--control=relative", "'relative'", "absolute");
	refused("--workers=a", "'a'", "1-3");
}

static void
ports_must_make_sense_together(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(app_options_check(&o, why), -EINVAL);
	assert_non_null(strstr(why, "--port="));
	assert_int_equal(parse("--port=a,b --port=a,c"), 0);
	assert_int_equal(app_options_check(&o, why), -EINVAL);
	assert_int_equal(parse("--port=a,a"), 0);
	assert_int_equal(app_options_check(&o, why), -EINVAL);
	assert_int_equal(parse("--port=a,b --listen=80,echo --listen=80,discard"), 0);
	assert_int_equal(app_options_check(&o, why), -EINVAL);
	assert_non_null(strstr(why, "echo and discard"));
	assert_int_equal(parse("--port=a,b --listen=80,echo --listen=10.0.0.1:80,discard"), 0);
	assert_int_equal(app_options_check(&o, why), 0);
}

/* Parse a command line beside a file with this text. */
static int
parse_file(const char *text, const char *more)
{
	char path[] = "/tmp/chim-config-XXXXXX";
	char line[512];
	int fd = mkstemp(path);
	int rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	snprintf(line, sizeof(line), "--config=%s %s", path, more);
	rc = parse(line);
	unlink(path);
	return rc;
}

static void
a_file_holds_every_option_and_those_of_eal(void **state)
{
	(void)state;
	assert_int_equal(parse_file("# comment\n[eal]\nl = 0-1\nno-huge = yes\nvdev = net_tap0\n"
				    "vdev = net_tap1,iface=x\n\n[chimney]\nport = a,b # ours\n"
				    "listen = 7000,echo\nlisten = 7001,discard\nno-hold = yes\n"
				    "drain = 3\n",
				 "--drain=9"),
		0);
	assert_int_equal(o.nb_eal, 5);
	assert_string_equal(o.eal[0], "-l");
	assert_string_equal(o.eal[1], "0-1");
	assert_string_equal(o.eal[2], "--no-huge");
	assert_string_equal(o.eal[3], "--vdev=net_tap0");
	assert_string_equal(o.eal[4], "--vdev=net_tap1,iface=x");
	assert_int_equal(o.nb_ports, 1);
	assert_string_equal(o.port[0].exception, "b");
	assert_int_equal(o.nb_listeners, 2);
	assert_true(o.no_hold);
	assert_int_equal(o.drain_s, 9); /* the command line wins */
}

static void
named_line(const char *text, const char *line, const char *remedy)
{
	assert_int_equal(parse_file(text, ""), -EINVAL);
	assert_non_null(strstr(why, line));
	assert_non_null(strstr(why, remedy));
}

static void
a_wrong_line_is_named(void **state)
{
	(void)state;
	assert_int_equal(parse_file("[chimney]\nport = a,b\ndrian = 3\n", ""), -EINVAL);
	assert_non_null(strstr(why, ":3: "));
	assert_non_null(strstr(why, "'drain'"));
	assert_int_equal(
		parse_file("[chimney]\n\n\nlisten = 80,echo\nlisten = 81,ftp\n", ""), -EINVAL);
	assert_non_null(strstr(why, ":5: "));
	named_line("[chimney]\nport = a,b\nlisten 80,echo\n", ":3: ", "NAME = VALUE");
	named_line("# first\nport = a,b\n", ":2: ", "[chimney] or [eal]");
	named_line("[chimney\nport = a,b\n", ":1: ", "']'");
	named_line("[eal]\nl = 0\nnohuge = yes\n", ":3: ", "is it 'no-huge'");
	named_line("[eal]\nz = 1\n", ":2: ", "'z'");
	named_line("[chimney]\ndrain =   # soon\n", ":2: ", "needs a value");
	named_line("[chimney]\nlisten = 80,echo\nlisten = 80,ech\n", ":3: ", "'ech'");
	assert_int_equal(parse_file("[chimneys]\nport = a,b\n", ""), -EINVAL);
	assert_non_null(strstr(why, "[chimneys]"));
	assert_int_equal(parse_file("[chimney]\nconfig = other\n", ""), -EINVAL);
	assert_int_equal(parse("--config=/nowhere/at-all"), -EINVAL);
	assert_non_null(strstr(why, "/nowhere/at-all"));
}

static void
help_names_every_option_and_fits_a_screen(void **state)
{
	static const char *const names[] = { "port", "workers", "idle", "mtu", "descriptors",
		"software-only", "connections", "mbufs", "host-mbufs", "content", "congestion",
		"profile", "listen", "offload", "upload-idle", "hold-ms", "no-hold", "config",
		"control", "group", "drain", "check-config", "version", "help" };
	const char *line = app_help();
	uint32_t lines = 0;
	char option[40];

	(void)state;
	for (size_t i = 0; i < CHIM_DIM(names); i++) {
		snprintf(option, sizeof(option), "--%s", names[i]);
		assert_non_null(strstr(app_help(), option));
		assert_int_not_equal(app_option_set(&o, names[i], "\x01", why), -ENOENT);
	}
	for (; *line != '\0'; lines++) {
		size_t n = strcspn(line, "\n");

		assert_true(n < 100);
		line += n + 1;
	}
	assert_true(lines <= 40);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_kind_of_option_is_understood),
	cmocka_unit_test(thresholds_of_offload_add_up),
	cmocka_unit_test(what_is_wrong_is_named_with_what_would_be_right),
	cmocka_unit_test(ports_must_make_sense_together),
	cmocka_unit_test(a_file_holds_every_option_and_those_of_eal),
	cmocka_unit_test(a_wrong_line_is_named),
	cmocka_unit_test(help_names_every_option_and_fits_a_screen),
};
CHIM_CMOCKA_SUITE(app_options_autotest, tests, NULL, NULL)
