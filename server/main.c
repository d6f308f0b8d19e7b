/* SPDX-License-Identifier: MIT */
/* nvbar-sim: the modelled GPU from the device's side. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arg.h"
#include "ending.h"
#include "nvbar_sim.h"
#include "text.h"
#include "tool_args.h"

static int cmd_help(int argc, char **argv);

static const struct command commands[] = {
	{ "translate", "what the modelled MMU makes of each VA of a snapshot", cmd_translate },
	{ "serve", "the modelled GPU as a PCI device, by the vfio-user protocol", cmd_serve },
	{ "regs", "the register map of a chip", cmd_regs },
	{ "help", "explain a command", cmd_help },
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

int refuse(const char *fmt, ...)
{
	char line[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* Names, and what clients send, may hold anything. */
	fprintf(stderr, PROGRAM ": %s\n", text_clean(line));
	return 1;
}

/* SIGPIPE was not ignored when the program began; and would have come. */
static bool pipes_may_end, left;

int finish_output(int status)
{
	static bool told;

	if (!fflush(stdout) && !ferror(stdout))
		return status;
	left = pipes_may_end && is_left(STDOUT_FILENO);
	if (!told && !left)
		refuse("standard output: %s", strerror(errno));
	told = true;
	return 1;
}

/* The last thing done: help and version end the program without a word. */
static void finish(void)
{
	int status = finish_output(0);

	if (left)
		end_by(SIGPIPE);
	if (status)
		_exit(status);
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < NR_COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/* The help's list of commands. */
static char *help_filter(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t len, i;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)(uintptr_t)text;
	f = open_memstream(&list, &len);
	if (!f)
		return NULL;
	fputs("Commands:\n", f);
	for (i = 0; i < NR_COMMANDS; i++)
		fprintf(f, "  %-12s%s\n", commands[i].name, commands[i].doc);
	fputs("\n`" PROGRAM " COMMAND --help' tells more.", f);
	(void)fclose(f);	/* tool_parse() asks for all */
	return list;
}

struct top {
	const struct command *command;
	int first;	/* argument that is the command */
};

static error_t parse_top(int key, char *arg, struct argp_state *state)
{
	struct top *top = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		top->command = find_command(arg);
		if (!top->command)
			arg_error(state, "unknown command '%s'", arg);
		top->first = state->next - 1;
		state->next = state->argc;	/* the rest is the command's */
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a command is needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp top_argp = {
	.parser = parse_top,
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "The modelled GPU, from the device's side.\v",
	.help_filter = help_filter,
};

static error_t parse_help(int key, char *arg, struct argp_state *state)
{
	const struct command **command = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (state->arg_num)
		argp_error(state, "too many arguments");
	*command = find_command(arg);
	if (!*command)
		arg_error(state, "unknown command '%s'", arg);
	return 0;
}

static const struct argp help_argp = {
	.parser = parse_help,
	.args_doc = "[COMMAND]",
	.doc = "Explains a command, or lists them all.",
};

/* A command explains itself. */
static int cmd_help(int argc, char **argv)
{
	static char program[] = PROGRAM, option[] = "--help";
	const struct command *command = NULL;
	char *words[] = { program, option, NULL };
	char name[64];

	tool_parse(&help_argp, argc, argv, 0, &command);
	if (!command) {
		tool_help(&top_argp, program);
		return finish_output(0);
	}
	snprintf(name, sizeof(name), "%s %s", PROGRAM, command->name);
	words[0] = name;
	return command->run(2, words);
}

int main(int argc, char **argv)
{
	static char program[] = PROGRAM;
	struct top top = { NULL, 0 };
	char name[64];

	if (argc)
		argv[0] = program;
	argp_program_version = PROGRAM " " NVBAR_VERSION;
	/* Whoever reads may have gone: the program ends of that when it has cleaned up. */
	pipes_may_end = !is_ignored(SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	/* A file that may not grow is one, too. */
	signal(SIGXFSZ, SIG_IGN);
	if (atexit(finish))
		tool_no_memory(PROGRAM);
	arg_refuse_controls(PROGRAM, argv);
	tool_parse(&top_argp, argc, argv, ARGP_IN_ORDER, &top);
	snprintf(name, sizeof(name), "%s %s", PROGRAM, top.command->name);
	argv[top.first] = name;
	return top.command->run(argc - top.first, argv + top.first);
}
