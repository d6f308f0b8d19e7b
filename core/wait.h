/* SPDX-License-Identifier: MIT */
/* Waiting for a register, with an end. */
#ifndef NVBAR_CORE_WAIT_H
#define NVBAR_CORE_WAIT_H

#include <linux/types.h>

struct nvbar_gpu;

/* How long drivers wait: 2 s for the MMU [nouveau, nova], 4 s for firmware boot [nova, OpenRM] */
#define NVBAR_MMU_TIMEOUT_US	2000000u
#define NVBAR_BOOT_TIMEOUT_US	4000000u

/* All waits of an attach or a detach together, however many registers are slow */
#define NVBAR_ATTACH_TIMEOUT_US	6000000u
#define NVBAR_DETACH_TIMEOUT_US	4000000u

/**
 * nvbar_poll_reg - poll a register until its masked value is as wanted
 * @gpu: the GPU
 * @off: its offset in BAR0
 * @mask: bits that matter
 * @want: their value
 * @timeout_us: microseconds; less if nvbar_gpu.deadline comes before
 * @val: receives what it read as in the end
 *
 * What a register that can't be read answers with is no value, and waited out.
 *
 * Context: may sleep once the register did not answer for a while.
 * Return: 0, -ETIMEDOUT, or -ENODEV (reads as all ones and the GPU is gone).
 */
int nvbar_poll_reg(struct nvbar_gpu *gpu, u32 off, u32 mask, u32 want, u32 timeout_us, u32 *val);

/**
 * nvbar_wait_reg - the same for a register without which nothing goes on
 * @gpu: the GPU
 * @name: the register's name, for the message
 * @off: its offset in BAR0
 * @mask: bits that matter
 * @want: their value
 * @timeout_us: microseconds
 *
 * Context: may sleep once the register did not answer for a while.
 * Return: 0, -ETIMEDOUT, or -ENODEV (reads as all ones and the GPU is gone);
 * both log what was waited for.
 */
int nvbar_wait_reg(struct nvbar_gpu *gpu, const char *name, u32 off, u32 mask, u32 want,
		   u32 timeout_us);

#endif
