// SPDX-License-Identifier: MIT
/*
 * usage: soak [--ops N] [--seed S] [--jobs N] [--program FILE] [--plant MISTAKE] [CHIP...]
 *
 * Random sequences of calls on each chip, each sequence in a process of its
 * own.  The first that fails is cut down and written to FILE, soak-failure.c
 * by default, as a C program.
 */
#include "soak.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../random.h"

#define SEQUENCE	2000		/* ops */
#define MAX_JOBS	64
/* Even with sanitizers; cut down, a sequence takes much less. */
#define SECONDS		120
#define SHRINK_SECONDS	10

static const char *const all_chips[] = {
	"tu102", "ga100", "ga102", "ad102", "gh100", "gb100", "gb202",
};

/* A sequence that runs. */
struct job {
	struct trial trial;
	struct config cfg;
	uint64_t seed;
	size_t nr;
	struct op ops[SEQUENCE];
};

struct options {
	uint64_t ops;
	unsigned int jobs;
	const char *program;
	const char *plant;
	const char *const *chips;
	unsigned int nr_chips;
};

static void start(struct job *job, const struct options *o, uint64_t number, uint64_t left)
{
	static const unsigned int kinds[] = { SMALL, LARGE, SMALL, STATIC };

	/* The same seed with one chip as with many: it alone makes the sequence. */
	job->seed = random_state + number;
	job->nr = left < SEQUENCE ? left : SEQUENCE;
	job->cfg = (struct config){
		.chip = o->chips[number % o->nr_chips],
		.bar1 = kinds[job->seed / 7 % NR_OF(kinds)],
		.seed = job->seed % 1000000 + 1,
		.sparse = job->seed % 2,
		.plant = o->plant,
	};
	ops_generate(job->ops, job->nr, job->seed);
	trial_start(&job->trial, &job->cfg, job->ops, job->nr, SECONDS, NULL, false);
}

/* The failing sequence, cut down, as lines and as a program. */
static size_t explain(struct job *job, const struct options *o)
{
	struct report report = *job->trial.report;
	struct trial last;
	size_t i, nr;
	FILE *to;

	fprintf(stderr, "%s: op %zu of %zu: %s; to repeat: ./dev soak --seed %llu --ops %zu %s\n",
		job->cfg.chip, report.at, job->nr, report.what, (unsigned long long)job->seed,
		job->nr, job->cfg.chip);
	nr = shrink(&job->cfg, job->ops, job->nr, &report, SHRINK_SECONDS);
	fprintf(stderr, "cut down to %zu ops:\n", nr);
	for (i = 0; i < nr; i++)
		op_print(stderr, &job->ops[i]);
	trial_start(&last, &job->cfg, job->ops, nr, SHRINK_SECONDS, o->program, false);
	waitpid(last.pid, NULL, 0);
	trial_forget(&last);
	to = fopen(o->program, "a");
	if (to) {
		program_end(to);
		fclose(to);
		fprintf(stderr, "as a program: %s\n", o->program);
	}
	return nr;
}

static struct job *job_of(struct job *jobs, unsigned int nr, pid_t pid)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (jobs[i].trial.pid == pid)
			return &jobs[i];
	return NULL;
}

static void progress(uint64_t done, uint64_t all)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%llu of %llu ops%s", (unsigned long long)done,
			(unsigned long long)all, done == all ? "\n" : "");
}

/* Keeps all jobs busy until there is nothing left to do, or one has failed. */
static struct job *run_all(struct job *jobs, const struct options *o)
{
	uint64_t started = 0, done = 0, number = 0;
	struct job *failed = NULL;
	unsigned int running = 0;
	struct job *job;
	int status;

	for (;;) {
		while (!failed && started < o->ops && running < o->jobs) {
			job = job_of(jobs, o->jobs, 0);
			start(job, o, number++, o->ops - started);
			started += job->nr;
			running++;
		}
		if (!running)
			return failed;
		job = job_of(jobs, o->jobs, wait(&status));
		running--;
		done += job->nr;
		if (trial_failed(&job->trial, status) && !failed) {
			failed = job;
			continue;
		}
		trial_forget(&job->trial);
		job->trial.pid = 0;
		if (!failed)
			progress(done, o->ops);
	}
}

/* A planted mistake takes so many ops to show. */
#define PLANT_OPS	6

static int soak(const struct options *o)
{
	struct job *jobs = calloc(o->jobs, sizeof(*jobs)), *failed;
	size_t nr = 0;

	if (!jobs)
		return 1;
	failed = run_all(jobs, o);
	if (failed)
		nr = explain(failed, o);
	else
		printf("%llu ops on %u chip%s: all as it should be\n", (unsigned long long)o->ops,
		       o->nr_chips, o->nr_chips == 1 ? "" : "s");
	free(jobs);
	if (o->plant)
		return nr && nr <= PLANT_OPS ? 0 : 1;
	return failed ? 1 : 0;
}

static int usage(void)
{
	fputs("usage: soak [--ops N] [--seed S] [--jobs N] [--program FILE] [CHIP...]\n", stderr);
	return 64;
}

static bool is_chip(const char *name)
{
	size_t i;

	for (i = 0; i < NR_OF(all_chips); i++)
		if (!strcmp(all_chips[i], name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ops", required_argument, NULL, 'o' },
		{ "seed", required_argument, NULL, 's' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "program", required_argument, NULL, 'c' },
		{ "plant", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = {
		.ops = 10000000, .jobs = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN),
		.program = "soak-failure.c", .chips = all_chips, .nr_chips = NR_OF(all_chips),
	};
	int opt, i;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'o':
			o.ops = strtoull(optarg, NULL, 0);
			break;
		case 's':
			setenv("NVBAR_SEED", optarg, 1);
			break;
		case 'j':
			o.jobs = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'c':
			o.program = optarg;
			break;
		case 'p':
			o.plant = optarg;
			break;
		default:
			return usage();
		}
	}
	for (i = optind; i < argc; i++)
		if (!is_chip(argv[i]))
			return usage();
	if (optind < argc) {
		o.chips = (const char *const *)&argv[optind];
		o.nr_chips = (unsigned int)(argc - optind);
	}
	if (!o.jobs || o.jobs > MAX_JOBS)
		o.jobs = 1;
	random_start("soak");
	return soak(&o);
}
