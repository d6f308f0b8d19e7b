/* SPDX-License-Identifier: MIT */
/* The server's side of vfio-user: one client's connection, from first to last message. */
#ifndef SERVER_SERVE_H
#define SERVER_SERVE_H

#include <stddef.h>

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

/**
 * serve_client - do what a client asks for until it leaves
 * @dev: the device
 * @sock: its connection; stays the caller's
 * @stop: stop when this can be read; -1 for never
 * @why: receives one line for SERVE_LIED and SERVE_FAILED
 * @why_len: bytes at @why
 *
 * A message that contradicts itself or the protocol ends the connection; one
 * that asks for what the device does not have or do gets an errno for a reply.
 * Descriptors and DMA windows of the client are given up at the end; the state
 * of the device stays for the next one.
 */
enum serve_end serve_client(struct device *dev, int sock, int stop, char *why, size_t why_len);

#endif
