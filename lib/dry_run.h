/* SPDX-License-Identifier: MIT */
/*
 * Dry runs: what would be written to a GPU is told and remembered, and not
 * written.
 */
#ifndef NVBAR_LIB_DRY_RUN_H
#define NVBAR_LIB_DRY_RUN_H

#include "backend.h"

struct nvbar_gpu;

/* What log lines with a write begin with, behind the device */
#define NVBAR_DRY_RUN_MARK	"dry run: "

/**
 * nvbar_dry_run - put a dry run in front of a backend
 * @gpu: that will be attached to it
 * @backend: replaced by the dry run, which owns it from here on
 *
 * Return: 0, or -ENOMEM; then nothing has changed.
 */
int nvbar_dry_run(const struct nvbar_gpu *gpu, struct nvbar_backend **backend);

#endif
