// SPDX-License-Identifier: MIT
/*
 * nvbar tables: every entry of the BAR1 tree that is not empty.
 */
#include "cli.h"

struct tables {
	bool json;
	struct json_object *list;	/* for JSON */
	size_t nr;
};

/* The root is PD3 in v2 and PD4 in v3; what is no PDn is below PD0. */
static unsigned int depth(const struct nvbar_entry_info *e)
{
	unsigned int root = e->mmu_version + 1;

	return e->name[1] == 'D' ? root - (e->name[2] - '0') : root + 1;
}

static void print_entry(const struct nvbar_entry_info *e)
{
	printf("%*s%-5s %3u  va 0x%09" PRIx64 "  at 0x%09" PRIx64 "  ", 2 * depth(e), "", e->name,
	       e->index, e->va, e->addr);
	entry_print(stdout, e->mmu_version, e->kind, e->raw);
	putchar('\n');
}

static int visit(const struct nvbar_entry_info *e, void *arg)
{
	struct tables *t = arg;
	struct json_object *obj;

	if (interrupted())
		return -EINTR;
	t->nr++;
	if (!t->json) {
		print_entry(e);
		return 0;
	}
	obj = json_object_new_object();
	json_add_text(obj, "name", e->name);
	json_add(obj, "depth", depth(e));
	json_add(obj, "index", e->index);
	json_add(obj, "va", e->va);
	json_add(obj, "addr", e->addr);
	json_add_entry(obj, e->mmu_version, e->kind, e->raw);
	json_append(t->list, obj);
	return 0;
}

static const struct argp argp = {
	.doc = "Show every entry of the BAR1 page tables that is not empty, in VA order, a table's "
	       "entries below the one that points to it.",
	.children = cli_map_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct tables t = { 0 };
	struct json_object *obj = NULL;
	int ret;

	tool_parse(&argp, argc, argv, 0, cli);
	if (cli_open_mapped(cli, "tables"))
		return EXIT_FAILURE;
	t.json = cli->json;
	if (cli->json) {
		obj = json_new(cli);
		t.list = json_add_list(obj, "entries");
	}
	ret = nvbar_for_each_entry(cli->gpu, visit, &t);
	if (ret) {
		json_object_put(obj);
		return cli_fail(cli, ret, "tables");
	}
	if (cli->json)
		return cli_print_json(cli, obj);
	if (!t.nr)
		cli_note(cli, "tables: nothing is mapped; --map PAGES maps pages first");
	return EXIT_SUCCESS;
}

const struct command cmd_tables = { "tables", "every entry of the BAR1 page tables", &argp, run };
