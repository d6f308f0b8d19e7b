/* SPDX-License-Identifier: MIT */
/* Visiting every table and entry that the GPU can reach, for inspection. */
#ifndef NVBAR_CORE_TREE_H
#define NVBAR_CORE_TREE_H

#include <linux/types.h>

#include "span.h"
#include "walk.h"

/**
 * struct nvbar_tree_table - a table met
 * @level: its level
 * @big: it is one of 64 KiB leaves
 * @aperture: memory it is in
 * @pa: its address
 * @va: first VA that it covers
 * @shape: what it looks like
 */
struct nvbar_tree_table {
	unsigned int level;
	bool big;
	enum nvbar_aperture aperture;
	u64 pa;
	u64 va;
	const struct nvbar_mmu_level *shape;
};

/**
 * struct nvbar_tree_visitor - what to do with what is met
 *
 * Results: 0 to go on, or a negative errno that ends the visit.
 *
 * @table: a table before its entries, with all its words
 * @entry: an entry that is not all zero, before the tables below it
 * @ctx: first argument of both
 */
struct nvbar_tree_visitor {
	int (*table)(void *ctx, const struct nvbar_tree_table *table, const u64 *words);
	int (*entry)(void *ctx, const struct nvbar_tree_table *table, u32 index, const u64 *raw);
	void *ctx;
};

/**
 * struct nvbar_tree_bounds - how far a visit goes
 * @va_limit: tables from this VA on are not entered
 * @region: tables elsewhere in VRAM, or in other memory, are not entered; begins
 *	and ends at multiples of 4 KiB
 */
struct nvbar_tree_bounds {
	u64 va_limit;
	struct nvbar_span region;
};

/**
 * nvbar_tree_visit - visit tables and entries in VA order
 * @space: the tables
 * @bounds: how far to go
 * @visitor: what to do
 *
 * Tables that can't be read are passed over.  However damaged the tables are,
 * even if they are loops or lead to each other in all ways, the visit ends: a
 * place in the region is entered once as a table of each level, and once as one
 * of 64 KiB leaves.  So no more is read than that many times the region's bytes.
 *
 * Return: 0, -ENOMEM, a visitor's errno, or what reading failed with.
 */
int nvbar_tree_visit(const struct nvbar_walk_space *space, const struct nvbar_tree_bounds *bounds,
		     const struct nvbar_tree_visitor *visitor);

#endif
