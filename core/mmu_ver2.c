// SPDX-License-Identifier: MIT
/* MMU version 2: TU102, GA100, GA102, AD102. */
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include <hw/mmu.h>
#include <hw/mmu_ver2.h>

#include "mmu.h"

/* The address field depends on where the entry points, and in a dual PDE on the half. */
static u64 pde_addr_mask(enum nvbar_aperture aperture, bool big)
{
	if (aperture == NVBAR_APERTURE_VID)
		return big ? MMU_VER2_DUAL_PDE_ADDRESS_BIG_VID : MMU_VER2_PDE_ADDRESS_VID;
	return big ? MMU_VER2_DUAL_PDE_ADDRESS_BIG_SYS : MMU_VER2_PDE_ADDRESS_SYS;
}

static int ver2_encode_pde(const struct nvbar_pde *pde, bool big, u64 *raw)
{
	u64 mask = pde_addr_mask(pde->aperture, big);
	u64 entry = FIELD_PREP(MMU_VER2_PDE_VOL, pde->vol);
	u64 addr = pde->addr >> MMU_VER2_ADDR_SHIFT;

	if (pde->no_ats) {
		if (big)
			return -EINVAL;
		entry |= MMU_VER2_PDE_NO_ATS;
	}
	switch (pde->state) {
	case NVBAR_ENTRY_VALID:
		break;
	case NVBAR_ENTRY_SPARSE:
		*raw = MMU_VER2_PDE_VOL | (entry & MMU_VER2_PDE_NO_ATS);
		return 0;
	case NVBAR_ENTRY_INVALID:
		*raw = entry & MMU_VER2_PDE_NO_ATS;
		return 0;
	default:
		return -EINVAL;
	}

	if (pde->addr != (addr << MMU_VER2_ADDR_SHIFT) || (addr & ~mask))
		return -EINVAL;
	switch (pde->aperture) {
	case NVBAR_APERTURE_VID:
		entry |= FIELD_PREP(MMU_VER2_PDE_APERTURE, MMU_PDE_APERTURE_VIDEO_MEMORY);
		break;
	case NVBAR_APERTURE_SYS_COH:
		entry |= FIELD_PREP(MMU_VER2_PDE_APERTURE, MMU_PDE_APERTURE_SYSTEM_COHERENT);
		break;
	case NVBAR_APERTURE_SYS_NONCOH:
		entry |= FIELD_PREP(MMU_VER2_PDE_APERTURE, MMU_PDE_APERTURE_SYSTEM_NON_COHERENT);
		break;
	default:
		return -EINVAL;
	}
	*raw = entry | addr;
	return 0;
}

static void ver2_decode_pde(u64 raw, bool big, struct nvbar_pde *pde)
{
	*pde = (struct nvbar_pde){
		.state = NVBAR_ENTRY_VALID,
		.vol = FIELD_GET(MMU_VER2_PDE_VOL, raw),
		/* In the big half the bit belongs to the address. */
		.no_ats = !big && FIELD_GET(MMU_VER2_PDE_NO_ATS, raw),
	};

	switch (FIELD_GET(MMU_VER2_PDE_APERTURE, raw)) {
	case MMU_PDE_APERTURE_INVALID:
		pde->state = pde->vol ? NVBAR_ENTRY_SPARSE : NVBAR_ENTRY_INVALID;
		pde->vol = false;
		return;
	case MMU_PDE_APERTURE_VIDEO_MEMORY:
		pde->aperture = NVBAR_APERTURE_VID;
		break;
	case MMU_PDE_APERTURE_SYSTEM_COHERENT:
		pde->aperture = NVBAR_APERTURE_SYS_COH;
		break;
	default:
		pde->aperture = NVBAR_APERTURE_SYS_NONCOH;
		break;
	}
	pde->addr = (raw & pde_addr_mask(pde->aperture, big)) << MMU_VER2_ADDR_SHIFT;
}

/* Address bits of a peer page: 36:12 in place, and from 37 up in COMPTAGLINE. */
static u64 fabric_addr(u64 raw)
{
	return (raw & MMU_VER2_PTE_ADDRESS_VID) << MMU_VER2_ADDR_SHIFT |
	       FIELD_GET(MMU_VER2_PTE_COMPTAGLINE, raw) << MMU_VER2_FABRIC_SHIFT;
}

static int encode_pte_addr(const struct nvbar_pte *pte, u64 *raw)
{
	u64 addr = pte->addr >> MMU_VER2_ADDR_SHIFT;
	u64 fabric = pte->addr >> MMU_VER2_FABRIC_SHIFT;

	if (pte->addr & (NVBAR_PAGE_SIZE - 1))
		return -EINVAL;

	switch (pte->aperture) {
	case NVBAR_APERTURE_VID:
		if ((addr & ~MMU_VER2_PTE_ADDRESS_VID) ||
		    pte->comptagline > FIELD_MAX(MMU_VER2_PTE_COMPTAGLINE))
			return -EINVAL;
		*raw = FIELD_PREP(MMU_VER2_PTE_APERTURE, MMU_PTE_APERTURE_VIDEO_MEMORY) | addr |
		       FIELD_PREP(MMU_VER2_PTE_COMPTAGLINE, pte->comptagline);
		return 0;
	case NVBAR_APERTURE_PEER:
		if (fabric > FIELD_MAX(MMU_VER2_PTE_COMPTAGLINE) ||
		    pte->peer > FIELD_MAX(MMU_VER2_PTE_ADDRESS_VID_PEER) || pte->comptagline)
			return -EINVAL;
		*raw = FIELD_PREP(MMU_VER2_PTE_APERTURE, MMU_PTE_APERTURE_PEER_MEMORY) |
		       (addr & MMU_VER2_PTE_ADDRESS_VID) |
		       FIELD_PREP(MMU_VER2_PTE_ADDRESS_VID_PEER, pte->peer) |
		       FIELD_PREP(MMU_VER2_PTE_COMPTAGLINE, fabric);
		return 0;
	default:
		if ((addr & ~MMU_VER2_PTE_ADDRESS_SYS) || pte->comptagline)
			return -EINVAL;
		*raw = FIELD_PREP(MMU_VER2_PTE_APERTURE,
				  pte->aperture == NVBAR_APERTURE_SYS_COH ?
					  MMU_PTE_APERTURE_SYSTEM_COHERENT :
					  MMU_PTE_APERTURE_SYSTEM_NON_COHERENT) | addr;
		return 0;
	}
}

static int ver2_encode_pte(const struct nvbar_pte *pte, u64 *raw)
{
	u64 addr;
	int ret;

	switch (pte->state) {
	case NVBAR_ENTRY_VALID:
		break;
	case NVBAR_ENTRY_INVALID:
		*raw = 0;
		return 0;
	case NVBAR_ENTRY_SPARSE:
		*raw = MMU_VER2_PTE_SPARSE;
		return 0;
	case NVBAR_ENTRY_NO_4K:
		*raw = MMU_VER2_PTE_NO_VALID_4K;
		return 0;
	case NVBAR_ENTRY_NO_4K_RM:
		*raw = MMU_VER2_PTE_NO_VALID_4K_RM;
		return 0;
	default:
		return -EINVAL;
	}

	ret = encode_pte_addr(pte, &addr);
	if (ret)
		return ret;
	*raw = addr | MMU_VER2_PTE_VALID |
	       FIELD_PREP(MMU_VER2_PTE_VOL, pte->vol) |
	       FIELD_PREP(MMU_VER2_PTE_ENCRYPTED, pte->encrypted) |
	       FIELD_PREP(MMU_VER2_PTE_PRIVILEGE, pte->priv) |
	       FIELD_PREP(MMU_VER2_PTE_READ_ONLY, pte->ro) |
	       FIELD_PREP(MMU_VER2_PTE_ATOMIC_DISABLE, pte->no_atomic) |
	       FIELD_PREP(MMU_VER2_PTE_KIND, pte->kind);
	return 0;
}

/* What an entry without VALID says stands in VOL and PRIVILEGE alone. */
static enum nvbar_entry_state invalid_pte_state(u64 raw)
{
	switch (raw & (MMU_VER2_PTE_VOL | MMU_VER2_PTE_PRIVILEGE)) {
	case MMU_VER2_PTE_SPARSE:
		return NVBAR_ENTRY_SPARSE;
	case MMU_VER2_PTE_NO_VALID_4K:
		return NVBAR_ENTRY_NO_4K;
	case MMU_VER2_PTE_NO_VALID_4K_RM:
		return NVBAR_ENTRY_NO_4K_RM;
	default:
		return NVBAR_ENTRY_INVALID;
	}
}

static void ver2_decode_pte(u64 raw, struct nvbar_pte *pte)
{
	*pte = (struct nvbar_pte){ .state = NVBAR_ENTRY_VALID };
	if (!(raw & MMU_VER2_PTE_VALID)) {
		pte->state = invalid_pte_state(raw);
		return;
	}

	pte->vol = FIELD_GET(MMU_VER2_PTE_VOL, raw);
	pte->encrypted = FIELD_GET(MMU_VER2_PTE_ENCRYPTED, raw);
	pte->priv = FIELD_GET(MMU_VER2_PTE_PRIVILEGE, raw);
	pte->ro = FIELD_GET(MMU_VER2_PTE_READ_ONLY, raw);
	pte->no_atomic = FIELD_GET(MMU_VER2_PTE_ATOMIC_DISABLE, raw);
	pte->kind = FIELD_GET(MMU_VER2_PTE_KIND, raw);

	switch (FIELD_GET(MMU_VER2_PTE_APERTURE, raw)) {
	case MMU_PTE_APERTURE_VIDEO_MEMORY:
		pte->aperture = NVBAR_APERTURE_VID;
		pte->addr = (raw & MMU_VER2_PTE_ADDRESS_VID) << MMU_VER2_ADDR_SHIFT;
		pte->comptagline = FIELD_GET(MMU_VER2_PTE_COMPTAGLINE, raw);
		return;
	case MMU_PTE_APERTURE_PEER_MEMORY:
		pte->aperture = NVBAR_APERTURE_PEER;
		pte->peer = FIELD_GET(MMU_VER2_PTE_ADDRESS_VID_PEER, raw);
		pte->addr = fabric_addr(raw);
		return;
	case MMU_PTE_APERTURE_SYSTEM_COHERENT:
		pte->aperture = NVBAR_APERTURE_SYS_COH;
		break;
	default:
		pte->aperture = NVBAR_APERTURE_SYS_NONCOH;
		break;
	}
	pte->addr = (raw & MMU_VER2_PTE_ADDRESS_SYS) << MMU_VER2_ADDR_SHIFT;
}

const struct nvbar_mmu_fmt nvbar_mmu_ver2 = {
	.name = "v2",
	.version = 2,
	.va_bits = MMU_VER2_VA_BITS,
	.nr_levels = 5,
	.vid_bits = MMU_VER2_VID_ADDR_BITS,
	.pte_addr_shift = MMU_VER2_ADDR_SHIFT,
	.level = {		/* shift, index bits, words */
		{ 12, 9, 1 },	/* PT4K */
		{ 21, 8, 2 },	/* PD0, dual */
		{ 29, 9, 1 },	/* PD1 */
		{ 38, 9, 1 },	/* PD2 */
		{ 47, 2, 1 },	/* PD3, the root */
	},
	.big = { 16, 5, 1 },	/* PT64K */
	.encode_pde = ver2_encode_pde,
	.decode_pde = ver2_decode_pde,
	.encode_pte = ver2_encode_pte,
	.decode_pte = ver2_decode_pte,
};
