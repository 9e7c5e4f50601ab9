/* SPDX-License-Identifier: MIT */
/* work.h - work that a request causes in the server (--work) */
#ifndef WORK_H
#define WORK_H

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct options;

/*
 * Whether this request of this client is one of the PERCENT that cause work:
 * the same ones for every model, because only --seed and these numbers count.
 */
bool work_drawn(const struct options *opt, uint64_t client, uint64_t request);

/*
 * Does the work that the requests just read ask for, before their reply goes
 * out. It occupies the thread that calls it: who else has to wait meanwhile
 * is one of the things the models differ in. A stop signal cuts it short.
 */
void do_work(struct conn *c);

#endif
