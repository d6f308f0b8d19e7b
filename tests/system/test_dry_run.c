/* SPDX-License-Identifier: MIT */
/* Dry runs, through the public API. */
#include "helper.h"

/* Lines with writes, and others. */
struct lines {
	unsigned int writes, others;
};

static void count_line(void *arg, int level, const char *line)
{
	struct lines *lines = arg;

	if (level == NVBAR_LOG_INFO && strstr(line, ": dry run: "))
		lines->writes++;
	else
		lines->others++;
}

static struct nvbar *dry_open(const char *device, uint32_t flags, struct lines *lines)
{
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts),
		.flags = NVBAR_OPEN_DRY_RUN | flags,
		.log_level = NVBAR_LOG_INFO,
		.log = count_line,
		.log_arg = lines,
	};
	struct nvbar *gpu;

	*lines = (struct lines){ 0 };
	assert_ok(nvbar_open(&gpu, device, &opts));
	return gpu;
}

static void assert_tables_agree(struct nvbar *gpu)
{
	struct nvbar_check_report report = { .size = sizeof(report) };

	assert_ok(nvbar_check(gpu, &report));
}

static void what_was_written_is_read(struct nvbar *gpu)
{
	static uint8_t out[3 * PAGE], in[3 * PAGE];
	const uint64_t pfns[] = { 700, 30, 31 };
	struct nvbar_access *a;
	uint32_t val;

	rng_fill(out, sizeof(out));
	assert_ok(nvbar_map_pages(gpu, pfns, 3, 0, &a));
	assert_ok(nvbar_write(a, 0, out, sizeof(out)));
	assert_ok(nvbar_flush(a));
	assert_ok(nvbar_read(a, 0, in, sizeof(in)));
	assert_memory_equal(in, out, sizeof(in));
	/* The page tables say where it went. */
	assert_ok(nvbar_pramin_read(gpu, 700 * PAGE, in, PAGE));
	assert_memory_equal(in, out, PAGE);
	assert_ok(nvbar_pramin_read(gpu, 30 * PAGE, in, 2 * PAGE));
	assert_memory_equal(in, out + PAGE, 2 * PAGE);
	assert_ok(nvbar_pramin_write(gpu, 31 * PAGE + 5, "nvbar", 5));
	assert_ok(nvbar_read(a, 2 * PAGE + 5, in, 5));
	assert_memory_equal(in, "nvbar", 5);
	assert_ok(nvbar_fill(a, 4, 0xa5b6c7d8, PAGE));
	assert_ok(nvbar_read32(a, PAGE, &val));
	assert_int_equal(val, 0xa5b6c7d8);
	assert_tables_agree(gpu);
	assert_ok(nvbar_unmap(a));
	assert_tables_agree(gpu);
}

static void a_dry_run_has_what_it_wrote(void **state)
{
	char device[100];
	struct lines lines;
	struct nvbar *gpu;
	size_t i;

	(void)state;
	rng_start(__func__);
	for (i = 0; i < NR_CHIPS; i++) {
		snprintf(device, sizeof(device), "sim:%s,vram=1G,bar1=64M", chips[i].name);
		gpu = dry_open(device, 0, &lines);
		assert_true(lines.writes > 5);
		what_was_written_is_read(gpu);
		assert_int_equal(lines.others, 0);
		nvbar_close(gpu);
	}
}

static void nothing_reaches_the_gpu(void **state)
{
	/* Any bind, and any invalidate, of this one would never end. */
	struct lines lines;
	struct nvbar *gpu = dry_open("sim:ga102,vram=64M,bar1=64M,bind-polls=never,"
				     "invalidate-polls=never,ignore-write=0x1700", 0, &lines);

	(void)state;
	rng_start(__func__);
	what_was_written_is_read(gpu);
	nvbar_close(gpu);
	assert_int_equal(lines.others, 0);
}

static void what_nobody_wrote_is_zero(void **state)
{
	struct lines lines;
	struct nvbar *gpu = dry_open("sim:gh100,vram=64M,bar1=64M", 0, &lines);
	struct nvbar_access *a = map_at(gpu, MIB(1), PAGE, 0);

	(void)state;
	assert_int_equal(bar1_rd64(a, 8), 0);
	assert_int_equal(pramin_rd64(gpu, MIB(2)), 0);
	nvbar_close(gpu);
}

static void there_are_no_pointers(void **state)
{
	struct lines lines;
	struct nvbar *gpu = dry_open("sim", 0, &lines);
	struct nvbar_access *a = map_at(gpu, MIB(1), PAGE, 0);
	void *ptr = UNTOUCHED;

	(void)state;
	assert_err(nvbar_mmap(a, &ptr), EOPNOTSUPP);
	assert_ptr_equal(ptr, UNTOUCHED);
	nvbar_close(gpu);
}

static void other_flags_are_what_they_were(void **state)
{
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts),
		.flags = NVBAR_OPEN_DRY_RUN | NVBAR_OPEN_OBSERVE | NVBAR_OPEN_STATIC,
	};
	struct nvbar *gpu = UNTOUCHED;
	struct nvbar_access *a;
	struct lines lines;

	(void)state;
	assert_err(nvbar_open(&gpu, "sim", &opts), EINVAL);
	assert_ptr_equal(gpu, UNTOUCHED);

	gpu = dry_open("sim", NVBAR_OPEN_OBSERVE, &lines);
	assert_err(nvbar_pramin_write(gpu, 0, "x", 1), EACCES);
	assert_int_equal(lines.writes, 0);
	nvbar_close(gpu);

	gpu = dry_open("sim:ga102,vram=64M,bar1=64M", NVBAR_OPEN_STATIC, &lines);
	lines.writes = 0;
	assert_ok(nvbar_map_pages(gpu, (const uint64_t[]){ 5 }, 1, 0, &a));
	assert_int_equal(lines.writes, 0);
	assert_ok(nvbar_write32(a, 4, 77));
	assert_int_equal(lines.writes, 1);
	assert_int_equal(pramin_rd64(gpu, 5 * PAGE) >> 32, 77);
	nvbar_close(gpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dry_run_has_what_it_wrote),
		cmocka_unit_test(nothing_reaches_the_gpu),
		cmocka_unit_test(what_nobody_wrote_is_zero),
		cmocka_unit_test(there_are_no_pointers),
		cmocka_unit_test(other_flags_are_what_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
