// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"

uint64_t fuzz_take(struct fuzz_input *in, unsigned int bytes)
{
	uint64_t val = 0;
	unsigned int i;

	for (i = 0; i < bytes && in->len; i++, in->len--)
		val |= (uint64_t)*in->data++ << 8 * i;
	return val;
}

char *fuzz_text(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	must(text);
	if (len)
		memcpy(text, data, len);
	text[len] = '\0';
	return text;
}

/* --- coverage --- */

/* The bounds of the section, if there is one; code that is counted itself can't ask for them. */
extern uint8_t __start___sancov_cntrs[] __attribute__((weak));
extern uint8_t __stop___sancov_cntrs[] __attribute__((weak));

size_t fuzz_counters(uint8_t **counters)
{
	*counters = __start___sancov_cntrs;
	return __stop___sancov_cntrs - __start___sancov_cntrs;
}

/* --- GPUs --- */

static void log_line(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	must(line[0]);
}

struct nvbar *fuzz_open(unsigned int chip, const char *options, uint32_t flags)
{
	static const char *const chips[] = {
		"tu102", "ga100", "ga102", "ad102", "gh100", "gb100", "gb202",
	};
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts),
		.flags = flags,
		.log_level = NVBAR_LOG_DEBUG,
		.log = log_line,
	};
	const char *name = chips[chip % (sizeof(chips) / sizeof(chips[0]))];
	struct nvbar *gpu = NULL;
	char device[64];

	snprintf(device, sizeof(device), "sim:%s%s", name, options);
	must(!nvbar_open(&gpu, device, &opts));
	return gpu;
}

struct nvbar_info fuzz_info(struct nvbar *gpu)
{
	struct nvbar_info info = { .size = sizeof(info) };

	must(!nvbar_get_info(gpu, &info));
	return info;
}

struct nvbar_stats fuzz_stats(struct nvbar *gpu)
{
	struct nvbar_stats stats = { .size = sizeof(stats) };

	must(!nvbar_get_stats(gpu, &stats));
	return stats;
}

/* --- files --- */

static char dir[256];
static int home = -1;

bool fuzz_is_harmless(const char *text)
{
	return !strchr(text, '/') && !strstr(text, "..");
}

static void remove_files(void)
{
	struct dirent *entry;
	DIR *list = opendir(dir);

	must(list);
	while ((entry = readdir(list)))
		unlinkat(dirfd(list), entry->d_name, 0);
	closedir(list);
}

static void remove_dir(void)
{
	remove_files();
	rmdir(dir);
}

static void make_dir(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/nvbar-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	must(mkdtemp(dir));
	atexit(remove_dir);
	home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(home >= 0);
	/* Whatever GPUs this machine has are none of our business. */
	must(!setenv("NVBAR_SYSFS", dir, 1));
}

void fuzz_dir_enter(void)
{
	if (home < 0)
		make_dir();
	must(!chdir(dir));
}

void fuzz_dir_leave(void)
{
	must(!fchdir(home));
	remove_files();
}
