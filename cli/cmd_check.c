// SPDX-License-Identifier: MIT
/*
 * nvbar check: the page tables against the allocators.
 */
#include "cli.h"
#include "text.h"

struct check {
	const struct cli *cli;
	struct json_object *problems;
};

static void take_problem(void *arg, const char *line)
{
	struct check *c = arg;

	json_append_text(c->problems, line);
	cli_refuse(c->cli, "check: %s", line);
}

static int print_json(struct check *c, const struct nvbar_check_report *r)
{
	struct json_object *obj = json_new(c->cli);
	struct json_object *kinds;
	unsigned int kind;

	json_add(obj, "tables", r->tables);
	json_add(obj, "entries", r->entries);
	json_add(obj, "mappings", r->mappings);
	if (c->cli->dry_run)
		return cli_print_json(c->cli, obj);
	kinds = json_object_new_object();
	json_put(obj, "problems", json_object_get(c->problems));
	for (kind = 0; nvbar_problem_name(kind); kind++)
		json_add(kinds, nvbar_problem_name(kind), r->by_kind[kind]);
	json_put(obj, "kinds", kinds);
	return cli_print_json(c->cli, obj);
}

static void print_text(const struct cli *cli, const struct nvbar_check_report *r)
{
	printf("%s: %" PRIu64 " tables, %" PRIu64 " entries, %" PRIu64 " mappings",
	       text_shown(cli->name), r->tables, r->entries, r->mappings);
	if (cli->dry_run)
		puts("; dry run: nothing was checked");
	else
		printf(": %" PRIu64 " problems\n", r->problems);
}

static const struct argp argp = {
	.doc = "Compare the page tables in VRAM with what the driver believes: its shadow of them, "
	       "the BAR1 address space and the allocators, and with what a modelled TLB "
	       "holds. Problems go to standard error, each with the word for its kind.",
	.children = cli_map_options,
};

static int check(struct check *c, struct cli *cli)
{
	struct nvbar_check_report r = { .size = sizeof(r), .problem = take_problem, .arg = c };
	int ret;

	ret = nvbar_check(cli->gpu, &r);
	if (ret && !(ret == -EIO && r.problems))
		return cli_fail(cli, ret, "check");
	if (!cli->json)
		print_text(cli, &r);
	else if (print_json(c, &r))
		return EXIT_FAILURE;
	return r.problems ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct check c = { .cli = cli };
	int ret;

	tool_parse(&argp, argc, argv, 0, cli);
	if (cli_open_mapped(cli, "check"))
		return EXIT_FAILURE;
	c.problems = json_object_new_array();
	ret = check(&c, cli);
	json_object_put(c.problems);
	return ret;
}

const struct command cmd_check = { "check", "page tables against the allocators", &argp, run };
