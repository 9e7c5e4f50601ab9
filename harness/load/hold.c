/* SPDX-License-Identifier: MIT */
/* hold.c - --hold: lines to and from an observer: see hold.h */
#include "hold.h"

#include "harness/base/die.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

static const int64_t longest = INT64_C(24) * 3600 * 1000000000;

/* Takes " " and a number up to `most`. */
static bool take_number(const char **text, uint64_t most, uint64_t *n)
{
	const char *c = *text;

	if (*c++ != ' ' || *c < '0' || *c > '9')
		return false;
	for (*n = 0; *c >= '0' && *c <= '9'; c++)
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, *c - '0', n) || *n > most)
			return false;
	*text = c;
	return true;
}

bool order_parse(const char *line, struct order *order)
{
	static const char slice[] = "slice";
	uint64_t head, window;

	*order = (struct order){ .kind = ORDER_SLICE };
	if (strcmp(line, "keep") == 0 || strcmp(line, "drop") == 0) {
		order->kind = *line == 'k' ? ORDER_KEEP : ORDER_DROP;
		return true;
	}
	if (strncmp(line, slice, strlen(slice)) != 0)
		return false;
	line += strlen(slice);
	if (!take_number(&line, UINT64_MAX, &order->slice) ||
	    !take_number(&line, longest, &head) ||
	    !take_number(&line, longest, &window) || *line || window == 0)
		return false;
	order->head = head;
	order->window = window;
	return true;
}

void hold_open(struct hold *h, int fd, const sigset_t *signals)
{
	*h = (struct hold){ .fd = fd };
	h->signal_fd = signalfd(-1, signals, SFD_CLOEXEC);
	if (h->signal_fd < 0)
		die("signalfd");
}

void hold_close(struct hold *h)
{
	close(h->signal_fd);
}

void hold_say(struct hold *h, const char *line)
{
	size_t n = strlen(line);

	while (n > 0) {
		ssize_t sent = send(h->fd, line, n, MSG_NOSIGNAL);

		if (sent < 0)
			return;
		line += sent;
		n -= sent;
	}
}

/* Receives more. False: the observer is gone, or a signal came, as *kind says. */
static bool receive(struct hold *h, enum order_kind *kind)
{
	struct pollfd fds[] = { { .fd = h->fd, .events = POLLIN },
				{ .fd = h->signal_fd, .events = POLLIN } };
	ssize_t n;

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			die("poll");
	*kind = fds[1].revents ? ORDER_SIGNAL : ORDER_END;
	if (fds[1].revents)
		return false;
	n = recv(h->fd, h->text + h->n, HOLD_LINE - h->n, 0);
	if (n <= 0)
		return false;
	h->n += n;
	return true;
}

static _Noreturn void refuse(const char *line)
{
	warn("--hold: unknown command '%s': it takes slice N HEAD_NS "
	     "WINDOW_NS, keep and drop",
	     line);
	exit(EXIT_FAILED);
}

struct order hold_next(struct hold *h)
{
	struct order order = { 0 };
	char *end;

	while (!(end = memchr(h->text, '\n', h->n))) {
		if (h->n == HOLD_LINE) /* it has no end */
			refuse(h->text);
		if (!receive(h, &order.kind))
			return order;
	}
	*end++ = '\0';
	if (!order_parse(h->text, &order))
		refuse(h->text);
	h->n -= end - h->text;
	memmove(h->text, end, h->n);
	return order;
}
