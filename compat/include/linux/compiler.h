/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_COMPILER_H
#define NVBAR_COMPAT_LINUX_COMPILER_H

#include <sys/cdefs.h>

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

/* Without optimisation let debuggers and gcov see functions. */
#undef __always_inline
#ifdef __OPTIMIZE__
#define __always_inline	inline __attribute__((always_inline))
#else
#define __always_inline	inline
#endif
#define noinline		__attribute__((noinline))
#define __must_check		__attribute__((warn_unused_result))
#define __maybe_unused		__attribute__((unused))
#define __always_unused		__attribute__((unused))
#define __packed		__attribute__((packed))
#define __aligned(x)		__attribute__((aligned(x)))
#define __printf(fmt, args)	__attribute__((format(printf, fmt, args)))
#define __cleanup(fn)		__attribute__((cleanup(fn)))
#define __cold			__attribute__((cold))
#define fallthrough		__attribute__((fallthrough))

#define barrier()	__asm__ __volatile__("" : : : "memory")

/*
 * Relaxed atomics and not volatile accesses: the same instructions, but
 * ThreadSanitizer knows that the race is meant.
 */
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, val)	__atomic_store_n(&(x), (val), __ATOMIC_RELAXED)

#define __compat_paste2(a, b)	a##b
#define __compat_paste(a, b)	__compat_paste2(a, b)
#define __UNIQUE_ID(prefix)	__compat_paste(__compat_##prefix##_, __COUNTER__)
#define __same_type(a, b)	__builtin_types_compatible_p(typeof(a), typeof(b))

#endif
