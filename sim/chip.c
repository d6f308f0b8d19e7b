/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sim_chip.h"
#include "hw/mmu_fault.h"

#define PRE_HOPPER_ENGINES \
	MMU_ENGINE_ID_BAR1_TU102, MMU_ENGINE_ID_BAR2_TU102, MMU_ENGINE_ID_PHYSICAL_TU102
#define HOPPER_ENGINES \
	MMU_ENGINE_ID_BAR1_GH100, MMU_ENGINE_ID_BAR2_GH100, MMU_ENGINE_ID_PHYSICAL_GH100

/* All revision A1.  A GA102 reads 101b above its BOOT_0 architecture. */
static const struct sim_chip chips[] = {
	{ "tu102", SIM_TU102, 0x162000a1, 0x162a1000, &sim_mmu_turing, PRE_HOPPER_ENGINES },
	{ "ga100", SIM_GA100, 0x170000a1, 0x170a1000, &sim_mmu_ampere, PRE_HOPPER_ENGINES },
	{ "ga102", SIM_GA102, 0xb72000a1, 0x172a1000, &sim_mmu_ampere, PRE_HOPPER_ENGINES },
	{ "ad102", SIM_AD102, 0x192000a1, 0x192a1000, &sim_mmu_ampere, PRE_HOPPER_ENGINES },
	{ "gh100", SIM_GH100, 0x180000a1, 0x180a1000, &sim_mmu_hopper, HOPPER_ENGINES },
	{ "gb100", SIM_GB100, 0x1a0000a1, 0x1a0a1000, &sim_mmu_blackwell, HOPPER_ENGINES },
	{ "gb202", SIM_GB202, 0x1b2000a1, 0x1b2a1000, &sim_mmu_blackwell, HOPPER_ENGINES },
};

const struct sim_chip *sim_chip_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(chips); i++)
		if (!strcmp(chips[i].name, name))
			return &chips[i];
	return NULL;
}

void sim_chip_names(char *text, size_t len)
{
	size_t i, used = 0;

	for (i = 0; i < ARRAY_LEN(chips) && used < len; i++)
		used += (size_t)snprintf(text + used, len - used, "%s%s", i ? " " : "",
					 chips[i].name);
}

const char *sim_chip_fault_name(const struct sim_chip *chip, unsigned int type)
{
	static const char *const names[] = {
		[MMU_FAULT_TYPE_PDE] = "PDE",
		[MMU_FAULT_TYPE_PDE_SIZE] = "PDE_SIZE",
		[MMU_FAULT_TYPE_PTE] = "PTE",
		[MMU_FAULT_TYPE_VA_LIMIT_VIOLATION] = "VA_LIMIT_VIOLATION",
		[MMU_FAULT_TYPE_UNBOUND_INST_BLOCK] = "UNBOUND_INST_BLOCK",
		[MMU_FAULT_TYPE_PRIV_VIOLATION] = "PRIV_VIOLATION",
		[MMU_FAULT_TYPE_RO_VIOLATION] = "RO_VIOLATION",
		[MMU_FAULT_TYPE_WO_VIOLATION] = "WO_VIOLATION",
		[MMU_FAULT_TYPE_PITCH_MASK_VIOLATION] = "PITCH_MASK_VIOLATION",
		[MMU_FAULT_TYPE_WORK_CREATION] = "WORK_CREATION",
		[MMU_FAULT_TYPE_UNSUPPORTED_APERTURE] = "UNSUPPORTED_APERTURE",
		[MMU_FAULT_TYPE_COMPRESSION_FAILURE] = "COMPRESSION_FAILURE",
		[MMU_FAULT_TYPE_UNSUPPORTED_KIND] = "UNSUPPORTED_KIND",
		[MMU_FAULT_TYPE_REGION_VIOLATION] = "REGION_VIOLATION",
		[MMU_FAULT_TYPE_POISONED] = "POISONED",
		[MMU_FAULT_TYPE_ATOMIC_VIOLATION] = "ATOMIC_VIOLATION",
	};

	if (type == MMU_FAULT_TYPE_CC_VIOLATION && chip->bit & SIM_BLACKWELL)
		return "CC_VIOLATION";
	return type < ARRAY_LEN(names) ? names[type] : "?";
}
