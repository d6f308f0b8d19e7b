/* SPDX-License-Identifier: MIT */
/* Plain CPU pointers to mappings. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "../fds.h"
#include "helper.h"

#define A	MIB(64)

static uint8_t *pointer(struct nvbar_access *a)
{
	void *ptr = NULL;

	assert_ok(nvbar_mmap(a, &ptr));
	assert_non_null(ptr);
	return ptr;
}

static void same_memory(struct nvbar *gpu)
{
	const uint64_t pfn[] = { A / PAGE + 9, A / PAGE, A / PAGE + 1, A / PAGE + 5 };
	struct nvbar_access *a;
	uint8_t got[2 * PAGE];
	uint8_t *ptr;
	size_t i;

	assert_ok(nvbar_map_pages(gpu, pfn, NR_OF(pfn), 0, &a));
	for (i = 0; i < NR_OF(pfn); i++)
		assert_ok(nvbar_write64(a, i * PAGE, 100 + i));
	ptr = pointer(a);
	for (i = 0; i < NR_OF(pfn); i++) {
		uint64_t word;

		memcpy(&word, ptr + i * PAGE, sizeof(word));
		assert_int_equal(word, 100 + i);
		memset(ptr + i * PAGE, (int)i + 1, PAGE);
	}
	assert_ok(nvbar_flush(a));
	assert_ok(nvbar_read(a, PAGE / 2, got, sizeof(got)));
	assert_memory_equal(got, ptr + PAGE / 2, sizeof(got));
	for (i = 0; i < NR_OF(pfn); i++)
		assert_int_equal(pramin_rd64(gpu, pfn[i] * PAGE + PAGE - 8),
				 0x0101010101010101 * (i + 1));

	assert_ok(nvbar_write32(a, 3 * PAGE, 0xdeadbeef));
	pramin_wr64(gpu, pfn[0] * PAGE + 8, 0x1234);
	assert_int_equal(ptr[3 * PAGE], 0xef);
	assert_int_equal(ptr[8], 0x34);
	assert_ptr_equal(pointer(a), ptr);
	assert_ok(nvbar_unmap(a));
}

static void a_pointer_leads_to_the_same_memory(void **state)
{
	(void)state;
	on_every_chip("", same_memory);
}

static void dead_after_unmap(struct nvbar *gpu)
{
	struct nvbar_access *a = map_at(gpu, A, MIB(3), 0);
	uint8_t *ptr = pointer(a);

	assert_false(touch_faults(ptr, true));
	assert_false(touch_faults(ptr + MIB(3) - 1, true));
	assert_ok(nvbar_unmap(a));
	assert_true(touch_faults(ptr, false));
	assert_true(touch_faults(ptr + MIB(3) - 1, false));
}

static void a_pointer_is_dead_after_unmap(void **state)
{
	(void)state;
	on_every_chip("", dead_after_unmap);
}

static void read_only(struct nvbar *gpu)
{
	struct nvbar_access *a = map_at(gpu, A, 2 * PAGE, NVBAR_MAP_RDONLY);
	uint8_t *ptr = pointer(a);

	pramin_wr64(gpu, A + PAGE, 0x77);
	assert_int_equal(ptr[PAGE], 0x77);
	assert_false(touch_faults(ptr + PAGE, false));
	assert_true(touch_faults(ptr + PAGE, true));
	assert_int_equal(ptr[PAGE], 0x77);
	assert_ok(nvbar_unmap(a));
}

static void a_read_only_pointer_faults_on_a_write(void **state)
{
	(void)state;
	on_every_chip("", read_only);
}

/* Page tables are among what can be mapped for reading. */
static void stays_read_only(struct nvbar *gpu)
{
	struct nvbar_access *a = map_at(gpu, A, 2 * PAGE, NVBAR_MAP_RDONLY);
	uint8_t *ptr = pointer(a);

	errno = 0;
	assert_int_equal(mprotect(ptr, 2 * PAGE, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(errno, EACCES);
	assert_false(touch_faults(ptr, false));
	assert_true(touch_faults(ptr, true));
	assert_ok(nvbar_unmap(a));
}

static void a_read_only_pointer_can_not_be_made_writable(void **state)
{
	char device[300];
	unsigned int fds = open_fds();
	struct nvbar *gpu;

	(void)state;
	on_every_chip("", stays_read_only);
	snprintf(device, sizeof(device), "sim:ga102,vram=256M,file=%s/vram", test_dir);
	gpu = gpu_open(device);
	stays_read_only(gpu);
	gpu_close(gpu);
	assert_int_equal(open_fds(), fds);
}

static void pointers_to_the_same_page_see_each_other(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_access *a = map_at(gpu, A, 2 * PAGE, 0), *b = map_at(gpu, A + PAGE, 2 * PAGE, 0);
	uint8_t *x = pointer(a), *y = pointer(b);

	(void)state;
	x[PAGE + 5] = 21;
	assert_int_equal(y[5], 21);
	y[6] = 22;
	assert_int_equal(x[PAGE + 6], 22);
	assert_ok(nvbar_unmap(a));
	assert_int_equal(y[5], 21);
	assert_false(touch_faults(y + 2 * PAGE - 1, true));
	assert_ok(nvbar_unmap(b));
	gpu_close(gpu);
}

/* Other mappings come and go, with invalidates of the whole address space. */
static void a_pointer_outlives_other_mappings(void **state)
{
	struct nvbar *gpu = gpu_open("sim:gb100");
	struct nvbar_access *a = map_at(gpu, A, MIB(1), 0), *other;
	volatile uint8_t *ptr = pointer(a);
	size_t i;

	(void)state;
	for (i = 0; i < 50; i++) {
		other = map_at(gpu, GIB(1), MIB(1) * (1 + i), 0);
		ptr[i * PAGE] = (uint8_t)i;
		pointer(other)[i * PAGE] = 0xee;
		assert_ok(nvbar_unmap(other));
		nvbar_trim(gpu);
		assert_int_equal(ptr[i * PAGE], i);
	}
	assert_ok(nvbar_unmap(a));
	gpu_close(gpu);
}

static void a_pointer_costs_the_driver_no_bus_access(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_access *a = map_at(gpu, A, MIB(1), 0);
	uint8_t *ptr = pointer(a);
	struct nvbar_stats before = gpu_stats(gpu), after;

	(void)state;
	memset(ptr, 3, MIB(1));
	after = gpu_stats(gpu);
	assert_int_equal(after.bus_reads, before.bus_reads);
	assert_int_equal(after.bus_writes, before.bus_writes);
	assert_ok(nvbar_unmap(a));
	gpu_close(gpu);
}

static void a_pointer_to_a_whole_aperture(void **state)
{
	struct nvbar *gpu = gpu_open("sim:tu102,vram=4G,bar1=1G");
	struct nvbar_access *a = map_at(gpu, GIB(1), GIB(1), 0);
	uint8_t *ptr = pointer(a);

	(void)state;
	ptr[0] = 1;
	ptr[GIB(1) - 1] = 2;
	assert_int_equal(pramin_rd64(gpu, GIB(1)) & 0xff, 1);
	assert_int_equal(pramin_rd64(gpu, GIB(2) - 8) >> 56, 2);
	assert_ok(nvbar_unmap(a));
	assert_true(touch_faults(ptr, false));
	gpu_close(gpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pointer_leads_to_the_same_memory),
		cmocka_unit_test(a_pointer_is_dead_after_unmap),
		cmocka_unit_test(a_read_only_pointer_faults_on_a_write),
		cmocka_unit_test(a_read_only_pointer_can_not_be_made_writable),
		cmocka_unit_test(pointers_to_the_same_page_see_each_other),
		cmocka_unit_test(a_pointer_outlives_other_mappings),
		cmocka_unit_test(a_pointer_costs_the_driver_no_bus_access),
		cmocka_unit_test(a_pointer_to_a_whole_aperture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
