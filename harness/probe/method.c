/* SPDX-License-Identifier: MIT */
/* method.c - how system calls can be counted here: see method.h */
#include "method.h"

#include <stdio.h>

enum syscalls_method counting_choose(char why[WHY_SIZE])
{
	static const enum syscalls_method ways[] = { SYSCALLS_BPF,
						     SYSCALLS_PERF,
						     SYSCALLS_STRACE };
	char reason[WHY_SIZE];

	*why = '\0';
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		if (syscalls_try(ways[i], reason))
			return ways[i];
		if (!*why)
			snprintf(why, WHY_SIZE, "%s", reason);
	}
	return SYSCALLS_NONE;
}
