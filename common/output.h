/* SPDX-License-Identifier: MIT */
/* Files that are written from their beginning: traces and records. */
#ifndef COMMON_OUTPUT_H
#define COMMON_OUTPUT_H

/**
 * output_open - make a file anew
 * @path: of the file; a device, and a FIFO that somebody reads, will do, too
 *
 * Never waits, and leaves a file alone that is locked, as the VRAM of a running GPU is.
 *
 * Return: a descriptor, or a negative errno: -EBUSY (locked), -ENXIO (a FIFO that nobody
 * reads), -EINVAL (nothing that can be written), or another of open().
 */
int output_open(const char *path);

/** output_error - what such an errno means here, for people */
const char *output_error(int err);

#endif
