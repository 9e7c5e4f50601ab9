/* SPDX-License-Identifier: MIT */
/* awake.c - keeps idle CPUs from sleeping: see awake.h */
#include "harness/probe/awake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEVICE "/dev/cpu_dma_latency"

bool awake_has_driver(void)
{
	FILE *file =
		fopen("/sys/devices/system/cpu/cpuidle/current_driver", "re");
	char name[64] = "";
	bool has;

	has = file && fscanf(file, "%63s", name) == 1 &&
	      strcmp(name, "none") != 0;
	if (file)
		fclose(file);
	return has;
}

int awake_open(char why[WHY_SIZE])
{
	int fd;

	if (!awake_has_driver()) {
		snprintf(why, WHY_SIZE, "this kernel has no cpuidle driver");
		return -1;
	}
	fd = open(DEVICE, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		snprintf(why, WHY_SIZE, DEVICE ": %s", strerror(errno));
	return fd;
}

bool awake_begin(int fd, char why[WHY_SIZE])
{
	const int32_t latency_us = 0;

	if (write(fd, &latency_us, sizeof(latency_us)) == sizeof(latency_us))
		return true;
	snprintf(why, WHY_SIZE, DEVICE ": %s", strerror(errno));
	return false;
}
