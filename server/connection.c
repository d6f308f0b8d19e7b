/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"

/* How often something is received before asking whether to stop */
#define STOP_EVERY	64

int conn_lied(struct connection *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, c->why_len, fmt, ap);
	va_end(ap);
	c->end = SERVE_LIED;
	return ERR_LIED;
}

bool conn_failed(struct connection *c, const char *what)
{
	snprintf(c->why, c->why_len, "%s: %s", what, strerror(errno));
	c->end = SERVE_FAILED;
	return false;
}

/* Who only says that it sends no more is still there: it may wait for replies. */
static bool has_left(const struct connection *c)
{
	struct pollfd p = { .fd = c->sock };

	return poll(&p, 1, 0) == 1;
}

/* Return: false at the end. */
static bool wait_for(struct connection *c, short events)
{
	struct pollfd p[2 + LOBBY_FDS] = { { .fd = c->stop, .events = POLLIN },
					   { .fd = c->sock, .events = events } };
	nfds_t nr = c->lobby ? 2 + LOBBY_FDS : 2;

	do {
		if (c->lobby)
			lobby_watch(c->lobby, p + 2);
		while (poll(p, nr, -1) < 0)
			if (errno != EINTR)
				return conn_failed(c, "poll");
		if (p[0].revents) {
			c->end = SERVE_STOPPED;
			return false;
		}
		/* Who comes after this one has left is served next, if messages are left or not. */
		if (c->lobby && !has_left(c))
			lobby_answer(c->lobby, p + 2);
	} while (!p[1].revents);
	return true;
}

void conn_close_fds(struct connection *c)
{
	while (c->nr_fds) {
		int fd = c->fd[--c->nr_fds];

		if (fd >= 0)
			close(fd);
	}
}

/* Return: whether all of them have room. */
static bool take_fds(struct connection *c, struct msghdr *mh)
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
static size_t receive_some(struct connection *c, void *buf, size_t len)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(SERVE_MAX_FDS * sizeof(int))];
	struct iovec iov = { buf, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	/* Many messages cost one system call less each, and still do not keep us from stopping. */
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
			conn_failed(c, "receiving");
		return 0;
	}
	if (!take_fds(c, &mh)) {
		conn_lied(c, "more than %d descriptors in a message", SERVE_MAX_FDS);
		return 0;
	}
	return (size_t)got;
}

/* Return: bytes. */
static size_t receive_said(struct connection *c, void *buf, size_t len)
{
	size_t left = c->caller->got - c->received;

	if (len > left)
		len = left;
	memcpy(buf, c->caller->said + c->received, len);
	c->received += len;
	return len;
}

size_t conn_receive(struct connection *c, void *buf, size_t len)
{
	size_t done = receive_said(c, buf, len), got;

	while (done < len) {
		got = receive_some(c, (char *)buf + done, len - done);
		if (!got)
			break;
		done += got;
	}
	return done;
}

bool conn_send(struct connection *c, const void *buf, size_t len)
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
			return conn_failed(c, "sending");
		}
	}
	return true;
}
