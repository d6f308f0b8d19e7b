// SPDX-License-Identifier: MIT
/*
 * nvbar demo: scattered pages of VRAM mapped through BAR1, step by step; what
 * it tells, it has verified.
 */
#include <stdarg.h>

#include "cli.h"
#include "text.h"

#define NR_PAGES	8
#define WORD32		0x12345678u
#define WORD64		UINT64_C(0x0123456789abcdef)
#define BLOCK_OFF	0x100	/* in every page, so that a block spans no border */
#define BLOCK_LEN	0x40

struct demo {
	struct cli *cli;
	FILE *out;			/* the story; nowhere with --json */
	struct json_object *facts;
	unsigned int step;
	struct scatter pages;
	struct nvbar_access *access;
	uint64_t base, size;
	struct nvbar_stats start;
};

static void step(struct demo *d, const char *title)
{
	fprintf(d->out, "\n%u. %s\n", ++d->step, title);
}

static void say(struct demo *d, const char *fmt, ...) PRINTF(2, 3);

static void say(struct demo *d, const char *fmt, ...)
{
	va_list ap;

	fputs("   ", d->out);
	va_start(ap, fmt);
	vfprintf(d->out, fmt, ap);
	va_end(ap);
	fputc('\n', d->out);
}

static int mismatch(struct demo *d, const char *what, uint64_t got, uint64_t want)
{
	return cli_refuse(d->cli, "demo: %s is 0x%" PRIx64 ", not 0x%" PRIx64, what, got, want);
}

static void introduce(struct demo *d)
{
	const struct nvbar_info *i = &d->cli->info;

	fprintf(d->out, "nvbar demo on %s: a %s with %s of VRAM.\n", text_shown(i->device), i->chip,
		size_text(i->vram_size));
	fprintf(d->out,
		"The CPU sees VRAM through BAR1, a PCI aperture of %s here. Page tables in VRAM\n"
		"(MMU version %u) say which page of VRAM appears where in the aperture.\n",
		size_text(i->bar1_size), i->mmu_version);
}

static int take_pages(struct demo *d)
{
	struct json_object *pfns = json_add_list(d->facts, "pfns");
	size_t i;
	int ret;

	step(d, "Take pages of VRAM that do not lie side by side");
	ret = scatter_alloc(d->cli->gpu, NR_PAGES, &d->pages);
	if (ret)
		return cli_fail(d->cli, ret, "demo: allocate %u pages", 2 * NR_PAGES);
	say(d, "%u pages of 4 KiB allocated, every other one given back. Left, by page frame",
	    2 * NR_PAGES);
	fprintf(d->out, "   number (VRAM address / 4096):");
	for (i = 0; i < NR_PAGES; i++) {
		fprintf(d->out, " 0x%" PRIx64, d->pages.pfn[i]);
		json_append_number(pfns, d->pages.pfn[i]);
	}
	fputc('\n', d->out);
	return EXIT_SUCCESS;
}

static int map_pages(struct demo *d)
{
	struct nvbar_stats a = cli_stats(d->cli), b;
	int ret;

	step(d, "Map them as one contiguous range of BAR1");
	ret = nvbar_map_pages(d->cli->gpu, d->pages.pfn, NR_PAGES, 0, &d->access);
	if (ret)
		return cli_fail(d->cli, ret, "demo: map %u pages", NR_PAGES);
	b = cli_stats(d->cli);
	d->base = nvbar_access_base(d->access);
	d->size = nvbar_access_size(d->access);
	json_add(d->facts, "va", d->base);
	json_add(d->facts, "len", d->size);
	say(d, "They are now bytes 0x%" PRIx64 " to 0x%" PRIx64 " of BAR1: %zu pages, %s.", d->base,
	    d->base + d->size - 1, nvbar_access_num_pages(d->access), size_text(d->size));
	say(d, "That took %" PRIu64 " bus reads, %" PRIu64 " bus writes (%" PRIu64
	    " transactions), %" PRIu64 " TLB invalidate.", b.bus_reads - a.bus_reads,
	    b.bus_writes - a.bus_writes, b.bus_transactions - a.bus_transactions,
	    b.tlb_invalidates - a.tlb_invalidates);
	if (d->size != NR_PAGES * PAGE_BYTES)
		return mismatch(d, "the size of the mapping", d->size, NR_PAGES * PAGE_BYTES);
	return EXIT_SUCCESS;
}

/* Where the GPU finds @va: at @pa, or nowhere. */
static int walk(struct demo *d, uint64_t va, bool mapped, uint64_t pa)
{
	struct nvbar_walk w = { .size = sizeof(w) };
	int ret;

	ret = nvbar_walk(d->cli->gpu, va, &w);
	if (ret)
		return cli_fail(d->cli, ret, "demo: walk 0x%" PRIx64, va);
	walk_print(d->out, "   ", &w);
	if (mapped != (w.status == NVBAR_WALK_OK))
		return cli_refuse(d->cli, "demo: VA 0x%" PRIx64 " is %smapped", va,
				  mapped ? "not " : "still ");
	if (mapped && w.pa != pa)
		return mismatch(d, "the VRAM address", w.pa, pa);
	return EXIT_SUCCESS;
}

static int show_walks(struct demo *d)
{
	uint64_t last = d->size - 1;

	step(d, "How the GPU finds the first and the last byte: table, index, entry, fields");
	if (walk(d, d->base, true, d->pages.pfn[0] << PAGE_SHIFT))
		return EXIT_FAILURE;
	fputc('\n', d->out);
	return walk(d, d->base + last, true,
		    (d->pages.pfn[NR_PAGES - 1] << PAGE_SHIFT) + last % PAGE_BYTES);
}

static void make_block(unsigned char block[BLOCK_LEN], size_t page)
{
	size_t i;

	for (i = 0; i < BLOCK_LEN; i++)
		block[i] = i * 7 + page;
}

static int write_page(struct demo *d, size_t page)
{
	unsigned char block[BLOCK_LEN];
	uint64_t off = page * PAGE_BYTES;
	int ret;

	make_block(block, page);
	ret = nvbar_write32(d->access, off, WORD32 + page);
	if (!ret)
		ret = nvbar_write64(d->access, off + 8, WORD64 + page);
	if (!ret)
		ret = nvbar_write(d->access, off + BLOCK_OFF, block, sizeof(block));
	return ret;
}

static int write_pages(struct demo *d)
{
	size_t i;
	int ret = 0;

	step(d, "Write through BAR1");
	for (i = 0; !ret && i < NR_PAGES; i++)
		ret = write_page(d, i);
	if (!ret)
		ret = nvbar_flush(d->access);
	if (ret)
		return cli_fail(d->cli, ret, "demo: write through BAR1");
	say(d, "Into each page: a 32-bit word (0x%x + page), a 64-bit word and %u bytes.", WORD32,
	    BLOCK_LEN);
	say(d, "Then a flush: the GPU can see all of it now.");
	return EXIT_SUCCESS;
}

static int check_page(struct demo *d, size_t page)
{
	uint64_t pa = d->pages.pfn[page] << PAGE_SHIFT, word64;
	unsigned char want[BLOCK_LEN], got[BLOCK_LEN];
	uint32_t word32;
	int ret;

	ret = nvbar_pramin_read(d->cli->gpu, pa, &word32, sizeof(word32));
	if (!ret)
		ret = nvbar_pramin_read(d->cli->gpu, pa + 8, &word64, sizeof(word64));
	if (!ret)
		ret = nvbar_pramin_read(d->cli->gpu, pa + BLOCK_OFF, got, sizeof(got));
	if (ret)
		return cli_fail(d->cli, ret, "demo: read 0x%" PRIx64 " through PRAMIN", pa);
	make_block(want, page);
	if (word32 != WORD32 + page)
		return mismatch(d, "the 32-bit word", word32, WORD32 + page);
	if (word64 != WORD64 + page)
		return mismatch(d, "the 64-bit word", word64, WORD64 + page);
	if (memcmp(got, want, sizeof(got)))
		return cli_refuse(d->cli, "demo: the block at 0x%" PRIx64 " is not as written",
				  pa + BLOCK_OFF);
	say(d, "VRAM 0x%09" PRIx64 "  0x%08x  0x%016" PRIx64 "  as written", pa, word32, word64);
	return EXIT_SUCCESS;
}

static int check_pages(struct demo *d)
{
	size_t i;

	step(d, "Check by VRAM address through PRAMIN, a window that knows no page tables");
	for (i = 0; i < NR_PAGES; i++)
		if (check_page(d, i))
			return EXIT_FAILURE;
	return EXIT_SUCCESS;
}

static int unmap_pages(struct demo *d)
{
	struct nvbar_access *access = d->access;
	struct nvbar_stats now;
	int ret;

	step(d, "Unmap");
	d->access = NULL;
	ret = nvbar_unmap(access);
	if (ret)
		return cli_fail(d->cli, ret, "demo: unmap");
	now = cli_stats(d->cli);
	say(d, "%" PRIu64 " mappings are left, %s of %s of BAR1 are free.", now.mappings,
	    size_text(now.va_free), size_text(now.va_total));
	if (now.mappings != d->start.mappings)
		return mismatch(d, "the number of mappings", now.mappings, d->start.mappings);
	if (now.va_free != d->start.va_free)
		return mismatch(d, "the free address space", now.va_free, d->start.va_free);
	say(d, "The GPU finds nothing there any more:");
	if (walk(d, d->base, false, 0) || walk(d, d->base + d->size - 1, false, 0))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}

static int sum_up(struct demo *d)
{
	struct nvbar_stats now;

	scatter_free(&d->pages);
	now = cli_stats(d->cli);
	step(d, "What it cost in all, opening the GPU included");
	say(d, "%" PRIu64 " bus reads, %" PRIu64 " bus writes (%" PRIu64 " transactions), %" PRIu64
	    " TLB invalidates.", now.bus_reads, now.bus_writes, now.bus_transactions,
	    now.tlb_invalidates);
	say(d, "Accesses that a real GPU would refuse: %" PRIu64 ".", now.model_driver_errors);
	json_add(d->facts, "bus_reads", now.bus_reads);
	json_add(d->facts, "bus_writes", now.bus_writes);
	json_add(d->facts, "bus_transactions", now.bus_transactions);
	json_add(d->facts, "tlb_invalidates", now.tlb_invalidates);
	json_add(d->facts, "model_driver_errors", now.model_driver_errors);
	if (now.model_driver_errors)
		return mismatch(d, "the count of refused accesses", now.model_driver_errors, 0);
	if (now.vram_free != d->start.vram_free)
		return mismatch(d, "free VRAM", now.vram_free, d->start.vram_free);
	fprintf(d->out, "\n%s.\n", d->cli->dry_run ? "This was a dry run: nothing of it was done" :
						     "Everything was as it should be");
	return EXIT_SUCCESS;
}

static int tell(struct demo *d)
{
	static int (*const chapters[])(struct demo *d) = {
		take_pages, map_pages, show_walks, write_pages, check_pages, unmap_pages, sum_up,
	};
	size_t i;

	d->start = cli_stats(d->cli);
	introduce(d);
	for (i = 0; i < ARRAY_SIZE(chapters); i++) {
		if (interrupted())
			return cli_fail(d->cli, -EINTR, "demo");
		if (chapters[i](d))
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static const struct argp argp = {
	.doc = "Map scattered pages of VRAM, write to them through BAR1, check them through "
	       "PRAMIN, unmap them, and show that the mapping is gone. Uses only VRAM that it "
	       "allocates.",
	.children = cli_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct demo d = { .cli = cli, .out = stdout };
	int ret;

	tool_parse(&argp, argc, argv, 0, cli);
	if (cli_open_bar1(cli, "demo"))
		return EXIT_FAILURE;
	if (cli->json)
		d.out = fopen("/dev/null", "w");
	if (!d.out)
		return cli_refuse(cli, "demo: /dev/null: %s", strerror(errno));
	d.facts = json_new(cli);
	ret = tell(&d);
	(void)nvbar_unmap(d.access);	/* there if something has failed before */
	scatter_free(&d.pages);
	if (!cli->dry_run)
		json_add_flag(d.facts, "passed", !ret);
	if (cli->json) {
		(void)fclose(d.out);
		if (cli_print_json(cli, d.facts))
			return EXIT_FAILURE;
	} else {
		json_object_put(d.facts);
	}
	return ret;
}

const struct command cmd_demo = { "demo", "the whole way, told step by step", &argp, run };
