// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <linux/kernel.h>
#include <linux/rbtree.h>
#include <linux/rbtree_augmented.h>

#include "../random.h"

#define NR_ITEMS	300
#define NR_STEPS	20000

struct item {
	unsigned int key;
	bool in_tree;
	struct rb_node rb;
	unsigned int most;	/* the largest key at or below it */
};

static struct item items[NR_ITEMS];

static struct item *item_of(const struct rb_node *rb)
{
	return rb_entry(rb, struct item, rb);
}

static bool item_less(struct rb_node *a, const struct rb_node *b)
{
	return item_of(a)->key < item_of(b)->key;
}

static unsigned int subtree_most(const struct item *item)
{
	unsigned int most = item->key;

	if (item->rb.rb_left)
		most = max(most, item_of(item->rb.rb_left)->most);
	if (item->rb.rb_right)
		most = max(most, item_of(item->rb.rb_right)->most);
	return most;
}

static bool item_update(struct item *item, bool exit)
{
	unsigned int most = subtree_most(item);

	if (exit && most == item->most)
		return true;
	item->most = most;
	return false;
}

RB_DECLARE_CALLBACKS(static, item_augment, struct item, rb, most, item_update);

static void augmented_add(struct item *item, struct rb_root *root)
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = item->key < item_of(parent)->key ? &parent->rb_left : &parent->rb_right;
	}
	item->most = item->key;
	rb_link_node(&item->rb, parent, link);
	item_augment.propagate(parent, NULL);
	rb_insert_augmented(&item->rb, root, &item_augment);
}

static bool node_is_red(const struct rb_node *rb)
{
	return rb && !(rb->parent_color & 1);
}

/* Asserts colours and parents; the number of black nodes down to a leaf. */
static unsigned int check_subtree(const struct rb_node *rb, const struct rb_node *parent)
{
	unsigned int left, right;

	if (!rb)
		return 1;
	assert_ptr_equal(rb_parent(rb), parent);
	if (node_is_red(rb)) {
		assert_false(node_is_red(rb->rb_left));
		assert_false(node_is_red(rb->rb_right));
	}
	left = check_subtree(rb->rb_left, rb);
	right = check_subtree(rb->rb_right, rb);
	assert_int_equal(left, right);
	return left + !node_is_red(rb);
}

static void check_tree(const struct rb_root *root)
{
	assert_false(node_is_red(root->rb_node));
	check_subtree(root->rb_node, NULL);
}

/* The tree forwards and backwards against the array, which is sorted by key. */
static void check_order(const struct rb_root *root)
{
	struct rb_node *up = rb_first(root), *down = rb_last(root);
	int i;

	for (i = 0; i < NR_ITEMS; i++) {
		if (!items[i].in_tree)
			continue;
		assert_ptr_equal(up, &items[i].rb);
		up = rb_next(up);
	}
	assert_null(up);
	for (i = NR_ITEMS - 1; i >= 0; i--) {
		if (!items[i].in_tree)
			continue;
		assert_ptr_equal(down, &items[i].rb);
		down = rb_prev(down);
	}
	assert_null(down);
}

static void reset_items(void)
{
	unsigned int i;

	memset(items, 0, sizeof(items));
	for (i = 0; i < NR_ITEMS; i++)
		items[i].key = i;
}

static void an_empty_tree_has_no_first_and_no_last(void **state)
{
	struct rb_root root = RB_ROOT;

	(void)state;
	assert_true(RB_EMPTY_ROOT(&root));
	assert_null(rb_first(&root));
	assert_null(rb_last(&root));
}

static void a_cleared_node_is_in_no_tree(void **state)
{
	struct rb_root root = RB_ROOT;
	struct item item = { .key = 1 };

	(void)state;
	rb_add(&item.rb, &root, item_less);
	assert_false(RB_EMPTY_NODE(&item.rb));
	rb_erase(&item.rb, &root);
	RB_CLEAR_NODE(&item.rb);
	assert_true(RB_EMPTY_NODE(&item.rb));
	assert_null(rb_next(&item.rb));
	assert_null(rb_prev(&item.rb));
}

static void equal_keys_stay_in_the_order_they_came(void **state)
{
	struct rb_root root = RB_ROOT;
	struct item same[10] = { { 0 } };
	struct rb_node *rb;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(same); i++)
		rb_add(&same[i].rb, &root, item_less);
	for (i = 0, rb = rb_first(&root); rb; rb = rb_next(rb), i++)
		assert_ptr_equal(rb, &same[i].rb);
	assert_int_equal(i, ARRAY_SIZE(same));
}

static void random_inserts_and_erases_keep_order_and_balance(void **state)
{
	struct rb_root root = RB_ROOT;
	struct item *item;
	unsigned int i;

	(void)state;
	random_start(__func__);
	reset_items();
	for (i = 0; i < NR_STEPS; i++) {
		item = &items[random_below(NR_ITEMS)];
		if (item->in_tree)
			rb_erase(&item->rb, &root);
		else
			rb_add(&item->rb, &root, item_less);
		item->in_tree = !item->in_tree;
		check_tree(&root);
		if (i % 64 == 0)
			check_order(&root);
	}
	check_order(&root);
}

static void sums_of_subtrees_survive_inserts_and_erases(void **state)
{
	struct rb_root root = RB_ROOT;
	struct item *item;
	unsigned int i, j;

	(void)state;
	random_start(__func__);
	reset_items();
	for (i = 0; i < NR_STEPS; i++) {
		item = &items[random_below(NR_ITEMS)];
		if (item->in_tree)
			rb_erase_augmented(&item->rb, &root, &item_augment);
		else
			augmented_add(item, &root);
		item->in_tree = !item->in_tree;
		check_tree(&root);
		for (j = 0; j < NR_ITEMS; j++) {
			if (items[j].in_tree)
				assert_int_equal(items[j].most, subtree_most(&items[j]));
		}
	}
	check_order(&root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_tree_has_no_first_and_no_last),
		cmocka_unit_test(a_cleared_node_is_in_no_tree),
		cmocka_unit_test(equal_keys_stay_in_the_order_they_came),
		cmocka_unit_test(random_inserts_and_erases_keep_order_and_balance),
		cmocka_unit_test(sums_of_subtrees_survive_inserts_and_erases),
	};

	return cmocka_run_group_tests_name("rbtree", tests, NULL, NULL);
}
