/* SPDX-License-Identifier: MIT */
/*
 * CPU pointers into the aperture.  A window is a range of addresses whose
 * pages are mapped onto the VRAM pages that the aperture's pages lead to, so
 * an access costs nothing; the price is paid when a translation changes.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guard.h"
#include "sim_gpu.h"

#define NOWHERE	(~0ull)
#define GONE	(~1ull)

/* One page of a window: the VRAM it is on, and how. */
struct page {
	uint64_t pa;	/* NOWHERE: not accessible; GONE: as without a GPU */
	int prot;
};

/**
 * struct sim_window - one pointer handed out
 * @next: in the GPU's list
 * @cpu: the pointer
 * @off: aperture offset of its first byte
 * @nr: pages
 * @write: writes were asked for
 * @page: what is mapped now
 */
struct sim_window {
	struct sim_window *next;
	uint8_t *cpu;
	uint64_t off;
	size_t nr;
	bool write;
	struct page page[];
};

static int prot_for(bool write)
{
	return write ? PROT_READ | PROT_WRITE : PROT_READ;
}

/* What was at these addresses is there no more. */
static void *map_nothing(void *cpu, size_t len)
{
	return mmap(cpu, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		    0);
}

/* Before a pointer leads there: the model can't see the first access through it. */
static bool touch_all(struct sim_gpu *gpu, uint64_t pa, uint64_t len)
{
	uint64_t at;

	for (at = 0; at < len; at += SIM_PAGE_SIZE)
		if (!sim_vram_touch(&gpu->vram, pa + at))
			return false;
	return true;
}

static bool map_vram(struct sim_gpu *gpu, uint8_t *cpu, uint64_t pa, uint64_t len, int prot)
{
	if (!touch_all(gpu, pa, len))
		return false;
	return mmap(cpu, len, prot, MAP_SHARED | MAP_NORESERVE | MAP_FIXED,
		    prot & PROT_WRITE ? gpu->vram.fd : gpu->vram.fd_ro, (off_t)pa) != MAP_FAILED;
}

/*
 * What a bus without the GPU reads as; what is written there stays with the
 * process, in copies of pages.
 */
#define ONES_SIZE	(2u << 20)

/* A file of all ones; -1 without memory for it. */
static int make_ones(void)
{
	int fd = memfd_create("nvbar-gone", MFD_CLOEXEC);
	void *ones = MAP_FAILED;

	if (fd < 0)
		return -1;
	if (!ftruncate(fd, ONES_SIZE))
		ones = mmap(NULL, ONES_SIZE, PROT_WRITE, MAP_SHARED, fd, 0);
	if (ones == MAP_FAILED) {
		close(fd);
		return -1;
	}
	memset(ones, 0xff, ONES_SIZE);
	munmap(ones, ONES_SIZE);
	return fd;
}

static bool map_ones(struct sim_gpu *gpu, uint8_t *cpu, size_t len, int prot)
{
	size_t part;

	if (gpu->ones_fd < 0)
		gpu->ones_fd = make_ones();
	if (gpu->ones_fd < 0)
		return false;
	for (; len; cpu += part, len -= part) {
		part = len < ONES_SIZE ? len : ONES_SIZE;
		if (mmap(cpu, part, prot, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, gpu->ones_fd,
			 0) == MAP_FAILED)
			return false;
	}
	return true;
}

/* Where a page leads now; @type receives the fault if nowhere. */
static struct page resolve(struct sim_gpu *gpu, const struct sim_window *win, size_t i,
			   bool write, struct sim_target *t)
{
	struct page page = { NOWHERE, PROT_NONE };

	if (gpu->faults.dead || sim_aperture_unsettled(&gpu->bar1))
		return (struct page) { GONE, prot_for(write) };
	*t = sim_aperture_resolve(gpu, &gpu->bar1, win->off + i * SIM_PAGE_SIZE, write);
	/* Sparse pages keep nothing, which no mapping of memory can do. */
	if (!t->fault && !t->sparse) {
		page.pa = t->pa;
		page.prot = prot_for(write);
	}
	return page;
}

/* Whether page @b continues page @a in the same mapping. */
static bool continues(const struct page *a, const struct page *b)
{
	if (a->prot != b->prot)
		return false;
	if (a->pa >= GONE)
		return b->pa == a->pa;
	return b->pa == a->pa + SIM_PAGE_SIZE;
}

static bool map_run(struct sim_gpu *gpu, struct sim_window *win, size_t first, size_t nr)
{
	const struct page *page = &win->page[first];
	uint8_t *cpu = win->cpu + first * SIM_PAGE_SIZE;
	size_t len = nr * SIM_PAGE_SIZE;

	if (page->pa == NOWHERE)
		return map_nothing(cpu, len) != MAP_FAILED;
	if (page->pa == GONE)
		return map_ones(gpu, cpu, len, page->prot);
	return map_vram(gpu, cpu, page->pa, len, page->prot);
}

/* Map pages [@first, @end), in runs as long as may be. */
static bool map_pages(struct sim_gpu *gpu, struct sim_window *win, size_t first, size_t end)
{
	size_t i;

	for (i = first + 1; i <= end; i++) {
		if (i < end && continues(&win->page[i - 1], &win->page[i]))
			continue;
		if (!map_run(gpu, win, first, i - first))
			return false;
		first = i;
	}
	return true;
}

/* All of it at once takes no new mapping, so this works at the kernel's limit. */
static void close_off(struct sim_window *win)
{
	size_t i;

	(void)mprotect(win->cpu, win->nr * SIM_PAGE_SIZE, PROT_NONE);
	for (i = 0; i < win->nr; i++)
		win->page[i] = (struct page) { NOWHERE, PROT_NONE };
}

static void update(struct sim_gpu *gpu, struct sim_window *win)
{
	size_t first = win->nr, end = 0;
	struct sim_target t;
	size_t i;

	for (i = 0; i < win->nr; i++) {
		struct page now = resolve(gpu, win, i, win->write, &t);

		/* No more writable is no reason to take reading away. */
		if (now.pa == NOWHERE && win->write)
			now = resolve(gpu, win, i, false, &t);
		if (now.pa == win->page[i].pa && now.prot == win->page[i].prot)
			continue;
		win->page[i] = now;
		first = first < i ? first : i;
		end = i + 1;
	}
	if (first < end && !map_pages(gpu, win, first, end))
		close_off(win);
}

void sim_windows_update(struct sim_gpu *gpu)
{
	struct sim_window *win;

	__atomic_add_fetch(&gpu->generation, 1, __ATOMIC_RELEASE);
	for (win = gpu->windows; win; win = win->next)
		update(gpu, win);
}

static void free_window(struct sim_window *win)
{
	guard_release(win->cpu, win->nr * SIM_PAGE_SIZE);
	free(win);
}

void sim_windows_free(struct sim_gpu *gpu)
{
	while (gpu->windows) {
		struct sim_window *win = gpu->windows;

		gpu->windows = win->next;
		free_window(win);
	}
	if (gpu->ones_fd >= 0)
		close(gpu->ones_fd);
}

static int fill_window(struct sim_gpu *gpu, struct sim_window *win)
{
	size_t i;

	for (i = 0; i < win->nr; i++) {
		struct sim_target t = { 0 };

		win->page[i] = resolve(gpu, win, i, win->write, &t);
		if (win->page[i].pa != NOWHERE)
			continue;
		if (t.fault)
			sim_fault(gpu, &gpu->bar1, t.type, win->off + i * SIM_PAGE_SIZE, win->write, 1);
		return -EFAULT;
	}
	return map_pages(gpu, win, 0, win->nr) ? 0 : -ENOMEM;
}

static int add_window(struct sim_gpu *gpu, uint64_t off, uint64_t len, bool write, void **cpu)
{
	size_t nr = len >> SIM_PAGE_SHIFT;
	struct sim_window *win = malloc(sizeof(*win) + nr * sizeof(win->page[0]));
	void *at;
	int ret;

	if (!win)
		return -ENOMEM;
	at = guard_reserve(len);
	if (!at) {
		free(win);
		return -ENOMEM;
	}
	win->cpu = at;
	win->off = off;
	win->nr = nr;
	win->write = write;
	ret = fill_window(gpu, win);
	if (ret) {
		free_window(win);
		return ret;
	}
	win->next = gpu->windows;
	gpu->windows = win;
	*cpu = at;
	return 0;
}

int sim_bar1_mmap(struct sim_gpu *gpu, uint64_t off, uint64_t len, bool write, void **cpu)
{
	int ret = -EFAULT;

	sim_lock(gpu);
	if (!len || (off | len) % SIM_PAGE_SIZE)
		sim_misuse(gpu, "mapping of 0x%llx at 0x%llx: not whole pages",
			   (unsigned long long)len, (unsigned long long)off);
	else if (gpu->faults.dead)
		ret = -ENODEV;
	else if (sim_aperture_usable(gpu, &gpu->bar1, "mapping", off, len))
		ret = add_window(gpu, off, len, write, cpu);
	sim_flight_land(gpu);
	sim_unlock(gpu);
	return ret;
}

bool sim_lands_at_once(const struct sim_gpu *gpu)
{
	return gpu->cfg.landing == SIM_LANDING_AT_ONCE;
}

const unsigned long long *sim_bar1_generation(const struct sim_gpu *gpu)
{
	return &gpu->generation;
}

/* The VRAM that a page of the aperture is, if it is any; nothing is counted. */
static bool find_page(struct sim_gpu *gpu, uint64_t off, bool write, uint64_t *pa)
{
	struct sim_target t;

	if (!sim_lands_at_once(gpu) || gpu->faults.dead || sim_aperture_unsettled(&gpu->bar1) ||
	    !sim_boot_done(gpu) || off >= gpu->bar1.size)
		return false;
	t = sim_aperture_resolve(gpu, &gpu->bar1, off, write);
	*pa = t.pa;
	return !t.fault && !t.sparse;
}

void *sim_bar1_direct(struct sim_gpu *gpu, uint64_t off, bool write)
{
	void *cpu = NULL;
	uint64_t pa;

	sim_lock(gpu);
	if (find_page(gpu, off, write, &pa) && sim_vram_touch(&gpu->vram, pa))
		cpu = gpu->vram.base + pa;
	sim_unlock(gpu);
	return cpu;
}

/* Bytes from @off on that are one piece of VRAM, which begins at @pa. */
static uint64_t piece_at(struct sim_gpu *gpu, uint64_t off, uint64_t len, bool write, uint64_t *pa)
{
	uint64_t run, next;

	if (!find_page(gpu, off, write, pa))
		return 0;
	for (run = SIM_PAGE_SIZE; run < len; run += SIM_PAGE_SIZE)
		if (!find_page(gpu, off + run, write, &next) || next != *pa + run)
			break;
	return run;
}

/*
 * Each piece is a mapping of the process's, and the process has a number of
 * them (vm.max_map_count, 65,530 by default) that is not the model's alone.
 */
#define PIECES_MAX	16384

/**
 * struct sim_remapped - pieces of VRAM side by side, which follow no change
 * @next: in the GPU's list
 * @cpu: where
 * @pieces: how many
 */
struct sim_remapped {
	struct sim_remapped *next;
	uint8_t *cpu;
	unsigned int pieces;
};

static bool map_pieces(struct sim_gpu *gpu, struct sim_remapped *r, uint64_t off, uint64_t len,
		       bool write)
{
	uint64_t at, run, pa;

	for (at = 0; at < len; at += run) {
		run = piece_at(gpu, off + at, len - at, write, &pa);
		if (!run || gpu->remapped_pieces + r->pieces == PIECES_MAX ||
		    !map_vram(gpu, r->cpu + at, pa, run, prot_for(write)))
			return false;
		r->pieces++;
	}
	return true;
}

static void *remap_window(struct sim_gpu *gpu, uint64_t off, uint64_t len, bool write)
{
	struct sim_remapped *r = calloc(1, sizeof(*r));
	void *at;

	if (!r)
		return NULL;
	at = guard_reserve(len);
	if (!at)
		goto out_free;
	r->cpu = at;
	if (!map_pieces(gpu, r, off, len, write))
		goto out_unmap;
	gpu->remapped_pieces += r->pieces;
	r->next = gpu->remapped;
	gpu->remapped = r;
	return at;

out_unmap:
	guard_release(at, len);
out_free:
	free(r);
	return NULL;
}

void *sim_bar1_window(struct sim_gpu *gpu, uint64_t off, uint64_t len, bool write, bool remap)
{
	uint64_t pa = 0, run;
	void *cpu = NULL;

	sim_lock(gpu);
	run = piece_at(gpu, off, len, write, &pa);
	if (run && run < len && remap)
		cpu = remap_window(gpu, off, len, write);
	else if (run >= len && touch_all(gpu, pa, len))
		cpu = gpu->vram.base + pa;
	sim_unlock(gpu);
	return cpu;
}

void sim_bar1_window_end(struct sim_gpu *gpu, void *cpu, uint64_t len)
{
	struct sim_remapped **link, *r;

	sim_lock(gpu);
	/* One piece of VRAM is where it always is, and in no list. */
	for (link = &gpu->remapped; (r = *link) != NULL; link = &r->next)
		if (r->cpu == cpu) {
			*link = r->next;
			gpu->remapped_pieces -= r->pieces;
			guard_release(cpu, len);
			free(r);
			break;
		}
	sim_unlock(gpu);
}

void sim_bar1_munmap(struct sim_gpu *gpu, void *cpu, uint64_t len)
{
	struct sim_window **link, *win;

	(void)len;	/* a window goes as a whole */
	sim_lock(gpu);
	for (link = &gpu->windows; (win = *link) != NULL; link = &win->next)
		if (win->cpu == cpu) {
			*link = win->next;
			free_window(win);
			break;
		}
	sim_unlock(gpu);
}
