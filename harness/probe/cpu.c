/* SPDX-License-Identifier: MIT */
/* cpu.c - CPU time, run-queue delay and context switches: see cpu.h */
#include "cpu.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Reads a small file of the kernel as a string. */
static bool read_file(int dir, const char *path, char *to, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, to, size - 1);
	close(fd);
	to[n > 0 ? n : 0] = '\0';
	return n > 0;
}

int64_t cpu_of_process(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	/* For 0 and -1 the kernel would return the time of this process. */
	if (pid <= 0 || clock_getcpuclockid(pid, &clock) != 0 ||
	    clock_gettime(clock, &used) < 0)
		return -1;
	return used.tv_sec * INT64_C(1000000000) + used.tv_nsec;
}

int64_t cpu_of_cgroup(const struct cgroup *g)
{
	char text[1024];
	int64_t us;

	if (g->fd < 0 || !read_file(g->fd, "cpu.stat", text, sizeof(text)) ||
	    sscanf(text, "usage_usec %" SCNd64, &us) != 1)
		return -1;
	return us * 1000;
}

/* -------------------------------------------------------------------- threads */

static bool find_number(const char *text, const char *name, uint64_t *number)
{
	const char *at = strstr(text, name);

	return at && sscanf(at + strlen(name), "%" SCNu64, number) == 1;
}

/* /proc/TID exists for every thread, although it is not listed in /proc. */
int64_t queue_of_thread(pid_t tid)
{
	char path[64], text[128];
	int64_t ns;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)tid);
	if (!read_file(AT_FDCWD, path, text, sizeof(text)) ||
	    sscanf(text, "%*u %" SCNd64, &ns) != 1)
		return -1;
	return ns;
}

static bool read_thread(struct thread_counts *t, bool *queue_known)
{
	char path[64], text[4096];

	t->queue_ns = queue_of_thread(t->tid);
	if (t->queue_ns < 0) {
		t->queue_ns = 0;
		*queue_known = access("/proc/self/schedstat", F_OK) == 0 &&
			       *queue_known;
	}
	snprintf(path, sizeof(path), "/proc/%d/status", (int)t->tid);
	return read_file(AT_FDCWD, path, text, sizeof(text)) &&
	       find_number(text, "\nvoluntary_ctxt_switches:", &t->voluntary) &&
	       find_number(text,
			   "nonvoluntary_ctxt_switches:", &t->involuntary);
}

/* Without a cgroup: the threads of one process */
static pid_t *tasks(pid_t pid, size_t *n)
{
	char path[64];
	size_t size = 0;
	pid_t *list = NULL;
	struct dirent *entry;
	DIR *dir;

	*n = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (*n == size) {
			pid_t *more;

			size = 2 * size + 16;
			more = realloc(list, size * sizeof(*list));
			if (!more)
				break;
			list = more;
		}
		list[(*n)++] = atoi(entry->d_name);
	}
	if (dir)
		closedir(dir);
	return list;
}

static int by_tid(const void *a, const void *b)
{
	const struct thread_counts *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

struct threads threads_read(const struct cgroup *g, pid_t pid)
{
	struct threads t = { .queue_known = true };
	size_t n;
	pid_t *list = cgroup_threads(g, &n);

	if (n == 0) {
		/* No cgroup, or only a zombie, which is in no cgroup */
		free(list);
		list = tasks(pid, &n);
	}
	t.list = calloc(n + 1, sizeof(*t.list));
	for (size_t i = 0; t.list && i < n; i++) {
		t.list[t.n].tid = list[i];
		if (read_thread(&t.list[t.n], &t.queue_known))
			t.n++;
	}
	free(list);
	qsort(t.list, t.n, sizeof(*t.list), by_tid);
	return t;
}

void threads_free(struct threads *t)
{
	free(t->list);
	t->list = NULL;
	t->n = 0;
}

struct threads_window threads_window(const struct threads *from,
				     const struct threads *to)
{
	struct threads_window w = { .lost = from->n };

	for (size_t i = 0; i < to->n; i++) {
		const struct thread_counts none = { 0 }, *t = &to->list[i],
					   *b = NULL;

		if (from->n)
			b = bsearch(t, from->list, from->n, sizeof(*t), by_tid);
		/* Lower counters: another thread that reuses the id */
		if (b && b->voluntary <= t->voluntary &&
		    b->involuntary <= t->involuntary &&
		    b->queue_ns <= t->queue_ns)
			w.lost--;
		else
			b = &none;
		w.queue_ns += t->queue_ns - b->queue_ns;
		w.voluntary += t->voluntary - b->voluntary;
		w.involuntary += t->involuntary - b->involuntary;
	}
	if (!from->queue_known || !to->queue_known)
		w.queue_ns = -1;
	return w;
}
