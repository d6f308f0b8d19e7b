/* SPDX-License-Identifier: MIT */
/* Accesses through BAR1, the faults they end in, and blocks of bytes. */
#include <errno.h>
#include <pthread.h>

#include "bus.h"

#define VA	0x5000ull
#define A	0x400000ull
#define B	0x800000ull

static struct tables brought_up(struct bus *bus, const char *chip)
{
	bus_open_chip(bus, chip);
	bus_poke(bus, A, 0x8877665544332211ull);
	return bus_bring_up(bus);
}

static void every_width_reads_and_writes(void **state)
{
	struct tables t;
	struct bus bus;

	(void)state;
	t = brought_up(&bus, "ga102");
	bus_map(&bus, &t, VA, bus_pte(&bus, A));
	assert_int_equal(sim_bar1_read(bus.gpu, VA + 7, 1), 0x88);
	assert_int_equal(sim_bar1_read(bus.gpu, VA + 2, 2), 0x4433);
	assert_int_equal(sim_bar1_read(bus.gpu, VA + 4, 4), 0x88776655);
	sim_bar1_write(bus.gpu, VA + 1, 1, 0xfaa);
	sim_bar1_write(bus.gpu, VA + 2, 2, 0xbbcc);
	sim_bar1_write(bus.gpu, VA + 4, 4, 0x01020304);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 8), 0x01020304bbccaa11ull);
	assert_int_equal(bus_vram_rd(&bus, A), 0x01020304bbccaa11ull);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
}

static void a_faulting_read_is_all_ones_of_its_width(void **state)
{
	struct bus bus;

	(void)state;
	brought_up(&bus, "gh100");
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 1), 0xff);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 2), 0xffff);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xffffffff);
	assert_true(sim_bar1_read(bus.gpu, VA, 8) == ~0ull);
	assert_int_equal(bus_faults(&bus), 4);
	bus_close(&bus);
}

static void a_fault_says_who_what_and_where(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		struct tables t;
		struct bus bus;
		uint32_t info;

		t = brought_up(&bus, bus_chips[i]);
		sim_bar1_read(bus.gpu, VA + 0x124, 4);
		info = bus_rd(&bus, R_FAULT_INFO);
		assert_int_equal(info & 0x1f, FAULT_PTE);
		assert_int_equal(info >> 8 & 0x7f, 7);		/* HOST_CPU */
		assert_int_equal(info >> 16 & 0xf, 0);		/* VIRT_READ */
		assert_int_equal(info >> 20 & 1, 1);		/* HUB */
		assert_int_equal(bus_rd(&bus, R_FAULT_ADDR_LO), VA);
		assert_int_equal(bus_rd(&bus, R_FAULT_ADDR_HI), 0);
		assert_int_equal(bus_rd(&bus, R_FAULT_INST_LO) & 0x1ff, bus.hopper ? 0x100 : 0x80);
		assert_int_equal(bus_rd(&bus, R_FAULT_INST_LO) & 0xfffff000, t.inst);
		assert_int_equal(bus_rd(&bus, R_FAULT_INST_HI), 0);
		assert_int_equal(bus_rd(&bus, R_FAULT_STATUS), 0x80000000);
		bus_fault_clear(&bus);

		sim_bar1_write(bus.gpu, MIB(2), 4, 0);
		info = bus_rd(&bus, R_FAULT_INFO);
		assert_int_equal(info & 0x1f, FAULT_PDE);
		assert_int_equal(info >> 8 & 0x7f, 8);		/* HOST_CPU_NB */
		assert_int_equal(info >> 16 & 0xf, 1);		/* VIRT_WRITE */
		assert_int_equal(bus_rd(&bus, R_FAULT_ADDR_LO), MIB(2));
		assert_int_equal(bus_misuse(&bus), 0);
		bus_close(&bus);
	}
}

static void a_second_fault_is_dropped_and_marked(void **state)
{
	struct bus bus;

	(void)state;
	brought_up(&bus, "ga102");
	sim_bar1_read(bus.gpu, VA, 4);
	sim_bar1_write(bus.gpu, MIB(2), 4, 0);
	assert_int_equal(bus_rd(&bus, R_FAULT_ADDR_LO), VA);
	assert_int_equal(bus_fault_type(&bus), FAULT_PTE);
	assert_int_equal(bus_rd(&bus, R_FAULT_STATUS), 0x80000002);
	/* Each bit is cleared by a 1 of its own. */
	bus_wr(&bus, R_FAULT_STATUS, 0x2);
	assert_int_equal(bus_rd(&bus, R_FAULT_STATUS), 0x80000000);
	bus_wr(&bus, R_FAULT_STATUS, 0);
	assert_int_equal(bus_rd(&bus, R_FAULT_STATUS), 0x80000000);
	bus_wr(&bus, R_FAULT_STATUS, 0x80000000);
	assert_int_equal(bus_rd(&bus, R_FAULT_STATUS), 0);
	assert_int_equal(bus_rd(&bus, R_FAULT_INFO) >> 31, 0);
	/* Room for the next */
	sim_bar1_write(bus.gpu, MIB(2), 4, 0);
	assert_int_equal(bus_rd(&bus, R_FAULT_ADDR_LO), MIB(2));
	bus_wr(&bus, R_FAULT_ADDR_LO, 0);
	assert_int_equal(bus_misuse(&bus), 1);
	bus_close(&bus);
}

static void a_read_only_page_reads_and_faults_on_writes(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++) {
		struct tables t;
		struct bus bus;

		t = brought_up(&bus, bus_chips[i]);
		bus_map(&bus, &t, VA, bus_pte_ro(&bus, A));
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0x44332211);
		assert_int_equal(sim_driver_errors(bus.gpu), 0);
		sim_bar1_write(bus.gpu, VA, 4, 0);
		assert_int_equal(bus_fault_type(&bus), FAULT_RO);
		sim_bar1_fill(bus.gpu, VA, 0, PAGE);
		sim_bar1_copy_to(bus.gpu, VA, "x", 1);
		assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0x44332211);
		bus_close(&bus);
	}
}

/* The fault that a read of a page with @pte ends in */
static unsigned int fault_of(const char *chip, uint64_t pte)
{
	struct tables t;
	struct bus bus;
	unsigned int type;

	t = brought_up(&bus, chip);
	bus_map(&bus, &t, VA, pte);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0xffffffff);
	type = bus_fault_type(&bus);
	bus_close(&bus);
	return type;
}

static void what_bar1_cannot_reach_faults(void **state)
{
	(void)state;
	/* Examples A19, A21 and B21, B23 of the manual's encodings */
	assert_int_equal(fault_of("ga102", 0x060000001234560d), FAULT_APERTURE);
	assert_int_equal(fault_of("ga102", 0x060000040300000b), FAULT_APERTURE);
	assert_int_equal(fault_of("gh100", 0x000000012345660d), FAULT_APERTURE);
	assert_int_equal(fault_of("gh100", 0x400000003000060b), FAULT_APERTURE);
	/* Kind 7 */
	assert_int_equal(fault_of("ga102", 0x0700000000040001), FAULT_KIND);
	assert_int_equal(fault_of("gb202", 0x0000000000400701), FAULT_KIND);
	/* Past 8 GiB of VRAM */
	assert_int_equal(fault_of("ga102", 0x0600000020000001), FAULT_REGION);
	assert_int_equal(fault_of("gb202", 0x0000000200000601), FAULT_REGION);
	/* 64 KiB "no valid 4K" in a 4 KiB table is but an invalid entry. */
	assert_int_equal(fault_of("ga102", 0x20), FAULT_PTE);
	assert_int_equal(fault_of("gh100", 0x18), FAULT_PTE);
	assert_int_equal(fault_of("gh100", 0x10), FAULT_PTE);	/* mapping nowhere */
}

static void a_leaf_is_taken_only_where_the_chip_has_one(void **state)
{
	static const struct {
		const char *chip;
		bool leaf_512m;
	} rows[] = { { "tu102", false }, { "ga100", true }, { "gh100", true }, { "gb100", true } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sim_config cfg = { .chip = rows[i].chip, .bar1_size = GIB(1) };
		struct tables t;
		struct bus bus;

		bus_open(&bus, &cfg);
		t = bus_bring_up(&bus);
		bus_poke(&bus, MIB(512) + VA, 0x512);
		bus_vram_wr(&bus, t.pde1 + 8, bus_pte(&bus, MIB(512)));
		bus_order(&bus);
		bus_inval(&bus, t.root);
		if (rows[i].leaf_512m) {
			assert_int_equal(sim_bar1_read(bus.gpu, MIB(512) + VA, 8), 0x512);
		} else {
			assert_true(sim_bar1_read(bus.gpu, MIB(512) + VA, 8) == ~0ull);
			assert_int_equal(bus_fault_type(&bus), FAULT_PDE);
		}
		bus_close(&bus);
	}
}

static void sparse_reads_zero_and_keeps_nothing(void **state)
{
	struct sim_counters count;
	uint32_t word = 5;
	struct tables t;
	struct bus bus;

	(void)state;
	t = brought_up(&bus, "gb100");
	bus_map(&bus, &t, VA, 0x8);
	sim_bar1_write(bus.gpu, VA, 4, 5);
	assert_int_equal(sim_bar1_read(bus.gpu, VA, 4), 0);
	sim_bar1_copy_from(bus.gpu, &word, VA, 4);
	assert_int_equal(word, 0);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	/* That somebody was there is counted all the same, a block as its words. */
	sim_get_counters(bus.gpu, &count);
	assert_int_equal(count.strays, 3);
	sim_bar1_copy_to(bus.gpu, VA + 8, "0123456789abcdef", 16);
	sim_bar1_fill(bus.gpu, VA, 1, 24);
	sim_get_counters(bus.gpu, &count);
	assert_int_equal(count.strays, 3 + 2 + 3);
	bus_close(&bus);
}

static void the_protected_range_faults_in_either_mode(void **state)
{
	struct sim_config cfg = { .wpr2 = { MIB(64), MIB(65) } };
	struct tables t;
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	sim_bar1_read(bus.gpu, MIB(65), 4);
	assert_int_equal(bus_faults(&bus), 0);
	sim_bar1_write(bus.gpu, MIB(64), 4, 0);
	assert_int_equal(bus_fault_type(&bus), FAULT_REGION);
	assert_int_equal(bus_rd(&bus, R_FAULT_INFO) >> 16 & 0xf, 9);	/* PHYS_WRITE */
	assert_int_equal(bus_rd(&bus, R_FAULT_INST_LO) & 0x1ff, 31);	/* PHYSICAL */
	sim_bar1_read(bus.gpu, MIB(64), 4);
	assert_int_equal(bus_rd(&bus, R_FAULT_STATUS), 0x80000001);
	bus_fault_clear(&bus);
	t = bus_bring_up(&bus);
	bus_map(&bus, &t, VA, bus_pte(&bus, MIB(65) - PAGE));
	sim_bar1_read(bus.gpu, VA, 4);
	assert_int_equal(bus_fault_type(&bus), FAULT_REGION);
	assert_int_equal(bus_rd(&bus, R_FAULT_INFO) >> 16 & 0xf, 0);
	bus_close(&bus);
}

static void physical_mode_ends_with_vram(void **state)
{
	struct sim_config cfg = { .chip = "gh100", .vram_size = MIB(128), .bar1_size = MIB(256) };
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	sim_bar1_write(bus.gpu, MIB(128) - 8, 8, 0x1234);
	assert_int_equal(sim_bar1_read(bus.gpu, MIB(128) - 8, 8), 0x1234);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	sim_bar1_read(bus.gpu, MIB(128), 4);
	assert_int_equal(bus_faults(&bus), 1);
	assert_int_equal(bus_rd(&bus, R_FAULT_INFO) >> 16 & 0xf, 8);	/* PHYS_READ */
	assert_int_equal(bus_rd(&bus, R_FAULT_INST_LO) & 0x1ff, 56);
	bus_close(&bus);
}

static void the_aperture_ends(void **state)
{
	struct sim_config none = { .no_bar1 = true };
	uint64_t word = 0;
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	sim_bar1_write(bus.gpu, MIB(256) - 4, 4, 1);
	assert_int_equal(bus_misuse(&bus), 0);
	sim_bar1_read(bus.gpu, MIB(256), 1);
	sim_bar1_write(bus.gpu, ~7ull, 8, 1);
	sim_bar1_copy_from(bus.gpu, &word, MIB(256) - 4, 8);
	assert_true(word == ~0ull);
	sim_bar1_read(bus.gpu, 2, 4);
	sim_bar1_read(bus.gpu, 0, 16);
	assert_int_equal(bus_misuse(&bus), 5);
	bus_close(&bus);
	bus_open(&bus, &none);
	assert_int_equal(sim_bar1_size(bus.gpu), 0);
	sim_bar1_read(bus.gpu, 0, 1);
	assert_int_equal(bus_misuse(&bus), 1);
	bus_close(&bus);
}

static void the_aperture_takes_another_size(void **state)
{
	struct sim_config cfg = { .no_bar1 = true };
	struct bus bus;
	void *cpu;

	(void)state;
	bus_open_chip(&bus, "ga102");
	assert_int_equal(sim_set_bar1_size(bus.gpu, MIB(32)), -EINVAL);
	assert_int_equal(sim_set_bar1_size(bus.gpu, MIB(96)), -EINVAL);
	assert_int_equal(sim_set_bar1_size(bus.gpu, GIB(1024)), -EINVAL);
	assert_int_equal(sim_bar1_mmap(bus.gpu, 0, PAGE, false, &cpu), 0);
	assert_int_equal(sim_set_bar1_size(bus.gpu, GIB(1)), -EBUSY);
	sim_bar1_munmap(bus.gpu, cpu, PAGE);
	assert_int_equal(sim_bar1_size(bus.gpu), MIB(256));

	assert_int_equal(sim_set_bar1_size(bus.gpu, GIB(1)), 0);
	assert_int_equal(sim_bar1_size(bus.gpu), GIB(1));
	bus_poke(&bus, MIB(512), 0x2211);	/* BAR1 is physical */
	assert_int_equal(sim_bar1_read(bus.gpu, MIB(512), 2), 0x2211);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	assert_int_equal(sim_set_bar1_size(bus.gpu, MIB(64)), 0);
	sim_bar1_read(bus.gpu, MIB(512), 2);
	assert_int_equal(bus_misuse(&bus), 1);

	sim_reset(bus.gpu);
	assert_int_equal(sim_bar1_size(bus.gpu), MIB(64));
	bus_close(&bus);

	bus_open(&bus, &cfg);
	assert_int_equal(sim_set_bar1_size(bus.gpu, GIB(1)), -EINVAL);
	bus_close(&bus);
}

static void blocks_follow_pages_wherever_they_are(void **state)
{
	uint8_t out[3 * 4096], in[3 * 4096];
	struct sim_counters before, after;
	struct tables t;
	struct bus bus;
	size_t i;

	(void)state;
	t = brought_up(&bus, "ga102");
	bus_map(&bus, &t, VA, bus_pte(&bus, A));
	bus_map(&bus, &t, VA + PAGE, bus_pte(&bus, B));
	bus_map(&bus, &t, VA + 2 * PAGE, bus_pte(&bus, A + PAGE));
	for (i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + i / 256);
	sim_bar1_copy_to(bus.gpu, VA + 3, out, sizeof(out) - 5);
	memset(in, 0, sizeof(in));
	sim_get_counters(bus.gpu, &before);
	sim_bar1_copy_from(bus.gpu, in, VA + 3, sizeof(out) - 5);
	sim_get_counters(bus.gpu, &after);
	assert_memory_equal(in, out, sizeof(out) - 5);
	assert_int_equal(after.reads - before.reads, sizeof(out) / 8);
	for (i = 0; i < 100; i++)
		assert_int_equal(sim_bar1_read(bus.gpu, VA + 3 + 4090 + i, 1), out[4090 + i]);
	assert_int_equal(bus_peek(&bus, B) & 0xff, out[PAGE - 3]);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
}

static void a_fill_keeps_its_phase_over_pages(void **state)
{
	struct tables t;
	struct bus bus;
	uint64_t i;

	(void)state;
	t = brought_up(&bus, "ga102");
	bus_map(&bus, &t, VA, bus_pte(&bus, A));
	bus_map(&bus, &t, VA + PAGE, bus_pte(&bus, B));
	bus_poke(&bus, B + 16, 0x1122334455667788ull);
	sim_bar1_fill(bus.gpu, VA + PAGE - 6, 0x04030201, 22);
	for (i = 0; i < 22; i++)
		assert_int_equal(sim_bar1_read(bus.gpu, VA + PAGE - 6 + i, 1), i % 4 + 1);
	assert_int_equal(bus_peek(&bus, B + 16), 0x1122334455667788ull);
	bus_close(&bus);
}

static void a_block_over_a_hole_faults_for_the_hole_only(void **state)
{
	uint8_t in[3 * 4096];
	struct tables t;
	struct bus bus;
	size_t i;

	(void)state;
	t = brought_up(&bus, "ga102");
	bus_map(&bus, &t, VA, bus_pte(&bus, A));
	bus_map(&bus, &t, VA + 2 * PAGE, bus_pte(&bus, B));
	sim_bar1_fill(bus.gpu, VA, 0x11111111, 3 * PAGE);
	assert_int_equal(bus_faults(&bus), PAGE / 8);
	assert_int_equal(bus_rd(&bus, R_FAULT_ADDR_LO), VA + PAGE);
	assert_int_equal(bus_rd(&bus, R_FAULT_STATUS), 0x80000002);
	sim_bar1_copy_from(bus.gpu, in, VA, sizeof(in));
	for (i = 0; i < sizeof(in); i++)
		assert_int_equal(in[i], i / PAGE == 1 ? 0xff : 0x11);
	bus_close(&bus);
}

static void vram_nobody_wrote_is_neither_zero_nor_alike(void **state)
{
	struct bus bus;
	uint64_t pa;

	(void)state;
	bus_open_chip(&bus, "ga102");
	for (pa = GIB(1); pa < GIB(1) + KIB(64); pa += 8) {
		uint64_t word = bus_vram_rd(&bus, pa);

		assert_int_not_equal(word, 0);
		assert_true(word != ~0ull);
		assert_int_not_equal(word, bus_vram_rd(&bus, pa + 8));
		/* The same through another door, and after a write next to it */
		assert_int_equal(word, bus_peek(&bus, pa));
	}
	pa = bus_vram_rd(&bus, GIB(2) + 8);
	bus_vram_wr(&bus, GIB(2), 0);
	assert_int_equal(bus_vram_rd(&bus, GIB(2) + 8), pa);
	bus_close(&bus);
}

struct worker {
	struct bus *bus;
	uint64_t va;
	int bad;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t i;

	for (i = 0; i < 20000; i++) {
		sim_bar1_write(w->bus->gpu, w->va, 8, i);
		if (sim_bar1_read(w->bus->gpu, w->va, 8) != i)
			w->bad++;
		bus_rd(w->bus, 0x0);
	}
	return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
	struct worker w[4];
	struct sim_counters c;
	pthread_t thread[4];
	struct bus bus;
	size_t i;

	(void)state;
	bus_open_chip(&bus, "ga102");
	for (i = 0; i < 4; i++) {
		w[i] = (struct worker) { &bus, MIB(1) + 8 * i, 0 };
		assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(w[i].bad, 0);
	}
	sim_get_counters(bus.gpu, &c);
	assert_int_equal(c.reads, 4 * 40000);
	assert_int_equal(c.writes, 4 * 20000);
	bus_close(&bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_width_reads_and_writes),
		cmocka_unit_test(a_faulting_read_is_all_ones_of_its_width),
		cmocka_unit_test(a_fault_says_who_what_and_where),
		cmocka_unit_test(a_second_fault_is_dropped_and_marked),
		cmocka_unit_test(a_read_only_page_reads_and_faults_on_writes),
		cmocka_unit_test(what_bar1_cannot_reach_faults),
		cmocka_unit_test(a_leaf_is_taken_only_where_the_chip_has_one),
		cmocka_unit_test(sparse_reads_zero_and_keeps_nothing),
		cmocka_unit_test(the_protected_range_faults_in_either_mode),
		cmocka_unit_test(physical_mode_ends_with_vram),
		cmocka_unit_test(the_aperture_ends),
		cmocka_unit_test(the_aperture_takes_another_size),
		cmocka_unit_test(blocks_follow_pages_wherever_they_are),
		cmocka_unit_test(a_fill_keeps_its_phase_over_pages),
		cmocka_unit_test(a_block_over_a_hole_faults_for_the_hole_only),
		cmocka_unit_test(vram_nobody_wrote_is_neither_zero_nor_alike),
		cmocka_unit_test(threads_do_not_disturb_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
