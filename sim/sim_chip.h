/* SPDX-License-Identifier: MIT */
/* What tells one chip from another, as data. */
#ifndef SIM_CHIP_H
#define SIM_CHIP_H

#include <stdint.h>

#include "sim_bits.h"
#include "sim_mmu.h"

/* Sets of chips, for the register map. */
#define SIM_TU102	BIT(0)
#define SIM_GA100	BIT(1)
#define SIM_GA102	BIT(2)
#define SIM_AD102	BIT(3)
#define SIM_GH100	BIT(4)
#define SIM_GB100	BIT(5)
#define SIM_GB202	BIT(6)
#define SIM_PRE_HOPPER	(SIM_TU102 | SIM_GA100 | SIM_GA102 | SIM_AD102)
#define SIM_BLACKWELL	(SIM_GB100 | SIM_GB202)
#define SIM_HOPPER_ON	(SIM_GH100 | SIM_BLACKWELL)
#define SIM_ALL_CHIPS	(SIM_PRE_HOPPER | SIM_HOPPER_ON)
/* VRAM size as magnitude and scale; as MiB on the others */
#define SIM_SIZE_SCALED	(SIM_TU102 | SIM_GA100)
#define SIM_HAS_DISPLAY	(SIM_TU102 | SIM_GA102 | SIM_AD102 | SIM_GB202)

/**
 * struct sim_chip - one chip
 * @name: as in a device string
 * @bit: SIM_TU102 ...
 * @boot0: PMC_BOOT_0
 * @boot42: PMC_BOOT_42
 * @mmu: what it walks
 * @engine_bar1: fault engine id of BAR1
 * @engine_bar2: the same of BAR2
 * @engine_phys: fault engine id of physical accesses
 */
struct sim_chip {
	const char *name;
	uint32_t bit;
	uint32_t boot0;
	uint32_t boot42;
	const struct sim_mmu_arch *mmu;
	uint16_t engine_bar1;
	uint16_t engine_bar2;
	uint16_t engine_phys;
};

/* Return: NULL if there is no such chip. */
const struct sim_chip *sim_chip_find(const char *name);

/* The names of all, with blanks between them. */
void sim_chip_names(char *text, size_t len);

/* Name of an MMU_FAULT_TYPE_* on this chip. */
const char *sim_chip_fault_name(const struct sim_chip *chip, unsigned int type);

#endif
