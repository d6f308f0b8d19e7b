/* SPDX-License-Identifier: MIT */
/*
 * What both MMU versions share.  Note that PDE and PTE number their
 * apertures differently.
 */
#ifndef HW_MMU_H
#define HW_MMU_H

#define MMU_PDE_APERTURE_INVALID		0
#define MMU_PDE_APERTURE_VIDEO_MEMORY		1
#define MMU_PDE_APERTURE_SYSTEM_COHERENT	2
#define MMU_PDE_APERTURE_SYSTEM_NON_COHERENT	3

#define MMU_PTE_APERTURE_VIDEO_MEMORY		0
#define MMU_PTE_APERTURE_PEER_MEMORY		1
#define MMU_PTE_APERTURE_SYSTEM_COHERENT	2
#define MMU_PTE_APERTURE_SYSTEM_NON_COHERENT	3

/* [tu102, gh100, gb202 dev_mmu.h NV_MMU_PTE_KIND] */
#define MMU_PTE_KIND_PITCH			0x0
#define MMU_PTE_KIND_GENERIC_MEMORY		0x6
#define MMU_PTE_KIND_INVALID			0x7
#define MMU_PTE_KIND_GENERIC_MEMORY_COMPRESSIBLE	0x8	/* to 0xe all are compressible */
#define MMU_PTE_KIND_SMSKED_MESSAGE		0xf

/* Leaf page sizes, as shifts */
#define MMU_PAGE_SHIFT_4K			12
#define MMU_PAGE_SHIFT_64K			16
#define MMU_PAGE_SHIFT_2M			21
#define MMU_PAGE_SHIFT_512M			29
#define MMU_PAGE_SHIFT_256G			38

/* The MMU reads at least 32 bytes from the root, so all of its page is written [uvm; OpenRM] */
#define MMU_ROOT_TABLE_SIZE			4096

#endif
