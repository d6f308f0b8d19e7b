// SPDX-License-Identifier: MIT
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/stdarg.h>

#include "bar1.h"
#include "check.h"
#include "chip.h"
#include "gpu.h"
#include "tree.h"

struct ctx {
	struct nvbar_gpu *gpu;
	struct nvbar_check *check;
	u64 met_bytes;		/* tables met in VRAM, at home and in use */
};

static __printf(2, 3) void problem(struct nvbar_check *check, const char *fmt, ...)
{
	char line[200];
	va_list args;

	check->problems++;
	if (!check->problem)
		return;
	va_start(args, fmt);
	vscnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	check->problem(check->arg, line);
}

/* The table's shadow, or NULL with a problem noted if it has no business here. */
static struct nvbar_pt_table *table_at_home(struct ctx *ctx, const struct nvbar_tree_table *met)
{
	struct nvbar_pt *pt = &ctx->gpu->vmm.pt;
	struct nvbar_pt_level *level = met->big ? &pt->big : &pt->level[met->level];
	const char *name = nvbar_mmu_level_name(met->level, met->big);
	u64 i = met->va >> nvbar_mmu_table_shift(met->shape);
	struct nvbar_pt_table *table;
	u64 home;

	if (i >= level->nr_tables) {
		problem(ctx->check, "%s at 0x%llx for VA 0x%llx: no table belongs there", name,
			met->pa, met->va);
		return NULL;
	}
	home = level->pa + i * level->table_bytes;
	table = &level->table[i];
	if (met->aperture != NVBAR_APERTURE_VID || met->pa != home) {
		problem(ctx->check, "%s at 0x%llx for VA 0x%llx: its home is 0x%llx", name, met->pa,
			met->va, home);
		return NULL;
	}
	if (!table->linked || !table->entry) {
		problem(ctx->check, "%s at 0x%llx for VA 0x%llx: linked, but not in use", name,
			met->pa, met->va);
		return NULL;
	}
	return table;
}

static int check_table(void *arg, const struct nvbar_tree_table *met, const u64 *words)
{
	struct ctx *ctx = arg;
	u32 nr = met->shape->entry_words << met->shape->bits;
	const struct nvbar_pt_table *table = table_at_home(ctx, met);
	u32 i;

	ctx->check->tables++;
	if (!table)
		return NVBAR_TREE_SKIP;
	ctx->met_bytes += met->big ? ctx->gpu->vmm.pt.big.table_bytes :
				     ctx->gpu->vmm.pt.level[met->level].table_bytes;
	for (i = 0; i < nr; i++) {
		if (words[i] != table->entry[i])
			problem(ctx->check, "%s word at 0x%llx: 0x%016llx, but 0x%016llx was written",
				nvbar_mmu_level_name(met->level, met->big), met->pa + 8ULL * i,
				words[i], table->entry[i]);
	}
	return 0;
}

static void check_leaf(struct ctx *ctx, const struct nvbar_tree_table *met, u64 va, u64 raw)
{
	const struct nvbar_gpu *gpu = ctx->gpu;
	const struct nvbar_va_node *node = nvbar_va_find(&gpu->vmm.va, va);
	const char *name = nvbar_mmu_level_name(met->level, met->big);
	u64 bytes = 1ULL << met->shape->shift;
	struct nvbar_pte pte;

	ctx->check->entries++;
	if (!(gpu->chip->page_sizes & bytes))
		problem(ctx->check, "%s entry 0x%016llx for VA 0x%llx: %s has no pages of 0x%llx",
			name, raw, va, gpu->chip->name, bytes);
	if (!node || container_of(node, struct nvbar_mapping, node)->state != NVBAR_MAPPING_MAPPED)
		problem(ctx->check, "%s entry 0x%016llx for VA 0x%llx: nothing is mapped there",
			name, raw, va);
	gpu->chip->mmu->decode_pte(raw, &pte);
	if (pte.aperture != NVBAR_APERTURE_VID || pte.addr > gpu->vram_size ||
	    bytes > gpu->vram_size - pte.addr)
		problem(ctx->check, "%s entry 0x%016llx for VA 0x%llx: 0x%llx is not in VRAM", name,
			raw, va, pte.addr);
}

static int check_entry(void *arg, const struct nvbar_tree_table *met, u32 index, const u64 *raw)
{
	struct ctx *ctx = arg;
	u64 va = met->va + ((u64)index << met->shape->shift);

	if (va >= ctx->gpu->bar1_size) {
		problem(ctx->check, "%s entry 0x%016llx for VA 0x%llx: beyond the aperture",
			nvbar_mmu_level_name(met->level, met->big), raw[0], va);
		return NVBAR_TREE_SKIP;
	}
	if (!met->level || nvbar_mmu_is_leaf(raw[0]))
		check_leaf(ctx, met, va, raw[0]);
	return 0;
}

/* A live mapping has a leaf for every page; what becomes of other ranges is seen in VRAM. */
static void check_mapping(struct ctx *ctx, const struct nvbar_mapping *mapping)
{
	u64 va = mapping->node.start;
	u64 end = va + mapping->node.len;

	if (mapping->state != NVBAR_MAPPING_MAPPED)
		return;
	ctx->check->mappings++;
	while (va < end) {
		struct nvbar_pte pte;
		unsigned int shift = nvbar_pt_lookup(ctx->gpu, va, &pte);

		if (pte.state != NVBAR_ENTRY_VALID || !(mapping->page_sizes & (1ULL << shift)) ||
		    (va & ((1ULL << shift) - 1)) || end - va < 1ULL << shift) {
			problem(ctx->check, "VA 0x%llx is mapped, but its entry is not its own", va);
			return;
		}
		va += 1ULL << shift;
	}
}

/* Users counted anew from the address space, a level at a time. */
static int check_users(struct ctx *ctx, unsigned int l)
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
			problem(ctx->check, "%s number %llu: %u users counted, %u noted",
				nvbar_mmu_level_name(l, false), i, users[i],
				level->table[i].nr_users);
	kvfree(users);
	return 0;
}

static void check_sum(struct ctx *ctx, const char *what, u64 counted, u64 noted)
{
	if (counted != noted)
		problem(ctx->check, "%s: %llu counted, %llu noted", what, counted, noted);
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

/* The gauges, counted anew. */
static void check_sums(struct ctx *ctx)
{
	const struct nvbar_vmm *vmm = &ctx->gpu->vmm;
	const struct nvbar_pt *pt = &vmm->pt;
	u64 linked = 0, warm = 0, held = 0, mapped_bytes = 0;
	const struct nvbar_va_node *node;
	unsigned int l;

	for (l = 0; l < pt->fmt->nr_levels; l++)
		sum_level(&pt->level[l], pt->level[l].table, &linked, &warm);
	sum_level(&pt->big, pt->level[0].table, &linked, &warm);
	for (node = nvbar_va_first(&vmm->va); node; node = nvbar_va_next(node)) {
		held++;
		if (container_of(node, struct nvbar_mapping, node)->state == NVBAR_MAPPING_MAPPED)
			mapped_bytes += node->len;
	}
	check_sum(ctx, "bytes of linked tables", linked, pt->linked_bytes);
	check_sum(ctx, "bytes of tables met in VRAM", ctx->met_bytes, pt->linked_bytes);
	check_sum(ctx, "bytes of tables without users", warm, pt->warm_bytes);
	check_sum(ctx, "ranges held", held, vmm->nr_held);
	check_sum(ctx, "bytes mapped", mapped_bytes, vmm->mapped_bytes);
}

static int check_locked(struct ctx *ctx)
{
	const struct nvbar_tree_visitor visitor = { check_table, check_entry, ctx };
	struct nvbar_gpu *gpu = ctx->gpu;
	struct nvbar_walk_space space = {
		.fmt = gpu->chip->mmu,
		.page_sizes = gpu->chip->page_sizes,
		.read = nvbar_vmm_walk_read,
		.ctx = gpu,
	};
	const struct nvbar_va_node *node;
	unsigned int l;
	int ret;

	ret = nvbar_bar1_read_root(gpu, &space.root_aperture, &space.root_pa);
	if (ret == -ENODEV || ret == -ETIMEDOUT)
		return ret;
	if (ret || space.root_aperture != NVBAR_APERTURE_VID ||
	    space.root_pa != nvbar_pt_root(gpu)) {
		problem(ctx->check, "BAR1 is not bound to the root table at 0x%llx",
			nvbar_pt_root(gpu));
	} else {
		ret = nvbar_tree_visit(&space, gpu->bar1_size, &visitor);
		if (ret)
			return ret;
	}

	if (!nvbar_va_verify(&gpu->vmm.va))
		problem(ctx->check, "the address space allocator contradicts itself");
	for (node = nvbar_va_first(&gpu->vmm.va); node; node = nvbar_va_next(node))
		check_mapping(ctx, container_of(node, struct nvbar_mapping, node));
	check_sums(ctx);
	for (l = 0; l < gpu->chip->mmu->nr_levels; l++) {
		ret = check_users(ctx, l);
		if (ret)
			return ret;
	}
	return 0;
}

int nvbar_check_run(struct nvbar_gpu *gpu, struct nvbar_check *check)
{
	struct ctx ctx = { .gpu = gpu, .check = check };
	int ret;

	check->tables = check->entries = check->mappings = check->problems = 0;
	mutex_lock(&gpu->vmm.lock);
	ret = check_locked(&ctx);
	mutex_unlock(&gpu->vmm.lock);
	if (ret)
		return ret;

	mutex_lock(&gpu->vram_lock);
	if (!nvbar_buddy_verify(&gpu->buddy))
		problem(check, "the VRAM allocator contradicts itself");
	mutex_unlock(&gpu->vram_lock);
	return check->problems ? -EIO : 0;
}
