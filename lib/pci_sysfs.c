// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/kernel.h>
#include <linux/log2.h>

#include "pci_sysfs.h"

/* Flags in the file "resource" [Linux, include/linux/ioport.h] */
#define RESOURCE_IO		0x00000100
#define RESOURCE_MEM		0x00000200
#define RESOURCE_PREFETCH	0x00002000
#define RESOURCE_MEM_64		0x00100000
#define RESOURCE_UNSET		0x20000000

bool nvbar_pci_is_gpu(const struct nvbar_pci_device *dev)
{
	return nvbar_pci_is_nvidia(dev) &&
	       (dev->class_code >> 8 == PCI_CLASS_VGA >> 8 ||
		dev->class_code >> 8 == PCI_CLASS_3D >> 8);
}

/* vfio-pci, or one of those made for certain devices */
bool nvbar_pci_is_vfio(const struct nvbar_pci_device *dev)
{
	return strstr(dev->driver, "vfio");
}

const char *nvbar_sysfs_root(void)
{
	const char *root = secure_getenv("NVBAR_SYSFS");

	return root && *root ? root : "/sys";
}

int nvbar_sysfs_open(const char *address)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", nvbar_sysfs_root(), address) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* --- files ----------------------------------------------------------------- */

static int read_fd(int fd, char *buf, size_t len)
{
	size_t used = 0;
	ssize_t got;

	do {
		got = read(fd, buf + used, len - used);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0)
			used += (size_t)got;
		if (used == len)
			return -EIO;
	} while (got);
	if (used && buf[used - 1] == '\n')
		used--;
	buf[used] = '\0';
	return strlen(buf) == used ? 0 : -EIO;
}

int nvbar_sysfs_read(int dir, const char *name, char *buf, size_t len)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int ret;

	if (fd < 0)
		return -errno;
	ret = read_fd(fd, buf, len);
	close(fd);
	return ret;
}

int nvbar_sysfs_write(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK);
	size_t len = strlen(text);
	ssize_t sent;
	int ret = 0;

	if (fd < 0)
		return -errno;
	sent = write(fd, text, len);
	if (sent != (ssize_t)len)
		ret = sent < 0 ? -errno : -EIO;
	close(fd);
	return ret;
}

int nvbar_sysfs_link(int dir, const char *name, char *buf, size_t len)
{
	char target[PATH_MAX], *last;
	ssize_t used = readlinkat(dir, name, target, sizeof(target) - 1);

	if (used < 0)
		return -errno;
	target[used] = '\0';
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	if (!*last || strlen(last) >= len)
		return -EIO;
	memcpy(buf, last, strlen(last) + 1);
	return 0;
}

/* A file that must be there. */
static int read_text(int dir, const char *name, char *buf, size_t len, const struct nvbar_log *log)
{
	int ret = nvbar_sysfs_read(dir, name, buf, len);

	if (ret)
		nvbar_log(log, 0, "%s in sysfs: %s", name, strerror(-ret));
	return ret;
}

static int no_sense(const char *name, const struct nvbar_log *log)
{
	nvbar_log(log, 0, "%s in sysfs makes no sense", name);
	return -EIO;
}

/* --- the lock -------------------------------------------------------------- */

/* The process that has the lock on a file; 0 if that can't be found out. */
static int find_owner(int fd)
{
	char line[256], file[64], *at;
	long pid, owner = 0;
	struct stat st;
	FILE *locks;

	locks = fstat(fd, &st) ? NULL : fopen("/proc/locks", "re");
	if (!locks)
		return 0;
	/* "1: FLOCK  ADVISORY  WRITE 1234 00:15:5678 0 EOF" */
	snprintf(file, sizeof(file), " %02x:%02x:%llu ", major(st.st_dev), minor(st.st_dev),
		 (unsigned long long)st.st_ino);
	while (!owner && fgets(line, sizeof(line), locks)) {
		at = strstr(line, " WRITE ");
		if (!at || !strstr(line, " FLOCK "))
			continue;
		pid = strtol(at + strlen(" WRITE "), &at, 10);
		if (!strncmp(at, file, strlen(file)))
			owner = pid;
	}
	fclose(locks);
	return (int)owner;
}

int nvbar_sysfs_lock(int dir, const struct nvbar_log *log)
{
	int fd = openat(dir, "config", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int ret, owner;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB)) {
		ret = -errno;
		owner = fd >= 0 && ret == -EWOULDBLOCK ? find_owner(fd) : 0;
		if (owner)
			nvbar_log(log, 0, "in use by process %d", owner);
		else if (ret == -EWOULDBLOCK)
			nvbar_log(log, 0, "in use by another process");
		else
			nvbar_log(log, 0, "config in sysfs: %s", strerror(-ret));
		if (fd >= 0)
			close(fd);
		return ret == -EWOULDBLOCK ? -EBUSY : ret;
	}
	return fd;
}

/* --- numbers --------------------------------------------------------------- */

/* "0x" and up to 16 digits at *@at, which moves on. */
static bool take_hex(const char **at, u64 *val)
{
	const char *digits = *at + 2;
	size_t nr;
	char *end;

	if ((*at)[0] != '0' || (*at)[1] != 'x')
		return false;
	nr = strspn(digits, "0123456789abcdefABCDEF");
	if (!nr || nr > 16)
		return false;
	*val = strtoull(digits, &end, 16);
	*at = end;
	return true;
}

static int read_number(int dir, const char *name, u64 max, u64 *val, const struct nvbar_log *log)
{
	char text[64];
	const char *at = text;
	int ret = read_text(dir, name, text, sizeof(text), log);

	if (ret)
		return ret;
	return take_hex(&at, val) && !*at && *val <= max ? 0 : no_sense(name, log);
}

/* "0x<first> 0x<last> 0x<flags>" */
static bool take_bar(const char **at, struct nvbar_pci_bar *bar)
{
	u64 first, last, flags;

	if (!take_hex(at, &first) || *(*at)++ != ' ' || !take_hex(at, &last) ||
	    *(*at)++ != ' ' || !take_hex(at, &flags))
		return false;
	if (**at == '\n')
		(*at)++;
	else if (**at)
		return false;

	*bar = (struct nvbar_pci_bar){ 0 };
	if (!(flags & (RESOURCE_IO | RESOURCE_MEM)) || (!first && !last))
		return true;
	if (last < first || last - first == U64_MAX || !is_power_of_2(last - first + 1))
		return false;
	bar->size = last - first + 1;
	bar->start = flags & RESOURCE_UNSET ? 0 : first;
	bar->bits = (flags & RESOURCE_IO ? PCI_BAR_IO : 0) |
		    (flags & RESOURCE_MEM_64 ? PCI_BAR_64 : 0) |
		    (flags & RESOURCE_PREFETCH ? PCI_BAR_PREFETCHABLE : 0);
	return true;
}

static int read_bars(int dir, struct nvbar_pci_device *dev, const struct nvbar_log *log)
{
	char text[4096];
	const char *at = text;
	int i, ret;

	ret = read_text(dir, "resource", text, sizeof(text), log);
	if (ret)
		return ret;
	for (i = 0; i < PCI_NR_BARS; i++)
		if (!take_bar(&at, &dev->bar[i]))
			return no_sense("resource", log);
	nvbar_bar_find_roles(dev->bar, &dev->roles);
	return 0;
}

/* The file has bit c set for 1 MiB << c, in hexadecimal without a prefix. */
static int read_bar1_sizes(int dir, struct nvbar_pci_device *dev, const struct nvbar_log *log)
{
	char name[32], text[64];
	u64 codes;
	size_t nr;
	int ret;

	dev->bar1_sizes = 0;
	if (dev->roles.bar1 < 0)
		return 0;
	snprintf(name, sizeof(name), "resource%d_resize", dev->roles.bar1);
	ret = nvbar_sysfs_read(dir, name, text, sizeof(text));
	if (ret == -ENOENT)
		return 0;
	if (ret) {
		nvbar_log(log, 0, "%s in sysfs: %s", name, strerror(-ret));
		return ret;
	}
	nr = strspn(text, "0123456789abcdefABCDEF");
	codes = strtoull(text, NULL, 16);
	if (!nr || nr > 16 || text[nr] || codes >> (64 - 20))
		return no_sense(name, log);
	dev->bar1_sizes = codes << 20;
	return 0;
}

/* --- state ----------------------------------------------------------------- */

static void read_power(int dir, struct nvbar_pci_device *dev)
{
	char status[32];

	if (nvbar_sysfs_read(dir, "power_state", dev->power, sizeof(dev->power)))
		dev->power[0] = '\0';
	dev->asleep = dev->power[0] == 'D' && dev->power[1] != '0';
	if (!nvbar_sysfs_read(dir, "power/runtime_status", status, sizeof(status)) &&
	    !strcmp(status, "suspended"))
		dev->asleep = true;
}

static int read_command(int dir, struct nvbar_pci_device *dev, const struct nvbar_log *log)
{
	int fd, ret = 0;

	dev->command = 0;
	if (dev->asleep)
		return 0;
	fd = openat(dir, "config", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || pread(fd, &dev->command, sizeof(dev->command), PCI_COMMAND) !=
			      sizeof(dev->command)) {
		ret = fd < 0 ? -errno : -EIO;
		nvbar_log(log, 0, "config in sysfs: %s", strerror(-ret));
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

static int read_links(int dir, struct nvbar_pci_device *dev, const struct nvbar_log *log)
{
	char group[16] = "", *end;
	int ret;

	ret = nvbar_sysfs_link(dir, "driver", dev->driver, sizeof(dev->driver));
	if (ret == -ENOENT)
		dev->driver[0] = '\0';
	else if (ret)
		return no_sense("driver", log);

	ret = nvbar_sysfs_link(dir, "iommu_group", group, sizeof(group));
	dev->iommu_group = -1;
	if (ret == -ENOENT)
		return 0;
	if (ret || group[0] < '0' || group[0] > '9' || strlen(group) > 9)
		return no_sense("iommu_group", log);
	dev->iommu_group = (int)strtol(group, &end, 10);
	return *end ? no_sense("iommu_group", log) : 0;
}

int nvbar_sysfs_read_ids(int dir, const char *address, struct nvbar_pci_device *dev,
			 const struct nvbar_log *log)
{
	u64 vendor, device, class_code;
	int ret;

	*dev = (struct nvbar_pci_device){ .iommu_group = -1, .roles = { -1, -1, -1 } };
	snprintf(dev->address, sizeof(dev->address), "%s", address);
	ret = read_number(dir, "vendor", 0xffff, &vendor, log);
	if (!ret)
		ret = read_number(dir, "device", 0xffff, &device, log);
	if (!ret)
		ret = read_number(dir, "class", 0xffffff, &class_code, log);
	if (ret)
		return ret;
	dev->vendor = vendor;
	dev->device = device;
	dev->class_code = class_code;
	return 0;
}

int nvbar_sysfs_find(const char *address, struct nvbar_pci_device *dev,
		     const struct nvbar_log *log)
{
	int dir = nvbar_sysfs_open(address);
	int ret;

	if (dir < 0) {
		nvbar_log(log, 0, "%s", dir == -ENOENT ? "this machine has no such PCI device" :
							 strerror(-dir));
		return dir;
	}
	ret = nvbar_sysfs_read_ids(dir, address, dev, log);
	if (!ret)
		return dir;
	close(dir);
	return ret;
}

int nvbar_sysfs_find_gpu(const char *address, struct nvbar_pci_device *dev,
			 const struct nvbar_log *log)
{
	int dir = nvbar_sysfs_find(address, dev, log);

	if (dir < 0 || nvbar_pci_is_gpu(dev))
		return dir;
	nvbar_log(log, 0, "PCI device %04x:%04x of class %06x is no GPU of NVIDIA's", dev->vendor,
		  dev->device, dev->class_code);
	close(dir);
	return -EOPNOTSUPP;
}

int nvbar_sysfs_read_device(int dir, const char *address, struct nvbar_pci_device *dev,
			    const struct nvbar_log *log)
{
	int ret;

	ret = nvbar_sysfs_read_ids(dir, address, dev, log);
	if (!ret)
		ret = read_bars(dir, dev, log);
	if (!ret)
		ret = read_bar1_sizes(dir, dev, log);
	if (!ret)
		ret = read_links(dir, dev, log);
	if (ret)
		return ret;
	read_power(dir, dev);
	return read_command(dir, dev, log);
}

/* --- all of them ----------------------------------------------------------- */

/* Addresses in their order as text; domains may be longer than four digits. */
static int compare(const struct dirent **a, const struct dirent **b)
{
	size_t left = strlen((*a)->d_name), right = strlen((*b)->d_name);

	if (left != right)
		return left < right ? -1 : 1;
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_address(const struct dirent *entry)
{
	char address[NVBAR_PCI_ADDRESS_MAX];

	return !nvbar_pci_address_parse(entry->d_name, address) &&
	       !strcmp(entry->d_name, address);
}

/* Return: 1 for a GPU that is there, 0 for none, or as nvbar_sysfs_read_device(). */
static int read_gpu(const char *address, struct nvbar_pci_device *dev, const struct nvbar_log *log)
{
	int dir = nvbar_sysfs_open(address);
	struct nvbar_log named = *log;
	int ret;

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	snprintf(named.device, sizeof(named.device), "%.*s", NVBAR_PCI_ADDRESS_MAX, address);
	ret = nvbar_sysfs_read_ids(dir, address, dev, &named);
	if (!ret && nvbar_pci_is_gpu(dev)) {
		ret = nvbar_sysfs_read_device(dir, address, dev, &named);
		if (!ret)
			ret = 1;
	}
	close(dir);
	return ret == -ENOENT || ret == -ENODEV ? 0 : ret;
}

int nvbar_sysfs_for_each_gpu(int (*fn)(const struct nvbar_pci_device *dev, void *arg), void *arg,
			     const struct nvbar_log *log)
{
	struct nvbar_pci_device dev;
	struct dirent **entry;
	char path[PATH_MAX];
	int i, nr, ret = 0;

	if (snprintf(path, sizeof(path), "%s/bus/pci/devices", nvbar_sysfs_root()) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	nr = scandir(path, &entry, is_address, compare);
	/* Without PCI there is no such directory. */
	if (nr < 0)
		return errno == ENOENT ? 0 : -errno;
	for (i = 0; i < nr && !ret; i++) {
		ret = read_gpu(entry[i]->d_name, &dev, log);
		if (ret == 1)
			ret = fn(&dev, arg);
	}
	for (i = 0; i < nr; i++)
		free(entry[i]);
	free(entry);
	return ret;
}
