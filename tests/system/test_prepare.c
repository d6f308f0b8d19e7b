/* SPDX-License-Identifier: MIT */
/* Mapping in two phases: prepare may fail, execute may not for lack of anything. */
#include "helper.h"

#define A	MIB(64)

static struct nvbar_prepared *prepare(struct nvbar *gpu, size_t nr_pages,
				      const struct nvbar_map_opts *opts)
{
	struct nvbar_prepared *prepared = NULL;

	assert_ok(nvbar_map_prepare(gpu, nr_pages, opts, &prepared));
	assert_non_null(prepared);
	return prepared;
}

static struct nvbar_prepared *prepare_fixed(struct nvbar *gpu, uint64_t va, size_t nr_pages)
{
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_FIXED | NVBAR_MAP_PRIVATE, .va = va,
	};

	return prepare(gpu, nr_pages, &opts);
}

static struct nvbar_access *execute(struct nvbar_prepared *prepared, uint64_t pa, uint64_t len)
{
	const struct nvbar_extent ext = { pa, len };
	struct nvbar_access *a = NULL;

	assert_ok(nvbar_map_execute(prepared, &ext, 1, &a));
	assert_int_equal(nvbar_access_size(a), len);
	return a;
}

static void both_phases(struct nvbar *gpu)
{
	static const struct nvbar_extent ext[] = {
		{ GIB(2), 2 * PAGE }, { A, PAGE }, { GIB(1), MIB(4) },
	};
	struct nvbar_stats before = gpu_stats(gpu), after;
	struct nvbar_access *a;
	uint64_t base, i;

	assert_ok(nvbar_map_execute(prepare(gpu, 1027, NULL), ext, NR_OF(ext), &a));
	base = nvbar_access_base(a);
	assert_int_equal(nvbar_access_num_pages(a), 1027);
	for (i = 0; i < 1027; i++) {
		uint64_t pa = i < 2 ? GIB(2) + i * PAGE : i == 2 ? A : GIB(1) + (i - 3) * PAGE;

		assert_int_equal(walk_at(gpu, base + i * PAGE).pa, pa);
		assert_ok(nvbar_write64(a, i * PAGE + 8, i));
		assert_ok(nvbar_flush(a));
		assert_int_equal(pramin_rd64(gpu, pa + 8), i);
	}
	assert_ok(nvbar_unmap(a));
	after = gpu_stats(gpu);
	assert_same_space(&before, &after);
	assert_int_equal(after.maps, before.maps + 1);
	assert_int_equal(after.unmaps, before.unmaps + 1);
}

static void an_executed_preparation_is_a_mapping_like_any_other(void **state)
{
	(void)state;
	on_every_chip("", both_phases);
}

static void prepared_range(struct nvbar *gpu)
{
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_FIXED, .va = MIB(6) + PAGE,
	};
	struct nvbar_stats before = gpu_stats(gpu), during, after;
	struct nvbar_prepared *prepared = prepare_fixed(gpu, MIB(6), 4);
	const struct nvbar_extent ext = { A, PAGE };
	struct nvbar_access *a = UNTOUCHED;

	during = gpu_stats(gpu);
	assert_int_equal(during.va_free, before.va_free - 4 * PAGE);
	assert_int_equal(during.mappings, before.mappings);
	assert_int_equal(during.mapped_bytes, before.mapped_bytes);
	assert_maps_sum_to_the_aperture(gpu);
	assert_err(nvbar_map(gpu, &ext, 1, &opts, &a), EEXIST);
	assert_ptr_equal(a, UNTOUCHED);
	assert_int_equal(walk_at(gpu, MIB(6)).status, WALK_UNUSED);
	gpu_check(gpu);

	a = execute(prepared, A, 4 * PAGE);
	assert_int_equal(nvbar_access_base(a), MIB(6));
	assert_int_equal(walk_at(gpu, MIB(6)).status, NVBAR_WALK_OK);
	assert_ok(nvbar_unmap(a));
	assert_int_equal(walk_at(gpu, MIB(6)).status, WALK_UNUSED);
	after = gpu_stats(gpu);
	assert_same_space(&before, &after);
}

static void a_preparation_holds_its_range_but_maps_nothing(void **state)
{
	(void)state;
	on_every_chip("", prepared_range);
}

/* Host memory while scattered pages are mapped, in one phase or in two. */
static uint64_t host_bytes_of(struct nvbar *gpu, bool two_phases)
{
	const struct nvbar_map_opts opts = { .size = sizeof(opts), .flags = NVBAR_MAP_PRIVATE };
	struct nvbar_extent ext[1024];
	struct nvbar_access *a;
	uint64_t bytes;
	size_t i;

	for (i = 0; i < NR_OF(ext); i++)
		ext[i] = (struct nvbar_extent){ A + i * 2 * PAGE, PAGE };
	if (two_phases)
		assert_ok(nvbar_map_execute(prepare(gpu, NR_OF(ext), &opts), ext, NR_OF(ext), &a));
	else
		assert_ok(nvbar_map(gpu, ext, NR_OF(ext), &opts, &a));
	bytes = gpu_stats(gpu).host_bytes;
	assert_ok(nvbar_unmap(a));
	nvbar_trim(gpu);
	return bytes;
}

static void host_memory(struct nvbar *gpu)
{
	assert_int_equal(host_bytes_of(gpu, true), host_bytes_of(gpu, false));
}

/* It got memory for tables of any leaves, and these pages need one kind. */
static void an_executed_preparation_keeps_only_the_memory_it_needs(void **state)
{
	(void)state;
	on_every_chip("", host_memory);
}

static void a_cancelled_preparation_leaves_no_trace(void **state)
{
	struct nvbar *gpu = gpu_open("sim:gb202");
	struct nvbar_stats before = gpu_stats(gpu), after;
	struct nvbar_prepared *one, *two;

	(void)state;
	one = prepare(gpu, 1, NULL);
	two = prepare(gpu, MIB(255) / PAGE, NULL);
	assert_maps_sum_to_the_aperture(gpu);
	nvbar_map_cancel(one);
	nvbar_map_cancel(two);
	nvbar_map_cancel(NULL);
	after = gpu_stats(gpu);
	assert_same_state(&before, &after);
	assert_int_equal(after.maps, 0);
	assert_int_equal(after.unmaps, 0);
	gpu_close(gpu);
}

/* --- what does not fit --- */

static void rejects(struct nvbar *gpu, uint32_t flags, const struct nvbar_extent *ext, size_t nr,
		    int err)
{
	const struct nvbar_map_opts opts = { .size = sizeof(opts), .flags = flags };
	struct nvbar_stats before = gpu_stats(gpu), after;
	struct nvbar_prepared *prepared = prepare(gpu, 4, &opts);
	struct nvbar_access *a = UNTOUCHED;

	/* The preparation is gone either way: no leak, no range held. */
	assert_err(nvbar_map_execute(prepared, ext, nr, &a), err);
	assert_ptr_equal(a, UNTOUCHED);
	after = gpu_stats(gpu);
	assert_same_state(&before, &after);
	assert_int_equal(after.maps, before.maps);
}

static void execute_consumes_the_preparation_also_when_it_fails(void **state)
{
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_info info = gpu_info(gpu);
	const struct {
		struct nvbar_extent ext[2];
		size_t nr;
		int err;
	} bad[] = {
		{ { { A, 3 * PAGE } }, 1, EINVAL },
		{ { { A, 5 * PAGE } }, 1, EINVAL },
		{ { { A, 4 * PAGE }, { A, PAGE } }, 2, EINVAL },
		{ { { A, 4 * PAGE } }, 0, EINVAL },
		{ { { A, GIB(1) } }, 1, EINVAL },
		{ { { A, 4 * PAGE }, { A, 0 } }, 2, EINVAL },
		{ { { A, 4 * PAGE - 1 } }, 1, EINVAL },
		{ { { A + 8, 4 * PAGE } }, 1, EINVAL },
		{ { { info.vram_size, 4 * PAGE } }, 1, ERANGE },
		{ { { A, PAGE }, { info.vram_size - PAGE, 3 * PAGE } }, 2, ERANGE },
		{ { { 0 - 4 * PAGE, 4 * PAGE } }, 1, ERANGE },
		{ { { A, 2 * PAGE }, { info.reserved_pa, 2 * PAGE } }, 2, EACCES },
	};
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(bad); i++)
		rejects(gpu, 0, bad[i].ext, bad[i].nr, bad[i].err);
	gpu_close(gpu);
}

static void a_read_only_preparation_may_take_the_drivers_own_region(void **state)
{
	const struct nvbar_map_opts opts = { .size = sizeof(opts), .flags = NVBAR_MAP_RDONLY };
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_info info = gpu_info(gpu);
	struct nvbar_access *a = execute(prepare(gpu, 2, &opts), info.reserved_pa, 2 * PAGE);

	(void)state;
	assert_err(nvbar_write8(a, 0, 0), EACCES);
	assert_int_equal(walk_at(gpu, nvbar_access_base(a) + PAGE).ro, 1);
	assert_ok(nvbar_unmap(a));
	gpu_close(gpu);
}

static void refuses(struct nvbar *gpu, size_t nr_pages, uint32_t flags, uint64_t va, int err)
{
	const struct nvbar_map_opts opts = { .size = sizeof(opts), .flags = flags, .va = va };
	struct nvbar_stats before = gpu_stats(gpu), after;
	struct nvbar_prepared *prepared = UNTOUCHED;

	assert_err(nvbar_map_prepare(gpu, nr_pages, &opts, &prepared), err);
	assert_ptr_equal(prepared, UNTOUCHED);
	after = gpu_stats(gpu);
	assert_same_state(&before, &after);
}

static void prepare_refuses_what_it_cannot_hold(void **state)
{
	const size_t all = MIB(256) / PAGE;
	struct nvbar *gpu = gpu_open("sim");
	struct nvbar_prepared *held;

	(void)state;
	refuses(gpu, 0, 0, 0, EINVAL);
	refuses(gpu, 1, 1u << 4, 0, EINVAL);
	refuses(gpu, all + 1, 0, 0, ENOSPC);
	refuses(gpu, SIZE_MAX, 0, 0, ENOSPC);
	refuses(gpu, SIZE_MAX / PAGE + 2, 0, 0, ENOSPC);
	refuses(gpu, 1, NVBAR_MAP_FIXED, MIB(256), ERANGE);
	refuses(gpu, SIZE_MAX, NVBAR_MAP_FIXED, 0, ERANGE);
	refuses(gpu, 1, NVBAR_MAP_FIXED, 0 - PAGE, ERANGE);
	refuses(gpu, 1, NVBAR_MAP_FIXED, 1, EINVAL);
	held = prepare(gpu, all, NULL);
	refuses(gpu, 1, 0, 0, ENOSPC);
	refuses(gpu, 1, NVBAR_MAP_FIXED, MIB(7), EEXIST);
	nvbar_map_cancel(held);
	gpu_close(gpu);
}

/* --- many --- */

#define NR_PENDING	63

/* Each around a boundary between tables of its own, which nothing covers yet. */
static void pending(struct nvbar *gpu)
{
	struct nvbar_stats before = gpu_stats(gpu), after;
	struct nvbar_prepared *prepared[NR_PENDING];
	size_t nr[NR_PENDING], order[NR_PENDING];
	struct nvbar_access *a[NR_PENDING];
	size_t i, k, left;

	for (i = 0; i < NR_PENDING; i++) {
		nr[i] = 1 + rng_below(512);
		prepared[i] = prepare_fixed(gpu, MIB(2 + 4 * i) - rng_below(nr[i]) * PAGE, nr[i]);
		order[i] = i;
	}
	assert_maps_sum_to_the_aperture(gpu);
	for (left = NR_PENDING; left; left--) {
		k = rng_below(left);
		i = order[k];
		order[k] = order[left - 1];
		a[i] = execute(prepared[i], MIB(1 + 4 * i), nr[i] * PAGE);
	}
	gpu_check(gpu);
	for (i = 0; i < NR_PENDING; i++) {
		pramin_wr64(gpu, MIB(1 + 4 * i) + (nr[i] - 1) * PAGE, i);
		assert_int_equal(bar1_rd64(a[i], (nr[i] - 1) * PAGE), i);
		assert_ok(nvbar_unmap(a[i]));
	}
	nvbar_trim(gpu);
	after = gpu_stats(gpu);
	assert_same_state(&before, &after);
}

static void pending_preparations_can_be_executed_in_any_order(void **state)
{
	(void)state;
	rng_start(__func__);
	on_every_chip("", pending);
}

/* Every offset in a table and a length that ends in the next one. */
static void every_alignment(struct nvbar *gpu)
{
	struct nvbar_access *a;
	uint64_t va, len;
	size_t i;

	for (i = 0; i < 512; i += 7) {
		va = MIB(30) + i * PAGE;
		len = (512 - i + i % 3) * PAGE;
		a = execute(prepare_fixed(gpu, va, len / PAGE), GIB(1) + i * PAGE, len);
		assert_int_equal(walk_at(gpu, va).pa, GIB(1) + i * PAGE);
		assert_int_equal(walk_at(gpu, va + len - 1).pa, GIB(1) + i * PAGE + len - 1);
		assert_int_equal(walk_at(gpu, va + len).status, WALK_UNUSED);
		assert_int_equal(walk_at(gpu, va - 1).status, WALK_UNUSED);
		assert_ok(nvbar_unmap(a));
		nvbar_trim(gpu);
	}
}

static void a_preparation_suffices_at_every_alignment(void **state)
{
	(void)state;
	on_every_chip("", every_alignment);
}

static void execute_costs_what_a_map_costs(struct nvbar *gpu)
{
	struct nvbar_prepared *prepared = prepare(gpu, 600, NULL);
	struct nvbar_stats before = gpu_stats(gpu), after;
	struct nvbar_access *a = execute(prepared, A, 600 * PAGE);

	after = gpu_stats(gpu);
	assert_int_equal(after.bus_reads - before.bus_reads, 2);
	assert_int_equal(after.tlb_invalidates - before.tlb_invalidates, 1);
	assert_ok(nvbar_unmap(a));
}

static void execute_takes_two_reads_and_one_invalidate(void **state)
{
	(void)state;
	on_every_chip("", execute_costs_what_a_map_costs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_executed_preparation_is_a_mapping_like_any_other),
		cmocka_unit_test(a_preparation_holds_its_range_but_maps_nothing),
		cmocka_unit_test(an_executed_preparation_keeps_only_the_memory_it_needs),
		cmocka_unit_test(a_cancelled_preparation_leaves_no_trace),
		cmocka_unit_test(execute_consumes_the_preparation_also_when_it_fails),
		cmocka_unit_test(a_read_only_preparation_may_take_the_drivers_own_region),
		cmocka_unit_test(prepare_refuses_what_it_cannot_hold),
		cmocka_unit_test(pending_preparations_can_be_executed_in_any_order),
		cmocka_unit_test(a_preparation_suffices_at_every_alignment),
		cmocka_unit_test(execute_takes_two_reads_and_one_invalidate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
