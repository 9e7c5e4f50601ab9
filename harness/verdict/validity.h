/* SPDX-License-Identifier: MIT */
/*
 * validity.h - whether a repetition may be believed
 *
 * invalid is what
 *	- the generator's audit rejects, with its reasons
 *	- lost a request: the counts of server and generator differ
 *	- had the hypervisor take more than 1 % of the CPUs' time
 *	- slept with the whole machine, or was stopped (Ctrl-Z)
 *	- was held up: something else ran on the CPU of a server with one thread
 *	  for more than 5 % of the time (split only)
 *	- was not looked at in time: the first reading came later than a tenth of
 *	  the window
 *	- was to count system calls, by a method that works here, and could not
 *
 * That the CPUs took 1.2 times as long as usual for the same work, before or after
 * (yardstick.h), is a warning: it makes a number worse, blocks and A/A pairs are there
 * to see through it, and on a host with busy neighbours nothing would be left.
 *
 * A repetition that counts calls, or watches idle clients, is not invalid for
 * what makes only times doubtful: that is a warning there. Nor is the baseline,
 * if it was the generator that could do no more: to know that is what it is for.
 *
 * The generator calls itself the bottleneck where replies wait for it. It does not
 * see the server. If that worked all the time, too, then the server was at its limit
 * and in a closed loop everything else follows from that: how many requests it
 * answered, and so how long each took. Both at their limit is a warning.
 *
 * refused is what a server at a limit of its own turned away. It is kept in the
 * record with everything that was measured, and in no median.
 */
#ifndef VERDICT_VALIDITY_H
#define VERDICT_VALIDITY_H

#include "harness/store/record.h"

struct circumstances {
	int64_t suspended_ns; /* in the window */
	bool was_stopped;     /* server and generator, too: Ctrl-Z */
	bool sleeps;   /* with silent clients: so the CPU it uses is for work */
	double slower; /* how many times, than usual: the CPUs; 0: not known */
};

/* For a repetition whose server and generator did their part: sets r->status. */
void judge(struct record *r, const struct circumstances *c);

/*
 * The generator could not keep up with the server, and nothing else was amiss. That
 * is not chance: it is how fast the server was.
 */
bool judge_outgrown(const struct record *r);

/*
 * Whether the server or the generator failed: it died, hung, lost a request, sent a
 * wrong byte or miscounted. This decides the exit status of a run. A busy machine, a
 * generator at its limit, a refused client or an unsupported model is no failure.
 */
bool judge_failed(const struct record *r);

/*
 * Whether to measure it again: it is invalid by chance. What exceeds a server's or
 * the generator's strength would only do so again; and if not, then because this
 * time the server was slower.
 */
bool judge_by_chance(const struct record *r);

#endif
