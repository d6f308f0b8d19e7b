// SPDX-License-Identifier: MIT
/*
 * nvbar write: standard input to VRAM.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

#define OPT_OFFSET	0x300	/* no letter */

struct write_args {
	struct transfer t;
	uint64_t addr;
	bool have_addr, have_offset;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct write_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->t;
		return 0;
	case OPT_OFFSET:
		a->addr = arg_number(state, arg);
		a->have_offset = true;
		return 0;
	case ARGP_KEY_ARG:
		if (a->have_addr)
			arg_error(state, "too many arguments");
		a->addr = arg_number(state, arg);
		a->have_addr = true;
		return 0;
	case ARGP_KEY_SUCCESS:
		if (a->t.pages.nr ? a->have_addr : !a->have_addr)
			arg_error(state, "either an address or --pages is needed");
		if (a->have_offset && !a->t.pages.nr)
			arg_error(state, "--offset is for --pages");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Bytes that standard input still holds; 0 when only reading them will tell. */
static uint64_t input_size(void)
{
	struct stat st;
	off_t pos = lseek(STDIN_FILENO, 0, SEEK_CUR);

	if (pos < 0 || fstat(STDIN_FILENO, &st) || !S_ISREG(st.st_mode) || pos >= st.st_size)
		return 0;
	return st.st_size - pos;
}

/* The next bytes of standard input; @ret receives EXIT_FAILURE when that is bad. */
static uint64_t next_chunk(struct write_args *a, void *buf, uint64_t len, int *ret)
{
	const char *where = transfer_request(&a->t, a->addr, a->t.done);
	ssize_t got = read_full(STDIN_FILENO, buf, len);

	if (got >= 0)
		return got;
	*ret = cli_refuse(a->t.cli, "%s: standard input: %s", where, io_error(got));
	return 0;
}

/* Every chunk is checked before any byte of it is written. */
static int copy_in(struct write_args *a, void *buf)
{
	struct transfer *t = &a->t;
	int ret = EXIT_SUCCESS;
	uint64_t addr, n;

	for (;;) {
		addr = a->addr + t->done;
		n = next_chunk(a, buf, transfer_step(addr, TRANSFER_CHUNK), &ret);
		if (ret || (!n && t->done))
			return ret;
		if (!n)
			return cli_refuse(t->cli, "%s: standard input is empty",
					  transfer_request(t, a->addr, n));
		if (transfer_check(t, addr, n))
			return EXIT_FAILURE;
		ret = transfer_run(t, addr, buf, n);
		if (ret)
			return ret;
	}
}

/* What is mapped as one range is written as a whole or not at all. */
static int copy_in_pages(struct write_args *a, void *buf, uint64_t room)
{
	int ret = EXIT_SUCCESS;
	uint64_t n;

	n = next_chunk(a, buf, room + 1, &ret);
	if (!ret && !n)
		return cli_refuse(a->t.cli, "%s: standard input is empty",
				  transfer_request(&a->t, a->addr, n));
	if (ret || transfer_check(&a->t, a->addr, n))
		return EXIT_FAILURE;
	return transfer_run(&a->t, a->addr, buf, n);
}

static int write_vram(struct write_args *a)
{
	struct transfer *t = &a->t;
	uint64_t size, room = TRANSFER_CHUNK;
	void *buf;
	int ret;

	if (transfer_begin(t))
		return EXIT_FAILURE;
	size = input_size();
	if (transfer_check(t, a->addr, size ? size : 1))
		return EXIT_FAILURE;
	if (t->pages.nr)
		room = transfer_limit(t) - a->addr;
	buf = malloc(room + 1);
	if (!buf)
		return cli_fail(t->cli, -ENOMEM, "write");
	cli_note_typing(t->cli, "write", "bytes");
	progress_begin(&t->progress, "write", size);
	ret = t->pages.nr ? copy_in_pages(a, buf, room) : copy_in(a, buf);
	free(buf);
	return ret;
}

static const struct argp_option options[] = {
	{ "offset", OPT_OFFSET, "OFFSET", 0, "with --pages: begin so many bytes into the range", 0 },
	{ 0 }
};
static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "PA\n--pages PAGES",
	.doc = "Write standard input to VRAM, up to its end."
	       "\vPA is a VRAM address of any alignment. PA and OFFSET take the suffixes K, M, G "
	       "and T.",
	.children = transfer_pages_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct write_args a = { .t = { .cli = cli, .op = TRANSFER_WRITE } };
	int ret;

	tool_parse(&argp, argc, argv, 0, &a);
	ret = transfer_end(&a.t, write_vram(&a));
	return ret ? ret : transfer_report(&a.t);
}

const struct command cmd_write = { "write", "standard input to VRAM", &argp, run };
