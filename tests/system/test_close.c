/* SPDX-License-Identifier: MIT */
/* Closing a GPU that other threads are working on. */
#include "helper.h"

#include <pthread.h>
#include <time.h>

#define NR_THREADS	8
#define A		MIB(64)

/**
 * struct worker - a thread that goes on until it is told that the GPU is gone
 * @gpu: everybody's
 * @a: a mapping of its own, left open
 * @vram: an allocation of its own, left open
 * @seed: of its random numbers
 * @calls: made
 * @unexpected: a result that was neither success nor -ENODEV
 */
struct worker {
	pthread_t thread;
	struct nvbar *gpu;
	struct nvbar_access *a;
	struct nvbar_vram *vram;
	struct nvbar_prepared *prepared;
	uint64_t seed;
	unsigned long calls;
	int unexpected;
};

static int map_and_unmap(struct worker *w)
{
	const struct nvbar_extent ext = { A + PAGE * (rng_next(&w->seed) % 64), 5 * PAGE };
	struct nvbar_access *a;
	int ret = nvbar_map(w->gpu, &ext, 1, NULL, &a);

	return ret ? ret : nvbar_unmap(a);
}

static int alloc_and_free(struct worker *w)
{
	struct nvbar_vram *vram;
	int ret = nvbar_vram_alloc(w->gpu, KIB(68), NULL, &vram);

	if (!ret)
		nvbar_vram_free(vram);
	return ret;
}

static int see_mapping(const struct nvbar_mapping_info *info, void *arg)
{
	(void)info;
	(void)arg;
	return 0;
}

static int look(struct worker *w)
{
	struct nvbar_check_report report = { .size = sizeof(report) };
	struct nvbar_stats stats = { .size = sizeof(stats) };
	struct nvbar_info info = { .size = sizeof(info) };

	switch (rng_next(&w->seed) % 8) {
	case 0:
		return nvbar_check(w->gpu, &report);
	case 1:
		nvbar_trim(w->gpu);
		return nvbar_get_info(w->gpu, &info);
	case 2:
		return nvbar_for_each_mapping(w->gpu, see_mapping, NULL);
	default:
		return nvbar_get_stats(w->gpu, &stats);
	}
}

static int access_words(struct worker *w)
{
	uint64_t word, off = 8 * (rng_next(&w->seed) % 512);
	int ret = nvbar_write64(w->a, off, off);

	ret = ret ? ret : nvbar_read64(w->a, off, &word);
	return ret ? ret : nvbar_flush(w->a);
}

static int access_blocks(struct worker *w)
{
	static __thread uint8_t block[KIB(64)];
	uint64_t off = rng_next(&w->seed) % KIB(64);
	int ret = nvbar_read(w->a, off, block, sizeof(block));

	ret = ret ? ret : nvbar_write(w->a, off, block, sizeof(block));
	return ret ? ret : nvbar_fill(w->a, off & ~3ull, 7, 4096);
}

static int step(struct worker *w)
{
	switch (rng_next(&w->seed) % 5) {
	case 0:
		return map_and_unmap(w);
	case 1:
		return alloc_and_free(w);
	case 2:
		return look(w);
	case 3:
		return access_words(w);
	default:
		return access_blocks(w);
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;
	int ret;

	do {
		ret = step(w);
		w->calls++;
	} while (!ret);
	if (ret != -ENODEV)
		w->unexpected = ret;
	return NULL;
}

/* All that a thread may still hold and do. */
static void assert_told_so(struct worker *w)
{
	const struct nvbar_extent ext = { A, PAGE };
	struct nvbar_access *a = UNTOUCHED;
	struct nvbar_vram *vram = UNTOUCHED;
	struct nvbar_stats stats = { .size = sizeof(stats) };
	uint32_t word;
	void *p;

	assert_err(nvbar_map(w->gpu, &ext, 1, NULL, &a), ENODEV);
	assert_err(nvbar_vram_alloc(w->gpu, PAGE, NULL, &vram), ENODEV);
	assert_err(nvbar_get_stats(w->gpu, &stats), ENODEV);
	assert_err(nvbar_pramin_read(w->gpu, 0, &word, 4), ENODEV);
	assert_err(nvbar_read32(w->a, 0, &word), ENODEV);
	assert_err(nvbar_write32(w->a, 0, 1), ENODEV);
	assert_err(nvbar_mmap(w->a, &p), ENODEV);
	assert_err(nvbar_map_execute(w->prepared, &ext, 1, &a), ENODEV);
	assert_err(nvbar_unmap(w->a), ENODEV);
	assert_int_equal(nvbar_vram_extents(w->vram, NULL, 0), 0);
	assert_int_equal(nvbar_zero_tables(w->gpu, 1), 0);
	nvbar_trim(w->gpu);
	nvbar_map_cancel(w->prepared);
	nvbar_vram_free(w->vram);
}

static void start(struct worker *w, struct nvbar *gpu, uint64_t pa)
{
	const struct nvbar_extent ext = { pa, KIB(256) };

	*w = (struct worker){ .gpu = gpu, .seed = rng_u64() };
	assert_ok(nvbar_map(gpu, &ext, 1, NULL, &w->a));
	assert_ok(nvbar_map_prepare(gpu, 1, NULL, &w->prepared));
	assert_ok(nvbar_vram_alloc(gpu, PAGE, NULL, &w->vram));
	assert_ok(pthread_create(&w->thread, NULL, work, w));
}

static unsigned long close_while_they_work(const char *chip)
{
	static struct worker worker[NR_THREADS];
	const struct timespec a_while = { .tv_nsec = 1 + (long)rng_below(3000000) };
	unsigned long calls = 0;
	char device[64];
	struct nvbar *gpu;
	size_t i;

	snprintf(device, sizeof(device), "sim:%s,vram=1G,bar1=64M", chip);
	gpu = gpu_open(device);
	for (i = 0; i < NR_THREADS; i++)
		start(&worker[i], gpu, MIB(128) + i * MIB(1));
	nanosleep(&a_while, NULL);
	nvbar_close(gpu);
	for (i = 0; i < NR_THREADS; i++) {
		assert_ok(pthread_join(worker[i].thread, NULL));
		assert_int_equal(worker[i].unexpected, 0);
		assert_told_so(&worker[i]);
		calls += worker[i].calls;
	}
	return calls;
}

static void who_works_on_a_gpu_that_is_closed_is_told_so(void **state)
{
	unsigned long calls = 0;
	unsigned int round;

	(void)state;
	rng_start(__func__);
	for (round = 0; round < 70; round++)
		calls += close_while_they_work(chips[round % NR_CHIPS].name);
	assert_true(calls > 1000);	/* they did work */
}

static int use_another(const struct nvbar_mapping_info *info, void *arg)
{
	struct nvbar_access *a = arg;
	uint32_t word;

	(void)info;
	return nvbar_read32(a, 0, &word);
}

static void a_callback_may_use_another_gpu(void **state)
{
	struct nvbar *gpu = gpu_open("sim"), *other = gpu_open("sim:gh100");
	struct nvbar_access *a = map_at(gpu, A, PAGE, 0), *b = map_at(other, A, PAGE, 0);

	(void)state;
	assert_ok(nvbar_for_each_mapping(gpu, use_another, b));
	assert_ok(nvbar_unmap(b));
	gpu_close(other);
	assert_ok(nvbar_unmap(a));
	gpu_close(gpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_works_on_a_gpu_that_is_closed_is_told_so),
		cmocka_unit_test(a_callback_may_use_another_gpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
