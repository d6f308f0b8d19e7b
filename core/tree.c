// SPDX-License-Identifier: MIT
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "tree.h"

/* Words of the largest table */
#define TABLE_WORDS	512

/* Tables begin at multiples of 4 KiB, those of 64 KiB leaves at multiples of this */
#define BIG_ALIGN	256

struct visit {
	const struct nvbar_walk_space *space;
	const struct nvbar_tree_visitor *visitor;
	const struct nvbar_tree_bounds *bounds;
	u64 (*words)[TABLE_WORDS];	/* a table per level: an entry's tables are visited within it */
	/* Bits for places in the region where a table of 64 KiB leaves may begin, then of each level */
	unsigned long *seen;
};

/* NOLINTBEGIN(misc-no-recursion): as deep as page tables have levels */
static int visit_table(struct visit *visit, const struct nvbar_tree_table *table);

static int visit_child(struct visit *visit, const struct nvbar_tree_table *parent, u64 va, u64 word,
		       bool big)
{
	const struct nvbar_mmu_fmt *fmt = visit->space->fmt;
	struct nvbar_tree_table child = {
		.level = parent->level - 1,
		.big = big,
		.va = va,
	};
	struct nvbar_pde pde;

	fmt->decode_pde(word, big, &pde);
	if (nvbar_mmu_is_leaf(word) || pde.state != NVBAR_ENTRY_VALID)
		return 0;
	child.aperture = pde.aperture;
	child.pa = pde.addr;
	child.shape = big ? &fmt->big : &fmt->level[child.level];
	return visit_table(visit, &child);
}

static int visit_entry(struct visit *visit, const struct nvbar_tree_table *table, u32 index,
		       const u64 *raw)
{
	u64 va = table->va + ((u64)index << table->shape->shift);
	bool dual = table->shape->entry_words == 2;
	int ret;

	if (visit->visitor->entry) {
		ret = visit->visitor->entry(visit->visitor->ctx, table, index, raw);
		if (ret)
			return ret;
	}
	/* Bit 0 of the first word makes the whole entry a leaf. */
	if (!table->level || va >= visit->bounds->va_limit || nvbar_mmu_is_leaf(raw[0]))
		return 0;
	ret = visit_child(visit, table, va, raw[0], dual);
	if (!ret && dual)
		ret = visit_child(visit, table, va, raw[1], false);
	return ret;
}

/* Bits of @seen before those of a level. */
static u64 first_bit(const struct nvbar_span *region, unsigned int level)
{
	return region->len / BIG_ALIGN + level * (region->len / NVBAR_PAGE_SIZE);
}

/* In the region, and not met before as a table of this level. */
static bool may_enter(struct visit *visit, const struct nvbar_tree_table *table)
{
	const struct nvbar_span *region = &visit->bounds->region;
	u64 align = table->big ? BIG_ALIGN : NVBAR_PAGE_SIZE;
	u64 off = table->pa - region->pa;
	u64 bit = off / align;

	/* No entry has room for an address that is not aligned. */
	if (table->aperture != NVBAR_APERTURE_VID || table->pa < region->pa || off >= region->len)
		return false;
	if (!table->big)
		bit += first_bit(region, table->level);
	if (test_bit(bit, visit->seen))
		return false;
	__set_bit(bit, visit->seen);
	return true;
}

static int visit_table(struct visit *visit, const struct nvbar_tree_table *table)
{
	u64 *words = visit->words[table->level];
	size_t entry_words = table->shape->entry_words;
	u32 nr = 1u << table->shape->bits;
	u32 i;
	int ret;

	if (!may_enter(visit, table))
		return 0;
	ret = visit->space->read(visit->space->ctx, table->aperture, table->pa, words,
				 nr * entry_words);
	if (ret)
		return ret == -EFAULT ? 0 : ret;
	if (visit->visitor->table) {
		ret = visit->visitor->table(visit->visitor->ctx, table, words);
		if (ret)
			return ret;
	}
	for (i = 0; i < nr; i++) {
		const u64 raw[2] = {
			words[i * entry_words],
			entry_words == 2 ? words[i * entry_words + 1] : 0,
		};

		if (!raw[0] && !raw[1])
			continue;
		ret = visit_entry(visit, table, i, raw);
		if (ret)
			return ret;
	}
	return 0;
}
/* NOLINTEND(misc-no-recursion) */

int nvbar_tree_visit(const struct nvbar_walk_space *space, const struct nvbar_tree_bounds *bounds,
		     const struct nvbar_tree_visitor *visitor)
{
	const struct nvbar_mmu_fmt *fmt = space->fmt;
	const struct nvbar_tree_table root = {
		.level = fmt->nr_levels - 1,
		.aperture = space->root_aperture,
		.pa = space->root_pa,
		.shape = &fmt->level[fmt->nr_levels - 1],
	};
	struct visit visit = {
		.space = space,
		.visitor = visitor,
		.bounds = bounds,
	};
	int ret = -ENOMEM;

	visit.words = kcalloc(fmt->nr_levels, sizeof(*visit.words), GFP_KERNEL);
	visit.seen = kvcalloc(BITS_TO_LONGS(first_bit(&bounds->region, fmt->nr_levels)),
			      sizeof(*visit.seen), GFP_KERNEL);
	if (visit.words && visit.seen)
		ret = visit_table(&visit, &root);
	kvfree(visit.seen);
	kfree(visit.words);
	return ret;
}
