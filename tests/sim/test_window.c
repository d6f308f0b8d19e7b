/* SPDX-License-Identifier: MIT */
/* Pointers into the aperture. */
#include <signal.h>
#include <unistd.h>

#include "bus.h"

#define VA	0x5000ull
#define A	0x400000ull
#define B	0x800000ull

static sigjmp_buf out;

static void on_segv(int sig)
{
	(void)sig;
	siglongjmp(out, 1);
}

/* Whether the process survives an access. */
static bool survives(volatile uint64_t *p, bool write)
{
	struct sigaction act = { .sa_handler = on_segv }, old_segv, old_bus;
	volatile bool ok = false;

	sigaction(SIGSEGV, &act, &old_segv);
	sigaction(SIGBUS, &act, &old_bus);
	if (!sigsetjmp(out, 1)) {
		if (write)
			*p = 1;
		else
			(void)*p;
		ok = true;
	}
	sigaction(SIGSEGV, &old_segv, NULL);
	sigaction(SIGBUS, &old_bus, NULL);
	return ok;
}

static struct tables map_both(struct bus *bus)
{
	struct tables t;

	bus_poke(bus, A, 0xaaaa);
	bus_poke(bus, B, 0xbbbb);
	t = bus_bring_up(bus);
	bus_map(bus, &t, VA, bus_pte(bus, A));
	bus_map(bus, &t, VA + PAGE, bus_pte(bus, B));
	return t;
}

static struct tables mapped(struct bus *bus)
{
	bus_open_chip(bus, "ga102");
	return map_both(bus);
}

/* The same on a GPU whose writes land at once: only there is the aperture memory. */
static struct tables mapped_as_memory(struct bus *bus)
{
	struct sim_config cfg = { .landing = SIM_LANDING_AT_ONCE };

	bus_open(bus, &cfg);
	return map_both(bus);
}

static uint64_t *window(struct bus *bus, uint64_t off, uint64_t len, bool write)
{
	void *cpu = NULL;

	assert_int_equal(sim_bar1_mmap(bus->gpu, off, len, write, &cpu), 0);
	return cpu;
}

static void a_pointer_reads_and_writes_the_pages_behind_the_aperture(void **state)
{
	struct bus bus;
	uint64_t *p;

	(void)state;
	mapped(&bus);
	p = window(&bus, VA, 2 * PAGE, true);
	assert_int_equal(p[0], 0xaaaa);
	assert_int_equal(p[PAGE / 8], 0xbbbb);
	assert_int_equal(p[1], bus_peek(&bus, A + 8));	/* the pattern */
	p[1] = 0x1234;
	assert_int_equal(sim_bar1_read(bus.gpu, VA + 8, 8), 0x1234);
	bus_vram_wr(&bus, B, 0x5678);
	bus_order(&bus);
	assert_int_equal(p[PAGE / 8], 0x5678);
	sim_bar1_munmap(bus.gpu, p, 2 * PAGE);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
}

static void a_pointer_follows_completed_invalidates(void **state)
{
	struct tables t;
	struct bus bus;
	uint64_t *p;

	(void)state;
	t = mapped(&bus);
	p = window(&bus, VA, 2 * PAGE, true);
	bus_set_pte(&bus, &t, VA, bus_pte(&bus, B));
	bus_order(&bus);
	assert_int_equal(p[0], 0xaaaa);
	bus_inval(&bus, t.root + PAGE);		/* the wrong one */
	assert_int_equal(p[0], 0xaaaa);
	bus_inval(&bus, t.root);
	assert_int_equal(p[0], 0xbbbb);
	assert_true(survives(&p[0], true));

	bus_map(&bus, &t, VA, 0);
	assert_false(survives(&p[0], false));
	assert_true(survives(&p[PAGE / 8], true));
	bus_map(&bus, &t, VA, bus_pte_ro(&bus, A));
	assert_true(survives(&p[0], false));
	assert_false(survives(&p[0], true));
	/* A window that lost a page is no fault of the driver's. */
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);	/* with the window alive */
}

static void a_window_is_all_or_nothing(void **state)
{
	struct tables t;
	struct bus bus;
	void *cpu = NULL;

	(void)state;
	t = mapped(&bus);
	assert_int_equal(sim_bar1_mmap(bus.gpu, VA, 3 * PAGE, true, &cpu), -14);
	assert_int_equal(bus_fault_type(&bus), FAULT_PTE);
	assert_int_equal(bus_rd(&bus, R_FAULT_ADDR_LO), VA + 2 * PAGE);
	bus_fault_clear(&bus);
	bus_map(&bus, &t, VA + 2 * PAGE, bus_pte_ro(&bus, MIB(32)));
	assert_int_equal(sim_bar1_mmap(bus.gpu, VA, 3 * PAGE, true, &cpu), -14);
	assert_int_equal(bus_fault_type(&bus), FAULT_RO);
	bus_fault_clear(&bus);
	assert_int_equal(sim_bar1_mmap(bus.gpu, VA, 0, true, &cpu), -14);
	assert_int_equal(sim_bar1_mmap(bus.gpu, VA + 8, PAGE, true, &cpu), -14);
	assert_int_equal(sim_bar1_mmap(bus.gpu, VA, MIB(256), true, &cpu), -14);
	assert_int_equal(sim_bar1_mmap(bus.gpu, VA, ~0xfffull, true, &cpu), -14);
	assert_null(cpu);
	assert_int_equal(sim_bar1_mmap(bus.gpu, VA, 3 * PAGE, false, &cpu), 0);
	assert_false(survives(cpu, true));
	bus_close(&bus);
}

static void windows_work_in_physical_mode_and_over_files(void **state)
{
	char path[] = "/tmp/nvbar-window-XXXXXX";
	struct sim_config cfg = { .chip = "gb202", .file = path, .vram_size = GIB(1) };
	struct bus bus;
	uint64_t *p;

	(void)state;
	close(mkstemp(path));
	bus_open(&bus, &cfg);
	p = window(&bus, MIB(32), MIB(1), true);
	p[100] = 0x1234;
	assert_int_equal(bus_vram_rd(&bus, MIB(32) + 800), 0x1234);
	bus_close(&bus);
	bus_open(&bus, &cfg);
	assert_int_equal(bus_vram_rd(&bus, MIB(32) + 800), 0x1234);
	bus_close(&bus);
	unlink(path);
}

static void the_aperture_is_memory_only_where_writes_land_at_once(void **state)
{
	struct bus bus;

	(void)state;
	mapped(&bus);
	assert_false(sim_lands_at_once(bus.gpu));
	assert_null(sim_bar1_direct(bus.gpu, VA, false));
	assert_null(sim_bar1_window(bus.gpu, VA, PAGE, false, false));
	bus_close(&bus);
	mapped_as_memory(&bus);
	assert_true(sim_lands_at_once(bus.gpu));
	assert_non_null(sim_bar1_direct(bus.gpu, VA, false));
	sim_bar1_write(bus.gpu, VA, 8, 0x1234);
	assert_int_equal(bus_peek(&bus, A), 0x1234);
	bus_vram_wr(&bus, B, 0x5678);
	assert_int_equal(bus_peek(&bus, B), 0x5678);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
}

/* The model can't see a read through a pointer, so no write waits for one. */
static void a_pointer_reads_what_was_written_by_access_before(void **state)
{
	struct bus bus;
	uint64_t *p;

	(void)state;
	mapped(&bus);
	sim_bar1_write(bus.gpu, VA, 8, 0x1111);
	p = window(&bus, VA, 2 * PAGE, true);
	assert_int_equal(p[0], 0x1111);
	sim_bar1_write(bus.gpu, VA, 8, 0x2222);
	assert_int_equal(p[0], 0x2222);
	sim_bar1_munmap(bus.gpu, p, 2 * PAGE);
	bus_close(&bus);
}

static void memory_in_one_piece_needs_no_window_of_its_own(void **state)
{
	struct bus bus;
	struct tables t;
	uint64_t *p;

	(void)state;
	t = mapped_as_memory(&bus);
	bus_map(&bus, &t, VA + 2 * PAGE, bus_pte(&bus, B + PAGE));
	p = sim_bar1_window(bus.gpu, VA + PAGE, 2 * PAGE, true, false);
	assert_non_null(p);
	assert_ptr_equal(p, sim_bar1_direct(bus.gpu, VA + PAGE, true));
	assert_int_equal(p[0], 0xbbbb);
	p[PAGE / 8] = 0x77;
	assert_int_equal(bus_peek(&bus, B + PAGE), 0x77);
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
}

static void pieces_of_memory_are_put_together_if_that_is_asked_for(void **state)
{
	unsigned long long before;
	struct bus bus;
	struct tables t;
	uint64_t *p;

	(void)state;
	t = mapped_as_memory(&bus);
	assert_null(sim_bar1_window(bus.gpu, VA, 2 * PAGE, true, false));
	before = *sim_bar1_generation(bus.gpu);
	p = sim_bar1_window(bus.gpu, VA, 2 * PAGE, true, true);
	assert_non_null(p);
	assert_int_equal(*sim_bar1_generation(bus.gpu), before);
	assert_int_equal(p[0], 0xaaaa);
	assert_int_equal(p[PAGE / 8], 0xbbbb);

	/* It says nothing of what comes after; the generation does. */
	bus_map(&bus, &t, VA, bus_pte(&bus, B));
	assert_int_not_equal(*sim_bar1_generation(bus.gpu), before);
	assert_int_equal(p[0], 0xaaaa);
	sim_bar1_window_end(bus.gpu, p, 2 * PAGE);
	assert_false(survives(p, false));
	bus_close(&bus);
}

static void no_more_pieces_are_put_together_than_a_process_can_spare(void **state)
{
	unsigned int given = 0;
	uint64_t *p[8193];
	struct bus bus;
	struct tables t;

	(void)state;
	t = mapped_as_memory(&bus);
	bus_map(&bus, &t, VA + 2 * PAGE, bus_pte(&bus, A));
	while (given < 8193 &&
	       (p[given] = sim_bar1_window(bus.gpu, VA, 2 * PAGE, false, true)) != NULL)
		given++;
	assert_int_equal(given, 8192);	/* of two pieces each */
	assert_null(sim_bar1_window(bus.gpu, VA, 3 * PAGE, false, true));
	sim_bar1_window_end(bus.gpu, p[--given], 2 * PAGE);
	assert_null(sim_bar1_window(bus.gpu, VA, 3 * PAGE, false, true));
	p[given] = sim_bar1_window(bus.gpu, VA, 2 * PAGE, false, true);
	assert_non_null(p[given++]);
	while (given)
		sim_bar1_window_end(bus.gpu, p[--given], 2 * PAGE);
	bus_close(&bus);
}

static void what_leads_nowhere_has_no_window_and_counts_no_fault(void **state)
{
	struct bus bus;

	(void)state;
	mapped_as_memory(&bus);
	assert_null(sim_bar1_window(bus.gpu, VA, 3 * PAGE, false, true));
	assert_null(sim_bar1_window(bus.gpu, VA + 2 * PAGE, PAGE, false, true));
	assert_null(sim_bar1_direct(bus.gpu, VA + 2 * PAGE, false));
	assert_int_equal(sim_driver_errors(bus.gpu), 0);
	bus_close(&bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pointer_reads_and_writes_the_pages_behind_the_aperture),
		cmocka_unit_test(a_pointer_follows_completed_invalidates),
		cmocka_unit_test(a_window_is_all_or_nothing),
		cmocka_unit_test(windows_work_in_physical_mode_and_over_files),
		cmocka_unit_test(the_aperture_is_memory_only_where_writes_land_at_once),
		cmocka_unit_test(a_pointer_reads_what_was_written_by_access_before),
		cmocka_unit_test(memory_in_one_piece_needs_no_window_of_its_own),
		cmocka_unit_test(pieces_of_memory_are_put_together_if_that_is_asked_for),
		cmocka_unit_test(no_more_pieces_are_put_together_than_a_process_can_spare),
		cmocka_unit_test(what_leads_nowhere_has_no_window_and_counts_no_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
