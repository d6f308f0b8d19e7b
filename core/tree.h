/* SPDX-License-Identifier: MIT */
/* Visiting every table and entry that the GPU can reach, for inspection. */
#ifndef NVBAR_CORE_TREE_H
#define NVBAR_CORE_TREE_H

#include <linux/types.h>

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

/** NVBAR_TREE_SKIP - result of a visitor: go on, but not below this */
#define NVBAR_TREE_SKIP		1

/**
 * struct nvbar_tree_visitor - what to do with what is met
 *
 * Results: 0 to go on, NVBAR_TREE_SKIP, or a negative errno that ends the
 * visit.
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
 * nvbar_tree_visit - visit tables and entries in VA order
 * @space: the tables
 * @va_limit: tables from this VA on are not entered
 * @visitor: what to do
 *
 * Tables that can't be read are passed over.  However damaged the tables are,
 * the visit ends: each table of the address space is entered at most once,
 * whatever it shares its memory with.  So for each 2 MiB of @va_limit no more
 * than 512 + 32 leaves are met, and above them no more than in a sound tree.
 *
 * Return: 0, -ENOMEM, a visitor's errno, or what reading failed with.
 */
int nvbar_tree_visit(const struct nvbar_walk_space *space, u64 va_limit,
		     const struct nvbar_tree_visitor *visitor);

#endif
