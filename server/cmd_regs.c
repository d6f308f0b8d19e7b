/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "arg.h"
#include "nvbar_sim.h"
#include "sim.h"
#include "text.h"
#include "tool_args.h"
#include "tool_json.h"

struct args {
	const char *chip;
	bool json;
};

static int print_reg(const struct sim_reg_info *reg, void *arg)
{
	unsigned int *bare = arg;

	*bare += reg->bare;
	printf("0x%06x  0x%08x  0x%08x  0x%08x  %s%s\n", reg->off, reg->reset, reg->writable,
	       reg->w1c, reg->name, reg->bare ? " *" : "");
	return 0;
}

static void print_table(struct sim_gpu *gpu)
{
	unsigned int bare = 0;

	printf("%-10s%-12s%-12s%-12s%s\n", "offset", "reset", "writable", "w1c", "name");
	sim_for_each_reg(gpu, print_reg, &bare);
	if (bare)
		printf("* of a unit that is not modelled: nouveau uses it, so it reads 0 and keeps "
		       "what is written; %u of them\n", bare);
}

static int add_reg(const struct sim_reg_info *reg, void *list)
{
	struct json_object *o = json_object_new_object();

	json_add_text(o, "name", reg->name);
	json_add(o, "offset", reg->off);
	json_add(o, "reset", reg->reset);
	json_add(o, "writable", reg->writable);
	json_add_flag(o, "bare", reg->bare);
	json_add(o, "w1c", reg->w1c);
	json_append(list, o);
	return 0;
}

/* Return: exit status. */
static int print_json(struct sim_gpu *gpu)
{
	struct json_object *top = json_object_new_object();

	json_add_text(top, "chip", sim_chip_name(gpu));
	sim_for_each_reg(gpu, add_reg, json_add_list(top, "registers"));
	return json_print(top) ? 0 : refuse("regs: no memory");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			argp_error(state, "too many arguments");
		args->chip = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{ .name = "json", .key = 'j', .doc = "print JSON" },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[CHIP]",
	.doc = "Prints the registers that the model of CHIP (default ga102) has: offset in "
	       "BAR0, value after power-on with 8 GiB of VRAM, bits a write changes, bits a "
	       "written 1 clears, name.",
};

int cmd_regs(int argc, char **argv)
{
	struct args args = { 0 };
	struct sim_config cfg = { 0 };
	struct sim_gpu *gpu;
	int status = 0;
	char why[160];

	tool_parse(&argp, argc, argv, 0, &args);
	cfg.chip = args.chip;
	if (sim_create(&cfg, &gpu, why, sizeof(why)))
		return refuse("regs: %s", why);
	if (args.json)
		status = print_json(gpu);
	else
		print_table(gpu);
	sim_destroy(gpu);
	return finish_output(status);
}
