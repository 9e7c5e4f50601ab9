/* SPDX-License-Identifier: MIT */
/* lines.c - reading repetitions.jsonl: see lines.h */
#include "harness/store/lines.h"

#include "harness/store/files.h"
#include "harness/base/die.h"
#include "harness/base/grow.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char lines_name[] = "repetitions.jsonl";
static const char broken_name[] = "repetitions.broken";

struct line {
	const char *at;
	size_t size;
	bool good;
};

struct lines {
	struct line *line;
	size_t n;
	size_t *bout; /* those of the current bout */
	size_t n_bout;
	bool older, newer; /* whether another version wrote any */
};

/* ------------------------------------------------------------------- one line */

/* NULL: success; else what is wrong */
static const char *read_line(struct lines *l, const struct line *line,
			     struct record *r, char why[WHY_SIZE])
{
	json_t *json;
	json_int_t schema;
	bool read;

	if (line->at[line->size - 1] != '\n')
		return "truncated";
	json = json_loadb(line->at, line->size, 0, NULL);
	if (!json)
		return "not JSON";
	schema = json_integer_value(json_object_get(json, "schema"));
	l->older |= schema > 0 && schema < RECORD_SCHEMA;
	l->newer |= schema > RECORD_SCHEMA;
	read = record_read(r, json, why);
	json_decref(json);
	return read ? NULL : why;
}

/* Their records are the last ones: a damaged line has none. */
static void end_bout(struct store *s, struct lines *l)
{
	const struct record *last = s->n ? &s->records[s->n - 1] : NULL;

	if (l->n_bout && l->n_bout < last->bout_size) {
		warn("%.200s/%s: bout %u left out: %zu of %u repetitions",
		     s->path, lines_name, last->bout, l->n_bout,
		     last->bout_size);
		s->left_out += l->n_bout;
		for (size_t i = 0; i < l->n_bout; i++) {
			l->line[l->bout[i]].good = false;
			record_free(&s->records[--s->n]);
		}
	}
	l->n_bout = 0;
}

static void take_line(struct store *s, struct lines *l, const struct record *r)
{
	const struct record *last = s->n ? &s->records[s->n - 1] : NULL;

	if (l->n_bout && (r->bout != last->bout || l->n_bout == r->bout_size))
		end_bout(s, l);
	l->bout = grow(l->bout, l->n_bout + 1, sizeof(*l->bout));
	l->bout[l->n_bout++] = l->n - 1;
	store_take(s, r);
}

static void sort_line(struct store *s, struct lines *l, const char *at,
		      size_t size)
{
	char why[WHY_SIZE];
	struct line line = { at, size, true };
	struct record r;
	const char *problem = read_line(l, &line, &r, why);

	line.good = !problem;
	l->line = grow(l->line, l->n + 1, sizeof(*l->line));
	l->line[l->n++] = line;
	if (!problem) {
		take_line(s, l, &r);
		return;
	}
	s->left_out++;
	if (!l->older)
		warn("%.200s/%s:%zu: left out: %s", s->path, lines_name, l->n,
		     problem);
}

static struct lines sort_lines(struct store *s, const char *text, size_t size)
{
	struct lines l = { .line = NULL };

	for (const char *at = text, *end = text + size, *next;
	     at < end && !l.older; at = next) {
		next = memchr(at, '\n', (size_t)(end - at));
		next = next ? next + 1 : end;
		sort_line(s, &l, at, (size_t)(next - at));
	}
	end_bout(s, &l);
	return l;
}

/* ------------------------------------------------------------------- all lines */

/* The good lines, or the others; free it. */
static char *joined(const struct lines *l, bool good, size_t *size)
{
	char *text;

	*size = 0;
	for (size_t i = 0; i < l->n; i++)
		*size += l->line[i].good == good ? l->line[i].size : 0;
	text = grow(NULL, *size + 1, 1);
	*size = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (l->line[i].good != good)
			continue;
		memcpy(text + *size, l->line[i].at, l->line[i].size);
		*size += l->line[i].size;
	}
	return text;
}

static bool save_broken(const struct store *s, const char *text, size_t size,
			char why[WHY_SIZE])
{
	int fd = openat(s->dir, broken_name,
			O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	bool kept = fd >= 0 && file_write(fd, text, size) &&
		    (text[size - 1] == '\n' || file_write(fd, "\n", 1)) &&
		    fsync(fd) == 0;

	if (!kept)
		file_failed(s, broken_name, why);
	if (fd >= 0)
		close(fd);
	return kept;
}

/* Saves the lines before it removes them: a crash duplicates, never loses. */
static bool repair(const struct store *s, const struct lines *l,
		   char why[WHY_SIZE])
{
	size_t n_good, n_broken;
	char *good = joined(l, true, &n_good);
	char *broken = joined(l, false, &n_broken);
	bool done =
		n_broken == 0 || (save_broken(s, broken, n_broken, why) &&
				  file_put(s, lines_name, good, n_good, why));

	free(good);
	free(broken);
	return done;
}

bool lines_read(struct store *s, bool repairing, char why[WHY_SIZE])
{
	size_t size;
	char *text = file_get(s, lines_name, &size, why);
	struct lines l;
	bool fine = true;

	if (!text)
		return false;
	l = sort_lines(s, text, size);
	if (l.older)
		fine = file_too_old(s, why);
	else if (repairing && l.newer)
		fine = why_not(
			why,
			"%.300s: written by a newer version of this program; "
			"resume it with that version",
			s->path);
	else if (repairing)
		fine = repair(s, &l, why);
	free(l.line);
	free(l.bout);
	free(text);
	return fine;
}
