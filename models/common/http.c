/* SPDX-License-Identifier: MIT */
/* http.c - a parser of HTTP/1.1 requests: see http.h */
#include "http.h"

#include <ctype.h>
#include <string.h>

void http_begin(struct http *h)
{
	*h = (struct http){ .state = HTTP_START };
}

static void fail(struct http *h, int status)
{
	h->status = status;
	h->state = HTTP_FAILED;
}

/* ------------------------------------------------------------ bytes and words */

static bool is_token(unsigned char ch)
{
	return isalnum(ch) || (ch && strchr("!#$%&'*+-.^_`|~", ch));
}

static bool is_space(unsigned char ch)
{
	return ch == ' ' || ch == '\t';
}

/* May stand in a field value; all but ASCII is opaque. */
static bool is_text(unsigned char ch)
{
	return is_space(ch) || (ch > ' ' && ch != 0x7f);
}

static bool is_host(unsigned char ch)
{
	return isalnum(ch) || (ch && strchr("-._~%!$&'()*+,;=:[]", ch));
}

static void add(struct http *h, unsigned char ch)
{
	if (h->word_len < HTTP_WORD_MAX)
		h->word[h->word_len] = ch;
	if (h->word_len <= HTTP_WORD_MAX)
		h->word_len++;
}

static void end_word(struct http *h)
{
	h->word_len = 0;
	h->gap = false;
}

static bool is(const struct http *h, const char *word)
{
	return h->word_len == strlen(word) &&
	       memcmp(h->word, word, h->word_len) == 0;
}

/* The place of the word in a list, or the length of the list */
static int find(const struct http *h, const char *const *list)
{
	int i = 0;

	while (list[i] && !is(h, list[i]))
		i++;
	return i;
}

/* ------------------------------------------------------------ the request line */

static enum http_method method_of(const struct http *h)
{
	static const char *const methods[] = { "GET",     "HEAD",    "POST",
					       "PUT",     "CONNECT", "DELETE",
					       "OPTIONS", "PATCH",   "TRACE",
					       NULL };
	int i = find(h, methods);

	if (!methods[i])
		return HTTP_UNKNOWN;
	return i < HTTP_NOT_ALLOWED ? i : HTTP_NOT_ALLOWED;
}

/* A path or, to a proxy, a URL. Other forms belong to methods that we refuse. */
static bool begins_target(const struct http *h, unsigned char ch)
{
	return ch == '/' || isalpha(ch) || h->method >= HTTP_NOT_ALLOWED;
}

static bool is_version(const struct http *h, unsigned char ch)
{
	static const char form[] = "HTTP/0.0";
	char wanted = h->word_len < strlen(form) ? form[h->word_len] : '\0';

	return wanted == '0' ? isdigit(ch) : wanted && ch == wanted;
}

static void end_version(struct http *h)
{
	h->is_1_0 = h->word[7] == '0';
	h->state = HTTP_LINE_LF;
	if (h->word_len < strlen("HTTP/0.0"))
		fail(h, 400);
	else if (h->word[5] != '1')
		fail(h, 505);
}

static void in_request_line(struct http *h, unsigned char ch)
{
	if (h->state == HTTP_START && ch == '\r') {
		h->state = HTTP_START_LF;
	} else if (h->state == HTTP_START_LF && ch == '\n') {
		h->state = HTTP_START;
	} else if (h->state <= HTTP_METHOD && h->state != HTTP_START_LF &&
		   is_token(ch)) {
		h->state = HTTP_METHOD;
		add(h, ch);
	} else if (h->state == HTTP_METHOD && ch == ' ') {
		h->method = method_of(h);
		h->state = HTTP_TARGET;
		end_word(h);
	} else if (h->state == HTTP_TARGET && ch > ' ' && ch < 0x7f &&
		   (h->word_len > 0 || begins_target(h, ch))) {
		h->word_len = 1; /* there is one */
	} else if (h->state == HTTP_TARGET && ch == ' ' && h->word_len > 0) {
		h->state = HTTP_VERSION;
		end_word(h);
	} else if (h->state == HTTP_VERSION && ch == '\r') {
		end_version(h);
	} else if (h->state == HTTP_VERSION && is_version(h, ch)) {
		add(h, ch);
	} else {
		fail(h, 400);
	}
}

/* ------------------------------------------------------------------ the fields */

static void end_name(struct http *h)
{
	static const char *const names[] = {
		"host",       "content-length", "transfer-encoding",
		"connection", "expect",         NULL
	};

	h->field = h->trailing ? HTTP_OTHER : (enum http_field)find(h, names);
	if ((h->field == HTTP_HOST && h->has_host) ||
	    (h->field == HTTP_CONTENT_LENGTH && h->has_length)) {
		fail(h, 400);
		return;
	}
	h->has_host |= h->field == HTTP_HOST;
	h->has_length |= h->field == HTTP_CONTENT_LENGTH;
	h->state = HTTP_VALUE;
	end_word(h);
}

/* An element of a list has ended. Empty ones mean nothing. */
static void end_element(struct http *h)
{
	if (h->word_len == 0)
		return;
	if (h->field == HTTP_TRANSFER_ENCODING) {
		if (h->chunked) /* it has to be the last, and to be there once */
			fail(h, 400);
		else if (is(h, "chunked"))
			h->chunked = true;
		else
			h->other_coding = true;
	} else if (h->field == HTTP_CONNECTION) {
		h->close |= is(h, "close");
		h->persist |= is(h, "keep-alive");
	} else if (is(h, "100-continue")) {
		h->expects_continue = true;
	} else {
		h->other_expectation = true;
	}
	end_word(h);
}

static void add_digit(struct http *h, int base, int digit)
{
	if (h->length > (INT64_MAX - digit) / base)
		h->too_long = true;
	else
		h->length = h->length * base + digit;
}

static void in_value(struct http *h, unsigned char ch)
{
	if (!is_text(ch)) {
		fail(h, 400);
	} else if (h->field == HTTP_OTHER) {
		;
	} else if (is_space(ch)) {
		h->gap = h->word_len > 0;
	} else if (h->field == HTTP_HOST || h->field == HTTP_CONTENT_LENGTH) {
		if (h->gap ||
		    (h->field == HTTP_HOST ? !is_host(ch) : !isdigit(ch)))
			fail(h, 400);
		else if (h->field == HTTP_CONTENT_LENGTH)
			add_digit(h, 10, ch - '0');
		h->word_len = 1; /* there is a value */
	} else if (ch == ',') {
		end_element(h);
	} else {
		if (h->gap) /* two words match nothing */
			h->word_len = HTTP_WORD_MAX;
		add(h, tolower(ch));
	}
}

static void end_value(struct http *h)
{
	h->state = HTTP_LINE_LF;
	if (h->field == HTTP_CONTENT_LENGTH && h->word_len == 0)
		fail(h, 400);
	else if (h->field >= HTTP_TRANSFER_ENCODING && h->field < HTTP_OTHER)
		end_element(h);
}

/* What the whole head says. Errors that make the rest of it doubtful come first. */
static void end_head(struct http *h)
{
	bool has_coding = h->chunked || h->other_coding;

	h->keep_alive = !h->close && (!h->is_1_0 || h->persist);
	h->expects_continue &= !h->is_1_0;
	if (!h->has_host && !h->is_1_0)
		fail(h, 400);
	else if (has_coding && (h->is_1_0 || h->has_length || !h->chunked))
		fail(h, 400);
	else if (h->method == HTTP_UNKNOWN || h->other_coding)
		fail(h, 501);
	else if (h->method == HTTP_NOT_ALLOWED)
		fail(h, 405);
	else if (h->too_long)
		fail(h, 413);
	else if (h->other_expectation && !h->is_1_0)
		fail(h, 417);
	else
		h->state = HTTP_HEAD_ENDED;
}

static void in_fields(struct http *h, unsigned char ch)
{
	if (h->state == HTTP_VALUE && ch != '\r') {
		in_value(h, ch);
	} else if (h->state == HTTP_VALUE) {
		end_value(h);
	} else if (h->state == HTTP_LINE_LF && ch == '\n') {
		h->state = HTTP_FIELD;
		end_word(h);
	} else if (h->state == HTTP_FIELD && ch == '\r') {
		h->state = HTTP_LINES_LF;
	} else if (h->state == HTTP_LINES_LF && ch == '\n') {
		if (h->trailing)
			h->state = HTTP_ENDED;
		else
			end_head(h);
	} else if (h->state == HTTP_NAME && ch == ':') {
		end_name(h);
	} else if ((h->state == HTTP_FIELD || h->state == HTTP_NAME) &&
		   is_token(ch)) {
		h->state = HTTP_NAME;
		add(h, tolower(ch));
	} else {
		fail(h, 400);
	}
}

/* -------------------------------------------------------------------- the body */

static int hex_digit(unsigned char ch)
{
	return isdigit(ch) ? ch - '0' : tolower(ch) - 'a' + 10;
}

static void after_size(struct http *h, unsigned char ch)
{
	if (ch == '\r' && h->state != HTTP_CHUNK_SPACE)
		h->state = HTTP_CHUNK_LF;
	else if (ch == ';')
		h->state = HTTP_CHUNK_EXTENSION;
	else if (is_space(ch))
		h->state = HTTP_CHUNK_SPACE;
	else
		fail(h, 400);
}

static void in_chunk_line(struct http *h, unsigned char ch)
{
	if (h->state <= HTTP_CHUNK_SIZE && isxdigit(ch)) {
		h->state = HTTP_CHUNK_SIZE;
		add_digit(h, 16, hex_digit(ch));
		if (h->too_long)
			fail(h, 413);
	} else if (h->state == HTTP_CHUNK_EXTENSION && ch != '\r') {
		if (!is_text(ch))
			fail(h, 400);
	} else if (h->state == HTTP_CHUNK_LF && ch == '\n') {
		h->trailing = h->length == 0;
		h->state = h->trailing ? HTTP_FIELD : HTTP_DATA;
	} else if (h->state == HTTP_DATA_CR && ch == '\r') {
		h->state = HTTP_DATA_LF;
	} else if (h->state == HTTP_DATA_LF && ch == '\n') {
		h->state = HTTP_CHUNK;
	} else if (h->state >= HTTP_CHUNK_SIZE &&
		   h->state <= HTTP_CHUNK_EXTENSION) {
		after_size(h, ch);
	} else {
		fail(h, 400);
	}
}

/* Returns how many of `n` bytes are of the body. */
static size_t in_data(struct http *h, size_t n)
{
	if ((int64_t)n > h->length)
		n = h->length;
	h->length -= n;
	h->lines = 0;
	if (h->length == 0)
		h->state = h->chunked ? HTTP_DATA_CR : HTTP_ENDED;
	return n;
}

void http_go_on(struct http *h)
{
	h->lines = 0;
	h->state = h->chunked    ? HTTP_CHUNK :
		   h->length > 0 ? HTTP_DATA :
				   HTTP_ENDED;
}

/* ----------------------------------------------------------------------- bytes */

/* Takes a byte of a line; returns whether a reply with this body needs it, too. */
static bool in_line(struct http *h, unsigned char ch)
{
	enum http_state was = h->state;

	if (++h->lines > HTTP_LINES_MAX) {
		fail(h, was == HTTP_TARGET ? 414 : 431);
		return false;
	}
	if (was < HTTP_LINE_LF)
		in_request_line(h, ch);
	else if (was < HTTP_CHUNK)
		in_fields(h, ch);
	else
		in_chunk_line(h, ch);
	if (was < HTTP_CHUNK && !h->trailing)
		return false;
	switch (h->state) {
	case HTTP_CHUNK_SPACE:
	case HTTP_CHUNK_EXTENSION:
	case HTTP_NAME:
	case HTTP_VALUE:
	case HTTP_LINE_LF:
	case HTTP_FAILED:
		return false;
	default:
		return was != HTTP_LINE_LF;
	}
}

size_t http_parse(struct http *h, const char *bytes, size_t n, char *to,
		  size_t *kept)
{
	size_t i = 0, part;

	*kept = 0;
	for (; i < n && h->state < HTTP_HEAD_ENDED; i += part) {
		bool keep = true;

		part = 1;
		if (h->state == HTTP_DATA)
			part = in_data(h, n - i);
		else
			keep = in_line(h, bytes[i]);
		if (keep && to) {
			if (to + *kept != bytes + i)
				memmove(to + *kept, bytes + i, part);
			*kept += part;
		}
	}
	return i;
}
