/* SPDX-License-Identifier: MIT */
/* How a program ends that a signal, or the reader of its output, has ended. */
#ifndef NVBAR_ENDING_H
#define NVBAR_ENDING_H

#include <stdbool.h>

/** is_ignored - whether who started the program wants this signal ignored, as nohup(1) does */
bool is_ignored(int sig);

/** is_left - whether @fd is a pipe or socket whose other end nobody has any more */
bool is_left(int fd);

/** end_by - end the process as @sig does that is not caught, so that a shell sees it */
_Noreturn void end_by(int sig);

#endif
