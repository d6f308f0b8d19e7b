/* SPDX-License-Identifier: MIT */
/* fsck: page tables in VRAM against shadow, address space and allocators. */
#ifndef NVBAR_CORE_CHECK_H
#define NVBAR_CORE_CHECK_H

#include <linux/types.h>

struct nvbar_gpu;

/**
 * struct nvbar_check - a check and what it found
 * @problem: told of each problem, or NULL
 * @arg: first argument of @problem
 * @tables: tables met
 * @entries: leaves met
 * @mappings: live mappings compared
 * @problems: how many were found
 */
struct nvbar_check {
	void (*problem)(void *arg, const char *line);
	void *arg;
	u64 tables;
	u64 entries;
	u64 mappings;
	u64 problems;
};

/**
 * nvbar_check_run - check everything
 * @gpu: the GPU, with BAR1 bound
 * @check: problem and arg are set; the counts are filled in
 *
 * Context: takes vmm.lock and vram_lock; may sleep.
 * Return: 0, -EIO (problems were found), -ENOMEM or -ENODEV.
 */
int nvbar_check_run(struct nvbar_gpu *gpu, struct nvbar_check *check);

#endif
