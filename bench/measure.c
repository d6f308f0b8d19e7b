// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *sample, size_t nr)
{
	qsort(sample, nr, sizeof(*sample), compare);
	return nr % 2 ? sample[nr / 2] : (sample[nr / 2 - 1] + sample[nr / 2]) / 2;
}

double clock_cost_ns(void)
{
	static double cost = -1;
	double sample[1001];
	size_t i;

	if (cost >= 0)
		return cost;
	for (i = 0; i < ARRAY_LEN(sample); i++) {
		uint64_t start = now_ns();

		sample[i] = now_ns() - start;
	}
	cost = median(sample, ARRAY_LEN(sample));
	return cost;
}

void check(struct bench *bench, bool holds, const char *fmt, ...)
{
	va_list ap;

	if (holds)
		return;
	bench->failures++;
	printf("FAILED: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

void give_up(const char *fmt, ...)
{
	va_list ap;

	(void)fflush(stdout);
	fprintf(stderr, "nvbar-bench: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	exit(EXIT_FAILURE);
}

void *alloc_or_give_up(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		give_up("no memory for %zu bytes", size);
	return p;
}

const char *grouped(uint64_t nr)
{
	static char buf[8][32];
	static unsigned int next;
	char digits[24], *to = buf[next++ % ARRAY_LEN(buf)], *text = to;
	size_t len = snprintf(digits, sizeof(digits), "%" PRIu64, nr), i;

	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = 0;
	return text;
}

const char *size_name(uint64_t bytes)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	static char buf[8][32];
	static unsigned int next;
	char *text = buf[next++ % ARRAY_LEN(buf)];
	unsigned int u = 0;

	while (bytes && bytes % 1024 == 0 && u + 1 < ARRAY_LEN(unit)) {
		bytes /= 1024;
		u++;
	}
	snprintf(text, sizeof(buf[0]), "%" PRIu64 " %s", bytes, unit[u]);
	return text;
}
