/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_RBTREE_AUGMENTED_H
#define NVBAR_COMPAT_LINUX_RBTREE_AUGMENTED_H

#include <linux/rbtree.h>

/*
 * A tree whose nodes also sum up their subtrees.
 *
 * @propagate: sum up anew from @node up to, but without, @stop
 * @copy: @new takes @old's place and so its sum
 * @rotate: as copy, and @old, now below @new, is summed up anew
 */
struct rb_augment_callbacks {
	void (*propagate)(struct rb_node *node, struct rb_node *stop);
	void (*copy)(struct rb_node *old, struct rb_node *new);
	void (*rotate)(struct rb_node *old, struct rb_node *new);
};

#define rb_insert_augmented	compat_rb_insert_augmented
#define rb_erase_augmented	compat_rb_erase_augmented

/* The caller has linked the node and brought the sums above it up to date. */
void rb_insert_augmented(struct rb_node *node, struct rb_root *root,
			 const struct rb_augment_callbacks *augment);
void rb_erase_augmented(struct rb_node *node, struct rb_root *root,
			const struct rb_augment_callbacks *augment);

/*
 * Defines the callbacks @name for @type, whose rb_node is @field and whose
 * sum is @sum.  @compute(entry, exit) stores the sum of @entry; with @exit it
 * may return true, and store nothing, when the sum is right already.
 */
#define RB_DECLARE_CALLBACKS(storage, name, type, field, sum, compute)		\
static inline void name##_propagate(struct rb_node *node, struct rb_node *stop) \
{										\
	while (node != stop) {							\
		if (compute(rb_entry(node, type, field), true))			\
			break;							\
		node = rb_parent(node);						\
	}									\
}										\
static inline void name##_copy(struct rb_node *old, struct rb_node *new)	\
{										\
	rb_entry(new, type, field)->sum = rb_entry(old, type, field)->sum;	\
}										\
static void name##_rotate(struct rb_node *old, struct rb_node *new)		\
{										\
	name##_copy(old, new);							\
	compute(rb_entry(old, type, field), false);				\
}										\
storage const struct rb_augment_callbacks name = {				\
	.propagate = name##_propagate,						\
	.copy = name##_copy,							\
	.rotate = name##_rotate,						\
}

#endif
