/* SPDX-License-Identifier: MIT */
/*
 * cpus.h - CPU affinity of the server, the generator and the harness
 *
 * Only CPUs in this process's affinity mask are used. split: the server has a
 * CPU, and the generator one on another core, if possible in the same package.
 * Their SMT siblings stay idle if there are enough cores. shared: both are
 * pinned to the first CPU of the server. The harness is pinned to a third core
 * if there is one; else it is not pinned (it sleeps during a window).
 */
#ifndef PLAN_CPUS_H
#define PLAN_CPUS_H

#include "harness/base/why.h"
#include "harness/plan/cell.h"

#include <jansson.h>
#include <sched.h>

enum { CPU_LIST_SIZE = 64 };

struct cpu_pair {
	cpu_set_t server, client;
	char server_list[CPU_LIST_SIZE],
		client_list[CPU_LIST_SIZE]; /* "0-1,4" */
};

struct cpus {
	struct cpu_pair split, shared;
	bool split_possible;      /* at least two CPUs */
	char split_why[WHY_SIZE]; /* if impossible */
	bool siblings;            /* split uses SMT siblings of one core */
	cpu_set_t harness;        /* CPUs of the harness */
	bool harness_apart;
	json_t *facts; /* all this for run.json; call json_decref() */
};

/*
 * Takes the lists of --server-cpus and --client-cpus; NULL: it chooses. false:
 * they cannot be used, `why` says why, and there is nothing to release. If the
 * server's list leaves no CPU for the generator, the result is true, but split
 * is impossible.
 */
bool cpus_find(struct cpus *p, const char *server_cpus, const char *client_cpus,
	       char why[WHY_SIZE]);

/* Parses "0", "2-3", "0,4-7"; false: not a list, see `why` */
bool cpus_parse(const char *list, cpu_set_t *set, char why[WHY_SIZE]);

/* The reverse. A list that does not fit ends with "...", which does not
 * parse. */
char *cpus_list(const cpu_set_t *set, char list[CPU_LIST_SIZE]);

/* The input of the choice */
struct topology {
	cpu_set_t allowed; /* the affinity mask */
	/* For each CPU: the lowest CPU of its core, and its package */
	int core[CPU_SETSIZE], package[CPU_SETSIZE];
};

/* The topology of this machine. If sysfs does not tell, each CPU is a core, and
 * all are in one package. false: the affinity mask is unknown. */
bool cpus_topology(struct topology *t, char why[WHY_SIZE]);

/* cpus_find() for this topology */
bool cpus_choose(struct cpus *p, const struct topology *t,
		 const char *server_cpus, const char *client_cpus,
		 char why[WHY_SIZE]);

#endif
