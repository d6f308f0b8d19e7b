/* SPDX-License-Identifier: MIT */
/* The server's side of vfio-user: one client's connection, from first to last message. */
#ifndef SERVER_SERVE_H
#define SERVER_SERVE_H

#include <stdbool.h>
#include <stddef.h>

#include "caller.h"
#include "device.h"
#include "vfio_user.h"

/* What a client may ask for at once */
#define SERVE_MAX_DATA	VFIO_USER_MAX_DATA_XFER_DEFAULT
#define SERVE_MAX_FDS	8

/**
 * enum serve_end - how a connection ended
 * @SERVE_LEFT: the client left
 * @SERVE_STOPPED: the caller wants to stop
 * @SERVE_LIED: the client broke the protocol
 * @SERVE_FAILED: something of the host's failed
 */
enum serve_end {
	SERVE_LEFT,
	SERVE_STOPPED,
	SERVE_LIED,
	SERVE_FAILED,
};

struct lobby;

/**
 * struct service - what clients are served
 * @dev: the device
 * @stop: stop when this can be read; -1 for never
 * @lobby: who comes while one is served is answered there; NULL: nobody is
 * @dma_ranges: DMA_UNMAP closes all windows in a range, as dma_unmap_range(); else
 *	the range must be that of one window, as the protocol says
 */
struct service {
	struct device *dev;
	int stop;
	struct lobby *lobby;
	bool dma_ranges;
};

/**
 * serve_client - do what a client asks for until it leaves
 * @service: what it gets; stays the caller's
 * @caller: its connection, and what it has said already; stays the caller's
 * @why: receives one line for SERVE_LIED and SERVE_FAILED
 * @why_len: bytes at @why
 *
 * A message that contradicts itself or the protocol ends the connection; one
 * that asks for what the device does not have or do gets an errno for a reply.
 * Descriptors and DMA windows of the client are given up at the end; the state
 * of the device stays for the next one.
 */
enum serve_end serve_client(const struct service *service, const struct caller *caller, char *why,
			    size_t why_len);

#endif
