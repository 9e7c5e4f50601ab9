// SPDX-License-Identifier: MIT
/*
 * channel.c - a channel counts every request once and every wrong byte, and never hangs
 *
 * An input is a small program: requests become due, are sent in pieces, and come back
 * in other pieces, with mutations. While all bytes are right, a simple model knows each
 * reply and its times, and the tally has to agree. After a wrong byte, some damage has
 * to be counted, and every request once.
 */
#include "fuzz.h"

#include "harness/load/channel.h"

#include <string.h>

enum {
	STREAM_MAX = 16 * 1024, /* bytes of all requests */
	REQUESTS_MAX = 2048,    /* beyond what makes a reply count as lost */
	LONG_MAX = 64,          /* of requests that can be told apart */
	LONG = 16,              /* bytes that do */
	ECHO_MAX = 32 * 1024,
	OPS_MAX = 512,
	WINDOW = 1000000, /* ns */
	REST_LOST = 1000000000
};

/* What a request should have been measured as */
struct times {
	int64_t intended, sent;
};

static struct sums {
	uint64_t count, sum;
} response, service, send_lag;

static struct {
	struct input in;
	struct channel c;
	struct tally *tally;
	size_t message;
	uint64_t requests_max;
	int64_t now;
	bool closed_loop;

	struct times times[REQUESTS_MAX];
	char stream[STREAM_MAX]; /* all requests, whether sent or not */
	size_t out;              /* the place of the next byte to be made */
	size_t taken;            /* ...and of the next that the server takes */
	size_t right;            /* ...and of the next that comes back */
	bool sending, blocked, was_blocked;
	size_t made, accepted;
	int64_t received_last;

	char echo[ECHO_MAX]; /* on its way back */
	size_t echo_n;

	char back[2 * ECHO_MAX]; /* what came back on this connection */
	size_t back_n;
	uint64_t first;  /* request of this connection */
	bool wrong;      /* some byte on this connection was */
	bool ever_wrong; /* on one before */
	uint64_t damages_before, insertions_before, total_before,
		answered_before;

	uint64_t total, in_window, unanswered, stalls, losses, held;
} g;

static uint64_t damages(void)
{
	uint64_t n = 0;

	for (int i = 0; i < DAMAGES; i++)
		n += g.tally->damages[i];
	return n;
}

static uint64_t insertions(void)
{
	return g.tally->damages[DAMAGE_DUPLICATION] +
	       g.tally->damages[DAMAGE_UNASKED];
}

static bool counts(int64_t due)
{
	return g.tally->from <= due && due < g.tally->to;
}

static uint64_t released(void)
{
	return g.c.released;
}

/* ------------------------------------------------------------------- tally */

/* Only what was used is cleared: a tally is a megabyte. */
static void clear_histogram(struct histogram *h)
{
	size_t used = h->count ? HISTOGRAM_BUCKETS : 0;

	if (used && h->max < histogram_lowest(HISTOGRAM_BUCKETS - 1))
		used = histogram_index(h->max) + 1;
	memset(h->bucket, 0, used * sizeof(*h->bucket));
	h->count = h->sum = h->above = 0;
	h->min = INT64_MAX;
	h->max = 0;
}

static void clear_tally(int64_t from)
{
	struct tally *t = g.tally;

	clear_histogram(&t->response);
	clear_histogram(&t->service);
	clear_histogram(&t->send_lag);
	t->from = from;
	t->to = from + WINDOW;
	t->answered = t->damaged = t->unanswered = t->in_window = 0;
	t->total = t->outstanding = t->troubles = t->held = 0;
	memset(t->damages, 0, sizeof(t->damages));
	memset(t->failures, 0, sizeof(t->failures));
	t->evidence.found = false;
	for (unsigned i = 0; i < t->slices; i++)
		if (t->slice[i].count)
			t->slice[i] = (struct slice){ 0 };
}

static void add(struct sums *s, int64_t ns)
{
	HOLDS(ns >= 0);
	s->count++;
	s->sum += ns;
}

static void check_sums(const struct sums *s, const struct histogram *h)
{
	HOLDS(h->count == s->count);
	HOLDS(h->sum == s->sum);
}

/* A request was answered, and rightly. */
static void expect_answer(uint64_t i)
{
	const struct times *t = &g.times[i];

	g.total++;
	g.in_window += counts(g.now);
	if (!counts(t->intended))
		return;
	add(&response, g.now - t->intended);
	if (g.closed_loop)
		return;
	add(&service, g.now - t->sent);
	add(&send_lag, t->sent - t->intended);
}

/* ----------------------------------------------------------------- sending */

/* An amount: of bytes, of messages, or of nearly so many messages */
static size_t amount(void)
{
	unsigned b = next_byte(&g.in);

	if (b < 96)
		return b;
	if (b < 160)
		return (b - 96) * g.message;
	if (b < 192)
		return (size_t)1 << (b - 160) % 15;
	return (b - 192) / 4 * g.message + b % 4 +
	       (b % 4 > 1) * (g.message / 2);
}

static void release(uint64_t n, int64_t late)
{
	int64_t intended = g.closed_loop ? g.now : g.now - late;

	for (; n > 0 && released() < g.requests_max; n--) {
		g.times[released()] = (struct times){ .intended = intended };
		channel_release(&g.c, intended);
	}
}

/* An engine submits bytes, and learns later how many were sent. */
static void begin_send(size_t space, size_t accepted)
{
	static char buffer[STREAM_MAX];
	size_t due = released() * g.message - g.out;

	if (g.sending || due == 0)
		return;
	HOLDS(channel_to_send(&g.c) == due);
	if (space > sizeof(buffer))
		space = sizeof(buffer);
	g.made = channel_send(&g.c, buffer, space, g.now);
	HOLDS(g.made == (due < space ? due : space));
	HOLDS(memcmp(buffer, g.stream + g.out, g.made) == 0);
	for (size_t i = (g.out + g.message - 1) / g.message;
	     i * g.message < g.out + g.made; i++) {
		if (g.wrong && channel_is_answered(&g.c, i))
			continue; /* made up: bytes that are not sent yet */
		g.times[i].sent = g.now;
		if (g.closed_loop)
			g.times[i].intended = g.now;
		g.held += g.blocked;
	}
	g.was_blocked = g.blocked;
	g.blocked = false;
	g.accepted = accepted < g.made ? accepted : g.made;
	if (g.accepted > ECHO_MAX - g.echo_n)
		g.accepted = ECHO_MAX - g.echo_n;
	memcpy(g.echo + g.echo_n, g.stream + g.taken, g.accepted);
	g.echo_n += g.accepted;
	g.taken += g.accepted;
	g.sending = true;
}

static void finish_send(void)
{
	if (!g.sending)
		return;
	g.sending = false;
	channel_did_send(&g.c, g.made, g.accepted);
	for (size_t i = (g.out + g.accepted + g.message - 1) / g.message;
	     i * g.message < g.out + g.made; i++)
		g.held -= g.was_blocked; /* it has to wait again */
	g.blocked |= g.accepted < g.made;
	g.out += g.accepted;
	HOLDS(g.out == g.taken);
	HOLDS(channel_to_send(&g.c) == released() * g.message - g.out);
}

/* --------------------------------------------------------------- receiving */

/* The number of bytes received next that are right */
static void expect(const char *bytes, size_t n, unsigned *answers)
{
	*answers = 0;
	for (size_t i = 0; i < n && !g.wrong; i++) {
		if (g.right == g.taken || g.stream[g.right] != bytes[i]) {
			g.wrong = true;
			break;
		}
		g.right++;
		if (g.right % g.message == 0) {
			expect_answer(g.right / g.message - 1);
			++*answers;
		}
	}
}

static void deliver(size_t n)
{
	unsigned expected, answered;
	char *bytes;

	if (n > g.echo_n)
		n = g.echo_n;
	if (n == 0 || n > sizeof(g.back) - g.back_n)
		return;
	bytes = malloc(n); /* exact size: sanitizers see overreads */
	HOLDS(bytes);
	memcpy(bytes, g.echo, n);
	memcpy(g.back + g.back_n, g.echo, n);
	g.back_n += n;
	memmove(g.echo, g.echo + n, g.echo_n - n);
	g.echo_n -= n;
	expect(bytes, n, &expected);
	answered = channel_did_receive(&g.c, bytes, n, g.now);
	free(bytes);
	g.received_last = g.now;
	HOLDS(g.tally->outstanding <= released());
	if (g.wrong) {
		HOLDS(answered >= expected);
	} else {
		HOLDS(answered == expected);
		HOLDS(damages() == g.damages_before);
		if (!g.ever_wrong)
			HOLDS(g.tally->outstanding ==
			      released() - g.right / g.message);
	}
	if (g.closed_loop)
		release(answered, 0);
}

/* --------------------------------------------------------------- mutations */

/* A random part of the bytes on their way back */
static size_t stretch(size_t *from)
{
	size_t n;

	*from = amount();
	if (*from > g.echo_n)
		*from = g.echo_n;
	n = amount();
	return n < g.echo_n - *from ? n : g.echo_n - *from;
}

static void put(size_t at, const char *bytes, size_t n)
{
	if (n > ECHO_MAX - g.echo_n)
		n = ECHO_MAX - g.echo_n;
	memmove(g.echo + at + n, g.echo + at, g.echo_n - at);
	memcpy(g.echo + at, bytes, n);
	g.echo_n += n;
}

static void drop(size_t at, size_t n)
{
	memmove(g.echo + at, g.echo + at + n, g.echo_n - at - n);
	g.echo_n -= n;
}

static void flip(void)
{
	size_t at = amount();
	unsigned char mask = next_byte(&g.in);

	if (at < g.echo_n)
		g.echo[at] ^= mask;
}

static void cut_out(bool rest)
{
	size_t at, n = stretch(&at);

	drop(at, rest ? g.echo_n - at : n);
}

static void insert_garbage(void)
{
	char garbage[256] = { 0 };
	size_t at, n = stretch(&at);
	uint64_t random = next_number(&g.in, 2);

	n = n < sizeof(garbage) ? n : sizeof(garbage);
	for (size_t i = 0; i < n; i++) {
		random = random * UINT64_C(6364136223846793005) + 1;
		garbage[i] = random >> 56;
	}
	put(at, garbage, n);
}

static void repeat(void)
{
	static char copy[ECHO_MAX];
	size_t at, n = stretch(&at);

	memcpy(copy, g.echo + at, n);
	put(at + n, copy, n);
}

/* Two stretches that follow each other change places. */
static void swap(void)
{
	static char copy[ECHO_MAX];
	size_t at, n = stretch(&at), m = amount();

	if (m > g.echo_n - at - n)
		m = g.echo_n - at - n;
	memcpy(copy, g.echo + at, n);
	memmove(g.echo + at, g.echo + at + n, m);
	memcpy(g.echo + at + m, copy, n);
}

/* Bytes of this stream that may have come back already, or not be sent yet */
static void replay(void)
{
	size_t at = amount(), from = amount(), n = amount();

	if (from >= g.requests_max * g.message)
		return;
	if (n > g.requests_max * g.message - from)
		n = g.requests_max * g.message - from;
	put(at < g.echo_n ? at : g.echo_n, g.stream + from, n);
}

/* --------------------------------------------------------------------- end */

/* Requests of this connection whose whole reply is in what came back */
static uint64_t whole_replies(void)
{
	uint64_t n = 0;

	for (uint64_t i = g.first; i < released(); i++)
		n += memmem(g.back, g.back_n, g.stream + i * g.message,
			    g.message) != NULL;
	return n;
}

static void check_wrong_connection(void)
{
	uint64_t inserted = insertions() - g.insertions_before;

	/* No byte may be wrong, and nothing be said. */
	if (damages() == g.damages_before)
		HOLDS(g.tally->total - g.total_before < released() - g.first);
	/* What is too much may have come amid a reply that is right. */
	if (g.message >= LONG)
		HOLDS(g.tally->answered - g.answered_before <=
		      whole_replies() + inserted);
}

static void check_right_connection(bool open)
{
	uint64_t rest = g.right / g.message, unanswered = 0;

	for (uint64_t i = rest; i < released(); i++)
		unanswered += counts(g.times[i].intended);
	g.unanswered += unanswered;
	g.stalls += open && unanswered > 0;
	g.losses += open && g.right % g.message > 0 &&
		    g.now - g.received_last > REST_LOST;
	HOLDS(damages() - g.damages_before <= 1);
	if (g.ever_wrong)
		return;
	HOLDS(g.tally->unanswered == g.unanswered);
	HOLDS(g.tally->failures[FAILURE_STALLED] == g.stalls);
	HOLDS(g.tally->damages[DAMAGE_LOSS] == g.losses);
	HOLDS(damages() == g.losses);
	HOLDS(g.tally->damaged == 0);
	HOLDS(g.tally->total == g.total);
	HOLDS(g.tally->in_window == g.in_window);
	HOLDS(g.tally->held == g.held);
	HOLDS(g.tally->answered == response.count);
	check_sums(&response, &g.tally->response);
	check_sums(&service, &g.tally->service);
	check_sums(&send_lag, &g.tally->send_lag);
}

static void begin_connection(void)
{
	g.first = released();
	g.out = g.taken = g.right = released() * g.message;
	g.echo_n = g.back_n = 0;
	g.ever_wrong |= g.wrong;
	g.wrong = g.sending = g.blocked = false;
	g.damages_before = damages();
	g.insertions_before = insertions();
	g.total_before = g.tally->total;
	g.answered_before = g.tally->answered;
}

static void end_connection(bool open)
{
	uint64_t due = 0;

	channel_end(&g.c, g.now, open);
	HOLDS(g.tally->outstanding == 0);
	for (uint64_t i = 0; i < released(); i++)
		due += counts(g.times[i].intended);
	HOLDS(g.tally->answered + g.tally->damaged + g.tally->unanswered ==
	      due);
	HOLDS(g.tally->total <= released());
	if (g.wrong)
		check_wrong_connection();
	else
		check_right_connection(open);
	begin_connection();
}

/* ----------------------------------------------------------------- program */

static void step(void)
{
	unsigned op = next_byte(&g.in);
	size_t n;

	switch (op % 18) {
	case 0:
		n = next_byte(&g.in);
		release(n < 128 ? n % 16 : (n - 127) * 8, op / 18 * 10);
		break;
	case 1:
	case 2:
		n = amount();
		begin_send(n, op % 18 == 1 ? n : amount());
		finish_send();
		break;
	case 3:
		n = amount();
		begin_send(n, amount());
		break;
	case 4:
		finish_send();
		break;
	case 5:
		begin_send(STREAM_MAX, STREAM_MAX);
		finish_send();
		deliver(op / 18 ? amount() : ECHO_MAX);
		break;
	case 6:
		deliver(amount());
		break;
	case 7: /* in pieces of this size */
		n = amount();
		for (size_t i = 0; i < 64 && g.echo_n > 0 && n > 0; i++)
			deliver(n);
		break;
	case 8:
		n = next_byte(&g.in);
		g.now += n < 192 ? (int64_t)n : INT64_C(1) << (n - 192) / 2;
		break;
	case 9:
		flip();
		break;
	case 10:
		cut_out(false);
		break;
	case 11:
		insert_garbage();
		break;
	case 12:
		repeat();
		break;
	case 13:
		swap();
		break;
	case 14:
		replay();
		break;
	case 15:
		cut_out(true);
		break;
	case 16: /* the connection ends, and is made anew */
		end_connection(op / 18 % 2);
		break;
	case 17:
		release(1 + op / 18, 0);
		begin_send(STREAM_MAX, STREAM_MAX);
		finish_send();
		break;
	}
}

static void begin(void)
{
	static const size_t messages[] = { 1,  2,   3,   4,    5,    7,
					   8,  15,  16,  17,   24,   33,
					   64, 100, 128, 256,  31,   48,
					   65, 512, 999, 1000, 1024, 4096 };
	unsigned kind = next_byte(&g.in);
	uint64_t number = next_byte(&g.in);
	struct payload payload;

	g.message = messages[kind % 24];
	g.requests_max = g.message < LONG ? REQUESTS_MAX : LONG_MAX;
	if (g.requests_max > STREAM_MAX / g.message)
		g.requests_max = STREAM_MAX / g.message;
	g.closed_loop = kind >= 128;
	g.now = 10000;
	/* Some requests are due before the window, or after it. */
	clear_tally(number % 4 == 0 ? 10000 + number * 16 : 0);
	payload = payload_of(1, number, g.message);
	payload_make(&payload, (struct place){ 0 }, g.stream,
		     g.requests_max * g.message);
	channel_begin(&g.c, g.tally, number, payload, g.closed_loop);
	response = service = send_lag = (struct sums){ 0 };
	g.total = g.in_window = g.unanswered = g.stalls = 0;
	g.losses = g.held = 0;
	g.wrong = g.ever_wrong = false;
	g.received_last = 0;
	begin_connection();
	g.ever_wrong = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!g.tally)
		g.tally = tally_new(0, WINDOW);
	g.in = (struct input){ data, data + size };
	begin();
	for (int i = 0; i < OPS_MAX && g.in.at < g.in.end; i++)
		step();
	end_connection(true);
	channel_free(&g.c);
	return 0;
}
