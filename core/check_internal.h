/* SPDX-License-Identifier: MIT */
/* What the parts of the check share. */
#ifndef NVBAR_CORE_CHECK_INTERNAL_H
#define NVBAR_CORE_CHECK_INTERNAL_H

#include <linux/kernel.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "check.h"
#include "gpu.h"
#include "share.h"

/**
 * struct nvbar_check_owners - who shows which page
 * @known: the rest is filled in
 * @index: runs of VRAM that live mappings show
 * @runs: the same as an array
 */
struct nvbar_check_owners {
	bool known;
	struct rb_root index;
	struct nvbar_share *runs;
};

/**
 * struct nvbar_check_ctx - a check under way, with vmm.lock held
 * @gpu: the GPU
 * @check: what is found
 * @owners: filled in when somebody asks
 */
struct nvbar_check_ctx {
	struct nvbar_gpu *gpu;
	struct nvbar_check *check;
	struct nvbar_check_owners owners;
};

#define mapping_of(va_node)	container_of(va_node, struct nvbar_mapping, node)

/* Notes a problem, and tells of it. */
__printf(3, 4) void nvbar_check_problem(struct nvbar_check *check, enum nvbar_check_kind kind,
					const char *fmt, ...);

/* The live mapping that covers @va, or NULL. */
const struct nvbar_mapping *nvbar_check_live(const struct nvbar_gpu *gpu, u64 va);

/*
 * Whose page @pa is, in words.  Return: 0, or -ENOMEM.
 */
int nvbar_check_owner(struct nvbar_check_ctx *ctx, u64 pa, char *text, size_t len);

/* The parts.  Return: 0, or an errno that ends the check. */
int nvbar_check_tables(struct nvbar_check_ctx *ctx);
int nvbar_check_tlb(struct nvbar_check_ctx *ctx);
int nvbar_check_vram(struct nvbar_check_ctx *ctx);

#endif
