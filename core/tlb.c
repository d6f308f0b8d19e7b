// SPDX-License-Identifier: MIT
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/kernel.h>

#include <hw/vf_priv.h>

#include "gpu.h"
#include "tlb.h"
#include "wait.h"

static int wait_idle(struct nvbar_gpu *gpu)
{
	int ret = nvbar_wait_reg(gpu, "VF_PRIV_MMU_INVALIDATE", VF_PRIV_MMU_INVALIDATE,
				 VF_PRIV_MMU_INVALIDATE_TRIGGER, 0, NVBAR_MMU_TIMEOUT_US);

	gpu->tlb.busy = ret != 0;
	return ret;
}

int nvbar_tlb_invalidate(struct nvbar_gpu *gpu, u64 pdb, enum nvbar_tlb_change change)
{
	u32 pdb_lo = FIELD_PREP(VF_PRIV_MMU_INVALIDATE_PDB_ADDR,
				(pdb >> VF_PRIV_MMU_INVALIDATE_PDB_ADDR_SHIFT) &
					FIELD_MAX(VF_PRIV_MMU_INVALIDATE_PDB_ADDR));
	u32 pdb_hi = FIELD_PREP(VF_PRIV_MMU_INVALIDATE_UPPER_PDB_ADDR,
				pdb >> VF_PRIV_MMU_INVALIDATE_UPPER_PDB_ADDR_SHIFT);
	u32 control = VF_PRIV_MMU_INVALIDATE_TRIGGER | VF_PRIV_MMU_INVALIDATE_ALL_VA |
		      VF_PRIV_MMU_INVALIDATE_HUBTLB_ONLY;
	int ret;

	if (change == NVBAR_TLB_DOWNGRADE)
		control |= VF_PRIV_MMU_INVALIDATE_SYS_MEMBAR |
			   FIELD_PREP(VF_PRIV_MMU_INVALIDATE_ACK,
				      VF_PRIV_MMU_INVALIDATE_ACK_GLOBALLY);

	/* What a trigger does while another runs is not documented: don't. */
	if (gpu->tlb.busy) {
		ret = wait_idle(gpu);
		if (ret)
			return ret;
	}

	nvbar_wr32(gpu, VF_PRIV_MMU_INVALIDATE_PDB, pdb_lo);
	nvbar_wr32(gpu, VF_PRIV_MMU_INVALIDATE_UPPER_PDB, pdb_hi);
	nvbar_wr32(gpu, VF_PRIV_MMU_INVALIDATE, control);
	atomic64_inc(&gpu->count.tlb_invalidates);
	return wait_idle(gpu);
}
