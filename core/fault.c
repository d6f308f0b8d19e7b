// SPDX-License-Identifier: MIT
#include <linux/atomic.h>
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/list.h>

#include <hw/mmu_fault.h>
#include <hw/vf_priv.h>

#include "access.h"
#include "chip.h"
#include "fault.h"
#include "gpu.h"
#include "reg.h"

/* The name is the mask's own: they can't drift apart. */
#define NAME(prefix, code) [prefix##code] = #code

static const char *const type_names[] = {
	NAME(MMU_FAULT_TYPE_, PDE),
	NAME(MMU_FAULT_TYPE_, PDE_SIZE),
	NAME(MMU_FAULT_TYPE_, PTE),
	NAME(MMU_FAULT_TYPE_, VA_LIMIT_VIOLATION),
	NAME(MMU_FAULT_TYPE_, UNBOUND_INST_BLOCK),
	NAME(MMU_FAULT_TYPE_, PRIV_VIOLATION),
	NAME(MMU_FAULT_TYPE_, RO_VIOLATION),
	NAME(MMU_FAULT_TYPE_, WO_VIOLATION),
	NAME(MMU_FAULT_TYPE_, PITCH_MASK_VIOLATION),
	NAME(MMU_FAULT_TYPE_, WORK_CREATION),
	NAME(MMU_FAULT_TYPE_, UNSUPPORTED_APERTURE),
	NAME(MMU_FAULT_TYPE_, COMPRESSION_FAILURE),
	NAME(MMU_FAULT_TYPE_, UNSUPPORTED_KIND),
	NAME(MMU_FAULT_TYPE_, REGION_VIOLATION),
	NAME(MMU_FAULT_TYPE_, POISONED),
	NAME(MMU_FAULT_TYPE_, ATOMIC_VIOLATION),
};

static const char *const access_names[] = {
	NAME(MMU_FAULT_ACCESS_TYPE_, VIRT_READ),
	NAME(MMU_FAULT_ACCESS_TYPE_, VIRT_WRITE),
	NAME(MMU_FAULT_ACCESS_TYPE_, VIRT_ATOMIC_STRONG),
	NAME(MMU_FAULT_ACCESS_TYPE_, VIRT_PREFETCH),
	NAME(MMU_FAULT_ACCESS_TYPE_, VIRT_ATOMIC_WEAK),
	NAME(MMU_FAULT_ACCESS_TYPE_, PHYS_READ),
	NAME(MMU_FAULT_ACCESS_TYPE_, PHYS_WRITE),
	NAME(MMU_FAULT_ACCESS_TYPE_, PHYS_ATOMIC),
	NAME(MMU_FAULT_ACCESS_TYPE_, PHYS_PREFETCH),
};

static const char *const client_names[] = {
	NAME(MMU_FAULT_CLIENT_HUB_, HOST),
	NAME(MMU_FAULT_CLIENT_HUB_, HOST_CPU),
	NAME(MMU_FAULT_CLIENT_HUB_, HOST_CPU_NB),
	NAME(MMU_FAULT_CLIENT_HUB_, DONT_CARE),
};

static const char *name_of(const char *const *names, size_t nr, u32 code)
{
	return code < nr && names[code] ? names[code] : "unknown";
}

static const char *type_name(const struct nvbar_gpu *gpu, u32 type)
{
	/* Blackwell gave this code another meaning [gb100, gb202 dev_fault.h]. */
	if (type == MMU_FAULT_TYPE_CC_VIOLATION && gpu->chip->cc_violation)
		return "CC_VIOLATION";
	return name_of(type_names, ARRAY_SIZE(type_names), type);
}

static const struct nvbar_mapping *live_at(const struct nvbar_gpu *gpu, u64 va)
{
	const struct nvbar_va_node *node = nvbar_va_find(&gpu->vmm.va, va);
	const struct nvbar_mapping *mapping;

	if (!node)
		return NULL;
	mapping = container_of(node, const struct nvbar_mapping, node);
	return mapping->state == NVBAR_MAPPING_MAPPED ? mapping : NULL;
}

/* " in mapping 0x1000+0x2000 label" if the one that it happened in still lives. */
static void mapping_text(struct nvbar_gpu *gpu, char *buf, size_t len)
{
	const struct nvbar_mapping *mapping = gpu->vmm.fault.owner;

	buf[0] = '\0';
	if (mapping)
		scnprintf(buf, len, " in mapping 0x%llx+0x%llx%s%s", mapping->node.start,
			  mapping->node.len, mapping->label[0] ? " " : "", mapping->label);
}

static void fault_text(struct nvbar_gpu *gpu, struct nvbar_fault_info *info)
{
	char where[96];

	/* Its text says why, and never changes. */
	if (info->unreadable)
		return;
	mapping_text(gpu, where, sizeof(where));
	scnprintf(info->text, sizeof(info->text), "%s fault at VA 0x%llx%s: %s by %s, engine %u%s%s",
		  type_name(gpu, info->type), info->va, where,
		  name_of(access_names, ARRAY_SIZE(access_names), info->access),
		  name_of(client_names, ARRAY_SIZE(client_names), info->client), info->engine,
		  info->engine == gpu->chip->engine_bar1 ? " (BAR1)" : "",
		  info->dropped ? ", more were dropped" : "");
}

/* --- the registers ------------------------------------------------------------ */

/* What a clear ends, and what tells of faults */
#define LATCHED	(VF_PRIV_MMU_FAULT_STATUS_VALID | VF_PRIV_MMU_FAULT_STATUS_DROPPED)
#define DROPPED	(VF_PRIV_MMU_FAULT_STATUS_DROPPED_BAR1_PHYS | \
		 VF_PRIV_MMU_FAULT_STATUS_DROPPED_BAR1_VIRT)

/**
 * struct latch - what the GPU latches of a fault beside its status
 * @addr_lo: VF_PRIV_MMU_FAULT_ADDR_LO
 * @addr_hi: VF_PRIV_MMU_FAULT_ADDR_HI
 * @inst_lo: VF_PRIV_MMU_FAULT_INST_LO
 * @inst_hi: VF_PRIV_MMU_FAULT_INST_HI
 * @info: VF_PRIV_MMU_FAULT_INFO
 */
struct latch {
	struct nvbar_reg_word addr_lo, addr_hi, inst_lo, inst_hi, info;
};

static struct latch read_latch(struct nvbar_gpu *gpu)
{
	struct latch latch;

	latch.addr_lo = nvbar_rd_named(gpu, VF_PRIV_MMU_FAULT_ADDR_LO);
	latch.addr_hi = nvbar_rd_named(gpu, VF_PRIV_MMU_FAULT_ADDR_HI);
	latch.inst_lo = nvbar_rd_named(gpu, VF_PRIV_MMU_FAULT_INST_LO);
	latch.inst_hi = nvbar_rd_named(gpu, VF_PRIV_MMU_FAULT_INST_HI);
	latch.info = nvbar_rd_named(gpu, VF_PRIV_MMU_FAULT_INFO);
	return latch;
}

/* The register that can't be read, NULL if all can. */
static const struct nvbar_reg_word *bad_of(const struct latch *latch)
{
	const struct nvbar_reg_word *bad;

	bad = nvbar_reg_pair_is_error(&latch->addr_lo, &latch->addr_hi);
	if (!bad)
		bad = nvbar_reg_pair_is_error(&latch->inst_lo, &latch->inst_hi);
	if (!bad && nvbar_reg_is_error(latch->info.off, latch->info.val))
		bad = &latch->info;
	return bad;
}

static struct nvbar_fault_info unreadable_fault(const struct nvbar_reg_word *bad, u32 status)
{
	struct nvbar_fault_info info = { .unreadable = true, .dropped = status & DROPPED };
	char why[128];

	nvbar_reg_text(bad, why, sizeof(why));
	scnprintf(info.text, sizeof(info.text), "a fault of which nothing is known: %s", why);
	return info;
}

static struct nvbar_fault_info read_latched(struct nvbar_gpu *gpu, u32 status)
{
	const struct latch latch = read_latch(gpu);
	const struct nvbar_reg_word *bad = bad_of(&latch);
	u32 inst_lo = latch.inst_lo.val, word = latch.info.val;
	u32 access = FIELD_GET(VF_PRIV_MMU_FAULT_INFO_ACCESS_TYPE, word);

	if (bad)
		return unreadable_fault(bad, status);
	return (struct nvbar_fault_info){
		.va = (u64)latch.addr_hi.val << 32 |
		      (latch.addr_lo.val & VF_PRIV_MMU_FAULT_ADDR_LO_ADDR),
		.type = FIELD_GET(VF_PRIV_MMU_FAULT_INFO_FAULT_TYPE, word),
		.access = access,
		.client = FIELD_GET(VF_PRIV_MMU_FAULT_INFO_CLIENT, word),
		.engine = FIELD_GET(VF_PRIV_MMU_FAULT_INST_LO_ENGINE_ID, inst_lo),
		.inst_pa = (u64)latch.inst_hi.val << 32 |
			   (inst_lo & VF_PRIV_MMU_FAULT_INST_LO_ADDR),
		.dropped = status & DROPPED,
		.physical = access >= MMU_FAULT_ACCESS_TYPE_PHYS_READ,
		.write = access == MMU_FAULT_ACCESS_TYPE_VIRT_WRITE ||
			 access == MMU_FAULT_ACCESS_TYPE_PHYS_WRITE,
	};
}

/* BAR2's and physical accesses' faults come to the same registers. */
static bool is_bar2s_or_physical(const struct nvbar_gpu *gpu, const struct nvbar_fault_info *info)
{
	u32 functions = gpu->chip->engine_bar2 - gpu->chip->engine_bar1;

	return info->physical || info->engine - gpu->chip->engine_bar2 < functions;
}

/* Of an access to these addresses? */
static bool is_about(const struct nvbar_gpu *gpu, const struct nvbar_fault_info *info, u64 va,
		     u64 len)
{
	/* To the page: so much of the address is known, if anything is. */
	return !info->unreadable && info->va + NVBAR_PAGE_SIZE > va && info->va < va + len &&
	       !is_bar2s_or_physical(gpu, info);
}

/*
 * Whose fault it is.  Handles are marked before the register is cleared: who finds
 * it clear finds the mark.
 */
static void blame(struct nvbar_gpu *gpu)
{
	struct nvbar_faults *faults = &gpu->vmm.fault;
	struct nvbar_access *access;

	faults->owner = faults->last.unreadable || is_bar2s_or_physical(gpu, &faults->last) ?
			NULL : live_at(gpu, faults->last.va);
	list_for_each_entry(access, &gpu->vmm.accesses, link)
		if (READ_ONCE(access->live) &&
		    is_about(gpu, &faults->last, access->base, access->size))
			WRITE_ONCE(access->fault, faults->seq);
	fault_text(gpu, &faults->last);
	nvbar_gpu_msg(gpu, NVBAR_MSG_INFO, "%s", faults->last.text);
}

/* Is anything latched?  Return: 0, -ENODEV, or -EIO, with a line that says why. */
static int read_status(struct nvbar_gpu *gpu, u32 *status)
{
	struct nvbar_reg_word word = nvbar_rd_named(gpu, VF_PRIV_MMU_FAULT_STATUS);

	*status = word.val;
	if (word.val == ~0u && nvbar_gpu_alive(gpu))
		return -ENODEV;
	if (!nvbar_reg_is_error(word.off, word.val))
		return 0;
	return nvbar_reg_refuse(gpu, NVBAR_MSG_ERROR, &word, "whether an access faulted");
}

int nvbar_fault_readable(struct nvbar_gpu *gpu)
{
	u32 status;

	return read_status(gpu, &status);
}

/*
 * The one place that reads and clears the registers: takes what is latched over, so
 * that the GPU latches the next one.  Who opened the GPU to observe only reads.
 */
static int take(struct nvbar_gpu *gpu)
{
	struct nvbar_faults *faults = &gpu->vmm.fault;
	bool anybodys;
	u32 status;
	int ret;

	lockdep_assert_held(&gpu->vmm.lock);
	ret = read_status(gpu, &status);
	if (ret)
		return ret;
	if (!(status & LATCHED))
		return -ENOENT;
	anybodys = status & DROPPED;
	WRITE_ONCE(faults->seq, faults->seq + 1);
	if (status & VF_PRIV_MMU_FAULT_STATUS_VALID) {
		faults->last = read_latched(gpu, status);
		faults->any = true;
		blame(gpu);
		/* One that may be anybody's is like one that was dropped. */
		anybodys |= faults->last.unreadable;
	}
	if (anybodys)
		WRITE_ONCE(faults->dropped, faults->seq);
	smp_wmb();
	if (!gpu->observe)
		nvbar_wr32(gpu, VF_PRIV_MMU_FAULT_STATUS, status & LATCHED);
	smp_wmb();
	WRITE_ONCE(faults->seq, faults->seq + 1);
	return status & VF_PRIV_MMU_FAULT_STATUS_VALID ? 0 : -ENOENT;
}

int nvbar_fault_read(struct nvbar_gpu *gpu, struct nvbar_fault_info *info)
{
	struct nvbar_faults *faults = &gpu->vmm.fault;
	int ret;

	guard(mutex)(&gpu->vmm.lock);
	ret = take(gpu);
	if (ret && ret != -ENOENT)
		return ret;
	if (!faults->any)
		return -ENOENT;
	/* Its mapping may have ended since. */
	fault_text(gpu, &faults->last);
	*info = faults->last;
	return 0;
}

int nvbar_fault_clear(struct nvbar_gpu *gpu)
{
	struct nvbar_faults *faults = &gpu->vmm.fault;
	int ret;

	guard(mutex)(&gpu->vmm.lock);
	ret = take(gpu);
	if (ret && ret != -ENOENT)
		return ret;
	faults->any = false;
	faults->owner = NULL;
	WRITE_ONCE(faults->cleared, faults->seq);
	return 0;
}

/* --- accesses ------------------------------------------------------------------ */

/*
 * Is nothing latched, and has been nothing since @seq?  Else -EAGAIN: the lock is
 * needed to know more; or as read_status().
 */
static int is_quiet(struct nvbar_gpu *gpu, u64 seq)
{
	u32 status;
	int ret = read_status(gpu, &status);

	if (ret)
		return ret;
	/* What somebody cleared before the register was read is counted by now, or odd. */
	smp_rmb();
	if ((status & LATCHED) || (seq & 1) || READ_ONCE(gpu->vmm.fault.seq) != seq)
		return -EAGAIN;
	return 0;
}

void nvbar_fault_watch(struct nvbar_gpu *gpu, struct nvbar_fault_watch *watch)
{
	watch->seq = smp_load_acquire(&gpu->vmm.fault.seq);
}

/* Return: 1 if it faulted; else as nvbar_fault_look(). */
static int look_locked(struct nvbar_gpu *gpu, const struct nvbar_fault_watch *watch,
		       struct nvbar_fault_info *info)
{
	int ret = take(gpu);

	if (ret && ret != -ENOENT)
		return ret;
	*info = gpu->vmm.fault.last;
	if (!ret && is_about(gpu, info, watch->va, watch->len))
		return 1;
	return gpu->vmm.fault.seq == watch->seq ? 0 : -EAGAIN;
}

int nvbar_fault_look(struct nvbar_gpu *gpu, struct nvbar_fault_watch *watch)
{
	int ret = is_quiet(gpu, watch->seq);
	struct nvbar_fault_info info;

	if (ret != -EAGAIN)
		return ret;
	mutex_lock(&gpu->vmm.lock);
	ret = look_locked(gpu, watch, &info);
	mutex_unlock(&gpu->vmm.lock);
	if (ret == -EAGAIN && watch->tries) {
		watch->tries--;
		return ret;
	}
	if (ret == 1) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "access to 0x%llx+0x%llx: %s", watch->va,
			      watch->len, info.text);
		return -EIO;
	}
	if (ret != -EAGAIN)
		return ret;
	nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
		      "access to 0x%llx+0x%llx: it may have faulted, as others that do hide it",
		      watch->va, watch->len);
	return -EIO;
}

void nvbar_fault_settle(struct nvbar_gpu *gpu)
{
	guard(mutex)(&gpu->vmm.lock);
	take(gpu);
}

/* A write through the handle was lost, and nobody has cleared it. */
static bool has_faulted(const struct nvbar_access *access)
{
	return READ_ONCE(access->fault) > READ_ONCE(access->gpu->vmm.fault.cleared);
}

/* One may have been lost, and the handle's owner was not told. */
static bool may_have_faulted(const struct nvbar_access *access)
{
	const struct nvbar_faults *faults = &access->gpu->vmm.fault;
	u64 dropped = READ_ONCE(faults->dropped);

	return dropped > READ_ONCE(access->told) && dropped > READ_ONCE(faults->cleared);
}

int nvbar_fault_flush(struct nvbar_access *access)
{
	struct nvbar_gpu *gpu = access->gpu;
	struct nvbar_fault_info info;
	bool faulted, maybe;
	int ret;

	ret = is_quiet(gpu, READ_ONCE(gpu->vmm.fault.seq));
	if ((ret && ret != -EAGAIN) || (!ret && !has_faulted(access) && !may_have_faulted(access)))
		return ret;
	mutex_lock(&gpu->vmm.lock);
	ret = take(gpu);
	info = gpu->vmm.fault.last;
	faulted = has_faulted(access);
	maybe = may_have_faulted(access);
	WRITE_ONCE(access->told, gpu->vmm.fault.seq);
	mutex_unlock(&gpu->vmm.lock);
	if (ret && ret != -ENOENT)
		return ret;
	if (faulted)
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "flush of 0x%llx+0x%llx: %s", access->base,
			      access->size,
			      is_about(gpu, &info, access->base, access->size) ?
			      info.text : "an access faulted, and others elsewhere since");
	else if (maybe)
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "flush of 0x%llx+0x%llx: a write may be lost, as a fault elsewhere hid others",
			      access->base, access->size);
	return faulted || maybe ? -EIO : 0;
}
