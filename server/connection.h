/* SPDX-License-Identifier: MIT */
/* The server's end of a client's socket: bytes and descriptors, and how it all ended. */
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "lobby.h"
#include "serve.h"

/* What a handler returns, in an errno's place, once the connection is to end */
#define ERR_LIED	(-1)

/**
 * struct connection - a client's socket
 * @sock: the socket
 * @caller: whose it is; what it has said already is received first ...
 * @received: ... and so many bytes of that are
 * @stop: descriptor that says stop; -1 for none
 * @lobby: who is answered meanwhile; NULL for nobody
 * @why: takes the reason of the end
 * @why_len: bytes at @why
 * @end: of the connection, once it has come
 * @heard: how often something was received
 * @fd: descriptors that came with the message at hand; -1 where a handler has
 *	taken one
 * @nr_fds: how many
 */
struct connection {
	int sock;
	const struct caller *caller;
	size_t received;
	int stop;
	struct lobby *lobby;
	char *why;
	size_t why_len;
	enum serve_end end;
	unsigned int heard;
	int fd[SERVE_MAX_FDS];
	unsigned int nr_fds;
};

/**
 * conn_lied - the end, as the client broke the protocol
 * @c: the connection
 * @fmt: how, in a line
 *
 * Return: ERR_LIED, for a handler to return.
 */
__attribute__((format(printf, 2, 3)))
int conn_lied(struct connection *c, const char *fmt, ...);

/**
 * conn_failed - the end, as something of the host's failed; errno says why
 * @c: the connection
 * @what: what failed
 *
 * Return: false, for a caller to return.
 */
bool conn_failed(struct connection *c, const char *what);

/**
 * conn_receive - receive bytes, and the descriptors that come with them
 * @c: the connection
 * @buf: gets the bytes
 * @len: how many
 *
 * Return: bytes received, fewer than @len at the end; what kind of end is in
 * connection.end, SERVE_LEFT if the client closed.
 */
size_t conn_receive(struct connection *c, void *buf, size_t len);

/**
 * conn_send - send bytes
 * @c: the connection
 * @buf: the bytes
 * @len: how many
 *
 * Return: whether all are sent; else that is the end, as above.
 */
bool conn_send(struct connection *c, const void *buf, size_t len);

/**
 * conn_close_fds - close the descriptors that came and were not taken
 * @c: the connection
 */
void conn_close_fds(struct connection *c);

#endif
