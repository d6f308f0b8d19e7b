/* SPDX-License-Identifier: MIT */
/*
 * How the driver reaches a GPU: one implementation per backend.
 */
#ifndef NVBAR_CORE_HW_H
#define NVBAR_CORE_HW_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "mmu.h"

/*
 * Words go to a BAR, to files and to the model as they lie in memory, in the order of
 * bytes that the GPU has; u64 is divided by u64, and sizes of VRAM are size_t.  The
 * library, which includes this, relies on the same.
 */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "nvbar needs a little-endian CPU"
#endif
#if __SIZEOF_LONG__ != 8
#error "nvbar needs a 64-bit CPU"
#endif

/**
 * struct nvbar_direct - the memory behind the aperture, as the CPU sees it
 * @generation: counts up from 1 before what bar1_direct said can be wrong;
 *	NULL where there is no such memory
 * @ordinary: any of the CPU's instructions will do for it, of any width
 * @bytes: host memory that handles keep for looked-up pages
 */
struct nvbar_direct {
	const u64 *generation;
	bool ordinary;
	atomic64_t bytes;
};

/**
 * struct nvbar_tlb_entry - what the TLB of BAR1 holds, as a model shows it
 * @va: first address that it is about
 * @level: of the page-directory entry, in the bound tables; 0 for the
 *	translation of a page of 4 KiB
 * @word: the page-directory entry
 * @state: the rest is of translations: valid, sparse, or invalid for all else
 * @aperture: memory that a valid one leads to
 * @pa: address there
 * @ro: writes fault
 */
struct nvbar_tlb_entry {
	u64 va;
	unsigned int level;
	u64 word[2];
	enum nvbar_entry_state state;
	enum nvbar_aperture aperture;
	u64 pa;
	bool ro;
};

/**
 * struct nvbar_hw_ops - access to one GPU's BARs
 *
 * Offsets are bytes in the BAR.  @width is 1, 2, 4 or 8 bytes and the offset
 * is a multiple of it.  Nothing here reports an error: a GPU that is gone
 * reads as all ones.  Every operation may be called from several threads at
 * once; accesses of one thread to one BAR arrive in program order, and none to
 * BAR1 begins before an earlier @bar0_read has its answer.
 *
 * @bar0_read: read a register or the PRAMIN window
 * @bar0_write: write a register or the PRAMIN window
 * @bar0_read_words: read @nr 64-bit words at ascending offsets
 * @bar0_write_words: write @nr 64-bit words at ascending offsets, the halves of
 *	each in any order: nothing looks at them before a later write says so
 * @bar0_write_entries: write @nr page-table entries at ascending offsets where the
 *	GPU may be reading them, each by its halves as nvbar_hw_write_entries() does;
 *	NULL where there is nothing to do but that
 * @bar1_read: read through the BAR1 aperture
 * @bar1_write: write through the BAR1 aperture
 * @bar1_copy_from: copy @len bytes, any alignment, out of the aperture
 * @bar1_copy_to: copy @len bytes, any alignment, into the aperture
 * @bar1_fill: write a 32-bit pattern over @len bytes; both multiples of 4
 * @bar1_mmap: a CPU pointer at [@off, @off + @len), whole pages of the host; 0 or
 *	-errno
 * @bar1_munmap: ends what bar1_mmap gave; the pointer faults afterwards
 * @direct_info: where the aperture's pages are memory to this CPU; NULL where
 *	they are not
 * @bar1_direct: the CPU's address of the aperture's page at @off, for reading
 *	or also for writing; NULL if it is no memory now
 * @bar1_window: the CPU's address of [@off, @off + @len) of the aperture in one
 *	piece, good for the current generation; with @remap even if its memory is
 *	in many pieces, which takes time; NULL if that can't be had, or they are
 *	too many.  Goes with @direct_info
 * @bar1_window_end: nobody uses what bar1_window gave with @remap any more
 * @direct_copy_from: copy out of that memory, any alignment; NULL, as the
 *	next, where memcpy() does it
 * @direct_copy_to: copy into that memory, any alignment
 * @write_barrier: returns when earlier CPU writes have left for the bus, and no
 *	later read has begun
 * @transactions: writes so far as the bus carried them, by any operation but through
 *	what bar1_mmap gave; NULL where that is not known
 * @own_reads: reads so far that the backend made beside those it was asked for; NULL
 *	if it makes none
 * @driver_errors: accesses that hardware would have refused, as a model
 *	counts them; NULL for a real GPU
 * @tlb_read: the next entries, at most @max, of what the TLB holds of the tables
 *	that BAR1 is bound to; @cursor begins with 0.  Changes and counts nothing.
 *	Returns how many, 0 at the end; NULL for a real GPU
 * @message: takes a line of text for people; may be NULL
 */
struct nvbar_hw_ops {
	u64 (*bar0_read)(void *hw, u32 off, unsigned int width);
	void (*bar0_write)(void *hw, u32 off, unsigned int width, u64 val);
	void (*bar0_read_words)(void *hw, u32 off, u64 *dst, size_t nr);
	void (*bar0_write_words)(void *hw, u32 off, const u64 *src, size_t nr);
	void (*bar0_write_entries)(void *hw, u32 off, const u64 *src, size_t nr);
	u64 (*bar1_read)(void *hw, u64 off, unsigned int width);
	void (*bar1_write)(void *hw, u64 off, unsigned int width, u64 val);
	void (*bar1_copy_from)(void *hw, void *dst, u64 off, size_t len);
	void (*bar1_copy_to)(void *hw, u64 off, const void *src, size_t len);
	void (*bar1_fill)(void *hw, u64 off, u32 pattern, size_t len);
	int (*bar1_mmap)(void *hw, u64 off, u64 len, bool write, void **cpu);
	void (*bar1_munmap)(void *hw, void *cpu, u64 len);
	void (*direct_info)(void *hw, struct nvbar_direct *direct);
	void *(*bar1_direct)(void *hw, u64 off, bool write);
	void *(*bar1_window)(void *hw, u64 off, u64 len, bool write, bool remap);
	void (*bar1_window_end)(void *hw, void *cpu, u64 len);
	void (*direct_copy_from)(void *dst, const void *src, size_t len);
	void (*direct_copy_to)(void *dst, const void *src, size_t len);
	void (*write_barrier)(void *hw);
	u64 (*transactions)(void *hw);
	u64 (*own_reads)(void *hw);
	u64 (*driver_errors)(void *hw);
	size_t (*tlb_read)(void *hw, u64 *cursor, struct nvbar_tlb_entry *entry, size_t max);
	void (*message)(void *hw, int level, const char *text);
};

/**
 * nvbar_hw_write_entries - write page-table entries that the GPU may be reading
 * @ops: access to its BARs
 * @hw: their first argument
 * @off: in the PRAMIN window, a multiple of 8
 * @src: the entries
 * @nr: how many
 *
 * PRAMIN takes no more than 4 bytes at once [OpenRM], so an entry goes out as two
 * halves, and the MMU may read it in between.  The lower half has the bits that
 * make it valid, and the upper one part of an address.  An entry becomes valid by
 * its lower half, written last, and becomes invalid by it, written first: so half
 * an address is never followed.  Nothing can be done for one that is valid and
 * becomes another that is: the driver makes it invalid in between.
 */
static inline void nvbar_hw_write_entries(const struct nvbar_hw_ops *ops, void *hw, u32 off,
					  const u64 *src, size_t nr)
{
	if (ops->bar0_write_entries) {
		ops->bar0_write_entries(hw, off, src, nr);
		return;
	}
	for (; nr; nr--, off += 8, src++) {
		u32 first = nvbar_mmu_is_valid(*src) ? 4 : 0;

		ops->bar0_write(hw, off + first, 4, (u32)(*src >> 8 * first));
		ops->bar0_write(hw, off + (first ^ 4), 4, (u32)(*src >> 8 * (first ^ 4)));
	}
}

/** nvbar_natural_width - the largest for an access at @off with @len bytes, not 0, to go */
static inline unsigned int nvbar_natural_width(u64 off, size_t len)
{
	unsigned int width = 8;

	while ((off & (width - 1)) || width > len)
		width /= 2;
	return width;
}

#endif
