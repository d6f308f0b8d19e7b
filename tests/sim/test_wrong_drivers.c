/* SPDX-License-Identifier: MIT */
/*
 * Drivers with one mistake each.  A test runs the right driver first, which
 * works and counts no error, then the wrong one, and shows how the model
 * exposes it.  All for every chip.
 */
#include "bus.h"

#define VA	0x5000ull
#define POLLS	4	/* of a bind or an invalidate */
#define A	BUS_A	/* two pages of VRAM */
#define B	BUS_B

/* Map A, look, then map B in its place. */
static void remap(struct bus *bus, const struct tables *t, uint64_t invalidate_pdb)
{
	bus_map(bus, t, VA, bus_pte(bus, A));
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0xaaaa);
	bus_set_pte(bus, t, VA, bus_pte(bus, B));
	bus_order(bus);
	if (invalidate_pdb)
		bus_inval(bus, invalidate_pdb);
}

static void forgets_to_invalidate(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);

	remap(bus, &t, t.root);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0xbbbb);
	assert_int_equal(sim_tlb_stale(bus->gpu), 0);
	bus_assert_no_errors(bus);

	remap(bus, &t, 0);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0xaaaa);
	assert_int_equal(sim_tlb_stale(bus->gpu), 1);
}

static void a_driver_that_forgets_the_invalidate_reads_the_old_page(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, forgets_to_invalidate);
}

static void forgets_to_invalidate_after_mapping(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);

	bus_map(bus, &t, VA, bus_pte(bus, A));
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0xaaaa);
	bus_assert_no_errors(bus);

	/* The page next to it has been looked at while it was not there. */
	assert_int_equal(sim_bar1_read(bus->gpu, VA + PAGE, 4), 0xffffffff);
	bus_set_pte(bus, &t, VA + PAGE, bus_pte(bus, B));
	bus_order(bus);
	assert_int_equal(sim_bar1_read(bus->gpu, VA + PAGE, 4), 0xffffffff);
	assert_int_equal(bus_fault_type(bus), FAULT_PTE);
	assert_int_equal(sim_tlb_stale(bus->gpu), 1);
}

static void a_driver_that_forgets_the_invalidate_after_map_keeps_faulting(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, forgets_to_invalidate_after_mapping);
}

static void names_the_wrong_pdb(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);

	remap(bus, &t, t.root);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0xbbbb);
	bus_assert_no_errors(bus);

	remap(bus, &t, t.inst);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0xaaaa);
	assert_int_equal(sim_tlb_stale(bus->gpu), 1);
}

static void a_driver_that_names_the_wrong_pdb_reads_the_old_page(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, names_the_wrong_pdb);
}

static void skips_the_ordering_read(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);

	bus_map(bus, &t, VA, bus_pte(bus, A));
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0xaaaa);
	bus_assert_no_errors(bus);

	bus_set_pte(bus, &t, VA + PAGE, bus_pte(bus, B));
	bus_inval(bus, t.root);
	assert_int_equal(sim_bar1_read(bus->gpu, VA + PAGE, 4), 0xffffffff);
	assert_int_equal(bus_faults(bus), 1);
	assert_int_equal(bus_fault_type(bus), FAULT_PTE);
	/* The entry comes later, but the MMU has made up its mind. */
	bus_order(bus);
	assert_int_equal(sim_bar1_read(bus->gpu, VA + PAGE, 4), 0xffffffff);
}

static void a_driver_that_skips_the_ordering_read_faults(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, skips_the_ordering_read);
}

/* Unmap; A then goes to somebody else, who writes it through PRAMIN. */
static void unmap_and_give_away(struct bus *bus, const struct tables *t, bool wait)
{
	bus_map(bus, t, VA, bus_pte(bus, A));
	sim_bar1_write(bus->gpu, VA, 8, 0x1111);
	bus_set_pte(bus, t, VA, 0);
	bus_order(bus);
	bus_inval_start(bus, t->root, INVAL_GO | INVAL_ACK | INVAL_MEMBAR);
	if (wait)
		bus_inval_wait(bus);
	bus_vram_wr(bus, A, 0x2222);
	assert_int_equal(bus_vram_rd(bus, A), 0x2222);
}

static void reuses_vram_too_early(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);

	unmap_and_give_away(bus, &t, true);
	bus_assert_no_errors(bus);
	sim_bar1_write(bus->gpu, VA, 8, 0x1111);	/* a latecomer does no harm */
	assert_int_equal(bus_vram_rd(bus, A), 0x2222);

	unmap_and_give_away(bus, &t, false);
	assert_int_equal(sim_tlb_stale(bus->gpu), 1);
	sim_bar1_write(bus->gpu, VA, 8, 0x1111);
	sim_land(bus->gpu);
	assert_int_equal(bus_vram_rd(bus, A), 0x1111);
}

static void a_driver_that_reuses_vram_before_the_invalidate_is_done_corrupts_it(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, reuses_vram_too_early);
}

static void triggers_twice(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);

	bus_inval(bus, t.root);
	bus_assert_no_errors(bus);

	remap(bus, &t, 0);
	bus_inval_start(bus, t.inst, INVAL_GO);
	bus_inval(bus, t.root);
	assert_int_equal(bus_misuse(bus), 1);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0xaaaa);
}

static void a_driver_that_does_not_wait_before_the_next_invalidate_loses_it(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, triggers_twice);
}

/* BAR1 is still physical if the bind never was. */
static bool is_virtual(struct bus *bus)
{
	return sim_bar1_read(bus->gpu, VA, 8) == 0xaaaa;
}

static void binds_before_the_flush(struct bus *bus)
{
	struct tables t = bus_tables(bus, MIB(1));

	bus_set_pte(bus, &t, VA, bus_pte(bus, A));
	bus_order(bus);
	bus_bind(bus, t.inst);
	assert_true(is_virtual(bus));
	bus_assert_no_errors(bus);

	t = bus_tables(bus, MIB(2));
	bus_set_pte(bus, &t, VA, bus_pte(bus, A));
	/* What is there in place of an instance block: no page directory */
	bus_poke(bus, t.inst + 0x200, 0);
	bus_bind(bus, t.inst);
	bus_order(bus);
	assert_false(is_virtual(bus));
	assert_int_equal(bus_fault_type(bus), FAULT_UNBOUND);
}

static void a_driver_that_binds_before_the_flush_binds_garbage(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, binds_before_the_flush);
}

static void binds_high_before_low(struct bus *bus)
{
	struct tables t = bus_tables(bus, MIB(1));

	if (!bus->hopper)
		return;
	bus_set_pte(bus, &t, VA, bus_pte(bus, A));
	bus_order(bus);
	bus_bind(bus, t.inst);
	assert_true(is_virtual(bus));
	bus_assert_no_errors(bus);

	sim_reset(bus->gpu);
	bus_wr(bus, R_BIND_HIGH, (uint32_t)(t.inst >> 32));
	bus_wr(bus, R_BIND_LOW, (uint32_t)t.inst | 1 << 9);
	bus_bind_wait(bus);
	/* LOW came while the bind was pending, and to no effect. */
	assert_int_equal(bus_misuse(bus), 1);
	assert_false(is_virtual(bus));

	sim_reset(bus->gpu);
	bus_wr(bus, R_BIND_HIGH, (uint32_t)(t.inst >> 32));
	bus_bind_wait(bus);
	bus_wr(bus, R_BIND_LOW, (uint32_t)t.inst | 1 << 9);
	bus_bind_wait(bus);
	assert_int_equal(bus_misuse(bus), 0);
	assert_false(is_virtual(bus));
}

static void a_driver_that_writes_high_before_low_stays_physical(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, binds_high_before_low);
}

static void does_not_wait_for_the_bind(struct bus *bus)
{
	struct tables t = bus_tables(bus, MIB(1));
	uint32_t status = bus->hopper ? R_BIND_LOW : R_BIND_STATUS;

	bus_set_pte(bus, &t, VA, bus_pte(bus, A));
	bus_order(bus);
	bus_bind(bus, t.inst);
	bus_assert_no_errors(bus);

	bus_bind_start(bus, t.inst);
	sim_bar1_write(bus->gpu, VA, 8, 0x1111);
	assert_int_equal(bus_misuse(bus), 1);
	/* No more PENDING is not enough: it may be OUTSTANDING. */
	while (bus_rd(bus, status) & 1)
		;
	sim_bar1_write(bus->gpu, VA, 8, 0x1111);
	assert_int_equal(bus_misuse(bus), 2);
	bus_bind_wait(bus);
	assert_true(is_virtual(bus));
}

static void a_driver_that_does_not_wait_for_the_bind_is_refused(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, does_not_wait_for_the_bind);
}

static void does_not_clear_its_tables(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);
	unsigned int seen = 0;
	uint64_t va;

	bus_map(bus, &t, VA, bus_pte(bus, A));
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0xaaaa);
	bus_assert_no_errors(bus);

	/* A leaf table in memory nobody cleared: half of what is there passes for valid. */
	bus_set_pde0(bus, &t, MIB(2), 0, bus_pde(bus, MIB(64)));
	bus_order(bus);
	bus_inval(bus, t.root);
	for (va = MIB(2); va < MIB(4); va += PAGE) {
		if (sim_bar1_read(bus->gpu, va, 4) != 0xffffffff)
			continue;
		seen |= 1u << bus_fault_type(bus);
		bus_fault_clear(bus);
	}
	assert_true(seen & 1u << FAULT_APERTURE);
	assert_true(seen & 1u << FAULT_REGION);
}

static void a_driver_that_does_not_clear_its_tables_meets_garbage(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, does_not_clear_its_tables);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_driver_that_forgets_the_invalidate_reads_the_old_page),
		cmocka_unit_test(a_driver_that_forgets_the_invalidate_after_map_keeps_faulting),
		cmocka_unit_test(a_driver_that_names_the_wrong_pdb_reads_the_old_page),
		cmocka_unit_test(a_driver_that_skips_the_ordering_read_faults),
		cmocka_unit_test(
			a_driver_that_reuses_vram_before_the_invalidate_is_done_corrupts_it),
		cmocka_unit_test(a_driver_that_does_not_wait_before_the_next_invalidate_loses_it),
		cmocka_unit_test(a_driver_that_binds_before_the_flush_binds_garbage),
		cmocka_unit_test(a_driver_that_writes_high_before_low_stays_physical),
		cmocka_unit_test(a_driver_that_does_not_wait_for_the_bind_is_refused),
		cmocka_unit_test(a_driver_that_does_not_clear_its_tables_meets_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
