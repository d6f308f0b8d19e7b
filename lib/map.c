// SPDX-License-Identifier: MIT
/* VRAM, mappings and access through them: public types in, driver types out. */
#include <errno.h>

#include <linux/err.h>

#include "bar_user.h"
#include "copy.h"
#include "internal.h"
#include "visit.h"
#include "vram.h"

/* The flags of the public header and of the driver are the same bits. */
/* NOLINTBEGIN(misc-redundant-expression): that they are equal is the point */
_Static_assert(NVBAR_MAP_RDONLY == NVBAR_VMM_RDONLY, "flags differ");
_Static_assert(NVBAR_MAP_FIXED == NVBAR_VMM_FIXED, "flags differ");
_Static_assert(NVBAR_MAP_PRIVATE == NVBAR_VMM_PRIVATE, "flags differ");
_Static_assert(NVBAR_VRAM_CONTIGUOUS == NVBAR_VRAM_FLAG_CONTIGUOUS, "flags differ");
_Static_assert(NVBAR_VRAM_NO_SCRUB == NVBAR_VRAM_FLAG_NO_SCRUB, "flags differ");
_Static_assert(NVBAR_LABEL_MAX == NVBAR_VMM_LABEL_MAX, "label sizes differ");
/* NOLINTEND(misc-redundant-expression) */

int nvbar_vram_alloc(struct nvbar *gpu, uint64_t size, const struct nvbar_vram_opts *user_opts,
		     struct nvbar_vram **vram)
{
	struct nvbar_vram_request req = { .size = size };
	struct nvbar_vram_opts opts;
	struct nvbar_vram *created;
	const char *why;

	NVBAR_VISIT(gpu);
	why = nvbar_opts_copy(&opts, sizeof(opts), user_opts);
	if (why)
		return nvbar_refuse(gpu, "VRAM alloc", why);
	req.align = opts.align;
	req.range_start = opts.range_start;
	req.range_end = opts.range_end;
	req.flags = opts.flags;
	created = nvbar_vram_create(&gpu->gpu, &req);
	if (IS_ERR(created))
		return PTR_ERR(created);
	*vram = created;
	return 0;
}

static void free_vram(struct nvbar_vram *vram)
{
	NVBAR_VISIT_OR(nvbar_of(vram->gpu), );
	nvbar_vram_destroy(vram);
}

void nvbar_vram_free(struct nvbar_vram *vram)
{
	if (vram)
		free_vram(vram);
}

uint64_t nvbar_vram_size(const struct nvbar_vram *vram)
{
	return vram->size;
}

size_t nvbar_vram_extents(const struct nvbar_vram *vram, struct nvbar_extent *ext, size_t max)
{
	size_t i;

	NVBAR_VISIT_OR(nvbar_of(vram->gpu), 0);
	for (i = 0; i < vram->nr_spans && i < max; i++)
		ext[i] = (struct nvbar_extent){ vram->span[i].pa, vram->span[i].len };
	return vram->nr_spans;
}

/* --- spans from the caller's arrays --- */

static struct nvbar_span span_of_pfn(const void *arg, size_t i)
{
	uint64_t pfn = ((const uint64_t *)arg)[i];

	/* A frame beyond 64 bits of address is as far out as any. */
	if (pfn >> (64 - NVBAR_PAGE_SHIFT))
		pfn = ~0ULL >> NVBAR_PAGE_SHIFT;
	return (struct nvbar_span){ pfn << NVBAR_PAGE_SHIFT, NVBAR_PAGE_SIZE };
}

static struct nvbar_span span_of_extent(const void *arg, size_t i)
{
	const struct nvbar_extent *ext = (const struct nvbar_extent *)arg + i;

	return (struct nvbar_span){ ext->pa, ext->len };
}

/* A window of an allocation: which span it begins in, and how it is cut. */
struct vram_part {
	const struct nvbar_vram *vram;
	size_t first;
	u64 skip;	/* bytes of the first span left out */
	u64 cut;	/* bytes of the last span left out */
	size_t nr;
};

static struct nvbar_span span_of_part(const void *arg, size_t i)
{
	const struct vram_part *part = arg;
	struct nvbar_span span = part->vram->span[part->first + i];

	if (i == 0) {
		span.pa += part->skip;
		span.len -= part->skip;
	}
	if (i == part->nr - 1)
		span.len -= part->cut;
	return span;
}

static struct vram_part part_of(const struct nvbar_vram *vram, u64 offset, u64 len)
{
	struct vram_part part = { .vram = vram, .skip = offset };
	u64 covered;

	while (part.skip >= vram->span[part.first].len)
		part.skip -= vram->span[part.first++].len;
	covered = vram->span[part.first].len - part.skip;
	for (part.nr = 1; covered < len; part.nr++)
		covered += vram->span[part.first + part.nr].len;
	part.cut = covered - len;
	return part;
}

/* --- mappings --- */

static int copy_map_opts(struct nvbar *gpu, const struct nvbar_map_opts *user,
			 struct nvbar_bar_user_opts *opts)
{
	struct nvbar_map_opts copy;
	const char *why = nvbar_opts_copy(&copy, sizeof(copy), user);

	if (why)
		return nvbar_refuse(gpu, "map", why);
	*opts = (struct nvbar_bar_user_opts){
		.flags = copy.flags,
		.max_page_shift = copy.max_page_shift,
		.va = copy.va,
		.label = copy.label,
	};
	return 0;
}

static int map_spans(struct nvbar *gpu, const struct nvbar_spans *spans,
		     const struct nvbar_bar_user_opts *opts, struct nvbar_access **access)
{
	struct nvbar_access *made = nvbar_bar_user_map(&gpu->gpu, spans, opts);

	if (IS_ERR(made))
		return PTR_ERR(made);
	*access = made;
	return 0;
}

int nvbar_map_pages(struct nvbar *gpu, const uint64_t *pfns, size_t nr_pages, uint32_t flags,
		    struct nvbar_access **access)
{
	const struct nvbar_bar_user_opts opts = { .flags = flags };
	const struct nvbar_spans spans = { span_of_pfn, pfns, nr_pages };

	NVBAR_VISIT(gpu);
	if (flags & NVBAR_MAP_FIXED)
		return nvbar_refuse(gpu, "map", "NVBAR_MAP_FIXED wants an address: use nvbar_map()");
	return map_spans(gpu, &spans, &opts, access);
}

int nvbar_map(struct nvbar *gpu, const struct nvbar_extent *ext, size_t nr,
	      const struct nvbar_map_opts *user_opts, struct nvbar_access **access)
{
	const struct nvbar_spans spans = { span_of_extent, ext, nr };
	struct nvbar_bar_user_opts opts;

	NVBAR_VISIT(gpu);
	if (copy_map_opts(gpu, user_opts, &opts))
		return -EINVAL;
	return map_spans(gpu, &spans, &opts, access);
}

static int check_part(struct nvbar_gpu *core, const struct nvbar_vram *vram, u64 offset, u64 len)
{
	if (!len || (offset | len) & (NVBAR_PAGE_SIZE - 1)) {
		nvbar_gpu_msg(core, NVBAR_MSG_ERROR,
			      "map 0x%llx+0x%llx of an allocation: not a run of whole pages of 0x%llx bytes",
			      offset, len, NVBAR_PAGE_SIZE);
		return -EINVAL;
	}
	if (offset > vram->size || len > vram->size - offset) {
		nvbar_gpu_msg(core, NVBAR_MSG_ERROR,
			      "map 0x%llx+0x%llx of an allocation: it has 0x%llx bytes", offset, len,
			      vram->size);
		return -ERANGE;
	}
	return 0;
}

int nvbar_map_vram(struct nvbar *gpu, struct nvbar_vram *vram, uint64_t offset, uint64_t len,
		   uint32_t flags, struct nvbar_access **access)
{
	const struct nvbar_bar_user_opts opts = { .flags = flags };
	struct nvbar_spans spans;
	struct vram_part part;
	int ret;

	NVBAR_VISIT(gpu);
	if (flags & NVBAR_MAP_FIXED)
		return nvbar_refuse(gpu, "map", "NVBAR_MAP_FIXED wants an address: use nvbar_map()");
	if (vram->gpu != &gpu->gpu)
		return nvbar_refuse(gpu, "map", "the allocation is another GPU's");
	ret = check_part(&gpu->gpu, vram, offset, len);
	if (ret)
		return ret;
	part = part_of(vram, offset, len);
	spans = (struct nvbar_spans){ span_of_part, &part, part.nr };
	return map_spans(gpu, &spans, &opts, access);
}

/* Of a handle, live or not. */
static int release(struct nvbar_access *access)
{
	NVBAR_VISIT_OR(nvbar_of(access->gpu), -ENODEV);
	return nvbar_bar_user_release(access);
}

int nvbar_unmap(struct nvbar_access *access)
{
	return access ? release(access) : 0;
}

/* A preparation is an access that is not live yet. */

int nvbar_map_prepare(struct nvbar *gpu, size_t nr_pages, const struct nvbar_map_opts *user_opts,
		      struct nvbar_prepared **prepared)
{
	struct nvbar_bar_user_opts opts;
	struct nvbar_access *access;

	NVBAR_VISIT(gpu);
	if (copy_map_opts(gpu, user_opts, &opts))
		return -EINVAL;
	access = nvbar_bar_user_prepare(&gpu->gpu, nr_pages, &opts);
	if (IS_ERR(access))
		return PTR_ERR(access);
	*prepared = (struct nvbar_prepared *)access;
	return 0;
}

int nvbar_map_execute(struct nvbar_prepared *prepared, const struct nvbar_extent *ext, size_t nr,
		      struct nvbar_access **access)
{
	struct nvbar_access *made = (struct nvbar_access *)prepared;
	const struct nvbar_spans spans = { span_of_extent, ext, nr };
	int ret;

	/* Of a GPU that is lost the preparation is given back all the same. */
	NVBAR_VISIT_OR(nvbar_of(made->gpu), -ENODEV);
	ret = nvbar_bar_user_execute(made, &spans);
	if (!ret)
		*access = made;
	return ret;
}

void nvbar_map_cancel(struct nvbar_prepared *prepared)
{
	if (prepared)
		release((struct nvbar_access *)prepared);
}

uint64_t nvbar_access_base(const struct nvbar_access *a)
{
	return a->base;
}

uint64_t nvbar_access_size(const struct nvbar_access *a)
{
	return a->size;
}

uint64_t nvbar_access_vfn_start(const struct nvbar_access *a)
{
	return a->base >> NVBAR_PAGE_SHIFT;
}

size_t nvbar_access_num_pages(const struct nvbar_access *a)
{
	return a->size >> NVBAR_PAGE_SHIFT;
}

/* --- access --- */

#define DEFINE_ACCESSORS(bits)								\
int nvbar_read##bits(struct nvbar_access *a, uint64_t offset, uint##bits##_t *value)	\
{											\
	u64 read;									\
	int ret;									\
											\
	NVBAR_ACCESS(a);								\
	ret = nvbar_access_rd(a, offset, (bits) / 8, &read);			\
	if (!ret)									\
		*value = read;								\
	return ret;									\
}											\
											\
int nvbar_write##bits(struct nvbar_access *a, uint64_t offset, uint##bits##_t value)	\
{											\
	NVBAR_ACCESS(a);								\
	return nvbar_access_wr(a, offset, (bits) / 8, value);				\
}

DEFINE_ACCESSORS(8)
DEFINE_ACCESSORS(16)
DEFINE_ACCESSORS(32)
DEFINE_ACCESSORS(64)

int nvbar_read(struct nvbar_access *a, uint64_t offset, void *buf, size_t len)
{
	const void *block;

	NVBAR_ACCESS(a);
	block = nvbar_access_block_from(a, offset, len);
	if (unlikely(!block))
		return nvbar_access_copy_from(a, offset, buf, len);
	nvbar_copy_memory(buf, block, len);
	return 0;
}

int nvbar_write(struct nvbar_access *a, uint64_t offset, const void *buf, size_t len)
{
	void *block;

	NVBAR_ACCESS(a);
	block = nvbar_access_block_to(a, offset, len);
	if (unlikely(!block))
		return nvbar_access_copy_to(a, offset, buf, len);
	nvbar_copy_memory(block, buf, len);
	return 0;
}

int nvbar_fill(struct nvbar_access *a, uint64_t offset, uint32_t pattern, uint64_t len)
{
	NVBAR_ACCESS(a);
	return nvbar_access_fill(a, offset, pattern, len);
}

int nvbar_flush(struct nvbar_access *a)
{
	NVBAR_ACCESS(a);
	return nvbar_access_flush(a);
}

int nvbar_mmap(struct nvbar_access *a, void **ptr)
{
	NVBAR_VISIT(nvbar_of(a->gpu));
	return nvbar_access_mmap(a, ptr);
}
