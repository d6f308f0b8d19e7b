/* SPDX-License-Identifier: MIT */
#include "helper.h"
#include "../random.h"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#define PAGES_TURING	(1u << 12 | 1u << 16 | 1u << 21)
#define PAGES_AMPERE	(PAGES_TURING | 1u << 29)
#define PAGES_BLACKWELL	(PAGES_AMPERE | 1ull << 38)

/* From the manuals: identity of revision A1, leaf sizes, MMU engine id of BAR1 */
const struct chip chips[NR_CHIPS] = {
	{ "tu102", 2, 0x162000a1, 0x162a1000, PAGES_TURING, 128, true },
	{ "ga100", 2, 0x170000a1, 0x170a1000, PAGES_AMPERE, 128, false },
	{ "ga102", 2, 0xb72000a1, 0x172a1000, PAGES_AMPERE, 128, true },
	{ "ad102", 2, 0x192000a1, 0x192a1000, PAGES_AMPERE, 128, true },
	{ "gh100", 3, 0x180000a1, 0x180a1000, PAGES_AMPERE, 256, true },
	{ "gb100", 3, 0x1a0000a1, 0x1a0a1000, PAGES_BLACKWELL, 256, true },
	{ "gb202", 3, 0x1b2000a1, 0x1b2a1000, PAGES_BLACKWELL, 256, true },
};

bool sparse_background, strays_expected;

struct nvbar *gpu_open(const char *device)
{
	struct nvbar *gpu = NULL;

	assert_ok(nvbar_open(&gpu, device, NULL));
	assert_non_null(gpu);
	return gpu;
}

void log_line(void *arg, int level, const char *line)
{
	struct log_lines *lines = arg;

	(void)level;
	lines->nr++;
	snprintf(lines->last, sizeof(lines->last), "%s", line);
}

int open_logged(struct nvbar **gpu, const char *device, uint32_t flags, struct log_lines *lines)
{
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts), .flags = flags, .log = log_line, .log_arg = lines,
	};

	*lines = (struct log_lines){ 0 };
	return nvbar_open(gpu, device, &opts);
}

static void print_problem(void *arg, const char *line)
{
	(void)arg;
	print_error("check: %s\n", line);
}

void gpu_check(struct nvbar *gpu)
{
	struct nvbar_check_report report = { .size = sizeof(report), .problem = print_problem };

	assert_ok(nvbar_check(gpu, &report));
	assert_int_equal(report.problems, 0);
}

void gpu_close(struct nvbar *gpu)
{
	if (gpu_info(gpu).bar1_size)
		gpu_check(gpu);
	assert_int_equal(gpu_stats(gpu).model_driver_errors, 0);
	nvbar_close(gpu);
}

void on_every_chip(const char *options, void (*test)(struct nvbar *gpu))
{
	char device[128];
	struct nvbar *gpu;
	size_t i;

	for (i = 0; i < NR_CHIPS; i++) {
		snprintf(device, sizeof(device), "sim:%s%s", chips[i].name, options);
		gpu = gpu_open(device);
		test(gpu);
		gpu_close(gpu);
	}
}

struct nvbar_info gpu_info(struct nvbar *gpu)
{
	struct nvbar_info info = { .size = sizeof(info) };

	assert_ok(nvbar_get_info(gpu, &info));
	return info;
}

const struct chip *gpu_chip(struct nvbar *gpu)
{
	struct nvbar_info info = gpu_info(gpu);
	size_t i;

	for (i = 0; i < NR_CHIPS; i++)
		if (chips[i].boot42 == info.boot42)
			return &chips[i];
	fail_msg("no chip has PMC_BOOT_42 0x%x", info.boot42);
	return NULL;
}

struct nvbar_stats gpu_stats(struct nvbar *gpu)
{
	struct nvbar_stats stats = { .size = sizeof(stats) };

	assert_ok(nvbar_get_stats(gpu, &stats));
	return stats;
}

void assert_same_space(const struct nvbar_stats *before, const struct nvbar_stats *after)
{
	assert_int_equal(after->mappings, before->mappings);
	assert_int_equal(after->mapped_bytes, before->mapped_bytes);
	assert_int_equal(after->va_total, before->va_total);
	assert_int_equal(after->va_free, before->va_free);
	assert_int_equal(after->va_largest_free, before->va_largest_free);
	assert_int_equal(after->vram_total, before->vram_total);
	assert_int_equal(after->vram_free, before->vram_free);
	assert_int_equal(after->vram_largest_free, before->vram_largest_free);
}

void assert_same_state(const struct nvbar_stats *before, const struct nvbar_stats *after)
{
	assert_same_space(before, after);
	assert_int_equal(after->page_table_bytes, before->page_table_bytes);
	assert_int_equal(after->host_bytes, before->host_bytes);
	assert_int_equal(after->model_driver_errors, before->model_driver_errors);
}

struct sum {
	uint64_t end;
	uint64_t held;
	bool ordered;
};

static int add_up(const struct nvbar_mapping_info *info, void *arg)
{
	struct sum *sum = arg;

	if (!info->len || info->va < sum->end)
		sum->ordered = false;
	sum->end = info->va + info->len;
	sum->held += info->len;
	return 0;
}

void assert_maps_sum_to_the_aperture(struct nvbar *gpu)
{
	struct nvbar_stats stats = gpu_stats(gpu);
	struct sum sum = { .ordered = true };

	assert_ok(nvbar_for_each_mapping(gpu, add_up, &sum));
	assert_true(sum.ordered);
	assert_true(sum.end <= stats.va_total);
	assert_int_equal(sum.held + stats.va_free, stats.va_total);
	assert_int_equal(stats.va_total, gpu_info(gpu).bar1_size);
	assert_true(stats.va_largest_free <= stats.va_free);
	assert_int_equal(!stats.va_largest_free, !stats.va_free);
}

struct nvbar_access *map_at(struct nvbar *gpu, uint64_t pa, uint64_t len, uint32_t flags)
{
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = flags | NVBAR_MAP_PRIVATE,
	};
	const struct nvbar_extent ext = { pa, len };
	struct nvbar_access *a = NULL;

	assert_ok(nvbar_map(gpu, &ext, 1, &opts, &a));
	assert_non_null(a);
	assert_int_equal(nvbar_access_size(a), len);
	return a;
}

struct nvbar_access *map_fixed(struct nvbar *gpu, uint64_t va, uint64_t pa, uint64_t len)
{
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_FIXED | NVBAR_MAP_PRIVATE, .va = va,
	};
	const struct nvbar_extent ext = { pa, len };
	struct nvbar_access *a = NULL;

	assert_ok(nvbar_map(gpu, &ext, 1, &opts, &a));
	assert_int_equal(nvbar_access_base(a), va);
	assert_int_equal(nvbar_access_size(a), len);
	return a;
}

struct nvbar_walk walk_at(struct nvbar *gpu, uint64_t va)
{
	struct nvbar_walk walk = { .size = sizeof(walk) };

	assert_ok(nvbar_walk(gpu, va, &walk));
	assert_int_equal(walk.va, va);
	return walk;
}

uint64_t pramin_rd64(struct nvbar *gpu, uint64_t pa)
{
	uint64_t val = 0;

	assert_ok(nvbar_pramin_read(gpu, pa, &val, sizeof(val)));
	return val;
}

void pramin_wr64(struct nvbar *gpu, uint64_t pa, uint64_t val)
{
	assert_ok(nvbar_pramin_write(gpu, pa, &val, sizeof(val)));
}

uint64_t bar1_rd64(struct nvbar_access *a, uint64_t off)
{
	uint64_t val = 0;

	assert_ok(nvbar_read64(a, off, &val));
	return val;
}

/* --- signals --- */

static sigjmp_buf faulted;

static void on_fault(int sig)
{
	siglongjmp(faulted, sig);
}

bool touch_faults(volatile uint8_t *byte, bool write)
{
	struct sigaction action = { .sa_handler = on_fault }, segv, bus;
	volatile bool faults = true;

	sigemptyset(&action.sa_mask);
	sigaction(SIGSEGV, &action, &segv);
	sigaction(SIGBUS, &action, &bus);
	if (!sigsetjmp(faulted, 1)) {
		uint8_t val = *byte;

		if (write)
			*byte = val;
		faults = false;
	}
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return faults;
}

/* --- random numbers --- */

void rng_start(const char *test)
{
	random_start(test);
}

uint64_t rng_next(uint64_t *state)
{
	return random_next(state);
}

uint64_t rng_u64(void)
{
	return random_u64();
}

uint64_t rng_below(uint64_t limit)
{
	return rng_u64() % limit;
}

void rng_fill(void *buf, size_t len)
{
	uint8_t *to = buf;
	uint64_t word;
	size_t step;

	for (; len; to += step, len -= step) {
		word = rng_u64();
		step = len < sizeof(word) ? len : sizeof(word);
		memcpy(to, &word, step);
	}
}

/* --- files --- */

char test_dir[256];

int dir_make(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(test_dir, sizeof(test_dir), "%s/nvbar-test-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(test_dir));
	return 0;
}

int dir_remove(void **state)
{
	char path[512];
	struct dirent *entry;
	DIR *list = opendir(test_dir);

	(void)state;
	assert_non_null(list);
	while ((entry = readdir(list))) {
		snprintf(path, sizeof(path), "%s/%s", test_dir, entry->d_name);
		remove(path);
	}
	closedir(list);
	assert_ok(rmdir(test_dir));
	return 0;
}

const char *test_path(const char *name)
{
	static char text[512];

	snprintf(text, sizeof(text), "%s/%s", test_dir, name);
	return text;
}

const char *test_device(const char *chip, const char *vram, const char *name)
{
	static char text[512];

	snprintf(text, sizeof(text), "sim:%s,vram=%s,bar1=64M,file=%s/%s", chip, vram, test_dir, name);
	return text;
}
