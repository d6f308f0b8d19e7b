/* SPDX-License-Identifier: MIT */
/*
 * JSON that a client sends, read where it stands: that needs no memory, of which json-c
 * does not look whether it has it.
 */
#ifndef SERVER_JSON_TEXT_H
#define SERVER_JSON_TEXT_H

#include <stdbool.h>

/** JSON_TEXT_DEPTH - how deep lists and objects may lie in each other */
#define JSON_TEXT_DEPTH	8

/**
 * json_text_is_object - is this one object of JSON, and nothing else?
 * @text: a string
 *
 * Return: the object, for json_text_find(); NULL if it is none.
 */
const char *json_text_is_object(const char *text);

/**
 * json_text_find - find a value in an object
 * @object: begin of a valid object
 * @name: the value's, in ASCII; one that is written with escapes is another
 *
 * Return: begin of the value, of the last of several; NULL if there is none.
 */
const char *json_text_find(const char *object, const char *name);

/**
 * json_text_is_count - is this value an integer that is not negative?
 * @value: begin of a valid value
 *
 * Return: whether it is.
 */
bool json_text_is_count(const char *value);

#endif
