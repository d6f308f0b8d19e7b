// SPDX-License-Identifier: MIT
/*
 * Numbers, sizes and page lists as the user types them, and the options that
 * several commands have.
 */
#include "cli.h"

/* The digits at @text; @end is the first character that is none. */
static bool parse_digits(const char *text, uint64_t *value, const char **end)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	char *stop;

	/* What strtoull() takes beyond this: signs, blanks, a second "0x". */
	*end = digits + strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
	errno = 0;
	*value = strtoull(digits, &stop, hex ? 16 : 10);
	return *end > digits && *end == stop && !errno;
}

bool parse_number(const char *text, uint64_t *value)
{
	const char *end;
	uint64_t v;

	if (!parse_digits(text, &v, &end) || *end)
		return false;
	*value = v;
	return true;
}

bool parse_size(const char *text, uint64_t *value)
{
	static const char units[] = "KMGT";
	unsigned int shift = 0;
	const char *end, *unit;
	uint64_t v;

	if (!parse_digits(text, &v, &end))
		return false;
	if (*end) {
		unit = strchr(units, *end & ~0x20);
		if (!unit || !*unit || end[1])
			return false;
		shift = 10 * (unit - units + 1);
	}
	if (v > UINT64_MAX >> shift)
		return false;
	*value = v << shift;
	return true;
}

uint64_t arg_number(const struct argp_state *state, const char *text)
{
	uint64_t value = 0;

	if (!parse_number(text, &value))
		argp_error(state, "invalid number '%s'", text);
	return value;
}

uint64_t arg_size(const struct argp_state *state, const char *text)
{
	uint64_t value = 0;

	if (!parse_size(text, &value))
		argp_error(state, "invalid number '%s'", text);
	return value;
}

void arg_no_memory(const struct argp_state *state)
{
	tool_no_memory(state->name);
}

void arg_pages(const struct argp_state *state, const char *text, struct page_list *list)
{
	char *copy = strdup(text), *rest = copy;
	uint64_t *pfn;
	size_t i, nr = 1;

	for (i = 0; text[i]; i++)
		nr += text[i] == ',';
	pfn = calloc(nr, sizeof(*pfn));
	if (!copy || !pfn)
		arg_no_memory(state);
	for (i = 0; i < nr; i++)
		pfn[i] = arg_number(state, strsep(&rest, ","));
	free(copy);
	free(list->pfn);
	list->pfn = pfn;
	list->nr = nr;
}

/* No letters */
#define OPT_DRY_RUN	0x100
#define OPT_FORCE	0x101
#define OPT_FAULTS	0x102

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct cli *cli = state->input;

	switch (key) {
	case 'd':
		cli->device = arg;
		return 0;
	case 'j':
		cli->json = true;
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

static const struct argp_option common_options[] = {
	{ "device", 'd', "DEVICE", 0, "device to use (default: $NVBAR_DEVICE, or sim)", -2 },
	{ "json", 'j', NULL, 0, "facts as JSON on standard output", -2 },
	{ "dry-run", OPT_DRY_RUN, NULL, 0,
	  "write nothing to the GPU; tell on standard error what would be written", -2 },
	{ "force", OPT_FORCE, NULL, 0, "take BAR1 even if another driver has it bound", -2 },
	{ "faults", OPT_FAULTS, NULL, 0, "accesses where nothing is mapped shall fault, in any case",
	  -2 },
	{ 0 }
};
static const struct argp common_argp = { .options = common_options, .parser = parse_common };
const struct argp_child cli_options[] = { { &common_argp, 0, NULL, 0 }, { 0 } };

static error_t parse_map(int key, char *arg, struct argp_state *state)
{
	struct page_list list = { NULL, 0 }, *maps;
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
	{ "map", 'm', "P1,P2,...", 0,
	  "first map these VRAM pages (page frame numbers) as one range; may be repeated", 1 },
	{ 0 }
};
static const struct argp map_argp = {
	.options = map_options, .parser = parse_map, .children = cli_options
};
const struct argp_child cli_map_options[] = { { &map_argp, 0, NULL, 0 }, { 0 } };
