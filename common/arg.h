/* SPDX-License-Identifier: MIT */
/* What is wrong with a user's words.  Everything here that finds something ends the program. */
#ifndef NVBAR_ARG_H
#define NVBAR_ARG_H

#include <argp.h>
#include <stdint.h>

/**
 * arg_error - misuse: argp_error() for a text that holds words of the user's
 * @state: of the parser
 * @fmt: what is wrong; control characters in the line become '?'
 */
_Noreturn void arg_error(const struct argp_state *state, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** arg_fail - the same for what is no misuse, as a file that is not there */
_Noreturn void arg_fail(const struct argp_state *state, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** arg_number - a number or size, as number_parse() takes it */
uint64_t arg_number(const struct argp_state *state, const char *text);

/**
 * arg_refuse_controls - no option holds a control character
 * @program: its name
 * @argv: all arguments.  Where one is an option, and unknown, getopt() repeats it as it is
 */
void arg_refuse_controls(const char *program, char *const *argv);

#endif
