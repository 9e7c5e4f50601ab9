/* SPDX-License-Identifier: MIT */
/* provenance.c - facts about machine and programs, and their differences */
#include "tests/unit/test.h"

#include "harness/store/provenance.h"

#include <ctype.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof(*(array)))

static const char *const known[] = { "poll", "epoll", NULL };

static char bin[] = "/tmp/provenance.XXXXXX";

static int make_bin(void **state)
{
	(void)state;
	strcpy(strrchr(bin, '.'), ".XXXXXX");
	return mkdtemp(bin) ? 0 : -1;
}

static int remove_bin(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", bin);
	return system(command);
}

static char *in_bin(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", bin, name);
	return path;
}

/* Writes an executable file. */
static void put(const char *name, const char *bytes)
{
	FILE *file = fopen(in_bin(name), "we");

	assert_non_null(file);
	fputs(bytes, file);
	fclose(file);
	assert_int_equal(chmod(in_bin(name), 0755), 0);
}

static struct plan plan_of(const char *models)
{
	char text[PATH_MAX + 64], error[PLAN_ERROR_SIZE];
	struct plan p;

	snprintf(text, sizeof(text), "models %s\ncells closed\n", models);
	if (!plan_parse(&p, text, strlen(text), "my.plan", known, error))
		fail_msg("%s", error);
	return p;
}

static const char *text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* ----------------------------------------------------------------- the machine */

/* machine.json is published: no names of host, user or folders. */
static void no_private_data(void **state)
{
	json_t *machine = provenance_machine();
	char *text = json_dumps(machine, JSON_INDENT(1) | JSON_ENSURE_ASCII);
	struct passwd *me = getpwuid(getuid());
	char here[PATH_MAX], host[256], quoted[300];

	(void)state;
	assert_non_null(text);
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(gethostname(host, sizeof(host)), 0);
	if (strstr(text, here))
		fail_msg("the current folder is in it");
	if (me && strlen(me->pw_dir) > 1 && strstr(text, me->pw_dir))
		fail_msg("the home folder is in it");
	snprintf(quoted, sizeof(quoted), "%s", host);
	if (strlen(host) > 3 && strstr(text, quoted))
		fail_msg("the name of the host is in it");
	snprintf(quoted, sizeof(quoted), "\"%s\"", me ? me->pw_name : "-");
	if (strstr(text, quoted))
		fail_msg("the name of the user is in it");
	for (const char *at = text; (at = strchr(at, '/')); at++)
		if (strchr("\" =:", at[-1]) && isalnum((unsigned char)at[1]))
			fail_msg("a path is in it: %.40s", at);
	free(text);
	json_decref(machine);
}

static void build_and_packages(void **state)
{
	static const char *const packages[] = { "glibc",   "liburing",
						"libbpf",  "libseccomp",
						"jansson", "zlib" };
	json_t *machine = provenance_machine();
	json_t *build = json_object_get(machine, "build");
	struct utsname name;

	(void)state;
	assert_int_equal(uname(&name), 0);
	assert_string_equal(text_at(machine, "kernel_release"), name.release);
	assert_string_equal(text_at(build, "version"), VERSION);
	assert_non_null(text_at(build, "compiler"));
	assert_non_null(text_at(build, "flags"));
	for (size_t i = 0; i < LENGTH(packages); i++) {
		json_t *all = json_object_get(build, "packages");
		const char *version = text_at(all, packages[i]);

		if (!version || *version < '0' || *version > '9')
			fail_msg("%s: '%s'", packages[i],
				 version ? version : "null");
	}
	json_decref(machine);
}

/* ---------------------------------------------------------------- the programs */

static void hashes(void **state)
{
	char models[PATH_MAX];
	struct plan p;
	json_t *programs;

	(void)state;
	snprintf(models, sizeof(models), "epoll,mine=%s/a.out", bin);
	p = plan_of(models);
	put("epoll", "");
	put("loadgen", "a");
	put("baseline", "foobar");
	programs = provenance_programs(&p, bin);
	/* Reference values of FNV-1a */
	assert_string_equal(text_at(programs, "epoll"), "fnv:cbf29ce484222325");
	assert_string_equal(text_at(programs, "loadgen"),
			    "fnv:af63dc4c8601ec8c");
	assert_string_equal(text_at(programs, "baseline"),
			    "fnv:85944171f73967e8");
	assert_true(json_is_null(json_object_get(programs, "mine")));
	assert_int_equal(json_object_size(programs), 4);
	json_decref(programs);
	put("a.out", "a");
	programs = provenance_programs(&p, bin);
	assert_string_equal(text_at(programs, "mine"), "fnv:af63dc4c8601ec8c");
	json_decref(programs);
	plan_free(&p);
}

/* -------------------------------------------------------------- differences */

static json_t *machine_then(void)
{
	return json_pack(
		"{s:s, s:[s], s:{s:{s:i, s:s}}, s:n, s:i, s:{s:s, s:b}, "
		"s:{s:s}}",
		"kernel_release", "6.1", "governors", "powersave", "limits",
		"nofile", "soft", 1024, "hard", "unlimited", "turbo_disabled",
		"perf_event_paranoid", 2, "build", "commit", "abc", "dirty", 0,
		"mitigations", "meltdown", "Not affected");
}

static void differ(json_t *machine_now, const char *expected)
{
	json_t *then = machine_then();
	json_t *found = provenance_differences(then, machine_now, NULL, NULL);

	if (!expected) {
		assert_int_equal(json_array_size(found), 0);
	} else {
		assert_int_equal(json_array_size(found), 1);
		assert_string_equal(json_string_value(json_array_get(found, 0)),
				    expected);
	}
	json_decref(found);
	json_decref(then);
	json_decref(machine_now);
}

static json_t *changed(const char *key, json_t *value)
{
	json_t *now = machine_then();

	json_object_set_new(now, key, value);
	return now;
}

static void machines_differ(void **state)
{
	(void)state;
	differ(machine_then(), NULL);
	differ(changed("perf_event_paranoid", json_integer(1)), NULL);
	differ(changed("kernel_release", json_string("6.2")),
	       "kernel: 6.1 then, 6.2 now");
	differ(changed("governors", json_pack("[s, s]", "powersave", "x")),
	       "governor: [\"powersave\"] then, [\"powersave\",\"x\"] now");
	differ(changed("turbo_disabled", json_integer(1)),
	       "turbo disabled: unknown then, 1 now");
	differ(changed("limits", json_pack("{s:{s:i, s:i}}", "nofile", "soft",
					   20000, "hard", 20000)),
	       "limit nofile hard: unlimited then, 20000 now");
	differ(changed("mitigations",
		       json_pack("{s:s, s:s}", "meltdown", "Not affected",
				 "mds", "Vulnerable")),
	       "mitigation mds: unknown then, Vulnerable now");
	differ(changed("build", json_pack("{s:s}", "commit", "abc")),
	       "build dirty: false then, unknown now");
	differ(changed("mitigations", json_null()),
	       "mitigation: {\"meltdown\":\"Not affected\"} then, unknown now");
}

static void same_machine_has_no_differences(void **state)
{
	json_t *then = provenance_machine(), *now = provenance_machine();
	char *text = json_dumps(then, 0);
	json_t *read = json_loads(text, 0, NULL);
	json_t *found = provenance_differences(read, now, NULL, NULL);

	(void)state;
	assert_int_equal(json_array_size(found), 0);
	json_decref(found);
	json_decref(read);
	json_decref(then);
	json_decref(now);
	free(text);
}

static void programs_differ(void **state)
{
	json_t *then = json_pack("{s:s, s:s, s:n, s:n}", "epoll", "fnv:1",
				 "poll", "fnv:2", "mine", "gone");
	json_t *now = json_pack("{s:s, s:n, s:s, s:n}", "epoll", "fnv:3",
				"poll", "mine", "fnv:4", "gone");
	json_t *machine = machine_then();
	json_t *found = provenance_differences(machine, machine, then, now);
	char *text = json_dumps(found, JSON_COMPACT);

	(void)state;
	assert_string_equal(text, "[\"program epoll: changed since then\","
				  "\"program poll: not readable now\","
				  "\"program mine: not readable then\"]");
	json_decref(found);
	found = provenance_differences(machine, machine, then, then);
	assert_int_equal(json_array_size(found), 0);
	json_decref(found);
	json_decref(machine);
	json_decref(then);
	json_decref(now);
	free(text);
}

/* The differences of two runs, as JSON */
static char *between(const json_t *machine_a, const json_t *machine_b,
		     const char *run_a, const char *run_b)
{
	json_t *a = json_loads(run_a, 0, NULL), *b = json_loads(run_b, 0, NULL);
	json_t *found = provenance_between(machine_a, machine_b, a, b);
	char *text = json_dumps(found, JSON_COMPACT);

	assert_true(a && b && text);
	json_decref(found);
	json_decref(a);
	json_decref(b);
	return text;
}

static void two_runs(void **state)
{
	json_t *a = machine_then();
	json_t *b = changed("cpu_model", json_string("Another"));
	char *text;

	(void)state;
	json_object_set_new(a, "pid_max", json_integer(1));
	json_object_set_new(b, "pid_max", json_integer(2));
	text = between(a, b, "{\"plan\":\"quick\",\"seed\":1}",
		       "{\"plan\":\"full\",\"seed\":2}");
	assert_non_null(
		strstr(text, "[\"processor: unknown in A, Another in B\","));
	assert_non_null(strstr(text, "\"pid_max: 1 in A, 2 in B\","
				     "\"plan: quick in A, full in B\"]"));
	assert_true(provenance_other_machine(a, b));
	free(text);
	json_object_del(b, "cpu_model");
	assert_false(provenance_other_machine(a, b));
	/* A model of only one run is no difference. */
	text = between(NULL, b,
		       "{\"programs\":{\"x\":\"1\",\"y\":\"1\",\"z\":null}}",
		       "{\"programs\":{\"x\":\"2\",\"z\":\"1\",\"w\":\"3\"}}");
	assert_string_equal(text, "[\"program x: not the same build\"]");
	free(text);
	json_decref(a);
	json_decref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_private_data),
		cmocka_unit_test(build_and_packages),
		cmocka_unit_test_setup_teardown(hashes, make_bin, remove_bin),
		cmocka_unit_test(machines_differ),
		cmocka_unit_test(same_machine_has_no_differences),
		cmocka_unit_test(programs_differ),
		cmocka_unit_test(two_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
