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
#include "trace.h"

#define LINE_BYTES	512
#define MAX_FIELDS	16

struct parser {
	struct nvbar_trace *trace;
	size_t room;
	size_t line;
	bool have_bar1;
	char *why;
	size_t why_len;
};

static int fail(struct parser *p, const char *fmt, ...) __printf(2, 3);

static int fail(struct parser *p, const char *fmt, ...)
{
	char reason[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	snprintf(p->why, p->why_len, "line %zu: %s", p->line, text_clean(reason));
	return -EINVAL;
}

/* Decimal or 0x */
static int number(struct parser *p, const char *text, u64 *val)
{
	bool hex = text[0] == '0' && (text[1] | 0x20) == 'x';
	const char *digits = hex ? text + 2 : text;
	char *stop;

	/* strtoull() would take signs, blanks and a second 0x. */
	if (!isxdigit((unsigned char)digits[0]) || (digits[1] | 0x20) == 'x')
		return fail(p, "not a number: %.40s", text);
	errno = 0;
	*val = strtoull(digits, &stop, hex ? 16 : 10);
	if (errno)
		return fail(p, "does not fit 64 bits: %.40s", text);
	return stop == digits || *stop ? fail(p, "not a number: %.40s", text) : 0;
}

static int add(struct parser *p, const struct nvbar_trace_access *access)
{
	struct nvbar_trace *t = p->trace;

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

/* The first fields of each access.  BAR0 has offsets of 32 bits. */
static int bar_and_offset(struct parser *p, char **field, struct nvbar_trace_access *a)
{
	if (field[1][0] < '0' || field[1][0] > '2' || field[1][1])
		return fail(p, "BAR is 0, 1 or 2, not %.40s", field[1]);
	a->bar = field[1][0] - '0';
	if (number(p, field[2], &a->off))
		return -EINVAL;
	if (a->off > (a->bar ? 1ULL << 62 : U32_MAX))
		return fail(p, "no such offset: %.40s", field[2]);
	return 0;
}

/* r|w BAR OFFSET WIDTH VALUE */
static int take_one(struct parser *p, char **field, size_t nr)
{
	struct nvbar_trace_access a = { .nr = 1 };
	u64 width;

	(void)nr;
	a.kind = field[0][0] == 'w' ? NVBAR_TRACE_WRITE : NVBAR_TRACE_READ;
	if (bar_and_offset(p, field, &a) || number(p, field[3], &width) ||
	    number(p, field[4], &a.val))
		return -EINVAL;
	if (width != 1 && width != 2 && width != 4 && width != 8)
		return fail(p, "width is 1, 2, 4 or 8, not %.40s", field[3]);
	if (a.off % width)
		return fail(p, "offset %.40s is no multiple of the width", field[2]);
	if (a.val > GENMASK_ULL(8 * width - 1, 0))
		return fail(p, "%.40s has more than %llu bytes", field[4], width);
	a.width = width;
	return add(p, &a);
}

/* R|W BAR OFFSET (VALUE | VALUE*COUNT)... */
static int take_words(struct parser *p, char **field, size_t nr)
{
	struct nvbar_trace_access a = { .width = 8 };
	char *count;
	size_t i;
	int ret;

	a.kind = field[0][0] == 'W' ? NVBAR_TRACE_WRITE : NVBAR_TRACE_READ;
	if (bar_and_offset(p, field, &a))
		return -EINVAL;
	if (a.off % 8)
		return fail(p, "offset %.40s is no multiple of 8", field[2]);
	for (i = 3; i < nr; i++) {
		a.nr = 1;
		count = strchr(field[i], '*');
		if (count)
			*count++ = '\0';
		if (number(p, field[i], &a.val) || (count && number(p, count, &a.nr)))
			return -EINVAL;
		if (!a.nr || a.nr > NVBAR_TRACE_RUN_MAX)
			return fail(p, "a run of 1 to %u words, not %llu", NVBAR_TRACE_RUN_MAX,
				    a.nr);
		ret = add(p, &a);
		if (ret)
			return ret;
		a.off += 8 * a.nr;
	}
	return 0;
}

/* x COUNT */
static int take_again(struct parser *p, char **field, size_t nr)
{
	const struct nvbar_trace *t = p->trace;
	struct nvbar_trace_access a;

	(void)nr;
	if (!t->nr || t->access[t->nr - 1].kind != NVBAR_TRACE_READ)
		return fail(p, "nothing was read before that could repeat");
	a = t->access[t->nr - 1];
	a.off += a.width * (a.nr - 1);
	a.kind = NVBAR_TRACE_AGAIN;
	if (number(p, field[1], &a.nr))
		return -EINVAL;
	if (!a.nr || a.nr > U32_MAX)
		return fail(p, "1 to %u repeats, not %.40s", U32_MAX, field[1]);
	return add(p, &a);
}

/* m OFFSET LEN ro|rw */
static int take_pointer(struct parser *p, char **field, size_t nr)
{
	struct nvbar_trace_access a = { .kind = NVBAR_TRACE_POINTER, .bar = 1 };

	(void)nr;
	if (number(p, field[1], &a.off) || number(p, field[2], &a.nr))
		return -EINVAL;
	if (!strcmp(field[3], "ro"))
		return 0;
	if (strcmp(field[3], "rw"))
		return fail(p, "ro or rw, not %.40s", field[3]);
	return add(p, &a);
}

/* chip NAME VRAM */
static int take_chip(struct parser *p, char **field, size_t nr)
{
	struct nvbar_trace *t = p->trace;

	(void)nr;
	if (strlen(field[1]) >= sizeof(t->chip))
		return fail(p, "no such chip: %.40s", field[1]);
	memcpy(t->chip, field[1], strlen(field[1]) + 1);
	return number(p, field[2], &t->vram_size);
}

/* bar1 SIZE */
static int take_bar1(struct parser *p, char **field, size_t nr)
{
	(void)nr;
	p->have_bar1 = true;
	return number(p, field[1], &p->trace->bar1_size);
}

static const struct line_kind {
	const char *word;
	size_t min, max;	/* fields */
	int (*take)(struct parser *p, char **field, size_t nr);
} line_kinds[] = {
	{ "r", 5, 5, take_one },
	{ "w", 5, 5, take_one },
	{ "R", 4, MAX_FIELDS, take_words },
	{ "W", 4, MAX_FIELDS, take_words },
	{ "x", 2, 2, take_again },
	{ "m", 4, 4, take_pointer },
	{ "bar1", 2, 2, take_bar1 },
	{ "chip", 3, 3, take_chip },
};

static int take_line(struct parser *p, char *text)
{
	char *field[MAX_FIELDS], *word, *rest = text;
	size_t nr = 0, i;

	/* Device strings are for people, and may hold anything. */
	if (!strncmp(text, "device ", strlen("device ")))
		return 0;
	rest[strcspn(rest, "#")] = '\0';
	while ((word = strsep(&rest, " \t\r"))) {
		if (!*word)
			continue;
		if (nr == MAX_FIELDS)
			return fail(p, "more than %d words", MAX_FIELDS);
		field[nr++] = word;
	}
	if (!nr)
		return 0;
	for (i = 0; i < ARRAY_SIZE(line_kinds); i++) {
		const struct line_kind *k = &line_kinds[i];

		if (strcmp(field[0], k->word))
			continue;
		if (nr < k->min || nr > k->max)
			return fail(p, "\"%s\" is not followed by %zu words", k->word, nr - 1);
		return k->take(p, field, nr);
	}
	return fail(p, "what is \"%.40s\"?", field[0]);
}

/* The first line */
static int take_magic(struct parser *p, const char *text)
{
	char want[32];

	snprintf(want, sizeof(want), NVBAR_TRACE_MAGIC " %d", NVBAR_TRACE_VERSION);
	return strcmp(text, want) ? fail(p, "this is no \"%s\"", want) : 0;
}

static int take_all(struct parser *p, const char *text, size_t len)
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
			return fail(p, "this is no line of text");
		memcpy(line, text, used);
		line[used] = '\0';
		ret = p->line == 1 ? take_magic(p, line) : take_line(p, line);
		if (ret)
			return ret;
	}
	if (!p->line)
		return fail(p, "there is nothing");
	if (!p->have_bar1)
		return fail(p, "no line tells the size of BAR1");
	return 0;
}

int nvbar_trace_parse(const char *text, size_t len, struct nvbar_trace *trace, char *why,
		      size_t why_len)
{
	struct parser p = { .trace = trace, .why = why, .why_len = why_len };
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
