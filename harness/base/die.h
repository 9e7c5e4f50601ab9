/* SPDX-License-Identifier: MIT */
/* die.h - error exits and warnings; each prints one line on stderr */
#ifndef BASE_DIE_H
#define BASE_DIE_H

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_UNSUPPORTED = 77 };

#define PRINTF_LIKE __attribute__((format(printf, 1, 2)))

/* "epoll: bind 127.0.0.1:80: Permission denied", from a format and errno */
__attribute__((noreturn)) void die(const char *format, ...) PRINTF_LIKE;

/* Like die(), for calls that return the error instead of setting errno */
__attribute__((noreturn)) void die_of(int error, const char *call);

/* Bad usage: status 2, and a hint at --help */
__attribute__((noreturn)) void die_usage(const char *format, ...) PRINTF_LIKE;

/* This kernel or its policy cannot run this program: reason and remedy */
__attribute__((noreturn)) void die_unsupported(const char *format,
					       ...) PRINTF_LIKE;

void warn(const char *format, ...) PRINTF_LIKE;

#endif
