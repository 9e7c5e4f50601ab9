/* SPDX-License-Identifier: MIT */
/* lock.h - one writer per folder; the lock of the machine is in store.h */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include <stdbool.h>

enum { LOCK_HOLDER_SIZE = 64 };

/*
 * Locks the folder while `dir` is open, here or in a forked child before its
 * exec. false: another process has the lock, and `holder` names it: "process
 * 1234 (matrix)". true on a file system without locks: it must not prevent a
 * run.
 */
bool lock_folder(int dir, char holder[LOCK_HOLDER_SIZE]);

#endif
