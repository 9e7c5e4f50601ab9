/* SPDX-License-Identifier: MIT */
/* limits.h - what cgroups and the user's own limits leave to this process */
#ifndef DOCTOR_LIMITS_H
#define DOCTOR_LIMITS_H

#include "harness/doctor/facts.h"

/* Of both versions of cgroups. A limit of one above ours holds for us, too: the
 * one that leaves least is returned. */
struct cgroup_limit cgroup_limit_cpu(void); /* thousandths of a CPU */
struct cgroup_limit cgroup_limit_threads(void);
struct cgroup_limit cgroup_limit_memory(void); /* bytes */

/* Threads that RLIMIT_NPROC leaves; UNLIMITED for whom it does not bind */
int64_t user_threads_left(void);

#endif
