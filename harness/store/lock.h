/* SPDX-License-Identifier: MIT */
/* lock.h - one writer for a folder; the machine's lock is in store.h */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include <stdbool.h>

enum { LOCK_HOLDER_SIZE = 64 };

/*
 * Locks the folder for as long as `dir` is open, here or in a child that was forked
 * meanwhile and has not executed anything; dies with the last of them. false:
 * somebody else has it, "process 1234 (matrix)". Where the file system knows no
 * locks it is true: better no lock than no run.
 */
bool lock_folder(int dir, char holder[LOCK_HOLDER_SIZE]);

#endif
