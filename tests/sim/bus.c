/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "bus.h"

const char *const bus_chips[7] = {
	"tu102", "ga100", "ga102", "ad102", "gh100", "gb100", "gb202",
};

void bus_open(struct bus *bus, const struct sim_config *cfg)
{
	char why[160];

	if (sim_create(cfg, &bus->gpu, why, sizeof(why)))
		fail_msg("power on: %s", why);
	bus->chip = sim_chip_name(bus->gpu);
	bus->hopper = bus->chip[0] == 'g' && bus->chip[1] != 'a';
}

void bus_open_chip(struct bus *bus, const char *chip)
{
	struct sim_config cfg = {
		.chip = chip, .bind_polls = 4, .invalidate_polls = 2, .landing = SIM_LANDING_LATE,
	};

	bus_open(bus, &cfg);
}

void bus_close(struct bus *bus)
{
	sim_destroy(bus->gpu);
}

void bus_on_every_chip(unsigned int polls, void (*test)(struct bus *bus))
{
	size_t i;

	for (i = 0; i < sizeof(bus_chips) / sizeof(bus_chips[0]); i++) {
		struct sim_config cfg = {
			.chip = bus_chips[i], .bind_polls = polls, .invalidate_polls = polls,
			.landing = SIM_LANDING_LATE,
		};
		struct bus bus;

		bus_open(&bus, &cfg);
		bus_poke(&bus, BUS_A, 0xaaaa);
		bus_poke(&bus, BUS_B, 0xbbbb);
		test(&bus);
		bus_close(&bus);
	}
}

void bus_assert_no_errors(struct bus *bus)
{
	char text[160];

	sim_last_error(bus->gpu, text, sizeof(text));
	assert_string_equal(text, "");
	assert_int_equal(sim_driver_errors(bus->gpu), 0);
}

uint32_t bus_rd(struct bus *bus, uint32_t off)
{
	return (uint32_t)sim_bar0_read(bus->gpu, off, 4);
}

void bus_wr(struct bus *bus, uint32_t off, uint32_t val)
{
	sim_bar0_write(bus->gpu, off, 4, val);
}

uint64_t bus_misuse(struct bus *bus)
{
	struct sim_counters c;

	sim_get_counters(bus->gpu, &c);
	return c.misuse;
}

uint64_t bus_faults(struct bus *bus)
{
	struct sim_counters c;

	sim_get_counters(bus->gpu, &c);
	return c.faults;
}

static uint64_t window_to(struct bus *bus, uint64_t pa)
{
	bus_wr(bus, bus->hopper ? R_WINDOW_HOPPER : R_WINDOW, (uint32_t)(pa >> 16));
	return R_PRAMIN + (pa & 0xffff);
}

uint64_t bus_vram_rd(struct bus *bus, uint64_t pa)
{
	return sim_bar0_read(bus->gpu, window_to(bus, pa), 8);
}

void bus_vram_wr(struct bus *bus, uint64_t pa, uint64_t val)
{
	sim_bar0_write(bus->gpu, window_to(bus, pa), 8, val);
}

void bus_vram_zero(struct bus *bus, uint64_t pa, uint64_t len)
{
	uint64_t end = pa + len;

	for (; pa < end; pa += 8)
		bus_vram_wr(bus, pa, 0);
}

void bus_order(struct bus *bus)
{
	sim_bar0_read(bus->gpu, R_PRAMIN, 4);
}

uint64_t bus_peek(struct bus *bus, uint64_t pa)
{
	uint64_t val;

	assert_true(sim_vram_peek(bus->gpu, pa, &val, sizeof(val)));
	return val;
}

void bus_poke(struct bus *bus, uint64_t pa, uint64_t val)
{
	assert_true(sim_vram_poke(bus->gpu, pa, &val, sizeof(val)));
}

/* v2 keeps address >> 4, v3 the address.  Aperture code 1 of a PDE is VRAM. */
uint64_t bus_pde(const struct bus *bus, uint64_t table)
{
	return (bus->hopper ? table : table >> 4) | 1 << 1;
}

uint64_t bus_pte_kind(const struct bus *bus, uint64_t pa, uint64_t kind)
{
	return bus->hopper ? pa | kind << 8 | 1 : pa >> 4 | kind << 56 | 1;
}

uint64_t bus_pte(const struct bus *bus, uint64_t pa)
{
	return bus_pte_kind(bus, pa, 6);
}

uint64_t bus_pte_ro(const struct bus *bus, uint64_t pa)
{
	return bus_pte(bus, pa) | (bus->hopper ? 1 << 5 : 1 << 6);
}

struct tables bus_tables(struct bus *bus, uint64_t base)
{
	struct tables t = {
		.inst = base, .root = base + KIB(4), .pde1 = base + KIB(16),
		.pde0 = base + KIB(20), .pt = base + KIB(24),
	};
	uint64_t pde3 = base + KIB(8), pde2 = base + KIB(12), pde3_or_2 = pde2;

	bus_vram_zero(bus, base, KIB(64));
	if (bus->hopper) {	/* one level more */
		bus_vram_wr(bus, pde3, bus_pde(bus, pde2));
		pde3_or_2 = pde3;
	}
	bus_vram_wr(bus, t.root, bus_pde(bus, pde3_or_2));
	bus_vram_wr(bus, pde2, bus_pde(bus, t.pde1));
	bus_vram_wr(bus, t.pde1, bus_pde(bus, t.pde0));
	bus_vram_wr(bus, t.pde0 + 8, bus_pde(bus, t.pt));
	/* Root in VRAM, bits 10 (new format) and 11 (64 KiB pages) */
	bus_vram_wr(bus, t.inst + 0x200, t.root | 0xc00);
	return t;
}

void bus_set_pte(struct bus *bus, const struct tables *t, uint64_t va, uint64_t pte)
{
	assert_true(va < MIB(2));
	bus_vram_wr(bus, t->pt + va / PAGE * 8, pte);
}

void bus_set_pde0(struct bus *bus, const struct tables *t, uint64_t va, uint64_t lo, uint64_t hi)
{
	assert_true(va < MIB(512));
	bus_vram_wr(bus, t->pde0 + va / MIB(2) * 16, lo);
	bus_vram_wr(bus, t->pde0 + va / MIB(2) * 16 + 8, hi);
}

void bus_bind_start(struct bus *bus, uint64_t inst)
{
	if (bus->hopper) {
		bus_wr(bus, R_BIND_LOW, (uint32_t)inst | 1 << 9);
		bus_wr(bus, R_BIND_HIGH, (uint32_t)(inst >> 32));
	} else {
		bus_wr(bus, R_BIND, 0x80000000u | (uint32_t)(inst >> 12));
	}
}

void bus_bind_wait(struct bus *bus)
{
	uint32_t status = bus->hopper ? R_BIND_LOW : R_BIND_STATUS;
	int polls;

	for (polls = 0; bus_rd(bus, status) & 3; polls++)
		assert_true(polls < 100);
}

void bus_bind(struct bus *bus, uint64_t inst)
{
	bus_bind_start(bus, inst);
	bus_bind_wait(bus);
}

void bus_inval_start(struct bus *bus, uint64_t pdb, uint32_t control)
{
	bus_wr(bus, R_INVAL_PDB, (uint32_t)(pdb >> 12 << 4));
	bus_wr(bus, R_INVAL_UPPER, (uint32_t)(pdb >> 40));
	bus_wr(bus, R_INVAL, control);
}

void bus_inval_wait(struct bus *bus)
{
	int polls;

	for (polls = 0; bus_rd(bus, R_INVAL) & INVAL_TRIGGER; polls++)
		assert_true(polls < 100);
}

void bus_inval(struct bus *bus, uint64_t pdb)
{
	bus_inval_start(bus, pdb, INVAL_GO);
	bus_inval_wait(bus);
}

void bus_inval_ack(struct bus *bus, uint64_t pdb)
{
	bus_inval_start(bus, pdb, INVAL_GO | INVAL_ACK | INVAL_MEMBAR);
	bus_inval_wait(bus);
}

struct tables bus_bring_up(struct bus *bus)
{
	struct tables t = bus_tables(bus, MIB(1));

	bus_order(bus);
	bus_bind(bus, t.inst);
	return t;
}

void bus_map(struct bus *bus, const struct tables *t, uint64_t va, uint64_t pte)
{
	bus_set_pte(bus, t, va, pte);
	bus_order(bus);
	bus_inval(bus, t->root);
}

unsigned int bus_fault_type(struct bus *bus)
{
	assert_true(bus_rd(bus, R_FAULT_STATUS) & 0x80000000u);
	assert_true(bus_rd(bus, R_FAULT_INFO) & 0x80000000u);
	return bus_rd(bus, R_FAULT_INFO) & 0x1f;
}

void bus_fault_clear(struct bus *bus)
{
	bus_wr(bus, R_FAULT_STATUS, bus_rd(bus, R_FAULT_STATUS));
}
