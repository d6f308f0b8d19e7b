// SPDX-License-Identifier: MIT
/* Map and unmap. */
#include "bench.h"

#define ZERO_MAX	(8 * MIB)	/* of tables to be zeroed beforehand */

enum tables { COLD, ZEROED, WARM };

static const char *const tables_name[] = { "cold", "zeroed", "warm" };

/**
 * struct mapping - one case of (a)
 * @pages: how many
 * @scattered: no two neighbours in VRAM; else in one piece
 * @tables: how the page tables are before
 * @map: what it cost
 * @unmap: likewise
 * @skipped: why it was not done, or NULL
 */
struct mapping {
	size_t pages;
	bool scattered;
	enum tables tables;
	struct cost map, unmap;
	const char *skipped;
};

static void choose_pages(const struct bench *b, const struct mapping *m, struct nvbar_extent *ext)
{
	size_t i;

	if (!m->scattered)
		ext[0] = (struct nvbar_extent){ b->pa, m->pages * PAGE_BYTES };
	for (i = 0; m->scattered && i < m->pages; i++) {
		/* The number is a power of two, so an odd factor permutes. */
		uint64_t place = i * UINT64_C(40503) % m->pages;

		ext[i] = (struct nvbar_extent){ b->pa + 2 * place * PAGE_BYTES, PAGE_BYTES };
	}
}

/* One map and unmap; @va: where it was, NULL if nobody asks. */
static int map_once(struct cli *cli, struct mapping *m, const struct nvbar_extent *ext,
		    uint64_t *va)
{
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_PRIVATE, .label = "bench"
	};
	size_t nr = m->scattered ? m->pages : 1;
	struct nvbar_access *access;
	struct nvbar_stats before;
	uint64_t start;
	int ret;

	before = bench_begin(cli, &start);
	ret = nvbar_map(cli->gpu, ext, nr, &opts, &access);
	if (ret)
		return ret;
	m->map = bench_end(cli, &before, start);
	if (va)
		*va = nvbar_access_base(access);
	before = bench_begin(cli, &start);
	ret = nvbar_unmap(access);
	m->unmap = bench_end(cli, &before, start);
	return ret;
}

/* Every table that [va, va + len) needs exists then, and is empty. */
static int warm_up(struct cli *cli, uint64_t va, uint64_t len, uint64_t pa)
{
	struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_PRIVATE | NVBAR_MAP_FIXED
	};
	const struct nvbar_extent page = { pa, PAGE_BYTES };
	struct nvbar_access *access;
	int ret = 0;

	for (opts.va = va; !ret && opts.va < va + len;
	     opts.va = (opts.va / SLOT_BYTES + 1) * SLOT_BYTES) {
		ret = nvbar_map(cli->gpu, &page, 1, &opts, &access);
		if (!ret)
			ret = nvbar_unmap(access);
	}
	return ret;
}

static int map_prepared(struct cli *cli, struct mapping *m, const struct nvbar_extent *ext)
{
	uint64_t va, word;
	int ret;

	if (m->tables == ZEROED) {
		nvbar_zero_tables(cli->gpu, ZERO_MAX);
		/* The zeroes are on their way: the first read would wait for them. */
		ret = nvbar_pramin_read(cli->gpu, cli->info.reserved_pa, &word, sizeof(word));
		if (ret)
			return ret;
	}
	if (m->tables == WARM) {
		/* Where it goes is where it went before. */
		ret = map_once(cli, m, ext, &va);
		if (!ret)
			ret = warm_up(cli, va, m->pages * PAGE_BYTES, ext[0].pa);
		if (ret)
			return ret;
	}
	return map_once(cli, m, ext, NULL);
}

/* The counts are those of any round; the times are medians. */
static int measure_mapping(struct bench *b, struct mapping *m)
{
	size_t rounds = m->pages == 1 ? 15 : 3, i;
	double map[15], unmap[15];
	struct nvbar_extent *ext;
	int ret = 0;

	if (m->pages * PAGE_BYTES > b->cli->info.bar1_size) {
		m->skipped = "larger than the aperture";
		return EXIT_SUCCESS;
	}
	ext = calloc(m->pages, sizeof(*ext));
	if (!ext)
		return cli_fail(b->cli, -ENOMEM, "bench");
	for (i = 0; !ret && i < rounds; i++) {
		/* Only a device that was just opened has no tables at all. */
		cli_forget(b->cli);
		bench_drop_vram(b);
		nvbar_close(b->cli->gpu);
		b->cli->gpu = NULL;
		if (cli_open_bar1(b->cli, "bench")) {
			free(ext);
			return EXIT_FAILURE;
		}
		ret = bench_take_vram(b, 2 * m->pages * PAGE_BYTES);
		if (ret == -ENOSPC)
			m->skipped = "not enough VRAM";
		if (ret)
			break;
		choose_pages(b, m, ext);
		ret = map_prepared(b->cli, m, ext);
		map[i] = m->map.ns;
		unmap[i] = m->unmap.ns;
	}
	free(ext);
	if (m->skipped)
		return EXIT_SUCCESS;
	if (ret)
		return cli_fail(b->cli, ret, "map and unmap %zu pages", m->pages);
	m->map.ns = bench_median(map, rounds);
	m->unmap.ns = bench_median(unmap, rounds);
	return EXIT_SUCCESS;
}

static void print_mapping(const struct mapping *m)
{
	printf("%6zu %-10s %-6s", m->pages, m->scattered ? "scattered" : "contiguous",
	       tables_name[m->tables]);
	if (m->skipped) {
		printf(" skipped: %s\n", m->skipped);
		return;
	}
	bench_print_cost(&m->map);
	bench_print_cost(&m->unmap);
	printf("\n");
}

static struct json_object *mapping_json(const struct mapping *m)
{
	struct json_object *obj = json_object_new_object();

	json_add(obj, "pages", m->pages);
	json_add_flag(obj, "scattered", m->scattered);
	json_add_text(obj, "tables", tables_name[m->tables]);
	if (m->skipped) {
		json_add_text(obj, "skipped", m->skipped);
		return obj;
	}
	json_put(obj, "map", bench_cost_json(&m->map));
	json_put(obj, "unmap", bench_cost_json(&m->unmap));
	return obj;
}

int bench_mappings(struct bench *b, struct json_object *list)
{
	static const size_t pages[] = { 1, 512, 65536 };
	size_t i;

	if (!b->cli->json)
		printf("Map and unmap: bus reads R, writes W (window moves M included), which a bus\n"
		       "carries as B transactions, invalidates T, and host time.  Page tables: cold,\n"
		       "none; zeroed, none, but VRAM has zeroes where they will be; warm, all of them,\n"
		       "empty.\n\n"
		       "%6s %-10s %-6s %40s %40s\n", "pages", "in VRAM", "tables",
		       "map:   R       W     M       B  T      us",
		       "unmap:   R       W     M       B  T      us");
	for (i = 0; i < ARRAY_SIZE(pages) * 6; i++) {
		struct mapping m = {
			.pages = pages[i / 6], .scattered = i % 6 < 3, .tables = i % 3
		};

		if (interrupted())
			return cli_fail(b->cli, -EINTR, "bench");
		if (measure_mapping(b, &m))
			return EXIT_FAILURE;
		if (b->cli->json)
			json_append(list, mapping_json(&m));
		else
			print_mapping(&m);
		(void)fflush(stdout);
	}
	return EXIT_SUCCESS;
}
