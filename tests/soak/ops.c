// SPDX-License-Identifier: MIT
/* The ops: a table of them, how they are chosen, and what they have in common. */
#include "ops.h"

#include <string.h>

#include "../random.h"

/* --- what ops have in common ----------------------------------------------- */

unsigned int slot_of(const struct op *op)
{
	return op->n[0] % NR_SLOTS;
}

/* A slot for a new mapping, if the reference has room for what may come of it. */
struct handle *empty_slot(struct run *run, const struct op *op)
{
	struct handle *h = &run->slot[slot_of(op)];

	return h->a || h->prepared || run->ref.nr_ranges + 2 > MAX_RANGES ? NULL : h;
}

struct handle *mapped_slot(struct run *run, const struct op *op)
{
	struct handle *h = &run->slot[slot_of(op)];

	return h->a ? h : NULL;
}

struct handle *prepared_slot(struct run *run, const struct op *op)
{
	struct handle *h = &run->slot[slot_of(op)];

	return h->prepared ? h : NULL;
}

void fill(uint8_t *buf, uint64_t len, uint64_t seed)
{
	uint64_t i;

	for (i = 0; i < len; i++)
		buf[i] = (uint8_t)((seed + i) * 0x9e3779b97f4a7c15u >> 56);
}

void compare(struct run *run, const char *what, const char *call, uint64_t at, const uint8_t *is,
	     const uint8_t *should_be, uint64_t len)
{
	uint64_t i;

	if (!memcmp(is, should_be, len))
		return;
	for (i = 0; is[i] == should_be[i]; i++)
		;
	say_bytes(run, call, at + i, should_be[i]);
	fail(run, what, "0x%llx+0x%llx: byte 0x%llx is 0x%02x, not 0x%02x", (unsigned long long)at,
	     (unsigned long long)len, (unsigned long long)i, is[i], should_be[i]);
}

/* --- choosing ---------------------------------------------------------------- */

/* What is thought to be in slots: an op that is wrong about it does nothing. */
struct guess {
	enum { EMPTY, HAS_PREPARED, HAS_MAPPED } slot[NR_SLOTS];
	bool fault;
	uint64_t rng;
};

static unsigned int below(struct guess *g, unsigned int limit)
{
	return (unsigned int)(random_next(&g->rng) % limit);
}

static unsigned int pick_slot(struct guess *g, unsigned int has, unsigned int then)
{
	unsigned int i, slot = below(g, NR_SLOTS);

	for (i = 0; i < NR_SLOTS && g->slot[slot] != has; i++)
		slot = (slot + 1) % NR_SLOTS;
	if (g->slot[slot] == has)
		g->slot[slot] = then;
	return slot;
}

static unsigned int some_pages(struct guess *g)
{
	switch (below(g, 16)) {
	case 0:
		return 1 + below(g, 1024);
	case 1:
	case 2:
		return 16u << below(g, 6);
	case 3:
	case 4:
	case 5:
		return 1;
	default:
		return below(g, 40);
	}
}

static unsigned int some_first(struct guess *g)
{
	static const unsigned int unit[] = { 1, 16, 16, 512 };
	unsigned int u = unit[below(g, 4)];

	return below(g, 1024 / u) * u;
}

static unsigned int some_flags(struct guess *g)
{
	return (below(g, 5) ? 0 : FLAG_RDONLY) | (below(g, 3) ? 0 : FLAG_PRIVATE) |
	       (below(g, 4) ? 0 : FLAG_FIXED) | (below(g, 3) ? 0 : below(g, 4) * 8) |
	       (below(g, 4) ? 0 : FLAG_LABEL);
}

/* The addresses of 64 MiB, and a few more. */
static unsigned int some_va(struct guess *g)
{
	unsigned int va = below(g, 16384 + 32);

	return below(g, 2) ? va & ~511u : va;
}

static unsigned int some_shape(struct guess *g)
{
	static const unsigned int shapes[] = {
		RUN, RUN, RUN, RUN, RUN, RUN, RUN,
		SCATTERED, SCATTERED, BLOCKS, BLOCKS, HOLE, HOLE, SAME,
	};
	unsigned int shape = shapes[below(g, NR_OF(shapes))];

	if (!below(g, 20))
		shape = GIANT + below(g, 3);
	return shape + NR_SHAPES * below(g, NR_WAYS);
}

static unsigned int some_len(struct guess *g)
{
	return below(g, 10) ? below(g, 200) : below(g, 10) ? below(g, 8192) : below(g, MAX_COPY);
}

static void choose_map(struct guess *g, unsigned int *n)
{
	n[0] = pick_slot(g, EMPTY, HAS_MAPPED);
	n[1] = some_first(g);
	n[2] = some_pages(g);
	n[3] = some_shape(g);
	n[4] = some_flags(g);
	n[5] = some_va(g);
}

static void choose_prepare(struct guess *g, unsigned int *n)
{
	n[0] = pick_slot(g, EMPTY, HAS_PREPARED);
	n[1] = some_pages(g);
	n[2] = some_flags(g);
	n[3] = some_va(g);
}

static void choose_execute(struct guess *g, unsigned int *n)
{
	n[0] = pick_slot(g, HAS_PREPARED, HAS_MAPPED);
	n[1] = some_first(g);
	n[2] = some_shape(g) % NR_SHAPES;
	n[3] = !below(g, 16);
}

static void choose_cancel(struct guess *g, unsigned int *n)
{
	n[0] = pick_slot(g, HAS_PREPARED, EMPTY);
}

static void choose_unmap(struct guess *g, unsigned int *n)
{
	n[0] = pick_slot(g, HAS_MAPPED, EMPTY);
}

static void choose_access(struct guess *g, unsigned int *n)
{
	n[0] = pick_slot(g, HAS_MAPPED, HAS_MAPPED);
	n[1] = below(g, ARENA);
	n[2] = some_len(g);
	n[3] = (unsigned int)random_next(&g->rng);
}

static void choose_single(struct guess *g, unsigned int *n)
{
	choose_access(g, n);
	n[2] = below(g, 4);
}

static void choose_load(struct guess *g, unsigned int *n)
{
	n[0] = pick_slot(g, HAS_MAPPED, HAS_MAPPED);
	n[1] = below(g, ARENA);
	n[2] = (unsigned int)random_next(&g->rng);
}

static void choose_pramin(struct guess *g, unsigned int *n)
{
	n[0] = below(g, ARENA);
	n[1] = some_len(g);
	n[2] = (unsigned int)random_next(&g->rng);
}

static void choose_walk(struct guess *g, unsigned int *n)
{
	unsigned int has = below(g, 4) ? HAS_MAPPED : HAS_PREPARED;

	n[0] = pick_slot(g, has, has);
	n[1] = below(g, 8 * ARENA);
}

static void choose_alloc(struct guess *g, unsigned int *n)
{
	n[0] = below(g, NR_SPARES);
	n[1] = below(g, 80);
	n[2] = below(g, 8);
}

static void choose_free(struct guess *g, unsigned int *n)
{
	n[0] = below(g, NR_SPARES);
}

static void choose_nothing(struct guess *g, unsigned int *n)
{
	(void)g;
	(void)n;
}

static void choose_zero(struct guess *g, unsigned int *n)
{
	n[0] = below(g, 1u << 18);
}

static void choose_dead(struct guess *g, unsigned int *n)
{
	n[0] = 1 + below(g, below(g, 3) ? 60 : 2000);
	g->fault = true;
}

static void choose_stuck(struct guess *g, unsigned int *n)
{
	(void)n;
	g->fault = true;
}

static void choose_late(struct guess *g, unsigned int *n)
{
	n[0] = 1 + below(g, 20);
	g->fault = true;
}

static void choose_nomem(struct guess *g, unsigned int *n)
{
	n[0] = 1 + below(g, 8);
	n[1] = !below(g, 4);
}

static void choose_flip(struct guess *g, unsigned int *n)
{
	n[0] = below(g, 1000);
}

static void choose_reopen(struct guess *g, unsigned int *n)
{
	n[0] = below(g, 4);
	n[1] = 1 + below(g, 60);
	memset(g->slot, 0, sizeof(g->slot));
	g->fault = false;
}

static const struct kind {
	const char *name;
	const char *number[OP_NUMBERS];
	void (*run)(struct run *run, const struct op *op);
	void (*choose)(struct guess *g, unsigned int *n);
	unsigned int weight;
} kinds[] = {
	{ "map", { "slot", "first", "pages", "shape", "flags", "va" }, op_map, choose_map, 220 },
	{ "prepare", { "slot", "pages", "flags", "va" }, op_prepare, choose_prepare, 50 },
	{ "execute", { "slot", "first", "shape", "more" }, op_execute, choose_execute, 45 },
	{ "cancel", { "slot" }, op_cancel, choose_cancel, 8 },
	{ "unmap", { "slot" }, op_unmap, choose_unmap, 180 },
	{ "write", { "slot", "off", "len", "seed" }, op_write, choose_access, 120 },
	{ "read", { "slot", "off", "len" }, op_read, choose_access, 100 },
	{ "fill", { "slot", "off", "len", "pattern" }, op_fill, choose_access, 40 },
	{ "single", { "slot", "off", "width", "seed" }, op_single, choose_single, 80 },
	{ "load", { "slot", "off" }, op_load, choose_load, 80 },
	{ "flush", { "slot" }, op_flush, choose_load, 10 },
	{ "pointer", { "slot", "off", "seed" }, op_pointer, choose_load, 15 },
	{ "pramin_write", { "off", "len", "seed" }, op_pramin_write, choose_pramin, 40 },
	{ "pramin_read", { "off", "len" }, op_pramin_read, choose_pramin, 40 },
	{ "walk", { "slot", "off" }, op_walk, choose_walk, 50 },
	{ "alloc", { "slot", "pages", "how" }, op_alloc, choose_alloc, 30 },
	{ "free", { "slot" }, op_free, choose_free, 30 },
	{ "trim", { NULL }, op_trim, choose_nothing, 15 },
	{ "zero", { "bytes" }, op_zero, choose_zero, 15 },
	{ "dead", { "access" }, op_dead, choose_dead, 20 },
	{ "stuck", { NULL }, op_stuck, choose_stuck, 2 },
	{ "late", { "accesses" }, op_late, choose_late, 10 },
	{ "nomem", { "allocation", "forever" }, op_nomem, choose_nomem, 60 },
	{ "heal", { NULL }, op_heal, choose_nothing, 0 },
	{ "flip", { "seed" }, op_flip, choose_flip, 5 },
	{ "reopen", { "fault", "at" }, op_reopen, choose_reopen, 2 },
};

static unsigned int kind_named(const char *name)
{
	unsigned int i;

	for (i = 0; strcmp(kinds[i].name, name); i++)
		;
	return i;
}

static unsigned int pick_kind(struct guess *g)
{
	unsigned int i, draw, sum = 0;

	for (i = 0; i < NR_OF(kinds); i++)
		sum += kinds[i].weight;
	draw = below(g, sum);
	for (i = 0; draw >= kinds[i].weight; i++)
		draw -= kinds[i].weight;
	return i;
}

void ops_generate(struct op *ops, size_t nr, uint64_t seed)
{
	struct guess guess = { .rng = seed };
	unsigned int heal_kind = kind_named("heal");
	size_t i;

	for (i = 0; i < nr; i++) {
		ops[i] = (struct op){ .kind = pick_kind(&guess) };
		if (guess.fault && !below(&guess, 8)) {
			ops[i].kind = heal_kind;
			guess.fault = false;
		}
		kinds[ops[i].kind].choose(&guess, ops[i].n);
	}
}

void op_run(struct run *run, const struct op *op)
{
	kinds[op->kind].run(run, op);
}

void op_print(FILE *to, const struct op *op)
{
	const struct kind *kind = &kinds[op->kind];
	unsigned int i;

	fputs(kind->name, to);
	for (i = 0; i < OP_NUMBERS && kind->number[i]; i++)
		fprintf(to, " %s=%u", kind->number[i], op->n[i]);
	fputc('\n', to);
}
