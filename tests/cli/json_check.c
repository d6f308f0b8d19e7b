// SPDX-License-Identifier: MIT
/*
 * json_check [KEY]...: standard input is one JSON value, strictly, and an
 * object that has these keys.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

/* The value and nothing after it but blanks. */
static struct json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *obj;
	size_t end;

	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	obj = json_tokener_parse_ex(tok, text, len);
	end = json_tokener_get_parse_end(tok);
	if (json_tokener_get_error(tok) != json_tokener_success ||
	    end + strspn(text + end, " \n") != len) {
		json_object_put(obj);
		obj = NULL;
	}
	json_tokener_free(tok);
	return obj;
}

int main(int argc, char **argv)
{
	static char text[1 << 24];
	struct json_object *obj;
	int i, status = 0;
	size_t len;

	len = fread(text, 1, sizeof(text) - 1, stdin);
	obj = parse(text, len);
	if (!obj)
		return 1;
	for (i = 1; !status && i < argc; i++)
		status = !json_object_object_get_ex(obj, argv[i], NULL);
	json_object_put(obj);
	return status;
}
