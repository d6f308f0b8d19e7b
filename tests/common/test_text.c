// SPDX-License-Identifier: MIT
/* What of a text reaches a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

static void assert_cleaned(const char *text, const char *want)
{
	char copy[64];

	strcpy(copy, text);
	assert_string_equal(text_clean(copy), want);
	assert_int_equal(text_is_clean(text), !strcmp(text, want));
	assert_true(text_is_clean(want));
}

static void what_people_read_stays(void **state)
{
	(void)state;
	assert_cleaned("", "");
	assert_cleaned("sim:ga102, 8 GiB ~", "sim:ga102, 8 GiB ~");
	/* U+00A0, U+00E9, U+4E16, U+1F600 */
	assert_cleaned("\xc2\xa0 caf\xc3\xa9 \xe4\xb8\x96 \xf0\x9f\x98\x80",
		       "\xc2\xa0 caf\xc3\xa9 \xe4\xb8\x96 \xf0\x9f\x98\x80");
	/* A name in ISO 8859-1 */
	assert_cleaned("caf\xe9", "caf\xe9");
}

static void every_control_character_goes(void **state)
{
	char text[8];
	int c;

	(void)state;
	for (c = 1; c < 0x20; c++) {
		sprintf(text, "a%cb", c);
		assert_cleaned(text, "a?b");
	}
	assert_cleaned("a\x7f"
		       "b",
		       "a?b");
	for (c = 0x80; c < 0xa0; c++) {
		sprintf(text, "a\xc2%cb", c); /* in UTF-8 */
		assert_cleaned(text, "a?b");
		sprintf(text, "a%cb", c); /* in ISO 8859 */
		assert_cleaned(text, "a?b");
	}
	assert_cleaned("\033[31mred\033[0m\r\n", "?[31mred?[0m??");
}

static void what_begins_a_line_or_turns_text_goes(void **state)
{
	(void)state;
	/* U+2028, U+2029, U+202E, U+2066, U+200F */
	assert_cleaned("a\xe2\x80\xa8"
		       "b",
		       "a?b");
	assert_cleaned("a\xe2\x80\xa9"
		       "b",
		       "a?b");
	assert_cleaned("a\xe2\x80\xae"
		       "b",
		       "a?b");
	assert_cleaned("a\xe2\x81\xa6"
		       "b",
		       "a?b");
	assert_cleaned("a\xe2\x80\x8f"
		       "b",
		       "a?b");
}

/* U+009B in too many bytes, cut short, a surrogate, beyond Unicode */
static void control_characters_in_broken_utf8_go(void **state)
{
	static const char *const broken[] = {
		"\xe0\x82\x9b", "\xf0\x80\x82\x9b", "\xe4\x9b", "\xe4\xb8",
		"\xed\xa0\x9b", "\xf5\x80\x80\x9b", "\xc2",	"\xc1\x9b",
	};
	char text[8];
	size_t i;
	char *c;

	(void)state;
	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		strcpy(text, broken[i]);
		text_clean(text);
		assert_int_equal(strlen(text), strlen(broken[i]));
		for (c = text; *c; c++)
			assert_true(*c == '?' || (unsigned char)*c >= 0xa0);
	}
}

static void assert_json(const char *string, const char *want)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	text_put_json(string, out);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

static void json_says_the_same_without_control_characters(void **state)
{
	(void)state;
	assert_json("", "\"\"");
	assert_json("caf\xc3\xa9", "\"caf\xc3\xa9\"");
	assert_json("\"\\/\n\r\t\b\f", "\"\\\"\\\\/\\n\\r\\t\\b\\f\"");
	assert_json("\x1b[31m", "\"\\u001b[31m\"");
	assert_json("\xc2\x9b"
		    "31m",
		    "\"\\u009b31m\"");
	assert_json("\x7f", "\"\\u007f\"");
	assert_json("\xe2\x80\xae", "\"\\u202e\"");
	/* JSON is UTF-8: other bytes have no escape of their own. */
	assert_json("\x9b", "\"\\ufffd\"");
	assert_json("\xe9", "\"\\ufffd\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_people_read_stays),
		cmocka_unit_test(every_control_character_goes),
		cmocka_unit_test(what_begins_a_line_or_turns_text_goes),
		cmocka_unit_test(control_characters_in_broken_utf8_go),
		cmocka_unit_test(json_says_the_same_without_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
