/* SPDX-License-Identifier: MIT */
/*
 * forbid.c - runs a program in which a system call fails with EPERM, as in a container
 *
 *	forbid NAME PROGRAM [ARGUMENT]...
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int number = argc > 2 ? seccomp_syscall_resolve_name(argv[1]) : -1;

	if (!filter || number < 0 ||
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0) < 0 ||
	    seccomp_load(filter) < 0) {
		fprintf(stderr, "forbid: no such filter can be had\n");
		return 1;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
