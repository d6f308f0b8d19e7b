/* SPDX-License-Identifier: MIT */
/* Several threads on one GPU, each with pages of its own. */
#include "helper.h"

#include <pthread.h>

#define NR_THREADS	8
#define NR_PAGES	64

/**
 * struct worker - a thread and what is its own
 * @gpu: everybody's
 * @vram: NR_PAGES of its own
 * @seed: of its random numbers
 * @rounds: how often to map
 * @error: the first thing that went wrong, or NULL; asserts belong to the main
 *	thread
 * @done: the thread has no more to do, where somebody waits for that
 * @byte: what its pages hold
 */
struct worker {
	pthread_t thread;
	struct nvbar *gpu;
	struct nvbar_vram *vram;
	uint64_t scatter;	/* VRAM address of pages that only it maps */
	uint64_t seed;
	unsigned int rounds;
	const char *error;
	bool done;
	uint8_t byte[NR_PAGES * PAGE];
};

#define expect(cond) do {				\
	if (!(cond)) {					\
		w->error = #cond;			\
		return;					\
	}						\
} while (0)

static uint64_t below(struct worker *w, uint64_t limit)
{
	return rng_next(&w->seed) % limit;
}

static int see_mapping(const struct nvbar_mapping_info *info, void *arg)
{
	uint64_t *end = arg;

	if (info->va < *end)
		return 1;
	*end = info->va + info->len;
	return 0;
}

static int see_entry(const struct nvbar_entry_info *info, void *arg)
{
	(void)arg;
	return info->raw[0] || info->raw[1] ? 0 : 1;
}

static int see_line(const char *text, void *arg)
{
	(void)arg;
	return text[0] ? 0 : 1;
}

static void look_around(struct worker *w)
{
	struct nvbar_check_report report = { .size = sizeof(report) };
	struct nvbar_stats stats = { .size = sizeof(stats) };
	struct nvbar_fault fault = { .size = sizeof(fault) };
	struct nvbar_info info = { .size = sizeof(info) };
	uint64_t end = 0;

	switch (below(w, 40)) {
	case 0:
		expect(nvbar_check(w->gpu, &report) == 0);
		break;
	case 1:
		expect(nvbar_for_each_entry(w->gpu, see_entry, NULL) == 0);
		break;
	case 2:
		expect(nvbar_snapshot_take(w->gpu, see_line, NULL) == 0);
		break;
	case 3:
		nvbar_trim(w->gpu);
		break;
	case 4:
	case 5:
		expect(nvbar_for_each_mapping(w->gpu, see_mapping, &end) == 0);
		break;
	case 6:
	case 7:
		expect(nvbar_get_fault(w->gpu, &fault) == -ENOENT);
		break;
	case 10:
		nvbar_zero_tables(w->gpu, MIB(1));
		break;
	case 8:
	case 9:
		expect(nvbar_get_info(w->gpu, &info) == 0);
		expect(info.bar1_mode == 1);
		break;
	default:
		expect(nvbar_get_stats(w->gpu, &stats) == 0);
		expect(stats.va_free <= stats.va_total);
		expect(stats.mapped_bytes <= stats.va_total);
		expect(stats.model_driver_errors == 0);
	}
}

/* The part of the worker's pages from @first on, by one of the ways there are. */
static int map_part(struct worker *w, uint64_t first, uint64_t nr, struct nvbar_access **a)
{
	struct nvbar_prepared *prepared;
	struct nvbar_extent whole, ext;
	uint64_t pfn[NR_PAGES], i;
	int ret;

	nvbar_vram_extents(w->vram, &whole, 1);
	ext = (struct nvbar_extent){ whole.pa + first * PAGE, nr * PAGE };
	switch (below(w, 4)) {
	case 0:
		return nvbar_map_vram(w->gpu, w->vram, first * PAGE, nr * PAGE, 0, a);
	case 1:
		return nvbar_map(w->gpu, &ext, 1, NULL, a);
	case 2:
		for (i = 0; i < nr; i++)
			pfn[i] = ext.pa / PAGE + i;
		return nvbar_map_pages(w->gpu, pfn, nr, 0, a);
	default:
		ret = nvbar_map_prepare(w->gpu, nr, NULL, &prepared);
		if (ret)
			return ret;
		if (!below(w, 4)) {
			nvbar_map_cancel(prepared);
			return nvbar_map(w->gpu, &ext, 1, NULL, a);
		}
		return nvbar_map_execute(prepared, &ext, 1, a);
	}
}

static void use(struct worker *w, struct nvbar_access *a, uint8_t *mine)
{
	uint64_t size = nvbar_access_size(a), off = below(w, size), len = below(w, size - off + 1), word;
	struct nvbar_walk walk = { .size = sizeof(walk) };
	uint8_t got[PAGE];
	void *ptr;

	for (word = 0; word < len; word++)
		mine[off + word] = (uint8_t)rng_next(&w->seed);
	expect(nvbar_write(a, off, mine + off, len) == 0);
	off = below(w, size / PAGE) * PAGE;
	expect(nvbar_read(a, off, got, PAGE) == 0);
	expect(!memcmp(got, mine + off, PAGE));

	word = rng_next(&w->seed);
	expect(nvbar_write64(a, off, word) == 0);
	memcpy(mine + off, &word, 8);
	expect(nvbar_flush(a) == 0);
	expect(nvbar_walk(w->gpu, nvbar_access_base(a) + off, &walk) == 0);
	expect(walk.status == NVBAR_WALK_OK);
	expect(nvbar_pramin_read(w->gpu, walk.pa, got, 64) == 0);
	expect(!memcmp(got, mine + off, 64));
	word = ~word;
	expect(nvbar_pramin_write(w->gpu, walk.pa, &word, 8) == 0);
	memcpy(mine + off, &word, 8);
	expect(nvbar_read64(a, off, &word) == 0);
	expect(!memcmp(mine + off, &word, 8));
	expect(nvbar_fill(a, off, 0xab, 8) == 0);
	memcpy(mine + off, "\xab\0\0\0\xab\0\0\0", 8);

	if (!below(w, 4)) {
		expect(nvbar_mmap(a, &ptr) == 0);
		expect(!memcmp(ptr, mine, size));
	}
}

static void alloc_and_free(struct worker *w)
{
	struct nvbar_vram *vram;
	struct nvbar_extent ext;
	uint64_t word;

	expect(nvbar_vram_alloc(w->gpu, (1 + below(w, 40)) * PAGE, NULL, &vram) == 0);
	nvbar_vram_extents(vram, &ext, 1);
	expect(nvbar_pramin_read(w->gpu, ext.pa + ext.len - 8, &word, 8) == 0);
	expect(word == 0);
	word = 1;
	expect(nvbar_pramin_write(w->gpu, ext.pa + ext.len - 8, &word, 8) == 0);
	nvbar_vram_free(vram);
}

/*
 * Scattered pages enough to fill tables of their own, which are computed
 * without a lock while others look around.
 */
static void fill_tables(struct worker *w)
{
	static const size_t nr = 1300;
	uint64_t pfn[1300], word = rng_next(&w->seed) | 1, got;
	struct nvbar_access *a;
	size_t i, at = below(w, nr);

	for (i = 0; i < nr; i++)
		pfn[i] = w->scatter / PAGE + 2 * i;
	expect(nvbar_map_pages(w->gpu, pfn, nr, NVBAR_MAP_PRIVATE, &a) == 0);
	expect(nvbar_write64(a, at * PAGE, word) == 0);
	expect(nvbar_flush(a) == 0);
	expect(nvbar_pramin_read(w->gpu, pfn[at] * PAGE, &got, 8) == 0);
	expect(got == word);
	expect(nvbar_unmap(a) == 0);
}

static void work(struct worker *w)
{
	struct nvbar_access *a, *b;
	unsigned int i;

	for (i = 0; i < w->rounds && !w->error; i++) {
		uint64_t first = below(w, NR_PAGES), nr = 1 + below(w, NR_PAGES - first);

		expect(map_part(w, first, nr, &a) == 0);
		expect(map_part(w, 0, NR_PAGES, &b) == 0);
		use(w, a, w->byte + first * PAGE);
		if (!w->error)
			use(w, b, w->byte);
		expect(nvbar_unmap(a) == 0);
		expect(nvbar_unmap(b) == 0);
		if (!w->error)
			look_around(w);
		if (!w->error && !below(w, 8))
			alloc_and_free(w);
		if (!w->error && !below(w, 4))
			fill_tables(w);
	}
}

static void *work_thread(void *arg)
{
	work(arg);
	return NULL;
}

static void threads_on(const char *chip, unsigned int rounds)
{
	static struct worker worker[NR_THREADS];
	const struct nvbar_vram_opts opts = { .size = sizeof(opts), .flags = NVBAR_VRAM_CONTIGUOUS };
	struct nvbar_stats before, after;
	char device[64];
	struct nvbar *gpu;
	size_t i;

	snprintf(device, sizeof(device), "sim:%s,bar1=64M", chip);
	gpu = gpu_open(device);
	before = gpu_stats(gpu);
	for (i = 0; i < NR_THREADS; i++) {
		worker[i] = (struct worker){
			.gpu = gpu, .seed = rng_u64(), .rounds = rounds,
			.scatter = GIB(2) + i * MIB(16),
		};
		assert_ok(nvbar_vram_alloc(gpu, NR_PAGES * PAGE, &opts, &worker[i].vram));
	}
	for (i = 0; i < NR_THREADS; i++)
		assert_ok(pthread_create(&worker[i].thread, NULL, work_thread, &worker[i]));
	for (i = 0; i < NR_THREADS; i++)
		assert_ok(pthread_join(worker[i].thread, NULL));
	for (i = 0; i < NR_THREADS; i++) {
		if (worker[i].error)
			print_error("thread %zu on %s: %s\n", i, chip, worker[i].error);
		assert_null(worker[i].error);
		nvbar_vram_free(worker[i].vram);
	}
	nvbar_trim(gpu);
	after = gpu_stats(gpu);
	assert_same_state(&before, &after);
	assert_int_equal(after.maps, after.unmaps);
	gpu_close(gpu);
}

static void threads_with_pages_of_their_own_do_not_disturb_each_other(void **state)
{
	const char *rounds = getenv("NVBAR_ROUNDS");
	size_t i;

	(void)state;
	rng_start(__func__);
	for (i = 0; i < NR_CHIPS; i++)
		threads_on(chips[i].name, rounds ? (unsigned int)strtoul(rounds, NULL, 0) : 100);
}

/* Each on a GPU of its own */
static void *open_and_close(void *arg)
{
	struct worker *w = arg;
	struct nvbar *gpu;

	if (nvbar_open(&gpu, "sim:gh100", NULL)) {
		w->error = "open";
		return NULL;
	}
	w->gpu = gpu;
	if (nvbar_vram_alloc(gpu, NR_PAGES * PAGE, NULL, &w->vram))
		w->error = "alloc";
	else
		work(w);
	nvbar_close(gpu);
	return NULL;
}

static void threads_with_gpus_of_their_own_do_not_meet(void **state)
{
	static struct worker worker[NR_THREADS];
	size_t i;

	(void)state;
	rng_start(__func__);
	for (i = 0; i < NR_THREADS; i++) {
		worker[i] = (struct worker){
			.seed = rng_u64(), .rounds = 30, .scatter = GIB(2),
		};
		assert_ok(pthread_create(&worker[i].thread, NULL, open_and_close, &worker[i]));
	}
	for (i = 0; i < NR_THREADS; i++) {
		assert_ok(pthread_join(worker[i].thread, NULL));
		if (worker[i].error)
			print_error("thread %zu: %s\n", i, worker[i].error);
		assert_null(worker[i].error);
	}
}

/* Who shares a page of a mapping, over and over, while another page of it faults */
#define SHARED_PAGE	300

static void share_and_flush(struct worker *w)
{
	const uint64_t pfn = MIB(64) / PAGE + SHARED_PAGE;
	struct nvbar_access *a;
	unsigned int i;

	for (i = 0; i < w->rounds; i++) {
		expect(nvbar_map_pages(w->gpu, &pfn, 1, 0, &a) == 0);
		expect(nvbar_access_base(a) % MIB(2) == SHARED_PAGE * PAGE);
		expect(nvbar_flush(a) == 0);
		expect(nvbar_unmap(a) == 0);
	}
}

static void *share_thread(void *arg)
{
	struct worker *w = arg;

	share_and_flush(w);
	__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* One fault at a time, each told of before the next: none hides another. */
static void a_fault_is_not_blamed_on_who_begins_to_share_the_mapping(void **state)
{
	const struct nvbar_extent ext = { MIB(64), MIB(2) };
	struct nvbar_fault fault = { .size = sizeof(fault) };
	static struct worker worker;
	struct nvbar_access *whole;
	struct nvbar *gpu;

	(void)state;
	gpu = gpu_open("sim:ga102,vram=1G,poison=0x4000000:0x1000");
	assert_ok(nvbar_map(gpu, &ext, 1, NULL, &whole));
	worker = (struct worker){ .gpu = gpu, .rounds = 2000 };
	assert_ok(pthread_create(&worker.thread, NULL, share_thread, &worker));
	while (!__atomic_load_n(&worker.done, __ATOMIC_ACQUIRE)) {
		assert_ok(nvbar_write32(whole, 0, 1));
		assert_ok(nvbar_get_fault(gpu, &fault));
		assert_int_equal(fault.va, nvbar_access_base(whole));
	}
	assert_ok(pthread_join(worker.thread, NULL));
	if (worker.error)
		print_error("the thread that shares: %s\n", worker.error);
	assert_null(worker.error);
	assert_err(nvbar_flush(whole), EIO);
	nvbar_close(gpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_with_pages_of_their_own_do_not_disturb_each_other),
		cmocka_unit_test(threads_with_gpus_of_their_own_do_not_meet),
		cmocka_unit_test(a_fault_is_not_blamed_on_who_begins_to_share_the_mapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
