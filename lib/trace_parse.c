// SPDX-License-Identifier: MIT
/* Lines of a trace to accesses.  The text comes from anybody. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "text.h"
#include "trace_parse.h"

#define LINE_BYTES	512

int nvbar_trace_fail(struct nvbar_trace_parser *p, const char *fmt, ...)
{
	char reason[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	snprintf(p->why, p->why_len, "line %zu: %s", p->line, text_clean(reason));
	return -EINVAL;
}

int nvbar_trace_number(struct nvbar_trace_parser *p, const char *text, u64 *val)
{
	bool hex = text[0] == '0' && (text[1] | 0x20) == 'x';
	const char *digits = hex ? text + 2 : text;
	char *stop;

	/* strtoull() would take signs, blanks and a second 0x. */
	if (!isxdigit((unsigned char)digits[0]) || (digits[1] | 0x20) == 'x')
		return nvbar_trace_fail(p, "not a number: %.40s", text);
	errno = 0;
	*val = strtoull(digits, &stop, hex ? 16 : 10);
	if (errno)
		return nvbar_trace_fail(p, "does not fit 64 bits: %.40s", text);
	if (stop == digits || *stop)
		return nvbar_trace_fail(p, "not a number: %.40s", text);
	return 0;
}

int nvbar_trace_add(struct nvbar_trace_parser *p, const struct nvbar_trace_access *access)
{
	u64 nr = access->kind == NVBAR_TRACE_READ || access->kind == NVBAR_TRACE_WRITE ?
		 access->nr : 1;
	struct nvbar_trace *t = p->trace;

	if (nr > p->left) {
		nvbar_trace_fail(p, "more than %llu accesses, the limit", p->max);
		return -ENOSPC;
	}
	p->left -= nr;
	if (t->nr == p->room) {
		size_t room = p->room ? 2 * p->room : 256;
		struct nvbar_trace_access *more = kvmalloc_array(room, sizeof(*more), GFP_KERNEL);

		if (!more)
			return -ENOMEM;
		if (t->nr)
			memcpy(more, t->access, t->nr * sizeof(*more));
		kvfree(t->access);
		t->access = more;
		p->room = room;
	}
	t->access[t->nr] = *access;
	t->access[t->nr++].line = p->line;
	return 0;
}

int nvbar_trace_width_and_value(struct nvbar_trace_parser *p, const char *width, const char *val,
				struct nvbar_trace_access *a)
{
	u64 bytes = 0;

	if (nvbar_trace_number(p, width, &bytes) || nvbar_trace_number(p, val, &a->val))
		return -EINVAL;
	if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
		return nvbar_trace_fail(p, "width is 1, 2, 4 or 8, not %.40s", width);
	if (a->val > GENMASK_ULL(8 * bytes - 1, 0))
		return nvbar_trace_fail(p, "%.40s has more than %llu bytes", val, bytes);
	a->width = bytes;
	return 0;
}

/* The first fields of each access.  BAR0 has offsets of 32 bits. */
static int bar_and_offset(struct nvbar_trace_parser *p, char **field, struct nvbar_trace_access *a)
{
	if (field[1][0] < '0' || field[1][0] > '2' || field[1][1])
		return nvbar_trace_fail(p, "BAR is 0, 1 or 2, not %.40s", field[1]);
	a->bar = field[1][0] - '0';
	if (nvbar_trace_number(p, field[2], &a->off))
		return -EINVAL;
	if (a->off > (a->bar ? 1ULL << 62 : U32_MAX))
		return nvbar_trace_fail(p, "no such offset: %.40s", field[2]);
	return 0;
}

/* r|w BAR OFFSET WIDTH VALUE */
static int take_one(struct nvbar_trace_parser *p, char **field, int nr)
{
	struct nvbar_trace_access a = { .nr = 1 };

	(void)nr;
	a.kind = field[0][0] == 'w' ? NVBAR_TRACE_WRITE : NVBAR_TRACE_READ;
	if (bar_and_offset(p, field, &a) ||
	    nvbar_trace_width_and_value(p, field[3], field[4], &a))
		return -EINVAL;
	if (a.off % a.width)
		return nvbar_trace_fail(p, "offset %.40s is no multiple of the width", field[2]);
	return nvbar_trace_add(p, &a);
}

/* R|W BAR OFFSET (VALUE | VALUE*COUNT)... */
static int take_words(struct nvbar_trace_parser *p, char **field, int nr)
{
	struct nvbar_trace_access a = { .width = 8 };
	char *count;
	int ret, i;

	a.kind = field[0][0] == 'W' ? NVBAR_TRACE_WRITE : NVBAR_TRACE_READ;
	if (bar_and_offset(p, field, &a))
		return -EINVAL;
	if (a.off % 8)
		return nvbar_trace_fail(p, "offset %.40s is no multiple of 8", field[2]);
	for (i = 3; i < nr; i++) {
		a.nr = 1;
		count = strchr(field[i], '*');
		if (count)
			*count++ = '\0';
		if (nvbar_trace_number(p, field[i], &a.val) || (count && nvbar_trace_number(p, count, &a.nr)))
			return -EINVAL;
		if (!a.nr || a.nr > NVBAR_TRACE_RUN_MAX)
			return nvbar_trace_fail(p, "a run of 1 to %u words, not %llu", NVBAR_TRACE_RUN_MAX,
				    a.nr);
		ret = nvbar_trace_add(p, &a);
		if (ret)
			return ret;
		a.off += 8 * a.nr;
	}
	return 0;
}

/* x COUNT */
static int take_again(struct nvbar_trace_parser *p, char **field, int nr)
{
	const struct nvbar_trace *t = p->trace;
	struct nvbar_trace_access a;

	(void)nr;
	if (!t->nr || t->access[t->nr - 1].kind != NVBAR_TRACE_READ)
		return nvbar_trace_fail(p, "nothing was read before that could repeat");
	a = t->access[t->nr - 1];
	a.off += a.width * (a.nr - 1);
	a.kind = NVBAR_TRACE_AGAIN;
	if (nvbar_trace_number(p, field[1], &a.nr))
		return -EINVAL;
	if (!a.nr || a.nr > U32_MAX)
		return nvbar_trace_fail(p, "1 to %u repeats, not %.40s", U32_MAX, field[1]);
	return nvbar_trace_add(p, &a);
}

/* m OFFSET LEN ro|rw */
static int take_pointer(struct nvbar_trace_parser *p, char **field, int nr)
{
	struct nvbar_trace_access a = { .kind = NVBAR_TRACE_POINTER, .bar = 1 };

	(void)nr;
	if (nvbar_trace_number(p, field[1], &a.off) || nvbar_trace_number(p, field[2], &a.nr))
		return -EINVAL;
	if (!strcmp(field[3], "ro"))
		return 0;
	if (strcmp(field[3], "rw"))
		return nvbar_trace_fail(p, "ro or rw, not %.40s", field[3]);
	return nvbar_trace_add(p, &a);
}

/* chip NAME VRAM */
static int take_chip(struct nvbar_trace_parser *p, char **field, int nr)
{
	struct nvbar_trace *t = p->trace;

	(void)nr;
	if (strlen(field[1]) >= sizeof(t->chip))
		return nvbar_trace_fail(p, "no such chip: %.40s", field[1]);
	memcpy(t->chip, field[1], strlen(field[1]) + 1);
	return nvbar_trace_number(p, field[2], &t->vram_size);
}

/* bar1 SIZE */
static int take_bar1(struct nvbar_trace_parser *p, char **field, int nr)
{
	(void)nr;
	p->have_bar1 = true;
	return nvbar_trace_number(p, field[1], &p->trace->bar1_size);
}

static const struct line_kind {
	const char *word;
	int min, max;	/* fields */
	int (*take)(struct nvbar_trace_parser *p, char **field, int nr);
} line_kinds[] = {
	{ "r", 5, 5, take_one },
	{ "w", 5, 5, take_one },
	{ "R", 4, NVBAR_TRACE_FIELDS, take_words },
	{ "W", 4, NVBAR_TRACE_FIELDS, take_words },
	{ "x", 2, 2, take_again },
	{ "m", 4, 4, take_pointer },
	{ "bar1", 2, 2, take_bar1 },
	{ "chip", 3, 3, take_chip },
};

int nvbar_trace_split(struct nvbar_trace_parser *p, char *text, char **field)
{
	char *word;
	int nr = 0;

	while ((word = strsep(&text, " \t\r"))) {
		if (!*word)
			continue;
		if (nr == NVBAR_TRACE_FIELDS)
			return nvbar_trace_fail(p, "more than %d words", NVBAR_TRACE_FIELDS);
		field[nr++] = word;
	}
	return nr;
}

static int take_line(struct nvbar_trace_parser *p, char *text)
{
	char *field[NVBAR_TRACE_FIELDS];
	const struct line_kind *k;
	int nr;

	/* Device strings are for people, and may hold anything. */
	if (!strncmp(text, "device ", strlen("device ")))
		return 0;
	text[strcspn(text, "#")] = '\0';
	nr = nvbar_trace_split(p, text, field);
	if (nr <= 0)
		return nr;
	for (k = line_kinds; k < line_kinds + ARRAY_SIZE(line_kinds); k++) {
		if (strcmp(field[0], k->word))
			continue;
		if (nr < k->min || nr > k->max)
			return nvbar_trace_fail(p, "\"%s\" is not followed by %d words", k->word,
						nr - 1);
		return k->take(p, field, nr);
	}
	return nvbar_trace_fail(p, "what is \"%.40s\"?", field[0]);
}

static int take_end(struct nvbar_trace_parser *p)
{
	return p->have_bar1 ? 0 : nvbar_trace_fail(p, "no line tells the size of BAR1");
}

static const struct nvbar_trace_format own_format = { take_line, take_end };

/* The first line tells which format it is. */
static int take_magic(struct nvbar_trace_parser *p, const char *text)
{
	char want[32];

	p->format = nvbar_mmiotrace_begins(text) ? &nvbar_mmiotrace_format : &own_format;
	if (p->format != &own_format)
		return 0;
	snprintf(want, sizeof(want), NVBAR_TRACE_MAGIC " %d", NVBAR_TRACE_VERSION);
	if (strcmp(text, want))
		return nvbar_trace_fail(p, "this is no \"%s\", nor a log of mmiotrace", want);
	return 0;
}

static int take_all(struct nvbar_trace_parser *p, const char *text, size_t len)
{
	const char *end = text + len, *next;
	char line[LINE_BYTES];
	size_t used;
	int ret;

	for (; text < end; text = next) {
		next = memchr(text, '\n', end - text);
		used = (next ? next : end) - text;
		next = next ? next + 1 : end;
		/* More would not fit the number either. */
		if (++p->line == U32_MAX || used >= sizeof(line) || memchr(text, '\0', used))
			return nvbar_trace_fail(p, "this is no line of text");
		memcpy(line, text, used);
		line[used] = '\0';
		ret = p->line == 1 ? take_magic(p, line) : p->format->take_line(p, line);
		if (ret)
			return ret;
	}
	if (!p->line)
		return nvbar_trace_fail(p, "there is nothing");
	return p->format->take_end(p);
}

int nvbar_trace_parse(const char *text, size_t len, u64 max, struct nvbar_trace *trace, char *why,
		      size_t why_len)
{
	struct nvbar_trace_parser p = {
		.trace = trace, .max = max, .left = max, .why = why, .why_len = why_len
	};
	int ret;

	*trace = (struct nvbar_trace){ 0 };
	ret = take_all(&p, text, len);
	if (ret)
		nvbar_trace_free(trace);
	return ret;
}

void nvbar_trace_free(struct nvbar_trace *trace)
{
	kvfree(trace->access);
	trace->access = NULL;
}
