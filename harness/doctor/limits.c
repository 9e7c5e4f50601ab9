/* SPDX-License-Identifier: MIT */
/* limits.c - what cgroups and user limits leave: see limits.h */
#include "harness/doctor/limits.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* -------------------------------------------------------------- the hierarchy */

enum { DEEP = 4096 };

/* Each v1 controller has its own hierarchy. v2 has one for all: line "0::PATH"
 * in /proc/self/cgroup. */
struct hierarchy {
	bool v2;
	char mount[DEEP], folder[2 * DEEP]; /* of this process's cgroup */
};

/* Whether "cpu" is in "cpu,cpuacct" */
static bool in_list(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (; *list; list += strcspn(list, ",")) {
		list += *list == ',';
		if (strncmp(list, name, length) == 0 &&
		    (list[length] == ',' || list[length] == '\0'))
			return true;
	}
	return false;
}

/* The path of this process's cgroup within the hierarchy */
static bool find_own(struct hierarchy *h, const char *controller, char *own)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[DEEP + 128], list[128], path[DEEP];
	bool found = false;

	h->v2 = true;
	while (h->v2 && file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "0::%4095[^\n]", own) == 1)
			found = true;
		if (sscanf(line, "%*d:%127[^:]:%4095[^\n]", list, path) == 2 &&
		    in_list(list, controller)) {
			h->v2 = false;
			found = true;
			strcpy(own, path);
		}
	}
	if (file)
		fclose(file);
	return found;
}

/* The mount point of the hierarchy, and the part that is mounted */
static bool find_mount(struct hierarchy *h, const char *controller, char *root)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, type[32], super[512];
	size_t size = 0;
	bool found = false;

	while (file && !found && getline(&line, &size, file) > 0) {
		const char *rest = strstr(line, " - ");

		if (!rest ||
		    sscanf(rest, " - %31s %*s %511s", type, super) != 2 ||
		    sscanf(line, "%*s %*s %*s %4095s %4095s", root, h->mount) !=
			    2)
			continue;
		found = h->v2 ? strcmp(type, "cgroup2") == 0 :
				strcmp(type, "cgroup") == 0 &&
					in_list(super, controller);
	}
	free(line);
	if (file)
		fclose(file);
	return found;
}

static bool find_hierarchy(struct hierarchy *h, const char *controller)
{
	static char own[DEEP], root[DEEP];
	const char *below = own;
	size_t length;

	strcpy(own, "/");
	strcpy(root, "/");
	if (!find_own(h, controller, own) || !find_mount(h, controller, root))
		return false;
	/* In a container without cgroup namespace, `own` begins with `root`. */
	length = strcmp(root, "/") == 0 ? 0 : strlen(root);
	if (strncmp(own, root, length) == 0)
		below += length;
	if (strncmp(below, "/..", 3) == 0) /* outside the mounted part */
		below = "";
	snprintf(h->folder, sizeof(h->folder), "%s%s", h->mount,
		 strcmp(below, "/") == 0 ? "" : below);
	return true;
}

/* -------------------------------------------------------------------- one folder */

/* "max", or no file: no limit */
static int64_t number_in(const char *folder, const char *name)
{
	char path[2 * DEEP + 64];
	int64_t number = UNLIMITED;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	if (file && fscanf(file, "%" SCNd64, &number) != 1)
		number = UNLIMITED;
	if (file)
		fclose(file);
	return number;
}

/* In thousandths of a CPU. "150000 100000": 150 ms per 100 ms */
static int64_t cpu_left(const char *folder, bool v2)
{
	char path[2 * DEEP + 64];
	int64_t quota, period;
	FILE *file;
	int read;

	if (!v2) {
		quota = number_in(folder, "cpu.cfs_quota_us");
		period = number_in(folder, "cpu.cfs_period_us");
		return quota < 0 || quota == UNLIMITED || period <= 0 ?
			       UNLIMITED :
			       quota * 1000 / period;
	}
	snprintf(path, sizeof(path), "%s/cpu.max", folder);
	file = fopen(path, "re");
	if (!file)
		return UNLIMITED;
	read = fscanf(file, "%" SCNd64 " %" SCNd64, &quota, &period);
	fclose(file);
	return read == 2 && period > 0 ? quota * 1000 / period : UNLIMITED;
}

static int64_t left(int64_t most, int64_t used)
{
	if (most == UNLIMITED || used == UNLIMITED)
		return UNLIMITED;
	return most > used ? most - used : 0;
}

static int64_t threads_left(const char *folder, bool v2)
{
	(void)v2;
	return left(number_in(folder, "pids.max"),
		    number_in(folder, "pids.current"));
}

/* The kernel reclaims inactive file pages when memory is needed. */
static int64_t reclaimable(const char *folder, const char *name)
{
	char path[2 * DEEP + 64], line[256], key[64];
	int64_t number = 0, value;
	FILE *file;

	snprintf(path, sizeof(path), "%s/memory.stat", folder);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %" SCNd64, key, &value) == 2 &&
		    strcmp(key, name) == 0)
			number = value;
	if (file)
		fclose(file);
	return number;
}

static int64_t memory_left(const char *folder, bool v2)
{
	/* v1 has no "max": a huge number means no limit. */
	const int64_t none = INT64_C(1) << 60;
	int64_t most =
		number_in(folder, v2 ? "memory.max" : "memory.limit_in_bytes");

	if (most >= none)
		return UNLIMITED;
	return left(most + reclaimable(folder, v2 ? "inactive_file" :
						    "total_inactive_file"),
		    number_in(folder,
			      v2 ? "memory.current" : "memory.usage_in_bytes"));
}

/* ------------------------------------------------------------------ all levels */

static struct cgroup_limit
narrowest(const char *controller, const char *file_v1, const char *file_v2,
	  int64_t (*left_in)(const char *folder, bool v2))
{
	struct cgroup_limit limit = { .left = UNLIMITED };
	static struct hierarchy h;

	if (!find_hierarchy(&h, controller))
		return limit;
	while (strlen(h.folder) >= strlen(h.mount)) {
		int64_t here = left_in(h.folder, h.v2);
		char *slash = strrchr(h.folder, '/');

		if (here < limit.left) {
			limit.left = here;
			snprintf(limit.file, sizeof(limit.file), "%.340s/%s",
				 h.folder, h.v2 ? file_v2 : file_v1);
		}
		if (!slash)
			break;
		*slash = '\0';
	}
	limit.v2 = h.v2;
	limit.ours = *limit.file && access(limit.file, W_OK) == 0;
	return limit;
}

struct cgroup_limit cgroup_limit_cpu(void)
{
	return narrowest("cpu", "cpu.cfs_quota_us", "cpu.max", cpu_left);
}

struct cgroup_limit cgroup_limit_threads(void)
{
	return narrowest("pids", "pids.max", "pids.max", threads_left);
}

struct cgroup_limit cgroup_limit_memory(void)
{
	return narrowest("memory", "memory.limit_in_bytes", "memory.max",
			 memory_left);
}

/* -------------------------------------------------------------------- user limits */

static int64_t threads_of_user(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int64_t threads = 0;

	while (dir && (entry = readdir(dir))) {
		char path[sizeof(entry->d_name) + 16];
		struct stat st;

		snprintf(path, sizeof(path), "/proc/%s/task", entry->d_name);
		if (atoi(entry->d_name) > 0 && stat(path, &st) == 0 &&
		    st.st_uid == getuid())
			threads += (int64_t)st.st_nlink - 2;
	}
	if (dir)
		closedir(dir);
	return threads;
}

/* The limit does not apply to root or with either capability, except in a user
 * namespace, which maps fewer ids. */
static bool is_exempt(void)
{
	FILE *map = fopen("/proc/self/uid_map", "re");
	uint64_t ids = UINT32_MAX;
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	uint64_t capabilities = 0;

	if (map && fscanf(map, "%*u %*u %" SCNu64, &ids) != 1)
		ids = 0;
	if (map)
		fclose(map);
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %" SCNx64, &capabilities) == 1)
			break;
	if (file)
		fclose(file);
	return ids == UINT32_MAX &&
	       (getuid() == 0 || (capabilities >> CAP_SYS_RESOURCE & 1) ||
		(capabilities >> CAP_SYS_ADMIN & 1));
}

int64_t user_threads_left(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NPROC, &limit) < 0)
		return UNKNOWN;
	if (limit.rlim_cur == RLIM_INFINITY || is_exempt())
		return UNLIMITED;
	return left((int64_t)limit.rlim_cur, threads_of_user());
}
