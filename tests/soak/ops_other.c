// SPDX-License-Identifier: MIT
/* Page tables, allocations of VRAM, and faults. */
#include "ops.h"

#include <string.h>

#include <nvbar_compat.h>

#include "internal.h"
#include "sim.h"

/* --- page tables ------------------------------------------------------------- */

void op_walk(struct run *run, const struct op *op)
{
	struct nvbar_walk walk = { .size = sizeof(walk) };
	struct handle *h = &run->slot[slot_of(op)];
	const uint32_t unused = run->cfg->sparse ? NVBAR_WALK_SPARSE : NVBAR_WALK_INVALID;
	struct expect e = { 0 };
	uint64_t off, pa;
	int ret;

	if (!h->a && !h->prepared)
		return;
	off = op->n[1] % h->pages.len;
	may_return(&e, 0);
	call_begin(run);
	say(run, "\twalk.size = sizeof(walk);\n\tret = nvbar_walk(gpu, 0x%llx, &walk);\n",
	    (unsigned long long)(h->va + off));
	ret = nvbar_walk(run->gpu, h->va + off, &walk);
	call_end(run);
	may_fail(run, &e, false, true, false);
	want(run, "walk", ret, &e);
	if (ret)
		return;
	say(run, "\twant_u64(\"status\", walk.status, %u);\n",
	    h->a ? NVBAR_WALK_OK : unused);
	if (walk.status != (h->a ? NVBAR_WALK_OK : unused))
		fail(run, "walk: status", "0x%llx: %u", (unsigned long long)(h->va + off),
		     walk.status);
	if (!h->a)
		return;
	pa = pages_at(&h->pages, off).pa;
	say(run, "\twant_u64(\"pa\", walk.pa, 0x%llx);\n", (unsigned long long)pa);
	if (walk.pa != pa || !walk.ro != !(h->flags & NVBAR_MAP_RDONLY) ||
	    (h->shift && walk.page_size > 1ull << h->shift))
		fail(run, "walk: entry", "0x%llx leads to 0x%llx in a page of 0x%llx",
		     (unsigned long long)(h->va + off), (unsigned long long)walk.pa,
		     (unsigned long long)walk.page_size);
}

void op_trim(struct run *run, const struct op *op)
{
	bool drains = is_well(run) && ref_quarantined(&run->ref);

	(void)op;
	call_begin(run);
	say(run, "\tnvbar_trim(gpu);\n");
	nvbar_trim(run->gpu);
	call_end(run);
	if (drains)
		ref_drain(&run->ref);
	check_ranges(run, NULL);
}

void op_zero(struct run *run, const struct op *op)
{
	call_begin(run);
	say(run, "\tnvbar_zero_tables(gpu, %u);\n", op->n[0]);
	nvbar_zero_tables(run->gpu, op->n[0]);
	call_end(run);
}

/* --- VRAM -------------------------------------------------------------------- */

#define ALLOC_NO_SCRUB		1u
#define ALLOC_CONTIGUOUS	2u
#define ALLOC_ALIGNED		4u
/* From here on VRAM is zeroed through BAR1. */
#define SCRUB_PAGES		16

static void check_allocation(struct run *run, const struct nvbar_vram *vram,
			     const struct nvbar_vram_opts *opts, uint64_t size)
{
	static uint8_t buf[POOL_PAGES * PAGE], zero[POOL_PAGES * PAGE];
	struct nvbar_extent ext[POOL_PAGES];
	size_t i, nr = nvbar_vram_extents(vram, ext, POOL_PAGES);
	uint64_t sum = 0;

	for (i = 0; i < nr; i++) {
		sum += ext[i].len;
		if ((opts->align && ext[i].pa % opts->align) || !pool_mark(&run->ref, ext[i], true))
			fail(run, "alloc: place", "0x%llx", (unsigned long long)ext[i].pa);
		if (opts->flags & NVBAR_VRAM_NO_SCRUB)
			continue;
		sim_vram_peek(run->sim, ext[i].pa, buf, ext[i].len);
		compare(run, "alloc: zeroes", "nvbar_pramin_read(gpu, ", ext[i].pa, buf, zero,
			ext[i].len);
		/* Nor is anything of an earlier owner's on its way there. */
		land(run);
		sim_vram_peek(run->sim, ext[i].pa, buf, ext[i].len);
		compare(run, "alloc: zeroes after all", "nvbar_pramin_read(gpu, ", ext[i].pa, buf,
			zero, ext[i].len);
		/* Not so for whoever gets it next. */
		memset(buf, 0xa5, ext[i].len);
		sim_vram_poke(run->sim, ext[i].pa, buf, ext[i].len);
	}
	if (sum != size || (opts->flags & NVBAR_VRAM_CONTIGUOUS && nr != 1))
		fail(run, "alloc: size", "0x%llx in %zu extents", (unsigned long long)sum, nr);
}

void op_alloc(struct run *run, const struct op *op)
{
	unsigned int slot = op->n[0] % NR_SPARES, nr = op->n[1];
	bool aligned = op->n[2] & ALLOC_ALIGNED, scrub = !(op->n[2] & ALLOC_NO_SCRUB);
	/* How an allocation in pieces is cut is the allocator's business. */
	bool contiguous = aligned || op->n[2] & ALLOC_CONTIGUOUS;
	const struct nvbar_vram_opts opts = {
		.size = sizeof(opts),
		.align = aligned ? 16 * PAGE : 0,
		.range_start = POOL_PA,
		.range_end = POOL_PA + POOL_PAGES * PAGE,
		.flags = (scrub ? 0 : NVBAR_VRAM_NO_SCRUB) |
			 (contiguous ? NVBAR_VRAM_CONTIGUOUS : 0),
	};
	struct change change = { .at_most = true, .state = QUARANTINED };
	struct expect e = { 0 };
	int ret;

	if (run->spare[slot] || run->ref.nr_ranges + 2 > MAX_RANGES)
		return;
	if (!nr)
		may_return(&e, -EINVAL);
	else if (pool_has(&run->ref, nr, aligned ? 16 : 1, contiguous))
		may_return(&e, 0);
	else
		may_return(&e, -ENOSPC);
	call_begin(run);
	say(run, "\tret = nvbar_vram_alloc(gpu, 0x%llx, &(struct nvbar_vram_opts){ sizeof(struct "
	    "nvbar_vram_opts),\n\t\t\t0x%llx, 0x%llx, 0x%llx, %u }, &spare[%u]);\n",
	    (unsigned long long)(nr * PAGE), (unsigned long long)opts.align,
	    (unsigned long long)opts.range_start, (unsigned long long)opts.range_end, opts.flags,
	    slot);
	ret = nvbar_vram_alloc(run->gpu, nr * PAGE, &opts, &run->spare[slot]);
	call_end(run);
	may_fail(run, &e, true, scrub, false);
	/* A mapping to scrub through, or the end that a quarantined one still waits for */
	if (run->stuck && scrub && (nr >= SCRUB_PAGES || ref_quarantined(&run->ref)))
		may_return(&e, -ETIMEDOUT);
	want(run, "alloc", ret, &e);
	change.len = ret == -ETIMEDOUT ? nr * PAGE : 0;
	check_ranges(run, &change);
	if (!ret)
		check_allocation(run, run->spare[slot], &opts, nr * PAGE);
}

void op_free(struct run *run, const struct op *op)
{
	unsigned int slot = op->n[0] % NR_SPARES;
	struct nvbar_extent ext[POOL_PAGES];
	size_t i, nr;

	if (!run->spare[slot])
		return;
	nr = nvbar_vram_extents(run->spare[slot], ext, POOL_PAGES);
	for (i = 0; i < nr; i++)
		if (!pool_mark(&run->ref, ext[i], false))
			fail(run, "free: place", "0x%llx", (unsigned long long)ext[i].pa);
	call_begin(run);
	say(run, "\tnvbar_vram_free(spare[%u]);\n\tspare[%u] = NULL;\n", slot, slot);
	nvbar_vram_free(run->spare[slot]);
	call_end(run);
	run->spare[slot] = NULL;
}

/* --- faults ------------------------------------------------------------------ */

void op_dead(struct run *run, const struct op *op)
{
	const struct sim_inject want_dead = { .dead_at = op->n[0] };

	if (!op->n[0] || has_fault(run))
		return;
	say(run, "\tsim_inject(sim, &(struct sim_inject){ .dead_at = %u });\n", op->n[0]);
	sim_inject(run->sim, &want_dead);
	run->dead_at = op->n[0];
}

void op_stuck(struct run *run, const struct op *op)
{
	const struct sim_inject want_stuck = { .invalidate_stuck = true };

	(void)op;
	if (has_fault(run))
		return;
	say(run, "\tsim_inject(sim, &(struct sim_inject){ .invalidate_stuck = true });\n");
	sim_inject(run->sim, &want_stuck);
	run->stuck = true;
}

void op_late(struct run *run, const struct op *op)
{
	const struct sim_inject want_late = { .window_delay = op->n[0] };

	if (!op->n[0] || has_fault(run))
		return;
	say(run, "\tsim_inject(sim, &(struct sim_inject){ .window_delay = %u });\n", op->n[0]);
	sim_inject(run->sim, &want_late);
	run->late = true;
}

void op_nomem(struct run *run, const struct op *op)
{
	run->nomem = op->n[0];
	run->nomem_forever = op->n[1];
}

void op_heal(struct run *run, const struct op *op)
{
	(void)op;
	heal(run);
}

/* A read pushes what is under way through BAR1: all of it is of mappings that are live. */
static void land_writes(struct run *run)
{
	uint32_t word;
	unsigned int s;

	for (s = 0; s < NR_SLOTS && !run->slot[s].a; s++)
		;
	if (s == NR_SLOTS)
		return;
	say(run, "\tnvbar_read32(access[%u], 0, (uint32_t *)buf);\n", s);
	/* It may fault, as any. */
	(void)nvbar_read32(run->slot[s].a, 0, &word);
}

/*
 * A bit of a page table that changes by itself must be seen; then it changes back.  A
 * write that lands meanwhile would make the TLB take it in, and would go anywhere.
 */
void op_flip(struct run *run, const struct op *op)
{
	struct nvbar_check_report report = { .size = sizeof(report) };
	struct sim_flip flip;
	uint64_t word;
	int ret;

	if (run->dead_at || run->lost)
		return;
	land_writes(run);
	if (!sim_flip_entry(run->sim, op->n[0], &flip))
		return;
	ret = nvbar_check(run->gpu, &report);
	say(run, "\tsim_flip_entry(sim, %u, &(struct sim_flip){ 0 });\n"
	    "\tWANT(nvbar_check(gpu, &(struct nvbar_check_report){ .size = sizeof(struct "
	    "nvbar_check_report) }), -EIO);\n", op->n[0]);
	if (ret != -EIO)
		fail(run, "flip", "bit %u of 0x%llx: %s", flip.bit, (unsigned long long)flip.pa,
		     nvbar_strerror(ret));
	sim_vram_peek(run->sim, flip.pa, &word, 8);
	word ^= 1ull << flip.bit;
	sim_vram_poke(run->sim, flip.pa, &word, 8);
	say(run, "\tflip_back(0x%llx, %u);\n", (unsigned long long)flip.pa, flip.bit);
}

/* Close with everything there is, open with a fault, which may fail, and open. */
void op_reopen(struct run *run, const struct op *op)
{
	static const char *const keys[] = { "", "dead-at", "nomem", "nomem-from" };
	const char *key = keys[op->n[0] % 4];
	struct nvbar *gpu = NULL;
	char device[96];
	size_t len;
	int ret;

	run->nomem = 0;
	run_close(run);
	if (*key) {
		run_device(run, device, sizeof(device));
		len = strlen(device);
		snprintf(device + len, sizeof(device) - len, ",%s=%u", key, op->n[1]);
		say(run, "\tret = nvbar_open(&gpu, \"%s\", NULL);\n", device);
		ret = nvbar_open(&gpu, device, NULL);
		if (ret && ret != (op->n[0] % 4 == 1 ? -ENODEV : -ENOMEM))
			fail(run, "open with a fault", "%s: %s", device, nvbar_strerror(ret));
		if (!ret)
			nvbar_close(gpu);
		nvbar_forget_closed();
		compat_alloc_fail_nth(0, false);
		say(run, "\tif (!ret)\n\t\tnvbar_close(gpu);\n\tnvbar_forget_closed();\n"
		    "\tcompat_alloc_fail_nth(0, 0);\n");
		if (compat_alloc_live() != run->live)
			fail(run, "open with a fault: memory", "%s: %ld allocations left, not %ld",
			     device, compat_alloc_live(), run->live);
	}
	run_open(run);
}
