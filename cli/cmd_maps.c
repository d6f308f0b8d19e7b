// SPDX-License-Identifier: MIT
/*
 * nvbar maps: who holds BAR1, to the last byte.
 */
#include "cli.h"
#include "text.h"

struct maps {
	bool json;
	struct json_object *list;	/* for JSON */
	uint64_t used, nr;
};

static const char *rights(const struct nvbar_mapping_info *m)
{
	if (!m->page_sizes)
		return "  ";
	return m->flags & NVBAR_MAP_RDONLY ? "ro" : "rw";
}

static struct json_object *mapping_json(const struct nvbar_mapping_info *m)
{
	struct json_object *obj = json_object_new_object();

	json_add(obj, "va", m->va);
	json_add(obj, "len", m->len);
	json_add_flag(obj, "rdonly", m->flags & NVBAR_MAP_RDONLY);
	json_add_flag(obj, "private", m->flags & NVBAR_MAP_PRIVATE);
	json_add_page_sizes(obj, "page_sizes", m->page_sizes);
	json_add_text(obj, "state", m->state);
	json_add_text(obj, "label", m->label);
	return obj;
}

static int visit(const struct nvbar_mapping_info *m, void *arg)
{
	struct maps *maps = arg;

	if (interrupted())
		return -EINTR;
	maps->used += m->len;
	if (maps->json)
		json_append(maps->list, mapping_json(m));
	else if (!maps->nr)
		printf("%-12s %10s  %-2s  %-11s %-12s %s\n", "VA", "SIZE", "", "STATE", "PAGES",
		       "LABEL");
	if (!maps->json)
		printf("0x%010" PRIx64 " %10s  %s  %-11s %-12s %s\n", m->va, size_text(m->len),
		       rights(m), m->state, page_sizes_text(m->page_sizes), m->label);
	maps->nr++;
	return 0;
}

static void print_sum(const char *name, uint64_t bytes)
{
	const char *text = size_about(bytes);

	printf("%-12s %10s", name, text);
	if (strcmp(text, size_text(bytes)))
		printf("  (0x%" PRIx64 ")", bytes);
	putchar('\n');
}

static void print_text(const struct maps *maps, const struct nvbar_stats *s)
{
	print_sum("used", maps->used);
	print_sum("free", s->va_free);
	print_sum("largest free", s->va_largest_free);
	print_sum("aperture", maps->used + s->va_free);
}

static int print_json(const struct cli *cli, const struct maps *maps, const struct nvbar_stats *s)
{
	struct json_object *obj = json_new(cli);

	json_put(obj, "mappings", maps->list);
	json_add(obj, "used", maps->used);
	json_add(obj, "free", s->va_free);
	json_add(obj, "largest_free", s->va_largest_free);
	json_add(obj, "aperture", cli->info.bar1_size);
	return cli_print_json(cli, obj);
}

static const struct argp argp = {
	.doc = "Show who holds BAR1 address space, what is free, and that both make up the "
	       "aperture.",
	.children = cli_map_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct maps maps = { 0 };
	struct nvbar_stats stats;
	int ret;

	tool_parse(&argp, argc, argv, 0, cli);
	if (cli_open_mapped(cli, "maps"))
		return EXIT_FAILURE;
	maps.json = cli->json;
	if (cli->json)
		maps.list = json_object_new_array();
	else
		printf("BAR1 of %s\n", text_shown(cli->name));
	ret = nvbar_for_each_mapping(cli->gpu, visit, &maps);
	if (ret) {
		json_object_put(maps.list);
		return cli_fail(cli, ret, "maps");
	}
	stats = cli_stats(cli);
	if (!cli->json)
		print_text(&maps, &stats);
	else if (print_json(cli, &maps, &stats))
		return EXIT_FAILURE;
	if (maps.used + stats.va_free == cli->info.bar1_size)
		return EXIT_SUCCESS;
	return cli_refuse(cli, "maps: 0x%" PRIx64 " used and 0x%" PRIx64 " free bytes are not the "
			  "0x%" PRIx64 " of the aperture", maps.used, stats.va_free,
			  cli->info.bar1_size);
}

const struct command cmd_maps = { "maps", "who holds BAR1", &argp, run };
