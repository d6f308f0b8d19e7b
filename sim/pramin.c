/* SPDX-License-Identifier: MIT */
/*
 * The PRAMIN window, and what its writes need to reach VRAM.
 *
 * A write through the window is posted: it waits in a queue that neither the
 * MMU nor BAR1 looks into.  From there writes land in their order, at any time;
 * a driver may count on it only when a read through the window, or a flush by
 * register, has ordered them.
 */
#include <sys/mman.h>

#include "sim_gpu.h"
#include "hw/pfb.h"
#include "hw/pramin.h"

/* Writes that may be on their way at once; the next one pushes the oldest ones out. */
#define NR_POSTED	(1u << 15)
#define NR_PUSHED_OUT	(1u << 10)

bool sim_pramin_init(struct sim_gpu *gpu)
{
	void *ring = mmap(NULL, NR_POSTED * sizeof(struct sim_posted), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (ring == MAP_FAILED)
		return false;
	gpu->pramin.posted = ring;
	return true;
}

void sim_pramin_fini(struct sim_gpu *gpu)
{
	sim_posted_drain(gpu, gpu->pramin.tail);
	munmap(gpu->pramin.posted, NR_POSTED * sizeof(struct sim_posted));
}

void sim_pramin_reset(struct sim_gpu *gpu)
{
	gpu->pramin.head = gpu->pramin.tail;
	gpu->pramin.base = 0;
	gpu->pramin.vid = true;
	gpu->pramin.reg = 0;
	gpu->pramin.next_in = 0;
	gpu->flush = (struct sim_flush) { 0 };
}

static const struct sim_posted *posted(const struct sim_pramin *p, uint64_t number)
{
	return &p->posted[(number - p->origin) % NR_POSTED];
}

void sim_posted_drain(struct sim_gpu *gpu, uint64_t upto)
{
	struct sim_pramin *p = &gpu->pramin;

	if (p->head < upto)
		sim_before_store(gpu);
	for (; p->head < upto; p->head++) {
		const struct sim_posted *w = posted(p, p->head);

		sim_vram_store(&gpu->vram, w->pa_width >> 4, w->pa_width & 15, w->val);
	}
	if (p->head == p->tail)
		p->origin = p->head;	/* start over in memory that is warm */
}

void sim_posted_land_some(struct sim_gpu *gpu)
{
	struct sim_pramin *p = &gpu->pramin;
	uint32_t dice;

	if (p->head == p->tail)
		return;
	dice = sim_dice(gpu);
	if (!(dice % 8))
		sim_posted_drain(gpu, p->head + dice / 8 % (p->tail - p->head) + 1);
}

static void post(struct sim_gpu *gpu, uint64_t pa, unsigned int width, uint32_t val)
{
	struct sim_pramin *p = &gpu->pramin;
	struct sim_posted *w;

	if (gpu->cfg.landing == SIM_LANDING_AT_ONCE) {
		sim_before_store(gpu);
		sim_vram_store(&gpu->vram, pa, width, val);
		return;
	}
	if (p->tail - p->head == NR_POSTED)
		sim_posted_drain(gpu, p->head + NR_PUSHED_OUT);
	w = &p->posted[(p->tail++ - p->origin) % NR_POSTED];
	w->pa_width = pa << 4 | width;
	w->val = val;
}

/* Why an access through the window is refused; NULL if it is not. */
static const char *refusal(struct sim_gpu *gpu, uint64_t pa, uint64_t len)
{
	if (!sim_boot_done(gpu))
		return "boot is not complete";
	if (!gpu->pramin.vid)
		return "the window is not on video memory";
	if (!sim_vram_has(&gpu->vram, pa, len))
		return "past the end of VRAM";
	return sim_protected(gpu, pa, len);
}

static void refuse(struct sim_gpu *gpu, bool write, uint64_t pa, unsigned int width, const char *why)
{
	sim_misuse(gpu, "PRAMIN %s of %u at VRAM 0x%llx: %s", write ? "write" : "read", width,
		   (unsigned long long)pa, why);
	if (why == sim_protected(gpu, pa, width))
		sim_fault_pramin(gpu, pa, write);
}

uint32_t sim_pramin_read(struct sim_gpu *gpu, uint64_t off, unsigned int width)
{
	uint64_t pa = gpu->pramin.base + (off - PRAMIN_BASE);
	const char *why = refusal(gpu, pa, width);

	if (why) {
		refuse(gpu, false, pa, width, why);
		return sim_bad_read(width);
	}
	sim_posted_drain(gpu, gpu->pramin.tail);
	if (sim_is_poisoned(gpu, pa, width)) {
		gpu->counters.poisoned++;
		return sim_bad_read(width);
	}
	return sim_vram_load(&gpu->vram, pa, width);
}

void sim_pramin_read_words(struct sim_gpu *gpu, uint64_t off, uint64_t *words, size_t nr)
{
	uint64_t pa = gpu->pramin.base + (off - PRAMIN_BASE);
	size_t i;

	/* What is refused is refused in the accesses that the bus makes of it. */
	if (refusal(gpu, pa, 8 * nr)) {
		for (i = 0; i < nr; i++) {
			words[i] = sim_pramin_read(gpu, off + 8 * i, 4);
			words[i] |= (uint64_t)sim_pramin_read(gpu, off + 8 * i + 4, 4) << 32;
		}
		return;
	}
	sim_posted_drain(gpu, gpu->pramin.tail);
	for (i = 0; i < nr; i++)
		words[i] = sim_vram_load(&gpu->vram, pa + 8 * i, 8);
}

void sim_pramin_write(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint32_t val)
{
	uint64_t pa = gpu->pramin.base + (off - PRAMIN_BASE);
	const char *why = refusal(gpu, pa, width);

	if (why)
		refuse(gpu, true, pa, width, why);
	else if (sim_is_poisoned(gpu, pa, width))
		gpu->counters.poisoned++;
	else
		post(gpu, pa, width, val);
}

void sim_pramin_write_words(struct sim_gpu *gpu, uint64_t off, const uint64_t *words, size_t nr)
{
	uint64_t pa = gpu->pramin.base + (off - PRAMIN_BASE);
	size_t i;

	/* What is refused is refused in the accesses that the bus makes of it. */
	if (refusal(gpu, pa, 8 * nr)) {
		for (i = 0; i < nr; i++) {
			sim_pramin_write(gpu, off + 8 * i, 4, words[i]);
			sim_pramin_write(gpu, off + 8 * i + 4, 4, words[i] >> 32);
		}
		return;
	}
	if (gpu->cfg.landing == SIM_LANDING_AT_ONCE) {
		sim_before_store(gpu);
		sim_vram_write(&gpu->vram, pa, words, 8 * nr);
		return;
	}
	for (i = 0; i < nr; i++) {
		post(gpu, pa + 8 * i, 4, words[i]);
		post(gpu, pa + 8 * i + 4, 4, words[i] >> 32);
	}
}

static void move_window(struct sim_gpu *gpu, uint32_t val)
{
	struct sim_pramin *p = &gpu->pramin;
	uint32_t base = val;

	p->vid = true;
	if (gpu->chip->bit & SIM_PRE_HOPPER) {
		base = FIELD_GET(PBUS_BAR0_WINDOW_BASE, val);
		p->vid = FIELD_GET(PBUS_BAR0_WINDOW_TARGET, val) == PBUS_BAR0_WINDOW_TARGET_VID_MEM;
	}
	p->base = (uint64_t)base << PRAMIN_WINDOW_SHIFT;
	p->reg = val;
	p->next_in = 0;
}

const char *sim_window_written(struct sim_gpu *gpu, uint32_t val)
{
	unsigned int delay = gpu->faults.want.window_delay;

	if (gpu->chip->bit & SIM_PRE_HOPPER && FIELD_GET(PBUS_BAR0_WINDOW_TARGET, val) == 1)
		return "reserved target";
	gpu->counters.window_moves++;
	if (!delay) {
		move_window(gpu, val);
		return NULL;
	}
	gpu->pramin.next = val;
	gpu->pramin.next_in = delay + 1;
	return NULL;
}

uint32_t sim_window_read(struct sim_gpu *gpu, uint32_t val)
{
	(void)val;
	return gpu->pramin.reg;
}

void sim_window_tick(struct sim_gpu *gpu)
{
	struct sim_pramin *p = &gpu->pramin;

	if (p->next_in && !--p->next_in)
		move_window(gpu, p->next);
}

/* A flush is for what was posted before it. */
static void flush_start(struct sim_gpu *gpu)
{
	gpu->flush.busy = true;
	gpu->flush.polls_left = gpu->cfg.invalidate_polls;
	gpu->flush.due = sim_due(gpu, gpu->cfg.invalidate_polls);
	gpu->flush.upto = gpu->pramin.tail;
}

static void flush_end(struct sim_gpu *gpu)
{
	gpu->flush.busy = false;
	sim_posted_drain(gpu, gpu->flush.upto);
	sim_flight_land(gpu);
}

uint64_t sim_flush_pass(struct sim_gpu *gpu)
{
	if (!gpu->flush.busy)
		return ~0ull;
	if (!sim_is_due(gpu, gpu->flush.due))
		return gpu->flush.due;
	flush_end(gpu);
	return ~0ull;
}

/* Return: whether it still runs. */
static bool flush_poll(struct sim_gpu *gpu)
{
	struct sim_flush *flush = &gpu->flush;

	if (!flush->busy)
		return false;
	if (flush->polls_left) {
		flush->polls_left--;
		return true;
	}
	flush_end(gpu);
	return false;
}

uint32_t sim_flush_read(struct sim_gpu *gpu, uint32_t val)
{
	(void)val;
	return flush_poll(gpu) ? UFLUSH_FB_FLUSH_OUTSTANDING : 0;
}

const char *sim_flush_written(struct sim_gpu *gpu, uint32_t val)
{
	if (val & UFLUSH_FB_FLUSH_PENDING)
		flush_start(gpu);
	return NULL;
}

uint32_t sim_flush_token_read(struct sim_gpu *gpu, uint32_t val)
{
	(void)val;
	flush_start(gpu);
	return ++gpu->flush.token & XAL_EP_ZB_UFLUSH_FB_FLUSH_TOKEN;
}

uint32_t sim_flush_completed_read(struct sim_gpu *gpu, uint32_t val)
{
	bool busy = flush_poll(gpu);
	uint32_t done = gpu->flush.token - busy;

	(void)val;
	return (done & XAL_EP_ZB_UFLUSH_FB_FLUSH_COMPLETED_TOKEN) |
	       (busy ? XAL_EP_ZB_UFLUSH_FB_FLUSH_COMPLETED_STATUS : 0);
}
