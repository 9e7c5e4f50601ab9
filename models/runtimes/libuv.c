/* SPDX-License-Identifier: MIT */
/*
 * libuv.c - one thread; libuv waits and reads, and calls a function per result
 *
 * Waits in:     uv_run, which calls epoll_wait(2)
 * Learns:       completion: what was read; inside, readiness and then a read
 * Per request:  read + write, two calls through pointers, and a share of one epoll_wait
 * Costs:        a handle per client; a reply that does not fit is queued
 * Limits:       descriptors (RLIMIT_NOFILE): libuv closes clients beyond it, which are
 *               not counted as refused
 * Compare with: ../epoll.c - the same calls in a loop of its own; node.js is built on
 *               libuv
 * Try:          strace -c bin/libuv
 */
#include "models/common/model.h"

#include <stdlib.h>
#include <uv.h>

const char model_name[] = "libuv";
const char model_summary[] = "libuv: a function called per result";

enum { BACKLOG = 4096 };

/* Of a client: its socket, and the rest of a reply */
struct handle {
	uv_tcp_t tcp;
	uv_write_t rest;
};

static const struct options *options;

static uv_stream_t *stream_of(struct conn *c)
{
	return (uv_stream_t *)c->model;
}

static void on_space(uv_handle_t *handle, size_t size, uv_buf_t *space)
{
	struct conn *c = handle->data;

	(void)size;
	*space = uv_buf_init(conn_space(c), CONN_SPACE);
}

static void on_closed(uv_handle_t *handle)
{
	conn_end(handle->data);
}

/* What remains of a reply is lost; c counts what the kernel has taken of it. */
static void drop_client(struct conn *c)
{
	size_t left = uv_stream_get_write_queue_size(stream_of(c));

	if (c->want == WANT_WRITE && left < c->out_len)
		conn_did_write(c, (ssize_t)(c->out_len - left));
	uv_close((uv_handle_t *)c->model, on_closed);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *space);
static void on_written(uv_write_t *rest, int status);

static void write_rest(struct conn *c)
{
	uv_buf_t reply = uv_buf_init((char *)c->out, c->out_len);
	struct handle *handle = c->model;
	int error;

	uv_read_stop(stream_of(c));
	error = uv_write(&handle->rest, stream_of(c), &reply, 1, on_written);
	if (error)
		conn_did_write(c, error);
}

/* Sends what fits; libuv sends the rest later, and does not read meanwhile. */
static void serve_client(struct conn *c)
{
	ssize_t n = 1;

	if (c->work)
		do_work(c);
	while (c->want == WANT_WRITE && n > 0) {
		uv_buf_t reply = uv_buf_init((char *)c->out, c->out_len);

		n = uv_try_write(stream_of(c), &reply, 1);
		conn_did_write(c, n);
	}
	if (c->want == WANT_WRITE)
		write_rest(c);
	if (c->want == WANT_CLOSE)
		drop_client(c);
	conn_rest(c);
}

/* n is 0 if there was nothing to read, UV_EOF, or another negative errno. */
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *space)
{
	struct conn *c = stream->data;

	(void)space;
	conn_did_read(c, n == 0 ? -EAGAIN : n == UV_EOF ? 0 : n);
	serve_client(c);
}

static void on_written(uv_write_t *rest, int status)
{
	struct conn *c = rest->handle->data;

	if (uv_is_closing((uv_handle_t *)rest->handle))
		return;
	conn_did_write(c, status < 0 ? status : (ssize_t)c->out_len);
	serve_client(c);
	if (c->want == WANT_READ)
		uv_read_start(rest->handle, on_space, on_read);
}

static void on_refused(uv_handle_t *handle)
{
	free(handle);
}

/* libuv calls this again and again until accept finds nothing, or its socket is closed. */
static void accept_client(uv_stream_t *listener, int status)
{
	struct handle *handle = NULL;
	struct conn *c = NULL;
	uv_os_fd_t fd;

	if (stopping && !uv_is_closing((uv_handle_t *)listener))
		uv_close((uv_handle_t *)listener, NULL);
	if (status < 0)
		accept_failed("uv_listen", -status);
	else if (!stopping)
		handle = malloc(sizeof(*handle));
	if (!handle)
		return;
	uv_tcp_init(listener->loop, &handle->tcp);
	uv_accept(listener, (uv_stream_t *)&handle->tcp);
	uv_fileno((uv_handle_t *)&handle->tcp, &fd);
	if (options->max_clients && conn_count() >= options->max_clients)
		totals.refused[REFUSED_LIMIT]++;
	else if (!(c = conn_begin(fd, options)))
		totals.refused[REFUSED_MEMORY]++;
	if (!c) { /* not admit(), which would close libuv's descriptor */
		uv_close((uv_handle_t *)handle, on_refused);
		return;
	}
	c->model = handle;
	handle->tcp.data = c;
	uv_read_start(stream_of(c), on_space, on_read);
}

int serve(int listen_fd, const struct options *opt)
{
	uv_loop_t *loop = uv_default_loop();
	uv_tcp_t listener;
	struct conn *c;
	int error;

	options = opt;
	if (!loop)
		die("uv_default_loop");
	if ((error = uv_tcp_init(loop, &listener)) < 0 ||
	    (error = uv_tcp_open(&listener, listen_fd)) < 0 ||
	    (error = uv_listen((uv_stream_t *)&listener, BACKLOG,
			       accept_client)) < 0)
		die_of(-error, "uv_listen");

	ready(listen_fd);
	while (!stopping)
		uv_run(loop, UV_RUN_ONCE);
	if (!uv_is_closing((uv_handle_t *)&listener))
		uv_close((uv_handle_t *)&listener, NULL);
	for (c = conn_first(); c; c = c->next)
		if (!uv_is_closing(c->model))
			drop_client(c);
	uv_run(loop, UV_RUN_DEFAULT);
	uv_loop_close(loop);
	return 0;
}
