/* SPDX-License-Identifier: MIT */
/*
 * The consistency check: what can be wrong is put there, one thing at a time,
 * into the model's VRAM or into the driver's own structs, and must be found and
 * named.  Then tables that hold anything at all.
 */
#include "helper.h"

#include <nvbar_compat.h>

#include "access.h"
#include "bar1.h"
#include "internal.h"
#include "sim.h"
#include "vram.h"

#define DEVICE	",vram=64M,bar1=64M,evict=0"	/* what the TLB holds is counted */
#define SLOT	MIB(2)		/* VA that two leaf tables cover */
#define VA	(3 * SLOT)	/* where something is mapped */
#define FREE	(5 * SLOT)	/* where nothing is */
#define A	MIB(8)		/* VRAM that it shows */
#define B	MIB(16)
#define LINE	4		/* pages whose entries the MMU reads at once: 32 bytes */

/**
 * struct rig - a GPU with 8 pages of 4 KiB mapped at VA
 * @gpu: the GPU
 * @core: the driver's state of it
 * @sim: the model behind it
 * @chip: which it is
 * @a: the mapping
 * @walk: the way to its second page
 */
struct rig {
	struct nvbar *gpu;
	struct nvbar_gpu *core;
	struct sim_gpu *sim;
	const struct chip *chip;
	struct nvbar_access *a;
	struct nvbar_walk walk;
};

static struct nvbar_access *map(struct nvbar *gpu, uint64_t va, uint64_t pa, uint64_t len,
				uint32_t max_page_shift, const char *label)
{
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_FIXED | NVBAR_MAP_PRIVATE, .va = va,
		.max_page_shift = max_page_shift, .label = label,
	};
	const struct nvbar_extent ext = { pa, len };
	struct nvbar_access *a;

	assert_ok(nvbar_map(gpu, &ext, 1, &opts, &a));
	return a;
}

/* --- what is found --------------------------------------------------------- */

struct found {
	struct nvbar_check_report report;
	uint64_t told[NVBAR_PROBLEM_ROOM];
	char last[300];
};

/* Each line begins with the name of its kind. */
static void take_line(void *arg, const char *line)
{
	struct found *found = arg;
	size_t len = strcspn(line, ":");
	unsigned int kind = 0;

	assert_null(strchr(line, '\n'));
	while (nvbar_problem_name(kind) && (strlen(nvbar_problem_name(kind)) != len ||
					    strncmp(nvbar_problem_name(kind), line, len)))
		kind++;
	if (!nvbar_problem_name(kind))
		fail_msg("no kind: %s", line);
	found->told[kind]++;
	snprintf(found->last, sizeof(found->last), "%s", line);
}

static struct found run_check(struct nvbar *gpu, bool lines)
{
	struct found found = { .report = { .size = sizeof(found.report) } };
	uint64_t sum = 0;
	unsigned int kind;
	int ret;

	found.report.problem = lines ? take_line : NULL;
	found.report.arg = &found;
	ret = nvbar_check(gpu, &found.report);
	assert_int_equal(ret, found.report.problems ? -EIO : 0);
	for (kind = 0; kind < NVBAR_PROBLEM_ROOM; kind++) {
		sum += found.report.by_kind[kind];
		if (lines)
			assert_int_equal(found.told[kind], found.report.by_kind[kind]);
	}
	assert_int_equal(sum, found.report.problems);
	return found;
}

static void assert_clean(const struct rig *r)
{
	struct found found = run_check(r->gpu, true);

	if (found.report.problems)
		fail_msg("%s", found.last);
}

static void print_kinds(const struct found *found)
{
	unsigned int kind;

	for (kind = 0; nvbar_problem_name(kind); kind++)
		if (found->report.by_kind[kind])
			print_error("%s %llu\n", nvbar_problem_name(kind),
				    (unsigned long long)found->report.by_kind[kind]);
}

/* Just @nr problems of a kind, and else at most words in VRAM that were not written. */
static struct found expect(const struct rig *r, enum nvbar_problem_kind kind, uint64_t nr)
{
	struct found found = run_check(r->gpu, true);
	uint64_t shadow = found.report.by_kind[NVBAR_PROBLEM_SHADOW_DIFFERS];

	if (kind == NVBAR_PROBLEM_SHADOW_DIFFERS)
		shadow = 0;
	if (found.report.by_kind[kind] != nr || found.report.problems != nr + shadow) {
		print_kinds(&found);
		fail_msg("%s: %s, %llu expected; %s", r->chip->name, nvbar_problem_name(kind),
			 (unsigned long long)nr, found.last);
	}
	return found;
}

/* --- what is put there ------------------------------------------------------- */

/* From the manual: entries for a table, and for a page of the kind that the driver maps */
static uint64_t pde(const struct rig *r, uint64_t pa)
{
	return r->chip->mmu_version == 2 ? pa >> 4 | 2 : pa | 2;
}

static uint64_t pte(const struct rig *r, uint64_t pa)
{
	return r->chip->mmu_version == 2 ? pa >> 4 | 1 | 6ull << 56 : pa | 1 | 0x10 << 3 | 6 << 8;
}

static uint64_t peek(const struct rig *r, uint64_t pa)
{
	uint64_t word;

	assert_true(sim_vram_peek(r->sim, pa, &word, sizeof(word)));
	return word;
}

static uint64_t poke(const struct rig *r, uint64_t pa, uint64_t word)
{
	uint64_t was = peek(r, pa);

	assert_true(sim_vram_poke(r->sim, pa, &word, sizeof(word)));
	return was;
}

/* The word at @pa is another one: what that is called.  Puts the old one back. */
static struct found spoil(const struct rig *r, uint64_t pa, uint64_t word,
			  enum nvbar_problem_kind kind)
{
	uint64_t was = poke(r, pa, word);
	struct found found = expect(r, kind, 1);

	poke(r, pa, was);
	assert_clean(r);
	return found;
}

/* Where the entry for @va stands in the table that @r->walk met at this step. */
static uint64_t entry_at(const struct rig *r, const char *name, uint64_t index)
{
	uint32_t i;

	for (i = 0; i < r->walk.nr_levels; i++) {
		const struct nvbar_walk_level *met = &r->walk.level[i];
		uint64_t bytes = met->kind == NVBAR_ENTRY_DUAL_PDE ? 16 : 8;

		if (!strcmp(met->name, name))
			return met->addr - met->index * bytes + index * bytes;
	}
	fail_msg("no %s met", name);
	return 0;
}

/* The half for 4 KiB leaves of the PD0 entry of a slot. */
static uint64_t small_half(const struct rig *r, uint64_t va)
{
	return entry_at(r, "PD0", va / SLOT) + 8;
}

/* Tables of 4 KiB leaves lie one after another. */
static uint64_t table_of(const struct rig *r, uint64_t va)
{
	return entry_at(r, "PT4K", 0) + (va / SLOT) * PAGE - (VA / SLOT) * PAGE;
}

static void on_every_rig(void (*test)(struct rig *r))
{
	char device[64];
	size_t i;

	for (i = 0; i < NR_CHIPS; i++) {
		struct rig r = { .chip = &chips[i] };

		snprintf(device, sizeof(device), "sim:%s%s", chips[i].name, DEVICE);
		r.gpu = gpu_open(device);
		r.core = &r.gpu->gpu;
		r.sim = nvbar_backend_sim_gpu(r.gpu->backend);
		r.a = map(r.gpu, VA, A, 8 * PAGE, 12, "first");
		r.walk = walk_at(r.gpu, VA + PAGE);
		assert_clean(&r);
		test(&r);
		nvbar_close(r.gpu);
	}
}

/* --- one test for each kind -------------------------------------------------- */

static void free_pages(struct rig *r)
{
	/* A directory entry to a table of another slot, which is not in use */
	spoil(r, small_half(r, FREE), pde(r, table_of(r, 7 * SLOT)), NVBAR_PROBLEM_FREE_PAGE);
	/* A leaf behind the mapping; one in the driver's view too */
	spoil(r, entry_at(r, "PT4K", 8), pte(r, A), NVBAR_PROBLEM_FREE_PAGE);
	poke(r, entry_at(r, "PT4K", 8), pte(r, A));
	r->core->vmm.pt.level[0].table[VA / SLOT].entry[8] = pte(r, A);
	expect(r, NVBAR_PROBLEM_FREE_PAGE, 1);
}

static void an_entry_to_a_free_page_is_found(void **state)
{
	(void)state;
	on_every_rig(free_pages);
}

/* A leaf of 64 KiB where the mapping has a last page of 4 KiB */
static void a_leaf_that_leaves_its_mapping_is_found(void **state)
{
	struct found found;
	struct rig r = { .chip = &chips[2] };
	struct nvbar_walk walk;

	(void)state;
	r.gpu = gpu_open("sim:ga102" DEVICE);
	r.sim = nvbar_backend_sim_gpu(r.gpu->backend);
	map(r.gpu, FREE, B, KIB(64) + PAGE, 0, NULL);
	walk = walk_at(r.gpu, FREE);
	poke(&r, walk.level[walk.nr_levels - 1].addr + 8, pte(&r, B + KIB(64)));
	found = run_check(r.gpu, true);
	assert_int_equal(found.report.by_kind[NVBAR_PROBLEM_FREE_PAGE], 1);
	assert_int_equal(found.report.by_kind[NVBAR_PROBLEM_BOTH_SIZES], 1);
	nvbar_close(r.gpu);
}

/* Each allocation that a check makes; whose a page is takes some, too. */
static void fails_without_memory(struct nvbar *gpu)
{
	struct nvbar_check_report report = { .size = sizeof(report) };
	struct found found = { 0 };
	unsigned long nth = 0;
	int ret;

	report.problem = take_line;
	report.arg = &found;
	do {
		compat_alloc_fail_nth(++nth, false);
		ret = nvbar_check(gpu, &report);
		assert_int_equal(ret, compat_alloc_failed() ? -ENOMEM : -EIO);
	} while (ret == -ENOMEM);
	compat_alloc_fail_nth(0, false);
	assert_true(nth > 5);
}

static void foreign_pages(struct rig *r)
{
	const struct nvbar_vram_opts opts = { .size = sizeof(opts), .range_start = MIB(24) };
	uint64_t at = entry_at(r, "PT4K", 1);
	struct nvbar_prepared *prepared;
	struct nvbar_vram *vram;
	struct nvbar_extent ext;
	struct found found;

	map(r->gpu, FREE, B, 4 * PAGE, 0, "second");
	assert_ok(nvbar_map_prepare(r->gpu, 1, NULL, &prepared));
	found = spoil(r, at, pte(r, B + PAGE), NVBAR_PROBLEM_FOREIGN_PAGE);
	assert_non_null(strstr(found.last, "shown by the mapping 0xa00000+0x4000 \"second\""));
	assert_non_null(strstr(found.last, "shows 0x801000"));
	assert_ok(nvbar_vram_alloc(r->gpu, 4 * PAGE, &opts, &vram));
	assert_int_equal(nvbar_vram_extents(vram, &ext, 1), 1);
	found = spoil(r, at, pte(r, ext.pa + PAGE), NVBAR_PROBLEM_FOREIGN_PAGE);
	assert_non_null(strstr(found.last, "of the allocation at"));
	found = spoil(r, at, pte(r, r->core->reserved_pa), NVBAR_PROBLEM_FOREIGN_PAGE);
	assert_non_null(strstr(found.last, "the driver's own"));
	found = spoil(r, at, pte(r, MIB(40)), NVBAR_PROBLEM_FOREIGN_PAGE);
	assert_non_null(strstr(found.last, "nobody's"));
	poke(r, at, pte(r, MIB(64)));
	found = run_check(r->gpu, true);
	assert_int_equal(found.report.by_kind[NVBAR_PROBLEM_FOREIGN_PAGE], 1);
	assert_non_null(strstr(found.last, "beyond VRAM"));
	/* With a page that the driver itself lost, of which nobody knows what it was */
	poke(r, at, pte(r, MIB(40)));
	fails_without_memory(r->gpu);
	r->core->vmm.pt.level[0].table[VA / SLOT].entry[2] = 0;
	found = run_check(r->gpu, true);
	assert_int_equal(found.report.by_kind[NVBAR_PROBLEM_FOREIGN_PAGE], 1);
	assert_int_equal(found.report.by_kind[NVBAR_PROBLEM_SHADOW_DIFFERS], 2);
}

static void an_entry_to_a_page_of_somebody_else_is_found(void **state)
{
	(void)state;
	on_every_rig(foreign_pages);
}

/* Entries and shadow agree, but the mapping was made for other pages. */
static void a_mapping_that_shows_other_pages_than_it_was_made_for_is_found(void **state)
{
	const struct nvbar_extent ext = { B, 4 * PAGE };
	struct rig r = { .chip = &chips[2] };
	struct nvbar_access *a;
	struct nvbar_share *share;
	u64 *entry, was;

	(void)state;
	r.gpu = gpu_open("sim:ga102" DEVICE);
	assert_ok(nvbar_map(r.gpu, &ext, 1, NULL, &a));
	assert_clean(&r);
	share = container_of(r.gpu->gpu.vmm.shared[0].rb_node, struct nvbar_share, rb);
	share->pa += PAGE;
	share->end += PAGE;
	expect(&r, NVBAR_PROBLEM_FOREIGN_PAGE, 1);
	fails_without_memory(r.gpu);
	share->pa -= PAGE;
	/* What it is found by is longer than it is. */
	expect(&r, NVBAR_PROBLEM_REFCOUNT, 1);
	share->end -= PAGE;
	/* A page that is lost to the driver alone */
	entry = &r.gpu->gpu.vmm.pt.level[0].table[nvbar_access_base(a) / SLOT].entry[
		nvbar_access_base(a) % SLOT / PAGE];
	was = *entry;
	*entry = 0;
	expect(&r, NVBAR_PROBLEM_SHADOW_DIFFERS, 1);
	*entry = was;
	gpu_close(r.gpu);
}

static void twice(struct rig *r)
{
	struct found found;

	/* Behind its own entry, and before it, which then is the second */
	spoil(r, small_half(r, FREE), pde(r, table_of(r, VA)), NVBAR_PROBLEM_LINKED_TWICE);
	poke(r, small_half(r, SLOT), pde(r, table_of(r, VA)));
	found = run_check(r->gpu, true);
	assert_int_equal(found.report.by_kind[NVBAR_PROBLEM_LINKED_TWICE], 1);
	assert_int_equal(found.report.by_kind[NVBAR_PROBLEM_STRAY_TABLE], 1);
	assert_int_equal(found.report.problems, 3);
}

static void a_table_that_two_entries_lead_to_is_found(void **state)
{
	(void)state;
	on_every_rig(twice);
}

static void loops(struct rig *r)
{
	uint64_t pd0 = entry_at(r, "PD0", 0), pd1 = entry_at(r, "PD1", 0);

	spoil(r, small_half(r, FREE), pde(r, pd0), NVBAR_PROBLEM_LOOP);
	spoil(r, small_half(r, FREE), pde(r, pd1), NVBAR_PROBLEM_LOOP);
	spoil(r, small_half(r, FREE), pde(r, r->walk.level[0].addr), NVBAR_PROBLEM_LOOP);
}

static void a_directory_that_leads_up_is_found(void **state)
{
	(void)state;
	on_every_rig(loops);
}

/* To another directory of the same level, and to one of a level above that is not above it */
static void a_directory_that_leads_aside_is_no_loop(void **state)
{
	struct rig r = { .chip = &chips[2] };
	struct nvbar_walk walk;

	(void)state;
	r.gpu = gpu_open("sim:ga102,vram=256M,bar1=1G");
	r.sim = nvbar_backend_sim_gpu(r.gpu->backend);
	map(r.gpu, VA, A, PAGE, 12, NULL);
	map(r.gpu, MIB(512), B, PAGE, 12, NULL);
	r.walk = walk_at(r.gpu, VA);
	walk = walk_at(r.gpu, MIB(512));
	spoil(&r, small_half(&r, FREE), pde(&r, walk.level[walk.nr_levels - 2].addr),
	      NVBAR_PROBLEM_LINKED_TWICE);
	nvbar_close(r.gpu);
}

static void freed(struct rig *r)
{
	struct nvbar_pt_table *table = &r->core->vmm.pt.level[0].table[VA / SLOT];
	u64 *entry = table->entry;

	spoil(r, small_half(r, FREE), pde(r, table_of(r, FREE)), NVBAR_PROBLEM_FREED_TABLE);
	table->entry = NULL;
	assert_int_equal(run_check(r->gpu, false).report.by_kind[NVBAR_PROBLEM_FREED_TABLE], 1);
	table->entry = entry;
}

static void a_table_that_was_freed_while_linked_is_found(void **state)
{
	(void)state;
	on_every_rig(freed);
}

static void counts(struct rig *r)
{
	struct nvbar_vmm *vmm = &r->core->vmm;
	struct nvbar_mapping *mapping = r->a->mapping;
	u32 *users = &vmm->pt.level[1].table[0].nr_users;
	uint64_t *const gauge[] = {
		(uint64_t *)&vmm->mapped_bytes, (uint64_t *)&vmm->nr_held,
		(uint64_t *)&vmm->host_bytes, (uint64_t *)&vmm->pt.linked_bytes,
		(uint64_t *)&vmm->pt.warm_bytes, (uint64_t *)&vmm->nr_mapped,
	};
	size_t i;

	++*users;
	expect(r, NVBAR_PROBLEM_REFCOUNT, 1);
	*users -= 2;
	/* Without users it should count as warm. */
	expect(r, NVBAR_PROBLEM_REFCOUNT, 2);
	++*users;
	for (i = 0; i < NR_OF(gauge); i++) {
		++*gauge[i];
		expect(r, NVBAR_PROBLEM_REFCOUNT, 1);
		--*gauge[i];
	}
	/* A holder too many is one in the sum of all, too. */
	mapping->refs++;
	expect(r, NVBAR_PROBLEM_REFCOUNT, 2);
	mapping->refs--;
	assert_clean(r);
}

static void a_wrong_count_is_found(void **state)
{
	(void)state;
	on_every_rig(counts);
}

/* --- the TLB --- */

static const struct nvbar_hw_ops *real_ops;

/* A GPU that does everything but the invalidate, and does not say so. */
static void lose_invalidates(void *hw, u32 off, unsigned int width, u64 val)
{
	if (off != 0xb830b0)
		real_ops->bar0_write(hw, off, width, val);
}

static struct nvbar_hw_ops deaf_ops;

static void deafen(struct rig *r, bool deaf)
{
	if (deaf) {
		real_ops = r->core->ops;
		deaf_ops = *real_ops;
		deaf_ops.bar0_write = lose_invalidates;
	}
	r->core->ops = deaf ? &deaf_ops : real_ops;
}

static void stale(struct rig *r)
{
	struct found found;

	strays_expected = true;
	/*
	 * A page and all entries above it, looked up; then they are gone.  With
	 * the page the MMU took those of the mapping that are in its line.
	 */
	bar1_rd64(r->a, 0);
	assert_clean(r);
	deafen(r, true);
	assert_ok(nvbar_unmap(r->a));
	expect(r, NVBAR_PROBLEM_STALE_TLB, LINE);
	nvbar_trim(r->gpu);
	found = run_check(r->gpu, true);
	assert_true(found.report.by_kind[NVBAR_PROBLEM_STALE_TLB] >= 3);
	deafen(r, false);
	assert_ok(nvbar_unmap(map(r->gpu, FREE, B, PAGE, 0, NULL)));
	assert_clean(r);

	/* Nothing, looked up; then there is something: a page, and above it tables. */
	nvbar_trim(r->gpu);
	sim_bar1_read(r->sim, VA, 4);
	assert_clean(r);
	deafen(r, true);
	r->a = map(r->gpu, VA, A, PAGE, 12, NULL);
	found = run_check(r->gpu, true);
	/* The page, and the root's entry, behind which nothing was looked up */
	assert_int_equal(found.report.by_kind[NVBAR_PROBLEM_STALE_TLB], 2);
	assert_int_equal(found.report.problems, 2);
	deafen(r, false);
	assert_ok(nvbar_unmap(map(r->gpu, FREE, B, PAGE, 0, NULL)));
	assert_clean(r);
	bar1_rd64(r->a, 0);
	assert_clean(r);

	/* Other rights, with the tables changed behind the TLB's back in both views */
	r->core->vmm.pt.level[0].table[VA / SLOT].entry[0] ^= r->chip->mmu_version == 2 ? 64 : 32;
	poke(r, entry_at(r, "PT4K", 0), r->core->vmm.pt.level[0].table[VA / SLOT].entry[0]);
	found = run_check(r->gpu, true);
	assert_int_equal(found.report.by_kind[NVBAR_PROBLEM_STALE_TLB], 1);
	assert_int_equal(found.report.by_kind[NVBAR_PROBLEM_ODD_ENTRY], 1);
}

static void a_stale_tlb_entry_is_found(void **state)
{
	(void)state;
	on_every_rig(stale);
}

static uint64_t nr_stale(const struct rig *r)
{
	return run_check(r->gpu, true).report.by_kind[NVBAR_PROBLEM_STALE_TLB];
}

/* Translations of the same VA to another page, and with other rights */
static void stale_pages(struct rig *r)
{
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_FIXED | NVBAR_MAP_RDONLY, .va = VA,
		.max_page_shift = 12,
	};
	const struct nvbar_extent ext = { A, PAGE };

	bar1_rd64(r->a, 0);
	deafen(r, true);
	assert_ok(nvbar_unmap(r->a));
	r->a = map(r->gpu, VA, B, PAGE, 12, NULL);
	/* Other memory at the first of them, nothing at the others */
	expect(r, NVBAR_PROBLEM_STALE_TLB, LINE);
	deafen(r, false);
	assert_ok(nvbar_unmap(r->a));
	assert_ok(nvbar_map(r->gpu, &ext, 1, &opts, &r->a));
	bar1_rd64(r->a, 0);
	deafen(r, true);
	assert_ok(nvbar_unmap(r->a));
	assert_non_null(strstr(expect(r, NVBAR_PROBLEM_STALE_TLB, 1).last, "0x800000, read-only"));
	deafen(r, false);
}

static void a_translation_to_what_was_there_before_is_found(void **state)
{
	(void)state;
	on_every_rig(stale_pages);
}

/* What the MMU took from tables that are wrong is what they say; until they are put right. */
static void tampered(struct rig *r)
{
	uint64_t at = entry_at(r, "PT4K", 0), above = small_half(r, VA), word, link;

	strays_expected = true;
	map(r->gpu, FREE, B, PAGE, 12, NULL);
	/* Sparse; in system memory; through another table */
	word = poke(r, at, 8);
	assert_ok(nvbar_unmap(map(r->gpu, 9 * SLOT, B, PAGE, 0, NULL)));
	sim_bar1_read(r->sim, VA, 4);
	assert_int_equal(nr_stale(r), 0);
	poke(r, at, word | 4);
	assert_int_equal(nr_stale(r), 1);
	assert_ok(nvbar_unmap(map(r->gpu, 9 * SLOT, B, PAGE, 0, NULL)));
	sim_bar1_read(r->sim, VA, 4);
	assert_int_equal(nr_stale(r), 0);
	poke(r, at, word);
	assert_int_equal(nr_stale(r), 1);
	link = poke(r, above, pde(r, table_of(r, FREE)));
	assert_ok(nvbar_unmap(map(r->gpu, 9 * SLOT, B, PAGE, 0, NULL)));
	sim_bar1_read(r->sim, VA, 4);
	assert_int_equal(nr_stale(r), 0);
	poke(r, above, link);
	/* The page, those beside it, and the entry above them */
	expect(r, NVBAR_PROBLEM_STALE_TLB, LINE + 1);
}

static void what_the_tlb_took_from_wrong_tables_is_not_stale(void **state)
{
	(void)state;
	on_every_rig(tampered);
}

static const struct sim_inject stuck = { .invalidate_stuck = true };

/* A mapping that fails, as the invalidate does not end. */
static void map_stuck(const struct rig *r, uint64_t va, uint64_t len)
{
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_FIXED, .va = va, .max_page_shift = 16,
	};
	const struct nvbar_extent ext = { B, len };
	struct nvbar_access *a;

	assert_err(nvbar_map(r->gpu, &ext, 1, &opts, &a), ETIMEDOUT);
	assert_clean(r);
}

static void unmap_stuck(const struct rig *r, struct nvbar_access *a)
{
	assert_err(nvbar_unmap(a), ETIMEDOUT);
	assert_clean(r);
}

static void get_unstuck(const struct rig *r)
{
	sim_inject(r->sim, NULL);
	nvbar_trim(r->gpu);
	assert_clean(r);
}

/* Until an invalidate succeeds, what is in quarantine and what is warm may be in the TLB. */
static void owed(struct rig *r)
{
	struct nvbar_access *keep, *pages, *large;

	strays_expected = true;
	keep = map(r->gpu, VA + 16 * PAGE, B, PAGE, 12, NULL);
	pages = map(r->gpu, FREE, B, 512 * PAGE, 12, NULL);
	large = map(r->gpu, 8 * SLOT, B, SLOT, 0, NULL);
	bar1_rd64(r->a, 0);
	bar1_rd64(keep, 0);
	bar1_rd64(pages, 0);
	bar1_rd64(large, 0);
	sim_bar1_read(r->sim, VA + 64 * PAGE, 4);
	sim_inject(r->sim, &stuck);
	/* A page; a table that is unlinked; a leaf in a directory */
	unmap_stuck(r, r->a);
	unmap_stuck(r, pages);
	unmap_stuck(r, large);
	/* A table of 64 KiB leaves that is linked beside one in use, whose entry is cached */
	map_stuck(r, VA + MIB(1), KIB(64));
	nvbar_trim(r->gpu);
	assert_clean(r);
	bar1_rd64(keep, 0);
	assert_clean(r);

	/* But not what a live mapping depends on. */
	r->core->vmm.pt.level[0].table[VA / SLOT].entry[16] ^= 1;
	poke(r, entry_at(r, "PT4K", 16), 0);
	r->core->vmm.pt.level[0].table[VA / SLOT].entry[16] = 0;
	assert_int_equal(run_check(r->gpu, false).report.by_kind[NVBAR_PROBLEM_STALE_TLB], 1);
	r->core->vmm.pt.level[0].table[VA / SLOT].entry[16] = pte(r, B);
	poke(r, entry_at(r, "PT4K", 16), pte(r, B));
	get_unstuck(r);
	bar1_rd64(keep, 0);
	assert_clean(r);

	/* Directories that are linked, of which the TLB knows that they are not */
	assert_ok(nvbar_unmap(keep));
	nvbar_trim(r->gpu);
	sim_bar1_read(r->sim, VA, 4);
	sim_inject(r->sim, &stuck);
	map_stuck(r, VA, PAGE);
	get_unstuck(r);
}

/* Tables that a trim unlinked, with nothing in quarantine */
static void owed_trim(struct rig *r)
{
	struct nvbar_access *warm = map(r->gpu, FREE, B, PAGE, 12, NULL);

	strays_expected = true;
	assert_ok(nvbar_unmap(warm));
	sim_bar1_read(r->sim, FREE, 4);
	sim_inject(r->sim, &stuck);
	nvbar_trim(r->gpu);
	assert_clean(r);
	get_unstuck(r);
}

static void what_an_owed_invalidate_leaves_in_the_tlb_is_no_problem(void **state)
{
	(void)state;
	compat_sleep_pretend(true);
	on_every_rig(owed);
	on_every_rig(owed_trim);
	compat_sleep_pretend(false);
}

/* An invalidate is owed, but another one was lost before. */
static void lost_and_owed(struct rig *r)
{
	struct nvbar_access *other = map(r->gpu, 9 * SLOT, B, PAGE, 12, NULL);
	uint64_t above = small_half(r, VA), link;

	strays_expected = true;
	/* A page of a range that is free by now; a table and a leaf of live mappings */
	bar1_rd64(r->a, 0);
	sim_bar1_read(r->sim, FREE, 4);
	sim_bar1_read(r->sim, 6 * SLOT, 4);
	deafen(r, true);
	assert_ok(nvbar_unmap(r->a));
	map(r->gpu, FREE, B, PAGE, 12, NULL);
	map(r->gpu, 6 * SLOT, B, SLOT, 0, NULL);
	deafen(r, false);
	sim_inject(r->sim, &stuck);
	assert_err(nvbar_unmap(other), ETIMEDOUT);
	/* The first one's pages; two that were not there, and the entries above them */
	expect(r, NVBAR_PROBLEM_STALE_TLB, LINE + 4);
	get_unstuck(r);

	/* An entry that led to another slot's table; now it leads to its own, a warm one */
	assert_ok(nvbar_unmap(map(r->gpu, VA, A, PAGE, 12, NULL)));
	other = map(r->gpu, 9 * SLOT, B, PAGE, 12, NULL);
	link = poke(r, above, pde(r, table_of(r, FREE)));
	assert_ok(nvbar_unmap(map(r->gpu, 10 * SLOT, B, PAGE, 0, NULL)));
	sim_bar1_read(r->sim, VA, 4);
	poke(r, above, link);
	sim_inject(r->sim, &stuck);
	assert_err(nvbar_unmap(other), ETIMEDOUT);
	expect(r, NVBAR_PROBLEM_STALE_TLB, 2);
	get_unstuck(r);

	/* ... and where there is none at all */
	other = map(r->gpu, 9 * SLOT, B, PAGE, 12, NULL);
	link = poke(r, small_half(r, 12 * SLOT), pde(r, table_of(r, FREE)));
	assert_ok(nvbar_unmap(map(r->gpu, 10 * SLOT, B, PAGE, 0, NULL)));
	sim_bar1_read(r->sim, 12 * SLOT, 4);
	poke(r, small_half(r, 12 * SLOT), link);
	sim_inject(r->sim, &stuck);
	assert_err(nvbar_unmap(other), ETIMEDOUT);
	expect(r, NVBAR_PROBLEM_STALE_TLB, 2);
	get_unstuck(r);
}

/* The same for directories: nothing was linked at the root. */
static void lost_root_and_owed(struct rig *r)
{
	struct nvbar_access *other;

	strays_expected = true;
	assert_ok(nvbar_unmap(r->a));
	nvbar_trim(r->gpu);
	sim_bar1_read(r->sim, VA, 4);
	deafen(r, true);
	other = map(r->gpu, FREE, B, PAGE, 12, NULL);
	map(r->gpu, VA, A, PAGE, 12, NULL);
	deafen(r, false);
	sim_inject(r->sim, &stuck);
	assert_err(nvbar_unmap(other), ETIMEDOUT);
	expect(r, NVBAR_PROBLEM_STALE_TLB, 2);
	get_unstuck(r);
}

static void what_a_live_mapping_depends_on_is_stale_at_any_time(void **state)
{
	(void)state;
	compat_sleep_pretend(true);
	on_every_rig(lost_and_owed);
	on_every_rig(lost_root_and_owed);
	compat_sleep_pretend(false);
}

/* --- sizes and places --- */

static void sizes(struct rig *r)
{
	static const struct {
		uint64_t pages;
		const char *name;
	} no_leaf[] = {
		{ 1ull << 29, "PD1" }, { 1ull << 38, "PD2" }, { 0, "PD3" },
	};
	struct found found;
	uint64_t was;
	size_t i = 0;

	while (r->chip->page_sizes & no_leaf[i].pages)
		i++;
	was = poke(r, entry_at(r, no_leaf[i].name, 0), pte(r, 0));
	found = run_check(r->gpu, true);
	assert_int_equal(found.report.by_kind[NVBAR_PROBLEM_LEAF_SIZE], 1);
	/* Behind it nothing is found any more. */
	assert_int_equal(found.report.by_kind[NVBAR_PROBLEM_LOST_TABLE], 1);
	poke(r, entry_at(r, no_leaf[i].name, 0), was);
	assert_clean(r);
}

static void a_leaf_of_a_size_that_the_chip_has_not_is_found(void **state)
{
	(void)state;
	on_every_rig(sizes);
}

static void both(struct rig *r)
{
	uint64_t at = entry_at(r, "PT4K", 0x100);
	struct found found;

	/* Two leaves of 64 KiB beside the pages */
	map(r->gpu, VA + MIB(1), B, KIB(128), 16, NULL);
	poke(r, at + 8 * 17, pte(r, B + 17 * PAGE));
	found = run_check(r->gpu, true);
	assert_int_equal(found.report.by_kind[NVBAR_PROBLEM_BOTH_SIZES], 1);
	assert_non_null(strstr(found.last, "VA 0x711000"));
	poke(r, at + 8 * 17, WORD_UNUSED);
	assert_clean(r);

	/* A leaf of 2 MiB, and a table */
	map(r->gpu, FREE, B, MIB(2), 0, NULL);
	spoil(r, small_half(r, FREE), pde(r, table_of(r, FREE)), NVBAR_PROBLEM_BOTH_SIZES);
}

static void leaves_of_two_sizes_for_one_va_are_found(void **state)
{
	(void)state;
	on_every_rig(both);
}

static void outside(struct rig *r)
{
	spoil(r, small_half(r, MIB(64)), pde(r, table_of(r, VA)), NVBAR_PROBLEM_OUTSIDE_APERTURE);
	spoil(r, entry_at(r, "PD1", 5), pte(r, 0), NVBAR_PROBLEM_OUTSIDE_APERTURE);
	spoil(r, r->walk.level[0].addr + 8, pde(r, A), NVBAR_PROBLEM_OUTSIDE_APERTURE);
}

static void an_entry_outside_the_aperture_is_found(void **state)
{
	(void)state;
	on_every_rig(outside);
}

static void shadow(struct rig *r)
{
	spoil(r, entry_at(r, "PT4K", 2), 0, NVBAR_PROBLEM_SHADOW_DIFFERS);
	/* The root fills a page, of which little means anything. */
	spoil(r, r->walk.level[0].addr + PAGE - 8, 1, NVBAR_PROBLEM_SHADOW_DIFFERS);
}

static void a_word_that_was_not_written_is_found(void **state)
{
	(void)state;
	on_every_rig(shadow);
}

/* Maps a page that is not to be written.  Return: where its entry is. */
static uint64_t read_only(const struct rig *r)
{
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_FIXED | NVBAR_MAP_RDONLY,
		.va = VA + 32 * PAGE,
	};
	const struct nvbar_extent ext = { B, PAGE };
	struct nvbar_access *a;

	assert_ok(nvbar_map(r->gpu, &ext, 1, &opts, &a));
	return entry_at(r, "PT4K", 32);
}

static void links(struct rig *r)
{
	uint64_t at = small_half(r, VA), was;

	spoil(r, small_half(r, FREE), pde(r, A), NVBAR_PROBLEM_STRAY_TABLE);
	spoil(r, small_half(r, FREE), pde(r, table_of(r, VA)) | 4, NVBAR_PROBLEM_STRAY_TABLE);
	spoil(r, at, 0, NVBAR_PROBLEM_LOST_TABLE);
	/* Sparse, in a directory and in a table */
	spoil(r, small_half(r, FREE), 8, NVBAR_PROBLEM_ODD_ENTRY);
	if (!sparse_background)
		spoil(r, entry_at(r, "PT4K", 8), 8, NVBAR_PROBLEM_ODD_ENTRY);
	/* Read-only, which the mapping is not */
	was = peek(r, entry_at(r, "PT4K", 1));
	spoil(r, entry_at(r, "PT4K", 1), was | (r->chip->mmu_version == 2 ? 64 : 32),
	      NVBAR_PROBLEM_ODD_ENTRY);
	/* The reverse: writes that a mapping does not allow */
	spoil(r, read_only(r), pte(r, B), NVBAR_PROBLEM_ODD_ENTRY);
	/* A page of system memory in the place of one of VRAM */
	poke(r, entry_at(r, "PT4K", 1), was | 4);
	assert_int_equal(run_check(r->gpu, true).report.by_kind[NVBAR_PROBLEM_FOREIGN_PAGE], 1);
	poke(r, entry_at(r, "PT4K", 1), was);
	/* A page that is lost in both views */
	poke(r, entry_at(r, "PT4K", 7), 0);
	r->core->vmm.pt.level[0].table[VA / SLOT].entry[7] = 0;
	expect(r, NVBAR_PROBLEM_MISSING_ENTRY, 1);
}

static void stray_lost_missing_and_odd_entries_are_found(void **state)
{
	(void)state;
	on_every_rig(links);
}

static void instance(struct rig *r)
{
	uint64_t inst = gpu_info(r->gpu).bar1_bound;

	assert_int_equal(inst, r->core->reserved_pa + r->core->reserved_len - PAGE);
	spoil(r, inst + 0x200, peek(r, inst + 0x200) ^ 1 << 12, NVBAR_PROBLEM_INSTANCE);
	spoil(r, inst + 8, 1, NVBAR_PROBLEM_INSTANCE);
	assert_clean(r);
}

static void a_changed_instance_block_is_found(void **state)
{
	(void)state;
	on_every_rig(instance);
}

static void allocators(struct rig *r)
{
	struct nvbar_vram *one, *two;
	struct nvbar_span was;

	assert_ok(nvbar_vram_alloc(r->gpu, 4 * PAGE, NULL, &one));
	assert_ok(nvbar_vram_alloc(r->gpu, 4 * PAGE, NULL, &two));
	assert_clean(r);
	was = two->span[0];
	two->span[0].pa = one->span[0].pa + PAGE;
	expect(r, NVBAR_PROBLEM_VRAM_OVERLAP, 1);
	/* Within the other one */
	two->span[0].len = PAGE;
	expect(r, NVBAR_PROBLEM_VRAM_OVERLAP, 1);
	two->span[0].len = was.len;
	/* Given away and free, and given away though the driver's own */
	two->span[0].pa = MIB(40);
	expect(r, NVBAR_PROBLEM_VRAM_OVERLAP, 1);
	two->span[0].pa = r->core->reserved_pa;
	expect(r, NVBAR_PROBLEM_VRAM_OVERLAP, 1);
	two->span[0] = was;
	assert_clean(r);

	r->core->buddy.free_bytes += PAGE;
	expect(r, NVBAR_PROBLEM_VRAM_ALLOCATOR, 1);
	r->core->buddy.free_bytes -= PAGE;
	r->core->vmm.va.free_bytes += PAGE;
	expect(r, NVBAR_PROBLEM_ADDRESS_SPACE, 1);
	r->core->vmm.va.free_bytes -= PAGE;
	assert_clean(r);
}

static void what_an_allocator_has_wrong_is_found(void **state)
{
	(void)state;
	on_every_rig(allocators);
}

static void kinds_have_names(void **state)
{
	unsigned int kind, other;
	const char *name;

	(void)state;
	assert_string_equal(nvbar_problem_name(NVBAR_PROBLEM_FREE_PAGE), "free-page");
	assert_string_equal(nvbar_problem_name(NVBAR_PROBLEM_STALE_TLB), "stale-tlb");
	assert_string_equal(nvbar_problem_name(NVBAR_PROBLEM_VRAM_OVERLAP), "vram-overlap");
	for (kind = 0; kind <= NVBAR_PROBLEM_VRAM_OVERLAP; kind++) {
		name = nvbar_problem_name(kind);
		assert_non_null(name);
		for (other = 0; other < kind; other++)
			assert_string_not_equal(name, nvbar_problem_name(other));
	}
	assert_null(nvbar_problem_name(kind));
	assert_null(nvbar_problem_name(UINT32_MAX));
}

/* --- tables that hold anything at all ---------------------------------------- */

struct region {
	uint64_t pa, len;
	uint64_t *was;
	uint64_t *now;
};

static uint64_t bus_reads(const struct rig *r)
{
	return gpu_stats(r->gpu).bus_reads;
}

static int count_entry(const struct nvbar_entry_info *info, void *arg)
{
	(void)info;
	++*(uint64_t *)arg;
	return 0;
}

static int count_line(const char *text, void *arg)
{
	(void)text;
	++*(uint64_t *)arg;
	return 0;
}

/* Each look at the tables ends, and reads no more than it says. */
static void look(const struct rig *r, const struct region *region, bool all)
{
	uint64_t words = region->len / 8, before = bus_reads(r), seen = 0;
	uint64_t times = r->walk.nr_levels + 1;
	size_t i;

	run_check(r->gpu, all);
	assert_true(bus_reads(r) - before <= words + 16);
	before = bus_reads(r);
	assert_ok(nvbar_for_each_entry(r->gpu, count_entry, &seen));
	assert_true(bus_reads(r) - before <= times * words + 16);
	assert_true(seen <= times * words);
	for (i = 0; i < 4; i++) {
		struct nvbar_walk walk = { .size = sizeof(walk) };

		before = bus_reads(r);
		assert_ok(nvbar_walk(r->gpu, rng_u64() >> rng_below(64), &walk));
		assert_true(bus_reads(r) - before <= 2 * NVBAR_WALK_LEVELS + 16);
	}
	if (!all)
		return;
	before = bus_reads(r);
	seen = 0;
	assert_ok(nvbar_snapshot_take(r->gpu, count_line, &seen));
	assert_true(bus_reads(r) - before <= 2 * times * words + 16);
}

/* Noise, entries that lead somewhere, and words that something else stands for. */
static uint64_t some_word(const struct rig *r, const struct region *region)
{
	uint64_t pa = region->pa + rng_below(region->len / PAGE) * PAGE;

	switch (rng_below(8)) {
	case 0:
		return rng_u64();
	case 1:
		return 0;
	case 2:
		return pte(r, rng_below(MIB(64) / PAGE) * PAGE);
	case 3:
		return pde(r, rng_below(MIB(64) / PAGE) * PAGE);
	case 4:
		return pde(r, pa + rng_below(16) * 256);
	case 5:
		return region->was[rng_below(region->len / 8)];
	default:
		return pde(r, pa);
	}
}

static struct region take_region(const struct rig *r)
{
	struct region region = { .pa = r->core->reserved_pa, .len = r->core->reserved_len };

	region.was = malloc(region.len);
	region.now = malloc(region.len);
	assert_non_null(region.was);
	assert_non_null(region.now);
	assert_true(sim_vram_peek(r->sim, region.pa, region.was, region.len));
	return region;
}

static void put_back(const struct rig *r, struct region *region)
{
	assert_true(sim_vram_poke(r->sim, region->pa, region->was, region->len));
	assert_clean(r);
	free(region->was);
	free(region->now);
}

/* The instance block stays, so that the tables are found, but for some rounds. */
static void random_tables(struct rig *r)
{
	static const uint64_t one_in[] = { 1, 2, 10, 100 };
	struct region region;
	unsigned int round;
	uint64_t i, rare, inst;

	map(r->gpu, MIB(20) + PAGE, B, MIB(12), 0, "large");
	map(r->gpu, MIB(40), A, KIB(640), 16, "big");
	region = take_region(r);
	inst = (region.len - PAGE) / 8;
	for (round = 0; round < 300; round++) {
		rare = one_in[rng_below(NR_OF(one_in))];
		for (i = 0; i < region.len / 8; i++)
			region.now[i] = rng_below(rare) ? region.was[i] : some_word(r, &region);
		if (round % 16)
			memcpy(&region.now[inst], &region.was[inst], PAGE);
		assert_true(sim_vram_poke(r->sim, region.pa, region.now, region.len));
		if (!(round % 16)) {
			run_check(r->gpu, true);
			continue;
		}
		look(r, &region, round % 16 == 1);
	}
	put_back(r, &region);
}

static void whatever_the_tables_hold_a_look_at_them_ends(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_rig(random_tables);
}

/* Every entry of each directory leads to the same table below: ways without number. */
static void dag(struct rig *r)
{
	struct region region = take_region(r);
	uint64_t leaves = table_of(r, VA) - region.pa;
	uint64_t seen = 0;
	uint32_t i;

	memcpy(region.now, region.was, region.len);
	for (i = 0; i + 1 < r->walk.nr_levels; i++) {
		uint64_t table = (r->walk.level[i].addr & ~(PAGE - 1)) - region.pa;
		uint64_t next = r->walk.level[i + 1].addr & ~(PAGE - 1);
		uint64_t w;

		for (w = 0; w < PAGE / 8; w++)
			region.now[table / 8 + w] = pde(r, next);
	}
	for (i = 0; i < 512; i++)
		region.now[leaves / 8 + i] = pte(r, A);
	assert_true(sim_vram_poke(r->sim, region.pa, region.now, region.len));
	look(r, &region, true);
	assert_true(run_check(r->gpu, true).report.by_kind[NVBAR_PROBLEM_LINKED_TWICE] >= 31);
	/* One table of each level, the leaves as those of 64 KiB, too */
	assert_ok(nvbar_for_each_entry(r->gpu, count_entry, &seen));
	assert_true(seen <= r->walk.nr_levels * 512 + 32);
	put_back(r, &region);
}

static void ways_without_number_are_gone_once(void **state)
{
	(void)state;
	on_every_rig(dag);
}

static void elsewhere(struct rig *r)
{
	uint64_t before = 0, seen = 0, was;

	/* What looks like a table, where there is none */
	poke(r, A, pte(r, B));
	assert_ok(nvbar_for_each_entry(r->gpu, count_entry, &before));
	was = poke(r, small_half(r, FREE), pde(r, A));
	assert_ok(nvbar_for_each_entry(r->gpu, count_entry, &seen));
	assert_int_equal(seen, before + 1);
	poke(r, small_half(r, FREE), was);
}

static void tables_outside_the_region_are_shown_and_not_entered(void **state)
{
	(void)state;
	on_every_rig(elsewhere);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_to_a_free_page_is_found),
		cmocka_unit_test(a_leaf_that_leaves_its_mapping_is_found),
		cmocka_unit_test(an_entry_to_a_page_of_somebody_else_is_found),
		cmocka_unit_test(a_mapping_that_shows_other_pages_than_it_was_made_for_is_found),
		cmocka_unit_test(a_table_that_two_entries_lead_to_is_found),
		cmocka_unit_test(a_directory_that_leads_up_is_found),
		cmocka_unit_test(a_directory_that_leads_aside_is_no_loop),
		cmocka_unit_test(a_table_that_was_freed_while_linked_is_found),
		cmocka_unit_test(a_wrong_count_is_found),
		cmocka_unit_test(a_stale_tlb_entry_is_found),
		cmocka_unit_test(a_translation_to_what_was_there_before_is_found),
		cmocka_unit_test(what_the_tlb_took_from_wrong_tables_is_not_stale),
		cmocka_unit_test(what_an_owed_invalidate_leaves_in_the_tlb_is_no_problem),
		cmocka_unit_test(what_a_live_mapping_depends_on_is_stale_at_any_time),
		cmocka_unit_test(a_leaf_of_a_size_that_the_chip_has_not_is_found),
		cmocka_unit_test(leaves_of_two_sizes_for_one_va_are_found),
		cmocka_unit_test(an_entry_outside_the_aperture_is_found),
		cmocka_unit_test(a_word_that_was_not_written_is_found),
		cmocka_unit_test(stray_lost_missing_and_odd_entries_are_found),
		cmocka_unit_test(a_changed_instance_block_is_found),
		cmocka_unit_test(what_an_allocator_has_wrong_is_found),
		cmocka_unit_test(kinds_have_names),
		cmocka_unit_test(whatever_the_tables_hold_a_look_at_them_ends),
		cmocka_unit_test(ways_without_number_are_gone_once),
		cmocka_unit_test(tables_outside_the_region_are_shown_and_not_entered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
