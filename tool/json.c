/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "text.h"
#include "tool_json.h"

/* Something had no memory: what is there is not whole. */
static bool incomplete;

/* --- making ---------------------------------------------------------------- */

/* Return: whether it is there; else it is gone. */
static bool put(struct json_object *obj, const char *key, struct json_object *value)
{
	if (obj && value && !json_object_object_add(obj, key, value))
		return true;
	json_object_put(value);
	incomplete = true;
	return false;
}

void json_put(struct json_object *obj, const char *key, struct json_object *value)
{
	put(obj, key, value);
}

struct json_object *json_add_list(struct json_object *obj, const char *key)
{
	struct json_object *list = json_object_new_array();

	return put(obj, key, list) ? list : NULL;
}

void json_add(struct json_object *obj, const char *key, uint64_t value)
{
	json_put(obj, key, json_object_new_uint64(value));
}

void json_add_text(struct json_object *obj, const char *key, const char *text)
{
	json_put(obj, key, json_object_new_string(text));
}

void json_add_flag(struct json_object *obj, const char *key, bool value)
{
	json_put(obj, key, json_object_new_boolean(value));
}

/* NULL is json-c's null. */
void json_add_null(struct json_object *obj, const char *key)
{
	if (!obj || json_object_object_add(obj, key, NULL))
		incomplete = true;
}

void json_append(struct json_object *list, struct json_object *value)
{
	if (list && value && !json_object_array_add(list, value))
		return;
	json_object_put(value);
	incomplete = true;
}

void json_append_number(struct json_object *list, uint64_t value)
{
	json_append(list, json_object_new_uint64(value));
}

void json_append_text(struct json_object *list, const char *text)
{
	json_append(list, json_object_new_string(text));
}

/* --- printing -------------------------------------------------------------- */

/* The letter behind the backslash, 0 if it takes a number or none */
void json_print_text(const char *text)
{
	text_put_json(text, stdout);
}

/* @what: the bracket, or what stands between two elements */
static void new_line(char what, int indent)
{
	if (what)
		putchar(what);
	printf("\n%*s", 2 * indent, "");
}

/* NOLINTBEGIN(misc-no-recursion): as deep as the objects that the tools make */
static void print_value(struct json_object *value, int indent);

static void print_object(struct json_object *obj, int indent)
{
	struct json_object_iterator i = json_object_iter_begin(obj), end = json_object_iter_end(obj);
	char before = '{';

	for (; !json_object_iter_equal(&i, &end); json_object_iter_next(&i)) {
		new_line(before, indent + 1);
		json_print_text(json_object_iter_peek_name(&i));
		putchar(':');
		print_value(json_object_iter_peek_value(&i), indent + 1);
		before = ',';
	}
	if (before == '{')
		putchar('{');
	else
		new_line(0, indent);
	putchar('}');
}

static void print_list(struct json_object *list, int indent)
{
	size_t i, nr = json_object_array_length(list);

	for (i = 0; i < nr; i++) {
		new_line(i ? ',' : '[', indent + 1);
		print_value(json_object_array_get_idx(list, i), indent + 1);
	}
	if (nr)
		new_line(0, indent);
	else
		putchar('[');
	putchar(']');
}

static void print_value(struct json_object *value, int indent)
{
	switch (json_object_get_type(value)) {
	case json_type_object:
		print_object(value, indent);
		break;
	case json_type_array:
		print_list(value, indent);
		break;
	case json_type_string:
		json_print_text(json_object_get_string(value));
		break;
	case json_type_boolean:
		fputs(json_object_get_boolean(value) ? "true" : "false", stdout);
		break;
	case json_type_int:
		printf("%" PRIu64, json_object_get_uint64(value));
		break;
	default:	/* there are no others */
		fputs("null", stdout);
	}
}
/* NOLINTEND(misc-no-recursion) */

bool json_print(struct json_object *obj)
{
	incomplete |= !obj;
	if (!incomplete) {
		print_value(obj, 0);
		putchar('\n');
	}
	json_object_put(obj);
	return !incomplete;
}
