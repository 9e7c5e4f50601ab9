/* SPDX-License-Identifier: MIT */
/* requests.c - request.csv: the system calls of one request: see session_internal.h */
#include "harness/matrix/session_internal.h"

#include "harness/base/die.h"
#include "harness/timeline/timeline.h"

#include <stdlib.h>
#include <unistd.h>

static const char file_name[] = "request.csv";

static bool has_file(const struct session *s)
{
	char path[STORE_PATH_SIZE + sizeof(file_name) + 1];

	snprintf(path, sizeof(path), "%s/%s", s->store.path, file_name);
	return access(path, F_OK) == 0;
}

/* A server that fails here fails in its cells, too, with the reason. */
static void record_model(const struct session *s, const struct model *m,
			 FILE *file)
{
	struct timeline_plan plan = {
		.label = m->label,
		.cpus = s->cpus.split_possible ? &s->cpus.split :
						 &s->cpus.shared,
		.mask = &s->signals,
		.interrupted = s->context.interrupted,
		.method = s->context.counting == SYSCALLS_BPF ? TRACE_BPF :
								TRACE_STRACE,
		.buffer = 1 << 20,
		.one_client = true,
	};
	struct command command;
	char why[WHY_SIZE];

	if (!m->command)
		command_of_model(&command, s->bin, m->label);
	else if (!command_parse(&command, m->command, why))
		return;
	plan.command = &command;
	if (command.words) /* one that is up already is not traced from its start */
		timeline_record(&plan, file, why);
	command_free(&command);
}

void record_requests(struct session *s)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file;

	if ((s->context.counting != SYSCALLS_BPF &&
	     s->context.counting != SYSCALLS_STRACE) ||
	    has_file(s))
		return;
	file = open_memstream(&text, &size);
	if (!file)
		die("open_memstream");
	fputs(timeline_heading, file);
	for (size_t i = 0; i < s->plan.n_models && !was_interrupted(); i++)
		record_model(s, &s->plan.models[i], file);
	fclose(file);
	if (was_interrupted()) /* by resume */
		free(text);
	else
		write_text(s, file_name, text);
}
