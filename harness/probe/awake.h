/* SPDX-License-Identifier: MIT */
/*
 * awake.h - keeps idle CPUs from sleeping
 *
 * A CPU that sleeps has to be woken for a request. In a virtual machine the hypervisor
 * does that, and its cost, charged to whoever wakes it, is several times that of the
 * request and varies: it hides the cost of a model. So a run asks the kernel to let
 * idle CPUs poll (PM QoS, Documentation/power/pm_qos_interface.rst), as cyclictest does.
 */
#ifndef PROBE_AWAKE_H
#define PROBE_AWAKE_H

#include "harness/base/why.h"

/* Without a cpuidle driver the kernel has one idle state, and nothing changes it. */
bool awake_has_driver(void);

/* Whether it is possible: a descriptor without effect yet, or -1 */
int awake_open(char why[WHY_SIZE]);

/* CPUs stay awake until the descriptor is closed: at the latest when this process ends,
 * however it ends. */
bool awake_begin(int fd, char why[WHY_SIZE]);

#endif
