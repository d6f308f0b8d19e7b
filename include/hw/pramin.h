/* SPDX-License-Identifier: MIT */
/*
 * PRAMIN: a movable 1 MiB window of BAR0 on VRAM.  Offsets are absolute in BAR0.
 */
#ifndef HW_PRAMIN_H
#define HW_PRAMIN_H

/* [gh100, gb202 dev_ram.h NV_PRAMIN] */
#define PRAMIN_BASE				0x00700000
#define PRAMIN_SIZE				0x00100000

/* The window base counts in 64 KiB, whatever the register [tu104 dev_bus; gh100 dev_nv_xal_ep_zb.h] */
#define PRAMIN_WINDOW_SHIFT			16

/* TU102, GA100, GA102, AD102 [tu104 dev_bus] */
#define PBUS_BAR0_WINDOW			0x00001700
#define   PBUS_BAR0_WINDOW_BASE			GENMASK(23, 0)
#define   PBUS_BAR0_WINDOW_TARGET		GENMASK(25, 24)
#define     PBUS_BAR0_WINDOW_TARGET_VID_MEM		0
#define     PBUS_BAR0_WINDOW_TARGET_SYS_MEM_COHERENT	2
#define     PBUS_BAR0_WINDOW_TARGET_SYS_MEM_NONCOHERENT	3

/* GH100, GB100, GB202: always video memory [gh100, gb100 dev_nv_xal_ep_zb.h] */
#define XAL_EP_ZB_BAR0_WINDOW			0x0010fd40
#define   XAL_EP_ZB_BAR0_WINDOW_BASE_GH100	GENMASK(21, 0)
/* GB202's header gives no width; taken to be GB100's [assumed] */
#define   XAL_EP_ZB_BAR0_WINDOW_BASE_GB100	GENMASK(22, 0)

#endif
