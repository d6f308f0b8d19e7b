/* SPDX-License-Identifier: MIT */
/* Accesses through an aperture, BAR1 or BAR2: one MMU, each with its own binding. */
#include "sim_gpu.h"
#include "hw/mmu.h"
#include "hw/mmu_fault.h"
#include "hw/pci.h"
#include "hw/vf_priv.h"

void sim_apertures_init(struct sim_gpu *gpu)
{
	gpu->bar1 = (struct sim_aperture) {
		.name = "BAR1", .read_name = "BAR1 read", .write_name = "BAR1 write",
		.size = gpu->cfg.no_bar1 ? 0 : gpu->cfg.bar1_size,
		.engine = gpu->chip->engine_bar1,
		.dropped_phys = VF_PRIV_MMU_FAULT_STATUS_DROPPED_BAR1_PHYS,
		.dropped_virt = VF_PRIV_MMU_FAULT_STATUS_DROPPED_BAR1_VIRT,
	};
	gpu->bar2 = (struct sim_aperture) {
		.name = "BAR2", .read_name = "BAR2 read", .write_name = "BAR2 write",
		.size = PCI_BAR2_SIZE,
		.engine = gpu->chip->engine_bar2,
		.dropped_phys = VF_PRIV_MMU_FAULT_STATUS_DROPPED_BAR2_PHYS,
		.dropped_virt = VF_PRIV_MMU_FAULT_STATUS_DROPPED_BAR2_VIRT,
	};
}

bool sim_aperture_usable(struct sim_gpu *gpu, const struct sim_aperture *ap, const char *what,
			 uint64_t off, uint64_t len)
{
	const char *why;

	if (len > ap->size || off > ap->size - len)
		why = "outside the aperture";
	else if (!sim_boot_done(gpu))
		why = "boot is not complete";
	else if (ap->pending)
		why = "a bind is pending";
	else if (ap->low_alone)
		why = "LOW of its bind registers was written and HIGH not, and whether that binds is open";
	else
		return true;
	sim_misuse(gpu, "%s %s of %llu at 0x%llx: %s", ap->name, what, (unsigned long long)len,
		   (unsigned long long)off, why);
	return false;
}

static struct sim_target fault(unsigned int type)
{
	struct sim_target t = { .fault = true, .type = type };

	return t;
}

/* VRAM as such; beyond its end and in protected ranges there is none for the CPU. */
static struct sim_target vram_target(const struct sim_gpu *gpu, uint64_t pa)
{
	struct sim_target t = { .pa = pa };

	if (!sim_vram_has(&gpu->vram, pa, SIM_PAGE_SIZE) ||
	    sim_protected(gpu, pa, SIM_PAGE_SIZE))
		return fault(MMU_FAULT_TYPE_REGION_VIOLATION);
	if (sim_is_poisoned(gpu, pa, SIM_PAGE_SIZE))
		return fault(MMU_FAULT_TYPE_POISONED);
	return t;
}

struct sim_target sim_aperture_resolve(struct sim_gpu *gpu, const struct sim_aperture *ap,
				       uint64_t off, bool write)
{
	const struct sim_binding *b = &ap->now;
	const struct sim_mmu_xlat *x;

	if (ap->dead)
		return fault(MMU_FAULT_TYPE_UNBOUND_INST_BLOCK);
	if (!b->virt)
		return vram_target(gpu, off & ~(SIM_PAGE_SIZE - 1));
	if (b->broken)
		return fault(MMU_FAULT_TYPE_UNBOUND_INST_BLOCK);
	x = sim_tlb_lookup(gpu->tlb, b->pdb, off);
	if (x->outcome == SIM_MMU_SPARSE)
		return (struct sim_target) { .sparse = true };
	if (x->outcome != SIM_MMU_OK)
		return fault(x->fault);
	if (write && x->flags & SIM_MMU_RO)
		return fault(MMU_FAULT_TYPE_RO_VIOLATION);
	if (x->kind == MMU_PTE_KIND_INVALID)
		return fault(MMU_FAULT_TYPE_UNSUPPORTED_KIND);
	if (x->aperture != MMU_PTE_APERTURE_VIDEO_MEMORY)
		return fault(MMU_FAULT_TYPE_UNSUPPORTED_APERTURE);
	return vram_target(gpu, x->pa);
}

/* The bytes of the page behind an offset. */
static uint64_t in_page(uint64_t off)
{
	return off & (SIM_PAGE_SIZE - 1);
}

static uint64_t read_locked(struct sim_gpu *gpu, struct sim_aperture *ap, uint64_t off,
			    unsigned int width)
{
	struct sim_target t;
	uint64_t val;

	sim_combine_end(gpu);
	gpu->counters.reads++;
	if (!sim_served(gpu, 1) || !sim_bus_ok(gpu, ap->read_name, off, width) ||
	    !sim_aperture_usable(gpu, ap, "read", off, width))
		return ~0ull;
	sim_pass(gpu, 1);
	sim_flight_land(gpu);
	t = sim_aperture_resolve(gpu, ap, off, false);
	if (t.fault) {
		sim_fault(gpu, ap, t.type, off, false, 1);
		return ~0ull;
	}
	gpu->counters.strays += t.sparse;
	val = t.sparse ? 0 : sim_vram_load(&gpu->vram, t.pa + in_page(off), width);
	return gpu->vram.error ? ~0ull : val;
}

static uint64_t read_word(struct sim_gpu *gpu, struct sim_aperture *ap, uint64_t off,
			  unsigned int width)
{
	uint64_t val;

	sim_turn(gpu);
	sim_lock(gpu);
	val = read_locked(gpu, ap, off, width);
	sim_unlock(gpu);
	return width < 8 ? val & ~(~0ull << 8 * width) : val;
}

/* Accesses of up to 8 bytes that a block of bytes takes. */
static uint64_t nr_words(uint64_t off, uint64_t len)
{
	return len ? (off + len - 1) / 8 - off / 8 + 1 : 0;
}

/* Bytes of a block that are served before the GPU is gone. */
static size_t served_part(struct sim_gpu *gpu, uint64_t off, size_t len)
{
	uint64_t nr = nr_words(off, len), served = sim_served(gpu, nr);

	if (served == nr)
		return len;
	return served ? 8 * served - off % 8 : 0;
}

static size_t page_part(uint64_t off, size_t len)
{
	size_t left = SIM_PAGE_SIZE - in_page(off);

	return len < left ? len : left;
}

static void write_part(struct sim_gpu *gpu, struct sim_aperture *ap, uint64_t off,
		       const void *from, size_t part)
{
	struct sim_target t = sim_aperture_resolve(gpu, ap, off, true);

	gpu->counters.strays += t.sparse ? nr_words(off, part) : 0;
	if (t.fault)
		sim_fault(gpu, ap, t.type, off, true, nr_words(off, part));
	else if (!t.sparse)
		sim_flight_post(gpu, t.pa + in_page(off), from, part);
}

static void write_locked(struct sim_gpu *gpu, struct sim_aperture *ap, uint64_t off,
			 unsigned int width, uint64_t val)
{
	gpu->counters.writes++;
	if (!sim_served(gpu, 1) || !sim_bus_ok(gpu, ap->write_name, off, width))
		return;
	sim_combine(gpu, ap, off, width);
	sim_pass(gpu, 1);
	if (sim_aperture_usable(gpu, ap, "write", off, width))
		write_part(gpu, ap, off, &val, width);
}

static void write_word(struct sim_gpu *gpu, struct sim_aperture *ap, uint64_t off,
		       unsigned int width, uint64_t val)
{
	sim_turn(gpu);
	sim_lock(gpu);
	write_locked(gpu, ap, off, width, val);
	sim_unlock(gpu);
}

static void copy_from(struct sim_gpu *gpu, struct sim_aperture *ap, void *dst, uint64_t off,
		      size_t len)
{
	uint8_t *to = dst;
	size_t part;

	sim_turn(gpu);
	sim_lock(gpu);
	sim_combine_end(gpu);
	gpu->counters.reads += nr_words(off, len);
	part = served_part(gpu, off, len);
	memset(to + part, 0xff, len - part);
	len = part;
	if (len && !sim_aperture_usable(gpu, ap, "read", off, len)) {
		memset(dst, 0xff, len);
		len = 0;
	}
	sim_pass(gpu, nr_words(off, len));
	sim_flight_land(gpu);
	for (; len; to += part, off += part, len -= part) {
		struct sim_target t = sim_aperture_resolve(gpu, ap, off, false);

		part = page_part(off, len);
		gpu->counters.strays += t.sparse ? nr_words(off, part) : 0;
		if (t.fault)
			sim_fault(gpu, ap, t.type, off, false, nr_words(off, part));
		if (t.fault || t.sparse)
			memset(to, t.fault ? 0xff : 0, part);
		else
			sim_vram_read(&gpu->vram, t.pa + in_page(off), to, part);
	}
	sim_unlock(gpu);
}

/* Return: how many bytes of a block that is written get to the GPU. */
static size_t begin_write(struct sim_gpu *gpu, struct sim_aperture *ap, const char *what,
			  uint64_t off, size_t len)
{
	gpu->counters.writes += nr_words(off, len);
	len = served_part(gpu, off, len);
	sim_combine(gpu, ap, off, len);
	sim_pass(gpu, nr_words(off, len));
	return len && sim_aperture_usable(gpu, ap, what, off, len) ? len : 0;
}

static void copy_to(struct sim_gpu *gpu, struct sim_aperture *ap, uint64_t off,
		    const void *src, size_t len)
{
	const uint8_t *from = src;
	size_t part;

	sim_turn(gpu);
	sim_lock(gpu);
	len = begin_write(gpu, ap, "write", off, len);
	for (; len; from += part, off += part, len -= part) {
		part = page_part(off, len);
		write_part(gpu, ap, off, from, part);
	}
	sim_unlock(gpu);
}

void sim_bar1_fill(struct sim_gpu *gpu, uint64_t off, uint32_t pattern, size_t len)
{
	struct sim_aperture *ap = &gpu->bar1;
	uint32_t block[SIM_PAGE_SIZE / 4 + 1];
	size_t part, done, i;

	for (i = 0; i < ARRAY_LEN(block); i++)
		block[i] = pattern;
	sim_turn(gpu);
	sim_lock(gpu);
	len = begin_write(gpu, ap, "fill", off, len);
	for (done = 0; done < len; done += part) {
		part = page_part(off + done, len - done);
		write_part(gpu, ap, off + done, (const uint8_t *)block + done % 4, part);
	}
	sim_unlock(gpu);
}

uint64_t sim_bar1_read(struct sim_gpu *gpu, uint64_t off, unsigned int width)
{
	return read_word(gpu, &gpu->bar1, off, width);
}

void sim_bar1_write(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint64_t val)
{
	write_word(gpu, &gpu->bar1, off, width, val);
}

void sim_bar1_copy_from(struct sim_gpu *gpu, void *dst, uint64_t off, size_t len)
{
	copy_from(gpu, &gpu->bar1, dst, off, len);
}

void sim_bar1_copy_to(struct sim_gpu *gpu, uint64_t off, const void *src, size_t len)
{
	copy_to(gpu, &gpu->bar1, off, src, len);
}

uint64_t sim_bar2_read(struct sim_gpu *gpu, uint64_t off, unsigned int width)
{
	return read_word(gpu, &gpu->bar2, off, width);
}

void sim_bar2_write(struct sim_gpu *gpu, uint64_t off, unsigned int width, uint64_t val)
{
	write_word(gpu, &gpu->bar2, off, width, val);
}

void sim_bar2_copy_from(struct sim_gpu *gpu, void *dst, uint64_t off, size_t len)
{
	copy_from(gpu, &gpu->bar2, dst, off, len);
}

void sim_bar2_copy_to(struct sim_gpu *gpu, uint64_t off, const void *src, size_t len)
{
	copy_to(gpu, &gpu->bar2, off, src, len);
}
