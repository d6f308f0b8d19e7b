// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/slab.h>

#include "attach.h"
#include "bar1.h"
#include "chip.h"
#include "dry_run.h"
#include "internal.h"
#include "trace.h"
#include "visit.h"

const char *nvbar_opts_copy(void *dst, size_t dst_size, const void *src)
{
	const unsigned char *tail = src;
	size_t size, i;

	memset(dst, 0, dst_size);
	if (!src)
		return NULL;
	memcpy(&size, src, sizeof(size));
	/* No struct ends elsewhere, and a pointer that is there in part is none. */
	if (!size || size % sizeof(size))
		return "the size in the options is none: set it to sizeof() of their struct";
	memcpy(dst, src, size < dst_size ? size : dst_size);
	for (i = dst_size; i < size; i++)
		if (tail[i])
			return "options that this version of the library does not know";
	return NULL;
}

int nvbar_refuse(struct nvbar *gpu, const char *what, const char *why)
{
	nvbar_log(&gpu->backend->log, NVBAR_LOG_ERROR, "%s: %s", what, why);
	return -EINVAL;
}

const char *nvbar_result_refused(const void *dst, size_t src_size)
{
	size_t size;

	memcpy(&size, dst, sizeof(size));
	/* There is one version so far. */
	return size >= src_size ? NULL :
	       "the size in the result is too small: set it to sizeof() of its struct";
}

int nvbar_result_check(struct nvbar *gpu, const char *what, const void *dst, size_t src_size)
{
	const char *why = nvbar_result_refused(dst, src_size);

	return why ? nvbar_refuse(gpu, what, why) : 0;
}

void nvbar_result_copy(void *dst, const void *src, size_t src_size)
{
	memcpy((char *)dst + sizeof(size_t), (const char *)src + sizeof(size_t),
	       src_size - sizeof(size_t));
}

/* NOLINTBEGIN(misc-redundant-expression): that they are equal is the point */
_Static_assert(NVBAR_OPEN_OBSERVE == NVBAR_GPU_OBSERVE, "flags differ");
_Static_assert(NVBAR_OPEN_STATIC == NVBAR_GPU_STATIC, "flags differ");
_Static_assert(NVBAR_OPEN_FORCE == NVBAR_GPU_FORCE, "flags differ");
_Static_assert(NVBAR_PROTECTED_KEPT == (int)NVBAR_PROTECT_KEPT, "kinds differ");
_Static_assert(NVBAR_PROTECTED_RDONLY == (int)NVBAR_PROTECT_RDONLY, "kinds differ");
_Static_assert(NVBAR_PROTECTED_CLOSED == (int)NVBAR_PROTECT_CLOSED, "kinds differ");
/* NOLINTEND(misc-redundant-expression) */

static u64 transactions_of(struct nvbar_backend *backend)
{
	return backend->ops->transactions ? backend->ops->transactions(backend) : 0;
}

/* The backend, with what stands in front of it. */
static int open_backend(struct nvbar *nvbar, const char *device, u32 flags, struct nvbar_log *log)
{
	const u32 no_writes = NVBAR_OPEN_OBSERVE | NVBAR_OPEN_DRY_RUN;
	const char *trace = secure_getenv("NVBAR_TRACE");
	int ret = nvbar_device_open(device, flags & no_writes, log, &nvbar->backend);

	if (ret)
		return ret;
	if (flags & NVBAR_OPEN_DRY_RUN)
		ret = nvbar_dry_run(&nvbar->gpu, &nvbar->backend);
	if (!ret && trace && *trace)
		ret = nvbar_trace_record(trace, device, &nvbar->backend);
	if (ret)
		nvbar->backend->close(nvbar->backend);
	return ret;
}

#define OPEN_FLAGS	(NVBAR_OPEN_OBSERVE | NVBAR_OPEN_STATIC | NVBAR_OPEN_FORCE | \
			 NVBAR_OPEN_DRY_RUN | NVBAR_OPEN_FAULTS)

static u32 attach_flags(const struct nvbar *nvbar, u32 flags)
{
	u32 core = flags & (NVBAR_OPEN_OBSERVE | NVBAR_OPEN_STATIC | NVBAR_OPEN_FORCE);

	if (nvbar->backend->speculates && !(flags & NVBAR_OPEN_FAULTS))
		core |= NVBAR_GPU_SPARSE;
	return core;
}

static const char *flags_refused(u32 flags)
{
	if (flags & ~OPEN_FLAGS)
		return "flags that this version of the library does not know";
	if (flags & NVBAR_OPEN_OBSERVE && flags & (NVBAR_OPEN_STATIC | NVBAR_OPEN_FORCE))
		return "who observes changes nothing: neither NVBAR_OPEN_STATIC nor NVBAR_OPEN_FORCE go with that";
	return NULL;
}

int nvbar_open(struct nvbar **gpu, const char *device, const struct nvbar_open_opts *user_opts)
{
	struct nvbar_open_opts opts;
	struct nvbar_log log = { 0 };
	struct nvbar *nvbar;
	const char *why;
	int ret;

	why = nvbar_opts_copy(&opts, sizeof(opts), user_opts);
	log.fn = opts.log;
	log.arg = opts.log_arg;
	log.level = opts.log_level;
	if (!why)
		why = flags_refused(opts.flags);
	if (why) {
		nvbar_log(&log, NVBAR_LOG_ERROR, "open: %s", why);
		return -EINVAL;
	}
	if (!device) {
		device = getenv("NVBAR_DEVICE");
		if (!device || !*device)
			device = "sim";
	}

	ret = nvbar_visits_init();
	if (ret)
		return ret;
	nvbar = kzalloc(sizeof(*nvbar), GFP_KERNEL);
	if (!nvbar)
		return -ENOMEM;
	ret = open_backend(nvbar, device, opts.flags, &log);
	if (ret)
		goto err_free;
	nvbar->transactions = transactions_of(nvbar->backend);
	ret = nvbar_gpu_attach(&nvbar->gpu, nvbar->backend->ops, nvbar->backend,
			       nvbar->backend->bar1_size, attach_flags(nvbar, opts.flags));
	nvbar_trace_identity(nvbar->backend, &nvbar->gpu);
	if (ret)
		goto err_close;
	*gpu = nvbar;
	return 0;

err_close:
	nvbar->backend->close(nvbar->backend);
err_free:
	kfree(nvbar);
	return ret;
}

/* --- what is kept of closed GPUs ------------------------------------------- */

#define CLOSED_MAX		64	/* GPUs */
#define CLOSED_HANDLES_MAX	1024	/* mappings, and allocations, of one of them */

static DEFINE_MUTEX(closed_lock);
static LIST_HEAD(closed);
static unsigned int nr_closed;

static void forget(struct nvbar *gpu)
{
	list_del(&gpu->link);
	nr_closed--;
	nvbar_gpu_free_handles(&gpu->gpu, 0);
	kfree(gpu);
}

static void keep(struct nvbar *gpu)
{
	nvbar_gpu_free_handles(&gpu->gpu, CLOSED_HANDLES_MAX);
	mutex_lock(&closed_lock);
	list_add_tail(&gpu->link, &closed);
	if (nr_closed++ == CLOSED_MAX)
		forget(list_first_entry(&closed, struct nvbar, link));
	mutex_unlock(&closed_lock);
}

void nvbar_forget_closed(void)
{
	mutex_lock(&closed_lock);
	while (!list_empty(&closed))
		forget(list_first_entry(&closed, struct nvbar, link));
	mutex_unlock(&closed_lock);
}

void nvbar_close(struct nvbar *gpu)
{
	if (!gpu)
		return;
	nvbar_visits_end(gpu);
	nvbar_gpu_detach(&gpu->gpu);
	gpu->backend->close(gpu->backend);
	keep(gpu);
}

/* --- the GPU as a whole ------------------------------------------------------ */

int nvbar_get_info(struct nvbar *gpu, struct nvbar_info *info)
{
	const struct nvbar_gpu *core = &gpu->gpu;
	struct nvbar_bar1_binding binding;
	struct nvbar_info full = {
		.boot0 = core->boot0,
		.boot42 = core->boot42,
		.mmu_version = core->chip->mmu->version,
		.vram_size = core->vram_size,
		.vram_usable = core->reserved_pa,
		.bar1_size = core->bar1_size,
		.page_sizes = core->chip->page_sizes,
		.reserved_pa = core->reserved_pa,
		.reserved_len = core->reserved_len,
	};
	int ret;

	NVBAR_VISIT(gpu);
	ret = nvbar_result_check(gpu, "info", info, sizeof(full));
	if (!ret)
		ret = nvbar_bar1_read_binding(&gpu->gpu, &binding);
	if (ret)
		return ret;
	if (binding.bad.name)
		nvbar_reg_refuse(&gpu->gpu, NVBAR_MSG_WARNING, &binding.bad, "what BAR1 is bound to");
	full.bar1_mode = binding.bad.name ? NVBAR_BAR1_UNKNOWN :
			 binding.is_virtual ? NVBAR_BAR1_VIRTUAL : NVBAR_BAR1_PHYSICAL;
	full.bar1_bound = binding.is_virtual ? binding.inst_pa : 0;
	snprintf(full.device, sizeof(full.device), "%s", gpu->backend->log.device);
	snprintf(full.chip, sizeof(full.chip), "%s", core->chip->name);
	nvbar_result_copy(info, &full, sizeof(full));
	return 0;
}

int nvbar_for_each_protected(struct nvbar *gpu,
			     int (*fn)(const struct nvbar_protected_info *, void *), void *arg)
{
	const struct nvbar_protect *protect = &gpu->gpu.protect;
	unsigned int i;
	int ret = 0;

	NVBAR_VISIT(gpu);
	for (i = 0; i < protect->nr && !ret; i++) {
		const struct nvbar_protected *range = &protect->range[i];
		const struct nvbar_protected_info info = {
			.name = range->name,
			.pa = range->pa,
			.len = range->len,
			.access = range->protection,
		};

		ret = fn(&info, arg);
	}
	return ret;
}

/* What the allocators hold; the locks are taken one after the other. */
static void fill_gauges(struct nvbar_gpu *core, struct nvbar_stats *stats)
{
	mutex_lock(&core->vmm.lock);
	stats->mappings = core->vmm.nr_mapped;
	stats->mapped_bytes = core->vmm.mapped_bytes;
	stats->va_total = core->bar1_size;
	stats->va_free = nvbar_va_free_bytes(&core->vmm.va);
	stats->va_largest_free = nvbar_va_largest_free(&core->vmm.va);
	stats->page_table_bytes = core->vmm.pt.linked_bytes;
	mutex_unlock(&core->vmm.lock);

	mutex_lock(&core->vram_lock);
	stats->vram_total = nvbar_buddy_total(&core->buddy);
	stats->vram_free = nvbar_buddy_free_bytes(&core->buddy);
	stats->vram_largest_free = nvbar_buddy_largest_free(&core->buddy);
	mutex_unlock(&core->vram_lock);
	stats->host_bytes = nvbar_gpu_host_bytes(core);
}

int nvbar_get_stats(struct nvbar *gpu, struct nvbar_stats *stats)
{
	struct nvbar_gpu *core = &gpu->gpu;
	struct nvbar_stats full = {
		.bus_reads = atomic64_read(&core->count.bus_reads),
		.bus_writes = atomic64_read(&core->count.bus_writes),
		.window_moves = atomic64_read(&core->count.window_moves),
		.tlb_invalidates = atomic64_read(&core->count.tlb_invalidates),
		.binds = atomic64_read(&core->count.binds),
		.maps = atomic64_read(&core->count.maps),
		.unmaps = atomic64_read(&core->count.unmaps),
	};

	NVBAR_VISIT(gpu);
	if (nvbar_result_check(gpu, "stats", stats, sizeof(full)))
		return -EINVAL;
	fill_gauges(core, &full);
	full.bus_transactions = transactions_of(gpu->backend) - gpu->transactions;
	if (core->ops->own_reads)
		full.bus_reads += core->ops->own_reads(core->hw);
	if (core->ops->driver_errors)
		full.model_driver_errors = core->ops->driver_errors(core->hw);
	nvbar_result_copy(stats, &full, sizeof(full));
	return 0;
}

const char *nvbar_strerror(int err)
{
	unsigned int nr = err < 0 ? -(unsigned int)err : (unsigned int)err;
	const char *other;

	switch (nr) {
	case 0:
		return "success";
	case EINVAL:
		return "zero length, misaligned argument, unknown flag or malformed device string";
	case ERANGE:
		return "an address or length leaves VRAM, the aperture, the mapping or the VA width";
	case EACCES:
		return "read-only mapping or region, or no permission on a device";
	case EEXIST:
		return "VA already in use";
	case ENOENT:
		return "nothing there";
	case ENOSPC:
		return "no VRAM or no BAR1 address space left";
	case ENOMEM:
		return "no host memory";
	case ENODEV:
		return "the GPU is gone, was reset or is another driver's";
	case ETIMEDOUT:
		return "a register never took the value waited for";
	case EIO:
		return "page tables contradict themselves, or an access or a flush met an MMU fault";
	case EBUSY:
		return "someone else drives this GPU";
	case EOPNOTSUPP:
		return "chip, format or page size not supported here";
	default:
		other = strerrordesc_np((int)nr);
		return other ? other : "unexpected error";
	}
}
