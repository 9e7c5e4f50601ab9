/* SPDX-License-Identifier: MIT */
/* http.c - tests of models/common/http.c: requests and mistakes, at every split */
#include "tests/unit/test.h"

#include "models/common/http.h"

#include <stdio.h>
#include <string.h>

#define H "Host: h\r\n"
#define POST "POST / HTTP/1.1\r\n" H
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

struct vector {
	const char *request;
	int status;       /* 0: it is right */
	const char *body; /* as a reply returns it */
	bool ends;        /* the connection */
};

static const struct vector right[] = {
	{ "GET / HTTP/1.1\r\n" H "\r\n", 0, "", false },
	{ "\r\n\r\nGET /a?b=%20 HTTP/1.1\r\n" H "\r\n", 0, "", false },
	{ "GET http://h:80/ HTTP/1.1\r\nhost: h:80\r\n\r\n", 0, "", false },
	{ "GET / HTTP/1.1\r\nHOST:h\r\nEmpty:\r\nA: \xe9\t \r\n\r\n", 0, "",
	  false },
	{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0, "", false },
	{ "GET / HTTP/1.1\r\nHost: [::1]:80 \t\r\n\r\n", 0, "", false },
	{ "GET / HTTP/1.9\r\n" H "\r\n", 0, "", false },
	{ "GET / HTTP/1.0\r\n\r\n", 0, "", true },
	{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 0, "", false },
	{ "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", 0, "",
	  true },
	{ "HEAD / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", 0, "", true },
	{ "PUT / HTTP/1.1\r\n" H "Connection: te , CLOSE\r\n\r\n", 0, "",
	  true },
	{ "GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n", 0, "", false },
	{ "GET / HTTP/1.1\r\n" H "Connection: clo se\r\n\r\n", 0, "", false },
	{ POST "\r\n", 0, "", false },
	{ POST "Content-Length: 0\r\n\r\n", 0, "", false },
	{ POST "Content-Length:005 \r\n\r\nab\r\nc", 0, "ab\r\nc", false },
	{ POST "Content-Length: 3\r\nExpect: 100-Continue\r\n\r\nabc", 0, "abc",
	  false },
	{ "GET / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab", 0, "ab",
	  false },
	{ "POST / HTTP/1.0\r\nExpect: x\r\nContent-Length: 1\r\n\r\na", 0, "a",
	  true },
	{ CHUNKED "0\r\n\r\n", 0, "0\r\n\r\n", false },
	{ CHUNKED "3\r\nabc\r\n00a\r\n0123456789\r\n000\r\n\r\n", 0,
	  "3\r\nabc\r\n00a\r\n0123456789\r\n000\r\n\r\n", false },
	{ CHUNKED "1;a\r\nx\r\n1 ;a=\"b; c\"\r\ny\r\n0;z\r\n\r\n", 0,
	  "1\r\nx\r\n1\r\ny\r\n0\r\n\r\n", false },
	{ CHUNKED "1\r\nx\r\n0\r\nA: b\r\nHost: x\r\nContent-Length: x\r\n\r\n",
	  0, "1\r\nx\r\n0\r\n\r\n", false },
	{ POST "Transfer-Encoding: , chunked ,\r\n\r\n0\r\n\r\n", 0,
	  "0\r\n\r\n", false },
	{ POST
	  "Transfer-Encoding:\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
	  0, "0\r\n\r\n", false },
};

static const struct vector wrong[] = {
	/* The request line */
	{ " GET / HTTP/1.1\r\n", 400, "", true },
	{ "\nGET / HTTP/1.1\r\n", 400, "", true },
	{ "\r\rGET / HTTP/1.1\r\n", 400, "", true },
	{ "\r\n GET / HTTP/1.1\r\n", 400, "", true },
	{ "GET  / HTTP/1.1\r\n", 400, "", true },
	{ "GET /  HTTP/1.1\r\n", 400, "", true },
	{ "GET / HTTP/1.1 \r\n", 400, "", true },
	{ "GET\t/ HTTP/1.1\r\n", 400, "", true },
	{ "GET /\r\n", 400, "", true },
	{ "GET / HTTP/1.1\n", 400, "", true },
	{ "GET / HTTP/1.1\r\r", 400, "", true },
	{ "GET /\x7f HTTP/1.1\r\n", 400, "", true },
	{ "GET /\xe9 HTTP/1.1\r\n", 400, "", true },
	{ "GET * HTTP/1.1\r\n", 400, "", true },
	{ "GET / http/1.1\r\n", 400, "", true },
	{ "GET / HTTP/1.10\r\n", 400, "", true },
	{ "GET / HTTP/11\r\n", 400, "", true },
	{ "GET / HTTPS/1.1\r\n", 400, "", true },
	{ "G(T / HTTP/1.1\r\n", 400, "", true },
	{ "GET / HTTP/2.0\r\n", 505, "", true },
	{ "PRI * HTTP/2.0\r\n", 505, "", true },
	{ "GET / HTTP/0.9\r\n", 505, "", true },
	{ "OPTIONS * HTTP/1.1\r\n" H "\r\n", 405, "", true },
	{ "CONNECT h:80 HTTP/1.1\r\n" H "\r\n", 405, "", true },
	{ "DELETE / HTTP/1.1\r\n" H "\r\n", 405, "", true },
	{ "get / HTTP/1.1\r\n" H "\r\n", 501, "", true },
	{ "GETTING / HTTP/1.1\r\n" H "\r\n", 501, "", true },
	{ "ABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1\r\n" H "\r\n", 501, "", true },
	/* Fields */
	{ "GET / HTTP/1.1\r\n\r\n", 400, "", true },
	{ "GET / HTTP/1.1\r\n" H H, 400, "", true },
	{ "GET / HTTP/1.1\r\nHost: a b\r\n", 400, "", true },
	{ "GET / HTTP/1.1\r\nHost: a/b\r\n", 400, "", true },
	{ "GET / HTTP/1.1\r\n Host: h\r\n", 400, "", true },
	{ "GET / HTTP/1.1\r\n" H " folded\r\n", 400, "", true },
	{ "GET / HTTP/1.1\r\nA: b\r\n\tfolded\r\n", 400, "", true },
	{ "GET / HTTP/1.1\r\nHost : h\r\n", 400, "", true },
	{ "GET / HTTP/1.1\r\n: h\r\n", 400, "", true },
	{ "GET / HTTP/1.1\r\nA\r\n", 400, "", true },
	{ "GET / HTTP/1.1\r\nA(: b\r\n", 400, "", true },
	{ "GET / HTTP/1.1\r\n\xe9: b\r\n", 400, "", true },
	{ "GET / HTTP/1.1\r\nA: b\n", 400, "", true },
	{ "GET / HTTP/1.1\r\nA: b\rc\r\n", 400, "", true },
	{ "GET / HTTP/1.1\r\nA: b\x7f\r\n", 400, "", true },
	{ "GET / HTTP/1.1\r\nA: \x01\r\n", 400, "", true },
	{ "GET / HTTP/1.1\r\n" H "\r\r", 400, "", true },
	{ "GET / HTTP/1.1\r\n" H "\n", 400, "", true },
	{ POST "Expect: later\r\n\r\n", 417, "", true },
	{ POST "Expect: 100-continue, later\r\n\r\n", 417, "", true },
	/* Framing */
	{ POST "Content-Length: \r\n", 400, "", true },
	{ POST "Content-Length: +1\r\n", 400, "", true },
	{ POST "Content-Length: -1\r\n", 400, "", true },
	{ POST "Content-Length: 0x1\r\n", 400, "", true },
	{ POST "Content-Length: 1 1\r\n", 400, "", true },
	{ POST "Content-Length: 1, 1\r\n", 400, "", true },
	{ POST "Content-Length: 1\r\nContent-Length: 1\r\n", 400, "", true },
	{ POST "Content-Length: 1\r\nContent-Length: 2\r\n", 400, "", true },
	{ POST "Content-Length: 9223372036854775808\r\n\r\n", 413, "", true },
	{ POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
	  "", true },
	{ POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400,
	  "", true },
	{ POST "Transfer-Encoding: chunked, chunked\r\n", 400, "", true },
	{ POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
	  400, "", true },
	{ POST "Transfer-Encoding: chunked, gzip\r\n", 400, "", true },
	{ POST "Transfer-Encoding: gzip\r\n\r\n", 400, "", true },
	{ POST "Transfer-Encoding: chunked;a=b\r\n\r\n", 400, "", true },
	{ POST "Transfer-Encoding: \"chunked\"\r\n\r\n", 400, "", true },
	{ POST "Transfer-Encoding: chu nked\r\n\r\n", 400, "", true },
	{ POST "Transfer-Encoding: xchunked\r\n\r\n", 400, "", true },
	{ POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "", true },
	{ "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "",
	  true },
	/* Chunks */
	{ CHUNKED "\r\n", 400, "", true },
	{ CHUNKED "g\r\n", 400, "", true },
	{ CHUNKED "-1\r\n", 400, "-", true },
	{ CHUNKED "0x1\r\n", 400, "0", true },
	{ CHUNKED ";a\r\n", 400, "", true },
	{ CHUNKED "1 \r\n", 400, "1", true },
	{ CHUNKED "1 1\r\n", 400, "1", true },
	{ CHUNKED "1\n", 400, "1", true },
	{ CHUNKED "1;a\n", 400, "1", true },
	{ CHUNKED "1;\x01", 400, "1", true },
	{ CHUNKED "1\rx", 400, "1\r", true },
	{ CHUNKED "1\r\nxy", 400, "1\r\nx", true },
	{ CHUNKED "1\r\nx\n", 400, "1\r\nx", true },
	{ CHUNKED "1\r\nx\rx", 400, "1\r\nx\r", true },
	{ CHUNKED "8000000000000000\r\n", 413, "800000000000000", true },
	{ CHUNKED "0\r\n folded\r\n", 400, "0\r\n", true },
	{ CHUNKED "0\r\nA\r\n", 400, "0\r\n", true },
	{ CHUNKED "0\r\n\r\r", 400, "0\r\n\r", true },
};

/* What comes of a request */
struct outcome {
	char body[256];
	size_t length, taken;
	struct http head; /* as it was at its end */
};

/* Gives the parser `n` bytes; with `in_place`, the body overwrites them. */
static void give(struct http *h, struct outcome *o, const char *bytes, size_t n,
		 bool in_place)
{
	char copy[512];
	size_t kept, used;

	memcpy(copy, bytes, n);
	for (size_t at = 0; at < n; at += used) {
		char *to = in_place ? copy : o->body + o->length;

		used = http_parse(h, copy + at, n - at, to, &kept);
		assert_true(used > 0 && kept <= used);
		if (in_place)
			memcpy(o->body + o->length, copy, kept);
		o->length += kept;
		o->taken += used;
		if (h->state == HTTP_HEAD_ENDED) {
			o->head = *h;
			http_go_on(h);
		}
		if (h->state >= HTTP_ENDED)
			break;
	}
}

static void check(const struct vector *v, size_t split, size_t step,
		  bool in_place)
{
	struct http h = { .state = HTTP_START };
	struct outcome o = { .length = 0 };
	size_t n = strlen(v->request);

	give(&h, &o, v->request, split, in_place);
	for (size_t at = split; at < n && h.state < HTTP_ENDED; at += step)
		give(&h, &o, v->request + at, step < n - at ? step : n - at,
		     in_place);
	if (h.state != (v->status ? HTTP_FAILED : HTTP_ENDED) ||
	    h.status != v->status ||
	    (!v->status && (o.taken != n || o.head.keep_alive == v->ends)))
		fail_msg("status %d, not %d (split at %zu, %zu of %zu): %s",
			 h.status, v->status, split, o.taken, n, v->request);
	if (v->status == 400 || v->status == 413) /* what was kept before it */
		return;
	assert_int_equal(o.length, strlen(v->body));
	assert_memory_equal(o.body, v->body, o.length);
}

static void at_every_split(const struct vector *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(all[i].request);

		for (int in_place = 0; in_place <= 1; in_place++) {
			for (size_t split = 0; split <= length; split++)
				check(&all[i], split, length, in_place);
			for (size_t step = 1; step < 5; step++)
				check(&all[i], 0, step, in_place);
		}
	}
}

static void right_requests(void **state)
{
	(void)state;
	at_every_split(right, sizeof(right) / sizeof(*right));
}

static void wrong_requests(void **state)
{
	(void)state;
	at_every_split(wrong, sizeof(wrong) / sizeof(*wrong));
}

/* Without the end of a wrong request nothing is wrong yet. */
static void mistakes_are_found_where_they_are(void **state)
{
	size_t kept;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct http h = { .state = HTTP_START };
		struct outcome o = { .length = 0 };
		size_t n = strlen(wrong[i].request);

		give(&h, &o, wrong[i].request, n, false);
		assert_int_equal(h.state, HTTP_FAILED);
		assert_int_equal(http_parse(&h, "x", 1, NULL, &kept), 0);
		memset(&h, 0, sizeof(h));
		n = o.taken;
		o = (struct outcome){ .length = 0 };
		give(&h, &o, wrong[i].request, n - 1, false);
		assert_true(h.state < HTTP_FAILED);
	}
}

static bool expects(const char *request)
{
	struct http h = { .state = HTTP_START };
	size_t kept;

	http_parse(&h, request, strlen(request), NULL, &kept);
	assert_int_equal(h.state, HTTP_HEAD_ENDED);
	return h.expects_continue;
}

static void expectations(void **state)
{
	(void)state;
	assert_true(expects(POST "Expect: 100-continue\r\n\r\n"));
	assert_false(expects(POST "\r\n"));
	assert_false(expects("PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"));
}

static int status_after(const char *begin, char endless, size_t n)
{
	struct http h = { .state = HTTP_START };
	size_t kept;

	http_parse(&h, begin, strlen(begin), NULL, &kept);
	if (h.state == HTTP_HEAD_ENDED) {
		size_t head = strstr(begin, "\r\n\r\n") + 4 - begin;

		http_go_on(&h);
		http_parse(&h, begin + head, strlen(begin) - head, NULL, &kept);
	}
	for (size_t i = 0; i < n && h.state != HTTP_FAILED; i++)
		http_parse(&h, &endless, 1, NULL, &kept);
	return h.status;
}

static void lines_are_limited(void **state)
{
	(void)state;
	assert_int_equal(status_after("GET /", 'a', HTTP_LINES_MAX - 5), 0);
	assert_int_equal(status_after("GET /", 'a', HTTP_LINES_MAX - 4), 414);
	assert_int_equal(status_after("", 'a', HTTP_LINES_MAX + 1), 431);
	assert_int_equal(status_after("GET / HTTP/1.1\r\n", 'a', 8192), 431);
	assert_int_equal(status_after("GET / HTTP/1.1\r\nA:", 'a', 8192), 431);
	assert_int_equal(status_after(CHUNKED, '0', 8193), 431);
	assert_int_equal(status_after(CHUNKED "1;", 'a', 8192), 431);
	assert_int_equal(status_after(CHUNKED "0\r\n", 'a', 8192), 431);
}

/* Data is not limited, and the lines of each chunk are counted anew. */
static void many_chunks(void **state)
{
	struct http h = { .state = HTTP_START };
	static const char chunk[] = "1;extension\r\nx\r\n";
	size_t kept, n = strlen(CHUNKED);

	(void)state;
	assert_int_equal(http_parse(&h, CHUNKED, n, NULL, &kept), n);
	http_go_on(&h);
	for (int i = 0; i < HTTP_LINES_MAX; i++) {
		char out[sizeof(chunk)];

		http_parse(&h, chunk, strlen(chunk), out, &kept);
		assert_int_equal(kept, 6);
	}
	assert_int_equal(h.state, HTTP_CHUNK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_requests),
		cmocka_unit_test(wrong_requests),
		cmocka_unit_test(mistakes_are_found_where_they_are),
		cmocka_unit_test(expectations),
		cmocka_unit_test(lines_are_limited),
		cmocka_unit_test(many_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
