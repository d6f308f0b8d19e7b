// SPDX-License-Identifier: MIT
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "bar1.h"
#include "fault.h"
#include "gpu.h"
#include "pramin.h"
#include "vram.h"

/* Through BAR1 from this length on: a mapping costs two invalidates, a page by PRAMIN 512 writes. */
#define SCRUB_BAR1_MIN	SZ_64K
/* ... and in pieces of at most this, so as not to take the aperture from others. */
#define SCRUB_BAR1_MAX	SZ_16M

static int check_request(struct nvbar_gpu *gpu, const struct nvbar_vram_request *req, u64 range_end)
{
	if (!req->size || !IS_ALIGNED(req->size, NVBAR_PAGE_SIZE)) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "VRAM alloc: 0x%llx bytes is not a number of pages of 0x%llx", req->size,
			      NVBAR_PAGE_SIZE);
		return -EINVAL;
	}
	if (req->flags & ~NVBAR_VRAM_FLAGS) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR, "VRAM alloc: unknown flags 0x%x",
			      req->flags & ~NVBAR_VRAM_FLAGS);
		return -EINVAL;
	}
	if (req->align && (!is_power_of_2(req->align) || req->align < NVBAR_PAGE_SIZE)) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "VRAM alloc: alignment 0x%llx is no power of two from 0x%llx up",
			      req->align, NVBAR_PAGE_SIZE);
		return -EINVAL;
	}
	if (!IS_ALIGNED(req->range_start | range_end, NVBAR_PAGE_SIZE) ||
	    (req->range_end && req->range_start >= range_end)) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "VRAM alloc: range 0x%llx..0x%llx is empty or not of whole pages",
			      req->range_start, range_end);
		return -EINVAL;
	}
	if (range_end > gpu->vram_size || req->range_start >= range_end) {
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "VRAM alloc: range 0x%llx..0x%llx leaves VRAM of 0x%llx bytes",
			      req->range_start, range_end, gpu->vram_size);
		return -ERANGE;
	}
	return nvbar_gpu_may_write(gpu);
}

/* What a GPU that still scrubs VRAM itself, or does not take writes, makes of zeroes. */
static int check_zeroes(struct nvbar_gpu *gpu, u64 pa, const u64 *words, size_t nr)
{
	size_t i;

	for (i = 0; i < nr && !words[i]; i++)
		;
	if (i == nr)
		return 0;
	/* All ones are also what a GPU answers that is no more. */
	if (nvbar_pramin_may_be_gone(words[i]) && nvbar_gpu_alive(gpu))
		return -ENODEV;
	nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
		      "VRAM at 0x%llx: 0x%llx where zero was written: it does not keep what is written",
		      pa + 8 * i, words[i]);
	return -EIO;
}

#define READ_BACK_WORDS	64

static int read_back_by_pramin(struct nvbar_gpu *gpu, u64 pa, u64 len)
{
	u64 words[READ_BACK_WORDS];
	int ret = 0;

	for (; len && !ret; pa += sizeof(words), len -= sizeof(words)) {
		ret = nvbar_pramin_rd_words(gpu, pa, words, READ_BACK_WORDS);
		if (!ret)
			ret = check_zeroes(gpu, pa, words, READ_BACK_WORDS);
	}
	return ret;
}

static int read_back_by_bar1(struct nvbar_gpu *gpu, u64 va, u64 pa, u64 len)
{
	u64 words[READ_BACK_WORDS];
	int ret = 0;

	for (; len && !ret; va += sizeof(words), pa += sizeof(words), len -= sizeof(words)) {
		gpu->ops->bar1_copy_from(gpu->hw, words, va, sizeof(words));
		atomic64_add(READ_BACK_WORDS, &gpu->count.bus_reads);
		ret = check_zeroes(gpu, pa, words, READ_BACK_WORDS);
	}
	return ret;
}

static int scrub_by_pramin(struct nvbar_gpu *gpu, u64 pa, u64 len)
{
	static const u64 zeroes[NVBAR_PAGE_SIZE / 8];
	u64 done;
	int ret;

	/* PRAMIN knows no order with BAR1, and these pages may have been somebody's. */
	ret = nvbar_vmm_order_writes(gpu);
	if (ret)
		return ret;
	for (done = 0; done < len; done += sizeof(zeroes)) {
		ret = nvbar_pramin_wr_words(gpu, pa + done, zeroes, ARRAY_SIZE(zeroes));
		if (ret)
			return ret;
	}
	ret = nvbar_pramin_flush(gpu);
	return ret || !gpu->read_back ? ret : read_back_by_pramin(gpu, pa, len);
}

static struct nvbar_span get_span(const void *arg, size_t i)
{
	return ((const struct nvbar_span *)arg)[i];
}

/* A live mapping of the span, or a new one: only -ENOSPC and -ENOMEM leave another way. */
static struct nvbar_mapping *map_span(struct nvbar_gpu *gpu, const struct nvbar_spans *spans,
				      u64 len, u64 *off)
{
	const struct nvbar_shape shape = { len, 1, nvbar_spans_get(spans, 0), 0 };
	const struct nvbar_vmm_request req = {
		.len = len,
		.spans = spans,
		.shape = &shape,
		.flags = NVBAR_VMM_PRIVATE,
		.label = "scrub",
	};
	struct nvbar_mapping *mapping;
	struct nvbar_vmm_part at;
	int ret;

	mapping = nvbar_vmm_share(gpu, spans, 0, &at);
	*off = mapping ? at.off : 0;
	if (mapping)
		return mapping;
	mapping = nvbar_vmm_reserve(gpu, &req);
	if (IS_ERR(mapping))
		return mapping;
	ret = nvbar_vmm_map(gpu, &mapping, spans, &shape, NULL);
	return ret ? ERR_PTR(ret) : mapping;
}

/*
 * Where faults elsewhere have no end, or the GPU scrubs VRAM itself, a look at it tells.
 * A mapping that was there before asked the GPU for nothing: that it leads where it did,
 * and not into somebody else's memory after a reset, is asked before and after.
 */
static int zero_by_bar1(struct nvbar_gpu *gpu, u64 va, u64 pa, u64 len)
{
	struct nvbar_fault_watch watch = { va, len, NVBAR_FAULT_TRIES, 0 };
	bool may_have_faulted;
	int ret;

	do {
		ret = nvbar_bar1_glance(gpu);
		if (ret)
			return ret;
		nvbar_fault_watch(gpu, &watch);
		gpu->ops->bar1_fill(gpu->hw, va, 0, len);
		gpu->ops->write_barrier(gpu->hw);
		/* Pushes the zeroes before it; ending a shared mapping asks the GPU for nothing. */
		gpu->ops->bar1_read(gpu->hw, va, 4);
		atomic64_add(len / 8, &gpu->count.bus_writes);
		atomic64_inc(&gpu->count.bus_reads);
		ret = nvbar_bar1_glance(gpu);
		if (!ret)
			ret = nvbar_fault_look(gpu, &watch);
	} while (ret == -EAGAIN);
	may_have_faulted = ret == -EIO && !watch.tries;
	if (may_have_faulted || (!ret && gpu->read_back))
		return read_back_by_bar1(gpu, va, pa, len);
	return ret;
}

static int scrub_by_bar1(struct nvbar_gpu *gpu, struct nvbar_span span)
{
	const struct nvbar_spans spans = { get_span, &span, 1 };
	struct nvbar_mapping *mapping;
	int ret, err;
	u64 off;

	nvbar_fault_settle(gpu);
	mapping = map_span(gpu, &spans, span.len, &off);
	if (IS_ERR(mapping))
		return PTR_ERR(mapping);
	ret = zero_by_bar1(gpu, mapping->node.start + off, span.pa, span.len);
	err = nvbar_vmm_unmap(gpu, mapping);
	return ret ? ret : err;
}

static int scrub(struct nvbar_gpu *gpu, struct nvbar_span span)
{
	u64 piece = gpu->bar1_size ? SCRUB_BAR1_MAX : 0;
	int ret;

	while (span.len) {
		u64 len = min(span.len, piece);

		if (len < SCRUB_BAR1_MIN)
			return scrub_by_pramin(gpu, span.pa, span.len);
		ret = scrub_by_bar1(gpu, (struct nvbar_span){ span.pa, len });
		if (ret == -ENOSPC || ret == -ENOMEM) {
			/* The window is too small for that: try less, and PRAMIN in the end. */
			piece = round_down(len / 2, NVBAR_PAGE_SIZE);
			continue;
		}
		if (ret)
			return ret;
		span.pa += len;
		span.len -= len;
	}
	return 0;
}

static void free_blocks(struct nvbar_vram *vram)
{
	guard(mutex)(&vram->gpu->vram_lock);
	nvbar_buddy_free(&vram->gpu->buddy, &vram->blocks);
}

static int alloc_blocks(struct nvbar_vram *vram, const struct nvbar_buddy_req *req)
{
	guard(mutex)(&vram->gpu->vram_lock);
	return nvbar_buddy_alloc(&vram->gpu->buddy, req, &vram->blocks);
}

static int fill_vram(struct nvbar_vram *vram, const struct nvbar_vram_request *req, u64 range_end)
{
	const struct nvbar_buddy_req breq = {
		.size = req->size,
		.align = req->align ? req->align : NVBAR_PAGE_SIZE,
		.range_start = req->range_start,
		.range_end = range_end,
		.contiguous = req->flags & NVBAR_VRAM_FLAG_CONTIGUOUS,
	};
	struct nvbar_block *block;
	size_t i;
	int ret;

	ret = alloc_blocks(vram, &breq);
	if (ret)
		return ret;
	list_for_each_entry(block, &vram->blocks, link)
		vram->nr_spans++;
	vram->span = kvmalloc_array(vram->nr_spans, sizeof(*vram->span), GFP_KERNEL);
	if (!vram->span) {
		ret = -ENOMEM;
		goto err_free_blocks;
	}
	i = 0;
	list_for_each_entry(block, &vram->blocks, link)
		vram->span[i++] = (struct nvbar_span){ block->pa, block->len };

	for (i = 0; !(req->flags & NVBAR_VRAM_FLAG_NO_SCRUB) && i < vram->nr_spans; i++) {
		ret = scrub(vram->gpu, vram->span[i]);
		if (ret)
			goto err_free_span;
	}
	return 0;

err_free_span:
	kvfree(vram->span);
err_free_blocks:
	free_blocks(vram);
	return ret;
}

static u64 host_bytes(const struct nvbar_vram *vram)
{
	return sizeof(*vram) + vram->nr_spans * sizeof(*vram->span);
}

struct nvbar_vram *nvbar_vram_create(struct nvbar_gpu *gpu, const struct nvbar_vram_request *req)
{
	u64 range_end = req->range_end ? req->range_end : round_down(gpu->vram_size, NVBAR_PAGE_SIZE);
	struct nvbar_vram *vram;
	int ret;

	ret = check_request(gpu, req, range_end);
	if (ret)
		return ERR_PTR(ret);
	vram = kzalloc(sizeof(*vram), GFP_KERNEL);
	if (!vram)
		return ERR_PTR(-ENOMEM);
	vram->gpu = gpu;
	vram->size = req->size;
	INIT_LIST_HEAD(&vram->blocks);

	ret = fill_vram(vram, req, range_end);
	if (ret) {
		kfree(vram);
		nvbar_gpu_msg(gpu, NVBAR_MSG_ERROR,
			      "VRAM alloc: 0x%llx bytes in 0x%llx..0x%llx failed (error %d)",
			      req->size, req->range_start, range_end, -ret);
		return ERR_PTR(ret);
	}
	mutex_lock(&gpu->vram_lock);
	list_add_tail(&vram->link, &gpu->vrams);
	gpu->vram_host_bytes += host_bytes(vram);
	mutex_unlock(&gpu->vram_lock);
	return vram;
}

/* All of an allocation but the memory of its handle. */
static void end_vram(struct nvbar_vram *vram)
{
	free_blocks(vram);
	kvfree(vram->span);
	vram->span = NULL;
}

void nvbar_vram_destroy(struct nvbar_vram *vram)
{
	mutex_lock(&vram->gpu->vram_lock);
	list_del(&vram->link);
	vram->gpu->vram_host_bytes -= host_bytes(vram);
	mutex_unlock(&vram->gpu->vram_lock);
	end_vram(vram);
	kfree(vram);
}

void nvbar_vram_end_all(struct nvbar_gpu *gpu)
{
	struct nvbar_vram *vram;

	list_for_each_entry(vram, &gpu->vrams, link)
		end_vram(vram);
}

void nvbar_vram_free_all(struct nvbar_gpu *gpu, size_t spare)
{
	struct nvbar_vram *vram, *next;

	list_for_each_entry_safe(vram, next, &gpu->vrams, link) {
		if (spare) {
			spare--;
			continue;
		}
		list_del(&vram->link);
		kfree(vram);
	}
}
