/* SPDX-License-Identifier: MIT */
/* BAR2: the MMU of BAR1, behind a binding and with faults of its own. */
#include "bus.h"

#define VA	0x5000ull
#define A	0x400000ull
#define B	0x410000ull

/* Registers, from the manual */
#define R_BIND2		0xb80f48
#define R_BIND2_LOW	0xb80f70
#define R_BIND2_HIGH	0xb80f74

static void bind2_start(struct bus *bus, uint64_t inst)
{
	if (bus->hopper) {
		bus_wr(bus, R_BIND2_LOW, (uint32_t)inst | 1 << 9);
		bus_wr(bus, R_BIND2_HIGH, (uint32_t)(inst >> 32));
	} else {
		bus_wr(bus, R_BIND2, 0x80000000u | (uint32_t)(inst >> 12));
	}
}

/* PENDING and OUTSTANDING of BAR2, as bits 0 and 1 */
static uint32_t status2(struct bus *bus)
{
	return bus->hopper ? bus_rd(bus, R_BIND2_LOW) & 3 : bus_rd(bus, R_BIND_STATUS) >> 2 & 3;
}

static void bind2(struct bus *bus, uint64_t inst)
{
	int polls;

	bind2_start(bus, inst);
	for (polls = 0; status2(bus); polls++)
		assert_true(polls < 100);
}

/* Tables at @base that show @pa at VA, and nothing else. */
static struct tables tables_showing(struct bus *bus, uint64_t base, uint64_t pa)
{
	struct tables t = bus_tables(bus, base);

	bus_set_pte(bus, &t, VA, bus_pte(bus, pa));
	bus_order(bus);
	return t;
}

static void open_with_values(struct bus *bus, const char *chip)
{
	bus_open_chip(bus, chip);
	bus_poke(bus, VA, 0x5555);
	bus_poke(bus, A, 0xaaaa);
	bus_poke(bus, B, 0xbbbb);
}

static void each_aperture_goes_by_its_own_binding(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		struct tables t1, t2;
		struct bus bus;

		open_with_values(&bus, bus_chips[i]);
		t1 = tables_showing(&bus, MIB(1), A);
		t2 = tables_showing(&bus, MIB(2), B);
		assert_int_equal(sim_bar2_read(bus.gpu, VA, 4), 0x5555);
		bind2(&bus, t2.inst);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0x5555);
		assert_int_equal(sim_bar2_read(bus.gpu, VA, 4), 0xbbbb);
		bus_bind(&bus, t1.inst);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);
		sim_bar2_write(bus.gpu, VA, 4, 0x2222);
		sim_land(bus.gpu);
		assert_int_equal(bus_peek(&bus, B), 0x2222);
		assert_int_equal(bus_peek(&bus, A), 0xaaaa);
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		bus_close(&bus);
	}
}

static void a_bind_of_one_aperture_leaves_the_other_one_usable(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		struct tables t;
		struct bus bus;

		open_with_values(&bus, bus_chips[i]);	/* with bind_polls 4 */
		t = tables_showing(&bus, MIB(1), A);
		bind2_start(&bus, t.inst);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0x5555);
		assert_int_equal(bus_misuse(&bus), 0);
		assert_int_equal(status2(&bus), 1);
		assert_int_equal(status2(&bus), 1);
		assert_int_equal(status2(&bus), 2);
		assert_int_equal(bus_rd(&bus, bus.hopper ? R_BIND_LOW : R_BIND_STATUS) & 3, 0);
		assert_int_equal(sim_bar2_read(bus.gpu, VA, 4), 0xffffffff);
		assert_int_equal(bus_misuse(&bus), 1);
		bus_close(&bus);
	}
}

static void bar2_has_a_bit_that_reads_1_and_can_be_written(void **state)
{
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "tu102");
	assert_int_equal(bus_rd(&bus, R_BIND2), 1u << 30);
	bus_wr(&bus, R_BIND2, 0);
	assert_int_equal(bus_rd(&bus, R_BIND2), 0);
	assert_int_equal(bus_misuse(&bus), 0);
	bus_close(&bus);
}

static void bar2_is_32_mib(void **state)
{
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	bus_poke(&bus, MIB(32) - 8, 0x3232);
	assert_int_equal(sim_bar2_read(bus.gpu, MIB(32) - 8, 8), 0x3232);
	assert_int_equal(bus_misuse(&bus), 0);
	assert_int_equal(sim_bar2_read(bus.gpu, MIB(32), 4), 0xffffffff);
	assert_int_equal(bus_misuse(&bus), 1);
	bus_close(&bus);
}

/* Engine ids 0xc0 and 0x140; marks of dropped faults: bits 2 and 3. */
static void faults_of_bar2_are_its_own(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		struct tables t;
		struct bus bus;

		open_with_values(&bus, bus_chips[i]);
		t = tables_showing(&bus, MIB(1), A);
		bind2(&bus, t.inst);
		assert_int_equal(sim_bar2_read(bus.gpu, VA + PAGE, 4), 0xffffffff);
		assert_int_equal(bus_fault_type(&bus), FAULT_PTE);
		assert_int_equal(bus_rd(&bus, R_FAULT_INST_LO) & 0x1ff, bus.hopper ? 0x140 : 0xc0);
		assert_int_equal(bus_rd(&bus, R_FAULT_INST_LO) & ~0xfffu, t.inst);
		assert_int_equal(bus_rd(&bus, R_FAULT_ADDR_LO), VA + PAGE);
		assert_int_equal(bus_rd(&bus, R_FAULT_STATUS), 0x80000000u);
		sim_bar2_read(bus.gpu, VA + PAGE, 4);
		assert_int_equal(bus_rd(&bus, R_FAULT_STATUS), 0x80000008u);
		assert_int_equal(bus_faults(&bus), 2);
		bus_close(&bus);
	}
}

static void a_physical_fault_of_bar2_leaves_its_mark(void **state)
{
	struct sim_config cfg = { .wpr2 = { MIB(4), MIB(5) } };
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	sim_bar2_read(bus.gpu, MIB(4), 4);
	assert_int_equal(bus_fault_type(&bus), FAULT_REGION);
	assert_int_equal(bus_rd(&bus, R_FAULT_INST_LO) & 0x1ff, 31);
	sim_bar2_write(bus.gpu, MIB(4), 4, 0);
	assert_int_equal(bus_rd(&bus, R_FAULT_STATUS), 0x80000004u);
	bus_close(&bus);
}

/*
 * Both have one TLB, where address spaces are told apart by their roots.  The two
 * look at different addresses, which take no place from each other there.
 */
static void an_invalidate_is_for_the_address_space_and_not_for_the_aperture(void **state)
{
	const uint64_t va2 = VA + 16 * PAGE;	/* in another line of entries */
	struct tables t1, t2;
	struct bus bus;

	(void)state;
	open_with_values(&bus, "ga102");
	t1 = tables_showing(&bus, MIB(1), A);
	t2 = tables_showing(&bus, MIB(2), A);
	bus_map(&bus, &t2, va2, bus_pte(&bus, A));
	bus_bind(&bus, t1.inst);
	bind2(&bus, t2.inst);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);
	assert_int_equal(sim_bar2_read(bus.gpu, va2, 4), 0xaaaa);
	bus_set_pte(&bus, &t1, VA, bus_pte(&bus, B));
	bus_map(&bus, &t2, va2, bus_pte(&bus, B));
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);
	assert_int_equal(sim_bar2_read(bus.gpu, va2, 4), 0xbbbb);
	bus_inval(&bus, t1.root);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xbbbb);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
}

static void binds_of_bar2_to_many_tables_leave_bar1_as_it_is(void **state)
{
	struct bus bus;
	unsigned int i;

	(void)state;
	open_with_values(&bus, "gh100");
	bus_bind(&bus, tables_showing(&bus, MIB(1), A).inst);
	for (i = 0; i < 40; i++) {
		bind2(&bus, tables_showing(&bus, MIB(16) + i * KIB(64), B).inst);
		assert_int_equal(sim_bar2_read(bus.gpu, VA, 4), 0xbbbb);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);
	}
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
}

static void a_reset_makes_bar2_physical_again(void **state)
{
	struct tables t;
	struct bus bus;

	(void)state;
	open_with_values(&bus, "ga102");
	t = tables_showing(&bus, MIB(1), A);
	bind2(&bus, t.inst);
	sim_reset(bus.gpu);
	assert_int_equal(sim_bar2_read(bus.gpu, VA, 4), 0x5555);
	bus_close(&bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_aperture_goes_by_its_own_binding),
		cmocka_unit_test(a_bind_of_one_aperture_leaves_the_other_one_usable),
		cmocka_unit_test(bar2_has_a_bit_that_reads_1_and_can_be_written),
		cmocka_unit_test(bar2_is_32_mib),
		cmocka_unit_test(faults_of_bar2_are_its_own),
		cmocka_unit_test(a_physical_fault_of_bar2_leaves_its_mark),
		cmocka_unit_test(an_invalidate_is_for_the_address_space_and_not_for_the_aperture),
		cmocka_unit_test(binds_of_bar2_to_many_tables_leave_bar1_as_it_is),
		cmocka_unit_test(a_reset_makes_bar2_physical_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
