// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>

#include "bench.h"

static void print_line(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	fprintf(stderr, "%s\n", line);
}

/* What the model does to writes on their way is not to be timed. */
struct nvbar *device_open(const char *device, uint32_t flags)
{
	const struct nvbar_open_opts opts = { .size = sizeof(opts), .flags = flags, .log = print_line };
	char at_once[96];
	struct nvbar *gpu;
	int ret;

	snprintf(at_once, sizeof(at_once), "%s,landing=at-once", device);
	ret = nvbar_open(&gpu, at_once, &opts);
	if (ret)
		give_up("open %s: %s", at_once, nvbar_strerror(ret));
	return gpu;
}

struct nvbar_stats device_stats(struct nvbar *gpu)
{
	struct nvbar_stats stats = { .size = sizeof(stats) };

	if (nvbar_get_stats(gpu, &stats))
		give_up("no counts");
	return stats;
}

void device_close(struct bench *bench, struct nvbar *gpu)
{
	uint64_t errors = device_stats(gpu).model_driver_errors;

	check(bench, !errors, "the model refused %" PRIu64 " accesses", errors);
	nvbar_close(gpu);
}

uint64_t device_vram(struct nvbar *gpu, uint64_t len, uint64_t align)
{
	const struct nvbar_vram_opts opts = {
		.size = sizeof(opts),
		.align = align,
		.flags = NVBAR_VRAM_CONTIGUOUS | NVBAR_VRAM_NO_SCRUB,
	};
	struct nvbar_extent ext;
	struct nvbar_vram *vram;	/* lives until nvbar_close() */
	int ret = nvbar_vram_alloc(gpu, len, &opts, &vram);

	if (ret)
		give_up("VRAM of %s: %s", size_name(len), nvbar_strerror(ret));
	nvbar_vram_extents(vram, &ext, 1);
	return ext.pa;
}
