// SPDX-License-Identifier: MIT
/* Single accesses and copies, beside memcpy() on ordinary memory. */
#include "bench.h"

#define COPY_MAX	(64 * MIB)
#define TURN_NS		200000		/* a turn takes about this long ... */
#define ROUNDS		11
#define PLACES		8		/* of the buffer, a page apart: see take_turns() */
#define PATIENCE_NS	500000000	/* ... and comparing at one size at most this */

/**
 * struct subject - what is accessed
 * @access: a mapping
 * @cpu: pointer to it, or NULL
 * @memory: ordinary memory of the same size
 * @buf: the other end of copies, ordinary memory, PLACES pages larger
 * @err: the first error met
 * @json: nothing is printed
 */
struct subject {
	struct nvbar_access *access;
	unsigned char *cpu, *memory, *buf;
	int err;
	bool json;
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
	start = bench_now_ns();
	for (i = 0; i < times; i++)
		work(s, way, len);
	return (bench_now_ns() - start) / (double)times;
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
	uint64_t start = bench_now_ns();
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
	for (r = 0; r < ROUNDS && (!r || bench_now_ns() - start < PATIENCE_NS); r++) {
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
		out.ns[w] = bench_median(ns[w], r);
	out.ratio = bench_median(ratio, r);
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
	json_append(list, obj);
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

	if (!s->json)
		printf("\nSingle accesses, ns: through the library, through a pointer to the mapping, on\n"
		       "ordinary memory; times the last.\n\n%-8s %10s %10s %10s %8s\n", "",
		       "library", "pointer", "memory", "times");
	for (i = 0; i < ARRAY_SIZE(singles); i++) {
		struct outcome o = take_turns(s, singles[i].work, PAGE_BYTES);

		for (w = 0; w < NR_WAYS; w++)
			o.ns[w] /= (double)PAGE_BYTES / singles[i].bytes;
		if (s->json)
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

	if (!s->json)
		printf("\nCopies, MB/s: nvbar_read or nvbar_write, memcpy() with a pointer to the mapping,\n"
		       "memcpy() on ordinary memory; speed relative to the last.\n\n"
		       "%6s %38s %38s\n", "bytes", "read: library pointer   memory     rel.",
		       "write: library pointer   memory     rel.");
	for (len = 64; len <= max && !s->err && !interrupted(); len *= 4) {
		if (!s->json)
			printf("%6s", size_text(len));
		for (i = 0; i < ARRAY_SIZE(copies); i++) {
			struct outcome o = take_turns(s, copies[i].work, len);

			if (s->json)
				outcome_json(list, copies[i].name, len, s, &o);
			else
				printf("  %12.0f %8.0f %8.0f %6.2f", 1000 * len / o.ns[LIBRARY],
				       s->cpu ? 1000 * len / o.ns[POINTER] : 0,
				       1000 * len / o.ns[MEMORY], 1 / o.ratio);
		}
		if (!s->json)
			printf("\n");
		(void)fflush(stdout);
	}
}

int bench_page_access(struct nvbar_access *access, double *read_ns, double *copy_ns)
{
	unsigned char buf[(PLACES + 1) * PAGE_BYTES];
	struct subject s = { .access = access, .memory = buf, .buf = buf };

	memset(buf, 0, sizeof(buf));
	*read_ns = take_turns(&s, all_read32, PAGE_BYTES).ns[LIBRARY] / (PAGE_BYTES / 4.0);
	*copy_ns = take_turns(&s, copy_from, PAGE_BYTES).ns[LIBRARY];
	return s.err;
}

int bench_access(struct bench *b, struct json_object *list)
{
	struct subject s = { .json = b->cli->json };
	uint64_t max = COPY_MAX;
	void *cpu = NULL;
	int ret;

	while (max > b->cli->info.bar1_size / 2)
		max /= 4;
	while ((ret = bench_take_vram(b, max)) == -ENOSPC && max > PAGE_BYTES)
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
	bench_drop_vram(b);
	if (!s.err && interrupted())
		s.err = -EINTR;
	return s.err ? cli_fail(b->cli, s.err, "bench access") : EXIT_SUCCESS;
}
