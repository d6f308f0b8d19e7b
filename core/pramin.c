// SPDX-License-Identifier: MIT
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <hw/pramin.h>

#include "bar1.h"
#include "chip.h"
#include "gpu.h"
#include "pramin.h"
#include "reg.h"
#include "wait.h"

#define WINDOW_ALIGN	(1ULL << PRAMIN_WINDOW_SHIFT)

void nvbar_pramin_init(struct nvbar_gpu *gpu)
{
	mutex_init(&gpu->pramin.lock);
	gpu->pramin.known = false;
	gpu->pramin.last = 0;
	gpu->pramin.witness = (struct nvbar_witness){ 0 };
	gpu->pramin.anchor_pa = 0;
}

void nvbar_pramin_fini(struct nvbar_gpu *gpu)
{
	mutex_destroy(&gpu->pramin.lock);
}

u64 nvbar_pramin_reach(const struct nvbar_gpu *gpu)
{
	return ((u64)gpu->chip->window_mask + 1) << PRAMIN_WINDOW_SHIFT;
}

/* --- witnesses --- */

/* What stands in memory of any kind tells nothing. */
static bool is_telling(u32 val)
{
	return val && val != ~0u;
}

/*
 * Does the word at @off, if it is as it was, show that the window is where it was?  A
 * reset moves the window to 0, where data may stand that are the user's words, too:
 * only what the driver wrote into its own region is known to stand nowhere else.  A
 * window that is at 0 anyway is not moved.
 */
static bool is_proof(const struct nvbar_gpu *gpu, u32 off)
{
	u64 pa = gpu->pramin.base + off;

	return gpu->pramin.base && pa - gpu->reserved_pa < gpu->reserved_len;
}

/*
 * The anchor, if the window covers it.  Once the window was moved it is where it
 * should be whatever was before: the anchor tells of what comes next.
 */
static void begin_witness(struct nvbar_pramin *win)
{
	bool covered = win->anchor_pa >= win->base && win->anchor_pa - win->base < PRAMIN_SIZE;

	win->witness = (struct nvbar_witness){ 0 };
	if (win->anchor_pa && covered)
		win->witness = (struct nvbar_witness){
			win->anchor_pa - win->base, win->anchor, true, false,
		};
}

/* @len bytes at @off are about to be written anew. */
static void forget(struct nvbar_witness *witness, u32 off, u32 len)
{
	if (witness->off + 4 > off && witness->off < off + len)
		witness->set = false;
}

/* @val was written at @off.  The older a witness is the better, but one that proves is best. */
static void propose(struct nvbar_gpu *gpu, u32 off, u32 val)
{
	struct nvbar_witness *witness = &gpu->pramin.witness;
	bool better = !witness->set || (is_proof(gpu, off) && !is_proof(gpu, witness->off));

	if (better && is_telling(val))
		*witness = (struct nvbar_witness){ off, val, true, false };
}

void nvbar_pramin_set_anchor(struct nvbar_gpu *gpu, u64 pa, u64 val)
{
	struct nvbar_pramin *win = &gpu->pramin;

	guard(mutex)(&win->lock);
	win->anchor_pa = pa;
	win->anchor = val;
	if (win->known)
		begin_witness(win);
	win->witness.old = true;
}

/* --- the window --- */

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
	begin_witness(win);
	return 0;
}

/* For all of the last MiB of the driver's region the one that ends with it, where its anchor is. */
static u64 base_for(const struct nvbar_gpu *gpu, u64 pa)
{
	u64 end = gpu->reserved_pa + gpu->reserved_len;

	if (end >= PRAMIN_SIZE && pa < end && pa >= max(gpu->reserved_pa, end - PRAMIN_SIZE))
		return end - PRAMIN_SIZE;
	return round_down(pa, WINDOW_ALIGN);
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
	if (nvbar_gpu_is_lost(gpu))
		return -ENODEV;
	if (!win->known || pa < win->base || pa - win->base >= PRAMIN_SIZE) {
		ret = move_window(gpu, base_for(gpu, pa));
		if (ret)
			return ret;
	}
	win->last = pa - win->base;
	*left = PRAMIN_SIZE - win->last;
	return 0;
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
	forget(&gpu->pramin.witness, gpu->pramin.last, width);
	if (width >= 4)
		propose(gpu, gpu->pramin.last, lower_32_bits(val));
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

static int write_words(struct nvbar_gpu *gpu, u64 pa, const u64 *src, size_t nr, bool reachable)
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
		if (reachable)
			nvbar_hw_write_entries(gpu->ops, gpu->hw, PRAMIN_BASE + gpu->pramin.last, src,
					       run);
		else
			gpu->ops->bar0_write_words(gpu->hw, PRAMIN_BASE + gpu->pramin.last, src, run);
		forget(&gpu->pramin.witness, gpu->pramin.last, 8 * run);
		/* The ordering read goes to the newest word, which is no all ones as data often are. */
		gpu->pramin.last += 8 * (run - 1);
		propose(gpu, gpu->pramin.last, lower_32_bits(src[run - 1]));
	}
	return 0;
}

int nvbar_pramin_wr_words(struct nvbar_gpu *gpu, u64 pa, const u64 *src, size_t nr)
{
	return write_words(gpu, pa, src, nr, false);
}

int nvbar_pramin_wr_entries(struct nvbar_gpu *gpu, u64 pa, const u64 *src, size_t nr)
{
	return write_words(gpu, pa, src, nr, true);
}

/*
 * The window is taken piece by piece: a long copy keeps nobody else from it for
 * long.  Pieces end at multiples of their size, so the window's end cuts none.
 */
#define PIECE_BYTES	SZ_64K

/* The words of the next piece; 0 if something narrower comes first. */
static size_t piece_words(u64 pa, size_t len)
{
	if (!IS_ALIGNED(pa, 8))
		return 0;
	return min_t(u64, len, PIECE_BYTES - (pa & (PIECE_BYTES - 1))) / 8;
}

/* Where words wait if the caller's buffer has them at odd addresses */
struct bounce {
	u64 small[32];
	u64 *words;
	size_t nr;
};

/* Less than a piece will do. */
static void bounce_init(struct bounce *bounce, bool wanted)
{
	bounce->words = wanted ? kvmalloc(PIECE_BYTES, GFP_KERNEL) : NULL;
	bounce->nr = PIECE_BYTES / 8;
	if (bounce->words)
		return;
	bounce->words = bounce->small;
	bounce->nr = ARRAY_SIZE(bounce->small);
}

static void bounce_fini(struct bounce *bounce)
{
	if (bounce->words != bounce->small)
		kvfree(bounce->words);
}

/* Can words go between VRAM and this buffer as they are? */
static bool is_direct(u64 pa, const void *buf)
{
	return IS_ALIGNED((unsigned long)buf - (unsigned long)pa, 8);
}

int nvbar_pramin_copy_from(struct nvbar_gpu *gpu, u64 pa, void *dst, size_t len)
{
	bool direct = is_direct(pa, dst), ones = false;
	struct bounce bounce;
	size_t step, nr;
	u8 *to = dst;
	int ret = 0;
	u64 val = 0;

	bounce_init(&bounce, !direct && len > sizeof(bounce.small));
	for (; len; pa += step, to += step, len -= step) {
		nr = piece_words(pa, len);
		if (!nr) {
			step = nvbar_natural_width(pa, len);
			ret = nvbar_pramin_rd(gpu, pa, step, &val);
			if (ret)
				break;
			ones |= val == GENMASK_ULL(8 * step - 1, 0);
			memcpy(to, &val, step);
		} else {
			u64 *words = direct ? (u64 *)(void *)to : bounce.words;

			if (!direct)
				nr = min(nr, bounce.nr);
			step = 8 * nr;
			ret = nvbar_pramin_rd_words(gpu, pa, words, nr);
			if (ret)
				break;
			ones |= nvbar_pramin_may_be_gone(words[nr - 1]);
			if (!direct)
				memcpy(to, words, step);
		}
	}
	bounce_fini(&bounce);
	if (ret)
		return ret;
	/* All ones may be data. */
	return ones ? nvbar_pramin_flush(gpu) : 0;
}

int nvbar_pramin_copy_to(struct nvbar_gpu *gpu, u64 pa, const void *src, size_t len)
{
	bool direct = is_direct(pa, src);
	struct bounce bounce;
	const u8 *from = src;
	size_t step, nr;
	int ret = 0;
	u64 val;

	bounce_init(&bounce, !direct && len > sizeof(bounce.small));
	for (; len && !ret; pa += step, from += step, len -= step) {
		nr = piece_words(pa, len);
		if (!nr) {
			step = nvbar_natural_width(pa, len);
			val = 0;
			memcpy(&val, from, step);
			ret = nvbar_pramin_wr(gpu, pa, step, val);
			continue;
		}
		if (direct) {
			ret = nvbar_pramin_wr_words(gpu, pa, (const u64 *)(const void *)from, nr);
		} else {
			nr = min(nr, bounce.nr);
			memcpy(bounce.words, from, 8 * nr);
			ret = nvbar_pramin_wr_words(gpu, pa, bounce.words, nr);
		}
		step = 8 * nr;
	}
	bounce_fini(&bounce);
	return ret ? ret : nvbar_pramin_flush(gpu);
}

static struct nvbar_reg_word read_window(struct nvbar_gpu *gpu)
{
	const struct nvbar_reg_word reg = {
		.name = gpu->chip->window_name,
		.off = gpu->chip->window_reg,
	};

	return nvbar_rd_word(gpu, &reg);
}

/* Is the window, of which @reg was read, where it was left? */
static bool is_at_base(const struct nvbar_gpu *gpu, const struct nvbar_reg_word *reg)
{
	u32 bits = gpu->chip->window_mask | gpu->chip->window_target;

	return !nvbar_reg_is_error(reg->off, reg->val) &&
	       (reg->val & bits) == gpu->pramin.base >> PRAMIN_WINDOW_SHIFT;
}

/* Something is not as it was: is the GPU lost, or did somebody change the witness? */
static int look(struct nvbar_gpu *gpu)
{
	int ret = nvbar_bar1_look(gpu);
	struct nvbar_reg_word reg;
	char text[128];

	if (ret || !gpu->pramin.known)
		return ret;
	reg = read_window(gpu);
	if (is_at_base(gpu, &reg))
		return 0;
	if (nvbar_reg_is_error(reg.off, reg.val)) {
		nvbar_reg_text(&reg, text, sizeof(text));
		return nvbar_gpu_lose(gpu, "%s: nothing shows where the PRAMIN window is", text);
	}
	/* Of a reset BAR1 would have told, where it is bound. */
	return nvbar_gpu_lose(gpu, "the PRAMIN window was moved from 0x%llx: %s", gpu->pramin.base,
			      gpu->vmm.enabled ? "another driver has this GPU" :
						 "the GPU was reset, or another driver has it");
}

/* The witness proves nothing: one register has to. */
static int glance(struct nvbar_gpu *gpu)
{
	struct nvbar_reg_word reg;

	if (gpu->vmm.enabled)
		return nvbar_bar1_glance(gpu);
	if (!gpu->pramin.known)
		return 0;
	/* After a reset the window is at 0: one that was there tells nothing. */
	reg = read_window(gpu);
	return is_at_base(gpu, &reg) ? 0 : look(gpu);
}

int nvbar_pramin_flush(struct nvbar_gpu *gpu)
{
	struct nvbar_pramin *win = &gpu->pramin;
	struct nvbar_witness *witness = &win->witness;
	bool suspect;
	u32 off, val;
	int ret;

	guard(mutex)(&win->lock);
	if (nvbar_gpu_is_lost(gpu))
		return -ENODEV;
	off = witness->set ? witness->off : round_down(win->last, 4);
	atomic64_inc(&gpu->count.bus_reads);
	val = gpu->ops->bar0_read(gpu->hw, PRAMIN_BASE + off, 4);
	suspect = witness->set ? val != witness->val : val == ~0u;
	if (!suspect && witness->set && witness->old && is_proof(gpu, off))
		return 0;
	ret = suspect ? look(gpu) : glance(gpu);
	if (ret)
		return ret;
	if (suspect)
		witness->set = false;
	witness->old = true;
	return 0;
}
