// SPDX-License-Identifier: MIT
/*
 * nvbar read: VRAM to standard output, raw, as a hexdump or in JSON.
 */
#include <unistd.h>

#include "cli.h"

#define OPT_OFFSET	0x300	/* no letter */

/* Bytes that are printed before looking whether to go on */
#define TEXT_STEP	PAGE_BYTES

/* Bytes that an object may hold: all of them are read before any is printed */
#define JSON_MAX	(UINT64_C(256) << 20)

struct read_args {
	struct transfer t;
	bool hex;
	struct hexdump dump;
	uint64_t offset;
	bool have_offset, have_len;
	uint64_t pos[2];
	unsigned int nr_pos;
	uint64_t addr, len;
};

static void place(struct read_args *a, const struct argp_state *state)
{
	if (a->t.pages.nr) {
		if (a->nr_pos > 1)
			arg_error(state, "with --pages there is only a length");
		a->addr = a->offset;
		a->have_len = a->nr_pos;
		a->len = a->pos[0];
		return;
	}
	if (a->nr_pos < 2)
		arg_error(state, "an address and a length are needed");
	if (a->have_offset)
		arg_error(state, "--offset is for --pages");
	a->addr = a->pos[0];
	a->len = a->pos[1];
	a->have_len = true;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct read_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->t;
		return 0;
	case 'x':
		a->hex = true;
		return 0;
	case OPT_OFFSET:
		a->offset = arg_number(state, arg);
		a->have_offset = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->nr_pos == ARRAY_SIZE(a->pos))
			arg_error(state, "too many arguments");
		a->pos[a->nr_pos++] = arg_number(state, arg);
		return 0;
	case ARGP_KEY_SUCCESS:
		place(a, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The pages of a list are not neighbours: a dump shows each at its own address. */
static void dump_pages(struct read_args *a, uint64_t off, const char *buf, size_t len)
{
	uint64_t pa, n;

	for (; len; off += n, buf += n, len -= n) {
		pa = (a->t.pages.pfn[off >> PAGE_SHIFT] << PAGE_SHIFT) + off % PAGE_BYTES;
		n = PAGE_BYTES - off % PAGE_BYTES;
		if (n > len)
			n = len;
		hexdump(&a->dump, pa, buf, n);
	}
}

static int put_text(struct read_args *a, uint64_t addr, const void *buf, size_t len)
{
	if (interrupted())
		return -EINTR;
	if (a->t.pages.nr)
		dump_pages(a, addr, buf, len);
	else
		hexdump(&a->dump, addr, buf, len);
	return stdout_flush();
}

/* Text in pieces: a terminal takes its time. */
static int put(struct read_args *a, uint64_t addr, const char *buf, size_t len)
{
	size_t n;
	int ret = 0;

	if (!a->hex)
		return write_full(STDOUT_FILENO, buf, len);
	for (; !ret && len; addr += n, buf += n, len -= n) {
		n = TEXT_STEP - addr % TEXT_STEP;
		if (n > len)
			n = len;
		ret = put_text(a, addr, buf, n);
	}
	return ret;
}

/* @done: bytes that were taken, which is what counts */
static int not_taken(struct read_args *a, int err, uint64_t done)
{
	if (stdout_left(err))
		return EXIT_FAILURE;
	a->t.done = done;
	return cli_refuse(a->t.cli, "%s: standard output: %s",
			  transfer_request(&a->t, a->addr, a->len), io_error(err));
}

static int copy_out(struct read_args *a, void *buf)
{
	struct transfer *t = &a->t;
	uint64_t addr = a->addr, len = a->len, n;
	int ret;

	for (; len; addr += n, len -= n) {
		n = transfer_step(addr, len);
		if (transfer_run(t, addr, buf, n))
			return EXIT_FAILURE;
		ret = put(a, addr, buf, n);
		if (ret == -EINTR)
			return cli_fail(t->cli, ret, "%s", transfer_request(t, addr, n));
		if (ret)
			return not_taken(a, ret, addr - a->addr);
	}
	if (a->hex)
		hexdump_end(&a->dump);
	return EXIT_SUCCESS;
}

static void print_json(const struct read_args *a, const unsigned char *buf)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t i;

	printf("{\n  \"device\":");
	json_print_text(a->t.cli->name);
	printf(",\n  \"%s\":%" PRIu64 ",\n  \"len\":%" PRIu64 ",\n  \"data\":\"",
	       a->t.pages.nr ? "offset" : "pa", a->addr, a->len);
	for (i = 0; i < a->len; i++) {
		putchar(digits[buf[i] >> 4]);
		putchar(digits[buf[i] & 15]);
	}
	puts("\"\n}");
}

/* What can't be read as a whole is not printed in part. */
static int copy_out_json(struct read_args *a, void *buf)
{
	int ret;

	if (transfer_run(&a->t, a->addr, buf, a->len))
		return EXIT_FAILURE;
	print_json(a, buf);
	ret = stdout_flush();
	return ret ? not_taken(a, ret, 0) : EXIT_SUCCESS;
}

/* What a dry run reads is not what VRAM holds, and nobody is to take it for that. */
static int copy_nowhere(struct read_args *a, void *buf)
{
	uint64_t addr = a->addr, len = a->len, n;
	struct transfer *t = &a->t;
	struct json_object *obj;

	for (; len; addr += n, len -= n) {
		n = transfer_step(addr, len);
		if (transfer_run(t, addr, buf, n))
			return EXIT_FAILURE;
	}
	t->done = 0;
	cli_note(t->cli, "%s: dry run: VRAM was not read", transfer_request(t, a->addr, a->len));
	if (!t->cli->json)
		return EXIT_SUCCESS;
	obj = json_new(t->cli);
	json_add(obj, t->pages.nr ? "offset" : "pa", a->addr);
	json_add(obj, "len", a->len);
	return cli_print_json(t->cli, obj);
}

static int read_vram(struct read_args *a)
{
	struct transfer *t = &a->t;
	bool json;
	void *buf;
	int ret;

	if (transfer_begin(t))
		return EXIT_FAILURE;
	if (!a->have_len && a->addr < transfer_limit(t))
		a->len = transfer_limit(t) - a->addr;
	if (transfer_check(t, a->addr, a->len))
		return EXIT_FAILURE;
	json = t->cli->json && !t->cli->dry_run;
	if (json && a->len > JSON_MAX)
		return cli_refuse(t->cli, "%s: an object holds no more than 0x%" PRIx64 " bytes",
				  transfer_request(t, a->addr, a->len), JSON_MAX);
	buf = malloc(json ? a->len : TRANSFER_CHUNK);
	if (!buf)
		return cli_fail(t->cli, -ENOMEM, "read");
	progress_begin(&t->progress, "read", a->len);
	t->progress.enabled &= !isatty(STDOUT_FILENO);
	if (t->cli->dry_run)
		ret = copy_nowhere(a, buf);
	else
		ret = json ? copy_out_json(a, buf) : copy_out(a, buf);
	free(buf);
	return ret;
}

static const struct argp_option options[] = {
	{ "hex", 'x', NULL, 0, "a hexdump, also where standard output is no terminal", 0 },
	{ "offset", OPT_OFFSET, "OFFSET", 0, "with --pages: begin so many bytes into the range", 0 },
	{ 0 }
};
static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PA LEN\n--pages PAGES [LEN]",
	.doc = "Write VRAM to standard output: raw bytes, or a hexdump on a terminal."
	       "\vPA is a VRAM address of any alignment. PA, LEN and OFFSET take the suffixes K, "
	       "M, G and T.",
	.children = transfer_pages_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct read_args a = { .t = { .cli = cli, .op = TRANSFER_READ } };

	tool_parse(&argp, argc, argv, 0, &a);
	a.hex |= isatty(STDOUT_FILENO);
	return transfer_end(&a.t, read_vram(&a));
}

const struct command cmd_read = { "read", "VRAM to standard output", &argp, run };
