/* SPDX-License-Identifier: BSD-3-Clause */
/* Copyright (c) 2026 The Chimney Authors */
/*
 * What a person can choose. args.c fills it from the command line, config.c
 * from a file, both through the one table in options.c, so the two cannot
 * differ. Nothing here needs EAL.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "flow_options.h"

#define APP_MAX_PORTS	  8u
#define APP_MAX_LISTENERS 32u
#define APP_MAX_EAL_ARGS  64u
#define APP_WHY		  256u
#define APP_IDLE_AUTO	  UINT32_MAX
#define APP_CONTENT_AUTO  UINT32_MAX

/* Exit codes, listed by --help. */
enum app_exit {
	APP_EXIT_OK = 0,
	APP_EXIT_START = 1,	 /* something the machine does not give: port, memory, address */
	APP_EXIT_USAGE = 2,	 /* an option, or a line of the configuration file */
	APP_EXIT_RIGHTS = 3,	 /* a capability is missing */
	APP_EXIT_UNFINISHED = 4, /* stopped with connections that had not ended */
};

enum app_policy_kind {
	APP_POLICY_NEVER,
	APP_POLICY_ACCEPT, /* as soon as it is accepted */
	APP_POLICY_WORTH,  /* when every threshold that is set is reached */
};

/* A threshold of 0 is not set. */
struct app_policy {
	enum app_policy_kind kind;
	uint64_t bytes;	 /* moved at least so many, both ways together */
	uint64_t rate;	 /* at least so many bytes a second */
	uint64_t age_ms; /* lived at least so long */
	uint64_t rtt_ms; /* round trip of at most so long */
};

struct app_port_options {
	char wire[64];	    /* ethdev name */
	char exception[64]; /* ethdev name */
	char ifname[16];    /* kernel interface of it, "" = ask the driver */
};

struct app_listener_options {
	struct sockaddr_storage addr;
	char service[16];
	char arg[200]; /* "" = none */
	bool has_policy;
	struct app_policy policy;
};

struct app_options {
	/* what to do */
	bool show_help;
	bool show_version;
	bool check_only;
	char config[256];
	/* what to run on */
	uint32_t nb_ports;
	struct app_port_options port[APP_MAX_PORTS];
	char workers[64]; /* lcore list, "" = all but the main one */
	uint32_t idle;	  /* enum chim_idle, APP_IDLE_AUTO */
	uint32_t max_connections;
	uint32_t max_ip6;    /* of them; 0 = all */
	uint32_t mbufs;	     /* of each worker; 0 = by memory */
	uint32_t host_mbufs; /* 0 = by memory */
	uint32_t content_mb; /* what services keep of files; 0 = nothing, APP_CONTENT_AUTO */
	uint32_t mbuf_size;  /* bytes; 0 = by the ports' MTU */
	uint32_t mtu;
	uint32_t descriptors;
	bool software_only; /* no NIC offloads */
	/* TCP */
	uint32_t congestion;  /* enum chim_cc */
	bool chimney_profile; /* the documented values of 2008 where they differ */
	/* who is served, and what moves */
	uint32_t nb_listeners;
	struct app_listener_options listener[APP_MAX_LISTENERS];
	struct app_policy policy;
	uint32_t upload_idle_s; /* 0 = never */
	uint32_t hold_ms;
	bool no_hold;
	/* connections that nobody opened; from the file only */
	uint32_t nb_flow_sets;
	struct app_flow_set flow_set[APP_MAX_FLOW_SETS];
	/* running it */
	char control[200]; /* socket; "" = in the EAL runtime directory */
	char group[32];	   /* may use the socket; "" = root only */
	uint32_t drain_s;
	/* EAL arguments of the file */
	uint32_t nb_eal;
	char eal[APP_MAX_EAL_ARGS][200];
};

/* ---- offload.c ---- */

/**
 * Understand "accept", "never", "auto", or thresholds such as "bytes:64K+rtt:20".
 *
 * @return 0; -EINVAL with why.
 */
int app_policy_parse(struct app_policy *p, const char *value, char *why);

/* ---- options.c ---- */

/** Set every default. */
void app_options_init(struct app_options *o);

/**
 * Set one option by its name.
 *
 * @param value NULL when none was given.
 * @param why a sentence on failure: what is wrong and what would be right.
 * @return 0; -ENOENT no such option; -EINVAL bad or missing value.
 */
int app_option_set(struct app_options *o, const char *name, const char *value, char *why);

/** Does the option need a value? @return false for flags, and for names that are not options. */
bool app_option_has_value(const char *name);

/** Do the options make sense together? @return 0; -EINVAL with why. */
int app_options_check(const struct app_options *o, char *why);

/** How many letters two words differ by: to say which name was meant. */
uint32_t app_word_distance(const char *a, const char *b);

/* ---- eal_names.c ---- */

/** Is it an option of EAL, without dashes? @return true; false with the one that was meant. */
bool app_eal_name_check(const char *name, const char **meant);

/* ---- config.c, args.c ---- */

/**
 * Read a configuration file: section [chimney], each option by its name, and section [eal].
 *
 * @return 0; -EINVAL, -ENOENT with why, which names the line.
 */
int app_config_load(struct app_options *o, const char *path, char *why);

/**
 * Read the application's arguments (those behind "--"), after the file they name.
 *
 * @return 0; -EINVAL with why.
 */
int app_args_parse(struct app_options *o, int argc, char **argv, char *why);

/**
 * Find the application's arguments: behind the first "--", or all of them when there is none.
 *
 * @return index of the first.
 */
int app_args_split(int argc, char **argv);

/** The help text. */
const char *app_help(void);

#endif /* OPTIONS_H */
