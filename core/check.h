/* SPDX-License-Identifier: MIT */
/* fsck: page tables in VRAM against shadow, address space, allocators and TLB. */
#ifndef NVBAR_CORE_CHECK_H
#define NVBAR_CORE_CHECK_H

#include <linux/types.h>

struct nvbar_gpu;

/** enum nvbar_check_kind - what can be wrong, the public enum nvbar_problem_kind */
enum nvbar_check_kind {
	NVBAR_CHECK_FREE_PAGE,		/* leads to a table not in use, or from VA not mapped */
	NVBAR_CHECK_FOREIGN_PAGE,	/* a leaf with a page that its mapping does not show */
	NVBAR_CHECK_LINKED_TWICE,	/* a table that two entries lead to */
	NVBAR_CHECK_LOOP,		/* a directory that leads to itself or to one above */
	NVBAR_CHECK_FREED_TABLE,	/* linked in VRAM, unlinked to the driver */
	NVBAR_CHECK_REFCOUNT,		/* users, holders or gauges counted anew differ */
	NVBAR_CHECK_STALE_TLB,		/* the TLB holds what the tables don't say */
	NVBAR_CHECK_LEAF_SIZE,		/* a leaf that the chip or the mapping has not */
	NVBAR_CHECK_BOTH_SIZES,		/* two leaf sizes for the same VA */
	NVBAR_CHECK_OUTSIDE_APERTURE,	/* an entry for VA that BAR1 does not reach */
	NVBAR_CHECK_SHADOW_DIFFERS,	/* VRAM does not hold what was written */
	NVBAR_CHECK_STRAY_TABLE,	/* an entry that leads to no table of its place */
	NVBAR_CHECK_LOST_TABLE,		/* in use, but no entry leads there */
	NVBAR_CHECK_MISSING_ENTRY,	/* a page of a live mapping without a leaf */
	NVBAR_CHECK_ODD_ENTRY,		/* one that the driver never writes */
	NVBAR_CHECK_INSTANCE,		/* instance block */
	NVBAR_CHECK_ADDRESS_SPACE,	/* its allocator contradicts itself */
	NVBAR_CHECK_VRAM_ALLOCATOR,		/* its allocator contradicts itself */
	NVBAR_CHECK_VRAM_OVERLAP,	/* VRAM that was given to two */
	NVBAR_CHECK_KINDS
};

/**
 * struct nvbar_check - a check and what it found
 * @problem: told of each problem, or NULL
 * @arg: first argument of @problem
 * @tables: tables read
 * @entries: good leaves met
 * @mappings: live mappings compared
 * @problems: how many were found
 * @by_kind: and of each enum nvbar_check_kind
 */
struct nvbar_check {
	void (*problem)(void *arg, const char *line);
	void *arg;
	u64 tables;
	u64 entries;
	u64 mappings;
	u64 problems;
	u64 by_kind[NVBAR_CHECK_KINDS];
};

/**
 * nvbar_check_run - check everything
 * @gpu: the GPU, with BAR1 bound
 * @check: problem and arg are set; the counts are filled in
 *
 * A table is read only at its home and only once, so that the work is bounded
 * by the tables that the driver's region has room for, whatever VRAM holds.
 *
 * Context: takes vmm.lock and vram_lock; may sleep.
 * Return: 0, -EIO (problems were found), -ENOMEM, -ENODEV or -ETIMEDOUT.
 */
int nvbar_check_run(struct nvbar_gpu *gpu, struct nvbar_check *check);

/**
 * nvbar_check_kind_name - the word that a problem's line begins with
 * @kind: enum nvbar_check_kind
 *
 * Return: the word, or NULL if there is no such kind.
 */
const char *nvbar_check_kind_name(unsigned int kind);

#endif
