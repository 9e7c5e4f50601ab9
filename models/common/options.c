/* SPDX-License-Identifier: MIT */
/* options.c - the command line that all servers share: see options.h */
#include "options.h"

#include "harness/base/die.h"
#include "model.h"
#include "service.h"
#include "harness/base/units.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VERSION
#define VERSION "unknown"
#endif

enum { MESSAGE_MAX = 1 << 30 };

static const char help_text[] =
	"\n"
	"Examples:\n"
	"  %1$s                           any free port; the first line says which\n"
	"  %1$s --port 7000               then try: nc 127.0.0.1 7000\n"
	"  %1$s --message 128 --work sleep:20ms@1%%\n"
	"                                 one request of 128 bytes in a hundred blocks\n"
	"\n"
	"Options:\n"
	"  --host ADDRESS     where to listen (default 127.0.0.1)\n"
	"  --port N           0 to 65535; 0 lets the system choose (default 0)\n"
	"  --max-clients N    refuse clients beyond N: 1, 500, 10k (default: no limit)\n"
	"  --message BYTES    what makes a request: 64, 16KiB, at most 1GiB (default:\n"
	"                     what one read brings)\n"
	"  --service NAME     echo (default echo)\n"
	"  --work WORK        done once a request, before its reply: none, cpu:TIME or\n"
	"                     sleep:TIME, each with @PERCENT of the requests to do it\n"
	"                     for; TIME as 100us, 20ms, 1s (default none)\n"
	"  --seed N           which requests these are (default 1)\n"
	"  -h, --help, --version\n"
	"\n"
	"SIGTERM or SIGINT stops the server; it then prints its counters as one line of\n"
	"JSON. Exit status: 0 stopped as asked, 1 failed, 2 bad usage, 77 this kernel or\n"
	"its policy cannot run this model.\n";

static void parse_service(const char *text, struct options *opt)
{
	for (int i = 0; services[i]; i++)
		if (strcmp(text, services[i]->name) == 0) {
			opt->service = services[i];
			return;
		}
	die_usage("--service '%s': not a service; it takes echo", text);
}

static void parse_work(const char *text, struct work *work)
{
	static const char allowed[] =
		"it takes none, cpu:TIME or sleep:TIME, with @PERCENT if "
		"wanted: cpu:100us, sleep:20ms@1%";
	char copy[64];
	char *time, *percent;

	*work = (struct work){ .kind = WORK_NONE, .percent = 100 };
	if (strcmp(text, "none") == 0)
		return;
	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		die_usage("--work '%s': too long; %s", text, allowed);
	if ((percent = strchr(copy, '@')))
		*percent++ = '\0';
	if ((time = strchr(copy, ':')))
		*time++ = '\0';
	if (strcmp(copy, "cpu") == 0)
		work->kind = WORK_CPU;
	else if (strcmp(copy, "sleep") == 0)
		work->kind = WORK_SLEEP;
	else
		die_usage("--work '%s': no such work; %s", text, allowed);
	if (!time || !parse_time(time, &work->ns) || work->ns == 0)
		die_usage("--work '%s': not a time; %s", text, allowed);
	if (percent && (!parse_percent(percent, &work->percent) ||
			work->percent <= 0 || work->percent > 100))
		die_usage("--work '%s': not a percentage above 0%% and up to "
			  "100%%; %s",
			  text, allowed);
}

static void parse_option(int option, const char *text, struct options *opt)
{
	uint64_t n;

	switch (option) {
	case 'a':
		opt->host = text;
		break;
	case 'p':
		if (!parse_number(text, &n) || n > 65535)
			die_usage("--port '%s': not a number from 0 to 65535",
				  text);
		opt->port = n;
		break;
	case 'c':
		if (!parse_count(text, &n) || n < 1 || n > INT32_MAX)
			die_usage("--max-clients '%s': not a number from 1 to "
				  "%d, such as 500 or 10k",
				  text, INT32_MAX);
		opt->max_clients = n;
		break;
	case 'm':
		if (!parse_bytes(text, &n) || n < 1 || n > MESSAGE_MAX)
			die_usage("--message '%s': not a size from 1 to 1GiB, "
				  "such as 64 or 16KiB",
				  text);
		opt->message = n;
		break;
	case 's':
		parse_service(text, opt);
		break;
	case 'w':
		parse_work(text, &opt->work);
		break;
	case 'S':
		if (!parse_number(text, &n))
			die_usage("--seed '%s': not a number from 0 to 2^64-1",
				  text);
		opt->seed = n;
		break;
	case 'h':
		printf("%s - %s\n", model_name, model_summary);
		printf(help_text, model_name);
		exit(EXIT_SUCCESS);
	case 'V':
		printf("%s (io-models) %s\n", model_name, VERSION);
		exit(EXIT_SUCCESS);
	}
}

void parse_options(int argc, char **argv, struct options *opt)
{
	static const struct option names[] = {
		{ "host", required_argument, NULL, 'a' },
		{ "port", required_argument, NULL, 'p' },
		{ "max-clients", required_argument, NULL, 'c' },
		{ "message", required_argument, NULL, 'm' },
		{ "service", required_argument, NULL, 's' },
		{ "work", required_argument, NULL, 'w' },
		{ "seed", required_argument, NULL, 'S' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	int option;

	*opt = (struct options){ .host = "127.0.0.1",
				 .service = services[0],
				 .work = { .percent = 100 },
				 .seed = 1 };
	opterr = 0;
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
			die_usage("%s: unknown or ambiguous; the options "
				  "are --host, --port, --max-clients, "
				  "--message, --service, --work, --seed, "
				  "--help, --version",
				  word);
		parse_option(option, optarg, opt);
	}
	if (optind < argc)
		die_usage("'%s': takes options only", argv[optind]);
}
