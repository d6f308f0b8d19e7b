/* SPDX-License-Identifier: MIT */
/*
 * Faults on request: hardware that fails in one of the ways that hardware
 * fails.  None of it counts as the driver's error.
 */
#include "sim_gpu.h"
#include "hw/mmu.h"

/* --- bits of page-table entries ------------------------------------------ */

/* A table on the way down. */
struct table {
	uint64_t pa;
	unsigned int level;
	unsigned int bytes;
};

/* The address of one of its words that are not 0, each as likely; false if all are. */
static bool pick_word(const struct sim_gpu *gpu, const struct table *table, uint64_t *random,
		      uint64_t *pa)
{
	uint64_t nr = 0, at;

	if (!sim_vram_has(&gpu->vram, table->pa, table->bytes))
		return false;
	for (at = table->pa; at < table->pa + table->bytes; at += 8)
		if (sim_vram_load(&gpu->vram, at, 8) && !(sim_random(random) % ++nr))
			*pa = at;
	return nr;
}

/* The table that the word at @pa points to. */
static bool go_down(const struct sim_gpu *gpu, struct table *table, uint64_t pa)
{
	const struct sim_mmu_arch *arch = gpu->chip->mmu;
	bool big = table->level == 1 && !(pa & 8);
	struct sim_mmu_pde pde;

	if (!table->level)
		return false;
	pde = sim_mmu_decode_pde(arch, sim_vram_load(&gpu->vram, pa, 8), big);
	if (pde.type != SIM_PDE_TABLE || pde.aperture != MMU_PDE_APERTURE_VIDEO_MEMORY)
		return false;
	table->pa = pde.addr;
	table->level--;
	/* A 64 KiB table has 32 entries. */
	table->bytes = big ? 32 * 8 : arch->level[table->level].entry_bytes
					      << arch->level[table->level].index_bits;
	return true;
}

static bool flip_locked(struct sim_gpu *gpu, uint64_t seed, struct sim_flip *flip)
{
	const struct sim_mmu_arch *arch = gpu->chip->mmu;
	const struct sim_binding *b = &gpu->bar1.now;
	struct table table = { b->root, arch->nr_levels - 1, SIM_PAGE_SIZE };
	struct sim_flip found = { 0 };
	uint64_t val;

	if (!b->virt || b->broken || b->space != SIM_MMU_VID)
		return false;
	/* Tables of every level get their share, though most entries are leaves. */
	while (pick_word(gpu, &table, &seed, &found.pa) && sim_random(&seed) % 4 &&
	       go_down(gpu, &table, found.pa))
		;
	if (!found.pa)
		return false;
	found.bit = sim_random(&seed) % 64;
	val = sim_vram_load(&gpu->vram, found.pa, 8) ^ 1ull << found.bit;
	sim_before_store(gpu);
	sim_vram_store(&gpu->vram, found.pa, 8, val);
	gpu->tlb->flip = (struct sim_tlb_flip){ true, found.pa, val };
	*flip = found;
	return true;
}

bool sim_flip_entry(struct sim_gpu *gpu, uint64_t seed, struct sim_flip *flip)
{
	bool found;

	sim_lock(gpu);
	found = flip_locked(gpu, seed, flip);
	sim_unlock(gpu);
	return found;
}

/* Once the access has come that was named for it. */
static void flip_when_due(struct sim_gpu *gpu)
{
	struct sim_faults *faults = &gpu->faults;
	struct sim_flip flip;

	if (!faults->want.flip_at || faults->accesses < faults->want.flip_at)
		return;
	faults->want.flip_at = 0;
	flip_locked(gpu, faults->want.flip_seed, &flip);
}

/* --- what happens on the bus --------------------------------------------- */

static bool wants_anything(const struct sim_inject *want)
{
	return want->dead_at || want->invalidate_stuck || want->bind_stuck ||
	       want->ignored_nth || want->window_delay || want->poison_len || want->flip_at;
}

void sim_inject(struct sim_gpu *gpu, const struct sim_inject *want)
{
	static const struct sim_inject nothing;
	struct sim_faults *faults = &gpu->faults;
	struct sim_faults before;

	sim_lock(gpu);
	before = *faults;
	*faults = (struct sim_faults) { .want = want ? *want : nothing };
	faults->dead = gpu->vram.error;
	faults->armed = faults->dead || wants_anything(&faults->want);
	/* While the GPU is gone or pages fail, pointers lead elsewhere. */
	if (before.dead || before.want.poison_len || faults->want.poison_len)
		sim_windows_update(gpu);
	sim_unlock(gpu);
}

uint64_t sim_served_slow(struct sim_gpu *gpu, uint64_t nr)
{
	struct sim_faults *faults = &gpu->faults;
	uint64_t before = faults->accesses;

	if (faults->dead)
		return 0;
	faults->accesses += nr;
	flip_when_due(gpu);
	if (!faults->want.dead_at || faults->accesses < faults->want.dead_at)
		return nr;
	faults->dead = true;
	sim_windows_update(gpu);
	return faults->want.dead_at - 1 - before;
}

bool sim_is_gone(struct sim_gpu *gpu)
{
	bool dead;

	sim_lock(gpu);
	dead = gpu->faults.dead;
	sim_unlock(gpu);
	return dead;
}

bool sim_write_is_ignored(struct sim_gpu *gpu, uint64_t off)
{
	struct sim_faults *faults = &gpu->faults;

	if (!faults->want.ignored_nth || off != faults->want.ignored_reg)
		return false;
	return ++faults->writes_seen == faults->want.ignored_nth;
}

bool sim_is_poisoned(const struct sim_gpu *gpu, uint64_t pa, uint64_t len)
{
	const struct sim_inject *want = &gpu->faults.want;

	return pa < want->poison_pa + want->poison_len && want->poison_pa < pa + len;
}
