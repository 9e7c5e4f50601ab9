/* SPDX-License-Identifier: MIT */
/* primitives.h - primitives.csv, as bin/primitives writes it (results/README.md) */
#ifndef CLAIMS_PRIMITIVES_H
#define CLAIMS_PRIMITIVES_H

#include "harness/base/why.h"
#include "harness/claims/predicate.h"

struct primitive_result {
	struct primitive_row row;
	char unit[16];                               /* "ns", "count" */
	double value, low, high, repetitions, calls; /* NAN: empty */
	char why[WHY_SIZE];                          /* not measured; "" */
};

struct primitives {
	struct primitive_result *list;
	size_t n;
};

/* `text` is changed. false: it is no such table, see `why`. */
bool primitives_parse(struct primitives *to, char *text, char why[WHY_SIZE]);
void primitives_free(struct primitives *p);

/* NULL: there is none. Some have a row for their time and another for their count:
 * `kind` says which; KIND_ANY: the time, if there is one */
const struct primitive_result *primitives_find(const struct primitives *p,
					       const struct primitive_row *row,
					       enum kind kind);

/* "wait epoll watched 1000 ready 1"; returns `to` */
char *row_name(const struct primitive_row *row, char to[128]);

#endif
