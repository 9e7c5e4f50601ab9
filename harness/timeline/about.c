/* SPDX-License-Identifier: MIT */
/* about.c - the file of a timeline: see about.h */
#include "harness/timeline/about.h"

#include "harness/base/grow.h"
#include "harness/probe/machine.h"

#include <dirent.h>
#include <inttypes.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char timeline_heading[] =
	"model,time_ns,event,thread,process,cpu,what,value,other\n";

static const char *const kinds[] = {
	[TRACE_ENTER] = "enter",       [TRACE_EXIT] = "exit",
	[TRACE_OFF] = "off",           [TRACE_ON] = "on",
	[TRACE_WAKE] = "wake",         [TRACE_SUBMIT] = "submit",
	[TRACE_COMPLETE] = "complete",
};

/* Those that servers use; others are numbers. */
static const char *const operations[] = {
	[IORING_OP_NOP] = "nop",
	[IORING_OP_READV] = "readv",
	[IORING_OP_WRITEV] = "writev",
	[IORING_OP_POLL_ADD] = "poll_add",
	[IORING_OP_POLL_REMOVE] = "poll_remove",
	[IORING_OP_SENDMSG] = "sendmsg",
	[IORING_OP_RECVMSG] = "recvmsg",
	[IORING_OP_TIMEOUT] = "timeout",
	[IORING_OP_TIMEOUT_REMOVE] = "timeout_remove",
	[IORING_OP_ACCEPT] = "accept",
	[IORING_OP_ASYNC_CANCEL] = "async_cancel",
	[IORING_OP_CLOSE] = "close",
	[IORING_OP_READ] = "read",
	[IORING_OP_WRITE] = "write",
	[IORING_OP_EPOLL_CTL] = "epoll_ctl",
	[IORING_OP_SEND] = "send",
	[IORING_OP_RECV] = "recv",
	[IORING_OP_PROVIDE_BUFFERS] = "provide_buffers",
	[IORING_OP_SHUTDOWN] = "shutdown",
};

struct writer {
	FILE *file;
	const char *label;
	const struct trace *trace;
	const struct server *server;
	const struct clients *clients;
};

/* ---------------------------------------------------------------------- fields */

/* As RFC 4180 */
static void put_text(FILE *file, const char *text)
{
	if (!text[strcspn(text, ",\"\n\r")]) {
		fputs(text, file);
		return;
	}
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', file);
		fputc(*text, file);
	}
	fputc('"', file);
}

/* A row about the trace, which is no event; 0 is an empty number. */
static void put_about(const struct writer *w, const char *event, int thread,
		      int process, const char *what, int64_t value)
{
	put_text(w->file, w->label);
	fprintf(w->file, ",,%s,", event);
	if (thread)
		fprintf(w->file, "%d", thread);
	fputc(',', w->file);
	if (process)
		fprintf(w->file, "%d", process);
	fputs(",,", w->file);
	put_text(w->file, what);
	fprintf(w->file, ",%" PRId64 ",\n", value);
}

/* When the clients send */
static void put_moments(const struct writer *w)
{
	const struct clients *c = w->clients;

	for (int i = 0; i < c->plan->rounds * MOMENTS; i++) {
		char who[CLIENTS_MAX + 1] = "";

		for (unsigned j = 0; j < c->plan->n; j++)
			if (c->plan->times[j].sends[i % MOMENTS])
				who[strlen(who)] = (char)('A' + j);
		put_text(w->file, w->label);
		fprintf(w->file, ",%" PRId64 ",moment,,,,%s,%d,\n",
			c->start + i * c->spacing, who, i / MOMENTS);
	}
}

/* -------------------------------------------------------------------- machine */

static void put_machine(const struct writer *w)
{
	json_t *facts = machine_facts();
	const char *kernel =
		json_string_value(json_object_get(facts, "kernel_release"));
	const char *cpu =
		json_string_value(json_object_get(facts, "cpu_model"));

	put_about(w, "kernel", 0, 0, kernel ?: "unknown", 0);
	put_about(w, "processor", 0, 0, cpu ?: "unknown",
		  json_integer_value(json_object_get(facts, "cpus")));
	json_decref(facts);
}

/* -------------------------------------------------------------------- threads */

/* A small file in /proc/THREAD; false: it cannot be read */
static bool read_of(int thread, const char *name, char *to, size_t size)
{
	char path[64];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", thread, name);
	file = fopen(path, "re");
	n = file ? fread(to, 1, size - 1, file) : 0;
	if (file)
		fclose(file);
	to[n] = '\0';
	return n > 0;
}

static int number_in(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? atoi(at + strlen(name)) : 0;
}

/* Its name, its process, and the call in which it sleeps now */
static void put_thread(const struct writer *w, int thread)
{
	char status[4096], name[64], call[256], known[32];
	bool runs;
	int process;

	if (!read_of(thread, "status", status, sizeof(status)) ||
	    !read_of(thread, "comm", name, sizeof(name)))
		return;
	name[strcspn(name, "\n")] = '\0';
	process = number_in(status, "\nTgid:");
	runs = strstr(status, "\nState:\tR") != NULL;
	put_about(w, "thread", thread, process, name, runs);
	/* "running", or "7 0x3 ..."; -1: asleep in no call */
	if (read_of(thread, "syscall", call, sizeof(call)) &&
	    (call[0] >= '0' && call[0] <= '9'))
		put_about(w, "sleeps", thread, process,
			  syscalls_name((unsigned)atoi(call), known), 0);
}

static void add_once(int **list, size_t *n, int thread)
{
	for (size_t i = 0; i < *n; i++)
		if ((*list)[i] == thread)
			return;
	*list = grow(*list, *n + 1, sizeof(**list));
	(*list)[(*n)++] = thread;
}

static void put_threads(const struct writer *w)
{
	size_t n, found = 0;
	pid_t *in_cgroup = cgroup_threads(&w->server->probed.cgroup, &n);
	int *list = NULL;

	for (size_t i = 0; i < n; i++)
		add_once(&list, &found, in_cgroup[i]);
	for (size_t i = 0; n == 0 && i < w->trace->n; i++)
		if (w->trace->events[i].thread)
			add_once(&list, &found,
				 (int)w->trace->events[i].thread);
	for (size_t i = 0; i < found; i++)
		put_thread(w, list[i]);
	free(list);
	free(in_cgroup);
}

/* -------------------------------------------------------------------- sockets */

/* The inode of the server's end of a connection from this port; 0: unknown */
static unsigned long inode_of(const struct server *s, unsigned client_port)
{
	static const char *const tables[] = { "/proc/net/tcp",
					      "/proc/net/tcp6" };
	unsigned long inode = 0, found;
	char line[512];

	for (size_t i = 0; i < 2 && !inode; i++) {
		FILE *file = fopen(tables[i], "re");
		unsigned local, remote;

		while (file && !inode && fgets(line, sizeof(line), file))
			if (sscanf(line,
				   " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%x %*x %*x:%*x "
				   "%*x:%*x %*x %*d %*d %lu",
				   &local, &remote, &found) == 3 &&
			    local == s->port && remote == client_port)
				inode = found;
		if (file)
			fclose(file);
	}
	return inode;
}

static void put_sockets_of(const struct writer *w, int process,
			   const unsigned long *inode)
{
	char path[64], target[64];
	struct dirent *entry;
	unsigned long found;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", process);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target,
				       sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		if (sscanf(target, "socket:[%lu]", &found) != 1)
			continue;
		for (unsigned i = 0; i < w->clients->plan->n; i++)
			if (found == inode[i])
				put_about(w, "socket", 0, process,
					  (char[]){ (char)('A' + i), 0 },
					  atoi(entry->d_name));
	}
	if (dir)
		closedir(dir);
}

/* Which descriptors of the server are connections of which client */
static void put_sockets(const struct writer *w)
{
	unsigned long inode[CLIENTS_MAX];
	size_t n;
	pid_t *all = cgroup_processes(&w->server->probed.cgroup, &n);

	for (unsigned i = 0; i < w->clients->plan->n; i++)
		inode[i] = inode_of(w->server, w->clients->port[i]);
	for (size_t i = 0; i < n; i++)
		put_sockets_of(w, all[i], inode);
	if (n == 0)
		put_sockets_of(w, w->server->probed.child.pid, inode);
	free(all);
}

/* --------------------------------------------------------------------- events */

/* A thread by its id in the kernel; its id here, if it is known */
static uint32_t local_id(const struct trace *t, uint32_t kernel_id)
{
	for (size_t i = 0; i < t->n; i++)
		if ((uint32_t)t->events[i].task == kernel_id)
			return t->events[i].thread;
	return kernel_id;
}

static const char *what_of(const struct trace_event *e, char to[32])
{
	switch (e->kind) {
	case TRACE_ENTER:
	case TRACE_EXIT:
		return syscalls_name((unsigned)e->what, to);
	case TRACE_OFF:
		return e->what ? "sleeps" : "preempted";
	case TRACE_SUBMIT:
	case TRACE_COMPLETE:
		if (e->what == TRACE_NO_OPERATION)
			return "";
		if (e->what < (int)(sizeof(operations) / sizeof(*operations)) &&
		    operations[e->what])
			return operations[e->what];
		snprintf(to, 32, "operation %d", (int)e->what);
		return to;
	default:
		return "";
	}
}

/* strace does not tell the process of a thread. */
static uint32_t process_of(const struct writer *w, const struct trace_event *e)
{
	char status[4096];

	if (e->process || w->trace->method == TRACE_BPF)
		return e->process;
	if (!read_of((int)e->thread, "status", status, sizeof(status)))
		return (uint32_t)w->server->probed.child.pid;
	return (uint32_t)number_in(status, "\nTgid:");
}

static void put_event(const struct writer *w, const struct trace_event *e)
{
	bool has_value = e->kind == TRACE_ENTER || e->kind == TRACE_EXIT ||
			 e->kind == TRACE_COMPLETE;
	char what[32];

	put_text(w->file, w->label);
	fprintf(w->file, ",%" PRIu64 ",%s,%" PRIu32 ",%" PRIu32 ",", e->time,
		kinds[e->kind], e->thread, process_of(w, e));
	if (w->trace->method == TRACE_BPF)
		fprintf(w->file, "%" PRIu32, e->cpu);
	fprintf(w->file, ",%s,", what_of(e, what));
	if (e->kind == TRACE_COMPLETE)
		fprintf(w->file, "%" PRId32, (int32_t)e->value);
	else if (has_value)
		fprintf(w->file, "%" PRId64, e->value);
	fputc(',', w->file);
	if (e->kind == TRACE_ON || e->kind == TRACE_WAKE)
		fprintf(w->file, "%" PRIu32, local_id(w->trace, e->other));
	fputc('\n', w->file);
}

void timeline_write(FILE *file, const struct timeline_plan *plan,
		    const struct server *s, const struct clients *c,
		    const struct trace *t)
{
	const struct writer w = { file, plan->label, t, s, c };

	if (plan->summary)
		put_about(&w, "summary", 0, 0, plan->summary, 0);
	put_about(&w, "method", 0, 0, trace_methods[t->method], 0);
	if (plan->bpf_why)
		put_about(&w, "missing", 0, 0, plan->bpf_why, 0);
	if (*t->uring_why)
		put_about(&w, "missing", 0, 0, t->uring_why, 0);
	put_machine(&w);
	put_about(&w, "server", 0, s->probed.child.pid, plan->cpus->server_list,
		  0);
	put_about(&w, "clients", 0, 0, plan->cpus->client_list, c->plan->n);
	put_about(&w, "lost", 0, 0, "", (int64_t)t->lost);
	put_threads(&w);
	put_sockets(&w);
	put_moments(&w);
	for (size_t i = 0; i < t->n; i++)
		put_event(&w, &t->events[i]);
}
