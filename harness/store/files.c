/* SPDX-License-Identifier: MIT */
/* files.c - files of a run's folder: see files.h */
#include "harness/store/files.h"

#include "harness/base/outfile.h"

#include "harness/base/die.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --------------------------------------------------------------------- errors */

const char *file_remedy(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return "; free some space, or choose another folder";
	case EACCES:
	case EPERM:
		return "; choose a folder that you can write to";
	case EROFS:
		return "; choose another folder";
	case EFBIG:
		return "; raise the file size limit: ulimit -f unlimited";
	case EMFILE:
		return "; raise the descriptor limit: ulimit -n hard";
	default:
		return "";
	}
}

bool file_failed(const struct store *s, const char *name, char why[WHY_SIZE])
{
	int error = errno;

	snprintf(why, WHY_SIZE, "%.300s/%s: %s%s", s->path, name,
		 strerror(error), file_remedy(error));
	return false;
}

bool file_too_old(const struct store *s, char why[WHY_SIZE])
{
	return why_not(why,
		       "%.300s: made by an older version of this program: "
		       "measure again, or use that version",
		       s->path);
}

/* -------------------------------------------------------------------- writing */

bool file_write(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			at += n;
			size -= (size_t)n;
		}
	}
	return true;
}

/* Some file systems cannot sync a folder: ignored. */
bool file_sync_folder(int dir)
{
	return fsync(dir) == 0 || errno == EINVAL || errno == EBADF ||
	       errno == ENOSYS || errno == EOPNOTSUPP;
}

static bool sync_folder_of(const struct store *s, const char *name)
{
	char copy[STORE_PATH_SIZE];
	bool synced;
	int dir;

	snprintf(copy, sizeof(copy), "%s", name);
	dir = openat(s->dir, dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return false;
	synced = file_sync_folder(dir);
	close(dir);
	return synced;
}

bool file_put(const struct store *s, const char *name, const void *bytes,
	      size_t size, char why[WHY_SIZE])
{
	char path[STORE_PATH_SIZE];
	struct outfile out;
	bool put;

	/* Works even if the folder was renamed. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", s->dir, name);
	put = outfile_open(&out, path);
	if (put) {
		fwrite(bytes, 1, size, out.file);
		put = outfile_close(&out) && sync_folder_of(s, name);
	}
	return put || file_failed(s, name, why);
}

/* -------------------------------------------------------------------- reading */

static char *read_all(int fd, size_t *size)
{
	size_t room = 4096;
	char *text = NULL;
	ssize_t n;

	*size = 0;
	do {
		if (!text || *size + 1 == room) {
			room *= 2;
			text = realloc(text, room);
			if (!text)
				die("realloc");
		}
		n = read(fd, text + *size, room - *size - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(text);
			return NULL;
		}
		*size += (size_t)n;
	} while (n != 0);
	text[*size] = '\0';
	return text;
}

char *file_get(const struct store *s, const char *name, size_t *size,
	       char why[WHY_SIZE])
{
	int fd = openat(s->dir, name, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : read_all(fd, size);

	if (!text)
		file_failed(s, name, why);
	if (fd >= 0)
		close(fd);
	return text;
}

bool file_exists(const struct store *s, const char *name)
{
	return faccessat(s->dir, name, F_OK, 0) == 0;
}
