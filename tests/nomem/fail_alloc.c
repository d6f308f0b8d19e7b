// SPDX-License-Identifier: MIT
/*
 * For LD_PRELOAD: allocations that fail.  From the begin of main() they are counted,
 * those that libc makes for itself too, and mmap().
 *
 * NOMEM_NTH    the number of the one that fails, from 1; nothing fails without it
 * NOMEM_REST   set: and so do all after it
 * NOMEM_COUNT  a file that is told at exit how many there were
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PRELOADED __attribute__((visibility("default")))

/* glibc's own, by names that nothing stands in front of */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t nr, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
extern void *__libc_memalign(size_t align, size_t size);

static unsigned long count, nth;
static bool counting, rest;

__attribute__((constructor)) static void begin(void)
{
	const char *number = getenv("NOMEM_NTH");

	nth = number ? strtoul(number, NULL, 10) : 0;
	rest = getenv("NOMEM_REST");
	counting = true;
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("NOMEM_COUNT");
	char text[24];
	int fd, len;

	counting = false;
	if (!path)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	len = snprintf(text, sizeof(text), "%lu", count);
	if (fd < 0 || write(fd, text, len) != len)
		abort();
	close(fd);
}

static bool fails(void)
{
	unsigned long nr;

	if (!counting)
		return false;
	nr = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	if (!nth || nr < nth || (nr > nth && !rest))
		return false;
	errno = ENOMEM;
	return true;
}

PRELOADED void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

PRELOADED void *calloc(size_t nr, size_t size)
{
	return fails() ? NULL : __libc_calloc(nr, size);
}

/* A size of 0 asks for no memory. */
PRELOADED void *realloc(void *ptr, size_t size)
{
	return size && fails() ? NULL : __libc_realloc(ptr, size);
}

PRELOADED void *reallocarray(void *ptr, size_t nr, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(nr, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(ptr, bytes);
}

PRELOADED void *aligned_alloc(size_t align, size_t size)
{
	return fails() ? NULL : __libc_memalign(align, size);
}

PRELOADED int posix_memalign(void **ptr, size_t align, size_t size)
{
	void *got = aligned_alloc(align, size);

	if (!got)
		return ENOMEM;
	*ptr = got;
	return 0;
}

PRELOADED void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	if (fails())
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, off);
}
