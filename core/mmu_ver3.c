// SPDX-License-Identifier: MIT
/* MMU version 3: GH100, GB100, GB202. */
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include <hw/mmu.h>
#include <hw/mmu_ver3.h>

#include "mmu.h"

static int ver3_encode_pde(const struct nvbar_pde *pde, bool big, u64 *raw)
{
	u64 mask = big ? MMU_VER3_DUAL_PDE_ADDRESS_BIG : MMU_VER3_PDE_ADDRESS;
	bool vol = pde->vol;
	u64 entry = 0;
	u64 pcf;

	switch (pde->state) {
	case NVBAR_ENTRY_VALID:
		if (pde->addr & ~mask)
			return -EINVAL;
		entry = pde->addr;
		break;
	case NVBAR_ENTRY_SPARSE:
		vol = true;
		break;
	case NVBAR_ENTRY_INVALID:
		vol = false;
		break;
	default:
		return -EINVAL;
	}
	pcf = (vol ? MMU_VER3_PDE_PCF_UNCACHED : 0) |
	      (pde->no_ats ? MMU_VER3_PDE_PCF_ATS_NOT_ALLOWED : 0);
	entry |= FIELD_PREP(MMU_VER3_PDE_PCF, pcf);
	if (pde->state != NVBAR_ENTRY_VALID) {
		*raw = entry;
		return 0;
	}

	switch (pde->aperture) {
	case NVBAR_APERTURE_VID:
		entry |= FIELD_PREP(MMU_VER3_PDE_APERTURE, MMU_PDE_APERTURE_VIDEO_MEMORY);
		break;
	case NVBAR_APERTURE_SYS_COH:
		entry |= FIELD_PREP(MMU_VER3_PDE_APERTURE, MMU_PDE_APERTURE_SYSTEM_COHERENT);
		break;
	case NVBAR_APERTURE_SYS_NONCOH:
		entry |= FIELD_PREP(MMU_VER3_PDE_APERTURE, MMU_PDE_APERTURE_SYSTEM_NON_COHERENT);
		break;
	default:
		return -EINVAL;
	}
	*raw = entry;
	return 0;
}

static void ver3_decode_pde(u64 raw, bool big, struct nvbar_pde *pde)
{
	u64 pcf = FIELD_GET(MMU_VER3_PDE_PCF, raw);

	*pde = (struct nvbar_pde){
		.state = NVBAR_ENTRY_VALID,
		.vol = pcf & MMU_VER3_PDE_PCF_UNCACHED,
		.no_ats = pcf & MMU_VER3_PDE_PCF_ATS_NOT_ALLOWED,
	};
	if (pcf & MMU_VER3_PDE_PCF_RESERVED) {
		pde->state = NVBAR_ENTRY_RESERVED;
		return;
	}

	switch (FIELD_GET(MMU_VER3_PDE_APERTURE, raw)) {
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
	pde->addr = raw & (big ? MMU_VER3_DUAL_PDE_ADDRESS_BIG : MMU_VER3_PDE_ADDRESS);
}

static int ver3_encode_pte(const struct nvbar_pte *pte, u64 *raw)
{
	u64 entry, pcf;

	switch (pte->state) {
	case NVBAR_ENTRY_VALID:
		break;
	case NVBAR_ENTRY_INVALID:
		*raw = FIELD_PREP(MMU_VER3_PTE_PCF, MMU_VER3_PTE_PCF_INVALID);
		return 0;
	case NVBAR_ENTRY_SPARSE:
		*raw = FIELD_PREP(MMU_VER3_PTE_PCF, MMU_VER3_PTE_PCF_SPARSE);
		return 0;
	case NVBAR_ENTRY_NOWHERE:
		*raw = FIELD_PREP(MMU_VER3_PTE_PCF, MMU_VER3_PTE_PCF_MAPPING_NOWHERE);
		return 0;
	case NVBAR_ENTRY_NO_4K:
		*raw = FIELD_PREP(MMU_VER3_PTE_PCF, MMU_VER3_PTE_PCF_NO_VALID_4KB_PAGE);
		return 0;
	default:
		return -EINVAL;
	}

	if ((pte->addr & ~MMU_VER3_PTE_ADDRESS) || pte->kind > FIELD_MAX(MMU_VER3_PTE_KIND) ||
	    pte->peer > FIELD_MAX(MMU_VER3_PTE_PEER_ID))
		return -EINVAL;

	pcf = (pte->vol ? MMU_VER3_PTE_PCF_UNCACHED : 0) |
	      (pte->priv ? MMU_VER3_PTE_PCF_PRIVILEGE : 0) |
	      (pte->ro ? MMU_VER3_PTE_PCF_RO : 0) |
	      (pte->no_atomic ? MMU_VER3_PTE_PCF_NO_ATOMIC : 0) |
	      (pte->no_access_counters ? MMU_VER3_PTE_PCF_ACD : 0);
	entry = MMU_VER3_PTE_VALID | pte->addr | FIELD_PREP(MMU_VER3_PTE_PCF, pcf) |
		FIELD_PREP(MMU_VER3_PTE_KIND, pte->kind);

	switch (pte->aperture) {
	case NVBAR_APERTURE_VID:
		entry |= FIELD_PREP(MMU_VER3_PTE_APERTURE, MMU_PTE_APERTURE_VIDEO_MEMORY);
		break;
	case NVBAR_APERTURE_PEER:
		entry |= FIELD_PREP(MMU_VER3_PTE_APERTURE, MMU_PTE_APERTURE_PEER_MEMORY) |
			 FIELD_PREP(MMU_VER3_PTE_PEER_ID, pte->peer);
		break;
	case NVBAR_APERTURE_SYS_COH:
		entry |= FIELD_PREP(MMU_VER3_PTE_APERTURE, MMU_PTE_APERTURE_SYSTEM_COHERENT);
		break;
	default:
		entry |= FIELD_PREP(MMU_VER3_PTE_APERTURE, MMU_PTE_APERTURE_SYSTEM_NON_COHERENT);
		break;
	}
	*raw = entry;
	return 0;
}

static enum nvbar_entry_state invalid_pte_state(u64 pcf)
{
	switch (pcf) {
	case MMU_VER3_PTE_PCF_INVALID:
		return NVBAR_ENTRY_INVALID;
	case MMU_VER3_PTE_PCF_SPARSE:
		return NVBAR_ENTRY_SPARSE;
	case MMU_VER3_PTE_PCF_MAPPING_NOWHERE:
		return NVBAR_ENTRY_NOWHERE;
	case MMU_VER3_PTE_PCF_NO_VALID_4KB_PAGE:
		return NVBAR_ENTRY_NO_4K;
	default:
		return NVBAR_ENTRY_RESERVED;
	}
}

static void ver3_decode_pte(u64 raw, struct nvbar_pte *pte)
{
	u64 pcf = FIELD_GET(MMU_VER3_PTE_PCF, raw);

	*pte = (struct nvbar_pte){ .state = NVBAR_ENTRY_VALID };
	if (!(raw & MMU_VER3_PTE_VALID)) {
		pte->state = invalid_pte_state(pcf);
		return;
	}

	pte->addr = raw & MMU_VER3_PTE_ADDRESS;
	pte->kind = FIELD_GET(MMU_VER3_PTE_KIND, raw);
	pte->vol = pcf & MMU_VER3_PTE_PCF_UNCACHED;
	pte->priv = pcf & MMU_VER3_PTE_PCF_PRIVILEGE;
	pte->ro = pcf & MMU_VER3_PTE_PCF_RO;
	pte->no_atomic = pcf & MMU_VER3_PTE_PCF_NO_ATOMIC;
	pte->no_access_counters = pcf & MMU_VER3_PTE_PCF_ACD;

	switch (FIELD_GET(MMU_VER3_PTE_APERTURE, raw)) {
	case MMU_PTE_APERTURE_VIDEO_MEMORY:
		pte->aperture = NVBAR_APERTURE_VID;
		break;
	case MMU_PTE_APERTURE_PEER_MEMORY:
		pte->aperture = NVBAR_APERTURE_PEER;
		pte->peer = FIELD_GET(MMU_VER3_PTE_PEER_ID, raw);
		break;
	case MMU_PTE_APERTURE_SYSTEM_COHERENT:
		pte->aperture = NVBAR_APERTURE_SYS_COH;
		break;
	default:
		pte->aperture = NVBAR_APERTURE_SYS_NONCOH;
		break;
	}
}

const struct nvbar_mmu_fmt nvbar_mmu_ver3 = {
	.name = "v3",
	.version = 3,
	.va_bits = MMU_VER3_VA_BITS,
	.nr_levels = 6,
	.vid_bits = 52,
	.pte_addr_shift = 0,
	.level = {		/* shift, index bits, words */
		{ 12, 9, 1 },	/* PT4K */
		{ 21, 8, 2 },	/* PD0, dual */
		{ 29, 9, 1 },	/* PD1 */
		{ 38, 9, 1 },	/* PD2 */
		{ 47, 9, 1 },	/* PD3 */
		{ 56, 1, 1 },	/* PD4, the root */
	},
	.big = { 16, 5, 1 },	/* PT64K */
	.encode_pde = ver3_encode_pde,
	.decode_pde = ver3_decode_pde,
	.encode_pte = ver3_encode_pte,
	.decode_pte = ver3_decode_pte,
};
