/* SPDX-License-Identifier: MIT */
/* doctor.c - findings about this machine: see doctor.h */
#include "harness/doctor/doctor.h"

#include "harness/base/grow.h"
#include "harness/base/print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ diagnoses */

/* Adds a finding. */
__attribute__((format(printf, 4, 5))) static void add(struct diagnoses *d,
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

/* Appends to the text of the last finding. */
__attribute__((format(printf, 2, 3))) static void
append(struct diagnoses *d, const char *format, ...)
{
	struct diagnosis *last = &d->list[d->n - 1];
	size_t length = strlen(last->found);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(last->found + length, sizeof(last->found) - length, format,
		  arguments);
	va_end(arguments);
}

/* Sets the command that fixes the last finding; # becomes sudo where it is
 * needed. */
__attribute__((format(printf, 3, 4))) static void
fix(struct diagnoses *d, const struct facts *f, const char *format, ...)
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

static char *bytes(uint64_t n, char to[PRINT_SIZE])
{
	if (n < 1000000000)
		snprintf(to, PRINT_SIZE, "%.0f MB", (double)n / 1e6);
	else
		snprintf(to, PRINT_SIZE, "%.1f GB", (double)n / 1e9);
	return to;
}

/* A resource limit of this shell, or of its container */
static void fix_limit(struct diagnoses *d, const struct facts *f,
		      const char *name, int64_t n)
{
	if (f->confined)
		fix(d, f, "docker run --ulimit %s=%" PRId64, name, n);
	else if (f->root && !f->may_raise)
		append(d,
		       "; root cannot raise it here without CAP_SYS_RESOURCE");
	else
		fix(d, f, "#prlimit --pid $$ --%s=%" PRId64, name, n);
}

/* A kernel setting. A container has its own network settings. */
__attribute__((format(printf, 4, 5))) static void
fix_sysctl(struct diagnoses *d, const struct facts *f, const char *name,
	   const char *format, ...)
{
	char value[64];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(value, sizeof(value), format, arguments);
	va_end(arguments);
	if (f->confined && strncmp(name, "net.", 4) == 0) {
		fix(d, f, "docker run --sysctl %s=%s", name, value);
		return;
	}
	if (f->confined)
		append(d, "; on the host of the container, run:");
	fix(d, f, "%ssysctl %s=%s", f->confined ? "sudo " : "#", name, value);
}

/* A cgroup limit, if its file may be written */
static void fix_cgroup(struct diagnoses *d, const struct facts *f,
		       const struct cgroup_limit *limit, const char *none)
{
	if (limit->ours || !f->confined)
		fix(d, f, "echo %s | #tee '%s'", none, limit->file);
}

/* --------------------------------------------------------------------- programs and disk */

static void judge_programs(struct diagnoses *d, const struct facts *f,
			   const struct needs *n)
{
	if (!*n->missing) {
		add(d, "programs", HEALTH_OK, "all needed programs exist");
		return;
	}
	add(d, "programs", HEALTH_FAIL,
	    "missing or not executable, so they cannot be measured: %s",
	    n->missing);
	fix(d, f, "make");
}

/* Only a warning: --out may name another folder. */
static void judge_disk(struct diagnoses *d, const struct facts *f,
		       const struct needs *n)
{
	char has[PRINT_SIZE], needed[PRINT_SIZE];

	if (f->disk == UNKNOWN || !f->disk_writable) {
		add(d, "disk", HEALTH_WARN,
		    "results/ is not writable: no run can be stored there; name "
		    "another folder with --out DIR");
		return;
	}
	bytes((uint64_t)f->disk, has);
	if ((uint64_t)f->disk >= n->disk) {
		add(d, "disk", HEALTH_OK, "%s free for results", has);
		return;
	}
	add(d, "disk", HEALTH_WARN,
	    "%s free, but the results need about %s: the run would stop; "
	    "free some space, or name another disk with --out DIR",
	    has, bytes(n->disk, needed));
}

/* ------------------------------------------------------------------------ CPUs */

static void fix_cpus(struct diagnoses *d, const struct facts *f)
{
	if (f->cpus_attainable > f->cpus_allowed)
		fix(d, f, "taskset -pc %s $$", f->attainable_list);
	else if (f->cpus_online > f->cpus_allowed && f->confined)
		fix(d, f, "docker run --cpuset-cpus 0-%" PRId64,
		    f->cpus_online - 1);
	else if (f->cpus_online > f->cpus_allowed)
		append(d,
		       "; its cgroup allows no others of the %" PRId64
		       " CPUs (cpuset.cpus)",
		       f->cpus_online);
	else
		append(d, "; this machine has no others");
}

static void judge_cpus(struct diagnoses *d, const struct facts *f,
		       const struct needs *n)
{
	if (!f->split_possible) {
		add(d, "CPUs", n->split ? HEALTH_FAIL : HEALTH_OK,
		    "this process may use only CPU %s: split cells cannot be "
		    "measured, only shared ones",
		    f->allowed_list);
		fix_cpus(d, f);
	} else if (f->siblings) {
		add(d, "CPUs", HEALTH_WARN,
		    "CPU %s (server) and CPU %s (generator) are SMT siblings of "
		    "one core: each slows the other down",
		    f->server_cpus, f->client_cpus);
		fix_cpus(d, f);
	} else {
		add(d, "CPUs", HEALTH_OK,
		    "%" PRId64 "; the server has CPU %s, the generator CPU %s",
		    f->cpus_allowed, f->server_cpus, f->client_cpus);
	}
}

/* At most three CPUs are busy: server, generator, harness. */
static void judge_quota(struct diagnoses *d, const struct facts *f)
{
	int64_t used = f->cpus_allowed < 3 ? f->cpus_allowed : 3;

	if (f->quota.left >= used * 1000)
		return;
	add(d, "quota", HEALTH_WARN,
	    "this cgroup may use %.2g CPUs: then its processes are throttled "
	    "until the next period, which adds to the tail latency",
	    (double)f->quota.left / 1000);
	if (f->confined && !f->quota.ours)
		fix(d, f, "docker run --cpus %" PRId64, used);
	else
		fix_cgroup(d, f, &f->quota, f->quota.v2 ? "max" : "-1");
}

static void judge_governor(struct diagnoses *d, const struct facts *f)
{
	if (!*f->governor) {
		add(d, "governor", HEALTH_OK,
		    "none: the frequency is not controlled here");
	} else if (strcmp(f->governor, "performance") == 0) {
		add(d, "governor", HEALTH_OK, "performance");
	} else {
		add(d, "governor", HEALTH_WARN,
		    "%s: the CPU frequency varies, and with it all times",
		    f->governor);
		fix(d, f,
		    "echo performance | #tee "
		    "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
	}
}

static void judge_turbo(struct diagnoses *d, const struct facts *f)
{
	if (!*f->turbo_file)
		return;
	if (!f->turbo) {
		add(d, "turbo", HEALTH_OK, "off");
		return;
	}
	add(d, "turbo", HEALTH_WARN,
	    "on: the CPU frequency depends on temperature and on the load of "
	    "other cores, and with it all times");
	fix(d, f, "echo %d | #tee %s", f->turbo_off_is_1, f->turbo_file);
}

static void judge_idle(struct diagnoses *d, const struct facts *f)
{
	if (f->awake) {
		add(d, "idle CPUs", HEALTH_OK, "kept awake during a run");
		return;
	}
	add(d, "idle CPUs", HEALTH_WARN,
	    "they sleep (%s): waking one takes longer than a request, and "
	    "varies",
	    f->awake_why);
	if (!f->idle_driver)
		append(d, "; idle=poll on the command line of the kernel "
			  "prevents it");
	else if (f->confined)
		fix(d, f, "docker run --device /dev/cpu_dma_latency");
	else
		fix(d, f, "#chmod o+w /dev/cpu_dma_latency");
}

static void judge_load(struct diagnoses *d, const struct facts *f)
{
	if (f->busy >= 0.1) {
		add(d, "other load", HEALTH_WARN,
		    "other programs use %.2g CPUs, mostly %s (process %" PRId64
		    ", %.2g): rounds may be dropped; end them, or measure "
		    "later",
		    f->busy, f->busiest, f->busiest_pid, f->busiest_share);
	} else if (f->runnable >= 0.5) {
		add(d, "other load", HEALTH_WARN,
		    "%.1f threads on average want a CPU, of another container or "
		    "of short processes as in a build: rounds may be "
		    "dropped; measure later",
		    f->runnable);
	} else {
		add(d, "other load", HEALTH_OK, "other programs use %.2f CPUs",
		    f->busy);
	}
}

static void judge_steal(struct diagnoses *d, const struct facts *f)
{
	bool much = f->steal > 0.01;

	add(d, "steal", much ? HEALTH_WARN : HEALTH_OK,
	    "the hypervisor gave %.2g %% of the CPU time since boot to others%s",
	    f->steal * 100,
	    much ? ": rounds may be dropped; measure later, or on another "
		   "host" :
		   "");
}

static void judge_clock(struct diagnoses *d, const struct facts *f)
{
	const char *name = *f->clock ? f->clock : "the clock";

	if (f->clock_ns < 200) {
		add(d, "clock", HEALTH_OK, "%s, read in %.0f ns", name,
		    f->clock_ns);
		return;
	}
	add(d, "clock", HEALTH_WARN,
	    "%s takes %.0f ns to read, several times for each request: times "
	    "are too long",
	    name, f->clock_ns);
	if (f->tsc_available && strcmp(f->clock, "tsc") != 0)
		fix(d, f,
		    "echo tsc | #tee /sys/devices/system/clocksource/"
		    "clocksource0/current_clocksource");
}

/* ---------------------------------------------------------------------- limits */

/* In addition to clients: standard ones, pipes, rings, files, counters. This
 * program has some for each server of a bout. */
enum { DESCRIPTORS_BESIDE = 100, DESCRIPTORS_EACH = 30 };

static void judge_descriptors(struct diagnoses *d, const struct facts *f,
			      const struct needs *n)
{
	int64_t needed = (n->clients > DESCRIPTORS_EACH * n->servers ?
				  n->clients :
				  DESCRIPTORS_EACH * n->servers) +
			 DESCRIPTORS_BESIDE;
	/* Both ends of each connection */
	int64_t all = 2 * ((int64_t)n->clients_at_once +
			   (int64_t)n->servers * DESCRIPTORS_BESIDE);
	char has[PRINT_SIZE], clients[PRINT_SIZE], at_once[PRINT_SIZE];

	print_count(clients, n->clients);
	print_count(at_once, n->clients_at_once);
	if (f->descriptors != UNKNOWN && f->descriptors < needed) {
		add(d, "descriptors", HEALTH_FAIL,
		    "at most %s per process, too few for %s clients",
		    print_count(has, f->descriptors), clients);
		if (f->descriptors_most != UNKNOWN &&
		    f->descriptors_most < needed && !f->confined)
			fix(d, f,
			    "#sysctl fs.nr_open=%" PRId64
			    " && #prlimit --pid $$ --nofile=%" PRId64,
			    needed, needed);
		else
			fix_limit(d, f, "nofile", needed);
	} else if (f->descriptors_free != UNKNOWN &&
		   f->descriptors_free < all) {
		add(d, "descriptors", HEALTH_FAIL,
		    "%s more for all processes, too few for %u server%s with %s "
		    "clients at once",
		    print_count(has, f->descriptors_free), n->servers,
		    plural(n->servers), at_once);
		fix_sysctl(d, f, "fs.file-max", "%" PRId64,
			   f->descriptors_all + all);
	} else {
		print_count(has, f->descriptors);
		add(d, "descriptors", HEALTH_OK, "%s per process",
		    f->descriptors == UNKNOWN   ? "unknown limit" :
		    f->descriptors == UNLIMITED ? "no limit" :
						  has);
	}
}

/* One for each client, and one for the server */
static void judge_ports(struct diagnoses *d, const struct facts *f,
			const struct needs *n)
{
	const int64_t most = 65535 - 1024;
	char has[PRINT_SIZE], clients[PRINT_SIZE];

	print_count(has, f->ports);
	print_count(clients, n->clients);
	if (n->clients > most) {
		add(d, "ports", HEALTH_FAIL,
		    "at most %s can be used: %s clients cannot connect to one "
		    "server",
		    print_count(has, most), clients);
	} else if (f->ports != UNKNOWN && f->ports <= n->clients) {
		add(d, "ports", HEALTH_FAIL,
		    "%s (%" PRId64 " to %" PRId64
		    "): %s clients cannot connect",
		    has, f->port_low, f->port_high, clients);
		fix_sysctl(d, f, "net.ipv4.ip_local_port_range",
			   "'1024 65535'");
	} else if (n->connecting && f->tw_reuse == 0) {
		add(d, "ports", HEALTH_FAIL,
		    "a used port is blocked for a minute: pattern connect runs "
		    "out of %s ports",
		    f->ports == UNKNOWN ? "the" : has);
		fix_sysctl(d, f, "net.ipv4.tcp_tw_reuse", "2");
	} else {
		add(d, "ports", HEALTH_OK, "%s for clients",
		    f->ports == UNKNOWN ? "unknown number" : has);
	}
}

/* As in models/common/listener.c */
enum { BACKLOG = 4096 };

static void judge_backlog(struct diagnoses *d, const struct facts *f,
			  const struct needs *n)
{
	char clients[PRINT_SIZE], has[PRINT_SIZE];

	if (f->somaxconn == UNKNOWN) {
		add(d, "backlog", HEALTH_OK, "unknown length");
		return;
	}
	print_count(has, f->somaxconn);
	if (f->somaxconn >= BACKLOG || f->somaxconn >= n->clients) {
		add(d, "backlog", HEALTH_OK, "%s connections", has);
		return;
	}
	add(d, "backlog", HEALTH_WARN,
	    "%s connections may wait to be accepted: if %s clients connect at "
	    "once, the others retry after a second",
	    has, print_count(clients, n->clients));
	fix_sysctl(d, f, "net.core.somaxconn", "%d", BACKLOG);
}

static void judge_loopback(struct diagnoses *d, const struct facts *f)
{
	int error = f->loopback_error;

	if (!error) {
		add(d, "loopback", HEALTH_OK, "127.0.0.1 answers");
		return;
	}
	add(d, "loopback", HEALTH_FAIL,
	    "no client can connect to 127.0.0.1: %s", strerror(error));
	if (error == ENETUNREACH || error == EADDRNOTAVAIL || error == ENETDOWN)
		fix(d, f, "#ip link set lo up");
}

/* In addition: this program, other processes; and a server with its generator, and
 * the keepers of both */
enum { THREADS_BESIDE = 100, THREADS_EACH = 8 };

/* A limit of the number of threads, and its remedy */
struct thread_limit {
	int64_t left, needed;
	const char *what;
	enum { BY_USER, BY_CGROUP, BY_SYSCTL } kind;
	const char *sysctl;
	int64_t value;
};

static bool is_short(const struct thread_limit *limit)
{
	return limit->left < limit->needed;
}

/* Mappings limit the threads of one process, the others those of all. */
static struct thread_limit lowest_thread_limit(const struct facts *f,
					       int64_t own, int64_t needed)
{
	const struct thread_limit all[] = {
		{ f->threads_cgroup.left, needed, "pids.max of its cgroup",
		  BY_CGROUP, NULL, 0 },
		{ f->threads_user, needed, "ulimit -u", BY_USER, NULL, 0 },
		{ f->threads_machine, needed, "kernel.threads-max", BY_SYSCTL,
		  "kernel.threads-max", 2 * needed + 10000 },
		{ f->thread_ids, needed, "kernel.pid_max", BY_SYSCTL,
		  "kernel.pid_max", 4194304 },
		{ f->maps, own, "vm.max_map_count", BY_SYSCTL,
		  "vm.max_map_count", 2 * own + 1000 },
	};
	struct thread_limit least = { UNLIMITED, needed, "", BY_USER, NULL, 0 };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const struct thread_limit *one = &all[i];

		if (one->left != UNKNOWN &&
		    (is_short(one) > is_short(&least) ||
		     (is_short(one) == is_short(&least) &&
		      one->left < least.left)))
			least = *one;
	}
	return least;
}

static void judge_threads(struct diagnoses *d, const struct facts *f,
			  const struct needs *n)
{
	int64_t own = (int64_t)n->threads + THREADS_BESIDE;
	int64_t needed = (int64_t)n->threads_at_once + THREADS_BESIDE +
			 (int64_t)n->servers * THREADS_EACH;
	struct thread_limit least = lowest_thread_limit(f, own, needed);
	char has[PRINT_SIZE], wanted[PRINT_SIZE];

	print_count(has, least.left);
	if (!is_short(&least)) {
		add(d, "threads", HEALTH_OK, "%s more allowed",
		    least.left == UNLIMITED ? "any number" : has);
		return;
	}
	add(d, "threads", n->threads > 0 ? HEALTH_FAIL : HEALTH_WARN,
	    "%s more allowed (%s), too few for the %s of servers with one per "
	    "client",
	    has, least.what, print_count(wanted, least.needed));
	if (least.kind == BY_USER)
		fix_limit(d, f, "nproc", 2 * needed + 10000);
	else if (least.kind == BY_SYSCTL)
		fix_sysctl(d, f, least.sysctl, "%" PRId64, least.value);
	else
		fix_cgroup(d, f, &f->threads_cgroup, "max");
	if (!*d->list[d->n - 1].remedy)
		fix(d, f, "docker run --pids-limit -1");
}

/* A server of aio needs one per client and two more. */
static void judge_signals(struct diagnoses *d, const struct facts *f,
			  const struct needs *n)
{
	int64_t needed = (int64_t)n->signals + 2;
	char has[PRINT_SIZE], clients[PRINT_SIZE];

	if (n->signals == 0)
		return;
	if (f->signals == UNKNOWN || f->signals >= needed) {
		add(d, "signals", HEALTH_OK, "%s more may be queued",
		    f->signals == UNKNOWN ? "unknown number" :
					    print_count(has, f->signals));
		return;
	}
	add(d, "signals", HEALTH_FAIL,
	    "%s more may be queued: aio needs one per client and cannot serve "
	    "%s",
	    print_count(has, f->signals), print_count(clients, n->signals));
	fix_limit(d, f, "sigpending", needed + 1000);
}

static void judge_memory(struct diagnoses *d, const struct facts *f,
			 const struct needs *n)
{
	const struct cgroup_limit *limit = &f->memory_cgroup;
	bool by_cgroup = f->memory == UNKNOWN || limit->left < f->memory;
	int64_t least = by_cgroup ? limit->left : f->memory;
	char has[PRINT_SIZE], needed[PRINT_SIZE];

	bytes((uint64_t)least, has);
	if (least >= (int64_t)n->memory) {
		add(d, "memory", HEALTH_OK, "%s",
		    least == UNLIMITED ? "unknown amount" : has);
		return;
	}
	add(d, "memory", HEALTH_WARN,
	    "%s available%s, but clients and servers may need %s: end other "
	    "programs, or use fewer clients (--connections, --idle)",
	    has, by_cgroup ? " in this cgroup" : "", bytes(n->memory, needed));
	if (by_cgroup)
		fix_cgroup(d, f, limit, limit->v2 ? "max" : "-1");
}

/* ------------------------------------------------------- permissions */

static void judge_uring(struct diagnoses *d, const struct facts *f,
			const struct needs *n)
{
	bool filtered = f->seccomp &&
			(f->uring_error == EPERM || f->uring_error == ENOSYS ||
			 f->uring_error == EACCES);

	if (!f->uring_error) {
		add(d, "io_uring", HEALTH_OK, "allowed");
		return;
	}
	add(d, "io_uring", n->uring ? HEALTH_FAIL : HEALTH_WARN, "%s",
	    n->uring ? "uring cannot run: " :
		       "the load generator uses epoll instead: ");
	if (f->uring_error == EPERM && f->uring_disabled > 0) {
		append(d, "disabled (kernel.io_uring_disabled = %d)",
		       (int)f->uring_disabled);
		fix_sysctl(d, f, "kernel.io_uring_disabled", "0");
	} else if (filtered) {
		append(d, "a seccomp filter blocks it");
		if (f->confined)
			fix(d, f,
			    "docker run --security-opt seccomp=unconfined");
	} else if (f->uring_error == ENOSYS) {
		append(d, "this kernel has none (needs Linux 5.6 with "
			  "CONFIG_IO_URING)");
	} else if (f->uring_error == ENOMEM) {
		append(d, "the limit of locked memory is too low");
		fix_limit(d, f, "memlock", INT64_C(1) << 26);
	} else {
		append(d, "%s", strerror(f->uring_error));
	}
}

/* In a sentence of a probe the remedy follows the first semicolon. */
static int cause_of(const char *why)
{
	return (int)strcspn(why, ";");
}

/* The first remedy is root; for root, `why` has another. */
static void fix_permission(struct diagnoses *d, const struct facts *f,
			   const char *why)
{
	const char *help = why + cause_of(why);

	if (!f->root)
		fix(d, f, "#bin/matrix run");
	else if (f->confined)
		fix(d, f, "docker run --privileged");
	else
		append(d, "%s", help);
}

static void judge_counting(struct diagnoses *d, const struct facts *f,
			   const struct needs *n)
{
	const char *why = f->counting_why;

	if (!n->counting)
		return;
	if (f->counting == SYSCALLS_BPF) {
		add(d, "system calls", HEALTH_OK,
		    "counted by name, in the kernel (bpf)");
		return;
	}
	if (f->counting == SYSCALLS_NONE)
		add(d, "system calls", HEALTH_FAIL, "cannot be counted");
	else if (f->counting == SYSCALLS_PERF)
		add(d, "system calls", HEALTH_WARN,
		    "only the total is counted (perf), not by name");
	else
		add(d, "system calls", HEALTH_WARN,
		    "counted by %s, which slows down the server",
		    syscalls_methods[f->counting]);
	append(d, ": %.*s", cause_of(why), why);
	fix_permission(d, f, why);
}

static void judge_cgroup(struct diagnoses *d, const struct facts *f)
{
	if (f->cgroup) {
		add(d, "cgroup", HEALTH_OK,
		    "one per server: forked children are measured and do not "
		    "outlive it");
		return;
	}
	add(d, "cgroup", HEALTH_WARN,
	    "forked children of a server are not measured, and outlive it if "
	    "this program and its keeper are killed at the same time: %.*s",
	    cause_of(f->cgroup_why), f->cgroup_why);
	fix_permission(d, f, f->cgroup_why);
}

/* ---------------------------------------------------------------- all findings */

struct diagnoses doctor_judge(const struct facts *f, const struct needs *n)
{
	struct diagnoses d = { NULL, 0 };

	judge_programs(&d, f, n);
	judge_cpus(&d, f, n);
	judge_quota(&d, f);
	judge_governor(&d, f);
	judge_turbo(&d, f);
	judge_idle(&d, f);
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
