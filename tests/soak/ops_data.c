// SPDX-License-Identifier: MIT
/* Reading and writing, all the ways there are. */
#include "ops.h"
#include "../width.h"

#include <string.h>

/* What a write that returned has done, be the GPU alive, lost, or killed by it. */
static void written(struct run *run, const struct pages *pages, uint64_t off, const uint8_t *data,
		    uint64_t len)
{
	uint64_t end = off + len;

	if (!run->lost)
		ref_write(&run->ref, pages, off, data, len);
	else if (!run->was_lost)
		settle(run, pages, off, data, len);
	/* A flush may be the next to tell where it is. */
	if (len && data[0] % 2)
		return;
	for (; off < end; off += PAGE - off % PAGE) {
		uint64_t step = PAGE - off % PAGE < end - off ? PAGE - off % PAGE : end - off;

		check_bytes(run, pages_at(pages, off).pa, step);
	}
}

/* A part of a mapping to copy; mostly it is one.  False if it shows anything but the arena. */
static bool part(const struct handle *h, unsigned int at, unsigned int nr, unsigned int unit,
		 uint64_t *off, uint64_t *len)
{
	uint64_t size = h->pages.len < ARENA ? h->pages.len : ARENA;

	*off = (uint64_t)at * unit % (size + 16);
	*len = (uint64_t)nr * unit % MAX_COPY;
	if (*off + *len > size && nr % 16)
		*len = *off < size ? size - *off : 0;
	return *off + *len > h->pages.len || pages_in_arena(&h->pages, *off, *len);
}

static void expect_access(const struct handle *h, uint64_t off, uint64_t len, bool write,
			  struct expect *e)
{
	if (off + len > h->pages.len)
		may_return(e, -ERANGE);
	if (write && h->flags & NVBAR_MAP_RDONLY)
		may_return(e, -EACCES);
	if (!e->nr)
		may_return(e, 0);
}

void op_write(struct run *run, const struct op *op)
{
	static uint8_t buf[MAX_COPY];
	struct handle *h = mapped_slot(run, op);
	struct expect e = { 0 };
	uint64_t off, len;
	int ret;

	if (!h || !part(h, op->n[1], op->n[2], 1, &off, &len))
		return;
	fill(buf, len, op->n[3]);
	expect_access(h, off, len, true, &e);
	call_begin(run);
	say(run, "\tfill(0x%llx, %u);\n\tret = nvbar_write(access[%u], 0x%llx, buf, 0x%llx);\n",
	    (unsigned long long)len, op->n[3], slot_of(op), (unsigned long long)off,
	    (unsigned long long)len);
	ret = nvbar_write(h->a, off, buf, len);
	call_end(run);
	want(run, "write", ret, &e);
	if (!ret)
		written(run, &h->pages, off, buf, len);
}

void op_fill(struct run *run, const struct op *op)
{
	static uint32_t buf[MAX_COPY / 4];
	struct handle *h = mapped_slot(run, op);
	struct expect e = { 0 };
	uint64_t off, len, i;
	int ret;

	if (!h || !part(h, op->n[1], op->n[2], 4, &off, &len))
		return;
	for (i = 0; i < len / 4; i++)
		buf[i] = op->n[3];
	if ((off | len) & 3)
		may_return(&e, -EINVAL);
	expect_access(h, off, len, true, &e);
	call_begin(run);
	say(run, "\tret = nvbar_fill(access[%u], 0x%llx, 0x%x, 0x%llx);\n", slot_of(op),
	    (unsigned long long)off, op->n[3], (unsigned long long)len);
	ret = nvbar_fill(h->a, off, op->n[3], len);
	call_end(run);
	want(run, "fill", ret, &e);
	if (!ret)
		written(run, &h->pages, off, (const uint8_t *)buf, len);
}

void op_read(struct run *run, const struct op *op)
{
	static uint8_t buf[MAX_COPY], should_be[MAX_COPY];
	struct handle *h = mapped_slot(run, op);
	struct expect e = { 0 };
	uint64_t off, len;
	char call[64];
	int ret;

	if (!h || !part(h, op->n[1], op->n[2], 1, &off, &len))
		return;
	expect_access(h, off, len, false, &e);
	call_begin(run);
	say(run, "\tret = nvbar_read(access[%u], 0x%llx, buf, 0x%llx);\n", slot_of(op),
	    (unsigned long long)off, (unsigned long long)len);
	ret = nvbar_read(h->a, off, buf, len);
	call_end(run);
	if (len)
		may_fail(run, &e, false, true, false);
	want(run, "read", ret, &e);
	if (ret)
		return;
	ref_read(&run->ref, &h->pages, off, should_be, len);
	snprintf(call, sizeof(call), "nvbar_read(access[%u], ", slot_of(op));
	compare(run, "read: data", call, off, buf, should_be, len);
}

void op_single(struct run *run, const struct op *op)
{
	struct handle *h = mapped_slot(run, op);
	unsigned int width = 1u << op->n[2] % 4;
	uint64_t off, val;
	struct expect e = { 0 };
	int ret;

	if (!h)
		return;
	off = (uint64_t)op->n[1] * width % ((h->pages.len < ARENA ? h->pages.len : ARENA) + 16);
	if (off + width <= h->pages.len && !pages_in_arena(&h->pages, off, width))
		return;
	fill((uint8_t *)&val, sizeof(val), op->n[3]);
	expect_access(h, off, width, true, &e);
	call_begin(run);
	say(run, "\tret = nvbar_write%u(access[%u], 0x%llx, 0x%llx);\n", 8 * width, slot_of(op),
	    (unsigned long long)off,
	    (unsigned long long)(width < 8 ? val & ((1ull << 8 * width) - 1) : val));
	ret = write_width(h->a, off, width, val);
	call_end(run);
	want(run, "single write", ret, &e);
	if (!ret)
		written(run, &h->pages, off, (const uint8_t *)&val, width);
}

void op_load(struct run *run, const struct op *op)
{
	struct handle *h = mapped_slot(run, op);
	uint64_t off, val = 0, should_be;
	struct expect e = { 0 };
	char call[64];
	int ret;

	if (!h)
		return;
	off = op->n[1] * 8ull % (h->pages.len < ARENA ? h->pages.len : ARENA);
	if (!pages_in_arena(&h->pages, off, 8))
		return;
	may_return(&e, 0);
	call_begin(run);
	say(run, "\tret = nvbar_read64(access[%u], 0x%llx, (uint64_t *)buf);\n", slot_of(op),
	    (unsigned long long)off);
	ret = nvbar_read64(h->a, off, &val);
	call_end(run);
	may_fail(run, &e, false, true, false);
	want(run, "single read", ret, &e);
	if (ret)
		return;
	ref_read(&run->ref, &h->pages, off, (uint8_t *)&should_be, 8);
	snprintf(call, sizeof(call), "nvbar_read(access[%u], ", slot_of(op));
	compare(run, "single read: data", call, off, (uint8_t *)&val, (uint8_t *)&should_be, 8);
}

void op_flush(struct run *run, const struct op *op)
{
	struct handle *h = mapped_slot(run, op);
	struct expect e = { 0 };
	int ret;

	if (!h)
		return;
	may_return(&e, 0);
	call_begin(run);
	say(run, "\tret = nvbar_flush(access[%u]);\n", slot_of(op));
	ret = nvbar_flush(h->a);
	call_end(run);
	may_fail(run, &e, false, true, false);
	want(run, "flush", ret, &e);
	if (!ret && !run->lost)
		check_landed(run);
}

/* More pages than this are slow to follow. */
#define MAX_POINTER	(1024 * PAGE)

void op_pointer(struct run *run, const struct op *op)
{
	uint64_t off, val, should_be;
	struct handle *h = mapped_slot(run, op);
	struct expect e = { 0 };
	void *ptr = NULL;
	int ret;

	if (!h || h->pages.len > MAX_POINTER || !pages_in_arena(&h->pages, 0, h->pages.len))
		return;
	off = op->n[1] * 8ull % h->pages.len;
	may_return(&e, 0);
	call_begin(run);
	say(run, "\tret = nvbar_mmap(access[%u], (void **)&ptr);\n", slot_of(op));
	ret = nvbar_mmap(h->a, &ptr);
	call_end(run);
	if (!h->ptr)
		may_fail(run, &e, false, true, false);
	want(run, "mmap", ret, &e);
	if (ret || run->lost)
		return;
	if (h->ptr && h->ptr != ptr)
		fail(run, "mmap: pointer", "another one than before");
	h->ptr = ptr;
	ref_read(&run->ref, &h->pages, off, (uint8_t *)&should_be, 8);
	memcpy(&val, h->ptr + off, 8);
	say(run, "\twant_u64(\"pointer\", *(uint64_t *)(ptr + 0x%llx), 0x%llx);\n",
	    (unsigned long long)off, (unsigned long long)should_be);
	if (val != should_be)
		fail(run, "pointer: data", "0x%llx: 0x%llx, not 0x%llx", (unsigned long long)off,
		     (unsigned long long)val, (unsigned long long)should_be);
	if (h->flags & NVBAR_MAP_RDONLY)
		return;
	fill((uint8_t *)&val, 8, op->n[2]);
	say(run, "\t*(uint64_t *)(ptr + 0x%llx) = 0x%llx;\n", (unsigned long long)off,
	    (unsigned long long)val);
	memcpy(h->ptr + off, &val, 8);
	written(run, &h->pages, off, (uint8_t *)&val, 8);
}

void op_pramin_write(struct run *run, const struct op *op)
{
	static uint8_t buf[MAX_COPY];
	uint64_t off = op->n[0] % ARENA, len = op->n[1] % MAX_COPY;
	struct pages all = { 0 };
	struct expect e = { 0 };
	int ret;

	len = len < ARENA - off ? len : ARENA - off;
	pages_add(&all, ARENA_PA, ARENA);
	fill(buf, len, op->n[2]);
	/* The two ways to VRAM know no order of each other. */
	land(run);
	may_return(&e, 0);
	call_begin(run);
	say(run, "\tfill(0x%llx, %u);\n\tret = nvbar_pramin_write(gpu, 0x%llx, buf, 0x%llx);\n",
	    (unsigned long long)len, op->n[2], (unsigned long long)(ARENA_PA + off),
	    (unsigned long long)len);
	ret = nvbar_pramin_write(run->gpu, ARENA_PA + off, buf, len);
	call_end(run);
	if (len)
		may_fail(run, &e, false, true, false);
	want(run, "PRAMIN write", ret, &e);
	written(run, &all, off, buf, len);
}

void op_pramin_read(struct run *run, const struct op *op)
{
	static uint8_t buf[MAX_COPY];
	uint64_t off = op->n[0] % ARENA, len = op->n[1] % MAX_COPY;
	struct expect e = { 0 };
	int ret;

	len = len < ARENA - off ? len : ARENA - off;
	/* The two ways to VRAM know no order of each other. */
	land(run);
	may_return(&e, 0);
	call_begin(run);
	say(run, "\tret = nvbar_pramin_read(gpu, 0x%llx, buf, 0x%llx);\n",
	    (unsigned long long)(ARENA_PA + off), (unsigned long long)len);
	ret = nvbar_pramin_read(run->gpu, ARENA_PA + off, buf, len);
	call_end(run);
	if (len)
		may_fail(run, &e, false, true, false);
	want(run, "PRAMIN read", ret, &e);
	if (!ret)
		compare(run, "PRAMIN read: data", "nvbar_pramin_read(gpu, ", ARENA_PA + off, buf,
			run->ref.arena + off, len);
}
