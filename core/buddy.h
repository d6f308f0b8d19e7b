/* SPDX-License-Identifier: MIT */
/*
 * VRAM: which bytes are free, and who gets the next ones.
 *
 * A buddy allocator in where it puts things: a request goes to the lowest
 * address aligned to the largest power of two it contains, so that neighbours
 * fall free together and large leaves stay possible.  Not in how it keeps
 * them: free memory is a set of runs, each as long as it can be, in one tree by
 * address.  So a freed block merges with whatever is free beside it, buddy or
 * not, a request gets exactly its size, and an unbroken run is found wherever
 * it starts.  Each node of the tree knows the longest run and the largest
 * naturally aligned block (the order) below it, which makes every search for
 * the lowest run that is large enough one way down the tree.
 *
 * With n free runs, n at most one more than there are blocks:
 *   memory	one struct nvbar_block per block and per free run, whatever the
 *		size of VRAM
 *   alloc	O(log n) for each block; with an alignment above 4 KiB and no
 *		aligned run of sufficient order left, O(n)
 *   free	O(log n) for each block
 *   the gauges	O(1)
 *
 * Addresses and lengths are bytes and multiples of 4 KiB.
 *
 * Context: the caller holds the lock that guards the allocator in every
 * function.  Only those that say so allocate host memory, and may sleep.
 */
#ifndef NVBAR_CORE_BUDDY_H
#define NVBAR_CORE_BUDDY_H

#include <linux/rbtree.h>
#include <linux/types.h>

/**
 * struct nvbar_run_sum - the best of one or several runs
 * @len: longest length in bytes
 * @order: log2 of the largest naturally aligned block in them
 */
struct nvbar_run_sum {
	u64 len;
	unsigned int order;
};

/**
 * struct nvbar_block - a run of VRAM, either allocated or free
 * @link: in the list of its allocation; the owner's
 * @pa: first byte; the owner's to read
 * @len: length; the owner's to read
 * @by_pa: in &nvbar_buddy.runs while free
 * @own: of this run alone, while free
 * @below: of this run and all below it in the tree, while free
 */
struct nvbar_block {
	struct list_head link;
	u64 pa;
	u64 len;
	struct rb_node by_pa;
	struct nvbar_run_sum own;
	struct nvbar_run_sum below;
};

/**
 * struct nvbar_buddy - the allocator of one VRAM
 * @runs: free runs by address, no two adjacent
 * @start: first byte managed
 * @end: first byte beyond
 * @total: managed bytes without reserved ones
 * @free_bytes: sum of all runs
 * @nr_blocks: runs and blocks, free or not
 */
struct nvbar_buddy {
	struct rb_root runs;
	u64 start;
	u64 end;
	u64 total;
	u64 free_bytes;
	u64 nr_blocks;
};

/**
 * struct nvbar_buddy_req - what is asked for
 * @size: bytes, not 0; given exactly
 * @align: every extent starts at a multiple of it; a power of two, at least
 *	4 KiB
 * @range_start: nothing below it
 * @range_end: nothing from it on; 0 for no limit
 * @contiguous: one extent, or fail
 */
struct nvbar_buddy_req {
	u64 size;
	u64 align;
	u64 range_start;
	u64 range_end;
	bool contiguous;
};

/**
 * nvbar_buddy_init() - manage [start, end), all of it free
 * @buddy: to initialise
 * @start: first byte
 * @end: first byte beyond, below 2^63
 *
 * Context: allocates host memory.
 * Return: 0; -ENOMEM; -EINVAL for arguments that the caller should have
 * refused.
 */
int nvbar_buddy_init(struct nvbar_buddy *buddy, u64 start, u64 end);

/**
 * nvbar_buddy_fini() - end of the allocator
 * @buddy: nothing is allocated from it any more
 */
void nvbar_buddy_fini(struct nvbar_buddy *buddy);

/**
 * nvbar_buddy_reserve() - never hand out [start, end)
 * @buddy: the allocator; unchanged on failure
 * @start: first byte
 * @end: first byte beyond
 *
 * Context: allocates host memory.
 * Return: 0; -ERANGE when it leaves what is managed; -EEXIST when a part of it
 * is in use or reserved; -ENOMEM; -EINVAL for arguments that the caller should
 * have refused.
 */
int nvbar_buddy_reserve(struct nvbar_buddy *buddy, u64 start, u64 end);

/**
 * nvbar_buddy_alloc() - allocate VRAM
 * @buddy: the allocator; unchanged on failure
 * @req: what is asked for
 * @blocks: the blocks are appended here in address order, one per extent;
 *	unchanged on failure
 *
 * One extent if any free run has room for it, preferably aligned to its own
 * size; otherwise, unless that is ruled out, few large ones.  Among equals the
 * lowest address wins.
 *
 * Context: allocates host memory.
 * Return: 0; -ENOSPC only when no choice of free bytes satisfies @req;
 * -ENOMEM; -EINVAL for arguments that the caller should have refused.
 */
int nvbar_buddy_alloc(struct nvbar_buddy *buddy, const struct nvbar_buddy_req *req,
		      struct list_head *blocks);

/**
 * nvbar_buddy_free() - give blocks back
 * @buddy: the allocator they come from
 * @blocks: of one or several allocations, in any order; empty afterwards, and
 *	the blocks are gone
 *
 * Cannot fail: the blocks become the free runs, or are merged into them.
 */
void nvbar_buddy_free(struct nvbar_buddy *buddy, struct list_head *blocks);

/**
 * nvbar_buddy_total() - how much can be allocated at most?
 * @buddy: the allocator
 *
 * Return: bytes, free or in use, without reserved ones.
 */
u64 nvbar_buddy_total(const struct nvbar_buddy *buddy);

/**
 * nvbar_buddy_free_bytes() - how much is free?
 * @buddy: the allocator
 *
 * Return: bytes.
 */
u64 nvbar_buddy_free_bytes(const struct nvbar_buddy *buddy);

/**
 * nvbar_buddy_host_bytes() - what does all this take?
 * @buddy: the allocator
 *
 * Return: bytes of host memory.
 */
u64 nvbar_buddy_host_bytes(const struct nvbar_buddy *buddy);

/**
 * nvbar_buddy_largest_free() - how long is the longest free run?
 * @buddy: the allocator
 *
 * Return: bytes, the largest contiguous request that succeeds; 0 when all is
 * in use.
 */
u64 nvbar_buddy_largest_free(const struct nvbar_buddy *buddy);

/**
 * nvbar_buddy_first_run() - the free run with the lowest address
 * @buddy: the allocator
 *
 * Return: the run, or NULL when nothing is free.
 */
const struct nvbar_block *nvbar_buddy_first_run(const struct nvbar_buddy *buddy);

/**
 * nvbar_buddy_next_run() - the free run that follows in address order
 * @run: a free run
 *
 * Return: the run, or NULL after the last.
 */
const struct nvbar_block *nvbar_buddy_next_run(const struct nvbar_block *run);

/**
 * nvbar_buddy_verify() - do runs, sums and gauges agree?
 * @buddy: the allocator
 *
 * O(n), for the consistency check and for tests.
 *
 * Return: true when they do.
 */
bool nvbar_buddy_verify(const struct nvbar_buddy *buddy);

#endif
