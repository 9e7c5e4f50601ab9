/* SPDX-License-Identifier: MIT */
/* options.c - the command line of the load generator: see options.h */
#include "options.h"

#include "harness/base/die.h"
#include "harness/base/units.h"

#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef VERSION
#define VERSION "unknown"
#endif

enum {
	CONNECTIONS_MAX = 1000000,
	DEPTH_MAX = 65536,
	MESSAGE_MAX = 1 << 30,
	THREADS_MAX = 1024,
	RATE_MAX = 100000000
};
#define SECOND INT64_C(1000000000)
#define HOUR (3600 * SECOND)

static const char help_text[] =
	"Usage: loadgen --target HOST:PORT [OPTION]...\n"
	"Measures how long a TCP echo server takes to answer, and says when it\n"
	"cannot know.\n"
	"\n"
	"Examples:\n"
	"  loadgen --target 127.0.0.1:7000\n"
	"         as fast as the server answers: 64 connections, each waits for its\n"
	"         reply before it sends again (closed loop)\n"
	"  loadgen --target 127.0.0.1:7000 --rate 20k --cpu 1 --duration 30s\n"
	"         20,000 requests/s at random times, whatever the server does (open\n"
	"         loop), from a thread that has CPU 1 to itself\n"
	"  loadgen --target 127.0.0.1:7000 --cpu 1 --find-rate p99=1ms --json -\n"
	"         the highest rate that 99 % of the replies keep up with in 1 ms\n"
	"\n"
	"Load:\n"
	"  --target HOST:PORT   the server; [::1]:7000 for IPv6\n"
	"  --connections N      that send requests: 1, 500, 10k (default 64); 0 leaves\n"
	"                       only the idle ones\n"
	"  --idle N             more connections, that only sit there (default 0)\n"
	"  --message BYTES      of a request, and of its reply: 64, 16KiB (default 64)\n"
	"  --depth N            closed loop: requests under way on each connection\n"
	"                       (default 1)\n"
	"  --rate R             open loop: requests a second over all connections: 500,\n"
	"                       20k, 2.5 (default: closed loop)\n"
	"  --arrivals KIND      open loop: poisson, at random as from many users, or\n"
	"                       uniform, at equal distances (default poisson)\n"
	"  --pattern PATTERN    steady; burst:N, open loop with N requests at once and\n"
	"                       then a pause, so that --rate is kept; connect, a new\n"
	"                       connection for each request (default steady)\n"
	"  --duration TIME      of the window that is measured: 500ms, 10s, 1min\n"
	"                       (default 10s; with --find-rate of each probe, 2s)\n"
	"  --warmup TIME        before the window (default 1s)\n"
	"  --seed N             for the bytes and the random times (default 1)\n"
	"  --find-rate LIMIT    open loop: search the highest rate at which the response\n"
	"                       time keeps a limit: p50=200us, p99=1ms, p99.9=5ms, max=1s\n"
	"\n"
	"The generator:\n"
	"  --engine NAME        uring or epoll (default: uring where it works)\n"
	"  --threads N          (default 1)\n"
	"  --cpu LIST           pin the threads, one to each of these CPUs: 1 or 1,3 or\n"
	"                       4-7. They count as the generator's own: in an open loop\n"
	"                       it stays awake on them while it waits, to be exact\n"
	"  --spin WHEN          auto, or never: the CPUs are not its own (default auto)\n"
	"  --timeout TIME       give up when nothing connects or is answered for so long\n"
	"                       (default 5s)\n"
	"\n"
	"Output:\n"
	"  --json FILE          the result as JSON; - is stdout\n"
	"  --histogram FILE     the response times as HdrHistogram's plotters read them\n"
	"                       (.hgrm), and beside it FILE.service, FILE.send-lag and\n"
	"                       FILE.connect (not beside a device or a pipe)\n"
	"  --quiet              only errors, and what --json asks for\n"
	"  --hold FD            for programs that look on: harness/load/README.md\n"
	"  -h, --help, --version\n"
	"\n"
	"In an open loop every request has a time at which it is due, and is measured\n"
	"from then: response time = send lag (+ connect) + service time. A closed loop\n"
	"waits for a slow server, and so asks least when it is slowest: its times look\n"
	"too good.\n"
	"\n"
	"Exit status: 0 a valid result, 1 an invalid one (its reasons are printed) or\n"
	"none, 2 bad usage, 130 interrupted (Ctrl-C; what was measured is printed).\n";

/* ------------------------------------------------------------ kinds of values */

static unsigned count_of(const char *name, const char *text, uint64_t low,
			 uint64_t high)
{
	uint64_t n;

	if (!parse_count(text, &n) || n < low || n > high)
		die_usage("%s '%s': not a number from %llu to %llu, such as "
			  "%llu or 1k",
			  name, text, (unsigned long long)low,
			  (unsigned long long)high,
			  (unsigned long long)(low > 1 ? low : 1));
	return n;
}

static int64_t time_of(const char *name, const char *text, int64_t low,
		       int64_t high)
{
	int64_t ns = 0;

	if ((!parse_time(text, &ns) && strcmp(text, "0") != 0) || ns < low ||
	    ns > high)
		die_usage("%s '%s': not a time from %gs to %gs, such as 500ms "
			  "or 10s",
			  name, text, low / 1e9, high / 1e9);
	return ns;
}

static void parse_target(const char *text, struct load_options *opt)
{
	static const char allowed[] =
		"it takes HOST:PORT, such as 127.0.0.1:7000, localhost:7000 or "
		"[::1]:7000";
	char *copy = strdup(text), *colon;
	uint64_t port;

	if (!copy)
		die("strdup");
	opt->target = text;
	colon = strrchr(copy, ':');
	if (!colon || colon == copy)
		die_usage("--target '%s': no HOST or no PORT; %s", text,
			  allowed);
	*colon = '\0';
	if (!parse_number(colon + 1, &port) || port < 1 || port > 65535)
		die_usage("--target '%s': the port is not a number from 1 to "
			  "65535; %s",
			  text, allowed);
	opt->port = colon + 1;
	opt->host = copy;
	if (*copy == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		opt->host = copy + 1;
		if (!*opt->host)
			die_usage("--target '%s': no HOST; %s", text, allowed);
	} else if (strchr(copy, ':')) {
		die_usage("--target '%s': an IPv6 address goes in brackets; %s",
			  text, allowed);
	}
}

static void parse_pattern(const char *text, struct load_options *opt)
{
	static const char burst[] = "burst:";
	uint64_t n;

	opt->burst = 1;
	if (strcmp(text, "steady") == 0) {
		opt->pattern = PATTERN_STEADY;
	} else if (strcmp(text, "connect") == 0) {
		opt->pattern = PATTERN_CONNECT;
	} else if (strncmp(text, burst, strlen(burst)) == 0) {
		opt->pattern = PATTERN_BURST;
		if (!parse_count(text + strlen(burst), &n) || n < 1 ||
		    n > CONNECTIONS_MAX)
			die_usage("--pattern '%s': a burst has 1 to %d "
				  "requests, such as burst:100",
				  text, CONNECTIONS_MAX);
		opt->burst = n;
	} else {
		die_usage("--pattern '%s': it takes steady, burst:N or connect",
			  text);
	}
}

/* Each is given once: there is room for all. */
_Static_assert(CPUS_MAX >= CPU_SETSIZE, "room for every CPU");

static void parse_cpu(const char *text, unsigned first, unsigned last,
		      struct load_options *opt)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		die("sched_getaffinity");
	for (unsigned i = first; i <= last; i++) {
		if (i >= CPU_SETSIZE || !CPU_ISSET(i, &set))
			die_usage("--cpu '%s': CPU %u is not one that this "
				  "process may use (nproc says how many there "
				  "are, taskset -p $$ which)",
				  text, i);
		for (unsigned j = 0; j < opt->n_cpus; j++)
			if (opt->cpus[j] == (int)i)
				die_usage("--cpu '%s': CPU %u is there twice; "
					  "each is for one thread",
					  text, i);
		opt->cpus[opt->n_cpus++] = i;
	}
}

static void parse_cpus(const char *text, struct load_options *opt)
{
	char *copy = strdup(text), *rest = copy, *part;

	if (!copy)
		die("strdup");
	opt->n_cpus = 0;
	while ((part = strsep(&rest, ","))) {
		char *dash = strchr(part, '-');
		uint64_t first, last;

		if (dash)
			*dash++ = '\0';
		if (!parse_number(part, &first) || first > CPU_SETSIZE ||
		    !parse_number(dash ? dash : part, &last) ||
		    last > CPU_SETSIZE || last < first)
			die_usage(
				"--cpu '%s': not a list of CPUs, such as 1 or "
				"1,3 or 4-7",
				text);
		parse_cpu(text, first, last, opt);
	}
	free(copy);
}

static void parse_goal(const char *text, struct goal *goal)
{
	static const char allowed[] =
		"it takes a percentile and a time, such as p50=200us, p99=1ms, "
		"p99.9=5ms or max=1s";
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : 0;
	char percent[sizeof(goal->name) + 1];

	if (length == 0 || length >= sizeof(goal->name))
		die_usage("--find-rate '%s': no limit; %s", text, allowed);
	memcpy(goal->name, text, length);
	goal->name[length] = '\0';
	if (strcmp(goal->name, "max") == 0) {
		goal->share = 1;
	} else {
		snprintf(percent, sizeof(percent), "%s%%", goal->name + 1);
		if (*goal->name != 'p' ||
		    !parse_percent(percent, &goal->share) || goal->share <= 0 ||
		    goal->share >= 100)
			die_usage("--find-rate '%s': '%s' is no percentile; %s",
				  text, goal->name, allowed);
		goal->share /= 100;
	}
	if (!parse_time(equals + 1, &goal->ns) || goal->ns < 1000 ||
	    goal->ns > 60 * SECOND)
		die_usage("--find-rate '%s': not a time from 1us to 60s; %s",
			  text, allowed);
}

static void parse_rate_option(const char *text, struct load_options *opt)
{
	if (!parse_rate(text, &opt->rate) || opt->rate < 0.01 ||
	    opt->rate > RATE_MAX)
		die_usage("--rate '%s': not a number of requests a second from "
			  "0.01 to 100M, such as 500, 20k or 2.5",
			  text);
}

/* ---------------------------------------------------------------- the options */

static void parse_word(const char *name, const char *text,
		       const char *const words[2], bool *second_one)
{
	*second_one = strcmp(text, words[1]) == 0;
	if (!*second_one && strcmp(text, words[0]) != 0)
		die_usage("%s '%s': it takes %s or %s", name, text, words[0],
			  words[1]);
}

static void parse_size(int option, const char *text, struct load_options *opt)
{
	uint64_t n;

	switch (option) {
	case 't':
		parse_target(text, opt);
		break;
	case 'c':
		opt->connections =
			count_of("--connections", text, 0, CONNECTIONS_MAX);
		break;
	case 'i':
		opt->idle = count_of("--idle", text, 0, CONNECTIONS_MAX);
		break;
	case 'm':
		if (!parse_bytes(text, &n) || n < 1 || n > MESSAGE_MAX)
			die_usage("--message '%s': not a size from 1 to 1GiB, "
				  "such as 64 or 16KiB",
				  text);
		opt->message = n;
		break;
	case 'd':
		opt->depth = count_of("--depth", text, 1, DEPTH_MAX);
		break;
	}
}

static void parse_times(int option, const char *text, struct load_options *opt)
{
	static const char *const arrivals[] = { "poisson", "uniform" };
	bool uniform;

	switch (option) {
	case 'r':
		parse_rate_option(text, opt);
		break;
	case 'a':
		parse_word("--arrivals", text, arrivals, &uniform);
		opt->arrivals = uniform ? ARRIVALS_UNIFORM : ARRIVALS_POISSON;
		break;
	case 'p':
		parse_pattern(text, opt);
		break;
	case 'D':
		opt->duration =
			time_of("--duration", text, 10000000, 24 * HOUR);
		break;
	case 'w':
		opt->warmup = time_of("--warmup", text, 0, HOUR);
		break;
	case 'S':
		if (!parse_number(text, &opt->seed))
			die_usage("--seed '%s': not a number from 0 to 2^64-1",
				  text);
		break;
	case 'f':
		parse_goal(text, &opt->goal);
		break;
	}
}

/* A pipe will not do: this is a conversation. */
static int socket_of(const char *text)
{
	struct sockaddr_storage address;
	uint64_t fd;

	if (!parse_number(text, &fd) || fd > INT_MAX ||
	    getpeername(fd, (struct sockaddr *)&address,
			&(socklen_t){ sizeof(address) }) < 0)
		die_usage("--hold '%s': not the descriptor of a connected "
			  "socket, such as the child's end of socketpair(2)",
			  text);
	return fd;
}

static void parse_generator(int option, const char *text,
			    struct load_options *opt)
{
	static const char *const engines[] = { "uring", "epoll" };
	static const char *const spin[] = { "auto", "never" };
	bool never, epoll;

	switch (option) {
	case 'e':
		parse_word("--engine", text, engines, &epoll);
		opt->engine = engines[epoll];
		break;
	case 'T':
		opt->threads = count_of("--threads", text, 1, THREADS_MAX);
		break;
	case 'C':
		parse_cpus(text, opt);
		break;
	case 's':
		parse_word("--spin", text, spin, &never);
		opt->spin = !never;
		break;
	case 'o':
		opt->timeout = time_of("--timeout", text, 10000000, HOUR);
		break;
	case 'j':
		opt->json = text;
		break;
	case 'H':
		opt->histogram = text;
		break;
	case 'k':
		opt->hold = socket_of(text);
		break;
	case 'q':
		opt->quiet = true;
		break;
	case 'h':
		fputs(help_text, stdout);
		exit(EXIT_SUCCESS);
	case 'V':
		printf("loadgen (io-models) %s\n", VERSION);
		exit(EXIT_SUCCESS);
	}
}

/* Idle connections alone have no load to describe. */
static void check_idle_only(const struct load_options *opt)
{
	const char *what = opt->rate > 0                  ? "--rate" :
			   opt->goal.share > 0            ? "--find-rate" :
			   opt->pattern != PATTERN_STEADY ? "--pattern" :
			   opt->depth > 1                 ? "--depth" :
							    NULL;

	if (what)
		die_usage("%s says what is sent, and with --connections 0 "
			  "nobody sends",
			  what);
	if (opt->idle == 0)
		die_usage("--connections 0 needs --idle N: nobody would be "
			  "connected");
}

/* What is right by itself, but not together */
static void check_together(struct load_options *opt, bool duration_given)
{
	bool search = opt->goal.share > 0;
	unsigned connections = opt->connections;

	if (!opt->target)
		die_usage("--target HOST:PORT is missing: which server?");
	if (connections == 0) {
		check_idle_only(opt);
		connections = opt->idle;
	}
	if (opt->pattern == PATTERN_BURST && opt->rate == 0 && !search)
		die_usage("--pattern burst:N needs --rate: bursts come at "
			  "regular times, N / rate apart");
	if (opt->depth > 1 && (opt->rate > 0 || search))
		die_usage(
			"--depth is for the closed loop: with --rate, what is "
			"due is sent, however much is under way");
	if (opt->depth > 1 && opt->pattern == PATTERN_CONNECT)
		die_usage("--pattern connect has one request to a connection: "
			  "--depth must be 1");
	if (opt->hold >= 0 && search)
		die_usage("--hold is for one run: --find-rate makes many");
	if (opt->threads > connections)
		die_usage("--threads %u: more than connections (%u)",
			  opt->threads, connections);
	if (opt->pattern == PATTERN_BURST) /* of one, too */
		opt->arrivals = ARRIVALS_UNIFORM;
	if (search && !duration_given)
		opt->duration = 2 * SECOND;
}

static const struct option names[] = {
	{ "target", required_argument, NULL, 't' },
	{ "connections", required_argument, NULL, 'c' },
	{ "idle", required_argument, NULL, 'i' },
	{ "message", required_argument, NULL, 'm' },
	{ "depth", required_argument, NULL, 'd' },
	{ "rate", required_argument, NULL, 'r' },
	{ "arrivals", required_argument, NULL, 'a' },
	{ "pattern", required_argument, NULL, 'p' },
	{ "duration", required_argument, NULL, 'D' },
	{ "warmup", required_argument, NULL, 'w' },
	{ "seed", required_argument, NULL, 'S' },
	{ "find-rate", required_argument, NULL, 'f' },
	{ "engine", required_argument, NULL, 'e' },
	{ "threads", required_argument, NULL, 'T' },
	{ "cpu", required_argument, NULL, 'C' },
	{ "spin", required_argument, NULL, 's' },
	{ "timeout", required_argument, NULL, 'o' },
	{ "json", required_argument, NULL, 'j' },
	{ "histogram", required_argument, NULL, 'H' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "hold", required_argument, NULL, 'k' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

static const struct load_options defaults = {
	.connections = 64,
	.message = 64,
	.depth = 1,
	.threads = 1,
	.burst = 1,
	.duration = 10 * SECOND,
	.warmup = SECOND,
	.timeout = 5 * SECOND,
	.seed = 1,
	.spin = true,
	.hold = -1,
};

void load_options(int argc, char **argv, struct load_options *opt)
{
	bool duration_given = false;
	int option;

	*opt = defaults;
	opterr = 0;
	optind = 1;
	for (;;) {
		int at = optind;
		const char *word;

		option = getopt_long(argc, argv, ":h", names, NULL);
		if (option == -1)
			break;
		word = argv[optind > at ? optind - 1 : at];
		if (option == ':')
			die_usage("%s: needs a value", word);
		if (option == '?')
			die_usage("%s: unknown or ambiguous option", word);
		duration_given |= option == 'D';
		parse_size(option, optarg, opt);
		parse_times(option, optarg, opt);
		parse_generator(option, optarg, opt);
	}
	if (optind < argc)
		die_usage("'%s': takes options only; the server is given as "
			  "--target HOST:PORT",
			  argv[optind]);
	check_together(opt, duration_given);
}
