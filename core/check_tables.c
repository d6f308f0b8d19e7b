// SPDX-License-Identifier: MIT
/*
 * Check of the tables in VRAM.
 *
 * Tables are gone through level by level from the root down, each at its home,
 * and only if the one entry that is to lead there does.  So whatever VRAM
 * holds, no table is read twice and nothing else is read.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "check_internal.h"
#include "chip.h"
#include "pt_internal.h"
#include "walk.h"

/* What is known of a table by its entries above */
#define REACHED BIT(0) /* its own leads to it, and it is in use */
#define LINKED	BIT(1) /* some entry leads to it, and it is in use */

/*
 * @flags: of each table, by level; tables of 64 KiB leaves come last
 * @live: mapping that the last leaf belongs to, or NULL
 * @template: its leaves but for the address
 * @max_field: the largest address of a page, as an entry has it
 * @covered: bytes under good leaves
 * @words: of the table of 4 KiB leaves or the directory at hand
 * @big: of the table of 64 KiB leaves beside it
 */
struct tables {
	struct nvbar_check_ctx *ctx;
	struct nvbar_gpu *gpu;
	struct nvbar_pt *pt;
	u8 *flags[NVBAR_MMU_LEVELS + 1];
	const struct nvbar_mapping *live;
	u64 template;
	u64 max_field;
	u64 covered;
	u64 words[PT_WORDS];
	u64 big[PT_WORDS];
};

/* A table: level nr_levels stands for those of 64 KiB leaves. */
struct table_id {
	unsigned int l;
	u64 i;
};

/* An entry, and what it is about. */
struct place {
	const char *table;
	u64 va;
	u64 pa;
	struct table_id id;
};

#define problem(t, kind, ...) nvbar_check_problem((t)->ctx->check, kind, __VA_ARGS__)

static unsigned int big_level(const struct tables *t)
{
	return t->pt->fmt->nr_levels;
}

static struct nvbar_pt_level *level_of(const struct tables *t, unsigned int l)
{
	return l == big_level(t) ? &t->pt->big : &t->pt->level[l];
}

static struct nvbar_pt_table *table_of(const struct tables *t, struct table_id id)
{
	return &level_of(t, id.l)->table[id.i];
}

static const char *name_of(const struct tables *t, unsigned int l)
{
	return l == big_level(t) ? nvbar_mmu_level_name(0, true) : nvbar_mmu_level_name(l, false);
}

/* --- leaves --- */

/* Makes the mapping of @va the one at hand. */
static void find_live(struct tables *t, u64 va)
{
	struct nvbar_pte attr;

	t->live = nvbar_check_live(t->gpu, va);
	if (!t->live)
		return;
	attr = nvbar_vmm_attr(t->live->flags);
	t->pt->fmt->encode_pte(&attr, &t->template);
}

/* Of a leaf size that is at home here, all in VRAM, and just as the driver writes it. */
static bool is_good(struct tables *t, u64 va, u64 raw, unsigned int shift)
{
	u64 bytes = 1ULL << shift;
	u64 field, pa;

	if (!t->live || va - t->live->node.start >= t->live->node.len)
		find_live(t, va);
	if (!t->live || !(t->live->page_sizes & bytes) ||
	    bytes > t->live->node.start + t->live->node.len - va)
		return false;
	field = raw ^ t->template;
	pa = field << t->pt->fmt->pte_addr_shift;
	return field <= t->max_field && !(pa & (bytes - 1)) && bytes <= t->gpu->vram_size - pa;
}

/* What the mapping shows, and whose page stands there instead. */
static int check_page(struct tables *t, const struct place *at, const struct nvbar_pte *pte)
{
	struct nvbar_pte shown;
	u64 skip = at->va & ((1ULL << nvbar_pt_lookup(t->gpu, at->va, &shown)) - 1);
	char owner[96] = "";
	int ret = 0;

	if (shown.state != NVBAR_ENTRY_VALID ||
	    (pte->aperture == NVBAR_APERTURE_VID && pte->addr == shown.addr + skip))
		return 0;
	if (pte->aperture != NVBAR_APERTURE_VID)
		scnprintf(owner, sizeof(owner), "not in VRAM");
	else if (t->ctx->check->problem)
		ret = nvbar_check_owner(t->ctx, pte->addr, owner, sizeof(owner));
	if (ret)
		return ret;
	problem(t, NVBAR_CHECK_FOREIGN_PAGE,
		"%s entry for VA 0x%llx: page 0x%llx is %s; the mapping 0x%llx+0x%llx shows 0x%llx",
		at->table, at->va, pte->addr, owner, t->live->node.start, t->live->node.len,
		shown.addr + skip);
	return 0;
}

/* What is wrong with a leaf that a live mapping could have there. */
static int explain_live(struct tables *t, const struct place *at, u64 raw, unsigned int shift,
			const struct nvbar_pte *pte)
{
	const struct nvbar_va_node *node = &t->live->node;
	u64 bytes = 1ULL << shift;

	if (bytes > node->start + node->len - at->va)
		problem(t, NVBAR_CHECK_FREE_PAGE,
			"%s entry for VA 0x%llx: 0x%llx bytes leave the mapping 0x%llx+0x%llx",
			at->table, at->va, bytes, node->start, node->len);
	else if (!(t->live->page_sizes & bytes))
		problem(t, NVBAR_CHECK_LEAF_SIZE,
			"%s entry for VA 0x%llx: the mapping 0x%llx+0x%llx has no leaves of 0x%llx",
			at->table, at->va, node->start, node->len, bytes);
	else if (!is_good(t, at->va, raw, shift))
		problem(t, NVBAR_CHECK_ODD_ENTRY,
			"%s entry 0x%016llx for VA 0x%llx: rights, kind or address of none of ours",
			at->table, raw, at->va);
	return check_page(t, at, pte);
}

static int explain_leaf(struct tables *t, const struct place *at, u64 raw, unsigned int shift)
{
	u64 bytes = 1ULL << shift;
	struct nvbar_pte pte;

	t->pt->fmt->decode_pte(raw, &pte);
	if (pte.state != NVBAR_ENTRY_VALID) {
		problem(t, NVBAR_CHECK_ODD_ENTRY,
			"%s entry 0x%016llx for VA 0x%llx: not valid, not empty", at->table, raw,
			at->va);
		return 0;
	}
	if (!(t->gpu->chip->page_sizes & bytes)) {
		problem(t, NVBAR_CHECK_LEAF_SIZE,
			"%s entry 0x%016llx for VA 0x%llx: %s has no leaves of 0x%llx", at->table,
			raw, at->va, t->gpu->chip->name, bytes);
		return 0;
	}
	find_live(t, at->va);
	if (t->live)
		return explain_live(t, at, raw, shift, &pte);
	problem(t, NVBAR_CHECK_FREE_PAGE,
		"%s entry 0x%016llx for VA 0x%llx: nothing is mapped there", at->table, raw,
		at->va);
	return 0;
}

static int check_leaf(struct tables *t, const struct place *at, u64 raw, u64 was,
		      unsigned int shift)
{
	if (is_good(t, at->va, raw, shift)) {
		t->ctx->check->entries++;
		t->covered += 1ULL << shift;
		if (raw == was)
			return 0;
	}
	return explain_leaf(t, at, raw, shift);
}

/* --- links --- */

/* The table whose home is at @pa, if there is one. */
static bool find_home(const struct tables *t, u64 pa, struct table_id *id)
{
	for (id->l = 0; id->l <= big_level(t); id->l++) {
		const struct nvbar_pt_level *level = level_of(t, id->l);
		u64 off = pa - level->pa;

		if (pa < level->pa || off >= level->nr_tables * level->table_bytes)
			continue;
		id->i = off >> ilog2(level->table_bytes);
		return !(off & (level->table_bytes - 1));
	}
	return false;
}

static bool is_same(struct table_id a, struct table_id b)
{
	return a.l == b.l && a.i == b.i;
}

/* Is @up the directory @id or one above it? */
static bool is_above(const struct tables *t, struct table_id up, struct table_id id)
{
	u64 va = id.i << nvbar_mmu_table_shift(level_of(t, id.l)->shape);

	return up.l != big_level(t) && up.l >= id.l &&
	       up.i == va >> nvbar_mmu_table_shift(t->pt->level[up.l].shape);
}

/* An entry that leads to another table than its own, @own. */
static void check_wrong_link(struct tables *t, const struct place *at, u64 pa, struct table_id to,
			     struct table_id own)
{
	u8 *flags = &t->flags[to.l][to.i];

	if (is_above(t, to, at->id)) {
		problem(t, NVBAR_CHECK_LOOP, "%s entry for VA 0x%llx: leads up to %s at 0x%llx",
			at->table, at->va, name_of(t, to.l), pa);
	} else if (!table_of(t, to)->linked) {
		problem(t, NVBAR_CHECK_FREE_PAGE,
			"%s entry for VA 0x%llx: %s at 0x%llx is not in use", at->table, at->va,
			name_of(t, to.l), pa);
	} else if (*flags & LINKED) {
		problem(t, NVBAR_CHECK_LINKED_TWICE,
			"%s entry for VA 0x%llx: %s at 0x%llx is linked already", at->table, at->va,
			name_of(t, to.l), pa);
	} else {
		*flags |= LINKED;
		problem(t, NVBAR_CHECK_STRAY_TABLE,
			"%s entry for VA 0x%llx: %s at 0x%llx is for VA 0x%llx; its own is 0x%llx",
			at->table, at->va, name_of(t, to.l), pa,
			to.i << nvbar_mmu_table_shift(level_of(t, to.l)->shape),
			pt_table_pa(level_of(t, own.l), own.i));
	}
}

/* The right link: goes on below if the driver knows of it, too. */
static void check_own_link(struct tables *t, const struct place *at, u64 pa, struct table_id own)
{
	const struct nvbar_pt_table *table = table_of(t, own);
	u8 *flags = &t->flags[own.l][own.i];

	if (!table->linked || !table->entry) {
		problem(t, NVBAR_CHECK_FREED_TABLE,
			"%s entry for VA 0x%llx: links %s at 0x%llx, which was freed", at->table,
			at->va, name_of(t, own.l), pa);
		return;
	}
	if (*flags & LINKED)
		problem(t, NVBAR_CHECK_LINKED_TWICE,
			"%s entry for VA 0x%llx: %s at 0x%llx is linked already", at->table, at->va,
			name_of(t, own.l), pa);
	*flags |= LINKED | REACHED;
}

/* An entry above a table, or one half of a dual one. */
static void check_link(struct tables *t, const struct place *at, u64 raw, bool big)
{
	struct table_id to, own = { .l = big ? big_level(t) : at->id.l - 1 };
	struct nvbar_pde pde;

	own.i = at->va >> t->pt->level[at->id.l].shape->shift;
	t->pt->fmt->decode_pde(raw, big, &pde);
	if (nvbar_mmu_is_leaf(raw) || pde.state != NVBAR_ENTRY_VALID)
		problem(t, NVBAR_CHECK_ODD_ENTRY,
			"%s entry 0x%016llx for VA 0x%llx: not valid, not empty", at->table, raw,
			at->va);
	else if (pde.aperture != NVBAR_APERTURE_VID || !find_home(t, pde.addr, &to))
		problem(t, NVBAR_CHECK_STRAY_TABLE,
			"%s entry 0x%016llx for VA 0x%llx: 0x%llx is no table", at->table, raw,
			at->va, pde.addr);
	else if (is_same(to, own))
		check_own_link(t, at, pde.addr, own);
	else
		check_wrong_link(t, at, pde.addr, to, own);
}

/* --- tables --- */

static int read_table(struct tables *t, unsigned int l, u64 i, u64 *words)
{
	const struct nvbar_pt_level *level = level_of(t, l);
	u32 nr = level->table_bytes / 8;
	int ret;

	ret = nvbar_pramin_rd_words(t->gpu, pt_table_pa(level, i), words, nr);
	if (ret)
		return ret;
	t->ctx->check->tables++;
	return nvbar_pramin_may_be_gone(words[nr - 1]) ? nvbar_gpu_alive(t->gpu) : 0;
}

static struct place place_of(const struct tables *t, struct table_id id, u32 e)
{
	const struct nvbar_pt_level *level = level_of(t, id.l);

	return (struct place){
		.table = name_of(t, id.l),
		.va = (id.i << nvbar_mmu_table_shift(level->shape)) +
		      ((u64)e << level->shape->shift),
		.pa = pt_table_pa(level, id.i) + 8ULL * level->shape->entry_words * e,
		.id = id,
	};
}

/* Says a word, whether or not it is what was written, that there is nothing? */
static bool is_nothing(const struct tables *t, struct table_id id, u32 word, u64 raw)
{
	return !raw || raw == pt_background(t->pt, level_of(t, id.l), id.i, word);
}

static void check_word(struct tables *t, const struct place *at, unsigned int word, u64 raw,
		       u64 was)
{
	if (raw != was)
		problem(t, NVBAR_CHECK_SHADOW_DIFFERS,
			"%s word at 0x%llx for VA 0x%llx: 0x%016llx, but 0x%016llx was written",
			at->table, at->pa + 8ULL * word, at->va, raw, was);
}

/* Is the entry one for VA of BAR1? */
static bool in_aperture(struct tables *t, const struct place *at, u64 raw)
{
	if (at->va < t->gpu->va_size)
		return true;
	problem(t, NVBAR_CHECK_OUTSIDE_APERTURE,
		"%s entry 0x%016llx for VA 0x%llx: BAR1 ends at 0x%llx", at->table, raw, at->va,
		t->gpu->va_size);
	return false;
}

/* @word: number in the table of the first word. */
static int check_dir_entry(struct tables *t, const struct place *at, u32 word, const u64 *raw,
			   const u64 *was)
{
	const struct nvbar_mmu_level *shape = t->pt->level[at->id.l].shape;
	bool dual = shape->entry_words == 2;
	bool first = !is_nothing(t, at->id, word, raw[0]);
	bool second = dual && raw[1];

	check_word(t, at, 0, raw[0], was[0]);
	if (dual)
		check_word(t, at, 1, raw[1], was[1]);
	if (!first && !second)
		return 0;
	if (!in_aperture(t, at, first ? raw[0] : raw[1]))
		return 0;
	if (nvbar_mmu_is_leaf(raw[0])) {
		/* The hardware looks at no more than the first word. */
		if (second)
			problem(t, NVBAR_CHECK_BOTH_SIZES,
				"%s entry for VA 0x%llx: a leaf 0x%016llx, and a table 0x%016llx",
				at->table, at->va, raw[0], raw[1]);
		return check_leaf(t, at, raw[0], was[0], shape->shift);
	}
	if (first)
		check_link(t, at, raw[0], dual);
	if (second)
		check_link(t, at, raw[1], false);
	return 0;
}

static int check_directory(struct tables *t, struct table_id id)
{
	const struct nvbar_pt_level *level = level_of(t, id.l);
	const u64 *was = table_of(t, id)->entry;
	u32 step = level->shape->entry_words;
	u32 nr = level->table_bytes / 8;
	u32 w;
	int ret;

	ret = read_table(t, id.l, id.i, t->words);
	for (w = 0; w < nr && !ret; w += step) {
		struct place at;

		if (t->words[w] == was[w] && is_nothing(t, id, w, was[w]) &&
		    (step == 1 || !(t->words[w + 1] | was[w + 1])))
			continue;
		at = place_of(t, id, w / step);
		/* A small root fills its page all the same. */
		if (w / step < 1u << level->shape->bits)
			ret = check_dir_entry(t, &at, w, &t->words[w], &was[w]);
		else
			check_word(t, &at, 0, t->words[w], was[w]);
	}
	return ret;
}

static int check_leaf_table(struct tables *t, struct table_id id, u64 *words)
{
	const struct nvbar_pt_level *level = level_of(t, id.l);
	const u64 *was = table_of(t, id)->entry;
	unsigned int shift = level->shape->shift;
	u64 va = id.i << nvbar_mmu_table_shift(level->shape);
	u64 unused = pt_background(t->pt, level, id.i, 0);
	u32 nr = level->table_bytes / 8;
	u32 w;
	int ret;

	ret = read_table(t, id.l, id.i, words);
	for (w = 0; w < nr && !ret; w++, va += 1ULL << shift) {
		struct place at;

		if (words[w] == was[w] && words[w] == unused)
			continue;
		if (words[w] == was[w] && is_good(t, va, words[w], shift)) {
			t->ctx->check->entries++;
			t->covered += 1ULL << shift;
			continue;
		}
		at = place_of(t, id, w);
		check_word(t, &at, 0, words[w], was[w]);
		if (words[w] && words[w] != unused)
			ret = check_leaf(t, &at, words[w], was[w], shift);
	}
	return ret;
}

/* 64 KiB and 4 KiB leaves for the same VA: the hardware takes the first. */
static void check_both(struct tables *t, u64 slot)
{
	const struct nvbar_mmu_level *big = t->pt->big.shape, *small = t->pt->level[0].shape;
	u32 nr = 1u << (big->shift - small->shift);
	u32 b, s;

	for (b = 0; b < 1u << big->bits; b++) {
		if (!nvbar_mmu_is_leaf(t->big[b]))
			continue;
		for (s = b * nr; s < (b + 1) * nr && !nvbar_mmu_is_leaf(t->words[s]); s++)
			;
		if (s < (b + 1) * nr)
			problem(t, NVBAR_CHECK_BOTH_SIZES,
				"VA 0x%llx: a 64 KiB leaf 0x%016llx, and a 4 KiB leaf 0x%016llx",
				(slot << nvbar_mmu_table_shift(small)) + ((u64)s << small->shift),
				t->big[b], t->words[s]);
	}
}

/* The two leaf tables of 2 MiB. */
static int check_slot(struct tables *t, u64 slot)
{
	const struct table_id small = {0, slot}, big = { big_level(t), slot };
	bool has_small = t->flags[0][slot] & REACHED;
	bool has_big = t->flags[big.l][slot] & REACHED;
	int ret = 0;

	if (has_small)
		ret = check_leaf_table(t, small, t->words);
	if (!ret && has_big)
		ret = check_leaf_table(t, big, t->big);
	if (!ret && has_small && has_big)
		check_both(t, slot);
	return ret;
}

/* Tables in use that no entry leads to, though the one above was read. */
static void check_lost(struct tables *t, unsigned int l)
{
	const struct nvbar_pt_level *level = level_of(t, l);
	unsigned int above = l == big_level(t) ? 1 : l + 1;
	unsigned int bits = t->pt->level[above].shape->bits;
	u64 i;

	for (i = 0; i < level->nr_tables; i++)
		if (level->table[i].linked && !(t->flags[l][i] & REACHED) &&
		    t->flags[above][i >> bits] & REACHED)
			problem(t, NVBAR_CHECK_LOST_TABLE,
				"%s at 0x%llx for VA 0x%llx: no entry leads there", name_of(t, l),
				pt_table_pa(level, i), i << nvbar_mmu_table_shift(level->shape));
}

static int check_levels(struct tables *t)
{
	unsigned int l;
	int ret = 0;
	u64 i;

	for (l = big_level(t); l-- > 1;)
		for (i = 0; i < t->pt->level[l].nr_tables && !ret; i++)
			if (t->flags[l][i] & REACHED)
				ret = check_directory(t, (struct table_id){ l, i });
	for (i = 0; i < t->pt->level[0].nr_tables && !ret; i++)
		if ((t->flags[0][i] | t->flags[big_level(t)][i]) & REACHED)
			ret = check_slot(t, i);
	if (ret)
		return ret;
	/* All but the root, which is where all begins */
	for (l = 0; l + 1 < big_level(t); l++)
		check_lost(t, l);
	check_lost(t, big_level(t));
	return 0;
}

/* --- mappings --- */

/* The first page without a leaf of its own in the shadow. */
static void check_mapping(struct tables *t, const struct nvbar_mapping *mapping)
{
	u64 va = mapping->node.start;
	u64 end = va + mapping->node.len;

	while (va < end) {
		struct nvbar_pte pte;
		u64 bytes = 1ULL << nvbar_pt_lookup(t->gpu, va, &pte);

		if (pte.state != NVBAR_ENTRY_VALID) {
			problem(t, NVBAR_CHECK_MISSING_ENTRY,
				"VA 0x%llx of the mapping 0x%llx+0x%llx \"%s\": no leaf", va,
				mapping->node.start, mapping->node.len, mapping->label);
			return;
		}
		va = (va | (bytes - 1)) + 1;
	}
}

/* The runs of VRAM that a mapping is found by are those that it shows. */
static int check_share(struct tables *t, const struct nvbar_share *share)
{
	const struct nvbar_va_node *node = &share->mapping->node;
	u64 va = share->va, pa = share->pa;
	char owner[96] = "";
	int ret;

	while (pa < share->end && va - node->start < node->len) {
		struct nvbar_pte pte;
		u64 bytes = 1ULL << nvbar_pt_lookup(t->gpu, va, &pte);
		u64 skip = va & (bytes - 1);

		if (pte.state == NVBAR_ENTRY_VALID && pte.addr + skip != pa) {
			ret = nvbar_check_owner(t->ctx, pte.addr + skip, owner, sizeof(owner));
			if (ret)
				return ret;
			problem(t, NVBAR_CHECK_FOREIGN_PAGE,
				"VA 0x%llx of the mapping 0x%llx+0x%llx: page 0x%llx is %s; it is for 0x%llx",
				va, node->start, node->len, pte.addr + skip, owner, pa);
			return 0;
		}
		va += bytes - skip;
		pa += bytes - skip;
	}
	if (pa < share->end)
		problem(t, NVBAR_CHECK_REFCOUNT,
			"mapping 0x%llx+0x%llx: found by a run of VRAM 0x%llx+0x%llx, which is longer",
			node->start, node->len, share->pa, share->end - share->pa);
	return 0;
}

/*
 * Every page of a live mapping has a leaf.  Leaves that are good lie in one,
 * and if they make up all of them there is none missing.
 */
static int check_mappings(struct tables *t)
{
	const struct nvbar_va_node *node;
	unsigned int s;
	u64 live = 0;
	int ret;

	for (node = nvbar_va_first(&t->gpu->vmm.va); node; node = nvbar_va_next(node)) {
		const struct nvbar_mapping *mapping = mapping_of(node);

		if (mapping->state != NVBAR_MAPPING_MAPPED)
			continue;
		t->ctx->check->mappings++;
		live += node->len;
		for (s = 0; s < mapping->nr_shares; s++) {
			ret = check_share(t, &mapping->share[s]);
			if (ret)
				return ret;
		}
	}
	if (live == t->covered)
		return 0;
	for (node = nvbar_va_first(&t->gpu->vmm.va); node; node = nvbar_va_next(node))
		if (mapping_of(node)->state == NVBAR_MAPPING_MAPPED)
			check_mapping(t, mapping_of(node));
	return 0;
}

/* --- all --- */

static u64 nr_tables(const struct tables *t)
{
	unsigned int l;
	u64 nr = 0;

	for (l = 0; l <= big_level(t); l++)
		nr += level_of(t, l)->nr_tables;
	return nr;
}

static int check_all(struct tables *t)
{
	unsigned int l;
	u8 *flags;
	int ret;

	flags = kvcalloc(nr_tables(t), sizeof(*flags), GFP_KERNEL);
	if (!flags)
		return -ENOMEM;
	t->flags[0] = flags;
	for (l = 0; l < big_level(t); l++)
		t->flags[l + 1] = t->flags[l] + level_of(t, l)->nr_tables;
	t->flags[big_level(t) - 1][0] = REACHED | LINKED;
	ret = check_levels(t);
	if (!ret)
		ret = check_mappings(t);
	kvfree(flags);
	return ret;
}

int nvbar_check_tables(struct nvbar_check_ctx *ctx)
{
	struct tables *t = kzalloc(sizeof(*t), GFP_KERNEL);
	int ret;

	if (!t)
		return -ENOMEM;
	t->ctx = ctx;
	t->gpu = ctx->gpu;
	t->pt = &ctx->gpu->vmm.pt;
	t->max_field = ctx->gpu->vram_size >> t->pt->fmt->pte_addr_shift;
	ret = check_all(t);
	kfree(t);
	return ret;
}
