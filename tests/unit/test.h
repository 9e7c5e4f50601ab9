/* SPDX-License-Identifier: MIT */
/* test.h - what cmocka wants to have been included */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
