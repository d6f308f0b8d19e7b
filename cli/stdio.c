// SPDX-License-Identifier: MIT
/*
 * The standard streams: complete reads and writes, and no error unnoticed.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio_ext.h>
#include <unistd.h>

#include "cli.h"
#include "ending.h"

/* No page tables are this large; /dev/zero is. */
#define FILE_MAX	((size_t)256 << 20)

static volatile sig_atomic_t signalled;	/* its number */
static bool forgiven, pipes_may_end, left;

static void on_signal(int sig)
{
	signalled = sig;
}

bool interrupted(void)
{
	return signalled;
}

const char *io_error(int err)
{
	return err == -EINTR ? "interrupted" : strerror(-err);
}

bool stdout_left(int err)
{
	left |= err == -EPIPE && pipes_may_end;
	return left;
}

/* Return: whether all of it was written. */
static bool finish_stdout(void)
{
	bool pending = __fpending(stdout), failed = ferror(stdout);

	errno = 0;
	if (fflush(stdout))
		failed = true;
	if (failed && is_left(STDOUT_FILENO))
		stdout_left(-EPIPE);
	/* A closed stdout that nobody wrote to is no failure. */
	if (fclose(stdout) && (pending || errno != EBADF))
		failed = true;
	return !failed;
}

/*
 * The last thing done, when the GPU is closed: a full disk is a failure, and who was
 * ended by a signal, or has nobody who reads on, ends as if it had not been caught.
 */
static void close_stdout(void)
{
	bool done = finish_stdout();
	int err = errno;

	if (signalled)
		end_by(signalled);
	if (left)
		end_by(SIGPIPE);
	if (done || forgiven)
		return;
	fprintf(stderr, "nvbar: standard output: %s\n", err ? strerror(err) : "write error");
	_exit(EXIT_FAILURE);
}

void stdout_forgive(void)
{
	forgiven = true;
}

int stdout_flush(void)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	/* What failed may have been an earlier write, whose reason is not kept. */
	if (interrupted())
		return -EINTR;
	if (is_left(STDOUT_FILENO))
		return -EPIPE;
	return errno ? -errno : -EIO;
}

/* A file opened later must not become a standard stream that was closed. */
static void fill_standard_fds(void)
{
	int fd;

	for (fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
			_exit(EXIT_FAILURE);
}

/* What ends a command once the GPU is closed */
static const int stops[] = { SIGHUP, SIGINT, SIGTERM };

/* What is ignored when the tool starts, as nohup(1) has it, stays so. */
static void catch_signal(int sig)
{
	/* The second one ends the program at once. */
	struct sigaction stop = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	if (!is_ignored(sig))
		sigaction(sig, &stop, NULL);
}

void stdio_init(void)
{
	size_t i;

	fill_standard_fds();
	pipes_may_end = !is_ignored(SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	/* A file that may not grow is an error like a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	for (i = 0; i < ARRAY_SIZE(stops); i++)
		catch_signal(stops[i]);
	if (atexit(close_stdout))
		tool_no_memory("nvbar");
}

/*
 * A signal that comes before the wait begins must end it, too: it is let in only there.
 * Return: 0 or -EINTR.
 */
static int wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	sigset_t stop, before;
	size_t i;

	sigemptyset(&stop);
	for (i = 0; i < ARRAY_SIZE(stops); i++)
		sigaddset(&stop, stops[i]);
	sigprocmask(SIG_BLOCK, &stop, &before);
	if (!interrupted())
		(void)ppoll(&p, 1, NULL, &before);	/* what is wrong with @fd its user finds out */
	sigprocmask(SIG_SETMASK, &before, NULL);
	return interrupted() ? -EINTR : 0;
}

ssize_t read_full(int fd, void *buf, size_t len)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		if (wait_for(fd, POLLIN))
			return -EINTR;
		n = read(fd, (char *)buf + got, len - got);
		if (n < 0 && (errno != EINTR || interrupted()))
			return -errno;
		if (!n)
			break;
		if (n > 0)
			got += n;
	}
	return got;
}

int write_full(int fd, const void *buf, size_t len)
{
	ssize_t n;

	while (len) {
		if (wait_for(fd, POLLOUT))
			return -EINTR;
		n = write(fd, buf, len);
		if (n < 0 && (errno != EINTR || interrupted()))
			return -errno;
		if (n > 0) {
			buf = (const char *)buf + n;
			len -= n;
		}
	}
	return 0;
}

static int read_fd(int fd, char **text, size_t *len)
{
	size_t room = 0, used = 0;
	char *buf = NULL, *more;
	ssize_t n;

	do {
		room += room + 65536;
		more = room > FILE_MAX ? NULL : realloc(buf, room);
		if (!more) {
			free(buf);
			return room > FILE_MAX ? -EFBIG : -ENOMEM;
		}
		buf = more;
		n = read_full(fd, buf + used, room - used);
		if (n < 0) {
			free(buf);
			return n;
		}
		used += n;
	} while (used == room);
	*text = buf;
	*len = used;
	return 0;
}

int read_file(const char *path, char **text, size_t *len)
{
	int fd, ret;

	if (!strcmp(path, "-"))
		return read_fd(STDIN_FILENO, text, len);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = read_fd(fd, text, len);
	close(fd);
	return ret;
}
