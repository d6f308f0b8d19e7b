/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arg.h"
#include "number.h"
#include "nvbar_sim.h"
#include "sim_mmu.h"
#include "snapshot.h"
#include "text.h"
#include "tool_args.h"
#include "tool_json.h"

/* Larger files are no page tables of a BAR1. */
#define MAX_SNAPSHOT	((size_t)1 << 28)

struct args {
	const char *file;
	const char *scenario;
	bool brief;
	bool json;
	uint64_t *va;
	size_t nr, max;
};

static bool add_va(struct args *args, uint64_t va)
{
	if (args->nr == args->max) {
		size_t max = args->max ? 2 * args->max : 256;
		uint64_t *grown = reallocarray(args->va, max, sizeof(*grown));

		if (!grown)
			return false;
		args->va = grown;
		args->max = max;
	}
	args->va[args->nr++] = va;
	return true;
}

/* One VA a line. */
static int read_vas(struct args *args)
{
	char line[64], why[160];
	size_t nr = 0;
	uint64_t va;

	while (fgets(line, sizeof(line), stdin)) {
		nr++;
		line[strcspn(line, "\r\n")] = '\0';
		if (!number_parse(line, &va)) {
			number_why(line, why, sizeof(why));
			return refuse("translate: standard input, line %zu: %s", nr, why);
		}
		if (!add_va(args, va))
			return refuse("translate: no memory");
	}
	return ferror(stdin) ? refuse("translate: standard input: %s", strerror(errno)) : 0;
}

/* Return: the file's bytes, NULL with errno. */
static char *read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t max = 0;

	if (!f)
		return NULL;
	*len = 0;
	do {
		char *grown;

		max = max ? 2 * max : 1 << 16;
		grown = max <= MAX_SNAPSHOT ? realloc(text, max) : NULL;
		if (!grown) {
			errno = max <= MAX_SNAPSHOT ? ENOMEM : EFBIG;
			goto err;
		}
		text = grown;
		*len += fread(text + *len, 1, max - *len, f);
		if (ferror(f))
			goto err;
	} while (*len == max);
	(void)fclose(f);
	return text;

err:
	free(text);
	(void)fclose(f);
	return NULL;
}

static struct snapshot *load(const char *path)
{
	struct snapshot_error err;
	struct snapshot *snap = NULL;
	size_t len;
	char *text = read_file(path, &len);
	int ret;

	if (!text) {
		refuse("translate: %s: %s", path, strerror(errno));
		return NULL;
	}
	ret = snapshot_parse(text, len, &snap, &err);
	free(text);
	if (ret == -EINVAL)
		refuse("translate: %s:%zu: %s", path, err.line, err.reason);
	else if (ret)
		refuse("translate: %s: %s", path, strerror(-ret));
	return ret ? NULL : snap;
}

static bool fetch(void *arg, uint64_t va, const struct sim_mmu_slot *slot, uint64_t val[2])
{
	enum snapshot_space space = slot->space == SIM_MMU_VID ? SNAPSHOT_VID : SNAPSHOT_SYS;
	unsigned int i;

	(void)va;
	for (i = 0; i < slot->words; i++)
		if (!snapshot_read64(arg, space, slot->addr + 8ull * i, &val[i]))
			return false;
	return true;
}

static const char *space_name(unsigned int space)
{
	return space == SIM_MMU_VID ? "vid" : "sys";
}

static const char *outcome_name(unsigned int outcome)
{
	static const char *const names[] = {
		[SIM_MMU_OK] = "ok",
		[SIM_MMU_SPARSE] = "sparse",
		[SIM_MMU_INVALID] = "invalid",
		[SIM_MMU_VA_RANGE] = "va_range",
		[SIM_MMU_UNREADABLE] = "unreadable",
	};

	return names[outcome];
}

static void print_levels(const struct sim_mmu_walk *walk)
{
	const struct sim_mmu_step *step;

	for (step = walk->step; step < walk->step + walk->nr_steps; step++) {
		printf("  %-5s [%3u]  %s 0x%010llx  ", sim_mmu_slot_name(&step->slot),
		       step->slot.index, space_name(step->slot.space),
		       (unsigned long long)step->slot.addr);
		if (walk->xlat.outcome == SIM_MMU_UNREADABLE &&
		    step == &walk->step[walk->nr_steps - 1])
			printf("in no table\n");
		else if (step->slot.words == 2)
			printf("0x%016llx 0x%016llx\n", (unsigned long long)step->val[0],
			       (unsigned long long)step->val[1]);
		else
			printf("0x%016llx\n", (unsigned long long)step->val[0]);
	}
}

static void add_levels(struct json_object *list, const struct sim_mmu_walk *walk)
{
	const struct sim_mmu_step *step;

	for (step = walk->step; step < walk->step + walk->nr_steps; step++) {
		struct json_object *o = json_object_new_object();

		json_add_text(o, "name", sim_mmu_slot_name(&step->slot));
		json_add(o, "index", step->slot.index);
		json_add_text(o, "space", space_name(step->slot.space));
		json_add(o, "address", step->slot.addr);
		json_add(o, "raw", step->val[0]);
		if (step->slot.words == 2)
			json_add(o, "raw_hi", step->val[1]);
		json_append(list, o);
	}
}

static struct json_object *walk_json(const struct snapshot_scenario *s, uint64_t va,
				     const struct sim_mmu_walk *walk)
{
	const struct sim_mmu_xlat *x = &walk->xlat;
	struct json_object *o = json_object_new_object();

	json_add_text(o, "scenario", s->name);
	json_add(o, "va", va);
	json_add_text(o, "result", outcome_name(x->outcome));
	if (x->outcome == SIM_MMU_OK) {
		json_add(o, "pa", x->pa);
		json_add(o, "page", (uint64_t)1 << x->page_shift);
		json_add_text(o, "aperture", sim_mmu_aperture_name(x->aperture));
		json_add(o, "peer", x->peer);
		json_add_flag(o, "ro", x->flags & SIM_MMU_RO);
		json_add_flag(o, "vol", x->flags & SIM_MMU_VOL);
		json_add_flag(o, "priv", x->flags & SIM_MMU_PRIV);
		json_add_flag(o, "no_atomic", x->flags & SIM_MMU_NO_ATOMIC);
		json_add(o, "kind", x->kind);
	}
	add_levels(json_add_list(o, "levels"), walk);
	return o;
}

static int report_unreadable(const struct args *args, const struct snapshot_scenario *s,
			     uint64_t va, const struct sim_mmu_walk *walk)
{
	const struct sim_mmu_slot *slot = &walk->step[walk->nr_steps - 1].slot;

	return refuse("translate: %s: scenario %s: VA 0x%llx: %s at %s 0x%llx is in no table",
		      args->file, s->name, (unsigned long long)va, sim_mmu_slot_name(slot),
		      space_name(slot->space), (unsigned long long)slot->addr);
}

static int translate_one(const struct args *args, const struct snapshot_scenario *s, uint64_t va,
			 struct json_object *list)
{
	const struct sim_mmu_arch *arch = sim_mmu_arch_find(s->chip);
	enum sim_mmu_space space = s->root_space == SNAPSHOT_VID ? SIM_MMU_VID : SIM_MMU_SYS;
	struct sim_mmu_walk walk;
	char line[160];
	bool unreadable;

	sim_mmu_walk(arch, space, s->root, va, fetch, (void *)(uintptr_t)s, &walk);
	unreadable = walk.xlat.outcome == SIM_MMU_UNREADABLE;
	sim_mmu_format(va, &walk.xlat, line, sizeof(line));
	if (args->json)
		json_append(list, walk_json(s, va, &walk));
	else if (!unreadable)
		puts(line);
	else
		printf("x 0x%llx unreadable\n", (unsigned long long)va);
	if (!args->json && !args->brief)
		print_levels(&walk);
	return unreadable ? report_unreadable(args, s, va, &walk) : 0;
}

static int translate(const struct args *args, const struct snapshot *snap)
{
	struct json_object *top = NULL, *list = NULL;
	const struct snapshot_scenario *s;
	int status = 0;
	size_t i, v;

	if (args->json) {
		top = json_object_new_object();
		json_add_text(top, "snapshot", args->file);
		list = json_add_list(top, "walks");
	}
	for (i = 0; (s = snapshot_scenario(snap, i)) != NULL; i++) {
		if (args->scenario && strcmp(s->name, args->scenario))
			continue;
		if (!args->json && !args->brief)
			printf("scenario %s\n", text_shown(s->name));
		for (v = 0; v < args->nr; v++)
			status |= translate_one(args, s, args->va[v], list);
	}
	if (args->json && !json_print(top))
		status = refuse("translate: no memory");
	return finish_output(status);
}

enum {
	KEY_SNAPSHOT = 0x100,
	KEY_SCENARIO,
	KEY_BRIEF,
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case KEY_SNAPSHOT:
		args->file = arg;
		return 0;
	case KEY_SCENARIO:
		args->scenario = arg;
		return 0;
	case KEY_BRIEF:
		args->brief = true;
		return 0;
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		return add_va(args, arg_number(state, arg)) ? 0 : ENOMEM;
	case ARGP_KEY_END:
		if (!args->file)
			argp_error(state, "--snapshot is needed");
		if (args->brief && args->json)
			argp_error(state, "--brief and --json exclude each other");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ .name = "snapshot", .key = KEY_SNAPSHOT, .arg = "FILE", .doc = "page tables as text" },
	{ .name = "scenario", .key = KEY_SCENARIO, .arg = "NAME",
	  .doc = "only this one of the file's scenarios" },
	{ .name = "brief", .key = KEY_BRIEF, .doc = "one line per VA, no levels and no headings" },
	{ .name = "json", .key = 'j', .doc = "print JSON" },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[VA...]",
	.doc = "Prints what the modelled MMU makes of each VA, for each scenario of the snapshot "
	       "in the file's order: a line as the x lines of the snapshot, then the entry of "
	       "each level: name, index, address, raw value.  Without VAs on the command line "
	       "they are read from standard input, one a line.",
};

int cmd_translate(int argc, char **argv)
{
	struct args args = { 0 };
	struct snapshot *snap = NULL;
	int status = 1;

	tool_parse(&argp, argc, argv, 0, &args);
	snap = load(args.file);
	if (!snap)
		goto out;
	if (args.scenario && !snapshot_find(snap, args.scenario)) {
		refuse("translate: %s: no scenario %s", args.file, args.scenario);
		goto out;
	}
	if (!args.nr && read_vas(&args))
		goto out;
	status = translate(&args, snap);
out:
	snapshot_free(snap);
	free(args.va);
	return status;
}
