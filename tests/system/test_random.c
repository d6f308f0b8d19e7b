/* SPDX-License-Identifier: MIT */
/*
 * Random operations on an arena of VRAM, against a plain array that holds what
 * the arena should hold.  What must fail is foreseen from the array's side:
 * overlap, limits and rights are computed here, never asked for.
 *
 * usage: system_random CHIP
 *
 * NVBAR_SEED repeats a run, NVBAR_OPS sets its length, NVBAR_TEST_DEVICE names
 * another device than "sim:CHIP,bar1=64M".
 */
#include "helper.h"

#define ARENA		MIB(24)
#define ARENA_PAGES	(ARENA / PAGE)
#define MAX_LIVE	64
#define MAX_PAGES	1300
#define MAX_SPARE	32
#define MAX_COPY	KIB(40)
#define CHECK_EVERY	1000

/* A preparation or a mapping; its pages as numbers in the arena. */
struct live {
	struct nvbar_prepared *prepared;
	struct nvbar_access *a;
	uint64_t va;
	uint32_t nr;
	uint32_t page[MAX_PAGES];
	bool fixed, rdonly, private;
	uint32_t max_page_shift;
	uint8_t *ptr;
};

/* Held address space, by one handle or by several that show the same pages. */
struct range {
	uint64_t va;
	uint32_t nr, refs;
	uint32_t page[MAX_PAGES];
	bool mapped, rdonly, private;
};

static struct nvbar *gpu;
static struct nvbar_vram *arena_vram;
static uint64_t arena_pa;
static uint64_t aperture;
static bool has_pointers;	/* BAR1 is memory of this process */
static uint8_t *twin;
static struct live *live[MAX_LIVE];
static unsigned int nr_live;
static struct range *range[MAX_LIVE];
static unsigned int nr_ranges;
static struct nvbar_vram *spare[MAX_SPARE];	/* allocated beside the arena */
static unsigned int nr_spare;
static unsigned long op;
static const char *doing;

static void __attribute__((format(printf, 1, 2), noreturn)) die(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "operation %lu, %s: ", op, doing);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void want(int ret, int expected)
{
	if (ret != expected)
		die("%d (%s), not %d", ret, nvbar_strerror(ret), expected);
}

static struct nvbar_stats stats(void)
{
	struct nvbar_stats s = { .size = sizeof(s) };

	want(nvbar_get_stats(gpu, &s), 0);
	return s;
}

static uint64_t held_bytes(bool mapped_only)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < nr_ranges; i++)
		if (range[i]->mapped || !mapped_only)
			sum += range[i]->nr * PAGE;
	return sum;
}

/* The first range that has a byte in common. */
static struct range *overlaps(uint64_t va, uint64_t len)
{
	unsigned int i;

	for (i = 0; i < nr_ranges; i++)
		if (va < range[i]->va + range[i]->nr * PAGE && range[i]->va < va + len)
			return range[i];
	return NULL;
}

static void get_range(const struct live *l)
{
	struct range *r = overlaps(l->va, l->nr * PAGE);
	uint64_t skip;

	if (!r) {
		r = calloc(1, sizeof(*r));
		if (!r)
			die("no memory");
		*r = (struct range){
			.va = l->va, .nr = l->nr, .mapped = l->a, .rdonly = l->rdonly,
			.private = l->private,
		};
		memcpy(r->page, l->page, l->nr * sizeof(*l->page));
		range[nr_ranges++] = r;
	} else {
		skip = (l->va - r->va) / PAGE;
		if (l->va < r->va || skip + l->nr > r->nr || !r->mapped || r->private || l->private ||
		    l->fixed || l->max_page_shift || r->rdonly != l->rdonly ||
		    memcmp(r->page + skip, l->page, l->nr * sizeof(*l->page)))
			die("VA 0x%llx is another mapping's", (unsigned long long)l->va);
	}
	r->refs++;
}

static void put_range(const struct live *l)
{
	struct range *r = overlaps(l->va, PAGE);
	unsigned int i;

	if (--r->refs)
		return;
	for (i = 0; range[i] != r; i++)
		;
	free(r);
	range[i] = range[--nr_ranges];
}

/* --- choosing --- */

static uint32_t some_nr(void)
{
	switch (rng_below(8)) {
	case 0:
		return 1;
	case 1:
		return 1 + (uint32_t)rng_below(MAX_PAGES);
	case 2:
		return 16u << rng_below(7);	/* 64 KiB to 4 MiB */
	default:
		return 1 + (uint32_t)rng_below(40);
	}
}

/*
 * Scattered, repeated, contiguous, in pieces of 64 KiB, or what another handle
 * shows; in large leaves where the place allows.
 */
static void some_pages(struct live *l)
{
	static const uint32_t align[] = { 1, 1, 16, 512 };
	uint32_t first = (uint32_t)rng_below(ARENA_PAGES - l->nr + 1), i;
	const struct live *other = nr_live ? live[rng_below(nr_live)] : NULL;
	uint64_t how = rng_below(6);

	first -= first % align[rng_below(4)];
	for (i = 0; i < l->nr; i++)
		l->page[i] = how == 0 ? (uint32_t)rng_below(ARENA_PAGES) : how == 1 ? first : first + i;
	if (how == 2)
		for (i = 0; i < l->nr; i += 1 + (uint32_t)rng_below(30))
			l->page[i] = (uint32_t)rng_below(ARENA_PAGES);
	if (how == 3)
		for (i = 0; i < l->nr; i++)
			l->page[i] = i % 16 ? l->page[i - 1] + 1 : (uint32_t)rng_below(ARENA_PAGES / 16) * 16;
	if (how == 4 && other && other->nr >= l->nr) {
		first = (uint32_t)rng_below(other->nr - l->nr + 1);
		memcpy(l->page, other->page + first, l->nr * sizeof(*l->page));
	}
}

/* The pages as extents, each as long as it can be or cut at random. */
static size_t extents_of(const struct live *l, struct nvbar_extent *ext)
{
	size_t nr = 0;
	uint32_t i;

	for (i = 0; i < l->nr; i++) {
		uint64_t pa = arena_pa + l->page[i] * PAGE;

		if (nr && ext[nr - 1].pa + ext[nr - 1].len == pa && rng_below(50))
			ext[nr - 1].len += PAGE;
		else
			ext[nr++] = (struct nvbar_extent){ pa, PAGE };
	}
	return nr;
}

static struct live *some_live(bool mapped)
{
	struct live *l;

	if (!nr_live)
		return NULL;
	l = live[rng_below(nr_live)];
	return !mapped == !l->a ? l : NULL;
}

/* Notes what was made.  An aperture with a hole of @room bytes must take what fits there. */
static void made(struct live *l, int ret, uint64_t room)
{
	if (ret == -ENOSPC && !l->fixed && room < l->nr * PAGE) {
		free(l);
		return;
	}
	want(ret, 0);
	if (l->a) {
		uint64_t base = nvbar_access_base(l->a);

		if (l->fixed && base != l->va)
			die("at VA 0x%llx", (unsigned long long)base);
		l->va = base;
		if (nvbar_access_num_pages(l->a) != l->nr)
			die("%zu pages, not %u", nvbar_access_num_pages(l->a), l->nr);
		if (base + l->nr * PAGE > aperture)
			die("VA 0x%llx is outside", (unsigned long long)base);
	}
	get_range(l);
	live[nr_live++] = l;
}

/* --- operations --- */

static void op_map(void)
{
	static const char *const labels[] = { NULL, "a", "0123456789012345678901234567890" };
	static const uint32_t shifts[] = { 0, 0, 0, 12, 16, 21 };
	struct nvbar_map_opts opts = { .size = sizeof(opts) };
	struct nvbar_extent ext[MAX_PAGES];
	uint64_t pfn[MAX_PAGES], room = stats().va_largest_free;
	uint64_t how = rng_below(6);
	struct live *l;
	uint32_t i;
	int ret;

	doing = "map";
	if (nr_live == MAX_LIVE)
		return;
	l = calloc(1, sizeof(*l));
	if (!l)
		die("no memory");
	l->nr = some_nr();
	l->rdonly = !rng_below(5);
	l->fixed = how < 2;
	some_pages(l);
	l->private = !rng_below(3);
	opts.label = labels[rng_below(3)];
	opts.flags = (l->rdonly ? NVBAR_MAP_RDONLY : 0) | (l->private ? NVBAR_MAP_PRIVATE : 0);

	if (how == 5) {
		l->page[0] %= ARENA_PAGES - l->nr;
		for (i = 1; i < l->nr; i++)
			l->page[i] = l->page[0] + i;
		ret = nvbar_map_vram(gpu, arena_vram, l->page[0] * PAGE, l->nr * PAGE, opts.flags, &l->a);
		made(l, ret, room);
		return;
	}
	if (how == 4) {
		for (i = 0; i < l->nr; i++)
			pfn[i] = arena_pa / PAGE + l->page[i];
		made(l, nvbar_map_pages(gpu, pfn, l->nr, opts.flags, &l->a), room);
		return;
	}
	opts.max_page_shift = l->max_page_shift = shifts[rng_below(NR_OF(shifts))];
	if (l->fixed) {
		opts.flags |= NVBAR_MAP_FIXED;
		opts.va = rng_below(aperture / PAGE + 100) * PAGE;
		if (!rng_below(4))
			opts.va &= ~(MIB(2) - 1);
		l->va = opts.va;
	}
	if (how == 1 || how == 2) {
		ret = nvbar_map_prepare(gpu, l->nr, &opts, &l->prepared);
		/* One whose place is known may wait for op_execute(). */
		if (!ret && !l->fixed) {
			ret = nvbar_map_execute(l->prepared, ext, extents_of(l, ext), &l->a);
			l->prepared = NULL;
		}
	} else {
		ret = nvbar_map(gpu, ext, extents_of(l, ext), &opts, &l->a);
	}
	if (l->fixed && l->va + l->nr * PAGE > aperture) {
		want(ret, -ERANGE);
		free(l);
	} else if (l->fixed && overlaps(l->va, l->nr * PAGE)) {
		want(ret, -EEXIST);
		free(l);
	} else {
		made(l, ret, room);
	}
}

static void drop(unsigned int i)
{
	put_range(live[i]);
	free(live[i]);
	live[i] = live[--nr_live];
}

static void op_execute(void)
{
	struct nvbar_extent ext[MAX_PAGES + 1];
	struct live *l = some_live(false);
	struct range *r;
	unsigned int i;
	size_t nr;
	int ret;

	doing = "execute";
	if (!l)
		return;
	for (i = 0; live[i] != l; i++)
		;
	if (!rng_below(4)) {
		nvbar_map_cancel(l->prepared);
		drop(i);
		return;
	}
	some_pages(l);
	nr = extents_of(l, ext);
	if (!rng_below(8)) {
		ext[nr] = (struct nvbar_extent){ arena_pa, PAGE };
		want(nvbar_map_execute(l->prepared, ext, nr + 1, &l->a), -EINVAL);
		drop(i);
		return;
	}
	ret = nvbar_map_execute(l->prepared, ext, nr, &l->a);
	want(ret, 0);
	l->prepared = NULL;
	if (nvbar_access_base(l->a) != l->va)
		die("at VA 0x%llx", (unsigned long long)nvbar_access_base(l->a));
	r = overlaps(l->va, PAGE);
	r->mapped = true;
	memcpy(r->page, l->page, l->nr * sizeof(*l->page));
}

static void op_unmap(void)
{
	struct live *l = some_live(true);
	unsigned int i;

	doing = "unmap";
	if (!l)
		return;
	for (i = 0; live[i] != l; i++)
		;
	want(nvbar_unmap(l->a), 0);
	drop(i);
}

static uint8_t *twin_of(const struct live *l, uint64_t off)
{
	return twin + l->page[off / PAGE] * PAGE + off % PAGE;
}

static void some_range(const struct live *l, uint64_t unit, uint64_t *off, uint64_t *len)
{
	uint64_t size = l->nr * PAGE, most;

	*off = rng_below(size / unit + 1) * unit;
	most = size - *off < MAX_COPY ? size - *off : MAX_COPY;
	*len = rng_below((rng_below(3) && most > 200 ? 200 : most) / unit + 1) * unit;
}

static void op_read(void)
{
	static uint8_t buf[MAX_COPY];
	struct live *l = some_live(true);
	uint64_t off, len, i;

	doing = "read";
	if (!l)
		return;
	some_range(l, 1, &off, &len);
	want(nvbar_read(l->a, off, buf, len), 0);
	for (i = 0; i < len; i++)
		if (buf[i] != *twin_of(l, off + i))
			die("0x%llx+0x%llx: byte 0x%llx is 0x%02x, not 0x%02x", (unsigned long long)off,
			    (unsigned long long)len, (unsigned long long)i, buf[i],
			    *twin_of(l, off + i));
	want(nvbar_read(l->a, off, buf, l->nr * PAGE - off + 1), -ERANGE);
}

static void op_write(void)
{
	static uint8_t buf[MAX_COPY + 1];
	struct live *l = some_live(true);
	uint64_t off, len, i;

	doing = "write";
	if (!l)
		return;
	some_range(l, 1, &off, &len);
	rng_fill(buf, len);
	if (l->rdonly) {
		len += !len && off < l->nr * PAGE;
		want(len ? nvbar_write(l->a, off, buf, len) : -EACCES, -EACCES);
		return;
	}
	want(nvbar_write(l->a, off, buf, len), 0);
	for (i = 0; i < len; i++)
		*twin_of(l, off + i) = buf[i];
}

static void op_fill(void)
{
	struct live *l = some_live(true);
	uint32_t pattern = (uint32_t)rng_u64();
	uint64_t off, len, i;

	doing = "fill";
	if (!l)
		return;
	some_range(l, 4, &off, &len);
	if (l->rdonly && !len)
		return;
	want(nvbar_fill(l->a, off, pattern, len), l->rdonly ? -EACCES : 0);
	for (i = 0; !l->rdonly && i < len; i++)
		*twin_of(l, off + i) = (uint8_t)(pattern >> 8 * (i % 4));
}

static void op_single(void)
{
	struct live *l = some_live(true);
	uint64_t off, val = rng_u64(), got = 0;
	unsigned int width = 1u << rng_below(4);
	int ret;

	doing = "single access";
	if (!l)
		return;
	off = rng_below(l->nr * PAGE / width) * width;
	switch (width) {
	case 1:
		ret = nvbar_write8(l->a, off, (uint8_t)val);
		break;
	case 2:
		ret = nvbar_write16(l->a, off, (uint16_t)val);
		break;
	case 4:
		ret = nvbar_write32(l->a, off, (uint32_t)val);
		break;
	default:
		ret = nvbar_write64(l->a, off, val);
	}
	want(ret, l->rdonly ? -EACCES : 0);
	if (!ret)
		memcpy(twin_of(l, off), &val, width);
	off &= ~7ull;
	want(nvbar_read64(l->a, off, &got), 0);
	if (memcmp(&got, twin_of(l, off), 8))
		die("0x%llx holds 0x%llx", (unsigned long long)off, (unsigned long long)got);
}

static void op_pointer(void)
{
	struct live *l = some_live(true);
	uint64_t off;
	void *ptr;

	doing = "pointer";
	if (!l)
		return;
	want(nvbar_mmap(l->a, &ptr), has_pointers ? 0 : -EOPNOTSUPP);
	if (!has_pointers)
		return;
	if (l->ptr && l->ptr != ptr)
		die("another pointer than before");
	l->ptr = ptr;
	off = rng_below(l->nr * PAGE / 8) * 8;
	if (memcmp(l->ptr + off, twin_of(l, off), 8))
		die("0x%llx differs", (unsigned long long)off);
	if (!l->rdonly) {
		memset(l->ptr + off, (int)op, 8);
		memset(twin_of(l, off), (int)op, 8);
	}
}

/* The two ways to VRAM know no order of each other. */
static void flush_bar1(void)
{
	uint32_t i = 0;

	doing = "flush";
	while (i < nr_live && !live[i]->a)
		i++;
	if (i < nr_live)
		want(nvbar_flush(live[i]->a), 0);
}

static void op_pramin(void)
{
	static uint8_t buf[MAX_COPY];
	uint64_t off = rng_below(ARENA), len = rng_below(rng_below(20) ? 100 : MAX_COPY);

	flush_bar1();
	doing = "PRAMIN";
	if (len > ARENA - off)
		len = ARENA - off;
	if (rng_below(2)) {
		rng_fill(buf, len);
		want(nvbar_pramin_write(gpu, arena_pa + off, buf, len), 0);
		memcpy(twin + off, buf, len);
	} else {
		want(nvbar_pramin_read(gpu, arena_pa + off, buf, len), 0);
		if (memcmp(buf, twin + off, len))
			die("0x%llx+0x%llx differs", (unsigned long long)off, (unsigned long long)len);
	}
}

static void op_walk(void)
{
	struct nvbar_walk walk = { .size = sizeof(walk) };
	struct live *l = nr_live ? live[rng_below(nr_live)] : NULL;
	uint64_t off;

	doing = "walk";
	if (!l)
		return;
	off = rng_below(l->nr * PAGE);
	want(nvbar_walk(gpu, l->va + off, &walk), 0);
	if (!l->a) {
		if (walk.status != WALK_UNUSED)
			die("VA 0x%llx is only prepared", (unsigned long long)(l->va + off));
	} else if (walk.status != NVBAR_WALK_OK || walk.ro != l->rdonly ||
		   (l->max_page_shift && walk.page_size > 1ull << l->max_page_shift) ||
		   walk.pa != arena_pa + l->page[off / PAGE] * PAGE + off % PAGE) {
		die("VA 0x%llx leads to 0x%llx", (unsigned long long)(l->va + off),
		    (unsigned long long)walk.pa);
	}
}

static void op_vram(void)
{
	const struct nvbar_vram_opts opts = {
		.size = sizeof(opts), .flags = rng_below(2) ? NVBAR_VRAM_NO_SCRUB : 0,
		.align = PAGE << rng_below(6),
	};
	unsigned int i;

	doing = "VRAM";
	if (nr_spare == MAX_SPARE || (nr_spare && rng_below(2))) {
		i = (unsigned int)rng_below(nr_spare);
		nvbar_vram_free(spare[i]);
		spare[i] = spare[--nr_spare];
	} else {
		want(nvbar_vram_alloc(gpu, (1 + rng_below(40)) * PAGE, &opts, &spare[nr_spare]), 0);
		nr_spare++;
	}
}

static void op_trim(void)
{
	doing = "trim";
	if (rng_below(2))
		nvbar_trim(gpu);
	else
		nvbar_zero_tables(gpu, rng_below(MIB(1)));
}

/* --- the whole --- */

static void print_problem(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "check: %s\n", line);
}

static int add_up(const struct nvbar_mapping_info *info, void *arg)
{
	uint64_t *end_and_sum = arg;

	if (info->va < end_and_sum[0])
		return 1;
	end_and_sum[0] = info->va + info->len;
	end_and_sum[1] += info->len;
	return 0;
}

static void check_all(void)
{
	struct nvbar_check_report report = { .size = sizeof(report), .problem = print_problem };
	uint64_t end_and_sum[2] = { 0, 0 };
	struct nvbar_stats s = stats();

	doing = "check";
	want(nvbar_check(gpu, &report), 0);
	want(nvbar_for_each_mapping(gpu, add_up, end_and_sum), 0);
	if (end_and_sum[1] != held_bytes(false) || end_and_sum[1] + s.va_free != aperture)
		die("0x%llx bytes held and 0x%llx free are no aperture of 0x%llx",
		    (unsigned long long)end_and_sum[1], (unsigned long long)s.va_free,
		    (unsigned long long)aperture);
	if (s.mapped_bytes != held_bytes(true))
		die("0x%llx bytes mapped", (unsigned long long)s.mapped_bytes);
	if (s.model_driver_errors)
		die("the model counts %llu driver errors", (unsigned long long)s.model_driver_errors);
}

static void random_op(void)
{
	static const struct {
		void (*run)(void);
		unsigned int weight;
	} ops[] = {
		{ op_map, 20 }, { op_execute, 8 }, { op_unmap, 16 }, { op_read, 14 }, { op_write, 14 },
		{ op_fill, 5 }, { op_single, 20 }, { op_pointer, 2 }, { op_pramin, 8 }, { op_walk, 6 },
		{ op_vram, 4 }, { op_trim, 1 },
	};
	uint64_t draw;
	unsigned int sum = 0;
	size_t i;

	for (i = 0; i < NR_OF(ops); i++)
		sum += ops[i].weight;
	draw = rng_below(sum);
	for (i = 0; draw >= ops[i].weight; i++)
		draw -= ops[i].weight;
	ops[i].run();
}

static void release_all(void)
{
	doing = "release";
	while (nr_live) {
		if (live[0]->a)
			want(nvbar_unmap(live[0]->a), 0);
		else
			nvbar_map_cancel(live[0]->prepared);
		drop(0);
	}
	while (nr_spare)
		nvbar_vram_free(spare[--nr_spare]);
	nvbar_trim(gpu);
}

static void assert_baseline(const struct nvbar_stats *first)
{
	struct nvbar_stats last = stats();

	doing = "end";
	if (last.mappings || last.va_free != aperture || last.va_largest_free != aperture)
		die("BAR1 is not empty");
	if (last.page_table_bytes != first->page_table_bytes || last.host_bytes != first->host_bytes)
		die("0x%llx bytes of page tables and 0x%llx of host memory, not 0x%llx and 0x%llx",
		    (unsigned long long)last.page_table_bytes, (unsigned long long)last.host_bytes,
		    (unsigned long long)first->page_table_bytes, (unsigned long long)first->host_bytes);
	if (last.vram_free != first->vram_free || last.vram_largest_free != first->vram_largest_free)
		die("VRAM is missing");
	if (last.maps != last.unmaps)
		die("%llu maps, %llu unmaps", (unsigned long long)last.maps,
		    (unsigned long long)last.unmaps);
}

static void open_arena(const char *chip)
{
	const struct nvbar_vram_opts opts = { .size = sizeof(opts), .flags = NVBAR_VRAM_CONTIGUOUS };
	struct nvbar_info info = { .size = sizeof(info) };
	const char *device = getenv("NVBAR_TEST_DEVICE");
	struct nvbar_extent ext;
	char text[64];

	doing = "open";
	snprintf(text, sizeof(text), "sim:%s,bar1=64M", chip);
	has_pointers = !device || strncmp(device, "vfio-user:", 10);
	want(nvbar_open(&gpu, device ? device : text, NULL), 0);
	want(nvbar_get_info(gpu, &info), 0);
	aperture = info.bar1_size;
	twin = calloc(1, ARENA);
	if (!twin)
		die("no memory");
	want(nvbar_vram_alloc(gpu, ARENA, &opts, &arena_vram), 0);
	nvbar_vram_extents(arena_vram, &ext, 1);
	arena_pa = ext.pa;
	nvbar_trim(gpu);
}

int main(int argc, char **argv)
{
	const char *ops = getenv("NVBAR_OPS");
	unsigned long nr_ops = ops ? strtoul(ops, NULL, 0) : 100000;
	struct nvbar_stats first;

	if (argc != 2) {
		fprintf(stderr, "usage: system_random CHIP\n");
		return 64;
	}
	rng_start(argv[1]);
	open_arena(argv[1]);
	first = stats();
	for (op = 1; op <= nr_ops; op++) {
		random_op();
		if (op % CHECK_EVERY == 0)
			check_all();
	}
	release_all();
	check_all();
	assert_baseline(&first);
	nvbar_close(gpu);
	free(twin);
	return 0;
}
