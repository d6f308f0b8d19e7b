// SPDX-License-Identifier: MIT
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "gpu.h"
#include "pramin.h"
#include "pt.h"

/* An inclusive run of tables of a level, or of words of a table. */
struct run {
	u64 first;
	u64 last;
};

/* Number of tables that cover the first @bar1_size bytes. */
static u64 nr_tables(const struct nvbar_mmu_level *shape, u64 bar1_size)
{
	return ((bar1_size - 1) >> nvbar_mmu_table_shift(shape)) + 1;
}

/* Tables begin at 4 KiB, and the root fills a page though few of its entries mean something. */
static u32 home_bytes(const struct nvbar_mmu_level *shape)
{
	return max_t(u32, nvbar_mmu_table_bytes(shape), NVBAR_PAGE_SIZE);
}

u64 nvbar_pt_region_len(const struct nvbar_mmu_fmt *fmt, u64 bar1_size)
{
	/* 64 KiB tables are packed. */
	u64 len = round_up(nr_tables(&fmt->big, bar1_size) * nvbar_mmu_table_bytes(&fmt->big),
			   NVBAR_PAGE_SIZE);
	unsigned int i;

	for (i = 0; i < fmt->nr_levels; i++)
		len += nr_tables(&fmt->level[i], bar1_size) * home_bytes(&fmt->level[i]);
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

static struct run tables_of(const struct nvbar_pt_level *level, u64 va, u64 len)
{
	unsigned int shift = nvbar_mmu_table_shift(level->shape);

	return (struct run){ va >> shift, (va + len - 1) >> shift };
}

static u64 table_pa(const struct nvbar_pt_level *level, u64 i)
{
	return level->pa + i * level->table_bytes;
}

/* Brings words @words of a table to VRAM, or all of them if VRAM holds something else. */
static void sync_table(struct nvbar_gpu *gpu, struct nvbar_pt_level *level, u64 i, struct run words)
{
	struct nvbar_pt_table *table = &level->table[i];

	if (!table->synced)
		words = (struct run){ 0, level->table_bytes / 8 - 1 };
	nvbar_pramin_wr_words(gpu, table_pa(level, i) + 8 * words.first, &table->entry[words.first],
			      words.last - words.first + 1);
	table->synced = true;
}

static int shadow_get(struct nvbar_pt *pt, struct nvbar_pt_level *level, u64 i)
{
	struct nvbar_pt_table *table = &level->table[i];

	if (!table->entry) {
		table->entry = kvzalloc(level->table_bytes, GFP_KERNEL);
		if (!table->entry)
			return -ENOMEM;
		pt->shadow_bytes += level->table_bytes;
	}
	if (!table->nr_users++ && table->linked)
		pt->warm_bytes -= level->table_bytes;
	return 0;
}

static void shadow_free(struct nvbar_pt *pt, struct nvbar_pt_level *level, u64 i)
{
	struct nvbar_pt_table *table = &level->table[i];

	if (!table->entry)
		return;
	kvfree(table->entry);
	table->entry = NULL;
	pt->shadow_bytes -= level->table_bytes;
}

static void shadow_put(struct nvbar_pt *pt, struct nvbar_pt_level *level, u64 i)
{
	struct nvbar_pt_table *table = &level->table[i];

	if (--table->nr_users)
		return;
	if (table->linked)
		pt->warm_bytes += level->table_bytes;
	else
		shadow_free(pt, level, i);
}

int nvbar_pt_init(struct nvbar_gpu *gpu, u64 pa)
{
	const struct nvbar_mmu_fmt *fmt = gpu->vmm.pt.fmt;
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct nvbar_pt_level *level;
	unsigned int i;

	for (i = fmt->nr_levels; i--;) {
		level = &pt->level[i];
		level->shape = &fmt->level[i];
		level->pa = pa;
		level->table_bytes = home_bytes(level->shape);
		level->nr_tables = nr_tables(level->shape, gpu->bar1_size);
		level->table = kvcalloc(level->nr_tables, sizeof(*level->table), GFP_KERNEL);
		if (!level->table)
			goto err_fini;
		pa += level->nr_tables * level->table_bytes;
	}

	/* The root has a user for as long as BAR1 is bound. */
	level = root_level(pt);
	if (shadow_get(pt, level, 0))
		goto err_fini;
	level->table[0].linked = true;
	pt->linked_bytes += level->table_bytes;
	sync_table(gpu, level, 0, (struct run){ 0, 0 });
	return 0;

err_fini:
	nvbar_pt_fini(gpu);
	return -ENOMEM;
}

void nvbar_pt_fini(struct nvbar_gpu *gpu)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct nvbar_pt_level *level;
	u64 i;

	for (level = pt->level; level < pt->level + NVBAR_MMU_LEVELS; level++) {
		for (i = 0; level->table && i < level->nr_tables; i++)
			shadow_free(pt, level, i);
		kvfree(level->table);
		level->table = NULL;
	}
}

/* Drops what nvbar_pt_reserve() took of the levels below @levels, and tables before @end above. */
static void put_levels(struct nvbar_pt *pt, u64 va, u64 len, unsigned int levels)
{
	unsigned int l;

	for (l = 0; l < levels; l++) {
		struct run run = tables_of(&pt->level[l], va, len);
		u64 i;

		for (i = run.first; i <= run.last; i++)
			shadow_put(pt, &pt->level[l], i);
	}
}

int nvbar_pt_reserve(struct nvbar_gpu *gpu, u64 va, u64 len)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	unsigned int l;

	for (l = 0; l < pt->fmt->nr_levels; l++) {
		struct nvbar_pt_level *level = &pt->level[l];
		struct run run = tables_of(level, va, len);
		u64 i;

		for (i = run.first; i <= run.last; i++) {
			if (!shadow_get(pt, level, i))
				continue;
			while (i-- > run.first)
				shadow_put(pt, level, i);
			put_levels(pt, va, len, l);
			return -ENOMEM;
		}
	}
	return 0;
}

void nvbar_pt_release(struct nvbar_gpu *gpu, u64 va, u64 len)
{
	put_levels(&gpu->vmm.pt, va, len, gpu->vmm.pt.fmt->nr_levels);
}

/* The word above table @i of level @l: in a dual entry the second, for the 4 KiB table. */
static u64 *parent_word(struct nvbar_pt *pt, unsigned int l, u64 i, u64 *table, u64 *word)
{
	struct nvbar_pt_level *above = &pt->level[l + 1];
	unsigned int words = above->shape->entry_words;

	*table = i >> above->shape->bits;
	*word = (i & ((1u << above->shape->bits) - 1)) * words + (words - 1);
	return &above->table[*table].entry[*word];
}

static u64 pde_for(const struct nvbar_pt *pt, unsigned int l, u64 i)
{
	const struct nvbar_pde pde = {
		.state = NVBAR_ENTRY_VALID,
		.aperture = NVBAR_APERTURE_VID,
		.addr = table_pa(&pt->level[l], i),
	};
	u64 raw = 0;

	/* The region was placed where every entry can point. */
	WARN_ON_ONCE(pt->fmt->encode_pde(&pde, false, &raw));
	return raw;
}

/* Links the tables of level @l that aren't, in one stream per table above. */
static void link_tables(struct nvbar_gpu *gpu, unsigned int l, struct run run)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct nvbar_pt_level *level = &pt->level[l];
	struct nvbar_pt_level *above = &pt->level[l + 1];
	struct run words = { 0, 0 };
	bool changed = false;
	u64 open = 0;
	u64 i;

	for (i = run.first; i <= run.last; i++) {
		u64 parent, word;
		u64 *entry;

		if (level->table[i].linked)
			continue;
		entry = parent_word(pt, l, i, &parent, &word);
		if (changed && parent != open) {
			sync_table(gpu, above, open, words);
			changed = false;
		}
		if (!changed)
			words.first = word;
		words.last = word;
		open = parent;
		changed = true;

		*entry = pde_for(pt, l, i);
		level->table[i].linked = true;
		pt->linked_bytes += level->table_bytes;
	}
	if (changed)
		sync_table(gpu, above, open, words);
}

/* Entries into the shadow: one addition per page once the rest is encoded. */
static void fill_shadow(struct nvbar_pt *pt, u64 va, const struct nvbar_spans *spans, u64 template)
{
	struct nvbar_pt_level *leaf = &pt->level[0];
	unsigned int table_shift = nvbar_mmu_table_shift(leaf->shape);
	size_t s;

	for (s = 0; s < spans->nr; s++) {
		struct nvbar_span span = nvbar_spans_get(spans, s);
		u64 end = va + span.len;

		for (; va < end; va += NVBAR_PAGE_SIZE, span.pa += NVBAR_PAGE_SIZE) {
			u64 *entry = &leaf->table[va >> table_shift].entry[nvbar_mmu_index(leaf->shape, va)];

			WARN_ON_ONCE(*entry);
			*entry = template | span.pa >> pt->fmt->pte_addr_shift;
		}
	}
}

/* The words of leaf table @i that [@va, @va + @len) covers. */
static struct run leaf_words(const struct nvbar_pt_level *leaf, u64 i, u64 va, u64 len)
{
	u64 start = i << nvbar_mmu_table_shift(leaf->shape);
	u64 last = start + (1ULL << nvbar_mmu_table_shift(leaf->shape)) - 1;

	return (struct run){
		nvbar_mmu_index(leaf->shape, max(va, start)),
		nvbar_mmu_index(leaf->shape, min(va + len - 1, last)),
	};
}

void nvbar_pt_map(struct nvbar_gpu *gpu, u64 va, u64 len, const struct nvbar_spans *spans,
		  const struct nvbar_pte *attr)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct nvbar_pt_level *leaf = &pt->level[0];
	struct run run = tables_of(leaf, va, len);
	u64 template = 0;
	unsigned int l;
	u64 i;

	WARN_ON_ONCE(pt->fmt->encode_pte(attr, &template));
	fill_shadow(pt, va, spans, template);
	for (i = run.first; i <= run.last; i++)
		sync_table(gpu, leaf, i, leaf_words(leaf, i, va, len));

	/* Upwards, so that nothing reachable is ever unwritten. */
	for (l = 0; l + 1 < pt->fmt->nr_levels; l++)
		link_tables(gpu, l, tables_of(&pt->level[l], va, len));
}

static void unlink_table(struct nvbar_gpu *gpu, unsigned int l, u64 i)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct nvbar_pt_level *level = &pt->level[l];
	u64 parent, word;
	u64 *entry = parent_word(pt, l, i, &parent, &word);

	*entry = 0;
	sync_table(gpu, &pt->level[l + 1], parent, (struct run){ word, word });
	level->table[i].linked = false;
	pt->linked_bytes -= level->table_bytes;
}

void nvbar_pt_clear(struct nvbar_gpu *gpu, u64 va, u64 len)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct nvbar_pt_level *leaf = &pt->level[0];
	struct run run = tables_of(leaf, va, len);
	u64 warm = pt->warm_bytes;
	u64 i;

	for (i = run.first; i <= run.last; i++) {
		struct nvbar_pt_table *table = &leaf->table[i];
		struct run words = leaf_words(leaf, i, va, len);

		memset(&table->entry[words.first], 0, 8 * (words.last - words.first + 1));
		if (table->nr_users == 1 && warm + leaf->table_bytes > NVBAR_PT_WARM_MAX) {
			unlink_table(gpu, 0, i);
			table->synced = false;
			continue;
		}
		sync_table(gpu, leaf, i, words);
		if (table->nr_users == 1)
			warm += leaf->table_bytes;
	}
}

bool nvbar_pt_unlink_unused(struct nvbar_gpu *gpu)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	bool changed = false;
	unsigned int l;
	u64 i;

	for (l = 0; l + 1 < pt->fmt->nr_levels; l++) {
		struct nvbar_pt_level *level = &pt->level[l];

		for (i = 0; i < level->nr_tables; i++) {
			if (!level->table[i].linked || level->table[i].nr_users)
				continue;
			unlink_table(gpu, l, i);
			pt->warm_bytes -= level->table_bytes;
			/* Without users its words are zero, in the shadow and in VRAM. */
			shadow_free(pt, level, i);
			changed = true;
		}
	}
	return changed;
}
