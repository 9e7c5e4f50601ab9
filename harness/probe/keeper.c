/* SPDX-License-Identifier: MIT */
/* keeper.c - the parent of a program, which kills what it leaves behind: child.h */
#include "keeper.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct keeper {
	int fd;        /* to the process that gives orders */
	int signal_fd; /* SIGCHLD */
	int exec_fd;   /* pipe from the program's process, up to its exec */
	size_t waits;  /* it blocks until so many bytes are read from there */
	struct cgroup cgroup;
	pid_t pid;
	bool ended;
	bool killing;  /* processes that are reaped from now on are counted */
	int64_t floor; /* peak RSS that the program inherits by fork */
	struct child_end end;
};

/* ---------------------------------------------------------------- the program */

static _Noreturn void give_up(int exec_fd)
{
	int error = errno;
	ssize_t n = write(exec_fd, &error, sizeof(error));

	_exit(n == sizeof(error) ? 127 : 126);
}

/*
 * The last call before the exec reports that the process is ready, and blocks: it
 * writes more than the pipe holds, and returns when the keeper has read all of it.
 * Once the first bytes have arrived, this call has been entered: what is counted from
 * then on starts with the exec.
 *
 * TRAP: SIGSTOP would also make it wait. But in an orphaned process group (no
 * terminal: make in a CI), the kernel sends SIGHUP to all members when one ends while
 * another is stopped.
 */
static void wait_for_go(int exec_fd, size_t size)
{
	char *zeros = calloc(1, size);
	ssize_t n;

	while (size > 0) {
		n = zeros ? write(exec_fd, zeros, size) : -1;
		if (n > 0) /* partial: interrupted by a signal or tracer */
			size -= n;
		else if (!zeros || errno != EINTR)
			give_up(exec_fd);
	}
	free(zeros);
}

static _Noreturn void be_the_program(const struct child_plan *plan, int exec_fd,
				     size_t waits, pid_t keeper, pid_t above)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_PTRACER, above); /* Yama: see syscalls_strace.h */
	if (getppid() != keeper)
		_exit(127);
	if (cgroup_enter(plan->cgroup) < 0)
		give_up(exec_fd);
	if (plan->prepare && (errno = plan->prepare(plan->data)))
		give_up(exec_fd);
	sigprocmask(SIG_SETMASK, plan->signals, NULL);
	wait_for_go(exec_fd, waits);
	execv(plan->path, plan->argv);
	give_up(exec_fd);
}

/* ----------------------------------------------------------------- its keeper */

static void say(struct keeper *k, struct keeper_message m)
{
	send(k->fd, &m, sizeof(m), MSG_NOSIGNAL);
}

static int ascending(const void *a, const void *b)
{
	return **(int *const *)a - **(int *const *)b;
}

/*
 * Closes all descriptors but the keeper's own: an open copy of a pipe, such as the
 * program's output, would hide its end from the reader. Those needed move to the
 * lowest numbers, which also works at the descriptor limit.
 */
static void keep_only(struct keeper *k)
{
	enum { MANY = 1024, KEPT = 4 };
	int *kept[KEPT] = { &k->fd, &k->signal_fd, &k->exec_fd, &k->cgroup.fd };
	int low = 3;

	qsort(kept, KEPT, sizeof(*kept), ascending);
	for (int i = 0; i < KEPT; i++) {
		if (*kept[i] < 0)
			continue;
		if (*kept[i] != low)
			dup2(*kept[i], low);
		*kept[i] = low++;
	}
	if (close_range(low, ~0U, 0) < 0) /* before Linux 5.9 */
		for (int fd = low; fd < MANY; fd++)
			close(fd);
	close(0);
	open("/dev/null", O_RDWR);
	dup2(0, 1);
	dup2(0, 2);
}

static int64_t peak_so_far(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss * INT64_C(1024);
}

static _Noreturn void fail_to_begin(struct keeper *k)
{
	say(k,
	    (struct keeper_message){ .kind = KEEPER_FAILED, .error = errno });
	_exit(1);
}

static void begin(struct keeper *k, const struct child_plan *plan)
{
	const struct sigaction chld = { .sa_handler = SIG_DFL,
					.sa_flags = SA_NOCLDSTOP };
	pid_t self = getpid(), above = getppid();
	int fds[2], size;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/* Ignored, children could not be reaped. A child that stops has not ended. */
	sigaction(SIGCHLD, &chld, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	k->signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (k->signal_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
		fail_to_begin(k);
	size = fcntl(fds[1], F_SETPIPE_SZ, 1); /* the minimum: a page */
	if (size < 0)
		fail_to_begin(k);
	k->waits = size + 2 * sizeof(int);
	k->floor = peak_so_far();
	k->pid = fork();
	if (k->pid < 0)
		fail_to_begin(k);
	if (k->pid == 0)
		be_the_program(plan, fds[1], k->waits, self, above);
	close(fds[1]);
	k->exec_fd = fds[0];
	prctl(PR_SET_NAME, "probe-keeper");
	/* The keeper leaves the process group, so that signals to the group do not
	 * reach it; the program stays in the foreground of its terminal. Leaving the
	 * session as well avoids the SIGHUP of wait_for_go(): a parent in the same
	 * session but another group counts as job control. */
	setsid();
	keep_only(k);
}

/* Reads the next message of the program's process: 0: it waits; an errno: a call
 * before the exec, or the exec, failed; -1: the pipe is closed. */
static int hear(struct keeper *k)
{
	int said;
	ssize_t n;

	do
		n = read(k->exec_fd, &said, sizeof(said));
	while (n < 0 && errno == EINTR);
	return n == sizeof(said) ? said : -1;
}

static void add_usage(struct keeper *k, const struct rusage *u)
{
	int64_t us =
		(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * INT64_C(1000000) +
		u->ru_utime.tv_usec + u->ru_stime.tv_usec;
	int64_t peak = u->ru_maxrss * INT64_C(1024);

	k->end.waited_cpu_ns += us * 1000;
	k->end.voluntary += u->ru_nvcsw;
	k->end.involuntary += u->ru_nivcsw;
	if (peak > k->end.peak_bytes)
		k->end.peak_bytes = peak;
}

static void reap(struct keeper *k, pid_t pid)
{
	struct rusage usage;
	int status;

	if (wait4(pid, &status, 0, &usage) != pid)
		return;
	add_usage(k, &usage);
	if (pid == k->pid)
		k->end.status = status;
	else if (k->killing && WIFSIGNALED(status) &&
		 WTERMSIG(status) == SIGKILL)
		k->end.left_behind++;
}

/*
 * Leaves the program a zombie, so that its counters can still be read. Reaps orphans
 * that ended before it; later ones wait, because waitid() returns the zombie first.
 */
static void children_ended(struct keeper *k)
{
	struct signalfd_siginfo drained;
	siginfo_t info;

	while (read(k->signal_fd, &drained, sizeof(drained)) > 0)
		;
	while (!k->ended) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
		    info.si_pid == 0)
			return;
		k->ended = info.si_pid == k->pid;
		if (k->ended)
			say(k, (struct keeper_message){ .kind = KEEPER_ENDED });
		else
			reap(k, info.si_pid);
	}
}

/* -------------------------------------------------------------------- the end */

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512], *end;
	ssize_t n = -1;
	int fd, parent;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	end = strrchr(text, ')'); /* the name may contain anything */
	if (!end || sscanf(end + 1, " %*c %d", &parent) != 1)
		return -1;
	return parent;
}

static void kill_children(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    parent_of(atoi(entry->d_name)) == getpid())
			kill(atoi(entry->d_name), SIGKILL);
	if (dir)
		closedir(dir);
}

/*
 * When a child dies, its children become ours, and are found in the next round.
 * waitid() may block, because all children that were found are dying.
 */
static void kill_all(struct keeper *k)
{
	bool in_cgroup = k->cgroup.fd >= 0;
	siginfo_t info;
	size_t n;

	/* In a cgroup, a child may die before its parent, which then reaps it: count
	 * them before killing. */
	free(cgroup_processes(&k->cgroup, &n));
	k->end.left_behind = n - (n > 0 && !k->ended);
	k->killing = !in_cgroup;
	cgroup_kill(&k->cgroup);
	for (;;) {
		kill_children();
		if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0)
			reap(k, info.si_pid);
		else if (errno == ECHILD)
			return;
	}
}

static _Noreturn void finish(struct keeper *k)
{
	char ignored[WHY_SIZE];
	struct keeper_message m = { .kind = KEEPER_REAPED };

	kill_all(k);
	cgroup_remove(&k->cgroup, ignored);
	k->end.peak_is_ours = k->end.peak_bytes <= k->floor;
	m.end = k->end;
	say(k, m);
	_exit(0);
}

static void let_it_go(struct keeper *k)
{
	char zeros[4096];
	size_t left = k->waits - sizeof(int); /* one was read by hear() */
	ssize_t n;
	int error;

	do
		n = read(k->exec_fd, zeros,
			 left < sizeof(zeros) ? left : sizeof(zeros));
	while (n > 0 && (left -= n) > 0);
	error = hear(k);
	if (error < 0) {
		say(k, (struct keeper_message){ .kind = KEEPER_RUNNING });
		return;
	}
	say(k,
	    (struct keeper_message){ .kind = KEEPER_FAILED, .error = error });
	finish(k);
}

/* Until the program is prepared */
static void wait_until_it_waits(struct keeper *k)
{
	int said = hear(k);

	if (said == 0) {
		say(k, (struct keeper_message){ .kind = KEEPER_WAITING,
						.pid = k->pid });
		return;
	}
	say(k, (struct keeper_message){ .kind = KEEPER_FAILED,
					.error = said > 0 ? said : 0 });
	finish(k);
}

void keeper_main(int fd, const struct child_plan *plan)
{
	struct keeper k = { .fd = fd, .cgroup = *plan->cgroup };
	enum { ORDERS, CHILDREN };

	begin(&k, plan);
	wait_until_it_waits(&k);
	for (;;) {
		struct pollfd polled[] = {
			[ORDERS] = { .fd = k.fd, .events = POLLIN },
			[CHILDREN] = { .fd = k.signal_fd, .events = POLLIN },
		};
		char order;

		if (poll(polled, 2, -1) < 0)
			continue;
		if (polled[CHILDREN].revents)
			children_ended(&k);
		if (!polled[ORDERS].revents)
			continue;
		if (recv(k.fd, &order, 1, 0) == 1 && order == KEEPER_GO)
			let_it_go(&k);
		else
			finish(&k);
	}
}
