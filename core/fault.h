/* SPDX-License-Identifier: MIT */
/* The MMU fault that the GPU has latched, in words. */
#ifndef NVBAR_CORE_FAULT_H
#define NVBAR_CORE_FAULT_H

#include <linux/types.h>

struct nvbar_gpu;

/**
 * struct nvbar_fault_info - a latched fault
 * @va: address, 4 KiB granular
 * @type: MMU_FAULT_TYPE_*
 * @access: MMU_FAULT_ACCESS_TYPE_*
 * @client: MMU_FAULT_CLIENT_HUB_*
 * @engine: MMU engine id
 * @inst_pa: instance block in use
 * @dropped: further faults of BAR1 were dropped
 * @write: a write, not a read
 * @physical: BAR1 was in physical mode
 * @text: all of it in words
 */
struct nvbar_fault_info {
	u64 va;
	u32 type;
	u32 access;
	u32 client;
	u32 engine;
	u64 inst_pa;
	bool dropped;
	bool write;
	bool physical;
	char text[256];
};

/**
 * nvbar_fault_read - read and decode the latched fault, which stays
 * @gpu: the GPU
 * @info: filled in
 *
 * Mappings that are made from now on are not to blame for it, whatever address
 * they have.
 *
 * Context: takes vmm.lock; may sleep.
 * Return: 0, -ENOENT (none) or -ENODEV.
 */
int nvbar_fault_read(struct nvbar_gpu *gpu, struct nvbar_fault_info *info);

/**
 * nvbar_fault_look - is the GPU there, and did it not fault at these addresses?
 * @gpu: the GPU
 * @va: first address
 * @len: bytes
 *
 * To be asked about an access that read as all ones, which a fault does [assumed],
 * or before writes are taken to have arrived.  The GPU holds one fault: another
 * one that came first hides it.  One that was seen while another mapping, or none,
 * had its address is none of these.  But one that nobody asked for until its
 * mapping had ended can't be told from one of the mapping that is there now.
 *
 * Context: takes vmm.lock if there is a fault; may sleep.
 * Return: 0, -EIO (the latched fault is one of them), -ENODEV.
 */
int nvbar_fault_look(struct nvbar_gpu *gpu, u64 va, u64 len);

/**
 * nvbar_fault_watch - begin of accesses of which no fault must be missed
 * @gpu: the GPU
 *
 * What is latched by now is older.  It stays, but what the GPU drops because of
 * it is told by nvbar_fault_watched().
 *
 * Context: takes vmm.lock; may sleep.
 */
void nvbar_fault_watch(struct nvbar_gpu *gpu);

/**
 * nvbar_fault_watched - did any of them fault?
 * @gpu: the GPU
 * @va: first address
 * @len: bytes
 *
 * Context: takes vmm.lock if there is a fault; may sleep.
 * Return: 0, -EIO (one did, or the GPU dropped a fault that may have been one),
 * -ENODEV.
 */
int nvbar_fault_watched(struct nvbar_gpu *gpu, u64 va, u64 len);

/**
 * nvbar_fault_clear - let the next fault be latched
 * @gpu: the GPU
 *
 * Context: takes vmm.lock; may sleep.
 * Return: 0 or -ENODEV.
 */
int nvbar_fault_clear(struct nvbar_gpu *gpu);

#endif
