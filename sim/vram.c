/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim_vram.h"

#define TRAILER_MAGIC	"nvbarVRAM"	/* with its NUL and padding, 16 bytes */
#define TRAILER_VERSION	1

#define NAME_MAX_SHOWN	80

/* The page behind the last byte of VRAM; nothing in it is trusted. */
struct trailer {
	char magic[16];
	uint32_t version;
	uint32_t page_shift;
	uint64_t vram_size;
};

/*
 * The last bytes of a file, wherever it ends: who had it open last.  He may be
 * long gone, so what is found here is only where to look for the lock.
 */
struct owner {
	int32_t pid;
	int32_t fd;
};

static size_t bitmap_bytes(uint64_t size)
{
	uint64_t bytes = (size >> SIM_PAGE_SHIFT) / 8 + sizeof(struct owner);

	return (bytes + SIM_PAGE_SIZE - 1) & ~(SIM_PAGE_SIZE - 1);
}

static uint64_t total_bytes(uint64_t size)
{
	return size + SIM_PAGE_SIZE + bitmap_bytes(size);
}

static struct trailer make_trailer(uint64_t size)
{
	struct trailer t = {
		.magic = TRAILER_MAGIC,
		.version = TRAILER_VERSION,
		.page_shift = SIM_PAGE_SHIFT,
		.vram_size = size,
	};

	return t;
}

/* A file that ends behind the trailer is one whose set-up did not come to its end. */
static int set_up(int fd, uint64_t size)
{
	struct trailer t = make_trailer(size);
	ssize_t n;

	n = pwrite(fd, &t, sizeof(t), (off_t)size);
	if (n < 0)
		return -errno;
	if (n != sizeof(t))
		return -ENOSPC;
	return ftruncate(fd, (off_t)total_bytes(size)) ? -errno : 0;
}

/* What a message calls a file: the end of its path, so that the message has its end too. */
static const char *name_of(const char *file)
{
	size_t len = file ? strlen(file) : 0;

	if (!file)
		return "VRAM";
	return len > NAME_MAX_SHOWN ? file + len - NAME_MAX_SHOWN : file;
}

static int refuse(char *why, size_t why_len, const char *file, const char *reason)
{
	snprintf(why, why_len, "%s: %s", name_of(file), reason);
	return -EINVAL;
}

static int check_file(int fd, uint64_t file_size, uint64_t size, const char *file,
		      char *why, size_t why_len)
{
	struct trailer want = make_trailer(size);
	struct trailer got;

	if (file_size != total_bytes(size) && file_size != size + sizeof(got))
		return refuse(why, why_len, file, "not VRAM of this size");
	if (pread(fd, &got, sizeof(got), (off_t)size) != sizeof(got))
		return refuse(why, why_len, file, "cannot read the trailer");
	if (memcmp(got.magic, want.magic, sizeof(got.magic)))
		return refuse(why, why_len, file, "not a VRAM file");
	if (got.version != want.version || got.page_shift != want.page_shift)
		return refuse(why, why_len, file, "VRAM file of an unknown version");
	if (got.vram_size != want.vram_size)
		return refuse(why, why_len, file, "VRAM file of another size");
	return file_size == total_bytes(size) ? 0 : set_up(fd, size);
}

/* Whether this is a descriptor of that process's with the lock on the file. */
static bool has_lock(const struct owner *owner, const struct stat *file)
{
	char path[64], line[128];
	bool locked = false;
	struct stat st;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", owner->pid, owner->fd);
	if (stat(path, &st) || st.st_dev != file->st_dev || st.st_ino != file->st_ino)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", owner->pid, owner->fd);
	info = fopen(path, "re");
	if (!info)
		return false;
	while (!locked && fgets(line, sizeof(line), info))
		locked = !strncmp(line, "lock:", 5) && strstr(line, " FLOCK ");
	fclose(info);
	return locked;
}

static int refuse_busy(int fd, const char *file, const struct stat *st, char *why, size_t why_len)
{
	struct owner owner;
	off_t at = st->st_size - (off_t)sizeof(owner);

	if (pread(fd, &owner, sizeof(owner), at) == sizeof(owner) && has_lock(&owner, st))
		snprintf(why, why_len, "%s is in use by process %d", name_of(file), owner.pid);
	else
		snprintf(why, why_len, "%s is in use by a running GPU", name_of(file));
	return -EBUSY;
}

static int note_owner(int fd, uint64_t size)
{
	struct owner owner = { .pid = getpid(), .fd = fd };
	off_t at = (off_t)(total_bytes(size) - sizeof(owner));

	return pwrite(fd, &owner, sizeof(owner), at) < 0 ? -errno : 0;
}

static int take_file(int fd, uint64_t size, const char *file, char *why, size_t why_len)
{
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return refuse(why, why_len, file, "not a regular file");
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return -errno;
		return refuse_busy(fd, file, &st, why, why_len);
	}
	/* Its size counts only now that nobody else is setting it up. */
	if (fstat(fd, &st))
		return -errno;
	if (st.st_size) {
		ret = check_file(fd, (uint64_t)st.st_size, size, file, why, why_len);
	} else {
		ret = set_up(fd, size);
		if (ret && ftruncate(fd, 0))
			return -errno;
	}
	return ret ? ret : note_owner(fd, size);
}

static int open_backing(uint64_t size, const char *file, char *why, size_t why_len)
{
	int fd, ret;

	if (file)	/* O_NONBLOCK: a FIFO is to be refused, not waited for */
		fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
	else
		fd = memfd_create("nvbar-vram", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = file ? take_file(fd, size, file, why, why_len) : set_up(fd, size);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

int sim_vram_init(struct sim_vram *vram, uint64_t size, const char *file,
		  char *why, size_t why_len)
{
	size_t map_len = total_bytes(size);
	void *base;
	int fd;

	why[0] = '\0';
	fd = open_backing(size, file, why, why_len);
	if (fd < 0) {
		if (!why[0])
			snprintf(why, why_len, "%s: %s", name_of(file), strerror(-fd));
		return fd;
	}
	base = mmap(NULL, map_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (base == MAP_FAILED) {
		int err = errno;

		snprintf(why, why_len, "%s: cannot map %llu bytes: %s", name_of(file),
			 (unsigned long long)size, strerror(err));
		close(fd);
		return -err;
	}
	vram->size = size;
	vram->base = base;
	vram->touched = (void *)(vram->base + size + SIM_PAGE_SIZE);
	vram->map_len = map_len;
	vram->fd = fd;
	vram->owner = getpid();
	return 0;
}

void sim_vram_fini(struct sim_vram *vram)
{
	munmap(vram->base, vram->map_len);
	/* Children have the descriptor too, and with it a lock that outlives it here. */
	if (getpid() == vram->owner)
		flock(vram->fd, LOCK_UN);
	close(vram->fd);
}

static void set_touched(struct sim_vram *vram, uint64_t pa)
{
	uint64_t page = pa >> SIM_PAGE_SHIFT;

	vram->touched[page / 64] |= 1ull << (page % 64);
}

void sim_vram_touch(struct sim_vram *vram, uint64_t pa)
{
	uint64_t page = pa & ~(SIM_PAGE_SIZE - 1);
	uint64_t off, word;

	if (sim_vram_touched(vram, pa))
		return;
	for (off = 0; off < SIM_PAGE_SIZE; off += sizeof(word)) {
		word = sim_vram_pattern(page + off);
		memcpy(vram->base + page + off, &word, sizeof(word));
	}
	set_touched(vram, pa);	/* last: a page half filled is still untouched */
}

/* Bytes from @pa to the end of its page, at most @len. */
static size_t page_part(uint64_t pa, size_t len)
{
	size_t left = SIM_PAGE_SIZE - (pa & (SIM_PAGE_SIZE - 1));

	return len < left ? len : left;
}

static void read_pattern(uint64_t pa, uint8_t *buf, size_t len)
{
	while (len) {
		uint64_t word = sim_vram_pattern(pa & ~7ull) >> (8 * (pa & 7));
		size_t part = 8 - (pa & 7);

		if (part > len)
			part = len;
		memcpy(buf, &word, part);
		buf += part;
		pa += part;
		len -= part;
	}
}

void sim_vram_read(const struct sim_vram *vram, uint64_t pa, void *buf, size_t len)
{
	uint8_t *to = buf;

	while (len) {
		size_t part = page_part(pa, len);

		if (sim_vram_touched(vram, pa))
			memcpy(to, vram->base + pa, part);
		else
			read_pattern(pa, to, part);
		to += part;
		pa += part;
		len -= part;
	}
}

/* Ready the page of @pa for a write of @part bytes: a whole page needs no pattern first. */
static void touch_for_write(struct sim_vram *vram, uint64_t pa, size_t part)
{
	if (part < SIM_PAGE_SIZE)
		sim_vram_touch(vram, pa);
}

void sim_vram_write(struct sim_vram *vram, uint64_t pa, const void *buf, size_t len)
{
	const uint8_t *from = buf;

	while (len) {
		size_t part = page_part(pa, len);

		touch_for_write(vram, pa, part);
		memcpy(vram->base + pa, from, part);
		set_touched(vram, pa);
		from += part;
		pa += part;
		len -= part;
	}
}

void sim_vram_fill(struct sim_vram *vram, uint64_t pa, const uint8_t pattern[4], size_t len)
{
	size_t phase = 0;	/* of the pattern, at the start of a page's part */

	while (len) {
		size_t part = page_part(pa, len);
		uint8_t *to = vram->base + pa;
		size_t done;

		touch_for_write(vram, pa, part);
		for (done = 0; done < part && done < 4; done++)
			to[done] = pattern[(phase + done) % 4];
		/* Double what is there until the part is full. */
		for (; done < part; done *= 2)
			memcpy(to + done, to, done < part - done ? done : part - done);
		set_touched(vram, pa);
		phase += part;
		pa += part;
		len -= part;
	}
}
