/* SPDX-License-Identifier: MIT */
/*
 * Aperture codes, which both MMU versions share, and which differ between
 * PDEs and PTEs.
 */
#ifndef NVBAR_CORE_APERTURE_H
#define NVBAR_CORE_APERTURE_H

#include <hw/mmu.h>

#include "mmu.h"

/** nvbar_pde_aperture_code - the code for a table's place; 0 if there is none */
static inline u64 nvbar_pde_aperture_code(enum nvbar_aperture aperture)
{
	switch (aperture) {
	case NVBAR_APERTURE_VID:
		return MMU_PDE_APERTURE_VIDEO_MEMORY;
	case NVBAR_APERTURE_SYS_COH:
		return MMU_PDE_APERTURE_SYSTEM_COHERENT;
	case NVBAR_APERTURE_SYS_NONCOH:
		return MMU_PDE_APERTURE_SYSTEM_NON_COHERENT;
	default:
		return MMU_PDE_APERTURE_INVALID;
	}
}

/** nvbar_pde_aperture - the place that a code other than INVALID means */
static inline enum nvbar_aperture nvbar_pde_aperture(u64 code)
{
	switch (code) {
	case MMU_PDE_APERTURE_SYSTEM_COHERENT:
		return NVBAR_APERTURE_SYS_COH;
	case MMU_PDE_APERTURE_SYSTEM_NON_COHERENT:
		return NVBAR_APERTURE_SYS_NONCOH;
	default:
		return NVBAR_APERTURE_VID;
	}
}

/** nvbar_pte_aperture_code - the code for a page's place */
static inline u64 nvbar_pte_aperture_code(enum nvbar_aperture aperture)
{
	switch (aperture) {
	case NVBAR_APERTURE_PEER:
		return MMU_PTE_APERTURE_PEER_MEMORY;
	case NVBAR_APERTURE_SYS_COH:
		return MMU_PTE_APERTURE_SYSTEM_COHERENT;
	case NVBAR_APERTURE_SYS_NONCOH:
		return MMU_PTE_APERTURE_SYSTEM_NON_COHERENT;
	default:
		return MMU_PTE_APERTURE_VIDEO_MEMORY;
	}
}

/** nvbar_pte_aperture - the place that a code means */
static inline enum nvbar_aperture nvbar_pte_aperture(u64 code)
{
	switch (code) {
	case MMU_PTE_APERTURE_PEER_MEMORY:
		return NVBAR_APERTURE_PEER;
	case MMU_PTE_APERTURE_SYSTEM_COHERENT:
		return NVBAR_APERTURE_SYS_COH;
	case MMU_PTE_APERTURE_SYSTEM_NON_COHERENT:
		return NVBAR_APERTURE_SYS_NONCOH;
	default:
		return NVBAR_APERTURE_VID;
	}
}

#endif
