// SPDX-License-Identifier: MIT
/* Which accesses the operations on BARs make that are files of the kernel's. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include <linux/kernel.h>

#include "bars.h"

#define PRAMIN	0x700000u
/* Entries of a GH100: a PDE of a table above 4 GiB, and one that leads nowhere */
#define ENTRY	0x1fffff002ull
#define SPARSE	0x8ull

static struct nvbar_bars bars;

/* --- files that are read and written ---------------------------------------- */

static struct {
	uint64_t off;
	size_t len;
	uint64_t val;
} written[8];
static unsigned int nr_written;

ssize_t __real_pwrite64(int fd, const void *buf, size_t len, off_t off);
ssize_t __wrap_pwrite64(int fd, const void *buf, size_t len, off_t off);

/* The driver's writes go this way too where a BAR is not mapped. */
ssize_t __wrap_pwrite64(int fd, const void *buf, size_t len, off_t off)
{
	if (fd == bars.regs.fd && len <= 8 && nr_written < 8) {
		written[nr_written].off = (uint64_t)off;
		written[nr_written].len = len;
		memcpy(&written[nr_written++].val, buf, len);
	}
	return __real_pwrite64(fd, buf, len, off);
}

static void assert_written(unsigned int i, uint64_t off, uint64_t val)
{
	assert_true(i < nr_written);
	assert_int_equal(written[i].off, off);
	assert_int_equal(written[i].len, 4);
	assert_int_equal(written[i].val, val);
}

static void write_entry(u64 entry)
{
	nvbar_hw_write_entries(bars.base.ops, &bars, PRAMIN, &entry, 1);
}

static void an_entry_becomes_valid_last_and_invalid_first(void **state)
{
	(void)state;
	nr_written = 0;
	write_entry(ENTRY);
	write_entry(0);
	write_entry(ENTRY);
	write_entry(SPARSE);
	assert_int_equal(nr_written, 8);
	assert_written(0, PRAMIN + 4, ENTRY >> 32);
	assert_written(1, PRAMIN, (uint32_t)ENTRY);
	assert_written(2, PRAMIN, 0);
	assert_written(3, PRAMIN + 4, 0);
	assert_written(4, PRAMIN + 4, ENTRY >> 32);
	assert_written(5, PRAMIN, (uint32_t)ENTRY);
	assert_written(6, PRAMIN, SPARSE);
	assert_written(7, PRAMIN + 4, 0);
}

/* --- and mapped ones ---------------------------------------------------------- */

/*
 * Stores of the width asked for, which only another thread can see in between.  On
 * x86 it sees them in their order; elsewhere ordinary memory promises less than a BAR.
 */
#ifdef __x86_64__

static volatile uint64_t *shared;
static volatile bool over;

/* The MMU's part.  Return: how often half an entry was valid. */
static void *watch(void *arg)
{
	uint64_t nr_torn = 0;

	(void)arg;
	while (!over) {
		uint64_t seen = __atomic_load_n(shared, __ATOMIC_RELAXED);

		nr_torn += (seen & 7) && seen != ENTRY;
	}
	return (void *)(uintptr_t)nr_torn;
}

static void no_other_thread_finds_half_an_entry_valid(void **state)
{
	pthread_t watcher;
	unsigned int i;
	void *nr_torn;

	(void)state;
	assert_int_equal(nvbar_bars_map(&bars, &bars.regs, true), 0);
	shared = (uint64_t *)bars.regs.chunk[0] + PRAMIN / 8;
	over = false;
	assert_int_equal(pthread_create(&watcher, NULL, watch, NULL), 0);
	for (i = 0; i < 3000000; i++) {
		write_entry(ENTRY);
		write_entry(i & 1 ? 0 : SPARSE);
	}
	over = true;
	assert_int_equal(pthread_join(watcher, &nr_torn), 0);
	assert_int_equal((uintptr_t)nr_torn, 0);
}

#endif

/* A CPU may read ahead of itself what is mapped write-combined, and nothing else. */
static void what_is_mapped_write_combined_may_be_read_unasked(void **state)
{
	(void)state;
	nvbar_bars_use_bar1(&bars, NVBAR_MEM_WRITE_COMBINED);
	assert_true(bars.base.speculates);
	nvbar_bars_use_bar1(&bars, NVBAR_MEM_UNCACHED);
	assert_false(bars.base.speculates);
}

static int begin(void **state)
{
	const struct nvbar_log log = { 0 };

	(void)state;
	memset(&bars, 0, sizeof(bars));
	nvbar_bars_init(&bars, &log);
	bars.regs.fd = memfd_create("bar0", MFD_CLOEXEC);
	bars.regs.size = NVBAR_REGS_SIZE;
	return bars.regs.fd < 0 || ftruncate(bars.regs.fd, NVBAR_REGS_SIZE);
}

static int end(void **state)
{
	(void)state;
	nvbar_bars_fini(&bars);
	return close(bars.regs.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_entry_becomes_valid_last_and_invalid_first,
						begin, end),
		cmocka_unit_test_setup_teardown(what_is_mapped_write_combined_may_be_read_unasked,
						begin, end),
#ifdef __x86_64__
		cmocka_unit_test_setup_teardown(no_other_thread_finds_half_an_entry_valid, begin,
						end),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
