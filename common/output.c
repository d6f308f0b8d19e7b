/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"

/* A lock on it would keep others from writing there, which is not what it is for. */
static int empty(int fd)
{
	if (flock(fd, LOCK_SH | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (ftruncate(fd, 0))
		return -errno;
	return flock(fd, LOCK_UN) ? -errno : 0;
}

/* It was opened without waiting, but what is written to it may take its time. */
static int make_ready(int fd)
{
	struct stat st;
	int flags;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISREG(st.st_mode))
		return empty(fd);
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return -EINVAL;
	flags = fcntl(fd, F_GETFL);
	return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

int output_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666), ret;

	if (fd < 0)
		return -errno;
	ret = make_ready(fd);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

const char *output_error(int err)
{
	switch (err) {
	case -EBUSY:
		return "is the VRAM of a running GPU, or locked for another reason";
	case -ENXIO:
		return "is a FIFO that nobody reads, or a socket";
	case -EINVAL:
		return "is no file";
	default:
		return strerror(-err);
	}
}
