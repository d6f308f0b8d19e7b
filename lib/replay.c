// SPDX-License-Identifier: MIT
/*
 * A trace on the model: every access again, and every read compared.  What is
 * not compared, and why, is said in docs/trace.md.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <hw/boot.h>
#include <hw/instance.h>
#include <hw/others.h>
#include <hw/pfb.h>
#include <hw/pmc.h>
#include <hw/pramin.h>
#include <hw/vf_priv.h>

#include "internal.h"
#include "sim.h"
#include "trace.h"

/* --- registers that are not just compared ----------------------------------- */

/**
 * enum rule - how reads of a register are held against the model
 * @RULE_FACT: it tells which GPU this is: always the same value, whichever
 * @RULE_PROGRESS: what the firmware does: anything
 * @RULE_BUSY: with a bit that says so, if that is clear later on: too early
 * @RULE_MOVE: read once more before the next write: too early
 */
enum rule { RULE_FACT, RULE_PROGRESS, RULE_BUSY, RULE_MOVE };

/**
 * struct reg_rule - a register that is not just compared
 * @off: in BAR0
 * @rule: how
 * @compared: bits that the driver acts upon
 * @busy: those that mean "not yet" ...
 * @trigger: ... to what was asked for by a write here
 */
static const struct reg_rule {
	u32 off;
	enum rule rule;
	u32 compared;
	u32 busy;
	u32 trigger;
} rules[] = {
	{ PMC_BOOT_0, RULE_FACT, ~0u, 0, 0 },
	{ PMC_BOOT_1, RULE_FACT, ~0u, 0, 0 },
	{ PMC_BOOT_42, RULE_FACT, ~0u, 0, 0 },
	{ PFB_LOCAL_MEMORY_RANGE, RULE_FACT, ~0u, 0, 0 },
	{ PGC6_SCRATCH_GROUP_42, RULE_FACT, ~0u, 0, 0 },
	{ PFB_MMU_WPR1_ADDR_LO, RULE_FACT, ~0u, 0, 0 },
	{ PFB_MMU_WPR1_ADDR_HI, RULE_FACT, ~0u, 0, 0 },
	{ PFB_MMU_WPR2_ADDR_LO, RULE_FACT, ~0u, 0, 0 },
	{ PFB_MMU_WPR2_ADDR_HI, RULE_FACT, ~0u, 0, 0 },
	{ PFB_MMU_LOCK_ADDR_LO, RULE_FACT, ~0u, 0, 0 },
	{ PFB_MMU_LOCK_ADDR_HI, RULE_FACT, ~0u, 0, 0 },
	{ PDISP_VGA_WORKSPACE_BASE, RULE_FACT, ~0u, 0, 0 },
	{ PGC6_SCRATCH_GROUP_05_PRIV_LEVEL_MASK, RULE_PROGRESS, 0, 0, 0 },
	{ PGC6_SCRATCH_GROUP_05, RULE_PROGRESS, 0, 0, 0 },
	{ THERM_I2CS_SCRATCH_GH100, RULE_PROGRESS, 0, 0, 0 },
	{ THERM_I2CS_SCRATCH_GB202, RULE_PROGRESS, 0, 0, 0 },
	{ PFB_NISO_SCRUB_STATUS, RULE_PROGRESS, 0, 0, 0 },
	{ PTIMER_TIME_0, RULE_PROGRESS, 0, 0, 0 },
	{ PTIMER_TIME_1, RULE_PROGRESS, 0, 0, 0 },
	{ VF_PRIV_MMU_INVALIDATE, RULE_BUSY, VF_PRIV_MMU_INVALIDATE_TRIGGER,
	  VF_PRIV_MMU_INVALIDATE_TRIGGER, VF_PRIV_MMU_INVALIDATE },
	{ VF_PRIV_BIND_STATUS, RULE_BUSY,
	  VF_PRIV_BIND_STATUS_BAR1_PENDING | VF_PRIV_BIND_STATUS_BAR1_OUTSTANDING,
	  VF_PRIV_BIND_STATUS_BAR1_PENDING | VF_PRIV_BIND_STATUS_BAR1_OUTSTANDING,
	  VF_PRIV_BAR1_BLOCK },
	{ VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR, RULE_BUSY, ~0u,
	  VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PENDING | VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_OUTSTANDING,
	  VF_PRIV_FUNC_BAR1_BLOCK_HIGH_ADDR },
	{ PBUS_BAR0_WINDOW, RULE_MOVE, ~0u, 0, PBUS_BAR0_WINDOW },
	{ XAL_EP_ZB_BAR0_WINDOW, RULE_MOVE, ~0u, 0, XAL_EP_ZB_BAR0_WINDOW },
};

#define NR_RULES	ARRAY_SIZE(rules)

/* Return: number of the rule, or NR_RULES. */
static size_t rule_of(const struct nvbar_trace_access *a)
{
	size_t i = 0;

	while (i < NR_RULES && (a->bar || a->off != rules[i].off))
		i++;
	return i;
}

static void begin_anew(bool *done_later, const struct nvbar_trace_access *write)
{
	size_t i;

	for (i = 0; i < NR_RULES; i++)
		if (!write->bar && write->off == rules[i].trigger)
			done_later[i] = false;
}

/* Marks reads that came too early, which only those behind them tell. */
static void find_early_reads(struct nvbar_trace *trace)
{
	bool done_later[NR_RULES] = { false };
	size_t i = trace->nr;

	while (i--) {
		struct nvbar_trace_access *a = &trace->access[i];
		size_t r = rule_of(a);
		bool done;

		if (a->kind == NVBAR_TRACE_WRITE)
			begin_anew(done_later, a);
		if (a->kind == NVBAR_TRACE_WRITE || a->kind == NVBAR_TRACE_POINTER ||
		    r == NR_RULES || !rules[r].trigger)
			continue;
		done = rules[r].rule == RULE_BUSY && !(a->val & rules[r].busy);
		a->passed = !done && done_later[r];
		done_later[r] |= done || rules[r].rule == RULE_MOVE;
	}
}

/* --- bytes of VRAM that the trace has told ------------------------------------ */

#define CHUNK_SHIFT	21
#define CHUNK_PAGES	(1u << (CHUNK_SHIFT - NVBAR_PAGE_SHIFT))

/* Where the caller sets no limit: seconds on any machine, and less than 3 GiB of memory */
#define MAX_ACCESSES	(1ULL << 25)
#define MAX_VRAM	(1ULL << 30)

/**
 * struct chunk - what is known of a chunk of VRAM
 * @touched: a bit for each page
 * @byte: a bit for each byte: written in the trace, or read
 */
struct chunk {
	u64 touched[CHUNK_PAGES / 64];
	u8 byte[1 << (CHUNK_SHIFT - 3)];
};

/**
 * struct replay - a replay under way
 * @gpu: the model
 * @opts: what the caller wants
 * @known: of each chunk of VRAM, NULL where nothing is
 * @nr_chunks: of them
 * @vram_left: bytes of pages that may still be touched
 * @others: another driver's: registers that the model has not are passed by
 * @refused: what the model said first of the access that it is at, and refused
 * @pointer: somebody may write unseen
 * @fact_known: of each rule, whether there was a read
 * @fact: what that gave
 * @err: why it can't go on: -ENOMEM of the host, or -ENOSPC, a limit was met ...
 * @err_line: ... in this line
 * @report: in the making
 */
struct replay {
	struct sim_gpu *gpu;
	struct nvbar_replay_opts opts;
	struct chunk **known;
	size_t nr_chunks;
	u64 vram_left;
	bool others;
	char refused[160];
	bool pointer;
	bool fact_known[NR_RULES];
	u64 fact[NR_RULES];
	int err;
	u32 err_line;
	struct nvbar_replay_report report;
};

static void *stop(struct replay *r, const struct nvbar_trace_access *a, int err)
{
	r->err = err;
	r->err_line = a->line;
	return NULL;
}

/* The byte with the bits of 8 bytes; NULL if the replay can't go on. */
static u8 *known_at(struct replay *r, const struct nvbar_trace_access *a, u64 pa)
{
	struct chunk **chunk = &r->known[pa >> CHUNK_SHIFT];
	u64 page = (pa >> NVBAR_PAGE_SHIFT) % CHUNK_PAGES;

	if (!*chunk)
		*chunk = kvzalloc(sizeof(**chunk), GFP_KERNEL);
	if (!*chunk)
		return stop(r, a, -ENOMEM);
	if (!((*chunk)->touched[page / 64] & BIT_ULL(page % 64))) {
		if (r->vram_left < NVBAR_PAGE_SIZE)
			return stop(r, a, -ENOSPC);
		r->vram_left -= NVBAR_PAGE_SIZE;
		(*chunk)->touched[page / 64] |= BIT_ULL(page % 64);
	}
	return (*chunk)->byte + (pa % (1 << CHUNK_SHIFT)) / 8;
}

/* The bits of an access, which crosses no multiple of 8. */
static u8 bits_of(u64 pa, unsigned int width)
{
	return GENMASK(width - 1, 0) << (pa % 8);
}

static void poke_unknown(struct replay *r, u64 pa, unsigned int width, u64 val, u8 known)
{
	unsigned int i;

	for (i = 0; i < width; i++) {
		u8 byte = val >> 8 * i;

		if (r->pointer || !(known & bits_of(pa + i, 1)))
			sim_vram_poke(r->gpu, pa + i, &byte, 1);
	}
}

/* What nobody wrote in the trace only the recorded GPU can know. */
static bool take_over(struct replay *r, const struct nvbar_trace_access *a, u64 off)
{
	u8 *known, bits;
	uint64_t pa;

	if (!sim_vram_behind(r->gpu, a->bar, off, false, &pa))
		return false;
	known = known_at(r, a, pa);
	bits = bits_of(pa, a->width);
	if (!known || (!r->pointer && (*known & bits) == bits))
		return false;
	poke_unknown(r, pa, a->width, a->val, *known);
	*known |= bits;
	return true;
}

static void note_written(struct replay *r, const struct nvbar_trace_access *a, u64 off)
{
	u8 *known;
	uint64_t pa;

	if (!sim_vram_behind(r->gpu, a->bar, off, true, &pa))
		return;
	known = known_at(r, a, pa);
	if (known)
		*known |= bits_of(pa, a->width);
}

/* --- accesses ------------------------------------------------------------------ */

static void name_place(struct replay *r, unsigned int bar, u64 off, char *where, size_t len)
{
	const char *name = bar ? NULL : sim_reg_name(off & ~3ULL);
	uint64_t pa;

	if (name)
		snprintf(where, len, "%s", name);
	else if (sim_vram_behind(r->gpu, bar, off, false, &pa))
		snprintf(where, len, "VRAM 0x%llx", (u64)pa);
	else
		snprintf(where, len, "nothing");
}

/* Within the access: only noted. */
static void note_refusal(void *arg, const char *what)
{
	struct replay *r = arg;

	if (!r->refused[0])
		snprintf(r->refused, sizeof(r->refused), "%s", what);
}

static void tell_refusal(struct replay *r, const struct nvbar_trace_access *a, u64 off)
{
	struct nvbar_replay_refusal refusal = {
		.size = sizeof(refusal), .line = a->line, .bar = a->bar, .width = a->width,
		.offset = off, .is_write = a->kind == NVBAR_TRACE_WRITE, .value = a->val,
	};

	r->report.refused++;
	if (r->opts.refused) {
		snprintf(refusal.reason, sizeof(refusal.reason), "%s", r->refused);
		name_place(r, a->bar, off, refusal.where, sizeof(refusal.where));
		r->opts.refused(&refusal, r->opts.arg);
	}
	r->refused[0] = '\0';
}

static void compare(struct replay *r, const struct nvbar_trace_access *a, u64 off, u64 val)
{
	size_t rule = rule_of(a);
	u64 mask = rule < NR_RULES ? rules[rule].compared : ~0ULL;

	if (!((val ^ a->val) & mask))
		return;
	r->report.line = a->line;
	r->report.bar = a->bar;
	r->report.width = a->width;
	r->report.offset = off;
	r->report.recorded = a->val;
	r->report.replayed = val;
	name_place(r, a->bar, off, r->report.where, sizeof(r->report.where));
}

static u64 read_model(struct replay *r, const struct nvbar_trace_access *a, u64 off)
{
	if (a->bar == 2)
		return sim_bar2_read(r->gpu, off, a->width);
	return a->bar ? sim_bar1_read(r->gpu, off, a->width) : sim_bar0_read(r->gpu, off, a->width);
}

static void replay_fact(struct replay *r, const struct nvbar_trace_access *a, size_t rule)
{
	if (!r->fact_known[rule]) {
		r->fact_known[rule] = true;
		r->fact[rule] = a->val;
		r->report.taken_over++;
		return;
	}
	r->report.compared++;
	compare(r, a, a->off, r->fact[rule]);
}

static void replay_read(struct replay *r, const struct nvbar_trace_access *a, u64 off)
{
	size_t rule = rule_of(a);

	if (rule < NR_RULES && rules[rule].rule == RULE_FACT) {
		replay_fact(r, a, rule);
		return;
	}
	if (rule < NR_RULES && rules[rule].rule == RULE_PROGRESS) {
		r->report.taken_over++;
		return;
	}
	if (take_over(r, a, off))
		r->report.taken_over++;
	else
		r->report.compared++;
	compare(r, a, off, read_model(r, a, off));
}

static void replay_write(struct replay *r, const struct nvbar_trace_access *a, u64 off)
{
	note_written(r, a, off);
	if (a->bar == 2)
		sim_bar2_write(r->gpu, off, a->width, a->val);
	else if (a->bar)
		sim_bar1_write(r->gpu, off, a->width, a->val);
	else
		sim_bar0_write(r->gpu, off, a->width, a->val);
}

/* A register of another driver's that the model has not, or only as memory */
static bool is_unknown(struct replay *r, const struct nvbar_trace_access *a)
{
	return r->others && !a->bar && a->off - PRAMIN_BASE >= PRAMIN_SIZE &&
	       !sim_has_reg(r->gpu, a->off);
}

static void replay_access(struct replay *r, const struct nvbar_trace_access *a)
{
	/* What repeats is looked at once more, which is as good as often. */
	u64 nr = a->kind == NVBAR_TRACE_AGAIN ? 1 : a->nr, i;

	if (a->kind == NVBAR_TRACE_POINTER) {
		r->pointer = true;
		return;
	}
	if (is_unknown(r, a)) {
		r->report.unknown += a->nr;
		return;
	}
	r->report.accesses += a->nr;
	if (a->passed) {
		r->report.passed_over += a->nr;
		return;
	}
	for (i = 0; i < nr && !r->report.line && !r->err; i++) {
		if (a->kind == NVBAR_TRACE_WRITE)
			replay_write(r, a, a->off + 8 * i);
		else
			replay_read(r, a, a->off + 8 * i);
		if (r->refused[0])
			tell_refusal(r, a, a->off + 8 * i);
	}
}

/* --- the model ------------------------------------------------------------------ */

/* As much VRAM or a little more, such that the size register of every chip can say so. */
static u64 round_vram(u64 size)
{
	unsigned int shift = 20;

	while (size >> shift > 0x3f)
		shift++;
	return ALIGN(size, 1ULL << shift);
}

/* The instance block that BAR1 was bound to before the driver bound it; 0 if it was not. */
static u64 bound_before(const struct nvbar_trace *trace)
{
	u64 low = 0;
	size_t i;

	for (i = 0; i < trace->nr && trace->access[i].kind != NVBAR_TRACE_WRITE; i++) {
		const struct nvbar_trace_access *a = &trace->access[i];

		if (a->bar)
			continue;
		if (a->off == VF_PRIV_BAR1_BLOCK && a->val & VF_PRIV_BAR1_BLOCK_MODE)
			return (u64)FIELD_GET(VF_PRIV_BAR1_BLOCK_PTR, a->val) << RAMIN_BASE_SHIFT;
		if (a->off == VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR)
			low = a->val;
		if (a->off == VF_PRIV_FUNC_BAR1_BLOCK_HIGH_ADDR &&
		    low & VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_MODE)
			return a->val << 32 | (low & VF_PRIV_FUNC_BAR1_BLOCK_LOW_ADDR_PTR);
	}
	return 0;
}

static int power_on(struct replay *r, const struct nvbar_trace *trace, char *why, size_t why_len)
{
	char chip[sizeof(trace->chip)];
	struct sim_config cfg = {
		.chip = chip,
		.vram_size = trace->vram_size,
		.bar1_size = trace->bar1_size,
		.no_bar1 = !trace->bar1_size,
		.bound = bound_before(trace),
		.vbios = true,	/* as served GPUs have */
	};
	size_t i;
	int ret;

	if (!trace->chip[0] || !trace->vram_size || trace->vram_size > BIT_ULL(47)) {
		snprintf(why, why_len, "no chip, or no size of VRAM, was identified");
		return -EOPNOTSUPP;
	}
	for (i = 0; i < sizeof(chip); i++)
		chip[i] = tolower((unsigned char)trace->chip[i]);
	cfg.vram_size = round_vram(trace->vram_size);
	ret = sim_create(&cfg, &r->gpu, why, why_len);
	if (ret)
		return ret == -EINVAL ? -EOPNOTSUPP : ret;
	sim_on_refusal(r->gpu, note_refusal, r);
	r->nr_chunks = DIV_ROUND_UP_ULL(cfg.vram_size, 1 << CHUNK_SHIFT);
	r->known = kvcalloc(r->nr_chunks, sizeof(*r->known), GFP_KERNEL);
	return r->known ? 0 : -ENOMEM;
}

static void power_off(struct replay *r)
{
	size_t i;

	for (i = 0; r->known && i < r->nr_chunks; i++)
		kvfree(r->known[i]);
	kvfree(r->known);
	sim_destroy(r->gpu);
}

static int replay_all(struct replay *r, struct nvbar_trace *trace, char *why, size_t why_len)
{
	struct sim_counters count;
	int ret = power_on(r, trace, why, why_len);
	size_t i;

	if (ret)
		return ret;
	find_early_reads(trace);
	for (i = 0; i < trace->nr && !r->report.line && !r->err; i++)
		replay_access(r, &trace->access[i]);
	if (r->err == -ENOSPC)
		snprintf(why, why_len, "line %u: more than 0x%llx bytes of VRAM are touched, the limit",
			 r->err_line, (u64)r->opts.max_vram);
	sim_get_counters(r->gpu, &count);
	return count.host_errors ? -ENOMEM : r->err;
}

/* Return: as nvbar_opts_copy(). */
static const char *take_opts(struct replay *r, const struct nvbar_replay_opts *opts)
{
	const char *refused = nvbar_opts_copy(&r->opts, sizeof(r->opts), opts);

	if (!r->opts.max_accesses)
		r->opts.max_accesses = MAX_ACCESSES;
	if (!r->opts.max_vram)
		r->opts.max_vram = MAX_VRAM;
	r->vram_left = r->opts.max_vram;
	return refused;
}

int nvbar_replay(const char *text, size_t len, struct nvbar_replay_report *report, char *why,
		 size_t why_len)
{
	return nvbar_replay_trace(text, len, NULL, report, why, why_len);
}

int nvbar_replay_trace(const char *text, size_t len, const struct nvbar_replay_opts *opts,
		       struct nvbar_replay_report *report, char *why, size_t why_len)
{
	struct replay r = { .report = { .size = sizeof(r.report) } };
	struct nvbar_trace trace;
	char reason[200] = "";
	const char *refused;
	int ret = -EINVAL;

	refused = take_opts(&r, opts);
	if (!refused)
		refused = nvbar_result_refused(report, sizeof(r.report));
	if (refused)
		snprintf(reason, sizeof(reason), "%s", refused);
	else
		ret = nvbar_trace_parse(text, len, r.opts.max_accesses, &trace, reason,
					sizeof(reason));
	if (!ret) {
		r.others = trace.others;
		r.report.elsewhere = trace.elsewhere;
		r.report.lost = trace.lost;
		ret = replay_all(&r, &trace, reason, sizeof(reason));
		power_off(&r);
		nvbar_trace_free(&trace);
	}
	if (ret && why)
		snprintf(why, why_len, "%s", reason);
	if (!ret)
		nvbar_result_copy(report, &r.report, sizeof(r.report));
	return ret;
}
