/* SPDX-License-Identifier: MIT */
/* doctor.c - what this machine prevents, judged by the facts: see doctor.h */
#include "harness/doctor/doctor.h"

#include "harness/base/grow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ diagnoses */

/* Adds one; what it is about, and the first words of it */
__attribute__((format(printf, 4, 5))) static void say(struct diagnoses *d,
						      const char *what,
						      enum health health,
						      const char *format, ...)
{
	struct diagnosis *new;
	va_list arguments;

	d->list = grow(d->list, d->n + 1, sizeof(*d->list));
	new = &d->list[d->n++];
	*new = (struct diagnosis){ .what = what, .health = health };
	va_start(arguments, format);
	vsnprintf(new->found, sizeof(new->found), format, arguments);
	va_end(arguments);
}

/* ... goes on with it */
__attribute__((format(printf, 2, 3))) static void also(struct diagnoses *d,
						       const char *format, ...)
{
	struct diagnosis *last = &d->list[d->n - 1];
	size_t length = strlen(last->found);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(last->found + length, sizeof(last->found) - length, format,
		  arguments);
	va_end(arguments);
}

/* ... and what mends it: a command, with # where only root may give it */
__attribute__((format(printf, 3, 4))) static void
mend(struct diagnoses *d, const struct facts *f, const char *format, ...)
{
	struct diagnosis *last = &d->list[d->n - 1];
	char command[sizeof(last->remedy)], *from, *to = last->remedy;
	const char *sudo = f->root ? "" : "sudo ";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command) - 32, format, arguments);
	va_end(arguments);
	for (from = command; *from; from++)
		if (*from == '#')
			to = stpcpy(to, sudo);
		else
			*to++ = *from;
	*to = '\0';
}

enum { GROUPED_SIZE = 32 };

/* 1,048,576 */
static char *grouped(int64_t n, char to[GROUPED_SIZE])
{
	char digits[GROUPED_SIZE], *end = to;
	int length = snprintf(digits, sizeof(digits), "%" PRId64, n);

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			*end++ = ',';
		*end++ = digits[i];
	}
	*end = '\0';
	return to;
}

static char *bytes(uint64_t n, char to[GROUPED_SIZE])
{
	if (n < 1000000000)
		snprintf(to, GROUPED_SIZE, "%.0f MB", (double)n / 1e6);
	else
		snprintf(to, GROUPED_SIZE, "%.1f GB", (double)n / 1e9);
	return to;
}

/* A limit of this shell's processes, which docker sets otherwise */
static void mend_limit(struct diagnoses *d, const struct facts *f,
		       const char *name, int64_t n)
{
	if (f->confined)
		mend(d, f, "docker run --ulimit %s=%" PRId64, name, n);
	else if (f->root && !f->may_raise)
		also(d, "; nor may root raise that here (CAP_SYS_RESOURCE)");
	else
		mend(d, f, "#prlimit --pid $$ --%s=%" PRId64, name, n);
}

/* A setting of the kernel. Those of the network are a container's own. */
__attribute__((format(printf, 4, 5))) static void
mend_sysctl(struct diagnoses *d, const struct facts *f, const char *name,
	    const char *format, ...)
{
	char value[64];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(value, sizeof(value), format, arguments);
	va_end(arguments);
	if (f->confined && strncmp(name, "net.", 4) == 0) {
		mend(d, f, "docker run --sysctl %s=%s", name, value);
		return;
	}
	if (f->confined)
		also(d, "; on the machine that the container is on:");
	mend(d, f, "%ssysctl %s=%s", f->confined ? "sudo " : "#", name, value);
}

/* A limit of the cgroup: by its file, where that is ours to write */
static void mend_cgroup(struct diagnoses *d, const struct facts *f,
			const struct cgroup_limit *limit, const char *none)
{
	if (limit->ours || !f->confined)
		mend(d, f, "echo %s | #tee '%s'", none, limit->file);
}

/* --------------------------------------------------------------------- the run */

static void judge_programs(struct diagnoses *d, const struct facts *f,
			   const struct needs *n)
{
	if (!*n->missing) {
		say(d, "programs", HEALTH_OK, "all that are needed are there");
		return;
	}
	say(d, "programs", HEALTH_FAIL, "not there, or not executable: %s",
	    n->missing);
	mend(d, f, "make");
}

/* Only a warning: a run may be told to put them elsewhere. */
static void judge_disk(struct diagnoses *d, const struct facts *f,
		       const struct needs *n)
{
	char has[GROUPED_SIZE], needed[GROUPED_SIZE];

	if (f->disk == UNKNOWN || !f->disk_writable) {
		say(d, "disk", HEALTH_WARN,
		    "the folder results cannot be written here: name another "
		    "one with --out");
		return;
	}
	bytes((uint64_t)f->disk, has);
	if ((uint64_t)f->disk >= n->disk) {
		say(d, "disk", HEALTH_OK, "%s free for results", has);
		return;
	}
	say(d, "disk", HEALTH_WARN,
	    "%s free for results that take about %s: free some, or name a "
	    "folder on another disk with --out",
	    has, bytes(n->disk, needed));
}

/* ------------------------------------------------------------------------ CPUs */

static void why_no_more(struct diagnoses *d, const struct facts *f)
{
	if (f->cpus_attainable > f->cpus_allowed)
		mend(d, f, "taskset -pc %s $$", f->attainable_list);
	else if (f->cpus_online > f->cpus_allowed)
		also(d,
		     "; its container or cgroup allows no others of the %" PRId64
		     " CPUs",
		     f->cpus_online);
	else
		also(d, "; this machine has no others");
}

static void judge_cpus(struct diagnoses *d, const struct facts *f,
		       const struct needs *n)
{
	if (!f->split_possible) {
		say(d, "CPUs", n->split ? HEALTH_FAIL : HEALTH_OK,
		    "this process may use only CPU %s: server and generator "
		    "cannot be split, only shared",
		    f->allowed_list);
		why_no_more(d, f);
	} else if (f->siblings) {
		say(d, "CPUs", HEALTH_WARN,
		    "server and generator have CPU %s and %s, which are two "
		    "threads of one core: each slows the other",
		    f->server_cpus, f->client_cpus);
		why_no_more(d, f);
	} else {
		say(d, "CPUs", HEALTH_OK,
		    "%" PRId64 "; the server has CPU %s, the generator CPU %s",
		    f->cpus_allowed, f->server_cpus, f->client_cpus);
	}
}

/* Three CPUs are all that is ever busy here. */
static void judge_quota(struct diagnoses *d, const struct facts *f)
{
	int64_t used = f->cpus_allowed < 3 ? f->cpus_allowed : 3;

	if (f->quota.left >= used * 1000)
		return;
	say(d, "quota", HEALTH_WARN,
	    "the time of %.2g CPUs is all that this cgroup may use: when it is "
	    "used up, everything stands still until the next period, and "
	    "latencies show that",
	    (double)f->quota.left / 1000);
	if (f->confined && !f->quota.ours)
		also(d, " (docker run --cpus)");
	mend_cgroup(d, f, &f->quota, f->quota.v2 ? "max" : "-1");
}

static void judge_governor(struct diagnoses *d, const struct facts *f)
{
	if (!*f->governor) {
		say(d, "governor", HEALTH_OK,
		    "not ours to choose: this machine shows none");
	} else if (strcmp(f->governor, "performance") == 0) {
		say(d, "governor", HEALTH_OK, "performance");
	} else {
		say(d, "governor", HEALTH_WARN,
		    "%s: CPUs change their frequency, and times with it",
		    f->governor);
		mend(d, f,
		     "echo performance | #tee "
		     "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
	}
}

static void judge_turbo(struct diagnoses *d, const struct facts *f)
{
	if (!*f->turbo_file)
		return;
	if (!f->turbo) {
		say(d, "turbo", HEALTH_OK, "off");
		return;
	}
	say(d, "turbo", HEALTH_WARN,
	    "on: how fast a CPU is depends on how warm it is, and on what the "
	    "others do");
	mend(d, f, "echo %d | #tee %s", f->turbo_off_is_1, f->turbo_file);
}

static void judge_load(struct diagnoses *d, const struct facts *f)
{
	if (f->busy >= 0.1) {
		say(d, "other load", HEALTH_WARN,
		    "other programs use %.2g CPUs, the most of it %s (process "
		    "%" PRId64 ", %.2g): end them, or measure later",
		    f->busy, f->busiest, f->busiest_pid, f->busiest_share);
	} else if (f->runnable >= 0.5) {
		say(d, "other load", HEALTH_WARN,
		    "on average %.1f threads want a CPU whose programs cannot "
		    "be seen: of other containers, or gone at once as in a "
		    "build; measure later",
		    f->runnable);
	} else {
		say(d, "other load", HEALTH_OK, "other programs use %.2f CPUs",
		    f->busy);
	}
}

static void judge_steal(struct diagnoses *d, const struct facts *f)
{
	bool much = f->steal > 0.01;

	say(d, "steal", much ? HEALTH_WARN : HEALTH_OK,
	    "the host gave %.2g %% of these CPUs' time since boot to others%s",
	    f->steal * 100,
	    much ? ": repetitions may come out invalid; measure later, or on "
		   "another host" :
		   "");
}

static void judge_clock(struct diagnoses *d, const struct facts *f)
{
	const char *name = *f->clock ? f->clock : "the clock";

	if (f->clock_ns < 200) {
		say(d, "clock", HEALTH_OK, "%s, read in %.0f ns", name,
		    f->clock_ns);
		return;
	}
	say(d, "clock", HEALTH_WARN,
	    "%s takes %.0f ns to be read, and every request is timed several "
	    "times",
	    name, f->clock_ns);
	if (f->tsc_available && strcmp(f->clock, "tsc") != 0)
		mend(d, f,
		     "echo tsc | #tee /sys/devices/system/clocksource/"
		     "clocksource0/current_clocksource");
}

/* ---------------------------------------------------------------------- limits */

/* Beside the clients: standard ones, pipes, rings, files, counters */
enum { DESCRIPTORS_BESIDE = 100 };

static void judge_descriptors(struct diagnoses *d, const struct facts *f,
			      const struct needs *n)
{
	int64_t needed = (int64_t)n->clients + DESCRIPTORS_BESIDE;
	char has[GROUPED_SIZE], clients[GROUPED_SIZE];

	grouped(n->clients, clients);
	if (f->descriptors != UNKNOWN && f->descriptors < needed) {
		say(d, "descriptors", HEALTH_FAIL,
		    "a process may have %s, too few for %s clients",
		    grouped(f->descriptors, has), clients);
		if (f->descriptors_most != UNKNOWN &&
		    f->descriptors_most < needed && !f->confined)
			mend(d, f,
			     "#sysctl fs.nr_open=%" PRId64
			     " && #prlimit --pid $$ --nofile=%" PRId64,
			     needed, needed);
		else
			mend_limit(d, f, "nofile", needed);
	} else if (f->descriptors_free != UNKNOWN &&
		   f->descriptors_free < 2 * needed) {
		say(d, "descriptors", HEALTH_FAIL,
		    "all processes together may open %s more, too few for %s "
		    "clients and their server",
		    grouped(f->descriptors_free, has), clients);
		mend_sysctl(d, f, "fs.file-max", "%" PRId64,
			    f->descriptors_all + 2 * needed);
	} else {
		grouped(f->descriptors, has);
		say(d, "descriptors", HEALTH_OK, "%s for a process",
		    f->descriptors == UNKNOWN   ? "nobody says how many" :
		    f->descriptors == UNLIMITED ? "any number" :
						  has);
	}
}

/* Every client's own port, and the one of the server */
static void judge_ports(struct diagnoses *d, const struct facts *f,
			const struct needs *n)
{
	const int64_t most = 65535 - 1024;
	char has[GROUPED_SIZE], clients[GROUPED_SIZE];

	grouped(f->ports, has);
	grouped(n->clients, clients);
	if (n->clients > most) {
		say(d, "ports", HEALTH_FAIL,
		    "%s clients need a port each, and no more than %s can be "
		    "had for one server",
		    clients, grouped(most, has));
	} else if (f->ports != UNKNOWN && f->ports <= n->clients) {
		say(d, "ports", HEALTH_FAIL,
		    "%s (%" PRId64 " to %" PRId64 "), too few for %s clients",
		    has, f->port_low, f->port_high, clients);
		mend_sysctl(d, f, "net.ipv4.ip_local_port_range",
			    "'1024 65535'");
	} else if (n->connecting && f->tw_reuse == 0) {
		say(d, "ports", HEALTH_FAIL,
		    "one that was used is kept back for a minute, so that %s "
		    "are soon used up where every request has a connection of "
		    "its own",
		    f->ports == UNKNOWN ? "they" : has);
		mend_sysctl(d, f, "net.ipv4.tcp_tw_reuse", "2");
	} else {
		say(d, "ports", HEALTH_OK, "%s for clients",
		    f->ports == UNKNOWN ? "nobody says how many" : has);
	}
}

/* What models/common/listener.c asks for */
enum { BACKLOG = 4096 };

static void judge_backlog(struct diagnoses *d, const struct facts *f,
			  const struct needs *n)
{
	char clients[GROUPED_SIZE], has[GROUPED_SIZE];

	if (f->somaxconn == UNKNOWN) {
		say(d, "backlog", HEALTH_OK, "nobody says how long it is");
		return;
	}
	grouped(f->somaxconn, has);
	if (f->somaxconn >= BACKLOG || f->somaxconn >= n->clients) {
		say(d, "backlog", HEALTH_OK, "%s connections", has);
		return;
	}
	say(d, "backlog", HEALTH_WARN,
	    "%s connections may wait to be accepted, and %s clients come at "
	    "once: the others try again after a second",
	    has, grouped(n->clients, clients));
	mend_sysctl(d, f, "net.core.somaxconn", "%d", BACKLOG);
}

static void judge_loopback(struct diagnoses *d, const struct facts *f)
{
	int error = f->loopback_error;

	if (!error) {
		say(d, "loopback", HEALTH_OK, "127.0.0.1 answers");
		return;
	}
	say(d, "loopback", HEALTH_FAIL,
	    "no process here can connect to 127.0.0.1: %s", strerror(error));
	if (error == ENETUNREACH || error == EADDRNOTAVAIL || error == ENETDOWN)
		mend(d, f, "#ip link set lo up");
}

/* What prevents more threads, and the remedy */
struct narrow {
	int64_t left;
	const char *what;
	enum { BY_USER, BY_CGROUP, BY_SYSCTL } kind;
	const char *sysctl;
	int64_t value;
};

static struct narrow narrowest(const struct facts *f, int64_t needed)
{
	const struct narrow all[] = {
		{ f->threads_cgroup.left, "pids.max of its cgroup", BY_CGROUP,
		  NULL, 0 },
		{ f->threads_user, "ulimit -u", BY_USER, NULL, 0 },
		{ f->threads_machine, "kernel.threads-max", BY_SYSCTL,
		  "kernel.threads-max", 2 * needed + 10000 },
		{ f->thread_ids, "kernel.pid_max", BY_SYSCTL, "kernel.pid_max",
		  4194304 },
		{ f->maps, "vm.max_map_count", BY_SYSCTL, "vm.max_map_count",
		  2 * needed + 1000 },
	};
	struct narrow least = { UNLIMITED, "nothing", BY_USER, NULL, 0 };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i].left != UNKNOWN && all[i].left < least.left)
			least = all[i];
	return least;
}

/* Those of the generator, this program, its keepers; some may come and go */
enum { THREADS_BESIDE = 100 };

static void judge_threads(struct diagnoses *d, const struct facts *f,
			  const struct needs *n)
{
	int64_t needed = (int64_t)n->threads + THREADS_BESIDE;
	struct narrow least = narrowest(f, needed);
	char has[GROUPED_SIZE], clients[GROUPED_SIZE];

	grouped(least.left, has);
	if (least.left >= needed) {
		say(d, "threads", HEALTH_OK, "%s more",
		    least.left == UNLIMITED ? "any number" : has);
		return;
	}
	say(d, "threads", n->threads > 0 ? HEALTH_FAIL : HEALTH_WARN,
	    "%s more may be made (%s), too few for %s clients with one each",
	    has, least.what, grouped(n->threads, clients));
	if (least.kind == BY_USER)
		mend_limit(d, f, "nproc", 2 * needed + 10000);
	else if (least.kind == BY_SYSCTL)
		mend_sysctl(d, f, least.sysctl, "%" PRId64, least.value);
	else
		mend_cgroup(d, f, &f->threads_cgroup, "max");
	if (!*d->list[d->n - 1].remedy)
		mend(d, f, "docker run --pids-limit -1");
}

/* aio takes one for each client, and two for itself. */
static void judge_signals(struct diagnoses *d, const struct facts *f,
			  const struct needs *n)
{
	int64_t needed = (int64_t)n->signals + 2;
	char has[GROUPED_SIZE], clients[GROUPED_SIZE];

	if (n->signals == 0)
		return;
	if (f->signals == UNKNOWN || f->signals >= needed) {
		say(d, "signals", HEALTH_OK, "%s more may be queued",
		    f->signals == UNKNOWN ? "nobody says how many" :
					    grouped(f->signals, has));
		return;
	}
	say(d, "signals", HEALTH_FAIL,
	    "%s more may be queued, too few for %s clients of aio, which has "
	    "one for each",
	    grouped(f->signals, has), grouped(n->signals, clients));
	mend_limit(d, f, "sigpending", needed + 1000);
}

static void judge_memory(struct diagnoses *d, const struct facts *f,
			 const struct needs *n)
{
	const struct cgroup_limit *limit = &f->memory_cgroup;
	bool by_cgroup = f->memory == UNKNOWN || limit->left < f->memory;
	int64_t least = by_cgroup ? limit->left : f->memory;
	char has[GROUPED_SIZE], needed[GROUPED_SIZE];

	bytes((uint64_t)least, has);
	if (least >= (int64_t)n->memory) {
		say(d, "memory", HEALTH_OK, "%s",
		    least == UNLIMITED ? "nobody says how much" : has);
		return;
	}
	say(d, "memory", HEALTH_WARN,
	    "%s can be had%s, and clients and server may take %s: end other "
	    "programs, or measure with fewer clients (--connections, --idle)",
	    has, by_cgroup ? " in this cgroup" : "", bytes(n->memory, needed));
	if (by_cgroup)
		mend_cgroup(d, f, limit, limit->v2 ? "max" : "-1");
}

/* ------------------------------------------------------- what may be forbidden */

static void judge_uring(struct diagnoses *d, const struct facts *f,
			const struct needs *n)
{
	bool filtered = f->seccomp &&
			(f->uring_error == EPERM || f->uring_error == ENOSYS ||
			 f->uring_error == EACCES);

	if (!f->uring_error) {
		say(d, "io_uring", HEALTH_OK, "allowed");
		return;
	}
	say(d, "io_uring", n->uring ? HEALTH_FAIL : HEALTH_WARN, "%s",
	    n->uring ? "uring cannot run: " : "");
	if (f->uring_error == EPERM && f->uring_disabled > 0) {
		also(d, "it is switched off (kernel.io_uring_disabled = %d)",
		     (int)f->uring_disabled);
		mend_sysctl(d, f, "kernel.io_uring_disabled", "0");
	} else if (filtered) {
		also(d, "a seccomp filter forbids it");
		if (f->confined)
			mend(d, f,
			     "docker run --security-opt seccomp=unconfined");
	} else if (f->uring_error == ENOSYS) {
		also(d, "this kernel has none (it takes Linux 5.6 with "
			"CONFIG_IO_URING)");
	} else if (f->uring_error == ENOMEM) {
		also(d, "it may lock too little memory");
		mend_limit(d, f, "memlock", INT64_C(1) << 26);
	} else {
		also(d, "%s", strerror(f->uring_error));
	}
}

/* A probe's sentence has what would help behind the first semicolon. */
static int cause_of(const char *why)
{
	return (int)strcspn(why, ";");
}

/* What root may do is the first remedy; else it takes more, which `why` names. */
static void mend_permission(struct diagnoses *d, const struct facts *f,
			    const char *why)
{
	const char *help = why + cause_of(why);

	if (!f->root)
		mend(d, f, "#bin/matrix run");
	else if (f->confined)
		mend(d, f, "docker run --privileged");
	else
		also(d, "%s", help);
}

static void judge_counting(struct diagnoses *d, const struct facts *f,
			   const struct needs *n)
{
	const char *why = f->counting_why;

	if (!n->counting)
		return;
	if (f->counting == SYSCALLS_BPF) {
		say(d, "system calls", HEALTH_OK,
		    "counted in the kernel, by name (bpf)");
		return;
	}
	if (f->counting == SYSCALLS_NONE)
		say(d, "system calls", HEALTH_FAIL, "cannot be counted");
	else if (f->counting == SYSCALLS_PERF)
		say(d, "system calls", HEALTH_WARN,
		    "only their total is counted (perf), not which they are");
	else
		say(d, "system calls", HEALTH_WARN,
		    "counted by %s, which slows down what it counts",
		    syscalls_methods[f->counting]);
	also(d, ": %.*s", cause_of(why), why);
	mend_permission(d, f, why);
}

static void judge_cgroup(struct diagnoses *d, const struct facts *f)
{
	if (f->cgroup) {
		say(d, "cgroup", HEALTH_OK,
		    "one for each server: its forked children are measured, "
		    "and none outlives it");
		return;
	}
	say(d, "cgroup", HEALTH_WARN,
	    "forked children of a server are not measured, and could outlive "
	    "it if this program and its keeper are killed at once: %.*s",
	    cause_of(f->cgroup_why), f->cgroup_why);
	mend_permission(d, f, f->cgroup_why);
}

/* ---------------------------------------------------------------- all together */

struct diagnoses doctor_judge(const struct facts *f, const struct needs *n)
{
	struct diagnoses d = { NULL, 0 };

	judge_programs(&d, f, n);
	judge_cpus(&d, f, n);
	judge_quota(&d, f);
	judge_governor(&d, f);
	judge_turbo(&d, f);
	judge_load(&d, f);
	judge_steal(&d, f);
	judge_clock(&d, f);
	judge_loopback(&d, f);
	judge_descriptors(&d, f, n);
	judge_ports(&d, f, n);
	judge_backlog(&d, f, n);
	judge_threads(&d, f, n);
	judge_signals(&d, f, n);
	judge_memory(&d, f, n);
	judge_disk(&d, f, n);
	judge_uring(&d, f, n);
	judge_counting(&d, f, n);
	judge_cgroup(&d, f);
	return d;
}

struct diagnoses doctor(const struct plan *p, const char *bin)
{
	struct needs n = doctor_needs(p, bin);
	struct facts f;

	facts_gather(&f, bin, n.counting);
	return doctor_judge(&f, &n);
}

void diagnoses_free(struct diagnoses *d)
{
	free(d->list);
	*d = (struct diagnoses){ NULL, 0 };
}
