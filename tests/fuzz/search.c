// SPDX-License-Identifier: MIT
/*
 * search.c - the search for the highest rate ends, and reports rates that it probed
 *
 * A server holds up to some rate, except in probes that the input selects. With those,
 * the search may end anywhere, but has to end.
 */
#include "fuzz.h"

#include "harness/load/search.h"

enum { PROBES_MAX = 600 };

static const double precision = 1.05 + 1e-9;

struct server {
	struct input in;
	double first, highest, limit;
	double held, failed; /* the highest and the lowest that it said so of */
	unsigned probes, odd;
};

static enum probe probe(double rate, void *data, bool *stop)
{
	struct server *s = data;
	unsigned mood = next_byte(&s->in);
	enum probe outcome = rate <= s->limit ? PROBE_HELD : PROBE_FAILED;

	HOLDS(++s->probes <= PROBES_MAX);
	HOLDS(rate > 0 &&
	      rate <= (s->first > s->highest ? s->first : s->highest));
	*stop = mood == 255;
	if (mood >= 192) {
		outcome = mood % 3;
		s->odd++;
	}
	if (outcome == PROBE_HELD && rate > s->held)
		s->held = rate;
	if (outcome != PROBE_HELD && (s->failed == 0 || rate < s->failed))
		s->failed = rate;
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct server s = { .in = { data, data + size } };
	struct search found;

	s.first = (1 + next_number(&s.in, 3)) / 100.0;
	s.highest = 1 + next_number(&s.in, 4) % 100000000;
	s.limit = next_number(&s.in, 4) / 64.0;
	found = search_rate(s.first, s.highest, probe, &s);
	HOLDS(found.probes <= s.probes);
	if (found.held > 0) /* twice of three times, at least */
		HOLDS(found.held <= s.held);
	if (found.stopped)
		return 0;
	HOLDS(found.held > 0 || found.failed > 0);
	if (found.failed > 0 && found.held > 0)
		HOLDS(found.held < found.failed &&
		      found.failed <= found.held * precision);
	if (s.odd > 0)
		return 0;
	if (found.held > 0)
		HOLDS(found.held <= s.limit);
	if (found.failed > 0)
		HOLDS(found.failed > s.limit);
	else
		HOLDS(found.held >= s.highest || found.held == s.first);
	return 0;
}
