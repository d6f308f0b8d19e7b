// SPDX-License-Identifier: MIT
/*
 * Check of the TLB, where a model lets one look into it: what it holds must be
 * what the tables say.
 *
 * Every change of the tables is followed by an invalidate, and vmm.lock is
 * held over both.  So with the lock held the TLB agrees with the tables, but
 * for one case: an invalidate that the GPU did not confirm.  From then until
 * one succeeds there may be left in the TLB, and nothing else,
 *  - of ranges in quarantine: whatever was there before,
 *  - of tables: entries as they were before these tables were linked or
 *    unlinked, as long as no live mapping goes through them.  A table that was
 *    unlinked is still at its home, and its memory serves no other address; one
 *    that was linked is kept warm, and empty.
 * No live mapping depends on any of it: it went live by an invalidate that
 * succeeded.
 */
#include <linux/errno.h>
#include <linux/minmax.h>

#include "check_internal.h"
#include "chip.h"
#include "pt_internal.h"
#include "walk.h"

/* Entries taken at a time */
#define BATCH 16

/* An invalidate was not confirmed, and none since then. */
static bool is_owed(const struct nvbar_gpu *gpu)
{
	return !list_empty(&gpu->vmm.quarantine) || gpu->tlb.busy || gpu->vmm.pt.behind;
}

/* Of a leaf one address is enough: it covers nothing but its mapping. */
static bool in_quarantine(const struct nvbar_gpu *gpu, u64 va)
{
	const struct nvbar_va_node *node = nvbar_va_find(&gpu->vmm.va, va);

	return node && mapping_of(node)->state == NVBAR_MAPPING_QUARANTINED;
}

static bool any_live(const struct nvbar_gpu *gpu, u64 va, u64 len)
{
	const struct nvbar_va_node *node;

	for (node = nvbar_va_first(&gpu->vmm.va); node && node->start < va + len;
	     node = nvbar_va_next(node))
		if (node->start + node->len > va && mapping_of(node)->state == NVBAR_MAPPING_MAPPED)
			return true;
	return false;
}

/* --- translations --- */

static bool translates_so(const struct nvbar_tlb_entry *cached, const struct nvbar_pte *pte, u64 pa)
{
	if (pte->state != NVBAR_ENTRY_VALID)
		return cached->state == pte->state;
	return cached->state == NVBAR_ENTRY_VALID && cached->aperture == pte->aperture &&
	       cached->pa == pa && cached->ro == pte->ro;
}

/* What the driver wrote; it looks at no shadow but that of a live mapping. */
static bool agrees_with_shadow(const struct nvbar_gpu *gpu, const struct nvbar_tlb_entry *cached)
{
	struct nvbar_pte pte = {
		.state = gpu->vmm.pt.sparse ? NVBAR_ENTRY_SPARSE : NVBAR_ENTRY_INVALID,
	};
	u64 skip = 0;

	if (nvbar_check_live(gpu, cached->va))
		skip = cached->va & ((1ULL << nvbar_pt_lookup(gpu, cached->va, &pte)) - 1);
	return translates_so(cached, &pte, pte.addr + skip);
}

static int agrees_with_vram(struct nvbar_gpu *gpu, const struct nvbar_tlb_entry *cached,
			    bool *agrees)
{
	const struct nvbar_walk_space space = {
		.fmt = gpu->chip->mmu,
		.page_sizes = gpu->chip->page_sizes,
		.root_aperture = NVBAR_APERTURE_VID,
		.root_pa = nvbar_pt_root(gpu),
		.read = nvbar_vmm_walk_read,
		.ctx = gpu,
	};
	struct nvbar_walk_result res;
	int ret = nvbar_mmu_walk(&space, cached->va, &res);

	if (ret)
		return ret;
	if (res.end != NVBAR_WALK_END_OK)
		res.leaf.state =
			res.end == NVBAR_WALK_END_SPARSE ? NVBAR_ENTRY_SPARSE : NVBAR_ENTRY_INVALID;
	*agrees = translates_so(cached, &res.leaf, res.pa);
	return 0;
}

static int check_translation(struct nvbar_check_ctx *ctx, const struct nvbar_tlb_entry *cached)
{
	struct nvbar_gpu *gpu = ctx->gpu;
	bool agrees = false;
	int ret;

	if (agrees_with_shadow(gpu, cached) ||
	    (is_owed(gpu) && in_quarantine(gpu, cached->va)))
		return 0;
	/* Then the tables are wrong, which has been said. */
	ret = agrees_with_vram(gpu, cached, &agrees);
	if (ret || agrees)
		return ret;
	if (cached->state == NVBAR_ENTRY_VALID)
		nvbar_check_problem(ctx->check, NVBAR_CHECK_STALE_TLB,
				    "VA 0x%llx leads to 0x%llx%s", cached->va, cached->pa,
				    cached->ro ? ", read-only" : "");
	else
		nvbar_check_problem(ctx->check, NVBAR_CHECK_STALE_TLB, "VA 0x%llx leads nowhere",
				    cached->va);
	return 0;
}

/* --- page-directory entries --- */

static bool is_empty(const struct nvbar_pt_level *level, u64 i)
{
	const u64 *entry = level->table[i].entry;
	u32 w;

	for (w = 0; entry && w < level->table_bytes / 8; w++)
		if (nvbar_mmu_is_valid(entry[w]))
			return false;
	return true;
}

/* What may be left behind of a word while an invalidate is owed; see above. */
static bool may_be_left(const struct nvbar_gpu *gpu, const struct nvbar_tlb_entry *cached,
			unsigned int word, u64 now)
{
	const struct nvbar_pt *pt = &gpu->vmm.pt;
	const struct nvbar_pt_level *level = &pt->level[cached->level];
	const struct nvbar_mmu_level *shape = level->shape;
	bool big = shape->entry_words == 2 && !word;
	const struct nvbar_pt_level *below = big ? &pt->big : &pt->level[cached->level - 1];
	u64 i = cached->va >> shape->shift;
	u64 was = cached->word[word];

	if (!is_owed(gpu))
		return false;
	if (nvbar_mmu_is_leaf(was) || nvbar_mmu_is_leaf(now))
		return in_quarantine(gpu, cached->va);
	/* Where nothing is mapped is nothing or the background, by the tables that there are. */
	if (!nvbar_mmu_is_valid(now))
		return was == pt_pde(pt, below, i) || (was ^ now) == level->background;
	if (was && was != level->background)
		return false;
	if (cached->level == 1)
		return is_empty(below, i);
	return !any_live(gpu, cached->va, 1ULL << shape->shift);
}

static int check_pde(struct nvbar_check_ctx *ctx, const struct nvbar_tlb_entry *cached)
{
	struct nvbar_gpu *gpu = ctx->gpu;
	const struct nvbar_pt_level *level = &gpu->vmm.pt.level[cached->level];
	const struct nvbar_mmu_level *shape = level->shape;
	u64 i = cached->va >> nvbar_mmu_table_shift(shape);
	u32 first = nvbar_mmu_index(shape, cached->va) * shape->entry_words;
	const u64 *entry = level->table[i].linked ? level->table[i].entry : NULL;
	unsigned int w;
	u64 in_vram;
	int ret;

	for (w = 0; w < shape->entry_words; w++) {
		u64 now = entry ? entry[first + w] : 0;

		if (cached->word[w] == now || may_be_left(gpu, cached, w, now))
			continue;
		ret = nvbar_pramin_rd_words(gpu, pt_table_pa(level, i) + 8ULL * (first + w), &in_vram,
					    1);
		if (ret)
			return ret;
		/* Then the tables are wrong, which has been said. */
		if (entry && in_vram == cached->word[w])
			continue;
		nvbar_check_problem(
			ctx->check, NVBAR_CHECK_STALE_TLB,
			"%s entry for VA 0x%llx is cached as 0x%016llx, but is 0x%016llx",
			nvbar_mmu_level_name(cached->level, false), cached->va, cached->word[w],
			now);
	}
	return 0;
}

int nvbar_check_tlb(struct nvbar_check_ctx *ctx)
{
	struct nvbar_gpu *gpu = ctx->gpu;
	struct nvbar_tlb_entry cached[BATCH];
	u64 cursor = 0;
	size_t nr, i;
	int ret;

	if (!gpu->ops->tlb_read)
		return 0;
	while ((nr = gpu->ops->tlb_read(gpu->hw, &cursor, cached, BATCH))) {
		for (i = 0; i < nr; i++) {
			ret = cached[i].level ? check_pde(ctx, &cached[i])
					      : check_translation(ctx, &cached[i]);
			if (ret)
				return ret;
		}
	}
	return 0;
}
