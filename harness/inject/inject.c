/* SPDX-License-Identifier: MIT */
/*
 * inject.c - bin/inject.so: a known effect in the system calls of a program
 *
 * It is preloaded and wraps the functions of libc and liburing by which models and
 * bin/primitives wait and transfer. $INJECT says which effect (effects.h):
 *
 *	delay	after each wait and each transfer, TIME of computing
 *	sleep	the same, asleep
 *	scan	after each wait, TIME of computing for each descriptor that is watched:
 *		those that poll and select were given, or were registered with epoll, or
 *		the clients that were accepted
 *	calls	with each transfer, and each signal that is taken, N calls of getppid
 *	threads	N threads that sleep
 *	memory	SIZE more for each client
 *
 * A transfer is a recv, send, read or write that moved something, or an entry that an
 * io_uring submitted.
 */
#include "harness/base/units.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct io_uring;

static int64_t delay, pause_ns, scan;
static uint64_t calls, threads, memory;
static atomic_long clients;

/* By the descriptor of epoll; closing it does not remove what it watches. */
enum { EPOLLS_MAX = 65536 };
static atomic_long watched[EPOLLS_MAX];

/* ------------------------------------------------------------------- the effects */

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void compute(int64_t ns)
{
	int64_t end = ns > 0 ? now() + ns : 0;

	while (ns > 0 && now() < end)
		;
}

static void rest(int64_t ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };

	if (ns > 0)
		syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL);
}

static void call(void)
{
	for (uint64_t k = 0; k < calls; k++)
		syscall(SYS_getppid);
}

static void transferred(long n)
{
	for (long i = 0; i < n; i++) {
		call();
		compute(delay);
		rest(pause_ns);
	}
}

static void waited(long descriptors)
{
	long n = descriptors > 0 ? descriptors : atomic_load(&clients);

	compute(scan * n + delay);
	rest(pause_ns);
}

/* Touched, so that it is resident; it is never freed. */
static void accepted(int fd)
{
	static _Thread_local void *more;

	if (fd < 0)
		return;
	atomic_fetch_add(&clients, 1);
	if (memory && (more = malloc(memory)))
		memset(more, 1, memory);
}

static void *idle(void *unused)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	for (;;)
		pause();
	return unused;
}

static void begin_threads(void)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (uint64_t i = 0; i < threads; i++)
		pthread_create(&thread, &small, idle, NULL);
	pthread_attr_destroy(&small);
}

/* Only in the program itself: its children would inherit the environment. */
__attribute__((constructor)) static void begin(void)
{
	const char *effect = getenv("INJECT") ?: "";
	const char *amount = strchr(effect, '=');

	unsetenv("LD_PRELOAD");
	if (!amount++)
		return;
	if (strncmp(effect, "delay=", 6) == 0)
		parse_time(amount, &delay);
	else if (strncmp(effect, "sleep=", 6) == 0)
		parse_time(amount, &pause_ns);
	else if (strncmp(effect, "scan=", 5) == 0)
		parse_time(amount, &scan);
	else if (strncmp(effect, "calls=", 6) == 0)
		parse_count(amount, &calls);
	else if (strncmp(effect, "threads=", 8) == 0)
		parse_count(amount, &threads);
	else if (strncmp(effect, "memory=", 7) == 0)
		parse_bytes(amount, &memory);
	begin_threads();
}

/* ----------------------------------------------------------------- the functions */

/* The function that would be called without this library */
#define REAL(name)                                                             \
	static __typeof__(name) *real;                                         \
	if (!real)                                                             \
	real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

ssize_t recv(int fd, void *to, size_t size, int flags)
{
	REAL(recv);
	ssize_t n = real(fd, to, size, flags);

	transferred(n > 0);
	return n;
}

ssize_t send(int fd, const void *from, size_t size, int flags)
{
	REAL(send);
	ssize_t n = real(fd, from, size, flags);

	transferred(n > 0);
	return n;
}

ssize_t read(int fd, void *to, size_t size)
{
	REAL(read);
	ssize_t n = real(fd, to, size);

	transferred(n > 0);
	return n;
}

ssize_t write(int fd, const void *from, size_t size)
{
	REAL(write);
	ssize_t n = real(fd, from, size);

	transferred(n > 0);
	return n;
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	REAL(accept4);
	int client = real(fd, address, size, flags);

	accepted(client);
	return client;
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	REAL(poll);
	int ready = real(fds, n, timeout);

	waited((long)n);
	return ready;
}

int select(int n, fd_set *in, fd_set *out, fd_set *except, struct timeval *time)
{
	REAL(select);
	int ready = real(n, in, out, except, time);

	waited(n);
	return ready;
}

int pselect(int n, fd_set *in, fd_set *out, fd_set *except,
	    const struct timespec *time, const sigset_t *mask)
{
	REAL(pselect);
	int ready = real(n, in, out, except, time, mask);

	waited(n);
	return ready;
}

static long watched_by(int epoll)
{
	return epoll >= 0 && epoll < EPOLLS_MAX ? atomic_load(&watched[epoll]) :
						  0;
}

int epoll_create1(int flags)
{
	REAL(epoll_create1);
	int epoll = real(flags);

	if (epoll >= 0 && epoll < EPOLLS_MAX)
		atomic_store(&watched[epoll], 0);
	return epoll;
}

int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	REAL(epoll_ctl);
	int result = real(epoll, op, fd, event);

	if (result != 0 || epoll >= EPOLLS_MAX)
		return result;
	if (op == EPOLL_CTL_ADD)
		atomic_fetch_add(&watched[epoll], 1);
	else if (op == EPOLL_CTL_DEL)
		atomic_fetch_sub(&watched[epoll], 1);
	return result;
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
	REAL(epoll_wait);
	int n = real(epoll, events, most, timeout);

	waited(watched_by(epoll));
	return n;
}

int epoll_pwait(int epoll, struct epoll_event *events, int most, int timeout,
		const sigset_t *mask)
{
	REAL(epoll_pwait);
	int n = real(epoll, events, most, timeout, mask);

	waited(watched_by(epoll));
	return n;
}

int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *t)
{
	REAL(sigtimedwait);
	int signal = real(set, info, t);

	waited(0);
	if (signal > 0)
		call();
	return signal;
}

/* ------------------------------------------------------- liburing, if it is there */

int io_uring_submit(struct io_uring *ring);
int io_uring_submit_and_wait(struct io_uring *ring, unsigned n);

int io_uring_submit(struct io_uring *ring)
{
	REAL(io_uring_submit);
	int n = real(ring);

	transferred(n);
	return n;
}

int io_uring_submit_and_wait(struct io_uring *ring, unsigned wait)
{
	REAL(io_uring_submit_and_wait);
	int n = real(ring, wait);

	transferred(n);
	waited(0);
	return n;
}

/* ------------------------------------------------- what only primitives are made of */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
		   void *(*begin_at)(void *), void *argument)
{
	REAL(pthread_create);
	int result = real(thread, attributes, begin_at, argument);

	if (begin_at != idle)
		transferred(1);
	return result;
}
