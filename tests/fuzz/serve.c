// SPDX-License-Identifier: MIT
/*
 * Messages to the server of the modelled GPU.  An input is a byte that chooses
 * the chip (bit 7: no version is agreed on first), then messages:
 *
 *	1 byte	bits 4:0 descriptors with it, bit 7: the payload is all that is sent
 *	1 byte	command
 *	1 byte	flags
 *	2 bytes	length of the payload
 *	...	payload
 *
 * Each reply is one, whatever the messages are.  A connection ends because the
 * client leaves or with a reason; nothing of the client's is left open, and the
 * next client is served.
 */
#include <ctype.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../fds.h"
#include "fuzz.h"
#include "serve.h"

#define MAX_MESSAGES	64	/* with their payloads less than a socket takes */

/* --- the client --- */

/**
 * struct client - who sends the messages and reads the replies
 * @sock: its end of the connection
 * @theirs: the server's
 * @replies: read so far
 * @word: the last 4 bytes of the last one
 */
struct client {
	int sock;
	int theirs;
	unsigned int replies;
	uint32_t word;
};

static void send_bytes(int sock, const void *buf, size_t len, unsigned int nr_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(32 * sizeof(int))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)buf, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cm = (void *)control;
	unsigned int i;

	if (nr_fds) {
		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(nr_fds * sizeof(int));
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(nr_fds * sizeof(int));
		for (i = 0; i < nr_fds; i++)
			memcpy(CMSG_DATA(cm) + i * sizeof(int), &sock, sizeof(int));
	}
	must(sendmsg(sock, &mh, MSG_DONTWAIT) == (ssize_t)len);
}

static void send_command(struct client *c, unsigned int command, unsigned int flags,
			 const void *payload, size_t len, unsigned int nr_fds)
{
	struct vfio_user_header h = {
		.id = 1, .command = (uint16_t)command, .flags = flags,
		.size = (uint32_t)(sizeof(h) + len),
	};
	uint8_t msg[sizeof(h) + 4096];

	len = len < 4096 ? len : 4096;
	h.size = (uint32_t)(sizeof(h) + len);
	memcpy(msg, &h, sizeof(h));
	if (len)
		memcpy(msg + sizeof(h), payload, len);
	send_bytes(c->sock, msg, h.size, nr_fds);
}

static void send_version(struct client *c)
{
	static const char version[] = "\0\0\0\0{\"" VFIO_USER_CAPABILITIES "\":{\""
				      VFIO_USER_WRITE_MULTIPLE "\":true}}";

	send_command(c, VFIO_USER_VERSION, 0, version, sizeof(version), 0);
}

static void send_messages(struct client *c, struct fuzz_input *in)
{
	unsigned int i, how, command, flags;
	size_t len;

	for (i = 0; i < MAX_MESSAGES && in->len; i++) {
		how = (unsigned int)fuzz_take(in, 1);
		command = (unsigned int)fuzz_take(in, 1);
		flags = (unsigned int)fuzz_take(in, 1);
		len = fuzz_take(in, 2);
		len = len < in->len ? len : in->len;
		if (!(how & 0x80))
			send_command(c, command, flags, in->data, len, how & 0x1f);
		else if (len)
			send_bytes(c->sock, in->data, len, how & 0x1f);
		in->data += len;
		in->len -= len;
	}
}

static bool receive(int sock, void *buf, size_t len)
{
	/* Once the server has hung up even nothing can't be received. */
	return !len || recv(sock, buf, len, MSG_WAITALL) == (ssize_t)len;
}

static void *read_replies(void *arg)
{
	static uint8_t payload[sizeof(struct vfio_user_region_access) + SERVE_MAX_DATA];
	struct client *c = arg;
	struct vfio_user_header h;
	size_t len;

	while (receive(c->sock, &h, sizeof(h))) {
		must(h.size >= sizeof(h));
		len = h.size - sizeof(h);
		must(len <= sizeof(payload));
		must(h.flags == VFIO_USER_TYPE_REPLY ? !h.error :
		     h.flags == (VFIO_USER_TYPE_REPLY | VFIO_USER_ERROR) && h.error && !len);
		must(receive(c->sock, payload, len));
		if (len >= sizeof(c->word))
			memcpy(&c->word, payload + len - sizeof(c->word), sizeof(c->word));
		c->replies++;
	}
	return NULL;
}

/* --- a connection --- */

static void begin(struct client *c)
{
	int pair[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	*c = (struct client) { .sock = pair[0], .theirs = pair[1] };
}

/* All is sent; the server gets at it. */
static enum serve_end finish(struct client *c, struct device *dev, char *why, size_t why_len)
{
	const struct service service = { .dev = dev, .stop = -1 };
	const struct caller caller = { .sock = c->theirs };
	enum serve_end end;
	pthread_t reader;

	must(!shutdown(c->sock, SHUT_WR));
	must(!pthread_create(&reader, NULL, read_replies, c));
	end = serve_client(&service, &caller, why, why_len);
	close(c->theirs);
	must(!pthread_join(reader, NULL));
	close(c->sock);
	return end;
}

static void serve_input(struct device *dev, struct fuzz_input *in, bool negotiate)
{
	char why[160] = "", *at;
	enum serve_end end;
	struct client c;

	begin(&c);
	if (negotiate)
		send_version(&c);
	send_messages(&c, in);
	end = finish(&c, dev, why, sizeof(why));
	must(end == SERVE_LEFT || end == SERVE_LIED);
	must(!*why == (end == SERVE_LEFT));
	for (at = why; *at; at++)
		must(isprint((unsigned char)*at));
}

static void serve_honest(struct device *dev)
{
	const struct vfio_user_region_access id = { 0, VFIO_USER_PCI_CONFIG, 2 };
	char why[160] = "";
	struct client c;

	begin(&c);
	send_version(&c);
	send_command(&c, VFIO_USER_REGION_READ, 0, &id, sizeof(id), 0);
	must(finish(&c, dev, why, sizeof(why)) == SERVE_LEFT);
	must(c.replies == 2);
	must(c.word >> 16 == PCI_VENDOR_NVIDIA);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const chips[] = {
		"tu102", "ga100", "ga102", "ad102", "gh100", "gb100", "gb202",
	};
	static struct device dev;
	struct fuzz_input in = { data, len };
	unsigned int head = (unsigned int)fuzz_take(&in, 1), fds = open_fds();
	const struct sim_config cfg = {
		.chip = chips[(head & 0x7f) % 7], .vram_size = 64 << 20, .bar1_size = 64 << 20,
	};
	struct sim_gpu *gpu;
	char why[160];

	must(!sim_create(&cfg, &gpu, why, sizeof(why)));
	device_init(&dev, gpu);
	serve_input(&dev, &in, !(head & 0x80));
	serve_honest(&dev);
	device_fini(&dev);
	sim_destroy(gpu);
	must(open_fds() == fds);
	return 0;
}
