/* SPDX-License-Identifier: MIT */
/* clients.c - clients that send a few requests at fixed times: see clients.h */
#include "harness/timeline/clients.h"

#include "harness/base/die.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS INT64_C(1000000)

enum { CALLS_MAX = 512, WARM_UP_LEAST = 20, REPLY_SECONDS = 10 };

/* What they are told at the start */
struct start {
	int64_t at, spacing;
};

struct client_calls {
	struct trace_event event[CLIENTS_MAX][CALLS_MAX];
	unsigned n[CLIENTS_MAX];
};

/* ---------------------------------------------------------------- in the client */

struct client {
	const struct clients *of;
	unsigned number;
	int fd;
	char *message;
	bool starts; /* the story: calls are reported */
};

static _Noreturn void give_up(struct client *me, const char *call, int error)
{
	dprintf(me->of->said.fd, "failed %s: %s\n", call,
		error ? strerror(error) : "the server closed the connection");
	_exit(1);
}

static void report(struct client *me, enum trace_kind kind, int call,
		   int64_t value)
{
	struct client_calls *calls = me->of->calls;
	unsigned *n;

	if (!calls || !me->starts)
		return;
	n = &calls->n[me->number];
	if (*n < CALLS_MAX)
		calls->event[me->number][(*n)++] = (struct trace_event){
			.time = (uint64_t)monotonic_ns(),
			.task = (uint64_t)getpid() << 32 | (uint32_t)getpid(),
			.thread = (uint32_t)getpid(),
			.process = (uint32_t)getpid(),
			.kind = kind,
			.what = call,
			.value = value,
		};
}

static void send_request(struct client *me)
{
	const size_t size = me->of->plan->message;

	for (size_t sent = 0; sent < size;) {
		ssize_t n;

		report(me, TRACE_ENTER, SYS_sendto, me->fd);
		n = send(me->fd, me->message + sent, size - sent, MSG_NOSIGNAL);
		report(me, TRACE_EXIT, SYS_sendto, n < 0 ? -errno : n);
		if (n < 0)
			give_up(me, "send", errno);
		sent += (size_t)n;
	}
}

static void receive_reply(struct client *me)
{
	const size_t size = me->of->plan->message;

	for (size_t received = 0; received < size;) {
		ssize_t n;

		report(me, TRACE_ENTER, SYS_recvfrom, me->fd);
		n = recv(me->fd, me->message, size - received, 0);
		report(me, TRACE_EXIT, SYS_recvfrom, n < 0 ? -errno : n);
		if (n <= 0)
			give_up(me, "recv", n < 0 ? errno : 0);
		received += (size_t)n;
	}
}

static void sleep_until(struct client *me, int64_t ns)
{
	struct timespec until = { ns / 1000000000, ns % 1000000000 };

	report(me, TRACE_ENTER, SYS_clock_nanosleep, CLOCK_MONOTONIC);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL))
		;
	report(me, TRACE_EXIT, SYS_clock_nanosleep, 0);
}

static unsigned connect_client(struct client *me)
{
	struct sockaddr_in to = { .sin_family = AF_INET }, own;
	struct timeval patience = { .tv_sec = REPLY_SECONDS };
	socklen_t length = sizeof(own);
	const int one = 1;

	inet_pton(AF_INET, me->of->server->host, &to.sin_addr);
	to.sin_port = htons(me->of->server->port);
	me->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (me->fd < 0 || connect(me->fd, (void *)&to, sizeof(to)) < 0 ||
	    getsockname(me->fd, (void *)&own, &length) < 0)
		give_up(me, "connect", errno);
	setsockopt(me->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(me->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	return ntohs(own.sin_port);
}

static int ascending(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The time of a reply, which nine in ten do not exceed; of the last ones, because a server
 * may learn */
static int64_t warm_up(struct client *me)
{
	enum { LAST = 1024 };
	static int64_t took[LAST];
	const int64_t begin = monotonic_ns(), all = me->of->plan->warm_up;
	int64_t now = begin;
	unsigned n;

	for (n = 0; n < WARM_UP_LEAST || now < begin + all; n++) {
		int64_t sent = now;

		send_request(me);
		receive_reply(me);
		now = monotonic_ns();
		took[n % LAST] = now - sent;
	}
	if (n > LAST)
		n = LAST;
	qsort(took, n, sizeof(*took), ascending);
	return took[n * 9 / 10];
}

static void become(struct client *me, pid_t parent)
{
	const struct clients *c = me->of;
	char name[16];
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	snprintf(name, sizeof(name), "client %c", 'A' + (int)me->number);
	prctl(PR_SET_NAME, name);
	prctl(PR_SET_TIMERSLACK, 1);
	for (int s = 1; s < SIGRTMIN; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sched_setaffinity(0, sizeof(*c->plan->cpus), c->plan->cpus);
	if (cgroup_enter(&c->server->probed.cgroup) < 0)
		give_up(me, "cgroup", errno);
}

static _Noreturn void client_main(struct client *me, int said, pid_t parent)
{
	const struct clients_plan *plan = me->of->plan;
	const struct client_times *times = &plan->times[me->number];
	struct start start;
	unsigned port;

	become(me, parent);
	me->message = calloc(1, plan->message);
	if (!me->message)
		give_up(me, "calloc", errno);
	port = connect_client(me);
	dprintf(said, "ready %u %d %" PRId64 "\n", port, me->fd, warm_up(me));
	if (read(me->of->go[0], &start, sizeof(start)) != sizeof(start))
		_exit(1);
	me->starts = true;
	for (int i = 0; i < plan->rounds * MOMENTS; i++) {
		int64_t at = start.at + i * start.spacing;

		if (!times->sends[i % MOMENTS])
			continue;
		if (plan->n == 1 && i > 0)
			at = monotonic_ns() + plan->least;
		/* Held up for so long that it would send beside a later one */
		if (monotonic_ns() > at + start.spacing / 2)
			continue;
		sleep_until(me, at);
		send_request(me);
		receive_reply(me);
	}
	sleep_until(me, start.at + plan->rounds * MOMENTS * start.spacing);
	if (write(said, "done\n", 5) != 5)
		_exit(1);
	for (;;)
		pause();
}

/* --------------------------------------------------------------- in this process */

/* If the server died, a client may notice it first. */
static bool failed(struct clients *c, const char *what)
{
	const int64_t dies_within = 300 * MS;

	if (wait_until(c->server->wait_set, monotonic_ns() + dies_within,
		       server_has_ended, c->server) == WAIT_INTERRUPTED)
		return false;
	if (server_died(c->server))
		snprintf(c->why, sizeof(c->why), "%s", c->server->why);
	else if (!*c->why)
		snprintf(c->why, sizeof(c->why), "%s", what);
	return false;
}

static void hear(struct clients *c)
{
	char line[256];

	while (stream_line(&c->said, line, sizeof(line))) {
		unsigned port;
		int64_t usual;
		int fd;

		if (sscanf(line, "ready %u %d %" SCNd64, &port, &fd, &usual) ==
		    3) {
			c->port[c->ready] = port;
			c->fd[c->ready] = fd;
			c->ready++;
			if (usual > c->usual)
				c->usual = usual;
		} else if (strcmp(line, "done") == 0) {
			c->done++;
		} else if (!*c->why) {
			snprintf(c->why, sizeof(c->why), "a client %s", line);
		}
	}
}

struct awaited {
	struct clients *c;
	const unsigned *count;
	unsigned wanted;
};

static bool has_come(void *data)
{
	struct awaited *a = data;

	hear(a->c);
	return *a->count >= a->wanted || *a->c->why ||
	       server_has_ended(a->c->server);
}

static bool await(struct clients *c, const unsigned *count, unsigned wanted)
{
	struct awaited a = { c, count, wanted };
	enum wait_result result =
		wait_until(c->server->wait_set,
			   monotonic_ns() + 2 * REPLY_SECONDS * 1000 * MS,
			   has_come, &a);

	if (result == WAIT_DONE && *count >= wanted)
		return true;
	return failed(c, "the server does not reply");
}

static bool start_one(struct clients *c, int said)
{
	struct client me = { .of = c, .number = c->ready };
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return failed(c, "fork failed");
	if (pid == 0) {
		close(c->go[1]);
		c->said.fd = said;
		client_main(&me, said, parent);
	}
	c->pid[c->ready] = pid;
	return await(c, &c->ready, c->ready + 1);
}

bool clients_start(struct clients *c, const struct clients_plan *plan,
		   struct server *s)
{
	int said[2];
	bool started = true;

	*c = (struct clients){ .plan = plan, .server = s, .go = { -1, -1 } };
	c->said.fd = -1;
	if (pipe2(c->go, O_CLOEXEC) < 0 || pipe2(said, O_CLOEXEC) < 0)
		die("pipe");
	stream_open(&c->said, said[0], 4096);
	wait_add_stream(s->wait_set, &c->said);
	if (plan->report)
		c->calls = mmap(NULL, sizeof(*c->calls), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c->calls == MAP_FAILED)
		die("mmap");
	for (unsigned i = 0; i < plan->n && started; i++)
		started = start_one(c, said[1]);
	close(said[1]);
	return started;
}

/* Moments are so far apart that a request has its reply before the next one. */
bool clients_run(struct clients *c)
{
	const int64_t most = 200 * MS, delay = 2 * MS;
	struct start start;

	c->spacing = 4 * c->usual;
	if (c->spacing < c->plan->least)
		c->spacing = c->plan->least;
	if (c->spacing > most)
		c->spacing = most;
	c->start = monotonic_ns() + delay;
	start = (struct start){ c->start, c->spacing };
	for (unsigned i = 0; i < c->plan->n; i++)
		if (write(c->go[1], &start, sizeof(start)) != sizeof(start))
			die("write");
	return await(c, &c->done, c->plan->n);
}

void clients_calls(const struct clients *c, struct trace *t)
{
	for (unsigned i = 0; c->calls && i < c->plan->n; i++)
		for (unsigned j = 0; j < c->calls->n[i]; j++)
			trace_add(t, &c->calls->event[i][j]);
}

void clients_end(struct clients *c)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		if (c->pid[i] <= 0)
			continue;
		kill(c->pid[i], SIGKILL);
		while (waitpid(c->pid[i], NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (c->calls)
		munmap(c->calls, sizeof(*c->calls));
	stream_close(&c->said);
	for (int i = 0; i < 2; i++)
		if (c->go[i] >= 0)
			close(c->go[i]);
	*c = (struct clients){ .go = { -1, -1 } };
	c->said.fd = -1;
}
