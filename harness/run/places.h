/* SPDX-License-Identifier: MIT */
/*
 * places.h - which CPUs the server has, which the generator, which the harness
 *
 * Only CPUs this process may use. split: a whole core for the server and another
 * for the generator; their SMT siblings stay idle where there are cores enough.
 * shared: both on the CPU of the server. The harness is on another core if there
 * is a third, else it floats (it sleeps while a window runs).
 */
#ifndef RUN_PLACES_H
#define RUN_PLACES_H

#include "harness/run/cell.h"

#include <jansson.h>
#include <sched.h>

enum { PLACES_WHY_SIZE = 512, CPU_LIST_SIZE = 64 };

struct place_of {
	cpu_set_t server, client;
	char server_list[CPU_LIST_SIZE], client_list[CPU_LIST_SIZE]; /* "0-1,4" */
};

struct places {
	struct place_of split, shared;
	bool split_possible; /* there are two CPUs */
	char split_why[PLACES_WHY_SIZE]; /* if not */
	bool siblings; /* split had to take two threads of one core */
	cpu_set_t harness; /* where the harness itself goes */
	bool harness_apart;
	json_t *facts; /* all this, for run.json */
};

/* Lists as of --server-cpus and --client-cpus, or NULL: chosen here. */
bool places_find(struct places *p, const char *server_cpus,
		 const char *client_cpus, char why[PLACES_WHY_SIZE]);

/* "0", "2-3", "0,4-7"; false: it is none, and says so */
bool places_parse(const char *list, cpu_set_t *set, char why[PLACES_WHY_SIZE]);
char *places_list(const cpu_set_t *set, char list[CPU_LIST_SIZE]);

#endif
