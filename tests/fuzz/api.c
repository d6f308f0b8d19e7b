// SPDX-License-Identifier: MIT
/*
 * Sequences of calls of the public API on a small GPU.  An input is a byte
 * for the chip, a byte for how it is opened, and then calls: a byte for which,
 * and what its arguments take.
 *
 * Each call succeeds or fails with an errno that a healthy GPU can give; one
 * that failed has left its out parameter and the address spaces as they were.
 * At the end the driver finds no contradiction, the model has counted nothing
 * that hardware would refuse, and with all handles gone all space is free.
 */
#include <errno.h>

#include <nvbar_compat.h>

#include "fuzz.h"
#include "internal.h"

#define VRAM		(16ull << 20)
#define BAR1		(64ull << 20)
#define PAGE		4096ull
#define MAX_CALLS	200
#define MAX_EXTENTS	16
#define MAX_PAGES	64
#define NR_SLOTS	8
#define BUF_BYTES	(256u << 10)

/* What an out parameter holds before a call. */
#define UNTOUCHED	((void *)(uintptr_t)0x5a5a5a5a)

/**
 * struct world - a GPU and all that was made on it; a slot may be empty
 * @gpu: the GPU
 * @in: what is left of the input
 * @vram: allocations
 * @access: mappings
 * @prepared: preparations
 * @observe: nothing but looking is allowed
 * @no_memory: the call under way may find no host memory
 */
struct world {
	struct nvbar *gpu;
	struct fuzz_input in;
	struct nvbar_vram *vram[NR_SLOTS];
	struct nvbar_access *access[NR_SLOTS];
	struct nvbar_prepared *prepared[NR_SLOTS];
	bool observe;
	bool no_memory;
};

static uint8_t buf[BUF_BYTES];

/* --- results --- */

static bool is_allowed(const struct world *w, int ret)
{
	switch (ret) {
	case 0:
	case -EINVAL:
	case -ERANGE:
	case -EEXIST:
	case -ENOSPC:
	case -ENOENT:
	case -EOPNOTSUPP:
	case -EACCES:
		return true;
	case -ENOMEM:
		return w->no_memory;
	default:
		return false;
	}
}

static void same_space(const struct nvbar_stats *a, const struct nvbar_stats *b)
{
	must(a->mappings == b->mappings && a->mapped_bytes == b->mapped_bytes);
	must(a->va_free == b->va_free && a->va_largest_free == b->va_largest_free);
	must(a->vram_free == b->vram_free && a->vram_largest_free == b->vram_largest_free);
}

/* --- arguments --- */

static unsigned int take_slot(struct world *w)
{
	return fuzz_take(&w->in, 1) % NR_SLOTS;
}

/* Numbers of all sizes, and near the ends of things. */
static uint64_t take_number(struct world *w)
{
	unsigned int how = fuzz_take(&w->in, 1);
	uint64_t val = fuzz_take(&w->in, how & 7 ? 2 : 8);

	switch (how & 7) {
	case 1:
		return val;
	case 2:
		return val * PAGE;
	case 3:
		return VRAM - val * PAGE;
	case 4:
		return fuzz_info(w->gpu).reserved_pa - (val >> 8) * PAGE + (val & 255) * PAGE;
	case 5:
		return val << (how >> 3);
	case 6:
		return -val;
	case 7:
		return (val & 15) << 21 | (val >> 4) * PAGE;
	default:
		return val;
	}
}

static size_t take_extents(struct world *w, struct nvbar_extent *ext)
{
	size_t nr = fuzz_take(&w->in, 1) % (MAX_EXTENTS + 1), i;
	unsigned int slot = take_slot(w);

	/* Those of an allocation */
	if (nr % 2 && w->vram[slot]) {
		i = nvbar_vram_extents(w->vram[slot], ext, MAX_EXTENTS);
		return i < MAX_EXTENTS ? i : MAX_EXTENTS;
	}
	for (i = 0; i < nr; i++) {
		ext[i].pa = take_number(w);
		ext[i].len = take_number(w);
	}
	return nr;
}

/* Options of any version: shorter than ours, or longer with what we don't know. */
union map_opts {
	struct nvbar_map_opts opts;
	uint8_t bytes[sizeof(struct nvbar_map_opts) + 16];
};

static const struct nvbar_map_opts *take_map_opts(struct world *w, union map_opts *u, char *label)
{
	unsigned int how = fuzz_take(&w->in, 1);

	if (how & 1)
		return NULL;
	memset(u, 0, sizeof(*u));
	u->opts.flags = fuzz_take(&w->in, 1);
	u->opts.max_page_shift = how & 2 ? fuzz_take(&w->in, 1) : 0;
	u->opts.va = u->opts.flags & NVBAR_MAP_FIXED ? take_number(w) : 0;
	if (how & 4) {
		memset(label, 'x', 40);
		label[fuzz_take(&w->in, 1) % 40] = '\0';
		u->opts.label = label;
	}
	if (how & 8)
		u->bytes[sizeof(*u) - 1] = how >> 4;
	u->opts.size = how & 16 ? fuzz_take(&w->in, 1) % (sizeof(*u) + 1) :
				  sizeof(struct nvbar_map_opts);
	return &u->opts;
}

/* --- calls --- */

static int vram_alloc(struct world *w)
{
	union {
		struct nvbar_vram_opts opts;
		uint8_t bytes[sizeof(struct nvbar_vram_opts) + 8];
	} u = { .opts = { .size = sizeof(u.opts) } };
	unsigned int slot = take_slot(w), how = fuzz_take(&w->in, 1);
	struct nvbar_vram *vram = UNTOUCHED;
	uint64_t size = take_number(w);
	int ret;

	if (how & 1)
		u.opts.align = take_number(w);
	if (how & 2)
		u.opts.range_start = take_number(w);
	if (how & 4)
		u.opts.range_end = take_number(w);
	if (how & 8)
		u.opts.size = fuzz_take(&w->in, 1) % (sizeof(u) + 1);
	u.opts.flags = how >> 4;
	if (w->vram[slot])
		return 0;
	ret = nvbar_vram_alloc(w->gpu, size, how ? &u.opts : NULL, &vram);
	must(ret ? vram == UNTOUCHED : nvbar_vram_size(vram) == size);
	if (!ret)
		w->vram[slot] = vram;
	return ret;
}

static int vram_free(struct world *w)
{
	unsigned int slot = take_slot(w);

	nvbar_vram_free(w->vram[slot]);
	w->vram[slot] = NULL;
	return 0;
}

static int keep_access(struct world *w, unsigned int slot, int ret, struct nvbar_access *access)
{
	if (ret) {
		must(access == UNTOUCHED);
		return ret;
	}
	must(nvbar_access_base(access) + nvbar_access_size(access) <= BAR1);
	must(nvbar_access_vfn_start(access) == nvbar_access_base(access) / PAGE);
	must(nvbar_access_num_pages(access) == nvbar_access_size(access) / PAGE);
	w->access[slot] = access;
	return 0;
}

static int map(struct world *w)
{
	struct nvbar_extent ext[MAX_EXTENTS];
	struct nvbar_access *access = UNTOUCHED;
	unsigned int slot = take_slot(w);
	size_t nr = take_extents(w, ext);
	const struct nvbar_map_opts *opts;
	union map_opts u;
	char label[40];
	int ret;

	opts = take_map_opts(w, &u, label);
	if (w->access[slot])
		return 0;
	ret = nvbar_map(w->gpu, ext, nr, opts, &access);
	return keep_access(w, slot, ret, access);
}

static int map_pages(struct world *w)
{
	unsigned int slot = take_slot(w), flags = fuzz_take(&w->in, 1);
	size_t nr = fuzz_take(&w->in, 1) % (MAX_PAGES + 1), i;
	uint64_t pfn = take_number(w) / PAGE, step = fuzz_take(&w->in, 1);
	struct nvbar_access *access = UNTOUCHED;
	uint64_t pfns[MAX_PAGES];
	int ret;

	for (i = 0; i < nr; i++)
		pfns[i] = pfn + i * step;
	if (w->access[slot])
		return 0;
	ret = nvbar_map_pages(w->gpu, pfns, nr, flags, &access);
	return keep_access(w, slot, ret, access);
}

static int map_vram(struct world *w)
{
	unsigned int slot = take_slot(w), from = take_slot(w), flags = fuzz_take(&w->in, 1);
	uint64_t off = take_number(w), len = take_number(w);
	struct nvbar_access *access = UNTOUCHED;
	int ret;

	if (w->access[slot] || !w->vram[from])
		return 0;
	if (flags & 0x80)	/* to the end */
		len = nvbar_vram_size(w->vram[from]) - off;
	ret = nvbar_map_vram(w->gpu, w->vram[from], off, len, flags & 0x7f, &access);
	return keep_access(w, slot, ret, access);
}

static int unmap(struct world *w)
{
	unsigned int slot = take_slot(w);
	struct nvbar_access *access = w->access[slot];

	w->access[slot] = NULL;
	must(!nvbar_unmap(access));
	return 0;
}

static int prepare(struct world *w)
{
	struct nvbar_prepared *prepared = UNTOUCHED;
	unsigned int slot = take_slot(w);
	uint64_t nr = take_number(w);
	const struct nvbar_map_opts *opts;
	union map_opts u;
	char label[40];
	int ret;

	opts = take_map_opts(w, &u, label);
	if (w->prepared[slot])
		return 0;
	ret = nvbar_map_prepare(w->gpu, nr, opts, &prepared);
	must(ret ? prepared == UNTOUCHED : prepared != UNTOUCHED);
	if (!ret)
		w->prepared[slot] = prepared;
	return ret;
}

/* Consumes the preparation, also where it fails: what was before can't be after. */
static int execute(struct world *w)
{
	struct nvbar_extent ext[MAX_EXTENTS];
	struct nvbar_access *access = UNTOUCHED;
	unsigned int from = take_slot(w), slot = take_slot(w);
	size_t nr = take_extents(w, ext);
	struct nvbar_prepared *prepared = w->prepared[from];
	int ret;

	if (!prepared || w->access[slot])
		return 0;
	w->prepared[from] = NULL;
	ret = nvbar_map_execute(prepared, ext, nr, &access);
	must(is_allowed(w, ret) && ret != -ENOMEM);
	keep_access(w, slot, ret, access);
	return 0;
}

static int cancel(struct world *w)
{
	unsigned int slot = take_slot(w);

	nvbar_map_cancel(w->prepared[slot]);
	w->prepared[slot] = NULL;
	return 0;
}

/* --- access --- */

static int single(struct world *w)
{
	struct nvbar_access *a = w->access[take_slot(w)];
	unsigned int how = fuzz_take(&w->in, 1);
	uint64_t off = take_number(w), val = 0;

	if (!a)
		return 0;
	switch (how & 7) {
	case 0:
		return nvbar_read8(a, off, (uint8_t *)&val);
	case 1:
		return nvbar_read16(a, off, (uint16_t *)&val);
	case 2:
		return nvbar_read32(a, off, (uint32_t *)&val);
	case 3:
		return nvbar_read64(a, off, &val);
	case 4:
		return nvbar_write8(a, off, how);
	case 5:
		return nvbar_write16(a, off, how);
	case 6:
		return nvbar_write32(a, off, how);
	default:
		return nvbar_write64(a, off, how);
	}
}

/* What would be done must fit the buffer; what is refused may be of any length. */
static size_t fit(const struct nvbar_access *a, uint64_t off, size_t len)
{
	uint64_t size = nvbar_access_size(a);

	return off <= size && len <= size - off && len > BUF_BYTES ? BUF_BYTES : len;
}

static int block(struct world *w)
{
	struct nvbar_access *a = w->access[take_slot(w)];
	unsigned int how = fuzz_take(&w->in, 1) % 3;
	uint64_t off = take_number(w), len = take_number(w);

	if (!a)
		return 0;
	if (how == 0)
		return nvbar_read(a, off, buf, fit(a, off, len));
	if (how == 1)
		return nvbar_write(a, off, buf, fit(a, off, len));
	return nvbar_fill(a, off, (uint32_t)len, len);
}

static int pramin(struct world *w)
{
	bool write = fuzz_take(&w->in, 1) & 1;
	uint64_t pa = take_number(w), len = take_number(w);

	if (pa <= VRAM && len <= VRAM - pa && len > BUF_BYTES)
		len = BUF_BYTES;
	return write ? nvbar_pramin_write(w->gpu, pa, buf, len) :
		       nvbar_pramin_read(w->gpu, pa, buf, len);
}

static int pointer(struct world *w)
{
	struct nvbar_access *a = w->access[take_slot(w)];
	uint64_t off = take_number(w);
	void *ptr = UNTOUCHED;
	int ret;

	if (!a)
		return 0;
	ret = nvbar_mmap(a, &ptr);
	if (ret)
		must(ptr == UNTOUCHED);
	else
		buf[0] = ((volatile uint8_t *)ptr)[off % nvbar_access_size(a)];
	return ret;
}

static int flush(struct world *w)
{
	struct nvbar_access *a = w->access[take_slot(w)];

	return a ? nvbar_flush(a) : 0;
}

/* --- looking --- */

static int count_down(unsigned int *left)
{
	return *left ? (--*left, 0) : 1;
}

static int on_mapping(const struct nvbar_mapping_info *info, void *left)
{
	must(info->len && info->va + info->len <= BAR1);
	must(memchr(info->label, '\0', sizeof(info->label)));
	return count_down(left);
}

static int on_entry(const struct nvbar_entry_info *info, void *left)
{
	must(info->raw[0] || info->raw[1]);
	return count_down(left);
}

static int on_line(const char *text, void *left)
{
	must(*text && !strchr(text, '\n'));
	return count_down(left);
}

static int look(struct world *w)
{
	unsigned int left = fuzz_take(&w->in, 1), stop;
	struct nvbar_fault fault = { .size = sizeof(fault) };
	struct nvbar_walk now = { .size = sizeof(now) };
	int ret;

	stop = nvbar_for_each_mapping(w->gpu, on_mapping, &left);
	must(stop <= 1);
	ret = nvbar_for_each_entry(w->gpu, on_entry, &left);
	must(ret == 1 || is_allowed(w, ret));
	ret = nvbar_snapshot_take(w->gpu, on_line, &left);
	must(ret == 1 || is_allowed(w, ret));
	must(nvbar_get_fault(w->gpu, &fault) == -ENOENT);
	return nvbar_walk(w->gpu, take_number(w), &now);
}

/* Results of any version but too old ones. */
static int sizes(struct world *w)
{
	union {
		size_t size;
		struct nvbar_info info;
		struct nvbar_stats stats;
		struct nvbar_fault fault;
		struct nvbar_walk walk;
		struct nvbar_check_report report;
	} u = { .size = 0 };
	unsigned int how = fuzz_take(&w->in, 1);

	u.size = fuzz_take(&w->in, 2) % (sizeof(u) + 1);
	switch (how % 5) {
	case 0:
		return nvbar_get_info(w->gpu, &u.info);
	case 1:
		return nvbar_get_stats(w->gpu, &u.stats);
	case 2:
		return nvbar_get_fault(w->gpu, &u.fault);
	case 3:
		return nvbar_walk(w->gpu, take_number(w), &u.walk);
	default:
		return nvbar_check(w->gpu, &u.report);
	}
}

static int trim(struct world *w)
{
	nvbar_trim(w->gpu);
	return 0;
}

static int zero_tables(struct world *w)
{
	nvbar_zero_tables(w->gpu, take_number(w) & 0xfffff);
	return nvbar_clear_fault(w->gpu);
}

/* --- sequences --- */

/* A byte of the input is an index: new ones go to the end. */
static int (*const calls[])(struct world *w) = {
	vram_alloc, vram_free, map, map_pages, map_vram, unmap, prepare, execute, cancel,
	single, block, pramin, pointer, flush, look, sizes, trim, zero_tables,
};

#define NR_CALLS	(sizeof(calls) / sizeof(calls[0]))

/* The top bit of the byte: one of the first allocations of the call finds no memory. */
static void call(struct world *w)
{
	unsigned int what = fuzz_take(&w->in, 1);
	struct nvbar_stats before = fuzz_stats(w->gpu), after;
	int ret;

	w->no_memory = what & 0x80;
	if (w->no_memory)
		compat_alloc_fail_nth(1 + fuzz_take(&w->in, 1) % 8, false);
	ret = calls[(what & 0x7f) % NR_CALLS](w);
	compat_alloc_fail_nth(0, false);
	must(is_allowed(w, ret));
	after = fuzz_stats(w->gpu);
	if (ret)
		same_space(&before, &after);
	must(!after.model_driver_errors);
}

static void on_problem(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "check: %s\n", line);
}

static void check(struct world *w)
{
	struct nvbar_check_report report = { .size = sizeof(report), .problem = on_problem };

	must(nvbar_check(w->gpu, &report) == (w->observe ? -EACCES : 0));
}

static void end(struct world *w, const struct nvbar_stats *before)
{
	struct nvbar_stats after;
	unsigned int i;

	check(w);
	for (i = 0; i < NR_SLOTS; i++) {
		must(!nvbar_unmap(w->access[i]));
		nvbar_map_cancel(w->prepared[i]);
		nvbar_vram_free(w->vram[i]);
	}
	check(w);
	after = fuzz_stats(w->gpu);
	same_space(before, &after);
	must(!after.model_driver_errors);
	nvbar_close(w->gpu);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint32_t flags[] = { 0, NVBAR_OPEN_STATIC, 0, NVBAR_OPEN_OBSERVE };
	struct world w = { .in = { data, len } };
	long live = compat_alloc_live();
	struct nvbar_stats before;
	unsigned int chip = fuzz_take(&w.in, 1), how = fuzz_take(&w.in, 1) % 4, i;

	w.gpu = fuzz_open(chip, ",vram=16M,bar1=64M", flags[how]);
	w.observe = flags[how] & NVBAR_OPEN_OBSERVE;
	before = fuzz_stats(w.gpu);
	for (i = 0; w.in.len && i < MAX_CALLS; i++)
		call(&w);
	end(&w, &before);
	nvbar_forget_closed();
	must(compat_alloc_live() == live);
	return 0;
}
