/* SPDX-License-Identifier: MIT */
/*
 * Addresses with nothing at either end, for memory that a pointer leads to: a store
 * before its first byte or behind its last one faults, and never lands in what the
 * neighbouring addresses happen to be.
 */
#ifndef NVBAR_COMMON_GUARD_H
#define NVBAR_COMMON_GUARD_H

#include <stddef.h>

/* Bytes on either side: whole pages of any host */
#define GUARD_LEN	(64u << 10)

/**
 * guard_reserve - addresses for memory between guards
 * @len: bytes, whole pages of the host
 *
 * Nothing is there until something is mapped over them, with MAP_FIXED.
 *
 * Return: the first address, or NULL with errno set.
 */
void *guard_reserve(size_t len);

/**
 * guard_release - give addresses back, with what is mapped there
 * @cpu: what guard_reserve() returned
 * @len: as reserved
 */
void guard_release(void *cpu, size_t len);

#endif
