/* SPDX-License-Identifier: MIT */
/* Binding BAR1 to page tables. */
#ifndef NVBAR_CORE_BAR1_H
#define NVBAR_CORE_BAR1_H

#include <linux/types.h>

#include "mmu.h"
#include "reg.h"

/**
 * struct nvbar_bar1_binding - what the bind registers say
 * @bad: the register that can't be read, by its name; then the others mean nothing
 * @is_virtual: translated by page tables, not a window on the start of VRAM
 * @aperture: memory that the instance block is in
 * @inst_pa: address of the instance block
 */
struct nvbar_bar1_binding {
	struct nvbar_reg_word bad;
	bool is_virtual;
	enum nvbar_aperture aperture;
	u64 inst_pa;
};

/**
 * nvbar_bar1_enable - write the instance block and bind BAR1 to the root table
 * @gpu: its page tables are initialised
 *
 * Context: caller is alone; may sleep.
 * Return: 0, -ENOMEM, -EIO (VRAM does not hold what is written), -ETIMEDOUT or
 * -ENODEV.  On failure BAR1 is in physical mode, as far as the GPU still listens,
 * or nothing was bound and it is as it was.
 */
int nvbar_bar1_enable(struct nvbar_gpu *gpu);

/**
 * nvbar_bar1_disable - put BAR1 back into physical mode
 * @gpu: nobody accesses BAR1 any more, whose tables may still have entries
 * @used: somebody has accessed it since it was bound
 *
 * Waits, if it was @used, for accesses that the GPU has not finished.  A GPU that is
 * lost by now is left alone: its BAR1 may be somebody else's.
 *
 * Context: caller is alone; may sleep.
 */
void nvbar_bar1_disable(struct nvbar_gpu *gpu, bool used);

/**
 * nvbar_bar1_read_binding - what BAR1 is bound to now
 * @gpu: identified
 * @binding: filled in
 *
 * A GPU whose BAR1 the driver has bound, and which is bound to anything else or does
 * not say so any more, is lost: that is what a reset or another driver leaves.
 *
 * Return: 0, also if a register can't be read; or -ENODEV.
 */
int nvbar_bar1_read_binding(struct nvbar_gpu *gpu, struct nvbar_bar1_binding *binding);

/**
 * nvbar_bar1_look - is the GPU there, and BAR1 bound as the driver bound it?
 * @gpu: identified
 *
 * To be asked when VRAM does not hold what the driver wrote there.
 *
 * Return: 0 or -ENODEV.
 */
int nvbar_bar1_look(struct nvbar_gpu *gpu);

/**
 * nvbar_bar1_glance - the same by one register, of a GPU that is well
 * @gpu: with BAR1 bound
 *
 * On Hopper and later the upper half of the address is not looked at.
 *
 * Return: 0 or -ENODEV.
 */
int nvbar_bar1_glance(struct nvbar_gpu *gpu);

/**
 * nvbar_bar1_compare_instance - is the instance block what was written?
 * @gpu: enabled
 * @off: receives the offset of the first word that is not
 *
 * Nothing is known to write to this block but the driver [assumed].
 *
 * Return: 0, -EIO (it differs), -ENOMEM, -ETIMEDOUT, -ENODEV.
 */
int nvbar_bar1_compare_instance(struct nvbar_gpu *gpu, u32 *off);

/**
 * nvbar_bar1_read_root - follow the binding to the root table
 * @gpu: open for more than looking: the PRAMIN window moves
 * @aperture: memory that the root table is in
 * @pa: its address
 *
 * Return: 0, -ENOENT (physical mode), -EIO (instance block out of reach or
 * without a root, or the binding can't be read), -ENODEV.
 */
int nvbar_bar1_read_root(struct nvbar_gpu *gpu, enum nvbar_aperture *aperture, u64 *pa);

#endif
