// SPDX-License-Identifier: MIT
/* Identification, boot and the size of VRAM, on registers set by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "attach.h"
#include <nvbar_compat.h>

#include "chip.h"
#include "fake_hw.h"

static struct fake_hw hw;
static struct nvbar_gpu gpu;

/* hardware.md 2: register values of each chip, revision A1. */
static const struct {
	const char *name;
	u32 boot0;
	u32 boot42;
	u8 mmu;
} chips[] = {
	{ "TU102", 0x162000a1, 0x162a1000, 2 }, { "GA100", 0x170000a1, 0x170a1000, 2 },
	{ "GA102", 0xb72000a1, 0x172a1000, 2 }, { "AD102", 0x192000a1, 0x192a1000, 2 },
	{ "GH100", 0x180000a1, 0x180a1000, 3 }, { "GB100", 0x1a0000a1, 0x1a0a1000, 3 },
	{ "GB202", 0x1b2000a1, 0x1b2a1000, 3 },
};

static void identify(const char *name)
{
	unsigned int i;

	fake_init(&hw, &gpu);
	for (i = 0; i < ARRAY_SIZE(chips); i++) {
		if (strcmp(chips[i].name, name))
			continue;
		fake_set(&hw, 0x000000, chips[i].boot0);
		fake_set(&hw, 0x000a00, chips[i].boot42);
	}
	assert_int_equal(nvbar_chip_identify(&gpu), 0);
	assert_string_equal(gpu.chip->name, name);
}

static void every_chip_is_known_by_its_boot_registers(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(chips); i++) {
		identify(chips[i].name);
		assert_int_equal(gpu.chip->mmu->version, chips[i].mmu);
		assert_int_equal(gpu.boot0, chips[i].boot0);
		assert_int_equal(gpu.boot42, chips[i].boot42);
	}
}

/* hardware.md 6 and design.md: 512 MiB from Ampere on, 256 GiB on Blackwell. */
static void page_sizes_grow_with_the_generations(void **state)
{
	const u64 turing = 1ULL << 12 | 1ULL << 16 | 1ULL << 21;
	const u64 ampere = turing | 1ULL << 29;
	const u64 blackwell = ampere | 1ULL << 38;

	(void)state;
	identify("TU102");
	assert_int_equal(gpu.chip->page_sizes, turing);
	identify("GA100");
	assert_int_equal(gpu.chip->page_sizes, ampere);
	identify("AD102");
	assert_int_equal(gpu.chip->page_sizes, ampere);
	identify("GH100");
	assert_int_equal(gpu.chip->page_sizes, ampere);
	identify("GB100");
	assert_int_equal(gpu.chip->page_sizes, blackwell);
	identify("GB202");
	assert_int_equal(gpu.chip->page_sizes, blackwell);
}

static void an_unknown_chip_is_refused_by_both_its_values(void **state)
{
	(void)state;
	fake_init(&hw, &gpu);
	fake_set(&hw, 0x000000, 0x164000a1);	/* a TU104 */
	fake_set(&hw, 0x000a00, 0x164a1000);
	assert_int_equal(nvbar_chip_identify(&gpu), -EOPNOTSUPP);
	assert_non_null(strstr(hw.message, "0x164000a1"));
	assert_non_null(strstr(hw.message, "0x164a1000"));
}

static void all_ones_are_no_gpu(void **state)
{
	(void)state;
	fake_init(&hw, &gpu);
	hw.dead = true;
	assert_int_equal(nvbar_chip_identify(&gpu), -ENODEV);
}

static void a_virtual_gpu_is_refused(void **state)
{
	(void)state;
	fake_init(&hw, &gpu);
	fake_set(&hw, 0x000000, 0xb72000a1);
	fake_set(&hw, 0x000a00, 0x172a1000);
	fake_set(&hw, 0x000004, 0x00010000);
	assert_int_equal(nvbar_chip_identify(&gpu), -EOPNOTSUPP);
}

/* hardware.md 3 */
static void turing_boot_waits_for_the_mask_and_then_the_progress(void **state)
{
	unsigned int i, first_progress = 0, last_mask = 0;

	(void)state;
	identify("TU102");
	fake_set_after(&hw, 0x118128, 0xfffffffe, 3, 0xffffffff & ~2u);
	fake_set_after(&hw, 0x118234, 0x12345608, 2, 0x123456ff);
	fake_clear_log(&hw);
	assert_int_equal(nvbar_chip_wait_boot(&gpu), 0);
	assert_int_equal(fake_count(&hw, false, 0x118128), 4);
	assert_int_equal(fake_count(&hw, false, 0x118234), 3);
	for (i = 0; i < hw.nr_log; i++) {
		if (hw.log[i].off == 0x118128)
			last_mask = i;
		if (hw.log[i].off == 0x118234 && !first_progress)
			first_progress = i;
	}
	assert_true(last_mask < first_progress);
}

static void later_chips_boot_by_one_register_of_their_family(void **state)
{
	static const struct {
		const char *name;
		u32 reg;
	} cases[] = { { "GH100", 0x200bc }, { "GB100", 0x200bc }, { "GB202", 0xad00bc } };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		identify(cases[i].name);
		fake_set_after(&hw, cases[i].reg, 0, 5, 0xff);
		fake_clear_log(&hw);
		assert_int_equal(nvbar_chip_wait_boot(&gpu), 0);
		assert_int_equal(fake_count(&hw, false, cases[i].reg), 6);
		assert_int_equal(hw.nr_log, 6);
	}
}

/* hardware.md: bit 0 of 0x100b20, from Turing to Hopper; no such register is known later. */
#define SCRUB_STATUS	0x100b20

static void vram_is_scrubbed_before_it_is_used_where_the_gpu_tells(void **state)
{
	static const struct {
		const char *name;
		bool tells;
	} cases[] = {
		{ "TU102", true }, { "GA100", true }, { "GA102", true }, { "AD102", true },
		{ "GH100", true }, { "GB100", false }, { "GB202", false },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		identify(cases[i].name);
		fake_set_after(&hw, SCRUB_STATUS, 0, 5, 1);
		fake_clear_log(&hw);
		assert_int_equal(nvbar_chip_wait_scrub(&gpu), 0);
		assert_int_equal(hw.nr_log, cases[i].tells ? 6 : 0);
		assert_false(gpu.read_back);
		assert_int_equal(hw.message[0], 0);
	}
}

static void all_ones_of_a_gpu_that_answers_say_that_vram_is_scrubbed(void **state)
{
	(void)state;
	identify("GA102");
	fake_set(&hw, SCRUB_STATUS, 0xffffffff);
	assert_int_equal(nvbar_chip_wait_scrub(&gpu), 0);
	assert_false(gpu.read_back);
	assert_int_equal(hw.message[0], 0);
}

/* 0xbad is how a register answers that is not there: waiting is of no use then. */
static void a_gpu_that_never_says_that_vram_is_scrubbed_is_warned_of(void **state)
{
	static const u32 vals[] = { 0, 0xfffffffe, 0xbadf0200, 0xbadf5621 };
	unsigned int i;

	(void)state;
	compat_sleep_pretend(true);
	for (i = 0; i < ARRAY_SIZE(vals); i++) {
		identify("GA102");
		fake_set(&hw, SCRUB_STATUS, vals[i]);
		fake_clear_log(&hw);
		assert_int_equal(nvbar_chip_wait_scrub(&gpu), 0);
		assert_true(gpu.read_back);
		assert_int_equal(hw.level, NVBAR_MSG_WARNING);
		assert_non_null(strstr(hw.message, "PFB_NISO_SCRUB_STATUS (0x100b20)"));
		assert_int_equal(fake_count(&hw, false, SCRUB_STATUS) == 1, i >= 2);
	}
	compat_sleep_pretend(false);
}

static void a_gpu_that_dies_while_booting_is_gone_and_not_late(void **state)
{
	(void)state;
	identify("GA100");
	hw.dead = true;
	assert_int_equal(nvbar_chip_wait_scrub(&gpu), -ENODEV);
	/* ... while it is waited for */
	identify("GA100");
	fake_set(&hw, 0x000000, 0xffffffff);
	fake_set_after(&hw, SCRUB_STATUS, 0, 3, 0xffffffff);
	assert_int_equal(nvbar_chip_wait_scrub(&gpu), -ENODEV);
	assert_int_equal(fake_count(&hw, false, SCRUB_STATUS), 4);
	identify("GH100");
	hw.dead = true;
	assert_int_equal(nvbar_chip_wait_boot(&gpu), -ENODEV);
	identify("TU102");
	hw.dead = true;
	assert_int_equal(nvbar_chip_wait_boot(&gpu), -ENODEV);
}

static void a_gpu_that_dies_has_no_vram_of_any_size(void **state)
{
	(void)state;
	identify("GA102");
	hw.dead = true;
	assert_int_equal(nvbar_chip_read_vram(&gpu), -ENODEV);
}

/* hardware.md 3: what the progress register shows before its mask allows it means nothing. */
static void without_its_mask_the_progress_counts_for_nothing(void **state)
{
	(void)state;
	identify("GA102");
	fake_set(&hw, 0x000000, 0xffffffff);
	fake_set(&hw, 0x118128, 0xffffffff);
	fake_set(&hw, 0x118234, 0x000000ff);
	assert_int_equal(nvbar_chip_wait_boot(&gpu), -ENODEV);
}

/* hardware.md 4.1: the worked examples. */
static void vram_sizes_are_the_manuals(void **state)
{
	static const struct {
		const char *chip;
		u32 reg;
		u32 val;
		u64 want;
	} cases[] = {
		{ "TU102", 0x100ce0, 0x000002c8, 11 * (u64)SZ_1G },
		{ "TU102", 0x100ce0, 0x00000309, 24 * (u64)SZ_1G },
		{ "TU102", 0x100ce0, 0x40000309, 0x5a0000000 },
		{ "GA100", 0x100ce0, 0x0000028a, 40 * (u64)SZ_1G },
		{ "GA100", 0x100ce0, 0x0000028b, 80 * (u64)SZ_1G },
		{ "GA102", 0x1183a4, 0x00006000, 24 * (u64)SZ_1G },
		{ "GH100", 0x1183a4, 0x00014000, 80 * (u64)SZ_1G },
		{ "GB202", 0x1183a4, 0x00002c00, 11 * (u64)SZ_1G },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		identify(cases[i].chip);
		fake_set(&hw, cases[i].reg, cases[i].val);
		assert_int_equal(nvbar_chip_read_vram(&gpu), 0);
		assert_int_equal(gpu.vram_size, cases[i].want);
	}
}

static u64 usable_end(const char *chip, u32 workspace)
{
	identify(chip);
	fake_set(&hw, 0x100ce0, 0x00000309);	/* both registers say 24 GiB */
	fake_set(&hw, 0x1183a4, 0x00006000);
	fake_set(&hw, 0x625f04, workspace);
	assert_int_equal(nvbar_chip_read_vram(&gpu), 0);
	return gpu.usable_end;
}

/* hardware.md 4.2 */
static void workspace_and_frts_are_left_alone(void **state)
{
	const u64 end = 24 * (u64)SZ_1G;

	(void)state;
	/* No valid workspace register: the top 1 MiB, and FRTS of 1 MiB but on GA100. */
	assert_int_equal(usable_end("GA102", 0), end - SZ_2M);
	assert_int_equal(usable_end("GA100", 0), end - SZ_1M);
	/* A valid one within the top 1 MiB counts from its address, aligned down to 128 KiB. */
	assert_int_equal(usable_end("GA102", ((end - SZ_512K) >> 16) << 8 | 9), end - SZ_512K - SZ_1M);
	assert_int_equal(usable_end("TU102", ((end - SZ_64K) >> 16) << 8 | 9), end - SZ_128K - SZ_1M);
	/* One below that means the top 128 KiB. */
	assert_int_equal(usable_end("AD102", ((end - SZ_2M) >> 16) << 8 | 9), end - SZ_128K - SZ_1M);
	/* One that is not in VRAM, or that can't be read, says nothing of it. */
	assert_int_equal(usable_end("GA102", ((end - SZ_512K) >> 16) << 8 | 8), end - SZ_2M);
	assert_int_equal(usable_end("GA102", ((end - SZ_512K) >> 16) << 8 | 0xa), end - SZ_2M);
	assert_int_equal(usable_end("GB202", 0xbadf1209), end - SZ_2M);
	/* Chips without a display are not asked. */
	assert_int_equal(usable_end("GH100", 0xffffffff), end - SZ_2M);
	assert_int_equal(fake_count(&hw, false, 0x625f04), 0);
}

static void a_protected_range_and_the_heap_below_it_are_left_alone(void **state)
{
	const u64 wpr2 = 23 * (u64)SZ_1G;
	const u64 wpr2_end = wpr2 + SZ_256M;

	(void)state;
	identify("GA102");
	fake_set(&hw, 0x1183a4, 0x00006000);
	fake_set(&hw, 0x1fa824, (u32)(wpr2 >> 12) << 4);
	fake_set(&hw, 0x1fa828, (u32)(wpr2_end >> 12) << 4);
	assert_int_equal(nvbar_chip_read_vram(&gpu), 0);
	assert_int_equal(gpu.usable_end, wpr2 - SZ_1M);

	/* Not set: HI is 0, whatever LO holds after reset. */
	fake_set(&hw, 0x1fa824, 0xfffffff0);
	fake_set(&hw, 0x1fa828, 0);
	assert_int_equal(nvbar_chip_read_vram(&gpu), 0);
	assert_int_equal(gpu.usable_end, 24 * (u64)SZ_1G - SZ_2M);

	/* Ends before it begins. */
	fake_set(&hw, 0x1fa828, 0x10);
	assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);

	/* Ends behind VRAM of 24 GiB. */
	fake_set(&hw, 0x1fa824, (u32)(wpr2 >> 12) << 4);
	fake_set(&hw, 0x1fa828, (u32)((24 * (u64)SZ_1G + SZ_128K) >> 12) << 4);
	assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);

	/* Has no room for the heap below it. */
	fake_set(&hw, 0x1fa824, (u32)(SZ_512K >> 12) << 4);
	fake_set(&hw, 0x1fa828, (u32)(SZ_2M >> 12) << 4);
	assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);
}

/* The range that @gpu has under a name; one of length 0 if it has none. */
static struct nvbar_protected range_of(const char *name)
{
	static const struct nvbar_protected none;
	unsigned int i;

	for (i = 0; i < gpu.protect.nr; i++)
		if (!strcmp(gpu.protect.range[i].name, name))
			return gpu.protect.range[i];
	return none;
}

static void assert_range(const char *name, u64 start, u64 end, enum nvbar_protection protection)
{
	struct nvbar_protected range = range_of(name);

	assert_int_equal(range.pa, start);
	assert_int_equal(range.pa + range.len, end);
	assert_int_equal(range.protection, protection);
}

/* hardware.md 4.2: heap and PMU reserve of each chip, in KiB */
static void what_firmware_has_is_known_for_each_chip(void **state)
{
	static const u64 heap[] = { 1024, 1024, 1024, 1024, 2048, 2048, 3072 };
	const u64 end = 24 * (u64)SZ_1G, wpr2 = end - SZ_64M;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(chips); i++) {
		bool blackwell = chips[i].boot42 >> 24 >= 0x1a;
		u64 below = wpr2 - heap[i] * SZ_1K;
		u64 pmu = blackwell ? 24 * (u64)SZ_1M + SZ_128K : 0;

		identify(chips[i].name);
		fake_set(&hw, 0x100ce0, 0x00000309);
		fake_set(&hw, 0x1183a4, 0x00006000);
		fake_set(&hw, 0x1fa824, (u32)(wpr2 >> 8));
		fake_set(&hw, 0x1fa828, (u32)((end - SZ_1M) >> 8));
		assert_int_equal(nvbar_chip_read_vram(&gpu), 0);
		assert_range("VGA workspace", end - SZ_1M, end, NVBAR_PROTECT_KEPT);
		assert_range("WPR2", wpr2, end - SZ_1M, NVBAR_PROTECT_CLOSED);
		assert_range("firmware heap", below, wpr2, NVBAR_PROTECT_RDONLY);
		if (pmu)
			assert_range("PMU", below - pmu, below, NVBAR_PROTECT_RDONLY);
		else
			assert_int_equal(range_of("PMU").len, 0);
		if (strcmp(chips[i].name, "GA100"))
			assert_range("FRTS", end - SZ_2M, end - SZ_1M, NVBAR_PROTECT_RDONLY);
		else
			assert_int_equal(range_of("FRTS").len, 0);
		assert_int_equal(gpu.usable_end, below - pmu);
	}
}

/* WPR1 lies where it likes: nothing above its start is used. */
static void other_protected_ranges_end_usable_vram_too(void **state)
{
	const u64 start = 3 * (u64)SZ_1G;

	(void)state;
	identify("GA100");
	fake_set(&hw, 0x100ce0, 0x00000309);
	fake_set(&hw, 0x1fa82c, (u32)(start >> 8));
	fake_set(&hw, 0x1fa830, (u32)((start + SZ_64K) >> 8));
	assert_int_equal(nvbar_chip_read_vram(&gpu), 0);
	assert_range("MMU lock range", start, start + SZ_64K, NVBAR_PROTECT_CLOSED);
	assert_int_equal(gpu.usable_end, start);
	fake_set(&hw, 0x1fa81c, (u32)(start >> 9));
	fake_set(&hw, 0x1fa820, (u32)((start / 2 + SZ_4K) >> 8));
	assert_int_equal(nvbar_chip_read_vram(&gpu), 0);
	assert_range("WPR1", start / 2, start / 2 + SZ_4K, NVBAR_PROTECT_CLOSED);
	assert_int_equal(gpu.usable_end, start / 2);

	/* Contradictions, in either */
	fake_set(&hw, 0x1fa820, 0x10);
	assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);
	assert_non_null(strstr(hw.message, "WPR1"));
	fake_set(&hw, 0x1fa820, 0);
	fake_set(&hw, 0x1fa830, 0x10);
	assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);
	assert_non_null(strstr(hw.message, "lock range"));

	identify("GA102");
	fake_set(&hw, 0x1183a4, 0x00006000);
	assert_int_equal(nvbar_chip_read_vram(&gpu), 0);
	assert_int_equal(fake_count(&hw, false, 0x1fa82c), 0);
}

/* What the CPU may not read is 0xbad.....: no address, no size. */
static void registers_that_read_as_errors_are_not_believed(void **state)
{
	const u64 end = 24 * (u64)SZ_1G;

	(void)state;
	/* A board whose display is fused off; a chip without WPR1 */
	assert_int_equal(usable_end("GA102", 0xbadf5048), end - SZ_2M);
	fake_set(&hw, 0x1fa81c, 0xbadf1100);
	fake_set(&hw, 0x1fa820, 0xbadf1100);
	assert_int_equal(nvbar_chip_read_vram(&gpu), 0);
	assert_int_equal(range_of("WPR1").len, 0);

	/* Where WPR2 is nobody knows then. */
	fake_set(&hw, 0x1fa824, 0xbadf1100);
	fake_set(&hw, 0x1fa828, 0xbadf1100);
	assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);

	identify("TU102");
	fake_set(&hw, 0x100ce0, 0xbadf1201);
	assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);
	identify("GH100");
	fake_set(&hw, 0x1183a4, 0xbadf1201);
	assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);
}

static void a_workspace_past_the_end_of_vram_is_refused(void **state)
{
	const u64 end = 24 * (u64)SZ_1G;

	(void)state;
	identify("GA102");
	fake_set(&hw, 0x1183a4, 0x00006000);
	fake_set(&hw, 0x625f04, (u32)(end >> 16) << 8 | 9);
	assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);
	assert_non_null(strstr(hw.message, "workspace"));
}

/* The address alone does not make an instance block this driver's. */
static void page_tables_in_system_memory_are_another_drivers(void **state)
{
	const struct nvbar_hw_ops *ops;
	u64 left;

	(void)state;
	identify("GA102");
	ops = gpu.ops;
	fake_set(&hw, 0x1183a4, 0x00006000);
	fake_set(&hw, 0x118128, 1);
	fake_set(&hw, 0x118234, 0xff);
	assert_int_equal(nvbar_gpu_attach(&gpu, ops, &hw, SZ_256M, NVBAR_GPU_OBSERVE), 0);
	left = gpu.inst_pa;
	nvbar_gpu_detach(&gpu);

	/* Virtual, coherent system memory */
	fake_set(&hw, 0xb80f40, 0x80000000 | 2 << 28 | (u32)(left >> 12));
	memset(&gpu, 0, sizeof(gpu));
	assert_int_equal(nvbar_gpu_attach(&gpu, ops, &hw, SZ_256M, 0), -EBUSY);
	assert_int_equal(gpu.inst_pa, left);
}

static void a_size_that_makes_no_sense_is_refused(void **state)
{
	static const u32 sizes[] = { 0, 0x08000001, 0xfffffffe };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		identify("GA102");
		fake_set(&hw, 0x1183a4, sizes[i]);
		assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);
	}
}

/* What neither an entry nor the window can name is not usable. */
static void usable_vram_ends_where_entries_and_window_reach(void **state)
{
	(void)state;
	identify("GA102");
	fake_set(&hw, 0x1183a4, 512 * 1024);
	assert_int_equal(nvbar_chip_read_vram(&gpu), 0);
	assert_int_equal(gpu.vram_size, 512 * (u64)SZ_1G);
	assert_int_equal(gpu.usable_end, 128 * (u64)SZ_1G);	/* v2 entries: 37 bits */

	identify("GH100");
	fake_set(&hw, 0x1183a4, 512 * 1024);
	assert_int_equal(nvbar_chip_read_vram(&gpu), 0);
	assert_int_equal(gpu.usable_end, 256 * (u64)SZ_1G);	/* 22 bits of 64 KiB */

	identify("GB100");
	fake_set(&hw, 0x1183a4, 512 * 1024);
	assert_int_equal(nvbar_chip_read_vram(&gpu), 0);
	assert_int_equal(gpu.usable_end, 512 * (u64)SZ_1G - SZ_2M);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_chip_is_known_by_its_boot_registers),
		cmocka_unit_test(page_sizes_grow_with_the_generations),
		cmocka_unit_test(an_unknown_chip_is_refused_by_both_its_values),
		cmocka_unit_test(all_ones_are_no_gpu),
		cmocka_unit_test(a_virtual_gpu_is_refused),
		cmocka_unit_test(turing_boot_waits_for_the_mask_and_then_the_progress),
		cmocka_unit_test(later_chips_boot_by_one_register_of_their_family),
		cmocka_unit_test(vram_is_scrubbed_before_it_is_used_where_the_gpu_tells),
		cmocka_unit_test(all_ones_of_a_gpu_that_answers_say_that_vram_is_scrubbed),
		cmocka_unit_test(a_gpu_that_never_says_that_vram_is_scrubbed_is_warned_of),
		cmocka_unit_test(a_gpu_that_dies_while_booting_is_gone_and_not_late),
		cmocka_unit_test(a_gpu_that_dies_has_no_vram_of_any_size),
		cmocka_unit_test(without_its_mask_the_progress_counts_for_nothing),
		cmocka_unit_test(vram_sizes_are_the_manuals),
		cmocka_unit_test(workspace_and_frts_are_left_alone),
		cmocka_unit_test(a_protected_range_and_the_heap_below_it_are_left_alone),
		cmocka_unit_test(what_firmware_has_is_known_for_each_chip),
		cmocka_unit_test(other_protected_ranges_end_usable_vram_too),
		cmocka_unit_test(registers_that_read_as_errors_are_not_believed),
		cmocka_unit_test(a_workspace_past_the_end_of_vram_is_refused),
		cmocka_unit_test(page_tables_in_system_memory_are_another_drivers),
		cmocka_unit_test(a_size_that_makes_no_sense_is_refused),
		cmocka_unit_test(usable_vram_ends_where_entries_and_window_reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
