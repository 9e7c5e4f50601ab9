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
	double share; /* 0: no limit; 1: on the maximum */
	int64_t ns;
	char name[8]; /* "p99.9", "max" */
};

enum { CPUS_MAX = 1024 };

struct load_options {
	const char *target; /* as given */
	const char *host, *port;
	const char *path;     /* http: of the target, without its slash */
	unsigned connections; /* 0: only idle ones */
	unsigned idle, depth, threads;
	int http;      /* 0: --service echo */
	unsigned slow; /* pattern slow-read: additional ones that read slowly */
	size_t message;
	double rate; /* requests/s over all connections; 0: closed loop */
	enum arrivals arrivals;
	enum pattern pattern;
	unsigned burst;
	int64_t duration, warmup, timeout;
	uint64_t seed;
	enum { ENGINE_AUTO, ENGINE_URING, ENGINE_EPOLL } engine;
	int cpus[CPUS_MAX];
	unsigned n_cpus;
	int spin; /* 0: never busy-poll; 1: with CPUs of its own */
	struct goal goal;
	const char *json, *histogram;
	int hold; /* socket of the observer, which commands slices: hold.h; -1: none */
	bool quiet;
};

/* All connections */
static inline unsigned load_clients(const struct load_options *opt)
{
	return opt->connections + opt->idle + opt->slow;
}

/* Ends the program on --help, --version and bad usage. */
void load_options(int argc, char **argv, struct load_options *opt);

#endif
