/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * The texts of every list in include/, from the same list as its values.
 */
#include "chim_base.h"
#include "chim_block.h"
#include "chim_io.h"
#include "chim_request.h"
#include "chim_stats.h"
#include "chim_status.h"

/* Names in C are capitals, in telemetry lower case: written once, lowered here. */
struct lowered {
	char text[32];
};

static struct lowered reason_names[CHIM_REASON_MAX];
static struct lowered why_names[CHIM_WHY_MAX];
static struct lowered op_names[CHIM_OP_MAX];
static struct lowered upload_names[CHIM_UPLOAD_HARDWARE_FAILURE + 1];

static void
lower(struct lowered *out, const char *name)
{
	size_t i;

	for (i = 0; name[i] != '\0' && i < sizeof(out->text) - 1; i++)
		out->text[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + 32) : name[i];
	out->text[i] = '\0';
}

RTE_INIT(lower_all_names)
{
#define LOWER_REASON(name, text) lower(&reason_names[CHIM_REASON_##name], #name);
	CHIM_REASON_LIST(LOWER_REASON)
#define LOWER_WHY(name, where, text) lower(&why_names[CHIM_WHY_##name], #name);
	CHIM_WHY_LIST(LOWER_WHY)
#define LOWER_OP(name) lower(&op_names[CHIM_OP_##name], #name);
	CHIM_OP_LIST(LOWER_OP)
#define LOWER_UPLOAD(name, value, mandatory) lower(&upload_names[value], #name);
	CHIM_UPLOAD_LIST(LOWER_UPLOAD)
}

const char *
chim_status_name(enum chim_status status)
{
	switch (status) {
#define STATUS_CASE(name, value) \
	case CHIM_STATUS_##name: \
		return #name;
		CHIM_STATUS_LIST(STATUS_CASE)
	}
	return "unknown";
}

const char *
chim_reason_name(uint32_t reason)
{
	return reason < CHIM_REASON_MAX ? reason_names[reason].text : "unknown";
}

const char *
chim_reason_text(uint32_t reason)
{
	static const char *const texts[] = {
#define REASON_TEXT(name, text) text,
		CHIM_REASON_LIST(REASON_TEXT)
	};

	return reason < CHIM_DIM(texts) ? texts[reason] : "unknown";
}

const char *
chim_why_name(uint32_t why)
{
	return why < CHIM_WHY_MAX ? why_names[why].text : "unknown";
}

const char *
chim_why_text(uint32_t why)
{
	static const char *const texts[] = {
#define WHY_TEXT(name, where, text) text,
		CHIM_WHY_LIST(WHY_TEXT)
	};

	return why < CHIM_DIM(texts) ? texts[why] : "unknown";
}

const char *
chim_op_name(uint32_t op)
{
	return op < CHIM_OP_MAX ? op_names[op].text : "unknown";
}

const char *
chim_upload_name(uint32_t reason)
{
	if (reason == 0 || reason > CHIM_UPLOAD_HARDWARE_FAILURE)
		return "unknown";
	return upload_names[reason].text;
}

bool
chim_upload_is_mandatory(uint32_t reason)
{
	static const bool is_mandatory[] = {
#define UPLOAD_MANDATORY(name, value, mandatory) [value] = (mandatory) != 0,
		CHIM_UPLOAD_LIST(UPLOAD_MANDATORY)
	};

	return reason < CHIM_DIM(is_mandatory) && is_mandatory[reason];
}

const char *
chim_tcp_state_name(uint32_t state)
{
	static const char *const names[] = {
#define STATE_NAME(name, value) [value] = #name,
		CHIM_TCP_STATE_LIST(STATE_NAME)
	};

	return state < CHIM_DIM(names) ? names[state] : "unknown";
}
