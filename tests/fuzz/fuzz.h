/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share.  A target is one file with the function that
 * libFuzzer calls; linked with replay.c instead it takes the inputs of its
 * corpus.
 */
#ifndef NVBAR_TESTS_FUZZ_H
#define NVBAR_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvbar/nvbar.h>

/** LLVMFuzzerTestOneInput - what a target does with one input.  Return: 0 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Whatever the input: aborts, and so makes it a finding. */
#define must(cond)									\
	do {										\
		if (!(cond)) {								\
			fprintf(stderr, "%s:%d: must be: %s\n", __FILE__, __LINE__, #cond); \
			abort();							\
		}									\
	} while (0)

/** struct fuzz_input - what is left of an input */
struct fuzz_input {
	const uint8_t *data;
	size_t len;
};

/** fuzz_take - the next @bytes as a little-endian number; zeroes follow the end */
uint64_t fuzz_take(struct fuzz_input *in, unsigned int bytes);

/** fuzz_text - the input as a string; it ends at the first NUL.  To be freed */
char *fuzz_text(const uint8_t *data, size_t len);

/** fuzz_open - a GPU that must open; @chip, any number, chooses which, @options end its string */
struct nvbar *fuzz_open(unsigned int chip, const char *options, uint32_t flags);

struct nvbar_info fuzz_info(struct nvbar *gpu);
struct nvbar_stats fuzz_stats(struct nvbar *gpu);

/** fuzz_counters - where this program counts what it covers, and in how many bytes */
size_t fuzz_counters(uint8_t **counters);

/**
 * fuzz_is_harmless - can no path in the text leave the working directory?
 *
 * Other inputs are passed over.
 */
bool fuzz_is_harmless(const char *text);

/**
 * fuzz_dir_enter - go to a directory of our own
 *
 * It is made at the first call, in $TMPDIR, and removed at exit.
 */
void fuzz_dir_enter(void);
/** fuzz_dir_leave - back to where fuzz_dir_enter() came from; the files are removed */
void fuzz_dir_leave(void);

#endif
