/* SPDX-License-Identifier: MIT */
/* What stands in the tables where nothing is mapped: nothing, or sparse entries. */
#include "helper.h"

#define A	MIB(16)

static struct nvbar *open_with(const char *chip, const char *background, uint32_t flags)
{
	const struct nvbar_open_opts opts = { .size = sizeof(opts), .flags = flags };
	struct nvbar *gpu;
	char device[96];

	snprintf(device, sizeof(device), "sim:%s,vram=1G,bar1=64M,background=%s", chip, background);
	assert_ok(nvbar_open(&gpu, device, &opts));
	return gpu;
}

static void assert_unused(struct nvbar *gpu, uint32_t status)
{
	static const uint64_t unused[] = { 0, MIB(2) - 1, MIB(4) + PAGE, MIB(6), MIB(64) - PAGE };
	struct nvbar_access *a[2];
	size_t i;

	for (i = 0; i < NR_OF(unused); i++)
		assert_int_equal(walk_at(gpu, unused[i]).status, status);
	a[0] = map_fixed(gpu, MIB(4), A, PAGE);
	a[1] = map_fixed(gpu, MIB(4) + KIB(64), A, KIB(128));
	assert_int_equal(walk_at(gpu, MIB(4)).page_size, KIB(4));
	assert_int_equal(walk_at(gpu, MIB(4) + KIB(64)).page_size, KIB(64));
	assert_ok(nvbar_unmap(a[0]));
	for (i = 0; i < NR_OF(unused); i++)
		assert_int_equal(walk_at(gpu, unused[i]).status, status);
	assert_int_equal(walk_at(gpu, MIB(4)).status, status);
	assert_ok(nvbar_unmap(a[1]));
	assert_int_equal(walk_at(gpu, MIB(4) + KIB(64)).status, status);
}

static void unused_addresses_fault_or_are_sparse_as_the_device_wants(void **state)
{
	struct nvbar *gpu;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		gpu = open_with(chips[i].name, "sparse", 0);
		assert_unused(gpu, NVBAR_WALK_SPARSE);
		gpu_close(gpu);
		gpu = open_with(chips[i].name, "sparse", NVBAR_OPEN_FAULTS);
		assert_unused(gpu, NVBAR_WALK_INVALID);
		gpu_close(gpu);
		gpu = open_with(chips[i].name, "faults", 0);
		assert_unused(gpu, NVBAR_WALK_INVALID);
		gpu_close(gpu);
		/* The default */
		gpu = gpu_open("sim");
		assert_int_equal(walk_at(gpu, 0).status, NVBAR_WALK_INVALID);
		gpu_close(gpu);
	}
}

/* --- what it costs --- */

static struct nvbar_stats since(struct nvbar *gpu, struct nvbar_stats *before)
{
	struct nvbar_stats now = gpu_stats(gpu), cost = {
		.bus_reads = now.bus_reads - before->bus_reads,
		.bus_writes = now.bus_writes - before->bus_writes,
		.tlb_invalidates = now.tlb_invalidates - before->tlb_invalidates,
	};

	*before = now;
	return cost;
}

/* Of each step on one GPU and on the other; the other may write @more words. */
static void assert_same_cost(struct nvbar *gpu[2], struct nvbar_stats before[2], uint64_t more)
{
	struct nvbar_stats a = since(gpu[0], &before[0]), b = since(gpu[1], &before[1]);

	assert_int_equal(a.bus_reads, b.bus_reads);
	assert_int_equal(a.tlb_invalidates, b.tlb_invalidates);
	assert_int_equal(a.bus_writes + more, b.bus_writes);
}

#define BOTH(call)	do { for (g = 0; g < 2; g++) { call; } } while (0)

/*
 * The tables are written whole in either case.  In a dual PDE the first word is not
 * sparse while there is a table of 4 KiB leaves: that is one word more when one comes
 * into a directory that is there, or goes.
 */
static void a_sparse_background_costs_a_word_where_a_4_kib_table_comes_or_goes(void **state)
{
	struct nvbar_access *page[2], *other[2], *big[2];
	struct nvbar_stats before[2];
	struct nvbar *gpu[2];
	size_t i, g;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		gpu[0] = open_with(chips[i].name, "faults", 0);
		gpu[1] = open_with(chips[i].name, "sparse", 0);
		BOTH(before[g] = gpu_stats(gpu[g]));
		/* All tables are new, then none is, and then one */
		BOTH(page[g] = map_fixed(gpu[g], 0, A, PAGE));
		assert_same_cost(gpu, before, 0);
		BOTH(other[g] = map_fixed(gpu[g], PAGE, A, 8 * PAGE));
		assert_same_cost(gpu, before, 0);
		BOTH(assert_ok(nvbar_unmap(other[g])));
		assert_same_cost(gpu, before, 0);
		BOTH(other[g] = map_fixed(gpu[g], MIB(2), A + PAGE, PAGE));
		assert_same_cost(gpu, before, 1);
		BOTH(assert_ok(nvbar_unmap(other[g])));
		assert_same_cost(gpu, before, 0);
		/* Leaves of 64 KiB and 2 MiB where there is nothing else */
		BOTH(big[g] = map_fixed(gpu[g], MIB(8), A, MIB(1)));
		assert_same_cost(gpu, before, 0);
		BOTH(assert_ok(nvbar_unmap(big[g])));
		assert_same_cost(gpu, before, 0);
		BOTH(big[g] = map_fixed(gpu[g], MIB(16), A, MIB(8)));
		assert_same_cost(gpu, before, 0);
		BOTH(assert_ok(nvbar_unmap(big[g])));
		assert_same_cost(gpu, before, 0);
		/* A table that is dropped, as half of it is cleared */
		BOTH(other[g] = map_fixed(gpu[g], MIB(2), A + PAGE, 300 * PAGE));
		assert_same_cost(gpu, before, 0);
		BOTH(assert_ok(nvbar_unmap(other[g])));
		assert_same_cost(gpu, before, 1);
		BOTH(assert_ok(nvbar_unmap(page[g])));
		BOTH(gpu_close(gpu[g]));
	}
}

static uint64_t writes_of_a_page(struct nvbar *gpu)
{
	uint64_t before = gpu_stats(gpu).bus_writes;
	struct nvbar_access *a = map_fixed(gpu, MIB(6), A, PAGE);
	uint64_t after = gpu_stats(gpu).bus_writes;

	gpu_check(gpu);
	assert_ok(nvbar_unmap(a));
	return after - before;
}

static void tables_may_be_filled_with_it_beforehand(void **state)
{
	struct nvbar *gpu;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		gpu = open_with(chips[i].name, "sparse", 0);
		while (nvbar_zero_tables(gpu, MIB(1)))
			;
		/* A leaf table has 512 words: not one is written whole any more. */
		assert_true(writes_of_a_page(gpu) < 512);
		assert_unused(gpu, NVBAR_WALK_SPARSE);
		gpu_close(gpu);
	}
}

/* --- what is shown --- */

static int count(const struct nvbar_entry_info *info, void *arg)
{
	assert_true(info->raw[0] || info->raw[1]);
	++*(unsigned int *)arg;
	return 0;
}

static void entries_where_nothing_is_mapped_are_not_visited(void **state)
{
	unsigned int nr[2] = { 0 };
	struct nvbar_access *a[2];
	struct nvbar *gpu;
	size_t i, g;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		for (g = 0; g < 2; g++) {
			gpu = open_with(chips[i].name, g ? "sparse" : "faults", 0);
			a[0] = map_fixed(gpu, 0, A, PAGE);
			a[1] = map_fixed(gpu, MIB(3), A, MIB(1));
			nr[g] = 0;
			assert_ok(nvbar_for_each_entry(gpu, count, &nr[g]));
			assert_ok(nvbar_unmap(a[0]));
			assert_ok(nvbar_unmap(a[1]));
			gpu_close(gpu);
		}
		/* A page, 16 of 64 KiB, a dual PDE for each, and one PDE in each directory above */
		assert_int_equal(nr[0], 1 + 16 + 2 + (chips[i].mmu_version == 2 ? 3 : 4));
		assert_int_equal(nr[1], nr[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unused_addresses_fault_or_are_sparse_as_the_device_wants),
		cmocka_unit_test(a_sparse_background_costs_a_word_where_a_4_kib_table_comes_or_goes),
		cmocka_unit_test(tables_may_be_filled_with_it_beforehand),
		cmocka_unit_test(entries_where_nothing_is_mapped_are_not_visited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
