// SPDX-License-Identifier: MIT
/*
 * nvbar selftest: does the way to VRAM work on this device?  Touches only
 * VRAM that it allocates.
 */
#include <stdarg.h>

#include "cli.h"
#include "text.h"

#define MIB	(UINT64_C(1) << 20)

struct selftest {
	struct nvbar *gpu;
	struct nvbar_info info;
	struct nvbar_stats start;
	char reason[200];
};

static void free_vram(struct nvbar_vram **vram)
{
	nvbar_vram_free(*vram);
}

static void cancel(struct nvbar_prepared **prepared)
{
	nvbar_map_cancel(*prepared);
}

#define AUTO_FREE	__attribute__((cleanup(free_vram)))
#define AUTO_CANCEL	__attribute__((cleanup(cancel)))
#define AUTO_SCATTER	__attribute__((cleanup(scatter_free)))

static bool failed(struct selftest *t, const char *fmt, ...) PRINTF(2, 3);

static bool failed(struct selftest *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->reason, sizeof(t->reason), fmt, ap);
	va_end(ap);
	return false;
}

static const char *error_name(int err)
{
	const char *name = err ? strerrorname_np(-err) : "0";

	return name ? name : "?";
}

/* Leave the test with a reason. */
#define CHECK(t, cond, ...)							\
	do {									\
		if (!(cond))							\
			return failed(t, __VA_ARGS__);				\
	} while (0)

/* The call gives this, 0 or -errno. */
#define RETURNS(t, want, call)							\
	do {									\
		int ret_ = (call);						\
										\
		if (ret_ != (want))						\
			return failed(t, "%s: %s, not %s", #call, error_name(ret_), \
				      error_name(want));			\
	} while (0)

#define WORKS(t, call)	RETURNS(t, 0, call)

/* Different at every address, so that nothing can pass for something else. */
static void make_pattern(void *buf, size_t len, uint64_t salt)
{
	uint64_t x = salt * UINT64_C(0x9e3779b97f4a7c15) + 1;
	unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		p[i] = x >> 56;
	}
}

static uint64_t first_pa(const struct nvbar_vram *vram)
{
	struct nvbar_extent ext = { 0 };

	nvbar_vram_extents(vram, &ext, 1);
	return ext.pa;
}

static int alloc_contiguous(struct selftest *t, uint64_t size, uint64_t align,
			    struct nvbar_vram **vram)
{
	struct nvbar_vram_opts opts = {
		.size = sizeof(opts), .align = align, .flags = NVBAR_VRAM_CONTIGUOUS
	};

	return nvbar_vram_alloc(t->gpu, size, &opts, vram);
}

static bool pramin_holds(struct selftest *t, uint64_t pa, const void *want, size_t len)
{
	unsigned char got[PAGE_BYTES];

	CHECK(t, len <= sizeof(got), "too long");
	WORKS(t, nvbar_pramin_read(t->gpu, pa, got, len));
	CHECK(t, !memcmp(got, want, len), "VRAM 0x%" PRIx64 " is not as written", pa);
	return true;
}

static bool walks_to(struct selftest *t, uint64_t va, uint64_t pa)
{
	struct nvbar_walk w = { .size = sizeof(w) };

	WORKS(t, nvbar_walk(t->gpu, va, &w));
	CHECK(t, w.status == NVBAR_WALK_OK, "VA 0x%" PRIx64 " does not translate", va);
	CHECK(t, w.space == NVBAR_SPACE_VID && w.pa == pa,
	      "VA 0x%" PRIx64 " is %s 0x%" PRIx64 ", not 0x%" PRIx64, va, space_name(w.space), w.pa,
	      pa);
	return true;
}

static bool walks_nowhere(struct selftest *t, uint64_t va)
{
	struct nvbar_walk w = { .size = sizeof(w) };

	WORKS(t, nvbar_walk(t->gpu, va, &w));
	CHECK(t, w.status == NVBAR_WALK_INVALID || w.status == NVBAR_WALK_SPARSE,
	      "VA 0x%" PRIx64 " still translates", va);
	return true;
}

/* --- PRAMIN and BAR1 see the same VRAM ---------------------------------- */

static bool pramin_to_bar1(struct selftest *t)
{
	AUTO_FREE struct nvbar_vram *vram = NULL;
	NVBAR_AUTO_UNMAP struct nvbar_access *access = NULL;
	unsigned char want[PAGE_BYTES], got[PAGE_BYTES];

	WORKS(t, nvbar_vram_alloc(t->gpu, PAGE_BYTES, NULL, &vram));
	make_pattern(want, sizeof(want), 1);
	WORKS(t, nvbar_pramin_write(t->gpu, first_pa(vram), want, sizeof(want)));
	WORKS(t, nvbar_map_vram(t->gpu, vram, 0, PAGE_BYTES, 0, &access));
	WORKS(t, nvbar_read(access, 0, got, sizeof(got)));
	CHECK(t, !memcmp(got, want, sizeof(got)), "BAR1 shows something else");
	return true;
}

static bool bar1_to_pramin(struct selftest *t)
{
	AUTO_FREE struct nvbar_vram *vram = NULL;
	NVBAR_AUTO_UNMAP struct nvbar_access *access = NULL;
	unsigned char want[PAGE_BYTES];

	WORKS(t, nvbar_vram_alloc(t->gpu, PAGE_BYTES, NULL, &vram));
	WORKS(t, nvbar_map_vram(t->gpu, vram, 0, PAGE_BYTES, 0, &access));
	make_pattern(want, sizeof(want), 2);
	WORKS(t, nvbar_write(access, 0, want, sizeof(want)));
	WORKS(t, nvbar_flush(access));
	return pramin_holds(t, first_pa(vram), want, sizeof(want));
}

static bool new_vram_is_zero(struct selftest *t)
{
	static const unsigned char zero[PAGE_BYTES];
	AUTO_FREE struct nvbar_vram *vram = NULL;

	WORKS(t, nvbar_vram_alloc(t->gpu, PAGE_BYTES, NULL, &vram));
	return pramin_holds(t, first_pa(vram), zero, sizeof(zero));
}

/* --- mapping in two phases ---------------------------------------------- */

static bool two_phases(struct selftest *t)
{
	AUTO_SCATTER struct scatter pages = { 0 };
	struct nvbar_extent ext[SCATTER_MAX];
	NVBAR_AUTO_UNMAP struct nvbar_access *access = NULL;
	struct nvbar_prepared *prepared;
	size_t i;

	WORKS(t, scatter_alloc(t->gpu, SCATTER_MAX, &pages));
	for (i = 0; i < SCATTER_MAX; i++)
		ext[i] = (struct nvbar_extent){ pages.pfn[i] << PAGE_SHIFT, PAGE_BYTES };
	WORKS(t, nvbar_map_prepare(t->gpu, SCATTER_MAX, NULL, &prepared));
	WORKS(t, nvbar_map_execute(prepared, ext, SCATTER_MAX, &access));
	for (i = 0; i < SCATTER_MAX; i++)
		if (!walks_to(t, nvbar_access_base(access) + i * PAGE_BYTES, ext[i].pa))
			return false;
	return true;
}

static bool cancelled(struct selftest *t)
{
	struct nvbar_stats before = { .size = sizeof(before) }, after = before;

	WORKS(t, nvbar_get_stats(t->gpu, &before));
	{
		AUTO_CANCEL struct nvbar_prepared *prepared = NULL;

		WORKS(t, nvbar_map_prepare(t->gpu, 1000, NULL, &prepared));
	}
	WORKS(t, nvbar_get_stats(t->gpu, &after));
	CHECK(t, after.va_free == before.va_free, "0x%" PRIx64 " bytes of BAR1 are gone",
	      before.va_free - after.va_free);
	return true;
}

/* --- an allocation around a hole ---------------------------------------- */

static bool check_block(struct selftest *t, struct nvbar_vram *vram, uint64_t off,
			const struct nvbar_extent *ext)
{
	NVBAR_AUTO_UNMAP struct nvbar_access *access = NULL;
	unsigned char want[PAGE_BYTES];
	uint64_t pos;

	WORKS(t, nvbar_map_vram(t->gpu, vram, off, ext->len, 0, &access));
	for (pos = 0; pos < ext->len; pos += PAGE_BYTES) {
		make_pattern(want, sizeof(want), ext->pa + pos);
		WORKS(t, nvbar_write(access, pos, want, sizeof(want)));
	}
	WORKS(t, nvbar_flush(access));
	for (pos = 0; pos < ext->len; pos += PAGE_BYTES) {
		make_pattern(want, sizeof(want), ext->pa + pos);
		if (!walks_to(t, nvbar_access_base(access) + pos, ext->pa + pos) ||
		    !pramin_holds(t, ext->pa + pos, want, sizeof(want)))
			return false;
	}
	return true;
}

/* [@start, @start + 36 KiB) is free but for one page in it. */
static bool check_split(struct selftest *t, uint64_t start, uint64_t hole)
{
	struct nvbar_vram_opts opts = {
		.size = sizeof(opts), .range_start = start, .range_end = start + 9 * PAGE_BYTES
	};
	AUTO_FREE struct nvbar_vram *vram = NULL;
	struct nvbar_extent ext[8];
	uint64_t off = 0;
	size_t nr, i;

	WORKS(t, nvbar_vram_alloc(t->gpu, 8 * PAGE_BYTES, &opts, &vram));
	nr = nvbar_vram_extents(vram, ext, ARRAY_SIZE(ext));
	CHECK(t, nr >= 2 && nr <= ARRAY_SIZE(ext), "%zu extents", nr);
	for (i = 0; i < nr; off += ext[i++].len) {
		CHECK(t, ext[i].pa >= opts.range_start && ext[i].pa + ext[i].len <= opts.range_end,
		      "extent 0x%" PRIx64 "+0x%" PRIx64 " leaves the range", ext[i].pa, ext[i].len);
		CHECK(t, ext[i].pa + ext[i].len <= hole || ext[i].pa > hole,
		      "extent 0x%" PRIx64 "+0x%" PRIx64 " covers the hole 0x%" PRIx64, ext[i].pa,
		      ext[i].len, hole);
		if (!check_block(t, vram, off, &ext[i]))
			return false;
	}
	CHECK(t, off == 8 * PAGE_BYTES, "the extents have 0x%" PRIx64 " bytes", off);
	return true;
}

static bool split_allocation(struct selftest *t)
{
	AUTO_FREE struct nvbar_vram *hole = NULL;
	struct nvbar_vram_opts opts = { .size = sizeof(opts) };
	struct nvbar_vram *room;
	uint64_t start;

	WORKS(t, alloc_contiguous(t, 9 * PAGE_BYTES, 0, &room));
	start = first_pa(room);
	nvbar_vram_free(room);
	opts.range_start = start + 4 * PAGE_BYTES;
	opts.range_end = start + 5 * PAGE_BYTES;
	WORKS(t, nvbar_vram_alloc(t->gpu, PAGE_BYTES, &opts, &hole));
	CHECK(t, first_pa(hole) == opts.range_start, "the hole is at 0x%" PRIx64 ", not 0x%" PRIx64,
	      first_pa(hole), opts.range_start);
	return check_split(t, start, opts.range_start);
}

/* --- scattered pages as one range --------------------------------------- */

static bool range_geometry(struct selftest *t)
{
	AUTO_SCATTER struct scatter pages = { 0 };
	NVBAR_AUTO_UNMAP struct nvbar_access *access = NULL;
	uint64_t base;
	size_t i;

	WORKS(t, scatter_alloc(t->gpu, 8, &pages));
	WORKS(t, nvbar_map_pages(t->gpu, pages.pfn, 8, 0, &access));
	base = nvbar_access_base(access);
	CHECK(t, base % PAGE_BYTES == 0, "VA 0x%" PRIx64 " is misaligned", base);
	CHECK(t, nvbar_access_size(access) == 8 * PAGE_BYTES, "the size is 0x%" PRIx64,
	      nvbar_access_size(access));
	CHECK(t, nvbar_access_vfn_start(access) == base >> PAGE_SHIFT,
	      "the first VFN is 0x%" PRIx64, nvbar_access_vfn_start(access));
	CHECK(t, nvbar_access_num_pages(access) == 8, "it has %zu pages",
	      nvbar_access_num_pages(access));
	CHECK(t, base + 8 * PAGE_BYTES <= t->info.bar1_size, "VA 0x%" PRIx64 " leaves BAR1", base);
	for (i = 0; i < 8; i++)
		if (!walks_to(t, base + i * PAGE_BYTES, pages.pfn[i] << PAGE_SHIFT))
			return false;
	return true;
}

static bool words_32_64(struct selftest *t)
{
	AUTO_SCATTER struct scatter pages = { 0 };
	NVBAR_AUTO_UNMAP struct nvbar_access *access = NULL;
	uint64_t off, pa, want64 = UINT64_C(0xfedcba9876543210), got64;
	uint32_t want32 = 0xdeadbeef, got32;
	size_t i;

	WORKS(t, scatter_alloc(t->gpu, 4, &pages));
	WORKS(t, nvbar_map_pages(t->gpu, pages.pfn, 4, 0, &access));
	for (i = 0; i < 4; i++, want32++, want64++) {
		off = i * PAGE_BYTES + 64 * i;
		pa = (pages.pfn[i] << PAGE_SHIFT) + 64 * i;
		WORKS(t, nvbar_write32(access, off, want32));
		WORKS(t, nvbar_write64(access, off + 8, want64));
		WORKS(t, nvbar_flush(access));
		WORKS(t, nvbar_read32(access, off, &got32));
		WORKS(t, nvbar_read64(access, off + 8, &got64));
		CHECK(t, got32 == want32, "32 bits come back as 0x%x, not 0x%x", got32, want32);
		CHECK(t, got64 == want64, "64 bits come back as 0x%" PRIx64 ", not 0x%" PRIx64,
		      got64, want64);
		if (!pramin_holds(t, pa, &want32, 4) || !pramin_holds(t, pa + 8, &want64, 8))
			return false;
	}
	return true;
}

static bool narrow_words(struct selftest *t)
{
	AUTO_FREE struct nvbar_vram *vram = NULL;
	NVBAR_AUTO_UNMAP struct nvbar_access *access = NULL;
	static const unsigned char want[] = { 0, 0x5a, 0x34, 0x12 };
	uint16_t got16;
	uint8_t got8;

	WORKS(t, nvbar_vram_alloc(t->gpu, PAGE_BYTES, NULL, &vram));
	WORKS(t, nvbar_map_vram(t->gpu, vram, 0, PAGE_BYTES, 0, &access));
	WORKS(t, nvbar_write8(access, 1, 0x5a));
	WORKS(t, nvbar_write16(access, 2, 0x1234));
	WORKS(t, nvbar_flush(access));
	WORKS(t, nvbar_read8(access, 3, &got8));
	WORKS(t, nvbar_read16(access, 2, &got16));
	CHECK(t, got8 == 0x12 && got16 == 0x1234, "they come back as 0x%x and 0x%x", got8, got16);
	return pramin_holds(t, first_pa(vram), want, sizeof(want));
}

static bool across_pages(struct selftest *t)
{
	AUTO_SCATTER struct scatter pages = { 0 };
	NVBAR_AUTO_UNMAP struct nvbar_access *access = NULL;
	unsigned char want[16], got[16];
	uint64_t value;

	WORKS(t, scatter_alloc(t->gpu, 2, &pages));
	WORKS(t, nvbar_map_pages(t->gpu, pages.pfn, 2, 0, &access));
	make_pattern(want, sizeof(want), 3);
	WORKS(t, nvbar_write(access, PAGE_BYTES - 7, want, sizeof(want)));
	WORKS(t, nvbar_flush(access));
	WORKS(t, nvbar_read(access, PAGE_BYTES - 7, got, sizeof(got)));
	CHECK(t, !memcmp(got, want, sizeof(got)), "BAR1 shows something else");
	RETURNS(t, -EINVAL, nvbar_read64(access, PAGE_BYTES - 4, &value));
	return pramin_holds(t, (pages.pfn[0] << PAGE_SHIFT) + PAGE_BYTES - 7, want, 7) &&
	       pramin_holds(t, pages.pfn[1] << PAGE_SHIFT, want + 7, 9);
}

static bool bad_accesses(struct selftest *t)
{
	AUTO_FREE struct nvbar_vram *vram = NULL;
	NVBAR_AUTO_UNMAP struct nvbar_access *access = NULL;
	uint64_t value64;
	uint32_t value32;

	WORKS(t, nvbar_vram_alloc(t->gpu, PAGE_BYTES, NULL, &vram));
	WORKS(t, nvbar_map_vram(t->gpu, vram, 0, PAGE_BYTES, 0, &access));
	WORKS(t, nvbar_read32(access, PAGE_BYTES - 4, &value32));
	RETURNS(t, -ERANGE, nvbar_read32(access, PAGE_BYTES, &value32));
	RETURNS(t, -ERANGE, nvbar_write32(access, PAGE_BYTES, 0));
	RETURNS(t, -ERANGE, nvbar_read64(access, PAGE_BYTES, &value64));
	RETURNS(t, -ERANGE, nvbar_write64(access, UINT64_MAX - 7, 0));
	RETURNS(t, -ERANGE, nvbar_read(access, PAGE_BYTES - 4, &value64, 8));
	RETURNS(t, -ERANGE, nvbar_write(access, UINT64_MAX, &value64, 8));
	RETURNS(t, -ERANGE, nvbar_fill(access, 4, 0, PAGE_BYTES));
	RETURNS(t, -EINVAL, nvbar_read32(access, 2, &value32));
	RETURNS(t, -EINVAL, nvbar_write32(access, 1, 0));
	RETURNS(t, -EINVAL, nvbar_read64(access, 4, &value64));
	RETURNS(t, -EINVAL, nvbar_fill(access, 2, 0, 4));
	return true;
}

static bool bad_mappings(struct selftest *t)
{
	uint64_t beyond = t->info.vram_size >> PAGE_SHIFT, none = UINT64_MAX;
	uint64_t reserved = t->info.reserved_pa >> PAGE_SHIFT;
	NVBAR_AUTO_UNMAP struct nvbar_access *access = NULL;

	RETURNS(t, -EINVAL, nvbar_map_pages(t->gpu, &beyond, 0, 0, &access));
	RETURNS(t, -EINVAL, nvbar_map_pages(t->gpu, &reserved, 1, 1u << 31, &access));
	RETURNS(t, -ERANGE, nvbar_map_pages(t->gpu, &beyond, 1, 0, &access));
	RETURNS(t, -ERANGE, nvbar_map_pages(t->gpu, &none, 1, 0, &access));
	RETURNS(t, -EACCES, nvbar_map_pages(t->gpu, &reserved, 1, 0, &access));
	return true;
}

static bool read_only(struct selftest *t)
{
	AUTO_FREE struct nvbar_vram *vram = NULL;
	NVBAR_AUTO_UNMAP struct nvbar_access *access = NULL;
	struct nvbar_walk w = { .size = sizeof(w) };
	uint32_t want = 0x0badcafe, got;

	WORKS(t, nvbar_vram_alloc(t->gpu, PAGE_BYTES, NULL, &vram));
	WORKS(t, nvbar_pramin_write(t->gpu, first_pa(vram), &want, sizeof(want)));
	WORKS(t, nvbar_map_vram(t->gpu, vram, 0, PAGE_BYTES, NVBAR_MAP_RDONLY, &access));
	RETURNS(t, -EACCES, nvbar_write32(access, 0, 0));
	RETURNS(t, -EACCES, nvbar_write(access, 0, &got, sizeof(got)));
	RETURNS(t, -EACCES, nvbar_fill(access, 0, 0, 4));
	WORKS(t, nvbar_read32(access, 0, &got));
	CHECK(t, got == want, "0x%x is read, not 0x%x", got, want);
	WORKS(t, nvbar_walk(t->gpu, nvbar_access_base(access), &w));
	CHECK(t, w.status == NVBAR_WALK_OK && w.ro, "the page-table entry is not read-only");
	return true;
}

static bool unmapped(struct selftest *t)
{
	AUTO_SCATTER struct scatter pages = { 0 };
	struct nvbar_access *access;
	uint64_t base;
	size_t i;

	WORKS(t, scatter_alloc(t->gpu, 4, &pages));
	WORKS(t, nvbar_map_pages(t->gpu, pages.pfn, 4, 0, &access));
	base = nvbar_access_base(access);
	WORKS(t, nvbar_unmap(access));
	for (i = 0; i < 4; i++)
		if (!walks_nowhere(t, base + i * PAGE_BYTES))
			return false;
	return true;
}

/* --- PRAMIN alone ------------------------------------------------------- */

static bool pramin_words(struct selftest *t)
{
	AUTO_FREE struct nvbar_vram *vram = NULL;
	static const unsigned char bytes[] = { 0xa5, 0x5a, 0xc3 };
	uint32_t word = 0x89abcdef;
	uint64_t pa;
	size_t i;

	WORKS(t, nvbar_vram_alloc(t->gpu, PAGE_BYTES, NULL, &vram));
	pa = first_pa(vram);
	for (i = 0; i < sizeof(bytes); i++)
		WORKS(t, nvbar_pramin_write(t->gpu, pa + i, &bytes[i], 1));
	for (i = 0; i < sizeof(bytes); i++)
		if (!pramin_holds(t, pa + i, &bytes[i], 1))
			return false;
	WORKS(t, nvbar_pramin_write(t->gpu, pa + 8, &word, sizeof(word)));
	WORKS(t, nvbar_pramin_write(t->gpu, pa + 0x21, &word, sizeof(word)));
	return pramin_holds(t, pa + 8, &word, sizeof(word)) &&
	       pramin_holds(t, pa + 0x21, &word, sizeof(word));
}

static bool pramin_moves(struct selftest *t)
{
	AUTO_FREE struct nvbar_vram *vram = NULL;
	unsigned char want[3][64];
	uint64_t pa;
	unsigned int i, round;

	WORKS(t, alloc_contiguous(t, 4 * MIB, MIB, &vram));
	pa = first_pa(vram);
	for (i = 0; i < 3; i++) {
		make_pattern(want[i], sizeof(want[i]), 4 + i);
		WORKS(t, nvbar_pramin_write(t->gpu, pa + i * MIB + MIB - 32, want[i], 64));
	}
	for (round = 0; round < 2; round++)
		for (i = 0; i < 3; i++)
			if (!pramin_holds(t, pa + i * MIB + MIB - 32, want[i], 64))
				return false;
	return true;
}

/* How far the window reaches on each chip, at least: GH100 has so much [docs/hardware.md]. */
#define PRAMIN_REACH	(256ull * 1024 * MIB)

static bool pramin_reaches_the_end(struct selftest *t)
{
	uint64_t end = t->info.vram_size;
	uint32_t word;
	int ret = nvbar_pramin_read(t->gpu, end - 4, &word, 4);

	if (ret == -EOPNOTSUPP && end > PRAMIN_REACH)
		ret = nvbar_pramin_read(t->gpu, PRAMIN_REACH - 4, &word, 4);
	CHECK(t, !ret, "nvbar_pramin_read of the last word: %s", error_name(ret));
	return true;
}

static bool pramin_bounds(struct selftest *t)
{
	uint64_t end = t->info.vram_size;
	uint32_t word;

	if (!pramin_reaches_the_end(t))
		return false;
	RETURNS(t, -ERANGE, nvbar_pramin_read(t->gpu, end, &word, 4));
	RETURNS(t, -ERANGE, nvbar_pramin_read(t->gpu, end - 2, &word, 4));
	RETURNS(t, -ERANGE, nvbar_pramin_read(t->gpu, UINT64_MAX - 1, &word, 4));
	RETURNS(t, -ERANGE, nvbar_pramin_write(t->gpu, end, &word, 4));
	RETURNS(t, -ERANGE, nvbar_pramin_write(t->gpu, UINT64_MAX - 3, &word, 4));
	RETURNS(t, -EACCES, nvbar_pramin_write(t->gpu, t->info.reserved_pa, &word, 4));
	return true;
}

/* --- afterwards --------------------------------------------------------- */

static void keep_problem(void *arg, const char *line)
{
	failed(arg, "%s", line);
}

static bool tables_agree(struct selftest *t)
{
	struct nvbar_check_report r = { .size = sizeof(r), .problem = keep_problem, .arg = t };
	int ret;

	ret = nvbar_check(t->gpu, &r);
	if (r.problems)
		return false;
	CHECK(t, !ret, "nvbar_check: %s", error_name(ret));
	return true;
}

static bool nothing_leaked(struct selftest *t)
{
	const struct nvbar_stats *a = &t->start;
	struct nvbar_stats b = { .size = sizeof(b) };

	nvbar_trim(t->gpu);
	WORKS(t, nvbar_get_stats(t->gpu, &b));
	CHECK(t, b.mappings == a->mappings, "%" PRIu64 " mappings, not %" PRIu64, b.mappings,
	      a->mappings);
	CHECK(t, b.va_free == a->va_free, "0x%" PRIx64 " bytes of BAR1 free, not 0x%" PRIx64,
	      b.va_free, a->va_free);
	CHECK(t, b.vram_free == a->vram_free, "0x%" PRIx64 " bytes of VRAM free, not 0x%" PRIx64,
	      b.vram_free, a->vram_free);
	CHECK(t, b.page_table_bytes == a->page_table_bytes,
	      "0x%" PRIx64 " bytes of page tables, not 0x%" PRIx64, b.page_table_bytes,
	      a->page_table_bytes);
	return true;
}

static bool nothing_refused(struct selftest *t)
{
	struct nvbar_stats s = { .size = sizeof(s) };

	WORKS(t, nvbar_get_stats(t->gpu, &s));
	CHECK(t, !s.model_driver_errors, "%" PRIu64 " accesses", s.model_driver_errors);
	return true;
}

static const struct {
	const char *name;
	bool (*run)(struct selftest *t);
	bool bar1;
} tests[] = {
	{ "what PRAMIN writes, BAR1 reads", pramin_to_bar1, true },
	{ "what BAR1 writes, PRAMIN reads", bar1_to_pramin, true },
	{ "newly allocated VRAM is zero", new_vram_is_zero, false },
	{ "a mapping in two phases leads to its pages", two_phases, true },
	{ "a cancelled preparation leaves nothing", cancelled, true },
	{ "32 KiB are allocated around a hole of 4 KiB", split_allocation, true },
	{ "scattered pages are one range", range_geometry, true },
	{ "words of 32 and 64 bits arrive in their pages", words_32_64, true },
	{ "words of 8 and 16 bits arrive in their places", narrow_words, true },
	{ "a block across a page border arrives in both pages", across_pages, true },
	{ "accesses beyond the mapping or misaligned are refused", bad_accesses, true },
	{ "impossible mappings are refused", bad_mappings, true },
	{ "a read-only mapping refuses writes", read_only, true },
	{ "what is unmapped translates no more", unmapped, true },
	{ "PRAMIN reads and writes bytes and words at any alignment", pramin_words, false },
	{ "PRAMIN moves its window and crosses its edge", pramin_moves, false },
	{ "PRAMIN refuses what is beyond VRAM or not ours to write", pramin_bounds, false },
	{ "page tables and allocators agree", tables_agree, true },
	{ "nothing leaked", nothing_leaked, false },
	{ "no access that the hardware would refuse", nothing_refused, false },
};

enum result { PASSED, FAILED, SKIPPED, NR_RESULTS };

static void report(bool json, struct json_object *list, size_t i, enum result result, const char *reason)
{
	struct json_object *obj;

	if (!json) {
		printf("%sok %zu - %s%s%s\n", result == FAILED ? "not " : "", i + 1, tests[i].name,
		       result == SKIPPED ? " # SKIP " : "", result == SKIPPED ? reason : "");
		if (result == FAILED)
			printf("# %s\n", reason);
		return;
	}
	obj = json_object_new_object();
	json_add_text(obj, "name", tests[i].name);
	json_add_flag(obj, "ok", result != FAILED);
	if (result == FAILED)
		json_add_text(obj, "reason", reason);
	if (result == SKIPPED)
		json_add_text(obj, "skipped", reason);
	json_append(list, obj);
}

static enum result run_test(struct selftest *t, size_t i, bool dry_run)
{
	bool passed;

	t->reason[0] = 0;
	if (tests[i].bar1 && !t->info.bar1_size) {
		snprintf(t->reason, sizeof(t->reason), "this GPU has no BAR1");
		return SKIPPED;
	}
	passed = tests[i].run(t);
	/* It was told what it had written itself. */
	if (dry_run) {
		snprintf(t->reason, sizeof(t->reason), "a dry run tests nothing");
		return SKIPPED;
	}
	return passed ? PASSED : FAILED;
}

/* @list: for JSON */
static void run_tests(struct selftest *t, const struct cli *cli, struct json_object *list,
		      size_t nr[NR_RESULTS])
{
	enum result result;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tests) && !interrupted(); i++) {
		result = run_test(t, i, cli->dry_run);
		nr[result]++;
		report(cli->json, list, i, result, t->reason);
	}
}

static const struct argp argp = {
	.doc = "Test the way to VRAM on this device, in TAP. Uses only VRAM that it allocates. "
	       "Without BAR1 what needs it is skipped.",
	.children = cli_options,
};

static int run_json(struct selftest *t, const struct cli *cli, size_t nr[NR_RESULTS])
{
	struct json_object *obj = json_new(cli);

	run_tests(t, cli, json_add_list(obj, "tests"), nr);
	json_add(obj, "passed", nr[PASSED]);
	json_add(obj, "failed", nr[FAILED]);
	json_add(obj, "skipped", nr[SKIPPED]);
	return cli_print_json(cli, obj);
}

static void run_tap(struct selftest *t, const struct cli *cli, size_t nr[NR_RESULTS])
{
	printf("1..%zu\n", ARRAY_SIZE(tests));
	run_tests(t, cli, NULL, nr);
	printf("# %s: %zu passed, %zu failed", text_shown(cli->name), nr[PASSED], nr[FAILED]);
	if (nr[SKIPPED])
		printf(", %zu skipped", nr[SKIPPED]);
	putchar('\n');
}

static int run(struct cli *cli, int argc, char **argv)
{
	size_t nr[NR_RESULTS] = { 0 };
	struct selftest t = { 0 };

	tool_parse(&argp, argc, argv, 0, cli);
	if (cli_open(cli, 0))
		return EXIT_FAILURE;
	t.gpu = cli->gpu;
	t.info = cli->info;
	t.start = cli_stats(cli);
	if (!cli->json)
		run_tap(&t, cli, nr);
	else if (run_json(&t, cli, nr))
		return EXIT_FAILURE;
	if (interrupted())
		return cli_fail(cli, -EINTR, "selftest after %zu tests, %zu of them failed",
				nr[PASSED] + nr[FAILED] + nr[SKIPPED], nr[FAILED]);
	if (!nr[FAILED])
		return EXIT_SUCCESS;
	return cli_refuse(cli, "selftest: %zu of %zu tests failed", nr[FAILED], ARRAY_SIZE(tests));
}

const struct command cmd_selftest = { "selftest", "test the way to VRAM", &argp, run };
