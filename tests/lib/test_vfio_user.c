// SPDX-License-Identifier: MIT
/*
 * How long a server on a socket may keep its client waiting.  The server is played here:
 * it does its part when the client waits, in poll(), and time passes then and only then,
 * on a clock that is pretended.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/delay.h>
#include <linux/minmax.h>
#include <linux/timekeeping.h>
#include <nvbar_compat.h>

#include "backend.h"
#include "pci.h"
#include "vfio_user.h"

#define MS		1000000ull
#define SECOND		1000000000ull
#define MESSAGE_MAX	((1u << 20) + 64)

/**
 * struct server - who is slow
 * @dir: of the socket
 * @path: the socket
 * @listener: listens there
 * @sock: the connection
 * @piece_ms: time before each piece of a reply
 * @pieces: of the reply
 * @stopped_ms: time for which the client is stopped while it waits next
 * @replies: that were sent whole
 * @out: the reply that is being sent
 * @len: its bytes
 * @sent: of these
 * @left: of the piece, whose time is over: it may be more than the socket takes at once
 */
static struct server {
	char dir[32];
	char path[48];
	int listener;
	int sock;
	unsigned int piece_ms;
	size_t pieces;
	unsigned int stopped_ms;
	unsigned int replies;
	_Alignas(8) char out[MESSAGE_MAX];
	size_t len;
	size_t sent;
	size_t left;
} server;

static bool take(void *buf, size_t len)
{
	return !len || recv(server.sock, buf, len, MSG_WAITALL) == (ssize_t)len;
}

/* Of a GA102 with registers that read as 0 */
static uint32_t config_word(uint64_t off)
{
	switch (off) {
	case 0:
		return 0x220410de;
	case PCI_BAR(1):
		return PCI_BAR_64 | PCI_BAR_PREFETCHABLE;
	default:
		return 0;
	}
}

/* Return: bytes of the reply's payload, which takes the place of the message's. */
static size_t answer(const struct vfio_user_header *h, char *msg)
{
	static const char version[] = "\0\0\0\0{}";
	struct vfio_user_region_access *access = (void *)msg;
	struct vfio_user_region_info *region = (void *)msg;
	struct vfio_user_device_info *info = (void *)msg;
	uint32_t word;

	switch (h->command) {
	case VFIO_USER_VERSION:
		memcpy(msg, version, sizeof(version));
		return sizeof(version);
	case VFIO_USER_DEVICE_GET_INFO:
		info->flags = VFIO_USER_DEVICE_PCI;
		info->num_regions = VFIO_USER_PCI_REGIONS;
		return sizeof(*info);
	case VFIO_USER_DEVICE_GET_REGION_INFO:
		region->size = region->index == 0 ? 16 << 20 : region->index == 1 ? 256 << 20 : 0;
		return sizeof(*region);
	case VFIO_USER_REGION_READ:
		memset(msg + sizeof(*access), 0, access->count);
		word = access->region == VFIO_USER_PCI_CONFIG ? config_word(access->offset) : 0;
		memcpy(msg + sizeof(*access), &word, access->count < 4 ? access->count : 4);
		return sizeof(*access) + access->count;
	default:
		return 0;
	}
}

static void next_reply(void)
{
	struct vfio_user_header *h = (void *)server.out;

	do {
		assert_true(take(h, sizeof(*h)) && take(h + 1, h->size - sizeof(*h)));
	} while (h->flags & VFIO_USER_NO_REPLY);
	server.len = sizeof(*h) + answer(h, (char *)(h + 1));
	server.sent = 0;
	server.left = 0;
	h->flags = VFIO_USER_TYPE_REPLY;
	h->size = server.len;
}

static void send_piece(void)
{
	ssize_t n;

	if (!server.left)
		server.left = min(server.len / server.pieces + 1, server.len - server.sent);
	n = send(server.sock, server.out + server.sent, server.left, MSG_NOSIGNAL | MSG_DONTWAIT);
	assert_true(n > 0);
	server.sent += n;
	server.left -= n;
	if (server.sent == server.len) {
		server.len = 0;
		server.replies++;
	}
}

int __wrap_poll(struct pollfd *p, nfds_t nr, int timeout);
int __real_poll(struct pollfd *p, nfds_t nr, int timeout);

/* The client waits for what it asked for last. */
int __wrap_poll(struct pollfd *p, nfds_t nr, int timeout)
{
	if (!timeout)
		return __real_poll(p, nr, timeout);
	if (server.sock < 0)
		server.sock = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC);
	if (!server.len)
		next_reply();
	if (server.stopped_ms) {
		fsleep(1000ul * server.stopped_ms);
		server.stopped_ms = 0;
	} else if (!server.left && server.piece_ms > (unsigned int)timeout) {
		fsleep(1000ul * timeout);
		return 0;
	} else if (!server.left) {
		fsleep(1000ul * server.piece_ms);
	}
	send_piece();
	p->revents = POLLIN;
	return 1;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

/* How busy the machine is does not matter. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	(void)clock;
	*now = (struct timespec){ .tv_sec = 1000 };
	return 0;
}

static void begin(int backlog)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(server.dir, "/tmp/nvbar-test-XXXXXX");
	assert_non_null(mkdtemp(server.dir));
	snprintf(server.path, sizeof(server.path), "%s/s", server.dir);
	strcpy(address.sun_path, server.path);
	server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	server.sock = -1;
	server.len = 0;
	assert_int_equal(bind(server.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server.listener, backlog), 0);
	compat_sleep_pretend(true);
}

static void slow(unsigned int piece_ms, size_t pieces)
{
	server.piece_ms = piece_ms;
	server.pieces = pieces;
	server.replies = 0;
}

static void hang_up(void)
{
	close(server.sock);
	server.sock = -1;
	server.len = 0;
}

static void finish(void)
{
	compat_sleep_pretend(false);
	close(server.sock);
	close(server.listener);
	unlink(server.path);
	assert_int_equal(rmdir(server.dir), 0);
}

/* The last line */
static char said[128];

static void keep_line(void *arg, int level, const char *line)
{
	(void)arg;
	(void)level;
	snprintf(said, sizeof(said), "%s", line);
}

static int open_backend(struct nvbar_backend **backend)
{
	struct nvbar_log log = { .level = 1, .fn = keep_line, .device = "gpu" };

	said[0] = '\0';
	return nvbar_backend_vfio_user_open(server.path, false, &log, backend);
}

static u64 read_register(struct nvbar_backend *backend)
{
	return backend->ops->bar0_read(backend, 0, 4);
}

/* --- tests --- */

static void an_open_waits_ten_seconds_for_all_replies_together(void **state)
{
	struct nvbar_backend *backend = NULL;
	unsigned long long slept;

	(void)state;
	begin(1);
	/* Each piece comes within the time that a single one may take. */
	slow(4000, 4);
	slept = compat_slept_ns();
	assert_int_equal(open_backend(&backend), -EBUSY);
	assert_non_null(strstr(said, "no answer"));
	assert_null(backend);
	assert_in_range(compat_slept_ns() - slept, 10 * SECOND, 10 * SECOND + 20 * MS);
	hang_up();

	/* So does each reply, and the tenth comes too late. */
	slow(1100, 1);
	slept = compat_slept_ns();
	assert_int_equal(open_backend(&backend), -ETIMEDOUT);
	assert_int_equal(server.replies, 9);
	assert_in_range(compat_slept_ns() - slept, 10 * SECOND, 10 * SECOND + 200 * MS);
	hang_up();

	/* What an honest server takes is no reason. */
	slow(9, 1);
	assert_int_equal(open_backend(&backend), 0);
	backend->close(backend);
	finish();
}

static void a_server_that_is_slow_once_is_waited_for(void **state)
{
	struct nvbar_backend *backend;
	unsigned int i;

	(void)state;
	begin(1);
	slow(0, 1);
	assert_int_equal(open_backend(&backend), 0);
	slow(9900, 1);
	/* After a pause as long it may be so again. */
	for (i = 0; i < 4; i++) {
		assert_int_equal(read_register(backend), 0);
		fsleep(9900000);
	}
	assert_int_equal(read_register(backend), 0);
	/* Without one it is gone, and asked nothing more. */
	assert_int_equal(read_register(backend), 0xffffffff);
	assert_non_null(strstr(said, "no answer"));
	assert_int_equal(read_register(backend), 0xffffffff);
	assert_int_equal(server.replies, 5);
	backend->close(backend);
	finish();
}

static void a_client_that_was_stopped_does_not_blame_the_server(void **state)
{
	struct nvbar_backend *backend;

	(void)state;
	begin(1);
	slow(0, 2);
	assert_int_equal(open_backend(&backend), 0);
	server.stopped_ms = 11000;
	assert_int_equal(read_register(backend), 0);
	slow(1000, 1);
	assert_int_equal(read_register(backend), 0);
	backend->close(backend);
	finish();
}

static void a_long_copy_may_take_a_second_for_each_mib(void **state)
{
	enum { LEN = 64 << 20 };
	struct nvbar_backend *backend;
	char *buf = malloc(LEN);

	(void)state;
	assert_non_null(buf);
	begin(1);
	slow(0, 1);
	assert_int_equal(open_backend(&backend), 0);
	slow(500, 2);
	backend->ops->bar1_copy_from(backend, buf, 0, LEN);
	assert_int_equal(buf[LEN - 1], 0);
	/* At twice that it is a second too much for each message, and ten of them are. */
	slow(1000, 2);
	backend->ops->bar1_copy_from(backend, buf, 0, LEN);
	assert_int_equal((unsigned char)buf[LEN - 1], 0xff);
	assert_in_range(server.replies, 9, 12);
	backend->close(backend);
	finish();
	free(buf);
}

static void on_alarm(int sig)
{
	(void)sig;
	fsleep(3000000);
}

/* A queue that is full, and a signal each 20 ms of real time, which takes 3 s of the other */
static void a_signal_does_not_end_the_wait_for_a_full_queue(void **state)
{
	const struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct sigaction on = { .sa_handler = on_alarm }, before;
	struct nvbar_backend *backend = NULL;
	unsigned long long slept;
	int other[8];
	size_t i;

	(void)state;
	begin(0);
	strcpy(address.sun_path, server.path);
	for (i = 0; i < 8; i++) {
		other[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		connect(other[i], (struct sockaddr *)&address, sizeof(address));
	}
	assert_int_equal(sigaction(SIGALRM, &on, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	slept = compat_slept_ns();
	assert_int_equal(open_backend(&backend), -EBUSY);
	slept = compat_slept_ns() - slept;
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	assert_non_null(strstr(said, "more clients waiting"));
	/* Four signals, and those that came while the queue was not waited for */
	assert_true(slept >= 9 * SECOND);
	for (i = 0; i < 8; i++)
		close(other[i]);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_open_waits_ten_seconds_for_all_replies_together),
		cmocka_unit_test(a_server_that_is_slow_once_is_waited_for),
		cmocka_unit_test(a_client_that_was_stopped_does_not_blame_the_server),
		cmocka_unit_test(a_long_copy_may_take_a_second_for_each_mib),
		cmocka_unit_test(a_signal_does_not_end_the_wait_for_a_full_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
