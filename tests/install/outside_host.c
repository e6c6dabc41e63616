/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * A host program as somebody else would write it: one header of ours, and
 * DPDK. There is no engine in its EAL, and the library says so.
 */
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include <chim_host.h>

int
main(int argc, char **argv)
{
	struct chim_neighbor_block neighbor;
	struct chim_path_block path;
	chim_handle_t handles[2] = { CHIM_HANDLE_NONE, CHIM_HANDLE_NONE };
	struct chim_host *host;

	if (rte_eal_init(argc, argv) < 0)
		return EXIT_FAILURE;
	chim_neighbor_block_init(&neighbor, &handles[0]);
	chim_path_block_init(&path, CHIM_AF_INET, &handles[1]);
	chim_block_add_dependent(&neighbor.block, &path.block);
	if (neighbor.block.dependent_list != &path.block ||
		path.block.header.type != CHIM_STATE_IP4)
		return EXIT_FAILURE;
	host = chim_host_open("outside");
	printf("%s: %s\n", chim_op_name(CHIM_OP_INITIATE),
		host == NULL ? rte_strerror(rte_errno) : "attached");
	return host == NULL && rte_errno == ENOENT ? EXIT_SUCCESS : EXIT_FAILURE;
}
