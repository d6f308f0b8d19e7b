// SPDX-License-Identifier: MIT
/* One page beside many live mappings. */
#include "bench.h"

/** struct crowd - live mappings of a page each
 * @b: the run
 * @access: they
 * @nr: how many
 */
struct crowd {
	struct bench *b;
	struct nvbar_access **access;
	size_t nr;
};

static int map_page(struct crowd *c, size_t i, struct nvbar_access **access)
{
	const uint64_t page = i % (c->b->len / PAGE_BYTES);

	return nvbar_map_vram(c->b->cli->gpu, c->b->vram, page * PAGE_BYTES, PAGE_BYTES,
			      NVBAR_MAP_PRIVATE, access);
}

static int crowd_grow(struct crowd *c, size_t nr)
{
	int ret = 0;

	while (!ret && c->nr < nr && !interrupted()) {
		ret = map_page(c, c->nr, &c->access[c->nr]);
		c->nr += !ret;
	}
	return ret ? ret : c->nr < nr ? -EINTR : 0;
}

static int crowd_end(struct crowd *c)
{
	int ret = 0, err;

	while (c->nr) {
		err = nvbar_unmap(c->access[--c->nr]);
		ret = ret ? ret : err;
	}
	free(c->access);
	return ret;
}

/** struct beside - what one access costs beside others */
struct beside {
	struct cost map, unmap;
	double read_ns, copy_ns;
};

static int measure_beside(struct crowd *c, struct beside *r)
{
	double map[101], unmap[ARRAY_SIZE(map)];
	struct cli *cli = c->b->cli;
	struct nvbar_access *access;
	struct nvbar_stats before;
	uint64_t start;
	int ret = 0, err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(map) && !ret; i++) {
		before = bench_begin(cli, &start);
		ret = map_page(c, c->nr, &access);
		if (ret)
			return ret;
		r->map = bench_end(cli, &before, start);
		map[i] = r->map.ns;
		if (i + 1 == ARRAY_SIZE(map))
			ret = bench_page_access(access, &r->read_ns, &r->copy_ns);
		before = bench_begin(cli, &start);
		err = nvbar_unmap(access);
		r->unmap = bench_end(cli, &before, start);
		unmap[i] = r->unmap.ns;
		ret = ret ? ret : err;
	}
	r->map.ns = bench_median(map, ARRAY_SIZE(map));
	r->unmap.ns = bench_median(unmap, ARRAY_SIZE(unmap));
	return ret;
}

static struct json_object *beside_json(size_t live, const struct beside *r)
{
	struct json_object *obj = json_object_new_object();

	json_add(obj, "live", live);
	json_put(obj, "map", bench_cost_json(&r->map));
	json_put(obj, "unmap", bench_cost_json(&r->unmap));
	json_add(obj, "read32_ps", 1000 * r->read_ns);
	json_add(obj, "read_4k_ps", 1000 * r->copy_ns);
	return obj;
}

static void print_beside(size_t live, const struct beside *r)
{
	printf("%8zu", live);
	bench_print_cost(&r->map);
	bench_print_cost(&r->unmap);
	printf(" %8.2f %8.1f\n", r->read_ns, r->copy_ns);
	(void)fflush(stdout);
}

int bench_crowds(struct bench *b, struct json_object *list)
{
	static const size_t live[] = { 10, 1000, 100000, 1000000 };
	struct crowd c = { .b = b };
	uint64_t room = b->cli->info.bar1_size / PAGE_BYTES, len = b->cli->info.bar1_size / 2;
	struct beside r = { 0 };
	int ret, err;
	size_t i;

	/* Where VRAM is short, pages are mapped more than once. */
	while ((ret = bench_take_vram(b, len)) == -ENOSPC && len > SLOT_BYTES)
		len /= 2;
	if (ret)
		return cli_fail(b->cli, ret, "VRAM of %s", size_text(len));
	c.access = calloc(live[ARRAY_SIZE(live) - 1], sizeof(*c.access));
	if (!c.access)
		return cli_fail(b->cli, -ENOMEM, "bench");
	if (!b->cli->json)
		printf("\nOne page beside so many live mappings of one page: map, unmap, read32 and a read\n"
		       "of 4 KiB in ns.\n\n%8s %40s %40s %8s %8s\n", "live",
		       "map:   R       W     M       B  T      us",
		       "unmap:   R       W     M       B  T      us", "read32", "read");
	for (i = 0; !ret && i < ARRAY_SIZE(live); i++) {
		if (live[i] >= room) {
			if (!b->cli->json)
				printf("%8zu skipped: larger than the aperture\n", live[i]);
			continue;
		}
		ret = crowd_grow(&c, live[i]);
		if (!ret)
			ret = measure_beside(&c, &r);
		if (!ret && b->cli->json)
			json_append(list, beside_json(live[i], &r));
		else if (!ret)
			print_beside(live[i], &r);
	}
	err = crowd_end(&c);
	bench_drop_vram(b);
	ret = ret ? ret : err;
	return ret ? cli_fail(b->cli, ret, "bench beside live mappings") : EXIT_SUCCESS;
}
