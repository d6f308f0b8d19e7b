/* SPDX-License-Identifier: MIT */
/*
 * Video memory: sparse, and never zero where nobody wrote.  A page nobody
 * wrote reads as a pattern that looks like plausible page-table entries, so
 * that memory used without being cleared shows.
 *
 * Memory and file have one layout: VRAM byte pa at offset pa, then a page
 * with the trailer, then a bitmap with one bit per page that was written, and
 * at the very end who has it open.
 *
 * A store into a sparse file that the disk has no room for would be a SIGBUS.
 * So room is asked for before a page is first touched; if there is none, the
 * store is dropped and the memory has failed, which is for its GPU to notice.
 */
#ifndef SIM_VRAM_H
#define SIM_VRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define SIM_PAGE_SHIFT	12
#define SIM_PAGE_SIZE	((uint64_t)1 << SIM_PAGE_SHIFT)

#define SIM_VRAM_NAME_MAX	96

/**
 * struct sim_vram - the memory of one GPU
 * @size: bytes, a multiple of 1 MiB
 * @base: where it is mapped here
 * @touched: bit n: page n was written; others read as the pattern
 * @map_len: bytes mapped at @base: memory, trailer, bitmap
 * @fd: memfd or file behind it
 * @fd_ro: the same, for reading only: what is mapped of it can't be made writable
 * @kept: of a file, its copy of @touched; NULL for a memfd, which has only one
 * @roomy: of a file, bit n: it was seen to that block n has room on the disk
 * @owner: the process that opened it; its children have it only by descent
 * @error: errno of the first store that was dropped, or 0
 * @name: what messages call it
 */
struct sim_vram {
	uint64_t size;
	uint8_t *base;
	uint64_t *touched;
	size_t map_len;
	int fd;
	int fd_ro;
	uint64_t *kept;
	uint64_t *roomy;
	pid_t owner;
	int error;
	char name[SIM_VRAM_NAME_MAX];
};

/**
 * sim_vram_init - make the memory, or take it from a file
 * @vram: to be filled
 * @size: bytes, a multiple of 1 MiB
 * @file: path of the file that keeps the content; NULL for none
 * @why: receives a one-line reason on failure
 * @why_len: bytes at @why
 *
 * A file that does not hold VRAM of @size is refused and not changed; an
 * empty or absent one is set up.  It is locked until sim_vram_fini() in the
 * process that called this, or until that process and every child it left
 * behind has ended.
 *
 * Return: 0, -EINVAL (not a VRAM file of this size), -EBUSY (in use), or the
 * errno of what failed.
 */
int sim_vram_init(struct sim_vram *vram, uint64_t size, const char *file,
		  char *why, size_t why_len);
void sim_vram_fini(struct sim_vram *vram);

/**
 * sim_vram_touch - give a page its pattern, if nobody wrote it yet
 * @vram: the memory
 * @pa: any byte of the page
 *
 * Return: false if there is no room for it, and nothing has changed.
 */
bool sim_vram_touch(struct sim_vram *vram, uint64_t pa);

/**
 * sim_vram_ready - ready a page for a store
 * @vram: the memory
 * @pa: first byte to be written
 * @len: bytes, no more than to the end of the page
 *
 * Return: false if the store must be dropped: the memory has failed.
 */
bool sim_vram_ready(struct sim_vram *vram, uint64_t pa, size_t len);

/* Any alignment and length; the caller has checked that the range exists. */
void sim_vram_read(const struct sim_vram *vram, uint64_t pa, void *buf, size_t len);
void sim_vram_write(struct sim_vram *vram, uint64_t pa, const void *buf, size_t len);

/* Zero every page that was ever written; the others go on reading as the pattern. */
void sim_vram_zero_touched(struct sim_vram *vram);

/* The pattern's word at a multiple of 8: one step of splitmix64. */
static inline uint64_t sim_vram_pattern(uint64_t pa)
{
	uint64_t z = (pa >> 3) * 0x9e3779b97f4a7c15ull + 0x243f6a8885a308d3ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* The next number of a sequence that @state leads. */
static inline uint64_t sim_random(uint64_t *state)
{
	*state += 8;
	return sim_vram_pattern(*state);
}

static inline bool sim_vram_touched(const struct sim_vram *vram, uint64_t pa)
{
	uint64_t page = pa >> SIM_PAGE_SHIFT;

	return vram->touched[page / 64] >> (page % 64) & 1;
}

static inline bool sim_vram_has(const struct sim_vram *vram, uint64_t pa, uint64_t len)
{
	return len <= vram->size && pa <= vram->size - len;
}

/* All ones in the low @width bytes. */
static inline uint64_t sim_width_mask(unsigned int width)
{
	return ~0ull >> (64 - 8 * width);
}

/* One naturally aligned access of 1, 2, 4 or 8 bytes. */
static inline uint64_t sim_vram_load(const struct sim_vram *vram, uint64_t pa, unsigned int width)
{
	uint64_t word;

	if (sim_vram_touched(vram, pa))
		memcpy(&word, vram->base + (pa & ~7ull), sizeof(word));
	else
		word = sim_vram_pattern(pa & ~7ull);
	return word >> (8 * (pa & 7)) & sim_width_mask(width);
}

static inline void sim_vram_store(struct sim_vram *vram, uint64_t pa, unsigned int width,
				  uint64_t val)
{
	uint8_t *p = vram->base + pa;

	if (!sim_vram_touched(vram, pa) && !sim_vram_ready(vram, pa, width))
		return;
	switch (width) {
	case 8:
		memcpy(p, &val, 8);
		break;
	case 4:
		memcpy(p, &val, 4);
		break;
	case 2:
		memcpy(p, &val, 2);
		break;
	default:
		*p = (uint8_t)val;
	}
}

#endif
