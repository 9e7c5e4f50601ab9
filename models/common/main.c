/* SPDX-License-Identifier: MIT */
/* main.c - start and end of every server, around serve() */
#include "listener.h"
#include "model.h"
#include "harness/base/output.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Of this process, and of those that it has waited for */
static uint64_t cpu_ns(void)
{
	struct rusage children;
	struct timespec own;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
	getrusage(RUSAGE_CHILDREN, &children);
	timeradd(&children.ru_utime, &children.ru_stime, &children.ru_utime);
	return (own.tv_sec + children.ru_utime.tv_sec) * UINT64_C(1000000000) +
	       own.tv_nsec + children.ru_utime.tv_usec * 1000;
}

static void print_totals(void)
{
	const uint64_t *by = totals.refused, *closed = totals.closed;
	uint64_t refused = 0;

	for (int why = 0; why < REFUSALS; why++)
		refused += by[why];
	printf("{\"model\":\"%s\",\"accepted\":%" PRIu64, model_name,
	       totals.accepted);
	printf(",\"refused\":%" PRIu64, refused);
	printf(",\"refused_by\":{\"limit\":%" PRIu64, by[REFUSED_LIMIT]);
	printf(",\"descriptors\":%" PRIu64, by[REFUSED_DESCRIPTORS]);
	printf(",\"fd_setsize\":%" PRIu64, by[REFUSED_FD_SETSIZE]);
	printf(",\"threads\":%" PRIu64, by[REFUSED_THREADS]);
	printf(",\"signals\":%" PRIu64, by[REFUSED_SIGNALS]);
	printf(",\"memory\":%" PRIu64 "}", by[REFUSED_MEMORY]);
	printf(",\"requests\":%" PRIu64, totals.requests);
	printf(",\"bytes_in\":%" PRIu64, totals.bytes_in);
	printf(",\"bytes_out\":%" PRIu64, totals.bytes_out);
	printf(",\"closed\":{\"eof\":%" PRIu64, closed[CLOSED_EOF]);
	printf(",\"reset\":%" PRIu64, closed[CLOSED_RESET]);
	printf(",\"error\":%" PRIu64, closed[CLOSED_ERROR]);
	printf(",\"stop\":%" PRIu64 "}", closed[CLOSED_STOP]);
	printf(",\"aio_result_lost\":%" PRIu64, totals.aio_result_lost);
	for (int i = 0; model_counters[i].name; i++)
		printf(",\"%s\":%" PRIu64, model_counters[i].name,
		       *model_counters[i].value);
	printf(",\"cpu_ns\":%" PRIu64 "}\n", cpu_ns());
}

int main(int argc, char **argv)
{
	struct options opt;
	int listen_fd, status;

	if (fcntl(STDOUT_FILENO, F_GETFD) < 0) /* no ready line */
		die("write to stdout");
	output_begin();
	parse_options(argc, argv, &opt);
	signal(SIGPIPE, SIG_IGN); /* send reports EPIPE instead */
	/* Each further arena reserves 64 MiB of address space. */
	mallopt(M_ARENA_MAX, 1);
	listen_fd = listen_on(&opt);
	stop_on_signals(listen_fd);
	status = serve(listen_fd, &opt);
	if (status == EXIT_SUCCESS)
		print_totals();
	return status;
}
