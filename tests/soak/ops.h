/* SPDX-License-Identifier: MIT */
/* The ops, by what they call. */
#ifndef TESTS_SOAK_OPS_H
#define TESTS_SOAK_OPS_H

#include "soak.h"

/* Flags of a mapping; two bits choose the largest page. */
#define FLAG_RDONLY	1u
#define FLAG_PRIVATE	2u
#define FLAG_FIXED	4u
#define FLAG_SHIFT	(8u | 16u)
#define FLAG_LABEL	32u

/* Shapes of pages. */
enum { RUN, SCATTERED, SAME, BLOCKS, HOLE, GIANT, OUTSIDE, DRIVERS, NR_SHAPES };
/* Ways to name them. */
enum { EXTENTS, FRAMES, PART, PIECES, NR_WAYS };

/* Handles by an op's first number; NULL if the slot has something else. */
struct handle *empty_slot(struct run *run, const struct op *op);
struct handle *mapped_slot(struct run *run, const struct op *op);
struct handle *prepared_slot(struct run *run, const struct op *op);
unsigned int slot_of(const struct op *op);

/* @len bytes that @seed stands for; as the program's fill() */
void fill(uint8_t *buf, uint64_t len, uint64_t seed);
/* What was read; a difference is said as @call, a call up to its offset. */
void compare(struct run *run, const char *what, const char *call, uint64_t at, const uint8_t *is,
	     const uint8_t *should_be, uint64_t len);

void op_map(struct run *run, const struct op *op);
void op_prepare(struct run *run, const struct op *op);
void op_execute(struct run *run, const struct op *op);
void op_cancel(struct run *run, const struct op *op);
void op_unmap(struct run *run, const struct op *op);
void op_write(struct run *run, const struct op *op);
void op_fill(struct run *run, const struct op *op);
void op_read(struct run *run, const struct op *op);
void op_single(struct run *run, const struct op *op);
void op_load(struct run *run, const struct op *op);
void op_flush(struct run *run, const struct op *op);
void op_pointer(struct run *run, const struct op *op);
void op_pramin_write(struct run *run, const struct op *op);
void op_pramin_read(struct run *run, const struct op *op);
void op_walk(struct run *run, const struct op *op);
void op_trim(struct run *run, const struct op *op);
void op_zero(struct run *run, const struct op *op);
void op_alloc(struct run *run, const struct op *op);
void op_free(struct run *run, const struct op *op);
void op_dead(struct run *run, const struct op *op);
void op_stuck(struct run *run, const struct op *op);
void op_late(struct run *run, const struct op *op);
void op_nomem(struct run *run, const struct op *op);
void op_heal(struct run *run, const struct op *op);
void op_flip(struct run *run, const struct op *op);
void op_reopen(struct run *run, const struct op *op);

#endif
