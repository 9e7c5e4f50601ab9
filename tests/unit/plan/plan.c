/* SPDX-License-Identifier: MIT */
/* plan.c - plans, names of cells, and errors in both */
#include "tests/unit/plan/plans.h"

static void check_names(const struct cells *cells, const char *const *names)
{
	size_t n = 0;

	for (; names[n]; n++) {
		char name[CELL_NAME_SIZE];

		assert_true(n < cells->n);
		assert_string_equal(cell_name(&cells->cell[n], name), names[n]);
	}
	assert_int_equal(cells->n, n);
}

static void same_cells(const struct cells *a, const struct cells *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		assert_true(cell_same(&a->cell[i], &b->cell[i]));
}

/* --------------------------------------------------------------------- plans */

static const char everything[] =
	"\xef\xbb\xbf# a comment\r\n"
	"\n"
	"  blocks 5 # and another\r\n"
	"bout\t1.5s\n"
	"slice 80ms\n"
	"margin 2.5%\n"
	"reference mine\n"
	"counting no\n"
	"aa no\n"
	"baseline no\n"
	"idle none\n"
	"message 1KiB\n"
	"seed 18446744073709551615\n"
	"models epoll, mine=./a.out ,poll\n"
	"cells closed split connections 1 , 1k idle 5k\n"
	"cells depth 16 message 64,128 shared\n"
	"cells open rate 2.5,10k pattern burst:100\n"
	"cells pattern connect work cpu:1500ns,sleep:20ms@1% "
	"service http";

static void every_key(void **state)
{
	struct plan p = parsed(everything);

	(void)state;
	assert_string_equal(p.name, "my");
	assert_int_equal(p.blocks, 5);
	assert_int_equal(p.bout, 1500000000);
	assert_int_equal(p.slice, 80000000);
	assert_true(p.margin == 0.025);
	assert_string_equal(p.reference, "mine");
	assert_false(p.counting || p.with_baseline || p.aa);
	assert_int_equal(p.idle.n + p.baseline.n, 0);
	assert_true(p.seed == UINT64_MAX);
	assert_int_equal(p.n_models, 3);
	assert_string_equal(p.models[1].label, "mine");
	assert_string_equal(p.models[1].command, "./a.out");
	assert_null(p.models[2].command);
	assert_int_equal(p.timing.n, 3 * 8);
	assert_true(plan_override(&p, "models", "mine=./b.out", error));
	check_names(
		&p.timing,
		(const char *[]){
			"model:mine/loop:closed/connections:1/idle:5000/"
			"message:1024/placement:split",
			"model:mine/loop:closed/connections:1000/idle:5000/"
			"message:1024/placement:split",
			"model:mine/loop:closed/connections:64/message:64/"
			"depth:16/placement:shared",
			"model:mine/loop:closed/connections:64/message:128/"
			"depth:16/placement:shared",
			"model:mine/loop:open/connections:64/rate:2.5/"
			"message:1024/pattern:burst:100/placement:split",
			"model:mine/loop:open/connections:64/rate:10000/"
			"message:1024/pattern:burst:100/placement:split",
			"model:mine/loop:closed/connections:64/message:1024/"
			"pattern:connect/work:cpu:1500ns/service:http/"
			"placement:split",
			"model:mine/loop:closed/connections:64/message:1024/"
			"pattern:connect/work:sleep:20ms@1%/service:http/"
			"placement:split",
			NULL });
	plan_free(&p);
}

static void defaults(void **state)
{
	struct plan p = parsed("cells closed");

	(void)state;
	assert_int_equal(p.blocks, 6);
	assert_int_equal(p.bout, 3000000000);
	assert_int_equal(p.slice, 0);
	assert_true(p.margin == 0.03);
	assert_string_equal(p.reference, "epoll");
	assert_true(p.counting && p.with_baseline && p.aa);
	assert_int_equal(p.seed, 1);
	assert_int_equal(p.n_models, 7);
	assert_int_equal(p.timing.n, 7);
	assert_int_equal(p.idle.n, 7);
	plan_free(&p);
	p = parsed("models poll\ncells");
	check_names(&p.timing, (const char *[]){ "model:poll/loop:closed/"
						 "connections:64/message:64/"
						 "placement:split",
						 NULL });
	check_names(&p.idle, (const char *[]){ "model:poll/loop:none/idle:1000/"
					       "message:64/placement:split",
					       NULL });
	check_names(&p.baseline, (const char *[]){ "model:baseline/loop:closed/"
						   "connections:64/message:64/"
						   "placement:split",
						   NULL });
	plan_free(&p);
}

/* No work, no idle clients, no open loop */
static void baseline_in_closed_settings(void **state)
{
	struct plan p = parsed("cells connections 1,64\n"
			       "cells connections 64 idle 900\n"
			       "cells open rate 100\n"
			       "cells work cpu:1us\n"
			       "cells shared message 64,128\n"
			       "idle 0,10\n");

	(void)state;
	check_names(
		&p.baseline,
		(const char *[]){ "model:baseline/loop:closed/connections:1/"
				  "message:64/placement:split",
				  "model:baseline/loop:closed/connections:64/"
				  "message:64/placement:split",
				  "model:baseline/loop:closed/connections:64/"
				  "message:64/placement:shared",
				  "model:baseline/loop:closed/connections:64/"
				  "message:128/placement:shared",
				  NULL });
	assert_int_equal(p.idle.n, 14);
	assert_int_equal(p.idle.cell[6].idle, 0);
	assert_int_equal(p.idle.cell[7].idle, 10);
	assert_string_equal(p.idle.cell[7].model, "thread");
	plan_free(&p);
}

/* ------------------------------------------------------------------ mistakes */

static const struct {
	const char *text;
	int line;          /* of the mistake; 0: none */
	const char *names; /* in the message: the word, or what is allowed */
	const char *meant; /* the suggestion */
} mistakes[] = {
	{ "", 0, "cells closed", NULL },
	{ "blocks 3\n# cells closed\n", 0, "cells closed", NULL },
	{ "cells closed\nbloks 3\n", 2, "bout", "blocks" },
	{ "connections 64\n", 1, "'connections'", NULL },
	{ "CELLS closed\n", 1, "'CELLS'", "cells" },
	{ "\n\n# x\nblocks\n", 4, "1 to 1000", NULL },
	{ "blocks 0\n", 1, "1 to 1000", NULL },
	{ "blocks 1001\n", 1, "1 to 1000", NULL },
	{ "blocks 3 4\n", 1, "'4'", NULL },
	{ "blocks 3\nseed 1\nblocks 3\n", 3, "line 1", NULL },
	{ "bout 500\n", 1, "such as 3s", NULL },
	{ "bout 500 ms\n", 1, "such as 3s", NULL },
	{ "bout 9ms\n", 1, "10ms to 10min", NULL },
	{ "bout 11min\n", 1, "10ms to 10min", NULL },
	{ "slice 9ms\n", 1, "10ms to 10s", NULL },
	{ "slice 11s\n", 1, "10ms to 10s", NULL },
	{ "slice atuo\n", 1, "auto, or a time", "auto" },
	{ "margin 3\n", 1, "0%, up to 50%", NULL },
	{ "margin 0%\n", 1, "0%, up to 50%", NULL },
	{ "margin 51%\n", 1, "0%, up to 50%", NULL },
	{ "reference a.b\n", 1, "model of the plan", NULL },
	{ "reference epol\ncells\n", 0, "cannot be the reference", "epoll" },
	{ "models poll\nreference aio\ncells\n", 0, "(allowed: poll)", NULL },
	{ "counting ye\n", 1, "yes or no", "yes" },
	{ "aa each\n", 1, "yes or no", NULL },
	{ "warmup 1s\n", 1, "bout, slice", NULL },
	{ "baseline maybe\n", 1, "yes or no", NULL },
	{ "idle 1k,1000\n", 1, "'1000'", NULL },
	{ "idle ten\n", 1, "0 to 1M", NULL },
	{ "idle 2M\n", 1, "0 to 1M", NULL },
	{ "message 2GiB\n", 1, "1GiB", NULL },
	{ "seed -1\n", 1, "2^64-1", NULL },
	/* models */
	{ "models pol\n", 1, "mine=./a.out", "poll" },
	{ "models xyzzy\n", 1, "busypoll", NULL },
	{ "models poll,poll\n", 1, "'poll'", NULL },
	{ "models poll,all\n", 1, "'poll' is twice", NULL },
	{ "models variants\n", 1, "'variants'", NULL },
	{ "models variants=./a.out\n", 1, "label 'variants'", NULL },
	{ "models ./a.out\n", 1, "mine=./a.out", NULL },
	{ "models mine=\n", 1, "mine=./a.out", NULL },
	{ "models =./a.out\n", 1, "label ''", NULL },
	{ "models a.b=./a.out\n", 1, "label 'a.b'", NULL },
	{ "models -a=./a.out\n", 1, "label '-a'", NULL },
	{ "models a/b=./a.out\n", 1, "label 'a/b'", NULL },
	{ "models a23456789012345678901234567890123456789012345678=x\n", 1,
	  "47", NULL },
	{ "models poll:n=1,poll:n=1\n", 1, "'poll:n=1' is twice", NULL },
	{ "models poll:n\n", 1, "label 'poll:n'", NULL },
	{ "models poll:=1\n", 1, "label 'poll:=1'", NULL },
	{ "models poll:n=,epoll\n", 1, "label 'poll:n='", NULL },
	{ "models poll:n=1:m\n", 1, "label 'poll:n=1:m'", NULL },
	{ "models pol:n=1\n", 1, "'pol:n=1'", "poll" },
	{ "models mine:n=1=./a.out\n", 1, "'mine:n=1=./a.out'", NULL },
	{ "models poll=./a.out\n", 1, "label 'poll'", NULL },
	{ "models baseline=./a.out\n", 1, "label 'baseline'", NULL },
	{ "models null=./a.out\n", 1, "CSV", NULL },
	{ "models all=./a.out\n", 1, "label 'all'", NULL },
	{ "models poll,\n", 1, "comma", NULL },
	/* cells */
	{ "cells closed\ncells clsoed\n", 2, "pattern", "closed" },
	{ "cells conections 64\n", 1, "'conections'", "connections" },
	{ "cells connection:64\n", 1, "'connection:64'", "connections" },
	{ "cells none\n", 1, "'none'", NULL },
	{ "cells model poll\n", 1, "'model'", "models" },
	{ "cells closed open\n", 1, "two lines", NULL },
	{ "cells split split\n", 1, "two lines", NULL },
	{ "cells depth 1 depth 2\n", 1, "list", NULL },
	{ "cells connections\n", 1, "1 to 1M", NULL },
	{ "cells connections 1,,2\n", 1, "comma", NULL },
	{ "cells connections 1,64,\n", 1, "comma", NULL },
	{ "cells connections 1,64, ", 1, "comma", NULL },
	{ "cells connections 1k,64,1000\n", 1, "'1000'", NULL },
	{ "cells connections 0\n", 1, "1 to 1M", NULL },
	{ "cells connections 1,000\n", 1, "'000'", NULL },
	{ "cells idle 1000001\n", 1, "0 to 1M", NULL },
	{ "cells depth 65537\n", 1, "65536", NULL },
	{ "cells service htp\n", 1, "service 'htp'", "http" },
	{ "cells message 0\n", 1, "16KiB", NULL },
	{ "cells open rate 0.001\n", 1, "0.01 to 100M", NULL },
	{ "cells open rate 101M\n", 1, "0.01 to 100M", NULL },
	{ "cells pattern brust:10\n", 1, "'brust:10'", "burst" },
	{ "cells pattern burst:0\n", 1, "1 to 1M", NULL },
	{ "cells work slep:1ms\n", 1, "cpu:TIME", "sleep" },
	{ "cells work cpu\n", 1, "'cpu'", NULL },
	{ "cells work cpu:0s\n", 1, "'cpu:0s'", NULL },
	{ "cells work none:1s\n", 1, "'none:1s'", NULL },
	{ "cells work cpu:1s@0%\n", 1, "@PERCENT", NULL },
	{ "cells work cpu:1s@101%\n", 1, "@PERCENT", NULL },
	{ "cells work cpu:1s@5\n", 1, "@PERCENT", NULL },
	/* contradictions */
	{ "cells open\n", 1, "open rate 10k", NULL },
	{ "cells rate 10k\n", 1, "open rate 10k", NULL },
	{ "cells open rate 10k depth 2\n", 1, "depth", NULL },
	{ "cells depth 2 pattern connect\n", 1, "depth", NULL },
	{ "cells pattern storm\n", 1, "N / rate apart", NULL },
	{ "cells pattern stomr\n", 1, "'stomr'", "storm" },
	{ "cells pattern storm:5\n", 1, "connect, storm", NULL },
	{ "cells pattern slow-read\n", 1, "slow-read:N", NULL },
	{ "cells pattern slow-read:0\n", 1, "1 to 1M clients", NULL },
	{ "cells pattern steady,burst:10\n", 1, "rate", NULL },
	{ "cells connections 1,64\n\ncells message 64\n", 3, "line 1", NULL },
	/* no escape sequences */
	{ "\x1b[2J 1\n", 1, "'?[2J'", NULL },
};

static void check_mistake(const char *begin, const char *names,
			  const char *meant)
{
	char hint[64];

	snprintf(hint, sizeof(hint), "did you mean '%s'", meant ?: "");
	if (strncmp(error, begin, strlen(begin)) != 0 ||
	    !strstr(error, names) || !strstr(error, meant ? hint : "") ||
	    (!meant && strstr(error, "did you mean")))
		fail_msg("not '%s' %s %s: %s", begin, names, hint, error);
}

static void mistakes_are_named(void **state)
{
	struct plan p;

	(void)state;
	for (size_t i = 0; i < LENGTH(mistakes); i++) {
		const char *text = mistakes[i].text;
		char begin[32];

		if (plan_parse(&p, text, strlen(text), "my.plan", models,
			       error))
			fail_msg("taken: %s", text);
		snprintf(begin, sizeof(begin),
			 mistakes[i].line ? "my.plan:%d: " : "my.plan: ",
			 mistakes[i].line);
		check_mistake(begin, mistakes[i].names, mistakes[i].meant);
	}
}

static void check_text(const char *text, const char *says)
{
	struct plan p;

	assert_false(plan_parse(&p, text, strlen(text), "x", models, error));
	check_mistake("x:", says, NULL);
}

/* " connections 1,2,3": as many values as a list may have, and `more` */
static char *add_list(char *at, const char *part, int more)
{
	at += sprintf(at, " %s ", part);
	for (int i = 1; i <= PLAN_LIST_MAX + more; i++)
		at += sprintf(at, "%s%d", i > 1 ? "," : "", i);
	return at;
}

static void limits(void **state)
{
	static const char *const parts[] = { "connections", "idle", "depth",
					     "message", "rate" };
	char text[8000], *at = text;

	(void)state;
	add_list(at + sprintf(at, "cells"), "connections", 1);
	check_text(text, "256");
	at = text + sprintf(text, "cells");
	for (size_t i = 0; i < LENGTH(parts); i++) /* 256^5 */
		at = add_list(at, parts[i], 0);
	check_text(text, "2000 settings");
	at = add_list(text + sprintf(text, "cells"), "connections", 0);
	at += sprintf(at, " depth 1,2,3,4,5,6,7\n");
	strcpy(at, "blocks 1000\n");
	check_text(text, "1000000 repetitions");
	add_list(at + sprintf(at, "cells depth 32"), "connections", 0);
	check_text(text, "2000 settings");
}

static void unreadable_files(void **state)
{
	static char long_line[70000];
	struct plan p;

	(void)state;
	assert_false(plan_parse(&p, "cells\0", 6, "x", models, error));
	check_mistake("x: ", "0", NULL);
	memset(long_line, 'x', sizeof(long_line) - 1);
	assert_false(plan_parse(&p, long_line, strlen(long_line), "x", models,
				error));
	assert_memory_equal(error, "x:1: 'xxx", 9);
	assert_false(plan_read(&p, "no/such.plan", models, error));
	assert_string_equal(error, "no/such.plan: No such file or directory");
	assert_false(plan_read(&p, ".", models, error));
	assert_string_equal(error, ".: Is a directory");
	assert_false(plan_read(&p, "/dev/zero", models, error));
	check_mistake("/dev/zero: ", "65536 bytes", NULL);
}

/* ------------------------------------------------------------------- options */

static void overrides(void **state)
{
	static const char *const given[][2] = {
		{ "models", "poll,mine=./a.out" },
		{ "blocks", "4" },
		{ "seed", "7" },
		{ "bout", "20ms" },
		{ "slice", "10ms" },
		{ "margin", "10%" },
		{ "reference", "mine" },
		{ "message", "9" },
		{ "connections", "2,1k" },
	};
	struct plan p = parsed("blocks 2\nmodels epoll\n"
			       "cells connections 1,64\ncells connections 3\n"
			       "cells open rate 10\nidle 5\n");

	(void)state;
	for (size_t i = 0; i < LENGTH(given); i++)
		assert_true(plan_override(&p, given[i][0], given[i][1], error));
	assert_int_equal(p.blocks, 4);
	assert_int_equal(p.seed, 7);
	assert_int_equal(p.bout, 20000000);
	assert_int_equal(p.slice, 10000000);
	assert_true(p.margin == 0.1);
	assert_string_equal(p.reference, "mine");
	/* Cells that became equal are merged. */
	assert_int_equal(p.timing.n, 2 * (2 + 2));
	assert_int_equal(p.baseline.n, 2);
	assert_int_equal(p.idle.n, 2);
	assert_int_equal(p.idle.cell[0].idle, 5);
	assert_int_equal(p.idle.cell[0].message, 9);
	check_names(&(struct cells){ p.timing.cell + 1, 3 },
		    (const char *[]){ "model:mine/loop:closed/connections:2/"
				      "message:9/placement:split",
				      "model:poll/loop:closed/connections:1000/"
				      "message:9/placement:split",
				      "model:mine/loop:closed/connections:1000/"
				      "message:9/placement:split",
				      NULL });
	plan_free(&p);
}

static void wrong_overrides(void **state)
{
	static const struct {
		const char *key, *value, *names, *meant;
	} wrong[] = {
		{ "models", "epol", "mine=./a.out", "epoll" },
		{ "blocks", "x", "1 to 1000", NULL },
		{ "connections", "64,x", "1 to 1M", NULL },
		{ "connections", "64,64", "'64'", NULL },
		{ "connections", "0", "1 to 1M", NULL },
		{ "slcie", "1s", "connections", "slice" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(wrong); i++) {
		struct plan p = parsed("cells closed");
		char begin[32];

		assert_false(
			plan_override(&p, wrong[i].key, wrong[i].value, error));
		snprintf(begin, sizeof(begin), "--%s: ", wrong[i].key);
		check_mistake(begin, wrong[i].names, wrong[i].meant);
		plan_free(&p);
	}
}

static void filters(void **state)
{
	struct plan p = parsed("cells connections 1,64\ncells shared");
	char epoll[] = "model:epoll/";

	(void)state;
	assert_int_equal(plan_keep(&p, named, epoll), 4);
	assert_int_equal(p.timing.n, 3);
	assert_int_equal(p.idle.n, 1);
	assert_int_equal(p.baseline.n, 0);
	for (size_t i = 0; i < p.timing.n; i++)
		assert_string_equal(p.timing.cell[i].model, "epoll");
	plan_free(&p);
}

static void check_written(const struct plan *p)
{
	char *text = plan_text(p), *again;
	struct plan q = parsed(text);

	assert_int_equal(q.blocks, p->blocks);
	assert_int_equal(q.bout, p->bout);
	assert_int_equal(q.slice, p->slice);
	assert_true(q.margin == p->margin);
	assert_string_equal(q.reference, p->reference);
	assert_int_equal(q.counting, p->counting);
	assert_int_equal(q.aa, p->aa);
	assert_true(q.seed == p->seed);
	assert_int_equal(q.n_models, p->n_models);
	for (size_t i = 0; i < p->n_models; i++) {
		const char *command = p->models[i].command;

		assert_string_equal(q.models[i].label, p->models[i].label);
		assert_string_equal(q.models[i].command ?: "-", command ?: "-");
	}
	same_cells(&p->timing, &q.timing);
	same_cells(&p->idle, &q.idle);
	same_cells(&p->baseline, &q.baseline);
	again = plan_text(&q);
	assert_string_equal(again, text);
	free(again);
	free(text);
	plan_free(&q);
}

static void written_plans_read_back(void **state)
{
	struct plan p =
		parsed("message 9\n"
		       "models aio,mine=java 'a, \"b' {port} , "
		       "up=127.0.0.1:7 pid=9\n"
		       "cells connections 1,64 work cpu:90s,none\n"
		       "cells open shared rate 2.5,0.333333333333333333 "
		       "pattern burst:3 idle 2\n"
		       "cells depth 2 message 8\n"
		       "cells open rate 7 pattern burst:3,burst:4\n"
		       "bout 90s\nslice 12345678ns\nmargin 0.7%\n"
		       "reference mine\n"
		       "idle 0,5\nseed 12345678901234567890\n");

	(void)state;
	check_written(&p);
	assert_true(plan_override(&p, "connections", "3,1k", error));
	assert_true(plan_override(&p, "idle", "none", error));
	assert_true(plan_override(&p, "counting", "no", error));
	check_written(&p);
	assert_true(plan_override(&p, "baseline", "no", error));
	assert_true(plan_override(&p, "aa", "no", error));
	check_written(&p);
	assert_true(plan_override(&p, "slice", "auto", error));
	assert_int_equal(p.slice, 0);
	assert_true(plan_override(&p, "margin", "33.3%", error));
	check_written(&p);
	assert_true(plan_override(&p, "models", "poll,mine=./x", error));
	check_written(&p);
	plan_free(&p);
}

/* --------------------------------------------------------------------- names */

static void check_name(const struct cell *c)
{
	char name[CELL_NAME_SIZE];
	struct cell again;

	assert_true(strlen(cell_name(c, name)) < CELL_NAME_SIZE - 1);
	if (!cell_parse(name, &again))
		fail_msg("not read again: %s", name);
	assert_true(cell_same(c, &again));
}

static void names_parse_back(void **state)
{
	static const char *const values[][4] = {
		{ "model", "a", "mine-2_X", "a234567890123456789012345678901" },
		{ "connections", "1", "64", "1M" },
		{ "rate", "0.01", "99999999.9999999999999", "33.333333333333" },
		{ "idle", "0", "1", "1M" },
		{ "message", "1", "64", "1GiB" },
		{ "depth", "1", "2", "65536" },
		{ "pattern", "steady", "connect", "burst:1000000" },
		{ "work", "none",
		  "sleep:999999999999999999ns@33.3333333333333%",
		  "cpu:1.5ms@99.99999999999999%" },
		{ "service", "echo", "http", "echo" },
		{ "placement", "split", "shared", "split" },
	};

	(void)state;
	for (unsigned i = 0; i < 59049; i++) { /* 3^10 */
		struct cell c = { .loop = LOOP_OPEN, .work = "none" };
		unsigned digits = i;

		for (size_t k = 0; k < LENGTH(values); k++, digits /= 3)
			assert_true(
				cell_part(values[k][0])
					->set(&c, values[k][1 + digits % 3]));
		if (c.depth > 1) {
			c.loop = LOOP_CLOSED;
			c.rate = 0;
		}
		if (!cell_contradiction(&c))
			check_name(&c);
	}
}

static const char *const invalid[] = {
	"",
	"model:poll",
	"model:poll/loop:closed/connections:64/placement:split",
	"model:poll/loop:closed/message:64/placement:split",
	"model:poll/connections:64/message:64/placement:split",
	"loop:closed/connections:64/message:64/placement:split",
	"model:/loop:closed/connections:64/message:64/placement:split",
	"model:poll/loop:closed/connections:64/message:64",
	"model:poll/loop:closed/connections:1k/message:64/"
	"placement:split",
	"model:poll/loop:closed/connections:064/message:64/"
	"placement:split",
	"model:poll/loop:closed/connections:64/message:64/"
	"placement:split/",
	"model:poll/loop:closed/connections:64/message:64/"
	"placement:split/block:3",
	"model:poll/loop:closed/message:64/connections:64/"
	"placement:split",
	"model:poll/model:poll/loop:closed/connections:64/message:64/"
	"placement:split",
	"model:poll/loop:closed/connections:64/idle:0/message:64/"
	"placement:split",
	"model:poll/loop:closed/connections:64/message:64/depth:1/"
	"placement:split",
	"model:poll/loop:closed/connections:64/message:64/"
	"pattern:steady/placement:split",
	"model:poll/loop:closed/connections:64/message:64/"
	"work:cpu:1000us/placement:split",
	"model:poll/loop:open/connections:64/message:64/"
	"placement:split",
	"model:poll/loop:closed/connections:64/rate:5/message:64/"
	"placement:split",
	"model:poll/loop:none/message:64/placement:split",
	"model:poll/loop:none/connections:1/idle:5/message:64/"
	"placement:split",
	"model:poll/loop:none/idle:5/message:64/depth:2/"
	"placement:split",
	"model:poll/loop/connections:64/message:64/placement:split",
};

static void invalid_names(void **state)
{
	struct cell c;

	(void)state;
	for (size_t i = 0; i < LENGTH(invalid); i++)
		if (cell_parse(invalid[i], &c))
			fail_msg("taken: %s", invalid[i]);
	assert_true(cell_parse(
		"model:x/loop:none/idle:0/message:64/placement:split", &c));
}

/* ------------------------------------------------------------ committed plans */

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Every cell has a unique name that parses back. */
static void check_plan(const struct plan *p)
{
	const struct cells *all[] = { &p->timing, &p->idle, &p->baseline };
	char(*names)[CELL_NAME_SIZE];
	size_t n = 0;

	names = calloc(p->timing.n + p->idle.n + p->baseline.n, sizeof(*names));
	assert_non_null(names);
	for (int k = 0; k < 3; k++)
		for (size_t i = 0; i < all[k]->n; i++) {
			check_name(&all[k]->cell[i]);
			cell_name(&all[k]->cell[i], names[n++]);
		}
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 1; i < n; i++)
		assert_string_not_equal(names[i], names[i - 1]);
	free(names);
	assert_true(p->counting);
	assert_true(p->idle.n >= p->n_models && p->baseline.n > 0);
	assert_int_equal(p->n_models, 7);
	check_written(p);
}

static struct plan checked(const char *name)
{
	struct plan p = committed(name);

	assert_string_equal(p.name, name);
	check_plan(&p);
	return p;
}

static bool has_cell(const struct plan *p, const char *name)
{
	struct cell c;

	assert_true(cell_parse(name, &c));
	for (size_t i = 0; i < p->timing.n; i++)
		if (cell_same(&p->timing.cell[i], &c))
			return true;
	return false;
}

static void quick(void **state)
{
	struct plan p = checked("quick");

	(void)state;
	assert_int_equal(p.blocks, 6);
	assert_int_equal(p.timing.n, 7 * 5);
	assert_int_equal(p.baseline.n, 4);
	plan_free(&p);
}

static void check_contains(const char *larger, const char *smaller)
{
	struct plan p = checked(larger), q = checked(smaller);
	char name[CELL_NAME_SIZE];

	for (size_t i = 0; i < q.timing.n; i++)
		if (!has_cell(&p, cell_name(&q.timing.cell[i], name)))
			fail_msg("%s has no %s", larger, name);
	plan_free(&p);
	plan_free(&q);
}

static void plans_contain_the_shorter_ones(void **state)
{
	(void)state;
	check_contains("standard", "quick");
	check_contains("full", "standard");
}

/* At least eight loads, and four numbers of idle clients at one low load */
static void standard_has_two_curves(void **state)
{
	struct plan p = checked("standard");
	unsigned rates = 0, idle = 0;

	(void)state;
	for (size_t i = 0; i < p.timing.n; i += setting_length(&p.timing, i)) {
		const struct cell *c = &p.timing.cell[i];

		rates += c->loop == LOOP_OPEN && c->connections == 64;
		idle += c->loop == LOOP_OPEN && c->connections == 16;
		if (c->connections == 16)
			assert_true(c->rate == 2000);
	}
	assert_true(rates >= 8);
	assert_int_equal(idle, 4);
	plan_free(&p);
}

/* ---------------------------------------------------------- reference and rounds */

static void references(void **state)
{
	static const struct {
		const char *plan, *reference;
	} plans[] = {
		{ "cells", "epoll" },
		{ "models thread,poll\ncells", "thread" },
		{ "models thread,poll\nreference poll\ncells", "poll" },
		{ "reference epoll\nmodels x=./x,poll\ncells", "x" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(plans); i++) {
		struct plan p = parsed(plans[i].plan);

		assert_string_equal(p.reference, plans[i].reference);
		plan_free(&p);
	}
}

/* Options come in any order, so the reference is checked after the last. */
static void reference_of_options(void **state)
{
	struct plan p = parsed("reference thread\ncells");

	(void)state;
	assert_true(plan_override(&p, "reference", "old", error));
	assert_false(plan_check(&p, error));
	check_mistake("--reference: 'old': ", "(allowed: ", NULL);
	assert_true(plan_override(&p, "models", "epoll,old=./x", error));
	assert_true(plan_check(&p, error));
	assert_string_equal(p.reference, "old");
	assert_true(plan_override(&p, "models", "epoll,aio", error));
	assert_false(plan_check(&p, error));
	check_mistake("--reference: 'old': ", "cannot be the reference", NULL);
	assert_true(plan_override(&p, "reference", "aio", error));
	assert_true(plan_check(&p, error));
	plan_free(&p);
}

static void rounds_of_a_bout(void **state)
{
	static const struct {
		int64_t round;
		unsigned rounds;
	} bouts[] = {
		{ 360000000, 8 }, /* 8.33 */
		{ 320000000, 9 }, /* 9.38 */
		{ 40000000, 75 },
		{ 1000000000, 4 },
		{ INT64_C(640000000000), 4 },
	};
	struct plan p = parsed("bout 3s\ncells");

	(void)state;
	for (size_t i = 0; i < LENGTH(bouts); i++)
		assert_int_equal(plan_rounds(&p, bouts[i].round),
				 bouts[i].rounds);
	plan_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key),
		cmocka_unit_test(defaults),
		cmocka_unit_test(baseline_in_closed_settings),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(limits),
		cmocka_unit_test(unreadable_files),
		cmocka_unit_test(overrides),
		cmocka_unit_test(wrong_overrides),
		cmocka_unit_test(filters),
		cmocka_unit_test(written_plans_read_back),
		cmocka_unit_test(names_parse_back),
		cmocka_unit_test(invalid_names),
		cmocka_unit_test(quick),
		cmocka_unit_test(plans_contain_the_shorter_ones),
		cmocka_unit_test(standard_has_two_curves),
		cmocka_unit_test(references),
		cmocka_unit_test(reference_of_options),
		cmocka_unit_test(rounds_of_a_bout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
