// SPDX-License-Identifier: MIT
/* Numbers as they are typed, and pasted from dumps, kernel logs and lspci. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "number.h"

static void numbers_are_what_they_say(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{"0", 0},
		{"00", 0},
		{"0_0", 0},
		{"0x0", 0},
		{"7", 7},
		{"18446744073709551615", UINT64_MAX},
		{"0xffffffffffffffff", UINT64_MAX},
		{"0XfF", 255},
		{"0x0600000000480001", 0x0600000000480001},
		{"0x00ff", 255},
		{"0x0_00fe0000", 0xfe0000},
		{"0x2b57_b3000000", 0x2b57b3000000},
		{"1_000_000", 1000000},
		{"1K", 1024},
		{"1k", 1024},
		{"2KB", 2048},
		{"2kb", 2048},
		{"2KiB", 2048},
		{"512MB", 512ull << 20},
		{"512MiB", 512ull << 20},
		{"512m", 512ull << 20},
		{"8G", 8ull << 30},
		{"8GiB", 8ull << 30},
		{"3T", 3ull << 40},
		{"3TB", 3ull << 40},
		{"0x10K", 0x4000},
		{"0x10MiB", 16ull << 20},
		{"0K", 0},
		{"0x1b", 27},
		{"16777215T", 16777215ull << 40},
	};
	uint64_t value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		value = ~good[i].value;
		if (!number_parse(good[i].text, &value))
			fail_msg("%s is refused", good[i].text);
		if (value != good[i].value)
			fail_msg("%s is %llu", good[i].text, (unsigned long long)value);
	}
}

static void what_is_no_number_is_refused_and_changes_nothing(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"x",
		"0x",
		"0xg",
		"0x0x1",
		"-1",
		"+1",
		"1.5",
		" 1",
		"1 ",
		"1Z",
		"1KK",
		"1B",
		"1KBB",
		"1Ki",
		"1K1",
		"K",
		"0b1",
		"1_",
		"_1",
		"1__0",
		"0x_1",
		"0x1_",
		"1_K",
		"1,0",
		"18446744073709551616",
		"0x10000000000000000",
		"16777216T",
		"0x4000000000000000K",
		"99999999999999999999",
		"1e3",
		"ff",
	};
	uint64_t value = 42;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (number_parse(bad[i], &value) || value != 42)
			fail_msg("'%s' is taken", bad[i]);
}

/* What a dump, a kernel log and a page of addresses have */
static void padded_numbers_are_refused_with_both_readings(void **state)
{
	static const char *const text[][3] = {
		{"0600000000480001", "0x600000000480001", "or 600000000480001"},
		{"0000000000200000", "0x200000", "or 200000"},
		{"00100000", "0x100000", "or 100000"},
		{"010K", "0x10K", "or 10K"},
		{"0_1", "0x1", "or 1"},
	};
	uint64_t value = 42;
	char why[160];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		assert_false(number_parse(text[i][0], &value));
		assert_true(number_is_ambiguous(text[i][0]));
		number_why(text[i][0], why, sizeof(why));
		if (!strstr(why, text[i][0]) || !strstr(why, text[i][1]) ||
		    !strstr(why, text[i][2]))
			fail_msg("%s", why);
	}
	assert_int_equal(value, 42);
	assert_false(number_is_ambiguous("0"));
	assert_false(number_is_ambiguous("0x00ff"));
	assert_false(number_is_ambiguous("00x"));
}

static void a_reason_says_what_is_wrong(void **state)
{
	char why[160];

	(void)state;
	number_why("0600abcd", why, sizeof(why));
	assert_non_null(strstr(why, "0x600abcd"));
	number_why("16777216T", why, sizeof(why));
	assert_non_null(strstr(why, "does not fit 64 bits"));
	number_why("fish", why, sizeof(why));
	assert_string_equal(why, "invalid number 'fish'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_what_they_say),
		cmocka_unit_test(what_is_no_number_is_refused_and_changes_nothing),
		cmocka_unit_test(padded_numbers_are_refused_with_both_readings),
		cmocka_unit_test(a_reason_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
