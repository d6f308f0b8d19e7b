// SPDX-License-Identifier: MIT
#include <linux/align.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/rbtree_augmented.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "buddy.h"

#define PAGE_ORDER	12

/* Runs looked at by a search whose answer is a preference only. */
#define BUDDY_TRIES	8

/* NULL for NULL */
static struct nvbar_block *run_of(const struct rb_node *rb)
{
	return rb_entry_safe(rb, struct nvbar_block, by_pa);
}

static u64 run_end(const struct nvbar_block *run)
{
	return run->pa + run->len;
}

/* log2 of the largest naturally aligned block in [pa, pa + len). */
static unsigned int range_order(u64 pa, u64 len)
{
	unsigned int order = ilog2(len);

	/* A block of half the length's power of two fits at any address. */
	return ALIGN(pa, BIT_ULL(order)) - pa <= len - BIT_ULL(order) ? order : order - 1;
}

static bool sum_has(const struct nvbar_run_sum *sum, const struct nvbar_run_sum *want)
{
	return sum->len >= want->len && sum->order >= want->order;
}

static void sum_add(struct nvbar_run_sum *sum, const struct rb_node *child)
{
	const struct nvbar_block *run = run_of(child);

	if (!run)
		return;
	sum->len = max(sum->len, run->below.len);
	sum->order = max(sum->order, run->below.order);
}

static struct nvbar_run_sum run_sum(const struct nvbar_block *run)
{
	struct nvbar_run_sum sum = run->own;

	sum_add(&sum, run->by_pa.rb_left);
	sum_add(&sum, run->by_pa.rb_right);
	return sum;
}

static bool run_update(struct nvbar_block *run, bool exit)
{
	struct nvbar_run_sum sum = run_sum(run);

	if (exit && sum.len == run->below.len && sum.order == run->below.order)
		return true;
	run->below = sum;
	return false;
}

RB_DECLARE_CALLBACKS(static, run_augment, struct nvbar_block, by_pa, below, run_update);

static void run_set(struct nvbar_block *run, u64 pa, u64 len)
{
	run->pa = pa;
	run->len = len;
	run->own.len = len;
	run->own.order = range_order(pa, len);
}

/* Changes a run in the tree; it still lies between its neighbours. */
static void run_resize(struct nvbar_block *run, u64 pa, u64 len)
{
	run_set(run, pa, len);
	run_augment.propagate(&run->by_pa, NULL);
}

static void run_insert(struct nvbar_buddy *buddy, struct nvbar_block *run)
{
	struct rb_node **link = &buddy->runs.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = run->pa < run_of(parent)->pa ? &parent->rb_left : &parent->rb_right;
	}
	run->below = run->own;
	rb_link_node(&run->by_pa, parent, link);
	run_augment.propagate(parent, NULL);
	rb_insert_augmented(&run->by_pa, &buddy->runs, &run_augment);
}

static void run_erase(struct nvbar_buddy *buddy, struct nvbar_block *run)
{
	rb_erase_augmented(&run->by_pa, &buddy->runs, &run_augment);
}

static bool tree_has(const struct rb_node *rb, const struct nvbar_run_sum *want)
{
	return rb && sum_has(&run_of(rb)->below, want);
}

/*
 * The lowest run that ends above @from and has what @want names: a length or
 * an order, not both, as their maxima may come from different runs.
 */
static struct nvbar_block *run_next(const struct nvbar_buddy *buddy, u64 from,
				    const struct nvbar_run_sum *want)
{
	struct rb_node *rb = buddy->runs.rb_node, *found = NULL;

	while (rb) {
		if (run_end(run_of(rb)) <= from) {
			rb = rb->rb_right;
			continue;
		}
		if (sum_has(&run_of(rb)->own, want) || tree_has(rb->rb_right, want))
			found = rb;
		rb = rb->rb_left;
	}
	if (!found || sum_has(&run_of(found)->own, want))
		return run_of(found);

	rb = found->rb_right;
	for (;;) {
		if (tree_has(rb->rb_left, want))
			rb = rb->rb_left;
		else if (sum_has(&run_of(rb)->own, want))
			return run_of(rb);
		else
			rb = rb->rb_right;
	}
}

/* How much of a run lies in the range asked for, from the first multiple of @align on. */
static u64 run_usable(const struct nvbar_block *run, const struct nvbar_buddy_req *req, u64 align,
		      u64 *pa)
{
	u64 end = min(run_end(run), req->range_end);

	*pa = max(run->pa, req->range_start);
	*pa = ALIGN(*pa, align);
	return *pa < end ? end - *pa : 0;
}

/* The lowest run with what @want names that has room for @len bytes at *@pa. */
static struct nvbar_block *run_fit(const struct nvbar_buddy *buddy,
				   const struct nvbar_buddy_req *req,
				   const struct nvbar_run_sum *want, u64 len, u64 align,
				   unsigned int tries, u64 *pa)
{
	u64 from = req->range_start;
	struct nvbar_block *run;

	while (tries--) {
		run = run_next(buddy, from, want);
		if (!run || run->pa >= req->range_end)
			return NULL;
		if (run_usable(run, req, align, pa) >= len)
			return run;
		from = run_end(run);
	}
	return NULL;
}

/*
 * A place for @len bytes in one piece.  First one aligned to the largest power
 * of two in @len: among runs of that order, or one so large that it must have
 * room.  Then any; with few @tries the answer may be no where there is one.
 */
static struct nvbar_block *run_find(const struct nvbar_buddy *buddy,
				    const struct nvbar_buddy_req *req, u64 len,
				    unsigned int tries, u64 *pa)
{
	u64 natural = max(req->align, BIT_ULL(ilog2(len)));
	u64 room = max(req->align, len);
	struct nvbar_run_sum order = { .order = ilog2(len) };
	struct nvbar_run_sum sure = { .order = order_base_2(room) };
	struct nvbar_run_sum any = { .len = len };
	struct nvbar_block *run;

	run = run_fit(buddy, req, &order, len, natural, BUDDY_TRIES, pa);
	if (!run)
		run = run_fit(buddy, req, &sure, len, natural, BUDDY_TRIES, pa);
	if (!run)
		run = run_fit(buddy, req, &any, len, req->align, tries, pa);
	return run;
}

static struct nvbar_block *new_block(struct nvbar_buddy *buddy)
{
	struct nvbar_block *block = kzalloc(sizeof(*block), GFP_KERNEL);

	buddy->nr_blocks += block != NULL;
	return block;
}

static void free_block(struct nvbar_buddy *buddy, struct nvbar_block *block)
{
	buddy->nr_blocks--;
	kfree(block);
}

/* Cuts [pa, pa + len) out of a free run; the block is in no list and no tree. */
static int run_take(struct nvbar_buddy *buddy, struct nvbar_block *run, u64 pa, u64 len,
		    struct nvbar_block **out)
{
	u64 before = pa - run->pa;
	u64 after = run->len - before - len;
	struct nvbar_block *block = run, *rest = NULL;

	if (before || after) {
		block = new_block(buddy);
		if (!block)
			return -ENOMEM;
	}
	if (before && after) {
		rest = new_block(buddy);
		if (!rest) {
			free_block(buddy, block);
			return -ENOMEM;
		}
	}
	if (before)
		run_resize(run, run->pa, before);
	else if (after)
		run_resize(run, pa + len, after);
	else
		run_erase(buddy, run);
	if (rest) {
		run_set(rest, pa + len, after);
		run_insert(buddy, rest);
	}
	block->pa = pa;
	block->len = len;
	buddy->free_bytes -= len;
	*out = block;
	return 0;
}

static bool block_less(struct rb_node *a, const struct rb_node *b)
{
	return run_of(a)->pa < run_of(b)->pa;
}

/* Adds to the blocks taken so far, kept in a tree as they come in no order. */
static int take_add(struct nvbar_buddy *buddy, struct nvbar_block *run, u64 pa, u64 len,
		    struct rb_root *taken)
{
	struct nvbar_block *block;
	int ret;

	ret = run_take(buddy, run, pa, len, &block);
	if (!ret)
		rb_add(&block->by_pa, taken, block_less);
	return ret;
}

/* Lists the blocks by address, adjacent ones made one. */
static void taken_list(struct nvbar_buddy *buddy, const struct rb_root *taken,
		       struct list_head *blocks)
{
	struct nvbar_block *block, *next, *prev = NULL;
	struct rb_node *rb;

	for (rb = rb_first(taken); rb; rb = rb_next(rb))
		list_add_tail(&run_of(rb)->link, blocks);
	list_for_each_entry_safe(block, next, blocks, link) {
		if (prev && run_end(prev) == block->pa) {
			prev->len += block->len;
			list_del(&block->link);
			free_block(buddy, block);
		} else {
			prev = block;
		}
	}
}

/* One extent, wherever a free run has room for it. */
static int take_one(struct nvbar_buddy *buddy, const struct nvbar_buddy_req *req,
		    struct rb_root *taken)
{
	struct nvbar_block *run;
	u64 pa;

	run = run_find(buddy, req, req->size, UINT_MAX, &pa);
	return run ? take_add(buddy, run, pa, req->size, taken) : -ENOSPC;
}

/*
 * The next run to take a part of: all runs of order @want->order from @from on,
 * then those of the next lower one.  Returns how much of it is usable at *@pa.
 */
static struct nvbar_block *run_largest(const struct nvbar_buddy *buddy,
				       const struct nvbar_buddy_req *req,
				       struct nvbar_run_sum *want, u64 *from, u64 *pa, u64 *usable)
{
	struct nvbar_block *run;

	for (; want->order >= PAGE_ORDER; want->order--) {
		while ((run = run_next(buddy, *from, want)) && run->pa < req->range_end) {
			*from = run_end(run);
			*usable = run_usable(run, req, req->align, pa);
			if (*usable >= BIT_ULL(want->order))
				return run;
		}
		*from = req->range_start;
	}
	return NULL;
}

/*
 * Several extents, from large runs to small ones, as long as no run has room
 * for the whole rest.  What exceeds a multiple of the alignment in a run is
 * left for later, so that most extents are such multiples.
 */
static int take_many(struct nvbar_buddy *buddy, const struct nvbar_buddy_req *req,
		     struct rb_root *taken)
{
	struct nvbar_run_sum want = { .order = ilog2(req->size) };
	u64 rest = req->size, from = req->range_start, pa, len;
	struct nvbar_block *run;
	int ret;

	while (rest) {
		run = run_find(buddy, req, rest, BUDDY_TRIES, &pa);
		if (run)
			return take_add(buddy, run, pa, rest, taken);
		run = run_largest(buddy, req, &want, &from, &pa, &len);
		if (!run)
			return -ENOSPC;
		if (len >= rest)
			len = rest;
		else if (len > req->align)
			len = ALIGN_DOWN(len, req->align);
		ret = take_add(buddy, run, pa, len, taken);
		if (ret)
			return ret;
		rest -= len;
	}
	return 0;
}

static bool is_range(u64 start, u64 end)
{
	return start < end && IS_ALIGNED(start | end, SZ_4K);
}

int nvbar_buddy_init(struct nvbar_buddy *buddy, u64 start, u64 end)
{
	struct nvbar_block *run;

	if (WARN_ON(!is_range(start, end) || end > S64_MAX))
		return -EINVAL;
	*buddy = (struct nvbar_buddy){ .runs = RB_ROOT, .start = start, .end = end };
	run = new_block(buddy);
	if (!run)
		return -ENOMEM;
	buddy->total = end - start;
	buddy->free_bytes = end - start;
	run_set(run, start, end - start);
	run_insert(buddy, run);
	return 0;
}

void nvbar_buddy_fini(struct nvbar_buddy *buddy)
{
	struct nvbar_block *run;

	WARN_ON(buddy->free_bytes != buddy->total);
	while ((run = run_of(buddy->runs.rb_node))) {
		run_erase(buddy, run);
		free_block(buddy, run);
	}
}

int nvbar_buddy_reserve(struct nvbar_buddy *buddy, u64 start, u64 end)
{
	struct nvbar_run_sum any = { 0 };
	struct nvbar_block *run;
	int ret;

	if (WARN_ON(!is_range(start, end)))
		return -EINVAL;
	if (start < buddy->start || end > buddy->end)
		return -ERANGE;
	run = run_next(buddy, start, &any);
	if (!run || start < run->pa || end > run_end(run))
		return -EEXIST;
	ret = run_take(buddy, run, start, end - start, &run);
	if (ret)
		return ret;
	free_block(buddy, run);
	buddy->total -= end - start;
	return 0;
}

int nvbar_buddy_alloc(struct nvbar_buddy *buddy, const struct nvbar_buddy_req *req,
		      struct list_head *blocks)
{
	struct nvbar_buddy_req lim = *req;
	struct rb_root taken = RB_ROOT;
	LIST_HEAD(list);
	int ret;

	lim.range_end = min(lim.range_end ? lim.range_end : buddy->end, buddy->end);
	if (WARN_ON(!req->size || !IS_ALIGNED(req->size, SZ_4K) || req->align < SZ_4K ||
		    !is_power_of_2(req->align) ||
		    !IS_ALIGNED(req->range_start | req->range_end, SZ_4K)))
		return -EINVAL;
	if (req->size > buddy->free_bytes)
		return -ENOSPC;
	ret = req->contiguous ? take_one(buddy, &lim, &taken) : take_many(buddy, &lim, &taken);
	taken_list(buddy, &taken, &list);
	if (ret)
		nvbar_buddy_free(buddy, &list);
	list_splice_tail(&list, blocks);
	return ret;
}

/* The free runs on both sides, if any; false when the block is free already or not ours. */
static bool find_neighbours(const struct nvbar_buddy *buddy, const struct nvbar_block *block,
			    struct nvbar_block **prev, struct nvbar_block **next)
{
	struct rb_node *rb = buddy->runs.rb_node;

	while (rb) {
		if (run_of(rb)->pa < block->pa) {
			*prev = run_of(rb);
			rb = rb->rb_right;
		} else {
			*next = run_of(rb);
			rb = rb->rb_left;
		}
	}
	return block->pa >= (*prev ? run_end(*prev) : buddy->start) &&
	       run_end(block) <= (*next ? (*next)->pa : buddy->end);
}

static void block_free(struct nvbar_buddy *buddy, struct nvbar_block *block)
{
	struct nvbar_block *prev = NULL, *next = NULL;

	if (WARN_ON(!find_neighbours(buddy, block, &prev, &next)))
		return;
	buddy->free_bytes += block->len;
	run_set(block, block->pa, block->len);
	if (next && next->pa == run_end(block)) {
		run_erase(buddy, next);
		run_set(block, block->pa, block->len + next->len);
		free_block(buddy, next);
	}
	if (prev && run_end(prev) == block->pa) {
		run_resize(prev, prev->pa, prev->len + block->len);
		free_block(buddy, block);
	} else {
		run_insert(buddy, block);
	}
}

void nvbar_buddy_free(struct nvbar_buddy *buddy, struct list_head *blocks)
{
	struct nvbar_block *block, *next;

	list_for_each_entry_safe(block, next, blocks, link)
		block_free(buddy, block);
	INIT_LIST_HEAD(blocks);
}

u64 nvbar_buddy_total(const struct nvbar_buddy *buddy)
{
	return buddy->total;
}

u64 nvbar_buddy_host_bytes(const struct nvbar_buddy *buddy)
{
	return buddy->nr_blocks * sizeof(struct nvbar_block);
}

u64 nvbar_buddy_free_bytes(const struct nvbar_buddy *buddy)
{
	return buddy->free_bytes;
}

u64 nvbar_buddy_largest_free(const struct nvbar_buddy *buddy)
{
	const struct nvbar_block *root = run_of(buddy->runs.rb_node);

	return root ? root->below.len : 0;
}

const struct nvbar_block *nvbar_buddy_first_run(const struct nvbar_buddy *buddy)
{
	return run_of(rb_first(&buddy->runs));
}

const struct nvbar_block *nvbar_buddy_next_run(const struct nvbar_block *run)
{
	return run_of(rb_next(&run->by_pa));
}

static bool verify_run(const struct nvbar_buddy *buddy, const struct nvbar_block *run)
{
	struct nvbar_run_sum sum = run_sum(run);

	return is_range(run->pa, run_end(run)) && run->pa >= buddy->start &&
	       run_end(run) <= buddy->end && run->own.len == run->len &&
	       run->own.order == range_order(run->pa, run->len) &&
	       run->below.len == sum.len && run->below.order == sum.order;
}

bool nvbar_buddy_verify(const struct nvbar_buddy *buddy)
{
	const struct nvbar_block *run, *prev = NULL;
	struct rb_node *rb;
	u64 free_bytes = 0;

	for (rb = rb_first(&buddy->runs); rb; rb = rb_next(rb)) {
		run = run_of(rb);
		if (!verify_run(buddy, run) || (prev && run_end(prev) >= run->pa))
			return false;
		free_bytes += run->len;
		prev = run;
	}
	return free_bytes == buddy->free_bytes && free_bytes <= buddy->total;
}
