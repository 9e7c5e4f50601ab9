/* SPDX-License-Identifier: MIT */
/* facts.c - the present state of this machine: see facts.h */
#include "harness/doctor/facts.h"

#include "harness/probe/awake.h"
#include "harness/probe/memory.h"
#include "harness/probe/syscalls.h"
#include "harness/doctor/cpu_users.h"
#include "harness/doctor/limits.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---------------------------------------------------------------------- files */

/* The first line of a file, or "" */
static char *read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");

	*line = '\0';
	if (file && !fgets(line, (int)size, file))
		*line = '\0';
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static int64_t number_of(const char *path)
{
	char line[64];
	int64_t number;

	read_line(path, line, sizeof(line));
	return sscanf(line, "%" SCNd64, &number) == 1 ? number : UNKNOWN;
}

static int64_t less(int64_t a, int64_t b)
{
	if (a == UNKNOWN || b == UNKNOWN)
		return UNKNOWN;
	return a > b ? a - b : 0;
}

/* ----------------------------------------------------------------------- privileges */

/* The initial PID namespace always has this number. */
static bool in_container(void)
{
	char ids[64];
	ssize_t n = readlink("/proc/self/ns/pid", ids, sizeof(ids) - 1);

	ids[n > 0 ? n : 0] = '\0';
	return n > 0 && strcmp(ids, "pid:[4026531836]") != 0;
}

static void find_privileges(struct facts *f)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	int64_t waiting, limit;
	uint64_t capabilities;
	int mode;

	f->root = geteuid() == 0;
	f->confined = in_container() &&
		      access("/proc/sys/kernel/threads-max", W_OK) < 0;
	f->signals = UNKNOWN;
	while (status && fgets(line, sizeof(line), status)) {
		if (sscanf(line, "CapEff: %" SCNx64, &capabilities) == 1)
			f->may_raise = capabilities >> CAP_SYS_RESOURCE & 1;
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			f->seccomp = mode == 2;
		if (sscanf(line, "SigQ: %" SCNd64 "/%" SCNd64, &waiting,
			   &limit) == 2)
			f->signals = less(limit, waiting);
	}
	if (status)
		fclose(status);
}

/* ---------------------------------------------------------------------- CPUs */

/* The largest possible affinity mask: undoes taskset, but not a cpuset
 * cgroup. */
static cpu_set_t attainable(const cpu_set_t *allowed)
{
	cpu_set_t all, had = *allowed;

	memset(&all, 0xff, sizeof(all));
	if (sched_setaffinity(0, sizeof(all), &all) == 0)
		sched_getaffinity(0, sizeof(had), &had);
	sched_setaffinity(0, sizeof(*allowed), allowed);
	return had;
}

static void find_cpus(struct facts *f)
{
	char why[WHY_SIZE];
	cpu_set_t allowed, more;
	struct cpus p;

	f->cpus_online = sysconf(_SC_NPROCESSORS_ONLN);
	f->cpus_allowed = f->cpus_attainable = UNKNOWN;
	if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
		more = attainable(&allowed);
		f->cpus_allowed = CPU_COUNT(&allowed);
		f->cpus_attainable = CPU_COUNT(&more);
		cpus_list(&allowed, f->allowed_list);
		cpus_list(&more, f->attainable_list);
	}
	if (cpus_find(&p, NULL, NULL, why)) {
		f->split_possible = p.split_possible;
		f->siblings = p.siblings;
		memcpy(f->server_cpus, p.split.server_list, CPU_LIST_SIZE);
		memcpy(f->client_cpus, p.split.client_list, CPU_LIST_SIZE);
		json_decref(p.facts);
	}
}

#define CPUS "/sys/devices/system/cpu/"

static void find_governor(struct facts *f)
{
	cpu_set_t allowed;
	char path[FACT_PATH_SIZE], governor[FACT_NAME_SIZE];

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		snprintf(path, sizeof(path),
			 CPUS "cpu%d/cpufreq/scaling_governor", cpu);
		read_line(path, governor, sizeof(governor));
		if (*governor &&
		    (!*f->governor || strcmp(f->governor, "performance") == 0))
			memcpy(f->governor, governor, sizeof(governor));
	}
}

static void find_turbo(struct facts *f)
{
	static const struct {
		const char *file;
		bool off_is_1;
	} ways[] = {
		{ CPUS "intel_pstate/no_turbo", true },
		{ CPUS "cpufreq/boost", false },
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		int64_t value = number_of(ways[i].file);

		if (value == UNKNOWN)
			continue;
		snprintf(f->turbo_file, sizeof(f->turbo_file), "%s",
			 ways[i].file);
		f->turbo_off_is_1 = ways[i].off_is_1;
		f->turbo = (value == 1) != ways[i].off_is_1;
		return;
	}
}

static void find_idle(struct facts *f)
{
	int fd = awake_open(f->awake_why);

	f->idle_driver = awake_has_driver();
	f->awake = fd >= 0;
	if (f->awake)
		close(fd);
}

/* ------------------------------------------------------------------- the clock */

static int64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void find_clock(struct facts *f)
{
#define SOURCE "/sys/devices/system/clocksource/clocksource0/"
	enum { TIMES = 2000, ROUNDS = 5 };
	char available[256];

	read_line(SOURCE "current_clocksource", f->clock, sizeof(f->clock));
	read_line(SOURCE "available_clocksource", available, sizeof(available));
	f->tsc_available = strstr(available, "tsc") != NULL;
	for (int round = 0; round < ROUNDS; round++) {
		int64_t from = now(CLOCK_MONOTONIC), to = from;
		double each;

		for (int i = 0; i < TIMES; i++)
			to = now(CLOCK_MONOTONIC);
		each = (double)(to - from) / TIMES;
		if (round == 0 || each < f->clock_ns)
			f->clock_ns = each;
	}
#undef SOURCE
}

static void find_steal(struct facts *f)
{
	int64_t steal = machine_steal_ns();
	double all = (double)now(CLOCK_MONOTONIC) * (double)f->cpus_online;

	f->steal = steal > 0 && all > 0 ? (double)steal / all : 0;
}

/* ---------------------------------------------------------------------- limits */

/* The hard limit: the programs raise their soft limit to it. */
static void find_descriptors(struct facts *f)
{
	static const char path[] = "/proc/sys/fs/file-nr";
	struct rlimit limit;
	int64_t used;
	char line[128];

	f->descriptors = UNKNOWN;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		f->descriptors = limit.rlim_max == RLIM_INFINITY ?
					 UNLIMITED :
					 (int64_t)limit.rlim_max;
	f->descriptors_most = number_of("/proc/sys/fs/nr_open");
	f->descriptors_all = f->descriptors_free = UNKNOWN;
	if (sscanf(read_line(path, line, sizeof(line)),
		   "%" SCNd64 " %*d %" SCNd64, &used, &f->descriptors_all) == 2)
		f->descriptors_free = less(f->descriptors_all, used);
}

static void find_ports(struct facts *f)
{
	char line[64];

	f->ports = f->port_low = f->port_high = UNKNOWN;
	read_line("/proc/sys/net/ipv4/ip_local_port_range", line, sizeof(line));
	if (sscanf(line, "%" SCNd64 " %" SCNd64, &f->port_low, &f->port_high) ==
	    2)
		f->ports = f->port_high - f->port_low + 1;
	f->tw_reuse = number_of("/proc/sys/net/ipv4/tcp_tw_reuse");
	f->somaxconn = number_of("/proc/sys/net/core/somaxconn");
}

static int try_loopback(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct timeval timeout = { .tv_sec = 1 };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = 0;

	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (bind(listener, (void *)&address, length) < 0 ||
	    listen(listener, 1) < 0 ||
	    getsockname(listener, (void *)&address, &length) < 0 ||
	    connect(client, (void *)&address, length) < 0)
		error = errno == EINPROGRESS ? ETIMEDOUT : errno;
	if (listener >= 0)
		close(listener);
	if (client >= 0)
		close(client);
	return error;
}

static void find_threads(struct facts *f)
{
	int64_t most = number_of("/proc/sys/vm/max_map_count"), running, all;
	char line[128];

	if (sscanf(read_line("/proc/loadavg", line, sizeof(line)),
		   "%*f %*f %*f %" SCNd64 "/%" SCNd64, &running, &all) != 2)
		all = UNKNOWN;
	f->threads_machine =
		less(number_of("/proc/sys/kernel/threads-max"), all);
	f->thread_ids = less(number_of("/proc/sys/kernel/pid_max"), all);
	f->threads_user = user_threads_left();
	/* Each thread needs two: its stack and the guard page. */
	f->maps = most == UNKNOWN ? UNKNOWN : less(most, 200) / 2;
	f->threads_cgroup = cgroup_limit_threads();
}

static void find_memory(struct facts *f)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	int64_t kib;

	f->memory = UNKNOWN;
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %" SCNd64, &kib) == 1)
			f->memory = kib * 1024;
	if (file)
		fclose(file);
	f->memory_cgroup = cgroup_limit_memory();
}

/* results/ is beside bin/ and may not exist yet. */
static void find_disk(struct facts *f, const char *bin)
{
	char path[4096 + 16];
	struct statvfs at;

	f->disk = UNKNOWN;
	snprintf(path, sizeof(path), "%s/../results", bin);
	if (access(path, F_OK) < 0)
		snprintf(path, sizeof(path), "%s/..", bin);
	if (statvfs(path, &at) == 0)
		f->disk = (int64_t)at.f_bavail * (int64_t)at.f_frsize;
	f->disk_writable = access(path, W_OK) == 0;
}

/* As models/uring.c sets it up */
static void try_uring(struct facts *f)
{
	struct io_uring_params params = { .flags = IORING_SETUP_CQSIZE,
					  .cq_entries = 4096 };
	int fd = (int)syscall(SYS_io_uring_setup, 512, &params);

	f->uring_error = fd < 0 ? errno : 0;
	f->uring_disabled = number_of("/proc/sys/kernel/io_uring_disabled");
	if (fd >= 0)
		close(fd);
}

static void try_probes(struct facts *f, bool counting)
{
	struct cgroup g;
	char ignored[WHY_SIZE];

	f->cgroup = cgroup_make(&g, f->cgroup_why);
	if (f->cgroup)
		cgroup_remove(&g, ignored);
	if (counting)
		f->counting = syscalls_choose(f->counting_why);
}

void facts_gather(struct facts *f, const char *bin, bool counting)
{
	memset(f, 0, sizeof(*f));
	/* First, before this process causes load itself */
	cpu_users_watch(f);
	find_privileges(f);
	find_cpus(f);
	f->quota = cgroup_limit_cpu();
	find_governor(f);
	find_turbo(f);
	find_idle(f);
	find_clock(f);
	find_steal(f);
	find_descriptors(f);
	find_ports(f);
	f->loopback_error = try_loopback();
	find_threads(f);
	find_memory(f);
	find_disk(f, bin);
	try_uring(f);
	try_probes(f, counting);
}
