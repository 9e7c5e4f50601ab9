/* SPDX-License-Identifier: MIT */
/* cpu_users.c - other load on the CPUs: see cpu_users.h */
#include "harness/doctor/cpu_users.h"

#include "harness/probe/cpu.h"
#include "harness/base/grow.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOOKS = 25, NAP_MS = 20 };

struct used {
	pid_t pid;
	int64_t ns;
};

struct processes {
	struct used *list;
	size_t n;
};

/* The CPU time of every other process. (/proc/PID/stat is sampled and can miss
 * short bursts.) */
static struct processes look(void)
{
	struct processes all = { .n = 0 };
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	size_t room = 0;

	while (dir && (entry = readdir(dir))) {
		pid_t pid = atoi(entry->d_name);
		int64_t ns =
			pid > 0 && pid != getpid() ? cpu_of_process(pid) : -1;

		if (ns < 0)
			continue;
		if (all.n == room) {
			room = 2 * room + 64;
			all.list = grow(all.list, room, sizeof(*all.list));
		}
		all.list[all.n++] = (struct used){ pid, ns };
	}
	if (dir)
		closedir(dir);
	return all;
}

/* Runnable threads of the whole machine, without this one */
static int running(void)
{
	FILE *file = fopen("/proc/loadavg", "re");
	int n = 1;

	if (file && fscanf(file, "%*f %*f %*f %d/", &n) != 1)
		n = 1;
	if (file)
		fclose(file);
	return n - 1;
}

static void name_busiest(struct facts *f)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)f->busiest_pid);
	file = fopen(path, "re");
	if (file && !fgets(f->busiest, sizeof(f->busiest), file))
		*f->busiest = '\0';
	if (file)
		fclose(file);
	f->busiest[strcspn(f->busiest, "\n")] = '\0';
}

static void add_up(struct facts *f, const struct processes *before, double ns)
{
	for (size_t i = 0; i < before->n; i++) {
		int64_t then = before->list[i].ns;
		int64_t now = cpu_of_process(before->list[i].pid);
		double share = now > then ? (double)(now - then) / ns : 0;

		f->busy += share;
		if (share > f->busiest_share) {
			f->busiest_share = share;
			f->busiest_pid = before->list[i].pid;
		}
	}
	if (f->busiest_pid)
		name_busiest(f);
}

void cpu_users_watch(struct facts *f)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000000 };
	struct processes before = look();
	struct timespec from, to;
	int seen = 0;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < LOOKS; i++) {
		nanosleep(&nap, NULL);
		seen += running();
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	f->runnable = (double)seen / LOOKS;
	add_up(f, &before,
	       (double)(to.tv_sec - from.tv_sec) * 1e9 +
		       (double)(to.tv_nsec - from.tv_nsec));
	free(before.list);
}
