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
 *	- the first reading came later than a tenth of the window
 *	- it was to count system calls, by a method that works here, and could not
 *
 * That the CPUs took 1.2 times as long as usual for the same work, before or after
 * (yardstick.h), is a warning: on a host with busy neighbours nothing would be left,
 * and blocks and A/A pairs show its effect.
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
	double slower; /* than usual, as a ratio: the CPUs; 0: unknown */
};

/* Sets r->status, for a repetition in which neither server nor generator failed. */
void judge(struct record *r, const struct circumstances *c);

/*
 * The generator was the bottleneck, and that is the only reason: the server was fast.
 */
bool judge_outgrown(const struct record *r);

/*
 * Whether the server or the generator failed: ended early, hung, lost a request, sent
 * a wrong byte or miscounted. Decides the exit status of a run. A busy machine, a
 * saturated generator, a refused client or an unsupported model is not a failure.
 */
bool judge_failed(const struct record *r);

/*
 * Whether to measure it again: invalid by chance. A load that exceeds the server or
 * the generator would do so again; a second attempt would pass only if the server was
 * slower by then.
 */
bool judge_by_chance(const struct record *r);

#endif
