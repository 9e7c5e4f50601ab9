/* SPDX-License-Identifier: MIT */
/*
 * cpus.h - which CPUs the server has, which the generator, which the harness
 *
 * Only CPUs this process may use. split: a CPU for the server and one of another
 * core for the generator, of the same package where it can be; their SMT siblings
 * stay idle where there are cores enough. shared: both on the first CPU of the
 * server. The harness is on another core if there is a third, else it floats (it
 * sleeps while a window runs).
 */
#ifndef PLAN_CPUS_H
#define PLAN_CPUS_H

#include "harness/plan/cell.h"

#include <jansson.h>
#include <sched.h>

enum { CPUS_WHY_SIZE = 512, CPU_LIST_SIZE = 64 };

struct cpu_pair {
	cpu_set_t server, client;
	char server_list[CPU_LIST_SIZE],
		client_list[CPU_LIST_SIZE]; /* "0-1,4" */
};

struct cpus {
	struct cpu_pair split, shared;
	bool split_possible;           /* there are two CPUs */
	char split_why[CPUS_WHY_SIZE]; /* if not */
	bool siblings;     /* in split both have threads of one core */
	cpu_set_t harness; /* where the harness itself goes */
	bool harness_apart;
	json_t *facts; /* all this, for run.json; to be released */
};

/*
 * Lists as of --server-cpus and --client-cpus, or NULL: chosen here. false: they
 * cannot be had, `why` says why, and there is nothing to release. A server that
 * leaves no CPU for the generator is not wrong, but split is impossible.
 */
bool cpus_find(struct cpus *p, const char *server_cpus, const char *client_cpus,
	       char why[CPUS_WHY_SIZE]);

/* "0", "2-3", "0,4-7"; false: it is none, and says so */
bool cpus_parse(const char *list, cpu_set_t *set, char why[CPUS_WHY_SIZE]);

/* ... and back; what does not fit ends with "...", which is no list any more. */
char *cpus_list(const cpu_set_t *set, char list[CPU_LIST_SIZE]);

/* What cpus_find() chooses from */
struct topology {
	cpu_set_t allowed; /* to this process */
	/* Of each CPU: the lowest CPU of its core, and the number of its package */
	int core[CPU_SETSIZE], package[CPU_SETSIZE];
};

/* As this machine says it. Where it says nothing, each CPU is a core, and all are
 * one package. false: how many CPUs there are cannot be asked. */
bool cpus_topology(struct topology *t, char why[CPUS_WHY_SIZE]);

/* cpus_find() on a machine like this */
bool cpus_choose(struct cpus *p, const struct topology *t,
		 const char *server_cpus, const char *client_cpus,
		 char why[CPUS_WHY_SIZE]);

#endif
