/* SPDX-License-Identifier: MIT */
/* Who comes while another is served: is told so at once, and keeps nobody from anything. */
#include "../fds.h"
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <nvbar/nvbar.h>

#include "lobby.h"

/**
 * struct house - a server at a path, which serves one after the other
 * @server: its GPU
 * @lobby: where others wait
 * @stop: ends it
 * @thread: that serves
 * @address: of its socket
 * @dir: a directory of our own
 */
struct house {
	struct server server;
	struct lobby lobby;
	int stop;
	pthread_t thread;
	struct sockaddr_un address;
	char dir[64];
};

static void *serve_all(void *arg)
{
	struct house *h = arg;
	struct pollfd p[2] = { { .fd = h->stop, .events = POLLIN },
			       { .fd = h->lobby.listener, .events = POLLIN } };
	struct caller caller;
	char why[160];

	do {
		while (lobby_next(&h->lobby, &caller)) {
			serve_client(&h->server.service, &caller, why, sizeof(why));
			close(caller.sock);
		}
	} while (poll(p, 2, -1) >= 0 && !p[0].revents);
	lobby_empty(&h->lobby);
	return NULL;
}

static void begin(struct house *h)
{
	struct sim_config cfg = { .vram_size = MIB(64), .bar1_size = MIB(64) };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	server_power_on(&h->server, &cfg);
	strcpy(h->dir, "/tmp/nvbar-test-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	h->address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	snprintf(h->address.sun_path, sizeof(h->address.sun_path), "%s/s", h->dir);
	assert_int_equal(bind(listener, (struct sockaddr *)&h->address, sizeof(h->address)), 0);
	assert_int_equal(listen(listener, 64), 0);
	h->stop = eventfd(0, EFD_CLOEXEC);
	lobby_init(&h->lobby, listener);
	h->server.service.lobby = &h->lobby;
	h->server.service.stop = h->stop;
	assert_int_equal(pthread_create(&h->thread, NULL, serve_all, h), 0);
}

static void finish(struct house *h)
{
	const uint64_t one = 1;

	assert_int_equal(write(h->stop, &one, sizeof(one)), sizeof(one));
	assert_int_equal(pthread_join(h->thread, NULL), 0);
	close(h->lobby.listener);
	close(h->stop);
	unlink(h->address.sun_path);
	assert_int_equal(rmdir(h->dir), 0);
	server_power_off(&h->server);
}

/* A client of its own, whose server is @h's. */
static struct server come(struct house *h)
{
	struct timeval timeout = { 100, 0 };	/* of a server that never replies */
	struct server c = { .sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };

	setsockopt(c.sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	assert_int_equal(connect(c.sock, (struct sockaddr *)&h->address, sizeof(h->address)), 0);
	return c;
}

/* A version message: its header, major and minor, and capabilities */
static const char version[] = "\x34\x12\1\0" "\x37\0\0\0" "\0\0\0\0" "\0\0\0\0"
			      "\0\0\1\0" "{\"capabilities\":{\"max_msg_fds\":8}}";

_Static_assert(sizeof(version) == 0x37, "the size in its header");

/* Some bytes of it */
static void say_part(struct server *c, size_t from, size_t to)
{
	assert_true(send_raw(c, version + from, to - from, NULL, 0));
}

/* Return: errno of the reply to a version. */
static int hear_reply(struct server *c)
{
	char reply[256];
	struct head h;
	ssize_t got;

	got = receive_message(c, &h, reply, sizeof(reply));
	assert_true(got >= 0);
	assert_int_equal(h.id, 0x1234);
	assert_int_equal(h.command, VERSION);
	if (h.flags == 1)
		return 0;
	assert_int_equal(h.flags, 0x21);
	assert_int_equal(got, 0);
	return (int)h.error;
}

static int say_version(struct server *c)
{
	say_part(c, 0, sizeof(version));
	return hear_reply(c);
}

static bool is_hung_up(const struct server *c)
{
	char byte;
	ssize_t got = recv(c->sock, &byte, 1, 0);

	/* The other error is for what it sent and nobody read. */
	return !got || (got < 0 && errno == ECONNRESET);
}

static void a_second_client_is_told_at_once_that_there_is_another(void **state)
{
	struct server first, second;
	char device[160];
	struct house h;
	struct nvbar *gpu;
	int i;

	(void)state;
	begin(&h);
	first = come(&h);
	assert_int_equal(say_version(&first), 0);
	for (i = 0; i < 20; i++) {
		second = come(&h);
		assert_int_equal(say_version(&second), EBUSY);
		assert_true(is_hung_up(&second));
		close(second.sock);
		assert_int_equal(read32(&first, CONFIG, 0), 0x220410de);
	}
	snprintf(device, sizeof(device), "vfio-user:%s", h.address.sun_path);
	assert_int_equal(nvbar_open(&gpu, device, NULL), -EBUSY);
	close(first.sock);
	assert_int_equal(nvbar_open(&gpu, device, NULL), 0);
	nvbar_close(gpu);
	finish(&h);
}

static void who_says_nothing_keeps_nobody_from_being_told(void **state)
{
	const uint16_t half[3] = { 1, 1, 20 };
	struct server first, mute[40], second;
	unsigned int fds;
	struct house h;
	int i;

	(void)state;
	begin(&h);
	first = come(&h);
	assert_int_equal(say_version(&first), 0);
	fds = open_fds();
	for (i = 0; i < 40; i++) {
		mute[i] = come(&h);
		if (i % 2)
			assert_true(send_raw(&mute[i], half, sizeof(half), NULL, 0));
	}
	second = come(&h);
	assert_int_equal(say_version(&second), EBUSY);
	close(second.sock);
	assert_int_equal(read32(&first, CONFIG, 0), 0x220410de);
	/* Few of them are waited for: of each of these the server has its end no more. */
	for (i = 0; i < 30; i++)
		assert_true(is_hung_up(&mute[i]));
	assert_true(open_fds() <= fds + 40 + LOBBY_SEATS);
	close(first.sock);
	for (i = 0; i < 40; i++)
		close(mute[i].sock);
	finish(&h);
}

/* Once this returns, the server has seen who came before, and what they have said. */
static void let_it_look(struct house *h)
{
	struct server c;
	int i;

	for (i = 0; i < 2; i++) {
		c = come(h);
		assert_int_equal(say_version(&c), EBUSY);
		close(c.sock);
	}
}

static void a_version_may_come_in_pieces(void **state)
{
	static const size_t at[] = { 0, 3, 16, 20, 40, sizeof(version) };
	struct server first, second;
	struct house h;
	int i;

	(void)state;
	begin(&h);
	first = come(&h);
	assert_int_equal(say_version(&first), 0);
	second = come(&h);
	for (i = 0; i < 5; i++) {
		say_part(&second, at[i], at[i + 1]);
		let_it_look(&h);
	}
	assert_int_equal(hear_reply(&second), EBUSY);
	assert_true(is_hung_up(&second));
	close(second.sock);
	close(first.sock);
	finish(&h);
}

static void who_waits_when_another_leaves_is_served_in_turn(void **state)
{
	static const size_t said[LOBBY_SEATS - 1] = { 7, 0, 30 };
	struct server first, gone, next[LOBBY_SEATS - 1];
	struct house h;
	unsigned int i;

	(void)state;
	begin(&h);
	first = come(&h);
	assert_int_equal(say_version(&first), 0);
	/* One seat is for those who let it look. */
	gone = come(&h);
	for (i = 0; i < LOBBY_SEATS - 1; i++) {
		/* Who leaves the lobby makes room, and changes nobody's turn. */
		if (i == LOBBY_SEATS - 2) {
			close(gone.sock);
			let_it_look(&h);
		}
		next[i] = come(&h);
		say_part(&next[i], 0, said[i]);
		let_it_look(&h);
	}
	close(first.sock);
	for (i = 0; i < LOBBY_SEATS - 1; i++) {
		say_part(&next[i], said[i], sizeof(version));
		assert_int_equal(hear_reply(&next[i]), 0);
		assert_int_equal(read32(&next[i], CONFIG, 0), 0x220410de);
		close(next[i].sock);
	}
	finish(&h);
}

static void who_says_anything_else_is_sent_away(void **state)
{
	const uint32_t info[4] = { 16 };
	struct server first, second;
	int fd = eventfd(0, EFD_CLOEXEC);
	unsigned int fds;
	struct house h;

	(void)state;
	begin(&h);
	first = come(&h);
	assert_int_equal(say_version(&first), 0);
	fds = open_fds();
	second = come(&h);
	assert_true(send_command(&second, DEVICE_INFO, 0, info, 0, &fd, 1));
	assert_true(is_hung_up(&second));
	close(second.sock);
	assert_int_equal(read32(&first, CONFIG, 0), 0x220410de);
	assert_int_equal(open_fds(), fds);
	close(first.sock);
	close(fd);
	finish(&h);
}

static void who_comes_after_one_has_left_is_served(void **state)
{
	struct { uint64_t off; uint32_t region, count, data; } w = { 0, CONFIG, 4, 0 };
	struct server c;
	struct house h;
	int i, j;

	(void)state;
	begin(&h);
	for (i = 0; i < 300; i++) {
		c = come(&h);
		assert_int_equal(say_version(&c), 0);
		/* It leaves much to be done. */
		for (j = 0; j < i % 100; j++)
			assert_true(send_command(&c, REGION_WRITE, NO_REPLY, &w, 20, NULL, 0));
		close(c.sock);
	}
	finish(&h);
}

/* Until its connection ends */
static void *write_on_and_on(void *arg)
{
	const struct { uint64_t off; uint32_t region, count, data; } w = { 0, CONFIG, 4, 0 };

	while (send_command(arg, REGION_WRITE, NO_REPLY, &w, 20, NULL, 0))
		;
	return NULL;
}

static void who_never_pauses_keeps_nobody_from_being_told(void **state)
{
	struct server first, second;
	pthread_t writer;
	struct house h;
	int i;

	(void)state;
	begin(&h);
	first = come(&h);
	assert_int_equal(say_version(&first), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_on_and_on, &first), 0);
	for (i = 0; i < 20; i++) {
		second = come(&h);
		assert_int_equal(say_version(&second), EBUSY);
		close(second.sock);
	}
	shutdown(first.sock, SHUT_RDWR);
	assert_int_equal(pthread_join(writer, NULL), 0);
	close(first.sock);
	finish(&h);
}

/* What it has asked for is more than its socket takes. */
static void who_sends_no_more_and_reads_nothing_keeps_nobody_from_being_told(void **state)
{
	const struct { uint64_t off; uint32_t region, count; } r = { 0, 0, 1 << 20 };
	struct server first, second;
	struct house h;
	int i;

	(void)state;
	begin(&h);
	first = come(&h);
	assert_int_equal(say_version(&first), 0);
	for (i = 0; i < 4; i++)
		assert_true(send_command(&first, REGION_READ, 0, &r, sizeof(r), NULL, 0));
	shutdown(first.sock, SHUT_WR);
	for (i = 0; i < 20; i++) {
		second = come(&h);
		assert_int_equal(say_version(&second), EBUSY);
		close(second.sock);
	}
	close(first.sock);
	second = come(&h);
	assert_int_equal(say_version(&second), 0);
	close(second.sock);
	finish(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_client_is_told_at_once_that_there_is_another),
		cmocka_unit_test(who_says_nothing_keeps_nobody_from_being_told),
		cmocka_unit_test(a_version_may_come_in_pieces),
		cmocka_unit_test(who_waits_when_another_leaves_is_served_in_turn),
		cmocka_unit_test(who_says_anything_else_is_sent_away),
		cmocka_unit_test(who_comes_after_one_has_left_is_served),
		cmocka_unit_test(who_never_pauses_keeps_nobody_from_being_told),
		cmocka_unit_test(who_sends_no_more_and_reads_nothing_keeps_nobody_from_being_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
