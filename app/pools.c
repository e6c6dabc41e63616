/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Packet memory, sized by what there is: each worker's pools on its socket (for
 * the wire, for the exception port, the clones that sends are made of), the
 * pool hosts send from, and a part of what is left for the content that services
 * keep. Called by setup.c before anything else takes memory.
 */
#include <errno.h>
#include <stdio.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_memory.h>

#include "app.h"
#include "chim_content.h"
#include "chim_log.h"

#define MBUF_SIZE   RTE_MBUF_DEFAULT_DATAROOM
#define MBUF_EXTRA  (RTE_PKTMBUF_HEADROOM + sizeof(struct rte_mbuf) + CHIM_NBL_PRIV_SIZE + 64)
#define CACHE	    256u
#define MIN_MBUFS   4096u
#define MAX_WORKER  131072u
#define MAX_HOST    131072u
#define MIN_CONTENT (1u << 20)
#define MAX_CONTENT (64u << 20)

/* Bytes that EAL has or may still map: the heaps, and huge pages that are free. */
static uint64_t
memory_for_packets(void)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < rte_socket_count(); i++) {
		struct rte_malloc_socket_stats st;

		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(i), &st) == 0)
			total += st.heap_freesz_bytes;
	}
	if (rte_eal_has_hugepages())
		total += app_hugepages_free();
	return total;
}

/* Mbufs in so many bytes, within bounds; one less than even, as mempools like it. */
static uint32_t
bounded(uint64_t bytes, uint32_t mbuf_size, uint32_t most)
{
	uint64_t nb = bytes / (mbuf_size + MBUF_EXTRA);

	if (nb > most)
		return most - 1;
	return nb < MIN_MBUFS ? MIN_MBUFS - 1 : (uint32_t)nb - 1;
}

/*
 * What the ports need of mbufs. To receive a frame: where all drivers spread it over several,
 * nothing beyond the usual; else it must fit one, and ports refuse what was set too small.
 */
static int
look_at_ports(struct app_engine *e, char *why)
{
	uint32_t bytes = MBUF_SIZE;

	for (uint32_t i = 0; i < e->opt->nb_ports; i++) {
		struct chim_port_config cfg;
		struct chim_port_need need;
		int rc;

		app_port_config(e, i, &cfg);
		rc = chim_port_look(&need, &cfg, why, APP_WHY);
		if (rc != 0)
			return rc;
		bytes = RTE_MAX(bytes, RTE_ALIGN_CEIL(need.buffer_bytes, 1024u));
		e->has_devices |= need.is_device;
	}
	e->mbuf_size = e->opt->mbuf_size != 0 ? e->opt->mbuf_size : bytes;
	return 0;
}

/*
 * Where no device reads or writes them by their IOVA, an object may lie across the end of a page.
 * Otherwise a mempool leaves the rest of each page free, which without hugepages is nearly half of
 * it, and net_af_xdp, which reckons without gaps, would not reach the last of them. With this flag
 * objects have no IOVA at all.
 */
static unsigned int
pool_flags(const struct app_engine *e)
{
	bool is_virtual = rte_eal_iova_mode() == RTE_IOVA_VA && !e->has_devices;

	return is_virtual ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0;
}

struct wanted {
	uint32_t nb;
	uint32_t size; /* bytes that an mbuf holds */
	int socket;
	bool is_fixed; /* so many or none */
};

/* As rte_pktmbuf_pool_create(), which takes no flags. */
static struct rte_mempool *
make_mbufs(const struct app_engine *e, const char *name, const struct wanted *k)
{
	uint16_t room = (uint16_t)(k->size != 0 ? k->size + RTE_PKTMBUF_HEADROOM : 0);
	struct rte_pktmbuf_pool_private priv = {
		.mbuf_data_room_size = room,
		.mbuf_priv_size = CHIM_NBL_PRIV_SIZE,
	};
	uint32_t size = (uint32_t)sizeof(struct rte_mbuf) + CHIM_NBL_PRIV_SIZE + room;
	struct rte_mempool *p = rte_mempool_create_empty(name, k->nb, size,
		RTE_MIN(CACHE, k->nb / 4), sizeof(priv), k->socket, pool_flags(e));
	int rc;

	if (p == NULL)
		return NULL;
	rc = rte_mempool_set_ops_byname(p, rte_mbuf_best_mempool_ops(), NULL);
	if (rc == 0) {
		rte_pktmbuf_pool_init(p, &priv);
		rc = rte_mempool_populate_default(p);
	}
	if (rc < 0) {
		rte_mempool_free(p);
		rte_errno = -rc;
		return NULL;
	}
	rte_mempool_obj_iter(p, rte_pktmbuf_init, NULL);
	return p;
}

/* A pool; with less, down to MIN_MBUFS, where memory is in pieces. */
static struct rte_mempool *
make_pool(const struct app_engine *e, const char *name, struct wanted k)
{
	for (;;) {
		struct rte_mempool *p = make_mbufs(e, name, &k);

		if (p != NULL || k.is_fixed || k.nb / 2 < MIN_MBUFS)
			return p;
		k.nb /= 2;
		CHIM_LOG(APP, INFO, "pool %s: trying %u mbufs", name, k.nb);
	}
}

static int
refuse(const char *name, uint32_t nb, char *why)
{
	snprintf(why, APP_WHY,
		"no memory for pool %s of %u mbufs (%s): give EAL more (-m 1024), or fewer with "
		"--mbufs, --host-mbufs",
		name, nb, rte_strerror(rte_errno));
	return -ENOMEM;
}

/* Nothing fails where there is none: then services send copies. */
static void
make_content(struct app_engine *e)
{
	uint64_t bytes = (uint64_t)e->opt->content_mb << 20;

	if (e->opt->content_mb == APP_CONTENT_AUTO) {
		bytes = RTE_MIN(memory_for_packets() / 8, (uint64_t)MAX_CONTENT);
		bytes = bytes < MIN_CONTENT ? 0 : bytes;
	}
	if (bytes > 0) {
		e->content_pool = chim_content_pool_create("chim_content", bytes, SOCKET_ID_ANY);
		if (e->content_pool == NULL)
			CHIM_LOG(APP, WARNING, "no memory to keep content: services send copies");
	}
	chim_content_use(e->content_pool);
}

int
app_pools_create(struct app_engine *e, char *why)
{
	/* Packets take two thirds at most: about half of it to receive, half to send. */
	uint64_t half = memory_for_packets() * 30 / 100;
	uint32_t nb_host = e->opt->host_mbufs;
	uint32_t nb = e->opt->mbufs;
	char name[32];
	int rc = look_at_ports(e, why);

	if (rc != 0)
		return rc;
	if (nb_host == 0)
		nb_host = bounded(half, MBUF_SIZE, MAX_HOST);
	if (nb == 0)
		nb = bounded(half / e->nb_workers, e->mbuf_size, MAX_WORKER);
	/* Filled by the agent on the main lcore, which calls this: its node is tried first. */
	e->host_pool = make_pool(e, "chim_host",
		(struct wanted){ nb_host, MBUF_SIZE, SOCKET_ID_ANY, e->opt->host_mbufs != 0 });
	if (e->host_pool == NULL)
		return refuse("chim_host", nb_host, why);
	for (uint32_t i = 0; i < e->nb_workers; i++) {
		int socket = (int)rte_lcore_to_socket_id(e->lcore[i]);

		snprintf(name, sizeof(name), "chim_rx%u", i);
		e->pool[i] = make_pool(
			e, name, (struct wanted){ nb, e->mbuf_size, socket, e->opt->mbufs != 0 });
		if (e->pool[i] == NULL)
			return refuse(name, nb, why);
		snprintf(name, sizeof(name), "chim_tx%u", i);
		e->clone_pool[i] = make_pool(
			e, name, (struct wanted){ .nb = e->pool[i]->size, .socket = socket });
		if (e->clone_pool[i] == NULL)
			return refuse(name, e->pool[i]->size, why);
		/* Its own, so that a flood from the kernel starves no offloaded connection. */
		snprintf(name, sizeof(name), "chim_kx%u", i);
		e->exception_pool[i] = make_pool(e, name,
			(struct wanted){ RTE_MAX(e->pool[i]->size / 4, MIN_MBUFS - 1), e->mbuf_size,
				socket, false });
		if (e->exception_pool[i] == NULL)
			return refuse(name, MIN_MBUFS - 1, why);
	}
	make_content(e);
	return 0;
}

void
app_pools_destroy(struct app_engine *e)
{
	chim_content_use(NULL);
	for (uint32_t i = 0; i < e->nb_workers; i++) {
		rte_mempool_free(e->pool[i]);
		rte_mempool_free(e->clone_pool[i]);
		rte_mempool_free(e->exception_pool[i]);
	}
	rte_mempool_free(e->host_pool);
	rte_mempool_free(e->content_pool);
}
