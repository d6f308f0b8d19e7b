/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_BITFIELD_H
#define NVBAR_COMPAT_LINUX_BITFIELD_H

#include <linux/build_bug.h>
#include <linux/types.h>

#define __bf_shf(mask)	(__builtin_ffsll(mask) - 1)

/* A mask is a constant: one run of ones. */
#define __compat_field_check(mask)					\
	_Static_assert((mask) != 0 &&					\
		       ((((unsigned long long)(mask) >> __bf_shf(mask)) + 1) & \
			((unsigned long long)(mask) >> __bf_shf(mask))) == 0, \
		       "not a field mask: " #mask)

#define FIELD_MAX(mask) ({				\
	__compat_field_check(mask);			\
	(typeof(mask))((mask) >> __bf_shf(mask));	\
})

#define FIELD_FIT(mask, val) ({						\
	__compat_field_check(mask);					\
	!((((typeof(mask))(val)) << __bf_shf(mask)) & ~(mask));		\
})

#define FIELD_PREP(mask, val) ({					\
	__compat_field_check(mask);					\
	(typeof(mask))((((typeof(mask))(val)) << __bf_shf(mask)) & (mask)); \
})

#define FIELD_GET(mask, reg) ({						\
	__compat_field_check(mask);					\
	(typeof(mask))(((reg) & (mask)) >> __bf_shf(mask));		\
})

#endif
