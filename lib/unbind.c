// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kernel.h>

#include <nvbar/nvbar.h>

#include "pci_sysfs.h"
#include "unbind.h"

/* --- the process that waits in the kernel ---------------------------------- */

/*
 * Other threads of the program are not there, and may have held any lock: from here on
 * nothing is called but the kernel.
 */
static void close_all_but(const int *keep, size_t nr)
{
	unsigned int first = 0, next;
	size_t i, k;

	/* From one that is kept to the next: they are few, and in no order. */
	for (i = 0; i <= nr; i++) {
		next = ~0u;
		for (k = 0; k < nr; k++)
			if (keep[k] >= (int)first && (unsigned int)keep[k] < next)
				next = (unsigned int)keep[k];
		if (next > first)
			close_range(first, next - 1, 0);
		if (next == ~0u)
			return;
		first = next + 1;
	}
}

static void ask_kernel(int dir, int lock, int report, const char *address)
{
	const int keep[] = { dir, report, lock };
	int ret;

	close_all_but(keep, lock < 0 ? 2 : 3);
	setsid();
	if (chdir("/"))
		_exit(1);
	ret = nvbar_sysfs_write(dir, "driver/unbind", address);
	if (write(report, &ret, sizeof(ret)) != sizeof(ret))
		_exit(1);
	_exit(0);
}

/* A grandchild: nobody has to see its end.  Return: where it reports to, or -errno. */
static int start(int dir, int lock, const char *address)
{
	int report[2], ret = 0;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		/* fork() may want locks that another thread had, _Fork() wants none. */
		pid = _Fork();
		if (!pid)
			ask_kernel(dir, lock, report[1], address);
		_exit(pid < 0);
	}
	if (pid < 0)
		ret = -errno;
	close(report[1]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (!ret)
		return report[0];
	close(report[0]);
	return ret;
}

/* --- the one that waits for it --------------------------------------------- */

/* Return: 1 if there is a report, 0 if the time is over, -EINTR. */
static int wait_for_report(int report, unsigned int ms)
{
	struct pollfd p = { .fd = report, .events = POLLIN };
	int ret = poll(&p, 1, (int)ms);

	return ret < 0 ? -errno : ret;
}

/* Of those drivers that wait: where their users are seen. */
static const char *users_of(const char *driver)
{
	if (strstr(driver, "vfio"))
		return "; \"lsof /dev/vfio/*\" names them";
	if (!strncmp(driver, "nvidia", strlen("nvidia")))
		return "; \"lsof /dev/nvidia*\" names them";
	if (!strcmp(driver, "nouveau"))
		return "; \"lsof /dev/dri/*\" names them";
	return "";
}

/* What the kernel said; whoever killed the process that asked it has said nothing. */
static int take_report(int report, const struct nvbar_log *log)
{
	int ret;

	if (read(report, &ret, sizeof(ret)) != sizeof(ret))
		ret = -EIO;
	return ret ? nvbar_sysfs_refused("driver/unbind", ret, log) : 0;
}

int nvbar_sysfs_unbind(int dir, int lock, const char *address, const char *driver,
		       const struct nvbar_patience *patience, const struct nvbar_log *log)
{
	int report, ret;

	if (lock >= 0)
		nvbar_sysfs_mark_unbind(lock);
	report = start(dir, lock, address);
	if (report < 0)
		return nvbar_sysfs_refused("driver/unbind", report, log);
	ret = wait_for_report(report, patience->tell_ms);
	if (!ret) {
		nvbar_log(log, NVBAR_LOG_WARNING,
			  "driver %s waits for its users to end%s; this waits %u s at most",
			  driver, users_of(driver), patience->limit_ms / 1000);
		ret = wait_for_report(report, patience->limit_ms - patience->tell_ms);
	}
	if (ret == 1) {
		ret = take_report(report, log);
	} else {
		nvbar_log(log, 0, "%s: driver %s has not let go of it, and the unbind goes on",
			  ret ? "interrupted" : "waited long enough", driver);
		ret = ret ? ret : -EBUSY;
	}
	close(report);
	return ret;
}
