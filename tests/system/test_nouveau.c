// SPDX-License-Identifier: MIT
/*
 * What Linux's nouveau did to a served GPU, once more on a model that begins as that
 * one did: each read gives what it gave, whether a driver would act upon it or not.
 * nvbar replay, which must take traces of other GPUs, passes facts over and takes from
 * the trace what VRAM held.
 */
#include "helper.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim.h"
#include "trace.h"

static char *file_text(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	char *text;
	long size;

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	assert_true(size > 0);
	rewind(f);
	text = malloc((size_t)size);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)size, f), size);
	fclose(f);
	*len = (size_t)size;
	return text;
}

/**
 * struct rerun - a trace that is performed once more
 * @trace: it
 * @gpu: what it is performed on
 * @reads: reads that were compared, of each BAR
 */
struct rerun {
	struct nvbar_trace trace;
	struct sim_gpu *gpu;
	unsigned int reads[3];
};

static void power_on(struct rerun *r, const char *path)
{
	char why[200] = "", chip[sizeof(r->trace.chip)], *text;
	struct sim_config cfg = { .chip = chip, .vbios = true };
	size_t len, i;

	text = file_text(path, &len);
	assert_int_equal(nvbar_trace_parse(text, len, UINT64_MAX, &r->trace, why, sizeof(why)), 0);
	free(text);
	for (i = 0; i < sizeof(chip); i++)
		chip[i] = (char)tolower((unsigned char)r->trace.chip[i]);
	cfg.vram_size = r->trace.vram_size;
	cfg.bar1_size = r->trace.bar1_size;
	assert_int_equal(sim_create(&cfg, &r->gpu, why, sizeof(why)), 0);
}

static uint64_t get(struct sim_gpu *gpu, unsigned int bar, uint64_t off, unsigned int width)
{
	if (bar == 2)
		return sim_bar2_read(gpu, off, width);
	return bar ? sim_bar1_read(gpu, off, width) : sim_bar0_read(gpu, off, width);
}

static void put(struct sim_gpu *gpu, unsigned int bar, uint64_t off, unsigned int width,
		uint64_t val)
{
	if (bar == 2)
		sim_bar2_write(gpu, off, width, val);
	else if (bar)
		sim_bar1_write(gpu, off, width, val);
	else
		sim_bar0_write(gpu, off, width, val);
}

static void read_again(struct rerun *r, const struct nvbar_trace_access *a, uint64_t off)
{
	uint64_t val = get(r->gpu, a->bar, off, a->width);

	if (val != a->val)
		fail_msg("line %u: BAR%u 0x%06llx gave 0x%llx and gives 0x%llx", a->line, a->bar,
			 (unsigned long long)off, (unsigned long long)a->val,
			 (unsigned long long)val);
	r->reads[a->bar]++;
}

static void perform(struct rerun *r)
{
	size_t i;
	u64 n;

	for (i = 0; i < r->trace.nr; i++) {
		const struct nvbar_trace_access *a = &r->trace.access[i];

		assert_int_not_equal(a->kind, NVBAR_TRACE_POINTER);
		for (n = 0; n < a->nr; n++) {
			uint64_t off = a->kind == NVBAR_TRACE_AGAIN ? a->off : a->off + 8 * n;

			if (a->kind == NVBAR_TRACE_WRITE)
				put(r->gpu, a->bar, off, a->width, a->val);
			else
				read_again(r, a, off);
		}
	}
}

static const char *traces;

static void run_again(const char *name)
{
	struct sim_counters count;
	struct rerun r = { 0 };
	char path[1000];

	snprintf(path, sizeof(path), "%s/%s", traces, name);
	power_on(&r, path);
	perform(&r);
	sim_get_counters(r.gpu, &count);
	assert_int_equal(count.unknown + count.misuse + count.faults, 0);
	assert_true(r.reads[0] > 1000 && r.reads[1] > 1000 && r.reads[2]);
	nvbar_trace_free(&r.trace);
	sim_destroy(r.gpu);
}

static void each_read_of_nouveau_gives_the_same_again_on_a_tu102(void **state)
{
	(void)state;
	run_again("nouveau_tu102.trace");
}

static void each_read_of_nouveau_gives_the_same_again_on_a_ga102(void **state)
{
	(void)state;
	run_again("nouveau_ga102.trace");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_read_of_nouveau_gives_the_same_again_on_a_tu102),
		cmocka_unit_test(each_read_of_nouveau_gives_the_same_again_on_a_ga102),
	};

	if (argc != 2)
		return 2;
	traces = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
