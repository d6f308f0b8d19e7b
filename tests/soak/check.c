// SPDX-License-Identifier: MIT
/* What should hold after each op. */
#include "soak.h"

#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* --- who holds the address space -------------------------------------------- */

struct found {
	unsigned int nr;
	struct nvbar_mapping_info info[2 * MAX_RANGES];
};

static int note(const struct nvbar_mapping_info *info, void *arg)
{
	struct found *found = arg;

	if (found->nr == NR_OF(found->info))
		return 1;
	found->info[found->nr++] = *info;
	return 0;
}

static void __attribute__((noreturn)) ranges_differ(struct run *run, const char *why, uint64_t va,
						    uint64_t len)
{
	unsigned int i;

	say(run, "\twant_ranges(%u, (const struct range[]){\n", run->ref.nr_ranges);
	for (i = 0; i < run->ref.nr_ranges; i++)
		say(run, "\t\t{ 0x%llx, 0x%llx, \"%s\" },\n",
		    (unsigned long long)run->ref.range[i]->va,
		    (unsigned long long)run->ref.range[i]->len,
		    range_states[run->ref.range[i]->state]);
	say(run, "\t});\n");
	fail(run, why, "0x%llx+0x%llx", (unsigned long long)va, (unsigned long long)len);
}

/* A range as nvbar_for_each_mapping() shows it; true if it is this one. */
static bool check_range(struct run *run, const struct range *r,
			const struct nvbar_mapping_info *info)
{
	if (r->va != info->va)
		return false;
	if (r->len != info->len || strcmp(range_states[r->state], info->state) ||
	    (r->state != QUARANTINED && (r->refs != info->holders || r->flags != info->flags)))
		ranges_differ(run, "a range differs", info->va, info->len);
	return true;
}

static bool may_be_new(const struct change *change, const struct nvbar_mapping_info *info)
{
	return change && change->len && !strcmp(info->state, range_states[change->state]) &&
	       (change->at_most ? info->len <= change->len : info->len == change->len);
}

/* Has a range left quarantine, before or where @info is? */
static bool has_drained(const struct range *r, const struct nvbar_mapping_info *info)
{
	return r->state == QUARANTINED &&
	       (r->va < info->va ||
		(r->va == info->va && strcmp(info->state, range_states[QUARANTINED])));
}

struct range *check_ranges(struct run *run, const struct change *change)
{
	/* Nothing leaves quarantine while invalidates can't succeed. */
	bool may_drain = !run->stuck;
	struct reference *ref = &run->ref;
	struct range *new = NULL;
	struct found found;
	unsigned int i, at = 0;
	uint64_t end = 0;

	/* Nobody can tell any more, and reopening begins anew. */
	if (run->lost)
		return NULL;
	found.nr = 0;
	if (nvbar_for_each_mapping(run->gpu, note, &found))
		fail(run, "ranges", "too many");
	for (i = 0; i < found.nr; i++, at++) {
		const struct nvbar_mapping_info *info = &found.info[i];

		while (at < ref->nr_ranges && may_drain && has_drained(ref->range[at], info))
			ref_remove(ref, ref->range[at]);
		if (info->va < end)
			ranges_differ(run, "ranges overlap", info->va, info->len);
		end = info->va + info->len;
		if (at < ref->nr_ranges && check_range(run, ref->range[at], info))
			continue;
		if (new || !may_be_new(change, info))
			ranges_differ(run, "a range is not the one", info->va, info->len);
		new = ref_insert(ref, info->va, info->len);
		new->state = change->state;
		new->flags = info->flags;
	}
	while (at < ref->nr_ranges) {
		struct range *r = ref->range[at];

		if (r->state != QUARANTINED || !may_drain)
			ranges_differ(run, "a range is gone", r->va, r->len);
		ref_remove(ref, r);
	}
	if (change && change->must && !new)
		ranges_differ(run, "a range is missing", 0, change->len);
	return new;
}

/* --- numbers ---------------------------------------------------------------- */

static void check_u64(struct run *run, const char *name, uint64_t is, uint64_t should_be)
{
	if (is == should_be)
		return;
	say(run, "\twant_u64(\"%s\", stats().%s, %llu);\n", name, name,
	    (unsigned long long)should_be);
	fail(run, name, "0x%llx, not 0x%llx", (unsigned long long)is,
	     (unsigned long long)should_be);
}

static uint64_t nr_handles(const struct run *run)
{
	uint64_t nr = 0;
	unsigned int i;

	for (i = 0; i < NR_SLOTS; i++)
		nr += run->slot[i].a != NULL;
	return nr;
}

static uint64_t pool_taken(const struct run *run)
{
	uint64_t nr = 0;
	unsigned int i;

	for (i = 0; i < POOL_PAGES; i++)
		nr += run->ref.taken[i];
	return nr * PAGE;
}

void check_gauges(struct run *run)
{
	struct nvbar_stats now = { .size = sizeof(now) };
	struct sim_counters count;

	if (run->lost)
		return;
	nvbar_get_stats(run->gpu, &now);
	sim_get_counters(run->sim, &count);
	check_u64(run, "mappings", now.mappings, run->first.mappings + nr_handles(run));
	check_u64(run, "unmaps", now.unmaps + now.mappings, now.maps);
	check_u64(run, "mapped_bytes", now.mapped_bytes, ref_held(&run->ref, true));
	check_u64(run, "va_free", now.va_free, run->ref.aperture - ref_held(&run->ref, false));
	check_u64(run, "va_largest_free", now.va_largest_free, ref_hole(&run->ref, false));
	check_u64(run, "vram_free", now.vram_free, run->first.vram_free - pool_taken(run));
	check_u64(run, "model_driver_errors", now.model_driver_errors, 0);
	check_u64(run, "strays", count.strays, 0);
}

void check_baseline(struct run *run)
{
	struct nvbar_stats now = { .size = sizeof(now) };

	say(run, "\tnvbar_trim(gpu);\n");
	nvbar_trim(run->gpu);
	nvbar_get_stats(run->gpu, &now);
	check_u64(run, "va_largest_free", now.va_largest_free, run->first.va_largest_free);
	check_u64(run, "page_table_bytes", now.page_table_bytes, run->first.page_table_bytes);
	check_u64(run, "host_bytes", now.host_bytes, run->first.host_bytes);
	check_u64(run, "vram_free", now.vram_free, run->first.vram_free);
	check_u64(run, "vram_largest_free", now.vram_largest_free, run->first.vram_largest_free);
	check_u64(run, "mappings", now.mappings, run->first.mappings);
}

/* --- page tables ------------------------------------------------------------ */

/* A check reads all tables: of many entries only now and then. */
#define CHEAP_ENTRIES	300
#define CHECK_EVERY	16

/* The first few. */
static void print_problem(void *arg, const char *line)
{
	unsigned int *nr = arg;

	if ((*nr)++ < 3)
		fprintf(stderr, "check: %s\n", line);
}

void check_tables(struct run *run, size_t op)
{
	unsigned int nr = 0;
	struct nvbar_check_report report = {
		.size = sizeof(report), .problem = print_problem, .arg = &nr,
	};
	int ret;

	/* An access would bring the GPU's end nearer. */
	if (run->dead_at || run->lost || (run->entries > CHEAP_ENTRIES && op % CHECK_EVERY))
		return;
	say(run, "\tcheck();\n");
	ret = nvbar_check(run->gpu, &report);
	if (ret)
		fail(run, "check", "%s", nvbar_strerror(ret));
	run->entries = report.entries;
}

/* --- VRAM ------------------------------------------------------------------- */

void land(struct run *run)
{
	say(run, "\tsim_land(sim);\n");
	sim_land(run->sim);
}

void check_landed(struct run *run)
{
	static uint8_t buf[ARENA];
	uint64_t i;

	sim_vram_peek(run->sim, ARENA_PA, buf, ARENA);
	for (i = 0; i < ARENA; i++)
		if (buf[i] != run->ref.arena[i])
			fail(run, "flush", "0x%llx still holds 0x%02x, not 0x%02x",
			     (unsigned long long)(ARENA_PA + i), buf[i], run->ref.arena[i]);
}

void check_bytes(struct run *run, uint64_t pa, uint64_t len)
{
	static uint8_t buf[ARENA];
	const uint8_t *should_be = run->ref.arena + (pa - ARENA_PA);
	uint64_t i;

	/* At some time it all lands; op_flush() looks at what has landed without this. */
	land(run);
	/* Here, too. */
	if (run->dead_at || run->lost) {
		sim_vram_peek(run->sim, pa, buf, len);
	} else {
		say(run, "\tnvbar_pramin_read(gpu, 0x%llx, buf, 0x%llx);\n", (unsigned long long)pa,
		    (unsigned long long)len);
		if (nvbar_pramin_read(run->gpu, pa, buf, len))
			fail(run, "PRAMIN", "can't be read");
	}
	if (!memcmp(buf, should_be, len))
		return;
	for (i = 0; buf[i] == should_be[i]; i++)
		;
	say_bytes(run, "nvbar_pramin_read(gpu, ", pa + i, should_be[i]);
	fail(run, "VRAM", "0x%llx holds 0x%02x, not 0x%02x", (unsigned long long)(pa + i), buf[i],
	     should_be[i]);
}

static void check_through_bar1(struct run *run)
{
	static uint8_t buf[ARENA];
	const struct nvbar_extent ext = { ARENA_PA, ARENA };
	struct nvbar_access *a;
	uint64_t i;

	say(run, "\tshow_arena();\n");
	if (nvbar_map(run->gpu, &ext, 1, NULL, &a))
		return;
	if (nvbar_read(a, 0, buf, ARENA))
		fail(run, "BAR1", "can't be read");
	for (i = 0; i < ARENA; i++)
		if (buf[i] != run->ref.arena[i])
			fail(run, "BAR1", "0x%llx shows 0x%02x, not 0x%02x",
			     (unsigned long long)(ARENA_PA + i), buf[i], run->ref.arena[i]);
	nvbar_unmap(a);
}

void check_arena(struct run *run)
{
	check_bytes(run, ARENA_PA, ARENA);
	if (!run->dead_at && !run->stuck && !run->lost && !ref_quarantined(&run->ref))
		check_through_bar1(run);
}
