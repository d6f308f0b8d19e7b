/* SPDX-License-Identifier: MIT */
/* What inspection of a GPU and of a snapshot share. */
#ifndef NVBAR_LIB_INSPECT_H
#define NVBAR_LIB_INSPECT_H

#include <nvbar/nvbar.h>

#include "bar1.h"
#include "chip.h"
#include "tree.h"
#include "walk.h"

/** nvbar_walk_space - nvbar_walk() on any tables */
int nvbar_walk_space(const struct nvbar_walk_space *space, uint64_t va, struct nvbar_walk *walk);

/**
 * nvbar_bound_space - the tables that BAR1 is bound to
 * @gpu: handle
 * @space: filled in
 *
 * Return: 0, -ENOENT (physical mode), -EIO, -ENODEV, -EACCES (observing),
 * -EOPNOTSUPP (no BAR1).
 */
int nvbar_bound_space(struct nvbar *gpu, struct nvbar_walk_space *space);

/** nvbar_table_bounds - all tables that the driver may have: the region that is its own */
struct nvbar_tree_bounds nvbar_table_bounds(const struct nvbar *gpu);

#endif
