// SPDX-License-Identifier: MIT
/*
 * interrupt SIGNAL TEXT COMMAND...: run COMMAND, send it SIGNAL when its standard
 * output has shown TEXT, or for an empty TEXT once nothing more fits in the pipe, and
 * pass on what it prints.
 * interrupt SIGNAL TEXT --columns N COMMAND...: the same on a terminal of that width.
 * SIGNAL 0 sends none.  Ends as COMMAND does, by the same signal or with its status.
 */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(99);
}

/* Whoever started this one may have them ignored, as a shell does in the background. */
static void run(char **argv)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	fail(argv[0]);
}

/* It waits, and not for a signal that is on its way to it. */
static bool is_asleep(pid_t pid)
{
	unsigned long long pending = 0, bits;
	char path[32], line[256], state = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "re");
	if (!status)
		fail(path);
	while (fgets(line, sizeof(line), status)) {
		sscanf(line, "State: %c", &state);
		if (sscanf(line, "SigPnd: %llx", &bits) == 1 ||
		    sscanf(line, "ShdPnd: %llx", &bits) == 1)
			pending |= bits;
	}
	fclose(status);
	return state == 'S' && !pending;
}

/* Nobody reads: until the writer has filled the pipe and waits, or has ended. */
static void wait_until_full(int to, pid_t pid)
{
	struct pollfd p = { .fd = to, .events = POLLOUT };
	siginfo_t info = { 0 };

	while (!info.si_pid && (poll(&p, 1, 0) == 1 || !is_asleep(pid))) {
		usleep(1000);
		if (waitid(P_PID, pid, &info, WEXITED | WNOWAIT | WNOHANG))
			fail("waitid");
	}
}

/* @sig: to send once the pipe is full; 0 if not */
static pid_t start_on_pipe(char **argv, int sig, int *from)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		fail("pipe");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		run(argv);
	}
	if (sig) {
		wait_until_full(fds[1], pid);
		kill(pid, sig);
		wait_until_full(fds[1], pid);	/* it has seen the signal */
	}
	close(fds[1]);
	*from = fds[0];
	return pid;
}

static pid_t start_on_terminal(const char *columns, char **argv, int *from)
{
	struct winsize size = { .ws_row = 24, .ws_col = (unsigned short)atoi(columns) };
	pid_t pid = forkpty(from, NULL, NULL, &size);

	if (pid < 0)
		fail("forkpty");
	if (!pid)
		run(argv);
	return pid;
}

static void pass_on(int from, const char *text, pid_t pid, int sig)
{
	static char seen[1 << 20];	/* TEXT comes within it */
	size_t len = 0;
	ssize_t n;

	/* The end of a terminal is an error. */
	while ((n = read(from, seen + len, sizeof(seen) - 1 - len)) > 0) {
		if (fwrite(seen + len, 1, n, stdout) != (size_t)n || fflush(stdout))
			fail("write");
		if (!*text)
			continue;
		len += n;
		seen[len] = '\0';
		if (!strstr(seen, text))
			continue;
		kill(pid, sig);
		text = "";
		len = 0;
	}
}

int main(int argc, char **argv)
{
	const struct rlimit no_core = { 0, 0 };
	bool terminal = argc > 5 && !strcmp(argv[3], "--columns");
	int from, status, sig;
	pid_t pid;

	if (argc < 4)
		return 99;
	sig = atoi(argv[1]);
	pid = terminal ? start_on_terminal(argv[4], argv + 5, &from) :
			 start_on_pipe(argv + 3, *argv[2] ? 0 : sig, &from);
	pass_on(from, argv[2], pid, sig);
	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid");
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(WTERMSIG(status), SIG_DFL);
	raise(WTERMSIG(status));
	return 99;
}
