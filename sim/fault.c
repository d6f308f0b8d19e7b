/* SPDX-License-Identifier: MIT */
/* The one MMU fault the GPU can hold, and the marks of those it had to drop. */
#include "sim_gpu.h"
#include "hw/mmu_fault.h"
#include "hw/others.h"
#include "hw/vf_priv.h"

static uint32_t fault_info(unsigned int type, bool write, bool virt)
{
	uint32_t access = write ? MMU_FAULT_ACCESS_TYPE_PHYS_WRITE : MMU_FAULT_ACCESS_TYPE_PHYS_READ;

	if (virt)
		access = write ? MMU_FAULT_ACCESS_TYPE_VIRT_WRITE : MMU_FAULT_ACCESS_TYPE_VIRT_READ;
	return VF_PRIV_MMU_FAULT_INFO_VALID |
	       FIELD_PREP(VF_PRIV_MMU_FAULT_INFO_FAULT_TYPE, type) |
	       FIELD_PREP(VF_PRIV_MMU_FAULT_INFO_ACCESS_TYPE, access) |
	       FIELD_PREP(VF_PRIV_MMU_FAULT_INFO_CLIENT, write ? MMU_FAULT_CLIENT_HUB_HOST_CPU_NB
							       : MMU_FAULT_CLIENT_HUB_HOST_CPU) |
	       FIELD_PREP(VF_PRIV_MMU_FAULT_INFO_CLIENT_TYPE, MMU_FAULT_CLIENT_TYPE_HUB);
}

/* An access that ended in a fault. */
struct fault {
	unsigned int type;
	uint64_t addr;
	bool write;
	bool virt;
	uint32_t engine;
	uint64_t inst;
	uint32_t dropped;	/* the mark that it was dropped */
};

void sim_on_fault(struct sim_gpu *gpu, void (*changed)(void *arg, bool latched), void *arg)
{
	sim_lock(gpu);
	gpu->fault_changed = changed;
	gpu->fault_arg = arg;
	sim_unlock(gpu);
}

static void tell(struct sim_gpu *gpu, bool latched)
{
	if (gpu->fault_changed)
		gpu->fault_changed(gpu->fault_arg, latched);
}

static void latch(struct sim_gpu *gpu, const struct fault *f)
{
	*sim_reg(gpu, VF_PRIV_MMU_FAULT_ADDR_LO) = f->addr & VF_PRIV_MMU_FAULT_ADDR_LO_ADDR;
	*sim_reg(gpu, VF_PRIV_MMU_FAULT_ADDR_HI) = f->addr >> 32;
	*sim_reg(gpu, VF_PRIV_MMU_FAULT_INST_LO) =
		FIELD_PREP(VF_PRIV_MMU_FAULT_INST_LO_ENGINE_ID, f->engine) |
		(f->inst & VF_PRIV_MMU_FAULT_INST_LO_ADDR);
	*sim_reg(gpu, VF_PRIV_MMU_FAULT_INST_HI) = f->inst >> 32;
	*sim_reg(gpu, VF_PRIV_MMU_FAULT_INFO) = fault_info(f->type, f->write, f->virt);
	*sim_reg(gpu, VF_PRIV_MMU_FAULT_STATUS) |= VF_PRIV_MMU_FAULT_STATUS_VALID;
	tell(gpu, true);
}

/* @nr of them: the first is kept if there is room. */
static void raise_fault(struct sim_gpu *gpu, const struct fault *f, uint64_t nr)
{
	uint32_t *status = sim_reg(gpu, VF_PRIV_MMU_FAULT_STATUS);

	if (!(*status & VF_PRIV_MMU_FAULT_STATUS_VALID)) {
		latch(gpu, f);
		nr--;
	}
	if (nr)
		*status |= f->dropped;
}

/*
 * That an aperture which faulted gives nothing until it is bound again is how
 * OpenRM treats it: kgmmuServicePriFaults_GV100 binds BAR1 anew [unconfirmed].
 */
static void die(struct sim_gpu *gpu, struct sim_aperture *ap)
{
	ap->dead = true;
	sim_windows_update(gpu);
}

void sim_fault(struct sim_gpu *gpu, struct sim_aperture *ap, unsigned int type, uint64_t va,
	       bool write, uint64_t nr)
{
	const struct sim_binding *b = &ap->now;
	const struct fault f = {
		.type = type, .addr = va, .write = write, .virt = b->virt,
		.engine = b->virt ? ap->engine : gpu->chip->engine_phys,
		.inst = b->virt ? b->inst : 0,
		.dropped = b->virt ? ap->dropped_virt : ap->dropped_phys,
	};
	bool poisoned = type == MMU_FAULT_TYPE_POISONED;

	sim_error(gpu, poisoned ? &gpu->counters.poisoned : &gpu->counters.faults, nr,
		  "%s %s at 0x%llx: %s fault, %s", ap->name, write ? "write" : "read",
		  (unsigned long long)va, sim_chip_fault_name(gpu->chip, type),
		  ap->dead ? "it faulted before, and was not bound since" :
		  b->virt ? "virtual" : "physical");
	if (ap->dead)
		*sim_reg(gpu, VF_PRIV_MMU_FAULT_STATUS) |= f.dropped;
	else
		raise_fault(gpu, &f, nr);
	if (gpu->cfg.fault_rebind && !ap->dead)
		die(gpu, ap);
}

/* That PRAMIN reports a fault as physical accesses do is [assumed]. */
void sim_fault_pramin(struct sim_gpu *gpu, uint64_t pa, bool write)
{
	const struct fault f = {
		.type = MMU_FAULT_TYPE_REGION_VIOLATION, .addr = pa, .write = write,
		.engine = gpu->chip->engine_phys,
		.dropped = VF_PRIV_MMU_FAULT_STATUS_DROPPED_OTHER_PHYS,
	};

	raise_fault(gpu, &f, 1);
}

/* What the default is, depends on the chip and its configuration [assumed]. */
#define FAULT_BUFFER_DEFAULT	0x200u

uint32_t sim_fault_buffer_size_read(struct sim_gpu *gpu, uint32_t val)
{
	(void)gpu;
	if (!(val & VF_PRIV_MMU_FAULT_BUFFER_SIZE_SET_DEFAULT))
		return val;
	return (val & ~VF_PRIV_MMU_FAULT_BUFFER_SIZE_VAL) | FAULT_BUFFER_DEFAULT;
}

const char *sim_fault_status_written(struct sim_gpu *gpu, uint32_t val)
{
	if (val & VF_PRIV_MMU_FAULT_STATUS_VALID) {
		*sim_reg(gpu, VF_PRIV_MMU_FAULT_INFO) &= ~VF_PRIV_MMU_FAULT_INFO_VALID;
		tell(gpu, false);
	}
	return NULL;
}
