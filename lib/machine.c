// SPDX-License-Identifier: MIT
/* The GPUs of this machine: a list of them, their drivers, and the size of BAR1. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/sizes.h>

#include "dry_run.h"
#include "internal.h"
#include "pci_sysfs.h"
#include "unbind.h"

/* --- a list ---------------------------------------------------------------- */

static struct nvbar_device_bar bar_info(const struct nvbar_pci_device *dev, int nr)
{
	if (nr < 0)
		return (struct nvbar_device_bar){ 0 };
	return (struct nvbar_device_bar){ dev->bar[nr].start, dev->bar[nr].size };
}

static const char *backend_for(const struct nvbar_pci_device *dev)
{
	if (dev->problem[0] || dev->gone || dev->physfn[0] || !bar_info(dev, dev->roles.regs).start)
		return NULL;
	if (nvbar_pci_is_vfio(dev))
		return dev->iommu_group < 0 ? NULL : "vfio";
	return dev->driver[0] ? NULL : "pci";
}

struct visitor {
	int (*fn)(const struct nvbar_device_info *info, void *arg);
	void *arg;
};

static int visit(const struct nvbar_pci_device *dev, void *arg)
{
	const struct visitor *visitor = arg;
	struct nvbar_device_info info = {
		.size = sizeof(info),
		.vendor = dev->vendor,
		.device = dev->device,
		.class_code = dev->class_code,
		.iommu_group = dev->iommu_group,
		.asleep = dev->asleep,
		.decode = !dev->gone && dev->head.command & PCI_COMMAND_MEMORY,
		.gone = dev->gone,
		.nr_virtual = dev->nr_virtual,
		.bar0 = bar_info(dev, dev->roles.regs),
		.bar1 = bar_info(dev, dev->roles.bar1),
		.bar2 = bar_info(dev, dev->roles.bar2),
		.bar1_sizes = dev->bar1_sizes,
	};
	const char *backend = backend_for(dev);

	snprintf(info.address, sizeof(info.address), "%s", dev->address);
	snprintf(info.driver, sizeof(info.driver), "%s", dev->driver);
	snprintf(info.power, sizeof(info.power), "%s", dev->power);
	snprintf(info.physfn, sizeof(info.physfn), "%s", dev->physfn);
	snprintf(info.problem, sizeof(info.problem), "%s", dev->problem);
	if (backend)
		snprintf(info.open_as, sizeof(info.open_as), "%s:%s", backend, dev->address);
	return visitor->fn(&info, visitor->arg);
}

/* The options of what is done without a GPU */
static int take_opts(const struct nvbar_open_opts *user_opts, struct nvbar_log *log, bool *dry_run)
{
	struct nvbar_open_opts opts;
	const char *why = nvbar_opts_copy(&opts, sizeof(opts), user_opts);

	*log = (struct nvbar_log){ .fn = opts.log, .arg = opts.log_arg, .level = opts.log_level };
	*dry_run = opts.flags;
	if (!why && opts.flags & ~NVBAR_OPEN_DRY_RUN)
		why = "no flag has a meaning here but NVBAR_OPEN_DRY_RUN";
	if (why)
		nvbar_log(log, NVBAR_LOG_ERROR, "%s", why);
	return why ? -EINVAL : 0;
}

int nvbar_for_each_device(int (*fn)(const struct nvbar_device_info *, void *), void *arg,
			  const struct nvbar_open_opts *user_opts)
{
	struct visitor visitor = { fn, arg };
	struct nvbar_log log;
	bool dry_run;

	/* Nothing is written in any case. */
	if (take_opts(user_opts, &log, &dry_run))
		return -EINVAL;
	return nvbar_sysfs_for_each_gpu(visit, &visitor);
}

/* --- one device, to change it ---------------------------------------------- */

/**
 * struct target - a device of NVIDIA's that is about to be changed
 * @dev: what it is
 * @dir: its directory in sysfs
 * @lock: keeps other processes away; negative where no BAR has an address
 * @dry_run: writes are told and not made
 * @log: where to explain a failure
 */
struct target {
	struct nvbar_pci_device dev;
	int dir;
	int lock;
	bool dry_run;
	struct nvbar_log log;
};

static int parse_target(const char *name, const struct nvbar_open_opts *user_opts,
			struct target *t, char address[NVBAR_PCI_ADDRESS_MAX])
{
	struct nvbar_log *log = &t->log;
	int ret = take_opts(user_opts, log, &t->dry_run);

	if (ret)
		return ret;
	if (!name) {
		nvbar_log(log, NVBAR_LOG_ERROR, "no device is named");
		return -EINVAL;
	}
	snprintf(log->device, sizeof(log->device), "%s", name);
	if (!strncmp(name, "pci:", 4))
		name += 4;
	else if (!strncmp(name, "vfio:", 5))
		name += 5;
	ret = nvbar_pci_address_parse(name, address);
	if (ret)
		nvbar_log(log, 0, "not the address of a PCI device, as 0000:01:00.0 is");
	return ret;
}

static void unlock(const struct target *t)
{
	if (t->lock >= 0)
		close(t->lock);
}

static int begin(struct target *t, const char *name, const struct nvbar_open_opts *opts)
{
	char address[NVBAR_PCI_ADDRESS_MAX];
	int ret;

	ret = parse_target(name, opts, t, address);
	if (ret)
		return ret;
	t->dir = nvbar_sysfs_find(address, &t->dev, &t->log);
	if (t->dir < 0)
		return t->dir;
	if (!nvbar_pci_is_nvidia(&t->dev)) {
		nvbar_log(&t->log, 0, "PCI device %04x:%04x is none of NVIDIA's", t->dev.vendor,
			  t->dev.device);
		ret = -EOPNOTSUPP;
		goto err_dir;
	}
	t->lock = nvbar_sysfs_lock(t->dir, &t->log);
	if (t->lock < 0 && t->lock != -ENOENT) {
		ret = t->lock;
		goto err_dir;
	}
	ret = nvbar_sysfs_read_device(t->dir, address, &t->dev, &t->log);
	if (!ret)
		return 0;

	unlock(t);
err_dir:
	close(t->dir);
	return ret;
}

static int finish(const struct target *t, int ret)
{
	unlock(t);
	close(t->dir);
	return ret;
}

/* @file: in its directory, or a path. */
static int write_file(const struct target *t, const char *file, const char *text)
{
	if (!t->dry_run)
		return nvbar_sysfs_write(t->dir, file, text);
	nvbar_log(&t->log, NVBAR_LOG_INFO, NVBAR_DRY_RUN_MARK "\"%.*s\" to %s",
		  (int)strcspn(text, "\n"), text, file);
	return 0;
}

static int refused(const struct target *t, const char *file, int err)
{
	return nvbar_sysfs_refused(file, err, &t->log);
}

/* The driver that is bound now, or an empty string. */
static const char *driver_now(const struct target *t, char driver[NVBAR_DRIVER_MAX])
{
	if (nvbar_sysfs_link(t->dir, "driver", driver, NVBAR_DRIVER_MAX))
		driver[0] = '\0';
	return driver;
}

/* --- drivers --------------------------------------------------------------- */

static const struct nvbar_patience patience = { .tell_ms = 1000, .limit_ms = 60000 };

static int take_from_driver(const struct target *t)
{
	if (t->dry_run)
		return write_file(t, "driver/unbind", t->dev.address);
	return nvbar_sysfs_unbind(t->dir, t->lock, t->dev.address, t->dev.driver, &patience,
				  &t->log);
}

int nvbar_device_unbind(const char *address, const struct nvbar_open_opts *opts)
{
	char driver[NVBAR_DRIVER_MAX];
	struct target t;
	int ret;

	ret = begin(&t, address, opts);
	if (ret)
		return ret;
	if (!t.dev.driver[0]) {
		nvbar_log(&t.log, 0, "no driver is bound to it");
		return finish(&t, -ENOENT);
	}
	ret = take_from_driver(&t);
	if (ret)
		return finish(&t, ret);
	if (!t.dry_run && driver_now(&t, driver)[0]) {
		nvbar_log(&t.log, 0, "driver %s did not let go of it", driver);
		ret = -EIO;
	}
	return finish(&t, ret);
}

/* A driver that is there, and whose name can't lead elsewhere. */
static int check_driver(const struct target *t, const char *driver, char path[PATH_MAX])
{
	if (!*driver || *driver == '.' || strchr(driver, '/') ||
	    strlen(driver) >= NVBAR_DRIVER_MAX) {
		nvbar_log(&t->log, 0, "\"%.64s\" is not the name of a driver", driver);
		return -EINVAL;
	}
	snprintf(path, PATH_MAX, "%s/bus/pci/drivers/%s/bind", nvbar_sysfs_root(), driver);
	if (!access(path, F_OK))
		return 0;
	nvbar_log(&t->log, 0, "there is no driver %s; \"modprobe %s\" may load it", driver, driver);
	return -ENOENT;
}

/* The override lets the driver take a device that is not in its table. */
static int bind_to(const struct target *t, const char *driver)
{
	char path[PATH_MAX], now[NVBAR_DRIVER_MAX];
	int ret;

	ret = check_driver(t, driver, path);
	if (ret)
		return ret;
	ret = write_file(t, "driver_override", driver);
	if (ret)
		return refused(t, "driver_override", ret);
	ret = write_file(t, path, t->dev.address);
	if (!ret && (t->dry_run || !strcmp(driver_now(t, now), driver)))
		return 0;
	nvbar_log(&t->log, 0, "driver %s does not take it: %s", driver,
		  ret ? strerror(-ret) : "the kernel log may say why");
	write_file(t, "driver_override", "\n");
	return ret ? ret : -EIO;
}

static int bind_any(const struct target *t)
{
	char path[PATH_MAX], now[NVBAR_DRIVER_MAX];
	int ret;

	ret = write_file(t, "driver_override", "\n");
	if (ret)
		return refused(t, "driver_override", ret);
	snprintf(path, sizeof(path), "%s/bus/pci/drivers_probe", nvbar_sysfs_root());
	ret = write_file(t, path, t->dev.address);
	if (ret)
		return refused(t, "drivers_probe", ret);
	if (t->dry_run || driver_now(t, now)[0])
		return 0;
	nvbar_log(&t->log, 0, "no driver that is loaded takes it");
	return -ENOENT;
}

int nvbar_device_bind(const char *address, const char *driver, const struct nvbar_open_opts *opts)
{
	struct target t;
	int ret;

	ret = begin(&t, address, opts);
	if (ret)
		return ret;
	if (t.dev.driver[0] && driver && strcmp(t.dev.driver, driver) != 0) {
		nvbar_log(&t.log, 0, "driver %s has it; \"nvbar unbind %s\" takes it away from it",
			  t.dev.driver, t.dev.address);
		ret = -EBUSY;
	} else if (!t.dev.driver[0]) {
		ret = driver ? bind_to(&t, driver) : bind_any(&t);
	}
	return finish(&t, ret);
}

/* --- the size of BAR1 ------------------------------------------------------ */

/* "64M 128M 256M" */
static void sizes_text(u64 sizes, char *buf, size_t len)
{
	static const char units[] = "MGTPE";
	unsigned int n;
	size_t used = 0;

	for (n = 20; n < 64 && used < len; n++)
		if (sizes >> n & 1)
			used += snprintf(buf + used, len - used, "%s%u%c", used ? " " : "",
					 1u << n % 10, units[n / 10 - 2]);
}

/* The bridge above, from the name of the directory that the device's is in; false if none. */
static bool find_bridge(const struct target *t, char bridge[NVBAR_PCI_ADDRESS_MAX])
{
	char link[64], path[PATH_MAX], *name, *parent;
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", t->dir);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return false;
	path[len] = '\0';
	name = strrchr(path, '/');
	if (!name)
		return false;
	*name = '\0';
	parent = strrchr(path, '/');
	return parent && !nvbar_pci_address_parse(parent + 1, bridge);
}

/* What of a device must lie in the same windows as BAR1: memory that can be prefetched */
static u64 prefetchable(const struct nvbar_pci_device *dev, int besides)
{
	u64 bytes = 0;
	int i;

	for (i = 0; i < PCI_NR_BARS; i++)
		if (i != besides && dev->bar[i].bits & PCI_BAR_PREFETCHABLE)
			bytes += dev->bar[i].size;
	return bytes;
}

/* Devices below the same bridge are told by name, but for long lists. */
#define NEIGHBOURS	3

/**
 * struct neighbours - what shares the memory window of a bridge with BAR1
 * @nr: devices
 * @text: " beside its other BARs (32M), 0000:01:00.1 (16M)", or empty
 * @used: bytes of that
 */
struct neighbours {
	unsigned int nr;
	char text[128];
	size_t used;
};

static void add_neighbour(struct neighbours *n, const char *name, u64 bytes)
{
	if (!bytes || n->nr++ > NEIGHBOURS)
		return;
	n->used += snprintf(n->text + n->used, sizeof(n->text) - n->used, "%s%s",
			    n->used ? ", " : " beside ", n->nr > NEIGHBOURS ? "others" : name);
	if (n->nr <= NEIGHBOURS)
		n->used += snprintf(n->text + n->used, sizeof(n->text) - n->used, " (%lluM)",
				    DIV_ROUND_UP_ULL(bytes, SZ_1M));
}

static void add_device(struct neighbours *n, int parent, const char *name)
{
	const struct nvbar_log silent = { 0 };
	struct nvbar_pci_device dev;
	int dir = openat(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return;
	if (!nvbar_sysfs_read_device(dir, name, &dev, &silent))
		add_neighbour(n, name, prefetchable(&dev, -1));
	close(dir);
}

/* The directory of the bridge has those of the devices below it. */
static void find_neighbours(const struct target *t, struct neighbours *n)
{
	int parent = openat(t->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char address[NVBAR_PCI_ADDRESS_MAX];
	struct dirent **entry;
	int i, nr;

	add_neighbour(n, "its other BARs", prefetchable(&t->dev, t->dev.roles.bar1));
	nr = parent < 0 ? 0 : scandirat(parent, ".", &entry, NULL, alphasort);
	for (i = 0; i < nr; i++) {
		if (!nvbar_pci_address_parse(entry[i]->d_name, address) &&
		    strcmp(entry[i]->d_name, t->dev.address) != 0)
			add_device(n, parent, entry[i]->d_name);
		free(entry[i]);
	}
	if (nr > 0)
		free(entry);
	if (parent >= 0)
		close(parent);
}

/* Whatever became of the size, the kernel may have found no room for some again. */
#define LOST_MAX	64

static bool has_lost(const struct target *t, const struct nvbar_pci_device *now, int nr)
{
	bool wanted = nr >= 0 && (t->dev.bar[nr].start || nr == t->dev.roles.bar1);

	return wanted && !now->bar[nr].start;
}

/* ", and now BAR1 and BAR2 have no address at all", or nothing */
static void lost_text(const struct target *t, const struct nvbar_pci_device *now,
		      char buf[LOST_MAX])
{
	const int nr[] = { t->dev.roles.regs, t->dev.roles.bar1, t->dev.roles.bar2 };
	size_t i, used = 0, lost = 0;

	for (i = 0; i < ARRAY_SIZE(nr); i++)
		if (has_lost(t, now, nr[i]))
			used += snprintf(buf + used, LOST_MAX - used, "%sBAR%zu",
					 lost++ ? " and " : ", and now ", i);
	snprintf(buf + used, LOST_MAX - used, "%s", !lost ? "" : lost == 1 ?
		 " has no address at all" : " have no address at all");
}

/*
 * What is in the way: windows of the bridges above, into which everything below them
 * must fit.  The kernel makes them larger only if what else is in them can move.
 */
static void explain_no_room(const struct target *t, const char *size, const char *lost)
{
	char bridge[NVBAR_PCI_ADDRESS_MAX];
	bool below = find_bridge(t, bridge);
	struct neighbours n = { 0 };

	find_neighbours(t, &n);
	nvbar_log(&t->log, 0, "no room for a BAR1 of %s%s%s%s%s; Above 4G Decoding in the firmware's "
		  "setup, or pci=realloc for the kernel, may make some", size,
		  below ? " in the memory window of bridge " : " below the host bridge",
		  below ? bridge : "", n.text, lost);
}

static int check_size(const struct target *t, u64 size)
{
	char sizes[256] = "";

	if (t->dev.physfn[0]) {
		nvbar_log(&t->log, 0, "it is a virtual function of %s, which has its BARs",
			  t->dev.physfn);
		return -EOPNOTSUPP;
	}
	if (t->dev.gone)
		return nvbar_pci_refuse_gone(&t->log, &t->dev.head);
	if (!nvbar_pci_is_gpu(&t->dev) || t->dev.roles.bar1 < 0) {
		nvbar_log(&t->log, 0, "it has no BAR1");
		return -EOPNOTSUPP;
	}
	if (t->dev.driver[0]) {
		nvbar_log(&t->log, 0, "driver %s has it; \"nvbar unbind %s\" takes it away from it",
			  t->dev.driver, t->dev.address);
		return -EBUSY;
	}
	if (!t->dev.bar1_sizes) {
		nvbar_log(&t->log, 0, "its BAR1 can't be resized, or the kernel is older than 6.0");
		return -EOPNOTSUPP;
	}
	if (is_power_of_2(size) && t->dev.bar1_sizes & size)
		return 0;
	sizes_text(t->dev.bar1_sizes, sizes, sizeof(sizes));
	nvbar_log(&t->log, 0, "BAR1 can't have 0x%llx bytes, only %s", size, sizes);
	return -EINVAL;
}

static int resize(const struct target *t, u64 size)
{
	char file[32], code[16], text[16] = "", lost[LOST_MAX] = "";
	const struct nvbar_log silent = { 0 };
	struct nvbar_pci_device now;
	int nr = t->dev.roles.bar1, ret, unread;

	snprintf(file, sizeof(file), "resource%d_resize", nr);
	snprintf(code, sizeof(code), "%d", ilog2(size) - 20);
	sizes_text(size, text, sizeof(text));
	ret = write_file(t, file, code);
	if (t->dry_run)
		return ret;
	unread = nvbar_sysfs_read_device(t->dir, t->dev.address, &now, ret ? &silent : &t->log);
	if (!unread)
		lost_text(t, &now, lost);
	if (ret == -ENOSPC) {
		explain_no_room(t, text, lost);
		return ret;
	}
	if (ret) {
		nvbar_log(&t->log, 0, "the kernel refuses to write %s: %s%s", file, strerror(-ret), lost);
		return ret == -EPERM ? -EACCES : ret;
	}
	if (unread || (now.bar[nr].size == size && now.bar[nr].start && !lost[0]))
		return unread;
	nvbar_log(&t->log, 0, "BAR1 has 0x%llx bytes afterwards%s", now.bar[nr].size, lost);
	return -EIO;
}

int nvbar_device_resize(const char *address, uint64_t len, const struct nvbar_open_opts *opts)
{
	const struct nvbar_pci_bar *bar1;
	struct target t;
	int ret;

	ret = begin(&t, address, opts);
	if (ret)
		return ret;
	ret = check_size(&t, len);
	if (ret)
		return finish(&t, ret);
	bar1 = &t.dev.bar[t.dev.roles.bar1];
	if (bar1->size != len || !bar1->start)
		ret = resize(&t, len);
	return finish(&t, ret);
}
