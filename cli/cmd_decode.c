// SPDX-License-Identifier: MIT
/*
 * nvbar decode: the fields of an entry, no device needed.
 */
#include "cli.h"

struct decode_args {
	struct cli *cli;
	unsigned int version, kind;
	uint64_t raw[2];
};

static unsigned int arg_kind(const struct argp_state *state, const char *arg)
{
	unsigned int kind;

	for (kind = NVBAR_ENTRY_PDE; kind <= NVBAR_ENTRY_PTE; kind++)
		if (!strcmp(arg, entry_kind_name(kind)))
			return kind;
	arg_error(state, "an entry is a pde, a dual_pde or a pte, not '%s'", arg);
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct decode_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = a->cli;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0) {
			if (strcmp(arg, "v2") && strcmp(arg, "v3"))
				arg_error(state, "the format is v2 or v3, not '%s'", arg);
			a->version = arg[1] - '0';
		} else if (state->arg_num == 1) {
			a->kind = arg_kind(state, arg);
		} else if (state->arg_num < 4) {
			a->raw[state->arg_num - 2] = arg_number(state, arg);
		} else {
			arg_error(state, "too many arguments");
		}
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < 3)
			arg_error(state, "a format, a kind of entry and its value are needed");
		/* A page of 2 MiB stands in two words, too. */
		if (a->raw[1] && a->kind != NVBAR_ENTRY_DUAL_PDE)
			arg_error(state, "only a dual_pde has a second word that is not 0");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "v2|v3 pde|dual_pde|pte RAW [RAW_HI]",
	.doc = "Show the fields of a page-table entry as key=value words. RAW_HI is the second "
	       "word of an entry of 16 bytes.",
	.children = cli_json_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct decode_args a = { .cli = cli };
	char words[ENTRY_WORDS];
	int ret;

	tool_parse(&argp, argc, argv, 0, &a);
	ret = nvbar_decode(a.version, a.kind, a.raw[0], a.raw[1], words, sizeof(words));
	cli->name = argv[1];
	if (ret)
		return cli_fail(cli, ret, "decode 0x%" PRIx64 " 0x%" PRIx64, a.raw[0], a.raw[1]);
	if (cli->json)
		return cli_print_json(cli, json_words(words));
	puts(words);
	return EXIT_SUCCESS;
}

const struct command cmd_decode = { "decode", "the fields of a page-table entry", &argp, run };
