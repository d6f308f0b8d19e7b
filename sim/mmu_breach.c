/* SPDX-License-Identifier: MIT */
/*
 * Entries that lead somewhere and yet are not as a driver may write them.  The
 * decoders pass over it, as the MMU is taken to; a driver with such entries
 * works by luck.
 */
#include <stdio.h>

#include "sim_bits.h"
#include "sim_mmu.h"
#include "hw/mmu.h"
#include "hw/mmu_ver2.h"
#include "hw/mmu_ver3.h"

/* Bits with a meaning in an entry that points to a table in video memory. */
static uint64_t pde_bits(const struct sim_mmu_arch *arch, bool big)
{
	if (arch->version == 3)
		return MMU_VER3_PDE_APERTURE | MMU_VER3_PDE_PCF |
		       (big ? MMU_VER3_DUAL_PDE_ADDRESS_BIG : MMU_VER3_PDE_ADDRESS);
	return MMU_VER2_PDE_APERTURE | MMU_VER2_PDE_VOL | MMU_VER2_PDE_NO_ATS |
	       (big ? MMU_VER2_DUAL_PDE_ADDRESS_BIG_VID : MMU_VER2_PDE_ADDRESS_VID);
}

/*
 * The same for a page in video memory.  ENCRYPTED is not in headers of these
 * chips; that a peer's number has to be 0 without a peer is [assumed].
 */
static uint64_t pte_bits(const struct sim_mmu_arch *arch)
{
	if (arch->version == 3)
		return MMU_VER3_PTE_VALID | MMU_VER3_PTE_APERTURE | MMU_VER3_PTE_PCF |
		       MMU_VER3_PTE_KIND | MMU_VER3_PTE_ADDRESS;
	return MMU_VER2_PTE_VALID | MMU_VER2_PTE_APERTURE | MMU_VER2_PTE_VOL |
	       MMU_VER2_PTE_PRIVILEGE | MMU_VER2_PTE_READ_ONLY | MMU_VER2_PTE_ATOMIC_DISABLE |
	       MMU_VER2_PTE_ADDRESS_VID | MMU_VER2_PTE_COMPTAGLINE | MMU_VER2_PTE_KIND;
}

/* Reserved bits of a PDE's word; 0 if it leads to no table. */
static uint64_t reserved_in_pde(const struct sim_mmu_arch *arch, uint64_t raw, bool big)
{
	struct sim_mmu_pde pde = sim_mmu_decode_pde(arch, raw, big);

	if (pde.type != SIM_PDE_TABLE || pde.aperture != MMU_PDE_APERTURE_VIDEO_MEMORY)
		return 0;
	return raw & ~pde_bits(arch, big);
}

static bool reserved_in_step(const struct sim_mmu_arch *arch, const struct sim_mmu_step *step,
			     char *why, size_t len)
{
	bool dual = step->slot.words == 2;
	uint64_t bits = 0;
	unsigned int w;

	for (w = 0; step->slot.level && w < step->slot.words && !bits; w++)
		bits = reserved_in_pde(arch, step->val[w], dual && !w);
	if (bits)
		snprintf(why, len, "%s at 0x%llx has reserved bits 0x%llx",
			 sim_mmu_slot_name(&step->slot), (unsigned long long)step->slot.addr,
			 (unsigned long long)bits);
	return bits;
}

/* Kinds that need tags of compression; entries of v3 have no place for a tag. */
static bool is_compressed(const struct sim_mmu_arch *arch, const struct sim_mmu_pte *pte)
{
	bool has_tag = arch->version == 2 && pte->comptagline;

	return pte->kind >= MMU_PTE_KIND_GENERIC_MEMORY_COMPRESSIBLE &&
	       pte->kind < MMU_PTE_KIND_SMSKED_MESSAGE && !has_tag;
}

/* Of the leaf; NULL if nothing is wrong. */
static const char *wrong_with_leaf(const struct sim_mmu_arch *arch, uint64_t raw,
				   const struct sim_mmu_xlat *x)
{
	/* VOL and PRIVILEGE are other things in a big entry, but not in a valid one. */
	struct sim_mmu_pte pte = sim_mmu_decode_pte(arch, raw, false);

	if (pte.addr & (BIT_ULL(x->page_shift) - 1))
		return "address bits below the size of its page";
	if (raw & ~pte_bits(arch))
		return "reserved bits";
	if (pte.priv)
		return "PRIVILEGE; [unconfirmed] whether the CPU faults there";
	if (is_compressed(arch, &pte))
		return "a compressible kind, no tag; [unconfirmed] whether that faults";
	return NULL;
}

const char *sim_mmu_garbage(const struct sim_mmu_arch *arch, uint64_t raw, uint64_t vram_size)
{
	struct sim_mmu_pde pde = sim_mmu_decode_pde(arch, raw, false);
	uint64_t sys = arch->version == 3 ? MMU_VER3_PDE_ADDRESS : MMU_VER2_PDE_ADDRESS_SYS;

	if (pde.type == SIM_PDE_PAGE)
		return "says that it is a page";
	if (pde.type == SIM_PDE_TABLE && pde.aperture == MMU_PDE_APERTURE_VIDEO_MEMORY)
		return raw & ~pde_bits(arch, false) ? "has reserved bits" :
		       pde.addr >= vram_size ? "leads out of video memory" : NULL;
	return raw & ~(pde_bits(arch, false) | sys) ? "has reserved bits" : NULL;
}

bool sim_mmu_breach(const struct sim_mmu_arch *arch, const struct sim_mmu_walk *walk, char *why,
		    size_t len)
{
	const struct sim_mmu_step *step, *leaf;
	const char *what;

	if (walk->xlat.outcome != SIM_MMU_OK ||
	    walk->xlat.aperture != MMU_PTE_APERTURE_VIDEO_MEMORY ||
	    walk->xlat.kind == MMU_PTE_KIND_INVALID)
		return false;
	leaf = &walk->step[walk->nr_steps - 1];
	for (step = walk->step; step < leaf; step++)
		if (reserved_in_step(arch, step, why, len))
			return true;
	what = wrong_with_leaf(arch, leaf->val[0], &walk->xlat);
	if (what)
		snprintf(why, len, "%s at 0x%llx, 0x%llx, has %s",
			 sim_mmu_slot_name(&leaf->slot), (unsigned long long)leaf->slot.addr,
			 (unsigned long long)leaf->val[0], what);
	return what;
}
