// SPDX-License-Identifier: MIT
#include <errno.h>
#include <string.h>

#include <linux/kernel.h>

#include "backend.h"
#include "sim_options.h"

static int parse_number(const char *text, u64 *val)
{
	return nvbar_size_parse(text, val);
}

static int parse_polls(const char *text, unsigned int *polls)
{
	u64 val;

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
static int parse_pair(char *text, u64 *a, u64 *b)
{
	char *second = strchr(text, ':');

	if (second) {
		*second++ = '\0';
		if (parse_number(second, b))
			return -EINVAL;
	}
	return parse_number(text, a);
}

static int parse_size(const char *text, uint64_t *size)
{
	u64 val;

	if (parse_number(text, &val))
		return -EINVAL;
	*size = val;
	return 0;
}

/* --- the keys: what each does with its value ------------------------------ */

static int set_vram(struct nvbar_sim_options *o, char *text)
{
	return parse_size(text, &o->cfg.vram_size) || !o->cfg.vram_size ? -EINVAL : 0;
}

static int set_bar1(struct nvbar_sim_options *o, char *text)
{
	int ret = parse_size(text, &o->cfg.bar1_size);

	o->cfg.no_bar1 = !ret && !o->cfg.bar1_size;
	return ret;
}

static int set_file(struct nvbar_sim_options *o, char *text)
{
	o->cfg.file = text;
	return *text ? 0 : -EINVAL;
}

static int set_reported_vram(struct nvbar_sim_options *o, char *text)
{
	return parse_size(text, &o->cfg.reported_vram);
}

static int set_boot_polls(struct nvbar_sim_options *o, char *text)
{
	return parse_polls(text, &o->cfg.boot_polls);
}

static int set_bind_polls(struct nvbar_sim_options *o, char *text)
{
	return parse_polls(text, &o->cfg.bind_polls);
}

static int set_invalidate_polls(struct nvbar_sim_options *o, char *text)
{
	return parse_polls(text, &o->cfg.invalidate_polls);
}

static int set_dead_at(struct nvbar_sim_options *o, char *text)
{
	return parse_size(text, &o->inject.dead_at);
}

static int set_ignore_write(struct nvbar_sim_options *o, char *text)
{
	u64 reg, nth = 1;

	if (parse_pair(text, &reg, &nth) || reg > ~0u || nth > ~0u)
		return -EINVAL;
	o->inject.ignored_reg = reg;
	o->inject.ignored_nth = nth;
	return 0;
}

static int set_window_delay(struct nvbar_sim_options *o, char *text)
{
	u64 delay;

	if (parse_number(text, &delay) || delay >= ~0u)
		return -EINVAL;
	o->inject.window_delay = delay;
	return 0;
}

static int set_poison(struct nvbar_sim_options *o, char *text)
{
	const u64 page = 4096;
	u64 pa, len = page;

	if (parse_pair(text, &pa, &len) || (pa | len) % page || pa + len < pa)
		return -EINVAL;
	o->inject.poison_pa = pa;
	o->inject.poison_len = len;
	return 0;
}

static int set_flip(struct nvbar_sim_options *o, char *text)
{
	u64 at, seed = 0;

	if (parse_pair(text, &at, &seed))
		return -EINVAL;
	o->inject.flip_at = at;
	o->inject.flip_seed = seed;
	return 0;
}

static int set_nomem(struct nvbar_sim_options *o, char *text)
{
	u64 nth;

	if (parse_number(text, &nth) || nth > ~0ul)
		return -EINVAL;
	o->nomem = nth;
	return 0;
}

static int set_nomem_from(struct nvbar_sim_options *o, char *text)
{
	o->nomem_forever = true;
	return set_nomem(o, text);
}

static const struct key {
	const char *name;
	int (*set)(struct nvbar_sim_options *options, char *text);
	const char *want;
} keys[] = {
	{ "vram", set_vram, "a size such as 8G, 1G or 0x40000000" },
	{ "bar1", set_bar1, "a size such as 256M, or 0 for none" },
	{ "file", set_file, "the path of a file" },
	{ "reported-vram", set_reported_vram, "a size, right or wrong" },
	{ "boot-polls", set_boot_polls, "a number, or \"never\"" },
	{ "bind-polls", set_bind_polls, "a number, or \"never\"" },
	{ "invalidate-polls", set_invalidate_polls, "a number, or \"never\"" },
	{ "dead-at", set_dead_at, "the number of an access" },
	{ "ignore-write", set_ignore_write, "REGISTER or REGISTER:NTH" },
	{ "window-delay", set_window_delay, "a number of accesses" },
	{ "poison", set_poison, "PA or PA:LEN, whole pages" },
	{ "flip", set_flip, "ACCESS or ACCESS:SEED" },
	{ "nomem", set_nomem, "the number of an allocation" },
	{ "nomem-from", set_nomem_from, "the number of an allocation" },
};

static int set_key(struct nvbar_sim_options *options, struct nvbar_log *log, const char *name,
		   char *text)
{
	char shown[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].name, name))
			continue;
		strncpy(shown, text, sizeof(shown) - 1);
		shown[sizeof(shown) - 1] = '\0';
		if (!keys[i].set(options, text))
			return 0;
		nvbar_log(log, 0, "%s=%s: not %s", name, shown, keys[i].want);
		return -EINVAL;
	}
	nvbar_log(log, 0, "%s=%s: no such key; vram=SIZE, bar1=SIZE and file=PATH are the usual ones",
		  name, text);
	return -EINVAL;
}

int nvbar_sim_options_parse(char *args, struct nvbar_log *log, struct nvbar_sim_options *options)
{
	char *rest = args;
	char *word = strsep(&rest, ",");
	int ret;

	*options = (struct nvbar_sim_options){ 0 };
	/* Whoever found the kind of device saw to it that this is a colon. */
	if (*word)
		options->cfg.chip = word + 1;
	while ((word = strsep(&rest, ","))) {
		char *text = strchr(word, '=');

		if (!text) {
			nvbar_log(log, 0, "\"%s\" is not key=value", word);
			return -EINVAL;
		}
		*text++ = '\0';
		ret = set_key(options, log, word, text);
		if (ret)
			return ret;
	}
	return 0;
}
