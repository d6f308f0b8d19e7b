// SPDX-License-Identifier: MIT
/* The index of runs of VRAM, against a plain array of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/kernel.h>
#include <linux/rbtree.h>
#include <linux/sizes.h>

#include "share.h"
#include "../random.h"

#define NR_SHARES	300
#define NR_PAGES	256

static struct nvbar_share shares[NR_SHARES];
static bool in_index[NR_SHARES];

static struct nvbar_span random_span(u64 max_pages)
{
	u64 first = random_below(NR_PAGES), len = 1 + random_below(max_pages);

	return (struct nvbar_span){ first * SZ_4K, len * SZ_4K };
}

static bool contains(const struct nvbar_share *share, struct nvbar_span span)
{
	return share->pa <= span.pa && share->end >= span.pa + span.len;
}

/* The entries found are those that contain the span: each once, by address. */
static void assert_found(const struct rb_root *index, struct nvbar_span span)
{
	struct nvbar_share *share;
	unsigned int i, nr = 0;
	u64 last = 0;

	for (share = nvbar_share_first(index, span); share; share = nvbar_share_next(share, span)) {
		assert_true(in_index[share - shares]);
		assert_true(contains(share, span));
		assert_true(share->pa >= last);
		last = share->pa;
		nr++;
		assert_true(nr <= NR_SHARES);
	}
	for (i = 0; i < NR_SHARES; i++)
		nr -= in_index[i] && contains(&shares[i], span);
	assert_int_equal(nr, 0);
}

static void every_run_that_contains_a_span_is_found_in_order(void **state)
{
	struct rb_root index = RB_ROOT;
	unsigned int round, i;

	(void)state;
	random_start(__func__);
	for (round = 0; round < 20000; round++) {
		/* Few long runs among many short ones, and now and then few at all. */
		i = random_below(round % 4000 < 2000 ? 12 : NR_SHARES);
		if (in_index[i])
			nvbar_share_del(&index, &shares[i]);
		else
			nvbar_share_add(&index, &shares[i], random_span(random_below(8) ? 4 : 100));
		in_index[i] = !in_index[i];
		assert_found(&index, random_span(random_below(2) ? 2 : 20));
	}
	for (i = 0; i < NR_SHARES; i++)
		if (in_index[i])
			nvbar_share_del(&index, &shares[i]);
	assert_true(RB_EMPTY_ROOT(&index));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_run_that_contains_a_span_is_found_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
