/* SPDX-License-Identifier: MIT */
/*
 * syscalls_bpf.c - counts system calls with a BPF program
 *
 * The program is so small that it is written here as instructions: neither a compiler
 * for BPF nor kernel headers are needed.
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
#include "syscalls.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { COUNTERS, CGROUPS, PROGRAM, LINK }; /* in fds */

/* ----------------------------------------------------------------- assembling */

enum { R0, R1, R2, R3, R4, R6 = 6, R7 = 7, FP = 10 };

#define INSN(op, to, from, offset, value)                                      \
	((struct bpf_insn){ .code = (op),                                      \
			    .dst_reg = (to),                                   \
			    .src_reg = (from),                                 \
			    .off = (offset),                                   \
			    .imm = (__s32)(value) })
#define MOVE(to, from) INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define SET(to, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value)
#define ADD(to, value) INSN(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value)
#define ADD_REG(to, from) INSN(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0)
#define SHIFT_LEFT(to, n) INSN(BPF_ALU64 | BPF_LSH | BPF_K, to, 0, 0, n)
#define LOAD(size, to, from, offset)                                           \
	INSN(BPF_LDX | BPF_MEM | (size), to, from, offset, 0)
#define STORE(size, to, offset, from)                                          \
	INSN(BPF_STX | BPF_MEM | (size), to, from, offset, 0)
#define CALL(helper) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
#define SKIP_IF(op, reg, value, n)                                             \
	INSN(BPF_JMP | BPF_K | (op), reg, 0, n, value)
#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* Two instructions: a 64-bit value, or the map of a file descriptor */
#define SET64(to, kind, value)                                                 \
	INSN(BPF_LD | BPF_DW | BPF_IMM, to, kind, 0, (uint64_t)(value)),       \
		INSN(0, 0, 0, 0, (uint64_t)(value) >> 32)
#define SET_MAP(to, fd) SET64(to, BPF_PSEUDO_MAP_FD, fd)

enum { PROGRAM_MAX = 64 };

struct program {
	struct bpf_insn insns[PROGRAM_MAX];
	size_t n;
};

#define APPEND(program, ...)                                                   \
	append(program, (const struct bpf_insn[]){ __VA_ARGS__ },              \
	       sizeof((const struct bpf_insn[]){ __VA_ARGS__ }) /              \
		       sizeof(struct bpf_insn))

static void append(struct program *p, const struct bpf_insn *insns, size_t n)
{
	memcpy(p->insns + p->n, insns, n * sizeof(*insns));
	p->n += n;
}

/* Both filters keep the context in R6, and return if this caller is not counted. */
static void filter_by_cgroup(struct program *p, int cgroups)
{
	APPEND(p, MOVE(R6, R1), SET_MAP(R1, cgroups), SET(R2, 0),
	       CALL(BPF_FUNC_current_task_under_cgroup),
	       SKIP_IF(BPF_JEQ, R0, 1, 2), SET(R0, 0), EXIT);
}

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

/* -------------------------------------------------------------------- opening */

static bool refused(char *why, const char *what, int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return why_not(why,
			       "%s: %s; BPF needs CAP_BPF and CAP_PERFMON (run "
			       "it as root), and a kernel that is not locked "
			       "down; kernel.unprivileged_bpf_disabled does "
			       "not matter for tracepoints",
			       what, strerror(error));
	case ENOSYS:
		return why_not(why,
			       "%s: this kernel has no BPF "
			       "(CONFIG_BPF_SYSCALL)",
			       what);
	case EMFILE:
	case ENFILE:
		return why_not(why, "%s: %s; raise the limit: ulimit -n 4096",
			       what, strerror(error));
	case ENOENT:
		return why_not(why,
			       "%s: this kernel has no tracepoint for system "
			       "calls (CONFIG_FTRACE_SYSCALLS)",
			       what);
	default:
		return why_not(why, "%s: %s", what, strerror(error));
	}
}

static bool make_counters(struct syscalls *s, char *why)
{
	struct bpf_map_create_opts opts = { .sz = sizeof(opts),
					    .map_flags = BPF_F_MMAPABLE };
	int cpus = libbpf_num_possible_cpus();
	size_t size = sizeof(*s->counters) * SYSCALLS_NUMBERS;
	void *memory;

	if (cpus < 1)
		return refused(why, "number of CPUs", -cpus);
	s->fds[COUNTERS] = bpf_map_create(BPF_MAP_TYPE_ARRAY, "syscalls", 4,
					  sizeof(*s->counters),
					  cpus * SYSCALLS_NUMBERS, &opts);
	if (s->fds[COUNTERS] < 0)
		return refused(why, "bpf: memory for the counters",
			       -s->fds[COUNTERS]);
	memory = mmap(NULL, size * cpus, PROT_READ, MAP_SHARED,
		      s->fds[COUNTERS], 0);
	if (memory == MAP_FAILED)
		return refused(why, "bpf: mmap of the counters", errno);
	s->counters = memory;
	s->cpus = cpus;
	return true;
}

static bool make_filter(struct syscalls *s, struct program *p,
			const struct cgroup *g, pid_t pid, char *why)
{
	const int first = 0;
	int error;

	s->whole = g->fd >= 0;
	if (!s->whole)
		return filter_by_process(p, pid, why);
	s->fds[CGROUPS] = bpf_map_create(BPF_MAP_TYPE_CGROUP_ARRAY, "cgroup", 4,
					 4, 1, NULL);
	if (s->fds[CGROUPS] < 0)
		return refused(why, "bpf: map of cgroups", -s->fds[CGROUPS]);
	error = bpf_map_update_elem(s->fds[CGROUPS], &first, &g->fd, BPF_ANY);
	if (error < 0)
		return refused(why, "bpf: map of cgroups", -error);
	filter_by_cgroup(p, s->fds[CGROUPS]);
	return true;
}

static int silent(enum libbpf_print_level level, const char *format,
		  va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

bool syscalls_open_bpf(struct syscalls *s, const struct cgroup *g, pid_t pid,
		       char why[WHY_SIZE])
{
	struct program p = { .n = 0 };

	libbpf_set_print(silent);
	if (!make_counters(s, why) || !make_filter(s, &p, g, pid, why))
		return false;
	count_it(&p, s->fds[COUNTERS]);
	s->fds[PROGRAM] = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT,
					"syscalls", "GPL", p.insns, p.n, NULL);
	if (s->fds[PROGRAM] < 0)
		return refused(why, "bpf: loading the program",
			       -s->fds[PROGRAM]);
	s->fds[LINK] = bpf_raw_tracepoint_open("sys_enter", s->fds[PROGRAM]);
	if (s->fds[LINK] < 0)
		return refused(why, "bpf: attaching to sys_enter",
			       -s->fds[LINK]);
	return true;
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
