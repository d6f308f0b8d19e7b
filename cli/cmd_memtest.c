// SPDX-License-Identifier: MIT
/*
 * nvbar memtest: patterns over VRAM, through BAR1.
 *
 * A pattern is written over all of the range before any of it is read, so that
 * addresses that lead to the same memory show, however far they are apart.
 */
#include <sys/random.h>
#include <time.h>

#include "cli.h"
#include "text.h"

#define BLOCK		(UINT64_C(1) << 20)	/* written or read at a time */
#define WINDOW_MAX	(UINT64_C(64) << 20)	/* mapped at a time */
#define MAX_BAD		16			/* ranges that are told */
#define MAX_STEPS	3

/** struct step - once over the range: compare with the pattern, write it, or both */
struct step {
	bool compare, compare_inverted;
	bool write, write_inverted;
	bool down;
};

/** struct test - a pattern, and the steps over it */
struct test {
	const char *name;
	uint64_t (*word)(uint64_t pa, uint64_t seed);
	struct step steps[MAX_STEPS];
};

/**
 * struct bad_range - words that were not what was written
 * @pa: first byte
 * @len: bytes
 * @want: the first word that was found, as it was written
 * @got: as it was read, if it could be read
 * @flipped: bits that were wrong in any of its words
 * @unreadable: the GPU faulted
 * @test: name of the test that found it
 * @pass: number of the pass
 */
struct bad_range {
	uint64_t pa, len, want, got, flipped;
	bool unreadable;
	const char *test;
	uint64_t pass;
};

/** struct volume - bytes that were moved, and in which time */
struct volume {
	uint64_t bytes, ns;
};

struct memtest {
	struct cli *cli;
	bool has_pa, has_len;
	uint64_t pa, len, passes, seed;
	bool has_seed;
	uint64_t chosen;		/* bit n: tests[n]; all of them if nobody chooses */
	uint64_t window;
	uint64_t *buf, *want;
	struct volume written, read;
	struct progress progress;
	uint64_t done, total, pass, errors;
	const char *test;
	struct bad_range bad[MAX_BAD];
	size_t nr_bad;
	bool more_bad;
};

/* --- patterns ----------------------------------------------------------- */

static uint64_t word_address(uint64_t pa, uint64_t seed)
{
	(void)seed;
	return pa;
}

static uint64_t word_checker(uint64_t pa, uint64_t seed)
{
	(void)pa;
	(void)seed;
	return UINT64_C(0x5555555555555555);
}

/* A one in another place in each word: inverted, a zero. */
static uint64_t word_walk(uint64_t pa, uint64_t seed)
{
	(void)seed;
	return UINT64_C(1) << (pa / 8 + pa / 512) % 64;
}

/* splitmix64 */
static uint64_t word_random(uint64_t pa, uint64_t seed)
{
	uint64_t z = seed + pa / 8 * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t word_zero(uint64_t pa, uint64_t seed)
{
	(void)pa;
	(void)seed;
	return 0;
}

#define WRITE_READ {									\
	{ .write = true },								\
	{ .compare = true },								\
}
/* Each word is both ways round, and is read after its neighbours of either side have changed. */
#define INVERSIONS {									\
	{ .write = true },								\
	{ .compare = true, .write = true, .write_inverted = true },			\
	{ .compare = true, .compare_inverted = true, .down = true },			\
}

static const struct test tests[] = {
	{ "address", word_address, WRITE_READ },
	{ "checker", word_checker, INVERSIONS },
	{ "walk", word_walk, INVERSIONS },
	{ "random", word_random, WRITE_READ },
};

static const struct test zero = { "zero", word_zero, { { .write = true } } };

static bool is_step(const struct step *step)
{
	return step->compare || step->write;
}

/* --- what is bad -------------------------------------------------------- */

/* The range that these bytes touch, or are in already; NULL if they begin one. */
static struct bad_range *find_range(struct memtest *m, uint64_t pa, uint64_t len, bool unreadable)
{
	size_t i;

	for (i = 0; i < m->nr_bad; i++) {
		struct bad_range *b = &m->bad[i];

		if (b->unreadable == unreadable && pa <= b->pa + b->len && b->pa <= pa + len)
			return b;
	}
	return NULL;
}

static void note_bad(struct memtest *m, uint64_t pa, uint64_t len, uint64_t want, uint64_t got,
		     bool unreadable)
{
	struct bad_range *b = find_range(m, pa, len, unreadable);
	uint64_t end;

	m->errors++;
	if (!b && m->nr_bad == MAX_BAD) {
		m->more_bad = true;
		return;
	}
	if (!b) {
		b = &m->bad[m->nr_bad++];
		*b = (struct bad_range){
			.pa = pa, .len = len, .want = want, .got = got,
			.unreadable = unreadable, .test = m->test, .pass = m->pass,
		};
	}
	b->flipped |= want ^ got;
	end = pa + len > b->pa + b->len ? pa + len : b->pa + b->len;
	b->pa = pa < b->pa ? pa : b->pa;
	b->len = end - b->pa;
}

static void compare_words(struct memtest *m, uint64_t pa, const uint64_t *want, const uint64_t *got,
			  uint64_t len)
{
	uint64_t i;

	if (!memcmp(want, got, len))
		return;
	for (i = 0; i < len / 8; i++)
		if (want[i] != got[i])
			note_bad(m, pa + 8 * i, 8, want[i], got[i], false);
}

/* --- blocks ------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static void make_words(const struct memtest *m, const struct test *test, bool inverted, uint64_t pa,
		       uint64_t *to, uint64_t len)
{
	uint64_t i, flip = inverted ? UINT64_MAX : 0;

	for (i = 0; i < len / 8; i++)
		to[i] = test->word(pa + 8 * i, m->seed) ^ flip;
}

/* The GPU faulted, which is a finding and no failure. */
static int go_on(struct memtest *m)
{
	cli_forget(m->cli);
	return nvbar_clear_fault(m->cli->gpu);
}

/* A page of the block faults: which ones? */
static int read_pages(struct memtest *m, struct nvbar_access *access, uint64_t off, uint64_t pa,
		      uint64_t len)
{
	uint64_t at;
	int ret;

	for (at = 0; at < len; at += PAGE_BYTES) {
		ret = go_on(m);
		if (!ret)
			ret = nvbar_read(access, off + at, m->buf + at / 8, PAGE_BYTES);
		if (ret == -EIO)
			note_bad(m, pa + at, PAGE_BYTES, 0, 0, true);
		else if (ret)
			return ret;
		else
			compare_words(m, pa + at, m->want + at / 8, m->buf + at / 8, PAGE_BYTES);
	}
	return go_on(m);
}

static int compare_block(struct memtest *m, struct nvbar_access *access, uint64_t off, uint64_t pa,
			 uint64_t len)
{
	uint64_t start = now_ns();
	int ret = nvbar_read(access, off, m->buf, len);

	m->read.ns += now_ns() - start;
	m->read.bytes += len;
	if (ret == -EIO)
		return read_pages(m, access, off, pa, len);
	if (!ret)
		compare_words(m, pa, m->want, m->buf, len);
	return ret;
}

/* Writes that are lost are found when they are read. */
static int write_block(struct memtest *m, struct nvbar_access *access, uint64_t off, uint64_t len)
{
	uint64_t start = now_ns();
	int ret = nvbar_write(access, off, m->want, len);

	if (!ret)
		ret = nvbar_flush(access);
	m->written.ns += now_ns() - start;
	m->written.bytes += len;
	return ret == -EIO ? go_on(m) : ret;
}

static int run_block(struct memtest *m, const struct test *test, const struct step *step,
		     struct nvbar_access *access, uint64_t off, uint64_t pa, uint64_t len)
{
	int ret = 0;

	if (interrupted())
		return -EINTR;
	if (step->compare) {
		make_words(m, test, step->compare_inverted, pa, m->want, len);
		ret = compare_block(m, access, off, pa, len);
		m->done += len;
	}
	if (!ret && step->write) {
		make_words(m, test, step->write_inverted, pa, m->want, len);
		ret = write_block(m, access, off, len);
		m->done += len;
	}
	progress_update(&m->progress, m->done);
	return ret;
}

/* --- once over the range ------------------------------------------------ */

/*
 * The next piece of [*@start, *@end), of one aligned unit at most, from below
 * or from above; the range shrinks by it.
 */
static struct nvbar_extent next_piece(uint64_t *start, uint64_t *end, uint64_t unit, bool down)
{
	struct nvbar_extent piece;
	uint64_t border;

	if (down) {
		border = (*end - 1) & -unit;
		piece.pa = border > *start ? border : *start;
		piece.len = *end - piece.pa;
		*end = piece.pa;
	} else {
		border = (*start & -unit) + unit;
		piece.pa = *start;
		piece.len = (border < *end ? border : *end) - *start;
		*start += piece.len;
	}
	return piece;
}

static int run_window(struct memtest *m, const struct test *test, const struct step *step,
		      const struct nvbar_extent *window)
{
	struct nvbar_map_opts opts = { .size = sizeof(opts), .label = "memtest" };
	uint64_t start = window->pa, end = window->pa + window->len;
	struct nvbar_access *access;
	int ret, err;

	ret = nvbar_map(m->cli->gpu, window, 1, &opts, &access);
	if (ret)
		return ret;
	while (!ret && start < end) {
		struct nvbar_extent block = next_piece(&start, &end, BLOCK, step->down);

		ret = run_block(m, test, step, access, block.pa - window->pa, block.pa, block.len);
	}
	err = nvbar_unmap(access);
	return ret ? ret : err;
}

static int run_step(struct memtest *m, const struct test *test, const struct step *step)
{
	uint64_t start = m->pa, end = m->pa + m->len, left_start, left_end;
	struct nvbar_extent window;
	int ret = 0;

	while (!ret && start < end) {
		left_start = start;
		left_end = end;
		window = next_piece(&left_start, &left_end, m->window, step->down);
		ret = run_window(m, test, step, &window);
		/* No room in BAR1 for so much at once: try with less. */
		if (ret == -ENOSPC && m->window > PAGE_BYTES) {
			m->window /= 2;
			cli_forget(m->cli);
			ret = 0;
			continue;
		}
		start = left_start;
		end = left_end;
	}
	return ret;
}

static int run_test(struct memtest *m, const struct test *test)
{
	size_t i;
	int ret = 0;

	m->test = test->name;
	for (i = 0; !ret && i < MAX_STEPS && is_step(&test->steps[i]); i++)
		ret = run_step(m, test, &test->steps[i]);
	return ret;
}

/* Bytes that all of it moves */
static uint64_t work(const struct memtest *m)
{
	uint64_t times = 0;
	size_t i, s;

	for (i = 0; i < ARRAY_SIZE(tests); i++)
		for (s = 0; m->chosen >> i & 1 && s < MAX_STEPS; s++)
			times += tests[i].steps[s].compare + tests[i].steps[s].write;
	return (times * m->passes + 1) * m->len;
}

static int run_pass(struct memtest *m, uint64_t pass)
{
	size_t i;
	int ret = 0;

	m->pass = pass;
	for (i = 0; !ret && i < ARRAY_SIZE(tests); i++)
		if (m->chosen >> i & 1)
			ret = run_test(m, &tests[i]);
	return ret;
}

static int run_all(struct memtest *m)
{
	uint64_t pass;
	int ret = 0;

	m->total = work(m);
	progress_begin(&m->progress, "memtest", m->total);
	for (pass = 1; !ret && pass <= m->passes; pass++)
		ret = run_pass(m, pass);
	if (!ret)
		ret = run_test(m, &zero);
	progress_end(&m->progress);
	return ret;
}

/* --- what is told ------------------------------------------------------- */

static uint64_t mib_per_s(const struct volume *v)
{
	return v->ns ? v->bytes * 1e9 / v->ns / 1048576 : 0;
}

static void print_bad(const struct bad_range *b)
{
	printf("bad 0x%" PRIx64 "+0x%" PRIx64 ": ", b->pa, b->len);
	if (b->unreadable)
		printf("the GPU faults");
	else
		printf("expected 0x%016" PRIx64 ", got 0x%016" PRIx64 ", xor 0x%016" PRIx64
		       "; wrong bits in all 0x%016" PRIx64,
		       b->want, b->got, b->want ^ b->got, b->flipped);
	printf(" (%s, pass %" PRIu64 ")\n", b->test, b->pass);
}

/* @ret: what ended the run, 0 if all of it was done */
static void print_verdict(const struct memtest *m, int ret)
{
	if (!ret && m->cli->dry_run) {
		puts("dry run: nothing was tested");
		return;
	}
	if (!ret) {
		printf("%s: %" PRIu64 " errors\n", m->errors ? "failed" : "passed", m->errors);
		return;
	}
	printf("not finished: %s in pass %" PRIu64 ", test %s, after %" PRIu64 " of %" PRIu64
	       " MiB; %" PRIu64 " errors so far\n", text_shown(cli_reason(m->cli, ret)),
	       m->pass, m->test, m->done >> 20, m->total >> 20, m->errors);
}

static void print_text(const struct memtest *m, int ret)
{
	size_t i;

	printf("%s: VRAM 0x%" PRIx64 "+0x%" PRIx64 ", %" PRIu64 " pass%s, seed 0x%" PRIx64 ":",
	       text_shown(m->cli->name), m->pa, m->len, m->passes, m->passes == 1 ? "" : "es",
	       m->seed);
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		if (m->chosen >> i & 1)
			printf(" %s", tests[i].name);
	putchar('\n');
	if (!m->cli->dry_run)
		printf("written %" PRIu64 " MiB/s, read %" PRIu64 " MiB/s\n",
		       mib_per_s(&m->written), mib_per_s(&m->read));
	for (i = 0; i < m->nr_bad; i++)
		print_bad(&m->bad[i]);
	if (m->more_bad)
		printf("bad ranges beyond these %d are not told\n", MAX_BAD);
	print_verdict(m, ret);
}

static struct json_object *bad_json(const struct bad_range *b)
{
	struct json_object *obj = json_object_new_object();

	json_add(obj, "pa", b->pa);
	json_add(obj, "len", b->len);
	json_add_flag(obj, "readable", !b->unreadable);
	if (!b->unreadable) {
		json_add(obj, "expected", b->want);
		json_add(obj, "got", b->got);
		json_add(obj, "xor", b->want ^ b->got);
		json_add(obj, "wrong_bits", b->flipped);
	}
	json_add_text(obj, "test", b->test);
	json_add(obj, "pass", b->pass);
	return obj;
}

static void add_findings(struct json_object *obj, const struct memtest *m)
{
	struct json_object *list;
	size_t i;

	json_add(obj, "bytes_written", m->written.bytes);
	json_add(obj, "bytes_read", m->read.bytes);
	json_add(obj, "write_mib_s", mib_per_s(&m->written));
	json_add(obj, "read_mib_s", mib_per_s(&m->read));
	json_add(obj, "errors", m->errors);
	list = json_add_list(obj, "bad");
	for (i = 0; i < m->nr_bad; i++)
		json_append(list, bad_json(&m->bad[i]));
	json_add_flag(obj, "more_bad", m->more_bad);
}

static int print_json(const struct memtest *m, int ret)
{
	struct json_object *obj = json_new(m->cli), *list;
	size_t i;

	json_add(obj, "pa", m->pa);
	json_add(obj, "len", m->len);
	json_add(obj, "passes", m->passes);
	json_add(obj, "seed", m->seed);
	list = json_add_list(obj, "tests");
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		if (m->chosen >> i & 1)
			json_append_text(list, tests[i].name);
	if (!m->cli->dry_run)
		add_findings(obj, m);
	json_add_flag(obj, "finished", !ret);
	if (ret) {
		json_add_text(obj, "reason", cli_reason(m->cli, ret));
		json_add(obj, "pass", m->pass);
		json_add_text(obj, "test", m->test);
		json_add(obj, "bytes_done", m->done);
		json_add(obj, "bytes_of_all", m->total);
	}
	return cli_print_json(m->cli, obj);
}

/* --- the command -------------------------------------------------------- */

static void choose_tests(struct memtest *m, const struct argp_state *state, const char *text)
{
	char *copy = strdup(text), *rest = copy, *name;
	size_t i;

	if (!copy)
		arg_no_memory(state);
	while ((name = strsep(&rest, ","))) {
		for (i = 0; i < ARRAY_SIZE(tests) && strcmp(name, tests[i].name); i++)
			;
		if (i == ARRAY_SIZE(tests))
			arg_error(state, "no such test: '%s'", name);
		m->chosen |= UINT64_C(1) << i;
	}
	free(copy);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct memtest *m = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = m->cli;
		return 0;
	case 'p':
		m->passes = arg_number(state, arg);
		if (!m->passes || m->passes > 1000000)
			arg_error(state, "1 to 1000000 passes");
		return 0;
	case 's':
		m->seed = arg_number(state, arg);
		m->has_seed = true;
		return 0;
	case 't':
		choose_tests(m, state, arg);
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			m->pa = arg_number(state, arg);
		else if (state->arg_num == 1)
			m->len = arg_number(state, arg);
		else
			arg_error(state, "too many arguments");
		m->has_pa = true;
		m->has_len = state->arg_num == 1;
		return 0;
	case ARGP_KEY_END:
		if (!m->chosen)
			m->chosen = UINT64_MAX;
		if (m->has_pa && !m->has_len)
			arg_error(state, "an address needs a length");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "passes", 'p', "N", 0, "do all of it N times (default 1)", 0 },
	{ "seed", 's', "SEED", 0, "of the random pattern (default: another one each time)", 0 },
	{ "test", 't', "NAME,...", 0, "only these: address, checker, walk, random; may be repeated",
	  0 },
	{ 0 }
};
static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[PA LEN]",
	.doc = "Test VRAM through BAR1. Destroys what the range holds, which without PA and LEN is all "
	       "of VRAM that is not reserved; in the end it holds zeroes."
	       "\vPA and LEN are multiples of 4096 and take the suffixes K, M, G and T.",
	.children = cli_options,
};

static int take_range(struct memtest *m)
{
	struct transfer t = { .cli = m->cli, .op = TRANSFER_MEMTEST };

	if (!m->has_pa)
		m->len = m->cli->info.vram_usable;
	if ((m->pa | m->len) % PAGE_BYTES)
		return cli_refuse(m->cli, "memtest 0x%" PRIx64 "+0x%" PRIx64
				  ": address and length must be multiples of 4096", m->pa, m->len);
	return transfer_check(&t, m->pa, m->len);
}

static int prepare(struct memtest *m)
{
	m->window = WINDOW_MAX;
	if (!m->has_seed && getrandom(&m->seed, sizeof(m->seed), 0) != sizeof(m->seed))
		return cli_fail(m->cli, -errno, "memtest: random seed");
	m->buf = malloc(BLOCK);
	m->want = malloc(BLOCK);
	return m->buf && m->want ? EXIT_SUCCESS : cli_fail(m->cli, -ENOMEM, "memtest");
}

static int memtest(struct memtest *m)
{
	int ret;

	if (cli_open_bar1(m->cli, "memtest") || take_range(m) || prepare(m))
		return EXIT_FAILURE;
	ret = run_all(m);
	if (!m->cli->json)
		print_text(m, ret);
	else if (print_json(m, ret))
		return EXIT_FAILURE;
	if (ret)
		return cli_fail(m->cli, ret, "memtest 0x%" PRIx64 "+0x%" PRIx64 " after %" PRIu64
				" errors", m->pa, m->len, m->errors);
	if (!m->errors || m->cli->dry_run)
		return EXIT_SUCCESS;
	return cli_refuse(m->cli, "memtest 0x%" PRIx64 "+0x%" PRIx64 ": %" PRIu64 " errors", m->pa,
			  m->len, m->errors);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct memtest m = { .cli = cli, .passes = 1 };
	int ret;

	tool_parse(&argp, argc, argv, 0, &m);
	ret = memtest(&m);
	free(m.buf);
	free(m.want);
	return ret;
}

const struct command cmd_memtest = { "memtest", "patterns over VRAM; destroys its content", &argp,
				     run };
