/* SPDX-License-Identifier: MIT */
/*
 * record.h - a repetition and its result: a line of repetitions.jsonl
 *
 * Tables, charts and claims are derived from these lines alone. A number that
 * is not available is NAN here and null in the line, never 0. results/README.md
 * describes all fields, harness/store/repetition.schema.json is the schema.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "harness/base/why.h"
#include "harness/plan/order.h"

#include <jansson.h>

enum { RECORD_SCHEMA = 2 };

enum status {
	STATUS_OK,
	STATUS_REFUSED,     /* the server reached its own limit */
	STATUS_UNSUPPORTED, /* the kernel or missing permissions prevent it */
	STATUS_FAILED       /* an error of the server or the generator */
};
enum { STATUSES = 4 };

extern const char *const status_names[STATUSES]; /* "ok", "refused", ... */

/* Keys of `metrics`, described in results/README.md */
enum metric {
	METRIC_REQUESTS_PER_SECOND,
	METRIC_OFFERED_PER_SECOND,
	METRIC_RESPONSE_P50,
	METRIC_RESPONSE_P90,
	METRIC_RESPONSE_P99,
	METRIC_RESPONSE_P99_9,
	METRIC_RESPONSE_MAX,
	METRIC_SERVICE_P50,
	METRIC_SERVICE_P99,
	METRIC_SEND_LAG_P99,
	METRIC_SERVER_CPU_PER_REQUEST,
	METRIC_CLIENT_CPU_PER_REQUEST,
	METRIC_CPU_PER_REQUEST,
	METRIC_SERVER_CPU_SHARE,
	METRIC_CLIENT_CPU_SHARE,
	METRIC_SERVER_QUEUE_PER_REQUEST,
	METRIC_SERVER_QUEUE_SHARE,
	METRIC_VOLUNTARY_PER_REQUEST,
	METRIC_INVOLUNTARY_PER_REQUEST,
	METRIC_SWITCHES_PER_SECOND,
	METRIC_CALLS_PER_REQUEST,
	METRIC_CALLS_PER_SECOND,
	METRIC_SUBMISSIONS_PER_REQUEST,
	METRIC_COMPLETIONS_PER_REQUEST,
	METRIC_SQ_BUSY_SHARE,
	METRIC_SQ_WORK_SHARE,
	METRIC_RESIDENT,
	METRIC_RESIDENT_PER_CONNECTION,
	METRIC_THREADS,
	METRIC_DESCRIPTORS,
	METRIC_STEAL_SHARE,
	METRICS
};

/* Which direction is better, for charts and the order of tables */
enum better { BETTER_LESS, BETTER_MORE, BETTER_NEITHER };

struct metric_kind {
	const char *name; /* "server_cpu_per_request_ns": key and column */
	const char *unit; /* "ns", "1/s", "bytes", "1" */
	enum better better;
};

extern const struct metric_kind metrics[METRICS];

/* How often a system call was made: from rest to rest, which includes the load
 * before the window; idle clients: in the window. */
struct call_count {
	char name[32];
	uint64_t count;
};

/* Why a round does not count; it is dropped for all servers of the bout. */
enum drop {
	DROP_STEAL,     /* the hypervisor took CPU time */
	DROP_SUSPENDED, /* the machine was suspended, or the run stopped */
	DROP_FOREIGN    /* other programs took CPU time */
};
enum { DROPS = 3 };

extern const char *const drop_names[DROPS]; /* "steal", "suspended", ... */

struct rounds {
	unsigned counted, dropped;
	unsigned why[DROPS]; /* a round can have several reasons */
};

/* The turn of a server in a round, from rest to rest: a row of slices.csv. A
 * number that is not available is NAN. */
struct slice {
	unsigned round;               /* from 1; 0: the warm-up round */
	unsigned position;            /* in the order of its round, from 0 */
	bool counted;                 /* false: its round was dropped */
	double requests;              /* all, from rest to rest */
	double answered;              /* replies within the window */
	double window_ns, elapsed_ns; /* elapsed: from rest to rest */
	double cpu_ns, client_cpu_ns; /* of server and generator, likewise */
	double response_p50_ns, response_p99_ns;
	double service_p50_ns, service_p99_ns;
};

/* A line for each (block, cell) */
struct record {
	unsigned index; /* of the entry, in execution order */
	unsigned block;
	unsigned bout, bout_size; /* its entries; see store_append_bout() */
	enum role role;
	struct cell cell;

	enum status status;
	json_t *reasons;  /* sentences: why the status is not ok */
	json_t *warnings; /* sentences: other things to know */
	char started[32]; /* UTC: 2026-11-21T15:00:00Z */
	double took_s;    /* of the bout, divided by its entries */

	char server_cpus[64], client_cpus[64]; /* "0", "2-3"; "": not pinned */
	int64_t slice_ns; /* head and window; 0: not in slices */
	struct rounds rounds;
	double window_s; /* sum of the windows that count; NAN: none */
	bool bound; /* by the generator: rates are lower bounds, times upper ones */
	bool saturated;      /* open loop: the server is at its limit */
	char cpu_method[16]; /* "process", "cgroup"; "": CPU time unknown */
	char calls_method
		[16]; /* "bpf", "perf", "strace", "none"; "": not counted */
	double metric[METRICS];
	struct call_count *calls; /* most frequent first; or NULL */
	size_t n_calls;
	double calls_requests; /* requests during the count; NAN: idle */

	json_t *load;   /* output of bin/loadgen without its histograms; NULL:
			   none */
	json_t *server; /* its last line; NULL: none */
	char histograms[64];  /* file name in the folder of the run; "" */
	struct slice *slices; /* in order of execution; or NULL */
	size_t n_slices;
};

/* Prefix of a warning: machine or programs changed before the resume. */
#define RECORD_FORCED "measured after a resume that was forced: "

/* An empty record: NAN, NULL, no reasons */
void record_init(struct record *r, const struct entry *e);
void record_free(struct record *r);

/* Adds a sentence to r->reasons or r->warnings */
__attribute__((format(printf, 2, 3))) void record_say(json_t *sentences,
						      const char *format, ...);

json_t *record_json(const struct record *r);

/* false: not a record, see `why`; there is nothing to free. */
bool record_read(struct record *r, const json_t *line, char why[WHY_SIZE]);

#endif
