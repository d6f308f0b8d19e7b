/* SPDX-License-Identifier: MIT */
/*
 * MMU version 2: TU102, GA100, GA102, AD102.  49-bit VA
 * [gp100, tu102 dev_mmu.h; tu104 dev_mmu].
 *
 * Every pointer contributes its address >> 4 to its own 64-bit word.  A dual
 * PDE is two words, the 64 KiB ("big") table in the first, the 4 KiB
 * ("small") table in the second.
 */
#ifndef HW_MMU_VER2_H
#define HW_MMU_VER2_H

#define MMU_VER2_VA_BITS			49
#define MMU_VER2_ADDR_SHIFT			4	/* of every address in an entry */

/* PDE: PDE3, PDE2, PDE1, and the small half of PDE0 */
#define MMU_VER2_PDE_IS_PTE			BIT_ULL(0)
#define MMU_VER2_PDE_APERTURE			GENMASK_ULL(2, 1)
#define MMU_VER2_PDE_VOL			BIT_ULL(3)
#define MMU_VER2_PDE_NO_ATS			BIT_ULL(5)
#define MMU_VER2_PDE_ADDRESS_VID		GENMASK_ULL(32, 8)	/* address 36:12 */
#define MMU_VER2_PDE_ADDRESS_SYS		GENMASK_ULL(53, 8)	/* address 57:12 */

/*
 * The big half of PDE0: 256-byte granularity, so that the address takes the
 * bit that is NO_ATS in every other PDE.
 */
#define MMU_VER2_DUAL_PDE_ADDRESS_BIG_VID	GENMASK_ULL(32, 4)	/* address 36:8 */
#define MMU_VER2_DUAL_PDE_ADDRESS_BIG_SYS	GENMASK_ULL(53, 4)	/* address 57:8 */

#define MMU_VER2_PTE_VALID			BIT_ULL(0)
#define MMU_VER2_PTE_APERTURE			GENMASK_ULL(2, 1)
#define MMU_VER2_PTE_VOL			BIT_ULL(3)
#define MMU_VER2_PTE_ENCRYPTED			BIT_ULL(4)	/* gp100 header only */
#define MMU_VER2_PTE_PRIVILEGE			BIT_ULL(5)
#define MMU_VER2_PTE_READ_ONLY			BIT_ULL(6)
#define MMU_VER2_PTE_ATOMIC_DISABLE		BIT_ULL(7)
#define MMU_VER2_PTE_ADDRESS_VID		GENMASK_ULL(32, 8)	/* address 36:12 */
#define MMU_VER2_PTE_ADDRESS_VID_PEER		GENMASK_ULL(35, 33)
#define MMU_VER2_PTE_ADDRESS_SYS		GENMASK_ULL(53, 8)	/* address 57:12 */
#define MMU_VER2_PTE_COMPTAGLINE		GENMASK_ULL(55, 36)
#define MMU_VER2_PTE_KIND			GENMASK_ULL(63, 56)

/* VRAM reach of a PDE or PTE: 128 GiB */
#define MMU_VER2_VID_ADDR_BITS			37

/* A peer (fabric) address over 37 bits goes on in COMPTAGLINE [uvm] */
#define MMU_VER2_FABRIC_SHIFT			37

/* VALID clear */
#define MMU_VER2_PTE_SPARSE			MMU_VER2_PTE_VOL
#define MMU_VER2_PTE_NO_VALID_4K		MMU_VER2_PTE_PRIVILEGE			/* 64 KiB PTE [uvm, nouveau] */
#define MMU_VER2_PTE_NO_VALID_4K_RM		(MMU_VER2_PTE_VOL | MMU_VER2_PTE_PRIVILEGE)	/* same, as OpenRM writes it */

#endif
