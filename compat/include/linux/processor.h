/* SPDX-License-Identifier: MIT */
#ifndef NVBAR_COMPAT_LINUX_PROCESSOR_H
#define NVBAR_COMPAT_LINUX_PROCESSOR_H

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield" : : : "memory");
#else
	__asm__ __volatile__("" : : : "memory");
#endif
}

#endif
