/* SPDX-License-Identifier: MIT */
/* The snapshot text, good and hostile. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snapshot.h"

#define HEAD	"scenario one 2 turing vid 0x1000\n"

/* In memory of exactly its size, so that a byte too far is seen. */
static int parse(const char *text, size_t len, struct snapshot **snap, struct snapshot_error *err)
{
	char *exact = malloc(len ? len : 1);
	int ret;

	assert_non_null(exact);
	memcpy(exact, text, len);
	ret = snapshot_parse(exact, len, snap, err);
	free(exact);
	return ret;
}

static struct snapshot *good(const char *text)
{
	struct snapshot_error err;
	struct snapshot *snap;

	if (parse(text, strlen(text), &snap, &err))
		fail_msg("line %zu: %s", err.line, err.reason);
	return snap;
}

static void words_are_found_wherever_the_lines_stand(void **state)
{
	struct snapshot *snap = good(
		"# a comment\r\n"
		"\n"
		"scenario one 2 turing sys 0x1000\r\n"
		"mem vid 0x2008 0x12\n"
		"mem vid 0x1ff8 18446744073709551615\n"
		"table vid 0x2000 0x1000 PT4K\n"
		"table vid 0x1000 0x1000 PD0\t\n"
		"table sys 0x1000 0x100 PD3\n"
		"mem vid 0x2008 18\n"
		"mem sys 0x1008 0xFF\n"
		"map whatever this says\n"
		"x 0x123 invalid\n"
		"end\n"
		"scenario two 3 blackwell vid 0x3000\n"
		"end");
	const struct snapshot_scenario *s = snapshot_find(snap, "one");
	uint64_t val = 0;

	(void)state;
	assert_int_equal(snapshot_nr_scenarios(snap), 2);
	assert_ptr_equal(s, snapshot_scenario(snap, 0));
	assert_int_equal(s->version, 2);
	assert_string_equal(s->chip, "turing");
	assert_int_equal(s->root_space, SNAPSHOT_SYS);
	assert_int_equal(s->root, 0x1000);
	assert_int_equal(s->nr_expects, 1);
	assert_int_equal(s->expect[0].va, 0x123);
	assert_string_equal(s->expect[0].line, "x 0x123 invalid");
	assert_true(snapshot_read64(s, SNAPSHOT_VID, 0x2008, &val));
	assert_int_equal(val, 0x12);
	assert_true(snapshot_read64(s, SNAPSHOT_VID, 0x1ff8, &val));
	assert_true(val == ~0ull);
	assert_true(snapshot_read64(s, SNAPSHOT_VID, 0x1000, &val));
	assert_int_equal(val, 0);
	assert_true(snapshot_read64(s, SNAPSHOT_SYS, 0x1008, &val));
	assert_int_equal(val, 0xff);
	assert_null(snapshot_find(snap, "three"));
	assert_null(snapshot_scenario(snap, 2));
	snapshot_free(snap);
}

static void outside_the_tables_there_is_nothing_to_read(void **state)
{
	struct snapshot *snap = good(HEAD "table vid 0x1000 0x100 PT64K\n"
				     "table vid 0xfffffffffffffff0 8 PT4K\n"
				     "mem vid 0x5000 0x1\nend\n");
	const struct snapshot_scenario *s = snapshot_scenario(snap, 0);
	uint64_t val = 0x77;

	(void)state;
	assert_false(snapshot_read64(s, SNAPSHOT_VID, 0xff8, &val));
	assert_false(snapshot_read64(s, SNAPSHOT_VID, 0x1100, &val));
	assert_false(snapshot_read64(s, SNAPSHOT_VID, 0x1004, &val));
	assert_false(snapshot_read64(s, SNAPSHOT_SYS, 0x1000, &val));
	assert_false(snapshot_read64(s, SNAPSHOT_VID, 0x5000, &val));
	assert_false(snapshot_read64(s, SNAPSHOT_VID, ~7ull, &val));
	assert_false(snapshot_read64(s, SNAPSHOT_VID, 0, &val));
	assert_int_equal(val, 0x77);
	assert_true(snapshot_read64(s, SNAPSHOT_VID, 0x10f8, &val));
	assert_true(snapshot_read64(s, SNAPSHOT_VID, 0xfffffffffffffff0, &val));
	snapshot_free(snap);
}

static void overlapping_tables_are_one(void **state)
{
	struct snapshot *snap = good(HEAD "table vid 0x1000 0x1000 a\ntable vid 0x1100 0x100 b\n"
				     "table vid 0x1800 0x1000 c\ntable vid 0x1000 0x1000 a\nend\n");
	const struct snapshot_scenario *s = snapshot_scenario(snap, 0);
	uint64_t val;

	(void)state;
	assert_true(snapshot_read64(s, SNAPSHOT_VID, 0x1000, &val));
	assert_true(snapshot_read64(s, SNAPSHOT_VID, 0x1ff8, &val));
	assert_true(snapshot_read64(s, SNAPSHOT_VID, 0x27f8, &val));
	assert_false(snapshot_read64(s, SNAPSHOT_VID, 0x2800, &val));
	snapshot_free(snap);
}

static void a_bad_line_is_named_with_its_reason(void **state)
{
	static const struct {
		const char *text;
		size_t line;
		const char *reason;	/* part of it */
	} rows[] = {
		{ "", 0, "no scenario" },
		{ "\n# nothing\n", 2, "no scenario" },
		{ HEAD, 1, "not ended" },
		{ HEAD "table vid 0x1000 0x1000 PD3", 2, "not ended" },
		{ HEAD HEAD "end\n", 2, "not ended" },
		{ HEAD "end\n" HEAD "end\n", 4, "twice" },
		{ "end\n", 1, "outside" },
		{ "mem vid 0 0\n", 1, "outside" },
		{ "x 0 invalid\n", 1, "outside" },
		{ HEAD "nonsense\nend\n", 2, "unknown word" },
		{ HEAD "a_word_longer_than_any_that_there_is\nend\n", 2, "unknown word" },
		{ " " HEAD "end\n", 1, "outside" },
		{ HEAD "end now\n", 2, "no fields" },
		{ "scenario one 2 turing vid\n", 1, "fields" },
		{ "scenario one 2 turing vid 0x1000 more\n", 1, "fields" },
		{ "scenario one 4 turing vid 0x1000\n", 1, "version" },
		{ "scenario one 3 turing vid 0x1000\n", 1, "version" },
		{ "scenario one 3 pascal vid 0x1000\n", 1, "chip" },
		{ "scenario one 2 turing peer 0x1000\n", 1, "vid or sys" },
		{ "scenario one 2 turing vid 0x1004\n", 1, "misaligned" },
		{ HEAD "table vid 0x1000 0x1000\nend\n", 2, "fields" },
		{ HEAD "table vid 0x1000 0 PD3\nend\n", 2, "whole" },
		{ HEAD "table vid 0x1004 8 PD3\nend\n", 2, "whole" },
		{ HEAD "table vid 0x1000 12 PD3\nend\n", 2, "whole" },
		{ HEAD "table vid 0xfffffffffffff000 0x2000 PD3\nend\n", 2, "64 bits" },
		{ HEAD "mem vid 0x1001 0x1\nend\n", 2, "misaligned" },
		{ HEAD "mem vid 0x1000\nend\n", 2, "fields" },
		{ HEAD "mem vid 0x1000 0x10000000000000000\nend\n", 2, "64 bits" },
		{ HEAD "mem vid 0x1000 18446744073709551616\nend\n", 2, "64 bits" },
		{ HEAD "mem vid 0x1000 -1\nend\n", 2, "not a number" },
		{ HEAD "mem vid 0x1000 0x\nend\n", 2, "not a number" },
		{ HEAD "mem vid 0x1000 1f\nend\n", 2, "not a number" },
		{ HEAD "mem vid 0x0x10 1\nend\n", 2, "not a number" },
		{ HEAD "mem vid 8 1\nmem vid 0 1\nmem vid 8 2\nend\n", 4, "another value" },
		{ HEAD "x\nend\n", 2, "not a number" },
		{ HEAD "x 0x123456789012345678901234567890 invalid\nend\n", 2, "not a number" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct snapshot *snap = NULL;
		struct snapshot_error err;

		assert_int_equal(parse(rows[i].text, strlen(rows[i].text), &snap, &err), -EINVAL);
		assert_null(snap);
		if (!strstr(err.reason, rows[i].reason) || err.line != rows[i].line)
			fail_msg("row %zu: line %zu: %s", i, err.line, err.reason);
		assert_int_equal(parse(rows[i].text, strlen(rows[i].text), &snap, NULL), -EINVAL);
	}
}

static void a_nul_byte_is_refused_wherever_it_is(void **state)
{
	static const char text[] = HEAD "table vid 0x1000 0x1000 PD3\nx 0x0 invalid\nend\n";
	struct snapshot *snap;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text); i++) {	/* the last one behind the text */
		char copy[sizeof(text)];

		memcpy(copy, text, sizeof(text));
		copy[i] = '\0';
		assert_int_equal(parse(copy, sizeof(copy), &snap, NULL), -EINVAL);
	}
}

/* Every prefix, and every text with a byte changed: no crash, no leak, no read too far. */
static void damaged_texts_are_survived(void **state)
{
	static const char text[] = "scenario one 3 hopper vid 0x1000\n"
				   "table vid 0x1000 0x1000 PD4\n"
				   "mem vid 0x1000 0x2002\n"
				   "map 0 0x1000 0 0x1000 vid 0 0 0 0 0 0\n"
				   "x 0x0 invalid\n"
				   "end\n";
	static const char bytes[] = "\0\n 0x9azm\xff";
	char copy[sizeof(text)];
	struct snapshot *snap;
	size_t i, b;

	(void)state;
	for (i = 0; i < sizeof(text) - 1; i++)
		if (!parse(text, i, &snap, NULL))
			snapshot_free(snap);
	for (i = 0; i < sizeof(text) - 1; i++)
		for (b = 0; b < sizeof(bytes); b++) {
			memcpy(copy, text, sizeof(text));
			copy[i] = bytes[b];
			if (!parse(copy, sizeof(text) - 1, &snap, NULL))
				snapshot_free(snap);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_found_wherever_the_lines_stand),
		cmocka_unit_test(outside_the_tables_there_is_nothing_to_read),
		cmocka_unit_test(overlapping_tables_are_one),
		cmocka_unit_test(a_bad_line_is_named_with_its_reason),
		cmocka_unit_test(a_nul_byte_is_refused_wherever_it_is),
		cmocka_unit_test(damaged_texts_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
