/* SPDX-License-Identifier: MIT */
/*
 * Writes through an aperture are posted: the MMU has translated them, and memory
 * takes them later, lines and the words of a line in any order, until a read
 * through an aperture, a flush, or an invalidate with acknowledge waits for them.
 * Neither page walks nor PRAMIN see them before.
 */
#include "sim_gpu.h"

static unsigned int slot_of(uint64_t pa)
{
	return pa / SIM_LINE_SIZE % SIM_NR_LINES;
}

/* Runs of bytes that were written, of those named by @bytes */
static void land_bytes(struct sim_gpu *gpu, unsigned int slot, uint64_t bytes)
{
	struct sim_line *line = &gpu->flight.line[slot];
	uint64_t left = line->mask & bytes;
	unsigned int first, len;

	if (left)
		sim_before_store(gpu);
	line->mask &= ~bytes;
	if (!line->mask)
		gpu->flight.busy &= ~(1ull << slot);
	while (left) {
		first = __builtin_ctzll(left);
		len = ~(left >> first) ? (unsigned int)__builtin_ctzll(~(left >> first))
				       : SIM_LINE_SIZE;
		sim_vram_write(&gpu->vram, line->pa + first, line->data + first, len);
		left = first + len < SIM_LINE_SIZE ? left >> (first + len) << (first + len) : 0;
	}
}

static void land_line(struct sim_gpu *gpu, unsigned int slot)
{
	land_bytes(gpu, slot, ~0ull);
}

void sim_flight_land(struct sim_gpu *gpu)
{
	struct sim_flight *flight = &gpu->flight;

	while (flight->busy)
		land_line(gpu, __builtin_ctzll(flight->busy));
	flight->drained = false;
}

/* The bytes of words of 8: bit n of @words names word n. */
static uint64_t bytes_of(uint8_t words)
{
	uint64_t bytes = 0;
	unsigned int i;

	for (i = 0; i < SIM_LINE_SIZE / 8; i++)
		if (words >> i & 1)
			bytes |= 0xffull << 8 * i;
	return bytes;
}

/* A CPU may send a line that it combines in parts, and these land one by one. */
void sim_flight_land_some(struct sim_gpu *gpu)
{
	uint32_t dice, slot;

	if (!gpu->flight.busy)
		return;
	dice = sim_dice(gpu);
	slot = dice % (4 * SIM_NR_LINES);
	if (slot < SIM_NR_LINES && gpu->flight.busy >> slot & 1)
		land_bytes(gpu, slot, bytes_of(dice / (4 * SIM_NR_LINES)));
}

void sim_flight_lose(struct sim_gpu *gpu)
{
	gpu->flight.busy = 0;
	gpu->flight.drained = false;
}

static void post_in_line(struct sim_gpu *gpu, uint64_t pa, const void *from, unsigned int len)
{
	struct sim_flight *flight = &gpu->flight;
	unsigned int slot = slot_of(pa), first = pa % SIM_LINE_SIZE;
	struct sim_line *line = &flight->line[slot];

	if (flight->busy >> slot & 1 && line->pa != pa - first)
		land_line(gpu, slot);
	if (!(flight->busy >> slot & 1)) {
		flight->busy |= 1ull << slot;
		line->pa = pa - first;
		line->mask = 0;
	}
	line->mask |= GENMASK_ULL(first + len - 1, first);
	memcpy(line->data + first, from, len);
}

void sim_flight_post(struct sim_gpu *gpu, uint64_t pa, const void *from, size_t len)
{
	const uint8_t *bytes = from;
	unsigned int part;

	/* What is read through a pointer can't wait for the writes before it: so none waits. */
	if (gpu->cfg.landing == SIM_LANDING_AT_ONCE || gpu->windows) {
		sim_before_store(gpu);
		sim_vram_write(&gpu->vram, pa, from, len);
		return;
	}
	if (gpu->flight.drained)
		sim_flight_land(gpu);
	for (; len; pa += part, bytes += part, len -= part) {
		part = SIM_LINE_SIZE - pa % SIM_LINE_SIZE;
		if (part > len)
			part = len;
		post_in_line(gpu, pa, bytes, part);
	}
}

void sim_bar1_drain(struct sim_gpu *gpu)
{
	sim_lock(gpu);
	sim_combine_end(gpu);
	gpu->flight.drained = gpu->flight.busy;
	sim_unlock(gpu);
}
