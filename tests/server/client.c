/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

const char *const server_chips[7] = {
	"tu102", "ga100", "ga102", "ad102", "gh100", "gb100", "gb202",
};

static void *serve(void *arg)
{
	struct server *s = arg;
	const struct caller caller = { .sock = s->theirs };

	s->end = serve_client(&s->service, &caller, s->why, sizeof(s->why));
	shutdown(s->theirs, SHUT_RDWR);
	return NULL;
}

void server_power_on(struct server *s, const struct sim_config *cfg)
{
	char why[160];

	*s = (struct server) { .sock = -1, .service = { .dev = &s->dev, .stop = -1 } };
	if (sim_create(cfg, &s->gpu, why, sizeof(why)))
		fail_msg("%s", why);
	device_init(&s->dev, s->gpu);
}

void server_power_off(struct server *s)
{
	if (s->sock >= 0)
		server_leave(s);
	device_fini(&s->dev);
	sim_destroy(s->gpu);
}

void server_connect(struct server *s, bool negotiate)
{
	uint16_t version[2] = { 0, 0 };
	char reply[256];
	struct head h;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	s->sock = pair[0];
	s->theirs = pair[1];
	s->why[0] = '\0';
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	if (!negotiate)
		return;
	assert_true(send_command(s, VERSION, 0, version, sizeof(version), NULL, 0));
	assert_true(receive_message(s, &h, reply, sizeof(reply)) > 4);
	assert_int_equal(h.flags, 1);
}

void server_leave(struct server *s)
{
	close(s->sock);
	s->sock = -1;
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	close(s->theirs);
}

bool send_raw(struct server *s, const void *buf, size_t len, const int *fds, size_t nr_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(64 * sizeof(int))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)buf, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (nr_fds) {
		struct cmsghdr *cm = (void *)control;

		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		memcpy(CMSG_DATA(cm), fds, nr_fds * sizeof(int));
	}
	while (iov.iov_len) {
		sent = sendmsg(s->sock, &mh, MSG_NOSIGNAL);
		if (sent < 0)
			return false;
		iov.iov_base = (char *)iov.iov_base + sent;
		iov.iov_len -= (size_t)sent;
		mh.msg_control = NULL;
		mh.msg_controllen = 0;
	}
	return true;
}

bool send_command(struct server *s, unsigned int command, uint32_t flags, const void *payload,
		  size_t len, const int *fds, size_t nr_fds)
{
	struct head h = { 0x1234, (uint16_t)command, (uint32_t)(sizeof(h) + len), flags, 0 };
	char *msg = malloc(sizeof(h) + len);
	bool ok;

	assert_non_null(msg);
	memcpy(msg, &h, sizeof(h));
	if (len)
		memcpy(msg + sizeof(h), payload, len);
	ok = send_raw(s, msg, sizeof(h) + len, fds, nr_fds);
	free(msg);
	return ok;
}

static bool receive(struct server *s, void *buf, size_t len)
{
	ssize_t got;

	for (; len; len -= (size_t)got) {
		got = recv(s->sock, buf, len, 0);
		if (got <= 0)
			return false;
		buf = (char *)buf + got;
	}
	return true;
}

ssize_t receive_message(struct server *s, struct head *h, void *payload, size_t room)
{
	if (!receive(s, h, sizeof(*h)))
		return -1;
	assert_in_range(h->size, sizeof(*h), sizeof(*h) + room);
	return receive(s, payload, h->size - sizeof(*h)) ? (ssize_t)(h->size - sizeof(*h)) : -1;
}

int ask(struct server *s, unsigned int command, const void *payload, size_t len, void *reply,
	size_t want)
{
	struct head h;
	ssize_t got;

	assert_true(send_command(s, command, 0, payload, len, NULL, 0));
	got = receive_message(s, &h, reply, want);
	assert_true(got >= 0);
	assert_int_equal(h.id, 0x1234);
	assert_int_equal(h.command, command);
	if (h.flags & 0x20) {
		assert_int_equal(h.flags, 0x21);
		assert_int_equal(got, 0);
		assert_int_not_equal(h.error, 0);
		return (int)h.error;
	}
	assert_int_equal(h.flags, 1);
	assert_int_equal(got, want);
	return 0;
}

struct access {
	uint64_t off;
	uint32_t region, count;
};

int region_read(struct server *s, uint32_t region, uint64_t off, void *buf, uint32_t len)
{
	const struct access a = { off, region, len };
	char *reply = malloc(sizeof(a) + len);
	int err;

	assert_non_null(reply);
	err = ask(s, REGION_READ, &a, sizeof(a), reply, sizeof(a) + len);
	if (!err) {
		assert_memory_equal(reply, &a, sizeof(a));
		memcpy(buf, reply + sizeof(a), len);
	}
	free(reply);
	return err;
}

int region_write(struct server *s, uint32_t region, uint64_t off, const void *buf, uint32_t len)
{
	const struct access a = { off, region, len };
	char *payload = malloc(sizeof(a) + len);
	struct access reply;
	int err;

	assert_non_null(payload);
	memcpy(payload, &a, sizeof(a));
	memcpy(payload + sizeof(a), buf, len);
	err = ask(s, REGION_WRITE, payload, sizeof(a) + len, &reply, sizeof(reply));
	if (!err)
		assert_memory_equal(&reply, &a, sizeof(a));
	free(payload);
	return err;
}

uint32_t read32(struct server *s, uint32_t region, uint64_t off)
{
	uint32_t val = 0;

	assert_int_equal(region_read(s, region, off, &val, sizeof(val)), 0);
	return val;
}

void write32(struct server *s, uint32_t region, uint64_t off, uint32_t val)
{
	assert_int_equal(region_write(s, region, off, &val, sizeof(val)), 0);
}

uint16_t read16(struct server *s, uint32_t region, uint64_t off)
{
	uint16_t val = 0;

	assert_int_equal(region_read(s, region, off, &val, sizeof(val)), 0);
	return val;
}

void write16(struct server *s, uint32_t region, uint64_t off, uint16_t val)
{
	assert_int_equal(region_write(s, region, off, &val, sizeof(val)), 0);
}

uint64_t region_size(struct server *s, uint32_t region)
{
	uint32_t info[8] = { 32, 0, region }, reply[8];
	uint64_t size;

	assert_int_equal(ask(s, REGION_INFO, info, sizeof(info), reply, sizeof(reply)), 0);
	assert_int_equal(reply[0], 32);
	assert_int_equal(reply[2], region);
	memcpy(&size, &reply[4], sizeof(size));
	/* An expansion ROM is only read. */
	assert_int_equal(reply[1], !size ? 0 : region == ROM ? 1 : 3);
	return size;
}
