/* SPDX-License-Identifier: MIT */
/* Addresses with nothing at either end: all of them are held, and given back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>

#include "guard.h"

#define LEN	((size_t)1 << 20)

/* Is there a mapping, of whatever, at each of these addresses? */
static bool is_held(char *from, size_t len)
{
	static unsigned char pages[(LEN + 2 * GUARD_LEN) / 4096];

	return !mincore(from, len, pages);
}

static void both_ends_are_held_and_given_back(void **state)
{
	char *cpu = guard_reserve(LEN);

	(void)state;
	assert_non_null(cpu);
	assert_true(is_held(cpu - GUARD_LEN, LEN + 2 * GUARD_LEN));
	assert_ptr_equal(mmap(cpu, LEN, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), cpu);
	cpu[0] = cpu[LEN - 1] = 1;
	guard_release(cpu, LEN);
	assert_false(is_held(cpu - GUARD_LEN, 4096));
	assert_false(is_held(cpu, 4096));
	assert_false(is_held(cpu + LEN + GUARD_LEN - 4096, 4096));
}

static void what_wraps_is_refused(void **state)
{
	(void)state;
	errno = 0;
	assert_null(guard_reserve(SIZE_MAX - GUARD_LEN));
	assert_int_equal(errno, ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_are_held_and_given_back),
		cmocka_unit_test(what_wraps_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
