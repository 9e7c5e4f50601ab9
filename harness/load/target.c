/* SPDX-License-Identifier: MIT */
/* target.c - the address of the target, and the limits on connections */
#include "run.h"

#include "harness/base/die.h"
#include "harness/base/print.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* File descriptors besides connections: standard ones, rings, result files */
enum { DESCRIPTORS_BESIDE = 32, DESCRIPTORS_A_THREAD = 4 };

/* Whether a server listens there. Only tried where a name has several addresses,
 * because the server counts it as a client. */
static bool answers(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0;

	if (fd >= 0)
		close(fd);
	return yes;
}

struct target target_of(const struct load_options *opt)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *a;
	struct target t = { .length = 0 };
	int error = getaddrinfo(opt->host, opt->port, &hints, &list);

	if (error)
		die_usage("--target '%s': %s", opt->target,
			  error == EAI_SYSTEM ? strerror(errno) :
						gai_strerror(error));
	a = list;
	while (list->ai_next && a->ai_next && !answers(a))
		a = a->ai_next;
	memcpy(&t.address, a->ai_addr, a->ai_addrlen);
	t.length = a->ai_addrlen;
	freeaddrinfo(list);
	return t;
}

static void check_descriptors(const struct load_options *opt)
{
	unsigned long n = load_clients(opt);
	unsigned long needed =
		n + DESCRIPTORS_BESIDE + DESCRIPTORS_A_THREAD * opt->threads;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("getrlimit");
	if (limit.rlim_cur >= needed)
		return;
	if (limit.rlim_max < needed)
		die_usage("%lu connection%s %s %lu file descriptors, but the "
			  "limit is %lu; raise the limit of this shell and try "
			  "again: sudo prlimit --pid $$ --nofile=%lu",
			  n, plural(n), n == 1 ? "needs" : "need", needed,
			  (unsigned long)limit.rlim_max, needed);
	limit.rlim_cur = needed;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("setrlimit");
}

static void check_ports(const struct load_options *opt)
{
	static const char path[] = "/proc/sys/net/ipv4/ip_local_port_range";
	unsigned long low, high, needed = load_clients(opt);
	FILE *file = fopen(path, "re");

	if (!file)
		return;
	if (fscanf(file, "%lu %lu", &low, &high) == 2 &&
	    needed > high - low + 1)
		die_usage("%lu connections to one address need as many local "
			  "ports, but there are %lu (%lu to %lu); %s",
			  needed, high - low + 1, low, high,
			  needed <= 65535 - 1024 + 1 ?
				  "widen the range: sudo sysctl -w "
				  "net.ipv4.ip_local_port_range='1024 65535'" :
				  "at most 64512 are possible");
	fclose(file);
}

void check_limits(const struct load_options *opt)
{
	check_descriptors(opt);
	check_ports(opt);
}
