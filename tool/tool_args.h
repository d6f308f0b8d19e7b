/* SPDX-License-Identifier: MIT */
/* Command lines of both tools: read as a whole or not at all, and their help likewise. */
#ifndef TOOL_ARGS_H
#define TOOL_ARGS_H

#include <argp.h>

/**
 * tool_parse - argp_parse(), with --help, --usage and --version
 * @argp: the options
 * @argc: as for argp_parse()
 * @argv: likewise
 * @flags: likewise
 * @input: likewise
 *
 * Comes back only if all of the command line was read: help, misuse and a lack of
 * memory end the program, the last with a line on standard error and exit status 1.
 */
void tool_parse(const struct argp *argp, int argc, char **argv, unsigned int flags, void *input);

/**
 * tool_help - print help to standard output
 * @argp: of what
 * @name: of the program, or of the program and the command
 *
 * What there is no memory for ends the program as above, and nothing is printed.
 */
void tool_help(const struct argp *argp, char *name);

/**
 * tool_no_memory - end the program as above
 * @name: of the program, whose folder is left out, or of the program and the command
 */
__attribute__((noreturn)) void tool_no_memory(const char *name);

#endif
