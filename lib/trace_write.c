// SPDX-License-Identifier: MIT
/* Accesses to lines of a trace. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/bits.h>

#include <hw/pramin.h>

#include "sim.h"
#include "text.h"
#include "trace.h"

#define LINE_BYTES	512
#define LINE_RUNS	4	/* runs of equal words that stand in a line */

void nvbar_trace_put(struct nvbar_trace_writer *w, const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	w->put(w->arg, text_clean(line));
}

/* What a person wants to know of an offset */
static const char *comment(const struct nvbar_trace_writer *w, unsigned int bar, u64 off, char *buf,
			   size_t len)
{
	const char *name = bar ? NULL : sim_reg_name(off);

	buf[0] = '\0';
	if (name)
		snprintf(buf, len, "  # %s", name);
	else if (!bar && w->window_known && off - PRAMIN_BASE < PRAMIN_SIZE)
		snprintf(buf, len, "  # VRAM 0x%llx", w->window + (off - PRAMIN_BASE));
	return buf;
}

static void follow_window(struct nvbar_trace_writer *w, unsigned int bar, u64 off, u64 val)
{
	if (bar || (off != PBUS_BAR0_WINDOW && off != XAL_EP_ZB_BAR0_WINDOW))
		return;
	w->window = (val & PBUS_BAR0_WINDOW_BASE) << PRAMIN_WINDOW_SHIFT;
	w->window_known = true;
}

void nvbar_trace_one(struct nvbar_trace_writer *w, bool write, unsigned int bar, u64 off,
		     unsigned int width, u64 val)
{
	char note[64];

	nvbar_trace_put(w, "%c %u 0x%06llx %u 0x%llx%s", write ? 'w' : 'r', bar, off, width, val,
			comment(w, bar, off, note, sizeof(note)));
	if (write)
		follow_window(w, bar, off, val);
}

static u64 load(const u8 *from, unsigned int width)
{
	u64 val = 0;

	memcpy(&val, from, width);
	return val;
}

/* Words from @from on that are equal. */
static size_t run_of(const u8 *from, size_t nr)
{
	size_t run = 1;

	while (run < nr && run < NVBAR_TRACE_RUN_MAX && !memcmp(from, from + 8 * run, 8))
		run++;
	return run;
}

/* As many words as one line takes.  Return: how many. */
static size_t put_words(struct nvbar_trace_writer *w, bool write, unsigned int bar, u64 off,
			const u8 *from, size_t nr)
{
	char line[LINE_BYTES], note[64];
	size_t done = 0, used = 0, run;
	unsigned int runs;

	for (runs = 0; runs < LINE_RUNS && done < nr; runs++, done += run) {
		run = run_of(from + 8 * done, nr - done);
		used += snprintf(line + used, sizeof(line) - used, " 0x%llx",
				 load(from + 8 * done, 8));
		if (run > 1)
			used += snprintf(line + used, sizeof(line) - used, "*%zu", run);
	}
	nvbar_trace_put(w, "%c %u 0x%06llx%s%s", write ? 'W' : 'R', bar, off, line,
			comment(w, bar, off, note, sizeof(note)));
	return done;
}

void nvbar_trace_block(struct nvbar_trace_writer *w, bool write, unsigned int bar, u64 off,
		       const void *buf, size_t len)
{
	const u8 *from = buf;
	size_t step;

	for (; len; off += step, from += step, len -= step) {
		step = nvbar_natural_width(off, len);
		if (step < 8)
			nvbar_trace_one(w, write, bar, off, step, load(from, step));
		else
			step = 8 * put_words(w, write, bar, off, from, len / 8);
	}
}

void nvbar_trace_fill(struct nvbar_trace_writer *w, u64 off, u32 pattern, u64 len)
{
	u64 word = (u64)pattern << 32 | pattern, run;

	for (; len; off += run, len -= run) {
		run = nvbar_natural_width(off, len);
		if (run < 8) {
			nvbar_trace_one(w, true, 1, off, run, pattern);
			continue;
		}
		run = len / 8 < NVBAR_TRACE_RUN_MAX ? len / 8 : NVBAR_TRACE_RUN_MAX;
		nvbar_trace_put(w, "W 1 0x%06llx 0x%llx*%llu", off, word, run);
		run *= 8;
	}
}
