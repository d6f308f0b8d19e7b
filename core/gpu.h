/* SPDX-License-Identifier: MIT */
/*
 * One GPU as the driver sees it, and the register access that everything
 * else is built on.
 *
 * Locks, in the order they are taken: vmm.lock, vram_lock, pramin.lock.
 */
#ifndef NVBAR_CORE_GPU_H
#define NVBAR_CORE_GPU_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "buddy.h"
#include "hw.h"
#include "pramin.h"
#include "protect.h"
#include "tlb.h"
#include "vmm.h"

struct nvbar_chip;

/* Levels of nvbar_gpu_msg(), the public enum nvbar_log_level */
#define NVBAR_MSG_ERROR		0
#define NVBAR_MSG_WARNING	1
#define NVBAR_MSG_INFO		2
#define NVBAR_MSG_DEBUG		3

/**
 * struct nvbar_counters - what the driver did on the bus, accessors left out
 * @bus_reads: single reads of up to 64 bits
 * @bus_writes: single writes, window moves included
 * @window_moves: writes to the PRAMIN window register
 * @tlb_invalidates: TLB invalidates
 * @binds: BAR1 binds
 * @maps: mappings made
 * @unmaps: mappings undone
 */
struct nvbar_counters {
	atomic64_t bus_reads;
	atomic64_t bus_writes;
	atomic64_t window_moves;
	atomic64_t tlb_invalidates;
	atomic64_t binds;
	atomic64_t maps;
	atomic64_t unmaps;
};

/**
 * struct nvbar_gpu - an attached GPU
 * @ops: access to its BARs
 * @hw: first argument of every operation
 * @deadline: of the clock ktime_get_ns(), for all waits while it is attached or
 *	detached; 0 in between, when each wait has its own time
 * @lost: see nvbar_gpu_is_lost(); set once, by nvbar_gpu_lose()
 * @chip: what it is
 * @boot0: PMC_BOOT_0, which never changes
 * @boot42: PMC_BOOT_42
 * @bar1_size: bytes of aperture, 0 when there is none
 * @va_size: bytes of it, from 0 on, that the driver uses
 * @vram_size: bytes, as the hardware reports
 * @protect: what of VRAM belongs to the firmware or display
 * @usable_end: nothing from here up is allocated; below nothing of that is
 * @reserved_pa: the driver's own region ...
 * @reserved_len: ... and its bytes, up to usable_end
 * @inst_pa: the instance block, the last page of that region
 * @observe: registers are read and nothing is written
 * @read_back: zeroes that are written to an allocation may not stay: look
 * @count: bus counters
 * @direct: the aperture as memory of this CPU
 * @pramin: the PRAMIN window
 * @tlb: TLB invalidation
 * @vmm: the BAR1 address space
 * @vram_lock: protects @buddy, @vrams and @vram_host_bytes
 * @buddy: allocator of VRAM below reserved_pa
 * @vrams: live allocations
 * @vram_host_bytes: host memory in them, blocks left out
 */
struct nvbar_gpu {
	const struct nvbar_hw_ops *ops;
	void *hw;
	u64 deadline;
	atomic_t lost;
	const struct nvbar_chip *chip;
	u32 boot0;
	u32 boot42;
	u64 bar1_size;
	u64 va_size;
	u64 vram_size;
	struct nvbar_protect protect;
	u64 usable_end;
	u64 reserved_pa;
	u64 reserved_len;
	u64 inst_pa;
	bool observe;
	bool read_back;
	struct nvbar_counters count;
	struct nvbar_direct direct;
	struct nvbar_pramin pramin;
	struct nvbar_tlb tlb;
	struct nvbar_vmm vmm;
	struct mutex vram_lock;
	struct nvbar_buddy buddy;
	struct list_head vrams;
	u64 vram_host_bytes;
};

/**
 * nvbar_gpu_is_lost - was the GPU found to be gone, or to be somebody else's?
 * @gpu: attached
 *
 * It stays so until it is attached anew, whatever answers meanwhile: after a reset
 * the GPU is there and BAR1 shows other memory.  The driver makes no access to a
 * GPU that is lost.
 *
 * Context: any; takes no lock.
 */
static inline bool nvbar_gpu_is_lost(const struct nvbar_gpu *gpu)
{
	return unlikely(atomic_read(&gpu->lost));
}

/**
 * nvbar_gpu_lose - the GPU is lost from here on
 * @gpu: attached or being attached
 * @fmt: why, for people; only the first reason is logged
 *
 * Context: any; takes no lock.
 * Return: -ENODEV.
 */
__printf(2, 3) int nvbar_gpu_lose(struct nvbar_gpu *gpu, const char *fmt, ...);

/**
 * nvbar_gpu_may_write - refuse who asks for more than looking, if that is all it is open for
 * @gpu: attached
 *
 * Return: 0, -EACCES, or -ENODEV (lost).
 */
int nvbar_gpu_may_write(struct nvbar_gpu *gpu);

/**
 * nvbar_gpu_alive - does the GPU still answer?
 * @gpu: identified
 *
 * To be asked when something reads as all ones, which may be data.  A GPU that
 * does not say that it is the one it was is lost: where it was unplugged from a
 * virtual machine there may be zeroes.
 *
 * Return: 0, or -ENODEV.
 */
int nvbar_gpu_alive(struct nvbar_gpu *gpu);

/**
 * nvbar_gpu_msg - a line for people
 * @gpu: attached or being attached
 * @level: NVBAR_MSG_*
 * @fmt: printf format, no newline
 */
__printf(3, 4) void nvbar_gpu_msg(struct nvbar_gpu *gpu, int level, const char *fmt, ...);

/** nvbar_rd32 - read a register; all ones of a GPU that is lost */
static inline u32 nvbar_rd32(struct nvbar_gpu *gpu, u32 off)
{
	if (nvbar_gpu_is_lost(gpu))
		return ~0u;
	atomic64_inc(&gpu->count.bus_reads);
	return gpu->ops->bar0_read(gpu->hw, off, 4);
}

/** nvbar_wr32 - write a register, unless the GPU is lost */
static inline void nvbar_wr32(struct nvbar_gpu *gpu, u32 off, u32 val)
{
	if (nvbar_gpu_is_lost(gpu))
		return;
	atomic64_inc(&gpu->count.bus_writes);
	gpu->ops->bar0_write(gpu->hw, off, 4, val);
}

#endif
