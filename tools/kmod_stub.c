// SPDX-License-Identifier: MIT
/*
 * What Kbuild adds to core/ so that it links as a module: modpost then names
 * every symbol that the kernel does not give to modules.
 */
#include <linux/module.h>

MODULE_DESCRIPTION("nvbar driver core, without a driver");
MODULE_LICENSE("Dual MIT/GPL");
