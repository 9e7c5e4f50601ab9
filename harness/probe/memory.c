/* SPDX-License-Identifier: MIT */
/* memory.c - memory of a program, steal time and suspension: see memory.h */
#include "memory.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static FILE *open_of(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fopen(path, "re");
}

static bool read_rollup(pid_t pid, int64_t *rss, int64_t *pss)
{
	FILE *file = open_of(pid, "smaps_rollup");
	char line[256];
	int found = 0;

	while (file && fgets(line, sizeof(line), file)) {
		found += sscanf(line, "Rss: %" SCNd64, rss) == 1;
		found += sscanf(line, "Pss: %" SCNd64, pss) == 1;
	}
	if (file)
		fclose(file);
	*rss *= 1024;
	*pss *= 1024;
	return found == 2;
}

static bool read_statm(pid_t pid, int64_t *rss)
{
	FILE *file = open_of(pid, "statm");
	bool found = file && fscanf(file, "%*u %" SCNd64, rss) == 1;

	if (file)
		fclose(file);
	*rss *= sysconf(_SC_PAGESIZE);
	return found;
}

/* The number of entries in a directory of the process; -1: it cannot be read. */
static long count_entries(pid_t pid, const char *name)
{
	struct dirent *entry;
	char path[64];
	struct stat st;
	long n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	/* Since 6.2, the size of "fd" is the number of descriptors. */
	if (strcmp(name, "fd") == 0 && access(path, R_OK) == 0 &&
	    stat(path, &st) == 0 && st.st_size > 0)
		return st.st_size;
	dir = opendir(path);
	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void add_process(struct memory *m, pid_t pid)
{
	int64_t rss = 0, pss = 0;
	long threads = count_entries(pid, "task");
	long descriptors = count_entries(pid, "fd");

	if (read_rollup(pid, &rss, &pss)) {
		if (m->proportional_bytes >= 0)
			m->proportional_bytes += pss;
	} else if (read_statm(pid, &rss) && rss > 0) {
		m->proportional_bytes = -1;
	} else {
		return; /* it has ended */
	}
	m->resident_bytes += rss;
	m->processes++;
	m->threads += threads > 0 ? threads : 0;
	if (descriptors < 0)
		m->descriptors = -1;
	else if (m->descriptors >= 0)
		m->descriptors += descriptors;
}

bool memory_read(struct memory *m, const struct cgroup *g, pid_t pid)
{
	size_t n;
	pid_t *list = cgroup_processes(g, &n);

	*m = (struct memory){ 0 };
	for (size_t i = 0; i < n; i++)
		add_process(m, list[i]);
	free(list);
	if (g->fd < 0)
		add_process(m, pid);
	return m->processes > 0;
}

/* ---------------------------------------------------------------- the machine */

static int64_t ticks_ns(int64_t ticks)
{
	return ticks * (1000000000 / sysconf(_SC_CLK_TCK));
}

int64_t machine_steal_ns(void)
{
	FILE *file = fopen("/proc/stat", "re");
	int64_t ticks = -1;

	if (!file)
		return -1;
	if (fscanf(file, "cpu %*u %*u %*u %*u %*u %*u %*u %" SCNd64, &ticks) !=
	    1)
		ticks = -1;
	fclose(file);
	return ticks < 0 ? -1 : ticks_ns(ticks);
}

int64_t machine_unused_ns(int cpu)
{
	FILE *file = fopen("/proc/stat", "re");
	int64_t idle, iowait, steal, ns = -1;
	char line[512];
	int found;

	while (file && ns < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line,
			   "cpu%d %*u %*u %*u %" SCNd64 " %" SCNd64
			   " %*u %*u %" SCNd64,
			   &found, &idle, &iowait, &steal) == 4 &&
		    found == cpu)
			ns = ticks_ns(idle + iowait + steal);
	if (file)
		fclose(file);
	return ns;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int64_t machine_suspended_ns(void)
{
	enum { TRIES = 3 };
	int64_t most = 0;

	/* In this order, an interruption makes the difference smaller. */
	for (int i = 0; i < TRIES; i++) {
		int64_t ns = clock_ns(CLOCK_BOOTTIME);

		ns -= clock_ns(CLOCK_MONOTONIC);
		most = ns > most ? ns : most;
	}
	return most;
}
