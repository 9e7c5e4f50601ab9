/* SPDX-License-Identifier: MIT */
/* conn.c - tests of models/common/conn.c: every split of reads and writes */
#include "tests/unit/test.h"

#include "models/common/conn.h"
#include "models/common/options.h"
#include "models/common/service.h"
#include "models/common/stop.h"

#include <string.h>

enum { STREAM = 8 }; /* bytes; there are 2^7 ways to split it */

static const char stream[STREAM + 1] = "abcdefgh";

static struct options echo_options(size_t message)
{
	struct options opt = { .service = services[0], .message = message };

	return opt;
}

/* The length of the piece that starts at `begin`: bit i set splits after i. */
static size_t piece(unsigned splits, size_t begin)
{
	size_t end = begin;

	while (end < STREAM - 1 && !(splits & 1u << end))
		end++;
	return end - begin + 1;
}

static void reset_totals(void)
{
	memset(&totals, 0, sizeof(totals));
}

/* Sends the reply in pieces, with failed attempts in between. */
static size_t take_reply(struct conn *c, unsigned splits, char *echo,
			 size_t done)
{
	while (c->want == WANT_WRITE) {
		size_t n = piece(splits, done);

		if (n > c->out_len)
			n = c->out_len;
		conn_did_write(c, -EAGAIN);
		assert_int_equal(c->want, WANT_WRITE);
		conn_rest(c); /* must keep the reply */
		memcpy(echo + done, c->out, n);
		conn_did_write(c, n);
		done += n;
	}
	return done;
}

static void echo_split(unsigned reads, unsigned writes, size_t message)
{
	struct options opt = echo_options(message);
	struct conn *c = conn_begin(7, &opt);
	char echo[STREAM];
	size_t sent = 0, echoed = 0;

	while (sent < STREAM) {
		size_t n = piece(reads, sent);

		assert_int_equal(c->want, WANT_READ);
		conn_did_read(c, -EINTR);
		memcpy(conn_space(c), stream + sent, n);
		conn_did_read(c, n);
		sent += n;
		if (message)
			assert_int_equal(c->requests, sent / message);
		echoed = take_reply(c, writes, echo, echoed);
		assert_int_equal(echoed, sent);
		conn_rest(c);
	}
	assert_memory_equal(echo, stream, STREAM);
	conn_did_read(c, 0);
	assert_int_equal(c->want, WANT_CLOSE);
	conn_end(c);
}

static void every_split_of_reads_and_writes(void **state)
{
	static const size_t messages[] = { 0, 1, 2, 3, 5, 8, 9 };
	const unsigned ways = 1u << (STREAM - 1);

	(void)state;
	reset_totals();
	for (size_t m = 0; m < sizeof(messages) / sizeof(*messages); m++)
		for (unsigned reads = 0; reads < ways; reads++)
			for (unsigned writes = 0; writes < ways; writes++)
				echo_split(reads, writes, messages[m]);
	assert_int_equal(totals.bytes_in, totals.bytes_out);
	assert_int_equal(totals.bytes_in, 7 * ways * ways * STREAM);
	assert_int_equal(totals.closed[CLOSED_EOF], totals.accepted);
	assert_int_equal(conn_count(), 0);
}

static void without_message_a_read_is_a_request(void **state)
{
	struct options opt = echo_options(0);
	struct conn *c = conn_begin(7, &opt);

	(void)state;
	for (int i = 1; i <= 3; i++) {
		conn_space(c);
		conn_did_read(c, 10 * i);
		assert_int_equal(c->requests, i);
		conn_did_write(c, 10 * i);
	}
	conn_cancel(c);
}

static void a_whole_buffer_fits(void **state)
{
	struct options opt = echo_options(1);
	struct conn *c = conn_begin(7, &opt);

	(void)state;
	memset(conn_space(c), 'x', CONN_SPACE);
	conn_did_read(c, CONN_SPACE);
	assert_int_equal(c->out_len, CONN_SPACE);
	assert_int_equal(c->requests, CONN_SPACE);
	conn_cancel(c);
}

/* The reason counted for a client whose read or write returns n */
static enum closing ends_by(ssize_t n, bool writing)
{
	struct options opt = echo_options(0);
	struct conn *c = conn_begin(7, &opt);
	struct totals before = totals;

	if (writing) {
		conn_space(c);
		conn_did_read(c, 5);
		conn_did_write(c, 2);
		conn_did_write(c, n);
	} else {
		conn_did_read(c, n);
	}
	assert_int_equal(c->want, WANT_CLOSE);
	conn_end(c);
	for (int closing = 0; closing < CLOSINGS; closing++)
		if (totals.closed[closing] != before.closed[closing])
			return closing;
	return CLOSINGS;
}

static void reasons_of_closing(void **state)
{
	(void)state;
	assert_int_equal(ends_by(0, false), CLOSED_EOF);
	assert_int_equal(ends_by(-ECONNRESET, false), CLOSED_RESET);
	assert_int_equal(ends_by(-ECONNRESET, true), CLOSED_RESET);
	assert_int_equal(ends_by(-EPIPE, true), CLOSED_RESET);
	assert_int_equal(ends_by(-ETIMEDOUT, false), CLOSED_ERROR);
	assert_int_equal(ends_by(-ENOBUFS, true), CLOSED_ERROR);
	assert_int_equal(ends_by(-EFAULT, false), CLOSED_ERROR);
}

static void endless_eagain_is_an_error(void **state)
{
	struct options opt = echo_options(0);
	struct conn *c = conn_begin(7, &opt);
	int tries = 0;

	(void)state;
	conn_did_read(c, -EAGAIN);
	conn_space(c);
	conn_did_read(c, 1); /* progress resets the count */
	conn_did_write(c, 1);
	while (c->want == WANT_READ && tries < 1000000) {
		conn_did_read(c, tries % 2 ? -EINTR : -EAGAIN);
		tries++;
	}
	assert_int_equal(tries, 1000);
	assert_int_equal(c->closing, CLOSED_ERROR);
	conn_end(c);
}

static void close_at_stop_counts_as_stop(void **state)
{
	struct options opt = echo_options(0);
	struct conn *c = conn_begin(7, &opt);

	(void)state;
	reset_totals();
	stopping = true;
	conn_end(c);
	stopping = false;
	assert_int_equal(totals.closed[CLOSED_STOP], 1);
}

static void list_of_clients(void **state)
{
	struct options opt = echo_options(0);
	struct conn *c[5];
	long alive = 5;

	(void)state;
	reset_totals();
	for (int i = 0; i < 5; i++)
		c[i] = conn_begin(i, &opt);
	for (int i = 0; i < 5; i++)
		assert_int_equal(c[i]->number, c[0]->number + i);
	conn_end(c[2]); /* from the middle, the end, the front */
	conn_end(c[0]);
	conn_end(c[4]);
	alive -= 3;
	for (struct conn *i = conn_first(); i; i = i->next) {
		assert_true(i == c[1] || i == c[3]);
		alive--;
	}
	assert_int_equal(alive, 0);
	assert_int_equal(conn_count(), 2);
	conn_cancel(c[3]);
	c[3] = conn_begin(3, &opt); /* a new number, not a reused one */
	assert_true(c[3]->number > c[1]->number + 2);
	conn_cancel(c[3]);
	conn_end(c[1]);
	assert_null(conn_first());
	assert_int_equal(totals.accepted, 4);
}

static void an_idle_client_holds_no_buffer(void **state)
{
	struct options opt = echo_options(0);
	struct conn *a = conn_begin(1, &opt), *b = conn_begin(2, &opt);
	char *space = conn_space(a);

	(void)state;
	conn_did_read(a, 4);
	conn_did_write(a, 4);
	assert_ptr_equal(conn_space(a), space); /* kept for the next read */
	conn_rest(a);
	assert_null(a->buffer);
	assert_ptr_equal(conn_space(b), space); /* reused by another client */
	assert_ptr_not_equal(conn_space(a), space);
	conn_rest(b);
	conn_cancel(a);
	conn_cancel(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_split_of_reads_and_writes),
		cmocka_unit_test(without_message_a_read_is_a_request),
		cmocka_unit_test(a_whole_buffer_fits),
		cmocka_unit_test(reasons_of_closing),
		cmocka_unit_test(endless_eagain_is_an_error),
		cmocka_unit_test(close_at_stop_counts_as_stop),
		cmocka_unit_test(list_of_clients),
		cmocka_unit_test(an_idle_client_holds_no_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
