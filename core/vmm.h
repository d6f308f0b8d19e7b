/* SPDX-License-Identifier: MIT */
/*
 * The BAR1 address space: who holds which range, and making and undoing
 * mappings.
 *
 * The order that everything else rests on.  Map: reserve address range and
 * shadow; write entries; order the writes; invalidate.  Unmap: clear entries;
 * order; invalidate and wait; only then release the range.  A range whose
 * invalidate was not confirmed is quarantined: nobody gets it until a later
 * invalidate succeeds.
 */
#ifndef NVBAR_CORE_VMM_H
#define NVBAR_CORE_VMM_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "fault.h"
#include "pt.h"
#include "share.h"
#include "span.h"
#include "va.h"

struct nvbar_gpu;

#define NVBAR_VMM_LABEL_MAX	32

/** enum nvbar_mapping_state - what a range of BAR1 is held for */
enum nvbar_mapping_state {
	NVBAR_MAPPING_PREPARED,
	NVBAR_MAPPING_MAPPED,
	NVBAR_MAPPING_QUARANTINED,
};

/* Flags of a mapping, the public NVBAR_MAP_* */
#define NVBAR_VMM_RDONLY	(1u << 0)	/* entries do not allow writes */
#define NVBAR_VMM_FIXED		(1u << 1)	/* the holder chose the address */
#define NVBAR_VMM_PRIVATE	(1u << 2)	/* not to be shared */
#define NVBAR_VMM_STATIC	(1u << 31)	/* the driver's own: to be shared though fixed */

/* Runs of VRAM that a mapping is found by, at most */
#define NVBAR_VMM_SHARES	16

/**
 * struct nvbar_mapping - a held range of BAR1
 * @node: the range
 * @state: what it is held for
 * @flags: NVBAR_VMM_*
 * @refs: holders, once it is mapped; before that there is one
 * @page_sizes: bit n set: leaves of 1 << n bytes may be used; once it is
 *	mapped: are used
 * @label: its first holder's, or empty
 * @link: in vmm.quarantine
 * @unclaimed: of its holders, those without a handle in vmm.accesses
 * @counted: scratch of the check
 * @max_shares: room in @share
 * @nr_shares: of its runs of VRAM, the first so many are in the index
 * @share: those
 */
struct nvbar_mapping {
	struct nvbar_va_node node;
	enum nvbar_mapping_state state;
	u32 flags;
	u32 refs;
	u64 page_sizes;
	char label[NVBAR_VMM_LABEL_MAX];
	struct list_head link;
	u32 unclaimed;
	u32 counted;
	u8 max_shares;
	u8 nr_shares;
	struct nvbar_share share[];
};

/**
 * struct nvbar_vmm_request - a range to hold
 * @len: bytes, a multiple of 4 KiB, not 0
 * @fixed: where, or NULL for anywhere
 * @spans: what will be mapped there; NULL if that is not known yet
 * @shape: theirs; NULL without @spans
 * @max_page_shift: no leaves larger than 1 << this; 0 for any
 * @flags: NVBAR_VMM_*
 * @label: shorter than NVBAR_VMM_LABEL_MAX, or NULL
 */
struct nvbar_vmm_request {
	u64 len;
	const u64 *fixed;
	const struct nvbar_spans *spans;
	const struct nvbar_shape *shape;
	u32 max_page_shift;
	u32 flags;
	const char *label;
};

/**
 * struct nvbar_vmm - the address space
 * @lock: protects everything here and orders page-table updates
 * @enabled: BAR1 is bound to these tables
 * @detaching: BAR1 is about to be unbound, at least if what is under way fails, so no
 *	entry needs to be cleared
 * @va: free and held ranges
 * @pt: page tables
 * @accesses: every handle given out, see bar_user.h
 * @shared: live mappings that may be used again, by their pages; the second
 *	is of read-only ones
 * @quarantine: ranges that wait for an invalidate
 * @fault: those there were
 * @nr_mapped: holders of live mappings
 * @nr_held: ranges held, prepared and quarantined ones included
 * @mapped_bytes: bytes under live mappings
 * @host_bytes: host memory in mappings and handles
 */
struct nvbar_vmm {
	struct mutex lock;
	bool enabled;
	bool detaching;
	struct nvbar_va va;
	struct nvbar_pt pt;
	struct list_head accesses;
	struct rb_root shared[2];
	struct list_head quarantine;
	struct nvbar_faults fault;
	u64 nr_mapped;
	u64 nr_held;
	u64 mapped_bytes;
	u64 host_bytes;
};

/**
 * nvbar_vmm_init - an address space of @gpu->va_size bytes, page tables empty
 * @gpu: booted; its region is known
 *
 * Writes the root table but does not bind it.
 *
 * Return: 0 or -ENOMEM.
 */
int nvbar_vmm_init(struct nvbar_gpu *gpu);

/** nvbar_vmm_fini - free host memory; nothing is mapped or prepared any more */
void nvbar_vmm_fini(struct nvbar_gpu *gpu);

/**
 * nvbar_vmm_reserve - hold a range and all that mapping it takes
 * @gpu: the GPU
 * @req: what is asked for
 *
 * A range that nobody fixed is placed so that its pages can use large leaves.
 *
 * Context: takes vmm.lock, but not while it gets the bulk of the memory; may
 * sleep.
 * Return: the mapping, in state prepared and unclaimed, or ERR_PTR of -ENOMEM, -ENOSPC,
 * -ERANGE (the fixed range leaves the aperture), -EEXIST (it is held), -ETIMEDOUT,
 * -ENODEV (there would be room if the GPU confirmed earlier unmaps).
 */
struct nvbar_mapping *nvbar_vmm_reserve(struct nvbar_gpu *gpu, const struct nvbar_vmm_request *req);

/**
 * nvbar_vmm_has_pages - do the pages of the host that show a range show nothing else?
 * @gpu: the GPU
 * @mapping: that has the range
 * @va: first address
 * @len: bytes
 *
 * Always so where the pages of the host are 4 KiB.
 */
bool nvbar_vmm_has_pages(const struct nvbar_gpu *gpu, const struct nvbar_mapping *mapping, u64 va,
			 u64 len);

/**
 * struct nvbar_vmm_part - a part of a mapping
 * @off: bytes before it
 * @len: its bytes
 */
struct nvbar_vmm_part {
	u64 off;
	u64 len;
};

/**
 * nvbar_vmm_share - find a live mapping that shows these pages already
 * @gpu: the GPU
 * @spans: the pages
 * @flags: NVBAR_VMM_*: what the mapping must agree in
 * @at: receives where in the mapping they are: bytes before them, and theirs
 *
 * Looks at mappings that have the first run of these pages in one of the runs
 * that they are found by.
 *
 * Context: takes vmm.lock.
 * Return: the mapping with a reference for the caller, unclaimed, to be given
 * back with nvbar_vmm_unmap(); or NULL.
 */
struct nvbar_mapping *nvbar_vmm_share(struct nvbar_gpu *gpu, const struct nvbar_spans *spans,
				      u32 flags, struct nvbar_vmm_part *at);

/**
 * nvbar_vmm_cancel - give a prepared mapping back
 * @gpu: the GPU
 * @mapping: prepared; freed
 *
 * Context: takes vmm.lock; may sleep.
 */
void nvbar_vmm_cancel(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping);

/**
 * nvbar_vmm_attr - what every entry of a mapping has in common
 * @flags: the mapping's
 *
 * Return: a leaf, of address 0.
 */
struct nvbar_pte nvbar_vmm_attr(u32 flags);

/**
 * struct nvbar_vmm_rule - which pages may be mapped
 * @plain_end: single pages below this address all may
 * @check: may others be, @writable or not?  0, or an errno with a message
 */
struct nvbar_vmm_rule {
	u64 plain_end;
	int (*check)(struct nvbar_gpu *gpu, struct nvbar_span span, bool writable);
};

/** nvbar_vmm_is_plain - needs @span no check?  There may be very many of them. */
static inline bool nvbar_vmm_is_plain(struct nvbar_span span, u64 plain_end)
{
	return span.len == NVBAR_PAGE_SIZE && span.pa < plain_end &&
	       !(span.pa & (NVBAR_PAGE_SIZE - 1));
}

/**
 * nvbar_vmm_map - make the pages visible
 * @gpu: the GPU
 * @prepared: the mapping; on failure it is gone, and this is set to NULL
 * @spans: the mapping's length altogether; each is fetched once
 * @shape: what they looked like as a whole, a hint
 * @rule: what is mapped only if it is allowed; NULL: the spans are the driver's own
 *
 * Allocates nothing.
 *
 * Context: takes vmm.lock, and calls the rule's check with it; may sleep.
 * Return: 0, what the check refused with, -EINVAL (the spans are no longer of that
 * length, or no longer fit what was prepared for @shape), -ETIMEDOUT or -ENODEV.
 */
int nvbar_vmm_map(struct nvbar_gpu *gpu, struct nvbar_mapping **prepared,
		  const struct nvbar_spans *spans, const struct nvbar_shape *shape,
		  const struct nvbar_vmm_rule *rule);

/**
 * nvbar_vmm_unmap - give a reference back, and end the mapping with the last
 * @gpu: the GPU
 * @mapping: mapped; the reference, unclaimed, is consumed in any case
 *
 * Context: takes vmm.lock; may sleep.
 * Return: 0, -ETIMEDOUT with the range in quarantine, or -ENODEV.
 */
int nvbar_vmm_unmap(struct nvbar_gpu *gpu, struct nvbar_mapping *mapping);

/**
 * nvbar_vmm_trim - give back page tables without a user, and the quarantine
 * @gpu: the GPU
 *
 * Context: takes vmm.lock; may sleep.
 */
void nvbar_vmm_trim(struct nvbar_gpu *gpu);

/**
 * nvbar_vmm_zero_tables - write zeroes over page tables that are not in use
 * @gpu: the GPU
 * @max: bytes, at most
 *
 * Context: takes vmm.lock; may sleep.
 * Return: bytes zeroed; 0 when there is none left to do.
 */
u64 nvbar_vmm_zero_tables(struct nvbar_gpu *gpu, u64 max);

/**
 * nvbar_vmm_order_writes - wait until what was written through BAR1 has reached VRAM
 * @gpu: the GPU
 *
 * A mapping's end waits for that.  But a handle that shares a mapping with others
 * ends without asking the GPU for anything, so as long as there is a mapping, writes
 * of handles that are no more may be on their way; and so they may where the end of a
 * mapping failed.
 *
 * Context: takes vmm.lock; may sleep.
 * Return: 0, -ENODEV or -ETIMEDOUT: writes may still arrive.
 */
int nvbar_vmm_order_writes(struct nvbar_gpu *gpu);

/**
 * nvbar_vmm_walk_read - read page-table words for nvbar_mmu_walk()
 * @ctx: the GPU
 * @aperture: only video memory can be read
 * @pa: address
 * @words: destination
 * @nr: how many
 *
 * Return: 0, -EFAULT (not in VRAM, protected, or out of the window's reach) or -ENODEV.
 */
int nvbar_vmm_walk_read(void *ctx, enum nvbar_aperture aperture, u64 pa, u64 *words, size_t nr);

#endif
