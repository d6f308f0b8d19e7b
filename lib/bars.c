// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include <hw/pmc.h>

#include "barrier.h"
#include "bars.h"
#include "bus_count.h"
#include "device_map.h"

#define FILL_BYTES	4096
/* Copied at once: worth asking afterwards whether the GPU was still there */
#define COPY_CHECKED	4096

/* What is left of a GPU without its mappings is not worth asking. */
static bool is_gone(struct nvbar_bars *bars)
{
	if (likely(!READ_ONCE(bars->gone)))
		return false;
	if (!__atomic_exchange_n(&bars->told, true, __ATOMIC_RELAXED))
		nvbar_log(&bars->base.log, 0,
			  "the BARs are not there any more: the GPU was unplugged or a driver has it");
	return true;
}

/* --- chunks ---------------------------------------------------------------- */

static u64 chunk_len(const struct nvbar_bar *bar, u64 nr)
{
	return min_t(u64, NVBAR_BAR_CHUNK, bar->size - nr * NVBAR_BAR_CHUNK);
}

static int map_chunk(struct nvbar_bars *bars, struct nvbar_bar *bar, u64 nr)
{
	void *cpu;
	int ret;

	guard(mutex)(&bars->lock);
	if (bar->chunk[nr])
		return 0;
	ret = nvbar_device_map(bar->fd, bar->off + nr * NVBAR_BAR_CHUNK, chunk_len(bar, nr),
			       bar->prot, &bars->gone, &cpu);
	if (!ret)
		smp_store_release(&bar->chunk[nr], cpu);
	return ret;
}

/* The CPU's address of a byte, good to the end of its chunk; NULL, now and ever, if it has none. */
static void *address(struct nvbar_bars *bars, struct nvbar_bar *bar, u64 off)
{
	u64 nr = off / NVBAR_BAR_CHUNK;
	char *cpu = smp_load_acquire(&bar->chunk[nr]);
	int ret;

	if (unlikely(!cpu)) {
		ret = map_chunk(bars, bar, nr);
		if (ret) {
			nvbar_log(&bars->base.log, 0, "map 0x%llx of a BAR: %s", off,
				  strerror(-ret));
			WRITE_ONCE(bars->told, true);
			WRITE_ONCE(bars->gone, true);
			return NULL;
		}
		cpu = bar->chunk[nr];
	}
	return cpu + off % NVBAR_BAR_CHUNK;
}

/* How much of @len bytes is in one chunk. */
static size_t chunk_part(u64 off, size_t len)
{
	return min_t(u64, len, NVBAR_BAR_CHUNK - off % NVBAR_BAR_CHUNK);
}

/* --- as a file ------------------------------------------------------------- */

static void file_read(struct nvbar_bars *bars, const struct nvbar_bar *bar, void *dst, u64 off,
		      size_t len)
{
	ssize_t got;

	while (len) {
		if (is_gone(bars))
			got = 0;
		else
			got = pread(bar->fd, dst, len, (off_t)(bar->off + off));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			memset(dst, 0xff, len);
			WRITE_ONCE(bars->gone, true);
			return;
		}
		dst = (char *)dst + got;
		off += (u64)got;
		len -= (size_t)got;
	}
}

static void file_write(struct nvbar_bars *bars, const struct nvbar_bar *bar, u64 off,
		       const void *src, size_t len)
{
	ssize_t sent;

	while (len) {
		if (is_gone(bars))
			sent = 0;
		else
			sent = pwrite(bar->fd, src, len, (off_t)(bar->off + off));
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0) {
			WRITE_ONCE(bars->gone, true);
			return;
		}
		src = (const char *)src + sent;
		off += (u64)sent;
		len -= (size_t)sent;
	}
}

/* --- one access ------------------------------------------------------------ */

static inline u64 load_width(const volatile void *at, unsigned int width)
{
	switch (width) {
	case 1:
		return *(const volatile u8 *)at;
	case 2:
		return *(const volatile u16 *)at;
	case 4:
		return *(const volatile u32 *)at;
	default:
		return *(const volatile u64 *)at;
	}
}

static inline void store_width(volatile void *at, unsigned int width, u64 val)
{
	switch (width) {
	case 1:
		*(volatile u8 *)at = val;
		break;
	case 2:
		*(volatile u16 *)at = val;
		break;
	case 4:
		*(volatile u32 *)at = val;
		break;
	default:
		*(volatile u64 *)at = val;
		break;
	}
}

/*
 * The four ways to touch a BAR, each with its barriers and a function of its own:
 * tools/barriers.py looks at what the compiler made of them.
 */
static noinline u64 load_reg(const volatile void *at, unsigned int width)
{
	u64 val = load_width(at, width);

	nvbar_reg_loaded(val);
	return val;
}

static noinline void store_reg(volatile void *at, unsigned int width, u64 val)
{
	nvbar_reg_store();
	store_width(at, width, val);
}

static void bar1_barrier(bool combining)
{
	if (combining)
		nvbar_bus_barrier();
	else
		nvbar_uncached_barrier();
}

/* The barriers keep the accesses of a thread in their order, and behind those to registers. */
static noinline u64 load_bar1(const volatile void *at, unsigned int width, bool combining)
{
	u64 val;

	bar1_barrier(combining);
	val = load_width(at, width);
	bar1_barrier(combining);
	return val;
}

static noinline void store_bar1(volatile void *at, unsigned int width, u64 val, bool combining)
{
	store_width(at, width, val);
	bar1_barrier(combining);
}

static u64 load(struct nvbar_bars *bars, struct nvbar_bar *bar, u64 off, unsigned int width)
{
	const volatile void *at;
	u64 val = 0;

	if (is_gone(bars))
		return GENMASK_ULL(8 * width - 1, 0);
	if (!bar->chunk) {
		file_read(bars, bar, &val, off, width);
		return val;
	}
	at = address(bars, bar, off);
	if (!at)
		return GENMASK_ULL(8 * width - 1, 0);
	return bar == &bars->regs ? load_reg(at, width) : load_bar1(at, width, bars->combining);
}

static void store(struct nvbar_bars *bars, struct nvbar_bar *bar, u64 off, unsigned int width,
		  u64 val)
{
	volatile void *at;

	if (is_gone(bars))
		return;
	/* Combined or not, what is aligned to its width is one. */
	atomic64_inc(&bars->transactions);
	if (!bar->chunk) {
		file_write(bars, bar, off, &val, width);
		return;
	}
	at = address(bars, bar, off);
	if (!at)
		return;
	if (bar == &bars->regs)
		store_reg(at, width, val);
	else
		store_bar1(at, width, val, bars->combining);
}

/*
 * In a virtual machine what is not there may read as zeroes, which look like data,
 * where a bus has all ones.  So the GPU must still say that it is the one it was.
 * All ones are left to the driver: that GPU may come back.
 */
static void find_out(struct nvbar_bars *bars)
{
	u32 boot0;

	if (!bars->boot0)
		return;
	atomic64_inc(&bars->own_reads);
	boot0 = load(bars, &bars->regs, PMC_BOOT_0, 4);
	if (boot0 != bars->boot0 && boot0 != ~0u)
		WRITE_ONCE(bars->gone, true);
}

/* --- the driver's operations ----------------------------------------------- */

/* The registers and PRAMIN take 4 bytes at most [OpenRM]: longer ones are two accesses. */
static u64 bars_bar0_read(void *hw, u32 off, unsigned int width)
{
	struct nvbar_bars *bars = hw;
	u64 low = load(bars, &bars->regs, off, min(width, 4u));

	/* What every driver asks first */
	if (off == PMC_BOOT_0 && !bars->boot0)
		bars->boot0 = low;
	if (width < 8)
		return low;
	return low | load(bars, &bars->regs, off + 4, 4) << 32;
}

static void bars_bar0_write(void *hw, u32 off, unsigned int width, u64 val)
{
	struct nvbar_bars *bars = hw;

	store(bars, &bars->regs, off, min(width, 4u), val);
	if (width == 8)
		store(bars, &bars->regs, off + 4, 4, val >> 32);
}

static void bars_bar0_read_words(void *hw, u32 off, u64 *dst, size_t nr)
{
	for (; nr; nr--, off += 8)
		*dst++ = bars_bar0_read(hw, off, 8);
}

static void bars_bar0_write_words(void *hw, u32 off, const u64 *src, size_t nr)
{
	for (; nr; nr--, off += 8)
		bars_bar0_write(hw, off, 8, *src++);
}

static u64 bars_bar1_read(void *hw, u64 off, unsigned int width)
{
	struct nvbar_bars *bars = hw;

	return load(bars, &bars->bar1, off, width);
}

static void bars_bar1_write(void *hw, u64 off, unsigned int width, u64 val)
{
	struct nvbar_bars *bars = hw;

	store(bars, &bars->bar1, off, width, val);
}

/* What is in one chunk */
static void copy_from(struct nvbar_bars *bars, void *dst, u64 off, size_t len)
{
	const void *at = is_gone(bars) ? NULL : address(bars, &bars->bar1, off);

	if (at)
		bars->copy->from(dst, at, len);
	else
		memset(dst, 0xff, len);
}

static void copy_to(struct nvbar_bars *bars, u64 off, const void *src, size_t len)
{
	void *at = is_gone(bars) ? NULL : address(bars, &bars->bar1, off);

	if (at)
		bars->copy->to(at, src, len);
}

static void bars_bar1_copy_from(void *hw, void *dst, u64 off, size_t len)
{
	struct nvbar_bars *bars = hw;
	size_t done, part;

	if (!bars->bar1.chunk)
		file_read(bars, &bars->bar1, dst, off, len);
	for (done = 0; bars->bar1.chunk && done < len; done += part) {
		part = chunk_part(off + done, len - done);
		copy_from(bars, (char *)dst + done, off + done, part);
	}
	if (len < COPY_CHECKED)
		return;
	find_out(bars);
	if (is_gone(bars))
		memset(dst, 0xff, len);
}

static void bars_bar1_copy_to(void *hw, u64 off, const void *src, size_t len)
{
	struct nvbar_bars *bars = hw;
	size_t part;

	if (is_gone(bars))
		return;
	atomic64_add(bars->combining ? nvbar_bus_combined(off, len) : nvbar_bus_uncached(off, len),
		     &bars->transactions);
	if (!bars->bar1.chunk) {
		file_write(bars, &bars->bar1, off, src, len);
		return;
	}
	for (; len; off += part, src = (const char *)src + part, len -= part) {
		part = chunk_part(off, len);
		copy_to(bars, off, src, part);
	}
	nvbar_bus_barrier();
}

static void bars_bar1_fill(void *hw, u64 off, u32 pattern, size_t len)
{
	_Alignas(64) u32 block[FILL_BYTES / sizeof(u32)];
	size_t i, step;

	for (i = 0; i < ARRAY_SIZE(block); i++)
		block[i] = pattern;
	for (; len; off += step, len -= step) {
		/* No line is cut in two. */
		step = min_t(size_t, len, sizeof(block) - off % sizeof(block));
		bars_bar1_copy_to(hw, off, block, step);
	}
}

static int bars_bar1_mmap(void *hw, u64 off, u64 len, bool write, void **cpu)
{
	struct nvbar_bars *bars = hw;
	const struct nvbar_bar *bar1 = &bars->bar1;
	int ret;

	if (is_gone(bars))
		return -ENODEV;
	if (!bar1->chunk)
		return -EOPNOTSUPP;
	ret = nvbar_device_map(write || bar1->fd_ro < 0 ? bar1->fd : bar1->fd_ro,
			       bar1->off + off, len, write ? PROT_READ | PROT_WRITE : PROT_READ, &bars->gone, cpu);
	if (!ret)
		return 0;
	nvbar_log(&bars->base.log, 0, "map BAR1 0x%llx+0x%llx: %s", off, len, strerror(-ret));
	return ret == -ENODEV ? ret : -ENOMEM;
}

static void bars_bar1_munmap(void *hw, void *cpu, u64 len)
{
	(void)hw;
	nvbar_bus_barrier();
	nvbar_device_unmap(cpu, len);
}

/* Writes that had nobody to go to must not pass for done. */
static void bars_write_barrier(void *hw)
{
	nvbar_bus_barrier();
	find_out(hw);
}

static u64 bars_transactions(void *hw)
{
	struct nvbar_bars *bars = hw;

	return atomic64_read(&bars->transactions);
}

static u64 bars_own_reads(void *hw)
{
	struct nvbar_bars *bars = hw;

	return atomic64_read(&bars->own_reads);
}

static const struct nvbar_hw_ops bars_ops = {
	.bar0_read = bars_bar0_read,
	.bar0_write = bars_bar0_write,
	.bar0_read_words = bars_bar0_read_words,
	.bar0_write_words = bars_bar0_write_words,
	.bar1_read = bars_bar1_read,
	.bar1_write = bars_bar1_write,
	.bar1_copy_from = bars_bar1_copy_from,
	.bar1_copy_to = bars_bar1_copy_to,
	.bar1_fill = bars_bar1_fill,
	.bar1_mmap = bars_bar1_mmap,
	.bar1_munmap = bars_bar1_munmap,
	.write_barrier = bars_write_barrier,
	.transactions = bars_transactions,
	.own_reads = bars_own_reads,
	.message = nvbar_backend_message,
};

/* --- beginning and end ----------------------------------------------------- */

void nvbar_bars_init(struct nvbar_bars *bars, const struct nvbar_log *log)
{
	bars->base.ops = &bars_ops;
	bars->base.log = *log;
	bars->regs.fd = -1;
	bars->bar1.fd = -1;
	bars->bar1.fd_ro = -1;
	mutex_init(&bars->lock);
}

static u64 nr_chunks(const struct nvbar_bar *bar)
{
	return DIV_ROUND_UP(bar->size, NVBAR_BAR_CHUNK);
}

int nvbar_bars_map(struct nvbar_bars *bars, struct nvbar_bar *bar, bool write)
{
	bar->chunk = kcalloc(nr_chunks(bar), sizeof(*bar->chunk), GFP_KERNEL);
	if (!bar->chunk)
		return -ENOMEM;
	bar->prot = write ? PROT_READ | PROT_WRITE : PROT_READ;
	return map_chunk(bars, bar, 0);
}

void nvbar_bars_use_bar1(struct nvbar_bars *bars, enum nvbar_mem mem)
{
	bars->combining = mem == NVBAR_MEM_WRITE_COMBINED;
	bars->base.speculates = bars->combining;
	bars->copy = nvbar_copy_for(mem);
	bars->base.bar1_size = bars->bar1.size;
}

static void unmap(struct nvbar_bar *bar)
{
	u64 nr;

	for (nr = 0; bar->chunk && nr < nr_chunks(bar); nr++)
		if (bar->chunk[nr])
			nvbar_device_unmap(bar->chunk[nr], chunk_len(bar, nr));
	kfree(bar->chunk);
	bar->chunk = NULL;
}

void nvbar_bars_fini(struct nvbar_bars *bars)
{
	unmap(&bars->regs);
	unmap(&bars->bar1);
	mutex_destroy(&bars->lock);
}
