/* SPDX-License-Identifier: MIT */
/* Taking a device from its driver, which may take as long as somebody uses it. */
#ifndef NVBAR_LIB_UNBIND_H
#define NVBAR_LIB_UNBIND_H

#include "backend.h"

/**
 * struct nvbar_patience - how long an unbind is waited for
 * @tell_ms: after so long a line tells what is waited for
 * @limit_ms: and after so long it is waited for no more
 */
struct nvbar_patience {
	unsigned int tell_ms;
	unsigned int limit_ms;
};

/**
 * nvbar_sysfs_unbind - take a device from its driver
 * @dir: its directory
 * @lock: of nvbar_sysfs_lock(), or negative
 * @address: of the device
 * @driver: that is bound to it
 * @patience: how long to wait
 * @log: where to explain a failure
 *
 * The kernel lets the process that asks for it wait until the driver lets go, and some
 * drivers wait for their last user, where no signal ends the waiting.  So another
 * process asks: it is in no terminal's foreground, holds nothing of this one's but the
 * lock, and goes on when this one gives up.  Nothing takes an unbind back that has begun.
 *
 * Return: 0, -EBUSY (the limit is over) or -EINTR (a signal came) while the unbind goes
 * on, -EIO (the other process was killed), or what the kernel refuses with; with a line
 * that says why.
 */
int nvbar_sysfs_unbind(int dir, int lock, const char *address, const char *driver,
		       const struct nvbar_patience *patience, const struct nvbar_log *log);

#endif
