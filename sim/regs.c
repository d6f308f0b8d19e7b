/* SPDX-License-Identifier: MIT */
/*
 * The register map.  A row says what a register is and what a write may
 * change; behaviour is in the hooks.
 */
#include <stdlib.h>

#include "sim_gpu.h"
#include "hw/boot.h"
#include "hw/instance.h"
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

#define INVALIDATE_WRITABLE (GENMASK(26, 0) | VF_PRIV_MMU_INVALIDATE_TRIGGER)
#define BLOCK_WRITABLE (VF_PRIV_BAR1_BLOCK_PTR | VF_PRIV_BAR1_BLOCK_TARGET | \
			VF_PRIV_BAR1_BLOCK_MODE)
#define BAR2_BLOCK_WRITABLE (BLOCK_WRITABLE | VF_PRIV_BAR2_BLOCK_DEBUG_CYA)
#define BLOCK_LOW_WRITABLE (VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_MODE | \
			    VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_TARGET | \
			    VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PTR)
#define BIND_PENDING (VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PENDING | \
		      VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_OUTSTANDING)

#define REG(reg, on, ...) { .name = #reg, .off = reg, .chips = on, __VA_ARGS__ }

/* In address order. */
static const struct sim_reg rows[] = {
	REG(PMC_BOOT_0, SIM_ALL_CHIPS, .reset = reset_boot0),
	REG(PMC_BOOT_1, SIM_ALL_CHIPS),
	REG(PMC_BOOT_42, SIM_ALL_CHIPS, .reset = reset_boot42),
	REG(PBUS_BAR0_WINDOW, SIM_PRE_HOPPER,
	    .writable = PBUS_BAR0_WINDOW_BASE | PBUS_BAR0_WINDOW_TARGET,
	    .read = sim_window_read, .write = sim_window_written),
	REG(PBUS_BAR1_BLOCK, SIM_PRE_HOPPER, .writable = BLOCK_WRITABLE,
	    .alias = VF_PRIV_BAR1_BLOCK, .reset = reset_bar1_block),
	REG(PBUS_BIND_STATUS, SIM_PRE_HOPPER, .alias = VF_PRIV_BIND_STATUS),
	REG(PBUS_BAR2_BLOCK, SIM_PRE_HOPPER, .writable = BAR2_BLOCK_WRITABLE,
	    .alias = VF_PRIV_BAR2_BLOCK, .reset = reset_bar2_block),
	REG(THERM_I2CS_SCRATCH_GH100, SIM_GH100 | SIM_GB100, .read = sim_boot_fsp_read),
	REG(UFLUSH_FB_FLUSH, SIM_PRE_HOPPER, .writable = UFLUSH_FB_FLUSH_PENDING,
	    .read = sim_flush_read, .write = sim_flush_written),
	REG(PFB_NISO_SCRUB_STATUS, SIM_ALL_CHIPS & ~SIM_BLACKWELL, .read = sim_scrub_read),
	REG(PFB_LOCAL_MEMORY_RANGE, SIM_SIZE_SCALED, .reset = reset_size),
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
	REG(PFB_MMU_WPR1_ADDR_LO, SIM_ALL_CHIPS, .reset = reset_wpr1_lo),
	REG(PFB_MMU_WPR1_ADDR_HI, SIM_ALL_CHIPS, .reset = reset_wpr1_hi),
	REG(PFB_MMU_WPR2_ADDR_LO, SIM_ALL_CHIPS, .reset = reset_wpr2_lo),
	REG(PFB_MMU_WPR2_ADDR_HI, SIM_ALL_CHIPS, .reset = reset_wpr2_hi),
	REG(PFB_MMU_LOCK_ADDR_LO, SIM_GA100, .reset = reset_lock_lo),
	REG(PFB_MMU_LOCK_ADDR_HI, SIM_GA100, .reset = reset_lock_hi),
	REG(PDISP_VGA_WORKSPACE_BASE, SIM_HAS_DISPLAY, .reset = reset_workspace),
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

_Static_assert(ARRAY_LEN(rows) <= SIM_MAX_REGS, "a chip has room for every row");

/* What drivers use of BAR0 */
#define LOOSE_SIZE	PCI_BAR0_SIZE

bool sim_regs_init(struct sim_gpu *gpu)
{
	struct sim_regs *regs = &gpu->regs;
	size_t i;

	if (gpu->cfg.ignore_unknown) {
		regs->loose = calloc(1, LOOSE_SIZE);
		if (!regs->loose)
			return false;
	}

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		if (!(rows[i].chips & gpu->chip->bit))
			continue;
		regs->row[regs->nr] = &rows[i];
		regs->reset[regs->nr] = rows[i].reset ? rows[i].reset(gpu) : 0;
		regs->nr++;
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

		if (regs->row[mid]->off == off)
			return (int)mid;
		if (regs->row[mid]->off < off)
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
		sim_scrub_pass(gpu);
	if (i < 0)
		return read_unknown(gpu, off, width);
	reg = gpu->regs.row[i];
	if (width != 4) {
		sim_misuse(gpu, "read of %u bytes at register %s", width, reg->name);
		return sim_bad_read(width);
	}
	return reg->read ? reg->read(gpu, gpu->regs.val[i]) : gpu->regs.val[i];
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
	if (width != 4)
		why = "not 32 bits wide";
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
			.off = reg->off,
			.reset = gpu->regs.reset[i],
			.writable = reg->writable,
			.w1c = reg->w1c,
		};

		ret = fn(&info, arg);
	}
	return ret;
}

const char *sim_reg_name(uint64_t off)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].off == off)
			return rows[i].name;
	return NULL;
}
