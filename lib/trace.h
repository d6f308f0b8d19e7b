/* SPDX-License-Identifier: MIT */
/*
 * Traces: what went over the bus between the driver and a GPU, as text.
 * docs/trace.md describes the format.
 */
#ifndef NVBAR_LIB_TRACE_H
#define NVBAR_LIB_TRACE_H

#include "backend.h"

struct nvbar_gpu;

/* What a trace begins with */
#define NVBAR_TRACE_MAGIC	"nvbar-trace"
#define NVBAR_TRACE_VERSION	1

/* Equal words that stand in one run at most: a window of PRAMIN */
#define NVBAR_TRACE_RUN_MAX	(1u << 17)

/* --- trace_write.c: accesses to lines --- */

/**
 * struct nvbar_trace_writer - where lines go
 * @put: takes a line without its newline
 * @arg: its first argument
 * @window: VRAM address that PRAMIN is at, for people, and for dry runs
 * @window_known: a move of it was seen
 */
struct nvbar_trace_writer {
	void (*put)(void *arg, const char *line);
	void *arg;
	u64 window;
	bool window_known;
};

/** nvbar_trace_put - a line of any kind; control characters become '?' */
__printf(2, 3) void nvbar_trace_put(struct nvbar_trace_writer *w, const char *fmt, ...);

/** nvbar_trace_one - a single access of natural alignment */
void nvbar_trace_one(struct nvbar_trace_writer *w, bool write, unsigned int bar, u64 off,
		     unsigned int width, u64 val);

/** nvbar_trace_block - @len bytes at ascending offsets, as accesses of up to 8 bytes */
void nvbar_trace_block(struct nvbar_trace_writer *w, bool write, unsigned int bar, u64 off,
		       const void *buf, size_t len);

/** nvbar_trace_fill - a 32-bit pattern over BAR1; both @off and @len are multiples of 4 */
void nvbar_trace_fill(struct nvbar_trace_writer *w, u64 off, u32 pattern, u64 len);

/* --- trace_parse.c: lines to accesses --- */

/** enum nvbar_trace_kind - what an access is */
enum nvbar_trace_kind {
	NVBAR_TRACE_READ,
	NVBAR_TRACE_WRITE,
	NVBAR_TRACE_AGAIN,	/* the read before it, with the same result */
	NVBAR_TRACE_POINTER,	/* no access: from here on somebody has a pointer to write through */
};

/**
 * struct nvbar_trace_access - one access, or several alike
 * @off: in its BAR
 * @val: read or written
 * @nr: words at ascending offsets; for NVBAR_TRACE_AGAIN how many times
 * @line: in the text
 * @kind: &enum nvbar_trace_kind
 * @bar: 0 to 2
 * @width: bytes
 * @passed: for the one who replays: not to be compared
 */
struct nvbar_trace_access {
	u64 off;
	u64 val;
	u64 nr;
	u32 line;
	u8 kind;
	u8 bar;
	u8 width;
	bool passed;
};

/**
 * struct nvbar_trace - a trace that was read
 * @chip: name in capitals, empty if it was not identified
 * @vram_size: bytes
 * @bar1_size: bytes, 0 for none
 * @access: in their order
 * @nr: how many
 * @others: of another driver's: only some of the registers in it are known here
 * @elsewhere: accesses that were left out: to another device, or not told whole
 * @lost: events that were lost when it was recorded
 */
struct nvbar_trace {
	char chip[16];
	u64 vram_size;
	u64 bar1_size;
	struct nvbar_trace_access *access;
	size_t nr;
	bool others;
	u64 elsewhere;
	u64 lost;
};

/**
 * nvbar_trace_parse - read a trace, or a log of the kernel's mmiotrace
 * @text: need not end in a NUL
 * @len: its bytes
 * @max: accesses, one that repeats counting once
 * @trace: filled in; nvbar_trace_free() ends it
 * @why: receives a one-line reason on -EINVAL and -ENOSPC
 * @why_len: bytes at @why
 *
 * Return: 0, -EINVAL, -ENOSPC (more than @max), -ENOMEM.
 */
int nvbar_trace_parse(const char *text, size_t len, u64 max, struct nvbar_trace *trace, char *why,
		      size_t why_len);
void nvbar_trace_free(struct nvbar_trace *trace);

/* --- trace.c: the recorder --- */

/**
 * nvbar_trace_record - put a recorder in front of a backend
 * @path: file that it writes
 * @device: device string
 * @backend: replaced by the recorder, which owns it from here on
 *
 * Return: 0, -ENOMEM, or the errno of the file; then nothing has changed.
 */
int nvbar_trace_record(const char *path, const char *device, struct nvbar_backend **backend);

/**
 * nvbar_trace_identity - note what the driver found the GPU to be
 * @backend: a recorder, or any other: then nothing happens
 * @gpu: attached, or as far as that came
 */
void nvbar_trace_identity(struct nvbar_backend *backend, const struct nvbar_gpu *gpu);

#endif
