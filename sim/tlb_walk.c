/* SPDX-License-Identifier: MIT */
/* The walks that fill the TLB, and what they find that no driver may have written. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim_bits.h"
#include "sim_tlb.h"
#include "hw/mmu.h"
#include "hw/mmu_fault.h"

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

/* The root's line is read with whatever stands in it, and on v3 behind it. */
static void check_root_line(const struct sim_tlb *tlb, const struct sim_mmu_slot *slot)
{
	uint64_t at = slot->addr - slot->addr % SIM_TLB_LINE, end = at + SIM_TLB_LINE, raw;
	const char *why;

	for (; at < end && sim_vram_has(tlb->vram, at, 8); at += 8) {
		raw = sim_vram_load(tlb->vram, at, 8);
		why = at == slot->addr ? NULL : sim_mmu_garbage(tlb->arch, raw, tlb->vram->size);
		if (why) {
			misuse(tlb, "the root's line has 0x%llx at 0x%llx, which %s",
			       (unsigned long long)raw, (unsigned long long)at, why);
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
		entry = sim_tlb_slot(tlb, slot.level, i);
		if (sim_tlb_holds(tlb, entry, fill->pdb, slot.level, i) ||
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
	struct sim_tlb_entry *entry = sim_tlb_slot(tlb, slot->level, index);

	if (slot->shift == SIM_PAGE_SHIFT)	/* those are cached as translations */
		return fetch_vram(tlb, va, slot, val);
	if (!sim_tlb_holds(tlb, entry, fill->pdb, slot->level, index) || sim_tlb_evicts(tlb)) {
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
	       (unsigned long long)(vpn << SIM_PAGE_SHIFT));
}

void sim_tlb_check_hand_over(struct sim_tlb *tlb)
{
	const struct sim_tlb_recent *r;
	struct sim_mmu_walk w;

	for (r = tlb->recent; r < tlb->recent + SIM_TLB_NR_RECENT; r++) {
		if (!r->walked || !holds_4k_pages(tlb, r->pdb, r->vpn, SIM_TLB_PAGES_PER_LINE))
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
	uint64_t first = vpn - vpn % SIM_TLB_PAGES_PER_LINE, i;
	struct sim_mmu_walk w;

	for (i = first; i < first + SIM_TLB_PAGES_PER_LINE; i++) {
		if (i == vpn || sim_tlb_find(fill->tlb, fill->pdb, i))
			continue;
		walk(fill->tlb, fill->pdb, i << SIM_PAGE_SHIFT, fetch_cached, fill, &w);
		if (ends_in_4k_table(&w))
			sim_tlb_remember(fill->tlb, fill->pdb, i, &w.xlat);
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

	tlb->recent[vpn / SIM_TLB_PAGES_PER_LINE % SIM_TLB_NR_RECENT] =
		(struct sim_tlb_recent) { vpn, pdb, true };
	walk(tlb, pdb, vpn << SIM_PAGE_SHIFT, fetch_cached, &fill, &w);
	/* Larger pages stand in an entry, whose cache makes theirs age together. */
	if (ends_in_4k_table(&w))
		fill_line(&fill, vpn);
	check_walk(tlb, va, &w);
	if (is_page_of(&w.xlat, MMU_PAGE_SHIFT_64K) && holds_4k_pages(tlb, pdb, vpn, PAGES_PER_64K))
		handed_over(tlb, vpn);
	return sim_tlb_remember(tlb, pdb, vpn, &w.xlat);
}

void sim_tlb_refill(struct sim_tlb *twin, const struct sim_tlb *tlb)
{
	const struct sim_tlb_recent *r;

	for (r = tlb->recent; r < tlb->recent + SIM_TLB_NR_RECENT; r++)
		if (r->walked && twin->pdb[r->pdb].gen[0] != tlb->pdb[r->pdb].gen[0])
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
