// SPDX-License-Identifier: MIT
/*
 * A GPU on a UNIX socket: the driver's operations as vfio-user messages.
 *
 * Writes are posted as on a bus: no reply is asked for, and as the server takes
 * messages in order, a read finds out what became of them.  A server that hangs
 * up, is silent or breaks the protocol is a GPU that is gone; but a reply to a
 * posted write is passed over, as there are servers that send one all the same.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/atomic.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "backend.h"
#include "bus_count.h"
#include "pci.h"
#include "vfio_user.h"

#define MAX_JSON	4096
#define FILL_BYTES	65536u

/*
 * Patience is time that the server may still keep us waiting.  A message adds what an
 * honest server may take for it, a pause between calls its length, up to PATIENCE_NS; so
 * a call waits for no more than that and what its messages add, however the server
 * cuts its replies.
 */
#define PATIENCE_NS	(10ULL * NSEC_PER_SEC)
#define MESSAGE_NS	(10ULL * NSEC_PER_MSEC)
#define BYTE_NS		1000ULL	/* a second for each MB */
#define PAUSE_NS	(10ULL * NSEC_PER_MSEC)	/* shorter ones are within a call */

/**
 * struct vfio_user - a connection
 * @base: of every backend
 * @lock: over the socket and what follows
 * @sock: the socket
 * @gone: nothing more is sent
 * @opened: what the server refuses is no more a reason to be told
 * @patience: that is left
 * @looked: when it was last thought of
 * @id: of the last message
 * @posted: ids of writes that no reply was asked for and none has come for, a bit each
 * @max_data: bytes that one message moves at most, a multiple of 8
 * @regs: region of BAR0
 * @bar1: region of BAR1
 * @head: what configuration space began with
 * @enabled: PCI_COMMAND was changed
 * @transactions: accesses that messages ask for which write
 * @fill: a pattern on its way
 */
struct vfio_user {
	struct nvbar_backend base;
	struct mutex lock;
	int sock;
	bool gone;
	bool opened;
	u64 patience;
	u64 looked;
	u16 id;
	u8 posted[65536 / 8];
	u32 max_data;
	u32 regs;
	u32 bar1;
	struct nvbar_pci_head head;
	bool enabled;
	atomic64_t transactions;
	u32 fill[FILL_BYTES / sizeof(u32)];
};

/* --- the socket ------------------------------------------------------------ */

/* Return: -ENODEV, -ETIMEDOUT the first time if that is why. */
static int lose(struct vfio_user *vu, int err, const char *why)
{
	if (!vu->gone) {
		nvbar_log(&vu->base.log, 0, "%s", why);
		shutdown(vu->sock, SHUT_RDWR);
	}
	vu->gone = true;
	return err;
}

/* Return: time since the last look. */
static u64 look_at_clock(struct vfio_user *vu)
{
	u64 before = vu->looked;

	vu->looked = ktime_get_ns();
	return vu->looked - before;
}

/* Before a message that has @len bytes with its reply */
static void begin_message(struct vfio_user *vu, size_t len)
{
	u64 pause = look_at_clock(vu);
	u64 added = MESSAGE_NS + len * BYTE_NS + (pause < PAUSE_NS ? 0 : pause);

	vu->patience = min(PATIENCE_NS, vu->patience + added);
}

static void lose_patience(struct vfio_user *vu)
{
	vu->patience -= min(vu->patience, look_at_clock(vu));
}

static int wait_for(struct vfio_user *vu, short events)
{
	struct pollfd p = { .fd = vu->sock, .events = events };
	int ret;

	look_at_clock(vu);
	do {
		ret = vu->patience ? poll(&p, 1, (int)(vu->patience / NSEC_PER_MSEC) + 1) : 0;
		/* The server did nothing wrong if this process was stopped meanwhile. */
		if (ret > 0 && ktime_get_ns() - vu->looked > vu->patience)
			return 0;
		lose_patience(vu);
	} while (ret < 0 && errno == EINTR);
	if (ret > 0)
		return 0;
	return ret ? lose(vu, -ENODEV, strerror(errno)) :
		     lose(vu, -ETIMEDOUT, "no answer; does the server have another client?");
}

/* Descriptors that might come along are closed by the kernel. */
static int receive(struct vfio_user *vu, void *buf, size_t len)
{
	ssize_t got;
	int ret;

	while (len) {
		got = recv(vu->sock, buf, len, MSG_DONTWAIT);
		if (got > 0) {
			buf = (char *)buf + got;
			len -= (size_t)got;
		} else if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			ret = wait_for(vu, POLLIN);
			if (ret)
				return ret;
		} else {
			return lose(vu, -ENODEV, "the server has hung up");
		}
	}
	return 0;
}

/* --- replies to posted writes ---------------------------------------------- */

static void note_posted(struct vfio_user *vu, u16 id, bool posted)
{
	u8 bit = 1u << id % 8;

	if (posted)
		vu->posted[id / 8] |= bit;
	else
		vu->posted[id / 8] &= ~bit;
}

static bool is_posted(const struct vfio_user *vu, u16 id)
{
	return vu->posted[id / 8] & 1u << id % 8;
}

static bool is_late_reply(const struct vfio_user *vu, const struct vfio_user_header *h)
{
	return h->command == VFIO_USER_REGION_WRITE && is_posted(vu, h->id) &&
	       (h->flags & VFIO_USER_TYPE) == VFIO_USER_TYPE_REPLY;
}

/* The rest of a reply to a posted write.  Return: as receive(). */
static int pass_over(struct vfio_user *vu, const struct vfio_user_header *h)
{
	struct vfio_user_region_access echo;
	size_t len = h->flags & VFIO_USER_ERROR ? 0 : sizeof(echo);

	note_posted(vu, h->id, false);
	if (h->size != sizeof(*h) + len)
		return lose(vu, -ENODEV, "the server sends a reply of the wrong size");
	return receive(vu, &echo, len);
}

/* What comes while nothing is asked for */
static int skip_late_reply(struct vfio_user *vu)
{
	struct vfio_user_header h;
	int ret = receive(vu, &h, sizeof(h));

	if (ret)
		return ret;
	return is_late_reply(vu, &h) ? pass_over(vu, &h) :
	       lose(vu, -ENODEV, "the server sends what is no reply");
}

/* --- messages -------------------------------------------------------------- */

/* Replies that were not asked for are taken meanwhile, else the server could wait for us. */
static int wait_to_send(struct vfio_user *vu)
{
	struct pollfd p = { .fd = vu->sock, .events = POLLIN };
	int ret = wait_for(vu, POLLIN | POLLOUT);

	if (ret || poll(&p, 1, 0) != 1)
		return ret;
	return skip_late_reply(vu);
}

/* Sends all of two pieces; changes them. */
static int send_all(struct vfio_user *vu, struct iovec iov[2])
{
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t sent;
	int ret;

	while (mh.msg_iovlen) {
		sent = sendmsg(vu->sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
			ret = wait_to_send(vu);
			if (ret)
				return ret;
			continue;
		}
		if (sent < 0)
			return lose(vu, -ENODEV, "the server has hung up");
		while (mh.msg_iovlen && (size_t)sent >= mh.msg_iov->iov_len) {
			sent -= (ssize_t)mh.msg_iov->iov_len;
			mh.msg_iov++;
			mh.msg_iovlen--;
		}
		if (mh.msg_iovlen) {
			mh.msg_iov->iov_base = (char *)mh.msg_iov->iov_base + sent;
			mh.msg_iov->iov_len -= (size_t)sent;
		}
	}
	return 0;
}

/* The struct of a command, and data behind it */
struct payload {
	void *fixed;
	size_t fixed_len;
	void *data;
	size_t data_len;
};

static int send_command(struct vfio_user *vu, u16 command, u32 flags, const struct payload *p)
{
	struct {
		struct vfio_user_header h;
		char fixed[32];
	} head = {
		.h.id = ++vu->id,
		.h.command = command,
		.h.size = sizeof(head.h) + p->fixed_len + p->data_len,
		.h.flags = flags,
	};
	struct iovec iov[2] = { { &head, sizeof(head.h) + p->fixed_len }, { p->data, p->data_len } };

	if (vu->gone)
		return -ENODEV;
	note_posted(vu, head.h.id, flags & VFIO_USER_NO_REPLY);
	memcpy(head.fixed, p->fixed, p->fixed_len);
	return send_all(vu, iov);
}

/* Return: bytes of the reply's payload; the error that the server replies; as receive(). */
static ssize_t receive_header(struct vfio_user *vu, u16 command)
{
	struct vfio_user_header h;
	int ret = receive(vu, &h, sizeof(h));

	while (!ret && is_late_reply(vu, &h)) {
		ret = pass_over(vu, &h);
		if (!ret)
			ret = receive(vu, &h, sizeof(h));
	}
	if (ret)
		return ret;
	if (h.id != vu->id || h.command != command || h.size < sizeof(h) ||
	    (h.flags & VFIO_USER_TYPE) != VFIO_USER_TYPE_REPLY)
		return lose(vu, -ENODEV, "the server sends what is no reply");
	if (!(h.flags & VFIO_USER_ERROR))
		return h.size - sizeof(h);
	if (h.size != sizeof(h))
		return lose(vu, -ENODEV, "the server sends an error of the wrong size");
	if (command == VFIO_USER_VERSION && h.error == EBUSY)
		nvbar_log(&vu->base.log, 0, "the server has another client");
	else if (!vu->opened)
		nvbar_log(&vu->base.log, 0, "the server refuses command %u: %s", command,
			  strerror((int)h.error));
	return h.error && h.error < 4096 ? -(ssize_t)h.error : -EIO;
}

static int hear_reply(struct vfio_user *vu, u16 command, const struct payload *reply)
{
	ssize_t len = receive_header(vu, command);
	int ret;

	if (len < 0)
		return (int)len;
	if ((size_t)len != reply->fixed_len + reply->data_len)
		return lose(vu, -ENODEV, "the server sends a reply of the wrong size");
	ret = receive(vu, reply->fixed, reply->fixed_len);
	return ret ? ret : receive(vu, reply->data, reply->data_len);
}

/* Command and reply.  Return: 0, -ENODEV, -ETIMEDOUT, or the error that the server replies. */
static int ask(struct vfio_user *vu, u16 command, const struct payload *send,
	       const struct payload *reply)
{
	int ret;

	guard(mutex)(&vu->lock);
	begin_message(vu, send->data_len + reply->data_len);
	ret = send_command(vu, command, 0, send);
	return ret ? ret : hear_reply(vu, command, reply);
}

/* A write that no reply is asked for; the caller has the lock. */
static void post(struct vfio_user *vu, const struct vfio_user_region_access *access,
		 const struct payload *send)
{
	begin_message(vu, send->data_len);
	if (!send_command(vu, VFIO_USER_REGION_WRITE, VFIO_USER_NO_REPLY, send))
		atomic64_add(nvbar_bus_uncached(access->offset, access->count),
			     &vu->transactions);
}

/* One message; what can't be read is all ones. */
static int region_read(struct vfio_user *vu, u32 region, u64 off, void *buf, size_t len)
{
	struct vfio_user_region_access access = { off, region, len }, echo;
	const struct payload send = { &access, sizeof(access), NULL, 0 };
	const struct payload reply = { &echo, sizeof(echo), buf, len };
	int ret = ask(vu, VFIO_USER_REGION_READ, &send, &reply);

	if (ret)
		memset(buf, 0xff, len);
	return ret;
}

static void region_write(struct vfio_user *vu, u32 region, u64 off, const void *buf, size_t len)
{
	struct vfio_user_region_access access = { off, region, len };
	const struct payload send = { &access, sizeof(access), (void *)(uintptr_t)buf, len };

	guard(mutex)(&vu->lock);
	post(vu, &access, &send);
}

/* Any length, in messages as long as the server takes them */
static void block_read(struct vfio_user *vu, u32 region, u64 off, void *buf, size_t len)
{
	while (len) {
		size_t step = min_t(size_t, len, vu->max_data);

		region_read(vu, region, off, buf, step);
		off += step;
		buf = (char *)buf + step;
		len -= step;
	}
}

static void block_write(struct vfio_user *vu, u32 region, u64 off, const void *buf, size_t len)
{
	while (len) {
		size_t step = min_t(size_t, len, vu->max_data);

		region_write(vu, region, off, buf, step);
		off += step;
		buf = (const char *)buf + step;
		len -= step;
	}
}

/* --- the driver's operations ----------------------------------------------- */

static u64 read_word(struct vfio_user *vu, u32 region, u64 off, unsigned int width)
{
	u64 val = 0;

	region_read(vu, region, off, &val, width);
	return val;
}

static u64 vu_bar0_read(void *hw, u32 off, unsigned int width)
{
	struct vfio_user *vu = hw;

	return read_word(vu, vu->regs, off, width);
}

static void vu_bar0_write(void *hw, u32 off, unsigned int width, u64 val)
{
	struct vfio_user *vu = hw;

	region_write(vu, vu->regs, off, &val, width);
}

static void vu_bar0_read_words(void *hw, u32 off, u64 *dst, size_t nr)
{
	struct vfio_user *vu = hw;

	block_read(vu, vu->regs, off, dst, 8 * nr);
}

static void vu_bar0_write_words(void *hw, u32 off, const u64 *src, size_t nr)
{
	struct vfio_user *vu = hw;

	block_write(vu, vu->regs, off, src, 8 * nr);
}

static u64 vu_bar1_read(void *hw, u64 off, unsigned int width)
{
	struct vfio_user *vu = hw;

	return read_word(vu, vu->bar1, off, width);
}

static void vu_bar1_write(void *hw, u64 off, unsigned int width, u64 val)
{
	struct vfio_user *vu = hw;

	region_write(vu, vu->bar1, off, &val, width);
}

static void vu_bar1_copy_from(void *hw, void *dst, u64 off, size_t len)
{
	struct vfio_user *vu = hw;

	block_read(vu, vu->bar1, off, dst, len);
}

static void vu_bar1_copy_to(void *hw, u64 off, const void *src, size_t len)
{
	struct vfio_user *vu = hw;

	block_write(vu, vu->bar1, off, src, len);
}

static void vu_bar1_fill(void *hw, u64 off, u32 pattern, size_t len)
{
	struct vfio_user *vu = hw;
	size_t max = min(FILL_BYTES, vu->max_data), i;
	struct vfio_user_region_access access = { off, vu->bar1, 0 };
	struct payload send = { &access, sizeof(access), vu->fill, 0 };

	guard(mutex)(&vu->lock);
	for (i = 0; i < min(max, len) / sizeof(pattern); i++)
		vu->fill[i] = pattern;
	for (; len; len -= access.count, access.offset += access.count) {
		access.count = min(max, len);
		send.data_len = access.count;
		post(vu, &access, &send);
	}
}

/* What was written is on the socket, which keeps the order. */
static void vu_write_barrier(void *hw)
{
	(void)hw;
}

static u64 vu_transactions(void *hw)
{
	struct vfio_user *vu = hw;

	return atomic64_read(&vu->transactions);
}

static const struct nvbar_hw_ops vu_ops = {
	.bar0_read = vu_bar0_read,
	.bar0_write = vu_bar0_write,
	.bar0_read_words = vu_bar0_read_words,
	.bar0_write_words = vu_bar0_write_words,
	.bar1_read = vu_bar1_read,
	.bar1_write = vu_bar1_write,
	.bar1_copy_from = vu_bar1_copy_from,
	.bar1_copy_to = vu_bar1_copy_to,
	.bar1_fill = vu_bar1_fill,
	.bar1_mmap = nvbar_backend_no_mmap,
	.bar1_munmap = nvbar_backend_no_munmap,
	.write_barrier = vu_write_barrier,
	.transactions = vu_transactions,
	.message = nvbar_backend_message,
};

/* --- opening --------------------------------------------------------------- */

/* Rounded up, as no time at all would be for ever */
static struct timeval timeval_of(u64 ns)
{
	u64 us = ns / NSEC_PER_USEC + 1;

	return (struct timeval){ us / USEC_PER_SEC, us % USEC_PER_SEC };
}

/* Where the server's queue is full this waits, and a signal does not end that. */
static int connect_in_time(struct vfio_user *vu, const struct sockaddr_un *address)
{
	struct timeval timeout;
	int err;

	do {
		timeout = timeval_of(vu->patience);
		if (setsockopt(vu->sock, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)))
			return -errno;
		err = connect(vu->sock, (const struct sockaddr *)address, sizeof(*address)) ? errno : 0;
		lose_patience(vu);
	} while (err == EINTR && vu->patience);
	return err == EINTR ? -EAGAIN : -err;
}

static int connect_to(struct vfio_user *vu, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ret;

	if (!*path || strlen(path) >= sizeof(address.sun_path)) {
		nvbar_log(&vu->base.log, 0, "not the path of a socket");
		return -EINVAL;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	vu->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (vu->sock < 0) {
		ret = -errno;
		nvbar_log(&vu->base.log, 0, "socket: %s", strerror(-ret));
		return ret;
	}
	ret = connect_in_time(vu, &address);
	if (!ret)
		return 0;
	nvbar_log(&vu->base.log, 0, "%s", ret == -EAGAIN ?
		  "no answer; the server has more clients waiting than it takes" : strerror(-ret));
	switch (ret) {
	case -EACCES:
	case -ENOENT:
		return ret;
	case -EAGAIN:
		return -EBUSY;
	default:
		return -ENODEV;
	}
}

/* The number that a capability has in the server's JSON, which is taken at its word. */
static u64 find_number(const char *json, const char *name, u64 missing)
{
	char quoted[64];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\"", name);
	at = strstr(json, quoted);
	if (!at)
		return missing;
	at += strlen(quoted);
	at += strspn(at, " \t\r\n:");
	return strtoull(at, NULL, 10);
}

/* Return: as ask(). */
static int exchange_versions(struct vfio_user *vu, struct vfio_user_version *version, char *json)
{
	static char ours[] = "{\"" VFIO_USER_CAPABILITIES "\":{\"" VFIO_USER_MAX_MSG_FDS "\":1,"
			     "\"" VFIO_USER_MAX_DATA_XFER "\":1048576}}";
	const struct payload send = { version, sizeof(*version), ours, sizeof(ours) };
	ssize_t len;
	int ret;

	begin_message(vu, MAX_JSON);
	ret = send_command(vu, VFIO_USER_VERSION, 0, &send);
	if (ret)
		return ret;
	len = receive_header(vu, VFIO_USER_VERSION);
	if (len < 0)
		return (int)len;
	if (len < (ssize_t)sizeof(*version) || len > (ssize_t)sizeof(*version) + MAX_JSON)
		return lose(vu, -ENODEV, "the server sends a version of the wrong size");
	ret = receive(vu, version, sizeof(*version));
	if (!ret)
		ret = receive(vu, json, len - sizeof(*version));
	json[len - sizeof(*version)] = '\0';
	return ret;
}

static int negotiate(struct vfio_user *vu)
{
	struct vfio_user_version version = { VFIO_USER_MAJOR, VFIO_USER_MINOR };
	char json[MAX_JSON + 1];
	u64 max_data;
	int ret;

	ret = exchange_versions(vu, &version, json);
	if (ret)
		return ret == -ETIMEDOUT ? -EBUSY : ret;
	if (version.major != VFIO_USER_MAJOR) {
		nvbar_log(&vu->base.log, 0, "the server speaks version %u of the protocol, not %u",
			  version.major, VFIO_USER_MAJOR);
		return -EOPNOTSUPP;
	}
	max_data = find_number(json, VFIO_USER_MAX_DATA_XFER, VFIO_USER_MAX_DATA_XFER_DEFAULT);
	vu->max_data = min_t(u64, max_data, VFIO_USER_MAX_DATA_XFER_DEFAULT) & ~7u;
	if (!vu->max_data) {
		nvbar_log(&vu->base.log, 0, "the server moves %llu bytes at most", max_data);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int region_size(struct vfio_user *vu, u32 region, u64 *size)
{
	struct vfio_user_region_info info = { .argsz = sizeof(info), .index = region };
	const struct payload p = { &info, sizeof(info), NULL, 0 };
	int ret = ask(vu, VFIO_USER_DEVICE_GET_REGION_INFO, &p, &p);

	*size = ret ? 0 : info.size;
	return ret;
}

static int find_bars(struct vfio_user *vu)
{
	struct nvbar_pci_bar bar[PCI_NR_BARS] = { 0 };
	struct nvbar_bar_roles roles;
	unsigned int i;
	int ret;

	for (i = 0; i < PCI_NR_BARS; i++) {
		ret = region_read(vu, VFIO_USER_PCI_CONFIG, PCI_BAR(i), &bar[i].bits,
				  sizeof(bar[i].bits));
		if (!ret)
			ret = region_size(vu, i, &bar[i].size);
		if (ret)
			return ret;
		if (bar[i].size && !is_power_of_2(bar[i].size))
			return lose(vu, -ENODEV, "the server has a BAR of a size that no BAR has");
	}
	nvbar_bar_find_roles(bar, &roles);
	if (roles.regs < 0)
		return nvbar_pci_refuse_unplaced(&vu->base.log, "BAR0");
	vu->regs = roles.regs;
	if (roles.bar1 >= 0) {
		vu->bar1 = roles.bar1;
		vu->base.bar1_size = bar[roles.bar1].size;
	}
	return 0;
}

static int find_gpu(struct vfio_user *vu)
{
	struct vfio_user_device_info info = { .argsz = sizeof(info) };
	const struct payload p = { &info, sizeof(info), NULL, 0 };
	struct nvbar_pci_head *head = &vu->head;
	int ret;

	ret = ask(vu, VFIO_USER_DEVICE_GET_INFO, &p, &p);
	if (ret)
		return ret;
	if (!(info.flags & VFIO_USER_DEVICE_PCI) || info.num_regions <= VFIO_USER_PCI_CONFIG) {
		nvbar_log(&vu->base.log, 0, "the server's device is no PCI device");
		return -EOPNOTSUPP;
	}
	ret = region_read(vu, VFIO_USER_PCI_CONFIG, PCI_VENDOR, head, sizeof(*head));
	if (ret)
		return ret;
	if (!nvbar_pci_answers(head))
		return nvbar_pci_refuse_gone(&vu->base.log, head);
	if ((head->id & 0xffff) != PCI_VENDOR_NVIDIA) {
		nvbar_log(&vu->base.log, 0, "PCI device %04x:%04x is no GPU of NVIDIA's",
			  head->id & 0xffff, head->id >> 16);
		return -EOPNOTSUPP;
	}
	return find_bars(vu);
}

static void write_command(struct vfio_user *vu, u16 command)
{
	region_write(vu, VFIO_USER_PCI_CONFIG, PCI_COMMAND, &command, sizeof(command));
}

static int enable(struct vfio_user *vu, bool observe)
{
	if (vu->head.command & PCI_COMMAND_MEMORY)
		return 0;
	if (observe)
		return nvbar_pci_refuse_off(&vu->base.log,
					    "any command that writes switches them on while it runs");
	write_command(vu, vu->head.command | PCI_COMMAND_MEMORY);
	vu->enabled = true;
	return 0;
}

static void vu_free(struct vfio_user *vu)
{
	if (vu->sock >= 0)
		close(vu->sock);
	mutex_destroy(&vu->lock);
	kfree(vu);
}

static void vu_close(struct nvbar_backend *backend)
{
	struct vfio_user *vu = (struct vfio_user *)backend;
	u16 now;

	if (vu->enabled)
		write_command(vu, vu->head.command);
	/* Nothing that was posted is on its way any more. */
	region_read(vu, VFIO_USER_PCI_CONFIG, PCI_COMMAND, &now, sizeof(now));
	vu_free(vu);
}

int nvbar_backend_vfio_user_open(const char *path, bool observe, struct nvbar_log *log,
				 struct nvbar_backend **backend)
{
	struct vfio_user *vu = kzalloc(sizeof(*vu), GFP_KERNEL);
	int ret;

	if (!vu)
		return -ENOMEM;
	mutex_init(&vu->lock);
	vu->sock = -1;
	vu->base.ops = &vu_ops;
	vu->base.close = vu_close;
	vu->base.log = *log;
	vu->patience = PATIENCE_NS;
	vu->looked = ktime_get_ns();
	ret = connect_to(vu, path);
	if (!ret)
		ret = negotiate(vu);
	if (!ret)
		ret = find_gpu(vu);
	if (!ret)
		ret = enable(vu, observe);
	if (ret) {
		vu_free(vu);
		return ret;
	}
	vu->opened = true;
	*backend = &vu->base;
	return 0;
}
