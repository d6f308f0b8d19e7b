/* SPDX-License-Identifier: MIT */
/* The walks that fill the TLB, and what they find that no driver may have written. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim_bits.h"
#include "sim_tlb.h"
#include "hw/mmu.h"
#include "hw/mmu_fault.h"

#define WORDS_PER_LINE	(SIM_TLB_LINE / 8)
#define PAGES_PER_64K	(1u << (MMU_PAGE_SHIFT_64K - MMU_PAGE_SHIFT_4K))

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

/* This model has no system memory. */
static bool is_readable(const struct sim_tlb *tlb, const struct sim_mmu_slot *slot)
{
	return slot->space == SIM_MMU_VID &&
	       sim_vram_has(tlb->vram, slot->addr, 8ull * slot->words);
}

/* Straight from VRAM */
static bool fetch_vram(void *arg, uint64_t va, const struct sim_mmu_slot *slot, uint64_t val[2])
{
	const struct sim_tlb *tlb = arg;
	unsigned int i;

	(void)va;
	if (!is_readable(tlb, slot))
		return false;
	for (i = 0; i < slot->words; i++)
		val[i] = sim_vram_load(tlb->vram, slot->addr + 8ull * i, 8);
	return true;
}

struct fill {
	struct sim_tlb *tlb;
	unsigned int pdb;
};

/* The root's line is read with whatever stands in it, and on v3 behind it. */
static void check_root_line(const struct sim_tlb *tlb, const struct sim_mmu_slot *slot,
			    const uint64_t line[WORDS_PER_LINE])
{
	unsigned int asked = slot->addr % SIM_TLB_LINE / 8, i;
	const char *why;

	for (i = 0; i < WORDS_PER_LINE; i++) {
		why = i == asked ? NULL : sim_mmu_garbage(tlb->arch, line[i], tlb->vram->size);
		if (why) {
			misuse(tlb, "word %u of the root table at 0x%llx is 0x%llx, which %s", i,
			       (unsigned long long)(slot->addr - slot->addr % SIM_TLB_LINE),
			       (unsigned long long)line[i], why);
			return;
		}
	}
}

/* Read the line of the entry with this index, which is readable.  What is held of it stays. */
static void fetch_line(const struct fill *fill, const struct sim_mmu_slot *slot, uint64_t index)
{
	struct sim_tlb *tlb = fill->tlb;
	uint64_t at = slot->addr - slot->addr % SIM_TLB_LINE;
	uint64_t first = index - slot->addr % SIM_TLB_LINE / (8ull * slot->words);
	uint32_t gen = tlb->pdb[fill->pdb].gen[slot->level];
	uint64_t line[WORDS_PER_LINE];
	unsigned int i, w;

	for (w = 0; w < WORDS_PER_LINE; w++)
		line[w] = sim_vram_load(tlb->vram, at + 8ull * w, 8);
	for (i = 0, w = 0; w < WORDS_PER_LINE; i++, w += slot->words) {
		struct sim_tlb_entry *entry = sim_tlb_slot(tlb, slot->level, first + i);

		if (sim_tlb_holds(tlb, entry, fill->pdb, slot->level, first + i))
			continue;
		*entry = (struct sim_tlb_entry) {
			first + i, gen, fill->pdb, { line[w], slot->words > 1 ? line[w + 1] : 0 },
		};
	}
	if (slot->level == tlb->arch->nr_levels - 1)
		check_root_line(tlb, slot, line);
}

/* Through the cache of entries. */
static bool fetch_cached(void *arg, uint64_t va, const struct sim_mmu_slot *slot, uint64_t val[2])
{
	const struct fill *fill = arg;
	struct sim_tlb *tlb = fill->tlb;
	uint64_t index = va >> slot->shift;
	struct sim_tlb_entry *entry = sim_tlb_slot(tlb, slot->level, index);

	if (slot->shift == SIM_PAGE_SHIFT)	/* those are cached as translations */
		return fetch_vram(tlb, va, slot, val);
	if (!sim_tlb_holds(tlb, entry, fill->pdb, slot->level, index) || sim_tlb_evicts(tlb)) {
		entry->gen = 0;
		if (!is_readable(tlb, slot))
			return false;
		fetch_line(fill, slot, index);
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
	misuse(tlb, "VA 0x%llx: from 4 KiB pages to one of 64 KiB without an invalidate between",
	       (unsigned long long)vpn << SIM_PAGE_SHIFT);
}

void sim_tlb_check_hand_over(struct sim_tlb *tlb)
{
	const struct sim_tlb_recent *r;
	struct sim_mmu_walk w;

	for (r = tlb->recent; r < tlb->recent + SIM_TLB_NR_RECENT; r++) {
		if (r->gen != tlb->pdb[r->pdb].gen[0] ||
		    !holds_4k_pages(tlb, r->pdb, r->vpn, SIM_TLB_PAGES_PER_LINE))
			continue;
		walk(tlb, r->pdb, r->vpn << SIM_PAGE_SHIFT, fetch_vram, tlb, &w);
		if (is_page_of(&w.xlat, MMU_PAGE_SHIFT_64K))
			handed_over(tlb, r->vpn);
	}
}

/* Whether the last entry that a walk read was one of a 4 KiB table. */
static bool ends_in_4k_table(const struct sim_mmu_walk *w)
{
	return w->nr_steps && w->step[w->nr_steps - 1].slot.shift == SIM_PAGE_SHIFT &&
	       w->xlat.outcome != SIM_MMU_UNREADABLE;
}

/* The translations whose entries stand in one line with that at @entry, unless they are held. */
static void fill_line(struct sim_tlb *tlb, unsigned int pdb, uint64_t vpn, uint64_t entry)
{
	uint64_t first = vpn - vpn % SIM_TLB_PAGES_PER_LINE, i;
	struct sim_mmu_xlat xlat;

	entry -= entry % SIM_TLB_LINE;
	for (i = first; i < first + SIM_TLB_PAGES_PER_LINE; i++, entry += 8) {
		if (i == vpn || sim_tlb_find(tlb, pdb, i))
			continue;
		sim_mmu_translate_4k(tlb->arch, sim_vram_load(tlb->vram, entry, 8), &xlat);
		sim_tlb_remember(tlb, pdb, i, &xlat);
	}
}

/* Did the walk meet the word that changed by itself, which nobody has written since? */
static bool met_flip(const struct sim_tlb *tlb, const struct sim_mmu_walk *w)
{
	const struct sim_tlb_flip *flip = &tlb->flip;
	const struct sim_mmu_step *step;
	unsigned int i;

	for (step = w->step; step < w->step + w->nr_steps; step++)
		for (i = 0; flip->any && i < step->slot.words; i++)
			if (step->slot.addr + 8ull * i == flip->pa && step->val[i] == flip->val)
				return true;
	return false;
}

/* What is in no memory faults, and then it has been said. */
static void check_walk(const struct sim_tlb *tlb, uint64_t va, const struct sim_mmu_walk *w)
{
	char why[128];

	if (tlb->misuse && !met_flip(tlb, w) && sim_vram_has(tlb->vram, w->xlat.pa, 1) &&
	    sim_mmu_breach(tlb->arch, w, why, sizeof(why)))
		misuse(tlb, "VA 0x%llx: %s", (unsigned long long)va, why);
}

const struct sim_mmu_xlat *sim_tlb_fill(struct sim_tlb *tlb, unsigned int pdb, uint64_t va)
{
	struct fill fill = { tlb, pdb };
	uint64_t vpn = va >> SIM_PAGE_SHIFT;
	struct sim_mmu_walk w;

	tlb->recent[vpn / SIM_TLB_PAGES_PER_LINE % SIM_TLB_NR_RECENT] =
		(struct sim_tlb_recent) { vpn, tlb->pdb[pdb].gen[0], pdb };
	walk(tlb, pdb, vpn << SIM_PAGE_SHIFT, fetch_cached, &fill, &w);
	/* Larger pages stand in an entry, whose cache makes theirs age together. */
	if (ends_in_4k_table(&w))
		fill_line(tlb, pdb, vpn, w.step[w.nr_steps - 1].slot.addr);
	check_walk(tlb, va, &w);
	if (is_page_of(&w.xlat, MMU_PAGE_SHIFT_64K) && holds_4k_pages(tlb, pdb, vpn, PAGES_PER_64K))
		handed_over(tlb, vpn);
	return sim_tlb_remember(tlb, pdb, vpn, &w.xlat);
}

void sim_tlb_refill(struct sim_tlb *twin, const struct sim_tlb *tlb)
{
	const struct sim_tlb_recent *r;

	for (r = tlb->recent; r < tlb->recent + SIM_TLB_NR_RECENT; r++)
		if (r->gen && twin->pdb[r->pdb].gen[0] != tlb->pdb[r->pdb].gen[0])
			sim_tlb_fill(twin, r->pdb, r->vpn << SIM_PAGE_SHIFT);
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
