// SPDX-License-Identifier: MIT
/*
 * What a bus makes of accesses, seen from above the driver: words of 64 bits are two
 * accesses with others between them, and writes arrive when they like.
 */
#include "helper.h"

#include <nvbar_compat.h>

#include "internal.h"
#include "sim.h"

#define A	MIB(64)

static struct sim_gpu *sim_of(struct nvbar *gpu)
{
	return nvbar_backend_sim_gpu(gpu->backend);
}

/* --- another CPU uses a live mapping while a map is made ---------------------------- */

#define NR_PAGES	16

/**
 * struct user - another CPU with a mapping of its own
 * @sim: the GPU
 * @va: where it begins
 * @page: which one it uses next
 * @looks: how often it did
 * @astray: how often it would have reached something else
 */
struct user {
	struct sim_gpu *sim;
	uint64_t va;
	unsigned int page, looks, astray;
};

/* Every other page, so that 4 KiB leaves show them. */
static uint64_t page_of_user(unsigned int i)
{
	return A + 2 * i * PAGE;
}

static void use_next_page(void *arg)
{
	struct user *user = arg;
	uint64_t pa = 0;

	/* What was written so far has arrived, as it may. */
	sim_land(user->sim);
	user->page = (user->page + 1) % NR_PAGES;
	user->looks++;
	if (!sim_vram_behind(user->sim, 1, user->va + user->page * PAGE, true, &pa) ||
	    pa != page_of_user(user->page))
		user->astray++;
}

/*
 * Valid entries where the address of a table would lead of which the upper half is
 * missing: v3 has the address in place, v2 address >> 4.
 */
static void lay_lures(struct nvbar *gpu, struct sim_gpu *sim)
{
	struct nvbar_info info = gpu_info(gpu);
	bool v3 = info.mmu_version == 3;
	uint64_t lure = v3 ? 0x0000000020000601ull : 0x0600000002000001ull;
	uint64_t cut = info.reserved_pa & (v3 ? 0xffffffffull : 0xfffffffffull), off;

	if (cut == info.reserved_pa)
		return;
	for (off = 0; off < info.reserved_len; off += sizeof(lure))
		assert_true(sim_vram_poke(sim, cut + off, &lure, sizeof(lure)));
}

/*
 * A leaf of 64 KiB comes into 2 MiB where 4 KiB leaves are live, and goes again.
 * The MMU remembers nothing, so that it looks at each entry all the time.
 */
static void map_beside(const char *device)
{
	struct nvbar *gpu = gpu_open(device);
	struct sim_gpu *sim = sim_of(gpu);
	struct user user = { .sim = sim };
	struct nvbar_access *live, *big;
	uint64_t pfn[NR_PAGES];
	unsigned int i;

	for (i = 0; i < NR_PAGES; i++)
		pfn[i] = page_of_user(i) / PAGE;
	assert_ok(nvbar_map_pages(gpu, pfn, NR_PAGES, 0, &live));
	user.va = nvbar_access_base(live);
	lay_lures(gpu, sim);
	sim_on_access(sim, use_next_page, &user);
	for (i = 0; i < 3; i++) {
		big = map_at(gpu, MIB(128) + i * KIB(64), KIB(64), 0);
		assert_int_equal(nvbar_access_base(big) >> 21, user.va >> 21);
		assert_int_equal(walk_at(gpu, nvbar_access_base(big)).page_size, KIB(64));
		assert_ok(nvbar_unmap(big));
		nvbar_trim(gpu);
	}
	sim_on_access(sim, NULL, NULL);
	assert_true(user.looks > 100);
	assert_int_equal(user.astray, 0);
	assert_ok(nvbar_unmap(live));
	gpu_close(gpu);
}

static void a_live_mapping_leads_to_its_pages_between_any_two_accesses_of_a_map(void **state)
{
	(void)state;
	map_beside("sim:gh100,vram=80G,evict=1");
	map_beside("sim:gb202,vram=8G,evict=1");
	map_beside("sim:ga100,vram=80G,evict=1");
	map_beside("sim:tu102,vram=8G,evict=1");
}

/* --- writes that arrive late --------------------------------------------------------- */

/* With a static mapping, handles come and go without a word to the GPU. */
static void a_page_that_is_handed_on_gets_nothing_late_of_its_earlier_owner(void **state)
{
	static const char *const devices[] = {
		"sim:ga102,vram=1G,bar1=1G,landing=late", "sim:gh100,vram=1G,bar1=1G,landing=late",
	};
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(devices); i++) {
		const struct nvbar_open_opts opts = {
			.size = sizeof(opts), .flags = NVBAR_OPEN_STATIC,
		};
		const struct nvbar_vram_opts where = {
			.size = sizeof(where), .range_start = A, .range_end = A + PAGE,
		};
		struct nvbar_access *a;
		struct nvbar_vram *vram;
		struct nvbar *gpu;

		assert_ok(nvbar_open(&gpu, devices[i], &opts));
		assert_ok(nvbar_vram_alloc(gpu, PAGE, &where, &vram));
		assert_ok(nvbar_map_vram(gpu, vram, 0, PAGE, 0, &a));
		assert_ok(nvbar_write64(a, 64, 0x5ec7e7));
		assert_ok(nvbar_unmap(a));
		nvbar_vram_free(vram);

		assert_ok(nvbar_vram_alloc(gpu, PAGE, &where, &vram));
		sim_land(sim_of(gpu));
		assert_int_equal(pramin_rd64(gpu, A + 64), 0);
		nvbar_vram_free(vram);
		gpu_close(gpu);
	}
}

/* A mapping whose end failed has not waited for its writes: who gets its pages does. */
static void a_page_of_a_mapping_that_could_not_end_gets_nothing_late_either(void **state)
{
	static const char *const devices[] = {
		"sim:ga102,vram=1G,landing=late", "sim:gh100,vram=1G,landing=late",
	};
	const struct nvbar_vram_opts where = {
		.size = sizeof(where), .range_start = A, .range_end = A + PAGE,
	};
	const struct sim_inject stuck = { .invalidate_stuck = 1 };
	struct nvbar_access *a;
	struct nvbar_vram *vram;
	struct nvbar *gpu;
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(devices); i++) {
		gpu = gpu_open(devices[i]);
		assert_ok(nvbar_vram_alloc(gpu, PAGE, &where, &vram));
		assert_ok(nvbar_map_vram(gpu, vram, 0, PAGE, 0, &a));
		assert_ok(nvbar_write64(a, 64, 0x5ec7e7));
		sim_inject(sim_of(gpu), &stuck);
		assert_err(nvbar_unmap(a), ETIMEDOUT);
		nvbar_vram_free(vram);

		/* Not as long as they may still arrive ... */
		vram = UNTOUCHED;
		assert_err(nvbar_vram_alloc(gpu, PAGE, &where, &vram), ETIMEDOUT);
		assert_ptr_equal(vram, UNTOUCHED);
		sim_inject(sim_of(gpu), NULL);
		/* ... but then. */
		assert_ok(nvbar_vram_alloc(gpu, PAGE, &where, &vram));
		sim_land(sim_of(gpu));
		assert_int_equal(pramin_rd64(gpu, A + 64), 0);
		nvbar_vram_free(vram);
		gpu_close(gpu);
	}
}

/* A mapping of its own ends when its writes have arrived. */
static void what_was_written_before_an_unmap_has_arrived_after_it(void **state)
{
	struct nvbar *gpu = gpu_open("sim:ga102,landing=late");
	struct nvbar_access *a = map_at(gpu, A, PAGE, 0);
	uint64_t word;

	(void)state;
	assert_ok(nvbar_write64(a, 0, 0x1111));
	assert_true(sim_vram_peek(sim_of(gpu), A, &word, 8));
	assert_int_not_equal(word, 0x1111);
	assert_ok(nvbar_unmap(a));
	assert_true(sim_vram_peek(sim_of(gpu), A, &word, 8));
	assert_int_equal(word, 0x1111);
	gpu_close(gpu);
}

static void what_was_written_before_a_flush_has_arrived_after_it(void **state)
{
	struct nvbar *gpu = gpu_open("sim:gb202,landing=late");
	struct nvbar_access *a = map_at(gpu, A, MIB(1), 0);
	static uint8_t out[12345], in[sizeof(out)];

	(void)state;
	memset(out, 0x5a, sizeof(out));
	assert_ok(nvbar_write(a, 777, out, sizeof(out)));
	assert_true(sim_vram_peek(sim_of(gpu), A + 777, in, sizeof(in)));
	assert_memory_not_equal(in, out, sizeof(in));
	assert_ok(nvbar_flush(a));
	assert_true(sim_vram_peek(sim_of(gpu), A + 777, in, sizeof(in)));
	assert_memory_equal(in, out, sizeof(in));
	assert_ok(nvbar_unmap(a));
	gpu_close(gpu);
}

/* --- what a bus carries --------------------------------------------------------------- */

static uint64_t transactions_since(struct nvbar *gpu, struct nvbar_stats *before)
{
	struct nvbar_stats now = gpu_stats(gpu);
	uint64_t nr = now.bus_transactions - before->bus_transactions;

	*before = now;
	return nr;
}

static void a_line_is_one_transaction_if_it_is_written_in_its_order_and_at_once(void **state)
{
	struct nvbar *gpu = gpu_open("sim:ga102");
	struct nvbar_access *a = map_at(gpu, A, MIB(1), 0);
	struct nvbar_stats before = gpu_stats(gpu);
	uint8_t line[4096] = { 0 };
	int i;

	(void)state;
	for (i = 7; i >= 0; i--)
		assert_ok(nvbar_write64(a, 8 * (uint64_t)i, 1));
	assert_int_equal(transactions_since(gpu, &before), 8);
	assert_ok(nvbar_write(a, 0, line, 64));
	assert_int_equal(transactions_since(gpu, &before), 1);
	assert_ok(nvbar_write(a, 60, line, 72));	/* 4 bytes, a line, 4 bytes */
	assert_int_equal(transactions_since(gpu, &before), 3);
	assert_ok(nvbar_fill(a, 0, 0, MIB(1)));
	assert_int_equal(transactions_since(gpu, &before), MIB(1) / 64);
	assert_ok(nvbar_write(a, 0, line, sizeof(line)));
	assert_int_equal(transactions_since(gpu, &before), sizeof(line) / 64);
	assert_ok(nvbar_unmap(a));
	gpu_close(gpu);
}

/* Entries go through PRAMIN: two transactions a word. */
static void a_map_takes_two_transactions_a_word(void **state)
{
	struct nvbar *gpu = gpu_open("sim:gh100");
	struct nvbar_stats before, after;
	struct nvbar_access *a;
	uint64_t pfn[2000], regs;
	size_t i, round;

	(void)state;
	for (i = 0; i < NR_OF(pfn); i++)
		pfn[i] = A / PAGE + 2 * i;
	for (round = 0; round < 2; round++) {
		before = gpu_stats(gpu);
		assert_ok(nvbar_map_pages(gpu, pfn, NR_OF(pfn), 0, &a));
		after = gpu_stats(gpu);
		/* Of the registers, the window's and the three of the invalidate */
		regs = after.window_moves - before.window_moves + 3;
		assert_int_equal(after.bus_transactions - before.bus_transactions,
				 2 * (after.bus_writes - before.bus_writes - regs) + regs);
		assert_true(after.bus_writes - before.bus_writes > NR_OF(pfn));
		assert_ok(nvbar_unmap(a));
	}
	gpu_close(gpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_live_mapping_leads_to_its_pages_between_any_two_accesses_of_a_map),
		cmocka_unit_test(a_page_that_is_handed_on_gets_nothing_late_of_its_earlier_owner),
		cmocka_unit_test(
			a_page_of_a_mapping_that_could_not_end_gets_nothing_late_either),
		cmocka_unit_test(what_was_written_before_an_unmap_has_arrived_after_it),
		cmocka_unit_test(what_was_written_before_a_flush_has_arrived_after_it),
		cmocka_unit_test(
			a_line_is_one_transaction_if_it_is_written_in_its_order_and_at_once),
		cmocka_unit_test(a_map_takes_two_transactions_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
