/* SPDX-License-Identifier: MIT */
/*
 * args.h - a command line whose options are each declared once
 *
 * A row of the table gives an option its name, its kind, its range, its default and
 * its text. Parsing, error messages, --help and the man page (help2man) follow from
 * it. Bad usage ends the program with status 2 and one line on stderr.
 */
#ifndef BASE_ARGS_H
#define BASE_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum arg_kind {
	ARG_HEADING, /* only `help`: the title of the options that follow */
	ARG_FLAG,    /* sets a bool */
	ARG_TEXT,    /* const char * */
	ARG_COUNT,   /* unsigned: 500, 10k, 1M */
	ARG_NUMBER,  /* uint64_t, without a unit */
	ARG_BYTES,   /* size_t: 64, 16KiB */
	ARG_TIME,    /* int64_t, ns: 100us, 1.5s */
	ARG_RATE,    /* double: 500, 20k, 2.5 */
	ARG_WORD,    /* int or enum: which of `words` */
	ARG_OTHER,   /* take() reads the value */
};

struct arg {
	enum arg_kind kind;
	const char *name;  /* without -- */
	const char *value; /* the name of the value in --help */
	const char *help;
	size_t at; /* offsetof the member of the options struct that is set */
	double low, high; /* range of a number, in bytes or ns; high 0: any */
	const char *initial;      /* the default, as a user would write it */
	const char *const *words; /* NULL at the end */
	/* Ends the program with die_usage() if `text` is wrong. */
	void (*take)(const struct arg *arg, const char *text, void *options);
	unsigned use; /* for the program: args does not look at it */
	void *to;     /* what is set, if it is no member */
};

enum { ARGS_MAX = 64, ARGS_NUMBER_SIZE = 64 };

/* A number as a user would write it: 1000000 as "1M", 10000000 ns as "10ms" */
char *args_number(enum arg_kind kind, double x, char to[ARGS_NUMBER_SIZE]);

struct args {
	const char *
		usage; /* operands: "[OPTION]... DIR"; several lines are possible */
	const char *about; /* what the program does, and examples */
	const char *notes; /* what --help says after the options */
	const struct arg *arg;
	size_t n; /* at most ARGS_MAX */
	/* Takes an argument that is no option; NULL: none is allowed */
	void (*operand)(const char *text, void *options);
	/* For a program that runs another one: takes all from the first operand on.
	 * NULL: options may follow operands */
	void (*rest)(char **argv, void *options);
};

/*
 * Sets the defaults in `options`, then what the command line says; --help and
 * --version end the program. Bit i of the result: arg[i] was given.
 */
uint64_t args_parse(const struct args *args, int argc, char **argv,
		    void *options);

#endif
