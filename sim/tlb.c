/* SPDX-License-Identifier: MIT */
/* What the TLB holds, of which address spaces, and how it is dropped. */
#include <stdlib.h>
#include <string.h>

#include "sim_tlb.h"

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

const struct sim_mmu_xlat *sim_tlb_remember(struct sim_tlb *tlb, unsigned int pdb, uint64_t vpn,
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

struct sim_tlb *sim_tlb_twin(const struct sim_tlb *tlb)
{
	struct sim_tlb *twin = sim_tlb_create(tlb->arch, tlb->vram);

	if (twin) {
		twin->nr_pdbs = tlb->nr_pdbs;
		memcpy(twin->pdb, tlb->pdb, sizeof(tlb->pdb));
	}
	return twin;
}

static void take_over_line(struct sim_tlb *tlb, const struct sim_tlb *twin, unsigned int pdb,
			   uint64_t vpn)
{
	uint64_t first = vpn - vpn % SIM_TLB_PAGES_PER_LINE, i;

	for (i = first; i < first + SIM_TLB_PAGES_PER_LINE; i++) {
		const struct sim_tlb_page *page = &twin->page[i % SIM_TLB_NR_PAGES];

		if (page->vpn == i && page->pdb == pdb &&
		    page->gen == tlb->pdb[pdb].gen[page->xlat.level] && !sim_tlb_find(tlb, pdb, i))
			sim_tlb_remember(tlb, pdb, i, &page->xlat);
	}
}

static void take_over_entry(struct sim_tlb *tlb, const struct sim_tlb_entry *entry,
			    unsigned int level)
{
	struct sim_tlb_entry *own = sim_tlb_slot(tlb, level, entry->index);

	if (entry->gen && sim_tlb_holds(tlb, entry, entry->pdb, level, entry->index) &&
	    !sim_tlb_holds(tlb, own, entry->pdb, level, entry->index))
		*own = *entry;
}

/* Since the twin was made, another address space may have come in this one's place. */
static bool same_space(const struct sim_tlb *tlb, const struct sim_tlb *twin, unsigned int pdb)
{
	return tlb->pdb[pdb].root == twin->pdb[pdb].root &&
	       tlb->pdb[pdb].space == twin->pdb[pdb].space;
}

void sim_tlb_take_over(struct sim_tlb *tlb, const struct sim_tlb *twin)
{
	const struct sim_tlb_recent *r;
	unsigned int level, i;

	for (r = twin->recent; r < twin->recent + SIM_TLB_NR_RECENT; r++)
		if (r->gen && same_space(tlb, twin, r->pdb))
			take_over_line(tlb, twin, r->pdb, r->vpn);
	for (level = 0; level < tlb->arch->nr_levels; level++)
		for (i = 0; i < SIM_TLB_NR_ENTRIES; i++)
			if (same_space(tlb, twin, twin->entry[level][i].pdb))
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
