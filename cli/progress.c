// SPDX-License-Identifier: MIT
/*
 * A progress bar on stderr, when that is a terminal and the work is long.
 */
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define FIRST_MS	1000
#define STEP_MS		100
#define BAR_WIDTH	30
#define BAR_MIN		5

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

/* The last one stays free: a terminal may begin a new line there. */
static int columns(void)
{
	struct winsize size;

	return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col - 1 : 79;
}

/* "[####    ]  40% ", as wide as there is @room for, or without the picture */
static void make_bar(char *bar, size_t len, double part, int room)
{
	int width = room < BAR_WIDTH ? room : BAR_WIDTH;
	int full = width * part;

	if (width < BAR_MIN)
		snprintf(bar, len, "%3.0f%% ", 100 * part);
	else
		snprintf(bar, len, "[%.*s%*s] %3.0f%% ", full, "##############################",
			 width - full, "", 100 * part);
}

static void print_bar(const struct progress *p, uint64_t done, double seconds)
{
	double mib = done / 1048576.0;
	char bar[BAR_WIDTH + 16] = "", tail[64], line[160];
	int room = columns();

	snprintf(tail, sizeof(tail), "%.0f MiB, %.0f MiB/s", mib, mib / seconds);
	if (p->total)
		make_bar(bar, sizeof(bar), (double)done / p->total,
			 room - (int)(strlen(p->what) + strlen(tail) + strlen(" [] 100% ")));
	snprintf(line, sizeof(line), "%s %s%s", p->what, bar, tail);
	fprintf(stderr, "\r%.*s\033[K", room, line);
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
