/* SPDX-License-Identifier: MIT */
/*
 * The BARs of a GPU of this machine, and the driver's operations on them:
 * what backends have in common that reach one by files of the kernel.
 */
#ifndef NVBAR_LIB_BARS_H
#define NVBAR_LIB_BARS_H

#include <linux/atomic.h>
#include <linux/mutex.h>

#include "backend.h"
#include "copy.h"

/* All that drivers use of the registers [nova driver.rs] */
#define NVBAR_REGS_SIZE		0x01000000u

/* What is mapped at once: the kernel makes page tables for all of it, and BAR1 may be large. */
#define NVBAR_BAR_CHUNK		(256ull << 20)

/**
 * struct nvbar_bar - a BAR
 * @fd: file that has it, -1 for none
 * @fd_ro: the same, opened for reading only, -1 where that can't be had: a mapping of
 *	it can't be made writable
 * @off: where in the file it begins
 * @size: bytes
 * @chunk: where each chunk of it is mapped, NULL before it is used; no chunks if
 *	it must be read and written as a file
 * @prot: how they are mapped
 */
struct nvbar_bar {
	int fd;
	int fd_ro;
	u64 off;
	u64 size;
	void **chunk;
	int prot;
};

/**
 * struct nvbar_bars - the first member of each backend that has them
 * @base: of every backend
 * @regs: the registers
 * @bar1: the aperture
 * @combining: it is mapped write-combined
 * @copy: routines for it
 * @transactions: writes, as the bus carried them
 * @own_reads: of PMC_BOOT_0, to see whether the GPU is still there
 * @lock: held to map a chunk
 * @boot0: what the GPU said first when it was asked who it is; 0 before
 * @gone: one of the mappings has vanished, or the GPU behind it; for good
 * @told: the log knows
 */
struct nvbar_bars {
	struct nvbar_backend base;
	struct nvbar_bar regs, bar1;
	bool combining;
	const struct nvbar_copy *copy;
	atomic64_t transactions;
	atomic64_t own_reads;
	struct mutex lock;
	u32 boot0;
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
 * nvbar_bars_map - have a BAR mapped into the process
 * @bars: the BARs
 * @bar: one of them, with file, offset and size
 * @write: also for writing
 *
 * Its first chunk is mapped at once, to see that it can be; the others when they are
 * used.  One that can't be then takes the GPU off the bus.
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

/** nvbar_bars_fini - undo nvbar_bars_init(): unmap the BARs; their files stay open */
void nvbar_bars_fini(struct nvbar_bars *bars);

#endif
