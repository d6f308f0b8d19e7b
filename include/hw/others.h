/* SPDX-License-Identifier: MIT */
/*
 * Registers that this driver does not use and others do.  Offsets are absolute in
 * BAR0.
 */
#ifndef HW_OTHERS_H
#define HW_OTHERS_H

/* Nanoseconds, in steps of 32; TIME_1 has the upper word [open-gpu-doc, tu104 dev_timer] */
#define PTIMER_TIME_0				0x00009400
#define   PTIMER_TIME_0_NSEC			GENMASK(31, 5)
#define PTIMER_TIME_1				0x00009410
#define   PTIMER_TIME_1_NSEC			GENMASK(28, 0)

/*
 * The video BIOS as its chip has it, where it can be read unless the shadow is
 * on; the register is config space 0x50 seen in BAR0 [linux, nouveau bios/shadowrom.c,
 * pci/base.c]
 */
#define PROM_BASE				0x00300000
#define PROM_SIZE				0x00100000
#define PPCI_ROM_SHADOW				0x00088050
#define   PPCI_ROM_SHADOW_ENABLE		BIT(0)

/*
 * Interrupt vectors of MMU faults [open-gpu-doc, tu104 pri_mmu_hub; the numbers of
 * notifies also in OpenRM's tu102 dev_fb.h; nouveau fault/tu102.c reads them]
 */
#define PFB_MMU_INT_VECTOR_INFO_FAULT		0x00100ee0
#define PFB_MMU_INT_VECTOR_FAULT_NON_REPLAYABLE	0x00100ee4
#define PFB_MMU_INT_VECTOR_FAULT_REPLAYABLE	0x00100ee8
#define   PFB_MMU_INT_VECTOR_FAULT_ERROR	GENMASK(15, 0)
#define   PFB_MMU_INT_VECTOR_FAULT_NOTIFY	GENMASK(31, 16)

/*
 * Fault buffers, not replayable and replayable: where it is, and what was read and
 * written of it [tu102 dev_vm.h; fields tu104 dev_vm]
 */
#define VF_PRIV_MMU_FAULT_BUFFER_LO_0		0x00b83000
#define VF_PRIV_MMU_FAULT_BUFFER_HI_0		0x00b83004
#define VF_PRIV_MMU_FAULT_BUFFER_GET_0		0x00b83008
#define VF_PRIV_MMU_FAULT_BUFFER_PUT_0		0x00b8300c
#define VF_PRIV_MMU_FAULT_BUFFER_SIZE_0		0x00b83010
#define VF_PRIV_MMU_FAULT_BUFFER_LO_1		0x00b83020
#define VF_PRIV_MMU_FAULT_BUFFER_HI_1		0x00b83024
#define VF_PRIV_MMU_FAULT_BUFFER_GET_1		0x00b83028
#define VF_PRIV_MMU_FAULT_BUFFER_PUT_1		0x00b8302c
#define VF_PRIV_MMU_FAULT_BUFFER_SIZE_1		0x00b83030
#define   VF_PRIV_MMU_FAULT_BUFFER_GET_PTR		GENMASK(19, 0)
#define   VF_PRIV_MMU_FAULT_BUFFER_GET_FLAGS		GENMASK(31, 30)	/* written 1: cleared */
#define   VF_PRIV_MMU_FAULT_BUFFER_SIZE_VAL		GENMASK(19, 0)	/* entries of 32 bytes */
#define   VF_PRIV_MMU_FAULT_BUFFER_SIZE_OVERFLOW_INTR	BIT(29)
#define   VF_PRIV_MMU_FAULT_BUFFER_SIZE_SET_DEFAULT	BIT(30)
#define   VF_PRIV_MMU_FAULT_BUFFER_SIZE_ENABLE		BIT(31)

#endif
