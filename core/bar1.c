// SPDX-License-Identifier: MIT
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include <hw/instance.h>
#include <hw/vf_priv.h>

#include "bar1.h"
#include "chip.h"
#include "gpu.h"
#include "pramin.h"
#include "tlb.h"
#include "vmm.h"
#include "wait.h"

static u64 word64(u32 lo, u32 hi)
{
	return (u64)hi << 32 | lo;
}

/* The word that names the root table, never 0. */
static u64 root_word(const struct nvbar_gpu *gpu)
{
	u64 root = nvbar_pt_root(gpu);
	u32 lo = FIELD_PREP(RAMIN_PAGE_DIR_BASE_TARGET, RAMIN_PAGE_DIR_BASE_TARGET_VID_MEM) |
		 FIELD_PREP(RAMIN_BIG_PAGE_SIZE, RAMIN_BIG_PAGE_SIZE_64KB) |
		 (lower_32_bits(root) & RAMIN_PAGE_DIR_BASE_LO_ADDR);

	if (gpu->chip->mmu->version == 2)
		lo |= RAMIN_USE_VER2_PT_FORMAT;
	return word64(lo, upper_32_bits(root));
}

/* Words of the block by byte offset: two registers' worth in each. */
static void fill_instance(const struct nvbar_gpu *gpu, u64 *block)
{
	u64 limit = (gpu->bar1_size - 1) | 0xfff;

	block[RAMIN_PAGE_DIR_BASE_LO / 8] = root_word(gpu);
	if (gpu->chip->va_limit)
		block[RAMIN_ADR_LIMIT_LO / 8] = limit & ~0xfffULL;
	if (gpu->chip->inst_magic)
		block[RAMIN_ADR_LIMIT_LO / 8] = word64(0, RAMIN_ENGINE_CTXSW_FW_MAGIC_VALUE);
}

/*
 * Is a word as it was written?  To ask orders what was written before, and shows
 * that there is memory: a bind to a block in none would never end.
 */
static int check_written(struct nvbar_gpu *gpu, u64 pa, u64 want)
{
	u64 word;
	int ret = nvbar_pramin_rd(gpu, pa, 8, &word);

	if (ret || word == want)
		return ret;
	if (nvbar_gpu_alive(gpu))
		return -ENODEV;
	nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
		      "VRAM at 0x%llx does not hold what was written: there may be less of it than the 0x%llx bytes that its size register says",
		      pa, gpu->vram_size);
	return -EIO;
}

/* Where the top of the driver's region is memory, so is all that is below. */
static int probe_region(struct nvbar_gpu *gpu)
{
	u64 pa = gpu->reserved_pa + gpu->reserved_len - 8;
	int ret = nvbar_pramin_wr(gpu, pa, 8, pa);

	return ret ? ret : check_written(gpu, pa, pa);
}

static int write_instance(struct nvbar_gpu *gpu)
{
	u64 *block = kzalloc(RAMIN_SIZE, GFP_KERNEL);
	int ret;

	if (!block)
		return -ENOMEM;
	fill_instance(gpu, block);
	ret = nvbar_pramin_wr_words(gpu, gpu->inst_pa, block, RAMIN_SIZE / 8);
	if (!ret)
		ret = check_written(gpu, gpu->inst_pa + RAMIN_PAGE_DIR_BASE_LO,
				    block[RAMIN_PAGE_DIR_BASE_LO / 8]);
	kfree(block);
	return ret;
}

int nvbar_bar1_compare_instance(struct nvbar_gpu *gpu, u32 *off)
{
	u64 *block = kcalloc(2, RAMIN_SIZE, GFP_KERNEL);
	u64 *read;
	u32 w = 0;
	int ret;

	if (!block)
		return -ENOMEM;
	read = block + RAMIN_SIZE / 8;
	fill_instance(gpu, block);
	ret = nvbar_pramin_rd_words(gpu, gpu->inst_pa, read, RAMIN_SIZE / 8);
	while (!ret && w < RAMIN_SIZE / 8 && block[w] == read[w])
		w++;
	if (!ret && w < RAMIN_SIZE / 8) {
		*off = 8 * w;
		ret = nvbar_pramin_may_be_gone(read[w]) ? nvbar_gpu_alive(gpu) : 0;
		if (!ret)
			ret = -EIO;
	}
	kfree(block);
	return ret;
}

/* What the bind register says of a bind that is over. */
#define BLOCK_BOUND	(VF_PRIV_BAR1_BLOCK_PTR | VF_PRIV_BAR1_BLOCK_TARGET | \
			 VF_PRIV_BAR1_BLOCK_MODE)
#define LOW_BOUND	(VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PTR | \
			 VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_TARGET | \
			 VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_MODE)

static u32 block_val(u32 mode, u64 pa)
{
	return FIELD_PREP(VF_PRIV_BAR1_BLOCK_PTR, pa >> RAMIN_BASE_SHIFT) |
	       FIELD_PREP(VF_PRIV_BAR1_BLOCK_TARGET, VF_PRIV_BAR1_BLOCK_TARGET_VID_MEM) |
	       FIELD_PREP(VF_PRIV_BAR1_BLOCK_MODE, mode);
}

static u32 low_val(u32 mode, u64 pa)
{
	return (lower_32_bits(pa) & VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PTR) |
	       FIELD_PREP(VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_TARGET,
			  VF_PRIV_BAR1_BLOCK_TARGET_VID_MEM) |
	       FIELD_PREP(VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_MODE, mode);
}

/* One register; done when it is in neither of the two bits, and seen to be what was written. */
static int bind_block(struct nvbar_gpu *gpu, u32 mode, u64 pa)
{
	u32 val = block_val(mode, pa);
	int ret;

	nvbar_wr32(gpu, VF_PRIV_BAR1_BLOCK, val);
	ret = nvbar_wait_reg(gpu, "VF_PRIV_BIND_STATUS", VF_PRIV_BIND_STATUS,
			     VF_PRIV_BIND_STATUS_BAR1_PENDING |
			     VF_PRIV_BIND_STATUS_BAR1_OUTSTANDING, 0, NVBAR_MMU_TIMEOUT_US);
	if (ret)
		return ret;
	return nvbar_wait_reg(gpu, "VF_PRIV_BAR1_BLOCK", VF_PRIV_BAR1_BLOCK, BLOCK_BOUND, val,
			      NVBAR_MMU_TIMEOUT_US);
}

/* Two registers: the write to HIGH starts the bind with what LOW then holds. */
static int bind_pair(struct nvbar_gpu *gpu, u32 mode, u64 pa)
{
	u32 low = low_val(mode, pa);
	int ret;

	nvbar_wr32(gpu, VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR, low);
	nvbar_wr32(gpu, VF_PRIV_FUNC_BAR1_BLOCK_HIGH_ADDR, upper_32_bits(pa));
	ret = nvbar_wait_reg(gpu, "VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR",
			     VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR,
			     LOW_BOUND | VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PENDING |
			     VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_OUTSTANDING, low,
			     NVBAR_MMU_TIMEOUT_US);
	if (ret)
		return ret;
	return nvbar_wait_reg(gpu, "VF_PRIV_FUNC_BAR1_BLOCK_HIGH_ADDR",
			      VF_PRIV_FUNC_BAR1_BLOCK_HIGH_ADDR,
			      VF_PRIV_FUNC_BAR1_BLOCK_HIGH_ADDR_PTR, upper_32_bits(pa),
			      NVBAR_MMU_TIMEOUT_US);
}

/* What a bind does while another is on its way is not documented: don't. */
static int wait_for_earlier(struct nvbar_gpu *gpu)
{
	if (gpu->chip->bind == NVBAR_BIND_BLOCK)
		return nvbar_wait_reg(gpu, "VF_PRIV_BIND_STATUS", VF_PRIV_BIND_STATUS,
				      VF_PRIV_BIND_STATUS_BAR1_PENDING |
				      VF_PRIV_BIND_STATUS_BAR1_OUTSTANDING, 0,
				      NVBAR_MMU_TIMEOUT_US);
	return nvbar_wait_reg(gpu, "VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR",
			      VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR,
			      VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PENDING |
			      VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_OUTSTANDING, 0,
			      NVBAR_MMU_TIMEOUT_US);
}

/* Binds to the instance block at @pa, or with mode physical to nothing, and waits. */
static int bind_bar1(struct nvbar_gpu *gpu, u32 mode, u64 pa)
{
	int ret = wait_for_earlier(gpu);

	if (ret)
		return ret;
	atomic64_inc(&gpu->count.binds);
	return gpu->chip->bind == NVBAR_BIND_BLOCK ? bind_block(gpu, mode, pa) :
						     bind_pair(gpu, mode, pa);
}

int nvbar_bar1_enable(struct nvbar_gpu *gpu)
{
	int ret = probe_region(gpu);

	if (!ret)
		ret = write_instance(gpu);
	if (ret)
		return ret;
	/* An earlier owner may have used the same root address: forget its entries. */
	ret = nvbar_tlb_invalidate(gpu, nvbar_pt_root(gpu), NVBAR_TLB_DOWNGRADE);
	if (ret)
		return ret;
	ret = bind_bar1(gpu, VF_PRIV_BAR1_BLOCK_MODE_VIRTUAL, gpu->inst_pa);
	if (ret) {
		nvbar_bar1_disable(gpu, false);
		return ret;
	}
	gpu->vmm.enabled = true;
	nvbar_pramin_set_anchor(gpu, gpu->inst_pa + RAMIN_PAGE_DIR_BASE_LO, root_word(gpu));
	return 0;
}

/* Waits for accesses by the old entries, as the end of a mapping does. */
static void finish_accesses(struct nvbar_gpu *gpu)
{
	gpu->ops->write_barrier(gpu->hw);
	nvbar_tlb_invalidate(gpu, nvbar_pt_root(gpu), NVBAR_TLB_DOWNGRADE);
}

void nvbar_bar1_disable(struct nvbar_gpu *gpu, bool used)
{
	/* What somebody else has bound since stays. */
	if (nvbar_bar1_look(gpu)) {
		gpu->vmm.enabled = false;
		return;
	}
	if (used)
		finish_accesses(gpu);
	gpu->vmm.enabled = false;
	bind_bar1(gpu, VF_PRIV_BAR1_BLOCK_MODE_PHYSICAL, 0);
}

static enum nvbar_aperture target_aperture(u32 target)
{
	switch (target) {
	case VF_PRIV_BAR1_BLOCK_TARGET_SYS_MEM_COHERENT:
		return NVBAR_APERTURE_SYS_COH;
	case VF_PRIV_BAR1_BLOCK_TARGET_SYS_MEM_NONCOHERENT:
		return NVBAR_APERTURE_SYS_NONCOH;
	default:
		return NVBAR_APERTURE_VID;
	}
}

/* While the driver has BAR1 bound, any other binding is a reset's, or another driver's. */
static int check_own(struct nvbar_gpu *gpu, const struct nvbar_bar1_binding *binding)
{
	char text[128];

	if (binding->bad.name) {
		nvbar_reg_text(&binding->bad, text, sizeof(text));
		return nvbar_gpu_lose(gpu, "%s: nothing shows that BAR1 is still bound", text);
	}
	if (!binding->is_virtual)
		return nvbar_gpu_lose(gpu, "BAR1 is back in physical mode: the GPU was reset");
	if (binding->aperture == NVBAR_APERTURE_VID && binding->inst_pa == gpu->inst_pa)
		return 0;
	return nvbar_gpu_lose(gpu,
			      "BAR1 is bound to an instance block at 0x%llx, no longer 0x%llx: another driver has this GPU",
			      binding->inst_pa, gpu->inst_pa);
}

static struct nvbar_bar1_binding read_block(struct nvbar_gpu *gpu, bool *ones)
{
	struct nvbar_reg_word word = nvbar_rd_named(gpu, VF_PRIV_BAR1_BLOCK);
	u32 val = word.val;

	*ones = val == ~0u;
	/* It would be one in system memory, at 692 GiB or more. */
	if (nvbar_reg_is_error(word.off, val))
		return (struct nvbar_bar1_binding){ .bad = word };
	return (struct nvbar_bar1_binding){
		.is_virtual = FIELD_GET(VF_PRIV_BAR1_BLOCK_MODE, val),
		.aperture = target_aperture(FIELD_GET(VF_PRIV_BAR1_BLOCK_TARGET, val)),
		.inst_pa = (u64)FIELD_GET(VF_PRIV_BAR1_BLOCK_PTR, val) << RAMIN_BASE_SHIFT,
	};
}

static struct nvbar_bar1_binding read_pair(struct nvbar_gpu *gpu, bool *ones)
{
	struct nvbar_reg_word lo = nvbar_rd_named(gpu, VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR);
	struct nvbar_reg_word hi = nvbar_rd_named(gpu, VF_PRIV_FUNC_BAR1_BLOCK_HIGH_ADDR);
	const struct nvbar_reg_word *bad = nvbar_reg_pair_is_error(&lo, &hi);
	u32 low = lo.val;

	*ones = low == ~0u || hi.val == ~0u;
	if (bad)
		return (struct nvbar_bar1_binding){ .bad = *bad };
	return (struct nvbar_bar1_binding){
		.is_virtual = FIELD_GET(VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_MODE, low),
		.aperture = target_aperture(FIELD_GET(VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_TARGET, low)),
		.inst_pa = word64(low & VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PTR, hi.val),
	};
}

int nvbar_bar1_read_binding(struct nvbar_gpu *gpu, struct nvbar_bar1_binding *binding)
{
	bool ones;

	*binding = gpu->chip->bind == NVBAR_BIND_BLOCK ? read_block(gpu, &ones) :
							 read_pair(gpu, &ones);
	if (ones && nvbar_gpu_alive(gpu))
		return -ENODEV;
	return gpu->vmm.enabled ? check_own(gpu, binding) : 0;
}

int nvbar_bar1_look(struct nvbar_gpu *gpu)
{
	struct nvbar_bar1_binding binding;
	int ret = nvbar_gpu_alive(gpu);

	return ret || !gpu->vmm.enabled ? ret : nvbar_bar1_read_binding(gpu, &binding);
}

int nvbar_bar1_glance(struct nvbar_gpu *gpu)
{
	const u32 mode = VF_PRIV_BAR1_BLOCK_MODE_VIRTUAL;
	bool same;

	if (gpu->chip->bind == NVBAR_BIND_BLOCK)
		same = (nvbar_rd32(gpu, VF_PRIV_BAR1_BLOCK) & BLOCK_BOUND) ==
		       block_val(mode, gpu->inst_pa);
	else
		same = (nvbar_rd32(gpu, VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR) & LOW_BOUND) ==
		       low_val(mode, gpu->inst_pa);
	return same ? 0 : nvbar_bar1_look(gpu);
}

int nvbar_bar1_read_root(struct nvbar_gpu *gpu, enum nvbar_aperture *aperture, u64 *pa)
{
	struct nvbar_bar1_binding binding;
	u64 word;
	int ret;

	ret = nvbar_bar1_read_binding(gpu, &binding);
	if (ret)
		return ret;
	if (binding.bad.name)
		return nvbar_reg_refuse(gpu, NVBAR_MSG_ERROR, &binding.bad,
					"what BAR1 is bound to");
	if (!binding.is_virtual)
		return -ENOENT;

	ret = nvbar_vmm_walk_read(gpu, binding.aperture, binding.inst_pa + RAMIN_PAGE_DIR_BASE_LO,
				  &word, 1);
	if (ret == -EFAULT)
		return -EIO;
	if (ret)
		return ret;
	if (FIELD_GET(RAMIN_PAGE_DIR_BASE_TARGET, word) == RAMIN_PAGE_DIR_BASE_TARGET_INVALID)
		return -EIO;
	/* TARGET has the values that the bind registers use. */
	*aperture = target_aperture(FIELD_GET(RAMIN_PAGE_DIR_BASE_TARGET, word));
	*pa = word64(lower_32_bits(word) & RAMIN_PAGE_DIR_BASE_LO_ADDR, upper_32_bits(word));
	return 0;
}
