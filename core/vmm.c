// SPDX-License-Identifier: MIT
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <hw/mmu.h>

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

static int reserve_locked(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping, u64 len,
			  const u64 *fixed)
{
	struct nvbar_va *va = &gpu->vmm.va;
	int ret;

	if (fixed)
		ret = nvbar_va_alloc_fixed(va, &mapping->node, *fixed, len);
	else
		ret = nvbar_va_alloc(va, &mapping->node, len, NVBAR_PAGE_SIZE);
	if (ret)
		return ret;
	ret = nvbar_pt_reserve(gpu, mapping->node.start, len);
	if (ret) {
		nvbar_va_free(va, &mapping->node);
		return ret;
	}
	gpu->vmm.nr_held++;
	return 0;
}

struct nvbar_mapping *nvbar_vmm_reserve(struct nvbar_gpu *gpu, u64 len, const u64 *fixed, u32 flags,
					const char *label)
{
	struct nvbar_mapping *mapping;
	int ret;

	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);
	if (!mapping)
		return ERR_PTR(-ENOMEM);
	mapping->state = NVBAR_MAPPING_PREPARED;
	mapping->flags = flags;
	if (label)
		strscpy(mapping->label, label, sizeof(mapping->label));

	mutex_lock(&gpu->vmm.lock);
	ret = reserve_locked(gpu, mapping, len, fixed);
	mutex_unlock(&gpu->vmm.lock);
	if (ret) {
		kfree(mapping);
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
		  const struct nvbar_spans *spans, bool writable)
{
	/* Linear memory: the generic kind [OpenRM, UVM], no access counters [nouveau]. */
	const struct nvbar_pte attr = {
		.state = NVBAR_ENTRY_VALID,
		.aperture = NVBAR_APERTURE_VID,
		.ro = !writable,
		.no_access_counters = true,
		.kind = MMU_PTE_KIND_GENERIC_MEMORY,
	};
	struct nvbar_vmm *vmm = &gpu->vmm;
	int ret;

	guard(mutex)(&vmm->lock);
	nvbar_pt_map(gpu, mapping->node.start, mapping->node.len, spans, &attr);
	ret = publish(gpu, NVBAR_TLB_UPGRADE);
	if (ret) {
		clear_locked(gpu, mapping);
		return ret;
	}
	mapping->state = NVBAR_MAPPING_MAPPED;
	vmm->nr_mapped++;
	vmm->mapped_bytes += mapping->node.len;
	atomic64_inc(&gpu->count.maps);
	return 0;
}

int nvbar_vmm_unmap(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping)
{
	struct nvbar_vmm *vmm = &gpu->vmm;

	guard(mutex)(&vmm->lock);
	vmm->nr_mapped--;
	vmm->mapped_bytes -= mapping->node.len;
	atomic64_inc(&gpu->count.unmaps);
	return clear_locked(gpu, mapping);
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
