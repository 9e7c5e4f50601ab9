/* SPDX-License-Identifier: MIT */
/* draw.c - runs the programs in plots/: see draw.h */
#include "harness/matrix/draw.h"

#include "harness/plan/catalog.h"

#include "harness/base/die.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGUMENTS = 8 };

extern char **environ;

bool draw(const char *name, const char *const *arguments, int input, bool quiet)
{
	char program[CATALOG_PATH_SIZE + 16];
	char *argv[ARGUMENTS + 2] = { program };
	posix_spawn_file_actions_t actions;
	int error, status = -1;
	pid_t pid;

	if (!*catalog_folder(program, "plots")) {
		warn("there is no plots/%s beside the bin/ of this program",
		     name);
		return false;
	}
	strcat(strcat(program, "/"), name);
	for (int i = 0; i < ARGUMENTS && arguments[i]; i++)
		argv[i + 1] = (char *)arguments[i];
	posix_spawn_file_actions_init(&actions);
	if (input >= 0)
		posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	if (quiet)
		posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO,
						 "/dev/null", O_WRONLY, 0);
	fflush(stdout);
	error = posix_spawn(&pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		warn("%s: %s", program, strerror(error));
	else
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	return status == 0;
}
