/* SPDX-License-Identifier: MIT */
/*
 * What tests can ask of the user-space stand-ins for the kernel's headers.
 */
#ifndef NVBAR_COMPAT_H
#define NVBAR_COMPAT_H

#include <stdbool.h>
#include <stddef.h>

/**
 * compat_alloc_fail_nth() - make an allocation fail
 * @n: 1 for the next allocation, 2 for the one after it, and so on; 0 for none
 * @forever: also fail every allocation after it
 *
 * Counts the allocations of all threads.  Each call starts anew.
 *
 * Context: any thread.
 */
void compat_alloc_fail_nth(unsigned long n, bool forever);

/**
 * compat_alloc_failed() - did an armed failure happen?
 *
 * Return: how many allocations failed since compat_alloc_fail_nth().
 */
unsigned long compat_alloc_failed(void);

/**
 * compat_alloc_live() - how many allocations are not yet freed?
 *
 * Context: exact when no other thread allocates.
 * Return: the count.
 */
long compat_alloc_live(void);

/**
 * compat_alloc_live_bytes() - host memory in live allocations
 *
 * Context: exact when no other thread allocates.
 * Return: bytes, as the C library rounds them.
 */
long compat_alloc_live_bytes(void);

/**
 * compat_sleep_pretend() - sleep without waiting
 * @on: from now on a sleep only moves the clock that the driver looks at
 *
 * Context: any thread.
 */
void compat_sleep_pretend(bool on);

/**
 * compat_slept_ns() - how long was slept that way?
 *
 * Return: nanoseconds since the program began.
 */
unsigned long long compat_slept_ns(void);

/**
 * compat_page_size_pretend() - have pages of another size
 * @size: bytes; 0 for those of this machine
 *
 * Context: any thread.
 */
void compat_page_size_pretend(unsigned long size);

/**
 * compat_warn_count() - how often has a WARN_ON() found its condition true?
 *
 * Return: the count since the program began, unprinted repeats included.
 */
unsigned long compat_warn_count(void);

#endif
