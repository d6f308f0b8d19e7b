/* SPDX-License-Identifier: MIT */
/*
 * MMU version 3: GH100, GB100, GB202.  57-bit VA [gh100 dev_mmu.h].
 *
 * Addresses stand in place.  A dual PDE is two words, the 64 KiB ("big")
 * table in the first, the 4 KiB ("small") table in the second.
 */
#ifndef HW_MMU_VER3_H
#define HW_MMU_VER3_H

#define MMU_VER3_VA_BITS			57

/* PDE: PDE4 to PDE1, and the small half of PDE0 */
#define MMU_VER3_PDE_IS_PTE			BIT_ULL(0)
#define MMU_VER3_PDE_APERTURE			GENMASK_ULL(2, 1)
#define MMU_VER3_PDE_PCF			GENMASK_ULL(5, 3)
#define     MMU_VER3_PDE_PCF_UNCACHED			BIT(0)	/* aperture INVALID: sparse */
#define     MMU_VER3_PDE_PCF_ATS_NOT_ALLOWED		BIT(1)
#define     MMU_VER3_PDE_PCF_RESERVED			BIT(2)
#define MMU_VER3_PDE_ADDRESS			GENMASK_ULL(51, 12)

/* The big half of PDE0: 256-byte granularity */
#define MMU_VER3_DUAL_PDE_ADDRESS_BIG		GENMASK_ULL(51, 8)

#define MMU_VER3_PTE_VALID			BIT_ULL(0)
#define MMU_VER3_PTE_APERTURE			GENMASK_ULL(2, 1)
#define MMU_VER3_PTE_PCF			GENMASK_ULL(7, 3)
/* VALID set: each bit on its own */
#define     MMU_VER3_PTE_PCF_UNCACHED			BIT(0)
#define     MMU_VER3_PTE_PCF_PRIVILEGE			BIT(1)
#define     MMU_VER3_PTE_PCF_RO				BIT(2)
#define     MMU_VER3_PTE_PCF_NO_ATOMIC			BIT(3)
#define     MMU_VER3_PTE_PCF_ACD			BIT(4)	/* access counters disabled [assumed reading of ACE/ACD] */
/* VALID clear */
#define     MMU_VER3_PTE_PCF_INVALID			0
#define     MMU_VER3_PTE_PCF_SPARSE			1
#define     MMU_VER3_PTE_PCF_MAPPING_NOWHERE		2
#define     MMU_VER3_PTE_PCF_NO_VALID_4KB_PAGE		3
#define MMU_VER3_PTE_KIND			GENMASK_ULL(11, 8)
#define MMU_VER3_PTE_ADDRESS			GENMASK_ULL(51, 12)
#define MMU_VER3_PTE_PEER_ID			GENMASK_ULL(63, 61)

#endif
