// SPDX-License-Identifier: MIT
/*
 * Registers that can't be read, and addresses that look like what those read as, on
 * registers set by hand.  The words were seen in logs of GPUs (hardware.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <stdio.h>

#include <nvbar_compat.h>

#include "access.h"
#include "attach.h"
#include "bar1.h"
#include "chip.h"
#include "fake_hw.h"
#include "fault.h"
#include "pramin.h"
#include "reg.h"
#include "tlb.h"

#define GA102		0x172a1000
#define GH100		0x180a1000

#define BOOT_0		0x000000
#define BOOT_1		0x000004
#define BOOT_42		0x000a00
#define BAR1_BLOCK	0xb80f40
#define BIND_STATUS	0xb80f50
#define BAR1_LOW	0xb80f60
#define BAR1_HIGH	0xb80f64
#define FAULT_ADDR_LO	0xb83080
#define FAULT_ADDR_HI	0xb83084
#define FAULT_INST_LO	0xb83088
#define FAULT_INST_HI	0xb8308c
#define FAULT_INFO	0xb83090
#define FAULT_STATUS	0xb83094
#define INVALIDATE	0xb830b0

static const u32 errors[] = { 0xbadf0200, 0xbadf5040, 0xbadf4100, 0xbadf5620, 0xbad00100 };

static struct fake_hw hw;
static struct nvbar_gpu gpu;

static void start(u32 boot42)
{
	assert_int_equal(fake_identified(&hw, &gpu, (boot42 & 0xfff00000) | 0xa1, boot42), 0);
}

/* The last line names the register and has the word. */
static void says(const char *name, u32 off, u32 val)
{
	char text[128];

	snprintf(text, sizeof(text), "register %s (0x%06x) reads 0x%08x: it can't be read", name, off,
		 val);
	if (!strstr(hw.message, text))
		print_error("said: %s\n", hw.message);
	assert_non_null(strstr(hw.message, text));
}

/* --- who it is --- */

static void a_gpu_that_does_not_tell_its_identity_is_not_taken_for_another(void **state)
{
	static const struct {
		const char *name;
		u32 off;
	} regs[] = { { "PMC_BOOT_42", BOOT_42 }, { "PMC_BOOT_1", BOOT_1 } };
	unsigned int i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		for (k = 0; k < ARRAY_SIZE(errors); k++) {
			start(GA102);
			fake_set(&hw, regs[i].off, errors[k]);
			assert_int_equal(nvbar_chip_identify(&gpu), -EIO);
			says(regs[i].name, regs[i].off, errors[k]);
		}
		/* All ones are a GPU that is gone, or as good as. */
		start(GA102);
		fake_set(&hw, regs[i].off, 0xffffffff);
		assert_int_equal(nvbar_chip_identify(&gpu), -ENODEV);
		says(regs[i].name, regs[i].off, 0xffffffff);
	}
	start(GA102);
	fake_set(&hw, BOOT_0, 0xbadf5040);
	assert_int_equal(nvbar_chip_identify(&gpu), -EIO);
	says("PMC_BOOT_0", BOOT_0, 0xbadf5040);
}

/* --- VRAM --- */

static void a_size_that_cant_be_read_is_told_by_its_register(void **state)
{
	unsigned int k;

	(void)state;
	for (k = 0; k < ARRAY_SIZE(errors); k++) {
		start(GH100);
		fake_set(&hw, 0x1183a4, errors[k]);
		assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);
		says("PGC6_SCRATCH_GROUP_42", 0x1183a4, errors[k]);
		start(0x162a1000);
		fake_set(&hw, 0x100ce0, errors[k]);
		assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);
		says("PFB_LOCAL_MEMORY_RANGE", 0x100ce0, errors[k]);
	}
}

static void a_range_that_cant_be_read_is_told_by_its_register(void **state)
{
	(void)state;
	start(GH100);
	fake_set(&hw, 0x1183a4, 0x14000);
	fake_set(&hw, 0x1fa824, 0xbadf5040);
	fake_set(&hw, 0x1fa828, 0xbadf5040);
	assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);
	says("PFB_MMU_WPR2_ADDR_LO", 0x1fa824, 0xbadf5040);
	/* One half is enough. */
	fake_set(&hw, 0x1fa824, 0x10000000);
	assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);
	says("PFB_MMU_WPR2_ADDR_HI", 0x1fa828, 0xbadf5040);
	/* Not set: LO may be anything. */
	fake_set(&hw, 0x1fa824, 0xbadf5040);
	fake_set(&hw, 0x1fa828, 0);
	assert_int_equal(nvbar_chip_read_vram(&gpu), 0);
	/* WPR1 is set, and where it begins can't be read. */
	fake_set(&hw, 0x1fa81c, 0xbadf1100);
	fake_set(&hw, 0x1fa820, 0x10000000);
	assert_int_equal(nvbar_chip_read_vram(&gpu), -EIO);
	says("PFB_MMU_WPR1_ADDR_LO", 0x1fa81c, 0xbadf1100);
}

/* --- the binding --- */

static void a_binding_that_cant_be_read_is_none_of_anybodys(void **state)
{
	struct nvbar_bar1_binding binding;
	enum nvbar_aperture aperture;
	unsigned int k;
	u64 pa;

	(void)state;
	for (k = 0; k < ARRAY_SIZE(errors); k++) {
		start(GA102);
		fake_set(&hw, BAR1_BLOCK, errors[k]);
		assert_int_equal(nvbar_bar1_read_binding(&gpu, &binding), 0);
		assert_string_equal(binding.bad.name, "VF_PRIV_BAR1_BLOCK");
		assert_int_equal(binding.bad.val, errors[k]);
		assert_int_equal(nvbar_bar1_read_root(&gpu, &aperture, &pa), -EIO);
		says("VF_PRIV_BAR1_BLOCK", BAR1_BLOCK, errors[k]);

		start(GH100);
		fake_set(&hw, BAR1_LOW, errors[k]);
		fake_set(&hw, BAR1_HIGH, errors[k]);
		assert_int_equal(nvbar_bar1_read_binding(&gpu, &binding), 0);
		assert_non_null(binding.bad.name);
		assert_int_equal(binding.bad.val, errors[k]);
	}
	/* Bit 6 of LOW is no part of an address. */
	fake_set(&hw, BAR1_LOW, 0xbadf5040);
	fake_set(&hw, BAR1_HIGH, 0);
	assert_int_equal(nvbar_bar1_read_binding(&gpu, &binding), 0);
	assert_string_equal(binding.bad.name, "VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR");
}

static void an_instance_block_at_an_address_like_an_error_is_one(void **state)
{
	static const u32 high[] = { 0, 2, 0x12 };
	struct nvbar_bar1_binding binding;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(high); i++) {
		start(GH100);
		fake_set(&hw, BAR1_LOW, 0xbad00000 | 1 << 9);
		fake_set(&hw, BAR1_HIGH, high[i]);
		assert_int_equal(nvbar_bar1_read_binding(&gpu, &binding), 0);
		assert_null(binding.bad.name);
		assert_true(binding.is_virtual);
		assert_int_equal(binding.inst_pa, (u64)high[i] << 32 | 0xbad00000);
	}
	/* In the one register of earlier chips the address has no such place. */
	start(GA102);
	fake_set(&hw, BAR1_BLOCK, 1u << 31 | 0xbad00);
	assert_int_equal(nvbar_bar1_read_binding(&gpu, &binding), 0);
	assert_null(binding.bad.name);
	assert_int_equal(binding.inst_pa, 0xbad00000);
}

/* As if the driver had BAR1 bound to the block at @inst_pa */
static void bound_to(u32 boot42, u64 inst_pa)
{
	start(boot42);
	gpu.inst_pa = inst_pa;
	gpu.vmm.enabled = true;
	fake_set(&hw, BAR1_LOW, (u32)inst_pa | 1 << 9);
	fake_set(&hw, BAR1_HIGH, (u32)(inst_pa >> 32));
	fake_set(&hw, BAR1_BLOCK, 1u << 31 | (u32)(inst_pa >> 12));
}

static void the_drivers_own_binding_that_cant_be_read_any_more_is_not_relied_on(void **state)
{
	(void)state;
	bound_to(GH100, 0x2bad00000);
	assert_int_equal(nvbar_bar1_look(&gpu), 0);
	assert_int_equal(nvbar_bar1_glance(&gpu), 0);
	fake_set(&hw, BAR1_LOW, 0xbadf5040);
	fake_set(&hw, BAR1_HIGH, 0xbadf5040);
	assert_int_equal(nvbar_bar1_glance(&gpu), -ENODEV);
	says("VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR", BAR1_LOW, 0xbadf5040);
	assert_null(strstr(hw.message, "another driver"));

	bound_to(GA102, 0x40000);
	fake_set(&hw, BAR1_BLOCK, 0xbadf5040);
	assert_int_equal(nvbar_bar1_look(&gpu), -ENODEV);
	says("VF_PRIV_BAR1_BLOCK", BAR1_BLOCK, 0xbadf5040);
	assert_null(strstr(hw.message, "another driver"));
}

static void bar1_is_bound_to_a_block_at_an_address_like_an_error(void **state)
{
	(void)state;
	start(GH100);
	gpu.vmm.pt.fmt = gpu.chip->mmu;
	gpu.reserved_pa = 0x2bacf0000;
	gpu.reserved_len = 0x11000;
	gpu.inst_pa = 0x2bad00000;
	/* What a run that was killed has left, and what the new bind makes of it */
	fake_set(&hw, BAR1_LOW, 0xbad00000 | 1 << 9);
	fake_set(&hw, BAR1_HIGH, 2);
	assert_int_equal(nvbar_bar1_enable(&gpu), 0);
	assert_true(gpu.vmm.enabled);
}

/* --- the PRAMIN window --- */

/* 0x1f0200 in the 22 bits of the base: the window would be at 0x1f02000000. */
static void a_window_that_cant_be_read_is_not_where_it_should_be(void **state)
{
	u64 val;

	(void)state;
	start(GH100);
	hw.window_stuck = true;
	fake_set(&hw, 0x10fd40, 0xbadf0200);
	compat_sleep_pretend(true);
	assert_int_equal(nvbar_pramin_rd(&gpu, 0x1f02000000, 8, &val), -ETIMEDOUT);
	compat_sleep_pretend(false);
	assert_non_null(strstr(hw.message, "still 0xbadf0200: it can't be read"));

	start(GH100);
	assert_int_equal(nvbar_pramin_wr(&gpu, 0x1f02000000, 8, 1), 0);
	fake_set(&hw, 0x10fd40, 0xbadf0200);
	assert_int_equal(nvbar_pramin_flush(&gpu), -ENODEV);
	says("XAL_EP_ZB_BAR0_WINDOW", 0x10fd40, 0xbadf0200);
}

/* --- what is waited for --- */

/* Its lowest bits happen to be as wanted: 0x40 is a bind that is over, 0xff firmware that is up. */
static void the_error_of_a_register_is_no_answer_to_a_wait(void **state)
{
	(void)state;
	compat_sleep_pretend(true);
	start(GA102);
	gpu.reserved_len = SZ_64K;
	gpu.vmm.pt.fmt = gpu.chip->mmu;
	fake_set(&hw, BAR1_BLOCK, 0x80000000);
	fake_set(&hw, BIND_STATUS, 0xbadf5040);
	assert_int_equal(nvbar_bar1_enable(&gpu), -ETIMEDOUT);
	assert_non_null(strstr(hw.message, "VF_PRIV_BIND_STATUS (0xb80f50)"));
	assert_non_null(strstr(hw.message, "still 0xbadf5040: it can't be read"));

	start(GA102);
	fake_set(&hw, 0x118128, 1);
	fake_set(&hw, 0x118234, 0xbadf50ff);
	assert_int_equal(nvbar_chip_wait_boot(&gpu), -ETIMEDOUT);
	assert_non_null(strstr(hw.message, "still 0xbadf50ff: it can't be read"));
	/* It may become readable. */
	fake_set_after(&hw, 0x118128, 0xbadf5041, 3, 1);
	fake_set_after(&hw, 0x118234, 0xbadf50ff, 3, 0x3ff);
	assert_int_equal(nvbar_chip_wait_boot(&gpu), 0);

	start(GA102);
	fake_set(&hw, INVALIDATE, 0xbadf5040);
	assert_int_equal(nvbar_tlb_invalidate(&gpu, 0x1000, NVBAR_TLB_UPGRADE), -ETIMEDOUT);
	assert_non_null(strstr(hw.message, "it can't be read"));
	compat_sleep_pretend(false);
}

/* --- faults --- */

static void set_fault(u32 addr_lo, u32 addr_hi, u32 inst_lo, u32 inst_hi, u32 info)
{
	fake_set(&hw, FAULT_ADDR_LO, addr_lo);
	fake_set(&hw, FAULT_ADDR_HI, addr_hi);
	fake_set(&hw, FAULT_INST_LO, inst_lo);
	fake_set(&hw, FAULT_INST_HI, inst_hi);
	fake_set(&hw, FAULT_INFO, info);
	fake_set(&hw, FAULT_STATUS, 0x80000000);
}

static void a_status_that_cant_be_read_is_no_fault_and_no_success(void **state)
{
	struct nvbar_access access = { .gpu = &gpu, .base = 0x3000, .size = 0x1000, .live = true };
	struct nvbar_fault_watch watch = { .va = 0x3000, .len = 8, .tries = NVBAR_FAULT_TRIES };
	struct nvbar_fault_info info;
	unsigned int k;

	(void)state;
	for (k = 0; k < ARRAY_SIZE(errors); k++) {
		start(k % 2 ? GH100 : GA102);
		set_fault(errors[k], errors[k], errors[k], errors[k], errors[k]);
		fake_set(&hw, FAULT_STATUS, errors[k]);
		assert_int_equal(nvbar_fault_read(&gpu, &info), -EIO);
		says("VF_PRIV_MMU_FAULT_STATUS", FAULT_STATUS, errors[k]);
		assert_int_equal(nvbar_fault_clear(&gpu), -EIO);
		nvbar_fault_watch(&gpu, &watch);
		assert_int_equal(nvbar_fault_look(&gpu, &watch), -EIO);
		assert_int_equal(nvbar_fault_flush(&access), -EIO);
		assert_int_equal(fake_count(&hw, true, FAULT_STATUS), 0);
		/* Once it can be read again nothing was. */
		fake_set(&hw, FAULT_STATUS, 0);
		assert_int_equal(nvbar_fault_read(&gpu, &info), -ENOENT);
		assert_int_equal(nvbar_fault_flush(&access), 0);
	}
}

/* It is there, as its status says, so anything may have been lost; but it is at no address. */
static void a_fault_of_which_nothing_can_be_read_is_anybodys(void **state)
{
	static const struct {
		const char *name;
		u32 off;
	} regs[] = {
		{ "VF_PRIV_MMU_FAULT_ADDR_LO", FAULT_ADDR_LO },
		{ "VF_PRIV_MMU_FAULT_ADDR_HI", FAULT_ADDR_HI },
		{ "VF_PRIV_MMU_FAULT_INST_HI", FAULT_INST_HI },
		{ "VF_PRIV_MMU_FAULT_INFO", FAULT_INFO },
	};
	struct nvbar_fault_watch watch = { .va = 0, .len = 8, .tries = NVBAR_FAULT_TRIES };
	struct nvbar_access access;
	struct nvbar_fault_info info;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		start(GH100);
		access = (struct nvbar_access){ .gpu = &gpu, .size = 0x1000, .live = true };
		list_add_tail(&access.link, &gpu.vmm.accesses);
		nvbar_fault_watch(&gpu, &watch);
		set_fault(0x3000, 0, 0x100, 0, 1u << 31 | 2);
		fake_set(&hw, regs[i].off, 0xbadf5040);
		/* To be made again, and told by the next flush of whoever wrote, once. */
		assert_int_equal(nvbar_fault_look(&gpu, &watch), -EAGAIN);
		says(regs[i].name, regs[i].off, 0xbadf5040);
		assert_int_equal(nvbar_fault_flush(&access), -EIO);
		assert_int_equal(nvbar_fault_flush(&access), 0);
		assert_int_equal(nvbar_fault_read(&gpu, &info), 0);
		assert_true(info.unreadable);
		assert_int_equal(info.va, 0);
		assert_non_null(strstr(info.text, regs[i].name));
		assert_null(strstr(info.text, "fault at VA"));
		assert_int_equal(nvbar_fault_clear(&gpu), 0);
		assert_int_equal(nvbar_fault_read(&gpu, &info), -ENOENT);
	}
}

static void a_fault_at_an_address_like_an_error_is_at_that_address(void **state)
{
	struct nvbar_fault_info info;

	(void)state;
	start(GH100);
	set_fault(0xbad00000, 2, 0xbad00000 | 0x100, 1, 1u << 31 | 2);
	assert_int_equal(nvbar_fault_read(&gpu, &info), 0);
	assert_false(info.unreadable);
	assert_int_equal(info.va, 0x2bad00000);
	assert_int_equal(info.inst_pa, 0x1bad00000);
	assert_int_equal(info.engine, 0x100);
	assert_non_null(strstr(info.text, "PTE fault at VA 0x2bad00000"));
	/* The lowest bits have the aperture of a physical access. */
	set_fault(0xbad00001, 0, 0xbad00000 | 0x100, 0, 1u << 31 | 8 << 16 | 2);
	assert_int_equal(nvbar_fault_read(&gpu, &info), 0);
	assert_int_equal(info.va, 0xbad00000);
}

/* --- opening --- */

static void bring_up(void)
{
	fake_init(&hw, &gpu);
	fake_set(&hw, BOOT_0, 0xb72000a1);
	fake_set(&hw, BOOT_42, GA102);
	fake_set(&hw, 0x118128, 1);
	fake_set(&hw, 0x118234, 0x3ff);
	fake_set(&hw, 0x100b20, 1);
	fake_set(&hw, 0x1183a4, 1024);
}

static void a_gpu_that_cant_be_read_is_not_opened_and_not_written(void **state)
{
	static const struct {
		const char *name;
		u32 off;
	} regs[] = {
		{ "VF_PRIV_BAR1_BLOCK", BAR1_BLOCK }, { "VF_PRIV_MMU_FAULT_STATUS", FAULT_STATUS },
		{ "PFB_MMU_WPR2_ADDR_HI", 0x1fa828 }, { "PGC6_SCRATCH_GROUP_42", 0x1183a4 },
	};
	unsigned int i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(regs); i++) {
		const struct nvbar_hw_ops *ops;

		bring_up();
		ops = gpu.ops;
		memset(&gpu, 0, sizeof(gpu));
		fake_set(&hw, regs[i].off, 0xbadf5040);
		/* Force is for a GPU that another driver has, and nothing says that one has. */
		assert_int_equal(nvbar_gpu_attach(&gpu, ops, &hw, SZ_256M, NVBAR_GPU_FORCE), -EIO);
		says(regs[i].name, regs[i].off, 0xbadf5040);
		for (k = 0; k < hw.nr_log; k++)
			assert_false(hw.log[k].write);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gpu_that_does_not_tell_its_identity_is_not_taken_for_another),
		cmocka_unit_test(a_size_that_cant_be_read_is_told_by_its_register),
		cmocka_unit_test(a_range_that_cant_be_read_is_told_by_its_register),
		cmocka_unit_test(a_binding_that_cant_be_read_is_none_of_anybodys),
		cmocka_unit_test(an_instance_block_at_an_address_like_an_error_is_one),
		cmocka_unit_test(the_drivers_own_binding_that_cant_be_read_any_more_is_not_relied_on),
		cmocka_unit_test(bar1_is_bound_to_a_block_at_an_address_like_an_error),
		cmocka_unit_test(a_window_that_cant_be_read_is_not_where_it_should_be),
		cmocka_unit_test(the_error_of_a_register_is_no_answer_to_a_wait),
		cmocka_unit_test(a_status_that_cant_be_read_is_no_fault_and_no_success),
		cmocka_unit_test(a_fault_of_which_nothing_can_be_read_is_anybodys),
		cmocka_unit_test(a_fault_at_an_address_like_an_error_is_at_that_address),
		cmocka_unit_test(a_gpu_that_cant_be_read_is_not_opened_and_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
