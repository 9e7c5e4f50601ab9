/* SPDX-License-Identifier: MIT */
/*
 * machine.h - facts about this machine that affect a result
 *
 * Kernel, processor, limits and settings as JSON. They are published with results, so
 * there is no host name, user name or path in them. What cannot be read is null.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <jansson.h>

json_t *machine_facts(void); /* a new reference */

#endif
