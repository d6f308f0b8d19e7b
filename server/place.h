/* SPDX-License-Identifier: MIT */
/* The path that a server is at. */
#ifndef SERVER_PLACE_H
#define SERVER_PLACE_H

#include <stddef.h>
#include <sys/stat.h>

/**
 * struct place - where a server is
 * @path: of the socket
 * @listener: the socket, which does not block
 * @own: the file that it is
 */
struct place {
	const char *path;
	int listener;
	struct stat own;
};

/**
 * place_take - listen at a path
 * @place: filled in
 * @path: must stay until place_leave()
 * @why: receives a reason on failure
 * @why_len: bytes there
 *
 * The socket of a server that was killed is removed; anything else that is there stays.
 * Between bind() and listen() a socket looks like one of these, and a name may be
 * another's by the time that it is removed.  So servers that come and go do so one after
 * the other: each has a lock meanwhile, on a file with ".lock" behind the path that only
 * its owner can open, and removes it.  It waits two seconds for another's.
 *
 * Return: 0, or a negative errno and nothing has changed.
 */
int place_take(struct place *place, const char *path, char *why, size_t why_len);

/** place_leave - end that; removes the socket, unless it is another's by now */
void place_leave(struct place *place);

#endif
