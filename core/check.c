// SPDX-License-Identifier: MIT
/* The check as a whole, and of what is no table: users, holders, gauges, binding. */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/stdarg.h>

#include "access.h"
#include "bar1.h"
#include "check_internal.h"
#include "chip.h"
#include "walk.h"

static const char *const kind_names[] = {
	[NVBAR_CHECK_FREE_PAGE] = "free-page",
	[NVBAR_CHECK_FOREIGN_PAGE] = "foreign-page",
	[NVBAR_CHECK_LINKED_TWICE] = "linked-twice",
	[NVBAR_CHECK_LOOP] = "loop",
	[NVBAR_CHECK_FREED_TABLE] = "freed-table",
	[NVBAR_CHECK_REFCOUNT] = "refcount",
	[NVBAR_CHECK_STALE_TLB] = "stale-tlb",
	[NVBAR_CHECK_LEAF_SIZE] = "leaf-size",
	[NVBAR_CHECK_BOTH_SIZES] = "both-sizes",
	[NVBAR_CHECK_OUTSIDE_APERTURE] = "outside-aperture",
	[NVBAR_CHECK_SHADOW_DIFFERS] = "shadow-differs",
	[NVBAR_CHECK_STRAY_TABLE] = "stray-table",
	[NVBAR_CHECK_LOST_TABLE] = "lost-table",
	[NVBAR_CHECK_MISSING_ENTRY] = "missing-entry",
	[NVBAR_CHECK_ODD_ENTRY] = "odd-entry",
	[NVBAR_CHECK_INSTANCE] = "instance",
	[NVBAR_CHECK_ADDRESS_SPACE] = "address-space",
	[NVBAR_CHECK_VRAM_ALLOCATOR] = "vram-allocator",
	[NVBAR_CHECK_VRAM_OVERLAP] = "vram-overlap",
};

const char *nvbar_check_kind_name(unsigned int kind)
{
	return kind < NVBAR_CHECK_KINDS ? kind_names[kind] : NULL;
}

void nvbar_check_problem(struct nvbar_check *check, enum nvbar_check_kind kind, const char *fmt,
			 ...)
{
	char line[256];
	va_list args;
	int len;

	check->problems++;
	check->by_kind[kind]++;
	if (!check->problem)
		return;
	len = scnprintf(line, sizeof(line), "%s: ", kind_names[kind]);
	va_start(args, fmt);
	vscnprintf(line + len, sizeof(line) - len, fmt, args);
	va_end(args);
	check->problem(check->arg, line);
}

const struct nvbar_mapping *nvbar_check_live(const struct nvbar_gpu *gpu, u64 va)
{
	const struct nvbar_va_node *node = nvbar_va_find(&gpu->vmm.va, va);

	return node && mapping_of(node)->state == NVBAR_MAPPING_MAPPED ? mapping_of(node) : NULL;
}

/* --- users, holders and gauges counted anew --- */

static void check_sum(struct nvbar_check_ctx *ctx, const char *what, u64 counted, u64 noted)
{
	if (counted != noted)
		nvbar_check_problem(ctx->check, NVBAR_CHECK_REFCOUNT,
				    "%s: %llu counted, %llu noted", what, counted, noted);
}

/* Users of the tables of a level. */
static int check_users(struct nvbar_check_ctx *ctx, unsigned int l)
{
	const struct nvbar_vmm *vmm = &ctx->gpu->vmm;
	const struct nvbar_pt_level *level = &vmm->pt.level[l];
	unsigned int shift = nvbar_mmu_table_shift(level->shape);
	const struct nvbar_va_node *node;
	u32 *users;
	u64 i;

	users = kvcalloc(level->nr_tables, sizeof(*users), GFP_KERNEL);
	if (!users)
		return -ENOMEM;
	/* The root's other user is BAR1 itself. */
	if (l + 1 == vmm->pt.fmt->nr_levels)
		users[0] = 1;
	for (node = nvbar_va_first(&vmm->va); node; node = nvbar_va_next(node))
		for (i = node->start >> shift; i <= (node->start + node->len - 1) >> shift; i++)
			users[i]++;
	for (i = 0; i < level->nr_tables; i++)
		if (users[i] != level->table[i].nr_users)
			nvbar_check_problem(ctx->check, NVBAR_CHECK_REFCOUNT,
					    "%s for VA 0x%llx: %u users counted, %u noted",
					    nvbar_mmu_level_name(l, false), i << shift, users[i],
					    level->table[i].nr_users);
	kvfree(users);
	return 0;
}

/* Bytes of linked tables of a level, and of those of them without users. */
static void sum_level(const struct nvbar_pt_level *level, const struct nvbar_pt_table *users,
		      u64 *linked, u64 *warm)
{
	u64 i;

	for (i = 0; i < level->nr_tables; i++) {
		if (!level->table[i].linked)
			continue;
		*linked += level->table_bytes;
		if (!users[i].nr_users)
			*warm += level->table_bytes;
	}
}

static void check_table_bytes(struct nvbar_check_ctx *ctx)
{
	const struct nvbar_pt *pt = &ctx->gpu->vmm.pt;
	u64 linked = 0, warm = 0;
	unsigned int l;

	for (l = 0; l < pt->fmt->nr_levels; l++)
		sum_level(&pt->level[l], pt->level[l].table, &linked, &warm);
	sum_level(&pt->big, pt->level[0].table, &linked, &warm);
	check_sum(ctx, "bytes of linked tables", linked, pt->linked_bytes);
	check_sum(ctx, "bytes of tables without users", warm, pt->warm_bytes);
}

/* Handles and others that hold a mapping; one that is only prepared has one holder. */
static void check_refs(struct nvbar_check_ctx *ctx, const struct nvbar_mapping *mapping)
{
	u32 refs = mapping->state == NVBAR_MAPPING_MAPPED ? mapping->refs : 1;

	if (mapping->state != NVBAR_MAPPING_QUARANTINED && mapping->counted != refs)
		nvbar_check_problem(ctx->check, NVBAR_CHECK_REFCOUNT,
				    "mapping 0x%llx+0x%llx \"%s\": %u holders counted, %u noted",
				    mapping->node.start, mapping->node.len, mapping->label,
				    mapping->counted, refs);
}

/* Counts the holders of each mapping; returns the bytes of the handles. */
static u64 count_handles(struct nvbar_vmm *vmm)
{
	const struct nvbar_access *access;
	struct nvbar_va_node *node;
	u64 bytes = 0;

	for (node = nvbar_va_first(&vmm->va); node; node = nvbar_va_next(node))
		mapping_of(node)->counted = mapping_of(node)->unclaimed;
	list_for_each_entry(access, &vmm->accesses, link)
	{
		bytes += sizeof(*access);
		if (access->mapping)
			access->mapping->counted++;
	}
	return bytes;
}

static void check_holders(struct nvbar_check_ctx *ctx)
{
	struct nvbar_vmm *vmm = &ctx->gpu->vmm;
	u64 held = 0, live_bytes = 0, refs = 0, quarantined = 0, listed = 0;
	u64 host_bytes = count_handles(vmm);
	const struct nvbar_va_node *node;
	const struct list_head *link;

	for (node = nvbar_va_first(&vmm->va); node; node = nvbar_va_next(node)) {
		const struct nvbar_mapping *mapping = mapping_of(node);

		check_refs(ctx, mapping);
		held++;
		host_bytes += struct_size(mapping, share, mapping->max_shares);
		quarantined += mapping->state == NVBAR_MAPPING_QUARANTINED;
		if (mapping->state != NVBAR_MAPPING_MAPPED)
			continue;
		live_bytes += node->len;
		refs += mapping->refs;
	}
	list_for_each(link, &vmm->quarantine) listed++;
	check_sum(ctx, "ranges held", held, vmm->nr_held);
	check_sum(ctx, "ranges in quarantine", quarantined, listed);
	check_sum(ctx, "bytes mapped", live_bytes, vmm->mapped_bytes);
	check_sum(ctx, "holders of mappings", refs, vmm->nr_mapped);
	check_sum(ctx, "bytes of host memory", host_bytes, vmm->host_bytes);
}

/* --- binding --- */

static int check_instance(struct nvbar_check_ctx *ctx)
{
	struct nvbar_gpu *gpu = ctx->gpu;
	u32 off = 0;
	int ret;

	/* Of a GPU whose BAR1 is bound to anything else there is nothing to check. */
	ret = nvbar_bar1_look(gpu);
	if (!ret)
		ret = nvbar_bar1_compare_instance(gpu, &off);
	if (ret == -EIO) {
		nvbar_check_problem(
			ctx->check, NVBAR_CHECK_INSTANCE,
			"instance block at 0x%llx: the word at 0x%llx is not what was written",
			gpu->inst_pa, gpu->inst_pa + off);
		ret = 0;
	}
	return ret;
}

/* --- all --- */

static int check_counts(struct nvbar_check_ctx *ctx)
{
	unsigned int l;
	int ret;

	check_table_bytes(ctx);
	check_holders(ctx);
	for (l = 0; l < ctx->gpu->chip->mmu->nr_levels; l++) {
		ret = check_users(ctx, l);
		if (ret)
			return ret;
	}
	return 0;
}

static int check_locked(struct nvbar_check_ctx *ctx)
{
	u64 wrong;
	int ret;

	/* All else finds its way by the ranges: nothing is looked up in a tree that is damaged. */
	if (!nvbar_va_verify(&ctx->gpu->vmm.va)) {
		nvbar_check_problem(ctx->check, NVBAR_CHECK_ADDRESS_SPACE,
				    "ranges, holes, their order or their sum");
		return 0;
	}
	ret = check_instance(ctx);
	wrong = ctx->check->problems;
	if (!ret)
		ret = nvbar_check_tables(ctx);
	if (!ret)
		ret = check_counts(ctx);
	/* Of other tables it would hold other things. */
	if (!ret && !wrong)
		ret = nvbar_check_tlb(ctx);
	return ret ? ret : nvbar_check_vram(ctx);
}

int nvbar_check_run(struct nvbar_gpu *gpu, struct nvbar_check *check)
{
	struct nvbar_check_ctx ctx = { .gpu = gpu, .check = check, .owners.index = RB_ROOT };
	int ret;

	*check = (struct nvbar_check){ .problem = check->problem, .arg = check->arg };
	mutex_lock(&gpu->vmm.lock);
	ret = check_locked(&ctx);
	mutex_unlock(&gpu->vmm.lock);
	kvfree(ctx.owners.runs);
	if (ret)
		return ret;
	return check->problems ? -EIO : 0;
}
