/* SPDX-License-Identifier: MIT */
/*
 * The bus to the GPU, as a CPU drives it, and time: it passes with each access,
 * so that what the GPU does ends whether somebody looks or not.
 */
#include <sched.h>

#include "sim_gpu.h"
#include "hw/pramin.h"

/* What no operation of the GPU takes longer than, in accesses, but for those it was made to. */
#define SOON	100

bool sim_bus_ok(struct sim_gpu *gpu, const char *what, uint64_t off, unsigned int width)
{
	bool width_ok = width == 1 || width == 2 || width == 4 || width == 8;

	if (width_ok && !(off & (width - 1)))
		return true;
	sim_misuse(gpu, "%s of %u at 0x%llx: %s", what, width, (unsigned long long)off,
		   width_ok ? "misaligned" : "no such width");
	return false;
}

/* --- time -------------------------------------------------------------------- */

void sim_bus_reset(struct sim_gpu *gpu)
{
	gpu->bus.due = ~0ull;
	gpu->bus.open = NULL;
}

uint64_t sim_due(struct sim_gpu *gpu, unsigned int polls)
{
	uint64_t due = polls == SIM_NEVER ? ~0ull : gpu->bus.now + SOON + 2ull * polls;

	if (due < gpu->bus.due)
		gpu->bus.due = due;
	return due;
}

bool sim_is_due(struct sim_gpu *gpu, uint64_t due)
{
	return due <= gpu->bus.now;
}

static void fall_due(struct sim_gpu *gpu)
{
	static uint64_t (*const pass[])(struct sim_gpu *gpu) = {
		sim_boot_pass, sim_scrub_pass, sim_flush_pass, sim_bind_pass, sim_inval_pass,
	};
	uint64_t due;
	size_t i;

	gpu->bus.due = ~0ull;
	for (i = 0; i < ARRAY_LEN(pass); i++) {
		due = pass[i](gpu);
		if (due < gpu->bus.due)
			gpu->bus.due = due;
	}
}

uint32_t sim_dice(struct sim_gpu *gpu)
{
	return sim_random(&gpu->bus.dice) >> 32;
}

void sim_pass(struct sim_gpu *gpu, uint64_t nr)
{
	gpu->bus.now += nr;
	if (gpu->bus.now >= gpu->bus.due)
		fall_due(gpu);
	if (gpu->cfg.landing != SIM_LANDING_RANDOM)
		return;
	sim_posted_land_some(gpu);
	sim_flight_land_some(gpu);
}

void sim_land(struct sim_gpu *gpu)
{
	sim_lock(gpu);
	sim_posted_drain(gpu, gpu->pramin.tail);
	sim_flight_land(gpu);
	sim_unlock(gpu);
}

void sim_land_oldest(struct sim_gpu *gpu, uint64_t nr)
{
	uint64_t waiting;

	sim_lock(gpu);
	waiting = gpu->pramin.tail - gpu->pramin.head;
	sim_posted_drain(gpu, gpu->pramin.head + (nr < waiting ? nr : waiting));
	sim_unlock(gpu);
}

/* --- other CPUs -------------------------------------------------------------- */

void sim_on_access(struct sim_gpu *gpu, void (*fn)(void *arg), void *arg)
{
	gpu->bus.on_access = fn;
	gpu->bus.on_access_arg = arg;
}

void sim_turn(struct sim_gpu *gpu)
{
	struct sim_bus *bus = &gpu->bus;

	if (!bus->on_access || bus->elsewhere)
		return;
	bus->elsewhere = true;
	bus->on_access(bus->on_access_arg);
	bus->elsewhere = false;
}

/*
 * Between the halves of a word anything may happen; that another thread comes along is
 * rare.  Return: whether the GPU is there for the second one.
 */
static bool between_halves(struct sim_gpu *gpu)
{
	bool pause = gpu->cfg.landing == SIM_LANDING_RANDOM && !(sim_dice(gpu) % 64);

	if (pause || gpu->bus.on_access) {
		sim_unlock(gpu);
		if (pause)
			sched_yield();
		sim_turn(gpu);
		sim_lock(gpu);
	}
	return sim_served(gpu, 1);
}

/* --- transactions ------------------------------------------------------------ */

/* No first byte of a write is this one */
#define OUT_OF_ORDER	(SIM_LINE_SIZE + 1)

void sim_combine_end(struct sim_gpu *gpu)
{
	struct sim_bus *bus = &gpu->bus;

	if (!bus->open)
		return;
	bus->open = NULL;
	if (bus->filled == SIM_LINE_SIZE)
		gpu->counters.transactions++;
	else
		gpu->counters.transactions += __builtin_popcount(bus->touched);
}

/* What lies in one line */
static void combine_part(struct sim_gpu *gpu, const struct sim_aperture *ap, uint64_t line,
			 unsigned int first, unsigned int len)
{
	struct sim_bus *bus = &gpu->bus;
	unsigned int last = first + len - 1;

	if (bus->open != ap || bus->line != line)
		sim_combine_end(gpu);
	if (!bus->open) {
		bus->open = ap;
		bus->line = line;
		bus->filled = 0;
		bus->touched = 0;
	}
	bus->filled = bus->filled == first ? first + len : OUT_OF_ORDER;
	bus->touched |= GENMASK(last / 8, first / 8);
	if (bus->filled == SIM_LINE_SIZE)
		sim_combine_end(gpu);
}

void sim_combine(struct sim_gpu *gpu, const struct sim_aperture *ap, uint64_t off, uint64_t len)
{
	while (len) {
		unsigned int first = off % SIM_LINE_SIZE;
		unsigned int part = SIM_LINE_SIZE - first;

		if (part > len)
			part = len;
		combine_part(gpu, ap, off - first, first, part);
		off += part;
		len -= part;
	}
}

/* --- BAR0 -------------------------------------------------------------------- */

static bool in_pramin(uint64_t off)
{
	return off - PRAMIN_BASE < PRAMIN_SIZE;
}

static uint64_t read_part(struct sim_gpu *gpu, uint64_t off, unsigned int width)
{
	sim_pass(gpu, 1);
	return in_pramin(off) ? sim_pramin_read(gpu, off, width) : sim_reg_read(gpu, off, width);
}

static void write_part(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint64_t val)
{
	gpu->counters.transactions++;
	if (in_pramin(off))
		sim_pramin_write(gpu, off, width, val & sim_width_mask(width));
	else
		sim_reg_write(gpu, off, width, val & sim_width_mask(width));
	sim_pass(gpu, 1);
}

static uint64_t read_locked(struct sim_gpu *gpu, uint64_t off, unsigned int width)
{
	uint64_t val;

	sim_combine_end(gpu);
	gpu->counters.reads++;
	if (!sim_served(gpu, 1) || !sim_bus_ok(gpu, "BAR0 read", off, width))
		return ~0ull;
	sim_window_tick(gpu);
	if (width == 8 && in_pramin(off)) {
		val = read_part(gpu, off, 4);
		val |= (between_halves(gpu) ? read_part(gpu, off + 4, 4) : ~0u) << 32;
	} else {
		val = read_part(gpu, off, width);
	}
	/* A read orders writes, and then may be the first to know that they are lost. */
	return gpu->vram.error ? ~0ull : val;
}

static void write_locked(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint64_t val)
{
	sim_combine_end(gpu);
	gpu->counters.writes++;
	if (!sim_served(gpu, 1) || !sim_bus_ok(gpu, "BAR0 write", off, width))
		return;
	sim_window_tick(gpu);
	if (width == 8 && in_pramin(off)) {
		write_part(gpu, off, 4, val);
		if (between_halves(gpu))
			write_part(gpu, off + 4, 4, val >> 32);
	} else {
		write_part(gpu, off, width, val);
	}
}

uint64_t sim_bar0_read(struct sim_gpu *gpu, uint64_t off, unsigned int width)
{
	uint64_t val;

	sim_turn(gpu);
	sim_lock(gpu);
	val = read_locked(gpu, off, width);
	sim_unlock(gpu);
	return width < 8 ? val & ~(~0ull << 8 * width) : val;
}

void sim_bar0_write(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint64_t val)
{
	sim_turn(gpu);
	sim_lock(gpu);
	write_locked(gpu, off, width, val);
	sim_unlock(gpu);
}

/* Words of PRAMIN that nothing need come between */
static bool is_pramin_block(const struct sim_gpu *gpu, uint64_t off, size_t nr)
{
	return !gpu->faults.armed && !gpu->pramin.next_in && !gpu->bus.on_access && !(off % 8) &&
	       in_pramin(off) && nr <= (PRAMIN_SIZE - (off - PRAMIN_BASE)) / 8;
}

static bool read_block(struct sim_gpu *gpu, uint64_t off, uint64_t *words, size_t nr)
{
	bool block;

	sim_lock(gpu);
	block = is_pramin_block(gpu, off, nr);
	if (block) {
		sim_combine_end(gpu);
		gpu->counters.reads += nr;
		sim_pass(gpu, 2 * nr);
		sim_pramin_read_words(gpu, off, words, nr);
	}
	sim_unlock(gpu);
	return block;
}

void sim_bar0_read_words(struct sim_gpu *gpu, uint64_t off, uint64_t *words, size_t nr)
{
	size_t i;

	if (read_block(gpu, off, words, nr))
		return;
	for (i = 0; i < nr; i++)
		words[i] = sim_bar0_read(gpu, off + 8 * i, 8);
}

static bool write_block(struct sim_gpu *gpu, uint64_t off, const uint64_t *words, size_t nr)
{
	bool block;

	sim_lock(gpu);
	block = is_pramin_block(gpu, off, nr);
	if (block) {
		sim_combine_end(gpu);
		gpu->counters.writes += nr;
		gpu->counters.transactions += 2 * nr;
		sim_pramin_write_words(gpu, off, words, nr);
		sim_pass(gpu, 2 * nr);
	}
	sim_unlock(gpu);
	return block;
}

void sim_bar0_write_words(struct sim_gpu *gpu, uint64_t off, const uint64_t *words, size_t nr)
{
	size_t i;

	if (write_block(gpu, off, words, nr))
		return;
	for (i = 0; i < nr; i++)
		sim_bar0_write(gpu, off + 8 * i, 8, words[i]);
}
