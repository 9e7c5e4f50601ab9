/* SPDX-License-Identifier: MIT */
/*
 * histograms.h - the compact form of stored histograms
 *
 * Histograms are most of a run's bytes. bin/loadgen writes a row per bucket,
 * which is easy to read:
 *
 *	"buckets": [[12040, 12047, 1], [12176, 12183, 3], ...]
 *
 * Stored by column, with each time as the difference to the one before, the
 * numbers are small and repeat. They compress better and parse faster.
 *
 *	"buckets": {"step": [12040, 136, ...], "width": [8, 8, ...],
 *		    "count": [1, 3, ...]}
 */
#ifndef STORE_HISTOGRAMS_H
#define STORE_HISTOGRAMS_H

#include <jansson.h>

/* A copy with all "buckets" in this form, at any depth. Buckets that are not
 * rows are unchanged. */
json_t *histograms_by_column(const json_t *from);

/* The same as the contents of a .gz file, to be freed. Equal data gives an equal
 * file. */
void *histograms_pack(const json_t *from, size_t *size);

#endif
