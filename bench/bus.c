// SPDX-License-Identifier: MIT
/*
 * The observer: the driver's operations on BAR0, counted and passed on.  It is
 * no part of either driver, and counts both the same way.
 *
 * Its functions are also where callgrind stops and resumes counting, so that
 * the model's instructions are not the driver's: see callgrind.c.  Since each
 * call of them toggles that, they are in use between bus_start() and
 * bus_stop() only.
 */
#include <hw/vf_priv.h>

#include <linux/bits.h>

#include "bench.h"
#include "chip.h"
#include "internal.h"

static const struct nvbar_hw_ops *inner;
static struct nvbar_hw_ops watching;
static u32 window_reg;
static struct bus_count seen;

static u64 bus_read(void *hw, u32 off, unsigned int width)
{
	seen.reads++;
	return inner->bar0_read(hw, off, width);
}

static void bus_write(void *hw, u32 off, unsigned int width, u64 val)
{
	seen.writes++;
	seen.moves += off == window_reg;
	seen.invalidates += off == VF_PRIV_MMU_INVALIDATE && (val & VF_PRIV_MMU_INVALIDATE_TRIGGER);
	inner->bar0_write(hw, off, width, val);
}

static void bus_read_words(void *hw, u32 off, u64 *dst, size_t nr)
{
	seen.reads += nr;
	inner->bar0_read_words(hw, off, dst, nr);
}

static void bus_write_words(void *hw, u32 off, const u64 *src, size_t nr)
{
	seen.writes += nr;
	inner->bar0_write_words(hw, off, src, nr);
}

static void bus_write_entries(void *hw, u32 off, const u64 *src, size_t nr)
{
	seen.writes += nr;
	nvbar_hw_write_entries(inner, hw, off, src, nr);
}

void bus_watch(struct nvbar *gpu)
{
	inner = gpu->gpu.ops;
	watching = *inner;
	window_reg = gpu->gpu.chip->window_reg;
	gpu->gpu.ops = &watching;
}

void bus_start(void)
{
	seen = (struct bus_count){ 0 };
	watching.bar0_read = bus_read;
	watching.bar0_write = bus_write;
	watching.bar0_read_words = bus_read_words;
	watching.bar0_write_words = bus_write_words;
	watching.bar0_write_entries = bus_write_entries;
}

struct bus_count bus_stop(void)
{
	watching = *inner;
	return seen;
}
