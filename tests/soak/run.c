// SPDX-License-Identifier: MIT
/* A sequence under way: opening and closing, faults, and what calls may return. */
#include "soak.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nvbar_compat.h>

#include "internal.h"
#include "sim.h"

/* --- failing --------------------------------------------------------------- */

void fail(struct run *run, const char *what, const char *fmt, ...)
{
	va_list ap;

	snprintf(run->report->what, sizeof(run->report->what), "%s", what);
	fprintf(stderr, "op %zu, %s: ", run->report->at, what);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	_exit(1);
}

void may_return(struct expect *e, int ret)
{
	e->ret[e->nr++] = ret;
}

static bool expected(const struct expect *e, int ret)
{
	unsigned int i;

	for (i = 0; i < e->nr; i++)
		if (e->ret[i] == ret)
			return true;
	return false;
}

void want(struct run *run, const char *what, int ret, const struct expect *e)
{
	static const struct expect nothing_but_lost = { 1, { -ENODEV }, false };

	if (run->was_lost)
		e = &nothing_but_lost;
	say_expect(run, e);
	if (!expected(e, ret))
		fail(run, what, "%d (%s)", ret, nvbar_strerror(ret));
}

/* --- faults ---------------------------------------------------------------- */

static uint64_t accesses(const struct run *run)
{
	struct sim_counters counters;

	sim_get_counters(run->sim, &counters);
	return counters.reads + counters.writes;
}

static bool is_dead(const struct run *run)
{
	return run->dead_at && sim_is_gone(run->sim);
}

bool is_well(const struct run *run)
{
	return !run->dead_at && !run->stuck && !run->lost;
}

bool has_fault(const struct run *run)
{
	return !is_well(run) || run->late;
}

void call_begin(struct run *run)
{
	run->was_lost = run->lost;
	if (!run->nomem)
		return;
	say(run, "\tcompat_alloc_fail_nth(%u, %d);\n", run->nomem, run->nomem_forever);
	compat_alloc_fail_nth(run->nomem, run->nomem_forever);
}

/*
 * Whoever asks a GPU that is dead finds out, if nobody has.  Then it answers again,
 * and nobody is to ask any more.
 */
static void find_dead(struct run *run)
{
	struct nvbar_info info = { .size = sizeof(info) };

	say(run, "\tWANT(nvbar_get_info(gpu, &(struct nvbar_info){ .size = sizeof(struct nvbar_info) "
	    "}), -ENODEV);\n\tsim_inject(sim, NULL);\n\tsim_bar0_read(sim, 0x700000, 4);\n");
	if (nvbar_get_info(run->gpu, &info) != -ENODEV)
		fail(run, "lost", "a GPU that is dead was not found so");
	sim_inject(run->sim, NULL);
	/* Orders what is still on its way. */
	sim_bar0_read(run->sim, 0x700000, 4);
	run->dead_at = 0;
	run->lost = true;
	run->left_alone = accesses(run);
}

void call_end(struct run *run)
{
	run->no_memory = run->nomem && compat_alloc_failed();
	if (run->nomem) {
		compat_alloc_fail_nth(0, false);
		say(run, "\tcompat_alloc_fail_nth(0, 0);\n");
	}
	run->nomem = 0;
	if (is_dead(run))
		find_dead(run);
	if (run->lost && accesses(run) != run->left_alone)
		fail(run, "lost", "%llu accesses to a GPU that is lost",
		     (unsigned long long)(accesses(run) - run->left_alone));
}

static void can_not_succeed(struct expect *e)
{
	unsigned int i, nr = 0;

	for (i = 0; i < e->nr; i++)
		if (e->ret[i])
			e->ret[nr++] = e->ret[i];
	e->nr = nr;
}

void may_fail(const struct run *run, struct expect *e, bool memory, bool bus, bool invalidate)
{
	bool could_succeed = expected(e, 0) || e->drains;

	bus |= e->drains;
	invalidate |= e->drains;
	if (invalidate && run->stuck)
		can_not_succeed(e);
	if (memory && run->no_memory)
		may_return(e, -ENOMEM);
	if (could_succeed && bus && run->lost)
		may_return(e, -ENODEV);
	if (could_succeed && invalidate && run->stuck)
		may_return(e, -ETIMEDOUT);
}

void settle(struct run *run, const struct pages *pages, uint64_t off, const uint8_t *data,
	    uint64_t len)
{
	uint8_t *actual = malloc(ARENA);
	uint64_t i, differ = 0;

	land(run);
	sim_vram_peek(run->sim, ARENA_PA, actual, ARENA);
	for (i = 0; i < ARENA; i++)
		differ += actual[i] != run->ref.arena[i];
	for (i = 0; differ && i < len; i++) {
		uint64_t at = pages_at(pages, off + i).pa - ARENA_PA;

		differ -= actual[at] != run->ref.arena[at];
		run->ref.arena[at] = data[i];
		differ += actual[at] != run->ref.arena[at];
	}
	free(actual);
	if (differ)
		check_arena(run);
}

void heal(struct run *run)
{
	if (!has_fault(run))
		return;
	if (run->lost) {
		run_close(run);
		run_open(run);
		return;
	}
	sim_inject(run->sim, NULL);
	run->dead_at = 0;
	run->stuck = false;
	run->late = false;
	say(run, "\tsim_inject(sim, NULL);\n");
}

/* --- opening and closing ---------------------------------------------------- */

void run_device(const struct run *run, char *text, size_t len)
{
	static const char *const sizes[] = { "bar1=64M", "bar1=1G", "bar1=1G,vram=1G" };

	snprintf(text, len, "sim:%s,%s,seed=%llu%s", run->cfg->chip, sizes[run->cfg->bar1],
		 (unsigned long long)run->cfg->seed, run->cfg->sparse ? ",background=sparse" : "");
}

/* What NVBAR_OPEN_STATIC maps for itself. */
static void add_static(struct run *run)
{
	struct range *r = ref_insert(&run->ref, 0, run->info.reserved_pa);

	r->state = MAPPED;
	r->refs = 1;
	r->flags = NVBAR_MAP_FIXED;
	r->shared = true;
	pages_add(&r->pages, 0, run->info.reserved_pa);
}

/* The GPU, with an arena of zeroes. */
void run_open(struct run *run)
{
	const struct nvbar_vram_opts opts = {
		.size = sizeof(opts), .range_start = ARENA_PA, .range_end = ARENA_PA + ARENA,
	};
	const struct nvbar_open_opts how = {
		.size = sizeof(how), .flags = run->cfg->bar1 == STATIC ? NVBAR_OPEN_STATIC : 0,
	};
	char device[96];

	run_device(run, device, sizeof(device));
	say(run, "\topen_gpu(\"%s\", %u);\n", device, how.flags);
	if (nvbar_open(&run->gpu, device, &how) ||
	    nvbar_vram_alloc(run->gpu, ARENA, &opts, &run->arena))
		fail(run, "open", "%s", device);
	nvbar_trim(run->gpu);
	run->sim = nvbar_backend_sim_gpu(run->gpu->backend);
	run->info.size = sizeof(run->info);
	run->first.size = sizeof(run->first);
	if (nvbar_get_info(run->gpu, &run->info) || nvbar_get_stats(run->gpu, &run->first))
		fail(run, "open", "%s: no numbers", device);
	run->ref.aperture = run->info.bar1_size;
	if (run->cfg->bar1 == STATIC)
		add_static(run);
	memset(run->ref.arena, 0, ARENA);
	run->lost = false;
	run->entries = 0;
}

/* With whatever is left, and whatever is wrong. */
void run_close(struct run *run)
{
	say(run, "\tnvbar_close(gpu);\n\tnvbar_forget_closed();\n");
	nvbar_close(run->gpu);
	nvbar_forget_closed();
	ref_clear(&run->ref);
	memset(run->slot, 0, sizeof(run->slot));
	memset(run->spare, 0, sizeof(run->spare));
	run->dead_at = 0;
	run->stuck = false;
	run->late = false;
	run->lost = false;
	if (compat_alloc_live() != run->live) {
		say(run, "\twant_u64(\"allocations\", compat_alloc_live(), 0);\n");
		fail(run, "close", "%ld allocations of host memory are left, not %ld",
		     compat_alloc_live(), run->live);
	}
}

static void release_all(struct run *run)
{
	unsigned int i;

	for (i = 0; i < NR_SLOTS; i++) {
		say(run, "\tnvbar_unmap(access[%u]);\n\tnvbar_map_cancel(prepared[%u]);\n", i, i);
		if (nvbar_unmap(run->slot[i].a))
			fail(run, "unmap at the end", "slot %u", i);
		nvbar_map_cancel(run->slot[i].prepared);
		run->slot[i] = (struct handle){ 0 };
	}
	for (i = 0; i < NR_SPARES; i++) {
		say(run, "\tnvbar_vram_free(spare[%u]);\n", i);
		nvbar_vram_free(run->spare[i]);
		run->spare[i] = NULL;
	}
}

void run_ops(const struct config *cfg, const struct op *ops, size_t nr, struct report *report,
	     FILE *program)
{
	struct run *run = calloc(1, sizeof(*run));

	run->cfg = cfg;
	run->report = report;
	run->program = program;
	run->ref.arena = malloc(ARENA);
	run->live = compat_alloc_live();
	compat_sleep_pretend(true);
	run_open(run);
	for (report->at = 0; report->at < nr; report->at++) {
		op_run(run, &ops[report->at]);
		check_gauges(run);
		check_tables(run, report->at);
		if (report->at % 256 == 255)
			check_arena(run);
	}
	heal(run);
	check_arena(run);
	release_all(run);
	check_baseline(run);
	run_close(run);
	free(run->ref.arena);
	free(run);
}
