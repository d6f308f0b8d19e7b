/* SPDX-License-Identifier: MIT */
/* Who has a file of VRAM: one GPU of one process, and whoever else asks is told which. */
#include "helper.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY	0

/* --- what a refused open says --- */

/* The open is -EBUSY, with one line that names process @pid, or no process. */
static void is_busy(const char *text, pid_t pid)
{
	struct log_lines lines = { 0 };
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts), .log_level = NVBAR_LOG_DEBUG, .log = log_line, .log_arg = &lines,
	};
	struct nvbar *gpu = UNTOUCHED;
	char want[64] = " is in use by a running GPU";
	const char *end;

	assert_err(nvbar_open(&gpu, text, &opts), EBUSY);
	assert_ptr_equal(gpu, UNTOUCHED);
	assert_int_equal(lines.nr, 1);
	if (pid != NOBODY)
		snprintf(want, sizeof(want), " is in use by process %d", (int)pid);
	assert_true(strlen(lines.last) > strlen(want));
	end = lines.last + strlen(lines.last) - strlen(want);
	assert_string_equal(end, want);
}

/* --- processes that have a GPU open --- */

/* Until it is killed; should nobody do that, not for ever. */
static void wait_for_the_end(void)
{
	alarm(3600);
	for (;;)
		pause();
}

/* A process that opens the file, and with @child has one; its pid. */
static pid_t spawn_owner(const char *text, pid_t *child)
{
	pid_t pid, forked = -1;
	int ready[2];

	assert_ok(pipe(ready));
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct nvbar *gpu;

		if (nvbar_open(&gpu, text, NULL))
			_exit(1);
		if (child)
			forked = fork();
		if (forked && write(ready[1], &forked, sizeof(forked)) != sizeof(forked))
			_exit(1);
		wait_for_the_end();
	}
	assert_ok(close(ready[1]));
	assert_int_equal(read(ready[0], &forked, sizeof(forked)), sizeof(forked));
	assert_ok(close(ready[0]));
	if (child)
		*child = forked;
	return pid;
}

static void kill_child(pid_t pid)
{
	assert_ok(kill(pid, SIGKILL));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void opens_again(const char *text)
{
	gpu_close(gpu_open(text));
}

/* A killed process that is not our child is gone when init or whoever has its place says so. */
static void opens_soon(const char *text)
{
	struct nvbar *gpu;
	unsigned int i;
	int ret = -EBUSY;

	for (i = 0; i < 5000 && ret == -EBUSY; i++) {
		ret = nvbar_open(&gpu, text, NULL);
		if (ret)
			usleep(1000);
	}
	assert_ok(ret);
	gpu_close(gpu);
}

static void a_file_that_this_process_has_open_is_in_use_by_it(void **state)
{
	struct nvbar *gpu = gpu_open(test_device("ga102", "64M", "own"));

	(void)state;
	is_busy(test_device("ga102", "64M", "own"), getpid());
	is_busy(test_device("ga102", "64M", "own"), getpid());
	/* whatever the other would like the GPU to be */
	is_busy(test_device("gh100", "64M", "own"), getpid());
	is_busy(test_device("ga102", "128M", "own"), getpid());
	gpu_close(gpu);
	opens_again(test_device("ga102", "64M", "own"));
}

static void a_file_that_another_process_has_open_is_in_use_by_that(void **state)
{
	pid_t pid;
	size_t c;

	(void)state;
	for (c = 0; c < NR_CHIPS; c++) {
		pid = spawn_owner(test_device(chips[c].name, "64M", chips[c].name), NULL);
		is_busy(test_device(chips[c].name, "64M", chips[c].name), pid);
		kill_child(pid);
		opens_again(test_device(chips[c].name, "64M", chips[c].name));
	}
}

static void two_names_of_a_file_are_one_file(void **state)
{
	struct nvbar *gpu = gpu_open(test_device("ga102", "64M", "one"));
	char one[512];

	(void)state;
	snprintf(one, sizeof(one), "%s", test_path("one"));
	assert_ok(link(one, test_path("hard")));
	is_busy(test_device("ga102", "64M", "hard"), getpid());
	assert_ok(symlink(one, test_path("soft")));
	is_busy(test_device("ga102", "64M", "soft"), getpid());
	gpu_close(gpu);
}

static void a_long_name_leaves_room_for_the_process(void **state)
{
	char name[201] = "";
	struct nvbar *gpu;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	gpu = gpu_open(test_device("ga102", "64M", name));
	is_busy(test_device("ga102", "64M", name), getpid());
	gpu_close(gpu);
}

static void a_child_does_not_take_the_place_of_the_owner(void **state)
{
	pid_t owner, child;

	(void)state;
	owner = spawn_owner(test_device("ga102", "64M", "forked"), &child);
	is_busy(test_device("ga102", "64M", "forked"), owner);
	/* The child has what the owner had, so the file is not free, but he is no more. */
	kill_child(owner);
	is_busy(test_device("ga102", "64M", "forked"), NOBODY);
	assert_ok(kill(child, SIGKILL));
	opens_soon(test_device("ga102", "64M", "forked"));
}

static void what_the_owner_closed_is_free_whatever_children_it_has(void **state)
{
	struct nvbar *gpu = gpu_open(test_device("ga102", "64M", "parent"));
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (!pid)
		wait_for_the_end();
	is_busy(test_device("ga102", "64M", "parent"), getpid());
	gpu_close(gpu);
	opens_again(test_device("ga102", "64M", "parent"));
	kill_child(pid);
}

/* Whatever a file says of who has it open is found in its last 8 bytes: pid and descriptor. */
static void write_owner(const char *name, int32_t pid, int32_t fd)
{
	const int32_t owner[2] = { pid, fd };
	int file = open(test_path(name), O_WRONLY);
	struct stat st;

	assert_true(file >= 0);
	assert_ok(fstat(file, &st));
	assert_int_equal(pwrite(file, owner, sizeof(owner), st.st_size - (off_t)sizeof(owner)),
			 sizeof(owner));
	assert_ok(close(file));
}

static void only_a_process_that_holds_the_file_is_named(void **state)
{
	const char *text = test_device("ga102", "64M", "stale");
	int locked, other;
	pid_t pid;

	(void)state;
	/* Killed: its name stands in the file still. */
	pid = spawn_owner(text, NULL);
	kill_child(pid);
	locked = open(test_path("stale"), O_RDWR | O_CLOEXEC);
	other = open(test_path("stale"), O_RDWR | O_CLOEXEC);
	assert_true(locked >= 0 && other >= 0);
	assert_ok(flock(locked, LOCK_EX | LOCK_NB));
	is_busy(text, NOBODY);

	/* Alive, but it does not have the file, or not the lock. */
	write_owner("stale", getppid(), 0);
	is_busy(text, NOBODY);
	write_owner("stale", getpid(), 0);
	is_busy(text, NOBODY);
	write_owner("stale", getpid(), other);
	is_busy(text, NOBODY);
	write_owner("stale", -1, -1);
	is_busy(text, NOBODY);
	write_owner("stale", getpid(), locked);
	is_busy(text, getpid());

	assert_ok(close(locked));
	assert_ok(close(other));
	opens_again(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_this_process_has_open_is_in_use_by_it),
		cmocka_unit_test(a_file_that_another_process_has_open_is_in_use_by_that),
		cmocka_unit_test(two_names_of_a_file_are_one_file),
		cmocka_unit_test(a_long_name_leaves_room_for_the_process),
		cmocka_unit_test(a_child_does_not_take_the_place_of_the_owner),
		cmocka_unit_test(what_the_owner_closed_is_free_whatever_children_it_has),
		cmocka_unit_test(only_a_process_that_holds_the_file_is_named),
	};

	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
