/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A wire whose driver has checksum and segmentation offload, on a machine
 * without vhost-net: vhost-user towards chimney's virtio-user, and a tap with
 * the virtio header towards the kernel of the network namespace it is started
 * in. What chimney leaves open, the kernel gets open, and the other way round;
 * a frame to be cut arrives in the kernel as one, as from a NIC that has put it
 * together. The kernel is not offered to send such ones: chimney asks for none.
 *
 * usage: vnetwire EAL-ARGUMENT... -- SOCKET TAP
 * Ends by SIGTERM, and says how many frames there were to be cut.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_net.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#define NB_MBUFS  32767u
#define ROOM	  2048u
#define BURST	  32u
#define IDLE_US	  20u
#define MAX_PARTS 64 /* of a frame: 64 KiB in mbufs of ROOM */

static volatile sig_atomic_t is_over;
static struct rte_mempool *pool;
static uint16_t port;
static int tap;
static unsigned long long nb_cut;
static unsigned int largest;

static void
on_signal(int number)
{
	(void)number;
	is_over = 1;
}

static void
die(const char *what)
{
	fprintf(stderr, "vnetwire: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void
open_tap(const char *name)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &r) != 0)
		die(name);
	if (ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM) != 0)
		die("TUNSETOFFLOAD");
}

static void
open_vhost(const char *path)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;
	char args[256];

	snprintf(args, sizeof(args), "iface=%s,tso=1", path);
	if (rte_eal_hotplug_add("vdev", "net_vhost_wire", args) != 0 ||
		rte_eth_dev_get_port_by_name("net_vhost_wire", &port) != 0 ||
		rte_eth_dev_info_get(port, &info) != 0)
		die(path);
	conf.txmode.offloads = info.tx_offload_capa;
	conf.rxmode.offloads = info.rx_offload_capa & ~RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
	if (rte_eth_dev_configure(port, 1, 1, &conf) != 0 ||
		rte_eth_rx_queue_setup(port, 0, 1024, 0, NULL, pool) != 0 ||
		rte_eth_tx_queue_setup(port, 0, 1024, 0, NULL) != 0 || rte_eth_dev_start(port) != 0)
		die("vhost port");
}

static void
describe(const struct rte_mbuf *m, struct virtio_net_hdr *h)
{
	struct rte_net_hdr_lens lens;
	uint32_t type;

	memset(h, 0, sizeof(*h));
	if ((m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) != RTE_MBUF_F_RX_L4_CKSUM_NONE)
		return;
	type = rte_net_get_ptype(m, &lens, RTE_PTYPE_ALL_MASK);
	if ((type & RTE_PTYPE_L4_MASK) != RTE_PTYPE_L4_TCP)
		return;
	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = (uint16_t)(lens.l2_len + lens.l3_len);
	h->csum_offset = offsetof(struct rte_tcp_hdr, cksum);
	if ((m->ol_flags & RTE_MBUF_F_RX_LRO) == 0)
		return;
	h->gso_type =
		RTE_ETH_IS_IPV4_HDR(type) ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	h->gso_size = m->tso_segsz;
	h->hdr_len = (uint16_t)(h->csum_start + lens.l4_len);
	nb_cut++;
	largest = RTE_MAX(largest, m->pkt_len);
}

/* A frame that the kernel does not take is lost, as on any wire. */
static void
to_kernel(const struct rte_mbuf *m)
{
	struct iovec part[MAX_PARTS + 1];
	struct virtio_net_hdr h;
	int nb = 1;

	describe(m, &h);
	part[0] = (struct iovec){ &h, sizeof(h) };
	for (; m != NULL && nb <= MAX_PARTS; m = m->next)
		part[nb++] = (struct iovec){ rte_pktmbuf_mtod(m, void *), m->data_len };
	if (writev(tap, part, nb) < 0 && errno != EAGAIN && errno != EIO)
		die("write to the tap");
}

/* The kernel has left the checksum open: so does vhost. */
static void
leave_open(struct rte_mbuf *m, const struct virtio_net_hdr *h)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	bool is_ip4 = eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4);

	if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0)
		return;
	m->l2_len = sizeof(*eth);
	m->l3_len = h->csum_start - m->l2_len;
	m->ol_flags |= is_ip4 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6;
	m->ol_flags |= h->csum_offset == offsetof(struct rte_udp_hdr, dgram_cksum)
		? RTE_MBUF_F_TX_UDP_CKSUM
		: RTE_MBUF_F_TX_TCP_CKSUM;
}

static struct rte_mbuf *
from_kernel(void)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	struct virtio_net_hdr h;
	struct iovec part[2] = { { &h, sizeof(h) }, { NULL, ROOM } };
	ssize_t n;

	if (m == NULL)
		return NULL;
	part[1].iov_base = rte_pktmbuf_mtod(m, void *);
	n = readv(tap, part, 2);
	if (n <= (ssize_t)sizeof(h)) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	m->data_len = (uint16_t)(n - (ssize_t)sizeof(h));
	m->pkt_len = m->data_len;
	leave_open(m, &h);
	return m;
}

static uint32_t
carry_out(void)
{
	struct rte_mbuf *m[BURST];
	uint16_t nb = rte_eth_rx_burst(port, 0, m, BURST);

	for (uint16_t i = 0; i < nb; i++) {
		to_kernel(m[i]);
		rte_pktmbuf_free(m[i]);
	}
	return nb;
}

static uint32_t
carry_in(void)
{
	struct rte_mbuf *m[BURST];
	uint16_t nb = 0;
	uint16_t sent;

	while (nb < BURST && (m[nb] = from_kernel()) != NULL)
		nb++;
	sent = rte_eth_tx_burst(port, 0, m, nb);
	while (sent < nb && !is_over) /* the tap has a queue for the others */
		sent = (uint16_t)(sent + rte_eth_tx_burst(port, 0, m + sent, nb - sent));
	return nb;
}

int
main(int argc, char **argv)
{
	int nb = rte_eal_init(argc, argv);

	if (nb < 0 || argc - nb != 3) {
		fprintf(stderr, "usage: vnetwire EAL-ARGUMENT... -- SOCKET TAP\n");
		return EXIT_FAILURE;
	}
	signal(SIGTERM, on_signal);
	pool = rte_pktmbuf_pool_create("wire", NB_MBUFS, 0, 0, ROOM + RTE_PKTMBUF_HEADROOM, 0);
	if (pool == NULL)
		die("mbufs");
	open_tap(argv[nb + 2]);
	open_vhost(argv[nb + 1]);
	while (!is_over) {
		uint32_t done = carry_out();

		if (done + carry_in() == 0)
			usleep(IDLE_US);
	}
	printf("frames to be cut: %llu, the largest of %u bytes\n", nb_cut, largest);
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
	rte_eal_cleanup();
	return EXIT_SUCCESS;
}
