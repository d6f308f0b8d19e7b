/* SPDX-License-Identifier: MIT */
/* Who comes while a client is served: is told so and sent away, or is the next. */
#ifndef SERVER_LOBBY_H
#define SERVER_LOBBY_H

#include <poll.h>
#include <stdbool.h>

#include "caller.h"

#define LOBBY_SEATS	4
#define LOBBY_FDS	(1 + LOBBY_SEATS)

/**
 * struct lobby - where they come
 * @listener: a listening socket that does not block; stays the owner's
 * @nr: how many are waited for
 * @seat: those, oldest first: they have not said all of their first message yet.
 *	Who finds no seat free takes the oldest's, so that nobody who says nothing
 *	keeps others from being told
 */
struct lobby {
	int listener;
	unsigned int nr;
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
 * A version message is answered with EBUSY once all of it has come, and with that the
 * connection ends; anything else ends it without an answer.  Never waits.
 */
void lobby_answer(struct lobby *lobby, const struct pollfd *p);

/**
 * lobby_next - who is to be served next
 * @lobby: the lobby
 * @caller: receives who has waited longest, with what it has said
 *
 * Never waits.
 *
 * Return: whether there is one, whose socket is the caller's then; else errno has
 * accept()'s reason, EAGAIN if nobody has come.
 */
bool lobby_next(struct lobby *lobby, struct caller *caller);

/** lobby_empty - send all away who are there */
void lobby_empty(struct lobby *lobby);

#endif
