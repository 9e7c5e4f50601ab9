// SPDX-License-Identifier: MIT
/*
 * schedule.c - requests are due in order, at the requested rate
 *
 * Uniform arrivals and bursts are exact, and threads share them without a gap. For
 * random arrivals only the order is checked.
 */
#include "fuzz.h"

#include "harness/load/schedule.h"

#include <math.h>

enum { CALLS = 200, PARTS_MAX = 1024 };

static const double longest = 0x1p62; /* ns; times end soon after */

struct plan {
	enum arrivals arrivals;
	double rate;
	unsigned burst, part, parts;
	uint64_t seed;
	int64_t start;
};

static struct schedule schedule_of_plan(const struct plan *p, unsigned part)
{
	return schedule_of(p->arrivals, p->rate, p->burst, p->seed, part,
			   p->parts, p->start);
}

/* The time of a part's request number i, if it is not drawn by chance */
static double exact_time(const struct plan *p, unsigned i, unsigned own)
{
	double gap = 1e9 / p->rate;

	if (p->burst > 1)
		return p->start + i / own * gap * p->burst;
	return p->start + ((double)i * p->parts + p->part) * gap;
}

static unsigned burst_of_part(const struct plan *p, unsigned part)
{
	return schedule_of_plan(p, part).burst;
}

static void check_shares(const struct plan *p)
{
	unsigned sum = 0;

	if (p->burst == 1)
		return;
	for (unsigned i = 0; i < p->parts; i++)
		sum += burst_of_part(p, i);
	HOLDS(sum == p->burst);
}

static void check_times(const struct plan *p)
{
	struct schedule s = schedule_of_plan(p, p->part);
	struct schedule again = schedule_of_plan(p, p->part);
	unsigned own = s.burst;
	int64_t last =
		p->start - 4; /* after 104 days a double has no more ns */

	for (unsigned i = 0; i < CALLS; i++) {
		int64_t due;

		if (own && exact_time(p, i + 1, own) > longest)
			return;
		due = schedule_next(&s);
		HOLDS(due == schedule_next(&again));
		HOLDS(due >= last);
		last = due;
		if (own == 0) {
			HOLDS(due == INT64_MAX);
		} else if (p->burst > 1 || p->arrivals == ARRIVALS_UNIFORM) {
			double exact = exact_time(p, i, own);

			HOLDS(fabs(due - exact) <= 2 + exact * 1e-14);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct plan p = { .arrivals = next_byte(&in) % 2 ? ARRIVALS_UNIFORM :
							   ARRIVALS_POISSON };

	p.rate = (1 + next_number(&in, 4) % UINT64_C(100000000)) / 1.0;
	if (next_byte(&in) % 4 == 0)
		p.rate /= 100;
	p.burst = next_byte(&in) % 2 ? 1 + next_number(&in, 3) % 1000000 : 1;
	p.parts = 1 + next_number(&in, 2) % PARTS_MAX;
	p.part = next_number(&in, 2) % p.parts;
	p.seed = next_number(&in, 8);
	p.start = next_number(&in, 7) >> 1; /* two years of uptime */
	check_shares(&p);
	check_times(&p);
	return 0;
}
