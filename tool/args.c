/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool_args.h"

void tool_no_memory(const char *name)
{
	const char *slash = strrchr(name, '/');

	fprintf(stderr, "%s: no memory\n", slash ? slash + 1 : name);
	exit(EXIT_FAILURE);
}

/* --- help ------------------------------------------------------------------ */

/* argp has assertions where it needs memory for help. */
static void on_abort(int sig)
{
	static const char line[] = "no memory for help\n";

	(void)sig;
	(void)!write(STDERR_FILENO, line, sizeof(line) - 1);
	_exit(EXIT_FAILURE);
}

/*
 * And elsewhere it leaves text out for lack of memory, of which only errno tells.  So
 * nothing is printed before all of it is there.
 */
static void print_help(const struct argp *argp, const struct argp_state *state,
		       unsigned int what, char *name)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		tool_no_memory(name);
	signal(SIGABRT, on_abort);
	errno = 0;
	if (state)
		argp_state_help(state, out, what);
	else
		argp_help(argp, out, what, name);
	signal(SIGABRT, SIG_DFL);
	if (fclose(out) || errno == ENOMEM) {
		free(text);
		tool_no_memory(name);
	}
	fputs(text, stdout);
	free(text);
}

void tool_help(const struct argp *argp, char *name)
{
	print_help(argp, NULL, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK, name);
}

#define OPT_USAGE	0x10000	/* no command has that many options */

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	switch (key) {
	case '?':
	case 'h':
		print_help(NULL, state, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK, state->name);
		break;
	case OPT_USAGE:
		print_help(NULL, state, ARGP_HELP_USAGE, state->name);
		break;
	case 'V':
		puts(argp_program_version);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	exit(EXIT_SUCCESS);
}

static const struct argp_option options[] = {
	{ "help", '?', NULL, 0, "Give this help list", -1 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1 },
	{ "usage", OPT_USAGE, NULL, 0, "Give a short usage message", 0 },
	{ "version", 'V', NULL, 0, "Print program version", -1 },
	{ 0 }
};
static const struct argp help_argp = { .options = options, .parser = parse };

/* --- parsing --------------------------------------------------------------- */

void tool_parse(const struct argp *argp, int argc, char **argv, unsigned int flags, void *input)
{
	const struct argp_child children[] = {
		{ argp, 0, NULL, 0 }, { &help_argp, 0, NULL, 0 }, { 0 }
	};
	const struct argp all = { .children = children };

	if (argp_parse(&all, argc, argv, flags | ARGP_NO_HELP, NULL, input))
		tool_no_memory(argv[0]);
}
