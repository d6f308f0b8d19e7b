/* SPDX-License-Identifier: MIT */
/*
 * JSON that is whole or not there.
 *
 * What there is no memory for is remembered, so that an object can be put together
 * without a look at each step: none of these fails, and the NULL that
 * json_object_new_object() and json_object_new_array() may give is handed on.
 * json_print() then prints nothing.  json-c does not print, as it leaves out what it
 * has no memory for and does not say so.
 *
 * A process prints one object.  One thread at a time.
 */
#ifndef TOOL_JSON_H
#define TOOL_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json.h>

/**
 * json_put - put a value into an object
 * @obj: the object
 * @key: its name there
 * @value: of json-c, NULL if it could not be made; the object's from now on,
 *	and not to be touched, as it is gone if there was no memory
 */
void json_put(struct json_object *obj, const char *key, struct json_object *value);

/**
 * json_add_list - put an empty list into an object
 * @obj: the object
 * @key: its name there
 *
 * Return: the list, the object's; NULL: no memory.
 */
struct json_object *json_add_list(struct json_object *obj, const char *key);

/* Put a value that is made here into an object. */
void json_add(struct json_object *obj, const char *key, uint64_t value);
void json_add_text(struct json_object *obj, const char *key, const char *text);
void json_add_flag(struct json_object *obj, const char *key, bool value);
void json_add_null(struct json_object *obj, const char *key);

/**
 * json_append - put a value at the end of a list
 * @list: the list
 * @value: as for json_put()
 */
void json_append(struct json_object *list, struct json_object *value);

/* The same with a value that is made here */
void json_append_number(struct json_object *list, uint64_t value);
void json_append_text(struct json_object *list, const char *text);

/**
 * json_print - print an object, or a list, and end it
 * @obj: the object; NULL if it could not be made
 *
 * Needs no memory.  Whether standard output took it is for the caller to find out.
 *
 * Return: whether it was whole; else nothing is printed, and nothing will be.
 */
bool json_print(struct json_object *obj) __attribute__((warn_unused_result));

/**
 * json_print_text - print a string as JSON has it
 * @text: the string
 */
void json_print_text(const char *text);

#endif
