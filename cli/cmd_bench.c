// SPDX-License-Identifier: MIT
#include "bench.h"
#include "text.h"

static int check_left(struct cli *cli, const struct nvbar_stats *first)
{
	struct nvbar_stats last;

	nvbar_trim(cli->gpu);
	last = cli_stats(cli);
	if (last.mappings != first->mappings || last.vram_free != first->vram_free ||
	    last.va_free != first->va_free)
		return cli_refuse(cli, "bench: mappings or VRAM are left behind");
	if (last.model_driver_errors)
		return cli_refuse(cli, "bench: the model refused %" PRIu64 " accesses",
				  last.model_driver_errors);
	return EXIT_SUCCESS;
}

/*
 * The driver is to be timed, and not what the model does to its writes on their way:
 * they land at once, unless the device string has a word on it.
 */
static const char *device_to_time(struct cli *cli, char *text, size_t len)
{
	const char *name = cli_choose_device(cli);

	if (strncmp(name, "sim", 3) || strstr(name, "landing="))
		return cli->device;
	snprintf(text, len, "%s,landing=at-once", name);
	return text;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct cli *cli = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = cli;
		return 0;
	case ARGP_KEY_SUCCESS:
		if (cli->dry_run)
			arg_error(state, "a dry run measures nothing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.parser = parse,
	.doc = "Measure mapping and access on this device: bus accesses and host time of map and "
	       "unmap, single accesses and copies beside memcpy() on ordinary memory, and what many "
	       "live mappings cost. Uses only VRAM that it allocates. Opens the device several times.",
	.children = cli_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct json_object *mappings = NULL, *access = NULL, *beside = NULL, *out = NULL;
	struct bench b = { .cli = cli };
	struct nvbar_stats first;
	char device[512];
	int ret;

	tool_parse(&argp, argc, argv, 0, cli);
	cli->device = device_to_time(cli, device, sizeof(device));
	if (cli_open_bar1(cli, "bench"))
		return EXIT_FAILURE;
	first = cli_stats(cli);
	if (cli->json) {
		out = json_new(cli);
		mappings = json_add_list(out, "mappings");
		access = json_add_list(out, "access");
		beside = json_add_list(out, "beside");
	} else {
		printf("nvbar bench on %s\n\n", text_shown(cli->name));
	}
	ret = bench_mappings(&b, mappings);
	bench_drop_vram(&b);
	if (!ret)
		ret = bench_access(&b, access);
	if (!ret)
		ret = bench_crowds(&b, beside);
	if (!ret)
		ret = check_left(cli, &first);
	/* What was measured before a signal is told. */
	if (cli->json && interrupted())
		json_add_flag(out, "interrupted", true);
	if (cli->json && (!ret || interrupted()))
		return cli_print_json(cli, out) || ret ? EXIT_FAILURE : EXIT_SUCCESS;
	json_object_put(out);
	return ret;
}

const struct command cmd_bench = { "bench", "what mapping and access cost on this device", &argp,
				   run };
