// SPDX-License-Identifier: MIT
/* Entries: which leaves a plan takes, and bringing them to VRAM and away again. */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/minmax.h>

#include "gpu.h"
#include "pt_internal.h"

/* --- choosing leaves --- */

/* The largest leaf for a run that begins like this. */
static unsigned int best_shift(u64 sizes, u64 va, const struct nvbar_span *span)
{
	unsigned int limit = ilog2(span->len);
	u64 both = va | span->pa;

	if (both)
		limit = min_t(unsigned int, limit, __ffs64(both));
	return ilog2(sizes & GENMASK_ULL(limit, 0));
}

/* How far leaves of 1 << @shift go: to the end, or to where a larger one fits. */
static u64 run_len(u64 sizes, unsigned int shift, u64 va, const struct nvbar_span *span)
{
	u64 larger = sizes & ~GENMASK_ULL(shift, 0);
	u64 head;

	if (larger) {
		larger = 1ULL << __ffs64(larger);
		head = round_up(va, larger) - va;
		if (!((va ^ span->pa) & (larger - 1)) && head < span->len &&
		    span->len - head >= larger)
			return head;
	}
	return span->len & ~GENMASK_ULL(shift - 1, 0);
}

void nvbar_pt_leaves_start(struct nvbar_pt_leaves *it, const struct nvbar_pt_plan *plan)
{
	it->end = plan->va + plan->len;
	it->va = plan->va;
	it->len = 0;
	it->page_sizes = plan->page_sizes;
	it->left.len = 0;
	nvbar_runs_start(&it->runs, plan->spans);
}

bool nvbar_pt_leaves_next(struct nvbar_pt_leaves *it)
{
	it->va += it->len;
	it->len = 0;
	if (!it->left.len) {
		it->left = nvbar_runs_next(&it->runs);
		if (!it->left.len || it->left.len > it->end - it->va ||
		    !IS_ALIGNED(it->left.pa | it->left.len, NVBAR_PAGE_SIZE)) {
			it->left.len = 0;
			return false;
		}
	}
	it->pa = it->left.pa;
	it->shift = best_shift(it->page_sizes, it->va, &it->left);
	it->len = run_len(it->page_sizes, it->shift, it->va, &it->left);
	it->left.pa += it->len;
	it->left.len -= it->len;
	return true;
}

/* --- entries into the shadow --- */

/* Leaves of a run in leaf tables.  Return: all these tables have a shadow. */
static bool fill_leaf_tables(const struct nvbar_pt *pt, const struct nvbar_pt_leaves *it,
			     u64 template)
{
	const struct nvbar_pt_level *level =
		it->shift == NVBAR_PAGE_SHIFT ? &pt->level[0] : &pt->big;
	unsigned int table_shift = nvbar_mmu_table_shift(level->shape);
	u64 step = (1ULL << it->shift) >> pt->fmt->pte_addr_shift;
	u64 entry = template | it->pa >> pt->fmt->pte_addr_shift;
	u64 va = it->va, end = it->va + it->len;

	while (va < end) {
		u64 slot = va >> table_shift;
		u64 stop = min(end, (slot + 1) << table_shift);
		u64 *word = level->table[slot].entry, *last;

		if (!word)
			return false;
		word += nvbar_mmu_index(level->shape, va);
		for (last = word + ((stop - va) >> it->shift); word < last; entry += step)
			*word++ = entry;
		va = stop;
	}
	return true;
}

/*
 * The same for a plan of 4 KiB leaves alone, which need not be sorted into runs.  All of
 * its range has tables.
 */
static bool fill_pages(const struct nvbar_pt *pt, const struct nvbar_pt_plan *plan, u64 template)
{
	const struct nvbar_pt_level *level = &pt->level[0];
	unsigned int addr_shift = pt->fmt->pte_addr_shift;
	u64 *word = NULL, *table_end = NULL;
	u64 va = plan->va, stop = plan->va + plan->len;
	size_t s;

	for (s = 0; s < plan->spans->nr; s++) {
		struct nvbar_span span = nvbar_spans_get(plan->spans, s);
		u64 entry = template | span.pa >> addr_shift;
		u64 end = va + span.len;

		if (!span.len || span.len > stop - va)
			return false;
		for (; va < end; va += NVBAR_PAGE_SIZE, entry += NVBAR_PAGE_SIZE >> addr_shift) {
			if (word == table_end) {
				word = level->table[va >> nvbar_mmu_table_shift(level->shape)].entry;
				table_end = word + PT_WORDS;
				word += nvbar_mmu_index(level->shape, va);
			}
			*word++ = entry;
		}
	}
	return va == stop;
}

/*
 * A warm table below an entry that becomes a leaf.  What a directory pointed
 * to goes with it; its shadow, which nobody reads below a leaf, is freed with
 * the leaf's mapping, and its words stay in VRAM.
 */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as page tables have levels */
static void drop_below(struct nvbar_gpu *gpu, unsigned int l, u64 i)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct nvbar_pt_level *level = &pt->level[l];
	struct nvbar_pt_table *table = &level->table[i];
	u64 child, nr = 1ULL << level->shape->bits;

	if (!l) {
		pt_set_linked(pt, &pt->big, i, false);
	} else if (table->linked) {
		for (child = i * nr; child < (i + 1) * nr; child++)
			drop_below(gpu, l - 1, child);
		pt_set_unsynced(level, i);
	}
	pt_set_linked(pt, level, i, false);
	if (!l)
		pt_follow_small(gpu, i);
}

/*
 * Large leaves, which stand in directories.  An entry that leads to a warm table
 * does not turn into a leaf in one step: half of each would lead anywhere.
 */
static void fill_directory(struct nvbar_gpu *gpu, const struct nvbar_pt_leaves *it, u64 template)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	u64 va = it->va, pa = it->pa;
	struct nvbar_pt_level *level;
	unsigned int l = 1;

	while (pt->level[l].shape->shift != it->shift)
		l++;
	level = &pt->level[l];
	for (; va < it->va + it->len; va += 1ULL << it->shift, pa += 1ULL << it->shift) {
		u64 i = va >> nvbar_mmu_table_shift(level->shape);
		u64 words = level->shape->entry_words;
		u64 word = nvbar_mmu_index(level->shape, va) * words;
		u64 *entry = &level->table[i].entry[word];

		drop_below(gpu, l - 1, va >> it->shift);
		if (nvbar_mmu_is_valid(entry[0])) {
			entry[0] = level->background;
			pt_sync(gpu, level, i, (struct pt_run){ word, word });
		}
		entry[0] = template | pa >> pt->fmt->pte_addr_shift;
		if (words == 2)
			entry[1] = 0;
	}
}

/* Return: the spans fill the range, and each table that they take has a shadow. */
static bool fill(struct nvbar_gpu *gpu, struct nvbar_pt_plan *plan, u64 template)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct nvbar_pt_leaves it;

	plan->used = NVBAR_PAGE_SIZE;
	if (plan->page_sizes == NVBAR_PAGE_SIZE)
		return fill_pages(pt, plan, template);
	plan->used = 0;
	nvbar_pt_leaves_start(&it, plan);
	while (nvbar_pt_leaves_next(&it)) {
		plan->used |= 1ULL << it.shift;
		if (it.shift > pt->big.shape->shift)
			fill_directory(gpu, &it, template);
		else if (!fill_leaf_tables(pt, &it, template))
			return false;
	}
	return it.va == it.end;
}

/* --- shadow to VRAM --- */

/* Words of leaf table @i that [va, end) covers. */
static struct pt_run words_of(const struct nvbar_pt_level *level, u64 i, u64 va, u64 end)
{
	unsigned int table_shift = nvbar_mmu_table_shift(level->shape);
	u64 first = max(va, i << table_shift);
	u64 last = min(end - 1, (i << table_shift) + (1ULL << table_shift) - 1);

	return (struct pt_run){
		nvbar_mmu_index(level->shape, first),
		nvbar_mmu_index(level->shape, last),
	};
}

static void sync_dirty(struct nvbar_gpu *gpu, struct nvbar_pt_level *level, u64 i,
		       const unsigned long *dirty)
{
	unsigned int first, end;

	for (first = find_first_bit(dirty, PT_WORDS); first < PT_WORDS;
	     first = find_next_bit(dirty, PT_WORDS, end)) {
		bool whole = !level->table[i].synced;

		end = find_next_zero_bit(dirty, PT_WORDS, first);
		pt_sync(gpu, level, i, (struct pt_run){ first, end - 1 });
		if (whole)
			return;
	}
}

/*
 * Writes the entries that a leaf table got in [va, end), which were all
 * invalid before: those that are not now.  Return: there were any.
 */
static bool publish_leaf_table(struct nvbar_gpu *gpu, struct nvbar_pt_level *level, u64 i, u64 va,
			       u64 end)
{
	const u64 *entry = level->table[i].entry;
	struct pt_run words = words_of(level, i, va, end);
	u64 unused = pt_background(&gpu->vmm.pt, level, i, 0);
	bool any = false;
	u64 w, stop;

	if (!entry)
		return false;
	for (w = words.first; w <= words.last; w = stop + 1) {
		for (stop = w; stop <= words.last && entry[stop] != unused; stop++)
			;
		if (stop == w)
			continue;
		any = true;
		if (!level->table[i].synced)
			stop = words.last;
		pt_sync(gpu, level, i, (struct pt_run){ w, stop - 1 });
	}
	return any;
}

/*
 * A slot gets its table of 4 KiB leaves, and what stands before that makes way: a
 * sparse big half, or sparse entries of 64 KiB.  The table comes first, so that
 * unused VA is never without either.
 */
static void uncover_small(struct nvbar_gpu *gpu, u64 slot, u64 word, unsigned long *dirty)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct nvbar_pt_level *above = &pt->level[1];
	u64 parent = slot >> above->shape->bits;
	struct nvbar_pt_table *table = &above->table[parent];

	if (!pt->sparse)
		return;
	if (table->linked) {
		pt_sync(gpu, above, parent, (struct pt_run){ word, word });
		__clear_bit(word, dirty);
	}
	pt_follow_small(gpu, slot);
	if (!pt->big.table[slot].linked) {
		table->entry[word - 1] = 0;
		__set_bit(word - 1, dirty);
	}
}

/* Sets the entry above a table that has something to show. */
static void link_table(struct nvbar_gpu *gpu, unsigned int l, struct nvbar_pt_level *level, u64 i,
		       unsigned long *dirty)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct nvbar_pt_level *above = &pt->level[l + 1];
	u64 word = pt_word_above(pt, l, level == &pt->big, i);

	if (level->table[i].linked)
		return;
	above->table[i >> above->shape->bits].entry[word] = pt_pde(pt, level, i);
	__set_bit(word, dirty);
	pt_set_linked(pt, level, i, true);
	if (level == &pt->level[0])
		uncover_small(gpu, i, word, dirty);
}

/*
 * What is done to entry @e of a directory of level @l, as far as [va, end)
 * goes; words that it changes are marked in @dirty.
 */
typedef void change_entry(struct nvbar_gpu *gpu, unsigned int l, u64 e, u64 va, u64 end,
			  unsigned long *dirty);

/* Changes the entries of table @i that cover [va, end), and then brings them to VRAM. */
static void change_table(struct nvbar_gpu *gpu, unsigned int l, u64 i, u64 va, u64 end,
			 change_entry *change)
{
	struct nvbar_pt_level *level = &gpu->vmm.pt.level[l];
	unsigned int shift = level->shape->shift;
	DECLARE_BITMAP(dirty, PT_WORDS) = { 0 };
	u64 start = max(va, i << nvbar_mmu_table_shift(level->shape));
	u64 stop = min(end, (i + 1) << nvbar_mmu_table_shift(level->shape));
	u64 e;

	for (e = start >> shift; e <= (stop - 1) >> shift; e++)
		change(gpu, l, e, start, stop, dirty);
	sync_dirty(gpu, level, i, dirty);
}

static void change_tree(struct nvbar_gpu *gpu, u64 va, u64 len, change_entry *change)
{
	change_table(gpu, gpu->vmm.pt.fmt->nr_levels - 1, 0, va, va + len, change);
}

/*
 * A leaf that is new, or what is new below, which comes first: nothing
 * reachable is ever unwritten.
 */
static void publish_entry(struct nvbar_gpu *gpu, unsigned int l, u64 e, u64 va, u64 end,
			  unsigned long *dirty)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct nvbar_pt_level *level = &pt->level[l];
	struct nvbar_pt_level *below = &pt->level[l - 1];
	u64 i = e >> level->shape->bits;
	u64 word = (e & ((1ULL << level->shape->bits) - 1)) * level->shape->entry_words;

	if (nvbar_mmu_is_leaf(level->table[i].entry[word])) {
		bitmap_set(dirty, word, level->shape->entry_words);
		return;
	}
	if (l == 1) {
		if (publish_leaf_table(gpu, below, e, va, end))
			link_table(gpu, 0, below, e, dirty);
		if (publish_leaf_table(gpu, &pt->big, e, va, end))
			link_table(gpu, 0, &pt->big, e, dirty);
		return;
	}
	change_table(gpu, l - 1, e, va, end, publish_entry);
	link_table(gpu, l - 1, below, e, dirty);
}

/* A plan without spans got shadows for any leaves: back with those it did not take. */
static void free_spare_shadows(struct nvbar_pt *pt, const struct nvbar_pt_plan *plan)
{
	struct pt_own own = pt_own_slots(pt, plan->va, plan->len);
	u64 i;

	for (i = own.first; i < own.end; i++) {
		if (!pt->level[0].table[i].linked)
			pt_shadow_free(pt, &pt->level[0], i);
		if (!pt->big.table[i].linked)
			pt_shadow_free(pt, &pt->big, i);
	}
}

/* --- and away again --- */

/* Makes the shadow's @words @unused; @used are those from the first to the last that were not. */
static u64 empty_words(struct nvbar_pt_table *table, struct pt_run words, u64 unused,
		       struct pt_run *used)
{
	u64 nr = 0;
	u64 w;

	for (w = words.first; w <= words.last; w++) {
		if (table->entry[w] == unused)
			continue;
		if (!nr++)
			used->first = w;
		used->last = w;
		table->entry[w] = unused;
	}
	return nr;
}

/*
 * Empties the words of a leaf table that a range covers.  Clearing the entry
 * above costs one write, but the table must be written whole before it can be
 * used again: worth it for half a table or more.
 */
static void clear_leaf_table(struct nvbar_gpu *gpu, struct nvbar_pt_level *level, u64 i, u64 va,
			     u64 end, unsigned long *dirty)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct nvbar_pt_table *table = &level->table[i];
	bool last_user = pt->level[0].table[i].nr_users == 1;
	struct pt_run words = { 0 };
	bool cheaper;
	u64 nr;

	if (!table->linked)
		return;
	nr = empty_words(table, words_of(level, i, va, end), pt_background(pt, level, i, 0),
			 &words);
	if (!nr)
		return;
	cheaper = nr >= level->table_bytes / 16;
	if (last_user && (cheaper || pt->warm_bytes + pt->cooling_bytes + level->table_bytes >
					     NVBAR_PT_WARM_MAX)) {
		pt_set_linked(pt, level, i, false);
		pt_set_unsynced(level, i);
		words = pt_unlink_above(pt, 0, level, i);
		bitmap_set(dirty, words.first, words.last - words.first + 1);
		if (level == &pt->level[0])
			pt_follow_small(gpu, i);
		return;
	}
	if (last_user)
		pt->cooling_bytes += level->table_bytes;
	pt_sync(gpu, level, i, words);
}

static void clear_entry(struct nvbar_gpu *gpu, unsigned int l, u64 e, u64 va, u64 end,
			unsigned long *dirty)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct nvbar_pt_level *level = &pt->level[l];
	u64 word = (e & ((1ULL << level->shape->bits) - 1)) * level->shape->entry_words;
	u64 *entry = &level->table[e >> level->shape->bits].entry[word];

	if (nvbar_mmu_is_leaf(*entry)) {
		/* A leaf of two words: the second was written 0. */
		*entry = level->background;
		__set_bit(word, dirty);
	} else if (l == 1) {
		clear_leaf_table(gpu, &pt->big, e, va, end, dirty);
		clear_leaf_table(gpu, &pt->level[0], e, va, end, dirty);
	} else {
		change_table(gpu, l - 1, e, va, end, clear_entry);
	}
}

void nvbar_pt_clear(struct nvbar_gpu *gpu, u64 va, u64 len)
{
	gpu->vmm.pt.cooling_bytes = 0;
	change_tree(gpu, va, len, clear_entry);
}

/* An entry that was filled and that VRAM never got. */
static void take_back_entry(struct nvbar_gpu *gpu, unsigned int l, u64 e, u64 va, u64 end,
			    unsigned long *dirty)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	struct nvbar_pt_level *level = &pt->level[l], *leaf[] = { &pt->level[0], &pt->big };
	u64 words = level->shape->entry_words;
	u64 word = (e & ((1ULL << level->shape->bits) - 1)) * words;
	u64 *entry = &level->table[e >> level->shape->bits].entry[word];
	struct pt_run used;
	size_t i;

	if (nvbar_mmu_is_leaf(*entry)) {
		*entry = level->background;
		/* VRAM may have half of an entry that made way. */
		bitmap_set(dirty, word, words);
		return;
	}
	if (l > 1) {
		change_table(gpu, l - 1, e, va, end, take_back_entry);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(leaf); i++)
		if (leaf[i]->table[e].entry)
			empty_words(&leaf[i]->table[e], words_of(leaf[i], e, va, end),
				    pt_background(pt, leaf[i], e, 0), &used);
}

bool nvbar_pt_map(struct nvbar_gpu *gpu, struct nvbar_pt_plan *plan, const struct nvbar_pte *attr)
{
	struct nvbar_pt *pt = &gpu->vmm.pt;
	u64 template;

	WARN_ON_ONCE(pt->fmt->encode_pte(attr, &template));
	if (!fill(gpu, plan, template)) {
		change_tree(gpu, plan->va, plan->len, take_back_entry);
		return false;
	}
	change_tree(gpu, plan->va, plan->len, publish_entry);
	free_spare_shadows(pt, plan);
	return true;
}

/* --- looking --- */

static unsigned int lookup_leaf(const struct nvbar_pt *pt, u64 slot, u64 va, struct nvbar_pte *pte)
{
	const struct nvbar_pt_level *leaf = &pt->level[0];
	const struct nvbar_pt_level *big = &pt->big;

	if (big->table[slot].entry) {
		pt->fmt->decode_pte(big->table[slot].entry[nvbar_mmu_index(big->shape, va)], pte);
		if (pte->state == NVBAR_ENTRY_VALID)
			return big->shape->shift;
	}
	if (leaf->table[slot].entry)
		pt->fmt->decode_pte(leaf->table[slot].entry[nvbar_mmu_index(leaf->shape, va)], pte);
	return leaf->shape->shift;
}

unsigned int nvbar_pt_lookup(const struct nvbar_gpu *gpu, u64 va, struct nvbar_pte *pte)
{
	const struct nvbar_pt *pt = &gpu->vmm.pt;
	unsigned int l;

	*pte = (struct nvbar_pte){ .state = NVBAR_ENTRY_INVALID };
	for (l = pt->fmt->nr_levels - 1; l; l--) {
		const struct nvbar_mmu_level *shape = pt->level[l].shape;
		const u64 *entry = pt->level[l].table[va >> nvbar_mmu_table_shift(shape)].entry;
		u64 word;

		if (!entry)
			return shape->shift;
		word = entry[(u64)nvbar_mmu_index(shape, va) * shape->entry_words];
		if (nvbar_mmu_is_leaf(word)) {
			pt->fmt->decode_pte(word, pte);
			return shape->shift;
		}
	}
	return lookup_leaf(pt, va >> nvbar_mmu_table_shift(pt->level[0].shape), va, pte);
}
