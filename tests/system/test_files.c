/* SPDX-License-Identifier: MIT */
/* VRAM that is kept in a file between runs. */
#include "helper.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void refuses(const char *text, int err)
{
	struct nvbar *gpu = UNTOUCHED;

	assert_err(nvbar_open(&gpu, text, NULL), err);
	assert_ptr_equal(gpu, UNTOUCHED);
}

/* Ends of VRAM, and of what the driver keeps for itself */
static size_t places(struct nvbar *gpu, uint64_t *pa)
{
	struct nvbar_info info = gpu_info(gpu);
	size_t nr = 0;

	pa[nr++] = 0;
	pa[nr++] = MIB(5);
	pa[nr++] = info.reserved_pa - PAGE;
	pa[nr++] = info.reserved_pa + info.reserved_len;
	pa[nr++] = info.vram_size - PAGE;
	return nr;
}

/* Who may read it may lock it, and read VRAM.  One that is there keeps its mode. */
static void a_new_file_is_its_owners_alone(void **state)
{
	const char *device = test_device("ga102", "64M", "new");
	const char *file = strstr(device, "file=") + strlen("file=");
	mode_t mask = umask(0);
	struct stat st;

	(void)state;
	gpu_close(gpu_open(device));
	umask(mask);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(chmod(file, 0640), 0);
	gpu_close(gpu_open(device));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void data_outlives_the_gpu(void **state)
{
	struct nvbar_access *a;
	struct nvbar *gpu;
	uint64_t pa[8];
	size_t i, c, nr;

	(void)state;
	for (c = 0; c < NR_CHIPS; c++) {
		gpu = gpu_open(test_device(chips[c].name, "64M", chips[c].name));
		nr = places(gpu, pa);
		for (i = 0; i < nr; i++) {
			a = map_at(gpu, pa[i], PAGE, 0);
			assert_ok(nvbar_write64(a, 8, 1000 + i));
			assert_ok(nvbar_unmap(a));
			pramin_wr64(gpu, pa[i] + PAGE - 8, 2000 + i);
		}
		gpu_close(gpu);

		gpu = gpu_open(test_device(chips[c].name, "64M", chips[c].name));
		for (i = 0; i < nr; i++) {
			a = map_at(gpu, pa[i], PAGE, NVBAR_MAP_RDONLY);
			assert_int_equal(bar1_rd64(a, PAGE - 8), 2000 + i);
			assert_ok(nvbar_unmap(a));
			assert_int_equal(pramin_rd64(gpu, pa[i] + 8), 1000 + i);
		}
		assert_int_equal(gpu_stats(gpu).vram_free, gpu_stats(gpu).vram_total);
		gpu_close(gpu);
	}
}

/* The next one finds page tables of the last, bound and full, and a used file. */
static void a_run_that_was_killed_leaves_nothing_behind(void **state)
{
	struct nvbar *gpu;
	size_t c;

	(void)state;
	for (c = 0; c < NR_CHIPS; c++) {
		int status;
		pid_t pid;

		pid = fork();
		assert_true(pid >= 0);
		if (!pid) {
			const struct nvbar_extent ext = { MIB(1), MIB(32) };
			struct nvbar_access *a;

			if (nvbar_open(&gpu, test_device(chips[c].name, "64M", "killed"), NULL) ||
			    nvbar_map(gpu, &ext, 1, NULL, &a) || nvbar_write64(a, 0, 77) || nvbar_flush(a))
				_exit(1);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);

		gpu = gpu_open(test_device(chips[c].name, "64M", "killed"));
		gpu_check(gpu);
		assert_int_equal(walk_at(gpu, 0).status, WALK_UNUSED);
		assert_int_equal(gpu_stats(gpu).va_free, MIB(64));
		assert_int_equal(pramin_rd64(gpu, MIB(1)), 77);
		map_fixed(gpu, 0, MIB(8), MIB(3));
		gpu_check(gpu);
		gpu_close(gpu);
		assert_ok(unlink(test_path("killed")));
	}
}

static void a_file_serves_one_gpu_at_a_time(void **state)
{
	struct nvbar *gpu = gpu_open(test_device("ga102", "64M", "shared"));

	(void)state;
	pramin_wr64(gpu, MIB(3), 5);
	refuses(test_device("ga102", "64M", "shared"), EBUSY);
	refuses(test_device("gh100", "64M", "shared"), EBUSY);
	refuses(test_device("ga102", "128M", "shared"), EBUSY);
	assert_int_equal(pramin_rd64(gpu, MIB(3)), 5);
	gpu_close(gpu);
	gpu = gpu_open(test_device("ga102", "64M", "shared"));
	assert_int_equal(pramin_rd64(gpu, MIB(3)), 5);
	gpu_close(gpu);
}

static void write_file(const char *name, const void *data, size_t len)
{
	FILE *file = fopen(test_path(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_ok(fclose(file));
}

static void a_file_that_is_not_this_vram_is_refused_and_left_alone(void **state)
{
	static const char letter[] = "Dear Sir or Madam,\n";
	char got[sizeof(letter)] = "";
	struct stat st;
	FILE *file;

	(void)state;
	write_file("letter", letter, sizeof(letter));
	refuses(test_device("ga102", "64M", "letter"), EINVAL);
	file = fopen(test_path("letter"), "r");
	assert_non_null(file);
	assert_int_equal(fread(got, 1, sizeof(got), file), sizeof(got));
	assert_ok(fclose(file));
	assert_string_equal(got, letter);

	gpu_close(gpu_open(test_device("ga102", "64M", "small")));
	assert_ok(stat(test_path("small"), &st));
	refuses(test_device("ga102", "128M", "small"), EINVAL);
	refuses(test_device("ga102", "32M", "small"), EINVAL);
	assert_ok(truncate(test_path("small"), st.st_size - 1));
	refuses(test_device("ga102", "64M", "small"), EINVAL);
	assert_ok(truncate(test_path("small"), st.st_size + 1));
	refuses(test_device("ga102", "64M", "small"), EINVAL);

	refuses(test_device("ga102", "64M", "no/such/dir"), ENOENT);
	refuses(test_device("ga102", "64M", "letter/file"), ENOTDIR);
	refuses(test_device("ga102", "64M", ""), EISDIR);
	refuses("sim,file=/dev/null", EINVAL);
	assert_ok(mkfifo(test_path("fifo"), 0600));
	refuses(test_device("ga102", "64M", "fifo"), EINVAL);
}

static void an_open_that_fails_makes_no_file(void **state)
{
	(void)state;
	refuses(test_device("ga103", "64M", "none"), EINVAL);
	refuses(test_device("ga102", "64Q", "none"), EINVAL);
	refuses(test_device("ga102", "1000", "none"), EINVAL);
	assert_int_equal(access(test_path("none"), F_OK), -1);
}

static void a_file_takes_only_the_room_of_what_was_written(void **state)
{
	struct nvbar *gpu = gpu_open(test_device("gb202", "256G", "sparse"));
	struct stat st;

	(void)state;
	pramin_wr64(gpu, GIB(200), 1);
	gpu_close(gpu);
	assert_ok(stat(test_path("sparse"), &st));
	assert_true(st.st_size >= (off_t)GIB(256));
	assert_true((uint64_t)st.st_blocks * 512 < MIB(64));
}

static void read_all(const char *name, uint8_t *buf, size_t len)
{
	FILE *file = fopen(test_path(name), "r");

	assert_non_null(file);
	assert_int_equal(fread(buf, 1, len, file), len);
	assert_ok(fclose(file));
}

static void an_observer_changes_nothing_in_vram(void **state)
{
	const struct nvbar_open_opts opts = { .size = sizeof(opts), .flags = NVBAR_OPEN_OBSERVE };
	uint8_t *before = malloc(MIB(64)), *after = malloc(MIB(64));
	struct nvbar_fault fault = { .size = sizeof(fault) };
	struct nvbar *gpu;

	(void)state;
	assert_true(before && after);
	gpu_close(gpu_open(test_device("gh100", "64M", "watched")));
	read_all("watched", before, MIB(64));
	assert_ok(nvbar_open(&gpu, test_device("gh100", "64M", "watched"), &opts));
	gpu_info(gpu);
	gpu_stats(gpu);
	assert_err(nvbar_get_fault(gpu, &fault), ENOENT);
	nvbar_trim(gpu);
	nvbar_close(gpu);
	read_all("watched", after, MIB(64));
	assert_memory_equal(before, after, MIB(64));
	free(before);
	free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_file_is_its_owners_alone),
		cmocka_unit_test(data_outlives_the_gpu),
		cmocka_unit_test(a_run_that_was_killed_leaves_nothing_behind),
		cmocka_unit_test(a_file_serves_one_gpu_at_a_time),
		cmocka_unit_test(a_file_that_is_not_this_vram_is_refused_and_left_alone),
		cmocka_unit_test(an_open_that_fails_makes_no_file),
		cmocka_unit_test(a_file_takes_only_the_room_of_what_was_written),
		cmocka_unit_test(an_observer_changes_nothing_in_vram),
	};

	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
