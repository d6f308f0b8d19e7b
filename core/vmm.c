// SPDX-License-Identifier: MIT
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <hw/mmu.h>

#include "chip.h"
#include "gpu.h"
#include "pramin.h"
#include "tlb.h"
#include "vmm.h"

int nvbar_vmm_init(struct nvbar_gpu *gpu)
{
	struct nvbar_vmm *vmm = &gpu->vmm;
	int ret;

	mutex_init(&vmm->lock);
	INIT_LIST_HEAD(&vmm->accesses);
	INIT_LIST_HEAD(&vmm->quarantine);
	vmm->shared = RB_ROOT;
	nvbar_va_init(&vmm->va, gpu->bar1_size);
	if (!gpu->bar1_size || gpu->observe)
		return 0;
	ret = nvbar_pt_init(gpu, gpu->reserved_pa + NVBAR_PAGE_SIZE);
	if (ret)
		mutex_destroy(&vmm->lock);
	return ret;
}

/* The range is nobody's from here on. */
static void drop_locked(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping)
{
	nvbar_pt_release(gpu, mapping->node.start, mapping->node.len);
	nvbar_va_free(&gpu->vmm.va, &mapping->node);
	gpu->vmm.nr_held--;
	kfree(mapping);
}

static void drain_quarantine(struct nvbar_gpu *gpu)
{
	struct nvbar_mapping *mapping, *next;

	list_for_each_entry_safe(mapping, next, &gpu->vmm.quarantine, link) {
		list_del(&mapping->link);
		drop_locked(gpu, mapping);
	}
}

void nvbar_vmm_fini(struct nvbar_gpu *gpu)
{
	drain_quarantine(gpu);
	nvbar_pt_fini(gpu);
	mutex_destroy(&gpu->vmm.lock);
}

/* Orders what was written to the tables and makes the GPU forget what it knew of them. */
static int publish(struct nvbar_gpu *gpu, enum nvbar_tlb_change change)
{
	int ret = nvbar_pramin_flush(gpu);

	if (!ret)
		ret = nvbar_tlb_invalidate(gpu, nvbar_pt_root(gpu), change);
	if (!ret)
		drain_quarantine(gpu);
	return ret;
}

static bool all_single_pages(const struct nvbar_vmm_request *req)
{
	return req->spans && req->spans->nr == req->len >> NVBAR_PAGE_SHIFT;
}

/*
 * The largest leaf that the request can use, and what its VA must be modulo
 * that: the longest span decides, at the place that it will have.
 */
static u64 best_alignment(u64 page_sizes, const struct nvbar_vmm_request *req, u64 *phase)
{
	struct nvbar_span longest = { 0, req->len };
	u64 off = 0, at = 0;
	size_t i;

	*phase = 0;
	if (all_single_pages(req))
		return NVBAR_PAGE_SIZE;
	if (req->spans)
		longest.len = 0;
	for (i = 0; req->spans && i < req->spans->nr; i++) {
		struct nvbar_span span = nvbar_spans_get(req->spans, i);

		if (span.len > longest.len) {
			longest = span;
			at = off;
		}
		off += span.len;
	}
	*phase = longest.pa - at;
	return 1ULL << (fls64(page_sizes & GENMASK_ULL(ilog2(longest.len), 0)) - 1);
}

/* Anywhere, at the best alignment that there is still room for. */
static int alloc_va(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping,
		    const struct nvbar_vmm_request *req)
{
	u64 align, phase;
	int ret;

	align = best_alignment(mapping->page_sizes, req, &phase);
	for (;;) {
		ret = nvbar_va_alloc(&gpu->vmm.va, &mapping->node, req->len, align,
				     phase & (align - 1));
		if (ret != -ENOSPC || align == NVBAR_PAGE_SIZE)
			return ret;
		align = 1ULL << (fls64(mapping->page_sizes & (align - 1)) - 1);
	}
}

static struct nvbar_pt_plan plan_of(const struct nvbar_mapping *mapping,
				    const struct nvbar_spans *spans)
{
	return (struct nvbar_pt_plan){
		.va = mapping->node.start,
		.len = mapping->node.len,
		.spans = spans,
		.page_sizes = mapping->page_sizes,
	};
}

static int reserve_locked(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping,
			  const struct nvbar_vmm_request *req)
{
	struct nvbar_va *va = &gpu->vmm.va;
	struct nvbar_pt_plan plan;
	int ret;

	if (req->fixed)
		ret = nvbar_va_alloc_fixed(va, &mapping->node, *req->fixed, req->len);
	else
		ret = alloc_va(gpu, mapping, req);
	if (ret)
		return ret;
	plan = plan_of(mapping, req->spans);
	ret = nvbar_pt_reserve(gpu, &plan);
	if (ret) {
		nvbar_va_free(va, &mapping->node);
		return ret;
	}
	gpu->vmm.nr_held++;
	return 0;
}

struct nvbar_mapping *nvbar_vmm_reserve(struct nvbar_gpu *gpu, const struct nvbar_vmm_request *req)
{
	struct nvbar_mapping *mapping;
	struct nvbar_pt_plan plan;
	int ret;

	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);
	if (!mapping)
		return ERR_PTR(-ENOMEM);
	mapping->state = NVBAR_MAPPING_PREPARED;
	mapping->flags = req->flags;
	mapping->page_sizes = gpu->chip->page_sizes;
	if (req->max_page_shift)
		mapping->page_sizes &= GENMASK_ULL(req->max_page_shift, 0);
	if (req->label)
		strscpy(mapping->label, req->label, sizeof(mapping->label));

	mutex_lock(&gpu->vmm.lock);
	ret = reserve_locked(gpu, mapping, req);
	mutex_unlock(&gpu->vmm.lock);
	if (ret) {
		kfree(mapping);
		return ERR_PTR(ret);
	}
	plan = plan_of(mapping, req->spans);
	ret = nvbar_pt_reserve_own(gpu, &plan);
	if (ret) {
		nvbar_vmm_cancel(gpu, mapping);
		return ERR_PTR(ret);
	}
	return mapping;
}

void nvbar_vmm_cancel(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping)
{
	guard(mutex)(&gpu->vmm.lock);
	drop_locked(gpu, mapping);
}

/*
 * Ends a mapping whose entries are valid.  The range is released only after
 * the GPU confirmed that it forgot them.
 */
static int clear_locked(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping)
{
	int ret;

	nvbar_pt_clear(gpu, mapping->node.start, mapping->node.len);
	ret = publish(gpu, NVBAR_TLB_DOWNGRADE);
	if (ret) {
		mapping->state = NVBAR_MAPPING_QUARANTINED;
		list_add_tail(&mapping->link, &gpu->vmm.quarantine);
		return ret;
	}
	drop_locked(gpu, mapping);
	return 0;
}

int nvbar_vmm_map(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping,
		  const struct nvbar_spans *spans)
{
	/* Linear memory: the generic kind [OpenRM, UVM], no access counters [nouveau]. */
	const struct nvbar_pte attr = {
		.state = NVBAR_ENTRY_VALID,
		.aperture = NVBAR_APERTURE_VID,
		.ro = mapping->flags & NVBAR_VMM_RDONLY,
		.no_access_counters = true,
		.kind = MMU_PTE_KIND_GENERIC_MEMORY,
	};
	struct nvbar_pt_plan plan = plan_of(mapping, spans);
	bool more = nvbar_pt_fill(gpu, &plan, &attr);
	struct nvbar_vmm *vmm = &gpu->vmm;
	int ret;

	mutex_lock(&vmm->lock);
	nvbar_pt_map(gpu, &plan, &attr, more);
	ret = publish(gpu, NVBAR_TLB_UPGRADE);
	if (ret) {
		clear_locked(gpu, mapping);
	} else {
		mapping->state = NVBAR_MAPPING_MAPPED;
		mapping->refs = 1;
		mapping->page_sizes = plan.used;
		if (!(mapping->flags & NVBAR_VMM_PRIVATE))
			nvbar_share_add(&vmm->shared, &mapping->share, nvbar_spans_get(spans, 0));
		vmm->nr_mapped++;
		vmm->mapped_bytes += mapping->node.len;
		atomic64_inc(&gpu->count.maps);
	}
	mutex_unlock(&vmm->lock);
	return ret;
}

/* Does the shadow show exactly these pages from @va on? */
static bool shows(const struct nvbar_gpu *gpu, u64 va, u64 end, const struct nvbar_spans *spans)
{
	size_t i;

	for (i = 0; i < spans->nr; i++) {
		struct nvbar_span span = nvbar_spans_get(spans, i);

		if (span.len > end - va)
			return false;
		while (span.len) {
			struct nvbar_pte pte;
			u64 page = 1ULL << nvbar_pt_lookup(gpu, va, &pte);
			u64 skip = va & (page - 1);
			u64 step = min(page - skip, span.len);

			if (pte.state != NVBAR_ENTRY_VALID || pte.addr + skip != span.pa)
				return false;
			va += step;
			span.pa += step;
			span.len -= step;
		}
	}
	return true;
}

/* Mappings that are looked at before giving up: each may take as long as mapping anew. */
#define SHARE_TRIES	4

struct nvbar_mapping *nvbar_vmm_share(struct nvbar_gpu *gpu, const struct nvbar_spans *spans,
				      u32 flags, u64 *off)
{
	struct nvbar_span first = nvbar_spans_get(spans, 0);
	struct nvbar_vmm *vmm = &gpu->vmm;
	struct nvbar_share *share;
	unsigned int tries = 0;

	guard(mutex)(&vmm->lock);
	for (share = nvbar_share_first(&vmm->shared, first); share && tries < SHARE_TRIES;
	     share = nvbar_share_next(share, first), tries++) {
		struct nvbar_mapping *mapping = container_of(share, struct nvbar_mapping, share);
		u64 start = mapping->node.start + (first.pa - share->pa);

		if ((mapping->flags ^ flags) & NVBAR_VMM_RDONLY)
			continue;
		if (!shows(gpu, start, mapping->node.start + mapping->node.len, spans))
			continue;
		mapping->refs++;
		vmm->nr_mapped++;
		atomic64_inc(&gpu->count.maps);
		*off = start - mapping->node.start;
		return mapping;
	}
	return NULL;
}

int nvbar_vmm_unmap(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping)
{
	struct nvbar_vmm *vmm = &gpu->vmm;
	int ret = 0;

	mutex_lock(&vmm->lock);
	vmm->nr_mapped--;
	atomic64_inc(&gpu->count.unmaps);
	if (!--mapping->refs) {
		nvbar_share_del(&vmm->shared, &mapping->share);
		vmm->mapped_bytes -= mapping->node.len;
		ret = clear_locked(gpu, mapping);
	}
	mutex_unlock(&vmm->lock);
	return ret;
}

u64 nvbar_vmm_zero_tables(struct nvbar_gpu *gpu, u64 max)
{
	u64 done;

	mutex_lock(&gpu->vmm.lock);
	done = nvbar_pt_zero(gpu, max);
	mutex_unlock(&gpu->vmm.lock);
	return done;
}

void nvbar_vmm_trim(struct nvbar_gpu *gpu)
{
	guard(mutex)(&gpu->vmm.lock);
	if (!nvbar_pt_unlink_unused(gpu))
		return;
	/*
	 * A failure here needs no undoing: a table's memory serves no other
	 * address, so the GPU may go on following the old entry.
	 */
	publish(gpu, NVBAR_TLB_DOWNGRADE);
}

int nvbar_vmm_walk_read(void *ctx, enum nvbar_aperture aperture, u64 pa, u64 *words, size_t nr)
{
	struct nvbar_gpu *gpu = ctx;
	u64 end = min(gpu->vram_size, nvbar_pramin_reach(gpu));

	if (aperture != NVBAR_APERTURE_VID || pa > end || 8 * nr > end - pa)
		return -EFAULT;
	return nvbar_pramin_copy_from(gpu, pa, words, 8 * nr);
}
