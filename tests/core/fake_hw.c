// SPDX-License-Identifier: MIT
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <hw/pmc.h>
#include <hw/pramin.h>
#include <hw/vf_priv.h>

#include "chip.h"
#include "fake_hw.h"
#include "pramin.h"

static void record(struct fake_hw *hw, bool write, u32 off, unsigned int width, u64 val)
{
	if (hw->nr_log < FAKE_LOG)
		hw->log[hw->nr_log++] = (struct fake_access){ write, off, width, val };
}

static bool in_window(u32 off)
{
	return off >= PRAMIN_BASE && off < PRAMIN_BASE + PRAMIN_SIZE;
}

static u64 fake_read(void *arg, u32 off, unsigned int width)
{
	struct fake_hw *hw = arg;
	u64 val = 0;
	unsigned int i;

	if (hw->dead)
		val = ~0ULL >> (64 - 8 * width);
	else if (in_window(off))
		memcpy(&val, hw->window + (off - PRAMIN_BASE), width);
	for (i = 0; !hw->dead && i < hw->nr_regs; i++) {
		if (hw->reg[i].off != off)
			continue;
		val = hw->reg[i].val;
		if (hw->reg[i].polls) {
			hw->reg[i].polls--;
			val = hw->reg[i].before;
		}
	}
	record(hw, false, off, width, val);
	return val;
}

static void make_busy(struct fake_hw *hw, u32 off)
{
	unsigned int i;

	for (i = 0; i < hw->nr_regs; i++)
		if (hw->reg[i].off == off)
			hw->reg[i].polls = hw->busy_polls;
}

static void fake_write(void *arg, u32 off, unsigned int width, u64 val)
{
	struct fake_hw *hw = arg;
	unsigned int i;

	for (i = 0; i < hw->nr_regs; i++) {
		if (hw->reg[i].off != off)
			continue;
		hw->reg[i].written = val;
		if (hw->reg[i].starts)
			make_busy(hw, hw->reg[i].starts);
		/* A written 1 clears. */
		if (off == VF_PRIV_MMU_FAULT_STATUS)
			hw->reg[i].val &= ~(u32)val;
	}
	if (in_window(off))
		memcpy(hw->window + (off - PRAMIN_BASE), &val, width);
	if ((off == PBUS_BAR0_WINDOW || off == XAL_EP_ZB_BAR0_WINDOW) && !hw->window_stuck)
		fake_set(hw, off, val);
	record(hw, true, off, width, val);
}

static void fake_read_words(void *arg, u32 off, u64 *dst, size_t nr)
{
	for (; nr; nr--, off += 8)
		*dst++ = fake_read(arg, off, 8);
}

static void fake_write_words(void *arg, u32 off, const u64 *src, size_t nr)
{
	for (; nr; nr--, off += 8)
		fake_write(arg, off, 8, *src++);
}

static void fake_message(void *arg, int level, const char *text)
{
	struct fake_hw *hw = arg;

	hw->level = level;
	hw->nr_messages++;
	scnprintf(hw->message, sizeof(hw->message), "%s", text);
}

static const struct nvbar_hw_ops fake_ops = {
	.bar0_read = fake_read,
	.bar0_write = fake_write,
	.bar0_read_words = fake_read_words,
	.bar0_write_words = fake_write_words,
	.message = fake_message,
};

void fake_init(struct fake_hw *hw, struct nvbar_gpu *gpu)
{
	memset(hw, 0, sizeof(*hw));
	memset(gpu, 0, sizeof(*gpu));
	gpu->ops = &fake_ops;
	gpu->hw = hw;
}

void fake_set_after(struct fake_hw *hw, u32 off, u32 before, u32 polls, u32 val)
{
	unsigned int i;

	for (i = 0; i < hw->nr_regs && hw->reg[i].off != off; i++)
		;
	hw->reg[i].off = off;
	hw->reg[i].val = val;
	hw->reg[i].polls = polls;
	hw->reg[i].before = before;
	if (i == hw->nr_regs)
		hw->nr_regs++;
}

void fake_starts(struct fake_hw *hw, u32 off, u32 busy, u32 before, u32 polls)
{
	unsigned int i;

	for (i = 0; i < hw->nr_regs; i++) {
		if (hw->reg[i].off == busy)
			hw->reg[i].before = before;
		if (hw->reg[i].off == off)
			hw->reg[i].starts = busy;
	}
	hw->busy_polls = polls;
}

void fake_set(struct fake_hw *hw, u32 off, u32 val)
{
	fake_set_after(hw, off, 0, 0, val);
}

u32 fake_written(const struct fake_hw *hw, u32 off)
{
	unsigned int i;

	for (i = 0; i < hw->nr_regs; i++)
		if (hw->reg[i].off == off)
			return hw->reg[i].written;
	return 0;
}

void fake_clear_log(struct fake_hw *hw)
{
	hw->nr_log = 0;
}

unsigned int fake_count(const struct fake_hw *hw, bool write, u32 off)
{
	unsigned int i, count = 0;

	for (i = 0; i < hw->nr_log; i++)
		count += hw->log[i].write == write && hw->log[i].off == off;
	return count;
}

int fake_identified(struct fake_hw *hw, struct nvbar_gpu *gpu, u32 boot0, u32 boot42)
{
	int ret;

	fake_init(hw, gpu);
	fake_set(hw, PMC_BOOT_0, boot0);
	fake_set(hw, PMC_BOOT_42, boot42);
	ret = nvbar_chip_identify(gpu);
	nvbar_pramin_init(gpu);
	mutex_init(&gpu->vmm.lock);
	INIT_LIST_HEAD(&gpu->vmm.accesses);
	nvbar_va_init(&gpu->vmm.va, SZ_256M, SZ_4K);
	gpu->vram_size = SZ_1G;
	return ret;
}
