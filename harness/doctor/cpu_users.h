/* SPDX-License-Identifier: MIT */
/* cpu_users.h - who else uses the CPUs */
#ifndef DOCTOR_CPU_USERS_H
#define DOCTOR_CPU_USERS_H

#include "harness/doctor/facts.h"

/* Watches for half a second, and fills in what facts.h has of it: busy, runnable,
 * busiest. In a container only its own processes are seen by name. */
void cpu_users_watch(struct facts *f);

#endif
