// SPDX-License-Identifier: MIT
/* Visiting and walking page tables that lie in a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <nvbar_compat.h>

#include "tree.h"

/*
 * Tables of format v3, 4 KiB each; the entries' forms are those of hardware.md
 * 7: a PDE in VRAM is its address | 2, a PTE in VRAM its address | 1.
 */
enum { PD4, PD3, PD2, PD1, PD0, PT64K, PT4K, NR_TABLES };

#define PDE(table)	((u64)(table) << 12 | 2)
#define PTE(pa)		((u64)(pa) | 1)
#define VA_LIMIT	SZ_64M

static u64 memory[NR_TABLES][512];
static int fails[NR_TABLES];	/* what reading the table gives */
static int result;		/* what the visitor gives ... */
static unsigned int result_at;	/* ... for an entry, or a table, of this level */
static unsigned int nr_tables, nr_entries;

static int read_words(void *ctx, enum nvbar_aperture aperture, u64 pa, u64 *words, size_t nr)
{
	u64 table = pa >> 12;

	(void)ctx;
	assert_int_equal(aperture, NVBAR_APERTURE_VID);
	assert_true(table < NR_TABLES);
	if (!fails[table])
		memcpy(words, &memory[table][(pa & 0xfff) / 8], 8 * nr);
	return fails[table];
}

static const struct nvbar_walk_space space = {
	.fmt = &nvbar_mmu_ver3, .page_sizes = SZ_4K | SZ_64K | SZ_2M, .read = read_words,
};

static struct nvbar_tree_bounds bounds = { .region = { 0, sizeof(memory) } };

/* VA 0 in a 64 KiB page, 0x10000 in a 4 KiB page, 2 MiB in a 2 MiB page. */
static void start(void)
{
	memset(memory, 0, sizeof(memory));
	memset(fails, 0, sizeof(fails));
	bounds.va_limit = VA_LIMIT;
	result = 0;
	nr_tables = 0;
	nr_entries = 0;
	memory[PD4][0] = PDE(PD3);
	memory[PD3][0] = PDE(PD2);
	memory[PD2][0] = PDE(PD1);
	memory[PD1][0] = PDE(PD0);
	memory[PD0][0] = PDE(PT64K);
	memory[PD0][1] = PDE(PT4K);
	memory[PD0][2] = PTE(SZ_2M);
	memory[PT64K][0] = PTE(SZ_64K);
	memory[PT4K][16] = PTE(SZ_128K);
}

static int on_table(void *ctx, const struct nvbar_tree_table *table, const u64 *words)
{
	(void)ctx;
	(void)words;
	nr_tables++;
	return table->level == result_at ? result : 0;
}

static int on_entry(void *ctx, const struct nvbar_tree_table *table, u32 index, const u64 *raw)
{
	(void)ctx;
	(void)index;
	(void)raw;
	nr_entries++;
	return table->level == result_at ? result : 0;
}

static int visit(bool tables, bool entries)
{
	const struct nvbar_tree_visitor visitor = {
		.table = tables ? on_table : NULL,
		.entry = entries ? on_entry : NULL,
	};

	nr_tables = 0;
	nr_entries = 0;
	return nvbar_tree_visit(&space, &bounds, &visitor);
}

static void assert_met(unsigned int tables, unsigned int entries)
{
	assert_int_equal(nr_tables, tables);
	assert_int_equal(nr_entries, entries);
}

static void a_visitor_meets_each_table_and_entry_once(void **state)
{
	(void)state;
	start();
	assert_int_equal(visit(true, true), 0);
	assert_met(7, 8);
	assert_int_equal(visit(true, false), 0);
	assert_met(7, 0);
	assert_int_equal(visit(false, true), 0);
	assert_met(0, 8);
}

static void a_visitors_error_ends_the_visit(void **state)
{
	(void)state;
	start();
	result = -EIO;
	result_at = 1;
	assert_int_equal(visit(true, false), -EIO);
	assert_met(5, 0);
	assert_int_equal(visit(false, true), -EIO);
	assert_met(0, 5);
	/* The table of 64 KiB pages comes before that of 4 KiB ones. */
	result_at = 0;
	assert_int_equal(visit(true, false), -EIO);
	assert_met(6, 0);
}

static void a_table_that_cannot_be_read_is_passed_over(void **state)
{
	(void)state;
	start();
	fails[PT64K] = -EFAULT;
	assert_int_equal(visit(true, true), 0);
	assert_met(6, 7);
	fails[PT64K] = -ENODEV;
	assert_int_equal(visit(true, true), -ENODEV);
}

static void no_table_is_entered_that_nothing_points_to(void **state)
{
	(void)state;
	start();
	/* With bit 0 set the second word of a dual PDE points to no table. */
	memory[PD0][1] |= 1;
	memory[PD3][1] = 1 << 3;	/* sparse */
	memory[PD0][2 * (VA_LIMIT / SZ_2M)] = PDE(PT64K);
	assert_int_equal(visit(true, true), 0);
	assert_met(6, 9);
}

/* Its entries count, but what they lead to was met before. */
static void a_table_is_entered_once_at_each_level(void **state)
{
	(void)state;
	start();
	bounds.va_limit = SZ_1G;
	memory[PD1][1] = PDE(PD0);
	memory[PD0][4] = PDE(PT64K);
	memory[PD0][5] = PDE(PT4K);
	assert_int_equal(visit(true, true), 0);
	assert_met(7, 10);
	/* The same memory as another table, a loop among them */
	memory[PD0][6] = PDE(PT4K);
	memory[PD0][9] = PDE(PD0);
	assert_int_equal(visit(true, false), 0);
	assert_met(9, 0);
}

static void a_table_outside_the_region_is_not_entered(void **state)
{
	(void)state;
	start();
	memory[PD0][3] = PDE(NR_TABLES);
	memory[PD0][4] = PDE(NR_TABLES + 1);
	memory[PD0][5] = (u64)PT4K << 12 | 4;	/* system memory */
	assert_int_equal(visit(true, false), 0);
	assert_met(7, 0);
}

static void a_visit_needs_memory(void **state)
{
	unsigned long nth;

	(void)state;
	start();
	for (nth = 1; nth <= 2; nth++) {
		compat_alloc_fail_nth(nth, false);
		assert_int_equal(visit(true, true), -ENOMEM);
	}
	compat_alloc_fail_nth(0, false);
}

static void assert_walk(u64 va, enum nvbar_walk_end end, u64 pa)
{
	struct nvbar_walk_result res;

	assert_int_equal(nvbar_mmu_walk(&space, va, &res), 0);
	assert_int_equal(res.end, end);
	if (end == NVBAR_WALK_END_OK)
		assert_int_equal(res.pa, pa);
}

static void a_walk_asks_the_64_kib_table_first(void **state)
{
	(void)state;
	start();
	assert_walk(0x1234, NVBAR_WALK_END_OK, SZ_64K + 0x1234);
	assert_walk(0x10234, NVBAR_WALK_END_OK, SZ_128K + 0x234);
	assert_walk(SZ_2M + 5, NVBAR_WALK_END_OK, SZ_2M + 5);
	assert_walk(SZ_4M, NVBAR_WALK_END_INVALID, 0);
	/* With bit 0 set the second word points to no table. */
	memory[PD0][1] |= 1;
	assert_walk(0x10234, NVBAR_WALK_END_INVALID, 0);
}

static void a_walk_ends_where_a_table_cannot_be_read(void **state)
{
	struct nvbar_walk_result res;

	(void)state;
	start();
	fails[PT64K] = -EFAULT;
	assert_walk(0, NVBAR_WALK_END_UNREADABLE, 0);
	fails[PT64K] = 0;
	fails[PD2] = -EFAULT;
	assert_walk(0, NVBAR_WALK_END_UNREADABLE, 0);
	fails[PD2] = -ENODEV;
	assert_int_equal(nvbar_mmu_walk(&space, 0, &res), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_visitor_meets_each_table_and_entry_once),
		cmocka_unit_test(a_visitors_error_ends_the_visit),
		cmocka_unit_test(a_table_that_cannot_be_read_is_passed_over),
		cmocka_unit_test(no_table_is_entered_that_nothing_points_to),
		cmocka_unit_test(a_table_is_entered_once_at_each_level),
		cmocka_unit_test(a_table_outside_the_region_is_not_entered),
		cmocka_unit_test(a_visit_needs_memory),
		cmocka_unit_test(a_walk_asks_the_64_kib_table_first),
		cmocka_unit_test(a_walk_ends_where_a_table_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
