/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_BITOPS_H
#define NVBAR_COMPAT_LINUX_BITOPS_H

#include <strings.h>
#include <linux/bits.h>
#include <linux/types.h>

/* ffs() and fls() count from 1 and give 0 for 0; __ffs() and __fls() count from 0. */
static inline int fls(unsigned int x)
{
	return x ? 32 - __builtin_clz(x) : 0;
}

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

static inline unsigned long __ffs(unsigned long x)
{
	return (unsigned long)__builtin_ctzl(x);
}

static inline unsigned long __ffs64(u64 x)
{
	return (unsigned long)__builtin_ctzll(x);
}

static inline unsigned long __fls(unsigned long x)
{
	return (unsigned long)(BITS_PER_LONG - 1 - __builtin_clzl(x));
}

static inline unsigned int hweight32(unsigned int x)
{
	return (unsigned int)__builtin_popcount(x);
}

static inline unsigned long hweight64(u64 x)
{
	return (unsigned long)__builtin_popcountll(x);
}

static inline void __set_bit(unsigned long nr, volatile unsigned long *map)
{
	map[BIT_WORD(nr)] |= BIT_MASK(nr);
}

static inline void __clear_bit(unsigned long nr, volatile unsigned long *map)
{
	map[BIT_WORD(nr)] &= ~BIT_MASK(nr);
}

static inline void set_bit(unsigned long nr, volatile unsigned long *map)
{
	__atomic_fetch_or(&map[BIT_WORD(nr)], BIT_MASK(nr), __ATOMIC_RELAXED);
}

static inline void clear_bit(unsigned long nr, volatile unsigned long *map)
{
	__atomic_fetch_and(&map[BIT_WORD(nr)], ~BIT_MASK(nr), __ATOMIC_RELAXED);
}

static inline bool test_bit(unsigned long nr, const volatile unsigned long *map)
{
	return (__atomic_load_n(&map[BIT_WORD(nr)], __ATOMIC_RELAXED) & BIT_MASK(nr)) != 0;
}

static inline bool __test_and_set_bit(unsigned long nr, volatile unsigned long *map)
{
	bool was = (map[BIT_WORD(nr)] & BIT_MASK(nr)) != 0;

	__set_bit(nr, map);
	return was;
}

static inline bool __test_and_clear_bit(unsigned long nr, volatile unsigned long *map)
{
	bool was = (map[BIT_WORD(nr)] & BIT_MASK(nr)) != 0;

	__clear_bit(nr, map);
	return was;
}

/* The first bit from @from that is set in map ^ invert; @size when there is none. */
static inline unsigned long __compat_find_bit(const unsigned long *map, unsigned long size,
					      unsigned long from, unsigned long invert)
{
	unsigned long word, nr;

	while (from < size) {
		word = (map[BIT_WORD(from)] ^ invert) & (~0UL << (from % BITS_PER_LONG));
		nr = from - from % BITS_PER_LONG;
		if (word) {
			nr += __ffs(word);
			return nr < size ? nr : size;
		}
		from = nr + BITS_PER_LONG;
	}
	return size;
}

static inline unsigned long find_next_bit(const unsigned long *map, unsigned long size,
					  unsigned long from)
{
	return __compat_find_bit(map, size, from, 0);
}

static inline unsigned long find_next_zero_bit(const unsigned long *map, unsigned long size,
					       unsigned long from)
{
	return __compat_find_bit(map, size, from, ~0UL);
}

static inline unsigned long find_first_bit(const unsigned long *map, unsigned long size)
{
	return find_next_bit(map, size, 0);
}

static inline unsigned long find_first_zero_bit(const unsigned long *map, unsigned long size)
{
	return find_next_zero_bit(map, size, 0);
}

#define for_each_set_bit(bit, map, size)				\
	for ((bit) = find_first_bit(map, size); (bit) < (size);		\
	     (bit) = find_next_bit(map, size, (bit) + 1))

#endif
