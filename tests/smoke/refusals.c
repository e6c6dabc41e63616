/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What may not be offloaded is refused with its reason, and goes on in the
 * kernel as if nobody had asked. NAT and helpers are in 31_conntrack.sh; what
 * this machine's kernel cannot make is said.
 *
 * Started by 33_refusals.sh inside the host's namespace: refusals PEER-NETNS
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "inproc.h"
#include "test.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static char peer_netns[64];

/* What is done to one end of a connection, and the other. */
struct pair {
	int host, peer;
};

/* ---- turning ---- */

static void
turn_for(uint32_t ms)
{
	chim_us_t end = inproc_now() + ms * CHIM_US_PER_MS;
	struct chim_kernel_event ev[8];

	while (inproc_now() < end) {
		inproc_poll();
		assert_int_equal(chim_kernel_poll(inproc.agent, inproc_now(), ev, RTE_DIM(ev)), 0);
	}
}

/* @return the sentence; NULL when the move was not refused. */
static const char *
refusal_of(struct chim_kconn *kc)
{
	chim_us_t end = inproc_now() + 10 * CHIM_US_PER_S;
	struct chim_kernel_event ev;

	assert_int_equal(chim_kernel_offload(inproc.agent, kc), 0);
	while (inproc_now() < end) {
		inproc_poll();
		if (chim_kernel_poll(inproc.agent, inproc_now(), &ev, 1) == 0)
			continue;
		if (ev.kind != CHIM_KERNEL_REFUSED)
			return NULL;
		assert_int_equal(chim_kernel_home(kc), CHIM_HOME_KERNEL);
		return ev.why;
	}
	return NULL;
}

static bool
arrives(int from, int to)
{
	chim_us_t end = inproc_now() + 5 * CHIM_US_PER_S;
	char at[8];

	assert_int_equal(send(from, "bytes", 5, MSG_NOSIGNAL), 5);
	while (inproc_now() < end) {
		ssize_t n = recv(to, at, sizeof(at), MSG_DONTWAIT);

		if (n > 0)
			return n == 5 && memcmp(at, "bytes", 5) == 0;
		turn_for(1);
	}
	return false;
}

static void
set_int(int fd, int level, int name, int value)
{
	assert_int_equal(setsockopt(fd, level, name, &value, sizeof(value)), 0);
}

/* ---- what stands against it ---- */

static void
attach_filter(const struct pair *p)
{
	struct sock_filter all = { BPF_RET | BPF_K, 0, 0, 0xffffffff };
	struct sock_fprog program = { 1, &all };

	assert_int_equal(
		setsockopt(p->host, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
}

static void
detach_filter(const struct pair *p)
{
	set_int(p->host, SOL_SOCKET, SO_DETACH_FILTER, 0);
}

static void
add_ip_options(const struct pair *p)
{
	static const uint8_t nops[4] = { 1, 1, 1, 1 };

	assert_int_equal(setsockopt(p->host, IPPROTO_IP, IP_OPTIONS, nops, sizeof(nops)), 0);
}

static void
drop_ip_options(const struct pair *p)
{
	assert_int_equal(setsockopt(p->host, IPPROTO_IP, IP_OPTIONS, NULL, 0), 0);
}

static void
repair(const struct pair *p)
{
	set_int(p->host, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON);
}

static void
end_repair(const struct pair *p)
{
	set_int(p->host, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF);
	set_int(p->host, SOL_SOCKET, SO_REUSEADDR, 1); /* which that has taken */
}

static void
send_urgent(const struct pair *p)
{
	assert_int_equal(send(p->peer, "!", 1, MSG_OOB), 1);
	turn_for(50);
}

static void
read_urgent(const struct pair *p)
{
	char at;

	assert_int_equal(recv(p->host, &at, 1, MSG_OOB), 1);
}

static void
sign(const struct pair *p, uint16_t len)
{
	struct tcp_md5sig key = { .tcpm_keylen = len, .tcpm_key = "secret" };
	socklen_t n = sizeof(key.tcpm_addr);

	assert_int_equal(getpeername(p->host, (struct sockaddr *)&key.tcpm_addr, &n), 0);
	assert_int_equal(setsockopt(p->host, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof(key)), 0);
}

static void
add_md5(const struct pair *p)
{
	sign(p, 6);
}

static void
drop_md5(const struct pair *p)
{
	sign(p, 0);
}

static void
add_policy(const struct pair *p)
{
	inproc_run("ip xfrm policy add dir out src 10.99.0.0/24 dst 10.98.0.0/24 action block");
}

static void
drop_policy(const struct pair *p)
{
	inproc_run("ip xfrm policy del dir out src 10.99.0.0/24 dst 10.98.0.0/24");
}

static void
route_elsewhere(const struct pair *p)
{
	inproc_run("ip route add 10.78.0.2/32 dev lo");
}

static void
route_nowhere(const struct pair *p)
{
	inproc_run("ip route add unreachable 10.78.0.2/32");
}

static void
drop_route(const struct pair *p)
{
	inproc_run("ip route del 10.78.0.2/32");
}

/* Of a tunnel's interface, whatever carries its packets, and of a route that wraps them itself. */
static void
route_through_vxlan(const struct pair *p)
{
	inproc_run("ip link set tun0 up");
	inproc_run("ip route add 10.78.0.2/32 dev tun0");
}

static void
drop_vxlan(const struct pair *p)
{
	inproc_run("ip link del tun0");
}

static void
nothing_more(const struct pair *p)
{
	turn_for(1);
}

static void
close_it(const struct pair *p)
{
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	assert_int_equal(connect(p->peer, &nobody, sizeof(nobody)), 0); /* a reset */
	turn_for(50);
}

static const struct {
	const char *words;
	void (*make)(const struct pair *p);
	void (*undo)(const struct pair *p); /* NULL: it cannot go on */
	const char *begin; /* a command that not every kernel can follow; NULL = none */
} cases[] = {
	{ "a filter is attached", attach_filter, detach_filter },
	{ "IP options", add_ip_options, drop_ip_options },
	{ "in repair mode", repair, end_repair },
	{ "urgent data", send_urgent, read_urgent },
	{ "TCP-MD5", add_md5, drop_md5 },
	{ "IPsec policies", add_policy, drop_policy },
	{ "does not leave by a port's exception interface", route_elsewhere, drop_route },
	{ "no route", route_nowhere, drop_route },
	{ "its route leaves by a vxlan tunnel", route_through_vxlan, drop_vxlan,
		"ip link add tun0 type vxlan id 1 remote 10.78.0.3 dstport 4789 dev chim0" },
	{ "its route encapsulates", nothing_more, drop_route,
		"ip route add 10.78.0.2/32 encap ip id 5 dst 10.78.0.3 dev chim0" },
	{ "not established", close_it, NULL },
};

static void
expect_refusal(size_t i, const struct pair *p, struct chim_kconn *kc)
{
	const char *why;

	if (cases[i].begin != NULL && system(cases[i].begin) != 0) {
		printf("%s: this kernel cannot make it\n", cases[i].words);
		return;
	}
	cases[i].make(p);
	why = refusal_of(kc);
	printf("%s: %s\n", cases[i].words, why != NULL ? why : "NOT REFUSED");
	assert_non_null(why);
	assert_non_null(strstr(why, cases[i].words));
	if (cases[i].undo == NULL)
		return;
	cases[i].undo(p);
	assert_true(arrives(p->host, p->peer));
	assert_true(arrives(p->peer, p->host));
}

static void
each_is_refused_with_its_reason_and_goes_on(void **state)
{
	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct pair p;
		struct chim_kconn *kc;

		inproc_connect(&(struct inproc_pair){ .congestion = "cubic" }, &p.host, &p.peer);
		kc = chim_kernel_adopt(inproc.agent, p.host, i);
		assert_non_null(kc);
		expect_refusal(i, &p, kc);
		chim_kernel_forget(inproc.agent, kc);
		close(p.host);
		close(p.peer);
		turn_for(20);
	}
}

static void
a_socket_of_another_namespace_is_refused(void **state)
{
	struct pair p;
	struct chim_kconn *kc;

	inproc_connect(&(struct inproc_pair){ .congestion = "cubic" }, &p.host, &p.peer);
	kc = chim_kernel_adopt(inproc.agent, p.peer, 1);
	assert_non_null(kc);
	assert_non_null(strstr(refusal_of(kc), "another network namespace"));
	assert_true(arrives(p.peer, p.host));
	chim_kernel_forget(inproc.agent, kc);
	close(p.host);
	close(p.peer);
}

static void
what_is_no_tcp_connection_is_not_adopted(void **state)
{
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int m = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	int u = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(listen(l, 1), 0);
	assert_null(chim_kernel_adopt(inproc.agent, l, 1));
	assert_int_equal(errno, ENOTCONN);
	assert_null(chim_kernel_adopt(inproc.agent, u, 1));
	assert_int_equal(errno, EOPNOTSUPP);
	if (m < 0) {
		printf("this kernel has no MPTCP\n");
	} else {
		assert_null(chim_kernel_adopt(inproc.agent, m, 1));
		assert_int_equal(errno, EOPNOTSUPP);
		close(m);
	}
	close(l);
	close(u);
}

/* Accurate ECN cannot be told from the classic one: where it may be, it is assumed. */
static void
ecn_that_may_be_accurate_is_refused(void **state)
{
	struct chim_kconn *kc;
	struct pair p;
	char line[128];

	snprintf(
		line, sizeof(line), "ip netns exec %s sysctl -q -w net.ipv4.tcp_ecn=1", peer_netns);
	inproc_run(line);
	if (system("sysctl -q -w net.ipv4.tcp_ecn=3 2>/dev/null") != 0) {
		printf("this kernel has no accurate ECN\n");
		return;
	}
	turn_for(1200); /* the agent looks once a second */
	inproc_connect(&(struct inproc_pair){ .congestion = "cubic" }, &p.host, &p.peer);
	kc = chim_kernel_adopt(inproc.agent, p.host, 1);
	assert_non_null(kc);
	assert_non_null(strstr(refusal_of(kc), "accurate ECN"));
	assert_true(arrives(p.peer, p.host));
	chim_kernel_forget(inproc.agent, kc);
	close(p.host);
	close(p.peer);
	inproc_run("sysctl -q -w net.ipv4.tcp_ecn=2");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(each_is_refused_with_its_reason_and_goes_on),
	cmocka_unit_test(a_socket_of_another_namespace_is_refused),
	cmocka_unit_test(what_is_no_tcp_connection_is_not_adopted),
	cmocka_unit_test(ecn_that_may_be_accurate_is_refused),
};

int
main(int argc, char **argv)
{
	int failed;

	if (argc < 2)
		return EXIT_FAILURE;
	snprintf(peer_netns, sizeof(peer_netns), "%s", argv[1]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	inproc_start(
		argv[0], &(struct inproc_config){ .netns = peer_netns, .max_connections = 64 });
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fflush(stdout);
	_exit(failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
