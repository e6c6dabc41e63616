/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * One question to the kernel after another: none is given what belongs to the
 * one before. Any user may ask for a link, and "lo" is always there.
 */
#include <errno.h>
#include <net/if.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "kernel_netlink.h"
#include "test.h"

static struct kernel_netlink nl;

static int
open_netlink(void **state)
{
	(void)state;
	return kernel_netlink_open(&nl);
}

static int
close_netlink(void **state)
{
	(void)state;
	kernel_netlink_close(&nl);
	return 0;
}

static struct nlmsghdr *
put_question(char *buf, int ifindex)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *link;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	link->ifi_index = ifindex;
	return nlh;
}

static int
on_link(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);

	*(int *)arg = link->ifi_index;
	return MNL_CB_OK;
}

static int
ask(int ifindex)
{
	char buf[KERNEL_NETLINK_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	int answered = 0;
	int rc = kernel_netlink_ask(&nl, nl.route, put_question(buf, ifindex), on_link, &answered);

	return rc == 0 ? answered : rc;
}

static int
fail_half_way(const struct nlmsghdr *nlh, void *arg)
{
	(void)nlh;
	(void)arg;
	errno = EPROTO;
	return MNL_CB_ERROR;
}

static void
a_question_is_answered(void **state)
{
	int lo = (int)if_nametoindex("lo");

	(void)state;
	assert_true(lo > 0);
	assert_int_equal(ask(lo), lo);
	assert_int_equal(ask(lo), lo);
}

static void
an_error_is_the_answer_to_its_own_question(void **state)
{
	int lo = (int)if_nametoindex("lo");

	(void)state;
	assert_int_equal(ask(INT32_MAX), -ENODEV);
	assert_int_equal(ask(lo), lo);
}

static void
what_an_earlier_question_left_is_not_the_answer(void **state)
{
	char buf[KERNEL_NETLINK_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	int lo = (int)if_nametoindex("lo");
	struct nlmsghdr *dump = put_question(buf, 0);

	(void)state;
	/* A dump has its end in a datagram of its own, which nobody reads any more. */
	dump->nlmsg_flags |= NLM_F_DUMP;
	assert_int_equal(kernel_netlink_ask(&nl, nl.route, dump, fail_half_way, NULL), -EPROTO);
	assert_int_equal(ask(lo), lo);
	assert_int_equal(ask(INT32_MAX), -ENODEV);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_question_is_answered),
	cmocka_unit_test(an_error_is_the_answer_to_its_own_question),
	cmocka_unit_test(what_an_earlier_question_left_is_not_the_answer),
};

CHIM_CMOCKA_SUITE(kernel_netlink_autotest, tests, open_netlink, close_netlink)
