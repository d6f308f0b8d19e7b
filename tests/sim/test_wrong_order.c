/* SPDX-License-Identifier: MIT */
/*
 * Drivers that count on an order, or on a moment, that the bus does not promise.
 * As in test_wrong_drivers.c the right one comes first, in the same run.
 */
#include "bus.h"

#define VA	0x5000ull
#define A	BUS_A	/* pages of VRAM */
#define B	BUS_B
#define PT	MIB(64)		/* where nobody has written: looks like entries */

#define R_UFLUSH	0x070000
#define R_XAL_FLUSH	0x10f800
#define R_XAL_DONE	0x10f804

static struct sim_counters counters(struct bus *bus)
{
	struct sim_counters c;

	sim_get_counters(bus->gpu, &c);
	return c;
}

/* --- time --------------------------------------------------------------------- */

static void look_elsewhere(struct bus *bus, unsigned int nr)
{
	while (nr--)
		bus_rd(bus, 0x0);
}

static void invalidates_and_looks_elsewhere(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);

	bus_map(bus, &t, VA, bus_pte(bus, A));
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0xaaaa);
	bus_set_pte(bus, &t, VA, bus_pte(bus, B));
	bus_order(bus);
	bus_inval_start(bus, t.root, INVAL_GO);
	look_elsewhere(bus, 1000);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0xbbbb);
	/* Also for the next one, without a look at this one. */
	bus_inval_start(bus, t.root, INVAL_GO);
	look_elsewhere(bus, 1000);
	bus_inval_start(bus, t.root, INVAL_GO);
	bus_assert_no_errors(bus);

	/* But not so soon. */
	bus_inval_start(bus, t.root, INVAL_GO);
	assert_int_equal(bus_misuse(bus), 1);
}

static void an_invalidate_that_nobody_polls_ends_by_itself(void **state)
{
	(void)state;
	bus_on_every_chip(2, invalidates_and_looks_elsewhere);
}

static void binds_and_looks_elsewhere(struct bus *bus)
{
	struct tables t = bus_tables(bus, MIB(1));

	bus_set_pte(bus, &t, VA, bus_pte(bus, A));
	bus_order(bus);
	bus_bind_start(bus, t.inst);
	look_elsewhere(bus, 1000);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0xaaaa);
	bus_bind_start(bus, t.inst);
	look_elsewhere(bus, 1000);
	bus_bind_start(bus, t.inst);
	bus_assert_no_errors(bus);
	bus_bind_start(bus, t.inst);
	assert_true(bus_misuse(bus) > 0);
}

static void a_bind_that_nobody_polls_ends_by_itself(void **state)
{
	(void)state;
	bus_on_every_chip(2, binds_and_looks_elsewhere);
}

static void never_ends(struct bus *bus)
{
	struct tables t = bus_tables(bus, MIB(1));

	bus_order(bus);
	bus_bind_start(bus, t.inst);
	bus_inval_start(bus, t.root, INVAL_GO);
	look_elsewhere(bus, 100000);
	assert_int_not_equal(bus_rd(bus, R_INVAL) & INVAL_TRIGGER, 0);
	assert_int_not_equal(bus_rd(bus, bus->hopper ? R_BIND_LOW : R_BIND_STATUS) & 3, 0);
}

static void what_never_ends_does_not_end_by_itself_either(void **state)
{
	(void)state;
	bus_on_every_chip(SIM_NEVER, never_ends);
}

static void the_boot_ends_though_nobody_looks(void **state)
{
	struct sim_config cfg = { .boot_polls = 20 };
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	sim_bar0_read(bus.gpu, R_PRAMIN, 4);
	assert_int_equal(bus_misuse(&bus), 1);	/* the boot is not complete */
	look_elsewhere(&bus, 1000);
	sim_bar0_read(bus.gpu, R_PRAMIN, 4);
	assert_int_equal(bus_misuse(&bus), 1);
	bus_close(&bus);
}

/* --- PRAMIN: writes land early, too --------------------------------------------- */

static uint32_t window_offset(struct bus *bus, uint64_t pa)
{
	bus_wr(bus, bus->hopper ? R_WINDOW_HOPPER : R_WINDOW, (uint32_t)(pa >> 16));
	return R_PRAMIN + (pa & 0xffff);
}

static void write_halves(struct bus *bus, uint64_t pa, uint64_t val, bool upper_first)
{
	uint32_t off = window_offset(bus, pa);

	sim_bar0_write(bus->gpu, off + (upper_first ? 4 : 0), 4,
		       upper_first ? val >> 32 : val & ~0u);
	/* Another CPU's access, at a moment when what was written has landed */
	sim_land(bus->gpu);
	sim_bar1_read(bus->gpu, VA, 8);
	sim_bar0_write(bus->gpu, off + (upper_first ? 0 : 4), 4,
		       upper_first ? val & ~0u : val >> 32);
	bus_order(bus);
}

/*
 * Of an address from 64 GiB on a part is in the upper half of its entry in either format,
 * and without that part it is another address.
 */
#define HIGH	(GIB(64) + 0xa000)

static void writes_the_valid_half_first(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);
	uint64_t slot = t.pt + VA / PAGE * 8;

	bus_poke(bus, HIGH, 0x6666);
	bus_poke(bus, HIGH - GIB(64), 0x3333);
	write_halves(bus, slot, bus_pte(bus, HIGH), true);
	assert_int_equal(bus_faults(bus), 1);	/* there is no entry yet */
	bus_inval(bus, t.root);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0x6666);
	assert_int_equal(sim_tlb_stale(bus->gpu), 0);
	assert_int_equal(bus_faults(bus), 1);

	bus_set_pte(bus, &t, VA, 0);
	bus_order(bus);
	bus_inval(bus, t.root);
	write_halves(bus, slot, bus_pte(bus, HIGH), false);
	/* The half-written entry led elsewhere, and stays in the TLB. */
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0x3333);
	assert_int_equal(sim_tlb_stale(bus->gpu), 1);
	bus_inval(bus, t.root);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0x6666);
	assert_int_equal(bus_faults(bus), 1);
}

static void a_driver_that_writes_the_valid_half_first_is_led_astray(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		struct sim_config cfg = {
			.chip = bus_chips[i], .vram_size = GIB(80), .landing = SIM_LANDING_LATE,
		};
		struct bus bus;

		bus_open(&bus, &cfg);
		writes_the_valid_half_first(&bus);
		bus_close(&bus);
	}
}

static void words_are_torn(struct bus *bus)
{
	uint32_t off = window_offset(bus, A);

	sim_bar0_write(bus->gpu, off, 8, 0x1111111122222222ull);
	bus_order(bus);
	assert_int_equal(bus_peek(bus, A), 0x1111111122222222ull);

	sim_bar0_write(bus->gpu, off, 8, 0x3333333344444444ull);
	sim_land_oldest(bus->gpu, 1);
	assert_int_equal(bus_peek(bus, A), 0x1111111144444444ull);
	sim_land_oldest(bus->gpu, 9);
	assert_int_equal(bus_peek(bus, A), 0x3333333344444444ull);
	bus_assert_no_errors(bus);
}

static void a_word_of_64_bits_in_pramin_is_two_writes(void **state)
{
	(void)state;
	bus_on_every_chip(0, words_are_torn);
}

static void links_before_it_clears(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);
	bool seen = false;
	uint64_t va;

	bus_vram_zero(bus, PT, PAGE);
	bus_set_pde0(bus, &t, MIB(2), 0, bus_pde(bus, PT));
	sim_land(bus->gpu);
	assert_int_equal(sim_bar1_read(bus->gpu, MIB(2), 4), 0xffffffff);
	assert_int_equal(bus_fault_type(bus), FAULT_PTE);
	bus_inval(bus, t.root);

	/* Linked, and then cleared */
	bus_set_pde0(bus, &t, MIB(4), 0, bus_pde(bus, PT + PAGE));
	sim_land(bus->gpu);
	for (va = MIB(4); va < MIB(6) && !seen; va += PAGE) {
		bus_fault_clear(bus);
		seen = sim_bar1_read(bus->gpu, va, 4) != 0xffffffff ||
		       bus_fault_type(bus) != FAULT_PTE;
	}
	assert_true(seen);
}

static void a_driver_that_links_a_table_before_it_is_clear_shows_what_was_there(void **state)
{
	(void)state;
	bus_on_every_chip(0, links_before_it_clears);
}

/* By chance, early, or late, and always in order: no later write is there without an earlier one. */
static void posted_writes_land_at_random_and_in_their_order(void **state)
{
	unsigned int early = 0, late = 0, torn = 0, i, j;
	struct sim_config cfg = { 0 };
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	for (i = 1; i <= 300; i++) {
		unsigned int landed = 0;

		window_offset(&bus, A);
		for (j = 0; j < 8; j++)
			sim_bar0_write(bus.gpu, R_PRAMIN + 8 * j, 8, i * 0x100000001ull);
		while (landed < 8 && bus_peek(&bus, A + 8 * landed) == i * 0x100000001ull)
			landed++;
		early += landed == 8;
		late += !landed;
		torn += landed < 8 && (uint32_t)bus_peek(&bus, A + 8 * landed) == i;
		for (j = landed + 1; j < 8; j++)
			assert_int_not_equal((uint32_t)bus_peek(&bus, A + 8 * j), i);
		bus_order(&bus);
		assert_int_equal(bus_peek(&bus, A + 56), i * 0x100000001ull);
	}
	assert_true(early > 0 && late > 0 && torn > 0);
	bus_close(&bus);
}

static void a_seed_makes_the_same_dice_fall_and_another_does_not(void **state)
{
	static const uint64_t seed[] = { 1, 1, 2 };
	uint64_t seen[3][64];
	unsigned int run, i;

	(void)state;
	for (run = 0; run < 3; run++) {
		struct sim_config cfg = { .seed = seed[run] };
		struct bus bus;

		bus_open(&bus, &cfg);
		window_offset(&bus, A);
		for (i = 0; i < 64; i++) {
			sim_bar0_write(bus.gpu, R_PRAMIN, 8, i);
			seen[run][i] = bus_peek(&bus, A);
		}
		bus_close(&bus);
	}
	assert_memory_equal(seen[0], seen[1], sizeof(seen[0]));
	assert_memory_not_equal(seen[0], seen[2], sizeof(seen[0]));
}

static void resets_with_writes_on_their_way(struct bus *bus)
{
	bus_vram_wr(bus, A, 0x1111);
	bus_order(bus);
	sim_reset(bus->gpu);
	assert_int_equal(bus_peek(bus, A), 0x1111);

	bus_vram_wr(bus, A, 0x2222);
	sim_bar1_write(bus->gpu, B, 8, 0x3333);
	sim_reset(bus->gpu);
	sim_land(bus->gpu);
	assert_int_equal(bus_peek(bus, A), 0x1111);
	assert_int_equal(bus_peek(bus, B), 0xbbbb);
	bus_assert_no_errors(bus);
}

static void a_reset_loses_what_was_posted_and_not_ordered(void **state)
{
	(void)state;
	bus_on_every_chip(0, resets_with_writes_on_their_way);
}

/* --- BAR1: writes are posted, merged and reordered ------------------------------- */

static void flush_by_register(struct bus *bus)
{
	uint32_t token;

	if (!bus->hopper) {
		bus_wr(bus, R_UFLUSH, 1);
		while (bus_rd(bus, R_UFLUSH) & 2)
			;
		return;
	}
	token = bus_rd(bus, R_XAL_FLUSH);
	while (bus_rd(bus, R_XAL_DONE) != token)
		;
}

static void looks_by_pramin_without_a_flush(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);

	bus_map(bus, &t, VA, bus_pte(bus, A));
	sim_bar1_write(bus->gpu, VA, 8, 0x1111);
	sim_bar1_read(bus->gpu, VA + 64, 4);
	assert_int_equal(bus_vram_rd(bus, A), 0x1111);
	if (strcmp(bus->chip, "gb100")) {	/* whose flush register is not modelled */
		sim_bar1_write(bus->gpu, VA, 8, 0x2222);
		flush_by_register(bus);
		assert_int_equal(bus_vram_rd(bus, A), 0x2222);
	}
	bus_vram_wr(bus, A, 0x2222);
	bus_order(bus);
	bus_assert_no_errors(bus);

	sim_bar1_write(bus->gpu, VA, 8, 0x3333);
	assert_int_equal(bus_vram_rd(bus, A), 0x2222);
	sim_bar1_drain(bus->gpu);		/* the CPU has nothing left, the GPU has */
	assert_int_equal(bus_vram_rd(bus, A), 0x2222);
	assert_int_equal(sim_bar1_read(bus->gpu, VA, 8), 0x3333);
	assert_int_equal(bus_vram_rd(bus, A), 0x3333);
}

static void a_driver_that_looks_by_pramin_without_a_flush_sees_the_old_data(void **state)
{
	(void)state;
	bus_on_every_chip(0, looks_by_pramin_without_a_flush);
}

/* Tables through BAR1 in physical mode, as some drivers make them before there are any. */
static void binds_tables_that_are_on_their_way(struct bus *bus, bool flush)
{
	struct tables t = bus_tables(bus, MIB(1));

	bus_order(bus);
	sim_bar1_write(bus->gpu, t.pt + VA / PAGE * 8, 8, bus_pte(bus, A));
	if (flush)
		sim_bar1_read(bus->gpu, t.pt, 4);
	bus_bind(bus, t.inst);
}

static void writes_tables_through_bar1(struct bus *bus)
{
	binds_tables_that_are_on_their_way(bus, true);
	assert_int_equal(sim_bar1_read(bus->gpu, VA + PAGE / 2, 8), bus_peek(bus, A + PAGE / 2));
	bus_assert_no_errors(bus);

	sim_reset(bus->gpu);
	binds_tables_that_are_on_their_way(bus, false);
	/* What the CPU writes next is translated before the entry is there. */
	sim_bar1_write(bus->gpu, VA, 4, 1);
	assert_int_equal(bus_fault_type(bus), FAULT_PTE);
	assert_int_equal(bus_faults(bus), 1);
}

static void a_driver_that_binds_tables_on_their_way_through_bar1_faults(void **state)
{
	(void)state;
	bus_on_every_chip(0, writes_tables_through_bar1);
}

static void unmaps_without_waiting_for_writes(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);
	unsigned int wrong;

	for (wrong = 0; wrong < 2; wrong++) {
		bus_map(bus, &t, VA, bus_pte(bus, A));
		sim_bar1_write(bus->gpu, VA, 8, 0x1111);
		bus_set_pte(bus, &t, VA, 0);
		bus_order(bus);
		if (wrong)
			bus_inval(bus, t.root);
		else
			bus_inval_ack(bus, t.root);
		bus_vram_wr(bus, A, 0x2222);	/* the next owner */
		bus_order(bus);
		sim_land(bus->gpu);
		assert_int_equal(bus_peek(bus, A), wrong ? 0x1111 : 0x2222);
		bus_assert_no_errors(bus);
	}
}

static void a_driver_that_unmaps_without_an_acknowledge_hurts_the_next_owner(void **state)
{
	(void)state;
	bus_on_every_chip(0, unmaps_without_waiting_for_writes);
}

/* Data, then a flag @apart bytes on; was the flag ever there without the data? */
static bool flag_without_data(uint64_t apart, bool drain)
{
	bool seen = false;
	unsigned int i;

	for (i = 1; i <= 200 && !seen; i++) {
		struct sim_config cfg = { .seed = i };
		struct bus bus;
		unsigned int looks;

		bus_open(&bus, &cfg);
		bus_poke(&bus, A, 0);
		bus_poke(&bus, A + apart, 0);
		sim_bar1_write(bus.gpu, A, 4, 1);
		if (drain)
			sim_bar1_drain(bus.gpu);
		sim_bar1_write(bus.gpu, A + apart, 4, 1);
		for (looks = 0; looks < 64; looks++) {
			seen |= (uint32_t)bus_peek(&bus, A + apart) &&
				!(uint32_t)bus_peek(&bus, A);
			bus_rd(&bus, 0);
		}
		bus_close(&bus);
	}
	return seen;
}

static void a_driver_that_does_not_drain_has_its_flag_seen_before_its_data(void **state)
{
	(void)state;
	assert_false(flag_without_data(64, true));
	assert_true(flag_without_data(64, false));
	/* A CPU need not send a line in one. */
	assert_false(flag_without_data(8, true));
	assert_true(flag_without_data(8, false));
}

static void writes_to_one_place_keep_their_order(void **state)
{
	struct sim_config cfg = { .seed = 3 };
	uint32_t last = 0, i;
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	bus_poke(&bus, A, 0);
	for (i = 1; i <= 2000; i++) {
		uint32_t now;

		sim_bar1_write(bus.gpu, A, 4, i);
		sim_bar1_write(bus.gpu, A + (i % 2 ? 8 : 64) * (i % 80 + 1), 4, i);
		now = bus_peek(&bus, A);
		assert_in_range(now, last, i);
		last = now;
	}
	assert_in_range(last, 1, 2000);
	sim_land(bus.gpu);
	assert_int_equal((uint32_t)bus_peek(&bus, A), 2000);
	bus_close(&bus);
}

/* Bytes of any length at any place, against an array. */
static void blocks_arrive_whole_however_they_lie(void **state)
{
	static uint8_t want[8 * PAGE], got[8 * PAGE], from[8 * PAGE];
	uint32_t dice = 12345, i, j;
	struct sim_config cfg = { 0 };
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	assert_true(sim_vram_peek(bus.gpu, A, want, sizeof(want)));
	for (i = 0; i < 400; i++) {
		uint32_t at, len;

		dice = dice * 1664525 + 1013904223;
		at = dice / 7 % sizeof(want);
		len = dice / 3 % (i % 4 ? 200 : sizeof(want)) + 1;
		if (len > sizeof(want) - at)
			len = sizeof(want) - at;
		for (j = 0; j < len; j++)
			from[j] = want[at + j] = (uint8_t)(dice >> 8 ^ j * 7);
		if (i % 3)
			sim_bar1_copy_to(bus.gpu, A + at, from, len);
		else
			for (j = 0; j < len; j++)
				sim_bar1_write(bus.gpu, A + at + j, 1, from[j]);
		if (i % 50 == 49) {
			sim_bar1_copy_from(bus.gpu, got, A, sizeof(got));
			assert_memory_equal(got, want, sizeof(want));
		}
	}
	bus_close(&bus);
}

static void uses_a_pointer_while_a_bind_is_pending(struct bus *bus)
{
	struct tables t = bus_tables(bus, MIB(1));
	volatile uint64_t *p;
	void *cpu;

	bus_order(bus);
	assert_int_equal(sim_bar1_mmap(bus->gpu, A, PAGE, true, &cpu), 0);
	p = cpu;
	p[0] = 0x7777;
	assert_int_equal(bus_peek(bus, A), 0x7777);
	bus_assert_no_errors(bus);

	bus_bind_start(bus, t.inst);
	assert_true(p[0] == ~0ull);
	p[0] = 0x8888;
	assert_int_equal(bus_peek(bus, A), 0x7777);
	sim_bar1_munmap(bus->gpu, cpu, PAGE);
	bus_bind_wait(bus);
	assert_int_equal(bus_peek(bus, A), 0x7777);
}

static void a_driver_that_uses_a_pointer_while_a_bind_is_pending_reaches_nothing(void **state)
{
	(void)state;
	bus_on_every_chip(4, uses_a_pointer_while_a_bind_is_pending);
}

/* --- other CPUs ------------------------------------------------------------------ */

struct visitor {
	struct bus *bus;
	unsigned int visits;
	bool half;
};

static void visit(void *arg)
{
	struct visitor *v = arg;
	uint32_t word[2];

	v->visits++;
	sim_land(v->bus->gpu);
	assert_true(sim_vram_peek(v->bus->gpu, A, word, sizeof(word)));
	v->half |= word[0] != word[1];
	sim_bar0_read(v->bus->gpu, 0, 4);	/* calls nobody */
}

static void other_accesses_come_between_the_halves_of_a_word(void **state)
{
	uint64_t words[2] = { 0x2222222222222222ull, 0 };
	struct visitor v = { 0 };
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	v.bus = &bus;
	bus_poke(&bus, A, 0x1111111111111111ull);
	window_offset(&bus, A);
	sim_on_access(bus.gpu, visit, &v);
	sim_bar0_write(bus.gpu, R_PRAMIN, 8, 0x3333333333333333ull);
	assert_int_equal(v.visits, 2);
	assert_true(v.half);
	v.half = false;
	sim_bar0_write_words(bus.gpu, R_PRAMIN, words, 2);
	assert_int_equal(v.visits, 6);
	assert_true(v.half);
	sim_bar0_read(bus.gpu, R_PRAMIN, 8);
	sim_bar1_read(bus.gpu, A, 8);
	assert_int_equal(v.visits, 9);
	sim_on_access(bus.gpu, NULL, NULL);
	bus_rd(&bus, 0);
	assert_int_equal(v.visits, 9);
	bus_close(&bus);
}

/* --- what a bus carries ------------------------------------------------------------ */

#define LINE	64

static uint64_t transactions(struct bus *bus)
{
	return counters(bus).transactions;
}

static void transactions_are_counted_as_a_bus_carries_them(void **state)
{
	uint8_t block[4 * LINE] = { 0 };
	uint64_t words[4] = { 0 }, before;
	struct bus bus;
	unsigned int i;

	(void)state;
	bus_open_chip(&bus, "ga102");

	/* BAR0 is uncached */
	before = transactions(&bus);
	bus_wr(&bus, R_WINDOW, 0);
	assert_int_equal(transactions(&bus), before + 1);
	sim_bar0_write(bus.gpu, R_PRAMIN, 8, 0);
	assert_int_equal(transactions(&bus), before + 3);
	sim_bar0_write_words(bus.gpu, R_PRAMIN, words, 4);
	assert_int_equal(transactions(&bus), before + 11);

	/* A line of BAR1 in ascending order is one, in descending order eight. */
	before = transactions(&bus);
	for (i = 0; i < LINE; i += 8)
		sim_bar1_write(bus.gpu, A + i, 8, i);
	sim_bar1_drain(bus.gpu);
	assert_int_equal(transactions(&bus), before + 1);
	for (i = LINE; i; i -= 8)
		sim_bar1_write(bus.gpu, A + i - 8, 8, i);
	sim_bar1_drain(bus.gpu);
	assert_int_equal(transactions(&bus), before + 9);

	/* Bytes of one aligned word are one; a drain, a read or BAR0 ends the line. */
	before = transactions(&bus);
	for (i = 0; i < 4; i++)
		sim_bar1_write(bus.gpu, A + i, 1, i);
	sim_bar1_read(bus.gpu, A, 4);
	assert_int_equal(transactions(&bus), before + 1);
	for (i = 0; i < 4; i++) {
		sim_bar1_write(bus.gpu, A + i, 1, i);
		bus_rd(&bus, 0);
	}
	assert_int_equal(transactions(&bus), before + 5);

	/* One line is open at a time: half lines of two in turn are words. */
	before = transactions(&bus);
	for (i = 0; i < LINE; i += 32) {
		sim_bar1_copy_to(bus.gpu, A + i, block, 32);
		sim_bar1_copy_to(bus.gpu, A + LINE + i, block, 32);
	}
	sim_bar1_drain(bus.gpu);
	assert_int_equal(transactions(&bus), before + 16);

	/* Three lines and what hangs over at both ends: 4 bytes, 12 bytes */
	before = transactions(&bus);
	sim_bar1_copy_to(bus.gpu, A - 4, block, 4 + 3 * LINE + 12);
	sim_bar1_drain(bus.gpu);
	assert_int_equal(transactions(&bus), before + 1 + 3 + 2);
	before = transactions(&bus);
	sim_bar1_fill(bus.gpu, A, 0, MIB(1));
	sim_bar1_drain(bus.gpu);
	assert_int_equal(transactions(&bus), before + MIB(1) / LINE);
	bus_assert_no_errors(&bus);
	bus_close(&bus);
}

/* When a write lands is no matter of the bus. */
static void counts_do_not_depend_on_when_writes_land(void **state)
{
	static const enum sim_landing landing[] = {
		SIM_LANDING_LATE, SIM_LANDING_RANDOM, SIM_LANDING_AT_ONCE,
	};
	struct sim_counters c[3];
	unsigned int run, i;

	(void)state;
	for (run = 0; run < 3; run++) {
		struct sim_config cfg = { .landing = landing[run], .seed = run + 1 };
		uint64_t words[70] = { 0 };
		struct bus bus;
		struct tables t;

		bus_open(&bus, &cfg);
		t = bus_bring_up(&bus);
		for (i = 0; i < 20; i++) {
			bus_map(&bus, &t, VA, bus_pte(&bus, A));
			sim_bar1_write(bus.gpu, VA + 8 * i, 8, i);
			sim_bar1_copy_to(bus.gpu, VA + i, words, sizeof(words));
			sim_bar1_drain(bus.gpu);
			window_offset(&bus, B);
			sim_bar0_write_words(bus.gpu, R_PRAMIN, words, 70);
			bus_order(&bus);
		}
		c[run] = counters(&bus);
		bus_close(&bus);
	}
	assert_true(c[0].transactions > 20 * 140);
	assert_memory_equal(&c[0], &c[1], sizeof(c[0]));
	assert_memory_equal(&c[0], &c[2], sizeof(c[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_invalidate_that_nobody_polls_ends_by_itself),
		cmocka_unit_test(a_bind_that_nobody_polls_ends_by_itself),
		cmocka_unit_test(what_never_ends_does_not_end_by_itself_either),
		cmocka_unit_test(the_boot_ends_though_nobody_looks),
		cmocka_unit_test(a_driver_that_writes_the_valid_half_first_is_led_astray),
		cmocka_unit_test(a_word_of_64_bits_in_pramin_is_two_writes),
		cmocka_unit_test(
			a_driver_that_links_a_table_before_it_is_clear_shows_what_was_there),
		cmocka_unit_test(posted_writes_land_at_random_and_in_their_order),
		cmocka_unit_test(a_seed_makes_the_same_dice_fall_and_another_does_not),
		cmocka_unit_test(a_reset_loses_what_was_posted_and_not_ordered),
		cmocka_unit_test(a_driver_that_looks_by_pramin_without_a_flush_sees_the_old_data),
		cmocka_unit_test(a_driver_that_binds_tables_on_their_way_through_bar1_faults),
		cmocka_unit_test(a_driver_that_unmaps_without_an_acknowledge_hurts_the_next_owner),
		cmocka_unit_test(a_driver_that_does_not_drain_has_its_flag_seen_before_its_data),
		cmocka_unit_test(writes_to_one_place_keep_their_order),
		cmocka_unit_test(blocks_arrive_whole_however_they_lie),
		cmocka_unit_test(
			a_driver_that_uses_a_pointer_while_a_bind_is_pending_reaches_nothing),
		cmocka_unit_test(other_accesses_come_between_the_halves_of_a_word),
		cmocka_unit_test(transactions_are_counted_as_a_bus_carries_them),
		cmocka_unit_test(counts_do_not_depend_on_when_writes_land),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
