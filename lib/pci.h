/* SPDX-License-Identifier: MIT */
/* What is true of a PCI device however it is reached: its address, and what its BARs are for. */
#ifndef NVBAR_LIB_PCI_H
#define NVBAR_LIB_PCI_H

#include <linux/types.h>

#include "hw/pci.h"

/* "ffffffff:ff:1f.7" and a NUL, rounded up */
#define NVBAR_PCI_ADDRESS_MAX	20

/**
 * struct nvbar_pci_bar - one of the six
 * @start: its address, 0 where it has none
 * @size: bytes, 0 where there is no such BAR
 * @bits: the low bits of its register: PCI_BAR_IO, PCI_BAR_64, ...
 */
struct nvbar_pci_bar {
	u64 start;
	u64 size;
	u32 bits;
};

/**
 * struct nvbar_bar_roles - which of the six are which; -1 where there is none
 * @regs: registers, BAR0 in NVIDIA's words
 * @bar1: the aperture onto VRAM
 * @bar2: a second aperture, for drivers
 */
struct nvbar_bar_roles {
	int regs, bar1, bar2;
};

/**
 * nvbar_pci_address_parse - read a device's address
 * @text: "0000:01:00.0", or "01:00.0" in domain 0
 * @address: receives it as sysfs names it
 *
 * Return: 0, or -EINVAL.
 */
int nvbar_pci_address_parse(const char *text, char address[NVBAR_PCI_ADDRESS_MAX]);

/**
 * nvbar_bar_find_roles - walk the six BARs
 * @bar: all of them
 * @roles: receives what they are for
 *
 * The first memory BAR is the registers, the second BAR1, the third BAR2; which
 * numbers they have depends on the chip.  A second one that is smaller than any
 * BAR1 is BAR2, and there is no BAR1.
 */
void nvbar_bar_find_roles(const struct nvbar_pci_bar bar[PCI_NR_BARS],
			  struct nvbar_bar_roles *roles);

#endif
