/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lobby.h"

void lobby_init(struct lobby *lobby, int listener)
{
	unsigned int i;

	lobby->listener = listener;
	for (i = 0; i < LOBBY_SEATS; i++)
		lobby->seat[i].sock = -1;
}

void lobby_watch(const struct lobby *lobby, struct pollfd *p)
{
	unsigned int i;

	p[LOBBY_SEATS] = (struct pollfd) { .fd = lobby->listener, .events = POLLIN };
	for (i = 0; i < LOBBY_SEATS; i++)
		p[i] = (struct pollfd) { .fd = lobby->seat[i].sock, .events = POLLIN };
}

static void send_away(struct caller *caller)
{
	if (caller->sock >= 0)
		close(caller->sock);
	caller->sock = -1;
}

void lobby_empty(struct lobby *lobby)
{
	unsigned int i;

	for (i = 0; i < LOBBY_SEATS; i++)
		send_away(&lobby->seat[i]);
}

static void reply_busy(const struct caller *caller)
{
	const struct vfio_user_header busy = {
		.id = caller->header.id,
		.command = VFIO_USER_VERSION,
		.size = sizeof(busy),
		.flags = VFIO_USER_TYPE_REPLY | VFIO_USER_ERROR,
		.error = EBUSY,
	};
	char rest[8192];	/* more than a version has */

	/* What is left unread would make its next read an error. */
	if (recv(caller->sock, rest, sizeof(rest), MSG_DONTWAIT) == sizeof(rest))
		return;
	send(caller->sock, &busy, sizeof(busy), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Descriptors that come along are closed by the kernel. */
static void hear(struct caller *caller)
{
	ssize_t got = recv(caller->sock, (char *)&caller->header + caller->got,
			   sizeof(caller->header) - caller->got, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0) {
		caller->got += (size_t)got;
		if (caller->got < sizeof(caller->header))
			return;
		if (caller->header.command == VFIO_USER_VERSION)
			reply_busy(caller);
	}
	send_away(caller);
}

static struct caller *free_seat(struct lobby *lobby)
{
	struct caller *last = &lobby->seat[LOBBY_SEATS - 1];
	unsigned int i;

	for (i = 0; i < LOBBY_SEATS; i++)
		if (lobby->seat[i].sock < 0)
			return &lobby->seat[i];
	send_away(&lobby->seat[0]);
	memmove(lobby->seat, lobby->seat + 1, (LOBBY_SEATS - 1) * sizeof(*last));
	return last;
}

static void let_in(struct lobby *lobby)
{
	int sock = accept4(lobby->listener, NULL, NULL, SOCK_CLOEXEC);
	struct caller *caller;

	/* It may be gone already. */
	if (sock < 0)
		return;
	caller = free_seat(lobby);
	*caller = (struct caller) { .sock = sock };
	hear(caller);
}

void lobby_answer(struct lobby *lobby, const struct pollfd *p)
{
	unsigned int i;

	for (i = 0; i < LOBBY_SEATS; i++)
		if (p[i].revents)
			hear(&lobby->seat[i]);
	if (p[LOBBY_SEATS].revents)
		let_in(lobby);
}
