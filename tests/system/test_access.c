/* SPDX-License-Identifier: MIT */
/* Reading and writing: BAR1 accessors and PRAMIN against a plain array. */
#include "helper.h"
#include "../width.h"

#define A	MIB(64)
#define SIZE	(3 * PAGE)

/*
 * Three pages, neither adjacent nor in order, and what they should hold; with
 * guard pages of VRAM around each, which nothing here may change.
 */
struct twin {
	struct nvbar *gpu;
	struct nvbar_access *a;
	uint8_t byte[SIZE];
};

static const uint64_t twin_pfn[] = { A / PAGE + 4, A / PAGE, A / PAGE + 2 };

static void twin_open(struct twin *twin, struct nvbar *gpu)
{
	size_t i;

	twin->gpu = gpu;
	rng_fill(twin->byte, SIZE);
	for (i = 0; i < 3; i++) {
		assert_ok(nvbar_pramin_write(gpu, twin_pfn[i] * PAGE, twin->byte + i * PAGE, PAGE));
		pramin_wr64(gpu, (twin_pfn[i] + 1) * PAGE, 0x600d);
		pramin_wr64(gpu, (twin_pfn[i] - 1) * PAGE + PAGE - 8, 0x600d);
	}
	assert_ok(nvbar_map_pages(gpu, twin_pfn, 3, 0, &twin->a));
}

static void twin_same(struct twin *twin)
{
	uint8_t got[SIZE];
	size_t i;

	assert_ok(nvbar_flush(twin->a));
	for (i = 0; i < 3; i++) {
		assert_ok(nvbar_pramin_read(twin->gpu, twin_pfn[i] * PAGE, got + i * PAGE, PAGE));
		assert_int_equal(pramin_rd64(twin->gpu, (twin_pfn[i] + 1) * PAGE), 0x600d);
		assert_int_equal(pramin_rd64(twin->gpu, twin_pfn[i] * PAGE - 8), 0x600d);
	}
	assert_memory_equal(got, twin->byte, SIZE);
}

static void twin_close(struct twin *twin)
{
	twin_same(twin);
	assert_ok(nvbar_unmap(twin->a));
}

/* --- single accesses --- */

static void access_at(struct twin *twin, uint64_t off)
{
	unsigned int width;

	for (width = 1; width <= 8; width *= 2) {
		bool aligned = off % width == 0;
		bool inside = off < SIZE && width <= SIZE - off;
		uint64_t val, want = 0;
		int ret = read_width(twin->a, off, width, &val);

		if (aligned && inside) {
			assert_ok(ret);
			memcpy(&want, twin->byte + off, width);
			assert_int_equal(val, want);
			want = rng_u64();
			memcpy(twin->byte + off, &want, width);
			assert_ok(write_width(twin->a, off, width, want));
			assert_ok(read_width(twin->a, off, width, &val));
			assert_int_equal(val, want & width_mask(width));
			continue;
		}
		assert_int_equal(val, WIDTH_UNTOUCHED & width_mask(width));
		if (aligned || inside) {
			assert_err(ret, aligned ? ERANGE : EINVAL);
			assert_err(write_width(twin->a, off, width, 0), aligned ? ERANGE : EINVAL);
		} else {
			assert_true(ret == -ERANGE || ret == -EINVAL);
			assert_int_equal(write_width(twin->a, off, width, 0), ret);
		}
	}
}

static void single_accesses(struct nvbar *gpu)
{
	static const uint64_t near[] = {
		0, PAGE, 2 * PAGE, SIZE, SIZE + PAGE, 1ull << 32, (1ull << 32) + SIZE, 1ull << 63,
		GIB(8),
	};
	struct twin twin;
	uint64_t d;
	size_t i;

	twin_open(&twin, gpu);
	for (i = 0; i < NR_OF(near); i++)
		for (d = 0; d < 33; d++)
			access_at(&twin, near[i] + d - 16);	/* from 0 also down from 2^64 */
	twin_close(&twin);
}

static void single_accesses_are_aligned_and_inside_the_mapping(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_chip("", single_accesses);
}

/* A GPU that is gone reads so too; this one is there. */
static void all_ones(struct nvbar *gpu)
{
	struct nvbar_access *a = map_at(gpu, A, PAGE, 0);
	uint8_t buf[64], want[64];
	unsigned int width;
	uint64_t val;

	memset(want, 0xff, sizeof(want));
	assert_ok(nvbar_fill(a, 0, ~0u, PAGE));
	for (width = 1; width <= 8; width *= 2) {
		assert_ok(read_width(a, 64, width, &val));
		assert_int_equal(val, width_mask(width));
	}
	assert_ok(nvbar_read(a, 1, buf, sizeof(buf)));
	assert_memory_equal(buf, want, sizeof(buf));
	memset(buf, 0, sizeof(buf));
	assert_ok(nvbar_pramin_read(gpu, A + 1, buf, sizeof(buf)));
	assert_memory_equal(buf, want, sizeof(buf));
	assert_ok(nvbar_flush(a));
	assert_ok(nvbar_unmap(a));
}

static void all_ones_are_data_too(void **state)
{
	(void)state;
	on_every_chip("", all_ones);
}

/* --- blocks --- */

#define BLOCK_MAX	80

static void copy_at(struct twin *twin, uint64_t off, size_t len)
{
	uint8_t buf[BLOCK_MAX + 2], data[BLOCK_MAX + 1];

	/* At another alignment in host memory, with a guard on either side */
	memset(buf, 0x5a, sizeof(buf));
	assert_ok(nvbar_read(twin->a, off, buf + 1, len));
	assert_memory_equal(buf + 1, twin->byte + off, len);
	assert_int_equal(buf[0], 0x5a);
	assert_int_equal(buf[len + 1], 0x5a);

	rng_fill(data, sizeof(data));
	assert_ok(nvbar_write(twin->a, off, data + (len & 1), len));
	memcpy(twin->byte + off, data + (len & 1), len);
}

static void copies(struct nvbar *gpu)
{
	static const uint64_t from[] = { 0, PAGE - 40, 2 * PAGE - 40, SIZE - 40 };
	struct twin twin;
	uint64_t off;
	size_t i, len;

	twin_open(&twin, gpu);
	for (i = 0; i < NR_OF(from); i++) {
		for (off = from[i]; off < from[i] + 40; off++)
			for (len = 0; len < BLOCK_MAX && off + len <= SIZE; len++)
				copy_at(&twin, off, len);
		twin_same(&twin);
	}
	twin_close(&twin);
}

static void copies_of_any_alignment_and_length_match_a_plain_array(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_chip("", copies);
}

/* Longer than any buffer in between, over pages far apart. */
static void long_copies(struct nvbar *gpu)
{
	const size_t nr = 1000, size = nr * PAGE;
	uint8_t *data = malloc(size), *got = malloc(size);
	uint64_t *pfn = calloc(nr, sizeof(*pfn));
	struct nvbar_access *a;
	size_t i;

	assert_true(data && got && pfn);
	for (i = 0; i < nr; i++)
		pfn[i] = A / PAGE + (i ^ 5) * 3;
	assert_ok(nvbar_map_pages(gpu, pfn, nr, 0, &a));
	rng_fill(data, size);
	assert_ok(nvbar_write(a, 0, data, size));
	rng_fill(data + 4321, size - 12345);
	assert_ok(nvbar_write(a, 4321, data + 4321, size - 12345));
	assert_ok(nvbar_read(a, 0, got, size));
	assert_memory_equal(got, data, size);
	assert_ok(nvbar_read(a, 777, got, size - 777));
	assert_memory_equal(got, data + 777, size - 777);
	for (i = 0; i < nr; i += 77) {
		assert_ok(nvbar_pramin_read(gpu, pfn[i] * PAGE, got, PAGE));
		assert_memory_equal(got, data + i * PAGE, PAGE);
	}
	assert_ok(nvbar_unmap(a));
	free(data);
	free(got);
	free(pfn);
}

static void long_copies_match_a_plain_array(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_chip("", long_copies);
}

/*
 * In VRAM page 511 is followed by page 0, and in the mapping by page 512: what
 * looked-up pages are kept in, 2 MiB at a time, must not close the circle.
 */
static void circle(struct nvbar *gpu)
{
	static uint64_t pfn[1024];
	uint8_t data[2 * PAGE];
	struct nvbar_access *a;
	size_t i;

	for (i = 0; i < NR_OF(pfn); i++)
		pfn[i] = A / PAGE + (i < 512 ? (i + 511) % 512 : 2 * i);
	assert_ok(nvbar_map_pages(gpu, pfn, NR_OF(pfn), NVBAR_MAP_PRIVATE, &a));
	for (i = 0; i < NR_OF(pfn); i++) {
		memset(data, 1 + i % 100, PAGE);
		assert_ok(nvbar_write(a, i * PAGE, data, PAGE));
	}
	assert_ok(nvbar_read(a, 511 * PAGE, data, sizeof(data)));
	assert_int_equal(data[0], 1 + 511 % 100);
	assert_int_equal(data[PAGE], 1 + 512 % 100);
	assert_ok(nvbar_unmap(a));
}

static void adjacent_vram_is_not_taken_for_adjacent_pages(void **state)
{
	(void)state;
	on_every_chip("", circle);
}

static const struct {
	uint64_t off;
	size_t len;
} beyond[] = {
	{ SIZE, 1 }, { SIZE + 1, 0 }, { SIZE - 1, 2 }, { 0, SIZE + 1 }, { 1, SIZE }, { 0, SIZE_MAX },
	{ 1, SIZE_MAX }, { SIZE, SIZE_MAX }, { UINT64_MAX, 1 }, { UINT64_MAX, 0 }, { UINT64_MAX - 7, 8 },
	{ UINT64_MAX - 7, 16 }, { UINT64_MAX - PAGE, SIZE_MAX }, { 1ull << 63, SIZE_MAX / 2 + 1 },
};

/* A random part of the twin written or read, and as often a single word. */
static void twin_copy(struct twin *twin)
{
	uint64_t off = rng_below(SIZE), len = 1 + rng_below(SIZE - off), word;
	uint8_t got[SIZE];

	if (rng_below(2)) {
		rng_fill(twin->byte + off, len);
		assert_ok(nvbar_write(twin->a, off, twin->byte + off, len));
	} else {
		assert_ok(nvbar_read(twin->a, off, got, len));
		assert_memory_equal(got, twin->byte + off, len);
	}
	off = rng_below(SIZE / 8) * 8;
	assert_ok(nvbar_read64(twin->a, off, &word));
	assert_memory_equal(&word, twin->byte + off, 8);
}

/*
 * Long use takes every way there is through a mapping; other mappings come and
 * go meanwhile, and each makes what was known of this one out of date.
 */
static void much_used(struct nvbar *gpu)
{
	struct nvbar_access *other;
	struct twin twin;
	unsigned int i, round;

	twin_open(&twin, gpu);
	for (round = 0; round < 7; round++) {
		for (i = 0; i < 200; i++)
			twin_copy(&twin);
		twin_same(&twin);
		other = map_at(gpu, MIB(128), (1 + round) * PAGE, 0);
		for (i = 0; i < 3; i++)
			twin_copy(&twin);
		assert_ok(nvbar_unmap(other));
	}
	twin_close(&twin);
}

static void a_much_used_mapping_matches_a_plain_array(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_chip("", much_used);
}

static void a_much_read_read_only_mapping_refuses_writes(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_access *a = map_at(gpu, A, 4 * PAGE, NVBAR_MAP_RDONLY);
	uint8_t buf[4 * PAGE];
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++)
		assert_ok(nvbar_read(a, 0, buf, sizeof(buf)));
	assert_err(nvbar_write(a, 0, buf, sizeof(buf)), EACCES);
	assert_err(nvbar_write(a, 0, buf, 64), EACCES);
	assert_err(nvbar_write64(a, 0, 1), EACCES);
	assert_err(nvbar_read(a, PAGE, buf, sizeof(buf)), ERANGE);
	assert_ok(nvbar_unmap(a));
	gpu_close(gpu);
}

static void no_copy_leaves_the_mapping(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	struct twin twin;
	uint8_t buf[16];
	size_t i, j;

	(void)state;
	rng_start(__func__);
	twin_open(&twin, gpu);
	memset(buf, 0x5a, sizeof(buf));
	for (i = 0; i < NR_OF(beyond); i++) {
		assert_err(nvbar_read(twin.a, beyond[i].off, buf, beyond[i].len), ERANGE);
		assert_err(nvbar_write(twin.a, beyond[i].off, buf, beyond[i].len), ERANGE);
	}
	for (j = 0; j < sizeof(buf); j++)
		assert_int_equal(buf[j], 0x5a);
	assert_ok(nvbar_read(twin.a, SIZE, buf, 0));
	assert_ok(nvbar_write(twin.a, SIZE, buf, 0));
	assert_ok(nvbar_read(twin.a, 0, NULL, 0));
	assert_ok(nvbar_write(twin.a, 0, NULL, 0));
	twin_close(&twin);
	gpu_close(gpu);
}

/* --- fill --- */

static void fill_at(struct twin *twin, uint64_t off, uint64_t len)
{
	uint32_t pattern = (uint32_t)rng_u64();
	uint64_t i;

	assert_ok(nvbar_fill(twin->a, off, pattern, len));
	for (i = 0; i < len; i++)
		twin->byte[off + i] = (uint8_t)(pattern >> 8 * (i % 4));
}

static void fills(struct nvbar *gpu)
{
	struct twin twin;
	uint64_t off, len;

	twin_open(&twin, gpu);
	for (off = 0; off < SIZE; off += 516)
		for (len = 0; len <= 132 && off + len <= SIZE; len += 4)
			fill_at(&twin, off, len);
	twin_same(&twin);
	fill_at(&twin, PAGE - 4, PAGE + 8);
	fill_at(&twin, SIZE - 4, 4);
	fill_at(&twin, SIZE, 0);
	twin_same(&twin);
	fill_at(&twin, 0, SIZE);
	twin_close(&twin);
}

static void fill_repeats_its_pattern(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_chip("", fills);
}

static void fill_refuses_what_is_misaligned_or_outside(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	struct twin twin;
	uint64_t i;

	(void)state;
	rng_start(__func__);
	twin_open(&twin, gpu);
	for (i = 1; i < 4; i++) {
		assert_err(nvbar_fill(twin.a, i, 0, 8), EINVAL);
		assert_err(nvbar_fill(twin.a, 0, 0, 8 + i), EINVAL);
	}
	assert_err(nvbar_fill(twin.a, SIZE, 0, 4), ERANGE);
	assert_err(nvbar_fill(twin.a, 4, 0, SIZE), ERANGE);
	assert_err(nvbar_fill(twin.a, 0, 0, SIZE + 4), ERANGE);
	assert_err(nvbar_fill(twin.a, 4, 0, 0ull - 4), ERANGE);
	assert_err(nvbar_fill(twin.a, 0ull - 4, 0, 4), ERANGE);
	assert_err(nvbar_fill(twin.a, 0ull - 4, 0, 8), ERANGE);
	twin_close(&twin);
	gpu_close(gpu);
}

/* --- PRAMIN --- */

static void pramin_at(struct nvbar *gpu, uint8_t *want, uint64_t start, uint64_t off, size_t len)
{
	uint8_t buf[BLOCK_MAX + 2];

	memset(buf, 0x5a, sizeof(buf));
	assert_ok(nvbar_pramin_read(gpu, start + off, buf + 1, len));
	assert_memory_equal(buf + 1, want + off, len);
	assert_int_equal(buf[0], 0x5a);
	assert_int_equal(buf[len + 1], 0x5a);
	rng_fill(want + off, len);
	assert_ok(nvbar_pramin_write(gpu, start + off, want + off, len));
}

static void pramin(struct nvbar *gpu)
{
	/* Around an address where the window must move wherever its 64 KiB base is. */
	static uint8_t want[256], got[256];
	uint64_t edge, off;
	size_t len;

	for (edge = GIB(1); edge <= GIB(1) + KIB(192); edge += KIB(64)) {
		assert_ok(nvbar_pramin_read(gpu, edge - 128, want, sizeof(want)));
		/* Leave the window to begin 1 MiB below. */
		pramin_rd64(gpu, edge - MIB(1));
		for (off = 96; off < 140; off += 3)
			for (len = 0; len < 36; len += 5)
				pramin_at(gpu, want, edge - 128, off, len);
		assert_ok(nvbar_pramin_read(gpu, edge - 128, got, sizeof(got)));
		assert_memory_equal(got, want, sizeof(got));
	}
	edge -= KIB(64);
	for (off = 0; off < 16; off++)
		for (len = 0; len < BLOCK_MAX; len++)
			pramin_at(gpu, want, edge - 128, off, len);
}

static void pramin_copies_of_any_alignment_match_a_plain_array(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_chip("", pramin);
}

static void pramin_long(struct nvbar *gpu)
{
	const size_t size = MIB(3) + 12345;
	uint8_t *data = malloc(size), *got = malloc(size);

	assert_true(data && got);
	rng_fill(data, size);
	assert_ok(nvbar_pramin_write(gpu, GIB(2) - 4567, data, size));
	assert_ok(nvbar_pramin_read(gpu, GIB(2) - 4567, got, size));
	assert_memory_equal(got, data, size);
	free(data);
	free(got);
}

static void pramin_copies_move_the_window_as_needed(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_chip("", pramin_long);
}

static void pramin_limits(struct nvbar *gpu)
{
	struct nvbar_info info = gpu_info(gpu);
	uint64_t size = info.vram_size, word = 0x5a5a5a5a5a5a5a5a, same = word, old;

	assert_err(nvbar_pramin_read(gpu, size, &word, 1), ERANGE);
	assert_err(nvbar_pramin_read(gpu, size - 7, &word, 8), ERANGE);
	assert_err(nvbar_pramin_read(gpu, size + 1, &word, 0), ERANGE);
	assert_err(nvbar_pramin_read(gpu, UINT64_MAX, &word, 1), ERANGE);
	assert_err(nvbar_pramin_read(gpu, UINT64_MAX - 7, &word, 8), ERANGE);
	assert_err(nvbar_pramin_read(gpu, 8, &word, SIZE_MAX), ERANGE);
	assert_err(nvbar_pramin_read(gpu, 0, &word, SIZE_MAX), ERANGE);
	assert_int_equal(word, same);
	assert_err(nvbar_pramin_write(gpu, size, &word, 1), ERANGE);
	assert_err(nvbar_pramin_write(gpu, size - 7, &word, 8), ERANGE);
	assert_err(nvbar_pramin_write(gpu, UINT64_MAX, &word, 1), ERANGE);
	assert_err(nvbar_pramin_write(gpu, 8, &word, SIZE_MAX), ERANGE);
	assert_ok(nvbar_pramin_read(gpu, size, &word, 0));
	assert_ok(nvbar_pramin_write(gpu, size, &word, 0));
	assert_ok(nvbar_pramin_read(gpu, 0, NULL, 0));

	/* The driver's own region is to be looked at only. */
	old = pramin_rd64(gpu, info.reserved_pa - 8);
	assert_ok(nvbar_pramin_read(gpu, info.reserved_pa, &word, 8));
	assert_err(nvbar_pramin_write(gpu, info.reserved_pa, &same, 8), EACCES);
	assert_err(nvbar_pramin_write(gpu, info.reserved_pa - 7, &same, 8), EACCES);
	assert_err(nvbar_pramin_write(gpu, info.reserved_pa + info.reserved_len - 1, &same, 1), EACCES);
	assert_int_equal(pramin_rd64(gpu, info.reserved_pa - 8), old);
	assert_int_equal(pramin_rd64(gpu, info.reserved_pa), word);
	assert_ok(nvbar_pramin_write(gpu, info.reserved_pa + info.reserved_len, &same, 1));
	assert_ok(nvbar_pramin_write(gpu, info.reserved_pa - 8, &same, 8));
	assert_ok(nvbar_pramin_write(gpu, info.reserved_pa, &same, 0));
}

static void pramin_stays_in_vram_and_out_of_the_drivers_own_region(void **state)
{
	(void)state;
	on_every_chip("", pramin_limits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_accesses_are_aligned_and_inside_the_mapping),
		cmocka_unit_test(all_ones_are_data_too),
		cmocka_unit_test(copies_of_any_alignment_and_length_match_a_plain_array),
		cmocka_unit_test(long_copies_match_a_plain_array),
		cmocka_unit_test(adjacent_vram_is_not_taken_for_adjacent_pages),
		cmocka_unit_test(a_much_used_mapping_matches_a_plain_array),
		cmocka_unit_test(a_much_read_read_only_mapping_refuses_writes),
		cmocka_unit_test(no_copy_leaves_the_mapping),
		cmocka_unit_test(fill_repeats_its_pattern),
		cmocka_unit_test(fill_refuses_what_is_misaligned_or_outside),
		cmocka_unit_test(pramin_copies_of_any_alignment_match_a_plain_array),
		cmocka_unit_test(pramin_copies_move_the_window_as_needed),
		cmocka_unit_test(pramin_stays_in_vram_and_out_of_the_drivers_own_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
