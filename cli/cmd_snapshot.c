// SPDX-License-Identifier: MIT
/*
 * nvbar snapshot: the BAR1 page tables as text, for "walk --snapshot".
 */
#include "cli.h"

static int append_line(const char *text, void *list)
{
	if (interrupted())
		return -EINTR;
	json_append_text(list, text);
	return 0;
}

static int print_line(const char *text, void *arg)
{
	(void)arg;
	if (interrupted())
		return -EINTR;
	puts(text);
	return 0;
}

/* Return: an exit status. */
static int take(struct cli *cli)
{
	struct json_object *obj = NULL;
	int ret;

	if (cli->json) {
		obj = json_new(cli);
		ret = nvbar_snapshot_take(cli->gpu, append_line, json_add_list(obj, "lines"));
	} else {
		ret = nvbar_snapshot_take(cli->gpu, print_line, NULL);
	}
	if (!ret)
		return cli->json ? cli_print_json(cli, obj) : EXIT_SUCCESS;
	json_object_put(obj);
	return cli_fail(cli, ret, "snapshot");
}

static const struct argp argp = {
	.doc = "Write the BAR1 page tables as text. \"nvbar walk --snapshot\" follows them without "
	       "the device.",
	.children = cli_map_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	tool_parse(&argp, argc, argv, 0, cli);
	return cli_open_mapped(cli, "snapshot") ? EXIT_FAILURE : take(cli);
}

const struct command cmd_snapshot = { "snapshot", "the BAR1 page tables as text", &argp, run };
