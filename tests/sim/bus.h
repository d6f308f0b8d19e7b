/* SPDX-License-Identifier: MIT */
/*
 * A driver in its barest form, for tests of the model: every step of a real
 * one as a call of its own, so that a test can leave one out.  Encodings are
 * spelled out from the manual, on purpose without the model's own headers.
 */
#ifndef TESTS_SIM_BUS_H
#define TESTS_SIM_BUS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim.h"

#define KIB(n)	((uint64_t)(n) << 10)
#define MIB(n)	((uint64_t)(n) << 20)
#define GIB(n)	((uint64_t)(n) << 30)
#define PAGE	4096ull

/* Registers, from the manual */
#define R_WINDOW	0x001700
#define R_WINDOW_HOPPER	0x10fd40
#define R_BOOT_MASK	0x118128
#define R_BOOT_PROGRESS	0x118234
#define R_BOOT_GH100	0x0200bc
#define R_BOOT_GB202	0xad00bc
#define R_BIND		0xb80f40
#define R_BIND_STATUS	0xb80f50
#define R_BIND_LOW	0xb80f60
#define R_BIND_HIGH	0xb80f64
#define R_FAULT_ADDR_LO	0xb83080
#define R_FAULT_ADDR_HI	0xb83084
#define R_FAULT_INST_LO	0xb83088
#define R_FAULT_INST_HI	0xb8308c
#define R_FAULT_INFO	0xb83090
#define R_FAULT_STATUS	0xb83094
#define R_INVAL_PDB	0xb830a0
#define R_INVAL_UPPER	0xb830a4
#define R_INVAL		0xb830b0
#define R_PRAMIN	0x700000

#define INVAL_ALL_VA	0x00000001u
#define INVAL_ALL_PDB	0x00000002u
#define INVAL_HUB	0x00000004u
#define INVAL_MEMBAR	0x00000040u
#define INVAL_ACK	0x00000080u	/* GLOBALLY */
#define INVAL_TRIGGER	0x80000000u
#define INVAL_SCOPE(n)	((uint32_t)(n) << 15)
#define INVAL_LEVEL(n)	((uint32_t)(n) << 24)
#define INVAL_GO	(INVAL_TRIGGER | INVAL_HUB | INVAL_ALL_VA)

/* Fault types */
#define FAULT_PDE	0x0
#define FAULT_PTE	0x2
#define FAULT_UNBOUND	0x4
#define FAULT_RO	0x6
#define FAULT_APERTURE	0xa
#define FAULT_KIND	0xc
#define FAULT_REGION	0xd

/**
 * struct bus - the GPU as the driver has it
 * @gpu: the model
 * @chip: its name
 * @hopper: Hopper or later: MMU v3, window and bind registers of that family
 */
struct bus {
	struct sim_gpu *gpu;
	const char *chip;
	bool hopper;
};

/* Tables for the first 1 GiB of VA; addresses in VRAM. */
struct tables {
	uint64_t inst, root, pde1, pde0, pt;
};

extern const char *const bus_chips[7];

/* Power on, fail the test if it does not. */
void bus_open(struct bus *bus, const struct sim_config *cfg);
void bus_open_chip(struct bus *bus, const char *chip);	/* posted writes land late */
void bus_close(struct bus *bus);

/* Pages of VRAM that hold 0xaaaa and 0xbbbb in bus_on_every_chip(). */
#define BUS_A	0x400000ull
#define BUS_B	0x800000ull

/*
 * Runs a test on each chip, whose binds and invalidates take so many polls, and whose
 * posted writes land late.
 */
void bus_on_every_chip(unsigned int polls, void (*test)(struct bus *bus));
/* A right driver has run so far. */
void bus_assert_no_errors(struct bus *bus);

uint32_t bus_rd(struct bus *bus, uint32_t off);
void bus_wr(struct bus *bus, uint32_t off, uint32_t val);
uint64_t bus_misuse(struct bus *bus);
uint64_t bus_faults(struct bus *bus);

/* PRAMIN: the window is moved for every access. */
uint64_t bus_vram_rd(struct bus *bus, uint64_t pa);
void bus_vram_wr(struct bus *bus, uint64_t pa, uint64_t val);
void bus_vram_zero(struct bus *bus, uint64_t pa, uint64_t len);
void bus_order(struct bus *bus);

/* What is in VRAM, past every queue. */
uint64_t bus_peek(struct bus *bus, uint64_t pa);
void bus_poke(struct bus *bus, uint64_t pa, uint64_t val);

/* Entries */
uint64_t bus_pde(const struct bus *bus, uint64_t table);
uint64_t bus_pte(const struct bus *bus, uint64_t pa);
uint64_t bus_pte_ro(const struct bus *bus, uint64_t pa);
uint64_t bus_pte_kind(const struct bus *bus, uint64_t pa, uint64_t kind);

/* Zeroed tables and instance block at @base, written but not ordered; 64 KiB. */
struct tables bus_tables(struct bus *bus, uint64_t base);
void bus_set_pte(struct bus *bus, const struct tables *t, uint64_t va, uint64_t pte);
/* The PDE0 slot of @va: both words */
void bus_set_pde0(struct bus *bus, const struct tables *t, uint64_t va, uint64_t lo, uint64_t hi);

void bus_bind_start(struct bus *bus, uint64_t inst);
void bus_bind_wait(struct bus *bus);
void bus_bind(struct bus *bus, uint64_t inst);

void bus_inval_start(struct bus *bus, uint64_t pdb, uint32_t control);
void bus_inval_wait(struct bus *bus);
void bus_inval(struct bus *bus, uint64_t pdb);
/* The same, and waits for writes that were translated by what it drops. */
void bus_inval_ack(struct bus *bus, uint64_t pdb);

/* All of it, right: tables at 1 MiB, ordered, bound. */
struct tables bus_bring_up(struct bus *bus);
/* All of it, right: PTE, order, invalidate. */
void bus_map(struct bus *bus, const struct tables *t, uint64_t va, uint64_t pte);

/* Type of the latched fault; fails the test if there is none. */
unsigned int bus_fault_type(struct bus *bus);
void bus_fault_clear(struct bus *bus);

#endif
