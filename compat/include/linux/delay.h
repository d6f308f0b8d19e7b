/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_DELAY_H
#define NVBAR_COMPAT_LINUX_DELAY_H

#include <linux/processor.h>
#include <linux/timekeeping.h>
#include <linux/types.h>

/* Waits on the CPU, for a few microseconds. */
static inline void udelay(unsigned long usecs)
{
	u64 end = ktime_get_ns() + (u64)usecs * NSEC_PER_USEC;

	while (ktime_get_ns() < end)
		cpu_relax();
}

void fsleep(unsigned long usecs);

static inline void usleep_range(unsigned long min, unsigned long max)
{
	(void)max;
	fsleep(min);
}

static inline void msleep(unsigned int msecs)
{
	fsleep(msecs * (unsigned long)USEC_PER_MSEC);
}

#endif
