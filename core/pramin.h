/* SPDX-License-Identifier: MIT */
/*
 * The PRAMIN window: VRAM by physical address, 1 MiB at a time.
 *
 * The window has one owner, this file; it moves only when an access leaves
 * it.  Writes are posted: the GPU's MMU may not see them until
 * nvbar_pramin_flush().
 */
#ifndef NVBAR_CORE_PRAMIN_H
#define NVBAR_CORE_PRAMIN_H

#include <linux/mutex.h>
#include <linux/types.h>

struct nvbar_gpu;

/**
 * struct nvbar_witness - a word that the driver wrote through the window
 *
 * After a reset the window is at the start of VRAM, and another word stands in its
 * place; BAR1 shows the start of VRAM then, too.  What is written through the window
 * after the reset reads back all the same: only a word that is older tells.
 *
 * A word that is not as it was makes the driver look.  One that is tells that there
 * was no reset if it is the driver's own, in its region, and the window is not at the
 * start of VRAM anyway.  A user's word may stand there, too.
 *
 * @off: in the window, a multiple of 4
 * @val: what was written there, neither 0 nor all ones, which stand anywhere
 * @set: there is one
 * @old: BAR1 was seen to be bound since it was written, or without BAR1 the window
 *	to be where it was
 */
struct nvbar_witness {
	u32 off;
	u32 val;
	bool set;
	bool old;
};

/**
 * struct nvbar_pramin - the window
 * @lock: held over each access and the move before it
 * @base: VRAM address of its first byte
 * @known: @base is what the register holds
 * @last: offset in the window of the newest access, for the ordering read
 * @witness: for the ordering read to look at instead
 * @anchor_pa: address of a word that nobody changes: a witness wherever the window
 *	covers it; 0 for none
 * @anchor: its lower 32 bits
 */
struct nvbar_pramin {
	struct mutex lock;
	u64 base;
	bool known;
	u32 last;
	struct nvbar_witness witness;
	u64 anchor_pa;
	u32 anchor;
};

/** nvbar_pramin_init - before the first access; the window's place is unknown */
void nvbar_pramin_init(struct nvbar_gpu *gpu);

/** nvbar_pramin_fini - after the last access */
void nvbar_pramin_fini(struct nvbar_gpu *gpu);

/**
 * nvbar_pramin_set_anchor - a word that stays as the driver wrote it
 * @gpu: BAR1 is bound
 * @pa: its address, in the driver's region
 * @val: it
 *
 * Context: takes pramin.lock.
 */
void nvbar_pramin_set_anchor(struct nvbar_gpu *gpu, u64 pa, u64 val);

/**
 * nvbar_pramin_reach - VRAM beyond this address has no window position
 * @gpu: identified
 *
 * Return: bytes.
 */
u64 nvbar_pramin_reach(const struct nvbar_gpu *gpu);

/**
 * nvbar_pramin_may_be_gone - could this be what is read of a GPU that is gone?
 * @word: of 64 bits, which are two accesses to PRAMIN
 *
 * All ones may be data, too.  The upper half is read last, so it is all ones also if the
 * GPU went away between the two.
 */
static inline bool nvbar_pramin_may_be_gone(u64 word)
{
	return word >> 32 == ~0u;
}

/**
 * nvbar_pramin_rd - read one value
 * @gpu: the GPU
 * @pa: VRAM address, naturally aligned
 * @width: 1, 2, 4 or 8 bytes
 * @val: receives the value; all ones from a GPU that is gone, if the window need
 *	not move
 *
 * Context: takes pramin.lock; may sleep.
 * Return: 0, -ETIMEDOUT (the window does not move), -ENODEV.
 */
int nvbar_pramin_rd(struct nvbar_gpu *gpu, u64 pa, unsigned int width, u64 *val);

/**
 * nvbar_pramin_wr - write one value
 * @gpu: the GPU
 * @pa: VRAM address, naturally aligned
 * @width: 1, 2, 4 or 8 bytes
 * @val: the value
 *
 * Context: takes pramin.lock; may sleep.
 * Return: 0, -ETIMEDOUT (the window does not move), -ENODEV.
 */
int nvbar_pramin_wr(struct nvbar_gpu *gpu, u64 pa, unsigned int width, u64 val);

/**
 * nvbar_pramin_rd_words - read 64-bit words
 * @gpu: the GPU
 * @pa: VRAM address, a multiple of 8
 * @dst: destination
 * @nr: how many words
 *
 * Context: takes pramin.lock; may sleep.
 * Return: 0, -ETIMEDOUT (the window does not move), -ENODEV.
 */
int nvbar_pramin_rd_words(struct nvbar_gpu *gpu, u64 pa, u64 *dst, size_t nr);

/**
 * nvbar_pramin_wr_words - write 64-bit words in address order
 * @gpu: the GPU
 * @pa: VRAM address, a multiple of 8
 * @src: source
 * @nr: how many words
 *
 * Context: takes pramin.lock; may sleep.
 * Return: 0, -ETIMEDOUT (the window does not move: the rest was not written),
 * -ENODEV.
 */
int nvbar_pramin_wr_words(struct nvbar_gpu *gpu, u64 pa, const u64 *src, size_t nr);

/**
 * nvbar_pramin_wr_entries - write entries of page tables that the GPU can reach
 * @gpu: the GPU
 * @pa: VRAM address, a multiple of 8
 * @src: source
 * @nr: how many words
 *
 * In address order, and each so that its valid bits change last if it becomes valid
 * and first if it becomes invalid: see nvbar_hw_write_entries().
 *
 * Context: takes pramin.lock; may sleep.
 * Return: as nvbar_pramin_wr_words().
 */
int nvbar_pramin_wr_entries(struct nvbar_gpu *gpu, u64 pa, const u64 *src, size_t nr);

/**
 * nvbar_pramin_copy_from - read a block
 * @gpu: the GPU
 * @pa: VRAM address, any alignment; the range was checked
 * @dst: destination
 * @len: bytes
 *
 * Context: takes pramin.lock; may sleep.
 * Return: 0, -ETIMEDOUT (the window does not move), -ENODEV.
 */
int nvbar_pramin_copy_from(struct nvbar_gpu *gpu, u64 pa, void *dst, size_t len);

/**
 * nvbar_pramin_copy_to - write a block and order it
 * @gpu: the GPU
 * @pa: VRAM address, any alignment; the range was checked
 * @src: source
 * @len: bytes, not 0
 *
 * Context: takes pramin.lock; may sleep.
 * Return: 0, -ETIMEDOUT (the window does not move), -ENODEV.
 */
int nvbar_pramin_copy_to(struct nvbar_gpu *gpu, u64 pa, const void *src, size_t len);

/**
 * nvbar_pramin_flush - order all earlier PRAMIN writes before what follows
 * @gpu: the GPU
 *
 * A read of any PRAMIN location pushes them to memory [OpenRM
 * kbusFlushSingle_GM107]; without it a TLB invalidate may overtake them.
 *
 * It also finds out that the GPU was reset or is somebody else's: the word that is
 * read is the window's witness.  If that is not what was written, which data may
 * legally be, PMC_BOOT_0, the bind register and the window's own decide.  If there is
 * none that tells, as after a move of the window and wherever the window shows nothing
 * of the driver's region, the bind register is read beside it, or without BAR1 the
 * window's own.
 *
 * Context: takes pramin.lock; may sleep.
 * Return: 0, or -ENODEV.
 */
int nvbar_pramin_flush(struct nvbar_gpu *gpu);

#endif
