/* SPDX-License-Identifier: MIT */
/*
 * PCI configuration space: what the PCI specifications define, and where
 * these GPUs have it.
 */
#ifndef HW_PCI_H
#define HW_PCI_H

#define PCI_CONFIG_SIZE				4096

/* The header [PCI 3.0, 6.1] */
#define PCI_VENDOR				0x00
#define   PCI_VENDOR_NVIDIA				0x10de
/* Vendor and device of one that is not ready after a reset [PCIe 4.0, 2.3.2] */
#define   PCI_ID_NOT_READY				0xffff0001
#define PCI_DEVICE				0x02
#define PCI_COMMAND				0x04
#define   PCI_COMMAND_IO				0x0001
#define   PCI_COMMAND_MEMORY				0x0002
#define   PCI_COMMAND_MASTER				0x0004
#define   PCI_COMMAND_PARITY				0x0040
#define   PCI_COMMAND_SERR				0x0100
#define   PCI_COMMAND_INTX_DISABLE			0x0400
#define PCI_STATUS				0x06
#define   PCI_STATUS_INTERRUPT				0x0008	/* asked for, INTx disabled or not */
#define   PCI_STATUS_CAPABILITIES			0x0010
#define PCI_REVISION				0x08
#define PCI_CLASS				0x09
#define   PCI_CLASS_VGA					0x030000
#define   PCI_CLASS_3D					0x030200
#define PCI_CACHE_LINE				0x0c
#define PCI_BAR(n)				(0x10 + 4 * (n))
#define   PCI_BAR_IO					0x01
#define   PCI_BAR_64					0x04
#define   PCI_BAR_TYPE					0x06
#define   PCI_BAR_PREFETCHABLE				0x08
#define PCI_NR_BARS				6
#define PCI_SUBSYSTEM_VENDOR			0x2c
#define PCI_SUBSYSTEM				0x2e
#define PCI_ROM					0x30
#define   PCI_ROM_ENABLE				0x00000001
#define PCI_CAPABILITIES			0x34
#define PCI_INTERRUPT_LINE			0x3c
#define PCI_INTERRUPT_PIN			0x3d

/* Power management [PCI PM 1.2, 3.2] */
#define PCI_CAP_PM				0x01
#define PCI_PM_CAP				0x02
#define   PCI_PM_CAP_VERSION				0x0003
#define PCI_PM_CONTROL				0x04
#define   PCI_PM_CONTROL_STATE				0x0003	/* 0 is D0 */
#define   PCI_PM_CONTROL_NO_SOFT_RESET			0x0008

/* MSI with a 64-bit address and one vector [PCI 3.0, 6.8.1] */
#define PCI_CAP_MSI				0x05
#define PCI_MSI_CONTROL				0x02
#define   PCI_MSI_CONTROL_ENABLE			0x0001
#define   PCI_MSI_CONTROL_64				0x0080
#define PCI_MSI_ADDRESS				0x04
#define PCI_MSI_ADDRESS_HI			0x08
#define PCI_MSI_DATA				0x0c

/* PCI Express, version 2 [PCIe 4.0, 7.5.3] */
#define PCI_CAP_EXPRESS				0x10
#define PCI_EXP_CAP				0x02
#define   PCI_EXP_CAP_VERSION				0x0002
#define   PCI_EXP_CAP_LEGACY_ENDPOINT			0x0010
#define PCI_EXP_DEVICE_CAP			0x04
#define   PCI_EXP_DEVICE_CAP_PAYLOAD_256		0x00000001
#define   PCI_EXP_DEVICE_CAP_EXTENDED_TAG		0x00000020
#define   PCI_EXP_DEVICE_CAP_ROLE_ERRORS		0x00008000
#define   PCI_EXP_DEVICE_CAP_FLR			0x10000000
#define PCI_EXP_DEVICE_CONTROL			0x08
#define   PCI_EXP_DEVICE_CONTROL_FLR			0x8000
#define PCI_EXP_LINK_CAP			0x0c
#define   PCI_EXP_LINK_WIDTH_SHIFT			4
#define PCI_EXP_LINK_CONTROL			0x10
#define PCI_EXP_LINK_STATUS			0x12
#define PCI_EXP_LINK_CAP2			0x2c
#define PCI_EXP_LINK_CONTROL2			0x30

/* Extended capabilities: id, version and place of the next one [PCIe 4.0, 7.6.3] */
#define PCI_EXT_CAPS				0x100
#define PCI_EXT_CAP(id, version, next)		((id) | (version) << 16 | (next) << 20)

/* Device serial number [PCIe 4.0, 7.9.3] */
#define PCI_EXT_CAP_SERIAL			0x0003

/* Resizable BAR; a size is 1 MiB << code [PCIe 4.0, 7.8.6] */
#define PCI_EXT_CAP_REBAR			0x0015
#define PCI_REBAR_CAP(n)			(0x04 + 8 * (n))
#define   PCI_REBAR_CAP_SHIFT				4	/* of the bit for code 0 */
#define PCI_REBAR_CONTROL(n)			(0x08 + 8 * (n))
#define   PCI_REBAR_CONTROL_NR_SHIFT			5
#define   PCI_REBAR_CONTROL_SIZE_SHIFT			8
#define   PCI_REBAR_CONTROL_SIZE			0x3f00

/* Where a GPU's are: of a TU102 to AD102 in logs, of the others [assumed] */
#define PCI_PM_AT				0x60
#define PCI_MSI_AT				0x68
#define PCI_EXP_AT				0x78

/* [tu104, ga102 dev_nv_xve3g_fn0; gh100 dev_xtl_ep_pcfg_gpu.h; gb100 dev_pcfg_pf0.h; GB202 assumed] */
#define PCI_REBAR_AT_TU102			0xbb0
#define PCI_REBAR_AT_GH100			0x134
#define PCI_REBAR_AT_GB100			0x198

/* Sizes of BAR0, of BAR2 and of the I/O BAR [logs]; the smallest BAR1 [tu104 dev_nv_xve3g_fn0] */
#define PCI_BAR0_SIZE				0x01000000
#define PCI_BAR0_SIZE_GB202			0x04000000
#define PCI_BAR1_MIN				0x04000000
#define PCI_BAR2_SIZE				0x02000000
#define PCI_BAR_IO_SIZE				0x80

/*
 * Size of the expansion ROM's BAR, whose base is bits 31:16 at most [tu104, ga102
 * dev_nv_xve3g_fn0 NV_XVE_ROM].  Cards with a display have it [logs of TU102, GA102,
 * GB202; AD102 assumed]; A100 and H100 show none [logs].
 */
#define PCI_ROM_SIZE				0x00080000

#endif
