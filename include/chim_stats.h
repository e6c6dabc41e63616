/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Counters. Each list gives the field, and the name telemetry shows.
 */
#ifndef CHIM_STATS_H
#define CHIM_STATS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* TCP_OFFLOAD_STATS and IP_OFFLOAD_STATS of one family; offloaded traffic only. X(name) */
#define CHIM_FAMILY_STATS_LIST(X)                                              \
	X(tcp_in_segments)	      /* those in error included */            \
	X(tcp_out_segments)	      /* pure retransmissions not */           \
	X(tcp_currently_established)  /* ESTABLISHED or CLOSE_WAIT, a gauge */ \
	X(tcp_reset_established)      /* from these straight to CLOSED */      \
	X(tcp_retransmitted_segments) /* with at least one old octet */        \
	X(tcp_in_errors)                                                       \
	X(tcp_out_resets)                                                      \
	X(ip_in_receives)                                                      \
	X(ip_in_octets) /* IP header and payload */                            \
	X(ip_in_delivers)                                                      \
	X(ip_out_requests)                                                     \
	X(ip_out_octets) /* IP header and payload */                           \
	X(ip_in_header_errors)                                                 \
	X(ip_in_truncated_packets)                                             \
	X(ip_in_discards)                                                      \
	X(ip_out_discards)                                                     \
	X(ip_out_no_routes)

#define CHIM_STATS_FIELD(name) uint64_t name;
struct chim_family_stats {
	CHIM_FAMILY_STATS_LIST(CHIM_STATS_FIELD)
};
#undef CHIM_STATS_FIELD

/*
 * Why a frame left the straight path. X(name, where it went, what it was).
 * "kernel" reasons go to the exception port, "drop" reasons nowhere.
 */
#define CHIM_WHY_LIST(X)                                                                 \
	X(NONE, none, "a plain segment of an offloaded connection")                      \
	X(MISS, kernel, "TCP, but not of an offloaded connection")                       \
	X(NOT_IP, kernel, "not IPv4 or IPv6")                                            \
	X(NOT_TCP, kernel, "IP, but not TCP")                                            \
	X(FRAGMENT, kernel, "an IP fragment")                                            \
	X(IP_OPTIONS, kernel, "IPv4 options or IPv6 extension headers")                  \
	X(BAD_IP_HEADER, kernel, "an IP header that is not well formed")                 \
	X(BAD_TCP_HEADER, kernel, "a TCP header that is not well formed")                \
	X(BAD_IP_CHECKSUM, kernel, "IPv4 header checksum")                               \
	X(BAD_TCP_CHECKSUM, kernel, "TCP checksum")                                      \
	X(TRUNCATED, kernel, "shorter than its IP header says")                          \
	X(ICMP_FLOW, kernel, "ICMP that quotes an offloaded connection")                 \
	X(SYN_TIME_WAIT, kernel, "SYN for a connection in TIME_WAIT")                    \
	X(CLOSED, kernel, "segment for a connection that is over or handed back")        \
	X(RELEASED, kernel, "kept by a hold, then released")                             \
	X(URGENT_HANDED, kernel, "queued behind urgent data, then handed back")          \
	X(HELD, none, "kept by a hold")                                                  \
	X(OLD_DUPLICATE, drop, "wholly before the window")                               \
	X(OUT_OF_WINDOW, drop, "wholly beyond the window")                               \
	X(PAWS, drop, "timestamp older than ts_recent (RFC 7323 5)")                     \
	X(NO_ACK_FLAG, drop, "segment without ACK")                                      \
	X(BAD_ACK, drop, "acknowledges what was never sent, or is too old (RFC 5961 5)") \
	X(RST_OUT_OF_WINDOW, drop, "blind reset")                                        \
	X(RST_CHALLENGED, drop, "reset answered with a challenge ACK")                   \
	X(SYN_CHALLENGED, drop, "SYN answered with a challenge ACK")                     \
	X(CHALLENGE_BUDGET, drop, "challenge ACK not sent, budget spent")                \
	X(BAD_URGENT, drop, "urgent segment with bad sequence or ACK")                   \
	X(AFTER_URGENT, none, "queued behind urgent data")                               \
	X(REASSEMBLY_FULL, drop, "out-of-order queue at its bound")                      \
	X(AFTER_FIN, drop, "data beyond the peer's FIN")                                 \
	X(AFTER_CLOSE, drop, "data after a full close, answered with a reset")           \
	X(NO_BUFFER, drop, "no mbuf for it")                                             \
	X(VLAN, drop, "VLAN tag other than the neighbor's")                              \
	X(KERNEL_OF_OFFLOADED, drop, "the kernel's frame of an offloaded connection")    \
	X(KERNEL_SEALED, drop, "the kernel's frame of a sealed flow")                    \
	X(KERNEL_RESET, drop, "the kernel's reset of a held flow")                       \
	X(KERNEL_NO_ROOM, drop, "the kernel's frame, wire queue full")                   \
	X(PUNT_NO_ROOM, drop, "for the kernel, exception port full")                     \
	X(HOLD_NO_ROOM, drop, "hold at its bound")                                       \
	X(HANDOFF_NO_ROOM, drop, "for another worker, its ring full")                    \
	X(MARKER, drop, "marker of a seal, consumed")                                    \
	X(MARKER_UNKNOWN, drop, "marker nobody waits for")

#define CHIM_WHY_ENUM(name, where, text) CHIM_WHY_##name,
enum chim_why {
	CHIM_WHY_LIST(CHIM_WHY_ENUM) CHIM_WHY_MAX
};
#undef CHIM_WHY_ENUM

/** Name a reason as telemetry does, in lower case. @return "unknown" if not in the list.
 *  Thread: any. */
const char *chim_why_name(uint32_t why);

/** Explain a reason in a few words. @return "unknown" if not in the list. Thread: any. */
const char *chim_why_text(uint32_t why);

#ifdef __cplusplus
}
#endif

#endif /* CHIM_STATS_H */
