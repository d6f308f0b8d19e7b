/* SPDX-License-Identifier: MIT */
/*
 * A vfio-user client in its barest form, and a server beside it in a thread.
 * Numbers are spelled out from the protocol's specification, on purpose
 * without common/vfio_user.h.
 */
#ifndef TESTS_SERVER_CLIENT_H
#define TESTS_SERVER_CLIENT_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "serve.h"

#define MIB(n)	((uint64_t)(n) << 20)
#define GIB(n)	((uint64_t)(n) << 30)

/* Commands */
#define VERSION		1
#define DMA_MAP		2
#define DMA_UNMAP	3
#define DEVICE_INFO	4
#define REGION_INFO	5
#define REGION_IO_FDS	6
#define IRQ_INFO	7
#define SET_IRQS	8
#define REGION_READ	9
#define REGION_WRITE	10
#define DMA_READ	11
#define DEVICE_RESET	13
#define WRITE_MULTI	15

#define NO_REPLY	0x10u
#define ROM		6	/* region of the expansion ROM */
#define CONFIG		7	/* and of configuration space */

/**
 * struct server - a GPU, and the thread that serves it
 * @gpu: the model
 * @dev: the same as a PCI device
 * @service: what the client gets
 * @sock: the client's end of the connection
 * @theirs: the server's
 * @end: how the connection ended
 * @why: why
 */
struct server {
	struct sim_gpu *gpu;
	struct device dev;
	struct service service;
	pthread_t thread;
	int sock;
	int theirs;
	enum serve_end end;
	char why[160];
};

/* A message as it is on the wire, without its payload. */
struct head {
	uint16_t id, command;
	uint32_t size, flags, error;
};

extern const char *const server_chips[7];

void server_power_on(struct server *s, const struct sim_config *cfg);
void server_power_off(struct server *s);
/* Connect; with a version agreed on, if @negotiate. */
void server_connect(struct server *s, bool negotiate);
/* Leave; the end of the connection is in @s. */
void server_leave(struct server *s);

/* Send bytes with descriptors; false if the server has hung up. */
bool send_raw(struct server *s, const void *buf, size_t len, const int *fds, size_t nr_fds);
/* Send a command of the payload's size. */
bool send_command(struct server *s, unsigned int command, uint32_t flags, const void *payload,
		  size_t len, const int *fds, size_t nr_fds);
/* The next message; its payload must fit.  Return: bytes of payload, -1 if the server has hung up. */
ssize_t receive_message(struct server *s, struct head *h, void *payload, size_t room);
/* Command and reply.  Return: errno of the reply; without one, its payload of exactly @want bytes. */
int ask(struct server *s, unsigned int command, const void *payload, size_t len, void *reply,
	size_t want);

int region_read(struct server *s, uint32_t region, uint64_t off, void *buf, uint32_t len);
int region_write(struct server *s, uint32_t region, uint64_t off, const void *buf, uint32_t len);
/* These must succeed. */
uint32_t read32(struct server *s, uint32_t region, uint64_t off);
void write32(struct server *s, uint32_t region, uint64_t off, uint32_t val);
uint16_t read16(struct server *s, uint32_t region, uint64_t off);
void write16(struct server *s, uint32_t region, uint64_t off, uint16_t val);
uint64_t region_size(struct server *s, uint32_t region);

#endif
