/* SPDX-License-Identifier: MIT */
/*
 * Address space of BAR1: which ranges are taken, and where the next one goes.
 *
 * Every node carries the hole that follows it, so taken ranges and holes are
 * one set of nodes, embedded in what the caller keeps anyway, and nothing here
 * allocates.  Two trees order them: by address, and the holes by length.
 *
 * Placement is best fit: the shortest hole that takes the range, the lowest
 * of equal ones, and in it the end that leaves the smaller remainder behind;
 * without alignment that is the low end.  Short remainders are used up before
 * long holes are broken.  With alignment the shortest of the first few holes
 * that are long enough, or else of those that fit wherever they begin.
 *
 * Where the pages of the host are larger, a range that is placed here holds whole ones:
 * what its first and last page have beside it is held too, and nobody else's.
 *
 * All operations are O(log n) in the number of ranges.  For an alignment above
 * 4 KiB, when no hole has length + alignment - 4 KiB, so many holes are tried,
 * and no more, that the answer may be no although one would do.
 *
 * Addresses and lengths are bytes and multiples of 4 KiB.
 *
 * Context: the caller holds the lock that guards @va in every function.
 * Nothing sleeps.
 */
#ifndef NVBAR_CORE_VA_H
#define NVBAR_CORE_VA_H

#include <linux/rbtree.h>
#include <linux/types.h>

/**
 * struct nvbar_va_node - a taken range
 * @start: its first byte
 * @len: its length; both are the caller's to read, not to change
 * @before: bytes held below it, to the beginning of a page of the host ...
 * @after: ... and behind it, to the end of one; both 0 for fixed ranges
 * @hole: free bytes between what it holds and what the next range does
 * @by_start: in &nvbar_va.nodes
 * @by_hole: in &nvbar_va.holes when @hole is not 0
 */
struct nvbar_va_node {
	u64 start;
	u64 len;
	u32 before;
	u32 after;
	u64 hole;
	struct rb_node by_start;
	struct rb_node by_hole;
};

/**
 * struct nvbar_va - an address space [0, size); may not be moved in memory
 * @nodes: every node by address, @head first
 * @holes: nodes with a hole by (length, address) of the hole
 * @head: an empty range at 0 that carries the first hole
 * @size: length of the address space
 * @granule: size of the host's pages
 * @free_bytes: sum of all holes
 */
struct nvbar_va {
	struct rb_root nodes;
	struct rb_root holes;
	struct nvbar_va_node head;
	u64 size;
	u32 granule;
	u64 free_bytes;
};

/**
 * nvbar_va_init() - an empty address space
 * @va: to initialise; there is nothing to undo when it is no longer needed
 * @size: bytes, less than half of what a u64 counts
 * @granule: size of the host's pages: a power of two, at least 4 KiB
 */
void nvbar_va_init(struct nvbar_va *va, u64 size, u32 granule);

/**
 * nvbar_va_alloc() - take a range anywhere, in whole pages of the host
 * @va: the address space
 * @node: in no address space; filled in, untouched on failure
 * @len: bytes, not 0
 * @align: of the start, a power of two, at least 4 KiB
 * @phase: the start is this much above a multiple of @align; a multiple of
 *	4 KiB
 *
 * Return: 0; -ENOSPC when no hole takes it, or with an alignment above 4 KiB
 * none was found; -EINVAL for arguments that the
 * caller should have refused.
 */
int nvbar_va_alloc(struct nvbar_va *va, struct nvbar_va_node *node, u64 len, u64 align, u64 phase);

/**
 * nvbar_va_alloc_fixed() - take a given range
 * @va: the address space
 * @node: in no address space; filled in, untouched on failure
 * @start: first byte
 * @len: bytes, not 0
 *
 * Return: 0; -ERANGE when it leaves the address space; -EEXIST when a part of
 * it is taken; -EINVAL for arguments that the caller should have refused.
 */
int nvbar_va_alloc_fixed(struct nvbar_va *va, struct nvbar_va_node *node, u64 start, u64 len);

/**
 * nvbar_va_free() - give a range back
 * @va: the address space
 * @node: in @va; its start and length stay readable
 */
void nvbar_va_free(struct nvbar_va *va, struct nvbar_va_node *node);

/* Which ranges are given back, in a question about what would be free then */
typedef bool nvbar_va_leaves_fn(const struct nvbar_va_node *node);

/**
 * nvbar_va_would_fit() - would there be room without some of the ranges?
 * @va: the address space
 * @len: bytes, not 0
 * @leaves: which ranges go
 *
 * Room as nvbar_va_alloc() wants it for an alignment of 4 KiB: whole pages of the
 * host, free or held by ranges that go.  O(n).
 *
 * Return: true if there would be.
 */
bool nvbar_va_would_fit(const struct nvbar_va *va, u64 len, nvbar_va_leaves_fn *leaves);

/**
 * nvbar_va_would_fit_fixed() - would a given range be free without some of the ranges?
 * @va: the address space
 * @start: first byte
 * @len: bytes, not 0
 * @leaves: which ranges go
 *
 * O(n).
 *
 * Return: true if it would be, false also where it leaves the address space.
 */
bool nvbar_va_would_fit_fixed(const struct nvbar_va *va, u64 start, u64 len,
			      nvbar_va_leaves_fn *leaves);

/**
 * nvbar_va_free_bytes() - how much is free?
 * @va: the address space
 *
 * Return: bytes, in holes of any length.
 */
u64 nvbar_va_free_bytes(const struct nvbar_va *va);

/**
 * nvbar_va_largest_free() - what is the longest hole?
 * @va: the address space
 *
 * Return: bytes, 0 when all is taken.
 */
u64 nvbar_va_largest_free(const struct nvbar_va *va);

/**
 * nvbar_va_find() - who has this address?
 * @va: the address space
 * @addr: any address, also outside
 *
 * Return: the range that covers @addr, or NULL.
 */
struct nvbar_va_node *nvbar_va_find(const struct nvbar_va *va, u64 addr);

/**
 * nvbar_va_first() - the range with the lowest address
 * @va: the address space
 *
 * Return: the range, or NULL when there is none.
 */
struct nvbar_va_node *nvbar_va_first(const struct nvbar_va *va);

/**
 * nvbar_va_next() - the range that follows in address order
 * @node: in an address space
 *
 * Return: the range, or NULL after the last.
 */
struct nvbar_va_node *nvbar_va_next(const struct nvbar_va_node *node);

/**
 * nvbar_va_verify() - do the ranges, holes, trees and sums agree?
 * @va: the address space
 *
 * O(n log n), for the consistency check and for tests.
 *
 * Return: true when they do.
 */
bool nvbar_va_verify(const struct nvbar_va *va);

#endif
