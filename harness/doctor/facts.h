/* SPDX-License-Identifier: MIT */
/*
 * facts.h - the present state of this machine, as far as runs depend on it
 *
 * Facts are gathered here and judged in doctor.h, so that tests can use made-up
 * machines. A fact that cannot be read is UNKNOWN, one without a limit
 * UNLIMITED.
 */
#ifndef DOCTOR_FACTS_H
#define DOCTOR_FACTS_H

#include "harness/plan/cpus.h"

#include "harness/probe/cgroup.h"
#include "harness/probe/syscalls.h"

enum { FACT_NAME_SIZE = 64, FACT_PATH_SIZE = 384, CLOCK_NAME_SIZE = 32 };

#define UNKNOWN INT64_C(-1)
#define UNLIMITED INT64_MAX

/* The lowest limit of this process's cgroup and those above it */
struct cgroup_limit {
	int64_t left;              /* UNLIMITED: no limit */
	char file[FACT_PATH_SIZE]; /* that has the limit */
	bool ours;                 /* this process may write it */
	bool v2;
};

struct facts {
	bool root;      /* the effective user */
	bool may_raise; /* hard limits (CAP_SYS_RESOURCE) */
	/* In a container whose limits are set when it is started */
	bool confined;
	bool seccomp; /* a seccomp filter is active */

	/* CPUs: online; in the affinity mask; possible in the affinity mask */
	int64_t cpus_online, cpus_allowed, cpus_attainable;
	char allowed_list[CPU_LIST_SIZE], attainable_list[CPU_LIST_SIZE];
	bool split_possible, siblings;
	char server_cpus[CPU_LIST_SIZE], client_cpus[CPU_LIST_SIZE];
	struct cgroup_limit quota; /* left: thousandths of a CPU */

	/* "": unknown. If the CPUs differ, one that is not "performance" */
	char governor[FACT_NAME_SIZE];
	char turbo_file[FACT_PATH_SIZE]; /* "": unknown */
	bool turbo, turbo_off_is_1;

	bool idle_driver, awake; /* idle CPUs can be kept from sleeping */
	char awake_why[WHY_SIZE];

	/* Other load */
	double busy;                  /* CPUs used by other processes */
	double runnable;              /* other runnable threads, on average */
	char busiest[FACT_NAME_SIZE]; /* the name of the busiest, if known */
	int64_t busiest_pid;
	double busiest_share; /* CPUs that it used */
	double steal;         /* share of CPU time since boot */

	char clock[CLOCK_NAME_SIZE]; /* the clock source, or "" */
	bool tsc_available;
	double clock_ns; /* the time of one reading */

	/* Descriptors: limit of this process, maximum of that limit; limit
	 * of all processes, how many are left */
	int64_t descriptors, descriptors_most, descriptors_all,
		descriptors_free;

	int64_t ports, port_low, port_high; /* local ones */
	int64_t tw_reuse;
	int64_t somaxconn;
	int loopback_error; /* errno of a connection; 0: it works */

	/* How many more threads each of these limits allows */
	int64_t threads_user, threads_machine, thread_ids, maps;
	struct cgroup_limit threads_cgroup;
	int64_t signals; /* how many more may be queued */

	int64_t memory; /* available bytes */
	struct cgroup_limit memory_cgroup;
	int64_t disk; /* free bytes for results; UNKNOWN: no folder */
	bool disk_writable;

	int uring_error;        /* errno of a setup; 0: it works */
	int64_t uring_disabled; /* the sysctl */

	enum syscalls_method counting;
	char counting_why[WHY_SIZE]; /* why there is no better method */
	bool cgroup;
	char cgroup_why[WHY_SIZE];
};

/* Watches other load for half a second. `bin` is the folder of the programs;
 * `counting`: tries the counters. */
void facts_gather(struct facts *f, const char *bin, bool counting);

#endif
