/* SPDX-License-Identifier: MIT */
/*
 * The MMU's view of page tables: what an entry says, and where a VA leads.
 * Nothing here knows a GPU: the tables come through a callback, so the same
 * walker serves VRAM and a snapshot.
 *
 * Level 0 is the leaf tables (4 KiB and 64 KiB), PDEn is level n + 1, as in
 * the CACHE_LEVEL field of the invalidate register.
 */
#ifndef SIM_MMU_H
#define SIM_MMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_MMU_MAX_LEVELS	6
#define SIM_MMU_MAX_STEPS	(SIM_MMU_MAX_LEVELS + 1)	/* PDE0 may lead to both leaf tables */

enum sim_mmu_space {
	SIM_MMU_VID,
	SIM_MMU_SYS,
};

/**
 * struct sim_mmu_level - one level of a format
 * @shift: lowest VA bit of the index
 * @index_bits: bits of the index
 * @entry_bytes: 8, or 16 for the dual PDE0
 */
struct sim_mmu_level {
	uint8_t shift;
	uint8_t index_bits;
	uint8_t entry_bytes;
};

/**
 * struct sim_mmu_arch - what one generation of GPUs walks
 * @name: "turing", "ampere", "hopper", "blackwell"
 * @version: 2 or 3
 * @va_bits: width of a VA
 * @nr_levels: levels, the root is level @nr_levels - 1
 * @leaf_levels: bit n: an entry of level n may be a page itself
 * @level: the levels, leaf tables first; level 0 is the 4 KiB table's
 */
struct sim_mmu_arch {
	const char *name;
	uint8_t version;
	uint8_t va_bits;
	uint8_t nr_levels;
	uint8_t leaf_levels;
	struct sim_mmu_level level[SIM_MMU_MAX_LEVELS];
};

extern const struct sim_mmu_arch sim_mmu_turing;
extern const struct sim_mmu_arch sim_mmu_ampere;
extern const struct sim_mmu_arch sim_mmu_hopper;
extern const struct sim_mmu_arch sim_mmu_blackwell;

/**
 * sim_mmu_arch_find - by the name a snapshot uses
 * @name: "turing", "ampere", "hopper" or "blackwell"
 *
 * Return: NULL if there is none.
 */
const struct sim_mmu_arch *sim_mmu_arch_find(const char *name);

enum sim_mmu_pde_type {
	SIM_PDE_INVALID,
	SIM_PDE_SPARSE,
	SIM_PDE_TABLE,
	SIM_PDE_PAGE,		/* bit 0: to be read as a PTE */
};

/**
 * struct sim_mmu_pde - a PDE, or one half of a dual PDE
 * @type: what it is; the rest counts for a table only, but for @ats
 * @aperture: MMU_PDE_APERTURE_*
 * @vol: volatile or uncached
 * @ats: v3: ATS allowed
 * @addr: of the table
 */
struct sim_mmu_pde {
	enum sim_mmu_pde_type type;
	uint8_t aperture;
	bool vol;
	bool ats;
	uint64_t addr;
};

enum sim_mmu_pte_type {
	SIM_PTE_INVALID,
	SIM_PTE_SPARSE,
	SIM_PTE_NO_VALID_4K,	/* 64 KiB PTE: invalid, and the 4 KiB table is not to be read */
	SIM_PTE_NOWHERE,	/* v3 MAPPING_NOWHERE, and the reserved codes */
	SIM_PTE_PAGE,
};

/**
 * struct sim_mmu_pte - a PTE
 * @type: what it is; the rest counts for a page only
 * @aperture: MMU_PTE_APERTURE_*
 * @peer: of a peer aperture
 * @ro: writes fault
 * @vol: volatile or uncached
 * @priv: privileged accesses only
 * @no_atomic: atomics fault
 * @encrypted: v2
 * @acd: v3: access counters disabled
 * @kind: of memory
 * @comptagline: v2
 * @addr: of the page; v2 peer: with the high part from COMPTAGLINE
 */
struct sim_mmu_pte {
	enum sim_mmu_pte_type type;
	uint8_t aperture;
	uint8_t peer;
	bool ro, vol, priv, no_atomic, encrypted, acd;
	uint8_t kind;
	uint32_t comptagline;
	uint64_t addr;
};

/**
 * sim_mmu_decode_pde - what a PDE word says
 * @arch: the generation
 * @raw: the word
 * @big: it is the first, 64 KiB half of a dual PDE
 */
struct sim_mmu_pde sim_mmu_decode_pde(const struct sim_mmu_arch *arch, uint64_t raw, bool big);

/**
 * sim_mmu_decode_pte - what a PTE word says
 * @arch: the generation
 * @raw: the word
 * @big: it stands in a 64 KiB table
 */
struct sim_mmu_pte sim_mmu_decode_pte(const struct sim_mmu_arch *arch, uint64_t raw, bool big);

enum sim_mmu_outcome {
	SIM_MMU_OK,
	SIM_MMU_SPARSE,
	SIM_MMU_INVALID,
	SIM_MMU_VA_RANGE,
	SIM_MMU_UNREADABLE,	/* the callback could not read an entry: the last step */
};

/**
 * struct sim_mmu_xlat - what a VA translates to
 * @pa: byte address, SIM_MMU_OK only
 * @outcome: enum sim_mmu_outcome
 * @fault: MMU_FAULT_TYPE_* of an outcome that is one
 * @level: whose entry decided
 * @page_shift: size of the page, SIM_MMU_OK only, as everything below
 * @aperture: MMU_PTE_APERTURE_*
 * @peer: of a peer aperture
 * @kind: of memory
 * @flags: SIM_MMU_*
 */
struct sim_mmu_xlat {
	uint64_t pa;
	uint8_t outcome;
	uint8_t fault;
	uint8_t level;
	uint8_t page_shift;
	uint8_t aperture;
	uint8_t peer;
	uint8_t kind;
	uint8_t flags;
#define SIM_MMU_RO		1
#define SIM_MMU_VOL		2
#define SIM_MMU_PRIV		4
#define SIM_MMU_NO_ATOMIC	8
};

/**
 * struct sim_mmu_slot - a place in a table
 * @level: of the table
 * @shift: lowest VA bit of the index: 16 for the 64 KiB table, 12 for the 4 KiB
 * @space: where the table is
 * @words: 1, or 2 for a dual PDE
 * @index: in the table
 * @addr: of the entry
 */
struct sim_mmu_slot {
	uint8_t level;
	uint8_t shift;
	uint8_t space;
	uint8_t words;
	uint32_t index;
	uint64_t addr;
};

/* One entry read. */
struct sim_mmu_step {
	struct sim_mmu_slot slot;
	uint64_t val[2];
};

/**
 * struct sim_mmu_walk - a walk and how it went
 * @xlat: where it led
 * @nr_steps: entries read
 * @step: root first
 */
struct sim_mmu_walk {
	struct sim_mmu_xlat xlat;
	unsigned int nr_steps;
	struct sim_mmu_step step[SIM_MMU_MAX_STEPS];
};

/**
 * typedef sim_mmu_fetch_fn - read an entry
 * @arg: the caller's
 * @va: the VA walked
 * @slot: which entry
 * @val: receives its @slot->words words
 *
 * Return: false if there is nothing to read.
 */
typedef bool sim_mmu_fetch_fn(void *arg, uint64_t va, const struct sim_mmu_slot *slot,
			      uint64_t val[2]);

/**
 * sim_mmu_walk - translate one VA
 * @arch: the generation
 * @space: where the root is
 * @root: address of the root
 * @va: the VA
 * @fetch: reads entries
 * @arg: for @fetch
 * @walk: receives the result
 */
void sim_mmu_walk(const struct sim_mmu_arch *arch, enum sim_mmu_space space, uint64_t root,
		  uint64_t va, sim_mmu_fetch_fn *fetch, void *arg, struct sim_mmu_walk *walk);

/**
 * sim_mmu_translate_4k - what the first byte of a page translates to
 * @arch: the generation
 * @raw: its entry, which a walk came to in a 4 KiB table
 * @xlat: receives the result
 */
void sim_mmu_translate_4k(const struct sim_mmu_arch *arch, uint64_t raw, struct sim_mmu_xlat *xlat);

/**
 * sim_mmu_breach - what a driver did wrong in entries that lead to a page
 * @arch: the generation
 * @walk: a walk; of one that ends in a fault nothing is said
 * @why: receives one line
 * @len: bytes at @why
 *
 * Low bits of a large page's address have to be 0, and so have bits that belong
 * to no field [dev_mmu.h; UVM].  A driver has no reason to show the CPU a page that
 * is for privileged accesses only, or of a compressible kind without tags.  What
 * hardware makes of any of that nobody says: it works here [assumed].
 *
 * Return: false if nothing is wrong.
 */
bool sim_mmu_breach(const struct sim_mmu_arch *arch, const struct sim_mmu_walk *walk, char *why,
		    size_t len);

/**
 * sim_mmu_garbage - what is wrong with a word that is read with the root's entries
 * @arch: the generation
 * @raw: the word
 * @vram_size: bytes of video memory
 *
 * An entry that nobody goes through may be anything that says so; but one that
 * is valid and leads out of video memory, or has bits of no field, was not
 * written by a driver.
 *
 * Return: a few words, or NULL.
 */
const char *sim_mmu_garbage(const struct sim_mmu_arch *arch, uint64_t raw, uint64_t vram_size);

/* Of the table: "PD4" ... "PD0", "PT64K", "PT4K". */
const char *sim_mmu_slot_name(const struct sim_mmu_slot *slot);

/* "vid", "peer", "sys_coh", "sys_noncoh" of a PTE's aperture. */
const char *sim_mmu_aperture_name(uint8_t aperture);

/**
 * sim_mmu_format - a result as the x lines of a snapshot give it
 * @va: the VA
 * @xlat: its translation, SIM_MMU_UNREADABLE excepted
 * @buf: receives "x VA ok PA PAGE APERTURE PEER RO VOL PRIV NOATOMIC KIND", or
 *	"x VA invalid", "x VA sparse", "x VA va_range"
 * @len: bytes at @buf
 */
void sim_mmu_format(uint64_t va, const struct sim_mmu_xlat *xlat, char *buf, size_t len);

#endif
