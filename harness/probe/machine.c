/* SPDX-License-Identifier: MIT */
/* machine.c - facts about this machine that affect a result: see machine.h */
#include "machine.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

static void set(json_t *to, const char *key, json_t *value)
{
	json_object_set_new(to, key, value ? value : json_null());
}

/* ------------------------------------------------------- files of one short line */

static bool read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool read = file && fgets(line, (int)size, file);

	if (file)
		fclose(file);
	if (read)
		line[strcspn(line, "\n")] = '\0';
	return read;
}

static json_t *text_of(const char *path)
{
	char line[512];

	return read_line(path, line, sizeof(line)) ? json_string(line) : NULL;
}

static json_t *number_of(const char *path)
{
	char line[512], *end;
	long long number;

	if (!read_line(path, line, sizeof(line)))
		return NULL;
	errno = 0;
	number = strtoll(line, &end, 10);
	return end == line || errno ? NULL : json_integer(number);
}

/* "name : value" in a file such as cpuinfo: the first of that name */
static bool find_field(const char *path, const char *name, char *to,
		       size_t size)
{
	FILE *file = fopen(path, "re");
	char line[4096];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		char *colon = strchr(line, ':');

		found = colon && strncmp(line, name, strlen(name)) == 0 &&
			strspn(line + strlen(name), " \t") ==
				(size_t)(colon - line) - strlen(name);
		if (found)
			snprintf(to, size, "%s",
				 colon + 1 + strspn(colon + 1, " \t"));
	}
	if (file)
		fclose(file);
	to[found ? strcspn(to, "\n") : 0] = '\0';
	return found;
}

/* ---------------------------------------------------------------------- kernel */

static json_t *mitigations(void)
{
	static const char path[] = "/sys/devices/system/cpu/vulnerabilities";
	DIR *dir = opendir(path);
	struct dirent *entry;
	json_t *all = dir ? json_object() : NULL;

	while (dir && (entry = readdir(dir))) {
		char file[sizeof(path) + sizeof(entry->d_name) + 1];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		set(all, entry->d_name, text_of(file));
	}
	if (dir)
		closedir(dir);
	return all;
}

static void add_kernel(json_t *facts)
{
	struct utsname name;

	if (uname(&name) < 0)
		return;
	set(facts, "kernel_release", json_string(name.release));
	set(facts, "kernel_version", json_string(name.version));
	set(facts, "architecture", json_string(name.machine));
	set(facts, "mitigations", mitigations());
	set(facts, "clocksource",
	    text_of("/sys/devices/system/clocksource/clocksource0/"
		    "current_clocksource"));
}

/* ------------------------------------------------------------------- processor */

/* arm64 has no model name, only numbers of implementer and part. */
static json_t *cpu_model(void)
{
	static const char path[] = "/proc/cpuinfo";
	char text[256], maker[64];

	if (find_field(path, "model name", text, sizeof(text)) ||
	    find_field(path, "Model", text, sizeof(text)))
		return json_string(text);
	if (find_field(path, "CPU implementer", maker, sizeof(maker)) &&
	    find_field(path, "CPU part", text, sizeof(text)))
		return json_sprintf("implementer %s, part %s", maker, text);
	return NULL;
}

/* The contents of a file of each CPU, without duplicates */
static json_t *answers(const char *pattern)
{
	json_t *all = NULL;
	glob_t found;
	char line[256];

	if (glob(pattern, 0, NULL, &found) != 0)
		return NULL;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		json_t *other;
		bool there = false;
		size_t j;

		if (!read_line(found.gl_pathv[i], line, sizeof(line)))
			continue;
		if (!all)
			all = json_array();
		json_array_foreach(all, j, other)
			there |= strcmp(json_string_value(other), line) == 0;
		if (!there)
			json_array_append_new(all, json_string(line));
	}
	globfree(&found);
	return all;
}

static void add_cpus(json_t *facts)
{
#define CPUS "/sys/devices/system/cpu/"
	cpu_set_t set_of_cpus;

	set(facts, "cpu_model", cpu_model());
	set(facts, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	if (sched_getaffinity(0, sizeof(set_of_cpus), &set_of_cpus) == 0)
		set(facts, "cpus_allowed",
		    json_integer(CPU_COUNT(&set_of_cpus)));
	set(facts, "smt_active", number_of(CPUS "smt/active"));
	set(facts, "smt_siblings",
	    answers(CPUS "cpu[0-9]*/topology/thread_siblings_list"));
	set(facts, "governors",
	    answers(CPUS "cpu[0-9]*/cpufreq/scaling_governor"));
	set(facts, "turbo_disabled", number_of(CPUS "intel_pstate/no_turbo"));
	set(facts, "idle_driver", text_of(CPUS "cpuidle/current_driver"));
	set(facts, "idle_governor", text_of(CPUS "cpuidle/current_governor"));
	set(facts, "isolated_cpus", text_of(CPUS "isolated"));
#undef CPUS
}

/* -------------------------------------------------------------- virtualization */

/* Several sources: WSL has no DMI, and Xen has no CPU flag on some machines. */
static json_t *virtualization(const char *release)
{
	char text[4096];

	if (strcasestr(release, "microsoft"))
		return json_string("wsl");
	if (read_line("/sys/hypervisor/type", text, sizeof(text)) && *text)
		return json_string(text);
	if (find_field("/proc/cpuinfo", "flags", text, sizeof(text))) {
		bool guest = strstr(text, " hypervisor");
		char vendor[128], product[128];

		if (!guest)
			return json_string("none");
		if (read_line("/sys/class/dmi/id/sys_vendor", vendor,
			      sizeof(vendor)) &&
		    read_line("/sys/class/dmi/id/product_name", product,
			      sizeof(product)))
			return json_sprintf("%s %s", vendor, product);
		return json_string("guest");
	}
	return text_of("/sys/class/dmi/id/sys_vendor");
}

static json_t *container(void)
{
	if (access("/.dockerenv", F_OK) == 0)
		return json_string("docker");
	if (access("/run/.containerenv", F_OK) == 0)
		return json_string("podman");
	return text_of("/run/systemd/container");
}

static void add_guest(json_t *facts)
{
	struct utsname name = { .release = "" };

	uname(&name);
	set(facts, "virtualization", virtualization(name.release));
	set(facts, "container", container());
	set(facts, "guest_halt_poll_ns",
	    number_of("/sys/module/haltpoll/parameters/guest_halt_poll_ns"));
}

/* --------------------------------------------------------- limits and settings */

static json_t *limit_value(rlim_t value)
{
	return value == RLIM_INFINITY ? json_string("unlimited") :
					json_integer((json_int_t)value);
}

static void add_limits(json_t *facts)
{
	static const struct {
		const char *name;
		int resource;
	} limits[] = {
		{ "nofile", RLIMIT_NOFILE },
		{ "sigpending", RLIMIT_SIGPENDING },
		{ "nproc", RLIMIT_NPROC },
		{ "memlock", RLIMIT_MEMLOCK },
	};
	json_t *all = json_object();

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct rlimit l;

		if (getrlimit(limits[i].resource, &l) == 0)
			set(all, limits[i].name,
			    json_pack("{s:o,s:o}", "soft",
				      limit_value(l.rlim_cur), "hard",
				      limit_value(l.rlim_max)));
	}
	set(facts, "limits", all);
}

static json_t *port_range(void)
{
	char line[64];
	int low, high;

	if (!read_line("/proc/sys/net/ipv4/ip_local_port_range", line,
		       sizeof(line)) ||
	    sscanf(line, "%d %d", &low, &high) != 2)
		return NULL;
	return json_pack("[i,i]", low, high);
}

static void add_settings(json_t *facts)
{
	static const struct {
		const char *name, *path;
	} numbers[] = {
		{ "io_uring_disabled", "kernel/io_uring_disabled" },
		{ "perf_event_paranoid", "kernel/perf_event_paranoid" },
		{ "unprivileged_bpf_disabled",
		  "kernel/unprivileged_bpf_disabled" },
		{ "sched_autogroup_enabled", "kernel/sched_autogroup_enabled" },
		{ "threads_max", "kernel/threads-max" },
		{ "pid_max", "kernel/pid_max" },
		{ "file_max", "fs/file-max" },
		{ "somaxconn", "net/core/somaxconn" },
		{ "tcp_max_syn_backlog", "net/ipv4/tcp_max_syn_backlog" },
		{ "busy_poll", "net/core/busy_poll" },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		char path[128];

		snprintf(path, sizeof(path), "/proc/sys/%s", numbers[i].path);
		set(facts, numbers[i].name, number_of(path));
	}
	set(facts, "ip_local_port_range", port_range());
	set(facts, "tcp_congestion_control",
	    text_of("/proc/sys/net/ipv4/tcp_congestion_control"));
}

json_t *machine_facts(void)
{
	json_t *facts = json_object();
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	add_kernel(facts);
	add_cpus(facts);
	set(facts, "memory_bytes", json_integer((json_int_t)pages * size));
	set(facts, "page_bytes", json_integer(size));
	add_guest(facts);
	add_limits(facts);
	add_settings(facts);
	return facts;
}
