/* SPDX-License-Identifier: MIT */
/* store.c - the folder of a run: see store.h */
#include "harness/store/store.h"

#include "harness/store/histograms.h"
#include "harness/store/files.h"
#include "harness/store/lines.h"
#include "harness/store/lock.h"
#include "harness/store/slices.h"
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

static const char mark_name[] = "INCOMPLETE";
static const char begun_name[] = "run.json";
static const char histograms_name[] = "histograms";

/* ------------------------------------------------------------- folders */

static bool begin(struct store *s, const char *path, char why[WHY_SIZE])
{
	size_t length = strlen(path);

	*s = (struct store){ .dir = -1, .lines = -1, .slices = -1 };
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

static bool open_to_append(const struct store *s, const char *name, int *fd,
			   char why[WHY_SIZE])
{
	if (*fd >= 0)
		close(*fd);
	*fd = openat(s->dir, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		     0666);
	return *fd >= 0 || file_failed(s, name, why);
}

static bool open_files(struct store *s, char why[WHY_SIZE])
{
	return open_to_append(s, lines_name, &s->lines, why) &&
	       open_to_append(s, slices_name, &s->slices, why) &&
	       (file_sync_folder(s->dir) || file_failed(s, lines_name, why));
}

static bool begin_slices(const struct store *s, char why[WHY_SIZE])
{
	return store_file(s, slices_name, slices_header, why);
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
	    make_histograms(s, why) && begin_slices(s, why) &&
	    open_files(s, why))
		return true;
	store_close(s);
	return false;
}

bool store_folder(struct store *s, const char *path, char why[WHY_SIZE])
{
	if (begin(s, path, why) && make_folders(s, why) && open_folder(s, why))
		return true;
	store_close(s);
	return false;
}

/* --------------------------------------------------------- an existing folder */

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

static bool read_all(struct store *s, bool repairing, char why[WHY_SIZE])
{
	return lines_read(s, repairing, why) && slices_read(s, repairing, why);
}

/* A repair may replace files, so they are opened last. */
bool store_open(struct store *s, const char *path, char why[WHY_SIZE])
{
	if (begin(s, path, why) && open_folder(s, why) && holds_run(s, why) &&
	    store_lock(s, why) && make_histograms(s, why) &&
	    read_all(s, true, why) && open_files(s, why))
		return true;
	store_close(s);
	return false;
}

bool store_read(struct store *s, const char *path, char why[WHY_SIZE])
{
	if (begin(s, path, why) && open_folder(s, why) && holds_run(s, why) &&
	    read_all(s, false, why))
		return true;
	store_close(s);
	return false;
}

/* ------------------------------------------------------------------- a new bout */

static bool write_histograms(const struct store *s, struct record *r,
			     const json_t *histograms, char why[WHY_SIZE])
{
	size_t size;
	void *packed = histograms_pack(histograms, &size);
	bool written;

	snprintf(r->histograms, sizeof(r->histograms), "%s/%04u.json.gz",
		 histograms_name, r->index);
	written = file_put(s, r->histograms, packed, size, why);
	free(packed);
	return written;
}

static bool write_all_histograms(const struct store *s, struct record *r,
				 size_t n, json_t *const *histograms,
				 char why[WHY_SIZE])
{
	for (size_t i = 0; i < n; i++)
		if (histograms[i] &&
		    !write_histograms(s, &r[i], histograms[i], why))
			return false;
	return true;
}

static void drop_histograms(const struct store *s, struct record *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (*r[i].histograms)
			unlinkat(s->dir, r[i].histograms, 0);
		*r[i].histograms = '\0';
	}
}

static off_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_size : -1;
}

static void shorten(const struct store *s, int fd, const char *name, off_t size)
{
	if (size >= 0 && ftruncate(fd, size) < 0)
		warn("%.300s/%s: %s", s->path, name, strerror(errno));
}

/* Appends all of it or nothing. */
static bool append(const struct store *s, int fd, const char *name,
		   const char *text, char why[WHY_SIZE])
{
	off_t before = size_of(fd);
	int error;

	if (!*text || (before >= 0 && file_write(fd, text, strlen(text)) &&
		       fdatasync(fd) == 0))
		return true;
	error = errno;
	shorten(s, fd, name, before);
	errno = error;
	return file_failed(s, name, why);
}

static char *lines_of(const struct record *r, size_t n)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		die("open_memstream");
	for (size_t i = 0; i < n; i++) {
		json_t *json = record_json(&r[i]);

		if (json_dumpf(json, to, STORE_JSON) < 0)
			die("json_dumpf");
		fputc('\n', to);
		json_decref(json);
	}
	if (fclose(to) != 0)
		die("open_memstream");
	return text;
}

/* The rows first: only lines make a bout count. */
static bool append_both(const struct store *s, const char *rows,
			const char *lines, char why[WHY_SIZE])
{
	off_t before = size_of(s->slices);

	if (!append(s, s->slices, slices_name, rows, why))
		return false;
	if (append(s, s->lines, lines_name, lines, why))
		return true;
	shorten(s, s->slices, slices_name, before);
	return false;
}

bool store_append_bout(struct store *s, struct record *r, size_t n,
		       json_t *const *histograms, char why[WHY_SIZE])
{
	char *rows, *lines;
	bool written = write_all_histograms(s, r, n, histograms, why);

	for (size_t i = 0; i < n; i++)
		r[i].bout_size = (unsigned)n;
	rows = slices_rows(r, n);
	lines = lines_of(r, n);
	written = written && append_both(s, rows, lines, why);
	free(lines);
	free(rows);
	if (!written)
		drop_histograms(s, r, n);
	for (size_t i = 0; i < n && written; i++)
		store_take(s, &r[i]);
	return written;
}

void store_take(struct store *s, const struct record *r)
{
	s->records = grow(s->records, s->n + 1, sizeof(*s->records));
	s->records[s->n++] = *r;
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
	if (s->slices >= 0)
		close(s->slices);
	if (s->dir >= 0)
		close(s->dir);
	*s = (struct store){ .dir = -1, .lines = -1, .slices = -1 };
}
