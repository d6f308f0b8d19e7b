/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "place.h"

static int fail(int err, const char *reason, char *why, size_t why_len)
{
	snprintf(why, why_len, "%s", reason);
	return -err;
}

/* --- the lock -------------------------------------------------------------- */

#define TRY_EVERY_NS	10000000
#define TRIES		200

struct lock {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + sizeof(".lock")];
	int fd;
};

/*
 * Who had the lock before removes its file; one that holds something, or is none, is
 * somebody's.
 */
static int look_at_lock(const struct lock *lock)
{
	struct stat opened, named;

	if (fstat(lock->fd, &opened))
		return -errno;
	if (!S_ISREG(opened.st_mode) || opened.st_size)
		return -EEXIST;
	return !lstat(lock->path, &named) && opened.st_dev == named.st_dev &&
	       opened.st_ino == named.st_ino ? 0 : -EWOULDBLOCK;
}

/* Return: 0, or a negative errno: -EWOULDBLOCK if another has it, or had. */
static int try_lock(struct lock *lock)
{
	/* A FIFO is to be refused, not waited for. */
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK;
	int ret;

	lock->fd = open(lock->path, flags, 0600);
	if (lock->fd < 0)
		return -errno;
	if (flock(lock->fd, LOCK_EX | LOCK_NB))
		ret = -errno;
	else
		ret = look_at_lock(lock);
	if (ret)
		close(lock->fd);
	return ret;
}

static int take_lock(struct lock *lock, const char *path)
{
	const struct timespec pause = { .tv_nsec = TRY_EVERY_NS };
	unsigned int tries = TRIES;
	int ret;

	snprintf(lock->path, sizeof(lock->path), "%s.lock", path);
	while ((ret = try_lock(lock)) == -EWOULDBLOCK && tries--)
		(void)nanosleep(&pause, NULL);
	return ret;
}

static void leave_lock(struct lock *lock)
{
	unlink(lock->path);
	close(lock->fd);
}

/* --- the socket ------------------------------------------------------------ */

/* A server that was killed left its socket. */
static void remove_stale(const struct sockaddr_un *address)
{
	int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (probe < 0)
		return;
	if (!lstat(address->sun_path, &st) && S_ISSOCK(st.st_mode) &&
	    connect(probe, (const struct sockaddr *)address, sizeof(*address)) &&
	    errno == ECONNREFUSED)
		unlink(address->sun_path);
	close(probe);
}

static int fail_bind(const char *path, int err, char *why, size_t why_len)
{
	struct stat st;

	if (err != EADDRINUSE || lstat(path, &st))
		return fail(err, strerror(err), why, why_len);
	return fail(err, S_ISSOCK(st.st_mode) ? "another server is there" :
			 "is there, and is no socket", why, why_len);
}

static int bind_and_listen(struct place *place, const struct sockaddr_un *address, char *why,
			   size_t why_len)
{
	int err;

	if (bind(place->listener, (const struct sockaddr *)address, sizeof(*address)))
		return fail_bind(place->path, errno, why, why_len);
	if (!lstat(place->path, &place->own) && !listen(place->listener, 8))
		return 0;
	err = errno;
	unlink(place->path);
	return fail(err, strerror(err), why, why_len);
}

static int take_socket(struct place *place, char *why, size_t why_len)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ret;

	memcpy(address.sun_path, place->path, strlen(place->path) + 1);
	place->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (place->listener < 0)
		return fail(errno, strerror(errno), why, why_len);
	remove_stale(&address);
	ret = bind_and_listen(place, &address, why, why_len);
	if (ret)
		close(place->listener);
	return ret;
}

static void remove_own(const struct place *place)
{
	struct stat now;

	if (!lstat(place->path, &now) && now.st_dev == place->own.st_dev &&
	    now.st_ino == place->own.st_ino)
		unlink(place->path);
}

/* --- both ------------------------------------------------------------------ */

int place_take(struct place *place, const char *path, char *why, size_t why_len)
{
	struct lock lock;
	int ret;

	*place = (struct place) { .path = path };
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return fail(ENAMETOOLONG, strerror(ENAMETOOLONG), why, why_len);
	ret = take_lock(&lock, path);
	if (ret) {
		snprintf(why, why_len, "its lock, %s: %s", lock.path, ret == -EWOULDBLOCK ?
			 "another server has it" : strerror(-ret));
		return ret;
	}
	ret = take_socket(place, why, why_len);
	leave_lock(&lock);
	return ret;
}

/* Without the lock the socket stays, as that of a server that was killed does. */
void place_leave(struct place *place)
{
	struct lock lock;

	if (!take_lock(&lock, place->path)) {
		remove_own(place);
		leave_lock(&lock);
	}
	close(place->listener);
}
