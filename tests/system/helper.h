/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the public API share: opening and closing a GPU, its
 * numbers, random numbers, and asserts that say what was refused and how.
 */
#ifndef TESTS_SYSTEM_HELPER_H
#define TESTS_SYSTEM_HELPER_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <nvbar/nvbar.h>

#define KIB(n)		((uint64_t)(n) << 10)
#define MIB(n)		((uint64_t)(n) << 20)
#define GIB(n)		((uint64_t)(n) << 30)
#define PAGE		4096ull
#define NR_OF(array)	(sizeof(array) / sizeof((array)[0]))

/* What an out parameter holds before a call that must fail. */
#define UNTOUCHED	((void *)(uintptr_t)0x5a5a5a5a)

#define assert_ok(call)		assert_int_equal((call), 0)
#define assert_err(call, err)	assert_int_equal((call), -(err))

/**
 * struct chip - a chip, with the numbers that the manual gives it
 * @name: in a device string
 * @mmu_version: 2 or 3
 * @boot0: PMC_BOOT_0 of revision A1
 * @boot42: PMC_BOOT_42 of revision A1
 * @page_sizes: bit n: leaf pages of 1 << n bytes
 * @engine: MMU engine id of BAR1
 * @frts: the firmware keeps 1 MiB below the display's workspace
 */
struct chip {
	const char *name;
	unsigned int mmu_version;
	uint32_t boot0, boot42;
	uint64_t page_sizes;
	uint32_t engine;
	bool frts;
};

#define NR_CHIPS 7
extern const struct chip chips[NR_CHIPS];

/* The GPU is one whose unused addresses do not fault: see sparse.c. */
extern bool sparse_background;
/* Set by a test that uses such addresses, until the next close */
extern bool strays_expected;
/* What a walk ends in, and a word is, where nothing is mapped */
#define WALK_UNUSED	(sparse_background ? NVBAR_WALK_SPARSE : NVBAR_WALK_INVALID)
#define WORD_UNUSED	(sparse_background ? 8u : 0u)

/* Runs a test on each chip: "sim:CHIP", then @options such as ",vram=1G". */
void on_every_chip(const char *options, void (*test)(struct nvbar *gpu));

struct nvbar *gpu_open(const char *device);

/* How many lines the library has logged, and the last one */
struct log_lines {
	unsigned int nr;
	char last[512];
};

/* For struct nvbar_open_opts; @arg is a struct log_lines. */
void log_line(void *arg, int level, const char *line);
/* As nvbar_open(), with errors logged; @lines lives as long as the GPU is open. */
int open_logged(struct nvbar **gpu, const char *device, uint32_t flags, struct log_lines *lines);
/* Ends a test: the GPU must be consistent and must have counted no driver error. */
void gpu_close(struct nvbar *gpu);

const struct chip *gpu_chip(struct nvbar *gpu);
struct nvbar_info gpu_info(struct nvbar *gpu);
struct nvbar_stats gpu_stats(struct nvbar *gpu);
/* The page tables agree with the allocators. */
void gpu_check(struct nvbar *gpu);

/* What a failing call must leave alone: mappings, free space, tables, memory. */
void assert_same_state(const struct nvbar_stats *before, const struct nvbar_stats *after);
/* The same but for what may be kept warm. */
void assert_same_space(const struct nvbar_stats *before, const struct nvbar_stats *after);
/* Held ranges are in order, disjoint and with the free bytes make up the aperture. */
void assert_maps_sum_to_the_aperture(struct nvbar *gpu);

/* A contiguous mapping that must succeed, with entries of its own. */
struct nvbar_access *map_at(struct nvbar *gpu, uint64_t pa, uint64_t len, uint32_t flags);
/* The same at a VA. */
struct nvbar_access *map_fixed(struct nvbar *gpu, uint64_t va, uint64_t pa, uint64_t len);
struct nvbar_walk walk_at(struct nvbar *gpu, uint64_t va);

uint64_t pramin_rd64(struct nvbar *gpu, uint64_t pa);
void pramin_wr64(struct nvbar *gpu, uint64_t pa, uint64_t val);
uint64_t bar1_rd64(struct nvbar_access *a, uint64_t off);

/* Does touching the byte end in SIGSEGV or SIGBUS? */
bool touch_faults(volatile uint8_t *byte, bool write);

/* Random numbers: prints the seed, which NVBAR_SEED gives back. */
void rng_start(const char *test);
uint64_t rng_u64(void);
/* Below @limit, which is not 0. */
uint64_t rng_below(uint64_t limit);
/* The same from a state of the caller's own. */
uint64_t rng_next(uint64_t *state);
void rng_fill(void *buf, size_t len);

/* A directory for a program's files, as group fixtures: make it, remove it and all in it. */
extern char test_dir[256];
int dir_make(void **state);
int dir_remove(void **state);
/* A file there, and a GPU with VRAM in such a file, BAR1 of 64 MiB; good until the next call. */
const char *test_path(const char *name);
const char *test_device(const char *chip, const char *vram, const char *name);

#endif
