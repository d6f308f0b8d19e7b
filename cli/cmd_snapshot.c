// SPDX-License-Identifier: MIT
/*
 * nvbar snapshot: the BAR1 page tables as text, for "walk --snapshot".
 */
#include "cli.h"

static int take_line(const char *text, void *arg)
{
	struct json_object *list = arg;

	if (interrupted())
		return -EINTR;
	if (list)
		json_object_array_add(list, json_object_new_string(text));
	else
		puts(text);
	return 0;
}

static const struct argp argp = {
	.doc = "Write the BAR1 page tables as text. \"nvbar walk --snapshot\" follows them without "
	       "the device.",
	.children = cli_map_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct json_object *obj, *list = NULL;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, cli);
	if (cli_open_mapped(cli, "snapshot"))
		return EXIT_FAILURE;
	if (cli->json)
		list = json_object_new_array();
	ret = nvbar_snapshot_take(cli->gpu, take_line, list);
	if (ret) {
		json_object_put(list);
		return cli_fail(cli, ret, "snapshot");
	}
	if (cli->json) {
		obj = json_new(cli);
		json_object_object_add(obj, "lines", list);
		json_print(obj);
	}
	return EXIT_SUCCESS;
}

const struct command cmd_snapshot = { "snapshot", "the BAR1 page tables as text", &argp, run };
