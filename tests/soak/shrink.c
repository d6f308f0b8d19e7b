// SPDX-License-Identifier: MIT
/*
 * Sequences in processes of their own, as one may crash or hang; and a failing
 * one cut down: in chunks as long as that goes, op by op, number by number.
 */
#include "soak.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANGS	"it hangs"

/* Of computing, or ten times as long of waiting, as the machine may be busy. */
static void limit(unsigned int seconds)
{
	const struct itimerval computing = { .it_value.tv_sec = seconds };

	setitimer(ITIMER_PROF, &computing, NULL);
	alarm(10 * seconds);
}

static void __attribute__((noreturn)) child(const struct trial *trial, const struct config *cfg,
					    const struct op *ops, size_t nr, unsigned int seconds,
					    const char *program, bool quiet)
{
	FILE *to = program ? fopen(program, "w") : NULL;
	int nowhere;

	if (quiet) {
		nowhere = open("/dev/null", O_WRONLY);
		dup2(nowhere, STDERR_FILENO);
	}
	if (to)
		program_begin(to, cfg, ops, nr);
	limit(seconds);
	run_ops(cfg, ops, nr, trial->report, to);
	_exit(0);
}

void trial_start(struct trial *trial, const struct config *cfg, const struct op *ops, size_t nr,
		 unsigned int seconds, const char *program, bool quiet)
{
	trial->report = mmap(NULL, sizeof(*trial->report), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (trial->report == MAP_FAILED)
		abort();
	fflush(NULL);
	trial->pid = fork();
	if (trial->pid < 0)
		abort();
	if (!trial->pid)
		child(trial, cfg, ops, nr, seconds, program, quiet);
}

bool trial_failed(struct trial *trial, int status)
{
	struct report *report = trial->report;

	if (WIFSIGNALED(status))
		snprintf(report->what, sizeof(report->what), "%s",
			 WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGPROF ?
				 HANGS : strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) && !report->what[0])
		snprintf(report->what, sizeof(report->what), "exit %d", WEXITSTATUS(status));
	return report->what[0];
}

void trial_forget(struct trial *trial)
{
	munmap(trial->report, sizeof(*trial->report));
}

/* --- cutting down ---------------------------------------------------------- */

struct shrink {
	const struct config *cfg;
	struct report want;
	unsigned int seconds;
	struct op *ops;
	size_t nr;
	unsigned int trials;
	bool progress;
};

/* Beyond so many it is not worth the time ... */
#define MAX_TRIALS	10000
/* ... nor before there are so few left. */
#define FEW_OPS		200

/* Does this sequence fail as the first did?  Then it is the one to cut down. */
static bool accept(struct shrink *s, const struct op *ops, size_t nr)
{
	struct trial trial;
	int status;
	bool same;

	if (s->trials++ >= MAX_TRIALS)
		return false;
	trial_start(&trial, s->cfg, ops, nr, s->seconds, NULL, true);
	waitpid(trial.pid, &status, 0);
	same = trial_failed(&trial, status) && !strcmp(trial.report->what, s->want.what);
	if (same) {
		/* Nothing after the failing op matters. */
		s->nr = trial.report->at < nr ? trial.report->at + 1 : nr;
		memmove(s->ops, ops, s->nr * sizeof(*ops));
		s->progress = true;
	}
	trial_forget(&trial);
	return same;
}

static void drop_chunks(struct shrink *s, size_t chunk)
{
	struct op *less = calloc(s->nr, sizeof(*less));
	size_t end;

	/* From the end: what comes late needs what came early. */
	for (end = s->nr; end; end = end > chunk ? end - chunk : 0) {
		size_t from = end > chunk ? end - chunk : 0;

		if (end > s->nr)
			continue;
		memcpy(less, s->ops, from * sizeof(*less));
		memcpy(less + from, s->ops + end, (s->nr - end) * sizeof(*less));
		accept(s, less, s->nr - (end - from));
	}
	free(less);
}

static bool try_number(struct shrink *s, struct op *ops, size_t i, unsigned int n, unsigned int val)
{
	unsigned int old = ops[i].n[n];

	ops[i].n[n] = val;
	if (val < old && accept(s, ops, s->nr))
		return true;
	ops[i].n[n] = old;
	return false;
}

static void simplify_numbers(struct shrink *s)
{
	struct op *ops = calloc(s->nr, sizeof(*ops));
	unsigned int n;
	size_t i;

	memcpy(ops, s->ops, s->nr * sizeof(*ops));
	for (i = 0; i < s->nr; i++)
		for (n = 0; n < OP_NUMBERS; n++)
			if (!try_number(s, ops, i, n, 0))
				while (try_number(s, ops, i, n, ops[i].n[n] / 2) ||
				       try_number(s, ops, i, n, ops[i].n[n] - 1))
					;
	free(ops);
}

size_t shrink(const struct config *cfg, struct op *ops, size_t nr, const struct report *report,
	      unsigned int seconds)
{
	struct shrink s = { .cfg = cfg, .want = *report, .seconds = seconds, .ops = ops };
	size_t chunk;

	s.nr = report->at < nr ? report->at + 1 : nr;
	do {
		s.progress = false;
		for (chunk = s.nr / 2; chunk; chunk /= 2)
			drop_chunks(&s, chunk);
		/* Each one that still hangs takes all the time it may. */
		if (s.nr <= FEW_OPS && strcmp(report->what, HANGS))
			simplify_numbers(&s);
	} while (s.progress);
	return s.nr;
}
