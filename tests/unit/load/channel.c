/* SPDX-License-Identifier: MIT */
/* channel.c - every request is counted once, however its bytes are fragmented */
#include "tests/unit/test.h"

#include "harness/load/channel.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t second = 1000000000;

/* A channel, and the bytes that the server received */
struct bench {
	struct channel c;
	struct tally *t;
	struct payload p;
	struct place seen; /* by the server */
};

static void begin(struct bench *b, size_t message, bool closed_loop)
{
	b->t = tally_new(0, 10 * second);
	b->p = payload_of(1, 3, message);
	b->seen = (struct place){ .request = 0 };
	channel_begin(&b->c, b->t, 3, b->p, closed_loop);
}

static void end(struct bench *b)
{
	channel_free(&b->c);
	free(b->t);
}

static void release(struct bench *b, unsigned n, int64_t intended)
{
	for (unsigned i = 0; i < n; i++)
		channel_release(&b->c, intended);
}

/* Makes up to `space` bytes; the socket takes up to `room` of them. */
static size_t send_some(struct bench *b, size_t space, size_t room, int64_t now)
{
	char *bytes = malloc(space ? space : 1), *right;
	size_t made = channel_send(&b->c, bytes, space, now);
	size_t sent = made < room ? made : room;

	assert_true(made <= space);
	right = malloc(made ? made : 1);
	payload_make(&b->p, b->seen, right, made);
	assert_memory_equal(bytes, right, made);
	channel_did_send(&b->c, made, sent);
	b->seen = place_after(&b->p, b->seen, sent);
	free(bytes);
	free(right);
	return sent;
}

static void send_all(struct bench *b, int64_t now)
{
	size_t n = channel_to_send(&b->c);

	assert_int_equal(send_some(b, n, n, now), n);
	assert_int_equal(channel_to_send(&b->c), 0);
}

/* `n` right bytes come back, from `at` on. */
static unsigned echo(struct bench *b, struct place at, size_t n, int64_t now)
{
	char *bytes = malloc(n ? n : 1);
	unsigned answered;

	payload_make(&b->p, at, bytes, n);
	answered = channel_did_receive(&b->c, bytes, n, now);
	free(bytes);
	return answered;
}

static void check_sound(const struct bench *b)
{
	for (int i = 0; i < DAMAGES; i++)
		assert_int_equal(b->t->damages[i], 0);
	for (int i = 0; i < FAILURES; i++)
		assert_int_equal(b->t->failures[i], 0);
	assert_int_equal(b->t->troubles, 0);
	assert_int_equal(b->t->damaged, 0);
	assert_false(b->t->evidence.found);
}

/* ------------------------------------------------------------------- sending */

/* Three requests of 5 bytes; the socket takes `cut` bytes at 100, the rest at 200.
 * A request counts as sent with its first byte. */
static void send_cut(size_t cut, bool closed_loop)
{
	enum { MESSAGE = 5, N = 3 };
	struct bench b;
	unsigned first = (cut + MESSAGE - 1) / MESSAGE;

	begin(&b, MESSAGE, closed_loop);
	release(&b, N, 50);
	assert_int_equal(channel_to_send(&b.c), N * MESSAGE);
	assert_int_equal(send_some(&b, 100, cut, 100), cut);
	assert_int_equal(channel_to_send(&b.c), N * MESSAGE - cut);
	send_all(&b, 200);
	assert_int_equal(b.t->held, N - first);
	assert_int_equal(echo(&b, (struct place){ 0 }, N * MESSAGE, 1000), N);
	if (closed_loop) {
		assert_int_equal(b.t->response.bucket[900], first);
		assert_int_equal(b.t->response.bucket[800], N - first);
		assert_int_equal(b.t->service.count, 0);
		assert_int_equal(b.t->send_lag.count, 0);
	} else {
		assert_int_equal(b.t->response.bucket[950], N);
		assert_int_equal(b.t->service.bucket[900], first);
		assert_int_equal(b.t->service.bucket[800], N - first);
		assert_int_equal(b.t->send_lag.bucket[50], first);
		assert_int_equal(b.t->send_lag.bucket[150], N - first);
	}
	assert_int_equal(b.t->outstanding, 0);
	assert_int_equal(b.t->answered, N);
	check_sound(&b);
	end(&b);
}

static void sends_cut_anywhere(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= 15; cut++) {
		send_cut(cut, false);
		send_cut(cut, true);
	}
}

/* A request that waits for a full socket is counted once. */
static void who_waits_counts_once(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, 8, false);
	release(&b, 10, 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(send_some(&b, 80, 0, 10 + i), 0);
	for (int i = 0; i < 80; i++) /* a byte each time */
		assert_int_equal(send_some(&b, 80, 1, 100 + i), 1);
	assert_int_equal(b.t->held, 10);
	assert_int_equal(echo(&b, (struct place){ 0 }, 80, 1000), 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(b.t->send_lag.bucket[100 + 8 * i], 1);
	check_sound(&b);
	end(&b);
}

/* A small buffer is not a full socket. */
static void little_space_holds_nobody_up(void **state)
{
	struct bench b;

	(void)state;
	for (size_t space = 1; space <= 21; space++) {
		int64_t now = 100;

		begin(&b, 5, false);
		release(&b, 4, 0);
		while (channel_to_send(&b.c) > 0)
			send_some(&b, space, space, now++);
		assert_int_equal(b.seen.request, 4);
		assert_int_equal(b.seen.byte, 0);
		assert_int_equal(b.t->held, 0);
		assert_int_equal(echo(&b, (struct place){ 0 }, 20, 1000), 4);
		for (unsigned i = 0; i < 4; i++) /* its first byte's turn */
			assert_true(b.t->send_lag.bucket[100 + 5 * i / space]);
		check_sound(&b);
		end(&b);
	}
}

/* Requests that are not due are not sent. */
static void nothing_to_send(void **state)
{
	struct bench b;
	char bytes[8];

	(void)state;
	begin(&b, 8, false);
	assert_int_equal(channel_to_send(&b.c), 0);
	assert_int_equal(channel_send(&b.c, bytes, 8, 0), 0);
	channel_did_send(&b.c, 0, 0);
	release(&b, 1, 0);
	assert_int_equal(channel_send(&b.c, bytes, 0, 0), 0);
	channel_did_send(&b.c, 0, 0);
	send_all(&b, 5);
	assert_int_equal(channel_send(&b.c, bytes, 8, 6), 0);
	channel_did_send(&b.c, 0, 0);
	assert_int_equal(b.t->held, 0);
	assert_int_equal(echo(&b, (struct place){ 0 }, 8, 9), 1);
	assert_int_equal(b.t->send_lag.bucket[5], 1);
	end(&b);
}

/* With pattern connect, the send lag ends when connecting starts. */
static void connecting_is_not_lateness(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, 8, false);
	b.c.connects = true;
	b.c.connect_began = 30;
	release(&b, 1, 20);
	send_all(&b, 500);
	assert_int_equal(echo(&b, (struct place){ 0 }, 8, 1000), 1);
	assert_int_equal(b.t->send_lag.bucket[10], 1);
	assert_int_equal(b.t->service.bucket[500], 1);
	assert_int_equal(b.t->response.bucket[980], 1);
	end(&b);
}

/* ----------------------------------------------------------------- receiving */

static void receives_cut_anywhere(void **state)
{
	enum { MESSAGE = 5, N = 4, ALL = MESSAGE * N };
	struct bench b;

	(void)state;
	for (unsigned one = 0; one <= ALL; one++)
		for (unsigned two = one; two <= ALL; two++) {
			const struct place at = { .request = one / MESSAGE,
						  .byte = one % MESSAGE };
			const struct place then = { .request = two / MESSAGE,
						    .byte = two % MESSAGE };
			unsigned n;

			begin(&b, MESSAGE, false);
			release(&b, N, 0);
			send_all(&b, 0);
			n = echo(&b, (struct place){ 0 }, one, 100);
			assert_int_equal(n, one / MESSAGE);
			n += echo(&b, at, two - one, 200);
			assert_int_equal(n, two / MESSAGE);
			n += echo(&b, then, ALL - two, 300);
			assert_int_equal(n, N);
			assert_int_equal(b.t->response.bucket[100],
					 one / MESSAGE);
			assert_int_equal(b.t->response.bucket[200],
					 two / MESSAGE - one / MESSAGE);
			assert_int_equal(b.t->response.bucket[300],
					 N - two / MESSAGE);
			assert_int_equal(b.t->outstanding, 0);
			check_sound(&b);
			end(&b);
		}
}

static void replies_byte_by_byte(void **state)
{
	static const size_t messages[] = { 1, 2, 8, 13 };
	struct bench b;

	(void)state;
	for (int m = 0; m < 4; m++) {
		size_t message = messages[m];

		begin(&b, message, false);
		release(&b, 10, 0);
		send_all(&b, 0);
		for (unsigned i = 0; i < 10 * message; i++) {
			struct place at = { .request = i / message,
					    .byte = i % message };

			assert_int_equal(echo(&b, at, 1, i),
					 at.byte == message - 1);
		}
		for (unsigned i = 0; i < 10; i++)
			assert_int_equal(
				b.t->response.bucket[i * message + message - 1],
				1);
		check_sound(&b);
		end(&b);
	}
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A closed loop with any fragmentation: each reply triggers a request. */
static void streams_keep_their_depth(void **state)
{
	static const unsigned depths[] = { 1, 3, 8, 100 };
	uint64_t random = 1;
	struct bench b;

	(void)state;
	for (int d = 0; d < 4; d++) {
		struct place answered = { .request = 0 };
		int64_t now = 0;

		begin(&b, 9, true);
		release(&b, depths[d], 0);
		while (answered.request < 3000) {
			size_t under_way, n = next_random(&random) % 40;

			send_some(&b, 1 + next_random(&random) % 50,
				  next_random(&random) % 60, ++now);
			under_way =
				place_distance(&b.c.payload, answered, b.seen);
			n = n < under_way ? n : under_way;
			now++;
			release(&b, echo(&b, answered, n, now), now);
			answered = place_after(&b.p, answered, n);
			assert_int_equal(b.t->outstanding, depths[d]);
			assert_int_equal(b.t->total, answered.request);
		}
		assert_in_range(b.c.capacity, depths[d], 2 * depths[d] + 4);
		assert_int_equal(b.t->answered, b.t->total);
		check_sound(&b);
		end(&b);
	}
}

/* Requests in flight keep their times when the ring grows. */
static void the_ring_grows(void **state)
{
	struct bench b;

	(void)state;
	for (unsigned before = 0; before < 9; before++) {
		begin(&b, 3, false);
		release(&b, before, 0);
		send_all(&b, 0);
		echo(&b, (struct place){ 0 }, 3 * before, 0);
		for (int i = 0; i < 1500; i++)
			channel_release(&b.c, i);
		assert_int_equal(b.t->outstanding, 1500);
		assert_int_equal(b.c.capacity, 2048);
		for (int i = 0; i < 1500; i++) /* each sent when due */
			send_some(&b, 3, 3, i);
		assert_int_equal(echo(&b, (struct place){ .request = before },
				      4500, 2000),
				 1500);
		for (int i = 501; i <= 2000; i++) {
			assert_int_equal(b.t->response.bucket[i], 1);
			assert_int_equal(b.t->service.bucket[i], 1);
		}
		assert_int_equal(b.t->send_lag.bucket[0], 1500 + before);
		check_sound(&b);
		end(&b);
	}
}

/* ---------------------------------------------------------------- the window */

static void only_the_window_counts(void **state)
{
	static const struct {
		int64_t intended, received;
		bool counts, in_window;
	} cases[] = {
		{ 999, 999, false, false },   { 999, 1000, false, true },
		{ 999, 1999, false, true },   { 999, 2000, false, false },
		{ 1000, 1000, true, true },   { 1000, 1999, true, true },
		{ 1000, 2000, true, false },  { 1999, 1999, true, true },
		{ 1999, 2000, true, false },  { 1999, 99000, true, false },
		{ 2000, 2000, false, false }, { 2001, 3000, false, false },
	};
	struct bench b;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(&b, 4, false);
		b.t->from = 1000;
		b.t->to = 2000;
		channel_release(&b.c, cases[i].intended);
		send_all(&b, cases[i].intended);
		echo(&b, (struct place){ 0 }, 4, cases[i].received);
		assert_int_equal(b.t->total, 1);
		assert_int_equal(b.t->answered, cases[i].counts);
		assert_int_equal(b.t->response.count, cases[i].counts);
		assert_int_equal(b.t->service.count, cases[i].counts);
		assert_int_equal(b.t->send_lag.count, cases[i].counts);
		assert_int_equal(b.t->in_window, cases[i].in_window);
		assert_int_equal(b.t->outstanding, 0);
		end(&b);

		/* The same, but it never was answered. */
		begin(&b, 4, false);
		b.t->from = 1000;
		b.t->to = 2000;
		channel_release(&b.c, cases[i].intended);
		send_all(&b, cases[i].intended);
		channel_end(&b.c, 99000, true);
		assert_int_equal(b.t->unanswered, cases[i].counts);
		assert_int_equal(b.t->failures[FAILURE_STALLED],
				 cases[i].counts);
		assert_int_equal(b.t->outstanding, 0);
		end(&b);
	}
}

/* A request belongs to the interval in which it was due. */
static void intervals_are_by_when_it_was_due(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, 4, false);
	assert_int_equal(b.t->intervals, 100);
	for (unsigned i = 0; i < 100; i++) {
		int64_t at = i * b.t->interval_ns;

		channel_release(&b.c, at);
		channel_release(&b.c, at + b.t->interval_ns - 1);
	}
	send_all(&b, 0);
	echo(&b, (struct place){ 0 }, 800, 20 * second);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(b.t->interval[i].count, 2);
		assert_int_equal(b.t->interval[i].max,
				 20 * second - i * b.t->interval_ns);
	}
	end(&b);
}

/* ------------------------------------------------------------------- the end */

static void what_is_left_is_unanswered(void **state)
{
	struct bench b;

	(void)state;
	for (int open = 0; open <= 1; open++)
		for (unsigned answered = 0; answered <= 4; answered++)
			for (unsigned sent = answered; sent <= 4; sent++) {
				begin(&b, 8, false);
				release(&b, 4, 10);
				send_some(&b, 8 * sent, 8 * sent, 20);
				echo(&b, (struct place){ 0 }, 8 * answered, 30);
				channel_end(&b.c, 40, open);
				assert_int_equal(b.t->answered, answered);
				assert_int_equal(b.t->unanswered, 4 - answered);
				assert_int_equal(b.t->outstanding, 0);
				assert_int_equal(b.t->failures[FAILURE_STALLED],
						 open && answered < 4);
				assert_int_equal(b.t->damages[DAMAGE_LOSS], 0);
				assert_int_equal(channel_to_send(&b.c), 0);
				channel_end(&b.c, 50, open); /* is idle now */
				assert_int_equal(b.t->unanswered, 4 - answered);
				end(&b);
			}
}

/* Half of a reply came; the rest counts as lost if the server had enough time. */
static void a_reply_without_its_rest(void **state)
{
	struct bench b;

	(void)state;
	for (int open = 0; open <= 1; open++)
		for (int late = 0; late <= 1; late++) {
			begin(&b, 8, false);
			release(&b, 3, 0);
			send_all(&b, 0);
			echo(&b, (struct place){ 0 }, 13, 30);
			channel_end(&b.c, 30 + second + late, open);
			assert_int_equal(b.t->answered, 1);
			assert_int_equal(b.t->unanswered, 2);
			assert_int_equal(b.t->outstanding, 0);
			assert_int_equal(b.t->damages[DAMAGE_LOSS],
					 open && late);
			if (open && late) {
				assert_int_equal(b.t->evidence.connection, 3);
				assert_int_equal(b.t->evidence.place.request,
						 1);
				assert_int_equal(b.t->evidence.place.byte, 5);
			}
			end(&b);
		}
}

/* After channel_end() the channel is used for later requests. */
static void a_channel_is_used_again(void **state)
{
	struct bench b;

	(void)state;
	begin(&b, 8, false);
	for (unsigned i = 0; i < 50; i++) {
		struct place at = { .request = b.c.released };

		b.seen = at;
		release(&b, 1 + i % 7, i);
		send_some(&b, 5 + i, 3 + i, i);
		if (i % 3 == 0)
			send_all(&b, i);
		if (i % 3 == 0)
			assert_int_equal(echo(&b, at, 8 * (1 + i % 7), i),
					 1 + i % 7);
		else
			echo(&b, at, 3, i);
		channel_end(&b.c, i, false);
		assert_int_equal(b.t->outstanding, 0);
	}
	check_sound(&b);
	end(&b);
}

/* ---------------------------------------------------------------------- order */

/* A lost reply is given up when enough later ones have come. */
static void given_up_for_lost(void **state)
{
	struct bench b;
	struct place next = { .request = 1 };

	(void)state;
	begin(&b, 16, false);
	release(&b, 3000, 5);
	send_all(&b, 5);
	for (; next.request <= 1000; next.request++)
		echo(&b, next, 16, 10);
	assert_int_equal(b.t->damages[DAMAGE_LOSS], 1);
	assert_int_equal(b.t->unanswered, 1);
	assert_int_equal(b.t->evidence.place.request, 0);
	assert_int_equal(b.t->outstanding, 3000 - 1001);
	echo(&b, next, 16 * 1999, 20);
	channel_end(&b.c, 30, true);
	assert_int_equal(b.t->answered, 2999);
	assert_int_equal(b.t->damages[DAMAGE_LOSS], 1);
	assert_int_equal(b.t->unanswered, 1);
	assert_int_equal(b.t->troubles, 1);
	assert_int_equal(b.t->outstanding, 0);
	end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_cut_anywhere),
		cmocka_unit_test(who_waits_counts_once),
		cmocka_unit_test(little_space_holds_nobody_up),
		cmocka_unit_test(nothing_to_send),
		cmocka_unit_test(connecting_is_not_lateness),
		cmocka_unit_test(receives_cut_anywhere),
		cmocka_unit_test(replies_byte_by_byte),
		cmocka_unit_test(streams_keep_their_depth),
		cmocka_unit_test(the_ring_grows),
		cmocka_unit_test(only_the_window_counts),
		cmocka_unit_test(intervals_are_by_when_it_was_due),
		cmocka_unit_test(what_is_left_is_unanswered),
		cmocka_unit_test(a_reply_without_its_rest),
		cmocka_unit_test(a_channel_is_used_again),
		cmocka_unit_test(given_up_for_lost),
	};

	alarm(60); /* an endless loop fails */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
