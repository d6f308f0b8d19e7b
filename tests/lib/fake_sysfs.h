/* SPDX-License-Identifier: MIT */
/*
 * A sysfs of regular files, in a directory of its own, and in it PCI devices.
 * $NVBAR_SYSFS points there from begin to end.
 */
#ifndef NVBAR_TESTS_FAKE_SYSFS_H
#define NVBAR_TESTS_FAKE_SYSFS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/** struct fake_bar - as the file "resource" has it */
struct fake_bar {
	uint64_t first, last, flags;
};

#define MEM32		0x00040200u
#define MEM64		0x00140204u
#define MEM64_PREFETCH	0x0014220cu
#define IO		0x00040101u
#define UNSET		0x20000000u

/* A GA102 with BAR1 of 256 MiB, and a GH100 with 128 GiB, as lspci has seen them */
extern const struct fake_bar fake_ga102[6], fake_gh100[6];

#define GPU		"0000:01:00.0"

void fake_begin(void);
void fake_end(void);

/* A GPU of NVIDIA's that is awake; other BARs for it; and the files of its BARs */
void fake_gpu(const char *address, const struct fake_bar bar[6]);
void fake_bars(const char *address, const struct fake_bar bar[6]);
void fake_resources(const char *address, const struct fake_bar bar[6]);
/* Paths are relative to the device's directory, or with a leading '/' to the root of sysfs. */
const char *fake_path(const char *address, const char *name);
void fake_file(const char *address, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* To another place, with a link to it in the old one */
void fake_move(const char *address, const char *to);
void fake_remove(const char *address, const char *name);
void fake_link(const char *address, const char *name, const char *target);
/* What a file holds, without a newline at its end; overwritten by the next call */
const char *fake_text(const char *address, const char *name);
uint16_t fake_command(const char *address);
void fake_set_command(const char *address, uint16_t command);

#endif
