// SPDX-License-Identifier: MIT
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/minmax.h>

#include "attach.h"
#include "bar1.h"
#include "bar_user.h"
#include "chip.h"
#include "fault.h"
#include "gpu.h"
#include "vram.h"
#include "wait.h"

u64 nvbar_gpu_host_bytes(struct nvbar_gpu *gpu)
{
	u64 bytes = sizeof(*gpu);
	unsigned int l;

	mutex_lock(&gpu->vmm.lock);
	bytes += atomic64_read(&gpu->direct.bytes);
	bytes += atomic64_read(&gpu->vmm.pt.shadow_bytes);
	if (gpu->vmm.pt.big.table)
		bytes += gpu->vmm.pt.big.nr_tables * sizeof(struct nvbar_pt_table);
	bytes += gpu->vmm.host_bytes;
	for (l = 0; l < NVBAR_MMU_LEVELS; l++)
		if (gpu->vmm.pt.level[l].table)
			bytes += gpu->vmm.pt.level[l].nr_tables * sizeof(struct nvbar_pt_table);
	mutex_unlock(&gpu->vmm.lock);

	mutex_lock(&gpu->vram_lock);
	bytes += gpu->vram_host_bytes + nvbar_buddy_host_bytes(&gpu->buddy);
	mutex_unlock(&gpu->vram_lock);
	return bytes;
}

/* Each page of VRAM at so many addresses is room enough: more would be tables for nothing. */
#define VA_PER_VRAM	4

/*
 * The top of usable VRAM is the driver's: room for every table, then the instance
 * block.  The block comes last so that its place does not depend on the size of the
 * aperture: a run after BAR1 was resized knows the binding of one that was killed.
 */
static int place_region(struct nvbar_gpu *gpu)
{
	u64 len = NVBAR_PAGE_SIZE;

	gpu->va_size = min(gpu->bar1_size, VA_PER_VRAM * gpu->vram_size);
	if (gpu->va_size)
		len += nvbar_pt_region_len(gpu->chip->mmu, gpu->va_size);
	if (len >= gpu->usable_end) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "VRAM: 0x%llx usable bytes have no room for page tables of 0x%llx",
			      gpu->usable_end, len);
		return -ENOSPC;
	}
	gpu->reserved_pa = gpu->usable_end - len;
	gpu->reserved_len = len;
	gpu->inst_pa = gpu->usable_end - NVBAR_PAGE_SIZE;
	return 0;
}

static int identify(struct nvbar_gpu *gpu)
{
	u64 begin = ktime_get_ns();
	int ret;

	gpu->deadline = begin + 1000ULL * NVBAR_BOOT_TIMEOUT_US;
	ret = nvbar_chip_identify(gpu);
	if (!ret)
		ret = nvbar_chip_wait_boot(gpu);
	gpu->deadline = begin + 1000ULL * NVBAR_ATTACH_TIMEOUT_US;
	if (!ret)
		ret = nvbar_chip_wait_scrub(gpu);
	if (!ret)
		ret = nvbar_chip_read_vram(gpu);
	if (!ret)
		ret = place_region(gpu);
	/* What somebody said who is gone by now means nothing. */
	if (ret != -ENODEV && nvbar_gpu_alive(gpu))
		ret = -ENODEV;
	return ret;
}

/*
 * A GPU that nobody drives has BAR1 in physical mode, or bound to this driver's
 * own instance block by a run that was killed.  Anything else is the work of
 * another driver, which may be at it.
 */
static int check_owner(struct nvbar_gpu *gpu, bool force)
{
	struct nvbar_bar1_binding binding;
	int ret = nvbar_bar1_read_binding(gpu, &binding);

	if (!ret && binding.bad.name)
		ret = nvbar_reg_refuse(gpu, NVBAR_MSG_ERROR, &binding.bad, "what BAR1 is bound to");
	if (ret || !binding.is_virtual)
		return ret;
	if (binding.aperture == NVBAR_APERTURE_VID && binding.inst_pa == gpu->inst_pa)
		return 0;
	nvbar_gpu_msg(gpu, force ? NVBAR_MSG_INFO : NVBAR_MSG_ERROR,
		      "BAR1 is bound to an instance block at 0x%llx: another driver has this GPU, or left it so",
		      binding.inst_pa);
	return force ? 0 : -EBUSY;
}

static struct nvbar_span whole_vram(const void *arg, size_t i)
{
	const struct nvbar_gpu *gpu = arg;

	(void)i;
	return (struct nvbar_span){ 0, gpu->reserved_pa };
}

/*
 * A mapping like any other, which lives as long as the GPU is attached.  If there can't
 * be one BAR1 is unbound again, so nothing is cleared, nor waited for once more.
 */
static int map_static(struct nvbar_gpu *gpu)
{
	const struct nvbar_bar_user_opts opts = {
		.flags = NVBAR_VMM_FIXED,
		.label = "static",
		.is_static = true,
	};
	const struct nvbar_spans spans = { whole_vram, gpu, 1 };
	struct nvbar_access *access;

	if (gpu->bar1_size < gpu->reserved_pa) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "static mapping: BAR1 of 0x%llx bytes is smaller than 0x%llx of VRAM",
			      gpu->bar1_size, gpu->reserved_pa);
		return -EOPNOTSUPP;
	}
	gpu->vmm.detaching = true;
	access = nvbar_bar_user_map(gpu, &spans, &opts);
	gpu->vmm.detaching = false;
	return PTR_ERR_OR_ZERO(access);
}

/* A fault that whoever had the GPU before has left is no mapping's of ours. */
static void look_for_old_fault(struct nvbar_gpu *gpu)
{
	struct nvbar_fault_info info;

	if (!nvbar_fault_read(gpu, &info))
		nvbar_gpu_msg(gpu, NVBAR_MSG_WARNING,
			      "a fault was latched before: %s", info.text);
}

int nvbar_gpu_attach(struct nvbar_gpu *gpu, const struct nvbar_hw_ops *ops, void *hw, u64 bar1_size,
		     u32 flags)
{
	int ret;

	gpu->ops = ops;
	gpu->hw = hw;
	gpu->bar1_size = bar1_size;
	gpu->observe = flags & NVBAR_GPU_OBSERVE;
	if (ops->direct_info)
		ops->direct_info(hw, &gpu->direct);
	ret = identify(gpu);
	if (!ret && !gpu->observe)
		ret = check_owner(gpu, flags & NVBAR_GPU_FORCE);
	/* Who can't learn of faults can't tell whether data arrive. */
	if (!ret && !gpu->observe && bar1_size)
		ret = nvbar_fault_readable(gpu);
	if (ret)
		return ret;

	mutex_init(&gpu->vram_lock);
	INIT_LIST_HEAD(&gpu->vrams);
	nvbar_pramin_init(gpu);
	/* Whoever had the GPU before may have left an invalidate under way. */
	gpu->tlb.busy = true;
	gpu->vmm.pt.fmt = gpu->chip->mmu;
	gpu->vmm.pt.sparse = flags & NVBAR_GPU_SPARSE;
	ret = nvbar_buddy_init(&gpu->buddy, 0, gpu->reserved_pa);
	if (ret)
		goto err_pramin;
	ret = nvbar_vmm_init(gpu);
	if (ret)
		goto err_buddy;
	if (bar1_size && !gpu->observe) {
		look_for_old_fault(gpu);
		ret = nvbar_bar1_enable(gpu);
		if (ret)
			goto err_vmm;
	}
	if (flags & NVBAR_GPU_STATIC) {
		ret = map_static(gpu);
		if (ret)
			goto err_bar1;
	}
	gpu->deadline = 0;
	return 0;

err_bar1:
	if (gpu->vmm.enabled)
		nvbar_bar1_disable(gpu, false);
err_vmm:
	nvbar_vmm_fini(gpu);
err_buddy:
	nvbar_buddy_fini(&gpu->buddy);
err_pramin:
	nvbar_pramin_fini(gpu);
	mutex_destroy(&gpu->vram_lock);
	return ret;
}

void nvbar_gpu_free_handles(struct nvbar_gpu *gpu, size_t spare)
{
	nvbar_bar_user_free_all(gpu, spare);
	nvbar_vram_free_all(gpu, spare);
}

void nvbar_gpu_detach(struct nvbar_gpu *gpu)
{
	gpu->deadline = ktime_get_ns() + 1000ULL * NVBAR_DETACH_TIMEOUT_US;
	gpu->vmm.detaching = true;
	nvbar_bar_user_end_all(gpu);
	nvbar_vram_end_all(gpu);
	if (gpu->vmm.enabled)
		nvbar_bar1_disable(gpu, true);
	nvbar_vmm_fini(gpu);
	nvbar_buddy_fini(&gpu->buddy);
	nvbar_pramin_fini(gpu);
	mutex_destroy(&gpu->vram_lock);
}
