/* SPDX-License-Identifier: MIT */
/*
 * Processes killed at any moment, with VRAM in a file: the next to open it
 * finds no trace of them but what they flushed.  The argument is how often.
 */
#include "helper.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A slot is some pages that are written together; no two of them are neighbours. */
#define NR_SLOTS	16
#define SLOT_PAGES	4
#define SLOT_BYTES	(SLOT_PAGES * PAGE)
#define SLOTS		MIB(4)
/* VRAM that the victims allocate */
#define ALLOCS		MIB(16)
#define ALLOCS_END	MIB(48)

static const char *device(const char *chip)
{
	static char text[512];

	snprintf(text, sizeof(text), "sim:%s,vram=64M,bar1=64M,file=%s/vram", chip, test_dir);
	return text;
}

static void remove_file(void)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/vram", test_dir);
	unlink(path);
}

static uint64_t page_pa(unsigned int slot, unsigned int page)
{
	return SLOTS + (page * NR_SLOTS + slot) * 2 * PAGE;
}

static void slot_pfns(unsigned int slot, uint64_t pfn[SLOT_PAGES])
{
	unsigned int i;

	for (i = 0; i < SLOT_PAGES; i++)
		pfn[i] = page_pa(slot, i) / PAGE;
}

/* What a slot holds in a generation. */
static void content(unsigned int slot, uint64_t generation, uint8_t bytes[SLOT_BYTES])
{
	uint64_t state = generation * NR_SLOTS + slot, word;
	size_t i;

	for (i = 0; i < SLOT_BYTES; i += sizeof(word)) {
		word = rng_next(&state);
		memcpy(bytes + i, &word, sizeof(word));
	}
}

/* --- what a victim reports, in memory that outlives it --- */

enum phase { OPENING, WORKING, CLOSING, NR_PHASES };

struct report {
	unsigned int phase;
	unsigned int round;		/* counts the phases */
	unsigned int failed_line;
	uint64_t begun[NR_SLOTS];	/* generation that is being written or was */
	uint64_t flushed[NR_SLOTS];	/* ... that was flushed */
};

static struct report *report;

#define get(field)		__atomic_load_n(&report->field, __ATOMIC_SEQ_CST)
#define set(field, val)		__atomic_store_n(&report->field, (val), __ATOMIC_SEQ_CST)

static int make_report(void **state)
{
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return report == MAP_FAILED ? -1 : dir_make(state);
}

static int drop_report(void **state)
{
	munmap(report, sizeof(*report));
	return dir_remove(state);
}

/* --- the victim --- */

/* Not assert: the test is another process's. */
#define must(condition)					\
	do {						\
		if (!(condition)) {			\
			set(failed_line, __LINE__);	\
			_exit(1);			\
		}					\
	} while (0)

#define NR_KEPT	6

struct victim {
	struct nvbar *gpu;
	struct nvbar_access *kept[NR_KEPT];
	struct nvbar_vram *vram[NR_KEPT];
};

static void enter(enum phase phase)
{
	set(phase, phase);
	set(round, get(round) + 1);
}

static void write_by_bar1(struct victim *v, unsigned int slot, const uint8_t *bytes)
{
	struct nvbar_access *a;
	uint64_t pfn[SLOT_PAGES], word;
	size_t i;
	void *ptr;

	slot_pfns(slot, pfn);
	must(!nvbar_map_pages(v->gpu, pfn, SLOT_PAGES, 0, &a));
	switch (rng_below(3)) {
	case 0:
		must(!nvbar_write(a, 0, bytes, SLOT_BYTES));
		break;
	case 1:
		for (i = 0; i < SLOT_BYTES; i += sizeof(word)) {
			memcpy(&word, bytes + i, sizeof(word));
			must(!nvbar_write64(a, i, word));
		}
		break;
	default:
		must(!nvbar_mmap(a, &ptr));
		memcpy(ptr, bytes, SLOT_BYTES);
	}
	must(!nvbar_flush(a));
	must(!nvbar_unmap(a));
}

static void write_by_pramin(struct victim *v, unsigned int slot, const uint8_t *bytes)
{
	unsigned int i;

	for (i = 0; i < SLOT_PAGES; i++)
		must(!nvbar_pramin_write(v->gpu, page_pa(slot, i), bytes + i * PAGE, PAGE));
}

static void write_slot(struct victim *v)
{
	unsigned int slot = rng_below(NR_SLOTS);
	uint64_t generation = get(begun[slot]) + 1;
	uint8_t bytes[SLOT_BYTES];

	content(slot, generation, bytes);
	set(begun[slot], generation);
	if (rng_below(3))
		write_by_bar1(v, slot, bytes);
	else
		write_by_pramin(v, slot, bytes);
	set(flushed[slot], generation);
}

/* Mappings that stay for a while: large, small, read-only, in two phases. */
static void remap(struct victim *v)
{
	static const uint64_t len[] = { PAGE, 5 * PAGE, KIB(64), KIB(192), MIB(2), MIB(5) + PAGE };
	struct nvbar_access **a = &v->kept[rng_below(NR_KEPT)];
	uint64_t size = len[rng_below(NR_OF(len))];
	const struct nvbar_extent ext = { rng_below(MIB(40) / PAGE) * PAGE, size };
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = rng_below(8) & (NVBAR_MAP_RDONLY | NVBAR_MAP_PRIVATE),
	};
	struct nvbar_prepared *prepared;

	must(!nvbar_unmap(*a));
	*a = NULL;
	if (rng_below(2)) {
		must(!nvbar_map(v->gpu, &ext, 1, &opts, a));
		return;
	}
	must(!nvbar_map_prepare(v->gpu, size / PAGE, &opts, &prepared));
	if (rng_below(4))
		must(!nvbar_map_execute(prepared, &ext, 1, a));
	else
		nvbar_map_cancel(prepared);
}

static void allocate(struct victim *v)
{
	const struct nvbar_vram_opts opts = {
		.size = sizeof(opts), .range_start = ALLOCS, .range_end = ALLOCS_END,
	};
	struct nvbar_vram **vram = &v->vram[rng_below(NR_KEPT)];

	nvbar_vram_free(*vram);
	*vram = NULL;
	must(!nvbar_vram_alloc(v->gpu, (1 + rng_below(40)) * PAGE, &opts, vram));
}

static void work(struct victim *v)
{
	unsigned int steps = 1 + rng_below(40);

	while (steps--) {
		switch (rng_below(8)) {
		case 0:
			allocate(v);
			break;
		case 1:
		case 2:
			remap(v);
			break;
		case 3:
			nvbar_trim(v->gpu);
			break;
		default:
			write_slot(v);
		}
	}
}

static void live(const char *text)
{
	for (;;) {
		struct victim v = { 0 };

		enter(OPENING);
		must(!nvbar_open(&v.gpu, text, NULL));
		enter(WORKING);
		work(&v);
		enter(CLOSING);
		nvbar_close(v.gpu);
	}
}

/* --- killing it --- */

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Until the victim enters a phase, and a little longer. */
static void wait_for(enum phase phase, unsigned int first_round)
{
	static const unsigned int lasts_us[NR_PHASES] = { 1500, 4000, 1500 };
	uint64_t late = now_us() + 60000000, until;

	while (get(phase) != phase || get(round) == first_round) {
		assert_int_equal(get(failed_line), 0);
		assert_true(now_us() < late);
		sched_yield();
	}
	until = now_us() + rng_below(lasts_us[phase]);
	while (now_us() < until)
		sched_yield();
}

/* Starts a victim, and kills it.  Return: the phase that it was killed in. */
static enum phase kill_one(const char *text)
{
	enum phase phase = rng_below(NR_PHASES);
	unsigned int first_round = get(round);
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		live(text);
	wait_for(phase, first_round);
	assert_ok(kill(pid, SIGKILL));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(get(failed_line), 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return get(phase);
}

/* --- what the next one finds --- */

static int no_mapping(const struct nvbar_mapping_info *info, void *arg)
{
	(void)arg;
	print_error("stale mapping 0x%llx+0x%llx\n", (unsigned long long)info->va,
		    (unsigned long long)info->len);
	return 1;
}

static int no_entry(const struct nvbar_entry_info *info, void *arg)
{
	(void)arg;
	print_error("stale entry %s of VA 0x%llx\n", info->name, (unsigned long long)info->va);
	return 1;
}

static void like_new(struct nvbar *gpu)
{
	struct nvbar_stats stats = gpu_stats(gpu);
	uint64_t va;

	assert_ok(nvbar_for_each_mapping(gpu, no_mapping, NULL));
	assert_ok(nvbar_for_each_entry(gpu, no_entry, NULL));
	gpu_check(gpu);
	assert_int_equal(stats.mappings, 0);
	assert_int_equal(stats.mapped_bytes, 0);
	assert_int_equal(stats.va_free, MIB(64));
	assert_int_equal(stats.va_largest_free, MIB(64));
	assert_int_equal(stats.vram_free, stats.vram_total);
	assert_int_equal(stats.vram_largest_free, stats.vram_total);
	for (va = 0; va < MIB(64); va += MIB(1))
		assert_int_equal(walk_at(gpu, va).status, WALK_UNUSED);
}

/* What slots should hold, and as of which generation */
static uint8_t held[NR_SLOTS][SLOT_BYTES];
static uint64_t held_generation[NR_SLOTS];
static unsigned int nr_flushed, nr_torn;

static void read_slot(struct nvbar *gpu, unsigned int slot, uint8_t bytes[SLOT_BYTES])
{
	uint8_t again[SLOT_BYTES];
	uint64_t pfn[SLOT_PAGES];
	struct nvbar_access *a;
	unsigned int i;

	for (i = 0; i < SLOT_PAGES; i++)
		assert_ok(nvbar_pramin_read(gpu, page_pa(slot, i), bytes + i * PAGE, PAGE));
	slot_pfns(slot, pfn);
	assert_ok(nvbar_map_pages(gpu, pfn, SLOT_PAGES, NVBAR_MAP_RDONLY, &a));
	assert_ok(nvbar_read(a, 0, again, SLOT_BYTES));
	assert_memory_equal(bytes, again, SLOT_BYTES);
	assert_ok(nvbar_unmap(a));
}

/* What was flushed is there; of what was begun after it, any byte may be. */
static void check_slot(struct nvbar *gpu, unsigned int slot)
{
	uint64_t begun = report->begun[slot], flushed = report->flushed[slot];
	uint8_t *old = held[slot], new[SLOT_BYTES], got[SLOT_BYTES];
	size_t i;

	if (flushed != held_generation[slot]) {
		content(slot, flushed, old);
		nr_flushed++;
	}
	read_slot(gpu, slot, got);
	if (begun == flushed) {
		assert_memory_equal(got, old, SLOT_BYTES);
	} else {
		content(slot, begun, new);
		for (i = 0; i < SLOT_BYTES; i++)
			assert_true(got[i] == old[i] || got[i] == new[i]);
		nr_torn++;
	}
	memcpy(old, got, SLOT_BYTES);
	report->flushed[slot] = begun;
	held_generation[slot] = begun;
}

static void check_all(struct nvbar *gpu)
{
	unsigned int slot;

	like_new(gpu);
	for (slot = 0; slot < NR_SLOTS; slot++)
		check_slot(gpu, slot);
}

/* A new file, which holds what VRAM nobody wrote does. */
static void start_over(const uint8_t untouched[NR_SLOTS][SLOT_BYTES])
{
	unsigned int slot;

	remove_file();
	for (slot = 0; slot < NR_SLOTS; slot++) {
		memcpy(held[slot], untouched[slot], SLOT_BYTES);
		held_generation[slot] = report->flushed[slot] = report->begun[slot];
	}
}

static unsigned int nr_kills = 100;

static void only_what_was_flushed_outlives_a_process_that_is_killed(void **state)
{
	static uint8_t untouched[NR_SLOTS][SLOT_BYTES];
	unsigned int killed[NR_PHASES] = { 0 }, i, slot;
	struct nvbar *gpu;

	(void)state;
	rng_start(__func__);
	remove_file();
	gpu = gpu_open(device("ga102"));
	for (slot = 0; slot < NR_SLOTS; slot++)
		read_slot(gpu, slot, untouched[slot]);
	gpu_close(gpu);
	for (i = 0; i < nr_kills; i++) {
		if (!i || !rng_below(20))
			start_over(untouched);
		killed[kill_one(device(chips[i % NR_CHIPS].name))]++;
		/* The next one may be of any kind, and finds the other's page tables. */
		gpu = gpu_open(device(chips[(i + rng_below(2)) % NR_CHIPS].name));
		check_all(gpu);
		gpu_close(gpu);
	}
	print_message("killed while opening %u, working %u, closing %u; slots flushed %u, torn %u\n",
		      killed[OPENING], killed[WORKING], killed[CLOSING], nr_flushed, nr_torn);
	assert_true(killed[OPENING] && killed[WORKING] && killed[CLOSING]);
	assert_true(nr_flushed && nr_torn);
}

/* --- at every system call --- */

static void open_write_close(const char *text)
{
	struct victim v = { 0 };

	must(!nvbar_open(&v.gpu, text, NULL));
	write_slot(&v);
	nvbar_close(v.gpu);
}

/* Kills a victim as it enters or leaves a system call.  Return: false if it made no so many. */
static bool kill_at_call(unsigned int nr, const char *text)
{
	pid_t pid = fork();
	unsigned int i;
	int status;

	assert_true(pid >= 0);
	if (!pid) {
		must(!ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
		open_write_close(text);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (i = 0; i < nr && WIFSTOPPED(status); i++) {
		assert_ok(ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	assert_int_equal(get(failed_line), 0);
	if (WIFEXITED(status))
		return false;
	assert_true(WIFSTOPPED(status));
	assert_ok(kill(pid, SIGKILL));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return true;
}

static void a_file_can_be_opened_whichever_call_its_first_process_was_killed_at(void **state)
{
	static const char *const chip[] = { "tu102", "gb202" };
	struct nvbar *gpu;
	unsigned int nr;
	size_t c;

	(void)state;
	rng_start(__func__);
	for (c = 0; c < NR_OF(chip); c++) {
		remove_file();
		for (nr = 0; kill_at_call(nr, device(chip[c])); nr++) {
			gpu = gpu_open(device(chip[c]));
			like_new(gpu);
			gpu_close(gpu);
			remove_file();
		}
		print_message("%s: %u calls\n", chip[c], nr);
		assert_true(nr > 20);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_can_be_opened_whichever_call_its_first_process_was_killed_at),
		cmocka_unit_test(only_what_was_flushed_outlives_a_process_that_is_killed),
	};

	if (argc > 1)
		nr_kills = (unsigned int)strtoul(argv[1], NULL, 0);
	return cmocka_run_group_tests(tests, make_report, drop_report);
}
