/* SPDX-License-Identifier: MIT */
/*
 * The BARs of a GPU of this machine, and the driver's operations on them:
 * what backends have in common that reach one by files of the kernel.
 */
#ifndef NVBAR_LIB_BARS_H
#define NVBAR_LIB_BARS_H

#include "backend.h"
#include "copy.h"

/* All that drivers use of the registers [nova driver.rs] */
#define NVBAR_REGS_SIZE		0x01000000u

/**
 * struct nvbar_bar - a BAR
 * @fd: file that has it, -1 for none
 * @off: where in the file it begins
 * @size: bytes
 * @cpu: where it is mapped; NULL if it must be read and written as a file
 */
struct nvbar_bar {
	int fd;
	u64 off;
	u64 size;
	void *cpu;
};

/**
 * struct nvbar_bars - the first member of each backend that has them
 * @base: of every backend
 * @regs: the registers
 * @bar1: the aperture
 * @combining: it is mapped write-combined
 * @copy: routines for it
 * @gone: one of the mappings has vanished; for good
 * @told: the log knows
 */
struct nvbar_bars {
	struct nvbar_backend base;
	struct nvbar_bar regs, bar1;
	bool combining;
	const struct nvbar_copy *copy;
	bool gone;
	bool told;
};

/**
 * nvbar_bars_init - begin with no BARs
 * @bars: zeroes
 * @log: where the driver's messages go
 */
void nvbar_bars_init(struct nvbar_bars *bars, const struct nvbar_log *log);

/**
 * nvbar_bars_map - map a BAR into the process
 * @bars: the BARs
 * @bar: one of them, with all but its address
 * @write: also for writing
 *
 * Return: 0, -ENOMEM, or what mmap() failed with.
 */
int nvbar_bars_map(struct nvbar_bars *bars, struct nvbar_bar *bar, bool write);

/**
 * nvbar_bars_use_bar1 - the aperture is there and may be used
 * @bars: the BARs, with bar1 set up
 * @mem: how it is mapped
 */
void nvbar_bars_use_bar1(struct nvbar_bars *bars, enum nvbar_mem mem);

/** nvbar_bars_fini - unmap the BARs; their files stay open */
void nvbar_bars_fini(struct nvbar_bars *bars);

#endif
