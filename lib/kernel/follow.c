/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Following the kernel: what changes in its neighbors, routes, links and
 * addresses becomes the operation that the specification names for it.
 *
 *   neighbor has another MAC          update of the neighbor
 *   neighbor failed, or is gone       invalidate: its connections come back
 *   next hop changed                  relink of the path
 *   MTU of the route changed          update of the path
 *   VLAN gives other priorities       invalidate: its connections come back
 *   route gone, other interface       invalidate: its connections come back
 *   interface down, address removed   what that does to the routes; of link loss alone: nothing
 *   an update that the engine refuses invalidate: its connections come back
 *
 * A notification only marks what it concerns; what is true now is asked then.
 * Who is reachable, and who tells whom, is in reach.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "chim_log.h"
#include "kernel_internal.h"

#define NEWS_BYTES  32768
#define NEWS_TURNS  16
#define MTU_HOLD_US (600 * CHIM_US_PER_S) /* RFC 1191, 6.3: then a larger one is tried */

/* ---- what was told ---- */

static void
on_neighbor_news(struct chim_kernel *k, const struct nlmsghdr *nlh)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct kernel_neighbor *n;
	uint8_t addr[16] = { 0 };
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(*ndm))
	{
		if (mnl_attr_get_type(attr) == NDA_DST &&
			mnl_attr_get_payload_len(attr) <= sizeof(addr))
			memcpy(addr, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	}
	n = kernel_neighbor_find(k, ndm->ndm_ifindex, ndm->ndm_family, addr);
	if (n != NULL)
		n->is_stale = true;
}

static int
on_news(const struct nlmsghdr *nlh, void *arg)
{
	struct chim_kernel *k = arg;

	switch (nlh->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		on_neighbor_news(k, nlh);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWADDR:
	case RTM_DELADDR:
	case RTM_NEWLINK:
	case RTM_DELLINK:
		k->routes_changed = true;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static void
doubt_everything(struct chim_kernel *k)
{
	struct kernel_neighbor *n;

	k->routes_changed = true;
	TAILQ_FOREACH (n, &k->neighbors, next)
		n->is_stale = true;
}

static uint32_t
read_news(struct chim_kernel *k)
{
	char buf[NEWS_BYTES];
	uint32_t done = 0;

	for (; done < NEWS_TURNS; done++) {
		ssize_t n = mnl_socket_recvfrom(k->nl.news, buf, sizeof(buf));

		if (n < 0 && errno == ENOBUFS) {
			doubt_everything(k); /* some were lost */
			continue;
		}
		if (n <= 0)
			break;
		mnl_cb_run(buf, (size_t)n, 0, 0, on_news, k);
	}
	return done;
}

/* ---- neighbors ---- */

static void
review_neighbor(struct chim_kernel *k, struct kernel_neighbor *n)
{
	struct kernel_neigh now;
	int rc;

	if (n->is_busy || n->life == KERNEL_LIFE_COMING)
		return; /* later */
	n->is_stale = false;
	if (n->life != KERNEL_LIFE_PRESENT && n->life != KERNEL_LIFE_ABSENT)
		return;
	rc = kernel_resolve_neighbor(&k->nl, n->ifindex, n->family, n->addr, &now);
	if (rc == 0 && now.state == NUD_INCOMPLETE)
		return; /* being asked: the answer is another notification */
	if (rc == -ENOENT && n->nb_paths != 0) {
		/* The kernel's garbage collection is not the neighbor's absence. */
		(void)kernel_neighbor_probe(&k->nl, n->ifindex, n->family, n->addr);
		return;
	}
	if (rc != 0 || n->is_wrong || (now.state & NUD_FAILED) != 0) {
		if (n->life == KERNEL_LIFE_PRESENT && !kernel_neighbor_invalidate(k, n))
			n->is_stale = true;
		return;
	}
	if (!now.has_mac || memcmp(now.mac, n->mac, sizeof(n->mac)) == 0)
		return;
	if (n->life == KERNEL_LIFE_ABSENT)
		memcpy(n->mac, now.mac, sizeof(n->mac));
	else
		n->is_stale = !kernel_neighbor_update(k, n, now.mac);
}

/* ---- paths ---- */

static void
fill_tuple(const struct kernel_path *p, struct chim_tuple *t)
{
	memset(t, 0, sizeof(*t));
	t->family = p->family;
	memcpy(t->local_addr, p->local, sizeof(t->local_addr));
	memcpy(t->remote_addr, p->remote, sizeof(t->remote_addr));
}

static uint32_t
mtu_now(const struct chim_kernel *k, const struct kernel_path *p)
{
	bool is_learnt = p->mtu_until > k->now && p->learnt_mtu < p->route_mtu;

	return is_learnt ? p->learnt_mtu : p->route_mtu;
}

static bool
review_route(struct chim_kernel *k, struct kernel_path *p, const struct kernel_route *r)
{
	struct kernel_neighbor *to;
	const char *why;
	uint32_t mtu;

	if (r->oif == p->neighbor->ifindex && r->hop_family == p->neighbor->family &&
		memcmp(r->hop, p->neighbor->addr, sizeof(r->hop)) == 0) {
		p->route_mtu = r->mtu;
		mtu = mtu_now(k, p);
		return mtu == p->mtu || kernel_path_update(k, p, mtu);
	}
	to = kernel_neighbor_get(k, r, &why);
	if (to == NULL)
		return false; /* being resolved */
	p->route_mtu = r->mtu;
	/* Until the relink is through the path stays marked, and the MTU is set after it. */
	(void)kernel_path_relink(k, p, to);
	return false;
}

static void
review_path(struct chim_kernel *k, struct kernel_path *p)
{
	struct kernel_egress way;
	struct kernel_route r;
	struct chim_tuple t;
	int rc;

	if (p->is_busy || p->neighbor->is_busy || p->life == KERNEL_LIFE_ABSENT ||
		p->life == KERNEL_LIFE_COMING || p->neighbor->life == KERNEL_LIFE_COMING)
		return; /* later */
	if (p->life != KERNEL_LIFE_PRESENT) {
		p->is_stale = false;
		return;
	}
	fill_tuple(p, &t);
	rc = kernel_resolve_route(&k->nl, &t, p->mark, p->bound, &r);
	if (rc != 0 || p->is_wrong || r.type != RTN_UNICAST ||
		kernel_egress_find(k, &r, &way) != NULL ||
		memcmp(&r.iface.qos, &p->qos, sizeof(p->qos)) != 0)
		p->is_stale = !kernel_path_invalidate(k, p);
	else
		p->is_stale = !review_route(k, p, &r);
}

void
kernel_follow_mtu(struct chim_kernel *k, struct kernel_path *p, uint32_t mtu)
{
	uint32_t least = p->family == CHIM_AF_INET ? 552 : 1280; /* RFC 1191 7.3, RFC 8200 5 */

	mtu = RTE_MAX(mtu, least);
	if (mtu >= mtu_now(k, p))
		return;
	p->learnt_mtu = mtu;
	p->mtu_until = k->now + MTU_HOLD_US;
	p->is_stale = true;
}

static void
forget_learnt_mtu(struct chim_kernel *k)
{
	struct kernel_path *p;

	TAILQ_FOREACH (p, &k->paths, next) {
		if (p->mtu_until != 0 && p->mtu_until <= k->now) {
			p->mtu_until = 0;
			p->is_stale = true;
		}
	}
}

uint32_t
kernel_follow(struct chim_kernel *k)
{
	struct kernel_neighbor *n;
	struct kernel_path *p;
	uint32_t done = read_news(k);

	if (k->now >= k->look_at)
		forget_learnt_mtu(k);
	if (k->routes_changed) {
		k->routes_changed = false;
		TAILQ_FOREACH (p, &k->paths, next)
			p->is_stale = true;
	}
	TAILQ_FOREACH (n, &k->neighbors, next) {
		if (n->is_stale)
			review_neighbor(k, n);
	}
	TAILQ_FOREACH (p, &k->paths, next) {
		if (p->is_stale)
			review_path(k, p);
	}
	return done;
}
