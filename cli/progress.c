// SPDX-License-Identifier: MIT
/*
 * A progress bar on stderr, when that is a terminal and the work is long.
 */
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define FIRST_MS	1000
#define STEP_MS		100
#define BAR_WIDTH	30

/* The bar that stands on the terminal, or NULL */
static struct progress *standing;

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000) + ts.tv_nsec / 1000000;
}

void progress_begin(struct progress *p, const char *what, uint64_t total)
{
	*p = (struct progress){ .what = what, .total = total, .start_ms = now_ms() };
	p->enabled = isatty(STDERR_FILENO);
}

static void print_bar(const struct progress *p, uint64_t done, double seconds)
{
	double mib = done / 1048576.0;
	int full;

	fprintf(stderr, "\r%s ", p->what);
	if (p->total) {
		full = BAR_WIDTH * (double)done / p->total;
		fprintf(stderr, "[%.*s%*s] %3.0f%% ", full, "##############################",
			BAR_WIDTH - full, "", 100.0 * done / p->total);
	}
	fprintf(stderr, "%.0f MiB, %.0f MiB/s\033[K", mib, mib / seconds);
}

void progress_update(struct progress *p, uint64_t done)
{
	uint64_t now;

	if (!p->enabled)
		return;
	now = now_ms();
	if (now - p->start_ms < FIRST_MS || now - p->last_ms < STEP_MS)
		return;
	print_bar(p, done, (now - p->start_ms) / 1000.0);
	p->last_ms = now;
	standing = p;
}

void progress_hide(void)
{
	if (standing)
		fputs("\r\033[K", stderr);
	standing = NULL;
}

void progress_end(struct progress *p)
{
	progress_hide();
	p->enabled = false;
}
