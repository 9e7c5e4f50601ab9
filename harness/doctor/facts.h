/* SPDX-License-Identifier: MIT */
/*
 * facts.h - what of this machine a run depends on, as it is now
 *
 * Gathered in one place, and judged in another (doctor.h): so every judgement can
 * be tested on machines that are not there. Nothing here ends the program; what
 * cannot be found out is UNKNOWN, and what has no limit UNLIMITED.
 */
#ifndef DOCTOR_FACTS_H
#define DOCTOR_FACTS_H

#include "harness/plan/cpus.h"

#include "harness/probe/cgroup.h"
#include "harness/probe/syscalls.h"

enum { FACT_NAME_SIZE = 64, FACT_PATH_SIZE = 384, CLOCK_NAME_SIZE = 32 };

#define UNKNOWN INT64_C(-1)
#define UNLIMITED INT64_MAX

/* A limit of this process's cgroup, or of one above it: the narrowest */
struct cgroup_limit {
	int64_t left; /* of what it limits; UNLIMITED: nothing does */
	char file[FACT_PATH_SIZE]; /* where it stands */
	bool ours;                 /* this process may write there */
	bool v2;
};

struct facts {
	bool root;      /* the effective user */
	bool may_raise; /* hard limits: CAP_SYS_RESOURCE */
	/* In a container whose limits only those can change who start it */
	bool confined;
	bool seccomp; /* a filter decides about its system calls */

	/* CPUs: there and switched on; this process may use; could if it asked */
	int64_t cpus_online, cpus_allowed, cpus_attainable;
	char allowed_list[CPU_LIST_SIZE], attainable_list[CPU_LIST_SIZE];
	bool split_possible, siblings;
	char server_cpus[CPU_LIST_SIZE], client_cpus[CPU_LIST_SIZE];
	struct cgroup_limit quota; /* left: thousandths of a CPU */

	/* Their frequency; the worst of those allowed. "": nobody says */
	char governor[FACT_NAME_SIZE];
	char turbo_file[FACT_PATH_SIZE]; /* "": nobody says */
	bool turbo, turbo_off_is_1;

	/* What else there is to do for the CPUs */
	double busy;     /* CPUs that other processes used a moment ago */
	double runnable; /* threads beside this one that wanted to run */
	char busiest[FACT_NAME_SIZE]; /* of these processes, if one is seen */
	int64_t busiest_pid;
	double busiest_share; /* CPUs that it used */
	double steal;         /* share of the CPUs' time since boot */

	char clock[CLOCK_NAME_SIZE]; /* what tells the time; "" */
	bool tsc_available;
	double clock_ns; /* to read it */

	/* Descriptors: of this process, what any may have at the most; of all
	 * processes, and how many more they may have */
	int64_t descriptors, descriptors_most, descriptors_all,
		descriptors_free;

	int64_t ports, port_low, port_high; /* local ones */
	int64_t tw_reuse;
	int64_t somaxconn;
	int loopback_error; /* of a connection to itself; 0: it works */

	/* How many more threads there may be, as each of these limits has it */
	int64_t threads_user, threads_machine, thread_ids, maps;
	struct cgroup_limit threads_cgroup;
	int64_t signals; /* how many more may be queued */

	int64_t memory; /* bytes that can be had */
	struct cgroup_limit memory_cgroup;
	int64_t disk; /* bytes, where results go; UNKNOWN: not even a folder */
	bool disk_writable;

	int uring_error;        /* of an attempt to set one up; 0: it works */
	int64_t uring_disabled; /* the sysctl */

	enum syscalls_method counting;
	char counting_why[WHY_SIZE]; /* what prevents a better way */
	bool cgroup;
	char cgroup_why[WHY_SIZE];
};

/* Takes about half a second, in which it looks at what others do. `bin` is the
 * folder of our programs; counters are tried only if `counting`. */
void facts_gather(struct facts *f, const char *bin, bool counting);

#endif
