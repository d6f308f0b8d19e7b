/* SPDX-License-Identifier: MIT */
/* More VRAM and more mappings than usual, apart because valgrind has no room for them. */
#include <sys/stat.h>
#include <unistd.h>

#include "bus.h"

static void the_size_register_of_a_large_gpu_is_right(void **state)
{
	struct sim_config ga100 = { .chip = "ga100", .vram_size = GIB(80) };
	struct sim_config gh100 = { .chip = "gh100", .vram_size = GIB(80) };
	struct bus bus;

	(void)state;
	bus_open(&bus, &ga100);
	assert_int_equal(bus_rd(&bus, 0x100ce0), 0x0000028b);
	bus_close(&bus);
	bus_open(&bus, &gh100);
	assert_int_equal(bus_rd(&bus, 0x1183a4), 0x00014000);
	bus_close(&bus);
}

static void the_largest_vram_can_be_used_to_its_end(void **state)
{
	struct sim_config cfg = { .chip = "gb202", .vram_size = GIB(512) };
	struct bus bus;

	(void)state;
	bus_open(&bus, &cfg);
	bus_vram_wr(&bus, GIB(512) - 8, 0x1234);
	assert_int_equal(bus_vram_rd(&bus, GIB(512) - 8), 0x1234);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
}

static void a_file_takes_no_more_room_than_what_was_written(void **state)
{
	char path[] = "/tmp/nvbar-large-XXXXXX";
	struct sim_config cfg = { .vram_size = GIB(512), .file = path };
	struct stat st;
	struct bus bus;

	(void)state;
	close(mkstemp(path));
	bus_open(&bus, &cfg);
	bus_vram_wr(&bus, GIB(511), 1);
	bus_vram_rd(&bus, GIB(300));
	bus_close(&bus);
	assert_int_equal(stat(path, &st), 0);
	unlink(path);
	assert_true((uint64_t)st.st_blocks * 512 < MIB(1));
}

static void many_scattered_pages_fit_or_are_refused(void **state)
{
	struct sim_config cfg = { .bar1_size = GIB(1) };
	uint64_t va, nr = 100000;	/* more pieces than Linux maps by default */
	struct tables t;
	struct bus bus;
	void *cpu = NULL;
	int ret;

	(void)state;
	bus_open(&bus, &cfg);
	t = bus_bring_up(&bus);
	for (va = 0; va < nr * PAGE; va += PAGE) {
		uint64_t pt = MIB(16) + va / MIB(2) * PAGE;
		uint64_t pte = bus_pte(&bus, MIB(32) + va / PAGE % 64 * 2 * PAGE);

		if (va % MIB(2) == 0)
			bus_set_pde0(&bus, &t, va, 0, bus_pde(&bus, pt));
		bus_poke(&bus, pt + va % MIB(2) / PAGE * 8, pte);
	}
	bus_order(&bus);
	bus_inval(&bus, t.root);
	ret = sim_bar1_mmap(bus.gpu, 0, nr * PAGE, true, &cpu);
	assert_true(ret == 0 || ret == -12);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	/* Whatever became of that, a small one works. */
	if (!ret)
		sim_bar1_munmap(bus.gpu, cpu, nr * PAGE);
	assert_int_equal(sim_bar1_mmap(bus.gpu, 0, 16 * PAGE, true, &cpu), 0);
	*(uint64_t *)cpu = 5;
	assert_int_equal(bus_peek(&bus, MIB(32)), 5);
	bus_close(&bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_size_register_of_a_large_gpu_is_right),
		cmocka_unit_test(the_largest_vram_can_be_used_to_its_end),
		cmocka_unit_test(a_file_takes_no_more_room_than_what_was_written),
		cmocka_unit_test(many_scattered_pages_fit_or_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
