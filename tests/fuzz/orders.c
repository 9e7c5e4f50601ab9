// SPDX-License-Identifier: MIT
/* orders.c - a line is an order of an observer, or it is refused */
#include "fuzz.h"

#include "harness/load/hold.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* An order is read again as it is written, except for leading zeros. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[256], again[256];
	struct order one, two;

	if (size >= sizeof(line))
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	if (!order_parse(line, &one) || one.kind != ORDER_SLICE)
		return 0;
	HOLDS(one.window > 0 && one.head >= 0);
	snprintf(again, sizeof(again), "slice %" PRIu64 " %" PRId64 " %" PRId64,
		 one.slice, one.head, one.window);
	HOLDS(order_parse(again, &two));
	HOLDS(one.slice == two.slice && one.head == two.head &&
	      one.window == two.window);
	return 0;
}
