/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * One turn of a worker, and the lcore main around it. The turn's order is the
 * architecture's (5): sources first, then the two sinks over what was touched,
 * then everything that was put aside leaves at once. Here is the only clock
 * read of the datapath, and the only place where it may rest.
 */
#include <rte_cycles.h>
#include <rte_pause.h>

#include "idle.h"
#include "worker.h"

/* The first turn tells what time it is; nothing is armed before. */
static void
start(struct chim_worker *w)
{
	chim_ms_t ms = (chim_ms_t)w->env.now_ms;

	chim_wheel_init(&w->wheel, chim_slab_at(w->conns, 0), w->conns->elt_size,
		offsetof(struct chim_conn_head, wheel), ms);
	chim_wheel_init(&w->hold_wheel, chim_slab_at(w->holds, 0), w->holds->elt_size,
		offsetof(struct dp_hold, wheel), ms);
	w->env.challenge_reset = ms;
	w->is_started = true;
}

/* Longer than a peer's timeout, it explains what the peer repaired. */
static inline void
note_gap(struct chim_worker *w, chim_us_t now)
{
	w->counters.longest_gap_us = RTE_MAX(w->counters.longest_gap_us, now - w->env.now_us);
}

uint32_t
chim_dp_poll(struct chim_worker *w, chim_us_t now)
{
	uint32_t done;

	if (w->is_started)
		note_gap(w, now);
	chim_tcp_set_now(&w->env, now);
	if (!w->is_started)
		start(w);
	done = dp_commands(w);	    /* source 1: what ctl wants done */
	done += dp_io(w);	    /* source 1b: what the hosts send */
	done += dp_receive(w);	    /* source 2: what the wire brings */
	done += dp_timers(w);	    /* source 3: what time brings */
	done += dp_kernel(w);	    /* source 4: what the kernel wants to send */
	done += dp_holds(w);	    /* source 5: holds that have ended */
	done += dp_replica_scan(w); /* source 6: connections of a changed path */
	done += dp_deliver(w);	    /* sink 1: tell the hosts */
	done += dp_output(w);	    /* sink 2: transmit */
	dp_finish(w);
	w->counters.turns++;
	w->counters.busy_turns += done != 0;
	return done;
}

/* Microseconds of a TSC value, without a division: hz and 2^32 are folded into mult. */
static inline chim_us_t
to_us(uint64_t tsc, uint64_t mult)
{
	return (chim_us_t)(((unsigned __int128)tsc * mult) >> 32);
}

/* May the worker go? What hosts were lent is our memory: they get some time to return it. */
static bool
is_over(const struct chim_worker *w, const atomic_bool *stop, chim_us_t now, chim_us_t *since)
{
	if (!atomic_load_explicit(stop, memory_order_relaxed))
		return false;
	if (*since == 0)
		*since = now;
	return w->nb_lent == 0 || now - *since >= w->lent_wait_us;
}

int
chim_dp_run(struct chim_worker *w, chim_dp_guest_fn guest, void *arg, const atomic_bool *stop)
{
	uint64_t mult = (uint64_t)(((unsigned __int128)CHIM_US_PER_S << 32) / rte_get_tsc_hz());
	uint64_t before = rte_rdtsc();
	chim_us_t now = to_us(before, mult);
	chim_us_t since = 0;
	uint32_t empty = 0;
	struct dp_idle idle;

	dp_idle_begin(&idle, w);
	while (!is_over(w, stop, now, &since)) {
		uint32_t done = chim_dp_poll(w, now);

		if (done != 0)
			w->counters.busy_cycles += rte_rdtsc() - before;
		if (guest != NULL)
			done += guest(arg, now);
		empty = done != 0 ? 0 : empty + 1;
		if (empty != 0)
			dp_idle_rest(&idle, w, empty);
		before = rte_rdtsc();
		now = to_us(before, mult);
	}
	dp_idle_end(&idle, w);
	return 0;
}
