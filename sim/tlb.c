/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_bits.h"
#include "sim_tlb.h"
#include "hw/mmu.h"
#include "hw/mmu_fault.h"

#define PAGES_PER_LINE	(SIM_TLB_LINE / 8)
#define PAGES_PER_64K	(1u << (MMU_PAGE_SHIFT_64K - MMU_PAGE_SHIFT_4K))

struct sim_tlb *sim_tlb_create(const struct sim_mmu_arch *arch, const struct sim_vram *vram)
{
	struct sim_tlb *tlb = calloc(1, sizeof(*tlb));

	if (tlb) {
		tlb->arch = arch;
		tlb->vram = vram;
	}
	return tlb;
}

void sim_tlb_evict(struct sim_tlb *tlb)
{
	/* 1 to 2 * evict - 1, each as likely */
	tlb->evict_in = 1 + sim_random(&tlb->random) % (2ull * tlb->evict - 1);
}

void sim_tlb_set_eviction(struct sim_tlb *tlb, unsigned int evict, uint64_t seed)
{
	tlb->evict = evict;
	tlb->random = seed;
	tlb->evict_in = 0;
	if (evict)
		sim_tlb_evict(tlb);
}

static struct sim_tlb_pdb *find_pdb(struct sim_tlb *tlb, enum sim_mmu_space space, uint64_t root)
{
	unsigned int i;

	for (i = 0; i < tlb->nr_pdbs; i++)
		if (tlb->pdb[i].root == root && tlb->pdb[i].space == space)
			return &tlb->pdb[i];
	return NULL;
}

static void drop(struct sim_tlb_pdb *pdb, unsigned int nr_levels)
{
	unsigned int level;

	for (level = 0; level < nr_levels && level < SIM_MMU_MAX_LEVELS; level++)
		pdb->gen[level]++;
	if (nr_levels >= SIM_TLB_ALL_LEVELS)
		pdb->first_page = pdb->end_page = 0;
}

unsigned int sim_tlb_pdb_id(struct sim_tlb *tlb, enum sim_mmu_space space, uint64_t root)
{
	struct sim_tlb_pdb *pdb = find_pdb(tlb, space, root);

	if (pdb)
		return pdb - tlb->pdb;
	if (tlb->nr_pdbs < SIM_TLB_NR_PDBS) {
		pdb = &tlb->pdb[tlb->nr_pdbs++];
	} else {
		pdb = &tlb->pdb[tlb->next_pdb];
		tlb->next_pdb = (tlb->next_pdb + 1) % SIM_TLB_NR_PDBS;
	}
	drop(pdb, SIM_TLB_ALL_LEVELS);	/* the previous owner's, and 0 means empty */
	pdb->root = root;
	pdb->space = space;
	return pdb - tlb->pdb;
}

void sim_tlb_drop(struct sim_tlb *tlb, enum sim_mmu_space space, uint64_t root,
		  unsigned int nr_levels)
{
	struct sim_tlb_pdb *pdb = find_pdb(tlb, space, root);

	if (pdb)
		drop(pdb, nr_levels);
}

void sim_tlb_drop_all(struct sim_tlb *tlb, unsigned int nr_levels)
{
	unsigned int i;

	for (i = 0; i < tlb->nr_pdbs; i++)
		drop(&tlb->pdb[i], nr_levels);
}

__attribute__((format(printf, 2, 3)))
static void misuse(const struct sim_tlb *tlb, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	if (!tlb->misuse)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	tlb->misuse(tlb->misuse_arg, what);
}

/* Straight from VRAM; this model has no system memory. */
static bool fetch_vram(void *arg, uint64_t va, const struct sim_mmu_slot *slot, uint64_t val[2])
{
	struct sim_tlb *tlb = arg;
	unsigned int i;

	(void)va;
	if (slot->space != SIM_MMU_VID || !sim_vram_has(tlb->vram, slot->addr, 8ull * slot->words))
		return false;
	for (i = 0; i < slot->words; i++)
		val[i] = sim_vram_load(tlb->vram, slot->addr + 8ull * i, 8);
	return true;
}

struct fill {
	struct sim_tlb *tlb;
	unsigned int pdb;
};

static bool is_held(const struct sim_tlb *tlb, const struct sim_tlb_entry *entry,
		    unsigned int pdb, unsigned int level, uint64_t index)
{
	return entry->index == index && entry->pdb == pdb &&
	       entry->gen == tlb->pdb[pdb].gen[level];
}

static struct sim_tlb_entry *entry_slot(struct sim_tlb *tlb, unsigned int level, uint64_t index)
{
	return &tlb->entry[level][index % SIM_TLB_NR_ENTRIES];
}

/* The root's line is read with whatever stands in it, and on v3 behind it. */
static void check_root_line(const struct sim_tlb *tlb, const struct sim_mmu_slot *slot)
{
	uint64_t at = slot->addr - slot->addr % SIM_TLB_LINE, end = at + SIM_TLB_LINE, raw;
	const char *why;

	for (; at < end && sim_vram_has(tlb->vram, at, 8); at += 8) {
		raw = sim_vram_load(tlb->vram, at, 8);
		why = at == slot->addr ? NULL : sim_mmu_garbage(tlb->arch, raw, tlb->vram->size);
		if (why) {
			misuse(tlb, "the root's word at 0x%llx, 0x%llx, is read with its entries, and %s",
			       (unsigned long long)at, (unsigned long long)raw, why);
			return;
		}
	}
}

/* Read the line of an entry.  What is held of it stays as it is. */
static void fetch_line(const struct fill *fill, uint64_t va, struct sim_mmu_slot slot)
{
	struct sim_tlb *tlb = fill->tlb;
	uint64_t bytes = 8ull * slot.words, index = va >> slot.shift;
	uint64_t first = index - slot.addr % SIM_TLB_LINE / bytes, i;
	uint32_t gen = tlb->pdb[fill->pdb].gen[slot.level];
	struct sim_tlb_entry *entry;
	uint64_t val[2] = { 0 };

	slot.addr -= slot.addr % SIM_TLB_LINE;
	for (i = first; i < first + SIM_TLB_LINE / bytes; i++, slot.addr += bytes) {
		entry = entry_slot(tlb, slot.level, i);
		if (is_held(tlb, entry, fill->pdb, slot.level, i) ||
		    !fetch_vram(tlb, va, &slot, val))
			continue;
		*entry = (struct sim_tlb_entry) { i, gen, fill->pdb, { val[0], val[1] } };
	}
}

/* Through the cache of entries. */
static bool fetch_cached(void *arg, uint64_t va, const struct sim_mmu_slot *slot, uint64_t val[2])
{
	const struct fill *fill = arg;
	struct sim_tlb *tlb = fill->tlb;
	uint64_t index = va >> slot->shift;
	struct sim_tlb_entry *entry = entry_slot(tlb, slot->level, index);

	if (slot->shift == SIM_PAGE_SHIFT)	/* those are cached as translations */
		return fetch_vram(tlb, va, slot, val);
	if (!is_held(tlb, entry, fill->pdb, slot->level, index) || sim_tlb_evicts(tlb)) {
		entry->gen = 0;
		if (!fetch_vram(tlb, va, slot, val))
			return false;
		fetch_line(fill, va, *slot);
		if (slot->level == tlb->arch->nr_levels - 1)
			check_root_line(tlb, slot);
	}
	val[0] = entry->val[0];
	val[1] = entry->val[1];
	return true;
}

static void walk(struct sim_tlb *tlb, unsigned int pdb, uint64_t va, sim_mmu_fetch_fn *fetch,
		 void *arg, struct sim_mmu_walk *w)
{
	const struct sim_tlb_pdb *p = &tlb->pdb[pdb];

	sim_mmu_walk(tlb->arch, p->space, p->root, va, fetch, arg, w);
	if (w->xlat.outcome != SIM_MMU_UNREADABLE)
		return;
	w->xlat.fault = w->step[w->nr_steps - 1].slot.space == SIM_MMU_VID ?
		MMU_FAULT_TYPE_REGION_VIOLATION : MMU_FAULT_TYPE_UNSUPPORTED_APERTURE;
}

static const struct sim_mmu_xlat *remember(struct sim_tlb *tlb, unsigned int pdb, uint64_t vpn,
				     const struct sim_mmu_xlat *xlat)
{
	uint32_t slot = vpn % SIM_TLB_NR_PAGES;
	struct sim_tlb_page *page = &tlb->page[slot];
	struct sim_tlb_pdb *p = &tlb->pdb[pdb];

	if (p->first_page == p->end_page || slot < p->first_page)
		p->first_page = slot;
	if (slot >= p->end_page)
		p->end_page = slot + 1;
	page->vpn = vpn;
	page->pdb = pdb;
	page->gen = p->gen[xlat->level];
	page->xlat = *xlat;
	return &page->xlat;
}

static bool is_page_of(const struct sim_mmu_xlat *xlat, unsigned int shift)
{
	return xlat->outcome == SIM_MMU_OK && xlat->page_shift == shift;
}

static bool holds_4k_page(const struct sim_tlb *tlb, unsigned int pdb, uint64_t vpn)
{
	const struct sim_tlb_page *page = sim_tlb_find(tlb, pdb, vpn);

	return page && is_page_of(&page->xlat, MMU_PAGE_SHIFT_4K);
}

/* Any of @nr pages, which are aligned to their number. */
static bool holds_4k_pages(const struct sim_tlb *tlb, unsigned int pdb, uint64_t vpn, uint64_t nr)
{
	uint64_t first = vpn - vpn % nr, i;

	for (i = first; i < first + nr; i++)
		if (holds_4k_page(tlb, pdb, i))
			return true;
	return false;
}

static void handed_over(const struct sim_tlb *tlb, uint64_t vpn)
{
	misuse(tlb, "VA 0x%llx: a valid 64 KiB entry above valid 4 KiB ones, with no invalidate between",
	       (unsigned long long)(vpn << SIM_PAGE_SHIFT));
}

void sim_tlb_check_hand_over(struct sim_tlb *tlb)
{
	const struct sim_tlb_recent *r;
	struct sim_mmu_walk w;

	for (r = tlb->recent; r < tlb->recent + SIM_TLB_NR_RECENT; r++) {
		if (!r->walked || !holds_4k_pages(tlb, r->pdb, r->vpn, PAGES_PER_LINE))
			continue;
		walk(tlb, r->pdb, r->vpn << SIM_PAGE_SHIFT, fetch_vram, tlb, &w);
		if (is_page_of(&w.xlat, MMU_PAGE_SHIFT_64K))
			handed_over(tlb, r->vpn);
	}
}

/* Whether the last entry that a walk read was one of a 4 KiB table. */
static bool ends_in_4k_table(const struct sim_mmu_walk *w)
{
	return w->nr_steps && w->step[w->nr_steps - 1].slot.shift == SIM_PAGE_SHIFT;
}

/* The translations that stand in one line with that of @vpn, unless they are held. */
static void fill_line(struct fill *fill, uint64_t vpn)
{
	uint64_t first = vpn - vpn % PAGES_PER_LINE, i;
	struct sim_mmu_walk w;

	for (i = first; i < first + PAGES_PER_LINE; i++) {
		if (i == vpn || sim_tlb_find(fill->tlb, fill->pdb, i))
			continue;
		walk(fill->tlb, fill->pdb, i << SIM_PAGE_SHIFT, fetch_cached, fill, &w);
		if (ends_in_4k_table(&w))
			remember(fill->tlb, fill->pdb, i, &w.xlat);
	}
}

/* What is in no memory faults, and then it has been said. */
static void check_walk(const struct sim_tlb *tlb, uint64_t va, const struct sim_mmu_walk *w)
{
	char why[128];

	if (tlb->misuse && sim_vram_has(tlb->vram, w->xlat.pa, 1) &&
	    sim_mmu_breach(tlb->arch, w, why, sizeof(why)))
		misuse(tlb, "VA 0x%llx: %s", (unsigned long long)va, why);
}

const struct sim_mmu_xlat *sim_tlb_fill(struct sim_tlb *tlb, unsigned int pdb, uint64_t va)
{
	struct fill fill = { tlb, pdb };
	uint64_t vpn = va >> SIM_PAGE_SHIFT;
	struct sim_mmu_walk w;

	tlb->recent[vpn / PAGES_PER_LINE % SIM_TLB_NR_RECENT] =
		(struct sim_tlb_recent) { vpn, pdb, true };
	walk(tlb, pdb, vpn << SIM_PAGE_SHIFT, fetch_cached, &fill, &w);
	/* Larger pages stand in an entry, whose cache makes theirs age together. */
	if (ends_in_4k_table(&w))
		fill_line(&fill, vpn);
	check_walk(tlb, va, &w);
	if (is_page_of(&w.xlat, MMU_PAGE_SHIFT_64K) && holds_4k_pages(tlb, pdb, vpn, PAGES_PER_64K))
		handed_over(tlb, vpn);
	return remember(tlb, pdb, vpn, &w.xlat);
}

struct sim_tlb *sim_tlb_twin(const struct sim_tlb *tlb)
{
	struct sim_tlb *twin = sim_tlb_create(tlb->arch, tlb->vram);

	if (twin) {
		twin->nr_pdbs = tlb->nr_pdbs;
		memcpy(twin->pdb, tlb->pdb, sizeof(tlb->pdb));
	}
	return twin;
}

void sim_tlb_refill(struct sim_tlb *twin, const struct sim_tlb *tlb)
{
	const struct sim_tlb_recent *r;

	for (r = tlb->recent; r < tlb->recent + SIM_TLB_NR_RECENT; r++)
		if (r->walked && twin->pdb[r->pdb].gen[0] != tlb->pdb[r->pdb].gen[0])
			sim_tlb_fill(twin, r->pdb, r->vpn << SIM_PAGE_SHIFT);
}

static void take_over_line(struct sim_tlb *tlb, const struct sim_tlb *twin, unsigned int pdb,
			   uint64_t vpn)
{
	uint64_t first = vpn - vpn % PAGES_PER_LINE, i;

	for (i = first; i < first + PAGES_PER_LINE; i++) {
		const struct sim_tlb_page *page = &twin->page[i % SIM_TLB_NR_PAGES];

		if (page->vpn == i && page->pdb == pdb &&
		    page->gen == tlb->pdb[pdb].gen[page->xlat.level] && !sim_tlb_find(tlb, pdb, i))
			remember(tlb, pdb, i, &page->xlat);
	}
}

static void take_over_entry(struct sim_tlb *tlb, const struct sim_tlb_entry *entry,
			    unsigned int level)
{
	struct sim_tlb_entry *own = entry_slot(tlb, level, entry->index);

	if (entry->gen && is_held(tlb, entry, entry->pdb, level, entry->index) &&
	    !is_held(tlb, own, entry->pdb, level, entry->index))
		*own = *entry;
}

void sim_tlb_take_over(struct sim_tlb *tlb, const struct sim_tlb *twin)
{
	const struct sim_tlb_recent *r;
	unsigned int level, i;

	for (r = twin->recent; r < twin->recent + SIM_TLB_NR_RECENT; r++)
		if (r->walked)
			take_over_line(tlb, twin, r->pdb, r->vpn);
	for (level = 0; level < tlb->arch->nr_levels; level++)
		for (i = 0; i < SIM_TLB_NR_ENTRIES; i++)
			take_over_entry(tlb, &twin->entry[level][i], level);
}

static bool view_page(const struct sim_tlb *tlb, unsigned int pdb, uint64_t slot, uint64_t va_end,
		      struct sim_tlb_view *view)
{
	const struct sim_tlb_page *page = &tlb->page[slot];
	const struct sim_mmu_xlat *x = &page->xlat;

	if (page->pdb != pdb || page->gen != tlb->pdb[pdb].gen[x->level] ||
	    page->vpn >= va_end >> SIM_PAGE_SHIFT)
		return false;
	*view = (struct sim_tlb_view) {
		.va = page->vpn << SIM_PAGE_SHIFT,
		.valid = x->outcome == SIM_MMU_OK, .sparse = x->outcome == SIM_MMU_SPARSE,
		.aperture = x->aperture, .pa = x->pa, .ro = x->flags & SIM_MMU_RO,
	};
	return true;
}

static bool view_pde(const struct sim_tlb *tlb, unsigned int pdb, unsigned int level, uint64_t slot,
		     uint64_t va_end, struct sim_tlb_view *view)
{
	const struct sim_tlb_entry *pde = &tlb->entry[level][slot];
	uint64_t va = pde->index << tlb->arch->level[level].shift;

	if (pde->pdb != pdb || pde->gen != tlb->pdb[pdb].gen[level] || va >= va_end)
		return false;
	*view = (struct sim_tlb_view) {
		.va = va, .level = level, .val = { pde->val[0], pde->val[1] },
	};
	return true;
}

size_t sim_tlb_read(const struct sim_tlb *tlb, unsigned int pdb, uint64_t va_end, uint64_t *cursor,
		    struct sim_tlb_view *view, size_t max)
{
	uint64_t end = SIM_TLB_NR_PAGES;	/* the page-directory entries come after the pages */
	unsigned int level;
	uint64_t slot, nr;
	size_t got = 0;

	if (*cursor < tlb->pdb[pdb].first_page)
		*cursor = tlb->pdb[pdb].first_page;
	for (; got < max && *cursor < tlb->pdb[pdb].end_page; ++*cursor)
		got += view_page(tlb, pdb, *cursor, va_end, &view[got]);
	if (got < max && *cursor < end)
		*cursor = end;
	for (level = 1; level < tlb->arch->nr_levels; level++) {
		/* Direct mapped: the aperture's are in the first so many. */
		nr = va_end ? ((va_end - 1) >> tlb->arch->level[level].shift) + 1 : 0;
		nr = nr < SIM_TLB_NR_ENTRIES ? nr : SIM_TLB_NR_ENTRIES;
		for (slot = *cursor - end; got < max && *cursor < end + nr; slot++, ++*cursor)
			got += view_pde(tlb, pdb, level, slot, va_end, &view[got]);
		end += nr;
	}
	return got;
}

size_t sim_tlb_count_stale(struct sim_tlb *tlb)
{
	const struct sim_tlb_page *page;
	struct sim_mmu_walk w;
	size_t stale = 0;

	for (page = tlb->page; page < tlb->page + SIM_TLB_NR_PAGES; page++) {
		if (!page->gen || page->gen != tlb->pdb[page->pdb].gen[page->xlat.level])
			continue;
		walk(tlb, page->pdb, page->vpn << SIM_PAGE_SHIFT, fetch_vram, tlb, &w);
		if (memcmp(&w.xlat, &page->xlat, sizeof(w.xlat)))
			stale++;
	}
	return stale;
}
