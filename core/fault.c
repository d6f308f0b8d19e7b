// SPDX-License-Identifier: MIT
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include <hw/mmu_fault.h>
#include <hw/vf_priv.h>

#include "chip.h"
#include "fault.h"
#include "gpu.h"

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

/*
 * Notes whose address it is when a fault is seen first.  It stays latched, and
 * whoever gets the address later is not to blame.
 */
static void see(struct nvbar_gpu *gpu, const struct nvbar_fault_info *info)
{
	struct nvbar_seen_fault *seen = &gpu->vmm.fault;
	u32 code = info->type << 16 | info->access;

	lockdep_assert_held(&gpu->vmm.lock);
	if (!seen->latched || seen->va != info->va || seen->code != code)
		*seen = (struct nvbar_seen_fault){ true, info->va, code, live_at(gpu, info->va) };
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

	mapping_text(gpu, where, sizeof(where));
	scnprintf(info->text, sizeof(info->text), "%s fault at VA 0x%llx%s: %s by %s, engine %u%s%s",
		  type_name(gpu, info->type), info->va, where,
		  name_of(access_names, ARRAY_SIZE(access_names), info->access),
		  name_of(client_names, ARRAY_SIZE(client_names), info->client), info->engine,
		  info->engine == gpu->chip->engine_bar1 ? " (BAR1)" : "",
		  info->dropped ? ", more were dropped" : "");
}

static int read_locked(struct nvbar_gpu *gpu, struct nvbar_fault_info *info)
{
	u32 status = nvbar_rd32(gpu, VF_PRIV_MMU_FAULT_STATUS);
	u32 addr_lo, addr_hi, inst_lo, inst_hi, word;

	if (status == ~0u && nvbar_gpu_alive(gpu))
		return -ENODEV;
	if (!(status & VF_PRIV_MMU_FAULT_STATUS_VALID)) {
		gpu->vmm.fault = (struct nvbar_seen_fault){ 0 };
		return -ENOENT;
	}
	addr_lo = nvbar_rd32(gpu, VF_PRIV_MMU_FAULT_ADDR_LO);
	addr_hi = nvbar_rd32(gpu, VF_PRIV_MMU_FAULT_ADDR_HI);
	inst_lo = nvbar_rd32(gpu, VF_PRIV_MMU_FAULT_INST_LO);
	inst_hi = nvbar_rd32(gpu, VF_PRIV_MMU_FAULT_INST_HI);
	word = nvbar_rd32(gpu, VF_PRIV_MMU_FAULT_INFO);

	*info = (struct nvbar_fault_info){
		.va = (u64)addr_hi << 32 | (addr_lo & VF_PRIV_MMU_FAULT_ADDR_LO_ADDR),
		.type = FIELD_GET(VF_PRIV_MMU_FAULT_INFO_FAULT_TYPE, word),
		.access = FIELD_GET(VF_PRIV_MMU_FAULT_INFO_ACCESS_TYPE, word),
		.client = FIELD_GET(VF_PRIV_MMU_FAULT_INFO_CLIENT, word),
		.engine = FIELD_GET(VF_PRIV_MMU_FAULT_INST_LO_ENGINE_ID, inst_lo),
		.inst_pa = (u64)inst_hi << 32 | (inst_lo & VF_PRIV_MMU_FAULT_INST_LO_ADDR),
		.dropped = status & (VF_PRIV_MMU_FAULT_STATUS_DROPPED_BAR1_PHYS |
				     VF_PRIV_MMU_FAULT_STATUS_DROPPED_BAR1_VIRT),
	};
	info->physical = info->access >= MMU_FAULT_ACCESS_TYPE_PHYS_READ;
	info->write = info->access == MMU_FAULT_ACCESS_TYPE_VIRT_WRITE ||
		      info->access == MMU_FAULT_ACCESS_TYPE_PHYS_WRITE;
	see(gpu, info);
	fault_text(gpu, info);
	return 0;
}

int nvbar_fault_read(struct nvbar_gpu *gpu, struct nvbar_fault_info *info)
{
	/* Held so that nobody clears the fault between two of its registers. */
	guard(mutex)(&gpu->vmm.lock);
	return read_locked(gpu, info);
}

/* BAR2's and physical accesses' faults come to the same registers. */
static bool is_bar2s_or_physical(const struct nvbar_gpu *gpu, const struct nvbar_fault_info *info)
{
	u32 functions = gpu->chip->engine_bar2 - gpu->chip->engine_bar1;

	return info->physical || info->engine - gpu->chip->engine_bar2 < functions;
}

/* Of an access to these addresses, by whoever has them now */
static bool is_about(const struct nvbar_gpu *gpu, const struct nvbar_fault_info *info, u64 va,
		     u64 len)
{
	/* To the page: so much of the address is known. */
	return info->va + NVBAR_PAGE_SIZE > va && info->va < va + len &&
	       !is_bar2s_or_physical(gpu, info) && gpu->vmm.fault.owner == live_at(gpu, info->va);
}

int nvbar_fault_look(struct nvbar_gpu *gpu, u64 va, u64 len)
{
	u32 status = nvbar_rd32(gpu, VF_PRIV_MMU_FAULT_STATUS);
	struct nvbar_fault_info info;
	int ret;

	if (status == ~0u)
		return nvbar_gpu_alive(gpu);
	if (!(status & VF_PRIV_MMU_FAULT_STATUS_VALID))
		return 0;
	mutex_lock(&gpu->vmm.lock);
	ret = read_locked(gpu, &info);
	if (!ret && is_about(gpu, &info, va, len))
		ret = -EIO;
	mutex_unlock(&gpu->vmm.lock);
	if (ret == -EIO)
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "access to 0x%llx+0x%llx: %s", va, len,
			      info.text);
	return ret == -ENOENT ? 0 : ret;
}

void nvbar_fault_watch(struct nvbar_gpu *gpu)
{
	struct nvbar_fault_info old;

	guard(mutex)(&gpu->vmm.lock);
	if (!read_locked(gpu, &old) && old.dropped)
		nvbar_wr32(gpu, VF_PRIV_MMU_FAULT_STATUS, VF_PRIV_MMU_FAULT_STATUS_DROPPED_BAR1_VIRT);
}

int nvbar_fault_watched(struct nvbar_gpu *gpu, u64 va, u64 len)
{
	u32 status = nvbar_rd32(gpu, VF_PRIV_MMU_FAULT_STATUS);
	int ret;

	if (!(status & VF_PRIV_MMU_FAULT_STATUS_VALID))
		return 0;
	ret = nvbar_fault_look(gpu, va, len);
	if (ret || !(status & VF_PRIV_MMU_FAULT_STATUS_DROPPED_BAR1_VIRT))
		return ret;
	nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
		      "access to 0x%llx+0x%llx: it may have faulted, as an older fault hides others", va,
		      len);
	return -EIO;
}

int nvbar_fault_clear(struct nvbar_gpu *gpu)
{
	u32 status;

	guard(mutex)(&gpu->vmm.lock);
	status = nvbar_rd32(gpu, VF_PRIV_MMU_FAULT_STATUS);
	if (status == ~0u && nvbar_gpu_alive(gpu))
		return -ENODEV;
	if (status & VF_PRIV_MMU_FAULT_STATUS_VALID)
		nvbar_wr32(gpu, VF_PRIV_MMU_FAULT_STATUS, status);
	gpu->vmm.fault = (struct nvbar_seen_fault){ 0 };
	return 0;
}
