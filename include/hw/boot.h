/* SPDX-License-Identifier: MIT */
/*
 * Firmware boot complete: to be polled before VRAM is touched.
 * Offsets are absolute in BAR0.
 */
#ifndef HW_BOOT_H
#define HW_BOOT_H

/* TU102, GA100, GA102, AD102 [tu102, ga102 dev_gc6_island.h and its addendum] */
#define PGC6_SCRATCH_GROUP_05_PRIV_LEVEL_MASK	0x00118128
#define   PGC6_SCRATCH_GROUP_05_PRIV_LEVEL_MASK_READ_LEVEL0	BIT(0)
#define PGC6_SCRATCH_GROUP_05			0x00118234
#define   PGC6_SCRATCH_GROUP_05_GFW_BOOT_PROGRESS	GENMASK(7, 0)
#define     PGC6_SCRATCH_GROUP_05_GFW_BOOT_PROGRESS_DONE	0xff
/*
 * Two more bits are set on boards that are up, of no published name [Linux,
 * tools/testing/selftests/vfio/lib/drivers/nv_falcon, run on A100, A10, L40S, T4, L4
 * and H100]
 */
#define   PGC6_SCRATCH_GROUP_05_UP			GENMASK(9, 8)

/* GH100, GB100 [gh100, gb100 dev_therm.h]; all 32 bits are compared */
#define THERM_I2CS_SCRATCH_GH100		0x000200bc
/* GB202 [gb202 dev_therm.h] */
#define THERM_I2CS_SCRATCH_GB202		0x00ad00bc
#define     THERM_I2CS_SCRATCH_BOOT_DONE	0x000000ff

/*
 * TU102 to GH100: VRAM has been cleared after power-on [nvgpu hw_fb_gv100.h
 * fb_niso_scrub_status; Linux nv_falcon waits for it to be 1]
 */
#define PFB_NISO_SCRUB_STATUS			0x00100b20
#define   PFB_NISO_SCRUB_STATUS_DONE		BIT(0)

#endif
