/* SPDX-License-Identifier: MIT */
/* Device strings and what stands behind them. */
#ifndef NVBAR_LIB_BACKEND_H
#define NVBAR_LIB_BACKEND_H

#include "hw.h"

struct sim_gpu;

/**
 * struct nvbar_log - where lines for people go
 * @fn: the caller's function, or NULL
 * @arg: its first argument
 * @level: the least important level that it wants
 * @device: prefix of each line
 */
struct nvbar_log {
	void (*fn)(void *arg, int level, const char *line);
	void *arg;
	u32 level;
	char device[64];
};

/**
 * struct nvbar_backend - an opened device; the first member of each kind's own
 * @ops: access to it; their first argument is the backend
 * @bar1_size: bytes of aperture, 0 for none
 * @speculates: the CPU may read the aperture where nobody asked it to, as it may all
 *	memory that is mapped write-combined
 * @log: where the driver's messages go
 * @close: ends access and frees the backend
 */
struct nvbar_backend {
	const struct nvbar_hw_ops *ops;
	u64 bar1_size;
	bool speculates;
	struct nvbar_log log;
	void (*close)(struct nvbar_backend *backend);
};

/** nvbar_log - one line, prefixed with the device */
__printf(3, 4) void nvbar_log(const struct nvbar_log *log, int level, const char *fmt, ...);

/** nvbar_backend_message - the message operation of every backend */
void nvbar_backend_message(void *hw, int level, const char *text);

/** nvbar_backend_no_mmap - where no memory of the CPU's is behind BAR1.  Return: -EOPNOTSUPP */
int nvbar_backend_no_mmap(void *hw, u64 off, u64 len, bool write, void **cpu);

/** nvbar_backend_no_munmap - its counterpart, which has nothing to do */
void nvbar_backend_no_munmap(void *hw, void *cpu, u64 len);

/**
 * nvbar_device_open - open what a device string names
 * @device: the string
 * @observe: nothing will be written to it
 * @log: where to explain a failure; its device is filled in
 * @backend: receives the backend
 *
 * Return: 0, -EINVAL (malformed), -EOPNOTSUPP (kind not available), -ENOMEM,
 * or what opening failed with.
 */
int nvbar_device_open(const char *device, bool observe, struct nvbar_log *log,
		      struct nvbar_backend **backend);

/**
 * nvbar_backend_sim_open - power on a modelled GPU
 * @args: what follows "sim", at most "[:CHIP][,key=value...]"; changed
 * @log: as nvbar_device_open()
 * @backend: receives the backend
 *
 * Return: 0, -EINVAL, -EBUSY, -ENOMEM, or the errno of a file operation.
 */
int nvbar_backend_sim_open(char *args, struct nvbar_log *log, struct nvbar_backend **backend);

/**
 * nvbar_backend_vfio_user_open - connect to a GPU that a process serves
 * @path: of its UNIX socket
 * @observe: write nothing to it
 * @log: as nvbar_device_open()
 * @backend: receives the backend
 *
 * Return: 0, -EINVAL, -ENOENT (no such socket), -EACCES (no permission; its BARs would
 * have to be switched on, while observing), -EBUSY (it serves somebody else), -ENODEV
 * (nobody serves, not by the protocol, or what does not answer), -EOPNOTSUPP
 * (it serves no GPU), -ENOMEM, or an error that the server replies.
 */
int nvbar_backend_vfio_user_open(const char *path, bool observe, struct nvbar_log *log,
				 struct nvbar_backend **backend);

/**
 * nvbar_backend_pci_open - reach a GPU of this machine through sysfs
 * @name: its PCI address
 * @observe: write nothing to it, and look at it even if somebody drives it
 * @log: as nvbar_device_open()
 * @backend: receives the backend
 *
 * Return: 0, -EINVAL, -ENOENT (no such device), -EACCES (no permission; it would
 * have to be switched on, while observing), -EBUSY (a driver or another process
 * has it), -ENODEV (it is gone), -EOPNOTSUPP (no GPU, or a BAR without an
 * address), -EIO (sysfs makes no sense), -ENOMEM, or the errno of a file.
 */
int nvbar_backend_pci_open(const char *name, bool observe, struct nvbar_log *log,
			   struct nvbar_backend **backend);

/**
 * nvbar_backend_vfio_open - reach a GPU of this machine through VFIO
 * @args: its PCI address, and maybe ",reset": reset it first
 * @observe: write nothing to it; what the kernel does at opening can't be helped
 * @log: as nvbar_device_open()
 * @backend: receives the backend
 *
 * Return: as nvbar_backend_pci_open(), where -EBUSY includes a device beside it,
 * -ENOENT that it is not VFIO's, and -EOPNOTSUPP that there is no IOMMU, or no reset.
 */
int nvbar_backend_vfio_open(const char *args, bool observe, struct nvbar_log *log,
			    struct nvbar_backend **backend);

/** nvbar_backend_sim_gpu - the model behind a backend, for tests; NULL if it is none */
struct sim_gpu *nvbar_backend_sim_gpu(struct nvbar_backend *backend);

#endif
