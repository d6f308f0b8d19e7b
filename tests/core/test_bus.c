// SPDX-License-Identifier: MIT
/* Which accesses PRAMIN and the TLB invalidate make, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "bar1.h"
#include "chip.h"
#include <nvbar_compat.h>

#include "fake_hw.h"
#include "pramin.h"
#include "tlb.h"

#define WINDOW_TU	0x001700
#define WINDOW_GH	0x10fd40
#define PRAMIN		0x700000

static struct fake_hw hw;
static struct nvbar_gpu gpu;

static void start(u32 boot42)
{
	fake_init(&hw, &gpu);
	fake_set(&hw, 0x000000, 0xb72000a1);
	fake_set(&hw, 0x000a00, boot42);
	assert_int_equal(nvbar_chip_identify(&gpu), 0);
	nvbar_pramin_init(&gpu);
	fake_clear_log(&hw);
}

#define GA102	0x172a1000	/* PMC_BOOT_42 */

static void start_ga102(void)
{
	start(GA102);
}

static void assert_access(unsigned int i, bool write, u32 off, unsigned int width, u64 val)
{
	assert_true(i < hw.nr_log);
	assert_int_equal(hw.log[i].write, write);
	assert_int_equal(hw.log[i].off, off);
	assert_int_equal(hw.log[i].width, width);
	assert_int_equal(hw.log[i].val, val);
}

/* hardware.md 5: to reach 0x13ffff0000 write 0x13ffff. */
static void the_window_moves_to_64_kib_units_of_the_address(void **state)
{
	(void)state;
	start_ga102();
	nvbar_pramin_wr(&gpu, 0x13ffff0010, 4, 0x11223344);
	assert_int_equal(hw.nr_log, 3);
	assert_access(0, true, WINDOW_TU, 4, 0x13ffff);
	assert_access(1, false, WINDOW_TU, 4, 0x13ffff);	/* it is there */
	assert_access(2, true, PRAMIN + 0x10, 4, 0x11223344);

	start(0x180a1000);
	nvbar_pramin_wr(&gpu, 0x13ffff0010, 1, 0x44);
	assert_access(0, true, WINDOW_GH, 4, 0x13ffff);
}

static void the_window_stays_while_its_1_mib_suffices(void **state)
{
	u64 pa;

	(void)state;
	start_ga102();
	for (pa = 0x20000; pa < 0x120000; pa += 0x1000)
		nvbar_pramin_wr(&gpu, pa, 4, 0);
	assert_int_equal(fake_count(&hw, true, WINDOW_TU), 1);
	nvbar_pramin_wr(&gpu, 0x120000, 4, 0);
	assert_int_equal(fake_count(&hw, true, WINDOW_TU), 2);
	nvbar_pramin_wr(&gpu, 0x11fffc, 4, 0);
	assert_int_equal(fake_count(&hw, true, WINDOW_TU), 3);
}

static void the_first_access_moves_the_window_wherever_it_may_be(void **state)
{
	u64 val;

	(void)state;
	start_ga102();
	assert_int_equal(nvbar_pramin_rd(&gpu, 0, 4, &val), 0);
	assert_access(0, true, WINDOW_TU, 4, 0);
}

static void a_block_across_the_window_is_cut_there(void **state)
{
	u64 words[4] = { 1, 2, 3, 4 };

	(void)state;
	start_ga102();
	nvbar_pramin_wr(&gpu, 0x0, 4, 0);
	fake_clear_log(&hw);
	nvbar_pramin_wr_words(&gpu, 0xffff0, words, 4);
	assert_int_equal(hw.nr_log, 6);
	assert_access(0, true, PRAMIN + 0xffff0, 8, 1);
	assert_access(1, true, PRAMIN + 0xffff8, 8, 2);
	assert_access(2, true, WINDOW_TU, 4, 0x10);
	assert_access(3, false, WINDOW_TU, 4, 0x10);
	assert_access(4, true, PRAMIN + 0x0, 8, 3);
	assert_access(5, true, PRAMIN + 0x8, 8, 4);
}

/* Through a window elsewhere a write would be lost, and other data with it. */
static void nothing_is_written_through_a_window_that_does_not_move(void **state)
{
	u64 words[2] = { 1, 2 }, val;

	(void)state;
	start_ga102();
	assert_int_equal(nvbar_pramin_wr(&gpu, 0x200000, 8, 7), 0);
	hw.window_stuck = true;
	fake_clear_log(&hw);
	compat_sleep_pretend(true);
	assert_int_equal(nvbar_pramin_wr_words(&gpu, 0x2ffff8, words, 2), -ETIMEDOUT);
	assert_access(0, true, PRAMIN + 0xffff8, 8, 1);
	assert_access(1, true, WINDOW_TU, 4, 0x2f + 1);
	assert_int_equal(nvbar_pramin_wr(&gpu, 0, 4, 3), -ETIMEDOUT);
	assert_int_equal(nvbar_pramin_rd(&gpu, 0, 4, &val), -ETIMEDOUT);
	assert_int_equal(nvbar_pramin_copy_to(&gpu, 0, words, 9), -ETIMEDOUT);
	assert_int_equal(nvbar_pramin_copy_from(&gpu, 3, words, 9), -ETIMEDOUT);
	compat_sleep_pretend(false);
	assert_int_equal(fake_count(&hw, true, PRAMIN), 0);

	/* Who had the window where it was does not trust it any more, nor takes it for moved. */
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	fake_set(&hw, WINDOW_TU, 0x2f + 1);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	hw.window_stuck = false;
	fake_clear_log(&hw);
	assert_int_equal(nvbar_pramin_rd(&gpu, 0x200000, 8, &val), 0);
	assert_access(0, true, WINDOW_TU, 4, 0x20);
	assert_int_equal(val, 7);

	/* ... not even where other data stand than were written. */
	assert_int_equal(nvbar_pramin_wr(&gpu, 0x200000, 8, 7), 0);
	hw.window_stuck = true;
	compat_sleep_pretend(true);
	assert_int_equal(nvbar_pramin_wr(&gpu, 0, 4, 3), -ETIMEDOUT);
	compat_sleep_pretend(false);
	memset(hw.window, 0xff, sizeof(hw.window));
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
}

static void unaligned_blocks_use_natural_widths_only(void **state)
{
	unsigned char in[64], out[sizeof(in) + 1];
	unsigned int from, len, i;

	(void)state;
	start_ga102();
	for (i = 0; i < sizeof(in); i++)
		in[i] = 0xa0 + i;
	for (from = 0; from < 16; from++) {
		for (len = 1; len + from <= sizeof(in); len++) {
			memset(hw.window, 0x55, 256);
			assert_int_equal(nvbar_pramin_copy_to(&gpu, 0x40 + from, in, len), 0);
			assert_int_equal(hw.window[0x40 + from - 1], 0x55);
			assert_memory_equal(hw.window + 0x40 + from, in, len);
			assert_int_equal(hw.window[0x40 + from + len], 0x55);
			memset(out, 0, sizeof(out));
			assert_int_equal(nvbar_pramin_copy_from(&gpu, 0x40 + from, out, len), 0);
			assert_memory_equal(out, in, len);
			assert_int_equal(out[len], 0);
		}
		for (i = 0; i < hw.nr_log; i++)
			assert_int_equal(hw.log[i].off % hw.log[i].width, 0);
		fake_clear_log(&hw);
	}
}

static void a_copy_of_any_alignment_needs_no_host_memory(void **state)
{
	static unsigned char in[1200], out[sizeof(in) + 8];
	unsigned int at, i;

	(void)state;
	start_ga102();
	for (i = 0; i < sizeof(in); i++)
		in[i] = 7 * i + i / 256;
	for (at = 0; at < 8; at++) {
		compat_alloc_fail_nth(at < 4 ? 0 : 1, true);
		memset(out, 0, sizeof(out));
		assert_int_equal(nvbar_pramin_copy_to(&gpu, 0xff00 + at % 4, in, sizeof(in)), 0);
		assert_int_equal(nvbar_pramin_copy_from(&gpu, 0xff00 + at % 4, out + 1, sizeof(in)), 0);
		assert_int_equal(compat_alloc_failed() > 0, at >= 4);
		compat_alloc_fail_nth(0, false);
		assert_memory_equal(hw.window + 0xff00 + at % 4, in, sizeof(in));
		assert_memory_equal(out + 1, in, sizeof(in));
		assert_int_equal(out[0], 0);
		assert_int_equal(out[sizeof(in) + 1], 0);
		fake_clear_log(&hw);
	}
}

/* hardware.md 5, rule 2: a read of PRAMIN pushes the writes before it. */
static void a_block_write_ends_with_an_ordering_read(void **state)
{
	unsigned int last = 0, i;
	unsigned char byte = 1;

	(void)state;
	start_ga102();
	assert_int_equal(nvbar_pramin_copy_to(&gpu, 0x5003, &byte, 1), 0);
	for (i = 0; i < hw.nr_log; i++)
		if (hw.log[i].write)
			last = i;
	assert_access(last, true, PRAMIN + 0x5003, 1, 1);
	assert_true(last + 1 < hw.nr_log);
	assert_false(hw.log[last + 1].write);
	assert_true(hw.log[last + 1].off >= PRAMIN);
}

/* The oldest is all ones, which would have to be looked into. */
static void the_ordering_read_goes_to_the_newest_word(void **state)
{
	u64 words[3] = { ~0ULL, ~0ULL, 5 };

	(void)state;
	start_ga102();
	nvbar_pramin_wr_words(&gpu, 0x7000, words, 3);
	fake_clear_log(&hw);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	assert_int_equal(hw.nr_log, 2);
	assert_access(0, false, PRAMIN + 0x7010, 4, 5);
	/* Without BAR1 the window's register says whether it is where it was. */
	assert_access(1, false, WINDOW_TU, 4, 0);
	fake_set(&hw, WINDOW_TU, 0x12);
	assert_int_equal(nvbar_pramin_flush(&gpu), -ENODEV);
	assert_non_null(strstr(hw.message, "the GPU was reset, or another driver has it"));
}

#define OWN	0x2000000ULL	/* the driver's region, 4 MiB of it */

/* hardware.md 9: virtual, in video memory, bound to the instance block at 0x40000 */
static void start_bound(u32 boot42)
{
	start(boot42);
	gpu.inst_pa = 0x40000;
	gpu.reserved_pa = OWN;
	gpu.reserved_len = 0x400000;
	gpu.vmm.enabled = true;
	fake_set(&hw, 0xb80f40, 0x80000040);
	fake_set(&hw, 0xb80f60, 0x00040200);
}

static void wr32(u64 pa, u32 val)
{
	assert_int_equal(nvbar_pramin_wr(&gpu, pa, 4, val), 0);
}

/*
 * Through a window that a reset has moved even the newest word reads as it was
 * written.  So the bind register is asked once, and then an older word, as long as
 * there is one.
 */
static void the_ordering_read_goes_to_a_word_older_than_the_newest(void **state)
{
	static const struct {
		u32 boot42;
		u32 bind;
	} cases[] = { { GA102, 0xb80f40 }, { 0x180a1000, 0xb80f60 } };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		start_bound(cases[i].boot42);
		wr32(OWN + 0x7000, 7);
		fake_clear_log(&hw);
		assert_int_equal(nvbar_pramin_flush(&gpu), 0);
		assert_int_equal(hw.nr_log, 2);
		assert_access(0, false, PRAMIN + 0x7000, 4, 7);
		assert_int_equal(hw.log[1].off, cases[i].bind);

		wr32(OWN + 0x7010, 8);
		fake_clear_log(&hw);
		assert_int_equal(nvbar_pramin_flush(&gpu), 0);
		assert_int_equal(hw.nr_log, 1);
		assert_access(0, false, PRAMIN + 0x7000, 4, 7);

		/* What tells nothing takes its place, then a word that does. */
		wr32(OWN + 0x7000, 0);
		wr32(OWN + 0x7010, ~0u);
		fake_clear_log(&hw);
		assert_int_equal(nvbar_pramin_flush(&gpu), 0);
		assert_int_equal(fake_count(&hw, false, cases[i].bind), 1);
		wr32(OWN + 0x7020, 9);
		assert_int_equal(nvbar_pramin_flush(&gpu), 0);
		wr32(OWN + 0x7000, 0);
		fake_clear_log(&hw);
		assert_int_equal(nvbar_pramin_flush(&gpu), 0);
		assert_int_equal(hw.nr_log, 1);
		assert_access(0, false, PRAMIN + 0x7020, 4, 9);
	}
}

/* A block over the word, or one byte in it, or its neighbours */
static void a_word_that_is_written_again_is_no_older(void **state)
{
	u64 words[2] = { 1, 0 };

	(void)state;
	start_bound(GA102);
	wr32(OWN + 0x7008, 7);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	assert_int_equal(nvbar_pramin_wr(&gpu, OWN + 0x700c, 1, 1), 0);
	assert_int_equal(nvbar_pramin_wr(&gpu, OWN + 0x7007, 1, 1), 0);
	fake_clear_log(&hw);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	assert_int_equal(hw.nr_log, 1);

	assert_int_equal(nvbar_pramin_wr(&gpu, OWN + 0x700b, 1, 1), 0);
	fake_clear_log(&hw);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	assert_int_equal(fake_count(&hw, false, 0xb80f40), 1);
	assert_int_equal(fake_count(&hw, false, 0x000000), 0);

	wr32(OWN + 0x7008, 7);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	assert_int_equal(nvbar_pramin_wr_words(&gpu, OWN + 0x7000, words, 2), 0);
	fake_clear_log(&hw);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	assert_int_equal(fake_count(&hw, false, 0xb80f40), 1);
	assert_int_equal(fake_count(&hw, false, 0x000000), 0);
}

/* architecture.md: the window on the last MiB of the driver's region covers its last page. */
static void the_end_of_the_drivers_region_has_one_window(void **state)
{
	const u64 end = 0x12340000, mib = 0x100000;

	(void)state;
	start_bound(GA102);
	gpu.reserved_pa = end - 4 * mib;
	gpu.reserved_len = 4 * mib;
	nvbar_pramin_set_anchor(&gpu, end - 0x1000 + 0x200, 0x12345c00);
	wr32(end - mib, 1);
	assert_int_equal(hw.log[0].val, (end - mib) >> 16);
	memcpy(hw.window + mib - 0x1000 + 0x200, (u32[]){ 0x12345c00 }, 4);
	wr32(end - 0x30000, 1);
	wr32(end - 4, 1);
	assert_int_equal(fake_count(&hw, true, WINDOW_TU), 1);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	fake_clear_log(&hw);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	assert_int_equal(hw.nr_log, 1);
	assert_access(0, false, PRAMIN + mib - 0x1000 + 0x200, 4, 0x12345c00);

	/* From the end back, and not from the middle. */
	wr32(end - 2 * mib, 1);
	wr32(end - 0x30000, 1);
	assert_int_equal(gpu.pramin.base, end - mib);
	wr32(end - 2 * mib - 4, 1);
	assert_int_equal(gpu.pramin.base, end - 2 * mib - 0x10000);
	wr32(end, 1);
	assert_int_equal(gpu.pramin.base, end);
}

/* Data may be the same in two places: as it was it shows nothing, otherwise it makes one look. */
static void a_word_of_the_users_shows_no_reset_to_be_absent(void **state)
{
	static const u64 at[] = { 0, OWN - 0x200000, OWN + 0x400000 };
	unsigned int i, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		start_bound(GA102);
		for (n = 0; n < 3; n++) {
			wr32(at[i] + 0x7000 + 8 * n, 7);
			fake_clear_log(&hw);
			assert_int_equal(nvbar_pramin_flush(&gpu), 0);
			assert_int_equal(hw.nr_log, 2);
			assert_access(0, false, PRAMIN + 0x7000, 4, 7);
			assert_int_equal(hw.log[1].off, 0xb80f40);
		}
		/* Who moves the window and does not bind is found out by it all the same. */
		memset(hw.window, 1, sizeof(hw.window));
		fake_set(&hw, WINDOW_TU, 0x55);
		assert_int_equal(nvbar_pramin_flush(&gpu), -ENODEV);
		assert_non_null(strstr(hw.message, "another driver has this GPU"));
	}
}

/* The window is there after a reset, too, and so is all that was written. */
static void a_word_of_the_drivers_shows_nothing_in_a_window_at_0(void **state)
{
	unsigned int n;

	(void)state;
	start_bound(GA102);
	gpu.reserved_pa = 0x8000;
	gpu.reserved_len = 0xf8000;
	nvbar_pramin_set_anchor(&gpu, 0xff200, 0x12345c00);
	for (n = 0; n < 3; n++) {
		wr32(0x9000 + 8 * n, 7);
		memcpy(hw.window + 0xff200, (u32[]){ 0x12345c00 }, 4);
		fake_clear_log(&hw);
		assert_int_equal(nvbar_pramin_flush(&gpu), 0);
		assert_int_equal(hw.nr_log, 2);
		assert_int_equal(hw.log[1].off, 0xb80f40);
	}
	fake_set(&hw, 0xb80f40, 0);
	assert_int_equal(nvbar_pramin_flush(&gpu), -ENODEV);
	assert_non_null(strstr(hw.message, "the GPU was reset"));
}

static void a_word_of_the_drivers_takes_the_place_of_a_users(void **state)
{
	(void)state;
	start_bound(GA102);
	wr32(OWN - 0x1000, 5);
	wr32(OWN + 0x100, 6);
	wr32(OWN + 0x200, 7);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	wr32(OWN - 0x1000, 8);
	fake_clear_log(&hw);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	assert_int_equal(hw.nr_log, 1);
	assert_access(0, false, PRAMIN + 0x10100, 4, 6);
}

static void a_word_that_is_not_as_it_was_makes_the_driver_look(void **state)
{
	(void)state;
	start_bound(GA102);
	wr32(OWN + 0x7000, 7);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	/* Somebody changed it: data may be changed. */
	memset(hw.window, 1, sizeof(hw.window));
	fake_clear_log(&hw);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	assert_int_equal(fake_count(&hw, false, 0x000000), 1);
	assert_int_equal(fake_count(&hw, false, 0xb80f40), 1);

	/* A reset: physical mode, and another word. */
	wr32(OWN + 0x7010, 7);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	memset(hw.window, 2, sizeof(hw.window));
	fake_set(&hw, 0xb80f40, 0);
	assert_int_equal(nvbar_pramin_flush(&gpu), -ENODEV);
	assert_non_null(strstr(hw.message, "the GPU was reset"));
	fake_set(&hw, 0xb80f40, 0x80000040);
	fake_clear_log(&hw);
	assert_int_equal(nvbar_pramin_flush(&gpu), -ENODEV);
	assert_int_equal(nvbar_pramin_wr(&gpu, OWN + 0x7000, 4, 1), -ENODEV);
	assert_int_equal(hw.nr_log, 0);
}

/* By whoever finds it first; the others, who looked at the same time, say nothing. */
static void a_loss_is_told_once(void **state)
{
	(void)state;
	start_bound(GA102);
	hw.dead = true;
	assert_int_equal(nvbar_gpu_alive(&gpu), -ENODEV);
	assert_int_equal(hw.nr_messages, 1);
	fake_clear_log(&hw);
	assert_int_equal(nvbar_gpu_alive(&gpu), -ENODEV);
	assert_int_equal(nvbar_bar1_look(&gpu), -ENODEV);
	assert_int_equal(nvbar_gpu_lose(&gpu, "another reason"), -ENODEV);
	assert_int_equal(hw.nr_messages, 1);
	assert_non_null(strstr(hw.message, "the GPU is gone"));
	assert_int_equal(hw.nr_log, 0);
}

/* Where it was unplugged from a virtual machine. */
static void a_gpu_that_turns_to_zeroes_is_lost(void **state)
{
	(void)state;
	start_bound(GA102);
	wr32(OWN + 0x7000, 7);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	memset(hw.window, 0, sizeof(hw.window));
	fake_set(&hw, 0x000000, 0);
	fake_set(&hw, 0xb80f40, 0);
	assert_int_equal(nvbar_pramin_flush(&gpu), -ENODEV);
	assert_non_null(strstr(hw.message, "PMC_BOOT_0 was 0xb72000a1 and reads as 0x00000000"));
}

static void all_ones_are_data_while_the_gpu_answers(void **state)
{
	unsigned char out[8];

	(void)state;
	start_ga102();
	memset(hw.window, 0xff, 64);
	assert_int_equal(nvbar_pramin_copy_from(&gpu, 0, out, 8), 0);
	assert_int_equal(nvbar_pramin_flush(&gpu), 0);
	hw.dead = true;
	assert_int_equal(nvbar_pramin_copy_from(&gpu, 0, out, 8), -ENODEV);
	assert_int_equal(nvbar_pramin_flush(&gpu), -ENODEV);
	assert_int_equal(nvbar_pramin_copy_to(&gpu, 0, out, 8), -ENODEV);
}

/* hardware.md 8.2: the worked PDB arithmetic; 8.3: hub only 0x80000005, + membar and ack 0x800000c5 */
static void an_invalidate_names_its_pdb_and_waits(void **state)
{
	(void)state;
	start_ga102();
	fake_set_after(&hw, 0xb830b0, 0x80000005, 2, 0x00000005);
	assert_int_equal(nvbar_tlb_invalidate(&gpu, 0x13fffff000, NVBAR_TLB_UPGRADE), 0);
	assert_int_equal(hw.nr_log, 6);
	assert_access(0, true, 0xb830a0, 4, 0x13fffff0);
	assert_access(1, true, 0xb830a4, 4, 0);
	assert_access(2, true, 0xb830b0, 4, 0x80000005);
	assert_access(5, false, 0xb830b0, 4, 0x00000005);

	start_ga102();
	assert_int_equal(nvbar_tlb_invalidate(&gpu, 0x12345000, NVBAR_TLB_DOWNGRADE), 0);
	assert_access(0, true, 0xb830a0, 4, 0x00123450);
	assert_access(2, true, 0xb830b0, 4, 0x800000c5);

	/* An address above 40 bits, which the upper register takes. */
	start_ga102();
	assert_int_equal(nvbar_tlb_invalidate(&gpu, 0x1234567890000, NVBAR_TLB_UPGRADE), 0);
	assert_access(0, true, 0xb830a0, 4, 0x45678900);
	assert_access(1, true, 0xb830a4, 4, 0x123);
}

static void a_stuck_invalidate_is_waited_for_before_the_next(void **state)
{
	unsigned int first;

	(void)state;
	start_ga102();
	fake_set(&hw, 0xb830b0, 0x80000005);
	assert_int_equal(nvbar_tlb_invalidate(&gpu, 0x1000, NVBAR_TLB_UPGRADE), -ETIMEDOUT);
	assert_non_null(strstr(hw.message, "VF_PRIV_MMU_INVALIDATE"));
	assert_non_null(strstr(hw.message, "0x80000005"));

	/* Still stuck: the next one is not begun. */
	fake_clear_log(&hw);
	compat_sleep_pretend(true);
	assert_int_equal(nvbar_tlb_invalidate(&gpu, 0x1000, NVBAR_TLB_UPGRADE), -ETIMEDOUT);
	compat_sleep_pretend(false);
	assert_int_equal(fake_count(&hw, true, 0xb830b0), 0);

	fake_set_after(&hw, 0xb830b0, 0x80000005, 3, 0);
	fake_clear_log(&hw);
	assert_int_equal(nvbar_tlb_invalidate(&gpu, 0x1000, NVBAR_TLB_UPGRADE), 0);
	for (first = 0; !hw.log[first].write; first++)
		assert_int_equal(hw.log[first].off, 0xb830b0);
	assert_int_equal(first, 4);
}

/* All ones may be what a register holds, as long as PMC_BOOT_0 is none. */
static void a_wait_goes_on_while_a_living_gpu_reads_as_all_ones(void **state)
{
	(void)state;
	start_ga102();
	fake_set_after(&hw, 0xb830b0, 0xffffffff, 3, 0x00000005);
	assert_int_equal(nvbar_tlb_invalidate(&gpu, 0x1000, NVBAR_TLB_UPGRADE), 0);
	assert_int_equal(fake_count(&hw, false, 0xb830b0), 4);
	assert_int_equal(fake_count(&hw, false, 0x000000), 3);
}

static void a_dead_gpu_ends_the_wait_at_once(void **state)
{
	(void)state;
	start_ga102();
	hw.dead = true;
	assert_int_equal(nvbar_tlb_invalidate(&gpu, 0x1000, NVBAR_TLB_UPGRADE), -ENODEV);
	assert_true(hw.nr_log < 8);
}

/* More polls than are made without sleeping in between, and far less than the time there is. */
static void a_register_that_takes_its_time_is_waited_for(void **state)
{
	(void)state;
	start_ga102();
	fake_set_after(&hw, 0xb830b0, 0x80000005, 200, 0);
	assert_int_equal(nvbar_tlb_invalidate(&gpu, 0x1000, NVBAR_TLB_UPGRADE), 0);
}

/* A GPU whose region is the first @len bytes of VRAM, with BAR1 about to be bound */
static void start_to_bind(u32 boot42, u64 len)
{
	start(boot42);
	gpu.vmm.pt.fmt = gpu.chip->mmu;
	gpu.reserved_len = len;
}

/*
 * hardware.md 9: PENDING in bit 0 and then OUTSTANDING in bit 1, in a register
 * of its own or, on Hopper and later, in the one that holds what was bound.
 */
static const struct {
	u32 boot42;
	u32 status;
	u32 bound;
	u32 starts;
	const char *name;
} binds[] = {
	{ GA102, 0xb80f50, 0, 0xb80f40, "VF_PRIV_BIND_STATUS" },
	{ 0x180a1000, 0xb80f60, 0x200, 0xb80f64, "VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR" },
};

static void start_bind_of(unsigned int i)
{
	start_to_bind(binds[i].boot42, SZ_64K);
	fake_set(&hw, 0xb80f64, 0);
	fake_set(&hw, 0xb80f40, 0x80000000);
	fake_set(&hw, binds[i].status, binds[i].bound);
}

static void a_bind_is_over_when_nothing_is_outstanding(void **state)
{
	unsigned int i, bit;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(binds); i++) {
		for (bit = 1; bit <= 2; bit++) {
			start_bind_of(i);
			fake_starts(&hw, binds[i].starts, binds[i].status, binds[i].bound | bit, 3);
			assert_int_equal(nvbar_bar1_enable(&gpu), 0);
			assert_true(gpu.vmm.enabled);
			/* Once before it, and until it is over. */
			assert_int_equal(fake_count(&hw, false, binds[i].status), 1 + 4);
		}
	}
}

/* An earlier owner's, whose end the GPU has not told yet. */
static void a_bind_that_is_on_its_way_is_waited_for_before_the_next(void **state)
{
	unsigned int i, at, bit, busy;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(binds); i++) {
		for (bit = 1; bit <= 2; bit++) {
			start_bind_of(i);
			fake_set_after(&hw, binds[i].status, binds[i].bound | bit, 3,
				       binds[i].bound);
			assert_int_equal(nvbar_bar1_enable(&gpu), 0);
			for (at = 0, busy = 0; !hw.log[at].write || hw.log[at].off != binds[i].starts;
			     at++)
				busy += !hw.log[at].write && hw.log[at].off == binds[i].status;
			assert_int_equal(busy, 4);

			start_bind_of(i);
			fake_set(&hw, binds[i].status, binds[i].bound | bit);
			compat_sleep_pretend(true);
			assert_int_equal(nvbar_bar1_enable(&gpu), -ETIMEDOUT);
			compat_sleep_pretend(false);
			assert_int_equal(fake_written(&hw, binds[i].starts), 0);
			assert_non_null(strstr(hw.message, binds[i].name));

			/* Nor is BAR1 unbound meanwhile. */
			compat_sleep_pretend(true);
			nvbar_bar1_disable(&gpu, false);
			compat_sleep_pretend(false);
			assert_int_equal(fake_written(&hw, 0xb80f40), 0);
			assert_int_equal(fake_written(&hw, 0xb80f60), 0);
		}
	}
}

/* MODE in bit 31 of the bind register: the bind is over, but it is not what was asked for. */
static void a_bind_that_fails_is_taken_back(void **state)
{
	(void)state;
	start_to_bind(GA102, SZ_64K);
	fake_set(&hw, 0xb80f40, 0x00000100);
	compat_sleep_pretend(true);
	assert_int_equal(nvbar_bar1_enable(&gpu), -ETIMEDOUT);
	compat_sleep_pretend(false);
	assert_false(gpu.vmm.enabled);
	assert_true(fake_count(&hw, true, 0xb80f40) > 0);
	assert_false(fake_written(&hw, 0xb80f40) & 0x80000000);
}

/* Whose BAR1 it is when the GPU answers again is not known. */
static void a_gpu_that_goes_away_in_a_bind_is_left_alone(void **state)
{
	(void)state;
	start_to_bind(GA102, SZ_64K);
	fake_set(&hw, 0x000000, 0xffffffff);
	fake_set(&hw, 0xb80f50, 0);
	fake_set(&hw, 0xb80f40, 0);
	fake_starts(&hw, 0xb80f40, 0xb80f50, 0xffffffff, 1000);
	assert_int_equal(nvbar_bar1_enable(&gpu), -ENODEV);
	assert_false(gpu.vmm.enabled);
	assert_int_equal(fake_count(&hw, true, 0xb80f40), 1);
}

/* The word at 0x200 names the root [hardware.md].  What is behind PRAMIN does not keep it. */
static void a_block_that_is_not_written_is_not_bound(void **state)
{
	(void)state;
	start_to_bind(GA102, SZ_64K);
	fake_set(&hw, PRAMIN + 0x200, 0xbad0fb00);
	assert_int_equal(nvbar_bar1_enable(&gpu), -EIO);
	assert_false(gpu.vmm.enabled);
	assert_int_equal(fake_count(&hw, true, 0xb80f40), 0);
	assert_non_null(strstr(hw.message, "VRAM at 0x200 does not hold"));

	start_to_bind(GA102, SZ_64K);
	hw.window_stuck = true;
	fake_set(&hw, WINDOW_TU, 0x100);
	assert_int_equal(nvbar_bar1_enable(&gpu), -ETIMEDOUT);
	assert_int_equal(fake_count(&hw, true, 0xb80f40), 0);

	/* The window reaches the top of the region, and then no more. */
	start_to_bind(GA102, SZ_2M);
	assert_int_equal(nvbar_pramin_wr(&gpu, SZ_2M - 8, 8, 0), 0);
	hw.window_stuck = true;
	assert_int_equal(nvbar_bar1_enable(&gpu), -ETIMEDOUT);
	assert_int_equal(fake_count(&hw, true, 0xb80f40), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_window_moves_to_64_kib_units_of_the_address),
		cmocka_unit_test(the_window_stays_while_its_1_mib_suffices),
		cmocka_unit_test(the_first_access_moves_the_window_wherever_it_may_be),
		cmocka_unit_test(a_block_across_the_window_is_cut_there),
		cmocka_unit_test(nothing_is_written_through_a_window_that_does_not_move),
		cmocka_unit_test(unaligned_blocks_use_natural_widths_only),
		cmocka_unit_test(a_copy_of_any_alignment_needs_no_host_memory),
		cmocka_unit_test(a_block_write_ends_with_an_ordering_read),
		cmocka_unit_test(the_ordering_read_goes_to_the_newest_word),
		cmocka_unit_test(the_ordering_read_goes_to_a_word_older_than_the_newest),
		cmocka_unit_test(a_word_that_is_written_again_is_no_older),
		cmocka_unit_test(the_end_of_the_drivers_region_has_one_window),
		cmocka_unit_test(a_word_of_the_users_shows_no_reset_to_be_absent),
		cmocka_unit_test(a_word_of_the_drivers_shows_nothing_in_a_window_at_0),
		cmocka_unit_test(a_word_of_the_drivers_takes_the_place_of_a_users),
		cmocka_unit_test(a_word_that_is_not_as_it_was_makes_the_driver_look),
		cmocka_unit_test(a_loss_is_told_once),
		cmocka_unit_test(a_gpu_that_turns_to_zeroes_is_lost),
		cmocka_unit_test(all_ones_are_data_while_the_gpu_answers),
		cmocka_unit_test(an_invalidate_names_its_pdb_and_waits),
		cmocka_unit_test(a_stuck_invalidate_is_waited_for_before_the_next),
		cmocka_unit_test(a_wait_goes_on_while_a_living_gpu_reads_as_all_ones),
		cmocka_unit_test(a_dead_gpu_ends_the_wait_at_once),
		cmocka_unit_test(a_register_that_takes_its_time_is_waited_for),
		cmocka_unit_test(a_bind_is_over_when_nothing_is_outstanding),
		cmocka_unit_test(a_bind_that_is_on_its_way_is_waited_for_before_the_next),
		cmocka_unit_test(a_bind_that_fails_is_taken_back),
		cmocka_unit_test(a_gpu_that_goes_away_in_a_bind_is_left_alone),
		cmocka_unit_test(a_block_that_is_not_written_is_not_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
