// SPDX-License-Identifier: MIT
/*
 * List, drivers and sizes, on a sysfs of regular files.  The linker leads what
 * the library writes to sysfs through a function here, which does what the
 * kernel does.
 */
#include "fake_sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nvbar/nvbar.h>

#include "pci_sysfs.h"
#include "unbind.h"

#define MIB(n)	((uint64_t)(n) << 20)
#define SOUND	"0000:01:00.1"
#define WROTE_MAX	2048

/* --- the kernel --- */

static char *wrote;			/* "file=text " for each file, by any process */
static const char *stubborn;		/* the file that refuses ... */
static int stubborn_err;		/* ... with this, or by doing nothing if 0 */
static bool loses_bar1, loses_bar2;
/* A driver that waits for its users, and what ends that: shared with who waits in the kernel */
static bool has_users;
static volatile bool *users_gone;

int __real_nvbar_sysfs_write(int dir, const char *name, const char *text);
int __wrap_nvbar_sysfs_write(int dir, const char *name, const char *text);

static void change_bar1(uint64_t size)
{
	struct fake_bar bar[6];

	memcpy(bar, fake_ga102, sizeof(bar));
	bar[1].last = bar[1].first + size - 1;
	if (!size)
		bar[1] = (struct fake_bar){ 0, 0xfffffff, MEM64_PREFETCH | UNSET };
	if (loses_bar2)
		bar[3] = (struct fake_bar){ 0, 0x1ffffff, MEM64_PREFETCH | UNSET };
	fake_bars(GPU, bar);
}

/* The driver that takes a device: the one that is named, or nouveau. */
static void probe(const char *address, const char *driver)
{
	char link[128], override[64];

	snprintf(override, sizeof(override), "%s", fake_text(address, "driver_override"));
	if (strcmp(override, "(null)") != 0 && *override)
		driver = override;
	snprintf(link, sizeof(link), "../../drivers/%s", driver);
	fake_link(address, "driver", link);
}

int __wrap_nvbar_sysfs_write(int dir, const char *name, const char *text)
{
	const char *file = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	int ret;

	snprintf(wrote + strlen(wrote), WROTE_MAX - 1 - strlen(wrote), "%s=%s ", file,
		 *text == '\n' ? "" : text);
	if (stubborn && !strcmp(file, stubborn)) {
		if (!stubborn_err)
			return 0;
		if (loses_bar1)
			change_bar1(0);
		return stubborn_err;
	}
	while (has_users && !strcmp(file, "unbind") && !*users_gone)
		usleep(1000);
	if (!strcmp(file, "unbind")) {
		fake_remove(text, "driver");
		return 0;
	}
	ret = __real_nvbar_sysfs_write(dir, name, text);
	if (!ret && !strcmp(file, "bind"))
		probe(text, "vfio-pci");
	if (!ret && !strcmp(file, "drivers_probe"))
		probe(text, "nouveau");
	if (!ret && !strcmp(file, "resource1_resize"))
		change_bar1(MIB(1) << atoi(text));
	return ret;
}

static int begin(void **state)
{
	(void)state;
	fake_begin();
	fake_gpu(GPU, fake_ga102);
	fake_file(GPU, "resource1_resize", "%016x\n", 0xfc0);	/* 64M to 2G */
	fake_gpu(SOUND, fake_ga102);
	fake_file(SOUND, "class", "0x040300\n");
	assert_int_equal(mkdir(fake_path(NULL, "/bus/pci/drivers/vfio-pci"), 0755), 0);
	fake_file(NULL, "/bus/pci/drivers/vfio-pci/bind", "%s", "");
	fake_file(NULL, "/bus/pci/drivers_probe", "%s", "");
	if (!wrote)
		wrote = mmap(NULL, WROTE_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(wrote, MAP_FAILED);
	wrote[0] = '\0';
	users_gone = (bool *)wrote + WROTE_MAX - 1;
	*users_gone = false;
	has_users = false;
	stubborn = NULL;
	loses_bar1 = false;
	loses_bar2 = false;
	return 0;
}

static int end(void **state)
{
	(void)state;
	fake_end();
	return 0;
}

/* --- what is said --- */

static char said[1024];

static void keep(void *arg, int level, const char *line)
{
	(void)arg;
	assert_int_equal(level, NVBAR_LOG_ERROR);
	if (strlen(said) + strlen(line) + 2 < sizeof(said))
		strcat(strcat(said, line), "\n");
}

static const struct nvbar_open_opts opts = { .size = sizeof(opts), .log = keep };

/* The one line that explains a failure begins with the name and has @why. */
static void says(const char *name, const char *why)
{
	if (!strstr(said, why))
		print_error("said: %s", said);
	assert_non_null(strstr(said, why));
	assert_memory_equal(said, name, strlen(name));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	said[0] = '\0';
}

static const char *driver_of(const char *address)
{
	static char target[PATH_MAX];
	ssize_t len = readlink(fake_path(address, "driver"), target, sizeof(target) - 1);

	if (len < 0)
		return "none";
	target[len] = '\0';
	return strrchr(target, '/') + 1;
}

/* --- the list --- */

static int copy(const struct nvbar_device_info *info, void *arg)
{
	struct nvbar_device_info **at = arg;

	*(*at)++ = *info;
	return 0;
}

static int stop(const struct nvbar_device_info *info, void *arg)
{
	(void)info;
	(void)arg;
	return 42;
}

static void the_list_says_what_sysfs_says(void **state)
{
	struct nvbar_device_info info[4] = { 0 }, *at = info;

	(void)state;
	fake_gpu("0000:41:00.0", fake_gh100);
	fake_link("0000:41:00.0", "driver", "../../drivers/nvidia");
	fake_link("0000:41:00.0", "iommu_group", "../../groups/9");
	fake_set_command("0000:41:00.0", 6);
	fake_file("0000:41:00.0", "class", "0x030200\n");
	assert_int_equal(nvbar_for_each_device(copy, &at, NULL), 0);
	assert_ptr_equal(at, info + 2);

	assert_int_equal(info[0].size, sizeof(info[0]));
	assert_string_equal(info[0].address, GPU);
	assert_string_equal(info[0].open_as, "pci:" GPU);
	assert_string_equal(info[0].driver, "");
	assert_string_equal(info[0].power, "D0");
	assert_int_equal(info[0].vendor, 0x10de);
	assert_int_equal(info[0].device, 0x2204);
	assert_int_equal(info[0].iommu_group, -1);
	assert_int_equal(info[0].decode, 0);
	assert_int_equal(info[0].bar0.len, MIB(16));
	assert_int_equal(info[0].bar1.start, 0xe0000000);
	assert_int_equal(info[0].bar1.len, MIB(256));
	assert_int_equal(info[0].bar2.len, MIB(32));
	assert_int_equal(info[0].bar1_sizes, 0xfc000000);

	assert_string_equal(info[1].address, "0000:41:00.0");
	assert_string_equal(info[1].open_as, "");
	assert_string_equal(info[1].driver, "nvidia");
	assert_int_equal(info[1].class_code, 0x030200);
	assert_int_equal(info[1].iommu_group, 9);
	assert_int_equal(info[1].decode, 1);
	assert_int_equal(info[1].bar1.len, MIB(131072));
	assert_int_equal(info[1].bar1_sizes, 0);

	assert_int_equal(nvbar_for_each_device(stop, NULL, NULL), 42);
}

static void a_device_that_is_odd_is_listed_with_what_is_odd(void **state)
{
	struct nvbar_device_info info[4] = { 0 }, *at = info;

	(void)state;
	fake_gpu("0000:41:00.0", fake_gh100);
	fake_file(GPU, "resource", "nonsense\n");
	assert_int_equal(nvbar_for_each_device(copy, &at, &opts), 0);
	assert_ptr_equal(at, info + 2);
	assert_string_equal(info[0].address, GPU);
	assert_string_equal(info[0].problem, "resource in sysfs makes no sense");
	assert_string_equal(info[0].open_as, "");
	assert_int_equal(info[0].vendor, 0x10de);
	assert_string_equal(info[1].problem, "");
	assert_string_equal(info[1].open_as, "pci:0000:41:00.0");
	assert_string_equal(said, "");
}

static void what_cant_be_opened_is_listed_without_how(void **state)
{
	struct nvbar_device_info info[4] = { 0 }, *at = info;
	struct fake_bar bar[6];

	(void)state;
	fake_link(GPU, "physfn", "../0000:84:00.0");
	fake_gpu("0000:02:00.0", fake_ga102);
	fake_file("0000:02:00.0", "config", "\xff\xff\xff\xff\xff\xff\xff\xff");
	memcpy(bar, fake_ga102, sizeof(bar));
	bar[0] = (struct fake_bar){ 0 };
	fake_gpu("0000:03:00.0", bar);
	fake_file("0000:03:00.0", "sriov_numvfs", "4\n");
	assert_int_equal(nvbar_for_each_device(copy, &at, &opts), 0);
	assert_ptr_equal(at, info + 3);
	assert_string_equal(info[0].physfn, "0000:84:00.0");
	assert_string_equal(info[0].open_as, "");
	assert_true(info[1].gone);
	assert_int_equal(info[1].decode, 0);
	assert_string_equal(info[1].open_as, "");
	assert_int_equal(info[2].bar0.len, 0);
	assert_int_equal(info[2].bar1.start, 0xe0000000);
	assert_int_equal(info[2].nr_virtual, 4);
	assert_string_equal(info[2].open_as, "");
	/* Nor is another size asked for. */
	assert_int_equal(nvbar_device_resize(GPU, MIB(64), &opts), -EOPNOTSUPP);
	says(GPU ": ", "virtual function of 0000:84:00.0");
	assert_int_equal(nvbar_device_resize("0000:02:00.0", MIB(64), &opts), -ENODEV);
	says("0000:02:00.0: ", "the GPU is gone: its configuration space reads 0xffffffff");
	assert_string_equal(wrote, "");
}

/* --- drivers --- */

static void a_gpu_goes_from_driver_to_driver(void **state)
{
	(void)state;
	fake_link(GPU, "driver", "../../drivers/nvidia");
	assert_int_equal(nvbar_device_unbind(GPU, &opts), 0);
	assert_string_equal(driver_of(GPU), "none");
	assert_int_equal(nvbar_device_bind("01:00.0", "vfio-pci", &opts), 0);
	assert_string_equal(driver_of(GPU), "vfio-pci");
	assert_string_equal(fake_text(GPU, "driver_override"), "vfio-pci");
	/* It has it already. */
	assert_int_equal(nvbar_device_bind("vfio:" GPU, "vfio-pci", &opts), 0);
	assert_int_equal(nvbar_device_bind(GPU, NULL, &opts), 0);
	assert_string_equal(wrote, "unbind=" GPU " driver_override=vfio-pci bind=" GPU " ");

	wrote[0] = '\0';
	assert_int_equal(nvbar_device_unbind("pci:01:00.0", &opts), 0);
	assert_int_equal(nvbar_device_bind(GPU, NULL, &opts), 0);
	assert_string_equal(driver_of(GPU), "nouveau");
	assert_string_equal(wrote, "unbind=" GPU " driver_override= drivers_probe=" GPU " ");
	assert_string_equal(said, "");
}

/* --- a driver that does not let go --- */

static char warned[256];

static void keep_both(void *arg, int level, const char *line)
{
	(void)arg;
	strcpy(level == NVBAR_LOG_WARNING ? warned : said, line);
}

static const struct nvbar_log both = { .fn = keep_both, .level = NVBAR_LOG_WARNING, .device = GPU };

static int dir, lock;

static void begin_unbind(const char *driver)
{
	char link[64];

	snprintf(link, sizeof(link), "../../drivers/%s", driver);
	fake_link(GPU, "driver", link);
	fake_resources(GPU, fake_ga102);
	dir = nvbar_sysfs_open(GPU);
	lock = nvbar_sysfs_lock(dir, &both);
	assert_true(dir >= 0 && lock >= 0);
	has_users = true;
	warned[0] = '\0';
	said[0] = '\0';
}

/* What was given up goes on: once its users are gone the driver lets go. */
static void end_unbind(void)
{
	close(lock);
	close(dir);
	said[0] = '\0';
	assert_int_equal(nvbar_device_bind(GPU, "vfio-pci", &opts), -EBUSY);
	assert_non_null(strstr(said, GPU ": an unbind is waiting for driver "));
	*users_gone = true;
	while (nvbar_device_bind(GPU, "vfio-pci", NULL) == -EBUSY)
		usleep(1000);
	assert_string_equal(driver_of(GPU), "vfio-pci");
	said[0] = '\0';
}

static void a_driver_that_waits_for_its_users_is_told_and_left(void **state)
{
	static const struct nvbar_patience patience = { .tell_ms = 1, .limit_ms = 1000 };
	static const struct {
		const char *driver, *users;
	} cases[] = {
		{ "nvidia", "\"lsof /dev/nvidia*\" names them" },
		{ "vfio-pci", "\"lsof /dev/vfio/*\" names them" },
		{ "nouveau", "\"lsof /dev/dri/*\" names them" },
	};
	char text[128];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin_unbind(cases[i].driver);
		assert_int_equal(nvbar_sysfs_unbind(dir, lock, GPU, cases[i].driver, &patience, &both),
				 -EBUSY);
		snprintf(text, sizeof(text), GPU ": driver %s waits for its users to end; %s; this waits "
			 "1 s at most", cases[i].driver, cases[i].users);
		assert_string_equal(warned, text);
		assert_non_null(strstr(said, "has not let go of it, and the unbind goes on"));
		assert_string_equal(driver_of(GPU), cases[i].driver);
		end_unbind();
		end(state);
		begin(state);
	}
}

static void ring(int sig)
{
	(void)sig;
}

static void a_signal_ends_the_wait_for_a_driver(void **state)
{
	static const struct nvbar_patience patience = { .tell_ms = 1, .limit_ms = 3600000 };
	const struct sigaction bell = { .sa_handler = ring, .sa_flags = SA_RESTART };
	/* Again and again: one may come before anything waits. */
	const struct itimerval soon = { { 0, 100000 }, { 0, 100000 } }, never = { 0 };

	(void)state;
	sigaction(SIGALRM, &bell, NULL);
	begin_unbind("nvidia");
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(nvbar_sysfs_unbind(dir, lock, GPU, "nvidia", &patience, &both), -EINTR);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_non_null(strstr(said, "interrupted: driver nvidia has not let go of it"));
	end_unbind();
}

/* Pipes and locks of the program's would live as long as the driver's users. */
static void who_waits_in_the_kernel_holds_nothing_but_the_lock(void **state)
{
	static const struct nvbar_patience patience = { .tell_ms = 1, .limit_ms = 2 };
	int ends[2];
	char none;

	(void)state;
	begin_unbind("nvidia");
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(nvbar_sysfs_unbind(dir, lock, GPU, "nvidia", &patience, &both), -EBUSY);
	close(ends[1]);
	/* Blocks for as long as somebody has the other end. */
	assert_int_equal(read(ends[0], &none, 1), 0);
	close(ends[0]);
	end_unbind();
}

static void its_sound_goes_along(void **state)
{
	(void)state;
	fake_link(SOUND, "driver", "../../drivers/snd_hda_intel");
	assert_int_equal(nvbar_device_unbind(SOUND, NULL), 0);
	assert_int_equal(nvbar_device_bind(SOUND, "vfio-pci", NULL), 0);
	assert_string_equal(driver_of(SOUND), "vfio-pci");
}

static void a_driver_that_is_not_there_is_told(void **state)
{
	(void)state;
	assert_int_equal(nvbar_device_unbind(GPU, &opts), -ENOENT);
	says(GPU ": ", "no driver is bound");
	assert_int_equal(nvbar_device_bind(GPU, "nvidia", &opts), -ENOENT);
	says(GPU ": ", "modprobe nvidia");
	assert_string_equal(wrote, "");
	stubborn = "drivers_probe";
	stubborn_err = 0;
	assert_int_equal(nvbar_device_bind(GPU, NULL, &opts), -ENOENT);
	says(GPU ": ", "no driver that is loaded");
}

static void names_that_are_no_drivers_are_refused(void **state)
{
	static const char *const bad[] = { "", ".", "..", "../../devices", "a/b", "/etc" };
	char longest[100];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(nvbar_device_bind(GPU, bad[i], &opts), -EINVAL);
		says(GPU ": ", "not the name of a driver");
	}
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(nvbar_device_bind(GPU, longest, &opts), -EINVAL);
	says(GPU ": ", "not the name of a driver");
	assert_string_equal(wrote, "");
}

static void another_driver_is_not_taken_from(void **state)
{
	(void)state;
	fake_link(GPU, "driver", "../../drivers/nvidia");
	assert_int_equal(nvbar_device_bind(GPU, "vfio-pci", &opts), -EBUSY);
	says(GPU ": ", "driver nvidia has it; \"nvbar unbind " GPU "\"");
	assert_string_equal(wrote, "");
}

static void what_a_driver_refuses_is_told_and_undone(void **state)
{
	(void)state;
	stubborn = "bind";
	stubborn_err = -ENODEV;
	assert_int_equal(nvbar_device_bind(GPU, "vfio-pci", &opts), -ENODEV);
	says(GPU ": ", "driver vfio-pci does not take it: No such device");
	assert_string_equal(fake_text(GPU, "driver_override"), "");
	stubborn_err = 0;
	assert_int_equal(nvbar_device_bind(GPU, "vfio-pci", &opts), -EIO);
	says(GPU ": ", "kernel log");

	fake_link(GPU, "driver", "../../drivers/nvidia");
	stubborn = "unbind";
	assert_int_equal(nvbar_device_unbind(GPU, &opts), -EIO);
	says(GPU ": ", "did not let go");
	stubborn_err = -EPERM;
	assert_int_equal(nvbar_device_unbind(GPU, &opts), -EACCES);
	says(GPU ": ", "refuses to write driver/unbind");
}

/* --- sizes --- */

static void bar1_takes_another_size(void **state)
{
	struct nvbar_device_info info[4] = { 0 }, *at = info;

	(void)state;
	assert_int_equal(nvbar_device_resize(GPU, MIB(2048), &opts), 0);
	assert_string_equal(wrote, "resource1_resize=11 ");
	fake_file(GPU, "resource1_resize", "%016x\n", 0xfc0);
	assert_int_equal(nvbar_for_each_device(copy, &at, NULL), 0);
	assert_int_equal(info[0].bar1.len, MIB(2048));
	/* It has that size already. */
	assert_int_equal(nvbar_device_resize(GPU, MIB(2048), &opts), 0);
	assert_string_equal(wrote, "resource1_resize=11 ");
	assert_string_equal(said, "");
}

static void sizes_that_bar1_cant_have_are_refused_with_those_it_can(void **state)
{
	static const uint64_t bad[] = { 0, 1, MIB(32), MIB(96), MIB(4096), UINT64_MAX, MIB(64) + 1 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(nvbar_device_resize(GPU, bad[i], &opts), -EINVAL);
		says(GPU ": ", "only 64M 128M 256M 512M 1G 2G");
	}
	fake_remove(GPU, "resource1_resize");
	assert_int_equal(nvbar_device_resize(GPU, MIB(64), &opts), -EOPNOTSUPP);
	says(GPU ": ", "can't be resized");
	assert_int_equal(nvbar_device_resize(SOUND, MIB(64), &opts), -EOPNOTSUPP);
	says(SOUND ": ", "no BAR1");
	assert_string_equal(wrote, "");
}

static void a_bound_driver_keeps_its_bar1(void **state)
{
	(void)state;
	fake_link(GPU, "driver", "../../drivers/nvidia");
	assert_int_equal(nvbar_device_resize(GPU, MIB(64), &opts), -EBUSY);
	says(GPU ": ", "driver nvidia has it");
}

static void what_is_in_the_way_is_told(void **state)
{
	(void)state;
	stubborn = "resource1_resize";
	stubborn_err = -ENOSPC;
	assert_int_equal(nvbar_device_resize(GPU, MIB(2048), &opts), -ENOSPC);
	says(GPU ": ", "no room for a BAR1 of 2G below the host bridge");
	loses_bar1 = true;
	assert_int_equal(nvbar_device_resize(GPU, MIB(1024), &opts), -ENOSPC);
	says(GPU ": ", "of 1G below the host bridge beside its other BARs (32M), " SOUND " (288M), "
	     "and now BAR1 has no address at all; Above 4G Decoding in the firmware's setup, or "
	     "pci=realloc for the kernel, may make some\n");

	/* Behind a bridge, sysfs has the device in the bridge's directory. */
	fake_end();
	begin(state);
	assert_int_equal(mkdir(fake_path(NULL, "/0000:00:01.0"), 0755), 0);
	stubborn = "resource1_resize";
	fake_move(GPU, "/0000:00:01.0/" GPU);
	assert_int_equal(nvbar_device_resize(GPU, MIB(2048), &opts), -ENOSPC);
	says(GPU ": ", "in the memory window of bridge 0000:00:01.0 beside its other BARs (32M);");
	fake_gpu("0000:01:00.4", fake_gh100);
	fake_move("0000:01:00.4", "/0000:00:01.0/0000:01:00.4");
	fake_gpu("0000:01:00.2", fake_ga102);
	fake_move("0000:01:00.2", "/0000:00:01.0/0000:01:00.2");
	fake_gpu("0000:01:00.3", fake_ga102);
	fake_move("0000:01:00.3", "/0000:00:01.0/0000:01:00.3");
	assert_int_equal(nvbar_device_resize(GPU, MIB(2048), &opts), -ENOSPC);
	says(GPU ": ", "(32M), 0000:01:00.2 (288M), 0000:01:00.3 (288M), others;");

	stubborn_err = 0;
	assert_int_equal(nvbar_device_resize(GPU, MIB(2048), &opts), -EIO);
	says(GPU ": ", "0x10000000 bytes afterwards");
	stubborn_err = -EINVAL;
	assert_int_equal(nvbar_device_resize(GPU, MIB(2048), &opts), -EINVAL);
	says(GPU ": ", "refuses to write resource1_resize: Invalid argument");
}

/* Whether the kernel says that it failed or not: without an address none of them can be used. */
static void bars_that_a_resize_leaves_without_an_address_are_told(void **state)
{
	(void)state;
	loses_bar2 = true;
	assert_int_equal(nvbar_device_resize(GPU, MIB(64), &opts), -EIO);
	says(GPU ": ", "BAR1 has 0x4000000 bytes afterwards, and now BAR2 has no address at all\n");
	fake_bars(GPU, fake_ga102);
	fake_file(GPU, "resource1_resize", "%016x\n", 0xfc0);
	stubborn = "resource1_resize";
	stubborn_err = -EINVAL;
	loses_bar1 = true;
	assert_int_equal(nvbar_device_resize(GPU, MIB(64), &opts), -EINVAL);
	says(GPU ": ", "refuses to write resource1_resize: Invalid argument, and now BAR1 and BAR2 have "
	     "no address at all\n");
}

/* --- all of them --- */

static int resize_to_64m(const char *address)
{
	return nvbar_device_resize(address, MIB(64), &opts);
}

static int bind_to_vfio(const char *address)
{
	return nvbar_device_bind(address, "vfio-pci", &opts);
}

static int unbind(const char *address)
{
	return nvbar_device_unbind(address, &opts);
}

static void only_devices_of_nvidia_are_touched(void **state)
{
	static int (*const change[])(const char *) = { resize_to_64m, bind_to_vfio, unbind };
	static const char *const bad[] = { "", "nonsense", "pci:", "vfio:", "pci:pci:01:00.0",
					   "01:00.0/../../x", "sim" };
	const struct nvbar_open_opts flags = { .size = sizeof(flags), .flags = 1, .log = keep };
	size_t i, k;

	(void)state;
	fake_gpu("0000:00:1f.2", fake_ga102);
	fake_file("0000:00:1f.2", "vendor", "0x8086\n");
	fake_link("0000:00:1f.2", "driver", "../../drivers/ahci");
	for (i = 0; i < 3; i++) {
		assert_int_equal(change[i]("00:1f.2"), -EOPNOTSUPP);
		says("00:1f.2: ", "8086:2204 is none of NVIDIA's");
		assert_int_equal(change[i]("02:00.0"), -ENOENT);
		says("02:00.0: ", "no such PCI device");
		for (k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
			assert_int_equal(change[i](bad[k]), -EINVAL);
			says(bad[k], "not the address of a PCI device");
		}
		assert_int_equal(change[i](NULL), -EINVAL);
		says("", "no device is named");
	}
	assert_int_equal(nvbar_device_unbind(GPU, &flags), -EINVAL);
	says("", "no flag has a meaning here but NVBAR_OPEN_DRY_RUN");
	assert_string_equal(wrote, "");
}

static void a_gpu_that_nvbar_has_open_is_not_changed(void **state)
{
	const struct nvbar_log silent = { 0 };
	char owner[64];

	(void)state;
	fake_resources(GPU, fake_ga102);
	dir = nvbar_sysfs_open(GPU);
	lock = nvbar_sysfs_lock(dir, &silent);
	assert_true(lock >= 0);
	snprintf(owner, sizeof(owner), "in use by process %d", getpid());
	assert_int_equal(resize_to_64m(GPU), -EBUSY);
	says(GPU ": ", owner);
	assert_int_equal(bind_to_vfio(GPU), -EBUSY);
	says(GPU ": ", owner);
	close(lock);
	close(dir);
	/* One that any user can take is none. */
	lock = open(fake_path(GPU, "config"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(bind_to_vfio(GPU), 0);
	close(lock);
}

#define ON_A_GPU(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_A_GPU(the_list_says_what_sysfs_says),
		ON_A_GPU(a_device_that_is_odd_is_listed_with_what_is_odd),
		ON_A_GPU(what_cant_be_opened_is_listed_without_how),
		ON_A_GPU(a_gpu_goes_from_driver_to_driver),
		ON_A_GPU(a_driver_that_waits_for_its_users_is_told_and_left),
		ON_A_GPU(a_signal_ends_the_wait_for_a_driver),
		ON_A_GPU(who_waits_in_the_kernel_holds_nothing_but_the_lock),
		ON_A_GPU(its_sound_goes_along),
		ON_A_GPU(a_driver_that_is_not_there_is_told),
		ON_A_GPU(names_that_are_no_drivers_are_refused),
		ON_A_GPU(another_driver_is_not_taken_from),
		ON_A_GPU(what_a_driver_refuses_is_told_and_undone),
		ON_A_GPU(bar1_takes_another_size),
		ON_A_GPU(sizes_that_bar1_cant_have_are_refused_with_those_it_can),
		ON_A_GPU(a_bound_driver_keeps_its_bar1),
		ON_A_GPU(what_is_in_the_way_is_told),
		ON_A_GPU(bars_that_a_resize_leaves_without_an_address_are_told),
		ON_A_GPU(only_devices_of_nvidia_are_touched),
		ON_A_GPU(a_gpu_that_nvbar_has_open_is_not_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
