/* SPDX-License-Identifier: MIT */
/* What is true of a PCI device however it is reached: its address, and what its BARs are for. */
#ifndef NVBAR_LIB_PCI_H
#define NVBAR_LIB_PCI_H

#include <linux/types.h>

#include "backend.h"
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
 * nvbar_bar_find_roles - which BAR is which
 * @bar: all six
 * @roles: receives what they are for
 *
 * By their numbers: the registers are 0, BAR1 and BAR2 are 1 and 3 or, where the
 * registers have an address of 64 bits, 2 and 4.  One that neither firmware nor kernel
 * found room for may look like none; if it is the registers, where BAR1 is tells the
 * numbers.
 */
void nvbar_bar_find_roles(const struct nvbar_pci_bar bar[PCI_NR_BARS],
			  struct nvbar_bar_roles *roles);

/**
 * struct nvbar_pci_head - the first words of configuration space, as they lie there
 * @id: vendor and device
 * @command: PCI_COMMAND
 * @status: PCI_STATUS
 */
struct nvbar_pci_head {
	u32 id;
	u16 command;
	u16 status;
};

/** nvbar_pci_answers - is it the head of a device, and not what is read where none answers? */
bool nvbar_pci_answers(const struct nvbar_pci_head *head);

/** nvbar_pci_refuse_gone - say that a device does not answer.  Return: -ENODEV */
int nvbar_pci_refuse_gone(const struct nvbar_log *log, const struct nvbar_pci_head *head);

/** nvbar_pci_refuse_claimed - say that something else has a BAR's memory.  Return: -EBUSY */
int nvbar_pci_refuse_claimed(const struct nvbar_log *log, const char *bar);

/** nvbar_pci_refuse_small - say that BAR0 can't be a GPU's registers.  Return: -EOPNOTSUPP */
int nvbar_pci_refuse_small(const struct nvbar_log *log, u64 size);

/** nvbar_pci_refuse_off - say that observing would have to switch on BARs.  Return: -EACCES */
int nvbar_pci_refuse_off(const struct nvbar_log *log, const char *help);

/** nvbar_pci_refuse_unplaced - say that a BAR has no address.  Return: -EOPNOTSUPP */
int nvbar_pci_refuse_unplaced(const struct nvbar_log *log, const char *bar);

#endif
