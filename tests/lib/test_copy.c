// SPDX-License-Identifier: MIT
/* Copies to and from device memory, on ordinary memory that plays its part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "copy.h"

#define GUARD	64
#define MAX	(3 * 64 + 17)

static unsigned char *device;
static unsigned char host[MAX + 2 * GUARD];

static void fill(unsigned char *buf, size_t len, unsigned char start)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = start + 7 * i;
}

static void assert_untouched(const unsigned char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		assert_int_equal(buf[i], 0xee);
}

/* Every alignment of either side, every length up to a few bursts. */
static void check_routines(const struct nvbar_copy *copy)
{
	size_t dev_at, host_at, len;

	for (dev_at = 0; dev_at < 64; dev_at++) {
		for (host_at = 0; host_at < 64; host_at += 13) {
			for (len = 0; len <= MAX - 64; len += len < 70 ? 1 : 29) {
				unsigned char *dev = device + GUARD + dev_at;
				unsigned char *mem = host + GUARD + host_at;

				memset(device, 0xee, MAX + 2 * GUARD);
				fill(host, sizeof(host), 1);
				copy->to(dev, mem, len);
				assert_memory_equal(dev, mem, len);
				assert_untouched(device, GUARD + dev_at);
				assert_untouched(dev + len, GUARD);

				fill(device, MAX + 2 * GUARD, 99);
				memset(host, 0xee, sizeof(host));
				copy->from(mem, dev, len);
				assert_memory_equal(mem, dev, len);
				assert_untouched(host, GUARD + host_at);
				assert_untouched(mem + len, GUARD);
			}
		}
	}
}

/* Every alignment of the destination, lengths around whole steps of a loop, and the longest. */
static void check_memory(const struct nvbar_copy *copy)
{
	const size_t size = NVBAR_COPY_LOOP_MAX + 2 * GUARD + 64;
	unsigned char *from = malloc(size), *to = malloc(size);
	size_t to_at, from_at, len;

	assert_true(from && to);
	fill(from, size, 1);
	for (to_at = 0; to_at < 64; to_at++) {
		for (from_at = 0; from_at < 64; from_at += 13) {
			for (len = NVBAR_COPY_LOOP_MIN; len <= NVBAR_COPY_LOOP_MAX;
			     len += len < NVBAR_COPY_LOOP_MIN + 140 ? 7 : 14163) {
				memset(to, 0xee, size);
				copy->memory(to + GUARD + to_at, from + from_at, len);
				assert_memory_equal(to + GUARD + to_at, from + from_at, len);
				assert_untouched(to, GUARD + to_at);
				assert_untouched(to + GUARD + to_at + len, GUARD);
			}
		}
	}
	free(from);
	free(to);
}

/* Just outside and just inside what goes by the loop */
static void ordinary_memory_is_copied_whatever_its_length(void **state)
{
	static const size_t lens[] = {
		0, 1, NVBAR_COPY_LOOP_MIN - 1, NVBAR_COPY_LOOP_MIN, NVBAR_COPY_LOOP_MIN + 1,
		NVBAR_COPY_LOOP_MAX - 1, NVBAR_COPY_LOOP_MAX, NVBAR_COPY_LOOP_MAX + 1,
	};
	const size_t size = NVBAR_COPY_LOOP_MAX + 1 + GUARD;
	unsigned char *from = malloc(size), *to = malloc(size);
	size_t i;

	(void)state;
	assert_true(from && to);
	nvbar_copy_init();
	fill(from, size, 5);
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		memset(to, 0xee, size);
		nvbar_copy_memory(to, from, lens[i]);
		assert_memory_equal(to, from, lens[i]);
		assert_untouched(to + lens[i], GUARD);
	}
	free(from);
	free(to);
}

static void uncached_memory_is_copied_at_every_alignment(void **state)
{
	(void)state;
	check_routines(nvbar_copy_for(NVBAR_MEM_UNCACHED));
}

static void write_combined_memory_is_copied_at_every_alignment(void **state)
{
	(void)state;
	check_routines(nvbar_copy_for(NVBAR_MEM_WRITE_COMBINED));
}

static void the_loop_that_was_chosen_copies_ordinary_memory(void **state)
{
	(void)state;
	check_memory(nvbar_copy_for(NVBAR_MEM_WRITE_COMBINED));
}

static void the_choice_is_made_once(void **state)
{
	(void)state;
	assert_ptr_equal(nvbar_copy_for(NVBAR_MEM_WRITE_COMBINED),
			 nvbar_copy_for(NVBAR_MEM_WRITE_COMBINED));
}

#ifdef __x86_64__

#define SSE2	(1u << 26)	/* leaf 1 EDX */
#define SSE41	(1u << 19)	/* leaf 1 ECX */
#define AVX2	(1u << 5)	/* leaf 7 EBX */
#define AVX512F	(1u << 16)	/* leaf 7 EBX */

static enum nvbar_isa isa(uint32_t leaf7_ebx, uint64_t xcr0)
{
	const struct nvbar_cpu cpu = { SSE41, SSE2, leaf7_ebx, xcr0 };

	return nvbar_isa_of(&cpu);
}

/* XCR0: bit 1 SSE, 2 AVX, 5 opmask, 6 upper halves of ZMM0-15, 7 ZMM16-31 */
static void wide_registers_count_only_if_all_their_state_is_saved(void **state)
{
	(void)state;
	assert_int_equal(isa(AVX2 | AVX512F, 0xe7), NVBAR_ISA_AVX512);
	assert_int_equal(isa(AVX2 | AVX512F, 0xe6), NVBAR_ISA_AVX512);
	assert_int_equal(isa(AVX2 | AVX512F, 0x67), NVBAR_ISA_AVX2);
	assert_int_equal(isa(AVX2 | AVX512F, 0x07), NVBAR_ISA_AVX2);
	assert_int_equal(isa(AVX2 | AVX512F, 0xe5), NVBAR_ISA_SSE41);
	assert_int_equal(isa(AVX2 | AVX512F, 0x03), NVBAR_ISA_SSE41);
	assert_int_equal(isa(AVX2 | AVX512F, 0x00), NVBAR_ISA_SSE41);
	assert_int_equal(isa(AVX2, 0xe7), NVBAR_ISA_AVX2);
	assert_int_equal(isa(0, 0xe7), NVBAR_ISA_SSE41);
}

static void an_old_cpu_gets_what_it_has(void **state)
{
	const struct nvbar_cpu sse2 = { .leaf1_edx = SSE2 };
	const struct nvbar_cpu none = { 0 };

	(void)state;
	assert_int_equal(nvbar_isa_of(&sse2), NVBAR_ISA_SSE2);
	assert_int_equal(nvbar_isa_of(&none), NVBAR_ISA_GENERIC);
}

static void every_instruction_set_this_cpu_has_copies_right(void **state)
{
	(void)state;
	check_routines(nvbar_copy_with(NVBAR_ISA_SSE2));
	check_memory(nvbar_copy_with(NVBAR_ISA_SSE2));
	if (__builtin_cpu_supports("sse4.1"))
		check_routines(nvbar_copy_with(NVBAR_ISA_SSE41));
	if (__builtin_cpu_supports("avx2")) {
		check_routines(nvbar_copy_with(NVBAR_ISA_AVX2));
		check_memory(nvbar_copy_with(NVBAR_ISA_AVX2));
	}
	if (__builtin_cpu_supports("avx512f")) {
		check_routines(nvbar_copy_with(NVBAR_ISA_AVX512));
		check_memory(nvbar_copy_with(NVBAR_ISA_AVX512));
	}
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uncached_memory_is_copied_at_every_alignment),
		cmocka_unit_test(write_combined_memory_is_copied_at_every_alignment),
		cmocka_unit_test(the_loop_that_was_chosen_copies_ordinary_memory),
		cmocka_unit_test(the_choice_is_made_once),
		cmocka_unit_test(ordinary_memory_is_copied_whatever_its_length),
#ifdef __x86_64__
		cmocka_unit_test(wide_registers_count_only_if_all_their_state_is_saved),
		cmocka_unit_test(an_old_cpu_gets_what_it_has),
		cmocka_unit_test(every_instruction_set_this_cpu_has_copies_right),
#endif
	};
	int ret;

	device = aligned_alloc(64, MAX + 2 * GUARD + (64 - (MAX + 2 * GUARD) % 64) % 64);
	if (!device)
		return 1;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	free(device);
	return ret;
}
