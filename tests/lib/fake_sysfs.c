// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_sysfs.h"

const struct fake_bar fake_ga102[6] = {
	{ 0xf6000000, 0xf6ffffff, MEM32 },
	{ 0xe0000000, 0xefffffff, MEM64_PREFETCH },
	{ 0 },
	{ 0xf0000000, 0xf1ffffff, MEM64_PREFETCH },
	{ 0 },
	{ 0xe000, 0xe07f, IO },
};

const struct fake_bar fake_gh100[6] = {
	{ 0x3bffe000000, 0x3bffeffffff, MEM64_PREFETCH },
	{ 0 },
	{ 0x38000000000, 0x39fffffffff, MEM64_PREFETCH },
	{ 0 },
	{ 0x3bffc000000, 0x3bffdffffff, MEM64_PREFETCH },
	{ 0 },
};

static char root[64];

void fake_begin(void)
{
	char dir[128];

	strcpy(root, "/tmp/nvbar-sysfs-XXXXXX");
	assert_non_null(mkdtemp(root));
	assert_int_equal(setenv("NVBAR_SYSFS", root, 1), 0);
	snprintf(dir, sizeof(dir), "%s/bus", root);
	assert_int_equal(mkdir(dir, 0755), 0);
	strcat(dir, "/pci");
	assert_int_equal(mkdir(dir, 0755), 0);
	snprintf(dir, sizeof(dir), "%s/bus/pci/devices", root);
	assert_int_equal(mkdir(dir, 0755), 0);
	snprintf(dir, sizeof(dir), "%s/bus/pci/drivers", root);
	assert_int_equal(mkdir(dir, 0755), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void fake_end(void)
{
	assert_int_equal(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	unsetenv("NVBAR_SYSFS");
}

const char *fake_path(const char *address, const char *name)
{
	static char path[256];

	if (!address || name[0] == '/')
		snprintf(path, sizeof(path), "%s%s", root, name);
	else
		snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/%s", root, address, name);
	return path;
}

void fake_file(const char *address, const char *name, const char *fmt, ...)
{
	FILE *f = fopen(fake_path(address, name), "we");
	va_list args;

	assert_non_null(f);
	va_start(args, fmt);
	vfprintf(f, fmt, args);
	va_end(args);
	assert_int_equal(fclose(f), 0);
}

void fake_move(const char *address, const char *to)
{
	char device[64], from[256], target[256];

	snprintf(device, sizeof(device), "/bus/pci/devices/%s", address);
	strcpy(from, fake_path(NULL, device));
	strcpy(target, fake_path(NULL, to));
	assert_int_equal(rename(from, target), 0);
	assert_int_equal(symlink(target, from), 0);
}

void fake_remove(const char *address, const char *name)
{
	assert_int_equal(remove(fake_path(address, name)), 0);
}

void fake_link(const char *address, const char *name, const char *target)
{
	unlink(fake_path(address, name));
	assert_int_equal(symlink(target, fake_path(address, name)), 0);
}

const char *fake_text(const char *address, const char *name)
{
	static char text[4096];
	FILE *f = fopen(fake_path(address, name), "re");
	size_t len;

	assert_non_null(f);
	len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	if (len && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	return text;
}

void fake_set_command(const char *address, uint16_t command)
{
	int fd = open(fake_path(address, "config"), O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, &command, sizeof(command), 4), sizeof(command));
	close(fd);
}

uint16_t fake_command(const char *address)
{
	int fd = open(fake_path(address, "config"), O_RDONLY | O_CLOEXEC);
	uint16_t command;

	assert_int_equal(pread(fd, &command, sizeof(command), 4), sizeof(command));
	close(fd);
	return command;
}

void fake_bars(const char *address, const struct fake_bar bar[6])
{
	FILE *f = fopen(fake_path(address, "resource"), "we");
	int i;

	assert_non_null(f);
	for (i = 0; i < 13; i++) {
		const struct fake_bar none = { 0 }, *b = i < 6 ? &bar[i] : &none;

		fprintf(f, "0x%016llx 0x%016llx 0x%016llx\n", (unsigned long long)b->first,
			(unsigned long long)b->last, (unsigned long long)b->flags);
	}
	assert_int_equal(fclose(f), 0);
}

void fake_gpu(const char *address, const struct fake_bar bar[6])
{
	assert_int_equal(mkdir(fake_path(address, ""), 0755), 0);
	assert_int_equal(mkdir(fake_path(address, "power"), 0755), 0);
	fake_file(address, "vendor", "0x10de\n");
	fake_file(address, "device", "0x2204\n");
	fake_file(address, "class", "0x030000\n");
	fake_file(address, "enable", "0\n");
	fake_file(address, "driver_override", "(null)\n");
	fake_file(address, "power_state", "D0\n");
	fake_file(address, "power/control", "on\n");
	fake_file(address, "power/runtime_status", "active\n");
	fake_file(address, "config", "%4095s\n", "");
	fake_set_command(address, 0);
	fake_bars(address, bar);
}

void fake_resources(const char *address, const struct fake_bar bar[6])
{
	char name[32];
	int i;

	for (i = 0; i < 6; i++) {
		uint64_t size = bar[i].last - bar[i].first + 1;

		if (!bar[i].flags)
			continue;
		snprintf(name, sizeof(name), "resource%d", i);
		fake_file(address, name, "%s", "");
		assert_int_equal(truncate(fake_path(address, name), (off_t)size), 0);
		if (bar[i].flags & 0x2000) {
			strcat(name, "_wc");
			fake_file(address, name, "%s", "");
			assert_int_equal(truncate(fake_path(address, name), (off_t)size), 0);
		}
	}
}
