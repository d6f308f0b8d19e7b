// SPDX-License-Identifier: MIT
/*
 * nvbar fill: a pattern over a range of VRAM.
 */
#include "cli.h"

struct fill_args {
	struct transfer t;
	uint64_t addr, len, pattern;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct fill_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->t;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			a->addr = arg_number(state, arg);
		else if (state->arg_num == 1)
			a->len = arg_number(state, arg);
		else if (state->arg_num == 2)
			a->pattern = arg_number(state, arg);
		else
			arg_error(state, "too many arguments");
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 3)
			arg_error(state, "an address, a length and a pattern are needed");
		if (a->pattern > UINT32_MAX)
			arg_error(state, "the pattern has more than 32 bits");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int fill_vram(struct fill_args *a)
{
	uint32_t pattern = a->pattern;

	if (transfer_begin(&a->t) || transfer_check(&a->t, a->addr, a->len))
		return EXIT_FAILURE;
	progress_begin(&a->t.progress, "fill", a->len);
	return transfer_run(&a->t, a->addr, &pattern, a->len);
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "PA LEN PATTERN",
	.doc = "Write a 32-bit PATTERN over a range of VRAM."
	       "\vPA and LEN are multiples of 4 and take the suffixes K, M, G and T.",
	.children = transfer_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct fill_args a = { .t = { .cli = cli, .op = TRANSFER_FILL } };
	int ret;

	tool_parse(&argp, argc, argv, 0, &a);
	ret = transfer_end(&a.t, fill_vram(&a));
	return ret ? ret : transfer_report(&a.t);
}

const struct command cmd_fill = { "fill", "a pattern over a range of VRAM", &argp, run };
