// SPDX-License-Identifier: MIT
/*
 * Access where the aperture is memory to this CPU, on an aperture that the
 * test plays: which memory it is changes, and the generation with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "access.h"

#define NR_PAGES	4
#define SIZE		(NR_PAGES * SZ_4K)

static u8 memory[2][SIZE];	/* what the aperture may be ... */
static u8 *aperture;		/* ... and is */
static u64 generation;
static bool one_piece;
static bool gone;
static unsigned int nr_slow;	/* accesses that went over the bus ... */
static size_t nr_slow_bytes;	/* ... and what the last block read there had */
static unsigned int nr_barriers;
static unsigned int nr_windows, nr_remapped, nr_ended;

static struct nvbar_gpu gpu;
static struct nvbar_access access;

static u64 bar0_read(void *hw, u32 off, unsigned int width)
{
	(void)hw;
	(void)width;
	if (gone)
		return 0xffffffff;
	/* What it is, and no fault */
	return off ? 0 : 0x180000a1;
}

static u64 bar1_read(void *hw, u64 off, unsigned int width)
{
	u64 val = 0;

	(void)hw;
	nr_slow++;
	memcpy(&val, aperture + off, width);
	return gone ? GENMASK_ULL(8 * width - 1, 0) : val;
}

static void bar1_write(void *hw, u64 off, unsigned int width, u64 val)
{
	(void)hw;
	nr_slow++;
	memcpy(aperture + off, &val, width);
}

static void bar1_copy_from(void *hw, void *dst, u64 off, size_t len)
{
	(void)hw;
	nr_slow++;
	nr_slow_bytes = len;
	if (gone)
		memset(dst, 0xff, len);
	else
		memcpy(dst, aperture + off, len);
}

static void bar1_copy_to(void *hw, u64 off, const void *src, size_t len)
{
	(void)hw;
	nr_slow++;
	memcpy(aperture + off, src, len);
}

static void *bar1_direct(void *hw, u64 off, bool write)
{
	(void)hw;
	(void)write;
	return aperture + off;
}

static void *bar1_window(void *hw, u64 off, u64 len, bool write, bool remap)
{
	(void)hw;
	(void)write;
	assert_true(off + len <= SIZE);
	if (!one_piece && !remap)
		return NULL;
	nr_windows++;
	nr_remapped += remap;
	return aperture + off;
}

static void bar1_window_end(void *hw, void *cpu, u64 len)
{
	(void)hw;
	(void)cpu;
	assert_int_equal(len, SIZE);
	nr_ended++;
}

static void write_barrier(void *hw)
{
	(void)hw;
	assert_int_equal(nr_slow, 0);
	nr_barriers++;
}

static const struct nvbar_hw_ops ops = {
	.bar0_read = bar0_read,
	.bar1_read = bar1_read,
	.bar1_write = bar1_write,
	.bar1_copy_from = bar1_copy_from,
	.bar1_copy_to = bar1_copy_to,
	.bar1_direct = bar1_direct,
	.bar1_window = bar1_window,
	.bar1_window_end = bar1_window_end,
	.write_barrier = write_barrier,
};

/* Both memories are told apart by every byte. */
static int start(void **state)
{
	(void)state;
	memset(memory[0], 0x11, SIZE);
	memset(memory[1], 0x22, SIZE);
	aperture = memory[0];
	generation = 1;
	one_piece = gone = false;
	nr_slow = nr_barriers = nr_windows = nr_remapped = nr_ended = 0;
	gpu = (struct nvbar_gpu){ .ops = &ops, .boot0 = 0x180000a1 };
	mutex_init(&gpu.vmm.lock);
	access = (struct nvbar_access){
		.size = SIZE, .generation = &generation, .gpu = &gpu,
		.writable = true, .ordinary = true, .live = true,
	};
	return 0;
}

static int stop(void **state)
{
	(void)state;
	nvbar_access_forget(&access);
	mutex_destroy(&gpu.vmm.lock);
	return atomic64_read(&gpu.direct.bytes) != 0;
}

/* The aperture becomes other memory, as after an invalidate. */
static void change(void)
{
	generation++;
	aperture = aperture == memory[0] ? memory[1] : memory[0];
}

static u64 rd32(u64 off)
{
	u64 val;

	assert_int_equal(nvbar_access_rd(&access, off, 4, &val), 0);
	return val;
}

/* Until single accesses no longer take the bus. */
static void use_much(u64 off)
{
	unsigned int i;

	for (i = 0; i < 100; i++)
		rd32(off);
	nr_slow = 0;
	rd32(off);
	assert_int_equal(nr_slow, 0);
}

static void a_looked_up_page_is_used_until_the_generation_moves_on(void **state)
{
	u8 got[16], want[16];

	(void)state;
	use_much(0);
	change();
	assert_int_equal(rd32(0), 0x22222222);
	change();
	memset(want, 0x11, sizeof(want));
	assert_int_equal(nvbar_access_copy_from(&access, 0, got, sizeof(got)), 0);
	assert_memory_equal(got, want, sizeof(got));
	change();
	assert_int_equal(nvbar_access_wr(&access, 8, 4, 0x33333333), 0);
	assert_int_equal(memory[1][8], 0x33);
	assert_int_equal(memory[0][8], 0x11);
}

static void a_newer_page_does_not_renew_the_older_ones(void **state)
{
	(void)state;
	use_much(0);
	use_much(SZ_4K);
	change();
	use_much(0);
	assert_int_equal(rd32(SZ_4K), 0x22222222);
}

/* ... which is as long as the pages that are not known, though the block goes on. */
static void a_known_page_ends_the_copy_over_the_bus_before_it(void **state)
{
	u8 got[16], want[16];

	(void)state;
	use_much(SZ_4K);
	memset(memory[0] + SZ_4K, 0x44, 8);
	memset(want, 0x11, 8);
	memset(want + 8, 0x44, 8);
	assert_int_equal(nvbar_access_copy_from(&access, SZ_4K - 8, got, sizeof(got)), 0);
	assert_memory_equal(got, want, sizeof(got));
	assert_int_equal(nr_slow, 1);
	assert_int_equal(nr_slow_bytes, 8);
}

static void copy_all(u8 want)
{
	static u8 got[SIZE], expected[SIZE];

	memset(expected, want, SIZE);
	assert_int_equal(nvbar_access_copy_from(&access, 0, got, SIZE), 0);
	assert_memory_equal(got, expected, SIZE);
}

static void a_window_is_used_until_the_generation_moves_on(void **state)
{
	unsigned int i;

	(void)state;
	one_piece = true;
	for (i = 0; i < 4; i++)
		copy_all(0x11);
	assert_int_equal(nr_windows, 1);
	change();
	copy_all(0x22);
	assert_int_equal(rd32(SZ_8K), 0x22222222);
	change();
	assert_int_equal(rd32(SZ_8K), 0x11111111);
	assert_int_equal(nr_ended, 0);
}

static void a_page_needs_no_window(void **state)
{
	u8 got[SZ_4K];
	unsigned int i;

	(void)state;
	one_piece = true;
	access.size = SZ_4K;
	for (i = 0; i < 100; i++)
		assert_int_equal(nvbar_access_copy_from(&access, 0, got, SZ_4K), 0);
	assert_int_equal(nr_windows, 0);
}

/* access.h: each is kept to the end of the handle, as somebody may be reading it. */
static void windows_put_together_are_few_and_end_with_the_handle(void **state)
{
	unsigned int i, round;

	(void)state;
	for (round = 0; round < 2 * NVBAR_REMAPPED_MAX; round++) {
		for (i = 0; i < 40; i++)
			copy_all(round % 2 ? 0x22 : 0x11);
		change();
	}
	assert_int_equal(nr_remapped, NVBAR_REMAPPED_MAX);
	assert_int_equal(nr_ended, 0);
	nvbar_access_forget(&access);
	assert_int_equal(nr_ended, NVBAR_REMAPPED_MAX);
}

static void a_gpu_that_is_gone_is_noticed_on_the_bus_and_in_memory(void **state)
{
	u8 got[SIZE];
	u64 val;

	(void)state;
	use_much(0);
	memset(memory[0], 0xff, SIZE);
	assert_int_equal(rd32(0), 0xffffffff);
	assert_int_equal(nvbar_access_copy_from(&access, 0, got, 100), 0);
	gone = true;
	assert_int_equal(nvbar_access_rd(&access, 0, 4, &val), -ENODEV);
	assert_int_equal(nvbar_access_rd(&access, 3 * SZ_4K, 8, &val), -ENODEV);
	assert_int_equal(nvbar_access_copy_from(&access, 0, got, 100), -ENODEV);
	assert_int_equal(nvbar_access_copy_from(&access, 100, got, SIZE - 100), -ENODEV);
	assert_null(nvbar_access_block_to(&access, 8, 8));
}

/* What is all ones at its end may be no data, though the page is known. */
static void a_block_is_read_at_once_only_if_it_is_data_in_bounds(void **state)
{
	(void)state;
	use_much(0);
	assert_ptr_equal(nvbar_access_block_from(&access, 8, 100), memory[0] + 8);
	assert_ptr_equal(nvbar_access_block_to(&access, 8, 100), memory[0] + 8);
	memory[0][107] = 0xff;
	assert_null(nvbar_access_block_from(&access, 8, 100));
	assert_ptr_equal(nvbar_access_block_from(&access, 8, 99), memory[0] + 8);
	assert_ptr_equal(nvbar_access_block_to(&access, 8, 100), memory[0] + 8);

	assert_null(nvbar_access_block_from(&access, 8, 0));
	assert_null(nvbar_access_block_from(&access, SZ_4K - 8, 9));
	assert_null(nvbar_access_block_from(&access, SIZE - 8, 9));
	assert_null(nvbar_access_block_from(&access, ~0ULL, 2));
	access.writable = false;
	assert_null(nvbar_access_block_to(&access, 8, 8));
	assert_non_null(nvbar_access_block_from(&access, 8, 8));
	access.ordinary = false;
	assert_null(nvbar_access_block_from(&access, 8, 8));
	access.ordinary = true;
	change();
	assert_null(nvbar_access_block_from(&access, 8, 8));
}

/* access.h: a read through the same aperture pushes the writes before it. */
static void a_flush_reads_after_the_barrier_though_the_page_is_known(void **state)
{
	(void)state;
	use_much(0);
	assert_int_equal(nvbar_access_flush(&access), 0);
	assert_int_equal(nr_barriers, 1);
	assert_int_equal(nr_slow, 1);
	nr_slow = 0;
	gone = true;
	assert_int_equal(nvbar_access_flush(&access), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_looked_up_page_is_used_until_the_generation_moves_on, start, stop),
		cmocka_unit_test_setup_teardown(a_newer_page_does_not_renew_the_older_ones, start,
						stop),
		cmocka_unit_test_setup_teardown(a_known_page_ends_the_copy_over_the_bus_before_it,
						start, stop),
		cmocka_unit_test_setup_teardown(a_window_is_used_until_the_generation_moves_on,
						start, stop),
		cmocka_unit_test_setup_teardown(a_page_needs_no_window, start, stop),
		cmocka_unit_test_setup_teardown(
			windows_put_together_are_few_and_end_with_the_handle, start, stop),
		cmocka_unit_test_setup_teardown(
			a_gpu_that_is_gone_is_noticed_on_the_bus_and_in_memory, start, stop),
		cmocka_unit_test_setup_teardown(
			a_block_is_read_at_once_only_if_it_is_data_in_bounds, start, stop),
		cmocka_unit_test_setup_teardown(
			a_flush_reads_after_the_barrier_though_the_page_is_known, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
