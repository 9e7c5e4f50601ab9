/* SPDX-License-Identifier: MIT */
/* options.c - the command line that all servers share */
#include "models/common/options.h"

#include "harness/base/args.h"
#include "harness/base/die.h"
#include "harness/base/units.h"
#include "models/common/model.h"
#include "models/common/service.h"

#include <stdio.h>
#include <string.h>

static void take_service(const struct arg *arg, const char *text, void *options)
{
	struct options *opt = options;

	for (int i = 0; services[i]; i++)
		if (strcmp(text, services[i]->name) == 0) {
			opt->service = services[i];
			return;
		}
	die_usage("--%s '%s': not a service; it takes echo or http", arg->name,
		  text);
}

static void take_work(const struct arg *arg, const char *text, void *options)
{
	static const char allowed[] =
		"it takes none, cpu:TIME or sleep:TIME, with @PERCENT if "
		"wanted: cpu:100us, sleep:20ms@1%";
	struct work *work = &((struct options *)options)->work;
	char copy[64];
	char *time, *percent;

	*work = (struct work){ .kind = WORK_NONE, .percent = 100 };
	if (strcmp(text, "none") == 0)
		return;
	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		die_usage("--%s '%s': too long; %s", arg->name, text, allowed);
	if ((percent = strchr(copy, '@')))
		*percent++ = '\0';
	if ((time = strchr(copy, ':')))
		*time++ = '\0';
	if (strcmp(copy, "cpu") == 0)
		work->kind = WORK_CPU;
	else if (strcmp(copy, "sleep") == 0)
		work->kind = WORK_SLEEP;
	else
		die_usage("--%s '%s': no such work; %s", arg->name, text,
			  allowed);
	if (!time || !parse_time(time, &work->ns) || work->ns == 0)
		die_usage("--%s '%s': not a time; %s", arg->name, text,
			  allowed);
	if (percent && (!parse_percent(percent, &work->percent) ||
			work->percent <= 0 || work->percent > 100))
		die_usage(
			"--%s '%s': not a percentage above 0%% and up to 100%%; %s",
			arg->name, text, allowed);
}

#define AT(member) .at = offsetof(struct options, member)

static const struct arg common[] = {
	{ ARG_TEXT, "host", "ADDRESS", "address to listen on", AT(host),
	  .initial = "127.0.0.1" },
	{ ARG_COUNT, "port", "N", "port to listen on; 0 takes a free one",
	  AT(port), 0, 65535, "0" },
	{ ARG_COUNT, "max-clients", "N",
	  "refuse clients beyond N; without it, no limit", AT(max_clients), 1,
	  INT32_MAX },
	{ ARG_BYTES, "message", "BYTES",
	  "echo: size of a request (without it, a request is what one read returns); http: of the body of a reply to GET (without it, 64)",
	  AT(message), 1, 1 << 30 },
	{ ARG_OTHER, "service", "NAME",
	  "service for the clients: echo, or http (HTTP/1.1; POST and PUT return the body that was sent)",
	  .initial = "echo", .take = take_service },
	{ ARG_OTHER, "work", "WORK",
	  "work per request, before its reply: none, cpu:TIME or sleep:TIME; "
	  "for @PERCENT of the requests, as in sleep:20ms@1%",
	  .initial = "none", .take = take_work },
	{ ARG_NUMBER, "seed", "N", "which requests @PERCENT selects", AT(seed),
	  .initial = "1" },
};

enum {
	COMMON_OPTIONS = sizeof(common) / sizeof(*common),
	MODEL_OPTIONS_MAX = 8
};

/* Its default is printed to `initial`. */
static struct arg arg_of(const struct model_option *option, char *initial)
{
	enum arg_kind kind =
		option->kind == OPTION_TIME ? ARG_TIME : ARG_NUMBER;

	return (struct arg){
		.kind = kind,
		.name = option->name,
		.value = option->metavar,
		.help = option->help,
		.to = option->value,
		.low = option->low,
		.high = option->high,
		.initial = args_number(kind, *option->value, initial),
	};
}

void parse_options(int argc, char **argv, struct options *opt)
{
	struct arg table[COMMON_OPTIONS + MODEL_OPTIONS_MAX];
	char about[1024], initial[MODEL_OPTIONS_MAX][ARGS_NUMBER_SIZE];
	size_t n = 0;
	struct args args = {
		.usage = "",
		.about = about,
		.notes =
			"SIGTERM or SIGINT stops the server; it then prints its "
			"counters as one line of JSON.\n\n"
			"Exit status: 0 stopped as asked, 1 failed, 2 bad usage, 77 "
			"this kernel or its policy cannot run this model.",
		.arg = table,
	};

	snprintf(
		about, sizeof(about),
		"%1$s - %2$s\n\nExamples:\n"
		"  %1$s\n"
		"         any free port; the first line of output names it\n"
		"  %1$s --port 7000\n"
		"         then try: nc 127.0.0.1 7000\n"
		"  %1$s --message 128 --work sleep:20ms@1%%\n"
		"         requests of 128 bytes; 1 %% of them block for 20 ms\n",
		model_name, model_summary);
	memcpy(table, common, sizeof(common));
	for (; n < MODEL_OPTIONS_MAX && model_options[n].name; n++)
		table[COMMON_OPTIONS + n] =
			arg_of(&model_options[n], initial[n]);
	args.n = COMMON_OPTIONS + n;
	*opt = (struct options){ 0 };
	args_parse(&args, argc, argv, opt);
	if (opt->service->begin)
		opt->service->begin(opt);
}
