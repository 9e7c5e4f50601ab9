/* SPDX-License-Identifier: MIT */
/* provenance.c - whether two halves of a run may stand in one table: see provenance.h */
#include "harness/store/provenance.h"

#include "harness/base/program.h"
#include "harness/probe/machine.h"
#include "harness/plan/command.h"
#include "harness/base/die.h"

#include "build_info.h" /* made by make: BUILD_COMMIT and so on */

#include <bpf/libbpf.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <limits.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#ifndef VERSION
#define VERSION "unknown"
#endif

/* It cannot be asked before its version 2.4: make says what was there. */
#ifndef LIBURING_VERSION
#define LIBURING_VERSION ""
#endif

/* ----------------------------------------------------------------- the machine */

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static const char *without_v(const char *version)
{
	return version + (*version == 'v');
}

static json_t *packages(void)
{
	const struct scmp_version *seccomp = seccomp_version();

	return json_pack("{s:s, s:o, s:s, s:o, s:s, s:s}", "glibc",
			 gnu_get_libc_version(), "liburing",
			 text_or_null(LIBURING_VERSION), "libbpf",
			 without_v(libbpf_version_string()), "libseccomp",
			 seccomp ?
				 json_sprintf("%u.%u.%u", seccomp->major,
					      seccomp->minor, seccomp->micro) :
				 json_null(),
			 "jansson", JANSSON_VERSION, "zlib", zlibVersion());
}

static json_t *build(void)
{
	static const char commit[] = BUILD_COMMIT, dirty[] = BUILD_DIRTY;

	return json_pack("{s:s, s:o, s:o, s:o, s:s, s:o}", "version", VERSION,
			 "commit", text_or_null(commit), "dirty",
			 *dirty ? json_boolean(strcmp(dirty, "yes") == 0) :
				  json_null(),
			 "compiler", text_or_null(BUILD_COMPILER), "flags",
			 BUILD_FLAGS, "packages", packages());
}

json_t *provenance_machine(void)
{
	json_t *machine = machine_facts(), *ours = build();

	if (!machine || !ours ||
	    json_object_set_new(machine, "build", ours) < 0)
		die("out of memory");
	return machine;
}

/* ---------------------------------------------------------------- the programs */

/* FNV-1a, 64 bit: tells one build from another, and is no proof of anything. */
static const uint64_t hash_begin = UINT64_C(0xcbf29ce484222325);

static bool hash_file(const char *path, uint64_t *hash)
{
	unsigned char bytes[16384];
	struct stat st;
	FILE *file;
	bool read;
	size_t n;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
	    !(file = fopen(path, "re")))
		return false;
	while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		for (size_t i = 0; i < n; i++)
			*hash = (*hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	read = !ferror(file);
	fclose(file);
	return read;
}

static json_t *hash_of(const char *program)
{
	uint64_t hash = hash_begin;
	char path[PATH_MAX];

	if (!program_find(program, path) || !hash_file(path, &hash))
		return json_null();
	return json_sprintf("fnv:%016" PRIx64, hash);
}

/* With the files among its arguments: of `python3 echo.py` that is what matters. */
static json_t *hash_of_command(const char *text)
{
	uint64_t hash = hash_begin;
	struct command c;
	char path[PATH_MAX], why[WHY_SIZE];
	bool read;

	if (!command_parse(&c, text, why))
		return json_null();
	read = c.words && program_find(c.word[0], path) &&
	       hash_file(path, &hash);
	for (size_t i = 1; i < c.words; i++)
		hash_file(c.word[i], &hash);
	command_free(&c);
	return read ? json_sprintf("fnv:%016" PRIx64, hash) : json_null();
}

static void put_ours(json_t *programs, const char *bin, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", bin, name);
	json_object_set_new(programs, name, hash_of(path));
}

json_t *provenance_programs(const struct plan *p, const char *bin)
{
	json_t *programs = json_object();

	put_ours(programs, bin, "loadgen");
	put_ours(programs, bin, BASELINE);
	for (size_t i = 0; i < p->n_models; i++) {
		const struct model *m = &p->models[i];

		if (m->command)
			json_object_set_new(programs, m->label,
					    hash_of_command(m->command));
		else
			put_ours(programs, bin, m->label);
	}
	return programs;
}

/* ------------------------------------------------------------- what is different */

/* What results depend on, and what it is called in a sentence. How system calls
 * are counted stands in every line, so the right to do it is not here. */
static const struct {
	const char *key, *name;
} compared[] = {
	{ "kernel_release", "kernel" },
	{ "kernel_version", "build of the kernel" },
	{ "architecture", "architecture" },
	{ "mitigations", "mitigation" },
	{ "clocksource", "clock source" },
	{ "cpu_model", "processor" },
	{ "cpus", "CPUs" },
	{ "cpus_allowed", "CPUs allowed" },
	{ "smt_active", "SMT" },
	{ "smt_siblings", "SMT siblings" },
	{ "governors", "governor" },
	{ "turbo_disabled", "turbo disabled" },
	{ "idle_driver", "idle driver" },
	{ "idle_governor", "idle governor" },
	{ "isolated_cpus", "isolated CPUs" },
	{ "page_bytes", "page size" },
	{ "virtualization", "virtualization" },
	{ "container", "container" },
	{ "guest_halt_poll_ns", "guest_halt_poll_ns" },
	{ "limits", "limit" },
	{ "io_uring_disabled", "io_uring_disabled" },
	{ "sched_autogroup_enabled", "sched_autogroup_enabled" },
	{ "somaxconn", "somaxconn" },
	{ "tcp_max_syn_backlog", "tcp_max_syn_backlog" },
	{ "busy_poll", "busy_poll" },
	{ "tcp_congestion_control", "tcp_congestion_control" },
	{ "build", "build" },
};

static char *as_text(const json_t *value)
{
	char *text;

	if (!value || json_is_null(value))
		text = strdup("unknown");
	else if (json_is_string(value))
		text = strdup(json_string_value(value));
	else
		text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	if (!text)
		die("out of memory");
	return text;
}

static bool is_known(const json_t *value)
{
	return value && !json_is_null(value);
}

static bool same(const json_t *first, const json_t *second)
{
	return is_known(first) ? json_equal(first, second) : !is_known(second);
}

/* Sentences, and what is said of either side: "then" and "now" */
struct differences {
	json_t *list;
	const char *first, *second;
};

static void compare(const struct differences *d, const char *name,
		    const json_t *first, const json_t *second);

/* What is in one alone differs, too. */
static json_t *keys_of_both(const json_t *first, const json_t *second)
{
	json_t *keys = json_object();

	json_object_update(keys, (json_t *)first);
	json_object_update(keys, (json_t *)second);
	return keys;
}

static void compare_objects(const struct differences *d, const char *name,
			    const json_t *first, const json_t *second)
{
	json_t *keys = keys_of_both(first, second), *value;
	const char *key;

	json_object_foreach(keys, key, value) {
		char full[256];

		snprintf(full, sizeof(full), "%s %s", name, key);
		compare(d, full, json_object_get(first, key),
			json_object_get(second, key));
	}
	json_decref(keys);
}

/* A run lifts this limit to the hard one. */
static const char of_no_matter[] = "limit nofile soft";

static void compare(const struct differences *d, const char *name,
		    const json_t *first, const json_t *second)
{
	char *a, *b;

	if (json_is_object(first) && json_is_object(second)) {
		compare_objects(d, name, first, second);
		return;
	}
	if (same(first, second) || strcmp(name, of_no_matter) == 0)
		return;
	a = as_text(first);
	b = as_text(second);
	json_array_append_new(d->list, json_sprintf("%s: %s %s, %s %s", name, a,
						    d->first, b, d->second));
	free(a);
	free(b);
}

static void compare_machines(const struct differences *d, const json_t *first,
			     const json_t *second)
{
	for (size_t i = 0; i < sizeof(compared) / sizeof(*compared); i++)
		compare(d, compared[i].name,
			json_object_get(first, compared[i].key),
			json_object_get(second, compared[i].key));
}

/* Of a program only that it is another one is worth saying. */
static json_t *program_sentence(const char *name, const json_t *then,
				const json_t *now)
{
	if (!is_known(then))
		return json_sprintf("program %s: it could not be read then",
				    name);
	if (!is_known(now))
		return json_sprintf("program %s: it cannot be read now", name);
	return json_sprintf("program %s: it is not the file that it was then",
			    name);
}

static void compare_programs(json_t *differences, const json_t *then,
			     const json_t *now)
{
	json_t *programs = keys_of_both(then, now), *value;
	const char *name;

	json_object_foreach(programs, name, value) {
		const json_t *before = json_object_get(then, name);
		const json_t *after = json_object_get(now, name);

		if (!same(before, after))
			json_array_append_new(differences,
					      program_sentence(name, before,
							       after));
	}
	json_decref(programs);
}

json_t *provenance_differences(const json_t *machine_then,
			       const json_t *machine_now,
			       const json_t *programs_then,
			       const json_t *programs_now)
{
	const struct differences d = { json_array(), "then", "now" };

	compare_machines(&d, machine_then, machine_now);
	compare_programs(d.list, programs_then, programs_now);
	return d.list;
}

/* ------------------------------------------------------------------- two runs */

/* What else of a machine is known, by its key */
static void compare_the_rest(const struct differences *d, const json_t *a,
			     const json_t *b)
{
	json_t *keys = keys_of_both(a, b), *value;
	const char *key;

	for (size_t i = 0; i < sizeof(compared) / sizeof(*compared); i++)
		json_object_del(keys, compared[i].key);
	json_object_foreach(keys, key, value) {
		compare(d, key, json_object_get(a, key),
			json_object_get(b, key));
	}
	json_decref(keys);
}

/* Models that one run alone has measured are seen in its cells. */
static void compare_hashes(json_t *differences, const json_t *a,
			   const json_t *b)
{
	const char *name;
	json_t *one;

	json_object_foreach((json_t *)a, name, one) {
		const json_t *other = json_object_get(b, name);

		if (is_known(one) && is_known(other) && !same(one, other))
			json_array_append_new(
				differences,
				json_sprintf("program %s: not the same build",
					     name));
	}
}

json_t *provenance_between(const json_t *machine_a, const json_t *machine_b,
			   const json_t *run_a, const json_t *run_b)
{
	static const char *const of_run[] = { "plan",     "blocks", "measured",
					      "filter",   "places", "counting",
					      "benchmark" };
	const struct differences d = { json_array(), "in A", "in B" };

	if (machine_a && machine_b) {
		compare_machines(&d, machine_a, machine_b);
		compare_the_rest(&d, machine_a, machine_b);
	}
	for (size_t i = 0; i < sizeof(of_run) / sizeof(*of_run); i++)
		compare(&d, of_run[i], json_object_get(run_a, of_run[i]),
			json_object_get(run_b, of_run[i]));
	compare_hashes(d.list, json_object_get(run_a, "programs"),
		       json_object_get(run_b, "programs"));
	return d.list;
}

bool provenance_other_machine(const json_t *machine_a, const json_t *machine_b)
{
	static const char *const keys[] = { "architecture", "cpu_model", "cpus",
					    "virtualization" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!same(json_object_get(machine_a, keys[i]),
			  json_object_get(machine_b, keys[i])))
			return true;
	return false;
}
