/* SPDX-License-Identifier: MIT */
/* Registers: identity, boot, sizes, and what a write may not do. */
#include "bus.h"

#include <time.h>

#define NR_CHIPS	(sizeof(bus_chips) / sizeof(bus_chips[0]))

static const struct {
	uint32_t boot0, boot42;
} identity[NR_CHIPS] = {
	{ 0x162000a1, 0x162a1000 }, { 0x170000a1, 0x170a1000 }, { 0xb72000a1, 0x172a1000 },
	{ 0x192000a1, 0x192a1000 }, { 0x180000a1, 0x180a1000 }, { 0x1a0000a1, 0x1a0a1000 },
	{ 0x1b2000a1, 0x1b2a1000 },
};

static void every_chip_identifies_itself(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		struct bus bus;

		bus_open_chip(&bus, bus_chips[i]);
		assert_int_equal(bus_rd(&bus, 0x0), identity[i].boot0);
		assert_int_equal(bus_rd(&bus, 0x4), 0);
		assert_int_equal(bus_rd(&bus, 0xa00), identity[i].boot42);
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		bus_close(&bus);
	}
}

static void the_size_register_says_what_was_configured(void **state)
{
	static const struct {
		const char *chip;
		uint64_t size;
		uint32_t reg, val;
	} rows[] = {
		{ "tu102", GIB(11), 0x100ce0, 0x000002c8 },
		{ "tu102", GIB(24), 0x100ce0, 0x00000309 },
		{ "ga100", GIB(40), 0x100ce0, 0x0000028a },
		{ "ga102", GIB(11), 0x1183a4, 0x00002c00 },
		{ "ad102", GIB(24), 0x1183a4, 0x00006000 },
		{ "gh100", GIB(40), 0x1183a4, 0x0000a000 },
		{ "gb100", MIB(4097), 0x1183a4, 0x00001001 },
		{ "gb202", GIB(40), 0x1183a4, 0x0000a000 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim_config cfg = { .chip = rows[i].chip, .vram_size = rows[i].size };
		struct bus bus;

		bus_open(&bus, &cfg);
		assert_int_equal(bus_rd(&bus, rows[i].reg), rows[i].val);
		bus_close(&bus);
	}
}

static void what_cannot_be_is_refused_with_a_reason(void **state)
{
	static const struct sim_config bad[] = {
		{ .chip = "gp100" },
		{ .chip = "" },
		{ .vram_size = 4096 },
		{ .vram_size = MIB(1) + 4096 },
		{ .vram_size = GIB(512) + MIB(1) },
		{ .chip = "tu102", .vram_size = MIB(65) },	/* 7 bits of magnitude */
		{ .chip = "ga100", .vram_size = GIB(80) + MIB(1) },
		{ .bar1_size = MIB(32) },
		{ .bar1_size = MIB(96) },
		{ .bar1_size = GIB(1024) },
		{ .wpr2 = { MIB(2), MIB(1) } },
		{ .wpr2 = { MIB(2), 0 } },
		{ .wpr2 = { MIB(1), GIB(9) } },
		{ .wpr2 = { MIB(1) + 1, MIB(2) } },
		{ .wpr2_size = GIB(8) },
		{ .wpr1 = { MIB(2), MIB(2) } },
		{ .lock = { MIB(1), MIB(2) } },		/* of a GA102 */
		{ .chip = "ga100", .lock = { MIB(1), MIB(2) + 1 } },
		{ .bound = GIB(8) },
		{ .bound = MIB(1) + 8 },
	};
	struct sim_gpu *gpu = NULL;
	char why[160];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		assert_int_equal(sim_create(&bad[i], &gpu, why, sizeof(why)), -22);
		assert_null(gpu);
		assert_string_not_equal(why, "");
		assert_int_equal(sim_create(&bad[i], &gpu, NULL, 0), -22);
	}
}

static uint32_t boot_register(const struct bus *bus)
{
	if (!bus->hopper)
		return R_BOOT_PROGRESS;
	return strcmp(bus->chip, "gb202") ? R_BOOT_GH100 : R_BOOT_GB202;
}

static void memory_can_be_had_only_after_boot(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		struct sim_config cfg = { .chip = bus_chips[i], .boot_polls = 6 };
		struct bus bus;
		int reads = 0;

		bus_open(&bus, &cfg);
		sim_bar0_read(bus.gpu, R_PRAMIN, 4);
		sim_bar0_write(bus.gpu, R_PRAMIN, 4, 0);
		sim_bar1_read(bus.gpu, 0, 4);
		sim_bar1_write(bus.gpu, 0, 4, 0);
		bus_bind_start(&bus, MIB(1));
		assert_int_equal(bus_misuse(&bus), 5);
		sim_reset(bus.gpu);

		if (!bus.hopper)
			for (; !(bus_rd(&bus, R_BOOT_MASK) & 1); reads++)
				assert_true(reads < 6);
		for (; (bus_rd(&bus, boot_register(&bus)) & 0xff) != 0xff; reads++)
			assert_true(reads < 6);
		bus_order(&bus);
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		bus_close(&bus);
	}
}

static void the_boot_progress_means_nothing_before_its_mask_allows_it(void **state)
{
	struct sim_config cfg = { .boot_polls = 6 };
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	bus_rd(&bus, R_BOOT_PROGRESS);
	assert_int_equal(bus_misuse(&bus), 1);
	bus_order(&bus);
	assert_int_equal(bus_misuse(&bus), 2);
	bus_close(&bus);
}

/* hardware.md 4.2 */
static void protected_ranges_are_empty_unless_set(void **state)
{
	static const uint32_t lo[] = { 0x1fa81c, 0x1fa824, 0x1fa82c };
	struct sim_config cfg = {
		.chip = "ga100", .wpr1 = { MIB(32), MIB(33) }, .wpr2 = { MIB(64), MIB(96) },
		.lock = { MIB(8), MIB(9) },
	};
	const struct sim_range *const want[] = { &cfg.wpr1, &cfg.wpr2, &cfg.lock };
	struct bus bus;
	size_t i;

	(void)state;
	bus_open_chip(&bus, "ga100");
	for (i = 0; i < 3; i++) {
		assert_int_equal(bus_rd(&bus, lo[i]), 0xfffffff0);
		assert_int_equal(bus_rd(&bus, lo[i] + 4), 0);
	}
	bus_close(&bus);
	bus_open(&bus, &cfg);
	for (i = 0; i < 3; i++) {
		assert_int_equal(bus_rd(&bus, lo[i]) >> 4, want[i]->start >> 12);
		assert_int_equal(bus_rd(&bus, lo[i] + 4) >> 4, want[i]->end >> 12);
	}
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);

	/* Only a GA100 has a lock range. */
	bus_open_chip(&bus, "gh100");
	assert_int_equal(bus_rd(&bus, 0x1fa81c), 0xfffffff0);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_rd(&bus, 0x1fa82c);
	assert_int_equal(sim_driver_errors(bus.gpu), 1);
	bus_close(&bus);
}

static void firmware_of_a_size_lies_below_the_workspace(void **state)
{
	struct sim_config cfg = { .wpr2_size = MIB(16) };
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	assert_int_equal(bus_rd(&bus, 0x1fa824) >> 4, (GIB(8) - MIB(17)) >> 12);
	assert_int_equal(bus_rd(&bus, 0x1fa828) >> 4, (GIB(8) - MIB(1)) >> 12);
	bus_close(&bus);
}

static void the_workspace_is_the_top_of_vram_on_chips_with_a_display(void **state)
{
	static const bool display[NR_CHIPS] = { true, false, true, true, false, false, true };
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		struct bus bus;
		uint32_t val;

		bus_open_chip(&bus, bus_chips[i]);
		val = bus_rd(&bus, 0x625f04);
		assert_int_equal(sim_driver_errors(bus.gpu), !display[i]);
		if (display[i])
			assert_int_equal(val, (GIB(8) - MIB(1)) >> 16 << 8 | 9);
		bus_close(&bus);
	}
}

static void an_unknown_register_is_counted(void **state)
{
	struct sim_counters c;
	struct bus bus;
	char text[160];

	(void)state;
	bus_open_chip(&bus, "ga102");
	assert_int_equal(bus_rd(&bus, 0x123454) >> 16, 0xbadf);
	bus_wr(&bus, 0x123454, 5);
	sim_bar0_read(bus.gpu, ~3ull, 4);
	sim_get_counters(bus.gpu, &c);
	assert_int_equal(c.unknown, 3);
	assert_int_equal(c.misuse, 0);
	bus_wr(&bus, 0x123454, 5);
	sim_last_error(bus.gpu, text, sizeof(text));
	assert_string_equal(text, "write of 0x5 to unknown register 0x123454");
	/* GH100's window is no register here. */
	bus_wr(&bus, R_WINDOW_HOPPER, 0);
	sim_get_counters(bus.gpu, &c);
	assert_int_equal(c.unknown, 5);
	bus_close(&bus);
}

static void on_request_what_is_unknown_reads_0_and_keeps_what_is_written(void **state)
{
	struct sim_config cfg = { .ignore_unknown = true };
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	assert_int_equal(bus_rd(&bus, 0x123454), 0);
	bus_wr(&bus, 0x123454, 0x12345678);
	assert_int_equal(bus_rd(&bus, 0x123454), 0x12345678);
	assert_int_equal(sim_bar0_read(bus.gpu, 0x123455, 1), 0x56);
	sim_bar0_write(bus.gpu, 0xfffff8, 8, 0x1122334455667788);
	assert_int_equal(bus_rd(&bus, 0xfffffc), 0x11223344);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	sim_reset(bus.gpu);
	assert_int_equal(bus_rd(&bus, 0x123454), 0);
	/* What is known is as strict as ever, and behind its 16 MiB nothing is BAR0. */
	bus_wr(&bus, 0x0, 0);
	assert_int_equal(bus_misuse(&bus), 1);
	assert_int_equal(bus_rd(&bus, 0x1000000) >> 16, 0xbadf);
	assert_int_equal(sim_driver_errors(bus.gpu), 2);
	bus_close(&bus);
}

static void registers_take_only_what_they_have(void **state)
{
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	bus_wr(&bus, 0x0, 0);				/* read only */
	assert_int_equal(bus_misuse(&bus), 1);
	assert_int_equal(bus_rd(&bus, 0x0), 0xb72000a1);
	bus_wr(&bus, R_WINDOW, 0x04000001);		/* reserved bit */
	assert_int_equal(bus_misuse(&bus), 2);
	assert_int_equal(bus_rd(&bus, R_WINDOW), 0);
	bus_wr(&bus, R_WINDOW, 0x01000001);		/* reserved target */
	assert_int_equal(bus_misuse(&bus), 3);
	sim_bar0_write(bus.gpu, R_WINDOW, 8, 1);	/* widths */
	sim_bar0_write(bus.gpu, R_WINDOW, 2, 1);
	sim_bar0_read(bus.gpu, R_WINDOW, 1);
	assert_int_equal(bus_misuse(&bus), 6);
	sim_bar0_read(bus.gpu, R_WINDOW + 2, 4);	/* alignment, and no such width */
	sim_bar0_read(bus.gpu, R_WINDOW, 3);
	sim_bar0_read(bus.gpu, R_WINDOW, 0);
	assert_int_equal(bus_misuse(&bus), 9);
	assert_int_equal(bus_rd(&bus, R_WINDOW), 0);
	bus_close(&bus);
}

/* hardware.md, "Other drivers": nanoseconds, in two halves */
static uint64_t timer(struct bus *bus)
{
	uint32_t hi, lo;

	do {
		hi = bus_rd(bus, 0x9410);
		lo = bus_rd(bus, 0x9400);
	} while (bus_rd(bus, 0x9410) != hi);
	return (uint64_t)hi << 32 | lo;
}

/* However busy the machine is, the test is not stopped for so long. */
#define HOUR	3600000000000ull

static void the_clock_runs_and_can_be_set(void **state)
{
	struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t before, after;
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	before = timer(&bus);
	assert_true(before < HOUR);
	assert_int_equal(before & 0x1f, 0);
	nanosleep(&pause, NULL);
	after = timer(&bus);
	assert_in_range(after, before + 1000000, HOUR);
	bus_wr(&bus, 0x9410, 0x123);
	bus_wr(&bus, 0x9400, 0x40000000);
	assert_in_range(timer(&bus), 0x12340000000, 0x12340000000 + HOUR);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
}

static void a_fault_buffer_takes_its_default_size_and_stays_empty(void **state)
{
	static const uint32_t buffers[] = { 0xb83000, 0xb83020 };
	size_t i, b;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		struct bus bus;

		bus_open_chip(&bus, bus_chips[i]);
		for (b = 0; b < 2; b++) {
			bus_wr(&bus, buffers[b] + 0x10, 1u << 30);
			assert_int_not_equal(bus_rd(&bus, buffers[b] + 0x10) & 0xfffff, 0);
			bus_wr(&bus, buffers[b] + 0x10, 1u << 31 | 64);
			assert_int_equal(bus_rd(&bus, buffers[b] + 0x10), 1u << 31 | 64);
			bus_wr(&bus, buffers[b] + 8, 0xc0000000);
			assert_int_equal(bus_rd(&bus, buffers[b] + 8), 0);
			assert_int_equal(bus_rd(&bus, buffers[b] + 0xc), 0);
		}
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		bus_close(&bus);
	}
}

static void vectors_of_faults_are_those_of_the_manual(void **state)
{
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "tu102");
	assert_int_equal(bus_rd(&bus, 0x100ee0) & 0xffff, 134);
	assert_int_equal(bus_rd(&bus, 0x100ee4), 132 << 16 | 133);
	assert_int_equal(bus_rd(&bus, 0x100ee8), 64 << 16 | 131);
	bus_close(&bus);
}

/* Stand-ins for units that are not there: memory, and of bytes where drivers use bytes. */
static void bare_registers_read_0_and_keep_what_is_written(void **state)
{
	struct sim_counters c;
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	assert_int_equal(bus_rd(&bus, 0x12006c), 0);
	bus_wr(&bus, 0x100cc8, 0x3fee00);
	assert_int_equal(bus_rd(&bus, 0x100cc8), 0x3fee00);
	assert_int_equal(bus_rd(&bus, 0x100ccc), 0);
	sim_bar0_write(bus.gpu, 0x6013d4, 1, 0x1f);
	sim_bar0_write(bus.gpu, 0x6013d5, 1, 0x57);
	assert_int_equal(sim_bar0_read(bus.gpu, 0x6013d5, 1), 0x57);
	assert_int_equal(bus_rd(&bus, 0x6013d4), 0x571f);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	sim_bar0_write(bus.gpu, 0x12006c, 1, 0);
	assert_int_equal(bus_misuse(&bus), 1);
	bus_close(&bus);
	/* On other chips they are not there. */
	bus_open_chip(&bus, "ad102");
	bus_rd(&bus, 0x12006c);
	sim_get_counters(bus.gpu, &c);
	assert_int_equal(c.unknown, 1);
	bus_close(&bus);
}

struct map {
	uint32_t last;
	size_t nr;
	bool window;
};

static int look(const struct sim_reg_info *reg, void *arg)
{
	struct map *map = arg;

	assert_true(!map->nr || reg->off > map->last);
	assert_int_equal(reg->writable & reg->w1c, 0);
	map->last = reg->off;
	map->nr++;
	if (reg->off == R_WINDOW || reg->off == R_WINDOW_HOPPER)
		map->window = reg->writable != 0;
	return reg->off == 0xffffffff;
}

static int stop(const struct sim_reg_info *reg, void *arg)
{
	(void)arg;
	return (int)reg->off + 7;
}

static void the_register_map_is_in_address_order(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		struct map map = { 0 };
		struct bus bus;

		bus_open_chip(&bus, bus_chips[i]);
		assert_int_equal(sim_for_each_reg(bus.gpu, look, &map), 0);
		assert_true(map.nr > 15 && map.window);
		assert_int_equal(map.last, R_INVAL);	/* room for all */
		assert_int_equal(sim_for_each_reg(bus.gpu, stop, NULL), 7);
		bus_close(&bus);
	}
}

static void a_reset_is_power_on_with_vram_kept(void **state)
{
	struct tables t;
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	t = bus_bring_up(&bus);
	bus_vram_wr(&bus, MIB(4), 0x1234);
	bus_order(&bus);
	sim_bar1_read(bus.gpu, MIB(100), 4);
	sim_reset(bus.gpu);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	assert_int_equal(bus_rd(&bus, R_BIND), 0);
	assert_int_equal(bus_rd(&bus, R_FAULT_STATUS), 0);
	assert_int_equal(sim_bar1_read(bus.gpu, MIB(4), 8), 0x1234);
	assert_int_equal(sim_bar1_read(bus.gpu, t.inst + 0x200, 4), t.root | 0xc00);
	bus_close(&bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_chip_identifies_itself),
		cmocka_unit_test(the_size_register_says_what_was_configured),
		cmocka_unit_test(what_cannot_be_is_refused_with_a_reason),
		cmocka_unit_test(memory_can_be_had_only_after_boot),
		cmocka_unit_test(the_boot_progress_means_nothing_before_its_mask_allows_it),
		cmocka_unit_test(protected_ranges_are_empty_unless_set),
		cmocka_unit_test(firmware_of_a_size_lies_below_the_workspace),
		cmocka_unit_test(the_workspace_is_the_top_of_vram_on_chips_with_a_display),
		cmocka_unit_test(an_unknown_register_is_counted),
		cmocka_unit_test(on_request_what_is_unknown_reads_0_and_keeps_what_is_written),
		cmocka_unit_test(registers_take_only_what_they_have),
		cmocka_unit_test(the_clock_runs_and_can_be_set),
		cmocka_unit_test(a_fault_buffer_takes_its_default_size_and_stays_empty),
		cmocka_unit_test(vectors_of_faults_are_those_of_the_manual),
		cmocka_unit_test(bare_registers_read_0_and_keep_what_is_written),
		cmocka_unit_test(the_register_map_is_in_address_order),
		cmocka_unit_test(a_reset_is_power_on_with_vram_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
