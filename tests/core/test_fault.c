// SPDX-License-Identifier: MIT
/* Faults, whose they are, and what BAR1 is bound to, on registers set by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "access.h"
#include "bar1.h"
#include "chip.h"
#include "fake_hw.h"
#include "fault.h"

/* hardware.md 10.1 */
#define FAULT_ADDR_LO	0xb83080
#define FAULT_ADDR_HI	0xb83084
#define FAULT_INST_LO	0xb83088
#define FAULT_INST_HI	0xb8308c
#define FAULT_INFO	0xb83090
#define FAULT_STATUS	0xb83094
#define FAULT_VALID	0x80000000

/* hardware.md 9.1, 9.2 */
#define BAR1_BLOCK	0xb80f40
#define BAR1_LOW	0xb80f60
#define BAR1_HIGH	0xb80f64

static struct fake_hw hw;
static struct nvbar_gpu gpu;

static void start(u32 boot42)
{
	assert_int_equal(fake_identified(&hw, &gpu, 0xb72000a1, boot42), 0);
}

static void start_ga102(void)
{
	start(0x172a1000);
}

/* A fault at 0x3000 of a BAR1 client. */
static void set_fault(u32 type, u32 access, u32 engine, u32 status)
{
	fake_set(&hw, FAULT_ADDR_LO, 0x3000);
	fake_set(&hw, FAULT_INST_LO, engine);
	fake_set(&hw, FAULT_INFO, 1u << 31 | access << 16 | 7 << 8 | type);
	fake_set(&hw, FAULT_STATUS, FAULT_VALID | status);
}

static struct nvbar_fault_info read_fault(void)
{
	struct nvbar_fault_info info;

	assert_int_equal(nvbar_fault_read(&gpu, &info), 0);
	assert_int_equal(info.va, 0x3000);
	return info;
}

static void a_fault_is_told_in_the_manuals_words(void **state)
{
	struct nvbar_fault_info info;

	(void)state;
	start_ga102();
	set_fault(2, 0, 0x80, 0);
	info = read_fault();
	assert_string_equal(info.text,
			    "PTE fault at VA 0x3000: VIRT_READ by HOST_CPU, engine 128 (BAR1)");
	assert_false(info.write || info.physical || info.dropped);

	/* In physical mode, by another engine, and not the only one. */
	set_fault(6, 9, 31, 1);
	info = read_fault();
	assert_string_equal(info.text, "RO_VIOLATION fault at VA 0x3000: PHYS_WRITE by HOST_CPU, "
				       "engine 31, more were dropped");
	assert_true(info.write && info.physical && info.dropped);
}

static void a_fault_is_told_with_all_its_address_bits(void **state)
{
	struct nvbar_fault_info info;

	(void)state;
	start(0x180a1000);
	fake_set(&hw, FAULT_ADDR_LO, 0x89abc000);
	fake_set(&hw, FAULT_ADDR_HI, 0x4f);
	fake_set(&hw, FAULT_INST_LO, 0x12345000);
	fake_set(&hw, FAULT_INST_HI, 6);
	fake_set(&hw, FAULT_STATUS, FAULT_VALID);
	assert_int_equal(nvbar_fault_read(&gpu, &info), 0);
	assert_int_equal(info.va, 0x4f89abc000);
	assert_int_equal(info.inst_pa, 0x612345000);
	assert_non_null(strstr(info.text, "0x4f89abc000"));
}

static void codes_without_a_name_are_unknown(void **state)
{
	(void)state;
	start_ga102();
	set_fault(0x1f, 5, 0x80, 0);
	assert_non_null(strstr(read_fault().text, "unknown fault"));
	assert_non_null(strstr(read_fault().text, ": unknown by HOST_CPU"));
}

/* hardware.md 10.3: code 0xb changed its meaning with Blackwell. */
static void a_code_of_two_meanings_is_told_by_the_chip(void **state)
{
	(void)state;
	start_ga102();
	set_fault(0xb, 0, 0x80, 0);
	assert_non_null(strstr(read_fault().text, "COMPRESSION_FAILURE fault"));
	start(0x1a0a1000);
	set_fault(0xb, 0, 0x100, 0);
	assert_non_null(strstr(read_fault().text, "CC_VIOLATION fault"));
}

static void a_fault_names_the_mapping_it_is_in(void **state)
{
	struct nvbar_mapping mapping = { .state = NVBAR_MAPPING_MAPPED };

	(void)state;
	start_ga102();
	assert_int_equal(nvbar_va_alloc_fixed(&gpu.vmm.va, &mapping.node, 0x2000, 0x4000), 0);
	set_fault(2, 0, 0x80, 0);
	assert_non_null(strstr(read_fault().text, "0x3000 in mapping 0x2000+0x4000: "));
	strscpy(mapping.label, "mine", sizeof(mapping.label));
	assert_non_null(strstr(read_fault().text, "0x3000 in mapping 0x2000+0x4000 mine: "));
}

/* An access to @len bytes at @va, which is about to be made. */
static struct nvbar_fault_watch watch_at(u64 va, u64 len)
{
	struct nvbar_fault_watch watch = { va, len, NVBAR_FAULT_TRIES, 0 };

	nvbar_fault_watch(&gpu, &watch);
	return watch;
}

/* ... and during which a fault of these numbers is latched. */
static int look(u64 va, u64 len, u32 type, u32 access, u32 engine, u32 status)
{
	struct nvbar_fault_watch watch = watch_at(va, len);

	set_fault(type, access, engine, status);
	return nvbar_fault_look(&gpu, &watch);
}

/* Handles at 0x2000 and at 0x8000, as they are once they are in the list */
static struct nvbar_access at_fault, elsewhere;

static void start_with_handles(void)
{
	start_ga102();
	at_fault = (struct nvbar_access){ .gpu = &gpu, .base = 0x2000, .size = 0x4000, .live = true };
	elsewhere = (struct nvbar_access){ .gpu = &gpu, .base = 0x8000, .size = 0x4000, .live = true };
	list_add_tail(&at_fault.link, &gpu.vmm.accesses);
	list_add_tail(&elsewhere.link, &gpu.vmm.accesses);
}

/* All ones may be what the register holds: VALID and everything dropped. */
static void a_status_of_all_ones_is_a_fault_while_the_gpu_answers(void **state)
{
	struct nvbar_fault_watch watch;
	struct nvbar_fault_info info;

	(void)state;
	start_ga102();
	set_fault(2, 1, 0x80, ~0u);
	assert_true(read_fault().dropped);
	/* hardware.md 10.2: bits 7:0 and 31 are cleared by a written 1, the others stay. */
	assert_int_equal(fake_written(&hw, FAULT_STATUS), 0x800000ff);
	assert_int_equal(nvbar_fault_clear(&gpu), 0);
	assert_int_equal(fake_count(&hw, true, FAULT_STATUS), 1);

	start_with_handles();
	set_fault(2, 1, 0x80, ~0u);
	assert_int_equal(nvbar_fault_flush(&at_fault), -EIO);
	assert_int_equal(nvbar_fault_clear(&gpu), 0);

	watch = watch_at(0x3000, 1);
	hw.dead = true;
	assert_int_equal(nvbar_fault_look(&gpu, &watch), -ENODEV);
	assert_int_equal(nvbar_fault_read(&gpu, &info), -ENODEV);
	assert_int_equal(nvbar_fault_clear(&gpu), -ENODEV);
	assert_int_equal(fake_count(&hw, true, FAULT_STATUS), 1);
}

/* One elsewhere hides it: the access is to be made again, now that the latch is free. */
static void only_a_fault_at_these_addresses_fails_an_access(void **state)
{
	struct nvbar_fault_watch watch;

	(void)state;
	start_ga102();
	watch = watch_at(0x3000, 8);
	assert_int_equal(nvbar_fault_look(&gpu, &watch), 0);
	assert_int_equal(look(0x2ff8, 8, 2, 0, 0x80, 0), -EAGAIN);
	assert_int_equal(look(0x2ff8, 9, 2, 0, 0x80, 0), -EIO);
	assert_int_equal(look(0x3ff8, 8, 2, 0, 0x80, 0), -EIO);
	assert_non_null(strstr(hw.message, "PTE fault at VA 0x3000"));
	assert_int_equal(look(0x4000, 8, 2, 0, 0x80, 0), -EAGAIN);
	watch = watch_at(0x4000, 8);
	assert_int_equal(nvbar_fault_look(&gpu, &watch), 0);
	/* It can still be asked for. */
	assert_non_null(strstr(read_fault().text, "PTE fault at VA 0x3000"));
}

/* hardware.md 10.3: engines of BAR2, and accesses without translation */
static void faults_of_others_fail_no_access(void **state)
{
	static const struct {
		u32 boot42, bar1, bar2, physical;
	} chips[] = { { 0x172a1000, 0x80, 0xc0, 31 }, { 0x180a1000, 0x100, 0x140, 56 } };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(chips); i++) {
		start(chips[i].boot42);
		assert_int_equal(look(0x3000, 8, 2, 0, chips[i].bar2, 0), -EAGAIN);
		assert_int_equal(look(0x3000, 8, 2, 8, chips[i].physical, 0), -EAGAIN);
		assert_int_equal(look(0x3000, 8, 2, 0, chips[i].bar1, 0), -EIO);
	}
	/* Another function's BAR1 [GH100] */
	assert_int_equal(look(0x3000, 8, 2, 0, 0x103, 0), -EIO);
	assert_int_equal(look(0x3000, 8, 2, 0, 0x143, 0), -EAGAIN);
}

static void a_fault_that_was_seen_is_no_later_mappings(void **state)
{
	struct nvbar_mapping mapping = { .state = NVBAR_MAPPING_MAPPED };
	struct nvbar_fault_watch watch;

	(void)state;
	start_ga102();
	set_fault(2, 0, 0x80, 0);
	read_fault();
	assert_int_equal(nvbar_va_alloc_fixed(&gpu.vmm.va, &mapping.node, 0x3000, 0x1000), 0);
	watch = watch_at(0x3000, 8);
	assert_int_equal(nvbar_fault_look(&gpu, &watch), 0);
	assert_null(strstr(read_fault().text, "mapping"));

	/* Another in its place, that looks the same, is. */
	assert_int_equal(look(0x3000, 8, 2, 0, 0x80, 0), -EIO);
	assert_non_null(strstr(read_fault().text, "mapping 0x3000+0x1000"));

	/* What holds a range without a page shows nothing, and meets no fault. */
	mapping.state = NVBAR_MAPPING_PREPARED;
	set_fault(2, 0, 0x80, 0);
	assert_null(strstr(read_fault().text, "mapping"));
}

/* Whoever takes the fault over, or clears all: who made the access finds out. */
static void none_is_missed_because_another_thread_saw_it_first(void **state)
{
	struct nvbar_fault_watch watch, other;

	(void)state;
	start_ga102();
	watch = watch_at(0x3000, 8);
	set_fault(2, 0, 0x80, 0);
	other = watch_at(0x9000, 8);
	assert_int_equal(nvbar_fault_look(&gpu, &other), -EAGAIN);
	assert_int_equal(nvbar_fault_look(&gpu, &watch), -EAGAIN);

	watch = watch_at(0x3000, 8);
	set_fault(2, 0, 0x80, 0);
	assert_int_equal(nvbar_fault_clear(&gpu), 0);
	assert_int_equal(nvbar_fault_look(&gpu, &watch), -EAGAIN);

	watch = watch_at(0x3000, 8);
	set_fault(2, 0, 0x80, 0);
	nvbar_fault_settle(&gpu);
	assert_int_equal(nvbar_fault_look(&gpu, &watch), -EAGAIN);

	/* One of which the GPU kept nothing but that it was, as its latch was being cleared. */
	watch = watch_at(0x3000, 8);
	fake_set(&hw, FAULT_STATUS, 2);
	assert_int_equal(nvbar_fault_look(&gpu, &watch), -EAGAIN);
	watch = watch_at(0x3000, 8);
	assert_int_equal(nvbar_fault_look(&gpu, &watch), 0);
}

static void an_access_that_others_hide_all_the_time_may_have_faulted(void **state)
{
	struct nvbar_fault_watch watch = watch_at(0x9000, 8);
	unsigned int i;

	(void)state;
	start_ga102();
	for (i = 0; i < NVBAR_FAULT_TRIES; i++) {
		nvbar_fault_watch(&gpu, &watch);
		set_fault(2, 0, 0x80, 0);
		assert_int_equal(nvbar_fault_look(&gpu, &watch), -EAGAIN);
	}
	nvbar_fault_watch(&gpu, &watch);
	set_fault(2, 0, 0x80, 0);
	assert_int_equal(nvbar_fault_look(&gpu, &watch), -EIO);
	assert_non_null(strstr(hw.message, "may have faulted"));
}

/* ... until it is cleared, however many come after it, and whoever saw it. */
static void a_flush_tells_of_a_fault_in_its_mapping(void **state)
{
	(void)state;
	start_with_handles();
	assert_int_equal(nvbar_fault_flush(&at_fault), 0);
	set_fault(2, 1, 0x80, 0);
	assert_int_equal(nvbar_fault_flush(&elsewhere), 0);
	set_fault(2, 1, 0x80, 0);
	fake_set(&hw, FAULT_ADDR_LO, 0x100000);
	assert_int_equal(nvbar_fault_flush(&elsewhere), 0);
	assert_int_equal(nvbar_fault_flush(&at_fault), -EIO);
	assert_int_equal(nvbar_fault_flush(&at_fault), -EIO);
	assert_int_equal(nvbar_fault_clear(&gpu), 0);
	assert_int_equal(nvbar_fault_flush(&at_fault), 0);
	set_fault(2, 1, 0x80, 0);
	assert_int_equal(nvbar_fault_flush(&at_fault), -EIO);
	assert_non_null(strstr(hw.message, "PTE fault at VA 0x3000"));

	/* BAR2's at the same address is none of its business. */
	assert_int_equal(nvbar_fault_clear(&gpu), 0);
	set_fault(2, 1, 0xc0, 0);
	assert_int_equal(nvbar_fault_flush(&at_fault), 0);
}

/* hardware.md 10.2: bits 1:0 tell of dropped ones of BAR1, whose is not said. */
static void a_flush_tells_once_that_faults_were_dropped(void **state)
{
	(void)state;
	start_with_handles();
	set_fault(2, 1, 0x80, 2);
	assert_int_equal(nvbar_fault_flush(&elsewhere), -EIO);
	assert_non_null(strstr(hw.message, "a write may be lost"));
	assert_int_equal(nvbar_fault_flush(&elsewhere), 0);
	assert_int_equal(nvbar_fault_flush(&at_fault), -EIO);

	/* So are those whom the latched fault does not concern, each. */
	start_with_handles();
	set_fault(2, 1, 0x80, 2);
	fake_set(&hw, FAULT_ADDR_LO, 0x100000);
	assert_int_equal(nvbar_fault_flush(&elsewhere), -EIO);
	assert_int_equal(nvbar_fault_flush(&at_fault), -EIO);
	assert_int_equal(nvbar_fault_flush(&elsewhere), 0);
	assert_int_equal(nvbar_fault_flush(&at_fault), 0);

	/* BAR2's are others'. */
	set_fault(2, 1, 0xc0, 8);
	assert_int_equal(nvbar_fault_flush(&elsewhere), 0);
	/* Cleared, it is told no more. */
	set_fault(2, 1, 0x80, 1);
	assert_int_equal(nvbar_fault_clear(&gpu), 0);
	assert_int_equal(nvbar_fault_flush(&elsewhere), 0);
	assert_int_equal(nvbar_fault_flush(&at_fault), 0);

	hw.dead = true;
	assert_int_equal(nvbar_fault_flush(&at_fault), -ENODEV);
}

/* While another thread takes one over, the register says nothing; the lock does. */
static void a_flush_waits_for_who_takes_a_fault_over(void **state)
{
	(void)state;
	start_with_handles();
	gpu.vmm.fault.seq = 1;
	assert_int_equal(nvbar_fault_flush(&at_fault), 0);
	assert_int_equal(fake_count(&hw, false, FAULT_STATUS), 2);
}

/* A handle that is on its way into the list, or out of it, has no pages yet, or any more. */
static void a_handle_that_is_not_live_has_no_faults(void **state)
{
	(void)state;
	start_with_handles();
	at_fault.live = false;
	set_fault(2, 1, 0x80, 0);
	read_fault();
	at_fault.live = true;
	assert_int_equal(nvbar_fault_flush(&at_fault), 0);
}

/* Somebody clears the fault, or the GPU goes away, after it was seen to be there. */
static void a_fault_that_goes_while_it_is_looked_at_is_none(void **state)
{
	struct nvbar_fault_watch watch;

	(void)state;
	start_ga102();
	watch = watch_at(0x3000, 8);
	set_fault(2, 0, 0x80, 0);
	fake_set_after(&hw, FAULT_STATUS, FAULT_VALID, 1, 0);
	assert_int_equal(nvbar_fault_look(&gpu, &watch), 0);
	fake_set(&hw, 0x000000, 0xffffffff);
	fake_set_after(&hw, FAULT_STATUS, FAULT_VALID, 1, 0xffffffff);
	assert_int_equal(nvbar_fault_look(&gpu, &watch), -ENODEV);

	start_with_handles();
	fake_set(&hw, 0x000000, 0xffffffff);
	fake_set_after(&hw, FAULT_STATUS, FAULT_VALID, 1, 0xffffffff);
	assert_int_equal(nvbar_fault_flush(&at_fault), -ENODEV);
}

/* Who observes writes nothing. */
static void an_observer_leaves_a_fault_latched(void **state)
{
	(void)state;
	start_ga102();
	gpu.observe = true;
	set_fault(2, 0, 0x80, 0);
	read_fault();
	read_fault();
	assert_int_equal(fake_count(&hw, true, FAULT_STATUS), 0);
}

static void no_fault_is_cleared_by_nothing(void **state)
{
	(void)state;
	start_ga102();
	assert_int_equal(nvbar_fault_clear(&gpu), 0);
	assert_int_equal(fake_count(&hw, true, FAULT_STATUS), 0);
}

static void a_binding_is_read_in_the_chips_form(void **state)
{
	static const enum nvbar_aperture targets[] = {
		NVBAR_APERTURE_VID, NVBAR_APERTURE_VID, NVBAR_APERTURE_SYS_COH,
		NVBAR_APERTURE_SYS_NONCOH,
	};
	struct nvbar_bar1_binding binding;
	u32 target;

	(void)state;
	for (target = 0; target < ARRAY_SIZE(targets); target++) {
		start_ga102();
		fake_set(&hw, BAR1_BLOCK, 1u << 31 | target << 28 | 0x12345);
		assert_int_equal(nvbar_bar1_read_binding(&gpu, &binding), 0);
		assert_true(binding.is_virtual);
		assert_int_equal(binding.aperture, targets[target]);
		assert_int_equal(binding.inst_pa, 0x12345000);

		start(0x180a1000);
		fake_set(&hw, BAR1_LOW, 0x45678000 | target << 10 | 1 << 9);
		fake_set(&hw, BAR1_HIGH, 0x123);
		assert_int_equal(nvbar_bar1_read_binding(&gpu, &binding), 0);
		assert_true(binding.is_virtual);
		assert_int_equal(binding.aperture, targets[target]);
		assert_int_equal(binding.inst_pa, 0x12345678000);
	}
	hw.dead = true;
	assert_int_equal(nvbar_bar1_read_binding(&gpu, &binding), -ENODEV);
}

static void a_binding_of_all_ones_is_one_while_the_gpu_answers(void **state)
{
	struct nvbar_bar1_binding binding;

	(void)state;
	start_ga102();
	fake_set(&hw, BAR1_BLOCK, 0xffffffff);
	assert_int_equal(nvbar_bar1_read_binding(&gpu, &binding), 0);
	assert_int_equal(binding.aperture, NVBAR_APERTURE_SYS_NONCOH);
	assert_int_equal(binding.inst_pa, 0xfffffff000);
}

/* The same block's address, of memory that is not the GPU's */
static void a_binding_elsewhere_at_the_same_address_is_another_drivers(void **state)
{
	struct nvbar_bar1_binding binding;

	(void)state;
	start_ga102();
	gpu.inst_pa = 0x40000;
	gpu.vmm.enabled = true;
	fake_set(&hw, BAR1_BLOCK, 1u << 31 | 0x40);
	assert_int_equal(nvbar_bar1_read_binding(&gpu, &binding), 0);
	fake_set(&hw, BAR1_BLOCK, 1u << 31 | 2u << 28 | 0x40);
	assert_int_equal(nvbar_bar1_read_binding(&gpu, &binding), -ENODEV);
	assert_non_null(strstr(hw.message, "another driver has this GPU"));
}

/* The instance block at 0x10000 names this root, in the form of hardware.md 9.4. */
static int read_root(u64 word, enum nvbar_aperture *aperture, u64 *pa)
{
	start_ga102();
	fake_set(&hw, BAR1_BLOCK, 1u << 31 | 0x10);
	memcpy(hw.window + 0x200, &word, sizeof(word));
	return nvbar_bar1_read_root(&gpu, aperture, pa);
}

static void the_root_is_what_the_instance_block_says(void **state)
{
	enum nvbar_aperture aperture;
	u64 pa;

	(void)state;
	assert_int_equal(read_root(0x1234abcde000, &aperture, &pa), 0);
	assert_int_equal(aperture, NVBAR_APERTURE_VID);
	assert_int_equal(pa, 0x1234abcde000);
	assert_int_equal(read_root(0xabcde002, &aperture, &pa), 0);
	assert_int_equal(aperture, NVBAR_APERTURE_SYS_COH);
	/* A target that is none. */
	assert_int_equal(read_root(0xabcde001, &aperture, &pa), -EIO);
}

static void there_is_no_root_without_a_binding_that_can_be_read(void **state)
{
	enum nvbar_aperture aperture;
	u64 pa;

	(void)state;
	start_ga102();
	fake_set(&hw, BAR1_BLOCK, 0x10);
	assert_int_equal(nvbar_bar1_read_root(&gpu, &aperture, &pa), -ENOENT);

	/* An instance block in system memory, or behind the end of VRAM. */
	fake_set(&hw, BAR1_BLOCK, 1u << 31 | 2 << 28 | 0x10);
	assert_int_equal(nvbar_bar1_read_root(&gpu, &aperture, &pa), -EIO);
	fake_set(&hw, BAR1_BLOCK, 1u << 31 | SZ_1G >> 12);
	assert_int_equal(nvbar_bar1_read_root(&gpu, &aperture, &pa), -EIO);

	hw.window_stuck = true;
	fake_set(&hw, BAR1_BLOCK, 1u << 31 | SZ_2M >> 12);
	assert_int_equal(nvbar_bar1_read_root(&gpu, &aperture, &pa), -ETIMEDOUT);
	hw.dead = true;
	assert_int_equal(nvbar_bar1_read_root(&gpu, &aperture, &pa), -ENODEV);
}

/* Words of a table that only partly lies in VRAM are not read at all. */
static void tables_are_read_from_vram_only(void **state)
{
	u64 words[2];

	(void)state;
	start_ga102();
	assert_int_equal(nvbar_vmm_walk_read(&gpu, NVBAR_APERTURE_VID, SZ_1G - 16, words, 2), 0);
	fake_clear_log(&hw);
	assert_int_equal(nvbar_vmm_walk_read(&gpu, NVBAR_APERTURE_VID, SZ_1G - 8, words, 2),
			 -EFAULT);
	assert_int_equal(nvbar_vmm_walk_read(&gpu, NVBAR_APERTURE_VID, SZ_1G + 8, words, 2),
			 -EFAULT);
	assert_int_equal(nvbar_vmm_walk_read(&gpu, NVBAR_APERTURE_SYS_COH, 0, words, 2), -EFAULT);
	assert_int_equal(hw.nr_log, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fault_is_told_in_the_manuals_words),
		cmocka_unit_test(a_fault_is_told_with_all_its_address_bits),
		cmocka_unit_test(codes_without_a_name_are_unknown),
		cmocka_unit_test(a_code_of_two_meanings_is_told_by_the_chip),
		cmocka_unit_test(a_fault_names_the_mapping_it_is_in),
		cmocka_unit_test(a_status_of_all_ones_is_a_fault_while_the_gpu_answers),
		cmocka_unit_test(only_a_fault_at_these_addresses_fails_an_access),
		cmocka_unit_test(faults_of_others_fail_no_access),
		cmocka_unit_test(a_fault_that_was_seen_is_no_later_mappings),
		cmocka_unit_test(none_is_missed_because_another_thread_saw_it_first),
		cmocka_unit_test(an_access_that_others_hide_all_the_time_may_have_faulted),
		cmocka_unit_test(a_flush_tells_of_a_fault_in_its_mapping),
		cmocka_unit_test(a_flush_tells_once_that_faults_were_dropped),
		cmocka_unit_test(a_flush_waits_for_who_takes_a_fault_over),
		cmocka_unit_test(a_handle_that_is_not_live_has_no_faults),
		cmocka_unit_test(a_fault_that_goes_while_it_is_looked_at_is_none),
		cmocka_unit_test(an_observer_leaves_a_fault_latched),
		cmocka_unit_test(no_fault_is_cleared_by_nothing),
		cmocka_unit_test(a_binding_is_read_in_the_chips_form),
		cmocka_unit_test(a_binding_of_all_ones_is_one_while_the_gpu_answers),
		cmocka_unit_test(a_binding_elsewhere_at_the_same_address_is_another_drivers),
		cmocka_unit_test(the_root_is_what_the_instance_block_says),
		cmocka_unit_test(there_is_no_root_without_a_binding_that_can_be_read),
		cmocka_unit_test(tables_are_read_from_vram_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
