// SPDX-License-Identifier: MIT
/*
 * A GPU of this machine through sysfs: its BARs are files that can be mapped.
 *
 * Nothing else may drive it meanwhile.  A driver that is bound keeps us out,
 * and a lock on the file of a BAR keeps other processes out; both but for
 * observing, which writes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/slab.h>

#include "bars.h"
#include "pci_sysfs.h"

/* What of PCI_COMMAND is restored */
#define DECODE	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

/**
 * struct pci_gpu - a GPU through sysfs
 * @bars: its BARs
 * @dev: what sysfs said before
 * @dir: its directory, -1 before
 * @lock: keeps other processes out, unless observing; -1 before
 * @config: its configuration space; -1 before
 * @observe: write nothing
 * @stays_awake: the kernel is told not to let it sleep
 * @enabled: it is enabled in the kernel's count
 * @command: PCI_COMMAND before
 */
struct pci_gpu {
	struct nvbar_bars bars;
	struct nvbar_pci_device dev;
	int dir;
	int lock;
	int config;
	bool observe;
	bool stays_awake;
	bool enabled;
	u16 command;
};

static const struct nvbar_log *log_of(const struct pci_gpu *pci)
{
	return &pci->bars.base.log;
}

/* --- who has it ------------------------------------------------------------ */

/* Under the lock, so that no other nvbar changes it meanwhile */
static int look_at(struct pci_gpu *pci, const char *address)
{
	int ret = nvbar_sysfs_read_device(pci->dir, address, &pci->dev, log_of(pci));

	if (!ret && pci->dev.gone)
		ret = nvbar_pci_refuse_gone(log_of(pci), &pci->dev.head);
	if (ret || !pci->dev.driver[0] || pci->observe)
		return ret;
	nvbar_log(log_of(pci), 0, "driver %s has it; \"nvbar unbind %s\" takes it away from it",
		  pci->dev.driver, address);
	return -EBUSY;
}

/* Without an address for any BAR there is nothing to keep others from. */
static int lock(struct pci_gpu *pci)
{
	if (!pci->observe)
		pci->lock = nvbar_sysfs_lock(pci->dir, log_of(pci));
	return pci->lock >= 0 || pci->lock == -ENOENT || pci->observe ? 0 : pci->lock;
}

static int open_config(struct pci_gpu *pci)
{
	int ret;

	pci->config = openat(pci->dir, "config",
			     (pci->observe ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
	if (pci->config >= 0)
		return 0;
	ret = -errno;
	nvbar_log(log_of(pci), 0, "config in sysfs: %s", strerror(-ret));
	return ret;
}

/* --- switching it on, and back --------------------------------------------- */

static int read_command(const struct pci_gpu *pci, u16 *command)
{
	struct nvbar_pci_head head = { ~0u, 0xffff, 0xffff };

	if (pread(pci->config, &head, sizeof(head), 0) != sizeof(head) || !nvbar_pci_answers(&head))
		return nvbar_pci_refuse_gone(log_of(pci), &head);
	*command = head.command;
	return 0;
}

static int write_command(const struct pci_gpu *pci, u16 command)
{
	return pwrite(pci->config, &command, sizeof(command), PCI_COMMAND) == sizeof(command) ?
		       0 : -errno;
}

static int refuse_write(const struct pci_gpu *pci, const char *what, int err)
{
	if (err == -EPERM) {
		nvbar_log(log_of(pci), 0, "%s: the kernel is locked down, as with Secure Boot", what);
		return -EACCES;
	}
	nvbar_log(log_of(pci), 0, "%s: %s", what, strerror(-err));
	return err;
}

/* What observing would have to write; people may do it. */
static int must_not(const struct pci_gpu *pci, const char *state, const char *file,
		    const char *text)
{
	nvbar_log(log_of(pci), 0, "%s, and who observes writes nothing; \"echo %s > "
		  "/sys/bus/pci/devices/%s/%s\" would help", state, text, pci->dev.address, file);
	return -EACCES;
}

static int look_only(struct pci_gpu *pci)
{
	int ret;

	if (pci->dev.asleep)
		return must_not(pci, "it is asleep", "power/control", "on");
	ret = read_command(pci, &pci->command);
	if (ret || pci->command & PCI_COMMAND_MEMORY)
		return ret;
	return must_not(pci, "its BARs are switched off", "enable", "1");
}

/*
 * The kernel knows how: it brings the GPU to D0 and enables the bridges above,
 * which a write to PCI_COMMAND does not.  And it refuses if a driver came first.
 */
static int enable(struct pci_gpu *pci)
{
	char control[16];
	u16 command = 0;
	int ret;

	if (!nvbar_sysfs_read(pci->dir, "power/control", control, sizeof(control)) &&
	    !strcmp(control, "auto")) {
		ret = nvbar_sysfs_write(pci->dir, "power/control", "on");
		if (ret)
			return refuse_write(pci, "power/control in sysfs", ret);
		pci->stays_awake = true;
	}
	ret = read_command(pci, &pci->command);
	if (ret)
		return ret;
	ret = nvbar_sysfs_write(pci->dir, "enable", "1");
	if (ret)
		return refuse_write(pci, "enable in sysfs", ret);
	pci->enabled = true;
	ret = read_command(pci, &command);
	if (!ret && !(command & PCI_COMMAND_MEMORY)) {
		ret = write_command(pci, command | PCI_COMMAND_MEMORY);
		if (ret)
			return refuse_write(pci, "config in sysfs", ret);
	}
	return ret;
}

/*
 * Disabling leaves memory decode on, so what was before is written back; unless a driver
 * has claimed it meanwhile: then it is the driver's.
 */
static void switch_off(struct pci_gpu *pci)
{
	char driver[sizeof(pci->dev.driver)];
	u16 command;

	if (nvbar_sysfs_link(pci->dir, "driver", driver, sizeof(driver)) != -ENOENT ||
	    nvbar_sysfs_write(pci->dir, "enable", "0"))
		return;
	if (pread(pci->config, &command, sizeof(command), PCI_COMMAND) == sizeof(command) &&
	    command != 0xffff && (command ^ pci->command) & DECODE)
		write_command(pci, (command & ~DECODE) | (pci->command & DECODE));
}

static void disable(struct pci_gpu *pci)
{
	if (pci->enabled)
		switch_off(pci);
	if (pci->stays_awake)
		nvbar_sysfs_write(pci->dir, "power/control", "auto");
}

/* --- its BARs -------------------------------------------------------------- */

static int open_resource(const struct pci_gpu *pci, int nr, const char *suffix, bool write)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "resource%d%s", nr, suffix);
	fd = openat(pci->dir, name, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int explain_resource(const struct pci_gpu *pci, int nr, int err)
{
	char name[32];

	switch (err) {
	case -EINVAL:
		snprintf(name, sizeof(name), "resource%d in sysfs", nr);
		return nvbar_pci_refuse_claimed(log_of(pci), name);
	case -EPERM:
		nvbar_log(log_of(pci), 0, "resource%d in sysfs: the kernel is locked down, "
			  "as with Secure Boot", nr);
		return -EACCES;
	default:
		nvbar_log(log_of(pci), 0, "resource%d in sysfs: %s", nr, strerror(-err));
		return err;
	}
}

static int map_regs(struct pci_gpu *pci)
{
	struct nvbar_bar *regs = &pci->bars.regs;
	int nr = pci->dev.roles.regs, ret;

	if (nr < 0 || !pci->dev.bar[nr].start)
		return nvbar_pci_refuse_unplaced(log_of(pci), "BAR0");
	if (pci->dev.bar[nr].size < NVBAR_REGS_SIZE)
		return nvbar_pci_refuse_small(log_of(pci), pci->dev.bar[nr].size);
	regs->fd = open_resource(pci, nr, "", !pci->observe);
	if (regs->fd < 0)
		return explain_resource(pci, nr, regs->fd);
	regs->size = NVBAR_REGS_SIZE;
	ret = nvbar_bars_map(&pci->bars, regs, !pci->observe);
	return ret ? explain_resource(pci, nr, ret) : 0;
}

/* Twice: a pointer for reading is of a file that can't be written. */
static int open_bar1(struct pci_gpu *pci, int nr, const char *suffix)
{
	struct nvbar_bar *bar1 = &pci->bars.bar1;

	bar1->fd = open_resource(pci, nr, suffix, true);
	if (bar1->fd < 0)
		return bar1->fd;
	bar1->fd_ro = open_resource(pci, nr, suffix, false);
	return min(bar1->fd_ro, 0);
}

/* Without BAR1, and while observing, there is none to map. */
static int map_bar1(struct pci_gpu *pci)
{
	struct nvbar_bar *bar1 = &pci->bars.bar1;
	enum nvbar_mem mem = NVBAR_MEM_WRITE_COMBINED;
	int nr = pci->dev.roles.bar1, ret;

	if (nr < 0)
		return 0;
	if (!pci->dev.bar[nr].start) {
		nvbar_log(log_of(pci), 1, "BAR1 has no address: the firmware or the kernel found no room");
		return 0;
	}
	bar1->size = pci->dev.bar[nr].size;
	if (!pci->observe) {
		ret = open_bar1(pci, nr, "_wc");
		if (ret == -ENOENT) {
			mem = NVBAR_MEM_UNCACHED;
			ret = open_bar1(pci, nr, "");
		}
		if (ret)
			return explain_resource(pci, nr, ret);
		ret = nvbar_bars_map(&pci->bars, bar1, true);
		if (ret)
			return explain_resource(pci, nr, ret);
	}
	nvbar_bars_use_bar1(&pci->bars, mem);
	return 0;
}

/* --- opening and closing --------------------------------------------------- */

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void pci_close(struct nvbar_backend *backend)
{
	struct pci_gpu *pci = (struct pci_gpu *)backend;

	nvbar_bars_fini(&pci->bars);
	disable(pci);
	close_fd(pci->bars.regs.fd);
	close_fd(pci->bars.bar1.fd);
	close_fd(pci->bars.bar1.fd_ro);
	close_fd(pci->config);
	close_fd(pci->dir);
	/* Others may have it from here on: it comes last. */
	close_fd(pci->lock);
	kfree(pci);
}

int nvbar_backend_pci_open(const char *name, bool observe, struct nvbar_log *log,
			   struct nvbar_backend **backend)
{
	char address[NVBAR_PCI_ADDRESS_MAX];
	struct pci_gpu *pci;
	int ret;

	if (nvbar_pci_address_parse(name, address)) {
		nvbar_log(log, 0, "not the address of a PCI device, as 0000:01:00.0 is");
		return -EINVAL;
	}
	snprintf(log->device, sizeof(log->device), "pci:%s", address);
	pci = kzalloc(sizeof(*pci), GFP_KERNEL);
	if (!pci)
		return -ENOMEM;
	nvbar_bars_init(&pci->bars, log);
	pci->bars.base.close = pci_close;
	pci->dir = -1;
	pci->lock = -1;
	pci->config = -1;
	pci->observe = observe;
	pci->dir = nvbar_sysfs_find_gpu(address, &pci->dev, log_of(pci));
	ret = pci->dir < 0 ? pci->dir : 0;
	if (!ret)
		ret = lock(pci);
	if (!ret)
		ret = open_config(pci);
	if (!ret)
		ret = look_at(pci, address);
	if (!ret)
		ret = observe ? look_only(pci) : enable(pci);
	if (!ret)
		ret = map_regs(pci);
	if (!ret)
		ret = map_bar1(pci);
	if (ret) {
		pci_close(&pci->bars.base);
		return ret;
	}
	*backend = &pci->bars.base;
	return 0;
}
