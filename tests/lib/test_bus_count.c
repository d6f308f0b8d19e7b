// SPDX-License-Identifier: MIT
/* Transactions of writes, against a CPU with one line of write-combined memory open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../random.h"
#include "bus_count.h"

#define NR_OF(a)	(sizeof(a) / sizeof((a)[0]))

/* The line that is open, what of it was written, and whether in ascending order from its start */
static struct {
	bool open, ascending;
	u64 line, written;
	unsigned int next;
	u64 sent;
} cpu;

/* A line that is complete and in order goes in one piece, others as the aligned 8 bytes touched. */
static void end_line(void)
{
	unsigned int i;

	if (cpu.open && cpu.ascending && cpu.next == 64)
		cpu.sent++;
	else
		for (i = 0; cpu.open && i < 64; i += 8)
			cpu.sent += (cpu.written >> i & 0xff) != 0;
	cpu.open = false;
}

/* A store: a multiple of its width, of up to 8 bytes */
static void store(u64 off, unsigned int width)
{
	unsigned int at = off % 64;

	if (cpu.open && cpu.line != off / 64)
		end_line();
	if (!cpu.open) {
		cpu.open = cpu.ascending = true;
		cpu.line = off / 64;
		cpu.written = 0;
		cpu.next = 0;
	}
	cpu.ascending = cpu.ascending && at == cpu.next;
	cpu.next = at + width;
	cpu.written |= (width == 64 ? ~0ull : (1ull << width) - 1) << at;
}

/* Return: what was sent since the last call. */
static u64 barrier_ends_it(void)
{
	u64 sent;

	end_line();
	sent = cpu.sent;
	cpu.sent = 0;
	return sent;
}

static u64 stores(u64 off, u64 len)
{
	u64 nr = 0;

	for (; len; nr++) {
		unsigned int width = 8;

		while (off % width || width > len)
			width /= 2;
		store(off, width);
		off += width;
		len -= width;
	}
	return nr;
}

static void a_line_in_order_is_one_and_anything_else_8_bytes_each(void **state)
{
	static const struct {
		u64 off, len, combined, uncached;
	} cases[] = {
		{ 0, 0, 0, 0 },
		{ 0, 1, 1, 1 },
		{ 7, 2, 2, 2 },			/* on either side of a multiple of 8 */
		{ 4, 8, 2, 2 },
		{ 0, 63, 8, 10 },		/* 7 of 8 bytes, then 4, 2 and 1 */
		{ 0, 64, 1, 8 },
		{ 64, 64, 1, 8 },
		{ 1, 64, 9, 11 },		/* 1, 2, 4; 7 of 8; 1 in the next line */
		{ 32, 64, 8, 8 },		/* two halves of lines */
		{ 0, 128, 2, 16 },
		{ 8, 128, 1 + 7 + 1, 16 },
		{ 4096, 4096, 64, 512 },
		{ 60, 8, 2, 2 },
		{ 1ull << 40 | 1, 4095, 7 + 1 + 63, 3 + 511 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(cases); i++) {
		assert_int_equal(nvbar_bus_combined(cases[i].off, cases[i].len), cases[i].combined);
		assert_int_equal(nvbar_bus_uncached(cases[i].off, cases[i].len), cases[i].uncached);
	}
}

/* The accesses of a copy through either, with a barrier behind them */
static void a_copy_counts_as_its_stores_do(void **state)
{
	u64 off, len, nr;
	unsigned int i;

	(void)state;
	random_start(__func__);
	for (i = 0; i < 100000; i++) {
		off = random_below(1000);
		len = random_below(i % 2 ? 200 : 20000);
		nr = stores(off, len);
		assert_int_equal(nvbar_bus_uncached(off, len), nr);
		assert_int_equal(nvbar_bus_combined(off, len), barrier_ends_it());
	}
}

/* Without a barrier in between it would be one in ascending order, and 8 in the other. */
static void single_stores_count_each_for_itself(void **state)
{
	unsigned int i;
	u64 nr = 0;

	(void)state;
	for (i = 0; i < 8; i++)
		store(8 * i, 8);
	assert_int_equal(barrier_ends_it(), 1);
	for (i = 8; i-- > 0;)
		store(8 * i, 8);
	assert_int_equal(barrier_ends_it(), 8);
	for (i = 0; i < 8; i++) {
		store(8 * i, 8);
		nr += barrier_ends_it();
		assert_int_equal(nr, i + 1);
		assert_int_equal(nvbar_bus_combined(8 * i, 8), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_in_order_is_one_and_anything_else_8_bytes_each),
		cmocka_unit_test(a_copy_counts_as_its_stores_do),
		cmocka_unit_test(single_stores_count_each_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
