/* SPDX-License-Identifier: MIT */
/*
 * Single accesses whose width is a variable.
 */
#ifndef NVBAR_TESTS_WIDTH_H
#define NVBAR_TESTS_WIDTH_H

#include <nvbar/nvbar.h>

/* What @val holds, as far as @width goes, after a read that was refused. */
#define WIDTH_UNTOUCHED		0x5a5a5a5a5a5a5a5aull

static inline uint64_t width_mask(unsigned int width)
{
	return ~0ull >> (64 - 8 * width);
}

/* @width is 1, 2, 4 or 8 bytes. */
static inline int read_width(struct nvbar_access *a, uint64_t off, unsigned int width, uint64_t *val)
{
	uint8_t v8 = (uint8_t)WIDTH_UNTOUCHED;
	uint16_t v16 = (uint16_t)WIDTH_UNTOUCHED;
	uint32_t v32 = (uint32_t)WIDTH_UNTOUCHED;
	int ret;

	*val = WIDTH_UNTOUCHED;
	switch (width) {
	case 1:
		ret = nvbar_read8(a, off, &v8);
		*val = v8;
		return ret;
	case 2:
		ret = nvbar_read16(a, off, &v16);
		*val = v16;
		return ret;
	case 4:
		ret = nvbar_read32(a, off, &v32);
		*val = v32;
		return ret;
	default:
		return nvbar_read64(a, off, val);
	}
}

static inline int write_width(struct nvbar_access *a, uint64_t off, unsigned int width, uint64_t val)
{
	switch (width) {
	case 1:
		return nvbar_write8(a, off, (uint8_t)val);
	case 2:
		return nvbar_write16(a, off, (uint16_t)val);
	case 4:
		return nvbar_write32(a, off, (uint32_t)val);
	default:
		return nvbar_write64(a, off, val);
	}
}

#endif
