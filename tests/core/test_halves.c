// SPDX-License-Identifier: MIT
/*
 * What the MMU can see while the driver changes the tables.  An entry goes out as
 * two accesses of 32 bits; here each is in VRAM at once, and before the next one a
 * walk from the root is made, as an MMU without a cache would.
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
#include <linux/sizes.h>
#include <linux/string.h>

#include "../random.h"
#include "attach.h"
#include "bar_user.h"
#include "check.h"
#include "gpu.h"
#include "sim.h"
#include "sim_mmu.h"

#define NR_LIVE	12

/* @step: from one page of it to the next in VRAM */
struct live {
	struct nvbar_access *access;
	u64 va, pa, page, step;
	unsigned int nr;
};

static struct sim_gpu *sim;
static struct nvbar_gpu gpu;
static const struct sim_mmu_arch *arch;
static u64 window, root;
static struct live live[NR_LIVE];
static bool watching, sparse;
/* Entries that lead elsewhere than any the driver wrote; walks of live pages that do */
static unsigned int nr_torn, nr_astray;
/* Words written as nobody reads them, though a walk does; halves written in place */
static unsigned int nr_reached, nr_halves;
/* With a sparse background: walks that end in a fault */
static unsigned int nr_faults;

/* --- looking --- */

static bool fetch(void *arg, uint64_t va, const struct sim_mmu_slot *slot, uint64_t val[2])
{
	(void)arg;
	(void)va;
	return sim_vram_peek(sim, slot->addr, val, 8 * slot->words);
}

static void walk(u64 va, struct sim_mmu_walk *w)
{
	sim_mmu_walk(arch, SIM_MMU_VID, root, va, fetch, NULL, w);
}

static u64 peek(u64 pa)
{
	uint64_t val;

	assert_true(sim_vram_peek(sim, pa, &val, 8));
	return val;
}

static void look_at_page(const struct live *l, unsigned int i)
{
	struct sim_mmu_walk w;

	walk(l->va + i * l->page, &w);
	if (w.xlat.outcome != SIM_MMU_OK || w.xlat.pa != l->pa + i * l->step)
		nr_astray++;
}

static void look_at_unused(void)
{
	struct sim_mmu_walk w;
	u64 va = random_u64() % gpu.bar1_size;

	/* Most often where something goes on */
	if (random_below(4))
		va %= SZ_16M;
	walk(va, &w);
	nr_faults += w.xlat.outcome == SIM_MMU_INVALID;
}

static void look_at_all(void)
{
	unsigned int i;

	for (i = 0; sparse && i < 8; i++)
		look_at_unused();
	for (i = 0; i < NR_LIVE; i++) {
		if (!live[i].access)
			continue;
		look_at_page(&live[i], 0);
		look_at_page(&live[i], random_below(live[i].nr));
		look_at_page(&live[i], live[i].nr - 1);
	}
}

/* Would a walk read from [@pa, @pa + 8)?  The table's home says for which VA. */
static bool is_reached(u64 pa)
{
	const struct nvbar_pt *pt = &gpu.vmm.pt;
	unsigned int l, s;

	for (l = 0; l <= pt->fmt->nr_levels; l++) {
		const struct nvbar_pt_level *level = l < pt->fmt->nr_levels ? &pt->level[l] :
									     &pt->big;
		struct sim_mmu_walk w;
		u64 i = (pa - level->pa) / level->table_bytes;
		u64 e = (pa - level->pa) % level->table_bytes / (8 * level->shape->entry_words);

		if (pa < level->pa || i >= level->nr_tables)
			continue;
		walk((i << nvbar_mmu_table_shift(level->shape)) + (e << level->shape->shift), &w);
		for (s = 0; s < w.nr_steps; s++)
			if (w.step[s].slot.addr == (pa & ~(8ULL * w.step[s].slot.words - 1)))
				return true;
	}
	return false;
}

/* --- the bus --- */

static u64 hw_read(void *hw, u32 off, unsigned int width)
{
	(void)hw;
	return sim_bar0_read(sim, off, width);
}

static void hw_write(void *hw, u32 off, unsigned int width, u64 val)
{
	u64 pa = window + (off - 0x700000), before = 0, now;
	bool half = watching && width == 4 && off - 0x700000 < 0x100000;

	(void)hw;
	if (half)
		before = peek(pa & ~7ULL);
	sim_bar0_write(sim, off, width, val);
	if (off == 0x1700 || off == 0x10fd40)
		window = (val & 0xffffff) << 16;
	if (!half)
		return;
	nr_halves++;
	/* A posted write lands when it will: now. */
	sim_bar0_read(sim, off, 4);
	now = peek(pa & ~7ULL);
	/*
	 * Bit 0 or one of 2:1 makes a word valid, in both formats.  What is valid with one
	 * half of it changed must have become so by this half.
	 */
	if ((now & 7) && (before & 7) && now != before)
		nr_torn++;
	if ((now & 7) && !(before & 7) && pa % 8)
		nr_torn++;
	look_at_all();
}

static void hw_read_words(void *hw, u32 off, u64 *dst, size_t nr)
{
	for (; nr; nr--, off += 8)
		*dst++ = hw_read(hw, off, 8);
}

static void hw_write_words(void *hw, u32 off, const u64 *src, size_t nr)
{
	size_t i;

	for (i = 0; watching && i < nr; i++)
		nr_reached += is_reached(window + (off - 0x700000) + 8 * i);
	for (; nr; nr--, off += 8)
		hw_write(hw, off, 8, *src++);
}

static void hw_write_barrier(void *hw)
{
	(void)hw;
}

static const struct nvbar_hw_ops ops = {
	.bar0_read = hw_read,
	.bar0_write = hw_write,
	.bar0_read_words = hw_read_words,
	.bar0_write_words = hw_write_words,
	.write_barrier = hw_write_barrier,
};

/* --- mappings --- */

static const struct {
	const char *name, *walks;
} chips[] = {
	{ "tu102", "turing" }, { "ga100", "ampere" }, { "ga102", "ampere" }, { "ad102", "ampere" },
	{ "gh100", "hopper" }, { "gb100", "blackwell" }, { "gb202", "blackwell" },
};

static const struct sim_mmu_arch *arch_of(const char *chip)
{
	unsigned int i = 0;

	while (strcmp(chips[i].name, chip))
		i++;
	return sim_mmu_arch_find(chips[i].walks);
}

static void start(const char *chip, u64 vram_size, u64 bar1_size)
{
	const struct sim_config cfg = {
		.chip = chip, .vram_size = vram_size, .bar1_size = bar1_size,
	};

	watching = false;
	memset(&gpu, 0, sizeof(gpu));
	memset(live, 0, sizeof(live));
	nr_torn = nr_astray = nr_reached = nr_halves = nr_faults = 0;
	arch = arch_of(chip);
	assert_int_equal(sim_create(&cfg, &sim, NULL, 0), 0);
	assert_int_equal(nvbar_gpu_attach(&gpu, &ops, NULL, bar1_size,
					  sparse ? NVBAR_GPU_SPARSE : 0), 0);
	root = nvbar_pt_root(&gpu);
	watching = true;
}

static void assert_consistent(void)
{
	struct nvbar_check check = { 0 };

	watching = false;
	assert_int_equal(nvbar_check_run(&gpu, &check), 0);
	watching = true;
}

static void stop(void)
{
	assert_consistent();
	watching = false;
	nvbar_gpu_detach(&gpu);
	nvbar_gpu_free_handles(&gpu, 0);
	assert_int_equal(sim_driver_errors(sim), 0);
	sim_destroy(sim);
	assert_true(nr_halves > 0);
	assert_int_equal(nr_torn, 0);
	assert_int_equal(nr_astray, 0);
	assert_int_equal(nr_reached, 0);
	assert_int_equal(nr_faults, 0);
}

static struct nvbar_span page_of(const void *arg, size_t i)
{
	const struct live *l = arg;

	return (struct nvbar_span){ l->pa + i * l->step, l->page };
}

/* @l: all but the handle.  Return: whether there was room. */
static bool map(struct live *l)
{
	const struct nvbar_bar_user_opts opts = {
		.flags = NVBAR_VMM_FIXED | NVBAR_VMM_PRIVATE, .va = l->va,
	};
	const struct nvbar_spans spans = { page_of, l, l->nr };
	struct nvbar_access *access = nvbar_bar_user_map(&gpu, &spans, &opts);

	if (IS_ERR(access)) {
		assert_true(PTR_ERR(access) == -EEXIST || PTR_ERR(access) == -ERANGE);
		return false;
	}
	l->access = access;
	look_at_all();
	return true;
}

static void unmap(struct live *l)
{
	struct nvbar_access *access = l->access;

	l->access = NULL;
	assert_int_equal(nvbar_bar_user_release(access), 0);
}

/* --- tests --- */

/*
 * The tables are above 4 GiB, so an entry has address bits in both halves.  Of two
 * mappings in 2 MiB the second has 64 KiB leaves, which the MMU asks for first.
 */
static void a_live_mapping_never_leads_astray_when_64_kib_leaves_come_beside_it(void **state)
{
	static const struct {
		const char *chip;
		u64 vram_size;
	} cases[] = { { "gh100", 8ULL * SZ_1G }, { "gb202", 80ULL * SZ_1G },
		      { "ga100", 80ULL * SZ_1G }, { "tu102", 80ULL * SZ_1G } };
	unsigned int i;

	(void)state;
	random_start(__func__);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		start(cases[i].chip, cases[i].vram_size, SZ_64M);
		live[0] = (struct live){ .va = 0, .pa = SZ_16M, .page = SZ_4K, .step = SZ_8K, .nr = 16 };
		assert_true(map(&live[0]));
		live[1] = (struct live){ .va = SZ_64K, .pa = SZ_32M, .page = SZ_64K, .step = SZ_128K,
					 .nr = 1 };
		assert_true(map(&live[1]));
		unmap(&live[1]);
		nvbar_vmm_trim(&gpu);
		unmap(&live[0]);
		stop();
	}
}

/* Where only address bits differ, half of each is a third table or page. */
static void no_valid_entry_becomes_another_valid_one_in_one_step(void **state)
{
	static const char *const all[] = { "ga102", "gh100" };
	unsigned int i;

	(void)state;
	random_start(__func__);
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		/* Warm tables of both kinds below one PDE0, then a leaf of 2 MiB in its place */
		start(all[i], 12ULL * SZ_1G, SZ_1G);
		live[0] = (struct live){ .va = SZ_64K, .pa = SZ_32M, .page = SZ_64K, .step = SZ_128K,
					 .nr = 2 };
		live[1] = (struct live){ .va = SZ_1M, .pa = SZ_16M, .page = SZ_4K, .step = SZ_8K, .nr = 2 };
		assert_true(map(&live[0]) && map(&live[1]));
		unmap(&live[0]);
		unmap(&live[1]);
		assert_int_not_equal(gpu.vmm.pt.warm_bytes, 0);
		live[0] = (struct live){ .va = 0, .pa = SZ_32M, .page = SZ_2M, .step = SZ_2M, .nr = 1 };
		assert_true(map(&live[0]));
		unmap(&live[0]);

		/* ... and one of 512 MiB in that of a directory */
		live[0] = (struct live){ .va = SZ_512M, .pa = SZ_16M, .page = SZ_4K, .step = SZ_8K,
					 .nr = 2 };
		assert_true(map(&live[0]));
		unmap(&live[0]);
		live[0] = (struct live){ .va = SZ_512M, .pa = SZ_1G, .page = SZ_512M, .step = SZ_512M,
					 .nr = 1 };
		assert_true(map(&live[0]));
		unmap(&live[0]);
		stop();
	}
}

static struct live something(void)
{
	static const u64 pages[] = { SZ_4K, SZ_4K, SZ_64K, SZ_64K, SZ_2M };
	struct live l = { .page = pages[random_below(ARRAY_SIZE(pages))] };

	l.nr = 1 + random_below(l.page == SZ_4K ? 600 : l.page == SZ_64K ? 40 : 3);
	l.step = l.page * (1 + random_below(2));
	l.pa = SZ_16M + l.page * random_below(100);
	l.pa = round_up(l.pa, l.page);
	/* Few slots, so that mappings meet */
	l.va = l.page * random_below(SZ_8M / l.page);
	return l;
}

static void map_and_unmap(void)
{
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(chips); i++) {
		start(chips[i].name, 80ULL * SZ_1G, SZ_64M);
		for (n = 0; n < 150; n++) {
			struct live *l = &live[random_below(NR_LIVE)];

			if (l->access) {
				unmap(l);
			} else {
				struct live want = something();

				if (map(&want))
					*l = want;
			}
			if (!random_below(5))
				assert_consistent();
			if (!random_below(10))
				nvbar_vmm_trim(&gpu);
			if (!random_below(10))
				nvbar_vmm_zero_tables(&gpu, SZ_64K);
		}
		for (n = 0; n < NR_LIVE; n++)
			if (live[n].access)
				unmap(&live[n]);
		stop();
	}
}

static void half_an_entry_leads_nowhere_whatever_is_mapped_and_unmapped(void **state)
{
	(void)state;
	random_start(__func__);
	map_and_unmap();
}

/* Not for a moment, as a CPU may look at any time. */
static void unused_addresses_never_fault_with_a_sparse_background(void **state)
{
	(void)state;
	random_start(__func__);
	sparse = true;
	map_and_unmap();
	sparse = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_live_mapping_never_leads_astray_when_64_kib_leaves_come_beside_it),
		cmocka_unit_test(no_valid_entry_becomes_another_valid_one_in_one_step),
		cmocka_unit_test(half_an_entry_leads_nowhere_whatever_is_mapped_and_unmapped),
		cmocka_unit_test(unused_addresses_never_fault_with_a_sparse_background),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
