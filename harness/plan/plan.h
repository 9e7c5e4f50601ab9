/* SPDX-License-Identifier: MIT */
/*
 * plan.h - a plan: a text file that says what to measure
 *
 * Each line is a key with its value, or describes cells. Blanks separate words,
 * commas separate the values of a list, and # begins a comment.
 *
 *     blocks    6
 *     models    poll,epoll
 *     cells     closed split  connections 1,64,1000
 *     cells     open split    connections 64  rate 10k,40k  work cpu:20us
 *
 * key        value                                             default
 * blocks     how often each setting is measured afresh         6
 * bout       time under load of a setting in a block, shared   3s
 *            by all its servers: plan_rounds()
 * slice      load of one server in a round, or auto: settled   auto
 *            for each setting from its counting repetitions
 * margin     models whose whole interval is within it are      3%
 *            equal
 * reference  the model that others are compared with           epoll
 * counting   yes or no: count system calls, too                yes
 * aa         yes or no: a twin of the reference in each bout   yes
 * baseline   yes or no: the baseline server, in closed         yes
 *            settings
 * awake      yes or no: idle CPUs do not sleep, if that is     yes
 *            permitted (harness/probe/awake.h)
 * idle       measure N idle clients: a list, or none           1000
 * message    bytes of a request, unless a cells line says      64
 * seed       of the random orders                              1
 * models     all, or a list of models, with options            all
 *            (delayloop:delay=10ms), and of LABEL=COMMAND
 *            or LABEL=ADDRESS (command.h); variants names all
 *            of models/variants/, runtimes of models/runtimes/
 *
 * A reference that is not among the models is a mistake, except epoll, the
 * default: then it is the first model.
 *
 * A cells line takes closed or open, split or shared, and parts of a cell's
 * name (cell.h): connections, rate, idle, message, depth, pattern, work, service,
 * each with a value or a list. It stands for all combinations. The defaults are:
 * closed split connections 64 idle 0 depth 1 pattern steady work none service echo.
 *
 * A setting is a cell without its model. Every setting is measured with every
 * model of the plan, or with those that its cells line has: models poll,epoll.
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "harness/plan/cell.h"

enum { PLAN_ERROR_SIZE = 1024, PLAN_LIST_MAX = 256, PLAN_NAME_SIZE = 64 };

/* The label of the baseline server in cells; no model can have it */
#define BASELINE "baseline"
#define VARIANTS "variants"
#define RUNTIMES "runtimes"
#define DEFAULT_REFERENCE "epoll"

/* Fixed times of repetitions that are not timed */
enum {
	COUNTING_HEAD_NS = 50000000, /* load before the window */
	COUNTING_WINDOW_NS = 150000000,
	IDLE_WINDOW_NS = 500000000
};

struct model {
	char label[LABEL_SIZE];
	char *command; /* see command.h; NULL: bin/LABEL */
};

struct cells {
	struct cell *cell;
	size_t n;
};

struct settings;

struct plan {
	char name[PLAN_NAME_SIZE]; /* the file name without .plan */
	unsigned blocks;
	int64_t bout;               /* ns */
	int64_t slice;              /* ns; 0: auto */
	double margin;              /* 0.03: 3 % */
	char reference[LABEL_SIZE]; /* a label of `models` */
	bool counting, with_baseline, aa, awake;
	uint64_t seed;
	size_t message;
	unsigned idle_clients[PLAN_LIST_MAX], n_idle;
	struct model *models;
	size_t n_models;

	/* The cells; no two are the same. */
	struct cells timing; /* setting after setting, the models in each */
	struct cells
		idle; /* loop:none, for each of idle_clients and each model */
	/* Those of the baseline server: each closed setting without work and idle
	 * clients */
	struct cells baseline;

	/* The input, for plan_override() */
	const char *const *known;
	struct settings *settings;
	unsigned connections[PLAN_LIST_MAX], n_connections;
	char asked_reference[LABEL_SIZE];
};

/*
 * `known`: the models that `all` stands for, then the words VARIANTS and RUNTIMES,
 * each with those that it stands for, or not; NULL at the end. They must outlive the plan. false:
 * `error` says where the mistake is, what is allowed, and which word may have been
 * meant; there is nothing to free:
 *
 *     my.plan:3: 'conections': not a word of a cells line; did you mean
 *     'connections'? (allowed: closed, open, ...)
 */
bool plan_read(struct plan *p, const char *path, const char *const *known,
	       char error[PLAN_ERROR_SIZE]);

/* The same for a text in memory; `source` is its name in errors. */
bool plan_parse(struct plan *p, const char *text, size_t length,
		const char *source, const char *const *known,
		char error[PLAN_ERROR_SIZE]);

/*
 * Overrides a key with the value of an option. "connections" replaces the list
 * of every cells line; cells that become equal are merged. false: as above,
 * with --KEY as the location; the plan must then be freed and not used.
 */
bool plan_override(struct plan *p, const char *key, const char *value,
		   char error[PLAN_ERROR_SIZE]);

/* After the last override, in whatever order they came: whether the reference is
 * among the models. false: as above. */
bool plan_check(const struct plan *p, char error[PLAN_ERROR_SIZE]);

/*
 * The load of a server in a round, head included: `slice`, or, if that is auto, 10
 * response times (NAN: unknown), 40 to 300 ms. In an open loop it is long enough for
 * 50 requests and four bursts, or a second.
 */
int64_t plan_slice(const struct plan *p, const struct cell *c,
		   double response_ns);

/* Of a bout; round_ns: the slices of all its servers. The middle half of a few rounds
 * still leaves out one that was disturbed. */
enum { ROUNDS_LEAST = 4 };
unsigned plan_rounds(const struct plan *p, int64_t round_ns);

/* Drops the cells for which `keep` returns false; returns the number left. */
size_t plan_keep(struct plan *p, bool (*keep)(const char *name, void *data),
		 void *data);

/*
 * The plan as a canonical file, with overrides and without the effect of
 * plan_keep(). Plans that measure the same have the same text. Free it.
 */
char *plan_text(const struct plan *p);

/* The cell as a cells line, without "cells" and the part `without` (or NULL);
 * returns `line`. */
char *plan_line(const struct cell *c, char line[CELL_NAME_SIZE],
		const char *without);

/* The number of cells, from `first` on, with the same setting */
size_t setting_length(const struct cells *cells, size_t first);

void plan_free(struct plan *p);

#endif
