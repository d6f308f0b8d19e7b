/* SPDX-License-Identifier: MIT */
/* What the readers of two formats share: nvbar's own, and that of the kernel's mmiotrace. */
#ifndef NVBAR_LIB_TRACE_PARSE_H
#define NVBAR_LIB_TRACE_PARSE_H

#include "pci.h"
#include "trace.h"

/* Words in a line */
#define NVBAR_TRACE_FIELDS	24

/* GPUs that an mmiotrace may name */
#define NVBAR_MMIOTRACE_GPUS	32

struct nvbar_trace_parser;

/**
 * struct nvbar_trace_format - a format
 * @take_line: the next line, which it may change
 * @take_end: the text is over
 */
struct nvbar_trace_format {
	int (*take_line)(struct nvbar_trace_parser *p, char *text);
	int (*take_end)(struct nvbar_trace_parser *p);
};

/**
 * struct nvbar_mmiotrace_gpu - a GPU of the machine that was traced
 * @bar: by number
 * @roles: which are which
 */
struct nvbar_mmiotrace_gpu {
	struct nvbar_pci_bar bar[PCI_NR_BARS];
	struct nvbar_bar_roles roles;
};

/**
 * struct nvbar_trace_parser - a text that is being read
 * @format: its format, once the first line is known
 * @trace: in the making
 * @room: entries that @trace has room for
 * @line: number of the line
 * @have_bar1: its size was told
 * @max: accesses at most
 * @left: accesses that may still come
 * @gpu: of an mmiotrace: GPUs that it names ...
 * @nr_gpus: ... how many ...
 * @used: ... and the one that the accesses are to, NULL before the first
 * @why: receives the reason of a failure
 * @why_len: bytes there
 */
struct nvbar_trace_parser {
	const struct nvbar_trace_format *format;
	struct nvbar_trace *trace;
	size_t room;
	size_t line;
	bool have_bar1;
	u64 max;
	u64 left;
	struct nvbar_mmiotrace_gpu gpu[NVBAR_MMIOTRACE_GPUS];
	unsigned int nr_gpus;
	const struct nvbar_mmiotrace_gpu *used;
	char *why;
	size_t why_len;
};

/** nvbar_trace_fail - why the text is refused, with its line.  Return: -EINVAL */
__printf(2, 3) int nvbar_trace_fail(struct nvbar_trace_parser *p, const char *fmt, ...);

/** nvbar_trace_number - decimal or 0x.  Return: 0 or -EINVAL */
int nvbar_trace_number(struct nvbar_trace_parser *p, const char *text, u64 *val);

/** nvbar_trace_width_and_value - two words of an access.  Return: 0 or -EINVAL */
int nvbar_trace_width_and_value(struct nvbar_trace_parser *p, const char *width, const char *val,
				struct nvbar_trace_access *a);

/** nvbar_trace_split - words of a line, NVBAR_TRACE_FIELDS at most.  Return: how many, or -EINVAL */
int nvbar_trace_split(struct nvbar_trace_parser *p, char *text, char **field);

/** nvbar_trace_add - one entry more, of this line.  Return: 0, -ENOSPC or -ENOMEM */
int nvbar_trace_add(struct nvbar_trace_parser *p, const struct nvbar_trace_access *access);

/* --- trace_mmio.c --- */

extern const struct nvbar_trace_format nvbar_mmiotrace_format;

/** nvbar_mmiotrace_begins - is this the first line of an mmiotrace? */
bool nvbar_mmiotrace_begins(const char *line);

#endif
