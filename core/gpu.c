// SPDX-License-Identifier: MIT
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/stdarg.h>

#include <hw/pmc.h>

#include "gpu.h"

void nvbar_gpu_msg(struct nvbar_gpu *gpu, int level, const char *fmt, ...)
{
	char text[256];
	va_list args;

	if (!gpu->ops->message)
		return;
	va_start(args, fmt);
	vscnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	gpu->ops->message(gpu->hw, level, text);
}

int nvbar_gpu_lose(struct nvbar_gpu *gpu, const char *fmt, ...)
{
	char why[192];
	va_list args;

	if (atomic_xchg(&gpu->lost, 1))
		return -ENODEV;
	va_start(args, fmt);
	vscnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "%s", why);
	return -ENODEV;
}

int nvbar_gpu_may_write(struct nvbar_gpu *gpu)
{
	if (nvbar_gpu_is_lost(gpu))
		return -ENODEV;
	if (!gpu->observe)
		return 0;
	nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "opened to observe: nothing is written");
	return -EACCES;
}

int nvbar_gpu_alive(struct nvbar_gpu *gpu)
{
	u32 boot0 = nvbar_rd32(gpu, PMC_BOOT_0);

	if (boot0 == gpu->boot0)
		return 0;
	/* Identification never is all ones. */
	if (boot0 == ~0u)
		return nvbar_gpu_lose(gpu, "reads come back as all ones: the GPU is gone");
	return nvbar_gpu_lose(gpu, "PMC_BOOT_0 was 0x%08x and reads as 0x%08x: the GPU is gone",
			      gpu->boot0, boot0);
}
