/* SPDX-License-Identifier: MIT */
/*
 * Registers in a file.  No GPU is behind them, but they say what those of a
 * GA102 say when it is up, and a thread does what hardware does on its own: it
 * finishes TLB invalidates.  And what tests of devices on them have in common.
 */
#ifndef NVBAR_TESTS_FAKE_REGS_H
#define NVBAR_TESTS_FAKE_REGS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <nvbar/nvbar.h>

#define MIB(n)		((uint64_t)(n) << 20)
#define BOOT_0		0x000000

extern volatile uint32_t *regs;

/* 16 MiB of registers at an offset of the file */
void regs_begin(const char *path, uint64_t off);
/* May be called twice. */
void regs_end(void);

/* What the library has said since the last open, each line with a newline */
extern char said[1024];

int open_with(struct nvbar **gpu, const char *device, uint32_t flags);
/* It fails so, and says why in one line that has these words. */
void refuses(const char *device, uint32_t flags, int err, const char *why);
struct nvbar_info info_of(struct nvbar *gpu);

#endif
