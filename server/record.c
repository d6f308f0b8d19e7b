/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "record.h"
#include "sim.h"
#include "sim_bits.h"
#include "hw/pramin.h"

#define RUN_MAX	(1u << 16)	/* what a trace takes in one line is more */

int record_open(struct record *record, const char *path, const char *chip, uint64_t vram_size,
		uint64_t bar1_size)
{
	int fd = output_open(path), ret;

	if (fd < 0)
		return fd;
	*record = (struct record) { .file = fdopen(fd, "w") };
	if (!record->file) {
		ret = -errno;
		close(fd);
		return ret;
	}
	/* For people who look while the GPU is in use. */
	(void)setvbuf(record->file, NULL, _IOLBF, 0);
	fprintf(record->file, "nvbar-trace 1\ndevice a driver of the served %s\nbar1 0x%llx\nchip ",
		chip, (unsigned long long)bar1_size);
	for (; *chip; chip++)
		fputc(toupper((unsigned char)*chip), record->file);
	fprintf(record->file, " 0x%llx\n", (unsigned long long)vram_size);
	return 0;
}

static void put_one(struct record *record, const struct record_run *run, uint64_t off)
{
	const char *name = run->bar ? NULL : sim_reg_name(off);

	fprintf(record->file, "%c %u 0x%06llx %u 0x%llx%s%s\n", run->write ? 'w' : 'r', run->bar,
		(unsigned long long)off, run->width, (unsigned long long)run->val,
		name ? "  # " : "", name ? name : "");
}

/* Eight bytes of a run */
static uint64_t word_of(const struct record_run *run)
{
	uint64_t word = 0;
	unsigned int shift;

	for (shift = 0; shift < 64; shift += 8 * run->width)
		word |= run->val << shift;
	return word;
}

/* All of a run that is words of 8 bytes stands in one line. */
static void put_run(struct record *record, const struct record_run *run)
{
	uint64_t end = run->off + run->nr * run->width, off = run->off, words = 0;
	uint64_t start = (off + 7) & ~7ull;

	if (run->nr > 1 && end > start)
		words = (end - start) / 8;
	for (; off < (words ? start : end); off += run->width)
		put_one(record, run, off);
	if (words)
		fprintf(record->file, "%c %u 0x%06llx 0x%llx*%llu\n", run->write ? 'W' : 'R',
			run->bar, (unsigned long long)off, (unsigned long long)word_of(run),
			(unsigned long long)words);
	for (off += 8 * words; off < end; off += run->width)
		put_one(record, run, off);
	if (run->again)
		fprintf(record->file, "x %llu\n", (unsigned long long)run->again);
}

static void end_run(struct record *record)
{
	if (record->run.nr)
		put_run(record, &record->run);
	record->run.nr = 0;
}

/* Does it go on with what the run is? */
static bool continues(struct record_run *run, const struct record_run *next)
{
	uint64_t last = run->off + (run->nr - 1) * run->width;

	if (!run->nr || next->write != run->write || next->bar != run->bar ||
	    next->width != run->width || next->val != run->val)
		return false;
	if (!run->write && next->off == last) {
		run->again++;
		return true;
	}
	/* Registers are not memory, where two accesses are as good as one. */
	if (run->again || next->off != last + run->width || run->nr == RUN_MAX ||
	    (!run->bar && next->off - PRAMIN_BASE >= PRAMIN_SIZE))
		return false;
	run->nr++;
	return true;
}

void record_access(struct record *record, bool write, unsigned int bar, uint64_t off,
		   const void *data, size_t len)
{
	struct record_run next = { .nr = 1, .write = write, .bar = bar };
	const uint8_t *at = data;

	for (; len; off += next.width, at += next.width, len -= next.width) {
		next.width = 8;
		while (off % next.width || next.width > len)
			next.width /= 2;
		next.off = off;
		next.val = 0;
		memcpy(&next.val, at, next.width);
		if (continues(&record->run, &next))
			continue;
		end_run(record);
		record->run = next;
	}
}

int record_close(struct record *record)
{
	bool failed;

	end_run(record);
	failed = ferror(record->file);
	if (fclose(record->file))
		return -errno;
	return failed ? -EIO : 0;
}
