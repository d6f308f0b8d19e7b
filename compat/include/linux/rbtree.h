/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_RBTREE_H
#define NVBAR_COMPAT_LINUX_RBTREE_H

#include <linux/container_of.h>
#include <linux/types.h>

/* A child's @parent_color holds its parent and, in bit 0, whether it is black. */
struct rb_node {
	unsigned long parent_color;
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

#define RB_ROOT			((struct rb_root) { NULL })
#define RB_EMPTY_ROOT(root)	((root)->rb_node == NULL)

/* A node that is in no tree names itself as its parent, once it was cleared. */
#define RB_EMPTY_NODE(node)	((node)->parent_color == (unsigned long)(node))
#define RB_CLEAR_NODE(node)	((node)->parent_color = (unsigned long)(node))

#define rb_parent(node)		((struct rb_node *)((node)->parent_color & ~1UL))
#define rb_entry(ptr, type, member)	container_of(ptr, type, member)
#define rb_entry_safe(ptr, type, member) ({				\
	typeof(ptr) __compat_node = (ptr);				\
									\
	__compat_node ? rb_entry(__compat_node, type, member) : NULL;	\
})

/* The library also comes as an archive: keep common names out of it. */
#define rb_insert_color		compat_rb_insert_color
#define rb_erase		compat_rb_erase
#define rb_first		compat_rb_first
#define rb_last			compat_rb_last
#define rb_next			compat_rb_next
#define rb_prev			compat_rb_prev

void rb_insert_color(struct rb_node *node, struct rb_root *root);
void rb_erase(struct rb_node *node, struct rb_root *root);
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/* Hangs the node in at *@link, red; rb_insert_color() then restores the balance. */
static inline void rb_link_node(struct rb_node *node, struct rb_node *parent,
				struct rb_node **link)
{
	node->parent_color = (unsigned long)parent;
	node->rb_left = NULL;
	node->rb_right = NULL;
	*link = node;
}

/* Equal nodes stay in the order in which they came. */
static inline void rb_add(struct rb_node *node, struct rb_root *root,
			  bool (*less)(struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = less(node, parent) ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(node, parent, link);
	rb_insert_color(node, root);
}

#endif
