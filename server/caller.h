/* SPDX-License-Identifier: MIT */
/* Who has connected. */
#ifndef SERVER_CALLER_H
#define SERVER_CALLER_H

#include <stddef.h>
#include <stdint.h>

#include "vfio_user.h"

/* Bytes of JSON that a client may send with its version, and room for ours */
#define VERSION_MAX_JSON	4096

/* The longest message that a connection may begin with */
#define CALLER_MAX_SAID	(sizeof(struct vfio_user_header) + sizeof(struct vfio_user_version) + \
			 VERSION_MAX_JSON)

/**
 * struct caller - who has connected, and what it has said already
 * @sock: its connection
 * @got: bytes at @said
 * @header: the first of them, which is there once they are enough
 * @said: no more than its first message
 */
struct caller {
	int sock;
	size_t got;
	union {
		struct vfio_user_header header;
		uint8_t said[CALLER_MAX_SAID];
	};
};

#endif
