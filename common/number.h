/* SPDX-License-Identifier: MIT */
/* Numbers as people type and paste them. */
#ifndef NVBAR_NUMBER_H
#define NVBAR_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * number_parse - a number, and nothing else
 * @text: decimal digits, or hexadecimal ones behind 0x; single underscores between them;
 *	then perhaps K, M, G or T, as such or as KB or KiB: powers of 1024, in any case
 * @value: receives it; left alone on failure
 *
 * Leading zeros without 0x are refused: a dump pads hexadecimal digits with them, and a
 * reader of decimal ones takes them for another number.
 *
 * Return: whether @text is one, and fits 64 bits.
 */
bool number_parse(const char *text, uint64_t *value);

/**
 * number_why - why number_parse() refuses this text
 * @text: what it refused
 * @why: receives words that begin with the text, such as "'010' may be 0x10 or 10"
 * @len: room at @why
 */
void number_why(const char *text, char *why, size_t len);

/** number_is_ambiguous - whether it is refused for its leading zeros alone */
bool number_is_ambiguous(const char *text);

#endif
