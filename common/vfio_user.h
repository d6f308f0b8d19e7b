/* SPDX-License-Identifier: MIT */
/*
 * The vfio-user protocol: a device and its user in two processes, with a UNIX
 * socket between them.  As QEMU's docs/interop/vfio-user.rst describes it.
 *
 * A message is a header and a payload.  All fields have the host's byte order,
 * and are aligned in a message that is.
 */
#ifndef COMMON_VFIO_USER_H
#define COMMON_VFIO_USER_H

#include <stdint.h>

#define VFIO_USER_MAJOR		0
#define VFIO_USER_MINOR		0	/* so that nobody proposes less */

enum vfio_user_command {
	VFIO_USER_VERSION = 1,
	VFIO_USER_DMA_MAP = 2,
	VFIO_USER_DMA_UNMAP = 3,
	VFIO_USER_DEVICE_GET_INFO = 4,
	VFIO_USER_DEVICE_GET_REGION_INFO = 5,
	VFIO_USER_DEVICE_GET_REGION_IO_FDS = 6,
	VFIO_USER_DEVICE_GET_IRQ_INFO = 7,
	VFIO_USER_DEVICE_SET_IRQS = 8,
	VFIO_USER_REGION_READ = 9,
	VFIO_USER_REGION_WRITE = 10,
	VFIO_USER_DMA_READ = 11,
	VFIO_USER_DMA_WRITE = 12,
	VFIO_USER_DEVICE_RESET = 13,
	VFIO_USER_REGION_WRITE_MULTI = 15,
	VFIO_USER_DEVICE_FEATURE = 16,
	VFIO_USER_MIG_DATA_READ = 17,
	VFIO_USER_MIG_DATA_WRITE = 18,
};

/**
 * struct vfio_user_header - what every message begins with
 * @id: the sender's choice; a reply has that of its command
 * @command: enum vfio_user_command; a reply has that of its command
 * @size: bytes of the message, this header included
 * @flags: VFIO_USER_TYPE and flags
 * @error: errno of a reply with VFIO_USER_ERROR, which has no payload; may be 0
 */
struct vfio_user_header {
	uint16_t id;
	uint16_t command;
	uint32_t size;
	uint32_t flags;
	uint32_t error;
};

#define VFIO_USER_TYPE		0x0fu
#define VFIO_USER_TYPE_COMMAND	0x00u
#define VFIO_USER_TYPE_REPLY	0x01u
#define VFIO_USER_NO_REPLY	0x10u
#define VFIO_USER_ERROR		0x20u

/* Payload of VERSION and its reply; JSON may follow, with its NUL. */
struct vfio_user_version {
	uint16_t major;
	uint16_t minor;
};

/* Capabilities in that JSON, and what counts where they are missing */
#define VFIO_USER_CAPABILITIES		"capabilities"
#define VFIO_USER_MAX_MSG_FDS		"max_msg_fds"
#define VFIO_USER_MAX_MSG_FDS_DEFAULT	1
#define VFIO_USER_MAX_DATA_XFER		"max_data_xfer_size"
#define VFIO_USER_MAX_DATA_XFER_DEFAULT	1048576u
#define VFIO_USER_MAX_DMA_MAPS		"max_dma_maps"
#define VFIO_USER_MAX_DMA_MAPS_DEFAULT	65535u
#define VFIO_USER_PGSIZES		"pgsizes"
#define VFIO_USER_PGSIZES_DEFAULT	4096u
#define VFIO_USER_WRITE_MULTIPLE	"write_multiple"

/* DMA_MAP; the reply has no payload. */
struct vfio_user_dma_map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t offset;	/* in the file that comes with it */
	uint64_t address;
	uint64_t size;
};

#define VFIO_USER_DMA_READABLE	0x1u
#define VFIO_USER_DMA_WRITABLE	0x2u

/* DMA_UNMAP and its reply */
struct vfio_user_dma_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t address;
	uint64_t size;
};

#define VFIO_USER_DMA_UNMAP_ALL	0x2u	/* as in <linux/vfio.h>; address and size are 0 */

/* DEVICE_GET_INFO and its reply */
struct vfio_user_device_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t num_regions;
	uint32_t num_irqs;
};

#define VFIO_USER_DEVICE_RESETS	0x1u
#define VFIO_USER_DEVICE_PCI	0x2u

/* DEVICE_GET_REGION_INFO and its reply */
struct vfio_user_region_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t cap_offset;
	uint64_t size;
	uint64_t offset;
};

#define VFIO_USER_REGION_READABLE	0x1u
#define VFIO_USER_REGION_WRITABLE	0x2u

/* Regions of a PCI device: one for each of the six BAR registers, then the expansion ROM, ... */
#define VFIO_USER_PCI_BARS	6
#define VFIO_USER_PCI_ROM	6
#define VFIO_USER_PCI_CONFIG	7
#define VFIO_USER_PCI_REGIONS	9

/* DEVICE_GET_IRQ_INFO and its reply */
struct vfio_user_irq_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
};

#define VFIO_USER_IRQ_EVENTFD		0x1u
#define VFIO_USER_IRQ_MASKABLE		0x2u
#define VFIO_USER_IRQ_AUTOMASKED	0x4u

/* Interrupts of a PCI device: INTx, MSI, MSI-X, errors, requests to let go */
#define VFIO_USER_PCI_INTX	0
#define VFIO_USER_PCI_MSI	1
#define VFIO_USER_PCI_MSIX	2
#define VFIO_USER_PCI_IRQS	5

/* DEVICE_SET_IRQS; with DATA_BOOL a byte for each interrupt follows.  No payload in the reply. */
struct vfio_user_irq_set {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
};

#define VFIO_USER_IRQ_DATA_NONE		0x01u
#define VFIO_USER_IRQ_DATA_BOOL		0x02u
#define VFIO_USER_IRQ_DATA_EVENTFD	0x04u
#define VFIO_USER_IRQ_DATA		0x07u
#define VFIO_USER_IRQ_MASK		0x08u
#define VFIO_USER_IRQ_UNMASK		0x10u
#define VFIO_USER_IRQ_TRIGGER		0x20u
#define VFIO_USER_IRQ_ACTION		0x38u

/* REGION_READ, REGION_WRITE and their replies; data follows a write and the reply to a read. */
struct vfio_user_region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
};

/* One write of REGION_WRITE_MULTI, which has at most 8 bytes of data */
struct vfio_user_small_write {
	struct vfio_user_region_access access;
	uint8_t data[8];
};

/* REGION_WRITE_MULTI; the reply is the count alone, of the writes that were done. */
struct vfio_user_region_write_multi {
	uint64_t count;
	struct vfio_user_small_write write[];
};

_Static_assert(sizeof(struct vfio_user_header) == 16, "layout");
_Static_assert(sizeof(struct vfio_user_version) == 4, "layout");
_Static_assert(sizeof(struct vfio_user_dma_map) == 32, "layout");
_Static_assert(sizeof(struct vfio_user_dma_unmap) == 24, "layout");
_Static_assert(sizeof(struct vfio_user_device_info) == 16, "layout");
_Static_assert(sizeof(struct vfio_user_region_info) == 32, "layout");
_Static_assert(sizeof(struct vfio_user_irq_info) == 16, "layout");
_Static_assert(sizeof(struct vfio_user_irq_set) == 20, "layout");
_Static_assert(sizeof(struct vfio_user_region_access) == 16, "layout");
_Static_assert(sizeof(struct vfio_user_small_write) == 24, "layout");
_Static_assert(sizeof(struct vfio_user_region_write_multi) == 8, "layout");

#endif
