/* SPDX-License-Identifier: MIT */
/* The PRAMIN window, posted writes, and what orders them. */
#include "bus.h"

#define PA	MIB(4)

static void every_width_reads_what_the_others_wrote(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		struct bus bus;
		uint64_t off = R_PRAMIN + 0x40;

		bus_open_chip(&bus, bus_chips[i]);
		bus_vram_wr(&bus, PA, 0);	/* the window is there now */
		sim_bar0_write(bus.gpu, off, 8, 0x8877665544332211ull);
		assert_int_equal(sim_bar0_read(bus.gpu, off, 1), 0x11);
		assert_int_equal(sim_bar0_read(bus.gpu, off + 7, 1), 0x88);
		assert_int_equal(sim_bar0_read(bus.gpu, off + 2, 2), 0x4433);
		assert_int_equal(sim_bar0_read(bus.gpu, off + 4, 4), 0x88776655);
		sim_bar0_write(bus.gpu, off + 1, 1, 0xfffaa);	/* no more than its byte */
		sim_bar0_write(bus.gpu, off + 4, 4, 0xffffffff01020304ull);
		assert_int_equal(sim_bar0_read(bus.gpu, off, 8), 0x010203044433aa11ull);
		assert_int_equal(bus_peek(&bus, PA + 0x40), 0x010203044433aa11ull);
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		bus_close(&bus);
	}
}

static void the_whole_window_reaches_a_mebibyte(void **state)
{
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	bus_wr(&bus, R_WINDOW, MIB(8) >> 16);
	sim_bar0_write(bus.gpu, R_PRAMIN + MIB(1) - 8, 8, 0x77);
	bus_order(&bus);
	assert_int_equal(bus_peek(&bus, MIB(9) - 8), 0x77);
	bus_close(&bus);
}

static void a_posted_write_is_seen_only_when_ordered(void **state)
{
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	bus_poke(&bus, PA, 0x1);
	bus_vram_wr(&bus, PA, 0x2);
	assert_int_equal(bus_peek(&bus, PA), 0x1);
	/* Neither registers nor BAR1 order it. */
	bus_rd(&bus, 0x0);
	bus_wr(&bus, R_WINDOW, 0);
	bus_rd(&bus, R_WINDOW);
	assert_int_equal(sim_bar1_read(bus.gpu, PA, 8), 0x1);
	bus_inval(&bus, 0);
	assert_int_equal(bus_peek(&bus, PA), 0x1);
	/* Any read of the window does, wherever the window is by now. */
	sim_bar0_read(bus.gpu, R_PRAMIN + 0x100, 1);
	assert_int_equal(sim_bar1_read(bus.gpu, PA, 8), 0x2);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
}

static void posted_writes_keep_their_order(void **state)
{
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	bus_vram_wr(&bus, PA, 0x1);
	bus_vram_wr(&bus, PA, 0x2);
	assert_int_equal(bus_vram_rd(&bus, PA), 0x2);
	bus_vram_wr(&bus, PA, 0x3);
	sim_destroy(bus.gpu);
}

static void the_flush_register_orders_on_old_chips(void **state)
{
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "tu102");
	bus_poke(&bus, PA, 0x1);
	bus_vram_wr(&bus, PA, 0x2);
	bus_wr(&bus, 0x070000, 1);
	assert_int_equal(bus_rd(&bus, 0x070000) & 2, 2);
	assert_int_equal(bus_peek(&bus, PA), 0x1);
	bus_vram_wr(&bus, PA + 8, 0x3);		/* too late for this flush */
	bus_poke(&bus, PA + 8, 0x1);
	while (bus_rd(&bus, 0x070000) & 2)
		;
	assert_int_equal(bus_peek(&bus, PA), 0x2);
	assert_int_equal(bus_peek(&bus, PA + 8), 0x1);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
}

static void the_flush_token_orders_on_hopper_and_gb202(void **state)
{
	static const char *const chips[] = { "gh100", "gb202" };
	struct sim_counters c;
	struct bus bus;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		uint32_t token, done;

		bus_open_chip(&bus, chips[i]);
		bus_poke(&bus, PA, 0x1);
		bus_vram_wr(&bus, PA, 0x2);
		token = bus_rd(&bus, 0x10f800);
		assert_int_equal(bus_rd(&bus, 0x10f804) >> 31, 1);
		assert_int_equal(bus_peek(&bus, PA), 0x1);
		do
			done = bus_rd(&bus, 0x10f804);
		while (done >> 31);
		assert_int_equal(done, token);
		assert_int_equal(bus_peek(&bus, PA), 0x2);
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		bus_close(&bus);
	}
	bus_open_chip(&bus, "gb100");	/* has firmware do it */
	bus_rd(&bus, 0x10f800);
	sim_get_counters(bus.gpu, &c);
	assert_int_equal(c.unknown, 1);
	bus_close(&bus);
}

static void past_the_end_of_vram_nothing_is_read_or_written(void **state)
{
	struct sim_config cfg = { .vram_size = GIB(1) };
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	bus_vram_wr(&bus, GIB(1) - 8, 0x5);
	assert_int_equal(bus_vram_rd(&bus, GIB(1) - 8), 0x5);
	assert_int_equal(bus_misuse(&bus), 0);
	/* The window may stand there; only its use is refused. */
	bus_wr(&bus, R_WINDOW, (GIB(1) - 0x10000) >> 16);
	assert_int_equal(bus_misuse(&bus), 0);
	assert_int_equal(sim_bar0_read(bus.gpu, R_PRAMIN + 0x10000, 4) >> 16, 0xbadf);
	sim_bar0_write(bus.gpu, R_PRAMIN + 0x10000, 4, 1);
	assert_int_equal(bus_misuse(&bus), 2);
	sim_bar0_write(bus.gpu, R_PRAMIN + 0x10000, 8, 1);	/* two accesses */
	assert_int_equal(bus_misuse(&bus), 4);
	bus_close(&bus);
}

static void the_window_is_on_video_memory_only(void **state)
{
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ad102");
	bus_wr(&bus, R_WINDOW, 2u << 24);
	assert_int_equal(bus_misuse(&bus), 0);
	sim_bar0_read(bus.gpu, R_PRAMIN, 4);
	sim_bar0_write(bus.gpu, R_PRAMIN, 4, 0);
	assert_int_equal(bus_misuse(&bus), 2);
	bus_close(&bus);
}

static void window_width_differs_by_family(void **state)
{
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "gh100");		/* 22 bits */
	bus_wr(&bus, R_WINDOW_HOPPER, 0x3fffff);
	assert_int_equal(bus_misuse(&bus), 0);
	bus_wr(&bus, R_WINDOW_HOPPER, 0x400000);
	assert_int_equal(bus_misuse(&bus), 1);
	bus_close(&bus);
	bus_open_chip(&bus, "gb100");		/* 23 bits */
	bus_wr(&bus, R_WINDOW_HOPPER, 0x7fffff);
	assert_int_equal(bus_misuse(&bus), 0);
	bus_wr(&bus, R_WINDOW_HOPPER, 0x800000);
	assert_int_equal(bus_misuse(&bus), 1);
	bus_close(&bus);
}

static void misaligned_accesses_are_refused(void **state)
{
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	sim_bar0_read(bus.gpu, R_PRAMIN + 1, 2);
	sim_bar0_read(bus.gpu, R_PRAMIN + 4, 8);
	sim_bar0_write(bus.gpu, R_PRAMIN + 2, 4, 0);
	assert_int_equal(bus_misuse(&bus), 3);
	bus_close(&bus);
}

static void the_queue_holds_16384_writes_and_then_lets_the_oldest_ones_go(void **state)
{
	struct bus bus;
	uint64_t i;

	(void)state;
	bus_open_chip(&bus, "ga102");
	bus_poke(&bus, PA, 0x1);
	bus_poke(&bus, PA + 8, 0x1);
	bus_wr(&bus, R_WINDOW, PA >> 16);
	for (i = 0; i < 1 << 14; i++)	/* of two halves each */
		sim_bar0_write(bus.gpu, R_PRAMIN + 8 * (i & 1), 8, 0x2 + i);
	assert_int_equal(bus_peek(&bus, PA), 0x1);
	sim_bar0_write(bus.gpu, R_PRAMIN + 16, 8, 0);
	assert_int_not_equal(bus_peek(&bus, PA), 0x1);
	assert_in_range(bus_peek(&bus, PA), 0x2, 0x2 + (1 << 13));	/* the newer half waits */
	bus_order(&bus);
	assert_int_equal(bus_peek(&bus, PA), 0x0 + (1 << 14));
	assert_int_equal(bus_peek(&bus, PA + 8), 0x1 + (1 << 14));
	bus_close(&bus);
}

static void blocks_of_words_are_as_single_words(void **state)
{
	uint64_t out[3] = { 1, 2, 3 }, in[3] = { 0 };
	struct sim_counters c;
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "gb202");
	sim_bar0_write_words(bus.gpu, R_PRAMIN, out, 3);
	assert_int_not_equal(bus_peek(&bus, 0), 1);
	sim_bar0_read_words(bus.gpu, R_PRAMIN, in, 3);
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(bus_peek(&bus, 8), 2);
	sim_get_counters(bus.gpu, &c);
	assert_int_equal(c.reads, 3);
	assert_int_equal(c.writes, 3);
	/* Half of it past the window: what follows is no memory */
	sim_bar0_write_words(bus.gpu, R_PRAMIN + MIB(1) - 8, out, 2);
	assert_int_equal(sim_driver_errors(bus.gpu), 1);
	bus_close(&bus);
}

static void the_protected_range_is_out_of_reach(void **state)
{
	struct sim_config cfg = { .wpr2 = { MIB(64), MIB(65) } };
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	bus_vram_wr(&bus, MIB(64) - 8, 1);
	bus_vram_wr(&bus, MIB(65), 1);
	assert_int_equal(bus_misuse(&bus), 0);
	bus_vram_wr(&bus, MIB(64), 1);
	assert_int_equal(bus_fault_type(&bus), FAULT_REGION);
	assert_int_equal(bus_rd(&bus, R_FAULT_ADDR_LO), MIB(64));
	assert_int_equal(bus_rd(&bus, R_FAULT_INFO) >> 16 & 0xf, 9);	/* PHYS_WRITE */
	assert_int_equal(bus_rd(&bus, R_FAULT_INST_LO) & 0x1ff, 31);	/* PHYSICAL */
	bus_vram_rd(&bus, MIB(65) - 8);
	assert_int_equal(bus_rd(&bus, R_FAULT_STATUS), 0x80000040);	/* OTHER_PHYS dropped */
	assert_int_equal(bus_misuse(&bus), 4);	/* two words of two accesses */
	assert_int_equal(bus_faults(&bus), 0);
	bus_close(&bus);
}

#define NR_BLOCK	6

/* A block of words at @pa, the last two of which are refused: as single words are. */
static void block_with_an_end(struct bus *bus, uint64_t pa, const uint64_t *words, bool single)
{
	uint64_t got[NR_BLOCK], misuse, i;
	uint64_t off = R_PRAMIN + (pa & 0xffff);

	bus_wr(bus, R_WINDOW, (uint32_t)(pa >> 16));
	misuse = bus_misuse(bus);
	for (i = 0; single && i < NR_BLOCK; i++)
		sim_bar0_write(bus->gpu, off + 8 * i, 8, words[i]);
	if (!single)
		sim_bar0_write_words(bus->gpu, off, words, NR_BLOCK);
	bus_order(bus);
	for (i = 0; i < NR_BLOCK - 2; i++)
		assert_int_equal(bus_peek(bus, pa + 8 * i), words[i]);
	assert_int_equal(bus_misuse(bus), misuse + 4);	/* two words of two accesses */

	sim_bar0_read_words(bus->gpu, off, got, NR_BLOCK);
	assert_int_equal(bus_misuse(bus), misuse + 8);
	assert_memory_equal(got, words, 8 * (NR_BLOCK - 2));
	for (; i < NR_BLOCK; i++)
		assert_int_equal(got[i], 0xbadf0200badf0200ull);
}

static void of_a_block_that_is_refused_in_part_the_rest_arrives(void **state)
{
	static const enum sim_landing landing[] = {
		SIM_LANDING_LATE, SIM_LANDING_RANDOM, SIM_LANDING_AT_ONCE,
	};
	uint64_t words[NR_BLOCK], before;
	unsigned int run, i;

	(void)state;
	for (run = 0; run < 6; run++) {
		struct sim_config cfg = {
			.vram_size = MIB(64), .wpr1 = { MIB(4) + KIB(4), MIB(8) },
			.landing = landing[run / 2],
		};
		struct bus bus;

		for (i = 0; i < NR_BLOCK; i++)
			words[i] = 0x1111111100000001ull * (i + 1) + run;
		bus_open(&bus, &cfg);
		before = bus_peek(&bus, MIB(4) + KIB(4));
		block_with_an_end(&bus, MIB(4) + KIB(4) - 8 * (NR_BLOCK - 2), words, run % 2);
		assert_int_equal(bus_peek(&bus, MIB(4) + KIB(4)), before);
		block_with_an_end(&bus, MIB(64) - 8 * (NR_BLOCK - 2), words, run % 2);
		bus_close(&bus);
	}
}

/* Also of a block that is refused in part, a word is two writes. */
static void words_of_a_block_that_is_refused_in_part_are_torn(void **state)
{
	const struct sim_config cfg = {
		.vram_size = MIB(64), .landing = SIM_LANDING_LATE,
	};
	uint64_t words[2] = { 0x1111111122222222ull, 0x3333333344444444ull };
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	bus_poke(&bus, MIB(64) - 8, 0);
	bus_wr(&bus, R_WINDOW, (uint32_t)((MIB(64) - KIB(64)) >> 16));
	sim_bar0_write_words(bus.gpu, R_PRAMIN + KIB(64) - 8, words, 2);
	sim_land_oldest(bus.gpu, 1);
	assert_int_equal(bus_peek(&bus, MIB(64) - 8), 0x22222222);
	sim_land_oldest(bus.gpu, 1);
	assert_int_equal(bus_peek(&bus, MIB(64) - 8), words[0]);
	bus_close(&bus);
}

static void moves_of_the_window_are_counted(void **state)
{
	struct sim_counters c;
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	bus_wr(&bus, R_WINDOW, 1);
	bus_wr(&bus, R_WINDOW, 1);
	sim_get_counters(bus.gpu, &c);
	assert_int_equal(c.window_moves, 2);
	bus_close(&bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_width_reads_what_the_others_wrote),
		cmocka_unit_test(the_whole_window_reaches_a_mebibyte),
		cmocka_unit_test(a_posted_write_is_seen_only_when_ordered),
		cmocka_unit_test(posted_writes_keep_their_order),
		cmocka_unit_test(the_flush_register_orders_on_old_chips),
		cmocka_unit_test(the_flush_token_orders_on_hopper_and_gb202),
		cmocka_unit_test(past_the_end_of_vram_nothing_is_read_or_written),
		cmocka_unit_test(the_window_is_on_video_memory_only),
		cmocka_unit_test(window_width_differs_by_family),
		cmocka_unit_test(misaligned_accesses_are_refused),
		cmocka_unit_test(the_queue_holds_16384_writes_and_then_lets_the_oldest_ones_go),
		cmocka_unit_test(blocks_of_words_are_as_single_words),
		cmocka_unit_test(of_a_block_that_is_refused_in_part_the_rest_arrives),
		cmocka_unit_test(words_of_a_block_that_is_refused_in_part_are_torn),
		cmocka_unit_test(the_protected_range_is_out_of_reach),
		cmocka_unit_test(moves_of_the_window_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
