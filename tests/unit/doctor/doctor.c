/* SPDX-License-Identifier: MIT */
/* doctor.c - findings about made-up machines */
#include "tests/unit/test.h"

#include "harness/doctor/doctor.h"
#include "harness/plan/catalog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const models[] = { "thread",      "select",  "epoll",
				      "aio",         "uring",   VARIANTS,
				      "process",     "prefork", "aio_callback",
				      "uring_batch", NULL };

/* A machine without limits, and root on it */
static struct facts good_machine(void)
{
	return (struct facts){
		.root = true,
		.may_raise = true,
		.cpus_online = 4,
		.cpus_allowed = 4,
		.cpus_attainable = 4,
		.allowed_list = "0-3",
		.attainable_list = "0-3",
		.split_possible = true,
		.server_cpus = "0",
		.client_cpus = "1",
		.quota.left = UNLIMITED,
		.governor = "performance",
		.idle_driver = true,
		.awake = true,
		.clock = "tsc",
		.clock_ns = 22,
		.tsc_available = true,
		.descriptors = 1048576,
		.descriptors_most = 1048576,
		.descriptors_all = 2000000,
		.descriptors_free = 1990000,
		.ports = 28232,
		.port_low = 32768,
		.port_high = 60999,
		.tw_reuse = 2,
		.somaxconn = 4096,
		.threads_user = UNLIMITED,
		.threads_machine = 190000,
		.thread_ids = 32000,
		.maps = 32000,
		.threads_cgroup.left = UNLIMITED,
		.signals = 96000,
		.memory = INT64_C(16) << 30,
		.memory_cgroup.left = UNLIMITED,
		.disk = INT64_C(100) << 30,
		.disk_writable = true,
		.counting = SYSCALLS_BPF,
		.cgroup = true,
	};
}

static struct needs usual_needs(void)
{
	return (struct needs){
		.servers = 1,
		.clients = 1000,
		.clients_at_once = 1000,
		.threads = 1000,
		.threads_at_once = 1000,
		.signals = 1000,
		.split = true,
		.uring = true,
		.counting = true,
		.memory = 230000000,
		.disk = 2000000,
	};
}

static const char *const health[] = { "ok", "warn", "FAIL" };

/* Only `what` is not ok, and has this health, this part in its text, and
 * exactly this remedy. */
static void check(const struct facts *f, const struct needs *n,
		  const char *what, enum health expected, const char *part,
		  const char *remedy)
{
	struct diagnoses d = doctor_judge(f, n);
	const struct diagnosis *found = NULL;

	for (size_t i = 0; i < d.n; i++) {
		if (strcmp(d.list[i].what, what) == 0)
			found = &d.list[i];
		else if (d.list[i].health != HEALTH_OK)
			fail_msg("%s, too: %s", d.list[i].what,
				 d.list[i].found);
	}
	if (!found)
		fail_msg("no finding about %s", what);
	assert_string_equal(health[found->health], health[expected]);
	if (!strstr(found->found, part))
		fail_msg("'%s' does not say '%s'", found->found, part);
	assert_string_equal(found->remedy, remedy);
	diagnoses_free(&d);
}

static void good_machine_is_ok(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();
	struct diagnoses d = doctor_judge(&f, &n);

	(void)state;
	assert_true(d.n > 10);
	for (size_t i = 0; i < d.n; i++) {
		if (d.list[i].health != HEALTH_OK)
			fail_msg("%s: %s", d.list[i].what, d.list[i].found);
		assert_string_equal(d.list[i].remedy, "");
		assert_true(strlen(d.list[i].found) > 0);
	}
	diagnoses_free(&d);
}

/* Unknown facts are no problems. */
static void unknown_facts_are_ok(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();
	struct diagnoses d;

	(void)state;
	*f.governor = *f.clock = '\0';
	f.descriptors = f.descriptors_most = f.descriptors_all = UNKNOWN;
	f.descriptors_free = f.ports = f.port_low = f.port_high = UNKNOWN;
	f.tw_reuse = f.somaxconn = f.signals = f.memory = UNKNOWN;
	f.threads_user = f.threads_machine = f.thread_ids = f.maps = UNKNOWN;
	d = doctor_judge(&f, &n);
	for (size_t i = 0; i < d.n; i++) {
		if (d.list[i].health != HEALTH_OK ||
		    strstr(d.list[i].found, "-1"))
			fail_msg("%s: %s", d.list[i].what, d.list[i].found);
		assert_true(strlen(d.list[i].found) > 0);
	}
	diagnoses_free(&d);
}

/* ------------------------------------------------------------------------ CPUs */

static void one_cpu(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	f.split_possible = false;
	f.cpus_allowed = 1;
	strcpy(f.allowed_list, "2");
	check(&f, &n, "CPUs", HEALTH_FAIL, "only CPU 2:", "taskset -pc 0-3 $$");
	f.cpus_attainable = 1;
	check(&f, &n, "CPUs", HEALTH_FAIL, "no others of the 4 CPUs", "");
	f.confined = true;
	check(&f, &n, "CPUs", HEALTH_FAIL,
	      "only CPU 2:", "docker run --cpuset-cpus 0-3");
	f.confined = false;
	f.cpus_online = 1;
	check(&f, &n, "CPUs", HEALTH_FAIL, "this machine has no others", "");
	n.split = false;
	check(&f, &n, "CPUs", HEALTH_OK, "only shared", "");
}

static void siblings(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	f.siblings = true;
	f.cpus_online = f.cpus_allowed = f.cpus_attainable = 2;
	check(&f, &n, "CPUs", HEALTH_WARN, "SMT siblings", "");
}

static void quota(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	f.quota = (struct cgroup_limit){ .left = 1500,
					 .file = "/cg/a b/cpu.max",
					 .v2 = true };
	check(&f, &n, "quota", HEALTH_WARN, "1.5 CPUs",
	      "echo max | tee '/cg/a b/cpu.max'");
	f.quota.v2 = false;
	f.root = false;
	check(&f, &n, "quota", HEALTH_WARN, "1.5 CPUs",
	      "echo -1 | sudo tee '/cg/a b/cpu.max'");
	f.confined = true;
	check(&f, &n, "quota", HEALTH_WARN, "1.5 CPUs", "docker run --cpus 3");
	f.quota.left = 3000; /* as many as can be busy */
	f.confined = false;
	check(&f, &n, "CPUs", HEALTH_OK, "", "");
}

static void idle_cpus(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	check(&f, &n, "idle CPUs", HEALTH_OK, "awake", "");
	f.awake = false;
	strcpy(f.awake_why, "Permission denied");
	check(&f, &n, "idle CPUs", HEALTH_WARN, "Permission denied",
	      "chmod o+w /dev/cpu_dma_latency");
	f.confined = true;
	check(&f, &n, "idle CPUs", HEALTH_WARN, "sleep",
	      "docker run --device /dev/cpu_dma_latency");
	f.idle_driver = false;
	check(&f, &n, "idle CPUs", HEALTH_WARN, "idle=poll", "");
}

static void frequency(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	strcpy(f.governor, "schedutil");
	check(&f, &n, "governor", HEALTH_WARN, "schedutil",
	      "echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/"
	      "scaling_governor");
	strcpy(f.governor, "performance");
	strcpy(f.turbo_file, "/sys/no_turbo");
	check(&f, &n, "turbo", HEALTH_OK, "off", "");
	f.turbo = f.turbo_off_is_1 = true;
	check(&f, &n, "turbo", HEALTH_WARN, "temperature",
	      "echo 1 | tee /sys/no_turbo");
	f.turbo_off_is_1 = false;
	check(&f, &n, "turbo", HEALTH_WARN, "temperature",
	      "echo 0 | tee /sys/no_turbo");
}

static void other_load(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	f.busy = 0.9;
	f.busiest_share = 0.8;
	f.busiest_pid = 123;
	strcpy(f.busiest, "firefox");
	check(&f, &n, "other load", HEALTH_WARN,
	      "0.9 CPUs, mostly firefox (process 123, 0.8)", "");
	f.busy = 0.02;
	f.runnable = 1.5;
	check(&f, &n, "other load", HEALTH_WARN, "1.5 threads", "");
	f.runnable = 0.1;
	f.steal = 0.023;
	check(&f, &n, "steal", HEALTH_WARN, "2.3 %", "");
}

static void slow_clock(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	strcpy(f.clock, "hpet");
	f.clock_ns = 1200;
	check(&f, &n, "clock", HEALTH_WARN, "1200 ns",
	      "echo tsc | tee /sys/devices/system/clocksource/clocksource0/"
	      "current_clocksource");
	f.tsc_available = false;
	check(&f, &n, "clock", HEALTH_WARN, "1200 ns", "");
}

/* ---------------------------------------------------------------------- limits */

static void descriptors(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	f.descriptors = 1024;
	check(&f, &n, "descriptors", HEALTH_FAIL, "1,024 per process",
	      "prlimit --pid $$ --nofile=1100");
	f.root = false;
	check(&f, &n, "descriptors", HEALTH_FAIL, "1,024",
	      "sudo prlimit --pid $$ --nofile=1100");
	f.descriptors_most = 1024;
	check(&f, &n, "descriptors", HEALTH_FAIL, "1,024",
	      "sudo sysctl fs.nr_open=1100 && "
	      "sudo prlimit --pid $$ --nofile=1100");
	f.confined = true;
	check(&f, &n, "descriptors", HEALTH_FAIL, "1,024",
	      "docker run --ulimit nofile=1100");
	f = good_machine();
	f.descriptors_free = 2000;
	check(&f, &n, "descriptors", HEALTH_FAIL,
	      "2,000 more for all processes", "sysctl fs.file-max=2002200");
	f.descriptors = 1100;
	f.descriptors_free = 2200;
	check(&f, &n, "descriptors", HEALTH_OK, "1,100 per process", "");
	n.servers = 9;
	n.clients_at_once = 9000;
	f.descriptors_free = 19799;
	check(&f, &n, "descriptors", HEALTH_FAIL,
	      "19,799 more for all processes, too few for 9 servers with 9,000",
	      "sysctl fs.file-max=2019800");
	f.descriptors_free = 19800;
	check(&f, &n, "descriptors", HEALTH_OK, "1,100 per process", "");
	n.clients = 1; /* this program has pipes and sockets of each server */
	n.clients_at_once = 9;
	f.descriptors = 369;
	check(&f, &n, "descriptors", HEALTH_FAIL, "369 per process",
	      "prlimit --pid $$ --nofile=370");
}

static void ports(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	f.ports = 1000; /* the server needs one, too */
	f.port_high = 33767;
	check(&f, &n, "ports", HEALTH_FAIL,
	      "1,000 (32768 to 33767): 1,000 clients",
	      "sysctl net.ipv4.ip_local_port_range='1024 65535'");
	f.confined = true;
	check(&f, &n, "ports", HEALTH_FAIL, "32768",
	      "docker run --sysctl "
	      "net.ipv4.ip_local_port_range='1024 65535'");
	f = good_machine();
	f.tw_reuse = 0;
	check(&f, &n, "ports", HEALTH_OK, "28,232", "");
	n.connecting = true;
	check(&f, &n, "ports", HEALTH_FAIL, "minute",
	      "sysctl net.ipv4.tcp_tw_reuse=2");
	n.clients = 70000;
	f.thread_ids = f.maps = f.signals = 200000;
	check(&f, &n, "ports", HEALTH_FAIL, "64,511", "");
}

static void backlog(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	f.somaxconn = 128;
	check(&f, &n, "backlog", HEALTH_WARN, "128 connections",
	      "sysctl net.core.somaxconn=4096");
	n.clients = 64;
	check(&f, &n, "backlog", HEALTH_OK, "128", "");
}

static void loopback(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	f.loopback_error = ENETUNREACH;
	check(&f, &n, "loopback", HEALTH_FAIL, "Network is unreachable",
	      "ip link set lo up");
	f.loopback_error = EPERM;
	check(&f, &n, "loopback", HEALTH_FAIL, "not permitted", "");
}

static void threads(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	f.root = false;
	f.threads_cgroup =
		(struct cgroup_limit){ .left = 1107, .file = "/cg/pids.max" };
	check(&f, &n, "threads", HEALTH_FAIL, "1,107 more allowed (pids.max",
	      "echo max | sudo tee '/cg/pids.max'");
	f.confined = true;
	check(&f, &n, "threads", HEALTH_FAIL, "pids.max",
	      "docker run --pids-limit -1");
	f.threads_cgroup.ours = true; /* a privileged container */
	check(&f, &n, "threads", HEALTH_FAIL, "pids.max",
	      "echo max | sudo tee '/cg/pids.max'");
	f.threads_user = 500;
	check(&f, &n, "threads", HEALTH_FAIL, "500 more allowed (ulimit -u)",
	      "docker run --ulimit nproc=12216");
	f.confined = false;
	check(&f, &n, "threads", HEALTH_FAIL, "ulimit -u",
	      "sudo prlimit --pid $$ --nproc=12216");
	f.threads_machine = 400;
	check(&f, &n, "threads", HEALTH_FAIL, "kernel.threads-max",
	      "sudo sysctl kernel.threads-max=12216");
	f.thread_ids = 300;
	check(&f, &n, "threads", HEALTH_FAIL, "kernel.pid_max",
	      "sudo sysctl kernel.pid_max=4194304");
	f.maps = 200;
	check(&f, &n, "threads", HEALTH_FAIL, "vm.max_map_count",
	      "sudo sysctl vm.max_map_count=3200");
	/* Mappings are of one process, the other limits of all. */
	f = good_machine();
	n.servers = 9;
	n.threads_at_once = 3000;
	f.maps = 1100;
	check(&f, &n, "threads", HEALTH_OK, "1,100 more", "");
	f.thread_ids = 3171;
	check(&f, &n, "threads", HEALTH_FAIL,
	      "3,171 more allowed (kernel.pid_max), too few for the 3,172 of",
	      "sysctl kernel.pid_max=4194304");
	n = usual_needs();
	f = good_machine();
	f.thread_ids = 1108;
	check(&f, &n, "threads", HEALTH_OK, "1,108 more", "");
}

static void signals(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	f.signals = 1001;
	check(&f, &n, "signals", HEALTH_FAIL, "1,001 more may be queued",
	      "prlimit --pid $$ --sigpending=2002");
	f.may_raise = false;
	check(&f, &n, "signals", HEALTH_FAIL, "CAP_SYS_RESOURCE", "");
	n.signals = 0; /* no aio: no finding */
	check(&f, &n, "CPUs", HEALTH_OK, "", "");
}

static void memory_disk_programs(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	f.memory = 200000000;
	check(&f, &n, "memory", HEALTH_WARN,
	      "200 MB available, but clients and servers may need 230 MB", "");
	f.memory_cgroup = (struct cgroup_limit){ .left = 100000000,
						 .file = "/cg/memory.max",
						 .v2 = true };
	check(&f, &n, "memory", HEALTH_WARN, "100 MB available in this cgroup",
	      "echo max | tee '/cg/memory.max'");
	f = good_machine();
	f.disk = 1000000;
	check(&f, &n, "disk", HEALTH_WARN, "1 MB free", "");
	f.disk_writable = false;
	check(&f, &n, "disk", HEALTH_WARN, "--out", "");
	f.disk_writable = true;
	f.disk = 2000000;
	strcpy(n.missing, "aio, loadgen");
	check(&f, &n, "programs", HEALTH_FAIL, "aio, loadgen", "make");
}

/* ------------------------------------------------------- permissions */

static void uring(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	f.root = false;
	f.uring_error = EPERM;
	f.uring_disabled = 2;
	check(&f, &n, "io_uring", HEALTH_FAIL, "kernel.io_uring_disabled = 2",
	      "sudo sysctl kernel.io_uring_disabled=0");
	f.confined = true;
	check(&f, &n, "io_uring", HEALTH_FAIL, "host",
	      "sudo sysctl kernel.io_uring_disabled=0");
	f.uring_disabled = UNKNOWN;
	f.seccomp = true;
	check(&f, &n, "io_uring", HEALTH_FAIL, "seccomp filter",
	      "docker run --security-opt seccomp=unconfined");
	f.uring_error = ENOSYS;
	check(&f, &n, "io_uring", HEALTH_FAIL, "seccomp filter",
	      "docker run --security-opt seccomp=unconfined");
	f.seccomp = f.confined = false;
	check(&f, &n, "io_uring", HEALTH_FAIL,
	      "uring cannot run: this kernel has none", "");
	f.uring_error = ENOMEM;
	check(&f, &n, "io_uring", HEALTH_FAIL, "locked memory",
	      "sudo prlimit --pid $$ --memlock=67108864");
	n.uring = false; /* only the load generator would use it */
	f.uring_error = EINVAL;
	check(&f, &n, "io_uring", HEALTH_WARN,
	      "epoll instead: Invalid argument", "");
}

static void counting(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	f.root = false;
	f.counting = SYSCALLS_NONE;
	strcpy(f.counting_why, "bpf: not permitted; run it as root");
	check(&f, &n, "system calls", HEALTH_FAIL,
	      "cannot be counted: bpf: not permitted", "sudo bin/matrix run");
	f.counting = SYSCALLS_STRACE;
	check(&f, &n, "system calls", HEALTH_WARN, "counted by strace",
	      "sudo bin/matrix run");
	f.counting = SYSCALLS_PERF;
	check(&f, &n, "system calls", HEALTH_WARN, "only the total",
	      "sudo bin/matrix run");
	f.root = true;
	check(&f, &n, "system calls", HEALTH_WARN, "; run it as root", "");
	f.confined = true;
	check(&f, &n, "system calls", HEALTH_WARN, "only the total",
	      "docker run --privileged");
	n.counting = false;
	check(&f, &n, "CPUs", HEALTH_OK, "", "");
}

static void no_cgroup(void **state)
{
	struct facts f = good_machine();
	struct needs n = usual_needs();

	(void)state;
	f.root = f.cgroup = false;
	strcpy(f.cgroup_why, "no cgroup can be made; run it as root");
	check(&f, &n, "cgroup", HEALTH_WARN, "no cgroup can be made",
	      "sudo bin/matrix run");
}

/* ----------------------------------------------------------------- needs */

static struct needs needs_of(const char *text)
{
	char error[PLAN_ERROR_SIZE];
	struct needs n;
	struct plan p;

	if (!plan_parse(&p, text, strlen(text), "my.plan", models, error))
		fail_msg("%s", error);
	n = doctor_needs(&p, "/nowhere");
	plan_free(&p);
	return n;
}

static void needs_of_a_plan(void **state)
{
	struct needs n = needs_of("models all\nidle 3000\ncounting no\n"
				  "cells closed shared connections 64,2k\n"
				  "cells closed shared idle 5k\n");

	(void)state;
	assert_int_equal(n.servers, 7); /* with twin and baseline */
	assert_int_equal(n.clients, 5064);
	assert_int_equal(n.clients_at_once, 6 * 5064);
	assert_int_equal(n.threads, 5064);
	assert_int_equal(n.threads_at_once, 2 * 5064); /* thread and aio */
	assert_int_equal(n.signals, 5064);
	assert_true(n.uring);
	assert_false(n.split || n.counting || n.connecting);
	assert_string_equal(
		n.missing,
		"thread, select, epoll, aio, uring, baseline, loadgen");
	n = needs_of("models epoll\nidle 3k\nbaseline no\n"
		     "cells closed split pattern connect\n");
	assert_int_equal(n.servers, 2);
	assert_int_equal(n.clients, 3000); /* one server with idle ones */
	assert_int_equal(n.clients_at_once, 3000);
	assert_int_equal(n.threads + n.threads_at_once + n.signals, 0);
	assert_true(n.split && n.counting && n.connecting);
	assert_false(n.uring);
	assert_string_equal(n.missing, "epoll, loadgen");
	assert_true(n.memory > 100000000 && n.disk > 100000);
}

/* The twin doubles what the reference needs. */
static void needs_of_the_twin(void **state)
{
	struct needs n =
		needs_of("models thread,aio\nreference aio\nidle none\n"
			 "cells closed split connections 500\n");

	(void)state;
	assert_int_equal(n.servers, 4);
	assert_int_equal(n.clients_at_once, 2000);
	assert_int_equal(n.threads, 500);
	assert_int_equal(n.threads_at_once, 1500);
	assert_int_equal(n.signals, 1000);
}

/* Processes count as threads; all forms of io_uring need it. */
static void needs_of_variants(void **state)
{
	struct needs n = needs_of("models process,prefork:workers=1024,"
				  "aio_callback,select\naa no\nidle none\n"
				  "cells closed connections 1000");

	(void)state;
	assert_int_equal(n.threads, 1000);
	assert_int_equal(n.threads_at_once, 3000);
	assert_false(n.uring);
	n = needs_of("models uring_batch:batch=64\ncells closed");
	assert_true(n.uring);
}

/* Without a plan: as the plan quick, wherever its file is */
static void needs_of_quick(void **state)
{
	struct needs n = doctor_needs(NULL, "/nowhere"), committed;
	char error[PLAN_ERROR_SIZE];
	struct plan p;

	(void)state;
	assert_true(plan_read(&p, "harness/plans/quick.plan", syllabus, error));
	committed = doctor_needs(&p, "/nowhere");
	plan_free(&p);
	assert_int_equal(n.servers, committed.servers);
	assert_int_equal(n.clients_at_once, committed.clients_at_once);
	assert_int_equal(n.threads_at_once, committed.threads_at_once);
	assert_int_equal(n.signals, committed.signals);
	assert_true(n.memory == committed.memory);
	assert_true(n.split && n.uring && n.counting);
	assert_string_equal(n.missing, committed.missing);
}

static void missing_programs(void **state)
{
	struct needs n = needs_of("models sh=/bin/sh,mine=/no/such,true=true,"
				  "too=./none\n"
				  "cells closed shared connections 100");

	(void)state;
	assert_int_equal(n.clients, 1000); /* idle ones */
	assert_int_equal(n.threads + n.signals, 0);
	assert_false(n.uring);
	assert_string_equal(n.missing, "/no/such, ./none, baseline, loadgen");
}

/* Large messages in flight need memory. */
static void memory_of_messages(void **state)
{
	struct needs small = needs_of("models epoll\ncells closed"),
		     large = needs_of("models epoll\ncells closed depth 16 "
				      "message 1MiB");

	(void)state;
	assert_true(large.memory > small.memory + 64 * (UINT64_C(16) << 20));
}

/* -------------------------------------------------------------------- printing */

static char *printed(const struct diagnoses *d, bool color, bool *fails)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	*fails = diagnoses_print(d, file, color);
	fclose(file);
	return text;
}

static void printing(void **state)
{
	static const char command[] =
		"echo performance | sudo tee "
		"/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor";
	struct diagnosis list[] = {
		{ "descriptors", HEALTH_OK, "1,048,576 per process", "" },
		{ "governor", HEALTH_WARN, "powersave: \033[31mred", "" },
	};
	struct diagnoses d = { list, 2 };
	bool fails;
	char *text;

	(void)state;
	strcpy(list[1].remedy, command);
	text = printed(&d, false, &fails);
	assert_false(fails);
	assert_memory_equal(text, "ok    descriptors     1,048,576", 31);
	assert_non_null(strstr(text, command)); /* never wrapped */
	assert_null(strchr(text, '\033'));
	free(text);
	list[0].health = HEALTH_FAIL;
	text = printed(&d, true, &fails);
	assert_true(fails);
	assert_non_null(strstr(text, "\033[1;31m"));
	assert_null(strstr(text, "\033[31mred"));
	free(text);
}

/* 78 columns leave 56 for the text. */
static void width(void **state)
{
	struct diagnosis one = { "a", HEALTH_OK, "", "" };
	struct diagnoses d = { &one, 1 };
	bool fails;
	char *text;

	(void)state;
	for (int more = 0; more < 2; more++) {
		snprintf(one.found, sizeof(one.found), "%027d %0*d", 0,
			 28 + more, 0);
		text = printed(&d, false, &fails);
		assert_int_equal(strcspn(text, "\n"), more ? 22 + 27 : 78);
		free(text);
	}
}

/* ------------------------------------------------------------- this machine */

static void this_machine(void **state)
{
	struct diagnoses d = doctor(NULL, "/nowhere");
	struct facts f;

	(void)state;
	assert_true(d.n > 10);
	assert_string_equal(d.list[0].what, "programs");
	assert_int_equal(d.list[0].health, HEALTH_FAIL);
	diagnoses_free(&d);
	facts_gather(&f, "/nowhere", false);
	assert_true(f.cpus_allowed >= 1 && f.cpus_allowed <= f.cpus_online);
	assert_true(f.cpus_attainable >= f.cpus_allowed);
	assert_int_equal(f.disk, UNKNOWN);
	assert_int_equal(f.loopback_error, 0);
	assert_true(f.memory > 0 && f.clock_ns > 0 && f.descriptors > 0);
	assert_true(f.root == (geteuid() == 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_machine_is_ok),
		cmocka_unit_test(unknown_facts_are_ok),
		cmocka_unit_test(one_cpu),
		cmocka_unit_test(siblings),
		cmocka_unit_test(quota),
		cmocka_unit_test(frequency),
		cmocka_unit_test(idle_cpus),
		cmocka_unit_test(other_load),
		cmocka_unit_test(slow_clock),
		cmocka_unit_test(descriptors),
		cmocka_unit_test(ports),
		cmocka_unit_test(backlog),
		cmocka_unit_test(loopback),
		cmocka_unit_test(threads),
		cmocka_unit_test(signals),
		cmocka_unit_test(memory_disk_programs),
		cmocka_unit_test(uring),
		cmocka_unit_test(counting),
		cmocka_unit_test(no_cgroup),
		cmocka_unit_test(needs_of_a_plan),
		cmocka_unit_test(needs_of_the_twin),
		cmocka_unit_test(needs_of_variants),
		cmocka_unit_test(needs_of_quick),
		cmocka_unit_test(missing_programs),
		cmocka_unit_test(memory_of_messages),
		cmocka_unit_test(printing),
		cmocka_unit_test(width),
		cmocka_unit_test(this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
