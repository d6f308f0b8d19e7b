/* SPDX-License-Identifier: MIT */
/* The PCI configuration space of a GPU. */
#ifndef SERVER_PCI_CONFIG_H
#define SERVER_PCI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/pci.h"

/**
 * enum pci_bar_use - what is behind a BAR
 * @PCI_BAR_NONE: nothing; the register is the upper half of another, or not there
 * @PCI_BAR_REGS: BAR0, the registers
 * @PCI_BAR_APERTURE: BAR1
 * @PCI_BAR_APERTURE_2: BAR2
 * @PCI_BAR_PORTS: I/O ports, which are not modelled
 */
enum pci_bar_use {
	PCI_BAR_NONE,
	PCI_BAR_REGS,
	PCI_BAR_APERTURE,
	PCI_BAR_APERTURE_2,
	PCI_BAR_PORTS,
};

struct pci_chip;

/**
 * struct pci_config - configuration space
 * @chip: whose
 * @first_bar1: size of BAR1 at power-on
 * @byte: its bytes
 * @writable: bits of them that a write changes
 * @size: bytes behind each BAR register, 0 for none
 */
struct pci_config {
	const struct pci_chip *chip;
	uint64_t first_bar1;
	uint8_t byte[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE];
	uint64_t size[PCI_NR_BARS];
};

/**
 * pci_config_init - configuration space at power-on
 * @config: receives it
 * @chip: name of the chip, one that the model has
 * @bar1_size: bytes of BAR1, 0 for none
 */
void pci_config_init(struct pci_config *config, const char *chip, uint64_t bar1_size);

/**
 * pci_config_reset - power-on state again, but for the size of BAR1
 * @config: configuration space
 */
void pci_config_reset(struct pci_config *config);

/**
 * pci_config_write - a write of any length
 * @config: configuration space
 * @off: with @len within PCI_CONFIG_SIZE
 * @data: bytes
 * @len: bytes at @data
 *
 * Return: whether it asks for a function-level reset, which is the caller's.
 */
bool pci_config_write(struct pci_config *config, size_t off, const uint8_t *data, size_t len);

enum pci_bar_use pci_config_bar_use(const struct pci_config *config, unsigned int bar);

/** pci_config_decodes - does the device answer to accesses to a BAR? */
bool pci_config_decodes(const struct pci_config *config, unsigned int bar);

/** pci_config_rom_size - bytes behind the expansion ROM's BAR, 0 for none */
uint32_t pci_config_rom_size(const struct pci_config *config);

/** pci_config_rom_decodes - does the device answer to accesses to it? */
bool pci_config_rom_decodes(const struct pci_config *config);

/**
 * pci_config_wanted_bar1 - the size of BAR1 that the resizable-BAR capability now asks for
 * @config: configuration space
 *
 * Return: bytes; that of BAR1 if it asks for one that it does not offer, or
 * while BAR1 is in use.
 */
uint64_t pci_config_wanted_bar1(const struct pci_config *config);

/**
 * enum pci_interrupt - how an interrupt leaves the device
 * @PCI_INTERRUPT_NONE: not at all
 * @PCI_INTERRUPT_INTX: as the level of a line
 * @PCI_INTERRUPT_MSI: as a message each
 */
enum pci_interrupt {
	PCI_INTERRUPT_NONE,
	PCI_INTERRUPT_INTX,
	PCI_INTERRUPT_MSI,
};

/**
 * pci_config_interrupt - how an interrupt leaves the device now
 * @config: configuration space
 *
 * MSI once it is enabled, if the device may master the bus, as it writes to memory
 * for that; else INTx unless that is disabled [PCI 3.0, 6.2.2, 6.8.1.3].  None of them
 * out of D0 [PCI PM 1.2, 5.4].
 */
enum pci_interrupt pci_config_interrupt(const struct pci_config *config);

/** pci_config_set_pending - the device asks for an interrupt, or no more */
void pci_config_set_pending(struct pci_config *config, bool pending);

/** pci_config_set_bar1 - BAR1 has this size now */
void pci_config_set_bar1(struct pci_config *config, uint64_t size);

#endif
