/* SPDX-License-Identifier: MIT */
/* server.c - the server under test: see server.h */
#include "harness/measure/server.h"

#include "harness/base/die.h"
#include "harness/base/program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

/* The contract allows a server one second to stop; a busy machine may need more. */
static const int64_t ready_limit = 10 * SECOND, stop_limit = 5 * SECOND;
/* To accept the clients that have connected */
static const int64_t accept_limit = SECOND;
enum { STREAM_MOST = 64 * 1024, LINE_MOST = 4096, QUOTE_MAX = 120 };

static enum server_state failed(struct server *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static enum server_state failed(struct server *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(s->why, sizeof(s->why), format, args);
	va_end(args);
	return SERVER_FAILED;
}

/* Printable, and at most QUOTE_MAX characters */
static const char *quote(const char *text, size_t n, char to[QUOTE_MAX + 4])
{
	size_t i;

	for (i = 0; i < n && i < QUOTE_MAX && text[i]; i++)
		to[i] = text[i] >= ' ' && text[i] != 127 ? text[i] : '?';
	strcpy(to + i, i < n && text[i] ? "..." : "");
	return to;
}

/* ------------------------------------------------------------------- starting */

enum { OUR_ARGUMENTS = 8, NUMBER_SIZE = 24 };

/* A command that names {port} gets no options. */
static void add_arguments(const struct server_plan *plan, char **to,
			  char number[NUMBER_SIZE])
{
	int n = 0;

	snprintf(number, NUMBER_SIZE, "%zu", plan->cell->message);
	if (!plan->command->names_port) {
		to[n++] = "--port";
		to[n++] = "0";
		to[n++] = "--message";
		to[n++] = number;
		if (strcmp(plan->cell->work, "none") != 0) {
			to[n++] = "--work";
			to[n++] = (char *)plan->cell->work;
		}
		if (plan->cell->service == SERVICE_HTTP) {
			to[n++] = "--service";
			to[n++] = "http";
		}
	}
	to[n] = NULL;
}

static void add_to_wait_set(struct server *s, struct wait_set *w)
{
	s->wait_set = w;
	s->child_index = wait_add_child(w, &s->probed.child);
	wait_add_stream(w, &s->out);
	wait_add_stream(w, &s->err);
}

static void count(struct server *s, enum syscalls_method method)
{
	if (syscalls_open(&s->probed.syscalls, method, &s->probed.cgroup,
			  s->probed.child.pid, s->uncounted))
		*s->uncounted = '\0';
	s->method = s->probed.syscalls.method;
}

/* The child is created stopped before its exec, so that counting misses no call. */
static bool start_child(struct server *s, const struct server_plan *plan,
			const struct process_setup *setup, const char *path)
{
	const struct command *command = plan->command;
	char number[NUMBER_SIZE];
	char **argv = command_argv(command, s->port, OUR_ARGUMENTS);
	struct child_plan child = { .path = path,
				    .argv = argv,
				    .cgroup = &s->probed.cgroup,
				    .signals = s->wait_set->mask,
				    .prepare = process_setup,
				    .data = (void *)setup };

	add_arguments(plan, argv + command->words, number);
	if (!cgroup_make(&s->probed.cgroup, s->no_cgroup))
		s->probed.cgroup = (struct cgroup)NO_CGROUP;
	else
		*s->no_cgroup = '\0';
	s->running = child_start(&s->probed.child, &child, s->why);
	command_argv_free(argv, command->words);
	if (!s->running)
		return false;
	count(s, plan->counting);
	if (child_go(&s->probed.child))
		return true;
	s->running = false;
	failed(s, "%s cannot be started: %s", basename(command->word[0]),
	       strerror(errno));
	return false;
}

static bool open_pipes(struct server *s, int out[2], int err[2])
{
	if (pipe2(out, O_CLOEXEC) < 0)
		return failed(s, "pipe: %s", strerror(errno)), false;
	if (pipe2(err, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return failed(s, "pipe: %s", strerror(errno)), false;
	}
	stream_open(&s->out, out[0], STREAM_MOST);
	stream_open(&s->err, err[0], STREAM_MOST);
	return true;
}

/* ------------------------------------------------------------- the ready line */

/* True also for output that is too long to be a ready line. */
static bool has_line(const struct server *s)
{
	return strchr(s->out.text, '\n') || s->out.n > LINE_MOST;
}

bool server_has_ended(void *data)
{
	struct server *s = data;

	return s->wait_set->ended[s->child_index];
}

static bool has_line_or_ended(void *data)
{
	struct server *s = data;

	return has_line(s) || server_has_ended(s);
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

/*
 * A wrong ready line may name the port of another server, which would be measured in
 * its place. NULL: neither the server nor a child of it listens on s->port.
 */
static const char *listening_host(const struct server *s)
{
	size_t n;
	pid_t *all = cgroup_processes(&s->probed.cgroup, &n);
	const char *host = command_listen_host(all, n, s->port);

	free(all);
	return host ?: command_listen_host(&s->probed.child.pid, 1, s->port);
}

static const char no_ready_line_help[] =
	"for a server without a ready line, put {port} into its command, or "
	"start it before and give its address, 127.0.0.1:PORT";

static enum server_state read_ready(struct server *s)
{
	char quoted[QUOTE_MAX + 4];
	size_t n = strcspn(s->out.text, "\n");
	unsigned pid;

	if (sscanf(s->out.text, "ready model=%*s host=%63s port=%u pid=%u",
		   s->host, &s->port, &pid) != 3 ||
	    s->port < 1 || s->port > 65535)
		return failed(s,
			      "its first line is not 'ready model=NAME "
			      "host=ADDRESS port=N pid=N': '%s'; %s",
			      quote(s->out.text, n, quoted),
			      no_ready_line_help);
	if (!is_ours(s, (pid_t)pid))
		return failed(s,
			      "its ready line says pid=%u, but it was started "
			      "as %d: the probes would read another process "
			      "than the one that answers; a script has to exec "
			      "its server",
			      pid, s->probed.child.pid);
	if (!listening_host(s))
		return failed(s,
			      "its ready line says port=%u, but it does not "
			      "listen there",
			      s->port);
	return SERVER_OK;
}

/* ---------------------------------------------------------------- how it ended */

/* Of the dynamic linker: a library is missing */
enum { EXIT_NOT_FOUND = 127 };

/* Reaps it and reads the rest of its output. */
static void reap(struct server *s)
{
	if (!s->running)
		return;
	s->running = false;
	s->wait_set->ended[s->child_index] = true;
	syscalls_close(&s->probed.syscalls);
	child_reap(&s->probed.child, &s->probed.cgroup, &s->end);
	stream_take(&s->out);
	stream_take(&s->err);
}

static const char *exit_text(const struct server *s, char to[64])
{
	int status = s->end.status;

	if (status == -1)
		snprintf(to, 64, "its keeper process was killed");
	else if (WIFSIGNALED(status))
		snprintf(to, 64, "killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(to, 64, "exit status %d", WEXITSTATUS(status));
	return to;
}

static enum server_state report_early_end(struct server *s, const char *when)
{
	char how[64], quoted[QUOTE_MAX + 4], *line;
	int status;

	reap(s);
	status = s->end.status;
	line = last_line(s->err.text);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_UNSUPPORTED) {
		snprintf(s->why, sizeof(s->why), "%.400s",
			 *line ? line : "exit status 77, without a reason");
		return SERVER_UNSUPPORTED;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_FOUND &&
	    strstr(line, "error while loading shared libraries")) {
		snprintf(s->why, sizeof(s->why), "%.400s", line);
		return SERVER_UNSUPPORTED;
	}
	failed(s, "it ended %s: %s%s%s", when, exit_text(s, how),
	       *line ? "; last line on stderr: " : "",
	       quote(line, strlen(line), quoted));
	return SERVER_FAILED;
}

bool server_died(struct server *s)
{
	if (!s->running || s->asked || !server_has_ended(s))
		return false;
	report_early_end(s, "while clients were connected");
	return true;
}

static enum server_state await_ready_line(struct server *s)
{
	switch (wait_until(s->wait_set, monotonic_ns() + ready_limit,
			   has_line_or_ended, s)) {
	case WAIT_INTERRUPTED:
		return SERVER_INTERRUPTED;
	case WAIT_TIMED_OUT:
		return failed(s, "no ready line within %" PRId64 " s; %s",
			      ready_limit / SECOND, no_ready_line_help);
	default:
		break;
	}
	if (!has_line(s))
		return report_early_end(s, "before it was ready");
	return read_ready(s);
}

/* Does not connect to test whether it is ready: the server may count its clients. */
static enum server_state await_listening(struct server *s)
{
	const int64_t end = monotonic_ns() + ready_limit,
		      look_again = SECOND / 50;
	const char *host;

	while (!(host = listening_host(s))) {
		int64_t now = monotonic_ns();

		if (now >= end)
			return failed(s,
				      "it did not listen on port %u, given for "
				      "{port}, within %" PRId64 " s",
				      s->port, ready_limit / SECOND);
		if (wait_until(s->wait_set, now + look_again, server_has_ended,
			       s) == WAIT_INTERRUPTED)
			return SERVER_INTERRUPTED;
		if (server_has_ended(s))
			return report_early_end(s, "before it listened");
	}
	snprintf(s->host, sizeof(s->host), "%s", host);
	return SERVER_OK;
}

/* A server that is up already is not started, and so not stopped. */
static enum server_state use_running(struct server *s,
				     const struct server_plan *plan)
{
	const struct command *c = plan->command;
	bool may_count = plan->counting == SYSCALLS_BPF;

	snprintf(s->host, sizeof(s->host), "%s", c->host);
	s->port = c->port;
	s->probed.child = (struct child){ .fd = -1, .pid = c->pid };
	if (!command_available(c, s->why))
		return SERVER_FAILED;
	count(s, may_count ? plan->counting : SYSCALLS_NONE);
	if (plan->counting != SYSCALLS_NONE && !may_count)
		snprintf(
			s->uncounted, sizeof(s->uncounted),
			"only bpf counts those of a process that runs already");
	return SERVER_OK;
}

/* Free now. Another process may take it before the server binds it: then the server
 * fails, and its reason says so. */
static unsigned free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (void *)&address, length) < 0 ||
	    getsockname(fd, (void *)&address, &length) < 0)
		die("find a free port");
	close(fd);
	return ntohs(address.sin_port);
}

enum server_state server_start(struct server *s, const struct server_plan *plan,
			       struct wait_set *w)
{
	const struct command *command = plan->command;
	char path[PATH_MAX];
	struct process_setup setup = { .hold = -1, .cpus = plan->cpus };
	int out[2], err[2];
	bool started;

	*s = (struct server){ .probed = { .cgroup = NO_CGROUP } };
	s->out.fd = s->err.fd = -1;
	if (!command->words) {
		add_to_wait_set(s, w);
		return use_running(s, plan);
	}
	if (!program_find(command->word[0], path))
		return failed(s, "%s cannot be started: %s",
			      basename(command->word[0]), strerror(errno));
	if (command->names_port)
		s->port = free_port();
	if (!open_pipes(s, out, err))
		return SERVER_FAILED;
	setup.out = out[1];
	setup.err = err[1];
	add_to_wait_set(s, w);
	started = start_child(s, plan, &setup, path);
	close(out[1]);
	close(err[1]);
	if (!started)
		return SERVER_FAILED;
	return command->names_port ? await_listening(s) : await_ready_line(s);
}

/* ------------------------------------------------------------------ accepting */

/* Whether clients that connected to this port have not been accepted yet. The kernel
 * lists listening sockets before all others, of which there may be ten thousands. */
static bool has_backlog(const char *table, unsigned port)
{
	FILE *file = fopen(table, "re");
	bool found = false, listens = true;
	char line[512];

	while (file && !found && listens && fgets(line, sizeof(line), file)) {
		unsigned local, state, waiting;

		if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%x",
			   &local, &state, &waiting) != 3)
			continue; /* the heading */
		listens = state == TCP_LISTEN;
		found = listens && local == port && waiting > 0;
	}
	if (file)
		fclose(file);
	return found;
}

enum wait_result server_await_accept(struct server *s)
{
	const int64_t end = monotonic_ns() + accept_limit, pause = SECOND / 500;
	enum wait_result result = WAIT_TIMED_OUT;

	while (result == WAIT_TIMED_OUT && monotonic_ns() < end &&
	       (has_backlog("/proc/net/tcp", s->port) ||
		has_backlog("/proc/net/tcp6", s->port)))
		result = wait_until(s->wait_set, monotonic_ns() + pause,
				    server_has_ended, s);
	return result;
}

/* ------------------------------------------------------------------- stopping */

/* SIGTERM kills a program without a handler. A JVM and a shell exit with 128 + the
 * number of the signal. */
static bool exit_is_clean(const struct server *s)
{
	int status = s->end.status;

	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGTERM;
	return WIFEXITED(status) && (WEXITSTATUS(status) == 0 ||
				     WEXITSTATUS(status) == 128 + SIGTERM);
}

void server_ask_to_stop(struct server *s)
{
	if (!s->running || s->asked || server_has_ended(s))
		return;
	s->asked = true;
	kill(s->probed.child.pid, SIGTERM);
	kill(s->probed.child.pid, SIGCONT); /* it may have stopped itself */
}

enum server_state server_stop(struct server *s)
{
	char how[64], quoted[QUOTE_MAX + 4], *line;
	enum wait_result ended;

	if (!s->running) /* up already: not started here */
		return SERVER_OK;
	server_ask_to_stop(s);
	if (!s->asked)
		return report_early_end(s, "before SIGTERM was sent");
	ended = wait_until(s->wait_set, monotonic_ns() + stop_limit,
			   server_has_ended, s);
	reap(s);
	if (ended == WAIT_INTERRUPTED)
		return SERVER_INTERRUPTED;
	if (ended == WAIT_TIMED_OUT)
		return failed(s,
			      "it did not end within %" PRId64
			      " s of SIGTERM and was killed",
			      stop_limit / SECOND);
	line = last_line(s->err.text);
	if (!exit_is_clean(s))
		return failed(s, "wrong exit after SIGTERM: %s%s%s",
			      exit_text(s, how),
			      *line ? "; last line on stderr: " : "",
			      quote(line, strlen(line), quoted));
	s->closing = json_loads(last_line(s->out.text), 0, NULL);
	return SERVER_OK;
}

void server_end(struct server *s)
{
	char ignored[WHY_SIZE];

	reap(s);
	if (s->method != SYSCALLS_NONE)
		syscalls_close(&s->probed.syscalls);
	cgroup_remove(&s->probed.cgroup, ignored);
	stream_close(&s->out);
	stream_close(&s->err);
	json_decref(s->closing);
	s->closing = NULL;
}
