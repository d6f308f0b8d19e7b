/* SPDX-License-Identifier: MIT */
/* Who comes while a client is served: is told so, and sent away. */
#ifndef SERVER_LOBBY_H
#define SERVER_LOBBY_H

#include <poll.h>
#include <stddef.h>

#include "vfio_user.h"

#define LOBBY_SEATS	4
#define LOBBY_FDS	(1 + LOBBY_SEATS)

/**
 * struct caller - who has not said yet what it wants
 * @sock: its connection, -1 for nobody
 * @got: bytes of @header that have come
 * @header: of its first message
 */
struct caller {
	int sock;
	size_t got;
	struct vfio_user_header header;
};

/**
 * struct lobby - where they come
 * @listener: a listening socket that does not block; stays the owner's
 * @seat: those who are waited for, oldest first.  Who finds none free takes the
 *	oldest's, so that nobody who says nothing keeps others from being told
 */
struct lobby {
	int listener;
	struct caller seat[LOBBY_SEATS];
};

void lobby_init(struct lobby *lobby, int listener);

/** lobby_watch - what to wait for: LOBBY_FDS entries for poll() */
void lobby_watch(const struct lobby *lobby, struct pollfd *p);

/**
 * lobby_answer - answer those who have come and have said something
 * @lobby: the lobby
 * @p: the entries of lobby_watch(), after poll()
 *
 * A version message is answered with EBUSY, and with it the connection ends;
 * anything else ends it without an answer.  Never waits.
 */
void lobby_answer(struct lobby *lobby, const struct pollfd *p);

/** lobby_empty - send all away who are there */
void lobby_empty(struct lobby *lobby);

#endif
