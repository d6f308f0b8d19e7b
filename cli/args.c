// SPDX-License-Identifier: MIT
/*
 * The options that several commands have.
 */
#include "cli.h"

void arg_no_memory(const struct argp_state *state)
{
	tool_no_memory(state->name);
}

/* No letters */
#define OPT_DRY_RUN	0x100
#define OPT_FORCE	0x101
#define OPT_FAULTS	0x102

static error_t parse_json(int key, char *arg, struct argp_state *state)
{
	struct cli *cli = state->input;

	(void)arg;
	switch (key) {
	case 'j':
		cli->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option json_options[] = {
	{ "json", 'j', NULL, 0, "facts as JSON on standard output", -2 },
	{ 0 }
};
static const struct argp json_argp = {
	.options = json_options, .parser = parse_json
};
const struct argp_child cli_json_options[] = { { &json_argp, 0, NULL, 0 }, { 0 } };

static error_t parse_device(int key, char *arg, struct argp_state *state)
{
	struct cli *cli = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = cli;
		return 0;
	case 'd':
		cli->device = arg;
		return 0;
	case OPT_DRY_RUN:
		cli->dry_run = true;
		return 0;
	case OPT_FORCE:
		cli->force = true;
		return 0;
	case OPT_FAULTS:
		cli->faults = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option device_options[] = {
	{ "device", 'd', "DEVICE", 0, "device to use (default: $NVBAR_DEVICE, or sim)", -2 },
	{ "dry-run", OPT_DRY_RUN, NULL, 0,
	  "write nothing to the GPU; tell on standard error what would be written", -2 },
	{ "force", OPT_FORCE, NULL, 0, "take BAR1 even if another driver has it bound", -2 },
	{ "faults", OPT_FAULTS, NULL, 0, "accesses where nothing is mapped shall fault, in any case",
	  -2 },
	{ 0 }
};
static const struct argp device_argp = {
	.options = device_options, .parser = parse_device, .children = cli_json_options
};
const struct argp_child cli_options[] = { { &device_argp, 0, NULL, 0 }, { 0 } };

static error_t parse_map(int key, char *arg, struct argp_state *state)
{
	struct page_list list = { 0 }, *maps;
	struct cli *cli = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = cli;
		return 0;
	case 'm':
		arg_pages(state, arg, &list);
		maps = reallocarray(cli->maps, cli->nr_maps + 1, sizeof(*maps));
		if (!maps)
			arg_no_memory(state);
		cli->maps = maps;
		maps[cli->nr_maps++] = list;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option map_options[] = {
	{ "map", 'm', "PAGES", 0,
	  "first map these VRAM pages as one range: page frame numbers P1,P2-P3,P4+COUNT,@FILE; "
	  "may be repeated", 1 },
	{ 0 }
};
static const struct argp map_argp = {
	.options = map_options, .parser = parse_map, .children = cli_options
};
const struct argp_child cli_map_options[] = { { &map_argp, 0, NULL, 0 }, { 0 } };
