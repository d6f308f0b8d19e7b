/* SPDX-License-Identifier: MIT */
/*
 * Binding an aperture to an instance block.  The block is read when the bind is
 * asked for, so whatever has not reached VRAM by then does not count; until the
 * bind is complete, the aperture is of no use.
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

static const char *start(struct sim_gpu *gpu, struct sim_aperture *ap, bool virt,
			 unsigned int target, uint64_t inst)
{
	struct sim_binding next = { .virt = virt, .inst = inst };

	if (ap->pending)
		return "a bind is pending";
	if (!sim_boot_done(gpu))
		return "boot is not complete";
	if (virt && target != VF_PRIV_BAR1_BLOCK_TARGET_VID_MEM)
		return "no such memory for an instance block here";
	if (virt && !sim_vram_has(&gpu->vram, inst, RAMIN_SIZE))
		return "instance block past the end of VRAM";
	if (virt)
		read_inst(gpu, &next);
	ap->next = next;
	ap->pending = true;
	ap->polls_left = gpu->cfg.bind_polls;
	ap->due = sim_due(gpu, gpu->cfg.bind_polls);
	ap->by_low = false;
	sim_windows_update(gpu);
	return NULL;
}

static void put_in_force(struct sim_gpu *gpu, struct sim_binding *now)
{
	if (now->virt && !now->broken)
		now->pdb = sim_tlb_pdb_id(gpu->tlb, now->space, now->root);
}

static void reset(struct sim_aperture *ap, struct sim_binding left)
{
	ap->now = left;
	ap->pending = false;
	ap->low_alone = false;
	ap->dead = false;
}

void sim_bind_reset(struct sim_gpu *gpu)
{
	struct sim_binding left = { .virt = gpu->cfg.bound, .inst = gpu->cfg.bound };

	if (left.virt)
		read_inst(gpu, &left);
	reset(&gpu->bar1, left);
	reset(&gpu->bar2, (struct sim_binding) { 0 });
	put_in_force(gpu, &gpu->bar1.now);
}

static void complete(struct sim_gpu *gpu, struct sim_aperture *ap)
{
	ap->now = ap->next;
	ap->pending = false;
	ap->dead = false;
	/* A new address space may have taken the number of the other aperture's. */
	put_in_force(gpu, &ap->now);
	put_in_force(gpu, ap == &gpu->bar1 ? &gpu->bar2.now : &gpu->bar1.now);
	gpu->counters.binds++;
	sim_windows_update(gpu);
}

static uint64_t pass(struct sim_gpu *gpu, struct sim_aperture *ap)
{
	if (!ap->pending)
		return ~0ull;
	if (gpu->faults.want.bind_stuck)
		return sim_due(gpu, gpu->cfg.bind_polls);
	if (!sim_is_due(gpu, ap->due))
		return ap->due;
	complete(gpu, ap);
	return ~0ull;
}

uint64_t sim_bind_pass(struct sim_gpu *gpu)
{
	uint64_t bar1 = pass(gpu, &gpu->bar1), bar2 = pass(gpu, &gpu->bar2);

	return bar1 < bar2 ? bar1 : bar2;
}

/*
 * The same two bits in all register forms: first queued, then sent and not
 * acknowledged.  Only when both are gone is it done.
 */
static uint32_t poll(struct sim_gpu *gpu, struct sim_aperture *ap)
{
	if (!ap->pending)
		return 0;
	if (gpu->faults.want.bind_stuck)
		return VF_PRIV_BIND_STATUS_BAR1_PENDING;
	if (!ap->polls_left) {
		complete(gpu, ap);
		return 0;
	}
	if (ap->polls_left-- > gpu->cfg.bind_polls / 2)
		return VF_PRIV_BIND_STATUS_BAR1_PENDING;
	return VF_PRIV_BIND_STATUS_BAR1_OUTSTANDING;
}

/* --- TU102, GA100, GA102, AD102: one register each, and one status for both ---------- */

static const char *block_written(struct sim_gpu *gpu, struct sim_aperture *ap, uint32_t val)
{
	uint64_t ptr = FIELD_GET(VF_PRIV_BAR1_BLOCK_PTR, val);

	return start(gpu, ap, val & VF_PRIV_BAR1_BLOCK_MODE,
		     FIELD_GET(VF_PRIV_BAR1_BLOCK_TARGET, val), ptr << RAMIN_BASE_SHIFT);
}

const char *sim_bar1_block_written(struct sim_gpu *gpu, uint32_t val)
{
	return block_written(gpu, &gpu->bar1, val);
}

const char *sim_bar2_block_written(struct sim_gpu *gpu, uint32_t val)
{
	return block_written(gpu, &gpu->bar2, val);
}

uint32_t sim_bind_status_read(struct sim_gpu *gpu, uint32_t val)
{
	return val | poll(gpu, &gpu->bar1) | poll(gpu, &gpu->bar2) << VF_PRIV_BIND_STATUS_BAR2_SHIFT;
}

/* --- GH100, GB100, GB202: a pair of registers each, LOW with the status --------------- */

static void set_low_alone(struct sim_gpu *gpu, struct sim_aperture *ap, bool alone)
{
	if (ap->low_alone == alone)
		return;
	ap->low_alone = alone;
	sim_windows_update(gpu);
}

static const char *low_written(struct sim_gpu *gpu, struct sim_aperture *ap, uint32_t low)
{
	const char *why;

	if (ap->pending)
		return "a bind is pending";
	set_low_alone(gpu, ap, gpu->cfg.bind_low == SIM_BIND_LOW_MISUSE);
	if (gpu->cfg.bind_low != SIM_BIND_LOW_ACTS || low & VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_MODE)
		return NULL;
	why = start(gpu, ap, false, 0, 0);
	ap->by_low = !why;
	return why;
}

/* Binds, with LOW as it is by now. */
static const char *high_written(struct sim_gpu *gpu, struct sim_aperture *ap, uint32_t low,
				uint32_t high)
{
	uint64_t ptr = low & VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PTR;

	set_low_alone(gpu, ap, false);
	/* Drivers write both, one after the other. */
	ap->pending &= !ap->by_low;
	return start(gpu, ap, low & VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_MODE,
		     FIELD_GET(VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_TARGET, low),
		     (uint64_t)high << 32 | ptr);
}

const char *sim_bar1_low_written(struct sim_gpu *gpu, uint32_t val)
{
	return low_written(gpu, &gpu->bar1, val);
}

const char *sim_bar1_high_written(struct sim_gpu *gpu, uint32_t val)
{
	return high_written(gpu, &gpu->bar1, *sim_reg(gpu, VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR), val);
}

uint32_t sim_bar1_low_read(struct sim_gpu *gpu, uint32_t val)
{
	return val | poll(gpu, &gpu->bar1);
}

const char *sim_bar2_low_written(struct sim_gpu *gpu, uint32_t val)
{
	return low_written(gpu, &gpu->bar2, val);
}

const char *sim_bar2_high_written(struct sim_gpu *gpu, uint32_t val)
{
	return high_written(gpu, &gpu->bar2, *sim_reg(gpu, VF_PRIV_FUNC_BAR2_BLOCK_LOW_ADDR), val);
}

uint32_t sim_bar2_low_read(struct sim_gpu *gpu, uint32_t val)
{
	return val | poll(gpu, &gpu->bar2);
}
