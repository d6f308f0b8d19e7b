// SPDX-License-Identifier: MIT
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sizes.h>

#include <hw/boot.h>
#include <hw/mmu.h>
#include <hw/mmu_fault.h>
#include <hw/pfb.h>
#include <hw/pmc.h>
#include <hw/pramin.h>

#include "chip.h"
#include "gpu.h"
#include "protect.h"
#include "reg.h"
#include "wait.h"

#define PAGES_TURING	(BIT_ULL(MMU_PAGE_SHIFT_4K) | BIT_ULL(MMU_PAGE_SHIFT_64K) | \
			 BIT_ULL(MMU_PAGE_SHIFT_2M))
#define PAGES_AMPERE	(PAGES_TURING | BIT_ULL(MMU_PAGE_SHIFT_512M))
#define PAGES_BLACKWELL	(PAGES_AMPERE | BIT_ULL(MMU_PAGE_SHIFT_256G))

#define FAMILY_TU_TO_AD							\
	.mmu = &nvbar_mmu_ver2,						\
	.boot = NVBAR_BOOT_GFW,						\
	.bind = NVBAR_BIND_BLOCK,					\
	.window_reg = PBUS_BAR0_WINDOW,					\
	.window_name = "PBUS_BAR0_WINDOW",				\
	.window_mask = PBUS_BAR0_WINDOW_BASE,				\
	.window_target = PBUS_BAR0_WINDOW_TARGET,			\
	.scrub_status = true,						\
	.heap_len = SZ_1M,						\
	.engine_bar1 = MMU_ENGINE_ID_BAR1_TU102,			\
	.engine_bar2 = MMU_ENGINE_ID_BAR2_TU102

#define FAMILY_GH_TO_GB							\
	.mmu = &nvbar_mmu_ver3,						\
	.boot = NVBAR_BOOT_FSP,						\
	.size = NVBAR_SIZE_SCRATCH_MB,					\
	.bind = NVBAR_BIND_FUNC_PAIR,					\
	.window_reg = XAL_EP_ZB_BAR0_WINDOW,				\
	.window_name = "XAL_EP_ZB_BAR0_WINDOW",				\
	.frts_len = SZ_1M,						\
	.engine_bar1 = MMU_ENGINE_ID_BAR1_GH100,			\
	.engine_bar2 = MMU_ENGINE_ID_BAR2_GH100

/* 8 MiB + 16 MiB + 4 KiB rounded up to 128 KiB; firmware r570 [nova] */
#define PMU_LEN_BLACKWELL	(SZ_16M + SZ_8M + SZ_128K)

static const struct nvbar_chip chips[] = {
	{
		.id = CHIP_ID_TU102, .name = "TU102", FAMILY_TU_TO_AD,
		.page_sizes = PAGES_TURING, .size = NVBAR_SIZE_LOCAL_MEMORY_RANGE,
		.display = true, .frts_len = SZ_1M, .va_limit = true,
	}, {
		.id = CHIP_ID_GA100, .name = "GA100", FAMILY_TU_TO_AD,
		.page_sizes = PAGES_AMPERE, .size = NVBAR_SIZE_LOCAL_MEMORY_RANGE,
		.lock_range = true,
	}, {
		.id = CHIP_ID_GA102, .name = "GA102", FAMILY_TU_TO_AD,
		.page_sizes = PAGES_AMPERE, .size = NVBAR_SIZE_SCRATCH_MB,
		.display = true, .frts_len = SZ_1M,
	}, {
		.id = CHIP_ID_AD102, .name = "AD102", FAMILY_TU_TO_AD,
		.page_sizes = PAGES_AMPERE, .size = NVBAR_SIZE_SCRATCH_MB,
		.display = true, .frts_len = SZ_1M,
	}, {
		.id = CHIP_ID_GH100, .name = "GH100", FAMILY_GH_TO_GB,
		.page_sizes = PAGES_AMPERE, .boot_reg = THERM_I2CS_SCRATCH_GH100,
		.window_mask = XAL_EP_ZB_BAR0_WINDOW_BASE_GH100, .heap_len = SZ_2M,
		.scrub_status = true,
	}, {
		.id = CHIP_ID_GB100, .name = "GB100", FAMILY_GH_TO_GB,
		.page_sizes = PAGES_BLACKWELL, .boot_reg = THERM_I2CS_SCRATCH_GH100,
		.window_mask = XAL_EP_ZB_BAR0_WINDOW_BASE_GB100, .heap_len = SZ_2M,
		.pmu_len = PMU_LEN_BLACKWELL, .inst_magic = true, .cc_violation = true,
	}, {
		/* 3 MiB of heap in OpenRM 595, less in older firmware: take the larger */
		.id = CHIP_ID_GB202, .name = "GB202", FAMILY_GH_TO_GB,
		.page_sizes = PAGES_BLACKWELL, .boot_reg = THERM_I2CS_SCRATCH_GB202,
		.window_mask = XAL_EP_ZB_BAR0_WINDOW_BASE_GB100, .heap_len = SZ_2M + SZ_1M,
		.pmu_len = PMU_LEN_BLACKWELL, .inst_magic = true, .cc_violation = true,
		.display = true,
	},
};

/* What says who a GPU is must be a value: none of these registers ever is all ones. */
static int check_identity(struct nvbar_gpu *gpu, const struct nvbar_reg_word *word)
{
	bool gone = word->val == ~0u;
	int ret;

	if (!gone && !nvbar_reg_is_error(word->off, word->val))
		return 0;
	ret = nvbar_reg_refuse(gpu, NVBAR_MSG_ERROR, word, "which GPU this is");
	return gone ? -ENODEV : ret;
}

int nvbar_chip_identify(struct nvbar_gpu *gpu)
{
	struct nvbar_reg_word boot0, boot1, boot42;
	unsigned int i;
	int ret;
	u32 id;

	boot0 = nvbar_rd_named(gpu, PMC_BOOT_0);
	gpu->boot0 = boot0.val;
	if (gpu->boot0 == ~0u) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "identify: PMC_BOOT_0 reads as all ones: no GPU answers");
		return -ENODEV;
	}
	boot42 = nvbar_rd_named(gpu, PMC_BOOT_42);
	gpu->boot42 = boot42.val;
	boot1 = nvbar_rd_named(gpu, PMC_BOOT_1);
	ret = check_identity(gpu, &boot0);
	if (!ret)
		ret = check_identity(gpu, &boot42);
	if (!ret)
		ret = check_identity(gpu, &boot1);
	if (ret)
		return ret;
	if (FIELD_GET(PMC_BOOT_1_VGPU, boot1.val) != PMC_BOOT_1_VGPU_REAL) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "identify: this is a virtual GPU");
		return -EOPNOTSUPP;
	}

	id = FIELD_GET(PMC_BOOT_42_CHIP_ID, gpu->boot42);
	for (i = 0; i < ARRAY_SIZE(chips); i++) {
		if (chips[i].id == id) {
			gpu->chip = &chips[i];
			return 0;
		}
	}
	nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
		      "identify: unknown chip 0x%03x: PMC_BOOT_0 0x%08x, PMC_BOOT_42 0x%08x", id,
		      gpu->boot0, gpu->boot42);
	return -EOPNOTSUPP;
}

int nvbar_chip_wait_boot(struct nvbar_gpu *gpu)
{
	int ret;

	if (gpu->chip->boot == NVBAR_BOOT_FSP)
		return nvbar_wait_reg(gpu, "THERM_I2CS_SCRATCH", gpu->chip->boot_reg, ~0u,
				      THERM_I2CS_SCRATCH_BOOT_DONE, NVBAR_BOOT_TIMEOUT_US);

	/* The progress means nothing until the mask lets the CPU read it. */
	ret = nvbar_wait_reg(gpu, "PGC6_SCRATCH_GROUP_05_PRIV_LEVEL_MASK",
			     PGC6_SCRATCH_GROUP_05_PRIV_LEVEL_MASK,
			     PGC6_SCRATCH_GROUP_05_PRIV_LEVEL_MASK_READ_LEVEL0,
			     PGC6_SCRATCH_GROUP_05_PRIV_LEVEL_MASK_READ_LEVEL0,
			     NVBAR_BOOT_TIMEOUT_US);
	if (ret)
		return ret;
	return nvbar_wait_reg(gpu, "PGC6_SCRATCH_GROUP_05", PGC6_SCRATCH_GROUP_05,
			      PGC6_SCRATCH_GROUP_05_GFW_BOOT_PROGRESS,
			      PGC6_SCRATCH_GROUP_05_GFW_BOOT_PROGRESS_DONE, NVBAR_BOOT_TIMEOUT_US);
}

/* Of a register that is not there, or can't be read, any bit may be set. */
static bool says_scrubbed(u32 val)
{
	return val & PFB_NISO_SCRUB_STATUS_DONE &&
	       !nvbar_reg_is_error(PFB_NISO_SCRUB_STATUS, val);
}

int nvbar_chip_wait_scrub(struct nvbar_gpu *gpu)
{
	u32 val;

	if (!gpu->chip->scrub_status)
		return 0;
	val = nvbar_rd32(gpu, PFB_NISO_SCRUB_STATUS);
	if (!says_scrubbed(val) && !nvbar_reg_is_error(PFB_NISO_SCRUB_STATUS, val) &&
	    nvbar_poll_reg(gpu, PFB_NISO_SCRUB_STATUS, PFB_NISO_SCRUB_STATUS_DONE,
			   PFB_NISO_SCRUB_STATUS_DONE, NVBAR_MMU_TIMEOUT_US, &val) == -ENODEV)
		return -ENODEV;
	if (val == ~0u && nvbar_gpu_alive(gpu))
		return -ENODEV;
	if (says_scrubbed(val))
		return 0;
	nvbar_gpu_msg(gpu, NVBAR_MSG_WARNING,
		      "VRAM: register PFB_NISO_SCRUB_STATUS (0x%06x) reads 0x%08x: the GPU may still be scrubbing, so allocations are read back",
		      PFB_NISO_SCRUB_STATUS, val);
	gpu->read_back = true;
	return 0;
}

static u64 size_of_range(u32 val)
{
	u64 size = (u64)FIELD_GET(PFB_LOCAL_MEMORY_RANGE_LOWER_MAG, val)
		   << (FIELD_GET(PFB_LOCAL_MEMORY_RANGE_LOWER_SCALE, val) + 20);

	return val & PFB_LOCAL_MEMORY_RANGE_ECC_MODE ? size / 16 * 15 : size;
}

static int read_vram_size(struct nvbar_gpu *gpu)
{
	bool in_mib = gpu->chip->size == NVBAR_SIZE_SCRATCH_MB;
	struct nvbar_reg_word word;

	word = in_mib ? nvbar_rd_named(gpu, PGC6_SCRATCH_GROUP_42) :
			nvbar_rd_named(gpu, PFB_LOCAL_MEMORY_RANGE);
	if (nvbar_reg_is_error(word.off, word.val))
		return nvbar_reg_refuse(gpu, NVBAR_MSG_ERROR, &word, "the size of VRAM");
	gpu->vram_size = in_mib ? (u64)word.val << 20 : size_of_range(word.val);
	return 0;
}

int nvbar_chip_read_vram(struct nvbar_gpu *gpu)
{
	int ret;

	ret = read_vram_size(gpu);
	if (!ret)
		ret = nvbar_gpu_alive(gpu);
	if (ret)
		return ret;
	/* More would exceed every address field there is. */
	if (!gpu->vram_size || gpu->vram_size > BIT_ULL(47)) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "VRAM: a size of 0x%llx bytes makes no sense",
			      gpu->vram_size);
		return -EIO;
	}

	ret = nvbar_protect_read(gpu);
	if (ret)
		return ret;

	/* What no entry or window can name is of no use to the driver. */
	gpu->usable_end = min3(gpu->usable_end, 1ULL << gpu->chip->mmu->vid_bits,
			       nvbar_pramin_reach(gpu));
	gpu->usable_end = round_down(gpu->usable_end, SZ_64K);
	return 0;
}
