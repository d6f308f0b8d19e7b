/* SPDX-License-Identifier: MIT */
/*
 * What keeps accesses to a GPU's BARs in order, with each other and with memory.
 *
 * Linux maps the registers uncached, on arm64 as Device memory, and a prefetchable
 * BAR1 write-combined, on arm64 as Normal memory that is not cached.  arm64 keeps
 * the accesses to Device memory of one device in order among themselves, and nothing
 * else of this: a load through BAR1 may be done before the poll that an earlier load
 * of a register ends.  So registers are read and written as by Linux's readl() and
 * writel() [Linux arch/arm64/include/asm/io.h __iormb(), __iowmb(); barrier.h has
 * "dmb oshld" and "dmb oshst" for them, and "dsb sy" for mb()].  The fences of C11 are
 * of the inner shareable domain on arm64, which a device need not be in.
 *
 * x86-64 keeps uncached accesses in order; stores to write-combined memory are late,
 * and loads from it may be early [Intel SDM 3A, "Buffering of Write Combining Memory
 * Locations"].
 */
#ifndef NVBAR_LIB_BARRIER_H
#define NVBAR_LIB_BARRIER_H

#include <stdint.h>

/**
 * nvbar_bus_barrier - all earlier accesses before all later ones
 *
 * Earlier writes have left for the bus, and later reads have not begun, not even as
 * speculation.
 */
static inline void nvbar_bus_barrier(void)
{
#if defined(__x86_64__)
	__asm__ volatile("mfence" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("dsb sy" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/** nvbar_uncached_barrier - the same between accesses that are uncached, all of them */
static inline void nvbar_uncached_barrier(void)
{
#if defined(__x86_64__)
	__asm__ volatile("" ::: "memory");
#else
	nvbar_bus_barrier();
#endif
}

/** nvbar_loads_done - all earlier loads, of device memory too, before all later accesses */
static inline void nvbar_loads_done(void)
{
#if defined(__x86_64__)
	__asm__ volatile("" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("dmb oshld" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/**
 * nvbar_reg_loaded - after each load of a register: it is done before what follows
 * @val: what was loaded
 *
 * On arm64 also before a loop that only counts time, which makes no access: no
 * instruction that follows is certain to run before @val is there.
 */
static inline void nvbar_reg_loaded(uint64_t val)
{
#if defined(__aarch64__)
	uint64_t zero;

	nvbar_loads_done();
	__asm__ volatile("eor %0, %1, %1\n\tcbnz %0, ." : "=r"(zero) : "r"(val) : "memory");
#else
	(void)val;
	nvbar_loads_done();
#endif
}

/** nvbar_reg_store - before each store to a register: what was stored before comes first */
static inline void nvbar_reg_store(void)
{
#if defined(__x86_64__)
	__asm__ volatile("" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("dmb oshst" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

#endif
