/* SPDX-License-Identifier: MIT */
/*
 * The video BIOS image, read as its readers do: firmware by the PCI Firmware
 * Specification 3.0 (5.1), drivers by NVIDIA's BIOS-Information-Table, and
 * nouveau by what its nvkm/subdev/bios takes from it.
 */
#include "bus.h"

#include "sim_vbios.h"

#define NR_CHIPS	(sizeof(bus_chips) / sizeof(bus_chips[0]))

/* Device id and class, of cards of each chip in public logs of lspci */
static const struct {
	uint16_t device;
	uint32_t class;
} card[NR_CHIPS] = {
	{ 0x1e07, 0x030000 }, { 0x20b5, 0x030200 }, { 0x2204, 0x030000 }, { 0x2684, 0x030000 },
	{ 0x2330, 0x030200 }, { 0x2901, 0x030200 }, { 0x2b85, 0x030000 },
};

static uint32_t get(const uint8_t *at, unsigned int bytes)
{
	uint32_t val = 0;

	while (bytes--)
		val = val << 8 | at[bytes];
	return val;
}

static uint8_t sum(const uint8_t *at, size_t len)
{
	uint8_t sum = 0;

	while (len--)
		sum = (uint8_t)(sum + *at++);
	return sum;
}

static void firmware_finds_a_rom_of_this_card(void **state)
{
	uint8_t rom[SIM_VBIOS_SIZE];
	const uint8_t *pcir;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		memset(rom, 0xa5, sizeof(rom));
		sim_vbios_make(bus_chips[i], rom);
		assert_int_equal(get(rom, 2), 0xaa55);
		assert_int_equal(rom[2] * 512, sizeof(rom));
		assert_int_equal(rom[3], 0xcb);
		assert_int_equal(sum(rom, sizeof(rom)), 0);
		assert_in_range(get(rom + 0x18, 2), 0x1a, sizeof(rom) - 0x18);
		pcir = rom + get(rom + 0x18, 2);
		assert_int_equal((pcir - rom) % 4, 0);
		assert_memory_equal(pcir, "PCIR", 4);
		assert_int_equal(get(pcir + 0x04, 2), 0x10de);
		assert_int_equal(get(pcir + 0x06, 2), card[i].device);
		assert_int_equal(get(pcir + 0x08, 2), 0);
		assert_int_equal(get(pcir + 0x0a, 2), 0x18);
		assert_int_equal(pcir[0x0c], 0);
		assert_int_equal(get(pcir + 0x0d, 3), card[i].class);
		assert_int_equal(get(pcir + 0x10, 2) * 512, sizeof(rom));
		assert_int_equal(pcir[0x14], 0);	/* for the PC */
		assert_int_equal(pcir[0x15], 0x80);	/* the last image */
	}
}

/* Return: the table, NULL if no token leads to one of this version within the image. */
static const uint8_t *find_table(const uint8_t *rom, char id, uint8_t version, size_t *len)
{
	const uint8_t *bit = memmem(rom, SIM_VBIOS_SIZE, "\xff\xb8" "BIT", 6), *token;
	unsigned int i;

	assert_non_null(bit);
	assert_int_equal(get(bit + 6, 2), 0x0100);
	assert_int_equal(sum(bit, bit[8]), 0);
	token = bit + bit[8];
	for (i = 0; i < bit[10]; i++, token += bit[9]) {
		*len = get(token + 2, 2);
		if (token[0] == id && token[1] == version && get(token + 4, 2) &&
		    get(token + 4, 2) + *len <= SIM_VBIOS_SIZE)
			return rom + get(token + 4, 2);
	}
	return NULL;
}

static void drivers_find_the_tables_that_they_need(void **state)
{
	const uint8_t *version, *init, *memory, *perf, *rammap;
	uint8_t rom[SIM_VBIOS_SIZE];
	size_t i, len;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		sim_vbios_make(bus_chips[i], rom);
		version = find_table(rom, 'i', 2, &len);
		assert_non_null(version);
		assert_true(len >= 0x13);
		assert_memory_equal(version, "\x00\x00\x00\xff\x00", 5);
		init = find_table(rom, 'I', 1, &len);
		assert_non_null(init);
		assert_true(len >= 0x12);
		assert_int_equal(get(init, 2), 0);	/* no scripts to run */
		memory = find_table(rom, 'M', 2, &len);
		assert_non_null(memory);
		assert_true(len >= 7);
		assert_int_equal(memory[0], 0);		/* no straps */
		perf = find_table(rom, 'P', 2, &len);
		assert_non_null(perf);
		assert_in_range(get(perf + 4, 4), 1, sizeof(rom) - 6);
		rammap = rom + get(perf + 4, 4);
		assert_int_equal(rammap[0], 0x11);
		assert_int_equal(rammap[5], 0);		/* no entries */
	}
}

static void it_says_what_it_is(void **state)
{
	static const char text[] = "made for tests";
	uint8_t rom[SIM_VBIOS_SIZE];

	(void)state;
	sim_vbios_make("ga102", rom);
	assert_non_null(memmem(rom, sizeof(rom), text, sizeof(text) - 1));
}

/* hardware.md, "VRAM": nouveau looks there if the target is VRAM, and then in PROM. */
static void drivers_find_it_in_the_workspace_and_in_prom(void **state)
{
	struct sim_config cfg = { .vbios = true, .scrub_polls = 40 };
	uint8_t rom[SIM_VBIOS_SIZE];
	uint64_t word;
	uint32_t base;
	struct bus bus;
	int round;

	(void)state;
	sim_vbios_make("ga102", rom);
	memcpy(&word, rom + 0x100, sizeof(word));
	bus_open(&bus, &cfg);
	for (round = 0; round < 2; round++) {
		base = bus_rd(&bus, 0x625f04);
		assert_int_equal(base & 0xb, 0x9);
		assert_int_equal(bus_vram_rd(&bus, ((uint64_t)(base >> 8) << 16) + 0x100), word);
		/* VRAM is cleared, which is before the image comes there. */
		while (bus_rd(&bus, 0x100b20) != 1)
			;
		assert_int_equal(bus_vram_rd(&bus, ((uint64_t)(base >> 8) << 16) + 0x100), word);
		assert_int_equal(bus_rd(&bus, 0x300100), (uint32_t)word);
		assert_int_equal(sim_bar0_read(bus.gpu, 0x300104, 2), word >> 32 & 0xffff);
		assert_int_equal(bus_rd(&bus, 0x300000 + SIM_VBIOS_SIZE), 0xffffffff);
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		sim_reset(bus.gpu);
	}
	bus_wr(&bus, 0x88050, 1);
	bus_rd(&bus, 0x300000);
	assert_int_equal(bus_misuse(&bus), 1);
	bus_close(&bus);
}

static void without_the_option_there_is_none(void **state)
{
	struct sim_counters c;
	struct bus bus;
	size_t i;

	(void)state;
	/* Nor with it on chips without a display, nor in PROM where its guard is not known. */
	for (i = 0; i < NR_CHIPS; i++) {
		static const bool prom[NR_CHIPS] = { true, false, true, true, false, false, false };
		struct sim_config cfg = { .chip = bus_chips[i], .vbios = true };

		bus_open(&bus, &cfg);
		bus_rd(&bus, 0x300000);
		sim_get_counters(bus.gpu, &c);
		assert_int_equal(c.unknown, !prom[i]);
		bus_close(&bus);
	}
	bus_open_chip(&bus, "ga102");
	assert_int_not_equal(bus_vram_rd(&bus, GIB(8) - MIB(1)) & 0xffff, 0xaa55);
	bus_rd(&bus, 0x300000);
	sim_get_counters(bus.gpu, &c);
	assert_int_equal(c.unknown, 1);
	bus_close(&bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(firmware_finds_a_rom_of_this_card),
		cmocka_unit_test(drivers_find_the_tables_that_they_need),
		cmocka_unit_test(it_says_what_it_is),
		cmocka_unit_test(drivers_find_it_in_the_workspace_and_in_prom),
		cmocka_unit_test(without_the_option_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
