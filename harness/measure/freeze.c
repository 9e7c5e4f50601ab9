/* SPDX-License-Identifier: MIT */
/* freeze.c - stops a server between its slices: see freeze.h */
#include "harness/measure/freeze.h"

#include "harness/base/grow.h"
#include "harness/measure/wait.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const int64_t limit_ns = 1000000000, pause_ns = 50000;

struct list {
	pid_t *pid;
	size_t n;
};

/* -------------------------------------------------------------- its processes */

static DIR *open_tasks(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return opendir(path);
}

static void add_descendants(struct list *l, pid_t pid);

static void add_children_of_thread(struct list *l, pid_t pid, const char *tid)
{
	char path[320];
	FILE *file;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)pid,
		 tid);
	file = fopen(path, "re");
	while (file && fscanf(file, "%d", &child) == 1) {
		l->pid = grow(l->pid, l->n + 1, sizeof(*l->pid));
		l->pid[l->n++] = child;
		add_descendants(l, child);
	}
	if (file)
		fclose(file);
}

static void add_descendants(struct list *l, pid_t pid)
{
	DIR *dir = open_tasks(pid);
	struct dirent *task;

	while (dir && (task = readdir(dir)))
		if (isdigit((unsigned char)task->d_name[0]))
			add_children_of_thread(l, pid, task->d_name);
	if (dir)
		closedir(dir);
}

/* The keeper also becomes the parent of orphans. */
static struct list processes(const struct probed *p)
{
	struct list l = { .n = 0 };

	l.pid = cgroup_processes(&p->cgroup, &l.n);
	if (l.n == 0)
		add_descendants(&l, p->child.keeper);
	return l;
}

static void signal_all(const struct list *l, int signal)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->pid[i] > 0) /* 0: of another PID namespace */
			kill(l->pid[i], signal);
}

/* ----------------------------------------------------------------- is it stopped */

/* 'R', 'S', 'T', ...; 'X': it is gone. COST: some us, and a server may have thousands */
static char state_of(int tasks, const char *tid)
{
	char path[272], text[512], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/stat", tid);
	fd = openat(tasks, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 'X';
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	end = strrchr(text, ')'); /* the name may contain anything */
	return end && end[1] == ' ' ? end[2] : 'X';
}

/* Each thread stops by itself: the state of the first one says nothing of the others. */
static bool is_stopped(pid_t pid)
{
	DIR *dir = open_tasks(pid);
	struct dirent *task;
	bool stopped = true;

	while (dir && stopped && (task = readdir(dir)))
		if (isdigit((unsigned char)task->d_name[0]))
			stopped = strchr("TtZX",
					 state_of(dirfd(dir), task->d_name));
	if (dir)
		closedir(dir);
	return stopped;
}

static bool all_stopped(const struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (!is_stopped(l->pid[i]))
			return false;
	return true;
}

static bool has(const struct list *l, pid_t pid)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->pid[i] == pid)
			return true;
	return false;
}

static bool has_all(const struct list *l, const struct list *of)
{
	for (size_t i = 0; i < of->n; i++)
		if (!has(l, of->pid[i]))
			return false;
	return true;
}

/* A process may fork before it stops: all stand still if a list that is made while those
 * of the last one do has no other process. */
bool freeze(const struct probed *p)
{
	const int64_t end = monotonic_ns() + limit_ns;
	struct list still = { .n = 0 };
	bool done = false;

	while (!done && monotonic_ns() < end) {
		struct list all = processes(p);

		done = has_all(&still, &all);
		if (!done)
			signal_all(&all, SIGSTOP);
		free(still.pid);
		still = all;
		if (!done && !all_stopped(&all)) {
			still.n = 0;
			nanosleep(&(struct timespec){ .tv_nsec = pause_ns },
				  NULL);
		}
	}
	free(still.pid);
	return done;
}

void thaw(const struct probed *p)
{
	struct list l = processes(p);

	signal_all(&l, SIGCONT);
	free(l.pid);
}
