/* SPDX-License-Identifier: MIT */
/*
 * histograms.h - the form in which a run keeps its histograms
 *
 * They are most of a run's bytes. bin/loadgen gives each bucket a row, which is
 * good to look at:
 *
 *	"buckets": [[12040, 12047, 1], [12176, 12183, 3], ...]
 *
 * By column, and a time as its distance from the one before, the same numbers are
 * small ones that repeat: they pack much better, and are read faster.
 *
 *	"buckets": {"step": [12040, 136, ...], "width": [8, 8, ...],
 *		    "count": [1, 3, ...]}
 */
#ifndef STORE_HISTOGRAMS_H
#define STORE_HISTOGRAMS_H

#include <jansson.h>

/* A copy with all "buckets" so, however deep they are. What has not the form of
 * rows stays as it is. */
json_t *histograms_by_column(const json_t *from);

#endif
