/* SPDX-License-Identifier: MIT */
/*
 * Scattered pages of VRAM as one contiguous range: write through BAR1, look
 * at the same bytes by physical address, and let the mapping end by itself.
 *
 * usage: scattered [DEVICE]
 */
#include <nvbar/nvbar.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int say(const char *what, int err)
{
	fprintf(stderr, "scattered: %s: %s\n", what, nvbar_strerror(err));
	return 1;
}

static int write_and_look(struct nvbar *gpu)
{
	static const uint64_t pfns[] = { 0x1f0, 0x200, 0x180 };
	static const char text[] = "over the edge of a page";
	const uint64_t offset = 2 * 4096 - 9;	/* the last 9 bytes of the second page */
	NVBAR_AUTO_UNMAP struct nvbar_access *access = NULL;
	char head[10] = "", tail[sizeof(text)] = "";
	int err;

	err = nvbar_map_pages(gpu, pfns, 3, 0, &access);
	if (err)
		return say("map", err);
	printf("3 pages at VA 0x%" PRIx64 ", %" PRIu64 " bytes\n", nvbar_access_base(access),
	       nvbar_access_size(access));

	err = nvbar_write(access, offset, text, sizeof(text));
	if (!err)
		err = nvbar_flush(access);
	if (err)
		return say("write", err);

	err = nvbar_pramin_read(gpu, (0x200 << 12) + 4096 - 9, head, 9);
	if (!err)
		err = nvbar_pramin_read(gpu, 0x180 << 12, tail, sizeof(text) - 9);
	if (err)
		return say("read by physical address", err);
	printf("page 0x200 ends in \"%s\", page 0x180 begins with \"%s\"\n", head, tail);
	return strncmp(text, head, 9) || strcmp(text + 9, tail);
}

int main(int argc, char **argv)
{
	struct nvbar *gpu;
	int err;

	err = nvbar_open(&gpu, argc > 1 ? argv[1] : NULL, NULL);
	if (err)
		return say("open", err);
	err = write_and_look(gpu);
	nvbar_close(gpu);
	return err;
}
