// SPDX-License-Identifier: MIT
/* Tables: their homes, shadows and users.  What they hold is pt_map.c's business. */
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "gpu.h"
#include "pramin.h"
#include "pt_internal.h"

/* Number of tables that cover the first @va_size bytes. */
static u64 nr_tables(const struct nvbar_mmu_level *shape, u64 va_size)
{
	return ((va_size - 1) >> nvbar_mmu_table_shift(shape)) + 1;
}

/*
 * Tables begin at 4 KiB, and the root fills a page though few of its entries
 * mean something.  64 KiB tables are packed.
 */
static u32 home_bytes(const struct nvbar_mmu_fmt *fmt, const struct nvbar_mmu_level *shape)
{
	u32 bytes = nvbar_mmu_table_bytes(shape);

	return shape == &fmt->big ? bytes : max_t(u32, bytes, NVBAR_PAGE_SIZE);
}

static u64 level_bytes(const struct nvbar_mmu_fmt *fmt, const struct nvbar_mmu_level *shape,
		       u64 va_size)
{
	return round_up(nr_tables(shape, va_size) * home_bytes(fmt, shape), NVBAR_PAGE_SIZE);
}

u64 nvbar_pt_region_len(const struct nvbar_mmu_fmt *fmt, u64 va_size)
{
	u64 len = level_bytes(fmt, &fmt->big, va_size);
	unsigned int l;

	for (l = 0; l < fmt->nr_levels; l++)
		len += level_bytes(fmt, &fmt->level[l], va_size);
	return len;
}

static struct nvbar_pt_level *root_level(struct nvbar_pt *pt)
{
	return &pt->level[pt->fmt->nr_levels - 1];
}

u64 nvbar_pt_root(const struct nvbar_gpu *gpu)
{
	const struct nvbar_pt *pt = &gpu->vmm.pt;

	return pt->level[pt->fmt->nr_levels - 1].pa;
}

struct pt_run pt_tables_of(const struct nvbar_pt_level *level, u64 va, u64 len)
{
	unsigned int shift = nvbar_mmu_table_shift(level->shape);

	return (struct pt_run){ va >> shift, (va + len - 1) >> shift };
}

u64 pt_table_pa(const struct nvbar_pt_level *level, u64 i)
{
	return level->pa + i * level->table_bytes;
}

void pt_sync(struct nvbar_gpu *gpu, struct nvbar_pt_level *level, u64 i, struct pt_run words)
{
	struct nvbar_pt_table *table = &level->table[i];
	struct nvbar_pt *pt = &gpu->vmm.pt;
	u64 pa, nr;

	if (!table->synced)
		words = (struct pt_run){ 0, level->table_bytes / 8 - 1 };
	pa = pt_table_pa(level, i) + 8 * words.first;
	nr = words.last - words.first + 1;
	/*
	 * A table that no entry leads to is not read: its words may go as they like.
	 * After an error there is no use in trying the rest.
	 */
	if (!pt->err && table->linked)
		pt->err = nvbar_pramin_wr_entries(gpu, pa, &table->entry[words.first], nr);
	else if (!pt->err)
		pt->err = nvbar_pramin_wr_words(gpu, pa, &table->entry[words.first], nr);
	if (!pt->err) {
		table->synced = true;
		return;
	}
	pt_set_unsynced(level, i);
	pt->behind = true;
}

void pt_set_linked(struct nvbar_pt *pt, struct nvbar_pt_level *level, u64 i, bool linked)
{
	if (level->table[i].linked == linked)
		return;
	level->table[i].linked = linked;
	if (linked)
		pt->linked_bytes += level->table_bytes;
	else
		pt->linked_bytes -= level->table_bytes;
}

u64 pt_background(const struct nvbar_pt *pt, const struct nvbar_pt_level *level, u64 i, u64 word)
{
	bool dual = level->shape->entry_words == 2;
	u64 slot = dual ? (i << level->shape->bits) + word / 2 : i;

	if (dual && word % 2)
		return 0;
	/* Tables of directories cover more than the address space. */
	if ((!dual && level != &pt->big) || slot >= pt->big.nr_tables)
		return level->background;
	if (pt->level[0].table[slot].linked || (dual && pt->big.table[slot].linked))
		return 0;
	return level->background;
}

/* @words are zeroes. */
static void fill_background(const struct nvbar_pt *pt, const struct nvbar_pt_level *level, u64 i,
			    u64 *words)
{
	u64 background = level == &pt->big ? pt_background(pt, level, i, 0) : level->background;
	u32 w;

	for (w = 0; background && w < level->table_bytes / 8; w += level->shape->entry_words)
		words[w] = background;
}

void pt_follow_small(struct nvbar_gpu *gpu, u64 slot)
{
	struct nvbar_pt_level *big = &gpu->vmm.pt.big;
	struct nvbar_pt_table *table = &big->table[slot];
	u64 now = pt_background(&gpu->vmm.pt, big, slot, 0);
	u64 last = big->table_bytes / 8 - 1;
	u64 w;

	if (!big->background)
		return;
	for (w = 0; table->entry && w <= last; w++)
		if (!nvbar_mmu_is_valid(table->entry[w]))
			table->entry[w] = now;
	if (table->linked)
		pt_sync(gpu, big, slot, (struct pt_run){ 0, last });
	else
		pt_set_unsynced(big, slot);
}

/* Makes sure that a table has a shadow. */
static int shadow_need(struct nvbar_pt *pt, struct nvbar_pt_level *level, u64 i)
{
	struct nvbar_pt_table *table = &level->table[i];

	if (table->entry)
		return 0;
	table->entry = kvzalloc(level->table_bytes, GFP_KERNEL);
	if (!table->entry)
		return -ENOMEM;
	fill_background(pt, level, i, table->entry);
	atomic64_add(level->table_bytes, &pt->shadow_bytes);
	return 0;
}

void pt_shadow_free(struct nvbar_pt *pt, struct nvbar_pt_level *level, u64 i)
{
	if (!level->table[i].entry)
		return;
	kvfree(level->table[i].entry);
	level->table[i].entry = NULL;
	atomic64_sub(level->table_bytes, &pt->shadow_bytes);
}

u64 pt_word_above(const struct nvbar_pt *pt, unsigned int l, bool big, u64 i)
{
	const struct nvbar_mmu_level *above = &pt->fmt->level[l + 1];
	u64 index = i & ((1u << above->bits) - 1);

	if (above->entry_words == 1)
		return index;
	return 2 * index + (big ? 0 : 1);
}

struct pt_run pt_unlink_above(struct nvbar_pt *pt, unsigned int l,
			      const struct nvbar_pt_level *level, u64 i)
{
	const struct nvbar_pt_level *above = &pt->level[l + 1];
	u64 word = pt_word_above(pt, l, level == &pt->big, i);
	u64 parent = i >> above->shape->bits;
	struct pt_run words = { word, word };
	u64 *entry = above->table[parent].entry;

	entry[word] = pt_background(pt, above, parent, word);
	/* Without the other half, the first one says what is there. */
	if (above->shape->entry_words == 2 && word % 2 && !nvbar_mmu_is_valid(entry[word - 1]) &&
	    entry[word - 1] != pt_background(pt, above, parent, word - 1)) {
		words.first--;
		entry[words.first] = pt_background(pt, above, parent, words.first);
	}
	return words;
}

u64 pt_pde(const struct nvbar_pt *pt, const struct nvbar_pt_level *level, u64 i)
{
	const struct nvbar_pde pde = {
		.state = NVBAR_ENTRY_VALID,
		.aperture = NVBAR_APERTURE_VID,
		.addr = pt_table_pa(level, i),
	};
	u64 raw = 0;

	/* The region was placed where every entry can point. */
	WARN_ON_ONCE(pt->fmt->encode_pde(&pde, level == &pt->big, &raw));
	return raw;
}

/* What an entry is where nothing is mapped. */
static u64 background_of(const struct nvbar_pt *pt, const struct nvbar_pt_level *level)
{
	const struct nvbar_pde pde = { .state = NVBAR_ENTRY_SPARSE };
	const struct nvbar_pte pte = { .state = NVBAR_ENTRY_SPARSE };
	u64 raw = 0;

	if (!pt->sparse)
		return 0;
	if (level == &pt->level[0] || level == &pt->big)
		WARN_ON_ONCE(pt->fmt->encode_pte(&pte, &raw));
	else
		WARN_ON_ONCE(pt->fmt->encode_pde(&pde, level->shape->entry_words == 2, &raw));
	return raw;
}

static int init_level(struct nvbar_gpu *gpu, struct nvbar_pt_level *level,
		      const struct nvbar_mmu_level *shape, u64 *pa)
{
	const struct nvbar_mmu_fmt *fmt = gpu->vmm.pt.fmt;

	level->shape = shape;
	level->background = background_of(&gpu->vmm.pt, level);
	level->pa = *pa;
	level->table_bytes = home_bytes(fmt, shape);
	level->nr_tables = nr_tables(shape, gpu->va_size);
	level->table = kvcalloc(level->nr_tables, sizeof(*level->table), GFP_KERNEL);
	*pa += level_bytes(fmt, shape, gpu->va_size);
	return level->table ? 0 : -ENOMEM;
}

int nvbar_pt_init(struct nvbar_gpu *gpu, u64 pa)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	const struct nvbar_mmu_fmt *fmt = pt->fmt;
	struct nvbar_pt_level *root = root_level(pt);
	int ret = -ENOMEM;
	unsigned int l;

	for (l = fmt->nr_levels; l--;)
		if (init_level(gpu, &pt->level[l], &fmt->level[l], &pa))
			goto err_fini;
	if (init_level(gpu, &pt->big, &fmt->big, &pa))
		goto err_fini;
	if (pt->sparse) {
		pt->image = kvmalloc_array(PT_WORDS, sizeof(*pt->image), GFP_KERNEL);
		if (!pt->image)
			goto err_fini;
		atomic64_add(PT_WORDS * sizeof(*pt->image), &pt->shadow_bytes);
	}

	/* The root has a user for as long as BAR1 is bound. */
	if (shadow_need(pt, root, 0))
		goto err_fini;
	root->table[0].nr_users = 1;
	pt_sync(gpu, root, 0, (struct pt_run){ 0, 0 });
	pt_set_linked(pt, root, 0, true);
	ret = pt->err;
	if (!ret)
		return 0;

err_fini:
	nvbar_pt_fini(gpu);
	return ret;
}

static void fini_level(struct nvbar_pt *pt, struct nvbar_pt_level *level)
{
	u64 i;

	for (i = 0; level->table && i < level->nr_tables; i++)
		pt_shadow_free(pt, level, i);
	kvfree(level->table);
	level->table = NULL;
}

void nvbar_pt_fini(struct nvbar_gpu *gpu)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	unsigned int l;

	for (l = 0; l < NVBAR_MMU_LEVELS; l++)
		fini_level(pt, &pt->level[l]);
	fini_level(pt, &pt->big);
	kvfree(pt->image);
	pt->image = NULL;
}

/* --- users --- */

/* What one count of users stands for: a directory, or the two leaf tables of a slot. */
static u64 linked_bytes(const struct nvbar_pt *pt, unsigned int l, u64 i)
{
	u64 bytes = pt->level[l].table[i].linked ? pt->level[l].table_bytes : 0;

	if (!l && pt->big.table[i].linked)
		bytes += pt->big.table_bytes;
	return bytes;
}

static void users_get(struct nvbar_pt *pt, u64 va, u64 len)
{
	unsigned int l;
	u64 i;

	for (l = 0; l < pt->fmt->nr_levels; l++) {
		struct pt_run run = pt_tables_of(&pt->level[l], va, len);

		for (i = run.first; i <= run.last; i++)
			if (!pt->level[l].table[i].nr_users++)
				pt->warm_bytes -= linked_bytes(pt, l, i);
	}
}

/* A shadow outlives its users only while the GPU can reach its table. */
static void users_gone(struct nvbar_pt *pt, unsigned int l, u64 i)
{
	pt->warm_bytes += linked_bytes(pt, l, i);
	if (!pt->level[l].table[i].linked)
		pt_shadow_free(pt, &pt->level[l], i);
	if (!l && !pt->big.table[i].linked)
		pt_shadow_free(pt, &pt->big, i);
}

void nvbar_pt_release(struct nvbar_gpu *gpu, u64 va, u64 len)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	unsigned int l;
	u64 i;

	for (l = 0; l < pt->fmt->nr_levels; l++) {
		struct pt_run run = pt_tables_of(&pt->level[l], va, len);

		for (i = run.first; i <= run.last; i++)
			if (!--pt->level[l].table[i].nr_users)
				users_gone(pt, l, i);
	}
}

/* Shadows for those tables of a run of VA that are this plan's own, or for the others. */
static int need_tables(struct nvbar_pt *pt, struct nvbar_pt_level *level,
		       const struct nvbar_pt_plan *plan, u64 va, u64 len, bool own)
{
	struct pt_own slots = pt_own_slots(pt, plan->va, plan->len);
	struct pt_run run = pt_tables_of(level, va, len);
	int ret = 0;
	u64 i;

	for (i = run.first; i <= run.last && !ret; i++)
		if (pt_is_own(&slots, i) == own)
			ret = shadow_need(pt, level, i);
	return ret;
}

/* All slots that the plan touches are its own. */
static bool all_own(const struct nvbar_pt *pt, const struct nvbar_pt_plan *plan)
{
	unsigned int shift = nvbar_mmu_table_shift(pt->level[0].shape);

	return !((plan->va | plan->len) & ((1ULL << shift) - 1));
}

/* Leaf tables for the leaves that the plan will take, or for any that it might. */
static int need_leaf_tables(struct nvbar_pt *pt, const struct nvbar_pt_plan *plan, bool own)
{
	struct nvbar_pt_leaves it;
	int ret;

	if (!own && all_own(pt, plan))
		return 0;
	if (plan->page_sizes == NVBAR_PAGE_SIZE)
		return need_tables(pt, &pt->level[0], plan, plan->va, plan->len, own);

	/* Every chip has pages of 64 KiB. */
	if (!plan->spans) {
		ret = need_tables(pt, &pt->level[0], plan, plan->va, plan->len, own);
		if (ret)
			return ret;
		return need_tables(pt, &pt->big, plan, plan->va, plan->len, own);
	}

	nvbar_pt_leaves_start(&it, plan);
	for (ret = 0; !ret && nvbar_pt_leaves_next(&it);) {
		if (it.shift == pt->level[0].shape->shift)
			ret = need_tables(pt, &pt->level[0], plan, it.va, it.len, own);
		else if (it.shift == pt->big.shape->shift)
			ret = need_tables(pt, &pt->big, plan, it.va, it.len, own);
	}
	return ret;
}

static int need_directories(struct nvbar_pt *pt, const struct nvbar_pt_plan *plan)
{
	unsigned int l;
	int ret = 0;
	u64 i;

	for (l = 1; l < pt->fmt->nr_levels; l++) {
		struct pt_run run = pt_tables_of(&pt->level[l], plan->va, plan->len);

		for (i = run.first; i <= run.last && !ret; i++)
			ret = shadow_need(pt, &pt->level[l], i);
	}
	return ret;
}

int nvbar_pt_reserve(struct nvbar_gpu *gpu, const struct nvbar_pt_plan *plan)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	int ret;

	users_get(pt, plan->va, plan->len);
	ret = need_directories(pt, plan);
	if (!ret)
		ret = need_leaf_tables(pt, plan, false);
	if (ret)
		nvbar_pt_release(gpu, plan->va, plan->len);
	return ret;
}

int nvbar_pt_reserve_own(struct nvbar_gpu *gpu, const struct nvbar_pt_plan *plan)
{
	return need_leaf_tables(&gpu->vmm.pt, plan, true);
}

/* --- housekeeping off the path --- */

static bool unlink_table(struct nvbar_gpu *gpu, unsigned int l, struct nvbar_pt_level *level, u64 i)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct pt_run words;

	if (!level->table[i].linked)
		return false;
	pt_set_linked(pt, level, i, false);
	words = pt_unlink_above(pt, l, level, i);
	pt_sync(gpu, &pt->level[l + 1], i >> pt->level[l + 1].shape->bits, words);
	pt->warm_bytes -= level->table_bytes;
	/* Without users it holds the background, in the shadow and in VRAM. */
	pt_shadow_free(pt, level, i);
	if (level == &pt->level[0])
		pt_follow_small(gpu, i);
	return true;
}

bool nvbar_pt_unlink_unused(struct nvbar_gpu *gpu)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	bool changed = false;
	unsigned int l;
	u64 i;

	for (l = 0; l + 1 < pt->fmt->nr_levels; l++) {
		for (i = 0; i < pt->level[l].nr_tables; i++) {
			if (pt->level[l].table[i].nr_users)
				continue;
			if (!l)
				changed |= unlink_table(gpu, l, &pt->big, i);
			changed |= unlink_table(gpu, l, &pt->level[l], i);
		}
	}
	return changed;
}

static void catch_up_level(struct nvbar_gpu *gpu, struct nvbar_pt_level *level)
{
	u64 i;

	for (i = 0; i < level->nr_tables; i++)
		if (level->table[i].linked && !level->table[i].synced)
			pt_sync(gpu, level, i, (struct pt_run){ 0, 0 });
}

void nvbar_pt_catch_up(struct nvbar_gpu *gpu)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	unsigned int l;

	if (!pt->behind || pt->err)
		return;
	pt->behind = false;
	/* Tables before what points to them. */
	catch_up_level(gpu, &pt->big);
	for (l = 0; l < pt->fmt->nr_levels; l++)
		catch_up_level(gpu, &pt->level[l]);
}

int nvbar_pt_take_error(struct nvbar_gpu *gpu)
{
	int err = gpu->vmm.pt.err;

	gpu->vmm.pt.err = 0;
	return err;
}

/* Adds to @done, up to @max.  Return: false if the GPU does not take what is written. */
static bool zero_level(struct nvbar_gpu *gpu, struct nvbar_pt_level *level, u64 max, u64 *done)
{
	/* Leaf tables of a slot share the users of the 4 KiB one. */
	const struct nvbar_pt *pt = &gpu->vmm.pt;
	const struct nvbar_pt_table *users = level == &pt->big ? pt->level[0].table : level->table;
	static const u64 zeroes[PT_WORDS];
	const u64 *words = pt->image ? pt->image : zeroes;
	bool passed_over = false;
	u64 i;

	for (i = level->zero_from; i < level->nr_tables && *done < max; i++) {
		struct nvbar_pt_table *table = &level->table[i];

		if (!table->synced && !users[i].nr_users) {
			if (pt->image) {
				memset(pt->image, 0, level->table_bytes);
				fill_background(pt, level, i, pt->image);
			}
			if (nvbar_pramin_wr_words(gpu, pt_table_pa(level, i), words,
						  level->table_bytes / 8))
				return false;
			table->synced = true;
			*done += level->table_bytes;
		}
		/* One that is in use may need it later. */
		passed_over |= !table->synced;
		if (!passed_over)
			level->zero_from = i + 1;
	}
	return true;
}

u64 nvbar_pt_zero(struct nvbar_gpu *gpu, u64 max)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	unsigned int l = pt->fmt->nr_levels;
	u64 done = 0;

	/* Directories first: a mapping of any size needs them. */
	while (l--)
		if (!zero_level(gpu, &pt->level[l], max, &done))
			return done;
	zero_level(gpu, &pt->big, max, &done);
	return done;
}
