/* SPDX-License-Identifier: MIT */
/*
 * none.c - of a model without options and counters of its own
 *
 * A file of its own: where the weak definition is seen, the compiler takes its
 * length for that of the model's.
 */
#include "models/common/model.h"

__attribute__((weak)) const struct model_option model_options[] = { { 0 } };
__attribute__((weak)) const struct model_counter model_counters[] = { { 0 } };
