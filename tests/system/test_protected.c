// SPDX-License-Identifier: MIT
/* VRAM that is the firmware's, and GPUs that are another driver's or make no sense. */
#include "helper.h"

#include "internal.h"
#include "sim.h"

/* --- the ranges --- */

struct range {
	const char *name;
	struct nvbar_protected_info found;
};

static int find_range(const struct nvbar_protected_info *info, void *arg)
{
	struct range *range = arg;

	if (strcmp(info->name, range->name))
		return 0;
	range->found = *info;
	return 1;
}

static struct nvbar_protected_info range_of(struct nvbar *gpu, const char *name)
{
	struct range range = { .name = name };

	assert_int_equal(nvbar_for_each_protected(gpu, find_range, &range), 1);
	return range.found;
}

static int check_range(const struct nvbar_protected_info *info, void *arg)
{
	const struct nvbar_info *gpu = arg;

	assert_true(info->len && info->pa + info->len <= gpu->vram_size);
	assert_true(info->pa >= gpu->reserved_pa + gpu->reserved_len);
	return 0;
}

static void keep_clear(struct nvbar *gpu)
{
	struct nvbar_info info = gpu_info(gpu);
	struct nvbar_vram *vram;

	assert_ok(nvbar_for_each_protected(gpu, check_range, &info));
	/* All that can be had, zeroed, is below as well. */
	assert_ok(nvbar_vram_alloc(gpu, info.vram_usable, NULL, &vram));
	nvbar_vram_free(vram);
}

static void nothing_of_the_drivers_or_its_users_lies_where_firmware_is(void **state)
{
	(void)state;
	on_every_chip(",vram=128M,bar1=64M", keep_clear);
	on_every_chip(",vram=128M,bar1=64M,wpr2=32M", keep_clear);
	on_every_chip(",vram=128M,bar1=64M,wpr2=32M,wpr1=64M:4K", keep_clear);
	on_every_chip(",vram=128M,bar1=0,wpr2=32M", keep_clear);
}

/* --- accesses --- */

/* Whether a page can be mapped, and read and written there. */
static void assert_pages(struct nvbar *gpu, uint64_t pa, size_t nr, int rd, int wr)
{
	const struct nvbar_extent ext = { pa, nr * PAGE };
	struct nvbar_access *a = UNTOUCHED;
	struct nvbar_prepared *prepared;
	uint64_t pfn = pa / PAGE, word = 0;

	if (rd) {
		assert_err(nvbar_map_pages(gpu, &pfn, 1, NVBAR_MAP_RDONLY, &a), -rd);
		assert_ptr_equal(a, UNTOUCHED);
	} else {
		assert_ok(nvbar_map_pages(gpu, &pfn, 1, NVBAR_MAP_RDONLY, &a));
		assert_ok(nvbar_read64(a, 0, &word));
		assert_ok(nvbar_unmap(a));
	}
	assert_int_equal(nvbar_pramin_read(gpu, pa, &word, 8), rd);

	a = UNTOUCHED;
	assert_ok(nvbar_map_prepare(gpu, nr, NULL, &prepared));
	assert_int_equal(nvbar_map_execute(prepared, &ext, 1, &a), wr);
	if (wr) {
		assert_ptr_equal(a, UNTOUCHED);
	} else {
		assert_ok(nvbar_write64(a, 0, word));
		assert_ok(nvbar_flush(a));
		assert_ok(nvbar_unmap(a));
	}
	assert_int_equal(nvbar_pramin_write(gpu, pa, &word, 8), wr);
}

static void accesses(struct nvbar *gpu)
{
	struct nvbar_protected_info wpr2 = range_of(gpu, "WPR2");
	struct nvbar_protected_info heap = range_of(gpu, "firmware heap");
	struct nvbar_stats before = gpu_stats(gpu), after;
	uint64_t word;

	assert_int_equal(wpr2.access, NVBAR_PROTECTED_CLOSED);
	assert_pages(gpu, wpr2.pa, 1, -EACCES, -EACCES);
	assert_pages(gpu, wpr2.pa + wpr2.len - PAGE, 1, -EACCES, -EACCES);
	assert_int_equal(heap.access, NVBAR_PROTECTED_RDONLY);
	assert_pages(gpu, heap.pa, 1, 0, -EACCES);
	assert_pages(gpu, wpr2.pa - PAGE, 1, 0, -EACCES);
	/* Ranges that reach in from either side */
	assert_pages(gpu, wpr2.pa - PAGE, 2, 0, -EACCES);
	assert_pages(gpu, wpr2.pa + wpr2.len - PAGE, 2, -EACCES, -EACCES);
	assert_err(nvbar_pramin_read(gpu, wpr2.pa - 4, &word, 8), EACCES);
	assert_err(nvbar_pramin_read(gpu, wpr2.pa + wpr2.len - 4, &word, 8), EACCES);
	/* The display's workspace right above is memory like any other to who asks for it. */
	assert_pages(gpu, wpr2.pa + wpr2.len, 1, 0, 0);
	nvbar_trim(gpu);
	after = gpu_stats(gpu);
	assert_same_space(&before, &after);
}

static void closed_memory_is_refused_and_running_firmware_is_read_only(void **state)
{
	(void)state;
	on_every_chip(",wpr2=64M", accesses);
}

/* The pages at the top, that no firmware uses yet. */
static void top_of_vram(struct nvbar *gpu)
{
	struct nvbar_info info = gpu_info(gpu);
	uint64_t pa;

	for (pa = info.reserved_pa + info.reserved_len; pa < GIB(8); pa += KIB(256))
		assert_pages(gpu, pa, 1, 0, 0);
}

static void without_firmware_every_page_can_be_mapped_and_written(void **state)
{
	(void)state;
	on_every_chip("", top_of_vram);
}

static void the_reason_names_the_range(void **state)
{
	struct log_lines lines;
	uint64_t pfn = MIB(64) / PAGE, word = 0;
	struct nvbar_access *a;
	struct nvbar *gpu;

	(void)state;
	assert_ok(open_logged(&gpu, "sim:ga100,wpr1=64M:1M,lock-range=80M:64K", 0, &lines));
	assert_err(nvbar_map_pages(gpu, &pfn, 1, NVBAR_MAP_RDONLY, &a), EACCES);
	assert_non_null(strstr(lines.last, "WPR1 0x4000000+0x100000"));
	assert_err(nvbar_pramin_write(gpu, MIB(80) - 4, &word, 8), EACCES);
	assert_non_null(strstr(lines.last, "MMU lock range 0x5000000+0x10000"));
	gpu_close(gpu);
}

/* --- tables that lead there --- */

static int count_entry(const struct nvbar_entry_info *info, void *arg)
{
	(void)info;
	(*(unsigned int *)arg)++;
	return 0;
}

static void an_entry_that_leads_to_closed_memory_is_not_followed(void **state)
{
	const char *const device = "sim:ga102,wpr2=64M";
	struct nvbar_walk walk = { .size = sizeof(walk) };
	struct nvbar_info info;
	unsigned int entries = 0;
	struct sim_gpu *sim;
	struct nvbar *gpu;
	uint64_t entry, root;

	(void)state;
	gpu = gpu_open(device);
	info = gpu_info(gpu);
	sim = nvbar_backend_sim_gpu(gpu->backend);
	map_at(gpu, 0, PAGE, 0);
	root = info.reserved_pa;
	/* A page directory in WPR2: address >> 4 in bits 32:8, in video memory */
	entry = (range_of(gpu, "WPR2").pa >> 4) | 2;
	assert_true(sim_vram_poke(sim, root, &entry, 8));
	assert_ok(nvbar_walk(gpu, 0, &walk));
	assert_int_equal(walk.status, NVBAR_WALK_UNREADABLE);
	assert_ok(nvbar_for_each_entry(gpu, count_entry, &entries));
	assert_int_equal(gpu_stats(gpu).model_driver_errors, 0);
	nvbar_close(gpu);
}

/* --- GPUs that are not understood --- */

/* One line says why, and there is no handle. */
static void assert_refused(const char *device, uint32_t flags, int err, const char *reason)
{
	struct nvbar *gpu = UNTOUCHED;
	struct log_lines lines;

	assert_err(open_logged(&gpu, device, flags, &lines), err);
	assert_non_null(strstr(lines.last, reason));
	assert_ptr_equal(gpu, UNTOUCHED);
}

static void registers_that_contradict_each_other_are_refused(void **state)
{
	static const struct {
		const char *device;
		int err;
		const char *reason;
	} cases[] = {
		/* WPR2 past what the size register says; no room for a heap, or for tables */
		{ "sim:gb100,reported-vram=4G,wpr2=64M", EIO, "WPR2" },
		{ "sim:gh100,reported-vram=4G,wpr1=6G:64K", EIO, "WPR1" },
		{ "sim:ga102,vram=64M,bar1=64M,wpr2=64000K", EIO, "WPR2" },
		{ "sim:ga102,vram=64M,bar1=64M,wpr2=62M", ENOSPC, "no room" },
		{ "sim:ga102,reported-vram=4G", EIO, "VGA workspace" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(cases); i++) {
		assert_refused(cases[i].device, 0, cases[i].err, cases[i].reason);
		assert_refused(cases[i].device, NVBAR_OPEN_OBSERVE, cases[i].err, cases[i].reason);
	}
}

/* The driver's own region is at the top of what the size register says. */
static void vram_that_does_not_hold_what_is_written_is_refused(void **state)
{
	struct nvbar *gpu;
	struct log_lines lines;
	char device[64];
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		snprintf(device, sizeof(device), "sim:%s,reported-vram=128G", chips[i].name);
		assert_refused(device, 0, EIO, "does not hold what was written");
		assert_refused(device, 0, EIO, "0x2000000000");
	}
	/* VRAM ends within the region's page tables, behind the instance block ... */
	assert_refused("sim:gh100,vram=1G,bar1=64G,reported-vram=1100M", 0, EIO,
		       "does not hold what was written");
	/* ... or in what is reserved above it, where nobody misses it. */
	assert_ok(open_logged(&gpu, "sim:gh100,vram=1G,reported-vram=1025M", 0, &lines));
	nvbar_close(gpu);
}

/* --- GPUs that somebody has --- */

static void a_gpu_that_another_driver_has_bound_is_busy(void **state)
{
	const uint64_t pfn = 1;
	struct nvbar_access *a;
	struct nvbar *gpu;
	struct log_lines lines;
	char device[64];
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		snprintf(device, sizeof(device), "sim:%s,bound=5G", chips[i].name);
		assert_refused(device, 0, EBUSY, "0x140000000");
		assert_err(open_logged(&gpu, device, NVBAR_OPEN_STATIC, &lines), EBUSY);

		/* Looking on disturbs nobody. */
		assert_ok(open_logged(&gpu, device, NVBAR_OPEN_OBSERVE, &lines));
		assert_int_equal(gpu_info(gpu).bar1_bound, GIB(5));
		assert_int_equal(gpu_stats(gpu).bus_writes, 0);
		assert_err(nvbar_map_pages(gpu, &pfn, 1, 0, &a), EACCES);
		assert_non_null(strstr(lines.last, "opened to observe"));
		nvbar_close(gpu);

		assert_ok(open_logged(&gpu, device, NVBAR_OPEN_FORCE, &lines));
		assert_int_equal(gpu_info(gpu).bar1_bound,
				 gpu_info(gpu).reserved_pa + gpu_info(gpu).reserved_len - PAGE);
		assert_ok(nvbar_unmap(map_at(gpu, 0, MIB(4), 0)));
		gpu_close(gpu);
	}
	assert_err(open_logged(&gpu, "sim", NVBAR_OPEN_FORCE | NVBAR_OPEN_OBSERVE, &lines), EINVAL);
}

/* Without BAR1 somebody may still use the rest of the GPU. */
static void that_goes_for_a_gpu_without_bar1(void **state)
{
	struct log_lines lines;
	struct nvbar *gpu;

	(void)state;
	assert_err(open_logged(&gpu, "sim:gb202,bar1=0,bound=5G", 0, &lines), EBUSY);
	assert_ok(open_logged(&gpu, "sim:gb202,bar1=0,bound=5G", NVBAR_OPEN_FORCE, &lines));
	gpu_close(gpu);
}

/* As it is after a process was killed that had it open. */
static void what_an_earlier_run_left_bound_is_taken_over(void **state)
{
	struct nvbar *gpu;
	char device[64];
	uint64_t left;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		snprintf(device, sizeof(device), "sim:%s", chips[i].name);
		gpu = gpu_open(device);
		left = gpu_info(gpu).bar1_bound;
		gpu_close(gpu);
		snprintf(device, sizeof(device), "sim:%s,bound=%llu", chips[i].name,
			 (unsigned long long)left);
		gpu = gpu_open(device);
		assert_ok(nvbar_unmap(map_at(gpu, 0, MIB(4), 0)));
		gpu_close(gpu);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_of_the_drivers_or_its_users_lies_where_firmware_is),
		cmocka_unit_test(closed_memory_is_refused_and_running_firmware_is_read_only),
		cmocka_unit_test(without_firmware_every_page_can_be_mapped_and_written),
		cmocka_unit_test(the_reason_names_the_range),
		cmocka_unit_test(an_entry_that_leads_to_closed_memory_is_not_followed),
		cmocka_unit_test(registers_that_contradict_each_other_are_refused),
		cmocka_unit_test(vram_that_does_not_hold_what_is_written_is_refused),
		cmocka_unit_test(a_gpu_that_another_driver_has_bound_is_busy),
		cmocka_unit_test(that_goes_for_a_gpu_without_bar1),
		cmocka_unit_test(what_an_earlier_run_left_bound_is_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
