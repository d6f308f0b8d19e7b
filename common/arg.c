// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "arg.h"
#include "number.h"
#include "text.h"

/* What the user typed is part of it, and may be anything. */
static char *line_of(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

static char *line_of(const char *fmt, va_list ap)
{
	static char line[512];

	vsnprintf(line, sizeof(line), fmt, ap);
	return text_clean(line);
}

void arg_error(const struct argp_state *state, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	argp_error(state, "%s", line_of(fmt, ap));
	va_end(ap);
	exit(EX_USAGE);
}

void arg_fail(const struct argp_state *state, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	argp_failure(state, EXIT_FAILURE, 0, "%s", line_of(fmt, ap));
	va_end(ap);
	exit(EXIT_FAILURE);
}

uint64_t arg_number(const struct argp_state *state, const char *text)
{
	uint64_t value = 0;
	char why[160];

	if (!number_parse(text, &value)) {
		number_why(text, why, sizeof(why));
		arg_error(state, "%s", why);
	}
	return value;
}

void arg_refuse_controls(const char *program, char *const *argv)
{
	char option[64];

	while (*argv && *++argv && strcmp(*argv, "--")) {
		if (**argv != '-' || text_is_clean(*argv))
			continue;
		snprintf(option, sizeof(option), "%s", *argv);
		fprintf(stderr, "%s: option '%s' holds a control character\n", program,
			text_clean(option));
		exit(EX_USAGE);
	}
}
