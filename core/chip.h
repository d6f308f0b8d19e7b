/* SPDX-License-Identifier: MIT */
/*
 * What differs between chips, as data, and what it takes to identify one.
 */
#ifndef NVBAR_CORE_CHIP_H
#define NVBAR_CORE_CHIP_H

#include <linux/types.h>

#include "mmu.h"

struct nvbar_gpu;

/** enum nvbar_boot_kind - how firmware says that it is up */
enum nvbar_boot_kind {
	NVBAR_BOOT_GFW,		/* secure scratch group 05, TU102 to AD102 */
	NVBAR_BOOT_FSP,		/* one scratch register, GH100 and later */
};

/** enum nvbar_size_kind - which register tells the size of VRAM */
enum nvbar_size_kind {
	NVBAR_SIZE_LOCAL_MEMORY_RANGE,	/* TU102, GA100 */
	NVBAR_SIZE_SCRATCH_MB,		/* GA102 and later */
};

/** enum nvbar_bind_kind - which registers bind BAR1 */
enum nvbar_bind_kind {
	NVBAR_BIND_BLOCK,	/* one register and a status, TU102 to AD102 */
	NVBAR_BIND_FUNC_PAIR,	/* low and high, status in low, GH100 and later */
};

/**
 * struct nvbar_chip - a chip
 * @id: PMC_BOOT_42_CHIP_ID
 * @name: "GA102"
 * @mmu: page-table format
 * @page_sizes: bit n set: leaf pages of 1 << n bytes
 * @boot: how firmware says that it is up
 * @boot_reg: the register of NVBAR_BOOT_FSP
 * @size: where the size of VRAM is
 * @bind: how BAR1 is bound
 * @window_reg: PRAMIN window register
 * @window_name: its name
 * @window_mask: its BASE field, which begins at bit 0
 * @window_target: its TARGET field, 0 if there is none
 * @display: has a display, so a VGA workspace register
 * @frts_len: bytes of firmware runtime state below the workspace
 * @heap_len: bytes of firmware heap below WPR2
 * @pmu_len: bytes reserved below that heap
 * @scrub_status: has a register that says that VRAM has been scrubbed
 * @lock_range: has registers of an MMU lock range
 * @va_limit: the instance block takes the VA limit
 * @inst_magic: the instance block takes a magic word instead
 * @cc_violation: fault type 0xb is CC_VIOLATION, before it COMPRESSION_FAILURE
 * @engine_bar1: MMU engine id of BAR1
 * @engine_bar2: of BAR2; from Hopper on, both plus the function number
 */
struct nvbar_chip {
	u32 id;
	const char *name;
	const struct nvbar_mmu_fmt *mmu;
	u64 page_sizes;
	enum nvbar_boot_kind boot;
	u32 boot_reg;
	enum nvbar_size_kind size;
	enum nvbar_bind_kind bind;
	u32 window_reg;
	const char *window_name;
	u32 window_mask;
	u32 window_target;
	bool display;
	u32 frts_len;
	u32 heap_len;
	u32 pmu_len;
	bool scrub_status;
	bool lock_range;
	bool va_limit;
	bool inst_magic;
	bool cc_violation;
	u16 engine_bar1;
	u16 engine_bar2;
};

/**
 * nvbar_chip_identify - find out which chip this is
 * @gpu: ops and hw are set; chip, boot0 and boot42 are filled in
 *
 * Return: 0, -ENODEV (reads as all ones), -EIO (its registers can't be read),
 * -EOPNOTSUPP (unknown, or a virtual function).
 */
int nvbar_chip_identify(struct nvbar_gpu *gpu);

/**
 * nvbar_chip_wait_boot - wait until firmware lets VRAM be used
 * @gpu: identified
 *
 * Context: may sleep.
 * Return: 0, -ETIMEDOUT or -ENODEV.
 */
int nvbar_chip_wait_boot(struct nvbar_gpu *gpu);

/**
 * nvbar_chip_wait_scrub - wait until the GPU has scrubbed VRAM, where it tells
 * @gpu: identified and booted; read_back is set where it does not, and should
 *
 * The GPU zeroes VRAM when it comes up, so what is written before may be lost.  A
 * register that never says so, or can't be read, is a warning.
 *
 * Context: may sleep.
 * Return: 0 or -ENODEV.
 */
int nvbar_chip_wait_scrub(struct nvbar_gpu *gpu);

/**
 * nvbar_chip_read_vram - read the size of VRAM and where it stops being usable
 * @gpu: identified and booted; vram_size, protect and usable_end are filled in
 *
 * Return: 0, -ENODEV, or -EIO (the registers make no sense, or can't be read).
 */
int nvbar_chip_read_vram(struct nvbar_gpu *gpu);

#endif
