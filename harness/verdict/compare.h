/* SPDX-License-Identifier: MIT */
/*
 * compare.h - what is compared, and the verdicts: see reduce.h
 *
 * The comparisons are fixed before any value is read: in each setting, every model
 * with the reference. Closed loop: requests/s and CPU per request. Open loop: the
 * setting's latency measure and CPU per request. The baseline server is compared,
 * too, but is not one of the family.
 *
 * All servers of a setting take turns within rounds. The value of a block is the mean
 * of the middle half, over its rounds, of the logarithm of the ratio of the two slices in
 * a round; the interval is over blocks, each a fresh start. The level of all
 * intervals follows from the family (ratios.h), so "the interval excludes 1" and
 * "called different" are the same.
 *
 * If the generator was at its limit, a rate is a lower bound and a response time an
 * upper one. The response time of a saturated server grows as long as the load lasts:
 * a lower bound. Then one end of the interval is open, and the other may still decide.
 *
 * A server that spins, or is saturated in an open loop, uses its whole core: its CPU
 * per request is that core divided by the rate, whatever a request costs.
 */
#ifndef VERDICT_COMPARE_H
#define VERDICT_COMPARE_H

#include "harness/verdict/reduce.h"

enum { COMPARED = 2 }; /* metrics per setting */

/* The first row of this row's setting, and the one after its last */
size_t setting_start(const struct reduced *r, size_t row);
size_t setting_end(const struct reduced *r, size_t row);

/* The generator has no CPU of its own: its send lag is in the response time, not in
 * the service time (open loop only) */
bool is_coarse(const struct cell *c);

/* The one latency measure of a setting: service time where it is coarse */
enum metric latency_of(const struct cell *c);

/* The metrics by which models are compared in the setting of this cell */
void compared_by(const struct cell *c, enum metric m[COMPARED]);

/* Whether the CPU time of both was measured by the same method */
bool same_method(const struct row *a, const struct row *b);

bool is_baseline(const struct row *row);
bool uses_whole_core(const struct row *row);

/* The state of a cell; of both, that which concerns its CPU time */
enum state row_state(const struct row *row);

/* Whether a value of this row is the least or the most that it can be */
enum bound { EXACT, AT_LEAST, AT_MOST };

enum bound bound_of(const struct row *row, enum metric m);

/* Of this row with the reference; NULL: none */
const struct comparison *comparison_of(const struct reduced *r,
				       const struct row *row, enum metric m);

/* The value of a metric in a slice; NAN: slices do not have it */
double slice_value(const struct slice *s, enum metric m);

/* The logarithm of a / b in a block from their slices, NAN: none; adds its rounds */
double block_ratio(const struct record *a, const struct record *b,
		   enum metric m, size_t *rounds);

/* Equal: the whole interval is within 1 / (1 + margin) and 1 + margin */
bool is_within(const struct range *range, double margin);

/* Sets r->reference, r->comparison, r->family and row->at_limit: the interval of its
 * requests/s against the baseline server is not below 1. */
void compare(struct reduced *r, const struct reduce_options *options);

#endif
