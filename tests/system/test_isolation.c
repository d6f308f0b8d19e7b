/* SPDX-License-Identifier: MIT */
/*
 * Nobody gets at what he was not given: memory of an earlier owner, pages that
 * were unmapped, pages to be read only, pages of a neighbour.
 */
#include "helper.h"
#include "../width.h"

#include "access.h"
#include "internal.h"

#define A	MIB(64)

/* Fault types */
#define FAULT_PDE	0
#define FAULT_PTE	2
#define FAULT_RO	6

/* --- past the library: the aperture as any driver may access it --- */

static uint64_t bus_read(struct nvbar *gpu, uint64_t va, unsigned int width)
{
	return gpu->backend->ops->bar1_read(gpu->backend, va, width);
}

static void bus_write(struct nvbar *gpu, uint64_t va, unsigned int width, uint64_t val)
{
	gpu->backend->ops->bar1_write(gpu->backend, va, width, val);
}

static void bus_copy_from(struct nvbar *gpu, void *to, uint64_t va, size_t len)
{
	gpu->backend->ops->bar1_copy_from(gpu->backend, to, va, len);
}

static void bus_copy_to(struct nvbar *gpu, uint64_t va, const void *from, size_t len)
{
	gpu->backend->ops->bar1_copy_to(gpu->backend, va, from, len);
}

static void bus_fill(struct nvbar *gpu, uint64_t va, uint32_t pattern, size_t len)
{
	gpu->backend->ops->bar1_fill(gpu->backend, va, pattern, len);
}

/* The GPU has latched a fault at @va, and takes the next. */
static struct nvbar_fault take_fault(struct nvbar *gpu, uint64_t va, bool write)
{
	struct nvbar_fault fault = { .size = sizeof(fault) };

	assert_ok(nvbar_get_fault(gpu, &fault));
	assert_int_equal(fault.va, va / PAGE * PAGE);
	assert_int_equal(fault.write, write);
	assert_ok(nvbar_clear_fault(gpu));
	return fault;
}

/* --- ways to read and write a mapping --- */

enum way { BY_COPY, BY_WORD, BY_POINTER, NR_WAYS };

static void put(struct nvbar_access *a, enum way way, const uint8_t *from, size_t len)
{
	uint64_t word;
	void *ptr;
	size_t i;

	switch (way) {
	case BY_COPY:
		assert_ok(nvbar_write(a, 0, from, len));
		break;
	case BY_WORD:
		for (i = 0; i < len; i += sizeof(word)) {
			memcpy(&word, from + i, sizeof(word));
			assert_ok(nvbar_write64(a, i, word));
		}
		break;
	default:
		assert_ok(nvbar_mmap(a, &ptr));
		memcpy(ptr, from, len);
	}
	assert_ok(nvbar_flush(a));
}

static void get(struct nvbar_access *a, enum way way, uint8_t *to, size_t len)
{
	uint64_t word;
	void *ptr;
	size_t i;

	switch (way) {
	case BY_COPY:
		assert_ok(nvbar_read(a, 0, to, len));
		break;
	case BY_WORD:
		for (i = 0; i < len; i += sizeof(word)) {
			word = bar1_rd64(a, i);
			memcpy(to + i, &word, sizeof(word));
		}
		break;
	default:
		assert_ok(nvbar_mmap(a, &ptr));
		memcpy(to, ptr, len);
	}
}

/* Where writes land at once, the aperture is memory, and handles take short cuts to it. */
#define AS_MEMORY	",landing=at-once"

/* Copies until there is a window: all of the mapping in one piece. */
static uint8_t *get_window(struct nvbar_access *a)
{
	size_t len = nvbar_access_size(a);
	uint8_t *buf = malloc(len);
	unsigned int i;

	assert_non_null(buf);
	for (i = 0; i < 40 && !nvbar_access_window(a); i++)
		assert_ok(nvbar_read(a, 0, buf, len));
	free(buf);
	assert_non_null(nvbar_access_window(a));
	return nvbar_access_window(a);
}

/* --- memory of an earlier owner --- */

#define MAX_EXTENTS	64
#define SECRET		0xa5

static struct nvbar_vram *alloc(struct nvbar *gpu, uint64_t size, uint64_t start, uint64_t end,
				uint32_t flags)
{
	const struct nvbar_vram_opts opts = {
		.size = sizeof(opts), .range_start = start, .range_end = end, .flags = flags,
	};
	struct nvbar_vram *vram;

	assert_ok(nvbar_vram_alloc(gpu, size, &opts, &vram));
	return vram;
}

static bool all_are(const uint8_t *bytes, size_t len, uint8_t val)
{
	return bytes[0] == val && !memcmp(bytes, bytes + 1, len - 1);
}

/* Whether each byte of an allocation is @val, through PRAMIN and in each way through BAR1. */
static bool holds(struct nvbar *gpu, struct nvbar_vram *vram, uint8_t val)
{
	uint64_t size = nvbar_vram_size(vram), done = 0;
	struct nvbar_extent ext[MAX_EXTENTS];
	size_t nr = nvbar_vram_extents(vram, ext, MAX_EXTENTS), i;
	uint8_t *got = malloc(size);
	struct nvbar_access *a;
	bool same;
	int way;

	assert_non_null(got);
	assert_in_range(nr, 1, MAX_EXTENTS);
	for (i = 0; i < nr; done += ext[i++].len)
		assert_ok(nvbar_pramin_read(gpu, ext[i].pa, got + done, ext[i].len));
	same = all_are(got, size, val);
	assert_ok(nvbar_map_vram(gpu, vram, 0, size, NVBAR_MAP_RDONLY, &a));
	for (way = 0; way < NR_WAYS; way++) {
		get(a, way, got, size);
		same = same && all_are(got, size, val);
	}
	assert_ok(nvbar_unmap(a));
	free(got);
	return same;
}

static void leave_secret(struct nvbar *gpu, struct nvbar_vram *vram, enum way way)
{
	uint64_t size = nvbar_vram_size(vram);
	uint8_t *data = malloc(size);
	struct nvbar_access *a;

	assert_non_null(data);
	memset(data, SECRET, size);
	assert_ok(nvbar_map_vram(gpu, vram, 0, size, 0, &a));
	put(a, way, data, size);
	assert_ok(nvbar_unmap(a));
	nvbar_vram_free(vram);
	free(data);
}

/* Memory in [@start, @end) goes from one owner to the next, with all of BAR1 taken if @full. */
static void pass_on(struct nvbar *gpu, uint64_t size, uint64_t start, uint64_t end, bool full)
{
	struct nvbar_access *all = NULL;
	struct nvbar_vram *vram;
	int way;

	for (way = 0; way < NR_WAYS; way++) {
		leave_secret(gpu, alloc(gpu, size, start, end, 0), way);
		vram = alloc(gpu, size, start, end, NVBAR_VRAM_NO_SCRUB);
		assert_true(holds(gpu, vram, SECRET));
		nvbar_vram_free(vram);
		if (full)
			all = map_at(gpu, 0, gpu_info(gpu).bar1_size, NVBAR_MAP_RDONLY);
		vram = alloc(gpu, size, start, end, 0);
		if (full)
			assert_ok(nvbar_unmap(all));
		assert_true(holds(gpu, vram, 0));
		nvbar_vram_free(vram);
	}
}

static void one_piece(struct nvbar *gpu)
{
	static const uint64_t size[] = { PAGE, 3 * PAGE, KIB(64), KIB(64) + PAGE, MIB(1), MIB(2) + PAGE };
	size_t i;

	for (i = 0; i < NR_OF(size); i++) {
		pass_on(gpu, size[i], A + PAGE, A + PAGE + size[i], false);
		pass_on(gpu, size[i], A + PAGE, A + PAGE + size[i], true);
	}
}

static void memory_of_an_earlier_owner_reads_zero(void **state)
{
	(void)state;
	on_every_chip(",vram=512M,bar1=64M", one_piece);
}

/* 32 single pages, or runs of 64 KiB, with those of others between */
static void pieces(struct nvbar *gpu)
{
	static const uint64_t piece[] = { PAGE, KIB(64) };
	struct nvbar_vram *other[32];
	size_t i, j;

	for (i = 0; i < NR_OF(piece); i++) {
		uint64_t len = piece[i], end = A + 2 * NR_OF(other) * len;

		for (j = 0; j < NR_OF(other); j++)
			other[j] = alloc(gpu, len, A + (2 * j + 1) * len, A + (2 * j + 2) * len, 0);
		pass_on(gpu, NR_OF(other) * len, A, end, false);
		pass_on(gpu, NR_OF(other) * len, A, end, true);
		for (j = 0; j < NR_OF(other); j++)
			nvbar_vram_free(other[j]);
	}
}

static void scattered_memory_of_an_earlier_owner_reads_zero(void **state)
{
	(void)state;
	on_every_chip(",vram=512M,bar1=64M", pieces);
}

/* --- pages that were unmapped --- */

#define NR_PAGES	8
#define LEN		(NR_PAGES * PAGE)

static const uint64_t scattered[NR_PAGES] = {
	A / PAGE + 9, A / PAGE + 2, A / PAGE + 30, A / PAGE, A / PAGE + 17, A / PAGE + 4,
	A / PAGE + 25, A / PAGE + 13,
};

static struct nvbar_access *map_scattered(struct nvbar *gpu, uint32_t flags)
{
	struct nvbar_access *a;

	assert_ok(nvbar_map_pages(gpu, scattered, NR_PAGES, flags, &a));
	return a;
}

static void write_scattered(struct nvbar *gpu, const uint8_t *bytes)
{
	size_t i;

	for (i = 0; i < NR_PAGES; i++)
		assert_ok(nvbar_pramin_write(gpu, scattered[i] * PAGE, bytes + i * PAGE, PAGE));
}

static void assert_scattered(struct nvbar *gpu, const uint8_t *bytes)
{
	uint8_t got[PAGE];
	size_t i;

	for (i = 0; i < NR_PAGES; i++) {
		assert_ok(nvbar_pramin_read(gpu, scattered[i] * PAGE, got, PAGE));
		assert_memory_equal(got, bytes + i * PAGE, PAGE);
	}
}

static void leads_nowhere(struct nvbar *gpu, uint64_t va)
{
	uint8_t buf[64];
	unsigned int width;
	struct nvbar_fault fault;

	assert_int_equal(walk_at(gpu, va).status, WALK_UNUSED);
	/* Where that is no fault, the model reads 0 and drops what is written. */
	strays_expected = true;
	if (sparse_background) {
		memset(buf, 0xff, sizeof(buf));
		bus_copy_to(gpu, va, buf, sizeof(buf));
		bus_write(gpu, va, 8, ~0ull);
		bus_fill(gpu, va, ~0u, sizeof(buf));
		bus_copy_from(gpu, buf, va, sizeof(buf));
		assert_true(all_are(buf, sizeof(buf), 0));
		assert_int_equal(bus_read(gpu, va, 8), 0);
		return;
	}
	for (width = 1; width <= 8; width *= 2) {
		assert_int_equal(bus_read(gpu, va, width), ~0ull >> (64 - 8 * width));
		fault = take_fault(gpu, va, false);
		assert_true(fault.type == FAULT_PDE || fault.type == FAULT_PTE);
		bus_write(gpu, va, width, 0);
		take_fault(gpu, va, true);
	}
	memset(buf, 0, sizeof(buf));
	bus_copy_from(gpu, buf, va, sizeof(buf));
	assert_true(all_are(buf, sizeof(buf), 0xff));
	take_fault(gpu, va, false);
	bus_copy_to(gpu, va, buf, sizeof(buf));
	take_fault(gpu, va, true);
	bus_fill(gpu, va, 0, sizeof(buf));
	take_fault(gpu, va, true);
}

static void unmapped(struct nvbar *gpu, const uint8_t *bytes)
{
	struct nvbar_access *neighbour, *a;
	uint8_t *ptr, *window;
	uint64_t va, i;
	void *at;

	write_scattered(gpu, bytes);
	/* Keeps the page tables, so that it is entries that are found invalid. */
	neighbour = map_fixed(gpu, MIB(2) - PAGE, MIB(32), PAGE);
	a = map_scattered(gpu, NVBAR_MAP_PRIVATE);
	va = nvbar_access_base(a);
	assert_ok(nvbar_mmap(a, &at));
	ptr = at;
	window = get_window(a);
	assert_memory_equal(ptr, bytes, LEN);
	assert_memory_equal(window, bytes, LEN);

	assert_ok(nvbar_unmap(a));
	for (i = 0; i < LEN; i += PAGE) {
		assert_true(touch_faults(ptr + i, false));
		assert_true(touch_faults(ptr + i + PAGE - 1, true));
		assert_true(touch_faults(window + i, false));
		leads_nowhere(gpu, va + i);
		leads_nowhere(gpu, va + i + PAGE - 64);
	}
	assert_scattered(gpu, bytes);
	assert_ok(nvbar_unmap(neighbour));
}

static void what_was_unmapped_is_out_of_reach(void **state)
{
	static uint8_t bytes[LEN];
	struct nvbar *gpu;
	char device[64];
	size_t c;

	(void)state;
	rng_start(__func__);
	for (c = 0; c < NR_CHIPS; c++) {
		rng_fill(bytes, LEN);
		snprintf(device, sizeof(device), "sim:%s,bar1=64M" AS_MEMORY, chips[c].name);
		gpu = gpu_open(device);
		unmapped(gpu, bytes);
		/* Page by page: 4 widths read and written, 3 blocks, at 2 places; a block has 8 words */
		assert_int_equal(gpu_stats(gpu).model_driver_errors,
				 sparse_background ? 0 : NR_PAGES * 2 * (4 * 2 + 3 * 8));
		gpu_check(gpu);
		nvbar_close(gpu);
	}
}

/* --- pages to be read only --- */

static void refuses_writes(struct nvbar_access *ro)
{
	uint8_t byte = 0;

	assert_err(nvbar_write8(ro, 0, 0), EACCES);
	assert_err(nvbar_write16(ro, PAGE, 0), EACCES);
	assert_err(nvbar_write32(ro, LEN - 4, 0), EACCES);
	assert_err(nvbar_write64(ro, LEN - 8, 0), EACCES);
	assert_err(nvbar_write(ro, LEN - 1, &byte, 1), EACCES);
	assert_err(nvbar_fill(ro, 0, 0, LEN), EACCES);
}

static uint64_t faults_on_writes(struct nvbar *gpu, uint64_t va)
{
	static const uint8_t zeroes[64];
	uint64_t before = gpu_stats(gpu).model_driver_errors;
	unsigned int width;

	for (width = 1; width <= 8; width *= 2) {
		bus_write(gpu, va, width, 0);
		assert_int_equal(take_fault(gpu, va, true).type, FAULT_RO);
	}
	bus_copy_to(gpu, va, zeroes, sizeof(zeroes));
	assert_int_equal(take_fault(gpu, va, true).type, FAULT_RO);
	bus_fill(gpu, va, 0, sizeof(zeroes));
	assert_int_equal(take_fault(gpu, va, true).type, FAULT_RO);
	return gpu_stats(gpu).model_driver_errors - before;
}

/* Nothing that a read-only handle has leads to a write. */
static uint64_t is_read_only(struct nvbar *gpu, struct nvbar_access *ro, const uint8_t *bytes)
{
	uint64_t base = nvbar_access_base(ro), i, errors = 0;
	uint8_t *window;
	void *ptr;

	refuses_writes(ro);
	for (i = 0; i < LEN; i += PAGE) {
		assert_int_equal(walk_at(gpu, base + i).ro, 1);
		errors += faults_on_writes(gpu, base + i);
		errors += faults_on_writes(gpu, base + i + PAGE - 64);
	}
	assert_ok(nvbar_mmap(ro, &ptr));
	window = get_window(ro);
	for (i = 0; i < LEN; i += PAGE) {
		assert_true(touch_faults((uint8_t *)ptr + i, true));
		assert_false(touch_faults((uint8_t *)ptr + i, false));
		assert_true(touch_faults(window + i, true));
	}
	refuses_writes(ro);
	assert_memory_equal(ptr, bytes, LEN);
	assert_scattered(gpu, bytes);
	return errors;
}

/* The pages may also be written, by another handle with all that it can have. */
static struct nvbar_access *a_writer(struct nvbar *gpu, uint32_t flags)
{
	struct nvbar_access *rw = map_scattered(gpu, flags);
	void *ptr;

	get_window(rw);
	assert_ok(nvbar_mmap(rw, &ptr));
	assert_false(touch_faults(ptr, true));
	return rw;
}

static void read_only(const char *device, uint32_t open_flags, const uint8_t *bytes)
{
	static const uint32_t flags[] = { 0, NVBAR_MAP_PRIVATE };
	const struct nvbar_open_opts opts = { .size = sizeof(opts), .flags = open_flags };
	struct nvbar_access *ro, *rw;
	uint64_t errors = 0;
	struct nvbar *gpu;
	size_t i;

	assert_ok(nvbar_open(&gpu, device, &opts));
	write_scattered(gpu, bytes);
	for (i = 0; i < NR_OF(flags); i++) {
		ro = map_scattered(gpu, NVBAR_MAP_RDONLY | flags[i]);
		errors += is_read_only(gpu, ro, bytes);
		rw = a_writer(gpu, flags[i]);
		errors += is_read_only(gpu, ro, bytes);
		assert_ok(nvbar_unmap(ro));
		ro = map_scattered(gpu, NVBAR_MAP_RDONLY | flags[i]);
		errors += is_read_only(gpu, ro, bytes);
		assert_ok(nvbar_write(rw, 0, bytes, LEN));
		assert_ok(nvbar_unmap(rw));
		errors += is_read_only(gpu, ro, bytes);
		assert_ok(nvbar_unmap(ro));
	}
	assert_int_equal(gpu_stats(gpu).model_driver_errors, errors);
	gpu_check(gpu);
	nvbar_close(gpu);
}

static void what_is_mapped_to_be_read_can_be_written_in_no_way(void **state)
{
	static uint8_t bytes[LEN];
	char device[64];
	size_t c;

	(void)state;
	rng_start(__func__);
	for (c = 0; c < NR_CHIPS; c++) {
		rng_fill(bytes, LEN);
		snprintf(device, sizeof(device), "sim:%s,vram=128M,bar1=256M" AS_MEMORY, chips[c].name);
		read_only(device, 0, bytes);
		read_only(device, NVBAR_OPEN_STATIC, bytes);
	}
}

/* --- pages of a neighbour --- */

/*
 * Three mappings side by side in BAR1, and what they should hold; in VRAM they
 * lie side by side as well, or with pages of theirs mixed.
 */
#define SIDE		(2 * PAGE)
#define MIDDLE		SIDE
#define ALL		(3 * SIDE)

struct trio {
	struct nvbar *gpu;
	struct nvbar_access *a[3];
	uint64_t pa[ALL / PAGE];
	uint8_t byte[ALL];
};

static void trio_open(struct trio *trio, struct nvbar *gpu, bool mixed)
{
	struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_FIXED | NVBAR_MAP_PRIVATE, .va = MIB(3),
	};
	struct nvbar_extent ext[2];
	size_t i;

	trio->gpu = gpu;
	rng_fill(trio->byte, ALL);
	for (i = 0; i < ALL / PAGE; i++) {
		trio->pa[i] = A + (mixed ? i * 5 % 6 : i) * PAGE;
		assert_ok(nvbar_pramin_write(gpu, trio->pa[i], trio->byte + i * PAGE, PAGE));
	}
	for (i = 0; i < 3; i++, opts.va += SIDE) {
		ext[0] = (struct nvbar_extent){ trio->pa[2 * i], PAGE };
		ext[1] = (struct nvbar_extent){ trio->pa[2 * i + 1], PAGE };
		assert_ok(nvbar_map(gpu, ext, 2, &opts, &trio->a[i]));
	}
}

static void trio_same(const struct trio *trio)
{
	uint8_t got[ALL];
	size_t i;

	assert_ok(nvbar_flush(trio->a[0]));
	for (i = 0; i < ALL / PAGE; i++)
		assert_ok(nvbar_pramin_read(trio->gpu, trio->pa[i], got + i * PAGE, PAGE));
	assert_memory_equal(got, trio->byte, ALL);
	for (i = 0; i < 3; i++) {
		assert_ok(nvbar_read(trio->a[i], 0, got, SIDE));
		assert_memory_equal(got, trio->byte + i * SIDE, SIDE);
	}
}

static void trio_close(struct trio *trio)
{
	size_t i;

	trio_same(trio);
	for (i = 0; i < 3; i++)
		assert_ok(nvbar_unmap(trio->a[i]));
}

/* Inside or -ERANGE; where it is also misaligned, either error will do. */
static void assert_refused(int ret, bool aligned)
{
	if (aligned)
		assert_err(ret, ERANGE);
	else
		assert_true(ret == -ERANGE || ret == -EINVAL);
}

static bool inside(uint64_t off, uint64_t len)
{
	return off <= SIDE && len <= SIDE - off;
}

static void words_at(struct trio *trio, uint64_t off)
{
	uint8_t *own = trio->byte + MIDDLE;
	unsigned int width;

	for (width = 1; width <= 8; width *= 2) {
		bool aligned = off % width == 0;
		uint64_t val, want = 0;

		if (aligned && inside(off, width)) {
			assert_ok(read_width(trio->a[1], off, width, &val));
			memcpy(&want, own + off, width);
			assert_int_equal(val, want);
			val = rng_u64();
			assert_ok(write_width(trio->a[1], off, width, val));
			memcpy(own + off, &val, width);
			continue;
		}
		if (inside(off, width)) {
			assert_err(read_width(trio->a[1], off, width, &val), EINVAL);
			assert_err(write_width(trio->a[1], off, width, rng_u64()), EINVAL);
		} else {
			assert_refused(read_width(trio->a[1], off, width, &val), aligned);
			assert_refused(write_width(trio->a[1], off, width, rng_u64()), aligned);
		}
		assert_int_equal(val, WIDTH_UNTOUCHED & width_mask(width));
	}
}

/* A block that is refused is never looked at, whatever its length. */
static void block_at(struct trio *trio, uint64_t off, uint64_t len)
{
	uint8_t buf[ALL], *own = trio->byte + MIDDLE;
	bool aligned = (off | len) % 4 == 0;
	uint32_t pattern = (uint32_t)rng_u64();
	uint64_t i;

	if (inside(off, len)) {
		assert_ok(nvbar_read(trio->a[1], off, buf, len));
		assert_memory_equal(buf, own + off, len);
		rng_fill(own + off, len);
		assert_ok(nvbar_write(trio->a[1], off, own + off, len));
		if (!aligned) {
			assert_err(nvbar_fill(trio->a[1], off, pattern, len), EINVAL);
			return;
		}
		assert_ok(nvbar_fill(trio->a[1], off, pattern, len));
		for (i = 0; i < len; i++)
			own[off + i] = (uint8_t)(pattern >> 8 * (i % 4));
		return;
	}
	memset(buf, 0x5a, sizeof(buf));
	assert_err(nvbar_read(trio->a[1], off, buf, len), ERANGE);
	assert_true(all_are(buf, sizeof(buf), 0x5a));
	assert_err(nvbar_write(trio->a[1], off, buf, len), ERANGE);
	assert_refused(nvbar_fill(trio->a[1], off, pattern, len), aligned);
}

static const uint64_t around[] = {
	0, SIDE, MIDDLE + SIDE, PAGE, KIB(64), MIB(2), MIB(3), 1ull << 31, 1ull << 32,
	(1ull << 32) + SIDE, 1ull << 52, 1ull << 63, (1ull << 63) + SIDE,
};

/* Every offset and width near the ends, and all that might wrap to a neighbour */
static void reach_out(struct trio *trio)
{
	static const uint64_t len[] = {
		0, 1, 3, 4, 8, 16, 24, PAGE, SIDE, SIDE + 4, ALL, 1ull << 32, (1ull << 32) + 8, 1ull << 63,
		0ull - ALL, 0ull - SIDE, 0ull - PAGE, 0ull - 16, 0ull - 4, 0ull - 1,
	};
	uint64_t d;
	size_t i, j;

	for (i = 0; i < NR_OF(around); i++)
		for (d = 0; d <= 32; d++)
			words_at(trio, around[i] + d - 16);
	trio_same(trio);
	for (i = 0; i < NR_OF(around); i++)
		for (d = 0; d <= 24; d++)
			for (j = 0; j < NR_OF(len); j++)
				block_at(trio, around[i] + d - 12, len[j]);
	trio_same(trio);
}

static void look_up_all(struct nvbar_access *a)
{
	unsigned int i;
	uint64_t off;

	for (i = 0; i < 16; i++)
		for (off = 0; off < SIDE; off += PAGE)
			bar1_rd64(a, off);
	for (off = 0; off < SIDE; off += PAGE)
		assert_non_null(nvbar_access_direct(a, off));
}

static void neighbours(struct nvbar *gpu)
{
	struct trio trio;
	int mixed, i;

	for (mixed = 0; mixed < 2; mixed++) {
		trio_open(&trio, gpu, mixed);
		reach_out(&trio);
		for (i = 0; i < 3; i++)
			look_up_all(trio.a[i]);
		reach_out(&trio);
		for (i = 0; i < 3; i++)
			get_window(trio.a[i]);
		reach_out(&trio);
		trio_close(&trio);
	}
}

static void no_access_reaches_a_neighbour(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_chip(AS_MEMORY, neighbours);
}

/* In this process's memory, too, a mapping ends where it ends. */
static void beside_pointers(struct nvbar *gpu)
{
	struct trio trio;
	uint8_t *at[3];
	void *ptr;
	int i;

	trio_open(&trio, gpu, true);
	for (i = 0; i < 3; i++) {
		assert_ok(nvbar_mmap(trio.a[i], &ptr));
		at[i] = ptr;
		assert_memory_equal(at[i], trio.byte + i * SIDE, SIDE);
		/* There is nothing beside it: neither another's pointer nor anything else. */
		assert_true(touch_faults(at[i] - 1, true));
		assert_true(touch_faults(at[i] - PAGE, false));
		assert_true(touch_faults(at[i] + SIDE, true));
		assert_true(touch_faults(at[i] + SIDE + PAGE, false));
	}
	rng_fill(trio.byte + MIDDLE, SIDE);
	memcpy(at[1], trio.byte + MIDDLE, SIDE);
	trio_same(&trio);
	/* The middle one goes, its neighbours stay. */
	assert_ok(nvbar_unmap(trio.a[1]));
	assert_true(touch_faults(at[1], false));
	assert_true(touch_faults(at[1] + SIDE - 1, false));
	assert_memory_equal(at[0], trio.byte, SIDE);
	assert_memory_equal(at[2], trio.byte + 2 * SIDE, SIDE);
	trio.a[1] = map_scattered(gpu, 0);
	assert_ok(nvbar_unmap(trio.a[0]));
	assert_ok(nvbar_unmap(trio.a[1]));
	assert_ok(nvbar_unmap(trio.a[2]));
}

static void a_pointer_leads_to_its_own_mapping_alone(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_chip("", beside_pointers);
}

/* --- a list that another thread changes --- */

#define FICKLE	64

static struct nvbar_extent fickle[FICKLE];
static bool fickle_stop;

/* Between the driver's own tables, pages of two lengths, and what is no page. */
static void *change_list(void *arg)
{
	const struct nvbar_info *info = arg;
	const struct nvbar_extent others[] = {
		{ info->reserved_pa, PAGE }, { A + MIB(32), MIB(2) }, { A + 1, PAGE }, { A, 0 },
		{ A + MIB(32), 2 * PAGE },
	};
	unsigned int i;

	for (i = 0; !__atomic_load_n(&fickle_stop, __ATOMIC_RELAXED); i++) {
		struct nvbar_extent *ext = &fickle[i % FICKLE];
		const struct nvbar_extent *other = &others[i / FICKLE % 5], was = *ext;

		__atomic_store_n(&ext->pa, other->pa, __ATOMIC_RELAXED);
		__atomic_store_n(&ext->len, other->len, __ATOMIC_RELAXED);
		__atomic_store_n(&ext->len, was.len, __ATOMIC_RELAXED);
		__atomic_store_n(&ext->pa, was.pa, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void leads_to_allowed_pages(struct nvbar *gpu, const struct nvbar_access *a,
				   const struct nvbar_info *info)
{
	struct nvbar_walk walk = { .size = sizeof(walk) };
	uint64_t off;

	for (off = 0; off < nvbar_access_size(a); off += PAGE) {
		assert_ok(nvbar_walk(gpu, nvbar_access_base(a) + off, &walk));
		assert_int_equal(walk.status, NVBAR_WALK_OK);
		assert_true(walk.pa < info->reserved_pa);
	}
}

static void a_list_that_changes(struct nvbar *gpu)
{
	struct nvbar_info info = { .size = sizeof(info) };
	const struct nvbar_map_opts opts = { .size = sizeof(opts), .flags = NVBAR_MAP_PRIVATE };
	struct nvbar_check_report report = { .size = sizeof(report) };
	unsigned int i, mapped = 0;
	pthread_t thread;

	assert_ok(nvbar_get_info(gpu, &info));
	for (i = 0; i < FICKLE; i++)
		fickle[i] = (struct nvbar_extent){ A + 2 * i * PAGE, PAGE };
	fickle_stop = false;
	assert_int_equal(pthread_create(&thread, NULL, change_list, &info), 0);
	for (i = 0; i < 2000; i++) {
		struct nvbar_access *a;
		int ret = nvbar_map(gpu, fickle, FICKLE, i % 2 ? &opts : NULL, &a);

		if (ret) {
			assert_true(ret == -EACCES || ret == -EINVAL || ret == -ERANGE);
			continue;
		}
		mapped++;
		if (mapped % 16 == 1)
			leads_to_allowed_pages(gpu, a, &info);
		assert_ok(nvbar_unmap(a));
	}
	__atomic_store_n(&fickle_stop, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_ok(nvbar_check(gpu, &report));
	/* It is back as it was. */
	assert_ok(nvbar_map(gpu, fickle, FICKLE, NULL, &(struct nvbar_access *){ NULL }));
}

static void no_list_that_another_thread_changes_reaches_the_tables(void **state)
{
	(void)state;
	on_every_chip(",bar1=64M", a_list_that_changes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_of_an_earlier_owner_reads_zero),
		cmocka_unit_test(scattered_memory_of_an_earlier_owner_reads_zero),
		cmocka_unit_test(what_was_unmapped_is_out_of_reach),
		cmocka_unit_test(what_is_mapped_to_be_read_can_be_written_in_no_way),
		cmocka_unit_test(no_access_reaches_a_neighbour),
		cmocka_unit_test(a_pointer_leads_to_its_own_mapping_alone),
		cmocka_unit_test(no_list_that_another_thread_changes_reaches_the_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
