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

#endif
