/* SPDX-License-Identifier: MIT */
/* Device strings, option structs, identity, observing, and what is logged. */
#include "helper.h"

#define A	MIB(8)

/* --- strings --- */

static const struct {
	const char *device;
	const char *chip;
	uint64_t vram, bar1;
} good[] = {
	{ "sim", "GA102", GIB(8), MIB(256) },
	{ "sim:tu102", "TU102", GIB(8), MIB(256) },
	{ "sim:ga100", "GA100", GIB(8), MIB(256) },
	{ "sim:ga102", "GA102", GIB(8), MIB(256) },
	{ "sim:ad102", "AD102", GIB(8), MIB(256) },
	{ "sim:gh100", "GH100", GIB(8), MIB(256) },
	{ "sim:gb100", "GB100", GIB(8), MIB(256) },
	{ "sim:gb202", "GB202", GIB(8), MIB(256) },
	{ "sim,vram=1G", "GA102", GIB(1), MIB(256) },
	{ "sim,bar1=64M", "GA102", GIB(8), MIB(64) },
	{ "sim:gh100,bar1=1G,vram=80G", "GH100", GIB(80), GIB(1) },
	{ "sim:tu102,vram=11G", "TU102", GIB(11), MIB(256) },
	{ "sim:ga100,vram=40G,bar1=4G", "GA100", GIB(40), GIB(4) },
	{ "sim,vram=0x40000000", "GA102", GIB(1), MIB(256) },
	{ "sim,vram=0X40000000", "GA102", GIB(1), MIB(256) },
	{ "sim,vram=1073741824", "GA102", GIB(1), MIB(256) },
	{ "sim,vram=1048576K", "GA102", GIB(1), MIB(256) },
	{ "sim,vram=0x10G", "GA102", GIB(16), MIB(256) },
	{ "sim:gb202,vram=512G", "GB202", GIB(512), MIB(256) },
	/* Nothing stays in the TLB; anything */
	{ "sim:gh100,evict=1,seed=0x1234567890abcdef", "GH100", GIB(8), MIB(256) },
	{ "sim:gh100,evict=0,seed=0", "GH100", GIB(8), MIB(256) },
	{ "sim,bar1=0", "GA102", GIB(8), 0 },
};

static void every_good_device_string_opens_what_it_says(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(good); i++) {
		struct nvbar *gpu = gpu_open(good[i].device);
		struct nvbar_info info = gpu_info(gpu);

		assert_string_equal(info.chip, good[i].chip);
		assert_int_equal(info.vram_size, good[i].vram);
		assert_int_equal(info.bar1_size, good[i].bar1);
		gpu_close(gpu);
	}
}

static void refuses(const char *device, int err)
{
	struct nvbar *gpu = UNTOUCHED;
	int ret = nvbar_open(&gpu, device, NULL);

	if (ret != -err)
		print_error("\"%s\": %d, not %d\n", device, ret, -err);
	assert_err(ret, err);
	assert_ptr_equal(gpu, UNTOUCHED);
}

static void malformed_device_strings_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "foo", "simx", "sim ", " sim", "si", "sim;ga102", "ga102", ":ga102", ",vram=8G", "=",
		/* chips */
		"sim:", "sim:ga103", "sim:ga102x", "sim:ga10", "sim: ga102", "sim:ga102:", "sim:ga102:tu102",
		"sim:vram=8G", "sim::", "sim:%s%s%s%n",
		/* keys */
		"sim,", "sim,,", "sim:ga102,", "sim,vram", "sim,=", "sim,=8G", "sim,VRAM=8G", "sim,colour=red",
		"sim,vram=8G,", "sim,,vram=8G", "sim,vram=8G,,bar1=64M", "sim,vram =8G", "sim, vram=8G",
		"sim,vramm=8G", "sim,vra=8G", "sim,file=", "sim,file",
		/* sizes */
		"sim,vram=", "sim,vram==8G", "sim,vram=G", "sim,vram=8Q", "sim,vram=8GBB", "sim,vram=8GG",
		"sim,vram=8 G", "sim,vram= 8G", "sim,vram=8G ", "sim,vram=-8G", "sim,vram=+8G",
		"sim,vram=1.5G", "sim,vram=1e9", "sim,vram=0x", "sim,vram=0xG", "sim,vram=x10", "sim,vram=0",
		"sim,vram=0x0", "sim,vram=0G", "sim,vram=08G", "sim,vram=0536870912", "sim,vram=5__36870912", "sim,bar1=", "sim,bar1=-0", "sim,bar1=M",
		/* sizes beyond 64 bits, and those that would wrap around to a good one */
		"sim,vram=18446744073709551616", "sim,vram=99999999999999999999999",
		"sim,vram=0x10000000000000000", "sim,vram=0x10000000040000000",
		"sim,vram=16777216T", "sim,vram=17179869185G", "sim,vram=17592186045440M",
		"sim,vram=18014398510530560K", "sim,bar1=0x10000000010000000",
		/* sizes of no GPU */
		"sim,vram=1", "sim,vram=1000M1", "sim,vram=1000000", "sim,vram=513G", "sim,vram=1T",
		"sim,vram=0xffffffffffffffff", "sim,bar1=1", "sim,bar1=32M", "sim,bar1=96M",
		"sim,bar1=300M", "sim,bar1=1T", "sim,bar1=0xffffffffffffffff", "sim,bar1=4K",
	};
	char longest[10000];
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(bad); i++)
		refuses(bad[i], EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	refuses(longest, EINVAL);
	memcpy(longest, "sim:", 4);
	refuses(longest, EINVAL);
	memcpy(longest, "sim,", 4);
	refuses(longest, EINVAL);
}

/* The size is well formed, but a driver cannot live in it; the tables are not at fault. */
static void vram_too_small_for_the_driver_is_refused(void **state)
{
	(void)state;
	refuses("sim,vram=2M", ENOSPC);
	refuses("sim,vram=1M", ENOSPC);
}

static int see_rest(const struct nvbar_mapping_info *info, void *arg)
{
	*(struct nvbar_mapping_info *)arg = *info;
	return 7;
}

/* Four times VRAM of it are used: the rest is nobody's. */
static void much_more_bar1(struct nvbar *gpu)
{
	const struct nvbar_map_opts beyond = {
		.size = sizeof(beyond), .flags = NVBAR_MAP_FIXED, .va = GIB(4),
	};
	const struct nvbar_extent ext = { A, PAGE };
	struct nvbar_info info = gpu_info(gpu);
	struct nvbar_stats stats = gpu_stats(gpu);
	struct nvbar_mapping_info rest;
	struct nvbar_access *a;

	assert_int_equal(info.bar1_size, GIB(512));
	assert_int_equal(stats.va_free, GIB(4));
	assert_int_equal(stats.va_largest_free, GIB(4));
	assert_true(info.reserved_len < GIB(1) / 100);
	assert_maps_sum_to_the_aperture(gpu);
	assert_int_equal(nvbar_for_each_mapping(gpu, see_rest, &rest), 7);
	assert_string_equal(rest.state, "unused");
	assert_int_equal(rest.va, GIB(4));
	assert_int_equal(rest.len, GIB(508));
	assert_int_equal(rest.holders, 0);

	a = map_fixed(gpu, GIB(4) - PAGE, A, PAGE);
	assert_ok(nvbar_write32(a, 0, 5));
	assert_maps_sum_to_the_aperture(gpu);
	assert_err(nvbar_map(gpu, &ext, 1, &beyond, &a), ERANGE);
	assert_int_equal(walk_at(gpu, GIB(4)).status, NVBAR_WALK_INVALID);
	assert_int_equal(walk_at(gpu, GIB(511)).status, NVBAR_WALK_INVALID);
	assert_err(nvbar_map_prepare(gpu, GIB(4) / PAGE + 1, NULL, UNTOUCHED), ENOSPC);
}

static void a_bar1_much_larger_than_vram_is_used_in_part(void **state)
{
	const struct nvbar_open_opts opts = { .size = sizeof(opts), .flags = NVBAR_OPEN_STATIC };
	struct nvbar *gpu;

	(void)state;
	on_every_chip(",vram=1G,bar1=512G", much_more_bar1);
	gpu = gpu_open("sim,vram=32M,bar1=64G");
	assert_int_equal(gpu_stats(gpu).va_free, MIB(128));
	gpu_close(gpu);
	/* All of it is when it is four times as large. */
	gpu = gpu_open("sim,vram=64M,bar1=256M");
	assert_int_equal(gpu_stats(gpu).va_free, MIB(256));
	gpu_close(gpu);
	assert_ok(nvbar_open(&gpu, "sim,vram=1G,bar1=64G", &opts));
	gpu_close(gpu);
	gpu = gpu_open("sim:gb100,vram=1G,bar1=512G,background=sparse");
	assert_int_equal(walk_at(gpu, GIB(4)).status, NVBAR_WALK_SPARSE);
	assert_int_equal(walk_at(gpu, GIB(511)).status, NVBAR_WALK_SPARSE);
	gpu_close(gpu);
}

static void devices_that_this_machine_does_not_have_are_refused(void **state)
{
	(void)state;
	assert_int_equal(setenv("NVBAR_SYSFS", "/nowhere", 1), 0);
	refuses("pci:0000:41:00.0", ENOENT);
	refuses("pci:0000:41:00.8", EINVAL);
	refuses("vfio:0000:41:00.0", ENOENT);
	refuses("vfio:0000:41:00.0,reset", ENOENT);
	refuses("vfio:0000:41:00.0,resets", EINVAL);
	unsetenv("NVBAR_SYSFS");
}

static void a_socket_that_is_not_there_is_refused(void **state)
{
	char longest[256];

	(void)state;
	refuses("vfio-user", EINVAL);
	refuses("vfio-user:", EINVAL);
	refuses("vfio-user,", EINVAL);
	refuses("vfio-user:/dev/null/s", ENODEV);
	refuses("vfio-user:/dev/null", ENODEV);
	refuses("vfio-user:/dev/none", ENOENT);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "vfio-user:", 10);
	longest[10 + 108] = '\0';
	refuses(longest, EINVAL);
	longest[10 + 107] = '\0';
	refuses(longest, ENOENT);
}

static void opens_chip(const char *device, const char *chip)
{
	struct nvbar *gpu = gpu_open(device);

	assert_string_equal(gpu_info(gpu).chip, chip);
	gpu_close(gpu);
}

static void without_a_string_the_environment_names_the_device(void **state)
{
	struct nvbar *gpu = UNTOUCHED;

	(void)state;
	assert_ok(setenv("NVBAR_DEVICE", "sim:gh100", 1));
	opens_chip(NULL, "GH100");
	opens_chip("sim:tu102", "TU102");
	assert_ok(setenv("NVBAR_DEVICE", "nonsense", 1));
	assert_err(nvbar_open(&gpu, NULL, NULL), EINVAL);
	assert_ptr_equal(gpu, UNTOUCHED);
	assert_ok(unsetenv("NVBAR_DEVICE"));
	opens_chip(NULL, "GA102");
}

/* --- option structs --- */

/* A later header's struct: more fields behind what is known. */
#define LATER(type) struct { struct type known; uint64_t more[2]; }

static void option_structs_of_other_versions(void **state)
{
	LATER(nvbar_open_opts) open = { .known.size = sizeof(open) };
	LATER(nvbar_vram_opts) vram = { .known.size = sizeof(vram) };
	LATER(nvbar_map_opts) map = { .known.size = sizeof(map) };
	const struct nvbar_extent ext = { A, PAGE };
	struct nvbar_prepared *prepared;
	struct nvbar_access *a;
	struct nvbar_vram *v;
	struct nvbar *gpu;
	size_t only = sizeof(size_t), i;

	(void)state;
	/* Zero is the default, known or not. */
	assert_ok(nvbar_open(&gpu, "sim", &open.known));
	assert_ok(nvbar_vram_alloc(gpu, PAGE, &vram.known, &v));
	assert_ok(nvbar_map(gpu, &ext, 1, &map.known, &a));
	assert_ok(nvbar_map_prepare(gpu, 1, &map.known, &prepared));
	nvbar_map_cancel(prepared);

	/* An option that is not known cannot be honoured. */
	vram.more[1] = map.more[1] = 1ull << 56;
	v = UNTOUCHED;
	a = UNTOUCHED;
	prepared = UNTOUCHED;
	assert_err(nvbar_vram_alloc(gpu, PAGE, &vram.known, &v), EINVAL);
	assert_err(nvbar_map(gpu, &ext, 1, &map.known, &a), EINVAL);
	assert_err(nvbar_map_prepare(gpu, 1, &map.known, &prepared), EINVAL);

	/* A struct must hold its size, and no field in part, as half of the label's address ... */
	map.known.label = "label";
	for (i = 0; i < sizeof(map.known); i += i % 8 == 7 ? 2 : 1) {
		vram.known.size = map.known.size = i;
		assert_err(nvbar_vram_alloc(gpu, PAGE, &vram.known, &v), EINVAL);
		assert_err(nvbar_map(gpu, &ext, 1, &map.known, &a), EINVAL);
		assert_err(nvbar_map_prepare(gpu, 1, &map.known, &prepared), EINVAL);
	}
	assert_ptr_equal(v, UNTOUCHED);
	assert_ptr_equal(a, UNTOUCHED);
	assert_ptr_equal(prepared, UNTOUCHED);

	/* ... and an old one may hold nothing else. */
	assert_ok(nvbar_vram_alloc(gpu, PAGE, (void *)&only, &v));
	assert_ok(nvbar_map(gpu, &ext, 1, (void *)&only, &a));
	assert_ok(nvbar_map_prepare(gpu, 1, (void *)&only, &prepared));
	gpu_close(gpu);

	gpu = UNTOUCHED;
	open.more[0] = 1;
	assert_err(nvbar_open(&gpu, "sim", &open.known), EINVAL);
	open.known.size = 0;
	assert_err(nvbar_open(&gpu, "sim", &open.known), EINVAL);
	open.known.size = sizeof(open.known);
	open.known.flags = 1u << 31;
	assert_err(nvbar_open(&gpu, "sim", &open.known), EINVAL);
	assert_ptr_equal(gpu, UNTOUCHED);
}

/* --- identity --- */

static void identity(struct nvbar *gpu)
{
	struct nvbar_info info = gpu_info(gpu);
	const struct chip *chip = gpu_chip(gpu);
	char device[32];
	size_t i;

	snprintf(device, sizeof(device), "sim:%s", chip->name);
	assert_string_equal(info.device, device);
	for (i = 0; chip->name[i]; i++)
		assert_int_equal(info.chip[i] | 0x20, chip->name[i] | 0x20);
	assert_int_equal(info.chip[i], '\0');
	assert_int_equal(info.boot0, chip->boot0);
	assert_int_equal(info.boot42, chip->boot42);
	assert_int_equal(info.mmu_version, chip->mmu_version);
	assert_int_equal(info.page_sizes, chip->page_sizes);
	assert_int_equal(info.vram_size, GIB(8));
	assert_int_equal(info.bar1_size, MIB(256));
	assert_int_equal(info.size, sizeof(info));

	/* 1 MiB of display workspace and, but for GA100, 1 MiB of FRTS below it */
	assert_true(info.reserved_pa + info.reserved_len <= GIB(8) - MIB(chip->frts ? 2 : 1));
	assert_true(info.reserved_pa + info.reserved_len > GIB(8) - MIB(4));
	assert_int_equal(info.reserved_pa % PAGE, 0);
	assert_int_equal(info.reserved_len % PAGE, 0);
	/* An instance block, a root, and a 4 KiB table for each 2 MiB of aperture */
	assert_true(info.reserved_len >= (2 + 128) * PAGE);
	assert_true(info.vram_usable <= info.reserved_pa);

	assert_int_equal(info.bar1_mode, 1);
	assert_int_equal(info.bar1_bound, info.reserved_pa + info.reserved_len - PAGE);
}

static void the_info_of_each_chip_is_what_the_manual_says(void **state)
{
	(void)state;
	on_every_chip("", identity);
}

/*
 * architecture.md: 128 tables each of 4 KiB and 64 KiB leaves, packed, 4
 * directories and an instance block make 564 KiB; v3 has a level more.
 */
static void the_region_has_room_for_every_table_and_no_more(void **state)
{
	struct nvbar *gpu = gpu_open("sim:ga102,bar1=256M");

	(void)state;
	assert_int_equal(gpu_info(gpu).reserved_len, KIB(564));
	gpu_close(gpu);
	gpu = gpu_open("sim:gh100,bar1=256M");
	assert_int_equal(gpu_info(gpu).reserved_len, KIB(568));
	gpu_close(gpu);
}

static void info_needs_room_for_what_is_known(void **state)
{
	struct { struct nvbar_info info; char more[8]; } big;
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_info info;

	(void)state;
	memset(&info, 0x5a, sizeof(info));
	info.size = sizeof(info.size);
	assert_err(nvbar_get_info(gpu, &info), EINVAL);
	info.size = 0;
	assert_err(nvbar_get_info(gpu, &info), EINVAL);
	assert_int_equal(info.boot0, 0x5a5a5a5a);
	big.info.size = sizeof(big);
	assert_ok(nvbar_get_info(gpu, &big.info));
	assert_int_equal(big.info.bar1_size, MIB(256));
	gpu_close(gpu);
}

/* --- without BAR1 --- */

static void no_bar1(struct nvbar *gpu)
{
	const struct nvbar_extent ext = { A, PAGE };
	struct nvbar_check_report report = { .size = sizeof(report) };
	struct nvbar_prepared *prepared = UNTOUCHED;
	struct nvbar_access *a = UNTOUCHED;
	uint64_t pfn = 1;
	struct nvbar_walk walk = { .size = sizeof(walk) };
	struct nvbar_vram *vram;

	assert_int_equal(gpu_info(gpu).bar1_size, 0);
	assert_int_equal(gpu_info(gpu).bar1_mode, 0);
	assert_int_equal(gpu_stats(gpu).va_total, 0);
	assert_err(nvbar_map(gpu, &ext, 1, NULL, &a), EOPNOTSUPP);
	assert_err(nvbar_map_pages(gpu, &pfn, 1, 0, &a), EOPNOTSUPP);
	assert_err(nvbar_map_prepare(gpu, 1, NULL, &prepared), EOPNOTSUPP);
	assert_err(nvbar_check(gpu, &report), EOPNOTSUPP);
	assert_err(nvbar_walk(gpu, 0, &walk), EOPNOTSUPP);
	nvbar_trim(gpu);
	assert_maps_sum_to_the_aperture(gpu);

	pramin_wr64(gpu, A, 0xabcdef);
	assert_int_equal(pramin_rd64(gpu, A), 0xabcdef);
	assert_ok(nvbar_vram_alloc(gpu, MIB(1), NULL, &vram));
	assert_err(nvbar_map_vram(gpu, vram, 0, PAGE, 0, &a), EOPNOTSUPP);
	assert_ptr_equal(a, UNTOUCHED);
	assert_ptr_equal(prepared, UNTOUCHED);
	nvbar_vram_free(vram);
}

static void without_bar1_only_pramin_is_left(void **state)
{
	(void)state;
	on_every_chip(",bar1=0", no_bar1);
}

/* --- observing --- */

static int some_mapping(const struct nvbar_mapping_info *info, void *arg)
{
	(void)info;
	(void)arg;
	return 1;
}

static int some_entry(const struct nvbar_entry_info *info, void *arg)
{
	(void)info;
	(void)arg;
	return 1;
}

static int some_line(const char *text, void *arg)
{
	(void)text;
	(void)arg;
	return 1;
}

static void observe(struct nvbar *gpu)
{
	const struct nvbar_extent ext = { A, PAGE };
	struct nvbar_check_report report = { .size = sizeof(report) };
	struct nvbar_fault fault = { .size = sizeof(fault) };
	struct nvbar_walk walk = { .size = sizeof(walk) };
	struct nvbar_prepared *prepared = UNTOUCHED;
	struct nvbar_access *a = UNTOUCHED;
	struct nvbar_vram *vram = UNTOUCHED;
	uint64_t pfn = 1, word = 0x5a;

	assert_int_equal(gpu_info(gpu).vram_size, GIB(8));
	assert_int_equal(gpu_info(gpu).bar1_mode, 0);
	assert_err(nvbar_get_fault(gpu, &fault), ENOENT);
	assert_ok(nvbar_for_each_mapping(gpu, some_mapping, NULL));

	assert_err(nvbar_map(gpu, &ext, 1, NULL, &a), EACCES);
	assert_err(nvbar_map_pages(gpu, &pfn, 1, NVBAR_MAP_RDONLY, &a), EACCES);
	assert_err(nvbar_map_prepare(gpu, 1, NULL, &prepared), EACCES);
	assert_err(nvbar_vram_alloc(gpu, PAGE, NULL, &vram), EACCES);
	assert_err(nvbar_pramin_read(gpu, A, &word, 8), EACCES);
	assert_err(nvbar_pramin_write(gpu, A, &word, 8), EACCES);
	assert_err(nvbar_walk(gpu, 0, &walk), EACCES);
	assert_err(nvbar_for_each_entry(gpu, some_entry, NULL), EACCES);
	assert_err(nvbar_snapshot_take(gpu, some_line, NULL), EACCES);
	assert_err(nvbar_check(gpu, &report), EACCES);
	assert_err(nvbar_clear_fault(gpu), EACCES);
	nvbar_trim(gpu);
	assert_ptr_equal(a, UNTOUCHED);
	assert_ptr_equal(prepared, UNTOUCHED);
	assert_ptr_equal(vram, UNTOUCHED);
	assert_int_equal(word, 0x5a);

	assert_true(gpu_stats(gpu).bus_reads > 0);
	assert_int_equal(gpu_stats(gpu).bus_writes, 0);
	assert_int_equal(gpu_stats(gpu).binds, 0);
	assert_int_equal(gpu_stats(gpu).model_driver_errors, 0);
}

static void an_observer_writes_nothing(void **state)
{
	const struct nvbar_open_opts opts = { .size = sizeof(opts), .flags = NVBAR_OPEN_OBSERVE };
	struct nvbar *gpu;
	char device[32];
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		snprintf(device, sizeof(device), "sim:%s", chips[i].name);
		assert_ok(nvbar_open(&gpu, device, &opts));
		observe(gpu);
		nvbar_close(gpu);
	}
}

/* --- log --- */

struct lines {
	const char *device;
	unsigned int nr, worst;
};

static void note_line(void *arg, int level, const char *line)
{
	struct lines *lines = arg;

	lines->nr++;
	if ((unsigned int)level > lines->worst)
		lines->worst = level;
	if (strncmp(line, lines->device, strlen(lines->device)) || strchr(line, '\n') ||
	    strchr(line, '\r') || strlen(line) < strlen(lines->device) + 3) {
		print_error("bad line: \"%s\"\n", line);
		fail();
	}
}

static void every_refusal_is_one_line_that_begins_with_the_device(void **state)
{
	static const struct nvbar_extent bad[] = { { 1, PAGE }, { GIB(9), PAGE } };
	struct lines lines = { .device = "sim:gb202: " };
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts), .log_level = NVBAR_LOG_DEBUG, .log = note_line,
		.log_arg = &lines,
	};
	struct nvbar_map_opts map = { .size = sizeof(map), .label = "a label\nof two lines" };
	struct nvbar_prepared *prepared;
	struct nvbar_access *a;
	struct nvbar_vram *vram;
	struct nvbar *gpu;
	uint64_t word;

	(void)state;
	assert_ok(nvbar_open(&gpu, "sim:gb202,vram=8G", &opts));
	lines.nr = 0;
	assert_err(nvbar_map(gpu, bad, 1, NULL, &a), EINVAL);
	assert_int_equal(lines.nr, 1);
	assert_err(nvbar_map(gpu, bad + 1, 1, NULL, &a), ERANGE);
	assert_int_equal(lines.nr, 2);
	assert_err(nvbar_vram_alloc(gpu, 1, NULL, &vram), EINVAL);
	assert_int_equal(lines.nr, 3);
	assert_err(nvbar_vram_alloc(gpu, GIB(9), NULL, &vram), ENOSPC);
	assert_int_equal(lines.nr, 4);
	assert_err(nvbar_pramin_read(gpu, GIB(8), &word, 8), ERANGE);
	assert_int_equal(lines.nr, 5);
	assert_err(nvbar_map_prepare(gpu, 0, NULL, &prepared), EINVAL);
	assert_int_equal(lines.nr, 6);
	assert_err(nvbar_map_prepare(gpu, MIB(1), &map, &prepared), ENOSPC);
	assert_int_equal(lines.nr, 7);
	assert_int_equal(lines.worst, NVBAR_LOG_ERROR);
	gpu_close(gpu);
}

static void an_open_that_fails_says_why_in_one_line(void **state)
{
	static const char *const bad[] = {
		"sim:ga103", "sim,vram=8Q", "sim,colour=red", "sim,novalue", "sim,file=/nonexistent/dir/file",
		"sim,bar1=3M", "sim,vram=1000G", "sim:\n", "sim:ga102\nx", "sim,vram=8G\n", "sim,\nvram=8G",
		"sim,vr\nam=8G", "sim,word\n", "sim,file=/nonexistent/\n/file", "sim:ga102\r\n", "sim\n",
	};
	struct lines lines = { .device = "sim" };
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts), .log_level = NVBAR_LOG_DEBUG, .log = note_line,
		.log_arg = &lines,
	};
	struct nvbar *gpu;
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(bad); i++) {
		lines.nr = 0;
		assert_int_not_equal(nvbar_open(&gpu, bad[i], &opts), 0);
		assert_int_equal(lines.nr, 1);
	}
}

/* --- errors --- */

static void every_error_has_a_meaning(void **state)
{
	/* nvbar.h: the words of its table, by which a user tells one from another */
	static const struct {
		int err;
		const char *words[5];
	} known[] = {
		{ 0, { "success" } },
		{ EINVAL, { "zero length", "misaligned", "unknown flag", "malformed device string" } },
		{ ERANGE, { "leaves", "VRAM", "aperture", "mapping", "VA width" } },
		{ EACCES, { "read-only", "permission" } },
		{ EEXIST, { "VA already in use" } },
		{ ENOENT, { "nothing there" } },
		{ ENOSPC, { "no VRAM", "no BAR1 address space" } },
		{ ENOMEM, { "no host memory" } },
		{ ENODEV, { "gone", "reset", "another driver" } },
		{ ETIMEDOUT, { "register", "never", "waited for" } },
		{ EIO, { "page tables contradict themselves", "access", "flush", "MMU fault" } },
		{ EBUSY, { "someone else drives this GPU" } },
		{ EOPNOTSUPP, { "chip", "format", "page size", "not supported" } },
	};
	static const int odd[] = { 1, -1, 99999, -99999, INT32_MAX, INT32_MIN };
	size_t i, j;

	(void)state;
	for (i = 0; i < NR_OF(known); i++) {
		const char *text = nvbar_strerror(known[i].err);

		assert_string_equal(text, nvbar_strerror(-known[i].err));
		for (j = 0; j < 5 && known[i].words[j]; j++)
			if (!strstr(text, known[i].words[j]))
				fail_msg("%d is \"%s\" without \"%s\"", known[i].err, text,
					 known[i].words[j]);
		for (j = 0; j < i; j++)
			assert_string_not_equal(text, nvbar_strerror(known[j].err));
	}
	for (i = 0; i < NR_OF(odd); i++)
		assert_true(strlen(nvbar_strerror(odd[i])) > 0);
}

static void closing_nothing_is_fine(void **state)
{
	(void)state;
	nvbar_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_good_device_string_opens_what_it_says),
		cmocka_unit_test(malformed_device_strings_are_refused),
		cmocka_unit_test(vram_too_small_for_the_driver_is_refused),
		cmocka_unit_test(a_bar1_much_larger_than_vram_is_used_in_part),
		cmocka_unit_test(devices_that_this_machine_does_not_have_are_refused),
		cmocka_unit_test(a_socket_that_is_not_there_is_refused),
		cmocka_unit_test(without_a_string_the_environment_names_the_device),
		cmocka_unit_test(option_structs_of_other_versions),
		cmocka_unit_test(the_info_of_each_chip_is_what_the_manual_says),
		cmocka_unit_test(the_region_has_room_for_every_table_and_no_more),
		cmocka_unit_test(info_needs_room_for_what_is_known),
		cmocka_unit_test(without_bar1_only_pramin_is_left),
		cmocka_unit_test(an_observer_writes_nothing),
		cmocka_unit_test(every_refusal_is_one_line_that_begins_with_the_device),
		cmocka_unit_test(an_open_that_fails_says_why_in_one_line),
		cmocka_unit_test(every_error_has_a_meaning),
		cmocka_unit_test(closing_nothing_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
