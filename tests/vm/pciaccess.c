/* SPDX-License-Identifier: MIT */
/*
 * What libpciaccess, which many programs find their GPU by, makes of the NVIDIA
 * devices of a machine: a line for each with its ids, its BARs, the first bytes of its
 * ROM, and the first register, read through a mapping of the library's.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pciaccess.h>

static int fail(const char *what, int err)
{
	fprintf(stderr, "pciaccess: %s: %s\n", what, strerror(err));
	return EXIT_FAILURE;
}

static void print_bars(const struct pci_device *dev)
{
	unsigned int i;

	for (i = 0; i < 6; i++)
		if (dev->regions[i].size)
			printf(" bar%u=%s%s%llu", i, dev->regions[i].is_IO ? "io:" : "",
			       dev->regions[i].is_prefetchable ? "prefetchable:" : "",
			       (unsigned long long)dev->regions[i].size);
}

static int print_rom(struct pci_device *dev)
{
	uint8_t *rom;
	int err;

	if (!dev->rom_size)
		return 0;
	rom = malloc(dev->rom_size);
	if (!rom)
		return fail("memory", 12);
	err = pci_device_read_rom(dev, rom);
	if (!err)
		printf(" rom=%02x%02x", rom[0], rom[1]);
	free(rom);
	return err ? fail("ROM", err) : 0;
}

static int print_register(struct pci_device *dev)
{
	void *regs;
	int err = pci_device_map_range(dev, dev->regions[0].base_addr, 4096, 0, &regs);

	if (err)
		return fail("BAR0", err);
	printf(" boot0=%08x\n", *(volatile uint32_t *)regs);
	pci_device_unmap_range(dev, regs, 4096);
	return 0;
}

static int print_device(struct pci_device *dev)
{
	int err = pci_device_probe(dev);

	if (err)
		return fail("probe", err);
	pci_device_enable(dev);
	printf("%04x:%02x:%02x.%u %04x:%04x class=%06x", dev->domain, dev->bus, dev->dev, dev->func,
	       dev->vendor_id, dev->device_id, dev->device_class);
	print_bars(dev);
	err = print_rom(dev);
	return err ? err : print_register(dev);
}

int main(void)
{
	const struct pci_id_match nvidia = {
		.vendor_id = 0x10de, .device_id = PCI_MATCH_ANY,
		.subvendor_id = PCI_MATCH_ANY, .subdevice_id = PCI_MATCH_ANY,
	};
	struct pci_device_iterator *it;
	struct pci_device *dev;
	int err = pci_system_init();

	if (err)
		return fail("system", err);
	it = pci_id_match_iterator_create(&nvidia);
	while (!err && (dev = pci_device_next(it)))
		err = print_device(dev);
	pci_iterator_destroy(it);
	pci_system_cleanup();
	return err;
}
