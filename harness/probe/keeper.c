/* SPDX-License-Identifier: MIT */
/* keeper.c - the process that leaves nothing of a program behind: see child.h */
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
	int fd;        /* to the process that wants to know */
	int signal_fd; /* SIGCHLD */
	int exec_fd;   /* what the program's process says, up to its exec */
	size_t waits;  /* ... and how many bytes of it hold it back */
	struct cgroup cgroup;
	pid_t pid;
	bool ended;
	bool killing;  /* who is reaped now is counted */
	int64_t floor; /* resident memory that the program began with */
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
 * The last call before the exec says "I am here", and waits: it writes more than
 * the pipe takes, and returns when the keeper has read it. Who has seen the
 * first of it knows that the call has been made, and that what is counted from
 * then on begins with the exec.
 *
 * TRAP: a stop (SIGSTOP) would do the same. But in a process group that nobody
 * controls (no terminal: make in a CI), the kernel sends SIGHUP to all of them
 * when one of them ends while another one is stopped.
 */
static void wait_for_go(int exec_fd, size_t size)
{
	char *zeros = calloc(1, size);
	ssize_t n;

	while (size > 0) {
		n = zeros ? write(exec_fd, zeros, size) : -1;
		if (n > 0) /* not all: a signal or a tracer came between */
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
 * A descriptor that is kept open here is one whose other end does not see the
 * end of it: a pipe of the program's output, for example. Those needed go to the
 * lowest numbers, which works also where no more can be had.
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
	pid_t self = getpid(), above = getppid();
	int fds[2], size;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGCHLD, SIG_DFL); /* ignored, it would leave nothing to reap */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	k->signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (k->signal_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
		fail_to_begin(k);
	size = fcntl(fds[1], F_SETPIPE_SZ, 1); /* it is a page at least */
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
	/* A signal to the program's whole process group is not for the keeper;
	 * the program stays in it, in the foreground of its terminal. A session
	 * of its own, because a parent in the same one, but in another group,
	 * is what the kernel takes for job control: see wait_for_go(). */
	setsid();
	keep_only(k);
}

/* The next that the program's process says: 0, it waits; or the errno of what it
 * could not do before, or in place of, its exec; -1: nothing, it is gone from
 * there. */
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
 * The program itself is left a zombie, so that it can still be read. Orphans
 * that it left behind and that have ended are reaped; those that end after the
 * program wait: behind its zombie they cannot be seen.
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
	end = strrchr(text, ')'); /* the name before it may be anything */
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
 * With each child that dies, its own children become ours, and are found in the
 * next round. waitid() can wait, because all that were found are dying.
 */
static void kill_all(struct keeper *k)
{
	bool in_cgroup = k->cgroup.fd >= 0;
	siginfo_t info;
	size_t n;

	/* In a cgroup, a child may die before its parent, and so be reaped by it:
	 * counted are those that are there now. */
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
	size_t left = k->waits - sizeof(int); /* one has been heard */
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

/* Until then, it prepares. */
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
