/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_BITMAP_H
#define NVBAR_COMPAT_LINUX_BITMAP_H

#include <string.h>
#include <linux/bitops.h>
#include <linux/types.h>

static inline void bitmap_zero(unsigned long *map, unsigned int nbits)
{
	memset(map, 0, (size_t)BITS_TO_LONGS(nbits) * sizeof(*map));
}

static inline void bitmap_set(unsigned long *map, unsigned int start, unsigned int nbits)
{
	while (nbits--)
		__set_bit(start++, map);
}

static inline void bitmap_clear(unsigned long *map, unsigned int start, unsigned int nbits)
{
	while (nbits--)
		__clear_bit(start++, map);
}

static inline bool bitmap_empty(const unsigned long *map, unsigned int nbits)
{
	return find_first_bit(map, nbits) == nbits;
}

static inline bool bitmap_full(const unsigned long *map, unsigned int nbits)
{
	return find_first_zero_bit(map, nbits) == nbits;
}

#endif
