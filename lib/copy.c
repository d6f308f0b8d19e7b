// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <string.h>

#include "barrier.h"
#include "copy.h"
#include "hw.h"

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

/* A burst: what the CPU sends in one piece to write-combined memory. */
#define BURST	64

static void load(void *dst, const volatile void *dev, size_t width)
{
	uint64_t val64;
	uint32_t val32;
	uint16_t val16;

	switch (width) {
	case 8:
		val64 = *(const volatile uint64_t *)dev;
		memcpy(dst, &val64, 8);
		break;
	case 4:
		val32 = *(const volatile uint32_t *)dev;
		memcpy(dst, &val32, 4);
		break;
	case 2:
		val16 = *(const volatile uint16_t *)dev;
		memcpy(dst, &val16, 2);
		break;
	default:
		*(uint8_t *)dst = *(const volatile uint8_t *)dev;
		break;
	}
}

static void store(volatile void *dev, const void *src, size_t width)
{
	uint64_t val64;
	uint32_t val32;
	uint16_t val16;

	switch (width) {
	case 8:
		memcpy(&val64, src, 8);
		*(volatile uint64_t *)dev = val64;
		break;
	case 4:
		memcpy(&val32, src, 4);
		*(volatile uint32_t *)dev = val32;
		break;
	case 2:
		memcpy(&val16, src, 2);
		*(volatile uint16_t *)dev = val16;
		break;
	default:
		*(volatile uint8_t *)dev = *(const uint8_t *)src;
		break;
	}
}

/* What copies a part of a block leaves the barriers to who copies the whole. */
static inline void load_part(void *dst, const void *src, size_t len)
{
	const volatile char *dev = src;
	char *to = dst;
	size_t width;

	for (; len; to += width, dev += width, len -= width) {
		width = nvbar_natural_width((uintptr_t)dev, len);
		load(to, dev, width);
	}
}

static inline void store_part(void *dst, const void *src, size_t len)
{
	volatile char *dev = dst;
	const char *from = src;
	size_t width;

	for (; len; dev += width, from += width, len -= width) {
		width = nvbar_natural_width((uintptr_t)dev, len);
		store(dev, from, width);
	}
}

static void from_by_width(void *dst, const void *src, size_t len)
{
	nvbar_bus_barrier();
	load_part(dst, src, len);
	nvbar_loads_done();
}

static void to_by_width(void *dst, const void *src, size_t len)
{
	store_part(dst, src, len);
	nvbar_bus_barrier();
}

static void memory_by_memcpy(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
}

static const struct nvbar_copy by_width = {
	"natural widths", from_by_width, to_by_width, memory_by_memcpy,
};

#ifdef __x86_64__

/* Bytes before the first burst at @dev. */
static size_t head_of(const void *dev, size_t len)
{
	size_t head = -(uintptr_t)dev & (BURST - 1);

	return head < len ? head : len;
}

/*
 * Heads and tails go by natural widths, whole bursts by @burst.  Streaming
 * loads may find what an earlier one left in a buffer: a fence comes first.
 */
static inline __attribute__((always_inline)) void
copy_from(void *dst, const void *src, size_t len, void (*burst)(char *, const char *))
{
	size_t head = head_of(src, len);
	const char *dev = src;
	char *to = dst;

	nvbar_bus_barrier();
	load_part(to, dev, head);
	for (to += head, dev += head, len -= head; len >= BURST; len -= BURST) {
		burst(to, dev);
		to += BURST;
		dev += BURST;
	}
	load_part(to, dev, len);
}

static inline __attribute__((always_inline)) void
copy_to(void *dst, const void *src, size_t len, void (*burst)(char *, const char *))
{
	size_t head = head_of(dst, len);
	const char *from = src;
	char *dev = dst;

	store_part(dev, from, head);
	for (dev += head, from += head, len -= head; len >= BURST; len -= BURST) {
		burst(dev, from);
		dev += BURST;
		from += BURST;
	}
	store_part(dev, from, len);
	_mm_sfence();
}

#define TARGET(isa) __attribute__((target(isa)))

static void burst_to_sse2(char *dev, const char *from)
{
	unsigned int i;

	for (i = 0; i < BURST; i += 16)
		_mm_stream_si128((__m128i *)(void *)(dev + i),
				 _mm_loadu_si128((const __m128i *)(const void *)(from + i)));
}

TARGET("sse4.1") static void burst_from_sse41(char *to, const char *dev)
{
	unsigned int i;

	for (i = 0; i < BURST; i += 16)
		_mm_storeu_si128((__m128i *)(void *)(to + i),
				 _mm_stream_load_si128((__m128i *)(uintptr_t)(dev + i)));
}

TARGET("avx2") static void burst_to_avx2(char *dev, const char *from)
{
	unsigned int i;

	for (i = 0; i < BURST; i += 32)
		_mm256_stream_si256((__m256i *)(void *)(dev + i),
				    _mm256_loadu_si256((const __m256i *)(const void *)(from + i)));
}

TARGET("avx2") static void burst_from_avx2(char *to, const char *dev)
{
	unsigned int i;

	for (i = 0; i < BURST; i += 32)
		_mm256_storeu_si256((__m256i *)(void *)(to + i),
				    _mm256_stream_load_si256((const __m256i *)(const void *)(dev + i)));
}

TARGET("avx512f") static void burst_to_avx512(char *dev, const char *from)
{
	_mm512_stream_si512((__m512i *)(void *)dev, _mm512_loadu_si512(from));
}

TARGET("avx512f") static void burst_from_avx512(char *to, const char *dev)
{
	_mm512_storeu_si512(to, _mm512_stream_load_si512((void *)(uintptr_t)dev));
}

/* Bytes that the loop over ordinary memory copies at a time, in four registers */
#define STEP	128

TARGET("avx2") static inline void step_avx2(char *to, const char *from)
{
	const __m256i *in = (const __m256i *)(const void *)from;
	__m256i *out = (__m256i *)(void *)to;
	__m256i a = _mm256_loadu_si256(in);
	__m256i b = _mm256_loadu_si256(in + 1);
	__m256i c = _mm256_loadu_si256(in + 2);
	__m256i d = _mm256_loadu_si256(in + 3);

	_mm256_storeu_si256(out, a);
	_mm256_storeu_si256(out + 1, b);
	_mm256_storeu_si256(out + 2, c);
	_mm256_storeu_si256(out + 3, d);
}

/* Stores are aligned to lines.  The first and the last step overlap with their neighbours. */
TARGET("avx2") static void memory_avx2(void *dst, const void *src, size_t len)
{
	size_t done = STEP - ((uintptr_t)dst & (BURST - 1));
	const char *from = src;
	char *to = dst;

	step_avx2(to, from);
	for (; done + STEP <= len; done += STEP)
		step_avx2(to + done, from + done);
	step_avx2(to + len - STEP, from + len - STEP);
}

static void to_sse2(void *dst, const void *src, size_t len)
{
	copy_to(dst, src, len, burst_to_sse2);
}

static void from_sse41(void *dst, const void *src, size_t len)
{
	copy_from(dst, src, len, burst_from_sse41);
}

static void to_avx2(void *dst, const void *src, size_t len)
{
	copy_to(dst, src, len, burst_to_avx2);
}

static void from_avx2(void *dst, const void *src, size_t len)
{
	copy_from(dst, src, len, burst_from_avx2);
}

static void to_avx512(void *dst, const void *src, size_t len)
{
	copy_to(dst, src, len, burst_to_avx512);
}

static void from_avx512(void *dst, const void *src, size_t len)
{
	copy_from(dst, src, len, burst_from_avx512);
}

static const struct nvbar_copy by_sse2 = {
	"SSE2", from_by_width, to_sse2, memory_by_memcpy,
};
static const struct nvbar_copy by_sse41 = {
	"SSE4.1", from_sse41, to_sse2, memory_by_memcpy,
};
static const struct nvbar_copy by_avx2 = { "AVX2", from_avx2, to_avx2, memory_avx2 };
static const struct nvbar_copy by_avx512 = { "AVX-512", from_avx512, to_avx512, memory_avx2 };

const struct nvbar_copy *nvbar_copy_with(enum nvbar_isa isa)
{
	switch (isa) {
	case NVBAR_ISA_SSE2:
		return &by_sse2;
	case NVBAR_ISA_SSE41:
		return &by_sse41;
	case NVBAR_ISA_AVX2:
		return &by_avx2;
	case NVBAR_ISA_AVX512:
		return &by_avx512;
	default:
		return &by_width;
	}
}

static uint64_t read_xcr0(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (uint64_t)hi << 32 | lo;
}

static void ask_cpu(struct nvbar_cpu *cpu)
{
	unsigned int eax, ebx, ecx, edx;

	memset(cpu, 0, sizeof(*cpu));
	if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
		cpu->leaf1_ecx = ecx;
		cpu->leaf1_edx = edx;
	}
	if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
		cpu->leaf7_ebx = ebx;
	if (cpu->leaf1_ecx & bit_OSXSAVE)
		cpu->xcr0 = read_xcr0();
}

#define XCR0_AVX	0x06u	/* SSE and AVX state */
#define XCR0_AVX512	0xe6u	/* and opmask, upper halves, upper registers */

enum nvbar_isa nvbar_isa_of(const struct nvbar_cpu *cpu)
{
	if ((cpu->leaf7_ebx & bit_AVX512F) && (cpu->xcr0 & XCR0_AVX512) == XCR0_AVX512)
		return NVBAR_ISA_AVX512;
	if ((cpu->leaf7_ebx & bit_AVX2) && (cpu->xcr0 & XCR0_AVX) == XCR0_AVX)
		return NVBAR_ISA_AVX2;
	if (cpu->leaf1_ecx & bit_SSE4_1)
		return NVBAR_ISA_SSE41;
	return cpu->leaf1_edx & bit_SSE2 ? NVBAR_ISA_SSE2 : NVBAR_ISA_GENERIC;
}

#else

const struct nvbar_copy *nvbar_copy_with(enum nvbar_isa isa)
{
	return isa == NVBAR_ISA_GENERIC ? &by_width : NULL;
}

static void ask_cpu(struct nvbar_cpu *cpu)
{
	memset(cpu, 0, sizeof(*cpu));
}

enum nvbar_isa nvbar_isa_of(const struct nvbar_cpu *cpu)
{
	(void)cpu;
	return NVBAR_ISA_GENERIC;
}

#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct nvbar_copy *best;
void (*nvbar_copy_loop)(void *dst, const void *src, size_t len) = memory_by_memcpy;

static void choose(void)
{
	struct nvbar_cpu cpu;

	ask_cpu(&cpu);
	best = nvbar_copy_with(nvbar_isa_of(&cpu));
	nvbar_copy_loop = best->memory;
}

void nvbar_copy_init(void)
{
	pthread_once(&once, choose);
}

const struct nvbar_copy *nvbar_copy_for(enum nvbar_mem mem)
{
	if (mem == NVBAR_MEM_UNCACHED)
		return &by_width;
	nvbar_copy_init();
	return best;
}
