/* SPDX-License-Identifier: MIT */
/* The modelled GPU as a PCI device: regions that are read and written. */
#ifndef SERVER_DEVICE_H
#define SERVER_DEVICE_H

#include "pci_config.h"
#include "record.h"
#include "sim.h"
#include "sim_vbios.h"

/**
 * struct device - a GPU with its configuration space
 * @gpu: the model
 * @config: configuration space
 * @record: where accesses to BARs are written down, or NULL
 * @rom: what is in the expansion ROM
 * @errors: the driver's errors before the last reset, at which the model forgets them
 * @fault: the GPU has an MMU fault in its registers, and asks for an interrupt
 * @faults: how often it took one
 */
struct device {
	struct sim_gpu *gpu;
	struct pci_config config;
	struct record *record;
	uint8_t rom[SIM_VBIOS_SIZE];
	uint64_t errors;
	bool fault;
	uint64_t faults;
};

/**
 * device_init - make a PCI device of a GPU
 * @dev: receives it
 * @gpu: a GPU after power-on; stays the caller's, and tells @dev of its faults from now on
 *
 * Nothing is recorded until somebody sets @dev->record.
 */
void device_init(struct device *dev, struct sim_gpu *gpu);

/** device_fini - the GPU tells @dev of nothing any more; to be called before it is powered off */
void device_fini(struct device *dev);

/** device_reset - power-on state, but for VRAM and the size of BAR1 */
void device_reset(struct device *dev);

/** device_errors - what the model counted against its driver, since device_init() */
uint64_t device_errors(struct device *dev);

/**
 * device_region_size - bytes of a region
 * @dev: the device
 * @region: as in common/vfio_user.h
 *
 * Return: bytes, 0 if there is no such region.
 */
uint64_t device_region_size(const struct device *dev, uint32_t region);

/* Whether it can be written to: all but the expansion ROM can. */
bool device_region_is_writable(uint32_t region);

/**
 * device_read - read from a region
 * @dev: the device
 * @region: one that is there
 * @off: with @len within it
 * @data: receives the bytes, aligned to 8
 * @len: how many
 *
 * The device sees the fewest naturally aligned accesses of at most 8 bytes, at
 * ascending offsets.  What it does not answer to reads as all ones, as on a bus.
 */
void device_read(struct device *dev, uint32_t region, uint64_t off, void *data, size_t len);

/** device_write - write to one that can be; what the device does not answer to is lost */
void device_write(struct device *dev, uint32_t region, uint64_t off, const void *data, size_t len);

#endif
