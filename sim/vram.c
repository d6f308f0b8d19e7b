/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim_vram.h"

#define TRAILER_MAGIC	"nvbarVRAM"	/* with its NUL and padding, 16 bytes */
#define TRAILER_VERSION	1

/* What room is asked for in: more than a page to ask less often, little to stay sparse. */
#define BLOCK_SHIFT	16
#define BLOCK_SIZE	(1ull << BLOCK_SHIFT)

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

static size_t roomy_bytes(const struct sim_vram *vram)
{
	return ((vram->map_len >> BLOCK_SHIFT) / 64 + 1) * sizeof(*vram->roomy);
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

static int refuse(char *why, size_t why_len, const char *name, const char *reason)
{
	snprintf(why, why_len, "%s: %s", name, reason);
	return -EINVAL;
}

static int check_file(int fd, uint64_t file_size, uint64_t size, const char *name,
		      char *why, size_t why_len)
{
	struct trailer want = make_trailer(size);
	struct trailer got;

	if (file_size != total_bytes(size) && file_size != size + sizeof(got)) {
		snprintf(why, why_len, "%s: 0x%llx bytes are not VRAM of 0x%llx and what belongs to it",
			 name, (unsigned long long)file_size, (unsigned long long)size);
		return -EINVAL;
	}
	if (pread(fd, &got, sizeof(got), (off_t)size) != sizeof(got))
		return refuse(why, why_len, name, "cannot read the trailer");
	if (memcmp(got.magic, want.magic, sizeof(got.magic)))
		return refuse(why, why_len, name, "not a VRAM file");
	if (got.version != want.version || got.page_shift != want.page_shift)
		return refuse(why, why_len, name, "VRAM file of an unknown version");
	if (got.vram_size != want.vram_size)
		return refuse(why, why_len, name, "VRAM file of another size");
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
	(void)fclose(info);
	return locked;
}

static int refuse_busy(int fd, const char *name, const struct stat *st, char *why, size_t why_len)
{
	struct owner owner;
	off_t at = st->st_size - (off_t)sizeof(owner);

	if (pread(fd, &owner, sizeof(owner), at) == sizeof(owner) && has_lock(&owner, st))
		snprintf(why, why_len, "%s is in use by process %d", name, owner.pid);
	else
		snprintf(why, why_len, "%s is in use by a running GPU", name);
	return -EBUSY;
}

static int note_owner(int fd, uint64_t size)
{
	struct owner owner = { .pid = getpid(), .fd = fd };
	off_t at = (off_t)(total_bytes(size) - sizeof(owner));

	return pwrite(fd, &owner, sizeof(owner), at) < 0 ? -errno : 0;
}

static int take_file(int fd, uint64_t size, const char *name, char *why, size_t why_len)
{
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return refuse(why, why_len, name, "not a regular file");
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return -errno;
		return refuse_busy(fd, name, &st, why, why_len);
	}
	/* Its size counts only now that nobody else is setting it up. */
	if (fstat(fd, &st))
		return -errno;
	if (st.st_size) {
		ret = check_file(fd, (uint64_t)st.st_size, size, name, why, why_len);
	} else {
		ret = set_up(fd, size);
		if (ret && ftruncate(fd, 0))
			return -errno;
	}
	return ret ? ret : note_owner(fd, size);
}

/* More than the process may write would be a signal (SIGXFSZ), not an error. */
static bool more_than_allowed(uint64_t size, const char *name, char *why, size_t why_len)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_FSIZE, &most) || total_bytes(size) <= most.rlim_cur)
		return false;
	snprintf(why, why_len, "%s: VRAM and what belongs to it are 0x%llx bytes, and files of this process 0x%llx at most (RLIMIT_FSIZE)",
		 name, (unsigned long long)total_bytes(size), (unsigned long long)most.rlim_cur);
	return true;
}

static int open_backing(uint64_t size, const char *file, const char *name, char *why,
			size_t why_len)
{
	int fd, ret;

	if (more_than_allowed(size, name, why, why_len))
		return -EFBIG;
	/*
	 * O_NONBLOCK: a FIFO is to be refused, not waited for.  The owner's alone: whoever
	 * may read a file may lock it.
	 */
	if (file)
		fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	else
		fd = memfd_create("nvbar-vram", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = file ? take_file(fd, size, name, why, why_len) : set_up(fd, size);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

/* By the file that is open, whatever its path names by now. */
static int open_again(int fd)
{
	char path[32];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

/* The end of a path, so that a message that begins with it has its own end too. */
static void take_name(struct sim_vram *vram, const char *file)
{
	size_t len = strlen(file);

	if (len >= sizeof(vram->name))
		file += len - sizeof(vram->name) + 1;
	snprintf(vram->name, sizeof(vram->name), "%s", file);
}

/* Memory that is zero and takes none until it is used, shared with children as the file is. */
static void *map_zeroes(size_t len)
{
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
}

/* The bitmap, but for pages of zeroes.  Through the mapping, on some disks, even a look takes room. */
static int read_touched(struct sim_vram *vram)
{
	off_t start = (uint8_t *)vram->kept - vram->base;
	uint64_t page[SIM_PAGE_SIZE / 8];
	size_t off;

	/* Holes read ahead would be cached in large pieces, each to be stored as a whole. */
	posix_fadvise(vram->fd, 0, 0, POSIX_FADV_RANDOM);
	for (off = 0; off < bitmap_bytes(vram->size); off += sizeof(page)) {
		if (pread(vram->fd, page, sizeof(page), start + (off_t)off) != sizeof(page))
			return -EIO;
		if (page[0] || memcmp(page, page + 1, sizeof(page) - sizeof(page[0])))
			memcpy((uint8_t *)vram->touched + off, page, sizeof(page));
	}
	return 0;
}

static int map_file(struct sim_vram *vram)
{
	int ret = -ENOMEM;

	vram->kept = vram->touched;
	vram->roomy = map_zeroes(roomy_bytes(vram));
	if (vram->roomy == MAP_FAILED)
		return ret;
	vram->touched = map_zeroes(bitmap_bytes(vram->size));
	if (vram->touched == MAP_FAILED)
		goto err_roomy;
	ret = read_touched(vram);
	if (ret)
		goto err_touched;
	return 0;

err_touched:
	munmap(vram->touched, bitmap_bytes(vram->size));
err_roomy:
	munmap(vram->roomy, roomy_bytes(vram));
	return ret;
}

static int map_backing(struct sim_vram *vram, bool is_file)
{
	int ret = 0;

	vram->base = mmap(NULL, vram->map_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			  vram->fd, 0);
	if (vram->base == MAP_FAILED)
		return -errno;
	vram->touched = (void *)(vram->base + vram->size + SIM_PAGE_SIZE);
	if (is_file)
		ret = map_file(vram);
	if (ret)
		munmap(vram->base, vram->map_len);
	return ret;
}

int sim_vram_init(struct sim_vram *vram, uint64_t size, const char *file,
		  char *why, size_t why_len)
{
	int ret;

	why[0] = '\0';
	*vram = (struct sim_vram) { .size = size, .map_len = total_bytes(size), .owner = getpid() };
	take_name(vram, file ? file : "VRAM");
	ret = open_backing(size, file, vram->name, why, why_len);
	if (ret < 0) {
		if (!why[0])
			snprintf(why, why_len, "%s: %s", vram->name, strerror(-ret));
		return ret;
	}
	vram->fd = ret;
	vram->fd_ro = open_again(vram->fd);
	if (vram->fd_ro < 0) {
		ret = vram->fd_ro;
		snprintf(why, why_len, "%s: cannot be opened for reading through /proc: %s",
			 vram->name, strerror(-ret));
		goto err_close;
	}
	ret = map_backing(vram, file);
	if (ret) {
		snprintf(why, why_len, "%s: cannot map %llu bytes: %s", vram->name,
			 (unsigned long long)size, strerror(-ret));
		goto err_close_ro;
	}
	return 0;

err_close_ro:
	close(vram->fd_ro);
err_close:
	close(vram->fd);
	return ret;
}

void sim_vram_fini(struct sim_vram *vram)
{
	if (vram->kept) {
		munmap(vram->touched, bitmap_bytes(vram->size));
		munmap(vram->roomy, roomy_bytes(vram));
	}
	munmap(vram->base, vram->map_len);
	/* Children have the descriptor too, and with it a lock that outlives it here. */
	if (getpid() == vram->owner)
		(void)flock(vram->fd, LOCK_UN);
	close(vram->fd_ro);
	close(vram->fd);
}

static void set_touched(struct sim_vram *vram, uint64_t pa)
{
	uint64_t page = pa >> SIM_PAGE_SHIFT;

	vram->touched[page / 64] |= 1ull << (page % 64);
	if (vram->kept)
		vram->kept[page / 64] = vram->touched[page / 64];
}

/* Room for the file's block at @off, without which a store there is a SIGBUS. */
static int make_room(struct sim_vram *vram, uint64_t off)
{
	uint64_t block = off >> BLOCK_SHIFT, bit = 1ull << (block % 64);
	uint64_t start = block << BLOCK_SHIFT, left = vram->map_len - start;
	int ret;

	if (vram->roomy[block / 64] & bit)
		return 0;
	do {
		ret = fallocate(vram->fd, 0, (off_t)start,
				(off_t)(left < BLOCK_SIZE ? left : BLOCK_SIZE));
	} while (ret && errno == EINTR);
	/* A filesystem that can't tell has to be trusted. */
	if (ret && errno != EOPNOTSUPP)
		return -errno;
	vram->roomy[block / 64] |= bit;
	return 0;
}

/* Room for a page and its bit. */
static int make_page_room(struct sim_vram *vram, uint64_t pa)
{
	uint64_t bit = vram->size + SIM_PAGE_SIZE + (pa >> SIM_PAGE_SHIFT) / 8;
	int ret;

	if (!vram->kept)
		return 0;
	ret = make_room(vram, bit);
	return ret ? ret : make_room(vram, pa);
}

static void write_pattern(struct sim_vram *vram, uint64_t page)
{
	uint64_t off, word;

	for (off = 0; off < SIM_PAGE_SIZE; off += sizeof(word)) {
		word = sim_vram_pattern(page + off);
		memcpy(vram->base + page + off, &word, sizeof(word));
	}
	set_touched(vram, page);	/* last: a page half filled is still untouched */
}

static int touch(struct sim_vram *vram, uint64_t pa)
{
	int ret;

	if (sim_vram_touched(vram, pa))
		return 0;
	ret = make_page_room(vram, pa);
	if (!ret)
		write_pattern(vram, pa & ~(SIM_PAGE_SIZE - 1));
	return ret;
}

bool sim_vram_touch(struct sim_vram *vram, uint64_t pa)
{
	return !touch(vram, pa);
}

bool sim_vram_ready(struct sim_vram *vram, uint64_t pa, size_t len)
{
	int ret;

	if (sim_vram_touched(vram, pa))
		return true;
	/* Of a whole page nothing will be left, so it needs no pattern. */
	ret = len < SIM_PAGE_SIZE ? touch(vram, pa) : make_page_room(vram, pa);
	if (ret && !vram->error)
		vram->error = -ret;
	return !ret;
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

void sim_vram_write(struct sim_vram *vram, uint64_t pa, const void *buf, size_t len)
{
	const uint8_t *from = buf;

	while (len) {
		size_t part = page_part(pa, len);

		if (!sim_vram_ready(vram, pa, part))
			return;
		memcpy(vram->base + pa, from, part);
		set_touched(vram, pa);
		from += part;
		pa += part;
		len -= part;
	}
}

void sim_vram_zero_touched(struct sim_vram *vram)
{
	uint64_t pa;

	for (pa = 0; pa < vram->size; pa += SIM_PAGE_SIZE)
		if (sim_vram_touched(vram, pa))
			memset(vram->base + pa, 0, SIM_PAGE_SIZE);
}
