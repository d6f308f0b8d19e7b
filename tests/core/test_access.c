// SPDX-License-Identifier: MIT
/*
 * Access through a mapping on the modelled GPU, whose aperture is no memory to
 * the CPU, device memory, or ordinary memory: always the same data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <nvbar_compat.h>

#include "access.h"
#include "attach.h"
#include "bar_user.h"
#include "gpu.h"
#include "sim.h"

#define PA		SZ_1G
#define MANY		100	/* more uses than it takes to look a page up */

static struct sim_gpu *sim;
static struct nvbar_gpu gpu;
static unsigned int nr_slow;		/* accesses and blocks that took the bus */
static unsigned int nr_device_copies;	/* blocks to and from device memory */
static int mmap_result;

static u64 hw_read(void *hw, u32 off, unsigned int width)
{
	(void)hw;
	return sim_bar0_read(sim, off, width);
}

static void hw_write(void *hw, u32 off, unsigned int width, u64 val)
{
	(void)hw;
	sim_bar0_write(sim, off, width, val);
}

static void hw_read_words(void *hw, u32 off, u64 *dst, size_t nr)
{
	for (; nr; nr--, off += 8)
		*dst++ = hw_read(hw, off, 8);
}

static void hw_write_words(void *hw, u32 off, const u64 *src, size_t nr)
{
	for (; nr; nr--, off += 8)
		hw_write(hw, off, 8, *src++);
}

static u64 hw_bar1_read(void *hw, u64 off, unsigned int width)
{
	(void)hw;
	nr_slow++;
	return sim_bar1_read(sim, off, width);
}

static void hw_bar1_write(void *hw, u64 off, unsigned int width, u64 val)
{
	(void)hw;
	nr_slow++;
	sim_bar1_write(sim, off, width, val);
}

static void hw_bar1_copy_from(void *hw, void *dst, u64 off, size_t len)
{
	(void)hw;
	nr_slow++;
	sim_bar1_copy_from(sim, dst, off, len);
}

static void hw_bar1_copy_to(void *hw, u64 off, const void *src, size_t len)
{
	(void)hw;
	nr_slow++;
	sim_bar1_copy_to(sim, off, src, len);
}

static int hw_bar1_mmap(void *hw, u64 off, u64 len, bool write, void **cpu)
{
	(void)hw;
	return mmap_result ? mmap_result : sim_bar1_mmap(sim, off, len, write, cpu);
}

static void hw_bar1_munmap(void *hw, void *cpu, u64 len)
{
	(void)hw;
	sim_bar1_munmap(sim, cpu, len);
}

static void hw_direct_info(void *hw, struct nvbar_direct *direct)
{
	(void)hw;
	direct->generation = sim_bar1_generation(sim);
	direct->ordinary = !gpu.ops->direct_copy_from;
}

static void *hw_bar1_direct(void *hw, u64 off, bool write)
{
	(void)hw;
	return sim_bar1_direct(sim, off, write);
}

static void *hw_bar1_window(void *hw, u64 off, u64 len, bool write, bool remap)
{
	(void)hw;
	return sim_bar1_window(sim, off, len, write, remap);
}

static void hw_bar1_window_end(void *hw, void *cpu, u64 len)
{
	(void)hw;
	sim_bar1_window_end(sim, cpu, len);
}

static void hw_direct_copy(void *dst, const void *src, size_t len)
{
	nr_device_copies++;
	memcpy(dst, src, len);
}

static void hw_write_barrier(void *hw)
{
	(void)hw;
}

#define BUS_OPS					\
	.bar0_read = hw_read,			\
	.bar0_write = hw_write,			\
	.bar0_read_words = hw_read_words,	\
	.bar0_write_words = hw_write_words,	\
	.bar1_read = hw_bar1_read,		\
	.bar1_write = hw_bar1_write,		\
	.bar1_copy_from = hw_bar1_copy_from,	\
	.bar1_copy_to = hw_bar1_copy_to,	\
	.bar1_mmap = hw_bar1_mmap,		\
	.bar1_munmap = hw_bar1_munmap,		\
	.write_barrier = hw_write_barrier

#define DIRECT_OPS				\
	.direct_info = hw_direct_info,		\
	.bar1_direct = hw_bar1_direct,		\
	.bar1_window = hw_bar1_window,		\
	.bar1_window_end = hw_bar1_window_end

static const struct nvbar_hw_ops no_memory = { BUS_OPS };
static const struct nvbar_hw_ops ordinary_memory = { BUS_OPS, DIRECT_OPS };
static const struct nvbar_hw_ops device_memory = {
	BUS_OPS, DIRECT_OPS,
	.direct_copy_from = hw_direct_copy,
	.direct_copy_to = hw_direct_copy,
};

static void start(const struct nvbar_hw_ops *ops)
{
	/* Only there is the aperture memory. */
	const struct sim_config cfg = {
		.chip = "ga102", .bar1_size = SZ_64M, .landing = SIM_LANDING_AT_ONCE,
	};

	memset(&gpu, 0, sizeof(gpu));
	nr_slow = 0;
	nr_device_copies = 0;
	mmap_result = 0;
	assert_int_equal(sim_create(&cfg, &sim, NULL, 0), 0);
	assert_int_equal(nvbar_gpu_attach(&gpu, ops, NULL, SZ_64M, 0), 0);
}

static void stop(void)
{
	nvbar_gpu_detach(&gpu);
	assert_int_equal(sim_driver_errors(sim), 0);
	sim_destroy(sim);
}

static struct nvbar_span one_span(const void *arg, size_t i)
{
	(void)i;
	return *(const struct nvbar_span *)arg;
}

static struct nvbar_access *map(u64 nr_pages)
{
	const struct nvbar_span span = { PA, nr_pages * SZ_4K };
	const struct nvbar_spans spans = { one_span, &span, 1 };
	const struct nvbar_bar_user_opts opts = { 0 };
	struct nvbar_access *access = nvbar_bar_user_map(&gpu, &spans, &opts);

	assert_false(IS_ERR(access));
	return access;
}

/* Single accesses and blocks, again and again, against VRAM itself. */
static void use_much(struct nvbar_access *access)
{
	u8 block[300], back[sizeof(block)];
	unsigned int i;
	u64 word;

	for (i = 0; i < MANY; i++) {
		u64 off = 8 * i + i % 2 * SZ_4K, val;

		assert_int_equal(nvbar_access_wr(access, off, 8, i), 0);
		assert_int_equal(nvbar_access_rd(access, off, 8, &val), 0);
		assert_int_equal(val, i);
		assert_true(sim_vram_peek(sim, PA + off, &word, 8));
		assert_int_equal(word, i);

		/* Across a page, and with all ones at the end. */
		memset(block, i, sizeof(block));
		block[sizeof(block) - 1] = 0xff;
		assert_int_equal(nvbar_access_copy_to(access, SZ_4K - i, block, sizeof(block)), 0);
		assert_true(sim_vram_peek(sim, PA + SZ_4K - i, back, sizeof(back)));
		assert_memory_equal(back, block, sizeof(block));
		memset(back, 0, sizeof(back));
		assert_int_equal(nvbar_access_copy_from(access, SZ_4K - i, back, sizeof(back)), 0);
		assert_memory_equal(back, block, sizeof(block));
	}
}

static void an_aperture_that_is_no_memory_is_reached_by_the_bus(void **state)
{
	struct nvbar_access *access;

	(void)state;
	start(&no_memory);
	access = map(2);
	use_much(access);
	assert_true(nr_slow >= 4 * MANY);
	assert_int_equal(nvbar_bar_user_release(access), 0);
	stop();
}

static void blocks_in_device_memory_are_copied_by_the_backend(void **state)
{
	struct nvbar_access *access;

	(void)state;
	start(&device_memory);
	access = map(2);
	use_much(access);
	assert_true(nr_slow < MANY);
	assert_true(nr_device_copies > MANY);
	assert_int_equal(nvbar_bar_user_release(access), 0);
	stop();
}

static void ordinary_memory_is_used_directly(void **state)
{
	struct nvbar_access *access;

	(void)state;
	start(&ordinary_memory);
	access = map(2);
	use_much(access);
	assert_true(nr_slow < MANY);
	assert_int_equal(nvbar_bar_user_release(access), 0);
	stop();
}

/* Nothing fails for want of memory to remember looked-up pages in. */
static void data_are_the_same_without_host_memory(void **state)
{
	struct nvbar_access *access;
	unsigned int nth;

	(void)state;
	for (nth = 1; nth <= 3; nth++) {
		start(&ordinary_memory);
		access = map(2);
		compat_alloc_fail_nth(nth, true);
		use_much(access);
		assert_true(compat_alloc_failed() > 0);
		compat_alloc_fail_nth(0, false);
		use_much(access);
		assert_int_equal(nvbar_bar_user_release(access), 0);
		assert_int_equal(atomic64_read(&gpu.direct.bytes), 0);
		stop();
	}
}

/*
 * The first small blocks look no page up, and their sum is the mapping: it gets
 * a window first.
 */
static void a_window_serves_pages_that_were_not_looked_up(void **state)
{
	u8 block[SZ_2K], back[sizeof(block)];
	struct nvbar_access *access;
	unsigned int i;

	(void)state;
	start(&ordinary_memory);
	access = map(2);
	memset(block, 0xff, sizeof(block));
	for (i = 0; i < 5; i++)
		assert_int_equal(nvbar_access_copy_to(access, i % 4 * SZ_2K, block,
						      sizeof(block)), 0);
	assert_non_null(access->window);
	assert_null(access->direct);
	nr_slow = 0;
	assert_int_equal(nvbar_access_copy_from(access, SZ_2K, back, sizeof(back)), 0);
	assert_memory_equal(back, block, sizeof(block));
	assert_int_equal(nr_slow, 0);
	assert_int_equal(nvbar_bar_user_release(access), 0);

	/* The first chunk of pages was looked up, the second was not. */
	access = map(2 * NVBAR_DIRECT_CHUNK);
	assert_int_equal(nvbar_access_copy_to(access, 0, block, sizeof(block)), 0);
	for (i = 0; i < access->size / sizeof(block) + MANY; i++)
		assert_int_equal(nvbar_access_copy_from(access, 0, back, sizeof(back)), 0);
	assert_non_null(access->window);
	assert_non_null(access->direct[0]);
	assert_null(access->direct[1]);
	nr_slow = 0;
	assert_int_equal(nvbar_access_copy_to(access, NVBAR_DIRECT_CHUNK * SZ_4K, block,
					      sizeof(block)), 0);
	assert_int_equal(nvbar_access_copy_from(access, NVBAR_DIRECT_CHUNK * SZ_4K, back,
						sizeof(back)), 0);
	assert_memory_equal(back, block, sizeof(block));
	assert_int_equal(nr_slow, 0);
	assert_int_equal(nvbar_bar_user_release(access), 0);
	stop();
}

/* Somebody who holds the address space for long keeps no one from the data. */
static void accesses_do_not_wait_for_the_address_space(void **state)
{
	struct nvbar_access *access;

	(void)state;
	start(&ordinary_memory);
	access = map(2);
	mutex_lock(&gpu.vmm.lock);
	use_much(access);
	assert_null(access->direct);
	assert_null(access->window);
	mutex_unlock(&gpu.vmm.lock);
	assert_int_equal(nvbar_bar_user_release(access), 0);
	stop();
}

static void a_pointer_that_cannot_be_had_says_why(void **state)
{
	void *cpu = &cpu;
	struct nvbar_access *access;

	(void)state;
	start(&ordinary_memory);
	access = map(2);
	mmap_result = -EFAULT;	/* a page does not translate */
	assert_int_equal(nvbar_access_mmap(access, &cpu), -EIO);
	mmap_result = -ENOMEM;
	assert_int_equal(nvbar_access_mmap(access, &cpu), -ENOMEM);
	assert_ptr_equal(cpu, &cpu);
	mmap_result = 0;
	assert_int_equal(nvbar_access_mmap(access, &cpu), 0);
	assert_int_equal(nvbar_access_wr(access, 0x10, 4, 0x12345678), 0);
	assert_int_equal(*((u32 *)cpu + 4), 0x12345678);
	assert_int_equal(nvbar_bar_user_release(access), 0);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_aperture_that_is_no_memory_is_reached_by_the_bus),
		cmocka_unit_test(blocks_in_device_memory_are_copied_by_the_backend),
		cmocka_unit_test(ordinary_memory_is_used_directly),
		cmocka_unit_test(data_are_the_same_without_host_memory),
		cmocka_unit_test(a_window_serves_pages_that_were_not_looked_up),
		cmocka_unit_test(accesses_do_not_wait_for_the_address_space),
		cmocka_unit_test(a_pointer_that_cannot_be_had_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
