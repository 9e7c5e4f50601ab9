/* SPDX-License-Identifier: MIT */
/*
 * syscalls_bpf.c - counts system calls with a BPF program
 *
 *	if (!current_task_under_cgroup(&cgroups, 0))
 *		return 0;
 *	number = min(ctx->args[1], SYSCALLS_NUMBERS - 1);
 *	counters[smp_processor_id() * SYSCALLS_NUMBERS + number]++;
 *	return 0;
 *
 * "Under" includes cgroups that the program makes inside its own; comparing cgroup
 * ids would not. Each CPU has counters of its own, which need no atomic operations:
 * the kernel runs the program without preemption and never nested. This process maps
 * the counters, so reading them is no system call.
 */
#include "bpf.h"
#include "syscalls.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { COUNTERS, CGROUPS, PROGRAM, LINK }; /* in fds */

/* Compares the process id in the PID namespace of this process: in a container it
 * differs from the kernel's. */
static bool filter_by_process(struct program *p, pid_t pid, char *why)
{
	struct stat ns;
	uint64_t device;

	if (stat("/proc/self/ns/pid", &ns) < 0)
		return why_not(why, "/proc/self/ns/pid: %s", strerror(errno));
	device = (uint64_t)major(ns.st_dev) << 20 | minor(ns.st_dev);
	APPEND(p, MOVE(R6, R1), SET64(R1, 0, device), SET64(R2, 0, ns.st_ino),
	       MOVE(R3, FP), ADD(R3, -8), SET(R4, 8),
	       CALL(BPF_FUNC_get_ns_current_pid_tgid),
	       SKIP_IF(BPF_JEQ, R0, 0, 2), SET(R0, 0), EXIT,
	       LOAD(BPF_W, R0, FP, -4), SKIP_IF(BPF_JEQ, R0, pid, 2),
	       SET(R0, 0), EXIT);
	return true;
}

static void count_it(struct program *p, int counters)
{
	const short args1 = offsetof(struct bpf_raw_tracepoint_args, args[1]);
	int shift = __builtin_ctz(SYSCALLS_NUMBERS);

	APPEND(p, LOAD(BPF_DW, R7, R6, args1),
	       SKIP_IF(BPF_JLT, R7, SYSCALLS_NUMBERS, 1),
	       SET(R7, SYSCALLS_NUMBERS - 1),
	       CALL(BPF_FUNC_get_smp_processor_id), SHIFT_LEFT(R0, shift),
	       ADD_REG(R7, R0), STORE(BPF_W, FP, -4, R7), MOVE(R2, FP),
	       ADD(R2, -4), SET_MAP(R1, counters),
	       CALL(BPF_FUNC_map_lookup_elem), SKIP_IF(BPF_JEQ, R0, 0, 3),
	       LOAD(BPF_DW, R1, R0, 0), ADD(R1, 1), STORE(BPF_DW, R0, 0, R1),
	       SET(R0, 0), EXIT);
}

_Static_assert((SYSCALLS_NUMBERS & (SYSCALLS_NUMBERS - 1)) == 0,
	       "a power of two");

static bool make_counters(struct syscalls *s, char *why)
{
	struct bpf_map_create_opts opts = { .sz = sizeof(opts),
					    .map_flags = BPF_F_MMAPABLE };
	int cpus = libbpf_num_possible_cpus();
	size_t size = sizeof(*s->counters) * SYSCALLS_NUMBERS;
	void *memory;

	if (cpus < 1)
		return bpf_refused(why, "number of CPUs", -cpus);
	s->fds[COUNTERS] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "syscalls", 4,
					  sizeof(*s->counters),
					  cpus * SYSCALLS_NUMBERS, &opts);
	if (s->fds[COUNTERS] < 0)
		return bpf_refused(why, "bpf: memory for the counters",
				   -s->fds[COUNTERS]);
	memory = mmap(NULL, size * cpus, PROT_READ, MAP_SHARED,
		      s->fds[COUNTERS], 0);
	if (memory == MAP_FAILED)
		return bpf_refused(why, "bpf: mmap of the counters", errno);
	s->counters = memory;
	s->cpus = cpus;
	return true;
}

static bool make_filter(struct syscalls *s, struct program *p,
			const struct cgroup *g, pid_t pid, char *why)
{
	s->whole = g->fd >= 0;
	if (!s->whole)
		return filter_by_process(p, pid, why);
	s->fds[CGROUPS] = bpf_cgroup_map(g, why);
	if (s->fds[CGROUPS] < 0)
		return false;
	program_in_cgroup(p, s->fds[CGROUPS]);
	return true;
}

bool syscalls_open_bpf(struct syscalls *s, const struct cgroup *g, pid_t pid,
		       char why[WHY_SIZE])
{
	struct program p = { .n = 0 };

	if (!make_counters(s, why) || !make_filter(s, &p, g, pid, why))
		return false;
	count_it(&p, s->fds[COUNTERS]);
	return bpf_attach(&p, "sys_enter", &s->fds[PROGRAM], why);
}

int64_t syscalls_bpf_missed(const struct syscalls *s)
{
	struct bpf_prog_info info = { 0 };
	__u32 length = sizeof(info);

	if (bpf_obj_get_info_by_fd(s->fds[PROGRAM], &info, &length) < 0 ||
	    length < offsetof(struct bpf_prog_info, recursion_misses) +
			     sizeof(info.recursion_misses))
		return -1;
	return info.recursion_misses;
}
