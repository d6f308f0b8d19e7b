// SPDX-License-Identifier: MIT
/* Looking inside: PRAMIN, walks, tables, mappings, check and faults. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "entry_text.h"
#include "fault.h"
#include "inspect.h"
#include "internal.h"
#include "visit.h"
#include "pramin.h"

static int check_pramin(struct nvbar_gpu *core, uint64_t pa, size_t len, bool write)
{
	if (pa > core->vram_size || len > core->vram_size - pa) {
		nvbar_gpu_msg(core, NVBAR_MSG_ERROR,
			      "PRAMIN 0x%llx+0x%zx: leaves VRAM of 0x%llx bytes",
			      (unsigned long long)pa, len, core->vram_size);
		return -ERANGE;
	}
	if (pa + len > nvbar_pramin_reach(core)) {
		nvbar_gpu_msg(core, NVBAR_MSG_ERROR,
			      "PRAMIN 0x%llx+0x%zx: the window reaches 0x%llx bytes on this chip",
			      (unsigned long long)pa, len, nvbar_pramin_reach(core));
		return -EOPNOTSUPP;
	}
	if (write && len && pa < core->reserved_pa + core->reserved_len &&
	    pa + len > core->reserved_pa) {
		nvbar_gpu_msg(core, NVBAR_MSG_ERROR,
			      "PRAMIN 0x%llx+0x%zx: the driver's own region 0x%llx+0x%llx is read-only",
			      (unsigned long long)pa, len, core->reserved_pa, core->reserved_len);
		return -EACCES;
	}
	if (len && nvbar_protect_check(core, "PRAMIN", pa, len, write))
		return -EACCES;
	return nvbar_gpu_may_write(core);
}

int nvbar_pramin_read(struct nvbar *gpu, uint64_t pa, void *buf, size_t len)
{
	int ret;

	NVBAR_VISIT(gpu);
	ret = check_pramin(&gpu->gpu, pa, len, false);
	return ret || !len ? ret : nvbar_pramin_copy_from(&gpu->gpu, pa, buf, len);
}

int nvbar_pramin_write(struct nvbar *gpu, uint64_t pa, const void *buf, size_t len)
{
	int ret;

	NVBAR_VISIT(gpu);
	ret = check_pramin(&gpu->gpu, pa, len, true);
	return ret || !len ? ret : nvbar_pramin_copy_to(&gpu->gpu, pa, buf, len);
}

/* --- walks --- */

static uint32_t public_space(enum nvbar_aperture aperture)
{
	switch (aperture) {
	case NVBAR_APERTURE_SYS_COH:
		return NVBAR_SPACE_SYS_COH;
	case NVBAR_APERTURE_SYS_NONCOH:
		return NVBAR_SPACE_SYS_NONCOH;
	case NVBAR_APERTURE_PEER:
		return NVBAR_SPACE_PEER;
	default:
		return NVBAR_SPACE_VID;
	}
}

static uint32_t public_status(enum nvbar_walk_end end)
{
	switch (end) {
	case NVBAR_WALK_END_OK:
		return NVBAR_WALK_OK;
	case NVBAR_WALK_END_SPARSE:
		return NVBAR_WALK_SPARSE;
	case NVBAR_WALK_END_VA_RANGE:
		return NVBAR_WALK_VA_RANGE;
	case NVBAR_WALK_END_UNREADABLE:
		return NVBAR_WALK_UNREADABLE;
	default:
		return NVBAR_WALK_INVALID;
	}
}

/* How the words of an entry of a table are read. */
static uint32_t public_kind(unsigned int level)
{
	switch (level) {
	case 0:
		return NVBAR_ENTRY_PTE;
	case 1:
		return NVBAR_ENTRY_DUAL_PDE;
	default:
		return NVBAR_ENTRY_PDE;
	}
}

static void publish_step(const struct nvbar_walk_step *step, struct nvbar_walk_level *level)
{
	*level = (struct nvbar_walk_level){
		.kind = public_kind(step->level),
		.index = step->index,
		.space = public_space(step->aperture),
		.addr = step->pa,
		.raw = { step->raw[0], step->raw[1] },
	};
	snprintf(level->name, sizeof(level->name), "%s",
		 nvbar_mmu_level_name(step->level, step->big));
}

int nvbar_walk_space(const struct nvbar_walk_space *space, uint64_t va, struct nvbar_walk *walk)
{
	struct nvbar_walk_result res;
	struct nvbar_walk full = { 0 };
	unsigned int i;
	int ret;

	ret = nvbar_mmu_walk(space, va, &res);
	if (ret)
		return ret;
	full.status = public_status(res.end);
	full.mmu_version = space->fmt->version;
	full.va = va;
	full.nr_levels = res.nr_steps;
	for (i = 0; i < res.nr_steps; i++)
		publish_step(&res.step[i], &full.level[i]);
	if (res.end == NVBAR_WALK_END_OK) {
		full.space = public_space(res.leaf.aperture);
		full.pa = res.pa;
		full.page_size = 1ULL << res.page_shift;
		full.peer = res.leaf.peer;
		full.ro = res.leaf.ro;
		full.vol = res.leaf.vol;
		full.priv = res.leaf.priv;
		full.no_atomic = res.leaf.no_atomic;
		full.mmu_kind = res.leaf.kind;
	}
	nvbar_result_copy(walk, &full, sizeof(full));
	return 0;
}

/* For what looks at page tables. */
static int need_bar1(struct nvbar_gpu *core)
{
	if (core->bar1_size)
		return 0;
	nvbar_gpu_msg(core, NVBAR_MSG_ERROR, "page tables: this GPU has no BAR1");
	return -EOPNOTSUPP;
}

int nvbar_bound_space(struct nvbar *gpu, struct nvbar_walk_space *space)
{
	struct nvbar_gpu *core = &gpu->gpu;
	int ret = nvbar_gpu_may_write(core);

	if (!ret)
		ret = need_bar1(core);
	if (ret)
		return ret;
	*space = (struct nvbar_walk_space){
		.fmt = core->chip->mmu,
		.page_sizes = core->chip->page_sizes,
		.read = nvbar_vmm_walk_read,
		.ctx = core,
	};
	return nvbar_bar1_read_root(core, &space->root_aperture, &space->root_pa);
}

struct nvbar_tree_bounds nvbar_table_bounds(const struct nvbar *gpu)
{
	const struct nvbar_gpu *core = &gpu->gpu;

	return (struct nvbar_tree_bounds){
		.va_limit = core->va_size,
		.region = { core->reserved_pa, core->reserved_len },
	};
}

int nvbar_walk(struct nvbar *gpu, uint64_t va, struct nvbar_walk *walk)
{
	struct nvbar_walk_space space;
	int ret;

	NVBAR_VISIT(gpu);
	ret = nvbar_result_check(gpu, "walk", walk, sizeof(*walk));
	if (!ret)
		ret = nvbar_bound_space(gpu, &space);
	return ret ? ret : nvbar_walk_space(&space, va, walk);
}

int nvbar_decode(unsigned int mmu_version, enum nvbar_entry_kind kind, uint64_t lo, uint64_t hi,
		 char *buf, size_t len)
{
	const struct nvbar_mmu_fmt *fmt;
	enum nvbar_entry_form form;

	switch (mmu_version) {
	case 2:
		fmt = &nvbar_mmu_ver2;
		break;
	case 3:
		fmt = &nvbar_mmu_ver3;
		break;
	default:
		return -EINVAL;
	}
	switch (kind) {
	case NVBAR_ENTRY_PDE:
		form = NVBAR_ENTRY_FORM_PDE;
		break;
	case NVBAR_ENTRY_DUAL_PDE:
		form = NVBAR_ENTRY_FORM_DUAL_PDE;
		break;
	case NVBAR_ENTRY_PTE:
		form = NVBAR_ENTRY_FORM_PTE;
		break;
	default:
		return -EINVAL;
	}
	if (!len)
		return -EINVAL;
	nvbar_entry_text(fmt, form, lo, hi, buf, len);
	return 0;
}

/* --- all entries --- */

struct entry_visit {
	struct nvbar_gpu *core;
	int (*fn)(const struct nvbar_entry_info *info, void *arg);
	void *arg;
	int result;
};

/* As the driver leaves an entry where nothing is mapped, if that is not empty. */
static bool is_unused(const struct nvbar_pt *pt, const struct nvbar_tree_table *table,
		      const u64 *raw)
{
	const struct nvbar_pt_level *level = table->big ? &pt->big : &pt->level[table->level];

	return raw[0] == level->background && !raw[1];
}

static int visit_entry(void *ctx, const struct nvbar_tree_table *table, u32 index, const u64 *raw)
{
	struct entry_visit *visit = ctx;
	struct nvbar_entry_info info = {
		.kind = public_kind(table->level),
		.mmu_version = visit->core->chip->mmu->version,
		.index = index,
		.addr = table->pa + 8ULL * table->shape->entry_words * index,
		.va = table->va + ((u64)index << table->shape->shift),
		.raw = { raw[0], raw[1] },
	};

	if (is_unused(&visit->core->vmm.pt, table, raw))
		return 0;
	snprintf(info.name, sizeof(info.name), "%s", nvbar_mmu_level_name(table->level, table->big));
	visit->result = visit->fn(&info, visit->arg);
	/* Any errno ends the visit; the caller's result is kept beside it. */
	return visit->result ? -ECANCELED : 0;
}

int nvbar_for_each_entry(struct nvbar *gpu, int (*fn)(const struct nvbar_entry_info *, void *),
			 void *arg)
{
	struct entry_visit visit = { .core = &gpu->gpu, .fn = fn, .arg = arg };
	const struct nvbar_tree_visitor visitor = { .entry = visit_entry, .ctx = &visit };
	const struct nvbar_tree_bounds bounds = nvbar_table_bounds(gpu);
	struct nvbar_walk_space space;
	int ret;

	NVBAR_VISIT(gpu);
	ret = nvbar_bound_space(gpu, &space);
	if (ret)
		return ret;
	mutex_lock(&gpu->gpu.vmm.lock);
	ret = nvbar_tree_visit(&space, &bounds, &visitor);
	mutex_unlock(&gpu->gpu.vmm.lock);
	return visit.result ? visit.result : ret;
}

/* --- mappings --- */

static const char *state_name(enum nvbar_mapping_state state)
{
	switch (state) {
	case NVBAR_MAPPING_PREPARED:
		return "prepared";
	case NVBAR_MAPPING_MAPPED:
		return "mapped";
	default:
		return "quarantined";
	}
}

/* What BAR1 has beyond the addresses that the driver uses, if anything. */
static int visit_rest(const struct nvbar_gpu *core,
		      int (*fn)(const struct nvbar_mapping_info *, void *), void *arg)
{
	const struct nvbar_mapping_info info = {
		.va = core->va_size,
		.len = core->bar1_size - core->va_size,
		.state = "unused",
	};

	return info.len ? fn(&info, arg) : 0;
}

int nvbar_for_each_mapping(struct nvbar *gpu, int (*fn)(const struct nvbar_mapping_info *, void *),
			   void *arg)
{
	struct nvbar_vmm *vmm = &gpu->gpu.vmm;
	struct nvbar_va_node *node;
	int ret = 0;

	NVBAR_VISIT(gpu);
	mutex_lock(&vmm->lock);
	for (node = nvbar_va_first(&vmm->va); node && !ret; node = nvbar_va_next(node)) {
		const struct nvbar_mapping *mapping =
			container_of(node, struct nvbar_mapping, node);
		struct nvbar_mapping_info info = {
			.va = node->start,
			.len = node->len,
			.flags = mapping->flags & ~NVBAR_VMM_STATIC,
			.page_sizes = mapping->page_sizes,
			.holders = mapping->refs,
			.state = state_name(mapping->state),
		};

		memcpy(info.label, mapping->label, sizeof(info.label));
		ret = fn(&info, arg);
	}
	mutex_unlock(&vmm->lock);
	return ret ? ret : visit_rest(&gpu->gpu, fn, arg);
}

void nvbar_trim(struct nvbar *gpu)
{
	NVBAR_VISIT_OR(gpu, );
	if (!gpu->gpu.observe && gpu->gpu.bar1_size)
		nvbar_vmm_trim(&gpu->gpu);
}

uint64_t nvbar_zero_tables(struct nvbar *gpu, uint64_t max)
{
	NVBAR_VISIT_OR(gpu, 0);
	if (gpu->gpu.observe || !gpu->gpu.bar1_size)
		return 0;
	return nvbar_vmm_zero_tables(&gpu->gpu, max);
}

/* --- check and faults --- */

_Static_assert((int)NVBAR_PROBLEM_FREE_PAGE == NVBAR_CHECK_FREE_PAGE, "kinds differ");
_Static_assert((int)NVBAR_PROBLEM_STALE_TLB == NVBAR_CHECK_STALE_TLB, "kinds differ");
_Static_assert((int)NVBAR_PROBLEM_VRAM_OVERLAP == NVBAR_CHECK_VRAM_OVERLAP, "kinds differ");
_Static_assert((int)NVBAR_PROBLEM_VRAM_OVERLAP + 1 == NVBAR_CHECK_KINDS, "kinds differ");
_Static_assert((int)NVBAR_CHECK_KINDS <= NVBAR_PROBLEM_ROOM, "too many kinds");

const char *nvbar_problem_name(unsigned int kind)
{
	return nvbar_check_kind_name(kind);
}

int nvbar_check(struct nvbar *gpu, struct nvbar_check_report *report)
{
	struct nvbar_check_report full = { .problem = report->problem, .arg = report->arg };
	struct nvbar_check check = { .problem = report->problem, .arg = report->arg };
	size_t i;
	int ret;

	NVBAR_VISIT(gpu);
	ret = nvbar_result_check(gpu, "check", report, sizeof(full));
	if (!ret)
		ret = need_bar1(&gpu->gpu);
	if (!ret)
		ret = nvbar_gpu_may_write(&gpu->gpu);
	if (ret)
		return ret;
	ret = nvbar_check_run(&gpu->gpu, &check);
	if (ret && ret != -EIO)
		return ret;

	full.tables = check.tables;
	full.entries = check.entries;
	full.mappings = check.mappings;
	full.problems = check.problems;
	for (i = 0; i < NVBAR_CHECK_KINDS; i++)
		full.by_kind[i] = check.by_kind[i];
	nvbar_result_copy(report, &full, sizeof(full));
	return ret;
}

int nvbar_get_fault(struct nvbar *gpu, struct nvbar_fault *fault)
{
	struct nvbar_fault_info info;
	struct nvbar_fault full = { 0 };
	int ret;

	NVBAR_VISIT(gpu);
	ret = nvbar_result_check(gpu, "fault", fault, sizeof(full));
	if (ret)
		return ret;
	ret = nvbar_fault_read(&gpu->gpu, &info);
	if (ret)
		return ret;
	if (info.unreadable) {
		nvbar_gpu_msg(&gpu->gpu, NVBAR_MSG_ERROR, "%s", info.text);
		return -EIO;
	}
	full.va = info.va;
	full.type = info.type;
	full.access = info.access;
	full.client = info.client;
	full.engine = info.engine;
	full.inst_pa = info.inst_pa;
	full.dropped = info.dropped;
	full.write = info.write;
	full.physical = info.physical;
	snprintf(full.text, sizeof(full.text), "%s", info.text);
	nvbar_result_copy(fault, &full, sizeof(full));
	return 0;
}

int nvbar_clear_fault(struct nvbar *gpu)
{
	int ret;

	NVBAR_VISIT(gpu);
	ret = nvbar_gpu_may_write(&gpu->gpu);
	return ret ? ret : nvbar_fault_clear(&gpu->gpu);
}
