// SPDX-License-Identifier: MIT
#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "access.h"
#include "fault.h"

/* Uses before pages are looked up: a mapping that is touched once is not worth it. */
#define DIRECT_AFTER	8

static u64 nr_chunks(const struct nvbar_access *access)
{
	return DIV_ROUND_UP_ULL(access->size, NVBAR_DIRECT_CHUNK * NVBAR_PAGE_SIZE);
}

/* The chunk for a page; NULL if there is no memory for it. */
static struct nvbar_direct_chunk *get_chunk(struct nvbar_access *access, u64 page)
{
	struct nvbar_direct_chunk **direct = access->direct, *chunk;
	atomic64_t *bytes = &access->gpu->direct.bytes;

	lockdep_assert_held(&access->gpu->vmm.lock);
	if (!direct) {
		direct = kvcalloc(nr_chunks(access), sizeof(*direct), GFP_KERNEL);
		if (!direct)
			return NULL;
		atomic64_add(nr_chunks(access) * sizeof(*direct), bytes);
		smp_store_release(&access->direct, direct);
	}
	chunk = direct[page / NVBAR_DIRECT_CHUNK];
	if (!chunk) {
		chunk = kzalloc(sizeof(*chunk), GFP_KERNEL);
		if (!chunk)
			return NULL;
		atomic64_add(sizeof(*chunk), bytes);
		smp_store_release(&direct[page / NVBAR_DIRECT_CHUNK], chunk);
	}
	return chunk;
}

/* Forgets the pages of an older generation, before the newer one is named. */
static void renew(struct nvbar_direct_chunk *chunk, u64 generation)
{
	unsigned int i;

	if (chunk->generation == generation)
		return;
	for (i = 0; i < NVBAR_DIRECT_CHUNK; i++)
		WRITE_ONCE(chunk->page[i], NULL);
	smp_store_release(&chunk->generation, generation);
}

/*
 * Looks a page up for the next accesses to it, unless somebody is busy with
 * the address space: nobody waits for that.
 */
static void look_up(struct nvbar_access *access, u64 off)
{
	struct nvbar_gpu *gpu = access->gpu;
	u64 page = off >> NVBAR_PAGE_SHIFT;
	struct nvbar_direct_chunk *chunk;

	if (!access->generation || !mutex_trylock(&gpu->vmm.lock))
		return;
	chunk = get_chunk(access, page);
	if (chunk) {
		/* In this order: what changes in between makes the page out of date. */
		renew(chunk, smp_load_acquire(access->generation));
		WRITE_ONCE(chunk->page[page % NVBAR_DIRECT_CHUNK],
			   gpu->ops->bar1_direct(gpu->hw,
						 access->base + (page << NVBAR_PAGE_SHIFT),
						 access->writable));
	}
	mutex_unlock(&gpu->vmm.lock);
}

static bool worth_looking_up(struct nvbar_access *access)
{
	u32 uses = READ_ONCE(access->uses);

	if (uses >= DIRECT_AFTER)
		return true;
	WRITE_ONCE(access->uses, uses + 1);
	return false;
}

static void forget_windows(struct nvbar_access *access)
{
	struct nvbar_copied *copied = access->copied;
	struct nvbar_gpu *gpu = access->gpu;

	access->window_generation = 0;
	access->copied = NULL;
	if (!copied)
		return;
	while (copied->nr_remapped)
		gpu->ops->bar1_window_end(gpu->hw, copied->remapped[--copied->nr_remapped],
					  access->size);
	kfree(copied);
	atomic64_sub(sizeof(*copied), &gpu->direct.bytes);
}

void nvbar_access_forget(struct nvbar_access *access)
{
	atomic64_t *bytes = &access->gpu->direct.bytes;
	u64 i;

	forget_windows(access);
	if (!access->direct)
		return;
	for (i = 0; i < nr_chunks(access); i++) {
		if (!access->direct[i])
			continue;
		kfree(access->direct[i]);
		atomic64_sub(sizeof(*access->direct[i]), bytes);
	}
	kvfree(access->direct);
	atomic64_sub(nr_chunks(access) * sizeof(*access->direct), bytes);
	access->direct = NULL;
}

int nvbar_access_rd_slow(struct nvbar_access *access, u64 off, unsigned int width, u64 *val)
{
	struct nvbar_fault_watch watch = { access->base + off, width, NVBAR_FAULT_TRIES, 0 };
	struct nvbar_gpu *gpu = access->gpu;
	int ret = 0;
	u64 read;

	do {
		nvbar_fault_watch(gpu, &watch);
		read = gpu->ops->bar1_read(gpu->hw, access->base + off, width);
		if (read == GENMASK_ULL(8 * width - 1, 0))
			ret = nvbar_fault_look(gpu, &watch);
		else
			ret = 0;
	} while (ret == -EAGAIN);
	if (ret)
		return ret;
	if (worth_looking_up(access))
		look_up(access, off);
	*val = read;
	return 0;
}

void nvbar_access_wr_slow(struct nvbar_access *access, u64 off, unsigned int width, u64 val)
{
	access->gpu->ops->bar1_write(access->gpu->hw, access->base + off, width, val);
	if (worth_looking_up(access))
		look_up(access, off);
}

/* Bytes from @off to the end of its page, at most @len. */
static size_t page_part(u64 off, size_t len)
{
	return min_t(u64, len, NVBAR_PAGE_SIZE - (off & (NVBAR_PAGE_SIZE - 1)));
}

/*
 * How many of @len bytes from @off on are in one piece at @direct.  The pages
 * that follow in the chunk are as good as the first one.
 */
static size_t direct_run(const struct nvbar_access *access, u64 off, size_t len, const u8 *direct)
{
	struct nvbar_direct_chunk **chunks = smp_load_acquire(&access->direct);
	u64 page = off >> NVBAR_PAGE_SHIFT;
	const struct nvbar_direct_chunk *chunk;
	size_t run = page_part(off, len);

	/* The address may come from a window. */
	chunk = chunks ? smp_load_acquire(&chunks[page / NVBAR_DIRECT_CHUNK]) : NULL;
	if (!chunk)
		return run;
	while (run < len && ++page % NVBAR_DIRECT_CHUNK &&
	       READ_ONCE(chunk->page[page % NVBAR_DIRECT_CHUNK]) == direct + run)
		run += min_t(size_t, len - run, NVBAR_PAGE_SIZE);
	return run;
}

/* ... or not in memory at all, so that one slow copy does for them. */
static size_t slow_run(const struct nvbar_access *access, u64 off, size_t len)
{
	size_t run = page_part(off, len);

	while (run < len && !nvbar_access_direct(access, off + run))
		run += page_part(off + run, len - run);
	return run;
}

/* Looks up the pages of a block that were not, or not lately. */
static void look_up_run(struct nvbar_access *access, u64 off, size_t len)
{
	u64 page = round_down(off, NVBAR_PAGE_SIZE);

	/* A block of a page or more pays for it at once. */
	if (len < NVBAR_PAGE_SIZE && !worth_looking_up(access))
		return;
	for (; page < off + len; page += NVBAR_PAGE_SIZE)
		look_up(access, page);
}

/*
 * A window pays once the mapping has been copied as a whole if its memory is
 * in one piece, and if it is not, much later.
 */
#define WINDOW_REMAP_AFTER	16

/* Counts a block that had no window; true when it is time for one. */
static bool worth_a_window(struct nvbar_access *access, struct nvbar_copied *copied, size_t len,
			   bool *remap)
{
	u64 generation = READ_ONCE(*access->generation);
	u64 before, after;

	if (READ_ONCE(copied->generation) != generation) {
		WRITE_ONCE(copied->generation, generation);
		WRITE_ONCE(copied->bytes, 0);
	}
	before = READ_ONCE(copied->bytes);
	after = before + len;
	WRITE_ONCE(copied->bytes, after);

	/* Once at each of the two marks, as the answer will not change. */
	*remap = after / WINDOW_REMAP_AFTER >= access->size;
	if (*remap)
		return before / WINDOW_REMAP_AFTER < access->size;
	return after >= access->size && before < access->size;
}

static void make_window(struct nvbar_access *access, struct nvbar_copied *copied, bool remap)
{
	u64 generation = smp_load_acquire(access->generation);
	struct nvbar_gpu *gpu = access->gpu;
	u8 *window;

	lockdep_assert_held(&gpu->vmm.lock);
	if (access->window_generation == generation || copied->nr_remapped == NVBAR_REMAPPED_MAX)
		return;
	window = gpu->ops->bar1_window(gpu->hw, access->base, access->size, access->writable,
				       remap);
	if (!window)
		return;
	if (remap)
		copied->remapped[copied->nr_remapped++] = window;
	smp_store_release(&access->window_generation, 0);
	WRITE_ONCE(access->window, window);
	smp_store_release(&access->window_generation, generation);
}

static void begin_to_count(struct nvbar_access *access)
{
	struct nvbar_copied *copied;

	lockdep_assert_held(&access->gpu->vmm.lock);
	if (access->copied)
		return;
	copied = kzalloc(sizeof(*copied), GFP_KERNEL);
	if (!copied)
		return;
	atomic64_add(sizeof(*copied), &access->gpu->direct.bytes);
	smp_store_release(&access->copied, copied);
}

/* As with look_up(), nobody waits for a window. */
static void copied_without_window(struct nvbar_access *access, size_t len)
{
	struct nvbar_copied *copied = smp_load_acquire(&access->copied);
	bool remap = false;

	if (!access->generation || !access->ordinary || access->size <= NVBAR_PAGE_SIZE ||
	    nvbar_access_window(access))
		return;
	if (copied && !worth_a_window(access, copied, len, &remap))
		return;
	if (!mutex_trylock(&access->gpu->vmm.lock))
		return;
	if (copied)
		make_window(access, copied, remap);
	else
		begin_to_count(access);
	mutex_unlock(&access->gpu->vmm.lock);
}

static void copy_from_direct(const struct nvbar_gpu *gpu, void *to, const u8 *direct, size_t len)
{
	if (gpu->ops->direct_copy_from)
		gpu->ops->direct_copy_from(to, direct, len);
	else
		memcpy(to, direct, len);
}

static void copy_to_direct(const struct nvbar_gpu *gpu, u8 *direct, const void *from, size_t len)
{
	if (gpu->ops->direct_copy_to)
		gpu->ops->direct_copy_to(direct, from, len);
	else
		memcpy(direct, from, len);
}

/*
 * A page that faults reads as all ones to its end, and so does all that follows
 * when the GPU goes away: is that how any page's part of the block ends?
 */
static bool ends_in_ones(const u8 *buf, u64 off, size_t len)
{
	size_t end;

	for (end = page_part(off, len); end < len; end += page_part(off + end, len - end))
		if (buf[end - 1] == 0xff)
			return true;
	return buf[len - 1] == 0xff;
}

static void copy_from(struct nvbar_access *access, u64 off, u8 *to, size_t len)
{
	struct nvbar_gpu *gpu = access->gpu;
	size_t run;

	for (; len; to += run, off += run, len -= run) {
		u8 *direct = nvbar_access_direct(access, off);

		if (direct) {
			run = direct_run(access, off, len, direct);
			copy_from_direct(gpu, to, direct, run);
		} else {
			run = slow_run(access, off, len);
			gpu->ops->bar1_copy_from(gpu->hw, to, access->base + off, run);
			look_up_run(access, off, run);
		}
	}
}

int nvbar_access_copy_from(struct nvbar_access *access, u64 off, void *dst, size_t len)
{
	struct nvbar_fault_watch watch = { access->base + off, len, NVBAR_FAULT_TRIES, 0 };
	int ret;

	if (nvbar_gpu_is_lost(access->gpu))
		return -ENODEV;
	if (!nvbar_access_in_bounds(access, off, len))
		return -ERANGE;
	if (!len)
		return 0;
	do {
		nvbar_fault_watch(access->gpu, &watch);
		copy_from(access, off, dst, len);
		ret = ends_in_ones(dst, off, len) ? nvbar_fault_look(access->gpu, &watch) : 0;
	} while (ret == -EAGAIN);
	copied_without_window(access, len);
	return ret;
}

int nvbar_access_copy_to(struct nvbar_access *access, u64 off, const void *src, size_t len)
{
	struct nvbar_gpu *gpu = access->gpu;
	const u8 *from = src;
	size_t total = len;
	size_t run;

	if (nvbar_gpu_is_lost(access->gpu))
		return -ENODEV;
	if (!nvbar_access_in_bounds(access, off, len))
		return -ERANGE;
	if (!access->writable)
		return -EACCES;
	for (; len; from += run, off += run, len -= run) {
		u8 *direct = nvbar_access_direct(access, off);

		if (direct) {
			run = direct_run(access, off, len, direct);
			copy_to_direct(gpu, direct, from, run);
		} else {
			run = slow_run(access, off, len);
			gpu->ops->bar1_copy_to(gpu->hw, access->base + off, from, run);
			look_up_run(access, off, run);
		}
	}
	copied_without_window(access, total);
	return 0;
}

int nvbar_access_fill(struct nvbar_access *access, u64 off, u32 pattern, u64 len)
{
	if (nvbar_gpu_is_lost(access->gpu))
		return -ENODEV;
	if ((off | len) & 3)
		return -EINVAL;
	if (!nvbar_access_in_bounds(access, off, len))
		return -ERANGE;
	if (!access->writable)
		return -EACCES;
	if (len)
		access->gpu->ops->bar1_fill(access->gpu->hw, access->base + off, pattern, len);
	return 0;
}

int nvbar_access_flush(struct nvbar_access *access)
{
	struct nvbar_gpu *gpu = access->gpu;

	if (nvbar_gpu_is_lost(gpu))
		return -ENODEV;
	gpu->ops->write_barrier(gpu->hw);
	gpu->ops->bar1_read(gpu->hw, access->base, 4);
	return nvbar_fault_flush(access);
}

/* The pages of the host that show the mapping; return: bytes in them below it. */
static u64 host_pages(const struct nvbar_access *access, u64 *len)
{
	u64 granule = access->gpu->vmm.va.granule;
	u64 before = access->base & (granule - 1);

	*len = round_up(before + access->size, granule);
	return before;
}

static int map_pages(struct nvbar_access *access)
{
	struct nvbar_gpu *gpu = access->gpu;
	u64 len, before = host_pages(access, &len);
	void *cpu;
	int ret;

	lockdep_assert_held(&gpu->vmm.lock);
	if (!nvbar_vmm_has_pages(gpu, access->mapping, access->base, access->size)) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "mmap 0x%llx+0x%llx: pages of 0x%x bytes, as this machine has, would show what is beside it",
			      access->base, access->size, gpu->vmm.va.granule);
		return -EOPNOTSUPP;
	}
	ret = gpu->ops->bar1_mmap(gpu->hw, access->base - before, len, access->writable, &cpu);
	if (!ret)
		access->cpu = (u8 *)cpu + before;
	return ret == -EFAULT ? -EIO : ret;
}

int nvbar_access_mmap(struct nvbar_access *access, void **cpu)
{
	int ret;

	guard(mutex)(&access->gpu->vmm.lock);
	if (nvbar_gpu_is_lost(access->gpu))
		return -ENODEV;
	if (!access->cpu) {
		ret = map_pages(access);
		if (ret)
			return ret;
	}
	*cpu = access->cpu;
	return 0;
}

void nvbar_access_munmap(struct nvbar_access *access)
{
	u64 len, before;

	if (!access->cpu)
		return;
	before = host_pages(access, &len);
	access->gpu->ops->bar1_munmap(access->gpu->hw, (u8 *)access->cpu - before, len);
	access->cpu = NULL;
}
