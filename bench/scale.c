// SPDX-License-Identifier: MIT
/* What many live mappings cost, in time and in host memory. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvbar_compat.h>

#include "bench.h"

#define BATCH		100
#define MAX_BATCHES	41

static uint64_t random_next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

/* Ordinary memory of this process, bytes; the model's VRAM is none. */
static uint64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	uint64_t kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "RssAnon: %" SCNu64, &kib) == 1)
			break;
	if (file)
		(void)fclose(file);
	return kib * KIB;
}

/** struct memory - host memory, three ways
 * @stats: what the library says
 * @allocated: what the driver allocated, as the C library rounds it
 * @resident: what the process got of the kernel
 */
struct memory {
	uint64_t stats, allocated, resident;
};

static struct memory memory_now(struct nvbar *gpu)
{
	malloc_trim(0);	/* what was freed is nobody's */
	return (struct memory){
		device_stats(gpu).host_bytes, compat_alloc_live_bytes(), resident_bytes()
	};
}

/* --- one page beside many others ---------------------------------------- */

/** struct crowd - a GPU with many live mappings of one page
 * @gpu: the GPU
 * @pa: VRAM; page 2 * i is mapped by mapping i
 * @live: the mappings
 * @nr: how many
 * @seed: of the choice which is replaced
 * @before: host memory without them
 * @after: host memory with them
 * @more: ns for mapping and unmapping one more
 * @replace: ns for unmapping any of them and mapping another page in its place
 * @errors: calls that failed
 */
struct crowd {
	struct nvbar *gpu;
	uint64_t pa;
	struct nvbar_access **live;
	size_t nr;
	uint64_t seed;
	struct memory before, after;
	double more[MAX_BATCHES], replace[MAX_BATCHES];
	unsigned int errors;
};

static struct nvbar_access *map_page(struct crowd *c, size_t i)
{
	const uint64_t pfn = c->pa / PAGE_BYTES + 2 * i;
	struct nvbar_access *access = NULL;

	c->errors += !!nvbar_map_pages(c->gpu, &pfn, 1, NVBAR_MAP_PRIVATE, &access);
	return access;
}

static void crowd_open(struct crowd *c, size_t nr, const char *device)
{
	size_t i;

	*c = (struct crowd){ .nr = nr, .seed = nr };
	c->gpu = device_open(device, 0);
	c->pa = device_vram(c->gpu, 2 * (nr + 1) * PAGE_BYTES, 0);
	c->live = alloc_or_give_up(nr * sizeof(struct nvbar_access *));
	/* Written, so that it is resident before the driver's memory is counted. */
	for (i = 0; i < nr; i++)
		c->live[i] = (void *)c;
	c->before = memory_now(c->gpu);
	for (i = 0; i < nr; i++)
		c->live[i] = map_page(c, i);
	c->after = memory_now(c->gpu);
}

static void crowd_close(struct bench *bench, struct crowd *c)
{
	struct nvbar_stats stats;
	size_t i;

	for (i = 0; i < c->nr; i++)
		c->errors += !!nvbar_unmap(c->live[i]);
	check(bench, !c->errors, "%zu mappings: %u calls failed", c->nr, c->errors);
	stats = device_stats(c->gpu);
	check(bench, !stats.mappings && stats.va_free == stats.va_total,
	      "%zu mappings: something is left mapped", c->nr);
	free(c->live);
	device_close(bench, c->gpu);
}

static double batch_more(struct crowd *c)
{
	uint64_t start = now_ns();
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		c->errors += !!nvbar_unmap(map_page(c, c->nr));
	return (now_ns() - start) / (double)BATCH;
}

static double batch_replace(struct crowd *c)
{
	uint64_t start = now_ns();
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		size_t victim = random_next(&c->seed) % c->nr;

		c->errors += !!nvbar_unmap(c->live[victim]);
		c->live[victim] = map_page(c, victim);
	}
	return (now_ns() - start) / (double)BATCH;
}

static double per(uint64_t after, uint64_t before, double nr)
{
	return ((double)after - (double)before) / nr;
}

static void print_crowd(struct crowd *c, const struct crowd *smallest, size_t batches)
{
	double more = median(c->more, batches), replace = median(c->replace, batches);

	printf("%10s %10.0f %6.2f %10.0f %6.2f %10.0f %10.0f %10.0f\n", grouped(c->nr), more,
	       more / smallest->more[batches / 2], replace,
	       replace / smallest->replace[batches / 2], per(c->after.stats, c->before.stats, c->nr),
	       per(c->after.allocated, c->before.allocated, c->nr),
	       per(c->after.resident, c->before.resident, c->nr));
}

static void one_beside_many(struct bench *bench)
{
	static const size_t nrs[] = { 10, 1000, 100000, 1000000 };
	static struct crowd crowds[ARRAY_LEN(nrs)];
	size_t steps = bench->quick ? 2 : ARRAY_LEN(nrs);
	size_t batches = bench->quick ? 1 : MAX_BATCHES;
	size_t i, b;

	for (i = 0; i < steps; i++)
		crowd_open(&crowds[i], nrs[i], "sim:ga102,vram=24G,bar1=64G");
	for (b = 0; b < batches; b++) {
		for (i = 0; i < steps; i++) {
			batch_more(&crowds[i]);	/* not counted: the caches were another's */
			crowds[i].more[b] = batch_more(&crowds[i]);
			crowds[i].replace[b] = batch_replace(&crowds[i]);
		}
	}
	printf("\nsim:ga102,bar1=64G.  Mapping and unmapping one page, ns, beside so many live mappings\n"
	       "of one page each: one more, and any of them replaced; x: as a multiple of the first\n"
	       "line.  Host memory per mapping, bytes: what nvbar_stats says, what was allocated,\n"
	       "what became resident.\n\n");
	printf("%10s %10s %6s %10s %6s %10s %10s %10s\n", "live", "one more", "x", "replaced", "x",
	       "stats", "allocated", "resident");
	for (i = 0; i < steps; i++)
		print_crowd(&crowds[i], &crowds[0], batches);
	for (i = 0; i < steps; i++)
		crowd_close(bench, &crowds[i]);
}

/* --- a full aperture ---------------------------------------------------- */

#define CHUNK_PAGES	65536

/** struct fill - an aperture full of 4 KiB pages
 * @gpu: the GPU
 * @pa: VRAM, as much as the aperture has
 * @pages: how many
 * @access: mappings of CHUNK_PAGES each
 * @nr: how many
 */
struct fill {
	struct nvbar *gpu;
	uint64_t pa;
	uint64_t pages;
	struct nvbar_access **access;
	size_t nr;
};

/* VA @page shows VRAM from the top down, so that no two pages make a larger one. */
static uint64_t pfn_at(const struct fill *f, uint64_t page)
{
	return f->pa / PAGE_BYTES + f->pages - 1 - page;
}

static bool fill_all(struct fill *f, uint64_t *pfns)
{
	uint64_t page = 0;
	size_t i, k;

	for (i = 0; i < f->nr; i++) {
		for (k = 0; k < CHUNK_PAGES; k++)
			pfns[k] = pfn_at(f, page++);
		if (nvbar_map_pages(f->gpu, pfns, CHUNK_PAGES, NVBAR_MAP_PRIVATE, &f->access[i]))
			return false;
	}
	return true;
}

static void check_fill(struct bench *bench, const struct fill *f)
{
	uint64_t seed = 1;
	size_t i, wrong = 0;

	for (i = 0; i < 1000; i++) {
		size_t chunk = random_next(&seed) % f->nr;
		uint64_t k = random_next(&seed) % CHUNK_PAGES;
		struct nvbar_walk w = { .size = sizeof(w) };
		int ret = nvbar_walk(f->gpu, nvbar_access_base(f->access[chunk]) + k * PAGE_BYTES, &w);

		wrong += ret || w.status != NVBAR_WALK_OK || w.page_size != PAGE_BYTES ||
			 w.pa != pfn_at(f, chunk * CHUNK_PAGES + k) * PAGE_BYTES;
	}
	check(bench, !wrong, "%zu of 1000 pages are not as mapped", wrong);
	check(bench, !device_stats(f->gpu).va_free, "the aperture is not full");
}

static void print_phase(const char *what, const struct fill *f, double s,
			const struct nvbar_stats *before, const struct nvbar_stats *after)
{
	printf("%-8s %10.3f s %10.1f ns a page   R %s  W %s  T %s\n", what, s, s * 1e9 / f->pages,
	       grouped(after->bus_reads - before->bus_reads),
	       grouped(after->bus_writes - before->bus_writes),
	       grouped(after->tlb_invalidates - before->tlb_invalidates));
}

static void print_memory(const char *what, uint64_t before, uint64_t full, uint64_t empty,
			 uint64_t gib)
{
	printf("%-34s %12s %12s %12s %12.0f\n", what, grouped(before / KIB), grouped(full / KIB),
	       grouped(empty / KIB), (full - (double)before) / KIB / gib);
}

static void full_aperture(struct bench *bench)
{
	uint64_t gib = bench->quick ? 1 : 64;
	struct fill f = { .pages = gib * GIB / PAGE_BYTES };
	uint64_t *pfns = alloc_or_give_up(CHUNK_PAGES * sizeof(*pfns));
	struct nvbar_stats before, full, walked, empty;
	struct memory mem_before, mem_full, mem_empty;
	char device[64];
	uint64_t start;
	double map_s, unmap_s;
	size_t i;
	bool good;

	snprintf(device, sizeof(device), "sim:ga102,vram=96G,bar1=%" PRIu64 "G", gib);
	f.gpu = device_open(device, 0);
	f.pa = device_vram(f.gpu, gib * GIB, 0);
	f.nr = f.pages / CHUNK_PAGES;
	f.access = alloc_or_give_up(f.nr * sizeof(struct nvbar_access *));
	before = device_stats(f.gpu);
	mem_before = memory_now(f.gpu);

	start = now_ns();
	good = fill_all(&f, pfns);
	map_s = (now_ns() - start) / 1e9;
	check(bench, good, "filling the aperture failed");
	full = device_stats(f.gpu);
	mem_full = memory_now(f.gpu);
	if (good)
		check_fill(bench, &f);

	walked = device_stats(f.gpu);
	start = now_ns();
	for (i = 0; i < f.nr; i++)
		good &= !nvbar_unmap(f.access[i]);
	unmap_s = (now_ns() - start) / 1e9;
	empty = device_stats(f.gpu);
	check(bench, good, "emptying the aperture failed");

	printf("\n%s, filled with %s scattered 4 KiB pages in mappings of %s, and emptied:\n\n",
	       device, grouped(f.pages), grouped(CHUNK_PAGES));
	print_phase("filled", &f, map_s, &before, &full);
	print_phase("emptied", &f, unmap_s, &walked, &empty);

	nvbar_trim(f.gpu);
	empty = device_stats(f.gpu);
	mem_empty = memory_now(f.gpu);
	check(bench, empty.va_free == empty.va_total &&
		     empty.page_table_bytes == before.page_table_bytes &&
		     empty.vram_free == before.vram_free, "something is left behind");
	printf("\n%-34s %12s %12s %12s %12s\n", "KiB", "before", "full", "trimmed", "per GiB");
	print_memory("host memory, by nvbar_stats", mem_before.stats, mem_full.stats,
		     mem_empty.stats, gib);
	print_memory("host memory, allocated", mem_before.allocated, mem_full.allocated,
		     mem_empty.allocated, gib);
	print_memory("host memory, resident", mem_before.resident, mem_full.resident,
		     mem_empty.resident, gib);
	print_memory("VRAM in page tables", before.page_table_bytes, full.page_table_bytes,
		     empty.page_table_bytes, gib);
	free(f.access);
	free(pfns);
	device_close(bench, f.gpu);
}

void bench_scale(struct bench *bench)
{
	full_aperture(bench);
	one_beside_many(bench);
}
