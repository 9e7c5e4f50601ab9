/* SPDX-License-Identifier: MIT */
/* cpus.c - the choice of CPUs on various topologies */
#include "tests/unit/test.h"

#include "harness/plan/cpus.h"

#include <string.h>

static char why[WHY_SIZE], list[CPU_LIST_SIZE];

/* CPU i belongs to core[i]; one package */
static struct topology machine(unsigned n, const int *core)
{
	struct topology t;

	memset(&t, 0, sizeof(t));
	for (unsigned cpu = 0; cpu < n; cpu++) {
		CPU_SET(cpu, &t.allowed);
		t.core[cpu] = core[cpu];
	}
	return t;
}

static struct topology machine_of(unsigned n)
{
	int core[CPU_SETSIZE];

	for (unsigned cpu = 0; cpu < n; cpu++)
		core[cpu] = cpu;
	return machine(n, core);
}

static struct cpus chosen(const struct topology *t, const char *server,
			  const char *client)
{
	struct cpus p;

	if (!cpus_choose(&p, t, server, client, why))
		fail_msg("%s", why);
	json_decref(p.facts);
	return p;
}

static void check(const struct cpus *p, const char *server, const char *client,
		  const char *harness)
{
	assert_string_equal(p->split.server_list, server);
	assert_string_equal(p->split.client_list, client);
	assert_string_equal(p->shared.server_list, p->shared.client_list);
	assert_true(CPU_EQUAL(&p->shared.server, &p->shared.client));
	assert_int_equal(CPU_COUNT(&p->shared.server), 1);
	assert_string_equal(cpus_list(&p->harness, list), harness);
}

/* ------------------------------------------------------------------ choosing */

static void one_cpu(void **state)
{
	struct topology t = machine_of(1);
	struct cpus p = chosen(&t, NULL, NULL);

	(void)state;
	check(&p, "0", "", "0");
	assert_false(p.split_possible || p.siblings || p.harness_apart);
	assert_non_null(strstr(p.split_why, "only CPU 0;"));
	assert_string_equal(p.shared.server_list, "0");
}

static void one_core_each(void **state)
{
	struct topology two = machine_of(2), three = machine_of(3);
	struct cpus p = chosen(&two, NULL, NULL);

	(void)state;
	check(&p, "0", "1", "0-1");
	assert_true(p.split_possible);
	assert_false(p.siblings || p.harness_apart);
	p = chosen(&three, NULL, NULL);
	check(&p, "0", "1", "2");
	assert_true(p.harness_apart);
}

static void siblings_stay_idle(void **state)
{
	/* Two ways to number SMT siblings: Intel; AMD and some clouds */
	struct topology far = machine(6, (int[]){ 0, 1, 2, 0, 1, 2 });
	struct topology close = machine(6, (int[]){ 0, 0, 2, 2, 4, 4 });
	struct topology two = machine(4, (int[]){ 0, 0, 2, 2 });
	struct cpus p = chosen(&far, NULL, NULL);

	(void)state;
	check(&p, "0", "1", "2");
	p = chosen(&close, NULL, NULL);
	check(&p, "0", "2", "4");
	p = chosen(&two, NULL, NULL);
	check(&p, "0", "2", "0-3");
	assert_false(p.siblings || p.harness_apart);
}

static void two_threads_of_one_core(void **state)
{
	struct topology t = machine(2, (int[]){ 0, 0 });
	struct cpus p = chosen(&t, NULL, NULL);

	(void)state;
	check(&p, "0", "1", "0-1");
	assert_true(p.split_possible);
	assert_true(p.siblings);
	assert_false(p.harness_apart);
}

static void affinity_mask(void **state)
{
	struct topology t = machine_of(8);
	struct cpus p;

	(void)state;
	for (int cpu = 0; cpu < 8; cpu++)
		if (cpu != 3 && cpu != 6)
			CPU_CLR(cpu, &t.allowed);
	p = chosen(&t, NULL, NULL);
	check(&p, "3", "6", "3,6");
	assert_string_equal(p.shared.server_list, "3");
}

static void same_package(void **state)
{
	struct topology t = machine_of(6);
	struct cpus p;

	(void)state;
	for (int cpu = 1; cpu < 6; cpu += 2)
		t.package[cpu] = 1;
	p = chosen(&t, NULL, NULL);
	check(&p, "0", "2", "4");
	p = chosen(&t, "1", NULL);
	check(&p, "1", "3", "5");
	CPU_CLR(2, &t.allowed);
	CPU_CLR(4, &t.allowed);
	p = chosen(&t, NULL, NULL);
	check(&p, "0", "1", "3");
}

/* ------------------------------------------------------------------- options */

static void lists_of_several(void **state)
{
	struct topology t = machine_of(4);
	struct cpus p = chosen(&t, "2,0", "1");

	(void)state;
	check(&p, "0,2", "1", "3");
	assert_string_equal(p.shared.server_list, "0");
	p = chosen(&t, "2-3", NULL);
	check(&p, "2-3", "0", "1");
	p = chosen(&t, NULL, "0-1");
	check(&p, "2", "0-1", "3");
}

static void siblings_on_request(void **state)
{
	struct topology t = machine(4, (int[]){ 0, 1, 0, 1 });
	struct cpus p = chosen(&t, "0", "2");

	(void)state;
	assert_true(p.siblings);
	check(&p, "0", "2", "1");
	p = chosen(&t, "0,1", NULL); /* there is no better one */
	assert_true(p.siblings);
	check(&p, "0-1", "2", "0-3");
}

static void all_cpus_for_the_server(void **state)
{
	struct topology t = machine_of(2);
	struct cpus p = chosen(&t, "0-1", NULL);

	(void)state;
	assert_false(p.split_possible);
	assert_non_null(strstr(p.split_why, "--server-cpus leaves no CPU"));
	assert_string_equal(p.shared.server_list, "0");
}

static void check_refused(const struct topology *t, const char *server,
			  const char *client, const char *reason)
{
	struct cpus p;

	assert_false(cpus_choose(&p, t, server, client, why));
	if (!strstr(why, reason))
		fail_msg("'%s' does not say '%s'", why, reason);
}

static void refused(void **state)
{
	struct topology t = machine_of(4), many = machine_of(200);

	(void)state;
	CPU_CLR(1, &t.allowed);
	check_refused(&t, "1", NULL, "may use only CPU 0,2-3");
	check_refused(&t, NULL, "2,4", "--client-cpus '2,4'");
	check_refused(&t, "0,2", "2-3", "overlap in CPU 2;");
	check_refused(&t, "2", "2", "shared");
	check_refused(&t, NULL, "0,2-3", "leaves no CPU to the server");
	check_refused(&t, "two", NULL, "--server-cpus 'two': not a list");
	check_refused(&many,
		      "100,102,104,106,108,110,112,114,116,118,120,122,124,"
		      "126,128,130,132,134,136",
		      NULL, "too many ranges");
}

/* --------------------------------------------------------------------- lists */

static void lists(void **state)
{
	static const char *const same[] = { "0",   "7",       "0-1",
					    "2-3", "0,4-7,9", "1022-1023" };
	static const char *const wrong[] = { "",     "-",    "1-",     "-1",
					     "3-2",  "0,",   ",0",     "0,,1",
					     "x",    "1024", "0-1024", "0 1",
					     "1-2-3" };
	cpu_set_t set;

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		assert_true(cpus_parse(same[i], &set, why));
		assert_string_equal(cpus_list(&set, list), same[i]);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (cpus_parse(wrong[i], &set, why))
			fail_msg("'%s' was taken", wrong[i]);
	assert_true(cpus_parse("3,1-2,0,2", &set, why));
	assert_string_equal(cpus_list(&set, list), "0-3");
}

/* A truncated list must not parse. */
static void long_lists(void **state)
{
	cpu_set_t set, read;

	(void)state;
	CPU_ZERO(&set);
	assert_string_equal(cpus_list(&set, list), "");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu += 2) {
		CPU_SET(cpu, &set);
		cpus_list(&set, list);
		assert_true(strlen(list) < CPU_LIST_SIZE);
		if (cpus_parse(list, &read, why))
			assert_true(CPU_EQUAL(&set, &read));
		else
			assert_non_null(strstr(list, "..."));
	}
}

/* --------------------------------------------------------------- this machine */

static void this_machine(void **state)
{
	struct cpus p;
	cpu_set_t allowed, union_;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	assert_true(cpus_find(&p, NULL, NULL, why));
	assert_int_equal(p.split_possible, CPU_COUNT(&allowed) > 1);
	CPU_OR(&union_, &p.split.server, &p.split.client);
	CPU_OR(&union_, &union_, &p.harness);
	CPU_OR(&union_, &union_, &allowed);
	assert_true(CPU_EQUAL(&union_, &allowed));
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(p.facts, "shared"), "server")),
		p.shared.server_list);
	json_decref(p.facts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_cpu),
		cmocka_unit_test(one_core_each),
		cmocka_unit_test(siblings_stay_idle),
		cmocka_unit_test(two_threads_of_one_core),
		cmocka_unit_test(affinity_mask),
		cmocka_unit_test(same_package),
		cmocka_unit_test(lists_of_several),
		cmocka_unit_test(siblings_on_request),
		cmocka_unit_test(all_cpus_for_the_server),
		cmocka_unit_test(refused),
		cmocka_unit_test(lists),
		cmocka_unit_test(long_lists),
		cmocka_unit_test(this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
