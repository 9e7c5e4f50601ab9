/* SPDX-License-Identifier: MIT */
/* list.c - all primitives, in the order of the results */
#include "harness/primitives/primitive.h"
#include "harness/primitives/wait.h"

#include "harness/base/grow.h"

#include <stdio.h>

static struct primitive *list;
static size_t n;

static struct primitive *add(const char *name, const char *method)
{
	list = grow(list, n + 2, sizeof(*list));
	list[n] = (struct primitive){ .name = name,
				      .method = method,
				      .results = RESULT_TIME };
	list[n + 1] = (struct primitive){ .name = NULL };
	return &list[n++];
}

static void cannot(struct meter *m, const struct primitive *p)
{
	why_not(m->why, "%s", (const char *)p->how);
}

static void add_wait(const char *method, unsigned watched, unsigned ready,
		     const struct wait_method *how)
{
	struct primitive *p = add("wait", method);

	p->watched = watched;
	p->ready = ready;
	p->how = how;
	p->measure = how ? measure_wait : measure_aio_wait;
}

static const struct wait_method *const methods[] = {
	&wait_poll,          &wait_epoll,           &wait_epoll_et,
	&wait_uring_oneshot, &wait_uring_multishot,
};
enum { METHODS = sizeof(methods) / sizeof(*methods), SELECT_MOST = 1000 };

static const struct wait_method *select_for(unsigned watched)
{
	return watched > SELECT_MOST ? &wait_select_large : &wait_select;
}

static void add_waits(unsigned watched)
{
	const struct wait_method *select = select_for(watched);

	for (unsigned part = watched; part > 0; part /= 10) {
		unsigned ready = watched / part;

		/* one, a tenth, all */
		if (ready != 1 && ready != watched / 10 && ready != watched)
			continue;
		add_wait(select->name, watched, ready, select);
		for (int i = 0; i < METHODS; i++)
			add_wait(methods[i]->name, watched, ready, methods[i]);
		add_wait("aio", watched, ready, NULL);
	}
}

static void add_register(const struct wait_method *how, unsigned watched)
{
	struct primitive *p = add("register", how->name);

	p->watched = watched;
	p->how = how;
	p->measure = measure_register;
}

static void add_registers(unsigned watched)
{
	struct primitive *p;

	add_register(select_for(watched), watched);
	for (int i = 0; i < METHODS; i++)
		add_register(methods[i], watched);
	p = add("register", "aio");
	p->watched = watched;
	p->how = "aio_cancel does not end an operation that a thread has begun";
	p->measure = cannot;
}

static struct primitive *
add_counted(const char *name, const char *method, unsigned count,
	    void (*measure)(struct meter *m, const struct primitive *p))
{
	struct primitive *p = add(name, method);

	p->count = count;
	p->measure = measure;
	return p;
}

static void add_tasks(void)
{
	for (unsigned count = 1; count <= 1000; count *= 10)
		add_counted("thread", "pthread", count, measure_threads);
	add_counted("process", "fork", 0, measure_fork);
	add_counted("process", "spawn", 0, measure_spawn);
	for (unsigned cpus = 1; cpus <= 2; cpus++) {
		add_counted("switch", "pipe", cpus, measure_switch_pipe);
		add_counted("switch", "futex", cpus, measure_switch_futex);
	}
}

static void add_calls(void)
{
	for (unsigned count = 1; count <= 1000; count *= 1000) {
		add_counted("signal", "standard", count, measure_signal)
			->results |= RESULT_COUNT;
		add_counted("signal", "realtime", count, measure_signal)
			->results |= RESULT_COUNT;
	}
	add_counted("syscall", "empty", 0, measure_empty);
	add_counted("syscall", "vdso", 0, measure_vdso);
	add_counted("syscall", "fd_isset", 0, measure_isset);
	add_counted("syscall", "select_set_again", 0, measure_timeout);
	add_counted("syscall", "select_set_once", 0, measure_timeout);
	for (unsigned count = 1; count <= 256; count *= 2)
		add_counted("batch", "uring", count, measure_batch);
}

/* Around the 20 threads that glibc's pool has unless told otherwise */
static void add_aio(void)
{
	static const unsigned counts[] = { 1, 10, 20, 21, 64 };

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		add_counted("aio", "threads", counts[i], measure_aio_threads)
			->results = RESULT_COUNT;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		add_counted("aio", "last_read", counts[i], measure_aio_last)
			->results = RESULT_COUNT;
}

const struct primitive *primitives(void)
{
	if (list)
		return list;
	add_wait("select", 2, 1, &wait_select);
	add_wait("select_gap", 2, 1, &wait_select_gap);
	for (unsigned watched = 10; watched <= 10000; watched *= 10)
		add_waits(watched);
	add_registers(10);
	add_registers(1000);
	add_registers(10000);
	add_tasks();
	add_calls();
	add_aio();
	return list;
}

char *primitive_name(const struct primitive *p, char to[PRIMITIVE_NAME_SIZE])
{
	int at = snprintf(to, PRIMITIVE_NAME_SIZE, "%s/%s", p->name, p->method);
	const struct {
		const char *name;
		unsigned value;
	} parts[] = { { "watched", p->watched },
		      { "ready", p->ready },
		      { "count", p->count } };

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (parts[i].value)
			at += snprintf(to + at, PRIMITIVE_NAME_SIZE - at,
				       "/%s:%u", parts[i].name, parts[i].value);
	return to;
}
