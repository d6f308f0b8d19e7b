// SPDX-License-Identifier: MIT
/*
 * nvbar_open() on any device string: opened or refused with a documented
 * errno and an explanation, and the same again the next time.
 */
#include <ctype.h>
#include <errno.h>

#include <nvbar_compat.h>

#include "fuzz.h"

/* The last line, and how many there were. */
struct lines {
	unsigned int nr;
	char last[512];
};

static void keep_line(void *arg, int level, const char *line)
{
	struct lines *lines = arg;
	const char *c;

	must(level == NVBAR_LOG_ERROR);
	for (c = line; *c; c++)
		must(!iscntrl((unsigned char)*c));
	lines->nr++;
	must(c - line < (ptrdiff_t)sizeof(lines->last));
	strcpy(lines->last, line);
}

/* Faults that a string can ask for, and what they may make of an open or a check */
static const struct fault {
	const char *key;
	int ret[2];
} faults[] = {
	{ ",nomem", { -ENOMEM } },
	{ ",boot-polls=", { -ETIMEDOUT } },
	{ ",bind-polls=", { -ETIMEDOUT } },
	{ ",invalidate-polls=", { -ETIMEDOUT } },
	{ ",window-delay=", { -ETIMEDOUT } },
	{ ",ignore-write=", { -ETIMEDOUT, -EIO } },
	{ ",dead-at=", { -ENODEV } },
	{ ",poison=", { -EIO } },
	{ ",flip=", { -EIO } },
};

#define NR_FAULTS	(sizeof(faults) / sizeof(faults[0]))

static bool is_injected(const char *device, int ret)
{
	size_t i;

	for (i = 0; i < NR_FAULTS; i++) {
		if ((ret == faults[i].ret[0] || (ret && ret == faults[i].ret[1])) &&
		    strstr(device, faults[i].key))
			return true;
	}
	return false;
}

static bool asks_for_a_fault(const char *device)
{
	size_t i;

	for (i = 0; i < NR_FAULTS; i++)
		if (strstr(device, faults[i].key))
			return true;
	return false;
}

static bool is_documented(const char *device, int ret)
{
	switch (ret) {
	case -EINVAL:
	case -EOPNOTSUPP:
	case -ENOSPC:
		return true;
	case -EIO:
		/* Sizes and ranges that contradict each other */
		return strstr(device, ",reported-vram=") || strstr(device, ",wpr") ||
		       strstr(device, ",lock-range=") || strstr(device, "file=") ||
		       strstr(device, "vfio-user:") || is_injected(device, ret);
	case -EBUSY:
		return strstr(device, ",bound=") || strstr(device, "file=") ||
		       strstr(device, "vfio-user:");
	default:
		/* The errno of what can go wrong with a file, or a socket */
		return is_injected(device, ret) ||
		       (ret < 0 && (strstr(device, "file=") || strstr(device, "vfio-user:"))) ||
		       (ret == -ENOENT &&
			(!strncmp(device, "pci:", 4) || !strncmp(device, "vfio:", 5)));
	}
}

static void use(struct nvbar *gpu, const char *device)
{
	struct nvbar_check_report report = { .size = sizeof(report) };
	struct nvbar_info info = { .size = sizeof(info) };
	int ret = nvbar_get_info(gpu, &info);

	if (ret) {
		must(is_injected(device, ret));
		return;
	}
	ret = nvbar_check(gpu, &report);
	must(!strncmp(info.device, "sim:", 4));
	must(info.vram_size);
	must(info.reserved_pa + info.reserved_len <= info.vram_size);
	must(ret == 0 || ret == (info.bar1_size ? -EACCES : -EOPNOTSUPP) ||
	     is_injected(device, ret));
	must(!fuzz_stats(gpu).model_driver_errors);
}

static int open_once(const char *device, uint32_t flags)
{
	struct nvbar *untouched = (struct nvbar *)0x5a5a, *gpu = untouched;
	struct lines lines = { 0 };
	const struct nvbar_open_opts opts = {
		.size = sizeof(opts), .flags = flags, .log = keep_line, .log_arg = &lines,
	};
	int ret = nvbar_open(&gpu, device, &opts);

	if (ret) {
		must(is_documented(device, ret));
		must(gpu == untouched);
		must(lines.nr || ret == -ENOMEM);
		return ret;
	}
	must(!lines.nr || asks_for_a_fault(device));
	use(gpu, device);
	nvbar_close(gpu);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *device = fuzz_text(data, len);
	int ret, observed;

	/* Strings that ask for registers which never say done are a matter of seconds. */
	compat_sleep_pretend(true);
	if (fuzz_is_harmless(device)) {
		fuzz_dir_enter();
		ret = open_once(device, 0);
		must(open_once(device, 0) == ret);
		/* One that is bound, or does not bind, or has less VRAM, may be looked at. */
		observed = open_once(device, NVBAR_OPEN_OBSERVE);
		must(observed == ret || (ret == -EBUSY && strstr(device, ",bound=")) ||
		     (ret == -EIO && strstr(device, ",reported-vram=")) ||
		     asks_for_a_fault(device));
		ret = open_once(device, NVBAR_OPEN_FORCE);
		must(ret != -EBUSY || !strstr(device, ",bound="));
		ret = open_once(device, NVBAR_OPEN_STATIC);
		must(open_once(device, NVBAR_OPEN_STATIC) == ret);
		fuzz_dir_leave();
	}
	free(device);
	return 0;
}
