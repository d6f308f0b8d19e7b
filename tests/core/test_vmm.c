// SPDX-License-Identifier: MIT
/*
 * The driver on the modelled GPU, seen from inside: what it leaves behind when
 * the GPU does not answer, and what its parts may see of each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "attach.h"
#include "bar_user.h"
#include "check.h"
#include "gpu.h"
#include "sim.h"

/* A modelled GPU that can go away and come back, and a note of what was done to it. */
static struct sim_gpu *sim;
static struct nvbar_gpu gpu;
static bool gone;
static char order[4096];	/* b write barrier, p PRAMIN write, r PRAMIN read, i invalidate */
static size_t nr_order;

static void note(char what)
{
	if (nr_order < sizeof(order) - 1 && (!nr_order || order[nr_order - 1] != what))
		order[nr_order++] = what;
	order[nr_order] = '\0';
}

static bool is_pramin(u32 off)
{
	return off >= 0x700000 && off < 0x800000;
}

static u64 hw_read(void *hw, u32 off, unsigned int width)
{
	(void)hw;
	if (is_pramin(off))
		note('r');
	return gone ? ~0ULL >> (64 - 8 * width) : sim_bar0_read(sim, off, width);
}

static void hw_write(void *hw, u32 off, unsigned int width, u64 val)
{
	(void)hw;
	if (is_pramin(off))
		note('p');
	if (off == 0xb830b0)
		note('i');
	if (!gone)
		sim_bar0_write(sim, off, width, val);
}

static void hw_read_words(void *hw, u32 off, u64 *dst, size_t nr)
{
	for (; nr; nr--, off += 8)
		*dst++ = hw_read(hw, off, 8);
}

static void hw_write_words(void *hw, u32 off, const u64 *src, size_t nr)
{
	for (; nr; nr--, off += 8)
		hw_write(hw, off, 8, *src++);
}

static u64 hw_bar1_read(void *hw, u64 off, unsigned int width)
{
	(void)hw;
	return sim_bar1_read(sim, off, width);
}

static void hw_bar1_fill(void *hw, u64 off, u32 pattern, size_t len)
{
	(void)hw;
	sim_bar1_fill(sim, off, pattern, len);
}

static void hw_write_barrier(void *hw)
{
	(void)hw;
	note('b');
}

static const struct nvbar_hw_ops ops = {
	.bar0_read = hw_read,
	.bar0_write = hw_write,
	.bar0_read_words = hw_read_words,
	.bar0_write_words = hw_write_words,
	.bar1_read = hw_bar1_read,
	.bar1_fill = hw_bar1_fill,
	.write_barrier = hw_write_barrier,
};

static int start_with(u64 bar1_size)
{
	const struct sim_config cfg = { .chip = "gh100", .bar1_size = bar1_size };

	gone = false;
	memset(&gpu, 0, sizeof(gpu));
	if (sim_create(&cfg, &sim, NULL, 0))
		return -1;
	return nvbar_gpu_attach(&gpu, &ops, NULL, bar1_size, 0);
}

static int start(void **state)
{
	(void)state;
	return start_with(SZ_64M);
}

static int start_large(void **state)
{
	(void)state;
	return start_with(SZ_1G);
}

static int stop(void **state)
{
	u64 errors;

	(void)state;
	nvbar_gpu_detach(&gpu);
	nvbar_gpu_free_handles(&gpu, 0);
	errors = sim_driver_errors(sim);
	sim_destroy(sim);
	return errors != 0;
}

static struct nvbar_span every_other_page(const void *arg, size_t i)
{
	return (struct nvbar_span){ *(const u64 *)arg + 2 * i * SZ_4K, SZ_4K };
}

static struct nvbar_access *map_scattered(u64 pa, size_t nr)
{
	const struct nvbar_bar_user_opts opts = { .flags = NVBAR_VMM_PRIVATE };
	const struct nvbar_spans spans = { every_other_page, &pa, nr };
	struct nvbar_access *access = nvbar_bar_user_map(&gpu, &spans, &opts);

	assert_false(IS_ERR(access));
	return access;
}

static struct nvbar_access *map_page_at(u64 va)
{
	const struct nvbar_bar_user_opts opts = { .flags = NVBAR_VMM_FIXED, .va = va };
	const u64 pa = SZ_1G;
	const struct nvbar_spans spans = { every_other_page, &pa, 1 };

	return nvbar_bar_user_map(&gpu, &spans, &opts);
}

static void assert_consistent(void)
{
	struct nvbar_check check = { 0 };

	assert_int_equal(nvbar_check_run(&gpu, &check), 0);
}

static void a_range_is_quarantined_until_an_invalidate_succeeds(void **state)
{
	struct nvbar_access *access = map_scattered(SZ_1G, SZ_64M / SZ_4K);

	(void)state;
	gone = true;
	assert_int_equal(nvbar_bar_user_release(access), -ENODEV);
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), 0);
	gone = false;

	/* The whole aperture is in quarantine; who needs room asks the GPU again. */
	access = map_scattered(SZ_1G, 1);
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), SZ_64M - SZ_4K);
	assert_int_equal(nvbar_bar_user_release(access), 0);
	assert_consistent();
}

static void a_trim_ends_the_quarantine(void **state)
{
	struct nvbar_access *access = map_scattered(SZ_1G, 3);

	(void)state;
	gone = true;
	assert_int_equal(nvbar_bar_user_release(access), -ENODEV);
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), SZ_64M - 3 * SZ_4K);
	nvbar_vmm_trim(&gpu);
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), SZ_64M - 3 * SZ_4K);
	gone = false;
	nvbar_vmm_trim(&gpu);
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), SZ_64M);
	assert_consistent();
}

static void a_mapping_that_the_gpu_does_not_confirm_is_undone(void **state)
{
	const struct nvbar_bar_user_opts opts = { 0 };
	u64 pa = SZ_1G;
	const struct nvbar_spans spans = { every_other_page, &pa, 700 };

	(void)state;
	gone = true;
	assert_ptr_equal(nvbar_bar_user_map(&gpu, &spans, &opts), ERR_PTR(-ENODEV));
	gone = false;
	nvbar_vmm_trim(&gpu);
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), SZ_64M);
}

/* What the CPU still buffers must not arrive after its entry is gone. */
static void buffered_writes_leave_before_entries_are_cleared(void **state)
{
	struct nvbar_access *access = map_scattered(SZ_1G, 2);

	(void)state;
	nr_order = 0;
	assert_int_equal(nvbar_bar_user_release(access), 0);
	assert_string_equal(order, "bpri");
}

static void a_check_between_fill_and_map_finds_nothing(void **state)
{
	const struct nvbar_pte attr = { .state = NVBAR_ENTRY_VALID };
	u64 pa = SZ_1G;
	const struct nvbar_spans spans = { every_other_page, &pa, 1024 };
	const struct nvbar_shape shape = { SZ_4M, 1024, { SZ_1G, SZ_4K }, 0 };
	const struct nvbar_vmm_request req = {
		.len = SZ_4M, .spans = &spans, .shape = &shape, .flags = NVBAR_VMM_PRIVATE,
	};
	struct nvbar_mapping *mapping;
	struct nvbar_pt_plan plan;

	(void)state;
	/* A warm table in the first of the two slots. */
	assert_int_equal(nvbar_bar_user_release(map_scattered(SZ_2G, 1)), 0);
	assert_true(gpu.vmm.pt.level[0].table[0].linked);

	mapping = nvbar_vmm_reserve(&gpu, &req);
	assert_false(IS_ERR(mapping));
	assert_int_equal(mapping->node.start, 0);
	plan = (struct nvbar_pt_plan){
		.len = SZ_4M, .spans = &spans, .page_sizes = SZ_4K,
	};
	assert_true(nvbar_pt_fill(&gpu, &plan, &attr));
	assert_consistent();
	/* The shadow of a table that nobody sees may be filled again. */
	assert_int_equal(nvbar_vmm_map(&gpu, mapping, &spans, &shape), 0);
	assert_consistent();
	assert_int_equal(nvbar_vmm_unmap(&gpu, mapping), 0);
}

static void one_unmap_leaves_no_more_warm_tables_than_allowed(void **state)
{
	struct nvbar_access *access[300];
	unsigned int i;

	(void)state;
	/*
	 * A page in each of 300 slots, of two directories.  The first and the last
	 * one stay for now: directories without users come on top of the limit.
	 */
	assert_true((ARRAY_SIZE(access) - 2) * SZ_4K > NVBAR_PT_WARM_MAX);
	for (i = 0; i < ARRAY_SIZE(access); i++) {
		access[i] = map_page_at((u64)i * SZ_2M);
		assert_false(IS_ERR(access[i]));
	}
	for (i = 1; i < ARRAY_SIZE(access) - 1; i++) {
		assert_int_equal(nvbar_bar_user_release(access[i]), 0);
		assert_true(gpu.vmm.pt.warm_bytes <= NVBAR_PT_WARM_MAX);
	}
	assert_int_equal(gpu.vmm.pt.warm_bytes, NVBAR_PT_WARM_MAX);
	assert_consistent();
	assert_int_equal(nvbar_bar_user_release(access[0]), 0);
	assert_int_equal(nvbar_bar_user_release(access[ARRAY_SIZE(access) - 1]), 0);
	nvbar_vmm_trim(&gpu);
	assert_int_equal(gpu.vmm.pt.warm_bytes, 0);
	assert_int_equal(gpu.vmm.pt.linked_bytes, 4096);
}

static void quarantine_keeps_nobody_from_other_ranges(void **state)
{
	struct nvbar_access *first = map_page_at(0), *second = map_page_at(SZ_4M), *access;

	(void)state;
	gone = true;
	assert_int_equal(nvbar_bar_user_release(first), -ENODEV);
	/* A dead GPU can't give the range back. */
	assert_int_equal(PTR_ERR(map_page_at(0)), -ENODEV);
	gone = false;

	/* What is held is held, quarantine or not. */
	assert_int_equal(PTR_ERR(map_page_at(SZ_4M)), -EEXIST);
	access = map_page_at(0);
	assert_false(IS_ERR(access));
	assert_int_equal(nvbar_bar_user_release(access), 0);
	assert_int_equal(nvbar_bar_user_release(second), 0);
	assert_consistent();
}

static void tables_that_a_dead_gpu_was_to_zero_are_zeroed_later(void **state)
{
	u64 all, val;

	(void)state;
	/* The window has to move, and it is seen that it does not. */
	assert_int_equal(nvbar_pramin_rd(&gpu, 0, 8, &val), 0);
	gone = true;
	assert_int_equal(nvbar_vmm_zero_tables(&gpu, U64_MAX), 0);
	gone = false;

	/* It need not, and only the ordering read finds out. */
	assert_int_equal(nvbar_pramin_rd(&gpu, gpu.reserved_pa, 8, &val), 0);
	gone = true;
	assert_int_equal(nvbar_vmm_zero_tables(&gpu, SZ_4K), 0);
	gone = false;

	nvbar_vmm_trim(&gpu);
	all = nvbar_vmm_zero_tables(&gpu, U64_MAX);
	assert_true(all > SZ_64M / SZ_2M * SZ_4K);
	assert_int_equal(nvbar_vmm_zero_tables(&gpu, U64_MAX), 0);
	assert_int_equal(nvbar_bar_user_release(map_scattered(SZ_1G, 3000)), 0);
	assert_consistent();
}

static void what_is_not_mapped_is_invalid_in_the_shadow(void **state)
{
	struct nvbar_access *access;
	struct nvbar_pte pte;

	(void)state;
	nvbar_pt_lookup(&gpu, SZ_4M, &pte);
	assert_int_equal(pte.state, NVBAR_ENTRY_INVALID);
	access = map_page_at(SZ_4M);
	assert_false(IS_ERR(access));
	assert_int_equal(nvbar_pt_lookup(&gpu, SZ_4M, &pte), 12);
	assert_int_equal(pte.state, NVBAR_ENTRY_VALID);
	assert_int_equal(pte.addr, SZ_1G);
	/* The same table, and one of the same directory. */
	nvbar_pt_lookup(&gpu, SZ_4M + SZ_4K, &pte);
	assert_int_equal(pte.state, NVBAR_ENTRY_INVALID);
	nvbar_pt_lookup(&gpu, SZ_8M, &pte);
	assert_int_equal(pte.state, NVBAR_ENTRY_INVALID);
	assert_int_equal(nvbar_bar_user_release(access), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_range_is_quarantined_until_an_invalidate_succeeds,
						start, stop),
		cmocka_unit_test_setup_teardown(a_trim_ends_the_quarantine, start, stop),
		cmocka_unit_test_setup_teardown(a_mapping_that_the_gpu_does_not_confirm_is_undone,
						start, stop),
		cmocka_unit_test_setup_teardown(buffered_writes_leave_before_entries_are_cleared,
						start, stop),
		cmocka_unit_test_setup_teardown(a_check_between_fill_and_map_finds_nothing, start,
						stop),
		cmocka_unit_test_setup_teardown(one_unmap_leaves_no_more_warm_tables_than_allowed,
						start_large, stop),
		cmocka_unit_test_setup_teardown(quarantine_keeps_nobody_from_other_ranges, start,
						stop),
		cmocka_unit_test_setup_teardown(tables_that_a_dead_gpu_was_to_zero_are_zeroed_later,
						start, stop),
		cmocka_unit_test_setup_teardown(what_is_not_mapped_is_invalid_in_the_shadow, start,
						stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
