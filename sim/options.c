/* SPDX-License-Identifier: MIT */
/* What follows "sim:" in a device string. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "sim_bits.h"
#include "sim_options.h"

/* @val is what it was if there is none. */
static int parse_number(const char *text, uint64_t *val)
{
	return number_parse(text, val) ? 0 : -EINVAL;
}

static int parse_polls(const char *text, unsigned int *polls)
{
	uint64_t val;

	if (!strcmp(text, "never")) {
		*polls = SIM_NEVER;
		return 0;
	}
	if (parse_number(text, &val) || val >= SIM_NEVER)
		return -EINVAL;
	*polls = val;
	return 0;
}

/* "A:B", the second with a default. */
static int parse_pair(char *text, uint64_t *a, uint64_t *b)
{
	char *second = strchr(text, ':');

	if (second) {
		*second++ = '\0';
		if (parse_number(second, b))
			return -EINVAL;
	}
	return parse_number(text, a);
}

/* What 0 would be nothing of. */
static int parse_count(const char *text, uint64_t *val)
{
	return parse_number(text, val) || !*val ? -EINVAL : 0;
}

/* --- the keys: what each does with its value ------------------------------ */

static int set_vram(struct sim_options *o, char *text)
{
	return parse_count(text, &o->cfg.vram_size);
}

static int set_bar1(struct sim_options *o, char *text)
{
	int ret = parse_number(text, &o->cfg.bar1_size);

	o->cfg.no_bar1 = !ret && !o->cfg.bar1_size;
	return ret;
}

static int set_file(struct sim_options *o, char *text)
{
	o->cfg.file = text;
	return *text ? 0 : -EINVAL;
}

static int set_reported_vram(struct sim_options *o, char *text)
{
	return parse_count(text, &o->cfg.reported_vram);
}

static int set_boot_polls(struct sim_options *o, char *text)
{
	return parse_polls(text, &o->cfg.boot_polls);
}

static int set_scrub_polls(struct sim_options *o, char *text)
{
	return parse_polls(text, &o->cfg.scrub_polls);
}

static int set_bind_polls(struct sim_options *o, char *text)
{
	return parse_polls(text, &o->cfg.bind_polls);
}

static int set_invalidate_polls(struct sim_options *o, char *text)
{
	return parse_polls(text, &o->cfg.invalidate_polls);
}

static int set_evict(struct sim_options *o, char *text)
{
	uint64_t evict;

	if (parse_number(text, &evict) || evict > INT_MAX)
		return -EINVAL;
	o->cfg.evict = evict;
	return 0;
}

static int set_seed(struct sim_options *o, char *text)
{
	return parse_number(text, &o->cfg.seed);
}

static int set_dead_at(struct sim_options *o, char *text)
{
	return parse_count(text, &o->inject.dead_at);
}

static int set_ignore_write(struct sim_options *o, char *text)
{
	uint64_t reg, nth = 1;

	if (parse_pair(text, &reg, &nth) || reg > ~0u || reg % 4 || !nth || nth > ~0u)
		return -EINVAL;
	o->inject.ignored_reg = reg;
	o->inject.ignored_nth = nth;
	return 0;
}

static int set_window_delay(struct sim_options *o, char *text)
{
	uint64_t delay;

	if (parse_number(text, &delay) || delay >= ~0u)
		return -EINVAL;
	o->inject.window_delay = delay;
	return 0;
}

static int set_poison(struct sim_options *o, char *text)
{
	const uint64_t page = 4096;
	uint64_t pa, len = page;

	if (parse_pair(text, &pa, &len) || (pa | len) % page || pa + len < pa)
		return -EINVAL;
	o->inject.poison_pa = pa;
	o->inject.poison_len = len;
	return 0;
}

static int set_flip(struct sim_options *o, char *text)
{
	uint64_t at, seed = 0;

	if (parse_pair(text, &at, &seed) || !at)
		return -EINVAL;
	o->inject.flip_at = at;
	o->inject.flip_seed = seed;
	return 0;
}

/* "PA:LEN" */
static int parse_range(char *text, struct sim_range *range)
{
	uint64_t pa, len = 0;

	if (parse_pair(text, &pa, &len) || !len || pa + len < pa)
		return -EINVAL;
	range->start = pa;
	range->end = pa + len;
	return 0;
}

static int set_wpr1(struct sim_options *o, char *text)
{
	return parse_range(text, &o->cfg.wpr1);
}

static int set_wpr2(struct sim_options *o, char *text)
{
	o->cfg.wpr2_size = 0;
	o->cfg.wpr2 = (struct sim_range) { 0 };
	if (strchr(text, ':'))
		return parse_range(text, &o->cfg.wpr2);
	return parse_number(text, &o->cfg.wpr2_size);
}

static int set_lock_range(struct sim_options *o, char *text)
{
	return parse_range(text, &o->cfg.lock);
}

static int set_bound(struct sim_options *o, char *text)
{
	return parse_number(text, &o->cfg.bound);
}

/* One of the words, which @nr are; its number. */
static int parse_word(const char *text, const char *const *words, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(text, words[i]))
			return (int)i;
	return -EINVAL;
}

static int set_landing(struct sim_options *o, char *text)
{
	static const char *const words[] = {
		[SIM_LANDING_RANDOM] = "random",
		[SIM_LANDING_LATE] = "late",
		[SIM_LANDING_AT_ONCE] = "at-once",
	};
	int word = parse_word(text, words, ARRAY_LEN(words));

	if (word < 0)
		return word;
	o->cfg.landing = (enum sim_landing)word;
	return 0;
}

static int set_bind_low(struct sim_options *o, char *text)
{
	static const char *const words[] = {
		[SIM_BIND_LOW_MISUSE] = "misuse",
		[SIM_BIND_LOW_ACTS] = "acts",
		[SIM_BIND_LOW_WAITS] = "waits",
	};
	int word = parse_word(text, words, ARRAY_LEN(words));

	if (word < 0)
		return word;
	o->cfg.bind_low = (enum sim_bind_low)word;
	return 0;
}

static int set_fault_rebind(struct sim_options *o, char *text)
{
	static const char *const words[] = { "off", "on" };
	int word = parse_word(text, words, ARRAY_LEN(words));

	o->cfg.fault_rebind = word > 0;
	return word < 0 ? word : 0;
}

static int set_unknown(struct sim_options *o, char *text)
{
	static const char *const words[] = { "count", "ignore" };
	int word = parse_word(text, words, ARRAY_LEN(words));

	o->cfg.ignore_unknown = word > 0;
	return word < 0 ? word : 0;
}

static int set_background(struct sim_options *o, char *text)
{
	static const char *const words[] = { "faults", "sparse" };
	int word = parse_word(text, words, ARRAY_LEN(words));

	o->sparse = word > 0;
	return word < 0 ? word : 0;
}

static int set_nomem(struct sim_options *o, char *text)
{
	uint64_t nth;

	if (parse_count(text, &nth) || nth > ~0ul)
		return -EINVAL;
	o->nomem = nth;
	return 0;
}

static int set_nomem_from(struct sim_options *o, char *text)
{
	o->nomem_forever = true;
	return set_nomem(o, text);
}

static const struct key {
	const char *name;
	int (*set)(struct sim_options *options, char *text);
	const char *want;
} keys[] = {
	{ "vram", set_vram, "a size such as 8G, 1G or 0x40000000" },
	{ "bar1", set_bar1, "a size such as 256M, or 0 for none" },
	{ "file", set_file, "the path of a file" },
	{ "reported-vram", set_reported_vram, "a size from 1M up, right or wrong" },
	{ "wpr1", set_wpr1, "PA:LEN, whole pages" },
	{ "wpr2", set_wpr2, "SIZE or PA:LEN, whole pages" },
	{ "lock-range", set_lock_range, "PA:LEN, whole pages" },
	{ "bound", set_bound, "the address of an instance block" },
	{ "boot-polls", set_boot_polls, "a number, or \"never\"" },
	{ "scrub-polls", set_scrub_polls, "a number, or \"never\"" },
	{ "bind-polls", set_bind_polls, "a number, or \"never\"" },
	{ "invalidate-polls", set_invalidate_polls, "a number, or \"never\"" },
	{ "landing", set_landing, "\"random\", \"late\" or \"at-once\"" },
	{ "evict", set_evict, "a number of lookups, or 0 for none" },
	{ "seed", set_seed, "a number" },
	{ "bind-low", set_bind_low, "\"misuse\", \"acts\" or \"waits\"" },
	{ "fault-rebind", set_fault_rebind, "\"on\" or \"off\"" },
	{ "unknown", set_unknown, "\"count\" or \"ignore\"" },
	{ "dead-at", set_dead_at, "the number of an access, from 1" },
	{ "ignore-write", set_ignore_write, "REGISTER or REGISTER:NTH, from 1" },
	{ "window-delay", set_window_delay, "a number of accesses" },
	{ "poison", set_poison, "PA or PA:LEN, whole pages" },
	{ "flip", set_flip, "ACCESS or ACCESS:SEED, from 1" },
	{ "background", set_background, "\"sparse\" or \"faults\"" },
	{ "nomem", set_nomem, "the number of an allocation, from 1" },
	{ "nomem-from", set_nomem_from, "the number of an allocation, from 1" },
};

/* The readings of what in "A" or "A:B" is refused only for its leading zeros, or nothing. */
static void read_twice(const char *text, char *why, size_t len)
{
	char part[64], *rest = part, *word;

	snprintf(part, sizeof(part), "%s", text);
	*why = '\0';
	while ((word = strsep(&rest, ":")) && !number_is_ambiguous(word))
		;
	if (word) {
		snprintf(why, len, ": ");
		number_why(word, why + 2, len - 2);
	}
}

static int set_key(struct sim_options *options, const char *name, char *text, char *why,
		   size_t why_len)
{
	char shown[64], readings[160];
	size_t i;

	for (i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].name, name))
			continue;
		snprintf(shown, sizeof(shown), "%s", text);
		if (!keys[i].set(options, text))
			return 0;
		read_twice(shown, readings, sizeof(readings));
		snprintf(why, why_len, "%s=%s: not %s%s", name, shown, keys[i].want, readings);
		return -EINVAL;
	}
	snprintf(why, why_len,
		 "%s=%s: no such key; vram=SIZE, bar1=SIZE and file=PATH are the usual ones", name,
		 text);
	return -EINVAL;
}

int sim_options_parse(char *args, struct sim_options *options, char *why, size_t why_len)
{
	char *rest = args;
	char *word = strsep(&rest, ",");

	*options = (struct sim_options){ .cfg.evict = SIM_EVICT };
	if (*word)
		options->cfg.chip = word;
	while ((word = strsep(&rest, ","))) {
		char *text = strchr(word, '=');

		if (!text) {
			snprintf(why, why_len, "\"%s\" is not key=value", word);
			return -EINVAL;
		}
		*text++ = '\0';
		if (set_key(options, word, text, why, why_len))
			return -EINVAL;
	}
	return 0;
}
