/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * Every value of every public list has a name of its own, and the documented
 * status numerals are what the specification says.
 */
#include <string.h>

#include "chim_block.h"
#include "chim_io.h"
#include "chim_request.h"
#include "chim_stats.h"
#include "chim_status.h"
#include "test.h"

static void
every_reason_and_drop_reason_is_named_and_explained(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < CHIM_REASON_MAX; i++) {
		assert_string_not_equal(chim_reason_name(i), "unknown");
		assert_string_not_equal(chim_reason_text(i), "unknown");
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(chim_reason_name(i), chim_reason_name(j));
	}
	for (uint32_t i = 0; i < CHIM_WHY_MAX; i++) {
		assert_string_not_equal(chim_why_name(i), "unknown");
		assert_string_not_equal(chim_why_text(i), "unknown");
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(chim_why_name(i), chim_why_name(j));
	}
}

static void
values_beyond_a_list_are_unknown(void **state)
{
	(void)state;
	assert_string_equal(chim_reason_name(CHIM_REASON_MAX), "unknown");
	assert_string_equal(chim_why_name(UINT32_MAX), "unknown");
	assert_string_equal(chim_op_name(CHIM_OP_MAX), "unknown");
	assert_string_equal(chim_upload_name(0), "unknown");
	assert_string_equal(chim_upload_name(12), "unknown");
	assert_string_equal(chim_tcp_state_name(11), "unknown");
	assert_string_equal(chim_status_name((enum chim_status)0x12345678), "unknown");
}

static void
documented_numerals_are_kept(void **state)
{
	(void)state;
	assert_int_equal((uint32_t)CHIM_STATUS_SUCCESS, 0);
	assert_int_equal((uint32_t)CHIM_STATUS_PENDING, 0x103);
	assert_int_equal((uint32_t)CHIM_STATUS_FAILURE, 0xC0000001u);
	assert_int_equal((uint32_t)CHIM_STATUS_RESOURCES, 0xC000009Au);
	assert_int_equal((uint32_t)CHIM_STATUS_OFFLOAD_PARTIAL_SUCCESS, 0x40020004);
	assert_int_equal((uint32_t)CHIM_STATUS_UPLOAD_IN_PROGRESS, 0xC0231001u);
	assert_int_equal((uint32_t)CHIM_STATUS_OFFLOAD_TCP_ENTRIES, 0xC0231004u);
	assert_int_equal((uint32_t)CHIM_STATUS_REQUEST_ABORTED, 0xC001000Cu);
	assert_int_equal(CHIM_TCP_ESTABLISHED, 4);
	assert_int_equal(CHIM_TCP_TIME_WAIT, 10);
	assert_int_equal(CHIM_UPLOAD_HARDWARE_FAILURE, 11);
}

/* Spec 5.6, table. */
static void
upload_reasons_that_must_be_obeyed_are_known(void **state)
{
	static const uint32_t mandatory[] = { CHIM_UPLOAD_RECEIVED_URGENT_DATA,
		CHIM_UPLOAD_TIMEOUT_EXPIRATION, CHIM_UPLOAD_INVALID_STATE,
		CHIM_UPLOAD_UPLOAD_REQUESTED, CHIM_UPLOAD_HARDWARE_FAILURE };
	uint32_t nb = 0;

	(void)state;
	for (uint32_t i = 0; i < CHIM_DIM(mandatory); i++)
		assert_true(chim_upload_is_mandatory(mandatory[i]));
	for (uint32_t reason = 0; reason < 100; reason++)
		nb += chim_upload_is_mandatory(reason);
	assert_int_equal(nb, CHIM_DIM(mandatory));
}

static void
names_read_as_telemetry_shows_them(void **state)
{
	(void)state;
	assert_string_equal(chim_reason_name(CHIM_REASON_HAS_DEPENDENTS), "has_dependents");
	assert_string_equal(chim_why_name(CHIM_WHY_KERNEL_SEALED), "kernel_sealed");
	assert_string_equal(chim_op_name(CHIM_OP_SET_PARAMS), "set_params");
	assert_string_equal(
		chim_upload_name(CHIM_UPLOAD_RECEIVED_URGENT_DATA), "received_urgent_data");
	assert_string_equal(chim_status_name(CHIM_STATUS_OFFLOAD_PATH_MTU), "OFFLOAD_PATH_MTU");
	assert_string_equal(chim_tcp_state_name(CHIM_TCP_FIN_WAIT_2), "FIN_WAIT_2");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_reason_and_drop_reason_is_named_and_explained),
	cmocka_unit_test(values_beyond_a_list_are_unknown),
	cmocka_unit_test(documented_numerals_are_kept),
	cmocka_unit_test(upload_reasons_that_must_be_obeyed_are_known),
	cmocka_unit_test(names_read_as_telemetry_shows_them),
};
CHIM_CMOCKA_SUITE(base_names_autotest, tests, NULL, NULL)
