/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dma.h"
#include "vfio_user.h"

static uint64_t last(const struct dma_window *w)
{
	return w->address + (w->size - 1);
}

/* The first window that does not end below the address. */
static size_t find(const struct dma_windows *dma, uint64_t address)
{
	size_t lo = 0, hi = dma->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (last(&dma->window[mid]) < address)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int make_room(struct dma_windows *dma)
{
	size_t room = dma->room ? 2 * dma->room : 64;
	struct dma_window *grown;

	if (dma->nr == VFIO_USER_MAX_DMA_MAPS_DEFAULT)
		return ENOSPC;
	if (dma->nr < dma->room)
		return 0;
	grown = reallocarray(dma->window, room, sizeof(*grown));
	if (!grown)
		return ENOMEM;
	dma->window = grown;
	dma->room = room;
	return 0;
}

int dma_map(struct dma_windows *dma, uint64_t address, uint64_t size)
{
	const struct dma_window w = { address, size };
	size_t i = find(dma, address);
	int err;

	if (i < dma->nr && dma->window[i].address <= last(&w))
		return EEXIST;
	err = make_room(dma);
	if (err)
		return err;
	memmove(dma->window + i + 1, dma->window + i, (dma->nr - i) * sizeof(w));
	dma->window[i] = w;
	dma->nr++;
	return 0;
}

/* The windows from one up to, not including, another */
static void drop(struct dma_windows *dma, size_t from, size_t to)
{
	if (to == from)
		return;
	memmove(dma->window + from, dma->window + to, (dma->nr - to) * sizeof(dma->window[0]));
	dma->nr -= to - from;
}

int dma_unmap(struct dma_windows *dma, uint64_t address, uint64_t size)
{
	const struct dma_window range = { address, size };
	size_t i = find(dma, address);

	if (i == dma->nr || dma->window[i].address > last(&range))
		return ENOENT;
	if (dma->window[i].address != address || dma->window[i].size != size)
		return EINVAL;
	drop(dma, i, i + 1);
	return 0;
}

int dma_unmap_range(struct dma_windows *dma, uint64_t address, uint64_t size)
{
	const struct dma_window range = { address, size };
	size_t from = find(dma, address), to;

	for (to = from; to < dma->nr && dma->window[to].address <= last(&range); to++)
		if (dma->window[to].address < address || last(&dma->window[to]) > last(&range))
			return EINVAL;
	drop(dma, from, to);
	return 0;
}

void dma_unmap_all(struct dma_windows *dma)
{
	free(dma->window);
	*dma = (struct dma_windows) { 0 };
}
