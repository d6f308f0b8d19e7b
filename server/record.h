/* SPDX-License-Identifier: MIT */
/* What clients do to the BARs, written down in the text of docs/trace.md. */
#ifndef SERVER_RECORD_H
#define SERVER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * struct record_run - accesses alike at ascending offsets, which become one line
 * @nr: how many, 0 for none
 * @again: how often the last one, a read, came again
 * @write: they are writes
 * @bar: 0 to 2
 * @width: bytes of each
 * @off: of the first
 * @val: of each
 */
struct record_run {
	uint64_t nr;
	uint64_t again;
	bool write;
	unsigned int bar;
	unsigned int width;
	uint64_t off;
	uint64_t val;
};

/**
 * struct record - a file in the making
 * @file: where lines go
 * @run: what is not written yet
 */
struct record {
	FILE *file;
	struct record_run run;
};

/**
 * record_open - make a file anew, and begin it
 * @record: receives it
 * @path: of the file
 * @chip: the GPU's, with @vram_size and @bar1_size in bytes
 *
 * Return: 0, or a negative errno; then there is nothing to close.
 */
int record_open(struct record *record, const char *path, const char *chip, uint64_t vram_size,
		uint64_t bar1_size);

/**
 * record_access - note an access of any length
 * @record: the file
 * @write: it is a write
 * @bar: 0 to 2
 * @off: in the BAR
 * @data: what was read or written
 * @len: bytes at @data
 */
void record_access(struct record *record, bool write, unsigned int bar, uint64_t off,
		   const void *data, size_t len);

/** record_close - write what is left; returns 0, or the errno of a write that failed */
int record_close(struct record *record);

#endif
