// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <nvbar_compat.h>

#include "../random.h"

static void masks_and_fields_are_exact_at_both_ends(void **state)
{
	(void)state;
	assert_int_equal(GENMASK_ULL(63, 0), U64_MAX);
	assert_int_equal(GENMASK_ULL(63, 63), BIT_ULL(63));
	assert_int_equal(GENMASK(7, 4), 0xf0);
	assert_int_equal(FIELD_PREP(GENMASK_ULL(63, 60), 0x1f), 0xfULL << 60);
	assert_int_equal(FIELD_GET(GENMASK_ULL(63, 60), 0xaULL << 60), 0xa);
	assert_int_equal(FIELD_MAX(GENMASK(12, 8)), 31);
	assert_true(FIELD_FIT(GENMASK(12, 8), 31));
	assert_false(FIELD_FIT(GENMASK(12, 8), 32));
	assert_int_equal(fls64(0), 0);
	assert_int_equal(fls64(U64_MAX), 64);
	assert_int_equal(order_base_2(5), 3);
	assert_int_equal(roundup_pow_of_two(4), 4);
	assert_int_equal(rounddown_pow_of_two(7), 4);
	assert_int_equal(ALIGN(BIT_ULL(40) + 1, SZ_4K), BIT_ULL(40) + SZ_4K);
}

static void arguments_of_min_and_max_are_evaluated_once(void **state)
{
	int i = 3, j = 5;

	(void)state;
	assert_int_equal(min(i++, j++), 3);
	assert_int_equal(max(i++, j++), 6);
	assert_int_equal(i, 5);
	assert_int_equal(j, 7);
	assert_int_equal(clamp(9, 1, 7), 7);
	assert_int_equal(min3(4, 2, 3), 2);
	assert_int_equal(max_t(s64, -1, 7u), 7);
}

static void a_bitmap_is_searched_across_words(void **state)
{
	DECLARE_BITMAP(map, 200);

	(void)state;
	bitmap_zero(map, 200);
	assert_true(bitmap_empty(map, 200));
	bitmap_set(map, 60, 80);
	assert_int_equal(find_first_bit(map, 200), 60);
	assert_int_equal(find_next_zero_bit(map, 200, 61), 140);
	assert_int_equal(find_next_bit(map, 200, 140), 200);
	bitmap_clear(map, 64, 64);
	assert_int_equal(find_next_bit(map, 200, 64), 128);
	assert_int_equal(find_next_bit(map, 100, 64), 100);
}

static void a_string_is_cut_and_always_ends(void **state)
{
	char buf[4] = "xxx";

	(void)state;
	assert_int_equal(strscpy(buf, "ab", sizeof(buf)), 2);
	assert_string_equal(buf, "ab");
	assert_int_equal(strscpy(buf, "abcd", sizeof(buf)), -E2BIG);
	assert_string_equal(buf, "abc");
	assert_int_equal(strscpy(buf, "z", 0), -E2BIG);
	assert_string_equal(buf, "abc");
	assert_int_equal(scnprintf(buf, sizeof(buf), "%d", 12345), 3);
	assert_string_equal(buf, "123");
	assert_int_equal(scnprintf(buf, 0, "%d", 9), 0);
}

static void a_size_that_overflows_is_not_allocated(void **state)
{
	struct {
		u64 head;
		u64 items[];
	} *flex = NULL;

	(void)state;
	assert_int_equal(struct_size(flex, items, 3), 32);
	assert_int_equal(struct_size(flex, items, SIZE_MAX / 4), SIZE_MAX);
	assert_int_equal(size_add(SIZE_MAX, 1), SIZE_MAX);
	assert_null(kvmalloc_array(SIZE_MAX / 2, 3, GFP_KERNEL));
	assert_null(kcalloc(SIZE_MAX / 2, 3, GFP_KERNEL));
	assert_null(kmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL));
	assert_null(kvmalloc((size_t)INT_MAX + 1, GFP_KERNEL));
}

static void the_nth_allocation_fails_and_what_lives_is_counted(void **state)
{
	void *first, *third, *fourth;

	(void)state;
	compat_alloc_fail_nth(2, false);
	first = kmalloc(100, GFP_KERNEL);
	assert_non_null(first);
	assert_null(kzalloc(100, GFP_KERNEL));
	third = kvcalloc(10, 10, GFP_KERNEL);
	assert_non_null(third);
	assert_int_equal(compat_alloc_failed(), 1);
	assert_int_equal(compat_alloc_live(), 2);
	assert_true(compat_alloc_live_bytes() >= 200);

	compat_alloc_fail_nth(2, true);
	fourth = kmalloc(0, GFP_KERNEL);
	assert_non_null(fourth);
	assert_null(kmalloc(1, GFP_KERNEL));
	assert_null(kmalloc(1, GFP_KERNEL));
	compat_alloc_fail_nth(0, false);
	kfree(first);
	kvfree(third);
	kfree(fourth);
	kfree(NULL);
	assert_int_equal(compat_alloc_live(), 0);
	assert_int_equal(compat_alloc_live_bytes(), 0);
}

static int cleaned_up(struct mutex *lock, bool keep, void **out)
{
	void *ptr __free(kfree) = kmalloc(8, GFP_KERNEL);

	guard(mutex)(lock);
	lockdep_assert_held(lock);
	if (!keep)
		return -EINVAL;
	*out = no_free_ptr(ptr);
	return 0;
}

static void what_leaves_scope_is_freed_and_unlocked(void **state)
{
	unsigned long warnings = compat_warn_count();
	struct mutex lock;
	void *kept = NULL;

	(void)state;
	mutex_init(&lock);
	assert_int_equal(cleaned_up(&lock, false, &kept), -EINVAL);
	assert_false(mutex_is_locked(&lock));
	assert_int_equal(compat_alloc_live(), 0);
	assert_int_equal(cleaned_up(&lock, true, &kept), 0);
	assert_int_equal(compat_alloc_live(), 1);
	kfree(kept);
	scoped_guard(mutex, &lock)
		assert_false(mutex_trylock(&lock));
	assert_true(mutex_trylock(&lock));
	mutex_unlock(&lock);
	assert_int_equal(compat_warn_count(), warnings);
	lockdep_assert_held(&lock);
	assert_int_equal(compat_warn_count(), warnings + 1);
	mutex_destroy(&lock);
}

struct entry {
	struct list_head link;
	int value;
};

static void a_spliced_list_goes_before_or_after_the_rest(void **state)
{
	struct entry entries[] = { { .value = 0 }, { .value = 1 }, { .value = 2 }, { .value = 3 } };
	struct entry *entry, *next;
	LIST_HEAD(list);
	LIST_HEAD(more);
	int want = 0;

	(void)state;
	list_add(&entries[2].link, &list);
	list_add_tail(&entries[3].link, &more);
	list_splice_tail_init(&more, &list);
	assert_true(list_empty(&more));
	list_add(&entries[1].link, &more);
	list_add(&entries[0].link, &more);
	list_splice(&more, &list);
	list_for_each_entry(entry, &list, link)
		assert_int_equal(entry->value, want++);
	assert_int_equal(want, 4);
	assert_true(list_is_first(&entries[0].link, &list));
	assert_true(list_is_last(&entries[3].link, &list));
	list_for_each_entry_safe(entry, next, &list, link)
		list_del(&entry->link);
	assert_true(list_empty(&list));
	assert_null(list_first_entry_or_null(&list, struct entry, link));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masks_and_fields_are_exact_at_both_ends),
		cmocka_unit_test(arguments_of_min_and_max_are_evaluated_once),
		cmocka_unit_test(a_bitmap_is_searched_across_words),
		cmocka_unit_test(a_string_is_cut_and_always_ends),
		cmocka_unit_test(a_size_that_overflows_is_not_allocated),
		cmocka_unit_test(the_nth_allocation_fails_and_what_lives_is_counted),
		cmocka_unit_test(what_leaves_scope_is_freed_and_unlocked),
		cmocka_unit_test(a_spliced_list_goes_before_or_after_the_rest),
	};

	return cmocka_run_group_tests_name("compat", tests, NULL, NULL);
}
