/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Builds the served side, in the order of bed_up(): the two ends of the wire,
 * the engine on one of them, the flow set. Nothing is measured here but the
 * busy cycles of what chim_dp_run() does not count: guests, and the forwarder.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include "bed.h"
#include "test.h"

#define PORTS_OF_ADDRESS 50000u
#define READY_S		 20u
#define BURST		 32u
#define PINGS		 1000u
#define CLIENT_EXTRA	 (RTE_PKTMBUF_HEADROOM + 64u) /* of its buffers, beside a packet */

static uint32_t nb_beds;

struct ends {
	const char *served, *client;
	char served_args[160], client_args[160];
};

/* Names and arguments of the wire's two ends. The server of a memif is made first. */
static void
name_ends(const struct bed_config *cfg, struct ends *e)
{
	char key[32]; /* of this process and bed: a socket goes later than its device */

	snprintf(key, sizeof(key), "chim-perf-%d-%u", (int)getpid(), nb_beds);
	if (cfg->wire == BED_MEMIF) {
		*e = (struct ends){ .served = "net_memif0", .client = "net_memif1" };
		snprintf(e->served_args, sizeof(e->served_args),
			"role=server,socket=%s,rsize=11,bsize=2304", key);
		snprintf(e->client_args, sizeof(e->client_args),
			"role=client,socket=%s,rsize=11,bsize=2304", key);
		return;
	}
	*e = (struct ends){ .served = "net_virtio_user0", .client = "net_vhost0" };
	snprintf(e->client_args, sizeof(e->client_args), "iface=/tmp/%s,tso=%d", key,
		!cfg->has_no_tso);
	snprintf(e->served_args, sizeof(e->served_args),
		"path=/tmp/%s,queue_size=1024,mac=02:00:00:00:00:01", key);
}

static int
add(const char *name, const char *args)
{
	return rte_eal_hotplug_add("vdev", name, args);
}

static bool
has_interrupts(const struct bed_config *cfg)
{
	return cfg->idle == CHIM_IDLE_INTERRUPT;
}

/* The exception port. No kernel is behind it: what goes to net_null is dropped. A worker that waits
 * for interrupts needs one that has them. */
static const char *
kernel_name(const struct bed_config *cfg)
{
	return has_interrupts(cfg) ? "net_virtio_user1" : "net_null0";
}

static int
start_one_queue(struct bed *b, uint16_t id, const struct rte_eth_conf *conf)
{
	if (rte_eth_dev_configure(id, 1, 1, conf) != 0 ||
		rte_eth_rx_queue_setup(id, 0, 1024, SOCKET_ID_ANY, NULL, b->client_pool) != 0 ||
		rte_eth_tx_queue_setup(id, 0, 1024, SOCKET_ID_ANY, NULL) != 0)
		return -1;
	return rte_eth_dev_start(id);
}

/* After the client's end, which makes the pool. */
static int
make_kernel_end(struct bed *b)
{
	static const struct rte_eth_conf conf;
	char args[64];

	if (!has_interrupts(&b->cfg))
		return add("net_null0", "no-rx=1");
	snprintf(args, sizeof(args), "iface=/tmp/chim-perf-%d-%u-kernel", (int)getpid(), nb_beds);
	if (add("net_vhost1", args) != 0 ||
		rte_eth_dev_get_port_by_name("net_vhost1", &b->kernel_port) != 0 ||
		start_one_queue(b, b->kernel_port, &conf) != 0)
		return -1;
	snprintf(args, sizeof(args), "path=/tmp/chim-perf-%d-%u-kernel", (int)getpid(), nb_beds);
	return add("net_virtio_user1", args);
}

static int
make_client_end(struct bed *b, const struct ends *e)
{
	struct rte_eth_conf conf = { .rxmode.mtu = b->opt.mtu };
	struct rte_eth_dev_info info;
	uint16_t id;

	if (add(e->client, e->client_args) != 0 ||
		rte_eth_dev_get_port_by_name(e->client, &b->client_port) != 0)
		return -1;
	id = b->client_port;
	if (rte_eth_dev_info_get(id, &info) != 0)
		return -1;
	conf.rxmode.mtu = RTE_MIN(conf.rxmode.mtu, (uint32_t)info.max_mtu);
	conf.txmode.offloads = info.tx_offload_capa &
		(RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_MULTI_SEGS |
			RTE_ETH_TX_OFFLOAD_TCP_TSO);
	conf.rxmode.offloads = info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	b->client_sums = (conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) != 0;
	b->client_pool = rte_pktmbuf_pool_create("perf_client", 16383, 256, 0,
		(uint16_t)RTE_MAX((uint32_t)RTE_MBUF_DEFAULT_BUF_SIZE, b->opt.mtu + CLIENT_EXTRA),
		SOCKET_ID_ANY);
	return b->client_pool != NULL ? start_one_queue(b, id, &conf) : -1;
}

/* EAL's interrupt thread still has what a closed end said: nothing may go before it has seen it. */
static void
let_interrupts_settle(void)
{
	rte_delay_us_sleep(100000);
}

static void
unmake_wire(struct bed *b)
{
	struct ends e;

	name_ends(&b->cfg, &e);
	rte_eal_hotplug_remove("vdev", e.client);
	rte_eal_hotplug_remove("vdev", e.served);
	rte_eal_hotplug_remove("vdev", kernel_name(&b->cfg));
	if (has_interrupts(&b->cfg))
		rte_eal_hotplug_remove("vdev", "net_vhost1");
	rte_mempool_free(b->client_pool);
}

static int
set_option(struct bed *b, const char *name, const char *fmt, uint32_t n)
{
	char value[64], why[APP_WHY] = "";

	snprintf(value, sizeof(value), fmt, n);
	if (app_option_set(&b->opt, name, value, why) == 0)
		return 0;
	printf("%s\n", why);
	return -1;
}

static void
fill_set(struct bed *b)
{
	const struct bed_config *cfg = &b->cfg;
	struct app_flow_set *f = &b->opt.flow_set[0];
	uint32_t nb_ports = RTE_MIN(cfg->connections, PORTS_OF_ADDRESS);

	app_flow_set_init(f, "perf");
	f->family = CHIM_AF_INET;
	memcpy(f->local, &(uint8_t[]){ 16, 0, 0, 1 }, 4);
	memcpy(f->remote, &(uint8_t[]){ 48, 0, 0, 1 }, 4);
	f->nb_local = 1;
	f->nb_remote = (cfg->connections + nb_ports - 1) / nb_ports;
	f->local_port = 7000;
	f->nb_local_ports = 1;
	f->remote_port = 1024;
	f->nb_remote_ports = nb_ports;
	f->connections = cfg->connections;
	memcpy(f->remote_mac, &(uint8_t[]){ 2, 0, 0, 0, 0, 2 }, 6);
	f->mtu = b->opt.mtu;
	f->seq = 0xFFFF0000u; /* both wrap soon */
	f->peer_seq = 0xFFFE0000u;
	f->window = 4 << 20;
	f->window_scale = 7;
	f->receive_buffer = 1 << 20;
	f->mss = cfg->mss != 0 ? cfg->mss : 1460;
	f->congestion_window = 1 << 20;
	f->has_timestamps = !cfg->has_no_options;
	f->has_sack = !cfg->has_no_options;
	b->opt.nb_flow_sets = 1;
}

static int
choose_options(struct bed *b, const struct ends *e)
{
	struct app_flow_set *f = &b->opt.flow_set[0];
	struct app_port_options *p = &b->opt.port[0];
	uint32_t nb_pieces = b->cfg.at_once / 1448 + 1;
	uint32_t nb_answers = b->cfg.connections;
	char why[APP_WHY] = "";

	app_options_init(&b->opt);
	b->opt.nb_ports = 1;
	snprintf(p->wire, sizeof(p->wire), "%s", e->served);
	snprintf(p->exception, sizeof(p->exception), "%s", kernel_name(&b->cfg));
	b->opt.software_only = b->cfg.software_only;
	b->opt.idle = b->cfg.idle;
	/* An answer stays until the next request acknowledges it, or an ACK on its way. */
	if (nb_answers > BED_MOST_OPEN)
		nb_answers = 2 * BED_MOST_OPEN;
	if (set_option(b, "host-mbufs", "%u", 32768 + nb_answers * nb_pieces) != 0 ||
		set_option(b, "mbufs", "%u", 32768) != 0 ||
		set_option(b, "connections", "%u", b->cfg.connections) != 0 ||
		set_option(b, "mtu", "%u", b->cfg.mtu != 0 ? b->cfg.mtu : 1500) != 0)
		return -1;
	fill_set(b);
	if (app_flow_set_key(f, "service", b->cfg.service, why) == 0)
		return 0;
	printf("%s\n", why);
	return -1;
}

static bool
is_connected(uint16_t port)
{
	struct rte_eth_link link;

	for (uint32_t i = 0; i < READY_S * 100; i++) {
		if (rte_eth_link_get_nowait(port, &link) == 0 &&
			link.link_status == RTE_ETH_LINK_UP)
			return true;
		rte_delay_us_sleep(10000);
	}
	return false;
}

static int
build(struct bed *b)
{
	char why[APP_WHY] = "";
	struct ends e;
	bool is_made;

	name_ends(&b->cfg, &e);
	if (choose_options(b, &e) != 0)
		return TEST_FAILED;
	/* The back end of virtio-user listens before it is made; a memif's client finds a server
	 * that has started. */
	is_made = b->cfg.wire == BED_MEMIF || make_client_end(b, &e) == 0;
	if (!is_made || make_kernel_end(b) != 0 || add(e.served, e.served_args) != 0) {
		printf("this machine cannot make %s and %s\n", e.served, e.client);
		return TEST_SKIPPED;
	}
	if (app_engine_create(&b->engine, &b->opt, why) != 0) {
		printf("%s\n", why);
		return TEST_FAILED;
	}
	if ((b->cfg.wire == BED_MEMIF && make_client_end(b, &e) != 0) ||
		!is_connected(b->client_port)) {
		printf("%s and %s do not connect\n", e.served, e.client);
		return TEST_FAILED;
	}
	return TEST_SUCCESS;
}

int
bed_up(struct bed *b, const struct bed_config *cfg)
{
	int rc;

	memset(b, 0, sizeof(*b));
	b->cfg = *cfg;
	nb_beds++;
	b->lcore = rte_get_next_lcore(-1, 1, 0);
	if (b->lcore >= RTE_MAX_LCORE) {
		printf("needs two lcores (-l 0-1)\n");
		return TEST_SKIPPED;
	}
	rc = build(b);
	if (rc != TEST_SUCCESS)
		bed_down(b);
	return rc;
}

static void
close_client_end(struct bed *b)
{
	if (b->client_pool == NULL)
		return;
	rte_eth_dev_stop(b->client_port);
	rte_eth_dev_close(b->client_port);
	let_interrupts_settle();
}

/* Who connected goes first: a memif's client, or virtio-user. */
void
bed_down(struct bed *b)
{
	if (b->cfg.wire == BED_MEMIF)
		close_client_end(b);
	app_engine_destroy(&b->engine);
	let_interrupts_settle();
	if (b->cfg.wire == BED_VIRTIO)
		close_client_end(b);
	if (has_interrupts(&b->cfg) && rte_eth_dev_is_valid_port(b->kernel_port)) {
		rte_eth_dev_stop(b->kernel_port);
		rte_eth_dev_close(b->kernel_port);
		let_interrupts_settle();
	}
	unmake_wire(b);
}

/* ---- forwarding: what the wire itself costs ---- */

static void
change_macs_over(struct rte_mbuf **m, uint16_t nb)
{
	for (uint16_t i = 0; i < nb; i++) {
		struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m[i], struct rte_ether_hdr *);
		struct rte_ether_addr mac = eth->dst_addr;

		eth->dst_addr = eth->src_addr;
		eth->src_addr = mac;
	}
}

/* @return cycles of the calls that sent something: a full wire waits for the client. */
static uint64_t
send_all(uint16_t port, struct rte_mbuf **m, uint16_t nb)
{
	uint64_t cycles = 0;

	for (uint16_t sent = 0; sent < nb;) {
		uint64_t start = rte_rdtsc();
		uint16_t taken = rte_eth_tx_burst(port, 0, m + sent, nb - sent);

		if (taken > 0)
			cycles += rte_rdtsc() - start;
		sent += taken;
	}
	return cycles;
}

static int
forward_main(void *arg)
{
	struct bed *b = arg;
	uint16_t port = b->engine.port[0].wire_id;
	struct rte_mbuf *m[BURST];

	while (!atomic_load_explicit(&b->engine.stop, memory_order_relaxed)) {
		uint64_t start = rte_rdtsc();
		uint16_t nb = rte_eth_rx_burst(port, 0, m, BURST);

		if (nb == 0)
			continue;
		change_macs_over(m, nb);
		start = rte_rdtsc() - start;
		b->forward_cycles += start + send_all(port, m, nb);
	}
	return 0;
}

void
bed_forward(struct bed *b)
{
	atomic_store(&b->engine.stop, false);
	rte_eal_remote_launch(forward_main, b, b->lcore);
}

/* ---- the two lcores ---- */

static int
pong_main(void *arg)
{
	struct bed *b = arg;

	for (uint32_t i = 1; i <= PINGS; i++) {
		while (atomic_load_explicit(&b->ping, memory_order_acquire) != i)
			;
		atomic_store_explicit(&b->pong, i, memory_order_release);
	}
	return 0;
}

double
bed_line(struct bed *b)
{
	uint64_t start;

	atomic_store(&b->ping, 0);
	atomic_store(&b->pong, 0);
	rte_eal_remote_launch(pong_main, b, b->lcore);
	start = rte_rdtsc();
	for (uint32_t i = 1; i <= PINGS; i++) {
		atomic_store_explicit(&b->ping, i, memory_order_release);
		while (atomic_load_explicit(&b->pong, memory_order_acquire) != i)
			;
	}
	start = rte_rdtsc() - start;
	rte_eal_wait_lcore(b->lcore);
	return (double)start / (2 * PINGS);
}

/* ---- serving ---- */

static uint64_t
thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* The service and control share the worker's lcore, and its time. */
static uint32_t
guests(void *arg, chim_us_t now)
{
	struct bed *b = arg;
	uint64_t start = rte_rdtsc();
	uint32_t done = chim_ctl_poll(b->engine.ctl, now);

	if (b->submitted == 0)
		b->submitted = start; /* the first turn of the sets submits a tree */

	if (atomic_load_explicit(&b->is_ending, memory_order_relaxed)) {
		app_flow_sets_stop(b->sets);
		b->is_over = app_flow_sets_are_over(b->sets);
	}
	if (atomic_load_explicit(&b->wants_cpu, memory_order_relaxed)) {
		b->cpu_ns = thread_ns();
		b->wants_cpu = false;
	}
	done += app_flow_sets_poll(b->sets);
	if (done != 0)
		b->guest_cycles += rte_rdtsc() - start;
	b->is_ready = app_flow_sets_are_ready(b->sets);
	return done;
}

static int
serve_main(void *arg)
{
	struct bed *b = arg;

	return chim_dp_run(b->engine.worker[0], guests, b, &b->engine.stop);
}

static bool
wait_for(const _Atomic bool *flag)
{
	for (uint32_t i = 0; i < READY_S * 1000 && !atomic_load(flag); i++)
		rte_delay_us_sleep(1000);
	return atomic_load(flag);
}

bool
bed_start(struct bed *b)
{
	char why[APP_WHY] = "";

	b->submitted = 0;
	b->is_ready = b->is_ending = b->is_over = false;
	b->sets = app_flow_sets_create(b->opt.flow_set, 1, why);
	if (b->sets == NULL) {
		printf("%s\n", why);
		return false;
	}
	atomic_store(&b->engine.stop, false);
	return rte_eal_remote_launch(serve_main, b, b->lcore) == 0;
}

bool
bed_is_served(struct bed *b)
{
	struct app_flow_stats st;

	bool is_ready = wait_for(&b->is_ready);

	app_flow_sets_stats(b->sets, &st);
	if (is_ready && st.offloaded == b->cfg.connections)
		return true;
	printf("%lu of %u connections are offloaded, %lu were refused%s%s\n",
		(unsigned long)st.offloaded, b->cfg.connections, (unsigned long)st.refused,
		st.refusal != NULL ? ": " : "", st.refusal != NULL ? st.refusal : "");
	return false;
}

bool
bed_serve(struct bed *b)
{
	return bed_start(b) && bed_is_served(b);
}

void
bed_halt(struct bed *b)
{
	if (b->sets != NULL) {
		b->is_ending = true;
		if (!wait_for(&b->is_over))
			printf("connections were not terminated\n");
	}
	atomic_store(&b->engine.stop, true);
	rte_eal_wait_lcore(b->lcore);
	app_flow_sets_destroy(b->sets);
	b->sets = NULL;
}

uint64_t
bed_cpu_ns(struct bed *b)
{
	b->wants_cpu = true;
	while (b->wants_cpu)
		rte_pause();
	return b->cpu_ns;
}

void
bed_busy(const struct bed *b, uint64_t *worker, uint64_t *guest)
{
	*worker = chim_dp_counters(b->engine.worker[0])->busy_cycles;
	*guest = b->guest_cycles;
}
