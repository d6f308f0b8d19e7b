/* SPDX-License-Identifier: MIT */
/*
 * Messages that no honest client sends.  Each must end its connection with a
 * line that says why, and leave the device to the next client.
 */
#include "../fds.h"
#include "client.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define ANY_SIZE	0xffffffff	/* the payload's, as it should be */
#define MULTI		2

/* A payload of 32-bit words in place */
#define WORDS(...)	.payload = (const uint32_t[]) { __VA_ARGS__ }, \
			.len = sizeof((const uint32_t[]) { __VA_ARGS__ })
/* Version 0.0 and text; its NUL is included. */
#define TEXT(text)	.payload = "\0\0\0\0" text, .len = 4 + sizeof(text)

/**
 * struct lie - a message
 * @name: what is wrong with it
 * @fresh: 1: it is the first message of its connection; MULTI: after a version that
 *	agrees on several writes in a message; 0: after another version
 * @command: of the header
 * @flags: of the header
 * @size: of the header, or ANY_SIZE
 * @payload: @len bytes
 * @sent: bytes of the whole message that are sent before the client leaves; 0: all
 * @nr_fds: descriptors with it
 * @why: part of the line
 */
struct lie {
	const char *name;
	int fresh;
	unsigned int command;
	uint32_t flags;
	uint32_t size;
	const void *payload;
	size_t len;
	size_t sent;
	size_t nr_fds;
	const char *why;
};

static const uint8_t zeroes[8192];

static const struct lie lies[] = {
	/* Headers */
	{ "a reply", 0, DEVICE_INFO, 1, ANY_SIZE, WORDS(16, 0, 0, 0), 0, 0, "type 1" },
	{ "type 2", 0, DEVICE_INFO, 2, ANY_SIZE, WORDS(16, 0, 0, 0), 0, 0, "type 2" },
	{ "type 15", 0, DEVICE_INFO, 15, ANY_SIZE, WORDS(16, 0, 0, 0), 0, 0, "type 15" },
	{ "an error that is a command", 0, DEVICE_INFO, 0x20, ANY_SIZE, WORDS(16, 0, 0, 0), 0, 0,
	  "flags 0x20" },
	{ "a flag that nobody knows", 0, DEVICE_INFO, 0x40, ANY_SIZE, WORDS(16, 0, 0, 0), 0, 0,
	  "flags 0x40" },
	{ "the highest flag", 0, DEVICE_INFO, 0x80000000, ANY_SIZE, WORDS(16, 0, 0, 0), 0, 0,
	  "flags 0x80000000" },
	{ "size 0", 0, DEVICE_RESET, 0, 0, NULL, 0, 0, 0, "DEVICE_RESET of 0 bytes" },
	{ "a size below the header's", 0, DEVICE_RESET, 0, 15, NULL, 0, 0, 0, "of 15 bytes" },
	{ "the largest size", 0, REGION_WRITE, 0, 0xffffffff - 1, WORDS(0, 0, CONFIG, 4, 0), 0, 0,
	  "of 4294967294 bytes" },
	{ "a size one above the largest write's", 0, REGION_WRITE, 0, 32 + (1 << 20) + 1,
	  WORDS(0, 0, CONFIG, 4, 0), 0, 0, "of 1048609 bytes" },
	{ "an unknown command beyond all sizes", 0, 99, 0, 0x7fffffff, NULL, 0, 0, 0,
	  "command of 2147483647 bytes" },
	{ "part of a header", 0, DEVICE_RESET, 0, ANY_SIZE, NULL, 0, 7, 0, "7 bytes of a header" },
	{ "a header without its payload", 0, DEVICE_INFO, 0, ANY_SIZE, WORDS(16, 0, 0, 0), 16, 0,
	  "0 bytes of DEVICE_GET_INFO" },
	{ "part of a payload", 0, REGION_WRITE, 0, ANY_SIZE, WORDS(0, 0, CONFIG, 4, 0), 30, 0,
	  "14 bytes of REGION_WRITE" },

	/* Versions */
	{ "no version first", 1, DEVICE_INFO, 0, ANY_SIZE, WORDS(16, 0, 0, 0), 0, 0,
	  "before a version" },
	{ "a reset before the version", 1, DEVICE_RESET, 0, ANY_SIZE, NULL, 0, 0, 0,
	  "before a version" },
	{ "an unknown command before the version", 1, 77, 0, ANY_SIZE, NULL, 0, 0, 0,
	  "before a version" },
	{ "a second version", 0, VERSION, 0, ANY_SIZE, WORDS(0), 0, 0, "second version" },
	{ "another major version", 1, VERSION, 0, ANY_SIZE, WORDS(1), 0, 0, "major version 1" },
	{ "a version without numbers", 1, VERSION, 0, ANY_SIZE, NULL, 0, 0, 0,
	  "VERSION of 16 bytes" },
	{ "half a version", 1, VERSION, 0, ANY_SIZE, "\0", 2, 0, 0, "VERSION of 18 bytes" },
	{ "a version that wants no reply", 1, VERSION, NO_REPLY, ANY_SIZE, WORDS(0), 0, 0,
	  "no reply" },
	{ "too much version data", 1, VERSION, 0, ANY_SIZE, zeroes, sizeof(zeroes), 0, 0,
	  "VERSION of 8208 bytes" },
	{ "version data without a NUL", 1, VERSION, 0, ANY_SIZE, "\0\0\0\0{}", 6, 0, 0,
	  "not one string" },
	{ "version data with a NUL inside", 1, VERSION, 0, ANY_SIZE, TEXT("{}\0{}"), 0, 0,
	  "not one string" },
	{ "empty version data", 1, VERSION, 0, ANY_SIZE, TEXT(""), 0, 0, "no JSON" },
	{ "version data that is no JSON", 1, VERSION, 0, ANY_SIZE, TEXT("version"), 0, 0,
	  "no JSON" },
	{ "JSON that does not end", 1, VERSION, 0, ANY_SIZE, TEXT("{\"capabilities\":{"), 0, 0,
	  "no JSON" },
	{ "JSON with something behind it", 1, VERSION, 0, ANY_SIZE, TEXT("{}}"), 0, 0, "no JSON" },
	{ "JSON of great depth", 1, VERSION, 0, ANY_SIZE,
	  TEXT("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["), 0, 0, "no JSON" },
	{ "JSON that is an array", 1, VERSION, 0, ANY_SIZE, TEXT("[]"), 0, 0, "no JSON object" },
	{ "JSON that is null", 1, VERSION, 0, ANY_SIZE, TEXT("null"), 0, 0, "no JSON object" },
	{ "capabilities that are a number", 1, VERSION, 0, ANY_SIZE, TEXT("{\"capabilities\":1}"),
	  0, 0, "capabilities are no" },
	{ "capabilities that are null", 1, VERSION, 0, ANY_SIZE, TEXT("{\"capabilities\":null}"),
	  0, 0, "capabilities are no" },
	{ "descriptors that are text", 1, VERSION, 0, ANY_SIZE,
	  TEXT("{\"capabilities\":{\"max_msg_fds\":\"8\"}}"), 0, 0, "max_msg_fds is no number" },
	{ "a transfer size below 0", 1, VERSION, 0, ANY_SIZE,
	  TEXT("{\"capabilities\":{\"max_data_xfer_size\":-1}}"), 0, 0,
	  "max_data_xfer_size is no number" },
	{ "writes in one message that are a number", 1, VERSION, 0, ANY_SIZE,
	  TEXT("{\"capabilities\":{\"write_multiple\":1}}"), 0, 0,
	  "write_multiple is no boolean" },
	{ "page sizes that are an object", 1, VERSION, 0, ANY_SIZE,
	  TEXT("{\"capabilities\":{\"pgsizes\":{}}}"), 0, 0, "pgsizes is no number" },

	/* Descriptors */
	{ "more descriptors than agreed on", 0, SET_IRQS, 0, ANY_SIZE, WORDS(20, 0x24, 1, 0, 9), 0,
	  9, "more than 8 descriptors" },
	{ "many more", 0, DEVICE_RESET, 0, ANY_SIZE, NULL, 0, 0, 60, "more than 8 descriptors" },

	/* DMA */
	{ "a short DMA_MAP", 0, DMA_MAP, 0, ANY_SIZE, WORDS(32, 3, 0, 0, 0, 0, 4096), 0, 0,
	  "DMA_MAP of 44 bytes" },
	{ "a long DMA_MAP", 0, DMA_MAP, 0, ANY_SIZE, WORDS(32, 3, 0, 0, 0, 0, 4096, 0, 0), 0, 0,
	  "DMA_MAP of 52 bytes" },
	{ "a DMA_MAP with another argsz", 0, DMA_MAP, 0, ANY_SIZE,
	  WORDS(31, 3, 0, 0, 0, 0, 4096, 0), 0, 0, "argsz 31" },
	{ "a DMA window that wraps around", 0, DMA_MAP, 0, ANY_SIZE,
	  WORDS(32, 3, 0, 0, 0xfffff000, 0xffffffff, 8192, 0), 0, 0, "end of addresses" },
	{ "a DMA window past the end of files", 0, DMA_MAP, 0, ANY_SIZE,
	  WORDS(32, 3, 0xfffff000, 0xffffffff, 0, 0, 4096, 0), 0, 0, "end of files" },
	{ "a short DMA_UNMAP", 0, DMA_UNMAP, 0, ANY_SIZE, WORDS(24, 0, 0, 0, 4096), 0, 0,
	  "DMA_UNMAP of 36 bytes" },
	{ "a DMA_UNMAP with no room for its reply", 0, DMA_UNMAP, 0, ANY_SIZE,
	  WORDS(23, 0, 0, 0, 4096, 0), 0, 0, "argsz 23" },
	{ "a DMA_UNMAP that wraps around", 0, DMA_UNMAP, 0, ANY_SIZE,
	  WORDS(24, 0, 0xfffff000, 0xffffffff, 8192, 0), 0, 0, "end of addresses" },

	/* Questions */
	{ "a short question", 0, DEVICE_INFO, 0, ANY_SIZE, WORDS(16, 0, 0), 0, 0,
	  "DEVICE_GET_INFO of 28 bytes" },
	{ "a question with no room for the answer", 0, DEVICE_INFO, 0, ANY_SIZE,
	  WORDS(15, 0, 0, 0), 0, 0, "argsz 15" },
	{ "a region's question with no room", 0, REGION_INFO, 0, ANY_SIZE,
	  WORDS(31, 0, 0, 0, 0, 0, 0, 0), 0, 0, "argsz 31" },
	{ "a short question about a region", 0, REGION_INFO, 0, ANY_SIZE, WORDS(32, 0, 0, 0), 0, 0,
	  "DEVICE_GET_REGION_INFO of 32 bytes" },
	{ "an interrupt's question with no room", 0, IRQ_INFO, 0, ANY_SIZE, WORDS(0, 0, 0, 0), 0, 0,
	  "argsz 0" },
	{ "a question longer than any message", 0, IRQ_INFO, 0, 32 + (1 << 20) + 1,
	  WORDS(16, 0, 0, 0), 0, 0, "DEVICE_GET_IRQ_INFO of 1048609 bytes" },

	/* Interrupts */
	{ "interrupts in less than their struct", 0, SET_IRQS, 0, ANY_SIZE, WORDS(16, 0x21, 1, 0),
	  0, 0, "DEVICE_SET_IRQS of 32 bytes" },
	{ "interrupts with another argsz", 0, SET_IRQS, 0, ANY_SIZE, WORDS(24, 0x21, 1, 0, 1), 0, 0,
	  "argsz 24 in 20 bytes" },
	{ "fewer booleans than interrupts", 0, SET_IRQS, 0, ANY_SIZE, WORDS(24, 0x22, 1, 0, 5, 0),
	  0, 0, "4 bytes for 5 interrupts" },
	{ "booleans for all interrupts there can be", 0, SET_IRQS, 0, ANY_SIZE,
	  WORDS(20, 0x22, 1, 0, 0xffffffff), 0, 0, "0 bytes for 4294967295 interrupts" },
	{ "data where there is none", 0, SET_IRQS, 0, ANY_SIZE, WORDS(24, 0x21, 1, 0, 4, 0), 0, 0,
	  "4 bytes for 4 interrupts" },
	{ "interrupts past the last number", 0, SET_IRQS, 0, ANY_SIZE,
	  WORDS(20, 0x24, 1, 0xffffffff, 2), 0, 0, "past the last number" },
	{ "more descriptors than interrupts", 0, SET_IRQS, 0, ANY_SIZE, WORDS(20, 0x24, 1, 0, 1), 0,
	  2, "2 descriptors for 1 interrupts" },
	{ "fewer descriptors than interrupts", 0, SET_IRQS, 0, ANY_SIZE, WORDS(20, 0x24, 1, 0, 3),
	  0, 2, "2 descriptors for 3 interrupts" },

	/* Regions */
	{ "a read with data", 0, REGION_READ, 0, ANY_SIZE, WORDS(0, 0, CONFIG, 4, 0), 0, 0,
	  "REGION_READ of 36 bytes" },
	{ "a read of more than agreed on", 0, REGION_READ, 0, ANY_SIZE,
	  WORDS(0, 0, 1, (1 << 20) + 1), 0, 0, "at most 1048576" },
	{ "a read of all there can be", 0, REGION_READ, 0, ANY_SIZE, WORDS(0, 0, 1, 0xffffffff), 0,
	  0, "at most 1048576" },
	{ "a read past the end of offsets", 0, REGION_READ, 0, ANY_SIZE,
	  WORDS(0xffffffff, 0xffffffff, 1, 4), 0, 0, "end of offsets" },
	{ "a write without a struct", 0, REGION_WRITE, 0, ANY_SIZE, WORDS(0, 0, 1), 0, 0,
	  "REGION_WRITE of 28 bytes" },
	{ "a write with less data than it says", 0, REGION_WRITE, 0, ANY_SIZE,
	  WORDS(0, 0, CONFIG, 8, 0), 0, 0, "write of 8 bytes with 4" },
	{ "a write with more data than it says", 0, REGION_WRITE, 0, ANY_SIZE,
	  WORDS(0, 0, CONFIG, 3, 0), 0, 0, "write of 3 bytes with 4" },
	{ "a write without data", 0, REGION_WRITE, 0, ANY_SIZE, WORDS(0, 0, CONFIG, 4), 0, 0,
	  "write of 4 bytes with 0" },
	{ "a write to no region with less data than it says", 0, REGION_WRITE, 0, ANY_SIZE,
	  WORDS(0, 0, 1000, 8, 0), 0, 0, "write of 8 bytes with 4" },
	{ "a write of more than agreed on", 0, REGION_WRITE, 0, ANY_SIZE,
	  WORDS(0, 0, 1, 0x80000000, 0), 0, 0, "at most 1048576" },
	{ "a posted write past the end of offsets", 0, REGION_WRITE, NO_REPLY, ANY_SIZE,
	  WORDS(0xfffffffd, 0xffffffff, 1, 4, 0), 0, 0, "end of offsets" },
	{ "several writes without their number", MULTI, WRITE_MULTI, 0, ANY_SIZE, WORDS(0), 0, 0,
	  "REGION_WRITE_MULTI of 20 bytes" },
	{ "fewer writes than it says", MULTI, WRITE_MULTI, 0, ANY_SIZE,
	  WORDS(2, 0, 0, 0, CONFIG, 4, 0, 0), 0, 0, "2 writes in 32 bytes" },
	{ "more writes than it says", MULTI, WRITE_MULTI, NO_REPLY, ANY_SIZE,
	  WORDS(0, 0, 0, 0, CONFIG, 4, 0, 0), 0, 0, "0 writes in 32 bytes" },
	{ "as many writes as make their size wrap around", MULTI, WRITE_MULTI, 0, ANY_SIZE,
	  WORDS(1, 0x20000000, 0, 0, CONFIG, 4, 0, 0), 0, 0, "writes in 32 bytes" },
	{ "part of a write", MULTI, WRITE_MULTI, 0, ANY_SIZE, WORDS(1, 0, 0, 0, CONFIG, 4, 0), 0, 0,
	  "1 writes in 28 bytes" },
	{ "a small write that is none", MULTI, WRITE_MULTI, 0, ANY_SIZE,
	  WORDS(1, 0, 0, 0, CONFIG, 9, 0, 0), 0, 0, "small write of 9 bytes" },
	{ "a small write past the end of offsets", MULTI, WRITE_MULTI, 0, ANY_SIZE,
	  WORDS(1, 0, 0xfffffffd, 0xffffffff, 1, 4, 0, 0), 0, 0, "end of offsets" },
	{ "a reset with a payload", 0, DEVICE_RESET, 0, ANY_SIZE, WORDS(0), 0, 0,
	  "DEVICE_RESET of 20 bytes" },
};

#define NR_LIES	(sizeof(lies) / sizeof(lies[0]))

_Static_assert(NR_LIES >= 50, "as many as promised");

static void tell(struct server *s, const struct lie *lie)
{
	struct head h = { 7, (uint16_t)lie->command, (uint32_t)(sizeof(h) + lie->len), lie->flags,
			  0 };
	char msg[sizeof(h) + sizeof(zeroes)];
	size_t len = sizeof(h) + lie->len;
	int fds[64];
	size_t i;

	if (lie->size != ANY_SIZE)
		h.size = lie->size;
	memcpy(msg, &h, sizeof(h));
	if (lie->len)
		memcpy(msg + sizeof(h), lie->payload, lie->len);
	for (i = 0; i < lie->nr_fds; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC);
	/* The server may hang up in the middle. */
	send_raw(s, msg, lie->sent ? lie->sent : len, fds, lie->nr_fds);
	for (i = 0; i < lie->nr_fds; i++)
		close(fds[i]);
}

static void agree_on_multiple(struct server *s)
{
	static const char version[] = "\0\0\0\0{\"capabilities\":{\"write_multiple\":true}}";
	char reply[256];
	struct head h;

	assert_true(send_command(s, VERSION, 0, version, sizeof(version), NULL, 0));
	assert_true(receive_message(s, &h, reply, sizeof(reply)) > 4);
}

static void every_lie_ends_the_connection_with_a_reason(void **state)
{
	struct sim_config cfg = { .vram_size = MIB(64), .bar1_size = MIB(64) };
	struct server s;
	unsigned int fds;
	char rest[64];
	struct head h;
	size_t i;

	(void)state;
	server_power_on(&s, &cfg);
	fds = open_fds();
	for (i = 0; i < NR_LIES; i++) {
		server_connect(&s, !lies[i].fresh);
		if (lies[i].fresh == MULTI)
			agree_on_multiple(&s);
		tell(&s, &lies[i]);
		/* Who leaves in the middle hears no more; all others are hung up on, without a reply. */
		if (!lies[i].sent && receive_message(&s, &h, rest, sizeof(rest)) != -1)
			fail_msg("%s: there is a reply", lies[i].name);
		server_leave(&s);
		if (s.end != SERVE_LIED || !strstr(s.why, lies[i].why) || strchr(s.why, '\n'))
			fail_msg("%s: ended with %d, \"%s\"", lies[i].name, s.end, s.why);
		assert_int_equal(open_fds(), fds);

		/* Nothing of it is left for the next one. */
		server_connect(&s, true);
		assert_int_equal(read32(&s, CONFIG, 0), 0x220410de);
		server_leave(&s);
		assert_int_equal(s.end, SERVE_LEFT);
	}
	server_power_off(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_lie_ends_the_connection_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
