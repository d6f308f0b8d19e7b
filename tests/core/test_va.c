// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <nvbar_compat.h>

#include "../random.h"
#include "va.h"

#define NR_PAGES	200
#define NR_STEPS	30000

static struct nvbar_va va;
static struct nvbar_va_node nodes[NR_PAGES];

static void space_of(unsigned int pages)
{
	nvbar_va_init(&va, (u64)pages * SZ_4K, SZ_4K);
	assert_true(nvbar_va_verify(&va));
}

static void take(unsigned int i, unsigned int page, unsigned int pages)
{
	assert_int_equal(nvbar_va_alloc_fixed(&va, &nodes[i], (u64)page * SZ_4K,
					      (u64)pages * SZ_4K), 0);
	assert_true(nvbar_va_verify(&va));
}

static unsigned int alloc_page_of(unsigned int i, unsigned int pages, u64 align)
{
	assert_int_equal(nvbar_va_alloc(&va, &nodes[i], (u64)pages * SZ_4K, align, 0), 0);
	assert_true(nvbar_va_verify(&va));
	return (unsigned int)(nodes[i].start / SZ_4K);
}

static void a_new_space_is_one_hole(void **state)
{
	(void)state;
	space_of(16);
	assert_int_equal(nvbar_va_free_bytes(&va), 16 * SZ_4K);
	assert_int_equal(nvbar_va_largest_free(&va), 16 * SZ_4K);
	assert_null(nvbar_va_first(&va));
	assert_null(nvbar_va_find(&va, 0));
}

static void a_space_of_no_bytes_is_full(void **state)
{
	(void)state;
	space_of(0);
	assert_int_equal(nvbar_va_largest_free(&va), 0);
	assert_int_equal(nvbar_va_alloc(&va, &nodes[0], SZ_4K, SZ_4K, 0), -ENOSPC);
	assert_int_equal(nvbar_va_alloc_fixed(&va, &nodes[0], 0, SZ_4K), -ERANGE);
}

static void every_page_can_be_taken_and_not_one_more(void **state)
{
	unsigned int i;

	(void)state;
	space_of(NR_PAGES - 1);
	for (i = 0; i < NR_PAGES - 1; i++)
		assert_int_equal(alloc_page_of(i, 1, SZ_4K), i);
	assert_int_equal(nvbar_va_free_bytes(&va), 0);
	assert_int_equal(nvbar_va_largest_free(&va), 0);
	assert_int_equal(nvbar_va_alloc(&va, &nodes[i], SZ_4K, SZ_4K, 0), -ENOSPC);
	assert_true(nvbar_va_verify(&va));
}

static void a_freed_range_merges_with_both_neighbours(void **state)
{
	(void)state;
	space_of(9);
	take(0, 0, 3);
	take(1, 3, 3);
	take(2, 6, 3);
	nvbar_va_free(&va, &nodes[0]);
	nvbar_va_free(&va, &nodes[2]);
	assert_int_equal(nvbar_va_largest_free(&va), 3 * SZ_4K);
	nvbar_va_free(&va, &nodes[1]);
	assert_int_equal(nvbar_va_largest_free(&va), 9 * SZ_4K);
	assert_true(nvbar_va_verify(&va));
}

static void a_range_goes_into_the_shortest_hole_that_fits(void **state)
{
	(void)state;
	space_of(20);
	take(0, 5, 1);		/* holes: 5, 3 at 6, 10 at 10 */
	take(1, 9, 1);
	assert_int_equal(alloc_page_of(2, 3, SZ_4K), 6);
	assert_int_equal(alloc_page_of(3, 4, SZ_4K), 0);
	assert_int_equal(alloc_page_of(4, 6, SZ_4K), 10);
}

static void of_equal_holes_the_lowest_is_taken(void **state)
{
	(void)state;
	space_of(11);
	take(0, 3, 1);
	take(1, 7, 1);
	assert_int_equal(alloc_page_of(2, 2, SZ_4K), 0);
}

static void an_aligned_range_leaves_the_smaller_gap_beside_it(void **state)
{
	(void)state;
	space_of(16);
	take(0, 0, 1);
	/* 4 aligned to 4 in [1, 16): 3 pages lost at the front, none at the end */
	assert_int_equal(alloc_page_of(1, 4, SZ_16K), 12);
}

static void an_aligned_hole_is_found_among_many_that_do_not_fit(void **state)
{
	unsigned int i;

	(void)state;
	space_of(NR_PAGES);
	/* Two free pages in four, at odd places: only the last pair is aligned. */
	take(0, 0, 1);
	for (i = 1; i < 40; i++)
		take(i, 4 * i - 1, 2);
	take(i, 159, 1);
	take(i + 1, 162, NR_PAGES - 162);
	assert_int_equal(alloc_page_of(i + 2, 2, SZ_8K), 160);
	assert_int_equal(nvbar_va_alloc(&va, &nodes[i + 3], SZ_8K, SZ_8K, 0), -ENOSPC);
	assert_int_equal(nvbar_va_largest_free(&va), SZ_8K);
}

static void outside_is_erange_and_overlap_is_eexist(void **state)
{
	static const struct {
		u64 start, len;
		int ret;
	} cases[] = {
		{ 0, 17 * SZ_4K, -ERANGE },
		{ 16 * SZ_4K, SZ_4K, -ERANGE },
		{ 15 * SZ_4K, 2 * SZ_4K, -ERANGE },
		{ 0 - (u64)SZ_4K, SZ_4K, -ERANGE },
		{ 0 - (u64)SZ_4K, 2 * SZ_4K, -ERANGE },
		{ SZ_4K, 0 - (u64)SZ_4K, -ERANGE },
		{ 4 * SZ_4K, 4 * SZ_4K, -EEXIST },
		{ 3 * SZ_4K, 2 * SZ_4K, -EEXIST },
		{ 7 * SZ_4K, 2 * SZ_4K, -EEXIST },
		{ 5 * SZ_4K, SZ_4K, -EEXIST },
		{ 0, 16 * SZ_4K, -EEXIST },
	};
	unsigned int i;

	(void)state;
	space_of(16);
	take(0, 4, 4);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(nvbar_va_alloc_fixed(&va, &nodes[1], cases[i].start, cases[i].len),
				 cases[i].ret);
		assert_true(nvbar_va_verify(&va));
		assert_int_equal(nvbar_va_free_bytes(&va), 12 * SZ_4K);
	}
	take(1, 0, 4);
	take(2, 8, 8);
	assert_int_equal(nvbar_va_free_bytes(&va), 0);
}

static void hostile_arguments_are_refused(void **state)
{
	static const u64 bad_len[] = { 0, 1, SZ_4K - 1, SZ_4K + 1, U64_MAX };
	static const u64 bad_align[] = { 0, 1, SZ_2K, 3 * SZ_4K, U64_MAX };
	unsigned long warnings = compat_warn_count();
	unsigned int i;

	(void)state;
	space_of(16);
	for (i = 0; i < ARRAY_SIZE(bad_len); i++) {
		assert_int_equal(nvbar_va_alloc(&va, &nodes[0], bad_len[i], SZ_4K, 0), -EINVAL);
		assert_int_equal(nvbar_va_alloc_fixed(&va, &nodes[0], 0, bad_len[i]), -EINVAL);
	}
	for (i = 0; i < ARRAY_SIZE(bad_align); i++)
		assert_int_equal(nvbar_va_alloc(&va, &nodes[0], SZ_4K, bad_align[i], 0), -EINVAL);
	assert_int_equal(nvbar_va_alloc_fixed(&va, &nodes[0], 1, SZ_4K), -EINVAL);
	assert_int_equal(compat_warn_count() - warnings, 16);

	assert_int_equal(nvbar_va_alloc(&va, &nodes[0], 0 - (u64)SZ_4K, SZ_4K, 0), -ENOSPC);
	assert_int_equal(nvbar_va_alloc(&va, &nodes[0], 0 - (u64)SZ_4K, BIT_ULL(63), 0), -ENOSPC);
	assert_int_equal(nvbar_va_free_bytes(&va), 16 * SZ_4K);
	assert_int_equal(alloc_page_of(0, 16, BIT_ULL(63)), 0);
}

static void a_range_freed_twice_is_noticed(void **state)
{
	unsigned long warnings = compat_warn_count();

	(void)state;
	space_of(4);
	take(0, 0, 1);
	nvbar_va_free(&va, &nodes[0]);
	nvbar_va_free(&va, &nodes[0]);
	assert_int_equal(compat_warn_count() - warnings, 1);
	assert_true(nvbar_va_verify(&va));
}

static void find_knows_the_first_and_the_last_byte(void **state)
{
	(void)state;
	space_of(16);
	take(0, 4, 2);
	assert_null(nvbar_va_find(&va, 4 * SZ_4K - 1));
	assert_ptr_equal(nvbar_va_find(&va, 4 * SZ_4K), &nodes[0]);
	assert_ptr_equal(nvbar_va_find(&va, 6 * SZ_4K - 1), &nodes[0]);
	assert_null(nvbar_va_find(&va, 6 * SZ_4K));
	assert_null(nvbar_va_find(&va, U64_MAX));
}

static void verify_notices_what_does_not_agree(void **state)
{
	(void)state;
	space_of(16);
	take(0, 4, 2);
	nodes[0].len += SZ_4K;
	assert_false(nvbar_va_verify(&va));
	nodes[0].len -= SZ_4K;
	nodes[0].hole -= SZ_4K;
	assert_false(nvbar_va_verify(&va));
	nodes[0].hole += SZ_4K;
	va.free_bytes += SZ_4K;
	assert_false(nvbar_va_verify(&va));
	va.free_bytes -= SZ_4K;
	assert_true(nvbar_va_verify(&va));
	va.head.start = SZ_4K;
	assert_false(nvbar_va_verify(&va));
	va.head.start = 0;
	va.head.len = SZ_4K;
	va.head.hole -= SZ_4K;
	assert_false(nvbar_va_verify(&va));
	va.head.len = 0;
	va.head.hole += SZ_4K;
	assert_true(nvbar_va_verify(&va));
}

/* The ranges cover the space in each case, yet one is no range. */
static void verify_notices_a_range_of_no_pages(void **state)
{
	(void)state;
	space_of(16);
	take(0, 4, 2);
	nodes[0].len = 0;
	nodes[0].hole += 2 * SZ_4K;
	assert_false(nvbar_va_verify(&va));

	space_of(16);
	take(0, 4, 2);
	va.head.hole += 1;
	nodes[0].start += 1;
	nodes[0].len -= 1;
	assert_false(nvbar_va_verify(&va));
}

static void verify_notices_a_node_in_one_tree_only(void **state)
{
	(void)state;
	space_of(16);
	take(0, 4, 2);
	rb_erase(&va.head.by_start, &va.nodes);
	assert_false(nvbar_va_verify(&va));

	/* Gone from the ranges, and the hole before it takes its place. */
	space_of(16);
	take(0, 4, 2);
	rb_erase(&nodes[0].by_start, &va.nodes);
	va.head.hole = 16 * SZ_4K;
	assert_false(nvbar_va_verify(&va));

	space_of(16);
	take(0, 4, 2);
	rb_erase(&nodes[0].by_hole, &va.holes);
	assert_false(nvbar_va_verify(&va));
}

static void verify_notices_holes_in_the_wrong_order(void **state)
{
	(void)state;
	/* Before the range were 4 pages and behind it 10: now 12 and 2. */
	space_of(16);
	take(0, 4, 2);
	nodes[0].start = 12 * SZ_4K;
	va.head.hole = 12 * SZ_4K;
	nodes[0].hole = 2 * SZ_4K;
	assert_false(nvbar_va_verify(&va));

	/* ... and no longer a hole. */
	space_of(16);
	take(0, 4, 2);
	nodes[0].len += nodes[0].hole;
	nodes[0].hole = 0;
	assert_false(nvbar_va_verify(&va));
}

/* A page in each of very many holes, but at no even number. */
static void an_alignment_is_given_up_after_many_holes(void **state)
{
	static struct nvbar_va_node even[1100], page;
	unsigned int i;

	(void)state;
	space_of(2 * ARRAY_SIZE(even));
	for (i = 0; i < ARRAY_SIZE(even); i++)
		assert_int_equal(nvbar_va_alloc_fixed(&va, &even[i], 2 * i * SZ_4K, SZ_4K), 0);
	assert_int_equal(nvbar_va_alloc(&va, &page, SZ_4K, SZ_8K, 0), -ENOSPC);
	assert_int_equal(nvbar_va_alloc(&va, &page, SZ_4K, SZ_8K, SZ_4K), 0);
	assert_true(nvbar_va_verify(&va));
}

static void a_space_of_57_bits_takes_a_range_at_its_very_end(void **state)
{
	(void)state;
	nvbar_va_init(&va, BIT_ULL(57), SZ_4K);
	assert_int_equal(nvbar_va_alloc_fixed(&va, &nodes[0], BIT_ULL(57) - SZ_4K, SZ_4K), 0);
	assert_int_equal(nvbar_va_alloc(&va, &nodes[1], BIT_ULL(56), BIT_ULL(56), 0), 0);
	assert_int_equal(nodes[1].start, 0);
	assert_int_equal(nvbar_va_largest_free(&va), BIT_ULL(56) - SZ_4K);
	assert_true(nvbar_va_verify(&va));
}

/* The twin: who has each page, by number of the node plus one. */
static unsigned int owner[NR_PAGES];

static unsigned int twin_run(unsigned int page)
{
	unsigned int end = page;

	while (end < NR_PAGES && !owner[end])
		end++;
	return end - page;
}

static void twin_set(const struct nvbar_va_node *node, unsigned int who)
{
	unsigned int page = (unsigned int)(node->start / SZ_4K);
	unsigned int i;

	for (i = 0; i < node->len / SZ_4K; i++) {
		assert_true(!owner[page + i] != !who);
		owner[page + i] = who;
	}
}

static bool twin_has_room(unsigned int pages, unsigned int align)
{
	unsigned int page;

	for (page = 0; page < NR_PAGES; page += align) {
		if (twin_run(page) >= pages)
			return true;
	}
	return false;
}

/* The length of the shortest hole with room for @pages, and where it starts. */
static unsigned int twin_best(unsigned int pages, unsigned int *at)
{
	unsigned int page, run, best = NR_PAGES + 1;

	for (page = 0; page < NR_PAGES; page += run ? run : 1) {
		run = twin_run(page);
		if (run >= pages && run < best) {
			best = run;
			*at = page;
		}
	}
	return best;
}

static void twin_compare(void)
{
	unsigned int page, free = 0, longest = 0;
	const struct nvbar_va_node *node = nvbar_va_first(&va);

	assert_true(nvbar_va_verify(&va));
	for (page = 0; page < NR_PAGES; page++) {
		free += !owner[page];
		longest = max(longest, twin_run(page));
		assert_ptr_equal(nvbar_va_find(&va, (u64)page * SZ_4K + random_below(SZ_4K)),
				 owner[page] ? &nodes[owner[page] - 1] : NULL);
		if (!owner[page] || (page && owner[page] == owner[page - 1]))
			continue;
		assert_ptr_equal(node, &nodes[owner[page] - 1]);
		node = nvbar_va_next(node);
	}
	assert_null(node);
	assert_int_equal(nvbar_va_free_bytes(&va), (u64)free * SZ_4K);
	assert_int_equal(nvbar_va_largest_free(&va), (u64)longest * SZ_4K);
}

static void random_alloc(struct nvbar_va_node *node, unsigned int who)
{
	unsigned int pages = 1 + random_below(random_below(4) ? 6 : 60);
	unsigned int align = 1u << (random_below(3) ? 0 : random_below(7)), at = 0;
	bool room = twin_has_room(pages, align);
	int ret;

	twin_best(pages, &at);
	ret = nvbar_va_alloc(&va, node, (u64)pages * SZ_4K, (u64)align * SZ_4K, 0);
	assert_int_equal(ret, room ? 0 : -ENOSPC);
	if (ret)
		return;
	assert_int_equal(node->len, (u64)pages * SZ_4K);
	assert_true(IS_ALIGNED(node->start, (u64)align * SZ_4K));
	if (align == 1)
		assert_int_equal(node->start, (u64)at * SZ_4K);
	twin_set(node, who);
}

static void random_fixed(struct nvbar_va_node *node, unsigned int who)
{
	unsigned int page = random_below(NR_PAGES + 2), pages = 1 + random_below(12);
	int want = page + pages > NR_PAGES ? -ERANGE : twin_run(page) < pages ? -EEXIST : 0;
	int ret;

	ret = nvbar_va_alloc_fixed(&va, node, (u64)page * SZ_4K, (u64)pages * SZ_4K);
	assert_int_equal(ret, want);
	if (!ret)
		twin_set(node, who);
}

static void random_ranges_agree_with_an_array_of_pages(void **state)
{
	unsigned int i, who;

	(void)state;
	random_start(__func__);
	space_of(NR_PAGES);
	memset(nodes, 0, sizeof(nodes));
	memset(owner, 0, sizeof(owner));
	for (i = 0; i < NR_STEPS; i++) {
		who = 1 + random_below(i % 2000 < 1000 ? 20 : NR_PAGES);
		if (nodes[who - 1].len) {
			twin_set(&nodes[who - 1], 0);
			nvbar_va_free(&va, &nodes[who - 1]);
			nodes[who - 1].len = 0;
		} else if (random_below(3)) {
			random_alloc(&nodes[who - 1], who);
		} else {
			random_fixed(&nodes[who - 1], who);
		}
		if (i % 8 == 0)
			twin_compare();
	}
	twin_compare();
}

/* Two neighbours, and one that must lie 12 KiB above a multiple of 2 MiB */
static void a_range_holds_whole_pages_of_the_host(void **state)
{
	(void)state;
	nvbar_va_init(&va, SZ_16M, SZ_64K);
	assert_int_equal(alloc_page_of(0, 1, SZ_4K), 0);
	assert_int_equal(alloc_page_of(1, 17, SZ_4K), 16);
	assert_int_equal(nvbar_va_free_bytes(&va), SZ_16M - 3 * SZ_64K);
	assert_int_equal(nvbar_va_alloc_fixed(&va, &nodes[3], SZ_64K - SZ_4K, SZ_4K), -EEXIST);
	assert_null(nvbar_va_find(&va, SZ_4K));

	assert_int_equal(nvbar_va_alloc(&va, &nodes[2], SZ_4K, SZ_2M, 3 * SZ_4K), 0);
	assert_int_equal(nodes[2].start & (SZ_2M - 1), 3 * SZ_4K);
	assert_int_equal(nodes[2].before, 3 * SZ_4K);
	assert_int_equal(nodes[2].after, 12 * SZ_4K);
	assert_int_equal(nvbar_va_alloc_fixed(&va, &nodes[3], nodes[2].start - SZ_4K, SZ_4K), -EEXIST);
	assert_true(nvbar_va_verify(&va));

	nvbar_va_free(&va, &nodes[2]);
	nvbar_va_free(&va, &nodes[0]);
	nvbar_va_free(&va, &nodes[1]);
	assert_true(nvbar_va_verify(&va));
	assert_int_equal(nvbar_va_largest_free(&va), SZ_16M);
}

/* Fixed ranges hold what they are asked for, and nobody has the rest of their pages. */
static void a_page_of_the_host_with_a_fixed_range_is_passed_over(void **state)
{
	(void)state;
	nvbar_va_init(&va, 3 * SZ_64K, SZ_64K);
	take(0, 15, 1);
	take(1, 33, 1);
	assert_int_equal(nvbar_va_free_bytes(&va), 3 * SZ_64K - 2 * SZ_4K);
	assert_int_equal(nvbar_va_alloc(&va, &nodes[2], 17 * SZ_4K, SZ_4K, 0), -ENOSPC);
	assert_int_equal(alloc_page_of(2, 16, SZ_4K), 16);
	assert_int_equal(nvbar_va_alloc(&va, &nodes[3], SZ_4K, SZ_4K, 0), -ENOSPC);
	take(3, 32, 1);
	take(4, 0, 15);
}

/* Odd ones of nodes[] */
static bool is_odd(const struct nvbar_va_node *node)
{
	return (node - nodes) % 2;
}

static bool nobody(const struct nvbar_va_node *node)
{
	(void)node;
	return false;
}

/* Eight pages of the host, each with a page of 4 KiB for somebody, but the seventh */
static void what_would_fit_is_whole_pages_of_the_host(void **state)
{
	unsigned int i;

	(void)state;
	nvbar_va_init(&va, 8 * SZ_64K, SZ_64K);
	for (i = 0; i < 6; i++)
		assert_int_equal(alloc_page_of(i, 1, SZ_4K), 16 * i);
	take(6, 7 * 16 + 1, 1);
	/* The seventh; the beginning of the eighth is no use to anybody but a fixed range. */
	assert_true(nvbar_va_would_fit(&va, SZ_64K, nobody));
	assert_false(nvbar_va_would_fit(&va, SZ_64K + SZ_4K, nobody));
	assert_true(nvbar_va_would_fit_fixed(&va, 6 * SZ_64K, SZ_64K + SZ_4K, nobody));
	assert_false(nvbar_va_would_fit_fixed(&va, 6 * SZ_64K, SZ_64K + SZ_8K, nobody));
	/* With the sixth they are two; single ones before it are not added up. */
	assert_true(nvbar_va_would_fit(&va, 2 * SZ_64K, is_odd));
	assert_false(nvbar_va_would_fit(&va, 2 * SZ_64K + SZ_4K, is_odd));
	/* All that a range holds goes with it, or stays with it. */
	assert_true(nvbar_va_would_fit_fixed(&va, SZ_64K, SZ_64K, is_odd));
	assert_false(nvbar_va_would_fit_fixed(&va, SZ_64K, SZ_64K, nobody));
	assert_false(nvbar_va_would_fit_fixed(&va, SZ_64K - SZ_4K, SZ_4K, is_odd));
	assert_false(nvbar_va_would_fit_fixed(&va, 2 * SZ_64K - SZ_4K, SZ_8K, is_odd));
	/* Nor is there room outside. */
	assert_false(nvbar_va_would_fit(&va, 9 * SZ_64K, is_odd));
	assert_false(nvbar_va_would_fit(&va, 0 - (u64)SZ_4K, is_odd));
	assert_false(nvbar_va_would_fit_fixed(&va, 8 * SZ_64K, SZ_4K, is_odd));
	assert_false(nvbar_va_would_fit_fixed(&va, 8 * SZ_64K - SZ_4K, SZ_8K, is_odd));
	assert_false(nvbar_va_would_fit_fixed(&va, 0 - (u64)SZ_4K, SZ_8K, is_odd));
}

#define HOST_PAGES	4	/* of 4 KiB, in a page of the host */

/* Nobody's, or with @leaves somebody's who leaves? */
static bool is_free(unsigned int page, nvbar_va_leaves_fn *leaves)
{
	return page < NR_PAGES && (!owner[page] || leaves(&nodes[owner[page] - 1]));
}

static bool are_free(unsigned int page, unsigned int pages, nvbar_va_leaves_fn *leaves)
{
	unsigned int end = page + pages;

	while (page < end && is_free(page, leaves))
		page++;
	return page == end;
}

static bool host_pages_free(unsigned int start, unsigned int pages, nvbar_va_leaves_fn *leaves)
{
	unsigned int page = start - start % HOST_PAGES, end = start + pages;

	return are_free(page, end + -end % HOST_PAGES - page, leaves);
}

static bool host_has_room(unsigned int pages, unsigned int align, unsigned int phase,
			  nvbar_va_leaves_fn *leaves)
{
	unsigned int start;

	for (start = phase; start < NR_PAGES; start += align)
		if (host_pages_free(start, pages, leaves))
			return true;
	return false;
}

static void compare_what_would_fit(unsigned int pages)
{
	unsigned int page = random_below(NR_PAGES + 2);

	assert_int_equal(nvbar_va_would_fit(&va, (u64)pages * SZ_4K, is_odd),
			 host_has_room(pages, HOST_PAGES, 0, is_odd));
	assert_int_equal(nvbar_va_would_fit_fixed(&va, (u64)page * SZ_4K, (u64)pages * SZ_4K,
						  is_odd),
			 are_free(page, pages, is_odd));
}

/* What a node must hold, as whole pages of the host if it was not told where to lie */
static void host_set(const struct nvbar_va_node *node, bool fixed, unsigned int who)
{
	unsigned int page = (unsigned int)(node->start / SZ_4K);
	unsigned int end = page + (unsigned int)(node->len / SZ_4K);

	if (!fixed) {
		page -= page % HOST_PAGES;
		end += -end % HOST_PAGES;
	}
	for (; page < end; page++) {
		assert_int_equal(!owner[page], !!who);
		owner[page] = who;
	}
}

static void random_ranges_share_no_page_of_the_host(void **state)
{
	static bool fixed[NR_PAGES];
	unsigned int i, j, who, pages, align, phase, free;
	int ret;

	(void)state;
	random_start(__func__);
	nvbar_va_init(&va, NR_PAGES * SZ_4K, HOST_PAGES * SZ_4K);
	memset(nodes, 0, sizeof(nodes));
	memset(owner, 0, sizeof(owner));
	for (i = 0; i < NR_STEPS; i++) {
		struct nvbar_va_node *node;

		who = 1 + random_below(20);
		node = &nodes[who - 1];
		pages = 1 + random_below(12);
		align = 1u << random_below(6);
		phase = random_below(align);
		if (node->len) {
			host_set(node, fixed[who - 1], 0);
			nvbar_va_free(&va, node);
			node->len = 0;
		} else if (random_below(3)) {
			ret = nvbar_va_alloc(&va, node, (u64)pages * SZ_4K, (u64)align * SZ_4K,
					     (u64)phase * SZ_4K);
			assert_int_equal(ret, host_has_room(pages, align, phase, nobody) ?
					 0 : -ENOSPC);
			fixed[who - 1] = false;
			if (!ret)
				host_set(node, false, who);
			if (!ret)
				assert_int_equal(node->start / SZ_4K % align, phase);
		} else if (!nvbar_va_alloc_fixed(&va, node, (u64)random_below(NR_PAGES) * SZ_4K,
						 (u64)pages * SZ_4K)) {
			fixed[who - 1] = true;
			host_set(node, true, who);
		}
		for (j = free = 0; j < NR_PAGES; j++)
			free += !owner[j];
		assert_int_equal(nvbar_va_free_bytes(&va), (u64)free * SZ_4K);
		if (i % 8 == 0) {
			assert_true(nvbar_va_verify(&va));
			compare_what_would_fit(1 + random_below(40));
		}
	}
}

static void a_million_ranges_come_and_go(void **state)
{
	const unsigned int nr = 1000000;
	struct nvbar_va_node *many = kvcalloc(nr, sizeof(*many), GFP_KERNEL);
	unsigned int i;

	(void)state;
	assert_non_null(many);
	nvbar_va_init(&va, (u64)nr * SZ_4K, SZ_4K);
	for (i = 0; i < nr; i++)
		assert_int_equal(nvbar_va_alloc(&va, &many[i], SZ_4K, SZ_4K, 0), 0);
	assert_int_equal(nvbar_va_free_bytes(&va), 0);
	for (i = 0; i < nr; i += 2)
		nvbar_va_free(&va, &many[i]);
	assert_int_equal(nvbar_va_largest_free(&va), SZ_4K);
	assert_int_equal(nvbar_va_alloc(&va, &many[0], SZ_8K, SZ_4K, 0), -ENOSPC);
	assert_true(nvbar_va_verify(&va));
	for (i = 1; i < nr; i += 2)
		nvbar_va_free(&va, &many[i]);
	assert_int_equal(nvbar_va_largest_free(&va), (u64)nr * SZ_4K);
	assert_true(nvbar_va_verify(&va));
	kvfree(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_space_is_one_hole),
		cmocka_unit_test(a_space_of_no_bytes_is_full),
		cmocka_unit_test(every_page_can_be_taken_and_not_one_more),
		cmocka_unit_test(a_freed_range_merges_with_both_neighbours),
		cmocka_unit_test(a_range_goes_into_the_shortest_hole_that_fits),
		cmocka_unit_test(of_equal_holes_the_lowest_is_taken),
		cmocka_unit_test(an_aligned_range_leaves_the_smaller_gap_beside_it),
		cmocka_unit_test(an_aligned_hole_is_found_among_many_that_do_not_fit),
		cmocka_unit_test(outside_is_erange_and_overlap_is_eexist),
		cmocka_unit_test(hostile_arguments_are_refused),
		cmocka_unit_test(a_range_freed_twice_is_noticed),
		cmocka_unit_test(find_knows_the_first_and_the_last_byte),
		cmocka_unit_test(verify_notices_what_does_not_agree),
		cmocka_unit_test(verify_notices_a_range_of_no_pages),
		cmocka_unit_test(verify_notices_a_node_in_one_tree_only),
		cmocka_unit_test(verify_notices_holes_in_the_wrong_order),
		cmocka_unit_test(an_alignment_is_given_up_after_many_holes),
		cmocka_unit_test(a_space_of_57_bits_takes_a_range_at_its_very_end),
		cmocka_unit_test(random_ranges_agree_with_an_array_of_pages),
		cmocka_unit_test(a_range_holds_whole_pages_of_the_host),
		cmocka_unit_test(a_page_of_the_host_with_a_fixed_range_is_passed_over),
		cmocka_unit_test(what_would_fit_is_whole_pages_of_the_host),
		cmocka_unit_test(random_ranges_share_no_page_of_the_host),
		cmocka_unit_test(a_million_ranges_come_and_go),
	};

	return cmocka_run_group_tests_name("va", tests, NULL, NULL);
}
