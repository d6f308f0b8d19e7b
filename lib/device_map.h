/* SPDX-License-Identifier: MIT */
/*
 * Mappings of device memory, which may vanish while they are used.
 *
 * When a device is unplugged, or a driver claims it, the kernel takes its
 * memory out of all mappings, and the next access is a SIGBUS.  A handler makes
 * of it what a bus does: there are all ones.  Each mapping sees to it that the
 * handler is installed, and it stays; what is about no such mapping, or another
 * kind of SIGBUS, it hands to the handler that was there before.
 */
#ifndef NVBAR_LIB_DEVICE_MAP_H
#define NVBAR_LIB_DEVICE_MAP_H

#include <linux/types.h>

/**
 * nvbar_device_map - mmap() of device memory
 * @fd: file to map
 * @off: offset in it
 * @len: bytes
 * @prot: PROT_*
 * @gone: set when the mapping has vanished; must live as long as the mapping
 * @cpu: receives the address
 *
 * What is written to a mapping that has vanished stays with the process.
 *
 * Return: 0, -ENOMEM, or what mmap() failed with.
 */
int nvbar_device_map(int fd, u64 off, size_t len, int prot, bool *gone, void **cpu);

/** nvbar_device_unmap - munmap() of what nvbar_device_map() gave */
void nvbar_device_unmap(void *cpu, size_t len);

#endif
