/* SPDX-License-Identifier: MIT */
/* Allocating VRAM, and mapping parts of allocations. */
#include "helper.h"

#define MAX_EXTENTS	20000

static struct nvbar_extent ext[MAX_EXTENTS];

/* Extents in order, disjoint, of whole pages, below the driver's own region. */
static size_t check_extents(struct nvbar *gpu, const struct nvbar_vram *vram)
{
	struct nvbar_info info = gpu_info(gpu);
	uint64_t end = 0, sum = 0;
	size_t nr, i;

	nr = nvbar_vram_extents(vram, ext, MAX_EXTENTS);
	assert_in_range(nr, 1, MAX_EXTENTS);
	assert_int_equal(nvbar_vram_extents(vram, NULL, 0), nr);
	for (i = 0; i < nr; i++) {
		assert_true(ext[i].len > 0);
		assert_int_equal((ext[i].pa | ext[i].len) % PAGE, 0);
		assert_true(ext[i].pa >= end);
		end = ext[i].pa + ext[i].len;
		sum += ext[i].len;
	}
	assert_true(end <= info.vram_usable);
	assert_true(end <= info.reserved_pa);
	assert_int_equal(sum, nvbar_vram_size(vram));
	return nr;
}

static struct nvbar_vram *alloc_opts(struct nvbar *gpu, uint64_t size, const struct nvbar_vram_opts *opts)
{
	struct nvbar_vram *vram = NULL;

	assert_ok(nvbar_vram_alloc(gpu, size, opts, &vram));
	assert_int_equal(nvbar_vram_size(vram), size);
	check_extents(gpu, vram);
	return vram;
}

static struct nvbar_vram *alloc_flags(struct nvbar *gpu, uint64_t size, uint32_t flags)
{
	const struct nvbar_vram_opts opts = { .size = sizeof(opts), .flags = flags };

	return alloc_opts(gpu, size, &opts);
}

static struct nvbar_vram *alloc_range(struct nvbar *gpu, uint64_t size, uint64_t start, uint64_t end,
				      uint32_t flags)
{
	const struct nvbar_vram_opts opts = {
		.size = sizeof(opts), .range_start = start, .range_end = end, .flags = flags,
	};

	return alloc_opts(gpu, size, &opts);
}

static void refuses(struct nvbar *gpu, uint64_t size, const struct nvbar_vram_opts *opts, int err)
{
	struct nvbar_stats before = gpu_stats(gpu), after;
	struct nvbar_vram *vram = UNTOUCHED;

	assert_err(nvbar_vram_alloc(gpu, size, opts, &vram), err);
	assert_ptr_equal(vram, UNTOUCHED);
	after = gpu_stats(gpu);
	assert_same_state(&before, &after);
}

/* --- sizes --- */

static void sizes(struct nvbar *gpu)
{
	static const uint64_t size[] = {
		PAGE, 2 * PAGE, 3 * PAGE, 15 * PAGE, KIB(64), KIB(68), MIB(1), MIB(2) - PAGE, MIB(2),
		MIB(2) + PAGE, MIB(33) + 5 * PAGE,
	};
	struct nvbar_stats before = gpu_stats(gpu), after;
	struct nvbar_vram *vram[NR_OF(size)];
	uint64_t sum = 0;
	size_t i, j;

	for (i = 0; i < NR_OF(size); i++) {
		vram[i] = alloc_flags(gpu, size[i], 0);
		sum += size[i];
		/* Exactly what was asked for: nothing is rounded up. */
		assert_int_equal(gpu_stats(gpu).vram_free, before.vram_free - sum);
		for (j = 0; j < i; j++) {
			struct nvbar_extent a, b;

			nvbar_vram_extents(vram[i], &a, 1);
			nvbar_vram_extents(vram[j], &b, 1);
			assert_true(a.pa + a.len <= b.pa || b.pa + b.len <= a.pa);
		}
	}
	for (i = 0; i < NR_OF(size); i++)
		nvbar_vram_free(vram[i]);
	nvbar_vram_free(NULL);
	after = gpu_stats(gpu);
	assert_same_space(&before, &after);
}

static void an_allocation_has_exactly_the_size_asked_for(void **state)
{
	(void)state;
	on_every_chip("", sizes);
}

static void extents_are_written_as_far_as_there_is_room(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_vram *vram = alloc_flags(gpu, PAGE, 0);
	struct nvbar_extent got[2] = { { 1, 2 }, { 3, 4 } };

	(void)state;
	assert_int_equal(nvbar_vram_extents(vram, got, 0), 1);
	assert_int_equal(got[0].pa, 1);
	assert_int_equal(nvbar_vram_extents(vram, got, 2), 1);
	assert_int_equal(got[0].len, PAGE);
	assert_int_equal(got[1].pa, 3);
	nvbar_vram_free(vram);
	gpu_close(gpu);
}

static void every_extent_begins_at_the_alignment(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_vram_opts opts = { .size = sizeof(opts), .flags = NVBAR_VRAM_NO_SCRUB };
	struct nvbar_vram *vram[64];
	size_t nr = 0, i, j, n;

	(void)state;
	for (opts.align = PAGE; opts.align <= GIB(1); opts.align *= 2) {
		for (i = 0; i < 2; i++) {
			vram[nr] = alloc_opts(gpu, 3 * PAGE, &opts);
			n = nvbar_vram_extents(vram[nr++], ext, MAX_EXTENTS);
			for (j = 0; j < n; j++)
				assert_int_equal(ext[j].pa % opts.align, 0);
		}
	}
	/* The only multiple of this is 0. */
	while (nr)
		nvbar_vram_free(vram[--nr]);
	opts.align = 1ull << 63;
	vram[0] = alloc_opts(gpu, MIB(1), &opts);
	nvbar_vram_extents(vram[0], ext, 1);
	assert_int_equal(ext[0].pa, 0);
	refuses(gpu, PAGE, &opts, ENOSPC);
	gpu_close(gpu);
}

static void an_allocation_stays_in_its_range(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_info info = gpu_info(gpu);
	struct nvbar_vram_opts opts = { .size = sizeof(opts) };
	struct nvbar_vram *vram;

	(void)state;
	vram = alloc_range(gpu, 5 * PAGE, GIB(3) + PAGE, GIB(3) + 6 * PAGE, 0);
	nvbar_vram_extents(vram, ext, 1);
	assert_int_equal(ext[0].pa, GIB(3) + PAGE);
	opts.range_start = GIB(3);
	opts.range_end = GIB(3) + 6 * PAGE;
	refuses(gpu, 2 * PAGE, &opts, ENOSPC);
	nvbar_vram_free(alloc_opts(gpu, PAGE, &opts));

	/* The last page that the allocator has, then what it has not */
	opts.range_start = info.reserved_pa - PAGE;
	opts.range_end = info.vram_size;
	alloc_opts(gpu, PAGE, &opts);
	nvbar_vram_free(vram);
	refuses(gpu, PAGE, &opts, ENOSPC);
	opts.range_start = info.reserved_pa;
	refuses(gpu, PAGE, &opts, ENOSPC);
	opts.range_start = info.vram_size - PAGE;
	refuses(gpu, PAGE, &opts, ENOSPC);
	gpu_close(gpu);
}

/* --- arguments --- */

static void arguments_that_make_no_sense_are_refused(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	uint64_t vram_size = gpu_info(gpu).vram_size;
	const struct {
		uint64_t align, start, end;
		uint32_t flags;
	} bad[] = {
		{ .align = 1 }, { .align = 3 }, { .align = 2048 }, { .align = 3 * PAGE },
		{ .align = UINT64_MAX }, { .start = 1 }, { .end = PAGE + 1 }, { .start = PAGE, .end = PAGE },
		{ .start = 2 * PAGE, .end = PAGE }, { .flags = 4 }, { .flags = 1u << 31 },
	};
	static const uint64_t size[] = { 0, 1, PAGE - 1, PAGE + 1, UINT64_MAX };
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(size); i++)
		refuses(gpu, size[i], NULL, EINVAL);
	for (i = 0; i < NR_OF(bad); i++) {
		const struct nvbar_vram_opts opts = {
			.size = sizeof(opts), .align = bad[i].align, .range_start = bad[i].start,
			.range_end = bad[i].end, .flags = bad[i].flags,
		};

		refuses(gpu, MIB(1), &opts, EINVAL);
	}
	refuses(gpu, vram_size, NULL, ENOSPC);
	refuses(gpu, 0 - PAGE, NULL, ENOSPC);
	gpu_close(gpu);
}

static void a_range_that_leaves_vram_is_refused(void **state)
{
	struct nvbar_vram_opts opts = { .size = sizeof(opts) };
	struct nvbar *gpu = gpu_open("sim");
	uint64_t vram_size = gpu_info(gpu).vram_size;

	(void)state;
	opts.range_end = vram_size + PAGE;
	refuses(gpu, PAGE, &opts, ERANGE);
	opts.range_end = 0 - PAGE;
	refuses(gpu, PAGE, &opts, ERANGE);
	opts.range_start = vram_size;
	refuses(gpu, PAGE, &opts, ERANGE);
	opts.range_end = 0;	/* the end of VRAM */
	opts.range_start = vram_size + PAGE;
	refuses(gpu, PAGE, &opts, ERANGE);
	gpu_close(gpu);
}

/* --- full and fragmented --- */

static void whole_vram(struct nvbar *gpu)
{
	struct nvbar_stats before = gpu_stats(gpu), after;
	struct nvbar_vram *all = alloc_flags(gpu, before.vram_free, 0);

	assert_int_equal(before.vram_free, gpu_info(gpu).vram_usable);
	after = gpu_stats(gpu);
	assert_int_equal(after.vram_free, 0);
	assert_int_equal(after.vram_largest_free, 0);
	refuses(gpu, PAGE, NULL, ENOSPC);
	nvbar_vram_free(all);
	after = gpu_stats(gpu);
	assert_same_space(&before, &after);
	refuses(gpu, before.vram_free + PAGE, NULL, ENOSPC);
}

static void all_usable_vram_can_be_allocated_at_once(void **state)
{
	(void)state;
	on_every_chip(",vram=64M", whole_vram);
}

/* Every page singly, then every other one back. */
static void fragments(struct nvbar *gpu)
{
	static struct nvbar_vram *vram[MAX_EXTENTS];
	const struct nvbar_vram_opts one = { .size = sizeof(one), .flags = NVBAR_VRAM_CONTIGUOUS };
	struct nvbar_stats before = gpu_stats(gpu), after;
	size_t nr = before.vram_free / PAGE, i;
	struct nvbar_vram *rest;

	assert_true(nr < MAX_EXTENTS);
	for (i = 0; i < nr; i++)
		vram[i] = alloc_range(gpu, PAGE, i * PAGE, (i + 1) * PAGE, NVBAR_VRAM_NO_SCRUB);
	refuses(gpu, PAGE, NULL, ENOSPC);
	for (i = 0; i < nr; i += 2)
		nvbar_vram_free(vram[i]);
	assert_int_equal(gpu_stats(gpu).vram_largest_free, PAGE);
	refuses(gpu, 2 * PAGE, &one, ENOSPC);

	rest = alloc_flags(gpu, 2 * PAGE, 0);
	assert_int_equal(nvbar_vram_extents(rest, ext, MAX_EXTENTS), 2);
	nvbar_vram_free(rest);
	refuses(gpu, (nr + 1) / 2 * PAGE + PAGE, NULL, ENOSPC);
	rest = alloc_flags(gpu, (nr + 1) / 2 * PAGE, NVBAR_VRAM_NO_SCRUB);
	assert_int_equal(nvbar_vram_extents(rest, ext, MAX_EXTENTS), (nr + 1) / 2);
	for (i = 0; i < (nr + 1) / 2; i++)
		assert_int_equal(ext[i].pa, 2 * i * PAGE);
	refuses(gpu, PAGE, NULL, ENOSPC);

	nvbar_vram_free(rest);
	for (i = 1; i < nr; i += 2)
		nvbar_vram_free(vram[i]);
	after = gpu_stats(gpu);
	assert_same_space(&before, &after);
	rest = alloc_flags(gpu, before.vram_free, NVBAR_VRAM_CONTIGUOUS | NVBAR_VRAM_NO_SCRUB);
	nvbar_vram_free(rest);
}

static void fragmented_vram_is_given_in_pieces_and_merges_again(void **state)
{
	struct nvbar *gpu = gpu_open("sim:ga100,vram=40M");

	(void)state;
	fragments(gpu);
	gpu_close(gpu);
}

/* --- scrubbing --- */

static bool holds(struct nvbar *gpu, const struct nvbar_vram *vram, uint8_t byte)
{
	size_t nr = nvbar_vram_extents(vram, ext, MAX_EXTENTS), i, len;
	uint8_t *got, *want;
	bool same = true;

	for (i = 0; i < nr && same; i++) {
		len = ext[i].len;
		got = malloc(len);
		want = malloc(len);
		assert_true(got && want);
		memset(want, byte, len);
		assert_ok(nvbar_pramin_read(gpu, ext[i].pa, got, len));
		same = !memcmp(got, want, len);
		free(got);
		free(want);
	}
	return same;
}

static void poison(struct nvbar *gpu, uint64_t pa, uint64_t len)
{
	void *data = malloc(len);

	assert_non_null(data);
	memset(data, 0xa5, len);
	assert_ok(nvbar_pramin_write(gpu, pa, data, len));
	free(data);
}

static void scrub(struct nvbar *gpu)
{
	static const uint64_t size[] = {
		PAGE, KIB(60), KIB(64), KIB(68), MIB(1) + PAGE, MIB(17) + 3 * PAGE,
	};
	const uint64_t start = MIB(3) + PAGE;
	struct nvbar_vram *vram;
	size_t i;

	for (i = 0; i < NR_OF(size); i++) {
		poison(gpu, start - PAGE, size[i] + 2 * PAGE);
		vram = alloc_range(gpu, size[i], start, start + size[i], NVBAR_VRAM_NO_SCRUB);
		assert_true(holds(gpu, vram, 0xa5));
		nvbar_vram_free(vram);
		vram = alloc_range(gpu, size[i], start, start + size[i], 0);
		assert_true(holds(gpu, vram, 0));
		/* and nothing beside it */
		assert_int_equal(pramin_rd64(gpu, start - 8), 0xa5a5a5a5a5a5a5a5);
		assert_int_equal(pramin_rd64(gpu, start + size[i]), 0xa5a5a5a5a5a5a5a5);
		nvbar_vram_free(vram);
	}
}

/* Every other page is free, and a run that BAR1 scrubs. */
static void scrub_pieces(struct nvbar *gpu)
{
	const uint64_t start = MIB(3), nr = 8, end = start + 2 * nr * PAGE + KIB(64);
	struct nvbar_vram *keep[8], *vram;
	size_t i;

	poison(gpu, start, end - start);
	for (i = 0; i < nr; i++)
		keep[i] = alloc_range(gpu, PAGE, start + 2 * i * PAGE, start + (2 * i + 1) * PAGE, 0);
	vram = alloc_range(gpu, nr * PAGE + KIB(64), start, end, 0);
	assert_int_equal(nvbar_vram_extents(vram, NULL, 0), nr);
	assert_true(holds(gpu, vram, 0));
	nvbar_vram_free(vram);
	for (i = 0; i < nr; i++)
		nvbar_vram_free(keep[i]);
}

static void every_piece_of_an_allocation_is_zero(void **state)
{
	(void)state;
	on_every_chip("", scrub_pieces);
}

static void vram_is_zero_on_allocation_unless_asked_otherwise(void **state)
{
	(void)state;
	on_every_chip("", scrub);
}

/* Whatever is left of the aperture, down to nothing */
static void vram_is_zero_also_when_the_aperture_is_taken(void **state)
{
	static const uint64_t left[] = { 0, PAGE, 17 * PAGE, MIB(1) };
	static const uint64_t size[] = { KIB(64), KIB(132), MIB(2), MIB(3) + PAGE };
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_access *a;
	struct nvbar_vram *vram;
	size_t i, j;

	(void)state;
	for (i = 0; i < NR_OF(left); i++) {
		a = map_at(gpu, GIB(1), MIB(256) - left[i], 0);
		for (j = 0; j < NR_OF(size); j++) {
			poison(gpu, MIB(16), size[j]);
			vram = alloc_range(gpu, size[j], MIB(16), MIB(16) + size[j], 0);
			assert_true(holds(gpu, vram, 0));
			nvbar_vram_free(vram);
		}
		assert_ok(nvbar_unmap(a));
	}
	gpu_close(gpu);
}

static void vram_is_zero_also_with_static_bar1(void **state)
{
	const struct nvbar_open_opts opts = { .size = sizeof(opts), .flags = NVBAR_OPEN_STATIC };
	struct nvbar_vram *vram;
	struct nvbar *gpu;

	(void)state;
	assert_ok(nvbar_open(&gpu, "sim:ga102,vram=256M,bar1=256M", &opts));
	poison(gpu, 0, MIB(4));
	vram = alloc_range(gpu, MIB(2), MIB(1), MIB(3), 0);
	assert_true(holds(gpu, vram, 0));
	assert_int_equal(gpu_stats(gpu).mappings, 1);
	nvbar_vram_free(vram);
	gpu_close(gpu);
}

static void count_line(void *arg, int level, const char *line)
{
	(void)level;
	print_message("%s\n", line);
	++*(unsigned int *)arg;
}

static void an_allocation_that_succeeds_reports_no_error(void **state)
{
	unsigned int errors = 0;
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts), .log_level = NVBAR_LOG_ERROR, .log = count_line,
		.log_arg = &errors,
	};
	struct nvbar *gpu;

	(void)state;
	assert_ok(nvbar_open(&gpu, "sim", &opts));
	nvbar_vram_free(alloc_flags(gpu, MIB(2), 0));
	map_at(gpu, GIB(1), MIB(256), 0);
	nvbar_vram_free(alloc_flags(gpu, MIB(2), 0));
	gpu_close(gpu);
	assert_int_equal(errors, 0);
}

/* --- mapping parts --- */

/* Five extents of 1, 2, 3, 1 and 2 pages: what the holes between leave. */
static struct nvbar_vram *in_pieces(struct nvbar *gpu)
{
	static const unsigned int used[] = { 1, 4, 8, 10 };	/* of 13 pages */
	struct nvbar_vram *hole[NR_OF(used)], *vram;
	uint64_t start = MIB(32);
	size_t i;

	for (i = 0; i < NR_OF(used); i++)
		hole[i] = alloc_range(gpu, PAGE, start + used[i] * PAGE, start + (used[i] + 1) * PAGE, 0);
	vram = alloc_range(gpu, 9 * PAGE, start, start + 13 * PAGE, 0);
	for (i = 0; i < NR_OF(used); i++)
		nvbar_vram_free(hole[i]);
	assert_int_equal(nvbar_vram_extents(vram, ext, MAX_EXTENTS), 5);
	return vram;
}

static void parts(struct nvbar *gpu)
{
	static const uint64_t page[] = { 0, 2, 3, 5, 6, 7, 9, 11, 12 };
	struct nvbar_vram *vram = in_pieces(gpu);
	struct nvbar_access *a;
	uint64_t off, len, i;

	for (off = 0; off < 9; off++) {
		for (len = 1; off + len <= 9; len++) {
			assert_ok(nvbar_map_vram(gpu, vram, off * PAGE, len * PAGE, 0, &a));
			assert_int_equal(nvbar_access_num_pages(a), len);
			for (i = 0; i < len; i++)
				assert_int_equal(walk_at(gpu, nvbar_access_base(a) + i * PAGE).pa,
						 MIB(32) + page[off + i] * PAGE);
			assert_ok(nvbar_unmap(a));
		}
	}
	nvbar_vram_free(vram);
}

static void any_part_of_an_allocation_can_be_mapped(void **state)
{
	(void)state;
	on_every_chip("", parts);
}

static void only_a_part_of_an_allocation_can_be_mapped(void **state)
{
	static const struct {
		uint64_t off, len;
		uint32_t flags;
		int err;
	} bad[] = {
		{ 0, 0, 0, EINVAL }, { 1, PAGE, 0, EINVAL }, { 0, 1, 0, EINVAL },
		{ 0, PAGE, NVBAR_MAP_FIXED, EINVAL }, { 0, PAGE, 8, EINVAL },
		{ 0, 10 * PAGE, 0, ERANGE }, { 8 * PAGE, 2 * PAGE, 0, ERANGE },
		{ 9 * PAGE, PAGE, 0, ERANGE }, { 10 * PAGE, PAGE, 0, ERANGE },
		{ 0ull - PAGE, PAGE, 0, ERANGE }, { 0ull - PAGE, 2 * PAGE, 0, ERANGE },
		{ PAGE, 0ull - PAGE, 0, ERANGE },
	};
	struct nvbar *gpu = gpu_open("sim"), *other = gpu_open("sim");
	struct nvbar_vram *vram = in_pieces(gpu);
	struct nvbar_access *a = UNTOUCHED;
	struct nvbar_stats before = gpu_stats(gpu), after;
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(bad); i++)
		assert_err(nvbar_map_vram(gpu, vram, bad[i].off, bad[i].len, bad[i].flags, &a), bad[i].err);
	assert_err(nvbar_map_vram(other, vram, 0, PAGE, 0, &a), EINVAL);
	assert_ptr_equal(a, UNTOUCHED);
	after = gpu_stats(gpu);
	assert_same_state(&before, &after);
	assert_ok(nvbar_map_vram(gpu, vram, 0, PAGE, NVBAR_MAP_RDONLY, &a));
	assert_err(nvbar_write8(a, 0, 0), EACCES);
	gpu_close(other);
	gpu_close(gpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_allocation_has_exactly_the_size_asked_for),
		cmocka_unit_test(extents_are_written_as_far_as_there_is_room),
		cmocka_unit_test(every_extent_begins_at_the_alignment),
		cmocka_unit_test(an_allocation_stays_in_its_range),
		cmocka_unit_test(arguments_that_make_no_sense_are_refused),
		cmocka_unit_test(a_range_that_leaves_vram_is_refused),
		cmocka_unit_test(all_usable_vram_can_be_allocated_at_once),
		cmocka_unit_test(fragmented_vram_is_given_in_pieces_and_merges_again),
		cmocka_unit_test(vram_is_zero_on_allocation_unless_asked_otherwise),
		cmocka_unit_test(every_piece_of_an_allocation_is_zero),
		cmocka_unit_test(vram_is_zero_also_when_the_aperture_is_taken),
		cmocka_unit_test(vram_is_zero_also_with_static_bar1),
		cmocka_unit_test(an_allocation_that_succeeds_reports_no_error),
		cmocka_unit_test(any_part_of_an_allocation_can_be_mapped),
		cmocka_unit_test(only_a_part_of_an_allocation_can_be_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
