/* SPDX-License-Identifier: MIT */
/* VRAM kept in a file, and files that are none. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus.h"

#define SIZE	MIB(64)

static char path[64];

static int make_path(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/nvbar-vram-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static struct sim_config with_file(uint64_t size)
{
	struct sim_config cfg = { .vram_size = size, .file = path };

	return cfg;
}

static int try_create(uint64_t size, struct sim_gpu **gpu, char why[160])
{
	struct sim_config cfg = with_file(size);

	*gpu = NULL;
	why[0] = '\0';
	return sim_create(&cfg, gpu, why, 160);
}

static void put(const void *data, size_t len, uint64_t off)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, (off_t)off), len);
	close(fd);
}

static uint64_t file_size(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

static void a_file_keeps_vram_between_runs(void **state)
{
	struct sim_config cfg = with_file(SIZE);
	uint64_t untouched, word = 0;
	struct bus bus;
	FILE *f;

	(void)state;
	unlink(path);		/* absent is as good as empty */
	bus_open(&bus, &cfg);
	bus_vram_wr(&bus, MIB(3) + 8, 0x1234);	/* still posted when the power goes */
	untouched = bus_peek(&bus, MIB(3));
	bus_close(&bus);

	f = fopen(path, "r");	/* VRAM byte pa is file byte pa */
	assert_non_null(f);
	fseek(f, MIB(3) + 8, SEEK_SET);
	assert_int_equal(fread(&word, sizeof(word), 1, f), 1);
	assert_int_equal(word, 0x1234);
	fclose(f);

	bus_open(&bus, &cfg);
	assert_int_equal(bus_peek(&bus, MIB(3) + 8), 0x1234);
	assert_int_equal(bus_peek(&bus, MIB(3)), untouched);
	assert_int_not_equal(bus_peek(&bus, MIB(8)), 0);
	bus_close(&bus);
}

static void a_file_belongs_to_one_gpu_at_a_time(void **state)
{
	struct sim_config cfg = with_file(SIZE);
	struct sim_gpu *gpu;
	struct bus bus;
	char why[160];

	(void)state;
	bus_open(&bus, &cfg);
	assert_int_equal(try_create(SIZE, &gpu, why), -16);
	assert_string_not_equal(why, "");
	bus_close(&bus);
	assert_int_equal(try_create(SIZE, &gpu, why), 0);
	sim_destroy(gpu);
}

static void a_file_that_is_not_vram_is_refused_and_left_alone(void **state)
{
	static const char text[] = "precious text\n";
	struct sim_gpu *gpu;
	char why[160], back[sizeof(text)];
	FILE *f;

	(void)state;
	put(text, sizeof(text) - 1, 0);
	assert_int_equal(try_create(SIZE, &gpu, why), -22);
	assert_string_not_equal(why, "");
	assert_null(gpu);
	assert_int_equal(file_size(), sizeof(text) - 1);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fread(back, 1, sizeof(back), f), sizeof(text) - 1);
	assert_memory_equal(back, text, sizeof(text) - 1);
	fclose(f);
}

static void a_file_of_another_size_or_damaged_is_refused(void **state)
{
	static const char junk[] = "not the trailer";
	struct sim_gpu *gpu;
	char why[160];
	uint64_t total;

	(void)state;
	assert_int_equal(try_create(SIZE, &gpu, why), 0);
	sim_destroy(gpu);
	total = file_size();
	assert_int_equal(try_create(2 * SIZE, &gpu, why), -22);
	assert_int_equal(try_create(SIZE / 2, &gpu, why), -22);
	assert_int_equal(file_size(), total);

	assert_int_equal(truncate(path, (off_t)total - 1), 0);
	assert_int_equal(try_create(SIZE, &gpu, why), -22);
	assert_int_equal(truncate(path, (off_t)total), 0);
	put("\x02", 1, SIZE + 16);	/* version */
	assert_int_equal(try_create(SIZE, &gpu, why), -22);
	put("\x01", 1, SIZE + 16);
	assert_int_equal(try_create(SIZE, &gpu, why), 0);
	sim_destroy(gpu);
	put("\xff", 1, SIZE + 24);	/* size within */
	assert_int_equal(try_create(SIZE, &gpu, why), -22);
	put(junk, sizeof(junk), SIZE);
	assert_int_equal(try_create(SIZE, &gpu, why), -22);
}

/* Whoever was killed while it set the file up; that is done in this order. */
static void a_file_that_was_never_finished_is_finished(void **state)
{
	struct sim_gpu *gpu;
	char why[160];
	uint64_t total;

	(void)state;
	assert_int_equal(try_create(SIZE, &gpu, why), 0);
	sim_destroy(gpu);
	total = file_size();
	assert_int_equal(truncate(path, SIZE + 32), 0);	/* it ends behind the trailer */
	assert_int_equal(try_create(2 * SIZE, &gpu, why), -22);
	assert_int_equal(try_create(SIZE, &gpu, why), 0);
	sim_destroy(gpu);
	assert_int_equal(file_size(), total);
}

static void what_is_no_regular_file_is_refused(void **state)
{
	struct sim_config cfg = { 0 };
	struct sim_gpu *gpu = NULL;
	char why[160], fifo[80];

	(void)state;
	cfg.file = "/tmp";
	assert_int_equal(sim_create(&cfg, &gpu, why, sizeof(why)), -21);
	cfg.file = "/dev/null";
	assert_int_equal(sim_create(&cfg, &gpu, why, sizeof(why)), -22);
	cfg.file = "/nonexistent/vram";
	assert_int_equal(sim_create(&cfg, &gpu, why, sizeof(why)), -2);
	assert_string_not_equal(why, "");
	snprintf(fifo, sizeof(fifo), "%s.fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	cfg.file = fifo;
	assert_int_equal(sim_create(&cfg, &gpu, why, sizeof(why)), -22);
	unlink(fifo);
	assert_null(gpu);
}

static void peek_and_poke_stay_within_vram(void **state)
{
	uint8_t buf[16] = { 0 };
	struct bus bus;

	(void)state;
	bus_open_chip(&bus, "ga102");
	assert_true(sim_vram_poke(bus.gpu, GIB(8) - 16, buf, 16));
	assert_true(sim_vram_peek(bus.gpu, GIB(8) - 16, buf, 16));
	assert_false(sim_vram_peek(bus.gpu, GIB(8) - 15, buf, 16));
	assert_false(sim_vram_poke(bus.gpu, ~0ull, buf, 2));
	assert_false(sim_vram_poke(bus.gpu, 0, buf, SIZE_MAX));
	bus_close(&bus);
}

/* A part of three pages that nobody touched: a piece, a whole page and a piece. */
static void a_write_leaves_the_rest_of_its_pages_as_it_was(void **state)
{
	static const uint64_t len[] = { 1, 100, 4096, 9000 };
	static uint8_t want[3 * 4096], got[3 * 4096], data[3 * 4096];
	struct bus bus;
	size_t i;

	(void)state;
	memset(data, 0x5a, sizeof(data));
	bus_open_chip(&bus, "ga102");
	for (i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		uint64_t pa = MIB(1 + i);

		assert_true(sim_vram_peek(bus.gpu, pa, want, sizeof(want)));
		assert_true(sim_vram_poke(bus.gpu, pa + 1000, data, len[i]));
		memcpy(want + 1000, data, len[i]);
		assert_true(sim_vram_peek(bus.gpu, pa, got, sizeof(got)));
		assert_memory_equal(got, want, sizeof(got));
	}
	bus_close(&bus);
}

#define KEPT(test)	cmocka_unit_test_setup_teardown(test, make_path, remove_path)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEPT(a_file_keeps_vram_between_runs),
		KEPT(a_file_belongs_to_one_gpu_at_a_time),
		KEPT(a_file_that_is_not_vram_is_refused_and_left_alone),
		KEPT(a_file_of_another_size_or_damaged_is_refused),
		KEPT(a_file_that_was_never_finished_is_finished),
		KEPT(what_is_no_regular_file_is_refused),
		cmocka_unit_test(peek_and_poke_stay_within_vram),
		cmocka_unit_test(a_write_leaves_the_rest_of_its_pages_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
