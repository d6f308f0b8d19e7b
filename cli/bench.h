/* SPDX-License-Identifier: MIT */
/*
 * nvbar bench: what mapping and access cost on this device.  Touches only VRAM
 * that it allocates, and leaves nothing behind.
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli.h"

#define MIB		(UINT64_C(1) << 20)
#define SLOT_BYTES	(2 * MIB)	/* covered by one table of 4 KiB pages */

/**
 * struct bench - one run
 * @cli: the run of the tool
 * @vram: what is mapped
 * @pa: its first byte
 * @len: its bytes
 */
struct bench {
	struct cli *cli;
	struct nvbar_vram *vram;
	uint64_t pa, len;
};

/** struct cost - of a map or an unmap */
struct cost {
	uint64_t reads, writes, transactions, moves, invalidates;
	double ns;
};

uint64_t bench_now_ns(void);

/* Sorts the samples. */
double bench_median(double *sample, size_t nr);

/* In one piece, not zeroed; -ENOSPC is the caller's to judge. */
int bench_take_vram(struct bench *b, uint64_t len);
void bench_drop_vram(struct bench *b);

/* What happens between the two. */
struct nvbar_stats bench_begin(struct cli *cli, uint64_t *start);
struct cost bench_end(struct cli *cli, const struct nvbar_stats *before, uint64_t start);

void bench_print_cost(const struct cost *c);
struct json_object *bench_cost_json(const struct cost *c);

/* One read32 and one read of 4 KiB through a mapping of a page, in ns; 0 or an errno. */
int bench_page_access(struct nvbar_access *access, double *read_ns, double *copy_ns);

/* The parts; each prints, or with --json adds to @list, and returns an exit status. */
int bench_mappings(struct bench *b, struct json_object *list);
int bench_access(struct bench *b, struct json_object *list);
int bench_crowds(struct bench *b, struct json_object *list);

#endif
