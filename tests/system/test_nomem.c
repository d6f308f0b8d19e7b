/* SPDX-License-Identifier: MIT */
/*
 * No host memory: each call is made to fail at its first allocation, its
 * second, and so on until it succeeds, and must leave everything as it was.
 */
#include "helper.h"

#include <nvbar_compat.h>

#include "internal.h"

#define A	MIB(64)

/* The state that a failure must not change, the heap included. */
struct snap {
	struct nvbar_stats stats;
	long live;
};

static struct snap snap(struct nvbar *gpu)
{
	return (struct snap){ gpu_stats(gpu), compat_alloc_live() };
}

static void assert_unchanged(struct nvbar *gpu, const struct snap *before)
{
	struct snap after = snap(gpu);

	assert_same_state(&before->stats, &after.stats);
	assert_int_equal(after.live, before->live);
}

/*
 * Makes @call fail at ever later allocations until none fails; it returns 0
 * or an errno, and undoes what it did when it was successful.  Some calls have
 * another way when memory is short; they may succeed.
 */
static void fail_at_each_allocation(struct nvbar *gpu, int (*call)(struct nvbar *gpu),
				    bool has_another_way)
{
	unsigned long n, failed = 1, refused = 0;

	for (n = 1; failed; n++) {
		struct snap before;
		int ret;

		nvbar_trim(gpu);
		before = snap(gpu);
		compat_alloc_fail_nth(n, false);
		ret = call(gpu);
		failed = compat_alloc_failed();
		compat_alloc_fail_nth(0, false);

		if (!failed || has_another_way)
			assert_true(ret == 0 || ret == -ENOMEM);
		else
			assert_err(ret, ENOMEM);
		assert_true(ret == 0 || failed);
		if (ret)
			assert_unchanged(gpu, &before);
		refused += ret != 0;
		assert_true(n < 10000);
	}
	assert_true(refused > 0);
	nvbar_trim(gpu);
	gpu_check(gpu);
}

static int map_scattered(struct nvbar *gpu)
{
	struct nvbar_access *a = UNTOUCHED;
	uint64_t pfn[1100];
	size_t i;
	int ret;

	for (i = 0; i < NR_OF(pfn); i++)
		pfn[i] = A / PAGE + 3 * i;
	ret = nvbar_map_pages(gpu, pfn, NR_OF(pfn), 0, &a);
	if (ret) {
		assert_ptr_equal(a, UNTOUCHED);
		return ret;
	}
	return nvbar_unmap(a);
}

static int prepare(struct nvbar *gpu)
{
	struct nvbar_prepared *prepared = UNTOUCHED;
	int ret = nvbar_map_prepare(gpu, 3000, NULL, &prepared);

	if (ret)
		assert_ptr_equal(prepared, UNTOUCHED);
	else
		nvbar_map_cancel(prepared);
	return ret;
}

static int alloc(struct nvbar *gpu, uint64_t size, uint32_t flags)
{
	const struct nvbar_vram_opts opts = { .size = sizeof(opts), .flags = flags };
	struct nvbar_vram *vram = UNTOUCHED;
	int ret = nvbar_vram_alloc(gpu, size, &opts, &vram);

	if (ret)
		assert_ptr_equal(vram, UNTOUCHED);
	else
		nvbar_vram_free(vram);
	return ret;
}

static int alloc_page(struct nvbar *gpu)
{
	return alloc(gpu, PAGE, NVBAR_VRAM_NO_SCRUB);
}

static int alloc_scrubbed(struct nvbar *gpu)
{
	return alloc(gpu, MIB(3) + PAGE, 0);
}

static int ignore_entry(const struct nvbar_entry_info *info, void *arg)
{
	(void)info;
	(void)arg;
	return 0;
}

static int visit_entries(struct nvbar *gpu)
{
	return nvbar_for_each_entry(gpu, ignore_entry, NULL);
}

static int check(struct nvbar *gpu)
{
	struct nvbar_check_report report = { .size = sizeof(report) };

	return nvbar_check(gpu, &report);
}

static int ignore_line(const char *text, void *arg)
{
	(void)text;
	(void)arg;
	return 0;
}

static int take_snapshot(struct nvbar *gpu)
{
	return nvbar_snapshot_take(gpu, ignore_line, NULL);
}

static int parse_snapshot(struct nvbar *gpu)
{
	static const char text[] = "scenario s 2 turing vid 0x1000\nend\n";
	struct nvbar_snapshot *parsed = UNTOUCHED;
	int ret = nvbar_snapshot_parse(text, strlen(text), &parsed, NULL, 0);

	(void)gpu;
	if (ret)
		assert_ptr_equal(parsed, UNTOUCHED);
	else
		nvbar_snapshot_free(parsed);
	return ret;
}

static void every_call(struct nvbar *gpu)
{
	fail_at_each_allocation(gpu, map_scattered, false);
	fail_at_each_allocation(gpu, prepare, false);
	fail_at_each_allocation(gpu, alloc_page, false);
	fail_at_each_allocation(gpu, alloc_scrubbed, true);
	fail_at_each_allocation(gpu, visit_entries, false);
	fail_at_each_allocation(gpu, check, false);
	fail_at_each_allocation(gpu, take_snapshot, false);
	fail_at_each_allocation(gpu, parse_snapshot, false);
}

static void a_call_without_host_memory_changes_nothing(void **state)
{
	(void)state;
	on_every_chip("", every_call);
}

/* Freeing 4 KiB in the middle splits nothing that needs memory to note. */
static void releases(struct nvbar *gpu)
{
	struct nvbar_stats before = gpu_stats(gpu), after;
	struct nvbar_vram *vram[3];
	struct nvbar_access *a;
	size_t i;

	for (i = 0; i < NR_OF(vram); i++)
		assert_ok(nvbar_vram_alloc(gpu, MIB(1), NULL, &vram[i]));
	a = map_at(gpu, A, MIB(9), 0);
	compat_alloc_fail_nth(1, true);
	nvbar_vram_free(vram[1]);
	assert_ok(nvbar_unmap(a));
	nvbar_vram_free(vram[0]);
	nvbar_vram_free(vram[2]);
	nvbar_trim(gpu);
	assert_int_equal(compat_alloc_failed(), 0);
	compat_alloc_fail_nth(0, false);
	after = gpu_stats(gpu);
	assert_same_state(&before, &after);
}

static void releasing_needs_no_host_memory(void **state)
{
	(void)state;
	on_every_chip("", releases);
}

/* Many pending, each with tables of its own, while every allocation fails. */
static void executes(struct nvbar *gpu)
{
	struct nvbar_prepared *prepared[64];
	struct nvbar_access *a[64];
	size_t i;

	for (i = 0; i < NR_OF(prepared); i++) {
		const struct nvbar_map_opts opts = {
			.size = sizeof(opts), .flags = NVBAR_MAP_FIXED | NVBAR_MAP_PRIVATE,
			.va = MIB(4 * i + 2) - 3 * PAGE,
		};

		assert_ok(nvbar_map_prepare(gpu, 6 + i, &opts, &prepared[i]));
	}
	compat_alloc_fail_nth(1, true);
	for (i = NR_OF(prepared); i--;) {
		struct nvbar_extent ext[] = { { A, 5 * PAGE }, { MIB(1) + i * PAGE, (1 + i) * PAGE } };

		assert_ok(nvbar_map_execute(prepared[i], ext, NR_OF(ext), &a[i]));
	}
	assert_int_equal(compat_alloc_failed(), 0);
	for (i = 0; i < NR_OF(prepared); i++) {
		assert_int_equal(walk_at(gpu, nvbar_access_base(a[i]) + 5 * PAGE).pa,
				 MIB(1) + i * PAGE);
		assert_ok(nvbar_unmap(a[i]));
	}
	compat_alloc_fail_nth(0, false);
}

/* As many pages in extents that allow any leaf, at any alignment. */
static size_t some_extents(uint64_t nr_pages, struct nvbar_extent *ext, size_t max)
{
	static const uint64_t unit[] = { 1, 16, 512 };
	size_t nr = 0;

	while (nr_pages) {
		uint64_t pages = unit[rng_below(3)] * (1 + rng_below(4));
		uint64_t pa = MIB(2) * rng_below(2048) + PAGE * (rng_below(2) ? 0 : rng_below(512));

		if (pages > nr_pages || nr == max - 1)
			pages = nr_pages;
		ext[nr++] = (struct nvbar_extent){ pa, pages * PAGE };
		nr_pages -= pages;
	}
	return nr;
}

/* What the extents will be is not known when they are prepared for. */
static void executes_any_mixture(struct nvbar *gpu)
{
	struct nvbar_prepared *prepared[20];
	struct nvbar_access *a[20];
	struct nvbar_extent ext[300];
	uint64_t pages[20];
	unsigned int round;
	size_t i;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < NR_OF(prepared); i++) {
			pages[i] = 1 + rng_below(2500);
			assert_ok(nvbar_map_prepare(gpu, pages[i], NULL, &prepared[i]));
		}
		compat_alloc_fail_nth(1, true);
		for (i = 0; i < NR_OF(prepared); i++)
			assert_ok(nvbar_map_execute(prepared[i], ext,
						    some_extents(pages[i], ext, NR_OF(ext)), &a[i]));
		assert_int_equal(compat_alloc_failed(), 0);
		compat_alloc_fail_nth(0, false);
		gpu_check(gpu);
		for (i = 0; i < NR_OF(prepared); i++)
			assert_ok(nvbar_unmap(a[i]));
	}
}

static void execute_allocates_nothing(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_chip("", executes);
	on_every_chip("", executes_any_mixture);
}

/* Opens until it has the memory: each time one allocation more succeeds. */
static void open_starved(const char *device, uint32_t flags)
{
	const struct nvbar_open_opts opts = { .size = sizeof(opts), .flags = flags };
	unsigned long n, failed = 1;
	long live;

	nvbar_forget_closed();
	live = compat_alloc_live();
	for (n = 1; failed; n++) {
		struct nvbar *gpu = UNTOUCHED;
		int ret;

		compat_alloc_fail_nth(n, false);
		ret = nvbar_open(&gpu, device, &opts);
		failed = compat_alloc_failed();
		compat_alloc_fail_nth(0, false);
		assert_int_equal(ret, failed ? -ENOMEM : 0);
		if (ret)
			assert_ptr_equal(gpu, UNTOUCHED);
		else
			nvbar_close(gpu);
		nvbar_forget_closed();
		assert_int_equal(compat_alloc_live(), live);
	}
}

static void open_without_host_memory_leaks_nothing(void **state)
{
	char device[64];
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		snprintf(device, sizeof(device), "sim:%s,vram=256M,bar1=256M", chips[i].name);
		open_starved(device, 0);
		open_starved(device, NVBAR_OPEN_STATIC);
	}
}

/* Closed GPUs are remembered, but no more than so many, nor all of their handles. */
static void what_is_kept_of_closed_gpus_has_a_bound(void **state)
{
	long kept = 0;
	struct nvbar *gpu;
	size_t i, k;

	(void)state;
	nvbar_forget_closed();
	for (i = 0; i < 200; i++) {
		gpu = gpu_open("sim:tu102,vram=256M,bar1=64M");
		for (k = 0; k < 20; k++)
			map_at(gpu, MIB(64), PAGE, 0);
		nvbar_close(gpu);
		if (i == 99)
			kept = compat_alloc_live();
	}
	assert_int_equal(compat_alloc_live(), kept);
	nvbar_forget_closed();
	gpu = gpu_open("sim:tu102,vram=256M,bar1=64M");
	for (k = 0; k < 3000; k++)
		map_at(gpu, MIB(64), PAGE, 0);
	kept = compat_alloc_live();
	nvbar_close(gpu);
	assert_true(compat_alloc_live() < kept - 1900);
	nvbar_forget_closed();
}

/* "nomem" in a device string is about that device alone. */
static void what_a_string_asked_for_ends_with_its_gpu(void **state)
{
	struct nvbar *gpu = NULL;
	char device[64];
	unsigned int nr;

	(void)state;
	for (nr = 1; nr < 100 && !gpu; nr++) {
		snprintf(device, sizeof(device), "sim:ga102,nomem-from=%u", nr);
		if (nvbar_open(&gpu, device, NULL))
			gpu_close(gpu_open("sim:ga102"));
	}
	assert_non_null(gpu);
	nvbar_close(gpu);
	gpu_close(gpu_open("sim:ga102"));
	nvbar_forget_closed();
}

static void no_test_here_met_a_warning(void **state)
{
	(void)state;
	assert_int_equal(compat_warn_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_without_host_memory_changes_nothing),
		cmocka_unit_test(releasing_needs_no_host_memory),
		cmocka_unit_test(execute_allocates_nothing),
		cmocka_unit_test(open_without_host_memory_leaks_nothing),
		cmocka_unit_test(what_is_kept_of_closed_gpus_has_a_bound),
		cmocka_unit_test(what_a_string_asked_for_ends_with_its_gpu),
		cmocka_unit_test(no_test_here_met_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
