/* SPDX-License-Identifier: MIT */
/* main.c - bin/probe: runs a program and says what it used */
#include "machine.h"
#include "report.h"

#include "harness/base/outfile.h"

#include "harness/base/die.h"
#include "harness/base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "unknown"
#endif

enum { EXIT_NO_EXEC = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL = 128 };

struct probe_options {
	int method; /* enum syscalls_method; -1: the best there is */
	const char *json;
	FILE *json_file;
	bool unwritten; /* a report, or a part of it */
	bool quiet, machine;
	char **argv; /* of the program */
};

static const char help_text[] =
	"Usage: probe [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
	"       probe --machine\n"
	"Runs a program, and says when it ends what it used: CPU, system calls by\n"
	"name, memory, switches.\n"
	"\n"
	"Examples:\n"
	"  probe bin/epoll --port 7000\n"
	"         talk to it, end it with Ctrl-C, and read what it did\n"
	"  kill -USR1 $(pidof probe)\n"
	"         from another terminal: what it used so far\n"
	"  probe --json used.json -- ./a.out --fast\n"
	"         the same as JSON, a line for each report; the last one is the whole\n"
	"\n"
	"Options:\n"
	"  --syscalls METHOD    how to count system calls, exactly: bpf (by name), perf\n"
	"                       (the total), strace (by name, as an ordinary user, and\n"
	"                       makes the program many times slower), none, or auto: bpf\n"
	"                       or perf, if one of them works (default auto). These count\n"
	"                       in the kernel, and slow every program's calls a little\n"
	"  --json FILE          the report as JSON, too; - is stdout\n"
	"  --quiet              no report as text\n"
	"  --machine            only: what this machine is and allows, as JSON\n"
	"  -h, --help, --version\n"
	"\n"
	"The report goes to stderr; the program's own input and output are left alone.\n"
	"SIGTERM, SIGINT and SIGHUP are passed on to it. When it ends, processes that it\n"
	"leaves behind are killed, also if probe itself is (kill -9).\n"
	"\n"
	"As an ordinary user, system calls can be counted by strace alone, and CPU time\n"
	"is that of the program and of those children it waited for; the report says what is\n"
	"missing, and what would allow it.\n"
	"\n"
	"Exit status: the program's, or 128 + the signal that killed it; 1 probe failed, 2\n"
	"bad usage, 77 --syscalls METHOD cannot be had, 126 PROGRAM cannot be executed, 127\n"
	"there is no such program.\n";

static _Noreturn void print_machine(void)
{
	json_t *facts = machine_facts();

	json_dumpf(facts, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(facts);
	exit(EXIT_SUCCESS);
}

/* -------------------------------------------------------------- command line */

static int parse_method(const char *text)
{
	if (strcmp(text, "auto") == 0)
		return -1;
	for (int i = 0; syscalls_methods[i]; i++)
		if (strcmp(text, syscalls_methods[i]) == 0)
			return i;
	die_usage("--syscalls '%s': it takes auto, bpf, perf, strace or none",
		  text);
}

static void open_json(struct probe_options *opt)
{
	if (!opt->json)
		return;
	opt->json_file = outfile_in_place(opt->json);
	if (!opt->json_file)
		die("--json %s", opt->json);
}

enum { SYSCALLS = 256, JSON, QUIET, MACHINE, VERSION_ };

static const struct option options[] = {
	{ "syscalls", required_argument, NULL, SYSCALLS },
	{ "json", required_argument, NULL, JSON },
	{ "quiet", no_argument, NULL, QUIET },
	{ "machine", no_argument, NULL, MACHINE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, VERSION_ },
	{ 0 },
};

static void take_option(int option, const char *text, struct probe_options *opt)
{
	switch (option) {
	case SYSCALLS:
		opt->method = parse_method(optarg);
		break;
	case JSON:
		opt->json = optarg;
		break;
	case QUIET:
		opt->quiet = true;
		break;
	case MACHINE:
		opt->machine = true;
		break;
	case VERSION_:
		printf("probe (io-models) %s\n", VERSION);
		exit(EXIT_SUCCESS);
	case 'h':
		fputs(help_text, stdout);
		exit(EXIT_SUCCESS);
	case ':':
		die_usage("%s needs a value", text);
	default:
		die_usage("%s is no option, or takes no value", text);
	}
}

static void parse(int argc, char **argv, struct probe_options *opt)
{
	int option;

	*opt = (struct probe_options){ .method = -1 };
	opterr = 0;
	/* + : what follows the program's name is for it */
	while ((option = getopt_long(argc, argv, "+:h", options, NULL)) >= 0)
		take_option(option, argv[optind - 1], opt);
	opt->argv = argv + optind;
	if (opt->machine && *opt->argv)
		die_usage("--machine takes no program");
	if (opt->machine)
		print_machine();
	if (!*opt->argv)
		die_usage("no PROGRAM to run");
}

/* ------------------------------------------------------------------ beginning */

/* Everything that a signal could do is done in the loop below. */
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

	if (!child_find(*opt->argv, path))
		die_of_exec(*opt->argv, errno);
	if (!cgroup_make(&p->cgroup, why))
		report_missing(r, "CPU time of all child processes", why);
	if (!child_start(&p->child, &plan, why)) {
		warn("%s", why);
		cgroup_remove(&p->cgroup, why);
		exit(EXIT_FAILED);
	}
}

/* The first way of counting that works; of the others, why they do not */
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
	report_missing(r, "their total", why);
	return syscalls_open(&p->syscalls, SYSCALLS_NONE, &p->cgroup,
			     p->child.pid, why);
}

/* Or who reads the program's output would not see where it ends. */
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
	reading_take(from, p, EDGE_BEGIN, 0);
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
			if (opt->json_file != stdout) /* which is checked */
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
	reading_take(&now, p, EDGE_END, 0);
	r->to = &now;
	write_report(r, opt);
	reading_free(&now);
}

/* From the keyboard, the program has got it already: it is in the foreground. */
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
	reading_take(&to, &probed, EDGE_END, 0);
	syscalls_close(&probed.syscalls);
	child_reap(&probed.child, &probed.cgroup, &end);
	report.to = &to;
	report.end = &end;
	write_report(&report, &opt);
	reading_free(&from);
	reading_free(&to);
	return status_of(&end) ?: opt.unwritten;
}
