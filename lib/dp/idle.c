/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Idle modes: spin, pause, sleep, sleep until a queue interrupts. Called by the
 * lcore main only, never by a turn.
 *
 * Mailboxes, host rings and timers do not interrupt, so a sleep is short in
 * every mode; an interrupt only ends it early. Who has slept for long sleeps
 * longer at a time: waking up is what an idle worker's CPU goes into.
 */
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pause.h>

#include "idle.h"
#include "worker.h"

#define EVENTS		 8
#define SLEEPS_OF_A_STEP 64u
#define STEPS		 3u /* each doubles the sleep */

static int
watch_queue(const struct chim_worker *w, uint16_t ethdev, int op)
{
	return rte_eth_dev_rx_intr_ctl_q(ethdev, (uint16_t)w->id, RTE_EPOLL_PER_THREAD, op, NULL);
}

/* Add every queue of the worker, or none: a queue without interrupts would wait for the others. */
static bool
watch(const struct chim_worker *w, int op)
{
	bool is_all = true;

	for (uint16_t i = 0; i < CHIM_MAX_PORTS; i++) {
		const struct dp_port *p = &w->ports[i];

		if (p->has_wire_queue)
			is_all &= watch_queue(w, p->port->wire_id, op) == 0;
		if (p->has_kernel_queue)
			is_all &= watch_queue(w, p->port->exception_id, op) == 0;
	}
	return is_all;
}

static void
switch_interrupts(const struct chim_worker *w, int (*fn)(uint16_t port, uint16_t queue))
{
	for (uint16_t i = 0; i < CHIM_MAX_PORTS; i++) {
		const struct dp_port *p = &w->ports[i];

		if (p->has_wire_queue)
			fn(p->port->wire_id, (uint16_t)w->id);
		if (p->has_kernel_queue)
			fn(p->port->exception_id, (uint16_t)w->id);
	}
}

void
dp_idle_begin(struct dp_idle *idle, struct chim_worker *w)
{
	idle->can_interrupt = false;
	if (w->idle != CHIM_IDLE_INTERRUPT)
		return;
	idle->can_interrupt = watch(w, RTE_INTR_EVENT_ADD);
	if (!idle->can_interrupt)
		watch(w, RTE_INTR_EVENT_DEL);
}

uint32_t
dp_idle_sleep_us(const struct chim_worker *w, uint32_t empty)
{
	uint32_t step = (empty - w->idle_turns) / SLEEPS_OF_A_STEP;

	return w->idle_sleep_us << RTE_MIN(step, STEPS);
}

static void
wait_for_interrupt(struct chim_worker *w)
{
	struct rte_epoll_event event[EVENTS];
	int ms = (int)RTE_MAX(w->idle_sleep_us / CHIM_US_PER_MS, 1u);

	switch_interrupts(w, rte_eth_dev_rx_intr_enable);
	rte_epoll_wait(RTE_EPOLL_PER_THREAD, event, EVENTS, ms);
	switch_interrupts(w, rte_eth_dev_rx_intr_disable);
}

void
dp_idle_rest(struct dp_idle *idle, struct chim_worker *w, uint32_t empty)
{
	if (w->idle == CHIM_IDLE_SPIN)
		return;
	if (w->idle == CHIM_IDLE_PAUSE || empty < w->idle_turns) {
		rte_pause();
		return;
	}
	w->counters.sleeps++;
	if (idle->can_interrupt)
		wait_for_interrupt(w);
	else
		rte_delay_us_sleep(dp_idle_sleep_us(w, empty));
}

void
dp_idle_end(struct dp_idle *idle, struct chim_worker *w)
{
	if (idle->can_interrupt)
		watch(w, RTE_INTR_EVENT_DEL);
}
