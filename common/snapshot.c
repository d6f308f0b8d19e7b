/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"
#include "text.h"

#define MAX_FIELDS	6	/* one more than a line can have that is looked at */

/* A table, or after sorting all tables that touch: [start, end). */
struct extent {
	uint64_t start, end;
};

struct word {
	uint64_t addr, val;
	size_t line;
};

/* An array that grows. */
struct vec {
	void *data;
	size_t nr, max;
};

/* Per space, sorted by address once the scenario is complete. */
struct snapshot_memory {
	struct vec extents[2];	/* struct extent */
	struct vec words[2];	/* struct word */
	struct vec expects;	/* struct snapshot_expect */
};

struct snapshot {
	char *text;		/* cut up in place; names and lines point into it */
	struct vec scenarios;	/* struct snapshot_scenario */
};

struct parser {
	struct snapshot *snap;
	struct snapshot_error *err;
	struct snapshot_scenario *cur;	/* between "scenario" and "end" */
	struct snapshot_memory *mem;	/* of cur */
	size_t line;
	char *start;			/* of the line */
};

static int fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	p->err->line = p->line;
	va_start(ap, fmt);
	vsnprintf(p->err->reason, sizeof(p->err->reason), fmt, ap);
	va_end(ap);
	text_clean(p->err->reason);	/* it repeats words of the text */
	return -EINVAL;
}

/* Return: room for one more element of @size bytes, NULL without memory. */
static void *vec_add(struct vec *v, size_t size)
{
	if (v->nr == v->max) {
		size_t max = v->max ? 2 * v->max : 64;
		void *data = reallocarray(v->data, max, size);

		if (!data)
			return NULL;
		v->data = data;
		v->max = max;
	}
	return (char *)v->data + size * v->nr++;
}

static int parse_u64(struct parser *p, const char *s, uint64_t *val)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	const char *digits = hex ? s + 2 : s;
	size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");

	/* strtoull() would take signs, blanks and a second 0x. */
	if (!n || digits[n])
		return fail(p, "not a number: %.40s", s);
	errno = 0;
	*val = strtoull(digits, NULL, hex ? 16 : 10);
	return errno ? fail(p, "does not fit 64 bits: %.40s", s) : 0;
}

static int parse_space(struct parser *p, const char *s, enum snapshot_space *space)
{
	if (!strcmp(s, "vid"))
		*space = SNAPSHOT_VID;
	else if (!strcmp(s, "sys"))
		*space = SNAPSHOT_SYS;
	else
		return fail(p, "space is vid or sys, not %.40s", s);
	return 0;
}

static unsigned int chip_version(const char *chip)
{
	if (!strcmp(chip, "turing") || !strcmp(chip, "ampere"))
		return 2;
	if (!strcmp(chip, "hopper") || !strcmp(chip, "blackwell"))
		return 3;
	return 0;
}

static int parse_scenario(struct parser *p, char **field)
{
	struct snapshot_scenario s = { .name = field[0], .chip = field[2] };
	struct snapshot_scenario *add;
	uint64_t version;

	if (p->cur)
		return fail(p, "scenario %.40s is not ended", p->cur->name);
	if (parse_u64(p, field[1], &version) || parse_space(p, field[3], &s.root_space) ||
	    parse_u64(p, field[4], &s.root))
		return -EINVAL;
	if (!chip_version(s.chip))
		return fail(p, "unknown chip %.40s", s.chip);
	if (version != chip_version(s.chip))
		return fail(p, "%s has version %u", s.chip, chip_version(s.chip));
	if (s.root % 8)
		return fail(p, "misaligned root %.40s", field[4]);
	s.version = (unsigned int)version;
	p->mem = calloc(1, sizeof(*p->mem));
	if (!p->mem)
		return -ENOMEM;
	s.memory = p->mem;
	add = vec_add(&p->snap->scenarios, sizeof(s));
	if (!add) {
		free(p->mem);
		return -ENOMEM;
	}
	*add = s;
	p->cur = add;
	return 0;
}

static int parse_table(struct parser *p, char **field)
{
	enum snapshot_space space = SNAPSHOT_VID;
	uint64_t addr, size;
	struct extent *e;

	if (parse_space(p, field[0], &space) || parse_u64(p, field[1], &addr) ||
	    parse_u64(p, field[2], &size))
		return -EINVAL;
	if (!size || addr % 8 || size % 8)
		return fail(p, "table is not whole 64-bit words");
	if (addr + size < addr)
		return fail(p, "table ends past 64 bits");
	e = vec_add(&p->mem->extents[space], sizeof(*e));
	if (!e)
		return -ENOMEM;
	*e = (struct extent) { addr, addr + size };
	return 0;
}

static int parse_mem(struct parser *p, char **field)
{
	struct word w = { .line = p->line };
	enum snapshot_space space = SNAPSHOT_VID;
	struct word *add;

	if (parse_space(p, field[0], &space) || parse_u64(p, field[1], &w.addr) ||
	    parse_u64(p, field[2], &w.val))
		return -EINVAL;
	if (w.addr % 8)
		return fail(p, "misaligned word %.40s", field[1]);
	add = vec_add(&p->mem->words[space], sizeof(w));
	if (!add)
		return -ENOMEM;
	*add = w;
	return 0;
}

/* Keeps the line as it is; only its VA is looked at. */
static int parse_expect(struct parser *p, const char *rest)
{
	struct snapshot_expect *add;
	char number[24];
	uint64_t va;
	size_t n;

	rest += strspn(rest, " \t");
	n = strcspn(rest, " \t");
	if (n >= sizeof(number))
		return fail(p, "not a number: %.40s", rest);
	memcpy(number, rest, n);
	number[n] = '\0';
	if (parse_u64(p, number, &va))
		return -EINVAL;
	add = vec_add(&p->mem->expects, sizeof(*add));
	if (!add)
		return -ENOMEM;
	*add = (struct snapshot_expect) { va, p->start };
	return 0;
}

static int cmp_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int cmp_extent(const void *a, const void *b)
{
	return cmp_u64(((const struct extent *)a)->start, ((const struct extent *)b)->start);
}

static int cmp_word(const void *a, const void *b)
{
	const struct word *x = a, *y = b;

	return x->addr != y->addr ? cmp_u64(x->addr, y->addr) : cmp_u64(x->line, y->line);
}

static void sort(struct vec *v, size_t size, int (*cmp)(const void *, const void *))
{
	if (v->nr)
		qsort(v->data, v->nr, size, cmp);
}

/* Sort, and join tables that overlap or touch. */
static void finish_extents(struct vec *v)
{
	struct extent *e = v->data;
	size_t i, nr = 0;

	sort(v, sizeof(*e), cmp_extent);
	for (i = 0; i < v->nr; i++) {
		if (nr && e[i].start <= e[nr - 1].end) {
			if (e[nr - 1].end < e[i].end)
				e[nr - 1].end = e[i].end;
		} else {
			e[nr++] = e[i];
		}
	}
	v->nr = nr;
}

static int finish_words(struct parser *p, struct vec *v)
{
	const struct word *w = v->data;
	size_t i;

	sort(v, sizeof(*w), cmp_word);
	for (i = 1; i < v->nr; i++) {
		if (w[i].addr != w[i - 1].addr || w[i].val == w[i - 1].val)
			continue;
		p->line = w[i].line;
		return fail(p, "word 0x%llx has another value in line %zu",
			    (unsigned long long)w[i].addr, w[i - 1].line);
	}
	return 0;
}

static int parse_end(struct parser *p)
{
	unsigned int space;
	int ret;

	for (space = SNAPSHOT_VID; space <= SNAPSHOT_SYS; space++) {
		finish_extents(&p->mem->extents[space]);
		ret = finish_words(p, &p->mem->words[space]);
		if (ret)
			return ret;
	}
	p->cur->expect = p->mem->expects.data;
	p->cur->nr_expects = p->mem->expects.nr;
	p->cur = NULL;
	return 0;
}

/* Cut @s at blanks.  Return: how many fields, at most MAX_FIELDS. */
static size_t split(char *s, char **field)
{
	size_t nr = 0;
	char *save;

	for (s = strtok_r(s, " \t", &save); s && nr < MAX_FIELDS; s = strtok_r(NULL, " \t", &save))
		field[nr++] = s;
	return nr;
}

static const struct {
	const char *word;
	size_t nr_fields;
	int (*parse)(struct parser *p, char **field);
} statements[] = {
	{ "scenario", 5, parse_scenario },
	{ "table", 4, parse_table },
	{ "mem", 3, parse_mem },
};

static int parse_statement(struct parser *p, const char *word, char *rest)
{
	char *field[MAX_FIELDS];
	size_t i;

	for (i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		if (strcmp(statements[i].word, word))
			continue;
		if (split(rest, field) != statements[i].nr_fields)
			return fail(p, "%s takes %zu fields", word, statements[i].nr_fields);
		return statements[i].parse(p, field);
	}
	return fail(p, "unknown word %.40s", word);
}

static int parse_line(struct parser *p)
{
	size_t n = strcspn(p->start, " \t");
	char *rest = p->start + n;
	char word[16];

	if (!*p->start || *p->start == '#')
		return 0;
	if (n >= sizeof(word))
		return fail(p, "unknown word %.40s", p->start);
	memcpy(word, p->start, n);
	word[n] = '\0';
	if (!p->cur && strcmp(word, "scenario"))
		return fail(p, "%s outside a scenario", word);
	if (!strcmp(word, "map"))
		return 0;
	if (!strcmp(word, "x"))
		return parse_expect(p, rest);
	if (!strcmp(word, "end"))
		return *rest ? fail(p, "end takes no fields") : parse_end(p);
	return parse_statement(p, word, rest);
}

static void trim(char *line)
{
	size_t n = strlen(line);

	while (n && strchr(" \t\r", line[n - 1]))
		line[--n] = '\0';
}

static int cmp_name(const void *a, const void *b)
{
	const struct snapshot_scenario *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int check_names(struct parser *p)
{
	const struct vec *v = &p->snap->scenarios;
	const struct snapshot_scenario *s = v->data;
	const struct snapshot_scenario **by_name;
	size_t i;
	int ret = 0;

	if (!v->nr)
		return fail(p, "no scenario");
	by_name = calloc(v->nr, sizeof(*by_name));
	if (!by_name)
		return -ENOMEM;
	for (i = 0; i < v->nr; i++)
		by_name[i] = &s[i];
	qsort(by_name, v->nr, sizeof(*by_name), cmp_name);
	for (i = 1; i < v->nr && !ret; i++)
		if (!strcmp(by_name[i]->name, by_name[i - 1]->name))
			ret = fail(p, "scenario %.40s is there twice", by_name[i]->name);
	free(by_name);
	return ret;
}

static int parse_text(struct parser *p, size_t len)
{
	char *next = p->snap->text, *end = next + len, *newline;
	int ret;

	while (next < end) {
		p->line++;
		p->start = next;
		newline = memchr(next, '\n', end - next);
		next = newline ? newline + 1 : end;
		if (newline)
			*newline = '\0';
		if (strlen(p->start) < (size_t)((newline ? newline : end) - p->start))
			return fail(p, "NUL byte");
		trim(p->start);
		ret = parse_line(p);
		if (ret)
			return ret;
	}
	if (p->cur)
		return fail(p, "scenario %.40s is not ended", p->cur->name);
	return check_names(p);
}

int snapshot_parse(const char *text, size_t len, struct snapshot **out,
		   struct snapshot_error *err)
{
	struct snapshot_error ignored;
	struct snapshot *snap = calloc(1, sizeof(*snap));
	struct parser p = { .snap = snap, .err = err ? err : &ignored };
	int ret = -ENOMEM;

	if (!snap)
		return -ENOMEM;
	snap->text = malloc(len + 1);
	if (snap->text) {
		if (len)
			memcpy(snap->text, text, len);
		snap->text[len] = '\0';
		ret = parse_text(&p, len);
	}
	if (ret) {
		snapshot_free(snap);
		return ret;
	}
	*out = snap;
	return 0;
}

static void free_memory(struct snapshot_memory *mem)
{
	unsigned int space;

	for (space = SNAPSHOT_VID; space <= SNAPSHOT_SYS; space++) {
		free(mem->extents[space].data);
		free(mem->words[space].data);
	}
	free(mem->expects.data);
	free(mem);
}

void snapshot_free(struct snapshot *snap)
{
	struct snapshot_scenario *s;
	size_t i;

	if (!snap)
		return;
	s = snap->scenarios.data;
	for (i = 0; i < snap->scenarios.nr; i++)
		free_memory(s[i].memory);
	free(snap->scenarios.data);
	free(snap->text);
	free(snap);
}

size_t snapshot_nr_scenarios(const struct snapshot *snap)
{
	return snap->scenarios.nr;
}

const struct snapshot_scenario *snapshot_scenario(const struct snapshot *snap, size_t i)
{
	const struct snapshot_scenario *s = snap->scenarios.data;

	return i < snap->scenarios.nr ? &s[i] : NULL;
}

const struct snapshot_scenario *snapshot_find(const struct snapshot *snap, const char *name)
{
	const struct snapshot_scenario *s = snap->scenarios.data;
	size_t i;

	for (i = 0; i < snap->scenarios.nr; i++)
		if (!strcmp(s[i].name, name))
			return &s[i];
	return NULL;
}

/* Elements of @size bytes, sorted by the u64 they start with: how many are at or below @addr. */
static size_t upto(const struct vec *v, size_t size, uint64_t addr)
{
	size_t lo = 0, hi = v->nr;
	uint64_t at;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		memcpy(&at, (const char *)v->data + mid * size, sizeof(at));
		if (at <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool snapshot_read64(const struct snapshot_scenario *scenario, enum snapshot_space space,
		     uint64_t addr, uint64_t *val)
{
	const struct vec *extents = &scenario->memory->extents[space];
	const struct vec *words = &scenario->memory->words[space];
	const struct extent *e = extents->data;
	const struct word *w = words->data;
	size_t i = upto(extents, sizeof(*e), addr);

	if (addr % 8 || !i || addr >= e[i - 1].end)
		return false;
	i = upto(words, sizeof(*w), addr);
	*val = i && w[i - 1].addr == addr ? w[i - 1].val : 0;
	return true;
}
