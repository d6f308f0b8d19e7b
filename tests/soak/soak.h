/* SPDX-License-Identifier: MIT */
/*
 * Random calls of the public API with hardware and memory that fail, against a
 * reference: what VRAM should hold, who should hold which address, and so what
 * each call should say.
 *
 * A sequence of calls is data, struct op.  What an op means depends on nothing
 * but the ops before it, and one without its handle does nothing, so any part
 * of a sequence is a sequence: a failing one can be cut down.
 */
#ifndef TESTS_SOAK_H
#define TESTS_SOAK_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <nvbar/nvbar.h>

#define PAGE		4096ull
#define MIB(n)		((uint64_t)(n) << 20)
#define NR_OF(array)	(sizeof(array) / sizeof((array)[0]))

#define NR_SLOTS	32		/* handles on mappings */
#define MAX_RANGES	(2 * NR_SLOTS)	/* theirs, and the quarantine's */
#define NR_SPARES	12		/* allocations of VRAM */
#define MAX_EXT		256
#define MAX_COPY	(16 * PAGE)

/* The data; at the beginning of a page of 512 MiB, which some mappings show whole. */
#define ARENA_PA	MIB(512)
#define ARENA		MIB(4)
/* Where allocations of VRAM come from. */
#define POOL_PA		MIB(128)
#define POOL_PAGES	512

/* --- sequences (ops.c) ---------------------------------------------------- */

#define OP_NUMBERS	6

/** struct op - a call; what the numbers are is in the table of ops.c */
struct op {
	unsigned int kind;
	unsigned int n[OP_NUMBERS];
};

/** struct config - what a sequence runs on */
struct config {
	const char *chip;
	enum {
		SMALL,		/* a BAR1 that gets full */
		LARGE,		/* with room for the largest pages */
		STATIC,		/* opened with NVBAR_OPEN_STATIC */
	} bar1;
	uint64_t seed;		/* of the model's dice, not 0 */
	bool sparse;		/* unused addresses do not fault */
	const char *plant;	/* a mistake to find: "errno", "crash", "hang"; or NULL */
};

/** ops_generate - @nr ops that @seed stands for */
void ops_generate(struct op *ops, size_t nr, uint64_t seed);
/** op_print - as a line for people */
void op_print(FILE *to, const struct op *op);

/* --- the reference (reference.c) ------------------------------------------ */

/** struct pages - what a mapping shows, as runs that can't be merged */
struct pages {
	uint64_t len;
	unsigned int nr;
	struct nvbar_extent ext[MAX_EXT];
};

/** enum range_state - what address space is held for, as nvbar_for_each_mapping() says */
enum range_state { PREPARED, MAPPED, QUARANTINED };
extern const char *const range_states[];

/** struct range - held address space, by one handle or by several that show the same pages */
struct range {
	uint64_t va, len;
	enum range_state state;
	unsigned int refs;
	uint32_t flags;
	bool shared;		/* may be */
	struct pages pages;	/* once mapped */
};

/**
 * struct reference - what should be
 * @aperture: bytes of BAR1
 * @nr_ranges: held
 * @range: those, by address
 * @taken: which pages of the pool are allocated
 * @arena: what the arena should hold
 */
struct reference {
	uint64_t aperture;
	unsigned int nr_ranges;
	struct range *range[MAX_RANGES];
	bool taken[POOL_PAGES];
	uint8_t *arena;
};

void pages_add(struct pages *pages, uint64_t pa, uint64_t len);
/* Do @some begin at byte @off of @all, page by page? */
bool pages_show(const struct pages *all, uint64_t off, const struct pages *some);
/* The VRAM behind a byte, and how far it goes on from there. */
struct nvbar_extent pages_at(const struct pages *pages, uint64_t off);
/* Are these bytes in the arena, all of them? */
bool pages_in_arena(const struct pages *pages, uint64_t off, uint64_t len);

struct range *ref_insert(struct reference *ref, uint64_t va, uint64_t len);
void ref_remove(struct reference *ref, struct range *range);
/* The first range with a byte in common; those in quarantine only if @quarantined. */
struct range *ref_overlap(const struct reference *ref, uint64_t va, uint64_t len, bool quarantined);
/* The largest hole, where what is in quarantine is a hole too or not. */
uint64_t ref_hole(const struct reference *ref, bool quarantined);
uint64_t ref_held(const struct reference *ref, bool mapped_only);
unsigned int ref_quarantined(const struct reference *ref);
void ref_drain(struct reference *ref);
void ref_clear(struct reference *ref);

/* Bytes of a mapping, which are in the arena. */
void ref_read(const struct reference *ref, const struct pages *pages, uint64_t off, uint8_t *buf,
	      uint64_t len);
void ref_write(struct reference *ref, const struct pages *pages, uint64_t off, const uint8_t *buf,
	       uint64_t len);

/* Could the pool give so many pages? */
bool pool_has(const struct reference *ref, unsigned int nr, unsigned int align, bool contiguous);
/* False if a page is taken, or given, already. */
bool pool_mark(struct reference *ref, struct nvbar_extent ext, bool taken);

/* --- a sequence under way (run.c) ----------------------------------------- */

/** struct handle - a preparation or a mapping */
struct handle {
	struct nvbar_prepared *prepared;
	struct nvbar_access *a;
	uint64_t va;
	struct pages pages;	/* of a preparation only the length */
	uint32_t flags;
	unsigned int shift;	/* of the largest pages, 0 for any */
	uint8_t *ptr;
};

/**
 * struct report - what a sequence leaves behind for the process that started it
 * @at: the op under way
 * @what: which expectation was not met, without numbers
 */
struct report {
	size_t at;
	char what[64];
};

/**
 * struct run - a sequence under way
 * @cfg: what it runs on
 * @report: for whoever waits for it
 * @program: receives it as a C program; or NULL
 * @gpu: open
 * @sim: the model behind it
 * @info: what it is
 * @first: its numbers when it was new
 * @live: allocations of host memory before it was there
 * @ref: what should be
 * @slot: handles
 * @spare: allocations of VRAM
 * @dead_at: the access at which the GPU dies, 0 for none
 * @stuck: invalidates do not end
 * @late: the PRAMIN window moves late, which nobody may notice
 * @nomem: the allocation that fails in the next call, 0 for none
 * @nomem_forever: and all after it
 * @lost: it died, and was found dead: it answers again, and stays lost until it is reopened
 * @left_alone: accesses that it has seen up to then; there must be no more
 * @was_lost: before the call under way
 * @no_memory: allocations failed in it
 * @entries: that nvbar_check() saw last
 * @planted: a mapping had no memory, which the planted mistake needs
 */
struct run {
	const struct config *cfg;
	struct report *report;
	FILE *program;
	struct nvbar *gpu;
	struct sim_gpu *sim;
	struct nvbar_info info;
	struct nvbar_stats first;
	long live;
	struct nvbar_vram *arena;
	struct reference ref;
	struct handle slot[NR_SLOTS];
	struct nvbar_vram *spare[NR_SPARES];
	uint64_t dead_at;
	bool stuck;
	bool late;
	unsigned int nomem;
	bool nomem_forever;
	bool lost;
	uint64_t left_alone;
	bool was_lost;
	bool no_memory;
	uint64_t entries;
	bool planted;
};

/** run_ops - in a process of its own: exits 1 at the first expectation that is not met */
void run_ops(const struct config *cfg, const struct op *ops, size_t nr, struct report *report,
	     FILE *program);

/** op_run - one op (ops.c) */
void op_run(struct run *run, const struct op *op);

void run_open(struct run *run);
void run_close(struct run *run);
void run_device(const struct run *run, char *text, size_t len);

/* Around each call that may fail for a fault. */
void call_begin(struct run *run);
void call_end(struct run *run);
/* What the GPU died in was written up to some byte, and no further. */
void settle(struct run *run, const struct pages *pages, uint64_t off, const uint8_t *data,
	    uint64_t len);
/* No fault now, and none that may strike, that a call could fail for. */
bool is_well(const struct run *run);
/* ... or none at all */
bool has_fault(const struct run *run);
/* Ends faults; a GPU that is lost is closed and opened again. */
void heal(struct run *run);

/**
 * struct expect - what a call may return
 * @nr: results
 * @ret: those
 * @drains: it looks for room in quarantine, for which it needs an invalidate
 */
struct expect {
	unsigned int nr;
	int ret[6];
	bool drains;
};

void may_return(struct expect *e, int ret);
/* What faults add to a call that could succeed: those of memory, bus and invalidates. */
void may_fail(const struct run *run, struct expect *e, bool memory, bool bus, bool invalidate);
void want(struct run *run, const char *what, int ret, const struct expect *e);
/* A condition that is not met ends the sequence. */
void __attribute__((format(printf, 3, 4), noreturn)) fail(struct run *run, const char *what,
							  const char *fmt, ...);

/* --- what should hold after each op (check.c) ------------------------------ */

/**
 * struct change - what a call may have done to the ranges that the reference can't know
 * @len: of a range that may be new; 0 for none
 * @at_most: or shorter
 * @state: its state
 * @must: it must be there
 */
struct change {
	uint64_t len;
	bool at_most;
	enum range_state state;
	bool must;
};

/* Brings the reference up to date with a change; NULL or the new range. */
struct range *check_ranges(struct run *run, const struct change *change);
void check_gauges(struct run *run);
void check_tables(struct run *run, size_t op);
/* VRAM holds what it should, as PRAMIN shows it, or if there is a fault as it is. */
void check_bytes(struct run *run, uint64_t pa, uint64_t len);
void check_arena(struct run *run);
/* All that was written has reached VRAM. */
void check_landed(struct run *run);
/* Brings it there. */
void land(struct run *run);
/* Everything is given back. */
void check_baseline(struct run *run);

/* --- as a C program (print.c) ---------------------------------------------- */

void __attribute__((format(printf, 2, 3))) say(struct run *run, const char *fmt, ...);
void say_expect(struct run *run, const struct expect *e);
void say_bytes(struct run *run, const char *call, uint64_t at, uint8_t val);
void say_extents(struct run *run, const struct nvbar_extent *ext, size_t nr);
void program_begin(FILE *to, const struct config *cfg, const struct op *ops, size_t nr);
void program_end(FILE *to);

/* --- in processes of their own, and cut down (shrink.c) -------------------- */

/** struct trial - a sequence in a process */
struct trial {
	pid_t pid;
	struct report *report;
};

/* Runs it for @seconds at most; @program may be NULL, @quiet without messages. */
void trial_start(struct trial *trial, const struct config *cfg, const struct op *ops, size_t nr,
		 unsigned int seconds, const char *program, bool quiet);
/* Once the process has ended with @status: the report tells what failed; false if nothing did. */
bool trial_failed(struct trial *trial, int status);
void trial_forget(struct trial *trial);
/* Makes a failing sequence as short and simple as it can; returns its new length. */
size_t shrink(const struct config *cfg, struct op *ops, size_t nr, const struct report *report,
	      unsigned int seconds);

#endif
