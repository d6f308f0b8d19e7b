/* SPDX-License-Identifier: MIT */
/*
 * Drivers with one mistake each in how they bring a GPU up: boot, display, binds.
 * The right driver runs beside the wrong one and counts no error; then the test
 * says by what the model exposes the wrong one.
 */
#include "bus.h"

#define VA	0x5000ull
#define A	0x400000ull

/* Registers, from the manual */
#define R_SCRUB		0x100b20
#define R_WORKSPACE	0x625f04
#define R_OLD_BIND	0x001704
#define R_OLD_STATUS	0x001710
#define R_OLD_BIND2	0x001714
#define R_BIND2		0xb80f48

#define POLLS_MAX	100

static void open_as(struct bus *bus, const char *chip, struct sim_config cfg)
{
	cfg.chip = chip;
	bus_open(bus, &cfg);
	bus_poke(bus, A, 0xaaaa);
}

static void assert_last_error(struct bus *bus, const char *part)
{
	char text[160];

	sim_last_error(bus->gpu, text, sizeof(text));
	assert_non_null(strstr(text, part));
}

/* Tables that show A at VA, bound. */
static struct tables bring_up_with_a(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);

	bus_map(bus, &t, VA, bus_pte(bus, A));
	return t;
}

/* --- boot -------------------------------------------------------------------- */

/* Polls until (value & @mask) is @want; false if it never is. */
static bool comes_to(struct bus *bus, uint32_t reg, uint32_t mask, uint32_t want)
{
	int polls;

	for (polls = 0; polls < POLLS_MAX; polls++)
		if ((bus_rd(bus, reg) & mask) == want)
			return true;
	return false;
}

/* Boards read 0x3ff there, not 0xff. */
static void a_driver_that_compares_all_bits_of_the_boot_progress_waits_for_ever(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct bus bus;

		open_as(&bus, bus_chips[i], (struct sim_config) { .boot_polls = 6 });
		assert_true(comes_to(&bus, R_BOOT_MASK, 1, 1));
		assert_true(comes_to(&bus, R_BOOT_PROGRESS, 0xff, 0xff));
		assert_false(comes_to(&bus, R_BOOT_PROGRESS, ~0u, 0xff));
		assert_int_equal(bus_rd(&bus, R_BOOT_PROGRESS), 0x3ff);
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		bus_close(&bus);
	}
}

static void a_driver_that_writes_before_vram_has_been_cleared_loses_it(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++) {	/* to GH100 */
		struct bus bus;

		open_as(&bus, bus_chips[i], (struct sim_config) { .scrub_polls = 8 });
		assert_int_equal(bus_rd(&bus, R_SCRUB), 0);
		assert_true(comes_to(&bus, R_SCRUB, ~0u, 1));
		bring_up_with_a(&bus);
		sim_bar1_write(bus.gpu, VA, 8, 0x1111);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 8), 0x1111);
		assert_int_equal(sim_driver_errors(bus.gpu), 0);

		sim_reset(bus.gpu);
		bus_vram_wr(&bus, A, 0x2222);
		assert_int_equal(bus_vram_rd(&bus, A), 0x2222);
		assert_true(comes_to(&bus, R_SCRUB, ~0u, 1));
		assert_int_equal(bus_vram_rd(&bus, A), 0);
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		bus_close(&bus);
	}
}

/* So long that a driver which does not look has brought BAR1 up before */
#define SCRUB_LONG	50000

/* Looks at VRAM alone, by each way: reads no register. */
static bool is_there_throughout(struct bus *bus, unsigned int nr)
{
	bool there = true;

	while (nr--) {
		sim_bar0_read(bus->gpu, R_PRAMIN, 8);
		there &= sim_bar1_read(bus->gpu, VA, 8) == 0xaaaa;
	}
	return there;
}

/* It need not look to be hit: time passes with whatever it does. */
static void a_driver_that_never_looks_whether_vram_has_been_cleared_loses_its_tables(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {	/* Blackwell clears it, too, and has no register of it */
		struct bus bus;

		open_as(&bus, bus_chips[i], (struct sim_config) { .scrub_polls = SCRUB_LONG });
		bring_up_with_a(&bus);
		assert_true(is_there_throughout(&bus, 100));
		assert_false(is_there_throughout(&bus, 2 * SCRUB_LONG));
		bus_assert_no_errors(&bus);
		bus_inval(&bus, MIB(1) + KIB(4));
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xffffffff);
		assert_int_equal(bus_fault_type(&bus), FAULT_PDE);
		bus_close(&bus);
	}
}

static void vram_that_is_never_cleared_is_not_cleared_by_time_either(void **state)
{
	struct bus bus;

	(void)state;
	open_as(&bus, "ga102", (struct sim_config) { .scrub_polls = SIM_NEVER });
	bring_up_with_a(&bus);
	assert_true(is_there_throughout(&bus, 2 * SCRUB_LONG));
	assert_int_equal(bus_rd(&bus, R_SCRUB), 0);
	bus_close(&bus);
}

static void vram_is_cleared_by_time_only_once_boot_is_complete(void **state)
{
	struct sim_config cfg = { .boot_polls = SIM_NEVER, .scrub_polls = 1 };
	struct bus bus;
	int i;

	(void)state;
	open_as(&bus, "ga102", cfg);
	for (i = 0; i < 1000; i++)
		sim_bar1_read(bus.gpu, 0, 4);	/* refused */
	assert_int_equal(bus_peek(&bus, A), 0xaaaa);
	bus_close(&bus);

	/* Complete after some hundred accesses, cleared some hundred later */
	cfg.boot_polls = 20;
	open_as(&bus, "ga102", cfg);
	for (i = 0; i < 1000; i++)
		bus_wr(&bus, R_WINDOW, 0);
	assert_int_equal(bus_peek(&bus, A), 0);
	assert_int_equal(bus_rd(&bus, R_SCRUB), 1);
	bus_close(&bus);
}

static void vram_is_not_cleared_before_boot_is_complete(void **state)
{
	struct sim_config cfg = { .boot_polls = 20, .scrub_polls = 1 };
	struct bus bus;

	(void)state;
	open_as(&bus, "ga102", cfg);
	assert_int_equal(bus_rd(&bus, R_SCRUB), 0);
	assert_int_equal(bus_rd(&bus, R_SCRUB), 0);
	assert_true(comes_to(&bus, R_BOOT_MASK, 1, 1));
	assert_true(comes_to(&bus, R_BOOT_PROGRESS, 0xff, 0xff));
	assert_int_equal(bus_rd(&bus, R_SCRUB), 1);
	bus_close(&bus);
}

static void blackwell_has_no_register_that_tells_of_it(void **state)
{
	struct sim_counters c;
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "gb202");
	bus_rd(&bus, R_SCRUB);
	sim_get_counters(bus.gpu, &c);
	assert_int_equal(c.unknown, 1);
	bus_close(&bus);
}

/* --- display ----------------------------------------------------------------- */

/* nouveau looks for its video BIOS there only if the register says VRAM. */
static void the_workspace_register_says_that_its_address_is_in_vram(void **state)
{
	static const size_t display[] = { 0, 2, 3, 6 };
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct bus bus;
		uint32_t val;

		bus_open_chip(&bus, bus_chips[display[i]]);
		val = bus_rd(&bus, R_WORKSPACE);
		assert_int_equal(val & 0xb, 0x9);	/* valid, and in VRAM */
		assert_int_equal((uint64_t)(val >> 8) << 16, GIB(8) - MIB(1));
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		bus_close(&bus);
	}
}

/* --- binds ------------------------------------------------------------------- */

/* Two places of one register: whoever binds by one sees it in the other. */
static void the_old_bind_registers_are_the_new_ones(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct tables t;
		struct bus bus;

		bus_open_chip(&bus, bus_chips[i]);	/* with bind_polls 4 */
		bus_poke(&bus, A, 0xaaaa);
		t = bus_tables(&bus, MIB(1));
		bus_set_pte(&bus, &t, VA, bus_pte(&bus, A));
		bus_order(&bus);
		bus_wr(&bus, R_OLD_BIND, 0x80000000u | (uint32_t)(t.inst >> 12));
		assert_int_equal(bus_rd(&bus, R_OLD_STATUS), 1);
		assert_int_equal(bus_rd(&bus, R_BIND_STATUS), 1);
		assert_true(comes_to(&bus, R_OLD_STATUS, 3, 0));
		assert_int_equal(bus_rd(&bus, R_BIND), 0x80000000u | (uint32_t)(t.inst >> 12));
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);

		bus_wr(&bus, R_BIND2, 0x80000000u | (uint32_t)(t.inst >> 12));
		assert_int_equal(bus_rd(&bus, R_OLD_BIND2), 0x80000000u | (uint32_t)(t.inst >> 12));
		assert_int_equal(bus_rd(&bus, R_OLD_STATUS), 4);
		assert_true(comes_to(&bus, R_OLD_STATUS, 0xc, 0));
		assert_int_equal(sim_bar2_read(bus.gpu, VA, 4), 0xaaaa);
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		bus_close(&bus);
	}
}

static void a_driver_that_binds_by_both_places_at_once_is_refused(void **state)
{
	struct tables t;
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "tu102");
	t = bus_tables(&bus, MIB(1));
	bus_order(&bus);
	bus_bind(&bus, t.inst);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);

	bus_wr(&bus, R_OLD_BIND, 0x80000000u | (uint32_t)(t.inst >> 12));
	bus_wr(&bus, R_BIND, 0x80000000u | (uint32_t)(t.inst >> 12));
	assert_int_equal(bus_misuse(&bus), 1);
	assert_last_error(&bus, "a bind is pending");
	bus_close(&bus);
}

/* LOW alone, for physical mode, on a chip whose binds are a pair of registers. */
static void unbind_by_low(struct bus *bus, const char *chip, enum sim_bind_low reading)
{
	struct sim_config cfg = { .bind_polls = 4, .bind_low = reading };

	open_as(bus, chip, cfg);
	bus_poke(bus, VA, 0x5555);
	bring_up_with_a(bus);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xaaaa);
	bus_wr(bus, R_BIND_LOW, 0);
	bus_bind_wait(bus);
}

/* HIGH after it, which is right under every reading. */
static void finish_by_high(struct bus *bus)
{
	bus_wr(bus, R_BIND_LOW, 0);
	bus_wr(bus, R_BIND_HIGH, 0);
	bus_bind_wait(bus);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0x5555);
	assert_int_equal(sim_driver_errors(bus->gpu), 0);
}

static void a_pointer_leads_nowhere_between_low_and_high(void **state)
{
	size_t i;

	(void)state;
	for (i = 4; i < 7; i++) {
		volatile uint64_t *p;
		struct bus bus;
		uint64_t pa;
		void *cpu;

		open_as(&bus, bus_chips[i], (struct sim_config) { .landing = SIM_LANDING_AT_ONCE });
		bus_poke(&bus, VA, 0x5555);
		bring_up_with_a(&bus);
		assert_int_equal(sim_bar1_mmap(bus.gpu, VA, PAGE, true, &cpu), 0);
		p = cpu;
		assert_true(*p == 0xaaaa);
		assert_non_null(sim_bar1_direct(bus.gpu, VA, true));
		assert_true(sim_vram_behind(bus.gpu, 1, VA, true, &pa));

		bus_wr(&bus, R_BIND_LOW, 0);
		assert_true(*p == ~0ull);
		*p = 0x7777;
		assert_int_equal(bus_peek(&bus, A), 0xaaaa);
		assert_int_equal(bus_peek(&bus, VA), 0x5555);
		assert_null(sim_bar1_direct(bus.gpu, VA, true));
		assert_false(sim_vram_behind(bus.gpu, 1, VA, true, &pa));

		/* Refused, as there is no such instance block: what was bound stays so. */
		bus_wr(&bus, R_BIND_LOW, 1 << 9);
		bus_wr(&bus, R_BIND_HIGH, ~0u);
		assert_int_equal(bus_misuse(&bus), 1);
		assert_true(*p == 0xaaaa);

		bus_wr(&bus, R_BIND_LOW, 0);
		bus_wr(&bus, R_BIND_HIGH, 0);
		bus_bind_wait(&bus);
		assert_true(*p == 0x5555);
		bus_close(&bus);
	}
}

static void a_driver_that_unbinds_by_low_alone_counts_on_what_is_open(void **state)
{
	size_t i;

	(void)state;
	for (i = 4; i < 7; i++) {
		struct bus bus;

		unbind_by_low(&bus, bus_chips[i], SIM_BIND_LOW_MISUSE);
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xffffffff);
		assert_int_equal(bus_misuse(&bus), 1);
		assert_last_error(&bus, "HIGH not");
		sim_reset(bus.gpu);
		bus_bind(&bus, MIB(1));
		finish_by_high(&bus);
		bus_close(&bus);

		unbind_by_low(&bus, bus_chips[i], SIM_BIND_LOW_ACTS);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0x5555);
		finish_by_high(&bus);
		bus_bind(&bus, MIB(1));
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		bus_close(&bus);

		unbind_by_low(&bus, bus_chips[i], SIM_BIND_LOW_WAITS);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);
		finish_by_high(&bus);
		bus_close(&bus);
	}
}

/* --- faults ------------------------------------------------------------------ */

static void a_driver_that_goes_on_after_a_fault_may_find_bar1_dead(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		struct sim_config cfg = { .fault_rebind = true };
		struct tables t;
		struct bus bus;

		open_as(&bus, bus_chips[i], cfg);
		t = bring_up_with_a(&bus);
		sim_bar1_read(bus.gpu, VA + PAGE, 4);
		assert_int_equal(bus_fault_type(&bus), FAULT_PTE);
		bus_fault_clear(&bus);

		/* Nothing answers any more, and nothing more is kept of that than a mark. */
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xffffffff);
		sim_bar1_write(bus.gpu, VA, 8, 0x1111);
		assert_int_equal(bus_peek(&bus, A), 0xaaaa);
		assert_int_equal(bus_rd(&bus, R_FAULT_STATUS), 2);
		assert_int_equal(bus_faults(&bus), 3);
		assert_last_error(&bus, "not bound since");
		/* BAR2 and PRAMIN do. */
		assert_int_equal(sim_bar2_read(bus.gpu, A, 4), 0xaaaa);
		assert_int_equal(bus_vram_rd(&bus, A), 0xaaaa);

		bus_bind(&bus, t.inst);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);
		assert_int_equal(bus_faults(&bus), 3);
		bus_close(&bus);
	}
}

static void without_that_option_bar1_goes_on_after_a_fault(void **state)
{
	struct bus bus;

	(void)state;
	open_as(&bus, "ga102", (struct sim_config) { 0 });
	bring_up_with_a(&bus);
	sim_bar1_read(bus.gpu, VA + PAGE, 4);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);
	assert_int_equal(bus_faults(&bus), 1);
	bus_close(&bus);
}

/* --- what is not there ------------------------------------------------------- */

static void a_driver_that_uses_io_ports_is_told_that_there_are_none(void **state)
{
	struct sim_counters c;
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	sim_port_write(bus.gpu, 8, 4, 0x1800);
	assert_last_error(&bus, "write of 4 bytes, 0x1800, to I/O port 0x8");
	assert_int_equal(sim_port_read(bus.gpu, 0xc, 4), 0xffffffff);
	assert_int_equal(sim_port_read(bus.gpu, 0xc, 1), 0xff);
	assert_last_error(&bus, "read of 1 bytes at I/O port 0xc");
	sim_get_counters(bus.gpu, &c);
	assert_int_equal(c.unknown, 3);
	bus_close(&bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_driver_that_compares_all_bits_of_the_boot_progress_waits_for_ever),
		cmocka_unit_test(a_driver_that_writes_before_vram_has_been_cleared_loses_it),
		cmocka_unit_test(
			a_driver_that_never_looks_whether_vram_has_been_cleared_loses_its_tables),
		cmocka_unit_test(vram_that_is_never_cleared_is_not_cleared_by_time_either),
		cmocka_unit_test(vram_is_cleared_by_time_only_once_boot_is_complete),
		cmocka_unit_test(vram_is_not_cleared_before_boot_is_complete),
		cmocka_unit_test(blackwell_has_no_register_that_tells_of_it),
		cmocka_unit_test(the_workspace_register_says_that_its_address_is_in_vram),
		cmocka_unit_test(the_old_bind_registers_are_the_new_ones),
		cmocka_unit_test(a_driver_that_binds_by_both_places_at_once_is_refused),
		cmocka_unit_test(a_pointer_leads_nowhere_between_low_and_high),
		cmocka_unit_test(a_driver_that_unbinds_by_low_alone_counts_on_what_is_open),
		cmocka_unit_test(a_driver_that_goes_on_after_a_fault_may_find_bar1_dead),
		cmocka_unit_test(without_that_option_bar1_goes_on_after_a_fault),
		cmocka_unit_test(a_driver_that_uses_io_ports_is_told_that_there_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
