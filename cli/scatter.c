// SPDX-License-Identifier: MIT
/*
 * Scattered pages, as a GPU in use has them: take twice as many as needed, in
 * a row, and give every other one back.
 */
#include "cli.h"

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y) - (x > y);
}

static uint64_t first_pfn(const struct nvbar_vram *vram)
{
	struct nvbar_extent ext = { 0 };

	nvbar_vram_extents(vram, &ext, 1);
	return ext.pa >> PAGE_SHIFT;
}

int scatter_alloc(struct nvbar *gpu, size_t nr, struct scatter *s)
{
	struct nvbar_vram *all[2 * SCATTER_MAX] = { NULL };
	size_t i;
	int ret = 0;

	*s = (struct scatter){ .nr = nr };
	for (i = 0; !ret && i < 2 * nr; i++)
		ret = nvbar_vram_alloc(gpu, PAGE_BYTES, NULL, &all[i]);
	for (i = 0; i < nr; i++) {
		nvbar_vram_free(all[2 * i]);
		s->vram[i] = all[2 * i + 1];
	}
	if (ret) {
		scatter_free(s);
		return ret;
	}
	for (i = 0; i < nr; i++)
		s->pfn[i] = first_pfn(s->vram[i]);
	qsort(s->pfn, nr, sizeof(s->pfn[0]), compare);
	return 0;
}

void scatter_free(struct scatter *s)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		nvbar_vram_free(s->vram[i]);
	s->nr = 0;
}
