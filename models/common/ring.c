/* SPDX-License-Identifier: MIT */
/* ring.c - set-up of an io_uring, and its pool of buffers */
#include "ring.h"

#include "harness/base/die.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* io_uring_setup failed: reports what forbids it and what would allow it. */
__attribute__((noreturn)) static void explain(int error, const char *version)
{
	FILE *sysctl = fopen("/proc/sys/kernel/io_uring_disabled", "r");
	int disabled = 0;

	if (sysctl) {
		if (fscanf(sysctl, "%d", &disabled) != 1)
			disabled = 0;
		fclose(sysctl);
	}
	if (error == EPERM && disabled)
		die_unsupported("sysctl kernel.io_uring_disabled=%d forbids "
				"io_uring; 0 allows it to all users, 1 to root "
				"and to the group kernel.io_uring_group",
				disabled);
	if (error == EPERM || error == EACCES)
		die_unsupported("a seccomp filter or a security module forbids "
				"io_uring; a container needs a profile that "
				"allows io_uring_setup(2)");
	if (error == ENOSYS)
		die_unsupported("io_uring is not available: it needs Linux %s "
				"with CONFIG_IO_URING and, in a container, a "
				"seccomp profile that does not hide it",
				version);
	die_of(error, "io_uring_setup");
}

unsigned ring_set_up(struct io_uring *ring, unsigned entries,
		     const unsigned *flags, struct io_uring_params params,
		     int opcode, const char *version)
{
	struct io_uring_params tried;
	struct io_uring_probe *probe;
	int res;

	params.flags |= IORING_SETUP_CQSIZE;
	params.cq_entries = 8 * entries;
	do {
		tried = params;
		tried.flags |= *flags;
		res = io_uring_queue_init_params(entries, ring, &tried);
	} while (res == -EINVAL && *flags++);
	if (res < 0)
		explain(-res, version);
	probe = io_uring_get_probe_ring(ring);
	if (!probe || !io_uring_opcode_supported(probe, opcode))
		explain(ENOSYS, version);
	io_uring_free_probe(probe);
	io_uring_register_ring_fd(ring); /* 5.18: cheaper enter */
	return tried.features;
}

void pool_set_up(struct io_uring *ring, struct pool *pool, unsigned count,
		 int group)
{
	struct io_uring_buf_reg reg = { .ring_entries = count, .bgid = group };
	int res;

	pool->count = count;
	pool->bytes = malloc((size_t)count * POOL_STEP);
	pool->ring = aligned_alloc(sysconf(_SC_PAGESIZE),
				   count * sizeof(struct io_uring_buf));
	if (!pool->bytes || !pool->ring)
		die("malloc of the pool");
	io_uring_buf_ring_init(pool->ring);
	reg.ring_addr = (uintptr_t)pool->ring;
	res = io_uring_register_buf_ring(ring, &reg, 0);
	if (res < 0)
		die_of(-res, "io_uring_register of buffers");
	for (unsigned id = 0; id < count; id++)
		pool_give_back(pool, id);
}

void pool_free(struct pool *pool)
{
	free(pool->bytes);
	free(pool->ring);
}
