// SPDX-License-Identifier: MIT
/* What VRAM and the address space should hold: nothing here asks the library. */
#include "soak.h"

#include <stdlib.h>
#include <string.h>

const char *const range_states[] = { "prepared", "mapped", "quarantined" };

/* --- pages of a mapping --------------------------------------------------- */

void pages_add(struct pages *pages, uint64_t pa, uint64_t len)
{
	struct nvbar_extent *last = pages->nr ? &pages->ext[pages->nr - 1] : NULL;

	if (last && last->pa + last->len == pa)
		last->len += len;
	else
		pages->ext[pages->nr++] = (struct nvbar_extent){ pa, len };
	pages->len += len;
}

struct nvbar_extent pages_at(const struct pages *pages, uint64_t off)
{
	const struct nvbar_extent *ext = pages->ext;

	for (; off >= ext->len; ext++)
		off -= ext->len;
	return (struct nvbar_extent){ ext->pa + off, ext->len - off };
}

bool pages_show(const struct pages *all, uint64_t off, const struct pages *some)
{
	uint64_t at, step;

	if (off > all->len || some->len > all->len - off)
		return false;
	for (at = 0; at < some->len; at += step) {
		struct nvbar_extent a = pages_at(all, off + at), b = pages_at(some, at);

		if (a.pa != b.pa)
			return false;
		step = a.len < b.len ? a.len : b.len;
	}
	return true;
}

bool pages_in_arena(const struct pages *pages, uint64_t off, uint64_t len)
{
	uint64_t end = off + len;

	for (; off < end; off += PAGE - off % PAGE) {
		uint64_t pa = pages_at(pages, off).pa;

		if (pa < ARENA_PA || pa >= ARENA_PA + ARENA)
			return false;
	}
	return true;
}

/* --- the address space ---------------------------------------------------- */

struct range *ref_insert(struct reference *ref, uint64_t va, uint64_t len)
{
	struct range *range = ref->nr_ranges < MAX_RANGES ? calloc(1, sizeof(*range)) : NULL;
	unsigned int i;

	if (!range)
		abort();
	range->va = va;
	range->len = len;
	for (i = ref->nr_ranges++; i && ref->range[i - 1]->va > va; i--)
		ref->range[i] = ref->range[i - 1];
	ref->range[i] = range;
	return range;
}

void ref_remove(struct reference *ref, struct range *range)
{
	unsigned int i;

	for (i = 0; ref->range[i] != range; i++)
		;
	ref->nr_ranges--;
	memmove(&ref->range[i], &ref->range[i + 1], (ref->nr_ranges - i) * sizeof(ref->range[0]));
	free(range);
}

void ref_drain(struct reference *ref)
{
	unsigned int i = 0;

	while (i < ref->nr_ranges) {
		if (ref->range[i]->state == QUARANTINED)
			ref_remove(ref, ref->range[i]);
		else
			i++;
	}
}

void ref_clear(struct reference *ref)
{
	while (ref->nr_ranges)
		ref_remove(ref, ref->range[0]);
	memset(ref->taken, 0, sizeof(ref->taken));
}

struct range *ref_overlap(const struct reference *ref, uint64_t va, uint64_t len, bool quarantined)
{
	unsigned int i;

	for (i = 0; i < ref->nr_ranges; i++) {
		struct range *r = ref->range[i];

		if (va < r->va + r->len && r->va < va + len &&
		    (quarantined || r->state != QUARANTINED))
			return r;
	}
	return NULL;
}

uint64_t ref_hole(const struct reference *ref, bool quarantined)
{
	uint64_t end = 0, most = 0;
	unsigned int i;

	for (i = 0; i <= ref->nr_ranges; i++) {
		const struct range *r = i < ref->nr_ranges ? ref->range[i] : NULL;
		uint64_t next = r ? r->va : ref->aperture;

		if (r && quarantined && r->state == QUARANTINED)
			continue;
		if (next - end > most)
			most = next - end;
		if (r)
			end = r->va + r->len;
	}
	return most;
}

uint64_t ref_held(const struct reference *ref, bool mapped_only)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < ref->nr_ranges; i++)
		if (!mapped_only || ref->range[i]->state == MAPPED)
			sum += ref->range[i]->len;
	return sum;
}

unsigned int ref_quarantined(const struct reference *ref)
{
	unsigned int i, nr = 0;

	for (i = 0; i < ref->nr_ranges; i++)
		nr += ref->range[i]->state == QUARANTINED;
	return nr;
}

/* --- the arena ------------------------------------------------------------ */

void ref_read(const struct reference *ref, const struct pages *pages, uint64_t off, uint8_t *buf,
	      uint64_t len)
{
	uint64_t step;

	for (; len; off += step, buf += step, len -= step) {
		struct nvbar_extent at = pages_at(pages, off);

		step = at.len < len ? at.len : len;
		memcpy(buf, ref->arena + (at.pa - ARENA_PA), step);
	}
}

void ref_write(struct reference *ref, const struct pages *pages, uint64_t off, const uint8_t *buf,
	       uint64_t len)
{
	uint64_t step;

	for (; len; off += step, buf += step, len -= step) {
		struct nvbar_extent at = pages_at(pages, off);

		step = at.len < len ? at.len : len;
		memcpy(ref->arena + (at.pa - ARENA_PA), buf, step);
	}
}

/* --- allocations of VRAM -------------------------------------------------- */

bool pool_has(const struct reference *ref, unsigned int nr, unsigned int align, bool contiguous)
{
	unsigned int i, free = 0, run = 0;

	for (i = 0; i < POOL_PAGES; i++) {
		if (!run && i % align)
			continue;
		run = ref->taken[i] ? 0 : run + 1;
		free += !ref->taken[i];
		if ((contiguous ? run : free) >= nr)
			return true;
	}
	return false;
}

bool pool_mark(struct reference *ref, struct nvbar_extent ext, bool taken)
{
	uint64_t i, first = (ext.pa - POOL_PA) / PAGE, end = first + ext.len / PAGE;

	if (ext.pa < POOL_PA || end > POOL_PAGES)
		return false;
	for (i = first; i < end; i++) {
		if (ref->taken[i] == taken)
			return false;
		ref->taken[i] = taken;
	}
	return true;
}
