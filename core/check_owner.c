// SPDX-License-Identifier: MIT
/* Check of who has which VRAM: whose a page is, and that nothing has two owners. */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "check_internal.h"
#include "vram.h"

/* --- whose a page is --- */

/* Runs of VRAM that a live mapping shows, into @runs if that is not NULL.  Return: how many. */
static size_t runs_of(const struct nvbar_gpu *gpu, struct nvbar_mapping *mapping,
		      struct nvbar_share *runs)
{
	u64 va = mapping->node.start, end = va + mapping->node.len;
	u64 next = ~0ULL; /* no page follows it */
	size_t nr = 0;

	while (va < end) {
		struct nvbar_pte pte;
		u64 bytes = 1ULL << nvbar_pt_lookup(gpu, va, &pte);

		if (pte.state == NVBAR_ENTRY_VALID) {
			if (pte.addr != next && runs)
				runs[nr] = (struct nvbar_share){
					.mapping = mapping,
					.va = va,
					.pa = pte.addr,
				};
			nr += pte.addr != next;
			next = pte.addr + bytes;
			if (runs)
				runs[nr - 1].end = next;
		} else {
			next = ~0ULL;
		}
		va = (va | (bytes - 1)) + 1;
	}
	return nr;
}

static size_t all_runs(const struct nvbar_gpu *gpu, struct nvbar_share *runs)
{
	struct nvbar_va_node *node;
	size_t nr = 0;

	for (node = nvbar_va_first(&gpu->vmm.va); node; node = nvbar_va_next(node))
		if (mapping_of(node)->state == NVBAR_MAPPING_MAPPED)
			nr += runs_of(gpu, mapping_of(node), runs ? runs + nr : NULL);
	return nr;
}

static int know_owners(const struct nvbar_gpu *gpu, struct nvbar_check_owners *owners)
{
	size_t nr, i;

	if (owners->known)
		return 0;
	nr = all_runs(gpu, NULL);
	owners->runs = kvmalloc_array(nr + 1, sizeof(*owners->runs), GFP_KERNEL);
	if (!owners->runs)
		return -ENOMEM;
	all_runs(gpu, owners->runs);
	for (i = 0; i < nr; i++) {
		struct nvbar_share *run = &owners->runs[i];

		nvbar_share_add(&owners->index, run,
				(struct nvbar_span){ run->pa, run->end - run->pa });
	}
	owners->known = true;
	return 0;
}

static bool find_allocation(struct nvbar_gpu *gpu, u64 pa, struct nvbar_span *span)
{
	const struct nvbar_vram *vram;
	size_t i;

	guard(mutex)(&gpu->vram_lock);
	list_for_each_entry(vram, &gpu->vrams, link)
	{
		for (i = 0; i < vram->nr_spans; i++) {
			*span = vram->span[i];
			if (pa - span->pa < span->len)
				return true;
		}
	}
	return false;
}

int nvbar_check_owner(struct nvbar_check_ctx *ctx, u64 pa, char *text, size_t len)
{
	const struct nvbar_share *run;
	struct nvbar_gpu *gpu = ctx->gpu;
	struct nvbar_span span;
	int ret;

	if (pa >= gpu->vram_size) {
		scnprintf(text, len, "beyond VRAM");
		return 0;
	}
	if (pa - gpu->reserved_pa < gpu->reserved_len) {
		scnprintf(text, len, "the driver's own");
		return 0;
	}
	ret = know_owners(gpu, &ctx->owners);
	if (ret)
		return ret;
	run = nvbar_share_first(&ctx->owners.index, (struct nvbar_span){ pa, NVBAR_PAGE_SIZE });
	if (run)
		scnprintf(text, len, "shown by the mapping 0x%llx+0x%llx \"%s\"",
			  run->mapping->node.start, run->mapping->node.len, run->mapping->label);
	else if (find_allocation(gpu, pa, &span))
		scnprintf(text, len, "of the allocation at 0x%llx+0x%llx", span.pa, span.len);
	else
		scnprintf(text, len, "nobody's");
	return 0;
}

/* --- nothing has two owners --- */

static size_t nr_spans(const struct nvbar_gpu *gpu)
{
	const struct nvbar_vram *vram;
	size_t nr = 0;

	list_for_each_entry(vram, &gpu->vrams, link) nr += vram->nr_spans;
	return nr;
}

/* All allocations in the order of their addresses. */
static void sort_spans(const struct nvbar_gpu *gpu, struct nvbar_share *spans,
		       struct rb_root *sorted)
{
	const struct nvbar_vram *vram;
	size_t i;

	list_for_each_entry(vram, &gpu->vrams, link) for (i = 0; i < vram->nr_spans; i++)
		nvbar_share_add(sorted, spans++, vram->span[i]);
}

/* Each against the one before, which reaches furthest of all before it, and against free runs. */
static void check_overlap(struct nvbar_check_ctx *ctx, const struct rb_root *sorted)
{
	const struct nvbar_block *run = nvbar_buddy_first_run(&ctx->gpu->buddy);
	const struct nvbar_share *before = NULL;
	struct rb_node *rb;

	for (rb = rb_first(sorted); rb; rb = rb_next(rb)) {
		const struct nvbar_share *span = rb_entry(rb, struct nvbar_share, rb);

		if (before && before->end > span->pa)
			nvbar_check_problem(ctx->check, NVBAR_CHECK_VRAM_OVERLAP,
					    "0x%llx+0x%llx is allocated, and so is 0x%llx+0x%llx",
					    span->pa, span->end - span->pa, before->pa,
					    before->end - before->pa);
		if (!before || span->end > before->end)
			before = span;
		while (run && run->pa + run->len <= span->pa)
			run = nvbar_buddy_next_run(run);
		if (run && run->pa < span->end)
			nvbar_check_problem(ctx->check, NVBAR_CHECK_VRAM_OVERLAP,
					    "0x%llx+0x%llx is allocated, but 0x%llx+0x%llx is free",
					    span->pa, span->end - span->pa, run->pa, run->len);
		if (span->end > ctx->gpu->reserved_pa)
			nvbar_check_problem(ctx->check, NVBAR_CHECK_VRAM_OVERLAP,
					    "0x%llx+0x%llx is allocated, but from 0x%llx on it is "
					    "not ours to give",
					    span->pa, span->end - span->pa, ctx->gpu->reserved_pa);
	}
}

int nvbar_check_vram(struct nvbar_check_ctx *ctx)
{
	struct nvbar_gpu *gpu = ctx->gpu;
	struct rb_root sorted = RB_ROOT;
	struct nvbar_share *spans;
	size_t nr;

	guard(mutex)(&gpu->vram_lock);
	/* Runs of a tree that is damaged are not gone through. */
	if (!nvbar_buddy_verify(&gpu->buddy)) {
		nvbar_check_problem(ctx->check, NVBAR_CHECK_VRAM_ALLOCATOR,
				    "free runs, their sums or their order");
		return 0;
	}
	nr = nr_spans(gpu);
	if (!nr)
		return 0;
	spans = kvmalloc_array(nr, sizeof(*spans), GFP_KERNEL);
	if (!spans)
		return -ENOMEM;
	sort_spans(gpu, spans, &sorted);
	check_overlap(ctx, &sorted);
	kvfree(spans);
	return 0;
}
