/* SPDX-License-Identifier: MIT */
/* work.h - work that a request causes in the server (--work) */
#ifndef WORK_H
#define WORK_H

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct options;

/*
 * Whether this request of this client is one of the PERCENT that cause work. It
 * depends only on --seed and these numbers: the same requests for every model.
 */
bool work_drawn(const struct options *opt, uint64_t client, uint64_t request);

/*
 * Does the work of the requests just read, before their reply is sent. It
 * occupies the calling thread; which other clients this delays depends on the
 * model. A stop signal cuts it short.
 */
void do_work(struct conn *c);

#endif
