// SPDX-License-Identifier: MIT
/*
 * The kernel's clock and sleep, over the C library's; and for tests, sleep
 * that takes no time but on that clock.
 */
#include <errno.h>
#include <time.h>
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/delay.h>
#include <linux/timekeeping.h>
#include <nvbar_compat.h>

static bool pretend;
static atomic64_t pretended_ns;

void compat_sleep_pretend(bool on)
{
	WRITE_ONCE(pretend, on);
}

unsigned long long compat_slept_ns(void)
{
	return (unsigned long long)atomic64_read(&pretended_ns);
}

u64 ktime_get_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * NSEC_PER_SEC + (u64)now.tv_nsec + (u64)atomic64_read(&pretended_ns);
}

void fsleep(unsigned long usecs)
{
	struct timespec left = {
		.tv_sec = (time_t)(usecs / USEC_PER_SEC),
		.tv_nsec = (long)(usecs % USEC_PER_SEC) * NSEC_PER_USEC,
	};

	if (READ_ONCE(pretend)) {
		atomic64_add((s64)usecs * NSEC_PER_USEC, &pretended_ns);
		return;
	}
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}
