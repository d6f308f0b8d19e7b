/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "json_text.h"

#define DIGITS	"0123456789"

/*
 * Each of these takes the begin of what it is about and gives its end, NULL if it is
 * something else.  A text ends with a NUL, which is part of nothing.
 */
static const char *skip_blanks(const char *at)
{
	while (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')
		at++;
	return at;
}

static const char *skip_word(const char *at, const char *word)
{
	size_t len = strlen(word);

	return strncmp(at, word, len) ? NULL : at + len;
}

static const char *skip_digits(const char *at)
{
	size_t nr = strspn(at, DIGITS);

	return nr ? at + nr : NULL;
}

static const char *skip_integer(const char *at)
{
	if (*at == '-')
		at++;
	return *at == '0' ? at + 1 : skip_digits(at);
}

static const char *skip_number(const char *at)
{
	at = skip_integer(at);
	if (at && *at == '.')
		at = skip_digits(at + 1);
	if (!at || (*at != 'e' && *at != 'E'))
		return at;
	at++;
	if (*at == '+' || *at == '-')
		at++;
	return skip_digits(at);
}

/* Behind the backslash */
static const char *skip_escape(const char *at)
{
	if (*at == 'u')
		return strspn(at + 1, DIGITS "abcdefABCDEF") >= 4 ? at + 5 : NULL;
	return *at && strchr("\"\\/bfnrt", *at) ? at + 1 : NULL;
}

static const char *skip_string(const char *at)
{
	if (*at++ != '"')
		return NULL;
	while (at && *at != '"') {
		if ((unsigned char)*at < ' ')
			return NULL;
		at = *at == '\\' ? skip_escape(at + 1) : at + 1;
	}
	return at ? at + 1 : NULL;
}

/* NOLINTBEGIN(misc-no-recursion): JSON_TEXT_DEPTH deep at most */
static const char *skip_value(const char *at, unsigned int depth);

/* A value, behind its name if it is in an object */
static const char *skip_element(const char *at, bool named, unsigned int depth)
{
	if (named) {
		at = skip_string(at);
		if (!at)
			return NULL;
		at = skip_blanks(at);
		if (*at++ != ':')
			return NULL;
		at = skip_blanks(at);
	}
	return skip_value(at, depth);
}

/* A list or an object */
static const char *skip_elements(const char *at, unsigned int depth)
{
	const bool named = *at == '{';
	const char end = named ? '}' : ']';

	if (!depth)
		return NULL;
	at = skip_blanks(at + 1);
	if (*at == end)
		return at + 1;
	for (;;) {
		at = skip_element(at, named, depth - 1);
		if (!at)
			return NULL;
		at = skip_blanks(at);
		if (*at == end)
			return at + 1;
		if (*at != ',')
			return NULL;
		at = skip_blanks(at + 1);
	}
}

static const char *skip_value(const char *at, unsigned int depth)
{
	switch (*at) {
	case '{':
	case '[':
		return skip_elements(at, depth);
	case '"':
		return skip_string(at);
	case 't':
		return skip_word(at, "true");
	case 'f':
		return skip_word(at, "false");
	case 'n':
		return skip_word(at, "null");
	default:
		return skip_number(at);
	}
}
/* NOLINTEND(misc-no-recursion) */

const char *json_text_is_object(const char *text)
{
	const char *object = skip_blanks(text), *end;

	if (*object != '{')
		return NULL;
	end = skip_value(object, JSON_TEXT_DEPTH);
	return end && !*skip_blanks(end) ? object : NULL;
}

const char *json_text_find(const char *object, const char *name)
{
	const char *at = skip_blanks(object + 1), *found = NULL, *key;
	size_t len = strlen(name);

	while (*at != '}') {
		key = at + 1;
		at = skip_blanks(skip_string(at));
		at = skip_blanks(at + 1);
		if (!strncmp(key, name, len) && key[len] == '"')
			found = at;
		at = skip_blanks(skip_value(at, JSON_TEXT_DEPTH));
		if (*at == ',')
			at = skip_blanks(at + 1);
	}
	return found;
}

bool json_text_is_count(const char *value)
{
	const char *end = skip_number(value);

	return *value != '-' && end && end == skip_integer(value);
}
