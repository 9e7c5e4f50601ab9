/* SPDX-License-Identifier: MIT */
/* search.c - the highest rate that keeps a limit: see search.h */
#include "search.h"

static const unsigned enough[] = {
	[PROBE_HELD] = 2,
	[PROBE_FAILED] = 2,
	[PROBE_UNUSABLE] = 3,
	[PROBE_WRONG] = 2,
};
static const double step = 2, precision = 1.05, lowest = 1;

struct probing {
	enum probe (*probe)(double rate, void *data, bool *stop);
	void *data;
	struct search *search;
};

/* Probes a rate until enough probes agree. */
static enum probe try(const struct probing *p, double rate)
{
	unsigned said[PROBE_WRONG + 1] = { 0 };

	for (;;) {
		enum probe outcome =
			p->probe(rate, p->data, &p->search->stopped);

		if (p->search->stopped)
			return PROBE_UNUSABLE;
		p->search->probes++;
		if (++said[outcome] == enough[outcome])
			return outcome;
	}
}

/* Probes a rate and records the outcome; true if it held. */
static bool held(const struct probing *p, double rate)
{
	enum probe outcome = try(p, rate);

	if (p->search->stopped)
		return false;
	if (outcome == PROBE_HELD) {
		p->search->held = rate;
		return true;
	}
	p->search->failed = rate;
	p->search->why = outcome;
	return false;
}

struct search search_rate(double first, double highest,
			  enum probe (*probe)(double rate, void *data,
					      bool *stop),
			  void *data)
{
	struct search s = { .held = 0 };
	struct probing p = { .probe = probe, .data = data, .search = &s };
	double rate = first;

	if (held(&p, rate)) {
		while (!s.stopped && rate < highest) {
			rate = rate * step < highest ? rate * step : highest;
			if (!held(&p, rate))
				break;
		}
	} else {
		while (!s.stopped && s.held == 0 && rate > lowest) {
			rate = rate / step > lowest ? rate / step : lowest;
			held(&p, rate);
		}
	}
	while (!s.stopped && s.held > 0 && s.failed > s.held * precision)
		held(&p, (s.held + s.failed) / 2);
	return s;
}
