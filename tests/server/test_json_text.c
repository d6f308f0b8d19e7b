// SPDX-License-Identifier: MIT
/* The server's reader of JSON, by RFC 8259. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "json_text.h"

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

static void objects_of_json_are_taken(void **state)
{
	static const char *const texts[] = {
		"{}", " \t\r\n{ } \n", "{\"\":null}", "{\"a\":1,\"b\":2}",
		"{ \"a\" : [ 1 , -2 , 0.5 , -0 , 1e9 , 1E+9 , 1.25e-3 ] , \"b\" : { } }",
		"{\"a\":true,\"b\":false,\"c\":[],\"d\":[[]]}",
		"{\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uABCD\":\"\xc3\xa9\x7f\"}",
		"{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":[]}}}}}}}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (!json_text_is_object(texts[i]))
			fail_msg("%s", texts[i]);
}

static void what_is_no_object_of_json_is_refused(void **state)
{
	static const char *const texts[] = {
		"", " ", "null", "[]", "1", "\"{}\"", "{", "}", "{}}", "{}{}", "{},", "{} x",
		"{\"a\"}", "{\"a\":}", "{\"a\" 1}", "{\"a\":1,}", "{,}", "{a:1}", "{'a':1}", "{1:1}",
		"{\"a\":1 \"b\":2}", "{\"a\":[1,]}", "{\"a\":[,1]}", "{\"a\":[1 2]}", "{\"a\":[}",
		"{\"a\":01}", "{\"a\":+1}", "{\"a\":.5}", "{\"a\":1.}", "{\"a\":1e}", "{\"a\":1e+}",
		"{\"a\":-}", "{\"a\":0x1}", "{\"a\":NaN}", "{\"a\":True}", "{\"a\":tru}",
		"{\"a\":nul}", "{\"a\":\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\\u123x\"}", "{\"a\":\"\\u123",
		"{\"a\":\"\\", "{\"a\":\"\n\"}", "{\"a\":\"\x1f\"}", "{/**/}",
		"{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":[[]]}}}}}}}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (json_text_is_object(texts[i]))
			fail_msg("%s", texts[i]);
}

/* Of a name that is there twice the last counts, as with json-c. */
static void values_are_found_by_their_whole_name(void **state)
{
	const char *object = json_text_is_object(
		" { \"ab\" : \"}\", \"a\\\"b\" : 1, \"b\":{\"a\":2}, \"a\" : [3, {\"x\":4}],"
		" \"c\":5, \"c\":6 }");

	(void)state;
	assert_non_null(object);
	assert_int_equal(json_text_find(object, "ab")[1], '}');
	assert_int_equal(json_text_find(object, "a")[1], '3');
	assert_int_equal(json_text_find(object, "b")[0], '{');
	assert_int_equal(json_text_find(object, "c")[0], '6');
	assert_null(json_text_find(object, "x"));
	assert_null(json_text_find(object, "abc"));
	assert_null(json_text_find(object, ""));
	assert_null(json_text_find("{}", "a"));
}

static void counts_are_integers_that_are_not_negative(void **state)
{
	static const struct {
		const char *value;
		bool is;
	} cases[] = {
		{ "0}", true }, { "7,", true }, { "18446744073709551616", true },
		{ "-1", false }, { "1.0", false }, { "1e3", false }, { "true", false },
		{ "\"1\"", false }, { "[1]", false }, { "null", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		if (json_text_is_count(cases[i].value) != cases[i].is)
			fail_msg("%s", cases[i].value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_of_json_are_taken),
		cmocka_unit_test(what_is_no_object_of_json_is_refused),
		cmocka_unit_test(values_are_found_by_their_whole_name),
		cmocka_unit_test(counts_are_integers_that_are_not_negative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
