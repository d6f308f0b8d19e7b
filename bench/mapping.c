// SPDX-License-Identifier: MIT
/*
 * Map and unmap: this project, the reference's algorithm, the bound.
 *
 * Bus accesses are counted by an observer that both run through (bus.c), host
 * time is taken without it, the two by turns.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "chip.h"
#include "internal.h"
#include "reference.h"

#define SLOT_PAGES	512	/* of 4 KiB under one table */
#define PIECE_PAGES	16	/* of 64 KiB */
#define MAX_PAGES	65536
#define READ_US		1.0
#define WRITE_US	0.1

enum shape {
	SCATTERED,	/* 4 KiB pages, no two neighbours */
	PIECES_64K,	/* 64 KiB pieces, likewise */
	CONTIGUOUS,	/* one piece, aligned to 2 MiB */
};

enum state {
	COLD,		/* nothing but the root table exists */
	ZEROED,		/* likewise, and VRAM has zeroes where tables will be */
	WARM,		/* every table exists and is empty */
};

/** struct budget - what an operation may take at most; none if @invalidates is 0 */
struct budget {
	uint64_t reads, writes, invalidates;
};

/**
 * struct map_case - pages, mapped and unmapped
 * @map_name: for the table
 * @unmap_name: likewise; NULL: not shown
 * @pages: how many
 * @shape: where they lie
 * @state: of the tables before
 * @beside: the first page of the table is another mapping's, and this follows it
 * @reference: run the reference, too
 * @map: budget
 * @unmap: likewise
 */
struct map_case {
	const char *map_name, *unmap_name;
	size_t pages;
	enum shape shape;
	enum state state;
	bool beside;
	bool reference;
	struct budget map, unmap;
};

static const struct map_case cases[] = {
	{ "map 1, cold", NULL, 1, SCATTERED, COLD, false, true, { 0 }, { 0 } },
	{ "map 1, warm", "unmap 1", 1, SCATTERED, WARM, false, true, { 2, 5, 1 }, { 2, 5, 1 } },
	{ "map 512 scattered, warm", "unmap 512", 512, SCATTERED, WARM, false, true,
	  { 2, 517, 1 }, { 2, 8, 1 } },
	{ "map 65,536 scattered, cold", "unmap 65,536", 65536, SCATTERED, COLD, false, true,
	  { 2, 68000, 1 }, { 2, 300, 1 } },
	{ "map 65,536 scattered, cold, zeroed", NULL, 65536, SCATTERED, ZEROED, false, false,
	  { 2, 66200, 1 }, { 2, 300, 1 } },
	{ "map 512 over two tables, warm", "unmap 512 over two tables", 512, SCATTERED, WARM, true,
	  false, { 2, 517, 1 }, { 2, 517, 1 } },
	{ "map 512 contiguous, warm", "unmap 512 contiguous", 512, CONTIGUOUS, WARM, false, false,
	  { 2, 6, 1 }, { 2, 8, 1 } },
	{ "map 256 MiB contiguous, cold, zeroed", "unmap 256 MiB contiguous", 65536, CONTIGUOUS,
	  ZEROED, false, false, { 2, 300, 1 }, { 2, 300, 1 } },
	{ "map 256 MiB in 64 KiB pieces, cold, zeroed", "unmap 256 MiB in 64 KiB pieces", 65536,
	  PIECES_64K, ZEROED, false, false, { 2, 4500, 1 }, { 2, 300, 1 } },
};

static const struct chip {
	const char *device;
	unsigned int mmu_version;
} chips[] = {
	{ "sim:ga102", 2 },
	{ "sim:gh100", 3 },
};

/** struct known - what is published for the reference; see docs/performance.md */
static const struct known {
	unsigned int mmu_version;
	size_t pages;
	enum state state;
	struct bus_count map, unmap;
} known[] = {
	{ 2, 1, COLD, { 55, 2069, 12, 1 }, { 14, 6, 2, 1 } },
	{ 2, 1, WARM, { 24, 8, 4, 1 }, { 14, 6, 2, 1 } },
	{ 2, 512, WARM, { 11777, 2563, 2048, 1 }, { 6657, 1539, 1024, 1 } },
	{ 2, 65536, COLD, { 1509011, 395276, 262406, 1 }, { 851969, 196611, 131072, 1 } },
	{ 3, 1, COLD, { 71, 2584, 14, 1 }, { 16, 6, 2, 1 } },
	{ 3, 1, WARM, { 28, 8, 4, 1 }, { 16, 6, 2, 1 } },
	{ 3, 512, WARM, { 13825, 2563, 2048, 1 }, { 7681, 1539, 1024, 1 } },
	{ 3, 65536, COLD, { 1771421, 395791, 262408, 1 }, { 983041, 196611, 131072, 1 } },
};

/* --- one side: a GPU and who maps on it --------------------------------- */

enum who { NVBAR, REFERENCE, NR_WHO };

static const char *const who_name[] = { "nvbar", "reference" };

/**
 * struct side - one GPU under one of the two
 * @who: which
 * @c: what is mapped
 * @gpu: the GPU; under the reference just the owner of the bound root table
 * @ref: the reference's address space
 * @pfns: the pages, if they are scattered
 * @ext: the pages as extents
 * @nr_ext: how many
 * @neighbour: the mapping before this one, if @c asks for it
 * @access: the mapping
 * @good: nothing has failed so far
 */
struct side {
	enum who who;
	const struct map_case *c;
	struct nvbar *gpu;
	struct reference ref;
	uint64_t *pfns;
	struct nvbar_extent *ext;
	size_t nr_ext;
	struct nvbar_access *neighbour, *access;
	bool good;
};

/* Pieces of @pages each, in a fixed order that nobody can take for a run. */
static void scatter(struct side *side, uint64_t pa, size_t pages)
{
	uint64_t len = pages * PAGE_BYTES;
	size_t i;

	side->nr_ext = side->c->pages / pages;
	for (i = 0; i < side->nr_ext; i++) {
		/* nr_ext is a power of two, so an odd factor permutes. */
		uint64_t place = i * UINT64_C(40503) % side->nr_ext;

		side->ext[i] = (struct nvbar_extent){ pa + 2 * place * len, len };
		side->pfns[i] = side->ext[i].pa / PAGE_BYTES;
	}
}

static void choose_pages(struct side *side)
{
	uint64_t pa = device_vram(side->gpu, 2 * MAX_PAGES * PAGE_BYTES, 2 * MIB);

	side->pfns = alloc_or_give_up(MAX_PAGES * sizeof(*side->pfns));
	side->ext = alloc_or_give_up(MAX_PAGES * sizeof(*side->ext));
	switch (side->c->shape) {
	case SCATTERED:
		scatter(side, pa, 1);
		break;
	case PIECES_64K:
		scatter(side, pa, PIECE_PAGES);
		break;
	case CONTIGUOUS:
		side->ext[0] = (struct nvbar_extent){ pa, side->c->pages * PAGE_BYTES };
		side->nr_ext = 1;
		break;
	}
}

static void start_reference(struct side *side)
{
	struct nvbar_gpu *gpu = &side->gpu->gpu;
	uint64_t tables = device_vram(side->gpu, MIB, MIB);
	const struct ref_place place = {
		.ops = gpu->ops,
		.hw = gpu->hw,
		.window_reg = gpu->chip->window_reg,
		.mmu_version = gpu->chip->mmu->version,
		.root_pa = nvbar_pt_root(gpu),
		.tables_pa = tables,
		.tables_len = MIB,
	};

	/* The root is far from the tables in the row to be reproduced. */
	if (place.root_pa < tables + 2 * MIB)
		give_up("the root table is beside the reference's tables");
	if (!reference_init(&side->ref, &place))
		give_up("no memory");
}

static void side_open(struct side *side, enum who who, const struct map_case *c, const char *device,
		      bool watched)
{
	*side = (struct side){ .who = who, .c = c, .good = true };
	side->gpu = device_open(device, 0);
	if (watched)
		bus_watch(side->gpu);
	choose_pages(side);
	if (who == REFERENCE)
		start_reference(side);
}

static void side_close(struct bench *bench, struct side *side)
{
	check(bench, side->good, "%s: %s: a call failed", side->c->map_name, who_name[side->who]);
	check(bench, !nvbar_unmap(side->neighbour), "%s: the neighbour is not unmapped",
	      side->c->map_name);
	if (side->who == REFERENCE)
		reference_fini(&side->ref);
	device_close(bench, side->gpu);
	free(side->pfns);
	free(side->ext);
}

static uint64_t first_va(const struct side *side)
{
	return side->c->beside ? PAGE_BYTES : 0;
}

/* --- what is measured --------------------------------------------------- */

static void nvbar_side_map(void *arg)
{
	struct side *side = arg;
	struct nvbar_map_opts opts = { .size = sizeof(opts) };

	if (side->c->beside) {
		opts.flags = NVBAR_MAP_FIXED;
		opts.va = first_va(side);
	}
	if (side->c->shape == SCATTERED && !side->c->beside)
		side->good &= !nvbar_map_pages(side->gpu, side->pfns, side->nr_ext, 0, &side->access);
	else
		side->good &= !nvbar_map(side->gpu, side->ext, side->nr_ext, &opts, &side->access);
}

static void nvbar_side_unmap(void *arg)
{
	struct side *side = arg;

	side->good &= !nvbar_unmap(side->access);
	side->access = NULL;
}

static void reference_side_map(void *arg)
{
	struct side *side = arg;

	side->good &= reference_map(&side->ref, 0, side->pfns, side->c->pages);
}

static void reference_side_unmap(void *arg)
{
	struct side *side = arg;

	side->good &= reference_unmap(&side->ref, 0, side->c->pages);
}

static void (*const map_op[])(void *) = { nvbar_side_map, reference_side_map };
static void (*const unmap_op[])(void *) = { nvbar_side_unmap, reference_side_unmap };

/* --- the state before --------------------------------------------------- */

/* Makes the tables of one slot by mapping its last page for a moment. */
static void warm_slot(struct side *side, uint64_t slot)
{
	uint64_t vfn = slot * SLOT_PAGES + SLOT_PAGES - 1;
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts),
		.flags = NVBAR_MAP_FIXED,
		.va = vfn * PAGE_BYTES,
	};
	const struct nvbar_extent page = { side->ext[0].pa, PAGE_BYTES };
	const uint64_t pfn = page.pa / PAGE_BYTES;
	struct nvbar_access *access;

	if (side->who == REFERENCE) {
		side->good &= reference_map(&side->ref, vfn, &pfn, 1) &&
			      reference_unmap(&side->ref, vfn, 1);
	} else if (nvbar_map(side->gpu, &page, 1, &opts, &access)) {
		side->good = false;
	} else {
		side->good &= !nvbar_unmap(access);
	}
}

static void place_neighbour(struct side *side)
{
	const struct nvbar_extent page = { side->ext[0].pa + PAGE_BYTES, PAGE_BYTES };
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_FIXED | NVBAR_MAP_PRIVATE
	};

	if (!side->neighbour)
		side->good &= !nvbar_map(side->gpu, &page, 1, &opts, &side->neighbour);
}

static void prepare(struct side *side)
{
	uint64_t last = first_va(side) / PAGE_BYTES + side->c->pages - 1;
	uint64_t slot, word;

	if (side->c->beside)
		place_neighbour(side);
	if (side->c->state == ZEROED) {
		nvbar_zero_tables(side->gpu, UINT64_MAX);
		/* The zeroes are on their way: the first read would wait for them. */
		side->good &= !nvbar_pramin_read(side->gpu, side->gpu->gpu.reserved_pa, &word,
						 sizeof(word));
	}
	if (side->c->state == WARM)
		for (slot = 0; slot <= last / SLOT_PAGES; slot++)
			warm_slot(side, slot);
}

/* The window went elsewhere: driver and reference each believe to be its only owner. */
static void forget_window(struct side *side)
{
	side->gpu->gpu.pramin.known = false;
	side->ref.window = REF_WINDOW_UNKNOWN;
}

/* Do the tables in VRAM say what they should? */
static void check_walks(struct bench *bench, struct side *side, bool mapped)
{
	size_t step = side->c->pages > 64 ? side->c->pages / 61 : 1;
	size_t per_ext = side->c->pages / side->nr_ext;
	size_t i, wrong = 0;

	if (side->who == REFERENCE)
		forget_window(side);
	for (i = 0; i < side->c->pages; i += step) {
		struct nvbar_walk w = { .size = sizeof(w) };
		uint64_t pa = side->ext[i / per_ext].pa + i % per_ext * PAGE_BYTES;

		if (nvbar_walk(side->gpu, first_va(side) + i * PAGE_BYTES, &w))
			wrong++;
		else if (mapped)
			wrong += w.status != NVBAR_WALK_OK || w.pa != pa;
		else
			wrong += w.status != NVBAR_WALK_INVALID;
	}
	if (side->who == REFERENCE)
		forget_window(side);
	check(bench, !wrong, "%s: %s: %zu pages are not as they should be after %s",
	      side->c->map_name, who_name[side->who], wrong, mapped ? "map" : "unmap");
}

/* --- costs -------------------------------------------------------------- */

/** struct cost - of one operation
 * @bus: accesses
 * @ns: host time, of the whole
 * @instructions: of the driver, 0 if unknown
 */
struct cost {
	struct bus_count bus;
	double ns;
	uint64_t instructions;
};

/** struct result - of one case on one chip */
struct result {
	struct cost map[NR_WHO], unmap[NR_WHO];
};

static void count_bus(struct bench *bench, const struct chip *chip, const struct map_case *c,
		      enum who who, struct result *r)
{
	struct side side;

	side_open(&side, who, c, chip->device, true);
	prepare(&side);
	bus_start();
	map_op[who](&side);
	r->map[who].bus = bus_stop();
	check_walks(bench, &side, true);
	bus_start();
	unmap_op[who](&side);
	r->unmap[who].bus = bus_stop();
	check_walks(bench, &side, false);
	side_close(bench, &side);
}

static double take_time(void (*op)(void *), struct side *side)
{
	uint64_t start = now_ns();

	op(side);
	return now_ns() - start - clock_cost_ns();
}

static size_t nr_samples(const struct bench *bench, const struct map_case *c)
{
	if (bench->quick)
		return 1;
	if (c->state == WARM)
		return c->pages == 1 ? 2001 : 101;
	return c->pages > 1000 ? 7 : 31;
}

static void take_times(struct bench *bench, const struct chip *chip, const struct map_case *c,
		       struct result *r)
{
	size_t nr = nr_samples(bench, c), i;
	double *map[NR_WHO], *unmap[NR_WHO];
	unsigned int whos = c->reference ? NR_WHO : 1, who;
	struct side side[NR_WHO];

	for (who = 0; who < whos; who++) {
		map[who] = alloc_or_give_up(nr * sizeof(double));
		unmap[who] = alloc_or_give_up(nr * sizeof(double));
	}
	for (i = 0; i < nr; i++) {
		for (who = 0; who < whos; who++) {
			if (!i || c->state != WARM)
				side_open(&side[who], who, c, chip->device, false);
			prepare(&side[who]);
			map[who][i] = take_time(map_op[who], &side[who]);
			unmap[who][i] = take_time(unmap_op[who], &side[who]);
			if (i + 1 == nr || c->state != WARM)
				side_close(bench, &side[who]);
		}
	}
	for (who = 0; who < whos; who++) {
		r->map[who].ns = median(map[who], nr);
		r->unmap[who].ns = median(unmap[who], nr);
		free(map[who]);
		free(unmap[who]);
	}
}

/* --- instructions ------------------------------------------------------- */

static void count_instructions(const struct chip *chip, const struct map_case *c, enum who who)
{
	struct bench ignored = { 0 };
	struct side side;

	side_open(&side, who, c, chip->device, true);
	prepare(&side);
	bus_start();
	callgrind_measured(map_op[who], &side);
	callgrind_measured(unmap_op[who], &side);
	bus_stop();
	side_close(&ignored, &side);
	if (ignored.failures)
		exit(EXIT_FAILURE);
}

void bench_mapping_instructions(void)
{
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(chips); i++) {
		for (k = 0; k < ARRAY_LEN(cases); k++) {
			count_instructions(&chips[i], &cases[k], NVBAR);
			if (cases[k].reference)
				count_instructions(&chips[i], &cases[k], REFERENCE);
		}
	}
}

/* In the order in which bench_mapping_instructions() does them. */
static void share_out(const uint64_t *count, size_t nr, struct result (*r)[ARRAY_LEN(cases)])
{
	size_t i, k, next = 0;
	unsigned int who;

	for (i = 0; i < ARRAY_LEN(chips); i++) {
		for (k = 0; k < ARRAY_LEN(cases); k++) {
			for (who = 0; who < (cases[k].reference ? NR_WHO : 1u); who++) {
				if (next + 2 > nr)
					return;
				r[i][k].map[who].instructions = count[next++];
				r[i][k].unmap[who].instructions = count[next++];
			}
		}
	}
}

/* --- the bound ---------------------------------------------------------- */

/** struct layout - entries and tables that a case takes
 * @leaf_words: words of leaf entries
 * @tables: leaf tables
 * @table_words: words of one
 * @full: every leaf table is full
 */
struct layout {
	uint64_t leaf_words, tables, table_words;
	bool full;
};

static struct layout layout_of(const struct map_case *c)
{
	uint64_t slots = (c->pages + SLOT_PAGES - 1) / SLOT_PAGES;
	bool full = c->pages % SLOT_PAGES == 0 && !c->beside;

	switch (c->shape) {
	case CONTIGUOUS:	/* entries of two words in the directory */
		return (struct layout){ 2 * slots, 0, 0, true };
	case PIECES_64K:
		return (struct layout){ c->pages / PIECE_PAGES, slots, 32, full };
	default:
		return (struct layout){ c->pages, slots, 512, full };
	}
}

/*
 * What nobody can do without: the entries, zeroes in tables that they do not
 * fill, one word above each directory and two above each leaf table; then an
 * ordering read, the trigger, a poll.
 */
static struct bus_count bound_map(const struct map_case *c, unsigned int mmu_version)
{
	uint64_t directories = mmu_version == 2 ? 3 : 4;	/* below the root */
	struct layout l = layout_of(c);
	struct bus_count bound = { .reads = 2, .writes = l.leaf_words + 1, .invalidates = 1 };

	if (c->state != WARM)
		bound.writes += directories + 2 * l.tables;
	if (c->state == COLD)
		bound.writes += 512 * directories + (l.full ? 0 : l.tables * l.table_words);
	return bound;
}

/* A full table is dropped by the two words above it. */
static struct bus_count bound_unmap(const struct map_case *c)
{
	struct layout l = layout_of(c);
	uint64_t words = l.full && l.tables ? 2 * l.tables : l.leaf_words;

	return (struct bus_count){ .reads = 2, .writes = words + 1, .invalidates = 1 };
}

/* --- checks ------------------------------------------------------------- */

static void check_budget(struct bench *bench, const struct chip *chip, const char *name,
			 const struct bus_count *bus, const struct budget *budget)
{
	if (!budget->invalidates)
		return;
	check(bench, bus->reads <= budget->reads && bus->writes <= budget->writes &&
		     bus->invalidates <= budget->invalidates,
	      "%s: %s: R %" PRIu64 " W %" PRIu64 " T %" PRIu64 " exceed R %" PRIu64 " W %" PRIu64
	      " T %" PRIu64, chip->device, name, bus->reads, bus->writes, bus->invalidates,
	      budget->reads, budget->writes, budget->invalidates);
}

static void check_known(struct bench *bench, const struct chip *chip, const char *name,
			const struct bus_count *bus, const struct bus_count *want)
{
	check(bench, !memcmp(bus, want, sizeof(*bus)),
	      "%s: %s: the reference takes R %" PRIu64 " W %" PRIu64 " M %" PRIu64 " T %" PRIu64
	      ", published are R %" PRIu64 " W %" PRIu64 " M %" PRIu64 " T %" PRIu64, chip->device,
	      name, bus->reads, bus->writes, bus->moves, bus->invalidates, want->reads,
	      want->writes, want->moves, want->invalidates);
}

static void check_case(struct bench *bench, const struct chip *chip, const struct map_case *c,
		       const struct result *r)
{
	const char *unmap_name = c->unmap_name ? c->unmap_name : c->map_name;
	size_t i;

	check_budget(bench, chip, c->map_name, &r->map[NVBAR].bus, &c->map);
	check_budget(bench, chip, unmap_name, &r->unmap[NVBAR].bus, &c->unmap);
	for (i = 0; c->reference && i < ARRAY_LEN(known); i++) {
		if (known[i].mmu_version != chip->mmu_version || known[i].pages != c->pages ||
		    known[i].state != c->state)
			continue;
		check_known(bench, chip, c->map_name, &r->map[REFERENCE].bus, &known[i].map);
		check_known(bench, chip, unmap_name, &r->unmap[REFERENCE].bus, &known[i].unmap);
	}
}

/* Pages of a live static mapping are there already. */
static void static_mapping(struct bench *bench, struct cost *map, struct cost *unmap)
{
	struct nvbar *gpu = device_open("sim:ga102,vram=256M,bar1=256M", NVBAR_OPEN_STATIC);
	uint64_t pa = device_vram(gpu, 128 * MIB, 2 * MIB);
	const struct nvbar_extent ext = { pa, 128 * MIB };
	struct nvbar_access *access = NULL;
	uint64_t start;
	bool good;

	bus_watch(gpu);
	bus_start();
	start = now_ns();
	good = !nvbar_map(gpu, &ext, 1, NULL, &access);
	map->ns = now_ns() - start - clock_cost_ns();
	map->bus = bus_stop();
	bus_start();
	start = now_ns();
	good &= !nvbar_unmap(access);
	unmap->ns = now_ns() - start - clock_cost_ns();
	unmap->bus = bus_stop();
	check(bench, good, "map within a static mapping: a call failed");
	check(bench, !map->bus.reads && !map->bus.writes && !unmap->bus.reads && !unmap->bus.writes,
	      "map within a static mapping touches the bus");
	device_close(bench, gpu);
}

/* --- the table ---------------------------------------------------------- */

static double bus_us(const struct bus_count *bus)
{
	return READ_US * bus->reads + WRITE_US * bus->writes;
}

static void print_head(const struct chip *chip)
{
	printf("\n%s, page tables v%u.  R reads, W writes with window moves in them, T TLB invalidates;\n"
	       "bus us: R x %.1f + W x %.1f.  Host time and instructions are those of one page.\n\n",
	       chip->device, chip->mmu_version, READ_US, WRITE_US);
	printf("%-44s %-9s %9s %9s %2s %13s %9s %9s\n", "operation", "who", "R", "W", "T", "bus us",
	       "host ns", "instr.");
}

static void print_row(const char *name, const char *who, const struct cost *cost, size_t pages)
{
	char ns[24] = "-", instructions[24] = "-";

	if (cost->ns > 0)
		snprintf(ns, sizeof(ns), "%.1f", cost->ns / pages);
	if (cost->instructions)
		snprintf(instructions, sizeof(instructions), "%.1f",
			 (double)cost->instructions / pages);
	printf("%-44s %-9s %9s %9s %2" PRIu64 " %13.1f %9s %9s\n", name, who,
	       grouped(cost->bus.reads), grouped(cost->bus.writes), cost->bus.invalidates,
	       bus_us(&cost->bus), ns, instructions);
}

static void print_rows(const char *name, const struct map_case *c, const struct cost *cost,
		       struct bus_count bound)
{
	const struct cost least = { .bus = bound };

	print_row(name, who_name[NVBAR], &cost[NVBAR], c->pages);
	if (c->reference)
		print_row("", who_name[REFERENCE], &cost[REFERENCE], c->pages);
	print_row("", "bound", &least, c->pages);
}

static void print_ratio(const char *name, const struct cost *cost, size_t pages)
{
	printf("  %-28s bus time %6.0f x, host time %6.1f x", name,
	       bus_us(&cost[REFERENCE].bus) / bus_us(&cost[NVBAR].bus),
	       cost[REFERENCE].ns / cost[NVBAR].ns);
	if (cost[NVBAR].instructions)
		printf(", instructions %6.1f x (nvbar: %.1f a page)",
		       (double)cost[REFERENCE].instructions / cost[NVBAR].instructions,
		       (double)cost[NVBAR].instructions / pages);
	printf("\n");
}

static void print_chip(const struct bench *bench, const struct chip *chip, const struct result *r)
{
	size_t k;

	print_head(chip);
	for (k = 0; k < ARRAY_LEN(cases); k++)
		print_rows(cases[k].map_name, &cases[k], r[k].map,
			   bound_map(&cases[k], chip->mmu_version));
	for (k = 0; k < ARRAY_LEN(cases); k++)
		if (cases[k].unmap_name)
			print_rows(cases[k].unmap_name, &cases[k], r[k].unmap,
				   bound_unmap(&cases[k]));
	if (bench->quick)
		return;
	printf("\nthe reference's cost as a multiple of ours:\n");
	for (k = 0; k < ARRAY_LEN(cases); k++) {
		if (!cases[k].reference)
			continue;
		print_ratio(cases[k].map_name, r[k].map, cases[k].pages);
		if (cases[k].unmap_name)
			print_ratio(cases[k].unmap_name, r[k].unmap, cases[k].pages);
	}
}

void bench_mapping(struct bench *bench)
{
	static struct result results[ARRAY_LEN(chips)][ARRAY_LEN(cases)];
	uint64_t instructions[4 * ARRAY_LEN(chips) * ARRAY_LEN(cases)];
	const struct cost none = { 0 };
	struct cost map = { 0 }, unmap = { 0 };
	size_t i, k, nr = 0;

	if (!bench->quick)
		nr = callgrind_run(bench, instructions, ARRAY_LEN(instructions));
	share_out(instructions, nr, results);
	for (i = 0; i < ARRAY_LEN(chips); i++) {
		for (k = 0; k < ARRAY_LEN(cases); k++) {
			struct result *r = &results[i][k];

			count_bus(bench, &chips[i], &cases[k], NVBAR, r);
			if (cases[k].reference)
				count_bus(bench, &chips[i], &cases[k], REFERENCE, r);
			take_times(bench, &chips[i], &cases[k], r);
			check_case(bench, &chips[i], &cases[k], r);
		}
		print_chip(bench, &chips[i], results[i]);
	}
	if (!bench->quick && !nr)
		printf("\nNo instructions: valgrind is not there.\n");

	static_mapping(bench, &map, &unmap);
	printf("\nBAR1 as large as VRAM, all of it mapped statically (per call, not per page):\n");
	print_row("map 128 MiB within it", "nvbar", &map, 1);
	print_row("", "bound", &none, 1);
	print_row("unmap 128 MiB within it", "nvbar", &unmap, 1);
	print_row("", "bound", &none, 1);
}
