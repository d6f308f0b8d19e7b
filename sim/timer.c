/* SPDX-License-Identifier: MIT */
/* PTIMER: nanoseconds that go by, from 0 at power-on or from what was written. */
#include <time.h>

#include "sim_gpu.h"
#include "hw/others.h"

static uint64_t host_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void sim_timer_reset(struct sim_gpu *gpu)
{
	gpu->timer_zero = host_ns();
}

static uint64_t ns(const struct sim_gpu *gpu)
{
	return host_ns() - gpu->timer_zero;
}

static void set(struct sim_gpu *gpu, uint64_t val)
{
	gpu->timer_zero = host_ns() - val;
}

uint32_t sim_timer_lo_read(struct sim_gpu *gpu, uint32_t val)
{
	(void)val;
	return (uint32_t)ns(gpu) & PTIMER_TIME_0_NSEC;
}

uint32_t sim_timer_hi_read(struct sim_gpu *gpu, uint32_t val)
{
	(void)val;
	return (uint32_t)(ns(gpu) >> 32) & PTIMER_TIME_1_NSEC;
}

const char *sim_timer_lo_written(struct sim_gpu *gpu, uint32_t val)
{
	set(gpu, (ns(gpu) & ~0ull << 32) | val);
	return NULL;
}

const char *sim_timer_hi_written(struct sim_gpu *gpu, uint32_t val)
{
	set(gpu, (uint64_t)val << 32 | (uint32_t)ns(gpu));
	return NULL;
}
