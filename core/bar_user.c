// SPDX-License-Identifier: MIT
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bar_user.h"
#include "chip.h"
#include "gpu.h"

/* What users may ask for. */
#define VMM_FLAGS	(NVBAR_VMM_RDONLY | NVBAR_VMM_FIXED | NVBAR_VMM_PRIVATE)

static int check_opts(struct nvbar_gpu *gpu, const struct nvbar_bar_user_opts *opts)
{
	if (nvbar_gpu_is_lost(gpu))
		return -ENODEV;
	if (opts->flags & ~VMM_FLAGS) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "map: unknown flags 0x%x",
			      opts->flags & ~VMM_FLAGS);
		return -EINVAL;
	}
	if ((opts->flags & NVBAR_VMM_FIXED) && !IS_ALIGNED(opts->va, NVBAR_PAGE_SIZE)) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "map: VA 0x%llx is not a multiple of 0x%llx",
			      opts->va, NVBAR_PAGE_SIZE);
		return -EINVAL;
	}
	if (opts->label && strnlen(opts->label, NVBAR_VMM_LABEL_MAX) == NVBAR_VMM_LABEL_MAX) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "map: label is longer than %u characters",
			      NVBAR_VMM_LABEL_MAX - 1);
		return -EINVAL;
	}
	if (opts->max_page_shift &&
	    (opts->max_page_shift > 63 || !(gpu->chip->page_sizes & BIT_ULL(opts->max_page_shift)))) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "map: %s has no pages of 1 << %u bytes",
			      gpu->chip->name, opts->max_page_shift);
		return opts->max_page_shift < NVBAR_PAGE_SHIFT || opts->max_page_shift > 63 ?
			       -EINVAL : -EOPNOTSUPP;
	}
	return 0;
}

static int check_size(struct nvbar_gpu *gpu, u64 nr_pages, const struct nvbar_bar_user_opts *opts)
{
	u64 max = gpu->va_size >> NVBAR_PAGE_SHIFT;

	if (!nr_pages) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "map: no pages");
		return -EINVAL;
	}
	if (!gpu->bar1_size) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "map: this GPU has no BAR1");
		return -EOPNOTSUPP;
	}
	if ((opts->flags & NVBAR_VMM_FIXED) &&
	    (nr_pages > max || opts->va >> NVBAR_PAGE_SHIFT > max - nr_pages)) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "map: 0x%llx pages at VA 0x%llx leave the 0x%llx bytes of BAR1 that are used",
			      nr_pages, opts->va, gpu->va_size);
		return -ERANGE;
	}
	if (nr_pages > max) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "map: 0x%llx pages or more exceed the 0x%llx bytes of BAR1 that are used",
			      nr_pages, gpu->va_size);
		return -ENOSPC;
	}
	return 0;
}

/* What is no plain page of plain memory. */
static int check_span(struct nvbar_gpu *gpu, struct nvbar_span span, bool writable)
{
	u64 reach = 1ULL << gpu->chip->mmu->vid_bits;

	if (!span.len || !IS_ALIGNED(span.pa | span.len, NVBAR_PAGE_SIZE)) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "map 0x%llx+0x%llx: not a run of whole pages of 0x%llx bytes", span.pa,
			      span.len, NVBAR_PAGE_SIZE);
		return -EINVAL;
	}
	if (span.pa > gpu->vram_size || span.len > gpu->vram_size - span.pa) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "map 0x%llx+0x%llx: leaves VRAM of 0x%llx bytes", span.pa, span.len,
			      gpu->vram_size);
		return -ERANGE;
	}
	if (span.pa + span.len > reach) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "map 0x%llx+0x%llx: %s page tables reach 0x%llx bytes of VRAM", span.pa,
			      span.len, gpu->chip->mmu->name, reach);
		return -EOPNOTSUPP;
	}
	if (writable && span.pa < gpu->reserved_pa + gpu->reserved_len &&
	    span.pa + span.len > gpu->reserved_pa) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "map 0x%llx+0x%llx: the driver's own region 0x%llx+0x%llx is read-only",
			      span.pa, span.len, gpu->reserved_pa, gpu->reserved_len);
		return -EACCES;
	}
	return nvbar_protect_check(gpu, "map", span.pa, span.len, writable);
}

/* Up to here every page may be mapped: what is protected lies above. */
static u64 plain_end(const struct nvbar_gpu *gpu)
{
	return min(gpu->reserved_pa, 1ULL << gpu->chip->mmu->vid_bits);
}

/* A run has ended: is it the longest so far? */
static void end_run(struct nvbar_shape *shape, struct nvbar_span run)
{
	if (!run.len)
		return;
	shape->nr_runs++;
	if (run.len > shape->longest.len) {
		shape->longest = run;
		shape->before_longest = shape->len - run.len;
	}
}

/*
 * The shape of @spans if all of them may be mapped, as they are now: a refusal before
 * anything is held for them.  What counts is the check when entries are made of them.
 */
static int check_spans(struct nvbar_gpu *gpu, const struct nvbar_spans *spans, bool writable,
		       struct nvbar_shape *shape)
{
	struct nvbar_span run = { 0, 0 };
	u64 plain = plain_end(gpu);
	size_t i;
	int ret;

	*shape = (struct nvbar_shape){ 0 };
	for (i = 0; i < spans->nr; i++) {
		struct nvbar_span span = nvbar_spans_get(spans, i);

		ret = nvbar_vmm_is_plain(span, plain) ? 0 : check_span(gpu, span, writable);
		if (ret)
			return ret;
		if (span.pa == run.pa + run.len && run.len) {
			run.len += span.len;
		} else {
			end_run(shape, run);
			run = span;
		}
		shape->len += span.len;
		/* Enough to be refused; adding on might wrap. */
		if (shape->len > gpu->va_size)
			break;
	}
	end_run(shape, run);
	return 0;
}

/* A handle on @len bytes of the mapping from @off on.  Once listed, it is found by faults. */
static void add_access(struct nvbar_access *access, struct nvbar_gpu *gpu,
		       struct nvbar_mapping *mapping, u64 off, u64 len, bool live)
{
	access->gpu = gpu;
	access->mapping = mapping;
	access->base = mapping->node.start + off;
	access->size = len;
	access->live = live;
	access->writable = !(mapping->flags & NVBAR_VMM_RDONLY);
	access->generation = gpu->direct.generation;
	access->ordinary = gpu->direct.ordinary;

	mutex_lock(&gpu->vmm.lock);
	access->told = gpu->vmm.fault.seq;
	list_add_tail(&access->link, &gpu->vmm.accesses);
	gpu->vmm.host_bytes += sizeof(*access);
	mapping->unclaimed--;
	mutex_unlock(&gpu->vmm.lock);
}

/* Who or what is in the way of a range. */
static void explain(struct nvbar_gpu *gpu, const struct nvbar_vmm_request *req, int err)
{
	const struct nvbar_mapping *holder;
	const struct nvbar_va_node *node;
	char text[128];

	mutex_lock(&gpu->vmm.lock);
	switch (err) {
	case -EEXIST:
		node = nvbar_va_first(&gpu->vmm.va);
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a fixed range, it exists */
		while (node && node->start + node->len + node->after <= *req->fixed)
			node = nvbar_va_next(node);
		holder = node ? container_of(node, struct nvbar_mapping, node) : NULL;
		scnprintf(text, sizeof(text), "0x%llx+0x%llx is held%s%s", node ? node->start : 0,
			  node ? node->len : 0, holder && holder->label[0] ? " by " : "",
			  holder ? holder->label : "");
		break;
	case -ENOSPC:
		scnprintf(text, sizeof(text), "0x%llx bytes of BAR1 are free, 0x%llx in one piece",
			  nvbar_va_free_bytes(&gpu->vmm.va), nvbar_va_largest_free(&gpu->vmm.va));
		break;
	case -ENOMEM:
		scnprintf(text, sizeof(text), "no host memory");
		break;
	default:
		scnprintf(text, sizeof(text),
			  "the GPU does not confirm the unmaps that there is no room without");
		break;
	}
	mutex_unlock(&gpu->vmm.lock);
	nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "map 0x%llx bytes: %s", req->len, text);
}

/* The first phase once the options are known to be good; @spans if they are known. */
static struct nvbar_access *prepare(struct nvbar_gpu *gpu, u64 nr_pages,
				    const struct nvbar_spans *spans,
				    const struct nvbar_shape *shape,
				    const struct nvbar_bar_user_opts *opts)
{
	const struct nvbar_vmm_request req = {
		.len = nr_pages << NVBAR_PAGE_SHIFT,
		.fixed = opts->flags & NVBAR_VMM_FIXED ? &opts->va : NULL,
		.spans = spans,
		.shape = shape,
		.max_page_shift = opts->max_page_shift,
		.flags = opts->flags | (opts->is_static ? NVBAR_VMM_STATIC : 0),
		.label = opts->label,
	};
	struct nvbar_mapping *mapping;
	struct nvbar_access *access;
	int ret;

	ret = check_size(gpu, nr_pages, opts);
	if (!ret)
		ret = nvbar_gpu_may_write(gpu);
	if (ret)
		return ERR_PTR(ret);

	access = kzalloc(sizeof(*access), GFP_KERNEL);
	if (!access)
		return ERR_PTR(-ENOMEM);
	mapping = nvbar_vmm_reserve(gpu, &req);
	if (IS_ERR(mapping)) {
		kfree(access);
		explain(gpu, &req, PTR_ERR(mapping));
		return ERR_CAST(mapping);
	}
	add_access(access, gpu, mapping, 0, mapping->node.len, false);
	return access;
}

/* A handle on pages that are mapped already; NULL if they aren't. */
static struct nvbar_access *share(struct nvbar_gpu *gpu, const struct nvbar_spans *spans,
				  const struct nvbar_bar_user_opts *opts)
{
	struct nvbar_mapping *mapping;
	struct nvbar_access *access;
	struct nvbar_vmm_part at;

	if ((opts->flags & (NVBAR_VMM_FIXED | NVBAR_VMM_PRIVATE)) || opts->max_page_shift ||
	    gpu->observe)
		return NULL;
	access = kzalloc(sizeof(*access), GFP_KERNEL);
	if (!access)
		return ERR_PTR(-ENOMEM);
	mapping = nvbar_vmm_share(gpu, spans, opts->flags, &at);
	if (!mapping) {
		kfree(access);
		return NULL;
	}
	add_access(access, gpu, mapping, at.off, at.len, true);
	return access;
}

struct nvbar_access *nvbar_bar_user_prepare(struct nvbar_gpu *gpu, u64 nr_pages,
					    const struct nvbar_bar_user_opts *opts)
{
	int ret = check_opts(gpu, opts);

	return ret ? ERR_PTR(ret) : prepare(gpu, nr_pages, NULL, NULL, opts);
}

/* Forgets a handle whose range is held by nobody any more, or by the quarantine. */
static void free_access(struct nvbar_access *access)
{
	mutex_lock(&access->gpu->vmm.lock);
	list_del(&access->link);
	access->gpu->vmm.host_bytes -= sizeof(*access);
	mutex_unlock(&access->gpu->vmm.lock);
	kfree(access);
}

/* The second phase once the spans look good. */
static int execute(struct nvbar_access *access, const struct nvbar_spans *spans,
		   const struct nvbar_shape *shape)
{
	const struct nvbar_vmm_rule rule = { plain_end(access->gpu), check_span };
	int ret = nvbar_vmm_map(access->gpu, &access->mapping, spans, shape, &rule);

	if (ret)
		free_access(access);
	else
		WRITE_ONCE(access->live, true);
	return ret;
}

int nvbar_bar_user_execute(struct nvbar_access *access, const struct nvbar_spans *spans)
{
	struct nvbar_gpu *gpu = access->gpu;
	struct nvbar_shape shape;
	int ret;

	ret = nvbar_gpu_is_lost(gpu) ? -ENODEV : check_spans(gpu, spans, access->writable, &shape);
	if (!ret && shape.len != access->size) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "map: 0x%llx bytes, but 0x%llx were prepared",
			      shape.len, access->size);
		ret = -EINVAL;
	}
	if (ret) {
		nvbar_bar_user_release(access);
		return ret;
	}
	return execute(access, spans, &shape);
}

struct nvbar_access *nvbar_bar_user_map(struct nvbar_gpu *gpu, const struct nvbar_spans *spans,
					const struct nvbar_bar_user_opts *opts)
{
	struct nvbar_access *access;
	struct nvbar_shape shape;
	int ret;

	ret = check_opts(gpu, opts);
	if (!ret)
		ret = check_spans(gpu, spans, !(opts->flags & NVBAR_VMM_RDONLY), &shape);
	if (ret)
		return ERR_PTR(ret);
	access = share(gpu, spans, opts);
	if (access)
		return access;
	access = prepare(gpu, shape.len >> NVBAR_PAGE_SHIFT, spans, &shape, opts);
	if (IS_ERR(access))
		return access;
	ret = execute(access, spans, &shape);
	return ret ? ERR_PTR(ret) : access;
}

/* The mapping, held without a handle from here on. */
static struct nvbar_mapping *unclaim(struct nvbar_access *access)
{
	struct nvbar_mapping *mapping = access->mapping;

	mutex_lock(&access->gpu->vmm.lock);
	mapping->unclaimed++;
	access->mapping = NULL;
	mutex_unlock(&access->gpu->vmm.lock);
	return mapping;
}

/* All of a handle but its memory. */
static int end_access(struct nvbar_access *access)
{
	struct nvbar_gpu *gpu = access->gpu;
	struct nvbar_mapping *mapping;

	/* Pointers die first, so that nothing uses the range while it goes. */
	nvbar_access_munmap(access);
	nvbar_access_forget(access);
	mapping = unclaim(access);
	if (access->live)
		return nvbar_vmm_unmap(gpu, mapping);
	nvbar_vmm_cancel(gpu, mapping);
	return 0;
}

int nvbar_bar_user_release(struct nvbar_access *access)
{
	int ret = end_access(access);

	free_access(access);
	return ret;
}

void nvbar_bar_user_turn_away(struct nvbar_gpu *gpu)
{
	struct nvbar_access *access;

	guard(mutex)(&gpu->vmm.lock);
	list_for_each_entry(access, &gpu->vmm.accesses, link)
		WRITE_ONCE(access->ended, true);
}

void nvbar_bar_user_end_all(struct nvbar_gpu *gpu)
{
	struct nvbar_access *access;

	list_for_each_entry(access, &gpu->vmm.accesses, link)
		end_access(access);
}

void nvbar_bar_user_free_all(struct nvbar_gpu *gpu, size_t spare)
{
	struct nvbar_access *access, *next;

	list_for_each_entry_safe(access, next, &gpu->vmm.accesses, link) {
		if (spare) {
			spare--;
			continue;
		}
		list_del(&access->link);
		kfree(access);
	}
}
