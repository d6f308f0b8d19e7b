// SPDX-License-Identifier: MIT
/*
 * nvbar read: VRAM to standard output, raw, as a hexdump or in JSON.
 */
#include <unistd.h>

#include "cli.h"

#define OPT_OFFSET	0x300	/* no letter */

/* Bytes that are printed before looking whether to go on */
#define TEXT_STEP	PAGE_BYTES

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

static void print_json_digits(const unsigned char *buf, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (; len--; buf++) {
		putchar(digits[*buf >> 4]);
		putchar(digits[*buf & 15]);
	}
}

static int put_text(struct read_args *a, uint64_t addr, const void *buf, size_t len)
{
	if (interrupted())
		return -EINTR;
	if (a->t.cli->json)
		print_json_digits(buf, len);
	else if (a->t.pages.nr)
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

	if (!a->t.cli->json && !a->hex)
		return write_full(STDOUT_FILENO, buf, len);
	for (; !ret && len; addr += n, buf += n, len -= n) {
		n = TEXT_STEP - addr % TEXT_STEP;
		if (n > len)
			n = len;
		ret = put_text(a, addr, buf, n);
	}
	return ret;
}

static void put_head(const struct read_args *a)
{
	struct json_object *name;

	if (!a->t.cli->json)
		return;
	name = json_object_new_string(a->t.cli->name);
	printf("{\n  \"device\":%s,\n  \"%s\":%" PRIu64 ",\n  \"len\":%" PRIu64 ",\n  \"data\":\"",
	       json_object_to_json_string_ext(name, JSON_C_TO_STRING_NOSLASHESCAPE),
	       a->t.pages.nr ? "offset" : "pa", a->addr, a->len);
	json_object_put(name);
}

static void put_tail(const struct read_args *a)
{
	if (a->t.cli->json)
		puts("\"\n}");
	else if (a->hex)
		hexdump_end(&a->dump);
}

static int copy_out(struct read_args *a, void *buf)
{
	struct transfer *t = &a->t;
	uint64_t addr = a->addr, len = a->len, n;
	int ret;

	put_head(a);
	for (; len; addr += n, len -= n) {
		n = transfer_step(addr, len);
		if (transfer_run(t, addr, buf, n))
			return EXIT_FAILURE;
		ret = put(a, addr, buf, n);
		if (ret == -EINTR)
			return cli_fail(t->cli, ret, "%s", transfer_request(t, addr, n));
		if (ret && stdout_left(ret))
			return EXIT_FAILURE;
		if (ret) {
			/* What counts is what was delivered. */
			t->done = addr - a->addr;
			return cli_refuse(t->cli, "%s: standard output: %s",
					  transfer_request(t, a->addr, a->len), io_error(ret));
		}
	}
	put_tail(a);
	return EXIT_SUCCESS;
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
	json_print(obj);
	return EXIT_SUCCESS;
}

static int read_vram(struct read_args *a)
{
	struct transfer *t = &a->t;
	void *buf;
	int ret;

	if (transfer_begin(t))
		return EXIT_FAILURE;
	if (!a->have_len && a->addr < transfer_limit(t))
		a->len = transfer_limit(t) - a->addr;
	if (transfer_check(t, a->addr, a->len))
		return EXIT_FAILURE;
	buf = malloc(TRANSFER_CHUNK);
	if (!buf)
		return cli_fail(t->cli, -ENOMEM, "read");
	progress_begin(&t->progress, "read", a->len);
	t->progress.enabled &= !isatty(STDOUT_FILENO);
	ret = t->cli->dry_run ? copy_nowhere(a, buf) : copy_out(a, buf);
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

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	a.hex |= isatty(STDOUT_FILENO);
	return transfer_end(&a.t, read_vram(&a));
}

const struct command cmd_read = { "read", "VRAM to standard output", &argp, run };
