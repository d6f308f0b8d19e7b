// SPDX-License-Identifier: MIT
/*
 * nvbar replay: a recorded trace of bus accesses against the model.
 */
#include "cli.h"

#define SHOW_DEFAULT	10

/**
 * struct replay_args - a run of the command
 * @cli: the run
 * @file: the trace
 * @strict: a refused access is a failure
 * @show: refused accesses that are told at most
 * @opts: limits
 * @first: refused accesses, those that are told
 * @nr: how many
 */
struct replay_args {
	struct cli *cli;
	const char *file;
	bool strict;
	uint64_t show;
	struct nvbar_replay_opts opts;
	struct nvbar_replay_refusal *first;
	size_t nr;
};

enum {
	KEY_STRICT = 0x100,
	KEY_REFUSALS,
	KEY_MAX_ACCESSES,
	KEY_MAX_VRAM,
};

static const struct argp_option options[] = {
	{ .name = "strict", .key = KEY_STRICT,
	  .doc = "Exit status 1 if the model refuses an access" },
	{ .name = "refusals", .key = KEY_REFUSALS, .arg = "N",
	  .doc = "Tell the first N accesses that the model refuses; default 10, at most 1000" },
	{ .name = "max-accesses", .key = KEY_MAX_ACCESSES, .arg = "N",
	  .doc = "Refuse a trace with more; default 33554432" },
	{ .name = "max-vram", .key = KEY_MAX_VRAM, .arg = "SIZE",
	  .doc = "Stop at a trace that touches more of VRAM; default 1G" },
	{ 0 },
};

/* 0 would be the default. */
static uint64_t limit(const struct argp_state *state, uint64_t val)
{
	if (!val)
		argp_error(state, "a limit is at least 1");
	return val;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct replay_args *a = state->input;

	switch (key) {
	case KEY_STRICT:
		a->strict = true;
		return 0;
	case KEY_REFUSALS:
		a->show = arg_number(state, arg);
		if (a->show > 1000)
			argp_error(state, "at most 1000 refusals are told");
		return 0;
	case KEY_MAX_ACCESSES:
		a->opts.max_accesses = limit(state, arg_number(state, arg));
		return 0;
	case KEY_MAX_VRAM:
		a->opts.max_vram = limit(state, arg_number(state, arg));
		return 0;
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

static void keep_refusal(const struct nvbar_replay_refusal *refusal, void *arg)
{
	struct replay_args *a = arg;

	if (a->nr < a->show)
		a->first[a->nr++] = *refusal;
}

static struct json_object *refusal_json(const struct nvbar_replay_refusal *r)
{
	struct json_object *obj = json_object_new_object();

	json_add(obj, "line", r->line);
	json_add_flag(obj, "write", r->is_write);
	json_add(obj, "bar", r->bar);
	json_add(obj, "offset", r->offset);
	json_add(obj, "width", r->width);
	json_add_text(obj, "where", r->where);
	json_add(obj, "value", r->value);
	json_add_text(obj, "reason", r->reason);
	return obj;
}

/* Return: an exit status. */
static int print_json(const struct replay_args *a, const struct nvbar_replay_report *r)
{
	struct json_object *obj = json_new(a->cli), *list, *difference;
	const struct nvbar_replay_refusal *refusal;

	json_add_flag(obj, "same", !r->line);
	json_add(obj, "accesses", r->accesses);
	json_add(obj, "compared", r->compared);
	json_add(obj, "taken_over", r->taken_over);
	json_add(obj, "passed_over", r->passed_over);
	json_add(obj, "refused", r->refused);
	list = json_add_list(obj, "refusals");
	for (refusal = a->first; refusal < a->first + a->nr; refusal++)
		json_append(list, refusal_json(refusal));
	json_add(obj, "elsewhere", r->elsewhere);
	json_add(obj, "unknown", r->unknown);
	json_add(obj, "lost", r->lost);
	if (r->line) {
		difference = json_object_new_object();
		json_add(difference, "line", r->line);
		json_add(difference, "bar", r->bar);
		json_add(difference, "offset", r->offset);
		json_add(difference, "width", r->width);
		json_add_text(difference, "where", r->where);
		json_add(difference, "recorded", r->recorded);
		json_add(difference, "replayed", r->replayed);
		json_put(obj, "difference", difference);
	}
	return cli_print_json(a->cli, obj);
}

static void print_refusals(const struct replay_args *a, uint64_t refused)
{
	const struct nvbar_replay_refusal *r;

	for (r = a->first; r < a->first + a->nr; r++)
		printf("line %" PRIu64 ": %s of %" PRIu32 " bytes at BAR%" PRIu32 " 0x%06" PRIx64
		       " (%s): %s\n", r->line, r->is_write ? "write" : "read", r->width, r->bar,
		       r->offset, r->where, r->reason);
	if (refused > a->nr)
		printf("and %" PRIu64 " more that are refused\n", refused - a->nr);
}

static void print_text(const struct replay_args *a, const struct nvbar_replay_report *r)
{
	if (r->elsewhere || r->unknown || r->lost)
		printf("left out: %" PRIu64 " accesses elsewhere, %" PRIu64
		       " to registers that the model has not; %" PRIu64 " events were lost\n",
		       r->elsewhere, r->unknown, r->lost);
	printf("%" PRIu64 " accesses, %" PRIu64 " reads compared, %" PRIu64
	       " taken over, %" PRIu64 " too early; the model refuses %" PRIu64 "\n",
	       r->accesses, r->compared, r->taken_over, r->passed_over, r->refused);
	print_refusals(a, r->refused);
}

static int report(const struct replay_args *a, const struct nvbar_replay_report *r)
{
	const struct cli *cli = a->cli;

	if (!cli->json)
		print_text(a, r);
	else if (print_json(a, r))
		return EXIT_FAILURE;
	if (!r->line && a->strict && r->refused)
		return cli_refuse(cli, "replay: %" PRIu64 " accesses that the model refuses",
				  r->refused);
	if (!r->line)
		return EXIT_SUCCESS;
	return cli_refuse(cli, "replay: line %" PRIu64 ": read of %" PRIu32 " bytes at BAR%" PRIu32
			  " 0x%06" PRIx64 " (%s): 0x%" PRIx64 " was recorded, the model gives 0x%"
			  PRIx64, r->line, r->width, r->bar, r->offset, r->where, r->recorded,
			  r->replayed);
}

/* The option that raises a limit, where one was met */
static const char *advice(int err, const char *why)
{
	if (err != -ENOSPC)
		return "";
	return strstr(why, "VRAM") ? " (--max-vram)" : " (--max-accesses)";
}

static int replay_text(struct replay_args *a, const char *text, size_t len)
{
	struct nvbar_replay_report r = { .size = sizeof(r) };
	char why[200] = "";
	int ret;

	ret = nvbar_replay_trace(text, len, &a->opts, &r, why, sizeof(why));
	if (ret && why[0])
		return cli_refuse(a->cli, "replay: %s%s", why, advice(ret, why));
	return ret ? cli_fail(a->cli, ret, "replay") : report(a, &r);
}

static int replay(struct replay_args *a)
{
	int status, ret;
	size_t len;
	char *text;

	a->cli->name = a->file;
	ret = read_file(a->file, &text, &len);
	if (ret)
		return cli_refuse(a->cli, "replay: %s", io_error(ret));
	a->first = calloc(a->show + 1, sizeof(*a->first));
	status = a->first ? replay_text(a, text, len) : cli_fail(a->cli, -ENOMEM, "replay");
	free(a->first);
	free(text);
	return status;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "FILE",
	.doc = "Perform the bus accesses of a trace, which NVBAR_TRACE=FILE makes of a run, or of a "
	       "log of the kernel's mmiotrace, on a modelled GPU of the same kind. Tell the first "
	       "read that gives something else there, and the accesses that the model refuses. "
	       "FILE may be - for standard input.",
	.children = cli_json_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct replay_args a = {
		.cli = cli, .show = SHOW_DEFAULT,
		.opts = { .size = sizeof(a.opts), .refused = keep_refusal, .arg = &a },
	};

	tool_parse(&argp, argc, argv, 0, &a);
	return replay(&a);
}

const struct command cmd_replay = { "replay", "a recorded run against the model", &argp, run };
