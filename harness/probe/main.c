/* SPDX-License-Identifier: MIT */
/* main.c - bin/probe: runs a program and reports what it used */
#include "machine.h"
#include "report.h"

#include "harness/base/args.h"
#include "harness/base/die.h"
#include "harness/base/outfile.h"
#include "harness/base/output.h"
#include "harness/base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_NO_EXEC = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL = 128 };

struct probe_options {
	int method; /* enum syscalls_method; -1: the best that works */
	const char *json;
	FILE *json_file;
	bool unwritten; /* a report could not be written */
	bool quiet, machine;
	char **argv; /* of the program */
};

static _Noreturn void print_machine(void)
{
	json_t *facts = machine_facts();

	json_dumpf(facts, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(facts);
	exit(EXIT_SUCCESS);
}

/* -------------------------------------------------------------- command line */

static void take_method(const struct arg *arg, const char *text, void *options)
{
	struct probe_options *opt = options;

	opt->method = -1;
	if (strcmp(text, "auto") == 0)
		return;
	for (int i = 0; syscalls_methods[i]; i++)
		if (strcmp(text, syscalls_methods[i]) == 0) {
			opt->method = i;
			return;
		}
	die_usage("--%s '%s': it takes auto, bpf, perf, strace or none",
		  arg->name, text);
}

static void take_program(char **argv, void *options)
{
	((struct probe_options *)options)->argv = argv;
}

static void open_json(struct probe_options *opt)
{
	if (!opt->json)
		return;
	opt->json_file = outfile_in_place(opt->json);
	if (!opt->json_file)
		die("--json %s", opt->json);
}

#define AT(member) .at = offsetof(struct probe_options, member)

static const struct arg table[] = {
	{ ARG_OTHER, "syscalls", "METHOD",
	  "how to count system calls, exactly: bpf (by name), perf (the total), strace (by "
	  "name, as an ordinary user; the program runs many times slower), none; auto: bpf "
	  "or perf, if one of them works. bpf and perf count in the kernel and slow the "
	  "calls of every program a little",
	  .initial = "auto", .take = take_method },
	{ ARG_TEXT, "json", "FILE",
	  "write the report as JSON, too; - is stdout", AT(json) },
	{ ARG_FLAG, "quiet", NULL, "no report as text", AT(quiet) },
	{ ARG_FLAG, "machine", NULL,
	  "print only what this machine is and allows, as JSON", AT(machine) },
};

static const struct args args = {
	.usage = "[--] PROGRAM [ARGUMENT]...\n--machine",
	.about =
		"probe - runs a program and reports what it used\n\n"
		"CPU time, system calls by name, memory, context switches: the report comes when "
		"the program ends.\n\n"
		"Examples:\n"
		"  probe bin/epoll --port 7000\n"
		"         talk to it, end it with Ctrl-C, and read what it did\n"
		"  kill -USR1 $(pidof probe)\n"
		"         from another terminal: what it has used so far\n"
		"  probe --json used.json -- ./a.out --fast\n"
		"         the same as JSON, one line per report; the last covers the whole run\n",
	.notes =
		"The report goes to stderr; the program's own input and output are left "
		"alone. SIGTERM, SIGINT and SIGHUP are passed on to it. When the program "
		"ends, or probe is killed, all processes that the program started are "
		"killed.\n\n"
		"Unless the system permits more, an ordinary user can count system calls "
		"only with strace (--syscalls strace; auto does not use it), and CPU time "
		"includes only children that the program has waited for; the report says "
		"what is missing, and what would allow it.\n\n"
		"Exit status: the program's, or 128 + the signal that killed it; 1 probe "
		"failed, 2 bad usage, 77 --syscalls METHOD does not work here, 126 PROGRAM "
		"cannot be executed, 127 PROGRAM was not found.",
	.arg = table,
	.n = sizeof(table) / sizeof(*table),
	.rest = take_program,
};

static void parse(int argc, char **argv, struct probe_options *opt)
{
	*opt = (struct probe_options){ 0 };
	args_parse(&args, argc, argv, opt);
	if (opt->machine && *opt->argv)
		die_usage("--machine takes no program");
	if (opt->machine)
		print_machine();
	if (!*opt->argv)
		die_usage("no PROGRAM to run");
}

/* -------------------------------------------------------------------- starting */

/* Signals are read in run(). */
static int catch_signals(sigset_t *before)
{
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1 };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++)
		sigaddset(&set, caught[i]);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &set, before);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		die("signalfd");
	return fd;
}

static _Noreturn void die_of_exec(const char *program, int error)
{
	warn("%s: %s", program, strerror(error));
	exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_NO_EXEC);
}

static void start(struct probed *p, const struct probe_options *opt,
		  const sigset_t *mask, struct report *r)
{
	char path[PATH_MAX], why[WHY_SIZE];
	struct child_plan plan = { .path = path,
				   .argv = opt->argv,
				   .cgroup = &p->cgroup,
				   .signals = mask };

	if (!program_find(*opt->argv, path))
		die_of_exec(*opt->argv, errno);
	if (!cgroup_make(&p->cgroup, why))
		report_missing(r, "CPU time of all child processes", why);
	if (!child_start(&p->child, &plan, why)) {
		warn("%s", why);
		cgroup_remove(&p->cgroup, why);
		exit(EXIT_FAILED);
	}
}

/* Opens the first method that works, and reports why better ones do not. */
static bool open_syscalls(struct probed *p, int method, struct report *r,
			  char *why)
{
	if (method >= 0)
		return syscalls_open(&p->syscalls, method, &p->cgroup,
				     p->child.pid, why);
	if (syscalls_open(&p->syscalls, SYSCALLS_BPF, &p->cgroup, p->child.pid,
			  why))
		return true;
	report_missing(r, "system calls by name", why);
	if (syscalls_open(&p->syscalls, SYSCALLS_PERF, &p->cgroup, p->child.pid,
			  why))
		return true;
	report_missing(r, "total of system calls", why);
	return syscalls_open(&p->syscalls, SYSCALLS_NONE, &p->cgroup,
			     p->child.pid, why);
}

/* Otherwise a reader of the program's output would not see its end. */
static void let_go_of_output(const struct probe_options *opt)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (nothing < 0)
		return;
	dup2(nothing, STDIN_FILENO);
	if (opt->json_file != stdout)
		dup2(nothing, STDOUT_FILENO);
	close(nothing);
}

static void begin(struct probed *p, const struct probe_options *opt,
		  struct report *r, struct reading *from)
{
	struct child_end end;
	char why[WHY_SIZE];

	if (!open_syscalls(p, opt->method, r, why)) {
		child_reap(&p->child, &p->cgroup, &end);
		die_unsupported("--syscalls %s: %s",
				syscalls_methods[opt->method], why);
	}
	r->method = p->syscalls.method;
	r->whole = p->syscalls.whole;
	reading_take(from, p, EDGE_BEGIN);
	if (!child_go(&p->child)) {
		int error = errno;

		cgroup_remove(&p->cgroup, why);
		die_of_exec(*opt->argv, error);
	}
	let_go_of_output(opt);
}

/* -------------------------------------------------------------------- running */

static void write_report(struct report *r, struct probe_options *opt)
{
	unsigned missing = r->n_missing;
	json_t *json;

	if (r->method != SYSCALLS_NONE && !r->to->counted)
		report_missing(r, "system calls", r->to->syscalls_why);
	if (!opt->quiet)
		probe_report_text(r, stderr);
	if (opt->json) {
		json = probe_report_json(r);
		if (json_dumpf(json, opt->json_file, JSON_COMPACT) < 0 ||
		    fputc('\n', opt->json_file) < 0 ||
		    fflush(opt->json_file) != 0) {
			if (opt->json_file != stdout) /* output.c checks that */
				warn("--json %s: %s", opt->json,
				     strerror(errno));
			opt->unwritten = true;
		}
		json_decref(json);
	}
	r->n_missing = missing;
}

static void report_so_far(struct report *r, struct probed *p,
			  struct probe_options *opt)
{
	static struct reading now;

	uring_find(&p->rings, &p->cgroup, p->child.pid);
	reading_take(&now, p, EDGE_END);
	r->to = &now;
	write_report(r, opt);
	reading_free(&now);
}

/* A signal from the keyboard has reached the program, too: it is in the foreground. */
static void take_signal(int fd, struct report *r, struct probed *p,
			struct probe_options *opt)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR1)
		report_so_far(r, p, opt);
	else if (info.ssi_code != SI_KERNEL)
		kill(p->child.pid, (int)info.ssi_signo);
}

static void run(int signal_fd, struct report *r, struct probed *p,
		struct probe_options *opt)
{
	enum { CHILD, SIGNALS };
	struct pollfd polled[] = {
		[CHILD] = { .fd = p->child.fd, .events = POLLIN },
		[SIGNALS] = { .fd = signal_fd, .events = POLLIN },
	};

	while (!polled[CHILD].revents) {
		if (poll(polled, 2, -1) < 0)
			continue;
		if (polled[SIGNALS].revents && !polled[CHILD].revents)
			take_signal(signal_fd, r, p, opt);
	}
}

static int status_of(const struct child_end *end)
{
	if (end->status == -1)
		return EXIT_FAILED;
	if (WIFSIGNALED(end->status))
		return EXIT_SIGNAL + WTERMSIG(end->status);
	return WEXITSTATUS(end->status);
}

int main(int argc, char **argv)
{
	struct probed probed = { .cgroup = NO_CGROUP };
	struct probe_options opt;
	struct report report = { .n_missing = 0 };
	static struct reading from, to;
	struct child_end end;
	sigset_t mask;
	int signal_fd;

	output_begin();
	parse(argc, argv, &opt);
	signal_fd = catch_signals(&mask);
	open_json(&opt);
	report.program = basename(*opt.argv);
	report.from = &from;
	start(&probed, &opt, &mask, &report);
	begin(&probed, &opt, &report, &from);
	run(signal_fd, &report, &probed, &opt);
	reading_take(&to, &probed, EDGE_END);
	syscalls_close(&probed.syscalls);
	child_reap(&probed.child, &probed.cgroup, &end);
	report.to = &to;
	report.end = &end;
	write_report(&report, &opt);
	reading_free(&from);
	reading_free(&to);
	return status_of(&end) ?: opt.unwritten;
}
