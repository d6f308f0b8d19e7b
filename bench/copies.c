// SPDX-License-Identifier: MIT
/*
 * Access through a mapping beside the same work on ordinary memory.
 *
 * Who is compared takes turns, round by round; a ratio is the median of the
 * ratios of the rounds, so that what disturbs a whole round disturbs neither
 * side more than the other.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define LARGEST		(64 * MIB)
#define ROUNDS		21
#define ROUNDS_LARGE	9	/* from 4 MiB */
#define TURN_NS		300000.0	/* a turn takes at least about this long */
#define PLACES		16		/* for the buffer: see compare() */
#define WORN_IN		32		/* copies of a mapping before it is measured */

/** struct subject - what is accessed
 * @access: a mapping
 * @model: pointer into another mapping of the same pages
 * @ordinary: ordinary memory of the same size
 * @buf: the other end of every copy, ordinary memory
 * @errors: calls that failed
 */
struct subject {
	struct nvbar_access *access;
	unsigned char *model;
	unsigned char *ordinary;
	unsigned char *buf;
	unsigned int errors;
};

/* --- the work ----------------------------------------------------------- */

/** struct work - something done @times times over @len bytes */
struct work {
	const char *name;
	void (*run)(struct subject *s, size_t len, unsigned long times);
};

/* Loops keep what they need in registers, for nvbar as for memcpy(). */

static void copy_from_nvbar(struct subject *s, size_t len, unsigned long times)
{
	struct nvbar_access *access = s->access;
	unsigned char *buf = s->buf;
	unsigned int errors = 0;

	while (times--)
		errors += !!nvbar_read(access, 0, buf, len);
	s->errors += errors;
}

static void copy_to_nvbar(struct subject *s, size_t len, unsigned long times)
{
	struct nvbar_access *access = s->access;
	unsigned char *buf = s->buf;
	unsigned int errors = 0;

	while (times--)
		errors += !!nvbar_write(access, 0, buf, len);
	s->errors += errors;
}

static void copy_memory(void *to, const void *from, size_t len, unsigned long times)
{
	while (times--) {
		memcpy(to, from, len);
		keep(to);
	}
}

static void copy_from_model(struct subject *s, size_t len, unsigned long times)
{
	copy_memory(s->buf, s->model, len, times);
}

static void copy_to_model(struct subject *s, size_t len, unsigned long times)
{
	copy_memory(s->model, s->buf, len, times);
}

static void copy_from_ordinary(struct subject *s, size_t len, unsigned long times)
{
	copy_memory(s->buf, s->ordinary, len, times);
}

static void copy_to_ordinary(struct subject *s, size_t len, unsigned long times)
{
	copy_memory(s->ordinary, s->buf, len, times);
}

/* Single accesses walk over @len bytes, a power of two. */

#define DEFINE_SINGLE(bits)								\
static void read##bits##_nvbar(struct subject *s, size_t len, unsigned long times)	\
{											\
	struct nvbar_access *access = s->access;					\
	unsigned int errors = 0;							\
	uint##bits##_t value;								\
	size_t off = 0;									\
											\
	for (; times--; off = (off + bits / 8) & (len - 1))				\
		errors += !!nvbar_read##bits(access, off, &value);			\
	s->errors += errors;								\
}											\
											\
static void write##bits##_nvbar(struct subject *s, size_t len, unsigned long times)	\
{											\
	struct nvbar_access *access = s->access;					\
	unsigned int errors = 0;							\
	size_t off = 0;									\
											\
	for (; times--; off = (off + bits / 8) & (len - 1))				\
		errors += !!nvbar_write##bits(access, off, 1);				\
	s->errors += errors;								\
}											\
											\
static void read##bits##_memory(const unsigned char *memory, size_t len, unsigned long times)	\
{											\
	size_t off = 0;									\
											\
	for (; times--; off = (off + bits / 8) & (len - 1))				\
		(void)*(const volatile uint##bits##_t *)(const void *)(memory + off);	\
}											\
											\
static void write##bits##_memory(unsigned char *memory, size_t len, unsigned long times)	\
{											\
	size_t off = 0;									\
											\
	for (; times--; off = (off + bits / 8) & (len - 1))				\
		*(volatile uint##bits##_t *)(void *)(memory + off) = 1;			\
}											\
											\
static void read##bits##_model(struct subject *s, size_t len, unsigned long times)	\
{											\
	read##bits##_memory(s->model, len, times);					\
}											\
											\
static void write##bits##_model(struct subject *s, size_t len, unsigned long times)	\
{											\
	write##bits##_memory(s->model, len, times);					\
}											\
											\
static void read##bits##_ordinary(struct subject *s, size_t len, unsigned long times)	\
{											\
	read##bits##_memory(s->ordinary, len, times);					\
}											\
											\
static void write##bits##_ordinary(struct subject *s, size_t len, unsigned long times)	\
{											\
	write##bits##_memory(s->ordinary, len, times);					\
}

DEFINE_SINGLE(32)
DEFINE_SINGLE(64)

/* Through the library, through a pointer into the model, on ordinary memory */
enum { NVBAR, MODEL, ORDINARY, NR_WAYS };

static const struct work singles[][NR_WAYS] = {
	{ { "read32", read32_nvbar }, { "", read32_model }, { "", read32_ordinary } },
	{ { "write32", write32_nvbar }, { "", write32_model }, { "", write32_ordinary } },
	{ { "read64", read64_nvbar }, { "", read64_model }, { "", read64_ordinary } },
	{ { "write64", write64_nvbar }, { "", write64_model }, { "", write64_ordinary } },
};

static const struct work copies[][NR_WAYS] = {
	{ { "read", copy_from_nvbar }, { "", copy_from_model }, { "", copy_from_ordinary } },
	{ { "write", copy_to_nvbar }, { "", copy_to_model }, { "", copy_to_ordinary } },
};

/* --- measuring ---------------------------------------------------------- */

/** struct outcome - of comparing the ways
 * @ns: median time of one run of each
 * @ratio: of each to ordinary memory: how many times as long
 */
struct outcome {
	double ns[NR_WAYS];
	double ratio[NR_WAYS];
};

static double take_turn(const struct work *work, struct subject *s, size_t len, unsigned long times)
{
	uint64_t start;

	work->run(s, len, 1);	/* the caches were another's */
	start = now_ns();
	work->run(s, len, times);
	return (now_ns() - start - clock_cost_ns()) / times;
}

/* Runs in a turn. */
static unsigned long calibrate(const struct bench *bench, const struct work *work,
			       struct subject *s, size_t len)
{
	unsigned long times = 1;

	if (bench->quick)
		return 1;
	while (take_turn(work, s, len, times) * times < TURN_NS)
		times *= 2;
	return times;
}

/*
 * Caches make some pairs of addresses collide, at a factor of three for small
 * copies.  Each round has the buffer in another page, so that the medians do
 * not depend on where memory came to lie.
 */
static struct outcome compare(const struct bench *bench, const struct work *way, struct subject *s,
			      size_t len)
{
	size_t rounds = bench->quick ? 1 : len >= 4 * MIB ? ROUNDS_LARGE : ROUNDS;
	unsigned char *buf = s->buf;
	double ns[NR_WAYS][ROUNDS] = { 0 }, ratio[NR_WAYS][ROUNDS] = { 0 };
	unsigned long times[NR_WAYS];
	struct outcome out = { 0 };
	unsigned int i, w;
	size_t r;

	for (w = 0; w < NR_WAYS; w++)
		times[w] = calibrate(bench, &way[w], s, len);
	for (r = 0; r < rounds; r++) {
		s->buf = buf + r % PLACES * PAGE_BYTES;
		for (i = 0; i < NR_WAYS; i++) {
			w = (r + i) % NR_WAYS;	/* nobody always goes first */
			ns[w][r] = take_turn(&way[w], s, len, times[w]);
		}
		for (w = 0; w < NR_WAYS; w++)
			ratio[w][r] = ns[w][r] / ns[ORDINARY][r];
	}
	s->buf = buf;
	for (w = 0; w < NR_WAYS; w++) {
		out.ns[w] = median(ns[w], rounds);
		out.ratio[w] = median(ratio[w], rounds);
	}
	return out;
}

static void compare_singles(const struct bench *bench, struct subject *s)
{
	size_t i;

	printf("\nSingle accesses, one after the other over 4 KiB; ns each:\n\n");
	printf("%-10s %10s %10s %10s %16s\n", "", "nvbar", "pointer", "memory", "nvbar/memory");
	for (i = 0; i < ARRAY_LEN(singles); i++) {
		struct outcome out = compare(bench, singles[i], s, PAGE_BYTES);

		printf("%-10s %10.2f %10.2f %10.2f %16.2f\n", singles[i][NVBAR].name, out.ns[NVBAR],
		       out.ns[MODEL], out.ns[ORDINARY], out.ratio[NVBAR]);
	}
}

static double gb_per_s(size_t len, double ns)
{
	return len / ns;
}

static void compare_copies(const struct bench *bench, struct subject *s, const char *pages)
{
	double worst[2] = { 0, 0 };
	size_t worst_len[2] = { 0, 0 }, len, i;

	printf("\nCopies, %s; GB/s of nvbar_read or nvbar_write, of memcpy() with a pointer into\n"
	       "the model, and of memcpy() on ordinary memory; speed relative to the last:\n\n",
	       pages);
	printf("%-8s %35s %35s\n", "", "read: nvbar pointer memory   rel.",
	       "write: nvbar pointer memory   rel.");
	for (len = 64; len <= LARGEST; len *= 4) {
		printf("%-8s", size_name(len));
		for (i = 0; i < ARRAY_LEN(copies); i++) {
			struct outcome out = compare(bench, copies[i], s, len);

			printf(" %13.2f %7.2f %6.2f %6.2f", gb_per_s(len, out.ns[NVBAR]),
			       gb_per_s(len, out.ns[MODEL]), gb_per_s(len, out.ns[ORDINARY]),
			       1 / out.ratio[NVBAR]);
			if (len >= 4 * KIB && out.ratio[NVBAR] > worst[i]) {
				worst[i] = out.ratio[NVBAR];
				worst_len[i] = len;
			}
		}
		printf("\n");
	}
	if (!bench->quick)
		printf("lowest from 4 KiB up: read %.2f of memcpy() (%s), write %.2f (%s)\n",
		       1 / worst[0], size_name(worst_len[0]), 1 / worst[1],
		       size_name(worst_len[1]));
}

/* --- what is copied ----------------------------------------------------- */

static struct nvbar_access *map(struct nvbar *gpu, const struct nvbar_extent *ext, size_t nr)
{
	const struct nvbar_map_opts opts = { .size = sizeof(opts), .flags = NVBAR_MAP_PRIVATE };
	struct nvbar_access *access;
	int ret = nvbar_map(gpu, ext, nr, &opts, &access);

	if (ret)
		give_up("map %zu extents: %s", nr, nvbar_strerror(ret));
	return access;
}

static void *page_aligned(size_t size)
{
	void *p = aligned_alloc(PAGE_BYTES, size);

	if (!p)
		give_up("no memory for %zu bytes", size);
	memset(p, 1, size);	/* every page is there before anything is timed */
	return p;
}

/* A mapping as one that has been in use for a while: with its window, if it gets one. */
static void wear_in(const struct bench *bench, struct subject *s)
{
	int i;

	for (i = 0; i < WORN_IN && !bench->quick; i++)
		s->errors += !!nvbar_read(s->access, 0, s->buf, LARGEST);
}

static void compare_on(struct bench *bench, struct nvbar *gpu, const struct nvbar_extent *ext,
		       size_t nr, const char *pages)
{
	struct subject s = { .access = map(gpu, ext, nr) };
	struct nvbar_access *other = map(gpu, ext, nr);
	void *pointer;
	int ret = nvbar_mmap(other, &pointer);

	if (ret)
		give_up("pointer to a mapping: %s", nvbar_strerror(ret));
	s.model = pointer;
	s.ordinary = page_aligned(LARGEST);
	s.buf = page_aligned(LARGEST + PLACES * PAGE_BYTES);
	memset(s.model, 1, LARGEST);
	wear_in(bench, &s);
	if (nr == 1)
		compare_singles(bench, &s);
	compare_copies(bench, &s, pages);
	check(bench, !s.errors, "%u accesses failed", s.errors);
	free(s.ordinary);
	free(s.buf);
	check(bench, !nvbar_unmap(other) && !nvbar_unmap(s.access), "an unmap failed");
}

/* In pages, more pieces than a window is put together from. */
#define TOO_LARGE	(2 * LARGEST)

void bench_copies(struct bench *bench)
{
	size_t nr = TOO_LARGE / PAGE_BYTES, i;
	struct nvbar *gpu = device_open("sim:ga102,bar1=512M", 0);
	uint64_t pa = device_vram(gpu, 2 * TOO_LARGE, 2 * MIB);
	struct nvbar_extent whole = { pa, LARGEST };
	struct nvbar_extent *ext = alloc_or_give_up(nr * sizeof(*ext));

	compare_on(bench, gpu, &whole, 1, "VRAM in one piece");
	for (i = 0; i < nr; i++)
		ext[i] = (struct nvbar_extent){
			pa + 2 * PAGE_BYTES * (i * UINT64_C(40503) % nr), PAGE_BYTES
		};
	compare_on(bench, gpu, ext, LARGEST / PAGE_BYTES, "VRAM in scattered 4 KiB pages");
	compare_on(bench, gpu, ext, nr, "the same in a mapping too large for a window");
	free(ext);
	device_close(bench, gpu);
}
