/* SPDX-License-Identifier: MIT */
/*
 * The firmware's boot: complete after so many reads of its registers, or after a
 * while.  It clears VRAM on the side, which goes on for a while after that.
 */
#include "sim_gpu.h"
#include "hw/boot.h"

/* Time passes with every look. */
static void pass(struct sim_gpu *gpu)
{
	if (gpu->boot.polls_left)
		gpu->boot.polls_left--;
}

uint64_t sim_boot_pass(struct sim_gpu *gpu)
{
	if (sim_boot_done(gpu))
		return ~0ull;
	if (!sim_is_due(gpu, gpu->boot.due))
		return gpu->boot.due;
	gpu->boot.polls_left = 0;
	return ~0ull;
}

/* The progress may be read from halfway through. */
static bool readable(const struct sim_gpu *gpu)
{
	return gpu->boot.polls_left <= gpu->cfg.boot_polls / 2;
}

uint32_t sim_boot_mask_read(struct sim_gpu *gpu, uint32_t val)
{
	(void)val;
	val = readable(gpu) ? PGC6_SCRATCH_GROUP_05_PRIV_LEVEL_MASK_READ_LEVEL0 : 0;
	pass(gpu);
	return val;
}

uint32_t sim_boot_progress_read(struct sim_gpu *gpu, uint32_t val)
{
	/* Protected registers read as an error, whose low byte happens to say "done". */
	val = SIM_BAD_READ | PGC6_SCRATCH_GROUP_05_GFW_BOOT_PROGRESS_DONE;
	if (!readable(gpu))
		sim_misuse(gpu, "read of PGC6_SCRATCH_GROUP_05: its mask does not allow it yet");
	else
		val = sim_boot_done(gpu) ? PGC6_SCRATCH_GROUP_05_GFW_BOOT_PROGRESS_DONE |
					   PGC6_SCRATCH_GROUP_05_UP : 0;
	pass(gpu);
	return val;
}

uint32_t sim_boot_fsp_read(struct sim_gpu *gpu, uint32_t val)
{
	(void)val;
	val = sim_boot_done(gpu) ? THERM_I2CS_SCRATCH_BOOT_DONE : 0;
	pass(gpu);
	return val;
}

uint32_t sim_scrub_read(struct sim_gpu *gpu, uint32_t val)
{
	(void)val;
	return gpu->boot.scrub_left ? 0 : PFB_NISO_SCRUB_STATUS_DONE;
}

/*
 * What was written before the end is lost.  That the end clears it, and in one go,
 * is [inferred]: on hardware it goes through VRAM, and may come by at any time.
 */
void sim_scrub_pass(struct sim_gpu *gpu)
{
	if (sim_boot_done(gpu) && gpu->boot.scrub_left && !--gpu->boot.scrub_left)
		sim_vram_zero_touched(&gpu->vram);
}
