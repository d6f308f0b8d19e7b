// SPDX-License-Identifier: MIT
/*
 * Page tables that lie.  The driver's own region, instance block and tables,
 * is overwritten as a GPU gone wild would; everything that reads tables must
 * come to an end, and the ways of reading them must agree.
 *
 * An input is a byte for the chip, a byte for how many VAs are walked, those,
 * and then what is written:
 *
 *	0 WORD(2) VALUE(8)		a word of the region
 *	1 WORD(2) PAGE(2) FLAGS(1)	an entry that points into the region:
 *					aperture, volatile, big
 *	2 PAGE(2) VALUE(8)		a page full of one word
 *	3 PAGE(2) PAGE(2) FLAGS(1)	a page full of such entries
 */
#include <linux/errno.h>

#include "chip.h"
#include "fuzz.h"
#include "internal.h"
#include "pramin.h"

#define OPTIONS		",vram=64M,bar1=64M"
#define PAGE_WORDS	512
#define MAX_VAS		8
#define MAX_WRITES	64

/*
 * The most entries that a tree over 64 MiB has, however it is linked: 32 pairs
 * of leaf tables under one table of each level above.
 */
#define MAX_ENTRIES	(32 * (512 + 32) + 5 * 512)

/* Trees of more entries are not compared by way of a snapshot, to save time. */
#define MAX_SNAPSHOT	2048

/* --- writing --- */

struct region {
	struct nvbar_gpu *gpu;
	u64 pa;
	u64 nr_words;
};

static void write_words(struct region *region, u64 word, u64 val, u64 nr)
{
	u64 words[PAGE_WORDS];
	u64 i;

	for (i = 0; i < nr; i++)
		words[i] = val;
	must(!nvbar_pramin_copy_to(region->gpu, region->pa + 8 * word, words, 8 * nr));
}

static u64 take_word(struct region *region, struct fuzz_input *in)
{
	return fuzz_take(in, 2) % region->nr_words;
}

static u64 take_page(struct region *region, struct fuzz_input *in)
{
	return fuzz_take(in, 2) % (region->nr_words / PAGE_WORDS);
}

static u64 take_pde(struct region *region, struct fuzz_input *in)
{
	u64 page = take_page(region, in), flags = fuzz_take(in, 1), raw = 0;
	const struct nvbar_pde pde = {
		.state = NVBAR_ENTRY_VALID,
		.aperture = flags % 3,
		.addr = region->pa + 8 * PAGE_WORDS * page,
		.vol = flags & 4,
	};

	must(!region->gpu->chip->mmu->encode_pde(&pde, flags & 8, &raw));
	return raw;
}

static void write_one(struct region *region, struct fuzz_input *in)
{
	unsigned int how = fuzz_take(in, 1);
	u64 word = how & 2 ? PAGE_WORDS * take_page(region, in) : take_word(region, in);
	u64 val = how & 1 ? take_pde(region, in) : fuzz_take(in, 8);

	write_words(region, word, val, how & 2 ? PAGE_WORDS : 1);
}

/* --- reading --- */

static bool is_end(int ret)
{
	return !ret || ret == -EIO || ret == -ENOENT;
}

static int count_entry(const struct nvbar_entry_info *info, void *arg)
{
	unsigned int *nr = arg;

	must(info->raw[0] || info->raw[1]);
	must(++*nr <= MAX_ENTRIES);
	return 0;
}

static int add_line(const char *line, void *text)
{
	fprintf(text, "%s\n", line);
	return 0;
}

/* Return: NULL where no table can be found. */
static struct nvbar_snapshot *take_snapshot(struct nvbar *gpu)
{
	struct nvbar_snapshot *snap = NULL;
	char *text = NULL, why[200];
	size_t len;
	FILE *file = open_memstream(&text, &len);
	int ret;

	must(file);
	ret = nvbar_snapshot_take(gpu, add_line, file);
	must(!fclose(file));
	must(is_end(ret));
	if (!ret)
		must(!nvbar_snapshot_parse(text, len, &snap, why, sizeof(why)));
	free(text);
	return snap;
}

static void same_level(const struct nvbar_walk_level *a, const struct nvbar_walk_level *b)
{
	must(!strcmp(a->name, b->name));
	must(a->kind == b->kind);
	must(a->index == b->index);
	must(a->addr == b->addr);
	must(a->raw[0] == b->raw[0] && a->raw[1] == b->raw[1]);
}

/* Two walks of the same tables; of tables in system memory a snapshot does not say which kind. */
static void same_walk(const struct nvbar_walk *a, const struct nvbar_walk *b)
{
	uint32_t i;

	must(a->status == b->status);
	must(a->mmu_version == b->mmu_version);
	must(a->nr_levels == b->nr_levels);
	for (i = 0; i < a->nr_levels; i++)
		same_level(&a->level[i], &b->level[i]);
	must(a->space == b->space);
	must(a->pa == b->pa);
	must(a->page_size == b->page_size);
	must(a->peer == b->peer);
	must(a->ro == b->ro && a->vol == b->vol);
	must(a->priv == b->priv && a->no_atomic == b->no_atomic);
	must(a->mmu_kind == b->mmu_kind);
}

/* Does the walk come to a table that lies elsewhere? */
static bool leaves_region(const struct nvbar_gpu *gpu, const struct nvbar_walk *walk)
{
	uint32_t i;

	for (i = 0; i < walk->nr_levels; i++)
		if (walk->level[i].addr - gpu->reserved_pa >= gpu->reserved_len)
			return true;
	return false;
}

/* A snapshot holds what is reached from the aperture's VAs in the driver's region. */
static void walk(struct nvbar *gpu, const struct nvbar_snapshot *snap, u64 va)
{
	struct nvbar_walk now = { .size = sizeof(now) }, then = { .size = sizeof(then) };
	int ret = nvbar_walk(gpu, va, &now);

	must(is_end(ret));
	if (!snap || va >= gpu->gpu.bar1_size)
		return;
	must(!ret);
	must(!nvbar_snapshot_walk(snap, 0, va, &then));
	if (leaves_region(&gpu->gpu, &now))
		must(then.status == NVBAR_WALK_UNREADABLE);
	else
		same_walk(&now, &then);
}

static void read_all(struct nvbar *gpu, struct fuzz_input *vas)
{
	struct nvbar_check_report report = { .size = sizeof(report) };
	struct nvbar_snapshot *snap = NULL;
	unsigned int nr = 0;

	must(is_end(nvbar_for_each_entry(gpu, count_entry, &nr)));
	must(is_end(nvbar_check(gpu, &report)));
	must(report.entries <= MAX_ENTRIES);
	if (nr <= MAX_SNAPSHOT)
		snap = take_snapshot(gpu);
	walk(gpu, snap, 0);
	while (vas->len)
		walk(gpu, snap, fuzz_take(vas, 8));
	nvbar_snapshot_free(snap);
}

/* The driver reads no tables to map: it goes on as if nothing was. */
static void map_page(struct nvbar *gpu)
{
	const struct nvbar_extent page = { 0x10000, 0x1000 };
	struct nvbar_access *access;

	must(!nvbar_map(gpu, &page, 1, NULL, &access));
	must(!nvbar_unmap(access));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = { data, len }, vas;
	struct nvbar *gpu = fuzz_open(fuzz_take(&in, 1), OPTIONS, 0);
	struct region region = {
		&gpu->gpu, gpu->gpu.reserved_pa, gpu->gpu.reserved_len / 8,
	};
	unsigned int i;

	map_page(gpu);
	vas.len = 8 * (fuzz_take(&in, 1) % (MAX_VAS + 1));
	if (vas.len > in.len)
		vas.len = in.len;
	vas.data = in.data;
	in.data += vas.len;
	in.len -= vas.len;
	for (i = 0; in.len && i < MAX_WRITES; i++)
		write_one(&region, &in);
	read_all(gpu, &vas);
	map_page(gpu);
	nvbar_close(gpu);
	return 0;
}
