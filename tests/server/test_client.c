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
 * @replies: handed on
 */
struct proxy {
	struct server server;
	int listener;
	char dir[64];
	char device[128];
	pthread_t thread;
	unsigned int at;
	enum spoil how;
	unsigned int replies;
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

/* Return: whether to go on. */
static bool hand_on(struct proxy *p, int client, char *msg)
{
	struct head h;

	if (!take(client, &h, sizeof(h)) || h.size > ROOM ||
	    !take(client, msg, h.size - sizeof(h)) || !pass(p->server.sock, &h, sizeof(h)) ||
	    !pass(p->server.sock, msg, h.size - sizeof(h)))
		return false;
	if (h.flags & NO_REPLY)
		return true;
	if (!take(p->server.sock, &h, sizeof(h)) || !take(p->server.sock, msg, h.size - sizeof(h)))
		return false;
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
	struct proxy p;
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

static void no_bar1_is_none(void **state)
{
	struct sim_config cfg = { .vram_size = MIB(256), .no_bar1 = true };
	struct nvbar_info info = { .size = sizeof(info) };
	struct nvbar *gpu;
	struct proxy p;

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
	struct proxy p;

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

static void a_server_that_leaves_takes_the_gpu_along(void **state)
{
	struct sim_config cfg = { .vram_size = MIB(64), .bar1_size = MIB(64) };
	const struct nvbar_extent ext = { 0, 65536 }, other = { MIB(1), 65536 };
	struct nvbar_access *a, *b = NULL;
	static uint8_t block[65536];
	struct nvbar *gpu;
	uint32_t val;
	struct proxy p;

	(void)state;
	begin(&p, &cfg);
	start(&p, NEVER, 0);
	assert_int_equal(nvbar_open(&gpu, p.device, NULL), 0);
	assert_int_equal(nvbar_map(gpu, &ext, 1, NULL, &a), 0);
	assert_int_equal(nvbar_write32(a, 0, 1), 0);
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
		cmocka_unit_test(no_bar1_is_none),
		cmocka_unit_test(a_server_that_breaks_the_protocol_is_no_gpu),
		cmocka_unit_test(a_server_that_leaves_takes_the_gpu_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
