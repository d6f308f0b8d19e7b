/* SPDX-License-Identifier: MIT */
/*
 * Chip identification.  Offsets are absolute in BAR0.
 *
 * Headers in this folder hold facts and include nothing: whoever includes
 * them supplies BIT(), GENMASK() and their _ULL forms.
 */
#ifndef HW_PMC_H
#define HW_PMC_H

/* [nv_ref.h NV_PMC_BOOT_0; ga100 dev_boot] */
#define PMC_BOOT_0				0x00000000
#define   PMC_BOOT_0_MINOR_REV			GENMASK(3, 0)
#define   PMC_BOOT_0_MAJOR_REV			GENMASK(7, 4)
#define   PMC_BOOT_0_ARCH_MSB			BIT(8)
#define   PMC_BOOT_0_IMPL			GENMASK(23, 20)
#define   PMC_BOOT_0_ARCH_LSB			GENMASK(28, 24)
/* Bits 31:29 are no part of the architecture: a GA102 reads 101b there [boot logs] */

/* [nv_ref.h NV_PMC_BOOT_1] */
#define PMC_BOOT_1				0x00000004
#define   PMC_BOOT_1_VGPU			GENMASK(17, 16)
#define     PMC_BOOT_1_VGPU_REAL			0

/* [nv_ref.h NV_PMC_BOOT_42] */
#define PMC_BOOT_42				0x00000a00
#define   PMC_BOOT_42_MINOR_EXT_REV		GENMASK(11, 8)
#define   PMC_BOOT_42_MINOR_REV			GENMASK(15, 12)
#define   PMC_BOOT_42_MAJOR_REV			GENMASK(19, 16)
#define   PMC_BOOT_42_IMPL			GENMASK(23, 20)
#define   PMC_BOOT_42_ARCH			GENMASK(29, 24)
#define   PMC_BOOT_42_CHIP_ID			GENMASK(29, 20)

/* PMC_BOOT_42_CHIP_ID of the chips known here */
#define CHIP_ID_TU102				0x162
#define CHIP_ID_GA100				0x170
#define CHIP_ID_GA102				0x172
#define CHIP_ID_GH100				0x180
#define CHIP_ID_AD102				0x192
#define CHIP_ID_GB100				0x1a0	/* [computed, not seen on silicon] */
#define CHIP_ID_GB202				0x1b2

/*
 * What a register that is not there, or not for the CPU, reads as begins so
 * [gh100 dev_nv_xal_ep_zb.h: 0xbadf0200; the others unconfirmed]
 */
#define PRI_ERROR				GENMASK(31, 20)
#define   PRI_ERROR_BAD				0xbad

#endif
