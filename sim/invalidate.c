/* SPDX-License-Identifier: MIT */
/*
 * The TLB invalidate register.  An invalidate takes effect when it ends, so that
 * a driver who does not wait is found out.
 *
 * What it makes the MMU forget is what was read before TRIGGER was written.
 * From then on the MMU may read again, so it covers no store that comes later,
 * even if it ends after that: a driver that does not order its entries before
 * it triggers is found out.  Before the first such store the MMU is made to
 * read again what it used last, and that survives the end.  Without one it
 * would read the same at the end, and need not.
 */
#include <stdlib.h>

#include "sim_gpu.h"
#include "hw/vf_priv.h"

/* Fields of a replay cancel, which no plain invalidate carries */
#define CANCEL_CLIENT_ID	GENMASK(14, 9)
#define CANCEL_GPC_ID		GENMASK(19, 15)
#define CANCEL_CLIENT_TYPE	BIT(20)

/* Of CANCEL_GPC_ID, the low bits are the scope from GA100 on. */
static uint32_t reserved_bits(const struct sim_gpu *gpu)
{
	uint32_t cancel = CANCEL_CLIENT_ID | CANCEL_GPC_ID | CANCEL_CLIENT_TYPE;

	if (!(gpu->chip->bit & SIM_TU102))
		cancel &= ~VF_PRIV_MMU_INVALIDATE_INVAL_SCOPE;
	return cancel;
}

/* Why this model, having no such thing, refuses a trigger. */
static const char *refusal(const struct sim_gpu *gpu, uint32_t val)
{
	if (gpu->inval.busy)
		return "an invalidate is still running";
	if (FIELD_GET(VF_PRIV_MMU_INVALIDATE_REPLAY, val) != VF_PRIV_MMU_INVALIDATE_REPLAY_NONE)
		return "replay is not supported";
	if (val & (VF_PRIV_MMU_INVALIDATE_USE_PASID | VF_PRIV_MMU_INVALIDATE_USE_SIZE))
		return "USE_PASID and USE_SIZE are not supported";
	if (val & VF_PRIV_MMU_INVALIDATE_PROP_FLUSH)
		return "PROP_FLUSH is not supported";
	if (!(val & VF_PRIV_MMU_INVALIDATE_ALL_VA))
		return "without ALL_VA there is no VA register to name one";
	if (val & reserved_bits(gpu))
		return "fields of a replay cancel set";
	if (FIELD_GET(VF_PRIV_MMU_INVALIDATE_INVAL_SCOPE, val) == 3)
		return "reserved scope";
	if (FIELD_GET(VF_PRIV_MMU_INVALIDATE_ACK, val) == 3)
		return "reserved ACK";
	return NULL;
}

static unsigned int nr_levels(uint32_t val)
{
	unsigned int level = FIELD_GET(VF_PRIV_MMU_INVALIDATE_CACHE_LEVEL, val);

	return level == VF_PRIV_MMU_INVALIDATE_CACHE_LEVEL_ALL ? SIM_TLB_ALL_LEVELS : level;
}

static uint64_t pdb_root(struct sim_gpu *gpu)
{
	uint32_t lo = *sim_reg(gpu, VF_PRIV_MMU_INVALIDATE_PDB);
	uint32_t hi = *sim_reg(gpu, VF_PRIV_MMU_INVALIDATE_UPPER_PDB);
	uint64_t addr_lo = FIELD_GET(VF_PRIV_MMU_INVALIDATE_PDB_ADDR, lo);
	uint64_t addr_hi = FIELD_GET(VF_PRIV_MMU_INVALIDATE_UPPER_PDB_ADDR, hi);

	return addr_lo << VF_PRIV_MMU_INVALIDATE_PDB_ADDR_SHIFT |
	       addr_hi << VF_PRIV_MMU_INVALIDATE_UPPER_PDB_ADDR_SHIFT;
}

const char *sim_inval_written(struct sim_gpu *gpu, uint32_t val)
{
	uint32_t pdb = *sim_reg(gpu, VF_PRIV_MMU_INVALIDATE_PDB);
	struct sim_inval *inval = &gpu->inval;
	const char *why;

	if (!(val & VF_PRIV_MMU_INVALIDATE_TRIGGER))
		return NULL;
	why = refusal(gpu, val);
	if (why)
		return why;
	inval->busy = true;
	inval->polls_left = gpu->cfg.invalidate_polls;
	inval->due = sim_due(gpu, gpu->cfg.invalidate_polls);
	inval->lands_writes = FIELD_GET(VF_PRIV_MMU_INVALIDATE_ACK, val) !=
			      VF_PRIV_MMU_INVALIDATE_ACK_NONE_REQUIRED;
	/* BAR1 is a client of the hub, not of a link. */
	inval->hits_bar1 = FIELD_GET(VF_PRIV_MMU_INVALIDATE_INVAL_SCOPE, val) !=
			   VF_PRIV_MMU_INVALIDATE_INVAL_SCOPE_LINK_TLBS;
	inval->all_pdb = val & VF_PRIV_MMU_INVALIDATE_ALL_PDB;
	inval->space = pdb & VF_PRIV_MMU_INVALIDATE_PDB_APERTURE ? SIM_MMU_SYS : SIM_MMU_VID;
	inval->root = pdb_root(gpu);
	inval->nr_levels = nr_levels(val);
	return NULL;
}

void sim_inval_reset(struct sim_gpu *gpu)
{
	free(gpu->inval.refilled);
	gpu->inval = (struct sim_inval) { 0 };
}

static void drop(const struct sim_inval *inval, struct sim_tlb *tlb)
{
	if (inval->all_pdb)
		sim_tlb_drop_all(tlb, inval->nr_levels);
	else
		sim_tlb_drop(tlb, inval->space, inval->root, inval->nr_levels);
}

void sim_inval_before_store(struct sim_gpu *gpu)
{
	struct sim_inval *inval = &gpu->inval;

	inval->stored = true;
	if (inval->hits_bar1)
		inval->refilled = sim_tlb_twin(gpu->tlb);
	if (!inval->refilled)
		return;
	drop(inval, inval->refilled);
	sim_tlb_refill(inval->refilled, gpu->tlb);
}

static void complete(struct sim_gpu *gpu)
{
	struct sim_inval *inval = &gpu->inval;

	gpu->counters.invalidates++;
	if (inval->lands_writes)
		sim_flight_land(gpu);
	if (inval->hits_bar1) {
		sim_tlb_check_hand_over(gpu->tlb);
		drop(inval, gpu->tlb);
		if (inval->refilled)
			sim_tlb_take_over(gpu->tlb, inval->refilled);
		sim_windows_update(gpu);
	}
	sim_inval_reset(gpu);
}

uint64_t sim_inval_pass(struct sim_gpu *gpu)
{
	if (!gpu->inval.busy)
		return ~0ull;
	if (gpu->faults.want.invalidate_stuck)
		return sim_due(gpu, gpu->cfg.invalidate_polls);
	if (!sim_is_due(gpu, gpu->inval.due))
		return gpu->inval.due;
	complete(gpu);
	return ~0ull;
}

uint32_t sim_inval_read(struct sim_gpu *gpu, uint32_t val)
{
	val &= ~VF_PRIV_MMU_INVALIDATE_TRIGGER;
	if (!gpu->inval.busy)
		return val;
	if (gpu->faults.want.invalidate_stuck)
		return val | VF_PRIV_MMU_INVALIDATE_TRIGGER;
	if (gpu->inval.polls_left) {
		gpu->inval.polls_left--;
		return val | VF_PRIV_MMU_INVALIDATE_TRIGGER;
	}
	complete(gpu);
	return val;
}
