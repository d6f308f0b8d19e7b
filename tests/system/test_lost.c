// SPDX-License-Identifier: MIT
/*
 * A GPU that is lost: gone for a while, reset behind the driver's back, or taken by
 * another driver.  It stays so, and nothing is done to it any more, however well it
 * answers meanwhile.
 */
#include "helper.h"

#include <nvbar_compat.h>

#include "internal.h"
#include "sim.h"

#define A	MIB(64)

/**
 * struct scene - a GPU with something of everything
 * @chip: what it is
 * @gpu: open
 * @sim: the model behind it
 * @gone: lines that it logged of a GPU that is gone
 * @reset: of one that was reset
 * @taken: of one that another driver has
 * @a: a mapping, through which was read and written
 * @vram: an allocation
 * @prepared: a preparation
 */
struct scene {
	const struct chip *chip;
	struct nvbar *gpu;
	struct sim_gpu *sim;
	unsigned int gone, reset, taken;
	struct nvbar_access *a;
	struct nvbar_vram *vram;
	struct nvbar_prepared *prepared;
};

static void note_line(void *arg, int level, const char *line)
{
	struct scene *s = arg;

	(void)level;
	s->gone += !!strstr(line, "the GPU is gone");
	s->reset += !!strstr(line, "the GPU was reset");
	s->taken += !!strstr(line, "another driver has this GPU");
}

/* A GPU with nothing */
static int open_bare(struct scene *s, const struct chip *chip, const char *options)
{
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts), .log = note_line, .log_arg = s,
	};
	char device[80];
	int ret;

	*s = (struct scene){ .chip = chip };
	snprintf(device, sizeof(device), "sim:%s%s", chip->name, options);
	ret = nvbar_open(&s->gpu, device, &opts);
	if (!ret)
		s->sim = nvbar_backend_sim_gpu(s->gpu->backend);
	return ret;
}

static void open_scene(struct scene *s, const struct chip *chip, const char *options)
{
	const struct nvbar_extent ext = { A, 4 * PAGE };
	unsigned int i;
	char all[64];

	snprintf(all, sizeof(all), ",vram=4G%s", options);
	assert_ok(open_bare(s, chip, all));
	assert_ok(nvbar_map(s->gpu, &ext, 1, NULL, &s->a));
	for (i = 0; i < 100; i++) {
		assert_ok(nvbar_write64(s->a, 8 * i, i));
		assert_int_equal(bar1_rd64(s->a, 8 * i), i);
	}
	assert_ok(nvbar_flush(s->a));
	assert_ok(nvbar_vram_alloc(s->gpu, 2 * PAGE, NULL, &s->vram));
	assert_ok(nvbar_map_prepare(s->gpu, 1, NULL, &s->prepared));
}

static uint64_t accesses(const struct scene *s)
{
	struct sim_counters c;

	sim_get_counters(s->sim, &c);
	return c.reads + c.writes;
}

static int map_page(struct scene *s)
{
	const uint64_t pfn = A / PAGE + 100;
	struct nvbar_access *a = UNTOUCHED;
	int ret = nvbar_map_pages(s->gpu, &pfn, 1, 0, &a);

	if (ret)
		assert_ptr_equal(a, UNTOUCHED);
	return ret;
}

/* --- every call ---------------------------------------------------------------- */

static int on_mapping(const struct nvbar_mapping_info *info, void *arg)
{
	(void)info;
	(void)arg;
	return 0;
}

static int on_protected(const struct nvbar_protected_info *info, void *arg)
{
	(void)info;
	(void)arg;
	return 0;
}

static int on_entry(const struct nvbar_entry_info *info, void *arg)
{
	(void)info;
	(void)arg;
	return 0;
}

static int on_line(const char *line, void *arg)
{
	(void)line;
	(void)arg;
	return 0;
}

static void accesses_are_refused(struct nvbar_access *a)
{
	uint8_t v8 = 0x5a, buf[3 * PAGE] = { 0 };
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;
	void *p;

	assert_err(nvbar_read8(a, 0, &v8), ENODEV);
	assert_int_equal(v8, 0x5a);
	assert_err(nvbar_read16(a, 2, &v16), ENODEV);
	assert_err(nvbar_read32(a, 4, &v32), ENODEV);
	assert_err(nvbar_read64(a, 8, &v64), ENODEV);
	assert_err(nvbar_write8(a, 0, 1), ENODEV);
	assert_err(nvbar_write16(a, 0, 1), ENODEV);
	assert_err(nvbar_write32(a, 0, 1), ENODEV);
	assert_err(nvbar_write64(a, 0, 1), ENODEV);
	assert_err(nvbar_read(a, 0, buf, 8), ENODEV);
	assert_err(nvbar_read(a, 5, buf, sizeof(buf)), ENODEV);
	assert_err(nvbar_write(a, 0, buf, 8), ENODEV);
	assert_err(nvbar_write(a, 5, buf, sizeof(buf)), ENODEV);
	assert_err(nvbar_fill(a, 0, 1, PAGE), ENODEV);
	assert_err(nvbar_flush(a), ENODEV);
	assert_err(nvbar_mmap(a, &p), ENODEV);
}

static void calls_are_refused(struct scene *s)
{
	const struct nvbar_vram_opts unscrubbed = {
		.size = sizeof(unscrubbed), .flags = NVBAR_VRAM_NO_SCRUB,
	};
	struct nvbar_check_report report = { .size = sizeof(report) };
	const struct nvbar_extent shown = { A, PAGE };
	struct nvbar_fault fault = { .size = sizeof(fault) };
	struct nvbar_stats stats = { .size = sizeof(stats) };
	struct nvbar_info info = { .size = sizeof(info) };
	struct nvbar_walk walk = { .size = sizeof(walk) };
	struct nvbar_prepared *prepared = UNTOUCHED;
	struct nvbar_access *a = UNTOUCHED;
	struct nvbar_vram *vram = UNTOUCHED;
	uint32_t word = 0;

	assert_err(map_page(s), ENODEV);
	assert_err(nvbar_map(s->gpu, &shown, 1, NULL, &a), ENODEV);
	assert_err(nvbar_map_vram(s->gpu, s->vram, 0, PAGE, 0, &a), ENODEV);
	assert_err(nvbar_map_prepare(s->gpu, 1, NULL, &prepared), ENODEV);
	assert_err(nvbar_vram_alloc(s->gpu, PAGE, NULL, &vram), ENODEV);
	assert_err(nvbar_vram_alloc(s->gpu, PAGE, &unscrubbed, &vram), ENODEV);
	assert_err(nvbar_pramin_read(s->gpu, A, &word, 4), ENODEV);
	assert_err(nvbar_pramin_write(s->gpu, A, &word, 4), ENODEV);
	assert_err(nvbar_walk(s->gpu, 0, &walk), ENODEV);
	assert_err(nvbar_for_each_entry(s->gpu, on_entry, NULL), ENODEV);
	assert_err(nvbar_snapshot_take(s->gpu, on_line, NULL), ENODEV);
	assert_err(nvbar_check(s->gpu, &report), ENODEV);
	assert_err(nvbar_get_info(s->gpu, &info), ENODEV);
	assert_err(nvbar_get_stats(s->gpu, &stats), ENODEV);
	assert_err(nvbar_for_each_mapping(s->gpu, on_mapping, NULL), ENODEV);
	assert_err(nvbar_for_each_protected(s->gpu, on_protected, NULL), ENODEV);
	assert_err(nvbar_get_fault(s->gpu, &fault), ENODEV);
	assert_err(nvbar_clear_fault(s->gpu), ENODEV);
	nvbar_trim(s->gpu);
	assert_int_equal(nvbar_zero_tables(s->gpu, MIB(1)), 0);
	assert_ptr_equal(a, UNTOUCHED);
	assert_ptr_equal(vram, UNTOUCHED);
	assert_ptr_equal(prepared, UNTOUCHED);
}

/* What is given back is given back, though the GPU hears nothing of it. */
static void releases_release(struct scene *s)
{
	const struct nvbar_extent ext = { A, PAGE };
	struct nvbar_access *a = UNTOUCHED;
	long live = compat_alloc_live();

	nvbar_vram_free(s->vram);
	assert_err(nvbar_map_execute(s->prepared, &ext, 1, &a), ENODEV);
	assert_ptr_equal(a, UNTOUCHED);
	assert_err(nvbar_unmap(s->a), ENODEV);
	assert_true(compat_alloc_live() <= live - 3);
}

static void close_scene(struct scene *s, long live)
{
	nvbar_close(s->gpu);
	nvbar_forget_closed();
	assert_int_equal(compat_alloc_live(), live);
}

static void a_gpu_that_was_gone_stays_lost_though_it_answers_again(void **state)
{
	const struct sim_inject gone = { .dead_at = 1 };
	unsigned long long slept = compat_slept_ns();
	uint64_t before;
	struct scene s;
	long live;
	size_t i;

	(void)state;
	nvbar_forget_closed();
	live = compat_alloc_live();
	for (i = 0; i < NR_CHIPS; i++) {
		open_scene(&s, &chips[i], "");
		sim_inject(s.sim, &gone);
		assert_err(map_page(&s), ENODEV);
		sim_inject(s.sim, NULL);
		before = accesses(&s);
		accesses_are_refused(s.a);
		calls_are_refused(&s);
		releases_release(&s);
		assert_int_equal(accesses(&s), before);
		assert_int_equal(s.gone, 1);
		close_scene(&s, live);
	}
	assert_int_equal(compat_slept_ns(), slept);
}

/* ... be it through looked-up pages or not, and with all that was left open. */
static void what_was_left_open_is_freed_with_a_lost_gpu(void **state)
{
	const struct sim_inject gone = { .dead_at = 1 };
	struct scene s;
	uint64_t val;
	long live;
	void *p;

	(void)state;
	nvbar_forget_closed();
	live = compat_alloc_live();
	open_scene(&s, &chips[2], ",bar1=1G");
	map_fixed(s.gpu, MIB(30) - PAGE, A, MIB(9));
	assert_ok(nvbar_mmap(s.a, &p));
	sim_inject(s.sim, &gone);
	assert_err(nvbar_read64(s.a, 0, &val), ENODEV);
	sim_inject(s.sim, NULL);
	close_scene(&s, live);
}

/* --- resets ---------------------------------------------------------------------- */

static int unmap_page(struct scene *s)
{
	return nvbar_unmap(s->a);
}

static int execute_prepared(struct scene *s)
{
	const struct nvbar_extent ext = { A, PAGE };
	struct nvbar_access *a = UNTOUCHED;

	return nvbar_map_execute(s->prepared, &ext, 1, &a);
}

static int alloc_page(struct scene *s)
{
	struct nvbar_vram *vram = UNTOUCHED;

	return nvbar_vram_alloc(s->gpu, PAGE, NULL, &vram);
}

static int alloc_large(struct scene *s)
{
	struct nvbar_vram *vram = UNTOUCHED;

	return nvbar_vram_alloc(s->gpu, MIB(1), NULL, &vram);
}

static int write_pramin(struct scene *s)
{
	const uint32_t word = 0x87654321;

	return nvbar_pramin_write(s->gpu, A + MIB(100) + 64, &word, 4);
}

static int get_info(struct scene *s)
{
	struct nvbar_info info = { .size = sizeof(info) };

	return nvbar_get_info(s->gpu, &info);
}

/* Whether there is a word of the driver's in the window decides how it is found. */
static void window_on_data(struct scene *s)
{
	pramin_wr64(s->gpu, A + MIB(100), 0x1234567890abcdef);
}

static void window_on_zeroes(struct scene *s)
{
	pramin_wr64(s->gpu, A + MIB(100) + 64, 0);
}

static void window_on_tables(struct scene *s)
{
	assert_non_null(map_at(s->gpu, A + MIB(1), PAGE, 0));
}

static const struct {
	const char *name;
	int (*run)(struct scene *s);
} finders[] = {
	{ "map", map_page }, { "unmap", unmap_page }, { "execute", execute_prepared },
	{ "alloc of a page", alloc_page }, { "alloc", alloc_large },
	{ "PRAMIN write", write_pramin }, { "info", get_info },
};

/* No access of a user's comes between the reset and the call that finds it. */
static void a_reset_that_nobody_saw_is_found_before_anything_relies_on_the_gpu(void **state)
{
	static void (*const windows[])(struct scene *) = {
		window_on_data, window_on_zeroes, window_on_tables,
	};
	static const char *const sizes[] = { ",bar1=64M", ",bar1=4G" };
	size_t i, f, w, z;
	struct scene s;
	uint64_t before;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		for (f = 0; f < NR_OF(finders); f++) {
			for (w = 0; w < NR_OF(windows); w++) {
				z = (i + f + w) % NR_OF(sizes);
				open_scene(&s, &chips[i], sizes[z]);
				windows[w](&s);
				sim_reset(s.sim);
				if (finders[f].run(&s) != -ENODEV)
					fail_msg("%s%s: %s, window %zu", chips[i].name, sizes[z],
						 finders[f].name, w);
				assert_int_equal(s.reset, 1);
				before = accesses(&s);
				assert_err(map_page(&s), ENODEV);
				assert_err(get_info(&s), ENODEV);
				assert_int_equal(accesses(&s), before);
				assert_int_equal(s.reset, 1);
				nvbar_close(s.gpu);
			}
		}
	}
}

/* --- ... where what the window shows is the same before and after ------------------- */

/* The window is at 0 after a reset, too: the first write already has to find it. */
static void a_reset_is_found_through_a_window_at_0(void **state)
{
	const uint64_t word = 0x1234567812345678;
	struct scene s;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		open_scene(&s, &chips[i], "");
		pramin_wr64(s.gpu, 0x100, word);
		pramin_wr64(s.gpu, 0x108, word);
		sim_reset(s.sim);
		assert_err(nvbar_pramin_write(s.gpu, 0x200, &word, 8), ENODEV);
		assert_int_equal(s.reset, 1);
		nvbar_close(s.gpu);
	}
}

#define PATTERN_AT	MIB(16)

static void write_pattern(struct nvbar *gpu)
{
	static uint8_t pattern[MIB(1)];

	memset(pattern, 0x5a, sizeof(pattern));
	assert_ok(nvbar_pramin_write(gpu, 0, pattern, sizeof(pattern)));
	assert_ok(nvbar_pramin_write(gpu, PATTERN_AT, pattern, sizeof(pattern)));
	/* Not the first use of this window any more */
	assert_ok(nvbar_pramin_write(gpu, PATTERN_AT, pattern, 64));
}

/* As a test of memory writes it.  What found it went to the first MiB, as reliability.md says. */
static void a_reset_is_found_though_the_same_word_stands_in_both_places(void **state)
{
	const uint64_t word = 0x1234567812345678;
	uint64_t astray, meant;
	struct scene s;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		open_scene(&s, &chips[i], "");
		write_pattern(s.gpu);
		sim_reset(s.sim);
		assert_err(nvbar_pramin_write(s.gpu, PATTERN_AT + 0x200, &word, 8), ENODEV);
		assert_int_equal(s.reset, 1);
		assert_true(sim_vram_peek(s.sim, 0x200, &astray, 8));
		assert_true(sim_vram_peek(s.sim, PATTERN_AT + 0x200, &meant, 8));
		assert_int_equal(astray, word);
		assert_int_equal(meant, 0x5a5a5a5a5a5a5a5a);
		nvbar_close(s.gpu);
	}
}

/* No bind tells of a reset there, but the window itself does. */
static void without_bar1_the_window_tells_of_a_reset(void **state)
{
	const uint64_t word = 0x1234567812345678;
	struct scene s;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		assert_ok(open_bare(&s, &chips[i], ",vram=1G,bar1=0"));
		write_pattern(s.gpu);
		sim_reset(s.sim);
		assert_err(nvbar_pramin_write(s.gpu, PATTERN_AT + 0x200, &word, 8), ENODEV);
		assert_int_equal(s.reset, 1);
		nvbar_close(s.gpu);
	}
}

/* VRAM so small that the driver's region, at the end of what is usable, is in the first MiB */
static void open_tiny(struct scene *s, const struct chip *chip)
{
	struct nvbar_info info;
	unsigned int mib;
	char options[32];

	for (mib = 1; mib <= 8; mib++) {
		snprintf(options, sizeof(options), ",vram=%uM,bar1=64M", mib);
		if (open_bare(s, chip, options))
			continue;
		info = gpu_info(s->gpu);
		if (info.reserved_pa + info.reserved_len <= MIB(1))
			return;
		nvbar_close(s->gpu);
	}
	fail_msg("%s: no VRAM is so small", chip->name);
}

static void a_reset_is_found_where_the_tables_are_in_the_first_mib(void **state)
{
	uint64_t pfn[2] = { 1, 2 };
	struct nvbar_access *a;
	struct scene s;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		open_tiny(&s, &chips[i]);
		assert_ok(nvbar_map_pages(s.gpu, &pfn[0], 1, 0, &a));
		sim_reset(s.sim);
		assert_err(nvbar_map_pages(s.gpu, &pfn[1], 1, 0, &a), ENODEV);
		assert_int_equal(s.reset, 1);
		nvbar_close(s.gpu);
	}
}

/* What a mapping shows after a reset is somebody else's: nothing is written there once it is known. */
static void a_lost_gpus_memory_is_left_alone(void **state)
{
	uint64_t base, was = 0x1122334455667788, now;
	struct scene s;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		open_scene(&s, &chips[i], "");
		base = nvbar_access_base(s.a);
		assert_true(sim_vram_poke(s.sim, base, &was, 8));
		sim_reset(s.sim);
		assert_err(map_page(&s), ENODEV);
		assert_err(nvbar_write64(s.a, 0, 1), ENODEV);
		assert_err(nvbar_fill(s.a, 0, 1, PAGE), ENODEV);
		assert_true(sim_vram_peek(s.sim, base, &now, 8));
		assert_int_equal(now, was);
		nvbar_close(s.gpu);
	}
}

/*
 * A live mapping is what an allocation is scrubbed through, and asks the GPU for nothing:
 * after a reset it shows the VRAM at its own address in BAR1.
 */
static void a_scrub_through_a_live_mapping_finds_a_reset_before_it_writes(void **state)
{
	static const uint32_t flags[] = { 0, NVBAR_OPEN_STATIC };
	const struct nvbar_vram_opts where = {
		.size = sizeof(where), .range_start = A, .range_end = A + MIB(1),
	};
	static uint64_t was[MIB(1) / 8], now[MIB(1) / 8];
	const struct nvbar_extent ext = { A, MIB(1) };
	struct nvbar_open_opts opts = { .size = sizeof(opts) };
	struct nvbar_vram *vram = UNTOUCHED;
	struct nvbar_access *a;
	struct sim_gpu *sim;
	struct nvbar *gpu;
	size_t i, f;
	uint64_t va;

	(void)state;
	memset(was, 0xcd, sizeof(was));
	for (i = 0; i < NR_CHIPS; i++) {
		for (f = 0; f < NR_OF(flags); f++) {
			char device[64];

			snprintf(device, sizeof(device), "sim:%s,vram=256M,bar1=256M",
				 chips[i].name);
			opts.flags = flags[f];
			assert_ok(nvbar_open(&gpu, device, &opts));
			sim = nvbar_backend_sim_gpu(gpu->backend);
			assert_ok(nvbar_map(gpu, &ext, 1, NULL, &a));
			va = nvbar_access_base(a);
			assert_true(sim_vram_poke(sim, va, was, sizeof(was)));
			sim_reset(sim);
			assert_err(nvbar_vram_alloc(gpu, MIB(1), &where, &vram), ENODEV);
			assert_ptr_equal(vram, UNTOUCHED);
			sim_land(sim);
			assert_true(sim_vram_peek(sim, va, now, sizeof(now)));
			assert_memory_equal(now, was, sizeof(now));
			nvbar_close(gpu);
		}
	}
}

/* Ones where a scrub's zeroes should be are no GPU that keeps nothing: there is none. */
static void a_gpu_that_goes_while_a_scrub_is_read_back_is_gone(void **state)
{
	static const uint64_t sizes[] = { PAGE, MIB(1) };
	struct nvbar_vram *vram;
	struct sim_inject gone;
	struct scene s;
	uint64_t nr, k;
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(sizes); i++) {
		open_scene(&s, &chips[2], "");
		s.gpu->gpu.read_back = true;
		nr = accesses(&s);
		assert_ok(nvbar_vram_alloc(s.gpu, sizes[i], NULL, &vram));
		nr = accesses(&s) - nr;
		nvbar_close(s.gpu);
		for (k = 1; k <= 16; k++) {
			open_scene(&s, &chips[2], "");
			s.gpu->gpu.read_back = true;
			gone = (struct sim_inject){ .dead_at = nr * k / 16 - 3 };
			sim_inject(s.sim, &gone);
			vram = UNTOUCHED;
			assert_err(nvbar_vram_alloc(s.gpu, sizes[i], NULL, &vram), ENODEV);
			assert_int_equal(s.gone, 1);
			nvbar_close(s.gpu);
		}
	}
}

/* --- another driver ---------------------------------------------------------------- */

/* hardware.md 9: PTR in bits 27:0 and MODE in 31; or LOW with MODE in 9, then HIGH */
static void bind_elsewhere(struct scene *s, uint64_t inst)
{
	if (s->chip->mmu_version == 2) {
		sim_bar0_write(s->sim, 0xb80f40, 4, 1u << 31 | inst >> 12);
		while (sim_bar0_read(s->sim, 0xb80f50, 4) & 3)
			;
	} else {
		sim_bar0_write(s->sim, 0xb80f60, 4, (uint32_t)inst | 1u << 9);
		sim_bar0_write(s->sim, 0xb80f64, 4, inst >> 32);
		while (sim_bar0_read(s->sim, 0xb80f60, 4) & 3)
			;
	}
}

static void a_gpu_that_another_driver_has_bound_is_lost(void **state)
{
	struct scene s;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		open_scene(&s, &chips[i], "");
		bind_elsewhere(&s, GIB(1));
		assert_err(get_info(&s), ENODEV);
		assert_int_equal(s.taken, 1);
		assert_err(map_page(&s), ENODEV);
		nvbar_close(s.gpu);

		/* It has only moved the window so far: what is written goes elsewhere. */
		open_scene(&s, &chips[i], "");
		assert_non_null(map_at(s.gpu, A + MIB(1), PAGE, 0));
		sim_bar0_write(s.sim, s.chip->mmu_version == 2 ? 0x1700 : 0x10fd40, 4, 0x1000);
		assert_err(map_page(&s), ENODEV);
		assert_int_equal(s.taken, 1);
		nvbar_close(s.gpu);

		/* It has moved the window, too. */
		open_scene(&s, &chips[i], "");
		bind_elsewhere(&s, GIB(1));
		sim_bar0_write(s.sim, s.chip->mmu_version == 2 ? 0x1700 : 0x10fd40, 4, 0x1000);
		assert_err(map_page(&s), ENODEV);
		assert_int_equal(s.taken, 1);
		nvbar_close(s.gpu);
	}
}

/* --- what is no loss ---------------------------------------------------------------- */

/* Words that the ordering read may look at are data, or tables that something damaged. */
static void a_word_that_somebody_changed_is_no_loss(void **state)
{
	uint64_t inst, word = 0xdeadbeef12345678;
	struct scene s;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		open_scene(&s, &chips[i], "");
		pramin_wr64(s.gpu, MIB(200), 0x1111111122222222);
		assert_true(sim_vram_poke(s.sim, MIB(200), &word, 8));
		pramin_wr64(s.gpu, MIB(200) + 8, 0x3333333344444444);
		assert_true(sim_vram_poke(s.sim, MIB(200) + 8, &word, 8));
		pramin_wr64(s.gpu, MIB(200) + 64, 0);

		inst = gpu_info(s.gpu).bar1_bound;
		assert_true(sim_vram_poke(s.sim, inst + 0x200, &word, 8));
		assert_ok(map_page(&s));
		assert_ok(map_page(&s));
		assert_int_equal(s.gone + s.reset + s.taken, 0);
		nvbar_close(s.gpu);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gpu_that_was_gone_stays_lost_though_it_answers_again),
		cmocka_unit_test(what_was_left_open_is_freed_with_a_lost_gpu),
		cmocka_unit_test(a_reset_that_nobody_saw_is_found_before_anything_relies_on_the_gpu),
		cmocka_unit_test(a_reset_is_found_through_a_window_at_0),
		cmocka_unit_test(a_reset_is_found_though_the_same_word_stands_in_both_places),
		cmocka_unit_test(without_bar1_the_window_tells_of_a_reset),
		cmocka_unit_test(a_reset_is_found_where_the_tables_are_in_the_first_mib),
		cmocka_unit_test(a_lost_gpus_memory_is_left_alone),
		cmocka_unit_test(a_scrub_through_a_live_mapping_finds_a_reset_before_it_writes),
		cmocka_unit_test(a_gpu_that_goes_while_a_scrub_is_read_back_is_gone),
		cmocka_unit_test(a_gpu_that_another_driver_has_bound_is_lost),
		cmocka_unit_test(a_word_that_somebody_changed_is_no_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
