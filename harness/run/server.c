/* SPDX-License-Identifier: MIT */
/* server.c - the server under test: see server.h */
#include "harness/run/server.h"

#include "models/common/die.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

/* The contract gives a server one second to stop; a busy machine may need more. */
static const int64_t ready_limit = 10 * SECOND, stop_limit = 5 * SECOND;
enum { STREAM_MOST = 64 * 1024, LINE_MOST = 4096, QUOTE_MAX = 120 };

static enum server_state broken(struct server *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static enum server_state broken(struct server *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(s->why, sizeof(s->why), format, args);
	va_end(args);
	return SERVER_BROKEN;
}

/* As it can stand in a sentence: printable, and not too long */
static const char *quote(const char *text, size_t n, char to[QUOTE_MAX + 4])
{
	size_t i;

	for (i = 0; i < n && i < QUOTE_MAX && text[i]; i++)
		to[i] = text[i] >= ' ' && text[i] != 127 ? text[i] : '?';
	strcpy(to + i, i < n && text[i] ? "..." : "");
	return to;
}

/* ------------------------------------------------------------------- starting */

struct setup {
	int out, err;
	const cpu_set_t *cpus;
};

/* In the server's own process, before its exec */
static int prepare(void *data)
{
	const struct setup *setup = data;
	int nothing = open("/dev/null", O_RDONLY);

	if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
	    dup2(setup->out, STDOUT_FILENO) < 0 ||
	    dup2(setup->err, STDERR_FILENO) < 0)
		return errno;
	if (sched_setaffinity(0, sizeof(*setup->cpus), setup->cpus) < 0)
		return errno;
	return 0;
}

enum { ARGUMENTS = 8, NUMBER_SIZE = 24 };

static void fill_arguments(const struct server_plan *plan,
			   char *argv[ARGUMENTS], char number[NUMBER_SIZE])
{
	int n = 0;

	snprintf(number, NUMBER_SIZE, "%zu", plan->cell->message);
	argv[n++] = (char *)plan->program;
	argv[n++] = "--port";
	argv[n++] = "0";
	argv[n++] = "--message";
	argv[n++] = number;
	if (strcmp(plan->cell->work, "none") != 0) {
		argv[n++] = "--work";
		argv[n++] = (char *)plan->cell->work;
	}
	argv[n] = NULL;
}

static void watch_it(struct server *s, struct watch *w)
{
	s->watch = w;
	s->place = w->n_children;
	w->child[w->n_children] = &s->probed.child;
	w->ended[w->n_children++] = false;
	w->stream[w->n_streams++] = &s->out;
	w->stream[w->n_streams++] = &s->err;
}

/* Its process, stopped before the exec; counted from there on */
static bool fork_it(struct server *s, const struct server_plan *plan,
		    const struct setup *setup, const char *path)
{
	char number[NUMBER_SIZE], *argv[ARGUMENTS];
	struct child_plan child = { .path = path,
				    .argv = argv,
				    .cgroup = &s->probed.cgroup,
				    .signals = s->watch->mask,
				    .prepare = prepare,
				    .data = (void *)setup };

	fill_arguments(plan, argv, number);
	if (!cgroup_make(&s->probed.cgroup, s->no_cgroup))
		s->probed.cgroup = (struct cgroup)NO_CGROUP;
	else
		*s->no_cgroup = '\0';
	if (!child_start(&s->probed.child, &child, s->why))
		return false;
	s->running = true;
	if (syscalls_open(&s->probed.syscalls, plan->counting,
			  &s->probed.cgroup, s->probed.child.pid, s->uncounted))
		*s->uncounted = '\0';
	s->method = s->probed.syscalls.method;
	if (child_go(&s->probed.child))
		return true;
	s->running = false;
	broken(s, "%s cannot be started: %s", basename(argv[0]),
	       strerror(errno));
	return false;
}

static bool open_pipes(struct server *s, int out[2], int err[2])
{
	if (pipe2(out, O_CLOEXEC) < 0)
		return broken(s, "pipe: %s", strerror(errno)), false;
	if (pipe2(err, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return broken(s, "pipe: %s", strerror(errno)), false;
	}
	stream_open(&s->out, out[0], STREAM_MOST);
	stream_open(&s->err, err[0], STREAM_MOST);
	return true;
}

/* ------------------------------------------------------------- the ready line */

/* Or so much without an end that it cannot be one */
static bool has_line(const struct server *s)
{
	return strchr(s->out.text, '\n') || s->out.n > LINE_MOST;
}

static bool has_said_a_line(void *data)
{
	struct server *s = data;

	return has_line(s) || s->watch->ended[s->place];
}

static bool is_ours(const struct server *s, pid_t pid)
{
	pid_t *all;
	size_t n;
	bool ours = pid == s->probed.child.pid;

	all = cgroup_processes(&s->probed.cgroup, &n);
	for (size_t i = 0; i < n; i++)
		ours = ours || all[i] == pid;
	free(all);
	return ours;
}

/* The inode of the socket that listens on this port, in one of /proc's tables */
static bool listens_in(const char *path, unsigned port, unsigned long *inode)
{
	char line[512], address[64];
	unsigned found, state;
	FILE *file = fopen(path, "re");
	bool yes = false;

	while (file && !yes && fgets(line, sizeof(line), file))
		yes = sscanf(line,
			     " %*d: %60[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s "
			     "%*s %*d %*d %lu",
			     address, &found, &state, inode) == 4 &&
		      found == port && state == 0x0a; /* TCP_LISTEN */
	if (file)
		fclose(file);
	return yes;
}

static bool has_socket(pid_t pid, unsigned long inode)
{
	char path[64], wanted[64], found[64];
	struct dirent *entry;
	bool yes = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	dir = opendir(path);
	while (dir && !yes && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, found,
				       sizeof(found) - 1);

		found[n > 0 ? n : 0] = '\0';
		yes = strcmp(found, wanted) == 0;
	}
	if (dir)
		closedir(dir);
	return yes;
}

/*
 * Another server may still listen on a port that a wrong ready line names: what
 * is measured then is not what was started.
 */
static bool is_who_listens(const struct server *s, pid_t pid)
{
	unsigned long inode;
	pid_t *all;
	size_t n;
	bool yes;

	if (!listens_in("/proc/net/tcp", s->port, &inode) &&
	    !listens_in("/proc/net/tcp6", s->port, &inode))
		return false;
	yes = has_socket(pid, inode);
	all = cgroup_processes(&s->probed.cgroup, &n);
	for (size_t i = 0; i < n && !yes; i++)
		yes = has_socket(all[i], inode);
	free(all);
	return yes;
}

static enum server_state read_ready(struct server *s)
{
	char quoted[QUOTE_MAX + 4];
	size_t n = strcspn(s->out.text, "\n");
	unsigned pid;

	if (sscanf(s->out.text, "ready model=%*s host=%63s port=%u pid=%u",
		   s->host, &s->port, &pid) != 3 ||
	    s->port < 1 || s->port > 65535)
		return broken(s,
			      "its first line is not 'ready model=NAME "
			      "host=ADDRESS port=N pid=N': '%s'",
			      quote(s->out.text, n, quoted));
	if (!is_ours(s, (pid_t)pid))
		return broken(s,
			      "its ready line says pid=%u, but it was started "
			      "as %d: what answers would not be what is "
			      "measured",
			      pid, s->probed.child.pid);
	if (!is_who_listens(s, (pid_t)pid))
		return broken(s,
			      "its ready line says port=%u, but it does not "
			      "listen there",
			      s->port);
	return SERVER_WELL;
}

/* ---------------------------------------------------------------- how it ended */

/* Reaps it, and takes the last of what it said. */
static void reap(struct server *s)
{
	if (!s->running)
		return;
	s->running = false;
	s->watch->ended[s->place] = true;
	syscalls_close(&s->probed.syscalls);
	child_reap(&s->probed.child, &s->probed.cgroup, &s->end);
	stream_take(&s->out);
	stream_take(&s->err);
}

static const char *how_it_ended(const struct server *s, char to[64])
{
	int status = s->end.status;

	if (status == -1)
		snprintf(to, 64, "its keeper was killed");
	else if (WIFSIGNALED(status))
		snprintf(to, 64, "killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(to, 64, "exit status %d", WEXITSTATUS(status));
	return to;
}

static enum server_state ended_early(struct server *s, const char *when)
{
	char how[64], quoted[QUOTE_MAX + 4], *said;
	int status;

	reap(s);
	status = s->end.status;
	said = last_line(s->err.text);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_UNSUPPORTED) {
		snprintf(s->why, sizeof(s->why), "%.400s",
			 *said ? said : "exit status 77, without a reason");
		return SERVER_UNSUPPORTED;
	}
	broken(s, "it ended %s: %s%s%s", when, how_it_ended(s, how),
	       *said ? "; its last words: " : "",
	       quote(said, strlen(said), quoted));
	return SERVER_BROKEN;
}

bool server_died(struct server *s)
{
	if (!s->running || !s->watch->ended[s->place])
		return false;
	ended_early(s, "while clients were there");
	return true;
}

enum server_state server_start(struct server *s, const struct server_plan *plan,
			       struct watch *w)
{
	char path[PATH_MAX];
	struct setup setup = { .cpus = plan->cpus };
	int out[2], err[2];
	bool started;

	*s = (struct server){ .probed = { .cgroup = NO_CGROUP } };
	s->out.fd = s->err.fd = -1;
	if (!child_find(plan->program, path))
		return broken(s, "%s cannot be started: %s",
			      basename(plan->program), strerror(errno));
	if (!open_pipes(s, out, err))
		return SERVER_BROKEN;
	setup.out = out[1];
	setup.err = err[1];
	watch_it(s, w);
	started = fork_it(s, plan, &setup, path);
	close(out[1]);
	close(err[1]);
	if (!started)
		return SERVER_BROKEN;
	switch (watch_until(w, watch_now() + ready_limit, has_said_a_line, s)) {
	case WATCHED_INTERRUPTED:
		return SERVER_INTERRUPTED;
	case WATCHED_TOO_LONG:
		return broken(s, "no ready line within %" PRId64 " s",
			      ready_limit / SECOND);
	default:
		break;
	}
	if (!has_line(s))
		return ended_early(s, "before it was ready");
	return read_ready(s);
}

/* ------------------------------------------------------------------- stopping */

static bool has_ended(void *data)
{
	struct server *s = data;

	return s->watch->ended[s->place];
}

/* SIGTERM kills a program without a handler. A JVM, and whoever says it as a shell
 * does, exits with 128 more than the signal's number. */
static bool ended_well(const struct server *s)
{
	int status = s->end.status;

	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGTERM;
	return WIFEXITED(status) && (WEXITSTATUS(status) == 0 ||
				     WEXITSTATUS(status) == 128 + SIGTERM);
}

enum server_state server_stop(struct server *s)
{
	char how[64], quoted[QUOTE_MAX + 4], *said;
	enum watched ended;

	if (s->watch->ended[s->place])
		return ended_early(s, "before it was asked to");
	kill(s->probed.child.pid, SIGTERM);
	ended = watch_until(s->watch, watch_now() + stop_limit, has_ended, s);
	reap(s);
	if (ended == WATCHED_INTERRUPTED)
		return SERVER_INTERRUPTED;
	if (ended == WATCHED_TOO_LONG)
		return broken(s,
			      "it did not end within %" PRId64
			      " s of SIGTERM, and was killed",
			      stop_limit / SECOND);
	said = last_line(s->err.text);
	if (!ended_well(s))
		return broken(s, "asked to stop, it ended badly: %s%s%s",
			      how_it_ended(s, how),
			      *said ? "; its last words: " : "",
			      quote(said, strlen(said), quoted));
	s->closing = json_loads(last_line(s->out.text), 0, NULL);
	return SERVER_WELL;
}

void server_end(struct server *s)
{
	char ignored[WHY_SIZE];

	reap(s);
	cgroup_remove(&s->probed.cgroup, ignored);
	stream_close(&s->out);
	stream_close(&s->err);
	json_decref(s->closing);
	s->closing = NULL;
}
