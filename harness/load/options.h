/* SPDX-License-Identifier: MIT */
/* options.h - the command line of the load generator */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include "schedule.h"

#include "harness/base/pattern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A limit on a percentile of the response time: p99=1ms */
struct goal {
	double share; /* 0: none; 1: the longest */
	int64_t ns;
	char name[8]; /* "p99.9", "max" */
};

enum { CPUS_MAX = 1024 };

struct load_options {
	const char *target; /* as it was given */
	const char *host, *port;
	unsigned connections; /* 0: idle ones only */
	unsigned idle, depth, threads;
	size_t message;
	double rate; /* a second, over all connections; 0: closed loop */
	enum arrivals arrivals;
	enum pattern pattern;
	unsigned burst;
	int64_t duration, warmup, timeout;
	uint64_t seed;
	enum { ENGINE_AUTO, ENGINE_URING, ENGINE_EPOLL } engine;
	int cpus[CPUS_MAX];
	unsigned n_cpus;
	int spin; /* 0: never; 1: if it has CPUs of its own */
	struct goal goal;
	const char *json, *histogram;
	int hold; /* socket of who looks on: hold.h; -1: nobody */
	bool quiet;
};

/* Ends the program on --help, --version and on bad usage. */
void load_options(int argc, char **argv, struct load_options *opt);

#endif
