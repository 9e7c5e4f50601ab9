/* SPDX-License-Identifier: MIT */
/*
 * damage.c - channel and damage together name what happened to bytes
 *
 * Three cases are ambiguous and not tested: messages below 16 B, which are too short
 * to tell where bytes belong; the last one to three bytes due, where a lost byte looks
 * like a changed one; and fewer than four repeated bytes at the very end.
 */
#include "tests/unit/test.h"

#include "harness/load/channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t second = 1000000000;

enum { ALL_AT_ONCE = 1 << 20 };
static const size_t messages[] = { 16, 64, 1000 };
static const size_t chunks[] = { 1, 7, ALL_AT_ONCE };
enum { MESSAGES = 3, CHUNKS = 3 };

/* Requests that were sent, and the bytes that come back */
struct bench {
	struct channel c;
	struct tally *t;
	size_t message, chunk;
	unsigned requests;
	char *stream; /* what should come back */
	size_t length;
	char *reply; /* what does */
	size_t n;
};

static struct tally *tally; /* to make one takes long */

static struct bench begin(size_t message, unsigned requests, size_t chunk)
{
	struct bench b = { .message = message,
			   .chunk = chunk,
			   .requests = requests,
			   .length = message * requests };
	struct payload p = payload_of(1, 5, message);

	if (!tally)
		tally = tally_new(0, 10 * second);
	memset(&tally->answered, 0,
	       offsetof(struct tally, intervals) -
		       offsetof(struct tally, answered));
	b.t = tally;
	b.stream = malloc(b.length);
	b.reply = malloc(3 * b.length + 4096);
	channel_begin(&b.c, b.t, 5, p, false);
	for (unsigned i = 0; i < requests; i++)
		channel_release(&b.c, 10);
	assert_int_equal(channel_send(&b.c, b.stream, b.length, 20), b.length);
	channel_did_send(&b.c, b.length, b.length);
	return b;
}

/* Copies a part of the stream behind the reply. */
static void add(struct bench *b, size_t from, size_t n)
{
	memcpy(b->reply + b->n, b->stream + from, n);
	b->n += n;
}

static void add_reply(struct bench *b, unsigned i)
{
	add(b, i * b->message, b->message);
}

static void add_rest(struct bench *b, size_t from)
{
	add(b, from, b->length - from);
}

/* In chunks at the end of their allocation, so that sanitizers see overreads */
static unsigned deliver(struct bench *b)
{
	size_t chunk = b->chunk < b->n ? b->chunk : b->n, done = 0;
	char *copy = malloc(chunk ? chunk : 1);
	unsigned answered = 0;

	while (done < b->n) {
		size_t n = chunk < b->n - done ? chunk : b->n - done;
		char *at = copy + chunk - n;

		memcpy(at, b->reply + done, n);
		answered += channel_did_receive(&b->c, at, n, 30);
		done += n;
	}
	free(copy);
	return answered;
}

static void free_all(struct bench *b)
{
	channel_free(&b->c);
	free(b->stream);
	free(b->reply);
}

static void end_at(struct bench *b, int64_t now)
{
	uint64_t total = deliver(b);
	const struct tally *t = b->t;

	assert_int_equal(total, t->total);
	channel_end(&b->c, now, true);
	assert_int_equal(t->outstanding, 0);
	assert_int_equal(t->answered + t->damaged + t->unanswered, b->requests);
	assert_true(t->total == t->answered + t->damaged);
	free_all(b);
}

static void end(struct bench *b)
{
	end_at(b, 30 + 2 * second);
}

static void print_counts(const struct bench *b)
{
	printf("message %zu, chunk %zu:", b->message, b->chunk);
	for (int i = 0; i < DAMAGES; i++)
		printf(" %s %lu", damage_name[i], b->t->damages[i]);
	printf("; answered %lu, damaged %lu, unanswered %lu\n", b->t->answered,
	       b->t->damaged, b->t->unanswered);
}

/* Damage of one kind, so many times, and of no other kind */
static void check(const struct bench *b, enum damage kind, unsigned times,
		  unsigned damaged, unsigned unanswered)
{
	bool right = b->t->damaged == damaged && b->t->unanswered == unanswered;

	for (int i = 0; i < DAMAGES; i++)
		right &= b->t->damages[i] == (i == (int)kind ? times : 0);
	if (!right)
		print_counts(b);
	assert_true(right);
	assert_int_equal(b->t->evidence.found, times > 0);
	if (times > 0) {
		assert_int_equal(b->t->evidence.damage, kind);
		assert_int_equal(b->t->evidence.connection, 5);
	}
}

static void check_place(const struct bench *b, size_t offset)
{
	const struct place *place = &b->t->evidence.place;

	assert_int_equal(place->request, offset / b->message);
	assert_int_equal(place->byte, offset % b->message);
}

/* ------------------------------------------------------------------ one thing */

static void nothing_happened(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++) {
		struct bench b = begin(messages[i / 3], 3, chunks[i % 3]);

		add_rest(&b, 0);
		end(&b);
		check(&b, 0, 0, 0, 0);
		assert_int_equal(b.t->troubles, 0);
		assert_null(b.c.suspect);
	}
}

static void flip(size_t message, size_t chunk, size_t at)
{
	struct bench b = begin(message, 3, chunk);
	unsigned char right = b.stream[at], wrong = right ^ 1 << at % 8;

	add_rest(&b, 0);
	b.reply[at] = wrong;
	end(&b);
	check(&b, DAMAGE_CORRUPTION, 1, 1, 0);
	check_place(&b, at);
	assert_true(b.t->evidence.has_bytes);
	assert_int_equal(b.t->evidence.expected, right);
	assert_int_equal(b.t->evidence.received, wrong);
}

static void a_bit_flipped(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++)
		for (size_t at = 0; at < 3 * messages[i / 3]; at++)
			flip(messages[i / 3], chunks[i % 3], at);
}

/* It is found also in a reply that does not count: due before or after the window. */
static void a_bit_flipped_outside_the_window(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++)
		for (unsigned request = 0; request < 4; request++) {
			struct bench b =
				begin(messages[i / 3], 4, chunks[i % 3]);

			b.c.ring[0].intended = -1;
			b.c.ring[3].intended = 10 * second;
			add_rest(&b, 0);
			b.reply[request * b.message] ^= 1;
			deliver(&b);
			check(&b, DAMAGE_CORRUPTION, 1,
			      request == 1 || request == 2, 0);
			assert_int_equal(b.t->total, 4);
			assert_int_equal(b.t->answered + b.t->damaged, 2);
			free_all(&b);
		}
}

/* Damage that was judged is not judged again with later bytes. */
static void two_bits_flipped(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++)
		for (size_t gap = 2; gap < 7; gap++)
			for (size_t at = 0; at + gap < 3 * messages[i / 3] - 4;
			     at += 1 + messages[i / 3] / 128) {
				struct bench b = begin(messages[i / 3], 3,
						       chunks[i % 3]);
				bool both = at / b.message !=
					    (at + gap) / b.message;

				add_rest(&b, 0);
				b.reply[at] ^= 1;
				b.reply[at + gap] ^= 1;
				end(&b);
				check(&b, DAMAGE_CORRUPTION, 2, 1 + both, 0);
				check_place(&b, at);
			}
}

/* Many wrong bytes among more right ones: changed in place */
static void every_third_byte_changed(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++) {
		struct bench b = begin(messages[i / 3], 3, chunks[i % 3]);
		unsigned wrong = 0;

		add_rest(&b, 0);
		for (size_t at = 2; at < b.length; at += 3, wrong++)
			b.reply[at] ^= 0x55;
		end(&b);
		check(&b, DAMAGE_CORRUPTION, wrong, 3, 0);
		check_place(&b, 2);
	}
}

/* The first byte after `at` that differs: if one of several equal bytes is lost, it may
 * be any of them. */
static size_t seen_at(const struct bench *b, size_t at)
{
	while (at + 1 < b->length && b->stream[at] == b->stream[at + 1])
		at++;
	return at;
}

static void drop(size_t message, size_t chunk, size_t at)
{
	struct bench b = begin(message, 3, chunk);
	size_t seen = seen_at(&b, at);
	bool last = seen + 1 == b.length;

	add(&b, 0, at);
	add_rest(&b, at + 1);
	end(&b);
	check(&b, DAMAGE_LOSS, 1, !last, last);
	check_place(&b, seen);
	assert_false(b.t->evidence.has_bytes);
	assert_int_equal(b.t->failures[FAILURE_STALLED], last);
}

static void a_byte_lost(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++) {
		size_t length = 3 * messages[i / 3];

		for (size_t at = 0; at < length - 2; at++)
			drop(messages[i / 3], chunks[i % 3], at);
		drop(messages[i / 3], chunks[i % 3], length - 1);
	}
}

/* The last byte counts as lost only after a time. */
static void the_last_byte_may_be_late(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++) {
		struct bench b = begin(messages[i / 3], 3, chunks[i % 3]);

		add(&b, 0, b.length - 1);
		end_at(&b, 30 + second);
		check(&b, 0, 0, 0, 1);
	}
}

/* Lost bytes damage all replies that they belong to. */
static void bytes_lost(void **state)
{
	static const size_t losses[] = { 2, 5, 16, 17, 40, 100 };

	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++)
		for (int j = 0; j < 6; j++) {
			size_t message = messages[i / 3], k = losses[j];

			if (k % message == 0) /* as if whole replies were */
				continue;
			for (size_t at = 0; at + k + 20 < 6 * message;
			     at += 1 + message / 16) {
				struct bench b =
					begin(message, 6, chunks[i % 3]);
				size_t seen = at, first, last;

				while (b.stream[seen] == b.stream[seen + k])
					seen++;
				first = seen / message;
				last = (seen + k - 1) / message;

				add(&b, 0, at);
				add_rest(&b, at + k);
				end(&b);
				check(&b, DAMAGE_LOSS, 1, last - first + 1, 0);
				check_place(&b, seen);
			}
		}
}

static void a_reply_lost(void **state)
{
	enum { N = 5 };

	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++)
		for (unsigned lost = 0; lost < N; lost++) {
			struct bench b =
				begin(messages[i / 3], N, chunks[i % 3]);

			add(&b, 0, lost * b.message);
			add_rest(&b, (lost + 1) * b.message);
			end(&b);
			/* After the last one nothing came: it may be late. */
			check(&b, DAMAGE_LOSS, lost < N - 1, 0, 1);
			if (lost < N - 1)
				check_place(&b, lost * b.message);
		}
}

static void replies_lost(void **state)
{
	enum { N = 8 };

	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++)
		for (unsigned from = 0; from < N - 1; from++)
			for (unsigned k = 1; from + k < N; k++) {
				struct bench b = begin(messages[i / 3], N,
						       chunks[i % 3]);

				add(&b, 0, from * b.message);
				add_rest(&b, (from + k) * b.message);
				end(&b);
				check(&b, DAMAGE_LOSS, k, 0, k);
				check_place(&b, from * b.message);
			}
}

static void a_reply_repeated(void **state)
{
	enum { N = 4 };

	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++)
		for (unsigned twice = 0; twice < N; twice++)
			for (unsigned after = twice; after < N; after++) {
				struct bench b = begin(messages[i / 3], N,
						       chunks[i % 3]);

				add(&b, 0, (after + 1) * b.message);
				add_reply(&b, twice);
				add_rest(&b, (after + 1) * b.message);
				end(&b);
				check(&b, DAMAGE_DUPLICATION, 1, 0, 0);
				check_place(&b, twice * b.message);
			}
}

/* Only the beginning of a reply came twice. */
static void half_a_reply_repeated(void **state)
{
	enum { N = 4 };

	(void)state;
	for (int i = CHUNKS; i < MESSAGES * CHUNKS; i++) /* 64 B or more */
		for (unsigned after = 1; after < N; after++)
			for (size_t k = 16; k < 64; k += 3) {
				struct bench b = begin(messages[i / 3], N,
						       chunks[i % 3]);

				add(&b, 0, after * b.message);
				add(&b, 0, k);
				add_rest(&b, after * b.message);
				end(&b);
				check(&b, DAMAGE_DUPLICATION, 1, 0, 0);
				check_place(&b, 0);
			}
}

static void replies_swapped(void **state)
{
	enum { N = 5 };

	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++)
		for (unsigned first = 0; first < N; first++)
			for (unsigned with = first + 1; with < N; with++) {
				struct bench b = begin(messages[i / 3], N,
						       chunks[i % 3]);
				for (unsigned j = 0; j < N; j++)
					add_reply(&b, j == first ? with :
						      j == with  ? first :
								   j);
				end(&b);
				/* Two far apart: those between are late, too. */
				check(&b, DAMAGE_REORDERING, with - first, 0,
				      0);
				check_place(&b, (first + (with > first + 1)) *
							b.message);
			}
}

static void replies_backwards(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++)
		for (unsigned n = 2; n < 20; n++) {
			struct bench b =
				begin(messages[i / 3], n, chunks[i % 3]);

			for (unsigned j = n; j-- > 0;)
				add_reply(&b, j);
			end(&b);
			check(&b, DAMAGE_REORDERING, n - 1, 0, 0);
		}
}

/* The `k` bytes from `at` on come twice. */
static void repeat(size_t message, size_t chunk, size_t at, size_t k)
{
	struct bench b = begin(message, 4, chunk);

	/* A duplicate that looks right is not noticed. */
	size_t seen = at + k;

	while (seen < b.length && b.stream[seen] == b.stream[seen - k])
		seen++;
	add(&b, 0, at + k);
	add_rest(&b, at);
	end(&b);
	check(&b, DAMAGE_DUPLICATION, 1, 0, 0);
	if (k % message) /* else it may be a whole reply's */
		check_place(&b, seen);
}

static void bytes_repeated(void **state)
{
	static const size_t lengths[] = { 1, 2, 3, 4, 15, 16, 17, 50 };

	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++)
		for (int j = 0; j < 8; j++) {
			size_t message = messages[i / 3], k = lengths[j], at;

			for (at = 0; at + k + 4 < 4 * message;
			     at += 1 + message / 32)
				repeat(message, chunks[i % 3], at, k);
			if (k >= 4)
				repeat(message, chunks[i % 3], 4 * message - k,
				       k);
		}
}

/* --------------------------------------------------------- not an echo server */

static const char page[] =
	"HTTP/1.1 400 Bad Request\r\nServer: nginx/1.22.1\r\n"
	"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: text/html\r\n"
	"Content-Length: 157\r\nConnection: close\r\n\r\n<html>\r\n<head>"
	"<title>400 Bad Request</title></head>\r\n<body>\r\n<center><h1>400 Bad"
	" Request</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>"
	"\r\n</html>\r\n";

static void garbage(struct bench *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		b->reply[b->n++] = page[i % (sizeof(page) - 1)];
}

static void check_garbage(const struct bench *b, size_t n)
{
	uint64_t wrong = b->t->damages[DAMAGE_CORRUPTION];
	uint64_t unasked = b->t->damages[DAMAGE_UNASKED];

	if (b->t->answered != 0 || wrong == 0 ||
	    b->t->damages[DAMAGE_DUPLICATION] ||
	    b->t->damages[DAMAGE_REORDERING])
		print_counts(b);
	assert_int_equal(b->t->answered, 0);
	assert_int_equal(b->t->damages[DAMAGE_DUPLICATION], 0);
	assert_int_equal(b->t->damages[DAMAGE_REORDERING], 0);
	assert_in_range(wrong, 1, n);
	assert_int_equal(unasked > 0, n > b->length);
	assert_int_equal(b->t->damaged,
			 n < b->length ? n / b->message : b->requests);
	/* The rest of a reply that was wrong from the beginning */
	assert_int_equal(b->t->damages[DAMAGE_LOSS],
			 n < b->length && n % b->message > 0);
	assert_int_equal(b->t->evidence.damage, DAMAGE_CORRUPTION);
	check_place(b, 0);
}

static void another_protocol(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++)
		for (size_t n = 16; n < 4 * messages[i / 3];
		     n += 1 + messages[i / 3] / 8) {
			struct bench b =
				begin(messages[i / 3], 3, chunks[i % 3]);

			garbage(&b, n);
			end(&b);
			check_garbage(&b, n);
		}
}

/* Garbage must not cost unlimited search time. */
static void endless_garbage(void **state)
{
	struct bench b = begin(64, 1000, ALL_AT_ONCE);
	uint64_t random = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		for (b.n = 0; b.n < 100; b.n++) {
			random = random * UINT64_C(6364136223846793005) + 1;
			b.reply[b.n] = random >> 56;
		}
		deliver(&b);
	}
	assert_int_equal(b.t->answered, 0);
	assert_int_equal(b.t->damaged, 1000);
	assert_true(b.t->damages[DAMAGE_UNASKED] >= 1360);
	b.n = 0;
	channel_end(&b.c, 40, true);
	assert_int_equal(b.t->outstanding, 0);
	assert_in_range(b.c.searches, 1, 1000);
	free_all(&b);
}

/* A server that sends a greeting before any request */
static void unasked_before_anything(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++)
		for (size_t n = 1; n <= 100; n++) {
			struct bench b =
				begin(messages[i / 3], 0, chunks[i % 3]);
			uint64_t times;

			garbage(&b, n);
			end(&b);
			times = b.t->damages[DAMAGE_UNASKED];
			assert_in_range(times, 1, 1 + n / 16);
			check(&b, DAMAGE_UNASKED, times, 0, 0);
		}
}

/* After the greeting, requests are answered as usual. */
static void unasked_between(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++) {
		struct bench b = begin(messages[i / 3], 2, chunks[i % 3]);
		char more[1000];

		add_rest(&b, 0);
		garbage(&b, 16);
		assert_int_equal(deliver(&b), 2);
		channel_release(&b.c, 10);
		assert_int_equal(channel_send(&b.c, more, 1000, 20), b.message);
		b.requests++;
		memcpy(b.reply, more, b.message);
		b.n = b.message;
		assert_int_equal(deliver(&b), 1);
		b.n = 0;
		channel_end(&b.c, 40, true);
		check(&b, DAMAGE_UNASKED, 1, 0, 0);
		assert_int_equal(b.t->answered, 3);
		free_all(&b);
	}
}

/* ---------------------------------------------------------------- several things */

/* Several kinds of damage, with right replies between them */
static void one_after_the_other(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGES * CHUNKS; i++) {
		struct bench b = begin(messages[i / 3], 20, chunks[i % 3]);
		const struct tally *t = b.t;
		size_t m = b.message;

		add(&b, 0, 3 * m);
		b.reply[m + 3] ^= 4; /* in 1 */
		add(&b, 3 * m, 7);   /* a byte lost in 3 */
		add(&b, 3 * m + 8, 3 * m - 8);
		add_reply(&b, 5); /* 5 again */
		add_reply(&b, 7); /* 6 overtaken */
		add_reply(&b, 6);
		add(&b, 8 * m, 2 * m);
		add(&b, 11 * m, m + 9); /* 10 lost */
		add_rest(&b, 12 * m);   /* 9 bytes twice */
		end(&b);
		assert_int_equal(t->damages[DAMAGE_CORRUPTION], 1);
		assert_int_equal(t->damages[DAMAGE_LOSS], 2);
		assert_int_equal(t->damages[DAMAGE_DUPLICATION], 2);
		assert_int_equal(t->damages[DAMAGE_REORDERING], 1);
		assert_int_equal(t->damages[DAMAGE_UNASKED], 0);
		assert_int_equal(t->damaged, 2);
		assert_int_equal(t->unanswered, 1);
		assert_int_equal(t->answered, 17);
		assert_int_equal(t->evidence.damage, DAMAGE_CORRUPTION);
		check_place(&b, m + 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_happened),
		cmocka_unit_test(a_bit_flipped),
		cmocka_unit_test(a_bit_flipped_outside_the_window),
		cmocka_unit_test(two_bits_flipped),
		cmocka_unit_test(every_third_byte_changed),
		cmocka_unit_test(a_byte_lost),
		cmocka_unit_test(the_last_byte_may_be_late),
		cmocka_unit_test(bytes_lost),
		cmocka_unit_test(a_reply_lost),
		cmocka_unit_test(replies_lost),
		cmocka_unit_test(a_reply_repeated),
		cmocka_unit_test(half_a_reply_repeated),
		cmocka_unit_test(replies_swapped),
		cmocka_unit_test(replies_backwards),
		cmocka_unit_test(bytes_repeated),
		cmocka_unit_test(another_protocol),
		cmocka_unit_test(endless_garbage),
		cmocka_unit_test(unasked_before_anything),
		cmocka_unit_test(unasked_between),
		cmocka_unit_test(one_after_the_other),
	};
	int status;

	alarm(60); /* an endless loop fails */
	status = cmocka_run_group_tests(tests, NULL, NULL);
	free(tally);
	return status;
}
