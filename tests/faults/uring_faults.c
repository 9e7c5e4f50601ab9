/* SPDX-License-Identifier: MIT */
/*
 * uring_faults.c - makes operations of an io_uring fail, for the fault tests
 *
 * strace cannot inject these errors, as the calls are made inside the kernel. This
 * library is loaded before liburing (LD_PRELOAD). It turns an entry that is to
 * fail into a no-op before submission, and puts the error into its completion: a
 * failed operation has moved no byte.
 *
 * The faults are read from the file $URING_FAULTS, as soon as it exists:
 *
 *	OP ERROR FIRST LAST	accept, recv or send; an errno; operations
 *				FIRST to LAST of this kind from now on fail
 *	OP short BYTES 0	every operation is limited to BYTES
 *
 * Each fault is logged to $URING_FAULTS_LOG: OP ERROR PORT, with the client's
 * port, or "overflow 0 0" for a full completion queue. $URING_QUEUE is the size of
 * the completion queue, twice that of the submission queue. The first
 * $URING_PLAIN attempts to set up a ring fail, as with unsupported flags. With
 * $URING_SINGLE, multishot operations complete once, so that there are entries to
 * fail: the kernel may end one at any time.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* user_data is a pointer to a structure, so this bit is free; the lowest ones are
 * the model's. */
#define MARK (UINT64_C(1) << 63)

enum { RECVSEND_BUNDLE = 1 << 4 }; /* IORING_RECVSEND_BUNDLE, 6.10 */

static struct {
	bool armed;
	int opcode;
	int error;      /* 0: short */
	unsigned bytes; /* limit of a short operation */
	unsigned long first, last, seen;
} fault;

static int fault_now; /* of the no-ops in flight */

static void *next_one(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function) {
		fprintf(stderr, "uring_faults: no %s\n", name);
		abort();
	}
	return function;
}

static void note(const char *what, int error, int port)
{
	static FILE *log;
	const char *path = getenv("URING_FAULTS_LOG");

	if (!log && (!path || !(log = fopen(path, "ae"))))
		return;
	fprintf(log, "%s %d %d\n", what, error, port);
	fflush(log);
}

static int peer_port(int fd)
{
	struct sockaddr_in address = { 0 };
	socklen_t length = sizeof(address);

	if (getpeername(fd, (void *)&address, &length) < 0)
		return 0;
	return ntohs(address.sin_port);
}

/* The first number in a line of this file that matches `format`, made of `key` */
static unsigned long look_up(const char *path, const char *format,
			     unsigned long key)
{
	char line[512], wanted[64];
	unsigned long number = 0;
	FILE *file = fopen(path, "re");

	snprintf(wanted, sizeof(wanted), format, key);
	while (file && number == 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, wanted, &number) != 1)
			number = 0;
	if (file)
		fclose(file);
	return number;
}

/*
 * A socket in the ring's table has no descriptor. The table is in fdinfo, by inode,
 * and /proc/net/tcp knows whom that inode is connected to.
 */
static int slot_port(const struct io_uring *ring, int slot)
{
	static struct {
		unsigned long inode;
		int port;
	} cache[256], *known;
	char path[64], line[512];
	unsigned long inode, peer, of;
	FILE *tcp;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", ring->ring_fd);
	inode = look_up(path, " %lu: socket:[%%lu]", slot);
	known = &cache[inode % 256];
	if (inode == known->inode) /* that file is long */
		return known->port;
	known->inode = inode;
	known->port = 0;
	tcp = fopen("/proc/net/tcp", "re");
	while (tcp && fgets(line, sizeof(line), tcp))
		if (sscanf(line, "%*s %*s %*x:%lx %*s %*s %*s %*s %*s %*s %lu",
			   &peer, &of) == 2 &&
		    of == inode)
			known->port = peer;
	if (tcp)
		fclose(tcp);
	return known->port;
}

static const char *operation(int opcode)
{
	switch (opcode) {
	case IORING_OP_ACCEPT:
		return "accept";
	case IORING_OP_RECV:
		return "recv";
	case IORING_OP_SEND:
		return "send";
	default:
		return "";
	}
}

static void arm(void)
{
	const char *path = getenv("URING_FAULTS");
	char name[16] = "", error[16] = "";
	FILE *file;

	if (fault.armed || !path || !(file = fopen(path, "re")))
		return;
	if (fscanf(file, "%15s %15s %lu %lu", name, error, &fault.first,
		   &fault.last) != 4) {
		fprintf(stderr, "uring_faults: bad %s\n", path);
		abort();
	}
	fclose(file);
	fault.armed = true;
	fault.error = atoi(error); /* "short" is 0 */
	fault.bytes = fault.first;
	for (int opcode = 0; opcode < IORING_OP_LAST; opcode++)
		if (strcmp(operation(opcode), name) == 0)
			fault.opcode = opcode;
}

static void make_single(struct io_uring_sqe *sqe)
{
	if (sqe->opcode == IORING_OP_ACCEPT)
		sqe->ioprio &= ~IORING_ACCEPT_MULTISHOT;
	else if (sqe->opcode == IORING_OP_RECV)
		sqe->ioprio &= ~IORING_RECV_MULTISHOT;
}

static void shorten(struct io_uring_sqe *sqe)
{
	bool chosen =
		sqe->flags & IOSQE_BUFFER_SELECT; /* 0: the whole buffer */

	if (sqe->len > fault.bytes || (chosen && sqe->len == 0)) {
		sqe->len = fault.bytes;
		sqe->flags &= ~IOSQE_CQE_SKIP_SUCCESS;
		sqe->ioprio &= ~RECVSEND_BUNDLE; /* it would go on */
	}
}

static void fail(struct io_uring *ring, struct io_uring_sqe *sqe)
{
	uint64_t data = sqe->user_data;

	if (sqe->opcode != fault.opcode)
		return;
	if (fault.error == 0) {
		shorten(sqe);
		return;
	}
	fault.seen++;
	if (fault.seen < fault.first || fault.seen > fault.last)
		return;
	note(operation(sqe->opcode), fault.error,
	     sqe->flags & IOSQE_FIXED_FILE ? slot_port(ring, sqe->fd) :
					     peer_port(sqe->fd));
	fault_now = fault.error;
	io_uring_prep_nop(sqe);
	sqe->user_data = data | MARK;
}

/* Entries that are not submitted yet */
static void look_at_entries(struct io_uring *ring)
{
	struct io_uring_sq *sq = &ring->sq;
	bool single = getenv("URING_SINGLE");

	arm();
	for (unsigned i = sq->sqe_head; i != sq->sqe_tail; i++) {
		struct io_uring_sqe *sqe = &sq->sqes[i & *sq->kring_mask];

		if (single)
			make_single(sqe);
		if (fault.armed)
			fail(ring, sqe);
	}
}

static void look_at_completion(struct io_uring_cqe *cqe)
{
	if (!(cqe->user_data & MARK))
		return;
	cqe->user_data &= ~MARK;
	cqe->res = -fault_now;
}

int io_uring_submit_and_wait(struct io_uring *ring, unsigned wait_nr)
{
	static int (*next)(struct io_uring *, unsigned);
	static bool overflown;
	struct io_uring_cqe *cqe;
	unsigned head;
	int res;

	if (!next)
		next = next_one(__func__);
	look_at_entries(ring);
	res = next(ring, wait_nr);
	if (!overflown && (*ring->sq.kflags & IORING_SQ_CQ_OVERFLOW)) {
		overflown = true;
		note("overflow", 0, 0);
	}
	io_uring_for_each_cqe(ring, head, cqe)
		look_at_completion(cqe);
	return res;
}

int io_uring_submit(struct io_uring *ring)
{
	static int (*next)(struct io_uring *);

	if (!next)
		next = next_one(__func__);
	look_at_entries(ring);
	return next(ring);
}

/* It can return completions that had overflowed. */
unsigned io_uring_peek_batch_cqe(struct io_uring *ring,
				 struct io_uring_cqe **cqes, unsigned count)
{
	static unsigned (*next)(struct io_uring *, struct io_uring_cqe **,
				unsigned);
	unsigned ready;

	if (!next)
		next = next_one(__func__);
	ready = next(ring, cqes, count);
	for (unsigned i = 0; i < ready; i++)
		look_at_completion(cqes[i]);
	return ready;
}

int io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
			       struct io_uring_params *params)
{
	static int (*next)(unsigned, struct io_uring *,
			   struct io_uring_params *);
	const char *size = getenv("URING_QUEUE");
	const char *plain = getenv("URING_PLAIN");
	static int attempts;

	if (!next)
		next = next_one(__func__);
	if (plain && attempts++ < atoi(plain))
		return -EINVAL;
	if (size) {
		params->flags |= IORING_SETUP_CQSIZE;
		params->cq_entries = atoi(size);
		entries = params->cq_entries / 2;
	}
	return next(entries, ring, params);
}
