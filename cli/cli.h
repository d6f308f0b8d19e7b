/* SPDX-License-Identifier: MIT */
/*
 * What the commands of the tool share.  A command is one file with its argp
 * and one struct command; main.c holds the table of them.
 */
#ifndef NVBAR_CLI_H
#define NVBAR_CLI_H

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvbar/nvbar.h>

#include "arg.h"
#include "tool_args.h"
#include "tool_json.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PRINTF(f, v)	__attribute__((format(printf, f, v)))

#define PAGE_SHIFT	12
#define PAGE_BYTES	(UINT64_C(1) << PAGE_SHIFT)

/** struct page_list - PFNs as "P1,P2-P3,P4+COUNT,@FILE" gives them; @room: for how many */
struct page_list {
	uint64_t *pfn;
	size_t nr, room;
};

/**
 * struct cli - what one run of the tool is about
 * @device: as given with -d, or NULL
 * @json: facts as JSON
 * @dry_run: writes are told on stderr and not made
 * @force: take BAR1 from whoever has it bound
 * @faults: accesses where nothing is mapped fault
 * @maps: what --map asks to be mapped first
 * @nr_maps: how many
 * @name: what error lines call the device: the device string, or the file
 *	of a command that needs no device
 * @gpu: the device, once cli_open() has opened it
 * @info: its identity, likewise
 * @unchosen: it is the default, as nobody named one
 * @forgets: what is written to it is gone when it is closed
 * @log: the last error line of the library
 */
struct cli {
	const char *device;
	bool json, dry_run, force, faults;
	struct page_list *maps;
	size_t nr_maps;
	const char *name;
	struct nvbar *gpu;
	struct nvbar_info info;
	bool unchosen, forgets;
	char log[512];
};

/**
 * struct command - a row of the command table
 * @name: the word that the user types
 * @summary: one line for the list of commands
 * @argp: its options, for itself and for help
 * @run: does it.  Return: the exit status
 */
struct command {
	const char *name;
	const char *summary;
	const struct argp *argp;
	int (*run)(struct cli *cli, int argc, char **argv);
};

extern const struct command cmd_bench, cmd_bind, cmd_check, cmd_decode, cmd_demo, cmd_fill, cmd_info,
	cmd_list, cmd_maps, cmd_memtest, cmd_read, cmd_replay, cmd_resize, cmd_selftest,
	cmd_snapshot, cmd_tables, cmd_unbind, cmd_walk, cmd_write;

/* --- args.c: what the user typed ---------------------------------------- */

/*
 * The only child of a command's argp, with struct cli as its input: the options of
 * commands that need no device, of those that do, and of those that also take --map.
 */
extern const struct argp_child cli_json_options[], cli_options[], cli_map_options[];

void arg_no_memory(const struct argp_state *state) __attribute__((noreturn));

/* --- pages.c: lists of pages -------------------------------------------- */

/* Adds what @text lists. */
void arg_pages(const struct argp_state *state, const char *text, struct page_list *list);

/* --- device.c: the device, and what goes wrong with it ------------------ */

/* How to open a device with these flags, and to keep what the library says. */
struct nvbar_open_opts cli_opts(struct cli *cli, uint32_t flags);

/* The device string in force: that of -d, of the environment, or else the default. */
const char *cli_choose_device(struct cli *cli);

/**
 * cli_open - open the device; the reason it failed is on stderr then
 * @cli: the run
 * @flags: NVBAR_OPEN_*
 *
 * Return: EXIT_SUCCESS or EXIT_FAILURE.
 */
int cli_open(struct cli *cli, uint32_t flags);
/* The same for a command that can't do without BAR1. */
int cli_open_bar1(struct cli *cli, const char *command);
/* The same, and maps what --map asks for. */
int cli_open_mapped(struct cli *cli, const char *command);
void cli_close(struct cli *cli);
/* The library's counters, zeroes if it gives none. */
struct nvbar_stats cli_stats(struct cli *cli);
/* Begin anew with remembering what the library says: the last failure was dealt with. */
void cli_forget(struct cli *cli);
/* What the library said of @err, without the words that an error line begins with */
const char *cli_reason(const struct cli *cli, int err);

/**
 * cli_fail - one line on stderr: device, request, reason
 * @cli: the run
 * @err: what the library returned; its own last error line says more and is
 *	preferred
 * @fmt: the request
 *
 * Return: EXIT_FAILURE.
 */
int cli_fail(const struct cli *cli, int err, const char *fmt, ...) PRINTF(3, 4);

/**
 * cli_refuse - one line on stderr, for a reason of our own
 * @cli: the run
 * @fmt: request and reason
 *
 * Return: EXIT_FAILURE.
 */
int cli_refuse(const struct cli *cli, const char *fmt, ...) PRINTF(2, 3);

/* One line on stderr beside what the command does. */
void cli_note(const struct cli *cli, const char *fmt, ...) PRINTF(2, 3);

/* The same if standard input is a terminal: @command waits there for @what. */
void cli_note_typing(const struct cli *cli, const char *command, const char *what);

/* --- stdio.c: the standard streams -------------------------------------- */

void stdio_init(void);
/* SIGHUP, SIGINT or SIGTERM has come: stop at the next good point.  The exit dies of it. */
bool interrupted(void);
/* Why reading or writing a file failed with -errno, in words */
const char *io_error(int err);
/* Writing to it failed with @err: is that since nobody reads it?  Then the exit dies of SIGPIPE. */
bool stdout_left(int err);
/* Up to @len bytes, less only at the end.  Return: how many, or -errno. */
ssize_t read_full(int fd, void *buf, size_t len);
/* Return: 0 or -errno. */
int write_full(int fd, const void *buf, size_t len);
/* What is printed is written.  Return: 0 or -errno. */
int stdout_flush(void);
/* The run has failed and said so: no second line about standard output at exit. */
void stdout_forgive(void);
/* A whole file, or standard input for "-".  Return: 0 or -errno. */
int read_file(const char *path, char **text, size_t *len);

/* --- format.c: text and JSON for people and programs -------------------- */

/* 4096 is "4K", 4097 is "4097".  Overwrites its result at every eighth call. */
const char *size_text(uint64_t bytes);
/* 4096 is "4K", 4097 is "4K", 4608 is "4.5K": three decimals; likewise. */
const char *size_about(uint64_t bytes);
/* A set of page sizes, bit n for 1 << n, as "4K 2M"; likewise. */
const char *page_sizes_text(uint64_t set);
void json_add_page_sizes(struct json_object *obj, const char *key, uint64_t set);

const char *entry_kind_name(unsigned int kind);
const char *space_name(unsigned int space);

/* An object with the device's name, if it has one */
struct json_object *json_new(const struct cli *cli);
/* Prints the object and ends it; or a line on stderr.  Return: the exit status. */
int cli_print_json(const struct cli *cli, struct json_object *obj);
/* Room for the "key=value" words of an entry */
#define ENTRY_WORDS	256
/* Such words as an object */
struct json_object *json_words(const char *words);
/* kind, raw words and fields of an entry */
void json_add_entry(struct json_object *obj, unsigned int version, unsigned int kind,
		    const uint64_t raw[2]);
/* the raw words and fields of an entry, without a newline */
void entry_print(FILE *out, unsigned int version, unsigned int kind, const uint64_t raw[2]);

void walk_print(FILE *out, const char *indent, const struct nvbar_walk *walk);
void walk_print_brief(FILE *out, const struct nvbar_walk *walk);
struct json_object *walk_json(const struct nvbar_walk *walk, bool levels);

/* --- hexdump.c ---------------------------------------------------------- */

/** struct hexdump - a dump in the making; begins as zeroes */
struct hexdump {
	uint64_t next;
	unsigned char last[16];
	bool have_last, squeezed;
};

/* Rows end at multiples of 16; calls must end there too, but for the last. */
void hexdump(struct hexdump *h, uint64_t addr, const void *buf, size_t len);
void hexdump_end(const struct hexdump *h);

/* --- progress.c --------------------------------------------------------- */

/** struct progress - a bar on stderr for what takes longer than a second */
struct progress {
	const char *what;
	uint64_t total;
	bool enabled;
	uint64_t start_ms, last_ms;
};

/* @total: bytes, 0 when nobody knows. */
void progress_begin(struct progress *p, const char *what, uint64_t total);
void progress_update(struct progress *p, uint64_t done);
/* Before anything else is said; the next update shows it again. */
void progress_hide(void);
void progress_end(struct progress *p);

/* --- scatter.c: pages that do not lie side by side ---------------------- */

#define SCATTER_MAX	16

/** struct scatter - pages of VRAM, no two neighbours, highest address first */
struct scatter {
	size_t nr;
	struct nvbar_vram *vram[SCATTER_MAX];
	uint64_t pfn[SCATTER_MAX];
};

/* Return: 0, or -errno and nothing allocated. */
int scatter_alloc(struct nvbar *gpu, size_t nr, struct scatter *s);
void scatter_free(struct scatter *s);

/* --- transfer.c: VRAM in and out ---------------------------------------- */

/** TRANSFER_CHUNK - bytes moved at a time, and the largest window mapped for it */
#define TRANSFER_CHUNK	(UINT64_C(16) << 20)

enum transfer_way { TRANSFER_ANY, TRANSFER_BAR1, TRANSFER_PRAMIN };
enum transfer_op { TRANSFER_READ, TRANSFER_WRITE, TRANSFER_FILL, TRANSFER_MEMTEST };

/**
 * struct transfer - one command's way to VRAM
 * @cli: the run
 * @op: what is done
 * @way: which way it goes; TRANSFER_ANY until the device is open
 * @detour: it is not the usual way, which is still to be said
 * @pages: address these pages in their order, not VRAM; none if .nr is 0
 * @access: the mapping of @pages, through BAR1
 * @window: largest range mapped at a time
 * @done: bytes moved
 * @progress: how far it is
 */
struct transfer {
	struct cli *cli;
	enum transfer_op op;
	enum transfer_way way;
	bool detour;
	struct page_list pages;
	struct nvbar_access *access;
	uint64_t window;
	uint64_t done;
	struct progress progress;
};

/* --via, and --via and --pages, beside the options of each command; input is struct transfer. */
extern const struct argp_child transfer_options[], transfer_pages_options[];

/*
 * The steps of a command; each prints why it failed.
 * Return: EXIT_SUCCESS or EXIT_FAILURE.
 */
/* Opens the device, finds the way and maps the pages. */
int transfer_begin(struct transfer *t);
/* Refuses what can't work, before anything is done. */
int transfer_check(struct transfer *t, uint64_t addr, uint64_t len);
/* @buf: the data; for TRANSFER_FILL the pattern. */
int transfer_run(struct transfer *t, uint64_t addr, void *buf, uint64_t len);
/* Always; @status: how it went so far. */
int transfer_end(struct transfer *t, int status);

/* With --json, what was done.  Return: the exit status. */
int transfer_report(const struct transfer *t);

/* Bytes that can be addressed. */
uint64_t transfer_limit(const struct transfer *t);
/* Bytes from @addr to move at once, of @len. */
uint64_t transfer_step(uint64_t addr, uint64_t len);
/* "read 0x1000+0x10 after 16 bytes"; overwritten by the next call. */
const char *transfer_request(const struct transfer *t, uint64_t addr, uint64_t len);

#endif
