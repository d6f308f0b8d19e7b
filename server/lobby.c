/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lobby.h"

void lobby_init(struct lobby *lobby, int listener)
{
	lobby->listener = listener;
	lobby->nr = 0;
}

void lobby_watch(const struct lobby *lobby, struct pollfd *p)
{
	unsigned int i;

	p[LOBBY_SEATS] = (struct pollfd) { .fd = lobby->listener, .events = POLLIN };
	for (i = 0; i < LOBBY_SEATS; i++)
		p[i] = (struct pollfd) { .fd = i < lobby->nr ? lobby->seat[i].sock : -1,
					 .events = POLLIN };
}

/* --- seats ----------------------------------------------------------------- */

static void free_seat(struct lobby *lobby, unsigned int i)
{
	lobby->nr--;
	memmove(&lobby->seat[i], &lobby->seat[i + 1], (lobby->nr - i) * sizeof(lobby->seat[0]));
}

static void send_away(struct lobby *lobby, unsigned int i)
{
	close(lobby->seat[i].sock);
	free_seat(lobby, i);
}

static void take_seat(struct lobby *lobby, const struct caller *caller)
{
	if (lobby->nr == LOBBY_SEATS)
		send_away(lobby, 0);
	lobby->seat[lobby->nr++] = *caller;
}

void lobby_empty(struct lobby *lobby)
{
	while (lobby->nr)
		send_away(lobby, 0);
}

/* Return: whether there is one. */
static bool let_in(struct lobby *lobby, struct caller *caller)
{
	int sock = accept4(lobby->listener, NULL, NULL, SOCK_CLOEXEC);

	caller->sock = sock;
	caller->got = 0;
	return sock >= 0;
}

bool lobby_next(struct lobby *lobby, struct caller *caller)
{
	if (!lobby->nr)
		return let_in(lobby, caller);
	*caller = lobby->seat[0];
	free_seat(lobby, 0);
	return true;
}

/* --- answers --------------------------------------------------------------- */

static void reply_busy(const struct caller *caller)
{
	const struct vfio_user_header busy = {
		.id = caller->header.id,
		.command = VFIO_USER_VERSION,
		.size = sizeof(busy),
		.flags = VFIO_USER_TYPE_REPLY | VFIO_USER_ERROR,
		.error = EBUSY,
	};

	(void)send(caller->sock, &busy, sizeof(busy), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Return: bytes of its first message, as far as that is known; 0: it is no version. */
static size_t length_of_first(const struct caller *caller)
{
	const struct vfio_user_header *h = &caller->header;

	if (caller->got < sizeof(*h))
		return sizeof(*h);
	if (h->command != VFIO_USER_VERSION || h->size < sizeof(*h) ||
	    h->size > sizeof(caller->said))
		return 0;
	return h->size;
}

/*
 * What is left unread when a connection ends makes the client's next write an error,
 * so all of a version is heard.  Descriptors that come along are closed by the kernel.
 *
 * Return: whether there is more to come.
 */
static bool hear(struct caller *caller)
{
	size_t len;
	ssize_t got;

	while ((len = length_of_first(caller)) > caller->got) {
		got = recv(caller->sock, caller->said + caller->got, len - caller->got,
			   MSG_DONTWAIT);
		if (got <= 0)
			return got < 0 && (errno == EAGAIN || errno == EINTR);
		caller->got += (size_t)got;
	}
	if (len)
		reply_busy(caller);
	return false;
}

void lobby_answer(struct lobby *lobby, const struct pollfd *p)
{
	struct caller caller;
	unsigned int i;

	/* From the last, as those after one that goes move up. */
	for (i = lobby->nr; i-- > 0;)
		if (p[i].revents && !hear(&lobby->seat[i]))
			send_away(lobby, i);
	if (p[LOBBY_SEATS].revents && let_in(lobby, &caller)) {
		if (hear(&caller))
			take_seat(lobby, &caller);
		else
			close(caller.sock);
	}
}
