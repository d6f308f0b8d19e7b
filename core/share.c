// SPDX-License-Identifier: MIT
#include <linux/minmax.h>
#include <linux/rbtree_augmented.h>

#include "share.h"

#define share_of(node)	rb_entry_safe(node, struct nvbar_share, rb)

static u64 max_end_of(const struct rb_node *rb)
{
	return rb ? rb_entry(rb, struct nvbar_share, rb)->max_end : 0;
}

static bool update_max_end(struct nvbar_share *share, bool exit)
{
	u64 max_end = max3(share->end, max_end_of(share->rb.rb_left), max_end_of(share->rb.rb_right));

	if (exit && share->max_end == max_end)
		return true;
	share->max_end = max_end;
	return false;
}

RB_DECLARE_CALLBACKS(static, share_augment, struct nvbar_share, rb, max_end, update_max_end);

void nvbar_share_add(struct rb_root *index, struct nvbar_share *share, struct nvbar_span span)
{
	struct rb_node **link = &index->rb_node, *parent = NULL;

	share->pa = span.pa;
	share->end = span.pa + span.len;
	share->max_end = share->end;
	while (*link) {
		struct nvbar_share *at = share_of(*link);

		parent = *link;
		at->max_end = max(at->max_end, share->end);
		link = share->pa < at->pa ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&share->rb, parent, link);
	rb_insert_augmented(&share->rb, index, &share_augment);
}

void nvbar_share_del(struct rb_root *index, struct nvbar_share *share)
{
	rb_erase_augmented(&share->rb, index, &share_augment);
}

/*
 * The leftmost entry below @rb with pa <= @span.pa and end >= the span's end.
 * A subtree whose max_end falls short has none.
 */
static struct nvbar_share *leftmost(struct rb_node *rb, struct nvbar_span span)
{
	u64 end = span.pa + span.len;

	while (rb && max_end_of(rb) >= end) {
		struct nvbar_share *share = share_of(rb);

		if (max_end_of(rb->rb_left) >= end) {
			/* Some entry there reaches far enough, and begins before this one. */
			rb = rb->rb_left;
			continue;
		}
		if (share->pa > span.pa)
			return NULL;
		if (share->end >= end)
			return share;
		rb = rb->rb_right;
	}
	return NULL;
}

struct nvbar_share *nvbar_share_first(const struct rb_root *index, struct nvbar_span span)
{
	return leftmost(index->rb_node, span);
}

struct nvbar_share *nvbar_share_next(struct nvbar_share *share, struct nvbar_span span)
{
	u64 end = span.pa + span.len;
	struct rb_node *rb = &share->rb;

	for (;;) {
		struct rb_node *from = rb;

		if (rb->rb_right && max_end_of(rb->rb_right) >= end)
			return leftmost(rb->rb_right, span);
		/* Up to the first ancestor that comes after. */
		while ((rb = rb_parent(from)) && rb->rb_right == from)
			from = rb;
		if (!rb || share_of(rb)->pa > span.pa)
			return NULL;
		if (share_of(rb)->end >= end)
			return share_of(rb);
	}
}
