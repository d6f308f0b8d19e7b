/* SPDX-License-Identifier: MIT */
/*
 * Instance block: tells an engine, here BAR1, its page tables.  Byte offsets
 * in the block [gp100, gv100 dev_ram.h; tu104 dev_ram NV_RAMIN].
 */
#ifndef HW_INSTANCE_H
#define HW_INSTANCE_H

#define RAMIN_SIZE				4096
#define RAMIN_BASE_SHIFT			12

#define RAMIN_PAGE_DIR_BASE_LO			0x200
#define   RAMIN_PAGE_DIR_BASE_TARGET		GENMASK(1, 0)
#define     RAMIN_PAGE_DIR_BASE_TARGET_VID_MEM			0
#define     RAMIN_PAGE_DIR_BASE_TARGET_INVALID			1
#define     RAMIN_PAGE_DIR_BASE_TARGET_SYS_MEM_COHERENT		2
#define     RAMIN_PAGE_DIR_BASE_TARGET_SYS_MEM_NONCOHERENT	3
#define   RAMIN_PAGE_DIR_BASE_VOL		BIT(2)
/* Must be 1 on v2; OpenRM writes 0 and nouveau 1 on v3, so ignored there [assumed] */
#define   RAMIN_USE_VER2_PT_FORMAT		BIT(10)
/* 1 = 64 KiB; 128 KiB raises UNBOUND_INST_BLOCK on Volta and later */
#define   RAMIN_BIG_PAGE_SIZE			BIT(11)
#define     RAMIN_BIG_PAGE_SIZE_64KB			1
#define   RAMIN_PAGE_DIR_BASE_LO_ADDR		GENMASK(31, 12)	/* root table address 31:12 */
#define RAMIN_PAGE_DIR_BASE_HI			0x204	/* root table address 63:32 */

/* Last valid VA; OpenRM writes it on Turing only, deprecated since GV100 [tu104 dev_ram] */
#define RAMIN_ADR_LIMIT_LO			0x208
#define   RAMIN_ADR_LIMIT_LO_ADDR		GENMASK(31, 12)
#define RAMIN_ADR_LIMIT_HI			0x20c
/* On Blackwell OpenRM keeps this value at 0x20c instead [ga10b dev_ram.h] */
#define     RAMIN_ENGINE_CTXSW_FW_MAGIC_VALUE	0xcafeca11

#endif
