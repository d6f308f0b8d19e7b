// SPDX-License-Identifier: MIT
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include <hw/mmu.h>

#include "walk.h"

/* Where the walk is: the table to read next. */
struct cursor {
	const struct nvbar_walk_space *space;
	struct nvbar_walk_result *res;
	u64 va;
	enum nvbar_aperture aperture;
	u64 table_pa;
};

const char *nvbar_mmu_level_name(unsigned int level, bool big)
{
	static const char *const names[NVBAR_MMU_LEVELS] = {
		"PT4K", "PD0", "PD1", "PD2", "PD3", "PD4",
	};

	return big ? "PT64K" : names[level];
}

static const struct nvbar_mmu_level *shape_of(const struct cursor *cur, unsigned int level, bool big)
{
	return big ? &cur->space->fmt->big : &cur->space->fmt->level[level];
}

/* Reads the entry for the VA in the current table and notes it down. */
static int read_step(struct cursor *cur, unsigned int level, bool big, struct nvbar_walk_step **out)
{
	const struct nvbar_mmu_level *shape = shape_of(cur, level, big);
	struct nvbar_walk_step *step = &cur->res->step[cur->res->nr_steps];

	*step = (struct nvbar_walk_step){
		.level = level,
		.big = big,
		.index = nvbar_mmu_index(shape, cur->va),
		.aperture = cur->aperture,
	};
	step->pa = cur->table_pa + 8ULL * shape->entry_words * step->index;
	cur->res->nr_steps++;
	*out = step;
	return cur->space->read(cur->space->ctx, step->aperture, step->pa, step->raw,
				shape->entry_words);
}

static void end_at_leaf(struct cursor *cur, const struct nvbar_pte *pte, unsigned int shift)
{
	struct nvbar_walk_result *res = cur->res;

	switch (pte->state) {
	case NVBAR_ENTRY_VALID:
		res->end = NVBAR_WALK_END_OK;
		res->leaf = *pte;
		res->page_shift = shift;
		/* Address bits below the page size should be zero; they are not used. */
		res->pa = (pte->addr & ~GENMASK_ULL(shift - 1, 0)) |
			  (cur->va & GENMASK_ULL(shift - 1, 0));
		break;
	case NVBAR_ENTRY_SPARSE:
		res->end = NVBAR_WALK_END_SPARSE;
		break;
	case NVBAR_ENTRY_NO_4K_RM:
		/* A form for 64 KiB entries; elsewhere it is no more than the sparse bit in it. */
		res->end = shift == MMU_PAGE_SHIFT_64K ? NVBAR_WALK_END_INVALID :
							 NVBAR_WALK_END_SPARSE;
		break;
	default:
		res->end = NVBAR_WALK_END_INVALID;
		break;
	}
}

static int walk_leaf_table(struct cursor *cur, bool big, struct nvbar_pte *pte)
{
	struct nvbar_walk_step *step;
	int ret = read_step(cur, 0, big, &step);

	if (ret)
		return ret;
	cur->space->fmt->decode_pte(step->raw[0], pte);
	end_at_leaf(cur, pte, shape_of(cur, 0, big)->shift);
	return 0;
}

static void enter(struct cursor *cur, const struct nvbar_pde *pde)
{
	cur->aperture = pde->aperture;
	cur->table_pa = pde->addr;
}

/*
 * PDE0: the 64 KiB table is asked first, and only an entry there that is
 * plainly invalid hands over to the 4 KiB table [uvm, nouveau].
 */
static int walk_dual(struct cursor *cur, const struct nvbar_walk_step *step)
{
	const struct nvbar_mmu_fmt *fmt = cur->space->fmt;
	struct nvbar_pde big, small;
	struct nvbar_pte pte;
	int ret;

	fmt->decode_pde(step->raw[0], true, &big);
	fmt->decode_pde(step->raw[1], false, &small);

	if (big.state == NVBAR_ENTRY_VALID) {
		enter(cur, &big);
		ret = walk_leaf_table(cur, true, &pte);
		if (ret || pte.state != NVBAR_ENTRY_INVALID)
			return ret;
	}
	if (small.state == NVBAR_ENTRY_VALID && !nvbar_mmu_is_leaf(step->raw[1])) {
		enter(cur, &small);
		return walk_leaf_table(cur, false, &pte);
	}
	cur->res->end = big.state == NVBAR_ENTRY_SPARSE ? NVBAR_WALK_END_SPARSE :
							  NVBAR_WALK_END_INVALID;
	return 0;
}

/* One directory level; @more is set while there is a table to go on with. */
static int walk_directory(struct cursor *cur, unsigned int level, bool *more)
{
	const struct nvbar_mmu_fmt *fmt = cur->space->fmt;
	const struct nvbar_mmu_level *shape = &fmt->level[level];
	struct nvbar_walk_step *step;
	struct nvbar_pde pde;
	struct nvbar_pte pte;
	int ret;

	*more = false;
	ret = read_step(cur, level, false, &step);
	if (ret)
		return ret;

	if (nvbar_mmu_is_leaf(step->raw[0])) {
		/* Where the chip has no such page the entry means nothing [assumed]. */
		if (cur->space->page_sizes & BIT_ULL(shape->shift)) {
			fmt->decode_pte(step->raw[0], &pte);
			end_at_leaf(cur, &pte, shape->shift);
		}
		return 0;
	}
	if (shape->entry_words == 2)
		return walk_dual(cur, step);

	fmt->decode_pde(step->raw[0], false, &pde);
	switch (pde.state) {
	case NVBAR_ENTRY_VALID:
		enter(cur, &pde);
		*more = true;
		break;
	case NVBAR_ENTRY_SPARSE:
		cur->res->end = NVBAR_WALK_END_SPARSE;
		break;
	default:
		break;
	}
	return 0;
}

int nvbar_mmu_walk(const struct nvbar_walk_space *space, u64 va, struct nvbar_walk_result *res)
{
	struct cursor cur = {
		.space = space,
		.res = res,
		.va = va,
		.aperture = space->root_aperture,
		.table_pa = space->root_pa,
	};
	unsigned int level = space->fmt->nr_levels;
	bool more = true;
	int ret = 0;

	*res = (struct nvbar_walk_result){ .end = NVBAR_WALK_END_INVALID };
	if (va >> space->fmt->va_bits) {
		res->end = NVBAR_WALK_END_VA_RANGE;
		return 0;
	}
	/* Level 1 is never followed by more: what a dual PDE points to are leaf tables. */
	while (!ret && more)
		ret = walk_directory(&cur, --level, &more);
	if (ret != -EFAULT)
		return ret;
	res->end = NVBAR_WALK_END_UNREADABLE;
	return 0;
}
