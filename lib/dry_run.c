// SPDX-License-Identifier: MIT
/*
 * A dry run: a backend that reads the registers of another one and writes
 * nothing to it.  Registers and VRAM that were written are kept here, so that
 * the driver finds what it wrote, and what it asks of the GPU is done at once.
 */
#include <errno.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include <hw/pramin.h>
#include <hw/vf_priv.h>

#include "chip.h"
#include "dry_run.h"
#include "gpu.h"
#include "trace.h"
#include "walk.h"

#define NR_BUCKETS	4096
#define MAX_REGS	32

/* A page of VRAM that was written; the rest of it is 0. */
struct page {
	struct page *next;
	u64 pa;
	u8 data[NVBAR_PAGE_SIZE];
};

struct reg {
	u32 off;
	u32 val;
};

/**
 * struct dry_run - a backend in front of another
 * @base: of every backend
 * @ops: the dry run's, as far as the other one has them
 * @inner: the other one
 * @gpu: the driver
 * @lock: over what follows
 * @writer: of lines, which follows where PRAMIN would be
 * @reg: registers that were written
 * @nr_regs: how many
 * @bucket: pages of VRAM that were written
 * @no_memory: it was told
 */
struct dry_run {
	struct nvbar_backend base;
	struct nvbar_hw_ops ops;
	struct nvbar_backend *inner;
	const struct nvbar_gpu *gpu;
	struct mutex lock;
	struct nvbar_trace_writer writer;
	struct reg reg[MAX_REGS];
	unsigned int nr_regs;
	struct page *bucket[NR_BUCKETS];
	bool no_memory;
};

static void tell(void *arg, const char *line)
{
	const struct dry_run *d = arg;

	nvbar_log(&d->base.log, 2, NVBAR_DRY_RUN_MARK "%s", line);
}

/* --- VRAM -------------------------------------------------------------------- */

static struct page **find_page(struct dry_run *d, u64 pa)
{
	struct page **at = &d->bucket[(pa >> NVBAR_PAGE_SHIFT) % NR_BUCKETS];

	pa &= ~(u64)(NVBAR_PAGE_SIZE - 1);
	while (*at && (*at)->pa != pa)
		at = &(*at)->next;
	return at;
}

/* Both within a page. */
static void load(struct dry_run *d, u64 pa, void *buf, size_t len)
{
	const struct page *page = *find_page(d, pa);

	if (page)
		memcpy(buf, page->data + pa % NVBAR_PAGE_SIZE, len);
	else
		memset(buf, 0, len);
}

static void store(struct dry_run *d, u64 pa, const void *buf, size_t len)
{
	struct page **at = find_page(d, pa);

	if (!*at) {
		*at = kzalloc(sizeof(**at), GFP_KERNEL);
		if (*at)
			(*at)->pa = pa & ~(u64)(NVBAR_PAGE_SIZE - 1);
	}
	if (*at)
		memcpy((*at)->data + pa % NVBAR_PAGE_SIZE, buf, len);
	else if (!d->no_memory)
		nvbar_log(&d->base.log, 0, "dry run: no memory for what VRAM would hold");
	d->no_memory |= !*at;
}

static size_t page_part(u64 addr, size_t len)
{
	size_t left = NVBAR_PAGE_SIZE - addr % NVBAR_PAGE_SIZE;

	return len < left ? len : left;
}

/* --- where BAR1 would lead ----------------------------------------------------- */

static int read_tables(void *ctx, enum nvbar_aperture aperture, u64 pa, u64 *words, size_t nr)
{
	if (aperture != NVBAR_APERTURE_VID)
		return -EFAULT;
	for (; nr; nr--, pa += 8, words++)
		load(ctx, pa, words, 8);
	return 0;
}

/* By the tables that the driver would have written */
static bool translate(struct dry_run *d, u64 off, u64 *pa)
{
	struct nvbar_walk_space space = {
		.root_aperture = NVBAR_APERTURE_VID, .read = read_tables, .ctx = d,
	};
	struct nvbar_walk_result res;

	if (!d->gpu->vmm.enabled)
		return false;
	space.fmt = d->gpu->chip->mmu;
	space.page_sizes = d->gpu->chip->page_sizes;
	space.root_pa = nvbar_pt_root(d->gpu);
	if (nvbar_mmu_walk(&space, off, &res) || res.end != NVBAR_WALK_END_OK)
		return false;
	*pa = res.pa;
	return true;
}

static void bar1_load(struct dry_run *d, u64 off, void *buf, size_t len)
{
	size_t part;
	u64 pa;

	for (; len; off += part, buf = (u8 *)buf + part, len -= part) {
		part = page_part(off, len);
		if (translate(d, off, &pa))
			load(d, pa, buf, part);
		else
			memset(buf, 0xff, part);
	}
}

static void bar1_store(struct dry_run *d, u64 off, const void *buf, size_t len)
{
	size_t part;
	u64 pa;

	for (; len; off += part, buf = (const u8 *)buf + part, len -= part) {
		part = page_part(off, len);
		if (translate(d, off, &pa))
			store(d, pa, buf, part);
	}
}

/* --- registers ------------------------------------------------------------------- */

static bool in_pramin(u32 off)
{
	return off - PRAMIN_BASE < PRAMIN_SIZE;
}

static u64 pramin_pa(const struct dry_run *d, u32 off)
{
	return d->writer.window + (off - PRAMIN_BASE);
}

static struct reg *find_reg(struct dry_run *d, u32 off)
{
	unsigned int i;

	for (i = 0; i < d->nr_regs; i++)
		if (d->reg[i].off == off)
			return &d->reg[i];
	return NULL;
}

static u32 read_reg(struct dry_run *d, u32 off, unsigned int width)
{
	const struct reg *reg = find_reg(d, off);

	/* What was latched is not what is written here. */
	if (off == VF_PRIV_MMU_FAULT_STATUS && reg)
		return d->inner->ops->bar0_read(d->inner, off, width) & ~reg->val;
	if (!reg)
		return d->inner->ops->bar0_read(d->inner, off, width);
	if (off == VF_PRIV_MMU_INVALIDATE)
		return reg->val & ~VF_PRIV_MMU_INVALIDATE_TRIGGER;
	return reg->val;
}

static void write_reg(struct dry_run *d, u32 off, u32 val)
{
	struct reg *reg = find_reg(d, off);

	if (!reg && d->nr_regs < MAX_REGS)
		reg = &d->reg[d->nr_regs++];
	if (reg)
		*reg = (struct reg){ off, val };
}

/* --- operations -------------------------------------------------------------------- */

static u64 dry_bar0_read(void *hw, u32 off, unsigned int width)
{
	struct dry_run *d = hw;
	u64 val = 0;

	guard(mutex)(&d->lock);
	if (!in_pramin(off))
		return read_reg(d, off, width);
	load(d, pramin_pa(d, off), &val, width);
	return val;
}

static void dry_bar0_write(void *hw, u32 off, unsigned int width, u64 val)
{
	struct dry_run *d = hw;

	guard(mutex)(&d->lock);
	nvbar_trace_one(&d->writer, true, 0, off, width, val);
	if (in_pramin(off))
		store(d, pramin_pa(d, off), &val, width);
	else
		write_reg(d, off, val);
}

static void dry_bar0_read_words(void *hw, u32 off, u64 *dst, size_t nr)
{
	struct dry_run *d = hw;

	guard(mutex)(&d->lock);
	for (; nr; nr--, off += 8)
		load(d, pramin_pa(d, off), dst++, 8);
}

static void dry_bar0_write_words(void *hw, u32 off, const u64 *src, size_t nr)
{
	struct dry_run *d = hw;

	guard(mutex)(&d->lock);
	nvbar_trace_block(&d->writer, true, 0, off, src, 8 * nr);
	for (; nr; nr--, off += 8)
		store(d, pramin_pa(d, off), src++, 8);
}

static u64 dry_bar1_read(void *hw, u64 off, unsigned int width)
{
	struct dry_run *d = hw;
	u64 val = 0;

	guard(mutex)(&d->lock);
	bar1_load(d, off, &val, width);
	return val;
}

static void dry_bar1_write(void *hw, u64 off, unsigned int width, u64 val)
{
	struct dry_run *d = hw;

	guard(mutex)(&d->lock);
	nvbar_trace_one(&d->writer, true, 1, off, width, val);
	bar1_store(d, off, &val, width);
}

static void dry_bar1_copy_from(void *hw, void *dst, u64 off, size_t len)
{
	struct dry_run *d = hw;

	guard(mutex)(&d->lock);
	bar1_load(d, off, dst, len);
}

static void dry_bar1_copy_to(void *hw, u64 off, const void *src, size_t len)
{
	struct dry_run *d = hw;

	guard(mutex)(&d->lock);
	nvbar_trace_block(&d->writer, true, 1, off, src, len);
	bar1_store(d, off, src, len);
}

static void dry_bar1_fill(void *hw, u64 off, u32 pattern, size_t len)
{
	struct dry_run *d = hw;
	u32 words[64];
	size_t i, step;

	guard(mutex)(&d->lock);
	nvbar_trace_fill(&d->writer, off, pattern, len);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = pattern;
	for (; len; off += step, len -= step) {
		step = len < sizeof(words) ? len : sizeof(words);
		bar1_store(d, off, words, step);
	}
}

static void dry_write_barrier(void *hw)
{
	(void)hw;
}

static u64 dry_transactions(void *hw)
{
	struct dry_run *d = hw;

	return d->inner->ops->transactions(d->inner);
}

static u64 dry_own_reads(void *hw)
{
	struct dry_run *d = hw;

	return d->inner->ops->own_reads(d->inner);
}

static u64 dry_driver_errors(void *hw)
{
	struct dry_run *d = hw;

	return d->inner->ops->driver_errors(d->inner);
}

static const struct nvbar_hw_ops dry_run_ops = {
	.bar0_read = dry_bar0_read,
	.bar0_write = dry_bar0_write,
	.bar0_read_words = dry_bar0_read_words,
	.bar0_write_words = dry_bar0_write_words,
	.bar0_write_entries = dry_bar0_write_words,
	.bar1_read = dry_bar1_read,
	.bar1_write = dry_bar1_write,
	.bar1_copy_from = dry_bar1_copy_from,
	.bar1_copy_to = dry_bar1_copy_to,
	.bar1_fill = dry_bar1_fill,
	.bar1_mmap = nvbar_backend_no_mmap,
	.bar1_munmap = nvbar_backend_no_munmap,
	.write_barrier = dry_write_barrier,
	.transactions = dry_transactions,
	.own_reads = dry_own_reads,
	.driver_errors = dry_driver_errors,
	.message = nvbar_backend_message,
};

/* --- begin and end ------------------------------------------------------------------- */

static void dry_run_close(struct nvbar_backend *backend)
{
	struct dry_run *d = (struct dry_run *)backend;
	struct page *page, *next;
	unsigned int i;

	for (i = 0; i < NR_BUCKETS; i++) {
		for (page = d->bucket[i]; page; page = next) {
			next = page->next;
			kfree(page);
		}
	}
	d->inner->close(d->inner);
	mutex_destroy(&d->lock);
	kfree(d);
}

int nvbar_dry_run(const struct nvbar_gpu *gpu, struct nvbar_backend **backend)
{
	struct dry_run *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return -ENOMEM;
	mutex_init(&d->lock);
	d->inner = *backend;
	d->gpu = gpu;
	d->base = *d->inner;
	d->base.ops = &d->ops;
	d->base.close = dry_run_close;
	d->ops = dry_run_ops;
	if (!d->inner->ops->transactions)
		d->ops.transactions = NULL;
	if (!d->inner->ops->own_reads)
		d->ops.own_reads = NULL;
	if (!d->inner->ops->driver_errors)
		d->ops.driver_errors = NULL;
	d->writer.put = tell;
	d->writer.arg = d;
	*backend = &d->base;
	return 0;
}
