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
	unsigned port;        /* 0: the kernel chooses */
	unsigned max_clients; /* 0: no limit */
	size_t message;       /* bytes of a request; 0: what one read returns */
	const struct service *service;
	struct work work;
	uint64_t seed;
};

/*
 * An option of one model: --NAME METAVAR. A variant defines model_options, which
 * ends with a row without a name; without it, there are none.
 */
struct model_option {
	const char *name;    /* "delay" */
	const char *metavar; /* "TIME" */
	const char *help;
	enum { OPTION_TIME, OPTION_COUNT } kind;
	int64_t low, high; /* a time in ns */
	int64_t *value;    /* holds the default */
};
extern const struct model_option model_options[];

/* Exits on --help, --version and bad usage. */
void parse_options(int argc, char **argv, struct options *opt);

#endif
