// SPDX-License-Identifier: MIT
/*
 * nvbar: the table of commands, and the way to them.
 */
#include <sysexits.h>

#include "cli.h"

static const struct command cmd_help;

static const struct command *const commands[] = {
	&cmd_list, &cmd_info, &cmd_read, &cmd_write, &cmd_fill, &cmd_demo, &cmd_walk, &cmd_tables,
	&cmd_decode, &cmd_maps, &cmd_check, &cmd_snapshot, &cmd_replay, &cmd_memtest, &cmd_selftest,
	&cmd_bench, &cmd_resize, &cmd_bind, &cmd_unbind, &cmd_help,
};

struct main_args {
	struct cli *cli;
	const struct command *command;
	int argc;
	char **argv;
};

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i]->name))
			return commands[i];
	return NULL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct main_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = a->cli;
		return 0;
	case ARGP_KEY_ARG:
		a->command = find_command(arg);
		if (!a->command)
			arg_error(state, "unknown command '%s'", arg);
		a->argc = state->argc - state->next + 1;
		a->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a command is needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The list of commands, from the table that dispatches them. */
static char *help_text(int key, const char *text, void *input)
{
	size_t i, len;
	char *list;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	out = open_memstream(&list, &len);
	if (!out)
		return (char *)text;
	fputs("Commands:\n", out);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n\"nvbar help COMMAND\" says more. DEVICE is sim[:CHIP][,key=value...], "
	      "pci:DDDD:BB:DD.F, vfio:DDDD:BB:DD.F or vfio-user:PATH.", out);
	(void)fclose(out);	/* tool_help() asks for all */
	return list;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "Reach the memory of an NVIDIA GPU through its PCIe BAR1 aperture.\v",
	.children = cli_options,
	.help_filter = help_text,
};

static int run_command(const struct command *command, struct cli *cli, int argc, char **argv)
{
	char name[32];

	snprintf(name, sizeof(name), "nvbar %s", command->name);
	argv[0] = name;
	return command->run(cli, argc, argv);
}

static error_t parse_help(int key, char *arg, struct argp_state *state)
{
	const struct command **command = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (*command)
		arg_error(state, "too many arguments");
	*command = find_command(arg);
	if (!*command)
		arg_error(state, "unknown command '%s'", arg);
	return 0;
}

static const struct argp help_argp = {
	.parser = parse_help,
	.args_doc = "[COMMAND]",
	.doc = "Explain a command, or list them all.",
};

static int help(struct cli *cli, int argc, char **argv)
{
	const struct command *command = NULL;
	char name[32] = "nvbar";

	(void)cli;
	tool_parse(&help_argp, argc, argv, 0, &command);
	if (command)
		snprintf(name, sizeof(name), "nvbar %s", command->name);
	tool_help(command ? command->argp : &argp, name);
	return EXIT_SUCCESS;
}

static const struct command cmd_help = { "help", "explain a command", &help_argp, help };

int main(int argc, char **argv)
{
	struct cli cli = { 0 };
	struct main_args args = { .cli = &cli };
	int ret;

	argp_program_version = "nvbar " NVBAR_VERSION;
	argp_err_exit_status = EX_USAGE;
	stdio_init();
	arg_refuse_controls("nvbar", argv);
	tool_parse(&argp, argc, argv, ARGP_IN_ORDER, &args);
	ret = run_command(args.command, &cli, args.argc, args.argv);
	cli_close(&cli);
	return ret;
}
