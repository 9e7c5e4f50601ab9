/* SPDX-License-Identifier: MIT */
/*
 * search.h - the highest rate that keeps a limit (--find-rate)
 *
 * A rate is tried until two tries agree: three times at most, or a little more if
 * some were of no use. It is doubled until it does not hold, and then what is
 * between is halved until it is known to 5 %.
 */
#ifndef SEARCH_H
#define SEARCH_H

#include <stdbool.h>

enum probe {
	PROBE_HELD,
	PROBE_FAILED,   /* the server was too slow */
	PROBE_UNUSABLE, /* the generator was: it says nothing of the server */
	PROBE_WRONG,    /* the server lost or damaged something */
};

struct search {
	double held;    /* the highest rate that held; 0: none */
	double failed;  /* the lowest that did not; 0: none */
	enum probe why; /* it did not: anything but PROBE_HELD */
	bool stopped;
	unsigned probes;
};

/*
 * Calls `probe` with rates, from `first` on. It says true in *stop to end the
 * search at once.
 */
struct search search_rate(double first, double highest,
			  enum probe (*probe)(double rate, void *data,
					      bool *stop),
			  void *data);

#endif
