/* SPDX-License-Identifier: MIT */
/* report.c - what a program used, as text and as JSON: see report.h */
#include "report.h"

#include "harness/base/print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { SCHEMA = 1, NAMES_SHOWN = 12 };

static const char indent[] = "                ";

void report_missing(struct report *r, const char *what, const char *why)
{
	if (r->n_missing == REPORT_MISSING_MAX)
		return;
	r->missing[r->n_missing].what = what;
	snprintf(r->missing[r->n_missing++].why, WHY_SIZE, "%s", why);
}

/* -1: unknown */
static int64_t between(int64_t from, int64_t to)
{
	return from < 0 || to < 0 ? -1 : to - from;
}

/* System calls by number; sorted, the most frequent come first */
struct call {
	unsigned number;
	uint64_t count;
};

static int most_first(const void *a, const void *b)
{
	const struct call *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return (x->number > y->number) - (x->number < y->number);
}

static unsigned sort_calls(const struct syscalls_counts *counts,
			   struct call *calls)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SYSCALLS_NUMBERS; i++)
		if (counts->of[i])
			calls[n++] = (struct call){ i, counts->of[i] };
	qsort(calls, n, sizeof(*calls), most_first);
	return n;
}

static struct syscalls_counts window_of(const struct report *r)
{
	struct syscalls_counts counts = r->to->syscalls;

	syscalls_window(&counts, &r->from->syscalls);
	return counts;
}

/* ------------------------------------------------------------------------ text */

static char *print_bytes(char to[PRINT_SIZE], int64_t bytes)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB" };
	double n = (double)bytes;
	int i = 0;

	while (i < 3 && n >= 1024) {
		n /= 1024;
		i++;
	}
	snprintf(to, PRINT_SIZE, i && n < 99.95 ? "%.1f %s" : "%.0f %s", n,
		 unit[i]);
	return to;
}

static void text_end(const struct report *r, FILE *file)
{
	char time[PRINT_SIZE];
	int status = r->end ? r->end->status : 0;

	print_time(time, (double)(r->to->time_ns - r->from->time_ns));
	fprintf(file, "probe: %s ", r->program);
	if (!r->end)
		fprintf(file, "has run for %s so far\n", time);
	else if (status == -1)
		fprintf(file,
			"ran for %s; its keeper process was killed, and the "
			"program with it\n",
			time);
	else if (WIFSIGNALED(status))
		fprintf(file, "ran for %s and was killed by SIG%s\n", time,
			sigabbrev_np(WTERMSIG(status)) ?: "?");
	else
		fprintf(file, "ran for %s and ended with exit status %d\n",
			time, WEXITSTATUS(status));
	if (r->end && r->end->left_behind)
		fprintf(file,
			"%sleft %u process%s behind, which probe killed\n",
			indent, r->end->left_behind,
			r->end->left_behind == 1 ? "" : "es");
}

static void text_cpu(const struct report *r, FILE *file)
{
	int64_t wall = r->to->time_ns - r->from->time_ns;
	int64_t own = between(r->from->cpu_process_ns, r->to->cpu_process_ns);
	int64_t all = between(r->from->cpu_cgroup_ns, r->to->cpu_cgroup_ns);
	char text[PRINT_SIZE];

	if (own >= 0)
		fprintf(file, "  CPU           %s, %.1f %% of one CPU\n",
			print_time(text, (double)own),
			wall > 0 ? 100.0 * (double)own / (double)wall : 0);
	if (all >= 0)
		fprintf(file, "%s%s with all child processes\n", indent,
			print_time(text, (double)all));
	else if (r->end && r->end->status != -1)
		fprintf(file, "%s%s with child processes that it waited for\n",
			indent,
			print_time(text, (double)r->end->waited_cpu_ns));
}

static void text_switches(const struct report *r, FILE *file)
{
	struct threads_window w =
		threads_window(&r->from->threads, &r->to->threads);
	bool ended = r->end && r->end->status != -1;
	char a[PRINT_SIZE], b[PRINT_SIZE];

	print_count(a, (double)(ended ? r->end->voluntary : w.voluntary));
	print_count(b, (double)(ended ? r->end->involuntary : w.involuntary));
	fprintf(file, "  switches      %s voluntary, %s involuntary\n", a, b);
	if (w.queue_ns >= 0)
		fprintf(file, "  run queue     %s waiting for a CPU%s\n",
			print_time(a, (double)w.queue_ns),
			r->end || w.lost ? ", without threads that have ended" :
					   "");
}

static void text_memory(const struct report *r, FILE *file)
{
	const struct memory *m = &r->to->memory;
	char text[PRINT_SIZE];

	if (r->to->memory_known) {
		fprintf(file,
			"  memory        %s RSS; %ld process%s, %ld thread%s",
			print_bytes(text, m->resident_bytes), m->processes,
			m->processes == 1 ? "" : "es", m->threads,
			plural(m->threads));
		if (m->descriptors >= 0)
			fprintf(file, ", %ld file descriptor%s", m->descriptors,
				plural(m->descriptors));
		fputc('\n', file);
	} else if (r->end && r->end->status != -1) {
		fprintf(file, "  memory        peak RSS %s%s\n",
			r->end->peak_is_ours ? "below " : "",
			print_bytes(text, r->end->peak_bytes));
	}
}

static void text_syscalls(const struct report *r, FILE *file)
{
	struct syscalls_counts counts = window_of(r);
	static struct call calls[SYSCALLS_NUMBERS];
	unsigned n = sort_calls(&counts, calls);
	char text[PRINT_SIZE], name[32];
	uint64_t others = counts.total;

	if (!r->to->counted)
		return;
	fprintf(file, "  system calls  %s, counted by %s%s%s\n",
		print_count(text, (double)counts.total),
		syscalls_methods[r->method],
		r->whole ? "" : ", without child processes",
		r->method == SYSCALLS_STRACE ?
			", which slows it: the times above do not apply" :
			"");
	if (!counts.by_number)
		return;
	for (unsigned i = 0; i < n && i < NAMES_SHOWN; i++) {
		fprintf(file, "%14s  %s\n",
			print_count(text, (double)calls[i].count),
			syscalls_name(calls[i].number, name));
		others -= calls[i].count;
	}
	if (others)
		fprintf(file, "%14s  others (%u name%s)\n",
			print_count(text, (double)others), n - NAMES_SHOWN,
			plural(n - NAMES_SHOWN));
}

static void text_uring(const struct report *r, FILE *file)
{
	char a[PRINT_SIZE], b[PRINT_SIZE];
	struct uring_window w;

	if (!uring_window(&r->from->uring, &r->to->uring, &w))
		return;
	fprintf(file, "  io_uring      %s submission%s, %s completion%s\n",
		print_count(a, (double)w.submissions), plural(w.submissions),
		print_count(b, (double)w.completions), plural(w.completions));
	if (w.sq_known)
		fprintf(file,
			"%skernel threads polled for %s, %s of it with work\n",
			indent, print_time(a, (double)w.sq_total_ns),
			print_time(b, (double)w.sq_work_ns));
}

static void text_machine(const struct report *r, FILE *file)
{
	int64_t stolen = between(r->from->steal_ns, r->to->steal_ns);
	int64_t asleep = between(r->from->suspended_ns, r->to->suspended_ns);
	int64_t wall = r->to->time_ns - r->from->time_ns;
	char text[PRINT_SIZE];

	if (stolen > wall / 100)
		fprintf(file,
			"  machine       %s of steal time (the hypervisor ran "
			"other guests)\n",
			print_time(text, (double)stolen));
	if (asleep > 100000000)
		fprintf(file, "  machine       was suspended for %s\n",
			print_time(text, (double)asleep));
}

void probe_report_text(const struct report *r, FILE *file)
{
	text_end(r, file);
	text_cpu(r, file);
	text_switches(r, file);
	text_memory(r, file);
	text_syscalls(r, file);
	text_uring(r, file);
	text_machine(r, file);
	for (unsigned i = 0; i < r->n_missing; i++)
		fprintf(file, "  missing       %s: %s\n", r->missing[i].what,
			r->missing[i].why);
}

/* ------------------------------------------------------------------------ JSON */

static void set(json_t *to, const char *key, json_t *value)
{
	json_object_set_new(to, key, value ? value : json_null());
}

/* -1 is unknown: null */
static void set_number(json_t *to, const char *key, int64_t number)
{
	set(to, key, number < 0 ? json_null() : json_integer(number));
}

static json_t *json_cpu(const struct report *r)
{
	struct threads_window w =
		threads_window(&r->from->threads, &r->to->threads);
	bool ended = r->end && r->end->status != -1;
	json_t *cpu = json_object();
	const char *method;

	set_number(cpu, "used_ns", cpu_window(r->from, r->to, &method));
	set(cpu, "method", *method ? json_string(method) : NULL);
	set_number(cpu, "process_ns",
		   between(r->from->cpu_process_ns, r->to->cpu_process_ns));
	set_number(cpu, "all_ns",
		   between(r->from->cpu_cgroup_ns, r->to->cpu_cgroup_ns));
	set_number(cpu, "waited_for_ns", ended ? r->end->waited_cpu_ns : -1);
	set_number(cpu, "queue_ns", w.queue_ns);
	set_number(cpu, "voluntary_switches",
		   ended ? r->end->voluntary : w.voluntary);
	set_number(cpu, "involuntary_switches",
		   ended ? r->end->involuntary : w.involuntary);
	set_number(cpu, "threads_lost", (int64_t)w.lost);
	return cpu;
}

static json_t *json_syscalls(const struct report *r)
{
	struct syscalls_counts counts = window_of(r);
	static struct call calls[SYSCALLS_NUMBERS];
	unsigned n = sort_calls(&counts, calls);
	json_t *all = json_object(), *names = NULL;
	char name[32];

	set(all, "method", json_string(syscalls_methods[r->method]));
	if (!r->to->counted)
		return all;
	set(all, "scope", json_string(r->whole ? "all" : "process"));
	set_number(all, "total", (int64_t)counts.total);
	if (counts.by_number)
		names = json_object();
	for (unsigned i = 0; names && i < n; i++)
		set_number(names, syscalls_name(calls[i].number, name),
			   (int64_t)calls[i].count);
	set(all, "by_name", names);
	return all;
}

/* NULL: no ring, or the program has ended, or system calls are not counted. */
static json_t *json_uring(const struct report *r)
{
	struct uring_window w;
	json_t *uring;

	if (!uring_window(&r->from->uring, &r->to->uring, &w))
		return NULL;
	uring = json_object();
	set_number(uring, "submissions", (int64_t)w.submissions);
	set_number(uring, "completions", (int64_t)w.completions);
	set_number(uring, "sq_total_ns", w.sq_known ? w.sq_total_ns : -1);
	set_number(uring, "sq_work_ns", w.sq_known ? w.sq_work_ns : -1);
	return uring;
}

static json_t *json_memory(const struct report *r)
{
	const struct memory *m = &r->to->memory;
	bool known = r->to->memory_known;
	bool ended = r->end && r->end->status != -1;
	json_t *memory = json_object();

	set_number(memory, "resident_bytes", known ? m->resident_bytes : -1);
	set_number(memory, "proportional_bytes",
		   known ? m->proportional_bytes : -1);
	set_number(memory, "processes", known ? m->processes : -1);
	set_number(memory, "threads", known ? m->threads : -1);
	set_number(memory, "descriptors", known ? m->descriptors : -1);
	set_number(memory, "peak_bytes", ended ? r->end->peak_bytes : -1);
	set(memory, "peak_is_upper_bound",
	    ended ? json_boolean(r->end->peak_is_ours) : NULL);
	return memory;
}

static void json_end(const struct report *r, json_t *to)
{
	bool ended = r->end && r->end->status != -1;
	int status = ended ? r->end->status : 0;

	set(to, "event", json_string(r->end ? "end" : "so_far"));
	set(to, "program", json_string(r->program));
	set(to, "exit_status",
	    ended && WIFEXITED(status) ? json_integer(WEXITSTATUS(status)) :
					 NULL);
	set(to, "signal",
	    ended && WIFSIGNALED(status) ? json_integer(WTERMSIG(status)) :
					   NULL);
	set_number(to, "left_behind",
		   ended ? (int64_t)r->end->left_behind : -1);
}

json_t *probe_report_json(const struct report *r)
{
	json_t *all = json_object(), *missing = json_array();

	set_number(all, "schema", SCHEMA);
	json_end(r, all);
	set_number(all, "wall_ns", r->to->time_ns - r->from->time_ns);
	set(all, "cpu", json_cpu(r));
	set(all, "syscalls", json_syscalls(r));
	set(all, "io_uring", json_uring(r));
	set(all, "memory", json_memory(r));
	set(all, "machine", json_object());
	set_number(json_object_get(all, "machine"), "steal_ns",
		   between(r->from->steal_ns, r->to->steal_ns));
	set_number(json_object_get(all, "machine"), "suspended_ns",
		   between(r->from->suspended_ns, r->to->suspended_ns));
	for (unsigned i = 0; i < r->n_missing; i++)
		json_array_append_new(missing,
				      json_pack("{s:s,s:s}", "what",
						r->missing[i].what, "why",
						r->missing[i].why));
	set(all, "missing", missing);
	return all;
}
