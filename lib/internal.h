/* SPDX-License-Identifier: MIT */
/* The library between the public API and the driver. */
#ifndef NVBAR_LIB_INTERNAL_H
#define NVBAR_LIB_INTERNAL_H

#include <nvbar/nvbar.h>

#include "backend.h"
#include "gpu.h"

/**
 * struct nvbar - an open GPU
 * @link: among the closed ones; first, for leak checkers to follow
 * @gpu: the driver
 * @backend: how it reaches the device
 * @transactions: of the backend before the driver began
 * @closed: or being closed: no call but reads and writes gets any further; for these see
 *	struct nvbar_access
 */
struct nvbar {
	struct list_head link;
	struct nvbar_gpu gpu;
	struct nvbar_backend *backend;
	u64 transactions;
	bool closed;
};

/**
 * nvbar_forget_closed - free what is kept of closed GPUs
 *
 * The last of them are kept, with some of the handles that were left open, so
 * that calls of other threads that come late find out.
 */
void nvbar_forget_closed(void);

/**
 * nvbar_opts_copy - take in an option struct of any version
 * @dst: receives it, zero where @src is shorter; and where it is refused as far as it
 *	is understood
 * @dst_size: bytes of @dst
 * @src: begins with its own size; NULL for the defaults
 *
 * Return: NULL, or why it is -EINVAL: no size, or non-zero options that this library does
 * not know.
 */
const char *nvbar_opts_copy(void *dst, size_t dst_size, const void *src);

/**
 * nvbar_refuse - a line about a call that is refused
 * @gpu: handle
 * @what: the call, in a word
 * @why: as everybody can read it
 *
 * Return: -EINVAL.
 */
int nvbar_refuse(struct nvbar *gpu, const char *what, const char *why);

/**
 * nvbar_result_refused - can a result struct be handed out?
 * @dst: begins with its own size
 * @src_size: bytes of the result
 *
 * Return: NULL, or why it is -EINVAL: @dst is smaller than the first version.
 */
const char *nvbar_result_refused(const void *dst, size_t src_size);

/** nvbar_result_check - the same with a line about it; 0 or -EINVAL */
int nvbar_result_check(struct nvbar *gpu, const char *what, const void *dst, size_t src_size);

/**
 * nvbar_result_copy - hand out a result struct to any version
 * @dst: begins with its own size, which stays; checked
 * @src: the result
 * @src_size: bytes of @src
 */
void nvbar_result_copy(void *dst, const void *src, size_t src_size);

#endif
