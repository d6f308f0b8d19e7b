// SPDX-License-Identifier: MIT
/*
 * VRAM in and out, in windows: a range larger than the BAR1 aperture is
 * mapped, moved and unmapped piece by piece.
 */
#include "cli.h"

#define OPT_VIA	0x200	/* no letter */

static const char *const op_names[] = {
	[TRANSFER_READ] = "read",
	[TRANSFER_WRITE] = "write",
	[TRANSFER_FILL] = "fill",
	[TRANSFER_MEMTEST] = "memtest",
};

static error_t parse_via(int key, char *arg, struct argp_state *state)
{
	struct transfer *t = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = t->cli;
		return 0;
	case OPT_VIA:
		if (strcmp(arg, "bar1") && strcmp(arg, "pramin"))
			arg_error(state, "--via is bar1 or pramin, not '%s'", arg);
		t->way = strcmp(arg, "pramin") ? TRANSFER_BAR1 : TRANSFER_PRAMIN;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option via_options[] = {
	{ "via", OPT_VIA, "WAY", 0, "bar1 (default), or pramin: the window in the registers", 0 },
	{ 0 }
};
static const struct argp via_argp = {
	.options = via_options, .parser = parse_via, .children = cli_options
};
const struct argp_child transfer_options[] = { { &via_argp, 0, NULL, 0 }, { 0 } };

static error_t parse_pages(int key, char *arg, struct argp_state *state)
{
	struct transfer *t = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = t;
		return 0;
	case 'p':
		arg_pages(state, arg, &t->pages);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option pages_options[] = {
	{ "pages", 'p', "PAGES", 0,
	  "these VRAM pages as one contiguous range: page frame numbers P1,P2-P3,P4+COUNT,@FILE",
	  0 },
	{ 0 }
};
static const struct argp pages_argp = {
	.options = pages_options, .parser = parse_pages, .children = transfer_options
};
const struct argp_child transfer_pages_options[] = { { &pages_argp, 0, NULL, 0 }, { 0 } };

static uint32_t map_flags(const struct transfer *t)
{
	return t->op == TRANSFER_READ ? NVBAR_MAP_RDONLY : 0;
}

/* Without BAR1 there is still the other way, which is slower. */
static int find_way(struct transfer *t)
{
	if (!t->cli->info.bar1_size && t->way == TRANSFER_BAR1)
		return cli_refuse(t->cli, "%s --via bar1: this GPU has no BAR1", op_names[t->op]);
	if (t->way != TRANSFER_ANY)
		return EXIT_SUCCESS;
	t->detour = !t->cli->info.bar1_size;
	t->way = t->detour ? TRANSFER_PRAMIN : TRANSFER_BAR1;
	return EXIT_SUCCESS;
}

int transfer_begin(struct transfer *t)
{
	int ret;

	t->window = TRANSFER_CHUNK;
	ret = cli_open(t->cli, 0);
	if (!ret)
		ret = find_way(t);
	if (ret || !t->pages.nr || t->way == TRANSFER_PRAMIN)
		return ret;
	ret = nvbar_map_pages(t->cli->gpu, t->pages.pfn, t->pages.nr, map_flags(t), &t->access);
	return ret ? cli_fail(t->cli, ret, "%s --pages", op_names[t->op]) : EXIT_SUCCESS;
}

int transfer_end(struct transfer *t, int status)
{
	int ret = nvbar_unmap(t->access);

	progress_end(&t->progress);
	free(t->pages.pfn);
	if (ret && !status)
		return cli_fail(t->cli, ret, "%s --pages: unmap", op_names[t->op]);
	if (!status && t->op != TRANSFER_READ && t->cli->forgets && !t->cli->dry_run)
		cli_note(t->cli, "%s: the model forgets this now; a device sim:CHIP,file=PATH "
			 "keeps it", op_names[t->op]);
	return status;
}

uint64_t transfer_limit(const struct transfer *t)
{
	return t->pages.nr ? t->pages.nr * PAGE_BYTES : t->cli->info.vram_size;
}

uint64_t transfer_step(uint64_t addr, uint64_t len)
{
	uint64_t room = TRANSFER_CHUNK - addr % TRANSFER_CHUNK;

	return room < len ? room : len;
}

const char *transfer_request(const struct transfer *t, uint64_t addr, uint64_t len)
{
	static char text[96];
	int n;

	n = snprintf(text, sizeof(text), "%s %s0x%" PRIx64 "+0x%" PRIx64, op_names[t->op],
		     t->pages.nr ? "--pages, offset " : "", addr, len);
	if (t->done)
		snprintf(text + n, sizeof(text) - n, " after %" PRIu64 " bytes", t->done);
	return text;
}

/* Where to look for a range that is in the way, and the one found. */
struct obstacle {
	uint64_t pa, len;
	bool write;
	const char *name, *why;
	uint64_t found_pa, found_len;
};

static int look_at_range(struct obstacle *o, const char *name, uint64_t pa, uint64_t len,
			 const char *why)
{
	if (o->pa >= pa + len || o->pa + o->len <= pa)
		return 0;
	o->name = name;
	o->why = why;
	o->found_pa = pa;
	o->found_len = len;
	return 1;
}

static int look_at_protected(const struct nvbar_protected_info *range, void *arg)
{
	struct obstacle *o = arg;

	if (range->access == NVBAR_PROTECTED_CLOSED)
		return look_at_range(o, range->name, range->pa, range->len, "closed to the CPU");
	if (range->access == NVBAR_PROTECTED_RDONLY && o->write)
		return look_at_range(o, range->name, range->pa, range->len,
				     "the firmware's: read-only");
	return 0;
}

/* VRAM that the library will refuse to read or write */
static int check_vram(const struct transfer *t, const char *request, uint64_t pa, uint64_t len)
{
	struct obstacle o = { .pa = pa, .len = len, .write = t->op != TRANSFER_READ };
	const struct nvbar_info *info = &t->cli->info;
	uint64_t end = info->vram_size;
	int ret;

	if (pa > end || len > end - pa)
		return cli_refuse(t->cli, "%s: VRAM ends at 0x%" PRIx64, request, end);
	if (o.write)
		look_at_range(&o, "the driver's own region", info->reserved_pa, info->reserved_len,
			      "read-only");
	ret = nvbar_for_each_protected(t->cli->gpu, look_at_protected, &o);
	if (ret < 0)
		return cli_fail(t->cli, ret, "%s: protected VRAM", request);
	if (!o.name)
		return EXIT_SUCCESS;
	return cli_refuse(t->cli, "%s: %s 0x%" PRIx64 "+0x%" PRIx64 " is %s", request, o.name,
			  o.found_pa, o.found_len, o.why);
}

/* The pages of a list that [@off, @off + @len) of it touches */
static int check_pages(const struct transfer *t, const char *request, uint64_t off, uint64_t len)
{
	uint64_t i;
	int ret = EXIT_SUCCESS;

	for (i = off >> PAGE_SHIFT; !ret && i <= (off + len - 1) >> PAGE_SHIFT; i++) {
		/* So far out that its address has no number */
		if (t->pages.pfn[i] > UINT64_MAX >> PAGE_SHIFT)
			return cli_refuse(t->cli, "%s: PFN 0x%" PRIx64 " is beyond VRAM", request,
					  t->pages.pfn[i]);
		ret = check_vram(t, request, t->pages.pfn[i] << PAGE_SHIFT, PAGE_BYTES);
	}
	return ret;
}

int transfer_check(struct transfer *t, uint64_t addr, uint64_t len)
{
	const char *request = transfer_request(t, addr, len);
	uint64_t limit = transfer_limit(t);
	const struct cli *cli = t->cli;

	if (addr > limit || len > limit - addr)
		return cli_refuse(cli, "%s: %s ends at 0x%" PRIx64, request,
				  t->pages.nr ? "the range" : "VRAM", limit);
	if (!len)
		return cli_refuse(cli, "%s: the length is zero", request);
	if (t->op == TRANSFER_FILL && (addr % 4 || len % 4))
		return cli_refuse(cli, "%s: address and length must be multiples of 4", request);
	/* What is mapped was checked by that. */
	if (t->access)
		return EXIT_SUCCESS;
	return t->pages.nr ? check_pages(t, request, addr, len) :
			     check_vram(t, request, addr, len);
}

static int run_mapped(struct transfer *t, struct nvbar_access *access, uint64_t off, void *buf,
		      uint64_t len)
{
	uint32_t pattern;
	int ret;

	switch (t->op) {
	case TRANSFER_READ:
		return nvbar_read(access, off, buf, len);
	case TRANSFER_WRITE:
		ret = nvbar_write(access, off, buf, len);
		break;
	default:
		memcpy(&pattern, buf, sizeof(pattern));
		ret = nvbar_fill(access, off, pattern, len);
	}
	return ret ? ret : nvbar_flush(access);
}

static int run_window(struct transfer *t, uint64_t addr, void *buf, uint64_t len)
{
	uint64_t start = addr & -PAGE_BYTES;
	struct nvbar_extent ext = { start, ((addr + len + PAGE_BYTES - 1) & -PAGE_BYTES) - start };
	struct nvbar_map_opts opts = {
		.size = sizeof(opts), .flags = map_flags(t), .label = op_names[t->op]
	};
	struct nvbar_access *access;
	int ret, err;

	ret = nvbar_map(t->cli->gpu, &ext, 1, &opts, &access);
	if (ret)
		return ret;
	ret = run_mapped(t, access, addr - start, buf, len);
	err = nvbar_unmap(access);
	return ret ? ret : err;
}

static int fill_pramin(struct nvbar *gpu, uint64_t pa, uint32_t pattern, uint64_t len)
{
	uint32_t words[PAGE_BYTES / 4];
	uint64_t n;
	size_t i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = pattern;
	for (; !ret && len; pa += n, len -= n) {
		n = len < sizeof(words) ? len : sizeof(words);
		ret = nvbar_pramin_write(gpu, pa, words, n);
	}
	return ret;
}

static int run_pramin(struct transfer *t, uint64_t pa, void *buf, uint64_t len)
{
	uint32_t pattern;

	switch (t->op) {
	case TRANSFER_READ:
		return nvbar_pramin_read(t->cli->gpu, pa, buf, len);
	case TRANSFER_WRITE:
		return nvbar_pramin_write(t->cli->gpu, pa, buf, len);
	default:
		memcpy(&pattern, buf, sizeof(pattern));
		return fill_pramin(t->cli->gpu, pa, pattern, len);
	}
}

/* A list of pages, one by one: the window shows no two that are not neighbours. */
static int run_pramin_pages(struct transfer *t, uint64_t off, char *buf, uint64_t len)
{
	uint64_t n;
	int ret = 0;

	for (; !ret && len; off += n, buf += n, len -= n) {
		uint64_t in_page = off % PAGE_BYTES;

		n = PAGE_BYTES - in_page < len ? PAGE_BYTES - in_page : len;
		ret = run_pramin(t, (t->pages.pfn[off >> PAGE_SHIFT] << PAGE_SHIFT) + in_page, buf, n);
	}
	return ret;
}

static int run_step(struct transfer *t, uint64_t addr, void *buf, uint64_t len)
{
	if (t->access)
		return run_mapped(t, t->access, addr, buf, len);
	if (t->way == TRANSFER_BAR1)
		return run_window(t, addr, buf, len);
	return t->pages.nr ? run_pramin_pages(t, addr, buf, len) : run_pramin(t, addr, buf, len);
}

/* No room in BAR1 for so much at once: try with less. */
static bool shrink_window(struct transfer *t)
{
	if (t->window <= PAGE_BYTES)
		return false;
	t->window /= 2;
	cli_forget(t->cli);
	return true;
}

int transfer_run(struct transfer *t, uint64_t addr, void *buf, uint64_t len)
{
	uint64_t n;
	int ret;

	if (t->detour)
		cli_note(t->cli, "%s: this GPU has no BAR1: going through PRAMIN",
			 op_names[t->op]);
	t->detour = false;
	while (len) {
		if (interrupted())
			return cli_fail(t->cli, -EINTR, "%s", transfer_request(t, addr, len));
		n = t->window - addr % t->window;
		if (n > len)
			n = len;
		ret = run_step(t, addr, buf, n);
		if (ret == -ENOSPC && shrink_window(t))
			continue;
		if (ret)
			return cli_fail(t->cli, ret, "%s", transfer_request(t, addr, n));
		addr += n;
		len -= n;
		t->done += n;
		if (t->op != TRANSFER_FILL)
			buf = (char *)buf + n;
		progress_update(&t->progress, t->done);
	}
	return EXIT_SUCCESS;
}

int transfer_report(const struct transfer *t)
{
	struct json_object *obj;

	if (!t->cli->json)
		return EXIT_SUCCESS;
	obj = json_new(t->cli);
	json_add_text(obj, "command", op_names[t->op]);
	json_add(obj, "bytes", t->done);
	return cli_print_json(t->cli, obj);
}
