/* SPDX-License-Identifier: MIT */
/*
 * validity.h - whether a repetition is valid
 *
 * A repetition is invalid if
 *	- the generator's audit rejects it, with its reasons
 *	- a request was lost: the counts of server and generator differ
 *	- the hypervisor took more than 1 % of the CPU time
 *	- the machine was suspended, or the run was stopped (Ctrl-Z)
 *	- something else ran on the CPU of a server with one thread for more than 5 %
 *	  of the time (split only)
 *	- it was to count system calls, by a method that works here, and could not
 *
 * Reasons that concern times alone are warnings in a repetition that counts calls or
 * has only idle clients. The generator as the bottleneck is a warning for the
 * baseline, which measures exactly that limit.
 *
 * The generator reports itself as the bottleneck if replies wait for it; it does not
 * see the server. If a server in a closed loop was saturated, too, its throughput
 * and response times are its own, so that is a warning as well.
 *
 * A server that turned clients away at a limit of its own is refused, not invalid.
 * The record keeps what was measured; no median includes it.
 */
#ifndef VERDICT_VALIDITY_H
#define VERDICT_VALIDITY_H

#include "harness/store/record.h"

struct circumstances {
	int64_t suspended_ns; /* in the window */
	bool was_stopped;     /* with server and generator: Ctrl-Z */
	bool sleeps; /* with idle clients: the CPU time it uses is for requests */
};

/* Sets r->status, for a repetition in which neither server nor generator failed. */
void judge(struct record *r, const struct circumstances *c);

/*
 * Whether the server or the generator failed: ended early, hung, lost a request, sent
 * a wrong byte or miscounted. Decides the exit status of a run. A busy machine, a
 * saturated generator, a refused client or an unsupported model is not a failure.
 */
bool judge_failed(const struct record *r);

#endif
