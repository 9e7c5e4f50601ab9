/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what threads do, one by one: system calls, and who sleeps and wakes whom
 *
 * Two methods:
 *
 *	bpf	all threads of a cgroup: when a call is entered and left, when a thread leaves
 *		and gets a CPU, which thread wakes it, and the operations of io_uring
 *	strace	the calls alone, of processes and their threads, for users who may not
 *		trace the kernel. A call seems to take tens of us longer, because it stops the
 *		thread twice, and whether a thread slept in it is unknown
 *
 * COST: both lengthen each call, and are for a few requests, never for a measurement.
 */
#ifndef TIMELINE_TRACE_H
#define TIMELINE_TRACE_H

#include "harness/probe/syscalls.h"

#include <stdint.h>

enum trace_method { TRACE_BPF, TRACE_STRACE };
extern const char *const trace_methods[]; /* by enum trace_method */

enum trace_kind {
	TRACE_ENTER, /* what: the call, value: its first argument */
	TRACE_EXIT,  /* what: the call, value: its result */
	TRACE_OFF,  /* leaves the CPU; what: 0: it is preempted, 1: it sleeps */
	TRACE_ON,   /* gets the CPU */
	TRACE_WAKE, /* other: the thread that it makes runnable */
	TRACE_SUBMIT,  /* io_uring: what: the operation */
	TRACE_COMPLETE /* io_uring: what: the operation, value: its result */
};

/* As the BPF programs write it */
struct trace_event {
	uint64_t time;            /* CLOCK_MONOTONIC, ns */
	uint64_t task;            /* the kernel's ids: process << 32 | thread */
	uint32_t thread, process; /* in this PID namespace; 0: another one */
	uint32_t kind, cpu;
	int64_t what, value;
	uint32_t other, unused; /* the kernel's id of a thread */
};

enum { TRACE_NO_OPERATION = -1 }; /* what of TRACE_COMPLETE: unknown */

struct trace {
	enum trace_method method;
	struct trace_event *events; /* by time */
	size_t n;
	uint64_t lost; /* events for which the buffer was too small */
	char uring_why
		[WHY_SIZE]; /* why operations of io_uring are missing; "" */
	struct bpf_trace *bpf;
	struct strace_trace *strace;
};

/*
 * Begins to watch: bpf all processes in `g`, with a buffer of so many bytes; strace those that
 * it counts the calls of. Nothing is recorded before trace_record(). trace_close() has to
 * follow, also after a failure.
 */
bool trace_open_bpf(struct trace *t, const struct cgroup *g, size_t buffer,
		    char why[WHY_SIZE]);
bool trace_open_strace(struct trace *t, const struct syscalls *s,
		       char why[WHY_SIZE]);

/* Begins to record, or ends it: after that, `events` are complete. */
void trace_record(struct trace *t);
bool trace_stop(struct trace *t, char why[WHY_SIZE]);
void trace_close(struct trace *t);

/* For trace.c only */
void bpf_trace_record(struct bpf_trace *b, bool on);
void bpf_trace_take(struct trace *t);
void bpf_trace_close(struct bpf_trace *b);
void strace_trace_record(struct strace_trace *s);
bool strace_trace_take(struct trace *t, char why[WHY_SIZE]);
void strace_trace_close(struct strace_trace *s);

/* Adds an event; for strace, and for clients that report their own calls */
void trace_add(struct trace *t, const struct trace_event *e);

#endif
