/* SPDX-License-Identifier: MIT */
/*
 * Is BAR1 as large as it is said to be?  Writes through its first and last page
 * and the two in the middle, and looks at VRAM by physical address.
 *
 * usage: aperture DEVICE BYTES
 */
#include <nvbar/nvbar.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE	4096
#define PA	0x2000000

static int say(const char *what, uint64_t va, int err)
{
	fprintf(stderr, "aperture: %s, VA 0x%" PRIx64 ": %s\n", what, va, nvbar_strerror(err));
	return 1;
}

static int use(struct nvbar *gpu, uint64_t va)
{
	const struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = NVBAR_MAP_FIXED, .va = va
	};
	const struct nvbar_extent page = { PA, PAGE };
	NVBAR_AUTO_UNMAP struct nvbar_access *access = NULL;
	uint64_t want = va + 1, got = 0;
	int err;

	err = nvbar_map(gpu, &page, 1, &opts, &access);
	if (err)
		return say("map", va, err);
	err = nvbar_write64(access, PAGE - 8, want);
	if (!err)
		err = nvbar_flush(access);
	if (err)
		return say("write", va, err);
	err = nvbar_pramin_read(gpu, PA + PAGE - 8, &got, sizeof(got));
	if (err)
		return say("look", va, err);
	if (got != want)
		fprintf(stderr, "aperture: VA 0x%" PRIx64 ": 0x%" PRIx64 "\n", va, got);
	return got != want;
}

int main(int argc, char **argv)
{
	uint64_t size = argc == 3 ? strtoull(argv[2], NULL, 0) : 0;
	struct nvbar_info info = { .size = sizeof(info) };
	struct nvbar *gpu;
	int err;

	err = nvbar_open(&gpu, argv[1], NULL);
	if (err)
		return say("open", 0, err);
	nvbar_get_info(gpu, &info);
	if (!size || info.bar1_size != size)
		err = say("size", info.bar1_size, 0);
	else
		err = use(gpu, 0) || use(gpu, size / 2 - PAGE) || use(gpu, size / 2) ||
		      use(gpu, size - PAGE);
	nvbar_close(gpu);
	return err;
}
