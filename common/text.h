/* SPDX-License-Identifier: MIT */
/* Text from elsewhere (names of devices, files, scenarios, what servers say) for a terminal. */
#ifndef NVBAR_TEXT_H
#define NVBAR_TEXT_H

#include <stdbool.h>
#include <stdio.h>

/**
 * text_clean - make one harmless line of a text
 * @text: changed in place, never longer: '?' takes the place of each control character,
 *	those of one byte (C0, DEL) as well as those that UTF-8 or ISO 8859 write with more
 *	than 7 bits (C1), of the characters that begin a line or turn its direction, and
 *	of bytes below 0xa0 that are no UTF-8
 *
 * Return: @text.
 */
char *text_clean(char *text);

/** text_shown - a clean copy, cut to 1 KiB; overwritten by the eighth call from here on */
const char *text_shown(const char *text);

/** text_is_clean - whether text_clean() would leave it alone */
bool text_is_clean(const char *text);

/**
 * text_put_json - print a string as JSON has it
 * @text: the string; what is harmful in it is escaped, though JSON lets it pass, and what
 *	is no UTF-8, for which JSON has nothing, becomes U+FFFD
 * @out: where
 */
void text_put_json(const char *text, FILE *out);

#endif
