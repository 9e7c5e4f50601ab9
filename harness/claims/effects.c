/* SPDX-License-Identifier: MIT */
/* effects.c - known effects for controls: see effects.h */
#include "harness/claims/effects.h"

#include "harness/base/nearest.h"
#include "harness/base/units.h"

#include <stdio.h>
#include <string.h>

const char *const effect_names[] = { "delay",   "sleep",  "scan", "calls",
				     "threads", "memory", NULL };

static bool is_amount(enum effect effect, const char *text)
{
	int64_t time;
	uint64_t n;

	switch (effect) {
	case EFFECT_DELAY:
	case EFFECT_SLEEP:
	case EFFECT_SCAN:
		return parse_time(text, &time) && time > 0;
	case EFFECT_CALLS:
	case EFFECT_THREADS:
		return parse_count(text, &n) && n > 0 && n <= 1000;
	case EFFECT_MEMORY:
		return parse_bytes(text, &n) && n > 0;
	default:
		return false;
	}
}

bool effect_valid(const char *text, const struct location *at)
{
	const char *amount = strchr(text, '=');
	char name[16];
	int effect;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, "="), text);
	effect = word_index(name, effect_names);
	if (effect < 0)
		return complain_unknown(at, name, "an effect", effect_names);
	if (!amount || strlen(text) >= 32 ||
	    !is_amount((enum effect)effect, amount + 1))
		return complain(at, "'%.60s': %s needs an amount: %s", text,
				name,
				effect <= EFFECT_SCAN   ? "scan=2us" :
				effect == EFFECT_MEMORY ? "memory=64KiB" :
							  "calls=3");
	return true;
}
