// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/slab.h>

#include "backend.h"
#include "text.h"

/* Longer strings name no device. */
#define DEVICE_MAX	4096

void nvbar_log(const struct nvbar_log *log, int level, const char *fmt, ...)
{
	char line[384];
	va_list args;
	int used;

	if (!log->fn || level > (int)log->level)
		return;
	used = snprintf(line, sizeof(line), "%s: ", log->device);
	va_start(args, fmt);
	vsnprintf(line + used, sizeof(line) - used, fmt, args);
	va_end(args);
	/* Names come from callers, devices and servers, and may hold anything. */
	log->fn(log->arg, level, text_clean(line));
}

void nvbar_backend_message(void *hw, int level, const char *text)
{
	const struct nvbar_backend *backend = hw;

	nvbar_log(&backend->log, level, "%s", text);
}

int nvbar_backend_no_mmap(void *hw, u64 off, u64 len, bool write, void **cpu)
{
	(void)hw;
	(void)off;
	(void)len;
	(void)write;
	(void)cpu;
	return -EOPNOTSUPP;
}

void nvbar_backend_no_munmap(void *hw, void *cpu, u64 len)
{
	(void)hw;
	(void)cpu;
	(void)len;
}

static bool has_kind(const char *device, const char *kind)
{
	size_t len = strlen(kind);

	return !strncmp(device, kind, len) &&
	       (device[len] == '\0' || device[len] == ':' || device[len] == ',');
}

/* What follows "kind:", or nothing. */
static const char *after_kind(const char *device, const char *kind)
{
	device += strlen(kind);
	return *device == ':' ? device + 1 : "";
}

/* The prefix of log lines: kind and chip or address, without the options.  A path has none. */
static void name_device(struct nvbar_log *log, const char *device)
{
	size_t len = has_kind(device, "vfio-user") ? strlen(device) : strcspn(device, ",");

	snprintf(log->device, sizeof(log->device), "%.*s", (int)len, device);
}

int nvbar_device_open(const char *device, bool observe, struct nvbar_log *log,
		      struct nvbar_backend **backend)
{
	size_t len;
	char *copy;
	int ret;

	name_device(log, device);
	if (strnlen(device, DEVICE_MAX) == DEVICE_MAX) {
		nvbar_log(log, 0, "device string is too long");
		return -EINVAL;
	}
	if (has_kind(device, "pci"))
		return nvbar_backend_pci_open(after_kind(device, "pci"), observe, log, backend);
	if (has_kind(device, "vfio"))
		return nvbar_backend_vfio_open(after_kind(device, "vfio"), observe, log, backend);
	if (has_kind(device, "vfio-user"))
		return nvbar_backend_vfio_user_open(after_kind(device, "vfio-user"), observe, log,
						    backend);
	if (!has_kind(device, "sim")) {
		nvbar_log(log, 0, "unknown kind of device; try sim, or sim:CHIP,key=value");
		return -EINVAL;
	}

	len = strlen(device) + 1;
	copy = kmalloc(len, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, device, len);
	ret = nvbar_backend_sim_open(copy + strlen("sim"), log, backend);
	kfree(copy);
	return ret;
}
