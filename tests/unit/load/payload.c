/* SPDX-License-Identifier: MIT */
/* payload.c - bytes are the same in pieces of any size */
#include "tests/unit/test.h"

#include "harness/load/payload.h"

#include <stdlib.h>
#include <string.h>

enum { STREAM = 4096 };

static const size_t messages[] = { 1, 2, 7, 8, 9, 15, 16, 17, 64, 1000 };
enum { MESSAGES = sizeof(messages) / sizeof(*messages) };

static char whole[STREAM];

static struct place place_of(size_t offset, size_t message)
{
	return (struct place){ .request = offset / message,
			       .byte = offset % message };
}

/* A copy of exactly this size, so that sanitizers see overruns */
static char *cut(const char *from, size_t n)
{
	char *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, from, n);
	return copy;
}

static struct payload make_whole(size_t message)
{
	struct payload p = payload_of(1, 7, message);

	payload_make(&p, (struct place){ .request = 0 }, whole, STREAM);
	return p;
}

static void check_cut(const struct payload *p, size_t from, size_t n)
{
	struct place place = place_of(from, p->message);
	char *bytes = cut(whole, n);

	payload_make(p, place, bytes, n);
	assert_memory_equal(bytes, whole + from, n);
	assert_int_equal(payload_match(p, place, bytes, n), n);
	free(bytes);
}

static void any_stretch_can_be_made_again(void **state)
{
	(void)state;
	for (int m = 0; m < MESSAGES; m++) {
		struct payload p = make_whole(messages[m]);

		for (size_t from = 0; from < 40; from++)
			for (size_t n = 0; n <= 40; n++)
				check_cut(&p, from, n);
		for (size_t from = 980; from < 1020; from++)
			for (size_t n = 0; n <= 1100; n += 11)
				check_cut(&p, from, n);
		check_cut(&p, 0, STREAM);
	}
}

/* One piece after the other, each from where the last one ended */
static void piece_by_piece(void **state)
{
	(void)state;
	for (int m = 0; m < MESSAGES; m++)
		for (size_t piece = 1; piece <= 33; piece++) {
			struct payload p = make_whole(messages[m]);
			struct place place = { .request = 0 };
			char bytes[33];

			for (size_t at = 0; at + piece <= STREAM; at += piece) {
				payload_make(&p, place, bytes, piece);
				assert_memory_equal(bytes, whole + at, piece);
				assert_int_equal(payload_match(&p, place,
							       whole + at,
							       piece),
						 piece);
				place = place_after(&p, place, piece);
			}
		}
}

static void the_first_wrong_byte_is_found(void **state)
{
	enum { N = 100 };

	(void)state;
	for (int m = 0; m < MESSAGES; m++) {
		struct payload p = make_whole(messages[m]);

		for (size_t from = 0; from < 20; from++)
			for (size_t wrong = 0; wrong < N; wrong++) {
				struct place place =
					place_of(from, messages[m]);
				char *bytes = cut(whole + from, N);

				bytes[wrong] ^= 1 << wrong % 8;
				assert_int_equal(payload_match(&p, place, bytes,
							       N),
						 wrong);
				/* What follows it does not matter. */
				memset(bytes + wrong, ~bytes[wrong], N - wrong);
				bytes[wrong] = whole[from + wrong] ^ 0x80;
				assert_int_equal(payload_match(&p, place, bytes,
							       N),
						 wrong);
				free(bytes);
			}
	}
}

/* How many bytes of two stretches are the same: one in 256, by chance */
static unsigned alike(struct payload a, struct place at, struct payload b,
		      struct place bt)
{
	char x[STREAM], y[STREAM];
	unsigned same = 0;

	payload_make(&a, at, x, STREAM);
	payload_make(&b, bt, y, STREAM);
	for (size_t i = 0; i < STREAM; i++)
		same += x[i] == y[i];
	return same;
}

static void no_two_streams_are_alike(void **state)
{
	static const uint64_t numbers[] = { 0,   1,   2,       3,
					    255, 256, 1000003, UINT64_MAX };
	enum { NUMBERS = sizeof(numbers) / sizeof(*numbers) };
	const struct place begin = { .request = 0 };

	(void)state;
	for (int i = 0; i < NUMBERS * NUMBERS; i++)
		for (int j = 0; j < i; j++) {
			struct payload a = payload_of(numbers[i / NUMBERS],
						      numbers[i % NUMBERS], 64);
			struct payload b = payload_of(numbers[j / NUMBERS],
						      numbers[j % NUMBERS], 64);

			assert_int_not_equal(a.key, b.key);
			if (i % 7 == 0) /* it takes long */
				assert_in_range(alike(a, begin, b, begin), 0,
						60);
		}
}

static struct place at(uint64_t request, size_t byte)
{
	return (struct place){ .request = request, .byte = byte };
}

static void no_two_requests_are_alike(void **state)
{
	struct payload p = payload_of(1, 0, STREAM);

	(void)state;
	for (uint64_t i = 0; i < 40; i++)
		for (uint64_t j = 0; j < i; j++)
			assert_in_range(alike(p, at(i, 0), p, at(j, 0)), 0, 60);
	/* Nor those that are very far apart */
	for (int bit = 6; bit < 64; bit++)
		assert_in_range(alike(p, at(5, 0), p,
				      at(5 + (UINT64_C(1) << bit), 0)),
				0, 60);
	/* Nor one and itself, some bytes later */
	for (size_t shift = 1; shift < 70; shift++)
		assert_in_range(alike(p, at(0, 0), p, at(0, shift)), 0, 60);
}

/* Requests of one byte are still made from their number. */
static void tiny_requests_are_spread(void **state)
{
	struct payload p = payload_of(1, 0, 1);
	unsigned count[256] = { 0 };
	char bytes[1 << 16];

	(void)state;
	payload_make(&p, (struct place){ .request = 0 }, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		count[(unsigned char)bytes[i]]++;
	for (int i = 0; i < 256; i++) /* 256 each, +- 6 deviations */
		assert_in_range(count[i], 160, 352);
}

static void far_into_a_stream(void **state)
{
	struct payload p = payload_of(UINT64_MAX, UINT64_MAX, 1000);
	struct place place = { .request = UINT64_MAX / 1000, .byte = 999 };
	char bytes[3000];

	(void)state;
	payload_make(&p, place, bytes, sizeof(bytes));
	assert_int_equal(payload_match(&p, place, bytes, sizeof(bytes)),
			 sizeof(bytes));
	place = place_after(&p, place, 1);
	assert_int_equal(place.request, UINT64_MAX / 1000 + 1);
	assert_int_equal(place.byte, 0);
	assert_int_equal(payload_match(&p, place, bytes + 1, 2999), 2999);
}

static void places_after(void **state)
{
	(void)state;
	for (int m = 0; m < MESSAGES; m++) {
		struct payload p = payload_of(1, 0, messages[m]);

		for (size_t from = 0; from < 2100; from += 3)
			for (size_t n = 0; n < 2100; n += 7) {
				struct place a = place_after(
					&p, place_of(from, messages[m]), n);
				struct place b =
					place_of(from + n, messages[m]);

				assert_int_equal(a.request, b.request);
				assert_int_equal(a.byte, b.byte);
			}
	}
}

/* The bytes are the same on every machine. */
static void the_same_for_ever(void **state)
{
	static const unsigned char wanted[] = { 0xf0, 0x26, 0x08, 0xad, 0x9e,
						0x70, 0x76, 0x0b, 0xad, 0x82,
						0x2f, 0x8b, 0x78, 0xdb, 0x27,
						0x4f, 0xc6, 0xae, 0x55, 0x5b,
						0xdb, 0x8a, 0xe5, 0x3d };
	struct payload p = payload_of(1, 0, 11);
	char bytes[sizeof(wanted)];

	(void)state;
	payload_make(&p, (struct place){ .request = 0 }, bytes, sizeof(bytes));
	assert_memory_equal(bytes, wanted, sizeof(wanted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_stretch_can_be_made_again),
		cmocka_unit_test(piece_by_piece),
		cmocka_unit_test(the_first_wrong_byte_is_found),
		cmocka_unit_test(no_two_streams_are_alike),
		cmocka_unit_test(no_two_requests_are_alike),
		cmocka_unit_test(tiny_requests_are_spread),
		cmocka_unit_test(far_into_a_stream),
		cmocka_unit_test(places_after),
		cmocka_unit_test(the_same_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
