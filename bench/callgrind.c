// SPDX-License-Identifier: MIT
/*
 * Instructions of the driver alone.  callgrind counts while it is inside
 * callgrind_measured(), but not inside the functions of bus.c, behind which
 * the model is; and writes a file each time callgrind_measured() returns.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* A name for callgrind to find, so a function that stays one. */
__attribute__((__noinline__)) void callgrind_measured(void (*op)(void *arg), void *arg)
{
	op(arg);
	keep(arg);
}

static bool spawn_and_wait(char *const argv[])
{
	posix_spawn_file_actions_t actions;
	int status = -1;
	bool started;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	started = !posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return started && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

/* The total of one of callgrind's files; false if there is no such file. */
static bool read_total(const char *path, uint64_t *total)
{
	FILE *file = fopen(path, "r");
	char line[512];
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "totals: %" SCNu64, total) == 1;
	(void)fclose(file);
	return found;
}

static size_t read_all(const char *dir, uint64_t *count, size_t max)
{
	char path[256];
	size_t nr;

	for (nr = 0; nr < max; nr++) {
		snprintf(path, sizeof(path), "%s/out.%zu", dir, nr + 1);
		if (!read_total(path, &count[nr]))
			break;
	}
	return nr;
}

static void remove_all(const char *dir)
{
	struct dirent *entry;
	DIR *open = opendir(dir);
	char path[512];

	while (open && (entry = readdir(open))) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
	}
	if (open)
		closedir(open);
	rmdir(dir);
}

size_t callgrind_run(const struct bench *bench, uint64_t *count, size_t max)
{
	char dir[] = "/tmp/nvbar-bench-XXXXXX", out[64];
	char *const argv[] = {
		(char *)"valgrind", (char *)"--tool=callgrind", (char *)"--quiet", out,
		(char *)"--toggle-collect=callgrind_measured", (char *)"--toggle-collect=bus_read",
		(char *)"--toggle-collect=bus_write", (char *)"--toggle-collect=bus_read_words",
		(char *)"--toggle-collect=bus_write_words",
		(char *)"--toggle-collect=bus_write_entries",
		(char *)"--dump-after=callgrind_measured", (char *)bench->self,
		(char *)"--count-instructions", NULL
	};
	size_t nr = 0;

	/* Else the first call of each function would count the linker's work. */
	if (setenv("LD_BIND_NOW", "1", 1) || !mkdtemp(dir))
		return 0;
	snprintf(out, sizeof(out), "--callgrind-out-file=%s/out", dir);
	if (spawn_and_wait(argv))
		nr = read_all(dir, count, max);
	remove_all(dir);
	return nr;
}
