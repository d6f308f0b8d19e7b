/* SPDX-License-Identifier: MIT */
/* Traces of runs on modelled GPUs, and their replay. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"

/* Where the next GPU that this program opens is recorded. */
static unsigned int opened;

static const char *trace_path(unsigned int nr)
{
	static char path[300];

	if (nr == 1)
		snprintf(path, sizeof(path), "%s/trace", test_dir);
	else
		snprintf(path, sizeof(path), "%s/trace.%u", test_dir, nr);
	return path;
}

static int open_recorded(struct nvbar **gpu, const char *device)
{
	char path[300];
	int ret;

	snprintf(path, sizeof(path), "%s/trace", test_dir);
	assert_int_equal(setenv("NVBAR_TRACE", path, 1), 0);
	ret = nvbar_open(gpu, device, NULL);
	unsetenv("NVBAR_TRACE");
	opened++;
	return ret;
}

static struct nvbar *recorded_gpu(const char *device)
{
	struct nvbar *gpu = NULL;

	assert_ok(open_recorded(&gpu, device));
	return gpu;
}

/* The newest trace as a string; to be freed */
static char *read_trace(void)
{
	FILE *file = fopen(trace_path(opened), "r");
	char *text;
	long len;

	assert_non_null(file);
	assert_ok(fseek(file, 0, SEEK_END));
	len = ftell(file);
	rewind(file);
	text = malloc((size_t)len + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)len, file), len);
	text[len] = '\0';
	fclose(file);
	return text;
}

static struct nvbar_replay_report replay(const char *text)
{
	struct nvbar_replay_report r = { .size = sizeof(r) };
	char why[200] = "";
	int ret = nvbar_replay(text, strlen(text), &r, why, sizeof(why));

	if (ret)
		print_error("replay: %s\n", why);
	assert_ok(ret);
	return r;
}

static struct nvbar_replay_report replay_same(const char *text)
{
	struct nvbar_replay_report r = replay(text);

	if (r.line)
		print_error("line %llu, %s: 0x%llx, not 0x%llx\n", (unsigned long long)r.line,
			    r.where, (unsigned long long)r.replayed,
			    (unsigned long long)r.recorded);
	assert_int_equal(r.line, 0);
	assert_int_equal(r.refused, 0);
	return r;
}

static unsigned int count_lines(const char *text, const char *begin)
{
	unsigned int nr = 0;

	for (; text; text = strchr(text, '\n'), text = text ? text + 1 : NULL)
		nr += !strncmp(text, begin, strlen(begin));
	return nr;
}

/* A number of the line where @at points. */
static unsigned int line_number(const char *text, const char *at)
{
	unsigned int nr = 1;

	for (; text < at; text++)
		nr += *text == '\n';
	return nr;
}

/* Another last digit in the first value that the line has */
static char *change(const char *text, const char *line)
{
	unsigned int words = *line == 'r' ? 4 : 3;
	char *copy = strdup(text), *at;

	assert_non_null(copy);
	for (at = copy + (line - text); words; words--)
		at = strchr(at, ' ') + 1;
	at += strspn(at, "0123456789abcdefx") - 1;
	*at = *at == '1' ? '2' : '1';
	return copy;
}

/* --- tests --- */

/* First in this program: a file of that name exists only once. */
static void keep_warning(void *arg, int level, const char *line)
{
	if (level == NVBAR_LOG_WARNING)
		snprintf(arg, 256, "%s", line);
}

static void a_disk_that_is_full_ends_the_trace_and_not_the_run(void **state)
{
	char warning[256] = "";
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts), .log_level = NVBAR_LOG_WARNING, .log = keep_warning,
		.log_arg = warning,
	};
	struct nvbar *gpu;

	(void)state;
	assert_int_equal(setenv("NVBAR_TRACE", "/dev/full", 1), 0);
	assert_ok(nvbar_open(&gpu, "sim", &opts));
	unsetenv("NVBAR_TRACE");
	opened++;
	assert_non_null(strstr(warning, "trace /dev/full ends here: No space left on device"));
	pramin_wr64(gpu, 0x1000, 5);
	assert_int_equal(pramin_rd64(gpu, 0x1000), 5);
	nvbar_close(gpu);
}

static void a_trace_that_cannot_be_written_is_no_open(void **state)
{
	struct nvbar *gpu = UNTOUCHED;
	char device[300];

	(void)state;
	snprintf(device, sizeof(device), "sim:ga102,vram=64M,bar1=64M,file=%s/vram", test_dir);
	assert_int_equal(setenv("NVBAR_TRACE", "/nonexistent/trace", 1), 0);
	assert_err(nvbar_open(&gpu, device, NULL), ENOENT);
	opened++;
	assert_ptr_equal(gpu, UNTOUCHED);
	unsetenv("NVBAR_TRACE");
	/* Nobody has it. */
	assert_ok(nvbar_open(&gpu, device, NULL));
	nvbar_close(gpu);
}

/* In the next file that is recorded to: its name, where NVBAR_TRACE is "what" in our folder */
static const char *next_file(const char *what)
{
	static char path[300];

	opened++;
	if (opened == 1)
		snprintf(path, sizeof(path), "%s/%s", test_dir, what);
	else
		snprintf(path, sizeof(path), "%s/%s.%u", test_dir, what, opened);
	return path;
}

static void set_trace(const char *what)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", test_dir, what);
	assert_int_equal(setenv("NVBAR_TRACE", path, 1), 0);
}

static void keep_line(void *arg, int level, const char *line)
{
	(void)level;
	snprintf(arg, 256, "%s", line);
}

static void a_trace_does_not_take_the_place_of_vram(void **state)
{
	const char *file = next_file("memory");
	char device[400], why[256] = "";
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts), .log_level = NVBAR_LOG_WARNING, .log = keep_line, .log_arg = why,
	};
	struct nvbar *gpu = UNTOUCHED;

	(void)state;
	snprintf(device, sizeof(device), "sim:ga102,vram=64M,bar1=64M,file=%s", file);
	assert_ok(nvbar_open(&gpu, device, NULL));
	pramin_wr64(gpu, 0x1000, 0x1234567890);
	nvbar_close(gpu);

	gpu = UNTOUCHED;
	set_trace("memory");
	assert_err(nvbar_open(&gpu, device, &opts), EBUSY);
	unsetenv("NVBAR_TRACE");
	assert_ptr_equal(gpu, UNTOUCHED);
	assert_non_null(strstr(why, "is the VRAM of a running GPU"));
	assert_ok(nvbar_open(&gpu, device, NULL));
	assert_int_equal(pramin_rd64(gpu, 0x1000), 0x1234567890);
	nvbar_close(gpu);
}

/* Nor does it wait for a reader, with the GPU in its hands. */
static void a_trace_into_a_fifo_that_nobody_reads_is_no_open(void **state)
{
	struct nvbar *gpu = UNTOUCHED;

	(void)state;
	assert_int_equal(mkfifo(next_file("fifo"), 0600), 0);
	set_trace("fifo");
	assert_err(nvbar_open(&gpu, "sim:ga102,vram=64M", NULL), ENXIO);
	unsetenv("NVBAR_TRACE");
	assert_ptr_equal(gpu, UNTOUCHED);
}

/*
 * In a child, whose limits are its own, and where SIGXFSZ ends a process.  Return: which
 * expectation is not met.
 */
static int go_beyond_limits(void)
{
	const struct rlimit small = { 8192, 8192 };
	struct nvbar *gpu, *other = NULL;
	uint64_t val = 0;
	char device[400];
	unsigned int i;

	signal(SIGXFSZ, SIG_DFL);
	if (open_recorded(&gpu, "sim:ga102,vram=64M,bar1=64M") || setrlimit(RLIMIT_FSIZE, &small))
		return 1;
	/* The trace ends, and the run goes on. */
	for (i = 0; i < 1000; i++)
		if (nvbar_pramin_write(gpu, 8 * i, &i, sizeof(i)))
			return 2;
	if (nvbar_pramin_read(gpu, 8 * 999, &val, 4) || val != 999)
		return 3;
	nvbar_close(gpu);
	/* Memory in a file that may not be so large, or in none, is refused. */
	snprintf(device, sizeof(device), "sim:ga102,vram=64M,file=%s/too-large", test_dir);
	if (nvbar_open(&other, device, NULL) != -EFBIG || other)
		return 4;
	if (nvbar_open(&other, "sim:ga102,vram=64M", NULL) != -EFBIG || other)
		return 5;
	snprintf(device, sizeof(device), "%s/too-large", test_dir);
	return access(device, F_OK) ? 0 : 6;
}

static void what_a_process_may_write_at_most_is_an_error_and_no_signal(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (!child)
		_exit(go_beyond_limits());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define ARENA	MIB(32)

struct live {
	struct nvbar_access *access;
	uint64_t len;
};

static void map_something(struct nvbar *gpu, struct live *live)
{
	struct nvbar_extent ext[3];
	size_t i, nr = 1 + rng_below(3);

	live->len = 0;
	for (i = 0; i < nr; i++) {
		ext[i].len = PAGE << rng_below(10);
		ext[i].pa = rng_below(ARENA - ext[i].len) & -PAGE;
		live->len += ext[i].len;
	}
	assert_ok(nvbar_map(gpu, ext, nr, NULL, &live->access));
}

static void use_mapping(const struct live *live)
{
	static uint8_t block[3 * 4096 + 17];
	uint64_t off = rng_below(live->len - 64), len = rng_below(live->len - off);
	uint8_t byte;
	uint32_t word;

	if (len > sizeof(block))
		len = sizeof(block);
	rng_fill(block, len);
	switch (rng_below(6)) {
	case 0:
		assert_ok(nvbar_write(live->access, off, block, len));
		break;
	case 1:
		assert_ok(nvbar_read(live->access, off, block, len));
		break;
	case 2:
		assert_ok(nvbar_fill(live->access, off & ~3ull, (uint32_t)rng_u64(), len & ~3ull));
		break;
	case 3:
		assert_ok(nvbar_write8(live->access, off, (uint8_t)rng_u64()));
		assert_ok(nvbar_read8(live->access, off, &byte));
		break;
	case 4:
		assert_ok(nvbar_read32(live->access, off & ~3ull, &word));
		assert_ok(nvbar_read32(live->access, off & ~3ull, &word));
		break;
	default:
		assert_ok(nvbar_flush(live->access));
	}
}

static void use_pramin(struct nvbar *gpu)
{
	static uint8_t block[5000];
	uint64_t pa = rng_below(ARENA), len = rng_below(sizeof(block));

	rng_fill(block, len);
	if (rng_below(2))
		assert_ok(nvbar_pramin_write(gpu, pa, block, len));
	else
		assert_ok(nvbar_pramin_read(gpu, pa, block, len));
}

/* Without it PRAMIN finds old data or new, and a replay need not find the same. */
static void flush_all(const struct live *live, size_t nr)
{
	for (; nr; nr--, live++)
		if (live->access)
			assert_ok(nvbar_flush(live->access));
}

static void do_random_things(struct nvbar *gpu, unsigned int nr)
{
	struct nvbar_check_report report = { .size = sizeof(report) };
	struct live live[8] = { 0 };

	while (nr--) {
		struct live *l = &live[rng_below(NR_OF(live))];

		if (!l->access) {
			map_something(gpu, l);
		} else if (!rng_below(8)) {
			assert_ok(nvbar_unmap(l->access));
			l->access = NULL;
		} else {
			use_mapping(l);
		}
		if (!rng_below(4)) {
			flush_all(live, NR_OF(live));
			use_pramin(gpu);
		}
	}
	assert_ok(nvbar_check(gpu, &report));
}

static void what_was_recorded_on_any_chip_replays_without_a_difference(void **state)
{
	struct nvbar_replay_report r;
	struct nvbar *gpu;
	char device[100], *text;
	size_t i;

	(void)state;
	rng_start(__func__);
	for (i = 0; i < NR_CHIPS; i++) {
		snprintf(device, sizeof(device), "sim:%s,vram=1G,bar1=64M", chips[i].name);
		gpu = recorded_gpu(device);
		do_random_things(gpu, 400);
		nvbar_close(gpu);
		text = read_trace();
		r = replay_same(text);
		assert_true(r.compared > 2000);
		assert_int_equal(r.passed_over, 0);
		free(text);
	}
}

static void how_long_the_gpu_takes_is_no_difference(void **state)
{
	struct nvbar_replay_report r;
	struct nvbar *gpu;
	char device[200], *text;
	size_t i;

	(void)state;
	rng_start(__func__);
	for (i = 0; i < NR_CHIPS; i++) {
		snprintf(device, sizeof(device), "sim:%s,vram=1G,bar1=64M,boot-polls=6,bind-polls=5,"
			 "invalidate-polls=40,window-delay=3", chips[i].name);
		gpu = recorded_gpu(device);
		do_random_things(gpu, 50);
		nvbar_close(gpu);
		text = read_trace();
		r = replay_same(text);
		assert_true(r.passed_over > 100);
		/* Forty reads alike are two lines. */
		assert_non_null(strstr(text, "\nx 39\n"));
		free(text);
	}
}

/* A run with one of each kind of read */
static char *record_a_story(void)
{
	struct nvbar *gpu = recorded_gpu("sim:ga102,vram=1G,bar1=64M");
	struct nvbar_access *a = map_at(gpu, MIB(1), PAGE, 0);
	uint64_t words[4] = { 0xa0, 0xa0, 0xa0, 0xb0 };

	assert_ok(nvbar_write64(a, 0x100, 0x1122334455667780));
	assert_int_equal(bar1_rd64(a, 0x100), 0x1122334455667780);
	assert_ok(nvbar_write(a, 0x208, words, sizeof(words)));
	assert_ok(nvbar_read(a, 0x208, words, sizeof(words)));
	assert_ok(nvbar_flush(a));
	assert_int_equal(pramin_rd64(gpu, MIB(1) + 0x100), 0x1122334455667780);
	assert_ok(nvbar_unmap(a));
	nvbar_close(gpu);
	return read_trace();
}

/* Writes tell nothing back: that they went nowhere only the count says. */
static void writes_that_fault_in_the_replay_are_counted_as_refused(void **state)
{
	char *text = record_a_story(), *rest = strstr(text, "\nr 1 "), *more;
	struct nvbar_replay_report r;

	(void)state;
	assert_non_null(rest);
	*rest = '\0';
	assert_true(asprintf(&more, "%s\nw 1 0x3000000 8 0x1\nw 1 0x3000008 8 0x1\n", text) > 0);
	r = replay(more);
	assert_int_equal(r.line, 0);
	assert_int_equal(r.refused, sparse_background ? 0 : 2);
	free(more);
	free(text);
}

static void a_value_that_was_changed_is_found_in_its_line(void **state)
{
	static const struct {
		const char *line, *where;
	} wrong[] = {
		{ "\nr 1 ", "VRAM 0x100100" },
		{ "\nR 1 ", "VRAM 0x100208" },
		{ "\nR 0 ", "VRAM 0x100100" },
		{ "\nr 0 0x001700 ", "PBUS_BAR0_WINDOW" },
		{ "\nr 0 0xb80f40 ", "VF_PRIV_BAR1_BLOCK" },
		{ "\nr 0 0xb80f50 ", "VF_PRIV_BIND_STATUS" },
		{ "\nr 0 0xb83094 ", "VF_PRIV_MMU_FAULT_STATUS" },
	};
	char *text = record_a_story(), *other;
	struct nvbar_replay_report r;
	const char *line;
	size_t i;

	(void)state;
	replay_same(text);
	for (i = 0; i < NR_OF(wrong); i++) {
		line = strstr(text, wrong[i].line);
		if (!line)
			print_error("no line \"%s\"\n", wrong[i].line + 1);
		assert_non_null(line);
		other = change(text, line + 1);
		r = replay(other);
		assert_int_equal(r.line, line_number(text, line + 1));
		assert_string_equal(r.where, wrong[i].where);
		assert_int_not_equal(r.recorded, r.replayed);
		free(other);
	}
	free(text);
}

static void an_invalidate_that_never_ended_is_a_difference(void **state)
{
	static const char trigger[] = "\nw 0 0xb830b0 4 0x800000c5";
	struct nvbar_replay_report r;
	char *text = record_a_story(), *after, *other;

	(void)state;
	after = strstr(text, trigger);
	assert_non_null(after);
	/* What follows the trigger is its poll; the run ends there. */
	after = strchr(after + 1, '\n');
	assert_memory_equal(after, "\nr 0 0xb830b0 4 ", 16);
	*strchr(after + 1, '\n') = '\0';
	assert_true(asprintf(&other, "%.*s\nr 0 0xb830b0 4 0x800000c5\nx 5000\nchip GA102 1073741824\n",
			     (int)(after - text), text) > 0);
	r = replay(other);
	assert_string_equal(r.where, "VF_PRIV_MMU_INVALIDATE");
	assert_int_equal(r.line, line_number(text, after + 1));
	assert_int_equal(r.recorded, 0x800000c5);
	assert_int_equal(r.replayed, 0xc5);
	free(other);
	free(text);
}

static void a_gpu_that_went_away_is_a_difference(void **state)
{
	struct nvbar_replay_report r;
	struct nvbar_access *a;
	struct nvbar *gpu;
	uint32_t val;
	char *text;

	(void)state;
	gpu = recorded_gpu("sim:gh100,vram=1G,bar1=64M,dead-at=9000");
	a = map_at(gpu, MIB(1), PAGE, 0);
	while (!nvbar_read32(a, 0, &val))
		;
	nvbar_unmap(a);
	nvbar_close(gpu);
	text = read_trace();
	r = replay(text);
	assert_true(r.line > 20);
	assert_int_equal(r.recorded, 0xffffffff);
	free(text);
}

static void what_vram_held_before_is_taken_over_once(void **state)
{
	uint64_t words[4] = { 1, 2, 3, 4 }, read[4];
	struct nvbar_replay_report r;
	char device[300], *text, *other, *line;
	struct nvbar_access *a;
	struct nvbar *gpu;

	(void)state;
	snprintf(device, sizeof(device), "sim:ga102,vram=64M,bar1=64M,file=%s/before", test_dir);
	gpu = gpu_open(device);
	assert_ok(nvbar_pramin_write(gpu, MIB(1), words, sizeof(words)));
	nvbar_close(gpu);

	gpu = recorded_gpu(device);
	a = map_at(gpu, MIB(1), PAGE, 0);
	assert_ok(nvbar_write8(a, 9, 0x55));
	/* Through BAR1, a word of which one byte is known, and again through PRAMIN */
	assert_int_equal(bar1_rd64(a, 8), 0x5502);
	assert_ok(nvbar_pramin_read(gpu, MIB(1), read, sizeof(read)));
	assert_int_equal(read[3], 4);
	nvbar_close(gpu);
	text = read_trace();
	replay_same(text);

	line = strstr(text, "\nr 1 0x");
	assert_non_null(line);
	/* 0x5501: what was never written may be anything, but then the same again */
	other = change(text, line + 1);
	r = replay(other);
	assert_true(r.line > line_number(text, line + 1));
	assert_string_equal(r.where, "VRAM 0x100008");
	assert_int_equal(r.recorded, 0x5502);
	assert_int_equal(r.replayed, 0x5501);
	free(other);
	/* ... while the byte that was written is what it is. */
	line = strstr(line, "0x5502");
	line[3] = '6';
	r = replay(text);
	assert_int_equal(r.line, line_number(text, line));
	assert_int_equal(r.replayed, 0x5502);
	free(text);
}

static void what_pointers_write_is_taken_over(void **state)
{
	struct nvbar_replay_report r;
	struct nvbar_access *a;
	struct nvbar *gpu;
	uint32_t *ptr;
	char *text;
	void *p;

	(void)state;
	gpu = recorded_gpu("sim:ga102,vram=64M,bar1=64M");
	a = map_at(gpu, MIB(1), 2 * PAGE, 0);
	assert_ok(nvbar_write32(a, 16, 1));
	assert_ok(nvbar_mmap(a, &p));
	ptr = p;
	ptr[4] = 0x12345678;
	assert_int_equal((uint32_t)pramin_rd64(gpu, MIB(1) + 16), 0x12345678);
	nvbar_close(gpu);
	text = read_trace();
	assert_int_equal(count_lines(text, "m 0x"), 1);
	r = replay_same(text);
	assert_true(r.taken_over > 8);
	free(text);
}

static void every_access_is_seen(void **state)
{
	struct nvbar_access *a;
	struct nvbar *gpu;
	char *text;
	unsigned int i;

	(void)state;
	gpu = recorded_gpu("sim:ga102,vram=64M,bar1=64M");
	a = map_at(gpu, MIB(1), PAGE, 0);
	for (i = 0; i < 1000; i++)
		assert_ok(nvbar_write32(a, 4 * (i % 7), 3 * i));
	for (i = 0; i < 500; i++)
		assert_int_equal(bar1_rd64(a, 0), bar1_rd64(a, 0));
	nvbar_close(gpu);
	text = read_trace();
	assert_int_equal(count_lines(text, "w 1 "), 1000);
	assert_int_equal(count_lines(text, "r 1 "), 1);
	assert_int_equal(count_lines(text, "x 999"), 1);
	free(text);
}

static void *write_a_lot(void *arg)
{
	struct nvbar_access *a = arg;
	unsigned int i;
	uint64_t val;

	for (i = 0; i < 500; i++) {
		assert_ok(nvbar_write64(a, 8 * (i % 64), i));
		assert_ok(nvbar_read64(a, 8 * (i % 64), &val));
		assert_int_equal(val, i);
	}
	return NULL;
}

static void lines_of_threads_have_the_order_of_their_accesses(void **state)
{
	struct nvbar_access *a[4];
	pthread_t thread[4];
	struct nvbar *gpu;
	char *text;
	size_t i;

	(void)state;
	gpu = recorded_gpu("sim:gb202,vram=256M,bar1=64M,invalidate-polls=5");
	for (i = 0; i < 4; i++) {
		a[i] = map_at(gpu, MIB(1 + i), PAGE, 0);
		assert_int_equal(pthread_create(&thread[i], NULL, write_a_lot, a[i]), 0);
	}
	for (i = 0; i < 200; i++)
		nvbar_unmap(map_at(gpu, MIB(8), PAGE, 0));
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	nvbar_close(gpu);
	text = read_trace();
	replay_same(text);
	free(text);
}

static void each_gpu_of_a_process_has_a_file_of_its_own(void **state)
{
	struct nvbar *a = recorded_gpu("sim:ga102,vram=64M,bar1=64M");
	struct nvbar *b = recorded_gpu("sim:gh100,vram=64M,bar1=64M");
	char *text;

	(void)state;
	pramin_wr64(a, 0, 1);
	pramin_wr64(b, 0, 2);
	nvbar_close(a);
	nvbar_close(b);
	text = read_trace();
	assert_int_equal(count_lines(text, "device sim:gh100,vram=64M,bar1=64M"), 1);
	replay_same(text);
	free(text);
	opened--;
	text = read_trace();
	assert_int_equal(count_lines(text, "chip GA102 0x4000000"), 1);
	replay_same(text);
	free(text);
	opened++;
}

static void what_is_no_trace_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *text, *why;
		int ret;
	} bad[] = {
		{ "", "line 0: there is nothing", EINVAL },
		{ "nvbar-trace 2\n", "line 1: this is no \"nvbar-trace 1\"", EINVAL },
		{ "VERSION 1\nPCIDEV 1\n", "line 2: \"PCIDEV\" is not followed by 1 words", EINVAL },
		{ "VERSION 1\nR 4 1 1 0x0 0x0\n", "line 2: nothing before touches a GPU", EINVAL },
		{ "scenario x\n", "line 1: this is no \"nvbar-trace 1\"", EINVAL },
		{ "nvbar-trace 1\n", "line 1: no line tells the size of BAR1", EINVAL },
		{ "nvbar-trace 1\nbar1 0\n", "no chip, or no size of VRAM, was identified", EOPNOTSUPP },
		{ "nvbar-trace 1\nbar1 0\nchip NV4 1048576\n", "no such chip: nv4", EOPNOTSUPP },
		{ "nvbar-trace 1\nbar1 1\nchip GA102 1048576\n", "BAR1 is a power of two", EOPNOTSUPP },
		{ "nvbar-trace 1\nbar1 0\nr 3 0 4 0\n", "line 3: BAR is 0, 1 or 2", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nr 10 0 4 0\n", "line 3: BAR is 0, 1 or 2", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nr 0 0 3 0\n", "line 3: width is 1, 2, 4 or 8", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nr 0 2 4 0\n", "line 3: offset 2 is no multiple", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nr 0 0 4 0x100000000\n", "line 3: 0x100000000 has more", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nr 0 0x100000000 4 0\n", "line 3: no such offset", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nr 0 0 4 -1\n", "line 3: not a number: -1", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nr 0 0 4 0x\n", "line 3: not a number: 0x", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nr 0 0 4 f\n", "line 3: not a number: f", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nr 0 0 4 0x0x1\n", "line 3: not a number: 0x0x1", EINVAL },
		{ "nvbar-trace 1\nbar1 0x11111111111111111\n", "line 2: does not fit", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nr 0 0 4\n", "line 3: \"r\" is not followed by 3", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nW 0 0 1*0\n", "line 3: a run of 1 to", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nW 0 0 1*9999999\n", "line 3: a run of 1 to", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nW 0 4 1\n", "line 3: offset 4 is no multiple of 8", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nx 1\n", "line 3: nothing was read before", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nr 0 0 4 0\nx 0\n", "line 4: 1 to", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nm 0 4096 wo\n", "line 3: ro or rw", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nfoo\n", "line 3: what is \"foo\"?", EINVAL },
		{ "nvbar-trace 1\nbar1 0\nR 0 0 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n", "line 3: more than", EINVAL },
	};
	static const char good[] = "nvbar-trace 1\nbar1 0\nchip GA102 1048576";
	struct nvbar_replay_report r = { .size = sizeof(r), .line = 77 };
	char why[200];
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(bad); i++) {
		assert_err(nvbar_replay(bad[i].text, strlen(bad[i].text), &r, why, sizeof(why)),
			   bad[i].ret);
		if (strncmp(why, bad[i].why, strlen(bad[i].why)))
			fail_msg("%s: %s", bad[i].text, why);
		assert_err(nvbar_replay(bad[i].text, strlen(bad[i].text), &r, NULL, 0), bad[i].ret);
		assert_int_equal(r.line, 77);
	}
	r.size = 8;
	assert_err(nvbar_replay(good, strlen(good), &r, NULL, 0), EINVAL);
	r.size = sizeof(r);
	assert_ok(nvbar_replay(good, strlen(good), &r, NULL, 0));
	assert_int_equal(r.line, 0);
}

struct refusals {
	struct nvbar_replay_refusal last;
	unsigned int nr;
};

static void note_refusal(const struct nvbar_replay_refusal *refusal, void *arg)
{
	struct refusals *seen = arg;

	seen->last = *refusal;
	seen->nr++;
}

static void each_access_that_the_model_refuses_is_told(void **state)
{
	/* Three words beyond the aperture, in one line, after a write of half a register */
	static const char text[] = "nvbar-trace 1\nbar1 0x4000000\nchip GA102 0x4000000\n"
				   "w 0 0x1700 2 0x1\nW 1 0x4000000 0x5*3\n";
	struct refusals seen = { .nr = 0 };
	const struct nvbar_replay_opts opts = {
		.size = sizeof(opts), .refused = note_refusal, .arg = &seen,
	};
	struct nvbar_replay_report r = { .size = sizeof(r) };

	(void)state;
	assert_ok(nvbar_replay_trace(text, strlen(text), &opts, &r, NULL, 0));
	assert_int_equal(r.line, 0);
	assert_int_equal(r.refused, 4);
	assert_int_equal(seen.nr, 4);
	assert_int_equal(seen.last.line, 5);
	assert_int_equal(seen.last.bar, 1);
	assert_int_equal(seen.last.width, 8);
	assert_int_equal(seen.last.offset, 0x4000010);
	assert_int_equal(seen.last.value, 5);
	assert_int_equal(seen.last.is_write, 1);
	assert_string_equal(seen.last.where, "nothing");
	assert_non_null(strstr(seen.last.reason, "outside the aperture"));
}

static void a_replay_ends_at_its_limits(void **state)
{
	static const char text[] = "nvbar-trace 1\nbar1 0x4000000\nchip GA102 0x4000000\n"
				   "r 1 0 8 1\nx 4000000000\nW 1 0x2000 0x5*100\nr 1 0x8000 4 0\n";
	struct nvbar_replay_opts opts = { .size = sizeof(opts), .max_accesses = 103,
					  .max_vram = 3 * PAGE };
	struct nvbar_replay_report r = { .size = sizeof(r), .line = 77 };
	char why[200];

	(void)state;
	assert_ok(nvbar_replay_trace(text, strlen(text), &opts, &r, why, sizeof(why)));
	opts.max_accesses--;
	r.line = 77;
	assert_err(nvbar_replay_trace(text, strlen(text), &opts, &r, why, sizeof(why)), ENOSPC);
	assert_string_equal(why, "line 7: more than 102 accesses, the limit");
	assert_int_equal(r.line, 77);
	opts.max_accesses++;
	opts.max_vram--;
	assert_err(nvbar_replay_trace(text, strlen(text), &opts, &r, why, sizeof(why)), ENOSPC);
	assert_string_equal(why, "line 7: more than 0x2fff bytes of VRAM are touched, the limit");
	assert_int_equal(r.line, 77);
	opts.size = 3;
	assert_err(nvbar_replay_trace(text, strlen(text), &opts, &r, why, sizeof(why)), EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_access_that_the_model_refuses_is_told),
		cmocka_unit_test(a_replay_ends_at_its_limits),
		cmocka_unit_test(a_disk_that_is_full_ends_the_trace_and_not_the_run),
		cmocka_unit_test(a_trace_that_cannot_be_written_is_no_open),
		cmocka_unit_test(a_trace_does_not_take_the_place_of_vram),
		cmocka_unit_test(a_trace_into_a_fifo_that_nobody_reads_is_no_open),
		cmocka_unit_test(what_a_process_may_write_at_most_is_an_error_and_no_signal),
		cmocka_unit_test(what_was_recorded_on_any_chip_replays_without_a_difference),
		cmocka_unit_test(how_long_the_gpu_takes_is_no_difference),
		cmocka_unit_test(writes_that_fault_in_the_replay_are_counted_as_refused),
		cmocka_unit_test(a_value_that_was_changed_is_found_in_its_line),
		cmocka_unit_test(an_invalidate_that_never_ended_is_a_difference),
		cmocka_unit_test(a_gpu_that_went_away_is_a_difference),
		cmocka_unit_test(what_vram_held_before_is_taken_over_once),
		cmocka_unit_test(what_pointers_write_is_taken_over),
		cmocka_unit_test(every_access_is_seen),
		cmocka_unit_test(lines_of_threads_have_the_order_of_their_accesses),
		cmocka_unit_test(each_gpu_of_a_process_has_a_file_of_its_own),
		cmocka_unit_test(what_is_no_trace_is_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
