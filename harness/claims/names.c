/* SPDX-License-Identifier: MIT */
/* names.c - the words of predicates: see names.h */
#include "harness/claims/names.h"

#include "harness/base/nearest.h"
#include "harness/base/units.h"
#include "harness/probe/syscalls.h"

#include <math.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct metric_word metric_words_of_claims[] = {
	{ "cpu", METRIC_SERVER_CPU_PER_REQUEST, KIND_TIME },
	{ "cpu_both", METRIC_CPU_PER_REQUEST, KIND_TIME },
	{ "cpu_share", METRIC_SERVER_CPU_SHARE, KIND_NUMBER },
	{ "queue", METRIC_SERVER_QUEUE_PER_REQUEST, KIND_TIME },
	{ "rate", METRIC_REQUESTS_PER_SECOND, KIND_RATE },
	{ "p50", METRIC_RESPONSE_P50, KIND_TIME },
	{ "p90", METRIC_RESPONSE_P90, KIND_TIME },
	{ "p99", METRIC_RESPONSE_P99, KIND_TIME },
	{ "max", METRIC_RESPONSE_MAX, KIND_TIME },
	{ "submissions", METRIC_SUBMISSIONS_PER_REQUEST, KIND_NUMBER },
	{ "completions", METRIC_COMPLETIONS_PER_REQUEST, KIND_NUMBER },
	{ "voluntary", METRIC_VOLUNTARY_PER_REQUEST, KIND_NUMBER },
	{ "involuntary", METRIC_INVOLUNTARY_PER_REQUEST, KIND_NUMBER },
	{ "switches", METRIC_SWITCHES_PER_SECOND, KIND_RATE },
	{ "threads", METRIC_THREADS, KIND_NUMBER },
	{ "descriptors", METRIC_DESCRIPTORS, KIND_NUMBER },
	{ "memory", METRIC_RESIDENT, KIND_SIZE },
	{ "memory_per_client", METRIC_RESIDENT_PER_CONNECTION, KIND_SIZE },
	{ NULL, 0, 0 },
};

const char *const quantity_words[] = { "cpu",
				       "cpu_both",
				       "cpu_share",
				       "queue",
				       "rate",
				       "p50",
				       "p90",
				       "p99",
				       "max",
				       "calls",
				       "voluntary",
				       "involuntary",
				       "switches",
				       "threads",
				       "memory",
				       "memory_per_client",
				       "descriptors",
				       "primitive",
				       "slope",
				       "crossover",
				       "submissions",
				       "completions",
				       "primitive_calls",
				       "saturated",
				       "bound",

				       "refused",
				       "not",
				       NULL };

/* Those of bin/primitives */
const char *const primitive_words[] = { "wait",    "register", "thread",
					"process", "switch",   "signal",
					"syscall", "batch",    "aio",
					NULL };

/* In the order of enum state_word */
const char *const state_words_of_claims[] = { "saturated", "bound", "refused",
					      NULL };

const struct metric_word *metric_word(const char *name)
{
	const struct metric_word *m = metric_words_of_claims;

	for (; m->name; m++)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

/* libseccomp knows a call of another architecture by a negative number. */
bool is_call(const char *name)
{
	return seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR;
}

const char *nearest_call(const char *name)
{
	static char of[SYSCALLS_NUMBERS][32];
	static const char *all[SYSCALLS_NUMBERS + 1];
	size_t n = 0;

	for (unsigned i = 0; i < SYSCALLS_NUMBERS && !all[0]; i++) {
		char *call = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
							      (int)i);

		if (call)
			snprintf(of[n], sizeof(*of), "%s", call);
		n += call != NULL;
		free(call);
	}
	for (size_t i = 0; i < n; i++)
		all[i] = of[i];
	return nearest(name, all);
}

struct constant_unit {
	const char *name;
	double factor;
	enum kind kind;
};

static const struct constant_unit units[] = {
	{ "", 1, KIND_NUMBER },           { "k", 1e3, KIND_NUMBER },
	{ "M", 1e6, KIND_NUMBER },        { "%", 0.01, KIND_NUMBER },
	{ "ns", 1, KIND_TIME },           { "us", 1e3, KIND_TIME },
	{ "ms", 1e6, KIND_TIME },         { "s", 1e9, KIND_TIME },
	{ "/s", 1, KIND_RATE },           { "k/s", 1e3, KIND_RATE },
	{ "M/s", 1e6, KIND_RATE },        { "B", 1, KIND_SIZE },
	{ "KiB", 1024, KIND_SIZE },       { "MiB", 1048576, KIND_SIZE },
	{ "GiB", 1073741824, KIND_SIZE },
};

bool parse_constant(const char *text, double *x, enum kind *kind, bool *percent)
{
	bool minus = *text == '-';
	size_t digits;
	char *end;

	text += minus;
	digits = strspn(text, "0123456789.");
	*x = strtod(text, &end);
	if (digits == 0 || end != text + digits || !isfinite(*x))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].name) != 0)
			continue;
		*x *= minus ? -units[i].factor : units[i].factor;
		*kind = *x == 0 && !*end ? KIND_ANY : units[i].kind;
		*percent = *units[i].name == '%';
		return true;
	}
	return false;
}
