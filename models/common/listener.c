/* SPDX-License-Identifier: MIT */
/* listener.c - the listening socket and the admission of clients */
#include "listener.h"

#include "model.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The kernel caps it at net.core.somaxconn. */
enum { BACKLOG = 4096 };

/* How long accepting pauses after an error that an immediate retry repeats */
enum { PAUSE_MS = 10 };

enum {
	TRIES_AT_ONCE = 10,     /* retries of accept without a pause */
	WAIT_FAILURES_MAX = 100 /* in a row, a pause apart: the server ends */
};

/*
 * At the limit of descriptors accept fails and leaves the client in the queue,
 * which keeps the listening socket readable. One descriptor is held in reserve:
 * with it closed, the client can be accepted and closed.
 */
static int reserve_fd = -1;

/* Read without a lock by models with several threads */
static atomic_llong resume_ms; /* accepting pauses until then; 0: it does not */
static int accept_failures;

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static bool hold_reserve(void)
{
	if (reserve_fd < 0)
		reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return reserve_fd >= 0;
}

static bool is_loopback(const struct sockaddr *address)
{
	const struct sockaddr_in *in = (const void *)address;
	const struct sockaddr_in6 *in6 = (const void *)address;

	if (address->sa_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* Each client takes a descriptor. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit); /* can fail; the old limit holds */
}

static void switch_on(int fd, int level, int option, const char *name)
{
	const int on = 1;

	if (setsockopt(fd, level, option, &on, sizeof(on)) < 0)
		die("setsockopt %s", name);
}

/* On Linux accepted sockets inherit the options. */
static int new_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	switch_on(fd, SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR");
	switch_on(fd, IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY");
	return fd;
}

int listen_on(const struct options *opt)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE,
					.ai_socktype = SOCK_STREAM };
	struct addrinfo *address;
	char port[8];
	int fd, error;

	raise_descriptor_limit();
	snprintf(port, sizeof(port), "%u", opt->port);
	error = getaddrinfo(opt->host, port, &hints, &address);
	if (error)
		die_usage("--host '%s': %s; it takes an address of this "
			  "machine, such as 127.0.0.1 or ::1",
			  opt->host, gai_strerror(error));
	fd = new_socket(address->ai_family);
	if (bind(fd, address->ai_addr, address->ai_addrlen) < 0)
		die("bind %s port %u", opt->host, opt->port);
	if (listen(fd, BACKLOG) < 0)
		die("listen");
	if (!is_loopback(address->ai_addr))
		warn("WARNING: listening on %s: reachable from other machines",
		     opt->host);
	freeaddrinfo(address);
	if (!hold_reserve())
		die("open /dev/null");
	return fd;
}

int listen_beside(int listen_fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	int fd;

	if (getsockname(listen_fd, (void *)&address, &length) < 0)
		die("getsockname");
	fd = new_socket(address.ss_family);
	/* Not before listen_on() has bound: nobody else may use the port. */
	switch_on(listen_fd, SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT");
	switch_on(fd, SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT");
	if (bind(fd, (void *)&address, length) < 0)
		die("bind");
	if (listen(fd, BACKLOG) < 0)
		die("listen");
	return fd;
}

void ready(int listen_fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	char host[NI_MAXHOST], port[NI_MAXSERV];

	if (getsockname(listen_fd, (void *)&address, &length) < 0)
		die("getsockname");
	getnameinfo((void *)&address, length, host, sizeof(host), port,
		    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
	printf("ready model=%s host=%s port=%s pid=%d\n", model_name, host,
	       port, getpid());
	if (fflush(stdout) != 0)
		exit(EXIT_FAILED); /* output.c prints the cause */
}

static void refuse(int fd, enum refusal why)
{
	close(fd);
	totals.refused[why]++;
}

struct conn *admit(int fd, const struct options *opt)
{
	struct conn *c = NULL;

	accept_failures = 0;
	if (!hold_reserve()) {
		refuse(fd, REFUSED_DESCRIPTORS);
		hold_reserve(); /* in place of the one just closed */
	} else if (opt->max_clients && conn_count() >= opt->max_clients) {
		refuse(fd, REFUSED_LIMIT);
	} else if (!(c = conn_begin(fd, opt))) {
		refuse(fd, REFUSED_MEMORY);
	}
	return c;
}

void turn_away(struct conn *c, enum refusal why)
{
	int fd = c->fd;

	conn_cancel(c);
	refuse(fd, why);
}

void accept_failed(const char *call, int error)
{
	if (stopping)
		return;
	switch (error) {
	case EMFILE:
	case ENFILE:
		if (reserve_fd >= 0) {
			close(reserve_fd);
			reserve_fd = -1;
			return; /* for the next accept to use */
		}
		break;
	case ENOBUFS:
	case ENOMEM:
		break;
	case EAGAIN: /* the client has left the queue */
	case EINTR:
	case ECONNABORTED:
	case EPERM:       /* a firewall rule */
	case EPROTO:      /* from here on: pending network errors, */
	case ENOPROTOOPT: /* which Linux passes on: accept(2) */
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
	case EOPNOTSUPP:
	case ETIMEDOUT:
		if (++accept_failures < TRIES_AT_ONCE)
			return;
		break;
	default:
		die_of(error, call);
	}
	resume_ms = now_ms() + PAUSE_MS;
}

int accept_pause(void)
{
	int64_t left;

	if (resume_ms == 0)
		return -1;
	left = resume_ms - now_ms();
	if (left > 0)
		return left;
	resume_ms = 0;
	return -1;
}

void wait_failed(const char *call, int error)
{
	const struct timespec nap = { .tv_nsec = PAUSE_MS * 1000000 };
	static _Thread_local int64_t last_ms;
	static _Thread_local int failures;
	int64_t now = now_ms();

	if (stopping)
		return;
	if (error != EINTR && error != EAGAIN && error != ENOMEM &&
	    error != EBUSY)
		die_of(error, call);
	failures = now - last_ms <= 2 * PAUSE_MS ? failures + 1 : 1;
	if (failures > WAIT_FAILURES_MAX)
		die_of(error, call);
	if (failures > 1)
		nanosleep(&nap, NULL);
	last_ms = now_ms();
}
