/* SPDX-License-Identifier: MIT */
/* The GPU as a whole: power on and off, and the counts. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim_gpu.h"
#include "hw/pramin.h"

#define MIB	(1ull << 20)
#define GIB	(1ull << 30)

/* Where none is asked for */
#define SIM_SEED	0x6e766261720a0000ull

void sim_error(struct sim_gpu *gpu, uint64_t *count, uint64_t nr, const char *fmt, ...)
{
	va_list ap;

	*count += nr;
	va_start(ap, fmt);
	vsnprintf(gpu->last_error, sizeof(gpu->last_error), fmt, ap);
	va_end(ap);
	if (gpu->refused && count != &gpu->counters.poisoned)
		gpu->refused(gpu->refused_arg, gpu->last_error);
}

void sim_on_refusal(struct sim_gpu *gpu, void (*refused)(void *arg, const char *what), void *arg)
{
	sim_lock(gpu);
	gpu->refused = refused;
	gpu->refused_arg = arg;
	sim_unlock(gpu);
}

void sim_fall_off(struct sim_gpu *gpu)
{
	char why[SIM_VRAM_NAME_MAX + 96];

	gpu->faults.armed = true;
	gpu->faults.dead = true;
	gpu->counters.host_errors++;
	sim_windows_update(gpu);
	if (!gpu->cfg.failed)
		return;
	snprintf(why, sizeof(why), "%s: %s: the GPU is off the bus until it is opened again",
		 gpu->vram.name, strerror(gpu->vram.error));
	gpu->cfg.failed(gpu->cfg.failed_arg, why);
}

static bool in_pramin(uint64_t off)
{
	return off - PRAMIN_BASE < PRAMIN_SIZE;
}

static int refuse(char *why, size_t why_len, const char *reason, uint64_t val)
{
	snprintf(why, why_len, "%s: 0x%llx", reason, (unsigned long long)val);
	return -EINVAL;
}

static bool is_bar1_size(uint64_t size)
{
	return size >= 64 * MIB && size <= 512 * GIB && !(size & (size - 1));
}

/* As after a boot of GSP firmware; how high WPR2 reaches depends on that [assumed] */
static struct sim_range below_workspace(const struct sim_config *cfg)
{
	uint64_t end = cfg->vram_size - SIM_WORKSPACE_LEN;

	/* Too large wraps around, and is no range. */
	return (struct sim_range) { end - cfg->wpr2_size, end };
}

static bool is_range(const struct sim_config *cfg, const struct sim_range *range)
{
	if (!range->start && !range->end)
		return true;
	return !((range->start | range->end) % SIM_PAGE_SIZE) && range->start < range->end &&
	       range->end <= cfg->vram_size;
}

/* Defaults, then everything that can be wrong without trying it. */
static int take_config(struct sim_gpu *gpu, const struct sim_config *cfg, char *why,
		       size_t why_len)
{
	const char *chip = cfg->chip ? cfg->chip : "ga102";
	char names[64];
	uint32_t reg;

	gpu->cfg = *cfg;
	if (!gpu->cfg.vram_size)
		gpu->cfg.vram_size = 8 * GIB;
	if (!gpu->cfg.bar1_size)
		gpu->cfg.bar1_size = 256 * MIB;
	if (!gpu->cfg.reported_vram)
		gpu->cfg.reported_vram = gpu->cfg.vram_size;
	if (!gpu->cfg.seed)
		gpu->cfg.seed = SIM_SEED;
	cfg = &gpu->cfg;

	gpu->chip = sim_chip_find(chip);
	if (!gpu->chip) {
		sim_chip_names(names, sizeof(names));
		snprintf(why, why_len, "no such chip: %.32s; there are %s", chip, names);
		return -EINVAL;
	}
	if (cfg->vram_size % MIB || cfg->vram_size > 512 * GIB)
		return refuse(why, why_len, "VRAM is whole MiB, at most 512 GiB", cfg->vram_size);
	if (!sim_size_to_reg(gpu->chip, cfg->vram_size, &reg))
		return refuse(why, why_len, "this chip's size register cannot express VRAM of",
			      cfg->vram_size);
	if (cfg->reported_vram % MIB || !sim_size_to_reg(gpu->chip, cfg->reported_vram, &reg))
		return refuse(why, why_len, "this chip's size register cannot say",
			      cfg->reported_vram);
	if (!cfg->no_bar1 && !is_bar1_size(cfg->bar1_size))
		return refuse(why, why_len, "BAR1 is a power of two from 64 MiB to 512 GiB",
			      cfg->bar1_size);
	if (gpu->cfg.wpr2_size)
		gpu->cfg.wpr2 = below_workspace(&gpu->cfg);
	if (!is_range(cfg, &cfg->wpr1) || !is_range(cfg, &cfg->wpr2) || !is_range(cfg, &cfg->lock))
		return refuse(why, why_len, "a protected range is whole 4 KiB pages, within VRAM of",
			      cfg->vram_size);
	if (cfg->lock.end && gpu->chip->bit != SIM_GA100)
		return refuse(why, why_len, "only a GA100 has an MMU lock range", cfg->lock.start);
	if (cfg->bound % SIM_PAGE_SIZE || cfg->bound >= cfg->vram_size)
		return refuse(why, why_len, "BAR1 can't be bound to", cfg->bound);
	return 0;
}

static void reset_locked(struct sim_gpu *gpu)
{
	sim_pramin_reset(gpu);
	sim_flight_lose(gpu);
	sim_tlb_drop_all(gpu->tlb, SIM_TLB_ALL_LEVELS);
	sim_regs_reset(gpu);
	sim_bus_reset(gpu);
	sim_boot_reset(gpu);
	sim_timer_reset(gpu);
	sim_inval_reset(gpu);
	sim_bind_reset(gpu);
	gpu->counters = (struct sim_counters) { 0 };
	gpu->last_error[0] = '\0';
	sim_windows_update(gpu);
}

static void count_tables_misuse(void *arg, const char *what)
{
	struct sim_gpu *gpu = arg;

	sim_misuse(gpu, "%s", what);
}

/* Sequences of their own, also of seeds that are neighbours */
static void start_dice(struct sim_gpu *gpu)
{
	uint64_t state = 8 * gpu->cfg.seed;

	sim_tlb_set_eviction(gpu->tlb, gpu->cfg.evict, sim_random(&state));
	gpu->bus.dice = sim_random(&state);
}

int sim_create(const struct sim_config *cfg, struct sim_gpu **out, char *why, size_t why_len)
{
	char ignored[4];
	struct sim_gpu *gpu;
	int ret;

	if (!why || !why_len) {
		why = ignored;
		why_len = sizeof(ignored);
	}
	snprintf(why, why_len, "no memory");
	gpu = calloc(1, sizeof(*gpu));
	if (!gpu)
		return -ENOMEM;
	gpu->ones_fd = -1;
	ret = take_config(gpu, cfg, why, why_len);
	if (ret)
		goto err_free;
	ret = -ENOMEM;
	gpu->tlb = sim_tlb_create(gpu->chip->mmu, &gpu->vram);
	if (!gpu->tlb)
		goto err_free;
	gpu->tlb->misuse = count_tables_misuse;
	gpu->tlb->misuse_arg = gpu;
	start_dice(gpu);
	if (!sim_pramin_init(gpu))
		goto err_tlb;
	ret = sim_vram_init(&gpu->vram, gpu->cfg.vram_size, cfg->file, why, why_len);
	if (ret)
		goto err_pramin;
	gpu->cfg.chip = gpu->chip->name;
	gpu->cfg.file = NULL;
	ret = -ENOMEM;
	if (!sim_regs_init(gpu))
		goto err_vram;
	pthread_mutex_init(&gpu->lock, NULL);
	sim_apertures_init(gpu);
	reset_locked(gpu);
	why[0] = '\0';
	*out = gpu;
	return 0;

err_vram:
	snprintf(why, why_len, "no memory");
	sim_vram_fini(&gpu->vram);
err_pramin:
	sim_pramin_fini(gpu);
err_tlb:
	free(gpu->tlb);
err_free:
	free(gpu);
	return ret;
}

void sim_destroy(struct sim_gpu *gpu)
{
	if (!gpu)
		return;
	sim_windows_free(gpu);
	sim_flight_land(gpu);
	sim_inval_reset(gpu);
	sim_pramin_fini(gpu);
	sim_vram_fini(&gpu->vram);
	sim_regs_fini(gpu);
	free(gpu->tlb);
	pthread_mutex_destroy(&gpu->lock);
	free(gpu);
}

void sim_reset(struct sim_gpu *gpu)
{
	sim_lock(gpu);
	reset_locked(gpu);
	sim_unlock(gpu);
}

void sim_get_counters(struct sim_gpu *gpu, struct sim_counters *counters)
{
	sim_lock(gpu);
	*counters = gpu->counters;
	sim_unlock(gpu);
}

uint64_t sim_driver_errors(struct sim_gpu *gpu)
{
	struct sim_counters c;

	sim_get_counters(gpu, &c);
	return c.unknown + c.misuse + c.faults;
}

void sim_last_error(struct sim_gpu *gpu, char *buf, size_t len)
{
	sim_lock(gpu);
	snprintf(buf, len, "%s", gpu->last_error);
	sim_unlock(gpu);
}

bool sim_vram_peek(struct sim_gpu *gpu, uint64_t pa, void *buf, size_t len)
{
	if (!sim_vram_has(&gpu->vram, pa, len))
		return false;
	sim_lock(gpu);
	sim_vram_read(&gpu->vram, pa, buf, len);
	sim_unlock(gpu);
	return true;
}

bool sim_vram_poke(struct sim_gpu *gpu, uint64_t pa, const void *buf, size_t len)
{
	bool ok;

	if (!sim_vram_has(&gpu->vram, pa, len))
		return false;
	sim_lock(gpu);
	sim_before_store(gpu);
	sim_vram_write(&gpu->vram, pa, buf, len);
	ok = !gpu->vram.error;
	sim_unlock(gpu);
	return ok;
}

bool sim_vram_behind(struct sim_gpu *gpu, unsigned int bar, uint64_t off, bool write, uint64_t *pa)
{
	const struct sim_aperture *ap = bar == 2 ? &gpu->bar2 : &gpu->bar1;
	struct sim_target t = { .fault = true };

	sim_lock(gpu);
	if (!bar && in_pramin(off) && gpu->pramin.vid) {
		t.pa = gpu->pramin.base + (off - PRAMIN_BASE);
		t.fault = !sim_vram_has(&gpu->vram, t.pa, 1);
	} else if (bar && off < ap->size && !sim_aperture_unsettled(ap)) {
		t = sim_aperture_resolve(gpu, ap, off, write);
		t.pa += off % SIM_PAGE_SIZE;
	}
	sim_unlock(gpu);
	*pa = t.pa;
	return !t.fault && !t.sparse;
}

uint64_t sim_vram_size(const struct sim_gpu *gpu)
{
	return gpu->cfg.vram_size;
}

uint64_t sim_bar1_size(const struct sim_gpu *gpu)
{
	return gpu->bar1.size;
}

int sim_set_bar1_size(struct sim_gpu *gpu, uint64_t size)
{
	int ret = 0;

	sim_lock(gpu);
	if (!gpu->bar1.size || !is_bar1_size(size)) {
		ret = -EINVAL;
	} else if (gpu->windows || gpu->remapped) {
		ret = -EBUSY;
	} else {
		gpu->bar1.size = size;
		sim_windows_update(gpu);
	}
	sim_unlock(gpu);
	return ret;
}

const char *sim_chip_name(const struct sim_gpu *gpu)
{
	return gpu->chip->name;
}

size_t sim_tlb_stale(struct sim_gpu *gpu)
{
	size_t stale;

	sim_lock(gpu);
	stale = sim_tlb_count_stale(gpu->tlb);
	sim_unlock(gpu);
	return stale;
}

size_t sim_tlb_view(struct sim_gpu *gpu, uint64_t *cursor, struct sim_tlb_view *view, size_t max)
{
	const struct sim_binding *now = &gpu->bar1.now;
	size_t nr = 0;

	sim_lock(gpu);
	if (now->virt && !now->broken)
		nr = sim_tlb_read(gpu->tlb, now->pdb, sim_bar1_size(gpu), cursor, view, max);
	sim_unlock(gpu);
	return nr;
}
