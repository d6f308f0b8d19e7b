// SPDX-License-Identifier: MIT
/*
 * nvbar list: the GPUs this machine has, with BARs and who drives them.
 */
#include "cli.h"
#include "text.h"

struct list {
	struct json_object *json;	/* NULL for text */
	unsigned int nr;
};

static struct json_object *bar_json(const struct nvbar_device_bar *bar)
{
	struct json_object *obj;

	if (!bar->len)
		return NULL;
	obj = json_object_new_object();
	json_add(obj, "start", bar->start);
	json_add(obj, "size", bar->len);
	return obj;
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
	json_object_object_add(obj, "iommu_group", d->iommu_group < 0 ? NULL :
						   json_object_new_int(d->iommu_group));
	json_object_object_add(obj, "bar0", bar_json(&d->bar0));
	json_object_object_add(obj, "bar1", bar_json(&d->bar1));
	json_object_object_add(obj, "bar2", bar_json(&d->bar2));
	json_object_object_add(obj, "bar1_sizes", page_sizes_json(d->bar1_sizes));
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

static const char *state_text(const struct nvbar_device_info *d)
{
	if (d->asleep)
		return "asleep";
	return d->decode ? "awake, BARs on" : "awake, BARs off";
}

static void print_text(const struct nvbar_device_info *d)
{
	printf("%s\n", text_shown(d->address));
	printf("  %-12s%04x:%04x, class %06x\n", "id", d->vendor, d->device, d->class_code);
	printf("  %-12s%s\n", "driver", d->driver[0] ? text_shown(d->driver) : "none");
	printf("  %-12s%s%s%s\n", "state", state_text(d), d->power[0] ? ", " : "",
	       text_shown(d->power));
	print_bar("bar0", &d->bar0, 0);
	print_bar("bar1", &d->bar1, d->bar1_sizes);
	print_bar("bar2", &d->bar2, 0);
	if (d->iommu_group < 0)
		printf("  %-12snone\n", "iommu group");
	else
		printf("  %-12s%d\n", "iommu group", d->iommu_group);
	if (d->open_as[0])
		printf("  %-12s%s\n", "open as", d->open_as);
	else
		printf("  %-12snothing; after \"nvbar unbind %s\" as pci:%s\n", "open as",
		       d->address, d->address);
}

static int visit(const struct nvbar_device_info *d, void *arg)
{
	struct list *list = arg;

	if (list->json)
		json_object_array_add(list->json, device_json(d));
	else
		print_text(d);
	list->nr++;
	return 0;
}

static const struct argp argp = {
	.doc = "List NVIDIA's GPUs in this machine: identity, driver, BARs, IOMMU group, and the "
	       "device string that opens each. Reads files of sysfs and touches no GPU.",
	.children = cli_json_options,
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct list list = { 0 };
	struct nvbar_open_opts opts;
	struct json_object *obj;
	int ret;

	argp_parse(&argp, argc, argv, 0, NULL, cli);
	opts = cli_opts(cli, 0);
	cli->name = "this machine";
	if (cli->json)
		list.json = json_object_new_array();
	ret = nvbar_for_each_device(visit, &list, &opts);
	if (ret) {
		json_object_put(list.json);
		return cli_fail(cli, ret, "list");
	}
	if (cli->json) {
		obj = json_new(NULL);
		json_object_object_add(obj, "devices", list.json);
		json_print(obj);
	} else if (!list.nr) {
		printf("no GPU of NVIDIA's in this machine\n");
	}
	return EXIT_SUCCESS;
}

const struct command cmd_list = { "list", "the GPUs this machine has", &argp, run };
