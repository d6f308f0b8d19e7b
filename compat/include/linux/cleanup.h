/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_CLEANUP_H
#define NVBAR_COMPAT_LINUX_CLEANUP_H

#include <linux/compiler.h>

/* __free(name): @free_expr runs on the variable, as _T, when it leaves scope. */
#define DEFINE_FREE(name, type, free_expr)			\
	static inline void __free_##name(void *__compat_var)	\
	{							\
		type _T = *(type *)__compat_var;		\
								\
		free_expr;					\
	}
#define __free(name)	__cleanup(__free_##name)

/* The pointer's value; the variable is NULL afterwards and frees nothing. */
#define no_free_ptr(ptr) ({			\
	__auto_type __compat_ptr = (ptr);	\
						\
	(ptr) = NULL;				\
	__compat_ptr;				\
})
#define return_ptr(ptr)	return no_free_ptr(ptr)

#define DEFINE_CLASS(name, type, exit_expr, init_expr, args...)		\
	typedef type class_##name##_t;					\
	static inline class_##name##_t class_##name##_constructor(args)	\
	{								\
		return init_expr;					\
	}								\
	static inline void class_##name##_destructor(class_##name##_t *__compat_obj) \
	{								\
		type _T = *__compat_obj;				\
									\
		exit_expr;						\
	}
#define CLASS(name, var)						\
	class_##name##_t var __cleanup(class_##name##_destructor)	\
		__maybe_unused = class_##name##_constructor

/* guard(name)(lock): held from here to the end of the block. */
#define DEFINE_GUARD(name, type, lock_expr, unlock_expr)		\
	DEFINE_CLASS(name, type, unlock_expr, ({ lock_expr; _T; }), type _T)
#define guard(name)	CLASS(name, __UNIQUE_ID(guard))
#define scoped_guard(name, args...)					\
	for (CLASS(name, __compat_scope)(args), *__compat_done = NULL;	\
	     !__compat_done; __compat_done = (void *)&__compat_scope)

#endif
