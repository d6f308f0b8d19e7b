/* SPDX-License-Identifier: MIT */
/*
 * In every test program: whoever ends with more open files than he began with has leaked
 * some, which no sanitizer sees.  A child of a test that ends by _exit() is not asked.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NR_FDS	1024

static bool open_at_start[NR_FDS];

/* What @fd is; false: it is not open. */
static bool target_of(int fd, char target[256])
{
	char name[64];
	ssize_t len;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	len = readlink(name, target, 255);
	if (len >= 0)
		target[len] = '\0';
	return len >= 0;
}

/* One for the process, as a signal handler may need it at any time: lib/device_map.c. */
static bool is_kept(const char *target)
{
	return !strncmp(target, "/memfd:nvbar-gone ", 18);
}

__attribute__((constructor)) static void begin(void)
{
	char target[256];
	int fd;

	for (fd = 0; fd < NR_FDS; fd++)
		open_at_start[fd] = target_of(fd, target);
}

__attribute__((destructor)) static void end(void)
{
	bool leaked = false;
	char target[256];
	int fd;

	for (fd = 0; fd < NR_FDS; fd++) {
		if (open_at_start[fd] || !target_of(fd, target) || is_kept(target))
			continue;
		fprintf(stderr, "left open: descriptor %d, %s\n", fd, target);
		leaked = true;
	}
	if (leaked)
		_exit(1);
}
