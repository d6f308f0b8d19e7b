/* SPDX-License-Identifier: MIT */
/*
 * VRAM size and the areas a driver leaves alone.  Offsets are absolute in BAR0.
 */
#ifndef HW_PFB_H
#define HW_PFB_H

/*
 * TU102, GA100 [gp102 dev_fb.h]: bytes = LOWER_MAG << (LOWER_SCALE + 20),
 * and 15/16 of that with ECC_MODE set.
 */
#define PFB_LOCAL_MEMORY_RANGE			0x00100ce0
#define   PFB_LOCAL_MEMORY_RANGE_LOWER_SCALE	GENMASK(3, 0)
#define   PFB_LOCAL_MEMORY_RANGE_LOWER_MAG	GENMASK(9, 4)
#define   PFB_LOCAL_MEMORY_RANGE_ECC_MODE	BIT(30)

/* GA102, AD102, GH100, GB100, GB202 [ga102 dev_gc6_island.h]: VRAM in MiB */
#define PGC6_SCRATCH_GROUP_42			0x001183a4

/*
 * Ranges that the GPU keeps the CPU out of: address = VAL << 12, and HI.VAL 0 =
 * not set.  All have the layout of WPR2.
 */
#define PFB_MMU_WPR_ADDR_VAL			GENMASK(31, 4)
#define   PFB_MMU_WPR_ADDR_VAL_SHIFT			12
/* [gh100 dev_fb.h; on other chips assumed] */
#define PFB_MMU_WPR1_ADDR_LO			0x001fa81c
#define PFB_MMU_WPR1_ADDR_HI			0x001fa820
/* GSP firmware, its heap and its loader [tu102, gh100 dev_fb.h; nova reads it on all] */
#define PFB_MMU_WPR2_ADDR_LO			0x001fa824
#define PFB_MMU_WPR2_ADDR_HI			0x001fa828
/* GA100 [ga100 dev_fb.h] */
#define PFB_MMU_LOCK_ADDR_LO			0x001fa82c
#define PFB_MMU_LOCK_ADDR_HI			0x001fa830

/*
 * VGA workspace at the top of VRAM: address = ADDR << 16 [v04_00 dev_disp.h].  It
 * is one in VRAM only with that TARGET [nouveau bios/shadowramin.c takes no other].
 */
#define PDISP_VGA_WORKSPACE_BASE		0x00625f04
#define   PDISP_VGA_WORKSPACE_BASE_TARGET	GENMASK(1, 0)
#define     PDISP_VGA_WORKSPACE_BASE_TARGET_VID_MEM	1
#define   PDISP_VGA_WORKSPACE_BASE_STATUS_VALID	BIT(3)
#define   PDISP_VGA_WORKSPACE_BASE_ADDR		GENMASK(31, 8)
#define     PDISP_VGA_WORKSPACE_BASE_ADDR_SHIFT	16

/* CPU-triggered flush of writes to VRAM: TU102, GA100, GA102, AD102 [gm107 dev_flush.h; nouveau] */
#define UFLUSH_FB_FLUSH				0x00070000
#define   UFLUSH_FB_FLUSH_PENDING			BIT(0)	/* written: start */
#define   UFLUSH_FB_FLUSH_OUTSTANDING			BIT(1)	/* read: not done */

/* The same on GH100 and GB202, not GB100: reading it starts [gh100 dev_nv_xal_ep_zb.h] */
#define XAL_EP_ZB_UFLUSH_FB_FLUSH		0x0010f800
#define   XAL_EP_ZB_UFLUSH_FB_FLUSH_TOKEN		GENMASK(30, 0)
#define XAL_EP_ZB_UFLUSH_FB_FLUSH_COMPLETED	0x0010f804
#define   XAL_EP_ZB_UFLUSH_FB_FLUSH_COMPLETED_TOKEN	GENMASK(30, 0)
#define   XAL_EP_ZB_UFLUSH_FB_FLUSH_COMPLETED_STATUS	BIT(31)	/* 1: busy */

#endif
