/* SPDX-License-Identifier: MIT */
/*
 * Binding BAR1 to an instance block.  The block is read when the bind is
 * asked for, so whatever has not reached VRAM by then does not count; the
 * binding is in force no earlier than a driver sees it complete.
 */
#include "sim_gpu.h"
#include "hw/instance.h"
#include "hw/vf_priv.h"

/* The instance block's own words: its page directory. */
static void read_inst(struct sim_gpu *gpu, struct sim_binding *b)
{
	uint32_t lo = sim_vram_load(&gpu->vram, b->inst + RAMIN_PAGE_DIR_BASE_LO, 4);
	uint64_t hi = sim_vram_load(&gpu->vram, b->inst + RAMIN_PAGE_DIR_BASE_HI, 4);
	unsigned int target = FIELD_GET(RAMIN_PAGE_DIR_BASE_TARGET, lo);
	bool vid = target == RAMIN_PAGE_DIR_BASE_TARGET_VID_MEM;

	b->broken = target == RAMIN_PAGE_DIR_BASE_TARGET_INVALID ||
		    !(lo & RAMIN_BIG_PAGE_SIZE) ||
		    (gpu->chip->mmu->version == 2 && !(lo & RAMIN_USE_VER2_PT_FORMAT));
	b->space = vid ? SIM_MMU_VID : SIM_MMU_SYS;
	b->root = hi << 32 | (lo & RAMIN_PAGE_DIR_BASE_LO_ADDR);
}

static const char *start(struct sim_gpu *gpu, bool virt, unsigned int target, uint64_t inst)
{
	struct sim_bar1 *bar1 = &gpu->bar1;
	struct sim_binding next = { .virt = virt, .inst = inst };

	if (bar1->pending)
		return "a bind is pending";
	if (!sim_boot_done(gpu))
		return "boot is not complete";
	if (virt && target != VF_PRIV_BAR1_BLOCK_TARGET_VID_MEM)
		return "no such memory for an instance block here";
	if (virt && !sim_vram_has(&gpu->vram, inst, RAMIN_SIZE))
		return "instance block past the end of VRAM";
	if (virt)
		read_inst(gpu, &next);
	bar1->next = next;
	bar1->pending = true;
	bar1->polls_left = gpu->cfg.bind_polls;
	return NULL;
}

const char *sim_bind_written(struct sim_gpu *gpu, uint32_t val)
{
	uint64_t ptr = FIELD_GET(VF_PRIV_BAR1_BLOCK_PTR, val);

	return start(gpu, val & VF_PRIV_BAR1_BLOCK_MODE,
		     FIELD_GET(VF_PRIV_BAR1_BLOCK_TARGET, val), ptr << RAMIN_BASE_SHIFT);
}

const char *sim_bind_low_written(struct sim_gpu *gpu, uint32_t val)
{
	(void)val;
	return gpu->bar1.pending ? "a bind is pending" : NULL;
}

/* Binds, with LOW as it is by now. */
const char *sim_bind_high_written(struct sim_gpu *gpu, uint32_t val)
{
	uint32_t low = *sim_reg(gpu, VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR);
	uint64_t ptr = low & VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PTR;

	return start(gpu, low & VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_MODE,
		     FIELD_GET(VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_TARGET, low),
		     (uint64_t)val << 32 | ptr);
}

static void put_in_force(struct sim_gpu *gpu, struct sim_binding next)
{
	struct sim_binding *now = &gpu->bar1.now;

	*now = next;
	if (now->virt && !now->broken)
		now->pdb = sim_tlb_pdb_id(gpu->tlb, now->space, now->root);
}

void sim_bind_reset(struct sim_gpu *gpu)
{
	struct sim_binding left = { .virt = gpu->cfg.bound, .inst = gpu->cfg.bound };

	gpu->bar1 = (struct sim_bar1) { 0 };
	if (left.virt)
		read_inst(gpu, &left);
	put_in_force(gpu, left);
}

static void complete(struct sim_gpu *gpu)
{
	put_in_force(gpu, gpu->bar1.next);
	gpu->bar1.pending = false;
	gpu->counters.binds++;
	sim_windows_update(gpu);
}

/*
 * The same two bits in both register forms: first queued, then sent and not
 * acknowledged.  Only when both are gone is it done.
 */
uint32_t sim_bind_status_read(struct sim_gpu *gpu, uint32_t val)
{
	struct sim_bar1 *bar1 = &gpu->bar1;

	if (!bar1->pending)
		return val;
	if (gpu->faults.want.bind_stuck)
		return val | VF_PRIV_BIND_STATUS_BAR1_PENDING;
	if (!bar1->polls_left) {
		complete(gpu);
		return val;
	}
	if (bar1->polls_left-- > gpu->cfg.bind_polls / 2)
		return val | VF_PRIV_BIND_STATUS_BAR1_PENDING;
	return val | VF_PRIV_BIND_STATUS_BAR1_OUTSTANDING;
}
