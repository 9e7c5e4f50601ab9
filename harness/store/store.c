/* SPDX-License-Identifier: MIT */
/* store.c - the folder of a run: see store.h */
#include "harness/store/store.h"

#include "harness/store/histograms.h"
#include "harness/store/files.h"
#include "harness/store/lock.h"
#include "harness/base/grow.h"

#include "harness/base/die.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const char lines_name[] = "repetitions.jsonl";
static const char broken_name[] = "repetitions.broken";
static const char mark_name[] = "INCOMPLETE";
static const char begun_name[] = "run.json";
static const char histograms_name[] = "histograms";

/* With 15 digits a short decimal number is printed as it was. */
enum { JSON_FLAGS = JSON_COMPACT | JSON_REAL_PRECISION(15) };

/* ------------------------------------------------------------- folders */

static bool begin(struct store *s, const char *path, char why[WHY_SIZE])
{
	size_t length = strlen(path);

	*s = (struct store){ .dir = -1, .lines = -1 };
	while (length > 1 && path[length - 1] == '/')
		length--;
	if (length == 0)
		return why_not(why, "the folder of a run needs a name");
	if (length >= sizeof(s->path))
		return why_not(why, "%.60s...: name too long", path);
	memcpy(s->path, path, length);
	return true;
}

/* Its parent exists. */
static bool make_folder(const char *path)
{
	char parent[STORE_PATH_SIZE];
	char *slash;
	int dir;

	if (mkdir(path, 0777) < 0)
		return errno == EEXIST;
	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash)
		slash[slash == parent] = '\0';
	dir = open(slash ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) { /* the parent may be writable but not readable */
		file_sync_folder(dir);
		close(dir);
	}
	return true;
}

static bool make_folders(const struct store *s, char why[WHY_SIZE])
{
	char path[STORE_PATH_SIZE];
	char *slash = path;
	bool made = true;

	memcpy(path, s->path, sizeof(path));
	while (made && *slash) {
		char was;

		slash = strchrnul(slash + 1, '/');
		was = *slash;
		*slash = '\0';
		made = make_folder(path);
		if (made)
			*slash = was;
	}
	return made || why_not(why, "%.300s: cannot create folder: %s%s", path,
			       strerror(errno), file_remedy(errno));
}

static bool open_folder(struct store *s, char why[WHY_SIZE])
{
	s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir >= 0)
		return true;
	if (errno == ENOENT)
		return why_not(why, "%.300s: no such folder", s->path);
	if (errno == ENOTDIR)
		return why_not(why, "%.300s: not a folder", s->path);
	return why_not(why, "%.300s: %s%s", s->path, strerror(errno),
		       file_remedy(errno));
}

bool store_lock(const struct store *s, char why[WHY_SIZE])
{
	char holder[LOCK_HOLDER_SIZE];

	return lock_folder(s->dir, holder) ||
	       why_not(why,
		       "%.300s: %s is writing this run; wait for it to end",
		       s->path, holder);
}

/* ----------------------------------------------------------------- a new folder */

static bool is_empty(const struct store *s)
{
	int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool empty = dir;

	while (empty && (entry = readdir(dir)))
		empty = strcmp(entry->d_name, ".") == 0 ||
			strcmp(entry->d_name, "..") == 0;
	if (dir)
		closedir(dir);
	return empty;
}

static bool has_begun(const struct store *s)
{
	struct stat st;

	return file_exists(s, begun_name) ||
	       (fstatat(s->dir, lines_name, &st, 0) == 0 && st.st_size > 0);
}

/* Files of a run that never started may be overwritten. */
static bool is_free(const struct store *s, char why[WHY_SIZE])
{
	if (has_begun(s) && store_is_complete(s))
		return why_not(
			why, "%.200s already holds a run; choose another --out",
			s->path);
	if (has_begun(s))
		return why_not(
			why,
			"%.200s already holds a run; resume it with "
			"bin/matrix resume %.200s, or choose another --out",
			s->path, s->path);
	if (is_empty(s) || file_exists(s, mark_name))
		return true;
	return why_not(
		why,
		"%.300s is not empty; choose another --out, or a folder in "
		"it",
		s->path);
}

static bool open_lines(struct store *s, char why[WHY_SIZE])
{
	s->lines = openat(s->dir, lines_name,
			  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (s->lines >= 0 && file_sync_folder(s->dir))
		return true;
	return file_failed(s, lines_name, why);
}

static bool make_histograms(const struct store *s, char why[WHY_SIZE])
{
	if (mkdirat(s->dir, histograms_name, 0777) == 0 || errno == EEXIST)
		return true;
	return file_failed(s, histograms_name, why);
}

/* INCOMPLETE is written first: a partial run never looks complete. */
bool store_create(struct store *s, const char *path, char why[WHY_SIZE])
{
	char how[STORE_PATH_SIZE + 100];

	if (!begin(s, path, why))
		return false;
	snprintf(how, sizeof(how),
		 "This run is incomplete. To resume it:\n\n"
		 "    bin/matrix resume %s\n",
		 s->path);
	if (make_folders(s, why) && open_folder(s, why) && store_lock(s, why) &&
	    is_free(s, why) && store_incomplete(s, how, why) &&
	    make_histograms(s, why) && open_lines(s, why))
		return true;
	store_close(s);
	return false;
}

/* --------------------------------------------------------- existing lines */

/* Valid and damaged lines, and whether a newer version wrote any */
struct lines {
	char *good, *broken;
	size_t n_good, n_broken;
	unsigned number; /* of the current line */
	bool newer;
};

static void take(struct store *s, const struct record *r)
{
	s->records = grow(s->records, s->n + 1, sizeof(*s->records));
	s->records[s->n++] = *r;
}

/* Adds the record of a line to s. NULL: success; else what is wrong */
static const char *read_line(struct store *s, const char *line, size_t size,
			     bool *newer, char why[WHY_SIZE])
{
	struct record r;
	json_t *json;
	bool read;

	if (line[size - 1] != '\n')
		return "truncated";
	json = json_loadb(line, size, 0, NULL);
	if (!json)
		return "not JSON";
	*newer |= json_integer_value(json_object_get(json, "schema")) >
		  RECORD_SCHEMA;
	read = record_read(&r, json, why);
	json_decref(json);
	if (!read)
		return why;
	take(s, &r);
	return NULL;
}

static void sort_line(struct store *s, struct lines *l, const char *line,
		      size_t size)
{
	char why[WHY_SIZE];
	const char *problem = read_line(s, line, size, &l->newer, why);

	l->number++;
	s->left_out += problem != NULL;
	if (!problem) {
		memcpy(l->good + l->n_good, line, size);
		l->n_good += size;
		return;
	}
	warn("%.200s/%s:%u: left out: %s", s->path, lines_name, l->number,
	     problem);
	memcpy(l->broken + l->n_broken, line, size);
	l->n_broken += size;
}

static struct lines sort_lines(struct store *s, const char *text, size_t size)
{
	struct lines l = { .good = malloc(size + 1),
			   .broken = malloc(size + 1) };

	if (!l.good || !l.broken)
		die("malloc");
	for (const char *at = text, *end = text + size, *next; at < end;
	     at = next) {
		next = memchr(at, '\n', (size_t)(end - at));
		next = next ? next + 1 : end;
		sort_line(s, &l, at, (size_t)(next - at));
	}
	return l;
}

/* Saves the damaged lines before it removes them: a crash duplicates, never
 * loses. */
static bool repair(const struct store *s, const struct lines *l,
		   char why[WHY_SIZE])
{
	int fd;
	bool kept;

	if (l->n_broken == 0)
		return true;
	fd = openat(s->dir, broken_name,
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	kept = fd >= 0 && file_write(fd, l->broken, l->n_broken) &&
	       (l->broken[l->n_broken - 1] == '\n' ||
		file_write(fd, "\n", 1)) &&
	       fsync(fd) == 0;
	if (!kept)
		file_failed(s, broken_name, why);
	if (fd >= 0)
		close(fd);
	return kept && file_put(s, lines_name, l->good, l->n_good, why);
}

static bool read_lines(struct store *s, bool repairing, char why[WHY_SIZE])
{
	size_t size;
	char *text = file_get(s, lines_name, &size, why);
	struct lines l;
	bool fine = true;

	if (!text)
		return false;
	l = sort_lines(s, text, size);
	if (repairing && l.newer)
		fine = why_not(
			why,
			"%.300s: written by a newer version of this program; "
			"resume it with that version",
			s->path);
	else if (repairing)
		fine = repair(s, &l, why);
	free(l.good);
	free(l.broken);
	free(text);
	return fine;
}

static bool holds_run(const struct store *s, char why[WHY_SIZE])
{
	if (has_begun(s))
		return true;
	if (file_exists(s, mark_name))
		return why_not(
			why,
			"%.200s: the run never started; start it again with "
			"bin/matrix run --out %.200s",
			s->path, s->path);
	return why_not(why, "%.300s holds no run: no file %s in it", s->path,
		       begun_name);
}

bool store_open(struct store *s, const char *path, char why[WHY_SIZE])
{
	if (begin(s, path, why) && open_folder(s, why) && holds_run(s, why) &&
	    store_lock(s, why) && make_histograms(s, why) &&
	    open_lines(s, why) && read_lines(s, true, why)) {
		/* repair() may have replaced the file. */
		close(s->lines);
		if (open_lines(s, why))
			return true;
	}
	store_close(s);
	return false;
}

bool store_read(struct store *s, const char *path, char why[WHY_SIZE])
{
	if (begin(s, path, why) && open_folder(s, why) && holds_run(s, why) &&
	    read_lines(s, false, why))
		return true;
	store_close(s);
	return false;
}

/* ------------------------------------------------------------------- a new line */

/* Compresses for a .gz file, without name and time, so that equal data gives an
 * equal file. Free the result. */
static void *gzip(char *text, size_t size, size_t *packed)
{
	z_stream z = { .next_in = (unsigned char *)text,
		       .avail_in = (unsigned)size };
	unsigned char *to;

	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16,
			 MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		die("deflateInit2");
	*packed = deflateBound(&z, size);
	to = malloc(*packed);
	if (!to)
		die("malloc");
	z.next_out = to;
	z.avail_out = (unsigned)*packed;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		die("deflate");
	*packed = z.total_out;
	deflateEnd(&z);
	return to;
}

static bool write_histograms(const struct store *s, struct record *r,
			     const json_t *histograms, char why[WHY_SIZE])
{
	json_t *kept = histograms_by_column(histograms);
	char *text = json_dumps(kept, JSON_FLAGS);
	size_t size;
	void *packed;
	bool written;

	if (!text)
		die("json_dumps");
	json_decref(kept);
	packed = gzip(text, strlen(text), &size);
	snprintf(r->histograms, sizeof(r->histograms), "%s/%04u.json.gz",
		 histograms_name, r->index);
	written = file_put(s, r->histograms, packed, size, why);
	free(packed);
	free(text);
	return written;
}

/* Appends a whole line or nothing. */
static bool write_line(const struct store *s, const char *line,
		       char why[WHY_SIZE])
{
	struct stat before;
	int error;

	if (fstat(s->lines, &before) < 0)
		return file_failed(s, lines_name, why);
	if (file_write(s->lines, line, strlen(line)) &&
	    fdatasync(s->lines) == 0)
		return true;
	error = errno;
	if (ftruncate(s->lines, before.st_size) < 0)
		warn("%.300s/%s: %s", s->path, lines_name, strerror(errno));
	errno = error;
	return file_failed(s, lines_name, why);
}

static char *line_of(const struct record *r)
{
	json_t *json = record_json(r);
	char *text = json_dumps(json, JSON_FLAGS), *line;

	if (!text || asprintf(&line, "%s\n", text) < 0)
		die("json_dumps");
	free(text);
	json_decref(json);
	return line;
}

/* Removes what a failed store_append_bout() wrote. */
static void drop_histograms(const struct store *s, struct record *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (*r[i].histograms)
			unlinkat(s->dir, r[i].histograms, 0);
		*r[i].histograms = '\0';
	}
}

bool store_append_bout(struct store *s, struct record *r, size_t n,
		       json_t *const *histograms, char why[WHY_SIZE])
{
	char *text = NULL;
	size_t size;
	FILE *lines = open_memstream(&text, &size);
	bool written = true;

	if (!lines)
		die("open_memstream");
	for (size_t i = 0; i < n && written; i++) {
		char *line;

		written = !histograms[i] ||
			  write_histograms(s, &r[i], histograms[i], why);
		line = line_of(&r[i]);
		fputs(line, lines);
		free(line);
	}
	if (fclose(lines) != 0)
		die("open_memstream");
	written = written && write_line(s, text, why);
	free(text);
	for (size_t i = 0; i < n && written; i++)
		take(s, &r[i]);
	if (!written)
		drop_histograms(s, r, n);
	return written;
}

bool store_has_bout(const struct store *s, const struct blocks *b,
		    unsigned bout)
{
	bool found = false;

	for (size_t i = 0; i < b->n; i++) {
		if (b->entry[i].bout != bout)
			continue;
		if (!store_find(s, b->entry[i].index))
			return false;
		found = true;
	}
	return found;
}

const struct record *store_find(const struct store *s, unsigned index)
{
	for (size_t i = s->n; i > 0; i--)
		if (s->records[i - 1].index == index)
			return &s->records[i - 1];
	return NULL;
}

/* ------------------------------------------------------------------ other files */

bool store_file(const struct store *s, const char *name, const char *text,
		char why[WHY_SIZE])
{
	return file_put(s, name, text, strlen(text), why);
}

bool store_json(const struct store *s, const char *name, const json_t *value,
		char why[WHY_SIZE])
{
	char *text =
		json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	char *file;
	bool written;

	if (!text || asprintf(&file, "%s\n", text) < 0)
		die("json_dumps");
	written = store_file(s, name, file, why);
	free(file);
	free(text);
	return written;
}

json_t *store_load_json(const struct store *s, const char *name,
			char why[WHY_SIZE])
{
	json_error_t error;
	json_t *value;
	size_t size;
	char *text = file_get(s, name, &size, why);

	if (!text)
		return NULL;
	value = json_loadb(text, size, 0, &error);
	if (!value)
		why_not(why, "%.200s/%s:%d: %s", s->path, name, error.line,
			error.text);
	free(text);
	return value;
}

char *store_load_text(const struct store *s, const char *name,
		      char why[WHY_SIZE])
{
	size_t size;

	return file_get(s, name, &size, why);
}

bool store_incomplete(const struct store *s, const char *how,
		      char why[WHY_SIZE])
{
	return store_file(s, mark_name, how, why);
}

bool store_complete(const struct store *s, char why[WHY_SIZE])
{
	if ((unlinkat(s->dir, mark_name, 0) == 0 || errno == ENOENT) &&
	    file_sync_folder(s->dir))
		return true;
	return file_failed(s, mark_name, why);
}

bool store_is_complete(const struct store *s)
{
	return !file_exists(s, mark_name);
}

void store_close(struct store *s)
{
	for (size_t i = 0; i < s->n; i++)
		record_free(&s->records[i]);
	free(s->records);
	if (s->lines >= 0)
		close(s->lines);
	if (s->dir >= 0)
		close(s->dir);
	*s = (struct store){ .dir = -1, .lines = -1 };
}
