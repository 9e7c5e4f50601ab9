/* SPDX-License-Identifier: MIT */
/* stats.c - statistics of one run: see stats.h */
#include "harness/verdict/stats.h"

#include <math.h>

static const double wanted = 0.95;

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
 * The interval from rank r misses the median if fewer than r values lie on one side
 * of it. That number is binomial with p = 1/2.
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

/* ------------------------------------------------------------ two models */

/* Exactly negated for b / a, and the same for multiples of both */
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

/* The share of the 2^n sign assignments that are at least as far from even */
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
	struct paired p;
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
	/* Smallest first, multiplied by how many are left */
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

/* The probability that at least `least` of n coins show heads */
static double heads(size_t n, size_t least)
{
	double p = 0;

	for (size_t i = least; i <= n; i++)
		p += exp(log_choose(n, i) - n * M_LN2);
	return p;
}

/*
 * The probability that the median of `blocks` more ratios is within the rank-th of n
 * A/A ratios. It is outside if at least half of them are, on one side. How many are
 * depends on ranks alone: every order of old and new is equally likely, and so is
 * either sign. The median of an even number is between the middle two: it is outside
 * only if the outer one is.
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

static enum verdict_reason judge(const struct verdict *v)
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
	if (!(fmax(p->ratio, 1 / p->ratio) > band->high))
		return VERDICT_BAND;
	return VERDICT_DIFFERENT;
}

struct verdict stats_verdict(const struct paired *pair, const struct band *band,
			     double adjusted_p, size_t family)
{
	struct verdict v = { .pair = *pair,
			     .band = *band,
			     .adjusted_p = adjusted_p,
			     .family = family };

	v.reason = judge(&v);
	return v;
}
