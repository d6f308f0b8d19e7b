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
 * Makes the window cover @pa.  Nobody reads the register back: the access
 * that follows is ordered behind the write [assumed, as in nova and OpenRM].
 *
 * Return: bytes from @pa to the end of the window; the BAR0 offset of @pa is
 * left in pramin.last.
 */
static u32 window_at(struct nvbar_gpu *gpu, u64 pa)
{
	struct nvbar_pramin *win = &gpu->pramin;

	lockdep_assert_held(&win->lock);
	if (!win->known || pa < win->base || pa - win->base >= PRAMIN_SIZE) {
		win->base = round_down(pa, WINDOW_ALIGN);
		win->known = true;
		atomic64_inc(&gpu->count.window_moves);
		/* Target 0, where there is a target field, is video memory. */
		nvbar_wr32(gpu, gpu->chip->window_reg, win->base >> PRAMIN_WINDOW_SHIFT);
	}
	win->last = pa - win->base;
	return PRAMIN_SIZE - win->last;
}

/* The largest natural width for an access at @pa with @len bytes to go. */
static unsigned int width_at(u64 pa, size_t len)
{
	unsigned int width = 8;

	while ((pa & (width - 1)) || width > len)
		width /= 2;
	return width;
}

u64 nvbar_pramin_rd(struct nvbar_gpu *gpu, u64 pa, unsigned int width)
{
	guard(mutex)(&gpu->pramin.lock);
	window_at(gpu, pa);
	atomic64_inc(&gpu->count.bus_reads);
	return gpu->ops->bar0_read(gpu->hw, PRAMIN_BASE + gpu->pramin.last, width);
}

void nvbar_pramin_wr(struct nvbar_gpu *gpu, u64 pa, unsigned int width, u64 val)
{
	guard(mutex)(&gpu->pramin.lock);
	window_at(gpu, pa);
	atomic64_inc(&gpu->count.bus_writes);
	gpu->ops->bar0_write(gpu->hw, PRAMIN_BASE + gpu->pramin.last, width, val);
}

void nvbar_pramin_rd_words(struct nvbar_gpu *gpu, u64 pa, u64 *dst, size_t nr)
{
	guard(mutex)(&gpu->pramin.lock);
	while (nr) {
		size_t run = min_t(size_t, nr, window_at(gpu, pa) / 8);

		atomic64_add(run, &gpu->count.bus_reads);
		gpu->ops->bar0_read_words(gpu->hw, PRAMIN_BASE + gpu->pramin.last, dst, run);
		pa += 8 * run;
		dst += run;
		nr -= run;
	}
}

void nvbar_pramin_wr_words(struct nvbar_gpu *gpu, u64 pa, const u64 *src, size_t nr)
{
	guard(mutex)(&gpu->pramin.lock);
	while (nr) {
		size_t run = min_t(size_t, nr, window_at(gpu, pa) / 8);

		atomic64_add(run, &gpu->count.bus_writes);
		gpu->ops->bar0_write_words(gpu->hw, PRAMIN_BASE + gpu->pramin.last, src, run);
		/* The ordering read goes to the newest word, which is no all ones as data often are. */
		gpu->pramin.last += 8 * (run - 1);
		pa += 8 * run;
		src += run;
		nr -= run;
	}
}

/* Words on the way between the caller's unaligned buffer and the bus. */
#define BOUNCE_WORDS	32

/* The window is taken piece by piece: a long copy keeps nobody else from it. */
int nvbar_pramin_copy_from(struct nvbar_gpu *gpu, u64 pa, void *dst, size_t len)
{
	u64 bounce[BOUNCE_WORDS];
	bool ones = false;
	u8 *to = dst;
	size_t step;

	for (; len; pa += step, to += step, len -= step) {
		if (IS_ALIGNED(pa, 8) && len >= 8) {
			size_t nr = min_t(size_t, len / 8, BOUNCE_WORDS);

			nvbar_pramin_rd_words(gpu, pa, bounce, nr);
			ones |= bounce[nr - 1] == ~0ULL;
			step = 8 * nr;
		} else {
			step = width_at(pa, len);
			bounce[0] = nvbar_pramin_rd(gpu, pa, step);
			ones |= bounce[0] == GENMASK_ULL(8 * step - 1, 0);
		}
		memcpy(to, bounce, step);
	}
	return ones ? nvbar_gpu_alive(gpu) : 0;
}

int nvbar_pramin_copy_to(struct nvbar_gpu *gpu, u64 pa, const void *src, size_t len)
{
	u64 bounce[BOUNCE_WORDS];
	const u8 *from = src;
	size_t step;

	for (; len; pa += step, from += step, len -= step) {
		if (IS_ALIGNED(pa, 8) && len >= 8) {
			size_t nr = min_t(size_t, len / 8, BOUNCE_WORDS);

			step = 8 * nr;
			memcpy(bounce, from, step);
			nvbar_pramin_wr_words(gpu, pa, bounce, nr);
		} else {
			step = width_at(pa, len);
			bounce[0] = 0;
			memcpy(bounce, from, step);
			nvbar_pramin_wr(gpu, pa, step, bounce[0]);
		}
	}
	return nvbar_pramin_flush(gpu);
}

int nvbar_pramin_flush(struct nvbar_gpu *gpu)
{
	u32 off;

	guard(mutex)(&gpu->pramin.lock);
	off = PRAMIN_BASE + round_down(gpu->pramin.last, 4);
	atomic64_inc(&gpu->count.bus_reads);
	if ((u32)gpu->ops->bar0_read(gpu->hw, off, 4) == ~0u)
		return nvbar_gpu_alive(gpu);
	return 0;
}
