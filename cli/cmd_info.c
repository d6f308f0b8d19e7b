// SPDX-License-Identifier: MIT
/*
 * nvbar info: what the GPU is and how it stands; writes nothing to it.
 */
#include "cli.h"
#include "text.h"

static const char *bind_text(const struct nvbar_info *info)
{
	static char text[64];

	if (info->bar1_mode == NVBAR_BAR1_PHYSICAL)
		return "physical";
	if (info->bar1_mode == NVBAR_BAR1_UNKNOWN)
		return "unknown";
	snprintf(text, sizeof(text), "virtual, instance block 0x%" PRIx64, info->bar1_bound);
	return text;
}

static const char *access_word(uint32_t access)
{
	switch (access) {
	case NVBAR_PROTECTED_CLOSED:
		return "closed";
	case NVBAR_PROTECTED_RDONLY:
		return "read-only";
	default:
		return "kept";
	}
}

static int print_protected(const struct nvbar_protected_info *range, void *arg)
{
	(void)arg;
	printf("protected   0x%" PRIx64 "+0x%" PRIx64 " (%s: %s)\n", range->pa, range->len,
	       range->name, access_word(range->access));
	return 0;
}

static int add_protected(const struct nvbar_protected_info *range, void *list)
{
	struct json_object *obj = json_object_new_object();

	json_add_text(obj, "name", range->name);
	json_add(obj, "pa", range->pa);
	json_add(obj, "len", range->len);
	json_add_text(obj, "access", access_word(range->access));
	json_append(list, obj);
	return 0;
}

static const char *bind_word(uint32_t mode)
{
	switch (mode) {
	case NVBAR_BAR1_PHYSICAL:
		return "physical";
	case NVBAR_BAR1_VIRTUAL:
		return "virtual";
	default:
		return "unknown";
	}
}

/**
 * struct last_fault - what is known of the last fault
 * @known: it could be read whether there is one, and which
 * @any: there is one
 * @fault: it
 */
struct last_fault {
	bool known, any;
	struct nvbar_fault fault;
};

static const char *fault_text(const struct last_fault *last)
{
	if (!last->known)
		return "unknown";
	return last->any ? last->fault.text : "none";
}

/* Return: an exit status, as of print_json(). */
static int print_text(const struct cli *cli, const struct nvbar_stats *s,
		      const struct last_fault *last)
{
	const struct nvbar_info *i = &cli->info;
	int ret;

	printf("device      %s\n", text_shown(i->device));
	printf("chip        %s (BOOT_0 0x%08x, BOOT_42 0x%08x)\n", i->chip, i->boot0, i->boot42);
	printf("mmu         v%u, pages of %s\n", i->mmu_version, page_sizes_text(i->page_sizes));
	printf("vram        %s, usable %s\n", size_about(i->vram_size),
	       size_about(i->vram_usable));
	printf("reserved    0x%" PRIx64 "+0x%" PRIx64 " (the driver's own)\n", i->reserved_pa,
	       i->reserved_len);
	ret = nvbar_for_each_protected(cli->gpu, print_protected, NULL);
	if (ret)
		return cli_fail(cli, ret, "protected VRAM");
	if (i->bar1_size)
		printf("bar1        %s, %s mapped here\n", size_about(i->bar1_size),
		       size_about(s->mapped_bytes));
	else
		printf("bar1        absent\n");
	printf("bar1 bind   %s\n", bind_text(i));
	printf("last fault  %s\n", text_shown(fault_text(last)));
	return EXIT_SUCCESS;
}

static struct json_object *fault_json(const struct nvbar_fault *f)
{
	struct json_object *obj = json_object_new_object();

	json_add_text(obj, "text", f->text);
	json_add(obj, "va", f->va);
	json_add(obj, "type", f->type);
	json_add(obj, "access", f->access);
	json_add(obj, "client", f->client);
	json_add(obj, "engine", f->engine);
	json_add(obj, "inst_pa", f->inst_pa);
	json_add_flag(obj, "write", f->write);
	json_add_flag(obj, "physical", f->physical);
	json_add_flag(obj, "dropped", f->dropped);
	return obj;
}

static int print_json(const struct cli *cli, const struct nvbar_stats *s,
		      const struct last_fault *last)
{
	const struct nvbar_info *i = &cli->info;
	struct json_object *obj = json_new(cli);
	int ret;

	json_add_text(obj, "chip", i->chip);
	json_add(obj, "boot0", i->boot0);
	json_add(obj, "boot42", i->boot42);
	json_add(obj, "mmu_version", i->mmu_version);
	json_add_page_sizes(obj, "page_sizes", i->page_sizes);
	json_add(obj, "vram_size", i->vram_size);
	json_add(obj, "vram_usable", i->vram_usable);
	json_add(obj, "reserved_pa", i->reserved_pa);
	json_add(obj, "reserved_len", i->reserved_len);
	ret = nvbar_for_each_protected(cli->gpu, add_protected, json_add_list(obj, "protected"));
	if (ret) {
		json_object_put(obj);
		return cli_fail(cli, ret, "protected VRAM");
	}
	json_add(obj, "bar1_size", i->bar1_size);
	json_add(obj, "bar1_mapped", s->mapped_bytes);
	json_add_text(obj, "bar1_mode", bind_word(i->bar1_mode));
	json_add(obj, "bar1_bound", i->bar1_bound);
	if (last->any)
		json_put(obj, "fault", fault_json(&last->fault));
	else
		json_add_null(obj, "fault");
	json_add_flag(obj, "fault_known", last->known);
	return cli_print_json(cli, obj);
}

static const struct argp argp = {
	.doc = "Show what the GPU is and how it stands. Writes nothing to it. What can't be read is "
	       "unknown, and a failure.",
	.children = cli_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct last_fault last = { .fault.size = sizeof(last.fault) };
	struct nvbar_stats stats;
	int ret;

	tool_parse(&argp, argc, argv, 0, cli);
	if (cli_open(cli, NVBAR_OPEN_OBSERVE))
		return EXIT_FAILURE;
	stats = cli_stats(cli);
	ret = nvbar_get_fault(cli->gpu, &last.fault);
	last.known = !ret || ret == -ENOENT;
	last.any = !ret;
	if (!last.known)
		cli_fail(cli, ret, "read the last fault");
	if (!last.known && ret != -EIO)
		return EXIT_FAILURE;
	ret = (cli->json ? print_json : print_text)(cli, &stats, &last);
	return last.known && cli->info.bar1_mode != NVBAR_BAR1_UNKNOWN ? ret : EXIT_FAILURE;
}

const struct command cmd_info = { "info", "identity, VRAM, BAR1, MMU, last fault", &argp, run };
