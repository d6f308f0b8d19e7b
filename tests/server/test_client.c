/* SPDX-License-Identifier: MIT */
/*
 * vfio-user: devices against servers that go away or break the protocol.  A
 * proxy hands messages on between the library and a server that is right, and
 * spoils one reply.
 */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <nvbar/nvbar.h>

#define ROOM	((1 << 20) + 64)
#define NEVER	~0u

enum spoil {
	HANG_UP,
	OTHER_ID,
	OTHER_COMMAND,
	NO_REPLY_AT_ALL,
	TOO_SMALL,
	TOO_LARGE,
	HUGE,
	ERROR_WITH_PAYLOAD,
	NR_SPOILS,
};

/**
 * struct proxy - between library and server
 * @server: the server
 * @listener: where the library connects to
 * @dir: a directory of our own
 * @device: device string
 * @thread: of the proxy
 * @at: number of the reply to spoil
 * @how: how
 * @odd_bar1: BAR1 is told to have a byte more
 * @always: what writes that want no reply get all the same
 * @replies: handed on
 * @messages: from the library, handed on
 * @writes: of these, to a region
 * @pramin: the last of its writes to PRAMIN of 4 bytes
 * @entries: pairs of them that made an entry valid, upper half first ...
 * @cleared: ... or invalid, lower half first ...
 * @torn: ... and others
 */
struct proxy {
	struct server server;
	int listener;
	char dir[64];
	char device[128];
	pthread_t thread;
	unsigned int at;
	enum spoil how;
	bool odd_bar1;
	enum { NO_MORE, ALWAYS, ALWAYS_AN_ERROR, ALWAYS_TOO_LONG, ALWAYS_TO_ANOTHER } always;
	unsigned int replies;
	unsigned int messages;
	unsigned int writes;
	struct half {
		uint64_t off;
		uint32_t val;
		bool first;
	} pramin;
	unsigned int entries, cleared, torn;
};

static bool take(int sock, void *buf, size_t len)
{
	return !len || recv(sock, buf, len, MSG_WAITALL) == (ssize_t)len;
}

static bool pass(int sock, const void *buf, size_t len)
{
	return send(sock, buf, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void spoil(struct head *h, enum spoil how)
{
	switch (how) {
	case OTHER_ID:
		h->id++;
		break;
	case OTHER_COMMAND:
		h->command++;
		break;
	case NO_REPLY_AT_ALL:
		h->flags = 0;
		break;
	case TOO_SMALL:
		h->size = 15;
		break;
	case TOO_LARGE:
		h->size += 5000;
		break;
	case HUGE:
		h->size = 0xffffffff;
		break;
	case ERROR_WITH_PAYLOAD:
		h->flags = 0x21;
		h->error = EIO;
		break;
	case HANG_UP:
	case NR_SPOILS:
		break;
	}
}

/* What some servers reply to a posted write.  Return: whether to go on. */
static bool reply_all_the_same(struct proxy *p, int client, const struct head *h, const char *msg)
{
	struct head reply = { h->id, h->command, sizeof(reply) + 16, 1, 0 };
	static const char more[8];

	if (p->always == NO_MORE || h->command != REGION_WRITE)
		return true;
	if (p->always == ALWAYS_AN_ERROR)
		reply = (struct head) { h->id, h->command, sizeof(reply), 0x21, EIO };
	if (p->always == ALWAYS_TOO_LONG)
		reply.size += sizeof(more);
	if (p->always == ALWAYS_TO_ANOTHER)
		reply.id += 30000;
	return pass(client, &reply, sizeof(reply)) &&
	       (p->always == ALWAYS_AN_ERROR || pass(client, msg, 16)) &&
	       (p->always != ALWAYS_TOO_LONG || pass(client, more, sizeof(more)));
}

/* Of struct vfio_user_region_access: offset, region, count; data */
static void look_at_write(struct proxy *p, const char *msg)
{
	struct half now = { .first = !p->pramin.first };
	uint32_t region, count;

	memcpy(&now.off, msg, 8);
	memcpy(&region, msg + 8, 4);
	memcpy(&count, msg + 12, 4);
	memcpy(&now.val, msg + 16, 4);
	if (region || count != 4 || now.off - 0x700000 >= 0x100000)
		return;
	if (!now.first && now.off + 4 == p->pramin.off && now.val & 7)
		p->entries++;
	else if (!now.first && now.off == p->pramin.off + 4 && !(p->pramin.val & 7))
		p->cleared++;
	else if (!now.first)
		p->torn++;
	p->pramin = now;
}

/* Return: whether to go on. */
static bool hand_on(struct proxy *p, int client, char *msg)
{
	struct head h;

	if (!take(client, &h, sizeof(h)) || h.size > ROOM ||
	    !take(client, msg, h.size - sizeof(h)) || !pass(p->server.sock, &h, sizeof(h)) ||
	    !pass(p->server.sock, msg, h.size - sizeof(h)))
		return false;
	p->messages++;
	if (h.command == REGION_WRITE) {
		p->writes++;
		look_at_write(p, msg);
	}
	if (h.flags & NO_REPLY)
		return reply_all_the_same(p, client, &h, msg);
	if (!take(p->server.sock, &h, sizeof(h)) || !take(p->server.sock, msg, h.size - sizeof(h)))
		return false;
	/* Of struct vfio_user_region_info: index, and size */
	if (p->odd_bar1 && h.command == REGION_INFO && msg[8] == 1)
		msg[16] |= 1;
	if (p->replies++ == p->at) {
		size_t len = h.size - sizeof(h);

		spoil(&h, p->how);
		if (p->how != HANG_UP && pass(client, &h, sizeof(h)))
			pass(client, msg, len);
		return false;
	}
	return pass(client, &h, sizeof(h)) && pass(client, msg, h.size - sizeof(h));
}

static void *hand_all_on(void *arg)
{
	struct proxy *p = arg;
	char *msg = malloc(ROOM);
	int client = accept(p->listener, NULL, NULL);

	while (hand_on(p, client, msg))
		;
	close(client);
	free(msg);
	return NULL;
}

static void begin(struct proxy *p, const struct sim_config *cfg)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	server_power_on(&p->server, cfg);
	strcpy(p->dir, "/tmp/nvbar-test-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", p->dir);
	snprintf(p->device, sizeof(p->device), "vfio-user:%s", address.sun_path);
	p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(p->listener, 1), 0);
}

static void finish(struct proxy *p)
{
	char path[96];

	server_power_off(&p->server);
	close(p->listener);
	snprintf(path, sizeof(path), "%s/s", p->dir);
	unlink(path);
	assert_int_equal(rmdir(p->dir), 0);
}

static void start(struct proxy *p, unsigned int at, enum spoil how)
{
	p->at = at;
	p->how = how;
	p->replies = 0;
	server_connect(&p->server, false);
	assert_int_equal(pthread_create(&p->thread, NULL, hand_all_on, p), 0);
}

static void stop(struct proxy *p)
{
	assert_int_equal(pthread_join(p->thread, NULL), 0);
	server_leave(&p->server);
	assert_int_equal(p->server.end, SERVE_LEFT);
}

/* --- tests --- */

static void a_gpu_works_and_is_left_as_it_was(void **state)
{
	struct sim_config cfg = { .chip = "gh100", .vram_size = MIB(256) };
	struct nvbar_info info = { .size = sizeof(info) };
	const struct nvbar_extent ext = { MIB(3), 3 << 20 };
	struct nvbar_access *a;
	uint8_t *out = malloc(3 << 20), *in = malloc(3 << 20);
	struct nvbar *gpu;
	struct proxy p = { 0 };
	void *ptr;
	size_t i;

	(void)state;
	assert_true(out && in);
	for (i = 0; i < 3 << 20; i++)
		out[i] = (uint8_t)(i * 7 + i / 4096);
	begin(&p, &cfg);
	start(&p, NEVER, 0);
	assert_int_equal(nvbar_open(&gpu, p.device, NULL), 0);
	assert_int_equal(nvbar_get_info(gpu, &info), 0);
	assert_string_equal(info.device, p.device);
	assert_string_equal(info.chip, "GH100");
	assert_int_equal(info.bar1_size, MIB(256));
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	assert_int_equal(nvbar_mmap(a, &ptr), -EOPNOTSUPP);
	p.replies = 0;
	assert_int_equal(nvbar_write(a, 0, out, 3 << 20), 0);
	assert_int_equal(nvbar_read(a, 0, in, 3 << 20), 0);
	/* The largest messages there are, and what else it takes to be sure */
	assert_in_range(p.replies, 3, 10);
	assert_memory_equal(in, out, 3 << 20);
	assert_true(sim_vram_peek(p.server.gpu, ext.pa, in, ext.len));
	assert_memory_equal(in, out, 3 << 20);
	nvbar_close(gpu);
	stop(&p);
	assert_int_equal(device_errors(&p.server.dev), 0);
	server_connect(&p.server, true);
	assert_int_equal(read16(&p.server, CONFIG, 4), 0);
	finish(&p);
	free(out);
	free(in);
}

/* --- what is counted --------------------------------------------------------- */

/* Of 8 bytes at most, whatever a message has */
static void writes_count_by_access_and_not_by_message(void **state)
{
	struct sim_config cfg = { .chip = "ga102", .vram_size = MIB(256) };
	const struct nvbar_extent ext = { 0, MIB(1) };
	struct nvbar_stats stats = { .size = sizeof(stats) };
	static uint8_t block[4096];
	struct nvbar_access *a;
	struct proxy p = { 0 };
	uint64_t before;
	struct nvbar *gpu;

	(void)state;
	begin(&p, &cfg);
	start(&p, NEVER, 0);
	assert_int_equal(nvbar_open(&gpu, p.device, NULL), 0);
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	assert_int_equal(nvbar_get_stats(gpu, &stats), 0);
	/* The entry that links the new tables is in the root, and goes by its halves. */
	assert_int_equal(stats.bus_transactions, stats.bus_writes + 1);
	before = stats.bus_transactions;
	assert_int_equal(nvbar_write32(a, 4, 1), 0);
	assert_int_equal(nvbar_write(a, 0, block, 4096), 0);
	assert_int_equal(nvbar_fill(a, 4, 7, 8192), 0);
	assert_int_equal(nvbar_get_stats(gpu, &stats), 0);
	assert_int_equal(stats.bus_transactions - before, 1 + 512 + 1025);
	nvbar_close(gpu);
	stop(&p);
	finish(&p);
}

/* --- how many messages things take ------------------------------------------ */

/* Messages so far; a question and its answer see to it that all of them have come by. */
static unsigned int messages(struct proxy *p, struct nvbar *gpu)
{
	struct nvbar_info info = { .size = sizeof(info) };

	assert_int_equal(nvbar_get_info(gpu, &info), 0);
	return p->messages;
}

/* How many have come since then, but for the question */
static unsigned int messages_since(struct proxy *p, struct nvbar *gpu, unsigned int before)
{
	/* The binding is two registers on some chips. */
	unsigned int asked = messages(p, gpu), again = messages(p, gpu);

	return asked - before - (again - asked);
}

static uint64_t bus_accesses(struct nvbar *gpu)
{
	struct nvbar_stats stats = { .size = sizeof(stats) };

	assert_int_equal(nvbar_get_stats(gpu, &stats), 0);
	return stats.bus_reads + stats.bus_writes;
}

#define NR_SCATTERED	512

static struct nvbar_access *map_scattered(struct nvbar *gpu)
{
	struct nvbar_access *a;
	uint64_t pfns[NR_SCATTERED];
	size_t i;

	for (i = 0; i < NR_SCATTERED; i++)
		pfns[i] = 2 * (NR_SCATTERED - i);
	assert_int_equal(nvbar_map_pages(gpu, pfns, NR_SCATTERED, 0, &a), 0);
	return a;
}

static void mapping_takes_no_more_messages_than_bus_accesses(void **state)
{
	struct nvbar_access *a;
	unsigned int i, before, cold, warm, unmap;
	uint64_t accesses;
	struct nvbar *gpu;
	struct proxy p = { 0 };

	(void)state;
	for (i = 0; i < 7; i++) {
		struct sim_config cfg = { .chip = server_chips[i], .vram_size = MIB(256) };

		begin(&p, &cfg);
		start(&p, NEVER, 0);
		assert_int_equal(nvbar_open(&gpu, p.device, NULL), 0);
		accesses = bus_accesses(gpu);
		before = messages(&p, gpu);
		a = map_scattered(gpu);
		cold = messages_since(&p, gpu, before);
		assert_true(cold <= bus_accesses(gpu) - accesses);
		assert_int_equal(nvbar_unmap(a), 0);

		before = messages(&p, gpu);
		a = map_scattered(gpu);
		warm = messages_since(&p, gpu, before);
		/* The budget of bus accesses */
		assert_true(warm <= 2 + 517);
		before = messages(&p, gpu);
		assert_int_equal(nvbar_unmap(a), 0);
		unmap = messages_since(&p, gpu, before);
		assert_true(unmap <= 2 + 517);
		/* Entries that lie side by side travel together. */
		assert_true(warm <= 32 && unmap <= 32);
		print_message("# %s: messages for 512 scattered pages: map %u cold, %u warm, unmap %u\n",
			      server_chips[i], cold, warm, unmap);
		nvbar_close(gpu);
		stop(&p);
		finish(&p);
	}
}

/* A server may split what is longer as it likes, so an entry in use is two messages. */
static void an_entry_that_the_gpu_may_be_reading_is_sent_by_halves(void **state)
{
	struct sim_config cfg = { .chip = "gh100", .vram_size = MIB(256) };
	const struct nvbar_extent ext[] = { { MIB(1), 4096 }, { MIB(4), 4096 } };
	struct nvbar_access *a[2];
	struct nvbar *gpu;
	struct proxy p = { 0 };

	(void)state;
	begin(&p, &cfg);
	start(&p, NEVER, 0);
	assert_int_equal(nvbar_open(&gpu, p.device, NULL), 0);
	assert_int_equal(nvbar_map(gpu, &ext[0], 1, NULL, &a[0]), 0);
	messages(&p, gpu);
	p.entries = p.cleared = 0;
	/* An entry in a table that is linked */
	assert_int_equal(nvbar_map(gpu, &ext[1], 1, NULL, &a[1]), 0);
	messages(&p, gpu);
	assert_int_equal(p.entries, 1);
	assert_int_equal(p.cleared, 0);
	assert_int_equal(nvbar_unmap(a[1]), 0);
	messages(&p, gpu);
	assert_int_equal(p.entries, 1);
	assert_int_equal(p.cleared, 1);
	assert_int_equal(p.torn, 0);
	nvbar_close(gpu);
	stop(&p);
	assert_int_equal(device_errors(&p.server.dev), 0);
	finish(&p);
}

#define BULK	(8u << 20)

static void bulk_copies_take_messages_of_64_kib_and_more(void **state)
{
	static const size_t odd[] = { 0, 1, 3 };
	struct sim_config cfg = { .chip = "ga102", .vram_size = MIB(256) };
	const struct nvbar_extent ext = { MIB(16), BULK };
	unsigned int i, n, before;
	uint8_t *out = malloc(BULK + 8), *in = malloc(BULK + 8);
	/* Each piece, an unmoved window at the ends, and what orders and confirms */
	const unsigned int few = BULK / 65536 + 40;
	struct nvbar_access *a;
	struct nvbar *gpu;
	struct proxy p = { 0 };

	(void)state;
	assert_true(out && in);
	for (i = 0; i < BULK + 8; i++)
		out[i] = (uint8_t)(i * 13 + i / 4096);
	begin(&p, &cfg);
	start(&p, NEVER, 0);
	assert_int_equal(nvbar_open(&gpu, p.device, NULL), 0);
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);

	for (i = 0; i < 3; i++) {
		before = messages(&p, gpu);
		assert_int_equal(nvbar_write(a, 0, out + odd[i], BULK), 0);
		n = messages_since(&p, gpu, before);
		assert_in_range(n, 1, BULK / 65536);
		before = messages(&p, gpu);
		assert_int_equal(nvbar_read(a, 0, in + odd[i], BULK), 0);
		n = messages_since(&p, gpu, before);
		assert_in_range(n, 1, BULK / 65536);
		assert_memory_equal(in + odd[i], out + odd[i], BULK);
	}
	before = messages(&p, gpu);
	assert_int_equal(nvbar_fill(a, 0, 0x12345678, BULK), 0);
	assert_in_range(messages_since(&p, gpu, before), 1, BULK / 65536 + 2);
	assert_int_equal(nvbar_flush(a), 0);

	/* By PRAMIN, whatever the alignment of either side */
	for (i = 0; i < 9; i++) {
		uint64_t pa = ext.pa + odd[i / 3];
		size_t len = BULK - 5;

		memset(in, 0, BULK + 8);
		before = messages(&p, gpu);
		assert_int_equal(nvbar_pramin_write(gpu, pa, out + odd[i % 3], len), 0);
		assert_in_range(messages_since(&p, gpu, before), BULK / 65536, few);
		before = messages(&p, gpu);
		assert_int_equal(nvbar_pramin_read(gpu, pa, in + odd[i % 3], len), 0);
		assert_in_range(messages_since(&p, gpu, before), BULK / 65536, few);
		assert_memory_equal(in + odd[i % 3], out + odd[i % 3], len);
		/* Nothing of the caller's around it */
		assert_int_equal(in[odd[i % 3] + len], 0);
	}
	nvbar_close(gpu);
	stop(&p);
	assert_int_equal(device_errors(&p.server.dev), 0);
	finish(&p);
	free(out);
	free(in);
}

/* As the firmware of a machine leaves a device, or a client that has gone: PCI_COMMAND */
static void switch_on(struct proxy *p)
{
	p->server.dev.config.byte[4] |= 2;
}

/* As of devices of this machine: not even what would make its registers answer */
static void who_observes_writes_nothing(void **state)
{
	static const uint32_t flags[] = { NVBAR_OPEN_OBSERVE, NVBAR_OPEN_DRY_RUN };
	struct sim_config cfg = { .chip = "ga102", .vram_size = MIB(64) };
	struct nvbar_info info = { .size = sizeof(info) };
	struct nvbar *gpu = NULL;
	struct proxy p = { 0 };
	size_t i;

	(void)state;
	begin(&p, &cfg);
	for (i = 0; i < 2; i++) {
		const struct nvbar_open_opts opts = { .size = sizeof(opts), .flags = flags[i] };

		p.server.dev.config.byte[4] = 0;
		start(&p, NEVER, 0);
		assert_int_equal(nvbar_open(&gpu, p.device, &opts), -EACCES);
		assert_null(gpu);
		stop(&p);
		switch_on(&p);
		start(&p, NEVER, 0);
		assert_int_equal(nvbar_open(&gpu, p.device, &opts), 0);
		assert_int_equal(nvbar_get_info(gpu, &info), 0);
		nvbar_close(gpu);
		gpu = NULL;
		stop(&p);
		assert_int_equal(p.writes, 0);
		assert_int_equal(p.server.dev.config.byte[4], 2);
	}
	/* Who drives it finds it on, and leaves it so. */
	start(&p, NEVER, 0);
	assert_int_equal(nvbar_open(&gpu, p.device, NULL), 0);
	nvbar_close(gpu);
	stop(&p);
	assert_int_equal(p.server.dev.config.byte[4], 2);
	assert_true(p.writes > 0);
	assert_int_equal(device_errors(&p.server.dev), 0);
	finish(&p);
}

static void a_dry_run_writes_nothing(void **state)
{
	const struct nvbar_open_opts opts = { .size = sizeof(opts), .flags = NVBAR_OPEN_DRY_RUN };
	struct sim_config cfg = { .vram_size = MIB(256) };
	static const uint8_t block[10000] = { 1, 2, 3 };
	struct sim_counters count;
	struct nvbar_access *a;
	struct nvbar *gpu;
	struct proxy p = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 7; i++) {
		cfg.chip = server_chips[i];
		begin(&p, &cfg);
		switch_on(&p);
		start(&p, NEVER, 0);
		assert_int_equal(nvbar_open(&gpu, p.device, &opts), 0);
		a = map_scattered(gpu);
		assert_int_equal(nvbar_write(a, 5, block, sizeof(block)), 0);
		assert_int_equal(nvbar_fill(a, 0, 7, 4096), 0);
		assert_int_equal(nvbar_flush(a), 0);
		assert_int_equal(nvbar_pramin_write(gpu, 77, block, sizeof(block)), 0);
		assert_int_equal(nvbar_unmap(a), 0);
		nvbar_close(gpu);
		stop(&p);
		sim_get_counters(p.server.gpu, &count);
		assert_int_equal(count.writes, 0);
		assert_true(count.reads > 5);
		finish(&p);
	}
}

static void a_dry_run_clears_a_fault_for_itself(void **state)
{
	const struct nvbar_open_opts opts = { .size = sizeof(opts), .flags = NVBAR_OPEN_DRY_RUN };
	struct sim_config cfg = { .chip = "ga102", .vram_size = MIB(64) };
	struct nvbar_fault fault = { .size = sizeof(fault) };
	struct nvbar *gpu;
	struct proxy p = { 0 };
	int dry;

	(void)state;
	begin(&p, &cfg);
	switch_on(&p);
	/* Beyond VRAM, in physical mode */
	sim_bar1_read(p.server.gpu, MIB(128), 4);
	for (dry = 1; dry >= 0; dry--) {
		start(&p, NEVER, 0);
		assert_int_equal(nvbar_open(&gpu, p.device, dry ? &opts : NULL), 0);
		assert_int_equal(nvbar_get_fault(gpu, &fault), 0);
		assert_int_equal(fault.va, MIB(128));
		assert_int_equal(nvbar_clear_fault(gpu), 0);
		assert_int_equal(nvbar_get_fault(gpu, &fault), -ENOENT);
		nvbar_close(gpu);
		stop(&p);
	}
	finish(&p);
}

static void no_bar1_is_none(void **state)
{
	struct sim_config cfg = { .vram_size = MIB(256), .no_bar1 = true };
	struct nvbar_info info = { .size = sizeof(info) };
	struct nvbar *gpu;
	struct proxy p = { 0 };

	(void)state;
	begin(&p, &cfg);
	start(&p, NEVER, 0);
	assert_int_equal(nvbar_open(&gpu, p.device, NULL), 0);
	assert_int_equal(nvbar_get_info(gpu, &info), 0);
	assert_int_equal(info.bar1_size, 0);
	nvbar_close(gpu);
	stop(&p);
	finish(&p);
}

static void a_server_that_breaks_the_protocol_is_no_gpu(void **state)
{
	struct sim_config cfg = { .vram_size = MIB(64), .bar1_size = MIB(64) };
	unsigned int at, how, last;
	struct nvbar *gpu;
	struct proxy p = { 0 };

	(void)state;
	begin(&p, &cfg);
	start(&p, NEVER, 0);
	assert_int_equal(nvbar_open(&gpu, p.device, NULL), 0);
	last = p.replies;
	nvbar_close(gpu);
	stop(&p);
	assert_true(last > 15);
	for (at = 0; at < last; at++)
		for (how = 0; how < NR_SPOILS; how++) {
			gpu = NULL;
			start(&p, at, how);
			assert_int_equal(nvbar_open(&gpu, p.device, NULL), -ENODEV);
			assert_null(gpu);
			stop(&p);
		}
	finish(&p);
}

static void replies_to_posted_writes_are_passed_over(void **state)
{
	struct sim_config cfg = { .vram_size = MIB(64), .bar1_size = MIB(64) };
	const struct nvbar_extent ext = { MIB(16), MIB(1) };
	uint8_t *out = malloc(MIB(1)), *in = malloc(MIB(1));
	struct nvbar_access *a;
	struct nvbar *gpu;
	struct proxy p = { 0 };
	uint32_t i, val;

	(void)state;
	assert_true(out && in);
	for (i = 0; i < MIB(1); i++)
		out[i] = (uint8_t)(i * 11 + i / 4096);
	begin(&p, &cfg);
	for (p.always = ALWAYS; p.always <= ALWAYS_AN_ERROR; p.always++) {
		start(&p, NEVER, 0);
		assert_int_equal(nvbar_open(&gpu, p.device, NULL), 0);
		assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
		/* Far more replies than a socket holds, before the next read */
		for (i = 0; i < 20000; i++)
			assert_int_equal(nvbar_write32(a, 4 * i, i * 3), 0);
		for (i = 0; i < 20000; i += 999) {
			assert_int_equal(nvbar_read32(a, 4 * i, &val), 0);
			assert_int_equal(val, i * 3);
		}
		assert_int_equal(nvbar_write(a, 0, out, MIB(1)), 0);
		assert_int_equal(nvbar_read(a, 0, in, MIB(1)), 0);
		assert_memory_equal(in, out, MIB(1));
		assert_int_equal(nvbar_unmap(a), 0);
		nvbar_close(gpu);
		stop(&p);
		assert_int_equal(device_errors(&p.server.dev), 0);
	}
	/* One that is too long, or to a write that there was not, is none of them. */
	for (; p.always <= ALWAYS_TO_ANOTHER; p.always++) {
		start(&p, NEVER, 0);
		assert_int_equal(nvbar_open(&gpu, p.device, NULL), -ENODEV);
		stop(&p);
	}
	finish(&p);
	free(out);
	free(in);
}

static void a_bar_of_a_size_that_no_bar_has_is_no_gpus(void **state)
{
	struct sim_config cfg = { .vram_size = MIB(64), .bar1_size = MIB(64) };
	struct proxy p = { 0 };
	struct nvbar *gpu;

	(void)state;
	begin(&p, &cfg);
	p.odd_bar1 = true;
	start(&p, NEVER, 0);
	assert_int_equal(nvbar_open(&gpu, p.device, NULL), -ENODEV);
	stop(&p);
	p.odd_bar1 = false;
	start(&p, NEVER, 0);
	assert_int_equal(nvbar_open(&gpu, p.device, NULL), 0);
	nvbar_close(gpu);
	stop(&p);
	finish(&p);
}

static void a_server_that_leaves_takes_the_gpu_along(void **state)
{
	struct sim_config cfg = { .vram_size = MIB(64), .bar1_size = MIB(64) };
	const struct nvbar_extent ext = { 0, 65536 }, other = { MIB(1), 65536 };
	struct nvbar_access *a, *b = NULL;
	static uint8_t block[65536];
	struct nvbar *gpu;
	uint32_t val;
	struct proxy p = { 0 };

	(void)state;
	begin(&p, &cfg);
	start(&p, NEVER, 0);
	assert_int_equal(nvbar_open(&gpu, p.device, NULL), 0);
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	assert_int_equal(nvbar_write32(a, 0, 1), 0);
	/* With its reply here, no part of a message is on its way. */
	assert_int_equal(nvbar_read32(a, 0, &val), 0);
	shutdown(p.server.sock, SHUT_RDWR);
	assert_int_equal(nvbar_read32(a, 0, &val), -ENODEV);
	assert_int_equal(nvbar_read(a, 0, block, sizeof(block)), -ENODEV);
	assert_int_equal(nvbar_flush(a), -ENODEV);
	assert_int_equal(nvbar_map(gpu, &other, 1, NULL, &b), -ENODEV);
	assert_null(b);
	assert_int_equal(nvbar_pramin_read(gpu, 0, block, 64), -ENODEV);
	nvbar_close(gpu);
	stop(&p);
	finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gpu_works_and_is_left_as_it_was),
		cmocka_unit_test(writes_count_by_access_and_not_by_message),
		cmocka_unit_test(mapping_takes_no_more_messages_than_bus_accesses),
		cmocka_unit_test(an_entry_that_the_gpu_may_be_reading_is_sent_by_halves),
		cmocka_unit_test(bulk_copies_take_messages_of_64_kib_and_more),
		cmocka_unit_test(who_observes_writes_nothing),
		cmocka_unit_test(a_dry_run_writes_nothing),
		cmocka_unit_test(a_dry_run_clears_a_fault_for_itself),
		cmocka_unit_test(no_bar1_is_none),
		cmocka_unit_test(a_server_that_breaks_the_protocol_is_no_gpu),
		cmocka_unit_test(replies_to_posted_writes_are_passed_over),
		cmocka_unit_test(a_bar_of_a_size_that_no_bar_has_is_no_gpus),
		cmocka_unit_test(a_server_that_leaves_takes_the_gpu_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
