// SPDX-License-Identifier: MIT
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
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
	vmm->shared[0] = RB_ROOT;
	vmm->shared[1] = RB_ROOT;
	nvbar_va_init(&vmm->va, gpu->va_size, PAGE_SIZE);
	if (!gpu->bar1_size || gpu->observe)
		return 0;
	ret = nvbar_pt_init(gpu, gpu->reserved_pa);
	if (ret)
		mutex_destroy(&vmm->lock);
	return ret;
}

/* The range is nobody's from here on. */
static void drop_locked(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping)
{
	if (gpu->vmm.fault.owner == mapping)
		gpu->vmm.fault.owner = NULL;
	nvbar_pt_release(gpu, mapping->node.start, mapping->node.len);
	nvbar_va_free(&gpu->vmm.va, &mapping->node);
	gpu->vmm.nr_held--;
	gpu->vmm.host_bytes -= struct_size(mapping, share, mapping->max_shares);
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
	int ret;

	/* Ranges that are given back want all of it, whoever comes along. */
	if (!list_empty(&gpu->vmm.quarantine))
		change = NVBAR_TLB_DOWNGRADE;
	nvbar_pt_catch_up(gpu);
	ret = nvbar_pt_take_error(gpu);
	if (!ret)
		ret = nvbar_pramin_flush(gpu);
	if (!ret)
		ret = nvbar_tlb_invalidate(gpu, nvbar_pt_root(gpu), change);
	if (!ret)
		drain_quarantine(gpu);
	return ret;
}

/* Where a range should lie: @phase above a multiple of @align. */
struct place {
	u64 align;
	u64 phase;
};

/*
 * The place that lets spans use the largest leaf: their longest run decides,
 * where it will be in the range.
 */
static struct place best_place(u64 page_sizes, const struct nvbar_shape *shape)
{
	return (struct place){
		.align = BIT_ULL(ilog2(page_sizes & GENMASK_ULL(ilog2(shape->longest.len), 0))),
		.phase = shape->longest.pa - shape->before_longest,
	};
}

/* Anywhere, at the best place that there is still room for. */
static int alloc_va(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping, u64 len,
		    struct place place)
{
	int ret;

	for (;;) {
		ret = nvbar_va_alloc(&gpu->vmm.va, &mapping->node, len, place.align,
				     place.phase & (place.align - 1));
		if (ret != -ENOSPC || place.align == NVBAR_PAGE_SIZE)
			return ret;
		place.align = BIT_ULL(ilog2(mapping->page_sizes & (place.align - 1)));
	}
}

/* An invalidate that ends gives the range back. */
static bool is_quarantined(const struct nvbar_va_node *node)
{
	return container_of(node, const struct nvbar_mapping, node)->state ==
	       NVBAR_MAPPING_QUARANTINED;
}

/* Would there be room for @req, but for what is in quarantine? */
static bool freed_by_invalidate(const struct nvbar_vmm *vmm, const struct nvbar_vmm_request *req)
{
	if (list_empty(&vmm->quarantine))
		return false;
	if (req->fixed)
		return nvbar_va_would_fit_fixed(&vmm->va, *req->fixed, req->len, is_quarantined);
	return nvbar_va_would_fit(&vmm->va, req->len, is_quarantined);
}

/* A range, if need be one of the quarantine, should the GPU confirm at last. */
static int find_va(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping,
		   const struct nvbar_vmm_request *req, struct place place)
{
	struct nvbar_vmm *vmm = &gpu->vmm;
	bool again = true;
	int ret, err;

	for (;;) {
		if (req->fixed)
			ret = nvbar_va_alloc_fixed(&vmm->va, &mapping->node, *req->fixed, req->len);
		else
			ret = alloc_va(gpu, mapping, req->len, place);
		if (!again || (ret != -ENOSPC && ret != -EEXIST) ||
		    !freed_by_invalidate(vmm, req))
			return ret;
		err = publish(gpu, NVBAR_TLB_DOWNGRADE);
		if (err)
			return err;
		again = false;
	}
}

static struct nvbar_pt_plan plan_of(const struct nvbar_mapping *mapping,
				    const struct nvbar_spans *spans,
				    const struct nvbar_shape *shape)
{
	/* Leaves longer than any run are out of the question. */
	return (struct nvbar_pt_plan){
		.va = mapping->node.start,
		.len = mapping->node.len,
		.spans = spans,
		.page_sizes = mapping->page_sizes & GENMASK_ULL(ilog2(shape->longest.len), 0),
	};
}

static int reserve_locked(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping,
			  const struct nvbar_vmm_request *req, const struct nvbar_shape *shape)
{
	struct nvbar_pt_plan plan;
	int ret;

	ret = find_va(gpu, mapping, req, best_place(mapping->page_sizes, shape));
	if (ret)
		return ret;
	plan = plan_of(mapping, req->spans, shape);
	ret = nvbar_pt_reserve(gpu, &plan);
	if (ret) {
		nvbar_va_free(&gpu->vmm.va, &mapping->node);
		return ret;
	}
	gpu->vmm.nr_held++;
	gpu->vmm.host_bytes += struct_size(mapping, share, mapping->max_shares);
	return 0;
}

/* A mapping without a range. */
static struct nvbar_mapping *new_mapping(const struct nvbar_vmm_request *req, u64 page_sizes,
					 size_t nr_runs)
{
	bool shareable = !(req->flags & (NVBAR_VMM_PRIVATE | NVBAR_VMM_FIXED)) ||
			 (req->flags & NVBAR_VMM_STATIC);
	u8 max_shares = shareable ? min_t(size_t, nr_runs, NVBAR_VMM_SHARES) : 0;
	struct nvbar_mapping *mapping;

	mapping = kzalloc(struct_size(mapping, share, max_shares), GFP_KERNEL);
	if (!mapping)
		return NULL;
	mapping->state = NVBAR_MAPPING_PREPARED;
	mapping->unclaimed = 1;
	mapping->flags = req->flags;
	mapping->page_sizes = page_sizes;
	mapping->max_shares = max_shares;
	if (req->label)
		strscpy(mapping->label, req->label, sizeof(mapping->label));
	return mapping;
}

struct nvbar_mapping *nvbar_vmm_reserve(struct nvbar_gpu *gpu, const struct nvbar_vmm_request *req)
{
	/* What is not known may be one run. */
	const struct nvbar_shape one_run = { req->len, 1, { 0, req->len }, 0 };
	const struct nvbar_shape *shape = req->shape ? req->shape : &one_run;
	u64 page_sizes = gpu->chip->page_sizes;
	struct nvbar_mapping *mapping;
	struct nvbar_pt_plan plan;
	int ret;

	if (req->max_page_shift)
		page_sizes &= GENMASK_ULL(req->max_page_shift, 0);
	mapping = new_mapping(req, page_sizes, shape->nr_runs);
	if (!mapping)
		return ERR_PTR(-ENOMEM);

	mutex_lock(&gpu->vmm.lock);
	ret = reserve_locked(gpu, mapping, req, shape);
	mutex_unlock(&gpu->vmm.lock);
	if (ret) {
		kfree(mapping);
		return ERR_PTR(ret);
	}
	plan = plan_of(mapping, req->spans, shape);
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
 * Nobody gets address space of a GPU that is lost any more, or of one whose BAR1 is
 * about to be unbound: a range of theirs can be given back without the GPU's word.
 */
static bool needs_no_word(const struct nvbar_gpu *gpu)
{
	return nvbar_gpu_is_lost(gpu) || gpu->vmm.detaching;
}

/*
 * Ends a mapping whose entries are valid.  The range is released only after
 * the GPU confirmed that it forgot them.
 */
static int clear_locked(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping)
{
	int ret = 0;

	if (!needs_no_word(gpu)) {
		nvbar_pt_clear(gpu, mapping->node.start, mapping->node.len);
		ret = publish(gpu, NVBAR_TLB_DOWNGRADE);
	}
	if (ret && !needs_no_word(gpu)) {
		mapping->state = NVBAR_MAPPING_QUARANTINED;
		list_add_tail(&mapping->link, &gpu->vmm.quarantine);
		return ret;
	}
	drop_locked(gpu, mapping);
	return ret;
}

static struct rb_root *shares_of(struct nvbar_gpu *gpu, u32 flags)
{
	return &gpu->vmm.shared[!!(flags & NVBAR_VMM_RDONLY)];
}

/* Lets the mapping be found by what it has in @share. */
static void add_shares(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping)
{
	struct nvbar_share *share;

	for (share = mapping->share; share < mapping->share + mapping->nr_shares; share++)
		nvbar_share_add(shares_of(gpu, mapping->flags), share,
				(struct nvbar_span){ share->pa, share->end - share->pa });
}

static void del_shares(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping)
{
	while (mapping->nr_shares)
		nvbar_share_del(shares_of(gpu, mapping->flags),
				&mapping->share[--mapping->nr_shares]);
}

struct nvbar_pte nvbar_vmm_attr(u32 flags)
{
	/* Linear memory: the generic kind [OpenRM, UVM], no access counters [nouveau]. */
	return (struct nvbar_pte){
		.state = NVBAR_ENTRY_VALID,
		.aperture = NVBAR_APERTURE_VID,
		.ro = flags & NVBAR_VMM_RDONLY,
		.no_access_counters = true,
		.kind = MMU_PTE_KIND_GENERIC_MEMORY,
	};
}

/*
 * The caller's list on its way into entries: what is checked is what is encoded, and
 * what the mapping is found by, however the list changes meanwhile.
 */
struct intake {
	struct nvbar_gpu *gpu;
	const struct nvbar_spans *spans;
	const struct nvbar_vmm_rule *rule;
	struct nvbar_mapping *mapping;
	bool noting;	/* runs that the mapping is found by */
	u64 va;		/* where the next span goes, while that lasts */
	int err;	/* why the list ended early */
};

/* The first runs of VRAM are what the mapping is found by. */
static void note_run(struct intake *in, struct nvbar_span span)
{
	struct nvbar_mapping *mapping = in->mapping;
	struct nvbar_share *next = mapping->share + mapping->nr_shares, *last = next - 1;

	if (mapping->nr_shares && last->end == span.pa) {
		last->end += span.len;
	} else if (mapping->nr_shares < mapping->max_shares) {
		*next = (struct nvbar_share){
			.mapping = mapping, .va = in->va, .pa = span.pa,
			.end = span.pa + span.len,
		};
		mapping->nr_shares++;
	} else {
		in->noting = false;
	}
	in->va += span.len;
}

static struct nvbar_span take_in(const void *arg, size_t i)
{
	struct intake *in = (struct intake *)arg;
	struct nvbar_span span = nvbar_spans_get(in->spans, i);

	if (in->rule && !nvbar_vmm_is_plain(span, in->rule->plain_end)) {
		in->err = in->rule->check(in->gpu, span,
					  !(in->mapping->flags & NVBAR_VMM_RDONLY));
		if (in->err)
			return (struct nvbar_span){ 0, 0 };
	}
	if (in->noting)
		note_run(in, span);
	return span;
}

/* All the pages of a list, or none of them. */
static int map_locked(struct nvbar_gpu *gpu, struct intake *in, struct nvbar_pt_plan *plan)
{
	const struct nvbar_pte attr = nvbar_vmm_attr(in->mapping->flags);

	if (nvbar_pt_map(gpu, plan, &attr))
		return publish(gpu, NVBAR_TLB_UPGRADE);
	if (in->err)
		return in->err;
	nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "map: the list of pages changed while it was read");
	return -EINVAL;
}

int nvbar_vmm_map(struct nvbar_gpu *gpu, struct nvbar_mapping **prepared,
		  const struct nvbar_spans *spans, const struct nvbar_shape *shape,
		  const struct nvbar_vmm_rule *rule)
{
	struct nvbar_mapping *mapping = *prepared;
	struct intake in = {
		.gpu = gpu, .spans = spans, .rule = rule, .mapping = mapping,
		.noting = mapping->max_shares, .va = mapping->node.start,
	};
	const struct nvbar_spans taken = { take_in, &in, spans->nr };
	struct nvbar_pt_plan plan = plan_of(mapping, &taken, shape);
	struct nvbar_vmm *vmm = &gpu->vmm;
	int ret;

	guard(mutex)(&vmm->lock);
	ret = map_locked(gpu, &in, &plan);
	if (ret) {
		*prepared = NULL;
		mapping->nr_shares = 0;
		clear_locked(gpu, mapping);
		return ret;
	}
	mapping->state = NVBAR_MAPPING_MAPPED;
	mapping->refs = 1;
	mapping->page_sizes = plan.used;
	add_shares(gpu, mapping);
	vmm->nr_mapped++;
	vmm->mapped_bytes += mapping->node.len;
	atomic64_inc(&gpu->count.maps);
	return 0;
}

/* Does the shadow show this span from @va on? */
static bool shows_span(const struct nvbar_gpu *gpu, u64 va, struct nvbar_span span)
{
	while (span.len) {
		struct nvbar_pte pte;
		u64 page = 1ULL << nvbar_pt_lookup(gpu, va, &pte);
		u64 skip = va & (page - 1);
		u64 step = min(page - skip, span.len);

		if (WARN_ON_ONCE(pte.state != NVBAR_ENTRY_VALID))
			return false;
		if (pte.addr + skip != span.pa)
			return false;
		va += step;
		span.pa += step;
		span.len -= step;
	}
	return true;
}

/*
 * How much of [@va, @end), which is mapped, shows exactly these pages, each fetched once;
 * 0: it shows others.
 */
static u64 shown_len(const struct nvbar_gpu *gpu, u64 va, u64 end, const struct nvbar_spans *spans)
{
	u64 len = 0;
	size_t i;

	for (i = 0; i < spans->nr; i++) {
		struct nvbar_span span = nvbar_spans_get(spans, i);

		if (!span.len || !IS_ALIGNED(span.len, NVBAR_PAGE_SIZE) ||
		    span.len > end - va - len || !shows_span(gpu, va + len, span))
			return 0;
		len += span.len;
	}
	return len;
}

bool nvbar_vmm_has_pages(const struct nvbar_gpu *gpu, const struct nvbar_mapping *mapping, u64 va,
			 u64 len)
{
	const struct nvbar_va_node *node = &mapping->node;
	u64 mask = gpu->vmm.va.granule - 1;
	u64 end = va + len;

	return (!(va & mask) || (va == node->start && node->before)) &&
	       (!(end & mask) || (end == node->start + node->len && node->after));
}

/*
 * Who shares a part of a page of the host could have no pointer, so a mapping of its own
 * is better; but for the static one, which is there to be shared.
 */
static bool worth_sharing(const struct nvbar_gpu *gpu, const struct nvbar_mapping *mapping, u64 va,
			  u64 len)
{
	return gpu->vmm.va.granule == NVBAR_PAGE_SIZE || mapping->flags & NVBAR_VMM_STATIC ||
	       nvbar_vmm_has_pages(gpu, mapping, va, len);
}

/* Mappings that are looked at before giving up: each may take as long as mapping anew. */
#define SHARE_TRIES	4

/* No length: none that could be anywhere. */
static struct nvbar_span first_run(const struct nvbar_spans *spans)
{
	struct nvbar_runs runs;
	struct nvbar_span run;

	nvbar_runs_start(&runs, spans);
	run = nvbar_runs_next(&runs);
	if (!IS_ALIGNED(run.pa, NVBAR_PAGE_SIZE) || run.pa + run.len < run.pa)
		run.len = 0;
	return run;
}

struct nvbar_mapping *nvbar_vmm_share(struct nvbar_gpu *gpu, const struct nvbar_spans *spans,
				      u32 flags, struct nvbar_vmm_part *at)
{
	const struct nvbar_span first = first_run(spans);
	struct nvbar_vmm *vmm = &gpu->vmm;
	unsigned int tries = 0;
	struct nvbar_share *share;

	guard(mutex)(&vmm->lock);
	share = first.len ? nvbar_share_first(shares_of(gpu, flags), first) : NULL;
	for (; share && tries < SHARE_TRIES; share = nvbar_share_next(share, first), tries++) {
		struct nvbar_mapping *mapping = share->mapping;
		u64 va = share->va + (first.pa - share->pa);
		u64 len = shown_len(gpu, va, mapping->node.start + mapping->node.len, spans);

		if (!len || !worth_sharing(gpu, mapping, va, len))
			continue;
		mapping->refs++;
		mapping->unclaimed++;
		vmm->nr_mapped++;
		atomic64_inc(&gpu->count.maps);
		*at = (struct nvbar_vmm_part){ va - mapping->node.start, len };
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
	mapping->unclaimed--;
	atomic64_inc(&gpu->count.unmaps);
	if (!--mapping->refs) {
		del_shares(gpu, mapping);
		vmm->mapped_bytes -= mapping->node.len;
		/* Writes still in the CPU's buffers would find no entry. */
		if (!needs_no_word(gpu))
			gpu->ops->write_barrier(gpu->hw);
		ret = clear_locked(gpu, mapping);
	}
	mutex_unlock(&vmm->lock);
	return nvbar_gpu_is_lost(gpu) ? -ENODEV : ret;
}

u64 nvbar_vmm_zero_tables(struct nvbar_gpu *gpu, u64 max)
{
	u64 done;

	mutex_lock(&gpu->vmm.lock);
	done = nvbar_pt_zero(gpu, max);
	if (done && nvbar_pramin_flush(gpu))
		done = 0;
	mutex_unlock(&gpu->vmm.lock);
	return done;
}

void nvbar_vmm_trim(struct nvbar_gpu *gpu)
{
	guard(mutex)(&gpu->vmm.lock);
	if (nvbar_gpu_is_lost(gpu))
		return;
	/* What was left undone comes first, as it leaves tables without users. */
	if (gpu->vmm.pt.behind || !list_empty(&gpu->vmm.quarantine))
		publish(gpu, NVBAR_TLB_DOWNGRADE);
	/*
	 * A failure here needs no undoing: a table's memory serves no other
	 * address, so the GPU may go on following the old entry.
	 */
	if (nvbar_pt_unlink_unused(gpu))
		publish(gpu, NVBAR_TLB_DOWNGRADE);
}

int nvbar_vmm_order_writes(struct nvbar_gpu *gpu)
{
	const struct nvbar_va_node *node;

	guard(mutex)(&gpu->vmm.lock);
	if (nvbar_gpu_is_lost(gpu))
		return -ENODEV;
	for (node = nvbar_va_first(&gpu->vmm.va); node; node = nvbar_va_next(node)) {
		if (container_of(node, const struct nvbar_mapping, node)->state !=
		    NVBAR_MAPPING_MAPPED)
			continue;
		gpu->ops->write_barrier(gpu->hw);
		gpu->ops->bar1_read(gpu->hw, node->start, 4);
		atomic64_inc(&gpu->count.bus_reads);
		return 0;
	}
	/* Nothing is there to be read; what waits for an end that did not come gets it. */
	return list_empty(&gpu->vmm.quarantine) ? 0 : publish(gpu, NVBAR_TLB_DOWNGRADE);
}

int nvbar_vmm_walk_read(void *ctx, enum nvbar_aperture aperture, u64 pa, u64 *words, size_t nr)
{
	struct nvbar_gpu *gpu = ctx;
	u64 end = min(gpu->vram_size, nvbar_pramin_reach(gpu));

	if (aperture != NVBAR_APERTURE_VID || pa > end || 8 * nr > end - pa ||
	    nvbar_protect_find(gpu, pa, 8 * nr, false))
		return -EFAULT;
	return nvbar_pramin_copy_from(gpu, pa, words, 8 * nr);
}
