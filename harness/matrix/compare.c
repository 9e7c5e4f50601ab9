/* SPDX-License-Identifier: MIT */
/* compare.c - bin/matrix compare: see harness/verdict/two_runs.h */
#include "harness/verdict/two_runs.h"

#include "harness/base/outfile.h"
#include "harness/verdict/describe.h"
#include "harness/matrix/draw.h"
#include "harness/matrix/options.h"
#include "harness/matrix/session.h"
#include "harness/base/die.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void open_or_end(struct side *s, const char *path, const char *reference)
{
	char why[WHY_SIZE];

	if (side_open(s, path, reference, why))
		return;
	warn("%s", why);
	exit(EXIT_FAILED);
}

static bool same_folder(const struct side *a, const struct side *b)
{
	struct stat x, y;

	return fstat(a->store.dir, &x) == 0 && fstat(b->store.dir, &y) == 0 &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* ------------------------------------------------------------------------ files */

static bool write_csv(const struct versus *v, const char *path)
{
	char *text = versus_csv(v);
	struct outfile out;
	bool written = outfile_open(&out, path);

	if (written) {
		fputs(text, out.file);
		written = outfile_close(&out);
	}
	if (!written)
		warn("%s: %s", path, strerror(errno));
	free(text);
	return written;
}

/* An unnamed file with the whole comparison as JSON, positioned at its begin */
static int make_input(const struct versus *v)
{
	json_t *all = versus_json(v);
	FILE *file = tmpfile();
	int fd;

	if (!file || json_dumpf(all, file, JSON_COMPACT) < 0 ||
	    fflush(file) != 0)
		die("a temporary file for the page");
	json_decref(all);
	fd = dup(fileno(file));
	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
		die("dup");
	fclose(file);
	return fd;
}

static bool write_page(const struct versus *v, const char *path, FILE *screen)
{
	const char *arguments[] = { "--compare", "-", "--out", path, NULL };
	int input = make_input(v);
	bool made = draw("report.py", arguments, input, true);

	close(input);
	if (made)
		fprintf(screen, "\nPage: %s\n", path);
	else
		warn("%s: not made", path);
	return made;
}

/* ------------------------------------------------------------------- the verdict */

static int gate(const struct versus *v, double least, FILE *screen)
{
	size_t worse = versus_regressions(v, least), blind = 0;
	char of[64] = "";

	for (int i = VERSUS_NOT_COMPARABLE; i < VERSUS_VERDICTS; i++)
		blind += v->verdicts[i];
	if (least > 0)
		snprintf(of, sizeof(of), " of %g %% or more", 100 * least);
	if (v->reference)
		fprintf(screen,
			"\nJudged by the ratios to %s in the same run.\n",
			v->reference);
	else
		fprintf(screen, "\nThe runs have no reference in common: only "
				"counts are judged.\n");
	if (worse)
		fprintf(screen, "Regressions%s: %zu.\n", of, worse);
	else
		fprintf(screen, "No regression%s found.\n", of);
	if (v->verdicts[VERSUS_UNDECIDED])
		fprintf(screen, "Undecided: %zu.\n",
			v->verdicts[VERSUS_UNDECIDED]);
	if (blind)
		fprintf(screen, "Not comparable: %zu.\n", blind);
	return worse ? EXIT_FAILED : EXIT_SUCCESS;
}

int matrix_compare(const struct matrix_options *opt)
{
	FILE *screen = opt->csv && strcmp(opt->csv, "-") == 0 ? stderr : stdout;
	int status = EXIT_SUCCESS;
	struct side a, b;
	struct versus v;

	open_or_end(&a, opt->what, NULL);
	open_or_end(&b, opt->with, a.reduced.reference);
	if (same_folder(&a, &b))
		die_usage("compare: A and B are the same folder");
	v = versus(&a, &b);
	versus_print(screen, &v, has_color(screen));
	if (opt->fail_on_regression)
		status = gate(&v, isnan(opt->least) ? v.margin : opt->least,
			      screen);
	if (v.in_both == 0) {
		warn("no cell was measured in both runs: nothing to compare");
		status = EXIT_FAILED;
	}
	fflush(screen);
	if (opt->csv && !write_csv(&v, opt->csv))
		status = EXIT_FAILED;
	if (opt->page && !write_page(&v, opt->page, screen))
		status = EXIT_FAILED;
	if (a.problems + b.problems)
		status = EXIT_FAILED;
	versus_free(&v);
	side_close(&a);
	side_close(&b);
	return status;
}
