// SPDX-License-Identifier: MIT
/*
 * Small helpers of <linux/kernel.h>, <linux/bug.h> and <linux/mm.h>.
 */
#include <stdio.h>
#include <unistd.h>
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <nvbar_compat.h>

static atomic64_t warnings;

void compat_warn(const char *file, int line, const char *func, const char *what)
{
	atomic64_inc(&warnings);
	if (file)
		fprintf(stderr, "nvbar: %s:%d: %s(): must not happen: %s\n", file, line, func, what);
}

unsigned long compat_warn_count(void)
{
	return (unsigned long)atomic64_read(&warnings);
}

int compat_vscnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	int len;

	if (!size)
		return 0;
	len = vsnprintf(buf, size, fmt, args);
	if (len < 0)
		return 0;
	return (size_t)len < size ? len : (int)(size - 1);
}

int compat_scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = compat_vscnprintf(buf, size, fmt, args);
	va_end(args);
	return len;
}

static unsigned long pretended_page_size;

unsigned long compat_page_size(void)
{
	unsigned long size = READ_ONCE(pretended_page_size);

	return size ? size : (unsigned long)sysconf(_SC_PAGESIZE);
}

void compat_page_size_pretend(unsigned long size)
{
	WRITE_ONCE(pretended_page_size, size);
}
