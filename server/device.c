/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "device.h"
#include "vfio_user.h"

/* Called by the model, in the middle of an access. */
static void fault_changed(void *arg, bool latched)
{
	struct device *dev = arg;

	dev->fault = latched;
	dev->faults += latched;
	pci_config_set_pending(&dev->config, latched);
}

void device_init(struct device *dev, struct sim_gpu *gpu)
{
	*dev = (struct device) { .gpu = gpu };
	pci_config_init(&dev->config, sim_chip_name(gpu), sim_bar1_size(gpu));
	sim_vbios_make(sim_chip_name(gpu), dev->rom);
	sim_on_fault(gpu, fault_changed, dev);
}

void device_fini(struct device *dev)
{
	sim_on_fault(dev->gpu, NULL, NULL);
}

void device_reset(struct device *dev)
{
	dev->errors += sim_driver_errors(dev->gpu);
	sim_reset(dev->gpu);
	dev->fault = false;
	pci_config_reset(&dev->config);
}

uint64_t device_errors(struct device *dev)
{
	return dev->errors + sim_driver_errors(dev->gpu);
}

uint64_t device_region_size(const struct device *dev, uint32_t region)
{
	if (region < PCI_NR_BARS)
		return dev->config.size[region];
	if (region == VFIO_USER_PCI_ROM)
		return pci_config_rom_size(&dev->config);
	return region == VFIO_USER_PCI_CONFIG ? PCI_CONFIG_SIZE : 0;
}

bool device_region_is_writable(uint32_t region)
{
	return region != VFIO_USER_PCI_ROM;
}

/* --- BAR0: single accesses, as a bus carries them -------------------------- */

static unsigned int next_width(uint64_t off, size_t len)
{
	unsigned int width = 8;

	while (off % width || width > len)
		width /= 2;
	return width;
}

static void read_regs(struct sim_gpu *gpu, uint64_t off, uint8_t *data, size_t len)
{
	while (len) {
		unsigned int width = next_width(off, len);
		size_t step = width < 8 ? width : len & ~(size_t)7;

		if (width == 8 && !((uintptr_t)data % 8)) {
			sim_bar0_read_words(gpu, off, (uint64_t *)(void *)data, step / 8);
		} else {
			uint64_t val = sim_bar0_read(gpu, off, width);

			step = width;
			memcpy(data, &val, width);
		}
		off += step;
		data += step;
		len -= step;
	}
}

static void write_regs(struct sim_gpu *gpu, uint64_t off, const uint8_t *data, size_t len)
{
	while (len) {
		unsigned int width = next_width(off, len);
		size_t step = width < 8 ? width : len & ~(size_t)7;

		if (width == 8 && !((uintptr_t)data % 8)) {
			sim_bar0_write_words(gpu, off, (const uint64_t *)(const void *)data,
					     step / 8);
		} else {
			uint64_t val = 0;

			step = width;
			memcpy(&val, data, width);
			sim_bar0_write(gpu, off, width, val);
		}
		off += step;
		data += step;
		len -= step;
	}
}

/* --- I/O ports: the model has none, and counts them ------------------------- */

static void read_ports(struct sim_gpu *gpu, uint64_t off, uint8_t *data, size_t len)
{
	unsigned int width;

	for (; len; off += width, data += width, len -= width) {
		uint64_t val;

		width = next_width(off, len);
		val = sim_port_read(gpu, off, width);
		memcpy(data, &val, width);
	}
}

static void write_ports(struct sim_gpu *gpu, uint64_t off, const uint8_t *data, size_t len)
{
	unsigned int width;

	for (; len; off += width, data += width, len -= width) {
		uint64_t val = 0;

		width = next_width(off, len);
		memcpy(&val, data, width);
		sim_port_write(gpu, off, width, val);
	}
}

/* --- configuration space --------------------------------------------------- */

static void write_config(struct device *dev, uint64_t off, const void *data, size_t len)
{
	uint64_t want;

	if (pci_config_write(&dev->config, off, data, len)) {
		device_reset(dev);
		return;
	}
	want = pci_config_wanted_bar1(&dev->config);
	if (want != sim_bar1_size(dev->gpu))
		sim_set_bar1_size(dev->gpu, want);
	/* The register shows what came of it. */
	pci_config_set_bar1(&dev->config, sim_bar1_size(dev->gpu));
}

/* --- expansion ROM --------------------------------------------------------- */

/* The image is at its beginning; the rest is as empty as flash that was never written. */
static void read_rom(const struct device *dev, uint64_t off, uint8_t *data, size_t len)
{
	size_t there = off < sizeof(dev->rom) ? sizeof(dev->rom) - off : 0;

	memset(data, 0xff, len);
	if (there && pci_config_rom_decodes(&dev->config))
		memcpy(data, dev->rom + off, there < len ? there : len);
}

/* --- regions --------------------------------------------------------------- */

static enum pci_bar_use answers(const struct device *dev, uint32_t region)
{
	if (!pci_config_decodes(&dev->config, region))
		return PCI_BAR_NONE;
	return pci_config_bar_use(&dev->config, region);
}

static void note(struct device *dev, bool write, enum pci_bar_use use, uint64_t off,
		 const void *data, size_t len)
{
	unsigned int bar = use == PCI_BAR_REGS ? 0 : use == PCI_BAR_APERTURE ? 1 : 2;

	if (dev->record && use != PCI_BAR_NONE && use != PCI_BAR_PORTS)
		record_access(dev->record, write, bar, off, data, len);
}

void device_read(struct device *dev, uint32_t region, uint64_t off, void *data, size_t len)
{
	enum pci_bar_use use;

	if (region == VFIO_USER_PCI_CONFIG) {
		memcpy(data, dev->config.byte + off, len);
		return;
	}
	if (region == VFIO_USER_PCI_ROM) {
		read_rom(dev, off, data, len);
		return;
	}
	use = answers(dev, region);
	switch (use) {
	case PCI_BAR_REGS:
		read_regs(dev->gpu, off, data, len);
		break;
	case PCI_BAR_APERTURE:
		sim_bar1_copy_from(dev->gpu, data, off, len);
		break;
	case PCI_BAR_APERTURE_2:
		sim_bar2_copy_from(dev->gpu, data, off, len);
		break;
	case PCI_BAR_PORTS:
		read_ports(dev->gpu, off, data, len);
		break;
	case PCI_BAR_NONE:
		memset(data, 0xff, len);
		break;
	}
	note(dev, false, use, off, data, len);
}

void device_write(struct device *dev, uint32_t region, uint64_t off, const void *data, size_t len)
{
	enum pci_bar_use use;

	if (region == VFIO_USER_PCI_CONFIG) {
		write_config(dev, off, data, len);
		return;
	}
	use = answers(dev, region);
	switch (use) {
	case PCI_BAR_REGS:
		write_regs(dev->gpu, off, data, len);
		break;
	case PCI_BAR_APERTURE:
		sim_bar1_copy_to(dev->gpu, off, data, len);
		break;
	case PCI_BAR_APERTURE_2:
		sim_bar2_copy_to(dev->gpu, off, data, len);
		break;
	case PCI_BAR_PORTS:
		write_ports(dev->gpu, off, data, len);
		break;
	case PCI_BAR_NONE:
		break;
	}
	note(dev, true, use, off, data, len);
	/* Whether the client's CPU combines writes is the client's: here they come in order. */
	sim_bar1_drain(dev->gpu);
}
