// SPDX-License-Identifier: MIT
/*
 * nvbar bind, and its opposite, nvbar unbind: which driver has a device.
 */
#include "cli.h"

struct bind_args {
	struct cli *cli;
	unsigned int max;	/* arguments */
	const char *address;
	const char *driver;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct bind_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = a->cli;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num >= a->max)
			arg_error(state, "too many arguments");
		else if (state->arg_num == 0)
			a->address = arg;
		else
			a->driver = arg;
		return 0;
	case ARGP_KEY_END:
		if (!state->arg_num)
			arg_error(state, "a PCI address is needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int done(const struct cli *cli)
{
	return cli->json ? cli_print_json(cli, json_new(cli)) : EXIT_SUCCESS;
}

static const struct argp bind_argp = {
	.parser = parse,
	.args_doc = "BDF [DRIVER]",
	.doc = "Give a device of NVIDIA's to a driver: to DRIVER, which it then stays with, or to "
	       "whichever the kernel finds, as if DRIVER had never been named.",
	.children = cli_options,
};

static int run_bind(struct cli *cli, int argc, char **argv)
{
	struct bind_args a = { .cli = cli, .max = 2 };
	struct nvbar_open_opts opts;
	int ret;

	tool_parse(&bind_argp, argc, argv, 0, &a);
	opts = cli_opts(cli, 0);
	cli->name = a.address;
	ret = nvbar_device_bind(a.address, a.driver, &opts);
	if (ret)
		return cli_fail(cli, ret, "bind%s%s", a.driver ? " to " : "",
				a.driver ? a.driver : "");
	return done(cli);
}

const struct command cmd_bind = { "bind", "give a GPU to a driver", &bind_argp, run_bind };

static const struct argp unbind_argp = {
	.parser = parse,
	.args_doc = "BDF",
	.doc = "Take a device of NVIDIA's from its driver. What uses it through the driver loses "
	       "it, or keeps the driver waiting.",
	.children = cli_options,
};

static int run_unbind(struct cli *cli, int argc, char **argv)
{
	struct bind_args a = { .cli = cli, .max = 1 };
	struct nvbar_open_opts opts;
	int ret;

	tool_parse(&unbind_argp, argc, argv, 0, &a);
	opts = cli_opts(cli, 0);
	cli->name = a.address;
	ret = nvbar_device_unbind(a.address, &opts);
	return ret ? cli_fail(cli, ret, "unbind") : done(cli);
}

const struct command cmd_unbind = { "unbind", "take a GPU from its driver", &unbind_argp,
				    run_unbind };
