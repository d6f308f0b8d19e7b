// SPDX-License-Identifier: MIT
/*
 * nvbar-bench: what the driver costs on the modelled GPU, and beside it what
 * others cost.  Run by ./dev bench; docs/performance.md says what the numbers
 * mean.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

static void print_cpu(void)
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	char line[256], *name;
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		name = strchr(line, ':');
		found = name && !strncmp(line, "model name", 10);
		if (found)
			printf("CPU       %s", name + 2);
	}
	if (file)
		(void)fclose(file);
}

static void print_conditions(void)
{
	double gib = (double)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / GIB;
	struct utsname uts;

	print_cpu();
	printf("CPUs      %ld, %.0f GiB of memory\n", sysconf(_SC_NPROCESSORS_ONLN), gib);
	if (!uname(&uts))
		printf("kernel    %s %s\n", uts.sysname, uts.release);
#if defined(__clang__)
	printf("compiler  " __VERSION__);
#else
	printf("compiler  gcc " __VERSION__);
#endif
#ifdef __OPTIMIZE__
	printf(", optimised\n");
#else
	printf(", not optimised\n");
#endif
	printf("GPU       modelled; nothing here was measured on a real one\n");
}

static void usage(FILE *out)
{
	fprintf(out, "usage: nvbar-bench [--quick] [SECTION...]\n\n"
		"Sections: mapping, copies, scale; default: all.\n"
		"--quick counts, and measures just to see that it works.\n");
}

static const struct section {
	const char *name, *title;
	void (*run)(struct bench *bench);
} sections[] = {
	{ "mapping", "Map and unmap", bench_mapping },
	{ "copies", "Access and copies, model memory beside ordinary memory", bench_copies },
	{ "scale", "Many mappings", bench_scale },
};

static bool is_section(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(sections); i++)
		if (!strcmp(sections[i].name, name))
			return true;
	return false;
}

static bool asked_for(const char *name, char **names)
{
	char **n;

	for (n = names; *n; n++)
		if (!strcmp(*n, name))
			return true;
	return !*names;
}

int main(int argc, char **argv)
{
	struct bench bench = { .self = argv[0] };
	char **names = argv + 1;
	int i;
	size_t s;

	if (argc == 2 && !strcmp(argv[1], "--count-instructions")) {
		bench_mapping_instructions();
		return EXIT_SUCCESS;
	}
	if (argc > 1 && !strcmp(argv[1], "--quick")) {
		bench.quick = true;
		names++;
	}
	for (i = names - argv; i < argc; i++) {
		if (!is_section(argv[i])) {
			usage(strcmp(argv[i], "--help") ? stderr : stdout);
			return strcmp(argv[i], "--help") ? 64 : EXIT_SUCCESS;
		}
	}

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	print_conditions();
	for (s = 0; s < ARRAY_LEN(sections); s++) {
		if (!asked_for(sections[s].name, names))
			continue;
		printf("\n== %s ==\n", sections[s].title);
		sections[s].run(&bench);
	}
	if (bench.failures)
		printf("\n%u checks FAILED\n", bench.failures);
	return bench.failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
