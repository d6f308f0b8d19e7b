/* SPDX-License-Identifier: MIT */
/*
 * Mapping in two phases: everything that can run out of something happens in
 * nvbar_map_prepare(), so nvbar_map_execute() can be called where nothing may
 * be allocated.  Then the mapping as a plain pointer.
 *
 * usage: two_phase [DEVICE]
 */
#include <nvbar/nvbar.h>

#include <inttypes.h>
#include <stdio.h>

#define LEN	(64 * 4096)

static int say(const char *what, int err)
{
	fprintf(stderr, "two_phase: %s: %s\n", what, nvbar_strerror(err));
	return 1;
}

static int count_up(struct nvbar *gpu, struct nvbar_vram *vram)
{
	struct nvbar_map_opts opts = { .size = sizeof(opts), .label = "counter" };
	NVBAR_AUTO_UNMAP struct nvbar_access *access = NULL;
	struct nvbar_prepared *prepared;
	struct nvbar_extent ext[64];
	volatile uint32_t *word;
	uint32_t i, value;
	void *ptr;
	int err;

	err = nvbar_map_prepare(gpu, LEN / 4096, &opts, &prepared);
	if (err)
		return say("prepare", err);
	err = nvbar_map_execute(prepared, ext, nvbar_vram_extents(vram, ext, 64), &access);
	if (err)
		return say("execute", err);

	err = nvbar_mmap(access, &ptr);
	if (err)
		return say("mmap", err);
	word = ptr;
	for (i = 0; i < LEN / 4; i++)
		word[i] = i;

	err = nvbar_read32(access, LEN - 4, &value);
	if (err)
		return say("read", err);
	printf("%d bytes written through a pointer; the last word is 0x%" PRIx32 "\n", LEN, value);
	return value != LEN / 4 - 1;
}

int main(int argc, char **argv)
{
	struct nvbar_vram *vram;
	struct nvbar *gpu;
	int err;

	err = nvbar_open(&gpu, argc > 1 ? argv[1] : NULL, NULL);
	if (err)
		return say("open", err);
	err = nvbar_vram_alloc(gpu, LEN, NULL, &vram);
	if (err)
		err = say("allocate", err);
	else
		err = count_up(gpu, vram);
	nvbar_close(gpu);	/* the allocation goes with it */
	return err;
}
