/* SPDX-License-Identifier: MIT */
/* What the TLB remembers, and which invalidate makes it forget. */
#include "bus.h"

#define VA	0x5000ull
#define A	0x400000ull
#define B	0x800000ull

static int set_up(void **state)
{
	static struct bus bus;

	*state = &bus;
	return 0;
}

static void open_chip(struct bus *bus, const char *chip)
{
	bus_open_chip(bus, chip);
	bus_poke(bus, A, 0xaaaa);
	bus_poke(bus, B, 0xbbbb);
}

/* Whether @control, for @pdb, makes BAR1 see a PTE changed from A to B. */
static bool drops_pte(const char *chip, bool right_pdb, uint32_t control)
{
	struct tables t;
	struct bus bus;
	uint64_t val;

	open_chip(&bus, chip);
	t = bus_bring_up(&bus);
	bus_map(&bus, &t, VA, bus_pte(&bus, A));
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 8), 0xaaaa);
	bus_set_pte(&bus, &t, VA, bus_pte(&bus, B));
	bus_order(&bus);
	bus_inval_start(&bus, right_pdb ? t.root : t.root + GIB(1), control);
	bus_inval_wait(&bus);
	val = sim_bar1_read(bus.gpu, VA, 8);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
	return val == 0xbbbb;
}

static void a_stale_translation_survives_until_its_pdb_is_invalidated(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		assert_false(drops_pte(bus_chips[i], false, INVAL_GO));
		assert_true(drops_pte(bus_chips[i], true, INVAL_GO));
		assert_true(drops_pte(bus_chips[i], false, INVAL_GO | INVAL_ALL_PDB));
		assert_true(drops_pte(bus_chips[i], true, INVAL_GO & ~INVAL_HUB));
		/* SYS_MEMBAR and ACK change nothing about that. */
		assert_true(drops_pte(bus_chips[i], true, INVAL_GO | 0xc0));
	}
}

static void a_scope_of_links_leaves_bar1_alone(void **state)
{
	size_t i;

	(void)state;
	for (i = 1; i < 7; i++) {	/* not Turing: it has no scope */
		assert_false(drops_pte(bus_chips[i], true, INVAL_GO | INVAL_SCOPE(1)));
		assert_true(drops_pte(bus_chips[i], true, INVAL_GO | INVAL_SCOPE(2)));
	}
}

static void the_upper_and_the_aperture_are_part_of_the_pdb(void **state)
{
	struct bus *bus = *state;
	struct tables t;

	open_chip(bus, "ga102");
	t = bus_bring_up(bus);
	bus_map(bus, &t, VA, bus_pte(bus, A));
	sim_bar1_read(bus->gpu, VA, 8);
	bus_set_pte(bus, &t, VA, 0);
	bus_order(bus);
	bus_inval(bus, t.root + (1ull << 40));
	assert_int_equal(sim_tlb_stale(bus->gpu), 1);
	bus_wr(bus, R_INVAL_PDB, (uint32_t)(t.root >> 12 << 4) | 2);	/* system memory */
	bus_wr(bus, R_INVAL_UPPER, 0);
	bus_wr(bus, R_INVAL, INVAL_GO);
	bus_inval_wait(bus);
	assert_int_equal(sim_tlb_stale(bus->gpu), 1);
	bus_inval(bus, t.root);
	assert_int_equal(sim_tlb_stale(bus->gpu), 0);
	bus_close(bus);
}

static void a_miss_is_remembered_too(void **state)
{
	struct bus *bus = *state;
	struct tables t;

	open_chip(bus, "gh100");
	t = bus_bring_up(bus);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xffffffff);
	bus_set_pte(bus, &t, VA, bus_pte(bus, A));
	bus_order(bus);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xffffffff);
	bus_inval(bus, t.root);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xaaaa);
	bus_close(bus);
}

static void an_invalid_pde_is_remembered_for_all_that_is_below(void **state)
{
	struct bus *bus = *state;
	struct tables t;

	open_chip(bus, "ga102");
	t = bus_bring_up(bus);
	assert_int_equal(sim_bar1_read(bus->gpu, MIB(2), 4), 0xffffffff);
	assert_int_equal(bus_fault_type(bus), FAULT_PDE);
	bus_set_pde0(bus, &t, MIB(2), 0, bus_pde(bus, t.pt));
	bus_set_pte(bus, &t, VA, bus_pte(bus, A));
	bus_order(bus);
	/* Another page, never looked at, under the same PDE */
	assert_int_equal(sim_bar1_read(bus->gpu, MIB(2) + VA, 4), 0xffffffff);
	/* PTEs only is not enough, PDE0 and below is. */
	bus_inval_start(bus, t.root, INVAL_GO | INVAL_LEVEL(1));
	bus_inval_wait(bus);
	assert_int_equal(sim_bar1_read(bus->gpu, MIB(2) + VA, 4), 0xffffffff);
	bus_inval_start(bus, t.root, INVAL_GO | INVAL_LEVEL(2));
	bus_inval_wait(bus);
	assert_int_equal(sim_bar1_read(bus->gpu, MIB(2) + VA, 4), 0xaaaa);
	bus_close(bus);
}

static void a_stale_pde_leads_to_the_old_table(void **state)
{
	uint64_t pt2 = MIB(3);
	struct bus *bus = *state;
	struct tables t;

	open_chip(bus, "gb202");
	t = bus_bring_up(bus);
	bus_map(bus, &t, VA, bus_pte(bus, A));
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xaaaa);
	bus_vram_zero(bus, pt2, PAGE);
	bus_vram_wr(bus, pt2 + VA / PAGE * 8, bus_pte(bus, B));
	bus_set_pde0(bus, &t, 0, 0, bus_pde(bus, pt2));
	bus_order(bus);
	bus_inval_start(bus, t.root, INVAL_GO | INVAL_LEVEL(1));
	bus_inval_wait(bus);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xaaaa);
	bus_inval(bus, t.root);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xbbbb);
	bus_close(bus);
}

/* Upper levels: PDE1 is level 3 of the field, and so on up. */
static void each_level_is_dropped_by_its_own_number_and_above(void **state)
{
	struct bus *bus = *state;
	uint32_t level;

	for (level = 1; level <= 7; level++) {
		uint64_t pde0 = MIB(3), pt = MIB(3) + KIB(4);
		struct tables t;

		open_chip(bus, "gh100");
		t = bus_bring_up(bus);
		bus_map(bus, &t, VA, bus_pte(bus, A));
		assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xaaaa);
		bus_vram_zero(bus, pde0, KIB(8));
		bus_vram_wr(bus, pde0 + 8, bus_pde(bus, pt));
		bus_vram_wr(bus, pt + VA / PAGE * 8, bus_pte(bus, B));
		bus_vram_wr(bus, t.pde1, bus_pde(bus, pde0));	/* what changes is in PDE1 */
		bus_order(bus);
		bus_inval_start(bus, t.root, INVAL_GO | INVAL_LEVEL(level));
		bus_inval_wait(bus);
		assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), level < 3 ? 0xaaaa : 0xbbbb);
		bus_close(bus);
	}
}

static void a_2m_page_is_as_old_as_its_pde(void **state)
{
	struct bus *bus = *state;
	struct tables t;

	open_chip(bus, "ga102");
	t = bus_bring_up(bus);
	bus_set_pde0(bus, &t, MIB(2), bus_pte(bus, A), 0);
	bus_order(bus);
	bus_inval(bus, t.root);
	assert_int_equal(sim_bar1_read(bus->gpu, MIB(2), 4), 0xaaaa);
	bus_set_pde0(bus, &t, MIB(2), bus_pte(bus, B), 0);
	bus_poke(bus, A + PAGE, 0xa1);
	bus_order(bus);
	/* Also for a part of it that was not looked at */
	assert_int_equal(sim_bar1_read(bus->gpu, MIB(2) + PAGE, 4), 0xa1);
	bus_inval(bus, t.root);
	assert_int_equal(sim_bar1_read(bus->gpu, MIB(2), 4), 0xbbbb);
	bus_close(bus);
}

static void a_64k_page_ages_as_a_whole(void **state)
{
	uint64_t pt64 = MIB(3) + 0x100;
	struct bus *bus = *state;
	struct tables t;

	open_chip(bus, "gh100");
	t = bus_bring_up(bus);
	bus_vram_zero(bus, pt64, 0x100);
	bus_vram_wr(bus, pt64, bus_pte(bus, A));
	bus_set_pde0(bus, &t, MIB(2), bus_pde(bus, pt64), bus_pde(bus, t.pt));
	bus_poke(bus, A + PAGE, 0xa1);
	bus_poke(bus, B + PAGE, 0xb1);
	bus_order(bus);
	bus_inval(bus, t.root);
	assert_int_equal(sim_bar1_read(bus->gpu, MIB(2), 4), 0xaaaa);
	bus_vram_wr(bus, pt64, bus_pte(bus, B));
	bus_order(bus);
	assert_int_equal(sim_bar1_read(bus->gpu, MIB(2) + PAGE, 4), 0xa1);
	bus_inval(bus, t.root);
	assert_int_equal(sim_bar1_read(bus->gpu, MIB(2) + PAGE, 4), 0xb1);
	bus_close(bus);
}

static void an_invalidate_works_only_when_seen_complete(void **state)
{
	struct bus *bus = *state;
	struct sim_counters c;
	struct tables t;

	open_chip(bus, "ga102");	/* with invalidate_polls 2 */
	t = bus_bring_up(bus);
	bus_map(bus, &t, VA, bus_pte(bus, A));
	sim_bar1_read(bus->gpu, VA, 4);
	bus_set_pte(bus, &t, VA, bus_pte(bus, B));
	bus_order(bus);
	bus_inval_start(bus, t.root, INVAL_GO);
	assert_true(bus_rd(bus, R_INVAL) & INVAL_TRIGGER);
	assert_true(bus_rd(bus, R_INVAL) & INVAL_TRIGGER);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xaaaa);
	assert_false(bus_rd(bus, R_INVAL) & INVAL_TRIGGER);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xbbbb);
	sim_get_counters(bus->gpu, &c);
	assert_int_equal(c.invalidates, 2);
	bus_close(bus);
}

/* Data, that is; what a driver wrote and ordered before counts. */
static void what_is_stored_while_an_invalidate_runs_does_no_harm(void **state)
{
	struct bus *bus = *state;
	struct tables t;
	uint32_t level;

	for (level = 0; level < 3; level++) {
		open_chip(bus, level % 2 ? "gb202" : "tu102");
		t = bus_bring_up(bus);
		bus_map(bus, &t, VA, bus_pte(bus, A));
		assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xaaaa);
		bus_set_pte(bus, &t, VA, bus_pte(bus, B));
		bus_order(bus);
		bus_inval_start(bus, t.root, INVAL_GO | INVAL_LEVEL(level));
		sim_bar1_write(bus->gpu, VA + 8, 8, 1);
		bus_vram_wr(bus, A + PAGE, 2);
		bus_order(bus);
		/* Whoever does not wait still has the old page. */
		assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xaaaa);
		bus_inval_wait(bus);
		assert_int_equal(sim_tlb_stale(bus->gpu), 0);
		assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xbbbb);
		assert_int_equal(sim_driver_errors(bus->gpu), 0);
		bus_close(bus);
	}
}

static void a_reset_ends_an_invalidate_and_what_was_read_again_for_it(void **state)
{
	struct bus *bus = *state;
	struct tables t;

	open_chip(bus, "ga102");
	t = bus_bring_up(bus);
	bus_map(bus, &t, VA, bus_pte(bus, A));
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xaaaa);
	bus_inval_start(bus, t.root, INVAL_GO);
	bus_set_pte(bus, &t, VA, bus_pte(bus, B));
	bus_order(bus);
	sim_reset(bus->gpu);
	assert_false(bus_rd(bus, R_INVAL) & INVAL_TRIGGER);
	bus_bind(bus, t.inst);
	assert_int_equal(sim_tlb_stale(bus->gpu), 0);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xbbbb);
	bus_close(bus);
}

static void invalidates_nobody_can_mean_are_refused(void **state)
{
	static const uint32_t controls[] = {
		INVAL_TRIGGER | INVAL_HUB,		/* not ALL_VA */
		INVAL_GO | 1 << 3,			/* REPLAY */
		INVAL_GO | 1 << 21,			/* USE_PASID */
		INVAL_GO | 1 << 22,			/* USE_SIZE */
		INVAL_GO | 1 << 23,			/* PROP_FLUSH */
		INVAL_GO | 3 << 7,			/* ACK */
		INVAL_GO | 1 << 9,			/* CANCEL_CLIENT_ID */
		INVAL_GO | 1 << 30,			/* no such bit */
		INVAL_GO | INVAL_SCOPE(1),		/* no scope on Turing */
	};
	struct bus *bus = *state;
	struct sim_counters c;
	size_t i;

	open_chip(bus, "tu102");
	for (i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		bus_wr(bus, R_INVAL, controls[i]);
		assert_int_equal(bus_misuse(bus), i + 1);
		assert_false(bus_rd(bus, R_INVAL) & INVAL_TRIGGER);
	}
	sim_get_counters(bus->gpu, &c);
	assert_int_equal(c.invalidates, 0);
	bus_close(bus);
}

static void another_address_space_has_its_own_entries(void **state)
{
	struct bus *bus = *state;
	struct tables one, two;

	open_chip(bus, "ga102");
	one = bus_tables(bus, MIB(1));
	two = bus_tables(bus, MIB(2));
	bus_set_pte(bus, &one, VA, bus_pte(bus, A));
	bus_set_pte(bus, &two, VA, bus_pte(bus, B));
	bus_order(bus);
	bus_bind(bus, one.inst);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xaaaa);
	bus_bind(bus, two.inst);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xbbbb);
	/* Binding forgets nothing: back in the first one, the old entry is still there. */
	bus_bind(bus, one.inst);
	sim_bar1_read(bus->gpu, VA, 4);
	bus_set_pte(bus, &one, VA, 0);
	bus_order(bus);
	bus_bind(bus, two.inst);
	bus_bind(bus, one.inst);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), 0xaaaa);
	bus_close(bus);
}

static void more_address_spaces_than_it_can_tell_apart_do_not_mix(void **state)
{
	struct bus *bus = *state;
	struct tables t[20];
	size_t i, round;

	open_chip(bus, "gh100");
	for (i = 0; i < 20; i++) {
		t[i] = bus_tables(bus, MIB(16) + i * KIB(64));
		bus_set_pte(bus, &t[i], VA, bus_pte(bus, MIB(64) + i * PAGE));
		bus_poke(bus, MIB(64) + i * PAGE, i);
	}
	bus_order(bus);
	for (round = 0; round < 3; round++)
		for (i = 0; i < 20; i++) {
			bus_bind(bus, t[i].inst);
			assert_int_equal(sim_bar1_read(bus->gpu, VA, 4), i);
		}
	assert_int_equal(sim_driver_errors(bus->gpu), 0);
	assert_int_equal(sim_tlb_stale(bus->gpu), 0);
	bus_close(bus);
}

#define NR_SPACES	17	/* one more than it can tell apart */

/*
 * While an invalidate of the first one runs that the MMU has read again for, so many
 * address spaces are bound that the last one has its place.
 */
static void what_an_invalidate_leaves_is_not_of_an_address_space_that_came_since(void **state)
{
	static const uint64_t at[2] = { MIB(1), MIB(2) };
	size_t i, chip;

	(void)state;
	for (chip = 0; chip < 7; chip++) {
		struct sim_config cfg = {
			.chip = bus_chips[chip], .invalidate_polls = 50,
			.landing = SIM_LANDING_LATE,
		};
		struct tables t[2];
		struct bus bus;

		bus_open(&bus, &cfg);
		for (i = 0; i < 2; i++) {
			t[i] = bus_tables(&bus, at[i]);
			bus_set_pte(&bus, &t[i], VA, bus_pte(&bus, i ? B : A));
		}
		bus_order(&bus);
		bus_poke(&bus, A, 0xaaaa);
		bus_poke(&bus, B, 0xbbbb);
		for (i = 1; i < NR_SPACES - 1; i++)
			bus_poke(&bus, MIB(16) + i * PAGE + 0x200, (MIB(32) + i * PAGE) | 0xc00);
		bus_bind(&bus, t[0].inst);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);

		bus_inval_start(&bus, t[0].root, INVAL_GO);
		bus_poke(&bus, MIB(48), 1);
		for (i = 1; i < NR_SPACES - 1; i++)
			bus_bind(&bus, MIB(16) + i * PAGE);
		bus_bind(&bus, t[1].inst);
		assert_true(bus_rd(&bus, R_INVAL) & INVAL_TRIGGER);
		bus_inval_wait(&bus);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xbbbb);
		bus_assert_no_errors(&bus);
		bus_close(&bus);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stale_translation_survives_until_its_pdb_is_invalidated),
		cmocka_unit_test(a_scope_of_links_leaves_bar1_alone),
		cmocka_unit_test(the_upper_and_the_aperture_are_part_of_the_pdb),
		cmocka_unit_test(a_miss_is_remembered_too),
		cmocka_unit_test(an_invalid_pde_is_remembered_for_all_that_is_below),
		cmocka_unit_test(a_stale_pde_leads_to_the_old_table),
		cmocka_unit_test(each_level_is_dropped_by_its_own_number_and_above),
		cmocka_unit_test(a_2m_page_is_as_old_as_its_pde),
		cmocka_unit_test(a_64k_page_ages_as_a_whole),
		cmocka_unit_test(an_invalidate_works_only_when_seen_complete),
		cmocka_unit_test(what_is_stored_while_an_invalidate_runs_does_no_harm),
		cmocka_unit_test(a_reset_ends_an_invalidate_and_what_was_read_again_for_it),
		cmocka_unit_test(invalidates_nobody_can_mean_are_refused),
		cmocka_unit_test(another_address_space_has_its_own_entries),
		cmocka_unit_test(more_address_spaces_than_it_can_tell_apart_do_not_mix),
		cmocka_unit_test(
			what_an_invalidate_leaves_is_not_of_an_address_space_that_came_since),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
