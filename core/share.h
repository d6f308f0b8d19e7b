/* SPDX-License-Identifier: MIT */
/*
 * Finding a live mapping that shows the same pages already, so that it can be
 * used again instead of mapping them twice.
 */
#ifndef NVBAR_CORE_SHARE_H
#define NVBAR_CORE_SHARE_H

#include <linux/rbtree.h>
#include <linux/types.h>

#include "span.h"

struct nvbar_mapping;

/**
 * struct nvbar_share - one of the runs of VRAM that a mapping is found by
 * @rb: in the index
 * @mapping: whose run it is
 * @va: where the mapping shows it
 * @pa: first byte of the run
 * @end: first byte after it
 * @max_end: the largest @end in the subtree
 */
struct nvbar_share {
	struct rb_node rb;
	struct nvbar_mapping *mapping;
	u64 va;
	u64 pa;
	u64 end;
	u64 max_end;
};

/**
 * nvbar_share_add - put a run into the index
 * @index: tree of struct nvbar_share
 * @share: its entry; mapping and va are set
 * @span: the run
 */
void nvbar_share_add(struct rb_root *index, struct nvbar_share *share, struct nvbar_span span);

/**
 * nvbar_share_del - take a run out of the index
 * @index: tree
 * @share: its entry
 */
void nvbar_share_del(struct rb_root *index, struct nvbar_share *share);

/**
 * nvbar_share_first - the first entry whose run contains @span
 * @index: tree
 * @span: a run of VRAM
 *
 * O(log n).
 *
 * Return: the entry with the lowest address, or NULL.
 */
struct nvbar_share *nvbar_share_first(const struct rb_root *index, struct nvbar_span span);

/**
 * nvbar_share_next - the next entry whose run contains @span
 * @share: the one before
 * @span: as for nvbar_share_first()
 *
 * Return: the entry, or NULL.
 */
struct nvbar_share *nvbar_share_next(struct nvbar_share *share, struct nvbar_span span);

#endif
