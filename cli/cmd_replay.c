// SPDX-License-Identifier: MIT
/*
 * nvbar replay: a recorded trace of bus accesses against the model.
 */
#include "cli.h"

struct replay_args {
	struct cli *cli;
	const char *file;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct replay_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = a->cli;
		return 0;
	case ARGP_KEY_ARG:
		if (a->file)
			arg_error(state, "too many arguments");
		a->file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!a->file)
			arg_error(state, "a file is needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_json(const struct cli *cli, const struct nvbar_replay_report *r)
{
	struct json_object *obj = json_new(cli), *difference;

	json_add_flag(obj, "same", !r->line);
	json_add(obj, "accesses", r->accesses);
	json_add(obj, "compared", r->compared);
	json_add(obj, "taken_over", r->taken_over);
	json_add(obj, "passed_over", r->passed_over);
	json_add(obj, "refused", r->refused);
	if (r->line) {
		difference = json_object_new_object();
		json_add(difference, "line", r->line);
		json_add(difference, "bar", r->bar);
		json_add(difference, "offset", r->offset);
		json_add(difference, "width", r->width);
		json_add_text(difference, "where", r->where);
		json_add(difference, "recorded", r->recorded);
		json_add(difference, "replayed", r->replayed);
		json_object_object_add(obj, "difference", difference);
	}
	json_print(obj);
}

static int report(const struct cli *cli, const struct nvbar_replay_report *r)
{
	if (cli->json)
		print_json(cli, r);
	else
		printf("%" PRIu64 " accesses, %" PRIu64 " reads compared, %" PRIu64
		       " taken over, %" PRIu64 " too early; the model refuses %" PRIu64 "\n",
		       r->accesses, r->compared, r->taken_over, r->passed_over, r->refused);
	if (!r->line)
		return EXIT_SUCCESS;
	return cli_refuse(cli, "replay: line %" PRIu64 ": read of %" PRIu32 " bytes at BAR%" PRIu32
			  " 0x%06" PRIx64 " (%s): 0x%" PRIx64 " was recorded, the model gives 0x%"
			  PRIx64, r->line, r->width, r->bar, r->offset, r->where, r->recorded,
			  r->replayed);
}

static int replay(struct cli *cli, const char *file)
{
	struct nvbar_replay_report r = { .size = sizeof(r) };
	char why[200] = "", *text;
	size_t len;
	int ret;

	cli->name = file;
	ret = read_file(file, &text, &len);
	if (ret)
		return cli_refuse(cli, "replay: %s", io_error(ret));
	ret = nvbar_replay(text, len, &r, why, sizeof(why));
	free(text);
	if (ret && why[0])
		return cli_refuse(cli, "replay: %s", why);
	return ret ? cli_fail(cli, ret, "replay") : report(cli, &r);
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "FILE",
	.doc = "Perform the bus accesses of a trace, which NVBAR_TRACE=FILE makes of a run, on a "
	       "modelled GPU of the same kind, and tell the first read that gives something else "
	       "there. FILE may be - for standard input.",
	.children = cli_json_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct replay_args a = { .cli = cli };

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	return replay(cli, a.file);
}

const struct command cmd_replay = { "replay", "a recorded run against the model", &argp, run };
