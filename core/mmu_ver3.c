// SPDX-License-Identifier: MIT
/* MMU version 3: GH100, GB100, GB202. */
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include <hw/mmu_ver3.h>

#include "aperture.h"
#include "mmu.h"

_Static_assert((MMU_VER3_PTE_VALID | MMU_VER3_PDE_APERTURE) == NVBAR_MMU_VALID_BITS,
	       "what makes an entry valid");

static u64 pde_addr_mask(bool big)
{
	return big ? MMU_VER3_DUAL_PDE_ADDRESS_BIG : MMU_VER3_PDE_ADDRESS;
}

static int ver3_encode_pde(const struct nvbar_pde *pde, bool big, u64 *raw)
{
	u64 code = nvbar_pde_aperture_code(pde->aperture);
	u64 pcf = pde->no_ats ? MMU_VER3_PDE_PCF_ATS_NOT_ALLOWED : 0;
	u64 entry = 0;

	switch (pde->state) {
	case NVBAR_ENTRY_VALID:
		if (!code || (pde->addr & ~pde_addr_mask(big)))
			return -EINVAL;
		entry = FIELD_PREP(MMU_VER3_PDE_APERTURE, code) | pde->addr;
		pcf |= pde->vol ? MMU_VER3_PDE_PCF_UNCACHED : 0;
		break;
	case NVBAR_ENTRY_SPARSE:
		pcf |= MMU_VER3_PDE_PCF_UNCACHED;
		break;
	case NVBAR_ENTRY_INVALID:
		break;
	default:
		return -EINVAL;
	}
	*raw = entry | FIELD_PREP(MMU_VER3_PDE_PCF, pcf);
	return 0;
}

static void ver3_decode_pde(u64 raw, bool big, struct nvbar_pde *pde)
{
	u64 code = FIELD_GET(MMU_VER3_PDE_APERTURE, raw);
	u64 pcf = FIELD_GET(MMU_VER3_PDE_PCF, raw);
	bool uncached = pcf & MMU_VER3_PDE_PCF_UNCACHED;

	*pde = (struct nvbar_pde){ .no_ats = pcf & MMU_VER3_PDE_PCF_ATS_NOT_ALLOWED };
	if (pcf & MMU_VER3_PDE_PCF_RESERVED) {
		pde->state = NVBAR_ENTRY_RESERVED;
		return;
	}
	if (code == MMU_PDE_APERTURE_INVALID) {
		pde->state = uncached ? NVBAR_ENTRY_SPARSE : NVBAR_ENTRY_INVALID;
		return;
	}
	pde->state = NVBAR_ENTRY_VALID;
	pde->vol = uncached;
	pde->aperture = nvbar_pde_aperture(code);
	pde->addr = raw & pde_addr_mask(big);
}

/* What an entry without VALID says stands in PCF, and the reverse. */
static const struct {
	enum nvbar_entry_state state;
	u64 pcf;
} invalid_ptes[] = {
	{ NVBAR_ENTRY_INVALID, MMU_VER3_PTE_PCF_INVALID },
	{ NVBAR_ENTRY_SPARSE, MMU_VER3_PTE_PCF_SPARSE },
	{ NVBAR_ENTRY_NOWHERE, MMU_VER3_PTE_PCF_MAPPING_NOWHERE },
	{ NVBAR_ENTRY_NO_4K, MMU_VER3_PTE_PCF_NO_VALID_4KB_PAGE },
};

static int encode_invalid_pte(enum nvbar_entry_state state, u64 *raw)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(invalid_ptes); i++) {
		if (invalid_ptes[i].state == state) {
			*raw = FIELD_PREP(MMU_VER3_PTE_PCF, invalid_ptes[i].pcf);
			return 0;
		}
	}
	return -EINVAL;
}

static enum nvbar_entry_state invalid_pte_state(u64 pcf)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(invalid_ptes); i++)
		if (invalid_ptes[i].pcf == pcf)
			return invalid_ptes[i].state;
	return NVBAR_ENTRY_RESERVED;
}

static int ver3_encode_pte(const struct nvbar_pte *pte, u64 *raw)
{
	bool peer = pte->aperture == NVBAR_APERTURE_PEER;
	u64 pcf;

	if (pte->state != NVBAR_ENTRY_VALID)
		return encode_invalid_pte(pte->state, raw);
	if ((pte->addr & ~MMU_VER3_PTE_ADDRESS) || pte->kind > FIELD_MAX(MMU_VER3_PTE_KIND) ||
	    (peer && pte->peer > FIELD_MAX(MMU_VER3_PTE_PEER_ID)))
		return -EINVAL;

	pcf = (pte->vol ? MMU_VER3_PTE_PCF_UNCACHED : 0) |
	      (pte->priv ? MMU_VER3_PTE_PCF_PRIVILEGE : 0) |
	      (pte->ro ? MMU_VER3_PTE_PCF_RO : 0) |
	      (pte->no_atomic ? MMU_VER3_PTE_PCF_NO_ATOMIC : 0) |
	      (pte->no_access_counters ? MMU_VER3_PTE_PCF_ACD : 0);
	*raw = MMU_VER3_PTE_VALID | pte->addr |
	       FIELD_PREP(MMU_VER3_PTE_APERTURE, nvbar_pte_aperture_code(pte->aperture)) |
	       FIELD_PREP(MMU_VER3_PTE_PCF, pcf) |
	       FIELD_PREP(MMU_VER3_PTE_KIND, pte->kind) |
	       FIELD_PREP(MMU_VER3_PTE_PEER_ID, peer ? pte->peer : 0);
	return 0;
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

	pte->aperture = nvbar_pte_aperture(FIELD_GET(MMU_VER3_PTE_APERTURE, raw));
	if (pte->aperture == NVBAR_APERTURE_PEER)
		pte->peer = FIELD_GET(MMU_VER3_PTE_PEER_ID, raw);
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
