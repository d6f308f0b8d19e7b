// SPDX-License-Identifier: MIT
/* Gives a target the files of some directories: its corpus, without libFuzzer. */
#include <dirent.h>

#include "fuzz.h"

static void replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	long len;

	must(file);
	must(!fseek(file, 0, SEEK_END));
	len = ftell(file);
	must(len >= 0);
	rewind(file);
	/* Not a byte more, so that reading past the end shows. */
	data = malloc(len ? (size_t)len : 1);
	must(data);
	must(fread(data, 1, (size_t)len, file) == (size_t)len);
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)len);
	free(data);
}

static unsigned int replay_dir(const char *path)
{
	unsigned int nr = 0;
	struct dirent *entry;
	DIR *dir = opendir(path);
	char name[4096];

	must(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		fprintf(stderr, "%s\n", name);
		replay_file(name);
		nr++;
	}
	closedir(dir);
	return nr;
}

int main(int argc, char **argv)
{
	unsigned int nr = 0;
	int i;

	for (i = 1; i < argc; i++)
		nr += replay_dir(argv[i]);
	printf("%u inputs\n", nr);
	return nr ? EXIT_SUCCESS : EXIT_FAILURE;
}
