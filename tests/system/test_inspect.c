/* SPDX-License-Identifier: MIT */
/*
 * Looking inside: walks, entries, the consistency check and faults.  What is
 * wrong with a GPU is put there through the file that holds its VRAM: VRAM
 * byte pa is at file offset pa.
 */
#include "helper.h"

#include <fcntl.h>
#include <unistd.h>

#define A	MIB(8)

/* A GPU with a hole in its side. */
static struct nvbar *open_file(const char *chip, int *fd)
{
	struct nvbar *gpu;
	char text[400];

	snprintf(text, sizeof(text), "sim:%s,vram=64M,bar1=64M,file=%s/%s", chip, test_dir, chip);
	gpu = gpu_open(text);
	snprintf(text, sizeof(text), "%s/%s", test_dir, chip);
	*fd = open(text, O_RDWR);
	assert_true(*fd >= 0);
	return gpu;
}

static void close_file(struct nvbar *gpu, int fd)
{
	nvbar_close(gpu);
	assert_ok(close(fd));
}

static void poke(int fd, uint64_t pa, uint64_t word)
{
	assert_int_equal(pwrite(fd, &word, sizeof(word), (off_t)pa), sizeof(word));
}

static struct nvbar_access *map_4k(struct nvbar *gpu, uint64_t va, uint64_t pa, uint64_t len)
{
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_FIXED | NVBAR_MAP_PRIVATE, .va = va,
		.max_page_shift = 12,
	};
	const struct nvbar_extent ext = { pa, len };
	struct nvbar_access *a;

	assert_ok(nvbar_map(gpu, &ext, 1, &opts, &a));
	return a;
}

/* --- walks --- */

/* From the manuals: level, lowest VA bit, VA bits, bytes per entry */
static const struct level {
	const char *name;
	unsigned int shift, bits, bytes;
} levels[] = {
	{ "PD4", 56, 1, 8 }, { "PD3", 47, 9, 8 }, { "PD2", 38, 9, 8 }, { "PD1", 29, 9, 8 },
	{ "PD0", 21, 8, 16 }, { "PT4K", 12, 9, 8 },
};

/* v2 has one level less, and 2 bits at the root; all fields are 0 within an aperture anyway. */
static const struct level *levels_of(const struct chip *chip, size_t *nr)
{
	*nr = chip->mmu_version == 3 ? 6 : 5;
	return levels + NR_OF(levels) - *nr;
}

/* Where a PDE for video memory points; a dual one with its second word */
static uint64_t table_of(const struct chip *chip, uint64_t pde)
{
	assert_int_equal(pde & 7, 2);	/* not a PTE, video memory */
	return chip->mmu_version == 2 ? (pde & 0x1ffffff00) << 4 : pde & 0xffffffffff000;
}

static uint64_t page_of(const struct chip *chip, uint64_t pte)
{
	assert_int_equal(pte & 7, 1);	/* valid, video memory */
	return chip->mmu_version == 2 ? (pte & 0x1ffffff00) << 4 : pte & 0xffffffffff000;
}

static void check_walk(struct nvbar *gpu, uint64_t va, uint64_t pa)
{
	const struct chip *chip = gpu_chip(gpu);
	struct nvbar_info info = gpu_info(gpu);
	struct nvbar_walk walk = walk_at(gpu, va);
	const struct level *level;
	uint64_t table, index;
	size_t nr, i;

	level = levels_of(chip, &nr);
	assert_int_equal(walk.status, NVBAR_WALK_OK);
	assert_int_equal(walk.mmu_version, chip->mmu_version);
	assert_int_equal(walk.space, NVBAR_SPACE_VID);
	assert_int_equal(walk.pa, pa);
	assert_int_equal(walk.page_size, PAGE);
	assert_int_equal(walk.ro, 0);
	assert_int_equal(walk.priv, 0);
	assert_int_equal(walk.nr_levels, nr);

	/* The instance block holds the address of the root. */
	table = pramin_rd64(gpu, info.bar1_bound + 0x200) & ~0xfffull;
	for (i = 0; i < nr; i++) {
		const struct nvbar_walk_level *met = &walk.level[i];

		index = va >> level[i].shift & ((1u << level[i].bits) - 1);
		assert_string_equal(met->name, level[i].name);
		assert_int_equal(met->index, index);
		assert_int_equal(met->space, NVBAR_SPACE_VID);
		assert_int_equal(met->addr, table + index * level[i].bytes);
		assert_true(met->addr >= info.reserved_pa);
		assert_true(met->addr < info.reserved_pa + info.reserved_len);
		assert_int_equal(met->raw[0], pramin_rd64(gpu, met->addr));
		if (i == nr - 1) {
			assert_int_equal(met->kind, NVBAR_ENTRY_PTE);
			assert_int_equal(met->raw[1], 0);
			assert_int_equal(page_of(chip, met->raw[0]) | (va & (PAGE - 1)), pa);
		} else if (i == nr - 2) {
			assert_int_equal(met->kind, NVBAR_ENTRY_DUAL_PDE);
			assert_int_equal(met->raw[1], pramin_rd64(gpu, met->addr + 8));
			table = table_of(chip, met->raw[1]);
		} else {
			assert_int_equal(met->kind, NVBAR_ENTRY_PDE);
			assert_int_equal(met->raw[1], 0);
			table = table_of(chip, met->raw[0]);
		}
	}
}

static void walks(struct nvbar *gpu)
{
	const uint64_t last = gpu_info(gpu).bar1_size - PAGE;
	unsigned int width = gpu_chip(gpu)->mmu_version == 3 ? 57 : 49;
	struct nvbar_access *a[3];
	struct nvbar_walk walk;
	size_t i;

	a[0] = map_4k(gpu, 0, A, 3 * PAGE);
	a[1] = map_4k(gpu, MIB(514) - PAGE, GIB(3), 2 * PAGE);	/* another PD1 entry, two tables */
	a[2] = map_4k(gpu, last, gpu_info(gpu).vram_usable - PAGE, PAGE);
	check_walk(gpu, 0, A);
	check_walk(gpu, 2 * PAGE + 0x123, A + 2 * PAGE + 0x123);
	check_walk(gpu, MIB(514) - 1, GIB(3) + PAGE - 1);
	check_walk(gpu, MIB(514), GIB(3) + PAGE);
	check_walk(gpu, last + 8, gpu_info(gpu).vram_usable - PAGE + 8);

	walk = walk_at(gpu, 3 * PAGE);
	assert_int_equal(walk.status, WALK_UNUSED);
	assert_string_equal(walk.level[walk.nr_levels - 1].name, "PT4K");
	assert_int_equal(walk.level[walk.nr_levels - 1].raw[0], WORD_UNUSED);
	assert_int_equal(walk_at(gpu, last + PAGE).status, WALK_UNUSED);
	assert_int_equal(walk_at(gpu, MIB(100)).status, WALK_UNUSED);
	assert_int_equal(walk_at(gpu, (1ull << width) - 1).status, WALK_UNUSED);
	assert_int_equal(walk_at(gpu, 1ull << width).status, NVBAR_WALK_VA_RANGE);
	assert_int_equal(walk_at(gpu, UINT64_MAX).status, NVBAR_WALK_VA_RANGE);
	assert_int_equal(walk_at(gpu, UINT64_MAX).nr_levels, 0);

	for (i = 0; i < 3; i++)
		assert_ok(nvbar_unmap(a[i]));
	assert_int_equal(walk_at(gpu, 0).status, WALK_UNUSED);
}

static void a_walk_meets_the_levels_and_entries_of_the_manual(void **state)
{
	(void)state;
	on_every_chip(",bar1=1G", walks);
}

static void results_need_room_for_what_is_known(void **state)
{
	struct nvbar_check_report report = { .size = sizeof(report) - 1 };
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_walk walk;

	(void)state;
	memset(&walk, 0x5a, sizeof(walk));
	walk.size = 8;
	assert_err(nvbar_walk(gpu, 0, &walk), EINVAL);
	walk.size = 0;
	assert_err(nvbar_walk(gpu, 0, &walk), EINVAL);
	assert_int_equal(walk.status, 0x5a5a5a5a);
	assert_err(nvbar_check(gpu, &report), EINVAL);
	gpu_close(gpu);
}

/* --- entries --- */

struct visit {
	size_t nr, ptes;
	struct nvbar_entry_info last;
	struct nvbar_entry_info info[2000];
};

static int see_entry(const struct nvbar_entry_info *info, void *arg)
{
	struct visit *visit = arg;

	assert_true(visit->nr < NR_OF(visit->info));
	visit->info[visit->nr++] = *info;
	visit->ptes += info->kind == NVBAR_ENTRY_PTE;
	return 0;
}

static void entries(struct nvbar *gpu)
{
	static struct visit visit;
	const struct level *level;
	struct nvbar_access *a[2];
	size_t nr, i, l;

	level = levels_of(gpu_chip(gpu), &nr);
	memset(&visit, 0, sizeof(visit));
	a[0] = map_4k(gpu, MIB(2) - 3 * PAGE, A, 600 * PAGE);
	a[1] = map_4k(gpu, MIB(40), GIB(1), PAGE);
	assert_ok(nvbar_for_each_entry(gpu, see_entry, &visit));
	assert_int_equal(visit.ptes, 601);
	/* One of each directory above, and a PD0 entry for each 2 MiB */
	assert_int_equal(visit.nr, 601 + (nr - 2) + 4);
	for (i = 0; i < visit.nr; i++) {
		const struct nvbar_entry_info *info = &visit.info[i];

		assert_true(info->raw[0] || info->raw[1]);
		assert_int_equal(info->raw[0], pramin_rd64(gpu, info->addr));
		assert_int_equal(info->mmu_version, gpu_chip(gpu)->mmu_version);
		for (l = 0; l < nr && strcmp(info->name, level[l].name); l++)
			;
		assert_true(l < nr);
		assert_int_equal(info->index, info->va >> level[l].shift & ((1u << level[l].bits) - 1));
		assert_int_equal(info->va % (1ull << level[l].shift), 0);
		if (i)
			assert_true(info->va >= info[-1].va);
		if (!strcmp(info->name, "PT4K"))
			assert_int_equal(page_of(gpu_chip(gpu), info->raw[0]),
					 info->va < MIB(40) ? A + info->va - (MIB(2) - 3 * PAGE) : GIB(1));
	}
	assert_string_equal(visit.info[0].name, level[0].name);
	assert_ok(nvbar_unmap(a[0]));
	assert_ok(nvbar_unmap(a[1]));
}

static void every_entry_is_visited_in_order(void **state)
{
	(void)state;
	on_every_chip("", entries);
}

static int stop_at_third(const struct nvbar_entry_info *info, void *arg)
{
	(void)info;
	return ++*(int *)arg == 3 ? 4711 : 0;
}

static int stop_negative(const struct nvbar_entry_info *info, void *arg)
{
	(void)info;
	(void)arg;
	return -4711;
}

static void a_visit_of_entries_ends_when_told(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	int seen = 0;

	(void)state;
	map_4k(gpu, 0, A, 8 * PAGE);
	assert_int_equal(nvbar_for_each_entry(gpu, stop_at_third, &seen), 4711);
	assert_int_equal(seen, 3);
	assert_int_equal(nvbar_for_each_entry(gpu, stop_negative, NULL), -4711);
	gpu_close(gpu);
}

/* --- check --- */

static void count_problem(void *arg, const char *line)
{
	assert_true(strlen(line) > 0);
	assert_null(strchr(line, '\n'));
	++*(uint64_t *)arg;
}

/* Return: problems found, as told one by one and in sum. */
static uint64_t problems(struct nvbar *gpu)
{
	uint64_t told = 0;
	struct nvbar_check_report report = {
		.size = sizeof(report), .problem = count_problem, .arg = &told,
	};
	int ret = nvbar_check(gpu, &report);

	assert_int_equal(ret, report.problems ? -EIO : 0);
	assert_int_equal(report.problems, told);
	return told;
}

static void check_counts_what_it_compares(void **state)
{
	struct nvbar_check_report report = { .size = sizeof(report) };
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_prepared *prepared;

	(void)state;
	assert_ok(nvbar_check(gpu, &report));
	assert_int_equal(report.mappings, 0);
	assert_int_equal(report.entries, 0);
	map_4k(gpu, 0, A, 600 * PAGE);
	map_4k(gpu, MIB(8), A, PAGE);
	assert_ok(nvbar_map_prepare(gpu, 3, NULL, &prepared));
	assert_ok(nvbar_check(gpu, &report));
	assert_int_equal(report.mappings, 2);
	assert_int_equal(report.entries, 601);
	assert_true(report.tables >= 4 + 3);
	gpu_close(gpu);
}

static void finds_corruption(const struct chip *chip)
{
	const uint64_t va = MIB(6);
	struct nvbar_access *a;
	struct nvbar_walk walk;
	struct nvbar *gpu;
	unsigned int i;
	int fd;

	gpu = open_file(chip->name, &fd);
	a = map_4k(gpu, va, A, 8 * PAGE);
	walk = walk_at(gpu, va + PAGE);
	assert_int_equal(problems(gpu), 0);

	/* Each entry on the way: lost, made sparse, and pointing elsewhere */
	for (i = 0; i < walk.nr_levels; i++) {
		bool dual = walk.level[i].kind == NVBAR_ENTRY_DUAL_PDE;
		uint64_t addr = walk.level[i].addr + (dual ? 8 : 0);
		uint64_t raw = walk.level[i].raw[dual];

		poke(fd, addr, 0);
		assert_true(problems(gpu) > 0);
		poke(fd, addr, 8);
		assert_true(problems(gpu) > 0);
		poke(fd, addr, raw ^ 1 << 16);
		assert_true(problems(gpu) > 0);
		poke(fd, addr, raw);
		assert_int_equal(problems(gpu), 0);
	}
	/* An entry where nothing is mapped, and nothing where the root should be */
	poke(fd, walk.level[walk.nr_levels - 1].addr + 8 * 20, walk.level[walk.nr_levels - 1].raw[0]);
	assert_true(problems(gpu) > 0);
	poke(fd, walk.level[walk.nr_levels - 1].addr + 8 * 20, WORD_UNUSED);
	poke(fd, walk.level[0].addr + 8, walk.level[0].raw[0]);
	assert_true(problems(gpu) > 0);
	poke(fd, walk.level[0].addr + 8, WORD_UNUSED);
	assert_int_equal(problems(gpu), 0);
	assert_ok(nvbar_unmap(a));
	close_file(gpu, fd);
}

static void check_finds_entries_that_were_tampered_with(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++)
		finds_corruption(&chips[i]);
}

/* --- faults --- */

#define FAULT_PTE	0x2
#define FAULT_RO	0x6

static struct nvbar_fault fault_of(struct nvbar *gpu)
{
	struct nvbar_fault fault = { .size = sizeof(fault) };

	assert_ok(nvbar_get_fault(gpu, &fault));
	assert_true(strlen(fault.text) > 0);
	assert_null(strchr(fault.text, '\n'));
	return fault;
}

static void no_fault(struct nvbar *gpu)
{
	struct nvbar_fault fault = { .size = sizeof(fault), .type = 0x5a5a };

	assert_err(nvbar_get_fault(gpu, &fault), ENOENT);
	assert_int_equal(fault.type, 0x5a5a);
}

/* Makes the GPU look at its tables again. */
static void invalidate(struct nvbar *gpu)
{
	assert_ok(nvbar_unmap(map_4k(gpu, MIB(32), A, PAGE)));
}

static void faults(const struct chip *chip)
{
	const uint64_t va = MIB(6);
	uint64_t addr, raw, readonly = chip->mmu_version == 2 ? 1 << 6 : 1 << 5;
	struct nvbar_fault fault;
	struct nvbar_access *a;
	struct nvbar_walk walk;
	struct nvbar *gpu;
	uint8_t block[3 * PAGE];
	uint32_t word;
	int fd;

	gpu = open_file(chip->name, &fd);
	a = map_4k(gpu, va, A, 8 * PAGE);
	walk = walk_at(gpu, va + PAGE);
	addr = walk.level[walk.nr_levels - 1].addr;
	raw = walk.level[walk.nr_levels - 1].raw[0];
	no_fault(gpu);
	assert_ok(nvbar_clear_fault(gpu));

	/* A page that is gone: faults read as all ones, but are no data. */
	poke(fd, addr, 0);
	invalidate(gpu);
	word = 0x5a5a;
	assert_err(nvbar_read32(a, PAGE + 0x234, &word), EIO);
	assert_int_equal(word, 0x5a5a);
	fault = fault_of(gpu);
	assert_int_equal(fault.va, va + PAGE);
	assert_int_equal(fault.type, FAULT_PTE);
	assert_int_equal(fault.access, 0);	/* VIRT_READ */
	assert_int_equal(fault.client, 7);	/* HOST_CPU */
	assert_int_equal(fault.engine, chip->engine);
	assert_int_equal(fault.inst_pa, gpu_info(gpu).bar1_bound);
	assert_int_equal(fault.dropped, 0);
	assert_int_equal(fault.write, 0);
	assert_int_equal(fault.physical, 0);
	fault_of(gpu);		/* it stays */

	/* The GPU has room for one, and the driver has taken that: the next one is there, too. */
	assert_ok(nvbar_write32(a, PAGE, 5));
	fault = fault_of(gpu);
	assert_int_equal(fault.dropped, 0);
	assert_int_equal(fault.write, 1);
	/* Of two at once only the fact is kept that there was another. */
	assert_ok(nvbar_write32(a, PAGE, 5));
	assert_ok(nvbar_write32(a, PAGE + 4, 5));
	assert_int_equal(fault_of(gpu).dropped, 1);
	/* Blocks too: the page in their middle is not there. */
	assert_err(nvbar_read(a, 100, block, sizeof(block)), EIO);
	assert_ok(nvbar_read(a, 2 * PAGE, block, sizeof(block)));
	assert_ok(nvbar_clear_fault(gpu));
	no_fault(gpu);

	/* A page that has become read-only: writes have no answer, but a flush does. */
	poke(fd, addr, raw | readonly);
	invalidate(gpu);
	assert_ok(nvbar_flush(a));
	assert_ok(nvbar_write32(a, PAGE, 5));
	assert_err(nvbar_flush(a), EIO);
	fault = fault_of(gpu);
	assert_int_equal(fault.va, va + PAGE);
	assert_int_equal(fault.type, FAULT_RO);
	assert_int_equal(fault.access, 1);	/* VIRT_WRITE */
	assert_int_equal(fault.client, 8);	/* HOST_CPU_NB */
	assert_int_equal(fault.dropped, 0);
	assert_int_equal(fault.write, 1);
	assert_ok(nvbar_clear_fault(gpu));
	assert_ok(nvbar_read32(a, PAGE, &word));
	no_fault(gpu);

	poke(fd, addr, raw);
	invalidate(gpu);
	assert_ok(nvbar_write32(a, PAGE, 5));
	no_fault(gpu);
	/* Five single accesses, and a page of words. */
	assert_int_equal(gpu_stats(gpu).model_driver_errors, 5 + PAGE / 8);
	assert_int_equal(problems(gpu), 0);
	close_file(gpu, fd);
}

static void a_fault_is_latched_decoded_and_cleared(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NR_CHIPS; i++)
		faults(&chips[i]);
}

/* A page of the mapping that the GPU does not translate */
static void a_pointer_to_a_page_that_is_gone_is_refused(void **state)
{
	void *ptr = UNTOUCHED;
	struct nvbar_access *a;
	struct nvbar_walk walk;
	struct nvbar *gpu;
	int fd;

	(void)state;
	gpu = open_file("ga102", &fd);
	a = map_4k(gpu, 0, A, 8 * PAGE);
	walk = walk_at(gpu, 5 * PAGE);
	poke(fd, walk.level[walk.nr_levels - 1].addr, 0);
	invalidate(gpu);
	assert_err(nvbar_mmap(a, &ptr), EIO);
	assert_ptr_equal(ptr, UNTOUCHED);
	close_file(gpu, fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_meets_the_levels_and_entries_of_the_manual),
		cmocka_unit_test(results_need_room_for_what_is_known),
		cmocka_unit_test(every_entry_is_visited_in_order),
		cmocka_unit_test(a_visit_of_entries_ends_when_told),
		cmocka_unit_test(check_counts_what_it_compares),
		cmocka_unit_test(check_finds_entries_that_were_tampered_with),
		cmocka_unit_test(a_fault_is_latched_decoded_and_cleared),
		cmocka_unit_test(a_pointer_to_a_page_that_is_gone_is_refused),
	};

	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
