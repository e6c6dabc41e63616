/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What an operation answered (status) and why (reason).
 *
 * A status is one of the documented NDIS values, numerically equal to them.
 * Query, update, invalidate and terminate answer CHIM_STATUS_SUCCESS or
 * CHIM_STATUS_FAILURE only (DDI: NDIS_MINIPORT_OFFLOAD_BLOCK_LIST); the reason
 * beside it is ours and tells the cause. Both lists also give the names that
 * telemetry and logs print.
 */
#ifndef CHIM_STATUS_H
#define CHIM_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * X(name, value). The value of OFFLOAD_PATH_MTU is in no public header; ours
 * has the customer bit set, so it cannot collide with a documented one.
 */
#define CHIM_STATUS_LIST(X)                             \
	X(SUCCESS, 0x00000000u)                         \
	X(PENDING, 0x00000103u)                         \
	X(FAILURE, 0xC0000001u)                         \
	X(RESOURCES, 0xC000009Au)                       \
	X(INVALID_STATE, 0xC0000184u)                   \
	X(REQUEST_ABORTED, 0xC001000Cu)                 \
	X(OFFLOAD_PAUSE, 0x40020001u)                   \
	X(UPLOAD_ALL, 0x40020002u)                      \
	X(OFFLOAD_RESUME, 0x40020003u)                  \
	X(OFFLOAD_PARTIAL_SUCCESS, 0x40020004u)         \
	X(OFFLOAD_STATE_INVALID, 0x40020005u)           \
	X(UPLOAD_IN_PROGRESS, 0xC0231001u)              \
	X(REQUEST_UPLOAD, 0xC0231002u)                  \
	X(UPLOAD_REQUESTED, 0xC0231003u)                \
	X(OFFLOAD_TCP_ENTRIES, 0xC0231004u)             \
	X(OFFLOAD_PATH_ENTRIES, 0xC0231005u)            \
	X(OFFLOAD_NEIGHBOR_ENTRIES, 0xC0231006u)        \
	X(OFFLOAD_IP_ADDRESS_ENTRIES, 0xC0231007u)      \
	X(OFFLOAD_HW_ADDRESS_ENTRIES, 0xC0231008u)      \
	X(OFFLOAD_VLAN_ENTRIES, 0xC0231009u)            \
	X(OFFLOAD_TCP_XMIT_BUFFER, 0xC023100Au)         \
	X(OFFLOAD_TCP_RCV_BUFFER, 0xC023100Bu)          \
	X(OFFLOAD_TCP_RCV_WINDOW, 0xC023100Cu)          \
	X(OFFLOAD_VLAN_MISMATCH, 0xC023100Du)           \
	X(OFFLOAD_DATA_NOT_ACCEPTED, 0xC023100Eu)       \
	X(OFFLOAD_POLICY, 0xC023100Fu)                  \
	X(OFFLOAD_DATA_PARTIALLY_ACCEPTED, 0xC0231010u) \
	X(OFFLOAD_REQUEST_RESET, 0xC0231011u)           \
	X(OFFLOAD_CONNECTION_REJECTED, 0xC0231012u)     \
	X(OFFLOAD_PATH_REJECTED, 0xC0231013u)           \
	X(OFFLOAD_PATH_MTU, 0xE0231001u)

#define CHIM_STATUS_ENUM(name, value) CHIM_STATUS_##name = (int32_t)(value),
enum chim_status {
	CHIM_STATUS_LIST(CHIM_STATUS_ENUM)
};
#undef CHIM_STATUS_ENUM
_Static_assert(sizeof(enum chim_status) == 4, "a status is 32 bits wide");

/* X(name, text): why a status is not SUCCESS, or how a frame operation ended. */
#define CHIM_REASON_LIST(X)                                                  \
	X(NONE, "none")                                                      \
	X(STALE, "handle of an object that is gone")                         \
	X(FOREIGN, "handle of another kind, owner or host")                  \
	X(OVERLAP, "another operation on the object is in progress")         \
	X(CYCLE, "block reached twice in one tree")                          \
	X(WRONG_KIND, "child of a kind its parent cannot have")              \
	X(BAD_TYPE, "unknown or unsuitable state type")                      \
	X(BAD_SIZE, "length or size does not fit the type")                  \
	X(NULL_POINTER, "a pointer that must be set is NULL")                \
	X(NO_PARENT, "a new object without a path or neighbor to attach to") \
	X(PARENT_FAILED, "the object it depends on failed")                  \
	X(HAS_DEPENDENTS, "objects outside the tree still depend on it")     \
	X(DUPLICATE, "the connection is offloaded already")                  \
	X(BAD_STATE, "a TCP state that may not be offloaded")                \
	X(BAD_SEQUENCE, "inconsistent sequence variables")                   \
	X(BAD_ADDRESS, "an address that no connection can have")             \
	X(BAD_VALUE, "a value out of its range")                             \
	X(BAD_BUFFER, "a data buffer list that is not well formed")          \
	X(INVALIDATED, "the object or its path is invalidated")              \
	X(TABLE_FULL, "the table is full")                                   \
	X(NO_MEMORY, "out of memory or buffers")                             \
	X(LIMIT, "larger than the advertised capability")                    \
	X(POOR_CANDIDATE, "not worth offloading")                            \
	X(UNSUPPORTED, "a feature the engine does not have")                 \
	X(NO_HOLD, "the flow is not held")                                   \
	X(HOLD_EXPIRED, "the hold ended before the request came")            \
	X(HOLD_OVERFLOW, "more frames than the hold may keep")               \
	X(CORRUPT, "an invariant of the object does not hold")               \
	X(PAUSED, "offloading is paused")

#define CHIM_REASON_ENUM(name, text) CHIM_REASON_##name,
enum chim_reason {
	CHIM_REASON_LIST(CHIM_REASON_ENUM) CHIM_REASON_MAX
};
#undef CHIM_REASON_ENUM

/**
 * Name a status, for logs: "SUCCESS", "OFFLOAD_TCP_ENTRIES", ...
 *
 * @return a constant string, "unknown" for a value not in the list.
 * Thread: any.
 */
const char *chim_status_name(enum chim_status status);

/**
 * Name a reason as telemetry does, in lower case: "stale", "cycle", ...
 *
 * @return a constant string, "unknown" for a value not in the list.
 * Thread: any.
 */
const char *chim_reason_name(uint32_t reason);

/**
 * Explain a reason in a few words.
 *
 * @return a constant string, "unknown" for a value not in the list.
 * Thread: any.
 */
const char *chim_reason_text(uint32_t reason);

#ifdef __cplusplus
}
#endif

#endif /* CHIM_STATUS_H */
