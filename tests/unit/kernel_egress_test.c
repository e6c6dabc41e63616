/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Which port and VLAN a route leads to, what is refused by name, and the
 * priority of its frames: by the kernel's own words, made here.
 */
#include <string.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "kernel_internal.h"
#include "test.h"

#define TAP   7
#define VLAN  8
#define OTHER 9

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t other_mac[6] = { 2, 0, 0, 0, 0, 2 };

static void
one_port(struct chim_kernel *k)
{
	memset(k, 0, sizeof(*k));
	k->nb_ports = 1;
	k->port[0].number = 3;
	k->port[0].ifindex = TAP;
	memcpy(k->port[0].mac, mac, sizeof(mac));
}

static struct kernel_route
vlan_route(void)
{
	struct kernel_route r = { .oif = VLAN,
		.iface = { .mtu = 1500,
			.lower = TAP,
			.kind = "vlan",
			.vlan_id = 100,
			.vlan_proto = ETH_P_8021Q } };

	memcpy(r.iface.mac, mac, sizeof(mac));
	return r;
}

static void
a_route_leaves_by_a_port_or_a_vlan_of_it(void **state)
{
	struct kernel_route r = vlan_route();
	struct kernel_egress way;
	struct chim_kernel k;

	(void)state;
	one_port(&k);
	assert_null(kernel_egress_find(&k, &r, &way));
	assert_ptr_equal(way.port, &k.port[0]);
	assert_int_equal(way.ifindex, VLAN);
	assert_int_equal(way.vlan_id, 100);
	/* The interface itself, of whatever kind it is. */
	memset(&r, 0, sizeof(r));
	r.oif = TAP;
	strcpy(r.iface.kind, "bond");
	assert_null(kernel_egress_find(&k, &r, &way));
	assert_int_equal(way.ifindex, TAP);
	assert_int_equal(way.vlan_id, 0);
}

static void
expect_refusal(const struct kernel_route *r, const char *words)
{
	struct kernel_egress way;
	struct chim_kernel k;
	const char *why;

	one_port(&k);
	assert_int_equal(kernel_netlink_open(&k.nl), 0);
	why = kernel_egress_find(&k, r, &way);
	kernel_netlink_close(&k.nl);
	assert_non_null(why);
	assert_non_null(strstr(why, words));
}

static void
what_looks_otherwise_on_the_wire_is_refused_by_name(void **state)
{
	static const char *const kinds[] = { "bond", "team", "bridge", "macvlan", "ipvlan", "vxlan",
		"wireguard" };
	struct kernel_route r = vlan_route();

	(void)state;
	r.iface.vlan_proto = ETH_P_8021AD;
	expect_refusal(&r, "802.1ad");
	r = vlan_route();
	r.iface.vlan_id = 0;
	expect_refusal(&r, "number 0");
	r = vlan_route();
	memcpy(r.iface.mac, other_mac, sizeof(other_mac));
	expect_refusal(&r, "MAC of its own");
	r = vlan_route();
	r.iface.qos.nb = KERNEL_QOS_MAX + 1;
	expect_refusal(&r, "more priorities");
	r = vlan_route();
	r.iface.lower = 1; /* the loopback, which is no VLAN */
	expect_refusal(&r, "does not stand on a port");
	for (size_t i = 0; i < CHIM_DIM(kinds); i++) {
		r = (struct kernel_route){ .oif = OTHER };
		strcpy(r.iface.kind, kinds[i]);
		expect_refusal(&r, kinds[i]);
	}
	strcpy(r.iface.kind, "dummy");
	expect_refusal(&r, "a port's exception interface");
}

static void
priorities_not_mapped_are_0(void **state)
{
	struct kernel_qos qos = { .nb = 3, .map = { { 0, 1 }, { 6, 5 }, { 0x10001, 7 } } };

	(void)state;
	assert_int_equal(kernel_egress_priority(&qos, 0), 1);
	assert_int_equal(kernel_egress_priority(&qos, 6), 5);
	assert_int_equal(kernel_egress_priority(&qos, 0x10001), 7);
	assert_int_equal(kernel_egress_priority(&qos, 1), 0);
	qos.nb = 0;
	assert_int_equal(kernel_egress_priority(&qos, 0), 0);
}

/* As rtnetlink tells of "type vlan id 100 egress-qos-map 0:3 6:5". */
static void
the_kernels_words_are_understood(void **state)
{
	char buf[1024] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	const struct ifla_vlan_qos_mapping rows[] = { { 0, 3 }, { 6, 5 } };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct kernel_iface i = { 0 };
	struct nlattr *info, *data, *map;

	(void)state;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(mac), mac);
	mnl_attr_put_u32(nlh, IFLA_MTU, 8996);
	mnl_attr_put_u32(nlh, IFLA_LINK, TAP);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "vlan");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u16(nlh, IFLA_VLAN_PROTOCOL, htons(ETH_P_8021Q));
	mnl_attr_put_u16(nlh, IFLA_VLAN_ID, 100);
	map = mnl_attr_nest_start(nlh, IFLA_VLAN_EGRESS_QOS);
	for (size_t r = 0; r < CHIM_DIM(rows); r++)
		mnl_attr_put(nlh, IFLA_VLAN_QOS_MAPPING, sizeof(rows[r]), &rows[r]);
	mnl_attr_nest_end(nlh, map);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	kernel_iface_parse(nlh, &i);
	assert_int_equal(i.mtu, 8996);
	assert_int_equal(i.lower, TAP);
	assert_memory_equal(i.mac, mac, sizeof(mac));
	assert_string_equal(i.kind, "vlan");
	assert_int_equal(i.vlan_id, 100);
	assert_int_equal(i.vlan_proto, ETH_P_8021Q);
	assert_int_equal(i.qos.nb, 2);
	assert_int_equal(kernel_egress_priority(&i.qos, 6), 5);
}

static void
an_interface_that_is_gone_is_not_read(void **state)
{
	struct kernel_netlink nl;
	struct kernel_iface i;

	(void)state;
	assert_int_equal(kernel_netlink_open(&nl), 0);
	assert_int_equal(kernel_iface_read(&nl, 1, &i), 0);
	assert_string_equal(i.kind, "");
	assert_int_not_equal(i.mtu, 0);
	assert_int_equal(kernel_iface_read(&nl, 0x7FFFFFF0, &i), -ENODEV);
	kernel_netlink_close(&nl);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_route_leaves_by_a_port_or_a_vlan_of_it),
	cmocka_unit_test(what_looks_otherwise_on_the_wire_is_refused_by_name),
	cmocka_unit_test(priorities_not_mapped_are_0),
	cmocka_unit_test(the_kernels_words_are_understood),
	cmocka_unit_test(an_interface_that_is_gone_is_not_read),
};
CHIM_CMOCKA_SUITE(kernel_egress_autotest, tests, NULL, NULL)
