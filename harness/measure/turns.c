/* SPDX-License-Identifier: MIT */
/* turns.c - who is served when, for how long, and whether it counts: see turns.h */
#include "harness/measure/turns.h"

#include "harness/base/random.h"

#include <math.h>
#include <string.h>

static const double ms = 1e6;

/* --------------------------------------------------------------------- lengths */

static const double waiting_open = 10;

/*
 * The median response time, or less: other programs may have held up the pilot. In a
 * closed loop, all clients of a saturated server or generator wait for each other's
 * CPU time, so the response time is that of all of them; twice that is never too
 * short. In an open loop few wait. CPU time does not depend on other programs.
 */
static double response_of(const struct record *r)
{
	const struct cell *c = &r->cell;
	double waiting = c->loop == LOOP_CLOSED ? c->connections * c->depth :
						  waiting_open;
	double cpu = r->metric[METRIC_CPU_PER_REQUEST];

	if (strcmp(c->work, "none") != 0) /* it may sleep */
		cpu = NAN;
	return fmin(r->metric[METRIC_RESPONSE_P50], 2 * waiting * cpu);
}

int64_t slice_length(const struct plan *p, const struct record *records,
		     size_t n, const struct cell *c)
{
	double own = NAN, fastest = NAN, slowest = NAN;

	for (size_t i = 0; i < n; i++) {
		const struct record *r = &records[i];
		double response;

		if (r->role != ROLE_COUNTING || !cell_same_setting(&r->cell, c))
			continue;
		response = response_of(r);
		fastest = fmin(fastest, response);
		slowest = fmax(slowest, response);
		if (strcmp(r->cell.model, c->model) == 0)
			own = response;
	}
	if (c->loop == LOOP_OPEN)
		return plan_slice(p, c, slowest);
	/* The baseline server has no counting repetition. */
	return plan_slice(p, c, isnan(own) ? fastest : own);
}

int64_t slice_head(int64_t slice_ns)
{
	int64_t head = slice_ns / 8, least = 5 * (int64_t)ms;

	if (head < least)
		head = least;
	return head < slice_ns / 2 ? head : slice_ns / 2;
}

/* ----------------------------------------------------------------------- order */

static uint64_t mixed(uint64_t seed, uint64_t with)
{
	uint64_t state = seed ^ with * UINT64_C(0x100000001b3);

	return random_next(&state);
}

static uint64_t seed_of_round(const struct plan *p, const struct entry *first,
			      unsigned round)
{
	struct cell setting = *first->cell;
	char name[CELL_NAME_SIZE];
	uint64_t seed = mixed(p->seed, first->block);

	*setting.model = '\0';
	for (const char *c = cell_name(&setting, name); *c; c++)
		seed = mixed(seed, (unsigned char)*c);
	return mixed(seed, round);
}

void turns_order(size_t *order, size_t n, const struct plan *p,
		 const struct entry *first, unsigned round)
{
	uint64_t state = seed_of_round(p, first, round);

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	random_shuffle(order, n, sizeof(*order), &state);
}

/* ---------------------------------------------------------------- disturbances */

static const double steal_most = 0.02, delay_most = 0.05, foreign_most = 0.1;
static const int64_t suspended_most = 5000000;

static bool exceeds(int64_t part, double most, int64_t of)
{
	return (double)part > most * (double)of;
}

bool round_is_disturbed(const struct round_facts *f, bool why[DROPS])
{
	why[DROP_STEAL] =
		exceeds(f->steal_ns, steal_most, f->wall_ns * f->cpus);
	why[DROP_SUSPENDED] =
		f->was_stopped || f->suspended_ns > suspended_most;
	why[DROP_FOREIGN] =
		exceeds(f->generator_delay_ns, delay_most,
			f->generator_load_ns) ||
		exceeds(f->server_delay_ns, delay_most, f->server_load_ns) ||
		exceeds(f->foreign_ns, foreign_most, f->wall_ns);
	return why[DROP_STEAL] || why[DROP_SUSPENDED] || why[DROP_FOREIGN];
}

bool round_is_dropped(const bool why[DROPS], const struct rounds *before,
		      unsigned counted_disturbed, unsigned planned)
{
	unsigned rounds = before->counted + before->dropped;
	unsigned disturbed = before->dropped + counted_disturbed;

	return before->dropped < (planned + 1) / 2 &&
	       (why[DROP_SUSPENDED] || 2 * disturbed <= rounds);
}
