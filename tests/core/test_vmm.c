// SPDX-License-Identifier: MIT
/*
 * The driver on the modelled GPU, seen from inside: what it leaves behind when
 * the GPU does not get on, and what its parts may see of each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/bits.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <nvbar_compat.h>

#include "attach.h"
#include "bar_user.h"
#include "check.h"
#include "gpu.h"
#include "pramin.h"
#include "sim.h"
#include "vram.h"

/* A modelled GPU, and a note of what was done to it. */
static struct sim_gpu *sim;
static struct nvbar_gpu gpu;
static bool stuck;	/* invalidates don't end */
static bool bind_stuck;	/* nor do binds */
static unsigned int nr_invalidates;
static unsigned int hangs_at;	/* from this invalidate on neither ends; 0 is never */
static bool unscrubbed;	/* VRAM may still be scrubbed by the GPU ... */
static bool forgetful;	/* ... and is, so that what is written there does not stay */
static bool dies;	/* when it is next read back */
static bool will_stick;	/* the window, from the next ordering read on */
static bool faults_elsewhere;	/* whenever BAR1 is written, ... */
static unsigned int nr_faults;	/* ... so often */
/* b write barrier, p PRAMIN write, r PRAMIN read, i invalidate, f BAR1 fill, R BAR1 read */
static char order[4096];
static size_t nr_order;
static u32 last_invalidate;
static unsigned int nr_writes;

static void note(char what)
{
	if (nr_order < sizeof(order) - 1 && (!nr_order || order[nr_order - 1] != what))
		order[nr_order++] = what;
	order[nr_order] = '\0';
}

static void forget_order(void)
{
	nr_order = 0;
	order[0] = '\0';
}

static bool is_pramin(u32 off)
{
	return off >= 0x700000 && off < 0x800000;
}

/*
 * The driver's region word by word: was it written since the GPU was
 * attached, and pointers to tables that were not yet, when they were written.
 */
static bool written[SZ_4M / 8];
static u64 window;
static unsigned int nr_early;

/* What an entry at @pa would point to, if it is in a directory. */
static const struct nvbar_pt_level *level_below(u64 pa, bool *big)
{
	const struct nvbar_pt *pt = &gpu.vmm.pt;
	unsigned int l;

	for (l = 1; l < pt->fmt->nr_levels; l++) {
		const struct nvbar_pt_level *level = &pt->level[l];

		if (pa < level->pa || pa >= level->pa + level->nr_tables * level->table_bytes)
			continue;
		*big = l == 1 && !(pa & 8);
		return *big ? &pt->big : &pt->level[l - 1];
	}
	return NULL;
}

static void note_word(u64 pa, u64 val)
{
	const struct nvbar_pt_level *below;
	u64 i, first;
	bool big;

	if (pa < gpu.reserved_pa || pa - gpu.reserved_pa >= SZ_4M)
		return;
	written[(pa - gpu.reserved_pa) / 8] = true;
	below = level_below(pa, &big);
	if (!below || !val || (val & 1))
		return;
	/* A GH100's entry holds the address in place. */
	first = ((val & (big ? GENMASK_ULL(51, 8) : GENMASK_ULL(51, 12))) - gpu.reserved_pa) / 8;
	for (i = first; i < first + below->table_bytes / 8; i++) {
		if (!written[i]) {
			nr_early++;
			return;
		}
	}
}

static u64 hw_read(void *hw, u32 off, unsigned int width)
{
	(void)hw;
	if (is_pramin(off)) {
		note('r');
		if (will_stick)
			sim_inject(sim, &(struct sim_inject){ .window_delay = SIM_NEVER - 1 });
	}
	if (off == 0xb830b0 && stuck)
		return 0x80000005;
	if (off == 0xb80f60 && bind_stuck)
		return sim_bar0_read(sim, off, width) | 0x3;
	if (off == 0x100b20 && unscrubbed)
		return 0xbadf0200;
	return sim_bar0_read(sim, off, width);
}

static void hw_write(void *hw, u32 off, unsigned int width, u64 val)
{
	(void)hw;
	if (is_pramin(off)) {
		note('p');
		note_word(window + off - 0x700000, val);
	}
	if (off == 0x10fd40)
		window = val << 16;
	if (off == 0xb830b0) {
		note('i');
		last_invalidate = val;
		if (++nr_invalidates == hangs_at)
			stuck = bind_stuck = true;
	}
	nr_writes++;
	if (forgetful && is_pramin(off) && window + off - 0x700000 < gpu.reserved_pa)
		return;
	sim_bar0_write(sim, off, width, val);
}

static void die(void)
{
	sim_inject(sim, &(struct sim_inject){ .dead_at = 1 });
}

static void hw_read_words(void *hw, u32 off, u64 *dst, size_t nr)
{
	if (dies)
		die();
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
	note('R');
	return sim_bar1_read(sim, off, width);
}

static void hw_bar1_fill(void *hw, u64 off, u32 pattern, size_t len)
{
	(void)hw;
	note('f');
	if (faults_elsewhere) {
		sim_bar1_read(sim, SZ_64M - SZ_4K, 4);
		nr_faults++;
	}
	if (!forgetful)
		sim_bar1_fill(sim, off, pattern, len);
}

static void hw_bar1_copy_from(void *hw, void *dst, u64 off, size_t len)
{
	(void)hw;
	if (dies)
		die();
	sim_bar1_copy_from(sim, dst, off, len);
}

static void hw_write_barrier(void *hw)
{
	(void)hw;
	note('b');
}

static const struct nvbar_hw_ops ops = {
	.bar0_read = hw_read,
	.bar0_write = hw_write,
	.bar0_read_words = hw_read_words,
	.bar0_write_words = hw_write_words,
	.bar0_write_entries = hw_write_words,
	.bar1_read = hw_bar1_read,
	.bar1_copy_from = hw_bar1_copy_from,
	.bar1_fill = hw_bar1_fill,
	.write_barrier = hw_write_barrier,
};

static int start_with(u64 vram_size, u64 bar1_size)
{
	const struct sim_config cfg = {
		.chip = "gh100", .vram_size = vram_size, .bar1_size = bar1_size,
		.no_bar1 = !bar1_size,
	};

	stuck = forgetful = dies = will_stick = faults_elsewhere = false;
	memset(&gpu, 0, sizeof(gpu));
	memset(written, 0, sizeof(written));
	nr_early = nr_faults = 0;
	if (sim_create(&cfg, &sim, NULL, 0))
		return -1;
	return nvbar_gpu_attach(&gpu, &ops, NULL, bar1_size, 0);
}

static int start(void **state)
{
	(void)state;
	return start_with(8ULL * SZ_1G, SZ_64M);
}

static int start_unscrubbed(void **state)
{
	int ret;

	unscrubbed = true;
	ret = start(state);
	unscrubbed = false;
	return ret;
}

static int start_unscrubbed_without_bar1(void **state)
{
	int ret;

	(void)state;
	unscrubbed = true;
	ret = start_with(8ULL * SZ_1G, 0);
	unscrubbed = false;
	return ret;
}

static int start_with_host_pages_of_64k(void **state)
{
	compat_page_size_pretend(SZ_64K);
	return start(state);
}

static int start_with_large_bar1(void **state)
{
	(void)state;
	return start_with(8ULL * SZ_1G, SZ_1G);
}

static int start_with_large_vram(void **state)
{
	(void)state;
	return start_with(512ULL * SZ_1G, SZ_64M);
}

static int stop(void **state)
{
	u64 errors;

	(void)state;
	nvbar_gpu_detach(&gpu);
	nvbar_gpu_free_handles(&gpu, 0);
	errors = sim_driver_errors(sim);
	sim_destroy(sim);
	return errors != nr_faults;
}

static int stop_with_host_pages_of_64k(void **state)
{
	int ret = stop(state);

	compat_page_size_pretend(0);
	return ret;
}

static struct nvbar_span every_other_page(const void *arg, size_t i)
{
	return (struct nvbar_span){ *(const u64 *)arg + 2 * i * SZ_4K, SZ_4K };
}

static struct nvbar_access *map_scattered(u64 pa, size_t nr)
{
	const struct nvbar_bar_user_opts opts = { .flags = NVBAR_VMM_PRIVATE };
	const struct nvbar_spans spans = { every_other_page, &pa, nr };
	struct nvbar_access *access = nvbar_bar_user_map(&gpu, &spans, &opts);

	assert_false(IS_ERR(access));
	return access;
}

static struct nvbar_access *map_page_at(u64 va)
{
	const struct nvbar_bar_user_opts opts = { .flags = NVBAR_VMM_FIXED, .va = va };
	const u64 pa = SZ_1G;
	const struct nvbar_spans spans = { every_other_page, &pa, 1 };

	return nvbar_bar_user_map(&gpu, &spans, &opts);
}

static struct nvbar_span page_of_64k(const void *arg, size_t i)
{
	return (struct nvbar_span){ *(const u64 *)arg + i * SZ_64K, SZ_64K };
}

static struct nvbar_access *map_64k(u64 pa)
{
	const struct nvbar_bar_user_opts opts = { .flags = NVBAR_VMM_PRIVATE };
	const struct nvbar_spans spans = { page_of_64k, &pa, 1 };
	struct nvbar_access *access = nvbar_bar_user_map(&gpu, &spans, &opts);
	struct nvbar_pte pte;

	assert_false(IS_ERR(access));
	assert_int_equal(nvbar_pt_lookup(&gpu, access->base, &pte), 16);
	return access;
}

static void assert_consistent(void)
{
	struct nvbar_check check = { 0 };

	assert_int_equal(nvbar_check_run(&gpu, &check), 0);
}

static void a_range_is_quarantined_until_an_invalidate_succeeds(void **state)
{
	struct nvbar_access *access = map_scattered(SZ_1G, SZ_64M / SZ_4K);

	(void)state;
	compat_sleep_pretend(true);
	stuck = true;
	assert_int_equal(nvbar_bar_user_release(access), -ETIMEDOUT);
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), 0);
	stuck = false;
	compat_sleep_pretend(false);

	/* The whole aperture is in quarantine; who needs room asks the GPU again. */
	access = map_scattered(SZ_1G, 1);
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), SZ_64M - SZ_4K);
	assert_int_equal(nvbar_bar_user_release(access), 0);
	assert_consistent();
}

static void a_range_stays_in_quarantine_while_an_invalidate_is_stuck(void **state)
{
	struct nvbar_access *access = map_scattered(SZ_1G, 3);

	(void)state;
	compat_sleep_pretend(true);
	stuck = true;
	assert_int_equal(nvbar_bar_user_release(access), -ETIMEDOUT);
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), SZ_64M - 3 * SZ_4K);
	nvbar_vmm_trim(&gpu);
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), SZ_64M - 3 * SZ_4K);
	stuck = false;
	nvbar_vmm_trim(&gpu);
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), SZ_64M);
	compat_sleep_pretend(false);
	assert_consistent();
}

/*
 * Two pages are in quarantine, and the GPU confirms nothing.  Only who would get a
 * range by that hears of it, and only he has to wait.
 */
static void a_quarantine_is_blamed_for_what_it_holds_alone(void **state)
{
	struct nvbar_bar_user_opts opts = { .flags = NVBAR_VMM_FIXED | NVBAR_VMM_PRIVATE };
	struct nvbar_access *live = map_scattered(SZ_1G, 2), *held = map_scattered(SZ_2G, 2);
	u64 live_va = live->base, held_va = held->base, pa = SZ_1G;
	struct nvbar_spans spans = { every_other_page, &pa, 1 };
	const u64 all = SZ_64M / SZ_4K;
	struct nvbar_access *access;

	(void)state;
	compat_sleep_pretend(true);
	stuck = true;
	assert_int_equal(nvbar_bar_user_release(held), -ETIMEDOUT);
	assert_int_equal(live_va, 0);
	assert_int_equal(held_va, SZ_8K);
	last_invalidate = 0;

	/* A live mapping's address: its first, its last, and on into what is in quarantine */
	assert_int_equal(PTR_ERR(nvbar_bar_user_map(&gpu, &spans, &opts)), -EEXIST);
	opts.va = SZ_4K;
	assert_int_equal(PTR_ERR(nvbar_bar_user_map(&gpu, &spans, &opts)), -EEXIST);
	spans.nr = 3;
	assert_int_equal(PTR_ERR(nvbar_bar_user_map(&gpu, &spans, &opts)), -EEXIST);
	/* All of the aperture; all that is free; and then all but what is in quarantine is held */
	opts.flags = NVBAR_VMM_PRIVATE;
	opts.va = 0;
	assert_int_equal(PTR_ERR(nvbar_bar_user_prepare(&gpu, all, &opts)), -ENOSPC);
	access = nvbar_bar_user_prepare(&gpu, all - 4, &opts);
	assert_false(IS_ERR(access));
	assert_int_equal(PTR_ERR(nvbar_bar_user_prepare(&gpu, 3, &opts)), -ENOSPC);
	assert_int_equal(last_invalidate, 0);
	assert_int_equal(PTR_ERR(nvbar_bar_user_prepare(&gpu, 2, &opts)), -ETIMEDOUT);
	assert_int_equal(nvbar_bar_user_release(access), 0);

	/* What the quarantine has, in whole and in part, and what needs it to be long enough */
	assert_int_equal(PTR_ERR(nvbar_bar_user_prepare(&gpu, all - 2, &opts)), -ETIMEDOUT);
	assert_int_equal(PTR_ERR(nvbar_bar_user_prepare(&gpu, all - 3, &opts)), -ETIMEDOUT);
	opts.flags = NVBAR_VMM_FIXED | NVBAR_VMM_PRIVATE;
	opts.va = held_va;
	spans.nr = 2;
	assert_int_equal(PTR_ERR(nvbar_bar_user_map(&gpu, &spans, &opts)), -ETIMEDOUT);
	opts.va = held_va + SZ_4K;
	assert_int_equal(PTR_ERR(nvbar_bar_user_map(&gpu, &spans, &opts)), -ETIMEDOUT);
	stuck = false;
	access = nvbar_bar_user_map(&gpu, &spans, &opts);
	assert_false(IS_ERR(access));
	assert_int_equal(nvbar_bar_user_release(access), 0);
	compat_sleep_pretend(false);
	assert_int_equal(nvbar_bar_user_release(live), 0);
	assert_consistent();
}

/*
 * A machine with pages of 64 KiB: all of BAR1 is held by mappings of 4 KiB each, and
 * what each has beside it in its page is nobody's room, confirmed unmap or not.
 */
static void a_quarantine_is_not_blamed_for_what_others_hold_beside_them(void **state)
{
	const struct nvbar_bar_user_opts opts = { .flags = NVBAR_VMM_PRIVATE };
	static struct nvbar_access *held[SZ_64M / SZ_64K];
	struct nvbar_access *access;
	unsigned long long slept;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(held); i++)
		held[i] = map_scattered(SZ_1G + i * SZ_64K, 1);
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), 0);
	compat_sleep_pretend(true);
	stuck = true;
	assert_int_equal(nvbar_bar_user_release(held[500]), -ETIMEDOUT);

	slept = compat_slept_ns();
	assert_int_equal(PTR_ERR(nvbar_bar_user_prepare(&gpu, 17, &opts)), -ENOSPC);
	assert_int_equal(compat_slept_ns(), slept);
	assert_int_equal(PTR_ERR(nvbar_bar_user_prepare(&gpu, 16, &opts)), -ETIMEDOUT);
	assert_int_equal(nvbar_bar_user_release(held[501]), -ETIMEDOUT);
	assert_int_equal(PTR_ERR(nvbar_bar_user_prepare(&gpu, 17, &opts)), -ETIMEDOUT);
	stuck = false;
	compat_sleep_pretend(false);

	access = nvbar_bar_user_prepare(&gpu, 17, &opts);
	assert_false(IS_ERR(access));
	assert_int_equal(nvbar_bar_user_release(access), 0);
	for (i = 0; i < ARRAY_SIZE(held); i++)
		if (i != 500 && i != 501)
			assert_int_equal(nvbar_bar_user_release(held[i]), 0);
	assert_consistent();
}

/* A map asks for less than an unmap, unless it ends a quarantine on the way. */
static void who_ends_the_quarantine_waits_for_all_of_it(void **state)
{
	struct nvbar_access *access[2] = { map_scattered(SZ_1G, 3), map_scattered(SZ_1G, 1) };

	(void)state;
	compat_sleep_pretend(true);
	stuck = true;
	assert_int_equal(nvbar_bar_user_release(access[0]), -ETIMEDOUT);
	last_invalidate = 0;
	/* Not so much as asked for, while the one before is under way */
	assert_int_equal(nvbar_bar_user_release(access[1]), -ETIMEDOUT);
	assert_int_equal(last_invalidate, 0);
	stuck = false;
	compat_sleep_pretend(false);

	access[0] = map_scattered(SZ_1G, 1);
	assert_int_equal(last_invalidate, 0x800000c5);
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), SZ_64M - SZ_4K);
	access[1] = map_scattered(SZ_1G, 1);
	assert_int_equal(last_invalidate, 0x80000005);
	assert_int_equal(nvbar_bar_user_release(access[0]), 0);
	assert_int_equal(nvbar_bar_user_release(access[1]), 0);
	assert_consistent();
}

static void a_trim_makes_the_gpu_forget_what_it_unlinked(void **state)
{
	(void)state;
	assert_int_equal(nvbar_bar_user_release(map_scattered(SZ_1G, 1)), 0);
	forget_order();
	nvbar_vmm_trim(&gpu);
	assert_string_equal(order, "pri");

	/* There is nothing left to do. */
	forget_order();
	nvbar_vmm_trim(&gpu);
	assert_string_equal(order, "");
}

/* The window is elsewhere and stays there, or it moves once more. */
static void window_sticks(bool sticks)
{
	const struct sim_inject inject = { .window_delay = sticks ? SIM_NEVER - 1 : 0 };
	u64 val;

	if (sticks)
		assert_int_equal(nvbar_pramin_rd(&gpu, 0, 8, &val), 0);
	sim_inject(sim, &inject);
	compat_sleep_pretend(sticks);
}

static void writes_that_the_window_kept_back_are_made_later(void **state)
{
	struct nvbar_access *kept = map_64k(SZ_1G), *access = map_64k(SZ_2G);

	(void)state;
	window_sticks(true);
	assert_int_equal(nvbar_bar_user_release(access), -ETIMEDOUT);
	window_sticks(false);
	nvbar_vmm_trim(&gpu);
	assert_consistent();
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), SZ_64M - SZ_64K);
	assert_int_equal(nvbar_bar_user_release(kept), 0);
}

/* What was not written of a mapping that failed is not taken for written by the next. */
static void a_mapping_that_the_window_kept_back_leaves_nothing_half_written(void **state)
{
	const struct nvbar_bar_user_opts opts = { 0 };
	u64 pa = SZ_1G;
	const struct nvbar_spans spans = { every_other_page, &pa, 700 };
	struct nvbar_access *access;

	(void)state;
	window_sticks(true);
	assert_ptr_equal(nvbar_bar_user_map(&gpu, &spans, &opts), ERR_PTR(-ETIMEDOUT));
	window_sticks(false);
	access = nvbar_bar_user_map(&gpu, &spans, &opts);
	assert_false(IS_ERR(access));
	assert_consistent();
	assert_int_equal(nvbar_bar_user_release(access), 0);
}

static void a_mapping_that_the_gpu_does_not_confirm_is_undone(void **state)
{
	const struct nvbar_bar_user_opts opts = { 0 };
	u64 pa = SZ_1G;
	const struct nvbar_spans spans = { every_other_page, &pa, 700 };

	(void)state;
	compat_sleep_pretend(true);
	stuck = true;
	assert_ptr_equal(nvbar_bar_user_map(&gpu, &spans, &opts), ERR_PTR(-ETIMEDOUT));
	stuck = false;
	compat_sleep_pretend(false);
	nvbar_vmm_trim(&gpu);
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), SZ_64M);
}

/* What the CPU still buffers must not arrive after its entry is gone. */
static void buffered_writes_leave_before_entries_are_cleared(void **state)
{
	struct nvbar_access *access = map_scattered(SZ_1G, 2);

	(void)state;
	forget_order();
	assert_int_equal(nvbar_bar_user_release(access), 0);
	assert_string_equal(order, "bpri");
}

/* hardware.md 8.3: hub only 0x80000005; with membar and global acknowledge 0x800000c5 */
static void an_unmap_waits_for_accesses_by_the_old_entries(void **state)
{
	struct nvbar_access *access = map_scattered(SZ_1G, 2);

	(void)state;
	assert_int_equal(last_invalidate, 0x80000005);
	assert_int_equal(nvbar_bar_user_release(access), 0);
	assert_int_equal(last_invalidate, 0x800000c5);
}

/* The MMU may follow a pointer as soon as it is there. */
static void a_table_is_written_before_what_points_to_it(void **state)
{
	struct nvbar_access *small = map_scattered(SZ_1G, 700), *big = map_64k(SZ_2G);

	(void)state;
	assert_int_equal(nr_early, 0);
	assert_int_equal(nvbar_bar_user_release(small), 0);
	assert_int_equal(nvbar_bar_user_release(big), 0);
	nvbar_vmm_trim(&gpu);
	assert_int_equal(nvbar_bar_user_release(map_scattered(SZ_1G, SZ_64M / SZ_4K)), 0);
	assert_int_equal(nr_early, 0);
}

/*
 * A list of a user whose other threads change it: from fetch @when on, counted from 0,
 * span @at is @other.  Each element's fetches are counted.
 */
struct fickle {
	struct nvbar_span span[2048];
	size_t at;
	unsigned int when;
	struct nvbar_span other;
	unsigned int fetches[2048];
};

static struct nvbar_span fickle_get(const void *arg, size_t i)
{
	struct fickle *list = (struct fickle *)arg;

	return list->fetches[i]++ >= list->when && i == list->at ? list->other : list->span[i];
}

/* Lists that take leaf tables, and large leaves, and a mix of both; the middle one changes. */
static void fill_list(struct fickle *list, unsigned int kind, size_t nr)
{
	static const u64 lens[] = { SZ_4K, SZ_64K, SZ_2M, 0, SZ_8K };
	u64 len, pa = SZ_1G;
	size_t i;

	memset(list, 0, sizeof(*list));
	list->at = nr / 2;
	list->when = ~0u;
	for (i = 0; i < nr; i++) {
		len = lens[kind == 3 ? i % 3 : kind];
		pa = round_up(pa + SZ_4K, len);
		list->span[i] = (struct nvbar_span){ pa, len };
		pa += len;
	}
}

/* A handle that was given may be used: it leads to pages that may be written, all along. */
static void assert_allowed(const struct nvbar_access *access)
{
	struct nvbar_pte pte;
	u64 off;

	for (off = 0; off < access->size; off += SZ_4K) {
		nvbar_pt_lookup(&gpu, access->base + off, &pte);
		assert_int_equal(pte.state, NVBAR_ENTRY_VALID);
		assert_true(pte.addr < gpu.reserved_pa);
	}
}

/* Maps @nr elements of @kind of which one changes to each of many others at each fetch. */
static void map_changing(unsigned int kind, size_t nr, u32 flags, bool first, unsigned int *refused)
{
	static struct fickle list;
	const struct nvbar_bar_user_opts opts = { .flags = flags };
	const struct nvbar_spans spans = { fickle_get, &list, nr };
	const struct nvbar_span others[] = {
		{ gpu.reserved_pa, SZ_4K },		/* the driver's tables */
		{ SZ_2G + 8, SZ_4K }, { SZ_2G, 0 }, { SZ_2G, SZ_4K - 8 },
		{ SZ_2G, SZ_64M }, { SZ_2G, SZ_8K }, { SZ_2G, ~0ULL },
		{ ~0ULL << 12, SZ_4K }, { ~0ULL << 12, SZ_8K }, { 1ULL << 50, SZ_2M },
		{ SZ_2G, SZ_2M }, { SZ_2G + SZ_4K, SZ_64K }, { SZ_2G, SZ_4K },
	};
	u64 was = gpu.vmm.va.free_bytes;
	struct nvbar_access *access;
	unsigned int when, last;
	size_t o;

	fill_list(&list, kind, nr);
	assert_int_equal(nvbar_bar_user_release(nvbar_bar_user_map(&gpu, &spans, &opts)), 0);
	last = list.fetches[list.at];
	for (o = 0; o < ARRAY_SIZE(others); o++) {
		for (when = 0; when < last; when++) {
			fill_list(&list, kind, nr);
			if (first)
				list.at = 0;
			list.when = when;
			list.other = others[o];
			access = nvbar_bar_user_map(&gpu, &spans, &opts);
			assert_consistent();
			if (IS_ERR(access)) {
				*refused += 1;
			} else {
				assert_allowed(access);
				assert_int_equal(nvbar_bar_user_release(access), 0);
			}
			assert_int_equal(gpu.vmm.va.free_bytes, was);
		}
	}
}

/* Each element is checked and made an entry by the same fetch; others are looked at before. */
static void a_list_that_changes_is_mapped_as_checked_or_not_at_all(void **state)
{
	static const size_t nr[] = { 1500, 100, 5, 9, 700 };
	const struct nvbar_bar_user_opts shared = { 0 };
	static struct fickle list;
	unsigned int kind, refused = 0;

	(void)state;
	/* Warm tables, which entries are changed in, and a neighbour in the first of them. */
	assert_int_equal(nvbar_bar_user_release(map_scattered(SZ_4G, 8192)), 0);
	map_scattered(SZ_4G, 3);
	for (kind = 0; kind < ARRAY_SIZE(nr); kind++) {
		const struct nvbar_spans spans = { fickle_get, &list, nr[kind] };

		map_changing(kind, nr[kind], NVBAR_VMM_PRIVATE, false, &refused);
		/* ... and where it could be shared, until it changes. */
		fill_list(&list, kind, nr[kind]);
		assert_false(IS_ERR(nvbar_bar_user_map(&gpu, &spans, &shared)));
		map_changing(kind, nr[kind], 0, false, &refused);
		map_changing(kind, nr[kind], 0, true, &refused);
	}
	assert_true(refused > 100);
}

/* What was prepared has room for any pages, and its length is known. */
static void an_execute_fetches_each_element_twice(void **state)
{
	static struct fickle list;
	const struct nvbar_bar_user_opts opts = { .flags = NVBAR_VMM_PRIVATE };
	const struct nvbar_spans spans = { fickle_get, &list, 600 };
	struct nvbar_access *access = nvbar_bar_user_prepare(&gpu, 600, &opts);
	long live = compat_alloc_live();
	size_t i;

	(void)state;
	assert_false(IS_ERR(access));
	fill_list(&list, 0, 600);
	assert_int_equal(nvbar_bar_user_execute(access, &spans), 0);
	assert_true(compat_alloc_live() <= live);
	for (i = 0; i < spans.nr; i++)
		assert_int_equal(list.fetches[i], 2);
	assert_int_equal(nvbar_bar_user_release(access), 0);
}

static void assert_vram_is_zero(u64 pa, u64 len)
{
	u64 word;

	for (; len; pa += 8, len -= 8) {
		assert_true(sim_vram_peek(sim, pa, &word, 8));
		assert_int_equal(word, 0);
	}
}

/* By PRAMIN and by BAR1, memory is zero in VRAM when it is given out, not just on its way. */
static void zeroes_have_arrived_when_memory_is_given_out(void **state)
{
	struct nvbar_vram *small, *large;

	(void)state;
	forget_order();
	small = nvbar_vram_create(&gpu, &(struct nvbar_vram_request){ .size = SZ_4K });
	assert_false(IS_ERR(small));
	assert_string_equal(order, "pr");
	assert_vram_is_zero(small->span[0].pa, SZ_4K);

	forget_order();
	large = nvbar_vram_create(&gpu, &(struct nvbar_vram_request){ .size = SZ_64K });
	assert_false(IS_ERR(large));
	assert_string_equal(order, "prifbRbpri");
	assert_vram_is_zero(large->span[0].pa, SZ_64K);
	nvbar_vram_destroy(small);
	nvbar_vram_destroy(large);
}

/* Small ones are zeroed by PRAMIN, large ones by BAR1. */
static void vram_that_may_still_be_scrubbed_is_read_back(void **state)
{
	static const u64 sizes[] = { SZ_4K, SZ_64K, SZ_64K + SZ_4K }, ones = ~0ULL;
	struct nvbar_vram *vram;
	unsigned int i;
	u64 pa;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct nvbar_vram_request req = { .size = sizes[i] };

		vram = nvbar_vram_create(&gpu, &req);
		assert_false(IS_ERR(vram));
		assert_vram_is_zero(vram->span[0].pa, sizes[i]);
		pa = vram->span[0].pa;
		sim_vram_poke(sim, pa + sizes[i] - 8, &sizes[i], 8);
		nvbar_vram_destroy(vram);
		forgetful = true;
		assert_ptr_equal(nvbar_vram_create(&gpu, &req), ERR_PTR(-EIO));
		/* All ones, too, of a GPU that answers. */
		sim_vram_poke(sim, pa, &ones, 8);
		assert_ptr_equal(nvbar_vram_create(&gpu, &req), ERR_PTR(-EIO));
		forgetful = false;
	}
}

/* Without BAR1 all goes through the window, which has to go back for it. */
static void vram_that_cant_be_read_back_is_not_given_out(void **state)
{
	const struct nvbar_vram_request req = { .size = SZ_2M };

	(void)state;
	compat_sleep_pretend(true);
	will_stick = true;
	assert_ptr_equal(nvbar_vram_create(&gpu, &req), ERR_PTR(-ETIMEDOUT));
	will_stick = false;
	sim_inject(sim, NULL);
	compat_sleep_pretend(false);
	assert_ptr_equal(map_page_at(0), ERR_PTR(-EOPNOTSUPP));
}

static void a_gpu_that_dies_as_vram_is_read_back_is_gone(void **state)
{
	static const u64 sizes[] = { SZ_4K, SZ_64K };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct nvbar_vram_request req = { .size = sizes[i] };

		dies = true;
		assert_ptr_equal(nvbar_vram_create(&gpu, &req), ERR_PTR(-ENODEV));
		assert_true(sim_is_gone(sim));
		sim_inject(sim, NULL);
		if (!i) {
			assert_int_equal(stop(state), 0);
			assert_int_equal(start_unscrubbed(state), 0);
		}
	}
}

/* The GPU latches one fault: whether a zero met another is seen from the memory. */
static void zeroes_that_others_faults_hide_are_looked_at(void **state)
{
	const struct nvbar_vram_request req = { .size = SZ_64K };
	struct nvbar_vram *vram;

	(void)state;
	faults_elsewhere = true;
	vram = nvbar_vram_create(&gpu, &req);
	assert_false(IS_ERR(vram));
	assert_vram_is_zero(vram->span[0].pa, SZ_64K);
	sim_vram_poke(sim, vram->span[0].pa, "\1", 1);
	nvbar_vram_destroy(vram);
	forgetful = true;
	assert_ptr_equal(nvbar_vram_create(&gpu, &req), ERR_PTR(-EIO));
}

/* ... by each part, whoever calls it. */
static void a_lost_gpu_is_not_asked(void **state)
{
	struct nvbar_access *access = map_scattered(SZ_1G, 3);
	void *cpu;

	(void)state;
	assert_int_equal(nvbar_gpu_lose(&gpu, "for this test"), -ENODEV);
	forget_order();
	nr_writes = 0;
	assert_ptr_equal(map_page_at(SZ_1M), ERR_PTR(-ENODEV));
	assert_int_equal(nvbar_access_mmap(access, &cpu), -ENODEV);
	assert_int_equal(nvbar_access_flush(access), -ENODEV);
	assert_int_equal(nvbar_gpu_may_write(&gpu), -ENODEV);
	assert_int_equal(nvbar_vmm_order_writes(&gpu), -ENODEV);
	assert_int_equal(nvbar_rd32(&gpu, 0x000000), ~0u);
	nvbar_wr32(&gpu, 0x10fd40, 1);
	assert_int_equal(nr_writes, 0);
	assert_string_equal(order, "");
}

/* An owner who was killed: its GPU is attached once more, as by another. */
static int attach_again(struct nvbar_gpu *other)
{
	memset(other, 0, sizeof(*other));
	return nvbar_gpu_attach(other, &ops, NULL, SZ_64M, 0);
}

static void an_earlier_owners_translations_are_forgotten(void **state)
{
	static struct nvbar_gpu other;
	struct nvbar_access *access = map_scattered(SZ_1G, 3);

	(void)state;
	sim_bar1_read(sim, access->base, 4);
	assert_int_equal(attach_again(&other), 0);
	assert_int_equal(sim_tlb_stale(sim), 0);
	nvbar_gpu_detach(&other);
}

/*
 * Nobody has used the static mapping that the GPU does not confirm: it is asked for
 * that once, and once to unbind BAR1.
 */
static void an_attach_does_not_wait_again_and_again_for_a_gpu_that_hangs(void **state)
{
	const struct sim_config cfg = {
		.chip = "gh100", .vram_size = SZ_256M, .bar1_size = SZ_256M,
	};
	static struct nvbar_gpu other;
	unsigned long long slept;

	(void)state;
	assert_int_equal(sim_create(&cfg, &sim, NULL, 0), 0);
	memset(&other, 0, sizeof(other));
	compat_sleep_pretend(true);
	slept = compat_slept_ns();
	nr_invalidates = 0;
	hangs_at = 2;	/* the first is before the bind */
	assert_int_equal(nvbar_gpu_attach(&other, &ops, NULL, SZ_256M, NVBAR_GPU_STATIC),
			 -ETIMEDOUT);
	slept = compat_slept_ns() - slept;
	assert_true(nr_invalidates >= hangs_at);
	assert_true(slept <= 4100000000);
	hangs_at = 0;
	stuck = bind_stuck = false;
	compat_sleep_pretend(false);
	nvbar_gpu_free_handles(&other, 0);
	assert_int_equal(sim_driver_errors(sim), 0);
	sim_destroy(sim);
}

/* The model refuses a trigger while one runs, which stop() would see. */
static void an_earlier_owners_invalidate_is_waited_for(void **state)
{
	static struct nvbar_gpu other;

	(void)state;
	sim_bar0_write(sim, 0xb830b0, 4, 0x80000005);
	assert_int_equal(attach_again(&other), 0);
	nvbar_gpu_detach(&other);
}

/* Its binding is this driver's own, however large the tables are that it goes with. */
static void a_killed_owner_is_known_after_bar1_was_resized(void **state)
{
	static struct nvbar_gpu other;

	(void)state;
	assert_int_equal(sim_set_bar1_size(sim, 8ULL * SZ_1G), 0);
	memset(&other, 0, sizeof(other));
	assert_int_equal(nvbar_gpu_attach(&other, &ops, NULL, 8ULL * SZ_1G, 0), 0);
	assert_int_equal(other.inst_pa, gpu.inst_pa);
	assert_true(other.reserved_len > gpu.reserved_len);
	nvbar_gpu_detach(&other);
}

/* A GH100's bind register has MODE, virtual or not, in bit 9. */
static void bar1_is_physical_after_detach(void **state)
{
	(void)state;
	assert_true(sim_bar0_read(sim, 0xb80f60, 4) & 0x200);
	nvbar_gpu_detach(&gpu);
	assert_false(sim_bar0_read(sim, 0xb80f60, 4) & 0x200);
	assert_int_equal(attach_again(&gpu), 0);
}

/* Somebody has reset it, and somebody may have it now. */
static void a_gpu_that_was_reset_is_left_alone_at_detach(void **state)
{
	(void)state;
	map_scattered(SZ_1G, 3);
	sim_reset(sim);
	forget_order();
	nr_writes = 0;
	nvbar_gpu_detach(&gpu);
	nvbar_gpu_free_handles(&gpu, 0);
	assert_int_equal(nr_writes, 0);
	assert_string_equal(order, "");
	assert_int_equal(attach_again(&gpu), 0);
}

/* BAR1 is unbound: no entry needs to be cleared, but accesses by them must have ended. */
static void a_detach_takes_as_long_with_many_mappings_as_with_one(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 100; i++)
		map_scattered(SZ_1G + i * SZ_1M, 3);
	forget_order();
	nr_writes = 0;
	nvbar_gpu_detach(&gpu);
	nvbar_gpu_free_handles(&gpu, 0);
	assert_string_equal(order, "bi");
	assert_int_equal(last_invalidate, 0x800000c5);
	/* PDB, UPPER_PDB and the trigger, and the two bind registers of a GH100 */
	assert_int_equal(nr_writes, 5);
	assert_int_equal(attach_again(&gpu), 0);
}

static struct nvbar_span all_of_vram_and_then_a_page(const void *arg, size_t i)
{
	(void)arg;
	return (struct nvbar_span){ 0, i < 1 << 25 ? 512ULL * SZ_1G : SZ_4K };
}

/* 2^25 times 512 GiB is 0 in 64 bits. */
static void a_sum_that_wraps_is_not_taken_for_one_page(void **state)
{
	const struct nvbar_bar_user_opts opts = { .flags = NVBAR_VMM_RDONLY };
	const struct nvbar_spans spans = { all_of_vram_and_then_a_page, NULL, (1 << 25) + 1 };

	(void)state;
	assert_ptr_equal(nvbar_bar_user_map(&gpu, &spans, &opts), ERR_PTR(-ENOSPC));
	assert_int_equal(nvbar_va_free_bytes(&gpu.vmm.va), SZ_64M);
}

static void one_unmap_leaves_no_more_warm_tables_than_allowed(void **state)
{
	struct nvbar_access *access[300];
	unsigned int i;

	(void)state;
	/*
	 * A page in each of 300 slots, of two directories.  The first and the last
	 * one stay for now: directories without users come on top of the limit.
	 */
	assert_true((ARRAY_SIZE(access) - 2) * SZ_4K > NVBAR_PT_WARM_MAX);
	for (i = 0; i < ARRAY_SIZE(access); i++) {
		access[i] = map_page_at((u64)i * SZ_2M);
		assert_false(IS_ERR(access[i]));
	}
	for (i = 1; i < ARRAY_SIZE(access) - 1; i++) {
		assert_int_equal(nvbar_bar_user_release(access[i]), 0);
		assert_true(gpu.vmm.pt.warm_bytes <= NVBAR_PT_WARM_MAX);
	}
	assert_int_equal(gpu.vmm.pt.warm_bytes, NVBAR_PT_WARM_MAX);
	assert_consistent();
	assert_int_equal(nvbar_bar_user_release(access[0]), 0);
	assert_int_equal(nvbar_bar_user_release(access[ARRAY_SIZE(access) - 1]), 0);
	nvbar_vmm_trim(&gpu);
	assert_int_equal(gpu.vmm.pt.warm_bytes, 0);
	assert_int_equal(gpu.vmm.pt.linked_bytes, 4096);
}

static void quarantine_keeps_nobody_from_other_ranges(void **state)
{
	struct nvbar_access *first = map_page_at(0), *second = map_page_at(SZ_4M), *access;

	(void)state;
	compat_sleep_pretend(true);
	stuck = true;
	assert_int_equal(nvbar_bar_user_release(first), -ETIMEDOUT);
	/* A GPU that does not confirm can't give the range back. */
	assert_int_equal(PTR_ERR(map_page_at(0)), -ETIMEDOUT);
	stuck = false;
	compat_sleep_pretend(false);

	/* What is held is held, quarantine or not. */
	assert_int_equal(PTR_ERR(map_page_at(SZ_4M)), -EEXIST);
	access = map_page_at(0);
	assert_false(IS_ERR(access));
	assert_int_equal(nvbar_bar_user_release(access), 0);
	assert_int_equal(nvbar_bar_user_release(second), 0);
	assert_consistent();
}

static void tables_that_were_not_zeroed_are_zeroed_later(void **state)
{
	u64 all;

	(void)state;
	window_sticks(true);
	assert_int_equal(nvbar_vmm_zero_tables(&gpu, U64_MAX), 0);
	window_sticks(false);

	nvbar_vmm_trim(&gpu);
	all = nvbar_vmm_zero_tables(&gpu, U64_MAX);
	assert_true(all > SZ_64M / SZ_2M * SZ_4K);
	assert_int_equal(nvbar_vmm_zero_tables(&gpu, U64_MAX), 0);
	assert_int_equal(nvbar_bar_user_release(map_scattered(SZ_1G, 3000)), 0);
	assert_consistent();
}

static void what_is_not_mapped_is_invalid_in_the_shadow(void **state)
{
	struct nvbar_access *access;
	struct nvbar_pte pte;

	(void)state;
	nvbar_pt_lookup(&gpu, SZ_4M, &pte);
	assert_int_equal(pte.state, NVBAR_ENTRY_INVALID);
	access = map_page_at(SZ_4M);
	assert_false(IS_ERR(access));
	assert_int_equal(nvbar_pt_lookup(&gpu, SZ_4M, &pte), 12);
	assert_int_equal(pte.state, NVBAR_ENTRY_VALID);
	assert_int_equal(pte.addr, SZ_1G);
	/* The same table, and one of the same directory. */
	nvbar_pt_lookup(&gpu, SZ_4M + SZ_4K, &pte);
	assert_int_equal(pte.state, NVBAR_ENTRY_INVALID);
	nvbar_pt_lookup(&gpu, SZ_8M, &pte);
	assert_int_equal(pte.state, NVBAR_ENTRY_INVALID);
	assert_int_equal(nvbar_bar_user_release(access), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_range_is_quarantined_until_an_invalidate_succeeds,
						start, stop),
		cmocka_unit_test_setup_teardown(
			a_range_stays_in_quarantine_while_an_invalidate_is_stuck, start, stop),
		cmocka_unit_test_setup_teardown(a_quarantine_is_blamed_for_what_it_holds_alone,
						start, stop),
		cmocka_unit_test_setup_teardown(
			a_quarantine_is_not_blamed_for_what_others_hold_beside_them,
			start_with_host_pages_of_64k, stop_with_host_pages_of_64k),
		cmocka_unit_test_setup_teardown(who_ends_the_quarantine_waits_for_all_of_it, start,
						stop),
		cmocka_unit_test_setup_teardown(a_trim_makes_the_gpu_forget_what_it_unlinked, start,
						stop),
		cmocka_unit_test_setup_teardown(writes_that_the_window_kept_back_are_made_later, start,
						stop),
		cmocka_unit_test_setup_teardown(
			a_mapping_that_the_window_kept_back_leaves_nothing_half_written, start,
			stop),
		cmocka_unit_test_setup_teardown(a_mapping_that_the_gpu_does_not_confirm_is_undone,
						start, stop),
		cmocka_unit_test_setup_teardown(buffered_writes_leave_before_entries_are_cleared,
						start, stop),
		cmocka_unit_test_setup_teardown(an_unmap_waits_for_accesses_by_the_old_entries,
						start, stop),
		cmocka_unit_test_setup_teardown(a_table_is_written_before_what_points_to_it, start,
						stop),
		cmocka_unit_test_setup_teardown(
			a_list_that_changes_is_mapped_as_checked_or_not_at_all, start, stop),
		cmocka_unit_test_setup_teardown(an_execute_fetches_each_element_twice, start, stop),
		cmocka_unit_test_setup_teardown(zeroes_have_arrived_when_memory_is_given_out, start,
						stop),
		cmocka_unit_test_setup_teardown(vram_that_may_still_be_scrubbed_is_read_back,
						start_unscrubbed, stop),
		cmocka_unit_test_setup_teardown(vram_that_cant_be_read_back_is_not_given_out,
						start_unscrubbed_without_bar1, stop),
		cmocka_unit_test_setup_teardown(a_gpu_that_dies_as_vram_is_read_back_is_gone,
						start_unscrubbed, stop),
		cmocka_unit_test_setup_teardown(zeroes_that_others_faults_hide_are_looked_at,
						start, stop),
		cmocka_unit_test_setup_teardown(a_lost_gpu_is_not_asked, start, stop),
		cmocka_unit_test_setup_teardown(an_earlier_owners_translations_are_forgotten, start,
						stop),
		cmocka_unit_test(an_attach_does_not_wait_again_and_again_for_a_gpu_that_hangs),
		cmocka_unit_test_setup_teardown(an_earlier_owners_invalidate_is_waited_for, start,
						stop),
		cmocka_unit_test_setup_teardown(a_killed_owner_is_known_after_bar1_was_resized, start,
						stop),
		cmocka_unit_test_setup_teardown(bar1_is_physical_after_detach, start, stop),
		cmocka_unit_test_setup_teardown(a_gpu_that_was_reset_is_left_alone_at_detach, start,
						stop),
		cmocka_unit_test_setup_teardown(
			a_detach_takes_as_long_with_many_mappings_as_with_one, start, stop),
		cmocka_unit_test_setup_teardown(a_sum_that_wraps_is_not_taken_for_one_page,
						start_with_large_vram, stop),
		cmocka_unit_test_setup_teardown(one_unmap_leaves_no_more_warm_tables_than_allowed,
						start_with_large_bar1, stop),
		cmocka_unit_test_setup_teardown(quarantine_keeps_nobody_from_other_ranges, start,
						stop),
		cmocka_unit_test_setup_teardown(tables_that_were_not_zeroed_are_zeroed_later, start,
						stop),
		cmocka_unit_test_setup_teardown(what_is_not_mapped_is_invalid_in_the_shadow, start,
						stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
