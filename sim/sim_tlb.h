/* SPDX-License-Identifier: MIT */
/*
 * What the MMU remembers: translations, also of pages that had none, and
 * entries of page directories and of 64 KiB tables, also invalid ones.  It
 * forgets what it is told to, by page directory base (PDB) and level; other
 * things only now and then, at random, so that a driver can count on neither.
 *
 * Entries come in lines of 32 bytes: with the one that a walk asks for, the MMU
 * remembers its neighbours.  So a driver can't know that a page which nobody
 * touched is not remembered as one without a translation.  That lines are so
 * long is what [uvm] says of walk caches and what [OpenRM] clears root tables
 * for; that leaf tables are read so too is [assumed].
 *
 * Each entry carries the number its PDB and level had when it was filled.
 * Dropping a level of a PDB counts that number up, which orphans its entries.
 */
#ifndef SIM_TLB_H
#define SIM_TLB_H

#include <stddef.h>

#include "sim.h"
#include "sim_mmu.h"
#include "sim_vram.h"

/* 4 KiB translations: reaches all of a 256 MiB aperture without an eviction. */
#define SIM_TLB_NR_PAGES	65536
#define SIM_TLB_NR_ENTRIES	1024	/* of each level */
#define SIM_TLB_NR_PDBS		16
#define SIM_TLB_LINE		32	/* bytes */
#define SIM_TLB_PAGES_PER_LINE	(SIM_TLB_LINE / 8)
#define SIM_TLB_NR_RECENT	16	/* lines of translations */

#define SIM_TLB_ALL_LEVELS	SIM_MMU_MAX_LEVELS

/**
 * struct sim_tlb_page - one 4 KiB page's translation
 * @vpn: VA >> 12
 * @gen: the number of its PDB and level when it was filled; 0 never is one
 * @pdb: whose
 * @xlat: of the page's first byte
 */
struct sim_tlb_page {
	uint64_t vpn;
	uint32_t gen;
	uint32_t pdb;
	struct sim_mmu_xlat xlat;
};

/* One entry, both words of a dual one; fields as above. */
struct sim_tlb_entry {
	uint64_t index;		/* VA >> shift of its table */
	uint32_t gen;
	uint32_t pdb;
	uint64_t val[2];
};

/**
 * struct sim_tlb_pdb - an address space
 * @root: address of its root table
 * @space: where that is
 * @gen: the number of each level
 * @first_page: slots of @sim_tlb.page that were filled since all of its levels
 *	were dropped are not below it ...
 * @end_page: ... and below this
 */
struct sim_tlb_pdb {
	uint64_t root;
	enum sim_mmu_space space;
	uint32_t gen[SIM_MMU_MAX_LEVELS];
	uint32_t first_page;
	uint32_t end_page;
};

/* Told what a driver did wrong to the tables; the text is good during the call. */
typedef void sim_tlb_misuse_fn(void *arg, const char *what);

/* A page that was not held and had to be walked; @gen, then that of level 0, as above. */
struct sim_tlb_recent {
	uint64_t vpn;
	uint32_t gen;
	uint32_t pdb;
};

/**
 * struct sim_tlb_flip - an entry that changed by itself, and is no driver's mistake
 * @any: there is one
 * @pa: address of its word
 * @val: what that became
 */
struct sim_tlb_flip {
	bool any;
	uint64_t pa;
	uint64_t val;
};

/**
 * struct sim_tlb - the caches of one GPU
 * @arch: what it walks
 * @vram: where the tables are
 * @misuse: told of what no driver may do; may be NULL
 * @misuse_arg: its first argument
 * @flip: the newest bit that changed by itself
 * @nr_pdbs: slots of @pdb in use
 * @next_pdb: slot to be taken over when all are in use
 * @pdb: the address spaces known
 * @evict: mean number of lookups until one finds its entry forgotten; 0: none does
 * @evict_in: lookups until the next one that does
 * @random: state of what decides that
 * @recent: of each line's pages the last one walked, direct mapped
 * @page: translations, direct mapped
 * @entry: entries per level, direct mapped; of level 0 those of 64 KiB tables, as
 *	those of 4 KiB tables are translations
 */
struct sim_tlb {
	const struct sim_mmu_arch *arch;
	const struct sim_vram *vram;
	sim_tlb_misuse_fn *misuse;
	void *misuse_arg;
	struct sim_tlb_flip flip;
	unsigned int nr_pdbs;
	unsigned int next_pdb;
	struct sim_tlb_pdb pdb[SIM_TLB_NR_PDBS];
	unsigned int evict;
	unsigned int evict_in;
	uint64_t random;
	struct sim_tlb_recent recent[SIM_TLB_NR_RECENT];
	struct sim_tlb_page page[SIM_TLB_NR_PAGES];
	struct sim_tlb_entry entry[SIM_MMU_MAX_LEVELS][SIM_TLB_NR_ENTRIES];
};

/* Return: NULL without memory.  Freed with free(). */
struct sim_tlb *sim_tlb_create(const struct sim_mmu_arch *arch, const struct sim_vram *vram);

/**
 * sim_tlb_set_eviction - forget at random
 * @tlb: the caches
 * @evict: each lookup finds its entry forgotten with a chance of one in so many,
 *	and at the latest the one after twice as many; 0: never
 * @seed: which lookups these are
 */
void sim_tlb_set_eviction(struct sim_tlb *tlb, unsigned int evict, uint64_t seed);

/* Draw anew, for an entry that is forgotten now. */
void sim_tlb_evict(struct sim_tlb *tlb);

/* Whether the entry that is looked up now has been forgotten. */
static inline bool sim_tlb_evicts(struct sim_tlb *tlb)
{
	if (!tlb->evict_in || --tlb->evict_in)
		return false;
	sim_tlb_evict(tlb);
	return true;
}

/**
 * sim_tlb_pdb_id - the number of an address space
 * @tlb: the caches
 * @space: where its root is
 * @root: address of its root
 *
 * Return: good until the next call of this function.
 */
unsigned int sim_tlb_pdb_id(struct sim_tlb *tlb, enum sim_mmu_space space, uint64_t root);

/* Walk, past the cached translations, and remember what the walk meets. */
const struct sim_mmu_xlat *sim_tlb_fill(struct sim_tlb *tlb, unsigned int pdb, uint64_t va);

/* The one place for an entry, and whether that is what it holds. */
static inline struct sim_tlb_entry *sim_tlb_slot(struct sim_tlb *tlb, unsigned int level,
						 uint64_t index)
{
	return &tlb->entry[level][index % SIM_TLB_NR_ENTRIES];
}

static inline bool sim_tlb_holds(const struct sim_tlb *tlb, const struct sim_tlb_entry *entry,
				 unsigned int pdb, unsigned int level, uint64_t index)
{
	return entry->index == index && entry->pdb == pdb &&
	       entry->gen == tlb->pdb[pdb].gen[level];
}

/* Hold the translation of a page.  Return: what is held. */
const struct sim_mmu_xlat *sim_tlb_remember(struct sim_tlb *tlb, unsigned int pdb, uint64_t vpn,
					    const struct sim_mmu_xlat *xlat);

/* The translation that is held of a page; NULL if none is. */
static inline const struct sim_tlb_page *sim_tlb_find(const struct sim_tlb *tlb, unsigned int pdb,
						      uint64_t vpn)
{
	const struct sim_tlb_page *page = &tlb->page[vpn % SIM_TLB_NR_PAGES];

	return page->vpn == vpn && page->pdb == pdb &&
	       page->gen == tlb->pdb[pdb].gen[page->xlat.level] ? page : NULL;
}

/* What the 4 KiB page of @va translates to; good until the next call. */
static inline const struct sim_mmu_xlat *sim_tlb_lookup(struct sim_tlb *tlb, unsigned int pdb,
							uint64_t va)
{
	uint64_t vpn = va >> SIM_PAGE_SHIFT;
	const struct sim_tlb_page *page = sim_tlb_find(tlb, pdb, vpn);

	return page && !sim_tlb_evicts(tlb) ? &page->xlat : sim_tlb_fill(tlb, pdb, va);
}

/**
 * sim_tlb_drop - forget one address space, if it is known at all
 * @tlb: the caches
 * @space: where its root is
 * @root: address of its root
 * @nr_levels: that many levels from the leaf tables up
 */
void sim_tlb_drop(struct sim_tlb *tlb, enum sim_mmu_space space, uint64_t root,
		  unsigned int nr_levels);

/* The same for every address space. */
void sim_tlb_drop_all(struct sim_tlb *tlb, unsigned int nr_levels);

/**
 * sim_tlb_check_hand_over - whether a 64 KiB page took the place of 4 KiB ones
 * @tlb: the caches, before something is dropped
 *
 * Where the tables lead through valid 4 KiB entries a driver may not put a valid
 * 64 KiB entry above them in one step: the MMU holds the former until an
 * invalidate, which has to come in between [uvm].  So a translation by a valid 4 KiB
 * entry that is still held where the tables now have a valid 64 KiB one is
 * misuse; of those that were walked last.  What hardware makes of it nobody says;
 * the model only counts it.
 */
void sim_tlb_check_hand_over(struct sim_tlb *tlb);

/**
 * sim_tlb_twin - caches that know the same address spaces, and hold nothing
 * @tlb: the caches
 *
 * What is dropped of an address space of the twin's and filled again is what
 * @tlb may hold as soon as the same is dropped of it.
 *
 * Return: NULL without memory.  Freed with free().
 */
struct sim_tlb *sim_tlb_twin(const struct sim_tlb *tlb);

/**
 * sim_tlb_refill - walk again what was walked last
 * @twin: receives what these walks meet, in address spaces of which something
 *	was dropped here and not yet of @tlb
 * @tlb: knows what was walked last
 */
void sim_tlb_refill(struct sim_tlb *twin, const struct sim_tlb *tlb);

/* Take from @twin what its refill met, but for what @tlb holds itself. */
void sim_tlb_take_over(struct sim_tlb *tlb, const struct sim_tlb *twin);

/**
 * sim_tlb_read - what is held of an address space, but for entries of leaf tables
 * @tlb: the caches
 * @pdb: the address space
 * @va_end: nothing from here on
 * @cursor: 0 at first; moves on
 * @view: receives the next entries
 * @max: room there
 *
 * Return: how many, 0 at the end.
 */
size_t sim_tlb_read(const struct sim_tlb *tlb, unsigned int pdb, uint64_t va_end, uint64_t *cursor,
		    struct sim_tlb_view *view, size_t max);

/* Cached translations that the tables no longer give. */
size_t sim_tlb_count_stale(struct sim_tlb *tlb);

#endif
