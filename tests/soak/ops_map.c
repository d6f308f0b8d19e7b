// SPDX-License-Identifier: MIT
/* Making and ending mappings. */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

static struct range *range_of(struct run *run, const struct handle *h)
{
	return ref_overlap(&run->ref, h->va, PAGE, false);
}

/* What the numbers of an op stand for; a shape may need another number of pages. */
static void make_pages(const struct run *run, struct pages *pages, unsigned int shape,
		       unsigned int first, unsigned int nr)
{
	const unsigned int most = ARENA / PAGE;
	unsigned int i;

	pages->nr = 0;
	pages->len = 0;
	first %= most;
	if (nr > MAX_EXT && shape != RUN && shape != GIANT)
		shape = RUN;
	if (shape == RUN && first + nr > most)
		first = nr > most ? 0 : most - nr;
	switch (shape) {
	case RUN:
		if (nr)
			pages_add(pages, ARENA_PA + first * PAGE, nr * PAGE);
		return;
	case GIANT:
		pages_add(pages, ARENA_PA, MIB(512));
		return;
	case OUTSIDE:
		pages_add(pages, run->info.vram_size - PAGE, 2 * PAGE);
		return;
	case DRIVERS:
		pages_add(pages, run->info.reserved_pa, PAGE);
		return;
	}
	for (i = 0; i < nr; i++) {
		unsigned int page = first;

		if (shape == SCATTERED)
			page = (first + 7 * i) % most;
		else if (shape == BLOCKS)
			page = ((first / 16 + 3 * (i / 16)) * 16 + i % 16) % most;
		else if (shape == HOLE)
			page = (first + i + (i >= nr / 2)) % most;
		pages_add(pages, ARENA_PA + page * PAGE, PAGE);
	}
}

static struct nvbar_map_opts map_opts(unsigned int flags, unsigned int va)
{
	static const uint32_t shifts[] = { 0, 12, 16, 21 };

	return (struct nvbar_map_opts){
		.size = sizeof(struct nvbar_map_opts),
		.flags = (flags & FLAG_RDONLY ? NVBAR_MAP_RDONLY : 0) |
			 (flags & FLAG_PRIVATE ? NVBAR_MAP_PRIVATE : 0) |
			 (flags & FLAG_FIXED ? NVBAR_MAP_FIXED : 0),
		.max_page_shift = shifts[(flags & FLAG_SHIFT) / 8],
		.va = flags & FLAG_FIXED ? va * PAGE : 0,
		.label = flags & FLAG_LABEL ? "soak" : NULL,
	};
}

static void say_opts(struct run *run, const struct nvbar_map_opts *opts)
{
	say(run, "\topts = (struct nvbar_map_opts){ sizeof(opts), %u, %u, 0x%llx, %s };\n",
	    opts->flags, opts->max_page_shift, (unsigned long long)opts->va,
	    opts->label ? "\"soak\"" : "NULL");
}

/* What asking for @len bytes of address space may come to. */
static void expect_room(const struct run *run, const struct nvbar_map_opts *opts, uint64_t len,
			struct expect *e)
{
	const struct reference *ref = &run->ref;
	int full;
	bool never, now;

	if (opts->flags & NVBAR_MAP_FIXED) {
		if (len > ref->aperture || opts->va > ref->aperture - len) {
			may_return(e, -ERANGE);
			return;
		}
		never = ref_overlap(ref, opts->va, len, false);
		now = !ref_overlap(ref, opts->va, len, true);
		full = -EEXIST;
	} else {
		never = len > ref_hole(ref, true);
		now = len <= ref_hole(ref, false);
		full = -ENOSPC;
	}
	/* What is in quarantine can be had if an invalidate succeeds. */
	e->drains = !now && ref_quarantined(ref);
	if (!never)
		may_return(e, 0);
	if (never || (!now && !is_well(run)))
		may_return(e, full);
}

static void expect_pages(const struct run *run, const struct pages *pages, uint32_t flags,
			 struct expect *e)
{
	unsigned int i;

	if (!pages->nr)
		may_return(e, -EINVAL);
	for (i = 0; i < pages->nr; i++) {
		const struct nvbar_extent *ext = &pages->ext[i];

		if (ext->pa + ext->len > run->info.vram_size)
			may_return(e, -ERANGE);
		else if (ext->pa + ext->len > run->info.reserved_pa && !(flags & NVBAR_MAP_RDONLY))
			may_return(e, -EACCES);
	}
}

/* The range whose entries a new handle at @va may share. */
static struct range *shared_range(struct run *run, const struct handle *h,
				  const struct nvbar_map_opts *opts)
{
	struct range *r = ref_overlap(&run->ref, h->va, h->pages.len, false);

	if (!r || r->state != MAPPED || !r->shared || h->va < r->va || opts->max_page_shift ||
	    opts->flags & (NVBAR_MAP_FIXED | NVBAR_MAP_PRIVATE) ||
	    (r->flags ^ opts->flags) & NVBAR_MAP_RDONLY ||
	    !pages_show(&r->pages, h->va - r->va, &h->pages))
		return NULL;
	return r;
}

static void range_is_mapped(struct range *r, const struct handle *h)
{
	r->state = MAPPED;
	r->refs = 1;
	r->flags = h->flags;
	r->shared = !(h->flags & (NVBAR_MAP_FIXED | NVBAR_MAP_PRIVATE));
	r->pages = h->pages;
}

/* The way that was asked for, if these pages and options can be named so. */
static unsigned int way_of(const struct pages *pages, const struct nvbar_map_opts *opts,
			   unsigned int way)
{
	bool plain = !opts->max_page_shift && !(opts->flags & NVBAR_MAP_FIXED);

	if (way == FRAMES)
		return plain && pages->len <= ARENA ? FRAMES : EXTENTS;
	if (way == PART)
		return plain && pages->nr == 1 && pages_in_arena(pages, 0, pages->len) ? PART :
											 EXTENTS;
	return way == PIECES && pages->len <= MAX_EXT * PAGE ? PIECES : EXTENTS;
}

static int call_map(struct run *run, const struct pages *pages, const struct nvbar_map_opts *opts,
		    unsigned int way, unsigned int slot, struct nvbar_access **a)
{
	static struct nvbar_extent ext[MAX_EXT];
	static uint64_t pfns[ARENA / PAGE];
	uint64_t i, nr = pages->len / PAGE;
	struct nvbar_extent all;

	switch (way) {
	case FRAMES:
		for (i = 0; i < nr; i++)
			pfns[i] = pages_at(pages, i * PAGE).pa / PAGE;
		say_extents(run, pages->ext, pages->nr);
		say(run, "\tret = nvbar_map_pages(gpu, pfns, frames(ext, %u), %u, &access[%u]);\n",
		    pages->nr, opts->flags, slot);
		return nvbar_map_pages(run->gpu, pfns, nr, opts->flags, a);
	case PART:
		all = pages->ext[0];
		say(run, "\tret = nvbar_map_vram(gpu, vram, 0x%llx, 0x%llx, %u, &access[%u]);\n",
		    (unsigned long long)(all.pa - ARENA_PA), (unsigned long long)all.len,
		    opts->flags, slot);
		return nvbar_map_vram(run->gpu, run->arena, all.pa - ARENA_PA, all.len,
				      opts->flags, a);
	case PIECES:
		for (i = 0; i < nr; i++)
			ext[i] = (struct nvbar_extent){ pages_at(pages, i * PAGE).pa, PAGE };
		break;
	default:
		nr = pages->nr;
		memcpy(ext, pages->ext, nr * sizeof(*ext));
	}
	say_extents(run, ext, nr);
	say_opts(run, opts);
	say(run, "\tret = nvbar_map(gpu, ext, %llu, &opts, &access[%u]);\n", (unsigned long long)nr,
	    slot);
	return nvbar_map(run->gpu, ext, nr, opts, a);
}

/*
 * A mapping that was not made may have left its range in quarantine; it must
 * have if it had one and nothing can have got it out.
 */
static void not_mapped(struct run *run, uint64_t len, int ret, const struct expect *e)
{
	const struct change change = {
		.len = ret == -ETIMEDOUT ? len : 0,
		.state = QUARANTINED,
		.must = ret == -ETIMEDOUT && !e->drains,
	};

	check_ranges(run, &change);
}

void op_map(struct run *run, const struct op *op)
{
	struct nvbar_map_opts opts = map_opts(op->n[4], op->n[5]);
	struct handle *h = empty_slot(run, op), new = { 0 };
	struct range *shared = NULL;
	struct expect e = { 0 };
	unsigned int way;
	int ret;

	if (!h)
		return;
	make_pages(run, &new.pages, op->n[3] % NR_SHAPES, op->n[1], op->n[2]);
	if (new.pages.len > ARENA)
		opts.max_page_shift = 0;
	new.flags = opts.flags;
	new.shift = opts.max_page_shift;
	expect_pages(run, &new.pages, opts.flags, &e);
	if (!e.nr)
		expect_room(run, &opts, new.pages.len, &e);
	call_begin(run);
	way = way_of(&new.pages, &opts, op->n[3] / NR_SHAPES % NR_WAYS);
	ret = call_map(run, &new.pages, &opts, way, slot_of(op), &new.a);
	call_end(run);
	if (!ret) {
		new.va = nvbar_access_base(new.a);
		shared = shared_range(run, &new, &opts);
	}
	if (shared)
		may_return(&e, 0);
	else
		may_fail(run, &e, true, true, true);
	want(run, "map", ret, &e);
	run->planted |= ret == -ENOMEM;
	if (ret) {
		not_mapped(run, new.pages.len, ret, &e);
		return;
	}
	if (shared) {
		shared->refs++;
	} else {
		ref_drain(&run->ref);
		if ((opts.flags & NVBAR_MAP_FIXED && new.va != opts.va) ||
		    new.va + new.pages.len > run->ref.aperture ||
		    ref_overlap(&run->ref, new.va, new.pages.len, true))
			fail(run, "map: place", "0x%llx", (unsigned long long)new.va);
		range_is_mapped(ref_insert(&run->ref, new.va, new.pages.len), &new);
	}
	if (nvbar_access_size(new.a) != new.pages.len)
		fail(run, "map: size", "0x%llx", (unsigned long long)nvbar_access_size(new.a));
	*h = new;
	check_ranges(run, NULL);
}

void op_prepare(struct run *run, const struct op *op)
{
	struct nvbar_map_opts opts = map_opts(op->n[2], op->n[3]);
	struct handle *h = empty_slot(run, op);
	struct change change = { .state = PREPARED };
	struct expect e = { 0 };
	uint64_t len = op->n[1] * PAGE;
	struct range *r;
	int ret;

	if (!h)
		return;
	if (len)
		expect_room(run, &opts, len, &e);
	else
		may_return(&e, -EINVAL);
	say_opts(run, &opts);
	call_begin(run);
	say(run, "\tret = nvbar_map_prepare(gpu, %u, &opts, &prepared[%u]);\n", op->n[1],
	    slot_of(op));
	ret = nvbar_map_prepare(run->gpu, op->n[1], &opts, &h->prepared);
	call_end(run);
	may_fail(run, &e, true, false, false);
	want(run, "prepare", ret, &e);
	change.len = ret ? 0 : len;
	change.must = !ret;
	r = check_ranges(run, &change);
	if (!ret && run->lost) {
		say(run, "\tnvbar_map_cancel(prepared[%u]);\n\tprepared[%u] = NULL;\n", slot_of(op),
		    slot_of(op));
		nvbar_map_cancel(h->prepared);
		h->prepared = NULL;
	}
	if (ret || run->lost)
		return;
	if ((opts.flags & NVBAR_MAP_FIXED && r->va != opts.va) || r->flags != opts.flags)
		fail(run, "prepare: range", "0x%llx", (unsigned long long)r->va);
	h->va = r->va;
	h->flags = opts.flags;
	h->shift = opts.max_page_shift;
	h->pages.len = len;
}

void op_execute(struct run *run, const struct op *op)
{
	struct handle *h = prepared_slot(run, op), old;
	unsigned int nr, shape = op->n[2] % NR_SHAPES;
	struct expect e = { 0 };
	struct range *r;
	int ret;

	if (!h)
		return;
	old = *h;
	r = range_of(run, h);
	nr = h->pages.len / PAGE;
	*h = (struct handle){ .va = old.va, .flags = old.flags, .shift = old.shift };
	/* Sometimes a page too many. */
	make_pages(run, &h->pages, shape == GIANT ? RUN : shape, op->n[1], nr + !!op->n[3]);
	expect_pages(run, &h->pages, h->flags, &e);
	if (h->pages.len != old.pages.len)
		may_return(&e, -EINVAL);
	if (!e.nr)
		may_return(&e, 0);
	say_extents(run, h->pages.ext, h->pages.nr);
	call_begin(run);
	say(run, "\tret = nvbar_map_execute(prepared[%u], ext, %u, &access[%u]);\n"
	    "\tprepared[%u] = NULL;\n", slot_of(op), h->pages.nr, slot_of(op), slot_of(op));
	ret = nvbar_map_execute(old.prepared, h->pages.ext, h->pages.nr, &h->a);
	call_end(run);
	may_fail(run, &e, false, true, true);
	want(run, "execute", ret, &e);
	if (ret) {
		ref_remove(&run->ref, r);
		*h = (struct handle){ 0 };
		not_mapped(run, old.pages.len, ret, &e);
		return;
	}
	ref_drain(&run->ref);
	if (nvbar_access_base(h->a) != h->va)
		fail(run, "execute: place", "0x%llx", (unsigned long long)nvbar_access_base(h->a));
	range_is_mapped(r, h);
	check_ranges(run, NULL);
}

void op_cancel(struct run *run, const struct op *op)
{
	struct handle *h = prepared_slot(run, op);

	if (!h)
		return;
	ref_remove(&run->ref, range_of(run, h));
	call_begin(run);
	say(run, "\tnvbar_map_cancel(prepared[%u]);\n\tprepared[%u] = NULL;\n", slot_of(op),
	    slot_of(op));
	nvbar_map_cancel(h->prepared);
	call_end(run);
	*h = (struct handle){ 0 };
	check_ranges(run, NULL);
}

static bool any_prepared(const struct run *run)
{
	unsigned int i;

	for (i = 0; i < NR_SLOTS; i++)
		if (run->slot[i].prepared)
			return true;
	return false;
}

/* The mistake to find: after a mapping without memory, an unmap beside a preparation. */
static void plant(const struct run *run, struct expect *e)
{
	if (!run->cfg->plant || !run->planted || !any_prepared(run))
		return;
	if (!strcmp(run->cfg->plant, "crash"))
		abort();
	while (!strcmp(run->cfg->plant, "hang"))
		;
	e->ret[0] = -EPERM;
}

void op_unmap(struct run *run, const struct op *op)
{
	struct handle *h = mapped_slot(run, op);
	struct expect e = { 0 };
	struct range *r;
	int ret;

	if (!h)
		return;
	r = range_of(run, h);
	call_begin(run);
	say(run, "\tret = nvbar_unmap(access[%u]);\n\taccess[%u] = NULL;\n", slot_of(op),
	    slot_of(op));
	may_return(&e, 0);
	plant(run, &e);
	ret = nvbar_unmap(h->a);
	call_end(run);
	*h = (struct handle){ 0 };
	if (--r->refs) {
		want(run, "unmap of a shared one", ret, &e);
	} else {
		may_fail(run, &e, false, true, true);
		want(run, "unmap", ret, &e);
		r->state = QUARANTINED;
		/* Of a GPU that is lost nobody gets it, quarantine or not. */
		if (!ret || run->lost)
			ref_drain(&run->ref);
	}
	check_ranges(run, NULL);
}
