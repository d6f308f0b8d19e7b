// SPDX-License-Identifier: MIT
/*
 * nvbar resize: another size for BAR1.
 */
#include "cli.h"

struct resize_args {
	struct cli *cli;
	const char *address;
	uint64_t size;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct resize_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = a->cli;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			a->address = arg;
		else if (state->arg_num == 1)
			a->size = arg_number(state, arg);
		else
			arg_error(state, "too many arguments");
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 2)
			arg_error(state, "a PCI address and a size are needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "BDF SIZE",
	.doc = "Give BAR1 of a GPU another size, which lasts until the machine is reset. \"nvbar "
	       "list\" tells the sizes that it can have. No driver may be bound to it.",
	.children = cli_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct resize_args a = { .cli = cli };
	struct nvbar_open_opts opts;
	struct json_object *obj;
	int ret;

	tool_parse(&argp, argc, argv, 0, &a);
	opts = cli_opts(cli, 0);
	cli->name = a.address;
	ret = nvbar_device_resize(a.address, a.size, &opts);
	if (ret)
		return cli_fail(cli, ret, "resize BAR1 to %s", size_text(a.size));
	if (!cli->json)
		return EXIT_SUCCESS;
	obj = json_new(cli);
	json_add(obj, "bar1_size", a.size);
	return cli_print_json(cli, obj);
}

const struct command cmd_resize = { "resize", "give BAR1 another size", &argp, run };
