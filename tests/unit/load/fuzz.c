/* SPDX-License-Identifier: MIT */
/* fuzz.c - regression tests for findings of the fuzzers */
#include "tests/unit/test.h"

#include "harness/load/channel.h"
#include "harness/load/histogram.h"
#include "harness/load/options.h"
#include "harness/base/units.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A connection whose server answers with anything */
struct talk {
	struct channel c;
	struct tally *t;
	char *bytes; /* of all requests */
	size_t made;
};

static void begin(struct talk *talk, size_t message, unsigned requests)
{
	talk->t = tally_new(0, 1000000);
	talk->made = requests * message;
	talk->bytes = malloc(talk->made);
	assert_non_null(talk->bytes);
	channel_begin(&talk->c, talk->t, 0, payload_of(1, 0, message), false);
	for (unsigned i = 0; i < requests; i++)
		channel_release(&talk->c, 10);
	assert_int_equal(channel_send(&talk->c, talk->bytes, talk->made, 20),
			 talk->made);
}

static void come(struct talk *talk, size_t from, size_t n)
{
	channel_did_receive(&talk->c, talk->bytes + from, n, 30);
	assert_true(talk->t->outstanding <= talk->c.released);
}

static void rubbish_comes(struct talk *talk, size_t n)
{
	char *bytes = malloc(n);

	assert_non_null(bytes);
	memset(bytes, 'x', n);
	channel_did_receive(&talk->c, bytes, n, 30);
	free(bytes);
	assert_true(talk->t->outstanding <= talk->c.released);
}

/* Every request is counted once. */
static void end(struct talk *talk)
{
	const struct tally *t = talk->t;

	channel_end(&talk->c, 40, true);
	assert_int_equal(t->outstanding, 0);
	assert_int_equal(t->answered + t->damaged + t->unanswered,
			 talk->c.released);
	assert_true(t->total <= talk->c.released);
}

static void leave(struct talk *talk)
{
	channel_free(&talk->c);
	free(talk->bytes);
	free(talk->t);
}

/* Garbage in place of replies also counted as later replies. */
static void rubbish_after_replies_that_overtook(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, 65, 13);
	come(&talk, 8 * 65, 5 * 65);
	rubbish_comes(&talk, 13 * 65);
	assert_int_equal(talk.t->answered, 5);
	assert_int_equal(talk.t->damaged, 8);
	end(&talk);
	assert_true(talk.t->damages[DAMAGE_UNASKED] > 0);
	leave(&talk);
}

/* Reordering of two replies was not reported. */
static void overtaken_by_the_last(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, 64, 2);
	come(&talk, 64, 64);
	come(&talk, 0, 64);
	assert_int_equal(talk.t->damages[DAMAGE_REORDERING], 1);
	assert_int_equal(talk.t->answered, 2);
	end(&talk);
	assert_int_equal(talk.t->troubles, 1);
	leave(&talk);
}

/* The first byte of a reply belonged to another one. */
static void a_reply_without_its_beginning(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, 256, 12);
	assert_true(talk.bytes[0] != talk.bytes[5 * 256]);
	come(&talk, 0, 1);
	come(&talk, 5 * 256 + 1, 255);
	assert_int_equal(talk.t->answered, 0);
	assert_int_equal(talk.t->damages[DAMAGE_LOSS], 1);
	come(&talk, 6 * 256, 6 * 256);
	assert_int_equal(talk.t->answered, 6);
	end(&talk);
	leave(&talk);
}

/* The server guesses replies to bytes that the channel made, of which most are then
 * not sent. */
static void replies_to_what_was_not_sent(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, 4, 20);
	come(&talk, 10 * 4, 6 * 4);
	assert_int_equal(talk.t->answered, 6);
	channel_did_send(&talk.c, talk.made, 27);
	assert_int_equal(channel_to_send(&talk.c), talk.made - 27);
	assert_int_equal(channel_send(&talk.c, talk.bytes + 27, talk.made, 30),
			 talk.made - 27);
	channel_did_send(&talk.c, talk.made - 27, talk.made - 27);
	come(&talk, 0, talk.made);
	end(&talk);
	leave(&talk);
}

/* Unasked bytes counted as a reply once a request was due. */
static void a_reply_before_its_request(void **state)
{
	struct talk talk;
	char byte;

	(void)state;
	begin(&talk, 3, 3);
	come(&talk, 0, 9);
	channel_release(&talk.c, 10);
	payload_make(&talk.c.payload, (struct place){ .request = 3 },
		     talk.bytes, 3);
	come(&talk, 0, 3);
	assert_int_equal(channel_send(&talk.c, &byte, 1, 20), 1);
	assert_int_equal(talk.t->damages[DAMAGE_UNASKED], 1);
	end(&talk);
	assert_int_equal(talk.t->answered, 3);
	leave(&talk);
}

/* The mean of the two longest times overflowed. */
static void the_longest_times(void **state)
{
	struct histogram *h = malloc(sizeof(*h));

	(void)state;
	assert_non_null(h);
	histogram_clear(h);
	histogram_record(h, INT64_MAX);
	histogram_record(h, INT64_MAX);
	assert_true(histogram_deviation(h) > 0);
	free(h);
}

/* A number beyond the range of double became infinite. */
static void numbers_that_do_not_fit(void **state)
{
	char text[402];
	double x;

	(void)state;
	memset(text, '9', 400);
	text[400] = '\0';
	assert_false(parse_rate(text, &x));
	strcpy(text + 307, "M");
	assert_false(parse_rate(text, &x));
	memset(text, '9', 400);
	strcpy(text + 400, "%");
	assert_false(parse_percent(text, &x));
}

/* Without leak detection: the program exits without freeing. */
static void leave_at_once(int status, void *unused)
{
	(void)unused;
	_exit(status);
}

static int status_of(const char *target, char *option)
{
	char name[] = "loadgen", first[32];
	char *argv[] = { name, first, option, NULL };
	struct load_options opt;
	int status;
	pid_t pid;

	snprintf(first, sizeof(first), "--target=%s", target);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fclose(stderr);
		on_exit(leave_at_once, NULL);
		load_options(option ? 3 : 2, argv, &opt);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_cpu_twice(void **state)
{
	char cpus[32];
	long cpu = 0;
	cpu_set_t set;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	snprintf(cpus, sizeof(cpus), "--cpu=%ld", cpu);
	assert_int_equal(status_of("a:1", cpus), 0);
	snprintf(cpus, sizeof(cpus), "--cpu=%ld,%ld", cpu, cpu);
	assert_int_equal(status_of("a:1", cpus), 2);
}

static void a_target_without_a_host(void **state)
{
	(void)state;
	assert_int_equal(status_of("[::1]:7", NULL), 0);
	assert_int_equal(status_of("[]:7", NULL), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rubbish_after_replies_that_overtook),
		cmocka_unit_test(overtaken_by_the_last),
		cmocka_unit_test(a_reply_without_its_beginning),
		cmocka_unit_test(replies_to_what_was_not_sent),
		cmocka_unit_test(a_reply_before_its_request),
		cmocka_unit_test(the_longest_times),
		cmocka_unit_test(numbers_that_do_not_fit),
		cmocka_unit_test(a_cpu_twice),
		cmocka_unit_test(a_target_without_a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
