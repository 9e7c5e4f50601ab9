/* SPDX-License-Identifier: MIT */
/* run.c - one run: see run.h */
#include "run.h"

#include "crew.h"
#include "slices.h"

/* From the last connection to the first request */
static const int64_t start_ns = 2 * 1000000;

static struct result run_alone(struct crew *crew)
{
	const struct load_options *opt = crew->run.opt;
	struct result r;

	crew_run(crew, 0, crew_clock() + start_ns, opt->warmup, opt->duration);
	r = crew_result(crew);
	r.tally = tally_copy(r.tally); /* which lasts longer */
	r.warmup_s = opt->warmup / 1e9;
	return r;
}

struct result run_once(const struct load_options *opt, struct target target)
{
	struct crew crew;
	struct result r;

	crew_open(&crew, opt, target);
	r = opt->hold < 0 ? run_alone(&crew) : slices_run(&crew);
	crew_close(&crew, &r);
	audit(&r, opt);
	return r;
}
