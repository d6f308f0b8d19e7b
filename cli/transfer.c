// SPDX-License-Identifier: MIT
/*
 * VRAM in and out, in windows: a range larger than the BAR1 aperture is
 * mapped, moved and unmapped piece by piece.
 */
#include "cli.h"

static const char *const op_names[] = {
	[TRANSFER_READ] = "read",
	[TRANSFER_WRITE] = "write",
	[TRANSFER_FILL] = "fill",
	[TRANSFER_MEMTEST] = "memtest",
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct transfer *t = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = t->cli;
		return 0;
	case 'v':
		if (strcmp(arg, "bar1") && strcmp(arg, "pramin"))
			argp_error(state, "--via is bar1 or pramin, not '%s'", arg);
		t->pramin = !strcmp(arg, "pramin");
		return 0;
	case 'p':
		arg_pages(state, arg, &t->pages);
		return 0;
	case ARGP_KEY_SUCCESS:
		if (t->pramin && t->pages.nr)
			argp_error(state, "--pages needs BAR1");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ "via", 'v', "WAY", 0, "bar1 (default), or pramin: the window in the registers", 0 },
	{ "pages", 'p', "P1,P2,...", 0,
	  "these VRAM pages (page frame numbers), mapped as one contiguous range", 0 },
	{ 0 }
};
static const struct argp argp = {
	.options = options, .parser = parse, .children = cli_options
};
const struct argp_child transfer_options[] = { { &argp, 0, NULL, 0 }, { 0 } };

static uint32_t map_flags(const struct transfer *t)
{
	return t->op == TRANSFER_READ ? NVBAR_MAP_RDONLY : 0;
}

int transfer_begin(struct transfer *t)
{
	int ret;

	t->window = TRANSFER_CHUNK;
	ret = cli_open(t->cli, 0);
	if (ret || !t->pages.nr)
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
	return status;
}

uint64_t transfer_limit(const struct transfer *t)
{
	return t->access ? nvbar_access_size(t->access) : t->cli->info.vram_size;
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

static bool hits_reserved(const struct transfer *t, uint64_t addr, uint64_t len)
{
	const struct nvbar_info *info = &t->cli->info;

	if (t->op == TRANSFER_READ || t->access)
		return false;
	return addr < info->reserved_pa + info->reserved_len && addr + len > info->reserved_pa;
}

int transfer_check(struct transfer *t, uint64_t addr, uint64_t len)
{
	const char *request = transfer_request(t, addr, len);
	uint64_t limit = transfer_limit(t);
	const struct cli *cli = t->cli;

	if (addr > limit || len > limit - addr)
		return cli_refuse(cli, "%s: %s ends at 0x%" PRIx64, request,
				  t->access ? "the range" : "VRAM", limit);
	if (!len)
		return cli_refuse(cli, "%s: the length is zero", request);
	if (t->op == TRANSFER_FILL && (addr % 4 || len % 4))
		return cli_refuse(cli, "%s: address and length must be multiples of 4", request);
	if (hits_reserved(t, addr, len))
		return cli_refuse(cli, "%s: the driver's own region 0x%" PRIx64 "+0x%" PRIx64
				  " is read-only", request, cli->info.reserved_pa,
				  cli->info.reserved_len);
	return EXIT_SUCCESS;
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

static int run_step(struct transfer *t, uint64_t addr, void *buf, uint64_t len)
{
	if (t->access)
		return run_mapped(t, t->access, addr, buf, len);
	if (!t->pramin)
		return run_window(t, addr, buf, len);
	if (t->op == TRANSFER_READ)
		return nvbar_pramin_read(t->cli->gpu, addr, buf, len);
	return nvbar_pramin_write(t->cli->gpu, addr, buf, len);
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

void transfer_report(const struct transfer *t)
{
	struct json_object *obj;

	if (!t->cli->json)
		return;
	obj = json_new(t->cli);
	json_add_text(obj, "command", op_names[t->op]);
	json_add(obj, "bytes", t->done);
	json_print(obj);
}
