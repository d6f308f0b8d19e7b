// SPDX-License-Identifier: MIT
/*
 * The text of a snapshot, and walks of what it says.  The driver's walker and
 * the model's, which share no code, come to the same end by the same entries.
 */
#include "fuzz.h"
#include "sim_mmu.h"
#include "snapshot.h"

/* x lines that are walked, of each scenario */
#define MAX_WALKS	32

static bool fetch(void *arg, uint64_t va, const struct sim_mmu_slot *slot, uint64_t val[2])
{
	enum snapshot_space space = slot->space == SIM_MMU_VID ? SNAPSHOT_VID : SNAPSHOT_SYS;
	unsigned int i;

	(void)va;
	for (i = 0; i < slot->words; i++)
		if (!snapshot_read64(arg, space, slot->addr + 8 * i, &val[i]))
			return false;
	return true;
}

static void same_steps(const struct nvbar_walk *walk, const struct sim_mmu_walk *sim)
{
	bool cut = walk->status == NVBAR_WALK_UNREADABLE;
	uint32_t i;

	must(walk->nr_levels == sim->nr_steps);
	for (i = 0; i < walk->nr_levels; i++) {
		const struct sim_mmu_step *step = &sim->step[i];

		must(walk->level[i].addr == step->slot.addr);
		must(walk->level[i].index == step->slot.index);
		if (cut && i + 1 == walk->nr_levels)
			break;
		must(walk->level[i].raw[0] == step->val[0]);
		must(walk->level[i].raw[1] == step->val[1]);
	}
}

static void same_end(const struct nvbar_walk *walk, const struct sim_mmu_xlat *x)
{
	static const uint32_t status[] = {
		[SIM_MMU_OK] = NVBAR_WALK_OK,
		[SIM_MMU_SPARSE] = NVBAR_WALK_SPARSE,
		[SIM_MMU_INVALID] = NVBAR_WALK_INVALID,
		[SIM_MMU_VA_RANGE] = NVBAR_WALK_VA_RANGE,
		[SIM_MMU_UNREADABLE] = NVBAR_WALK_UNREADABLE,
	};
	static const char *const spaces[] = {
		[NVBAR_SPACE_VID] = "vid",
		[NVBAR_SPACE_PEER] = "peer",
		[NVBAR_SPACE_SYS_COH] = "sys_coh",
		[NVBAR_SPACE_SYS_NONCOH] = "sys_noncoh",
	};

	must(walk->status == status[x->outcome]);
	if (walk->status != NVBAR_WALK_OK)
		return;
	must(walk->pa == x->pa && walk->page_size == 1ull << x->page_shift);
	must(!strcmp(spaces[walk->space], sim_mmu_aperture_name(x->aperture)));
	must(walk->peer == x->peer && walk->mmu_kind == x->kind);
	must(walk->ro == !!(x->flags & SIM_MMU_RO) && walk->vol == !!(x->flags & SIM_MMU_VOL));
	must(walk->priv == !!(x->flags & SIM_MMU_PRIV));
	must(walk->no_atomic == !!(x->flags & SIM_MMU_NO_ATOMIC));
}

static void walk_both(const struct nvbar_snapshot *snap, size_t i,
		      const struct snapshot_scenario *scenario, uint64_t va)
{
	const struct sim_mmu_arch *arch = sim_mmu_arch_find(scenario->chip);
	struct nvbar_walk walk = { .size = sizeof(walk) };
	struct sim_mmu_walk sim;

	must(arch);
	must(!nvbar_snapshot_walk(snap, i, va, &walk));
	sim_mmu_walk(arch, scenario->root_space == SNAPSHOT_VID ? SIM_MMU_VID : SIM_MMU_SYS,
		     scenario->root, va, fetch, (void *)(uintptr_t)scenario, &sim);
	same_end(&walk, &sim.xlat);
	same_steps(&walk, &sim);
}

static void walk_scenario(const struct nvbar_snapshot *snap, size_t i,
			  const struct snapshot_scenario *scenario)
{
	size_t x;

	must(!strcmp(nvbar_snapshot_name(snap, i), scenario->name));
	walk_both(snap, i, scenario, 0);
	for (x = 0; x < scenario->nr_expects && x < MAX_WALKS; x++)
		walk_both(snap, i, scenario, scenario->expect[x].va);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct nvbar_snapshot *snap = NULL;
	struct snapshot_error err;
	struct snapshot *text;
	char why[200] = "";
	size_t i;
	int ret;

	ret = nvbar_snapshot_parse((const char *)data, len, &snap, why, sizeof(why));
	must(snapshot_parse((const char *)data, len, &text, &err) == ret);
	if (ret) {
		must(why[0] && err.reason[0] && !snap);
		return 0;
	}
	must(nvbar_snapshot_count(snap) == snapshot_nr_scenarios(text));
	must(!nvbar_snapshot_name(snap, snapshot_nr_scenarios(text)));
	for (i = 0; i < snapshot_nr_scenarios(text); i++)
		walk_scenario(snap, i, snapshot_scenario(text, i));
	snapshot_free(text);
	nvbar_snapshot_free(snap);
	return 0;
}
