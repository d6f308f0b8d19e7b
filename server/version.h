/* SPDX-License-Identifier: MIT */
/* The capabilities that client and server tell each other, as JSON, with the version. */
#ifndef SERVER_VERSION_H
#define SERVER_VERSION_H

#include "connection.h"

/**
 * struct agreement - what client and server have agreed on
 * @write_multiple: REGION_WRITE_MULTI may be used
 */
struct agreement {
	bool write_multiple;
};

/**
 * version_agree - read the client's capabilities, answer with the server's
 * @c: the connection
 * @text: the client's JSON, with the byte that ends a string, or nothing; then
 *	the reply's.  There is room for VERSION_MAX_JSON bytes
 * @len: bytes at @text; then of the reply
 * @agreement: receives what follows from both
 *
 * The server tells its own value of each capability that the client named.
 *
 * Return: 0 or ERR_LIED.
 */
int version_agree(struct connection *c, char *text, size_t *len, struct agreement *agreement);

#endif
