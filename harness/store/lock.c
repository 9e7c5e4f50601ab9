/* SPDX-License-Identifier: MIT */
/* lock.c - one run at a time: see lock.h and store.h */
#include "harness/store/lock.h"

#include "harness/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* "process 1234 (matrix)"; pid 0: unknown */
static void name_process(pid_t pid, char holder[LOCK_HOLDER_SIZE])
{
	char path[32], name[32] = "";
	FILE *file;

	if (pid <= 0) {
		snprintf(holder, LOCK_HOLDER_SIZE, "another process");
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (file && !fgets(name, sizeof(name), file))
		*name = '\0';
	if (file)
		fclose(file);
	name[strcspn(name, "\n")] = '\0';
	snprintf(holder, LOCK_HOLDER_SIZE,
		 *name ? "process %d (%s)" : "process %d", pid, name);
}

/* ----------------------------------------------------------------- the folder */

/* Compares only the inode: on some file systems (btrfs) the device number in
 * /proc/locks differs from that of stat(2). */
static pid_t find_holder(int dir)
{
	FILE *file = fopen("/proc/locks", "re");
	unsigned long inode;
	struct stat st;
	char line[256];
	int pid = 0;

	while (file && fstat(dir, &st) == 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, "%*d: FLOCK %*s %*s %d %*x:%*x:%lu", &pid,
			   &inode) == 2 &&
		    inode == st.st_ino)
			break;
		else
			pid = 0;
	if (file)
		fclose(file);
	return pid;
}

bool lock_folder(int dir, char holder[LOCK_HOLDER_SIZE])
{
	if (flock(dir, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return true;
	name_process(find_holder(dir), holder);
	return false;
}

/* ---------------------------------------------------------------- the machine */

/* An abstract socket: no file, no cleanup, no permissions */
static const struct sockaddr_un name_of_lock = {
	.sun_family = AF_UNIX,
	.sun_path = "\0io-models-matrix",
};
enum {
	NAME_LENGTH = offsetof(struct sockaddr_un, sun_path) +
		      sizeof("\0io-models-matrix") - 1
};

/* The process that listens there */
static pid_t find_listener(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct ucred peer = { .pid = 0 };
	socklen_t size = sizeof(peer);

	if (fd < 0)
		return 0;
	if (connect(fd, (const struct sockaddr *)&name_of_lock, NAME_LENGTH) <
		    0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		peer.pid = 0;
	close(fd);
	return peer.pid;
}

int store_lock_machine(char why[WHY_SIZE])
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char holder[LOCK_HOLDER_SIZE];

	if (fd >= 0 &&
	    bind(fd, (const struct sockaddr *)&name_of_lock, NAME_LENGTH) ==
		    0 &&
	    listen(fd, SOMAXCONN) == 0)
		return fd;
	if (errno == EADDRINUSE) {
		pid_t pid = find_listener();

		if (fd >= 0 && pid == getppid())
			return fd;
		name_process(pid, holder);
		snprintf(why, WHY_SIZE,
			 "%s is measuring on this machine; two runs at a time "
			 "would disturb each other: wait for it to end",
			 holder);
	} else {
		snprintf(why, WHY_SIZE,
			 "cannot lock the machine for this run: %s",
			 strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return -1;
}
