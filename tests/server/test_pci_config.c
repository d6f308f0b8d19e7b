/* SPDX-License-Identifier: MIT */
/* Configuration space as a PCI driver meets it: BARs, capabilities, sizes of BAR1. */
#include "client.h"

#include <errno.h>

#define COMMAND		0x04
#define BAR(n)		(0x10u + 4 * (n))
#define MEMORY		2
#define ROM_BAR		0x30
#define ROM_SIZE	0x80000		/* in logs, of cards with a display */

/* From the manuals and from logs */
static const struct layout {
	const char *chip;
	uint32_t id, class;
	uint32_t bar[6];	/* type bits of each register; ~0 for an upper half */
	uint64_t size[6];
	uint32_t rebar;		/* place of the capability */
	unsigned int bar1, entry;
	uint32_t rom;		/* bytes behind the BAR of the expansion ROM */
} layouts[] = {
#define XVE(bar0) { 0, 0xc, ~0u, 0xc, ~0u, 1 }, { bar0, MIB(256), 0, MIB(32), 0, 128 }
#define HOPPER { 0xc, ~0u, 0xc, ~0u, 0xc, ~0u }, { MIB(16), 0, MIB(256), 0, MIB(32), 0 }
	{ "tu102", 0x1e0710de, 0x030000a1, XVE(MIB(16)), 0xbb0, 1, 1, ROM_SIZE },
	{ "ga100", 0x20b510de, 0x030200a1, XVE(MIB(16)), 0xbb0, 1, 1, 0 },
	{ "ga102", 0x220410de, 0x030000a1, XVE(MIB(16)), 0xbb0, 1, 1, ROM_SIZE },
	{ "ad102", 0x268410de, 0x030000a1, XVE(MIB(16)), 0xbb0, 1, 1, ROM_SIZE },
	{ "gh100", 0x233010de, 0x030200a1, HOPPER, 0x134, 2, 0, 0 },
	{ "gb100", 0x290110de, 0x030200a1, HOPPER, 0x198, 2, 0, 0 },
	{ "gb202", 0x2b8510de, 0x030000a1, XVE(MIB(64)), 0x134, 1, 0, ROM_SIZE },
};

static void on_every_chip(void (*test)(struct server *s, const struct layout *l))
{
	struct server s;
	size_t i;

	for (i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		struct sim_config cfg = { .chip = layouts[i].chip };

		server_power_on(&s, &cfg);
		server_connect(&s, true);
		test(&s, &layouts[i]);
		assert_int_equal(device_errors(&s.dev), 0);
		server_power_off(&s);
	}
}

static void check_identity(struct server *s, const struct layout *l)
{
	assert_int_equal(read32(s, CONFIG, 0), l->id);
	assert_int_equal(read32(s, CONFIG, 8), l->class);
	assert_int_equal(read16(s, CONFIG, COMMAND), 0);
	/* What is no BAR, command or the like is not written. */
	write32(s, CONFIG, 0, 0);
	write32(s, CONFIG, 8, 0);
	assert_int_equal(read32(s, CONFIG, 0), l->id);
	assert_int_equal(read32(s, CONFIG, 8), l->class);
	assert_int_equal(region_size(s, CONFIG), 4096);
	assert_int_equal(region_size(s, ROM), l->rom);
	assert_int_equal(region_size(s, 8), 0);
}

static void every_chip_says_who_it_is(void **state)
{
	(void)state;
	on_every_chip(check_identity);
}

/* The size a BAR shows to who writes all ones. */
static uint64_t sized(struct server *s, unsigned int bar, uint32_t type)
{
	uint64_t mask;

	write32(s, CONFIG, BAR(bar), ~0u);
	mask = read32(s, CONFIG, BAR(bar)) & ~(type & 1 ? 3u : 0xfu);
	if (type & 1 || !(type & 4))
		return (uint32_t)-mask;
	write32(s, CONFIG, BAR(bar + 1), ~0u);
	mask |= (uint64_t)read32(s, CONFIG, BAR(bar + 1)) << 32;
	return -mask;
}

static void check_bars(struct server *s, const struct layout *l)
{
	unsigned int bar;

	for (bar = 0; bar < 6; bar++) {
		assert_int_equal(region_size(s, bar), l->size[bar]);
		if (l->bar[bar] == ~0u)
			continue;
		assert_int_equal(read32(s, CONFIG, BAR(bar)), l->bar[bar]);
		assert_int_equal(sized(s, bar, l->bar[bar]), l->size[bar]);
	}
	/* An address stays, but for bits below the size. */
	write32(s, CONFIG, BAR(l->bar1), 0xd8765432);
	assert_int_equal(read32(s, CONFIG, BAR(l->bar1)), 0xd000000c);
}

static void bars_are_those_of_the_chip_and_show_their_sizes(void **state)
{
	(void)state;
	on_every_chip(check_bars);
}

static uint32_t word_of_rom(struct server *s, uint32_t off)
{
	uint32_t val = 0;

	assert_int_equal(region_read(s, ROM, off, &val, sizeof(val)), 0);
	return val;
}

static void check_rom(struct server *s, const struct layout *l)
{
	static uint8_t rom[ROM_SIZE];
	uint32_t mask, pcir, i;
	uint8_t sum = 0;

	assert_int_equal(read32(s, CONFIG, ROM_BAR), 0);
	write32(s, CONFIG, ROM_BAR, ~1u);
	mask = read32(s, CONFIG, ROM_BAR);
	assert_int_equal(-mask, l->rom);
	if (!l->rom) {
		assert_int_equal(region_read(s, ROM, 0, rom, 4), EINVAL);
		return;
	}
	/* It answers once it is enabled, as is memory; and not asleep. */
	write16(s, CONFIG, COMMAND, MEMORY);
	assert_int_equal(word_of_rom(s, 0), ~0u);
	write32(s, CONFIG, ROM_BAR, 0xd0000001);
	assert_int_equal(read32(s, CONFIG, ROM_BAR), 0xd0000001);
	assert_int_equal(word_of_rom(s, 0) & 0xffff, 0xaa55);
	write16(s, CONFIG, COMMAND, 0);
	assert_int_equal(word_of_rom(s, 0), ~0u);
	write16(s, CONFIG, COMMAND, MEMORY);
	write16(s, CONFIG, 0x64, 3);
	assert_int_equal(word_of_rom(s, 0), ~0u);
	write16(s, CONFIG, 0x64, 0);

	/* An image of this card, and nothing after it */
	assert_int_equal(region_read(s, ROM, 0, rom, ROM_SIZE), 0);
	for (i = 0; i < 512u * rom[2]; i++)
		sum = (uint8_t)(sum + rom[i]);
	assert_int_equal(sum, 0);
	pcir = rom[0x18] | rom[0x19] << 8;
	assert_memory_equal(rom + pcir, "PCIR", 4);
	/* Vendor and device, class: little-endian, as in configuration space */
	assert_memory_equal(rom + pcir + 4, &l->id, 4);
	assert_memory_equal(rom + pcir + 0xd, (const uint8_t *)&l->class + 1, 3);
	for (; i < ROM_SIZE; i++)
		assert_int_equal(rom[i], 0xff);
	/* Any piece of it, up to the end of its BAR */
	memset(rom, 0, 16);
	assert_int_equal(region_read(s, ROM, 4096 - 3, rom, 7), 0);
	assert_memory_equal(rom + 3, "\xff\xff\xff\xff", 4);
	assert_int_equal(region_read(s, ROM, ROM_SIZE - 4, rom, 4), 0);
	assert_int_equal(region_read(s, ROM, ROM_SIZE - 3, rom, 4), EINVAL);
	assert_int_equal(region_write(s, ROM, 0, rom, 4), EINVAL);
	/* A reset disables it. */
	assert_int_equal(ask(s, DEVICE_RESET, NULL, 0, NULL, 0), 0);
	assert_int_equal(read32(s, CONFIG, ROM_BAR), 0);
}

static void a_card_with_a_display_has_an_expansion_rom(void **state)
{
	(void)state;
	on_every_chip(check_rom);
}

/* Place of a capability, 0 if there is none. */
static unsigned int find_cap(struct server *s, unsigned int id)
{
	unsigned int at = read32(s, CONFIG, 0x34) & 0xff, n;

	assert_true(read16(s, CONFIG, 6) & 0x10);
	for (n = 0; at && n < 48; n++) {
		uint16_t head = read16(s, CONFIG, at);

		if ((head & 0xff) == id)
			return at;
		at = head >> 8;
	}
	return 0;
}

static unsigned int find_ext_cap(struct server *s, unsigned int id)
{
	unsigned int at = 0x100, n;

	for (n = 0; at && n < 960; n++) {
		uint32_t head = read32(s, CONFIG, at);

		if ((head & 0xffff) == id)
			return at;
		at = head >> 20;
	}
	return 0;
}

static void check_capabilities(struct server *s, const struct layout *l)
{
	unsigned int pm = find_cap(s, 1), msi = find_cap(s, 5), exp = find_cap(s, 0x10);

	assert_true(pm && msi && exp);
	assert_int_equal(read16(s, CONFIG, pm + 2) & 7, 3);
	assert_int_equal(read16(s, CONFIG, msi + 2), 0x80);
	write16(s, CONFIG, msi + 2, 0xffff);
	assert_int_equal(read16(s, CONFIG, msi + 2), 0x81);
	write32(s, CONFIG, msi + 4, 0xfee00003);
	assert_int_equal(read32(s, CONFIG, msi + 4), 0xfee00000);
	assert_int_equal(read16(s, CONFIG, exp + 2) & 0xf, 2);
	assert_int_equal(read16(s, CONFIG, exp + 0x12) >> 4 & 0x3f, 16);
	assert_int_equal(find_ext_cap(s, 0x15), l->rebar);
}

static void the_capabilities_are_where_lists_lead(void **state)
{
	(void)state;
	on_every_chip(check_capabilities);
}

static void check_resizing(struct server *s, const struct layout *l)
{
	unsigned int cap = l->rebar + 4 + 8 * l->entry, control = cap + 4;
	uint32_t was = read32(s, CONFIG, control);

	assert_int_equal(was & 7, l->bar1);
	assert_int_equal(was >> 8 & 0x3f, 8);
	assert_int_equal(read32(s, CONFIG, cap), 0x000ffc00);
	assert_int_equal(read32(s, CONFIG, l->rebar + 8) >> 5 & 7, l->entry ? 3 : 1);

	write32(s, CONFIG, BAR(l->bar1), 0xd0000000);
	write32(s, CONFIG, control, (was & ~0x3f00u) | 10 << 8);
	assert_int_equal(read32(s, CONFIG, control) >> 8, 10);
	assert_int_equal(region_size(s, l->bar1), GIB(1));
	assert_int_equal(sim_bar1_size(s->gpu), GIB(1));
	assert_int_equal(read32(s, CONFIG, BAR(l->bar1)), 0xc000000c);
	assert_int_equal(sized(s, l->bar1, 0xc), GIB(1));

	/* A size that is not offered, and any while it is in use: nothing happens. */
	write32(s, CONFIG, control, 5 << 8);
	assert_int_equal(read32(s, CONFIG, control) >> 8, 10);
	write32(s, CONFIG, control, 63 << 8);
	assert_int_equal(read32(s, CONFIG, control) >> 8, 10);
	write16(s, CONFIG, COMMAND, MEMORY);
	write32(s, CONFIG, control, 8 << 8);
	assert_int_equal(read32(s, CONFIG, control) >> 8, 10);
	assert_int_equal(region_size(s, l->bar1), GIB(1));

	/* It outlives a reset. */
	assert_int_equal(ask(s, DEVICE_RESET, NULL, 0, NULL, 0), 0);
	assert_int_equal(region_size(s, l->bar1), GIB(1));
	assert_int_equal(read32(s, CONFIG, control) >> 8, 10);
	assert_int_equal(read32(s, CONFIG, cap), 0x000ffc00);
	write32(s, CONFIG, control, 8 << 8);
	assert_int_equal(region_size(s, l->bar1), MIB(256));
}

static void bar1_takes_the_sizes_it_offers(void **state)
{
	(void)state;
	on_every_chip(check_resizing);
}

static void check_decode(struct server *s, const struct layout *l)
{
	uint32_t boot0;

	sim_vram_poke(s->gpu, 0, "nvbar!!", 8);
	/* Off: nobody answers, on the bus or with an error. */
	assert_int_equal(read32(s, 0, 0), ~0u);
	assert_int_equal(read32(s, l->bar1, 0), ~0u);
	write16(s, CONFIG, COMMAND, MEMORY);
	boot0 = read32(s, 0, 0);
	assert_int_equal(boot0 >> 24 & 0x1f, sim_bar0_read(s->gpu, 0, 4) >> 24 & 0x1f);
	assert_int_equal(read32(s, l->bar1, 0), 0x6162766e);
	/* Asleep */
	write16(s, CONFIG, find_cap(s, 1) + 4, 3);
	assert_int_equal(read32(s, 0, 0), ~0u);
	write16(s, CONFIG, find_cap(s, 1) + 4, 0);
	assert_int_equal(read32(s, 0, 0), boot0);
	/* BAR2 is physical at first, as BAR1 is. */
	assert_int_equal(read32(s, l->bar1 + 2, 0), 0x6162766e);
	write32(s, l->bar1 + 2, 8, 0x12345678);
	assert_int_equal(read32(s, l->bar1, 8), 0x12345678);
}

static void bars_answer_when_they_are_decoded(void **state)
{
	(void)state;
	on_every_chip(check_decode);
}

static void io_ports_are_decoded_and_nothing_behind_them_is_modelled(void **state)
{
	struct sim_config cfg = { .chip = "ga102" };
	struct server s;

	(void)state;
	server_power_on(&s, &cfg);
	server_connect(&s, true);
	write16(&s, CONFIG, COMMAND, MEMORY);
	assert_int_equal(read32(&s, 5, 8), ~0u);
	assert_int_equal(device_errors(&s.dev), 0);
	write16(&s, CONFIG, COMMAND, MEMORY | 1);
	assert_int_equal(read32(&s, 5, 8), ~0u);
	write32(&s, 5, 8, 0);
	assert_int_equal(device_errors(&s.dev), 2);
	server_power_off(&s);
}

static void check_flr(struct server *s, const struct layout *l)
{
	unsigned int exp = find_cap(s, 0x10);

	assert_true(read32(s, CONFIG, exp + 4) & 1u << 28);
	write16(s, CONFIG, COMMAND, MEMORY);
	write32(s, CONFIG, BAR(l->bar1), 0xd0000000);
	sim_vram_poke(s->gpu, 4096, "kept", 4);
	write16(s, CONFIG, exp + 8, 0x8000);
	assert_int_equal(read16(s, CONFIG, exp + 8), 0);
	assert_int_equal(read16(s, CONFIG, COMMAND), 0);
	assert_int_equal(read32(s, CONFIG, BAR(l->bar1)), 0xc);
	write16(s, CONFIG, COMMAND, MEMORY);
	assert_int_equal(read32(s, l->bar1, 4096), 0x7470656b);
}

static void a_function_level_reset_is_one(void **state)
{
	(void)state;
	on_every_chip(check_flr);
}

static void without_bar1_there_is_none(void **state)
{
	struct sim_config cfg = { .no_bar1 = true };
	struct server s;

	(void)state;
	server_power_on(&s, &cfg);
	server_connect(&s, true);
	assert_int_equal(region_size(&s, 1), 0);
	write32(&s, CONFIG, BAR(1), ~0u);
	assert_int_equal(read32(&s, CONFIG, BAR(1)), 0);
	assert_int_equal(region_size(&s, 3), MIB(32));
	assert_int_equal(find_ext_cap(&s, 0x15), 0);
	write32(&s, CONFIG, 0xbc0, 10 << 8);
	assert_int_equal(region_size(&s, 1), 0);
	server_power_off(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_chip_says_who_it_is),
		cmocka_unit_test(bars_are_those_of_the_chip_and_show_their_sizes),
		cmocka_unit_test(a_card_with_a_display_has_an_expansion_rom),
		cmocka_unit_test(the_capabilities_are_where_lists_lead),
		cmocka_unit_test(bar1_takes_the_sizes_it_offers),
		cmocka_unit_test(bars_answer_when_they_are_decoded),
		cmocka_unit_test(io_ports_are_decoded_and_nothing_behind_them_is_modelled),
		cmocka_unit_test(a_function_level_reset_is_one),
		cmocka_unit_test(without_bar1_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
