/* SPDX-License-Identifier: MIT */
/* The windows on its memory that a client opens for the device. */
#ifndef SERVER_DMA_H
#define SERVER_DMA_H

#include <stddef.h>
#include <stdint.h>

struct dma_window {
	uint64_t address;
	uint64_t size;
};

/**
 * struct dma_windows - windows, disjoint and in order
 * @window: them
 * @nr: how many
 * @room: for how many there is room at @window
 */
struct dma_windows {
	struct dma_window *window;
	size_t nr;
	size_t room;
};

/**
 * dma_map - open a window
 * @dma: the others
 * @address: page aligned
 * @size: whole pages, not 0; does not wrap around
 *
 * Return: 0, or an errno above 0: EEXIST (part of it is open), ENOSPC (too
 * many), ENOMEM.
 */
int dma_map(struct dma_windows *dma, uint64_t address, uint64_t size);

/**
 * dma_unmap - close the one window that has this address and this size
 *
 * Return: 0, or an errno above 0: ENOENT (no window has any of it), EINVAL (one
 * or more have, but none is it).
 */
int dma_unmap(struct dma_windows *dma, uint64_t address, uint64_t size);

/**
 * dma_unmap_range - close all windows in a range, which need not be any
 *
 * The protocol knows no such thing, but the kernel's VFIO does it.  QEMU counts on
 * it where the machine has an IOMMU: it takes away whole address spaces then, and
 * complains if that fails [qemu, hw/vfio/listener.c vfio_iommu_map_notify(),
 * vfio_listener_region_del(); hw/i386/intel_iommu.c vtd_address_space_unmap()].
 *
 * Return: 0, or EINVAL (a window is partly in it).
 */
int dma_unmap_range(struct dma_windows *dma, uint64_t address, uint64_t size);

void dma_unmap_all(struct dma_windows *dma);

#endif
