/* SPDX-License-Identifier: MIT */
/* Hardware that fails on request, as the driver meets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "bus.h"

#define VA	(16 * PAGE)
#define A	MIB(32)
#define ONES	0xffffffffu

/* A page of VRAM at VA, with something in it. */
static struct tables mapped(struct bus *bus, const char *chip)
{
	struct tables t;

	bus_open_chip(bus, chip);
	t = bus_bring_up(bus);
	bus_map(bus, &t, VA, bus_pte(bus, A));
	bus_poke(bus, A, 0xaaaa);
	return t;
}

static void inject(struct bus *bus, struct sim_inject want)
{
	sim_inject(bus->gpu, &want);
}

static void a_dead_gpu_reads_all_ones_from_the_named_access_on(void **state)
{
	struct bus bus;

	(void)state;
	mapped(&bus, "ga102");
	inject(&bus, (struct sim_inject) { .dead_at = 3 });
	assert_int_not_equal(bus_rd(&bus, 0), ONES);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), ONES);
	assert_int_equal(bus_rd(&bus, 0), ONES);
	sim_bar1_write(bus.gpu, VA, 4, 1);
	assert_int_equal(bus_peek(&bus, A), 0xaaaa);

	sim_inject(bus.gpu, NULL);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
}

static void a_block_is_cut_where_the_gpu_dies(void **state)
{
	uint64_t in[4], out[4] = { 1, 2, 3, 4 };
	struct bus bus;

	(void)state;
	mapped(&bus, "gh100");
	inject(&bus, (struct sim_inject) { .dead_at = 3 });
	sim_bar1_copy_to(bus.gpu, VA, out, sizeof(out));
	sim_land(bus.gpu);
	assert_int_equal(bus_peek(&bus, A + 8), 2);
	assert_int_not_equal(bus_peek(&bus, A + 16), 3);

	sim_inject(bus.gpu, NULL);
	sim_bar1_copy_to(bus.gpu, VA, out, sizeof(out));
	inject(&bus, (struct sim_inject) { .dead_at = 3 });
	/* Four bytes up to the first multiple of 8, then eight. */
	sim_bar1_copy_from(bus.gpu, in, VA + 4, sizeof(in) - 8);
	assert_int_equal(in[0], 2ull << 32);
	assert_int_equal(in[1] & ONES, 0);
	assert_int_equal(in[1] >> 32, ONES);
	assert_int_equal(in[2], ~0ull);
	bus_close(&bus);
}

/* What is in VRAM of a word that was written when the GPU dies at its @nth access. */
static uint64_t written_until(const char *chip, unsigned int nth)
{
	struct bus bus;
	uint64_t val;

	bus_open_chip(&bus, chip);
	bus_poke(&bus, 0, 0x5555555566666666ull);
	inject(&bus, (struct sim_inject) { .dead_at = nth });
	sim_bar0_write(bus.gpu, R_PRAMIN, 8, 0x1111111122222222ull);
	assert_int_equal(sim_is_gone(bus.gpu), nth <= 2);
	sim_land(bus.gpu);
	val = bus_peek(&bus, 0);
	bus_close(&bus);
	return val;
}

static uint64_t read_until(const char *chip, unsigned int nth)
{
	struct bus bus;
	uint64_t val;

	bus_open_chip(&bus, chip);
	bus_poke(&bus, 0, 0x5555555566666666ull);
	inject(&bus, (struct sim_inject) { .dead_at = nth });
	val = sim_bar0_read(bus.gpu, R_PRAMIN, 8);
	assert_int_equal(sim_is_gone(bus.gpu), nth <= 2);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
	return val;
}

static void a_gpu_dies_between_the_halves_of_a_word_too(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		assert_int_equal(written_until(bus_chips[i], 1), 0x5555555566666666ull);
		assert_int_equal(written_until(bus_chips[i], 2), 0x5555555522222222ull);
		assert_int_equal(written_until(bus_chips[i], 3), 0x1111111122222222ull);
		assert_int_equal(read_until(bus_chips[i], 1), ~0ull);
		assert_int_equal(read_until(bus_chips[i], 2), 0xffffffff66666666ull);
		assert_int_equal(read_until(bus_chips[i], 3), 0x5555555566666666ull);
	}
}

/* Before the word, and then between its halves, which is when it kills the GPU */
static void kill_between_halves(void *arg)
{
	static const struct sim_inject dead = { .dead_at = 1 };
	struct bus *bus = arg;

	if (bus->hopper)
		sim_inject(bus->gpu, &dead);
	bus->hopper = true;
}

static void a_word_whose_gpu_goes_between_its_halves_has_ones_in_the_upper_one(void **state)
{
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	bus_poke(&bus, 0, 0x5555555566666666ull);
	sim_on_access(bus.gpu, kill_between_halves, &bus);
	assert_int_equal(sim_bar0_read(bus.gpu, R_PRAMIN, 8), 0xffffffff66666666ull);
	sim_on_access(bus.gpu, NULL, NULL);
	assert_int_equal(sim_bar0_read(bus.gpu, R_PRAMIN, 8), ~0ull);
	bus_close(&bus);
}

static void words_are_lost_one_by_one(void **state)
{
	uint64_t out[3] = { 1, 2, 3 }, in[3];
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	bus_vram_zero(&bus, 0, 64);
	bus_order(&bus);
	bus_wr(&bus, R_WINDOW, 0);
	inject(&bus, (struct sim_inject) { .dead_at = 5 });	/* words are two accesses */
	sim_bar0_write_words(bus.gpu, R_PRAMIN, out, 3);
	sim_bar0_read_words(bus.gpu, R_PRAMIN, in, 3);
	assert_int_equal(in[0], ~0ull);
	sim_inject(bus.gpu, NULL);
	sim_bar0_read_words(bus.gpu, R_PRAMIN, in, 3);
	assert_int_equal(in[0], 1);
	assert_int_equal(in[1], 2);
	assert_int_equal(in[2], 0);
	bus_close(&bus);
}

static void pointers_read_all_ones_while_the_gpu_is_gone(void **state)
{
	volatile uint64_t *p;
	struct bus bus;
	void *cpu;

	(void)state;
	mapped(&bus, "ad102");
	assert_int_equal(sim_bar1_mmap(bus.gpu, VA, PAGE, true, &cpu), 0);
	p = cpu;
	assert_int_equal(*p, 0xaaaa);
	inject(&bus, (struct sim_inject) { .dead_at = 1 });
	assert_int_equal(*p, 0xaaaa);	/* no access on the bus so far */
	bus_rd(&bus, 0);
	assert_int_equal(*p, ~0ull);
	*p = 5;
	assert_int_equal(bus_peek(&bus, A), 0xaaaa);
	assert_null(sim_bar1_direct(bus.gpu, VA, false));
	assert_int_equal(sim_bar1_mmap(bus.gpu, VA, PAGE, true, &cpu), -19 /* ENODEV */);
	sim_inject(bus.gpu, NULL);
	assert_int_equal(*p, 0xaaaa);
	bus_close(&bus);
}

static void a_stuck_invalidate_ends_when_it_is_let_go(void **state)
{
	unsigned int i;
	struct bus bus;
	struct tables t;

	(void)state;
	t = mapped(&bus, "tu102");
	inject(&bus, (struct sim_inject) { .invalidate_stuck = true });
	bus_inval_start(&bus, t.root, INVAL_GO);
	for (i = 0; i < 100; i++)
		assert_true(bus_rd(&bus, R_INVAL) & INVAL_TRIGGER);
	sim_inject(bus.gpu, NULL);
	bus_inval_wait(&bus);
	bus_close(&bus);
}

static void a_stuck_bind_ends_when_it_is_let_go(void **state)
{
	unsigned int i;
	struct bus bus;
	struct tables t;

	(void)state;
	t = mapped(&bus, "ga100");
	inject(&bus, (struct sim_inject) { .bind_stuck = true });
	bus_bind_start(&bus, t.inst);
	for (i = 0; i < 100; i++)
		assert_true(bus_rd(&bus, R_BIND_STATUS) & 3);
	sim_inject(bus.gpu, NULL);
	bus_bind_wait(&bus);
	bus_close(&bus);
}

static void one_write_of_a_register_is_ignored(void **state)
{
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	inject(&bus, (struct sim_inject) { .ignored_reg = R_WINDOW, .ignored_nth = 2 });
	bus_wr(&bus, R_WINDOW, 1);
	bus_wr(&bus, R_WINDOW, 2);
	assert_int_equal(bus_rd(&bus, R_WINDOW), 1);
	bus_wr(&bus, R_WINDOW, 3);
	assert_int_equal(bus_rd(&bus, R_WINDOW), 3);
	bus_close(&bus);
}

static void a_delayed_window_is_where_it_was_for_so_many_accesses(void **state)
{
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	bus_poke(&bus, MIB(1), 0x11);
	bus_poke(&bus, MIB(2), 0x22);
	bus_wr(&bus, R_WINDOW, MIB(1) >> 16);
	inject(&bus, (struct sim_inject) { .window_delay = 2 });
	bus_wr(&bus, R_WINDOW, MIB(2) >> 16);
	assert_int_equal(sim_bar0_read(bus.gpu, R_PRAMIN, 8), 0x11);
	assert_int_equal(bus_rd(&bus, R_WINDOW), MIB(1) >> 16);
	assert_int_equal(bus_rd(&bus, R_WINDOW), MIB(2) >> 16);
	assert_int_equal(sim_bar0_read(bus.gpu, R_PRAMIN, 8), 0x22);
	bus_close(&bus);
}

static void a_poisoned_page_of_memory_is_none(void **state)
{
	struct sim_config cfg = { .landing = SIM_LANDING_AT_ONCE };
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	inject(&bus, (struct sim_inject) { .poison_pa = A, .poison_len = PAGE });
	assert_null(sim_bar1_direct(bus.gpu, A, false));
	assert_non_null(sim_bar1_direct(bus.gpu, A + PAGE, false));
	bus_close(&bus);
}

static void poisoned_vram_fails_by_bar1_and_pramin_and_has_no_pointer(void **state)
{
	struct sim_counters c;
	struct bus bus;
	struct tables t;

	(void)state;
	t = mapped(&bus, "gb202");
	bus_map(&bus, &t, VA + PAGE, bus_pte(&bus, A + PAGE));
	bus_poke(&bus, A + PAGE, 0xbbbb);
	inject(&bus, (struct sim_inject) { .poison_pa = A, .poison_len = PAGE });
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), ONES);
	assert_int_equal(bus_fault_type(&bus), 0xe /* POISONED */);
	assert_int_equal(sim_bar1_read(bus.gpu, VA + PAGE, 4), 0xbbbb);
	assert_null(sim_bar1_direct(bus.gpu, VA, false));
	assert_int_equal(bus_vram_rd(&bus, A) >> 20, 0xbadf0200badull);
	bus_vram_wr(&bus, A, 1);
	bus_order(&bus);
	assert_int_equal(bus_peek(&bus, A), 0xaaaa);

	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	sim_get_counters(bus.gpu, &c);
	assert_int_equal(c.poisoned, 6);	/* words are two; the read that orders is one, too */
	bus_close(&bus);
}

static unsigned int bits_changed(uint64_t a, uint64_t b)
{
	return (unsigned int)__builtin_popcountll(a ^ b);
}

static void a_flip_changes_one_bit_of_an_entry_in_use(void **state)
{
	uint64_t seed, before[2], tables = 0;
	struct sim_flip flip, again;
	struct bus bus;
	struct tables t;

	(void)state;
	t = mapped(&bus, "gh100");
	for (seed = 0; seed < 64; seed++) {
		assert_true(sim_flip_entry(bus.gpu, seed, &flip));
		before[1] = bus_peek(&bus, flip.pa);
		before[0] = before[1] ^ 1ull << flip.bit;
		assert_int_equal(bits_changed(before[0], before[1]), 1);
		assert_true(before[0]);
		assert_true(flip.pa >= t.inst && flip.pa < t.inst + (64 << 10));
		tables |= 1ull << (flip.pa - t.inst) / PAGE;
		bus_poke(&bus, flip.pa, before[0]);
		/* The same once more. */
		assert_true(sim_flip_entry(bus.gpu, seed, &again));
		assert_int_equal(again.pa, flip.pa);
		assert_int_equal(again.bit, flip.bit);
		bus_poke(&bus, flip.pa, before[0]);
	}
	assert_true(bits_changed(tables, 0) > 3);	/* directories and leaf tables */
	bus_close(&bus);
}

static void a_flip_comes_at_the_named_access(void **state)
{
	uint64_t before[8192], after[8192];
	unsigned int changed = 0;
	struct bus bus;
	struct tables t;
	size_t i;

	(void)state;
	t = mapped(&bus, "ga102");
	sim_vram_peek(bus.gpu, t.inst, before, sizeof(before));
	inject(&bus, (struct sim_inject) { .flip_at = 2, .flip_seed = 7 });
	bus_rd(&bus, 0);
	sim_vram_peek(bus.gpu, t.inst, after, sizeof(after));
	assert_memory_equal(before, after, sizeof(before));
	bus_rd(&bus, 0);
	sim_vram_peek(bus.gpu, t.inst, after, sizeof(after));
	for (i = 0; i < 8192; i++)
		changed += bits_changed(before[i], after[i]);
	assert_int_equal(changed, 1);
	bus_close(&bus);
}

/* The MMU has read again before, and not in between. */
static void a_flip_that_is_undone_while_an_invalidate_runs_leaves_nothing(void **state)
{
	struct sim_flip flip;
	struct bus bus;
	struct tables t;
	uint64_t seed;

	(void)state;
	for (seed = 0; seed < 64; seed++) {
		t = mapped(&bus, seed % 2 ? "gh100" : "ga102");
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);
		bus_inval_start(&bus, t.root, INVAL_GO);
		assert_true(sim_flip_entry(bus.gpu, seed, &flip));
		bus_poke(&bus, flip.pa, bus_peek(&bus, flip.pa) ^ 1ull << flip.bit);
		bus_inval_wait(&bus);
		assert_int_equal(sim_tlb_stale(bus.gpu), 0);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xaaaa);
		bus_assert_no_errors(&bus);
		bus_close(&bus);
	}
}

static void flip_back(struct bus *bus, const struct sim_flip *flip)
{
	bus_poke(bus, flip->pa, bus_peek(bus, flip->pa) ^ 1ull << flip->bit);
}

/* The misuses that a read of VA meets with the bit that @seed flips changed, by itself or not. */
static uint64_t misuses_with(uint64_t seed, bool by_itself)
{
	struct sim_flip flip, other;
	struct sim_counters c;
	struct bus bus;

	mapped(&bus, seed % 2 ? "gh100" : "ga102");
	assert_true(sim_flip_entry(bus.gpu, seed, &flip));
	if (!by_itself) {
		/* The newest that did is another, and all is well again; then it is written. */
		flip_back(&bus, &flip);
		while (sim_flip_entry(bus.gpu, ++seed, &other) && other.pa == flip.pa)
			flip_back(&bus, &other);
		flip_back(&bus, &other);
		flip_back(&bus, &flip);
	}
	sim_bar1_read(bus.gpu, VA, 4);
	sim_get_counters(bus.gpu, &c);
	bus_close(&bus);
	return c.misuse;
}

/* A reserved bit in an entry is a driver's mistake, unless nobody wrote it. */
static void a_bit_that_changed_by_itself_is_no_drivers_mistake(void **state)
{
	uint64_t seed, mistakes = 0;

	(void)state;
	for (seed = 0; seed < 200; seed++) {
		assert_int_equal(misuses_with(seed, true), 0);
		mistakes += misuses_with(seed, false);
	}
	assert_true(mistakes > 0);
}

static void the_size_register_can_lie(void **state)
{
	const struct sim_config cfg = {
		.chip = "gh100", .vram_size = MIB(1024), .reported_vram = MIB(2048),
	};
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	assert_int_equal(bus_rd(&bus, 0x1183a4), 2048);
	assert_int_equal(sim_vram_size(bus.gpu), MIB(1024));
	bus_close(&bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dead_gpu_reads_all_ones_from_the_named_access_on),
		cmocka_unit_test(a_block_is_cut_where_the_gpu_dies),
		cmocka_unit_test(a_gpu_dies_between_the_halves_of_a_word_too),
		cmocka_unit_test(
			a_word_whose_gpu_goes_between_its_halves_has_ones_in_the_upper_one),
		cmocka_unit_test(words_are_lost_one_by_one),
		cmocka_unit_test(pointers_read_all_ones_while_the_gpu_is_gone),
		cmocka_unit_test(a_stuck_invalidate_ends_when_it_is_let_go),
		cmocka_unit_test(a_stuck_bind_ends_when_it_is_let_go),
		cmocka_unit_test(one_write_of_a_register_is_ignored),
		cmocka_unit_test(a_delayed_window_is_where_it_was_for_so_many_accesses),
		cmocka_unit_test(a_poisoned_page_of_memory_is_none),
		cmocka_unit_test(poisoned_vram_fails_by_bar1_and_pramin_and_has_no_pointer),
		cmocka_unit_test(a_flip_changes_one_bit_of_an_entry_in_use),
		cmocka_unit_test(a_flip_comes_at_the_named_access),
		cmocka_unit_test(a_flip_that_is_undone_while_an_invalidate_runs_leaves_nothing),
		cmocka_unit_test(a_bit_that_changed_by_itself_is_no_drivers_mistake),
		cmocka_unit_test(the_size_register_can_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
