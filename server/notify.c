/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "notify.h"

int notifier_open(struct notifier *n)
{
	return n->aio || !syscall(SYS_io_setup, 1, &n->aio) ? 0 : errno;
}

void notifier_close(struct notifier *n)
{
	if (n->aio)
		(void)syscall(SYS_io_destroy, n->aio);
	n->aio = 0;
}

void notifier_signal(struct notifier *n, int fd)
{
	/* An eventfd can always be read or written, so the operation ends when it begins. */
	struct iocb poll_it = {
		.aio_lio_opcode = IOCB_CMD_POLL,
		.aio_fildes = (uint32_t)fd,
		.aio_buf = POLLIN | POLLOUT,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = (uint32_t)fd,
	};
	struct iocb *list = &poll_it;
	struct io_event end;

	/* Ends that nobody takes would leave no room for others. */
	if (syscall(SYS_io_submit, n->aio, 1, &list) == 1)
		(void)syscall(SYS_io_getevents, n->aio, 0, 1, &end, NULL);
}
