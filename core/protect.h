/* SPDX-License-Identifier: MIT */
/*
 * VRAM that is the firmware's or the display's.
 *
 * The driver keeps all of it out of what it allocates and has nothing of its
 * own there.  What a user may do in a range that he names by its address
 * depends on whose it is: enum nvbar_protection.
 */
#ifndef NVBAR_CORE_PROTECT_H
#define NVBAR_CORE_PROTECT_H

#include <linux/types.h>

struct nvbar_gpu;

/** enum nvbar_protection - what is refused in a range */
enum nvbar_protection {
	NVBAR_PROTECT_KEPT,	/* nothing: it is only never allocated */
	NVBAR_PROTECT_RDONLY,	/* writes, which would break firmware that runs */
	NVBAR_PROTECT_CLOSED,	/* every access, which the GPU would fault */
};

/**
 * struct nvbar_protected - one range
 * @name: "WPR2"
 * @pa: VRAM address of its first byte
 * @len: bytes
 * @protection: what is refused
 */
struct nvbar_protected {
	const char *name;
	u64 pa;
	u64 len;
	enum nvbar_protection protection;
};

#define NVBAR_PROTECTED_MAX	7

/**
 * struct nvbar_protect - the ranges of a GPU; constant once it is attached
 * @nr: how many; they may overlap
 * @range: they
 */
struct nvbar_protect {
	unsigned int nr;
	struct nvbar_protected range[NVBAR_PROTECTED_MAX];
};

/**
 * nvbar_protect_read - find the ranges
 * @gpu: vram_size is known; protect and usable_end are filled in
 *
 * Return: 0, -EIO (the registers make no sense, or can't be read).
 */
int nvbar_protect_read(struct nvbar_gpu *gpu);

/**
 * nvbar_protect_find - what keeps a user from VRAM?
 * @gpu: attached
 * @pa: VRAM address
 * @len: bytes
 * @write: for writing, too
 *
 * Return: a range that does, or NULL.
 */
const struct nvbar_protected *nvbar_protect_find(const struct nvbar_gpu *gpu, u64 pa, u64 len,
						 bool write);

/**
 * nvbar_protect_check - the same, with a message that names the range
 * @gpu: attached
 * @what: what asks
 * @pa: VRAM address
 * @len: bytes
 * @write: for writing, too
 *
 * Return: 0, -EACCES.
 */
int nvbar_protect_check(struct nvbar_gpu *gpu, const char *what, u64 pa, u64 len, bool write);

#endif
