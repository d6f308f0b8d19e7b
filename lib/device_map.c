// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "device_map.h"
#include "guard.h"

/*
 * What vanished is replaced in pieces of this size, as it is touched.  A process
 * can have about 65,000 mappings: enough for 128 GiB.
 */
#define PIECE	(2u << 20)

/**
 * struct device_map - a mapping, which the handler reads at any moment
 * @start: 0 while there is none; set last
 * @end: first address behind it
 * @prot: PROT_*
 * @gone: where to note that it vanished
 */
struct device_map {
	uintptr_t start;
	uintptr_t end;
	int prot;
	bool *gone;
};

/* They are not freed: the handler may be looking. */
struct block {
	struct device_map map[63];
	struct block *next;
};

static DEFINE_MUTEX(lock);
static struct block first_block;
static int ones_fd = -1;

/* The handlers that ours took the place of: the first one, and the last one in either of two. */
static struct sigaction first_before, last_before[2];
static const struct sigaction *before = &first_before;

/* --- in the handler: only what is safe in a signal handler ----------------- */

/* Reads what may be changing; false if it did, or there is none. */
static bool read_map(const struct device_map *map, struct device_map *now)
{
	now->start = smp_load_acquire(&map->start);
	now->end = READ_ONCE(map->end);
	now->prot = READ_ONCE(map->prot);
	now->gone = READ_ONCE(map->gone);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return now->start && READ_ONCE(map->start) == now->start;
}

static bool find(uintptr_t addr, struct device_map *found)
{
	struct block *block;
	size_t i;

	for (block = &first_block; block; block = smp_load_acquire(&block->next))
		for (i = 0; i < ARRAY_SIZE(block->map); i++)
			if (read_map(&block->map[i], found) && addr >= found->start &&
			    addr < found->end)
				return true;
	return false;
}

/* Threads that fault in one piece at once do this after each other, which does no harm. */
static bool replace(uintptr_t addr)
{
	struct device_map map;
	uintptr_t piece;

	if (!find(addr, &map))
		return false;
	piece = map.start + (addr - map.start) / PIECE * PIECE;
	if (mmap((void *)piece, min_t(size_t, PIECE, map.end - piece), map.prot,
		 MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, ones_fd, 0) == MAP_FAILED)
		return false;
	WRITE_ONCE(*map.gone, true);
	return true;
}

/* As if we had never been there. */
static void hand_to(const struct sigaction *to, int sig, siginfo_t *info, void *context)
{
	const struct sigaction none = { .sa_handler = SIG_DFL };
	bool was_sent = info->si_code <= 0;

	if (to->sa_flags & SA_SIGINFO) {
		to->sa_sigaction(sig, info, context);
	} else if (to->sa_handler == SIG_DFL || to->sa_handler == SIG_IGN) {
		/* A fault can't be ignored; without a handler it comes again, and ends the process. */
		if (was_sent && to->sa_handler == SIG_IGN)
			return;
		sigaction(sig, &none, NULL);
		if (was_sent)
			raise(sig);
	} else {
		to->sa_handler(sig);
	}
}

/*
 * What vanished is BUS_ADRERR [Linux: do_sigbus() of x86, do_page_fault() of arm64,
 * for VM_FAULT_SIGBUS].  A wrong alignment for uncached memory (BUS_ADRALN), failing
 * memory of the machine (BUS_MCEERR_*) and what a process sent are somebody else's.
 *
 * An application that took our place and hands signals on to us, and whose place
 * we took back, would give us again what we hand to it.  A mark that nobody else
 * leaves in a field without a meaning tells.
 */
#define SEEN	0x6e766261

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	int saved = errno;

	if (info->si_errno == SEEN) {
		hand_to(&first_before, sig, info, context);
	} else if (info->si_code != BUS_ADRERR || !replace((uintptr_t)info->si_addr)) {
		info->si_errno = SEEN;
		hand_to(smp_load_acquire(&before), sig, info, context);
	}
	errno = saved;
}

/* --- outside --------------------------------------------------------------- */

static int make_ones(void)
{
	int fd = memfd_create("nvbar-gone", MFD_CLOEXEC);
	void *ones;

	if (fd < 0)
		return -ENOMEM;
	ones = ftruncate(fd, PIECE) ? MAP_FAILED :
				      mmap(NULL, PIECE, PROT_WRITE, MAP_SHARED, fd, 0);
	if (ones == MAP_FAILED) {
		close(fd);
		return -ENOMEM;
	}
	memset(ones, 0xff, PIECE);
	munmap(ones, PIECE);
	return fd;
}

/* Again and again, as applications may install one of their own at any time. */
static void install(void)
{
	struct sigaction action = { .sa_sigaction = on_sigbus }, now;
	struct sigaction *keep;

	sigaction(SIGBUS, NULL, &now);
	if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_sigbus)
		return;
	keep = before == &last_before[0] ? &last_before[1] : &last_before[0];
	*keep = now;
	if (before == &first_before)
		first_before = now;
	smp_store_release(&before, keep);
	action.sa_mask = now.sa_mask;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | (now.sa_flags & (SA_NODEFER | SA_RESTART));
	sigaction(SIGBUS, &action, NULL);
}

static int get_ready(void)
{
	if (ones_fd < 0)
		ones_fd = make_ones();
	if (ones_fd < 0)
		return ones_fd;
	install();
	return 0;
}

/* The one that begins at @start; with 0 one that is free. */
static struct device_map *find_start(uintptr_t start)
{
	struct block *block;
	size_t i;

	for (block = &first_block; block; block = block->next)
		for (i = 0; i < ARRAY_SIZE(block->map); i++)
			if (block->map[i].start == start)
				return &block->map[i];
	return NULL;
}

static struct device_map *find_free(void)
{
	struct device_map *map = find_start(0);
	struct block *block;

	if (map)
		return map;
	block = kzalloc(sizeof(*block), GFP_KERNEL);
	if (!block)
		return NULL;
	block->next = first_block.next;
	smp_store_release(&first_block.next, block);
	return block->map;
}

int nvbar_device_map(int fd, u64 off, size_t len, int prot, bool *gone, void **cpu)
{
	struct device_map *map;
	void *at;
	int ret;

	guard(mutex)(&lock);
	ret = get_ready();
	if (ret)
		return ret;
	map = find_free();
	if (!map)
		return -ENOMEM;
	at = guard_reserve(len);
	if (!at)
		return -errno;
	if (mmap(at, len, prot, MAP_SHARED | MAP_FIXED, fd, (off_t)off) == MAP_FAILED) {
		ret = -errno;
		guard_release(at, len);
		return ret;
	}
	WRITE_ONCE(map->end, (uintptr_t)at + len);
	WRITE_ONCE(map->prot, prot);
	WRITE_ONCE(map->gone, gone);
	smp_store_release(&map->start, (uintptr_t)at);
	*cpu = at;
	return 0;
}

void nvbar_device_unmap(void *cpu, size_t len)
{
	struct device_map *map;

	guard(mutex)(&lock);
	map = find_start((uintptr_t)cpu);
	if (map)
		smp_store_release(&map->start, 0);
	guard_release(cpu, len);
}
