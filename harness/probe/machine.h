/* SPDX-License-Identifier: MIT */
/*
 * machine.h - what of this machine decides about a result
 *
 * Facts as JSON: kernel, processor, limits, settings. Made to be published with
 * a result: there is no host name in it, no user name and no path. What cannot be
 * read is null.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <jansson.h>

json_t *machine_facts(void); /* a new reference */

#endif
