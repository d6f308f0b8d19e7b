/* SPDX-License-Identifier: MIT */
/* Leaf pages as large as they can be, entries that handles share, and static BAR1. */
#include "helper.h"

#define A	MIB(512)	/* a multiple of every leaf page below 256 GiB */

static struct nvbar_access *map(struct nvbar *gpu, uint64_t pa, uint64_t len, uint32_t flags)
{
	const struct nvbar_map_opts opts = { .size = sizeof(opts), .flags = flags };
	const struct nvbar_extent ext = { pa, len };
	struct nvbar_access *a;

	assert_ok(nvbar_map(gpu, &ext, 1, &opts, &a));
	assert_int_equal(nvbar_access_size(a), len);
	return a;
}

static uint64_t page_size(struct nvbar *gpu, const struct nvbar_access *a, uint64_t off)
{
	return walk_at(gpu, nvbar_access_base(a) + off).page_size;
}

/* --- leaf pages --- */

static void largest_leaf(struct nvbar *gpu)
{
	static const uint64_t len[] = { PAGE, KIB(60), KIB(64), MIB(1), MIB(2) - PAGE, MIB(2), MIB(600) };
	uint64_t sizes = gpu_chip(gpu)->page_sizes, want;
	struct nvbar_access *a;
	size_t i;

	for (i = 0; i < NR_OF(len); i++) {
		/* Of the sizes that fit, the highest bit. */
		for (want = 1ull << 38; !(want & sizes) || want > len[i]; want /= 2)
			;
		a = map_at(gpu, A, len[i], 0);
		assert_int_equal(page_size(gpu, a, 0), want);
		assert_int_equal(walk_at(gpu, nvbar_access_base(a) + len[i] - 1).pa, A + len[i] - 1);
		assert_ok(nvbar_write64(a, len[i] - 8, i));
		assert_ok(nvbar_flush(a));
		assert_int_equal(pramin_rd64(gpu, A + len[i] - 8), i);
		assert_ok(nvbar_unmap(a));
	}
}

static void a_run_of_vram_uses_the_largest_leaf_that_fits(void **state)
{
	(void)state;
	on_every_chip(",bar1=2G", largest_leaf);
}

static void blackwell_has_leaves_of_256_gib(void **state)
{
	struct nvbar *gpu = gpu_open("sim:gb100,vram=512G,bar1=512G");
	struct nvbar_access *a = map_at(gpu, 0, GIB(256), 0);

	(void)state;
	assert_int_equal(page_size(gpu, a, 0), GIB(256));
	assert_ok(nvbar_write64(a, GIB(256) - 8, 5));
	assert_ok(nvbar_flush(a));
	assert_int_equal(pramin_rd64(gpu, GIB(256) - 8), 5);
	assert_ok(nvbar_unmap(a));
	gpu_close(gpu);
}

/* 4 KiB, 64 KiB and 2 MiB leaves in one mapping, and every page where it should be */
static void mixture(struct nvbar *gpu)
{
	const uint64_t pa = A - KIB(64) - PAGE, len = PAGE + KIB(64) + MIB(4) + KIB(64) + 3 * PAGE;
	struct nvbar_access *a = map_at(gpu, pa, len, 0), *b;
	uint64_t off, met = 0;

	for (off = 0; off < len; off += PAGE) {
		struct nvbar_walk walk = walk_at(gpu, nvbar_access_base(a) + off);

		assert_int_equal(walk.pa, pa + off);
		met |= walk.page_size;
	}
	assert_int_equal(met, PAGE | KIB(64) | MIB(2));
	gpu_check(gpu);

	/* The same VA a second time, in 4 KiB pages, and back */
	off = nvbar_access_base(a);
	assert_ok(nvbar_unmap(a));
	for (met = 0; met < len; met += KIB(4) * 77) {
		b = map_fixed(gpu, off + met, MIB(1) + met, PAGE);
		assert_int_equal(page_size(gpu, b, 0), PAGE);
		assert_int_equal(bar1_rd64(b, 8), pramin_rd64(gpu, MIB(1) + met + 8));
		assert_ok(nvbar_unmap(b));
	}
	a = map_fixed(gpu, off, pa, len);
	assert_int_equal(bar1_rd64(a, len - 8), pramin_rd64(gpu, pa + len - 8));
	assert_ok(nvbar_unmap(a));
}

static void leaves_of_several_sizes_make_one_mapping(void **state)
{
	(void)state;
	on_every_chip("", mixture);
}

/* What comes before the longest run decides where the mapping begins. */
static void place(struct nvbar *gpu)
{
	const struct nvbar_map_opts opts = { .size = sizeof(opts), .flags = NVBAR_MAP_PRIVATE };
	const struct nvbar_extent ext[] = { { MIB(1), 3 * PAGE }, { A, MIB(4) }, { MIB(3), PAGE } };
	struct nvbar_access *a;

	assert_ok(nvbar_map(gpu, ext, NR_OF(ext), &opts, &a));
	assert_int_equal(page_size(gpu, a, 0), PAGE);
	assert_int_equal(page_size(gpu, a, 3 * PAGE), MIB(2));
	assert_int_equal(page_size(gpu, a, 3 * PAGE + MIB(4) - 1), MIB(2));
	assert_int_equal(page_size(gpu, a, 3 * PAGE + MIB(4)), PAGE);
	assert_ok(nvbar_unmap(a));

	/* One large leaf behind smaller ones, to the very end */
	a = map_at(gpu, A - KIB(64) - PAGE, PAGE + KIB(64) + MIB(2), 0);
	assert_int_equal(page_size(gpu, a, PAGE), KIB(64));
	assert_int_equal(page_size(gpu, a, PAGE + KIB(64)), MIB(2));
	assert_ok(nvbar_unmap(a));
	a = map_at(gpu, A - PAGE, PAGE + KIB(64), 0);
	assert_int_equal(page_size(gpu, a, PAGE), KIB(64));
	assert_ok(nvbar_unmap(a));

	/* Where VA and VRAM address are out of step no large leaf fits. */
	a = map_fixed(gpu, MIB(4), A + PAGE, MIB(4));
	assert_int_equal(page_size(gpu, a, 0), PAGE);
	assert_int_equal(page_size(gpu, a, MIB(2)), PAGE);
	assert_int_equal(walk_at(gpu, MIB(6) + 5).pa, A + PAGE + MIB(2) + 5);
	assert_ok(nvbar_unmap(a));
}

static void a_mapping_is_placed_for_the_leaves_of_its_longest_run(void **state)
{
	(void)state;
	on_every_chip("", place);
}

/* The leaf takes the place of a directory that leads to a table, both without a user. */
static void leaf_over_tables(struct nvbar *gpu)
{
	struct nvbar_access *a;

	assert_ok(nvbar_unmap(map_fixed(gpu, MIB(514), MIB(1), PAGE)));
	a = map_fixed(gpu, MIB(512), A, MIB(512));
	assert_int_equal(walk_at(gpu, MIB(514) + 5).pa, A + MIB(2) + 5);
	gpu_check(gpu);
	assert_ok(nvbar_unmap(a));

	a = map_fixed(gpu, MIB(516), MIB(1), PAGE);
	assert_int_equal(walk_at(gpu, MIB(514)).status, WALK_UNUSED);
	gpu_check(gpu);
	assert_ok(nvbar_unmap(a));
}

static void nothing_comes_back_of_the_tables_that_a_leaf_replaced(void **state)
{
	(void)state;
	on_every_chip(",bar1=2G", leaf_over_tables);
}

/* --- sharing --- */

struct cost {
	uint64_t reads, writes, invalidates;
};

static struct cost cost_since(struct nvbar *gpu, const struct nvbar_stats *before)
{
	struct nvbar_stats now = gpu_stats(gpu);

	return (struct cost){
		now.bus_reads - before->bus_reads, now.bus_writes - before->bus_writes,
		now.tlb_invalidates - before->tlb_invalidates,
	};
}

static void assert_free_of_charge(struct nvbar *gpu, const struct nvbar_stats *before)
{
	struct cost cost = cost_since(gpu, before);

	assert_int_equal(cost.reads, 0);
	assert_int_equal(cost.writes, 0);
	assert_int_equal(cost.invalidates, 0);
}

static void shares(struct nvbar *gpu)
{
	struct nvbar_access *whole = map(gpu, A, MIB(3), 0), *same, *part;
	struct nvbar_stats before = gpu_stats(gpu), after;
	void *ptr, *part_ptr;

	same = map(gpu, A, MIB(3), 0);
	part = map(gpu, A + 5 * PAGE, MIB(2), 0);
	assert_int_equal(nvbar_access_base(same), nvbar_access_base(whole));
	assert_int_equal(nvbar_access_base(part), nvbar_access_base(whole) + 5 * PAGE);
	after = gpu_stats(gpu);
	assert_int_equal(after.mappings, 3);
	assert_int_equal(after.mapped_bytes, MIB(3));
	assert_int_equal(after.va_free, before.va_free);

	/* The bounds are the handle's own. */
	assert_ok(nvbar_write64(part, MIB(2) - 8, 9));
	assert_err(nvbar_write64(part, MIB(2), 9), ERANGE);
	assert_int_equal(bar1_rd64(whole, MIB(2) + 5 * PAGE - 8), 9);
	assert_ok(nvbar_mmap(part, &part_ptr));

	/* The last one ends it. */
	assert_ok(nvbar_unmap(whole));
	assert_ok(nvbar_mmap(same, &ptr));
	assert_ok(nvbar_unmap(same));
	assert_free_of_charge(gpu, &before);
	assert_true(touch_faults(ptr, false));
	assert_int_equal(bar1_rd64(part, MIB(2) - 8), 9);
	assert_false(touch_faults(part_ptr, true));
	assert_maps_sum_to_the_aperture(gpu);
	gpu_check(gpu);
	assert_ok(nvbar_unmap(part));
	assert_int_equal(cost_since(gpu, &before).invalidates, 1);
	assert_true(touch_faults(part_ptr, false));
	assert_int_equal(gpu_stats(gpu).va_free, gpu_stats(gpu).va_total);
}

static void handles_on_the_same_pages_share_their_entries(void **state)
{
	(void)state;
	on_every_chip("", shares);
}

static void own_entries(struct nvbar *gpu)
{
	const struct nvbar_map_opts small = { .size = sizeof(small), .max_page_shift = 12 };
	const struct nvbar_extent ext = { A, MIB(2) }, swapped[] = { { A + PAGE, PAGE }, { A, PAGE } };
	struct nvbar_access *a[8];
	size_t nr = 0, i, j;

	a[nr++] = map(gpu, A, MIB(2), 0);
	a[nr++] = map(gpu, A, MIB(2), NVBAR_MAP_RDONLY);
	a[nr++] = map(gpu, A, MIB(2), NVBAR_MAP_PRIVATE);
	a[nr++] = map(gpu, A, MIB(2), NVBAR_MAP_PRIVATE);
	a[nr++] = map(gpu, A, MIB(2) + PAGE, 0);
	a[nr++] = map(gpu, A - PAGE, MIB(1), 0);
	assert_ok(nvbar_map(gpu, &ext, 1, &small, &a[nr++]));
	assert_int_equal(page_size(gpu, a[nr - 1], 0), PAGE);
	assert_ok(nvbar_map(gpu, swapped, 2, NULL, &a[nr++]));
	for (i = 0; i < nr; i++)
		for (j = 0; j < i; j++)
			assert_true(nvbar_access_base(a[i]) + nvbar_access_size(a[i]) <=
				    nvbar_access_base(a[j]) ||
				    nvbar_access_base(a[j]) + nvbar_access_size(a[j]) <=
				    nvbar_access_base(a[i]));
	assert_int_equal(gpu_stats(gpu).mapped_bytes, 6 * MIB(2) + MIB(1) + 3 * PAGE);
	assert_err(nvbar_write8(a[1], 0, 0), EACCES);
	assert_ok(nvbar_write8(a[0], 0, 0));
	while (nr)
		assert_ok(nvbar_unmap(a[--nr]));
}

/* Other rights, other order, more pages, smaller leaves, or asked not to */
/* The right pages follow, but in another mapping, which may end at any time. */
static void a_shared_handle_stays_in_one_mapping(void **state)
{
	const struct nvbar_extent ext[] = { { A, MIB(1) }, { GIB(1), MIB(1) } };
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_access *first = map(gpu, A, MIB(1), 0), *next, *both;
	uint64_t end = nvbar_access_base(first) + MIB(1);

	(void)state;
	next = map_fixed(gpu, end, GIB(1), MIB(1));
	assert_ok(nvbar_map(gpu, ext, NR_OF(ext), NULL, &both));
	assert_int_not_equal(nvbar_access_base(both), nvbar_access_base(first));
	assert_ok(nvbar_unmap(next));
	assert_int_equal(bar1_rd64(both, MIB(1)), pramin_rd64(gpu, GIB(1)));
	assert_ok(nvbar_unmap(both));
	assert_ok(nvbar_unmap(first));
	gpu_close(gpu);
}

static void what_differs_has_entries_of_its_own(void **state)
{
	(void)state;
	on_every_chip("", own_entries);
}

/* --- static BAR1 --- */

static int open_static(const char *device, uint32_t flags, struct nvbar **gpu)
{
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_OPEN_STATIC | flags,
	};

	return nvbar_open(gpu, device, &opts);
}

static void static_bar1_maps_for_nothing(void **state)
{
	struct nvbar_stats before;
	struct nvbar_info info;
	struct nvbar *gpu;
	char device[64];
	size_t i, j;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		uint64_t pa[4];

		snprintf(device, sizeof(device), "sim:%s,vram=1G,bar1=1G", chips[i].name);
		assert_ok(open_static(device, 0, &gpu));
		info = gpu_info(gpu);
		pa[0] = 0;
		pa[1] = MIB(77) + PAGE;
		pa[2] = A;
		pa[3] = info.vram_usable - MIB(1);
		before = gpu_stats(gpu);
		for (j = 0; j < NR_OF(pa); j++) {
			struct nvbar_access *a = map(gpu, pa[j], MIB(1), 0);

			assert_int_equal(nvbar_access_base(a), pa[j]);
			assert_ok(nvbar_write64(a, 8, j + 1));
			assert_int_equal(bar1_rd64(a, 8), j + 1);	/* orders the write */
			assert_ok(nvbar_unmap(a));
		}
		assert_free_of_charge(gpu, &before);
		for (j = 0; j < NR_OF(pa); j++)
			assert_int_equal(pramin_rd64(gpu, pa[j] + 8), j + 1);
		gpu_check(gpu);
		assert_maps_sum_to_the_aperture(gpu);

		/* The driver's own tables are not within reach of it. */
		assert_int_not_equal(walk_at(gpu, info.reserved_pa).status == NVBAR_WALK_OK &&
				     !walk_at(gpu, info.reserved_pa).ro, 1);
		/* What is not in it is mapped beside it as ever. */
		map(gpu, A, PAGE, NVBAR_MAP_RDONLY);
		map(gpu, A, PAGE, NVBAR_MAP_PRIVATE);
		map(gpu, info.vram_size - PAGE, PAGE, 0);
		gpu_close(gpu);
	}
}

static void static_bar1_needs_an_aperture_of_that_size(void **state)
{
	struct nvbar *gpu = UNTOUCHED;

	(void)state;
	assert_err(open_static("sim", 0, &gpu), EOPNOTSUPP);
	assert_err(open_static("sim,vram=1G,bar1=512M", 0, &gpu), EOPNOTSUPP);
	assert_err(open_static("sim,bar1=0", 0, &gpu), EOPNOTSUPP);
	assert_err(open_static("sim,vram=1G,bar1=1G", NVBAR_OPEN_OBSERVE, &gpu), EINVAL);
	assert_ptr_equal(gpu, UNTOUCHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_of_vram_uses_the_largest_leaf_that_fits),
		cmocka_unit_test(blackwell_has_leaves_of_256_gib),
		cmocka_unit_test(leaves_of_several_sizes_make_one_mapping),
		cmocka_unit_test(a_mapping_is_placed_for_the_leaves_of_its_longest_run),
		cmocka_unit_test(nothing_comes_back_of_the_tables_that_a_leaf_replaced),
		cmocka_unit_test(handles_on_the_same_pages_share_their_entries),
		cmocka_unit_test(a_shared_handle_stays_in_one_mapping),
		cmocka_unit_test(what_differs_has_entries_of_its_own),
		cmocka_unit_test(static_bar1_maps_for_nothing),
		cmocka_unit_test(static_bar1_needs_an_aperture_of_that_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
