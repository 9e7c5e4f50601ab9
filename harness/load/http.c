/* SPDX-License-Identifier: MIT */
/* http.c - the requests and replies of --service http: see http.h */
#include "http.h"
#include "options.h"

#include "harness/base/die.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_MAX = 64 * 1024 };

void http_open(struct http *http, const struct load_options *opt)
{
	bool v6 = strchr(opt->host, ':');
	int n;

	*http = (struct http){ .message = opt->message,
			       .connects = opt->pattern == PATTERN_CONNECT };
	n = asprintf(&http->request,
		     "GET /%s HTTP/1.1\r\nHost: %s%s%s:%s\r\n\r\n", opt->path,
		     v6 ? "[" : "", opt->host, v6 ? "]" : "", opt->port);
	http->body = malloc(opt->message);
	if (n < 0 || !http->body)
		die("malloc");
	http->request_size = n;
	pthread_mutex_init(&http->lock, NULL);
}

void http_close(struct http *http)
{
	pthread_mutex_destroy(&http->lock);
	free(http->request);
	free(http->body);
}

/* ------------------------------------------------------------------------ head */

static void fault(struct http_reply *r, enum http_fault fault, int64_t value)
{
	r->fault = fault;
	r->value = value;
}

/* The value of a field with this name, in lower case; NULL: another field */
static const char *value_of(const struct http_reply *r, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(r->line, name, n) != 0 || r->line[n] != ':')
		return NULL;
	return r->line + n + 1 + strspn(r->line + n + 1, " \t");
}

/* HTTP/1.1 200 OK */
static void take_status(struct http_reply *r)
{
	const char *line = r->line;

	if (strncmp(line, "HTTP/1.", 7) != 0 || !isdigit(line[7]) ||
	    line[8] != ' ' || strspn(line + 9, "0123456789") != 3)
		fault(r, HTTP_NONE, 0);
	else if (strncmp(line + 9, "200", 3) != 0)
		fault(r, HTTP_STATUS, strtol(line + 9, NULL, 10));
	r->lasts = line[7] != '0';
}

static void take_field(const struct http *http, struct http_reply *r)
{
	const char *value;
	char *end;

	if ((value = value_of(r, "content-length"))) {
		unsigned long long n = strtoull(value, &end, 10);

		r->has_length = isdigit(*value) && !end[strspn(end, " \t")];
		if (r->has_length && n != http->message)
			fault(r, HTTP_LENGTH, n);
	} else if (value_of(r, "transfer-encoding")) {
		fault(r, HTTP_NO_LENGTH, 0);
	} else if ((value = value_of(r, "connection"))) {
		r->lasts = !strcasestr(value, "close") &&
			   (r->lasts || strcasestr(value, "keep-alive"));
	}
}

static void end_head(const struct http *http, struct http_reply *r)
{
	if (!r->has_length)
		fault(r, HTTP_NO_LENGTH, 0);
	else if (!r->lasts && !http->connects)
		fault(r, HTTP_CLOSES, 0);
	else
		r->in_body = true;
}

static void end_line(const struct http *http, struct http_reply *r)
{
	size_t n = r->line_length < HTTP_LINE ? r->line_length : HTTP_LINE;

	if (n > 0 && r->line[n - 1] == '\r')
		n--;
	r->line[n] = '\0';
	if (r->lines++ == 0)
		take_status(r);
	else if (n == 0)
		end_head(http, r);
	else
		take_field(http, r);
	r->line_length = 0;
}

/* Keeps the first bytes of the line. */
static void add(struct http_reply *r, const char *bytes, size_t n)
{
	size_t at = r->line_length;

	if (at < HTTP_LINE)
		memcpy(r->line + at, bytes,
		       n < HTTP_LINE - at ? n : HTTP_LINE - at);
	r->line_length += n;
	r->head += n;
}

size_t http_take_head(const struct http *http, struct http_reply *r,
		      const char *bytes, size_t n)
{
	static const char begin[] = "HTTP/1.";
	size_t used = 0;

	while (used < n && !r->in_body && !r->fault) {
		const char *from = bytes + used;
		const char *lf = memchr(from, '\n', n - used);
		size_t part = lf ? (size_t)(lf - from) : n - used;

		add(r, from, part);
		used += part + (lf != NULL);
		if (lf)
			end_line(http, r);
		else if (r->head > HEAD_MAX)
			fault(r, HTTP_ENDLESS_HEAD, 0);
		if (r->lines == 0 && /* it may never end its first line */
		    memcmp(r->line, begin,
			   r->line_length < strlen(begin) ? r->line_length :
							    strlen(begin)) != 0)
			fault(r, HTTP_NONE, 0);
	}
	return used;
}

/* ------------------------------------------------------------------------ body */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t match_known(const struct http *http, size_t at, const char *bytes,
			  size_t n)
{
	const char *right = http->body + at;
	size_t same = 0;

	if (memcmp(right, bytes, n) == 0)
		return n;
	while (right[same] == bytes[same])
		same++;
	return same;
}

size_t http_match(struct http *http, size_t at, const char *bytes, size_t n)
{
	size_t known = atomic_load_explicit(&http->known, memory_order_acquire);
	size_t part, right;

	if (at + n > known) { /* of the first replies */
		pthread_mutex_lock(&http->lock);
		known = atomic_load(&http->known);
		if (at + n > known && at <= known) {
			memcpy(http->body + known, bytes + (known - at),
			       at + n - known);
			known = at + n;
			atomic_store_explicit(&http->known, known,
					      memory_order_release);
		}
		pthread_mutex_unlock(&http->lock);
	}
	part = least(n, known - at);
	right = match_known(http, at, bytes, part);
	return right < part ? right : n;
}
