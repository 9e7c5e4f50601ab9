/* SPDX-License-Identifier: MIT */
/* others.h - who else uses the CPUs */
#ifndef RUN_OTHERS_H
#define RUN_OTHERS_H

#include "harness/run/facts.h"

/* Watches for half a second, and fills in what facts.h has of it: busy, runnable,
 * busiest. In a container only its own processes are seen by name. */
void find_others(struct facts *f);

#endif
