// SPDX-License-Identifier: MIT
/*
 * nvbar walk: the way of a VA through the page tables, of a GPU or of a
 * snapshot.
 */
#include "cli.h"
#include "number.h"
#include "text.h"

struct walk_args {
	struct cli *cli;
	const char *file, *scenario;
	bool brief;
	uint64_t *va;
	size_t nr, room;
	struct json_object *json;	/* what is walked at the moment */
	size_t unreadable;
};

/* What is walked: a scenario of a snapshot, or the device. */
struct walked {
	struct nvbar *gpu;
	struct nvbar_snapshot *snap;
	size_t scenario;
};

static bool add_va(struct walk_args *a, uint64_t va)
{
	uint64_t *more;

	if (a->nr == a->room) {
		a->room = a->room ? 2 * a->room : 64;
		more = reallocarray(a->va, a->room, sizeof(*more));
		if (!more)
			return false;
		a->va = more;
	}
	a->va[a->nr++] = va;
	return true;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct walk_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = a->cli;
		return 0;
	case 's':
		a->file = arg;
		return 0;
	case 'n':
		a->scenario = arg;
		return 0;
	case 'b':
		a->brief = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!add_va(a, arg_number(state, arg)))
			arg_no_memory(state);
		return 0;
	case ARGP_KEY_SUCCESS:
		if (a->scenario && !a->file)
			arg_error(state, "--scenario is for --snapshot");
		if (a->cli->nr_maps && a->file)
			arg_error(state, "--map is not for --snapshot");
		if (a->file && !strcmp(a->file, "-") && !a->nr)
			arg_error(state, "the snapshot is on standard input: a VA is needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- VAs on standard input ---------------------------------------------- */

static int parse_lines(struct walk_args *a, char *text)
{
	char *line, *end;
	size_t nr = 0;
	char why[160];
	uint64_t va;

	while ((line = strsep(&text, "\n"))) {
		nr++;
		line += strspn(line, " \t");
		for (end = line + strlen(line); end > line && strchr(" \t\r", end[-1]); end--)
			end[-1] = 0;
		if (!*line)
			continue;
		if (!number_parse(line, &va)) {
			number_why(line, why, sizeof(why));
			return cli_refuse(a->cli, "walk: standard input, line %zu: %s", nr, why);
		}
		if (!add_va(a, va))
			return cli_fail(a->cli, -ENOMEM, "walk");
	}
	return EXIT_SUCCESS;
}

static int read_vas(struct walk_args *a)
{
	char *text, *more;
	size_t len;
	int ret;

	cli_note_typing(a->cli, "walk", "VAs, one a line");
	ret = read_file("-", &text, &len);
	if (ret)
		return cli_refuse(a->cli, "walk: standard input: %s", io_error(ret));
	more = realloc(text, len + 1);
	if (!more) {
		free(text);
		return cli_fail(a->cli, -ENOMEM, "walk");
	}
	more[len] = 0;
	if (memchr(more, 0, len))
		ret = cli_refuse(a->cli, "walk: standard input is not text");
	else
		ret = parse_lines(a, more);
	free(more);
	return ret;
}

/* --- walking ------------------------------------------------------------ */

static void show(struct walk_args *a, const struct nvbar_walk *walk)
{
	if (a->cli->json)
		json_append(a->json, walk_json(walk, !a->brief));
	else if (a->brief)
		walk_print_brief(stdout, walk);
	else
		walk_print(stdout, "", walk);
	a->unreadable += walk->status == NVBAR_WALK_UNREADABLE;
}

static int walk_all(struct walk_args *a, const struct walked *w)
{
	struct nvbar_walk walk;
	size_t i;
	int ret;

	for (i = 0; i < a->nr; i++) {
		if (interrupted())
			return cli_fail(a->cli, -EINTR, "walk 0x%" PRIx64, a->va[i]);
		walk = (struct nvbar_walk){ .size = sizeof(walk) };
		if (w->snap)
			ret = nvbar_snapshot_walk(w->snap, w->scenario, a->va[i], &walk);
		else
			ret = nvbar_walk(w->gpu, a->va[i], &walk);
		if (ret)
			return cli_fail(a->cli, ret, "walk 0x%" PRIx64, a->va[i]);
		show(a, &walk);
	}
	return EXIT_SUCCESS;
}

static int walk_device(struct walk_args *a)
{
	struct walked w = { .gpu = a->cli->gpu };
	struct json_object *obj;
	int ret;

	if (!a->nr && read_vas(a))
		return EXIT_FAILURE;
	obj = json_new(a->cli);
	a->json = json_add_list(obj, "walks");
	ret = walk_all(a, &w);
	if (a->cli->json && !ret)
		return cli_print_json(a->cli, obj);
	json_object_put(obj);
	return ret;
}

static int walk_scenario(struct walk_args *a, const struct walked *w, struct json_object *list)
{
	const char *name = nvbar_snapshot_name(w->snap, w->scenario);
	struct json_object *obj = json_object_new_object();
	int ret;

	json_add_text(obj, "name", name);
	a->json = json_add_list(obj, "walks");
	if (!a->cli->json && !a->brief)
		printf("scenario %s\n", text_shown(name));
	ret = walk_all(a, w);
	json_append(list, obj);
	return ret;
}

static int walk_scenarios(struct walk_args *a, struct walked *w, struct json_object *list)
{
	size_t nr = nvbar_snapshot_count(w->snap), found = 0;
	int ret;

	for (w->scenario = 0; w->scenario < nr; w->scenario++) {
		if (a->scenario && strcmp(a->scenario, nvbar_snapshot_name(w->snap, w->scenario)))
			continue;
		found++;
		ret = walk_scenario(a, w, list);
		if (ret)
			return ret;
	}
	if (found)
		return EXIT_SUCCESS;
	return cli_refuse(a->cli, "walk: no scenario %s among the %zu of this file",
			  a->scenario ? a->scenario : "", nr);
}

static int load_snapshot(struct walk_args *a, struct walked *w)
{
	char *text, why[200] = "";
	size_t len;
	int ret;

	ret = read_file(a->file, &text, &len);
	if (ret)
		return cli_refuse(a->cli, "walk --snapshot: %s", io_error(ret));
	ret = nvbar_snapshot_parse(text, len, &w->snap, why, sizeof(why));
	free(text);
	if (!ret)
		return EXIT_SUCCESS;
	return cli_refuse(a->cli, "walk --snapshot: %s", why[0] ? why : nvbar_strerror(ret));
}

static int walk_snapshot(struct walk_args *a)
{
	struct json_object *obj, *list;
	struct walked w = { 0 };
	int ret;

	a->cli->name = a->file;
	if (load_snapshot(a, &w))
		return EXIT_FAILURE;
	obj = json_object_new_object();
	json_add_text(obj, "snapshot", a->file);
	list = json_add_list(obj, "scenarios");
	ret = a->nr ? EXIT_SUCCESS : read_vas(a);
	if (!ret)
		ret = walk_scenarios(a, &w, list);
	if (a->cli->json && !ret)
		ret = cli_print_json(a->cli, obj);
	else
		json_object_put(obj);
	nvbar_snapshot_free(w.snap);
	return ret;
}

static const struct argp_option options[] = {
	{ "snapshot", 's', "FILE", 0, "walk the tables of a snapshot; no device is opened", 0 },
	{ "scenario", 'n', "NAME", 0, "of the snapshot only this scenario", 0 },
	{ "brief", 'b', NULL, 0, "one line per VA: x VA ok PA PAGE APERTURE PEER RO VOL PRIV "
	  "NOATOMIC KIND, or x VA and why not", 0 },
	{ 0 }
};
static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[VA...]",
	.doc = "Follow each VA through the page tables: one line per level with the table's name, "
	       "the index in it, where the entry is, its raw value and its fields; then the result."
	       "\vWithout a VA they are read from standard input, one per line.",
	.children = cli_map_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct walk_args a = { .cli = cli };
	int ret;

	tool_parse(&argp, argc, argv, 0, &a);
	if (a.file)
		ret = walk_snapshot(&a);
	else
		ret = cli_open_mapped(cli, "walk") || walk_device(&a);
	free(a.va);
	if (ret || !a.unreadable)
		return ret;
	return cli_refuse(cli, "walk: %zu VAs lead to a table that can't be read", a.unreadable);
}

const struct command cmd_walk = { "walk", "a VA's way through the page tables", &argp, run };
