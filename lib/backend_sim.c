// SPDX-License-Identifier: MIT
/* The modelled GPU in this process: the driver's operations on sim/. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/slab.h>
#include <nvbar_compat.h>


#include "aperture.h"
#include "backend.h"
#include "copy.h"
#include "sim_options.h"

/**
 * struct sim_backend - a modelled GPU
 * @base: of every backend
 * @gpu: the model
 * @nomem: allocations fail as long as it is open
 */
struct sim_backend {
	struct nvbar_backend base;
	struct sim_gpu *gpu;
	bool nomem;
};

static struct sim_gpu *gpu_of(void *hw)
{
	return ((struct sim_backend *)hw)->gpu;
}

static u64 sim_op_bar0_read(void *hw, u32 off, unsigned int width)
{
	return sim_bar0_read(gpu_of(hw), off, width);
}

static void sim_op_bar0_write(void *hw, u32 off, unsigned int width, u64 val)
{
	sim_bar0_write(gpu_of(hw), off, width, val);
}

/* u64 and uint64_t are of one size, but not one type. */
#define BOUNCE_WORDS	64

static void sim_op_bar0_read_words(void *hw, u32 off, u64 *dst, size_t nr)
{
	uint64_t bounce[BOUNCE_WORDS];

	while (nr) {
		size_t step = min_t(size_t, nr, BOUNCE_WORDS);

		sim_bar0_read_words(gpu_of(hw), off, bounce, step);
		memcpy(dst, bounce, 8 * step);
		off += 8 * step;
		dst += step;
		nr -= step;
	}
}

static void sim_op_bar0_write_words(void *hw, u32 off, const u64 *src, size_t nr)
{
	uint64_t bounce[BOUNCE_WORDS];

	while (nr) {
		size_t step = min_t(size_t, nr, BOUNCE_WORDS);

		memcpy(bounce, src, 8 * step);
		sim_bar0_write_words(gpu_of(hw), off, bounce, step);
		off += 8 * step;
		src += step;
		nr -= step;
	}
}

static u64 sim_op_bar1_read(void *hw, u64 off, unsigned int width)
{
	return sim_bar1_read(gpu_of(hw), off, width);
}

/* As a CPU does that has the aperture mapped write-combined: a write is followed by a barrier. */
static void sim_op_bar1_write(void *hw, u64 off, unsigned int width, u64 val)
{
	sim_bar1_write(gpu_of(hw), off, width, val);
	sim_bar1_drain(gpu_of(hw));
}

static void sim_op_bar1_copy_from(void *hw, void *dst, u64 off, size_t len)
{
	sim_bar1_copy_from(gpu_of(hw), dst, off, len);
}

static void sim_op_bar1_copy_to(void *hw, u64 off, const void *src, size_t len)
{
	sim_bar1_copy_to(gpu_of(hw), off, src, len);
	sim_bar1_drain(gpu_of(hw));
}

static void sim_op_bar1_fill(void *hw, u64 off, u32 pattern, size_t len)
{
	sim_bar1_fill(gpu_of(hw), off, pattern, len);
	sim_bar1_drain(gpu_of(hw));
}

static int sim_op_bar1_mmap(void *hw, u64 off, u64 len, bool write, void **cpu)
{
	return sim_bar1_mmap(gpu_of(hw), off, len, write, cpu);
}

static void sim_op_bar1_munmap(void *hw, void *cpu, u64 len)
{
	sim_bar1_munmap(gpu_of(hw), cpu, len);
}

static void sim_op_direct_info(void *hw, struct nvbar_direct *direct)
{
	/* Memory knows no order of writes: there the model would be kinder than a bus. */
	if (!sim_lands_at_once(gpu_of(hw)))
		return;
	direct->generation = sim_bar1_generation(gpu_of(hw));
	direct->ordinary = true;
}

static void sim_op_direct_copy(void *dst, const void *src, size_t len)
{
	nvbar_copy_memory(dst, src, len);
}

static void *sim_op_bar1_direct(void *hw, u64 off, bool write)
{
	return sim_bar1_direct(gpu_of(hw), off, write);
}

static void *sim_op_bar1_window(void *hw, u64 off, u64 len, bool write, bool remap)
{
	return sim_bar1_window(gpu_of(hw), off, len, write, remap);
}

static void sim_op_bar1_window_end(void *hw, void *cpu, u64 len)
{
	sim_bar1_window_end(gpu_of(hw), cpu, len);
}

static void sim_op_write_barrier(void *hw)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	sim_bar1_drain(gpu_of(hw));
}

static u64 sim_op_driver_errors(void *hw)
{
	return sim_driver_errors(gpu_of(hw));
}

static u64 sim_op_transactions(void *hw)
{
	struct sim_counters counters;

	sim_get_counters(gpu_of(hw), &counters);
	return counters.transactions;
}

static void take_view(const struct sim_tlb_view *view, struct nvbar_tlb_entry *entry)
{
	*entry = (struct nvbar_tlb_entry){
		.va = view->va,
		.level = view->level,
		.word = { view->val[0], view->val[1] },
		.state = view->valid ? NVBAR_ENTRY_VALID :
			 view->sparse ? NVBAR_ENTRY_SPARSE : NVBAR_ENTRY_INVALID,
		.aperture = nvbar_pte_aperture(view->aperture),
		.pa = view->pa,
		.ro = view->ro,
	};
}

static size_t sim_op_tlb_read(void *hw, u64 *cursor, struct nvbar_tlb_entry *entry, size_t max)
{
	struct sim_tlb_view view[BOUNCE_WORDS];
	uint64_t at = *cursor;
	size_t nr, i;

	nr = sim_tlb_view(gpu_of(hw), &at, view, min_t(size_t, max, ARRAY_SIZE(view)));
	*cursor = at;
	for (i = 0; i < nr; i++)
		take_view(&view[i], &entry[i]);
	return nr;
}

static const struct nvbar_hw_ops sim_ops = {
	.bar0_read = sim_op_bar0_read,
	.bar0_write = sim_op_bar0_write,
	.bar0_read_words = sim_op_bar0_read_words,
	.bar0_write_words = sim_op_bar0_write_words,
	.bar1_read = sim_op_bar1_read,
	.bar1_write = sim_op_bar1_write,
	.bar1_copy_from = sim_op_bar1_copy_from,
	.bar1_copy_to = sim_op_bar1_copy_to,
	.bar1_fill = sim_op_bar1_fill,
	.bar1_mmap = sim_op_bar1_mmap,
	.bar1_munmap = sim_op_bar1_munmap,
	.direct_info = sim_op_direct_info,
	.bar1_direct = sim_op_bar1_direct,
	.bar1_window = sim_op_bar1_window,
	.bar1_window_end = sim_op_bar1_window_end,
	.direct_copy_from = sim_op_direct_copy,
	.direct_copy_to = sim_op_direct_copy,
	.write_barrier = sim_op_write_barrier,
	.transactions = sim_op_transactions,
	.driver_errors = sim_op_driver_errors,
	.tlb_read = sim_op_tlb_read,
	.message = nvbar_backend_message,
};

static void sim_backend_close(struct nvbar_backend *backend)
{
	struct sim_backend *sim = (struct sim_backend *)backend;

	if (sim->nomem)
		compat_alloc_fail_nth(0, false);
	sim_destroy(sim->gpu);
	kfree(sim);
}

/* Its memory has failed; from here on the driver finds the GPU gone, and not why. */
static void sim_backend_failed(void *arg, const char *why)
{
	const struct sim_backend *sim = arg;

	nvbar_log(&sim->base.log, 0, "%s", why);
}

int nvbar_backend_sim_open(char *args, struct nvbar_log *log, struct nvbar_backend **backend)
{
	struct sim_options options;
	struct sim_backend *sim;
	char why[384] = "";
	int ret;

	if (*args == ':' && (!*++args || *args == ',')) {
		nvbar_log(log, 0, "no chip after the colon");
		return -EINVAL;
	}
	ret = sim_options_parse(args, &options, why, sizeof(why));
	if (ret) {
		nvbar_log(log, 0, "%s", why);
		return ret;
	}
	sim = kzalloc(sizeof(*sim), GFP_KERNEL);
	if (!sim)
		return -ENOMEM;
	options.cfg.failed = sim_backend_failed;
	options.cfg.failed_arg = sim;
	ret = sim_create(&options.cfg, &sim->gpu, why, sizeof(why));
	if (ret) {
		kfree(sim);
		nvbar_log(log, 0, "%s", why);
		return ret;
	}
	nvbar_copy_init();
	snprintf(log->device, sizeof(log->device), "sim:%s", sim_chip_name(sim->gpu));
	sim->base.ops = &sim_ops;
	sim->base.bar1_size = sim_bar1_size(sim->gpu);
	sim->base.speculates = options.sparse;
	sim->base.close = sim_backend_close;
	sim->base.log = *log;
	sim_inject(sim->gpu, &options.inject);
	sim->nomem = options.nomem;
	if (sim->nomem)
		compat_alloc_fail_nth(options.nomem, options.nomem_forever);
	*backend = &sim->base;
	return 0;
}

struct sim_gpu *nvbar_backend_sim_gpu(struct nvbar_backend *backend)
{
	return backend->ops == &sim_ops ? gpu_of(backend) : NULL;
}
