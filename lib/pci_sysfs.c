// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
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

#define NVBAR_BAR_FILE_MAX	16	/* bytes of "resource0" and its like */

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

int nvbar_sysfs_refused(const char *name, int err, const struct nvbar_log *log)
{
	nvbar_log(log, 0, "the kernel refuses to write %s: %s", name, strerror(-err));
	return err == -EPERM ? -EACCES : err;
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

/* What is not as it should be: kept with the device, and told.  Return: @err. */
__printf(4, 5) static int odd(struct nvbar_pci_device *dev, const struct nvbar_log *log, int err,
			      const char *fmt, ...)
{
	char text[NVBAR_PROBLEM_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	nvbar_log(log, 0, "%s", text);
	if (!dev->problem[0])
		memcpy(dev->problem, text, sizeof(text));
	return err;
}

static int no_sense(struct nvbar_pci_device *dev, const char *name, const struct nvbar_log *log)
{
	return odd(dev, log, -EIO, "%s in sysfs makes no sense", name);
}

static int unreadable(struct nvbar_pci_device *dev, const char *name, int err,
		      const struct nvbar_log *log)
{
	return odd(dev, log, err, "%s in sysfs: %s", name, strerror(-err));
}

/* A file that must be there. */
static int read_text(int dir, const char *name, char *buf, size_t len,
		     struct nvbar_pci_device *dev, const struct nvbar_log *log)
{
	int ret = nvbar_sysfs_read(dir, name, buf, len);

	return ret ? unreadable(dev, name, ret, log) : 0;
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
	(void)fclose(locks);
	return (int)owner;
}

/* The mark is a lock of another kind on the same file, which needs the right to write. */
static struct flock mark(void)
{
	return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
}

void nvbar_sysfs_mark_unbind(int lock)
{
	struct flock unbinding = mark();

	(void)fcntl(lock, F_OFD_SETLK, &unbinding);	/* it is for a message alone */
}

static bool is_marked(int fd)
{
	struct flock unbinding = mark();

	return !fcntl(fd, F_OFD_GETLK, &unbinding) && unbinding.l_type != F_UNLCK;
}

static int refuse_locked(int dir, int fd, const struct nvbar_log *log)
{
	char driver[NVBAR_DRIVER_MAX];
	int owner = find_owner(fd);

	if (is_marked(fd) && !nvbar_sysfs_link(dir, "driver", driver, sizeof(driver)))
		nvbar_log(log, 0, "an unbind is waiting for driver %s to let go of it", driver);
	else if (owner)
		nvbar_log(log, 0, "in use by process %d", owner);
	else
		nvbar_log(log, 0, "in use by another process");
	return -EBUSY;
}

/* The first of its BARs that has a file */
static int open_bar(int dir, char name[NVBAR_BAR_FILE_MAX])
{
	int i, fd = -1;

	for (i = 0; i < PCI_NR_BARS && fd < 0; i++) {
		snprintf(name, NVBAR_BAR_FILE_MAX, "resource%d", i);
		fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0 && errno != ENOENT)
			break;
	}
	return fd < 0 ? -errno : fd;
}

int nvbar_sysfs_lock(int dir, const struct nvbar_log *log)
{
	char name[NVBAR_BAR_FILE_MAX];
	int ret, fd = open_bar(dir, name);

	if (fd < 0) {
		if (fd != -ENOENT)
			nvbar_log(log, 0, "%s in sysfs: %s", name, strerror(-fd));
		return fd;
	}
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	ret = -errno;
	if (ret == -EWOULDBLOCK)
		ret = refuse_locked(dir, fd, log);
	else
		nvbar_log(log, 0, "%s in sysfs: %s", name, strerror(-ret));
	close(fd);
	return ret;
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

static int read_number(int dir, const char *name, u64 max, u64 *val, struct nvbar_pci_device *dev,
		       const struct nvbar_log *log)
{
	char text[64];
	const char *at = text;
	int ret = read_text(dir, name, text, sizeof(text), dev, log);

	if (ret)
		return ret;
	return take_hex(&at, val) && !*at && *val <= max ? 0 : no_sense(dev, name, log);
}

/**
 * struct resource - a line of the file "resource"
 * @first: address
 * @last: address
 * @flags: RESOURCE_*
 */
struct resource {
	u64 first, last, flags;
};

/* "0x<first> 0x<last> 0x<flags>" */
static bool take_resource(const char **at, struct resource *res)
{
	if (!take_hex(at, &res->first) || *(*at)++ != ' ' || !take_hex(at, &res->last) ||
	    *(*at)++ != ' ' || !take_hex(at, &res->flags))
		return false;
	if (**at == '\n')
		(*at)++;
	else if (**at)
		return false;
	return true;
}

/* Return: false if no BAR is like that. */
static bool take_bar(const struct resource *res, struct nvbar_pci_bar *bar)
{
	u64 len = res->last - res->first + 1;

	if (!(res->flags & (RESOURCE_IO | RESOURCE_MEM)) || (!res->first && !res->last))
		return true;
	if (res->last < res->first || !is_power_of_2(len))
		return false;
	bar->size = len;
	bar->start = res->flags & RESOURCE_UNSET ? 0 : res->first;
	bar->bits = (res->flags & RESOURCE_IO ? PCI_BAR_IO : 0) |
		    (res->flags & RESOURCE_MEM_64 ? PCI_BAR_64 : 0) |
		    (res->flags & RESOURCE_PREFETCH ? PCI_BAR_PREFETCHABLE : 0);
	return true;
}

/* The others have their numbers and sizes whatever one is like. */
static int read_bars(int dir, struct nvbar_pci_device *dev, const struct nvbar_log *log)
{
	char text[4096];
	const char *at = text;
	struct resource res;
	int i, ret;

	ret = read_text(dir, "resource", text, sizeof(text), dev, log);
	if (ret)
		return ret;
	for (i = 0; i < PCI_NR_BARS; i++) {
		if (!take_resource(&at, &res))
			return no_sense(dev, "resource", log);
		if (!take_bar(&res, &dev->bar[i]) && !ret)
			ret = odd(dev, log, -EIO, "BAR %d from 0x%llx to 0x%llx makes no sense", i,
				  res.first, res.last);
	}
	nvbar_bar_find_roles(dev->bar, &dev->roles);
	return ret;
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
	if (ret)
		return unreadable(dev, name, ret, log);
	nr = strspn(text, "0123456789abcdefABCDEF");
	codes = strtoull(text, NULL, 16);
	if (!nr || nr > 16 || text[nr] || codes >> (64 - 20))
		return no_sense(dev, name, log);
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

static int read_head(int dir, struct nvbar_pci_device *dev, const struct nvbar_log *log)
{
	int fd, ret = 0;

	if (dev->asleep)
		return 0;
	fd = openat(dir, "config", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		ret = unreadable(dev, "config", -errno, log);
	else if (pread(fd, &dev->head, sizeof(dev->head), 0) != sizeof(dev->head))
		ret = unreadable(dev, "config", -EIO, log);
	else
		dev->gone = !nvbar_pci_answers(&dev->head);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int read_driver(int dir, struct nvbar_pci_device *dev, const struct nvbar_log *log)
{
	int ret = nvbar_sysfs_link(dir, "driver", dev->driver, sizeof(dev->driver));

	if (!ret)
		return 0;
	dev->driver[0] = '\0';
	return ret == -ENOENT ? 0 : no_sense(dev, "driver", log);
}

static int read_group(int dir, struct nvbar_pci_device *dev, const struct nvbar_log *log)
{
	char group[16] = "";
	size_t digits;
	int ret;

	ret = nvbar_sysfs_link(dir, "iommu_group", group, sizeof(group));
	if (ret == -ENOENT)
		return 0;
	digits = strspn(group, "0123456789");
	if (ret || !digits || digits > 9 || group[digits])
		return no_sense(dev, "iommu_group", log);
	dev->iommu_group = (int)strtol(group, NULL, 10);
	return 0;
}

static int read_physfn(int dir, struct nvbar_pci_device *dev, const struct nvbar_log *log)
{
	char name[NVBAR_PCI_ADDRESS_MAX];
	int ret = nvbar_sysfs_link(dir, "physfn", name, sizeof(name));

	if (ret == -ENOENT)
		return 0;
	return ret || nvbar_pci_address_parse(name, dev->physfn) ? no_sense(dev, "physfn", log) : 0;
}

/* Virtual functions that there are now */
static int read_nr_virtual(int dir, struct nvbar_pci_device *dev, const struct nvbar_log *log)
{
	static const char name[] = "sriov_numvfs";
	char text[16];
	size_t digits;
	int ret;

	ret = nvbar_sysfs_read(dir, name, text, sizeof(text));
	if (ret == -ENOENT)
		return 0;
	digits = ret ? 0 : strspn(text, "0123456789");
	if (!digits || digits > 5 || text[digits])
		return no_sense(dev, name, log);
	dev->nr_virtual = strtoul(text, NULL, 10);
	return 0;
}

/* What is known of a device before anything was read */
static void name_only(struct nvbar_pci_device *dev, const char *address)
{
	*dev = (struct nvbar_pci_device){ .iommu_group = -1, .roles = { -1, -1, -1 } };
	snprintf(dev->address, sizeof(dev->address), "%.*s", NVBAR_PCI_ADDRESS_MAX - 1, address);
}

int nvbar_sysfs_read_ids(int dir, const char *address, struct nvbar_pci_device *dev,
			 const struct nvbar_log *log)
{
	u64 vendor = 0, device = 0, class_code = 0;
	int ret;

	name_only(dev, address);
	ret = read_number(dir, "vendor", 0xffff, &vendor, dev, log);
	if (ret)
		return ret;
	dev->vendor = vendor;
	ret = read_number(dir, "device", 0xffff, &device, dev, log);
	if (!ret)
		ret = read_number(dir, "class", 0xffffff, &class_code, dev, log);
	if (ret)
		return ret;
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
	int ret;

	if (dir < 0)
		return dir;
	ret = read_physfn(dir, dev, log);
	if (!ret && !nvbar_pci_is_gpu(dev)) {
		nvbar_log(log, 0, "PCI device %04x:%04x of class %06x is no GPU of NVIDIA's",
			  dev->vendor, dev->device, dev->class_code);
		ret = -EOPNOTSUPP;
	} else if (!ret && dev->physfn[0]) {
		nvbar_log(log, 0, "it is a virtual function of %s, and has no registers to bind BAR1 by",
			  dev->physfn);
		ret = -EOPNOTSUPP;
	}
	if (!ret)
		return dir;
	close(dir);
	return ret;
}

int nvbar_sysfs_read_device(int dir, const char *address, struct nvbar_pci_device *dev,
			    const struct nvbar_log *log)
{
	static int (*const parts[])(int, struct nvbar_pci_device *, const struct nvbar_log *) = {
		read_bars, read_bar1_sizes, read_driver, read_group, read_physfn, read_nr_virtual,
		read_head,
	};
	const struct nvbar_log silent = { 0 };
	size_t i;
	int ret, err;

	ret = nvbar_sysfs_read_ids(dir, address, dev, log);
	if (ret)
		return ret;
	read_power(dir, dev);
	/* The first that is odd is told. */
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		err = parts[i](dir, dev, ret ? &silent : log);
		if (!ret)
			ret = err;
	}
	return ret;
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

/* Is there still such a device? */
static bool is_there(const char *address)
{
	int dir = nvbar_sysfs_open(address);

	if (dir >= 0)
		close(dir);
	return dir != -ENOENT;
}

/* Return: is it a GPU, or may it be one? */
static bool read_gpu(const char *address, struct nvbar_pci_device *dev)
{
	const struct nvbar_log silent = { 0 };
	int dir = nvbar_sysfs_open(address);
	int ret = dir < 0 ? dir : nvbar_sysfs_read_ids(dir, address, dev, &silent);

	if (dir == -ENOENT)
		return false;
	if (dir < 0) {
		name_only(dev, address);
		unreadable(dev, "its directory", dir, &silent);
		return true;
	}
	if (!ret && nvbar_pci_is_gpu(dev))
		ret = nvbar_sysfs_read_device(dir, address, dev, &silent);
	close(dir);
	if (!ret)
		return nvbar_pci_is_gpu(dev);
	return (!dev->vendor || nvbar_pci_is_nvidia(dev)) && is_there(address);
}

int nvbar_sysfs_for_each_gpu(int (*fn)(const struct nvbar_pci_device *dev, void *arg), void *arg)
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
	for (i = 0; i < nr && !ret; i++)
		if (read_gpu(entry[i]->d_name, &dev))
			ret = fn(&dev, arg);
	for (i = 0; i < nr; i++)
		free(entry[i]);
	free(entry);
	return ret;
}
