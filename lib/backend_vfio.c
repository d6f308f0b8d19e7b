// SPDX-License-Identifier: MIT
/*
 * A GPU of this machine through VFIO: by its IOMMU group, with the type 1 IOMMU.
 *
 * The kernel lets one process open a group.  It resets the GPU when it is opened
 * and when it is closed, where it can.  Nothing is mapped for DMA.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "bars.h"
#include "pci_sysfs.h"

/**
 * struct vfio_gpu - a GPU through VFIO
 * @bars: its BARs
 * @dev: what sysfs said before
 * @container: of the IOMMU's mappings; -1 before, as the next two
 * @group: the IOMMU group
 * @device: the device, in which all regions are
 * @config: where configuration space begins in it
 * @head: what it began with
 * @observe: write nothing
 * @enabled: PCI_COMMAND was changed
 */
struct vfio_gpu {
	struct nvbar_bars bars;
	struct nvbar_pci_device dev;
	int container, group, device;
	u64 config;
	struct nvbar_pci_head head;
	bool observe;
	bool enabled;
};

static const struct nvbar_log *log_of(const struct vfio_gpu *vfio)
{
	return &vfio->bars.base.log;
}

/* One line: what was asked for and why not.  Return: the error, by this library's meanings. */
static int failed(const struct vfio_gpu *vfio, const char *what, int err)
{
	nvbar_log(log_of(vfio), 0, "%s: %s", what, strerror(err));
	return err == EPERM ? -EACCES : -err;
}

/* --- the group ------------------------------------------------------------- */

static int find(struct vfio_gpu *vfio, const char *address)
{
	const struct nvbar_pci_device *dev = &vfio->dev;
	int dir, ret;

	dir = nvbar_sysfs_find_gpu(address, &vfio->dev, log_of(vfio));
	if (dir < 0)
		return dir;
	ret = nvbar_sysfs_read_device(dir, address, &vfio->dev, log_of(vfio));
	close(dir);
	if (ret)
		return ret;
	if (dev->iommu_group < 0) {
		nvbar_log(log_of(vfio), 0, "it is in no IOMMU group: the IOMMU is off in the firmware's "
			  "setup, or for the kernel (intel_iommu=on)");
		return -EOPNOTSUPP;
	}
	if (!dev->driver[0]) {
		nvbar_log(log_of(vfio), 0, "no driver has it; \"nvbar bind %s vfio-pci\" gives it to VFIO",
			  address);
		return -ENOENT;
	}
	if (!nvbar_pci_is_vfio(dev)) {
		nvbar_log(log_of(vfio), 0, "driver %s has it; \"nvbar unbind %s\" and \"nvbar bind %s "
			  "vfio-pci\" give it to VFIO", dev->driver, address, address);
		return -EBUSY;
	}
	return 0;
}

/* The device that keeps others from using its group. */
static void explain_not_viable(const struct vfio_gpu *vfio)
{
	char path[PATH_MAX], driver[NVBAR_DRIVER_MAX];
	const struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%d/devices", nvbar_sysfs_root(),
		 vfio->dev.iommu_group);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/driver", entry->d_name);
		if (nvbar_sysfs_link(dirfd(dir), path, driver, sizeof(driver)) ||
		    strstr(driver, "vfio") || !strcmp(driver, "pcieport"))
			continue;
		nvbar_log(log_of(vfio), 0, "driver %s has %s, which is in IOMMU group %d, too",
			  driver, entry->d_name, vfio->dev.iommu_group);
		closedir(dir);
		return;
	}
	if (dir)
		closedir(dir);
	nvbar_log(log_of(vfio), 0, "another device of IOMMU group %d has a driver",
		  vfio->dev.iommu_group);
}

static int open_group(struct vfio_gpu *vfio)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[32];

	snprintf(path, sizeof(path), "/dev/vfio/%d", vfio->dev.iommu_group);
	vfio->group = open(path, O_RDWR | O_CLOEXEC);
	if (vfio->group < 0 && errno == EBUSY) {
		nvbar_log(log_of(vfio), 0, "another process has IOMMU group %d",
			  vfio->dev.iommu_group);
		return -EBUSY;
	}
	if (vfio->group < 0)
		return failed(vfio, path, errno);
	if (ioctl(vfio->group, VFIO_GROUP_GET_STATUS, &status))
		return failed(vfio, "state of the IOMMU group", errno);
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		explain_not_viable(vfio);
		return -EBUSY;
	}
	return 0;
}

static int open_container(struct vfio_gpu *vfio)
{
	static const char path[] = "/dev/vfio/vfio";

	vfio->container = open(path, O_RDWR | O_CLOEXEC);
	if (vfio->container < 0)
		return failed(vfio, path, errno);
	if (ioctl(vfio->container, VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
	    ioctl(vfio->container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1) {
		nvbar_log(log_of(vfio), 0, "this kernel's VFIO has no type 1 IOMMU; "
			  "\"modprobe vfio_iommu_type1\" may load it");
		return -EOPNOTSUPP;
	}
	if (ioctl(vfio->group, VFIO_GROUP_SET_CONTAINER, &vfio->container))
		return failed(vfio, "put the IOMMU group into a container", errno);
	if (ioctl(vfio->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return failed(vfio, "use the type 1 IOMMU", errno);
	return 0;
}

static int open_device(struct vfio_gpu *vfio, bool reset)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	vfio->device = ioctl(vfio->group, VFIO_GROUP_GET_DEVICE_FD, vfio->dev.address);
	if (vfio->device < 0)
		return failed(vfio, "get the device of the IOMMU group", errno);
	if (ioctl(vfio->device, VFIO_DEVICE_GET_INFO, &info))
		return failed(vfio, "what VFIO's device is", errno);
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI) || info.num_regions <= VFIO_PCI_CONFIG_REGION_INDEX) {
		nvbar_log(log_of(vfio), 0, "VFIO's device is no PCI device");
		return -EOPNOTSUPP;
	}
	if (reset && !(info.flags & VFIO_DEVICE_FLAGS_RESET)) {
		nvbar_log(log_of(vfio), 0, "the kernel knows no way to reset it");
		return -EOPNOTSUPP;
	}
	if (reset && ioctl(vfio->device, VFIO_DEVICE_RESET))
		return failed(vfio, "reset", errno);
	return 0;
}

/* --- regions --------------------------------------------------------------- */

/* A region with room for capabilities */
union region {
	struct vfio_region_info info;
	char room[1024];
};

static int get_region(const struct vfio_gpu *vfio, u32 index, union region *region)
{
	memset(region, 0, sizeof(*region));
	region->info.argsz = sizeof(*region);
	region->info.index = index;
	if (ioctl(vfio->device, VFIO_DEVICE_GET_REGION_INFO, region))
		return failed(vfio, "what a region of VFIO's device is", errno);
	return 0;
}

/* All of it, and not parts only. */
static bool can_map(const union region *region)
{
	const struct vfio_info_cap_header *cap;
	u32 at = region->info.cap_offset, hops = 0;

	if (!(region->info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		return false;
	if (!(region->info.flags & VFIO_REGION_INFO_FLAG_CAPS))
		return true;
	for (; at && hops < 64; at = cap->next, hops++) {
		if (at % 8 || at > sizeof(*region) - sizeof(*cap))
			return false;
		cap = (const void *)(region->room + at);
		if (cap->id == VFIO_REGION_INFO_CAP_SPARSE_MMAP)
			return false;
	}
	return !at;
}

static int read_config(const struct vfio_gpu *vfio, u32 off, void *buf, size_t len)
{
	const struct nvbar_pci_head nothing = { ~0u, 0xffff, 0xffff };

	if (pread(vfio->device, buf, len, (off_t)(vfio->config + off)) == (ssize_t)len)
		return 0;
	return nvbar_pci_refuse_gone(log_of(vfio), &nothing);
}

/* The kernel resets it when it is opened: not every GPU comes back from that. */
static int find_config(struct vfio_gpu *vfio)
{
	union region region;
	int ret;

	ret = get_region(vfio, VFIO_PCI_CONFIG_REGION_INDEX, &region);
	if (ret)
		return ret;
	vfio->config = region.info.offset;
	ret = read_config(vfio, 0, &vfio->head, sizeof(vfio->head));
	if (ret || nvbar_pci_answers(&vfio->head))
		return ret;
	return nvbar_pci_refuse_gone(log_of(vfio), &vfio->head);
}

static int find_bars(struct vfio_gpu *vfio, struct nvbar_bar_roles *roles)
{
	struct nvbar_pci_bar bar[PCI_NR_BARS] = { 0 };
	union region region;
	u32 i;
	int ret;

	for (i = 0; i < PCI_NR_BARS; i++) {
		ret = get_region(vfio, i, &region);
		if (!ret)
			ret = read_config(vfio, PCI_BAR(i), &bar[i].bits, sizeof(bar[i].bits));
		if (ret)
			return ret;
		bar[i].size = region.info.size;
		if (bar[i].size && !is_power_of_2(bar[i].size)) {
			nvbar_log(log_of(vfio), 0, "BAR %u has 0x%llx bytes, as no BAR has", i,
				  bar[i].size);
			return -EIO;
		}
	}
	nvbar_bar_find_roles(bar, roles);
	return 0;
}

static int use_region(struct vfio_gpu *vfio, int index, struct nvbar_bar *bar)
{
	union region region;
	int ret;

	ret = get_region(vfio, index, &region);
	if (ret)
		return ret;
	bar->fd = vfio->device;
	bar->off = region.info.offset;
	bar->size = region.info.size;
	return can_map(&region) ? 1 : 0;
}

/* The kernel claims a BAR for VFIO when it is first mapped. */
static int cant_map(const struct vfio_gpu *vfio, const char *bar, int err)
{
	char what[32];

	if (err == -EBUSY)
		return nvbar_pci_refuse_claimed(log_of(vfio), bar);
	snprintf(what, sizeof(what), "map %s", bar);
	return failed(vfio, what, -err);
}

static int map_regs(struct vfio_gpu *vfio, int index)
{
	struct nvbar_bar *regs = &vfio->bars.regs;
	int ret;

	if (index < 0)
		return nvbar_pci_refuse_unplaced(log_of(vfio), "BAR0");
	ret = use_region(vfio, index, regs);
	if (ret < 0)
		return ret;
	if (regs->size < NVBAR_REGS_SIZE)
		return nvbar_pci_refuse_small(log_of(vfio), regs->size);
	regs->size = NVBAR_REGS_SIZE;
	if (ret)
		ret = nvbar_bars_map(&vfio->bars, regs, !vfio->observe);
	return ret ? cant_map(vfio, "BAR0", ret) : 0;
}

/* Mappings of VFIO's are uncached. */
static int map_bar1(struct vfio_gpu *vfio, int index)
{
	struct nvbar_bar *bar1 = &vfio->bars.bar1;
	int ret;

	if (index < 0)
		return 0;
	ret = use_region(vfio, index, bar1);
	if (ret < 0)
		return ret;
	if (ret && !vfio->observe) {
		ret = nvbar_bars_map(&vfio->bars, bar1, true);
		if (ret)
			return cant_map(vfio, "BAR1", ret);
	}
	nvbar_bars_use_bar1(&vfio->bars, NVBAR_MEM_UNCACHED);
	return 0;
}

/* --- opening and closing --------------------------------------------------- */

static int write_command(const struct vfio_gpu *vfio, u16 command)
{
	return pwrite(vfio->device, &command, sizeof(command),
		      (off_t)(vfio->config + PCI_COMMAND)) == sizeof(command) ? 0 : -EIO;
}

static int enable(struct vfio_gpu *vfio)
{
	int ret;

	if (vfio->head.command & PCI_COMMAND_MEMORY)
		return 0;
	if (vfio->observe)
		return nvbar_pci_refuse_off(log_of(vfio), "what drives the GPU switches them on");
	ret = write_command(vfio, vfio->head.command | PCI_COMMAND_MEMORY);
	if (ret)
		return failed(vfio, "switch on its BARs", -ret);
	vfio->enabled = true;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void vfio_close(struct nvbar_backend *backend)
{
	struct vfio_gpu *vfio = (struct vfio_gpu *)backend;

	nvbar_bars_fini(&vfio->bars);
	if (vfio->enabled)
		write_command(vfio, vfio->head.command);
	close_fd(vfio->device);
	close_fd(vfio->group);
	close_fd(vfio->container);
	kfree(vfio);
}

static int open_all(struct vfio_gpu *vfio, const char *address, bool reset)
{
	struct nvbar_bar_roles roles = { -1, -1, -1 };
	int ret;

	ret = find(vfio, address);
	if (!ret)
		ret = open_group(vfio);
	if (!ret)
		ret = open_container(vfio);
	if (!ret)
		ret = open_device(vfio, reset);
	if (!ret)
		ret = find_config(vfio);
	if (!ret)
		ret = find_bars(vfio, &roles);
	if (!ret)
		ret = enable(vfio);
	if (!ret)
		ret = map_regs(vfio, roles.regs);
	if (!ret)
		ret = map_bar1(vfio, roles.bar1);
	return ret;
}

/* "ADDRESS" or "ADDRESS,reset" */
static int parse(const char *args, char address[NVBAR_PCI_ADDRESS_MAX], bool *reset)
{
	size_t len = strcspn(args, ",");
	char name[NVBAR_PCI_ADDRESS_MAX];

	*reset = !strcmp(args + len, ",reset");
	if (len >= sizeof(name) || (args[len] && !*reset))
		return -EINVAL;
	memcpy(name, args, len);
	name[len] = '\0';
	return nvbar_pci_address_parse(name, address);
}

int nvbar_backend_vfio_open(const char *args, bool observe, struct nvbar_log *log,
			    struct nvbar_backend **backend)
{
	char address[NVBAR_PCI_ADDRESS_MAX];
	struct vfio_gpu *vfio;
	bool reset;
	int ret;

	if (parse(args, address, &reset)) {
		nvbar_log(log, 0, "not the address of a PCI device, as 0000:01:00.0 is, alone or with "
			  "\",reset\"");
		return -EINVAL;
	}
	snprintf(log->device, sizeof(log->device), "vfio:%s", address);
	if (reset && observe) {
		nvbar_log(log, 0, "observing must not reset it");
		return -EACCES;
	}
	vfio = kzalloc(sizeof(*vfio), GFP_KERNEL);
	if (!vfio)
		return -ENOMEM;
	nvbar_bars_init(&vfio->bars, log);
	vfio->bars.base.close = vfio_close;
	vfio->container = -1;
	vfio->group = -1;
	vfio->device = -1;
	vfio->observe = observe;
	ret = open_all(vfio, address, reset);
	if (ret) {
		vfio_close(&vfio->bars.base);
		return ret;
	}
	*backend = &vfio->bars.base;
	return 0;
}
