/* SPDX-License-Identifier: MIT */
/* Lists of VRAM ranges, in whatever form the caller holds them. */
#ifndef NVBAR_CORE_SPAN_H
#define NVBAR_CORE_SPAN_H

#include <linux/types.h>

/**
 * struct nvbar_span - a run of VRAM
 * @pa: first byte
 * @len: bytes
 */
struct nvbar_span {
	u64 pa;
	u64 len;
};

/**
 * struct nvbar_spans - where spans come from
 *
 * Extents and page frame numbers reach the driver in arrays of other types;
 * fetching one by one spares a converted copy, so that mapping needs no
 * memory for it.
 *
 * Such an array may change at any time: it is a user's, and users have threads.
 * What was fetched from it before, to choose a place and to get room for tables,
 * is a hint.  Entries are made in one pass in which each element is fetched once,
 * checked, and encoded from that value: see nvbar_vmm_map().
 *
 * @get: span number @i
 * @arg: first argument of @get
 * @nr: how many
 */
struct nvbar_spans {
	struct nvbar_span (*get)(const void *arg, size_t i);
	const void *arg;
	size_t nr;
};

/** nvbar_spans_get - span number @i */
static inline struct nvbar_span nvbar_spans_get(const struct nvbar_spans *spans, size_t i)
{
	return spans->get(spans->arg, i);
}

/**
 * struct nvbar_shape - what a list of spans looks like as a whole
 * @len: bytes
 * @nr_runs: how many spans there are with adjacent ones put together
 * @longest: the longest of these
 * @before_longest: bytes before it
 */
struct nvbar_shape {
	u64 len;
	size_t nr_runs;
	struct nvbar_span longest;
	u64 before_longest;
};

/**
 * struct nvbar_runs - spans with adjacent ones put together
 * @spans: what is gone through
 * @ahead: the first span that was not given out; no length: there is none
 * @next: number of the span after it
 */
struct nvbar_runs {
	const struct nvbar_spans *spans;
	struct nvbar_span ahead;
	size_t next;
};

static inline void nvbar_runs_fetch(struct nvbar_runs *runs)
{
	if (runs->next < runs->spans->nr)
		runs->ahead = nvbar_spans_get(runs->spans, runs->next++);
	else
		runs->ahead = (struct nvbar_span){ 0, 0 };
}

/** nvbar_runs_start - begin with the first run */
static inline void nvbar_runs_start(struct nvbar_runs *runs, const struct nvbar_spans *spans)
{
	runs->spans = spans;
	runs->next = 0;
	nvbar_runs_fetch(runs);
}

/** nvbar_runs_next - the next run; one without length when there is none */
static inline struct nvbar_span nvbar_runs_next(struct nvbar_runs *runs)
{
	struct nvbar_span run = runs->ahead;

	if (!run.len)
		return run;
	for (nvbar_runs_fetch(runs); runs->ahead.len && runs->ahead.pa == run.pa + run.len;
	     nvbar_runs_fetch(runs))
		run.len += runs->ahead.len;
	return run;
}

#endif
