/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Flow sets in a configuration file: what a section means, and that what is
 * wrong is named with what would be right. Covers flow_options.c, and value.c
 * as far as options do not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chim.h"
#include "options.h"
#include "test.h"

static struct app_options o;
static char why[APP_WHY];

/* The section's lines, in a file with a port. */
static int
parse(const char *lines)
{
	char path[] = "/tmp/chimney-flow-XXXXXX";
	int fd = mkstemp(path);
	FILE *f;
	int rc;

	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	assert_non_null(f);
	fprintf(f, "[chimney]\nport = a,b\n%s", lines);
	fclose(f);
	app_options_init(&o);
	why[0] = '\0';
	rc = app_config_load(&o, path, why);
	unlink(path);
	return rc;
}

#define WHERE                                                          \
	"service = echo\nlocal = 10.0.0.1-10.0.0.2\nlocal-port = 80\n" \
	"remote = 10.9.255.255-10.10.0.1\nremote-port = 1024-1033\n"   \
	"remote-mac = 02:00:00:00:00:02\n"

static void
a_set_is_every_combination_of_its_ranges(void **state)
{
	const struct app_flow_set *f = &o.flow_set[0];

	(void)state;
	assert_int_equal(parse("[flow-set]\n" WHERE), 0);
	assert_int_equal(o.nb_flow_sets, 1);
	assert_int_equal(f->family, CHIM_AF_INET);
	assert_int_equal(f->nb_local, 2);
	assert_int_equal(f->nb_remote, 3); /* across a byte */
	assert_int_equal(f->nb_local_ports, 1);
	assert_int_equal(f->nb_remote_ports, 10);
	assert_int_equal(f->connections, 60);
	assert_string_equal(f->service, "echo");
	assert_int_equal(f->remote_mac[5], 2);
	assert_int_equal(f->mss, 1460);
	assert_false(f->has_sack);
}

static void
sets_have_names_and_numbers_of_their_own(void **state)
{
	(void)state;
	assert_int_equal(parse("[flow-set]\n" WHERE "connections = 7\nseq = 4294967295\n"
			       "peer-seq = 5\nwindow = 1000000\nwindow-scale = 7\nmss = 8960\n"
			       "mtu = 9000\ntimestamps = yes\nsack = yes\nvlan = 5\n"
			       "receive-buffer = 262144\ncongestion-window = 100000\n"
			       "[flow-set six]\nservice = source=10M\nlocal = fd00::1\n"
			       "local-port = 1-65535\nremote = fd00::ffff-fd00::1:2\n"
			       "remote-port = 9\nremote-mac = 02:00:00:00:00:03\nlocal-mac = "
			       "02:00:00:00:00:04\n"),
		0);
	assert_int_equal(o.nb_flow_sets, 2);
	assert_int_equal(o.flow_set[0].connections, 7);
	assert_int_equal(o.flow_set[0].seq, UINT32_MAX);
	assert_int_equal(o.flow_set[0].window_scale, 7);
	assert_true(o.flow_set[0].has_timestamps);
	assert_string_equal(o.flow_set[1].name, "flow-set six");
	assert_string_equal(o.flow_set[1].arg, "10M");
	assert_int_equal(o.flow_set[1].family, CHIM_AF_INET6);
	assert_int_equal(o.flow_set[1].nb_remote, 4);
	assert_int_equal(o.flow_set[1].connections, 4 * 65535);
	assert_int_equal(o.flow_set[1].local_mac[5], 4);
}

static void
refused(const char *lines, const char *named)
{
	assert_int_equal(parse(lines), -EINVAL);
	if (strstr(why, named) == NULL)
		print_error("'%s' does not name '%s'\n", why, named);
	assert_non_null(strstr(why, named));
}

static void
a_wrong_key_or_value_is_named(void **state)
{
	(void)state;
	assert_int_equal(parse("[flow-set]\nsorvice = echo\n"), -ENOENT);
	assert_non_null(strstr(why, ":4: ")); /* the line */
	assert_non_null(strstr(why, "'sorvice'"));
	refused("[flow-set]\nservice = ftp\n", "echo, discard");
	refused("[flow-set]\nservice = source\n", "source=100M");
	refused("[flow-set]\nlocal = 10.0.0.300\n", "FIRST-LAST");
	refused("[flow-set]\nlocal = 10.0.0.2-10.0.0.1\n", "before the first");
	refused("[flow-set]\nlocal = 10.0.0.1-fd00::1\n", "one family");
	refused("[flow-set]\nlocal = 10.0.0.1\nremote = fd00::1\n", "another family");
	refused("[flow-set]\nlocal = fd00::1-fd01::1\n", "last 32 bits");
	refused("[flow-set]\nlocal-port = 80-70\n", "before the first");
	refused("[flow-set]\nlocal-port = 0\n", "from 1 to 65535");
	refused("[flow-set]\nremote-mac = ff:ff:ff:ff:ff:ff\n", "MAC");
	refused("[flow-set]\nsack = maybe\n", "no, yes");
	refused("[flow-set]\nmss =\n", "needs a value");
}

static void
a_set_that_does_not_fit_together_is_refused(void **state)
{
	(void)state;
	refused("[flow-set]\nlocal = 10.0.0.1\n", "needs a service");
	refused("[flow-set]\nservice = echo\n", "needs local");
	refused("[flow-set]\nservice = echo\nlocal = 10.0.0.1\nlocal-port = 1\nremote = 10.0.0.2\n"
		"remote-port = 1\n",
		"remote-mac");
	refused("[flow-set]\n" WHERE "connections = 61\n", "60 connections");
	refused("[flow-set]\n" WHERE "window = 65536\n", "window-scale");
	refused("[flow-set x]\n" WHERE "local-port = 1-65535\nremote-port = 1-65535\n",
		"[flow-set x]");
	refused("[flow-sets]\n" WHERE, "[flow-sets]");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_set_is_every_combination_of_its_ranges),
	cmocka_unit_test(sets_have_names_and_numbers_of_their_own),
	cmocka_unit_test(a_wrong_key_or_value_is_named),
	cmocka_unit_test(a_set_that_does_not_fit_together_is_refused),
};
CHIM_CMOCKA_SUITE(app_flow_options_autotest, tests, NULL, NULL)
