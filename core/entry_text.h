/* SPDX-License-Identifier: MIT */
/* Entries as "key=value" words, the keys of tests/golden/vectors_public.csv. */
#ifndef NVBAR_CORE_ENTRY_TEXT_H
#define NVBAR_CORE_ENTRY_TEXT_H

#include <linux/types.h>

#include "mmu.h"

/** enum nvbar_entry_form - how to read the words of an entry */
enum nvbar_entry_form {
	NVBAR_ENTRY_FORM_PDE,
	NVBAR_ENTRY_FORM_DUAL_PDE,
	NVBAR_ENTRY_FORM_PTE,
};

/**
 * nvbar_entry_text - describe an entry
 * @fmt: its format
 * @form: how to read it
 * @lo: first word
 * @hi: second word of a dual PDE, else 0
 * @buf: receives a NUL-terminated string, cut if need be
 * @len: bytes at @buf, at least 1
 */
void nvbar_entry_text(const struct nvbar_mmu_fmt *fmt, enum nvbar_entry_form form, u64 lo, u64 hi,
		      char *buf, size_t len);

#endif
