/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The wire thread and the set-up of its two namespaces, see tapwire.h. One
 * lock covers all state; a tap's write() delivers into the kernel before it
 * returns, so whatever was released or injected has been heard.
 */
#include "tapwire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "chim_request.h"
#include "chim_seq.h"

#define FRAME_MAX 2048
#define KEPT_MAX  65536

struct frame {
	uint16_t len;
	uint8_t at[FRAME_MAX];
};

/* What a frame says, as far as the wire cares. */
struct view {
	bool is_flow;
	bool from_host;
	const struct rte_tcp_hdr *tcp;
	uint32_t payload;
	bool has_ts;
	uint32_t tsval;
	uint32_t tsecr;
};

struct tapwire {
	int netns[2];
	int tap[2];
	int ifindex[2];
	int home; /* namespace the process came from */
	uint16_t port;
	pthread_t thread;
	atomic_bool stop;
	pthread_mutex_t lock;
	bool is_held, is_sealed;
	bool is_cut[2]; /* what that side sends */
	uint64_t held_at;
	uint64_t marker; /* next, or the one waited for */
	uint64_t marker_seen;
	struct frame **kept;
	uint32_t nb_kept;
	struct tapwire_faults faults;
	uint32_t random;
	struct frame late[2]; /* one a direction, put behind the next */
	struct tapwire_record rec;
	bool has_max;
	uint32_t max_seq; /* of the host, payload and FIN counted */
	bool has_edge;
	uint32_t edge;
	uint8_t wscale; /* of the host, from its SYN */
	uint32_t last_tsval;
	bool has_tsval;
};

static const uint8_t macs[2][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };

/* ---- looking at frames ---- */

static void
look_at_options(struct view *v, struct tapwire *w)
{
	const uint8_t *o = (const uint8_t *)(v->tcp + 1);
	const uint8_t *end = (const uint8_t *)v->tcp + (v->tcp->data_off >> 4) * 4;

	while (o < end && *o != 0) {
		if (*o == 1) {
			o++;
			continue;
		}
		if (o + 1 >= end || o[1] < 2)
			return;
		if (*o == 8 && o[1] == 10) {
			uint32_t words[2];

			memcpy(words, o + 2, sizeof(words));
			v->has_ts = true;
			v->tsval = rte_be_to_cpu_32(words[0]);
			v->tsecr = rte_be_to_cpu_32(words[1]);
		}
		if (*o == 3 && v->from_host)
			w->wscale = o[2];
		o += o[1];
	}
}

static void
look(struct tapwire *w, const struct frame *f, bool from_host, struct view *v)
{
	const struct rte_ether_hdr *eth = (const struct rte_ether_hdr *)f->at;
	const struct rte_ipv4_hdr *ip4 = (const struct rte_ipv4_hdr *)(eth + 1);
	const struct rte_ipv6_hdr *ip6 = (const struct rte_ipv6_hdr *)(eth + 1);
	uint32_t len;

	memset(v, 0, sizeof(*v));
	v->from_host = from_host;
	if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) && ip4->next_proto_id == 6) {
		v->tcp = (const struct rte_tcp_hdr *)(ip4 + 1);
		len = rte_be_to_cpu_16(ip4->total_length) - (uint32_t)sizeof(*ip4);
	} else if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6) && ip6->proto == 6) {
		v->tcp = (const struct rte_tcp_hdr *)(ip6 + 1);
		len = rte_be_to_cpu_16(ip6->payload_len);
	} else {
		return;
	}
	v->payload = len - (v->tcp->data_off >> 4) * 4;
	v->is_flow = (from_host ? v->tcp->src_port : v->tcp->dst_port) == htons(w->port);
	look_at_options(v, w);
}

static void
record_host(struct tapwire *w, const struct view *v)
{
	struct tapwire_record *r = &w->rec;
	uint32_t seq = rte_be_to_cpu_32(v->tcp->sent_seq);
	uint32_t end = seq + v->payload +
		((v->tcp->tcp_flags & (RTE_TCP_FIN_FLAG | RTE_TCP_SYN_FLAG)) != 0 ? 1 : 0);
	bool is_syn = (v->tcp->tcp_flags & RTE_TCP_SYN_FLAG) != 0;
	uint16_t window = rte_be_to_cpu_16(v->tcp->rx_win);
	uint32_t edge = rte_be_to_cpu_32(v->tcp->recv_ack) + ((uint32_t)window << w->wscale);

	if ((v->tcp->tcp_flags & RTE_TCP_RST_FLAG) != 0) {
		r->resets++;
		return;
	}
	if (is_syn)
		w->has_max = w->has_edge = w->has_tsval = false;
	r->host_frames++;
	if (w->has_max && v->payload != 0 && chim_seq_le(end, w->max_seq))
		r->host_resent++;
	if (w->has_max && end != seq && chim_seq_gt(seq, w->max_seq))
		r->holes++;
	if (!w->has_max || (end != seq && chim_seq_gt(end, w->max_seq)))
		w->max_seq = end;
	w->has_max = true;
	/* A pure ACK of a frozen socket counts bytes that were never sent: only what occupies
	 * sequence space tells how far it has sent. */
	if (end != seq) {
		r->flow.snd_max = w->max_seq;
		r->flow.flags |= CHIM_RECORD_DATA;
	}
	r->flow.flags |= CHIM_RECORD_SENT;
	r->flow.rcv_nxt = rte_be_to_cpu_32(v->tcp->recv_ack);
	r->flow.wnd = window;
	if (!is_syn) {
		if (w->has_edge && chim_seq_lt(edge, w->edge))
			r->window_shrunk++;
		w->edge = w->has_edge ? chim_seq_max(edge, w->edge) : edge;
		w->has_edge = true;
	}
	if (!v->has_ts)
		return;
	if (w->has_tsval && chim_seq_lt(v->tsval, w->last_tsval))
		r->tsval_backwards++;
	if (v->tsecr == 0 && !is_syn)
		r->tsecr_zero++;
	w->has_tsval = true;
	w->last_tsval = v->tsval;
	r->flow.flags |= CHIM_RECORD_TS;
	r->flow.tsval = v->tsval;
	r->flow.tsecr = v->tsecr;
}

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void
put(struct tapwire *w, enum tapwire_side to, const struct frame *f)
{
	if (write(w->tap[to], f->at, f->len) != (ssize_t)f->len && errno != ENOBUFS)
		perror("tapwire: write");
}

static bool
happens(struct tapwire *w, uint32_t one_of)
{
	if (one_of == 0)
		return false;
	w->random = w->random * 1664525u + 1013904223u;
	return (w->random >> 8) % one_of == 0;
}

static void
keep_late(struct frame *late, const struct frame *f)
{
	late->len = f->len;
	memcpy(late->at, f->at, f->len);
}

/* At the end of the wire: a held flow's frames wait. */
static void
arrive(struct tapwire *w, enum tapwire_side to, const struct frame *f, bool is_flow)
{
	if (to != TAPWIRE_HOST || !is_flow || !w->is_held || w->nb_kept == KEPT_MAX) {
		put(w, to, f);
		return;
	}
	w->kept[w->nb_kept] = malloc(sizeof(*f));
	memcpy(w->kept[w->nb_kept++], f, sizeof(*f));
}

/* The clean or unclean piece of wire, behind the seal and before the hold. */
static void
carry(struct tapwire *w, enum tapwire_side to, const struct frame *f, bool is_flow)
{
	struct frame *late = &w->late[to];
	bool is_free = late->len == 0;

	if (is_flow && happens(w, w->faults.lose))
		return;
	if (is_flow && is_free && happens(w, w->faults.delay)) {
		keep_late(late, f);
		return;
	}
	arrive(w, to, f, is_flow);
	if (!is_free) {
		arrive(w, to, late, true);
		late->len = 0;
	}
	if (is_flow && is_free && happens(w, w->faults.repeat))
		keep_late(late, f);
}

static void
from_host(struct tapwire *w, const struct frame *f)
{
	const struct rte_ether_hdr *eth = (const struct rte_ether_hdr *)f->at;
	struct view v;

	if (eth->ether_type == rte_cpu_to_be_16(CHIM_MARKER_ETHERTYPE)) {
		uint64_t wire;

		memcpy(&wire, eth + 1, sizeof(wire));
		w->marker_seen = rte_be_to_cpu_64(wire);
		w->is_sealed = w->is_sealed || w->marker_seen == w->marker;
		return;
	}
	look(w, f, true, &v);
	if (v.is_flow && w->is_sealed) {
		w->rec.sealed_frames++;
		return;
	}
	if (v.is_flow)
		record_host(w, &v);
	if (!v.is_flow || !w->is_cut[TAPWIRE_HOST])
		carry(w, TAPWIRE_PEER, f, v.is_flow);
}

static void
from_peer(struct tapwire *w, struct frame *f)
{
	struct view v;

	look(w, f, false, &v);
	if (v.is_flow && (v.tcp->tcp_flags & RTE_TCP_RST_FLAG) != 0)
		w->rec.resets++;
	if (v.is_flow && (v.tcp->tcp_flags & RTE_TCP_FIN_FLAG) != 0)
		w->rec.peer_fins++;
	if (!v.is_flow || !w->is_cut[TAPWIRE_PEER])
		carry(w, TAPWIRE_HOST, f, v.is_flow);
}

/* Under the lock. @return now. */
static uint64_t
note_gap(struct tapwire *w, uint64_t since)
{
	uint64_t now = now_us();

	w->rec.longest_gap_us = RTE_MAX(w->rec.longest_gap_us, now - since);
	return now;
}

static void *
wire_main(void *arg)
{
	struct tapwire *w = arg;
	uint64_t before = now_us();
	struct frame f;

	while (!atomic_load(&w->stop)) {
		struct pollfd p[2] = { { w->tap[0], POLLIN, 0 }, { w->tap[1], POLLIN, 0 } };

		pthread_mutex_lock(&w->lock);
		before = note_gap(w, before);
		pthread_mutex_unlock(&w->lock);

		if (poll(p, 2, 20) <= 0)
			continue;
		for (int side = 0; side < 2; side++) {
			ssize_t n = 0;

			pthread_mutex_lock(&w->lock);
			for (int i = 0; i < 32; i++) {
				n = read(w->tap[side], f.at, sizeof(f.at));
				if (n <= 0)
					break;
				f.len = (uint16_t)n;
				if (side == TAPWIRE_HOST)
					from_host(w, &f);
				else
					from_peer(w, &f);
			}
			pthread_mutex_unlock(&w->lock);
		}
	}
	return NULL;
}

/* ---- set-up ---- */

static int
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -errno : 0;
}

static int
set_address(int fd, const char *name, enum tapwire_side side)
{
	struct ifreq ifr = { 0 };
	struct sockaddr_storage ss;
	struct {
		struct in6_addr addr;
		uint32_t prefix;
		int ifindex;
	} in6;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	tapwire_address(side, AF_INET, 0, &ss);
	memcpy(&ifr.ifr_addr, &ss, sizeof(ifr.ifr_addr));
	if (ioctl(fd, SIOCSIFADDR, &ifr) != 0)
		return -errno;
	((struct sockaddr_in *)&ifr.ifr_netmask)->sin_addr.s_addr = htonl(0xffffff00);
	if (ioctl(fd, SIOCSIFNETMASK, &ifr) != 0)
		return -errno;
	tapwire_address(side, AF_INET6, 0, &ss);
	in6.addr = ((struct sockaddr_in6 *)&ss)->sin6_addr;
	in6.prefix = 64;
	in6.ifindex = (int)if_nametoindex(name);
	int fd6 = socket(AF_INET6, SOCK_DGRAM, 0);
	int rc = fd6 >= 0 && ioctl(fd6, SIOCSIFADDR, &in6) == 0 ? 0 : -errno;

	close(fd6);
	return rc;
}

static int
up(int fd, const char *name, const uint8_t *mac)
{
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (mac != NULL) {
		ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
		memcpy(ifr.ifr_hwaddr.sa_data, mac, 6);
		if (ioctl(fd, SIOCSIFHWADDR, &ifr) != 0)
			return -errno;
	}
	ifr.ifr_qlen =
		30000; /* a burst must not be lost in the tap: losses are made by tapwire_impair */
	if (mac != NULL && ioctl(fd, SIOCSIFTXQLEN, &ifr) != 0)
		return -errno;
	memset(&ifr.ifr_ifru, 0, sizeof(ifr.ifr_ifru));
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	return ioctl(fd, SIOCSIFFLAGS, &ifr) == 0 ? 0 : -errno;
}

/* Called inside a fresh namespace. */
static int
make_side(struct tapwire *w, enum tapwire_side side)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	w->netns[side] = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	w->tap[side] = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (w->netns[side] < 0 || w->tap[side] < 0 || fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", TAPWIRE_NAME);
	if (ioctl(w->tap[side], TUNSETIFF, &ifr) != 0)
		return -errno;
	(void)write_file("/proc/sys/net/ipv6/conf/" TAPWIRE_NAME "/accept_dad", "0");
	(void)write_file("/proc/sys/net/ipv6/conf/" TAPWIRE_NAME "/router_solicitations", "0");
	rc = up(fd, "lo", NULL);
	if (rc == 0)
		rc = up(fd, TAPWIRE_NAME, macs[side]);
	if (rc == 0)
		rc = set_address(fd, TAPWIRE_NAME, side);
	w->ifindex[side] = (int)if_nametoindex(TAPWIRE_NAME);
	close(fd);
	return rc;
}

struct tapwire *
tapwire_create(uint16_t port)
{
	struct tapwire *w = calloc(1, sizeof(*w));
	int rc = 0;

	w->port = port;
	w->random = 1;
	w->kept = calloc(KEPT_MAX, sizeof(w->kept[0]));
	w->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	pthread_mutex_init(&w->lock, NULL);
	for (int side = 0; side < 2 && rc == 0; side++) {
		if (unshare(CLONE_NEWNET) != 0)
			rc = -errno;
		else
			rc = make_side(w, side);
	}
	if (rc != 0) {
		printf("skipped: no namespace with a tap here: %s\n", strerror(-rc));
		return NULL;
	}
	if (setns(w->home, CLONE_NEWNET) != 0)
		perror("setns");
	pthread_create(&w->thread, NULL, wire_main, w);
	return w;
}

static void
drop_kept(struct tapwire *w, bool deliver)
{
	for (uint32_t i = 0; i < w->nb_kept; i++) {
		if (deliver)
			put(w, TAPWIRE_HOST, w->kept[i]);
		free(w->kept[i]);
	}
	w->nb_kept = 0;
}

void
tapwire_destroy(struct tapwire *w)
{
	atomic_store(&w->stop, true);
	pthread_join(w->thread, NULL);
	drop_kept(w, false);
	for (int side = 0; side < 2; side++) {
		close(w->tap[side]);
		close(w->netns[side]);
	}
	close(w->home);
	free(w->kept);
	free(w);
}

void
tapwire_within(struct tapwire *w, enum tapwire_side side, void (*fn)(void *), void *arg)
{
	if (setns(w->netns[side], CLONE_NEWNET) != 0)
		perror("setns");
	fn(arg);
	if (setns(w->home, CLONE_NEWNET) != 0)
		perror("setns");
}

struct socket_args {
	int family, type, fd;
};

static void
make_socket(void *arg)
{
	struct socket_args *a = arg;

	a->fd = socket(a->family, a->type | SOCK_CLOEXEC, 0);
}

int
tapwire_socket(struct tapwire *w, enum tapwire_side side, int family, int type)
{
	struct socket_args a = { family, type, -1 };

	tapwire_within(w, side, make_socket, &a);
	return a.fd;
}

socklen_t
tapwire_address(enum tapwire_side side, int family, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	out->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		in4->sin_port = htons(port);
		in4->sin_addr.s_addr = htonl(0x0a4e0001u + (uint32_t)side);
		return sizeof(*in4);
	}
	in6->sin6_port = htons(port);
	inet_pton(AF_INET6, side == TAPWIRE_HOST ? "fd4e::1" : "fd4e::2", &in6->sin6_addr);
	return sizeof(*in6);
}

int
tapwire_ifindex(struct tapwire *w, enum tapwire_side side)
{
	return w->ifindex[side];
}

void
tapwire_link(struct kernel_link *to_host)
{
	memset(to_host, 0, sizeof(*to_host));
	memcpy(to_host->dst, macs[TAPWIRE_HOST], 6);
	memcpy(to_host->src, macs[TAPWIRE_PEER], 6);
}

/* ---- what a worker does ---- */

void
tapwire_hold(struct tapwire *w)
{
	pthread_mutex_lock(&w->lock);
	w->is_held = true;
	w->held_at = now_us();
	memset(&w->rec.flow, 0, sizeof(w->rec.flow));
	pthread_mutex_unlock(&w->lock);
}

void
tapwire_seal(struct tapwire *w, int marker_fd)
{
	struct kernel_link link;
	uint64_t marker;
	uint64_t seen;

	tapwire_link(&link);
	pthread_mutex_lock(&w->lock);
	marker = ++w->marker;
	pthread_mutex_unlock(&w->lock);
	if (kernel_marker_send(marker_fd, w->ifindex[TAPWIRE_HOST], &link, marker) != 0)
		perror("marker");
	do {
		sched_yield();
		pthread_mutex_lock(&w->lock);
		seen = w->marker_seen;
		pthread_mutex_unlock(&w->lock);
	} while (seen != marker);
}

void
tapwire_release(struct tapwire *w)
{
	pthread_mutex_lock(&w->lock);
	if (w->is_held)
		note_gap(w, w->held_at);
	w->is_held = w->is_sealed = false;
	drop_kept(w, true);
	pthread_mutex_unlock(&w->lock);
}

void
tapwire_expire(struct tapwire *w)
{
	pthread_mutex_lock(&w->lock);
	w->is_held = false;
	drop_kept(w, true);
	pthread_mutex_unlock(&w->lock);
}

void
tapwire_inject(struct tapwire *w, const uint8_t *frame, uint16_t len)
{
	struct frame f = { .len = len };

	memcpy(f.at, frame, len);
	pthread_mutex_lock(&w->lock);
	put(w, TAPWIRE_HOST, &f);
	pthread_mutex_unlock(&w->lock);
}

void
tapwire_impair(struct tapwire *w, const struct tapwire_faults *f)
{
	pthread_mutex_lock(&w->lock);
	w->faults = *f;
	pthread_mutex_unlock(&w->lock);
}

static void
cut_side(struct tapwire *w, enum tapwire_side from, bool cut)
{
	pthread_mutex_lock(&w->lock);
	w->is_cut[from] = cut;
	pthread_mutex_unlock(&w->lock);
}

void
tapwire_cut(struct tapwire *w, bool cut)
{
	cut_side(w, TAPWIRE_HOST, cut);
}

void
tapwire_cut_from_peer(struct tapwire *w, bool cut)
{
	cut_side(w, TAPWIRE_PEER, cut);
}

void
tapwire_read(struct tapwire *w, struct tapwire_record *r)
{
	pthread_mutex_lock(&w->lock);
	*r = w->rec;
	r->max_seq = w->max_seq;
	pthread_mutex_unlock(&w->lock);
}
