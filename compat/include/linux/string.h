/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_STRING_H
#define NVBAR_COMPAT_LINUX_STRING_H

#include <string.h>
#include <linux/errno.h>
#include <linux/types.h>

/* Always terminates @dst; the length copied, or -E2BIG when @src was cut. */
static inline ssize_t strscpy(char *dst, const char *src, size_t size)
{
	size_t len = strnlen(src, size);

	if (!size)
		return -E2BIG;
	if (len == size) {
		memcpy(dst, src, size - 1);
		dst[size - 1] = '\0';
		return -E2BIG;
	}
	memcpy(dst, src, len + 1);
	return (ssize_t)len;
}

#endif
