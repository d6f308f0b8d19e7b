/* SPDX-License-Identifier: MIT */
/*
 * Random numbers for tests: the seed is printed, and NVBAR_SEED repeats a run.
 */
#ifndef NVBAR_TESTS_RANDOM_H
#define NVBAR_TESTS_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t random_state;

static inline void random_start(const char *test)
{
	const char *seed = getenv("NVBAR_SEED");
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	random_state = seed ? strtoull(seed, NULL, 0) :
		       (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	printf("# %s: NVBAR_SEED=%llu\n", test, (unsigned long long)random_state);
	fflush(stdout);
}

/* splitmix64, from a state of the caller's own */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline uint64_t random_u64(void)
{
	return random_next(&random_state);
}

/* Below @limit, which is not 0. */
static inline unsigned int random_below(unsigned int limit)
{
	return (unsigned int)(random_u64() % limit);
}

#endif
