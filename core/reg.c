// SPDX-License-Identifier: MIT
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include <hw/pmc.h>
#include <hw/vf_priv.h>

#include "reg.h"

/*
 * The bits of a register whose uppermost twelve may well be 0xbad; 0 for all others.
 * Bits 31:29 of PMC_BOOT_0 are somebody's, though nobody says whose.
 */
static u32 bits_of(u32 off)
{
	switch (off) {
	case PMC_BOOT_0:
		return GENMASK(31, 29) | PMC_BOOT_0_ARCH_LSB | PMC_BOOT_0_IMPL |
		       PMC_BOOT_0_ARCH_MSB | PMC_BOOT_0_MAJOR_REV | PMC_BOOT_0_MINOR_REV;
	case VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR:
		return VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PTR |
		       VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_TARGET |
		       VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_MODE |
		       VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_OUTSTANDING |
		       VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PENDING;
	case VF_PRIV_MMU_FAULT_ADDR_LO:
		return VF_PRIV_MMU_FAULT_ADDR_LO_ADDR | VF_PRIV_MMU_FAULT_ADDR_LO_PHYS_APERTURE;
	case VF_PRIV_MMU_FAULT_INST_LO:
		return VF_PRIV_MMU_FAULT_INST_LO_ADDR | VF_PRIV_MMU_FAULT_INST_LO_APERTURE |
		       VF_PRIV_MMU_FAULT_INST_LO_ENGINE_ID;
	default:
		return 0;
	}
}

bool nvbar_reg_is_error(u32 off, u32 val)
{
	u32 bits = bits_of(off);

	return FIELD_GET(PRI_ERROR, val) == PRI_ERROR_BAD && (!bits || val & ~bits);
}

const struct nvbar_reg_word *nvbar_reg_pair_is_error(const struct nvbar_reg_word *lo,
						     const struct nvbar_reg_word *hi)
{
	if (nvbar_reg_is_error(lo->off, lo->val))
		return lo;
	return nvbar_reg_is_error(hi->off, hi->val) ? hi : NULL;
}

void nvbar_reg_text(const struct nvbar_reg_word *word, char *buf, size_t len)
{
	scnprintf(buf, len, "register %s (0x%06x) reads 0x%08x: it can't be read", word->name,
		  word->off, word->val);
}

int nvbar_reg_refuse(struct nvbar_gpu *gpu, int level, const struct nvbar_reg_word *word,
		     const char *what)
{
	char text[128];

	nvbar_reg_text(word, text, sizeof(text));
	nvbar_gpu_msg(gpu, level, "%s, so %s is not known", text, what);
	return -EIO;
}
