// SPDX-License-Identifier: MIT
/* What the parts of nvbar bench share. */
#include <time.h>

#include "bench.h"

uint64_t bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *sample, size_t nr)
{
	qsort(sample, nr, sizeof(*sample), compare);
	return nr % 2 ? sample[nr / 2] : (sample[nr / 2 - 1] + sample[nr / 2]) / 2;
}

/* In one piece, not zeroed; -ENOSPC is the caller's to judge. */
int bench_take_vram(struct bench *b, uint64_t len)
{
	const struct nvbar_vram_opts opts = {
		.size = sizeof(opts),
		.align = SLOT_BYTES,
		.flags = NVBAR_VRAM_CONTIGUOUS | NVBAR_VRAM_NO_SCRUB,
	};
	struct nvbar_extent ext;
	int ret;

	nvbar_vram_free(b->vram);
	b->vram = NULL;
	ret = nvbar_vram_alloc(b->cli->gpu, len, &opts, &b->vram);
	if (ret)
		return ret;
	nvbar_vram_extents(b->vram, &ext, 1);
	b->pa = ext.pa;
	b->len = len;
	return 0;
}

void bench_drop_vram(struct bench *b)
{
	nvbar_vram_free(b->vram);
	b->vram = NULL;
}

struct nvbar_stats bench_begin(struct cli *cli, uint64_t *start)
{
	struct nvbar_stats stats = cli_stats(cli);

	*start = bench_now_ns();
	return stats;
}

struct cost bench_end(struct cli *cli, const struct nvbar_stats *before, uint64_t start)
{
	double ns = bench_now_ns() - start;
	struct nvbar_stats after = cli_stats(cli);

	return (struct cost){
		.reads = after.bus_reads - before->bus_reads,
		.writes = after.bus_writes - before->bus_writes,
		.transactions = after.bus_transactions - before->bus_transactions,
		.moves = after.window_moves - before->window_moves,
		.invalidates = after.tlb_invalidates - before->tlb_invalidates,
		.ns = ns,
	};
}

void bench_print_cost(const struct cost *c)
{
	printf(" %4" PRIu64 " %7" PRIu64 " %5" PRIu64 " %7" PRIu64 " %2" PRIu64 " %10.1f", c->reads,
	       c->writes, c->moves, c->transactions, c->invalidates, c->ns / 1000);
}

struct json_object *bench_cost_json(const struct cost *c)
{
	struct json_object *obj = json_object_new_object();

	json_add(obj, "bus_reads", c->reads);
	json_add(obj, "bus_writes", c->writes);
	json_add(obj, "bus_transactions", c->transactions);
	json_add(obj, "window_moves", c->moves);
	json_add(obj, "tlb_invalidates", c->invalidates);
	json_add(obj, "ns", c->ns);
	return obj;
}
