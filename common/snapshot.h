/* SPDX-License-Identifier: MIT */
/*
 * Page tables as text, to be walked without a GPU.  One statement a line:
 *
 *	scenario NAME VERSION CHIP ROOT_SPACE ROOT
 *	table SPACE ADDR SIZE LEVEL
 *	mem SPACE ADDR VALUE
 *	map ...		(ignored)
 *	x VA ...	(an expectation, handed out and not judged)
 *	end
 *
 * VERSION is 2 or 3, CHIP turing, ampere, hopper or blackwell, SPACE vid or
 * sys.  Numbers are decimal or 0x.  Words of a table without a mem line are 0.
 * Empty lines and lines starting with # are skipped.  The order of table and
 * mem lines does not matter; tables may overlap; a word given twice must be
 * given the same value.
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum snapshot_space {
	SNAPSHOT_VID,
	SNAPSHOT_SYS,
};

/* An x line. */
struct snapshot_expect {
	uint64_t va;
	const char *line;	/* all of it, without the newline */
};

struct snapshot_memory;

/**
 * struct snapshot_scenario - one set of page tables
 * @name: as given
 * @version: 2 or 3
 * @chip: "turing", "ampere" (2), "hopper", "blackwell" (3)
 * @root_space: where the root table is
 * @root: its address
 * @nr_expects: x lines
 * @expect: those, in file order
 * @memory: for snapshot_read64()
 */
struct snapshot_scenario {
	const char *name;
	unsigned int version;
	const char *chip;
	enum snapshot_space root_space;
	uint64_t root;
	size_t nr_expects;
	const struct snapshot_expect *expect;
	struct snapshot_memory *memory;
};

struct snapshot;

/**
 * struct snapshot_error - why a text is no snapshot
 * @line: from 1
 * @reason: what is wrong with it
 */
struct snapshot_error {
	size_t line;
	char reason[120];
};

/**
 * snapshot_parse - take in a text
 * @text: the text; any bytes will do.  Not needed afterwards
 * @len: bytes at @text
 * @out: receives the result, to be given to snapshot_free()
 * @err: receives the reason on -EINVAL; may be NULL
 *
 * Return: 0, -EINVAL, -ENOMEM.
 */
int snapshot_parse(const char *text, size_t len, struct snapshot **out,
		   struct snapshot_error *err);

/* NULL is fine. */
void snapshot_free(struct snapshot *snap);

/* Scenarios in file order, at least one. */
size_t snapshot_nr_scenarios(const struct snapshot *snap);
const struct snapshot_scenario *snapshot_scenario(const struct snapshot *snap, size_t i);

/* By name; NULL if there is none. */
const struct snapshot_scenario *snapshot_find(const struct snapshot *snap, const char *name);

/**
 * snapshot_read64 - a word of a table
 * @scenario: whose
 * @space: where
 * @addr: its address
 * @val: receives the word
 *
 * Return: false if the word is misaligned or not all in a table: a walker
 * must not look there.
 */
bool snapshot_read64(const struct snapshot_scenario *scenario, enum snapshot_space space,
		     uint64_t addr, uint64_t *val);

#endif
