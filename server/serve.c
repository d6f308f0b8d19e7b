/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connection.h"
#include "dma.h"
#include "irqs.h"
#include "serve.h"
#include "version.h"

#define MAX_PAYLOAD	(sizeof(struct vfio_user_region_access) + SERVE_MAX_DATA)
/**
 * struct message - a command, over which its reply is written
 * @header: of the command, then of the reply
 * @payload: likewise; the data of a region access is aligned to 8 in it
 */
struct message {
	struct vfio_user_header header;
	_Alignas(8) uint8_t payload[MAX_PAYLOAD];
};

/**
 * struct client - who is served
 * @service: what it gets
 * @dev: the device in that
 * @conn: the client's socket
 * @negotiated: version and capabilities are agreed on ...
 * @agreement: ... and what follows from them
 * @msg: the message at hand
 * @len: bytes of its payload, then of its reply's
 * @dma: its DMA windows
 * @irqs: its interrupts
 */
struct client {
	const struct service *service;
	struct device *dev;
	struct connection conn;
	bool negotiated;
	struct agreement agreement;
	struct message *msg;
	size_t len;
	struct dma_windows dma;
	struct irqs irqs;
};

/* --- version --------------------------------------------------------------- */

static int do_version(struct client *c)
{
	struct vfio_user_version *v = (void *)c->msg->payload;
	size_t len = c->len - sizeof(*v);
	int err;

	if (c->negotiated)
		return conn_lied(&c->conn, "a second version");
	if (c->msg->header.flags & VFIO_USER_NO_REPLY)
		return conn_lied(&c->conn, "a version that wants no reply");
	if (v->major != VFIO_USER_MAJOR)
		return conn_lied(&c->conn, "major version %u, not %u", v->major,
				 VFIO_USER_MAJOR);
	err = version_agree(&c->conn, (char *)(v + 1), &len, &c->agreement);
	if (err)
		return err;
	v->minor = VFIO_USER_MINOR;
	c->len = sizeof(*v) + len;
	c->negotiated = true;
	return 0;
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
		return conn_lied(&c->conn, "DMA_MAP with argsz %u", map->argsz);
	if (map->size && map->address + (map->size - 1) < map->address)
		return conn_lied(&c->conn, "DMA_MAP past the end of addresses");
	if (map->offset + map->size < map->offset)
		return conn_lied(&c->conn, "DMA_MAP past the end of files");
	if (map->flags & ~(VFIO_USER_DMA_READABLE | VFIO_USER_DMA_WRITABLE) ||
	    !is_range(map->address, map->size))
		return EINVAL;
	c->len = 0;
	return dma_map(&c->dma, map->address, map->size);
}

static int do_dma_unmap(struct client *c)
{
	const struct vfio_user_dma_unmap *unmap = (void *)c->msg->payload;

	if (unmap->argsz < sizeof(*unmap))
		return conn_lied(&c->conn, "DMA_UNMAP with argsz %u", unmap->argsz);
	if (unmap->size && unmap->address + (unmap->size - 1) < unmap->address)
		return conn_lied(&c->conn, "DMA_UNMAP past the end of addresses");
	c->len = sizeof(*unmap);
	if (unmap->flags == VFIO_USER_DMA_UNMAP_ALL && !unmap->address && !unmap->size) {
		dma_unmap_all(&c->dma);
		return 0;
	}
	if (unmap->flags || !is_range(unmap->address, unmap->size))
		return EINVAL;
	return c->service->dma_ranges ? dma_unmap_range(&c->dma, unmap->address, unmap->size) :
					dma_unmap(&c->dma, unmap->address, unmap->size);
}

/* --- questions ------------------------------------------------------------- */

static int do_device_info(struct client *c)
{
	struct vfio_user_device_info *info = (void *)c->msg->payload;

	if (info->argsz < sizeof(*info))
		return conn_lied(&c->conn, "DEVICE_GET_INFO with argsz %u", info->argsz);
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
	uint32_t flags = VFIO_USER_REGION_READABLE;
	uint64_t size;

	if (info->argsz < sizeof(*info))
		return conn_lied(&c->conn, "DEVICE_GET_REGION_INFO with argsz %u", info->argsz);
	if (info->index >= VFIO_USER_PCI_REGIONS)
		return EINVAL;
	size = device_region_size(c->dev, info->index);
	if (device_region_is_writable(info->index))
		flags |= VFIO_USER_REGION_WRITABLE;
	*info = (struct vfio_user_region_info) {
		.argsz = sizeof(*info),
		.flags = size ? flags : 0,
		.index = info->index,
		.size = size,
	};
	c->len = sizeof(*info);
	return 0;
}

static int do_irq_info(struct client *c)
{
	struct vfio_user_irq_info *info = (void *)c->msg->payload;

	if (info->argsz < sizeof(*info))
		return conn_lied(&c->conn, "DEVICE_GET_IRQ_INFO with argsz %u", info->argsz);
	if (info->index >= VFIO_USER_PCI_IRQS)
		return EINVAL;
	info->argsz = sizeof(*info);
	info->flags = irq_flags(info->index);
	info->count = irq_count(info->index);
	c->len = sizeof(*info);
	return 0;
}

/* --- interrupts ------------------------------------------------------------ */

/* What must hold whatever the device has. */
static int check_irq_set(struct client *c, const struct vfio_user_irq_set *set)
{
	size_t data = set->flags & VFIO_USER_IRQ_DATA_BOOL ? set->count : 0;
	unsigned int nr_fds = c->conn.nr_fds;

	if (set->argsz != c->len)
		return conn_lied(&c->conn, "DEVICE_SET_IRQS with argsz %u in %zu bytes",
				 set->argsz, c->len);
	if (c->len - sizeof(*set) != data)
		return conn_lied(&c->conn, "DEVICE_SET_IRQS with %zu bytes for %u interrupts",
				 c->len - sizeof(*set), set->count);
	if (set->start + set->count < set->start)
		return conn_lied(&c->conn, "DEVICE_SET_IRQS past the last number");
	if (nr_fds && set->flags & VFIO_USER_IRQ_DATA_EVENTFD && nr_fds != set->count)
		return conn_lied(&c->conn, "DEVICE_SET_IRQS with %u descriptors for %u interrupts",
				 nr_fds, set->count);
	return 0;
}

static int do_set_irqs(struct client *c)
{
	const struct vfio_user_irq_set *set = (void *)c->msg->payload;
	int err = check_irq_set(c, set), fd = -1;

	if (err)
		return err;
	c->len = 0;
	if (c->conn.nr_fds && !(set->flags & VFIO_USER_IRQ_DATA_EVENTFD))
		return EINVAL;
	if (c->conn.nr_fds)
		fd = c->conn.fd[0];
	err = irqs_set(&c->irqs, set, fd);
	/* Else it is closed with those that were not taken. */
	if (!err && fd >= 0)
		c->conn.nr_fds = 0;
	return err;
}

/* --- regions --------------------------------------------------------------- */

/* Return: 0, an errno, or ERR_LIED. */
static int check_access(struct client *c, const struct vfio_user_region_access *access)
{
	uint64_t size;

	if (access->count > SERVE_MAX_DATA)
		return conn_lied(&c->conn, "access to %u bytes, at most %u are",
				 access->count, SERVE_MAX_DATA);
	if (access->offset + access->count < access->offset)
		return conn_lied(&c->conn, "access past the end of offsets");
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

/* Return: as check_access(). */
static int check_write(struct client *c, const struct vfio_user_region_access *access)
{
	int err = check_access(c, access);

	return err || device_region_is_writable(access->region) ? err : EINVAL;
}

static int do_write(struct client *c)
{
	struct vfio_user_region_access *access = (void *)c->msg->payload;
	int err = check_write(c, access);

	if (err == ERR_LIED)
		return err;
	if (c->len - sizeof(*access) != access->count)
		return conn_lied(&c->conn, "write of %u bytes with %zu", access->count,
				 c->len - sizeof(*access));
	if (err)
		return err;
	device_write(c->dev, access->region, access->offset, access + 1, access->count);
	c->len = sizeof(*access);
	return 0;
}

/* Return: 0 or ERR_LIED. */
static int check_small_writes(struct client *c, struct vfio_user_region_write_multi *multi)
{
	size_t len = c->len - sizeof(*multi), size = sizeof(multi->write[0]), i;
	struct vfio_user_region_access *access;

	if (len % size || len / size != multi->count)
		return conn_lied(&c->conn, "%llu writes in %zu bytes",
				 (unsigned long long)multi->count, c->len);
	for (i = 0; i < multi->count; i++) {
		access = &multi->write[i].access;
		if (access->count > sizeof(multi->write[i].data))
			return conn_lied(&c->conn, "small write of %u bytes", access->count);
		if (check_write(c, access) == ERR_LIED)
			return ERR_LIED;
	}
	return 0;
}

/*
 * Writes that might have come as a message each: one that is refused does not keep
 * those after it from being done.
 */
static int do_write_multi(struct client *c)
{
	struct vfio_user_region_write_multi *multi = (void *)c->msg->payload;
	struct vfio_user_small_write *w;
	uint64_t done = 0;
	size_t i;

	if (!c->agreement.write_multiple)
		return EOPNOTSUPP;
	if (check_small_writes(c, multi))
		return ERR_LIED;
	for (i = 0; i < multi->count; i++) {
		w = &multi->write[i];
		if (check_write(c, &w->access))
			continue;
		device_write(c->dev, w->access.region, w->access.offset, w->data, w->access.count);
		irqs_tell(&c->irqs, c->dev);
		done++;
	}
	multi->count = done;
	c->len = sizeof(*multi);
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
 * @max: at most.  Some clients make a query as long as the answer may be
 * @run: does it and sets client.len.  Return: 0, an errno, or ERR_LIED.  NULL:
 *	not offered
 */
struct command {
	const char *name;
	size_t min;
	size_t max;
	int (*run)(struct client *c);
};

#define COMMAND(cmd, ...) [VFIO_USER_##cmd] = { #cmd, __VA_ARGS__ }

static const struct command commands[] = {
	COMMAND(VERSION, sizeof(struct vfio_user_version),
		sizeof(struct vfio_user_version) + VERSION_MAX_JSON, do_version),
	COMMAND(DMA_MAP, sizeof(struct vfio_user_dma_map), sizeof(struct vfio_user_dma_map),
		do_dma_map),
	COMMAND(DMA_UNMAP, sizeof(struct vfio_user_dma_unmap), MAX_PAYLOAD, do_dma_unmap),
	COMMAND(DEVICE_GET_INFO, sizeof(struct vfio_user_device_info), MAX_PAYLOAD,
		do_device_info),
	COMMAND(DEVICE_GET_REGION_INFO, sizeof(struct vfio_user_region_info), MAX_PAYLOAD,
		do_region_info),
	COMMAND(DEVICE_GET_IRQ_INFO, sizeof(struct vfio_user_irq_info), MAX_PAYLOAD, do_irq_info),
	COMMAND(DEVICE_SET_IRQS, sizeof(struct vfio_user_irq_set), MAX_PAYLOAD, do_set_irqs),
	COMMAND(REGION_READ, sizeof(struct vfio_user_region_access),
		sizeof(struct vfio_user_region_access), do_read),
	COMMAND(REGION_WRITE, sizeof(struct vfio_user_region_access), MAX_PAYLOAD, do_write),
	COMMAND(DEVICE_RESET, 0, 0, do_reset),
	COMMAND(REGION_WRITE_MULTI, sizeof(struct vfio_user_region_write_multi), MAX_PAYLOAD,
		do_write_multi),
};

/* Anything else may be a command of a version to come. */
static const struct command unknown = { "command", 0, MAX_PAYLOAD, NULL };

static const struct command *find_command(unsigned int nr)
{
	bool known = nr < sizeof(commands) / sizeof(commands[0]) && commands[nr].run;

	return known ? &commands[nr] : &unknown;
}

static int check_header(struct client *c, const struct command *cmd)
{
	const struct vfio_user_header *h = &c->msg->header;

	if ((h->flags & VFIO_USER_TYPE) != VFIO_USER_TYPE_COMMAND)
		return conn_lied(&c->conn, "message of type %u, not a command",
				 h->flags & VFIO_USER_TYPE);
	if (h->flags & ~(VFIO_USER_TYPE | VFIO_USER_NO_REPLY))
		return conn_lied(&c->conn, "command with flags 0x%x", h->flags);
	if (!c->negotiated && h->command != VFIO_USER_VERSION)
		return conn_lied(&c->conn, "command %u before a version", h->command);
	if (h->size < sizeof(*h) + cmd->min || h->size > sizeof(*h) + cmd->max)
		return conn_lied(&c->conn, "%s of %u bytes", cmd->name, h->size);
	return 0;
}

/* Return: whether there is one; c->conn.end says why not. */
static bool receive_message(struct client *c, const struct command **cmd)
{
	struct vfio_user_header *h = &c->msg->header;
	size_t got;

	got = conn_receive(&c->conn, h, sizeof(*h));
	if (got < sizeof(*h)) {
		if (got && c->conn.end == SERVE_LEFT)
			conn_lied(&c->conn, "%zu bytes of a header", got);
		return false;
	}
	*cmd = find_command(h->command);
	if (check_header(c, *cmd))
		return false;
	c->len = h->size - sizeof(*h);
	got = conn_receive(&c->conn, c->msg->payload, c->len);
	if (got < c->len) {
		if (c->conn.end == SERVE_LEFT)
			conn_lied(&c->conn, "%zu bytes of %s, not %zu", got, (*cmd)->name,
				  c->len);
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
	return conn_send(&c->conn, c->msg, h->size);
}

/* Return: whether to go on. */
static bool serve_message(struct client *c)
{
	const struct command *cmd;
	bool go_on = false;
	int err;

	/* Descriptors that nothing is done with are closed, with whatever message they come. */
	if (receive_message(c, &cmd)) {
		err = cmd->run ? cmd->run(c) : EOPNOTSUPP;
		irqs_tell(&c->irqs, c->dev);
		go_on = err != ERR_LIED && reply(c, err);
	}
	conn_close_fds(&c->conn);
	return go_on;
}

enum serve_end serve_client(const struct service *service, const struct caller *caller, char *why,
			    size_t why_len)
{
	struct client c = {
		.service = service,
		.dev = service->dev,
		.conn = { .sock = caller->sock, .caller = caller, .stop = service->stop,
			  .lobby = service->lobby, .why = why, .why_len = why_len,
			  .end = SERVE_LEFT },
	};

	irqs_init(&c.irqs, c.dev);
	c.msg = malloc(sizeof(*c.msg));
	if (!c.msg) {
		conn_failed(&c.conn, "a client");
		return c.conn.end;
	}
	while (serve_message(&c))
		;
	irqs_fini(&c.irqs);
	dma_unmap_all(&c.dma);
	free(c.msg);
	return c.conn.end;
}
