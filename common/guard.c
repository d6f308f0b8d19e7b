// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sys/mman.h>

#include "guard.h"

void *guard_reserve(size_t len)
{
	size_t total;
	char *all;

	if (__builtin_add_overflow(len, 2 * (size_t)GUARD_LEN, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	all = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return all == MAP_FAILED ? NULL : all + GUARD_LEN;
}

void guard_release(void *cpu, size_t len)
{
	munmap((char *)cpu - GUARD_LEN, len + 2 * (size_t)GUARD_LEN);
}
