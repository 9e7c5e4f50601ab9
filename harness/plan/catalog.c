/* SPDX-License-Identifier: MIT */
/* catalog.c - the models and plans of this repository: see catalog.h */
#include "harness/plan/catalog.h"

#include "harness/plan/parse.h"
#include "harness/base/die.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const syllabus[] = { "thread", "busypoll", "select", "poll",
				 "epoll",  "aio",      "uring",  NULL };

static const char *const languages[] = {
	".c", ".py", ".js", ".go", ".rs", NULL
};

static const char *const shortest_first[] = { "quick", "standard", "full",
					      NULL };

/* -------------------------------------------------------------------- folders */

static void join(char path[CATALOG_PATH_SIZE], const char *folder,
		 const char *name, const char *suffix)
{
	if (snprintf(path, CATALOG_PATH_SIZE, "%s/%s%s", folder, name,
		     suffix) >= CATALOG_PATH_SIZE)
		die_of(ENAMETOOLONG, folder);
}

/* Also works if the file of the program was replaced while it runs. */
char *catalog_bin(char path[CATALOG_PATH_SIZE])
{
	ssize_t n = readlink("/proc/self/exe", path, CATALOG_PATH_SIZE - 1);

	if (n < 0)
		die("readlink /proc/self/exe");
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	return path;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static char *source_folder(char path[CATALOG_PATH_SIZE], const char *bin,
			   const char *name)
{
	enum { LEVELS = 4 }; /* bin, or build/VARIANT/bin and below */
	char above[CATALOG_PATH_SIZE], plans[CATALOG_PATH_SIZE];

	join(above, bin, "..", "");
	for (int level = 0; level < LEVELS; level++) {
		join(plans, above, "harness/plans", "");
		join(path, above, name, "");
		if (is_folder(plans) && is_folder(path))
			return path;
		join(plans, above, "..", "");
		strcpy(above, plans);
	}
	*path = '\0';
	return path;
}

char *catalog_folder(char path[CATALOG_PATH_SIZE], const char *name)
{
	char bin[CATALOG_PATH_SIZE];

	return source_folder(path, catalog_bin(bin), name);
}

/* That of a variable of the environment, else of the source tree */
static char *chosen_folder(char path[CATALOG_PATH_SIZE], const char *bin,
			   const char *variable, const char *name)
{
	const char *chosen = getenv(variable);

	if (!chosen || !*chosen)
		return source_folder(path, bin, name);
	if (snprintf(path, CATALOG_PATH_SIZE, "%s", chosen) >=
	    CATALOG_PATH_SIZE)
		die_of(ENAMETOOLONG, variable);
	return path;
}

static char *plans_folder(char path[CATALOG_PATH_SIZE], const char *bin)
{
	return chosen_folder(path, bin, "MATRIX_PLANS", "harness/plans");
}

static char *claims_folder(char path[CATALOG_PATH_SIZE], const char *bin)
{
	return chosen_folder(path, bin, "MATRIX_CLAIMS", "claims");
}

/* ---------------------------------------------------------------------- names */

enum { NAMES_MAX = 256 };

struct names {
	char name[NAMES_MAX][PLAN_NAME_SIZE];
	const char *list[NAMES_MAX + 1];
	size_t n;
};

static bool has(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->list[i], name) == 0)
			return true;
	return false;
}

static void add(struct names *names, const char *name)
{
	if (names->n == NAMES_MAX || has(names, name))
		return;
	snprintf(names->name[names->n], PLAN_NAME_SIZE, "%s", name);
	names->list[names->n] = names->name[names->n];
	names->list[++names->n] = NULL;
}

static void begin(struct names *names)
{
	names->n = 0;
	names->list[0] = NULL;
}

static bool in_folder(const char *bin, const char *name)
{
	char path[CATALOG_PATH_SIZE];

	join(path, bin, name, "");
	return access(path, X_OK) == 0 && !is_folder(path);
}

/* Adds the names of files with this suffix, without it, in order. With `bin`,
 * only names that can label a cell and have a program there. */
static void add_files(struct names *names, const char *folder,
		      const char *suffix, const char *bin)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char *name = entries[i]->d_name;
		size_t length = strlen(name), less = strlen(suffix);

		if (length > less && length - less < PLAN_NAME_SIZE &&
		    strcmp(name + length - less, suffix) == 0) {
			name[length - less] = '\0';
			if (!bin || (cell_label(name) && in_folder(bin, name)))
				add(names, name);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* --------------------------------------------------------------------- models */

const char *const *catalog_models(const char *bin)
{
	static struct names models;
	char folder[CATALOG_PATH_SIZE];

	begin(&models);
	for (const char *const *name = syllabus; *name; name++)
		add(&models, *name);
	if (*source_folder(folder, bin, "models"))
		add_files(&models, folder, ".c", bin);
	if (*source_folder(folder, bin, "models/variants")) {
		add(&models, VARIANTS);
		add_files(&models, folder, ".c", NULL);
	}
	if (*source_folder(folder, bin, "models/runtimes")) {
		add(&models, RUNTIMES);
		for (const char *const *suffix = languages; *suffix; suffix++)
			add_files(&models, folder, *suffix, NULL);
	}
	return models.list;
}

/* ---------------------------------------------------------------------- plans */

const char *const *catalog_plans(const char *bin)
{
	static struct names plans;
	char folder[CATALOG_PATH_SIZE], path[CATALOG_PATH_SIZE];

	begin(&plans);
	if (!*plans_folder(folder, bin))
		return plans.list;
	for (const char *const *name = shortest_first; *name; name++) {
		join(path, folder, *name, ".plan");
		if (access(path, F_OK) == 0)
			add(&plans, *name);
	}
	add_files(&plans, folder, ".plan", NULL);
	return plans.list;
}

static bool is_file_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	return strchr(name, '/') || (dot && strcmp(dot, ".plan") == 0) ||
	       (access(name, F_OK) == 0 && !is_folder(name));
}

/* The error has no location: the caller knows it. */
static bool no_plan(const char *name, const char *const *plans, char *error)
{
	const struct location nowhere = { .source = "", .error = error };

	if (*plans)
		complain_unknown(&nowhere, name, "a plan or a file", plans);
	else
		complain(
			&nowhere,
			"'%.60s': no such file, and no plans are installed "
			"beside this program; set $MATRIX_PLANS to their folder",
			name);
	memmove(error, error + 2, strlen(error + 2) + 1);
	return false;
}

bool catalog_plan(const char *name, char path[CATALOG_PATH_SIZE],
		  char error[PLAN_ERROR_SIZE])
{
	char bin[CATALOG_PATH_SIZE], folder[CATALOG_PATH_SIZE];
	const char *const *plans = catalog_plans(catalog_bin(bin));

	for (const char *const *one = plans; *one; one++)
		if (strcmp(*one, name) == 0) {
			join(path, plans_folder(folder, bin), name, ".plan");
			return true;
		}
	if (!is_file_name(name))
		return no_plan(name, plans, error);
	if (snprintf(path, CATALOG_PATH_SIZE, "%s", name) < CATALOG_PATH_SIZE)
		return true;
	snprintf(error, PLAN_ERROR_SIZE, "'%.60s...': path too long", name);
	return false;
}

/* --------------------------------------------------------------------- claims */

const char *const *catalog_claims(const char *bin)
{
	static struct names claims;
	char folder[CATALOG_PATH_SIZE];

	begin(&claims);
	if (*claims_folder(folder, bin))
		add_files(&claims, folder, ".claim", NULL);
	return claims.list;
}

char *catalog_claim(const char *bin, const char *name,
		    char path[CATALOG_PATH_SIZE])
{
	char folder[CATALOG_PATH_SIZE];

	join(path, claims_folder(folder, bin), name, ".claim");
	return path;
}
