/* SPDX-License-Identifier: MIT */
/*
 * Who is refused reads why: each call that finds its arguments to be wrong leaves a line
 * that begins with what was asked for.  (Accessors, which are called by the million, have
 * their errno alone.)
 */
#include "helper.h"

#define A	MIB(64)

static struct nvbar *gpu, *other;
static struct nvbar_vram *vram, *foreign;
static struct log_lines lines;

static const struct nvbar_extent ext = { A, PAGE };
static const uint64_t pfn = A / PAGE;
static const struct nvbar_map_opts no_map_size, bad_map_flags = {
	.size = sizeof(bad_map_flags), .flags = 1u << 30,
};
static const struct nvbar_vram_opts no_vram_size;

/* A struct of a later version, with something in what this one does not know. */
static const struct {
	struct nvbar_map_opts known;
	uint64_t later;
} later = { .known.size = sizeof(later), .later = 1 };

static struct nvbar_access *a;
static struct nvbar_prepared *prepared;
static struct nvbar_vram *made;

static const struct nvbar_map_opts *later_opts(void)
{
	return &later.known;
}

static int map_without_size(void)	{ return nvbar_map(gpu, &ext, 1, &no_map_size, &a); }
static int map_with_later_opts(void)	{ return nvbar_map(gpu, &ext, 1, later_opts(), &a); }
static int map_with_bad_flags(void)	{ return nvbar_map(gpu, &ext, 1, &bad_map_flags, &a); }
static int map_nothing(void)		{ return nvbar_map(gpu, &ext, 0, NULL, &a); }
static int prepare_without_size(void)	{ return nvbar_map_prepare(gpu, 1, &no_map_size, &prepared); }
static int pages_at_no_place(void)	{ return nvbar_map_pages(gpu, &pfn, 1, NVBAR_MAP_FIXED, &a); }
static int pages_with_bad_flags(void)	{ return nvbar_map_pages(gpu, &pfn, 1, 0x80, &a); }
static int vram_at_no_place(void)
{
	return nvbar_map_vram(gpu, vram, 0, PAGE, NVBAR_MAP_FIXED, &a);
}
static int vram_of_another(void)	{ return nvbar_map_vram(gpu, foreign, 0, PAGE, 0, &a); }
static int vram_of_no_length(void)	{ return nvbar_map_vram(gpu, vram, 0, 0, 0, &a); }
static int vram_in_mid_page(void)	{ return nvbar_map_vram(gpu, vram, 8, PAGE, 0, &a); }
static int vram_past_its_end(void)	{ return nvbar_map_vram(gpu, vram, PAGE, 4 * PAGE, 0, &a); }
static int alloc_without_size(void)	{ return nvbar_vram_alloc(gpu, PAGE, &no_vram_size, &made); }
static int alloc_nothing(void)		{ return nvbar_vram_alloc(gpu, 0, NULL, &made); }
static int walk_without_size(void)
{
	return nvbar_walk(gpu, 0, &(struct nvbar_walk){ .size = 0 });
}
static int info_without_size(void)
{
	return nvbar_get_info(gpu, &(struct nvbar_info){ .size = 0 });
}
static int stats_without_size(void)
{
	return nvbar_get_stats(gpu, &(struct nvbar_stats){ .size = 0 });
}
static int check_without_size(void)
{
	return nvbar_check(gpu, &(struct nvbar_check_report){ .size = 0 });
}
static int fault_without_size(void)
{
	return nvbar_get_fault(gpu, &(struct nvbar_fault){ .size = 0 });
}
static int pramin_past_the_end(void)
{
	uint32_t word;

	return nvbar_pramin_read(gpu, GIB(64), &word, 4);
}
static int open_with_bad_flags(void)
{
	return open_logged(&other, "sim", 0x100000, &lines);
}
static int open_to_observe_by_force(void)
{
	return open_logged(&other, "sim", NVBAR_OPEN_OBSERVE | NVBAR_OPEN_FORCE, &lines);
}

static const struct {
	int (*call)(void);
	int err;
	const char *what, *why;
} refusals[] = {
	{ map_without_size, EINVAL, "map: ", "sizeof()" },
	{ map_with_later_opts, EINVAL, "map: ", "does not know" },
	{ map_with_bad_flags, EINVAL, "map: ", "unknown flags 0x40000000" },
	{ map_nothing, EINVAL, "map: ", "no pages" },
	{ prepare_without_size, EINVAL, "map: ", "sizeof()" },
	{ pages_at_no_place, EINVAL, "map: ", "NVBAR_MAP_FIXED" },
	{ pages_with_bad_flags, EINVAL, "map: ", "unknown flags 0x80" },
	{ vram_at_no_place, EINVAL, "map: ", "NVBAR_MAP_FIXED" },
	{ vram_of_another, EINVAL, "map: ", "another GPU's" },
	{ vram_of_no_length, EINVAL, "map 0x0+0x0 of an allocation: ", "whole pages" },
	{ vram_in_mid_page, EINVAL, "map 0x8+0x1000 of an allocation: ", "whole pages" },
	{ vram_past_its_end, ERANGE, "map 0x1000+0x4000 of an allocation: ", "0x4000 bytes" },
	{ alloc_without_size, EINVAL, "VRAM alloc: ", "sizeof()" },
	{ alloc_nothing, EINVAL, "VRAM alloc: ", "" },
	{ walk_without_size, EINVAL, "walk: ", "sizeof()" },
	{ info_without_size, EINVAL, "info: ", "sizeof()" },
	{ stats_without_size, EINVAL, "stats: ", "sizeof()" },
	{ check_without_size, EINVAL, "check: ", "sizeof()" },
	{ fault_without_size, EINVAL, "fault: ", "sizeof()" },
	{ pramin_past_the_end, ERANGE, "PRAMIN 0x1000000000+0x4: ", "leaves VRAM" },
	{ open_with_bad_flags, EINVAL, "open: ", "does not know" },
	{ open_to_observe_by_force, EINVAL, "open: ", "NVBAR_OPEN_FORCE" },
};

static void who_is_refused_reads_why(void **state)
{
	struct nvbar *second;
	size_t i;

	(void)state;
	assert_ok(open_logged(&gpu, "sim", 0, &lines));
	second = gpu_open("sim:tu102");
	assert_ok(nvbar_vram_alloc(gpu, 4 * PAGE, NULL, &vram));
	assert_ok(nvbar_vram_alloc(second, 4 * PAGE, NULL, &foreign));
	for (i = 0; i < NR_OF(refusals); i++) {
		lines.nr = 0;
		a = UNTOUCHED;
		made = UNTOUCHED;
		prepared = UNTOUCHED;
		assert_err(refusals[i].call(), refusals[i].err);
		if (lines.nr != 1 || !strstr(lines.last, refusals[i].what) ||
		    !strstr(lines.last, refusals[i].why))
			fail_msg("refusal %zu: %u lines, the last one '%s'", i, lines.nr, lines.last);
		assert_ptr_equal(a, UNTOUCHED);
		assert_ptr_equal(made, UNTOUCHED);
		assert_ptr_equal(prepared, UNTOUCHED);
	}
	nvbar_vram_free(vram);
	nvbar_vram_free(foreign);
	gpu_close(second);
	gpu_close(gpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_refused_reads_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
