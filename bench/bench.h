/* SPDX-License-Identifier: MIT */
/*
 * The benchmark of the driver on the modelled GPU.  One section, one file; what
 * they share is here.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nvbar/nvbar.h>

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))
#define KIB		(UINT64_C(1) << 10)
#define MIB		(UINT64_C(1) << 20)
#define GIB		(UINT64_C(1) << 30)
#define PAGE_BYTES	(4 * KIB)

/**
 * struct bench - one run
 * @quick: counts and checks; times only as far as they cost nothing
 * @self: path of this program
 * @failures: checks that failed
 */
struct bench {
	bool quick;
	const char *self;
	unsigned int failures;
};

/* --- the sections ------------------------------------------------------- */

/* Map and unmap beside the reference's algorithm and the bound. */
void bench_mapping(struct bench *bench);
/* In the program that valgrind runs: every operation once. */
void bench_mapping_instructions(void);
/* Single accesses and copies beside memcpy(). */
void bench_copies(struct bench *bench);
/* What many live mappings cost. */
void bench_scale(struct bench *bench);

/* --- measure.c: clock and checks ---------------------------------------- */

uint64_t now_ns(void);
/* What two calls of now_ns() in a row are apart. */
double clock_cost_ns(void);
/* Sorts @sample. */
double median(double *sample, size_t nr);
/* Prints that something that must hold does not, and counts it. */
void check(struct bench *bench, bool holds, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Ends the program: a benchmark that can't set itself up has nothing to say. */
_Noreturn void give_up(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *alloc_or_give_up(size_t size);
/* @nr with a comma between thousands; overwritten at every eighth call. */
const char *grouped(uint64_t nr);
/* 4096 is "4 KiB"; likewise. */
const char *size_name(uint64_t bytes);
/* Keeps the compiler from dropping what nobody reads. */
static inline void keep(const void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

/* --- device.c: modelled GPUs -------------------------------------------- */

struct nvbar *device_open(const char *device, uint32_t flags);
struct nvbar_stats device_stats(struct nvbar *gpu);
/* Ends it; the model must have had nothing to refuse. */
void device_close(struct bench *bench, struct nvbar *gpu);
/* VRAM that nobody zeroes, in one piece.  Return: its VRAM address. */
uint64_t device_vram(struct nvbar *gpu, uint64_t len, uint64_t align);

/* --- bus.c: an observer between a driver and the model ------------------ */

/** struct bus_count - what it saw, all of it BAR0
 * @reads: reads of up to 64 bits
 * @writes: writes, window moves included
 * @moves: writes to the PRAMIN window register
 * @invalidates: TLB invalidates triggered
 */
struct bus_count {
	uint64_t reads, writes, moves, invalidates;
};

/* Places it between the driver and @gpu, for good; one GPU at a time. */
void bus_watch(struct nvbar *gpu);
void bus_start(void);
/* What was seen since bus_start(). */
struct bus_count bus_stop(void);

/* --- callgrind.c: instructions ------------------------------------------ */

/* Runs @op so that callgrind counts it, what is on the other side of bus.c left out. */
void callgrind_measured(void (*op)(void *arg), void *arg);

/**
 * callgrind_run - run this program with --count-instructions under callgrind
 * @bench: the run
 * @count: receives the instructions of each callgrind_measured() in order
 * @max: room at @count
 *
 * Return: how many there were; 0 if there is no valgrind.
 */
size_t callgrind_run(const struct bench *bench, uint64_t *count, size_t max);

#endif
