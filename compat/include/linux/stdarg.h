/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_STDARG_H
#define NVBAR_COMPAT_LINUX_STDARG_H

#include <stdarg.h>

#endif
