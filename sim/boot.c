/* SPDX-License-Identifier: MIT */
/*
 * The firmware's boot: complete after so many reads of its registers, or after a
 * while.  It clears VRAM on the side, which goes on for a while after that.
 */
#include "sim_gpu.h"
#include "sim_vbios.h"
#include "hw/boot.h"
#include "hw/others.h"

/* --- the video BIOS ----------------------------------------------------------- */

bool sim_prom_shown(struct sim_gpu *gpu, uint64_t off)
{
	return gpu->cfg.vbios && gpu->chip->bit & SIM_HAS_DISPLAY & SIM_PRE_HOPPER &&
	       off - PROM_BASE < PROM_SIZE;
}

uint64_t sim_prom_read(struct sim_gpu *gpu, uint64_t off, unsigned int width)
{
	uint8_t image[SIM_VBIOS_SIZE];
	uint64_t val = ~0ull;

	if (*sim_reg(gpu, PPCI_ROM_SHADOW) & PPCI_ROM_SHADOW_ENABLE) {
		sim_misuse(gpu, "read of PROM at 0x%llx: the shadow is on", (unsigned long long)off);
		return sim_bad_read(width);
	}
	sim_vbios_make(gpu->chip->name, image);
	off -= PROM_BASE;
	if (off < sizeof(image))
		memcpy(&val, image + off, width);
	return val & sim_width_mask(width);
}

/* In the workspace [nouveau bios/shadowramin.c]. */
static void put_vbios(struct sim_gpu *gpu)
{
	uint8_t image[SIM_VBIOS_SIZE];

	if (!gpu->cfg.vbios || !(gpu->chip->bit & SIM_HAS_DISPLAY))
		return;
	sim_vbios_make(gpu->chip->name, image);
	sim_vram_write(&gpu->vram, gpu->cfg.vram_size - SIM_WORKSPACE_LEN, image, sizeof(image));
}

/* --- the boot ----------------------------------------------------------------- */

/* From now on the clearing of VRAM goes on. */
static void complete(struct sim_gpu *gpu)
{
	gpu->boot.polls_left = 0;
	gpu->boot.scrub_due = sim_due(gpu, gpu->cfg.scrub_polls);
}

void sim_boot_reset(struct sim_gpu *gpu)
{
	gpu->boot.polls_left = gpu->cfg.boot_polls;
	gpu->boot.due = sim_due(gpu, gpu->cfg.boot_polls);
	gpu->boot.scrub_left = gpu->cfg.scrub_polls;
	if (sim_boot_done(gpu))
		complete(gpu);
	put_vbios(gpu);
}

/* Time passes with every look. */
static void pass(struct sim_gpu *gpu)
{
	if (gpu->boot.polls_left && !--gpu->boot.polls_left)
		complete(gpu);
}

uint64_t sim_boot_pass(struct sim_gpu *gpu)
{
	if (sim_boot_done(gpu))
		return ~0ull;
	if (!sim_is_due(gpu, gpu->boot.due))
		return gpu->boot.due;
	complete(gpu);
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
static void scrub_end(struct sim_gpu *gpu)
{
	gpu->boot.scrub_left = 0;
	sim_before_store(gpu);
	sim_vram_zero_touched(&gpu->vram);
	put_vbios(gpu);
}

static bool scrubs(const struct sim_gpu *gpu)
{
	return sim_boot_done(gpu) && gpu->boot.scrub_left;
}

void sim_scrub_look(struct sim_gpu *gpu)
{
	if (scrubs(gpu) && !--gpu->boot.scrub_left)
		scrub_end(gpu);
}

uint64_t sim_scrub_pass(struct sim_gpu *gpu)
{
	if (!scrubs(gpu))
		return ~0ull;
	if (!sim_is_due(gpu, gpu->boot.scrub_due))
		return gpu->boot.scrub_due;
	scrub_end(gpu);
	return ~0ull;
}
