/* SPDX-License-Identifier: MIT */
/*
 * Buffers in VRAM of the kernel's nouveau driver, seen through BAR1: made, mapped,
 * written and read back.  Prints a line for each, and exits 1 if something reads wrong.
 *
 * usage: nouveau_bo DEVICE SEED SIZE...
 *
 * When all are written and looked at, it stops itself, for somebody outside to look
 * at VRAM; then it goes on with SIGCONT, looks at them again, and frees them.
 *
 * A page has its value, SEED and the numbers of buffer and page, in its first 8
 * bytes and in its last.  The ioctls are those of Linux's uapi/drm/nouveau_drm.h
 * and drm.h, which Debian keeps with libdrm.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE		4096
#define NR_MAX		16

/* --- uapi -------------------------------------------------------------------- */

struct drm_gem_close {
	uint32_t handle;
	uint32_t pad;
};

#define NOUVEAU_GEM_DOMAIN_VRAM		(1 << 1)
#define NOUVEAU_GEM_DOMAIN_MAPPABLE	(1 << 3)

struct drm_nouveau_gem_info {
	uint32_t handle;
	uint32_t domain;
	uint64_t size;
	uint64_t offset;
	uint64_t map_handle;
	uint32_t tile_mode;
	uint32_t tile_flags;
};

struct drm_nouveau_gem_new {
	struct drm_nouveau_gem_info info;
	uint32_t channel_hint;
	uint32_t align;
};

#define DRM_IOCTL_GEM_CLOSE		_IOW('d', 0x09, struct drm_gem_close)
#define DRM_IOCTL_NOUVEAU_GEM_NEW	_IOWR('d', 0x80, struct drm_nouveau_gem_new)

/* ----------------------------------------------------------------------------- */

struct buffer {
	uint32_t handle;
	uint64_t size;
	uint8_t *cpu;
};

static int fail(const char *what)
{
	fprintf(stderr, "nouveau_bo: %s: %s\n", what, strerror(errno));
	return 1;
}

static uint64_t value(uint64_t seed, unsigned int buffer, uint64_t page)
{
	return seed << 32 | (uint64_t)buffer << 24 | page;
}

static int make(int fd, struct buffer *b, uint64_t size)
{
	struct drm_nouveau_gem_new new = {
		.info = { .domain = NOUVEAU_GEM_DOMAIN_VRAM | NOUVEAU_GEM_DOMAIN_MAPPABLE,
			  .size = size },
		.align = PAGE,
	};

	if (ioctl(fd, DRM_IOCTL_NOUVEAU_GEM_NEW, &new))
		return fail("GEM_NEW");
	if (!(new.info.domain & NOUVEAU_GEM_DOMAIN_VRAM)) {
		fprintf(stderr, "nouveau_bo: a buffer is not in VRAM\n");
		return 1;
	}
	b->handle = new.info.handle;
	b->size = size;
	b->cpu = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      (off_t)new.info.map_handle);
	return b->cpu == MAP_FAILED ? fail("mmap") : 0;
}

/* The first and the last word of a page */
static volatile uint64_t *word(const struct buffer *b, uint64_t page, unsigned int end)
{
	return (volatile uint64_t *)(void *)(b->cpu + page * PAGE + end * (PAGE - 8));
}

static void fill(const struct buffer *b, uint64_t seed, unsigned int nr)
{
	uint64_t page;

	for (page = 0; page < b->size / PAGE; page++) {
		*word(b, page, 0) = value(seed, nr, page);
		*word(b, page, 1) = value(seed, nr, page);
	}
}

static uint64_t check(const struct buffer *b, uint64_t seed, unsigned int nr)
{
	uint64_t page, wrong = 0;

	for (page = 0; page < b->size / PAGE; page++)
		wrong += (*word(b, page, 0) != value(seed, nr, page)) +
			 (*word(b, page, 1) != value(seed, nr, page));
	printf("buffer %u: %" PRIu64 " bytes, %" PRIu64 " words wrong\n", nr, b->size, wrong);
	return wrong;
}

static int discard(int fd, struct buffer *b)
{
	struct drm_gem_close close = { .handle = b->handle };

	munmap(b->cpu, b->size);
	return ioctl(fd, DRM_IOCTL_GEM_CLOSE, &close) ? fail("GEM_CLOSE") : 0;
}

int main(int argc, char **argv)
{
	struct buffer buffer[NR_MAX];
	unsigned int nr = argc > 3 ? (unsigned int)argc - 3 : 0, i;
	uint64_t seed, wrong = 0;
	int fd, err = 0;

	if (!nr || nr > NR_MAX) {
		fprintf(stderr, "usage: nouveau_bo DEVICE SEED SIZE...\n");
		return 64;
	}
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail(argv[1]);
	seed = strtoull(argv[2], NULL, 0);
	for (i = 0; i < nr; i++)
		if (make(fd, &buffer[i], strtoull(argv[3 + i], NULL, 0)))
			return 1;
	/* All of them, before any is looked at. */
	for (i = 0; i < nr; i++)
		fill(&buffer[i], seed, i);
	for (i = 0; i < nr; i++)
		wrong += check(&buffer[i], seed, i);
	fflush(stdout);
	raise(SIGSTOP);
	for (i = 0; i < nr; i++)
		wrong += check(&buffer[i], seed, i);
	for (i = 0; i < nr; i++)
		err |= discard(fd, &buffer[i]);
	close(fd);
	return err || wrong;
}
