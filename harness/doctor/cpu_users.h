/* SPDX-License-Identifier: MIT */
/* cpu_users.h - other load on the CPUs */
#ifndef DOCTOR_CPU_USERS_H
#define DOCTOR_CPU_USERS_H

#include "harness/doctor/facts.h"

/* Watches for half a second and sets busy, runnable and busiest of the facts.
 * In a container it only sees the container's processes. */
void cpu_users_watch(struct facts *f);

#endif
