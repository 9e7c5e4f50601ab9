/* SPDX-License-Identifier: MIT */
/* cpus.c - CPU affinity of server, generator and harness: see cpus.h */
#include "harness/plan/cpus.h"

#include "harness/base/units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --------------------------------------------------------------------- lists */

static bool parse_range(char *range, cpu_set_t *set)
{
	char *dash = strchr(range, '-');
	uint64_t first, last;

	if (dash)
		*dash++ = '\0';
	if (!parse_number(range, &first) ||
	    !parse_number(dash ? dash : range, &last) || first > last ||
	    last >= CPU_SETSIZE)
		return false;
	for (; first <= last; first++)
		CPU_SET(first, set);
	return true;
}

bool cpus_parse(const char *list, cpu_set_t *set, char why[WHY_SIZE])
{
	char copy[256], *rest = copy, *range;
	bool parsed =
		snprintf(copy, sizeof(copy), "%s", list) < (int)sizeof(copy);

	CPU_ZERO(set);
	while (parsed && (range = strsep(&rest, ",")))
		parsed = parse_range(range, set);
	if (parsed)
		return true;
	return why_not(why,
		       "'%.60s': not a list of CPUs, such as 0 or 2-3 or 0,4-7",
		       list);
}

char *cpus_list(const cpu_set_t *set, char list[CPU_LIST_SIZE])
{
	int last;
	size_t n = 0;

	*list = '\0';
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu = last + 1) {
		char range[32];

		last = cpu;
		if (!CPU_ISSET(cpu, set))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
			last++;
		snprintf(range, sizeof(range), last > cpu ? "%s%d-%d" : "%s%d",
			 n ? "," : "", cpu, last);
		if (n + strlen(range) + sizeof("...") > CPU_LIST_SIZE) {
			strcpy(list + n, "...");
			break;
		}
		n += sprintf(list + n, "%s", range);
	}
	return list;
}

/* ------------------------------------------------------------------ topology */

/* The first number in a sysfs file of this CPU */
static int number_of(int cpu, const char *name, int otherwise)
{
	char path[128];
	int number = otherwise;
	FILE *file;

	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, name);
	file = fopen(path, "re");
	if (!file)
		return otherwise;
	if (fscanf(file, "%d", &number) != 1)
		number = otherwise;
	fclose(file);
	return number;
}

bool cpus_topology(struct topology *t, char why[WHY_SIZE])
{
	memset(t, 0, sizeof(*t));
	if (sched_getaffinity(0, sizeof(t->allowed), &t->allowed) < 0)
		return why_not(why, "sched_getaffinity: %s", strerror(errno));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &t->allowed))
			continue;
		t->core[cpu] = number_of(cpu, "thread_siblings_list", cpu);
		t->package[cpu] = number_of(cpu, "physical_package_id", 0);
	}
	return true;
}

/* ------------------------------------------------------------------ choosing */

static int first_of(const cpu_set_t *set)
{
	int cpu = 0;

	while (!CPU_ISSET(cpu, set))
		cpu++;
	return cpu;
}

static cpu_set_t only(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return set;
}

/* Whether one of `set` is on the same core */
static bool on_core_of(const struct topology *t, int cpu, const cpu_set_t *set)
{
	for (int other = 0; other < CPU_SETSIZE; other++)
		if (CPU_ISSET(other, set) && t->core[other] == t->core[cpu])
			return true;
	return false;
}

/* How well this CPU is isolated from those that are taken; 0: it is not free */
static int rank(const struct topology *t, int cpu, const cpu_set_t *taken)
{
	if (!CPU_ISSET(cpu, &t->allowed) || CPU_ISSET(cpu, taken))
		return 0;
	if (on_core_of(t, cpu, taken))
		return 1;
	if (CPU_COUNT(taken) && t->package[cpu] != t->package[first_of(taken)])
		return 2; /* another package: slower, and not the usual case */
	return 3;
}

/* The first CPU of the highest rank; -1: none is free */
static int pick(const struct topology *t, const cpu_set_t *taken)
{
	int best = -1, best_rank = 0;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (rank(t, cpu, taken) > best_rank) {
			best_rank = rank(t, cpu, taken);
			best = cpu;
		}
	return best;
}

/* The set is empty if the option is not given. */
static bool read_option(const char *option, const char *list,
			const struct topology *t, cpu_set_t *set, char *why)
{
	char reason[WHY_SIZE], names[CPU_LIST_SIZE];
	cpu_set_t usable;

	CPU_ZERO(set);
	if (!list)
		return true;
	if (!cpus_parse(list, set, reason))
		return why_not(why, "%s %.400s", option, reason);
	CPU_AND(&usable, set, &t->allowed);
	if (!CPU_EQUAL(&usable, set))
		return why_not(
			why,
			"%s '%.60s': this process may use only CPU %s (taskset)",
			option, list, cpus_list(&t->allowed, names));
	if (strstr(cpus_list(set, names), "..."))
		return why_not(why, "%s '%.60s': too many ranges", option,
			       list);
	return true;
}

static bool apart(const cpu_set_t *server, const cpu_set_t *client, char *why)
{
	char names[CPU_LIST_SIZE];
	cpu_set_t both;

	CPU_AND(&both, server, client);
	if (CPU_COUNT(&both) == 0)
		return true;
	return why_not(
		why,
		"--server-cpus and --client-cpus overlap in CPU %s; for one CPU "
		"for both, use shared cells",
		cpus_list(&both, names));
}

static void no_split(struct cpus *p, const struct topology *t)
{
	char names[CPU_LIST_SIZE];

	cpus_list(&t->allowed, names);
	if (CPU_COUNT(&t->allowed) == 1)
		why_not(p->split_why,
			"split needs two CPUs, and this process may use only CPU %s; "
			"shared cells can be measured",
			names);
	else
		why_not(p->split_why,
			"--server-cpus leaves no CPU to the generator (this process "
			"may use %s); give fewer, or measure shared cells only",
			names);
}

static void place_harness(struct cpus *p, const struct topology *t)
{
	cpu_set_t taken;
	int cpu;

	CPU_OR(&taken, &p->split.server, &p->split.client);
	cpu = pick(t, &taken);
	p->harness_apart = cpu >= 0 && !on_core_of(t, cpu, &taken);
	p->harness = p->harness_apart ? only(cpu) : t->allowed;
}

static json_t *facts_of(const struct cpus *p, const struct topology *t)
{
	char allowed[CPU_LIST_SIZE], harness[CPU_LIST_SIZE];
	json_t *split = json_null();

	if (p->split_possible)
		split = json_pack("{s:s,s:s}", "server", p->split.server_list,
				  "client", p->split.client_list);
	return json_pack(
		"{s:s,s:o,s:o,s:b,s:{s:s,s:s},s:s,s:b}", "allowed",
		cpus_list(&t->allowed, allowed), "split", split, "split_why",
		p->split_possible ? json_null() : json_string(p->split_why),
		"split_on_siblings", p->siblings, "shared", "server",
		p->shared.server_list, "client", p->shared.client_list,
		"harness", cpus_list(&p->harness, harness), "harness_apart",
		p->harness_apart);
}

static void name_places(struct cpu_pair *place)
{
	cpus_list(&place->server, place->server_list);
	cpus_list(&place->client, place->client_list);
}

bool cpus_choose(struct cpus *p, const struct topology *t,
		 const char *server_cpus, const char *client_cpus,
		 char why[WHY_SIZE])
{
	cpu_set_t *server = &p->split.server, *client = &p->split.client;
	int cpu;

	memset(p, 0, sizeof(*p));
	if (!read_option("--server-cpus", server_cpus, t, server, why) ||
	    !read_option("--client-cpus", client_cpus, t, client, why) ||
	    !apart(server, client, why))
		return false;
	if (!server_cpus) {
		cpu = pick(t, client);
		if (cpu < 0)
			return why_not(why,
				       "--client-cpus '%.60s' leaves no CPU to "
				       "the server",
				       client_cpus);
		CPU_SET(cpu, server);
	}
	if (!client_cpus && (cpu = pick(t, server)) >= 0)
		CPU_SET(cpu, client);
	p->split_possible = CPU_COUNT(client) > 0;
	if (!p->split_possible)
		no_split(p, t);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		p->siblings |=
			CPU_ISSET(cpu, client) && on_core_of(t, cpu, server);
	p->shared.server = p->shared.client = only(first_of(server));
	place_harness(p, t);
	name_places(&p->split);
	name_places(&p->shared);
	p->facts = facts_of(p, t);
	return true;
}

bool cpus_find(struct cpus *p, const char *server_cpus, const char *client_cpus,
	       char why[WHY_SIZE])
{
	struct topology t;

	return cpus_topology(&t, why) &&
	       cpus_choose(p, &t, server_cpus, client_cpus, why);
}
