/* SPDX-License-Identifier: MIT */
/* Binding BAR1: both register forms, and what an instance block must say. */
#include "bus.h"

#define VA	0x5000ull
#define A	0x400000ull

static struct tables prepared(struct bus *bus, const char *chip)
{
	struct tables t;

	bus_open_chip(bus, chip);
	bus_poke(bus, A, 0xaaaa);
	bus_poke(bus, VA, 0x5555);
	t = bus_tables(bus, MIB(1));
	bus_set_pte(bus, &t, VA, bus_pte(bus, A));
	bus_order(bus);
	return t;
}

static void bar1_is_physical_after_reset_and_virtual_after_a_bind(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		struct sim_counters c;
		struct tables t;
		struct bus bus;

		t = prepared(&bus, bus_chips[i]);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0x5555);
		bus_bind(&bus, t.inst);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);
		sim_get_counters(bus.gpu, &c);
		assert_int_equal(c.binds, 1);
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		bus_close(&bus);
	}
}

static void clearing_the_mode_makes_bar1_physical_again(void **state)
{
	struct tables t;
	struct bus bus;

	(void)state;
	t = prepared(&bus, "ga102");
	bus_bind(&bus, t.inst);
	bus_wr(&bus, R_BIND, (uint32_t)(t.inst >> 12));
	bus_bind_wait(&bus);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0x5555);
	bus_close(&bus);
	t = prepared(&bus, "gb100");
	bus_bind(&bus, t.inst);
	bus_wr(&bus, R_BIND_LOW, 0);
	bus_wr(&bus, R_BIND_HIGH, 0);
	bus_bind_wait(&bus);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0x5555);
	bus_close(&bus);
}

/* Unless it asks for physical mode, where readings differ: see test_wrong_bring_up.c. */
static void on_hopper_the_low_word_alone_binds_nothing(void **state)
{
	static const enum sim_bind_low readings[] = { SIM_BIND_LOW_ACTS, SIM_BIND_LOW_WAITS };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct sim_config cfg = { .chip = "gh100", .bind_low = readings[i] };
		struct tables t;
		struct bus bus;

		bus_open(&bus, &cfg);
		bus_poke(&bus, VA, 0x5555);
		t = bus_tables(&bus, MIB(1));
		bus_order(&bus);
		bus_wr(&bus, R_BIND_LOW, (uint32_t)t.inst | 1 << 9);
		bus_bind_wait(&bus);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0x5555);
		assert_int_equal(bus_misuse(&bus), 0);
		bus_close(&bus);
	}
}

static void the_high_word_reaches_above_4_gib(void **state)
{
	struct sim_config cfg = { .chip = "gh100", .vram_size = GIB(24) };
	uint64_t base = GIB(21);
	struct tables t;
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	bus_poke(&bus, GIB(23), 0x2323);
	t = bus_tables(&bus, base);
	bus_set_pte(&bus, &t, VA, bus_pte(&bus, GIB(23)));
	bus_order(&bus);
	bus_bind(&bus, t.inst);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0x2323);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
}

static void pending_comes_before_outstanding(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		struct tables t;
		struct bus bus;
		uint32_t status;

		t = prepared(&bus, bus_chips[i]);	/* with bind_polls 4 */
		status = bus.hopper ? R_BIND_LOW : R_BIND_STATUS;
		assert_int_equal(bus_rd(&bus, status) & 3, 0);
		bus_bind_start(&bus, t.inst);
		assert_int_equal(bus_rd(&bus, status) & 3, 1);
		assert_int_equal(bus_rd(&bus, status) & 3, 1);
		assert_int_equal(bus_rd(&bus, status) & 3, 2);
		assert_int_equal(bus_rd(&bus, status) & 3, 2);
		assert_int_equal(bus_rd(&bus, status) & 3, 0);
		bus_close(&bus);
	}
}

static void a_bind_is_unfinished_until_its_status_was_looked_at(void **state)
{
	struct sim_config cfg = { 0 };	/* no polls at all */
	struct tables t;
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	t = bus_tables(&bus, MIB(1));
	bus_order(&bus);
	bus_bind_start(&bus, t.inst);
	sim_bar1_read(bus.gpu, VA, 4);
	assert_int_equal(bus_misuse(&bus), 1);
	bus_wr(&bus, R_BIND, 0);
	assert_int_equal(bus_misuse(&bus), 2);
	bus_close(&bus);
}

/* What a read faults with when word 0x200 of the instance block is @word. */
static int fault_with(const char *chip, uint32_t clear, uint32_t set)
{
	struct tables t;
	struct bus bus;
	uint64_t word;
	int type = -1;

	t = prepared(&bus, chip);
	word = bus_peek(&bus, t.inst + 0x200);
	bus_poke(&bus, t.inst + 0x200, (word & ~(uint64_t)clear) | set);
	bus_bind(&bus, t.inst);
	if (sim_bar1_read(bus.gpu, VA, 4) == 0xffffffff)
		type = (int)bus_fault_type(&bus);
	assert_int_equal(bus_misuse(&bus), 0);
	bus_close(&bus);
	return type;
}

static void the_instance_block_must_name_format_and_page_size(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		const char *chip = bus_chips[i];
		bool v3 = i >= 4;

		assert_int_equal(fault_with(chip, 0, 0), -1);
		assert_int_equal(fault_with(chip, 0, 1 << 2), -1);	/* VOL is free */
		assert_int_equal(fault_with(chip, 1 << 10, 0), v3 ? -1 : FAULT_UNBOUND);
		assert_int_equal(fault_with(chip, 1 << 11, 0), FAULT_UNBOUND);
		assert_int_equal(fault_with(chip, 0, 1), FAULT_UNBOUND);
		/* A root in system memory, which this model does not have */
		assert_int_equal(fault_with(chip, 0, 2), FAULT_APERTURE);
	}
}

static void the_instance_block_counts_as_it_was_when_bound(void **state)
{
	struct tables t;
	struct bus bus;

	(void)state;
	t = prepared(&bus, "ga102");
	bus_bind_start(&bus, t.inst);
	bus_poke(&bus, t.inst + 0x200, 0);
	bus_bind_wait(&bus);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);
	bus_close(&bus);
}

static void an_instance_block_must_be_in_vram(void **state)
{
	struct bus bus;

	(void)state;
	prepared(&bus, "ga102");
	bus_wr(&bus, R_BIND, 0x80000000u | (uint32_t)(GIB(8) >> 12));	/* one past the end */
	bus_wr(&bus, R_BIND, 0x80000000u | 2u << 28 | 0x100);		/* system memory */
	assert_int_equal(bus_misuse(&bus), 2);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0x5555);
	bus_close(&bus);
}

static void another_drivers_binding_is_there_at_power_on_and_after_a_reset(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		struct sim_config cfg = { .chip = bus_chips[i], .bound = GIB(6) };
		struct bus bus;
		int round;

		bus_open(&bus, &cfg);
		for (round = 0; round < 2; round++) {
			if (bus.hopper) {
				assert_int_equal(bus_rd(&bus, R_BIND_LOW), GIB(6) << 32 >> 32 | 1 << 9);
				assert_int_equal(bus_rd(&bus, R_BIND_HIGH), 1);
			} else {
				assert_int_equal(bus_rd(&bus, R_BIND), 0x80000000 | GIB(6) >> 12);
			}
			/* Nobody has written tables there. */
			sim_bar1_read(bus.gpu, VA, 4);
			bus_fault_type(&bus);
			assert_int_equal(bus_faults(&bus), 1);
			assert_int_equal(bus_misuse(&bus), 0);
			sim_reset(bus.gpu);
		}
		bus_bring_up(&bus);
		assert_int_equal(bus_misuse(&bus), 0);
		bus_close(&bus);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bar1_is_physical_after_reset_and_virtual_after_a_bind),
		cmocka_unit_test(clearing_the_mode_makes_bar1_physical_again),
		cmocka_unit_test(on_hopper_the_low_word_alone_binds_nothing),
		cmocka_unit_test(the_high_word_reaches_above_4_gib),
		cmocka_unit_test(pending_comes_before_outstanding),
		cmocka_unit_test(a_bind_is_unfinished_until_its_status_was_looked_at),
		cmocka_unit_test(the_instance_block_must_name_format_and_page_size),
		cmocka_unit_test(the_instance_block_counts_as_it_was_when_bound),
		cmocka_unit_test(an_instance_block_must_be_in_vram),
		cmocka_unit_test(another_drivers_binding_is_there_at_power_on_and_after_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
