/* SPDX-License-Identifier: MIT */
/* table.h - verdicts as rows of claims.csv (results/README.md), and as lines */
#ifndef CLAIMS_TABLE_H
#define CLAIMS_TABLE_H

#include "harness/claims/judge.h"

/* What a verdict belongs to */
struct occasion {
	const char *machine, *kernel, *date;
};

extern const char claims_header[];

/* The rows without the header; to be freed */
char *claims_rows(const struct judgement *j, size_t n,
		  const struct occasion *when);

/* The table with these rows below its earlier ones, unless they are the same as the last
 * ones; `old` may be NULL. To be freed; NULL: `old` has other columns */
char *claims_table(const char *old, const char *rows);

/* "x1.51 (1.49 to 1.54)"; "": no comparison decides. Plain ASCII */
enum { FIGURE_SIZE = 160 };
char *figure_text(const struct judgement *j, char to[FIGURE_SIZE]);

/* What a person reads: verdict, claim, figure, and why; several lines, to be freed */
char *claim_lines(const struct judgement *j);

#endif
