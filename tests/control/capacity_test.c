/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Capacities: each has its status when it is reached, and is reached exactly
 * where it is advertised (checklist 42 to 51, 226, 251).
 */
#include <string.h>

#include "rig.h"

#define CAPS CHIM_CAP_IPV4 | CHIM_CAP_IPV6 | CHIM_CAP_SACK | CHIM_CAP_VLAN | CHIM_CAP_MAC

/* Under a new neighbor and path, nb new connections; each is removed by its handle. */
static void
checklist_42_a_full_connection_table(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .caps = { .max_connections = 3 } });
	struct rig_trio t = rig_offload(r);
	struct rig_bare *p = rig_bare(r, t.p->h);
	struct rig_tcp *c[3];

	for (int i = 0; i < 3; i++) {
		c[i] = rig_tcp(r);
		rig_add(&p->b, &c[i]->b.block);
	}
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &p->b), CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	assert_int_equal(c[1]->b.block.status, CHIM_STATUS_SUCCESS);
	assert_int_equal(c[2]->b.block.status, CHIM_STATUS_OFFLOAD_TCP_ENTRIES);
	assert_int_equal(c[2]->b.block.reason, CHIM_REASON_TABLE_FULL);
	/* What one gives back, another may have. */
	rig_remove(r, c[0]->h);
	p = rig_bare(r, t.p->h);
	c[2] = rig_tcp(r);
	rig_add(&p->b, &c[2]->b.block);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &p->b), CHIM_STATUS_SUCCESS);
	rig_remove(r, c[1]->h);
	rig_remove(r, c[2]->h);
	rig_terminate(r, &t);
	rig_close(r);
	(void)state;
}

static void
checklist_43_a_full_path_table(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .caps = { .max_paths = 2 } });
	struct rig_neighbor *n = rig_neighbor(r);
	struct rig_path *p[3];

	for (int i = 0; i < 3; i++) {
		p[i] = rig_path(r, CHIM_AF_INET);
		rig_add(&n->b.block, &p[i]->b.block);
	}
	assert_int_equal(
		rig_do(r, CHIM_OP_INITIATE, &n->b.block), CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	assert_int_equal(p[1]->b.block.status, CHIM_STATUS_SUCCESS);
	assert_int_equal(p[2]->b.block.status, CHIM_STATUS_OFFLOAD_PATH_ENTRIES);
	rig_remove(r, p[0]->h);
	rig_remove(r, p[1]->h);
	rig_remove(r, n->h);
	rig_close(r);
	(void)state;
}

static void
checklist_44_a_full_neighbor_table(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .caps = { .max_neighbors = 2 } });
	struct rig_neighbor *n[3];

	for (int i = 0; i < 3; i++)
		n[i] = rig_neighbor(r);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n[0]->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n[1]->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(
		rig_do(r, CHIM_OP_INITIATE, &n[2]->b.block), CHIM_STATUS_OFFLOAD_NEIGHBOR_ENTRIES);
	rig_remove(r, n[0]->h);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n[2]->b.block), CHIM_STATUS_SUCCESS);
	rig_remove(r, n[1]->h);
	rig_remove(r, n[2]->h);
	rig_close(r);
	(void)state;
}

static struct rig_neighbor *
with_source(struct rig *r, uint8_t last)
{
	struct rig_neighbor *n = rig_neighbor(r);

	memcpy(n->b.neighbor_const.dl_source, &(uint8_t[]){ 0x02, 7, 7, 7, 7, last }, 6);
	return n;
}

static void
checklist_45_source_macs_run_out_or_are_not_supported(void **state)
{
	struct rig *r =
		rig_open(&(struct rig_config){ .caps = { .support = CAPS, .max_source_macs = 1 } });
	struct rig_neighbor *n[4] = { with_source(r, 1), with_source(r, 1), with_source(r, 2),
		rig_neighbor(r) };

	/* The same MAC twice is one entry; the port's own is none. */
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n[0]->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n[1]->b.block), CHIM_STATUS_SUCCESS);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n[2]->b.block),
		CHIM_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES);
	memcpy(n[3]->b.neighbor_const.dl_source, &r->port[0].mac, 6);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n[3]->b.block), CHIM_STATUS_SUCCESS);
	assert_memory_equal(r->worker[0]->neighbor[chim_handle_index(n[0]->h)].dl_source,
		n[0]->b.neighbor_const.dl_source, 6);
	assert_memory_equal(
		r->worker[0]->neighbor[chim_handle_index(n[3]->h)].dl_source, &r->port[0].mac, 6);
	rig_remove(r, n[0]->h);
	rig_remove(r, n[1]->h);
	rig_remove(r, n[3]->h);
	/* Both users of the entry are gone: another MAC has room. */
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n[2]->b.block), CHIM_STATUS_SUCCESS);
	rig_remove(r, n[2]->h);
	rig_close(r);
	r = rig_open(&(struct rig_config){ .caps = { .support = CHIM_CAP_IPV4 } });
	n[0] = with_source(r, 1);
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &n[0]->b.block),
		CHIM_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES);
	assert_int_equal(r->last.reason, CHIM_REASON_UNSUPPORTED);
	rig_close(r);
	(void)state;
}

static void
checklist_46_source_addresses_run_out(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .caps = { .max_source_ips = 1 } });
	struct rig_neighbor *n = rig_neighbor(r);
	struct rig_path *p[3];

	for (int i = 0; i < 3; i++) {
		p[i] = rig_path(r, CHIM_AF_INET);
		rig_add(&n->b.block, &p[i]->b.block);
	}
	p[2]->source[3] = 9; /* the other two share theirs */
	assert_int_equal(
		rig_do(r, CHIM_OP_INITIATE, &n->b.block), CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS);
	assert_int_equal(p[1]->b.block.status, CHIM_STATUS_SUCCESS);
	assert_int_equal(p[2]->b.block.status, CHIM_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES);
	rig_remove(r, p[0]->h);
	rig_remove(r, p[1]->h);
	rig_remove(r, n->h);
	rig_close(r);
	(void)state;
}

/* One connection under a good neighbor and path; its status. */
static enum chim_status
try_connection(struct rig *r, struct rig_tcp *c)
{
	struct rig_trio t = rig_offload(r);
	struct rig_bare *p = rig_bare(r, t.p->h);

	rig_add(&p->b, &c->b.block);
	rig_do(r, CHIM_OP_INITIATE, &p->b);
	if (c->h != CHIM_HANDLE_NONE)
		rig_remove(r, c->h);
	rig_terminate(r, &t);
	return c->b.block.status;
}

static void
checklist_47_a_receive_window_too_large(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .caps = { .max_rcv_wnd = 65536 } });
	struct rig_tcp *c = rig_tcp(r);

	c->b.cached.initial_rcv_wnd = 65537;
	assert_int_equal(try_connection(r, c), CHIM_STATUS_OFFLOAD_TCP_RCV_WINDOW);
	assert_int_equal(c->b.block.reason, CHIM_REASON_LIMIT);
	c = rig_tcp(r);
	c->b.cached.initial_rcv_wnd = 65536;
	assert_int_equal(try_connection(r, c), CHIM_STATUS_SUCCESS);
	rig_close(r);
	(void)state;
}

static enum chim_status
try_mtu(struct rig *r, uint32_t mtu)
{
	struct rig_neighbor *n = rig_neighbor(r);
	struct rig_path *p = rig_path(r, CHIM_AF_INET);

	p->b.cached.path_mtu = mtu;
	rig_add(&n->b.block, &p->b.block);
	rig_do(r, CHIM_OP_INITIATE, &n->b.block);
	if (p->h != CHIM_HANDLE_NONE)
		rig_remove(r, p->h);
	rig_remove(r, n->h);
	return p->b.block.status;
}

static void
checklist_48_a_path_mtu_too_large(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .caps = { .max_mtu = 4000 } });

	assert_int_equal(try_mtu(r, 4001), CHIM_STATUS_OFFLOAD_PATH_MTU);
	assert_int_equal(try_mtu(r, 4000), CHIM_STATUS_SUCCESS);
	r->port[0].mtu = 1500; /* whatever is advertised, the port cannot carry more */
	assert_int_equal(try_mtu(r, 1501), CHIM_STATUS_OFFLOAD_PATH_MTU);
	assert_int_equal(try_mtu(r, 1500), CHIM_STATUS_SUCCESS);
	rig_close(r);
	(void)state;
}

static void
checklist_49_buffers_run_short_each_with_its_status(void **state)
{
	struct rig *r = rig_open(
		&(struct rig_config){ .caps = { .max_send_bytes = 1000, .max_recv_bytes = 500 } });
	struct rte_mbuf *m[2] = { rig_buffer(r, 600), rig_buffer(r, 401) };
	struct rig_tcp *c = rig_tcp(r);

	chim_nbl(m[0])->next = m[1];
	c->b.block.send_chain = m[0];
	assert_int_equal(try_connection(r, c), CHIM_STATUS_OFFLOAD_TCP_XMIT_BUFFER);
	c = rig_tcp(r);
	c->b.delegated.buffered_data = m[0];
	assert_int_equal(try_connection(r, c), CHIM_STATUS_OFFLOAD_TCP_RCV_BUFFER);
	c = rig_tcp(r);
	c->b.block.send_chain = m[0];
	rte_pktmbuf_trim(m[1], 1);
	assert_int_equal(try_connection(r, c), CHIM_STATUS_SUCCESS);
	rte_pktmbuf_free(m[0]);
	rte_pktmbuf_free(m[1]);
	rig_close(r);
	(void)state;
}

static void
checklist_51_a_poor_candidate_is_rejected(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ 0 });
	struct rig_tcp *c = rig_tcp(r);

	c->b.tcp_const.remote_mss = 40;
	assert_int_equal(try_connection(r, c), CHIM_STATUS_OFFLOAD_CONNECTION_REJECTED);
	assert_int_equal(c->b.block.reason, CHIM_REASON_POOR_CANDIDATE);
	rig_close(r);
	(void)state;
}

static enum chim_status
try_vlan(struct rig *r, uint16_t vlan, chim_handle_t *h)
{
	struct rig_neighbor *n = rig_neighbor(r);

	n->b.neighbor_const.vlan_id = vlan;
	rig_do(r, CHIM_OP_INITIATE, &n->b.block);
	*h = n->h;
	return n->b.block.status;
}

static void
checklist_226_vlan_mismatch_and_shortage_fail_the_neighbor(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){
		.vlan = { 5, 6 }, .caps = { .support = CAPS, .max_vlans = 1 } });
	chim_handle_t h[3];
	chim_handle_t none;

	assert_int_equal(try_vlan(r, 0, &h[0]), CHIM_STATUS_SUCCESS);
	assert_int_equal(try_vlan(r, 5, &h[1]), CHIM_STATUS_SUCCESS);
	assert_int_equal(try_vlan(r, 5, &h[2]), CHIM_STATUS_SUCCESS);
	assert_int_equal(try_vlan(r, 7, &none), CHIM_STATUS_OFFLOAD_VLAN_MISMATCH);
	assert_int_equal(try_vlan(r, 6, &none), CHIM_STATUS_OFFLOAD_VLAN_ENTRIES);
	assert_int_equal(none, CHIM_HANDLE_NONE);
	for (int i = 0; i < 3; i++)
		rig_remove(r, h[i]);
	assert_int_equal(try_vlan(r, 6, &h[0]), CHIM_STATUS_SUCCESS);
	rig_remove(r, h[0]);
	rig_close(r);
	/* An interface without VLANs accepts any. */
	r = rig_open(&(struct rig_config){ 0 });
	assert_int_equal(try_vlan(r, 4094, &h[0]), CHIM_STATUS_SUCCESS);
	assert_int_equal(r->worker[0]->neighbor[chim_handle_index(h[0])].vlan_id, 4094);
	rig_remove(r, h[0]);
	rig_close(r);
	(void)state;
}

static void
checklist_251_advertised_capacities_are_real(void **state)
{
	/* More is asked for than there are tables: what is advertised is what was made. */
	struct rig *r = rig_open(
		&(struct rig_config){ .max_connections = 16, .caps = { .max_connections = 1000 } });
	struct rig_trio t = rig_offload(r);
	struct rig_bare *p = rig_bare(r, t.p->h);
	struct rig_tcp *c[15];
	struct chim_caps caps;

	chim_host_caps(r->host[0], &caps);
	assert_int_equal(caps.max_connections, 16);
	for (int i = 0; i < 15; i++) {
		c[i] = rig_tcp(r);
		rig_add(&p->b, &c[i]->b.block);
	}
	assert_int_equal(rig_do(r, CHIM_OP_INITIATE, &p->b), CHIM_STATUS_SUCCESS);
	for (int i = 0; i < 15; i++)
		rig_remove(r, c[i]->h);
	rig_terminate(r, &t);
	rig_close(r);
	(void)state;
}

static void
a_family_that_is_not_advertised_is_refused(void **state)
{
	struct rig *r = rig_open(&(struct rig_config){ .caps = { .support = CHIM_CAP_IPV4 } });
	struct rig_neighbor *n = rig_neighbor(r);
	struct rig_path *p = rig_path(r, CHIM_AF_INET6);

	rig_add(&n->b.block, &p->b.block);
	rig_do(r, CHIM_OP_INITIATE, &n->b.block);
	assert_int_equal(p->b.block.status, CHIM_STATUS_FAILURE);
	assert_int_equal(p->b.block.reason, CHIM_REASON_UNSUPPORTED);
	rig_remove(r, n->h);
	rig_close(r);
	(void)state;
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(checklist_42_a_full_connection_table),
	cmocka_unit_test(checklist_43_a_full_path_table),
	cmocka_unit_test(checklist_44_a_full_neighbor_table),
	cmocka_unit_test(checklist_45_source_macs_run_out_or_are_not_supported),
	cmocka_unit_test(checklist_46_source_addresses_run_out),
	cmocka_unit_test(checklist_47_a_receive_window_too_large),
	cmocka_unit_test(checklist_48_a_path_mtu_too_large),
	cmocka_unit_test(checklist_49_buffers_run_short_each_with_its_status),
	cmocka_unit_test(checklist_51_a_poor_candidate_is_rejected),
	cmocka_unit_test(checklist_226_vlan_mismatch_and_shortage_fail_the_neighbor),
	cmocka_unit_test(checklist_251_advertised_capacities_are_real),
	cmocka_unit_test(a_family_that_is_not_advertised_is_refused),
};
CHIM_CMOCKA_SUITE(ctl_capacity_autotest, tests, NULL, NULL)
