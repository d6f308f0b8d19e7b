/* SPDX-License-Identifier: MIT */
/* Registers that can't be read: what they read as is no value. */
#ifndef NVBAR_CORE_REG_H
#define NVBAR_CORE_REG_H

#include <linux/types.h>

#include "gpu.h"

/**
 * struct nvbar_reg_word - what a register read as
 * @name: of the register
 * @off: its offset in BAR0
 * @val: the word
 */
struct nvbar_reg_word {
	const char *name;
	u32 off;
	u32 val;
};

/* A register that was not read yet */
#define NVBAR_REG(reg)	{ .name = #reg, .off = (reg) }

/** nvbar_rd_word - nvbar_rd32() that keeps what the register is called */
static inline struct nvbar_reg_word nvbar_rd_word(struct nvbar_gpu *gpu,
						  const struct nvbar_reg_word *reg)
{
	return (struct nvbar_reg_word){ reg->name, reg->off, nvbar_rd32(gpu, reg->off) };
}

/* Of one that is given by its name, which is not to be expanded before it is quoted */
#define nvbar_rd_named(gpu, reg) \
	nvbar_rd_word(gpu, &(const struct nvbar_reg_word){ .name = #reg, .off = (reg) })

/**
 * nvbar_reg_is_error - is a word what a register that can't be read answers with?
 * @off: offset of the register in BAR0
 * @val: what it read as
 *
 * That is 0xbad and five more digits, which most registers never hold.  Of those that
 * may, as an address does, a word counts only if it has bits that the register has
 * not.  Of an address in two registers the upper half is one that never does: ask
 * nvbar_reg_pair_is_error().
 *
 * Context: any.
 */
bool nvbar_reg_is_error(u32 off, u32 val);

/**
 * nvbar_reg_pair_is_error - the same of an address in two registers
 * @lo: the lower half, which may well begin with 0xbad
 * @hi: the upper half
 *
 * Context: any.
 * Return: the one that can't be read, NULL if both can.
 */
const struct nvbar_reg_word *nvbar_reg_pair_is_error(const struct nvbar_reg_word *lo,
						     const struct nvbar_reg_word *hi);

/**
 * nvbar_reg_text - a word that is no value, for people
 * @word: the word
 * @buf: receives the text
 * @len: bytes at @buf
 */
void nvbar_reg_text(const struct nvbar_reg_word *word, char *buf, size_t len);

/**
 * nvbar_reg_refuse - say that a register can't be read, and what is not known then
 * @gpu: attached or being attached
 * @level: NVBAR_MSG_*
 * @word: what it read as
 * @what: "the size of VRAM"
 *
 * Return: -EIO.
 */
int nvbar_reg_refuse(struct nvbar_gpu *gpu, int level, const struct nvbar_reg_word *word,
		     const char *what);

#endif
