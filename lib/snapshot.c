// SPDX-License-Identifier: MIT
/* Page tables as text: written from a GPU, walked without one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/slab.h>

#include <hw/mmu.h>

#include "inspect.h"
#include "internal.h"
#include "visit.h"
#include "snapshot.h"

/*
 * Chips of one name have the same format and leaf sizes.  The driver's table
 * of chips has more, but a snapshot names no more than this.
 */
static const struct {
	const char *name;
	const struct nvbar_mmu_fmt *fmt;
	u64 page_sizes;
} families[] = {
#define SIZES	(BIT_ULL(MMU_PAGE_SHIFT_4K) | BIT_ULL(MMU_PAGE_SHIFT_64K) | BIT_ULL(MMU_PAGE_SHIFT_2M))
	{ "turing", &nvbar_mmu_ver2, SIZES },
	{ "ampere", &nvbar_mmu_ver2, SIZES | BIT_ULL(MMU_PAGE_SHIFT_512M) },
	{ "hopper", &nvbar_mmu_ver3, SIZES | BIT_ULL(MMU_PAGE_SHIFT_512M) },
	{ "blackwell", &nvbar_mmu_ver3,
	  SIZES | BIT_ULL(MMU_PAGE_SHIFT_512M) | BIT_ULL(MMU_PAGE_SHIFT_256G) },
#undef SIZES
};

#define NR_FAMILIES	(sizeof(families) / sizeof(families[0]))

/* --- writing --- */

struct writer {
	struct nvbar_gpu *core;
	int (*line)(const char *text, void *arg);
	void *arg;
	bool words;	/* the second pass, which prints them */
	int result;
};

static int put(struct writer *writer, const char *text)
{
	writer->result = writer->line(text, writer->arg);
	return writer->result ? -ECANCELED : 0;
}

static const char *space_name(enum nvbar_aperture aperture)
{
	return aperture == NVBAR_APERTURE_VID ? "vid" : "sys";
}

static int write_table(void *ctx, const struct nvbar_tree_table *table, const u64 *words)
{
	u32 nr = table->shape->entry_words << table->shape->bits;
	struct writer *writer = ctx;
	char text[128];
	int ret = 0;
	u32 i;

	if (!writer->words) {
		/* The root fills its page. */
		u32 bytes = table->big ? nvbar_mmu_table_bytes(table->shape) : MMU_ROOT_TABLE_SIZE;

		snprintf(text, sizeof(text), "table %s 0x%llx 0x%x %s",
			 space_name(table->aperture), table->pa, bytes,
			 nvbar_mmu_level_name(table->level, table->big));
		return put(writer, text);
	}
	for (i = 0; i < nr && !ret; i++) {
		if (!words[i])
			continue;
		snprintf(text, sizeof(text), "mem %s 0x%llx 0x%llx", space_name(table->aperture),
			 table->pa + 8ULL * i, words[i]);
		ret = put(writer, text);
	}
	return ret;
}

static const char *family_name(const struct nvbar_gpu *core)
{
	size_t i;

	for (i = 0; i < NR_FAMILIES; i++)
		if (families[i].fmt == core->chip->mmu &&
		    families[i].page_sizes == core->chip->page_sizes)
			return families[i].name;
	return "unknown";
}

static int write_scenario(struct writer *writer, const struct nvbar_walk_space *space,
			  const struct nvbar_tree_bounds *bounds)
{
	const struct nvbar_tree_visitor visitor = { .table = write_table, .ctx = writer };
	struct nvbar_gpu *core = writer->core;
	char text[128];
	int ret;

	snprintf(text, sizeof(text), "scenario bar1-%s %u %s %s 0x%llx", core->chip->name,
		 space->fmt->version, family_name(core), space_name(space->root_aperture),
		 space->root_pa);
	ret = put(writer, text);
	if (!ret)
		ret = nvbar_tree_visit(space, bounds, &visitor);
	writer->words = true;
	if (!ret)
		ret = nvbar_tree_visit(space, bounds, &visitor);
	return ret ? ret : put(writer, "end");
}

int nvbar_snapshot_take(struct nvbar *gpu, int (*line)(const char *text, void *arg), void *arg)
{
	const struct nvbar_tree_bounds bounds = nvbar_table_bounds(gpu);
	struct writer writer = { .core = &gpu->gpu, .line = line, .arg = arg };
	struct nvbar_walk_space space;
	int ret;

	NVBAR_VISIT(gpu);
	ret = nvbar_bound_space(gpu, &space);
	if (ret)
		return ret;
	mutex_lock(&gpu->gpu.vmm.lock);
	ret = write_scenario(&writer, &space, &bounds);
	mutex_unlock(&gpu->gpu.vmm.lock);
	return writer.result ? writer.result : ret;
}

/* --- reading --- */

struct nvbar_snapshot {
	struct snapshot *text;
};

int nvbar_snapshot_parse(const char *text, size_t len, struct nvbar_snapshot **snap, char *why,
			 size_t why_len)
{
	struct snapshot_error err;
	struct nvbar_snapshot *made;
	int ret;

	made = kzalloc(sizeof(*made), GFP_KERNEL);
	if (!made)
		return -ENOMEM;
	ret = snapshot_parse(text, len, &made->text, &err);
	if (ret) {
		kfree(made);
		if (ret == -EINVAL && why)
			snprintf(why, why_len, "line %zu: %s", err.line, err.reason);
		return ret;
	}
	*snap = made;
	return 0;
}

void nvbar_snapshot_free(struct nvbar_snapshot *snap)
{
	if (!snap)
		return;
	snapshot_free(snap->text);
	kfree(snap);
}

size_t nvbar_snapshot_count(const struct nvbar_snapshot *snap)
{
	return snapshot_nr_scenarios(snap->text);
}

const char *nvbar_snapshot_name(const struct nvbar_snapshot *snap, size_t i)
{
	if (i >= nvbar_snapshot_count(snap))
		return NULL;
	return snapshot_scenario(snap->text, i)->name;
}

/* The walker's context is not const; the scenario is only read. */
struct reader {
	const struct snapshot_scenario *scenario;
};

static int read_snapshot(void *ctx, enum nvbar_aperture aperture, u64 pa, u64 *words, size_t nr)
{
	const struct reader *reader = ctx;
	enum snapshot_space space = aperture == NVBAR_APERTURE_VID ? SNAPSHOT_VID : SNAPSHOT_SYS;
	uint64_t val;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (!snapshot_read64(reader->scenario, space, pa + 8 * i, &val))
			return -EFAULT;
		words[i] = val;
	}
	return 0;
}

int nvbar_snapshot_walk(const struct nvbar_snapshot *snap, size_t i, uint64_t va,
			struct nvbar_walk *walk)
{
	struct nvbar_walk_space space = { .read = read_snapshot };
	struct reader reader;
	size_t f;

	if (nvbar_result_refused(walk, sizeof(*walk)))
		return -EINVAL;
	if (i >= nvbar_snapshot_count(snap))
		return -ENOENT;
	reader.scenario = snapshot_scenario(snap->text, i);
	for (f = 0; f < NR_FAMILIES && !space.fmt; f++) {
		if (!strcmp(families[f].name, reader.scenario->chip)) {
			space.fmt = families[f].fmt;
			space.page_sizes = families[f].page_sizes;
		}
	}
	if (!space.fmt || space.fmt->version != reader.scenario->version)
		return -EIO;
	space.root_aperture = reader.scenario->root_space == SNAPSHOT_VID ? NVBAR_APERTURE_VID :
									    NVBAR_APERTURE_SYS_COH;
	space.root_pa = reader.scenario->root;
	space.ctx = &reader;
	return nvbar_walk_space(&space, va, walk);
}
