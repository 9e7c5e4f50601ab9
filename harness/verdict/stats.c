/* SPDX-License-Identifier: MIT */
/* stats.c - what the blocks of a run can say: see stats.h */
#include "harness/verdict/stats.h"

#include "harness/base/print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double wanted = 0.95, least_count_ratio = 1.01;

/* Shell's, with Ciura's gaps: qsort() may allocate. */
static void sort(double *x, size_t n)
{
	static const size_t gaps[] = { 301, 132, 57, 23, 10, 4, 1 };

	for (size_t g = 0; g < sizeof(gaps) / sizeof(*gaps); g++)
		for (size_t i = gaps[g]; i < n; i++) {
			double moved = x[i];
			size_t to = i;

			for (; to >= gaps[g] && x[to - gaps[g]] > moved;
			     to -= gaps[g])
				x[to] = x[to - gaps[g]];
			x[to] = moved;
		}
}

size_t stats_sorted(double to[STATS_MAX], const double *x, size_t n)
{
	size_t taken = 0;

	if (n > STATS_MAX)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (isfinite(x[i]))
			to[taken++] = x[i];
	sort(to, taken);
	return taken;
}

/* ------------------------------------------------------------- one model */

static double sorted_median(const double *x, size_t n)
{
	return n ? (x[(n - 1) / 2] + x[n / 2]) / 2 : NAN;
}

double stats_quantile(const double *x, size_t n, double share)
{
	double sorted[STATS_MAX], at;
	size_t taken = stats_sorted(sorted, x, n), below;

	if (!taken || !(share >= 0 && share <= 1))
		return NAN;
	at = share * (taken - 1);
	below = at;
	if (below + 1 == taken)
		return sorted[below];
	return sorted[below] +
	       (at - below) * (sorted[below + 1] - sorted[below]);
}

/*
 * The interval from rank r fails when fewer than r values lie on one side of the
 * median: how many do is binomial, by halves.
 */
struct interval stats_median_ranks(size_t n)
{
	struct interval i = { .low = NAN, .high = NAN };
	double exactly = pow(0.5, n), fewer = exactly;

	if (!n || n > STATS_MAX)
		return i;
	i.level = 1 - 2 * fewer;
	for (size_t r = 1; 1 - 2 * fewer >= wanted; r++) {
		i.rank = r;
		i.level = 1 - 2 * fewer;
		exactly *= (double)(n - r + 1) / r;
		fewer += exactly;
	}
	return i;
}

static struct interval sorted_interval(const double *x, size_t n)
{
	struct interval i = stats_median_ranks(n);

	if (i.rank) {
		i.low = x[i.rank - 1];
		i.high = x[n - i.rank];
	}
	return i;
}

struct summary stats_summary(const double *x, size_t n)
{
	struct summary s = { .lowest = NAN, .highest = NAN };
	double sorted[STATS_MAX];

	s.n = stats_sorted(sorted, x, n);
	s.missing = n - s.n;
	s.median = sorted_median(sorted, s.n);
	s.interval = sorted_interval(sorted, s.n);
	if (s.n) {
		s.lowest = sorted[0];
		s.highest = sorted[s.n - 1];
	}
	return s;
}

/* Vigna's splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* The median of n values drawn from n that are sorted, without sorting them */
static double resampled_median(const double *x, size_t n, uint64_t *state)
{
	unsigned drawn[STATS_MAX] = { 0 };
	size_t seen = 0, at = 0;
	double lower;

	for (size_t i = 0; i < n; i++)
		drawn[(next_random(state) >> 32) * n >> 32]++;
	while ((seen += drawn[at]) <= (n - 1) / 2)
		at++;
	lower = x[at];
	while (seen <= n / 2)
		seen += drawn[++at];
	return (lower + x[at]) / 2;
}

struct interval stats_bootstrap(const double *x, size_t n, uint64_t seed)
{
	struct interval i = { .low = NAN, .high = NAN };
	double sorted[STATS_MAX], medians[STATS_RESAMPLES];
	const size_t tail = (STATS_RESAMPLES + 1) / 40; /* 2.5 % */

	n = stats_sorted(sorted, x, n);
	if (n < STATS_FEWEST_BLOCKS)
		return i;
	for (size_t r = 0; r < STATS_RESAMPLES; r++)
		medians[r] = resampled_median(sorted, n, &seed);
	sort(medians, STATS_RESAMPLES);
	i.low = medians[tail - 1];
	i.high = medians[STATS_RESAMPLES - tail];
	i.level = wanted;
	return i;
}

/* ------------------------------------------------------------ two models */

/* Exactly the opposite for b / a, and the same for multiples of both */
static double log_ratio(double a, double b)
{
	return a < b ? -log(b / a) : log(a / b);
}

struct pairs stats_log_ratios(const double *a, const double *b, size_t n,
			      double *to)
{
	struct pairs p = { .n = 0 };

	if (n > STATS_MAX) {
		p.missing = n;
		return p;
	}
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(a[i]) || !isfinite(b[i]))
			p.missing++;
		else if (a[i] <= 0 || b[i] <= 0 ||
			 !isfinite(log_ratio(a[i], b[i])))
			p.no_ratio++;
		else
			to[p.n++] = log_ratio(a[i], b[i]);
	}
	return p;
}

/* Signed ranks, doubled, so that the mean ranks of ties are whole */
struct ranked {
	unsigned twice[STATS_MAX]; /* of those that are not zero */
	size_t n;
	unsigned plus, total; /* doubled, too */
};

static void rank(struct ranked *r, const double *d, size_t n)
{
	r->n = r->plus = r->total = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned less = 0, equal = 0, twice;

		if (d[i] == 0)
			continue;
		for (size_t j = 0; j < n; j++) {
			less += fabs(d[j]) < fabs(d[i]);
			equal += fabs(d[j]) == fabs(d[i]);
		}
		twice = 2 * less + equal + 1;
		r->twice[r->n++] = twice;
		r->total += twice;
		if (d[i] > 0)
			r->plus += twice;
	}
}

static double distance(unsigned plus, unsigned total)
{
	return fabs(2.0 * plus - total);
}

/* The share of the 2^n ways to give signs that is as far from even */
static double enumerated_p(const struct ranked *r)
{
	double ways[STATS_EXACT * (STATS_EXACT + 1) + 1] = { 1 }, far = 0;

	for (size_t i = 0; i < r->n; i++)
		for (unsigned s = r->total; s >= r->twice[i]; s--)
			ways[s] += ways[s - r->twice[i]];
	for (unsigned s = 0; s <= r->total; s++)
		if (distance(s, r->total) >= distance(r->plus, r->total))
			far += ways[s];
	return ldexp(far, -(int)r->n);
}

static double approximate_p(const struct ranked *r)
{
	double squares = 0, off;

	for (size_t i = 0; i < r->n; i++)
		squares += 0.25 * r->twice[i] * r->twice[i];
	off = distance(r->plus, r->total) / 4 - 0.5;
	return off > 0 ? erfc(off / sqrt(squares / 4) / M_SQRT2) : 1;
}

struct signed_rank stats_signed_rank(const double *d, size_t n)
{
	struct signed_rank s = { .p = NAN };
	double sorted[STATS_MAX];
	struct ranked r;

	s.n = stats_sorted(sorted, d, n);
	if (!s.n)
		return s;
	rank(&r, sorted, s.n);
	s.zeros = s.n - r.n;
	s.plus = r.plus / 2.0;
	s.minus = (r.total - r.plus) / 2.0;
	s.p = s.n <= STATS_EXACT ? enumerated_p(&r) : approximate_p(&r);
	return s;
}

struct paired stats_paired(const double *a, const double *b, size_t n)
{
	struct paired p = { .effect = NAN };
	double d[STATS_MAX];
	struct summary s;

	p.pairs = stats_log_ratios(a, b, n, d);
	s = stats_summary(d, p.pairs.n);
	p.ratio = exp(s.median);
	p.lowest = exp(s.lowest);
	p.highest = exp(s.highest);
	p.interval = s.interval;
	p.interval.low = exp(s.interval.low);
	p.interval.high = exp(s.interval.high);
	p.test = stats_signed_rank(d, p.pairs.n);
	if (p.pairs.n > p.test.zeros)
		p.effect = (p.test.plus - p.test.minus) /
			   (p.test.plus + p.test.minus);
	else if (p.pairs.n)
		p.effect = 0;
	return p;
}

size_t stats_holm(const double *p, double *adjusted, size_t n)
{
	double before = 0;
	size_t family = 0;

	for (size_t i = 0; i < n; i++) {
		adjusted[i] = NAN;
		family += !isnan(p[i]);
	}
	/* From the least of those that are left, by what is left */
	for (size_t left = family; left; left--) {
		size_t least = n;

		for (size_t i = 0; i < n; i++)
			if (!isnan(p[i]) && isnan(adjusted[i]) &&
			    (least == n || p[i] < p[least]))
				least = i;
		before = fmin(1, fmax(before, left * p[least]));
		adjusted[least] = before;
	}
	return family;
}

size_t stats_blocks_for(size_t family)
{
	size_t n = STATS_FEWEST_BLOCKS;

	while (family * pow(0.5, n - 1) > 1 - wanted)
		n++;
	return n;
}

/* ---------------------------------------------------------- the A/A band */

static double log_choose(double n, double k)
{
	int sign;

	return lgamma_r(n + 1, &sign) - lgamma_r(k + 1, &sign) -
	       lgamma_r(n - k + 1, &sign);
}

/* That of n coins at least so many show heads */
static double heads(size_t n, size_t least)
{
	double p = 0;

	for (size_t i = least; i <= n; i++)
		p += exp(log_choose(n, i) - n * M_LN2);
	return p;
}

/*
 * The probability that the median of `blocks` more ratios is within the rank-th of
 * n A/A ratios. It is out if at least half of them are, to one side. How many are
 * out depends on nothing but ranks: all orders of old and new are as likely, and
 * so is either sign. (An even number has its median between the two in the middle:
 * out only if the outer one is, at most.)
 */
static double band_level(size_t n, size_t rank, size_t blocks)
{
	size_t half = (blocks + 1) / 2;
	double out = 0;

	for (size_t i = half; i <= blocks; i++)
		out += 2 * heads(i, half) *
		       exp(log_choose(i + n - rank, i) +
			   log_choose(blocks - i + rank - 1, blocks - i) -
			   log_choose(n + blocks, n));
	return fmax(0, 1 - out);
}

struct band stats_band(const double *a, const double *b, size_t n,
		       size_t blocks)
{
	struct band band = {
		.blocks = blocks, .low = NAN, .high = NAN, .farthest = NAN
	};
	double far[STATS_MAX];

	band.n = stats_log_ratios(a, b, n, far).n;
	band.missing = n - band.n;
	if (!band.n || !blocks || blocks > STATS_MAX)
		return band;
	for (size_t i = 0; i < band.n; i++)
		far[i] = fabs(far[i]);
	sort(far, band.n);
	band.farthest = exp(far[band.n - 1]);
	band.level = band_level(band.n, band.n, blocks);
	for (size_t r = band.n; r; r--) {
		double level = band_level(band.n, r, blocks);

		if (level < wanted - 1e-9) /* rounding; 19 for 1 make 0.95 */
			break;
		band.rank = r;
		band.level = level;
	}
	if (band.rank) {
		band.high = exp(far[band.rank - 1]);
		band.low = 1 / band.high;
	}
	return band;
}

enum noise stats_noise(const struct band *band, double limit)
{
	if (!band->rank)
		return band->farthest > limit ? NOISE_HIGH : NOISE_UNKNOWN;
	return band->high > limit ? NOISE_HIGH : NOISE_LOW;
}

/* ----------------------------------------------------------- the verdict */

/* As 1 or more */
static double outward(double ratio)
{
	return ratio < 1 ? 1 / ratio : ratio;
}

static enum verdict_reason judge(const struct verdict *v, bool count)
{
	const struct paired *p = &v->pair;
	const struct band *band = &v->band;

	if (p->pairs.no_ratio)
		return VERDICT_NO_RATIO;
	if (!p->pairs.n)
		return VERDICT_NOTHING;
	if (p->pairs.n < STATS_FEWEST_BLOCKS)
		return VERDICT_FEW_BLOCKS;
	if (!(p->interval.low > 1 || p->interval.high < 1))
		return VERDICT_INTERVAL;
	if (!(v->adjusted_p <= 1 - wanted))
		return p->pairs.n < stats_blocks_for(v->family) ?
			       VERDICT_FAMILY :
			       VERDICT_HOLM;
	if (!band->rank || band->blocks > p->pairs.n)
		return VERDICT_NO_BAND;
	if (!(outward(p->ratio) > band->high))
		return VERDICT_BAND;
	if (count && outward(p->ratio) < least_count_ratio)
		return VERDICT_SMALL;
	return VERDICT_DIFFERENT;
}

struct verdict stats_verdict(const struct paired *pair, const struct band *band,
			     double adjusted_p, size_t family, bool count)
{
	struct verdict v = { .pair = *pair,
			     .band = *band,
			     .adjusted_p = adjusted_p,
			     .family = family };

	v.reason = judge(&v, count);
	return v;
}

/* "9.1 to 11.2", or "2.0"; as many decimals as tell the first from 1 */
static void print_range(char to[64], double low, double high)
{
	int decimals = low < 1.0005 ? 6 : low < 1.1 ? 3 : low < 2 ? 2 : 1;
	char first[28], second[28];

	if (low >= 100)
		decimals = 0;
	snprintf(first, sizeof(first), "%.*f", decimals, low);
	snprintf(second, sizeof(second), "%.*f", decimals, high);
	if (strcmp(first, second) == 0)
		snprintf(to, 64, "%s", first);
	else
		snprintf(to, 64, "%s to %s", first, second);
}

/* "takes 9.1 to 11.2 times the CPU of epoll", without who does */
static void print_difference(char to[STATS_WORDS], const struct verdict *v,
			     const struct verdict_names *names)
{
	const struct interval *i = &v->pair.interval;
	bool a_first = v->pair.ratio > 1;
	char range[64];

	if (a_first)
		print_range(range, i->low, i->high);
	else
		print_range(range, 1 / i->high, 1 / i->low);
	snprintf(to, STATS_WORDS, "%s %s %s times %s of %s",
		 a_first ? names->a : names->b, names->verb, range, names->what,
		 a_first ? names->b : names->a);
}

static void print_no_difference(char to[STATS_WORDS], const struct verdict *v,
				const struct verdict_names *names)
{
	size_t n = v->pair.pairs.n;
	char what[128];

	if (v->reason == VERDICT_NOTHING)
		snprintf(what, sizeof(what), "nothing to compare");
	else if (v->reason == VERDICT_NO_RATIO)
		snprintf(what, sizeof(what), "no ratio, as one is zero,");
	else if (v->reason == VERDICT_FEW_BLOCKS)
		snprintf(what, sizeof(what), "no claim from %zu block%s", n,
			 plural(n));
	else if (v->reason == VERDICT_FAMILY)
		snprintf(what, sizeof(what),
			 "no claim from %zu blocks for %zu comparisons", n,
			 v->family);
	else if (v->reason == VERDICT_NO_BAND)
		snprintf(what, sizeof(what), "no claim without an A/A band");
	else
		snprintf(what, sizeof(what), "no difference this run can show");
	snprintf(to, STATS_WORDS, "%s and %s: %s", names->a, names->b, what);
}

char *stats_sentence(char to[STATS_WORDS], const struct verdict *v,
		     const struct verdict_names *names)
{
	const struct pairs *p = &v->pair.pairs;
	size_t given = p->n + p->missing + p->no_ratio, end;

	if (v->reason == VERDICT_DIFFERENT)
		print_difference(to, v, names);
	else
		print_no_difference(to, v, names);
	end = strlen(to);
	snprintf(to + end, STATS_WORDS - end, " %s", names->where);
	end = strlen(to);
	if (p->missing)
		snprintf(to + end, STATS_WORDS - end,
			 " (%zu of %zu blocks missing)", p->missing, given);
	return to;
}

/* Reasons that are about how much there is */
static void print_lack(char to[STATS_WORDS], const struct verdict *v)
{
	const struct pairs *p = &v->pair.pairs;

	if (v->reason == VERDICT_NOTHING)
		snprintf(to, STATS_WORDS, "no block has a value of both");
	else if (v->reason == VERDICT_NO_RATIO)
		snprintf(to, STATS_WORDS,
			 "one of them is zero in %zu of %zu blocks",
			 p->no_ratio, p->n + p->missing + p->no_ratio);
	else if (v->reason == VERDICT_FEW_BLOCKS)
		snprintf(to, STATS_WORDS,
			 "%zu block%s; no data of fewer than %d show a "
			 "difference with 95 %% confidence",
			 p->n, plural(p->n), STATS_FEWEST_BLOCKS);
	else if (v->reason == VERDICT_FAMILY)
		snprintf(to, STATS_WORDS,
			 "no data of %zu blocks are clear enough to call one "
			 "of %zu comparisons; %zu blocks can be",
			 p->n, v->family, stats_blocks_for(v->family));
	else if (v->band.rank)
		snprintf(to, STATS_WORDS,
			 "the A/A band is for %zu blocks, and there are %zu",
			 v->band.blocks, p->n);
	else
		snprintf(to, STATS_WORDS,
			 "%zu A/A pair%s make no 95 %% band for %zu blocks",
			 v->band.n, plural(v->band.n), v->band.blocks);
}

char *stats_reason(char to[STATS_WORDS], const struct verdict *v)
{
	const struct paired *p = &v->pair;

	if (v->reason == VERDICT_INTERVAL)
		snprintf(to, STATS_WORDS,
			 "the interval of the ratio, %.3g to %.3g, includes 1",
			 p->interval.low, p->interval.high);
	else if (v->reason == VERDICT_HOLM)
		snprintf(to, STATS_WORDS,
			 "among %zu comparisons it could be chance: p = %.2g "
			 "alone, %.2g by Holm",
			 v->family, p->test.p, v->adjusted_p);
	else if (v->reason == VERDICT_BAND)
		snprintf(to, STATS_WORDS,
			 "the ratio, %.3g, is in the A/A band, %.3g to %.3g",
			 p->ratio, v->band.low, v->band.high);
	else if (v->reason == VERDICT_SMALL)
		snprintf(to, STATS_WORDS,
			 "the ratio of the counts, %.4g, is within 1 %%",
			 p->ratio);
	else if (v->reason == VERDICT_DIFFERENT)
		snprintf(to, STATS_WORDS,
			 "p = %.2g by Holm among %zu; the ratio, %.3g, is "
			 "outside the A/A band, %.3g to %.3g",
			 v->adjusted_p, v->family, p->ratio, v->band.low,
			 v->band.high);
	else
		print_lack(to, v);
	return to;
}
