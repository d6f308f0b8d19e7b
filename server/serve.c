/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dma.h"
#include "serve.h"

#define MAX_JSON	4096
#define MAX_PAYLOAD	(sizeof(struct vfio_user_region_access) + SERVE_MAX_DATA)
/* Queries may grow with later versions of the protocol. */
#define MAX_QUERY	64
#define ERR_LIED	(-1)
/* How often something is received before asking whether to stop */
#define STOP_EVERY	64

/**
 * struct message - a command, over which its reply is written
 * @header: of the command, then of the reply
 * @payload: likewise; the data of a region access is aligned to 8 in it
 */
struct message {
	struct vfio_user_header header;
	_Alignas(8) uint8_t payload[MAX_PAYLOAD];
};

/* What a client wants to be told, by the place in an interrupt's descriptors */
enum { IRQ_MASKED, IRQ_UNMASKED, IRQ_TRIGGERED, NR_IRQ_EVENTS };

/**
 * struct client - a connection
 * @dev: the device
 * @sock: the socket
 * @heard: how often something was received from it
 * @stop: descriptor that says stop
 * @why: takes the reason of the end
 * @why_len: bytes at @why
 * @end: of the connection, once it has come
 * @negotiated: version and capabilities are agreed on
 * @msg: the message at hand
 * @len: bytes of its payload, then of its reply's
 * @fd: descriptors that came with it; -1 where a handler has taken one
 * @nr_fds: how many
 * @dma: its DMA windows
 * @irq: its event descriptors, by interrupt and event; -1 for none.  They are
 *	never used: the model raises no interrupts
 */
struct client {
	struct device *dev;
	int sock;
	unsigned int heard;
	int stop;
	char *why;
	size_t why_len;
	enum serve_end end;
	bool negotiated;
	struct message *msg;
	size_t len;
	int fd[SERVE_MAX_FDS];
	unsigned int nr_fds;
	struct dma_windows dma;
	int irq[VFIO_USER_PCI_IRQS][NR_IRQ_EVENTS];
};

__attribute__((format(printf, 2, 3)))
static int lied(struct client *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, c->why_len, fmt, ap);
	va_end(ap);
	c->end = SERVE_LIED;
	return ERR_LIED;
}

static bool failed(struct client *c, const char *what)
{
	snprintf(c->why, c->why_len, "%s: %s", what, strerror(errno));
	c->end = SERVE_FAILED;
	return false;
}

/* --- the socket ------------------------------------------------------------ */

/* Return: false at the end. */
static bool wait_for(struct client *c, short events)
{
	struct pollfd p[2] = { { .fd = c->stop, .events = POLLIN },
			       { .fd = c->sock, .events = events } };

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return failed(c, "poll");
	if (p[0].revents) {
		c->end = SERVE_STOPPED;
		return false;
	}
	return true;
}

static void close_fds(struct client *c)
{
	while (c->nr_fds) {
		int fd = c->fd[--c->nr_fds];

		if (fd >= 0)
			close(fd);
	}
}

/* Return: whether all of them have room. */
static bool take_fds(struct client *c, struct msghdr *mh)
{
	bool ok = !(mh->msg_flags & MSG_CTRUNC);
	struct cmsghdr *cm;
	size_t nr, i;
	int fd;

	for (cm = CMSG_FIRSTHDR(mh); cm; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		nr = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(fd);
		for (i = 0; i < nr; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(fd), sizeof(fd));
			if (c->nr_fds < SERVE_MAX_FDS) {
				c->fd[c->nr_fds++] = fd;
			} else {
				close(fd);
				ok = false;
			}
		}
	}
	return ok;
}

/* Return: bytes, 0 at the end. */
static size_t receive_some(struct client *c, void *buf, size_t len)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(SERVE_MAX_FDS * sizeof(int))];
	struct iovec iov = { buf, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	/* A system call less for each of many messages, and yet they do not keep us from stopping */
	bool wait = !(c->heard++ % STOP_EVERY);
	ssize_t got;

	do {
		if (wait && !wait_for(c, POLLIN))
			return 0;
		mh.msg_control = control;
		mh.msg_controllen = sizeof(control);
		got = recvmsg(c->sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		wait = true;
	} while (got < 0 && (errno == EINTR || errno == EAGAIN));
	if (got < 0) {
		/* It left with replies unread. */
		if (errno != ECONNRESET)
			failed(c, "receiving");
		return 0;
	}
	if (!take_fds(c, &mh)) {
		lied(c, "more than %d descriptors in a message", SERVE_MAX_FDS);
		return 0;
	}
	return (size_t)got;
}

/* Return: bytes, fewer than @len at the end. */
static size_t receive(struct client *c, void *buf, size_t len)
{
	size_t done = 0, got;

	while (done < len) {
		got = receive_some(c, (char *)buf + done, len - done);
		if (!got)
			break;
		done += got;
	}
	return done;
}

static bool send_all(struct client *c, const void *buf, size_t len)
{
	const char *at = buf;
	ssize_t sent;

	while (len) {
		sent = send(c->sock, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent >= 0) {
			at += sent;
			len -= (size_t)sent;
		} else if (errno == EAGAIN) {
			if (!wait_for(c, POLLOUT))
				return false;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			return false;
		} else if (errno != EINTR) {
			return failed(c, "sending");
		}
	}
	return true;
}

/* --- version --------------------------------------------------------------- */

static const struct capability {
	const char *name;
	int64_t val;
} capabilities[] = {
	{ VFIO_USER_MAX_MSG_FDS, SERVE_MAX_FDS },
	{ VFIO_USER_MAX_DATA_XFER, SERVE_MAX_DATA },
	{ VFIO_USER_MAX_DMA_MAPS, VFIO_USER_MAX_DMA_MAPS_DEFAULT },
	{ VFIO_USER_PGSIZES, VFIO_USER_PGSIZES_DEFAULT },
};

#define NR_CAPABILITIES	(sizeof(capabilities) / sizeof(capabilities[0]))

/* The client's JSON; NULL if it is none. */
static struct json_object *parse_json(const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(8);
	struct json_object *o;

	if (!tok)
		return NULL;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(tok, text, (int)len);
	if (json_tokener_get_error(tok) != json_tokener_success) {
		json_object_put(o);
		o = NULL;
	}
	json_tokener_free(tok);
	return o;
}

/* Ours, for those that the client has proposed. */
static int agree(struct client *c, struct json_object *theirs, struct json_object *ours)
{
	struct json_object *val;
	size_t i;

	for (i = 0; i < NR_CAPABILITIES; i++) {
		if (!json_object_object_get_ex(theirs, capabilities[i].name, &val))
			continue;
		if (!json_object_is_type(val, json_type_int) || json_object_get_int64(val) < 0)
			return lied(c, "capability %s is no number", capabilities[i].name);
		json_object_object_add(ours, capabilities[i].name,
				       json_object_new_int64(capabilities[i].val));
	}
	return 0;
}

static int agree_on_json(struct client *c, const char *text, size_t len, struct json_object *ours)
{
	struct json_object *top, *theirs;
	int err = 0;

	if (!len)
		return 0;
	if (strnlen(text, len) != len - 1)
		return lied(c, "version data is not one string");
	top = parse_json(text, len);
	if (!json_object_is_type(top, json_type_object))
		err = lied(c, "version data is no JSON object");
	else if (json_object_object_get_ex(top, VFIO_USER_CAPABILITIES, &theirs))
		err = json_object_is_type(theirs, json_type_object) ?
			agree(c, theirs, ours) : lied(c, "capabilities are no JSON object");
	json_object_put(top);
	return err;
}

static int do_version(struct client *c)
{
	struct vfio_user_version *v = (void *)c->msg->payload;
	char *text = (char *)(v + 1);
	struct json_object *top, *ours;
	int err;

	if (c->negotiated)
		return lied(c, "a second version");
	if (c->msg->header.flags & VFIO_USER_NO_REPLY)
		return lied(c, "a version that wants no reply");
	if (v->major != VFIO_USER_MAJOR)
		return lied(c, "major version %u, not %u", v->major, VFIO_USER_MAJOR);
	top = json_object_new_object();
	ours = json_object_new_object();
	json_object_object_add(top, VFIO_USER_CAPABILITIES, ours);
	err = agree_on_json(c, text, c->len - sizeof(*v), ours);
	if (!err) {
		v->minor = VFIO_USER_MINOR;
		c->len = sizeof(*v) + 1 +
			(size_t)snprintf(text, MAX_JSON, "%s",
					 json_object_to_json_string_ext(top, JSON_C_TO_STRING_PLAIN));
		c->negotiated = true;
	}
	json_object_put(top);
	return err;
}

/* --- DMA ------------------------------------------------------------------- */

/* Whole pages that do not wrap around */
static bool is_range(uint64_t address, uint64_t size)
{
	const uint64_t rest = VFIO_USER_PGSIZES_DEFAULT - 1;

	return size && !((address | size) & rest) && address + (size - 1) >= address;
}

static int do_dma_map(struct client *c)
{
	const struct vfio_user_dma_map *map = (void *)c->msg->payload;

	if (map->argsz != sizeof(*map))
		return lied(c, "DMA_MAP with argsz %u", map->argsz);
	if (map->size && map->address + (map->size - 1) < map->address)
		return lied(c, "DMA_MAP past the end of addresses");
	if (map->offset + map->size < map->offset)
		return lied(c, "DMA_MAP past the end of files");
	if (map->flags & ~(VFIO_USER_DMA_READABLE | VFIO_USER_DMA_WRITABLE) ||
	    !is_range(map->address, map->size))
		return EINVAL;
	c->len = 0;
	/* The model masters no bus: the file that may have come is closed unused. */
	return dma_map(&c->dma, map->address, map->size);
}

static int do_dma_unmap(struct client *c)
{
	const struct vfio_user_dma_unmap *unmap = (void *)c->msg->payload;

	if (unmap->argsz < sizeof(*unmap))
		return lied(c, "DMA_UNMAP with argsz %u", unmap->argsz);
	if (unmap->size && unmap->address + (unmap->size - 1) < unmap->address)
		return lied(c, "DMA_UNMAP past the end of addresses");
	if (unmap->flags == VFIO_USER_DMA_UNMAP_ALL && !unmap->address && !unmap->size) {
		dma_unmap_all(&c->dma);
		return 0;
	}
	if (unmap->flags || !is_range(unmap->address, unmap->size))
		return EINVAL;
	return dma_unmap(&c->dma, unmap->address, unmap->size);
}

/* --- questions ------------------------------------------------------------- */

static int do_device_info(struct client *c)
{
	struct vfio_user_device_info *info = (void *)c->msg->payload;

	if (info->argsz < sizeof(*info))
		return lied(c, "DEVICE_GET_INFO with argsz %u", info->argsz);
	*info = (struct vfio_user_device_info) {
		.argsz = sizeof(*info),
		.flags = VFIO_USER_DEVICE_RESETS | VFIO_USER_DEVICE_PCI,
		.num_regions = VFIO_USER_PCI_REGIONS,
		.num_irqs = VFIO_USER_PCI_IRQS,
	};
	c->len = sizeof(*info);
	return 0;
}

static int do_region_info(struct client *c)
{
	struct vfio_user_region_info *info = (void *)c->msg->payload;
	uint64_t size;

	if (info->argsz < sizeof(*info))
		return lied(c, "DEVICE_GET_REGION_INFO with argsz %u", info->argsz);
	if (info->index >= VFIO_USER_PCI_REGIONS)
		return EINVAL;
	size = device_region_size(c->dev, info->index);
	*info = (struct vfio_user_region_info) {
		.argsz = sizeof(*info),
		.flags = size ? VFIO_USER_REGION_READABLE | VFIO_USER_REGION_WRITABLE : 0,
		.index = info->index,
		.size = size,
	};
	c->len = sizeof(*info);
	return 0;
}

/* Errors and requests are there for QEMU, which warns where a device cannot tell of errors. */
static uint32_t irq_count(uint32_t index)
{
	return index != VFIO_USER_PCI_MSIX;
}

static uint32_t irq_flags(uint32_t index)
{
	if (index == VFIO_USER_PCI_INTX)
		return VFIO_USER_IRQ_EVENTFD | VFIO_USER_IRQ_MASKABLE | VFIO_USER_IRQ_AUTOMASKED;
	return irq_count(index) ? VFIO_USER_IRQ_EVENTFD : 0;
}

static int do_irq_info(struct client *c)
{
	struct vfio_user_irq_info *info = (void *)c->msg->payload;

	if (info->argsz < sizeof(*info))
		return lied(c, "DEVICE_GET_IRQ_INFO with argsz %u", info->argsz);
	if (info->index >= VFIO_USER_PCI_IRQS)
		return EINVAL;
	info->argsz = sizeof(*info);
	info->flags = irq_flags(info->index);
	info->count = irq_count(info->index);
	c->len = sizeof(*info);
	return 0;
}

/* --- interrupts ------------------------------------------------------------ */

static bool is_one_bit(uint32_t val)
{
	return val && !(val & (val - 1));
}

static void set_irq_fd(int *at, int fd)
{
	if (*at >= 0)
		close(*at);
	*at = fd;
}

static void drop_irq(struct client *c, uint32_t index)
{
	unsigned int i;

	for (i = 0; i < NR_IRQ_EVENTS; i++)
		set_irq_fd(&c->irq[index][i], -1);
}

static unsigned int irq_event(uint32_t flags)
{
	if (flags & VFIO_USER_IRQ_MASK)
		return IRQ_MASKED;
	return flags & VFIO_USER_IRQ_UNMASK ? IRQ_UNMASKED : IRQ_TRIGGERED;
}

/* What must hold whatever the device has. */
static int check_irq_set(struct client *c, const struct vfio_user_irq_set *set)
{
	size_t data = set->flags & VFIO_USER_IRQ_DATA_BOOL ? set->count : 0;

	if (set->argsz != c->len)
		return lied(c, "DEVICE_SET_IRQS with argsz %u in %zu bytes", set->argsz, c->len);
	if (c->len - sizeof(*set) != data)
		return lied(c, "DEVICE_SET_IRQS with %zu bytes for %u interrupts",
			    c->len - sizeof(*set), set->count);
	if (set->start + set->count < set->start)
		return lied(c, "DEVICE_SET_IRQS past the last number");
	if (c->nr_fds && (!(set->flags & VFIO_USER_IRQ_DATA_EVENTFD) || c->nr_fds != set->count))
		return lied(c, "DEVICE_SET_IRQS with %u descriptors for %u interrupts", c->nr_fds,
			    set->count);
	return 0;
}

static int do_set_irqs(struct client *c)
{
	const struct vfio_user_irq_set *set = (void *)c->msg->payload;
	int err = check_irq_set(c, set);

	if (err)
		return err;
	c->len = 0;
	if (set->flags & ~(VFIO_USER_IRQ_DATA | VFIO_USER_IRQ_ACTION) ||
	    !is_one_bit(set->flags & VFIO_USER_IRQ_DATA) ||
	    !is_one_bit(set->flags & VFIO_USER_IRQ_ACTION) || set->index >= VFIO_USER_PCI_IRQS)
		return EINVAL;
	if (!set->count) {
		if (set->start || set->flags != (VFIO_USER_IRQ_DATA_NONE | VFIO_USER_IRQ_TRIGGER))
			return EINVAL;
		drop_irq(c, set->index);
		return 0;
	}
	if (set->start + set->count > irq_count(set->index))
		return EINVAL;
	if (!(set->flags & VFIO_USER_IRQ_TRIGGER) &&
	    !(irq_flags(set->index) & VFIO_USER_IRQ_MASKABLE))
		return EINVAL;
	if (set->flags & VFIO_USER_IRQ_DATA_EVENTFD) {
		set_irq_fd(&c->irq[set->index][irq_event(set->flags)], c->nr_fds ? c->fd[0] : -1);
		c->nr_fds = 0;
		return 0;
	}
	/* There is never an interrupt to mask; triggering them for tests is not offered. */
	return set->flags & VFIO_USER_IRQ_TRIGGER ? EOPNOTSUPP : 0;
}

/* --- regions --------------------------------------------------------------- */

/* Return: 0, an errno, or ERR_LIED. */
static int check_access(struct client *c, const struct vfio_user_region_access *access)
{
	uint64_t size;

	if (access->count > SERVE_MAX_DATA)
		return lied(c, "access to %u bytes, at most %u are", access->count, SERVE_MAX_DATA);
	if (access->offset + access->count < access->offset)
		return lied(c, "access past the end of offsets");
	size = device_region_size(c->dev, access->region);
	return size && access->offset + access->count <= size ? 0 : EINVAL;
}

static int do_read(struct client *c)
{
	struct vfio_user_region_access *access = (void *)c->msg->payload;
	int err = check_access(c, access);

	if (err)
		return err;
	device_read(c->dev, access->region, access->offset, access + 1, access->count);
	c->len = sizeof(*access) + access->count;
	return 0;
}

static int do_write(struct client *c)
{
	struct vfio_user_region_access *access = (void *)c->msg->payload;
	int err = check_access(c, access);

	if (err == ERR_LIED)
		return err;
	if (c->len - sizeof(*access) != access->count)
		return lied(c, "write of %u bytes with %zu", access->count,
			    c->len - sizeof(*access));
	if (err)
		return err;
	device_write(c->dev, access->region, access->offset, access + 1, access->count);
	c->len = sizeof(*access);
	return 0;
}

static int do_reset(struct client *c)
{
	device_reset(c->dev);
	return 0;
}

/* --- messages -------------------------------------------------------------- */

/**
 * struct command - what a client may send
 * @name: for complaints
 * @min: bytes of payload at least
 * @max: at most
 * @max_fds: descriptors
 * @run: does it and sets client.len.  Return: 0, an errno, or ERR_LIED.  NULL:
 *	not offered
 */
struct command {
	const char *name;
	size_t min;
	size_t max;
	unsigned int max_fds;
	int (*run)(struct client *c);
};

#define COMMAND(cmd, ...) [VFIO_USER_##cmd] = { #cmd, __VA_ARGS__ }

static const struct command commands[] = {
	COMMAND(VERSION, sizeof(struct vfio_user_version),
		sizeof(struct vfio_user_version) + MAX_JSON, 0, do_version),
	COMMAND(DMA_MAP, sizeof(struct vfio_user_dma_map),
		sizeof(struct vfio_user_dma_map), 1, do_dma_map),
	COMMAND(DMA_UNMAP, sizeof(struct vfio_user_dma_unmap),
		sizeof(struct vfio_user_dma_unmap), 0, do_dma_unmap),
	COMMAND(DEVICE_GET_INFO, sizeof(struct vfio_user_device_info), MAX_QUERY, 0,
		do_device_info),
	COMMAND(DEVICE_GET_REGION_INFO, sizeof(struct vfio_user_region_info), MAX_QUERY, 0,
		do_region_info),
	COMMAND(DEVICE_GET_IRQ_INFO, sizeof(struct vfio_user_irq_info), MAX_QUERY, 0, do_irq_info),
	COMMAND(DEVICE_SET_IRQS, sizeof(struct vfio_user_irq_set), MAX_QUERY, SERVE_MAX_FDS,
		do_set_irqs),
	COMMAND(REGION_READ, sizeof(struct vfio_user_region_access),
		sizeof(struct vfio_user_region_access), 0, do_read),
	COMMAND(REGION_WRITE, sizeof(struct vfio_user_region_access), MAX_PAYLOAD, 0, do_write),
	COMMAND(DEVICE_RESET, 0, 0, 0, do_reset),
};

/* Anything else may be a command of a version to come. */
static const struct command unknown = { "command", 0, MAX_PAYLOAD, SERVE_MAX_FDS, NULL };

static const struct command *find_command(unsigned int nr)
{
	bool known = nr < sizeof(commands) / sizeof(commands[0]) && commands[nr].run;

	return known ? &commands[nr] : &unknown;
}

static int check_header(struct client *c, const struct command *cmd)
{
	const struct vfio_user_header *h = &c->msg->header;

	if ((h->flags & VFIO_USER_TYPE) != VFIO_USER_TYPE_COMMAND)
		return lied(c, "message of type %u, not a command", h->flags & VFIO_USER_TYPE);
	if (h->flags & ~(VFIO_USER_TYPE | VFIO_USER_NO_REPLY))
		return lied(c, "command with flags 0x%x", h->flags);
	if (!c->negotiated && h->command != VFIO_USER_VERSION)
		return lied(c, "command %u before a version", h->command);
	if (h->size < sizeof(*h) + cmd->min || h->size > sizeof(*h) + cmd->max)
		return lied(c, "%s of %u bytes", cmd->name, h->size);
	return 0;
}

/* Return: whether there is one; c->end says why not. */
static bool receive_message(struct client *c, const struct command **cmd)
{
	struct vfio_user_header *h = &c->msg->header;
	size_t got;

	got = receive(c, h, sizeof(*h));
	if (got < sizeof(*h)) {
		if (got && c->end == SERVE_LEFT)
			lied(c, "%zu bytes of a header", got);
		return false;
	}
	*cmd = find_command(h->command);
	if (check_header(c, *cmd))
		return false;
	c->len = h->size - sizeof(*h);
	got = receive(c, c->msg->payload, c->len);
	if (got < c->len) {
		if (c->end == SERVE_LEFT)
			lied(c, "%zu bytes of %s, not %zu", got, (*cmd)->name, c->len);
		return false;
	}
	if (c->nr_fds > (*cmd)->max_fds) {
		lied(c, "%s with %u descriptors", (*cmd)->name, c->nr_fds);
		return false;
	}
	return true;
}

static bool reply(struct client *c, int err)
{
	struct vfio_user_header *h = &c->msg->header;

	if (h->flags & VFIO_USER_NO_REPLY)
		return true;
	if (err)
		c->len = 0;
	h->size = (uint32_t)(sizeof(*h) + c->len);
	h->flags = VFIO_USER_TYPE_REPLY | (err ? VFIO_USER_ERROR : 0);
	h->error = (uint32_t)err;
	return send_all(c, c->msg, h->size);
}

/* Return: whether to go on. */
static bool serve_message(struct client *c)
{
	const struct command *cmd;
	bool go_on = false;
	int err;

	if (receive_message(c, &cmd)) {
		err = cmd->run ? cmd->run(c) : EOPNOTSUPP;
		go_on = err != ERR_LIED && reply(c, err);
	}
	close_fds(c);
	return go_on;
}

enum serve_end serve_client(struct device *dev, int sock, int stop, char *why, size_t why_len)
{
	struct client c = {
		.dev = dev, .sock = sock, .stop = stop, .why = why, .why_len = why_len,
		.end = SERVE_LEFT,
	};
	uint32_t i;

	memset(c.irq, 0xff, sizeof(c.irq));
	c.msg = malloc(sizeof(*c.msg));
	if (!c.msg) {
		failed(&c, "a client");
		return c.end;
	}
	while (serve_message(&c))
		;
	for (i = 0; i < VFIO_USER_PCI_IRQS; i++)
		drop_irq(&c, i);
	dma_unmap_all(&c.dma);
	free(c.msg);
	return c.end;
}
