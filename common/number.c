// SPDX-License-Identifier: MIT
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "number.h"

/**
 * struct number - a text taken apart
 * @digits: the first digit
 * @nr: how many characters are digits, and underscores between them
 * @base: of the digits
 * @shift: what the unit behind them multiplies by
 */
struct number {
	const char *digits;
	size_t nr;
	unsigned int base, shift;
};

/* -1: none */
static int digit(char c, unsigned int base)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

	return at && at - digits < (int)base ? at - digits : -1;
}

static size_t count_digits(const char *text, unsigned int base)
{
	size_t i;

	for (i = 0; digit(text[i], base) >= 0; i++)
		i += text[i + 1] == '_' && digit(text[i + 2], base) >= 0;
	return i;
}

/* "K", "KB" or "KiB", and so on */
static bool parse_unit(const char *text, unsigned int *shift)
{
	static const char units[] = "KMGT";
	const char *unit;

	*shift = 0;
	if (!*text)
		return true;
	unit = strchr(units, *text & ~0x20);
	if (!unit || !*unit || (text[1] && strcasecmp(text + 1, "b") && strcasecmp(text + 1, "ib")))
		return false;
	*shift = 10 * (unit - units + 1);
	return true;
}

static bool take_apart(const char *text, struct number *n)
{
	n->base = text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10;
	n->digits = n->base == 16 ? text + 2 : text;
	n->nr = count_digits(n->digits, n->base);
	return n->nr && parse_unit(n->digits + n->nr, &n->shift);
}

static bool fits(const struct number *n, uint64_t *value)
{
	uint64_t v = 0;
	size_t i;
	int d;

	for (i = 0; i < n->nr; i++) {
		if (n->digits[i] == '_')
			continue;
		d = digit(n->digits[i], n->base);
		if (v > (UINT64_MAX - d) / n->base)
			return false;
		v = v * n->base + d;
	}
	if (v > UINT64_MAX >> n->shift)
		return false;
	*value = v << n->shift;
	return true;
}

/* Decimal, and padded; zero is zero either way. */
static bool is_padded(const struct number *n)
{
	return n->base == 10 && n->nr > 1 && n->digits[0] == '0' && strspn(n->digits, "0_") < n->nr;
}

bool number_parse(const char *text, uint64_t *value)
{
	struct number n;

	return take_apart(text, &n) && !is_padded(&n) && fits(&n, value);
}

bool number_is_ambiguous(const char *text)
{
	struct number n;

	return take_apart(text, &n) && is_padded(&n);
}

/* Hexadecimal digits to the end, of which one is not decimal */
static bool lacks_0x(const char *text)
{
	size_t nr = count_digits(text, 16);

	return nr && !text[nr];
}

void number_why(const char *text, char *why, size_t len)
{
	const char *rest = text + strspn(text, "0_");
	struct number n;

	if (number_is_ambiguous(text))
		snprintf(why, len, "'%.40s' may be 0x%.40s or %.40s; say which", text, rest, rest);
	else if (take_apart(text, &n))
		snprintf(why, len, "'%.40s' does not fit 64 bits", text);
	else if (lacks_0x(text))
		snprintf(why, len, "invalid number '%.40s'; hexadecimal is 0x%.40s", text, rest);
	else
		snprintf(why, len, "invalid number '%.40s'", text);
}
