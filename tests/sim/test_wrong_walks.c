/* SPDX-License-Identifier: MIT */
/*
 * Drivers with one mistake each in what the MMU reads and remembers, in the
 * manner of test_wrong_drivers.c: the right one comes first and counts no
 * error, then the wrong one.  All for every chip.
 */
#include "bus.h"

#define VA	0x4000ull	/* the first of the four entries of a line of 32 bytes */
#define POLLS	4	/* of a bind or an invalidate */
#define A	BUS_A
#define B	BUS_B
#define BIG	0x1000000ull	/* of the size of every leaf that is tried */

static void assert_reads(struct bus *bus, uint64_t va, uint64_t want)
{
	assert_int_equal(sim_bar1_read(bus->gpu, va, 8), want);
}

static void assert_faults(struct bus *bus, uint64_t va, unsigned int type)
{
	uint64_t before = bus_faults(bus);

	assert_reads(bus, va, ~0ull);
	assert_int_equal(bus_faults(bus), before + 1);
	assert_int_equal(bus_fault_type(bus), type);
	bus_fault_clear(bus);
}

/* --- lines of 32 bytes ------------------------------------------------------- */

static void maps_beside_a_page_in_use(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);
	uint64_t i;

	bus_map(bus, &t, VA, bus_pte(bus, A));
	assert_reads(bus, VA, 0xaaaa);
	bus_map(bus, &t, VA + PAGE, bus_pte(bus, B));
	assert_reads(bus, VA + PAGE, 0xbbbb);
	assert_reads(bus, VA, 0xaaaa);
	bus_assert_no_errors(bus);

	/* Nobody touched these pages before. */
	for (i = 2; i <= 4; i++)
		bus_set_pte(bus, &t, VA + i * PAGE, bus_pte(bus, B));
	bus_order(bus);
	assert_int_equal(sim_tlb_stale(bus->gpu), 2);
	assert_faults(bus, VA + 2 * PAGE, FAULT_PTE);
	assert_faults(bus, VA + 3 * PAGE, FAULT_PTE);
	/* This one's entry is in the next line. */
	assert_reads(bus, VA + 4 * PAGE, 0xbbbb);
}

static void a_driver_that_maps_beside_a_page_in_use_without_an_invalidate_faults(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, maps_beside_a_page_in_use);
}

/* A table of 64 KiB leaves, clear, in the slot of VA 0 */
static uint64_t add_64k_table(struct bus *bus, const struct tables *t)
{
	uint64_t table = MIB(1) + KIB(48);	/* bus_tables() zeroed it */

	bus_set_pde0(bus, t, 0, bus_pde(bus, table), bus_pde(bus, t->pt));
	bus_order(bus);
	bus_inval(bus, t->root);
	return table;
}

static void maps_64k_beside_a_page_in_use(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);
	uint64_t table = add_64k_table(bus, &t), i;

	bus_vram_wr(bus, table, bus_pte(bus, A));
	bus_order(bus);
	bus_inval(bus, t.root);
	assert_reads(bus, 0, 0xaaaa);
	bus_assert_no_errors(bus);

	for (i = 1; i <= 4; i++)
		bus_vram_wr(bus, table + 8 * i, bus_pte(bus, B));
	bus_order(bus);
	for (i = 1; i < 4; i++)
		assert_faults(bus, KIB(64) * i, FAULT_PTE);
	assert_reads(bus, KIB(64) * 4, 0xbbbb);
	bus_inval(bus, t.root);
	assert_reads(bus, KIB(64), 0xbbbb);
}

static void a_driver_that_maps_64k_without_an_invalidate_faults(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, maps_64k_beside_a_page_in_use);
}

static void links_beside_a_table_in_use(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);

	bus_map(bus, &t, VA, bus_pte(bus, A));
	assert_reads(bus, VA, 0xaaaa);
	bus_set_pde0(bus, &t, MIB(2), 0, bus_pde(bus, t.pt));
	bus_order(bus);
	bus_inval(bus, t.root);
	assert_reads(bus, MIB(2) + VA, 0xaaaa);
	bus_assert_no_errors(bus);

	/* Two dual entries are a line. */
	assert_faults(bus, MIB(4) + VA, FAULT_PDE);
	bus_set_pde0(bus, &t, MIB(6), 0, bus_pde(bus, t.pt));
	bus_set_pde0(bus, &t, MIB(8), 0, bus_pde(bus, t.pt));
	bus_order(bus);
	assert_faults(bus, MIB(6) + VA, FAULT_PDE);
	assert_reads(bus, MIB(8) + VA, 0xaaaa);
}

static void a_driver_that_links_a_table_without_an_invalidate_faults(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, links_beside_a_table_in_use);
}

static void links_a_directory_beside_one_in_use(struct bus *bus)
{
	struct sim_config cfg = { .chip = bus->chip, .vram_size = MIB(512), .bar1_size = GIB(4),
				  .bind_polls = 4, .invalidate_polls = 2 };
	struct tables t;
	struct bus wide;
	uint64_t i;

	bus_open(&wide, &cfg);
	bus_poke(&wide, A, 0xaaaa);
	t = bus_bring_up(&wide);
	bus_map(&wide, &t, VA, bus_pte(&wide, A));
	assert_reads(&wide, VA, 0xaaaa);
	bus_assert_no_errors(&wide);

	for (i = 1; i <= 4; i++)
		bus_vram_wr(&wide, t.pde1 + 8 * i, bus_pde(&wide, t.pde0));
	bus_order(&wide);
	for (i = 1; i < 4; i++)
		assert_faults(&wide, MIB(512) * i + VA, FAULT_PDE);
	assert_reads(&wide, MIB(512) * 4 + VA, 0xaaaa);
	bus_close(&wide);
}

static void a_driver_that_links_a_directory_without_an_invalidate_faults(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, links_a_directory_beside_one_in_use);
}

/* --- what an invalidate covers ----------------------------------------------- */

/* B in the place of A, which was looked at; ordered first, or while the invalidate runs. */
static void remap(struct bus *bus, const struct tables *t, bool order_first)
{
	bus_map(bus, t, VA, bus_pte(bus, A));
	assert_reads(bus, VA, 0xaaaa);
	bus_set_pte(bus, t, VA, bus_pte(bus, B));
	if (order_first)
		bus_order(bus);
	bus_inval_start(bus, t->root, INVAL_GO);
	bus_order(bus);
	bus_inval_wait(bus);
}

static void orders_after_the_trigger(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);

	remap(bus, &t, true);
	assert_reads(bus, VA, 0xbbbb);
	assert_int_equal(sim_tlb_stale(bus->gpu), 0);
	bus_assert_no_errors(bus);

	remap(bus, &t, false);
	assert_reads(bus, VA, 0xaaaa);
	assert_int_equal(sim_tlb_stale(bus->gpu), 1);
	bus_inval(bus, t.root);
	assert_reads(bus, VA, 0xbbbb);
}

static void a_driver_that_orders_after_the_trigger_reads_the_old_page(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, orders_after_the_trigger);
}

/* Unmap; a next owner has A. */
static void clears_while_an_invalidate_runs(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);

	bus_map(bus, &t, VA, bus_pte(bus, A));
	assert_reads(bus, VA, 0xaaaa);
	bus_set_pte(bus, &t, VA, 0);
	bus_order(bus);
	bus_inval(bus, t.root);
	bus_vram_wr(bus, A, 0x2222);
	bus_assert_no_errors(bus);
	sim_bar1_write(bus->gpu, VA, 8, 0x1111);
	assert_int_equal(bus_vram_rd(bus, A), 0x2222);
	bus_fault_clear(bus);

	bus_map(bus, &t, VA, bus_pte(bus, A));
	assert_reads(bus, VA, 0x2222);
	bus_inval_start(bus, t.root, INVAL_GO);
	bus_set_pte(bus, &t, VA, 0);
	bus_order(bus);
	bus_inval_wait(bus);
	sim_bar1_write(bus->gpu, VA, 8, 0x1111);
	sim_land(bus->gpu);
	assert_int_equal(bus_vram_rd(bus, A), 0x1111);
}

static void a_driver_that_unmaps_while_an_invalidate_runs_corrupts_vram(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, clears_while_an_invalidate_runs);
}

static void links_while_an_invalidate_runs(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);

	bus_map(bus, &t, VA, bus_pte(bus, A));
	assert_reads(bus, VA, 0xaaaa);
	bus_set_pde0(bus, &t, MIB(2), 0, bus_pde(bus, t.pt));
	bus_order(bus);
	bus_inval(bus, t.root);
	assert_reads(bus, MIB(2) + VA, 0xaaaa);
	bus_assert_no_errors(bus);

	assert_faults(bus, MIB(4), FAULT_PDE);
	bus_inval_start(bus, t.root, INVAL_GO);
	bus_set_pde0(bus, &t, MIB(4), 0, bus_pde(bus, t.pt));
	bus_order(bus);
	bus_inval_wait(bus);
	/* Nobody looked at this page, only at one that the same entry leads to. */
	assert_faults(bus, MIB(4) + VA, FAULT_PDE);
}

static void a_driver_that_links_a_table_while_an_invalidate_runs_faults(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, links_while_an_invalidate_runs);
}

/* The leaf table is itself a page of BAR1: an entry is written there, not through PRAMIN. */
static void remap_by_bar1(struct bus *bus, const struct tables *t, bool write_first)
{
	uint64_t table = VA + KIB(64), entry = table + VA / PAGE * 8;

	bus_set_pte(bus, t, table, bus_pte(bus, t->pt));
	bus_map(bus, t, VA, bus_pte(bus, A));
	assert_reads(bus, VA, 0xaaaa);
	if (write_first)
		sim_bar1_write(bus->gpu, entry, 8, bus_pte(bus, B));
	sim_bar1_read(bus->gpu, entry, 8);
	bus_inval_start(bus, t->root, INVAL_GO);
	if (!write_first)
		sim_bar1_write(bus->gpu, entry, 8, bus_pte(bus, B));
	sim_bar1_read(bus->gpu, entry, 8);
	bus_inval_wait(bus);
}

static void writes_entries_by_bar1(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);

	remap_by_bar1(bus, &t, true);
	assert_reads(bus, VA, 0xbbbb);
	bus_assert_no_errors(bus);

	remap_by_bar1(bus, &t, false);
	assert_reads(bus, VA, 0xaaaa);
	assert_int_equal(sim_tlb_stale(bus->gpu), 1);
}

static void a_driver_that_writes_entries_by_bar1_after_the_trigger_reads_the_old_page(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, writes_entries_by_bar1);
}

/* --- from 4 KiB pages to a page of 64 KiB ------------------------------------- */

/* What the right driver writes before the new entry: in the leaf table, and above it */
struct farewell {
	bool clears_4k;
	bool forbids_4k;
	bool invalidates;
};

/* A 64 KiB page in the place of a 4 KiB one that is in use. */
static void hand_over(struct bus *bus, const struct farewell *f)
{
	uint64_t no_4k = bus->hopper ? 0x18 : 0x20;	/* "no valid 4K page" */
	struct tables t = bus_bring_up(bus);
	uint64_t table = add_64k_table(bus, &t);

	bus_map(bus, &t, VA, bus_pte(bus, A));
	assert_reads(bus, VA, 0xaaaa);
	if (f->clears_4k)
		bus_set_pte(bus, &t, VA, 0);
	if (f->forbids_4k)
		bus_vram_wr(bus, table, no_4k);
	bus_order(bus);
	if (f->invalidates)
		bus_inval(bus, t.root);
	/* Else it still is in use. */
	if (!f->clears_4k && !f->forbids_4k)
		assert_reads(bus, VA, 0xaaaa);
	bus_vram_wr(bus, table, bus_pte(bus, BIG));
	bus_order(bus);
	bus_inval(bus, t.root);
	assert_reads(bus, VA, 0x64);
	assert_reads(bus, VA + PAGE, 0x65);
}

static void hands_over_in_one_step(struct bus *bus)
{
	static const struct farewell right[] = {
		{ .clears_4k = true, .invalidates = true },
		{ .forbids_4k = true, .invalidates = true },
		{ .clears_4k = true, .forbids_4k = true, .invalidates = true },
	}, wrong[] = {
		{ 0 }, { .clears_4k = true }, { .forbids_4k = true }, { .invalidates = true },
	};
	size_t i;

	bus_poke(bus, BIG + VA, 0x64);
	bus_poke(bus, BIG + VA + PAGE, 0x65);
	for (i = 0; i < 3; i++) {
		hand_over(bus, &right[i]);
		bus_assert_no_errors(bus);
	}
	for (i = 0; i < 4; i++) {
		sim_reset(bus->gpu);
		hand_over(bus, &wrong[i]);
		assert_int_equal(bus_misuse(bus), 1);
		assert_int_equal(sim_driver_errors(bus->gpu), 1);
	}
}

/* Nor is it invalidated after that: the MMU meets the entry while it holds the others. */
static void hands_over_without_an_invalidate(struct bus *bus)
{
	uint64_t far_table = MIB(1) + KIB(52);
	struct tables t = bus_bring_up(bus);
	uint64_t table = add_64k_table(bus, &t);

	bus_set_pde0(bus, &t, MIB(64), bus_pde(bus, far_table), 0);
	bus_vram_wr(bus, far_table, bus_pte(bus, B));
	bus_poke(bus, BIG + VA + KIB(32), 0x68);
	bus_map(bus, &t, VA, bus_pte(bus, A));
	assert_reads(bus, VA, 0xaaaa);
	/* The model's cache has one place for the 64 KiB entries of these two. */
	assert_reads(bus, MIB(64), 0xbbbb);
	bus_assert_no_errors(bus);

	bus_vram_wr(bus, table, bus_pte(bus, BIG));
	bus_order(bus);
	assert_reads(bus, VA + KIB(32), 0x68);
	assert_int_equal(bus_misuse(bus), 1);
	assert_reads(bus, VA, 0xaaaa);
}

static void a_64k_page_that_the_mmu_meets_above_4k_pages_is_counted(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, hands_over_without_an_invalidate);
}

static void a_driver_that_goes_from_4k_pages_to_64k_in_one_step_is_counted(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, hands_over_in_one_step);
}

/* --- what is forgotten at random ---------------------------------------------- */

#define EVICT	64

/* Accesses to a page until one faults; the others read what is in A. */
static unsigned int accesses_served(struct bus *bus, unsigned int max)
{
	unsigned int nr;

	for (nr = 0; nr < max && sim_bar1_read(bus->gpu, VA, 8) == 0xaaaa; nr++)
		;
	return nr;
}

/* @served: accesses that the dead mapping still took */
static void uses_a_page_after_unmapping(const char *chip, uint64_t seed, unsigned int *served)
{
	struct sim_config cfg = {
		.chip = chip, .bind_polls = 4, .invalidate_polls = 2, .evict = EVICT, .seed = seed,
	};
	struct tables t;
	struct bus bus;

	bus_open(&bus, &cfg);
	bus_poke(&bus, A, 0xaaaa);
	t = bus_bring_up(&bus);
	bus_map(&bus, &t, VA, bus_pte(&bus, A));
	assert_int_equal(accesses_served(&bus, 10 * EVICT), 10 * EVICT);
	bus_assert_no_errors(&bus);

	bus_set_pte(&bus, &t, VA, 0);
	bus_order(&bus);
	*served = accesses_served(&bus, 2 * EVICT);
	/* At some time; that it comes at once, or late, is no promise. */
	assert_true(*served < 2 * EVICT);
	assert_int_equal(bus_fault_type(&bus), FAULT_PTE);
	bus_close(&bus);
}

static void a_driver_that_uses_a_page_after_unmapping_it_faults_at_some_time(void **state)
{
	unsigned int served, again, min = ~0u, max = 0;
	uint64_t seed;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bus_chips) / sizeof(bus_chips[0]); i++)
		for (seed = 0; seed < 8; seed++) {
			uses_a_page_after_unmapping(bus_chips[i], seed, &served);
			uses_a_page_after_unmapping(bus_chips[i], seed, &again);
			assert_int_equal(served, again);
			min = served < min ? served : min;
			max = served > max ? served : max;
		}
	/* Stale use is not made impossible, and seeds differ. */
	assert_true(min < max && max > EVICT / 2);
}

/* --- entries that lead somewhere, and are wrong -------------------------------- */

#define SLOT	MIB(2)		/* VA of the entries that are tried */

/*
 * Write an entry and read @va through it, twice: it is walked once.  Return: how many
 * errors that counts, none of them a fault.
 */
static uint64_t try_entry(struct bus *bus, const struct tables *t, uint64_t entry, uint64_t word,
			  uint64_t va, uint64_t want)
{
	uint64_t before = sim_driver_errors(bus->gpu);

	bus_vram_wr(bus, entry, word);
	bus_order(bus);
	bus_inval(bus, t->root);
	assert_reads(bus, va, want);
	assert_reads(bus, va, want);
	assert_int_equal(sim_driver_errors(bus->gpu) - before, bus_misuse(bus) - before);
	return sim_driver_errors(bus->gpu) - before;
}

/* Address bits of a large page, as they stand in an entry */
static uint64_t addr_bits(const struct bus *bus, uint64_t pa)
{
	return bus->hopper ? pa : pa >> 4;
}

static bool has_512m(const struct bus *bus)
{
	return strcmp(bus->chip, "tu102") != 0;
}

static void misaligns_leaves(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);
	uint64_t table = add_64k_table(bus, &t), bit;

	bus_poke(bus, BIG, 0xb16);
	bus_poke(bus, 0, 0xb00);
	assert_int_equal(try_entry(bus, &t, table, bus_pte(bus, BIG), 0, 0xb16), 0);
	assert_int_equal(try_entry(bus, &t, t.pde0 + 16, bus_pte(bus, BIG), SLOT, 0xb16), 0);
	bus_assert_no_errors(bus);
	for (bit = KIB(4); bit < KIB(64); bit <<= 1)
		assert_int_equal(try_entry(bus, &t, table, bus_pte(bus, BIG) | addr_bits(bus, bit),
					   0, 0xb16), 1);
	for (bit = KIB(4); bit < MIB(2); bit <<= 1)
		assert_int_equal(try_entry(bus, &t, t.pde0 + 16,
					   bus_pte(bus, BIG) | addr_bits(bus, bit), SLOT, 0xb16),
				 1);
	/* With 512 MiB pages the whole aperture is one; it is the last that is tried. */
	if (!has_512m(bus))
		return;
	assert_int_equal(try_entry(bus, &t, t.pde1, bus_pte(bus, 0), 0, 0xb00), 0);
	for (bit = KIB(4); bit < MIB(512); bit <<= 1)
		assert_int_equal(try_entry(bus, &t, t.pde1, bus_pte(bus, bit), 0, 0xb00), 1);
}

static void a_driver_that_misaligns_a_large_page_is_counted(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, misaligns_leaves);
}

/* Bits that the manuals give to no field of such an entry in video memory */
static uint64_t reserved_in_pte(const struct bus *bus)
{
	return bus->hopper ? 0xfff0000000000000 : 0xe00000010;
}

static uint64_t reserved_in_pde(const struct bus *bus)
{
	return bus->hopper ? 0xfff0000000000fc0 : 0xfffffffe000000d0;
}

static uint64_t reserved_in_big_half(const struct bus *bus)
{
	return bus->hopper ? 0xfff00000000000c0 : 0xfffffffe00000000;
}

/* Each of the bits @reserved by itself in @word */
static void try_bits(struct bus *bus, const struct tables *t, uint64_t entry, uint64_t word,
		     uint64_t reserved, uint64_t va)
{
	unsigned int bit;

	assert_int_equal(try_entry(bus, t, entry, word, va, 0xaaaa), 0);
	bus_assert_no_errors(bus);
	for (bit = 0; bit < 64; bit++)
		if (reserved >> bit & 1)
			assert_int_equal(try_entry(bus, t, entry, word | 1ull << bit, va, 0xaaaa),
					 1);
	assert_int_equal(try_entry(bus, t, entry, word, va, 0xaaaa), 0);
	sim_reset(bus->gpu);
	bus_bind(bus, t->inst);
}

static void sets_reserved_bits(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);
	uint64_t table = add_64k_table(bus, &t);

	bus_map(bus, &t, VA, bus_pte(bus, A));
	bus_vram_wr(bus, table + 8 * 16, bus_pte(bus, A));
	try_bits(bus, &t, t.pt + VA / PAGE * 8, bus_pte(bus, A), reserved_in_pte(bus), VA);
	try_bits(bus, &t, table + 8 * 16, bus_pte(bus, A), reserved_in_pte(bus), MIB(1));
	try_bits(bus, &t, t.pde0 + 16, bus_pte(bus, A), reserved_in_pte(bus), SLOT);
	try_bits(bus, &t, t.pde0 + 8, bus_pde(bus, t.pt), reserved_in_pde(bus), VA);
	try_bits(bus, &t, t.pde0, bus_pde(bus, table), reserved_in_big_half(bus), MIB(1));
	try_bits(bus, &t, t.pde1, bus_pde(bus, t.pde0), reserved_in_pde(bus), VA);
}

static void a_driver_that_sets_reserved_bits_is_counted(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, sets_reserved_bits);
}

static void assert_unconfirmed(struct bus *bus)
{
	char text[160];

	sim_last_error(bus->gpu, text, sizeof(text));
	assert_non_null(strstr(text, "[unconfirmed]"));
}

static void shows_what_is_not_for_the_cpu(struct bus *bus)
{
	struct tables t = bus_bring_up(bus);
	uint64_t entry = t.pt + VA / PAGE * 8, kind, word;
	uint64_t priv = bus->hopper ? 1 << 4 : 1 << 5, tag = 1ull << 36;

	for (kind = 0; kind < 7; kind++) {
		word = bus_pte_kind(bus, A, kind);
		assert_int_equal(try_entry(bus, &t, entry, word, VA, 0xaaaa), 0);
	}
	bus_assert_no_errors(bus);
	assert_int_equal(try_entry(bus, &t, entry, bus_pte(bus, A) | priv, VA, 0xaaaa), 1);
	assert_unconfirmed(bus);
	for (kind = 8; kind < 15; kind++) {
		word = bus_pte_kind(bus, A, kind);
		assert_int_equal(try_entry(bus, &t, entry, word, VA, 0xaaaa), 1);
		assert_unconfirmed(bus);
		/* v2 has tags, and here is one. */
		if (!bus->hopper)
			assert_int_equal(try_entry(bus, &t, entry, word | tag, VA, 0xaaaa), 0);
	}
}

static void a_driver_that_shows_the_cpu_what_is_not_for_it_is_counted(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, shows_what_is_not_for_the_cpu);
}

/* --- the root ------------------------------------------------------------------- */

/* A page, through a root table with @word as its word @i, read anew for each of two reads. */
static void use_root(struct bus *bus, unsigned int i, uint64_t word)
{
	struct tables t = bus_tables(bus, MIB(1));

	bus_vram_wr(bus, t.root + 8 * i, word);
	bus_order(bus);
	bus_bind(bus, t.inst);
	bus_map(bus, &t, VA, bus_pte(bus, A));
	assert_reads(bus, VA, 0xaaaa);
	assert_reads(bus, VA + MIB(1), ~0ull);
	bus_fault_clear(bus);
	bus_inval(bus, t.root);
	assert_reads(bus, VA, 0xaaaa);
}

static void leaves_garbage_in_the_root(struct bus *bus)
{
	const uint64_t garbage[] = {
		~0ull, 1, 1ull << 60, bus_pde(bus, A) | 1ull << 62, bus_pde(bus, GIB(64)),
	};
	const uint64_t fine[] = { 0, 8 /* sparse */, bus_pde(bus, A) };
	unsigned int i, k;

	for (i = 1; i < 4; i++)
		for (k = 0; k < 3; k++) {
			sim_reset(bus->gpu);
			use_root(bus, i, fine[k]);
			assert_int_equal(bus_misuse(bus), 0);
		}
	/* The next line, which nobody reads */
	sim_reset(bus->gpu);
	use_root(bus, 4, ~0ull);
	assert_int_equal(bus_misuse(bus), 0);
	for (i = 1; i < 4; i++)
		for (k = 0; k < 5; k++) {
			sim_reset(bus->gpu);
			use_root(bus, i, garbage[k]);
			assert_int_equal(bus_misuse(bus), 2);
		}
}

static void a_driver_that_leaves_garbage_beside_the_roots_entry_is_counted(void **state)
{
	(void)state;
	bus_on_every_chip(POLLS, leaves_garbage_in_the_root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_driver_that_maps_beside_a_page_in_use_without_an_invalidate_faults),
		cmocka_unit_test(a_driver_that_maps_64k_without_an_invalidate_faults),
		cmocka_unit_test(a_driver_that_links_a_table_without_an_invalidate_faults),
		cmocka_unit_test(a_driver_that_links_a_directory_without_an_invalidate_faults),
		cmocka_unit_test(a_driver_that_orders_after_the_trigger_reads_the_old_page),
		cmocka_unit_test(a_driver_that_unmaps_while_an_invalidate_runs_corrupts_vram),
		cmocka_unit_test(a_driver_that_links_a_table_while_an_invalidate_runs_faults),
		cmocka_unit_test(
			a_driver_that_writes_entries_by_bar1_after_the_trigger_reads_the_old_page),
		cmocka_unit_test(
			a_driver_that_uses_a_page_after_unmapping_it_faults_at_some_time),
		cmocka_unit_test(a_driver_that_goes_from_4k_pages_to_64k_in_one_step_is_counted),
		cmocka_unit_test(a_64k_page_that_the_mmu_meets_above_4k_pages_is_counted),
		cmocka_unit_test(a_driver_that_misaligns_a_large_page_is_counted),
		cmocka_unit_test(a_driver_that_sets_reserved_bits_is_counted),
		cmocka_unit_test(a_driver_that_shows_the_cpu_what_is_not_for_it_is_counted),
		cmocka_unit_test(
			a_driver_that_leaves_garbage_beside_the_roots_entry_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
