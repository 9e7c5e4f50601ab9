/* SPDX-License-Identifier: MIT */
/* limits.h - what cgroups and user limits leave to this process */
#ifndef DOCTOR_LIMITS_H
#define DOCTOR_LIMITS_H

#include "harness/doctor/facts.h"

/* The cgroup (v1 or v2) that leaves least, among that of this process and those
 * above it */
struct cgroup_limit cgroup_limit_cpu(void); /* thousandths of a CPU */
struct cgroup_limit cgroup_limit_threads(void);
struct cgroup_limit cgroup_limit_memory(void); /* bytes */

/* Threads that RLIMIT_NPROC leaves; UNLIMITED for root */
int64_t user_threads_left(void);

#endif
