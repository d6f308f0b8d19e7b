/* SPDX-License-Identifier: MIT */
/* Mapping VRAM: what appears where, what is refused, and who keeps what. */
#include "helper.h"

#define A	MIB(64)		/* somewhere in VRAM */

/* Calls that must fail, leaving everything as it was. */
static void refuses_opts(struct nvbar *gpu, const struct nvbar_extent *ext, size_t nr,
			 const struct nvbar_map_opts *opts, int err)
{
	struct nvbar_stats before = gpu_stats(gpu), after;
	struct nvbar_access *a = UNTOUCHED;

	assert_err(nvbar_map(gpu, ext, nr, opts, &a), err);
	assert_ptr_equal(a, UNTOUCHED);
	after = gpu_stats(gpu);
	assert_same_state(&before, &after);
	assert_int_equal(after.maps, before.maps);
}

static void refuses(struct nvbar *gpu, uint64_t pa, uint64_t len, int err)
{
	const struct nvbar_extent ext = { pa, len };

	refuses_opts(gpu, &ext, 1, NULL, err);
}

static void refuses_fixed(struct nvbar *gpu, uint64_t va, uint64_t len, int err)
{
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_FIXED, .va = va,
	};
	const struct nvbar_extent ext = { A, len };

	refuses_opts(gpu, &ext, 1, &opts, err);
}

static void refuses_pages(struct nvbar *gpu, const uint64_t *pfns, size_t nr, uint32_t flags, int err)
{
	struct nvbar_stats before = gpu_stats(gpu), after;
	struct nvbar_access *a = UNTOUCHED;

	assert_err(nvbar_map_pages(gpu, pfns, nr, flags, &a), err);
	assert_ptr_equal(a, UNTOUCHED);
	after = gpu_stats(gpu);
	assert_same_state(&before, &after);
}

/* --- order --- */

/* More than a 4 KiB page table holds. */
#define NR_SCATTERED	700

static void scattered(struct nvbar *gpu)
{
	uint64_t pages = gpu_info(gpu).vram_usable / PAGE;
	uint64_t pfn[NR_SCATTERED];
	struct nvbar_access *a;
	size_t i;

	/* One page in each of as many parts of VRAM, dealt out of order: 389 is prime to 700. */
	for (i = 0; i < NR_SCATTERED; i++)
		pfn[i] = pages / NR_SCATTERED * (i * 389 % NR_SCATTERED) +
			 rng_below(pages / NR_SCATTERED);
	for (i = 0; i < NR_SCATTERED; i++) {
		pramin_wr64(gpu, pfn[i] * PAGE, pfn[i]);
		pramin_wr64(gpu, pfn[i] * PAGE + PAGE - 8, ~pfn[i]);
	}

	assert_ok(nvbar_map_pages(gpu, pfn, NR_SCATTERED, 0, &a));
	assert_int_equal(nvbar_access_num_pages(a), NR_SCATTERED);
	assert_int_equal(nvbar_access_size(a), NR_SCATTERED * PAGE);
	assert_int_equal(nvbar_access_base(a) % PAGE, 0);
	assert_int_equal(nvbar_access_vfn_start(a), nvbar_access_base(a) / PAGE);
	for (i = 0; i < NR_SCATTERED; i++) {
		assert_int_equal(bar1_rd64(a, i * PAGE), pfn[i]);
		assert_int_equal(bar1_rd64(a, i * PAGE + PAGE - 8), ~pfn[i]);
		assert_ok(nvbar_write64(a, i * PAGE + 16, i));
	}
	assert_ok(nvbar_flush(a));
	for (i = 0; i < NR_SCATTERED; i++)
		assert_int_equal(pramin_rd64(gpu, pfn[i] * PAGE + 16), i);
	assert_ok(nvbar_unmap(a));
}

static void scattered_pages_appear_contiguous_and_in_the_order_given(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_chip("", scattered);
}

static void extents_appear_in_the_order_given(void **state)
{
	static const struct nvbar_extent ext[] = {
		{ GIB(2), 3 * PAGE }, { MIB(1), PAGE }, { GIB(5) + PAGE, MIB(3) }, { 0, 2 * PAGE },
	};
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_access *a;
	uint64_t off = 0, at;
	size_t i;

	(void)state;
	assert_ok(nvbar_map(gpu, ext, NR_OF(ext), NULL, &a));
	for (i = 0; i < NR_OF(ext); i++) {
		for (at = 0; at < ext[i].len; at += PAGE, off += PAGE) {
			pramin_wr64(gpu, ext[i].pa + at, off);
			assert_int_equal(bar1_rd64(a, off), off);
			assert_int_equal(walk_at(gpu, nvbar_access_base(a) + off).pa, ext[i].pa + at);
		}
	}
	assert_int_equal(nvbar_access_size(a), off);
	assert_ok(nvbar_unmap(a));
	gpu_close(gpu);
}

/* --- many --- */

#define NR_MANY	2000

static void many(struct nvbar *gpu)
{
	struct nvbar_stats before = gpu_stats(gpu), after;
	static struct nvbar_access *a[NR_MANY];
	uint64_t bytes = 0;
	size_t i, j, left;

	for (i = 0; i < NR_MANY; i++) {
		uint64_t len = (1 + i % 5) * PAGE;

		a[i] = map_at(gpu, MIB(1) + i * 5 * PAGE, len, 0);
		assert_ok(nvbar_write64(a[i], len - 8, i));
		bytes += len;
	}
	after = gpu_stats(gpu);
	assert_int_equal(after.mappings, NR_MANY);
	assert_int_equal(after.mapped_bytes, bytes);
	assert_maps_sum_to_the_aperture(gpu);
	gpu_check(gpu);

	for (left = NR_MANY; left; left--) {
		j = rng_below(left);
		i = (nvbar_access_size(a[j]) - 8);
		assert_int_equal(bar1_rd64(a[j], i) % 5 + 1, nvbar_access_num_pages(a[j]));
		assert_ok(nvbar_unmap(a[j]));
		a[j] = a[left - 1];
	}
	for (i = 0; i < NR_MANY; i++)
		assert_int_equal(pramin_rd64(gpu, MIB(1) + i * 5 * PAGE + (1 + i % 5) * PAGE - 8), i);
	after = gpu_stats(gpu);
	assert_same_space(&before, &after);
}

static void any_number_of_mappings_live_side_by_side(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_chip("", many);
}

static void the_same_page_may_be_mapped_more_than_once(void **state)
{
	const uint64_t pfn[] = { A / PAGE, A / PAGE, A / PAGE + 7, A / PAGE };
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_access *a, *b;

	(void)state;
	assert_ok(nvbar_map_pages(gpu, pfn, NR_OF(pfn), 0, &a));
	assert_ok(nvbar_map_pages(gpu, pfn, NR_OF(pfn), NVBAR_MAP_RDONLY, &b));
	assert_ok(nvbar_write64(a, 2 * PAGE, 77));
	assert_ok(nvbar_write64(a, 3 * PAGE, 99));
	assert_int_equal(bar1_rd64(a, 0), 99);
	assert_int_equal(bar1_rd64(a, PAGE), 99);
	assert_int_equal(bar1_rd64(a, 2 * PAGE), 77);
	assert_int_equal(bar1_rd64(b, PAGE), 99);

	/* Either lives on without the other. */
	assert_ok(nvbar_unmap(a));
	assert_int_equal(bar1_rd64(b, 3 * PAGE), 99);
	a = map_at(gpu, A, PAGE, 0);
	assert_ok(nvbar_unmap(b));
	assert_int_equal(bar1_rd64(a, 0), 99);
	assert_ok(nvbar_unmap(a));
	gpu_close(gpu);
}

/* --- fixed VA --- */

static void a_fixed_mapping_is_where_it_was_asked_for(void **state)
{
	static const uint64_t va[] = { 0, PAGE, MIB(2) - PAGE, MIB(100), MIB(256) - 3 * PAGE };
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_access *a;
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(va); i++) {
		a = map_fixed(gpu, va[i], A, 3 * PAGE);
		assert_int_equal(nvbar_access_vfn_start(a), va[i] / PAGE);
		pramin_wr64(gpu, A + 2 * PAGE, i);
		assert_int_equal(bar1_rd64(a, 2 * PAGE), i);
		assert_ok(nvbar_unmap(a));
	}
	gpu_close(gpu);
}

static void a_fixed_mapping_never_overlaps_another(void **state)
{
	const uint64_t va = MIB(8);
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_access *a = map_fixed(gpu, va, A, 4 * PAGE), *below, *above;

	(void)state;
	pramin_wr64(gpu, A, 1);
	refuses_fixed(gpu, va, 4 * PAGE, EEXIST);
	refuses_fixed(gpu, va, PAGE, EEXIST);
	refuses_fixed(gpu, va + PAGE, PAGE, EEXIST);
	refuses_fixed(gpu, va + 3 * PAGE, MIB(4), EEXIST);
	refuses_fixed(gpu, va - PAGE, 2 * PAGE, EEXIST);
	refuses_fixed(gpu, va - PAGE, 6 * PAGE, EEXIST);
	refuses_fixed(gpu, 0, MIB(256), EEXIST);
	assert_int_equal(bar1_rd64(a, 0), 1);

	below = map_fixed(gpu, va - PAGE, A, PAGE);
	above = map_fixed(gpu, va + 4 * PAGE, A, PAGE);
	assert_ok(nvbar_unmap(a));
	a = map_fixed(gpu, va, A, 4 * PAGE);
	assert_ok(nvbar_unmap(below));
	assert_ok(nvbar_unmap(above));
	assert_ok(nvbar_unmap(a));
	gpu_close(gpu);
}

static void a_range_that_is_taken_is_refused_by_its_holders_name(void **state)
{
	struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_FIXED, .va = MIB(2), .label = "mine",
	};
	static const struct nvbar_extent ext = { A, PAGE };
	struct nvbar_access *named, *nameless;
	struct log_lines lines;
	struct nvbar *gpu;

	(void)state;
	assert_ok(open_logged(&gpu, "sim", 0, &lines));
	nameless = map_fixed(gpu, MIB(1), A, PAGE);
	assert_ok(nvbar_map(gpu, &ext, 1, &opts, &named));
	refuses_fixed(gpu, MIB(2), PAGE, EEXIST);
	assert_non_null(strstr(lines.last, "0x200000+0x1000 is held by mine"));
	refuses_fixed(gpu, MIB(1), PAGE, EEXIST);
	assert_non_null(strstr(lines.last, "0x100000+0x1000 is held"));
	assert_null(strstr(lines.last, " by "));
	assert_ok(nvbar_unmap(named));
	assert_ok(nvbar_unmap(nameless));
	gpu_close(gpu);
}

static void a_fixed_mapping_stays_in_the_aperture(void **state)
{
	struct nvbar *gpu = gpu_open("sim");

	(void)state;
	refuses_fixed(gpu, MIB(256), PAGE, ERANGE);
	refuses_fixed(gpu, MIB(256) - PAGE, 2 * PAGE, ERANGE);
	refuses_fixed(gpu, PAGE, MIB(256), ERANGE);
	refuses_fixed(gpu, 0, MIB(256) + PAGE, ERANGE);
	refuses_fixed(gpu, 0 - PAGE, PAGE, ERANGE);
	refuses_fixed(gpu, 0 - PAGE, 2 * PAGE, ERANGE);
	refuses_fixed(gpu, 1ull << 63, PAGE, ERANGE);
	refuses_fixed(gpu, GIB(1024), PAGE, ERANGE);
	gpu_close(gpu);
}

static void a_fixed_va_is_a_multiple_of_a_page(void **state)
{
	struct nvbar *gpu = gpu_open("sim");

	(void)state;
	refuses_fixed(gpu, 1, PAGE, EINVAL);
	refuses_fixed(gpu, PAGE / 2, PAGE, EINVAL);
	refuses_fixed(gpu, UINT64_MAX, PAGE, EINVAL);
	gpu_close(gpu);
}

/* --- space --- */

static struct nvbar_access *map_small(struct nvbar *gpu, uint64_t pa, uint64_t len)
{
	const struct nvbar_extent ext = { pa, len };
	const struct nvbar_map_opts opts = { .size = sizeof(opts), .max_page_shift = 12 };
	struct nvbar_access *a;

	assert_ok(nvbar_map(gpu, &ext, 1, &opts, &a));
	return a;
}

static void space(struct nvbar *gpu)
{
	struct nvbar_stats before = gpu_stats(gpu), after;
	struct nvbar_access *page, *most, *rest;

	/* Pages of 4 KiB fit anywhere; larger ones would want an aligned place. */
	page = map_small(gpu, A, PAGE);
	most = map_small(gpu, MIB(256), MIB(129));
	rest = map_small(gpu, MIB(512), MIB(127) - PAGE);
	after = gpu_stats(gpu);
	assert_int_equal(after.va_free, 0);
	assert_int_equal(after.va_largest_free, 0);
	assert_int_equal(after.mapped_bytes, MIB(256));
	assert_maps_sum_to_the_aperture(gpu);
	refuses(gpu, MIB(1), PAGE, ENOSPC);

	/* The last byte of each can be reached. */
	assert_ok(nvbar_write8(most, MIB(129) - 1, 0x11));
	assert_ok(nvbar_write8(rest, MIB(127) - PAGE - 1, 0x22));

	assert_ok(nvbar_unmap(page));
	assert_int_equal(gpu_stats(gpu).va_largest_free, PAGE);
	refuses(gpu, MIB(1), 2 * PAGE, ENOSPC);
	page = map_at(gpu, A, PAGE, 0);
	assert_ok(nvbar_unmap(most));
	assert_ok(nvbar_unmap(page));
	assert_ok(nvbar_unmap(rest));
	after = gpu_stats(gpu);
	assert_same_space(&before, &after);
	assert_int_equal(after.va_largest_free, MIB(256));
}

static void the_aperture_can_be_used_to_its_last_page(void **state)
{
	(void)state;
	on_every_chip("", space);
}

static void one_mapping_may_take_the_whole_aperture(void **state)
{
	struct nvbar *gpu = gpu_open("sim:gh100,bar1=64M");
	struct nvbar_access *a = map_at(gpu, A, MIB(64), 0);

	(void)state;
	assert_int_equal(nvbar_access_base(a), 0);
	assert_int_equal(gpu_stats(gpu).va_free, 0);
	assert_ok(nvbar_unmap(a));
	refuses(gpu, A, MIB(64) + PAGE, ENOSPC);
	refuses(gpu, 0, GIB(4), ENOSPC);
	gpu_close(gpu);
}

/* --- rights --- */

static void rdonly(struct nvbar *gpu)
{
	struct nvbar_access *ro = map_at(gpu, A, 2 * PAGE, NVBAR_MAP_RDONLY);
	struct nvbar_access *rw = map_at(gpu, A, 2 * PAGE, 0);
	uint64_t word = 1;

	assert_ok(nvbar_write64(rw, PAGE, 0x1122334455667788));
	assert_int_equal(bar1_rd64(ro, PAGE), 0x1122334455667788);
	assert_err(nvbar_write8(ro, PAGE, 0), EACCES);
	assert_err(nvbar_write16(ro, PAGE, 0), EACCES);
	assert_err(nvbar_write32(ro, PAGE, 0), EACCES);
	assert_err(nvbar_write64(ro, PAGE, 0), EACCES);
	assert_err(nvbar_write(ro, PAGE, &word, sizeof(word)), EACCES);
	assert_err(nvbar_fill(ro, PAGE, 0, PAGE), EACCES);
	assert_ok(nvbar_flush(ro));
	assert_int_equal(bar1_rd64(rw, PAGE), 0x1122334455667788);

	/* The GPU itself would refuse the write. */
	assert_int_equal(walk_at(gpu, nvbar_access_base(ro)).ro, 1);
	assert_int_equal(walk_at(gpu, nvbar_access_base(ro) + PAGE).ro, 1);
	assert_int_equal(walk_at(gpu, nvbar_access_base(rw) + PAGE).ro, 0);
	assert_ok(nvbar_unmap(ro));
	assert_ok(nvbar_unmap(rw));
}

static void a_read_only_mapping_refuses_writes_and_so_does_its_entry(void **state)
{
	(void)state;
	on_every_chip("", rdonly);
}

static void reserved(struct nvbar *gpu)
{
	struct nvbar_info info = gpu_info(gpu);
	uint64_t start = info.reserved_pa, len = info.reserved_len, end = start + len;
	const uint64_t pfns[] = { 1, end / PAGE - 1, 2 };
	struct nvbar_access *a;

	refuses(gpu, start, PAGE, EACCES);
	refuses(gpu, end - PAGE, PAGE, EACCES);
	refuses(gpu, start, len, EACCES);
	refuses(gpu, start - PAGE, 2 * PAGE, EACCES);
	refuses(gpu, end - PAGE, 2 * PAGE, EACCES);
	refuses(gpu, start - PAGE, len + 2 * PAGE, EACCES);
	refuses_pages(gpu, pfns, NR_OF(pfns), 0, EACCES);

	a = map_at(gpu, start - PAGE, len + 2 * PAGE, NVBAR_MAP_RDONLY);
	assert_int_equal(bar1_rd64(a, PAGE), pramin_rd64(gpu, start));
	assert_int_equal(walk_at(gpu, nvbar_access_base(a) + PAGE).ro, 1);
	assert_ok(nvbar_unmap(a));

	a = map_at(gpu, start - PAGE, PAGE, 0);
	assert_ok(nvbar_write64(a, PAGE - 8, 5));
	assert_ok(nvbar_flush(a));
	assert_int_equal(pramin_rd64(gpu, start - 8), 5);
	assert_ok(nvbar_unmap(a));
	a = map_at(gpu, end, PAGE, 0);
	assert_ok(nvbar_write64(a, 0, 6));
	assert_ok(nvbar_flush(a));
	assert_int_equal(pramin_rd64(gpu, end), 6);
	assert_ok(nvbar_unmap(a));
}

static void the_drivers_own_region_can_be_mapped_read_only(void **state)
{
	(void)state;
	on_every_chip("", reserved);
}

/* --- what is VRAM --- */

static void ends(struct nvbar *gpu)
{
	uint64_t size = gpu_info(gpu).vram_size;
	const uint64_t both[] = { size / PAGE - 1, 0 };
	uint64_t pfns[] = { 0, 0 };
	struct nvbar_access *a;

	assert_ok(nvbar_map_pages(gpu, both, 2, 0, &a));
	assert_ok(nvbar_write64(a, PAGE - 8, 0xeeee));
	assert_ok(nvbar_write64(a, PAGE, 0xbbbb));
	assert_ok(nvbar_flush(a));
	assert_int_equal(pramin_rd64(gpu, size - 8), 0xeeee);
	assert_int_equal(pramin_rd64(gpu, 0), 0xbbbb);
	assert_ok(nvbar_unmap(a));

	refuses(gpu, size, PAGE, ERANGE);
	refuses(gpu, size - PAGE, 2 * PAGE, ERANGE);
	refuses(gpu, 0 - PAGE, PAGE, ERANGE);
	refuses(gpu, 0 - PAGE, 2 * PAGE, ERANGE);
	refuses(gpu, PAGE, 0 - PAGE, ERANGE);
	refuses(gpu, size, 0 - size, ERANGE);
	pfns[1] = size / PAGE;
	refuses_pages(gpu, pfns, 2, 0, ERANGE);
	pfns[1] = 1ull << 52;
	refuses_pages(gpu, pfns, 2, 0, ERANGE);
	pfns[1] = UINT64_MAX;
	refuses_pages(gpu, pfns, 2, NVBAR_MAP_RDONLY, ERANGE);
}

static void every_page_of_vram_can_be_mapped_and_none_beyond(void **state)
{
	(void)state;
	on_every_chip("", ends);
}

/* A v2 entry holds 25 bits of frame number: 128 GiB. */
static void v2_entries_reach_128_gib(void **state)
{
	struct nvbar *gpu = gpu_open("sim:ga102,vram=256G");
	struct nvbar_info info = gpu_info(gpu);
	/* The driver's own region may end there. */
	struct nvbar_access *a = map_at(gpu, GIB(128) - PAGE, PAGE, NVBAR_MAP_RDONLY);

	(void)state;
	assert_int_equal(info.vram_size, GIB(256));
	assert_true(info.vram_usable < info.reserved_pa + info.reserved_len);
	assert_true(info.reserved_pa + info.reserved_len <= GIB(128));
	assert_int_equal(bar1_rd64(a, 8), pramin_rd64(gpu, GIB(128) - PAGE + 8));
	assert_ok(nvbar_unmap(a));
	a = map_at(gpu, info.reserved_pa - PAGE, PAGE, 0);
	assert_ok(nvbar_write64(a, 8, 4711));
	assert_ok(nvbar_flush(a));
	assert_int_equal(pramin_rd64(gpu, info.reserved_pa - PAGE + 8), 4711);
	assert_ok(nvbar_unmap(a));
	refuses(gpu, GIB(128), PAGE, EOPNOTSUPP);
	refuses(gpu, GIB(128) - PAGE, 2 * PAGE, EOPNOTSUPP);
	refuses(gpu, GIB(256) - PAGE, PAGE, EOPNOTSUPP);
	refuses(gpu, GIB(256), PAGE, ERANGE);
	gpu_close(gpu);
}

/* A GH100's window moves over 256 GiB, but its entries reach further. */
static void v3_entries_reach_beyond_the_window(void **state)
{
	struct nvbar *gpu = gpu_open("sim:gh100,vram=512G");
	struct nvbar_access *a = map_at(gpu, GIB(512) - PAGE, PAGE, 0);
	uint64_t word = 0;

	(void)state;
	assert_ok(nvbar_write64(a, PAGE - 8, 4712));
	assert_int_equal(bar1_rd64(a, PAGE - 8), 4712);
	assert_ok(nvbar_unmap(a));
	assert_ok(nvbar_pramin_read(gpu, GIB(256) - 8, &word, 8));
	assert_err(nvbar_pramin_read(gpu, GIB(256), &word, 8), EOPNOTSUPP);
	assert_err(nvbar_pramin_read(gpu, GIB(256) - 4, &word, 8), EOPNOTSUPP);
	assert_err(nvbar_pramin_write(gpu, GIB(512) - 8, &word, 8), EOPNOTSUPP);
	gpu_close(gpu);
}

/* --- arguments --- */

static void arguments_that_make_no_sense_are_refused(void **state)
{
	static const struct nvbar_extent ext[] = { { A, PAGE }, { A, 0 } };
	static const uint64_t pfn = 1;
	struct nvbar_map_opts opts = { .size = sizeof(opts) };
	struct nvbar *gpu = gpu_open("sim");

	(void)state;
	refuses_pages(gpu, &pfn, 0, 0, EINVAL);
	refuses_pages(gpu, &pfn, 1, 1u << 3, EINVAL);
	refuses_pages(gpu, &pfn, 1, 1u << 31, EINVAL);
	refuses_pages(gpu, &pfn, 1, NVBAR_MAP_FIXED, EINVAL);
	refuses_opts(gpu, ext, 0, NULL, EINVAL);
	refuses_opts(gpu, ext, 2, NULL, EINVAL);
	refuses(gpu, A, 0, EINVAL);
	refuses(gpu, A, 1, EINVAL);
	refuses(gpu, A, PAGE + 1, EINVAL);
	refuses(gpu, A + 1, PAGE, EINVAL);
	refuses(gpu, A + PAGE / 2, PAGE, EINVAL);
	refuses(gpu, UINT64_MAX, UINT64_MAX, EINVAL);
	opts.flags = 1u << 3;
	refuses_opts(gpu, ext, 1, &opts, EINVAL);
	gpu_close(gpu);
}

static void only_page_sizes_of_the_chip_can_be_asked_for(void **state)
{
	static const struct nvbar_extent ext = { A, MIB(2) };
	struct nvbar_map_opts opts = { .size = sizeof(opts), .flags = NVBAR_MAP_PRIVATE };
	struct nvbar_access *a;
	char device[32];
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		struct nvbar *gpu;

		snprintf(device, sizeof(device), "sim:%s", chips[i].name);
		gpu = gpu_open(device);
		for (opts.max_page_shift = 12; opts.max_page_shift < 64; opts.max_page_shift++) {
			if (!(chips[i].page_sizes >> opts.max_page_shift & 1)) {
				refuses_opts(gpu, &ext, 1, &opts, EOPNOTSUPP);
				continue;
			}
			assert_ok(nvbar_map(gpu, &ext, 1, &opts, &a));
			assert_true(walk_at(gpu, nvbar_access_base(a)).page_size <=
				    1ull << opts.max_page_shift);
			assert_ok(nvbar_unmap(a));
		}
		gpu_close(gpu);
	}
}

/* Less than a page, or more than an address has bits: of no GPU. */
static void page_sizes_of_no_gpu_make_no_sense(void **state)
{
	static const uint32_t shifts[] = { 1, 11, 64, 76, UINT32_MAX };
	static const struct nvbar_extent ext = { A, MIB(2) };
	struct nvbar_map_opts opts = { .size = sizeof(opts) };
	struct nvbar *gpu = gpu_open("sim");
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(shifts); i++) {
		opts.max_page_shift = shifts[i];
		refuses_opts(gpu, &ext, 1, &opts, EINVAL);
	}
	gpu_close(gpu);
}

/* --- ends --- */

static struct nvbar_access *leaves_scope(struct nvbar *gpu, bool map)
{
	NVBAR_AUTO_UNMAP struct nvbar_access *a = NULL;

	if (map)
		a = map_at(gpu, A, PAGE, 0);
	assert_int_equal(gpu_stats(gpu).mappings, map);
	return a;
}

static void an_automatic_mapping_ends_with_its_scope(void **state)
{
	struct nvbar *gpu = gpu_open("sim");

	(void)state;
	assert_non_null(leaves_scope(gpu, true));
	assert_int_equal(gpu_stats(gpu).mappings, 0);
	assert_int_equal(gpu_stats(gpu).unmaps, 1);
	assert_null(leaves_scope(gpu, false));
	assert_int_equal(gpu_stats(gpu).unmaps, 1);
	gpu_close(gpu);
}

static void unmapping_nothing_is_fine(void **state)
{
	(void)state;
	assert_ok(nvbar_unmap(NULL));
}

static void close_ends_whatever_is_left(void **state)
{
	struct nvbar_prepared *prepared;
	struct nvbar_access *a;
	struct nvbar_vram *vram;
	struct nvbar *gpu;
	void *ptr;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		char device[32];

		snprintf(device, sizeof(device), "sim:%s", chips[i].name);
		gpu = gpu_open(device);
		assert_ok(nvbar_vram_alloc(gpu, MIB(1), NULL, &vram));
		assert_ok(nvbar_map_vram(gpu, vram, 0, MIB(1), 0, &a));
		assert_ok(nvbar_mmap(a, &ptr));
		map_at(gpu, A, 3 * PAGE, NVBAR_MAP_RDONLY);
		assert_ok(nvbar_map_prepare(gpu, 5, NULL, &prepared));
		gpu_close(gpu);
		assert_true(touch_faults(ptr, false));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scattered_pages_appear_contiguous_and_in_the_order_given),
		cmocka_unit_test(extents_appear_in_the_order_given),
		cmocka_unit_test(any_number_of_mappings_live_side_by_side),
		cmocka_unit_test(the_same_page_may_be_mapped_more_than_once),
		cmocka_unit_test(a_fixed_mapping_is_where_it_was_asked_for),
		cmocka_unit_test(a_fixed_mapping_never_overlaps_another),
		cmocka_unit_test(a_range_that_is_taken_is_refused_by_its_holders_name),
		cmocka_unit_test(a_fixed_mapping_stays_in_the_aperture),
		cmocka_unit_test(a_fixed_va_is_a_multiple_of_a_page),
		cmocka_unit_test(the_aperture_can_be_used_to_its_last_page),
		cmocka_unit_test(one_mapping_may_take_the_whole_aperture),
		cmocka_unit_test(a_read_only_mapping_refuses_writes_and_so_does_its_entry),
		cmocka_unit_test(the_drivers_own_region_can_be_mapped_read_only),
		cmocka_unit_test(every_page_of_vram_can_be_mapped_and_none_beyond),
		cmocka_unit_test(v2_entries_reach_128_gib),
		cmocka_unit_test(v3_entries_reach_beyond_the_window),
		cmocka_unit_test(arguments_that_make_no_sense_are_refused),
		cmocka_unit_test(only_page_sizes_of_the_chip_can_be_asked_for),
		cmocka_unit_test(page_sizes_of_no_gpu_make_no_sense),
		cmocka_unit_test(an_automatic_mapping_ends_with_its_scope),
		cmocka_unit_test(unmapping_nothing_is_fine),
		cmocka_unit_test(close_ends_whatever_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
