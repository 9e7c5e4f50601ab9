/* SPDX-License-Identifier: MIT */
/* outfile.c - output files named by the user: see outfile.h */
#include "harness/base/outfile.h"

#include "harness/base/die.h"
#include "harness/base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_stdout(const char *path)
{
	return strcmp(path, "-") == 0;
}

bool outfile_is_regular(const char *path)
{
	struct stat st;

	return !is_stdout(path) && (stat(path, &st) < 0 || S_ISREG(st.st_mode));
}

/* stdout or stderr, if this file is one of them (/dev/stdout); otherwise -1. Opening
 * it again would overwrite it from its beginning. */
static int standard_descriptor(const struct stat *of)
{
	struct stat st;

	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (fstat(fd, &st) == 0 && st.st_ino == of->st_ino &&
		    st.st_dev == of->st_dev)
			return fd;
	return -1;
}

FILE *outfile_in_place(const char *path)
{
	struct stat st;
	int fd;

	if (is_stdout(path))
		return stdout;
	fd = stat(path, &st) == 0 ? standard_descriptor(&st) : -1;
	if (fd < 0)
		return fopen(path, "we");
	fflush(stdout); /* earlier output comes first */
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

/* Takes owner and mode of the file that it will replace, as far as allowed. */
static void take_after(int fd, const struct stat *st)
{
	int failed = fchown(fd, st->st_uid, st->st_gid);

	(void)failed; /* only root may change the owner */
	fchmod(fd, st->st_mode & 0777);
}

/* In the directory of the target, for the rename. `st`: of the old file, or NULL */
static FILE *open_temporary(struct outfile *o, const struct stat *st)
{
	FILE *file;
	int fd;

	if (asprintf(&o->temporary, "%s.new", o->target) < 0)
		die("asprintf");
	unlink(o->temporary); /* of a process that was killed */
	fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return NULL;
	if (st)
		take_after(fd, st);
	file = fdopen(fd, "w");
	if (!file)
		die("fdopen");
	return file;
}

static void forget_names(struct outfile *o)
{
	int error = errno;

	free(o->target);
	free(o->temporary);
	o->target = o->temporary = NULL;
	errno = error;
}

bool outfile_open(struct outfile *o, const char *path)
{
	struct stat st;
	bool there = stat(path, &st) == 0;

	*o = (struct outfile){ .file = NULL };
	if (there && S_ISREG(st.st_mode) && standard_descriptor(&st) < 0) {
		if (access(path, W_OK) < 0)
			return false;
		o->target = realpath(path, NULL);
	} else if (!is_stdout(path) && lstat(path, &st) < 0) {
		o->target = strdup(path);
	}
	if (o->target) {
		o->file = open_temporary(o, there ? &st : NULL);
		if (o->file)
			return true;
		forget_names(o);
		/* A writable file in a directory that is not writable */
		if (!there || (errno != EACCES && errno != EPERM))
			return false;
	}
	o->file = outfile_in_place(path);
	return o->file;
}

bool outfile_close(struct outfile *o)
{
	bool written;
	int error;

	if (o->file == stdout)
		return true;
	written = output_flush(o->file) &&
		  (!o->temporary || fsync(fileno(o->file)) == 0);
	error = errno;
	if (fclose(o->file) != 0 && written) { /* a quota may fail only now */
		written = false;
		error = errno;
	}
	if (written && o->temporary && rename(o->temporary, o->target) < 0) {
		written = false;
		error = errno;
	}
	if (!written && o->temporary)
		unlink(o->temporary);
	errno = error;
	forget_names(o);
	return written;
}

bool outfile_possible(const char *path)
{
	struct outfile o;
	struct stat st;

	if (is_stdout(path))
		return true;
	if (stat(path, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			return access(path, W_OK) == 0;
		errno = EISDIR;
		return false;
	}
	if (lstat(path, &st) ==
	    0) /* a link to a file that does not exist yet */
		return true;
	if (!outfile_open(&o, path))
		return false;
	fclose(o.file);
	unlink(o.temporary);
	forget_names(&o);
	return true;
}
