/* SPDX-License-Identifier: MIT */
/* uring.c - counts the io_uring operations of a program: see uring.h */
#include "uring.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* -------------------------------------------------------------------- finding */

static void add_ring(struct uring_rings *u, pid_t pid, int fd, ino_t ino)
{
	for (unsigned i = 0; i < u->n && i < URING_RINGS; i++)
		if (u->list[i].ino == ino)
			return;
	if (u->n < URING_RINGS)
		u->list[u->n] = (struct uring_ring){ pid, fd, .ino = ino };
	u->n++;
}

static void find_in(struct uring_rings *u, pid_t pid)
{
	static const char ring[] = "anon_inode:[io_uring]";
	char path[64], target[sizeof(ring) + 1];
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (readlinkat(dirfd(dir), entry->d_name, target,
			       sizeof(target)) == sizeof(ring) - 1 &&
		    memcmp(target, ring, sizeof(ring) - 1) == 0 &&
		    fstatat(dirfd(dir), entry->d_name, &st, 0) == 0)
			add_ring(u, pid, atoi(entry->d_name), st.st_ino);
	if (dir)
		closedir(dir);
}

void uring_find(struct uring_rings *u, const struct cgroup *g, pid_t pid)
{
	size_t n;
	pid_t *list = cgroup_processes(g, &n);

	u->n = 0;
	for (size_t i = 0; i < n; i++)
		find_in(u, list[i]);
	free(list);
	if (g->fd < 0)
		find_in(u, pid);
}

/* -------------------------------------------------------------------- reading */

static bool find_number(const char *text, const char *name, int64_t *number)
{
	const char *at = strstr(text, name);

	return at && sscanf(at + strlen(name), ":%" SCNd64, number) == 1;
}

bool uring_take(struct uring_ring *r, const char *text)
{
	int64_t sq, cq, thread;

	if (!find_number(text, "\nCachedSqHead", &sq) ||
	    !find_number(text, "\nCachedCqTail", &cq))
		return false;
	/* The kernel's counters start at 0 and wrap around. */
	r->submissions += (uint32_t)sq - r->sq;
	r->completions += (uint32_t)cq - r->cq;
	r->sq = (uint32_t)sq;
	r->cq = (uint32_t)cq;
	r->thread = find_number(text, "\nSqThread", &thread) ? (int)thread : -1;
	if (!find_number(text, "\nSqTotalTime", &r->total_us) ||
	    !find_number(text, "\nSqWorkTime", &r->work_us))
		r->total_us = r->work_us = -1;
	return true;
}

static bool read_once(const struct uring_ring *r, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)r->pid, r->fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Newer kernels omit the counters while the ring is locked for a submission. */
static bool read_ring(struct uring_ring *r)
{
	enum { TRIES = 500 };
	static const struct timespec pause = { .tv_nsec = 20000 };
	static char text[1 << 16];

	for (int i = 0; i < TRIES && read_once(r, text, sizeof(text)); i++) {
		if (uring_take(r, text))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/* Rings may share a thread (IORING_SETUP_ATTACH_WQ). */
static void add_thread(struct uring_counts *c, const struct uring_rings *u,
		       unsigned at)
{
	const struct uring_ring *r = &u->list[at];

	if (r->thread <= 0)
		return;
	for (unsigned i = 0; i < at; i++)
		if (u->list[i].thread == r->thread)
			return;
	c->threads++;
	if (r->total_us < 0 || c->sq_total_ns < 0) {
		c->sq_total_ns = c->sq_work_ns = -1;
		return;
	}
	c->sq_total_ns += r->total_us * 1000;
	c->sq_work_ns += r->work_us * 1000;
}

struct uring_counts uring_read(struct uring_rings *u)
{
	struct uring_counts c = {
		.rings = u->n,
		.known = u->n > 0 && u->n <= URING_RINGS,
	};

	for (unsigned i = 0; c.known && i < u->n; i++) {
		c.known = read_ring(&u->list[i]);
		c.submissions += u->list[i].submissions;
		c.completions += u->list[i].completions;
		add_thread(&c, u, i);
	}
	return c;
}

bool uring_window(const struct uring_counts *from,
		  const struct uring_counts *to, struct uring_window *w)
{
	bool none_yet = from->rings == 0;

	if (!to->known || !(from->known || none_yet) || to->rings < from->rings)
		return false;
	*w = (struct uring_window){
		.submissions = to->submissions - from->submissions,
		.completions = to->completions - from->completions,
		.sq_known = to->threads > 0 && to->sq_total_ns >= 0 &&
			    from->sq_total_ns >= 0 &&
			    (none_yet || from->threads == to->threads),
	};
	if (w->sq_known) {
		w->sq_total_ns = to->sq_total_ns - from->sq_total_ns;
		w->sq_work_ns = to->sq_work_ns - from->sq_work_ns;
	}
	return true;
}
