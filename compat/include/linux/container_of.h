/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_CONTAINER_OF_H
#define NVBAR_COMPAT_LINUX_CONTAINER_OF_H

#include <linux/build_bug.h>
#include <linux/types.h>

#define container_of(ptr, type, member) ({				\
	_Static_assert(__same_type(*(ptr), ((type *)0)->member) ||	\
		       __same_type(*(ptr), void),			\
		       "container_of: pointer does not fit the member");	\
	(type *)(void *)((char *)(ptr) - offsetof(type, member));	\
})

#define typeof_member(type, member)	typeof(((type *)0)->member)

#endif
