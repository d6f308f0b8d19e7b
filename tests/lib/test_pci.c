// SPDX-License-Identifier: MIT
/* PCI devices as a sysfs of regular files shows them, right and wrong. */
#include "fake_sysfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pci_sysfs.h"

#define MIB	(1ull << 20)
#define GIB	(1ull << 30)
#define NR_OF(a) (sizeof(a) / sizeof((a)[0]))

/* --- addresses --- */

static void addresses_are_taken_as_people_write_them(void **state)
{
	static const char *const good[][2] = {
		{ "0000:01:00.0", "0000:01:00.0" }, { "01:00.0", "0000:01:00.0" },
		{ "0000:FF:1F.7", "0000:ff:1f.7" }, { "10000:e1:00.0", "10000:e1:00.0" },
		{ "ffffffff:01:00.0", "ffffffff:01:00.0" }, { "00000001:01:00.0", "0001:01:00.0" },
	};
	static const char *const bad[] = {
		"", "0", "01", "01:00", "1:00.0", "01:0.0", "01:00.8", "01:20.0", "01:00.00",
		"01:00.0 ", " 01:00.0", "000:01:00.0", "000000001:01:00.0", "0000:0000:01:00.0",
		"pci:01:00.0", "0x00:01:00.0", "01:00.-1", "01-00.0", "01:00,0", "01:00.0/..",
		"../../..", "0000:01:00.0,", "g0:00.0", "-1:00.0", "+1:00.0",
	};
	char address[NVBAR_PCI_ADDRESS_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(good); i++) {
		assert_int_equal(nvbar_pci_address_parse(good[i][0], address), 0);
		assert_string_equal(address, good[i][1]);
	}
	for (i = 0; i < NR_OF(bad); i++)
		assert_int_equal(nvbar_pci_address_parse(bad[i], address), -EINVAL);
}

/* --- roles --- */

#define M32(size)	{ 0, size, 0 }
#define M64(size)	{ 0, size, PCI_BAR_64 }
#define PORTS		{ 0, 128, PCI_BAR_IO }
#define NONE		{ 0, 0, 0 }

/* hardware.md: BAR1 is resource 1 behind a BAR0 of 32 bits, 2 behind one of 64. */
static void roles_follow_from_the_numbers(void **state)
{
	static const struct {
		struct nvbar_pci_bar bar[PCI_NR_BARS];
		int regs, bar1, bar2;
	} cases[] = {
		/* TU102 to AD102, and GH100 */
		{ { M32(16 * MIB), M64(256 * MIB), NONE, M64(32 * MIB), NONE, PORTS }, 0, 1, 3 },
		{ { M64(16 * MIB), NONE, M64(128 * GIB), NONE, M64(32 * MIB), NONE }, 0, 2, 4 },
		/* No room was found for the registers, and nothing is left of them. */
		{ { NONE, M64(256 * MIB), NONE, M64(32 * MIB), NONE, PORTS }, -1, 1, 3 },
		{ { NONE, M64(64 * GIB), NONE, M64(32 * MIB), NONE, NONE }, -1, 1, 3 },
		{ { NONE, NONE, M64(128 * GIB), NONE, M64(32 * MIB), NONE }, -1, 2, 4 },
		/* For BAR1 */
		{ { M32(16 * MIB), NONE, NONE, M64(32 * MIB), NONE, PORTS }, 0, -1, 3 },
		{ { M64(16 * MIB), NONE, NONE, NONE, M64(32 * MIB), NONE }, 0, -1, 4 },
		/* For any but the registers; for any */
		{ { M32(16 * MIB), NONE, NONE, NONE, NONE, PORTS }, 0, -1, -1 },
		{ { NONE, NONE, NONE, NONE, NONE, PORTS }, -1, -1, -1 },
		{ { NONE, NONE, NONE, NONE, NONE, NONE }, -1, -1, -1 },
		/* What would be in the upper half of a 64-bit BAR, and ports in place of a BAR */
		{ { M64(16 * MIB), M32(256 * MIB), NONE, NONE, NONE, NONE }, 0, -1, -1 },
		{ { PORTS, M32(256 * MIB), NONE, NONE, NONE, NONE }, -1, 1, -1 },
	};
	struct nvbar_bar_roles roles;
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(cases); i++) {
		nvbar_bar_find_roles(cases[i].bar, &roles);
		assert_int_equal(roles.regs, cases[i].regs);
		assert_int_equal(roles.bar1, cases[i].bar1);
		assert_int_equal(roles.bar2, cases[i].bar2);
	}
}

/* PCIe 4.0, 2.3.2: what a root complex gives where nothing answers, and after a reset */
static void what_is_read_where_nothing_answers_is_no_head(void **state)
{
	static const struct nvbar_pci_head dead[] = {
		{ 0xffffffff, 0xffff, 0xffff }, { 0xffff0001, 0xffff, 0xffff },
		{ 0xffff0001, 0, 0 }, { 0x220410de, 0xffff, 0xffff },
	};
	static const struct nvbar_pci_head alive[] = {
		{ 0x220410de, 0, 0x10 }, { 0x220410de, 0x0507, 0x10 }, { 0xffff10de, 0, 0x10 },
		{ 0, 0, 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(dead); i++)
		assert_false(nvbar_pci_answers(&dead[i]));
	for (i = 0; i < NR_OF(alive); i++)
		assert_true(nvbar_pci_answers(&alive[i]));
}

/* --- one device --- */

static const struct nvbar_log silent;

static int read_device(struct nvbar_pci_device *dev)
{
	int dir = nvbar_sysfs_open(GPU);
	int ret;

	assert_true(dir >= 0);
	ret = nvbar_sysfs_read_device(dir, GPU, dev, &silent);
	close(dir);
	return ret;
}

static int begin(void **state)
{
	(void)state;
	fake_begin();
	fake_gpu(GPU, fake_ga102);
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake_end();
	return 0;
}

static void a_gpu_is_read_with_all_there_is(void **state)
{
	struct nvbar_pci_device dev;

	(void)state;
	fake_link(GPU, "driver", "../../drivers/nvidia");
	fake_link(GPU, "iommu_group", "../../../../kernel/iommu_groups/17");
	fake_file(GPU, "resource1_resize", "%016llx\n", 0xffc0ull);
	fake_set_command(GPU, 0x0507);
	assert_int_equal(read_device(&dev), 0);
	assert_true(nvbar_pci_is_gpu(&dev));
	assert_string_equal(dev.address, GPU);
	assert_int_equal(dev.vendor, 0x10de);
	assert_int_equal(dev.device, 0x2204);
	assert_int_equal(dev.class_code, 0x030000);
	assert_int_equal(dev.roles.regs, 0);
	assert_int_equal(dev.roles.bar1, 1);
	assert_int_equal(dev.roles.bar2, 3);
	assert_int_equal(dev.bar[0].start, 0xf6000000);
	assert_int_equal(dev.bar[0].size, 16 * MIB);
	assert_int_equal(dev.bar[0].bits, 0);
	assert_int_equal(dev.bar[1].start, 0xe0000000);
	assert_int_equal(dev.bar[1].size, 256 * MIB);
	assert_int_equal(dev.bar[1].bits, PCI_BAR_64 | PCI_BAR_PREFETCHABLE);
	assert_int_equal(dev.bar[2].size, 0);
	assert_int_equal(dev.bar[5].bits, PCI_BAR_IO);
	/* 64 MiB to 32 GiB */
	assert_int_equal(dev.bar1_sizes, 0xffc000000);
	assert_string_equal(dev.driver, "nvidia");
	assert_int_equal(dev.iommu_group, 17);
	assert_string_equal(dev.power, "D0");
	assert_false(dev.asleep);
	assert_int_equal(dev.head.command, 0x0507);
	assert_false(dev.gone);
}

static void a_gpu_may_have_no_driver_no_iommu_and_no_other_size(void **state)
{
	struct nvbar_pci_device dev;

	(void)state;
	fake_remove(GPU, "power_state");
	fake_remove(GPU, "power/runtime_status");
	assert_int_equal(read_device(&dev), 0);
	assert_string_equal(dev.driver, "");
	assert_int_equal(dev.iommu_group, -1);
	assert_int_equal(dev.bar1_sizes, 0);
	assert_string_equal(dev.power, "");
	assert_false(dev.asleep);
}

static void a_bar_without_an_address_keeps_its_role(void **state)
{
	struct fake_bar bar[6];
	struct nvbar_pci_device dev;

	(void)state;
	memcpy(bar, fake_ga102, sizeof(bar));
	bar[1] = (struct fake_bar){ 0, 0xfffffff, MEM64_PREFETCH | UNSET };
	fake_end();
	fake_begin();
	fake_gpu(GPU, bar);
	assert_int_equal(read_device(&dev), 0);
	assert_int_equal(dev.roles.bar1, 1);
	assert_int_equal(dev.bar[1].size, 256 * MIB);
	assert_int_equal(dev.bar[1].start, 0);
}

static void a_sleeping_gpu_is_not_woken_up(void **state)
{
	struct nvbar_pci_device dev;

	(void)state;
	fake_set_command(GPU, 7);
	fake_file(GPU, "power_state", "D3cold\n");
	assert_int_equal(read_device(&dev), 0);
	assert_true(dev.asleep);
	assert_int_equal(dev.head.command, 0);
	fake_file(GPU, "power_state", "D0\n");
	fake_file(GPU, "power/runtime_status", "suspended\n");
	assert_int_equal(read_device(&dev), 0);
	assert_true(dev.asleep);
}

static void only_display_controllers_of_nvidia_are_gpus(void **state)
{
	static const struct {
		const char *vendor, *class;
		bool gpu;
	} cases[] = {
		{ "0x10de", "0x030000", true }, { "0x10de", "0x030200", true },
		{ "0x10de", "0x040300", false }, { "0x10de", "0x038000", false },
		{ "0x1002", "0x030000", false },
	};
	struct nvbar_pci_device dev;
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(cases); i++) {
		fake_file(GPU, "vendor", "%s\n", cases[i].vendor);
		fake_file(GPU, "class", "%s\n", cases[i].class);
		assert_int_equal(read_device(&dev), 0);
		assert_int_equal(nvbar_pci_is_gpu(&dev), cases[i].gpu);
	}
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{ "vendor", "" }, { "vendor", "10de" }, { "vendor", "0x" }, { "vendor", "0x110de" },
		{ "vendor", "0x10de 0x10de" }, { "vendor", "0x-1" }, { "vendor", "0x10de\n\n" },
		{ "device", "0xffffffffffffffffff" }, { "class", "0x1000000" },
		{ "class", "nonsense" },
		{ "class", "0x0300000000000000000000000000000000000000000000000000000000000000000" },
		{ "resource", "" }, { "resource", "0x0 0x0 0x0" },
		{ "resource", "1 2 3\n" }, { "resource", "0x0 0x0" },
		{ "resource1_resize", "" }, { "resource1_resize", "0x40" },
		{ "resource1_resize", "zzz" }, { "resource1_resize", "ffffffffffffffff" },
		{ "resource1_resize", "00000000000000000100" },
	};
	struct nvbar_pci_device dev;
	char before[4096];
	size_t i;

	(void)state;
	fake_file(GPU, "resource1_resize", "%016llx\n", 0x100ull);
	assert_int_equal(read_device(&dev), 0);
	for (i = 0; i < NR_OF(cases); i++) {
		strcpy(before, fake_text(GPU, cases[i].name));
		fake_file(GPU, cases[i].name, "%s", cases[i].text);
		assert_int_equal(read_device(&dev), -EIO);
		fake_file(GPU, cases[i].name, "%s\n", before);
	}
	assert_int_equal(read_device(&dev), 0);
}

/* The GPU alone, but for what its BAR1 is. */
static void fake_gpu_with_bar1(struct fake_bar bar1)
{
	struct fake_bar bar[6];

	fake_end();
	fake_begin();
	memcpy(bar, fake_ga102, sizeof(bar));
	bar[1] = bar1;
	fake_gpu(GPU, bar);
}

static void bars_that_make_no_sense_are_refused(void **state)
{
	static const struct fake_bar bad[] = {
		{ 0x1000, 0x0fff, MEM32 }, { 0x1000, 0x1000 + 12345, MEM32 },
		{ 0, UINT64_MAX, MEM64 }, { 1, 0, MEM32 }, { 0, 0x2fffffff, MEM64_PREFETCH },
	};
	struct nvbar_pci_device dev;
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(bad); i++) {
		fake_gpu_with_bar1(bad[i]);
		assert_int_equal(read_device(&dev), -EIO);
	}
}

/* As lspci shows a function that was passed through, and a size of 2^64 */
static void one_odd_bar_hides_no_other(void **state)
{
	static const struct fake_bar bad[] = {
		{ 0x20000000, 0x1fffffff, MEM64 }, { 0, UINT64_MAX, MEM64_PREFETCH | UNSET },
	};
	struct nvbar_pci_device dev;
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(bad); i++) {
		fake_gpu_with_bar1(bad[i]);
		fake_link(GPU, "driver", "../../drivers/nvidia");
		fake_set_command(GPU, 7);
		assert_int_equal(read_device(&dev), -EIO);
		assert_non_null(strstr(dev.problem, "BAR 1 from 0x"));
		assert_int_equal(dev.roles.regs, 0);
		assert_int_equal(dev.roles.bar1, -1);
		assert_int_equal(dev.roles.bar2, 3);
		assert_int_equal(dev.bar[3].size, 32 * MIB);
		assert_string_equal(dev.driver, "nvidia");
		assert_int_equal(dev.head.command, 7);
	}
}

static void a_gpu_that_fell_off_the_bus_is_gone(void **state)
{
	static const uint32_t dead[] = { 0xffffffff, 0xffffffff };
	struct nvbar_pci_device dev;
	FILE *f;

	(void)state;
	f = fopen(fake_path(GPU, "config"), "we");
	assert_non_null(f);
	assert_int_equal(fwrite(dead, sizeof(dead), 1, f), 1);
	fclose(f);
	assert_int_equal(read_device(&dev), 0);
	assert_true(dev.gone);
	assert_string_equal(dev.problem, "");
	/* One that sleeps is not asked. */
	fake_file(GPU, "power_state", "D3cold\n");
	assert_int_equal(read_device(&dev), 0);
	assert_false(dev.gone);
}

static void virtual_functions_are_told(void **state)
{
	struct nvbar_pci_device dev;

	(void)state;
	assert_int_equal(read_device(&dev), 0);
	assert_string_equal(dev.physfn, "");
	assert_int_equal(dev.nr_virtual, 0);
	fake_file(GPU, "sriov_numvfs", "16\n");
	assert_int_equal(read_device(&dev), 0);
	assert_int_equal(dev.nr_virtual, 16);
	fake_file(GPU, "sriov_numvfs", "many\n");
	assert_int_equal(read_device(&dev), -EIO);
	fake_remove(GPU, "sriov_numvfs");
	fake_link(GPU, "physfn", "../0000:84:00.0");
	assert_int_equal(read_device(&dev), 0);
	assert_string_equal(dev.physfn, "0000:84:00.0");
	fake_link(GPU, "physfn", "../nonsense");
	assert_int_equal(read_device(&dev), -EIO);
	assert_string_equal(dev.problem, "physfn in sysfs makes no sense");
}

static void links_that_make_no_sense_are_refused(void **state)
{
	struct nvbar_pci_device dev;
	char longest[200];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	fake_link(GPU, "driver", longest);
	assert_int_equal(read_device(&dev), -EIO);
	fake_link(GPU, "driver", "drivers/");
	assert_int_equal(read_device(&dev), -EIO);
	fake_link(GPU, "driver", "drivers/nouveau");
	fake_link(GPU, "iommu_group", "groups/-1");
	assert_int_equal(read_device(&dev), -EIO);
	fake_link(GPU, "iommu_group", "groups/1x");
	assert_int_equal(read_device(&dev), -EIO);
	fake_link(GPU, "iommu_group", "groups/99999999999");
	assert_int_equal(read_device(&dev), -EIO);
}

static void files_that_are_missing_are_errors(void **state)
{
	static const char *const files[] = { "vendor", "device", "class", "resource", "config" };
	struct nvbar_pci_device dev;
	size_t i;

	(void)state;
	for (i = 0; i < NR_OF(files); i++) {
		fake_end();
		fake_begin();
		fake_gpu(GPU, fake_ga102);
		fake_remove(GPU, files[i]);
		assert_int_equal(read_device(&dev), -ENOENT);
	}
	fake_file(GPU, "config", "x");
	assert_int_equal(read_device(&dev), -EIO);
	assert_int_equal(nvbar_sysfs_open("0000:02:00.0"), -ENOENT);
}

/* --- all of them --- */

struct seen {
	char text[256];
	int stop_at;
	int nr;
};

static int see(const struct nvbar_pci_device *dev, void *arg)
{
	struct seen *seen = arg;

	strcat(seen->text, dev->address);
	strcat(seen->text, " ");
	return ++seen->nr == seen->stop_at ? 77 : 0;
}

static void gpus_are_visited_in_the_order_of_their_addresses(void **state)
{
	struct seen seen = { 0 }, stopped = { .stop_at = 2 };

	(void)state;
	fake_gpu("10000:01:00.0", fake_gh100);
	fake_gpu("0000:c1:00.0", fake_gh100);
	fake_gpu("0000:41:00.0", fake_gh100);
	fake_gpu("0000:01:00.1", fake_ga102);
	fake_file("0000:01:00.1", "class", "0x040300\n");
	fake_gpu("0000:00:02.0", fake_ga102);
	fake_file("0000:00:02.0", "vendor", "0x8086\n");
	/* Names that are no addresses, and a link to a device that is gone */
	fake_gpu("nonsense", fake_ga102);
	fake_gpu("01:00.0", fake_ga102);
	fake_link(GPU, "/bus/pci/devices/0000:02:00.0", "nowhere");

	assert_int_equal(nvbar_sysfs_for_each_gpu(see, &seen), 0);
	assert_string_equal(seen.text, "0000:01:00.0 0000:41:00.0 0000:c1:00.0 10000:01:00.0 ");
	assert_int_equal(nvbar_sysfs_for_each_gpu(see, &stopped), 77);
	assert_int_equal(stopped.nr, 2);
}

/* What may be a GPU is seen; what is none, or is gone, is not, however odd. */
static void odd_gpus_are_visited_and_hide_no_other(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	fake_file(GPU, "resource", "nonsense\n");
	fake_gpu("0000:02:00.0", fake_gh100);
	fake_file("0000:02:00.0", "vendor", "nonsense\n");
	fake_gpu("0000:03:00.0", fake_gh100);
	fake_remove("0000:03:00.0", "class");
	fake_gpu("0000:04:00.0", fake_gh100);
	fake_file("0000:04:00.0", "vendor", "0x8086\n");
	fake_file("0000:04:00.0", "class", "nonsense\n");
	fake_gpu("0000:05:00.0", fake_ga102);
	assert_int_equal(nvbar_sysfs_for_each_gpu(see, &seen), 0);
	assert_string_equal(seen.text, "0000:01:00.0 0000:02:00.0 0000:03:00.0 0000:05:00.0 ");
}

static void a_machine_may_have_no_gpu_and_no_pci(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	fake_end();
	fake_begin();
	assert_int_equal(nvbar_sysfs_for_each_gpu(see, &seen), 0);
	fake_remove(GPU, "/bus/pci/devices");
	assert_int_equal(nvbar_sysfs_for_each_gpu(see, &seen), 0);
	assert_int_equal(seen.nr, 0);
}

#define ON_A_GPU(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_taken_as_people_write_them),
		cmocka_unit_test(roles_follow_from_the_numbers),
		cmocka_unit_test(what_is_read_where_nothing_answers_is_no_head),
		ON_A_GPU(a_gpu_is_read_with_all_there_is),
		ON_A_GPU(a_gpu_may_have_no_driver_no_iommu_and_no_other_size),
		ON_A_GPU(a_bar_without_an_address_keeps_its_role),
		ON_A_GPU(a_sleeping_gpu_is_not_woken_up),
		ON_A_GPU(only_display_controllers_of_nvidia_are_gpus),
		ON_A_GPU(what_makes_no_sense_is_refused),
		ON_A_GPU(bars_that_make_no_sense_are_refused),
		ON_A_GPU(one_odd_bar_hides_no_other),
		ON_A_GPU(a_gpu_that_fell_off_the_bus_is_gone),
		ON_A_GPU(virtual_functions_are_told),
		ON_A_GPU(links_that_make_no_sense_are_refused),
		ON_A_GPU(files_that_are_missing_are_errors),
		ON_A_GPU(gpus_are_visited_in_the_order_of_their_addresses),
		ON_A_GPU(odd_gpus_are_visited_and_hide_no_other),
		ON_A_GPU(a_machine_may_have_no_gpu_and_no_pci),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
