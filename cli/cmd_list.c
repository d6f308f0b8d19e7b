// SPDX-License-Identifier: MIT
/*
 * nvbar list: the GPUs this machine has, with BARs and who drives them.
 */
#include "cli.h"
#include "text.h"

struct list {
	bool json;
	struct json_object *devices;	/* for JSON */
	unsigned int nr;
	bool odd;			/* something could not be understood */
};

static void add_bar(struct json_object *device, const char *key, const struct nvbar_device_bar *bar)
{
	struct json_object *obj;

	if (!bar->len) {
		json_add_null(device, key);
		return;
	}
	obj = json_object_new_object();
	json_add(obj, "start", bar->start);
	json_add(obj, "size", bar->len);
	json_put(device, key, obj);
}

static struct json_object *device_json(const struct nvbar_device_info *d)
{
	struct json_object *obj = json_object_new_object();

	json_add_text(obj, "address", d->address);
	json_add(obj, "vendor", d->vendor);
	json_add(obj, "device", d->device);
	json_add(obj, "class", d->class_code);
	json_add_text(obj, "driver", d->driver);
	json_add_text(obj, "power", d->power);
	json_add_flag(obj, "asleep", d->asleep);
	json_add_flag(obj, "decode", d->decode);
	json_add_flag(obj, "gone", d->gone);
	json_add_text(obj, "virtual_function_of", d->physfn);
	json_add(obj, "virtual_functions", d->nr_virtual);
	json_add_text(obj, "problem", d->problem);
	if (d->iommu_group < 0)
		json_add_null(obj, "iommu_group");
	else
		json_add(obj, "iommu_group", d->iommu_group);
	add_bar(obj, "bar0", &d->bar0);
	add_bar(obj, "bar1", &d->bar1);
	add_bar(obj, "bar2", &d->bar2);
	json_add_page_sizes(obj, "bar1_sizes", d->bar1_sizes);
	json_add_text(obj, "open_as", d->open_as);
	return obj;
}

static void print_bar(const char *name, const struct nvbar_device_bar *bar, uint64_t sizes)
{
	printf("  %-12s", name);
	if (!bar->len)
		printf("absent");
	else if (!bar->start)
		printf("%s without an address", size_text(bar->len));
	else
		printf("%s at 0x%" PRIx64, size_text(bar->len), bar->start);
	printf("%s%s\n", sizes ? "; can be " : "", sizes ? page_sizes_text(sizes) : "");
}

/* A GPU has registers: where there is no BAR0 nothing has found an address for it. */
static void print_regs(const struct nvbar_device_bar *bar)
{
	if (bar->len)
		print_bar("bar0", bar, 0);
	else
		printf("  %-12sno address\n", "bar0");
}

static const char *state_text(const struct nvbar_device_info *d)
{
	if (d->asleep)
		return "asleep";
	if (d->gone)
		return "does not answer";
	return d->decode ? "awake, BARs on" : "awake, BARs off";
}

/* Why it can't be opened as it is; NULL if only its driver is in the way. */
static const char *obstacle(const struct nvbar_device_info *d)
{
	if (d->problem[0])
		return "see the problem";
	if (d->physfn[0])
		return "a virtual function has no registers to bind BAR1 by";
	if (d->gone)
		return "it does not answer";
	return d->bar0.start ? NULL : "BAR0 has no address";
}

static void print_open_as(const struct nvbar_device_info *d)
{
	const char *why = obstacle(d);

	if (d->open_as[0])
		printf("  %-12s%s\n", "open as", d->open_as);
	else if (why)
		printf("  %-12snothing; %s\n", "open as", why);
	else
		printf("  %-12snothing; after \"nvbar unbind %s\" as pci:%s\n", "open as",
		       d->address, d->address);
}

static void print_text(const struct nvbar_device_info *d)
{
	printf("%s\n", text_shown(d->address));
	if (d->problem[0])
		printf("  %-12s%s\n", "problem", text_shown(d->problem));
	printf("  %-12s%04x:%04x, class %06x\n", "id", d->vendor, d->device, d->class_code);
	if (d->physfn[0])
		printf("  %-12svirtual function of %s\n", "part", text_shown(d->physfn));
	if (d->nr_virtual)
		printf("  %-12s%u virtual functions, which end when its driver is unbound\n", "parts",
		       d->nr_virtual);
	printf("  %-12s%s\n", "driver", d->driver[0] ? text_shown(d->driver) : "none");
	printf("  %-12s%s%s%s\n", "state", state_text(d), d->power[0] ? ", " : "",
	       text_shown(d->power));
	print_regs(&d->bar0);
	print_bar("bar1", &d->bar1, d->bar1_sizes);
	print_bar("bar2", &d->bar2, 0);
	if (d->iommu_group < 0)
		printf("  %-12snone\n", "iommu group");
	else
		printf("  %-12s%d\n", "iommu group", d->iommu_group);
	print_open_as(d);
}

static int visit(const struct nvbar_device_info *d, void *arg)
{
	struct list *list = arg;

	if (list->json)
		json_append(list->devices, device_json(d));
	else
		print_text(d);
	list->nr++;
	list->odd |= d->problem[0];
	return 0;
}

static const struct argp argp = {
	.doc = "List NVIDIA's GPUs in this machine: identity, driver, BARs, IOMMU group, and the "
	       "device string that opens each. Reads files of sysfs and touches no GPU. One of "
	       "which something makes no sense is listed with that, and is a failure.",
	.children = cli_json_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct json_object *obj = NULL;
	struct list list = { 0 };
	struct nvbar_open_opts opts;
	int ret;

	tool_parse(&argp, argc, argv, 0, cli);
	opts = cli_opts(cli, 0);
	cli->name = "this machine";
	list.json = cli->json;
	if (cli->json) {
		obj = json_object_new_object();
		list.devices = json_add_list(obj, "devices");
	}
	ret = nvbar_for_each_device(visit, &list, &opts);
	if (ret) {
		json_object_put(obj);
		return cli_fail(cli, ret, "list");
	}
	if (cli->json)
		ret = cli_print_json(cli, obj);
	else if (!list.nr)
		printf("no GPU of NVIDIA's in this machine\n");
	return list.odd ? EXIT_FAILURE : ret;
}

const struct command cmd_list = { "list", "the GPUs this machine has", &argp, run };
