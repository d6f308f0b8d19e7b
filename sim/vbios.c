/* SPDX-License-Identifier: MIT */
/*
 * The video BIOS image.  Numbers in it are little-endian, and pointers are
 * offsets from its first byte.
 */
#include <string.h>

#include "sim_bits.h"
#include "sim_vbios.h"
#include "hw/pci.h"

/* Where things are in this image; PCIR must be at a multiple of 4 */
#define PCIR_AT		0x040
#define TEXT_AT		0x080
#define BIT_AT		0x100
#define VERSION_AT	0x200
#define INIT_AT		0x300
#define MEMORY_AT	0x400
#define PERF_AT		0x500
#define RAMMAP_AT	0x600

/* [PCI Firmware 3.0, 5.1.1, 5.1.2]; lengths are in units of 512 bytes */
#define ROM_SIGNATURE		0xaa55
#define ROM_LENGTH		0x02
#define ROM_INIT		0x03
#define   ROM_INIT_RETURN		0xcb	/* a far return of an x86 */
#define ROM_PCIR		0x18
#define PCIR_SIGNATURE		0x52494350	/* "PCIR" */
#define PCIR_VENDOR		0x04
#define PCIR_DEVICE		0x06
#define PCIR_SIZE		0x0a
#define   PCIR_SIZE_OF_REVISION_0	0x18
#define PCIR_CLASS		0x0d
#define PCIR_LENGTH		0x10
#define PCIR_INDICATOR		0x15
#define   PCIR_INDICATOR_LAST		0x80

/* [open-gpu-doc, BIOS-Information-Table] */
#define BIT_ID			0xb8ff
#define BIT_VERSION		0x06
#define   BIT_VERSION_1_00		0x0100
#define BIT_HEADER_SIZE		0x08
#define   BIT_HEADER_BYTES		12
#define BIT_TOKEN_SIZE		0x09
#define   BIT_TOKEN_BYTES		6
#define BIT_TOKENS		0x0a
#define BIT_CHECKSUM		0x0b
#define TOKEN_VERSION		0x01
#define TOKEN_DATA_SIZE		0x02
#define TOKEN_DATA		0x04

/*
 * Tables of the tokens: the micro, minor, chip and major number of the version
 * are its first four bytes [linux, nvkm/subdev/bios/base.c].  The table of
 * performance has a pointer at 4, without which nouveau's memory controller is
 * not set up, to a table of memory clocks, whose version, sizes and count are
 * its first bytes [linux, nvkm/subdev/bios/rammap.c].
 */
#define VERSION_MAJOR		0x03
#define PERF_RAMMAP		0x04
#define RAMMAP_VERSION		0x00
#define   RAMMAP_VERSION_1_1		0x11
#define RAMMAP_HEADER_SIZE	0x01
#define   RAMMAP_HEADER_BYTES		21
#define RAMMAP_ENTRY_SIZE	0x02
#define RAMMAP_SUBENTRY_SIZE	0x03
#define   RAMMAP_ENTRY_BYTES		16

/* Examples of the chips' ids, as lspci shows them in public logs; GB100's class is [assumed]. */
static const struct id {
	const char *chip;
	uint16_t device;
	uint32_t class;
} ids[] = {
	{ "tu102", 0x1e07, PCI_CLASS_VGA },
	{ "ga100", 0x20b5, PCI_CLASS_3D },
	{ "ga102", 0x2204, PCI_CLASS_VGA },
	{ "ad102", 0x2684, PCI_CLASS_VGA },
	{ "gh100", 0x2330, PCI_CLASS_3D },
	{ "gb100", 0x2901, PCI_CLASS_3D },
	{ "gb202", 0x2b85, PCI_CLASS_VGA },
};

/* Tables of the sizes that nouveau asks for, or more */
static const struct token {
	char id;
	uint8_t version;
	uint16_t size;
	uint16_t at;
} tokens[] = {
	{ 'i', 2, 24, VERSION_AT },
	{ 'I', 1, 28, INIT_AT },	/* pointers, all to nothing */
	{ 'M', 2, 16, MEMORY_AT },	/* a count of straps, 0 */
	{ 'P', 2, 128, PERF_AT },	/* pointers, all but one to nothing */
};

static const char text[] = "nvbar: made for tests, not a board's video BIOS";

static void put(uint8_t *at, unsigned int bytes, uint32_t val)
{
	for (; bytes--; val >>= 8)
		*at++ = (uint8_t)val;
}

/* The byte that makes the sum of others 0 */
static uint8_t checksum(const uint8_t *at, size_t len)
{
	uint8_t sum = 0;

	while (len--)
		sum = (uint8_t)(sum + *at++);
	return (uint8_t)-sum;
}

static void put_rom(uint8_t *image, const struct id *id)
{
	uint8_t *pcir = image + PCIR_AT;

	put(image, 2, ROM_SIGNATURE);
	image[ROM_LENGTH] = SIM_VBIOS_SIZE / 512;
	image[ROM_INIT] = ROM_INIT_RETURN;
	put(image + ROM_PCIR, 2, PCIR_AT);

	put(pcir, 4, PCIR_SIGNATURE);
	put(pcir + PCIR_VENDOR, 2, PCI_VENDOR_NVIDIA);
	put(pcir + PCIR_DEVICE, 2, id->device);
	put(pcir + PCIR_SIZE, 2, PCIR_SIZE_OF_REVISION_0);
	put(pcir + PCIR_CLASS, 3, id->class);
	put(pcir + PCIR_LENGTH, 2, SIM_VBIOS_SIZE / 512);
	pcir[PCIR_INDICATOR] = PCIR_INDICATOR_LAST;
}

static void put_bit(uint8_t *image)
{
	uint8_t *bit = image + BIT_AT, *token = bit + BIT_HEADER_BYTES;
	size_t i;

	put(bit, 2, BIT_ID);
	memcpy(bit + 2, "BIT", 4);
	put(bit + BIT_VERSION, 2, BIT_VERSION_1_00);
	bit[BIT_HEADER_SIZE] = BIT_HEADER_BYTES;
	bit[BIT_TOKEN_SIZE] = BIT_TOKEN_BYTES;
	bit[BIT_TOKENS] = ARRAY_LEN(tokens);
	bit[BIT_CHECKSUM] = checksum(bit, BIT_HEADER_BYTES);
	for (i = 0; i < ARRAY_LEN(tokens); i++, token += BIT_TOKEN_BYTES) {
		token[0] = (uint8_t)tokens[i].id;
		token[TOKEN_VERSION] = tokens[i].version;
		put(token + TOKEN_DATA_SIZE, 2, tokens[i].size);
		put(token + TOKEN_DATA, 2, tokens[i].at);
	}
}

static void put_tables(uint8_t *image)
{
	uint8_t *rammap = image + RAMMAP_AT;

	image[VERSION_AT + VERSION_MAJOR] = 0xff;
	put(image + PERF_AT + PERF_RAMMAP, 4, RAMMAP_AT);
	rammap[RAMMAP_VERSION] = RAMMAP_VERSION_1_1;
	rammap[RAMMAP_HEADER_SIZE] = RAMMAP_HEADER_BYTES;
	rammap[RAMMAP_ENTRY_SIZE] = RAMMAP_ENTRY_BYTES;
	rammap[RAMMAP_SUBENTRY_SIZE] = RAMMAP_ENTRY_BYTES;
}

void sim_vbios_make(const char *chip, uint8_t image[SIM_VBIOS_SIZE])
{
	const struct id *id = ids;

	while (strcmp(id->chip, chip))
		id++;
	memset(image, 0, SIM_VBIOS_SIZE);
	put_rom(image, id);
	memcpy(image + TEXT_AT, text, sizeof(text));
	put_bit(image);
	put_tables(image);
	image[SIM_VBIOS_SIZE - 1] = checksum(image, SIM_VBIOS_SIZE);
}
