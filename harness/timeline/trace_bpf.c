/* SPDX-License-Identifier: MIT */
/*
 * trace_bpf.c - traces all threads of a cgroup with BPF programs: see trace.h
 *
 * A program on each of these raw tracepoints writes events into a ring buffer, which is read
 * at the end:
 *
 *	sys_enter, sys_exit	of a caller in the cgroup
 *	sched_switch		the previous thread, if it is in the cgroup; a second program:
 *				the next one, if it is known
 *	sched_waking		of a known thread, by any other
 *	io_uring_*		of a caller in the cgroup; a kernel thread that polls a ring
 *				(SQPOLL) is a thread of its process
 *
 * Known is a thread of the cgroup that has left its CPU since the programs were attached:
 * a helper tells whether the current thread is in the cgroup, and none does for another one.
 * The kernel describes its own structures (BTF), so offsets in them need no headers.
 */
#include "harness/timeline/trace.h"

#include "harness/probe/bpf.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <asm/ptrace.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Shared with the programs */
struct gate {
	uint64_t open; /* events are written */
	uint64_t lost;
};

enum { PROGRAMS_MAX = 8 };

struct bpf_trace {
	int gate_map, ring_map, tasks_map, cgroup_map;
	volatile struct gate *gate;
	struct ring_buffer *ring;
	int fds[PROGRAMS_MAX][2];
	size_t programs;
	struct btf *btf;
	uint64_t ns_device, ns_inode; /* of this PID namespace */
};

/* ------------------------------------------------------------ parts of programs */

/* The event is built on the stack. */
#define EVENT (-(int)sizeof(struct trace_event))
#define FIELD(member) (EVENT + (int)offsetof(struct trace_event, member))
enum { KEY = EVENT - 8 };

#define ARG(n) ((short)offsetof(struct bpf_raw_tracepoint_args, args[n]))
#define ATOMIC_ADD(to, offset, from)                                           \
	INSN(BPF_STX | BPF_ATOMIC | BPF_DW, to, from, offset, BPF_ADD)
#define STORE_VALUE(size, to, offset, value)                                   \
	INSN(BPF_ST | BPF_MEM | (size), to, 0, offset, value)

/* Returns unless events are recorded; keeps the gate in R8. */
static void pass_gate(struct program *p, const struct bpf_trace *b)
{
	APPEND(p, STORE_VALUE(BPF_W, FP, KEY, 0), MOVE(R2, FP), ADD(R2, KEY),
	       SET_MAP(R1, b->gate_map), CALL(BPF_FUNC_map_lookup_elem),
	       SKIP_IF(BPF_JNE, R0, 0, 2), SET(R0, 0), EXIT, MOVE(R8, R0),
	       LOAD(BPF_DW, R1, R8, offsetof(struct gate, open)),
	       SKIP_IF(BPF_JNE, R1, 0, 2), SET(R0, 0), EXIT);
}

/* An event without what, value and other */
static void begin_event(struct program *p)
{
	APPEND(p, STORE_VALUE(BPF_DW, FP, FIELD(what), 0),
	       STORE_VALUE(BPF_DW, FP, FIELD(value), 0),
	       STORE_VALUE(BPF_DW, FP, FIELD(other), 0));
}

/* Writes the event and returns. */
static void emit(struct program *p, const struct bpf_trace *b,
		 enum trace_kind kind)
{
	APPEND(p, CALL(BPF_FUNC_ktime_get_ns),
	       STORE(BPF_DW, FP, FIELD(time), R0),
	       CALL(BPF_FUNC_get_current_pid_tgid),
	       STORE(BPF_DW, FP, FIELD(task), R0), SET64(R1, 0, b->ns_device),
	       SET64(R2, 0, b->ns_inode), MOVE(R3, FP), ADD(R3, FIELD(thread)),
	       SET(R4, 8), CALL(BPF_FUNC_get_ns_current_pid_tgid),
	       CALL(BPF_FUNC_get_smp_processor_id),
	       STORE(BPF_W, FP, FIELD(cpu), R0),
	       STORE_VALUE(BPF_W, FP, FIELD(kind), kind),
	       SET_MAP(R1, b->ring_map), MOVE(R2, FP), ADD(R2, EVENT),
	       SET(R3, sizeof(struct trace_event)), SET(R4, BPF_RB_NO_WAKEUP),
	       CALL(BPF_FUNC_ringbuf_output), SKIP_IF(BPF_JEQ, R0, 0, 2),
	       SET(R1, 1), ATOMIC_ADD(R8, offsetof(struct gate, lost), R1),
	       SET(R0, 0), EXIT);
}

/* Reads kernel memory at R3 + offset to a field of the event; 0 if that fails */
static void read_kernel(struct program *p, int field, int size, int offset)
{
	APPEND(p, ADD(R3, offset), MOVE(R1, FP), ADD(R1, field), SET(R2, size),
	       CALL(BPF_FUNC_probe_read_kernel));
}

/* ---------------------------------------------------------------- offsets: BTF */

/* Of a member of a structure, in bytes; -1: none. Members of anonymous structures count. */
static int member_offset(const struct btf *btf, int type, const char *name)
{
	const struct btf_type *t = btf__type_by_id(btf, type);
	const struct btf_member *m;

	if (!t || !btf_is_composite(t))
		return -1;
	m = btf_members(t);
	for (int i = 0; i < btf_vlen(t); i++) {
		int at = (int)(btf_member_bit_offset(t, i) / 8), inside;
		const char *of = btf__name_by_offset(btf, m[i].name_off);

		if (strcmp(of, name) == 0)
			return at;
		if (*of)
			continue;
		inside = member_offset(btf, (int)m[i].type, name);
		if (inside >= 0)
			return at + inside;
	}
	return -1;
}

static int offset_of(const struct btf *btf, const char *structure,
		     const char *member)
{
	int type = btf__find_by_name_kind(btf, structure, BTF_KIND_STRUCT);

	return type < 0 ? -1 : member_offset(btf, type, member);
}

/* How many arguments a raw tracepoint has; -1: this kernel does not have it */
static int arguments_of(const struct btf *btf, const char *tracepoint)
{
	char name[64];
	const struct btf_type *t;
	int type;

	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	type = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	for (t = btf__type_by_id(btf, type < 0 ? 0 : type);
	     t && (btf_is_typedef(t) || btf_is_ptr(t));
	     t = btf__type_by_id(btf, t->type))
		;
	return type >= 0 && t && btf_is_func_proto(t) ? btf_vlen(t) - 1 : -1;
}

/* -------------------------------------------------------------------- programs */

static bool attach(struct bpf_trace *b, const struct program *p,
		   const char *tracepoint, char *why)
{
	return bpf_attach(p, tracepoint, b->fds[b->programs++], why);
}

/* In user registers as the kernel keeps them; -1: not known for this processor */
#if defined(__x86_64__)
enum {
	FIRST_ARGUMENT = offsetof(struct pt_regs, rdi),
	CALL_NUMBER = offsetof(struct pt_regs, orig_rax)
};
#elif defined(__aarch64__)
enum {
	FIRST_ARGUMENT = 0,
	CALL_NUMBER = sizeof(struct user_pt_regs) + sizeof(uint64_t)
};
#else
enum { FIRST_ARGUMENT = -1, CALL_NUMBER = -1 };
#endif

static bool trace_enter(struct bpf_trace *b, char *why)
{
	struct program p = { .n = 0 };

	program_in_cgroup(&p, b->cgroup_map);
	pass_gate(&p, b);
	begin_event(&p);
	APPEND(&p, LOAD(BPF_DW, R7, R6, ARG(1)),
	       STORE(BPF_DW, FP, FIELD(what), R7));
	if (FIRST_ARGUMENT >= 0) {
		APPEND(&p, LOAD(BPF_DW, R3, R6, ARG(0)));
		read_kernel(&p, FIELD(value), 8, FIRST_ARGUMENT);
	}
	emit(&p, b, TRACE_ENTER);
	return attach(b, &p, "sys_enter", why);
}

static bool trace_exit(struct bpf_trace *b, char *why)
{
	struct program p = { .n = 0 };

	program_in_cgroup(&p, b->cgroup_map);
	pass_gate(&p, b);
	begin_event(&p);
	APPEND(&p, LOAD(BPF_DW, R7, R6, ARG(1)),
	       STORE(BPF_DW, FP, FIELD(value), R7));
	if (CALL_NUMBER >= 0) {
		APPEND(&p, LOAD(BPF_DW, R3, R6, ARG(0)));
		read_kernel(&p, FIELD(what), 4, CALL_NUMBER);
	} else {
		APPEND(&p, STORE_VALUE(BPF_DW, FP, FIELD(what), -1));
	}
	emit(&p, b, TRACE_EXIT);
	return attach(b, &p, "sys_exit", why);
}

/* TRAP: the thread becomes known also before anything is recorded; it may sleep until
 * then. */
static bool trace_off(struct bpf_trace *b, char *why)
{
	struct program p = { .n = 0 };

	program_in_cgroup(&p, b->cgroup_map);
	APPEND(&p, CALL(BPF_FUNC_get_current_pid_tgid),
	       STORE(BPF_W, FP, KEY, R0), STORE(BPF_W, FP, KEY + 4, R0),
	       MOVE(R2, FP), ADD(R2, KEY), MOVE(R3, FP), ADD(R3, KEY + 4),
	       SET_MAP(R1, b->tasks_map), SET(R4, BPF_ANY),
	       CALL(BPF_FUNC_map_update_elem));
	pass_gate(&p, b);
	begin_event(&p);
	/* Neither preempted nor runnable (state 0): it sleeps, or ends */
	APPEND(&p, LOAD(BPF_DW, R7, R6, ARG(0)), AND(R7, 1),
	       SKIP_IF(BPF_JNE, R7, 0, 4), LOAD(BPF_DW, R7, R6, ARG(3)),
	       SHIFT_LEFT(R7, 32), SKIP_IF(BPF_JEQ, R7, 0, 1),
	       STORE_VALUE(BPF_DW, FP, FIELD(what), 1));
	emit(&p, b, TRACE_OFF);
	return attach(b, &p, "sched_switch", why);
}

/* For a tracepoint with a pointer to another thread */
static bool trace_other(struct bpf_trace *b, enum trace_kind kind,
			const char *tracepoint, int argument, char *why)
{
	struct program p = { .n = 0 };
	int pid = offset_of(b->btf, "task_struct", "pid");

	if (pid < 0)
		return why_not(why, "bpf: the kernel does not describe "
				    "struct task_struct");
	APPEND(&p, MOVE(R6, R1));
	pass_gate(&p, b);
	begin_event(&p);
	APPEND(&p, LOAD(BPF_DW, R3, R6, ARG(argument)));
	read_kernel(&p, FIELD(other), 4, pid);
	APPEND(&p, MOVE(R2, FP), ADD(R2, FIELD(other)),
	       SET_MAP(R1, b->tasks_map), CALL(BPF_FUNC_map_lookup_elem),
	       SKIP_IF(BPF_JNE, R0, 0, 2), SET(R0, 0), EXIT);
	emit(&p, b, kind);
	return attach(b, &p, tracepoint, why);
}

/* ------------------------------------------------------------------- io_uring */

static bool trace_submit(struct bpf_trace *b, const char *tracepoint,
			 int opcode, char *why)
{
	struct program p = { .n = 0 };

	program_in_cgroup(&p, b->cgroup_map);
	pass_gate(&p, b);
	begin_event(&p);
	APPEND(&p, LOAD(BPF_DW, R3, R6, ARG(0)));
	read_kernel(&p, FIELD(what), 1, opcode);
	emit(&p, b, TRACE_SUBMIT);
	return attach(b, &p, tracepoint, why);
}

/* The result is an argument or, in newer kernels, in the completion entry. */
static bool trace_complete(struct bpf_trace *b, int arguments, int opcode,
			   char *why)
{
	enum { NEWER = 3, RESULT = offsetof(struct io_uring_cqe, res) };
	struct program p = { .n = 0 };

	program_in_cgroup(&p, b->cgroup_map);
	pass_gate(&p, b);
	begin_event(&p);
	if (arguments == NEWER) {
		APPEND(&p, LOAD(BPF_DW, R3, R6, ARG(2)));
		read_kernel(&p, FIELD(value), 4, RESULT);
	} else {
		APPEND(&p, LOAD(BPF_DW, R7, R6, ARG(3)),
		       STORE(BPF_DW, FP, FIELD(value), R7));
	}
	APPEND(&p, STORE_VALUE(BPF_DW, FP, FIELD(what), TRACE_NO_OPERATION),
	       LOAD(BPF_DW, R3, R6, ARG(1)), SKIP_IF(BPF_JEQ, R3, 0, 6),
	       STORE_VALUE(BPF_DW, FP, FIELD(what), 0));
	read_kernel(&p, FIELD(what), 1, opcode);
	emit(&p, b, TRACE_COMPLETE);
	return attach(b, &p, "io_uring_complete", why);
}

/* Their names and arguments differ between kernels, so they may be missing. */
static bool trace_uring(struct bpf_trace *b, char *why)
{
	static const char *const submits[] = { "io_uring_submit_req",
					       "io_uring_submit_sqe" };
	int opcode = offset_of(b->btf, "io_kiocb", "opcode");
	int arguments = arguments_of(b->btf, "io_uring_complete");
	bool newer = arguments_of(b->btf, submits[0]) > 0;

	if (opcode < 0 || arguments < 3 ||
	    (!newer && arguments_of(b->btf, submits[1]) < 0))
		return why_not(why,
			       "this kernel has no tracepoints of io_uring "
			       "that are known here");
	return trace_submit(b, submits[!newer], opcode, why) &&
	       trace_complete(b, arguments, opcode, why);
}

/* --------------------------------------------------------------------- opening */

static bool make_map(int *map, enum bpf_map_type type, const char *name,
		     __u32 key, __u32 value, __u32 entries, __u32 flags,
		     char *why)
{
	struct bpf_map_create_opts opts = { .sz = sizeof(opts),
					    .map_flags = flags };

	*map = bpf_map_create(type, name, key, value, entries, &opts);
	return *map >= 0 || bpf_refused(why, "bpf: memory for a trace", -*map);
}

static int take(void *data, void *event, size_t size)
{
	(void)size;
	trace_add(data, event);
	return 0;
}

static bool make_maps(struct trace *t, size_t buffer, char *why)
{
	enum { THREADS = 16384 };
	struct bpf_trace *b = t->bpf;
	void *memory;

	if (!make_map(&b->gate_map, BPF_MAP_TYPE_ARRAY, "gate", 4,
		      sizeof(struct gate), 1, BPF_F_MMAPABLE, why) ||
	    !make_map(&b->ring_map, BPF_MAP_TYPE_RINGBUF, "events", 0, 0,
		      (__u32)buffer, 0, why) ||
	    !make_map(&b->tasks_map, BPF_MAP_TYPE_HASH, "threads", 4, 4,
		      THREADS, 0, why))
		return false;
	memory = mmap(NULL, sizeof(struct gate), PROT_READ | PROT_WRITE,
		      MAP_SHARED, b->gate_map, 0);
	if (memory == MAP_FAILED)
		return bpf_refused(why, "bpf: mmap of the gate", errno);
	b->gate = memory;
	b->ring = ring_buffer__new(b->ring_map, take, t, NULL);
	return b->ring || bpf_refused(why, "bpf: mmap of the events", errno);
}

static bool look_around(struct bpf_trace *b, char *why)
{
	struct stat ns;

	if (stat("/proc/self/ns/pid", &ns) < 0)
		return why_not(why, "/proc/self/ns/pid: %s", strerror(errno));
	b->ns_device = (uint64_t)major(ns.st_dev) << 20 | minor(ns.st_dev);
	b->ns_inode = ns.st_ino;
	b->btf = btf__load_vmlinux_btf();
	if (!b->btf)
		return why_not(why,
			       "bpf: the kernel does not describe itself in "
			       "/sys/kernel/btf (CONFIG_DEBUG_INFO_BTF): %s",
			       strerror(errno));
	if (arguments_of(b->btf, "sched_switch") < 4)
		return why_not(why, "bpf: sched_switch is another one before "
				    "Linux 5.18");
	return true;
}

bool trace_open_bpf(struct trace *t, const struct cgroup *g, size_t buffer,
		    char why[WHY_SIZE])
{
	struct bpf_trace *b = calloc(1, sizeof(*b));

	*t = (struct trace){ .method = TRACE_BPF, .bpf = b };
	if (!b)
		return why_not(why, "%s", strerror(errno));
	b->gate_map = b->ring_map = b->tasks_map = b->cgroup_map = -1;
	memset(b->fds, -1, sizeof(b->fds));
	if (g->fd < 0)
		return why_not(why, "bpf: there is no cgroup for the server");
	b->cgroup_map = bpf_cgroup_map(g, why);
	if (b->cgroup_map < 0 || !look_around(b, why) ||
	    !make_maps(t, buffer, why))
		return false;
	if (!trace_enter(b, why) || !trace_exit(b, why) || !trace_off(b, why) ||
	    !trace_other(b, TRACE_ON, "sched_switch", 2, why) ||
	    !trace_other(b, TRACE_WAKE, "sched_waking", 0, why))
		return false;
	if (trace_uring(b, t->uring_why))
		*t->uring_why = '\0';
	return true;
}

void bpf_trace_record(struct bpf_trace *b, bool on)
{
	b->gate->open = on;
}

void bpf_trace_take(struct trace *t)
{
	ring_buffer__consume(t->bpf->ring);
	t->lost = t->bpf->gate->lost;
}

void bpf_trace_close(struct bpf_trace *b)
{
	int maps[] = { b->gate_map, b->ring_map, b->tasks_map, b->cgroup_map };

	for (size_t i = 0; i < PROGRAMS_MAX; i++)
		for (int j = 1; j >= 0; j--)
			if (b->fds[i][j] >= 0)
				close(b->fds[i][j]);
	ring_buffer__free(b->ring);
	if (b->gate)
		munmap((void *)b->gate, sizeof(struct gate));
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		if (maps[i] >= 0)
			close(maps[i]);
	btf__free(b->btf);
	free(b);
}
