/* SPDX-License-Identifier: MIT */
/*
 * oddserver.c - a server that makes known errors, and records them
 *
 * A load generator can be tested only against a server whose behaviour is known. This
 * one echoes requests of --message bytes late, in another order, damaged, twice or not
 * at all, as its options say. It records when each request was read and when its reply
 * was sent. It listens on loopback only. tests/load/oddserver.py starts it.
 *
 * A reply is sent at the earliest when its delay has passed since the request was read,
 * and after earlier replies of its connection. The record has the real times, so no
 * delay has to be exact.
 *
 * One thread waits in epoll_pwait2(2), whose timeout is in nanoseconds.
 */
#include "harness/base/die.h"
#include "harness/base/units.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)
#define NEVER INT64_MAX

enum { EVENTS_MAX = 256, INPUT_MAX = 1 << 16, BACKLOG = 4096 };

/* How long a reply that is to be overtaken waits for one to overtake it */
#define SWAP_WAIT_NS INT64_C(5000000)

/* ----------------------------------------------------------------- options */

/* Options that are not given are 0, or -1 where 0 is a value. */
static struct {
	uint64_t port, message, seed;
	int64_t delay, delay2, stall_at, stall;
	double percent;
	uint64_t flip, drop, repeat, swap, fragment;
	uint64_t close_after, reset_after, silent_after, refuse_after;
	const char *log;
	bool with_parent;
} opt = { .seed = 1, .delay2 = -1 };

enum kind { NUMBER, BYTES, TIME, PERCENT, TEXT, FLAG };

static const struct knob {
	const char *name;
	enum kind kind;
	void *value;
	const char *help;
} knobs[] = {
	{ "port", NUMBER, &opt.port, "N; 0 lets the system choose" },
	{ "message", BYTES, &opt.message,
	  "BYTES make a request (default: what one read brings)" },
	{ "seed", NUMBER, &opt.seed, "N, for all that is drawn (default 1)" },
	{ "log", TEXT, &opt.log, "FILE for the record, written at the end" },
	{ "with-parent", FLAG, &opt.with_parent,
	  "stop when the process that started this one ends" },
	{ "delay", TIME, &opt.delay, "TIME from request to reply" },
	{ "delay2", TIME, &opt.delay2, "TIME instead, for some of them:" },
	{ "percent", PERCENT, &opt.percent, "P% of the requests, drawn" },
	{ "stall", TIME, &opt.stall,
	  "TIME during which nothing is read or answered, once" },
	{ "stall-at", TIME, &opt.stall_at,
	  "TIME after the first request had come, to begin that" },
	{ "flip", NUMBER, &opt.flip,
	  "N: one bit in N bytes of the replies is wrong, on average" },
	{ "drop", NUMBER, &opt.drop,
	  "N: after N replies the next lacks a byte, once a connection" },
	{ "repeat", NUMBER, &opt.repeat,
	  "N: each Nth reply of a connection goes out twice" },
	{ "swap", NUMBER, &opt.swap,
	  "N: each Nth reply of a connection goes out after the next,\n"
	  "                    if there is a next within 5 ms" },
	{ "fragment", NUMBER, &opt.fragment,
	  "N: replies go out in pieces of at most N bytes" },
	{ "close-after", NUMBER, &opt.close_after,
	  "N: ends each connection after N replies, orderly" },
	{ "reset-after", NUMBER, &opt.reset_after,
	  "N: resets each connection after N replies" },
	{ "silent-after", NUMBER, &opt.silent_after,
	  "N: says nothing more on a connection after N replies" },
	{ "refuse-after", NUMBER, &opt.refuse_after,
	  "N: does not listen any more after N connections" },
};

enum { KNOBS = sizeof(knobs) / sizeof(knobs[0]) };

static _Noreturn void print_help(void)
{
	printf("oddserver - echoes wrongly, as asked, and records it\n\n");
	for (int i = 0; i < KNOBS; i++)
		printf("  --%-15s %s\n", knobs[i].name, knobs[i].help);
	printf("\nSIGTERM or SIGINT stops it; it then prints its counters as "
	       "one line of JSON.\n");
	exit(fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILED);
}

static bool parse_knob(const struct knob *knob, const char *text)
{
	double *percent = knob->value;

	switch (knob->kind) {
	case NUMBER:
		return parse_count(text, knob->value);
	case BYTES:
		return parse_bytes(text, knob->value) && opt.message > 0 &&
		       opt.message <= 1 << 30;
	case TIME:
		return parse_time(text, knob->value);
	case PERCENT:
		return parse_percent(text, percent) && *percent > 0 &&
		       *percent <= 100;
	case TEXT:
		*(const char **)knob->value = text;
		return true;
	case FLAG:
		*(bool *)knob->value = true;
		return true;
	}
	return false;
}

static void parse_options(int argc, char **argv)
{
	static struct option names[KNOBS + 2];
	int option, i;

	for (i = 0; i < KNOBS; i++)
		names[i] = (struct option){ knobs[i].name,
					    knobs[i].kind != FLAG, NULL, i };
	names[KNOBS] = (struct option){ "help", no_argument, NULL, KNOBS };
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", names, NULL)) != -1) {
		if (option == KNOBS)
			print_help();
		if (option == ':' || option == '?')
			die_usage("%s: unknown, or without its value",
				  argv[optind - 1]);
		if (!parse_knob(&knobs[option], optarg))
			die_usage("--%s '%s': it takes %s", knobs[option].name,
				  optarg, knobs[option].help);
	}
	if (optind < argc)
		die_usage("'%s': takes options only", argv[optind]);
	if (opt.port > 65535)
		die_usage("--port: at most 65535");
	if ((opt.delay2 >= 0) != (opt.percent > 0))
		die_usage("--delay2 and --percent: one needs the other");
	if (opt.stall_at && !opt.stall)
		die_usage("--stall-at: needs --stall");
}

/* ------------------------------------------------------------------- state */

/* What was odd about a request: bits of record.odd */
enum odd {
	ODD_DELAY2 = 1,
	ODD_FLIPPED = 2,
	ODD_DROPPED = 4,
	ODD_REPEATED = 8,
	ODD_SWAPPED = 16,
};

/* One per request, in order of arrival; the log is an array of these. */
struct record {
	uint32_t client;  /* in order of accept, from 0 */
	uint32_t request; /* on that connection, from 0 */
	int64_t read_ns;  /* CLOCK_MONOTONIC after its last byte was read */
	int64_t sent_ns;  /* just before its reply's first send; 0: never */
	uint32_t odd;
	uint32_t flipped; /* bits */
};

_Static_assert(sizeof(struct record) == 32, "tests/load/oddserver.py reads it");

static struct record *records;
static size_t record_count, record_space;

/* A request, from its first byte until its reply is made */
struct request {
	struct request *next;
	size_t record; /* its place in records */
	int64_t due_ns;
	bool to_swap; /* it is to be overtaken by the next */
	size_t len;   /* bytes so far */
	char bytes[];
};

struct client {
	int fd;
	uint32_t number;
	uint32_t requests, replies;
	struct request *arriving;     /* not whole yet */
	struct request *first, *last; /* whole, not answered */
	char *out;                    /* the reply that is being sent */
	size_t out_len, out_at, out_space;
	uint64_t composed; /* bytes of replies made, to draw flips by */
	bool blocked;      /* the socket takes no more for now */
	bool eof;          /* the client sends no more */
	bool mute;         /* it is never answered again */
	uint32_t watched;  /* events asked of epoll */
	int64_t deadline;  /* when there is something to send, or NEVER */
	size_t at;         /* its place in clients */
};

/* All clients, as a heap: the one with the earliest deadline is the first. */
static struct client **clients;
static size_t client_count, client_space;

static struct {
	uint64_t accepted, requests, replies, bytes_in, bytes_out, sends;
	uint64_t delay2, flipped_bits, dropped_bytes, repeated;
	uint64_t swapped, not_swapped;
	uint64_t closed, reset, silenced; /* by us, as asked */
	uint64_t client_eof, client_reset;
	int64_t stall_begin_ns, stall_end_ns;
} counters;

static int epoll_fd, listen_fd;
static int signal_fd, parent_fd = -1; /* readable: it is to stop */
static bool stopping;
static int64_t first_request_ns;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){ .tv_sec = ns / SECOND,
				  .tv_nsec = ns % SECOND };
}

static void *checked(void *memory)
{
	if (!memory)
		die("malloc");
	return memory;
}

/* `array`, with room for one more element than `count` */
static void *grown(void *array, size_t count, size_t *space, size_t size)
{
	if (count < *space)
		return array;
	*space = *space ? 2 * *space : 1024;
	return checked(reallocarray(array, *space, size));
}

/* The mixing step of SplitMix64: each bit of the result depends on all bits of x. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

/* The same for the same seed, client and n; `purpose` keeps draws apart. */
static uint64_t draw(enum odd purpose, const struct client *c, uint64_t n)
{
	return mix(mix(mix(mix(opt.seed) ^ purpose) ^ c->number) ^ n);
}

/* ---------------------------------------------------------------- the heap */

static void put(size_t at, struct client *c)
{
	clients[at] = c;
	c->at = at;
}

/* Moves c to its place in the heap after its deadline changed. */
static void settle(struct client *c)
{
	size_t at = c->at, above, below;

	while (at > 0) {
		above = (at - 1) / 2;
		if (clients[above]->deadline <= c->deadline)
			break;
		put(at, clients[above]);
		at = above;
	}
	while ((below = 2 * at + 1) < client_count) {
		if (below + 1 < client_count &&
		    clients[below + 1]->deadline < clients[below]->deadline)
			below++;
		if (clients[below]->deadline >= c->deadline)
			break;
		put(at, clients[below]);
		at = below;
	}
	put(at, c);
}

/* ----------------------------------------------------------------- clients */

static void free_requests(struct request *r)
{
	while (r) {
		struct request *next = r->next;

		free(r);
		r = next;
	}
}

/* Closes and frees c; counts the reason. */
static void drop_client(struct client *c, uint64_t *reason)
{
	struct client *last = clients[--client_count];

	++*reason;
	if (last != c) {
		put(c->at, last);
		settle(last);
	}
	close(c->fd); /* also removes it from the epoll set */
	free_requests(c->first);
	free(c->arriving);
	free(c->out);
	free(c);
}

/* Sets how the socket closes, whatever is unread. */
static void reset_client(struct client *c)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	drop_client(c, &counters.reset);
}

static void accept_clients(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct client *c;
	const int on = 1;
	int fd;

	while (listen_fd >= 0) {
		fd = accept4(listen_fd, NULL, NULL,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EAGAIN || errno == ECONNABORTED))
			return;
		if (fd < 0)
			die("accept4");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		c = checked(calloc(1, sizeof(*c)));
		c->fd = fd;
		c->number = counters.accepted++;
		c->deadline = NEVER;
		c->watched = EPOLLIN;
		clients = grown(clients, client_count, &client_space,
				sizeof(struct client *));
		put(client_count++, c); /* NEVER: the last is its place */
		event.data.ptr = c;
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
			die("epoll_ctl");
		if (counters.accepted == opt.refuse_after) {
			/* Closing the listener resets clients in its backlog. */
			close(listen_fd);
			listen_fd = -1;
		}
	}
}

/* --------------------------------------------------------- requests come in */

/* The request is complete: records it and sets its deadline. */
static void request_arrived(struct client *c, struct request *r, int64_t now)
{
	struct record *record;
	int64_t delay = opt.delay;

	if (counters.requests++ == 0)
		first_request_ns = now;
	records = grown(records, record_count, &record_space,
			sizeof(struct record));
	r->record = record_count++;
	record = &records[r->record];
	*record = (struct record){ .client = c->number,
				   .request = c->requests++,
				   .read_ns = now };
	if (c->mute) {
		free(r);
		return;
	}
	if ((double)draw(ODD_DELAY2, c, record->request) <
	    opt.percent / 100 * 0x1p64) {
		delay = opt.delay2;
		record->odd |= ODD_DELAY2;
		counters.delay2++;
	}
	r->due_ns = now + delay;
	r->to_swap = opt.swap && c->requests % opt.swap == 0;
	if (c->last)
		c->last->next = r;
	else
		c->first = r;
	c->last = r;
}

/* Splits the bytes of a read into requests. */
static void cut(struct client *c, const char *bytes, size_t n)
{
	int64_t now = now_ns();

	while (n > 0) {
		size_t whole = opt.message ? opt.message : n;
		struct request *r = c->arriving;
		size_t part;

		if (!r)
			r = checked(calloc(1, sizeof(*r) + whole));
		part = whole - r->len < n ? whole - r->len : n;
		memcpy(r->bytes + r->len, bytes, part);
		r->len += part;
		bytes += part;
		n -= part;
		c->arriving = r->len < whole ? r : NULL;
		if (!c->arriving)
			request_arrived(c, r, now);
	}
}

/* False: the client is gone. */
static bool read_client(struct client *c)
{
	static char input[INPUT_MAX];
	ssize_t n = recv(c->fd, input, sizeof(input), 0);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		drop_client(c, &counters.client_reset);
		return false;
	}
	if (n == 0)
		c->eof = true;
	if (n > 0) {
		counters.bytes_in += n;
		cut(c, input, n);
	}
	return true;
}

/* ----------------------------------------------------------- replies go out */

/* When the next reply of c may be made */
static int64_t next_due(const struct client *c)
{
	const struct request *r = c->first;

	if (c->mute || !r)
		return NEVER;
	if (r->to_swap)
		return r->next ? r->next->due_ns : r->due_ns + SWAP_WAIT_NS;
	return r->due_ns;
}

/* Removes the request to answer next from the list. */
static struct request *take_due(struct client *c)
{
	struct request *r = c->first, *next = r->next;

	if (r->to_swap && !next) {
		r->to_swap = false;
		counters.not_swapped++;
	}
	if (r->to_swap) {
		r->to_swap = next->to_swap = false; /* one turn is enough */
		records[r->record].odd |= ODD_SWAPPED;
		counters.swapped++;
		r->next = next->next;
		next->next = r;
		if (c->last == next)
			c->last = r;
		r = next;
	}
	c->first = r->next;
	if (!c->first)
		c->last = NULL;
	return r;
}

/* Flips bits, with the same probability for each byte. */
static void flip_bits(struct client *c, struct record *record)
{
	for (size_t i = 0; i < c->out_len; i++) {
		uint64_t drawn = draw(ODD_FLIPPED, c, c->composed + i);

		if (drawn % opt.flip)
			continue;
		c->out[i] ^= 1 << (drawn >> 61);
		record->odd |= ODD_FLIPPED;
		record->flipped++;
		counters.flipped_bits++;
	}
}

/* Makes the reply to r, with its errors, and completes its record. */
static void compose(struct client *c, const struct request *r)
{
	struct record *record = &records[r->record];

	if (c->out_space < 2 * r->len) { /* twice, if it is repeated */
		c->out_space = 2 * r->len;
		c->out = checked(realloc(c->out, c->out_space));
	}
	memcpy(c->out, r->bytes, r->len);
	c->out_len = r->len;
	c->out_at = 0;
	if (opt.drop && c->replies == opt.drop) {
		size_t gap = draw(ODD_DROPPED, c, 0) % c->out_len--;

		memmove(c->out + gap, c->out + gap + 1, c->out_len - gap);
		record->odd |= ODD_DROPPED;
		counters.dropped_bytes++;
	}
	c->replies++;
	counters.replies++;
	if (opt.repeat && c->replies % opt.repeat == 0) {
		memcpy(c->out + c->out_len, c->out, c->out_len);
		c->out_len *= 2;
		record->odd |= ODD_REPEATED;
		counters.repeated++;
	}
	if (opt.flip)
		flip_bits(c, record);
	c->composed += c->out_len;
	record->sent_ns = now_ns();
}

/* Sends the reply, or a part of it. False: c is closed. */
static bool send_reply(struct client *c)
{
	while (c->out_at < c->out_len) {
		size_t size = c->out_len - c->out_at;
		ssize_t n;

		if (opt.fragment && size > opt.fragment)
			size = opt.fragment;
		n = send(c->fd, c->out + c->out_at, size, MSG_NOSIGNAL);
		c->blocked = n < 0 && errno == EAGAIN;
		if (c->blocked)
			return true;
		if (n < 0) {
			drop_client(c, &counters.client_reset);
			return false;
		}
		c->out_at += n;
		counters.bytes_out += n;
		counters.sends++;
	}
	return true;
}

/* A reply was sent, perhaps the last one. False: c is closed. */
static bool end_after_reply(struct client *c)
{
	if (c->replies == opt.silent_after) {
		c->mute = true;
		counters.silenced++;
	}
	if (c->replies == opt.close_after) {
		/*
		 * close() with something unread in the socket would send a
		 * reset; so reading goes on until the client closes, too.
		 */
		shutdown(c->fd, SHUT_WR);
		c->mute = true;
		counters.closed++;
	}
	if (c->replies == opt.reset_after) {
		reset_client(c);
		return false;
	}
	return true;
}

/* Stalls once: does nothing for this time. */
static void stall_if_time(void)
{
	int64_t now;

	if (!opt.stall || !counters.requests || counters.stall_begin_ns)
		return;
	now = now_ns();
	if (now < first_request_ns + opt.stall_at)
		return;
	counters.stall_begin_ns = now;
	while (!stopping && now < counters.stall_begin_ns + opt.stall) {
		struct timespec left =
			timespec_of(counters.stall_begin_ns + opt.stall - now);
		struct pollfd stops[] = {
			{ .fd = signal_fd, .events = POLLIN },
			{ .fd = parent_fd, .events = POLLIN },
		};

		stopping = ppoll(stops, 2, &left, NULL) > 0;
		now = now_ns();
	}
	counters.stall_end_ns = now;
}

/* Sets the events to wait for on c. */
static void rest_client(struct client *c)
{
	struct epoll_event event = { .data.ptr = c };

	event.events = (c->eof ? 0 : EPOLLIN) | (c->blocked ? EPOLLOUT : 0);
	if (event.events != c->watched &&
	    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event) < 0)
		die("epoll_ctl");
	c->watched = event.events;
	c->deadline = c->blocked ? NEVER : next_due(c);
	settle(c);
}

/* Sends all replies that are due. */
static void answer_client(struct client *c)
{
	for (;;) {
		stall_if_time();
		if (c->out_at == c->out_len) {
			struct request *r;

			if (stopping || next_due(c) > now_ns())
				break;
			r = take_due(c);
			compose(c, r);
			free(r);
		}
		if (!send_reply(c))
			return;
		if (c->blocked)
			break;
		if (!end_after_reply(c))
			return;
	}
	if (c->eof && !c->blocked && (c->mute || !c->first))
		drop_client(c, &counters.client_eof);
	else
		rest_client(c);
}

static void handle_client(struct client *c, uint32_t events)
{
	stall_if_time();
	if (c->eof && events & EPOLLERR) {
		drop_client(c, &counters.client_reset);
		return;
	}
	if (!c->eof && events & (EPOLLIN | EPOLLHUP | EPOLLERR) &&
	    !read_client(c))
		return;
	answer_client(c);
}

/* ---------------------------------------------------------------- the loop */

static int64_t wake_up_at(void)
{
	int64_t at = client_count ? clients[0]->deadline : NEVER;

	if (opt.stall && counters.requests && !counters.stall_begin_ns &&
	    first_request_ns + opt.stall_at < at)
		at = first_request_ns + opt.stall_at;
	return at;
}

static void wait_and_handle(void)
{
	struct epoll_event events[EVENTS_MAX];
	int64_t at = wake_up_at(), now = now_ns();
	struct timespec left = timespec_of(at > now ? at - now : 0);
	int found;

	found = epoll_pwait2(epoll_fd, events, EVENTS_MAX,
			     at == NEVER ? NULL : &left, NULL);
	if (found < 0 && errno != EINTR)
		die("epoll_pwait2");
	for (int i = 0; i < found; i++) {
		if (events[i].data.ptr == &listen_fd)
			accept_clients();
		else if (events[i].data.ptr == &signal_fd ||
			 events[i].data.ptr == &parent_fd)
			stopping = true;
		else
			handle_client(events[i].data.ptr, events[i].events);
	}
}

static void watch(int fd, int *which)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = which };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll_ctl");
}

/*
 * Stop signals are read from a descriptor in the epoll set: with epoll_pwait2() a
 * handler would run only in a wait that blocks, which under load never happens.
 */
static void stop_when_told(void)
{
	sigset_t both;

	sigemptyset(&both);
	sigaddset(&both, SIGTERM);
	sigaddset(&both, SIGINT);
	sigprocmask(SIG_BLOCK, &both, NULL);
	signal_fd = signalfd(-1, &both, SFD_CLOEXEC);
	if (signal_fd < 0)
		die("signalfd");
	watch(signal_fd, &signal_fd);
	if (opt.with_parent) {
		parent_fd = pidfd_open(getppid(), 0);
		if (parent_fd < 0)
			die("pidfd_open");
		watch(parent_fd, &parent_fd);
	}
}

/* Listens on loopback; returns the port. */
static int listen_on_loopback(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(opt.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	const int on = 1;

	listen_fd =
		socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listen_fd < 0)
		die("socket");
	setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("bind 127.0.0.1:%" PRIu64, opt.port);
	if (listen(listen_fd, BACKLOG) < 0)
		die("listen");
	if (getsockname(listen_fd, (struct sockaddr *)&address, &len) < 0)
		die("getsockname");
	return ntohs(address.sin_port);
}

static void write_log(FILE *log)
{
	if (fwrite(records, sizeof(struct record), record_count, log) !=
		    record_count ||
	    fclose(log) != 0)
		die("write to %s", opt.log);
}

static void print_counters(void)
{
#define COUNTER(name) printf(",\"" #name "\":%" PRIu64, (uint64_t)counters.name)
	printf("{\"model\":\"oddserver\"");
	COUNTER(accepted);
	COUNTER(requests);
	COUNTER(replies);
	COUNTER(bytes_in);
	COUNTER(bytes_out);
	COUNTER(sends);
	COUNTER(delay2);
	COUNTER(flipped_bits);
	COUNTER(dropped_bytes);
	COUNTER(repeated);
	COUNTER(swapped);
	COUNTER(not_swapped);
	COUNTER(closed);
	COUNTER(reset);
	COUNTER(silenced);
	COUNTER(client_eof);
	COUNTER(client_reset);
	COUNTER(stall_begin_ns);
	COUNTER(stall_end_ns);
	printf("}\n");
#undef COUNTER
	if (fflush(stdout) != 0)
		die("write to stdout");
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	FILE *log = NULL;
	uint64_t left = 0;
	int port;

	parse_options(argc, argv);
	if (opt.log && !(log = fopen(opt.log, "wbe")))
		die("open %s", opt.log);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max; /* clients are descriptors */
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	prctl(PR_SET_TIMERSLACK, 1); /* or the kernel adds 50 us to each wait */
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll_create1");
	stop_when_told();
	port = listen_on_loopback();
	watch(listen_fd, &listen_fd);
	printf("ready model=oddserver host=127.0.0.1 port=%d pid=%d\n", port,
	       getpid());
	if (fflush(stdout) != 0)
		die("write to stdout");

	while (!stopping) {
		wait_and_handle();
		stall_if_time();
		while (client_count && clients[0]->deadline <= now_ns() &&
		       !stopping)
			answer_client(clients[0]);
	}
	while (client_count)
		drop_client(clients[0], &left);
	if (log)
		write_log(log);
	print_counters();
	return EXIT_SUCCESS;
}
