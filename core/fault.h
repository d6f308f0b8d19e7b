/* SPDX-License-Identifier: MIT */
/* MMU faults: taking them over from the GPU, in words, and whose they are. */
#ifndef NVBAR_CORE_FAULT_H
#define NVBAR_CORE_FAULT_H

#include <linux/types.h>

struct nvbar_access;
struct nvbar_gpu;
struct nvbar_mapping;

/**
 * struct nvbar_fault_info - a fault
 * @va: address, 4 KiB granular
 * @type: MMU_FAULT_TYPE_*
 * @access: MMU_FAULT_ACCESS_TYPE_*
 * @client: MMU_FAULT_CLIENT_HUB_*
 * @engine: MMU engine id
 * @inst_pa: instance block in use
 * @dropped: further faults of BAR1 were dropped
 * @write: a write, not a read
 * @physical: BAR1 was in physical mode
 * @unreadable: there is a fault, of which nothing else is known
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
	bool unreadable;
	char text[256];
};

/**
 * struct nvbar_faults - the faults of a GPU; vmm.lock to change
 *
 * The GPU holds one fault, and drops what comes while it does.  So each is taken over
 * as soon as it is seen, whoever sees it, and the register cleared.  Whether OpenRM's
 * way, to bind BAR1 anew before it clears a fault of BAR1's, is needed is not known.
 *
 * @seq: odd while one is being taken over, and 1 more thereafter: who finds the same
 *	even number twice knows that none was in between
 * @dropped: @seq of the newest that others were dropped for, or that can't be read
 * @cleared: @seq of nvbar_fault_clear()
 * @any: there was one since then
 * @last: the newest
 * @owner: the live mapping that had its address then, for as long as it lives
 */
struct nvbar_faults {
	u64 seq;
	u64 dropped;
	u64 cleared;
	bool any;
	struct nvbar_fault_info last;
	const struct nvbar_mapping *owner;
};

/* Times that an access is made again because others fault: more is a storm. */
#define NVBAR_FAULT_TRIES	8

/**
 * struct nvbar_fault_watch - an access of which no fault must be missed
 * @va: its first address
 * @len: bytes
 * @tries: how often it may be made again
 * @seq: of struct nvbar_faults before it
 */
struct nvbar_fault_watch {
	u64 va;
	u64 len;
	unsigned int tries;
	u64 seq;
};

/**
 * nvbar_fault_readable - does the GPU tell whether there is a fault?
 * @gpu: identified; nothing is changed
 *
 * Context: takes no lock.
 * Return: 0, -EIO (that can't be read; a line names the register) or -ENODEV.
 */
int nvbar_fault_readable(struct nvbar_gpu *gpu);

/**
 * nvbar_fault_read - the last fault, decoded
 * @gpu: the GPU
 * @info: filled in
 *
 * Context: takes vmm.lock; may sleep.
 * Return: 0, -ENOENT (none since nvbar_fault_clear()), -EIO (whether there is one
 * can't be read) or -ENODEV.
 */
int nvbar_fault_read(struct nvbar_gpu *gpu, struct nvbar_fault_info *info);

/**
 * nvbar_fault_clear - forget the faults there were
 * @gpu: the GPU
 *
 * Context: takes vmm.lock; may sleep.
 * Return: 0, -EIO (whether there is one can't be read) or -ENODEV.
 */
int nvbar_fault_clear(struct nvbar_gpu *gpu);

/**
 * nvbar_fault_watch - the access is about to be made, or made again
 * @gpu: the GPU
 * @watch: @va, @len and @tries are set
 *
 * Context: takes no lock.
 */
void nvbar_fault_watch(struct nvbar_gpu *gpu, struct nvbar_fault_watch *watch);

/**
 * nvbar_fault_look - is the GPU there, and did the access not fault?
 * @gpu: the GPU
 * @watch: watched
 *
 * To be asked about an access that read as all ones, which a fault does [assumed],
 * or before writes are taken to have arrived.  A fault elsewhere hides one of this
 * access, whoever took it over: then the access is to be made again.
 *
 * Context: takes vmm.lock if there is a fault; may sleep.
 * Return: 0, -EIO (it faulted; others do all the time; or that can't be read), -EAGAIN
 * (watch it once more), -ENODEV.
 */
int nvbar_fault_look(struct nvbar_gpu *gpu, struct nvbar_fault_watch *watch);

/**
 * nvbar_fault_settle - what is latched by now is older than what comes
 * @gpu: the GPU
 *
 * So that nobody is blamed for a fault of who had the address before.
 *
 * Context: takes vmm.lock; may sleep.
 */
void nvbar_fault_settle(struct nvbar_gpu *gpu);

/**
 * nvbar_fault_flush - did no write through the handle fault?
 * @access: live; what was written before has reached the GPU
 *
 * A fault at the handle's addresses is told until nvbar_fault_clear().  If the GPU
 * has dropped faults since the handle was made or flushed last, one of its writes may
 * be among them: that is told once.  A fault that nobody saw until its mapping had
 * ended can't be told from one of the mapping that is there now.
 *
 * Context: takes vmm.lock if there is a fault; may sleep.
 * Return: 0, -EIO, -ENODEV.
 */
int nvbar_fault_flush(struct nvbar_access *access);

#endif
