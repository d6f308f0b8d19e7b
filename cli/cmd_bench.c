// SPDX-License-Identifier: MIT
/*
 * nvbar bench: what mapping and access cost on this device.  Touches only VRAM
 * that it allocates, and leaves nothing behind.
 */
#include <time.h>

#include "cli.h"

#define MIB		(UINT64_C(1) << 20)
#define SLOT_BYTES	(2 * MIB)	/* covered by one table of 4 KiB pages */
#define ZERO_MAX	(8 * MIB)	/* of tables to be zeroed beforehand */
#define COPY_MAX	(64 * MIB)
#define TURN_NS		200000		/* a turn takes about this long ... */
#define ROUNDS		11
#define PLACES		8		/* of the buffer, a page apart: see take_turns() */
#define PATIENCE_NS	500000000	/* ... and comparing at one size at most this */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *sample, size_t nr)
{
	qsort(sample, nr, sizeof(*sample), compare);
	return nr % 2 ? sample[nr / 2] : (sample[nr / 2 - 1] + sample[nr / 2]) / 2;
}

/**
 * struct bench - one run
 * @cli: the run of the tool
 * @vram: what is mapped
 * @pa: its first byte
 * @len: its bytes
 */
struct bench {
	struct cli *cli;
	struct nvbar_vram *vram;
	uint64_t pa, len;
};

/* In one piece, not zeroed; -ENOSPC is the caller's to judge. */
static int take_vram(struct bench *b, uint64_t len)
{
	const struct nvbar_vram_opts opts = {
		.size = sizeof(opts),
		.align = SLOT_BYTES,
		.flags = NVBAR_VRAM_CONTIGUOUS | NVBAR_VRAM_NO_SCRUB,
	};
	struct nvbar_extent ext;
	int ret;

	nvbar_vram_free(b->vram);
	b->vram = NULL;
	ret = nvbar_vram_alloc(b->cli->gpu, len, &opts, &b->vram);
	if (ret)
		return ret;
	nvbar_vram_extents(b->vram, &ext, 1);
	b->pa = ext.pa;
	b->len = len;
	return 0;
}

static void drop_vram(struct bench *b)
{
	nvbar_vram_free(b->vram);
	b->vram = NULL;
}

/* --- (a) map and unmap -------------------------------------------------- */

enum tables { COLD, ZEROED, WARM };

static const char *const tables_name[] = { "cold", "zeroed", "warm" };

/** struct cost - of a map or an unmap */
struct cost {
	uint64_t reads, writes, moves, invalidates;
	double ns;
};

/**
 * struct mapping - one case of (a)
 * @pages: how many
 * @scattered: no two neighbours in VRAM; else in one piece
 * @tables: how the page tables are before
 * @map: what it cost
 * @unmap: likewise
 * @skipped: why it was not done, or NULL
 */
struct mapping {
	size_t pages;
	bool scattered;
	enum tables tables;
	struct cost map, unmap;
	const char *skipped;
};

static struct nvbar_stats begin(struct cli *cli, uint64_t *start)
{
	struct nvbar_stats stats = cli_stats(cli);

	*start = now_ns();
	return stats;
}

static struct cost end(struct cli *cli, const struct nvbar_stats *before, uint64_t start)
{
	double ns = now_ns() - start;
	struct nvbar_stats after = cli_stats(cli);

	return (struct cost){
		.reads = after.bus_reads - before->bus_reads,
		.writes = after.bus_writes - before->bus_writes,
		.moves = after.window_moves - before->window_moves,
		.invalidates = after.tlb_invalidates - before->tlb_invalidates,
		.ns = ns,
	};
}

static void choose_pages(const struct bench *b, const struct mapping *m, struct nvbar_extent *ext)
{
	size_t i;

	if (!m->scattered)
		ext[0] = (struct nvbar_extent){ b->pa, m->pages * PAGE_BYTES };
	for (i = 0; m->scattered && i < m->pages; i++) {
		/* The number is a power of two, so an odd factor permutes. */
		uint64_t place = i * UINT64_C(40503) % m->pages;

		ext[i] = (struct nvbar_extent){ b->pa + 2 * place * PAGE_BYTES, PAGE_BYTES };
	}
}

/* One map and unmap; @va: where it was, NULL if nobody asks. */
static int map_once(struct cli *cli, struct mapping *m, const struct nvbar_extent *ext,
		    uint64_t *va)
{
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_PRIVATE, .label = "bench"
	};
	size_t nr = m->scattered ? m->pages : 1;
	struct nvbar_access *access;
	struct nvbar_stats before;
	uint64_t start;
	int ret;

	before = begin(cli, &start);
	ret = nvbar_map(cli->gpu, ext, nr, &opts, &access);
	if (ret)
		return ret;
	m->map = end(cli, &before, start);
	if (va)
		*va = nvbar_access_base(access);
	before = begin(cli, &start);
	ret = nvbar_unmap(access);
	m->unmap = end(cli, &before, start);
	return ret;
}

/* Every table that [va, va + len) needs exists then, and is empty. */
static int warm_up(struct cli *cli, uint64_t va, uint64_t len, uint64_t pa)
{
	struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_PRIVATE | NVBAR_MAP_FIXED
	};
	const struct nvbar_extent page = { pa, PAGE_BYTES };
	struct nvbar_access *access;
	int ret = 0;

	for (opts.va = va; !ret && opts.va < va + len;
	     opts.va = (opts.va / SLOT_BYTES + 1) * SLOT_BYTES) {
		ret = nvbar_map(cli->gpu, &page, 1, &opts, &access);
		if (!ret)
			ret = nvbar_unmap(access);
	}
	return ret;
}

static int map_prepared(struct cli *cli, struct mapping *m, const struct nvbar_extent *ext)
{
	uint64_t va, word;
	int ret;

	if (m->tables == ZEROED) {
		nvbar_zero_tables(cli->gpu, ZERO_MAX);
		/* The zeroes are on their way: the first read would wait for them. */
		ret = nvbar_pramin_read(cli->gpu, cli->info.reserved_pa, &word, sizeof(word));
		if (ret)
			return ret;
	}
	if (m->tables == WARM) {
		/* Where it goes is where it went before. */
		ret = map_once(cli, m, ext, &va);
		if (!ret)
			ret = warm_up(cli, va, m->pages * PAGE_BYTES, ext[0].pa);
		if (ret)
			return ret;
	}
	return map_once(cli, m, ext, NULL);
}

/* The counts are those of any round; the times are medians. */
static int measure_mapping(struct bench *b, struct mapping *m)
{
	size_t rounds = m->pages == 1 ? 15 : 3, i;
	double map[15], unmap[15];
	struct nvbar_extent *ext;
	int ret = 0;

	if (m->pages * PAGE_BYTES > b->cli->info.bar1_size) {
		m->skipped = "larger than the aperture";
		return EXIT_SUCCESS;
	}
	ext = calloc(m->pages, sizeof(*ext));
	if (!ext)
		return cli_fail(b->cli, -ENOMEM, "bench");
	for (i = 0; !ret && i < rounds; i++) {
		/* Only a device that was just opened has no tables at all. */
		cli_forget(b->cli);
		drop_vram(b);
		nvbar_close(b->cli->gpu);
		b->cli->gpu = NULL;
		if (cli_open_bar1(b->cli, "bench")) {
			free(ext);
			return EXIT_FAILURE;
		}
		ret = take_vram(b, 2 * m->pages * PAGE_BYTES);
		if (ret == -ENOSPC)
			m->skipped = "not enough VRAM";
		if (ret)
			break;
		choose_pages(b, m, ext);
		ret = map_prepared(b->cli, m, ext);
		map[i] = m->map.ns;
		unmap[i] = m->unmap.ns;
	}
	free(ext);
	if (m->skipped)
		return EXIT_SUCCESS;
	if (ret)
		return cli_fail(b->cli, ret, "map and unmap %zu pages", m->pages);
	m->map.ns = median(map, rounds);
	m->unmap.ns = median(unmap, rounds);
	return EXIT_SUCCESS;
}

static void print_cost(const struct cost *c)
{
	printf(" %4" PRIu64 " %7" PRIu64 " %5" PRIu64 " %2" PRIu64 " %10.1f", c->reads, c->writes,
	       c->moves, c->invalidates, c->ns / 1000);
}

static void print_mapping(const struct mapping *m)
{
	printf("%6zu %-10s %-6s", m->pages, m->scattered ? "scattered" : "contiguous",
	       tables_name[m->tables]);
	if (m->skipped) {
		printf(" skipped: %s\n", m->skipped);
		return;
	}
	print_cost(&m->map);
	print_cost(&m->unmap);
	printf("\n");
}

static struct json_object *cost_json(const struct cost *c)
{
	struct json_object *obj = json_object_new_object();

	json_add(obj, "bus_reads", c->reads);
	json_add(obj, "bus_writes", c->writes);
	json_add(obj, "window_moves", c->moves);
	json_add(obj, "tlb_invalidates", c->invalidates);
	json_add(obj, "ns", c->ns);
	return obj;
}

static struct json_object *mapping_json(const struct mapping *m)
{
	struct json_object *obj = json_object_new_object();

	json_add(obj, "pages", m->pages);
	json_add_flag(obj, "scattered", m->scattered);
	json_add_text(obj, "tables", tables_name[m->tables]);
	if (m->skipped) {
		json_add_text(obj, "skipped", m->skipped);
		return obj;
	}
	json_object_object_add(obj, "map", cost_json(&m->map));
	json_object_object_add(obj, "unmap", cost_json(&m->unmap));
	return obj;
}

static int bench_mappings(struct bench *b, struct json_object *list)
{
	static const size_t pages[] = { 1, 512, 65536 };
	size_t i;

	if (!list)
		printf("Map and unmap: bus reads R, writes W (window moves M included), invalidates T,\n"
		       "and host time.  Page tables: cold, none; zeroed, none, but VRAM has zeroes where\n"
		       "they will be; warm, all of them, empty.\n\n"
		       "%6s %-10s %-6s %32s %32s\n", "pages", "in VRAM", "tables",
		       "map:   R       W     M  T      us", "unmap:   R       W     M  T      us");
	for (i = 0; i < ARRAY_SIZE(pages) * 6; i++) {
		struct mapping m = {
			.pages = pages[i / 6], .scattered = i % 6 < 3, .tables = i % 3
		};

		if (interrupted())
			return cli_fail(b->cli, -EINTR, "bench");
		if (measure_mapping(b, &m))
			return EXIT_FAILURE;
		if (list)
			json_object_array_add(list, mapping_json(&m));
		else
			print_mapping(&m);
		fflush(stdout);
	}
	return EXIT_SUCCESS;
}

/* --- (b) access --------------------------------------------------------- */

/**
 * struct subject - what is accessed
 * @access: a mapping
 * @cpu: pointer to it, or NULL
 * @memory: ordinary memory of the same size
 * @buf: the other end of copies, ordinary memory, PLACES pages larger
 * @err: the first error met
 */
struct subject {
	struct nvbar_access *access;
	unsigned char *cpu, *memory, *buf;
	int err;
};

enum way { LIBRARY, POINTER, MEMORY, NR_WAYS };

typedef void (*work_fn)(struct subject *s, enum way way, size_t len);

/* Keeps the compiler from dropping a copy that nobody reads. */
static void touched(const void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}

static void note(struct subject *s, int err)
{
	if (err && !s->err)
		s->err = err;
}

static void copy_from(struct subject *s, enum way way, size_t len)
{
	if (way == LIBRARY)
		note(s, nvbar_read(s->access, 0, s->buf, len));
	else
		memcpy(s->buf, way == POINTER ? s->cpu : s->memory, len);
	touched(s->buf);
}

static void copy_to(struct subject *s, enum way way, size_t len)
{
	unsigned char *to = way == POINTER ? s->cpu : s->memory;

	if (way == LIBRARY)
		note(s, nvbar_write(s->access, 0, s->buf, len));
	else
		memcpy(to, s->buf, len);
	touched(to);
}

/* Single accesses, one after the other through a page: else a call of this would be what counts. */
#define DEFINE_SINGLE(bits)								\
static void all_read##bits(struct subject *s, enum way way, size_t len)			\
{											\
	const volatile uint##bits##_t *p =						\
		(const void *)(way == POINTER ? s->cpu : s->memory);			\
	uint##bits##_t value;								\
	size_t i;									\
											\
	for (i = 0; way == LIBRARY && i < len / sizeof(value); i++)			\
		note(s, nvbar_read##bits(s->access, i * sizeof(value), &value));	\
	for (i = 0; way != LIBRARY && i < len / sizeof(value); i++)			\
		(void)p[i];								\
}											\
											\
static void all_write##bits(struct subject *s, enum way way, size_t len)		\
{											\
	volatile uint##bits##_t *p = (void *)(way == POINTER ? s->cpu : s->memory);	\
	size_t i;									\
											\
	for (i = 0; way == LIBRARY && i < len / sizeof(*p); i++)			\
		note(s, nvbar_write##bits(s->access, i * sizeof(*p), 1));		\
	for (i = 0; way != LIBRARY && i < len / sizeof(*p); i++)			\
		p[i] = 1;								\
}

DEFINE_SINGLE(32)
DEFINE_SINGLE(64)

/** struct outcome - median ns of each way, and the library's time by ordinary memory's */
struct outcome {
	double ns[NR_WAYS], ratio;
};

static double take_turn(struct subject *s, work_fn work, enum way way, size_t len,
			unsigned long times)
{
	unsigned long i;
	uint64_t start;

	work(s, way, len);	/* the caches were another's */
	start = now_ns();
	for (i = 0; i < times; i++)
		work(s, way, len);
	return (now_ns() - start) / (double)times;
}

/*
 * By turns, nobody always first; a ratio is the median of those of the rounds.
 * Caches make some pairs of addresses collide; so that the medians do not
 * depend on where memory came to lie, each round has the buffer elsewhere.
 */
static struct outcome take_turns(struct subject *s, work_fn work, size_t len)
{
	double ns[NR_WAYS][ROUNDS], ratio[ROUNDS];
	unsigned char *buf = s->buf;
	unsigned long times[NR_WAYS];
	uint64_t start = now_ns();
	struct outcome out;
	unsigned int i, w;
	size_t r;

	for (w = 0; w < NR_WAYS; w++) {
		times[w] = 1;
		if (w == POINTER && !s->cpu)
			continue;
		while (take_turn(s, work, w, len, times[w]) * times[w] < TURN_NS)
			times[w] *= 2;
	}
	for (r = 0; r < ROUNDS && (!r || now_ns() - start < PATIENCE_NS); r++) {
		s->buf = buf + r % PLACES * PAGE_BYTES;
		for (i = 0; i < NR_WAYS; i++) {
			w = (r + i) % NR_WAYS;
			ns[w][r] = w == POINTER && !s->cpu ?
				   0 : take_turn(s, work, w, len, times[w]);
		}
		ratio[r] = ns[LIBRARY][r] / ns[MEMORY][r];
	}
	s->buf = buf;
	for (w = 0; w < NR_WAYS; w++)
		out.ns[w] = median(ns[w], r);
	out.ratio = median(ratio, r);
	return out;
}

/* Integers only: thousandths of what the text shows. */
static void outcome_json(struct json_object *list, const char *name, size_t len,
			 const struct subject *s, const struct outcome *o)
{
	struct json_object *obj = json_object_new_object();

	json_add_text(obj, "access", name);
	json_add(obj, "bytes", len);
	json_add(obj, "ps", 1000 * o->ns[LIBRARY]);
	if (s->cpu)
		json_add(obj, "pointer_ps", 1000 * o->ns[POINTER]);
	json_add(obj, "memory_ps", 1000 * o->ns[MEMORY]);
	json_add(obj, "time_by_memory_milli", 1000 * o->ratio);
	json_object_array_add(list, obj);
}

static void bench_singles(struct subject *s, struct json_object *list)
{
	static const struct single {
		const char *name;
		work_fn work;
		size_t bytes;
	} singles[] = {
		{ "read32", all_read32, 4 },
		{ "write32", all_write32, 4 },
		{ "read64", all_read64, 8 },
		{ "write64", all_write64, 8 },
	};
	size_t i;
	unsigned int w;

	if (!list)
		printf("\nSingle accesses, ns: through the library, through a pointer to the mapping, on\n"
		       "ordinary memory; times the last.\n\n%-8s %10s %10s %10s %8s\n", "",
		       "library", "pointer", "memory", "times");
	for (i = 0; i < ARRAY_SIZE(singles); i++) {
		struct outcome o = take_turns(s, singles[i].work, PAGE_BYTES);

		for (w = 0; w < NR_WAYS; w++)
			o.ns[w] /= (double)PAGE_BYTES / singles[i].bytes;
		if (list)
			outcome_json(list, singles[i].name, singles[i].bytes, s, &o);
		else
			printf("%-8s %10.2f %10.2f %10.2f %8.2f\n", singles[i].name, o.ns[LIBRARY],
			       o.ns[POINTER], o.ns[MEMORY], o.ratio);
	}
}

static void bench_copies(struct subject *s, size_t max, struct json_object *list)
{
	static const struct copy {
		const char *name;
		work_fn work;
	} copies[] = { { "read", copy_from }, { "write", copy_to } };
	size_t len, i;

	if (!list)
		printf("\nCopies, MB/s: nvbar_read or nvbar_write, memcpy() with a pointer to the mapping,\n"
		       "memcpy() on ordinary memory; speed relative to the last.\n\n"
		       "%6s %38s %38s\n", "bytes", "read: library pointer   memory     rel.",
		       "write: library pointer   memory     rel.");
	for (len = 64; len <= max && !s->err && !interrupted(); len *= 4) {
		if (!list)
			printf("%6s", size_text(len));
		for (i = 0; i < ARRAY_SIZE(copies); i++) {
			struct outcome o = take_turns(s, copies[i].work, len);

			if (list)
				outcome_json(list, copies[i].name, len, s, &o);
			else
				printf("  %12.0f %8.0f %8.0f %6.2f", 1000 * len / o.ns[LIBRARY],
				       s->cpu ? 1000 * len / o.ns[POINTER] : 0,
				       1000 * len / o.ns[MEMORY], 1 / o.ratio);
		}
		if (!list)
			printf("\n");
		fflush(stdout);
	}
}

static int bench_access(struct bench *b, struct json_object *list)
{
	struct subject s = { 0 };
	uint64_t max = COPY_MAX;
	void *cpu = NULL;
	int ret;

	while (max > b->cli->info.bar1_size / 2)
		max /= 4;
	while ((ret = take_vram(b, max)) == -ENOSPC && max > PAGE_BYTES)
		max /= 4;
	if (!ret)
		ret = nvbar_map_vram(b->cli->gpu, b->vram, 0, max, NVBAR_MAP_PRIVATE, &s.access);
	if (ret)
		return cli_fail(b->cli, ret, "map %s", size_text(max));
	if (!nvbar_mmap(s.access, &cpu))
		s.cpu = cpu;
	s.memory = aligned_alloc(PAGE_BYTES, max);
	s.buf = aligned_alloc(PAGE_BYTES, max + PLACES * PAGE_BYTES);
	if (s.memory && s.buf) {
		memset(s.memory, 1, max);
		memset(s.buf, 1, max + PLACES * PAGE_BYTES);
		note(&s, nvbar_write(s.access, 0, s.buf, max));
		bench_singles(&s, list);
		bench_copies(&s, max, list);
	} else {
		s.err = -ENOMEM;
	}
	free(s.memory);
	free(s.buf);
	note(&s, nvbar_unmap(s.access));
	drop_vram(b);
	if (!s.err && interrupted())
		s.err = -EINTR;
	return s.err ? cli_fail(b->cli, s.err, "bench access") : EXIT_SUCCESS;
}

/* --- (c) many live mappings --------------------------------------------- */

/** struct crowd - live mappings of a page each
 * @b: the run
 * @access: they
 * @nr: how many
 */
struct crowd {
	struct bench *b;
	struct nvbar_access **access;
	size_t nr;
};

static int map_page(struct crowd *c, size_t i, struct nvbar_access **access)
{
	const uint64_t page = i % (c->b->len / PAGE_BYTES);

	return nvbar_map_vram(c->b->cli->gpu, c->b->vram, page * PAGE_BYTES, PAGE_BYTES,
			      NVBAR_MAP_PRIVATE, access);
}

static int crowd_grow(struct crowd *c, size_t nr)
{
	int ret = 0;

	while (!ret && c->nr < nr && !interrupted()) {
		ret = map_page(c, c->nr, &c->access[c->nr]);
		c->nr += !ret;
	}
	return ret ? ret : c->nr < nr ? -EINTR : 0;
}

static int crowd_end(struct crowd *c)
{
	int ret = 0, err;

	while (c->nr) {
		err = nvbar_unmap(c->access[--c->nr]);
		ret = ret ? ret : err;
	}
	free(c->access);
	return ret;
}

/** struct beside - what one access costs beside others */
struct beside {
	struct cost map, unmap;
	double read_ns, copy_ns;
};

static int measure_beside(struct crowd *c, struct beside *r)
{
	double map[101], unmap[ARRAY_SIZE(map)];
	struct cli *cli = c->b->cli;
	struct subject s = { 0 };
	unsigned char buf[(PLACES + 1) * PAGE_BYTES];
	struct nvbar_stats before;
	uint64_t start;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(map) && !s.err; i++) {
		before = begin(cli, &start);
		s.err = map_page(c, c->nr, &s.access);
		if (s.err)
			return s.err;
		r->map = end(cli, &before, start);
		map[i] = r->map.ns;
		if (i + 1 == ARRAY_SIZE(map)) {
			s.memory = s.buf = buf;
			r->read_ns = take_turns(&s, all_read32, PAGE_BYTES).ns[LIBRARY] /
				     (PAGE_BYTES / 4);
			r->copy_ns = take_turns(&s, copy_from, PAGE_BYTES).ns[LIBRARY];
		}
		before = begin(cli, &start);
		note(&s, nvbar_unmap(s.access));
		r->unmap = end(cli, &before, start);
		unmap[i] = r->unmap.ns;
	}
	r->map.ns = median(map, ARRAY_SIZE(map));
	r->unmap.ns = median(unmap, ARRAY_SIZE(unmap));
	return s.err;
}

static struct json_object *beside_json(size_t live, const struct beside *r)
{
	struct json_object *obj = json_object_new_object();

	json_add(obj, "live", live);
	json_object_object_add(obj, "map", cost_json(&r->map));
	json_object_object_add(obj, "unmap", cost_json(&r->unmap));
	json_add(obj, "read32_ps", 1000 * r->read_ns);
	json_add(obj, "read_4k_ps", 1000 * r->copy_ns);
	return obj;
}

static void print_beside(size_t live, const struct beside *r)
{
	printf("%8zu", live);
	print_cost(&r->map);
	print_cost(&r->unmap);
	printf(" %8.2f %8.1f\n", r->read_ns, r->copy_ns);
	fflush(stdout);
}

static int bench_crowds(struct bench *b, struct json_object *list)
{
	static const size_t live[] = { 10, 1000, 100000, 1000000 };
	struct crowd c = { .b = b };
	uint64_t room = b->cli->info.bar1_size / PAGE_BYTES, len = b->cli->info.bar1_size / 2;
	struct beside r = { 0 };
	int ret, err;
	size_t i;

	/* Where VRAM is short, pages are mapped more than once. */
	while ((ret = take_vram(b, len)) == -ENOSPC && len > SLOT_BYTES)
		len /= 2;
	if (ret)
		return cli_fail(b->cli, ret, "VRAM of %s", size_text(len));
	c.access = calloc(live[ARRAY_SIZE(live) - 1], sizeof(*c.access));
	if (!c.access)
		return cli_fail(b->cli, -ENOMEM, "bench");
	if (!list)
		printf("\nOne page beside so many live mappings of one page: map, unmap, read32 and a read\n"
		       "of 4 KiB in ns.\n\n%8s %32s %32s %8s %8s\n", "live",
		       "map:   R       W     M  T      us", "unmap:   R       W     M  T      us",
		       "read32", "read");
	for (i = 0; !ret && i < ARRAY_SIZE(live); i++) {
		if (live[i] >= room) {
			if (!list)
				printf("%8zu skipped: larger than the aperture\n", live[i]);
			continue;
		}
		ret = crowd_grow(&c, live[i]);
		if (!ret)
			ret = measure_beside(&c, &r);
		if (!ret && list)
			json_object_array_add(list, beside_json(live[i], &r));
		else if (!ret)
			print_beside(live[i], &r);
	}
	err = crowd_end(&c);
	drop_vram(b);
	ret = ret ? ret : err;
	return ret ? cli_fail(b->cli, ret, "bench beside live mappings") : EXIT_SUCCESS;
}

/* --- the command -------------------------------------------------------- */

static struct json_object *add_list(struct json_object *out, const char *key)
{
	struct json_object *list = json_object_new_array();

	json_object_object_add(out, key, list);
	return list;
}

static int check_left(struct cli *cli, const struct nvbar_stats *first)
{
	struct nvbar_stats last;

	nvbar_trim(cli->gpu);
	last = cli_stats(cli);
	if (last.mappings != first->mappings || last.vram_free != first->vram_free ||
	    last.va_free != first->va_free)
		return cli_refuse(cli, "bench: mappings or VRAM are left behind");
	if (last.model_driver_errors)
		return cli_refuse(cli, "bench: the model refused %" PRIu64 " accesses",
				  last.model_driver_errors);
	return EXIT_SUCCESS;
}

static const struct argp argp = {
	.doc = "Measure mapping and access on this device: bus accesses and host time of map and "
	       "unmap, single accesses and copies beside memcpy() on ordinary memory, and what many "
	       "live mappings cost. Uses only VRAM that it allocates. Opens the device several times.",
	.children = cli_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct json_object *mappings = NULL, *access = NULL, *beside = NULL, *out = NULL;
	struct bench b = { .cli = cli };
	struct nvbar_stats first;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, cli);
	if (cli_open_bar1(cli, "bench"))
		return EXIT_FAILURE;
	first = cli_stats(cli);
	if (cli->json) {
		out = json_new(cli);
		mappings = add_list(out, "mappings");
		access = add_list(out, "access");
		beside = add_list(out, "beside");
	}
	ret = bench_mappings(&b, mappings);
	drop_vram(&b);
	if (!ret)
		ret = bench_access(&b, access);
	if (!ret)
		ret = bench_crowds(&b, beside);
	if (!ret)
		ret = check_left(cli, &first);
	if (out && !ret)
		json_print(out);
	else
		json_object_put(out);
	return ret;
}

const struct command cmd_bench = { "bench", "what mapping and access cost on this device", &argp,
				   run };
