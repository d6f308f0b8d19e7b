/* SPDX-License-Identifier: MIT */
/* The commands of nvbar-sim: one file and one row each. */
#ifndef NVBAR_SIM_H
#define NVBAR_SIM_H

#include <stdbool.h>
#include <stdint.h>

#define PROGRAM	"nvbar-sim"

/**
 * struct command - one command
 * @name: what is typed
 * @doc: one line for the help
 * @run: gets the command's own arguments, argv[0] being "nvbar-sim NAME".
 *	Return: exit status
 */
struct command {
	const char *name;
	const char *doc;
	int (*run)(int argc, char **argv);
};

int cmd_translate(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_regs(int argc, char **argv);

/* One line on stderr.  Return: 1, the exit status of what is refused. */
int refuse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Flush stdout.  Return: @status, or 1 if it could not be written. */
int finish_output(int status);

#endif
