// SPDX-License-Identifier: MIT
#include <stdint.h>
#include <string.h>

#include "text.h"

/* The character at @s; its bytes, 0 if these are no UTF-8 of the shortest form. */
static size_t decode(const unsigned char *s, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 :
		   s[0] < 0xf5 ? 4 : 0;
	size_t i;

	*c = n > 1 ? s[0] & (0x7f >> n) : s[0];
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	return n && *c >= least[n] && *c <= 0x10ffff && (*c < 0xd800 || *c > 0xdfff) ? n : 0;
}

/* Control characters, line and paragraph separators, and what turns the direction of text */
static bool is_harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* What is no UTF-8 may be ISO 8859, whose control characters are below 0xa0. */
static size_t next(const char *text, uint32_t *c, bool *harmful)
{
	size_t n = decode((const unsigned char *)text, c);

	if (!n) {
		*c = (unsigned char)*text;
		n = 1;
	}
	*harmful = is_harmful(*c);
	return n;
}

char *text_clean(char *text)
{
	char *from = text, *to = text;
	bool harmful;
	uint32_t c;
	size_t n;

	for (; *from; from += n) {
		n = next(from, &c, &harmful);
		if (harmful) {
			*to++ = '?';
			continue;
		}
		memmove(to, from, n);
		to += n;
	}
	*to = '\0';
	return text;
}

const char *text_shown(const char *text)
{
	static char copy[8][1024];
	static unsigned int nr;
	char *to = copy[nr++ % 8];

	snprintf(to, sizeof(copy[0]), "%s", text);
	return text_clean(to);
}

bool text_is_clean(const char *text)
{
	bool harmful = false;
	uint32_t c;

	while (*text && !harmful)
		text += next(text, &c, &harmful);
	return !harmful;
}

static char short_escape(uint32_t c)
{
	static const char chars[] = "\"\\\b\f\n\r\t", escapes[] = "\"\\bfnrt";
	const char *at = c && c < 0x80 ? strchr(chars, (int)c) : NULL;

	return at ? escapes[at - chars] : 0;
}

void text_put_json(const char *text, FILE *out)
{
	bool harmful;
	uint32_t c;
	size_t n;

	putc('"', out);
	for (; *text; text += n) {
		n = next(text, &c, &harmful);
		if (short_escape(c))
			fprintf(out, "\\%c", short_escape(c));
		else if (n == 1 && c >= 0x80)	/* no UTF-8 */
			fputs("\\ufffd", out);
		else if (harmful)
			fprintf(out, "\\u%04x", c);
		else
			(void)fwrite(text, 1, n, out);
	}
	putc('"', out);
}
