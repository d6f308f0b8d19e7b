// SPDX-License-Identifier: MIT
/* A sequence as a C program, written while it runs: each call, and what it should do. */
#include "soak.h"

#include <stdarg.h>

static const char prologue[] =
"#include <errno.h>\n"
"#include <stdint.h>\n"
"#include <stdio.h>\n"
"#include <stdlib.h>\n"
"#include <string.h>\n"
"\n"
"#include <nvbar/nvbar.h>\n"
"#include <nvbar_compat.h>\n"
"\n"
"#include \"internal.h\"\n"
"#include \"sim.h\"\n"
"\n"
"#pragma GCC diagnostic ignored \"-Wunused-function\"\n"
"#pragma GCC diagnostic ignored \"-Wunused-variable\"\n"
"\n"
"#define WANT(result, ...)							\\\n"
"	want(__LINE__, result, (const int[]){ __VA_ARGS__, 1 })\n"
"\n"
"struct range {\n"
"	uint64_t va, len;\n"
"	const char *state;\n"
"};\n"
"\n"
"static const uint64_t arena = 512ull << 20, arena_len = 4 << 20;\n"
"static uint8_t buf[4 << 20];\n"
"static uint64_t pfns[1024];\n"
"static struct nvbar_extent ext[1024];\n"
"static struct nvbar_map_opts opts;\n"
"static struct nvbar_walk walk;\n"
"static struct nvbar_access *access[32];\n"
"static struct nvbar_prepared *prepared[32];\n"
"static struct nvbar_vram *vram, *spare[12];\n"
"static struct nvbar *gpu;\n"
"static struct sim_gpu *sim;\n"
"static uint8_t *ptr;\n"
"static int ret, failures;\n"
"\n"
"/* One of some results, which end in 1. */\n"
"static void want(int line, int result, const int *wanted)\n"
"{\n"
"	while (*wanted != 1)\n"
"		if (*wanted++ == result)\n"
"			return;\n"
"	printf(\"line %d: %d (%s)\\n\", line, result, nvbar_strerror(result));\n"
"	failures++;\n"
"}\n"
"\n"
"static void want_u64(const char *what, uint64_t is, uint64_t should_be)\n"
"{\n"
"	if (is == should_be)\n"
"		return;\n"
"	printf(\"%s: 0x%llx, not 0x%llx\\n\", what, (unsigned long long)is,\n"
"	       (unsigned long long)should_be);\n"
"	failures++;\n"
"}\n"
"\n"
"static int same_range(const struct nvbar_mapping_info *info, void *arg)\n"
"{\n"
"	const struct range **range = arg;\n"
"\n"
"	if ((*range)->va != info->va || (*range)->len != info->len ||\n"
"	    strcmp((*range)->state, info->state))\n"
"		return 1;\n"
"	++*range;\n"
"	return 0;\n"
"}\n"
"\n"
"static void want_ranges(size_t nr, const struct range *ranges)\n"
"{\n"
"	const struct range *at = ranges;\n"
"\n"
"	want_u64(\"ranges\", nvbar_for_each_mapping(gpu, same_range, &at) + (at - ranges), nr);\n"
"}\n"
"\n"
"static struct nvbar_stats stats(void)\n"
"{\n"
"	struct nvbar_stats now = { .size = sizeof(now) };\n"
"\n"
"	nvbar_get_stats(gpu, &now);\n"
"	return now;\n"
"}\n"
"\n"
"static void check(void)\n"
"{\n"
"	struct nvbar_check_report report = { .size = sizeof(report) };\n"
"\n"
"	WANT(nvbar_check(gpu, &report), 0);\n"
"}\n"
"\n"
"static void flip_back(uint64_t pa, unsigned int bit)\n"
"{\n"
"	uint64_t word;\n"
"\n"
"	sim_vram_peek(sim, pa, &word, 8);\n"
"	word ^= 1ull << bit;\n"
"	sim_vram_poke(sim, pa, &word, 8);\n"
"}\n"
"\n"
"static void fill(uint64_t len, uint64_t seed)\n"
"{\n"
"	uint64_t i;\n"
"\n"
"	for (i = 0; i < len; i++)\n"
"		buf[i] = (uint8_t)((seed + i) * 0x9e3779b97f4a7c15u >> 56);\n"
"}\n"
"\n"
"/* Extents as page frame numbers: how many there are. */\n"
"static size_t frames(const struct nvbar_extent *extents, size_t nr)\n"
"{\n"
"	size_t i, n = 0;\n"
"	uint64_t off;\n"
"\n"
"	for (i = 0; i < nr; i++)\n"
"		for (off = 0; off < extents[i].len; off += 4096)\n"
"			pfns[n++] = (extents[i].pa + off) / 4096;\n"
"	return n;\n"
"}\n"
"\n"
"static void show_arena(void)\n"
"{\n"
"	const struct nvbar_extent all = { arena, arena_len };\n"
"	struct nvbar_access *a;\n"
"\n"
"	if (nvbar_map(gpu, &all, 1, NULL, &a))\n"
"		return;\n"
"	nvbar_read(a, 0, buf, arena_len);\n"
"	nvbar_unmap(a);\n"
"}\n"
"\n"
"static void open_gpu(const char *device, uint32_t flags)\n"
"{\n"
"	const struct nvbar_open_opts how = { .size = sizeof(how), .flags = flags };\n"
"	const struct nvbar_vram_opts where = {\n"
"		.size = sizeof(where), .range_start = arena, .range_end = arena + arena_len,\n"
"	};\n"
"\n"
"	WANT(nvbar_open(&gpu, device, &how), 0);\n"
"	WANT(nvbar_vram_alloc(gpu, arena_len, &where, &vram), 0);\n"
"	nvbar_trim(gpu);\n"
"	sim = nvbar_backend_sim_gpu(gpu->backend);\n"
"	memset(access, 0, sizeof(access));\n"
"	memset(prepared, 0, sizeof(prepared));\n"
"	memset(spare, 0, sizeof(spare));\n"
"}\n"
"\n"
"int main(void)\n"
"{\n"
"	compat_sleep_pretend(true);\n";

void say(struct run *run, const char *fmt, ...)
{
	va_list ap;

	if (!run->program)
		return;
	va_start(ap, fmt);
	vfprintf(run->program, fmt, ap);
	va_end(ap);
	/* The next call may be the end. */
	fflush(run->program);
}

static const char *errno_name(int err)
{
	switch (err) {
	case 0:
		return "0";
	case -EINVAL:
		return "-EINVAL";
	case -ERANGE:
		return "-ERANGE";
	case -EACCES:
		return "-EACCES";
	case -EEXIST:
		return "-EEXIST";
	case -ENOSPC:
		return "-ENOSPC";
	case -ENOMEM:
		return "-ENOMEM";
	case -ENODEV:
		return "-ENODEV";
	case -ETIMEDOUT:
		return "-ETIMEDOUT";
	default:
		return "-EPERM";
	}
}

void say_expect(struct run *run, const struct expect *e)
{
	unsigned int i;

	say(run, "\tWANT(ret");
	for (i = 0; i < e->nr; i++)
		say(run, ", %s", errno_name(e->ret[i]));
	say(run, ");\n");
}

void say_bytes(struct run *run, const char *call, uint64_t at, uint8_t val)
{
	say(run, "\t%s0x%llx, buf, 1);\n\twant_u64(\"byte\", buf[0], 0x%02x);\n", call,
	    (unsigned long long)at, val);
}

void say_extents(struct run *run, const struct nvbar_extent *ext, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		say(run, "\text[%zu] = (struct nvbar_extent){ 0x%llx, 0x%llx };\n", i,
		    (unsigned long long)ext[i].pa, (unsigned long long)ext[i].len);
}

void program_begin(FILE *to, const struct config *cfg, const struct op *ops, size_t nr)
{
	size_t i;

	fprintf(to,
		"// SPDX-License-Identifier: MIT\n"
		"/*\n"
		" * Found by ./dev soak on %s.  In the checkout, after ./dev build:\n"
		" *\n"
		" * cc -D_GNU_SOURCE -Iinclude -Icompat/include -Icore -Ilib -Isim soak-failure.c \\\n"
		" *	build/lib/libnvbar-objects.a -lpthread && ./a.out\n"
		" *\n", cfg->chip);
	for (i = 0; i < nr; i++) {
		fputs(" * ", to);
		op_print(to, &ops[i]);
	}
	fprintf(to, " */\n%s", prologue);
	fflush(to);
}

void program_end(FILE *to)
{
	fputs("\treturn failures != 0;\n}\n", to);
}
