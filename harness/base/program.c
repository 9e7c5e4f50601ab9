/* SPDX-License-Identifier: MIT */
/* program.c - finds the file of a program by its name: see program.h */
#include "harness/base/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	errno = EACCES;
	return S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

bool program_find(const char *name, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH");
	int error = ENOENT;

	if (strchr(name, '/')) {
		errno = ENAMETOOLONG;
		return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX &&
		       is_program(path);
	}
	if (!dirs)
		dirs = "/usr/local/bin:/usr/bin:/bin";
	while (*name) {
		int length = (int)strcspn(dirs, ":");

		if (snprintf(path, PATH_MAX, "%.*s%s%s", length, dirs,
			     length ? "/" : "./", name) < PATH_MAX) {
			if (is_program(path))
				return true;
			if (errno == EACCES) /* there may be another one */
				error = errno;
		}
		if (!dirs[length])
			break;
		dirs += length + 1;
	}
	errno = error;
	return false;
}
