/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_ATOMIC_H
#define NVBAR_COMPAT_LINUX_ATOMIC_H

#include <linux/compiler.h>
#include <linux/types.h>

/*
 * Ordering as in the kernel: what returns nothing is relaxed, what returns a
 * value is fully ordered unless its name says otherwise.
 */
#define ATOMIC_INIT(i)		{ (i) }
#define ATOMIC64_INIT(i)	{ (i) }

#define COMPAT_DEFINE_ATOMIC(pre, type, val)				\
static inline val pre##_read(const type *v)				\
{									\
	return __atomic_load_n(&v->counter, __ATOMIC_RELAXED);		\
}									\
static inline val pre##_read_acquire(const type *v)			\
{									\
	return __atomic_load_n(&v->counter, __ATOMIC_ACQUIRE);		\
}									\
static inline void pre##_set(type *v, val i)				\
{									\
	__atomic_store_n(&v->counter, i, __ATOMIC_RELAXED);		\
}									\
static inline void pre##_set_release(type *v, val i)			\
{									\
	__atomic_store_n(&v->counter, i, __ATOMIC_RELEASE);		\
}									\
static inline void pre##_add(val i, type *v)				\
{									\
	__atomic_fetch_add(&v->counter, i, __ATOMIC_RELAXED);		\
}									\
static inline void pre##_sub(val i, type *v)				\
{									\
	__atomic_fetch_sub(&v->counter, i, __ATOMIC_RELAXED);		\
}									\
static inline void pre##_inc(type *v)					\
{									\
	pre##_add(1, v);						\
}									\
static inline void pre##_dec(type *v)					\
{									\
	pre##_sub(1, v);						\
}									\
static inline val pre##_add_return(val i, type *v)			\
{									\
	return __atomic_add_fetch(&v->counter, i, __ATOMIC_SEQ_CST);	\
}									\
static inline val pre##_sub_return(val i, type *v)			\
{									\
	return __atomic_sub_fetch(&v->counter, i, __ATOMIC_SEQ_CST);	\
}									\
static inline val pre##_inc_return(type *v)				\
{									\
	return pre##_add_return(1, v);					\
}									\
static inline val pre##_dec_return(type *v)				\
{									\
	return pre##_sub_return(1, v);					\
}									\
static inline val pre##_fetch_add(val i, type *v)			\
{									\
	return __atomic_fetch_add(&v->counter, i, __ATOMIC_SEQ_CST);	\
}									\
static inline bool pre##_dec_and_test(type *v)				\
{									\
	return pre##_dec_return(v) == 0;				\
}									\
static inline val pre##_xchg(type *v, val i)				\
{									\
	return __atomic_exchange_n(&v->counter, i, __ATOMIC_SEQ_CST);	\
}									\
static inline val pre##_cmpxchg(type *v, val old, val i)		\
{									\
	__atomic_compare_exchange_n(&v->counter, &old, i, false,	\
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);\
	return old;							\
}									\
static inline bool pre##_try_cmpxchg(type *v, val *old, val i)		\
{									\
	return __atomic_compare_exchange_n(&v->counter, old, i, false,	\
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED); \
}

COMPAT_DEFINE_ATOMIC(atomic, atomic_t, int)
COMPAT_DEFINE_ATOMIC(atomic64, atomic64_t, s64)
#undef COMPAT_DEFINE_ATOMIC

#define smp_mb()			__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()			__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()			__atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_load_acquire(ptr)		__atomic_load_n(ptr, __ATOMIC_ACQUIRE)
#define smp_store_release(ptr, val)	__atomic_store_n(ptr, val, __ATOMIC_RELEASE)

#endif
