// SPDX-License-Identifier: MIT
/* MMU version 2: TU102, GA100, GA102, AD102. */
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include <hw/mmu_ver2.h>

#include "aperture.h"
#include "mmu.h"

_Static_assert((MMU_VER2_PTE_VALID | MMU_VER2_PDE_APERTURE) == NVBAR_MMU_VALID_BITS,
	       "what makes an entry valid");

/* The address field depends on where the entry points, and in a dual PDE on the half. */
static u64 pde_addr_mask(enum nvbar_aperture aperture, bool big)
{
	if (aperture == NVBAR_APERTURE_VID)
		return big ? MMU_VER2_DUAL_PDE_ADDRESS_BIG_VID : MMU_VER2_PDE_ADDRESS_VID;
	return big ? MMU_VER2_DUAL_PDE_ADDRESS_BIG_SYS : MMU_VER2_PDE_ADDRESS_SYS;
}

static int ver2_encode_pde(const struct nvbar_pde *pde, bool big, u64 *raw)
{
	u64 code = nvbar_pde_aperture_code(pde->aperture);
	u64 mask = pde_addr_mask(pde->aperture, big);
	u64 addr = pde->addr >> MMU_VER2_ADDR_SHIFT;
	u64 entry = 0;

	if (pde->no_ats) {
		if (big)
			return -EINVAL;
		entry = MMU_VER2_PDE_NO_ATS;
	}
	switch (pde->state) {
	case NVBAR_ENTRY_VALID:
		if (!code || pde->addr != addr << MMU_VER2_ADDR_SHIFT || (addr & ~mask))
			return -EINVAL;
		entry |= FIELD_PREP(MMU_VER2_PDE_APERTURE, code) |
			 FIELD_PREP(MMU_VER2_PDE_VOL, pde->vol) | addr;
		break;
	case NVBAR_ENTRY_SPARSE:
		entry |= MMU_VER2_PDE_VOL;
		break;
	case NVBAR_ENTRY_INVALID:
		break;
	default:
		return -EINVAL;
	}
	*raw = entry;
	return 0;
}

static void ver2_decode_pde(u64 raw, bool big, struct nvbar_pde *pde)
{
	u64 code = FIELD_GET(MMU_VER2_PDE_APERTURE, raw);
	bool vol = FIELD_GET(MMU_VER2_PDE_VOL, raw);

	*pde = (struct nvbar_pde){
		/* In the big half the bit belongs to the address. */
		.no_ats = !big && FIELD_GET(MMU_VER2_PDE_NO_ATS, raw),
	};
	if (code == MMU_PDE_APERTURE_INVALID) {
		pde->state = vol ? NVBAR_ENTRY_SPARSE : NVBAR_ENTRY_INVALID;
		return;
	}
	pde->state = NVBAR_ENTRY_VALID;
	pde->vol = vol;
	pde->aperture = nvbar_pde_aperture(code);
	pde->addr = (raw & pde_addr_mask(pde->aperture, big)) << MMU_VER2_ADDR_SHIFT;
}

/* Address bits of a peer page: 36:12 in place, and from 37 up in COMPTAGLINE. */
static u64 fabric_addr(u64 raw)
{
	return (raw & MMU_VER2_PTE_ADDRESS_VID) << MMU_VER2_ADDR_SHIFT |
	       FIELD_GET(MMU_VER2_PTE_COMPTAGLINE, raw) << MMU_VER2_FABRIC_SHIFT;
}

/* Address, and what shares its bits. */
static int encode_pte_addr(const struct nvbar_pte *pte, u64 *raw)
{
	u64 fabric = pte->addr >> MMU_VER2_FABRIC_SHIFT;
	u64 addr = pte->addr >> MMU_VER2_ADDR_SHIFT;

	if (pte->addr & (NVBAR_PAGE_SIZE - 1))
		return -EINVAL;

	switch (pte->aperture) {
	case NVBAR_APERTURE_VID:
		if ((addr & ~MMU_VER2_PTE_ADDRESS_VID) ||
		    pte->comptagline > FIELD_MAX(MMU_VER2_PTE_COMPTAGLINE))
			return -EINVAL;
		*raw = addr | FIELD_PREP(MMU_VER2_PTE_COMPTAGLINE, pte->comptagline);
		return 0;
	case NVBAR_APERTURE_PEER:
		if (fabric > FIELD_MAX(MMU_VER2_PTE_COMPTAGLINE) ||
		    pte->peer > FIELD_MAX(MMU_VER2_PTE_ADDRESS_VID_PEER) || pte->comptagline)
			return -EINVAL;
		*raw = (addr & MMU_VER2_PTE_ADDRESS_VID) |
		       FIELD_PREP(MMU_VER2_PTE_ADDRESS_VID_PEER, pte->peer) |
		       FIELD_PREP(MMU_VER2_PTE_COMPTAGLINE, fabric);
		return 0;
	default:
		if ((addr & ~MMU_VER2_PTE_ADDRESS_SYS) || pte->comptagline)
			return -EINVAL;
		*raw = addr;
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
	       FIELD_PREP(MMU_VER2_PTE_APERTURE, nvbar_pte_aperture_code(pte->aperture)) |
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

	pte->aperture = nvbar_pte_aperture(FIELD_GET(MMU_VER2_PTE_APERTURE, raw));

	switch (pte->aperture) {
	case NVBAR_APERTURE_VID:
		pte->addr = (raw & MMU_VER2_PTE_ADDRESS_VID) << MMU_VER2_ADDR_SHIFT;
		pte->comptagline = FIELD_GET(MMU_VER2_PTE_COMPTAGLINE, raw);
		break;
	case NVBAR_APERTURE_PEER:
		pte->addr = fabric_addr(raw);
		pte->peer = FIELD_GET(MMU_VER2_PTE_ADDRESS_VID_PEER, raw);
		break;
	default:
		pte->addr = (raw & MMU_VER2_PTE_ADDRESS_SYS) << MMU_VER2_ADDR_SHIFT;
		break;
	}
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
