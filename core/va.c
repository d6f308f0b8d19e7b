// SPDX-License-Identifier: MIT
#include <linux/align.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/sizes.h>

#include "va.h"

/* Holes tried by best fit before one is taken that fits at any address. */
#define VA_TRIES	8

/* ... and if there is none of that kind, before an alignment is given up. */
#define VA_MANY_TRIES	1024

/* NULL for NULL */
static struct nvbar_va_node *node_by_start(const struct rb_node *rb)
{
	return rb_entry_safe(rb, struct nvbar_va_node, by_start);
}

static struct nvbar_va_node *node_by_hole(const struct rb_node *rb)
{
	return rb_entry_safe(rb, struct nvbar_va_node, by_hole);
}

/* What a node holds. */
static u64 node_start(const struct nvbar_va_node *node)
{
	return node->start - node->before;
}

static u64 node_end(const struct nvbar_va_node *node)
{
	return node->start + node->len + node->after;
}

/* The end of the hole behind a node, which is where the next one starts. */
static u64 hole_end(const struct nvbar_va_node *node)
{
	return node_end(node) + node->hole;
}

static bool hole_less(struct rb_node *a, const struct rb_node *b)
{
	const struct nvbar_va_node *x = rb_entry(a, struct nvbar_va_node, by_hole);
	const struct nvbar_va_node *y = rb_entry(b, struct nvbar_va_node, by_hole);

	return x->hole != y->hole ? x->hole < y->hole : x->start < y->start;
}

static void hole_set(struct nvbar_va *va, struct nvbar_va_node *node, u64 len)
{
	if (node->hole)
		rb_erase(&node->by_hole, &va->holes);
	va->free_bytes += len - node->hole;
	node->hole = len;
	if (len)
		rb_add(&node->by_hole, &va->holes, hole_less);
}

/* The shortest hole of at least @len bytes. */
static struct nvbar_va_node *hole_find(const struct nvbar_va *va, u64 len)
{
	struct nvbar_va_node *node, *best = NULL;
	struct rb_node *rb = va->holes.rb_node;

	while (rb) {
		node = rb_entry(rb, struct nvbar_va_node, by_hole);
		if (node->hole >= len) {
			best = node;
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return best;
}

/* What a node is to hold; only its address is open.  All are multiples of the granule. */
struct shape {
	u64 len;
	u64 align;
	u64 phase;
	u64 granule;
};

/* Fixed ranges leave holes that neither begin nor end with a page of the host. */
static u64 hole_first_page(const struct nvbar_va_node *node, const struct shape *shape)
{
	return round_up(node_end(node), shape->granule);
}

static u64 hole_last_page(const struct nvbar_va_node *node, const struct shape *shape)
{
	return round_down(hole_end(node), shape->granule);
}

/* A hole that is long enough: also at an address of that shape? */
static bool hole_fits(const struct nvbar_va_node *node, const struct shape *shape)
{
	u64 first = hole_first_page(node, shape), last = hole_last_page(node, shape);
	u64 pad = (shape->phase - first) & (shape->align - 1);

	/* The hole is as long as a page of the host at least, so that @last is not below @first. */
	return last - first >= shape->len && last - first - shape->len >= pad;
}

static struct nvbar_va_node *hole_best(const struct nvbar_va *va, const struct shape *shape)
{
	struct nvbar_va_node *node = hole_find(va, shape->len), *sure;
	unsigned int i;

	for (i = 0; node && i < VA_TRIES; i++) {
		if (hole_fits(node, shape))
			return node;
		node = node_by_hole(rb_next(&node->by_hole));
	}
	sure = hole_find(va, shape->len + shape->align - SZ_4K + shape->granule - SZ_4K);
	if (sure)
		return sure;
	for (; node && i < VA_MANY_TRIES; i++) {
		if (hole_fits(node, shape))
			return node;
		node = node_by_hole(rb_next(&node->by_hole));
	}
	return NULL;
}

/* The start, within a hole that fits, that leaves the smaller gap beside it. */
static u64 hole_place(const struct nvbar_va_node *node, const struct shape *shape)
{
	u64 first = hole_first_page(node, shape), last = hole_last_page(node, shape) - shape->len;
	u64 before = (shape->phase - first) & (shape->align - 1);
	u64 after = (last - shape->phase) & (shape->align - 1);

	return after < before ? last - after : first + before;
}

/* The last node that starts at or below @addr; the head if no other does. */
static struct nvbar_va_node *node_before(const struct nvbar_va *va, u64 addr)
{
	struct nvbar_va_node *node, *best = (struct nvbar_va_node *)&va->head;
	struct rb_node *rb = va->nodes.rb_node;

	while (rb) {
		node = rb_entry(rb, struct nvbar_va_node, by_start);
		if (node->start <= addr) {
			best = node;
			rb = rb->rb_right;
		} else {
			rb = rb->rb_left;
		}
	}
	return best;
}

static void node_link_after(struct nvbar_va *va, struct nvbar_va_node *node,
			    struct nvbar_va_node *prev)
{
	struct rb_node *parent = &prev->by_start, **link = &parent->rb_right;

	while (*link) {
		parent = *link;
		link = &parent->rb_left;
	}
	rb_link_node(&node->by_start, parent, link);
	rb_insert_color(&node->by_start, &va->nodes);
}

/* Takes what the node is to hold, which lies in the hole behind @prev. */
static void node_insert(struct nvbar_va *va, struct nvbar_va_node *node,
			struct nvbar_va_node *prev)
{
	u64 end = hole_end(prev);

	node->hole = 0;
	node_link_after(va, node, prev);
	hole_set(va, prev, node_start(node) - node_end(prev));
	hole_set(va, node, end - node_end(node));
}

void nvbar_va_init(struct nvbar_va *va, u64 size, u32 granule)
{
	WARN_ON(!IS_ALIGNED(size, SZ_4K) || granule < SZ_4K || !is_power_of_2(granule));
	*va = (struct nvbar_va){ .nodes = RB_ROOT, .holes = RB_ROOT, .granule = granule };
	va->size = ALIGN_DOWN(size, SZ_4K);
	rb_link_node(&va->head.by_start, NULL, &va->nodes.rb_node);
	rb_insert_color(&va->head.by_start, &va->nodes);
	hole_set(va, &va->head, va->size);
}

int nvbar_va_alloc(struct nvbar_va *va, struct nvbar_va_node *node, u64 len, u64 align, u64 phase)
{
	u64 granule = va->granule, before = phase & (granule - 1);
	struct nvbar_va_node *prev;
	struct shape shape;

	if (WARN_ON(!len || !IS_ALIGNED(len | phase, SZ_4K) || align < SZ_4K ||
		    !is_power_of_2(align)))
		return -EINVAL;
	if (len > va->size)
		return -ENOSPC;
	shape = (struct shape){
		.len = round_up(before + len, granule),
		.align = max(align, granule),
		.phase = phase - before,
		.granule = granule,
	};
	prev = hole_best(va, &shape);
	if (!prev)
		return -ENOSPC;
	node->start = hole_place(prev, &shape) + before;
	node->len = len;
	node->before = before;
	node->after = shape.len - before - len;
	node_insert(va, node, prev);
	return 0;
}

int nvbar_va_alloc_fixed(struct nvbar_va *va, struct nvbar_va_node *node, u64 start, u64 len)
{
	struct nvbar_va_node *prev;

	if (WARN_ON(!len || !IS_ALIGNED(start | len, SZ_4K)))
		return -EINVAL;
	if (start > va->size || len > va->size - start)
		return -ERANGE;
	prev = node_before(va, start);
	if (start < node_end(prev) || start + len > hole_end(prev))
		return -EEXIST;
	node->start = start;
	node->len = len;
	node->before = 0;
	node->after = 0;
	node_insert(va, node, prev);
	return 0;
}

void nvbar_va_free(struct nvbar_va *va, struct nvbar_va_node *node)
{
	struct nvbar_va_node *prev;
	u64 freed;

	if (WARN_ON(RB_EMPTY_NODE(&node->by_start)))
		return;
	/* There is one: the head is before every other. */
	prev = rb_entry(rb_prev(&node->by_start), struct nvbar_va_node, by_start);
	freed = node_end(node) - node_start(node) + node->hole;
	hole_set(va, node, 0);
	hole_set(va, prev, prev->hole + freed);
	rb_erase(&node->by_start, &va->nodes);
	RB_CLEAR_NODE(&node->by_start);
}

/* Has [@from, @to) so many bytes in whole pages of the host? */
static bool pages_fit(u64 from, u64 to, u64 len, u64 granule)
{
	u64 first = round_up(from, granule), last = round_down(to, granule);

	return last >= first && last - first >= len;
}

bool nvbar_va_would_fit(const struct nvbar_va *va, u64 len, nvbar_va_leaves_fn *leaves)
{
	const struct nvbar_va_node *node;
	u64 from = 0;

	for (node = nvbar_va_first(va); node; node = nvbar_va_next(node)) {
		if (leaves(node))
			continue;
		if (pages_fit(from, node_start(node), len, va->granule))
			return true;
		from = node_end(node);
	}
	return pages_fit(from, va->size, len, va->granule);
}

bool nvbar_va_would_fit_fixed(const struct nvbar_va *va, u64 start, u64 len,
			      nvbar_va_leaves_fn *leaves)
{
	const struct nvbar_va_node *node;

	if (start > va->size || len > va->size - start)
		return false;
	for (node = nvbar_va_first(va); node && node_start(node) < start + len;
	     node = nvbar_va_next(node))
		if (node_end(node) > start && !leaves(node))
			return false;
	return true;
}

u64 nvbar_va_free_bytes(const struct nvbar_va *va)
{
	return va->free_bytes;
}

u64 nvbar_va_largest_free(const struct nvbar_va *va)
{
	struct nvbar_va_node *node = node_by_hole(rb_last(&va->holes));

	return node ? node->hole : 0;
}

struct nvbar_va_node *nvbar_va_find(const struct nvbar_va *va, u64 addr)
{
	struct nvbar_va_node *node = node_before(va, addr);

	return addr < node->start + node->len ? node : NULL;
}

struct nvbar_va_node *nvbar_va_first(const struct nvbar_va *va)
{
	return nvbar_va_next(&va->head);
}

struct nvbar_va_node *nvbar_va_next(const struct nvbar_va_node *node)
{
	return node_by_start(rb_next(&node->by_start));
}

/* Ranges and holes cover the address space without a gap. */
static bool verify_nodes(const struct nvbar_va *va, u64 *nr_holes, u64 *free_bytes)
{
	const struct nvbar_va_node *node = node_by_start(rb_first(&va->nodes)), *next;

	if (node != &va->head || node->start || node->len)
		return false;
	for (; node; node = next) {
		next = nvbar_va_next(node);
		if (hole_end(node) != (next ? node_start(next) : va->size))
			return false;
		if (next && (!next->len || !IS_ALIGNED(next->start | next->len, SZ_4K)))
			return false;
		*free_bytes += node->hole;
		*nr_holes += node->hole != 0;
	}
	return true;
}

/* The tree of holes is in order and holds nodes of this address space only. */
static bool verify_holes(const struct nvbar_va *va, u64 *nr_holes)
{
	struct rb_node *rb, *prev = NULL;
	const struct nvbar_va_node *node;

	for (rb = rb_first(&va->holes); rb; prev = rb, rb = rb_next(rb)) {
		node = rb_entry(rb, struct nvbar_va_node, by_hole);
		if (!node->hole || node_before(va, node->start) != node)
			return false;
		if (prev && !hole_less(prev, rb))
			return false;
		*nr_holes += 1;
	}
	return true;
}

bool nvbar_va_verify(const struct nvbar_va *va)
{
	u64 nr_holes = 0, nr_in_tree = 0, free_bytes = 0;

	return verify_nodes(va, &nr_holes, &free_bytes) && verify_holes(va, &nr_in_tree) &&
	       nr_holes == nr_in_tree && free_bytes == va->free_bytes;
}
