// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <nvbar_compat.h>

#include "../random.h"
#include "buddy.h"

/* VRAM of the random tests: neither end a round number. */
#define FIRST_PAGE	7
#define END_PAGE	420
#define NR_STEPS	20000
#define NR_HELD		64

static struct nvbar_buddy buddy;

/* Bytes from pages, and a request from its parts. */
static u64 bytes(u64 pages)
{
	return pages * SZ_4K;
}

static struct nvbar_buddy_req request(u64 pages)
{
	return (struct nvbar_buddy_req){ .size = bytes(pages), .align = SZ_4K };
}

static struct nvbar_buddy_req run_request(u64 pages)
{
	struct nvbar_buddy_req req = request(pages);

	req.contiguous = true;
	return req;
}

static void vram_of(u64 first_page, u64 end_page)
{
	assert_int_equal(nvbar_buddy_init(&buddy, bytes(first_page), bytes(end_page)), 0);
	assert_true(nvbar_buddy_verify(&buddy));
}

static void take(struct nvbar_buddy_req req, struct list_head *blocks)
{
	INIT_LIST_HEAD(blocks);
	assert_int_equal(nvbar_buddy_alloc(&buddy, &req, blocks), 0);
	assert_true(nvbar_buddy_verify(&buddy));
}

static void take_at(u64 page, u64 pages, struct list_head *blocks)
{
	struct nvbar_buddy_req req = run_request(pages);

	req.range_start = bytes(page);
	req.range_end = bytes(page + pages);
	take(req, blocks);
}

static void give(struct list_head *blocks)
{
	nvbar_buddy_free(&buddy, blocks);
	assert_true(list_empty(blocks));
	assert_true(nvbar_buddy_verify(&buddy));
}

static void assert_no_space(struct nvbar_buddy_req req)
{
	LIST_HEAD(blocks);

	assert_int_equal(nvbar_buddy_alloc(&buddy, &req, &blocks), -ENOSPC);
	assert_true(list_empty(&blocks));
	assert_true(nvbar_buddy_verify(&buddy));
}

static const struct nvbar_block *only_block(const struct list_head *blocks)
{
	assert_true(list_is_singular(blocks));
	return list_first_entry(blocks, struct nvbar_block, link);
}

static void assert_block(const struct list_head *blocks, u64 page, u64 pages)
{
	assert_int_equal(only_block(blocks)->pa, bytes(page));
	assert_int_equal(only_block(blocks)->len, bytes(pages));
}

/* All is free again, and the only host memory is that of one run. */
static void end_of_test(void)
{
	assert_int_equal(nvbar_buddy_free_bytes(&buddy), nvbar_buddy_total(&buddy));
	nvbar_buddy_fini(&buddy);
	assert_int_equal(compat_alloc_live(), 0);
}

/* Takes every second page of [0, 2 * pairs): the odd ones stay free. */
static void checkerboard(struct list_head *held, unsigned int pairs)
{
	unsigned int i;

	vram_of(0, 2 * pairs);
	for (i = 0; i < pairs; i++)
		take_at(2 * i, 1, &held[i]);
}

static void new_vram_is_one_free_run(void **state)
{
	(void)state;
	vram_of(3, 1000);
	assert_int_equal(nvbar_buddy_total(&buddy), bytes(997));
	assert_int_equal(nvbar_buddy_free_bytes(&buddy), bytes(997));
	assert_int_equal(nvbar_buddy_largest_free(&buddy), bytes(997));
	assert_int_equal(compat_alloc_live(), 1);
	end_of_test();
}

static void all_of_vram_is_one_block(void **state)
{
	struct list_head all;

	(void)state;
	vram_of(3, 1000);
	take(request(997), &all);
	assert_block(&all, 3, 997);
	assert_int_equal(nvbar_buddy_free_bytes(&buddy), 0);
	assert_int_equal(nvbar_buddy_largest_free(&buddy), 0);
	assert_no_space(request(1));
	give(&all);
	end_of_test();
}

static void the_lowest_address_comes_first(void **state)
{
	struct list_head a, b, c;

	(void)state;
	vram_of(0, 64);
	take(request(1), &a);
	take(request(1), &b);
	take(request(1), &c);
	assert_block(&a, 0, 1);
	assert_block(&b, 1, 1);
	assert_block(&c, 2, 1);
	give(&a);
	take(request(1), &a);
	assert_block(&a, 0, 1);
	give(&a);
	give(&b);
	give(&c);
	end_of_test();
}

static void a_block_is_aligned_to_its_own_size(void **state)
{
	struct list_head page, large, odd;

	(void)state;
	vram_of(0, 4096);
	take(request(1), &page);
	take(request(512), &large);
	assert_block(&large, 512, 512);
	take(request(5), &odd);
	assert_block(&odd, 4, 5);
	give(&page);
	give(&large);
	give(&odd);
	end_of_test();
}

static void a_size_is_given_exactly(void **state)
{
	struct list_head a, b;

	(void)state;
	vram_of(0, 16);
	take(run_request(9), &a);
	assert_block(&a, 0, 9);
	take(run_request(7), &b);
	assert_block(&b, 9, 7);
	give(&a);
	give(&b);
	end_of_test();
}

static void a_run_is_found_across_buddies(void **state)
{
	struct list_head low, high, run;

	(void)state;
	vram_of(0, 16);
	take_at(0, 5, &low);
	take_at(11, 5, &high);
	assert_no_space(run_request(7));
	take(run_request(6), &run);
	assert_block(&run, 5, 6);
	give(&low);
	give(&high);
	give(&run);
	end_of_test();
}

static void a_freed_block_merges_with_whatever_is_beside_it(void **state)
{
	struct list_head low, middle, high;

	(void)state;
	vram_of(1, 10);
	take_at(1, 2, &low);
	take_at(3, 3, &middle);
	take_at(6, 4, &high);
	give(&low);
	give(&high);
	assert_int_equal(nvbar_buddy_largest_free(&buddy), bytes(4));
	give(&middle);
	assert_int_equal(nvbar_buddy_largest_free(&buddy), bytes(9));
	assert_int_equal(compat_alloc_live(), 1);
	end_of_test();
}

static void a_request_is_split_around_a_hole(void **state)
{
	struct list_head hole, split;
	struct nvbar_block *first, *last;
	struct nvbar_buddy_req req = request(8);

	(void)state;
	vram_of(0, 9);
	take_at(4, 1, &hole);
	req.contiguous = true;
	assert_no_space(req);
	take(request(8), &split);
	first = list_first_entry(&split, struct nvbar_block, link);
	last = list_last_entry(&split, struct nvbar_block, link);
	assert_ptr_equal(list_next_entry(first, link), last);
	assert_int_equal(first->pa, 0);
	assert_int_equal(first->len, bytes(4));
	assert_int_equal(last->pa, bytes(5));
	assert_int_equal(last->len, bytes(4));
	give(&hole);
	give(&split);
	end_of_test();
}

static void few_large_extents_are_preferred(void **state)
{
	struct list_head held[40], split;
	struct nvbar_block *block;
	unsigned int i, nr = 0;

	(void)state;
	vram_of(0, 1100);
	for (i = 0; i < 39; i++)
		take_at(2 * i + 1, 1, &held[i]);
	take_at(560, 1, &held[39]);
	take(request(900), &split);
	list_for_each_entry(block, &split, link)
		nr++;
	assert_int_equal(nr, 2);
	for (i = 0; i < 40; i++)
		give(&held[i]);
	give(&split);
	end_of_test();
}

static void blocks_are_appended_to_what_the_list_has(void **state)
{
	struct nvbar_buddy_req req = request(1);
	LIST_HEAD(blocks);

	(void)state;
	vram_of(0, 4);
	assert_int_equal(nvbar_buddy_alloc(&buddy, &req, &blocks), 0);
	assert_int_equal(nvbar_buddy_alloc(&buddy, &req, &blocks), 0);
	assert_int_equal(list_first_entry(&blocks, struct nvbar_block, link)->pa, 0);
	assert_int_equal(list_last_entry(&blocks, struct nvbar_block, link)->pa, SZ_4K);
	req.size = bytes(3);
	assert_int_equal(nvbar_buddy_alloc(&buddy, &req, &blocks), -ENOSPC);
	assert_int_equal(list_last_entry(&blocks, struct nvbar_block, link)->pa, SZ_4K);
	give(&blocks);
	end_of_test();
}

static void a_run_counts_only_as_far_as_the_range_goes(void **state)
{
	struct nvbar_buddy_req req = request(8);
	struct list_head held[3], split;

	(void)state;
	/* In the range: 1 page of a long run, and two runs of 4. */
	vram_of(0, 21);
	take_at(10, 1, &held[0]);
	take_at(15, 1, &held[1]);
	take_at(20, 1, &held[2]);
	req.range_start = bytes(9);
	take(req, &split);
	assert_int_equal(list_first_entry(&split, struct nvbar_block, link)->pa, bytes(11));
	assert_int_equal(list_last_entry(&split, struct nvbar_block, link)->pa, bytes(16));
	give(&split);
	give(&held[0]);
	give(&held[1]);
	give(&held[2]);
	end_of_test();
}

static void every_extent_starts_aligned(void **state)
{
	struct nvbar_buddy_req req = request(16);
	struct list_head held[4], split;
	struct nvbar_block *block;
	unsigned int i;

	(void)state;
	/* Four runs of seven pages, each starting at a multiple of 4. */
	vram_of(0, 32);
	req.align = SZ_16K;
	for (i = 0; i < 4; i++)
		take_at(8 * i + 7, 1, &held[i]);
	take(req, &split);
	list_for_each_entry(block, &split, link) {
		assert_true(IS_ALIGNED(block->pa, SZ_16K));
		assert_int_equal(block->len, SZ_16K);
	}
	give(&split);
	/* The odd ends are used when nothing else is left. */
	req.size = bytes(28);
	take(req, &split);
	list_for_each_entry(block, &split, link) {
		assert_true(IS_ALIGNED(block->pa, SZ_16K));
		assert_int_equal(block->len, bytes(7));
	}
	give(&split);
	for (i = 0; i < 4; i++)
		give(&held[i]);
	end_of_test();
}

static void an_aligned_run_is_found_among_many_that_do_not_fit(void **state)
{
	struct list_head held[40], run;
	struct nvbar_buddy_req req = run_request(2);
	unsigned int i;

	(void)state;
	/* Two free pages in four, at odd places: only the last pair is aligned. */
	vram_of(0, 162);
	take_at(0, 1, &held[0]);
	for (i = 1; i < 39; i++)
		take_at(4 * i - 1, 2, &held[i]);
	take_at(155, 5, &held[39]);
	req.align = SZ_8K;
	take(req, &run);
	assert_block(&run, 160, 2);
	assert_no_space(req);
	give(&run);
	for (i = 0; i < 40; i++)
		give(&held[i]);
	end_of_test();
}

static void a_range_is_honoured_exactly(void **state)
{
	struct nvbar_buddy_req req = request(5);
	struct list_head blocks;

	(void)state;
	vram_of(0, 64);
	req.range_start = bytes(11);
	req.range_end = bytes(15);
	assert_no_space(req);
	req.range_end = bytes(16);
	take(req, &blocks);
	assert_block(&blocks, 11, 5);
	req.size = SZ_4K;
	assert_no_space(req);
	give(&blocks);
	req.range_start = bytes(64);
	req.range_end = 0;
	assert_no_space(req);
	req.range_start = 0 - (u64)SZ_4K;
	assert_no_space(req);
	req.range_start = bytes(20);
	req.range_end = bytes(10);
	assert_no_space(req);
	end_of_test();
}

static void reserved_vram_is_never_handed_out(void **state)
{
	struct list_head all;
	struct nvbar_block *block;

	(void)state;
	vram_of(0, 64);
	assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(10), bytes(14)), 0);
	assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(60), bytes(64)), 0);
	assert_int_equal(nvbar_buddy_total(&buddy), bytes(56));
	assert_no_space(request(57));
	take(request(56), &all);
	list_for_each_entry(block, &all, link)
		assert_true(block->pa + block->len <= bytes(10) || block->pa >= bytes(14));
	give(&all);
	assert_int_equal(nvbar_buddy_largest_free(&buddy), bytes(46));
	end_of_test();
}

static void what_is_in_use_cannot_be_reserved(void **state)
{
	struct list_head blocks;

	(void)state;
	vram_of(2, 64);
	take_at(20, 4, &blocks);
	assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(20), bytes(24)), -EEXIST);
	assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(23), bytes(30)), -EEXIST);
	assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(10), bytes(21)), -EEXIST);
	assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(10), bytes(30)), -EEXIST);
	assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(1), bytes(3)), -ERANGE);
	assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(63), bytes(65)), -ERANGE);
	assert_int_equal(nvbar_buddy_free_bytes(&buddy), bytes(58));
	assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(24), bytes(30)), 0);
	assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(29), bytes(31)), -EEXIST);
	give(&blocks);
	end_of_test();
}

static void hostile_arguments_are_refused(void **state)
{
	static const struct nvbar_buddy_req bad[] = {
		{ .size = 0, .align = SZ_4K },
		{ .size = SZ_4K + 1, .align = SZ_4K },
		{ .size = U64_MAX, .align = SZ_4K },
		{ .size = SZ_4K, .align = 0 },
		{ .size = SZ_4K, .align = SZ_2K },
		{ .size = SZ_4K, .align = 3 * SZ_4K },
		{ .size = SZ_4K, .align = SZ_4K, .range_start = 1 },
		{ .size = SZ_4K, .align = SZ_4K, .range_end = U64_MAX },
	};
	unsigned long warnings = compat_warn_count();
	struct nvbar_buddy_req req = request(1);
	struct list_head block;
	LIST_HEAD(blocks);
	unsigned int i;

	(void)state;
	assert_int_equal(nvbar_buddy_init(&buddy, 0, 0), -EINVAL);
	assert_int_equal(nvbar_buddy_init(&buddy, SZ_8K, SZ_4K), -EINVAL);
	assert_int_equal(nvbar_buddy_init(&buddy, 0, 0 - (u64)SZ_4K), -EINVAL);
	vram_of(0, 8);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(nvbar_buddy_alloc(&buddy, &bad[i], &blocks), -EINVAL);
	assert_int_equal(nvbar_buddy_reserve(&buddy, 0, 0), -EINVAL);
	assert_int_equal(nvbar_buddy_reserve(&buddy, 1, SZ_4K), -EINVAL);
	assert_int_equal(compat_warn_count() - warnings, 13);

	req.size = 0 - (u64)SZ_4K;
	assert_no_space(req);
	req = request(1);
	req.align = BIT_ULL(63);
	take(req, &block);
	assert_no_space(req);
	req.contiguous = true;
	assert_no_space(req);
	give(&block);
	end_of_test();
}

static void a_block_that_is_free_already_is_not_freed_again(void **state)
{
	struct nvbar_block *block = kzalloc(sizeof(*block), GFP_KERNEL);
	unsigned long warnings = compat_warn_count();
	LIST_HEAD(blocks);

	(void)state;
	vram_of(0, 8);
	block->pa = SZ_4K;
	block->len = SZ_4K;
	list_add(&block->link, &blocks);
	give(&blocks);
	/* ... nor one that begins where a free run does. */
	block->pa = 0;
	list_add(&block->link, &blocks);
	give(&blocks);
	assert_int_equal(compat_warn_count() - warnings, 2);
	assert_int_equal(nvbar_buddy_free_bytes(&buddy), bytes(8));
	kfree(block);
	end_of_test();
}

static void verify_notices_what_does_not_agree(void **state)
{
	struct nvbar_block *run;

	(void)state;
	vram_of(0, 8);
	run = rb_entry(buddy.runs.rb_node, struct nvbar_block, by_pa);
	run->len -= SZ_4K;
	assert_false(nvbar_buddy_verify(&buddy));
	run->len += SZ_4K;
	run->below.order++;
	assert_false(nvbar_buddy_verify(&buddy));
	run->below.order--;
	run->below.len += SZ_4K;
	assert_false(nvbar_buddy_verify(&buddy));
	run->below.len -= SZ_4K;
	run->own.order--;
	assert_false(nvbar_buddy_verify(&buddy));
	run->own.order++;
	buddy.free_bytes -= SZ_4K;
	assert_false(nvbar_buddy_verify(&buddy));
	buddy.free_bytes += SZ_4K;
	buddy.total -= SZ_4K;
	assert_false(nvbar_buddy_verify(&buddy));
	buddy.total += SZ_4K;
	end_of_test();
}

/* The sums of the tree agree in each case. */
static void verify_notices_a_run_that_is_none(void **state)
{
	struct nvbar_block *run;

	(void)state;
	vram_of(8, 16);
	run = rb_entry(buddy.runs.rb_node, struct nvbar_block, by_pa);
	run->pa += 1;
	assert_false(nvbar_buddy_verify(&buddy));
	run->pa -= 1 + bytes(8);
	assert_false(nvbar_buddy_verify(&buddy));
	run->pa += 2 * bytes(8);
	assert_false(nvbar_buddy_verify(&buddy));
	run->pa -= bytes(8);
	end_of_test();
}

static void verify_notices_runs_that_touch(void **state)
{
	struct nvbar_block *run;
	struct list_head held;

	(void)state;
	vram_of(0, 18);
	take_at(2, 1, &held);
	/* Pages 0 and 1 are free, and 3 to 17: the latter run moves down by a page. */
	run = rb_entry(rb_last(&buddy.runs), struct nvbar_block, by_pa);
	run->pa -= SZ_4K;
	assert_false(nvbar_buddy_verify(&buddy));
	run->pa += SZ_4K;
	give(&held);
	end_of_test();
}

static void what_is_taken_cannot_be_reserved(void **state)
{
	struct list_head held;

	(void)state;
	vram_of(0, 8);
	take_at(2, 6, &held);
	assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(1), bytes(3)), -EEXIST);
	assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(6), bytes(8)), -EEXIST);
	assert_int_equal(nvbar_buddy_total(&buddy), bytes(8));
	give(&held);
	take_at(0, 2, &held);
	assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(1), bytes(3)), -EEXIST);
	give(&held);
	end_of_test();
}

static void host_memory_does_not_grow_with_vram(void **state)
{
	struct nvbar_buddy_req req = request(1);
	struct list_head page, large, rest;

	(void)state;
	vram_of(0, 512ULL * SZ_1G / SZ_4K);
	assert_int_equal(compat_alloc_live(), 1);
	take(request(1), &page);
	req.size = 256ULL * SZ_1G;
	take(req, &large);
	assert_int_equal(only_block(&large)->pa, 256ULL * SZ_1G);
	req.size = 256ULL * SZ_1G - SZ_4K;
	take(req, &rest);
	assert_int_equal(only_block(&rest)->pa, SZ_4K);
	assert_int_equal(nvbar_buddy_free_bytes(&buddy), 0);
	assert_int_equal(compat_alloc_live(), 3);
	give(&large);
	give(&page);
	give(&rest);
	assert_int_equal(compat_alloc_live(), 1);
	end_of_test();
}

/* What is free, as runs by address, to compare the state before and after. */
struct dump {
	unsigned int nr;
	u64 run[256][2];
	u64 free_bytes, largest, total;
	long live;
};

static void dump_state(struct dump *dump)
{
	const struct nvbar_block *run;
	struct rb_node *rb;

	memset(dump, 0, sizeof(*dump));
	for (rb = rb_first(&buddy.runs); rb; rb = rb_next(rb)) {
		run = rb_entry(rb, struct nvbar_block, by_pa);
		assert_in_range(dump->nr, 0, ARRAY_SIZE(dump->run) - 1);
		dump->run[dump->nr][0] = run->pa;
		dump->run[dump->nr++][1] = run->len;
	}
	dump->free_bytes = nvbar_buddy_free_bytes(&buddy);
	dump->largest = nvbar_buddy_largest_free(&buddy);
	dump->total = nvbar_buddy_total(&buddy);
	dump->live = compat_alloc_live();
}

static void assert_same_state(const struct dump *before)
{
	struct dump now;

	dump_state(&now);
	assert_true(nvbar_buddy_verify(&buddy));
	assert_memory_equal(before, &now, sizeof(now));
}

/* Fails the 1st, 2nd, ... allocation until none fails; how many there are. */
static unsigned int fail_every_allocation(struct nvbar_buddy_req req)
{
	struct dump before;
	unsigned int n = 0;
	LIST_HEAD(blocks);
	int ret;

	dump_state(&before);
	for (;;) {
		compat_alloc_fail_nth(++n, false);
		ret = nvbar_buddy_alloc(&buddy, &req, &blocks);
		compat_alloc_fail_nth(0, false);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_true(list_empty(&blocks));
		assert_same_state(&before);
	}
	give(&blocks);
	assert_same_state(&before);
	return n - 1;
}

static void nothing_changes_when_host_memory_runs_out(void **state)
{
	struct list_head held[50], blocks;
	struct nvbar_buddy_req req;
	struct dump before;
	unsigned int i;

	(void)state;
	compat_alloc_fail_nth(1, false);
	assert_int_equal(nvbar_buddy_init(&buddy, 0, SZ_1M), -ENOMEM);
	compat_alloc_fail_nth(0, false);

	checkerboard(held, 50);
	assert_int_equal(fail_every_allocation(request(30)), 0);
	give(&held[20]);
	give(&held[21]);
	/* Runs that are used up whole need nothing; a cut one does. */
	assert_int_equal(fail_every_allocation(request(8)), 0);
	assert_int_equal(fail_every_allocation(request(3)), 2);
	for (i = 22; i < 50; i++)
		give(&held[i]);
	/* One page of the long run, in its middle: two pieces are left. */
	req = run_request(16);
	req.align = SZ_64K;
	assert_int_equal(fail_every_allocation(req), 2);
	req = request(30);
	req.align = SZ_16K;
	fail_every_allocation(req);

	dump_state(&before);
	for (i = 1; i <= 2; i++) {
		compat_alloc_fail_nth(i, true);
		assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(60), bytes(61)), -ENOMEM);
		compat_alloc_fail_nth(0, false);
		assert_same_state(&before);
	}
	for (i = 0; i < 20; i++)
		give(&held[i]);
	compat_alloc_fail_nth(1, true);
	assert_int_equal(compat_alloc_failed(), 0);
	take(request(100), &blocks);
	give(&blocks);
	assert_int_equal(compat_alloc_failed(), 0);
	compat_alloc_fail_nth(0, false);
	end_of_test();
}

static void nothing_changes_when_there_is_no_space(void **state)
{
	struct list_head held[50];
	struct nvbar_buddy_req req = request(40);
	struct dump before;
	unsigned int i;

	(void)state;
	checkerboard(held, 50);
	dump_state(&before);
	assert_no_space(run_request(2));
	req.range_start = bytes(30);
	assert_no_space(req);
	req.range_start = 0;
	req.align = SZ_8K;
	assert_no_space(req);
	assert_same_state(&before);
	for (i = 0; i < 50; i++)
		give(&held[i]);
	end_of_test();
}

/* The twin: one byte a page, not 0 when taken. */
static bool taken[END_PAGE];

struct held {
	struct list_head blocks;
	bool used;
};

static void twin_set(const struct list_head *blocks, bool value)
{
	const struct nvbar_block *block;
	u64 page;

	list_for_each_entry(block, blocks, link) {
		for (page = block->pa / SZ_4K; page < (block->pa + block->len) / SZ_4K; page++) {
			assert_in_range(page, FIRST_PAGE, END_PAGE - 1);
			assert_int_equal(taken[page], !value);
			taken[page] = value;
		}
	}
}

/*
 * What the range asked for has to give: all pages of a run from the first
 * aligned one on.  In one piece, or together.
 */
static u64 twin_room(const struct nvbar_buddy_req *req)
{
	u64 page = max_t(u64, req->range_start / SZ_4K, FIRST_PAGE);
	u64 end = min_t(u64, req->range_end ? req->range_end / SZ_4K : END_PAGE, END_PAGE);
	u64 run = 0, best = 0, sum = 0;

	for (; page < end; page++) {
		if (taken[page])
			run = 0;
		else if (run || IS_ALIGNED(bytes(page), req->align))
			run++;
		sum += run != 0;
		best = max(best, run);
	}
	return bytes(req->contiguous ? best : sum);
}

static void twin_compare(void)
{
	u64 page, run = 0, longest = 0, free = 0;
	struct rb_node *rb = rb_first(&buddy.runs);

	assert_true(nvbar_buddy_verify(&buddy));
	for (page = FIRST_PAGE; page < END_PAGE; page++) {
		run = taken[page] ? 0 : run + 1;
		free += run != 0;
		longest = max(longest, run);
		if (run && (page + 1 == END_PAGE || taken[page + 1])) {
			const struct nvbar_block *block = rb_entry(rb, struct nvbar_block, by_pa);

			assert_int_equal(block->pa, bytes(page + 1 - run));
			assert_int_equal(block->len, bytes(run));
			rb = rb_next(rb);
		}
	}
	assert_null(rb);
	assert_int_equal(nvbar_buddy_free_bytes(&buddy), bytes(free));
	assert_int_equal(nvbar_buddy_largest_free(&buddy), bytes(longest));
}

static void check_blocks(const struct nvbar_buddy_req *req, const struct list_head *blocks)
{
	const struct nvbar_block *block;
	u64 sum = 0, end = 0;

	list_for_each_entry(block, blocks, link) {
		assert_true(IS_ALIGNED(block->pa, req->align));
		assert_true(block->pa >= req->range_start);
		assert_true(!req->range_end || block->pa + block->len <= req->range_end);
		assert_true(!end || block->pa > end);
		end = block->pa + block->len;
		sum += block->len;
	}
	assert_int_equal(sum, req->size);
}

static struct nvbar_buddy_req random_request(void)
{
	struct nvbar_buddy_req req = request(1 + random_below(random_below(4) ? 10 : 150));

	if (!random_below(3))
		req.align <<= random_below(7);
	if (!random_below(3)) {
		req.range_start = bytes(random_below(END_PAGE));
		req.range_end = req.range_start + bytes(1 + random_below(END_PAGE));
	}
	req.contiguous = random_below(2);
	return req;
}

static void random_alloc(struct held *held)
{
	struct nvbar_buddy_req req = random_request();
	struct nvbar_buddy_req one = req;
	bool starve = !random_below(4);
	u64 room = twin_room(&req), longest;
	int ret;

	one.contiguous = true;
	longest = twin_room(&one);
	INIT_LIST_HEAD(&held->blocks);
	compat_alloc_fail_nth(starve ? 1 + random_below(4) : 0, random_below(2));
	ret = nvbar_buddy_alloc(&buddy, &req, &held->blocks);
	if (compat_alloc_failed())
		assert_int_equal(ret, -ENOMEM);
	else
		assert_int_equal(ret, room >= req.size ? 0 : -ENOSPC);
	compat_alloc_fail_nth(0, false);
	held->used = !ret;
	if (ret) {
		assert_true(list_empty(&held->blocks));
		return;
	}
	check_blocks(&req, &held->blocks);
	twin_set(&held->blocks, true);
	/* One piece where one is to be had; without alignment, always. */
	if (longest >= req.size && req.align == SZ_4K)
		assert_true(list_is_singular(&held->blocks));
}

static void random_requests_agree_with_an_array_of_pages(void **state)
{
	static struct held held[NR_HELD];
	struct held *slot;
	unsigned int i;

	(void)state;
	random_start(__func__);
	memset(held, 0, sizeof(held));
	memset(taken, 0, sizeof(taken));
	vram_of(FIRST_PAGE, END_PAGE);
	assert_int_equal(nvbar_buddy_reserve(&buddy, bytes(100), bytes(103)), 0);
	taken[100] = taken[101] = taken[102] = true;
	for (i = 0; i < NR_STEPS; i++) {
		slot = &held[random_below(i % 2000 < 1000 ? 8 : NR_HELD)];
		if (slot->used) {
			twin_set(&slot->blocks, false);
			nvbar_buddy_free(&buddy, &slot->blocks);
			slot->used = false;
		} else {
			random_alloc(slot);
		}
		twin_compare();
	}
	for (i = 0; i < NR_HELD; i++) {
		if (held[i].used)
			nvbar_buddy_free(&buddy, &held[i].blocks);
	}
	end_of_test();
}

static void a_quarter_million_scattered_pages_come_and_go(void **state)
{
	const unsigned int pairs = 1u << 18;
	struct nvbar_buddy_req req = request(1), all = request(pairs);
	LIST_HEAD(even);
	LIST_HEAD(odd);
	unsigned int i;

	(void)state;
	vram_of(0, 2 * pairs);
	for (i = 0; i < 2 * pairs; i++)
		assert_int_equal(nvbar_buddy_alloc(&buddy, &req, i % 2 ? &odd : &even), 0);
	nvbar_buddy_free(&buddy, &odd);
	assert_int_equal(nvbar_buddy_largest_free(&buddy), SZ_4K);
	assert_no_space(run_request(2));
	assert_int_equal(nvbar_buddy_alloc(&buddy, &all, &odd), 0);
	assert_int_equal(nvbar_buddy_free_bytes(&buddy), 0);
	nvbar_buddy_free(&buddy, &even);
	nvbar_buddy_free(&buddy, &odd);
	assert_true(nvbar_buddy_verify(&buddy));
	end_of_test();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_vram_is_one_free_run),
		cmocka_unit_test(all_of_vram_is_one_block),
		cmocka_unit_test(the_lowest_address_comes_first),
		cmocka_unit_test(a_block_is_aligned_to_its_own_size),
		cmocka_unit_test(a_size_is_given_exactly),
		cmocka_unit_test(a_run_is_found_across_buddies),
		cmocka_unit_test(a_freed_block_merges_with_whatever_is_beside_it),
		cmocka_unit_test(a_request_is_split_around_a_hole),
		cmocka_unit_test(few_large_extents_are_preferred),
		cmocka_unit_test(blocks_are_appended_to_what_the_list_has),
		cmocka_unit_test(a_run_counts_only_as_far_as_the_range_goes),
		cmocka_unit_test(every_extent_starts_aligned),
		cmocka_unit_test(an_aligned_run_is_found_among_many_that_do_not_fit),
		cmocka_unit_test(a_range_is_honoured_exactly),
		cmocka_unit_test(reserved_vram_is_never_handed_out),
		cmocka_unit_test(what_is_in_use_cannot_be_reserved),
		cmocka_unit_test(hostile_arguments_are_refused),
		cmocka_unit_test(a_block_that_is_free_already_is_not_freed_again),
		cmocka_unit_test(verify_notices_what_does_not_agree),
		cmocka_unit_test(verify_notices_a_run_that_is_none),
		cmocka_unit_test(verify_notices_runs_that_touch),
		cmocka_unit_test(what_is_taken_cannot_be_reserved),
		cmocka_unit_test(host_memory_does_not_grow_with_vram),
		cmocka_unit_test(nothing_changes_when_host_memory_runs_out),
		cmocka_unit_test(nothing_changes_when_there_is_no_space),
		cmocka_unit_test(random_requests_agree_with_an_array_of_pages),
		cmocka_unit_test(a_quarter_million_scattered_pages_come_and_go),
	};

	return cmocka_run_group_tests_name("buddy", tests, NULL, NULL);
}
