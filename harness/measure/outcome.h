/* SPDX-License-Identifier: MIT */
/* outcome.h - what a bout recorded of a contender */
#ifndef MEASURE_OUTCOME_H
#define MEASURE_OUTCOME_H

#include "harness/measure/contender.h"

/*
 * Fills in the record of a contender whose generator and server have ended: reports,
 * slices, metrics. If nothing failed so far (c->out is false), it is judged.
 */
void outcome(struct contender *c);

#endif
