/* SPDX-License-Identifier: MIT */
/* cgroup.c - a cgroup that contains a program: see cgroup.h */
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char prefix[] = "io-models-";

/* ------------------------------------------------------------ where it can be */

/* mountinfo writes a space as \040. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		unsigned code;

		if (*text == '\\' && sscanf(text + 1, "%3o", &code) == 1) {
			*to++ = (char)code;
			text += 3;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

/* The mount point of the hierarchy, and the part of it that is mounted there */
static bool find_mount(char *mount, char *root)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (file && !found && getline(&line, &size, file) > 0) {
		char *type = strstr(line, " - ");

		found = type && strncmp(type, " - cgroup2 ", 11) == 0 &&
			sscanf(line, "%*s %*s %*s %4095s %4095s", root,
			       mount) == 2;
	}
	free(line);
	if (file)
		fclose(file);
	unescape(root);
	unescape(mount);
	return found;
}

/* The cgroup of this process, as a path in the hierarchy */
static bool find_own(char *own)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX + 8];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "0::%4095[^\n]", own) == 1;
	if (file)
		fclose(file);
	return found;
}

static bool find_home(char *home, char *why)
{
	static char mount[PATH_MAX], root[PATH_MAX], own[PATH_MAX];
	const char *below = own;
	size_t length;

	*mount = *root = '\0';
	strcpy(own, "/");
	if (!find_mount(mount, root))
		return why_not(why, "no cgroup v2 hierarchy is mounted; "
				    "sudo mount -t cgroup2 none /MOUNT/POINT");
	find_own(own);
	/* In a container without a cgroup namespace, both have the same prefix. */
	length = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (strncmp(own, root, length) == 0)
		below += length;
	if (strncmp(below, "/..", 3) == 0) /* outside of the mounted part */
		below = "";
	if (snprintf(home, PATH_MAX, "%s%s", mount,
		     strcmp(below, "/") == 0 ? "" : below) >= PATH_MAX - 64)
		return why_not(why, "the path of this cgroup is too long");
	return true;
}

/* ---------------------------------------------------------- making, removing */

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *at)
{
	(void)st;
	(void)at;
	return type == FTW_DP ? rmdir(path) : 0;
}

/* Removes cgroups that the program made inside first. */
static bool remove_tree(const char *path)
{
	enum { PATIENCE_MS = 2000 };

	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 ||
		    access(path, F_OK) < 0)
			return true;
		if (errno != EBUSY)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	errno = EBUSY;
	return false;
}

/* Removes cgroups whose makers and keepers are all dead. */
static void sweep(const char *home)
{
	DIR *dir = opendir(home);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct cgroup g = NO_CGROUP;

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		snprintf(g.path, sizeof(g.path), "%s/%.60s", home,
			 entry->d_name);
		g.fd = open(g.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (g.fd >= 0 && flock(g.fd, LOCK_EX | LOCK_NB) == 0) {
			cgroup_kill(&g);
			remove_tree(g.path);
		}
		if (g.fd >= 0)
			close(g.fd);
	}
	if (dir)
		closedir(dir);
}

/* Another process may have swept it before it was locked. */
static bool open_locked(struct cgroup *g)
{
	g->fd = open(g->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (g->fd < 0)
		return false;
	if (flock(g->fd, LOCK_EX) == 0 &&
	    faccessat(g->fd, "cgroup.procs", F_OK, 0) == 0)
		return true;
	cgroup_forget(g);
	return false;
}

static bool no_mkdir(const char *home, char *why)
{
	switch (errno) {
	case EACCES:
	case EPERM:
		return why_not(
			why,
			"no cgroup can be made in %s: %s; run it as "
			"root, or with a cgroup of your own: systemd-run "
			"--user --scope -p Delegate=yes COMMAND",
			home, strerror(errno));
	case EROFS:
		return why_not(
			why,
			"%s is mounted read-only, as in most containers; "
			"make it writable: docker run --privileged",
			home);
	default:
		return why_not(why, "mkdir in %s: %s", home, strerror(errno));
	}
}

/* The rules for moving processes are complex: a child process tries. */
static bool try_entering(const struct cgroup *g, char *why)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(cgroup_enter(g) < 0 ? errno : 0);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	return why_not(why,
		       "no process can enter %s: %s; run it as root, or "
		       "with a cgroup of your own: systemd-run --user --scope "
		       "-p Delegate=yes COMMAND",
		       g->path,
		       pid > 0 && WIFEXITED(status) ?
			       strerror(WEXITSTATUS(status)) :
			       "fork failed");
}

bool cgroup_make(struct cgroup *g, char why[WHY_SIZE])
{
	enum { TRIES = 1000 };
	char home[PATH_MAX], ignored[WHY_SIZE];

	*g = (struct cgroup)NO_CGROUP;
	if (!find_home(home, why))
		return false;
	sweep(home);
	for (unsigned serial = 0; g->fd < 0; serial++) {
		snprintf(g->path, sizeof(g->path), "%s/%s%d-%u", home, prefix,
			 (int)getpid(), serial);
		if (mkdir(g->path, 0755) < 0) {
			if (errno != EEXIST || serial >= TRIES)
				return no_mkdir(home, why);
		} else if (!open_locked(g) && rmdir(g->path) == 0) {
			/* Not swept, and still no cgroup */
			return why_not(why,
				       "a directory made in %s is no cgroup: "
				       "something is mounted over it",
				       home);
		}
	}
	if (try_entering(g, why))
		return true;
	cgroup_remove(g, ignored);
	return false;
}

/* ----------------------------------------------------------------- its members */

int cgroup_enter(const struct cgroup *g)
{
	int fd, error;
	ssize_t n;

	if (g->fd < 0)
		return 0;
	fd = openat(g->fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = write(fd, "0", 1);
	error = errno;
	close(fd);
	errno = error;
	return n == 1 ? 0 : -1;
}

struct members {
	pid_t *list;
	size_t n, size;
};

static void add_members(int dir, const char *name, struct members *m)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	int pid;

	while (file && fscanf(file, "%d", &pid) == 1) {
		if (m->n == m->size) {
			size_t size = 2 * m->size + 16;
			pid_t *list = realloc(m->list, size * sizeof(*list));

			if (!list)
				break;
			m->list = list;
			m->size = size;
		}
		m->list[m->n++] = pid;
	}
	if (file)
		fclose(file);
	else if (fd >= 0)
		close(fd);
}

/* Members of a cgroup and of all cgroups inside it; closes `dir`. */
static void walk(int dir, const char *name, struct members *m)
{
	DIR *entries = dir < 0 ? NULL : fdopendir(dir);
	struct dirent *entry;

	if (!entries) {
		if (dir >= 0)
			close(dir);
		return;
	}
	add_members(dir, name, m);
	while ((entry = readdir(entries)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			walk(openat(dir, entry->d_name,
				    O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			     name, m);
	closedir(entries);
}

static pid_t *members(const struct cgroup *g, const char *name, size_t *n)
{
	struct members m = { .list = NULL };

	if (g->fd >= 0)
		walk(openat(g->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		     name, &m);
	*n = m.n;
	return m.list;
}

pid_t *cgroup_processes(const struct cgroup *g, size_t *n)
{
	return members(g, "cgroup.procs", n);
}

pid_t *cgroup_threads(const struct cgroup *g, size_t *n)
{
	return members(g, "cgroup.threads", n);
}

/* -------------------------------------------------------------------- its end */

/* Before Linux 5.14. Processes forked meanwhile are found in the next round. */
static void kill_each(const struct cgroup *g)
{
	enum { ROUNDS = 100 };

	for (int round = 0; round < ROUNDS; round++) {
		size_t n;
		pid_t *list = cgroup_processes(g, &n);

		for (size_t i = 0; i < n; i++)
			if (list[i] > 0)
				kill(list[i], SIGKILL);
		free(list);
		if (n == 0)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

void cgroup_kill(const struct cgroup *g)
{
	int fd;
	bool done;

	if (g->fd < 0)
		return;
	fd = openat(g->fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, "1", 1) == 1;
	if (fd >= 0)
		close(fd);
	if (!done)
		kill_each(g);
}

bool cgroup_remove(struct cgroup *g, char why[WHY_SIZE])
{
	bool removed;

	if (g->fd < 0)
		return true;
	cgroup_kill(g);
	removed = remove_tree(g->path);
	if (!removed)
		why_not(why,
			"%s cannot be removed: %s; once it is empty: "
			"sudo rmdir %s",
			g->path, strerror(errno), g->path);
	cgroup_forget(g);
	return removed;
}

void cgroup_forget(struct cgroup *g)
{
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
}
