// SPDX-License-Identifier: MIT
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/processor.h>

#include <hw/pmc.h>

#include "gpu.h"
#include "reg.h"
#include "wait.h"

/* Polls before sleeping in between: an invalidate is over in a microsecond or two. */
#define SPINS		64
#define SLEEP_MIN_US	20
#define SLEEP_MAX_US	50

/*
 * A register that can't be read has no value, whatever some bits of its answer look
 * like.  If all bits that tell such an answer were asked for, it is what was wanted.
 */
static bool is_value(u32 off, u32 mask, u32 val)
{
	return FIELD_GET(PRI_ERROR, mask) == FIELD_MAX(PRI_ERROR) || !nvbar_reg_is_error(off, val);
}

/* How long this one may wait, where the call that it is part of has a deadline */
static u32 time_for(const struct nvbar_gpu *gpu, u32 timeout_us)
{
	u64 now, left;

	if (!gpu->deadline)
		return timeout_us;
	now = ktime_get_ns();
	left = gpu->deadline > now ? (gpu->deadline - now) / 1000 : 0;
	return min_t(u64, left, timeout_us);
}

static int poll_until(struct nvbar_gpu *gpu, u32 off, u32 mask, u32 want, u32 timeout_us, u32 *val)
{
	u64 deadline = 0;
	unsigned int polls;
	bool late = false;

	for (polls = 0;; polls++) {
		*val = nvbar_rd32(gpu, off);
		if (*val == ~0u && nvbar_gpu_alive(gpu))
			return -ENODEV;
		if ((*val & mask) == want && is_value(off, mask, *val))
			return 0;
		/* Time is up only if a poll after the deadline still fails. */
		if (late)
			return -ETIMEDOUT;
		if (polls < SPINS) {
			cpu_relax();
			continue;
		}
		if (!deadline)
			deadline = ktime_get_ns() + 1000ULL * timeout_us;
		usleep_range(SLEEP_MIN_US, SLEEP_MAX_US);
		late = ktime_get_ns() >= deadline;
	}
}

int nvbar_poll_reg(struct nvbar_gpu *gpu, u32 off, u32 mask, u32 want, u32 timeout_us, u32 *val)
{
	return poll_until(gpu, off, mask, want, time_for(gpu, timeout_us), val);
}

int nvbar_wait_reg(struct nvbar_gpu *gpu, const char *name, u32 off, u32 mask, u32 want,
		   u32 timeout_us)
{
	u32 val;
	int ret;

	timeout_us = time_for(gpu, timeout_us);
	ret = poll_until(gpu, off, mask, want, timeout_us, &val);
	if (ret == -ETIMEDOUT)
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "register %s (0x%06x): waited %u us for 0x%x/0x%x, still 0x%08x%s", name,
			      off, timeout_us, want, mask, val,
			      is_value(off, mask, val) ? "" : ": it can't be read");
	return ret;
}
