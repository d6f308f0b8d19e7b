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

int nvbar_gpu_may_write(struct nvbar_gpu *gpu)
{
	if (!gpu->observe)
		return 0;
	nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "opened to observe: nothing is written");
	return -EACCES;
}

int nvbar_gpu_alive(struct nvbar_gpu *gpu)
{
	/* Identification never is all ones. */
	if (nvbar_rd32(gpu, PMC_BOOT_0) != ~0u)
		return 0;
	nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "reads come back as all ones: the GPU is gone");
	return -ENODEV;
}
