/* SPDX-License-Identifier: MIT */
/* Accounting: gauges, counters, costs, warm tables and labels. */
#include "helper.h"

#define A	MIB(64)

static void counters_of_a_fresh_gpu(struct nvbar *gpu)
{
	struct nvbar_info info = gpu_info(gpu);
	struct nvbar_stats stats = gpu_stats(gpu);

	assert_int_equal(stats.maps, 0);
	assert_int_equal(stats.unmaps, 0);
	assert_int_equal(stats.mappings, 0);
	assert_int_equal(stats.mapped_bytes, 0);
	assert_int_equal(stats.binds, 1);
	assert_int_equal(stats.va_total, info.bar1_size);
	assert_int_equal(stats.va_free, info.bar1_size);
	assert_int_equal(stats.va_largest_free, info.bar1_size);
	assert_int_equal(stats.vram_total, info.vram_usable);
	assert_int_equal(stats.vram_free, info.vram_usable);
	assert_int_equal(stats.vram_largest_free, info.vram_usable);
	assert_true(stats.page_table_bytes >= PAGE);
	assert_true(stats.page_table_bytes < info.reserved_len);
	assert_true(stats.host_bytes > 0);
	assert_true(stats.bus_reads > 0);
	assert_true(stats.window_moves > 0);
	assert_true(stats.window_moves < stats.bus_writes);
}

static void a_fresh_gpu_has_everything_free(void **state)
{
	(void)state;
	on_every_chip("", counters_of_a_fresh_gpu);
}

static void gauges_follow_each_mapping(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_stats zero = gpu_stats(gpu), one, two;
	struct nvbar_access *a, *b;

	(void)state;
	a = map_at(gpu, A, MIB(3), 0);
	one = gpu_stats(gpu);
	assert_int_equal(one.maps, 1);
	assert_int_equal(one.mappings, 1);
	assert_int_equal(one.mapped_bytes, MIB(3));
	assert_int_equal(one.va_free, zero.va_total - MIB(3));
	assert_int_equal(one.vram_free, zero.vram_free);
	assert_true(one.page_table_bytes > zero.page_table_bytes);
	assert_true(one.host_bytes > zero.host_bytes);

	b = map_fixed(gpu, MIB(128), A, PAGE);
	two = gpu_stats(gpu);
	assert_int_equal(two.maps, 2);
	assert_int_equal(two.unmaps, 0);
	assert_int_equal(two.mapped_bytes, MIB(3) + PAGE);
	assert_true(two.va_largest_free <= MIB(128));
	assert_maps_sum_to_the_aperture(gpu);

	assert_ok(nvbar_unmap(a));
	assert_ok(nvbar_unmap(b));
	two = gpu_stats(gpu);
	assert_int_equal(two.unmaps, 2);
	assert_same_space(&zero, &two);
	gpu_close(gpu);
}

/* --- costs --- */

/* What one map and one unmap of @nr scattered pages add to the counters. */
static void costs(struct nvbar *gpu, size_t nr, struct nvbar_stats *map, struct nvbar_stats *unmap)
{
	uint64_t *pfn = calloc(nr, sizeof(*pfn));
	struct nvbar_stats before, between, after;
	struct nvbar_access *a;
	size_t i;

	assert_non_null(pfn);
	for (i = 0; i < nr; i++)
		pfn[i] = A / PAGE + 2 * i;
	before = gpu_stats(gpu);
	assert_ok(nvbar_map_pages(gpu, pfn, nr, NVBAR_MAP_PRIVATE, &a));
	between = gpu_stats(gpu);
	assert_ok(nvbar_unmap(a));
	after = gpu_stats(gpu);
	free(pfn);

	map->bus_reads = between.bus_reads - before.bus_reads;
	map->tlb_invalidates = between.tlb_invalidates - before.tlb_invalidates;
	unmap->bus_reads = after.bus_reads - between.bus_reads;
	unmap->tlb_invalidates = after.tlb_invalidates - between.tlb_invalidates;
	assert_int_equal(after.binds, before.binds);
}

/* The read that orders the entries, and the one that finds the invalidate done. */
static void costs_at_any_size(struct nvbar *gpu)
{
	static const size_t nr[] = { 1, 2, 511, 512, 513, 4096, 20000, 65536 };
	struct nvbar_stats map, unmap;
	size_t i, round;

	for (i = 0; i < NR_OF(nr); i++) {
		for (round = 0; round < 3; round++) {
			costs(gpu, nr[i], &map, &unmap);
			assert_int_equal(map.tlb_invalidates, 1);
			assert_int_equal(unmap.tlb_invalidates, 1);
			assert_int_equal(map.bus_reads, 2);
			assert_int_equal(unmap.bus_reads, 2);
		}
	}
}

static void a_map_and_an_unmap_of_any_size_take_two_reads_and_one_invalidate(void **state)
{
	(void)state;
	on_every_chip("", costs_at_any_size);
}

static void accessors_are_not_counted(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_access *a = map_at(gpu, A, PAGE, 0);
	struct nvbar_stats before, after;
	uint8_t buf[256] = { 0 };
	uint32_t word;

	(void)state;
	before = gpu_stats(gpu);
	assert_ok(nvbar_write(a, 1, buf, sizeof(buf)));
	assert_ok(nvbar_read(a, 3, buf, sizeof(buf)));
	assert_ok(nvbar_fill(a, 0, 5, PAGE));
	assert_ok(nvbar_read32(a, 0, &word));
	assert_ok(nvbar_write32(a, 0, word));
	after = gpu_stats(gpu);
	assert_int_equal(after.bus_reads, before.bus_reads);
	assert_int_equal(after.bus_writes, before.bus_writes);
	assert_int_equal(after.tlb_invalidates, before.tlb_invalidates);
	assert_ok(nvbar_unmap(a));
	gpu_close(gpu);
}

static void pramin_accesses_are_counted(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_stats before, after;

	(void)state;
	pramin_rd64(gpu, A);
	before = gpu_stats(gpu);
	pramin_rd64(gpu, A + 8);
	after = gpu_stats(gpu);
	assert_int_equal(after.bus_reads, before.bus_reads + 1);
	assert_int_equal(after.bus_writes, before.bus_writes);
	assert_int_equal(after.window_moves, before.window_moves);
	/* A move of the window is a write, and a read that sees it there. */
	pramin_rd64(gpu, A + GIB(1));
	after = gpu_stats(gpu);
	assert_int_equal(after.bus_reads, before.bus_reads + 3);
	assert_int_equal(after.window_moves, before.window_moves + 1);
	assert_int_equal(after.bus_writes, before.bus_writes + 1);
	gpu_close(gpu);
}

/* --- warm tables --- */

static void trim(struct nvbar *gpu)
{
	struct nvbar_stats fresh = gpu_stats(gpu), held, now;
	struct nvbar_access *all, *one;

	all = map_at(gpu, GIB(1), gpu_info(gpu).bar1_size, 0);
	assert_ok(nvbar_unmap(all));
	nvbar_trim(gpu);
	now = gpu_stats(gpu);
	assert_int_equal(now.page_table_bytes, fresh.page_table_bytes);
	assert_int_equal(now.host_bytes, fresh.host_bytes);
	assert_same_space(&fresh, &now);
	gpu_check(gpu);

	/* A live mapping keeps its tables and nobody else's. */
	one = map_at(gpu, A, PAGE, 0);
	pramin_wr64(gpu, A, 31);
	held = gpu_stats(gpu);
	all = map_at(gpu, GIB(1), MIB(100), 0);
	assert_ok(nvbar_unmap(all));
	nvbar_trim(gpu);
	now = gpu_stats(gpu);
	assert_int_equal(now.page_table_bytes, held.page_table_bytes);
	assert_int_equal(bar1_rd64(one, 0), 31);
	assert_ok(nvbar_unmap(one));
	nvbar_trim(gpu);
	nvbar_trim(gpu);
	now = gpu_stats(gpu);
	assert_int_equal(now.page_table_bytes, fresh.page_table_bytes);

	/* And what was trimmed can be used again. */
	one = map_at(gpu, A, PAGE, 0);
	assert_int_equal(bar1_rd64(one, 0), 31);
	assert_ok(nvbar_unmap(one));
}

static void trim_gives_back_every_table_that_nobody_uses(void **state)
{
	(void)state;
	on_every_chip("", trim);
}

/*
 * Each 2 MiB of the mapping is 64 KiB leaves but for 16 pages, so that an
 * unmap leaves a table of 4 KiB leaves of which little was used.
 */
static void an_unmap_leaves_at_most_1_mib_of_tables_warm(void **state)
{
	enum { SLOTS = 512, PARTS = 17 };
	static struct nvbar_extent ext[SLOTS * PARTS];
	const struct nvbar_map_opts opts = { .size = sizeof(opts), .flags = NVBAR_MAP_FIXED };
	struct nvbar *gpu = gpu_open("sim:ga102,bar1=1G");
	uint64_t fresh = gpu_stats(gpu).page_table_bytes;
	struct nvbar_access *a;
	unsigned int i, j;

	(void)state;
	for (i = 0; i < SLOTS; i++) {
		struct nvbar_extent *slot = &ext[i * PARTS];

		slot[0] = (struct nvbar_extent){ GIB(2) + i * MIB(2) + KIB(64), MIB(2) - KIB(64) };
		for (j = 1; j < PARTS; j++)
			slot[j] = (struct nvbar_extent){ GIB(1) + (i * PARTS + j) * 2 * PAGE, PAGE };
	}
	assert_ok(nvbar_map(gpu, ext, NR_OF(ext), &opts, &a));
	assert_int_equal(walk_at(gpu, 0).page_size, KIB(64));
	assert_int_equal(walk_at(gpu, GIB(1) - 1).page_size, PAGE);
	assert_true(gpu_stats(gpu).page_table_bytes > fresh + MIB(2));
	assert_ok(nvbar_unmap(a));
	/* Directories are not dropped by an unmap: 2 of level 1, and 1 of each above. */
	assert_true(gpu_stats(gpu).page_table_bytes <= fresh + MIB(1) + 5 * PAGE);
	gpu_close(gpu);
}

/* Bus writes of mapping a page at 0. */
static uint64_t writes_of_first_page(struct nvbar *gpu)
{
	struct nvbar_stats before = gpu_stats(gpu), after;
	struct nvbar_access *a = map_fixed(gpu, 0, A, PAGE);

	after = gpu_stats(gpu);
	gpu_check(gpu);
	assert_ok(nvbar_unmap(a));
	nvbar_trim(gpu);
	return after.bus_writes - before.bus_writes;
}

static void zero_all(struct nvbar *gpu)
{
	while (nvbar_zero_tables(gpu, MIB(1)))
		;
}

/* A leaf table has 512 words: not one is written whole any more. */
static void zeroed_tables(struct nvbar *gpu)
{
	const struct nvbar_map_opts opts = { .size = sizeof(opts), .flags = NVBAR_MAP_FIXED };
	struct nvbar_prepared *prepared;

	/* All but those that a preparation holds, and then these. */
	assert_ok(nvbar_map_prepare(gpu, 1, &opts, &prepared));
	zero_all(gpu);
	nvbar_map_cancel(prepared);
	assert_true(nvbar_zero_tables(gpu, 1) > 0);
	zero_all(gpu);
	assert_int_equal(nvbar_zero_tables(gpu, 1), 0);
	assert_true(writes_of_first_page(gpu) < 512);
}

static void tables_zeroed_beforehand_cost_the_entries_alone(void **state)
{
	(void)state;
	on_every_chip(",bar1=64M", zeroed_tables);
}

/* --- who holds what --- */

struct seen {
	size_t nr;
	struct nvbar_mapping_info info[8];
};

static int see(const struct nvbar_mapping_info *info, void *arg)
{
	struct seen *seen = arg;

	assert_true(seen->nr < NR_OF(seen->info));
	seen->info[seen->nr++] = *info;
	return 0;
}

static uint64_t zero_in_pieces(uint64_t piece)
{
	struct nvbar *gpu = gpu_open("sim:ga102,bar1=64M");
	uint64_t sum = 0, done;

	for (; (done = nvbar_zero_tables(gpu, piece)) != 0; sum += done)
		assert_true(done < piece || done - piece < KIB(4));
	gpu_close(gpu);
	return sum;
}

static void tables_are_zeroed_in_pieces_of_any_size(void **state)
{
	uint64_t all = zero_in_pieces(UINT64_MAX);

	(void)state;
	/* Tables for 4 KiB pages of 64 MiB, and more. */
	assert_true(all > 32 * KIB(4));
	assert_int_equal(zero_in_pieces(1), all);
	assert_int_equal(zero_in_pieces(KIB(10)), all);
	assert_int_equal(zero_in_pieces(all), all);
}

static void the_accounting_shows_labels_flags_and_states(void **state)
{
	struct nvbar_map_opts opts = { .size = sizeof(opts), .flags = NVBAR_MAP_FIXED };
	const struct nvbar_extent ext = { A, 3 * PAGE };
	char label[] = "0123456789abcdef0123456789abcde";	/* 31 */
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_prepared *prepared;
	struct nvbar_access *a, *b;
	struct seen seen = { 0 };

	(void)state;
	opts.va = MIB(4);
	opts.label = label;
	assert_ok(nvbar_map(gpu, &ext, 1, &opts, &a));
	label[0] = '!';		/* it was copied */
	opts.va = MIB(8);
	opts.label = "later";
	assert_ok(nvbar_map_prepare(gpu, 5, &opts, &prepared));
	opts.va = MIB(2);
	opts.label = NULL;
	opts.flags |= NVBAR_MAP_RDONLY;
	assert_ok(nvbar_map(gpu, &ext, 1, &opts, &b));

	assert_ok(nvbar_for_each_mapping(gpu, see, &seen));
	assert_int_equal(seen.nr, 3);
	assert_int_equal(seen.info[0].va, MIB(2));
	assert_int_equal(seen.info[0].len, 3 * PAGE);
	assert_true(seen.info[0].flags & NVBAR_MAP_RDONLY);
	assert_string_equal(seen.info[0].state, "mapped");
	assert_string_equal(seen.info[0].label, "");
	assert_true(seen.info[0].page_sizes & PAGE);
	assert_int_equal(seen.info[1].va, MIB(4));
	assert_false(seen.info[1].flags & NVBAR_MAP_RDONLY);
	assert_string_equal(seen.info[1].label, "0123456789abcdef0123456789abcde");
	assert_int_equal(seen.info[2].va, MIB(8));
	assert_int_equal(seen.info[2].len, 5 * PAGE);
	assert_string_equal(seen.info[2].state, "prepared");
	assert_string_equal(seen.info[2].label, "later");
	assert_maps_sum_to_the_aperture(gpu);

	nvbar_map_cancel(prepared);
	assert_ok(nvbar_unmap(a));
	assert_ok(nvbar_unmap(b));
	seen.nr = 0;
	assert_ok(nvbar_for_each_mapping(gpu, see, &seen));
	assert_int_equal(seen.nr, 0);
	gpu_close(gpu);
}

static void a_label_has_at_most_31_characters(void **state)
{
	struct nvbar_map_opts opts = {
		.size = sizeof(opts), .label = "0123456789abcdef0123456789abcdef",
	};
	const struct nvbar_extent ext = { A, PAGE };
	struct nvbar_prepared *prepared = UNTOUCHED;
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_access *a = UNTOUCHED;

	(void)state;
	assert_int_equal(strlen(opts.label), NVBAR_LABEL_MAX);
	assert_err(nvbar_map(gpu, &ext, 1, &opts, &a), EINVAL);
	assert_ptr_equal(a, UNTOUCHED);
	assert_err(nvbar_map_prepare(gpu, 1, &opts, &prepared), EINVAL);
	assert_ptr_equal(prepared, UNTOUCHED);
	opts.label = "";
	assert_ok(nvbar_map(gpu, &ext, 1, &opts, &a));
	assert_ok(nvbar_unmap(a));
	gpu_close(gpu);
}

static void map_page(struct nvbar *gpu, uint64_t va)
{
	map_fixed(gpu, va, A, PAGE);
}

static int stop_at_second(const struct nvbar_mapping_info *info, void *arg)
{
	int *left = arg;

	assert_int_equal(info->va % MIB(1), 0);
	return --*left ? 0 : -12345;
}

static void a_visit_of_mappings_ends_when_told(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	int left = 2;

	(void)state;
	map_page(gpu, MIB(3));
	map_page(gpu, MIB(1));
	map_page(gpu, MIB(2));
	assert_int_equal(nvbar_for_each_mapping(gpu, stop_at_second, &left), -12345);
	assert_int_equal(left, 0);
	gpu_close(gpu);
}

/* --- result structs --- */

static void results_need_room_for_what_is_known(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	struct {
		struct nvbar_stats stats;
		uint8_t newer[16];
	} big;
	struct nvbar_stats stats;

	(void)state;
	memset(&stats, 0x5a, sizeof(stats));
	stats.size = 0;
	assert_err(nvbar_get_stats(gpu, &stats), EINVAL);
	stats.size = sizeof(stats.size);
	assert_err(nvbar_get_stats(gpu, &stats), EINVAL);
	assert_int_equal(stats.bus_reads, 0x5a5a5a5a5a5a5a5a);

	/* A caller built against a later header */
	memset(&big, 0x5a, sizeof(big));
	big.stats.size = sizeof(big);
	assert_ok(nvbar_get_stats(gpu, &big.stats));
	assert_int_equal(big.stats.va_total, MIB(256));
	assert_int_equal(big.stats.size, sizeof(big));
	gpu_close(gpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fresh_gpu_has_everything_free),
		cmocka_unit_test(gauges_follow_each_mapping),
		cmocka_unit_test(a_map_and_an_unmap_of_any_size_take_two_reads_and_one_invalidate),
		cmocka_unit_test(accessors_are_not_counted),
		cmocka_unit_test(pramin_accesses_are_counted),
		cmocka_unit_test(trim_gives_back_every_table_that_nobody_uses),
		cmocka_unit_test(tables_are_zeroed_in_pieces_of_any_size),
		cmocka_unit_test(an_unmap_leaves_at_most_1_mib_of_tables_warm),
		cmocka_unit_test(tables_zeroed_beforehand_cost_the_entries_alone),
		cmocka_unit_test(the_accounting_shows_labels_flags_and_states),
		cmocka_unit_test(a_label_has_at_most_31_characters),
		cmocka_unit_test(a_visit_of_mappings_ends_when_told),
		cmocka_unit_test(results_need_room_for_what_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
