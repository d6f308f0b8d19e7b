/* SPDX-License-Identifier: MIT */
/*
 * Block copies between ordinary memory and device memory that a CPU has
 * mapped, or ordinary memory in its stead.
 *
 * Write-combined memory takes bursts of 64 bytes by non-temporal stores, and
 * gives them by streaming loads; elsewhere such accesses only cost.  Uncached
 * memory takes single accesses of natural width, at most 8 bytes.  Ordinary
 * memory is memcpy()'s business, but for blocks that fit into a first-level cache:
 * where C libraries take string instructions for them a loop of wide registers was
 * faster (docs/performance.md).
 */
#ifndef NVBAR_LIB_COPY_H
#define NVBAR_LIB_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** enum nvbar_mem - how the CPU has mapped the device's memory */
enum nvbar_mem {
	NVBAR_MEM_WRITE_COMBINED,
	NVBAR_MEM_UNCACHED,
};

/** enum nvbar_isa - instructions for write-combined memory */
enum nvbar_isa {
	NVBAR_ISA_GENERIC,	/* natural widths */
	NVBAR_ISA_SSE2,		/* 16-byte stores, no streaming loads */
	NVBAR_ISA_SSE41,
	NVBAR_ISA_AVX2,
	NVBAR_ISA_AVX512,
};

/**
 * struct nvbar_cpu - what CPUID and XGETBV say
 * @leaf1_ecx: features
 * @leaf1_edx: features
 * @leaf7_ebx: features
 * @xcr0: register state that the operating system saves; 0 without OSXSAVE
 */
struct nvbar_cpu {
	uint32_t leaf1_ecx;
	uint32_t leaf1_edx;
	uint32_t leaf7_ebx;
	uint64_t xcr0;
};

/**
 * struct nvbar_copy - copy routines
 * @name: of the instructions
 * @from: out of device memory; @dst and @src of any alignment; nothing is loaded
 *	before earlier accesses are done, and all of it before later ones begin
 * @to: into device memory; all of it has left the CPU on return
 * @memory: between two pieces of ordinary memory, at least NVBAR_COPY_LOOP_MIN bytes
 */
struct nvbar_copy {
	const char *name;
	void (*from)(void *dst, const void *src, size_t len);
	void (*to)(void *dst, const void *src, size_t len);
	void (*memory)(void *dst, const void *src, size_t len);
};

/**
 * nvbar_isa_of - the best instructions that a CPU and its system allow
 * @cpu: what they say
 *
 * Wide registers count only if the system saves all of their state: each bit
 * of the mask in XCR0 must be set, not just one of them.
 */
enum nvbar_isa nvbar_isa_of(const struct nvbar_cpu *cpu);

/**
 * nvbar_copy_for - the routines for memory of a type
 * @mem: how it is mapped
 *
 * The CPU is asked once.
 *
 * Context: any thread.
 */
const struct nvbar_copy *nvbar_copy_for(enum nvbar_mem mem);

/**
 * nvbar_copy_with - the routines of given instructions
 * @isa: instructions; the caller knows that this CPU has them
 *
 * Return: the routines, NULL if this build has none.
 */
const struct nvbar_copy *nvbar_copy_with(enum nvbar_isa isa);

/* Blocks of ordinary memory for which a loop was not slower */
#define NVBAR_COPY_LOOP_MIN	4096
#define NVBAR_COPY_LOOP_MAX	32768

/* memcpy() before nvbar_copy_init() */
extern void (*nvbar_copy_loop)(void *dst, const void *src, size_t len);

/** nvbar_copy_init - choose the instructions for nvbar_copy_memory().  Context: any thread */
void nvbar_copy_init(void);

/**
 * nvbar_copy_memory - memcpy()
 * @dst: ordinary memory
 * @src: ordinary memory elsewhere
 * @len: bytes
 */
static inline void nvbar_copy_memory(void *dst, const void *src, size_t len)
{
	if (len >= NVBAR_COPY_LOOP_MIN && len <= NVBAR_COPY_LOOP_MAX)
		nvbar_copy_loop(dst, src, len);
	else
		memcpy(dst, src, len);
}

#endif
