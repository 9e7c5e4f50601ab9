/* SPDX-License-Identifier: MIT */
/*
 * bpf.h - BPF programs that are written here as instructions
 *
 * So neither a compiler for BPF nor kernel headers are needed. Every program is for a raw
 * tracepoint, and begins with a filter that keeps its context in R6.
 */
#ifndef PROBE_BPF_H
#define PROBE_BPF_H

#include "cgroup.h"

#include <linux/bpf.h>
#include <stddef.h>

enum { R0, R1, R2, R3, R4, R6 = 6, R7 = 7, R8 = 8, FP = 10 };

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
#define AND(to, value) INSN(BPF_ALU64 | BPF_AND | BPF_K, to, 0, 0, value)
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

enum { PROGRAM_MAX = 128 };

struct program {
	struct bpf_insn insns[PROGRAM_MAX];
	size_t n;
};

#define APPEND(program, ...)                                                   \
	program_append(program, (const struct bpf_insn[]){ __VA_ARGS__ },      \
		       sizeof((const struct bpf_insn[]){ __VA_ARGS__ }) /      \
			       sizeof(struct bpf_insn))

void program_append(struct program *p, const struct bpf_insn *insns, size_t n);

/* A map that holds this cgroup, for program_in_cgroup(); -1 and `why` */
int bpf_cgroup_map(const struct cgroup *g, char why[WHY_SIZE]);

/* Begins a program: it keeps its context in R6, and returns if the caller is not in the
 * cgroup or one inside it. */
void program_in_cgroup(struct program *p, int cgroups);

/* Loads a program and attaches it to a raw tracepoint, until both descriptors are closed:
 * fds[0] is the program, fds[1] the link. */
bool bpf_attach(const struct program *p, const char *tracepoint, int fds[2],
		char why[WHY_SIZE]);

/* Says which call failed, why, and the remedy; false */
bool bpf_refused(char why[WHY_SIZE], const char *what, int error);

#endif
