/* SPDX-License-Identifier: MIT */
/*
 * Page-table formats: what a table looks like and how an entry is built and
 * read.  Everything here is pure: values in, values out.
 *
 * Level 0 is the leaf table and levels rise to the root, so an entry of level
 * n is what the vendor calls a PDE(n-1).  Level 1 is special: its entries
 * (PDE0) are two words, the first for a table of 64 KiB leaves ("big"), the
 * second for a table of 4 KiB leaves ("small").
 */
#ifndef NVBAR_CORE_MMU_H
#define NVBAR_CORE_MMU_H

#include <linux/types.h>

#define NVBAR_MMU_LEVELS	6	/* the most any format has */
#define NVBAR_PAGE_SHIFT	12	/* granularity of the API */
#define NVBAR_PAGE_SIZE		(1ULL << NVBAR_PAGE_SHIFT)

/** enum nvbar_aperture - which memory an address is in */
enum nvbar_aperture {
	NVBAR_APERTURE_VID,
	NVBAR_APERTURE_SYS_COH,
	NVBAR_APERTURE_SYS_NONCOH,
	NVBAR_APERTURE_PEER,
};

/** enum nvbar_entry_state - what an entry says */
enum nvbar_entry_state {
	NVBAR_ENTRY_INVALID,
	NVBAR_ENTRY_VALID,	/* a table (PDE) or a page (PTE) */
	NVBAR_ENTRY_SPARSE,
	NVBAR_ENTRY_NO_4K,	/* 64 KiB PTE: invalid, and the 4 KiB table is not consulted */
	NVBAR_ENTRY_NO_4K_RM,	/* the same, in OpenRM's v2 encoding */
	NVBAR_ENTRY_NOWHERE,	/* v3: mapped to nowhere */
	NVBAR_ENTRY_RESERVED,	/* a code that the vendor does not define */
};

/**
 * struct nvbar_pde - a pointer to a table: a PDE or one half of a dual PDE
 * @state: valid, invalid, sparse or reserved
 * @aperture: where the table is
 * @addr: byte address of the table
 * @vol: volatile (v2) or uncached (v3)
 * @no_ats: address translation services not allowed below
 */
struct nvbar_pde {
	enum nvbar_entry_state state;
	enum nvbar_aperture aperture;
	u64 addr;
	bool vol;
	bool no_ats;
};

/**
 * struct nvbar_pte - a leaf
 * @state: any
 * @aperture: where the page is
 * @addr: byte address of the page
 * @peer: peer id, for NVBAR_APERTURE_PEER
 * @vol: volatile (v2) or uncached (v3)
 * @priv: privileged accesses only
 * @ro: writes fault
 * @no_atomic: atomics fault
 * @encrypted: v2, in the gp100 header only
 * @no_access_counters: v3, ACD
 * @kind: memory kind
 * @comptagline: v2 compression tag; 0 unless the page is in VRAM
 *
 * The encoders ignore a field without a meaning in the entry: any but @state
 * unless that is NVBAR_ENTRY_VALID, @peer with another aperture, and fields that
 * only the other format has.
 */
struct nvbar_pte {
	enum nvbar_entry_state state;
	enum nvbar_aperture aperture;
	u64 addr;
	u8 peer;
	bool vol;
	bool priv;
	bool ro;
	bool no_atomic;
	bool encrypted;
	bool no_access_counters;
	u8 kind;
	u32 comptagline;
};

/**
 * struct nvbar_mmu_level - the shape of a table
 * @shift: lowest VA bit that indexes it; an entry covers 1 << shift bytes
 * @bits: how many VA bits index it
 * @entry_words: 64-bit words per entry
 */
struct nvbar_mmu_level {
	u8 shift;
	u8 bits;
	u8 entry_words;
};

/**
 * struct nvbar_mmu_fmt - a page-table format
 * @name: "v2" or "v3"
 * @version: 2 or 3
 * @va_bits: width of a VA
 * @nr_levels: of @level; the root is level nr_levels - 1
 * @vid_bits: width of a VRAM address in an entry
 * @pte_addr_shift: a PTE holds the page address shifted right by this
 * @level: tables, the table of 4 KiB leaves first
 * @big: the table of 64 KiB leaves, beside level 0
 * @encode_pde: entry or half entry for a table, @big for the first half of a
 *	dual PDE; 0 or -EINVAL when a field does not fit
 * @decode_pde: the reverse, for any word whose bit 0 is clear
 * @encode_pte: leaf; 0 or -EINVAL when a field does not fit
 * @decode_pte: the reverse, for any word
 */
struct nvbar_mmu_fmt {
	const char *name;
	u8 version;
	u8 va_bits;
	u8 nr_levels;
	u8 vid_bits;
	u8 pte_addr_shift;
	struct nvbar_mmu_level level[NVBAR_MMU_LEVELS];
	struct nvbar_mmu_level big;
	int (*encode_pde)(const struct nvbar_pde *pde, bool big, u64 *raw);
	void (*decode_pde)(u64 raw, bool big, struct nvbar_pde *pde);
	int (*encode_pte)(const struct nvbar_pte *pte, u64 *raw);
	void (*decode_pte)(u64 raw, struct nvbar_pte *pte);
};

extern const struct nvbar_mmu_fmt nvbar_mmu_ver2;
extern const struct nvbar_mmu_fmt nvbar_mmu_ver3;

/*
 * The bits that make a word valid, in both formats: VALID of a PTE, APERTURE of a
 * PDE [tu102, gh100 dev_mmu.h].  They are in its lower half.
 */
#define NVBAR_MMU_VALID_BITS	7u

/** nvbar_mmu_is_valid - does a word lead anywhere?  A sparse or empty one does not */
static inline bool nvbar_mmu_is_valid(u64 raw)
{
	return raw & NVBAR_MMU_VALID_BITS;
}

/** nvbar_mmu_is_leaf - bit 0 makes the entry of any level a leaf, in both formats */
static inline bool nvbar_mmu_is_leaf(u64 raw)
{
	return raw & 1;
}

/** nvbar_mmu_index - entry number of @va in its table at @level */
static inline u32 nvbar_mmu_index(const struct nvbar_mmu_level *level, u64 va)
{
	return (va >> level->shift) & ((1u << level->bits) - 1);
}

/** nvbar_mmu_table_bytes - size of a table at @level */
static inline u32 nvbar_mmu_table_bytes(const struct nvbar_mmu_level *level)
{
	return (8u * level->entry_words) << level->bits;
}

/** nvbar_mmu_table_shift - a table at @level covers 1 << this bytes of VA */
static inline unsigned int nvbar_mmu_table_shift(const struct nvbar_mmu_level *level)
{
	return level->shift + level->bits;
}

#endif
