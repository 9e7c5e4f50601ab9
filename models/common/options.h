/* SPDX-License-Identifier: MIT */
/* options.h - the command line that all servers share */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stddef.h>
#include <stdint.h>

struct service;

struct work {
	enum { WORK_NONE, WORK_CPU, WORK_SLEEP } kind;
	int64_t ns;
	double percent; /* of the requests, 0 < percent <= 100 */
};

struct options {
	const char *host;
	unsigned port;    /* 0: the kernel chooses */
	unsigned max_clients; /* 0: no limit of ours */
	size_t message;   /* bytes that make a request; 0: what a read brings */
	const struct service *service;
	struct work work;
	uint64_t seed;
};

/* Ends the program on --help, --version and on bad usage. */
void parse_options(int argc, char **argv, struct options *opt);

#endif
