/* SPDX-License-Identifier: MIT */
/*
 * search.h - the highest rate that keeps a limit (--find-rate)
 *
 * A rate is probed until two probes agree; unusable ones are repeated. The rate is
 * doubled until it fails, then the interval is halved down to 5 %.
 */
#ifndef SEARCH_H
#define SEARCH_H

#include <stdbool.h>

enum probe {
	PROBE_HELD,
	PROBE_FAILED,   /* the server was too slow */
	PROBE_UNUSABLE, /* the generator was too slow */
	PROBE_WRONG,    /* connections failed, or bytes were wrong */
};

struct search {
	double held;    /* the highest rate that held; 0: none */
	double failed;  /* the lowest that did not hold; 0: none */
	enum probe why; /* why it did not: not PROBE_HELD */
	bool stopped;
	unsigned probes;
};

/* Calls `probe` with rates, from `first` on. It sets *stop to end the search. */
struct search search_rate(double first, double highest,
			  enum probe (*probe)(double rate, void *data,
					      bool *stop),
			  void *data);

#endif
