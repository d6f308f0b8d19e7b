/* SPDX-License-Identifier: MIT */
/*
 * Every failure point of every operation: each call, in several starting
 * states, meets a failure at its first chance, its second, and so on until
 * none is left.  It must say what happened, in bounded time, and leave what
 * was there before.
 */
#include "helper.h"

#include <pthread.h>

#include <linux/ktime.h>
#include <nvbar_compat.h>

#include "internal.h"
#include "sim.h"

#define A		MIB(64)		/* VRAM that holds data */
#define ARENA		KIB(256)	/* of which so much is looked at */
#define FAR		GIB(3)		/* no window on the tables covers it */
#define TEXT		(1u << 20)

/* The longest that one call may wait for a GPU that does not get on: see docs/reliability.md. */
#define WAIT_MAX_S	4

/**
 * struct scene - a GPU with things mapped
 * @gpu: the GPU
 * @sim: the model behind it
 * @spare: a mapping to read and write
 * @vram: an allocation to map
 * @dirty: makes the state that each call is to start from, or NULL
 */
struct scene {
	struct nvbar *gpu;
	struct sim_gpu *sim;
	struct nvbar_access *spare;
	struct nvbar_vram *vram;
	void (*dirty)(struct scene *scene);
};

/* --- what must not change --------------------------------------------------- */

/* All that anybody can see: gauges, mappings, reachable tables, data, memory. */
struct picture {
	struct nvbar_stats stats;
	long live;
	size_t nr_text;
	char text[TEXT];
	uint8_t arena[ARENA];
};

static int add_line(const char *line, void *arg)
{
	struct picture *p = arg;

	p->nr_text += (size_t)snprintf(p->text + p->nr_text, TEXT - p->nr_text, "%s\n", line);
	assert_true(p->nr_text < TEXT);
	return 0;
}

static int add_mapping(const struct nvbar_mapping_info *info, void *arg)
{
	char line[160];

	snprintf(line, sizeof(line), "%llx+%llx %x %llx %s %s %u", (unsigned long long)info->va,
		 (unsigned long long)info->len, info->flags, (unsigned long long)info->page_sizes,
		 info->state, info->label, info->holders);
	return add_line(line, arg);
}

/* Of a GPU that works: what failed before is completed by the trim. */
static void take(struct scene *s, struct picture *p)
{
	nvbar_trim(s->gpu);
	gpu_check(s->gpu);
	p->stats = gpu_stats(s->gpu);
	p->live = compat_alloc_live();
	p->nr_text = 0;
	assert_ok(nvbar_for_each_mapping(s->gpu, add_mapping, p));
	assert_ok(nvbar_snapshot_take(s->gpu, add_line, p));
	assert_true(sim_vram_peek(s->sim, A, p->arena, ARENA));
	assert_int_equal(sim_tlb_stale(s->sim), 0);
}

static void assert_same_picture(const struct picture *a, const struct picture *b)
{
	assert_same_state(&a->stats, &b->stats);
	assert_int_equal(a->live, b->live);
	assert_string_equal(a->text, b->text);
	assert_memory_equal(a->arena, b->arena, ARENA);
}

/* --- the calls: each undoes what it did, and returns the first error ------------ */

static int first_error(int first, int second)
{
	return first ? first : second;
}

static int end(int ret, struct nvbar_access **a)
{
	if (ret)
		assert_ptr_equal(*a, UNTOUCHED);
	return ret ? ret : nvbar_unmap(*a);
}

static int map_pages(struct scene *s)
{
	struct nvbar_access *a = UNTOUCHED;
	uint64_t pfn[1100];
	size_t i;

	for (i = 0; i < NR_OF(pfn); i++)
		pfn[i] = A / PAGE + 3 * (i * 7 % NR_OF(pfn));
	return end(nvbar_map_pages(s->gpu, pfn, NR_OF(pfn), 0, &a), &a);
}

static int map_mixed(struct scene *s)
{
	const struct nvbar_map_opts opts = { .size = sizeof(opts), .label = "mixed" };
	const struct nvbar_extent ext[] = {
		{ A, MIB(4) }, { A + MIB(6), KIB(128) }, { A + MIB(7), 5 * PAGE },
	};
	struct nvbar_access *a = UNTOUCHED;

	return end(nvbar_map(s->gpu, ext, NR_OF(ext), &opts, &a), &a);
}

static int map_fixed_va(struct scene *s)
{
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_FIXED | NVBAR_MAP_RDONLY,
		.va = MIB(30) - 2 * PAGE,
	};
	const struct nvbar_extent ext = { A, 4 * PAGE };
	struct nvbar_access *a = UNTOUCHED;

	return end(nvbar_map(s->gpu, &ext, 1, &opts, &a), &a);
}

static int map_vram(struct scene *s)
{
	struct nvbar_access *a = UNTOUCHED;

	return end(nvbar_map_vram(s->gpu, s->vram, PAGE, KIB(512), 0, &a), &a);
}

/* What the spare mapping shows already. */
static int map_shared(struct scene *s)
{
	const struct nvbar_extent ext = { A + PAGE, MIB(1) };
	struct nvbar_access *a = UNTOUCHED;

	return end(nvbar_map(s->gpu, &ext, 1, NULL, &a), &a);
}

static int prepare_and_cancel(struct scene *s)
{
	struct nvbar_prepared *prepared = UNTOUCHED;
	int ret = nvbar_map_prepare(s->gpu, 1500, NULL, &prepared);

	if (!ret)
		nvbar_map_cancel(prepared);
	return ret;
}

static int prepare_and_execute(struct scene *s)
{
	const struct nvbar_extent ext[] = { { A + PAGE, MIB(3) }, { A, 3 * PAGE } };
	struct nvbar_prepared *prepared = UNTOUCHED;
	struct nvbar_access *a = UNTOUCHED;
	int ret = nvbar_map_prepare(s->gpu, MIB(3) / PAGE + 3, NULL, &prepared);

	if (ret)
		return ret;
	return end(nvbar_map_execute(prepared, ext, NR_OF(ext), &a), &a);
}

static int alloc(struct scene *s, uint64_t size, uint32_t flags)
{
	const struct nvbar_vram_opts opts = { .size = sizeof(opts), .flags = flags };
	struct nvbar_vram *vram = UNTOUCHED;
	int ret = nvbar_vram_alloc(s->gpu, size, &opts, &vram);

	if (ret)
		assert_ptr_equal(vram, UNTOUCHED);
	else
		nvbar_vram_free(vram);
	return ret;
}

static int alloc_page(struct scene *s)
{
	return alloc(s, PAGE, 0);
}

static int alloc_large(struct scene *s)
{
	return alloc(s, MIB(3) + KIB(68), 0);
}

static int alloc_unscrubbed(struct scene *s)
{
	return alloc(s, MIB(3), NVBAR_VRAM_NO_SCRUB | NVBAR_VRAM_CONTIGUOUS);
}

static int read_single(struct scene *s)
{
	uint32_t v32 = 0x5a;
	uint64_t v64;
	int ret = nvbar_read32(s->spare, 4, &v32);

	if (ret)
		assert_int_equal(v32, 0x5a);
	return ret ? ret : nvbar_read64(s->spare, 8, &v64);
}

static int read_block(struct scene *s)
{
	static uint8_t buf[3 * PAGE + 77];

	return nvbar_read(s->spare, 13, buf, sizeof(buf));
}

/* Writes put back what is there, so that the data stay. */
static int write_single(struct scene *s)
{
	uint64_t val;
	int ret;

	assert_true(sim_vram_peek(s->sim, A + 16, &val, 8));
	ret = nvbar_write64(s->spare, 16, val);	/* posted: the flush tells */
	return first_error(ret, nvbar_flush(s->spare));
}

static int write_block(struct scene *s)
{
	static uint8_t buf[3 * PAGE + 77];
	int ret;

	assert_true(sim_vram_peek(s->sim, A + 13, buf, sizeof(buf)));
	ret = nvbar_write(s->spare, 13, buf, sizeof(buf));
	return first_error(ret, nvbar_flush(s->spare));
}

static int fill(struct scene *s)
{
	struct nvbar_access *a = UNTOUCHED;
	const struct nvbar_extent ext = { A + MIB(8), 2 * PAGE };
	int ret = nvbar_map(s->gpu, &ext, 1, NULL, &a);

	if (ret)
		return end(ret, &a);
	assert_ok(nvbar_fill(a, 4, 0x1234, 2 * PAGE - 8));
	ret = nvbar_flush(a);
	return first_error(ret, nvbar_unmap(a));
}

static int map_pointer(struct scene *s)
{
	const struct nvbar_extent ext = { A + MIB(2), 9 * PAGE };
	struct nvbar_access *a = UNTOUCHED;
	void *p = UNTOUCHED;
	int ret = nvbar_map(s->gpu, &ext, 1, NULL, &a);

	if (ret)
		return end(ret, &a);
	ret = nvbar_mmap(a, &p);
	return first_error(ret, nvbar_unmap(a));
}

static int pramin_read(struct scene *s)
{
	uint8_t buf[555];

	return nvbar_pramin_read(s->gpu, FAR + 3, buf, sizeof(buf));
}

static int pramin_write(struct scene *s)
{
	uint8_t buf[555] = { 7 };

	return nvbar_pramin_write(s->gpu, FAR + 3, buf, sizeof(buf));
}

static int walk(struct scene *s)
{
	struct nvbar_walk w = { .size = sizeof(w) };

	return nvbar_walk(s->gpu, nvbar_access_base(s->spare), &w);
}

static int ignore_entry(const struct nvbar_entry_info *info, void *arg)
{
	(void)info;
	(void)arg;
	return 0;
}

static int visit(struct scene *s)
{
	return nvbar_for_each_entry(s->gpu, ignore_entry, NULL);
}

static int check(struct scene *s)
{
	struct nvbar_check_report report = { .size = sizeof(report) };

	return nvbar_check(s->gpu, &report);
}

static int ignore_line(const char *line, void *arg)
{
	(void)line;
	(void)arg;
	return 0;
}

static int snapshot(struct scene *s)
{
	return nvbar_snapshot_take(s->gpu, ignore_line, NULL);
}

static int get_info(struct scene *s)
{
	struct nvbar_info info = { .size = sizeof(info) };

	return nvbar_get_info(s->gpu, &info);
}

static int get_fault(struct scene *s)
{
	struct nvbar_fault fault = { .size = sizeof(fault) };
	int ret = nvbar_get_fault(s->gpu, &fault);

	return ret == -ENOENT ? 0 : ret;
}

static int clear_fault(struct scene *s)
{
	return nvbar_clear_fault(s->gpu);
}

static int trim(struct scene *s)
{
	nvbar_trim(s->gpu);
	return 0;
}

static int zero_tables(struct scene *s)
{
	nvbar_zero_tables(s->gpu, KIB(16));
	return 0;
}

/**
 * struct call - one public function, or a few that go together
 * @name: for messages
 * @run: does it and undoes it
 * @silent: has no way to tell of a failure, or need not, as it can do without
 *	what failed
 */
static const struct call {
	const char *name;
	int (*run)(struct scene *scene);
	bool silent;
} calls[] = {
	{ "map_pages", map_pages, false },
	{ "map_mixed", map_mixed, false },
	{ "map_fixed", map_fixed_va, false },
	{ "map_vram", map_vram, false },
	{ "map_shared", map_shared, false },
	{ "prepare_and_cancel", prepare_and_cancel, false },
	{ "prepare_and_execute", prepare_and_execute, false },
	{ "alloc_page", alloc_page, false },
	{ "alloc_large", alloc_large, false },
	{ "alloc_unscrubbed", alloc_unscrubbed, false },
	{ "read_single", read_single, false },
	{ "read_block", read_block, false },
	{ "write_single", write_single, false },
	{ "write_block", write_block, false },
	{ "fill", fill, false },
	{ "map_pointer", map_pointer, false },
	{ "pramin_read", pramin_read, false },
	{ "pramin_write", pramin_write, false },
	{ "walk", walk, false },
	{ "visit", visit, false },
	{ "check", check, false },
	{ "snapshot", snapshot, false },
	{ "get_info", get_info, false },
	{ "get_fault", get_fault, false },
	{ "clear_fault", clear_fault, false },
	{ "trim", trim, true },
	{ "zero_tables", zero_tables, true },
};

/* --- starting states ------------------------------------------------------------ */

/* Tables without users, that stay linked. */
static void warm_tables(struct scene *s)
{
	assert_ok(nvbar_unmap(map_fixed(s->gpu, MIB(30) - PAGE, A, 2 * PAGE)));
	assert_ok(nvbar_unmap(map_fixed(s->gpu, MIB(40), A, KIB(64))));
}

/* The window is where it must move from. */
static void window_elsewhere(struct scene *s)
{
	pramin_rd64(s->gpu, GIB(2));
}

/* A range that an unmap could not give back. */
static void quarantined(struct scene *s)
{
	const struct sim_inject stuck = { .invalidate_stuck = true };
	struct nvbar_access *a = map_fixed(s->gpu, MIB(30) - PAGE, A, 2 * PAGE);

	sim_inject(s->sim, &stuck);
	assert_err(nvbar_unmap(a), ETIMEDOUT);
	sim_inject(s->sim, NULL);
}

static const struct state {
	const char *name;
	void (*dirty)(struct scene *scene);
} states[] = {
	{ "as it is", NULL },
	{ "warm tables", warm_tables },
	{ "the window elsewhere", window_elsewhere },
	{ "a range in quarantine", quarantined },
};

static void open_scene(struct scene *s, const char *chip)
{
	static uint8_t data[ARENA];
	const struct nvbar_vram_opts opts = {
		.size = sizeof(opts), .range_start = GIB(1), .flags = NVBAR_VRAM_NO_SCRUB,
	};
	struct nvbar_access *prepared_place;
	const struct nvbar_extent ext = { A, MIB(2) };
	char device[64];

	snprintf(device, sizeof(device), "sim:%s,vram=4G,bar1=64M", chip);
	s->gpu = gpu_open(device);
	s->sim = nvbar_backend_sim_gpu(s->gpu->backend);
	assert_non_null(s->sim);
	rng_fill(data, sizeof(data));
	data[13] = 1;	/* no all ones, which need a look at the GPU, by chance */
	assert_true(sim_vram_poke(s->sim, A, data, sizeof(data)));
	assert_ok(nvbar_map(s->gpu, &ext, 1, NULL, &s->spare));
	assert_ok(nvbar_vram_alloc(s->gpu, MIB(1), &opts, &s->vram));
	prepared_place = map_fixed(s->gpu, MIB(50), A, PAGE);
	assert_ok(nvbar_unmap(prepared_place));
}

static void close_scene(struct scene *s)
{
	assert_ok(nvbar_unmap(s->spare));
	nvbar_vram_free(s->vram);
	gpu_close(s->gpu);
}

/* --- failures ----------------------------------------------------------------- */

static uint64_t accesses(struct scene *s)
{
	struct sim_counters c;

	sim_get_counters(s->sim, &c);
	return c.reads + c.writes;
}

/* The nth chance of a failure; true if the call got that far. */
typedef bool inject_fn(struct scene *s, unsigned long nth, const struct call *call);

/* Runs a call that is to fail with @err if it met the failure. */
static int run(struct scene *s, const struct call *call)
{
	unsigned long long slept = compat_slept_ns();
	int ret = call->run(s);

	slept = compat_slept_ns() - slept;
	if (slept > WAIT_MAX_S * 1000000000ull + 100000000)
		fail_msg("%s: waited %llu ns", call->name, slept);
	return ret;
}

static void expect(const struct call *call, int ret, bool met, int err)
{
	if (ret != (met ? -err : 0) && !(call->silent && !ret))
		fail_msg("%s: %d, not %d", call->name, ret, met ? -err : 0);
}

static bool no_memory(struct scene *s, unsigned long nth, const struct call *call, bool forever)
{
	bool met;
	int ret;

	compat_alloc_fail_nth(nth, forever);
	ret = run(s, call);
	met = compat_alloc_failed();
	compat_alloc_fail_nth(0, false);
	/* Scrubbing has another way when there is no memory for a mapping ... */
	if (call->run == alloc_large)
		assert_true(ret == 0 || ret == -ENOMEM);
	/* ... and a copy makes do with less at a time. */
	else if (call->run == pramin_read || call->run == pramin_write)
		assert_int_equal(ret, 0);
	else
		expect(call, ret, met, ENOMEM);
	return met;
}

static bool no_memory_once(struct scene *s, unsigned long nth, const struct call *call)
{
	return no_memory(s, nth, call, false);
}

static bool no_memory_from_then_on(struct scene *s, unsigned long nth, const struct call *call)
{
	return no_memory(s, nth, call, true);
}

/* A failure that is there all the time is met at once or never. */
static bool timeout(struct scene *s, const struct call *call, const struct sim_inject *inject)
{
	unsigned long long slept = compat_slept_ns();
	int ret;

	sim_inject(s->sim, inject);
	ret = run(s, call);
	sim_inject(s->sim, NULL);
	expect(call, ret, compat_slept_ns() != slept, ETIMEDOUT);
	return false;
}

static bool invalidate_stuck(struct scene *s, unsigned long nth, const struct call *call)
{
	const struct sim_inject inject = { .invalidate_stuck = true };

	(void)nth;
	return timeout(s, call, &inject);
}

static bool window_stuck(struct scene *s, unsigned long nth, const struct call *call)
{
	const struct sim_inject inject = { .window_delay = SIM_NEVER - 1 };

	(void)nth;
	return timeout(s, call, &inject);
}

/* Comes late, but comes: nobody notices. */
static bool window_late(struct scene *s, unsigned long nth, const struct call *call)
{
	const struct sim_inject inject = { .window_delay = (unsigned int)nth };

	sim_inject(s->sim, &inject);
	assert_ok(run(s, call));
	sim_inject(s->sim, NULL);
	return nth < 5;
}

static void fail_at_each_chance(struct scene *s, const struct state *state, const struct call *call,
				inject_fn *inject)
{
	static struct picture before, after;
	unsigned long nth;
	bool met;

	s->dirty = state->dirty;
	/* What makes the next one faster is there. */
	for (nth = 0; nth < 10; nth++)
		assert_ok(call->run(s));
	take(s, &before);
	nth = 1;
	do {
		if (s->dirty)
			s->dirty(s);
		met = inject(s, nth, call);
		take(s, &after);
		assert_same_picture(&before, &after);
		/* Every chance near the start and the end, and some of the hundreds between. */
		nth += nth < 40 ? 1 : 1 + rng_below(nth / 4);
		assert_true(nth < 1000000);
	} while (met);
}

static void on_some_chips(inject_fn *inject)
{
	static const char *const some[] = { "tu102", "gh100", "gb202" };
	struct scene scene;
	size_t c, st, i;

	compat_sleep_pretend(true);
	for (c = 0; c < NR_OF(some); c++) {
		open_scene(&scene, some[c]);
		for (st = 0; st < NR_OF(states); st++)
			for (i = 0; i < NR_OF(calls); i++)
				fail_at_each_chance(&scene, &states[st], &calls[i], inject);
		close_scene(&scene);
	}
	compat_sleep_pretend(false);
}

static void a_call_without_host_memory_once_changes_nothing(void **state)
{
	(void)state;
	rng_start(__func__);
	on_some_chips(no_memory_once);
}

static void a_call_without_host_memory_from_then_on_changes_nothing(void **state)
{
	(void)state;
	rng_start(__func__);
	on_some_chips(no_memory_from_then_on);
}

/* Everything that somebody could still find in memory after the call is what was there before. */
static void gone_at(const char *chip, const struct state *state, const struct call *call,
		    unsigned long nth, bool *met)
{
	const struct sim_inject inject = { .dead_at = nth };
	static uint8_t before[ARENA], after[ARENA];
	unsigned long long slept;
	struct scene s;
	uint64_t count;
	int ret;

	open_scene(&s, chip);
	assert_ok(call->run(&s));
	if (state->dirty)
		state->dirty(&s);
	assert_true(sim_vram_peek(s.sim, A, before, ARENA));
	sim_inject(s.sim, &inject);
	count = accesses(&s);
	slept = compat_slept_ns();
	ret = run(&s, call);
	*met = sim_is_gone(s.sim);
	expect(call, ret, *met, ENODEV);
	assert_int_equal(compat_slept_ns(), slept);
	sim_inject(s.sim, NULL);

	/* It is back, and it is lost all the same: nothing is done to it. */
	count = accesses(&s);
	if (*met && !call->silent) {
		assert_err(map_shared(&s), ENODEV);
		assert_err(run(&s, call), ENODEV);
		assert_int_equal(accesses(&s), count);
	}
	assert_true(sim_vram_peek(s.sim, A, after, ARENA));
	assert_memory_equal(before, after, ARENA);
	nvbar_close(s.gpu);
}

/* Nobody waits for a GPU that is gone, or loses anything with it. */
static void a_gpu_that_goes_away_at_any_access_is_lost_and_no_more(void **state)
{
	static const char *const some[] = { "tu102", "gh100", "gb202" };
	unsigned long nth;
	size_t c, st, i;
	long live;
	bool met;

	(void)state;
	rng_start(__func__);
	nvbar_forget_closed();
	live = compat_alloc_live();
	compat_sleep_pretend(true);
	for (i = 0; i < NR_OF(calls); i++) {
		for (st = 0; st < NR_OF(states); st++) {
			c = (i + st) % NR_OF(some);
			for (nth = 1, met = true; met; nth += nth < 20 ? 1 : 1 + rng_below(nth)) {
				gone_at(some[c], &states[st], &calls[i], nth, &met);
				nvbar_forget_closed();
				assert_int_equal(compat_alloc_live(), live);
			}
		}
	}
	compat_sleep_pretend(false);
}

static void an_invalidate_that_never_ends_loses_nothing(void **state)
{
	(void)state;
	rng_start(__func__);
	on_some_chips(invalidate_stuck);
}

static void a_window_that_never_moves_loses_nothing(void **state)
{
	(void)state;
	rng_start(__func__);
	on_some_chips(window_stuck);
}

static void a_window_that_moves_late_loses_nothing(void **state)
{
	(void)state;
	rng_start(__func__);
	on_some_chips(window_late);
}

/* The driver can't know; whoever looks can, and the next invalidate mends it. */
static void an_invalidate_that_was_ignored_is_found_by_the_check(void **state)
{
	const struct sim_inject ignore = { .ignored_reg = 0xb830b0, .ignored_nth = 1 };
	struct nvbar_check_report report = { .size = sizeof(report) };
	struct nvbar_access *a;
	struct scene s;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		open_scene(&s, chips[i].name);
		a = map_fixed(s.gpu, MIB(30), A, 4 * PAGE);
		bar1_rd64(a, PAGE);
		sim_inject(s.sim, &ignore);
		assert_ok(nvbar_unmap(a));
		sim_inject(s.sim, NULL);
		assert_err(nvbar_check(s.gpu, &report), EIO);
		assert_int_equal(report.by_kind[NVBAR_PROBLEM_STALE_TLB], report.problems);
		assert_ok(map_pages(&s));
		close_scene(&s);
	}
}

/* --- open and close ------------------------------------------------------------- */

/* Opens with @option, or NULL; nothing may be left of a GPU that was not opened. */
static int try_open(const char *chip, const char *option, struct nvbar **gpu)
{
	long live = compat_alloc_live();
	char device[96];
	int ret;

	*gpu = UNTOUCHED;
	snprintf(device, sizeof(device), "sim:%s,vram=1G,bar1=64M,%s", chip, option);
	ret = nvbar_open(gpu, device, NULL);
	if (ret) {
		assert_ptr_equal(*gpu, UNTOUCHED);
		assert_int_equal(compat_alloc_live(), live);
	}
	return ret;
}

static void open_of_a_gpu_that_goes_away_leaves_nothing(void **state)
{
	struct nvbar *gpu;
	char option[32];
	size_t i, n;
	int ret;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		for (n = 1, ret = -1; ret; n += n < 60 ? 1 : 37) {
			snprintf(option, sizeof(option), "dead-at=%zu", n);
			ret = try_open(chips[i].name, option, &gpu);
			assert_true(!ret || ret == -ENODEV);
			assert_true(n < 5000);
		}
		nvbar_close(gpu);
	}
}

/* Waiting for a register: real time counts, as it passes on a busy machine, and pretended. */
struct wait {
	unsigned long long began, slept;
};

static struct wait wait_begin(void)
{
	return (struct wait){ ktime_get_ns(), compat_slept_ns() };
}

/* At least for one register, and not for ever */
static void wait_was(const struct wait *wait, unsigned long long max_s)
{
	assert_true(ktime_get_ns() - wait->began >= 2000000000);
	assert_true(compat_slept_ns() - wait->slept <= max_s * 1000000000 + 100000000);
}

static void open_tells_what_it_waited_for_in_vain(void **state)
{
	static const char *const options[] = {
		"boot-polls=never", "bind-polls=never", "invalidate-polls=never",
		"window-delay=1000000",
	};
	struct wait wait;
	struct nvbar *gpu;
	size_t i, o;

	(void)state;
	compat_sleep_pretend(true);
	for (i = 0; i < NR_CHIPS; i++) {
		for (o = 0; o < NR_OF(options); o++) {
			wait = wait_begin();
			assert_err(try_open(chips[i].name, options[o], &gpu), ETIMEDOUT);
			wait_was(&wait, 4);
		}
	}
	compat_sleep_pretend(false);
}

/*
 * Each thing takes some seconds, a poll of 20 us each: firmware 3 s, scrubbing for ever,
 * and then what never ends.  By itself each wait would be within its time.
 */
static void open_of_a_gpu_that_is_slow_in_all_has_a_bound(void **state)
{
	static const char *const options[] = {
		"boot-polls=150000,scrub-polls=never,bind-polls=never",
		"boot-polls=150000,scrub-polls=never,invalidate-polls=never",
		"boot-polls=150000,bind-polls=50000,window-delay=1000000",
		"boot-polls=never,bind-polls=never",
	};
	static const char *const some[] = { "ga102", "gh100" };
	struct nvbar *gpu;
	struct wait wait;
	size_t i, o;

	(void)state;
	compat_sleep_pretend(true);
	for (i = 0; i < NR_OF(some); i++) {
		for (o = 0; o < NR_OF(options); o++) {
			wait = wait_begin();
			assert_err(try_open(some[i], options[o], &gpu), ETIMEDOUT);
			wait_was(&wait, o == 3 ? 4 : 6);
		}
	}
	compat_sleep_pretend(false);
}

/* A bind that is ignored leaves BAR1 as it was: nothing may be written through it. */
static void open_sees_that_a_bind_was_ignored(void **state)
{
	struct nvbar *gpu;
	size_t i;

	(void)state;
	compat_sleep_pretend(true);
	for (i = 0; i < NR_CHIPS; i++)
		assert_err(try_open(chips[i].name, chips[i].mmu_version == 2 ?
				    "ignore-write=0xb80f40" : "ignore-write=0xb80f60", &gpu),
			   ETIMEDOUT);
	compat_sleep_pretend(false);
}

/* Whatever is left open, close gives all host memory back, and waits for nobody. */
static void close_of_a_gpu_that_goes_away_leaves_nothing(void **state)
{
	struct nvbar_prepared *prepared;
	long live;
	unsigned long nth;
	uint64_t before = 0, used = 0;
	struct scene s;
	size_t i;
	void *p;

	(void)state;
	rng_start(__func__);
	nvbar_forget_closed();
	live = compat_alloc_live();
	for (i = 0; i < NR_CHIPS; i++) {
		for (nth = 1; nth == 1 || nth <= used; nth += nth < 20 ? 1 : 1 + rng_below(20)) {
			struct sim_inject inject = { .dead_at = nth };
			unsigned long long slept = compat_slept_ns();

			open_scene(&s, chips[i].name);
			map_fixed(s.gpu, MIB(20) + PAGE, A, MIB(1));
			assert_ok(nvbar_mmap(s.spare, &p));
			assert_ok(nvbar_map_prepare(s.gpu, 3, NULL, &prepared));
			/* How many accesses there are is learnt from a GPU that stays. */
			if (nth == 1)
				inject.dead_at = 0;
			before = accesses(&s);
			sim_inject(s.sim, &inject);
			if (nth == 1) {
				assert_ok(nvbar_unmap(s.spare));
				used = 2 * (accesses(&s) - before + 600);	/* words are two */
			}
			nvbar_close(s.gpu);
			nvbar_forget_closed();
			assert_int_equal(compat_alloc_live(), live);
			assert_int_equal(compat_slept_ns(), slept);
		}
	}
}

/* One that does not get on is waited for, but not once for each mapping. */
static void close_of_a_gpu_that_is_stuck_has_a_bound(void **state)
{
	static const struct sim_inject inject[] = {
		{ .invalidate_stuck = true }, { .bind_stuck = true },
		{ .invalidate_stuck = true, .bind_stuck = true, .window_delay = SIM_NEVER - 1 },
	};
	struct wait wait;
	struct scene s;
	size_t i, k;

	(void)state;
	compat_sleep_pretend(true);
	for (i = 0; i < NR_OF(inject); i++) {
		open_scene(&s, "gh100");
		for (k = 0; k < 100; k++)
			map_fixed(s.gpu, MIB(20) + k * 3 * PAGE, A, PAGE);
		window_elsewhere(&s);
		sim_inject(s.sim, &inject[i]);
		wait = wait_begin();
		nvbar_close(s.gpu);
		wait_was(&wait, 4);
	}
	compat_sleep_pretend(false);
}

/* There are up to seven kinds of tables, and none of them can be reached. */
static void zeroing_of_tables_waits_for_the_window_once(void **state)
{
	const struct sim_inject inject = { .window_delay = SIM_NEVER - 1 };
	struct nvbar *gpu;
	struct wait wait;
	char device[32];
	size_t i;

	(void)state;
	compat_sleep_pretend(true);
	for (i = 0; i < NR_CHIPS; i++) {
		snprintf(device, sizeof(device), "sim:%s", chips[i].name);
		gpu = gpu_open(device);
		pramin_rd64(gpu, 0);
		sim_inject(nvbar_backend_sim_gpu(gpu->backend), &inject);
		wait = wait_begin();
		assert_int_equal(nvbar_zero_tables(gpu, MIB(1)), 0);
		wait_was(&wait, 2);
		sim_inject(nvbar_backend_sim_gpu(gpu->backend), NULL);
		assert_int_not_equal(nvbar_zero_tables(gpu, MIB(1)), 0);
		gpu_close(gpu);
	}
	compat_sleep_pretend(false);
}

static void a_map_that_waits_for_an_unmap_says_so(void **state)
{
	const struct sim_inject inject = { .invalidate_stuck = true };
	struct nvbar_access *all, *a = UNTOUCHED;
	struct nvbar *gpu;
	struct log_lines lines;

	(void)state;
	compat_sleep_pretend(true);
	assert_ok(open_logged(&gpu, "sim:ga102,vram=1G,bar1=64M", 0, &lines));
	all = map_fixed(gpu, 0, 0, MIB(64));
	sim_inject(nvbar_backend_sim_gpu(gpu->backend), &inject);
	assert_err(nvbar_unmap(all), ETIMEDOUT);
	assert_err(nvbar_map_pages(gpu, &(uint64_t){ 0 }, 1, 0, &a), ETIMEDOUT);
	assert_ptr_equal(a, UNTOUCHED);
	assert_non_null(strstr(lines.last, "map 0x1000 bytes: the GPU does not confirm the unmaps"));
	sim_inject(nvbar_backend_sim_gpu(gpu->backend), NULL);
	assert_ok(nvbar_map_pages(gpu, &(uint64_t){ 0 }, 1, 0, &a));
	gpu_close(gpu);
	compat_sleep_pretend(false);
}

static void no_test_here_met_a_warning(void **state)
{
	(void)state;
	assert_int_equal(compat_warn_count(), 0);
}

/* --- what no picture shows --------------------------------------------------- */

static void vram_is_not_handed_out_unzeroed_through_a_static_mapping(void **state)
{
	const struct nvbar_open_opts opts = { .size = sizeof(opts), .flags = NVBAR_OPEN_STATIC };
	const struct sim_inject dead = { .dead_at = 1 };
	struct nvbar_vram *vram = UNTOUCHED;
	struct sim_gpu *sim;
	struct nvbar *gpu;

	(void)state;
	assert_ok(nvbar_open(&gpu, "sim:ga102,bar1=1G,vram=1G", &opts));
	sim = nvbar_backend_sim_gpu(gpu->backend);
	sim_inject(sim, &dead);
	assert_err(nvbar_vram_alloc(gpu, MIB(1), NULL, &vram), ENODEV);
	assert_ptr_equal(vram, UNTOUCHED);
	assert_int_equal(sim_driver_errors(sim), 0);
	nvbar_close(gpu);
}

/* The pages are there, but take no data. */
static void vram_that_takes_no_zeroes_is_not_handed_out(void **state)
{
	const struct nvbar_vram_opts below = { .size = sizeof(below), .range_end = MIB(64) };
	struct nvbar_vram *vram = UNTOUCHED;
	struct nvbar_stats before, after;
	struct nvbar_fault fault = { .size = sizeof(fault) };
	struct nvbar *gpu;

	(void)state;
	assert_ok(nvbar_open(&gpu, "sim:ga102,vram=1G,poison=0x20000:0x10000", NULL));
	before = gpu_stats(gpu);
	assert_err(nvbar_vram_alloc(gpu, MIB(1), &below, &vram), EIO);
	assert_ptr_equal(vram, UNTOUCHED);
	nvbar_trim(gpu);
	after = gpu_stats(gpu);
	assert_same_state(&before, &after);
	assert_ok(nvbar_get_fault(gpu, &fault));
	assert_int_equal(fault.type, 0xe);	/* POISONED */
	assert_true(fault.write);

	/* Nor are they later, while that fault hides others, and has hidden some before. */
	assert_err(nvbar_vram_alloc(gpu, MIB(1), &below, &vram), EIO);
	assert_err(nvbar_vram_alloc(gpu, MIB(1), &below, &vram), EIO);
	assert_ptr_equal(vram, UNTOUCHED);

	/* It is no fault of the next one's, at the same address. */
	assert_ok(nvbar_vram_alloc(gpu, MIB(1), &(struct nvbar_vram_opts){
		.size = sizeof(below), .range_start = MIB(1) }, &vram));
	nvbar_vram_free(vram);
	sim_inject(nvbar_backend_sim_gpu(gpu->backend), NULL);
	gpu_close(gpu);
}

/* A stray access is to fault, whatever else there is where nothing is mapped. */
static const struct nvbar_open_opts strays_fault = {
	.size = sizeof(strays_fault), .flags = NVBAR_OPEN_FAULTS,
};

/* A read that the CPU makes on its own of VA that nobody has, as it may through a prefetchable BAR. */
static void stray_read(struct nvbar *gpu)
{
	sim_bar1_read(nvbar_backend_sim_gpu(gpu->backend), MIB(128), 4);
}

/* What a page that fails reads as is no data, and a write to it is told as lost. */
static void a_stray_fault_hides_no_other(void **state)
{
	const struct sim_inject bad = { .poison_pa = MIB(1), .poison_len = PAGE };
	const struct nvbar_extent ext[] = { { MIB(2), PAGE }, { MIB(1), PAGE } };
	struct nvbar_fault fault = { .size = sizeof(fault) };
	uint8_t block[2 * PAGE];
	struct nvbar_access *a;
	struct nvbar *gpu;
	uint32_t val;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		char device[64];

		snprintf(device, sizeof(device), "sim:%s,vram=1G", chips[i].name);
		assert_ok(nvbar_open(&gpu, device, &strays_fault));
		assert_ok(nvbar_map(gpu, ext, 2, NULL, &a));
		sim_inject(nvbar_backend_sim_gpu(gpu->backend), &bad);

		stray_read(gpu);
		val = 0x5a5a;
		assert_err(nvbar_read32(a, PAGE, &val), EIO);
		assert_int_equal(val, 0x5a5a);
		stray_read(gpu);
		assert_err(nvbar_read(a, 0, block, sizeof(block)), EIO);
		stray_read(gpu);
		assert_ok(nvbar_write32(a, PAGE + 8, 1));
		assert_err(nvbar_flush(a), EIO);
		assert_ok(nvbar_clear_fault(gpu));

		/* All ones that are data are data, stray fault or not. */
		assert_ok(nvbar_write32(a, 0, ~0u));
		assert_ok(nvbar_flush(a));
		stray_read(gpu);
		assert_ok(nvbar_read32(a, 0, &val));
		assert_int_equal(val, ~0u);
		assert_ok(nvbar_get_fault(gpu, &fault));
		assert_int_equal(fault.va, MIB(128));
		assert_null(strstr(fault.text, "in mapping"));
		assert_ok(nvbar_unmap(a));
		nvbar_close(gpu);
	}
}

/* A second thread that makes strays, asks for faults and clears them, and allocates. */
struct meddler {
	pthread_t thread;
	struct nvbar *gpu;
	bool stop;
};

static void *meddle(void *arg)
{
	const struct nvbar_vram_opts far = { .size = sizeof(far), .range_start = MIB(512) };
	struct nvbar_fault fault = { .size = sizeof(fault) };
	struct meddler *m = arg;
	struct nvbar_vram *vram;

	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		stray_read(m->gpu);
		nvbar_get_fault(m->gpu, &fault);
		assert_ok(nvbar_clear_fault(m->gpu));
		if (!nvbar_vram_alloc(m->gpu, KIB(64), &far, &vram))
			nvbar_vram_free(vram);
	}
	return NULL;
}

static void a_scrub_that_faulted_is_not_missed_whatever_other_threads_do(void **state)
{
	const struct nvbar_vram_opts below = { .size = sizeof(below), .range_end = MIB(64) };
	struct nvbar_vram *vram = UNTOUCHED;
	struct meddler m = { .stop = false };
	unsigned int i;

	(void)state;
	assert_ok(nvbar_open(&m.gpu, "sim:ga102,vram=1G,poison=0x20000:0x10000", &strays_fault));
	assert_int_equal(pthread_create(&m.thread, NULL, meddle, &m), 0);
	for (i = 0; i < 300; i++)
		assert_err(nvbar_vram_alloc(m.gpu, KIB(512), &below, &vram), EIO);
	__atomic_store_n(&m.stop, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(m.thread, NULL), 0);
	assert_ptr_equal(vram, UNTOUCHED);
	nvbar_close(m.gpu);
}

/* ... though nobody has seen the fault yet. */
static void a_scrub_is_not_blamed_for_who_had_its_address_before(void **state)
{
	const struct sim_inject bad = { .poison_pa = MIB(1), .poison_len = KIB(64) };
	struct nvbar *gpu = gpu_open("sim:ga102,vram=1G");
	struct sim_gpu *sim = nvbar_backend_sim_gpu(gpu->backend);
	struct nvbar_fault fault = { .size = sizeof(fault) };
	struct nvbar_vram *vram;
	struct nvbar_access *a;

	(void)state;
	a = map_fixed(gpu, 0, MIB(1), KIB(64));
	sim_inject(sim, &bad);
	assert_ok(nvbar_write32(a, 0, 1));
	assert_ok(nvbar_unmap(a));
	sim_inject(sim, NULL);
	assert_ok(nvbar_vram_alloc(gpu, KIB(64), NULL, &vram));
	nvbar_vram_free(vram);
	assert_ok(nvbar_get_fault(gpu, &fault));
	assert_int_equal(fault.va, 0);
	nvbar_close(gpu);
}

static void a_fault_is_not_blamed_on_who_has_the_address_later(void **state)
{
	const uint64_t bad = MIB(1) / PAGE, good = MIB(2) / PAGE;
	struct nvbar_fault fault = { .size = sizeof(fault) };
	struct nvbar_access *a;
	struct nvbar *gpu;
	uint32_t val;
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++) {
		char device[64];

		snprintf(device, sizeof(device), "sim:%s,vram=1G,poison=0x100000:0x1000",
			 chips[i].name);
		assert_ok(nvbar_open(&gpu, device, NULL));
		assert_ok(nvbar_map_pages(gpu, &bad, 1, 0, &a));
		assert_int_equal(nvbar_access_base(a), 0);
		assert_ok(nvbar_write32(a, 0, 1));
		assert_err(nvbar_flush(a), EIO);
		assert_err(nvbar_flush(a), EIO);
		assert_ok(nvbar_unmap(a));

		assert_ok(nvbar_map_pages(gpu, &good, 1, 0, &a));
		assert_int_equal(nvbar_access_base(a), 0);
		assert_ok(nvbar_write32(a, 0, ~0u));
		assert_ok(nvbar_read32(a, 0, &val));
		assert_int_equal(val, ~0u);
		assert_ok(nvbar_flush(a));
		assert_ok(nvbar_get_fault(gpu, &fault));
		assert_null(strstr(fault.text, "in mapping"));
		assert_ok(nvbar_unmap(a));

		/* Cleared, it is the next one's again. */
		assert_ok(nvbar_clear_fault(gpu));
		assert_ok(nvbar_map_pages(gpu, &bad, 1, 0, &a));
		assert_err(nvbar_read32(a, 0, &val), EIO);
		assert_ok(nvbar_get_fault(gpu, &fault));
		assert_non_null(strstr(fault.text, "in mapping 0x0+0x1000"));
		assert_ok(nvbar_unmap(a));
		gpu_close(gpu);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_without_host_memory_once_changes_nothing),
		cmocka_unit_test(a_call_without_host_memory_from_then_on_changes_nothing),
		cmocka_unit_test(a_gpu_that_goes_away_at_any_access_is_lost_and_no_more),
		cmocka_unit_test(an_invalidate_that_never_ends_loses_nothing),
		cmocka_unit_test(a_window_that_never_moves_loses_nothing),
		cmocka_unit_test(a_window_that_moves_late_loses_nothing),
		cmocka_unit_test(an_invalidate_that_was_ignored_is_found_by_the_check),
		cmocka_unit_test(open_of_a_gpu_that_goes_away_leaves_nothing),
		cmocka_unit_test(open_tells_what_it_waited_for_in_vain),
		cmocka_unit_test(open_of_a_gpu_that_is_slow_in_all_has_a_bound),
		cmocka_unit_test(open_sees_that_a_bind_was_ignored),
		cmocka_unit_test(close_of_a_gpu_that_goes_away_leaves_nothing),
		cmocka_unit_test(close_of_a_gpu_that_is_stuck_has_a_bound),
		cmocka_unit_test(zeroing_of_tables_waits_for_the_window_once),
		cmocka_unit_test(a_map_that_waits_for_an_unmap_says_so),
		cmocka_unit_test(vram_is_not_handed_out_unzeroed_through_a_static_mapping),
		cmocka_unit_test(vram_that_takes_no_zeroes_is_not_handed_out),
		cmocka_unit_test(a_stray_fault_hides_no_other),
		cmocka_unit_test(a_scrub_that_faulted_is_not_missed_whatever_other_threads_do),
		cmocka_unit_test(a_scrub_is_not_blamed_for_who_had_its_address_before),
		cmocka_unit_test(a_fault_is_not_blamed_on_who_has_the_address_later),
		cmocka_unit_test(no_test_here_met_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
