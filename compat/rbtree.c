// SPDX-License-Identifier: MIT
/*
 * Red-black trees: a red node has no red child, and every way from the root
 * down to a missing child passes the same number of black nodes.
 */
#include <linux/rbtree.h>
#include <linux/rbtree_augmented.h>

#define BLACK	1UL

static bool is_black(const struct rb_node *node)
{
	return !node || (node->parent_color & BLACK);
}

static void set_black(struct rb_node *node)
{
	node->parent_color |= BLACK;
}

static void set_red(struct rb_node *node)
{
	node->parent_color &= ~BLACK;
}

static void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_color = (unsigned long)parent | (node->parent_color & BLACK);
}

/* The pointer that leads to @node. */
static struct rb_node **link_of(struct rb_node *node, struct rb_root *root)
{
	struct rb_node *parent = rb_parent(node);

	if (!parent)
		return &root->rb_node;
	return parent->rb_left == node ? &parent->rb_left : &parent->rb_right;
}

/* Lifts @node's right child, or with @left its left child, above it. */
static void rotate(struct rb_node *node, bool left, struct rb_root *root,
		   const struct rb_augment_callbacks *augment)
{
	struct rb_node *up = left ? node->rb_left : node->rb_right;
	struct rb_node **inner = left ? &up->rb_right : &up->rb_left;

	*link_of(node, root) = up;
	set_parent(up, rb_parent(node));
	set_parent(node, up);
	if (*inner)
		set_parent(*inner, node);
	*(left ? &node->rb_left : &node->rb_right) = *inner;
	*inner = node;
	if (augment)
		augment->rotate(node, up);
}

/* Ends two reds in a row, of which @node is the lower. */
static void insert_fix(struct rb_node *node, struct rb_root *root,
		       const struct rb_augment_callbacks *augment)
{
	struct rb_node *parent, *grand, *uncle;
	bool left;

	while ((parent = rb_parent(node)) && !is_black(parent)) {
		grand = rb_parent(parent);	/* a red parent is not the root */
		left = parent == grand->rb_left;
		uncle = left ? grand->rb_right : grand->rb_left;
		if (!is_black(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			node = grand;
			continue;
		}
		if (node == (left ? parent->rb_right : parent->rb_left)) {
			rotate(parent, !left, root, augment);
			parent = node;
		}
		set_black(parent);
		set_red(grand);
		rotate(grand, left, root, augment);
		break;
	}
	set_black(root->rb_node);
}

/* One black is missing on the way to @node, which may be NULL, below @parent. */
static void erase_fix(struct rb_node *node, struct rb_node *parent, struct rb_root *root,
		      const struct rb_augment_callbacks *augment)
{
	struct rb_node *other, *near, *far;
	bool left;

	while (parent && is_black(node)) {
		left = node == parent->rb_left;
		other = left ? parent->rb_right : parent->rb_left;
		if (!is_black(other)) {
			set_black(other);
			set_red(parent);
			rotate(parent, !left, root, augment);
			other = left ? parent->rb_right : parent->rb_left;
		}
		near = left ? other->rb_left : other->rb_right;
		far = left ? other->rb_right : other->rb_left;
		if (is_black(near) && is_black(far)) {
			set_red(other);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (is_black(far)) {
			set_black(near);
			set_red(other);
			rotate(other, left, root, augment);
			far = other;
			other = near;
		}
		if (is_black(parent))
			set_black(other);
		else
			set_red(other);
		set_black(parent);
		set_black(far);
		rotate(parent, !left, root, augment);
		return;
	}
	if (node)
		set_black(node);
}

/* Puts @node, already out of the tree, in the place and colour of @old. */
static void take_place(struct rb_node *node, struct rb_node *old, struct rb_root *root)
{
	*link_of(old, root) = node;
	*node = *old;
	if (node->rb_left)
		set_parent(node->rb_left, node);
	if (node->rb_right)
		set_parent(node->rb_right, node);
}

/* Takes out a node that has one child at most. */
static void unlink_node(struct rb_node *node, struct rb_root *root,
			const struct rb_augment_callbacks *augment)
{
	struct rb_node *child = node->rb_left ? node->rb_left : node->rb_right;
	struct rb_node *parent = rb_parent(node);

	*link_of(node, root) = child;
	if (child)
		set_parent(child, parent);
	if (augment && parent)
		augment->propagate(parent, NULL);
	if (is_black(node))
		erase_fix(child, parent, root, augment);
}

static void erase(struct rb_node *node, struct rb_root *root,
		  const struct rb_augment_callbacks *augment)
{
	struct rb_node *next;

	if (!node->rb_left || !node->rb_right) {
		unlink_node(node, root, augment);
		return;
	}
	/* Its successor has no left child: take that out and let it stand in. */
	for (next = node->rb_right; next->rb_left; next = next->rb_left)
		;
	unlink_node(next, root, augment);
	take_place(next, node, root);
	if (augment) {
		augment->copy(node, next);
		augment->propagate(next, NULL);
	}
}

void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	insert_fix(node, root, NULL);
}

void rb_insert_augmented(struct rb_node *node, struct rb_root *root,
			 const struct rb_augment_callbacks *augment)
{
	insert_fix(node, root, augment);
}

void rb_erase(struct rb_node *node, struct rb_root *root)
{
	erase(node, root, NULL);
}

void rb_erase_augmented(struct rb_node *node, struct rb_root *root,
			const struct rb_augment_callbacks *augment)
{
	erase(node, root, augment);
}

static struct rb_node *leftmost(struct rb_node *node)
{
	while (node && node->rb_left)
		node = node->rb_left;
	return node;
}

static struct rb_node *rightmost(struct rb_node *node)
{
	while (node && node->rb_right)
		node = node->rb_right;
	return node;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return leftmost(root->rb_node);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	return rightmost(root->rb_node);
}

struct rb_node *rb_next(const struct rb_node *node)
{
	const struct rb_node *parent;

	if (RB_EMPTY_NODE(node))
		return NULL;
	if (node->rb_right)
		return leftmost(node->rb_right);
	while ((parent = rb_parent(node)) && node == parent->rb_right)
		node = parent;
	return (struct rb_node *)parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	const struct rb_node *parent;

	if (RB_EMPTY_NODE(node))
		return NULL;
	if (node->rb_left)
		return rightmost(node->rb_left);
	while ((parent = rb_parent(node)) && node == parent->rb_left)
		node = parent;
	return (struct rb_node *)parent;
}
