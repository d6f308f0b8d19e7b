// SPDX-License-Identifier: MIT
/* A trace's file, as a machine that hangs in an access leaves it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "trace.h"

static char path[] = "/tmp/nvbar-trace-XXXXXX";

/* What the device found in the file while it carried the access */
static char seen[512];

static void look(void)
{
	FILE *file = fopen(path, "r");
	char line[sizeof(seen)];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		memcpy(seen, line, sizeof(line));
	fclose(file);
	seen[strcspn(seen, "\n")] = '\0';
}

/* --- a device that looks --- */

static u64 look_bar0_read(void *hw, u32 off, unsigned int width)
{
	(void)hw;
	(void)off;
	(void)width;
	look();
	return 0x172a1000;
}

/* Offsets of the last two writes */
static u32 wrote[2];

static void look_bar0_write(void *hw, u32 off, unsigned int width, u64 val)
{
	(void)hw;
	(void)width;
	(void)val;
	wrote[0] = wrote[1];
	wrote[1] = off;
	look();
}

static void look_bar0_write_words(void *hw, u32 off, const u64 *src, size_t nr)
{
	(void)hw;
	(void)off;
	(void)src;
	(void)nr;
	look();
}

static void look_bar1_write(void *hw, u64 off, unsigned int width, u64 val)
{
	(void)hw;
	(void)off;
	(void)width;
	(void)val;
	look();
}

static void look_bar1_copy_to(void *hw, u64 off, const void *src, size_t len)
{
	(void)hw;
	(void)off;
	(void)src;
	(void)len;
	look();
}

static void look_bar1_fill(void *hw, u64 off, u32 pattern, size_t len)
{
	(void)hw;
	(void)off;
	(void)pattern;
	(void)len;
	look();
}

static const struct nvbar_hw_ops looking_ops = {
	.bar0_read = look_bar0_read,
	.bar0_write = look_bar0_write,
	.bar0_write_words = look_bar0_write_words,
	.bar1_write = look_bar1_write,
	.bar1_copy_to = look_bar1_copy_to,
	.bar1_fill = look_bar1_fill,
};

static void look_close(struct nvbar_backend *backend)
{
	(void)backend;
}

/* --- tests --- */

static void a_write_is_in_the_file_before_it_is_made(void **state)
{
	struct nvbar_backend looking = { .ops = &looking_ops, .close = look_close };
	struct nvbar_backend *traced = &looking;
	const u64 words[] = { 0xa, 0xb };

	(void)state;
	assert_int_equal(nvbar_trace_record(path, "looking", &traced), 0);
	traced->ops->bar0_write(traced, 0x1700, 4, 0x10);
	assert_non_null(strstr(seen, "w 0 0x001700 4 0x10"));
	traced->ops->bar0_write_words(traced, 0x700100, words, 2);
	assert_non_null(strstr(seen, "W 0 0x700100 0xa 0xb"));
	/* An entry is a line, and two accesses. */
	nvbar_hw_write_entries(traced->ops, traced, 0x700200, words, 1);
	assert_non_null(strstr(seen, "W 0 0x700200 0xa  #"));
	assert_int_equal(wrote[0], 0x700204);
	assert_int_equal(wrote[1], 0x700200);
	traced->ops->bar1_write(traced, 0x2008, 8, 0xc);
	assert_non_null(strstr(seen, "w 1 0x002008 8 0xc"));
	traced->ops->bar1_copy_to(traced, 0x3000, words, sizeof(words));
	assert_non_null(strstr(seen, "W 1 0x003000 0xa 0xb"));
	traced->ops->bar1_fill(traced, 0x4000, 7, 16);
	assert_non_null(strstr(seen, "W 1 0x004000 0x700000007*2"));

	/* What a read gives is known when it is over. */
	assert_int_equal(traced->ops->bar0_read(traced, 0xa00, 4), 0x172a1000);
	assert_non_null(strstr(seen, "W 1 0x004000"));
	look();
	assert_non_null(strstr(seen, "r 0 0x000a00 4 0x172a1000"));
	traced->close(traced);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_write_is_in_the_file_before_it_is_made,
						make_file, remove_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
