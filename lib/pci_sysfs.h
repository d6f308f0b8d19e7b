/* SPDX-License-Identifier: MIT */
/*
 * PCI devices as Linux shows them in sysfs.
 *
 * What the files say is believed only as far as it makes sense: a container or
 * a test may have put anything there.  $NVBAR_SYSFS is the root of another tree
 * than /sys, for tests.
 */
#ifndef NVBAR_LIB_PCI_SYSFS_H
#define NVBAR_LIB_PCI_SYSFS_H

#include "backend.h"
#include "pci.h"

#define NVBAR_DRIVER_MAX	64	/* bytes of a driver's name, its NUL included */
#define NVBAR_PROBLEM_MAX	128	/* bytes of what is odd of a device, likewise */

/**
 * struct nvbar_pci_device - what sysfs says of a device
 * @address: "0000:01:00.0"
 * @vendor: PCI id
 * @device: PCI id
 * @class_code: 24 bits
 * @bar: the six
 * @roles: what they are for
 * @bar1_sizes: bit n set: BAR1 can have 1 << n bytes; 0 where it can't be resized
 * @driver: that is bound, or empty
 * @iommu_group: its number, -1 where there is no IOMMU
 * @power: "D0", "D3hot", ..., or empty where the kernel does not say
 * @asleep: it does not answer on the bus
 * @head: of its configuration space; 0 while it is asleep, as reading it would wake it up
 * @gone: it does not answer
 * @physfn: address of the device that this is a virtual function of, or empty
 * @nr_virtual: virtual functions that it has
 * @problem: what of it makes no sense or can't be read, or empty: the first such thing
 */
struct nvbar_pci_device {
	char address[NVBAR_PCI_ADDRESS_MAX];
	u16 vendor;
	u16 device;
	u32 class_code;
	struct nvbar_pci_bar bar[PCI_NR_BARS];
	struct nvbar_bar_roles roles;
	u64 bar1_sizes;
	char driver[NVBAR_DRIVER_MAX];
	int iommu_group;
	char power[16];
	bool asleep;
	struct nvbar_pci_head head;
	bool gone;
	char physfn[NVBAR_PCI_ADDRESS_MAX];
	u32 nr_virtual;
	char problem[NVBAR_PROBLEM_MAX];
};

/** nvbar_pci_is_nvidia - a device of NVIDIA's, which may be the sound of a GPU */
static inline bool nvbar_pci_is_nvidia(const struct nvbar_pci_device *dev)
{
	return dev->vendor == PCI_VENDOR_NVIDIA;
}

/** nvbar_pci_is_gpu - a GPU of NVIDIA's */
bool nvbar_pci_is_gpu(const struct nvbar_pci_device *dev);

/** nvbar_pci_is_vfio - a driver of VFIO's is bound to it */
bool nvbar_pci_is_vfio(const struct nvbar_pci_device *dev);

/** nvbar_sysfs_root - "/sys", or what a test says */
const char *nvbar_sysfs_root(void);

/**
 * nvbar_sysfs_open - find a device
 * @address: as nvbar_pci_address_parse() gives it
 *
 * Return: a descriptor of its directory, -ENOENT (no such device), -EACCES,
 * -EMFILE, ...
 */
int nvbar_sysfs_open(const char *address);

/**
 * nvbar_sysfs_read - read an attribute of a device
 * @dir: its directory
 * @name: of the file
 * @buf: receives the text, without a newline at its end
 * @len: bytes at @buf
 *
 * Return: 0, -EIO (no text, or it is too long), or the errno of the file.
 */
int nvbar_sysfs_read(int dir, const char *name, char *buf, size_t len);

/** nvbar_sysfs_write - write an attribute of a device.  Return: 0 or -errno */
int nvbar_sysfs_write(int dir, const char *name, const char *text);

/** nvbar_sysfs_refused - say that a write failed.  Return: @err, by this library's meanings */
int nvbar_sysfs_refused(const char *name, int err, const struct nvbar_log *log);

/**
 * nvbar_sysfs_link - where a link leads: the last part of its target
 * @dir: directory
 * @name: of the link
 * @buf: receives the name
 * @len: bytes at @buf
 *
 * Return: 0, -ENOENT, -EIO (too long).
 */
int nvbar_sysfs_link(int dir, const char *name, char *buf, size_t len);

/**
 * nvbar_sysfs_lock - keep other processes with nvbar from a device
 * @dir: its directory
 * @log: where to explain a failure
 *
 * It is on the file of a BAR, which only its owner may open: whoever may read a file
 * may lock it.  The lock ends with the process.
 *
 * Return: a descriptor that holds the lock; -ENOENT (it has no BAR with an address, so
 * nobody can have it open), -EBUSY (another process has it, or this one already), or
 * the errno of the file; but for -ENOENT with a line that says why.
 */
int nvbar_sysfs_lock(int dir, const struct nvbar_log *log);

/**
 * nvbar_sysfs_mark_unbind - have whoever wants the lock hear that an unbind is waiting
 * @lock: the lock; the mark ends with it
 */
void nvbar_sysfs_mark_unbind(int lock);

/**
 * nvbar_sysfs_read_ids - read who a device is: address, ids and class
 * @dir: its directory
 * @address: its address
 * @dev: receives them, and nothing else
 * @log: where to explain a failure
 *
 * Return: 0, -EIO (a file makes no sense), or the errno of a file.
 */
int nvbar_sysfs_read_ids(int dir, const char *address, struct nvbar_pci_device *dev,
			 const struct nvbar_log *log);

/**
 * nvbar_sysfs_find - find a device and read who it is
 * @address: as nvbar_pci_address_parse() gives it
 * @dev: as nvbar_sysfs_read_ids() does
 * @log: likewise
 *
 * Return: a descriptor of its directory; -ENOENT, -EACCES, ..., or as
 * nvbar_sysfs_read_ids().
 */
int nvbar_sysfs_find(const char *address, struct nvbar_pci_device *dev,
		     const struct nvbar_log *log);

/**
 * nvbar_sysfs_find_gpu - find a GPU of NVIDIA's that has registers of its own
 * @address: as nvbar_sysfs_find()
 * @dev: likewise
 * @log: likewise
 *
 * Return: as nvbar_sysfs_find(), or -EOPNOTSUPP (any other device).
 */
int nvbar_sysfs_find_gpu(const char *address, struct nvbar_pci_device *dev,
			 const struct nvbar_log *log);

/**
 * nvbar_sysfs_read_device - read all there is of a device; writes nothing
 * @dir: its directory
 * @address: its address
 * @dev: receives it; what makes no sense is left out, the rest is there all the same
 * @log: where to explain a failure
 *
 * Return: as nvbar_sysfs_read_ids().
 */
int nvbar_sysfs_read_device(int dir, const char *address, struct nvbar_pci_device *dev,
			    const struct nvbar_log *log);

/**
 * nvbar_sysfs_for_each_gpu - visit NVIDIA's GPUs, in the order of their addresses
 * @fn: called for each; a result other than 0 ends the visit
 * @arg: second argument of @fn
 *
 * One that is odd is visited, with its problem, as is a device that may be one; one that
 * vanishes meanwhile is not.
 *
 * Return: 0, what @fn returned, -ENOMEM, or the errno of the directory.
 */
int nvbar_sysfs_for_each_gpu(int (*fn)(const struct nvbar_pci_device *dev, void *arg), void *arg);

#endif
