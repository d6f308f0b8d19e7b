/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "sim_bits.h"
#include "sim_mmu.h"
#include "hw/mmu.h"
#include "hw/mmu_fault.h"
#include "hw/mmu_ver2.h"
#include "hw/mmu_ver3.h"

/* The 64 KiB table hangs off PDE0 as the 4 KiB one does, with an index of its own. */
static const struct sim_mmu_level pt64k = { MMU_PAGE_SHIFT_64K, 5, 8 };

#define LEVELS_V2 {							\
		{ MMU_PAGE_SHIFT_4K, 9, 8 },				\
		{ 21, 8, 16 }, { 29, 9, 8 }, { 38, 9, 8 }, { 47, 2, 8 },	\
	}
#define LEVELS_V3 {							\
		{ MMU_PAGE_SHIFT_4K, 9, 8 },				\
		{ 21, 8, 16 }, { 29, 9, 8 }, { 38, 9, 8 }, { 47, 9, 8 }, { 56, 1, 8 }, \
	}

/* Pages of 2 MiB stand in level 1, of 512 MiB in level 2, of 256 GiB in level 3. */
const struct sim_mmu_arch sim_mmu_turing = {
	.name = "turing", .version = 2, .va_bits = MMU_VER2_VA_BITS, .nr_levels = 5,
	.leaf_levels = BIT(1), .level = LEVELS_V2,
};

const struct sim_mmu_arch sim_mmu_ampere = {
	.name = "ampere", .version = 2, .va_bits = MMU_VER2_VA_BITS, .nr_levels = 5,
	.leaf_levels = BIT(1) | BIT(2), .level = LEVELS_V2,
};

const struct sim_mmu_arch sim_mmu_hopper = {
	.name = "hopper", .version = 3, .va_bits = MMU_VER3_VA_BITS, .nr_levels = 6,
	.leaf_levels = BIT(1) | BIT(2), .level = LEVELS_V3,
};

const struct sim_mmu_arch sim_mmu_blackwell = {
	.name = "blackwell", .version = 3, .va_bits = MMU_VER3_VA_BITS, .nr_levels = 6,
	.leaf_levels = BIT(1) | BIT(2) | BIT(3), .level = LEVELS_V3,
};

const struct sim_mmu_arch *sim_mmu_arch_find(const char *name)
{
	static const struct sim_mmu_arch *const archs[] = {
		&sim_mmu_turing, &sim_mmu_ampere, &sim_mmu_hopper, &sim_mmu_blackwell,
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(archs); i++)
		if (!strcmp(archs[i]->name, name))
			return archs[i];
	return NULL;
}

/* v2 keeps an address as address >> 4, in a field narrower for video memory. */
static uint64_t v2_addr(uint64_t raw, uint64_t mask)
{
	return (raw & mask) << MMU_VER2_ADDR_SHIFT;
}

static struct sim_mmu_pde decode_pde_v2(uint64_t raw, bool big)
{
	struct sim_mmu_pde pde = {
		.aperture = FIELD_GET(MMU_VER2_PDE_APERTURE, raw),
		.vol = raw & MMU_VER2_PDE_VOL,
		.ats = !(raw & MMU_VER2_PDE_NO_ATS),
	};
	uint64_t vid = big ? MMU_VER2_DUAL_PDE_ADDRESS_BIG_VID : MMU_VER2_PDE_ADDRESS_VID;
	uint64_t sys = big ? MMU_VER2_DUAL_PDE_ADDRESS_BIG_SYS : MMU_VER2_PDE_ADDRESS_SYS;

	pde.addr = v2_addr(raw, pde.aperture == MMU_PDE_APERTURE_VIDEO_MEMORY ? vid : sys);
	return pde;
}

static struct sim_mmu_pde decode_pde_v3(uint64_t raw, bool big)
{
	uint32_t pcf = FIELD_GET(MMU_VER3_PDE_PCF, raw);
	struct sim_mmu_pde pde = {
		.aperture = FIELD_GET(MMU_VER3_PDE_APERTURE, raw),
		.vol = pcf & MMU_VER3_PDE_PCF_UNCACHED,
		.ats = !(pcf & MMU_VER3_PDE_PCF_ATS_NOT_ALLOWED),
		.addr = raw & (big ? MMU_VER3_DUAL_PDE_ADDRESS_BIG : MMU_VER3_PDE_ADDRESS),
	};

	return pde;
}

struct sim_mmu_pde sim_mmu_decode_pde(const struct sim_mmu_arch *arch, uint64_t raw, bool big)
{
	struct sim_mmu_pde pde = arch->version == 2 ? decode_pde_v2(raw, big)
						    : decode_pde_v3(raw, big);

	/* IS_PTE is bit 0 in both versions, and so is what sparse is made of. */
	if (raw & MMU_VER2_PDE_IS_PTE)
		pde.type = SIM_PDE_PAGE;
	else if (arch->version == 3 &&
		 FIELD_GET(MMU_VER3_PDE_PCF, raw) & MMU_VER3_PDE_PCF_RESERVED)
		pde.type = SIM_PDE_INVALID;
	else if (pde.aperture != MMU_PDE_APERTURE_INVALID)
		pde.type = SIM_PDE_TABLE;
	else
		pde.type = pde.vol ? SIM_PDE_SPARSE : SIM_PDE_INVALID;
	return pde;
}

static enum sim_mmu_pte_type pte_type_v2(uint64_t raw, bool big)
{
	if (raw & MMU_VER2_PTE_VALID)
		return SIM_PTE_PAGE;
	/* NO_VALID_4K in both its forms: with VOL it is sparse elsewhere. */
	if (big && (raw & MMU_VER2_PTE_PRIVILEGE))
		return SIM_PTE_NO_VALID_4K;
	return raw & MMU_VER2_PTE_VOL ? SIM_PTE_SPARSE : SIM_PTE_INVALID;
}

static struct sim_mmu_pte decode_pte_v2(uint64_t raw, bool big)
{
	struct sim_mmu_pte pte = {
		.type = pte_type_v2(raw, big),
		.aperture = FIELD_GET(MMU_VER2_PTE_APERTURE, raw),
		.ro = raw & MMU_VER2_PTE_READ_ONLY,
		.vol = raw & MMU_VER2_PTE_VOL,
		.priv = raw & MMU_VER2_PTE_PRIVILEGE,
		.no_atomic = raw & MMU_VER2_PTE_ATOMIC_DISABLE,
		.kind = FIELD_GET(MMU_VER2_PTE_KIND, raw),
	};

	switch (pte.aperture) {
	case MMU_PTE_APERTURE_VIDEO_MEMORY:
		pte.addr = v2_addr(raw, MMU_VER2_PTE_ADDRESS_VID);
		pte.comptagline = FIELD_GET(MMU_VER2_PTE_COMPTAGLINE, raw);
		break;
	case MMU_PTE_APERTURE_PEER_MEMORY:
		pte.addr = v2_addr(raw, MMU_VER2_PTE_ADDRESS_VID);
		pte.addr |= FIELD_GET(MMU_VER2_PTE_COMPTAGLINE, raw) << MMU_VER2_FABRIC_SHIFT;
		pte.peer = FIELD_GET(MMU_VER2_PTE_ADDRESS_VID_PEER, raw);
		break;
	default:
		pte.addr = v2_addr(raw, MMU_VER2_PTE_ADDRESS_SYS);
	}
	pte.encrypted = raw & MMU_VER2_PTE_ENCRYPTED;
	return pte;
}

static enum sim_mmu_pte_type pte_type_v3(uint64_t raw, bool big)
{
	if (raw & MMU_VER3_PTE_VALID)
		return SIM_PTE_PAGE;
	switch (FIELD_GET(MMU_VER3_PTE_PCF, raw)) {
	case MMU_VER3_PTE_PCF_INVALID:
		return SIM_PTE_INVALID;
	case MMU_VER3_PTE_PCF_SPARSE:
		return SIM_PTE_SPARSE;
	case MMU_VER3_PTE_PCF_NO_VALID_4KB_PAGE:
		return big ? SIM_PTE_NO_VALID_4K : SIM_PTE_INVALID;
	default:
		return SIM_PTE_NOWHERE;
	}
}

static struct sim_mmu_pte decode_pte_v3(uint64_t raw, bool big)
{
	uint32_t pcf = FIELD_GET(MMU_VER3_PTE_PCF, raw);
	struct sim_mmu_pte pte = {
		.type = pte_type_v3(raw, big),
		.aperture = FIELD_GET(MMU_VER3_PTE_APERTURE, raw),
		.ro = pcf & MMU_VER3_PTE_PCF_RO,
		.vol = pcf & MMU_VER3_PTE_PCF_UNCACHED,
		.priv = pcf & MMU_VER3_PTE_PCF_PRIVILEGE,
		.no_atomic = pcf & MMU_VER3_PTE_PCF_NO_ATOMIC,
		.acd = pcf & MMU_VER3_PTE_PCF_ACD,
		.kind = FIELD_GET(MMU_VER3_PTE_KIND, raw),
		.addr = raw & MMU_VER3_PTE_ADDRESS,
	};

	if (pte.aperture == MMU_PTE_APERTURE_PEER_MEMORY)
		pte.peer = FIELD_GET(MMU_VER3_PTE_PEER_ID, raw);
	return pte;
}

struct sim_mmu_pte sim_mmu_decode_pte(const struct sim_mmu_arch *arch, uint64_t raw, bool big)
{
	return arch->version == 2 ? decode_pte_v2(raw, big) : decode_pte_v3(raw, big);
}

/* A walk on its way down. */
struct walker {
	const struct sim_mmu_arch *arch;
	uint64_t va;
	sim_mmu_fetch_fn *fetch;
	void *arg;
	struct sim_mmu_walk *walk;
};

static void finish(struct walker *w, enum sim_mmu_outcome outcome, unsigned int level,
		   unsigned int fault)
{
	w->walk->xlat.outcome = outcome;
	w->walk->xlat.level = level;
	w->walk->xlat.fault = fault;
}

static void finish_pte(struct walker *w, const struct sim_mmu_pte *pte, unsigned int level,
		       unsigned int shift)
{
	struct sim_mmu_xlat *x = &w->walk->xlat;
	uint64_t low = BIT_ULL(shift) - 1;

	if (pte->type != SIM_PTE_PAGE) {
		finish(w, pte->type == SIM_PTE_SPARSE ? SIM_MMU_SPARSE : SIM_MMU_INVALID,
		       level, MMU_FAULT_TYPE_PTE);
		return;
	}
	finish(w, SIM_MMU_OK, level, 0);
	/* The MMU does not look at address bits below the page's size. */
	x->pa = (pte->addr & ~low) | (w->va & low);
	x->page_shift = shift;
	x->aperture = pte->aperture;
	x->peer = pte->peer;
	x->kind = pte->kind;
	x->flags = (pte->ro ? SIM_MMU_RO : 0) | (pte->vol ? SIM_MMU_VOL : 0) |
		   (pte->priv ? SIM_MMU_PRIV : 0) | (pte->no_atomic ? SIM_MMU_NO_ATOMIC : 0);
}

/* Read the entry of w->va in the table of @level at @table. */
static const uint64_t *fetch_entry(struct walker *w, unsigned int level,
				   const struct sim_mmu_level *lv, enum sim_mmu_space space,
				   uint64_t table)
{
	struct sim_mmu_step *step = &w->walk->step[w->walk->nr_steps++];
	uint32_t index = w->va >> lv->shift & ((1u << lv->index_bits) - 1);

	step->slot = (struct sim_mmu_slot) {
		.level = level, .shift = lv->shift, .space = space,
		.words = lv->entry_bytes / 8, .index = index,
		.addr = table + (uint64_t)index * lv->entry_bytes,
	};
	step->val[0] = step->val[1] = 0;
	if (w->fetch(w->arg, w->va, &step->slot, step->val))
		return step->val;
	finish(w, SIM_MMU_UNREADABLE, level, 0);
	return NULL;
}

static enum sim_mmu_space pde_space(const struct sim_mmu_pde *pde)
{
	return pde->aperture == MMU_PDE_APERTURE_VIDEO_MEMORY ? SIM_MMU_VID : SIM_MMU_SYS;
}

/*
 * The two tables of a PDE0.  The 64 KiB one is read first; only where it has
 * nothing to say, not even "sparse" or "no valid 4K", does the other count.
 */
static void walk_dual(struct walker *w, const uint64_t *val)
{
	const struct sim_mmu_arch *arch = w->arch;
	struct sim_mmu_pde big = sim_mmu_decode_pde(arch, val[0], true);
	struct sim_mmu_pde small = sim_mmu_decode_pde(arch, val[1], false);
	bool has_small = small.type == SIM_PDE_TABLE;
	const uint64_t *raw;
	struct sim_mmu_pte pte;

	if (big.type == SIM_PDE_TABLE) {
		raw = fetch_entry(w, 0, &pt64k, pde_space(&big), big.addr);
		if (!raw)
			return;
		pte = sim_mmu_decode_pte(arch, *raw, true);
		if (pte.type != SIM_PTE_INVALID || !has_small) {
			finish_pte(w, &pte, 0, pt64k.shift);
			return;
		}
	}
	if (!has_small) {
		finish(w, big.type == SIM_PDE_SPARSE ? SIM_MMU_SPARSE : SIM_MMU_INVALID, 1,
		       MMU_FAULT_TYPE_PDE);
		return;
	}
	raw = fetch_entry(w, 0, &arch->level[0], pde_space(&small), small.addr);
	if (!raw)
		return;
	pte = sim_mmu_decode_pte(arch, *raw, false);
	finish_pte(w, &pte, 0, arch->level[0].shift);
}

void sim_mmu_walk(const struct sim_mmu_arch *arch, enum sim_mmu_space space, uint64_t root,
		  uint64_t va, sim_mmu_fetch_fn *fetch, void *arg, struct sim_mmu_walk *walk)
{
	struct walker w = { arch, va, fetch, arg, walk };
	unsigned int level = arch->nr_levels - 1;
	struct sim_mmu_pde pde;
	const uint64_t *val;

	walk->xlat = (struct sim_mmu_xlat) { 0 };
	walk->nr_steps = 0;
	if (va >> arch->va_bits) {
		finish(&w, SIM_MMU_VA_RANGE, level, MMU_FAULT_TYPE_VA_LIMIT_VIOLATION);
		return;
	}
	for (;; level--) {
		val = fetch_entry(&w, level, &arch->level[level], space, root);
		if (!val)
			return;
		pde = sim_mmu_decode_pde(arch, val[0], false);
		if (pde.type == SIM_PDE_PAGE && arch->leaf_levels & BIT(level)) {
			struct sim_mmu_pte pte = sim_mmu_decode_pte(arch, val[0], false);

			finish_pte(&w, &pte, level, arch->level[level].shift);
			return;
		}
		if (level == 1 && pde.type != SIM_PDE_PAGE) {
			walk_dual(&w, val);
			return;
		}
		if (pde.type != SIM_PDE_TABLE) {
			finish(&w, pde.type == SIM_PDE_SPARSE ? SIM_MMU_SPARSE : SIM_MMU_INVALID,
			       level, MMU_FAULT_TYPE_PDE);
			return;
		}
		space = pde_space(&pde);
		root = pde.addr;
	}
}

void sim_mmu_translate_4k(const struct sim_mmu_arch *arch, uint64_t raw, struct sim_mmu_xlat *xlat)
{
	struct sim_mmu_pte pte = sim_mmu_decode_pte(arch, raw, false);
	struct sim_mmu_walk walk;
	struct walker w = { .arch = arch, .walk = &walk };

	walk.xlat = (struct sim_mmu_xlat) { 0 };
	finish_pte(&w, &pte, 0, arch->level[0].shift);
	*xlat = walk.xlat;
}

const char *sim_mmu_slot_name(const struct sim_mmu_slot *slot)
{
	static const char *const pd[] = { "PD0", "PD1", "PD2", "PD3", "PD4" };

	if (slot->level)
		return pd[slot->level - 1];
	return slot->shift == MMU_PAGE_SHIFT_64K ? "PT64K" : "PT4K";
}

const char *sim_mmu_aperture_name(uint8_t aperture)
{
	static const char *const names[] = { "vid", "peer", "sys_coh", "sys_noncoh" };

	return names[aperture & 3];
}

void sim_mmu_format(uint64_t va, const struct sim_mmu_xlat *x, char *buf, size_t len)
{
	unsigned long long v = va;

	switch (x->outcome) {
	case SIM_MMU_OK:
		snprintf(buf, len, "x 0x%llx ok 0x%llx 0x%llx %s %u %u %u %u %u %u", v,
			 (unsigned long long)x->pa, BIT_ULL(x->page_shift),
			 sim_mmu_aperture_name(x->aperture), x->peer,
			 !!(x->flags & SIM_MMU_RO), !!(x->flags & SIM_MMU_VOL),
			 !!(x->flags & SIM_MMU_PRIV), !!(x->flags & SIM_MMU_NO_ATOMIC), x->kind);
		break;
	case SIM_MMU_SPARSE:
		snprintf(buf, len, "x 0x%llx sparse", v);
		break;
	case SIM_MMU_VA_RANGE:
		snprintf(buf, len, "x 0x%llx va_range", v);
		break;
	default:
		snprintf(buf, len, "x 0x%llx invalid", v);
	}
}
