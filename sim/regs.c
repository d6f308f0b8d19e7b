/* SPDX-License-Identifier: MIT */
/*
 * The register map.  A row says what a register is and what a write may
 * change; behaviour is in the hooks.
 */
#include <stdlib.h>

#include "sim_gpu.h"
#include "hw/boot.h"
#include "hw/instance.h"
#include "hw/others.h"
#include "hw/pci.h"
#include "hw/pfb.h"
#include "hw/pmc.h"
#include "hw/pramin.h"
#include "hw/vf_priv.h"

/**
 * struct sim_reg - one register
 * @name: the manual's, without NV_
 * @off: in BAR0
 * @chips: which have it
 * @writable: bits a write changes
 * @w1c: bits a written 1 clears
 * @ro: bits a write may carry and does not change; any other bit is refused
 * @nr: as many alike, side by side; 0 is one
 * @bare: nothing is known of them but that another driver reads or writes them: they
 *	read 0 and keep what is written, and @name is their unit's
 * @bytes: narrower accesses are all right
 * @alias: another register that this is a second place of
 * @reset: value after power-on; NULL means 0
 * @read: hook, see sim_gpu.h
 * @write: hook, see sim_gpu.h
 */
struct sim_reg {
	const char *name;
	uint32_t off;
	uint32_t chips;
	uint32_t writable;
	uint32_t w1c;
	uint32_t ro;
	uint32_t alias;
	uint8_t nr;
	bool bare;
	bool bytes;
	uint32_t (*reset)(const struct sim_gpu *gpu);
	uint32_t (*read)(struct sim_gpu *gpu, uint32_t val);
	const char *(*write)(struct sim_gpu *gpu, uint32_t val);
};

static uint32_t reset_boot0(const struct sim_gpu *gpu)
{
	return gpu->chip->boot0;
}

static uint32_t reset_boot42(const struct sim_gpu *gpu)
{
	return gpu->chip->boot42;
}

static uint32_t reset_size(const struct sim_gpu *gpu)
{
	uint32_t val = 0;

	sim_size_to_reg(gpu->chip, gpu->cfg.reported_vram, &val);
	return val;
}

/* Not set is an empty range: LO at the top, HI at 0. */
static uint32_t range_lo(const struct sim_range *range)
{
	uint64_t start = range->end ? range->start >> PFB_MMU_WPR_ADDR_VAL_SHIFT : 0x0fffffff;

	return FIELD_PREP(PFB_MMU_WPR_ADDR_VAL, (uint32_t)start);
}

static uint32_t range_hi(const struct sim_range *range)
{
	return FIELD_PREP(PFB_MMU_WPR_ADDR_VAL, (uint32_t)(range->end >> PFB_MMU_WPR_ADDR_VAL_SHIFT));
}

static uint32_t reset_wpr1_lo(const struct sim_gpu *gpu)
{
	return range_lo(&gpu->cfg.wpr1);
}

static uint32_t reset_wpr1_hi(const struct sim_gpu *gpu)
{
	return range_hi(&gpu->cfg.wpr1);
}

static uint32_t reset_wpr2_lo(const struct sim_gpu *gpu)
{
	return range_lo(&gpu->cfg.wpr2);
}

static uint32_t reset_wpr2_hi(const struct sim_gpu *gpu)
{
	return range_hi(&gpu->cfg.wpr2);
}

static uint32_t reset_lock_lo(const struct sim_gpu *gpu)
{
	return range_lo(&gpu->cfg.lock);
}

static uint32_t reset_lock_hi(const struct sim_gpu *gpu)
{
	return range_hi(&gpu->cfg.lock);
}

static uint32_t reset_workspace(const struct sim_gpu *gpu)
{
	uint64_t base = gpu->cfg.vram_size - SIM_WORKSPACE_LEN;

	return PDISP_VGA_WORKSPACE_BASE_STATUS_VALID |
	       FIELD_PREP(PDISP_VGA_WORKSPACE_BASE_TARGET,
			  PDISP_VGA_WORKSPACE_BASE_TARGET_VID_MEM) |
	       FIELD_PREP(PDISP_VGA_WORKSPACE_BASE_ADDR,
			  (uint32_t)(base >> PDISP_VGA_WORKSPACE_BASE_ADDR_SHIFT));
}

static uint32_t reset_bar1_block(const struct sim_gpu *gpu)
{
	if (!gpu->cfg.bound)
		return 0;
	return VF_PRIV_BAR1_BLOCK_MODE |
	       FIELD_PREP(VF_PRIV_BAR1_BLOCK_PTR, (uint32_t)(gpu->cfg.bound >> RAMIN_BASE_SHIFT));
}

static uint32_t reset_bar2_block(const struct sim_gpu *gpu)
{
	(void)gpu;
	return VF_PRIV_BAR2_BLOCK_DEBUG_CYA;
}

static uint32_t reset_bar1_low(const struct sim_gpu *gpu)
{
	if (!gpu->cfg.bound)
		return 0;
	return VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_MODE |
	       ((uint32_t)gpu->cfg.bound & VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PTR);
}

static uint32_t reset_bar1_high(const struct sim_gpu *gpu)
{
	return gpu->cfg.bound >> 32;
}

bool sim_size_to_reg(const struct sim_chip *chip, uint64_t size, uint32_t *val)
{
	uint64_t mib = size >> 20;
	uint32_t scale;

	if (!(chip->bit & SIM_SIZE_SCALED)) {
		*val = (uint32_t)mib;
		return true;
	}
	for (scale = 0; mib >> scale > 0x3f; scale++)
		if (mib >> scale & 1)
			return false;
	*val = FIELD_PREP(PFB_LOCAL_MEMORY_RANGE_LOWER_SCALE, scale) |
	       FIELD_PREP(PFB_LOCAL_MEMORY_RANGE_LOWER_MAG, (uint32_t)(mib >> scale));
	return true;
}

/* As in the manual of a TU104. */
static uint32_t reset_vector_info(const struct sim_gpu *gpu)
{
	(void)gpu;
	return 134;
}

static uint32_t reset_vector_non_replayable(const struct sim_gpu *gpu)
{
	(void)gpu;
	return FIELD_PREP(PFB_MMU_INT_VECTOR_FAULT_NOTIFY, 132u) |
	       FIELD_PREP(PFB_MMU_INT_VECTOR_FAULT_ERROR, 133u);
}

static uint32_t reset_vector_replayable(const struct sim_gpu *gpu)
{
	(void)gpu;
	return FIELD_PREP(PFB_MMU_INT_VECTOR_FAULT_NOTIFY, 64u) |
	       FIELD_PREP(PFB_MMU_INT_VECTOR_FAULT_ERROR, 131u);
}

/* Faults of channels would go there, and there are no channels: it stays empty. */
#define FAULT_BUFFER(i) \
	REG(VF_PRIV_MMU_FAULT_BUFFER_LO_##i, SIM_ALL_CHIPS, .writable = ~0u), \
	REG(VF_PRIV_MMU_FAULT_BUFFER_HI_##i, SIM_ALL_CHIPS, .writable = ~0u), \
	REG(VF_PRIV_MMU_FAULT_BUFFER_GET_##i, SIM_ALL_CHIPS, \
	    .writable = VF_PRIV_MMU_FAULT_BUFFER_GET_PTR, \
	    .w1c = VF_PRIV_MMU_FAULT_BUFFER_GET_FLAGS), \
	REG(VF_PRIV_MMU_FAULT_BUFFER_PUT_##i, SIM_ALL_CHIPS), \
	REG(VF_PRIV_MMU_FAULT_BUFFER_SIZE_##i, SIM_ALL_CHIPS, \
	    .writable = VF_PRIV_MMU_FAULT_BUFFER_SIZE_VAL | \
			VF_PRIV_MMU_FAULT_BUFFER_SIZE_OVERFLOW_INTR | \
			VF_PRIV_MMU_FAULT_BUFFER_SIZE_SET_DEFAULT | \
			VF_PRIV_MMU_FAULT_BUFFER_SIZE_ENABLE, \
	    .read = sim_fault_buffer_size_read)

#define INVALIDATE_WRITABLE (GENMASK(26, 0) | VF_PRIV_MMU_INVALIDATE_TRIGGER)
#define BLOCK_WRITABLE (VF_PRIV_BAR1_BLOCK_PTR | VF_PRIV_BAR1_BLOCK_TARGET | \
			VF_PRIV_BAR1_BLOCK_MODE)
#define BAR2_BLOCK_WRITABLE (BLOCK_WRITABLE | VF_PRIV_BAR2_BLOCK_DEBUG_CYA)
#define BLOCK_LOW_WRITABLE (VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_MODE | \
			    VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_TARGET | \
			    VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PTR)
#define BIND_PENDING (VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PENDING | \
		      VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_OUTSTANDING)

/* Chips that nouveau runs on without the GPU's own firmware */
#define SIM_NOUVEAU	(SIM_TU102 | SIM_GA102)

#define BARE(unit, at, many, on, ...) { .name = unit, .off = at, .nr = many, .chips = on, \
					.bare = true, .writable = ~0u, __VA_ARGS__ }
#define REG(reg, on, ...) { .name = #reg, .off = reg, .chips = on, __VA_ARGS__ }

/*
 * In address order.  Rows of BARE() are what Linux 7.3's nouveau reads and writes on
 * its way to buffers in VRAM, seen in a virtual machine.
 */
static const struct sim_reg rows[] = {
	REG(PMC_BOOT_0, SIM_ALL_CHIPS, .reset = reset_boot0),
	REG(PMC_BOOT_1, SIM_ALL_CHIPS),
	BARE("PMC", 0x160, 2, SIM_TU102),
	BARE("PMC", 0x180, 2, SIM_TU102),
	BARE("PMC", 0x200, 1, SIM_NOUVEAU),
	BARE("PMC", 0x600, 1, SIM_GA102),
	REG(PMC_BOOT_42, SIM_ALL_CHIPS, .reset = reset_boot42),
	BARE("PBUS", 0x1100, 1, SIM_TU102),
	BARE("PBUS", 0x1140, 1, SIM_TU102),
	REG(PBUS_BAR0_WINDOW, SIM_PRE_HOPPER,
	    .writable = PBUS_BAR0_WINDOW_BASE | PBUS_BAR0_WINDOW_TARGET,
	    .read = sim_window_read, .write = sim_window_written),
	REG(PBUS_BAR1_BLOCK, SIM_PRE_HOPPER, .writable = BLOCK_WRITABLE,
	    .alias = VF_PRIV_BAR1_BLOCK, .reset = reset_bar1_block),
	REG(PBUS_BIND_STATUS, SIM_PRE_HOPPER, .alias = VF_PRIV_BIND_STATUS),
	REG(PBUS_BAR2_BLOCK, SIM_PRE_HOPPER, .writable = BAR2_BLOCK_WRITABLE,
	    .alias = VF_PRIV_BAR2_BLOCK, .reset = reset_bar2_block),
	BARE("PFIFO", 0x2004, 2, SIM_TU102),
	BARE("PTIMER", 0x9140, 1, SIM_NOUVEAU),
	REG(PTIMER_TIME_0, SIM_ALL_CHIPS, .writable = PTIMER_TIME_0_NSEC, .ro = GENMASK(4, 0),
	    .read = sim_timer_lo_read, .write = sim_timer_lo_written),
	REG(PTIMER_TIME_1, SIM_ALL_CHIPS, .writable = PTIMER_TIME_1_NSEC,
	    .read = sim_timer_hi_read, .write = sim_timer_hi_written),
	BARE("PNVIO", 0xdc00, 1, SIM_TU102),
	BARE("PNVIO", 0xdc08, 1, SIM_TU102),
	BARE("PNVIO", 0xdc60, 1, SIM_NOUVEAU),
	BARE("PNVIO", 0xdc68, 1, SIM_NOUVEAU),
	BARE("PNVIO", 0xdc80, 1, SIM_TU102),
	BARE("PNVIO", 0xdc88, 1, SIM_TU102),
	REG(THERM_I2CS_SCRATCH_GH100, SIM_GH100 | SIM_GB100, .read = sim_boot_fsp_read),
	BARE("PTHERM", 0x20460, 1, SIM_TU102),
	BARE("PNVIO", 0x21640, 1, SIM_GA102),
	BARE("PNVIO", 0x21648, 2, SIM_GA102),
	BARE("PNVIO", 0x21654, 1, SIM_GA102),
	BARE("PFUSE", 0x21c00, 2, SIM_TU102),
	BARE("PTOP", 0x224fc, 1, SIM_GA102),
	BARE("PTOP", 0x22700, 64, SIM_TU102),
	REG(UFLUSH_FB_FLUSH, SIM_PRE_HOPPER, .writable = UFLUSH_FB_FLUSH_PENDING,
	    .read = sim_flush_read, .write = sim_flush_written),
	REG(PPCI_ROM_SHADOW, SIM_PRE_HOPPER, .writable = PPCI_ROM_SHADOW_ENABLE),
	BARE("PPCI", 0x88704, 1, SIM_NOUVEAU),
	REG(PFB_NISO_SCRUB_STATUS, SIM_ALL_CHIPS & ~SIM_BLACKWELL, .read = sim_scrub_read),
	BARE("PFB", 0x100c10, 1, SIM_NOUVEAU),
	BARE("PFB", 0x100c80, 1, SIM_NOUVEAU),
	BARE("PFB", 0x100cc4, 3, SIM_NOUVEAU),
	REG(PFB_LOCAL_MEMORY_RANGE, SIM_SIZE_SCALED, .reset = reset_size),
	REG(PFB_MMU_INT_VECTOR_INFO_FAULT, SIM_PRE_HOPPER, .reset = reset_vector_info),
	REG(PFB_MMU_INT_VECTOR_FAULT_NON_REPLAYABLE, SIM_PRE_HOPPER,
	    .reset = reset_vector_non_replayable),
	REG(PFB_MMU_INT_VECTOR_FAULT_REPLAYABLE, SIM_PRE_HOPPER,
	    .reset = reset_vector_replayable),
	BARE("PEXTDEV", 0x101000, 1, SIM_NOUVEAU),
	BARE("PFB", 0x10ecc0, 1, SIM_NOUVEAU),
	REG(XAL_EP_ZB_UFLUSH_FB_FLUSH, SIM_GH100 | SIM_GB202, .read = sim_flush_token_read),
	REG(XAL_EP_ZB_UFLUSH_FB_FLUSH_COMPLETED, SIM_GH100 | SIM_GB202,
	    .read = sim_flush_completed_read),
	REG(XAL_EP_ZB_BAR0_WINDOW, SIM_GH100,
	    .writable = XAL_EP_ZB_BAR0_WINDOW_BASE_GH100,
	    .read = sim_window_read, .write = sim_window_written),
	REG(XAL_EP_ZB_BAR0_WINDOW, SIM_BLACKWELL,
	    .writable = XAL_EP_ZB_BAR0_WINDOW_BASE_GB100,
	    .read = sim_window_read, .write = sim_window_written),
	REG(PGC6_SCRATCH_GROUP_05_PRIV_LEVEL_MASK, SIM_PRE_HOPPER, .read = sim_boot_mask_read),
	REG(PGC6_SCRATCH_GROUP_05, SIM_PRE_HOPPER, .read = sim_boot_progress_read),
	REG(PGC6_SCRATCH_GROUP_42, SIM_ALL_CHIPS & ~SIM_SIZE_SCALED, .reset = reset_size),
	BARE("PPRIV", 0x12006c, 1, SIM_NOUVEAU),
	BARE("PLTCG", 0x17e204, 1, SIM_NOUVEAU),
	BARE("PLTCG", 0x17e280, 1, SIM_NOUVEAU),
	BARE("PLTCG", 0x17e338, 6, SIM_NOUVEAU),
	BARE("PHUBMMU", 0x1fa80c, 1, SIM_NOUVEAU),
	REG(PFB_MMU_WPR1_ADDR_LO, SIM_ALL_CHIPS, .reset = reset_wpr1_lo),
	REG(PFB_MMU_WPR1_ADDR_HI, SIM_ALL_CHIPS, .reset = reset_wpr1_hi),
	REG(PFB_MMU_WPR2_ADDR_LO, SIM_ALL_CHIPS, .reset = reset_wpr2_lo),
	REG(PFB_MMU_WPR2_ADDR_HI, SIM_ALL_CHIPS, .reset = reset_wpr2_hi),
	REG(PFB_MMU_LOCK_ADDR_LO, SIM_GA100, .reset = reset_lock_lo),
	REG(PFB_MMU_LOCK_ADDR_HI, SIM_GA100, .reset = reset_lock_hi),
	BARE("PHUBMMU", 0x1fac80, 1, SIM_NOUVEAU),
	BARE("PHUBMMU", 0x1facc4, 3, SIM_NOUVEAU),
	BARE("PRMCIO", 0x6013d4, 1, SIM_NOUVEAU, .bytes = true),
	BARE("PDISP", 0x610010, 2, SIM_NOUVEAU),
	BARE("PDISP", 0x610060, 2, SIM_NOUVEAU),
	BARE("PDISP", 0x610074, 2, SIM_NOUVEAU),
	BARE("PDISP", 0x611ce4, 5, SIM_NOUVEAU),
	BARE("PDISP", 0x611da4, 5, SIM_NOUVEAU),
	BARE("PDISP", 0x6254e8, 1, SIM_NOUVEAU),
	REG(PDISP_VGA_WORKSPACE_BASE, SIM_HAS_DISPLAY, .reset = reset_workspace),
	BARE("PDISP", 0x62e000, 3, SIM_NOUVEAU),
	BARE("PDISP", 0x640008, 1, SIM_NOUVEAU),
	BARE("PDISP", 0x640010, 3, SIM_NOUVEAU),
	BARE("PFUSE", 0x820c04, 1, SIM_GA102),
	BARE("PFBPA", 0x9a0160, 1, SIM_NOUVEAU),
	BARE("PFBPA", 0x9a0584, 1, SIM_NOUVEAU),
	REG(THERM_I2CS_SCRATCH_GB202, SIM_GB202, .read = sim_boot_fsp_read),
	REG(VF_PRIV_BAR1_BLOCK, SIM_PRE_HOPPER, .writable = BLOCK_WRITABLE,
	    .reset = reset_bar1_block, .write = sim_bar1_block_written),
	REG(VF_PRIV_BAR2_BLOCK, SIM_PRE_HOPPER,
	    .writable = BAR2_BLOCK_WRITABLE, .reset = reset_bar2_block,
	    .write = sim_bar2_block_written),
	REG(VF_PRIV_BIND_STATUS, SIM_PRE_HOPPER, .read = sim_bind_status_read),
	REG(VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR, SIM_HOPPER_ON, .writable = BLOCK_LOW_WRITABLE,
	    .ro = BIND_PENDING, .reset = reset_bar1_low,
	    .read = sim_bar1_low_read, .write = sim_bar1_low_written),
	REG(VF_PRIV_FUNC_BAR1_BLOCK_HIGH_ADDR, SIM_HOPPER_ON,
	    .writable = VF_PRIV_FUNC_BAR1_BLOCK_HIGH_ADDR_PTR, .reset = reset_bar1_high,
	    .write = sim_bar1_high_written),
	REG(VF_PRIV_FUNC_BAR2_BLOCK_LOW_ADDR, SIM_HOPPER_ON, .writable = BLOCK_LOW_WRITABLE,
	    .ro = BIND_PENDING, .read = sim_bar2_low_read, .write = sim_bar2_low_written),
	REG(VF_PRIV_FUNC_BAR2_BLOCK_HIGH_ADDR, SIM_HOPPER_ON,
	    .writable = VF_PRIV_FUNC_BAR2_BLOCK_HIGH_ADDR_PTR, .write = sim_bar2_high_written),
	BARE("VF_PRIV_CPU_INTR", 0xb81010, 1, SIM_NOUVEAU),
	BARE("VF_PRIV_CPU_INTR", 0xb81200, 8, SIM_NOUVEAU),
	BARE("VF_PRIV_CPU_INTR", 0xb81400, 8, SIM_NOUVEAU),
	BARE("VF_PRIV_CPU_INTR", 0xb81608, 1, SIM_NOUVEAU),
	BARE("VF_PRIV_CPU_INTR", 0xb81610, 1, SIM_NOUVEAU),
	FAULT_BUFFER(0),
	FAULT_BUFFER(1),
	REG(VF_PRIV_MMU_FAULT_ADDR_LO, SIM_ALL_CHIPS),
	REG(VF_PRIV_MMU_FAULT_ADDR_HI, SIM_ALL_CHIPS),
	REG(VF_PRIV_MMU_FAULT_INST_LO, SIM_ALL_CHIPS),
	REG(VF_PRIV_MMU_FAULT_INST_HI, SIM_ALL_CHIPS),
	REG(VF_PRIV_MMU_FAULT_INFO, SIM_ALL_CHIPS),
	REG(VF_PRIV_MMU_FAULT_STATUS, SIM_ALL_CHIPS,
	    .w1c = VF_PRIV_MMU_FAULT_STATUS_VALID | VF_PRIV_MMU_FAULT_STATUS_DROPPED,
	    .write = sim_fault_status_written),
	REG(VF_PRIV_MMU_INVALIDATE_PDB, SIM_ALL_CHIPS,
	    .writable = VF_PRIV_MMU_INVALIDATE_PDB_APERTURE | VF_PRIV_MMU_INVALIDATE_PDB_ADDR),
	REG(VF_PRIV_MMU_INVALIDATE_UPPER_PDB, SIM_ALL_CHIPS,
	    .writable = VF_PRIV_MMU_INVALIDATE_UPPER_PDB_ADDR),
	REG(VF_PRIV_MMU_INVALIDATE, SIM_ALL_CHIPS, .writable = INVALIDATE_WRITABLE,
	    .read = sim_inval_read, .write = sim_inval_written),
};

/* What drivers use of BAR0 */
#define LOOSE_SIZE	PCI_BAR0_SIZE

bool sim_regs_init(struct sim_gpu *gpu)
{
	struct sim_regs *regs = &gpu->regs;
	size_t i, n;

	if (gpu->cfg.ignore_unknown) {
		regs->loose = calloc(1, LOOSE_SIZE);
		if (!regs->loose)
			return false;
	}

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		if (!(rows[i].chips & gpu->chip->bit))
			continue;
		for (n = 0; n < (rows[i].nr ? rows[i].nr : 1u) && regs->nr < SIM_MAX_REGS; n++) {
			regs->row[regs->nr] = &rows[i];
			regs->off[regs->nr] = rows[i].off + 4 * (uint32_t)n;
			regs->reset[regs->nr] = rows[i].reset ? rows[i].reset(gpu) : 0;
			regs->nr++;
		}
	}
	return true;
}

void sim_regs_fini(struct sim_gpu *gpu)
{
	free(gpu->regs.loose);
}

void sim_regs_reset(struct sim_gpu *gpu)
{
	unsigned int i;

	for (i = 0; i < gpu->regs.nr; i++)
		gpu->regs.val[i] = gpu->regs.reset[i];
	if (gpu->regs.loose)
		memset(gpu->regs.loose, 0, LOOSE_SIZE);
}

/* Return: the register's place, or -1. */
static int find(const struct sim_regs *regs, uint64_t off)
{
	unsigned int lo = 0, hi = regs->nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (regs->off[mid] == off)
			return (int)mid;
		if (regs->off[mid] < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return -1;
}

uint32_t *sim_reg(struct sim_gpu *gpu, uint32_t off)
{
	return &gpu->regs.val[find(&gpu->regs, off)];
}

/* The place of the register that answers at an offset, or -1. */
static int resolve(const struct sim_regs *regs, uint64_t off)
{
	int i = find(regs, off & ~3ull);

	return i >= 0 && regs->row[i]->alias ? find(regs, regs->row[i]->alias) : i;
}

/* --- registers that are not there ------------------------------------------- */

static bool is_loose(const struct sim_gpu *gpu, uint64_t off)
{
	return gpu->regs.loose && off < LOOSE_SIZE;
}

static uint64_t read_unknown(struct sim_gpu *gpu, uint64_t off, unsigned int width)
{
	uint64_t val = 0;

	if (is_loose(gpu, off)) {
		memcpy(&val, gpu->regs.loose + off, width);
		return val;
	}
	sim_unknown(gpu, "read of unknown register 0x%llx", (unsigned long long)off);
	return sim_bad_read(width);
}

static void write_unknown(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint64_t val)
{
	if (is_loose(gpu, off))
		memcpy(gpu->regs.loose + off, &val, width);
	else
		sim_unknown(gpu, "write of 0x%llx to unknown register 0x%llx",
			    (unsigned long long)val, (unsigned long long)off);
}

/* --- accesses --------------------------------------------------------------- */

uint64_t sim_reg_read(struct sim_gpu *gpu, uint64_t off, unsigned int width)
{
	const struct sim_reg *reg;
	int i = resolve(&gpu->regs, off);

	if (gpu->boot.scrub_left)
		sim_scrub_look(gpu);
	if (i < 0 && sim_prom_shown(gpu, off))
		return sim_prom_read(gpu, off, width);
	if (i < 0)
		return read_unknown(gpu, off, width);
	reg = gpu->regs.row[i];
	if (reg->bytes && width < 4)
		return gpu->regs.val[i] >> 8 * (off & 3) & sim_width_mask(width);
	if (width != 4) {
		sim_misuse(gpu, "read of %u bytes at register %s", width, reg->name);
		return sim_bad_read(width);
	}
	return reg->read ? reg->read(gpu, gpu->regs.val[i]) : gpu->regs.val[i];
}

static uint64_t merge_bytes(uint32_t word, uint64_t off, unsigned int width, uint64_t val)
{
	unsigned int shift = 8 * (off & 3);
	uint32_t mask = (uint32_t)sim_width_mask(width) << shift;

	return (word & ~mask) | ((uint32_t)val << shift & mask);
}

static void refuse_write(struct sim_gpu *gpu, const struct sim_reg *reg, uint64_t val,
			 const char *why)
{
	sim_misuse(gpu, "write of 0x%llx to register %s: %s", (unsigned long long)val, reg->name,
		   why);
}

void sim_reg_write(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint64_t val)
{
	int i = resolve(&gpu->regs, off);
	const struct sim_reg *reg;
	const char *why = NULL;
	uint32_t *cur;

	if (i < 0) {
		write_unknown(gpu, off, width, val);
		return;
	}
	if (sim_write_is_ignored(gpu, off))
		return;
	reg = gpu->regs.row[i];
	if (reg->bytes && width < 4)
		val = merge_bytes(gpu->regs.val[i], off, width, val);
	else if (width != 4)
		why = "not 32 bits wide";
	if (why)
		;
	else if (!(reg->writable | reg->w1c))
		why = "read only";
	else if ((uint32_t)val & ~(reg->writable | reg->w1c | reg->ro))
		why = "reserved bits set";
	else if (reg->write)
		why = reg->write(gpu, (uint32_t)val);
	if (why) {
		refuse_write(gpu, reg, val, why);
		return;
	}
	cur = &gpu->regs.val[i];
	*cur = (*cur & ~reg->writable) | ((uint32_t)val & reg->writable);
	*cur &= ~((uint32_t)val & reg->w1c);
}

uint64_t sim_port_read(struct sim_gpu *gpu, uint64_t off, unsigned int width)
{
	sim_lock(gpu);
	gpu->counters.reads++;
	if (sim_served(gpu, 1))
		sim_unknown(gpu, "read of %u bytes at I/O port 0x%llx", width,
			    (unsigned long long)off);
	sim_unlock(gpu);
	return sim_width_mask(width);
}

void sim_port_write(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint64_t val)
{
	sim_lock(gpu);
	gpu->counters.writes++;
	if (sim_served(gpu, 1))
		sim_unknown(gpu, "write of %u bytes, 0x%llx, to I/O port 0x%llx", width,
			    (unsigned long long)val, (unsigned long long)off);
	sim_unlock(gpu);
}

int sim_for_each_reg(struct sim_gpu *gpu, int (*fn)(const struct sim_reg_info *, void *), void *arg)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < gpu->regs.nr && !ret; i++) {
		const struct sim_reg *reg = gpu->regs.row[i];
		struct sim_reg_info info = {
			.name = reg->name,
			.off = gpu->regs.off[i],
			.reset = gpu->regs.reset[i],
			.writable = reg->writable,
			.w1c = reg->w1c,
			.bare = reg->bare,
		};

		ret = fn(&info, arg);
	}
	return ret;
}

bool sim_has_reg(struct sim_gpu *gpu, uint64_t off)
{
	int i = find(&gpu->regs, off & ~3ull);

	return i >= 0 && !gpu->regs.row[i]->bare;
}

const char *sim_reg_name(uint64_t off)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (off - rows[i].off < 4ull * (rows[i].nr ? rows[i].nr : 1) && !(off % 4))
			return rows[i].name;
	return NULL;
}
