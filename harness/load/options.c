/* SPDX-License-Identifier: MIT */
/* options.c - the command line of the load generator: see options.h */
#include "options.h"

#include "harness/base/args.h"
#include "harness/base/die.h"
#include "harness/base/units.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { CONNECTIONS_MAX = 1000000 };
#define SECOND 1e9
#define HOUR (3600 * SECOND)

/* ------------------------------------------------------ values of their own kind */

static void take_target(const struct arg *arg, const char *text, void *options)
{
	struct load_options *opt = options;
	static const char allowed[] =
		"it takes HOST:PORT, such as 127.0.0.1:7000, localhost:7000 or "
		"[::1]:7000";
	char *copy = strdup(text), *colon, *path;
	uint64_t port;

	if (!copy)
		die("strdup");
	opt->target = text;
	opt->path = "";
	if ((path = strchr(copy, '/'))) {
		*path = '\0';
		opt->path = path + 1;
	}
	for (const char *at = opt->path; *at; at++)
		if (*at <= ' ' || *at > '~')
			die_usage("--%s '%s': a path has no spaces, and other "
				  "than ASCII characters as %%XX",
				  arg->name, text);
	colon = strrchr(copy, ':');
	if (!colon || colon == copy)
		die_usage("--%s '%s': no HOST or no PORT; %s", arg->name, text,
			  allowed);
	*colon = '\0';
	if (!parse_number(colon + 1, &port) || port < 1 || port > 65535)
		die_usage("--%s '%s': the port is not a number from 1 to "
			  "65535; %s",
			  arg->name, text, allowed);
	opt->port = colon + 1;
	opt->host = copy;
	if (*copy == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		opt->host = copy + 1;
		if (!*opt->host)
			die_usage("--%s '%s': no HOST; %s", arg->name, text,
				  allowed);
	} else if (strchr(copy, ':')) {
		die_usage("--%s '%s': an IPv6 address goes in brackets; %s",
			  arg->name, text, allowed);
	}
}

/* The number behind the colon */
static unsigned count_of(const struct arg *arg, const char *text, size_t at)
{
	uint64_t n;

	if (!parse_count(text + at, &n) || n < 1 || n > CONNECTIONS_MAX)
		die_usage("--%s '%s': not a number from 1 to %d, such as "
			  "%.*s100",
			  arg->name, text, CONNECTIONS_MAX, (int)at, text);
	return n;
}

static void take_pattern(const struct arg *arg, const char *text, void *options)
{
	struct load_options *opt = options;
	static const char burst[] = "burst:", slow[] = "slow-read:";

	opt->burst = 1;
	opt->slow = 0;
	if (strcmp(text, "steady") == 0) {
		opt->pattern = PATTERN_STEADY;
	} else if (strcmp(text, "connect") == 0) {
		opt->pattern = PATTERN_CONNECT;
	} else if (strcmp(text, "storm") == 0) {
		opt->pattern = PATTERN_STORM;
	} else if (strncmp(text, burst, strlen(burst)) == 0) {
		opt->pattern = PATTERN_BURST;
		opt->burst = count_of(arg, text, strlen(burst));
	} else if (strncmp(text, slow, strlen(slow)) == 0) {
		opt->pattern = PATTERN_SLOW_READ;
		opt->slow = count_of(arg, text, strlen(slow));
	} else {
		die_usage("--%s '%s': it takes steady, burst:N, connect, storm "
			  "or slow-read:N",
			  arg->name, text);
	}
}
/* Each CPU is listed once, so there is room for all. */
_Static_assert(CPUS_MAX >= CPU_SETSIZE, "room for every CPU");

static void parse_cpu(const char *text, unsigned first, unsigned last,
		      struct load_options *opt)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		die("sched_getaffinity");
	for (unsigned i = first; i <= last; i++) {
		if (i >= CPU_SETSIZE || !CPU_ISSET(i, &set))
			die_usage(
				"--cpu '%s': this process may not run on CPU "
				"%u (nproc shows how many it may use, taskset "
				"-p $$ which)",
				text, i);
		for (unsigned j = 0; j < opt->n_cpus; j++)
			if (opt->cpus[j] == (int)i)
				die_usage("--cpu '%s': CPU %u is listed twice; "
					  "each takes one thread",
					  text, i);
		opt->cpus[opt->n_cpus++] = i;
	}
}
static void take_cpus(const struct arg *arg, const char *text, void *options)
{
	struct load_options *opt = options;
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
			die_usage("--%s '%s': not a list of CPUs, such as 1 or "
				  "1,3 or 4-7",
				  arg->name, text);
		parse_cpu(text, first, last, opt);
	}
	free(copy);
}
static void take_goal(const struct arg *arg, const char *text, void *options)
{
	struct goal *goal = &((struct load_options *)options)->goal;
	static const char allowed[] =
		"it takes a percentile and a time, such as p50=200us, p99=1ms, "
		"p99.9=5ms or max=1s";
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : 0;
	char percent[sizeof(goal->name) + 1];

	if (length == 0 || length >= sizeof(goal->name))
		die_usage("--%s '%s': no limit; %s", arg->name, text, allowed);
	memcpy(goal->name, text, length);
	goal->name[length] = '\0';
	if (strcmp(goal->name, "max") == 0) {
		goal->share = 1;
	} else {
		snprintf(percent, sizeof(percent), "%s%%", goal->name + 1);
		if (*goal->name != 'p' ||
		    !parse_percent(percent, &goal->share) || goal->share <= 0 ||
		    goal->share >= 100)
			die_usage("--%s '%s': '%s' is not a percentile; %s",
				  arg->name, text, goal->name, allowed);
		goal->share /= 100;
	}
	if (!parse_time(equals + 1, &goal->ns) || goal->ns < 1000 ||
	    goal->ns > 60 * SECOND)
		die_usage("--%s '%s': not a time from 1us to 60s; %s",
			  arg->name, text, allowed);
}
/* Not a pipe: --hold sends and receives. */
static void take_socket(const struct arg *arg, const char *text, void *options)
{
	struct sockaddr_storage address;
	uint64_t fd;

	if (!parse_number(text, &fd) || fd > INT_MAX ||
	    getpeername(fd, (struct sockaddr *)&address,
			&(socklen_t){ sizeof(address) }) < 0)
		die_usage("--%s '%s': not the descriptor of a connected "
			  "socket, such as the child's end of socketpair(2)",
			  arg->name, text);
	((struct load_options *)options)->hold = fd;
}

/* ---------------------------------------------------------------- the options */

#define AT(member) .at = offsetof(struct load_options, member)

static const char *const arrivals[] = { "poisson", "uniform", NULL };
static const char *const engines[] = { "auto", "uring", "epoll", NULL };
static const char *const services[] = { "echo", "http", NULL };
static const char *const spins[] = { "never", "auto", NULL };

static const struct arg table[] = {
	{ ARG_HEADING, .help = "Load:" },
	{ ARG_OTHER, "target", "HOST:PORT",
	  "the server; [::1]:7000 for IPv6; for http also HOST:PORT/PATH",
	  .take = take_target },
	{ ARG_WORD, "service", "NAME",
	  "what the server is: echo, or http (GET; a reply is right if its status is 200, its Content-Length --message, and its body that of the first reply)",
	  AT(http), .words = services, .initial = "echo" },
	{ ARG_COUNT, "connections", "N",
	  "connections that send requests; with 0, only idle ones",
	  AT(connections), 0, CONNECTIONS_MAX, "64" },
	{ ARG_COUNT, "idle", "N", "additional connections that send nothing",
	  AT(idle), 0, CONNECTIONS_MAX, "0" },
	{ ARG_BYTES, "message", "BYTES",
	  "size of a request and of its reply; for http, of the body of a reply",
	  AT(message), 1, 1 << 30, "64" },
	{ ARG_COUNT, "depth", "N",
	  "closed loop: requests in flight on each connection", AT(depth), 1,
	  65536, "1" },
	{ ARG_RATE, "rate", "R",
	  "open loop: requests per second over all connections; without it, closed loop",
	  AT(rate), 0.01, 1e8 },
	{ ARG_WORD, "arrivals", "KIND",
	  "open loop: distribution of the times between requests", AT(arrivals),
	  .words = arrivals, .initial = "poisson" },
	{ ARG_OTHER, "pattern", "PATTERN",
	  "steady; burst:N, open loop with N requests at once and then a pause, so that --rate is kept; connect, a new connection for each request; storm, both: all --connections connect at once; slow-read:N, beside N clients that read their replies at 256 KiB/s each",
	  .take = take_pattern, .initial = "steady" },
	{ ARG_TIME, "duration", "TIME",
	  "length of the measurement window (default 10s; with --find-rate 2s, of each probe)",
	  AT(duration), 0.01 * SECOND, 24 * HOUR },
	{ ARG_TIME, "warmup", "TIME", "load before the window", AT(warmup), 0,
	  HOUR, "1s" },
	{ ARG_NUMBER, "seed", "N", "seed of the payload and of random times",
	  AT(seed), .initial = "1" },
	{ ARG_OTHER, "find-rate", "LIMIT",
	  "open loop: search the highest rate at which a percentile of the response time keeps a limit: p50=200us, p99=1ms, p99.9=5ms, max=1s",
	  .take = take_goal },
	{ ARG_HEADING, .help = "The generator:" },
	{ ARG_WORD, "engine", "NAME",
	  "how the generator waits; auto: with io_uring where it works",
	  AT(engine), .words = engines, .initial = "auto" },
	{ ARG_COUNT, "threads", "N", "threads that share the connections",
	  AT(threads), 1, 1024, "1" },
	{ ARG_OTHER, "cpu", "LIST",
	  "pin the threads, one to each of these CPUs: 1 or 1,3 or 4-7. The generator then treats them as its own: in an open loop it busy-polls while it waits, to send on time",
	  .take = take_cpus },
	{ ARG_WORD, "spin", "WHEN",
	  "whether it may busy-poll; never: other programs need the CPUs of --cpu",
	  AT(spin), .words = spins, .initial = "auto" },
	{ ARG_TIME, "timeout", "TIME",
	  "give up after this time without a connection or a reply",
	  AT(timeout), 0.01 * SECOND, HOUR, "5s" },
	{ ARG_HEADING, .help = "Output:" },
	{ ARG_TEXT, "json", "FILE", "write the result as JSON; - is stdout",
	  AT(json) },
	{ ARG_TEXT, "histogram", "FILE",
	  "write the response times for the plotters of HdrHistogram (.hgrm); beside a regular FILE also FILE.service, FILE.send-lag and FILE.connect",
	  AT(histogram) },
	{ ARG_FLAG, "quiet", NULL,
	  "print only errors, and what --json asks for", AT(quiet) },
	{ ARG_OTHER, "hold", "FD",
	  "for programs that measure in turns: a socket that commands slices; harness/load/README.md",
	  .take = take_socket },
};

static const struct args args = {
	.usage = "--target HOST:PORT",
	.about =
		"loadgen - measures how long a TCP echo server, or an HTTP server, takes to answer\n\n"
		"Examples:\n"
		"  loadgen --target 127.0.0.1:7000\n"
		"         closed loop: 64 connections, each waits for its reply before it\n"
		"         sends again\n"
		"  loadgen --target 127.0.0.1:7000 --rate 20k --cpu 1 --duration 30s\n"
		"         open loop: 20,000 requests/s at random times, whatever the\n"
		"         server does, from a thread that has CPU 1 to itself\n"
		"  loadgen --target 127.0.0.1:7000 --cpu 1 --find-rate p99=1ms --json -\n"
		"         the highest rate at which 99 % of the replies take 1 ms or less\n",
	.notes =
		"In an open loop every request has a time at which it is due, and is "
		"measured from then: response time = send lag (+ connect) + service time. "
		"A closed loop waits for a slow server and therefore sends least when the "
		"server is slowest: its tail latency is too low (coordinated omission).\n\n"
		"Exit status: 0 a valid result, 1 an invalid one (its reasons are printed) "
		"or none, 2 bad usage, 130 interrupted (Ctrl-C; what was measured is "
		"printed).",
	.arg = table,
	.n = sizeof(table) / sizeof(*table),
};

static void check_idle_only(const struct load_options *opt)
{
	const char *what = opt->rate > 0                  ? "--rate" :
			   opt->goal.share > 0            ? "--find-rate" :
			   opt->pattern != PATTERN_STEADY ? "--pattern" :
			   opt->depth > 1                 ? "--depth" :
							    NULL;

	if (what)
		die_usage("%s describes requests, and --connections 0 sends "
			  "none",
			  what);
	if (opt->idle == 0 && opt->hold < 0)
		die_usage("--connections 0 needs --idle N: there would be no "
			  "connection");
}

/* Options that contradict each other */
static void check_together(struct load_options *opt)
{
	bool search = opt->goal.share > 0;
	unsigned connections = opt->connections;

	if (!opt->target)
		die_usage("--target HOST:PORT is missing");
	if (!opt->http && *opt->path)
		die_usage("--target '%s': a path needs --service http",
			  opt->target);
	if (connections == 0) {
		check_idle_only(opt);
		connections = opt->idle;
	}
	if (opt->pattern == PATTERN_STORM)
		opt->burst = connections;
	if ((opt->pattern == PATTERN_BURST || opt->pattern == PATTERN_STORM) &&
	    opt->rate == 0 && !search)
		die_usage("--pattern burst:N and storm need --rate: bursts of "
			  "N are N / rate apart");
	if (opt->depth > 1 && (opt->rate > 0 || search))
		die_usage(
			"--depth applies to the closed loop only: with --rate, "
			"requests are sent when they are due");
	if (opt->depth > 1 && pattern_connects(opt->pattern))
		die_usage("--pattern connect sends one request per connection: "
			  "--depth must be 1");
	if (opt->threads > 1 && opt->threads > connections)
		die_usage("--threads %u: more than connections (%u)",
			  opt->threads, connections);
	/* Also bursts of one */
	if (opt->pattern == PATTERN_BURST || opt->pattern == PATTERN_STORM)
		opt->arrivals = ARRIVALS_UNIFORM;
	if (opt->duration == 0 && opt->hold < 0)
		opt->duration = search ? 2 * SECOND : 10 * SECOND;
}

/* The observer commands all slices. */
static void check_hold(uint64_t given)
{
	static const char *const others[] = { "warmup", "duration",
					      "find-rate" };

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		for (int j = 0; j < 3; j++)
			if ((given >> i & 1) && table[i].name &&
			    strcmp(table[i].name, others[j]) == 0)
				die_usage("--%s does not work with --hold: the "
					  "observer commands how long each "
					  "slice lasts",
					  others[j]);
}

void load_options(int argc, char **argv, struct load_options *opt)
{
	uint64_t given;

	*opt = (struct load_options){ .hold = -1 };
	given = args_parse(&args, argc, argv, opt);
	if (opt->hold >= 0)
		check_hold(given);
	check_together(opt);
}
