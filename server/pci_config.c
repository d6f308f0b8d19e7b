/* SPDX-License-Identifier: MIT */
/*
 * Configuration space as bytes, and beside each the bits that a write changes.
 * A BAR's size shows in those: writing all ones to it and reading it back needs
 * no code.
 */
#include <string.h>

#include "pci_config.h"
#include "sim_bits.h"

#define BAR_FIRST_CODE		6	/* 64 MiB, the smallest BAR1 */
#define BAR_USUAL_CODES		16	/* to 32 GiB, as a GA102's firmware offers */

/**
 * struct pci_chip - what tells one chip's configuration space from another's
 * @name: as in a device string
 * @device: an example of its device ids
 * @class: class code
 * @wide: BAR0 has 64 bits, and there is no I/O BAR
 * @bar0_size: bytes
 * @rebar: place of the resizable-BAR capability
 * @rebar_all: which lists the other memory BARs, too
 * @speed: of the link, as in its registers
 */
struct pci_chip {
	const char *name;
	uint16_t device;
	uint32_t class;
	bool wide;
	uint32_t bar0_size;
	uint16_t rebar;
	bool rebar_all;
	uint8_t speed;
};

static const struct pci_chip chips[] = {
	{ "tu102", 0x1e07, PCI_CLASS_VGA, false, PCI_BAR0_SIZE, PCI_REBAR_AT_TU102, true, 3 },
	{ "ga100", 0x20b5, PCI_CLASS_3D, false, PCI_BAR0_SIZE, PCI_REBAR_AT_TU102, true, 4 },
	{ "ga102", 0x2204, PCI_CLASS_VGA, false, PCI_BAR0_SIZE, PCI_REBAR_AT_TU102, true, 4 },
	{ "ad102", 0x2684, PCI_CLASS_VGA, false, PCI_BAR0_SIZE, PCI_REBAR_AT_TU102, true, 4 },
	{ "gh100", 0x2330, PCI_CLASS_3D, true, PCI_BAR0_SIZE, PCI_REBAR_AT_GH100, false, 5 },
	/* BARs as a GH100's [assumed] */
	{ "gb100", 0x2901, PCI_CLASS_3D, true, PCI_BAR0_SIZE, PCI_REBAR_AT_GB100, false, 5 },
	{ "gb202", 0x2b85, PCI_CLASS_VGA, false, PCI_BAR0_SIZE_GB202, PCI_REBAR_AT_GH100, false, 5 },
};

/* --- registers ------------------------------------------------------------- */

static uint32_t get(const uint8_t *at, unsigned int bytes)
{
	uint32_t val = 0;

	while (bytes--)
		val = val << 8 | at[bytes];
	return val;
}

static void put(uint8_t *at, unsigned int bytes, uint32_t val)
{
	for (; bytes--; val >>= 8)
		*at++ = (uint8_t)val;
}

static void set16(struct pci_config *c, size_t off, uint16_t val, uint16_t writable)
{
	put(c->byte + off, 2, val);
	put(c->writable + off, 2, writable);
}

static void set32(struct pci_config *c, size_t off, uint32_t val, uint32_t writable)
{
	put(c->byte + off, 4, val);
	put(c->writable + off, 4, writable);
}

/* --- BARs ------------------------------------------------------------------ */

/* Register of BAR1: 1, or 2 behind a BAR0 of 64 bits */
static unsigned int bar1_reg(const struct pci_config *c)
{
	return c->chip->wide ? 2 : 1;
}

/* What is written stays, as far as the size lets it. */
static void set_bar(struct pci_config *c, unsigned int bar, uint64_t size, uint32_t flags)
{
	uint32_t low = (uint32_t)-size & ~(flags & PCI_BAR_IO ? 0x3u : 0xfu);
	uint32_t high = (uint32_t)(-size >> 32);

	c->size[bar] = size;
	set32(c, PCI_BAR(bar), (get(c->byte + PCI_BAR(bar), 4) & low) | flags, low);
	if (flags & PCI_BAR_64 && !(flags & PCI_BAR_IO))
		set32(c, PCI_BAR(bar + 1), get(c->byte + PCI_BAR(bar + 1), 4) & high, high);
}

static void set_bars(struct pci_config *c, uint64_t bar1_size)
{
	const uint32_t wide = PCI_BAR_64 | PCI_BAR_PREFETCHABLE;
	unsigned int bar1 = bar1_reg(c);

	set_bar(c, 0, c->chip->bar0_size, c->chip->wide ? wide : 0);
	if (bar1_size)
		set_bar(c, bar1, bar1_size, wide);
	set_bar(c, bar1 + 2, PCI_BAR2_SIZE, wide);
	if (!c->chip->wide)
		set_bar(c, PCI_NR_BARS - 1, PCI_BAR_IO_SIZE, PCI_BAR_IO);
}

enum pci_bar_use pci_config_bar_use(const struct pci_config *c, unsigned int bar)
{
	if (!c->size[bar])
		return PCI_BAR_NONE;
	if (!bar)
		return PCI_BAR_REGS;
	if (bar == bar1_reg(c))
		return PCI_BAR_APERTURE;
	return bar == bar1_reg(c) + 2 ? PCI_BAR_APERTURE_2 : PCI_BAR_PORTS;
}

static bool is_awake(const struct pci_config *c)
{
	return !(c->byte[PCI_PM_AT + PCI_PM_CONTROL] & PCI_PM_CONTROL_STATE);
}

bool pci_config_decodes(const struct pci_config *c, unsigned int bar)
{
	bool io = c->byte[PCI_BAR(bar)] & PCI_BAR_IO;

	return c->byte[PCI_COMMAND] & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY) && is_awake(c);
}

/* --- expansion ROM --------------------------------------------------------- */

uint32_t pci_config_rom_size(const struct pci_config *c)
{
	return c->chip->class == PCI_CLASS_VGA ? PCI_ROM_SIZE : 0;
}

static void set_rom(struct pci_config *c)
{
	uint32_t size = pci_config_rom_size(c);

	if (size)
		set32(c, PCI_ROM, 0, -size | PCI_ROM_ENABLE);
}

bool pci_config_rom_decodes(const struct pci_config *c)
{
	return c->byte[PCI_ROM] & PCI_ROM_ENABLE && c->byte[PCI_COMMAND] & PCI_COMMAND_MEMORY &&
	       is_awake(c);
}

/* --- interrupts ------------------------------------------------------------ */

enum pci_interrupt pci_config_interrupt(const struct pci_config *c)
{
	uint32_t command = get(c->byte + PCI_COMMAND, 2);

	if (!is_awake(c))
		return PCI_INTERRUPT_NONE;
	if (c->byte[PCI_MSI_AT + PCI_MSI_CONTROL] & PCI_MSI_CONTROL_ENABLE)
		return command & PCI_COMMAND_MASTER ? PCI_INTERRUPT_MSI : PCI_INTERRUPT_NONE;
	return command & PCI_COMMAND_INTX_DISABLE ? PCI_INTERRUPT_NONE : PCI_INTERRUPT_INTX;
}

void pci_config_set_pending(struct pci_config *c, bool pending)
{
	if (pending)
		c->byte[PCI_STATUS] |= PCI_STATUS_INTERRUPT;
	else
		c->byte[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTERRUPT;
}

/* --- resizable BAR --------------------------------------------------------- */

static unsigned int size_code(uint64_t size)
{
	unsigned int code = 0;

	while (size >> (20 + code) > 1)
		code++;
	return code;
}

static void set_rebar_entry(struct pci_config *c, unsigned int entry, unsigned int bar,
			    uint64_t size, uint32_t codes)
{
	size_t at = c->chip->rebar;
	uint32_t nr = c->chip->rebar_all ? 3 : 1;
	uint32_t control = bar | size_code(size) << PCI_REBAR_CONTROL_SIZE_SHIFT;

	if (!entry)
		control |= nr << PCI_REBAR_CONTROL_NR_SHIFT;
	set32(c, at + PCI_REBAR_CAP(entry), codes << PCI_REBAR_CAP_SHIFT, 0);
	/* Where there is one size only, there is nothing to choose. */
	set32(c, at + PCI_REBAR_CONTROL(entry), control,
	      codes & (codes - 1) ? PCI_REBAR_CONTROL_SIZE : 0);
}

static void set_rebar(struct pci_config *c, uint64_t bar1_size)
{
	unsigned int code = size_code(c->first_bar1), bar1 = bar1_reg(c);
	uint32_t codes = BIT(code + 1) - 1;

	if (code < BAR_USUAL_CODES)
		codes = BIT(BAR_USUAL_CODES) - 1;
	codes &= ~(BIT(BAR_FIRST_CODE) - 1);

	set32(c, c->chip->rebar, PCI_EXT_CAP(PCI_EXT_CAP_REBAR, 1, 0), 0);
	if (!c->chip->rebar_all) {
		set_rebar_entry(c, 0, bar1, bar1_size, codes);
		return;
	}
	set_rebar_entry(c, 0, 0, c->chip->bar0_size, BIT(size_code(c->chip->bar0_size)));
	set_rebar_entry(c, 1, bar1, bar1_size, codes);
	set_rebar_entry(c, 2, bar1 + 2, PCI_BAR2_SIZE, BIT(size_code(PCI_BAR2_SIZE)));
}

/* The two registers of BAR1's entry */
static size_t bar1_entry(const struct pci_config *c)
{
	return c->chip->rebar + PCI_REBAR_CAP(c->chip->rebar_all ? 1 : 0);
}

uint64_t pci_config_wanted_bar1(const struct pci_config *c)
{
	uint64_t size = c->size[bar1_reg(c)];
	uint32_t offered, code;

	if (!size || c->byte[PCI_COMMAND] & PCI_COMMAND_MEMORY)
		return size;
	offered = get(c->byte + bar1_entry(c), 4) >> PCI_REBAR_CAP_SHIFT;
	code = get(c->byte + bar1_entry(c) + 4, 4) & PCI_REBAR_CONTROL_SIZE;
	code >>= PCI_REBAR_CONTROL_SIZE_SHIFT;
	return code < 32 && offered >> code & 1 ? (uint64_t)1 << (20 + code) : size;
}

void pci_config_set_bar1(struct pci_config *c, uint64_t size)
{
	uint8_t *control = c->byte + bar1_entry(c) + 4;

	if (!size)
		return;
	set_bar(c, bar1_reg(c), size, PCI_BAR_64 | PCI_BAR_PREFETCHABLE);
	put(control, 4, (get(control, 4) & ~PCI_REBAR_CONTROL_SIZE) |
			size_code(size) << PCI_REBAR_CONTROL_SIZE_SHIFT);
}

/* --- the other capabilities ------------------------------------------------ */

static void set_header(struct pci_config *c)
{
	uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
			   PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE;

	if (!c->chip->wide)
		command |= PCI_COMMAND_IO;
	set16(c, PCI_VENDOR, PCI_VENDOR_NVIDIA, 0);
	set16(c, PCI_DEVICE, c->chip->device, 0);
	set16(c, PCI_COMMAND, 0, command);
	set16(c, PCI_STATUS, PCI_STATUS_CAPABILITIES, 0);
	set32(c, PCI_REVISION, c->chip->class << 8 | 0xa1, 0);
	c->writable[PCI_CACHE_LINE] = 0xff;
	set16(c, PCI_SUBSYSTEM_VENDOR, PCI_VENDOR_NVIDIA, 0);
	set16(c, PCI_SUBSYSTEM, c->chip->device, 0);
	c->byte[PCI_CAPABILITIES] = PCI_PM_AT;
	c->writable[PCI_INTERRUPT_LINE] = 0xff;
	c->byte[PCI_INTERRUPT_PIN] = 1;
}

static void set_pm(struct pci_config *c)
{
	set16(c, PCI_PM_AT, PCI_CAP_PM | PCI_MSI_AT << 8, 0);
	set16(c, PCI_PM_AT + PCI_PM_CAP, PCI_PM_CAP_VERSION, 0);
	set16(c, PCI_PM_AT + PCI_PM_CONTROL, PCI_PM_CONTROL_NO_SOFT_RESET, PCI_PM_CONTROL_STATE);
}

static void set_msi(struct pci_config *c)
{
	set16(c, PCI_MSI_AT, PCI_CAP_MSI | PCI_EXP_AT << 8, 0);
	set16(c, PCI_MSI_AT + PCI_MSI_CONTROL, PCI_MSI_CONTROL_64, PCI_MSI_CONTROL_ENABLE);
	set32(c, PCI_MSI_AT + PCI_MSI_ADDRESS, 0, ~3u);
	set32(c, PCI_MSI_AT + PCI_MSI_ADDRESS_HI, 0, ~0u);
	set16(c, PCI_MSI_AT + PCI_MSI_DATA, 0, 0xffff);
}

static void set_express(struct pci_config *c)
{
	uint16_t link = (uint16_t)(c->chip->speed | 16 << PCI_EXP_LINK_WIDTH_SHIFT);
	uint16_t type = c->chip->class == PCI_CLASS_VGA ? PCI_EXP_CAP_LEGACY_ENDPOINT : 0;

	set16(c, PCI_EXP_AT, PCI_CAP_EXPRESS, 0);
	set16(c, PCI_EXP_AT + PCI_EXP_CAP, PCI_EXP_CAP_VERSION | type, 0);
	set32(c, PCI_EXP_AT + PCI_EXP_DEVICE_CAP,
	      PCI_EXP_DEVICE_CAP_PAYLOAD_256 | PCI_EXP_DEVICE_CAP_EXTENDED_TAG |
	      PCI_EXP_DEVICE_CAP_ROLE_ERRORS | PCI_EXP_DEVICE_CAP_FLR, 0);
	set16(c, PCI_EXP_AT + PCI_EXP_DEVICE_CONTROL, 0, 0x79ff);
	set32(c, PCI_EXP_AT + PCI_EXP_LINK_CAP, link, 0);
	set16(c, PCI_EXP_AT + PCI_EXP_LINK_CONTROL, 0, 0x00cb);
	set16(c, PCI_EXP_AT + PCI_EXP_LINK_STATUS, link, 0);
	/* All speeds up to that one */
	set32(c, PCI_EXP_AT + PCI_EXP_LINK_CAP2, (BIT(c->chip->speed + 1) - 1) & ~1u, 0);
	set16(c, PCI_EXP_AT + PCI_EXP_LINK_CONTROL2, c->chip->speed, 0);
}

/* Extended capabilities must begin at 0x100, and this one is harmless [assumed]. */
static void set_serial(struct pci_config *c, bool has_rebar)
{
	set32(c, PCI_EXT_CAPS,
	      PCI_EXT_CAP(PCI_EXT_CAP_SERIAL, 1, has_rebar ? (uint32_t)c->chip->rebar : 0), 0);
	set32(c, PCI_EXT_CAPS + 4, c->chip->device, 0);
	set32(c, PCI_EXT_CAPS + 8, PCI_VENDOR_NVIDIA, 0);
}

/* --- the whole ------------------------------------------------------------- */

static void power_on(struct pci_config *c, uint64_t bar1_size)
{
	*c = (struct pci_config) { .chip = c->chip, .first_bar1 = c->first_bar1 };
	set_header(c);
	set_bars(c, bar1_size);
	set_rom(c);
	set_pm(c);
	set_msi(c);
	set_express(c);
	set_serial(c, bar1_size);
	if (bar1_size)
		set_rebar(c, bar1_size);
}

void pci_config_init(struct pci_config *c, const char *chip, uint64_t bar1_size)
{
	c->chip = chips;
	while (strcmp(c->chip->name, chip))
		c->chip++;
	c->first_bar1 = bar1_size;
	power_on(c, bar1_size);
}

void pci_config_reset(struct pci_config *c)
{
	power_on(c, c->size[bar1_reg(c)]);
}

bool pci_config_write(struct pci_config *c, size_t off, const uint8_t *data, size_t len)
{
	/* The upper byte of the control register, which has the bit */
	const size_t flr = PCI_EXP_AT + PCI_EXP_DEVICE_CONTROL + 1;
	size_t i;

	for (i = off; i < off + len; i++) {
		uint8_t mask = c->writable[i];

		c->byte[i] = (uint8_t)((c->byte[i] & ~mask) | (data[i - off] & mask));
	}
	return off <= flr && flr - off < len && data[flr - off] & PCI_EXP_DEVICE_CONTROL_FLR >> 8;
}
