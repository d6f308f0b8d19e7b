/* SPDX-License-Identifier: MIT */
/*
 * A bus with nothing behind it but registers that hold what a test puts
 * there, and a record of what the driver did: for looking at single
 * functions, where the model would do too much.
 */
#ifndef TESTS_CORE_FAKE_HW_H
#define TESTS_CORE_FAKE_HW_H

#include "gpu.h"

#define FAKE_REGS	64
#define FAKE_LOG	4096

struct fake_access {
	bool write;
	u32 off;
	unsigned int width;
	u64 val;
};

struct fake_hw {
	struct {
		u32 off;
		u32 val;
		u32 polls;	/* reads that still give @before */
		u32 before;
		u32 written;	/* last, of a register that was set */
		u32 starts;	/* a write makes this register busy, see fake_starts() */
	} reg[FAKE_REGS];
	unsigned int nr_regs;
	u32 busy_polls;
	bool dead;		/* everything reads as all ones */
	bool window_stuck;	/* it does not move */
	struct fake_access log[FAKE_LOG];
	unsigned int nr_log;
	unsigned char window[1 << 20];	/* what PRAMIN shows, wherever it is */
	char message[512];
	int level;		/* of that */
	unsigned int nr_messages;
};

/* A GPU over @hw, not attached: only ops and hw are set. */
void fake_init(struct fake_hw *hw, struct nvbar_gpu *gpu);

/*
 * The same, identified by these words, with 1 GiB of VRAM and an address space of 256 MiB.
 * Return: as nvbar_chip_identify().
 */
int fake_identified(struct fake_hw *hw, struct nvbar_gpu *gpu, u32 boot0, u32 boot42);

/* What a register reads as; others read 0. */
void fake_set(struct fake_hw *hw, u32 off, u32 val);

/* Reads as @before @polls times, then as @val. */
void fake_set_after(struct fake_hw *hw, u32 off, u32 before, u32 polls, u32 val);

/* A write to @off makes @busy, which was set, read as @before for @polls reads. */
void fake_starts(struct fake_hw *hw, u32 off, u32 busy, u32 before, u32 polls);

/* What was written last to a register that was set, however much was recorded since; or 0. */
u32 fake_written(const struct fake_hw *hw, u32 off);

/* Forgets what was recorded. */
void fake_clear_log(struct fake_hw *hw);

/* The recorded accesses of one direction to @off. */
unsigned int fake_count(const struct fake_hw *hw, bool write, u32 off);

#endif
