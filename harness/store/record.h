/* SPDX-License-Identifier: MIT */
/*
 * record.h - what one repetition was and what came of it: a line of repetitions.jsonl
 *
 * Everything that is printed, drawn or claimed later is made from these lines and
 * nothing else. A number that could not be had is NAN here and null there, never 0.
 * The dictionary of all this is results/README.md, its schema
 * harness/store/repetition.schema.json.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "harness/base/why.h"
#include "harness/plan/blocks.h"

#include <jansson.h>

enum { RECORD_SCHEMA = 1 };

enum status {
	STATUS_OK,
	STATUS_INVALID,     /* measured, and not to be believed: reasons */
	STATUS_REFUSED,     /* the server is at a limit of its own */
	STATUS_UNSUPPORTED, /* this kernel, or who may do what, forbids it */
	STATUS_FAILED /* the server or the generator did not do its part */
};
enum { STATUSES = 5 };

extern const char *const status_names[STATUSES]; /* "ok", "invalid", ... */

/* The numbers of a repetition; `metrics` says of each what it is. */
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
	METRIC_SERVER_YARDSTICK,
	METRIC_CLIENT_YARDSTICK,
	METRICS
};

/* Which way is better; for charts, and for the order of a table */
enum better { BETTER_LESS, BETTER_MORE, BETTER_NEITHER };

struct metric_kind {
	const char *name; /* "server_cpu_per_request_ns": key and column */
	const char *unit; /* "ns", "1/s", "bytes", "1" */
	enum better better;
};

extern const struct metric_kind metrics[METRICS];

/* A system call by its name. Counting: from the first to the last request, warm-up
 * included; idle clients: in the window. */
struct call_count {
	char name[32];
	uint64_t count;
};

struct record {
	unsigned index; /* of the entry, in the order of execution */
	unsigned
		attempt; /* from 1; more: again, because the one before was invalid */
	unsigned block;
	enum role role;
	struct cell cell;

	enum status status;
	json_t *reasons;  /* array of sentences: why the status is not ok */
	json_t *warnings; /* ... what else a reader has to know */
	char started[32]; /* UTC: 2026-11-21T15:00:00Z */
	double took_s;    /* all of the repetition */

	char server_cpus[64], client_cpus[64]; /* "0", "2-3"; "": not pinned */
	double window_s;       /* between the probes' readings; NAN: none */
	double window_late_s;  /* the first reading after the window's begin */
	char cpu_method[16];   /* "process", "cgroup"; "": no CPU time known */
	char calls_method[16]; /* "bpf", "perf", "strace", "none"; "": no */
	double metric[METRICS];
	struct call_count *calls; /* the most frequent first; or NULL */
	size_t n_calls;
	double calls_requests; /* they were made for; NAN: for none (idle) */

	json_t *load;   /* what bin/loadgen said, but for what is in the file
			   of histograms; NULL: nothing */
	json_t *server; /* its closing line; NULL: it printed none */
	char histograms[64]; /* file with them, in the folder of the run; "" */
};

/* How a warning begins: machine or programs were not the same before the resume. */
#define RECORD_FORCED "measured after a resume that was forced: "

/* A record of nothing yet: NAN, NULL, no reasons */
void record_init(struct record *r, const struct entry *e);
void record_free(struct record *r);

/* Adds a sentence to r->reasons or r->warnings */
__attribute__((format(printf, 2, 3))) void record_say(json_t *sentences,
						      const char *format, ...);

/* Of no two lines it is the same, but that each attempt has its own. */
json_t *record_json(const struct record *r);

/* false: it is no record, and `why` says why; there then is nothing to free. */
bool record_read(struct record *r, const json_t *line, char why[WHY_SIZE]);

#endif
