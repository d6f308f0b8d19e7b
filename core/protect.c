// SPDX-License-Identifier: MIT
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/sizes.h>

#include <hw/pfb.h>
#include <hw/pmc.h>

#include "chip.h"
#include "gpu.h"
#include "protect.h"
#include "reg.h"

/* Small VRAM may have no room for what is reserved in it. */
static u64 less(u64 a, u64 b)
{
	return a > b ? a - b : 0;
}

/* Adds [@start, @end); usable VRAM ends before it. */
static void add(struct nvbar_gpu *gpu, const char *name, u64 start, u64 end,
		enum nvbar_protection protection)
{
	struct nvbar_protect *protect = &gpu->protect;

	if (start == end || WARN_ON(protect->nr == NVBAR_PROTECTED_MAX))
		return;
	protect->range[protect->nr++] = (struct nvbar_protected){
		.name = name, .pa = start, .len = end - start, .protection = protection,
	};
	gpu->usable_end = min(gpu->usable_end, start);
}

static int refuse(struct nvbar_gpu *gpu, const char *name, u64 start, u64 end)
{
	nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "VRAM: %s 0x%llx..0x%llx makes no sense in 0x%llx bytes",
		      name, start, end, gpu->vram_size);
	return -EIO;
}

/* Does the register tell an address in VRAM? */
static bool tells_workspace(u32 val)
{
	return val & PDISP_VGA_WORKSPACE_BASE_STATUS_VALID &&
	       !nvbar_reg_is_error(PDISP_VGA_WORKSPACE_BASE, val) &&
	       FIELD_GET(PDISP_VGA_WORKSPACE_BASE_TARGET, val) ==
	       PDISP_VGA_WORKSPACE_BASE_TARGET_VID_MEM;
}

/*
 * Where the display's workspace begins; it reaches to the end of VRAM [OpenRM
 * kernel_gsp_tu102.c].
 */
static int read_workspace(struct nvbar_gpu *gpu, u64 *start)
{
	u64 floor = less(gpu->vram_size, SZ_1M);
	u32 val = 0;

	/* Boards exist whose display is fused off: theirs reads as an error. */
	if (gpu->chip->display)
		val = nvbar_rd32(gpu, PDISP_VGA_WORKSPACE_BASE);
	if (!tells_workspace(val)) {
		*start = floor;
		return 0;
	}
	*start = (u64)FIELD_GET(PDISP_VGA_WORKSPACE_BASE_ADDR, val)
		 << PDISP_VGA_WORKSPACE_BASE_ADDR_SHIFT;
	if (*start >= gpu->vram_size)
		return refuse(gpu, "VGA workspace", *start, gpu->vram_size);
	if (*start < floor)
		*start = less(gpu->vram_size, SZ_128K);
	return 0;
}

/**
 * struct range_regs - a range that two registers tell
 * @name: of the range
 * @lo: where it begins
 * @hi: where it ends
 * @optional: not every chip has it: if @hi can't be read there is none
 */
struct range_regs {
	const char *name;
	struct nvbar_reg_word lo, hi;
	bool optional;
};

static const struct range_regs wpr1 = {
	.name = "WPR1",
	.lo = NVBAR_REG(PFB_MMU_WPR1_ADDR_LO),
	.hi = NVBAR_REG(PFB_MMU_WPR1_ADDR_HI),
	.optional = true,
};

static const struct range_regs wpr2 = {
	.name = "WPR2",
	.lo = NVBAR_REG(PFB_MMU_WPR2_ADDR_LO),
	.hi = NVBAR_REG(PFB_MMU_WPR2_ADDR_HI),
};

static const struct range_regs lock_range = {
	.name = "MMU lock range",
	.lo = NVBAR_REG(PFB_MMU_LOCK_ADDR_LO),
	.hi = NVBAR_REG(PFB_MMU_LOCK_ADDR_HI),
	.optional = true,
};

/*
 * Both bounds are 0 if the range is not set.  An address that begins with 0xbad here
 * would be one of 747 GiB and more.
 */
static int read_range(struct nvbar_gpu *gpu, const struct range_regs *regs, u64 *start, u64 *end)
{
	struct nvbar_reg_word lo = nvbar_rd_word(gpu, &regs->lo);
	struct nvbar_reg_word hi = nvbar_rd_word(gpu, &regs->hi);
	const struct nvbar_reg_word *bad = nvbar_reg_pair_is_error(&lo, &hi);

	*start = 0;
	*end = 0;
	if (!FIELD_GET(PFB_MMU_WPR_ADDR_VAL, hi.val) ||
	    (regs->optional && nvbar_reg_is_error(hi.off, hi.val)))
		return 0;
	if (bad)
		return nvbar_reg_refuse(gpu, NVBAR_MSG_ERROR, bad, regs->name);
	*start = (u64)FIELD_GET(PFB_MMU_WPR_ADDR_VAL, lo.val) << PFB_MMU_WPR_ADDR_VAL_SHIFT;
	*end = (u64)FIELD_GET(PFB_MMU_WPR_ADDR_VAL, hi.val) << PFB_MMU_WPR_ADDR_VAL_SHIFT;
	return *start > *end || *end > gpu->vram_size ? refuse(gpu, regs->name, *start, *end) : 0;
}

/* WPR2, with the memory below it that the firmware and the PMU use. */
static int read_wpr2(struct nvbar_gpu *gpu, bool *firmware)
{
	u64 heap_len = gpu->chip->heap_len;
	u64 pmu_len = gpu->chip->pmu_len;
	u64 start, end;
	int ret;

	ret = read_range(gpu, &wpr2, &start, &end);
	*firmware = end;
	if (ret || !end)
		return ret;
	if (start < heap_len + pmu_len)
		return refuse(gpu, "WPR2 without room for a heap below", start, end);
	add(gpu, "WPR2", start, end, NVBAR_PROTECT_CLOSED);
	add(gpu, "firmware heap", start - heap_len, start, NVBAR_PROTECT_RDONLY);
	add(gpu, "PMU", start - heap_len - pmu_len, start - heap_len, NVBAR_PROTECT_RDONLY);
	return 0;
}

/* A range that stands alone. */
static int read_lone_range(struct nvbar_gpu *gpu, const struct range_regs *regs)
{
	u64 start, end;
	int ret;

	ret = read_range(gpu, regs, &start, &end);
	if (!ret)
		add(gpu, regs->name, start, end, NVBAR_PROTECT_CLOSED);
	return ret;
}

int nvbar_protect_read(struct nvbar_gpu *gpu)
{
	u64 workspace, frts_end;
	bool firmware;
	int ret;

	gpu->protect.nr = 0;
	gpu->usable_end = gpu->vram_size;
	ret = read_workspace(gpu, &workspace);
	if (ret)
		return ret;
	add(gpu, "VGA workspace", workspace, gpu->vram_size, NVBAR_PROTECT_KEPT);
	ret = read_wpr2(gpu, &firmware);
	if (ret)
		return ret;
	/* Kept free before there is firmware, too, so that its start finds nobody there. */
	frts_end = round_down(workspace, SZ_128K);
	add(gpu, "FRTS", less(frts_end, gpu->chip->frts_len), frts_end,
	    firmware ? NVBAR_PROTECT_RDONLY : NVBAR_PROTECT_KEPT);
	ret = read_lone_range(gpu, &wpr1);
	if (!ret && gpu->chip->lock_range)
		ret = read_lone_range(gpu, &lock_range);
	return ret;
}

const struct nvbar_protected *nvbar_protect_find(const struct nvbar_gpu *gpu, u64 pa, u64 len,
						 bool write)
{
	unsigned int i;

	for (i = 0; i < gpu->protect.nr; i++) {
		const struct nvbar_protected *range = &gpu->protect.range[i];
		bool refused = range->protection == NVBAR_PROTECT_CLOSED ||
			       (write && range->protection == NVBAR_PROTECT_RDONLY);

		if (refused && pa < range->pa + range->len && pa + len > range->pa)
			return range;
	}
	return NULL;
}

int nvbar_protect_check(struct nvbar_gpu *gpu, const char *what, u64 pa, u64 len, bool write)
{
	const struct nvbar_protected *range = nvbar_protect_find(gpu, pa, len, write);

	if (!range)
		return 0;
	nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "%s 0x%llx+0x%llx: %s 0x%llx+0x%llx is %s", what, pa,
		      len, range->name, range->pa, range->len,
		      range->protection == NVBAR_PROTECT_CLOSED ? "closed to the CPU" :
								  "the firmware's: read-only");
	return -EACCES;
}
