// SPDX-License-Identifier: MIT
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <hw/pramin.h>

#include "chip.h"
#include "gpu.h"
#include "pramin.h"
#include "wait.h"

#define WINDOW_ALIGN	(1ULL << PRAMIN_WINDOW_SHIFT)

void nvbar_pramin_init(struct nvbar_gpu *gpu)
{
	mutex_init(&gpu->pramin.lock);
	gpu->pramin.known = false;
	gpu->pramin.last = 0;
}

void nvbar_pramin_fini(struct nvbar_gpu *gpu)
{
	mutex_destroy(&gpu->pramin.lock);
}

u64 nvbar_pramin_reach(const struct nvbar_gpu *gpu)
{
	return ((u64)gpu->chip->window_mask + 1) << PRAMIN_WINDOW_SHIFT;
}

/*
 * Moves the window and sees it there: a write that went through a window
 * elsewhere would be lost, and other data with it.  nova and OpenRM rely on
 * the order of accesses instead.
 */
static int move_window(struct nvbar_gpu *gpu, u64 base)
{
	struct nvbar_pramin *win = &gpu->pramin;
	/* Target 0, where there is a target field, is video memory. */
	u32 val = base >> PRAMIN_WINDOW_SHIFT;
	int ret;

	win->known = false;
	atomic64_inc(&gpu->count.window_moves);
	nvbar_wr32(gpu, gpu->chip->window_reg, val);
	ret = nvbar_wait_reg(gpu, gpu->chip->window_name, gpu->chip->window_reg,
			     gpu->chip->window_mask | gpu->chip->window_target, val,
			     NVBAR_MMU_TIMEOUT_US);
	if (ret)
		return ret;
	win->base = base;
	win->known = true;
	return 0;
}

/*
 * Makes the window cover @pa.  @left receives the bytes from there to its end;
 * the offset of @pa in it is left in pramin.last.
 */
static int window_at(struct nvbar_gpu *gpu, u64 pa, u32 *left)
{
	struct nvbar_pramin *win = &gpu->pramin;
	int ret;

	lockdep_assert_held(&win->lock);
	if (!win->known || pa < win->base || pa - win->base >= PRAMIN_SIZE) {
		ret = move_window(gpu, round_down(pa, WINDOW_ALIGN));
		if (ret)
			return ret;
	}
	win->last = pa - win->base;
	*left = PRAMIN_SIZE - win->last;
	return 0;
}

/* The largest natural width for an access at @pa with @len bytes to go. */
static unsigned int width_at(u64 pa, size_t len)
{
	unsigned int width = 8;

	while ((pa & (width - 1)) || width > len)
		width /= 2;
	return width;
}

int nvbar_pramin_rd(struct nvbar_gpu *gpu, u64 pa, unsigned int width, u64 *val)
{
	u32 left;
	int ret;

	guard(mutex)(&gpu->pramin.lock);
	ret = window_at(gpu, pa, &left);
	if (ret)
		return ret;
	atomic64_inc(&gpu->count.bus_reads);
	*val = gpu->ops->bar0_read(gpu->hw, PRAMIN_BASE + gpu->pramin.last, width);
	return 0;
}

int nvbar_pramin_wr(struct nvbar_gpu *gpu, u64 pa, unsigned int width, u64 val)
{
	u32 left;
	int ret;

	guard(mutex)(&gpu->pramin.lock);
	ret = window_at(gpu, pa, &left);
	if (ret)
		return ret;
	atomic64_inc(&gpu->count.bus_writes);
	gpu->ops->bar0_write(gpu->hw, PRAMIN_BASE + gpu->pramin.last, width, val);
	return 0;
}

int nvbar_pramin_rd_words(struct nvbar_gpu *gpu, u64 pa, u64 *dst, size_t nr)
{
	size_t run;
	u32 left;
	int ret;

	guard(mutex)(&gpu->pramin.lock);
	for (; nr; pa += 8 * run, dst += run, nr -= run) {
		ret = window_at(gpu, pa, &left);
		if (ret)
			return ret;
		run = min_t(size_t, nr, left / 8);
		atomic64_add(run, &gpu->count.bus_reads);
		gpu->ops->bar0_read_words(gpu->hw, PRAMIN_BASE + gpu->pramin.last, dst, run);
	}
	return 0;
}

int nvbar_pramin_wr_words(struct nvbar_gpu *gpu, u64 pa, const u64 *src, size_t nr)
{
	size_t run;
	u32 left;
	int ret;

	guard(mutex)(&gpu->pramin.lock);
	for (; nr; pa += 8 * run, src += run, nr -= run) {
		ret = window_at(gpu, pa, &left);
		if (ret)
			return ret;
		run = min_t(size_t, nr, left / 8);
		atomic64_add(run, &gpu->count.bus_writes);
		gpu->ops->bar0_write_words(gpu->hw, PRAMIN_BASE + gpu->pramin.last, src, run);
		/* The ordering read goes to the newest word, which is no all ones as data often are. */
		gpu->pramin.last += 8 * (run - 1);
	}
	return 0;
}

/* Words on the way between the caller's unaligned buffer and the bus. */
#define BOUNCE_WORDS	32

/* The window is taken piece by piece: a long copy keeps nobody else from it. */
int nvbar_pramin_copy_from(struct nvbar_gpu *gpu, u64 pa, void *dst, size_t len)
{
	u64 bounce[BOUNCE_WORDS] = { 0 };
	bool ones = false;
	u8 *to = dst;
	size_t step;
	int ret;

	for (; len; pa += step, to += step, len -= step) {
		if (IS_ALIGNED(pa, 8) && len >= 8) {
			size_t nr = min_t(size_t, len / 8, BOUNCE_WORDS);

			ret = nvbar_pramin_rd_words(gpu, pa, bounce, nr);
			ones |= bounce[nr - 1] == ~0ULL;
			step = 8 * nr;
		} else {
			step = width_at(pa, len);
			ret = nvbar_pramin_rd(gpu, pa, step, bounce);
			ones |= bounce[0] == GENMASK_ULL(8 * step - 1, 0);
		}
		if (ret)
			return ret;
		memcpy(to, bounce, step);
	}
	/* All ones may be data.  The window of a GPU that is gone is forgotten by this, too. */
	return ones ? nvbar_pramin_flush(gpu) : 0;
}

int nvbar_pramin_copy_to(struct nvbar_gpu *gpu, u64 pa, const void *src, size_t len)
{
	u64 bounce[BOUNCE_WORDS];
	const u8 *from = src;
	size_t step;
	int ret;

	for (; len; pa += step, from += step, len -= step) {
		if (IS_ALIGNED(pa, 8) && len >= 8) {
			size_t nr = min_t(size_t, len / 8, BOUNCE_WORDS);

			step = 8 * nr;
			memcpy(bounce, from, step);
			ret = nvbar_pramin_wr_words(gpu, pa, bounce, nr);
		} else {
			step = width_at(pa, len);
			bounce[0] = 0;
			memcpy(bounce, from, step);
			ret = nvbar_pramin_wr(gpu, pa, step, bounce[0]);
		}
		if (ret)
			return ret;
	}
	return nvbar_pramin_flush(gpu);
}

int nvbar_pramin_flush(struct nvbar_gpu *gpu)
{
	u32 off;

	guard(mutex)(&gpu->pramin.lock);
	off = PRAMIN_BASE + round_down(gpu->pramin.last, 4);
	atomic64_inc(&gpu->count.bus_reads);
	if ((u32)gpu->ops->bar0_read(gpu->hw, off, 4) != ~0u || !nvbar_gpu_alive(gpu))
		return 0;
	/* Who knows where the window is should the GPU come back. */
	gpu->pramin.known = false;
	return -ENODEV;
}
