/* SPDX-License-Identifier: MIT */
/* bpf.c - BPF programs that are written here as instructions: see bpf.h */
#include "bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void program_append(struct program *p, const struct bpf_insn *insns, size_t n)
{
	memcpy(p->insns + p->n, insns, n * sizeof(*insns));
	p->n += n;
}

void program_in_cgroup(struct program *p, int cgroups)
{
	APPEND(p, MOVE(R6, R1), SET_MAP(R1, cgroups), SET(R2, 0),
	       CALL(BPF_FUNC_current_task_under_cgroup),
	       SKIP_IF(BPF_JEQ, R0, 1, 2), SET(R0, 0), EXIT);
}

bool bpf_refused(char why[WHY_SIZE], const char *what, int error)
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

int bpf_cgroup_map(const struct cgroup *g, char why[WHY_SIZE])
{
	const int first = 0;
	int map, error;

	map = bpf_map_create(BPF_MAP_TYPE_CGROUP_ARRAY, "cgroup", 4, 4, 1,
			     NULL);
	if (map < 0) {
		bpf_refused(why, "bpf: map of cgroups", -map);
		return -1;
	}
	error = bpf_map_update_elem(map, &first, &g->fd, BPF_ANY);
	if (error < 0) {
		bpf_refused(why, "bpf: map of cgroups", -error);
		close(map);
		return -1;
	}
	return map;
}

static int silent(enum libbpf_print_level level, const char *format,
		  va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

bool bpf_attach(const struct program *p, const char *tracepoint, int fds[2],
		char why[WHY_SIZE])
{
	char what[64];

	libbpf_set_print(silent);
	fds[0] = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "io_models", "GPL",
			       p->insns, p->n, NULL);
	if (fds[0] < 0)
		return bpf_refused(why, "bpf: loading the program", -fds[0]);
	fds[1] = bpf_raw_tracepoint_open(tracepoint, fds[0]);
	snprintf(what, sizeof(what), "bpf: attaching to %s", tracepoint);
	return fds[1] >= 0 || bpf_refused(why, what, -fds[1]);
}
