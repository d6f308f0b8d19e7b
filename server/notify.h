/* SPDX-License-Identifier: MIT */
/* Signalling eventfds that others have, too, without ever waiting for them. */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include <linux/aio_abi.h>

/**
 * struct notifier - what signals
 * @aio: operations whose ends the kernel signals; 0 while there is none
 *
 * A write to an eventfd waits while its counter is full, and whoever shares it can
 * fill it at any moment and take O_NONBLOCK away: it is one open file for both.
 * Setting O_NONBLOCK would, besides, take a client's own reads by surprise.  So
 * nothing is written: the kernel signals at the end of an operation, and that
 * never waits [io_submit(2), IOCB_FLAG_RESFD; eventfd(2)].
 */
struct notifier {
	aio_context_t aio;
};

/**
 * notifier_open - get ready, unless it is
 * @n: all zero, or opened before
 *
 * Return: 0, or an errno above 0: ENOSYS (a kernel without AIO), EAGAIN (all that the
 * kernel gives is in use), ENOMEM.
 */
int notifier_open(struct notifier *n);

/** notifier_close - give up what it has, if anything */
void notifier_close(struct notifier *n);

/**
 * notifier_signal - add 1 to an eventfd
 * @n: opened
 * @fd: the eventfd; with anything else nothing happens
 *
 * A full one becomes one that has overflown, which poll() of its owner tells
 * [eventfd(2)].  Never waits.
 */
void notifier_signal(struct notifier *n, int fd);

#endif
